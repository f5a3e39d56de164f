"""Gates of square matrices: determinant, its logarithm and sign, Cholesky factor.

The determinant is a polynomial, so its first and second derivatives exist at singular matrices
too: they come from the singular values, never from a division by the determinant.
"""

from __future__ import annotations

import itertools
import math
from typing import Any, NamedTuple

import numpy as np

from circuitgrad.errors import DomainError, ShapeError
from circuitgrad.gates import arithmetic
from circuitgrad.gates.cofactor_kernels import (
    cofactor_change_kernel,
    cofactor_change_traced,
    cofactor_kernel,
)
from circuitgrad.gates.contractions import matmul, total
from circuitgrad.gates.from_einsum import common_dtype, einsum
from circuitgrad.gates.from_rule import Declaration
from circuitgrad.gates.linear_algebra import inverse, require_square
from circuitgrad.gates.shapes import stack
from circuitgrad.sources import as_wire, constant, input_wire
from circuitgrad.spec import Spec, format_shape
from circuitgrad.wire import Array, Operand, Wire, describe

LARGEST_POLYNOMIAL = 4  # n! products are written out in formulas up to here

__all__ = ["cholesky", "det", "identity", "logdet", "lower_triangle", "matrix_power", "pair"]
__all__ += ["slogdet", "spread", "turned"]


def turned(x: Wire) -> Wire:
    """The matrix on the last two axes transposed."""
    order = (*range(x.ndim - 2), x.ndim - 1, x.ndim - 2)
    return x.transpose(order)


def pair(x: Wire, y: Wire) -> Wire:
    """The sum of the products of entries over the last two axes."""
    return total(x * y, (-2, -1))


def spread(x: Wire) -> Wire:
    """A number per batch entry, as one that multiplies matrices."""
    ones = {"Y": 1, "Z": 1}
    letters = "abcdefghijklmnop"[: x.ndim]
    return einsum(f"{letters}->{letters}YZ", x, sizes=ones)


def identity(size: Any) -> Wire:
    """The identity matrix of a size or named axis."""
    return einsum("->ii", sizes={"i": size})


# --- determinant ----------------------------------------------------------------------------------


def _polynomial(a: Wire) -> Wire:
    """The determinant as Leibniz's sum of signed products."""
    size = a.shape[0]
    if isinstance(size, str) or size > LARGEST_POLYNOMIAL:
        raise ShapeError(
            f"det: written out, a determinant of size {size} has too many terms; sizes up to "
            f"{LARGEST_POLYNOMIAL} are."
        )
    result: Wire | None = None
    for order in itertools.permutations(range(size)):
        swaps = sum(order[i] > order[j] for i, j in itertools.combinations(range(size), 2))
        term = as_wire(-1.0 if swaps % 2 else 1.0, a.dtype)
        for i, j in enumerate(order):
            term = term * a[i, j]
        result = term if result is None else result + term
    return constant(1.0, a.dtype) if result is None else result


def _minors(a: Wire) -> Wire:
    """The cofactor matrix, entry by entry."""
    size = a.shape[0]
    if isinstance(size, str):
        raise ShapeError(f"cofactor: axis '{size}' has no size; it is written out for one.")
    rows = []
    for i in range(size):
        entries = []
        for j in range(size):
            keep = [k for k in range(size) if k != i], [k for k in range(size) if k != j]
            minor = _polynomial(a[keep[0], :][:, keep[1]]) if size > 1 else constant(1.0)
            entries.append(minor if (i + j) % 2 == 0 else -minor)
        rows.append(stack(entries))
    return stack(rows)


det_gate: Declaration = Declaration(
    "det",
    "composite",
    "det",
    infer=lambda inputs: Spec((), inputs[0].dtype),
    function=lambda a: np.asarray(np.linalg.det(a)),
    pullback=lambda out, grad: (spread(grad) * cofactor(out.inputs[0]),),
    pushforward=lambda out, tangents: pair(tangents[0], cofactor(out.inputs[0])),
    meaning=_polynomial,
    sample=lambda: det(input_wire("A", (2, 2))),
    formula="sum of signed products, one entry of each row and column",
    flops=lambda a: 2 * a[0] ** 3 // 3,
    latex=r"\det {0}",
    source="Leibniz; the derivative: Jacobi's formula",
)

cofactor: Declaration = Declaration(
    "cofactor",
    "composite",
    "cof",
    infer=lambda inputs: inputs[0].spec,
    function=cofactor_kernel,
    traced=lambda a: np.linalg.det(a) * np.linalg.inv(a).T,
    pullback=lambda out, grad: (cofactor_change(out.inputs[0], grad),),
    pushforward=lambda out, tangents: cofactor_change(out.inputs[0], tangents[0]),
    meaning=_minors,
    sample=lambda: cofactor(input_wire("A", (2, 2))),
    formula="det(A) A⁻ᵀ, the matrix of signed minors",
    flops=lambda a: 23 * a[0] ** 3,  # singular values and vectors: 21 n³
    latex=r"\operatorname{{cof}} {0}",
    source="Magnus & Neudecker, Matrix Differential Calculus, 8.3",
)


