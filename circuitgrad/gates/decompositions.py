"""Gates of rectangular matrices: singular values and vectors, pseudo-inverse."""

from __future__ import annotations

from functools import lru_cache
from typing import NamedTuple

import numpy as np

from circuitgrad.errors import DomainError, ShapeError
from circuitgrad.gates import arithmetic
from circuitgrad.gates.contractions import matmul
from circuitgrad.gates.from_einsum import einsum
from circuitgrad.gates.from_rule import Declaration
from circuitgrad.gates.matrices import det, identity, turned
from circuitgrad.gates.shapes import stack
from circuitgrad.sources import ArrayKey, as_wire, constant, input_wire
from circuitgrad.spec import Spec, format_shape
from circuitgrad.wire import Array, Operand, Wire, describe

__all__ = ["rectangle", "singular_values", "svd"]

_SOURCE = "Giles, Collected matrix derivative results (2008), 3.3"

# A matrix of size 2 by its singular values x, y and the tangents s, t of half the angles of its
# singular vectors: everything is a quotient of polynomials.
_C, _S = "((1 - t**2)/(1 + t**2))", "(2*t/(1 + t**2))"
_D, _R = "((1 - s**2)/(1 + s**2))", "(2*s/(1 + s**2))"
_MATRIX = (
    (f"x*{_C}*{_D} + y*{_S}*{_R}", f"y*{_S}*{_D} - x*{_C}*{_R}"),
    (f"y*{_C}*{_R} - x*{_S}*{_D}", f"x*{_S}*{_R} + y*{_C}*{_D}"),
)
_LEFT = ((_C, _S), (f"-{_S}", _C))
_RIGHT = ((_D, _R), (f"-{_R}", _D))


def rectangle(a: Operand, where: str) -> Wire:
    """A matrix as a wire; ShapeError unless it is one, with integer sizes from 1 up."""
    wire = as_wire(a)
    if wire.ndim != 2 or any(isinstance(axis, str) or not axis for axis in wire.shape):
        raise ShapeError(
            f"{where}: {describe(wire)} is {format_shape(wire.shape)}; needed one matrix with "
            "integer sizes from 1 up. Give integer sizes to the inputs."
        )
    return wire


def _small(wire: Wire) -> int:
    return min(int(axis) for axis in wire.shape)


@lru_cache(maxsize=1)
def _latest_svd(key: ArrayKey) -> tuple[Array, Array, Array]:
    """The factors of the matrix last asked for: three gates on it share one decomposition."""
    return np.linalg.svd(key.array(), full_matrices=False)


def finite_svd(a: Array) -> tuple[Array, Array, Array]:
    if not np.all(np.isfinite(a)):
        raise DomainError(
            "svd: the matrix has entries that are inf or NaN; singular values need finite ones."
        )
    left, values, right = _latest_svd(ArrayKey.of(a))
    return left.copy(), values.copy(), right.copy()


# --- singular values ------------------------------------------------------------------------------


def _values_pullback(out: Wire, grad: Wire) -> tuple[Wire]:
    left, right = left_vectors(*out.inputs), right_vectors(*out.inputs)
    lead = "ABCDEFGHIJKLMNOPQRSTUVWXYZ"[: grad.ndim - 1]
    return (einsum(f"im,{lead}m,jm->{lead}ij", left, grad, right),)


def _values_pushforward(out: Wire, tangents: tuple[Wire]) -> Wire:
    left, right = left_vectors(*out.inputs), right_vectors(*out.inputs)
    (tangent,) = tangents
    lead = "ABCDEFGHIJKLMNOPQRSTUVWXYZ"[: tangent.ndim - 2]
    return einsum(f"im,{lead}ij,jm->{lead}m", left, tangent, right)


_values: Declaration = Declaration(
    "singular_values",
    "implicit",
    "σ",
    infer=lambda inputs: Spec((_small(inputs[0]),), inputs[0].dtype),
    function=lambda a: finite_svd(a)[1],
    written=lambda a: np.linalg.svd(a, full_matrices=False)[1],
    traced=lambda a: np.linalg.svd(a, full_matrices=False)[1],
    pullback=_values_pullback,
    pushforward=_values_pushforward,
    meaning=lambda a, out: stack(
        [
            det(matmul(a.T, a) - arithmetic.square(out[k]) * identity(a.shape[1]))
            for k in range(_small(a))
        ]
    ),
    generic=(_MATRIX, ("x", "y")),
    sample=lambda: singular_values(input_wire("A", (2, 2))),
    formula="det(Aᵀ A - y² I) = 0, y ≥ 0, in descending order",
    latex=r"\sigma({0})",
    policy="of equal singular values, the one that the vectors found belong to",
    source=_SOURCE,
)

# --- singular vectors -----------------------------------------------------------------------------


