"""The sparse Hessian of the chained Rosenbrock function: tridiagonal."""

import functools

import numpy as np

from benchmarks.case import Case

TITLE = "Sparse Hessian of the Rosenbrock function"
ABOUT = (
    "`Σ 100(x_{i+1} - x_i²)² + (1 - x_i)²` by x: tridiagonal. autograd, PyTorch, JAX and PyTensor "
    "have no sparse Hessians: three Hessian-vector products give them the three diagonals, with "
    "the colours chosen by hand. CasADi finds them itself."
)
COLOURS = 3  # columns at a distance of 3 share no row


def generate(n):
    """A random point."""
    return np.random.default_rng(n).uniform(-1, 1, n)


def value(np, x):
    """The function, for NumPy and what behaves like it."""
    return np.sum(100.0 * (x[1:] - x[:-1] ** 2) ** 2 + (1.0 - x[:-1]) ** 2)


def hessian(x):
    """The diagonal and the one beside it, derived by hand."""
    diagonal = np.zeros_like(x)
    diagonal[:-1] = 1200 * x[:-1] ** 2 - 400 * x[1:] + 2
    diagonal[1:] += 200
    return diagonal, -400 * x[:-1]


def directions(n):
    """A vector of zeros and ones for each colour."""
    result = np.zeros((COLOURS, n))
    columns = np.arange(n)
    result[columns % COLOURS, columns] = 1
    return result


def diagonals(products):
    """The diagonal and the one beside it, from the Hessian's product with each direction."""
    rows = np.arange(products.shape[1])
    return products[rows % COLOURS, rows], products[(rows[:-1] + 1) % COLOURS, rows[:-1]]


def cases(*, quick):
    """100 to 100,000 variables; up to 1,000 when quick."""
    for n in (100, 1_000) if quick else (100, 1_000, 10_000, 100_000):
        x = generate(n)
        yield Case(
            "rosenbrock_hessian", f"n = {n:,}", x, functools.partial(hessian, x), tolerance=1e-10
        )
