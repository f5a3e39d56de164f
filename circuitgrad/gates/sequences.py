"""Gates along one axis: cumulative sums, sorting, the k largest; rounding."""

from __future__ import annotations

import itertools
import math
from typing import Any

import numpy as np

from circuitgrad.errors import ShapeError, SpecError
from circuitgrad.gates import arithmetic
from circuitgrad.gates.contractions import expand_dims, total
from circuitgrad.gates.from_rule import Declaration
from circuitgrad.gates.shapes import stack
from circuitgrad.sources import as_wire, input_wire
from circuitgrad.spec import Spec, format_shape, normalize_axes
from circuitgrad.wire import Array, Operand, Wire, describe

__all__ = ["cumsum", "median", "partition", "sort", "top_k"]

LARGEST_WRITTEN = 4  # n! orders are written out in formulas up to here


def _positive(axis: int, wire: Wire, where: str) -> int:
    if not -wire.ndim <= axis < wire.ndim:
        raise ShapeError(
            f"{where}: axis {axis} of {describe(wire)}, which is {format_shape(wire.shape)}."
        )
    return axis % wire.ndim


def _swapped(wire: Wire, axis: int) -> Wire:
    """The wire with an axis and the last one exchanged."""
    order = list(range(wire.ndim))
    order[axis], order[-1] = order[-1], order[axis]
    return wire.transpose(*order) if axis != wire.ndim - 1 else wire


# --- cumulative sum -------------------------------------------------------------------------------


def _cumsum_kernel(a: Array, axis: int, backward: bool) -> Array:
    if backward:
        a = np.flip(a, axis)
    result: Array = np.cumsum(a, axis)
    return np.flip(result, axis) if backward else result


_cumsum: Declaration = Declaration(
    "cumsum",
    "multilinear",
    "cumsum",
    infer=lambda inputs, axis, backward: inputs[0].spec,
    function=_cumsum_kernel,
    pullback=lambda out, grad, axis, backward: (_cumsum(grad, axis=axis, backward=not backward),),
    pushforward=lambda out, tangents, axis, backward: _cumsum(
        tangents[0], axis=axis, backward=backward
    ),
    sample=lambda: cumsum(input_wire("x", 3)),
    formula="y_k = Σ x_i for i ≤ k",
    flops=math.prod,
    latex=r"\operatorname{{cumsum}}{0}",
)


def cumsum(x: Operand, axis: int | None = None) -> Wire:
    """The sums of the entries up to each, along an axis (of all entries by default)."""
    wire = as_wire(x)
    if axis is None:
        wire, axis = wire.reshape(-1), 0
    return _cumsum(wire, axis=_positive(axis, wire, "cumsum") - wire.ndim, backward=False)


# --- sorting --------------------------------------------------------------------------------------


def _tie_means(values: Array, sorted_keys: Array) -> Array:
    """Values in the order of sorted keys, averaged over runs of equal keys."""
    equal = sorted_keys[..., 1:] == sorted_keys[..., :-1]
    if not equal.any():
        return values
    starts = np.concatenate([np.ones_like(equal[..., :1]), ~equal], axis=-1).reshape(-1)
    places = np.flatnonzero(starts)
    counts = np.diff(np.append(places, starts.size))
    flat = values.reshape(*values.shape[: values.ndim - sorted_keys.ndim], starts.size)
    means = np.add.reduceat(flat, places, axis=-1) / counts
    result: Array = np.repeat(means, counts, axis=-1).reshape(values.shape).astype(values.dtype)
    return result


def _order(values: Array, keys: Array) -> tuple[Array, Array]:
    order = np.argsort(keys, axis=-1, kind="stable")
    return np.broadcast_to(order, values.shape), np.take_along_axis(keys, order, -1)


def _pick_kernel(values: Array, keys: Array) -> Array:
    order, sorted_keys = _order(values, keys)
    return _tie_means(np.take_along_axis(values, order, -1), sorted_keys)


def _unsort_kernel(values: Array, keys: Array) -> Array:
    order, sorted_keys = _order(values, keys)
    result = np.empty_like(values)
    np.put_along_axis(result, order, _tie_means(values, sorted_keys), -1)
    return result


def _shares_kernel(keys: Array) -> Array:
    size = keys.shape[-1]
    eye = np.broadcast_to(np.eye(size, dtype=keys.dtype), (*keys.shape, size))
    units = np.moveaxis(eye, -1, 0)  # the i-th unit vector for every row
    return np.moveaxis(_pick_kernel(np.ascontiguousarray(units), keys), 0, -1)


