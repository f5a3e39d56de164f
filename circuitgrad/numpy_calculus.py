"""The circuits of NumPy's functions of sampled functions and of polynomials."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from typing import Any

import numpy as np

from circuitgrad.errors import ShapeError, SpecError
from circuitgrad.gates import arithmetic, arrangements, contractions, products, sequences, shapes
from circuitgrad.gates.broadcasting import broadcast_to
from circuitgrad.sources import as_wire, constant
from circuitgrad.spec import normalize_axes
from circuitgrad.wire import Wire, has_value, known_value

__all__ = ["CALCULUS"]


def _trapezoid(y: Any, x: Any = None, dx: float = 1.0, axis: int = -1) -> Wire:
    wire = as_wire(y)
    (place,) = normalize_axes(axis, wire.ndim, "trapezoid")
    key = (slice(None),) * place
    middle = (wire[(*key, slice(1, None))] + wire[(*key, slice(None, -1))]) * 0.5
    step: Any = dx
    if x is not None:
        positions = as_wire(x)
        step = arrangements.diff(positions, axis=-1 if positions.ndim == 1 else place)
        if step.ndim == 1:
            step = step.reshape((-1,) + (1,) * (wire.ndim - 1 - place))
    return contractions.total(middle * step, place)


# The derivative by finite differences -------------------------------------------------------------


def _gradient(f: Any, *varargs: Any, axis: Any = None, edge_order: int = 1) -> Any:
    """Second-order differences of neighbours, of first or second order at the ends."""
    wire = as_wire(f)
    axes = normalize_axes(axis, wire.ndim, "gradient")
    if len(varargs) not in (0, 1, len(axes)):
        raise SpecError(
            f"np.gradient: {len(varargs)} spacings for {len(axes)} axes; needed one, or one each."
        )
    if edge_order not in (1, 2):
        raise SpecError(f"np.gradient: edge_order {edge_order!r}; needed 1 or 2.")
    spacings = varargs if len(varargs) == len(axes) else (varargs or (1.0,)) * len(axes)
    found = [
        _slope(wire, place, spacing, edge_order)
        for place, spacing in zip(axes, spacings, strict=True)
    ]
    return found[0] if len(found) == 1 else tuple(found)


def _steps(spacing: Any, size: int) -> Any:
    """The distances of neighbours: one number, or a vector of them."""
    if not np.ndim(spacing) and not isinstance(spacing, Wire):
        return float(spacing)
    wire = as_wire(spacing)
    if not wire.ndim:
        return wire
    if wire.shape != (size,):
        raise ShapeError(
            f"np.gradient: {wire.size} coordinates for an axis of size {size}; needed as many."
        )
    return arrangements.diff(wire)


def _slope(wire: Wire, place: int, spacing: Any, edge_order: int) -> Wire:
    size = arrangements.axis_size(wire, place, "np.gradient")
    if size < edge_order + 1:
        raise ShapeError(
            f"np.gradient: an axis of size {size}; needed {edge_order + 1} or more for "
            f"edge_order={edge_order}."
        )
    steps = _steps(spacing, size)
    order = [*(k for k in range(wire.ndim) if k != place), place]
    rows = wire.transpose(order)
    if size == 2:
        middle = None
    elif isinstance(steps, Wire) and steps.ndim:
        middle = _uneven(rows, steps)
    else:
        middle = (rows[..., 2:] - rows[..., :-2]) / (2.0 * steps)
    ends = [_end(rows, steps, edge_order, last) for last in (False, True)]
    parts = [ends[0], *([middle] if middle is not None else []), ends[1]]
    inverse = [order.index(k) for k in range(wire.ndim)]
    return shapes.concatenate(parts, -1).transpose(inverse)


def _uneven(rows: Wire, steps: Wire) -> Wire:
    before, after = steps[:-1], steps[1:]
    whole = before + after
    found: Wire = (
        rows[..., :-2] * (-after / (before * whole))
        + rows[..., 1:-1] * ((after - before) / (before * after))
        + rows[..., 2:] * (before / (after * whole))
    )
    return found


def _end(rows: Wire, steps: Any, edge_order: int, last: bool) -> Wire:
    is_even = not (isinstance(steps, Wire) and steps.ndim)
    near = steps if is_even else steps[-1 if last else 0]
    sign = -1.0 if last else 1.0
    first, second = (rows[..., -k - 1 if last else k, None] for k in range(2))
    if edge_order == 1:
        found: Wire = (second - first) * sign / near
        return found
    third = rows[..., -3 if last else 2, None]
    far = steps if is_even else steps[-2 if last else 1]
    whole = near + far
    found = sign * (
        first * (-(2.0 * near + far) / (near * whole))
        + second * (whole / (near * far))
        - third * (near / (far * whole))
    )
    return found


# Piecewise linear interpolation -------------------------------------------------------------------


def _interp(
    x: Any, xp: Any, fp: Any, left: Any = None, right: Any = None, period: Any = None
) -> Wire:
    """The piecewise linear function through points, constant beyond them.

    At a point the slope is the one on its right.
    """
    if period is not None:
        raise SpecError("np.interp: period= is not available on wires. Use x % period.")
    wire, places, heights = as_wire(x), as_wire(xp), as_wire(fp)
    if places.ndim != 1 or places.shape != heights.shape or places.shape[0] == 0:
        raise ShapeError(
            f"np.interp: xp is {places.shape} and fp {heights.shape}; needed two vectors of one "
            "size from 1 up."
        )
    if not has_value(places):
        raise SpecError("np.interp: xp is a wire without a value; needed known points.")
    known = np.asarray(known_value(places))
    if np.any(np.diff(known) <= 0):
        raise SpecError(
            "np.interp: the points xp are not in ascending order, or one is there twice. Sort them."
        )
    if places.size == 1:
        found = broadcast_to(heights[0], wire.shape)
    elif has_value(wire):
        found = _between_neighbours(wire, places, heights, known)
    else:
        found = _sum_of_ramps(wire, places, heights)
    if left is not None:
        found = arithmetic.where(arithmetic.less(wire, places[0]), left, found)
    if right is not None:
        found = arithmetic.where(arithmetic.greater(wire, places[-1]), right, found)
    return found


def _ramp(x: Wire, low: Wire, high: Wire) -> Wire:
    """x moved into an interval, with slope 1 at its lower end and 0 at its upper end."""
    below = arithmetic.where(arithmetic.greater_equal(x, low), x, low)
    found: Wire = arithmetic.where(arithmetic.greater_equal(x, high), high, below)
    return found


def _between_neighbours(wire: Wire, places: Wire, heights: Wire, known: Any) -> Wire:
    """Where x is known, so are the points around it."""
    below = np.clip(np.searchsorted(known, known_value(wire), "right") - 1, 0, len(known) - 2)
    low, high = places[below], places[below + 1]
    start, end = heights[below], heights[below + 1]
    inside = _ramp(wire, places[0], places[-1])
    found: Wire = start + (end - start) * ((inside - low) / (high - low))
    return found


def _sum_of_ramps(wire: Wire, places: Wire, heights: Wire) -> Wire:
    """fp₀ and the rise on each interval, as far as x has gone through it."""
    column = wire.reshape((*wire.shape, 1)) if wire.ndim else wire
    low, high = places[:-1], places[1:]
    gone = _ramp(column, low, high) - low
    slopes = (heights[1:] - heights[:-1]) / (high - low)
    found: Wire = heights[0] + contractions.total(gone * slopes, -1)
    return found


def _unwrap(p: Any, discont: Any = None, axis: int = -1, *, period: float = 2 * math.pi) -> Wire:
    """Angles with whole turns added so that neighbours are less than half a turn apart."""
    wire = as_wire(p)
    step = arrangements.diff(wire, axis=axis)
    half = period / 2
    turns = sequences.floor((step + half) / period)
    wrapped = step - period * turns
    is_edge = arithmetic.equal(wrapped, -half) * arithmetic.greater(step, 0.0)
    correction = period * (is_edge - turns)
    limit = max(half if discont is None else discont, half)
    small = arithmetic.less(arithmetic.absolute(step), limit)
    moved = sequences.cumsum(arithmetic.where(small, 0.0, correction), axis)
    (place,) = normalize_axes(axis, wire.ndim, "unwrap")
    start, rest = arrangements.split(wire, [1], place)
    return shapes.concatenate([start, rest + moved], place)


# Polynomials --------------------------------------------------------------------------------------


def _polyval(p: Any, x: Any) -> Wire:
    coefficients = as_wire(p)
    result: Any = as_wire(x) * 0.0
    for k in range(arrangements.axis_size(coefficients, 0, "np.polyval")):
        result = result * x + coefficients[k]
    return as_wire(result)


def _polyder(p: Any, m: int = 1) -> Wire:
    wire = as_wire(p)
    for _ in range(m):
        size = arrangements.axis_size(wire, 0, "np.polyder")
        wire = wire[:-1] * constant(np.arange(size - 1, 0, -1.0), wire.dtype)
    return wire


def _polyint(p: Any, m: int = 1, k: Any = 0.0) -> Wire:
    wire = as_wire(p)
    added = np.broadcast_to(np.asarray(k, dtype=float), (m,))
    for constant_of in added:
        size = arrangements.axis_size(wire, 0, "np.polyint")
        raised = wire / constant(np.arange(size, 0, -1.0), wire.dtype)
        wire = shapes.concatenate([raised, constant([constant_of], wire.dtype)])
    return wire


def _added(a: Any, b: Any, sign: float) -> Wire:
    first, second = arrangements.at_least(a, 1), arrangements.at_least(b, 1)
    size = max(first.size, second.size)
    parts = [arrangements.pad(w, [(size - w.size, 0)]) for w in (first, second)]
    found: Wire = parts[0] + sign * parts[1]
    return found


def _vandermonde(x: Any, N: int | None = None, increasing: bool = False) -> Wire:
    wire = as_wire(x)
    if wire.ndim != 1:
        raise ShapeError(f"np.vander: {wire.ndim} axes; needed a vector.")
    count = arrangements.axis_size(wire, 0, "np.vander") if N is None else int(N)
    columns = [broadcast_to(constant(1.0, wire.dtype), wire.shape)]
    while len(columns) < count:
        columns.append(columns[-1] * wire)
    kept = columns[:count]
    return shapes.stack(kept if increasing else kept[::-1], 1)


CALCULUS: Mapping[str, Callable[..., Any]] = {
    "trapezoid": _trapezoid,
    "gradient": _gradient,
    "interp": _interp,
    "unwrap": _unwrap,
    "polyval": _polyval,
    "polyder": _polyder,
    "polyint": _polyint,
    "vander": _vandermonde,
    "polymul": products.convolve,
    "polyadd": lambda a, b: _added(a, b, 1.0),
    "polysub": lambda a, b: _added(a, b, -1.0),
}
