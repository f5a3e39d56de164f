"""The Hessian of logistic regression by its weights: n weights, 2n observations."""

import functools
from dataclasses import dataclass

import numpy as np

from benchmarks.case import Case

TITLE = "Hessian of logistic regression"
ABOUT = "`Σ log(1 + exp(-y ⊙ Xw))` by w, n weights and 2n observations: n × n, dense."


@dataclass(frozen=True)
class Data:
    """Observations as rows of X, labels -1 and 1, weights."""

    X: np.ndarray
    y: np.ndarray
    w: np.ndarray


def generate(n):
    """Random observations, labels and weights."""
    source = np.random.default_rng(n)
    X = source.standard_normal((2 * n, n)) / np.sqrt(n)
    return Data(X, np.sign(source.standard_normal(2 * n)), source.standard_normal(n))


def loss(np, w, X, y):
    """The loss, for NumPy and what behaves like it."""
    return np.sum(np.logaddexp(0.0, -y * (X @ w)))


def hessian(data):
    """Xᵀ diag(σ(1 - σ)) X, derived by hand."""
    slope = 1 / (1 + np.exp(data.y * (data.X @ data.w)))
    return (data.X.T * (slope * (1 - slope))) @ data.X


def reference(data):
    """The results to compare with."""
    return (hessian(data),)


def cases(*, quick):
    """50, 200 and 500 weights; 50 when quick."""
    for n in (50,) if quick else (50, 200, 500):
        data = generate(n)
        yield Case(
            "logistic_hessian",
            f"n = {n}",
            data,
            functools.partial(reference, data),
            tolerance=1e-10,
        )
