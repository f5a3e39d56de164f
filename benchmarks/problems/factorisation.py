"""The Hessian of a matrix factorisation by one factor: T is n × n, the factors n × 5."""

import functools
from dataclasses import dataclass

import numpy as np

from benchmarks.case import Case

RANK = 5
TITLE = "Hessian of a matrix factorisation"
ABOUT = (
    "`‖T - UVᵀ‖²` by U, T n × n and U n × 5: the Kronecker product `I ⊗ 2VᵀV`, as 5n × 5n entries; "
    "*structured* keeps it a product, which can be multiplied with and solved."
)


@dataclass(frozen=True)
class Data:
    """The matrix and its two factors."""

    T: np.ndarray
    U: np.ndarray
    V: np.ndarray


def generate(n):
    """A random matrix and random factors."""
    source = np.random.default_rng(n)
    shapes = (n, n), (n, RANK), (n, RANK)
    return Data(*(source.standard_normal(shape) for shape in shapes))


def loss(np, U, V, T):
    """The squared distance, for NumPy and what behaves like it."""
    return np.sum((T - U @ V.T) ** 2)


def hessian(data):
    """2VᵀV in each of the n diagonal blocks; axes (n, 5, n, 5)."""
    n = len(data.U)
    result = np.zeros((n, RANK, n, RANK))
    rows = np.arange(n)
    result[rows, :, rows, :] = 2 * (data.V.T @ data.V)
    return result


def reference(data):
    """The results to compare with."""
    return (hessian(data),)


def cases(*, quick):
    """50, 100 and 200 rows; 50 when quick."""
    for n in (50,) if quick else (50, 100, 200):
        data = generate(n)
        yield Case(
            "factorisation_hessian",
            f"n = {n}",
            data,
            functools.partial(reference, data),
            tolerance=1e-10,
        )
