"""The circuits of NumPy's functions that are not ufuncs."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from typing import Any

import numpy as np

from circuitgrad.errors import ShapeError, SpecError
from circuitgrad.gates import (
    arithmetic,
    arrangements,
    bessel_functions,
    casting,
    contractions,
    matrices,
    products,
    reductions,
    sequences,
    shapes,
    special,
)
from circuitgrad.gates.broadcasting import broadcast_to, broadcast_together
from circuitgrad.gates.from_einsum import einsum
from circuitgrad.numpy_calculus import CALCULUS
from circuitgrad.numpy_linalg import LINALG
from circuitgrad.numpy_statistics import STATISTICS
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


def _like(value: float) -> Callable[..., Wire]:
    def filled(x: Any, dtype: Any = None, order: str = "K", subok: bool = True) -> Wire:
        wire = as_wire(x)
        return broadcast_to(constant(value, dtype or wire.dtype), wire.shape)

    return filled


def _full_like(x: Any, fill_value: Any, dtype: Any = None) -> Wire:
    wire = as_wire(x)
    return broadcast_to(as_wire(fill_value, dtype or wire.dtype), wire.shape)


def _angle(x: Any, deg: bool = False) -> Wire:
    """Of a real number: 0, or half a turn where it is negative."""
    found: Wire = (180.0 if deg else math.pi) * arithmetic.less(x, 0.0)
    return found


def _shifted(sign: int) -> Callable[..., Wire]:
    def shift(x: Any, axes: Any = None) -> Wire:
        wire = as_wire(x)
        places = normalize_axes(axes, wire.ndim, "fftshift")
        sizes = [arrangements.axis_size(wire, k, "np.fft.fftshift") for k in places]
        amounts = [n // 2 if sign > 0 else -(n // 2) for n in sizes]
        return arrangements.roll(wire, amounts, list(places)) if places else wire

    return shift


def _insert(x: Any, obj: Any, values: Any, axis: int | None = None) -> Wire:
    wire = as_wire(x)
    if axis is None:
        wire, axis = wire.reshape(-1), 0
    if np.ndim(obj) or not isinstance(obj, int | np.integer):
        raise SpecError(f"np.insert: position {obj!r}; needed one whole number. Use concatenate.")
    (place,) = normalize_axes(axis, wire.ndim, "insert")
    size = arrangements.axis_size(wire, place, "np.insert")
    if not -size <= obj <= size:
        raise ShapeError(f"np.insert: position {obj}; needed {-size} to {size}.")
    before, after = arrangements.split(wire, [int(obj) + (size if obj < 0 else 0)], place)
    shape = [*wire.shape]
    added = as_wire(values, wire.dtype)
    shape[place] = added.shape[place] if added.ndim == wire.ndim else 1
    return shapes.concatenate([before, broadcast_to(added, tuple(shape)), after], place)


def _block(arrays: Any) -> Wire:
    """Rows of blocks, joined along the last axes as numpy.block does."""
    depth, level = 0, arrays
    while isinstance(level, list):
        depth, level = depth + 1, level[0]
    rank = max(depth, as_wire(level).ndim)
    return _joined_blocks(arrays, depth, rank)


def _joined_blocks(blocks: Any, depth: int, rank: int) -> Wire:
    if not isinstance(blocks, list):
        wire = as_wire(blocks)
        return wire.reshape((1,) * (rank - wire.ndim) + wire.shape)
    parts = [_joined_blocks(block, depth - 1, rank) for block in blocks]
    return shapes.concatenate(parts, -depth)


def _unstacked(x: Any, *, axis: int = 0) -> tuple[Wire, ...]:
    wire = as_wire(x)
    (place,) = normalize_axes(axis, wire.ndim, "unstack")
    size = arrangements.axis_size(wire, place, "np.unstack")
    return tuple(arrangements.take(wire, k, place) for k in range(size))


def _piecewise(x: Any, condlist: Any, funclist: Any, *args: Any, **kw: Any) -> Wire:
    """Where several conditions hold, the last of them counts, as in numpy.piecewise."""
    wire = as_wire(x)
    conditions = list(condlist) if isinstance(condlist, list | tuple) else [condlist]
    if len(funclist) not in (len(conditions), len(conditions) + 1):
        raise SpecError(
            f"np.piecewise: {len(funclist)} functions for {len(conditions)} conditions; needed as "
            "many, or one more."
        )
    values = [f(wire, *args, **kw) if callable(f) else f for f in funclist]
    result: Any = values[-1] if len(values) > len(conditions) else 0.0
    for condition, value in zip(conditions, values, strict=False):
        result = _where(condition, value, result)
    return broadcast_to(as_wire(result, wire.dtype), wire.shape)


def _joined(axis: int, rank: int) -> Callable[..., Wire]:
    def join(wires: Any) -> Wire:
        lifted = [arrangements.at_least(wire, rank) for wire in wires]
        return shapes.concatenate(lifted, axis if lifted[0].ndim > axis else 0)

    return join


def _columns(wires: Any) -> Wire:
    parts = [as_wire(wire) for wire in wires]
    return shapes.concatenate([w.reshape((-1, 1)) if w.ndim == 1 else w for w in parts], 1)


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


def _broadcast_arrays(*wires: Any) -> list[Wire]:
    return list(broadcast_together([as_wire(wire) for wire in wires], "broadcast_arrays"))


FUNCTIONS: Mapping[str, Callable[..., Any]] = {
    "sum": _reduction(contractions.total, "sum", "dtype", "out", "keepdims"),
    "mean": _reduction(reductions.mean, "mean", "dtype", "out", "keepdims"),
    "max": _reduction(reductions.largest, "max", "out", "keepdims"),
    "amax": _reduction(reductions.largest, "amax", "out", "keepdims"),
    "min": _reduction(reductions.smallest, "min", "out", "keepdims"),
    "amin": _reduction(reductions.smallest, "amin", "out", "keepdims"),
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
    "diff": arrangements.diff,
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
    "full_like": _full_like,
    "empty_like": _like(0.0),
    "astype": casting.astype,
    "angle": _angle,
    "imag": lambda x: _like(0.0)(x),
    "fft.fftshift": _shifted(1),
    "fft.ifftshift": _shifted(-1),
    "correlate": lambda a, v, mode="valid": products.convolve(a, arrangements.flip(v), mode),
    "insert": _insert,
    "block": _block,
    "unstack": _unstacked,
    "piecewise": _piecewise,
    "fix": lambda x: sequences.truncated(as_wire(x)),
    "matrix_transpose": lambda x: matrices.turned(as_wire(x)),
    "diagflat": lambda x: contractions.diag(as_wire(x).reshape(-1)),
    "cumulative_sum": lambda x, *, axis=None: sequences.cumsum(x, axis),
    "cumulative_prod": lambda x, *, axis=None: _cumulative_product(x, axis),
    "resize": lambda x, shape: as_wire(x).reshape(-1)[np.resize(np.arange(as_wire(x).size), shape)],
    "ediff1d": lambda x: arrangements.diff(as_wire(x).reshape(-1)),
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
    "i0": lambda x: bessel_functions.iv(0, x),
    "round": _round,
    "around": _round,
    "select": _select,
    "linspace": _linspace,
    "meshgrid": _meshgrid,
    "broadcast_arrays": _broadcast_arrays,
    "cross": _cross,
    **STATISTICS,
    **CALCULUS,
    **LINALG,
}
