"""NumPy and SciPy on wires where it is delicate: singular matrices, NaN, tails, dtypes."""

import numpy as np
import numpy.testing as npt
import pytest
import scipy.special

import circuitgrad as cg
import circuitgrad.scipy as csp

# Singular cases -----------------------------------------------------------------------------------

ROTATION = np.array([[0.6, -0.8], [0.8, 0.6]])


class TestRepeatedSingularValues:
    def test_a_function_of_the_values_alone_has_its_gradient(self):
        found = cg.grad(lambda a: np.sum(np.linalg.svd(a, compute_uv=False)))(ROTATION)
        npt.assert_allclose(found, ROTATION, rtol=1e-14)  # that of the nuclear norm is U Vᵀ

    def test_the_vectors_have_none(self):
        with pytest.raises(cg.DomainError, match=r"svd: the singular value 1 is repeated"):
            cg.grad(lambda a: np.linalg.svd(a)[0][0, 0])(ROTATION)

    def test_their_values_are_numpys(self):
        left, values, right = np.linalg.svd(cg.input("A", (2, 2)))
        c = cg.circuit(f=(left * values) @ right)
        npt.assert_allclose(c(ROTATION), ROTATION, rtol=1e-14)


class TestRankDeficientMatrices:
    low = np.outer([1.0, 2.0, 3.0], [1.0, -1.0])

    def test_the_value_of_pinv_is_numpys(self):
        found = cg.circuit(f=np.linalg.pinv(cg.input("A", (3, 2))))(self.low)
        npt.assert_allclose(found, np.linalg.pinv(self.low), rtol=1e-13)

    def test_pinv_has_no_derivative_there(self):
        with pytest.raises(cg.DomainError, match="rank-deficient"):
            cg.grad(lambda a: np.sum(np.linalg.pinv(a)))(self.low)

    def test_dependent_columns_have_no_derivative_of_their_factors(self):
        with pytest.raises(cg.DomainError, match="columns of the matrix are dependent"):
            cg.grad(lambda a: np.sum(np.linalg.qr(a)[1]))(self.low)
        with pytest.raises(cg.ShapeError, match="at least as many rows as columns"):
            np.linalg.qr(cg.input("A", (2, 3)))

    def test_rank_is_told_where_it_is_known(self):
        found = []
        cg.grad(lambda a: found.append(np.linalg.lstsq(a, np.ones(3))[2]) or np.sum(a))(self.low)
        assert found == [1]

    def test_singular_values_near_zero_keep_their_digits(self):
        small = ROTATION @ np.diag([1.0, 1e-11])
        found = cg.grad(lambda a: np.linalg.svd(a, compute_uv=False)[1])(small)
        npt.assert_allclose(found, [[0, -0.8], [0, 0.6]], atol=1e-15)


# Entries that are NaN, tails ----------------------------------------------------------------------


@pytest.mark.parametrize("name", ["nansum", "nanmean", "nanvar", "nanstd", "nanmax", "nanprod"])
def test_entries_that_are_nan_have_no_part(name):
    whole, some = np.array([0.5, 2.0, 1.5]), np.array([0.5, np.nan, 2.0, 1.5])
    function = getattr(np, name)
    assert cg.circuit(f=function(cg.input("x", 4)))(some) == pytest.approx(function(whole))
    found = cg.grad(function)(some)
    npt.assert_allclose(found[[0, 2, 3]], cg.grad(function)(whole), rtol=1e-13)
    assert found[1] == 0


def test_nanmax_of_nothing_is_nan():
    assert np.isnan(cg.circuit(f=np.nanmax(cg.input("x", 2)))([np.nan, np.nan]))


@pytest.mark.parametrize(
    ("function", "point", "slope"),
    [
        # Values of mpmath with 50 digits.
        (lambda x: csp.stats.norm.logcdf(x), -40.0, 40.024968847207263724),
        (lambda x: scipy.special.log_ndtr(x), -1e5, 100000.00001),
        (lambda x: scipy.special.erfinv(x), 1 - 1e-9, 112860637.10991128475925),
        (lambda x: scipy.special.erfcinv(x), 1e-200, -2.336653418050882241e198),
        (lambda x: csp.stats.t.cdf(x, 3.0), 0.0, 0.36755259694786137),
        (lambda x: scipy.special.ive(1, x), 0.0, 0.5),
        (lambda x: csp.stats.gamma.logpdf(x, 2.0), -1.0, 0.0),
        (lambda x: csp.stats.beta.logpdf(x, 2.0, 3.0), 1.5, 0.0),
    ],
)
def test_slopes_in_the_tails(function, point, slope):
    assert cg.grad(function)(point) == pytest.approx(slope, rel=1e-13)


@pytest.mark.parametrize(("point", "slope"), [(0.0, 1.0), (1.0, 3.0), (2.0, 0.0), (-1.0, 0.0)])
def test_interp_has_the_slope_on_the_right_at_a_point(point, slope):
    """Traced with values, and built without."""

    def function(x):
        return np.interp(x, [0.0, 1.0, 2.0], [0.0, 1.0, 4.0])

    assert cg.grad(function)(point) == slope
    assert cg.circuit(f=function(cg.input("x"))).grad()(point) == slope


# Dtypes -------------------------------------------------------------------------------------------


class TestCasts:
    single = np.float32([1.5, 2.5])

    def test_values_and_dtypes_are_numpys(self):
        x = cg.input("x", 2)
        assert x.astype(float) is x
        found = cg.circuit(f=x.astype("float32"))([0.1, 0.2])
        assert found.dtype == np.float32
        npt.assert_array_equal(found, np.float32([0.1, 0.2]))

    def test_the_gradient_is_cast_back(self):
        found = cg.grad(lambda x: np.sum(x.astype("float32") ** 2))(np.array([1.0, 2.0]))
        assert found.dtype == np.float64
        npt.assert_array_equal(found, [2, 4])

    def test_each_input_has_a_gradient_of_its_own_dtype(self):
        wide = np.array([1.0, 2.0])
        gradients = cg.grad(lambda x, y: np.sum(x * np.exp(y)), (0, 1))(self.single, wide)
        assert [g.dtype for g in gradients] == [np.float32, np.float64]
        x, y = cg.input("x", 2, "float32"), cg.input("y", 2)
        found = cg.circuit(f=np.sum(x * y)).grad()(x=self.single, y=wide)
        assert [g.dtype for g in found.values()] == [np.float32, np.float64]

    def test_a_cast_is_linear(self):
        x = cg.input("x", 2)
        c = cg.circuit(f=np.sum(np.astype(x, "float32") ** 3))
        npt.assert_allclose(c.hessian("x")([1.0, 2.0]), [[6, 0], [0, 12]])
        npt.assert_allclose(c.jvp()([1.0, 2.0], [1.0, 1.0]), 15)
