"""Gates of symmetric matrices: eigenvalues and eigenvectors."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from circuitgrad.errors import DomainError
from circuitgrad.gates.contractions import matmul
from circuitgrad.gates.from_einsum import einsum
from circuitgrad.gates.from_rule import Declaration
from circuitgrad.gates.linear_algebra import require_square
from circuitgrad.gates.matrices import det, identity, require_sizes, symmetric_part, turned
from circuitgrad.gates.shapes import stack
from circuitgrad.sources import as_wire, constant, input_wire
from circuitgrad.spec import Spec
from circuitgrad.wire import Array, Operand, Wire

__all__ = ["eigh", "eigvalsh"]

# A symmetric matrix of size 2 by its eigenvalues x, y and the tangent t of half the angle of its
# eigenvectors: everything is a quotient of polynomials.
_COS, _SIN = "((1 - t**2)/(1 + t**2))", "(2*t/(1 + t**2))"
_MATRIX = (
    (f"x*{_COS}**2 + y*{_SIN}**2", f"(y - x)*{_COS}*{_SIN}"),
    (f"(y - x)*{_COS}*{_SIN}", f"x*{_SIN}**2 + y*{_COS}**2"),
)
_VECTORS = ((_COS, _SIN), (f"-{_SIN}", _COS))


def _inverse_gaps_kernel(values: Array) -> Array:
    gaps = values - values[:, None]
    np.fill_diagonal(gaps, np.inf)
    size = np.max(np.abs(values), initial=0)
    limit = 8 * len(values) * np.finfo(values.dtype).eps * size
    nearest = np.min(np.abs(gaps), initial=np.inf)
    if nearest <= limit:
        place = int(np.argmin(np.min(np.abs(gaps), axis=1)))
        raise DomainError(
            f"eigenvalues: the eigenvalue {values[place]:.6g} is repeated (two differ by "
            f"{nearest:.3g}, which is rounding error). There the eigenvectors are not determined "
            "and the sorted eigenvalues have no derivative. Differentiate a function that does "
            "not tell equal eigenvalues apart (trace, det, matrix_power), or perturb the matrix."
        )
    result: Array = 1 / gaps
    return result


def _inverse_gaps_traced(values: Array) -> Array:
    """The same for eigenvalues that differ."""
    gaps = values - values[:, None]
    apart = gaps != 0
    result: Array = np.where(apart, 1 / np.where(apart, gaps, 1.0), 0.0)
    return result


def _inverse_gaps_meaning(values: Wire) -> Wire:
    size = int(values.shape[0])
    ones = constant(np.ones(size), values.dtype)
    eye = constant(np.eye(size), values.dtype)
    gaps = einsum("i,j->ij", ones, values) - einsum("i,j->ij", values, ones)
    return (1.0 - eye) / (gaps + eye)


def _gap_change(out: Wire, change: Wire) -> Wire:
    """-F² ⊙ (dw_j - dw_i), for tangents with leading batch axes."""
    lead = "ABCDEFGHIJKLMNOPQRSTUVWXYZ"[: change.ndim - 1]
    square = out * out
    return einsum(f"ij,{lead}i->{lead}ij", square, change) - einsum(
        f"ij,{lead}j->{lead}ij", square, change
    )


def _gap_pullback(out: Wire, grad: Wire) -> tuple[Wire]:
    lead = "ABCDEFGHIJKLMNOPQRSTUVWXYZ"[: grad.ndim - 2]
    weighted = grad * (out * out)
    return (einsum(f"{lead}ij->{lead}i", weighted) - einsum(f"{lead}ij->{lead}j", weighted),)


inverse_gaps: Declaration = Declaration(
    "inverse_gaps",
    "composite",
    "1/(λⱼ−λᵢ)",
    infer=lambda inputs: Spec((inputs[0].shape[0],) * 2, inputs[0].dtype),
    function=_inverse_gaps_kernel,
    traced=_inverse_gaps_traced,
    pullback=_gap_pullback,
    pushforward=lambda out, tangents: _gap_change(out, tangents[0]),
    meaning=_inverse_gaps_meaning,
    sample=lambda: inverse_gaps(input_wire("w", 2)),
    formula="1/(w_j - w_i) off the diagonal, 0 on it",
    latex=r"\frac{{1}}{{{0}_j - {0}_i}}",
    source="Giles, Collected matrix derivative results (2008), 3.1",
)


def _rotated(vectors: Wire, inner: Wire) -> Wire:
    """V X Vᵀ."""
    return matmul(matmul(vectors, inner), vectors.T)


def _symmetric(x: Wire) -> Wire:
    return 0.5 * (x + turned(x))


def _values_pullback(out: Wire, grad: Wire) -> tuple[Wire]:
    vectors = simple_eigenvectors(*out.inputs)
    lead = "ABCDEFGHIJKLMNOPQRSTUVWXYZ"[: grad.ndim - 1]
    return (einsum(f"im,{lead}m,jm->{lead}ij", vectors, grad, vectors),)


def _values_pushforward(out: Wire, tangents: tuple[Wire]) -> Wire:
    vectors = simple_eigenvectors(*out.inputs)
    (tangent,) = tangents
    lead = "ABCDEFGHIJKLMNOPQRSTUVWXYZ"[: tangent.ndim - 2]
    return einsum(f"im,{lead}ij,jm->{lead}m", vectors, tangent, vectors)


eigenvalues: Declaration = Declaration(
    "eigenvalues",
    "implicit",
    "λ",
    infer=lambda inputs: Spec(inputs[0].shape[:1], inputs[0].dtype),
    function=lambda a: np.linalg.eigvalsh(symmetric_part(a, "eigvalsh")),
    traced=lambda a: np.linalg.eigvalsh((a + a.T) / 2),
    pullback=_values_pullback,
    pushforward=_values_pushforward,
    meaning=lambda a, out: stack(
        [det(_symmetric(a) - out[k] * identity(a.shape[0])) for k in range(int(a.shape[0]))]
    ),
    generic=(_MATRIX, ("x", "y")),
    sample=lambda: eigvalsh(input_wire("A", (2, 2))),
    formula="det(A - y I) = 0, in ascending order",
    flops=lambda a: 4 * a[0] ** 3 // 3,
    latex=r"\lambda({0})",
    source="Giles, Collected matrix derivative results (2008), 3.1",
)


def _vectors_pullback(out: Wire, grad: Wire) -> tuple[Wire]:
    (a,) = out.inputs
    inner = inverse_gaps(eigenvalues(a)) * matmul(out.T, grad)
    return (_symmetric(_rotated(out, inner)),)


def _vectors_pushforward(out: Wire, tangents: tuple[Wire]) -> Wire:
    (a,) = out.inputs
    inner = matmul(matmul(out.T, _symmetric(tangents[0])), out)
    return matmul(out, inverse_gaps(eigenvalues(a)) * inner)


def _simple_kernel(a: Array) -> Array:
    values, vectors = np.linalg.eigh(symmetric_part(a, "eigh"))
    _inverse_gaps_kernel(values)  # for its error
    result: Array = vectors
    return result


def _vectors_residual(a: Wire, out: Wire) -> Wire:
    """The entries of Vᵀ A V off the diagonal, and Vᵀ V - I."""
    diagonalised = matmul(matmul(out.T, _symmetric(a)), out)
    off = diagonalised * constant(1.0 - np.eye(int(a.shape[0])), a.dtype)
    return stack([off, matmul(out.T, out) - identity(a.shape[0])])


def _vectors(name: str, kernel: object) -> Declaration:
    declared: Declaration = Declaration(
        name,
        "implicit",
        "V",
        infer=lambda inputs: inputs[0].spec,
        function=kernel,  # type: ignore[arg-type]
        traced=lambda a: np.linalg.eigh((a + a.T) / 2)[1],
        pullback=_vectors_pullback,
        pushforward=_vectors_pushforward,
        meaning=_vectors_residual,
        generic=(_MATRIX, _VECTORS),
        sample=lambda: declared(input_wire("A", (2, 2))),
        formula="A V = V diag(λ), Vᵀ V = I",
        flops=lambda a: 9 * a[0] ** 3,
        latex=r"V({0})",
        source="Giles, Collected matrix derivative results (2008), 3.1",
    )
    return declared


eigenvectors: Declaration = _vectors(
    "eigenvectors", lambda a: np.linalg.eigh(symmetric_part(a, "eigh"))[1]
)
# The same, but an error where an eigenvalue is repeated: what derivatives are built of.
simple_eigenvectors: Declaration = _vectors("simple_eigenvectors", _simple_kernel)


class Eigensystem(NamedTuple):
    """The eigenvalues of a symmetric matrix, ascending, and its eigenvectors as columns."""

    eigenvalues: Wire
    eigenvectors: Wire


def _checked(a: Operand, where: str) -> Wire:
    wire = as_wire(a)
    require_square(wire, where)
    require_sizes(wire, where)
    return wire


def eigvalsh(a: Operand) -> Wire:
    """The eigenvalues of a symmetric matrix in ascending order.

    Raises:
        ShapeError: Not a square matrix, or a named axis.
        DomainError: When run, a matrix that is not symmetric; when a derivative is run, a repeated
            eigenvalue.
    """
    return eigenvalues(_checked(a, "eigvalsh"))


def eigh(a: Operand) -> Eigensystem:
    """The eigenvalues and eigenvectors of a symmetric matrix, as numpy.linalg.eigh.

    Raises:
        ShapeError: Not a square matrix, or a named axis.
        DomainError: When run, a matrix that is not symmetric; when a derivative is run, a repeated
            eigenvalue.
    """
    wire = _checked(a, "eigh")
    return Eigensystem(eigenvalues(wire), eigenvectors(wire))
