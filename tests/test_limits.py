"""Derivatives at the ends of domains and where naive formulas lose them, against exact values."""

import mpmath
import numpy as np
import numpy.testing as npt
import pytest

import circuitgrad as cg


def gradient(function, *point):
    return cg.grad(function, argnums=tuple(range(len(point))))(*point)


def power_hessian(x, y):
    inputs = cg.inputs("x y")
    return cg.circuit(f=inputs[0] ** inputs[1]).hessian()(x, y)


# --- powers ---------------------------------------------------------------------------------------


@pytest.mark.parametrize("y", [2.0, 2.5, 3.0, 7.0])
def test_the_hessian_of_a_power_at_zero_is_its_limit(y):
    expected = [[2.0 if y == 2 else 0.0, 0.0], [0.0, 0.0]]
    npt.assert_array_equal(power_hessian(0.0, y), expected)


def test_the_hessian_of_a_power_at_zero_and_exponent_one():
    """The mixed derivative x^(y-1) (1 + y log x) goes to -inf, the others to 0."""
    npt.assert_array_equal(power_hessian(0.0, 1.0), [[0.0, -np.inf], [-np.inf, 0.0]])


def test_the_hessian_of_a_power_is_near_its_limit_beside_zero():
    for y in (2.0, 3.0):
        npt.assert_allclose(power_hessian(1e-9, y), power_hessian(0.0, y), atol=1e-6)


@pytest.mark.parametrize("x", [0.3, 1.0, 2.5])
@pytest.mark.parametrize("y", [-1.5, 0.0, 2.0])
def test_second_derivatives_of_powers_agree_with_fifty_digits(x, y):
    with mpmath.workdps(50):
        exact = [
            [float(mpmath.diff(mpmath.power, (x, y), order)) for order in row]
            for row in ([(2, 0), (1, 1)], [(1, 1), (0, 2)])
        ]
    npt.assert_allclose(power_hessian(x, y), exact, rtol=1e-13, atol=1e-15)


def test_whole_powers_of_negative_numbers_have_derivatives_by_the_base():
    square = cg.grad(cg.grad(lambda x, y: x**y))
    assert square(-2.0, 3.0) == -12.0
    assert square(0.0, 2.0) == 2.0


@pytest.mark.parametrize("x", [-2.0, 0.0, 1e-5, 3.0])
def test_float_power(x):
    power = cg.grad(lambda x: np.float_power(x, 3))
    assert power(x) == pytest.approx(3 * x * x, rel=1e-15)
    assert cg.grad(power)(x) == pytest.approx(6 * x, rel=1e-15)


# --- roots and lengths ----------------------------------------------------------------------------


def test_the_gradient_of_hypot_at_the_origin_is_the_subgradient_of_least_norm():
    assert gradient(np.hypot, 0.0, 0.0) == (0.0, 0.0)
    norm = cg.grad(cg.norm)(np.zeros(2))
    npt.assert_array_equal(norm, [0.0, 0.0])


@pytest.mark.parametrize("point", [(3.0, -4.0), (1e-300, 1e-300), (1e300, 1e300), (0.0, -2.0)])
def test_the_gradient_of_hypot_is_the_direction(point):
    with mpmath.workdps(50):
        x, y = map(mpmath.mpf, point)
        exact = [float(x / mpmath.hypot(x, y)), float(y / mpmath.hypot(x, y))]
    assert gradient(np.hypot, *point) == pytest.approx(exact, rel=1e-15)


def test_the_hessian_of_hypot():
    with mpmath.workdps(50):
        orders = [[(2, 0), (1, 1)], [(1, 1), (0, 2)]]
        exact = [[float(mpmath.diff(mpmath.hypot, (3, -1), n)) for n in row] for row in orders]
    found = cg.hessian(lambda p: np.hypot(p[0], p[1]))(np.array([3.0, -1.0]))
    npt.assert_allclose(found, exact, rtol=1e-14)


@pytest.mark.parametrize("zero", [0.0, -0.0])
def test_the_cube_root_is_vertical_at_zero(zero):
    assert cg.grad(np.cbrt)(zero) == np.inf


@pytest.mark.parametrize("x", [-8.0, -1e-300, 1e-20, 2.0, 1e300])
def test_the_cube_root_on_both_sides(x):
    with mpmath.workdps(50):
        size = mpmath.cbrt(abs(mpmath.mpf(x)))
        exact = 1 / (3 * size**2)
        bend = -2 * mpmath.sign(x) / (9 * size**5)
    assert cg.grad(np.cbrt)(x) == pytest.approx(float(exact), rel=1e-15)
    if abs(bend) < 1e308:
        assert cg.grad(cg.grad(np.cbrt))(x) == pytest.approx(float(bend), rel=1e-14)


# --- signs ----------------------------------------------------------------------------------------


@pytest.mark.parametrize("sign", [2.0, 0.0, -0.0, -3.0, np.inf, -np.inf])
@pytest.mark.parametrize("x", [1.5, -1.5, 0.0])
def test_copysign_takes_the_sign_bit(x, sign):
    c = cg.circuit(f=np.copysign(*cg.inputs("x y")))
    value = c(x, sign)
    assert value == np.copysign(x, sign)
    assert np.signbit(value) == np.signbit(sign)
    slope = np.sign(x) * np.copysign(1.0, sign)
    assert list(c.grad()(x, sign).values()) == [slope, 0.0]


# --- products, tails, diagonals -------------------------------------------------------------------


def test_products_with_zeros():
    npt.assert_array_equal(cg.grad(np.prod)(np.array([0.0, 2.0, 3.0])), [6.0, 0.0, 0.0])
    npt.assert_array_equal(cg.grad(np.prod)(np.array([0.0, 0.0, 3.0])), [0.0, 0.0, 0.0])
    hessian = cg.hessian(np.prod)(np.array([0.0, 0.0, 3.0]))
    npt.assert_array_equal(hessian, [[0.0, 3.0, 0.0], [3.0, 0.0, 0.0], [0.0, 0.0, 0.0]])


@pytest.mark.parametrize("x", [-800.0, -50.0, -1e-12, 1e-12, 50.0, 700.0])
def test_tails(x):
    with mpmath.workdps(50):
        exact = {
            np.expm1: mpmath.exp(x),
            cg.sigmoid: mpmath.exp(-abs(x)) / (1 + mpmath.exp(-abs(x))) ** 2,
            cg.log_sigmoid: 1 / (1 + mpmath.exp(x)),
        }
    for function, slope in exact.items():
        assert cg.grad(function)(x) == pytest.approx(float(slope), rel=1e-14, abs=1e-300)


def test_diagonals_of_matrices_and_of_vectors():
    taken = cg.jacobian(np.diag)(np.arange(9.0).reshape(3, 3))
    npt.assert_array_equal(taken, np.einsum("ij,ik->ijk", np.eye(3), np.eye(3)))
    spread = cg.jacobian(np.diag)(np.arange(3.0))
    npt.assert_array_equal(spread, np.einsum("ij,ik->ijk", np.eye(3), np.eye(3)))
