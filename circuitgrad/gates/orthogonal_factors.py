"""Gates of the QR decomposition: an orthogonal and an upper triangular factor."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from circuitgrad.errors import DomainError, ShapeError
from circuitgrad.gates.contractions import matmul
from circuitgrad.gates.decompositions import rectangle
from circuitgrad.gates.from_rule import Declaration
from circuitgrad.gates.linear_algebra import inverse
from circuitgrad.gates.matrices import identity, turned
from circuitgrad.gates.shapes import stack
from circuitgrad.sources import constant, input_wire
from circuitgrad.spec import Spec, format_shape
from circuitgrad.wire import Array, Operand, Wire, describe

__all__ = ["qr"]

_SOURCE = "Walter & Lehmann, Algorithmic differentiation of linear algebra functions (2010)"

# A matrix of size 2 by the entries p, q, r of R and the tangent t of half the angle of Q.
_C, _S = "((1 - t**2)/(1 + t**2))", "(2*t/(1 + t**2))"
_MATRIX = ((f"{_C}*p", f"{_C}*q - {_S}*r"), (f"{_S}*p", f"{_S}*q + {_C}*r"))


def _masked(x: Wire, k: int) -> Wire:
    """The entries on and below a diagonal."""
    size = int(x.shape[-1])
    found: Wire = x * constant(np.tril(np.ones((size, size)), k), x.dtype)
    return found


def _mirrored(x: Wire) -> Wire:
    """The symmetric matrix with this lower triangle."""
    return _masked(x, 0) + turned(_masked(x, -1))


def _turn(x: Wire) -> Wire:
    """The skew matrix with this triangle below the diagonal."""
    below = _masked(x, -1)
    return below - turned(below)


def _q_pushforward(out: Wire, tangents: tuple[Wire]) -> Wire:
    """dQ = Q Ω + (I - Q Qᵀ) dA R⁻¹, Ω the skew part of Qᵀ dA R⁻¹."""
    (a,) = out.inputs
    moved = matmul(tangents[0], inverse(regular_upper(a)))
    inner = matmul(out.T, moved)
    return matmul(out, _turn(inner)) + moved - matmul(out, inner)


def _q_pullback(out: Wire, grad: Wire) -> tuple[Wire]:
    (a,) = out.inputs
    inner = _mirrored(matmul(turned(grad), out))
    return (matmul(grad - matmul(out, inner), inverse(regular_upper(a)).T),)


def _r_pushforward(out: Wire, tangents: tuple[Wire]) -> Wire:
    """dR = (Qᵀ dA R⁻¹ - Ω) R."""
    (a,) = out.inputs
    inner = matmul(matmul(orthogonal(a).T, tangents[0]), inverse(regular_upper(a)))
    return matmul(inner - _turn(inner), out)


def _r_pullback(out: Wire, grad: Wire) -> tuple[Wire]:
    (a,) = out.inputs
    inner = _mirrored(matmul(out, turned(grad)))
    return (matmul(matmul(orthogonal(a), inner), inverse(regular_upper(a)).T),)


def _q_residual(a: Wire, out: Wire) -> Wire:
    size = int(a.shape[1])
    return stack([_masked(matmul(out.T, a), -1), matmul(out.T, out) - identity(size)])


def _r_residual(a: Wire, out: Wire) -> Wire:
    return stack([_masked(out, -1), matmul(out.T, out) - matmul(a.T, a)])


def _regular_kernel(a: Array) -> Array:
    upper: Array = np.linalg.qr(a)[1]
    size = np.abs(np.diag(upper))
    if size.min() <= len(a) * np.finfo(a.dtype).eps * size.max():
        raise DomainError(
            f"qr: the columns of the matrix are dependent (the diagonal of R goes from "
            f"{size.max():.3g} to {size.min():.3g}). There the factors have no derivative. Remove "
            "dependent columns."
        )
    return upper


orthogonal: Declaration = Declaration(
    "qr_orthogonal",
    "implicit",
    "Q",
    infer=lambda inputs: inputs[0].spec,
    function=lambda a: np.linalg.qr(a)[0],
    pullback=_q_pullback,
    pushforward=_q_pushforward,
    meaning=_q_residual,
    generic=(_MATRIX, ((_C, f"-{_S}"), (_S, _C))),
    sample=lambda: orthogonal(input_wire("A", (2, 2))),
    formula="A = Q R, Qᵀ Q = I, R upper triangular",
    latex="Q({0})",
    source=_SOURCE,
)


def _upper(name: str, kernel: object) -> Declaration:
    declared: Declaration = Declaration(
        name,
        "implicit",
        "R",
        infer=lambda inputs: Spec((inputs[0].shape[1],) * 2, inputs[0].dtype),
        function=kernel,  # type: ignore[arg-type]
        traced=lambda a: np.linalg.qr(a)[1],
        pullback=_r_pullback,
        pushforward=_r_pushforward,
        meaning=_r_residual,
        generic=(_MATRIX, (("p", "q"), ("0", "r"))),
        sample=lambda: declared(input_wire("A", (2, 2))),
        formula="Rᵀ R = Aᵀ A, R upper triangular",
        latex="R({0})",
        source=_SOURCE,
    )
    return declared


upper = _upper("qr_upper", lambda a: np.linalg.qr(a)[1])
# The same, but an error where columns are dependent: what derivatives are built of.
regular_upper = _upper("regular_qr_upper", _regular_kernel)


class Factors(NamedTuple):
    """The factors of A = Q R."""

    Q: Wire
    R: Wire


def qr(a: Operand) -> Factors:
    """The reduced QR decomposition of a matrix with at least as many rows as columns.

    Raises:
        ShapeError: No matrix, more columns than rows, or a named axis.
        DomainError: When a derivative is run, dependent columns.
    """
    wire = rectangle(a, "qr")
    if int(wire.shape[0]) < int(wire.shape[1]):
        raise ShapeError(
            f"qr: {describe(wire)} is {format_shape(wire.shape)}; needed at least as many rows as "
            "columns. Use the columns that are independent."
        )
    return Factors(orthogonal(wire), upper(wire))
