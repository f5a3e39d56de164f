"""What the autograd package covers is covered or refused with a reason; values and derivatives."""

from types import SimpleNamespace

import autograd
import autograd.numpy as anp
import autograd.scipy.integrate
import autograd.scipy.linalg
import autograd.scipy.signal
import autograd.scipy.special
import autograd.scipy.stats
import numpy as np
import numpy.testing as npt
import pytest
import scipy.linalg
import scipy.special
import scipy.stats
from autograd.core import primitive_vjps
from autograd.numpy.numpy_vjps import nograd_functions

import circuitgrad as cg
import circuitgrad.numpy as cnp
import circuitgrad.scipy as csp
from circuitgrad.numpy_protocol import FUNCTIONS, UFUNCS, VALUE_ONLY
from circuitgrad.numpy_refusals import REFUSED
from circuitgrad.scipy_distributions import DISTRIBUTIONS
from circuitgrad.scipy_functions import LINALG, SPECIAL

RANDOM = np.random.default_rng(3)
V = np.array([0.3, 0.9, 0.55, 0.7])
W = np.array([1.2, 0.4, 2.1, 0.8])
SIGNED = np.array([-0.7, 0.4, 1.3, -2.1])
A = RANDOM.normal(size=(4, 3))
SQUARE = RANDOM.normal(size=(3, 3)) + 3 * np.eye(3)
SYMMETRIC = SQUARE @ SQUARE.T
CUBE = RANDOM.normal(size=(2, 3, 4))
TALL = RANDOM.normal(size=(4, 2))

OURS = SimpleNamespace(
    np=np, cnp=cnp, special=csp.special, linalg=csp.linalg, stats=csp.stats, plain=scipy.special
)
PLAIN = SimpleNamespace(
    np=np, cnp=np, special=scipy.special, linalg=scipy.linalg, stats=scipy.stats,
    plain=scipy.special,
)  # fmt: skip
AUTOGRAD = SimpleNamespace(
    np=anp, cnp=anp, special=autograd.scipy.special, linalg=autograd.scipy.linalg,
    stats=autograd.scipy.stats, plain=autograd.scipy.special,
)  # fmt: skip

