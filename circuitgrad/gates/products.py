"""Gates of products: the product of entries, the Kronecker product, convolution."""

from __future__ import annotations

import math
from collections.abc import Iterable
from typing import Any

import numpy as np

from circuitgrad.errors import ShapeError, SpecError
from circuitgrad.gates.contractions import expand_dims, total
from circuitgrad.gates.from_einsum import common_dtype, contract, einsum
from circuitgrad.gates.from_rule import Declaration
from circuitgrad.gates.shapes import concatenate, scatter
from circuitgrad.sources import as_wire, constant, input_wire
from circuitgrad.spec import Spec, format_shape, normalize_axes
from circuitgrad.wire import Array, Operand, Wire, describe

__all__ = ["convolve", "kron", "prod", "tensordot"]


# --- product of entries ---------------------------------------------------------------------------


def _levels(wire: Wire) -> list[tuple[Wire, Wire | None]]:
    """A product tree, from the entries to their product, with each level's entry left over."""
    levels, level = [], wire
    while int(level.shape[-1]) > 1:
        count = int(level.shape[-1])
        half = count // 2
        spare = level[..., 2 * half :] if count % 2 else None
        levels.append((level, spare))
        paired = level[..., :half] * level[..., half : 2 * half]
        level = paired if spare is None else concatenate([paired, spare], -1)
    return [*levels, (level, None)]


def _tree(wire: Wire) -> Wire:
    if not int(wire.shape[-1]):
        return constant(np.ones(tuple(int(n) for n in wire.shape[:-1])), wire.dtype)
    return _levels(wire)[-1][0][..., 0]


def _others(wire: Wire) -> Wire:
    """For each entry the product of all others: no division, so zeros are nothing special."""
    *levels, (top, _) = _levels(wire)
    found: Wire = constant(np.ones(tuple(int(n) for n in top.shape)), wire.dtype)
    for level, spare in reversed(levels):
        half = int(level.shape[-1]) // 2
        first, second = level[..., :half], level[..., half : 2 * half]
        above = found[..., :half]
        parts = [above * second, above * first]
        if spare is not None:
            parts.append(found[..., half:])
        found = concatenate(parts, -1)
    return found


def _prod_kernel(a: Array) -> Array:
    return np.asarray(np.prod(a, axis=-1))


prod_gate: Declaration = Declaration(
    "prod",
    "composite",
    "Π",
    infer=lambda inputs: Spec(inputs[0].shape[:-1], inputs[0].dtype),
    function=_prod_kernel,
    pullback=lambda out, grad: (expand_dims(grad, -1) * _others(out.inputs[0]),),
    pushforward=lambda out, tangents: total(tangents[0] * _others(out.inputs[0]), -1),
    meaning=_tree,
    sample=lambda: prod(input_wire("x", 3)),
    formula="the product of the entries",
    latex=r"\textstyle\prod {0}",
    mixed_axes=1,
)


def prod(x: Operand, axis: int | Iterable[int] | None = None, keepdims: bool = False) -> Wire:
    """The product over the axes given (all by default), as numpy.prod; right with zeros.

    Raises:
        ShapeError: A named axis among them.
    """
    wire = as_wire(x)
    axes = normalize_axes(axis, wire.ndim, f"prod of {describe(wire)}")
    if not axes:
        return wire
    if any(isinstance(wire.shape[k], str) for k in axes):
        raise ShapeError(
            f"prod: {describe(wire)} is {format_shape(wire.shape)}; the axes multiplied need "
            "integer sizes."
        )
    kept = [k for k in range(wire.ndim) if k not in axes]
    moved = wire.transpose(*kept, *axes) if wire.ndim > 1 else wire
    if len(axes) > 1:
        count = math.prod(int(wire.shape[k]) for k in axes)
        moved = moved.reshape((*moved.shape[: len(kept)], count))
    result = prod_gate(moved)
    return expand_dims(result, axes) if keepdims else result


# --- convolution ----------------------------------------------------------------------------------


def _sums(first: int, second: int) -> Array:
    return np.add.outer(np.arange(first), np.arange(second))


def _pulled(grad: Wire, other: Wire, size: int) -> Wire:
    """Σ_j g[i + j] b[j] for i below the size."""
    count = int(other.shape[0])
    if grad.ndim == 1:
        return convolve_gate(grad, other[::-1])[count - 1 : count - 1 + size]
    windows = grad[..., _sums(size, count)]
    return total(windows * other, -1)


def _convolved(first: Wire, second: Wire) -> Wire:
    """The convolution along the last axis, where one operand may have leading batch axes."""
    if first.ndim == second.ndim == 1:
        return convolve_gate(first, second)
    lead = first.shape[:-1] + second.shape[:-1]
    left = (*range(first.ndim - 1), -1)
    right = (*range(second.ndim - 1), -2)
    axes = dict(enumerate(lead)) | {-1: first.shape[-1], -2: second.shape[-1]}
    products = contract([(first, left), (second, right)], (*range(len(lead)), -1, -2), axes)
    sums = _sums(int(first.shape[-1]), int(second.shape[-1]))
    return scatter(products, (..., sums), (*lead, int(sums[-1, -1]) + 1))