def _change(a: Wire, e: Wire) -> Wire:
    """The derivative of det(A) A⁻ᵀ along E where A is regular."""
    inverted, minors = inverse(a), cofactor(a)
    along = spread(pair(inverted.T, e)) * minors
    return along - matmul(matmul(inverted.T, turned(e)), minors)


def _change_pullback(out: Wire, grad: Wire) -> tuple[Wire, Wire]:
    a, e = out.inputs
    b, c = inverse(a), cofactor(a)
    first = -(turned(matmul(matmul(b, e), b)) * spread(pair(grad, c)))
    second = spread(pair(b.T, e)) * cofactor_change(a, grad)
    third = matmul(matmul(matmul(matmul(b.T, turned(e)), c), turned(grad)), b.T)
    fourth = cofactor_change(a, matmul(matmul(e, b), grad))
    found = first + second + third - fourth
    batch = tuple(range(grad.ndim - out.ndim, found.ndim - 2))
    return (total(found, batch) if batch else found), cofactor_change(a, grad)


def _change_pushforward(out: Wire, tangents: tuple[Wire | None, Wire | None]) -> Wire:
    a, e = out.inputs
    da, de = tangents
    if da is None:
        return cofactor_change(a, de)  # type: ignore[arg-type]
    b, c = inverse(a), cofactor(a)
    for _ in range(e.ndim - 2):  # the batch axes of E stand behind those of the tangent
        da = da.reshape((*da.shape[:-2], 1, *da.shape[-2:]))
    change = cofactor_change(a, da)
    moved = matmul(matmul(b, da), b)
    result = spread(pair(b.T, e)) * change - spread(pair(turned(moved), e)) * c
    result = result + matmul(matmul(turned(moved), turned(e)), c)
    result = result - matmul(matmul(b.T, turned(e)), change)
    return result if de is None else result + cofactor_change(a, de)


cofactor_change: Declaration = Declaration(
    "cofactor_change",
    "composite",
    "dcof",
    infer=lambda inputs: Spec(inputs[1].shape, common_dtype(inputs)),
    function=cofactor_change_kernel,
    traced=cofactor_change_traced,
    pullback=_change_pullback,
    pushforward=_change_pushforward,
    meaning=_change,
    sample=lambda: cofactor_change(input_wire("A", (2, 2)), input_wire("E", (2, 2))),
    formula="tr(A⁻¹E) cof(A) - A⁻ᵀ Eᵀ cof(A), extended to singular A",
    flops=lambda a, e: 21 * a[0] ** 3 + 8 * a[0] * math.prod(e),
    latex=r"\operatorname{{D\,cof}}({0})[{1}]",
    source="Magnus & Neudecker, Matrix Differential Calculus, 8.3",
)


def det(a: Operand) -> Wire:
    """The determinant of a square matrix; first and second derivatives are right at singular ones.

    Raises:
        ShapeError: Not a square matrix.
    """
    wire = as_wire(a)
    require_square(wire, "det")
    return det_gate(wire)


# --- logarithm and sign of the determinant --------------------------------------------------------


def _logdet_kernel(a: Array) -> Array:
    sign, value = np.linalg.slogdet(a)
    if sign == 0:
        raise DomainError(
            "logdet: the matrix is singular (rank "
            f"{np.linalg.matrix_rank(a)}, size {len(a)}); its determinant is 0, which has no "
            "logarithm. Remove dependent rows, or add a multiple of the identity."
        )
    return np.asarray(value)


logdet_gate: Declaration = Declaration(
    "logdet",
    "composite",
    "log det",
    infer=lambda inputs: Spec((), inputs[0].dtype),
    function=_logdet_kernel,
    traced=lambda a: np.linalg.slogdet(a)[1],
    pullback=lambda out, grad: (spread(grad) * inverse(out.inputs[0]).T,),
    pushforward=lambda out, tangents: pair(tangents[0], inverse(out.inputs[0]).T),
    meaning=lambda a: 0.5 * arithmetic.log(arithmetic.square(det_gate(a))),
    sample=lambda: logdet(input_wire("A", (2, 2))),
    formula="log|det(A)|",
    flops=lambda a: 2 * a[0] ** 3 // 3,
    latex=r"\log\left|\det {0}\right|",
    source="Giles, Collected matrix derivative results (2008), 2.2.4",
)

determinant_sign: Declaration = Declaration(
    "determinant_sign",
    "selection",
    "sgn det",
    infer=lambda inputs: Spec((), inputs[0].dtype),
    function=lambda a: np.asarray(np.linalg.slogdet(a)[0]),
    pullback=lambda out, grad: (None,),
    pushforward=lambda out, tangents: None,
    entries=lambda a: arithmetic.sign(det_gate(a)),
    sample=lambda: determinant_sign(input_wire("A", (2, 2))),
    formula="sign(det(A))",
    flops=lambda a: 2 * a[0] ** 3 // 3,
    policy="0 everywhere (piecewise constant)",
    latex=r"\operatorname{{sgn}}\det {0}",
)


