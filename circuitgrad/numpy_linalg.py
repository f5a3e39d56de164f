"""The circuits of numpy.linalg's functions."""

from __future__ import annotations

import functools
import math
from collections.abc import Callable, Mapping
from typing import Any, NamedTuple

import numpy as np

from circuitgrad.errors import ShapeError, SpecError
from circuitgrad.gates import (
    arithmetic,
    arrangements,
    contractions,
    decompositions,
    linear_algebra,
    matrices,
    operators,
    orthogonal_factors,
    products,
    pseudo_inverses,
    reductions,
    spectra,
)
from circuitgrad.sources import as_wire
from circuitgrad.spec import format_shape
from circuitgrad.wire import Wire, describe, has_value, known_value

__all__ = ["LINALG"]


def norm(x: Any, ord: Any = None, axis: Any = None, keepdims: bool = False) -> Wire:
    """The norm of vectors or matrices, as numpy.linalg.norm."""
    wire = as_wire(x)
    axes = tuple(range(wire.ndim)) if axis is None else tuple(int(k) for k in np.atleast_1d(axis))
    if ord is None or (ord == 2 and len(axes) == 1) or (ord == "fro" and len(axes) == 2):
        return reductions.norm(wire, axes, keepdims)
    if len(axes) == 1 and not isinstance(ord, str) and ord != 0:
        return _vector_norm(wire, float(ord), axes[0], keepdims)
    if len(axes) == 2 and ord in (1, -1, np.inf, -np.inf):
        choose = reductions.largest if ord > 0 else reductions.smallest
        summed, kept = axes if abs(ord) == 1 else axes[::-1]
        sums = contractions.total(arithmetic.absolute(wire), summed, keepdims=True)
        found = choose(sums, kept, keepdims=True)
        return found if keepdims else contractions.squeeze(found, axes)
    if len(axes) == wire.ndim == 2 and ord in (2, -2, "nuc"):
        found = _spectral_norm(wire, ord)
        return found.reshape((1, 1)) if keepdims else found
    raise SpecError(
        f"np.linalg.norm: order {ord!r} has no gate over {len(axes)} axes. Use any number but 0 "
        "for vectors; 1, 2, inf, 'fro' or 'nuc' for matrices."
    )


def _vector_norm(wire: Wire, order: float, axis: int, keepdims: bool) -> Wire:
    size = arithmetic.absolute(wire)
    if order == 1:
        return contractions.total(size, axis, keepdims)
    if np.isinf(order):
        choose = reductions.largest if order > 0 else reductions.smallest
        return choose(size, axis, keepdims)
    powers = operators.power(size, order)
    found: Wire = operators.power(contractions.total(powers, axis, keepdims), 1 / order)
    return found


def _spectral_norm(wire: Wire, order: Any) -> Wire:
    values = decompositions.singular_values(wire)
    if order == "nuc":
        return contractions.total(values)
    return values[0 if order == 2 else -1]


def _condition_number(x: Any, p: Any = None) -> Wire:
    wire = as_wire(x)
    if p is None or p == 2:
        values = decompositions.singular_values(wire)
        largest: Wire = values[0] / values[-1]
        return largest
    if p == -2:
        return 1.0 / _condition_number(x)
    found: Wire = norm(wire, p) * norm(linear_algebra.inverse(wire), p)
    return found


def _svd(
    a: Any, full_matrices: bool = True, compute_uv: bool = True, hermitian: bool = False
) -> Any:
    if hermitian:
        raise SpecError("np.linalg.svd: hermitian=True is not available on wires. Use eigh.")
    return decompositions.svd(a, full_matrices) if compute_uv else decompositions.singular_values(a)


def _qr(a: Any, mode: str = "reduced") -> Any:
    found = orthogonal_factors.qr(a)
    is_square = found.Q.shape[0] == found.Q.shape[1]
    if mode == "r":
        return found.R
    if mode == "reduced" or (mode == "complete" and is_square):
        return found
    raise SpecError(f"np.linalg.qr: mode {mode!r}; on wires there are 'reduced' and 'r'.")


def _pinv(a: Any, rcond: Any = None, hermitian: bool = False, *, rtol: Any = None) -> Wire:
    if rcond is not None or rtol is not None or hermitian:
        raise SpecError(
            "np.linalg.pinv: rcond=, rtol= and hermitian= are not available on wires: small "
            "singular values cannot be left out of a derivative. Give the matrix alone."
        )
    return pseudo_inverses.pinv(a)


