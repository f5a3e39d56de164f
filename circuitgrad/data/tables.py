"""Data sets that ship inside scikit-learn, as arrays."""

from __future__ import annotations

import numpy as np

from circuitgrad.errors import BackendError, SpecError
from circuitgrad.grammar import nearest
from circuitgrad.wire import Array

NAMES = ("breast_cancer", "diabetes", "digits", "iris", "linnerud", "wine")


def load(name: str) -> tuple[Array, Array]:
    """The samples and targets of a data set that ships inside scikit-learn; nothing is fetched.

    Args:
        name: breast_cancer, diabetes, digits, iris, linnerud or wine.

    Raises:
        SpecError: Another name.
        BackendError: scikit-learn is not installed.
    """
    if name not in NAMES:
        raise SpecError(f"data.load: no data set is named {name!r}.{nearest(str(name), NAMES)}")
    try:
        from sklearn import datasets  # here, because it is optional and slow to import
    except ImportError:
        raise BackendError(
            "data.load: scikit-learn is not installed; needed for its data sets. "
            "Run: pip install 'circuitgrad[data]'"
        ) from None
    X, y = getattr(datasets, f"load_{name}")(return_X_y=True)
    return np.asarray(X, dtype=float), np.asarray(y)
