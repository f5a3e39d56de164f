"""The circuits of NumPy's functions that are not ufuncs."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from typing import Any

import numpy as np

from circuitgrad.errors import SpecError
from circuitgrad.gates import (
    arithmetic,
    arrangements,
    contractions,
    products,
    reductions,
    sequences,
    shapes,
    special,
)
from circuitgrad.gates.broadcasting import broadcast_to, broadcast_together
from circuitgrad.gates.from_einsum import einsum
from circuitgrad.numpy_linalg import LINALG
from circuitgrad.sources import as_wire, constant
from circuitgrad.spec import normalize_axes
from circuitgrad.wire import Wire

__all__ = ["FUNCTIONS"]

_COMPARISONS = (
    arithmetic.greater, arithmetic.greater_equal, arithmetic.less, arithmetic.less_equal,
    arithmetic.equal, arithmetic.not_equal,
)  # fmt: skip


def _where(condition: Any, x: Any = None, y: Any = None) -> Wire:
    if x is None or y is None:
        raise SpecError("np.where: got one argument; needed np.where(condition, x, y).")
    if not isinstance(condition, Wire):
        condition = constant(np.asarray(condition, dtype=bool))
    elif condition.gate not in _COMPARISONS:
        condition = arithmetic.not_equal(condition, 0.0)
    result: Wire = arithmetic.where(condition, x, y)
    return result


def _clip(x: Any, a_min: Any = None, a_max: Any = None, **bounds: Any) -> Wire:
    low = bounds.pop("min", a_min)
    high = bounds.pop("max", a_max)
    if bounds:
        raise SpecError(f"np.clip: option {next(iter(bounds))}= is not available on wires.")
    if low is not None and high is not None:
        return arithmetic.clip(x, low, high)  # type: ignore[no-any-return]
    if low is not None:
        return arithmetic.maximum(x, low)  # type: ignore[no-any-return]
    return as_wire(x) if high is None else arithmetic.minimum(x, high)


def _einsum(*operands: Any, **options: Any) -> Wire:
    if not operands or not isinstance(operands[0], str):
        raise SpecError("np.einsum: give the subscripts first, as in np.einsum('ij,j->i', A, x).")
    options.pop("optimize", None)
    if options:
        raise SpecError(f"np.einsum: option {next(iter(options))}= is not available on wires.")
    return einsum(operands[0], *(as_wire(x) for x in operands[1:]))


def _reduction(function: Callable[..., Wire], name: str, *positional: str) -> Callable[..., Wire]:
    """A reduction with the order of arguments that NumPy's has after the axis."""

    def reduced(x: Any, axis: Any = None, *given: Any, **options: Any) -> Wire:
        options |= dict(zip(positional, given, strict=False))
        keepdims = bool(options.pop("keepdims", False))
        extra = [option for option, value in options.items() if value is not None]
        if extra or len(given) > len(positional):
            told = extra[0] if extra else "a further argument"
            raise SpecError(f"np.{name}: these options are not available on wires: {told}.")
        return function(x, axis, keepdims)

    return reduced


def _moved(x: Any, source: int, destination: int) -> Wire:
    wire = as_wire(x)
    (start,) = normalize_axes(source, wire.ndim, "moveaxis")
    (place,) = normalize_axes(destination, wire.ndim, "moveaxis")
    order = [k for k in range(wire.ndim) if k != start]
    order.insert(place, start)
    return contractions.transpose(wire, order)


def _swapped(x: Any, axis1: int, axis2: int) -> Wire:
    wire = as_wire(x)
    (first,) = normalize_axes(axis1, wire.ndim, "swapaxes")
    (second,) = normalize_axes(axis2, wire.ndim, "swapaxes")
    order = list(range(wire.ndim))
    order[first], order[second] = second, first
    return contractions.transpose(wire, order)


def _deviation(x: Any, axis: Any = None, *, ddof: float = 0, keepdims: bool = False) -> Wire:
    """A norm: where all entries are equal it has a subgradient, which a square root has not."""
    wire = as_wire(x)
    centred = wire - reductions.mean(wire, axis, keepdims=True)
    scaled: Wire = reductions.norm(centred, axis, keepdims) / math.sqrt(_count(wire, axis) - ddof)
    return scaled