def _square_gaps_kernel(values: Array) -> Array:
    """1/(σⱼ² - σᵢ²), also where the squares would round to the same."""
    gaps = values - values[:, None]
    np.fill_diagonal(gaps, np.inf)
    limit = 8 * len(values) * np.finfo(values.dtype).eps * np.max(values, initial=0)
    nearest = np.min(np.abs(gaps), initial=np.inf)
    if nearest <= limit:
        place = int(np.argmin(np.min(np.abs(gaps), axis=1)))
        raise DomainError(
            f"svd: the singular value {values[place]:.6g} is repeated (two differ by "
            f"{nearest:.3g}, which is rounding error). There the singular vectors are not "
            "determined and have no derivative. Differentiate a function of the singular values "
            "alone (compute_uv=False), or perturb the matrix."
        )
    sums = values + values[:, None]
    np.fill_diagonal(sums, 1)
    result: Array = 1 / gaps / sums
    return result


def _square_gaps_traced(values: Array) -> Array:
    """The same; infinite, not an error, where two values agree."""
    order = np.cumsum(np.ones_like(values), 0)
    same = order == order[:, None]
    gaps = (values - values[:, None]) * (values + values[:, None])
    result: Array = np.where(same, 0, 1 / np.where(same, 1, gaps))
    return result


def _gap_pullback(out: Wire, grad: Wire) -> tuple[Wire]:
    lead = "ABCDEFGHIJKLMNOPQRSTUVWXYZ"[: grad.ndim - 2]
    weighted = grad * (out * out)
    (values,) = out.inputs
    along = einsum(f"{lead}ij->{lead}i", weighted) - einsum(f"{lead}ij->{lead}j", weighted)
    return (2.0 * values * along,)


def _gap_change(out: Wire, tangents: tuple[Wire]) -> Wire:
    (change,) = tangents
    lead = "ABCDEFGHIJKLMNOPQRSTUVWXYZ"[: change.ndim - 1]
    moved = 2.0 * out.inputs[0] * change
    square = out * out
    return einsum(f"ij,{lead}i->{lead}ij", square, moved) - einsum(
        f"ij,{lead}j->{lead}ij", square, moved
    )


def _gaps_meaning(values: Wire) -> Wire:
    size = int(values.shape[0])
    ones, eye = constant(np.ones(size), values.dtype), constant(np.eye(size), values.dtype)
    squares = values * values
    gaps = einsum("i,j->ij", ones, squares) - einsum("i,j->ij", squares, ones)
    return (1.0 - eye) / (gaps + eye)


inverse_square_gaps: Declaration = Declaration(
    "inverse_square_gaps",
    "composite",
    "1/(σⱼ²−σᵢ²)",
    infer=lambda inputs: Spec((inputs[0].shape[0],) * 2, inputs[0].dtype),
    function=_square_gaps_kernel,
    traced=_square_gaps_traced,
    pullback=_gap_pullback,
    pushforward=_gap_change,
    meaning=_gaps_meaning,
    sample=lambda: inverse_square_gaps(input_wire("s", 2)),
    formula="1/(s_j² - s_i²) off the diagonal, 0 on it",
    latex=r"\frac{{1}}{{{0}_j^2 - {0}_i^2}}",
    source=_SOURCE,
)


def _symmetric(x: Wire) -> Wire:
    return x + turned(x)


def _beside(x: Wire, onto: Wire) -> Wire:
    """The part of the columns of x beside those of an orthogonal matrix."""
    return x - matmul(onto, matmul(onto.T, x))


def _columns_over(x: Wire, values: Wire) -> Wire:
    """The columns of the last two axes divided by the singular values."""
    found: Wire = x * arithmetic.inv(values)
    return found


def nonzero_kernel(values: Array) -> Array:
    if values[-1] <= values[0] * np.finfo(values.dtype).eps * len(values):
        raise DomainError(
            f"svd: the matrix is rank-deficient (its singular values range from {values[0]:.3g} to "
            f"{values[-1]:.3g}). There the singular vectors of a matrix that is not square, and a "
            "pseudo-inverse, have no derivative. Remove dependent rows or columns, or add a "
            "multiple of the identity (ridge)."
        )
    return values.copy()


# The singular values, but an error where one of them is 0: what derivatives divide by.
nonzero_values: Declaration = Declaration(
    "nonzero_values",
    "composite",
    "σ≠0",
    infer=lambda inputs: inputs[0].spec,
    function=nonzero_kernel,
    traced=lambda values: 1.0 * values,
    pullback=lambda out, grad: (grad,),
    pushforward=lambda out, tangents: tangents[0],
    meaning=lambda values: 1.0 * values,
    sample=lambda: nonzero_values(input_wire("s", 2)),
    formula="s, none of them 0",
    latex="{0}",
)


