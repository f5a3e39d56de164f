"""The circuits of SciPy's functions that are not ufuncs, and so never ask a wire."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from typing import Any

import numpy as np

from circuitgrad.errors import ShapeError, SpecError
from circuitgrad.gates import (
    arithmetic,
    arrangements,
    contractions,
    functions,
    gamma_functions,
    linear_algebra,
    products,
    reductions,
)
from circuitgrad.gates.broadcasting import broadcast_together
from circuitgrad.sources import as_wire, constant
from circuitgrad.spec import normalize_axes
from circuitgrad.wire import Wire

__all__ = ["LINALG", "SPECIAL"]


def _axes(wire: Wire, axis: Any) -> tuple[int, ...]:
    return normalize_axes(axis, wire.ndim, "scipy.special")


def _logsumexp(
    a: Any, axis: Any = None, b: Any = None, keepdims: bool = False, return_sign: bool = False
) -> Any:
    """log Σ b exp(a); weights of any sign."""
    wire = as_wire(a)
    if b is None:
        found = reductions.logsumexp(wire, axis, keepdims)
        return (found, found * 0.0 + 1.0) if return_sign else found
    weights = as_wire(b)
    spread, weights = broadcast_together([wire, weights], "logsumexp")
    top = reductions.largest(spread, axis, keepdims=True)
    finite = arithmetic.less(arithmetic.absolute(top), math.inf)
    shift = arithmetic.where(finite, top, 0.0)
    total = contractions.total(weights * functions.exp(spread - shift), axis, keepdims)
    level = shift if keepdims else contractions.total(shift, axis)
    if return_sign:
        sign = arithmetic.sign(total)
        return arithmetic.log(arithmetic.absolute(total)) + level, sign
    return arithmetic.log(total) + level


def _softmax(x: Any, axis: Any = None) -> Wire:
    wire = as_wire(x)
    return reductions.softmax(wire, _axes(wire, axis)) if wire.ndim else wire * 0.0 + 1.0


def _log_softmax(x: Any, axis: Any = None) -> Wire:
    wire = as_wire(x)
    return reductions.log_softmax(wire, _axes(wire, axis)) if wire.ndim else wire * 0.0


SPECIAL: Mapping[str, Callable[..., Any]] = {
    "logsumexp": _logsumexp,
    "softmax": _softmax,
    "log_softmax": _log_softmax,
    "polygamma": gamma_functions.polygamma,
    "multigammaln": gamma_functions.multigammaln,
}


# scipy.linalg -------------------------------------------------------------------------------------


def _solve_triangular(
    a: Any, b: Any, trans: Any = 0, lower: bool = False, unit_diagonal: bool = False
) -> Wire:
    wire = as_wire(a)
    linear_algebra.require_square(wire, "scipy.linalg.solve_triangular")
    size = arrangements.axis_size(wire, 0, "scipy.linalg.solve_triangular")
    if unit_diagonal:
        strict = arrangements.tril(wire, -1) if lower else arrangements.triu(wire, 1)
        matrix = strict + constant(np.eye(size), wire.dtype)
    else:
        matrix = arrangements.tril(wire) if lower else arrangements.triu(wire)
    if trans not in (0, 1, 2, "N", "T", "C"):
        raise SpecError(f"scipy.linalg.solve_triangular: trans {trans!r}; needed 0, 1 or 2.")
    return linear_algebra.solve(matrix if trans in (0, "N") else matrix.T, b)


def _solve_sylvester(a: Any, b: Any, q: Any) -> Wire:
    """X with A X + X B = Q, by the system of its entries."""
    first, second, right = as_wire(a), as_wire(b), as_wire(q)
    for wire in (first, second):
        linear_algebra.require_square(wire, "scipy.linalg.solve_sylvester")
    where = "scipy.linalg.solve_sylvester"
    rows, columns = (arrangements.axis_size(w, 0, where) for w in (first, second))
    if right.shape != (rows, columns):
        raise ShapeError(
            f"scipy.linalg.solve_sylvester: Q is {right.shape}; needed {(rows, columns)}."
        )
    left = products.kron(first, np.eye(columns)) + products.kron(np.eye(rows), second.T)
    return linear_algebra.solve(left, right.reshape(-1)).reshape((rows, columns))


def _diagonals(bands: tuple[int, int], ab: Wire) -> Wire:
    """The matrix of its diagonals, stored row by row as SciPy does."""
    below, above = bands
    size = int(ab.shape[1])
    rows, columns = np.indices((size, size))
    place = above + rows - columns
    inside = (place >= 0) & (place <= below + above)
    entries = ab[np.where(inside, place, 0), columns]
    return entries * constant(inside.astype(float), ab.dtype)


def _solve_banded(l_and_u: tuple[int, int], ab: Any, b: Any) -> Wire:
    wire = as_wire(ab)
    below, above = (int(n) for n in l_and_u)
    if wire.ndim != 2 or wire.shape[0] != below + above + 1:
        raise ShapeError(
            f"scipy.linalg.solve_banded: {wire.shape} for {below} diagonals below and {above} "
            f"above; needed {below + above + 1} rows."
        )
    return linear_algebra.solve(_diagonals((below, above), wire), b)


LINALG: Mapping[str, Callable[..., Any]] = {
    "solve_triangular": _solve_triangular,
    "solve_sylvester": _solve_sylvester,
    "solve_banded": _solve_banded,
}