# Functions of namespaces and arrays, the arrays, and whether autograd knows the function and is
# right about it; where not, differences of the plain function's values are the reference.
BY_AUTOGRAD = {
    "logaddexp2": (lambda m, x, y: m.np.logaddexp2(x, y), SIGNED, W),
    "full": (lambda m, x: m.cnp.full((2, 4), x[0]), V),
    "array": (lambda m, x: m.cnp.array([[x[0], x[1] * x[2]], [1.0, x[3]]]), V),
    "imag": (lambda m, x: x * x + m.np.imag(x), V),
    "angle": (lambda m, x: x * x + m.np.angle(x), SIGNED),
    "gradient": (lambda m, x: m.np.gradient(x), V**2),
    "fftshift": (lambda m, x: m.np.fft.fftshift(x) * np.arange(4.0), V),
    "ifftshift": (lambda m, x: m.np.fft.ifftshift(x, axes=0) * np.arange(3.0), A),
    "singular values": (lambda m, x: m.np.linalg.svd(x, compute_uv=False), A),
    "left singular vectors": (lambda m, x: m.np.linalg.svd(x, full_matrices=False)[0] ** 2, A),
    "right singular vectors": (lambda m, x: m.np.linalg.svd(x, full_matrices=False)[2] ** 2, A),
    "all factors": (
        lambda m, x: sum((m.np.linalg.svd(x, full_matrices=False)[0] * 2.0)[0])
        * m.np.linalg.svd(x, full_matrices=False)[2],
        A.T,
    ),
    "pinv": (lambda m, x: m.np.linalg.pinv(x), A),
    "pinv of a wide matrix": (lambda m, x: m.np.linalg.pinv(x), A.T),
    "nuclear norm": (lambda m, x: m.np.linalg.norm(x, "nuc"), A),
    "var": (lambda m, x: m.np.var(x, axis=0, ddof=1), A),
    "std": (lambda m, x: m.np.std(x, axis=1, ddof=2), A),
    "select": (lambda m, x: m.np.where(x > 0.6, x * x, x), V),
    "gammaln": (lambda m, x: m.plain.gammaln(x), W),
    "gamma": (lambda m, x: m.plain.gamma(x), W),
    "psi": (lambda m, x: m.plain.psi(x), W),
    "digamma": (lambda m, x: m.plain.digamma(x), W),
    "polygamma": (lambda m, x: m.special.polygamma(1, x), W),
    "polygamma of order 3": (lambda m, x: m.special.polygamma(3, x), W),
    "multigammaln": (lambda m, x: m.special.multigammaln(x[0] + 3, 3), W),
    "gammainc": (lambda m, x: m.plain.gammainc(1.5, x), W),
    "gammaincc": (lambda m, x: m.plain.gammaincc(2.5, x), W),
    "beta": (lambda m, x, y: m.plain.beta(x, y), V, W),
    "betaln": (lambda m, x, y: m.plain.betaln(x, y), V, W),
    "betainc": (lambda m, x: m.plain.betainc(1.5, 2.5, x), V),
    "erfinv": (lambda m, x: m.plain.erfinv(x), V),
    "erfcinv": (lambda m, x: m.plain.erfcinv(x), V),
    "erf": (lambda m, x: m.plain.erf(x) + m.plain.erfc(x), SIGNED),
    "logit": (lambda m, x: m.plain.logit(x) + m.plain.expit(x), V),
    "j0": (lambda m, x: m.plain.j0(x) + m.plain.j1(x), SIGNED),
    "y0": (lambda m, x: m.plain.y0(x) + m.plain.y1(x), W),
    "jn": (lambda m, x: m.plain.jn(2, x) + m.plain.yn(3, x), W),
    "i0": (lambda m, x: m.plain.i0(x) + m.plain.i1(x), W),
    "iv": (lambda m, x: m.plain.iv(2, x), W),
    "ive": (lambda m, x: m.plain.ive(2, x), W),
    "logsumexp": (lambda m, x: m.special.logsumexp(x, axis=0, b=2.0), A),
    "norm density": (lambda m, x, s: m.stats.norm.logpdf(x, 0.2, s), SIGNED, W),
    "norm": (
        lambda m, x: m.stats.norm.pdf(x) + m.stats.norm.cdf(x) + m.stats.norm.sf(x),
        SIGNED,
    ),
    "norm tails": (lambda m, x: m.stats.norm.logcdf(x) - m.stats.norm.logsf(x), SIGNED),
    "t": (lambda m, x, d: m.stats.t.logpdf(x, d), SIGNED, W),
    "t density": (lambda m, x: m.stats.t.pdf(x, 3.0) + m.stats.t.cdf(x, 3.0), SIGNED),
    "t tail": (lambda m, x: m.stats.t.logcdf(x, 3.0), SIGNED),
    "gamma density": (lambda m, x, a: m.stats.gamma.logpdf(x, a), V, W),
    "gamma distribution": (lambda m, x: m.stats.gamma.cdf(x, 1.5) + m.stats.gamma.pdf(x, 2.0), W),
    "beta density": (lambda m, x, a: m.stats.beta.logpdf(x, a, 2.0), V, W),
    "beta distribution": (lambda m, x: m.stats.beta.cdf(x, 1.5, 2) + m.stats.beta.pdf(x, 2, 3), V),
    "chi2": (
        lambda m, x: m.stats.chi2.logpdf(x, 3) + m.stats.chi2.cdf(x, 3) + m.stats.chi2.pdf(x, 4),
        W,
    ),
    "poisson": (
        lambda m, r: m.stats.poisson.logpmf(3.0, r) + m.stats.poisson.pmf(2.0, r)
        + m.stats.poisson.cdf(2, r),
        W,
    ),
    "dirichlet": (lambda m, a: m.stats.dirichlet.logpdf(np.array([0.2, 0.3, 0.1, 0.4]), a), W),
    "multivariate normal": (
        lambda m, x, c: m.stats.multivariate_normal.logpdf(x, np.zeros(3), c @ c.T),
        A,
        SQUARE,
    ),
    "solve_triangular": (
        lambda m, x, y: m.linalg.solve_triangular(x, y, trans="T", lower=True),
        SQUARE,
        A.T,
    ),
    "solve_sylvester": (
        lambda m, x, q: m.linalg.solve_sylvester(x, SQUARE, q),
        SYMMETRIC,
        SQUARE.T,
    ),
    "solve_banded": (
        lambda m, x, y: m.linalg.solve_banded((1, 1), x + 3.0 * np.array([[0], [1], [0]]), y),
        np.abs(A.T) / 4,
        W,
    ),
}  # fmt: skip

