"""The numeric check of derivatives: it rejects small errors, and says where it knows too little."""

import numpy as np
import pytest
from scipy import special

import circuitgrad as cg
from circuitgrad.claims.numeric_checks import check_numerically

# Code with the right derivative, at points where differences have to work for it.
RIGHT = [
    (np.tanh, lambda x: 1 - np.tanh(x) ** 2, 0.5),
    (np.exp, np.exp, 20.0),
    (np.sin, np.cos, 1e6),
    (np.log, lambda x: 1 / x, 1e-6),
    (np.sqrt, lambda x: 0.5 / np.sqrt(x), 1e-9),
    (special.gamma, lambda x: special.gamma(x) * special.digamma(x), 3.3),
    (abs, np.sign, -2.0),
    (lambda x: max(x, 0.0), lambda x: float(x > 0), 0.7),
    (lambda x: 1e-6 * np.sin(x), lambda x: 1e-6 * np.cos(x), 0.4),
    (lambda x: 1e8 + x, lambda x: 1.0, 2.0),
    (lambda x: x**3, lambda x: 3 * x**2, 0.0),
]


@pytest.mark.parametrize(("function", "derivative", "point"), RIGHT)
def test_right_derivatives_pass(function, derivative, point):
    check = check_numerically(function, derivative, point)
    assert not check.wrong, str(check)
    assert check.passed or check.vague


@pytest.mark.parametrize(("function", "derivative", "point"), RIGHT[:7])
@pytest.mark.parametrize("factor", [0.999, 1 + 1e-6, -1, 2, 0])
def test_wrong_derivatives_do_not_pass(function, derivative, point, factor):
    check = check_numerically(function, lambda x: factor * derivative(x), point)
    assert not check.passed
    assert check.wrong, str(check)


def test_a_zero_gradient_of_a_tiny_function_does_not_pass():
    assert check_numerically(lambda x: 1e-6 * np.sin(x), lambda x: 0.0, 0.4).wrong


def test_every_entry_is_compared():
    x = np.array([[0.3, -1.0], [2.0, 0.1]])
    right = np.cos(x)
    assert check_numerically(lambda x: np.sum(np.sin(x)), lambda x: np.cos(x), x).passed
    for index in np.ndindex(x.shape):
        wrong = right.copy()
        wrong[index] *= 1 + 1e-6
        check = check_numerically(lambda x: np.sum(np.sin(x)), lambda x, w=wrong: w, x)
        assert [entry.index for entry in check.wrong] == [index]
        assert f"entry {index}" in str(check)


def test_jacobians_and_second_derivatives_are_compared():
    a = np.array([[1.0, 2.0, 0.5], [0.0, -1.0, 3.0]])
    x = np.array([0.2, -0.4, 1.5])
    assert check_numerically(
        lambda x: np.tanh(a @ x), lambda x: (1 - np.tanh(a @ x) ** 2)[:, None] * a, x
    ).passed
    assert check_numerically(lambda x: np.tanh(a @ x), lambda x: a, x).wrong
    assert check_numerically(
        lambda x: 2 * x * (x @ x), lambda x: 2 * (x @ x) * np.eye(3) + 4 * np.outer(x, x), x
    ).passed
    assert check_numerically(lambda x: 2 * x * (x @ x), lambda x: 2 * (x @ x) * np.eye(3), x).wrong


def test_several_arguments_are_compared():
    function = lambda w, x: np.sum(w * x**2)  # noqa: E731
    point = np.array([1.0, 2.0]), np.array([0.5, -3.0])
    assert check_numerically(function, lambda w, x: (x**2, 2 * w * x), *point).passed
    check = check_numerically(function, lambda w, x: (x**2, w * x), *point)
    assert {entry.argument for entry in check.wrong} == {1}
    assert check_numerically(function, lambda w, x: x**2, *point).passed  # of the first alone


def test_kinks_are_named_not_judged():
    check = check_numerically(abs, lambda x: 0.0, 0.0)
    assert not check.passed
    assert check.vague
    assert "not sharp" in str(check)


def test_nan_is_not_a_pass():
    assert not check_numerically(np.tanh, lambda x: np.nan, 0.5).passed
    with np.errstate(all="ignore"):
        assert not check_numerically(lambda x: x * np.nan, lambda x: 1.0, 0.5).passed
        assert not check_numerically(np.tanh, lambda x: np.inf, 0.5).passed


def test_code_that_computes_in_single_precision_is_vague_or_wrong_never_sharp():
    def rounded(x):
        return np.tanh(np.float32(np.real(x)))

    assert not check_numerically(rounded, lambda x: 0.999 * (1 - np.tanh(x) ** 2), 0.5).passed


def test_integers_are_read_as_numbers():
    assert check_numerically(lambda x: x**2, lambda x: 2 * x, 3).passed
    assert check_numerically(lambda x: (x**2).sum(), lambda x: 2 * x, [1, 2]).passed


def test_arrays_without_entries_and_of_one_entry():
    empty = check_numerically(np.sum, np.ones_like, np.zeros(0))
    assert empty.entries == ()
    assert check_numerically(np.sum, np.ones_like, np.zeros(1)).passed


def test_code_that_writes_over_its_arguments_does_no_harm():
    def careless(x):
        x *= 2
        return np.sum(x)

    point = np.array([1.0, 2.0])
    assert check_numerically(careless, lambda x: 2 * np.ones_like(x), point).passed
    np.testing.assert_array_equal(point, [1.0, 2.0])


@pytest.mark.parametrize(
    ("arguments", "error", "match"),
    [
        ((np.tanh, np.cos), cg.SpecError, r"no point"),
        (
            (np.sum, lambda x: np.ones(3), np.ones(2)),
            cg.ShapeError,
            r"has shape \(3,\); needed \(2,\)",
        ),
        ((np.sin, lambda x: np.cos(x), np.ones(2)), cg.ShapeError, r"needed \(2, 2\)"),
        ((np.sin, lambda x: (1.0, 2.0), 0.5), cg.SpecError, r"2 derivatives for 1 arguments"),
    ],
)
def test_wrong_arguments_are_refused(arguments, error, match):
    with pytest.raises(error, match=match):
        check_numerically(*arguments)


def test_the_public_name_is_the_same():
    assert cg.check_numerically is check_numerically


@pytest.mark.parametrize("slope", [0.0, 0.5, 1.0])
def test_a_complex_step_from_a_kink_judges_no_one(slope):
    check = check_numerically(lambda x: np.maximum(x, 0), lambda x: slope, 0.0)
    assert not check.passed
    assert not check.wrong
