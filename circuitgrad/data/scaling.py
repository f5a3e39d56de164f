"""Preprocessing fitted on training data: centring, standardising, normalising, whitening."""

from __future__ import annotations

from typing import Any, Self

import numpy as np

from circuitgrad.errors import DomainError, ShapeError, SpecError
from circuitgrad.spec import format_shape
from circuitgrad.wire import Array


class Scaling:
    """An affine map of features, fitted on training data and then applied to any.

    `fit` returns the object itself, as in scikit-learn.
    """

    def __init__(self) -> None:
        self._shift: Array | None = None
        self._matrix: Array | None = None

    def fit(self, X: Any) -> Self:
        """Learn from training data of shape (N, m).

        Raises:
            ShapeError: Not a matrix, or without samples or features.
            DomainError: Entries that are NaN or infinite.
        """
        data = _matrix_of(X, type(self).__name__)
        if not data.size:
            raise ShapeError(
                f"{type(self).__name__}: got {format_shape(data.shape)}; needed a sample and a "
                "feature at least."
            )
        if not np.all(np.isfinite(data)):
            raise DomainError(f"{type(self).__name__}: the data has NaN or infinity. Remove it.")
        self._shift, self._matrix = self._fitted(data)
        return self

    def transform(self, X: Any) -> Array:
        """Data of shape (N, m), mapped.

        Raises:
            SpecError: Nothing was fitted before.
            ShapeError: Another number of features.
        """
        shift, matrix = self._known()
        data = _matrix_of(X, type(self).__name__)
        if data.shape[1] != len(shift):
            raise ShapeError(
                f"{type(self).__name__}: got {format_shape(data.shape)}; it was fitted on "
                f"{len(shift)} features."
            )
        centered = data - shift
        result: Array = centered * matrix if matrix.ndim == 1 else centered @ matrix
        return result

    def fit_transform(self, X: Any) -> Array:
        """Both in one."""
        return self.fit(X).transform(X)

    def _known(self) -> tuple[Array, Array]:
        if self._shift is None or self._matrix is None:
            raise SpecError(f"{type(self).__name__}: nothing is fitted. Call fit(X) before.")
        return self._shift, self._matrix

    def _fitted(self, data: Array) -> tuple[Array, Array]:
        """What is subtracted, and what the rest is multiplied by."""
        raise NotImplementedError


class Centering(Scaling):
    """Each feature less its mean."""

    def _fitted(self, data: Array) -> tuple[Array, Array]:
        return data.mean(axis=0), np.ones(data.shape[1])


class Standardization(Scaling):
    """Each feature less its mean, over its standard deviation (by 1/N).

    A feature that never changes in the training data is only centred.

    >>> Standardization().fit_transform([[1.0, 5.0], [3.0, 5.0]])
    array([[-1.,  0.],
           [ 1.,  0.]])
    """

    def _fitted(self, data: Array) -> tuple[Array, Array]:
        center = data.mean(axis=0)
        deviation = data.std(axis=0)
        return center, 1 / np.where(_is_constant(data), 1.0, deviation)


class Normalization(Scaling):
    """Each feature from 0 to 1 over the training data; one that never changes is 0."""

    def _fitted(self, data: Array) -> tuple[Array, Array]:
        least, most = data.min(axis=0), data.max(axis=0)
        return least, 1 / np.where(most == least, 1.0, most - least)


class Whitening(Scaling):
    """Features without correlation, each of variance 1 (by 1/N) over the training data.

    The centred data is projected on its right singular vectors and divided by S/√N. Directions
    in which the training data does not vary are left out, so that fewer columns may come out than
    went in.

    Args:
        rtol: Singular values below this share of the largest count as zero; by default the larger
            side of the data times the rounding error, as in numpy.linalg.matrix_rank.
    """

    def __init__(self, rtol: float | None = None) -> None:
        super().__init__()
        self.rtol = rtol

    def _fitted(self, data: Array) -> tuple[Array, Array]:
        center = data.mean(axis=0)
        _, singular, directions = np.linalg.svd(data - center, full_matrices=False)
        share = max(data.shape) * np.finfo(float).eps if self.rtol is None else self.rtol
        # Centring leaves rounding errors of the size of the data itself.
        noise = share * max(singular[0], np.abs(data).max())
        kept = singular > noise
        if not kept.any():
            raise DomainError(
                "Whitening: the training data does not vary. Nothing can be whitened."
            )
        return center, directions[kept].T / singular[kept] * np.sqrt(len(data))


def _is_constant(data: Array) -> Array:
    same: Array = np.asarray(data.min(axis=0) == data.max(axis=0))
    return same


def _matrix_of(X: Any, what: str) -> Array:
    try:
        data = np.asarray(X, dtype=float)
    except (TypeError, ValueError) as error:
        raise SpecError(f"{what}: got {type(X).__name__}; needed numbers. {error}") from None
    if data.ndim != 2:
        raise ShapeError(
            f"{what}: got shape {format_shape(data.shape)}; needed (samples, features)."
        )
    return data