def _convolve_pushforward(out: Wire, tangents: tuple[Wire | None, Wire | None]) -> Wire:
    a, b = out.inputs
    da, db = tangents
    parts = [_convolved(da, b)] if da is not None else []
    parts += [_convolved(a, db)] if db is not None else []
    return parts[0] if len(parts) == 1 else parts[0] + parts[1]


def _convolve_pullback(out: Wire, grad: Wire) -> tuple[Wire, Wire]:
    a, b = out.inputs
    return _pulled(grad, b, int(a.shape[0])), _pulled(grad, a, int(b.shape[0]))


convolve_gate: Declaration = Declaration(
    "convolve",
    "composite",
    "∗",
    infer=lambda inputs: Spec(
        (int(inputs[0].shape[0]) + int(inputs[1].shape[0]) - 1,), common_dtype(inputs)
    ),
    function=np.convolve,
    pullback=_convolve_pullback,
    pushforward=_convolve_pushforward,
    meaning=lambda a, b: scatter(
        einsum("i,j->ij", a, b),
        (_sums(int(a.shape[0]), int(b.shape[0])),),
        int(a.shape[0]) + int(b.shape[0]) - 1,
    ),
    sample=lambda: convolve(input_wire("x", 3), input_wire("y", 2)),
    formula="Σ x_i y_(k-i)",
    flops=lambda a, b: 2 * a[0] * b[0],
    latex="{0} * {1}",
)


def convolve(a: Operand, v: Operand, mode: str = "full") -> Wire:
    """The convolution of two vectors, as numpy.convolve; modes full, same and valid.

    Raises:
        ShapeError: Not vectors, an empty one, or an axis with a name.
        SpecError: Another mode.
    """
    first, second = as_wire(a), as_wire(v)
    for wire in (first, second):
        if wire.ndim != 1 or wire.shape[0] == 0 or isinstance(wire.shape[0], str):
            raise ShapeError(
                f"convolve: {describe(wire)} is {format_shape(wire.shape)}; needed a vector with "
                "an integer size above 0."
            )
    full = convolve_gate(first, second)
    sizes = int(first.shape[0]), int(second.shape[0])
    if mode == "full":
        return full
    if mode == "same":
        start = (min(sizes) - 1) // 2
        return full[start : start + max(sizes)]
    if mode == "valid":
        return full[min(sizes) - 1 : max(sizes)]
    raise SpecError(f"convolve: mode {mode!r}; known are 'full', 'same' and 'valid'.")


# --- Kronecker product and tensordot --------------------------------------------------------------


def kron(a: Operand, b: Operand) -> Wire:
    """The Kronecker product, as numpy.kron: a contraction and a reshape.

    Raises:
        ShapeError: Axes with names.
    """
    first, second = as_wire(a), as_wire(b)
    named = next((w for w in (first, second) if any(isinstance(n, str) for n in w.shape)), None)
    if named is not None:
        raise ShapeError(
            f"kron: {describe(named)} is {format_shape(named.shape)}; needed integer sizes, for "
            "the product of two named sizes has no name. Give the inputs integer axes."
        )
    rank = max(first.ndim, second.ndim)
    shapes = [(1,) * (rank - w.ndim) + w.shape for w in (first, second)]
    if any(isinstance(axis, str) for shape in shapes for axis in shape):
        raise ShapeError(
            f"kron: {first.label} is {format_shape(first.shape)} and {second.label} is "
            f"{format_shape(second.shape)}; needed integer sizes. Give the axes numbers."
        )
    first, second = first.reshape(shapes[0]), second.reshape(shapes[1])
    outer = einsum(
        "".join(chr(97 + 2 * k) for k in range(rank))
        + ","
        + "".join(chr(98 + 2 * k) for k in range(rank))
        + "->"
        + "".join(chr(97 + k) for k in range(2 * rank)),
        first,
        second,
    )
    return outer.reshape(tuple(int(m) * int(n) for m, n in zip(*shapes, strict=True)))


def tensordot(a: Operand, b: Operand, axes: Any = 2) -> Wire:
    """The sum of products over pairs of axes, as numpy.tensordot."""
    first, second = as_wire(a), as_wire(b)
    if isinstance(axes, int):
        pairs = [(first.ndim - axes + k, k) for k in range(axes)]
    else:
        left, right = (np.atleast_1d(part).tolist() for part in axes)
        pairs = [(i % first.ndim, j % second.ndim) for i, j in zip(left, right, strict=True)]
    letters = [chr(97 + k) for k in range(first.ndim)]
    others = [chr(65 + k) for k in range(second.ndim)]
    for i, j in pairs:
        others[j] = letters[i]
    kept = [x for k, x in enumerate(letters) if k not in {i for i, _ in pairs}]
    kept += [x for k, x in enumerate(others) if k not in {j for _, j in pairs}]
    return einsum(f"{''.join(letters)},{''.join(others)}->{''.join(kept)}", first, second)