def _shares_traced(keys: Array) -> Array:
    """The same as a product of two matrices: shares among ties, and the order of the entries."""
    order = np.argsort(keys, axis=-1)
    places = np.cumsum(np.ones_like(keys), axis=-1) - 1
    moved = order[..., :, None] == places[..., None, :]
    ordered = np.sort(keys, axis=-1)
    ties = ordered[..., :, None] == ordered[..., None, :]
    ties = ties | (places[..., :, None] == places[..., None, :])  # a NaN is its own tie
    shares = np.asarray(ties, keys.dtype)
    shares = shares / np.sum(shares, axis=-1, keepdims=True)
    result: Array = np.matmul(shares, np.asarray(moved, keys.dtype))
    return result


def _pick_traced(values: Array, keys: Array) -> Array:
    result: Array = np.matmul(_shares_traced(keys), values[..., None])[..., 0]
    return result


def _unsort_traced(values: Array, keys: Array) -> Array:
    back = np.swapaxes(_shares_traced(keys), -1, -2)
    result: Array = np.matmul(back, values[..., None])[..., 0]
    return result


def _vector(x: Wire, where: str) -> int:
    if x.ndim != 1 or int(x.shape[0]) > LARGEST_WRITTEN:
        raise SpecError(
            f"{where}: {describe(x)} is {format_shape(x.shape)}; the order of at most "
            f"{LARGEST_WRITTEN} entries of a vector is written out in formulas."
        )
    return int(x.shape[0])


def _sorted_entries(x: Wire) -> Wire:
    """The k-th smallest entry is the least of the greatest entries of k + 1."""
    size = _vector(x, "sort")
    entries = [x[i] for i in range(size)]
    found = []
    for k in range(size):
        least: Any = None
        for members in itertools.combinations(entries, k + 1):
            greatest: Any = members[0]
            for other in members[1:]:
                greatest = arithmetic.maximum(greatest, other)
            least = greatest if least is None else arithmetic.minimum(least, greatest)
        found.append(least)
    return stack(found)


def _share_entries(x: Wire) -> Wire:
    """1 where the i-th entry has exactly k others below it."""
    size = _vector(x, "sort")
    rows = []
    for k in range(size):
        row = []
        for i in range(size):
            others = [j for j in range(size) if j != i]
            share: Any = 0.0
            for below in itertools.combinations(others, k):
                factor: Any = 1.0
                for j in others:
                    pair = (x[i], x[j]) if j in below else (x[j], x[i])
                    factor = factor * arithmetic.greater(*pair)
                share = factor + share
            row.append(as_wire(share, x.dtype))
        rows.append(stack(row))
    return stack(rows)


sort_share: Declaration = Declaration(
    "sort_share",
    "selection",
    "1[rank]",
    infer=lambda inputs: Spec((*inputs[0].shape, inputs[0].shape[-1]), inputs[0].dtype),
    function=_shares_kernel,
    traced=_shares_traced,
    pullback=lambda out, grad: (None,),
    pushforward=lambda out, tangents: None,
    entries=_share_entries,
    sample=lambda: sort_share(input_wire("x", 2)),
    formula="1 at (k, i) where x_i is the k-th smallest entry, shared equally by ties",
    policy="0 everywhere (piecewise constant)",
    latex=r"\mathbf 1_{{\mathrm{{rank}}}}{0}",
)

pick: Declaration = Declaration(
    "pick",
    "composite",
    "pick",
    infer=lambda inputs: inputs[0].spec,
    function=_pick_kernel,
    traced=_pick_traced,
    pullback=lambda out, grad: (unsort(grad, out.inputs[1]), None),
    pushforward=lambda out, tangents: (
        None if tangents[0] is None else pick(tangents[0], out.inputs[1])
    ),
    meaning=lambda values, keys: total(sort_share(keys) * expand_dims(values, -2), -1),
    sample=lambda: pick(input_wire("x", 2), input_wire("y", 2)),
    formula="the entries of x in the order that sorts y",
    latex=r"\operatorname{{pick}}({0}, {1})",
    mixed_axes=1,
)

unsort: Declaration = Declaration(
    "unsort",
    "composite",
    "unsort",
    infer=lambda inputs: inputs[0].spec,
    function=_unsort_kernel,
    traced=_unsort_traced,
    pullback=lambda out, grad: (pick(grad, out.inputs[1]), None),
    pushforward=lambda out, tangents: (
        None if tangents[0] is None else unsort(tangents[0], out.inputs[1])
    ),
    meaning=lambda values, keys: total(sort_share(keys) * expand_dims(values, -1), -2),
    sample=lambda: unsort(input_wire("x", 2), input_wire("y", 2)),
    formula="the entries of x put back where those of sorted y come from",
    latex=r"\operatorname{{unsort}}({0}, {1})",
    mixed_axes=1,
)