def _left_pushforward(out: Wire, a: Wire, other: Wire, tangent: Wire) -> Wire:
    """dU = U (F ⊙ (P S + S Pᵀ)) + (I - U Uᵀ) dA V S⁻¹ with P = Uᵀ dA V."""
    values = _values(a)
    inner = matmul(matmul(out.T, tangent), other)
    scaled = inner * values
    moved = matmul(out, inverse_square_gaps(values) * _symmetric(scaled))
    if out.shape[0] == out.shape[1]:
        return moved
    rest = matmul(_beside(tangent, out), other)
    return moved + _columns_over(rest, nonzero_values(values))


def _left_pullback(out: Wire, a: Wire, other: Wire, grad: Wire) -> Wire:
    """The adjoint: U (Fᵀ ⊙ skew) and what lies beside U."""
    values = _values(a)
    inner = inverse_square_gaps(values) * matmul(out.T, grad)
    weighted = _symmetric(inner) * values
    found = matmul(matmul(out, weighted), other.T)
    if out.shape[0] == out.shape[1]:
        return found
    rest = _columns_over(_beside(grad, out), nonzero_values(values))
    return found + matmul(rest, other.T)


def _vectors_residual(gram: Wire, out: Wire) -> Wire:
    """The entries of Uᵀ (A Aᵀ) U off the diagonal, and Uᵀ U - I."""
    size = int(out.shape[1])
    off = matmul(matmul(out.T, gram), out) * constant(1.0 - np.eye(size), out.dtype)
    return stack([off, matmul(out.T, out) - identity(size)])


left_vectors: Declaration = Declaration(
    "left_singular_vectors",
    "implicit",
    "U",
    infer=lambda inputs: Spec((inputs[0].shape[0], _small(inputs[0])), inputs[0].dtype),
    function=lambda a: finite_svd(a)[0],
    written=lambda a: np.linalg.svd(a, full_matrices=False)[0],
    traced=lambda a: np.linalg.svd(a, full_matrices=False)[0],
    pullback=lambda out, grad: (
        _left_pullback(out, out.inputs[0], right_vectors(*out.inputs), grad),
    ),
    pushforward=lambda out, tangents: _left_pushforward(
        out, out.inputs[0], right_vectors(*out.inputs), tangents[0]
    ),
    meaning=lambda a, out: _vectors_residual(matmul(a, a.T), out),
    generic=(_MATRIX, _LEFT),
    sample=lambda: left_vectors(input_wire("A", (2, 2))),
    formula="A = U diag(σ) Vᵀ, Uᵀ U = I",
    latex=r"U({0})",
    source=_SOURCE,
)
right_vectors: Declaration = Declaration(
    "right_singular_vectors",
    "implicit",
    "V",
    infer=lambda inputs: Spec((inputs[0].shape[1], _small(inputs[0])), inputs[0].dtype),
    function=lambda a: np.ascontiguousarray(finite_svd(a)[2].T),
    written=lambda a: np.linalg.svd(a, full_matrices=False)[2].T,
    traced=lambda a: np.linalg.svd(a, full_matrices=False)[2].T,
    pullback=lambda out, grad: (
        turned(_left_pullback(out, out.inputs[0], left_vectors(*out.inputs), grad)),
    ),
    pushforward=lambda out, tangents: _left_pushforward(
        out, out.inputs[0], left_vectors(*out.inputs), turned(tangents[0])
    ),
    meaning=lambda a, out: _vectors_residual(matmul(a.T, a), out),
    generic=(_MATRIX, _RIGHT),
    sample=lambda: right_vectors(input_wire("A", (2, 2))),
    formula="A = U diag(σ) Vᵀ, Vᵀ V = I",
    latex=r"V({0})",
    source=_SOURCE,
)


class SingularValues(NamedTuple):
    """The factors of A = U diag(S) Vh."""

    U: Wire
    S: Wire
    Vh: Wire


def singular_values(a: Operand) -> Wire:
    """The singular values of a matrix in descending order.

    Raises:
        ShapeError: No matrix, an axis of size 0, or a named axis.
        DomainError: When run, entries that are inf or NaN.
    """
    return _values(rectangle(a, "svd"))


def svd(a: Operand, full_matrices: bool = True) -> SingularValues:
    """The singular value decomposition of a matrix, as numpy.linalg.svd.

    Raises:
        ShapeError: No matrix, a named axis, or full_matrices for a matrix that is not square: its
            further vectors are not determined.
        DomainError: When a derivative of the vectors is run, a repeated singular value.
    """
    wire = rectangle(a, "svd")
    if full_matrices and wire.shape[0] != wire.shape[1]:
        raise ShapeError(
            f"svd: {describe(wire)} is {format_shape(wire.shape)}; the further vectors of a matrix "
            "that is not square are not determined. Use full_matrices=False."
        )
    return SingularValues(left_vectors(wire), _values(wire), right_vectors(wire).T)
