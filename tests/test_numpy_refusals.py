"""What NumPy and SciPy offer and circuits do not: the error names it, and what is near."""

import numpy as np
import pytest
import scipy.special

import circuitgrad as cg
import circuitgrad.scipy as csp

SQUARE = np.random.default_rng(3).normal(size=(3, 3)) + 3 * np.eye(3)
UNSUPPORTED = {
    "fft.fft": (lambda x: np.fft.fft(x), r"np\.fft\.fft: .*complex.*np\.convolve"),
    "fft.rfft": (lambda x: np.fft.rfft(x), r"np\.fft\.rfft: .*complex"),
    "linalg.eig": (lambda x: np.linalg.eig(x), r"np\.linalg\.eig: .*complex.*eigh"),
    "linalg.eigvals": (lambda x: np.linalg.eigvals(x), r"np\.linalg\.eigvals: .*eigvalsh"),
    "linalg.qr": (lambda x: np.linalg.qr(x, mode="raw"), r"np\.linalg\.qr: mode 'raw'"),
    "roots": (lambda x: np.roots(x[0]), r"np\.roots: .*complex"),
    "poly": (lambda x: np.poly(x[0]), r"np\.poly: .*np\.polymul"),
    "polyfit": (lambda x: np.polyfit(x[0], x[1], 1), r"np\.polyfit: .*np\.linalg\.lstsq"),
    "histogram": (lambda x: np.histogram(x), r"np\.histogram: .*piecewise constant"),
    "apply_along_axis": (
        lambda x: np.apply_along_axis(np.sum, 0, x), r"np\.apply_along_axis: .*np\.stack",
    ),
    "fill_diagonal": (lambda x: np.fill_diagonal(x, 0), r"np\.fill_diagonal: .*np\.where"),
    "put": (lambda x: np.put(x, 0, 1.0), r"np\.put: .*np\.where"),
    "copyto": (lambda x: np.copyto(x, 1.0), r"np\.copyto: .*np\.where"),
    "trim_zeros": (lambda x: np.trim_zeros(x[0]), r"np\.trim_zeros: .*slice"),
    "union1d": (lambda x: np.union1d(x[0], x[1]), r"np\.union1d: .*np\.concatenate"),
    "sort_complex": (lambda x: np.sort_complex(x), r"np\.sort_complex: .*np\.sort"),
    "frexp": (lambda x: np.frexp(x), r"np\.frexp: .*np\.log2"),
    "ldexp": (lambda x: np.ldexp(x, 2), r"np\.ldexp: .*2\.0\*\*n"),
    "modf": (lambda x: np.modf(x), r"np\.modf: .*np\.trunc"),
    "gcd": (lambda x: np.gcd(x, 2), r"np\.gcd: .*whole numbers"),
    "bitwise_and": (lambda x: np.bitwise_and(x, 2), r"np\.bitwise_and: .*multiply comparisons"),
    "histogram2d": (lambda x: np.histogram2d(x[0], x[1]), r"np\.histogram2d: not available"),
    "special.expi": (lambda x: scipy.special.expi(x), r"scipy\.special\.expi: there is no gate"),
    "special.gammainc of a wire": (
        lambda x: scipy.special.gammainc(x, 1.0), r"gammainc: the order is the wire x",
    ),
    "special.jv of orders": (lambda x: scipy.special.jv([0, 1, 2], x), r"jv: the order is"),
    "special.polygamma": (
        lambda x: csp.special.polygamma(0.5, x), r"polygamma: the order is 0\.5; needed a whole",
    ),
    "special.logsumexp": (lambda x: scipy.special.logsumexp(x), r"cg\.logsumexp"),
    "special.softmax": (lambda x: scipy.special.softmax(x), r"cg\.softmax"),
    "csp.special": (lambda x: csp.special.zetac(x) + csp.special.lambertw(x), r"scipy\.special"),
    "csp.linalg": (lambda x: csp.linalg.sqrtm(x), r"scipy\.linalg\.sqrtm: .*np\.linalg\.eigh"),
    "csp.linalg without a reason": (lambda x: csp.linalg.logm(x), r"scipy\.linalg\.logm: not"),
    "csp.stats": (lambda x: csp.stats.norm.isf(x), r"scipy\.stats\.norm\.isf: not available"),
    "array": (lambda x: np.array([x[0], x[1]]), r"circuitgrad\.numpy"),
    "var of too few": (lambda x: np.var(x, axis=0, ddof=3), r"np\.var: 3 entries with ddof=3"),
    "std of too few": (lambda x: np.std(x, ddof=9), r"np\.std: 9 entries with ddof=9"),
    "astype of int": (lambda x: x.astype(int), r"astype of x: .*np\.floor"),
    "astype of complex": (lambda x: np.astype(x, complex), r"astype of x: .*float32 or float64"),
    "svd with all vectors": (
        lambda x: np.linalg.svd(x[:2]), r"svd: .*not determined\. Use full_matrices=False",
    ),
    "svd of a vector": (lambda x: np.linalg.svd(x[0]), r"svd: .*needed one matrix"),
    "unsorted interp": (lambda x: np.interp(x, [1, 0], [2, 3]), r"not in ascending order"),
    "gradient of one entry": (lambda x: np.gradient(x[:1], axis=0), r"an axis of size 1"),
    "gradient by wrong coordinates": (lambda x: np.gradient(x[0], [1.0, 2.0]), r"2 coordinates"),
}  # fmt: skip


@pytest.mark.parametrize("name", UNSUPPORTED)
def test_refusals_name_the_function_and_what_is_near(name):
    action, told = UNSUPPORTED[name]
    with pytest.raises((cg.CircuitError, TypeError), match=told):
        cg.jacobian(lambda x: action(x))(SQUARE)


@pytest.mark.parametrize("function", ["svd", "pinv"])
def test_named_axes_have_no_singular_values_yet(function):
    with pytest.raises(cg.ShapeError, match="Give integer sizes"):
        getattr(np.linalg, function)(cg.input("A", "m n"))
    with pytest.raises(cg.ShapeError, match="Give integer sizes"):
        np.linalg.norm(cg.input("A", "m n"), 2)


@pytest.mark.parametrize(
    "function",
    [
        np.gradient, np.unstack, np.fft.fftshift, np.linalg.tensorinv, np.linalg.svdvals, np.unwrap,
        lambda x: np.insert(x, 0, 1.0, axis=0), lambda x: np.quantile(x, 0.5, axis=0),
        lambda x: np.vander(x[0]), lambda x: csp.linalg.solve_triangular(x[:, :1] * x[:1], x[0]),
    ],
)  # fmt: skip
def test_what_needs_a_size_says_so_of_named_axes(function):
    with pytest.raises(cg.CircuitError, match="size"):
        function(cg.input("x", "m n"))


@pytest.mark.parametrize("name", ["var", "std", "cov", "nanvar", "nanstd", "nanmean", "corrcoef"])
def test_statistics_of_named_axes_are_numpys(name):
    function = getattr(np, name)
    options = {"ddof": 1} if name in ("var", "std", "cov", "nanvar", "nanstd") else {}
    found = cg.circuit(f=function(cg.input("x", "m n"), **options))(SQUARE)
    np.testing.assert_allclose(found, function(SQUARE, **options), rtol=1e-14)


def test_insertion_beyond_the_end_is_refused():
    with pytest.raises(cg.ShapeError, match=r"np\.insert: position 7; needed -3 to 3"):
        np.insert(cg.input("x", 3), 7, 1.0)