BY_DIFFERENCES = {
    "full of rows": (lambda m, x: m.cnp.full((2, 4), x), V),
    "gradient along an axis": (lambda m, x: m.np.gradient(x, axis=1), A),
    "svd of a square matrix": (lambda m, x: m.np.linalg.svd(x)[0] * m.np.linalg.svd(x)[1], SQUARE),
    "spectral norm": (lambda m, x: m.np.linalg.norm(x, 2) + m.np.linalg.norm(x, -2), A),
    "spectral norm keepdims": (lambda m, x: m.np.linalg.norm(x, 2, keepdims=True) * x, A),
    "cond": (lambda m, x: m.np.linalg.cond(x), A),
    "cond of order 1": (lambda m, x: m.np.linalg.cond(x, 1), SQUARE),
    "qr": (lambda m, x: m.np.linalg.qr(x)[0] @ np.diag([1.0, 2.0, -1.0]), A),
    "upper factor": (lambda m, x: m.np.linalg.qr(x)[1] ** 2, A),
    "both factors": (lambda m, x: m.np.linalg.qr(x)[0] * m.np.linalg.qr(x)[1], SQUARE),
    "lstsq": (lambda m, x, y: m.np.linalg.lstsq(x, y)[0], A, W),
    "residuals": (lambda m, x, y: m.np.linalg.lstsq(x, y)[1], A, W),
    "tensorinv": (lambda m, x: m.np.linalg.tensorinv(x.reshape(3, 1, 3), 1), SQUARE),
    "tensorsolve": (lambda m, x, y: m.np.linalg.tensorsolve(x, y), SQUARE, V[:3]),
    "gradient with coordinates": (lambda m, x: m.np.gradient(x, np.cumsum(W)), V),
    "gradient of second order at the ends": (
        lambda m, x: m.np.gradient(x**2, np.cumsum(W), edge_order=2), V,
    ),
    "gradient with a step": (lambda m, x: m.np.gradient(x**3, 0.1, edge_order=2), V),
    "gradient along all axes": (lambda m, x: m.np.gradient(x)[1] * m.np.gradient(x)[0], A),
    "interp": (lambda m, x: m.np.interp(x, [0.2, 0.6, 0.8], [1.0, 3.0, -1.0]), V),
    "interp of heights": (lambda m, y: m.np.interp([0.1, 0.35, 0.9], [0, 0.3, 0.5, 0.8], y), V),
    "unwrap": (lambda m, x: m.np.unwrap(x * 5), SIGNED * 2),
    "average": (lambda m, x, w: m.np.average(x, weights=w), V, W),
    "quantile": (lambda m, x: m.np.quantile(x, [0.1, 0.6], axis=0), A),
    "percentile": (lambda m, x: m.np.percentile(x, 30, axis=1, keepdims=True), A),
    "cov": (lambda m, x: m.np.cov(x), A),
    "cov of columns": (lambda m, x: m.np.cov(x, rowvar=False, bias=True), A),
    "cov of two": (lambda m, x, y: m.np.cov(x, y), V, W),
    "corrcoef": (lambda m, x: m.np.corrcoef(x), A),
    "vander": (lambda m, x: m.np.vander(x, 3), V),
    "vander increasing": (lambda m, x: m.np.vander(x, increasing=True), V),
    "polyval": (lambda m, p, x: m.np.polyval(p, x), V, W),
    "polyder": (lambda m, p: m.np.polyder(p, 2), V),
    "polyint": (lambda m, p: m.np.polyint(p, 2, [1, 2]), V),
    "polymul": (lambda m, p, q: m.np.polymul(p, q), V, W[:2]),
    "polyadd": (lambda m, p, q: m.np.polyadd(p, q) + m.np.polysub(p, q), V, W[:2]),
    "correlate": (lambda m, x, y: m.np.correlate(x, y[:2], "full"), V, W),
    "insert": (lambda m, x: m.np.insert(x, 1, 5.0, axis=1), A),
    "block": (lambda m, x, y: m.np.block([[x, x], [y, y]]), A, TALL[:, [0, 1, 0]]),
    "piecewise": (
        lambda m, x: m.np.piecewise(x, [x < 0, x > 1], [lambda x: x * x, 3.0, m.np.sin]), SIGNED,
    ),
    "select": (lambda m, x: m.np.select([x < 0, x > 1], [x * x, 3.0 * x], -x), SIGNED),
    "cumulative_sum": (lambda m, x: m.np.cumulative_sum(x, axis=1), A),
    "cumulative_prod": (lambda m, x: m.np.cumulative_prod(x, axis=0), A),
    "matrix_transpose": (lambda m, x: m.np.matrix_transpose(x), CUBE),
    "diagflat": (lambda m, x: m.np.diagflat(x), V),
    "resize": (lambda m, x: m.np.resize(x, (3, 2)), V),
    "ediff1d": (lambda m, x: m.np.ediff1d(x), A),
    "unstack": (lambda m, x: m.np.unstack(x, axis=1)[1], A),
    "nansum": (lambda m, x: m.np.nansum(x, axis=0), A),
    "nanmean": (lambda m, x: m.np.nanmean(x, axis=1), A),
    "nanvar": (lambda m, x: m.np.nanvar(x, ddof=1), A),
    "nanstd": (lambda m, x: m.np.nanstd(x, axis=0), A),
    "nanmax": (lambda m, x: m.np.nanmax(x, axis=0) - m.np.nanmin(x, axis=0), A),
    "nanprod": (lambda m, x: m.np.nanprod(x, axis=0), A),
    "nan_to_num": (lambda m, x: m.np.nan_to_num(x), A),
    "rgamma": (lambda m, x: m.plain.rgamma(x), W),
    "gammaln below 0": (lambda m, x: m.plain.gammaln(-x) * m.plain.gammasgn(-x), V),
    "gamma below 0": (lambda m, x: m.plain.gamma(-x), V),
    "ndtr": (lambda m, x: m.plain.ndtr(x) + m.plain.log_ndtr(x), SIGNED),
    "ndtri": (lambda m, x: m.plain.ndtri(x), V),
    "erfcx": (lambda m, x: m.plain.erfcx(x), SIGNED),
    "xlog1py": (lambda m, x, y: m.plain.xlog1py(x, y) + m.plain.xlogy(x, y), V, W),
    "entr": (lambda m, x: m.plain.entr(x), W),
    "rel_entr": (lambda m, x, y: m.plain.rel_entr(x, y), V, W),
    "kl_div": (lambda m, x, y: m.plain.kl_div(x, y), V, W),
    "jv of a fraction": (lambda m, x: m.plain.jv(0.5, x) + m.plain.iv(1.5, x), W),
    "softmax": (lambda m, x: m.special.softmax(x) + m.special.log_softmax(x, axis=1), A),
    "logsumexp with weights": (lambda m, x, b: m.special.logsumexp(x, b=b, axis=1), A, np.exp(A)),
    "norm quantile": (lambda m, q: m.stats.norm.ppf(q, 1.0, 2.0), V),
    "entropy of a normal vector": (
        lambda m, c: m.stats.multivariate_normal.entropy(np.zeros(3), c @ c.T), SQUARE,
    ),
}  # fmt: skip
CASES = BY_AUTOGRAD | BY_DIFFERENCES


