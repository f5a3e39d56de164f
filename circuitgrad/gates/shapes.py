"""Rearrangements: reshape, index and slice, concatenate.

Stack. Linear maps that only move entries.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Sequence
from typing import Any

import numpy as np

from circuitgrad.errors import ShapeError, SpecError
from circuitgrad.gates.broadcasting import broadcast_to
from circuitgrad.gates.contractions import expand_dims, squeeze, transpose
from circuitgrad.gates.from_einsum import common_dtype
from circuitgrad.gates.from_rule import Declaration
from circuitgrad.gates.indices import (
    WHOLE,
    Key,
    indexed_shape,
    numpy_index,
    parse_index,
)
from circuitgrad.sources import ArrayKey, as_wire, constant, input_wire
from circuitgrad.spec import Axis, Shape, Spec, axis_number, format_shape, parse_shape
from circuitgrad.wire import Array, Operand, Wire, describe

__all__ = ["concatenate", "expand_dims", "index", "reshape", "scatter", "squeeze", "stack", "zeros"]


def _batch(grad: Wire, out: Wire) -> int:
    return grad.ndim - out.ndim


def _reshape_pullback(out: Wire, grad: Wire, shape: Shape) -> tuple[Wire]:
    lead = grad.shape[: _batch(grad, out)]
    return (_reshape(grad, shape=(*lead, *out.inputs[0].shape)),)


def _reshape_pushforward(out: Wire, tangents: tuple[Wire], shape: Shape) -> Wire:
    (tangent,) = tangents
    lead = tangent.shape[: tangent.ndim - out.inputs[0].ndim]
    return _reshape(tangent, shape=(*lead, *shape))


_reshape = Declaration(
    "reshape",
    "multilinear",
    "reshape",
    infer=lambda inputs, shape: Spec(shape, inputs[0].dtype),
    function=lambda a, shape: a.reshape(shape),
    pullback=_reshape_pullback,
    pushforward=_reshape_pushforward,
    sample=lambda: reshape(input_wire("x", (2, 3)), (3, 2)),
    formula="the same entries in C order",
    latex=r"\operatorname{{vec}}{0}",
    moves=lambda place, origin, shape: (place, origin.reshape(place.shape)),
)


def reshape(x: Operand, shape: Any) -> Wire:
    """The entries of x in another shape, in C order; one axis may be -1.

    Raises:
        ShapeError: Another number of entries, or a named axis (whose size is not known yet).
    """
    wire = as_wire(x)
    target: list[Axis] = [int(shape)] if isinstance(shape, int | np.integer) else list(shape)
    if tuple(target) == wire.shape:
        return wire
    if any(isinstance(axis, str) for axis in (*wire.shape, *target)):
        if target == [-1] and wire.ndim == 1:
            return wire
        raise ShapeError(
            f"reshape: {describe(wire)} is {format_shape(wire.shape)}; axes with names have no "
            "size yet. "
            "Give integer sizes to the inputs, or use transpose, squeeze, expand_dims or einsum."
        )
    known = math.prod(int(n) for n in target if n != -1)
    if target.count(-1) == 1 and known and wire.size % known == 0:
        target[target.index(-1)] = wire.size // known
    result = tuple(int(n) for n in target)
    if any(n < 0 for n in result) or math.prod(result) != wire.size:
        raise ShapeError(
            f"reshape: {describe(wire)} is {format_shape(wire.shape)}, {wire.size} entries, "
            "which do not "
            f"fill {format_shape(tuple(target))}."
        )
    return wire if result == wire.shape else _reshape(wire, shape=parse_shape(result))


def reshape_in_order(x: Operand, shape: Any, order: str) -> Wire:
    """The entries of x in another shape, taken in C or in F order, as numpy.reshape."""
    if order == "C":
        return reshape(x, shape)
    if order != "F":
        raise SpecError(f"reshape: order={order!r}; needed 'C' or 'F', for wires have no memory.")
    target = (shape,) if isinstance(shape, int | np.integer) else tuple(shape)
    return transpose(reshape(transpose(x), target[::-1]))


def _index_pullback(out: Wire, grad: Wire, key: Key) -> tuple[Wire]:
    lead = (WHOLE,) * _batch(grad, out)
    shape = (*grad.shape[: len(lead)], *out.inputs[0].shape)
    return (_scatter(grad, key=(*lead, *key), shape=shape),)


def _index_pushforward(out: Wire, tangents: tuple[Wire], key: Key) -> Wire:
    (tangent,) = tangents
    lead = (WHOLE,) * (tangent.ndim - out.inputs[0].ndim)
    return _index(tangent, key=(*lead, *key))


def index_kernel(a: Array, key: Key) -> Array:
    """The entries of an array at a parsed index."""
    return _prepared_index(key)(a)


def _prepared_index(key: Key) -> Callable[[Array], Array]:
    position = numpy_index(key)

    def kernel(a: Array) -> Array:
        try:
            result: Array = a[position]
        except IndexError as error:
            raise ShapeError(f"index: {error}. Axes with names are checked when run.") from None
        return result

    return kernel


_index = Declaration(
    "index",
    "multilinear",
    "x[i]",
    infer=lambda inputs, key: Spec(indexed_shape(inputs[0], key), inputs[0].dtype),
    function=index_kernel,
    prepared=_prepared_index,
    written=lambda a, key: a[key],
    pullback=_index_pullback,
    pushforward=_index_pushforward,
    sample=lambda: index(input_wire("x", (4, 3)), (slice(1, None, 2), 0)),
    formula="entries by position, slices and index arrays",
    latex="{0}_{{[\\cdot]}}",
    moves=lambda place, origin, key: (place, origin[numpy_index(key)]),
)


def scatter_kernel(a: Array, key: Key, shape: tuple[int, ...]) -> Array:
    """Zeros with the entries of an array added at the positions of a parsed index."""
    result = np.zeros(shape, a.dtype)
    position = numpy_index(key)
    if any(isinstance(part, ArrayKey) for part in key):
        np.add.at(result, position, a)
    else:
        result[position] = a[()]  # of symbols, a scalar is itself and no array
    return result


def _scatter_written(a: Array, key: Any, shape: tuple[int, ...]) -> Array:
    result = np.zeros(shape, a.dtype)
    np.add.at(result, key, a)
    return result


def _scatter_pullback(out: Wire, grad: Wire, key: Key, shape: Shape) -> tuple[Wire]:
    lead = (WHOLE,) * _batch(grad, out)
    return (_index(grad, key=(*lead, *key)),)


def _scatter_pushforward(out: Wire, tangents: tuple[Wire], key: Key, shape: Shape) -> Wire:
    (tangent,) = tangents
    count = tangent.ndim - out.inputs[0].ndim
    lead = (WHOLE,) * count
    return _scatter(tangent, key=(*lead, *key), shape=(*tangent.shape[:count], *shape))


_scatter = Declaration(
    "scatter",
    "multilinear",
    "place",
    infer=lambda inputs, key, shape: Spec(shape, inputs[0].dtype),
    function=scatter_kernel,
    written=_scatter_written,
    pullback=_scatter_pullback,
    pushforward=_scatter_pushforward,
    sample=lambda: scatter(input_wire("x", (2,)), (slice(0, None, 2), 1), (4, 3)),
    formula="entries put into zeros, added where positions repeat",
    latex=r"\operatorname{{place}}{0}",
    moves=lambda place, origin, key, shape: (place[numpy_index(key)], origin),
)


def scatter(x: Operand, key: Any, shape: Any) -> Wire:
    """Zeros of the shape given, with the entries of x added at x[key]'s positions."""
    wire, target = as_wire(x), parse_shape(shape)
    parsed, new = parse_index(input_wire("_", target, wire.dtype), key)
    if new:
        raise SpecError("scatter: the index may not add axes (None).")
    return _scatter(wire, key=parsed, shape=target)


