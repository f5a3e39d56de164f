"""What is measured: a case of a problem, and the three steps a library takes to solve it."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np


@dataclass(frozen=True)
class Case:
    """One problem at one size.

    Attributes:
        problem: Its name; a library solves it with its function of that name.
        label: The size, as the page prints it.
        data: The inputs, as NumPy arrays and numbers.
        reference: The results derived by hand: value and flat gradient, or a Hessian.
        tolerance: The largest error that counts as right, relative to the largest entry.
    """

    problem: str
    label: str
    data: Any
    reference: Callable[[], tuple[Any, ...]]
    tolerance: float


@dataclass(frozen=True)
class Solution:
    """How a library solves a case: up to three steps, timed apart.

    Attributes:
        evaluate: What compile returned, once: the results in the library's own form. This is what
            a training loop repeats.
        result: The results as the reference has them; never timed.
        build: The graph of the value. None where the library builds it in every evaluation.
        compile: From what build returned, everything that comes before the second evaluation:
            derivative, code, first call. None where there is no such step.
    """

    evaluate: Callable[[Any], Any]
    result: Callable[[Any], tuple[Any, ...]]
    build: Callable[[], Any] | None = None
    compile: Callable[[Any], Any] | None = None


def flat(arrays):
    """One float64 vector of all entries."""
    return np.concatenate([np.asarray(array, dtype=float).ravel() for array in arrays])


def error(found, expected):
    """Largest difference of the results, each relative to its largest reference entry."""
    worst = 0.0
    for got, want in zip(found, expected, strict=True):
        got, want = np.asarray(got, dtype=float), np.asarray(want, dtype=float)
        if got.shape != want.shape or not np.all(np.isfinite(got)):
            return np.inf
        worst = max(worst, float(np.max(np.abs(got - want)) / np.max(np.abs(want))))
    return worst
