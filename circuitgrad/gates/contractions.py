"""The named contractions: products of matrices and vectors, sums, traces, diagonals, transposes.

Broadcasts.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

from circuitgrad.errors import ShapeError
from circuitgrad.gates.broadcasting import broadcast_to
from circuitgrad.gates.from_einsum import contract, contraction, einsum
from circuitgrad.sources import as_wire
from circuitgrad.spec import (
    Shape,
    axis_number,
    broadcast_axes,
    format_shape,
    normalize_axes,
    parse_shape,
)
from circuitgrad.wire import Operand, Wire, describe

_matrix_product = contraction("matmul", "ij,jk->ik", "@", "{0}{1}")
_matrix_vector = contraction("matvec", "ij,j->i", "@", "{0}{1}")
_vector_matrix = contraction("vecmat", "i,ij->j", "@", "{0}^T{1}")
_dot = contraction("dot", "i,i->", "·", "{0}^T{1}")
_outer = contraction("outer", "i,j->ij", "⊗", "{0}{1}^T")
_sum = contraction("sum", "i->", "Σ", r"\textstyle\sum {0}")
_transpose = contraction("transpose", "ij->ji", "xᵀ", "{0}^T")
_trace = contraction("trace", "ii->", "tr", r"\operatorname{{tr}}{0}")
_diagonal = contraction("diagonal", "ii->i", "diag", r"\operatorname{{diag}}{0}")
_diag = contraction("diag", "i->ii", "diag", r"\operatorname{{diag}}{0}")
_broadcast = contraction("broadcast", "i->ji", "bcast", r"\mathbf 1{0}^T")


def transpose(x: Operand, axes: Sequence[int] | None = None) -> Wire:
    """The axes of x permuted (reversed by default), as numpy.transpose."""
    wire = as_wire(x)
    order = (
        tuple(reversed(range(wire.ndim)))
        if axes is None
        else tuple(axis_number(a, "transpose") for a in axes)
    )
    order = tuple(a % wire.ndim if -wire.ndim <= a < wire.ndim else a for a in order)
    if sorted(order) != list(range(wire.ndim)):
        raise ShapeError(
            f"transpose: axes {tuple(axes or ())} of {describe(wire)}, which is "
            f"{format_shape(wire.shape)}. Name each of its {wire.ndim} axes once."
        )
    indices = tuple(range(wire.ndim))
    return _place(wire, indices, order)


def _place(wire: Wire, indices: tuple[int, ...], output: tuple[int, ...]) -> Wire:
    letters = "abcdefghijklmnopqrstuvwxyz"
    before, after = ("".join(letters[i] for i in ids) for ids in (indices, output))
    return wire if before == after else einsum(f"{before}->{after}", wire)


def total(x: Operand, axis: int | Iterable[int] | None = None, keepdims: bool = False) -> Wire:
    """The sum over the axes given (all by default), as numpy.sum."""
    wire = as_wire(x)
    axes = normalize_axes(axis, wire.ndim, f"sum of {describe(wire)}")
    return _without(wire, axes, keepdims) if axes else wire


def _without(wire: Wire, axes: tuple[int, ...], keepdims: bool) -> Wire:
    letters = "abcdefghijklmnopqrstuvwxyz"
    before = letters[: wire.ndim]
    kept = "".join(letters[k] for k in range(wire.ndim) if k not in axes)
    if not keepdims:
        return einsum(f"{before}->{kept}", wire)
    ones = {letters[k].upper(): 1 for k in axes}
    after = "".join(letters[k].upper() if k in axes else letters[k] for k in range(wire.ndim))
    return einsum(f"{before}->{after}", wire, sizes=ones)


def squeeze(x: Operand, axis: int | Iterable[int] | None = None) -> Wire:
    """The wire without its axes of size 1, as numpy.squeeze."""
    wire = as_wire(x)
    if axis is None:
        axis = [k for k, size in enumerate(wire.shape) if size == 1]
    axes = normalize_axes(axis, wire.ndim, f"squeeze of {describe(wire)}")
    wrong = [wire.shape[k] for k in axes if wire.shape[k] != 1]
    if wrong:
        raise ShapeError(
            f"squeeze: {describe(wire)} is {format_shape(wire.shape)}; {wrong[0]} ≠ 1."
        )
    return _without(wire, axes, False) if axes else wire


def expand_dims(x: Operand, axis: int | Iterable[int]) -> Wire:
    """The wire with new axes of size 1 at these places of the result, as numpy.expand_dims."""
    wire = as_wire(x)
    count = 1 if isinstance(axis, int) else len(list(axis))
    axes = normalize_axes(axis, wire.ndim + count, f"expand_dims of {describe(wire)}")
    letters = iter("abcdefghijklmnopqrstuvwxyz"[: wire.ndim])
    new = iter("ABCDEFGHIJKLMNOPQRSTUVWXYZ")
    after = "".join(next(new) if k in axes else next(letters) for k in range(wire.ndim + count))
    before = "".join(x for x in after if x.islower())
    return einsum(f"{before}->{after}", wire, sizes={x: 1 for x in after if x.isupper()})


def matmul(x: Operand, y: Operand) -> Wire:
    """The matrix product x @ y, vectors and leading batch axes as in numpy.matmul.

    Raises:
        ShapeError: A scalar operand, or inner axes that differ.
    """
    first, second = as_wire(x), as_wire(y)
    if not first.ndim or not second.ndim:
        scalar = first if not first.ndim else second
        raise ShapeError(
            f"matmul: {describe(scalar)} is a scalar. Use * for a product with a scalar."
        )
    inner = (first.shape[-1], second.shape[-2 if second.ndim > 1 else -1])
    if inner[0] != inner[1]:
        raise ShapeError(
            f"matmul: {describe(first)} is {format_shape(first.shape)} but {describe(second)} is "
            f"{format_shape(second.shape)}: {inner[0]} ≠ {inner[1]}. "
            "The last axis of the first must equal the axis of the second that it meets."
        )
    batch = broadcast_axes(
        (first.shape[:-2], second.shape[:-2]), (describe(first), describe(second)), "matmul"
    )
    return contract(*_matmul_indices(first, second, batch))


def _matmul_indices(first: Wire, second: Wire, batch: Shape) -> Any:
    row, inner, column = 0, 1, 2
    left = (row, inner)[-min(first.ndim, 2) :]
    right = (inner, column) if second.ndim > 1 else (inner,)
    lead = tuple(range(3, 3 + len(batch)))
    operands = []
    axes: dict[int, Any] = dict(zip(lead, batch, strict=True))
    for wire, indices in ((first, left), (second, right)):
        own = wire.shape[:-2]
        if own and own != batch[len(batch) - len(own) :]:
            wire = broadcast_to(wire, (*batch, *wire.shape[-2:]))
            own = batch
        operands.append((wire, lead[len(batch) - len(own) :] + indices))
        axes |= dict(zip(operands[-1][1], wire.shape, strict=True))
    output = lead + tuple(i for i in (row, column) if i in left + right)
    return operands, output, axes


def dot(x: Operand, y: Operand) -> Wire:
    """NumPy's dot: a product with a scalar, an inner product of vectors, or a matrix product."""
    first, second = as_wire(x), as_wire(y)
    if not first.ndim or not second.ndim:
        product: Wire = first * second
        return product
    if first.ndim > 2 or second.ndim > 2:
        raise ShapeError(
            f"dot: {describe(first)} is {format_shape(first.shape)} and {describe(second)} is "
            f"{format_shape(second.shape)}. Use np.einsum or @ for more than two axes."
        )
    return matmul(first, second)