def scalar_of(function, namespace, values):
    """A scalar function whose gradient shows every entry of the result."""
    shape = np.shape(function(PLAIN, *values))
    weights = np.sin(np.arange(1.0, np.prod(shape, dtype=int) + 1)).reshape(shape)
    return lambda *arrays: namespace.np.sum(function(namespace, *arrays) * weights)


def differences(function, values, k):
    """The derivative by argument k from five points around each entry (error of order h**4)."""
    step, found = 1e-3, []
    for index in np.ndindex(*values[k].shape):
        around = []
        for count in (-2, -1, 1, 2):
            moved = values[k].copy()
            moved[index] += count * step
            around.append(np.asarray(function(*values[:k], moved, *values[k + 1 :])))
        far_below, below, above, far_above = around
        found.append((far_below - 8 * below + 8 * above - far_above) / (12 * step))
    return np.stack(found, -1).reshape(*np.shape(found[0]), *values[k].shape)


def numbers(name):
    return range(len(CASES[name]) - 1)


@pytest.mark.parametrize("name", CASES)
def test_values_are_those_of_numpy_and_scipy(name):
    function, *values = CASES[name]
    expected = function(PLAIN, *values)
    inputs = [cg.input("abc"[k], value.shape) for k, value in enumerate(values)]
    found = cg.circuit(f=function(OURS, *inputs), inputs=inputs)(*values)
    assert np.shape(found) == np.shape(expected)
    npt.assert_allclose(found, expected, rtol=2e-12, atol=1e-13)