def index(x: Operand, key: Any) -> Wire:
    """Entries of x by integers, slices, ..., None and index arrays or masks, as NumPy's x[key].

    Raises:
        ShapeError: Too many indices, or a position out of range.
        SpecError: Something that is not an index; a slice of a named axis.
    """
    wire = as_wire(x)
    parsed, new = parse_index(wire, key)
    if any(part != WHOLE for part in parsed):
        singles = [k for k, part in enumerate(parsed) if isinstance(part, int)]
        if singles and any(isinstance(part, ArrayKey) for part in parsed):
            # NumPy moves the axes of an index array to the front when integers stand beside it.
            parsed = tuple((p, p + 1, None) if isinstance(p, int) else p for p in parsed)
            wire = _index(wire, key=parsed)
            arrays = next(p for p in parsed if isinstance(p, ArrayKey))
            first = next(k for k, p in enumerate(parsed) if isinstance(p, ArrayKey))
            count = sum(isinstance(p, ArrayKey) for p in parsed)
            shift = len(arrays.shape) - count
            wire = squeeze(wire, [k + shift if k > first else k for k in singles])
        else:
            wire = _index(wire, key=parsed)
    return expand_dims(wire, new) if new else wire


def _concatenate_infer(inputs: tuple[Wire, ...], axis: int) -> Spec:
    shape = list(inputs[0].shape)
    sizes = [wire.shape[axis] for wire in inputs]
    shape[axis] = sum(int(size) for size in sizes)
    return Spec(tuple(shape), common_dtype(inputs))