def logdet(a: Operand) -> Wire:
    """log|det A| of a square matrix, safe where the determinant itself overflows.

    Raises:
        ShapeError: Not a square matrix.
        DomainError: When run, a singular matrix; the message says its rank.
    """
    wire = as_wire(a)
    require_square(wire, "logdet")
    return logdet_gate(wire)


class SignAndLog(NamedTuple):
    """A determinant as its sign and the logarithm of its size."""

    sign: Wire
    logabsdet: Wire


def slogdet(a: Operand) -> SignAndLog:
    """The sign and the logarithm of the size of the determinant, as numpy.linalg.slogdet."""
    wire = as_wire(a)
    require_square(wire, "slogdet")
    return SignAndLog(determinant_sign(wire), logdet_gate(wire))


# --- Cholesky factor ------------------------------------------------------------------------------


def symmetric_part(a: Array, where: str) -> Array:
    """(A + Aᵀ)/2; DomainError where A is far from symmetric."""
    gap, size = np.max(np.abs(a - a.T), initial=0), np.max(np.abs(a), initial=0)
    if gap > 1e-4 * size:  # wide enough for finite differences in either precision
        raise DomainError(
            f"{where}: the matrix is not symmetric (entries differ by up to {gap:.3g} from their "
            "mirror images). Use (A + A.T) / 2 if its symmetric part is meant."
        )
    result: Array = (a + a.T) / 2
    return result


def _cholesky_kernel(a: Array) -> Array:
    symmetric = symmetric_part(a, "cholesky")
    try:
        result: Array = np.linalg.cholesky(symmetric)
    except np.linalg.LinAlgError:
        smallest = np.linalg.eigvalsh(symmetric)[0]
        raise DomainError(
            f"cholesky: the matrix is not positive definite (smallest eigenvalue {smallest:.3g}). "
            "Add a multiple of the identity."
        ) from None
    return result


def lower_triangle(x: Wire, diagonal: float) -> Wire:
    """The entries below the diagonal, and those on it times a number."""
    size = int(x.shape[-1])
    mask = np.tril(np.ones((size, size)), -1) + diagonal * np.eye(size)
    return x * constant(mask, x.dtype)


def _symmetrised(x: Wire) -> Wire:
    return 0.5 * (x + turned(x))


def _cholesky_pullback(out: Wire, grad: Wire) -> tuple[Wire]:
    back = inverse(out)
    inner = lower_triangle(matmul(out.T, grad), 0.5)
    return (_symmetrised(matmul(matmul(back.T, inner), back)),)


def _cholesky_pushforward(out: Wire, tangents: tuple[Wire]) -> Wire:
    back = inverse(out)
    inner = matmul(matmul(back, _symmetrised(tangents[0])), back.T)
    return matmul(out, lower_triangle(inner, 0.5))


cholesky_gate: Declaration = Declaration(
    "cholesky",
    "implicit",
    "chol",
    infer=lambda inputs: inputs[0].spec,
    function=_cholesky_kernel,
    traced=lambda a: np.linalg.cholesky((a + a.T) / 2),
    pullback=_cholesky_pullback,
    pushforward=_cholesky_pushforward,
    meaning=lambda a, out: matmul(out, out.T) - _symmetrised(a),
    generic=(
        (("p**2", "p*q"), ("p*q", "q**2 + r**2")),
        (("p", "0"), ("q", "r")),
    ),
    sample=lambda: cholesky(input_wire("A", (2, 2))),
    formula="L Lᵀ = A, L lower triangular with positive diagonal",
    flops=lambda a: a[0] ** 3 // 3,
    latex=r"\operatorname{{chol}} {0}",
    source="Murray, Differentiation of the Cholesky decomposition (2016), 3",
)


def cholesky(a: Operand) -> Wire:
    """The lower triangular L with L Lᵀ = A, for a symmetric positive definite A.

    The derivative is that on symmetric matrices: the gradient is symmetric.

    Raises:
        ShapeError: Not a square matrix, or a named axis.
        DomainError: When run, a matrix that is not symmetric or not positive definite.
    """
    wire = as_wire(a)
    require_square(wire, "cholesky")
    require_sizes(wire, "cholesky")
    return cholesky_gate(wire)


def require_sizes(wire: Wire, where: str) -> None:
    """ShapeError where an axis has a name and no size."""
    if any(isinstance(axis, str) for axis in wire.shape):
        raise ShapeError(
            f"{where}: {describe(wire)} is {format_shape(wire.shape)}; axes with names have no "
            "size yet. Give integer sizes to the inputs."
        )


def matrix_power(a: Operand, exponent: int) -> Wire:
    """The product of a square matrix with itself, by repeated squaring; negative ones invert."""
    wire = as_wire(a)
    require_square(wire, "matrix_power")
    if not isinstance(exponent, int | np.integer):
        raise TypeError(f"matrix_power: the exponent is {exponent!r}; needed an integer")
    if exponent < 0:
        return matrix_power(inverse(wire), -exponent)
    result: Wire | None = None
    square, left = wire, int(exponent)
    while left:
        if left & 1:
            result = square if result is None else matmul(result, square)
        left >>= 1
        if left:
            square = matmul(square, square)
    return identity(wire.shape[0]) if result is None else result
