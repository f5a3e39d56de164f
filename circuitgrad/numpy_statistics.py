"""The circuits of NumPy's statistics: variances, averages, quantiles, entries that may be NaN."""

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
    products,
    reductions,
    sequences,
    shapes,
)
from circuitgrad.gates.broadcasting import broadcast_to
from circuitgrad.sources import as_wire, constant
from circuitgrad.wire import Wire

__all__ = ["STATISTICS"]


def _count(wire: Wire, axis: Any) -> Any:
    """How many entries there are along axes: a number, a wire where an axis has only a name."""
    axes = range(wire.ndim) if axis is None else np.atleast_1d(axis)
    sizes = tuple(wire.shape[k] for k in axes)
    if any(isinstance(size, str) for size in sizes):
        return contractions.total(broadcast_to(constant(1.0, wire.dtype), sizes))
    return math.prod(int(size) for size in sizes)


def _freedom(wire: Wire, axis: Any, ddof: float, where: str) -> Any:
    """The divisor of a sum of squared deviations.

    Raises:
        ShapeError: No entries are left after ddof of them.
    """
    count = _count(wire, axis)
    if not isinstance(count, Wire) and count <= ddof:
        raise ShapeError(
            f"np.{where}: {count} entries with ddof={ddof}; needed more entries than ddof."
        )
    return count - ddof


def _deviation(x: Any, axis: Any = None, *, ddof: float = 0, keepdims: bool = False) -> Wire:
    """A norm: where all entries are equal it has a subgradient, which a square root has not."""
    wire = as_wire(x)
    freedom = _freedom(wire, axis, ddof, "std")
    root = arithmetic.sqrt(freedom) if isinstance(freedom, Wire) else math.sqrt(freedom)
    centred = wire - reductions.mean(wire, axis, keepdims=True)
    scaled: Wire = reductions.norm(centred, axis, keepdims) / root
    return scaled


def _variance(x: Any, axis: Any = None, *, ddof: float = 0, keepdims: bool = False) -> Wire:
    wire = as_wire(x)
    freedom = _freedom(wire, axis, ddof, "var") if ddof else None
    centred = wire - reductions.mean(wire, axis, keepdims=True)
    total = reductions.mean(centred * centred, axis, keepdims)
    scaled: Wire = total if freedom is None else total * (_count(wire, axis) / freedom)
    return scaled


def _average(
    x: Any, axis: Any = None, weights: Any = None, returned: bool = False, *, keepdims: bool = False
) -> Any:
    wire = as_wire(x)
    if weights is None:
        found = reductions.mean(wire, axis, keepdims)
        return (found, found * 0.0 + _count(wire, axis)) if returned else found
    factor = as_wire(weights)
    if factor.ndim == 1 and wire.ndim > 1 and isinstance(axis, int):
        factor = factor.reshape((-1,) + (1,) * (wire.ndim - 1 - axis % wire.ndim))
    spread = broadcast_to(factor, wire.shape)
    whole = contractions.total(spread, axis, keepdims)
    found = contractions.total(wire * spread, axis, keepdims) / whole
    return (found, whole) if returned else found


def _quantile(
    x: Any, q: Any, axis: Any = None, *, method: str = "linear", keepdims: bool = False
) -> Wire:
    """Between the two sorted entries around a position, linearly, as NumPy's default method."""
    if method != "linear":
        raise SpecError(f"np.quantile: method {method!r}; on wires there is 'linear'.")
    if np.ndim(q):
        parts = [_quantile(x, part, axis, keepdims=keepdims) for part in q]
        return shapes.stack(parts)
    if not 0 <= float(q) <= 1:
        raise SpecError(f"np.quantile: quantile {float(q)!r}; needed 0 to 1.")
    wire = as_wire(x)
    if isinstance(axis, tuple):
        joined, places = sequences.last_joined(wire, axis)
        inner = _quantile(joined, q, -1)
        return contractions.expand_dims(inner, places) if keepdims else inner
    ordered = sequences.sort(wire, axis)
    place = 0 if axis is None else axis
    size = arrangements.axis_size(ordered, place, "np.quantile")
    if not size:
        raise ShapeError("np.quantile: an axis of size 0; nothing has no quantiles.")
    position = float(q) * (size - 1)
    below, above = math.floor(position), math.ceil(position)
    low = arrangements.take(ordered, below, place)
    found: Wire = low + (arrangements.take(ordered, above, place) - low) * (position - below)
    if not keepdims:
        return found
    return found.reshape(
        [1 if axis in (None, k, k - wire.ndim) else n for k, n in enumerate(wire.shape)]
    )


def _percentile(x: Any, q: Any, axis: int | None = None, **options: Any) -> Wire:
    return _quantile(x, np.asarray(q) / 100, axis, **options)


