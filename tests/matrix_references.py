"""What composite and implicit gates compute on their small samples, in any precision."""

import mpmath
import numpy as np

SYMMETRIC = {"cholesky", "eigenvalues", "eigenvectors", "simple_eigenvectors"}

# Operands that must be positive, descending where there are several in one.
POSITIVE = {"beta", "betaln", "inverse_square_gaps", "nonzero_values"}


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


def singular_values(a):
    return np.array([mpmath.sqrt(w) for w in eigenvalues(a.T @ a)[::-1]], dtype=object)


def singular_vectors(side):
    """The eigenvectors of A Aᵀ or Aᵀ A, descending, with the signs of NumPy's."""

    def vectors(a):
        gram = a @ a.T if side == 0 else a.T @ a
        factors = np.linalg.svd(a.astype(float))
        signs = factors[0] if side == 0 else factors[2].T
        found = eigenvectors(gram)[:, ::-1]
        return found * np.sign((found.astype(float) * signs).sum(axis=0))

    return vectors


def inverse_square_gaps(s):
    return inverse_gaps(s * s)


def pseudo_inverse(a):
    return a.T / (a * a).sum()


def orthogonal(a):
    """Columns of length 1 with the signs of NumPy's."""
    first, second = a[:, 0], a[:, 1]
    unit = first / mpmath.sqrt((first * first).sum())
    rest = second - unit * (unit * second).sum()
    found = np.stack([unit, rest / mpmath.sqrt((rest * rest).sum())], axis=1)
    return found * np.sign((found.astype(float) * np.linalg.qr(a.astype(float))[0]).sum(axis=0))


def upper(a):
    found = orthogonal(a).T @ a
    found[1, 0] = mpmath.mpf(0)
    return found


def betaln(a, b):
    return _entry(mpmath.log(mpmath.beta(a[()], b[()])))


def normal_cdf(x):
    return mpmath.erfc(-x[()] / mpmath.sqrt(2)) / 2


CLOSED_FORMS = {
    "singular_values": singular_values,
    "left_singular_vectors": singular_vectors(0),
    "right_singular_vectors": singular_vectors(1),
    "inverse_square_gaps": inverse_square_gaps,
    "nonzero_values": lambda s: s,
    "pinv": pseudo_inverse,
    "full_rank_pinv": pseudo_inverse,
    "qr_orthogonal": orthogonal,
    "qr_upper": upper,
    "regular_qr_upper": upper,
    "betaln": betaln,
    "beta": lambda a, b: _entry(mpmath.beta(a[()], b[()])),
    "log_ndtr": lambda x: _entry(mpmath.log(normal_cdf(x))),
    "normal_hazard": lambda x: _entry(mpmath.npdf(x[()]) / normal_cdf(x)),
    "erfcx": lambda x: _entry(mpmath.exp(x[()] ** 2) * mpmath.erfc(x[()])),
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
