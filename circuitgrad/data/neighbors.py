"""k nearest neighbours."""

from __future__ import annotations

from typing import Any, Self

import numpy as np
from scipy.spatial.distance import cdist

from circuitgrad.data.sampling import sample_count, whole
from circuitgrad.errors import DomainError, ShapeError, SpecError
from circuitgrad.spec import format_shape
from circuitgrad.wire import Array

_METRICS = {1: "cityblock", 2: "euclidean", np.inf: "chebyshev"}
_CHUNK = 2**22  # distances held at a time


class NearestNeighbors:
    """A classifier by the most frequent class among the k nearest training samples.

    Of samples equally far, the one that comes first in the training data is nearer; of classes
    equally frequent, the one whose nearest sample is nearest wins.

    Args:
        k: How many neighbours vote.
        norm: 1, 2 or infinity.

    >>> classifier = NearestNeighbors(k=1).fit([[0.0], [10.0]], ["low", "high"])
    >>> classifier.predict([[1.0], [7.0]])
    array(['low', 'high'], dtype='<U4')
    """

    def __init__(self, k: int = 5, norm: float = 2) -> None:
        self.k = whole(k, "NearestNeighbors: k")
        if norm not in _METRICS:
            raise DomainError(f"NearestNeighbors: norm is {norm!r}; needed 1, 2 or np.inf.")
        self.norm = norm
        self._samples: Array | None = None

    def fit(self, X: Any, y: Any) -> Self:
        """Remember training samples (N, m) and their classes (N,)."""
        samples, classes = np.asarray(X, dtype=float), np.asarray(y)
        if samples.ndim != 2 or classes.ndim != 1:
            raise ShapeError(
                f"NearestNeighbors: got samples {format_shape(samples.shape)} and classes "
                f"{format_shape(classes.shape)}; needed (N, m) and (N,)."
            )
        if sample_count([samples, classes], "NearestNeighbors") < self.k:
            raise DomainError(
                f"NearestNeighbors: got {len(samples)} samples; needed {self.k} at least, for k."
            )
        self._samples = samples
        self._names, self._classes = np.unique(classes, return_inverse=True)
        return self

    def neighbors(self, X: Any) -> Array:
        """The indices of the k nearest training samples of each sample, the nearest first."""
        if self._samples is None:
            raise SpecError("NearestNeighbors: nothing is fitted. Call fit(X, y) before.")
        asked = np.asarray(X, dtype=float)
        if asked.ndim != 2 or asked.shape[1] != self._samples.shape[1]:
            raise ShapeError(
                f"NearestNeighbors: got {format_shape(asked.shape)}; needed "
                f"(N, {self._samples.shape[1]}), as fitted."
            )
        rows = max(1, _CHUNK // len(self._samples))
        found = [self._nearest(asked[start : start + rows]) for start in range(0, len(asked), rows)]
        return np.concatenate(found) if found else np.empty((0, self.k), dtype=int)

    def _nearest(self, asked: Array) -> Array:
        distances = cdist(asked, self._samples, _METRICS[self.norm])
        nearest: Array = np.argsort(distances, axis=1, kind="stable")[:, : self.k]
        return nearest

    def predict(self, X: Any) -> Array:
        """The class of each sample."""
        votes = self._classes[self.neighbors(X)] if self._samples is not None else self.neighbors(X)
        counts = np.sum(votes[:, :, None] == votes[:, None, :], axis=2)
        # argmax takes the first of the most frequent, and the votes are sorted by distance.
        first = np.argmax(counts, axis=1)
        result: Array = self._names[votes[np.arange(len(votes)), first]]
        return result

    def score(self, X: Any, y: Any) -> float:
        """The share of samples whose class is found."""
        return float(np.mean(self.predict(X) == np.asarray(y)))
