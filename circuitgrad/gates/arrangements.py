"""NumPy's ways to rearrange an array, on the gates for indices: no gates of their own."""

from __future__ import annotations

import itertools
from collections.abc import Iterable, Sequence
from typing import Any

import numpy as np

from circuitgrad.errors import ShapeError, SpecError
from circuitgrad.gates import arithmetic
from circuitgrad.gates.broadcasting import broadcast_to
from circuitgrad.gates.shapes import concatenate, expand_dims, index, scatter
from circuitgrad.sources import as_wire, constant
from circuitgrad.spec import format_shape, normalize_axes
from circuitgrad.wire import Operand, Wire, describe

__all__ = [
    "append", "at_least", "axis_size", "diff", "flip", "full", "pad", "repeat", "roll", "rot90",
    "split", "take", "tile", "tril", "triu",
]  # fmt: skip


def _sizes(wire: Wire, where: str) -> tuple[int, ...]:
    if any(isinstance(axis, str) for axis in wire.shape):
        raise ShapeError(
            f"{where}: {describe(wire)} is {format_shape(wire.shape)}; axes with names have no "
            "size yet. Give integer sizes to the inputs."
        )
    return tuple(int(axis) for axis in wire.shape)


def axis_size(wire: Wire, axis: int, where: str) -> int:
    """The size of an axis; ShapeError where it has only a name."""
    size = wire.shape[axis]
    if isinstance(size, str):
        raise ShapeError(
            f"{where}: axis '{size}' of {describe(wire)} has no size yet. Give an integer size to "
            "the input."
        )
    return int(size)


def _along(wire: Wire, axis: int, part: Any) -> Wire:
    (place,) = normalize_axes(axis, wire.ndim, f"index of {describe(wire)}")
    return index(wire, (*(slice(None),) * place, part))


def take(x: Operand, indices: Any, axis: int | None = None, mode: str = "raise") -> Wire:
    """The entries at the positions given along an axis (of the flat array by default)."""
    wire = as_wire(x)
    if mode not in ("raise", "wrap", "clip"):
        raise SpecError(f"take: mode {mode!r}; known are 'raise', 'wrap' and 'clip'.")
    if axis is None:
        wire, axis = wire.reshape(-1), 0
    positions = np.asarray(indices)
    size = _sizes(wire, "take")[axis]
    if mode == "wrap":
        positions = positions % size
    elif mode == "clip":
        positions = np.clip(positions, 0, size - 1)
    return _along(wire, axis, int(positions) if positions.ndim == 0 else positions)


def flip(x: Operand, axis: int | Iterable[int] | None = None) -> Wire:
    """The entries in reverse order along the axes given (all by default)."""
    wire = as_wire(x)
    axes = normalize_axes(axis, wire.ndim, f"flip of {describe(wire)}")
    if not axes:
        return wire
    turned = tuple(slice(None, None, -1) if k in axes else slice(None) for k in range(wire.ndim))
    return index(wire, turned)


def roll(x: Operand, shift: Any, axis: Any = None) -> Wire:
    """The entries moved along an axis, those that leave at one end entering at the other."""
    wire = as_wire(x)
    if axis is None:
        return roll(wire.reshape(-1), shift, 0).reshape(_sizes(wire, "roll"))
    shifts, axes = np.broadcast_arrays(shift, axis)
    for amount, place in zip(shifts.reshape(-1).tolist(), axes.reshape(-1).tolist(), strict=True):
        size = _sizes(wire, "roll")[place]
        cut = -amount % size if size else 0
        if cut:
            parts = [_along(wire, place, slice(cut, None)), _along(wire, place, slice(None, cut))]
            wire = concatenate(parts, place)
    return wire


def repeat(x: Operand, repeats: Any, axis: int | None = None) -> Wire:
    """Each entry repeated along an axis (of the flat array by default)."""
    wire = as_wire(x)
    if axis is None:
        wire, axis = wire.reshape(-1), 0
    size = _sizes(wire, "repeat")[axis]
    return _along(wire, axis, np.repeat(np.arange(size), repeats))


def tile(x: Operand, reps: Any) -> Wire:
    """The array put side by side with itself, so many times along each axis."""
    wire = as_wire(x)
    counts = tuple(int(n) for n in np.atleast_1d(reps))
    rank = max(wire.ndim, len(counts))
    counts = (1,) * (rank - len(counts)) + counts
    sizes = (1,) * (rank - wire.ndim) + _sizes(wire, "tile")
    apart = tuple(n for size in sizes for n in (1, size))
    spread = tuple(n for pair in zip(counts, sizes, strict=True) for n in pair)
    joined = tuple(count * size for count, size in zip(counts, sizes, strict=True))
    return broadcast_to(wire.reshape(apart), spread).reshape(joined)


