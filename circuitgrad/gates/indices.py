"""Indices: what stands between the brackets of x[...], parsed once into hashable parts."""

from __future__ import annotations

from typing import Any, TypeAlias

import numpy as np

from circuitgrad.errors import ShapeError, SpecError
from circuitgrad.sources import ArrayKey
from circuitgrad.spec import Axis, Shape, format_shape
from circuitgrad.wire import Wire, describe

Range: TypeAlias = tuple[int | None, int | None, int | None]
Part: TypeAlias = "int | Range | ArrayKey"
Key: TypeAlias = tuple[Any, ...]

# Slices as tuples, which can be hashed; (None, None, None) is the whole axis.
WHOLE: Range = (None, None, None)


def numpy_index(key: Key) -> tuple[Any, ...]:
    """The index as NumPy takes it."""
    return tuple(
        part.array()
        if isinstance(part, ArrayKey)
        else slice(*part)
        if isinstance(part, tuple)
        else part
        for part in key
    )


def parse_index(wire: Wire, key: Any) -> tuple[Key, tuple[int, ...]]:
    """One part per axis of the wire, and the places of new axes in the result.

    Integers and slices are checked and made non-negative; masks become index arrays.
    """
    given = [_array_part(p, wire) for p in (key if isinstance(key, tuple) else (key,))]
    parts = _spread_masks(given, wire)
    consumed = sum(part is not None and part is not Ellipsis for part in parts)
    if consumed > wire.ndim:
        raise ShapeError(
            f"index: {consumed} indices for {describe(wire)}, which is {format_shape(wire.shape)}."
        )
    if parts.count(Ellipsis) > 1:
        raise SpecError(f"index of {describe(wire)}: '...' may stand once.")
    fill = [slice(None)] * (wire.ndim - consumed)
    at = parts.index(Ellipsis) if Ellipsis in parts else len(parts)
    parts = parts[:at] + fill + parts[at + 1 :]
    kept = [part for part in parts if part is not None]
    checked = tuple(_check(part, axis, wire) for part, axis in zip(kept, wire.shape, strict=True))
    _check_adjacent(parts, wire)
    return checked, _new_axes(parts, checked)


def _new_axes(parts: list[Any], checked: Key) -> tuple[int, ...]:
    """Where None puts axes of size 1 in the result."""
    arrays = [part for part in checked if isinstance(part, ArrayKey)]
    rank = len(np.broadcast_shapes(*(part.shape for part in arrays))) if arrays else 0
    position, placed, new = 0, False, []
    for part in parts:
        if part is None:
            new.append(position)
            position += 1
        elif isinstance(part, ArrayKey):
            position += 0 if placed else rank
            placed = True
        elif isinstance(part, slice):
            position += 1
    return tuple(new)


def _array_part(part: Any, wire: Wire) -> Any:
    if part is None or part is Ellipsis or isinstance(part, slice | ArrayKey):
        return part
    if isinstance(part, bool | np.bool_):
        raise SpecError(f"index of {describe(wire)}: a single truth value is not an index.")
    if isinstance(part, int | np.integer):
        return int(part)
    if isinstance(part, Wire):
        raise SpecError(
            f"index of {describe(wire)}: {describe(part)} is a wire. Index by numbers or arrays; "
            "use np.where to choose by value."
        )
    array = np.asarray(part)
    if array.dtype == bool and not array.ndim:
        raise SpecError(f"index of {describe(wire)}: a single truth value is not an index.")
    if array.dtype.kind not in "iub" and array.size:
        raise SpecError(
            f"index of {describe(wire)}: got {part!r}; needed integers, slices, None or masks."
        )
    return array if array.dtype == bool else ArrayKey.of(array.astype(np.intp))


def _spread_masks(parts: list[Any], wire: Wire) -> list[Any]:
    """Masks as one index array per axis that they cover; a mask has the shape of these axes."""
    covered = [_axes_covered(part) for part in parts]
    hidden = wire.ndim - sum(covered)
    result: list[Any] = []
    position = 0
    for part, count in zip(parts, covered, strict=True):
        if isinstance(part, np.ndarray):
            axes = wire.shape[position : position + count]
            if part.shape != axes:
                raise ShapeError(
                    f"index of {describe(wire)}: a mask of shape {part.shape} for axes "
                    f"{format_shape(axes)} of {format_shape(wire.shape)}. They must be equal."
                )
            result.extend(ArrayKey.of(positions) for positions in np.nonzero(part))
        else:
            result.append(part)
        position += hidden if part is Ellipsis else count
    return result


def _axes_covered(part: Any) -> int:
    if part is None or part is Ellipsis:
        return 0
    return part.ndim if isinstance(part, np.ndarray) else 1


def _check(part: Any, axis: Axis, wire: Wire) -> Part:
    if isinstance(axis, str):
        if isinstance(part, int):
            return part
        if part == slice(None):
            return WHOLE
        raise SpecError(
            f"index of {describe(wire)}: axis '{axis}' has no size yet, so a part of it has none. "
            "Give the input an integer size."
        )
    if isinstance(part, int):
        if not -axis <= part < axis:
            raise ShapeError(
                f"index {part} of {describe(wire)}, which is {format_shape(wire.shape)}: "
                f"needed {-axis} to {axis - 1}."
            )
        return part % axis
    if isinstance(part, slice):
        try:
            start, stop, step = part.indices(axis)
        except (TypeError, ValueError) as error:
            raise SpecError(f"index of {describe(wire)}: {part}: {error}.") from None
        if (start, stop, step) == (0, axis, 1):
            return WHOLE
        if start < 0 or start >= axis:
            return (0, 0, 1)  # nothing: a start below 0 would be read as counted from the end
        return (start, None if stop < 0 else stop, step)
    positions = part.array()
    if positions.size and not (-axis <= positions.min() and positions.max() < axis):
        raise ShapeError(
            f"index array of {describe(wire)}: positions {positions.min()} to {positions.max()}; "
            f"needed {-axis} to {axis - 1}."
        )
    return ArrayKey.of(positions % axis if axis else positions)


def _check_adjacent(parts: list[Any], wire: Wire) -> None:
    """Refuse index arrays apart from each other or from integers: NumPy moves their axes."""
    if not any(isinstance(part, ArrayKey) for part in parts):
        return
    places = [k for k, part in enumerate(parts) if isinstance(part, ArrayKey | int)]
    if places[-1] - places[0] + 1 != len(places):
        raise SpecError(
            f"index of {describe(wire)}: a slice or None between index arrays and integers. "
            "Index in two steps."
        )


def indexed_shape(wire: Wire, key: Key) -> Shape:
    """The shape of wire[key]."""
    shape: list[Axis] = []
    arrays = [part for part in key if isinstance(part, ArrayKey)]
    placed = False
    for part, axis in zip(key, wire.shape, strict=True):
        if isinstance(part, ArrayKey):
            if not placed:
                shape.extend(np.broadcast_shapes(*(a.shape for a in arrays)))
            placed = True
        elif isinstance(part, tuple):
            whole = part == WHOLE
            shape.append(axis if whole else len(range(*slice(*part).indices(int(axis)))))
    return tuple(shape)