def _variance(x: Any, axis: Any = None, *, ddof: float = 0, keepdims: bool = False) -> Wire:
    wire = as_wire(x)
    centred = wire - reductions.mean(wire, axis, keepdims=True)
    total = reductions.mean(centred * centred, axis, keepdims)
    if not ddof:
        return total
    count = _count(wire, axis)
    scaled: Wire = total * (count / (count - ddof))
    return scaled


def _like(value: float) -> Callable[..., Wire]:
    def filled(x: Any) -> Wire:
        wire = as_wire(x)
        return broadcast_to(constant(value, wire.dtype), wire.shape)

    return filled


def _joined(axis: int, rank: int) -> Callable[..., Wire]:
    def join(wires: Any) -> Wire:
        lifted = [arrangements.at_least(wire, rank) for wire in wires]
        return shapes.concatenate(lifted, axis if lifted[0].ndim > axis else 0)

    return join


def _columns(wires: Any) -> Wire:
    parts = [as_wire(wire) for wire in wires]
    return shapes.concatenate([w.reshape((-1, 1)) if w.ndim == 1 else w for w in parts], 1)


def _average(x: Any, axis: Any = None, weights: Any = None, *, keepdims: bool = False) -> Wire:
    if weights is None:
        return reductions.mean(x, axis, keepdims)
    wire, factor = as_wire(x), as_wire(weights)
    if factor.ndim == 1 and wire.ndim > 1 and isinstance(axis, int):
        factor = factor.reshape((-1,) + (1,) * (wire.ndim - 1 - axis % wire.ndim))
    total = contractions.total
    spread = broadcast_to(factor, wire.shape)
    found: Wire = total(wire * spread, axis, keepdims) / total(spread, axis, keepdims)
    return found


def _count(wire: Wire, axis: Any) -> int:
    axes = range(wire.ndim) if axis is None else np.atleast_1d(axis)
    return math.prod(int(wire.shape[k]) for k in axes)


def _cumulative_product(x: Any, axis: int | None = None) -> Wire:
    """Products up to each entry, by doubling steps: no division, so zeros are nothing special."""
    wire = as_wire(x)
    if axis is None:
        wire, axis = wire.reshape(-1), 0
    order = list(range(wire.ndim))
    order[axis], order[-1] = order[-1], order[axis]
    result, step = wire.transpose(order), 1
    while step < int(result.shape[-1]):
        later = result[..., step:] * result[..., :-step]
        result = shapes.concatenate([result[..., :step], later], -1)
        step *= 2
    return result.transpose(order)


def _nan_to_num(x: Any, copy: bool = True, nan: float = 0.0, **limits: Any) -> Wire:
    wire = as_wire(x)
    if wire.known is None:
        raise SpecError(
            "np.nan_to_num: a wire has no value while a circuit is built. "
            "Use np.where(condition, x, 0.0) with a condition of your own."
        )
    filled = np.nan_to_num(wire.known, nan=nan, **limits)
    result: Wire = arithmetic.where(
        constant(np.isfinite(wire.known), wire.dtype), wire, constant(filled, wire.dtype)
    )
    return result


def _round(x: Any, decimals: int = 0) -> Wire:
    wire = as_wire(x)
    if not decimals:
        return sequences.rounded(wire)
    scale = 10.0**decimals
    found: Wire = sequences.rounded(wire * scale) / scale
    return found


def _select(conditions: Any, choices: Any, default: Any = 0.0) -> Wire:
    result: Any = default
    for condition, choice in reversed(list(zip(conditions, choices, strict=True))):
        result = _where(condition, choice, result)
    return as_wire(result)


def _linspace(start: Any, stop: Any, num: int = 50, endpoint: bool = True) -> Wire:
    first, last = as_wire(start), as_wire(stop)
    steps = constant(np.linspace(0.0, 1.0, num, endpoint=endpoint))
    return as_wire(
        contractions.outer(1.0 - steps, first) + contractions.outer(steps, last)
    ).reshape((num, *(first + last).shape))