def _triangle(x: Operand, k: int, where: str, mask: Any) -> Wire:
    wire = as_wire(x)
    if wire.ndim < 2:
        raise ShapeError(f"{where}: {describe(wire)} has {wire.ndim} axes; needed 2 or more.")
    kept = mask(np.ones(_sizes(wire, where)[-2:]), k)
    result: Wire = arithmetic.where(constant(kept, wire.dtype), wire, 0.0)
    return result


def tril(x: Operand, k: int = 0) -> Wire:
    """The entries on and below the k-th diagonal, zeros elsewhere."""
    return _triangle(x, k, "tril", np.tril)


def triu(x: Operand, k: int = 0) -> Wire:
    """The entries on and above the k-th diagonal, zeros elsewhere."""
    return _triangle(x, k, "triu", np.triu)


def pad(x: Operand, pad_width: Any, mode: str = "constant", constant_values: Any = 0.0) -> Wire:
    """The array with entries added at its edges: a constant, or its own."""
    wire = as_wire(x)
    sizes = _sizes(wire, "pad")
    widths = np.broadcast_to(np.asarray(pad_width, dtype=int), (wire.ndim, 2)).tolist()
    if mode != "constant":
        for axis, (before, after) in enumerate(widths):
            positions = np.pad(np.arange(sizes[axis]), (before, after), mode)  # type: ignore[call-overload]
            wire = _along(wire, axis, positions)
        return wire
    inside = tuple(slice(b, b + n) for n, (b, _) in zip(sizes, widths, strict=True))
    shape = tuple(b + n + a for n, (b, a) in zip(sizes, widths, strict=True))
    placed = scatter(wire, inside, shape)
    if np.all(np.asarray(constant_values) == 0):
        return placed
    border = np.pad(np.zeros(sizes), widths, "constant", constant_values=constant_values)
    result: Wire = placed + constant(border, wire.dtype)
    return result


def split(x: Operand, parts: Any, axis: int = 0, *, equal: bool = True) -> list[Wire]:
    """The array cut into parts along an axis: a number of them, or the places of the cuts."""
    wire = as_wire(x)
    size = _sizes(wire, "split")[axis]
    if np.ndim(parts):
        cuts = [int(n) for n in parts]
    else:
        count = int(parts)
        if count < 1 or (equal and size % count):
            raise ShapeError(f"split: an axis of size {size} in {count} equal parts.")
        lengths = [size // count + (k < size % count) for k in range(count)]
        cuts = np.cumsum(lengths).tolist()[:-1]
    bounds = [0, *cuts, size]
    return [_along(wire, axis, slice(a, max(a, b))) for a, b in itertools.pairwise(bounds)]


def diff(x: Operand, n: int = 1, axis: int = -1) -> Wire:
    """The differences of neighbours along an axis, n times."""
    wire = as_wire(x)
    for _ in range(n):
        wire = _along(wire, axis, slice(1, None)) - _along(wire, axis, slice(None, -1))
    return wire


def append(x: Operand, values: Operand, axis: int | None = None) -> Wire:
    """The arrays joined along an axis, both flattened by default."""
    parts = [as_wire(x), as_wire(values)]
    if axis is None:
        return concatenate([part.reshape(-1) for part in parts])
    return concatenate(parts, axis)


def rot90(x: Operand, k: int = 1, axes: Sequence[int] = (0, 1)) -> Wire:
    """The array turned by k quarter turns in the plane of two axes."""
    wire = as_wire(x)
    first, second = (axis % wire.ndim for axis in axes)
    order = list(range(wire.ndim))
    order[first], order[second] = second, first
    if k % 4 == 1:
        return flip(wire, second).transpose(order)
    if k % 4 == 2:
        return flip(wire, (first, second))
    return flip(wire.transpose(order), second) if k % 4 == 3 else wire


def at_least(x: Operand, rank: int) -> Wire:
    """The array with axes of size 1 added as numpy.atleast_1d, atleast_2d, atleast_3d do."""
    wire = as_wire(x)
    if rank == 3 and wire.ndim == 2:
        return expand_dims(wire, 2)
    while wire.ndim < rank:
        wire = expand_dims(wire, wire.ndim if (wire.ndim, rank) == (2, 3) else 0)
    return wire


def full(shape: Any, value: Operand) -> Wire:
    """An array filled with one value, or with copies of an array that broadcasts to it."""
    target = (shape,) if isinstance(shape, int | np.integer) else tuple(shape)
    return broadcast_to(as_wire(value), tuple(int(n) for n in target))
