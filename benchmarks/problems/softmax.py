"""The Hessian of softmax regression (cross-entropy) by its matrix of weights."""

import functools
from dataclasses import dataclass

import numpy as np

from benchmarks.case import Case

TITLE = "Hessian of softmax regression"
ABOUT = "The cross-entropy of `softmax(XW)` by W, p features and c classes: pc × pc, dense."


@dataclass(frozen=True)
class Data:
    """Observations as rows of X, labels one-hot as rows of Y, weights."""

    X: np.ndarray
    Y: np.ndarray
    W: np.ndarray


def generate(features, classes, count):
    """Random observations, labels and weights."""
    source = np.random.default_rng(features)
    X = source.standard_normal((count, features))
    W = source.standard_normal((features, classes)) / np.sqrt(features)
    return Data(X, np.eye(classes)[source.integers(classes, size=count)], W)


def loss(np, W, X, Y):
    """The cross-entropy, for NumPy and what behaves like it; the scores are small."""
    scores = X @ W
    return np.sum(np.log(np.sum(np.exp(scores), axis=1))) - np.sum(scores * Y)


def hessian(data):
    """Σ_n x xᵀ ⊗ (diag(p) - p pᵀ), derived by hand; axes (features, classes) twice."""
    X, (features, classes) = data.X, data.W.shape
    scores = X @ data.W
    p = np.exp(scores - scores.max(axis=1, keepdims=True))
    p /= p.sum(axis=1, keepdims=True)
    rows = (X[:, :, None] * p[:, None, :]).reshape(len(X), -1)
    result = -(rows.T @ rows).reshape(features, classes, features, classes)
    for a in range(classes):
        result[:, a, :, a] += (X.T * p[:, a]) @ X
    return result


def reference(data):
    """The results to compare with."""
    return (hessian(data),)


def cases(*, quick):
    """20 and 50 features with 5 and 10 classes; the small one when quick."""
    for sizes in ((20, 5, 200),) if quick else ((20, 5, 200), (50, 10, 500)):
        data = generate(*sizes)
        yield Case(
            "softmax_hessian",
            "p = {}, c = {}, {} observations".format(*sizes),
            data,
            functools.partial(reference, data),
            tolerance=1e-10,
        )