class LeastSquares(NamedTuple):
    """What numpy.linalg.lstsq returns; the rank is None where no value is known yet."""

    solution: Wire
    residuals: Wire
    rank: int | None
    singular_values: Wire


def _lstsq(a: Any, b: Any, rcond: Any = None) -> LeastSquares:
    matrix, right = as_wire(a), as_wire(b)
    if right.ndim not in (1, 2) or matrix.shape[:1] != right.shape[:1]:
        raise ShapeError(
            f"np.linalg.lstsq: {describe(matrix)} is {format_shape(matrix.shape)} and "
            f"{describe(right)} is {format_shape(right.shape)}; needed as many rows of both."
        )
    solution = contractions.matmul(pseudo_inverses.pinv(matrix), right)
    rest = contractions.matmul(matrix, solution) - right
    residuals = contractions.total(arithmetic.square(rest), 0)
    if right.ndim == 1:
        residuals = residuals.reshape((1,))
    if int(matrix.shape[0]) <= int(matrix.shape[1]):
        residuals = residuals[:0]
    rank = int(np.linalg.matrix_rank(known_value(matrix))) if has_value(matrix) else None
    return LeastSquares(solution, residuals, rank, decompositions.singular_values(matrix))


def _tensor_inverse(a: Any, ind: int = 2) -> Wire:
    wire = as_wire(a)
    if ind <= 0:
        raise ShapeError(f"np.linalg.tensorinv: ind is {ind}; needed 1 or more.")
    sizes = tuple(arrangements.axis_size(wire, k, "np.linalg.tensorinv") for k in range(wire.ndim))
    matrix = wire.reshape((math.prod(sizes[ind:]), -1))
    return linear_algebra.inverse(matrix).reshape((*sizes[ind:], *sizes[:ind]))


def _tensor_solve(a: Any, b: Any, axes: Any = None) -> Wire:
    wire, right = as_wire(a), as_wire(b)
    if axes is not None:
        moved = [k % wire.ndim for k in np.atleast_1d(axes).tolist()]
        wire = wire.transpose([k for k in range(wire.ndim) if k not in moved] + moved)
    shape = wire.shape[right.ndim :]
    matrix = wire.reshape((right.size, -1))
    return linear_algebra.solve(matrix, right.reshape(-1)).reshape(shape)


def _matrix_norm(x: Any, *, keepdims: bool = False, ord: Any = "fro") -> Wire:
    return norm(x, ord, (-2, -1), keepdims)


def _cholesky(a: Any, *, upper: bool = False) -> Wire:
    lower = matrices.cholesky(a)
    return lower.T if upper else lower


def _eigh(a: Any, UPLO: str = "L") -> spectra.Eigensystem:
    return spectra.eigh(a)


def _eigvalsh(a: Any, UPLO: str = "L") -> Wire:
    return spectra.eigvalsh(a)


LINALG: Mapping[str, Callable[..., Any]] = {
    "linalg.inv": linear_algebra.inverse,
    "linalg.solve": linear_algebra.solve,
    "linalg.norm": norm,
    "linalg.vector_norm": lambda x, *, ord=2, axis=None, keepdims=False: norm(
        x if axis is not None else as_wire(x).reshape(-1), ord, axis, keepdims
    ),
    "linalg.matrix_norm": _matrix_norm,
    "linalg.svd": _svd,
    "linalg.qr": _qr,
    "linalg.svdvals": decompositions.singular_values,
    "linalg.pinv": _pinv,
    "linalg.lstsq": _lstsq,
    "linalg.cond": _condition_number,
    "linalg.tensorinv": _tensor_inverse,
    "linalg.tensorsolve": _tensor_solve,
    "linalg.vecdot": lambda x, y, *, axis=-1: contractions.total(as_wire(x) * y, axis),
    "linalg.det": matrices.det,
    "linalg.slogdet": matrices.slogdet,
    "linalg.cholesky": _cholesky,
    "linalg.eigh": _eigh,
    "linalg.eigvalsh": _eigvalsh,
    "linalg.matrix_power": matrices.matrix_power,
    "linalg.multi_dot": lambda wires: functools.reduce(contractions.matmul, wires),
    "linalg.trace": contractions.trace,
    "linalg.diagonal": contractions.diagonal,
    "linalg.outer": contractions.outer,
    "linalg.matmul": contractions.matmul,
    "linalg.matrix_transpose": lambda x: matrices.turned(as_wire(x)),
    "linalg.tensordot": products.tensordot,
}
