"""The values of random matrix formulas in 50-digit arithmetic."""

import mpmath
import numpy as np

from tests.matrix_formulas import FACTS, INPUTS

DIGITS = 50


def mapped(function):
    return lambda a: np.vectorize(function, otypes=[object])(a)


def _inverse(a):
    found = mpmath.matrix(a.tolist()) ** -1
    return np.array(found.tolist(), dtype=object).reshape(a.shape)


def _softmax(a):
    weights = mapped(mpmath.exp)(a)
    return weights / weights.sum()


VALUES = {
    "negative": lambda a: -a,
    "T": lambda a: a.T,
    "+": lambda a, b: a + b,
    "-": lambda a, b: a - b,
    "*": lambda a, b: a * b,
    "/": lambda a, b: a / b,
    "@": lambda a, b: a @ b,
    "sum": lambda a: a.sum(),
    "trace": lambda a: np.trace(a),
    "outer": lambda a, b: np.multiply.outer(a, b),
    "diag": lambda a: np.diag(a) + mpmath.mpf(0),
    "inv": _inverse,
    "norm": lambda a: mpmath.sqrt((a * a).sum()),
    "softmax": _softmax,
    "exp": mapped(mpmath.exp),
    "tanh": mapped(mpmath.tanh),
    "sin": mapped(mpmath.sin),
    "cos": mapped(mpmath.cos),
    "sigmoid": mapped(lambda t: 1 / (1 + mpmath.exp(-t))),
    "log": mapped(mpmath.log),
    "abs": mapped(abs),
}


class NoValueError(Exception):
    """The formula has no value at a point."""


def value(tree, point, sizes):
    """The value as an array of 50-digit numbers."""
    try:
        with mpmath.workdps(DIGITS):
            return np.asarray(_value(tree, point, sizes), dtype=object)
    except (ZeroDivisionError, OverflowError, ValueError, TypeError):
        raise NoValueError from None


def _value(tree, point, sizes):
    kind, axes, *operands = tree
    if kind == "input":
        return point[operands[0]]
    if kind == "number":
        return mpmath.mpf(operands[0].numerator) / operands[0].denominator
    if kind in ("eye", "ones"):
        filled = np.eye(sizes[axes[0]]) if kind == "eye" else np.ones(sizes[axes[0]])
        return mapped(lambda v: mpmath.mpf(int(v)))(filled)
    if kind == "power":
        return _value(operands[0], point, sizes) ** int(operands[1][2])
    values = [np.asarray(_value(part, point, sizes), dtype=object) for part in operands]
    found = VALUES[kind](*values)
    return found[()] if isinstance(found, np.ndarray) and not found.ndim else found


def random_point(choose, sizes):
    """Exact numbers of no particular relation that have the facts of the inputs."""
    point = {}
    for name, axes in INPUTS.items():
        shape = tuple(sizes[axis] for axis in axes)
        draws = [mpmath.mpf(choose.randint(-1997, 1997)) / 1009 for _ in range(int(np.prod(shape)))]
        array = np.array(draws, dtype=object).reshape(shape)
        point[name] = array + array.T if FACTS.get(name) == "symmetric" else array
    return point
