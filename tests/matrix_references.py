"""What the gates of matrices compute on their samples of size 2, in any precision."""

import mpmath
import numpy as np

SYMMETRIC = {"cholesky", "eigenvalues", "eigenvectors", "simple_eigenvectors"}


def _entry(value):
    return np.array(value, dtype=object)


def _symmetric(a):
    """The entries p, q, r of the symmetric part ((p, q), (q, r))."""
    return a[0, 0], (a[0, 1] + a[1, 0]) / 2, a[1, 1]


def det(a):
    return a[0, 0] * a[1, 1] - a[0, 1] * a[1, 0]


def cofactor(a):
    return np.array([[a[1, 1], -a[1, 0]], [-a[0, 1], a[0, 0]]], dtype=object)


def cholesky(a):
    p, q, r = _symmetric(a)
    first = mpmath.sqrt(p)
    last = mpmath.sqrt(r - q * q / p)
    return np.array([[first, mpmath.mpf(0)], [q / first, last]], dtype=object)


def eigenvalues(a):
    p, q, r = _symmetric(a)
    root = mpmath.sqrt((p - r) ** 2 + 4 * q * q)
    return np.array([(p + r - root) / 2, (p + r + root) / 2], dtype=object)


def eigenvectors(a):
    """Unit vectors with the signs of NumPy's."""
    p, q, r = _symmetric(a)
    signs = np.linalg.eigh(np.array([[p, q], [q, r]], dtype=float))[1]
    columns = []
    for k, value in enumerate(eigenvalues(a)):
        column = np.array([q, value - p], dtype=object)
        unit = column / mpmath.sqrt((column * column).sum())
        columns.append(unit if float(unit[1]) * signs[1, k] > 0 else -unit)
    return np.stack(columns, axis=1)


def inverse_gaps(w):
    gap, zero = 1 / (w[1] - w[0]), mpmath.mpf(0)
    return np.array([[zero, gap], [-gap, zero]], dtype=object)


CLOSED_FORMS = {
    "det": lambda a: _entry(det(a)),
    "cofactor": cofactor,
    "cofactor_change": lambda a, e: cofactor(e),  # at size 2 cofactors are linear
    "logdet": lambda a: _entry(mpmath.log(abs(det(a)))),
    "determinant_sign": lambda a: _entry(mpmath.sign(det(a))),
    "cholesky": cholesky,
    "eigenvalues": eigenvalues,
    "eigenvectors": eigenvectors,
    "simple_eigenvectors": eigenvectors,
    "inverse_gaps": inverse_gaps,
    "rint": lambda x: _entry(mpmath.nint(x[()])),
    "trunc": lambda x: _entry(mpmath.sign(x[()]) * mpmath.floor(abs(x[()]))),
}
