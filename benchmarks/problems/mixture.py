"""The gradient of a Gaussian mixture's log-likelihood with a Wishart prior, from ADBench.

The problem is that of F. Srajer, Z. Kukelova, A. Fitzgibbon, "A benchmark of selected algorithmic
differentiation tools on some problems in computer vision and machine learning", 2018. A file has d,
K, n; the K log-weights; the K means; of each component the factor of its inverse covariance, as the
logarithms of the diagonal and the strict lower triangle column by column; the n observations; and
the two parameters of the prior.
"""

import functools
import math
import pathlib
from dataclasses import dataclass

import numpy as np

from benchmarks.case import Case, flat

FOLDER = pathlib.Path(__file__).resolve().parents[1] / "data"
FILES = ("gmm_d2_K5.txt", "gmm_d10_K25.txt", "gmm_d64_K5.txt")
TITLE = "Gradient of a Gaussian mixture (ADBench)"
ABOUT = (
    "The log-likelihood of n observations in d dimensions under K components, with a Wishart "
    "prior, by all parameters. The data are ADBench's for n = 1,000, drawn at random for 10,000."
)


@dataclass(frozen=True)
class Data:
    """Parameters and observations; the prior has a scale and degrees of freedom."""

    alphas: np.ndarray
    means: np.ndarray
    factors: np.ndarray
    x: np.ndarray
    scale: float
    degrees: int

    @property
    def parameters(self):
        """What is differentiated by."""
        return self.alphas, self.means, self.factors


def sizes(d, components, count):
    """The shapes of log-weights, means, factors and observations."""
    return (components,), (components, d), (components, d * (d + 1) // 2), (count, d)


def read(path):
    """The data of a file of ADBench."""
    numbers = np.array(path.read_text(encoding="ascii").split(), dtype=float)
    shapes = sizes(*(int(number) for number in numbers[:3]))
    ends = 3 + np.cumsum([math.prod(shape) for shape in shapes])
    parts = np.split(numbers, [3, *ends])
    arrays = [part.reshape(shape) for part, shape in zip(parts[1:5], shapes, strict=True)]
    return Data(*arrays, scale=float(parts[5][0]), degrees=int(parts[5][1]))


def generate(d, components, count):
    """Random data of the same kind."""
    source = np.random.default_rng(count)
    arrays = [source.standard_normal(shape) for shape in sizes(d, components, count)]
    arrays[1] = source.random(arrays[1].shape)
    return Data(*arrays, scale=1.0, degrees=0)


def positions(d):
    """Where each entry of a d × d lower factor is in [its parameters, 0]: the rest are zeros."""
    result = np.full((d, d), d * (d + 1) // 2)
    column, row = np.triu_indices(d, 1)  # the strict lower triangle, column by column
    result[row, column] = np.arange(d, d * (d + 1) // 2)
    return result


def constant(data):
    """The terms that no parameter is in."""
    components, d = data.means.shape
    freedom = d + data.degrees + 1
    gammas = sum(math.lgamma((freedom - j) / 2) for j in range(d))
    normaliser = freedom * d * (math.log(data.scale) - math.log(2) / 2)
    normaliser -= d * (d - 1) / 4 * math.log(math.pi) + gammas
    return -len(data.x) * d * math.log(2 * math.pi) / 2 - components * normaliser


def log_sum_exp(np, values):
    """The logarithm of a sum of exponentials over the first axis."""
    top = np.max(values, axis=0)
    return top + np.log(np.sum(np.exp(values - top), axis=0))


def log_likelihood(np, logsumexp, alphas, means, factors, data):
    """The function, for NumPy and what behaves like it.

    Args:
        np: The module of that name, or what has its functions.
        logsumexp: The logarithm of a sum of exponentials over the first axis.
        alphas: The log-weights.
        means: The means, as rows.
        factors: The parameters of the factors, as rows.
        data: The observations and the prior.
    """
    components, d = data.means.shape
    logarithms, lower = factors[:, :d], factors[:, d:]
    diagonal = np.exp(logarithms)
    padded = np.concatenate([factors, np.zeros((components, 1))], axis=1)
    Q = padded[:, positions(d)] + diagonal[:, :, None] * np.eye(d)
    moved = np.matmul(data.x, np.transpose(Q, (0, 2, 1)))
    moved = moved - np.einsum("kij,kj->ki", Q, means)[:, None, :]
    scores = (alphas + np.sum(logarithms, axis=1))[:, None] - 0.5 * np.sum(moved**2, axis=2)
    prior = 0.5 * data.scale**2 * (np.sum(diagonal**2) + np.sum(lower**2))
    prior = prior - data.degrees * np.sum(logarithms)
    total = np.sum(logsumexp(scores)) - len(data.x) * logsumexp(alphas)
    return constant(data) + total + prior


def value_and_gradient(data):
    """Value and the gradients by log-weights, means and factors, derived by hand."""
    (components, d), count = data.means.shape, len(data.x)
    logarithms, lower = data.factors[:, :d], data.factors[:, d:]
    diagonal, rows = np.exp(logarithms), np.arange(d)
    padded = np.concatenate([data.factors, np.zeros((components, 1))], axis=1)
    Q = padded[:, positions(d)]
    Q[:, rows, rows] = diagonal
    moved = np.matmul(data.x, Q.transpose(0, 2, 1))
    moved -= np.matmul(Q, data.means[:, :, None])[:, None, :, 0]
    scores = (data.alphas + logarithms.sum(axis=1))[:, None]
    scores = scores - 0.5 * np.einsum("kni,kni->kn", moved, moved)
    top = scores.max(axis=0)
    shares = np.exp(scores - top)
    totals = shares.sum(axis=0)
    weights = np.exp(data.alphas - data.alphas.max())
    value = constant(data) + np.sum(np.log(totals) + top)
    value -= count * (np.log(weights.sum()) + data.alphas.max())
    value += 0.5 * data.scale**2 * (np.sum(diagonal**2) + np.sum(lower**2))
    value -= data.degrees * np.sum(logarithms)

    shares /= totals
    members = shares.sum(axis=1)
    moved *= shares[:, :, None]
    pulls = moved.sum(axis=1)
    by_Q = pulls[:, :, None] * data.means[:, None, :]
    by_Q -= np.matmul(moved.transpose(0, 2, 1), data.x)
    by_diagonal = by_Q[:, rows, rows] * diagonal + data.scale**2 * diagonal**2
    by_diagonal += members[:, None] - data.degrees
    column, row = np.triu_indices(d, 1)
    by_lower = by_Q[:, row, column] + data.scale**2 * lower
    return value, [
        members - count * weights / weights.sum(),
        np.matmul(pulls[:, None, :], Q)[:, 0],
        np.concatenate([by_diagonal, by_lower], axis=1),
    ]


def reference(data):
    """The results to compare with: value and flat gradient."""
    value, gradients = value_and_gradient(data)
    return float(value), flat(gradients)


def cases(*, quick):
    """ADBench's 1,000 observations in 2, 10 and 64 dimensions, and 10,000; 2 when quick."""
    drawn = [read(FOLDER / name) for name in (FILES[:1] if quick else FILES)]
    if not quick:
        drawn.append(generate(10, 25, 10_000))
    for data in drawn:
        components, d = data.means.shape
        yield Case(
            "gmm_gradient",
            f"d = {d}, K = {components}, n = {len(data.x):,}",
            data,
            functools.partial(reference, data),
            tolerance=1e-9,
        )