def _polyval(p: Any, x: Any) -> Wire:
    coefficients = as_wire(p)
    result: Any = 0.0
    for k in range(int(coefficients.shape[0])):
        result = result * x + coefficients[k]
    return as_wire(result)


def _trapezoid(y: Any, x: Any = None, dx: float = 1.0, axis: int = -1) -> Wire:
    wire = as_wire(y)
    (place,) = (axis % wire.ndim,)
    key = (slice(None),) * place
    middle = (wire[(*key, slice(1, None))] + wire[(*key, slice(None, -1))]) * 0.5
    step: Any = dx
    if x is not None:
        step = arrangements.diff(x)
        if step.ndim == 1:
            step = step.reshape((-1,) + (1,) * (wire.ndim - 1 - place))
    return contractions.total(middle * step, place)


def _along(x: Any, indices: Any, axis: int | None = -1) -> Wire:
    wire = as_wire(x)
    if axis is None:
        return wire.reshape(-1)[np.asarray(indices)]
    positions = np.asarray(indices)
    grid = list(np.ogrid[tuple(slice(n) for n in positions.shape)])
    grid[axis] = positions
    return wire[tuple(np.broadcast_arrays(*grid))]


def _delete(x: Any, obj: Any, axis: int | None = None) -> Wire:
    wire = as_wire(x)
    size = wire.size if axis is None else int(wire.shape[axis])
    return arrangements.take(wire, np.delete(np.arange(size), obj), axis)


def _compress(condition: Any, x: Any, axis: int | None = None) -> Wire:
    return arrangements.take(x, np.flatnonzero(condition), axis)


def _meshgrid(*wires: Any, indexing: str = "xy") -> list[Wire]:
    vectors = [as_wire(wire).reshape(-1) for wire in wires]
    swap = indexing == "xy" and len(vectors) > 1
    order = [1, 0, *range(2, len(vectors))] if swap else list(range(len(vectors)))
    shape = tuple(vectors[k].shape[0] for k in order)
    found = []
    for k, vector in enumerate(vectors):
        place = order.index(k)
        found.append(broadcast_to(vector.reshape((-1,) + (1,) * (len(order) - place - 1)), shape))
    return found


def _cross(a: Any, b: Any) -> Wire:
    first, second = as_wire(a), as_wire(b)
    if first.shape[-1:] != (3,) or second.shape[-1:] != (3,):
        raise SpecError("np.cross: needed vectors of 3 entries on the last axis of both operands.")
    ahead, behind = [1, 2, 0], [2, 0, 1]
    found: Wire = first[..., ahead] * second[..., behind] - first[..., behind] * second[..., ahead]
    return found


def _quantile(x: Any, q: Any, axis: int | None = None) -> Wire:
    """Between the two sorted entries around a position, linearly, as NumPy's default method."""
    if np.ndim(q):
        return shapes.stack([_quantile(x, part, axis) for part in q])
    wire = as_wire(x)
    ordered = sequences.sort(wire, axis)
    place = 0 if axis is None else axis
    position = float(q) * (int(ordered.shape[place]) - 1)
    below, above = math.floor(position), math.ceil(position)
    low = arrangements.take(ordered, below, place)
    found: Wire = low + (arrangements.take(ordered, above, place) - low) * (position - below)
    return found


def _broadcast_arrays(*wires: Any) -> list[Wire]:
    return list(broadcast_together([as_wire(wire) for wire in wires], "broadcast_arrays"))