def _covariance(
    m: Any,
    y: Any = None,
    rowvar: bool = True,
    bias: bool = False,
    ddof: float | None = None,
    where: str = "cov",
) -> Wire:
    """The covariance matrix of rows (or columns) of observations, a number for one row."""
    wire = as_wire(m)
    rows = arrangements.at_least(wire, 2)
    if rows.ndim > 2:
        raise ShapeError(f"np.{where}: {wire.ndim} axes; needed 1 or 2.")
    if not rowvar and wire.ndim == 2:
        rows = rows.T
    if y is not None:
        other = arrangements.at_least(y, 2)
        if not rowvar and as_wire(y).ndim == 2:
            other = other.T
        rows = shapes.concatenate([rows, other], 0)
    freedom = _freedom(rows, 1, (0 if bias else 1) if ddof is None else ddof, where)
    centred = rows - reductions.mean(rows, 1, keepdims=True)
    found: Wire = contractions.matmul(centred, centred.T) / freedom
    return found[0, 0] if found.shape == (1, 1) else found


def _correlation(x: Any, y: Any = None, rowvar: bool = True) -> Wire:
    covariance = _covariance(x, y, rowvar, where="corrcoef")
    if not covariance.ndim:
        return covariance / covariance
    size = arithmetic.sqrt(contractions.diagonal(covariance))
    found: Wire = covariance / contractions.expand_dims(size, 1) / size
    return found


# Entries that may be NaN: left out ----------------------------------------------------------------


def _filled(wire: Wire, value: Any) -> Wire:
    found: Wire = arithmetic.where(arithmetic.equal(wire, wire), wire, value)
    return found


def _present(wire: Wire, axis: Any, keepdims: bool) -> Wire:
    return contractions.total(arithmetic.equal(wire, wire), axis, keepdims)


def _passing_over(function: Callable[..., Wire], neutral: float) -> Callable[..., Wire]:
    def reduced(x: Any, axis: Any = None, *, keepdims: bool = False) -> Wire:
        return function(_filled(as_wire(x), neutral), axis, keepdims)

    return reduced


def _chosen(function: Callable[..., Wire], neutral: float) -> Callable[..., Wire]:
    """The largest or smallest entry that is a number; NaN where there is none."""

    def reduced(x: Any, axis: Any = None, *, keepdims: bool = False) -> Wire:
        wire = as_wire(x)
        found = function(_filled(wire, neutral), axis, keepdims)
        is_none = arithmetic.equal(_present(wire, axis, keepdims), 0.0)
        result: Wire = arithmetic.where(is_none, math.nan, found)
        return result

    return reduced


def _nan_mean(x: Any, axis: Any = None, *, keepdims: bool = False) -> Wire:
    wire = as_wire(x)
    total = contractions.total(_filled(wire, 0.0), axis, keepdims)
    found: Wire = total / _present(wire, axis, keepdims)
    return found


def _nan_variance(x: Any, axis: Any = None, *, ddof: float = 0, keepdims: bool = False) -> Wire:
    wire = as_wire(x)
    centred = _filled(wire - _nan_mean(wire, axis, keepdims=True), 0.0)
    total = contractions.total(centred * centred, axis, keepdims)
    found: Wire = total / (_present(wire, axis, keepdims) - ddof)
    return found


def _nan_deviation(x: Any, axis: Any = None, *, ddof: float = 0, keepdims: bool = False) -> Wire:
    wire = as_wire(x)
    centred = _filled(wire - _nan_mean(wire, axis, keepdims=True), 0.0)
    count = _present(wire, axis, keepdims) - ddof
    found: Wire = reductions.norm(centred, axis, keepdims) / arithmetic.sqrt(count)
    return found


def _nan_to_num(
    x: Any, copy: bool = True, nan: float = 0.0, posinf: Any = None, neginf: Any = None
) -> Wire:
    wire = as_wire(x)
    limit = float(np.finfo(wire.dtype).max)
    above, below = (limit if posinf is None else posinf), (-limit if neginf is None else neginf)
    is_finite = arithmetic.less_equal(arithmetic.absolute(wire), limit)
    infinite = arithmetic.where(arithmetic.greater(wire, 0.0), float(above), float(below))
    other = arithmetic.where(arithmetic.equal(wire, wire), infinite, float(nan))
    result: Wire = arithmetic.where(is_finite, wire, other)
    return result


def _spread(x: Any, axis: Any = None, out: None = None, keepdims: bool = False) -> Wire:
    largest, smallest = (
        choose(x, axis, keepdims) for choose in (reductions.largest, reductions.smallest)
    )
    return largest - smallest


STATISTICS: Mapping[str, Callable[..., Any]] = {
    "var": _variance,
    "std": _deviation,
    "average": _average,
    "median": sequences.median,
    "quantile": _quantile,
    "percentile": _percentile,
    "cov": _covariance,
    "corrcoef": _correlation,
    "ptp": _spread,
    "nansum": _passing_over(contractions.total, 0.0),
    "nanprod": _passing_over(products.prod, 1.0),
    "nanmean": _nan_mean,
    "nanvar": _nan_variance,
    "nanstd": _nan_deviation,
    "nanmax": _chosen(reductions.largest, -math.inf),
    "nanmin": _chosen(reductions.smallest, math.inf),
    "nancumsum": lambda x, axis=None: sequences.cumsum(_filled(as_wire(x), 0.0), axis),
    "nan_to_num": _nan_to_num,
}