def _concatenate_pullback(out: Wire, grad: Wire, axis: int) -> tuple[Wire, ...]:
    results, start = [], 0
    after = tuple(slice(None) for _ in range(-axis - 1))
    before = tuple(slice(None) for _ in range(grad.ndim + axis))
    for wire in out.inputs:
        stop = start + int(wire.shape[axis])
        results.append(index(grad, (*before, slice(start, stop), *after)))
        start = stop
    return tuple(results)


def _concatenate_pushforward(out: Wire, tangents: tuple[Wire | None, ...], axis: int) -> Wire:
    first, source = next((t, s) for t, s in zip(tangents, out.inputs, strict=True) if t is not None)
    lead = first.shape[: first.ndim - source.ndim]
    parts = [
        broadcast_to(constant(0.0, wire.dtype), (*lead, *wire.shape))
        if tangent is None
        else tangent
        for tangent, wire in zip(tangents, out.inputs, strict=True)
    ]
    return _concatenate(*parts, axis=axis)


_concatenate = Declaration(
    "concatenate",
    "multilinear",
    "concat",
    infer=_concatenate_infer,
    function=lambda *arrays, axis: np.concatenate(arrays, axis),
    pullback=_concatenate_pullback,
    pushforward=_concatenate_pushforward,
    sample=lambda: concatenate([input_wire("x", (2,)), input_wire("y", (3,))]),
    formula="the inputs joined along one axis",
    latex=r"\left[{0}; {1}\right]",
    moves=lambda place, *origins, axis: (place, np.concatenate(origins, axis)),
)


def concatenate(wires: Sequence[Operand], axis: int = 0) -> Wire:
    """The wires joined along an axis, as numpy.concatenate.

    Raises:
        ShapeError: Nothing to join, other axes that differ, or a named axis along the join.
    """
    parts = [as_wire(wire) for wire in wires]
    if not parts:
        raise ShapeError("concatenate: got no wires; needed at least one.")
    rank, axis = parts[0].ndim, axis_number(axis, "concatenate")
    if not rank:
        raise ShapeError("concatenate: scalars cannot be joined. Use cg.stack([x, y]).")
    if not -rank <= axis < rank:
        raise ShapeError(f"concatenate: axis {axis} of wires with {rank} axes.")
    position = axis % rank
    for wire in parts:
        rest = [w.shape[:position] + w.shape[position + 1 :] for w in (parts[0], wire)]
        if wire.ndim != rank or rest[0] != rest[1]:
            raise ShapeError(
                f"concatenate: {describe(parts[0])} is {format_shape(parts[0].shape)} but "
                f"{describe(wire)} is {format_shape(wire.shape)}; all axes but {axis} must be "
                "equal."
            )
        if isinstance(wire.shape[position], str) and len(parts) > 1:
            raise ShapeError(
                f"concatenate: axis '{wire.shape[position]}' of {describe(wire)} has no size yet. "
                "Give it an integer size."
            )
    return parts[0] if len(parts) == 1 else _concatenate(*parts, axis=position - rank)


def stack(wires: Iterable[Operand], axis: int = 0) -> Wire:
    """The wires side by side along a new axis, as numpy.stack; numbers may stand among them."""
    parts = [as_wire(wire) for wire in wires]
    if not parts:
        raise ShapeError("stack: got no wires; needed at least one.")
    wrong = [wire for wire in parts if wire.shape != parts[0].shape]
    if wrong:
        raise ShapeError(
            f"stack: {describe(parts[0])} is {format_shape(parts[0].shape)} but "
            f"{describe(wrong[0])} "
            f"is {format_shape(wrong[0].shape)}. All must have one shape."
        )
    place = axis_number(axis, "stack")
    return concatenate([expand_dims(wire, place) for wire in parts], place)


def zeros(shape: Shape, dtype: Any) -> Wire:
    """A wire of zeros."""
    return broadcast_to(constant(0.0, dtype), shape)
