"""The circuits of numpy.linalg's functions."""

from __future__ import annotations

import functools
from collections.abc import Callable, Mapping
from typing import Any

import numpy as np

from circuitgrad.errors import SpecError
from circuitgrad.gates import (
    arithmetic,
    contractions,
    linear_algebra,
    matrices,
    operators,
    products,
    reductions,
    spectra,
)
from circuitgrad.sources import as_wire
from circuitgrad.wire import Wire

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
    if len(axes) == wire.ndim == 2 and ord in (2, -2, "nuc") and not keepdims:
        return _spectral_norm(wire, ord)
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
    """From the eigenvalues of the smaller Gram matrix, the squares of the singular values."""
    wide = int(wire.shape[0]) < int(wire.shape[1])
    gram = contractions.matmul(wire, wire.T) if wide else contractions.matmul(wire.T, wire)
    squares = spectra.eigvalsh(gram)
    if order == "nuc":
        return contractions.total(arithmetic.sqrt(squares))
    found: Wire = arithmetic.sqrt(squares[-1 if order == 2 else 0])
    return found


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
    "linalg.matrix_norm": lambda x, *, ord="fro": norm(x, ord),
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
