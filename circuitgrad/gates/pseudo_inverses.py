"""The pseudo-inverse of a matrix of full rank."""

from __future__ import annotations

from typing import Any

import numpy as np

from circuitgrad.gates.contractions import matmul
from circuitgrad.gates.decompositions import finite_svd, nonzero_kernel, rectangle
from circuitgrad.gates.from_rule import Declaration
from circuitgrad.gates.linear_algebra import inverse
from circuitgrad.gates.matrices import turned
from circuitgrad.sources import input_wire
from circuitgrad.spec import Spec
from circuitgrad.wire import Array, Operand, Wire

__all__ = ["pinv"]


def _pinv_pushforward(out: Wire, tangents: tuple[Wire]) -> Wire:
    """-A⁺ dA A⁺ + A⁺ A⁺ᵀ dAᵀ (I - A A⁺) + (I - A⁺ A) dAᵀ A⁺ᵀ A⁺."""
    (a,), (tangent,) = out.inputs, tangents
    p = full_rank_pinv(a)
    found: Wire = -matmul(matmul(p, tangent), p)
    rows, columns = (int(n) for n in a.shape)
    if rows > columns:
        gram = matmul(p, p.T)
        step = matmul(gram, turned(tangent))
        found = found + step - matmul(matmul(step, a), p)
    if rows < columns:
        step = matmul(turned(tangent), matmul(p.T, p))
        found = found + step - matmul(p, matmul(a, step))
    return found


def _pinv_pullback(out: Wire, grad: Wire) -> tuple[Wire]:
    (a,) = out.inputs
    p = full_rank_pinv(a)
    found: Wire = -matmul(matmul(p.T, grad), p.T)
    rows, columns = (int(n) for n in a.shape)
    if rows > columns:
        step = matmul(turned(grad), matmul(p, p.T))
        found = found + step - matmul(p.T, matmul(a.T, step))
    if rows < columns:
        step = matmul(matmul(p.T, p), turned(grad))
        found = found + step - matmul(matmul(step, p), a)
    return (found,)


def _pinv_meaning(a: Wire) -> Wire:
    if int(a.shape[0]) >= int(a.shape[1]):
        return matmul(inverse(matmul(a.T, a)), a.T)
    return matmul(a.T, inverse(matmul(a, a.T)))


def _full_rank_kernel(a: Array) -> Array:
    left, values, right = finite_svd(a)
    result: Array = (right.T / nonzero_kernel(values)) @ left.T
    return result


def _pseudo_inverse(name: str, kernel: Any) -> Declaration:
    declared: Declaration = Declaration(
        name,
        "composite",
        "A⁺",
        infer=lambda inputs: Spec(inputs[0].shape[::-1], inputs[0].dtype),
        function=kernel,
        written=lambda a: np.linalg.pinv(a),
        traced=lambda a: np.linalg.pinv(a),
        pullback=_pinv_pullback,
        pushforward=_pinv_pushforward,
        meaning=_pinv_meaning,
        sample=lambda: declared(input_wire("A", (2, 1))),
        formula="(Aᵀ A)⁻¹ Aᵀ or Aᵀ (A Aᵀ)⁻¹",
        latex="{0}^{{+}}",
        source="Golub & Pereyra, SIAM J. Numer. Anal. 10 (1973) 413",
    )
    return declared


pseudo_inverse = _pseudo_inverse("pinv", lambda a: np.linalg.pinv(a))
# The same, but an error where the rank is not full: what derivatives are built of.
full_rank_pinv = _pseudo_inverse("full_rank_pinv", _full_rank_kernel)


def pinv(a: Operand) -> Wire:
    """The pseudo-inverse of a matrix, as numpy.linalg.pinv.

    Raises:
        ShapeError: No matrix, an axis of size 0, or a named axis.
        DomainError: When a derivative is run, a matrix without full rank.
    """
    return pseudo_inverse(rectangle(a, "pinv"))
