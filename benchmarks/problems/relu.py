"""The Hessian of a ten-layer ReLU network by the weights of its first layer."""

import functools
from dataclasses import dataclass

import numpy as np

from benchmarks.case import Case

LAYERS = 10
TITLE = "Hessian of a ten-layer ReLU network"
ABOUT = (
    "Ten layers of n × n weights, ReLU between them, cross-entropy of one sample, by the first "
    "weights: n² × n², dense."
)


@dataclass(frozen=True)
class Data:
    """The weights of the layers, one sample, its label one-hot."""

    weights: tuple[np.ndarray, ...]
    x: np.ndarray
    target: np.ndarray


def generate(n):
    """Random weights, and the first random sample that keeps an eighth of each layer active."""
    source = np.random.default_rng(n)
    weights = tuple(source.standard_normal((n, n)) * np.sqrt(2 / n) for _ in range(LAYERS))
    while True:
        x = source.standard_normal(n)
        hidden, active = x, []
        for W in weights[:-1]:
            hidden = np.maximum(W @ hidden, 0)
            active.append(np.count_nonzero(hidden))
        if min(active) >= max(2, n // 8):
            return Data(weights, x, np.eye(n)[source.integers(n)])


def loss(np, first, others, x, target):
    """The cross-entropy, for NumPy and what behaves like it; the scores are small."""
    hidden = np.maximum(first @ x, 0)
    for W in others[:-1]:
        hidden = np.maximum(W @ hidden, 0)
    scores = others[-1] @ hidden
    return np.log(np.sum(np.exp(scores))) - np.sum(scores * target)


def hessian(data):
    """(Aᵀ(diag(p) - p pᵀ)A) ⊗ x xᵀ, where A takes the first layer's sums to the scores.

    Between kinks the network is linear in the first weights.
    """
    hidden, A = data.x, None
    for W in data.weights[:-1]:
        sums = W @ hidden
        active = (sums > 0).astype(float)
        A = np.diag(active) if A is None else active[:, None] * (W @ A)
        hidden = sums * active
    scores, A = data.weights[-1] @ hidden, data.weights[-1] @ A
    p = np.exp(scores - scores.max())
    p /= p.sum()
    mean = p @ A
    inner = (A.T * p) @ A - np.outer(mean, mean)
    return inner[:, None, :, None] * np.outer(data.x, data.x)[:, None, :]


def reference(data):
    """The results to compare with."""
    return (hessian(data),)


def cases(*, quick):
    """8, 16 and 32 units per layer; 8 when quick."""
    for n in (8,) if quick else (8, 16, 32):
        data = generate(n)
        yield Case(
            "relu_hessian", f"n = {n}", data, functools.partial(reference, data), tolerance=1e-9
        )