sort_gate: Declaration = Declaration(
    "sort",
    "selection",
    "sort",
    infer=lambda inputs: inputs[0].spec,
    function=lambda a: np.sort(a, axis=-1),
    pullback=lambda out, grad: (unsort(grad, out.inputs[0]),),
    pushforward=lambda out, tangents: pick(tangents[0], out.inputs[0]),
    meaning=lambda x: sort_share(x),
    entries=_sorted_entries,
    sample=lambda: sort(input_wire("x", 2)),
    formula="the entries in ascending order",
    flops=lambda x: math.prod(x) * max(x[-1] - 1, 0).bit_length(),  # comparisons of a merge sort
    policy="ties share the gradient equally",
    latex=r"\operatorname{{sort}}{0}",
    mixed_axes=1,
)


def sort(x: Operand, axis: int | None = -1, kind: str | None = None) -> Wire:
    """The entries in ascending order along an axis, as numpy.sort; ties share the gradient.

    Which algorithm NumPy is asked for (kind) makes no difference here.
    """
    wire = as_wire(x)
    if axis is None:
        wire, axis = wire.reshape(-1), -1
    place = _positive(axis, wire, "sort")
    if isinstance(wire.shape[place], str):
        raise ShapeError(
            f"sort: axis '{wire.shape[place]}' of {describe(wire)} has no size yet. "
            "Give it an integer size."
        )
    return _swapped(sort_gate(_swapped(wire, place)), place)


def partition(x: Operand, kth: Any, axis: int | None = -1) -> Wire:
    """A partition of the entries, as numpy.partition: the sorted entries are one."""
    return sort(x, axis)


def top_k(x: Operand, count: int) -> Wire:
    """The largest entries along the last axis, in descending order; ties share the gradient."""
    ordered = sort(x)
    size = int(ordered.shape[-1])
    if not 0 < count <= size:
        raise ShapeError(f"top_k: {count} of {size} entries; needed 1 to {size}.")
    return ordered[..., size - count :][..., ::-1]


def median(x: Operand, axis: int | tuple[int, ...] | None = None, keepdims: bool = False) -> Wire:
    """The middle entry along an axis (of all entries by default), as numpy.median."""
    wire = as_wire(x)
    if isinstance(axis, tuple):
        joined, axes = last_joined(wire, axis)
        middle = _middle(joined)
        return expand_dims(middle, axes) if keepdims else middle
    if axis is None:
        middle = _middle(wire.reshape(-1))
        return expand_dims(middle, tuple(range(wire.ndim))) if keepdims else middle
    place = _positive(axis, wire, "median")
    others = [k for k in range(wire.ndim) if k != place]
    middle = _middle(wire.transpose((*others, place)))
    return expand_dims(middle, place) if keepdims else middle


def last_joined(wire: Wire, axes: tuple[int, ...]) -> tuple[Wire, tuple[int, ...]]:
    """The wire with some axes joined into one, its last, and these axes counted from 0."""
    places = normalize_axes(axes, wire.ndim, "axis")
    others = [k for k in range(wire.ndim) if k not in places]
    rest = [wire.shape[k] for k in others]
    sizes = [n for k, n in enumerate(wire.shape) if k in places and not isinstance(n, str)]
    count = math.prod(sizes) if len(sizes) == len(places) else -1  # which named axes refuse
    return wire.transpose((*others, *places)).reshape((*rest, count)), places


def _middle(wire: Wire) -> Wire:
    ordered = sort(wire)
    size = int(wire.shape[-1])
    found = 0.5 * (ordered[..., (size - 1) // 2] + ordered[..., size // 2])
    last = ordered[..., -1]
    # A NaN is sorted to the end, and the median of entries with a NaN among them is NaN.
    result: Wire = arithmetic.where(arithmetic.not_equal(last, last), last, found)
    return result


# --- rounding -------------------------------------------------------------------------------------


def _rounding(name: str, function: Any, glyph: str, latex: str) -> Declaration:
    declared: Declaration = Declaration(
        name,
        "selection",
        glyph,
        infer=lambda inputs: inputs[0].spec,
        function=function,
        pullback=lambda out, grad: (None,),
        pushforward=lambda out, tangents: None,
        sample=lambda: declared(input_wire("x")),
        formula=f"{name}(x)",
        policy="0 everywhere (piecewise constant)",
        latex=latex,
    )
    return declared


floor = _rounding("floor", np.floor, "⌊x⌋", r"\lfloor {0}\rfloor")
ceil = _rounding("ceil", np.ceil, "⌈x⌉", r"\lceil {0}\rceil")
rounded = _rounding("rint", np.rint, "round", r"\operatorname{{round}}{0}")
truncated = _rounding("trunc", np.trunc, "trunc", r"\operatorname{{trunc}}{0}")