FUNCTIONS: Mapping[str, Callable[..., Any]] = {
    "sum": _reduction(contractions.total, "sum", "dtype", "out", "keepdims"),
    "mean": _reduction(reductions.mean, "mean", "dtype", "out", "keepdims"),
    "max": _reduction(reductions.largest, "max", "out", "keepdims"),
    "amax": _reduction(reductions.largest, "amax", "out", "keepdims"),
    "min": _reduction(reductions.smallest, "min", "out", "keepdims"),
    "amin": _reduction(reductions.smallest, "amin", "out", "keepdims"),
    "var": _variance,
    "std": _deviation,
    "where": _where,
    "clip": _clip,
    "dot": contractions.dot,
    "vdot": lambda a, b: contractions.dot(as_wire(a).reshape(-1), as_wire(b).reshape(-1)),
    "inner": lambda a, b: contractions.dot(a, as_wire(b).T),
    "outer": contractions.outer,
    "einsum": _einsum,
    "trace": contractions.trace,
    "diag": contractions.diag,
    "diagonal": contractions.diagonal,
    "transpose": contractions.transpose,
    "swapaxes": _swapped,
    "moveaxis": _moved,
    "reshape": shapes.reshape,
    "ravel": lambda x: as_wire(x).reshape(-1),
    "squeeze": contractions.squeeze,
    "expand_dims": contractions.expand_dims,
    "broadcast_to": contractions.broadcast,
    "concatenate": shapes.concatenate,
    "stack": shapes.stack,
    "vstack": _joined(0, 2),
    "hstack": _joined(1, 1),
    "zeros_like": _like(0.0),
    "ones_like": _like(1.0),
    "shape": lambda x: x.shape,
    "ndim": lambda x: x.ndim,
    "size": lambda x: x.size,
    "prod": _reduction(products.prod, "prod", "dtype", "out", "keepdims"),
    "cumsum": sequences.cumsum,
    "cumprod": _cumulative_product,
    "average": _average,
    "median": sequences.median,
    "ptp": lambda x, axis=None, keepdims=False: (
        reductions.largest(x, axis, keepdims) - reductions.smallest(x, axis, keepdims)
    ),
    "diff": arrangements.diff,
    "trapezoid": _trapezoid,
    "sort": sequences.sort,
    "partition": sequences.partition,
    "take": arrangements.take,
    "take_along_axis": _along,
    "delete": _delete,
    "compress": _compress,
    "extract": _compress,
    "flip": arrangements.flip,
    "fliplr": lambda x: arrangements.flip(x, 1),
    "flipud": lambda x: arrangements.flip(x, 0),
    "roll": arrangements.roll,
    "rot90": arrangements.rot90,
    "repeat": arrangements.repeat,
    "tile": arrangements.tile,
    "pad": arrangements.pad,
    "append": arrangements.append,
    "tril": arrangements.tril,
    "triu": arrangements.triu,
    "split": arrangements.split,
    "array_split": lambda x, parts, axis=0: arrangements.split(x, parts, axis, equal=False),
    "vsplit": lambda x, parts: arrangements.split(x, parts, 0),
    "hsplit": lambda x, parts: arrangements.split(x, parts, int(as_wire(x).ndim > 1)),
    "dsplit": lambda x, parts: arrangements.split(x, parts, 2),
    "column_stack": _columns,
    "dstack": _joined(2, 3),
    "atleast_1d": lambda x: arrangements.at_least(x, 1),
    "atleast_2d": lambda x: arrangements.at_least(x, 2),
    "atleast_3d": lambda x: arrangements.at_least(x, 3),
    "full_like": lambda x, value: arrangements.full(as_wire(x).shape, value),
    "copy": as_wire,
    "real": as_wire,
    "real_if_close": as_wire,
    "rollaxis": lambda x, axis, start=0: _moved(
        x, axis, start - (axis % as_wire(x).ndim < start % (as_wire(x).ndim + 1))
    ),
    "kron": products.kron,
    "tensordot": products.tensordot,
    "convolve": products.convolve,
    "sinc": special.sinc,
    "round": _round,
    "around": _round,
    "nan_to_num": _nan_to_num,
    "select": _select,
    "linspace": _linspace,
    "polyval": _polyval,
    "meshgrid": _meshgrid,
    "broadcast_arrays": _broadcast_arrays,
    "cross": _cross,
    "quantile": _quantile,
    "percentile": lambda x, q, axis=None: _quantile(x, np.asarray(q) / 100, axis),
    **LINALG,
}