def outer(x: Operand, y: Operand) -> Wire:
    """The outer product of two vectors (arrays are flattened, as in NumPy)."""
    first, second = (w if w.ndim == 1 else w.reshape(-1) for w in (as_wire(x), as_wire(y)))
    return einsum("i,j->ij", first, second)


def trace(x: Operand) -> Wire:
    """The sum of the diagonal of a matrix."""
    return einsum("ii->", _matrix(x, "trace"))


def diagonal(x: Operand) -> Wire:
    """The diagonal of a square matrix."""
    return einsum("ii->i", _matrix(x, "diagonal"))


def diag(x: Operand) -> Wire:
    """The diagonal of a square matrix, or the diagonal matrix of a vector, as numpy.diag."""
    wire = as_wire(x)
    return einsum("i->ii", wire) if wire.ndim == 1 else diagonal(wire)


def _matrix(x: Operand, where: str) -> Wire:
    wire = as_wire(x)
    if wire.ndim != 2 or wire.shape[0] != wire.shape[1]:
        raise ShapeError(
            f"{where}: {describe(wire)} is {format_shape(wire.shape)}; needed a square matrix."
        )
    return wire


def broadcast(x: Operand, shape: Any) -> Wire:
    """The wire repeated to a larger shape, as numpy.broadcast_to."""
    wire, target = as_wire(x), parse_shape(shape)
    if (
        broadcast_axes((wire.shape, target), (describe(wire), "the shape asked for"), "broadcast")
        != target
    ):
        raise ShapeError(
            f"broadcast: {describe(wire)} is {format_shape(wire.shape)}, which does not "
            "broadcast to "
            f"{format_shape(target)}."
        )
    return broadcast_to(wire, target)
