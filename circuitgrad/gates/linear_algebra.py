"""Implicit gates: matrix inverse and solve, defined by the equation that their output satisfies."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from circuitgrad.errors import DomainError, ShapeError
from circuitgrad.gates import arithmetic
from circuitgrad.gates.contractions import expand_dims, matmul, squeeze
from circuitgrad.gates.from_einsum import common_dtype, contract, einsum
from circuitgrad.gates.from_rule import Declaration
from circuitgrad.sources import as_wire, input_wire
from circuitgrad.spec import Spec, format_shape
from circuitgrad.wire import Array, Operand, Wire, describe


def require_square(wire: Wire, where: str) -> None:
    """ShapeError unless a wire is a square matrix."""
    if wire.ndim != 2 or wire.shape[0] != wire.shape[1]:
        raise ShapeError(
            f"{where}: {describe(wire)} is {format_shape(wire.shape)}; needed a square matrix "
            "(n, n)."
        )


def _regular(function: Any, name: str) -> Any:
    """A LAPACK routine whose singular case is an error with the reason."""

    def kernel(*arrays: Array) -> Array:
        try:
            result: Array = function(*arrays)
        except np.linalg.LinAlgError:
            matrix = arrays[0]
            rank = np.linalg.matrix_rank(matrix) if np.all(np.isfinite(matrix)) else "unknown"
            raise DomainError(
                f"{name}: the matrix is singular (rank {rank}, size {matrix.shape[-1]}); it has no "
                "inverse. Remove dependent rows, or add a multiple of the identity."
            ) from None
        return result

    return kernel


def _identity_residual(a: Wire, out: Wire) -> Wire:
    identity = einsum("->ii", sizes={"i": a.shape[0]})
    return matmul(a, out) - identity


def _inverse_pullback(out: Wire, grad: Wire) -> tuple[Wire]:
    return (arithmetic.neg(matmul(matmul(out.T, grad), out.T)),)


def _inverse_pushforward(out: Wire, tangents: tuple[Wire]) -> Wire:
    negated: Wire = arithmetic.neg(matmul(matmul(out, tangents[0]), out))
    return negated


_inverse = Declaration(
    "inverse",
    "implicit",
    "A⁻¹",
    infer=lambda inputs: inputs[0].spec,
    function=_regular(np.linalg.inv, "inverse"),
    written=np.linalg.inv,
    traced=np.linalg.inv,
    pullback=_inverse_pullback,
    pushforward=_inverse_pushforward,
    meaning=_identity_residual,
    sample=lambda: inverse(input_wire("A", (2, 2))),
    formula="A Y = I",
    flops=lambda a: 2 * a[0] ** 3,
    latex="{0}^{{-1}}",
    source="Giles, Collected matrix derivative results (2008), 2.2.3",
)


def inverse(a: Operand) -> Wire:
    """The inverse of a square matrix.

    Raises:
        ShapeError: Not a square matrix.
        DomainError: When run, a singular matrix; the message says its rank.
    """
    wire = as_wire(a)
    require_square(wire, "inverse")
    return _inverse(wire)


def _solve_infer(inputs: tuple[Wire, ...]) -> Spec:
    return Spec(inputs[1].shape, common_dtype(inputs))


def _solve_any(a: Wire, b: Wire, vector: bool) -> Wire:
    """A⁻¹b for right sides with leading batch axes, vectors being the last axis."""
    if vector and b.ndim > 1:
        return squeeze(_solve(a, expand_dims(b, -1)), -1)
    return _solve(a, b)


def _solve_pullback(out: Wire, grad: Wire) -> tuple[Wire, Wire]:
    a, b = out.inputs
    vector = b.ndim == 1
    down = _solve_any(a.T, grad, vector)
    lead = grad.ndim - out.ndim
    own = tuple(range(lead, grad.ndim))
    row = 0 if vector else -1
    left = tuple(range(grad.ndim))
    right = list(own)
    right[row - 1 if not vector else 0] = grad.ndim
    rows = left[-1] if vector else left[-2]
    axes = dict(zip(left, grad.shape, strict=True)) | {grad.ndim: a.shape[1]}
    outer = contract([(down, left), (out, tuple(right))], (*left[:lead], rows, grad.ndim), axes)
    return arithmetic.neg(outer), down


def _solve_pushforward(out: Wire, tangents: tuple[Wire | None, Wire | None]) -> Wire:
    a, b = out.inputs
    da, db = tangents
    vector = b.ndim == 1
    right = db
    if da is not None:
        moved = matmul(da, out)
        right = arithmetic.neg(moved) if db is None else arithmetic.sub(db, moved)
    assert right is not None
    return _solve_any(a, right, vector)


_solve = Declaration(
    "solve",
    "implicit",
    "A⁻¹b",
    infer=_solve_infer,
    function=_regular(np.linalg.solve, "solve"),
    written=np.linalg.solve,
    traced=lambda a, b: (
        np.linalg.solve(a, b[..., None])[..., 0] if b.ndim == 1 else np.linalg.solve(a, b)
    ),
    pullback=_solve_pullback,
    pushforward=_solve_pushforward,
    meaning=lambda a, b, out: arithmetic.sub(matmul(a, out), b),
    sample=lambda: solve(input_wire("A", (2, 2)), input_wire("b", 2)),
    formula="A y = b",
    # An LU factorisation, then two triangular systems for every right side.
    flops=lambda a, b: 2 * a[0] ** 3 // 3 + 2 * a[0] * math.prod(b),
    latex="{0}^{{-1}}{1}",
    source="Giles, Collected matrix derivative results (2008), 2.3.1",
    recovery=(1, lambda a, b, out: matmul(a, out)),
)


def solve(a: Operand, b: Operand) -> Wire:
    """The solution y of A y = b, for a vector or the columns of a matrix, as numpy.linalg.solve.

    Raises:
        ShapeError: A is not square, or b has another number of rows.
        DomainError: When run, a singular matrix; the message says its rank.
    """
    matrix, right = as_wire(a), as_wire(b)
    require_square(matrix, "solve")
    if right.ndim not in (1, 2) or right.shape[0] != matrix.shape[0]:
        raise ShapeError(
            f"solve: {describe(matrix)} is {format_shape(matrix.shape)} but {describe(right)} is "
            f"{format_shape(right.shape)}; needed ({matrix.shape[0]},) or ({matrix.shape[0]}, k)."
        )
    return _solve(matrix, right)