@pytest.mark.filterwarnings("ignore:.*:DeprecationWarning")
@pytest.mark.parametrize("name", BY_AUTOGRAD)
def test_gradients_are_those_of_autograd(name):
    function, *values = CASES[name]
    ours, peer = (scalar_of(function, namespace, values) for namespace in (OURS, AUTOGRAD))
    for k in numbers(name):
        found = cg.grad(ours, k)(*values)
        npt.assert_allclose(found, autograd.grad(peer, k)(*values), rtol=1e-9, atol=1e-10)


@pytest.mark.parametrize("name", BY_DIFFERENCES)
def test_gradients_are_those_of_differences(name):
    function, *values = CASES[name]
    plain = scalar_of(function, PLAIN, values)
    for k in numbers(name):
        found = cg.grad(scalar_of(function, OURS, values), k)(*values)
        npt.assert_allclose(found, differences(plain, values, k), rtol=2e-7, atol=2e-8)


@pytest.mark.parametrize("name", CASES)
def test_second_derivatives_are_those_of_differences_of_the_gradient(name):
    function, *values = CASES[name]
    scalar = scalar_of(function, OURS, values)
    for k in numbers(name):
        found = cg.hessian(scalar, k)(*values)
        expected = differences(cg.grad(scalar, k), values, k)
        npt.assert_allclose(found, expected, rtol=1e-6, atol=1e-6 * (1 + np.abs(expected).max()))


# The whole of autograd's list ---------------------------------------------------------------------


def label(primitive):
    """Where a function that autograd wraps comes from, as in NumPy's and SciPy's documentation."""
    function = getattr(primitive, "fun", primitive)
    module, name = getattr(function, "__module__", None) or "", function.__name__
    owner = getattr(function, "__self__", None)
    if isinstance(function, np.ufunc):
        return name if hasattr(np, name) else f"special.{name}"
    if owner is not None:
        family = type(owner).__name__.removesuffix("_gen").removesuffix("_frozen")
        return f"stats.{getattr(owner, 'name', None) or family}.{name}"
    for start in ("scipy.special", "scipy.linalg", "scipy.integrate", "scipy.signal"):
        if module.startswith(start):
            return f"{start.removeprefix('scipy.')}.{name}"
    part = module.rpartition(".")[2]
    return f"{part}.{name}" if part in ("linalg", "fft") else name


def is_autograds_own(primitive):
    """Whether a function is a part of autograd's machinery, not of NumPy or SciPy."""
    function = getattr(primitive, "fun", primitive)
    return (getattr(function, "__module__", None) or "").startswith("autograd")


PRIMITIVES = {
    label(p) for p in [*primitive_vjps, *nograd_functions] if not is_autograds_own(p)
}  # fmt: skip
# SciPy's ufuncs on wires are the gates of their names; np.full is np.full of circuitgrad.numpy.
SUPPORTED = {
    *FUNCTIONS, *UFUNCS, *VALUE_ONLY, "full", *(f"special.{name}" for name in [*UFUNCS, *SPECIAL]),
    *(f"linalg.{name}" for name in LINALG),
    *(f"stats.{family}.{name}" for family, found in DISTRIBUTIONS.items() for name in found),
}  # fmt: skip


def test_the_list_of_autograd_is_read():
    assert len(PRIMITIVES) > 200
    assert {"sin", "linalg.svd", "special.gammaln", "stats.norm.logpdf", "fft.rfft"} <= PRIMITIVES


@pytest.mark.parametrize("name", sorted(PRIMITIVES))
def test_what_autograd_covers_is_covered_or_refused_with_a_reason(name):
    refused = REFUSED.get(name) or REFUSED.get(f"scipy.{name}", "")
    assert (name in SUPPORTED) != bool(refused)
    if refused:
        assert refused.endswith(".")
        assert len(refused.split()) > 6
