"""Derivatives against 50-digit arithmetic: random circuits, matrix functions, requests."""

import math

import mpmath
import numpy as np
import numpy.testing as npt
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

import circuitgrad as cg
from tests.strategies import DIGITS, arrays, exact, is_tame, numbers, programs, scale


@pytest.fixture(autouse=True)
def fifty_digits():
    with mpmath.workdps(DIGITS):
        yield


# --- random scalar circuits -----------------------------------------------------------------------


def tame(data, program):
    """A point where a program's values are moderate, and the jets of all its values there."""
    point = data.draw(st.lists(numbers(1.5), min_size=program.count, max_size=program.count))
    with mpmath.workdps(DIGITS):
        try:
            jets = program.jets(point)
        except (ZeroDivisionError, ValueError, OverflowError):
            assume(False)
        assume(is_tame(program, jets))
    return point, jets


@settings(max_examples=150)
@given(programs(), st.data())
def test_random_circuits_agree_with_fifty_digits(program, data):
    point, jets = tame(data, program)
    c, last, error = program.circuit(), jets[-1], 1e-11 * scale(jets)
    gradient = exact(last.first)
    assert c(*point) == pytest.approx(float(last.value), rel=0, abs=error)
    npt.assert_allclose(list(c.run(*point).backward().values()), gradient, rtol=0, atol=error)
    npt.assert_allclose(np.atleast_1d(c.jacobian()(*point))[0], gradient, rtol=0, atol=error)
    npt.assert_allclose(c.jacobian(mode="forward")(*point)[0], gradient, rtol=0, atol=error)
    hessian = c.hessian()(*point)
    npt.assert_allclose(hessian, exact(last.second), rtol=0, atol=error)
    npt.assert_allclose(hessian, np.transpose(hessian), rtol=0, atol=error)


@settings(max_examples=60)
@given(programs(), st.data())
def test_products_agree_with_fifty_digits(program, data):
    point, jets = tame(data, program)
    direction = data.draw(st.lists(numbers(), min_size=program.count, max_size=program.count))
    c, last, error = program.circuit(), jets[-1], 1e-10 * scale(jets)
    assert c.jvp()(*point, *direction) == pytest.approx(
        float(last.first @ direction), rel=0, abs=error
    )
    product = c.hvp()(*point, *direction)
    product = list(product.values()) if isinstance(product, dict) else [product]
    npt.assert_allclose(product, exact(last.second @ direction), rtol=0, atol=error)


@settings(max_examples=60)
@given(programs(max_inputs=2), st.data())
def test_jacobians_of_several_outputs(program, data):
    point, jets = tame(data, program)
    inputs = cg.inputs(program.names)
    wires = program.wires(inputs)
    wires = [wire if isinstance(wire, cg.Wire) else cg.constant(wire) for wire in wires]
    outputs = {f"f{k}": wire for k, wire in enumerate(wires)}
    c = cg.circuit(inputs=inputs, **outputs)
    expected = exact(np.array([jet.first for jet in jets]))
    for mode in ("reverse", "forward"):
        found = c.jacobian(mode=mode)(*point)
        npt.assert_allclose(found, expected, rtol=0, atol=1e-11 * scale(jets))


@settings(max_examples=40)
@given(programs(max_inputs=2, max_steps=5), st.data())
def test_third_derivatives_in_either_order_of_modes(program, data):
    point, jets = tame(data, program)
    c = program.circuit()
    hessian = c.hessian()
    reverse = hessian.jacobian(program.names[0])(*point)
    forward = hessian.jacobian(program.names[0], mode="forward")(*point)
    largest = max(1.0, np.max(np.abs(reverse)))
    assume(np.isfinite(largest))
    npt.assert_allclose(forward, reverse, rtol=0, atol=1e-10 * scale(jets) * largest)


@settings(max_examples=60)
@given(programs(max_inputs=2), st.data())
def test_arrays_are_differentiated_entry_by_entry(program, data):
    """An elementwise program on arrays is the scalar program on each entry."""
    shape = data.draw(st.sampled_from([(3,), (2, 2), (1,), (2, 1, 2)]))
    values = [data.draw(arrays(shape, 1.0)) for _ in program.names]
    inputs = cg.inputs(program.names, shape)
    wires = program.wires(inputs)
    c = cg.circuit(f=np.sum(wires[-1]), inputs=inputs)
    scalar = program.circuit()
    with np.errstate(all="ignore"):
        gradients = c.run(*values).backward()
    for index in np.ndindex(shape):
        with np.errstate(all="ignore"):
            expected = scalar.run(*(v[index] for v in values)).backward()
        for name, number in expected.items():
            npt.assert_allclose(
                gradients[name][index], number, rtol=1e-9, atol=1e-9 * abs(number) + 1e-12
            )


# --- matrix functions against closed forms --------------------------------------------------------


@pytest.fixture
def random():
    return np.random.default_rng(2)


def test_inverse(random):
    """dA⁻¹ = -A⁻¹ dA A⁻¹."""
    a, w = random.normal(size=(2, 3, 3)) + 2 * np.eye(3)
    A = cg.input("A", "n n")
    c = cg.circuit(f=cg.inverse(A))
    inverse = np.linalg.inv(a)
    npt.assert_allclose(c(a) @ a, np.eye(3), atol=1e-13)
    npt.assert_allclose(c.vjp()(a, w), -inverse.T @ w @ inverse.T, rtol=1e-11)
    jacobian = -np.einsum("ik,lj->ijkl", inverse, inverse)
    for mode in ("reverse", "forward"):
        npt.assert_allclose(c.jacobian("A", mode=mode)(a), jacobian, rtol=1e-10, atol=1e-12)


@pytest.mark.parametrize("shape", [(3,), (3, 2)])
def test_solve(random, shape):
    a, b, w = (
        random.normal(size=(3, 3)) + 2 * np.eye(3),
        random.normal(size=shape),
        random.normal(size=shape),
    )
    A, B = cg.input("A", (3, 3)), cg.input("b", shape)
    c = cg.circuit(f=cg.solve(A, B))
    down = np.linalg.solve(a.T, w)
    found = c.vjp()(a, b, w)
    npt.assert_allclose(found["downstream_b"], down, rtol=1e-11)
    y = np.linalg.solve(a, b)
    outer = down.reshape(3, -1) @ y.reshape(3, -1).T
    npt.assert_allclose(found["downstream_A"], -outer, rtol=1e-11)
    jacobian = c.jacobian("b")(a, b)
    expected = (
        np.einsum("ik,jl->ijkl", np.linalg.inv(a), np.eye(2))
        if len(shape) == 2
        else np.linalg.inv(a)
    )
    npt.assert_allclose(jacobian, expected, rtol=1e-10, atol=1e-13)
    by_matrix = c.jacobian("A")(a, b)
    npt.assert_allclose(c.jacobian("A", mode="forward")(a, b), by_matrix, rtol=1e-10, atol=1e-12)
    npt.assert_allclose(np.tensordot(w, by_matrix, w.ndim), -outer, rtol=1e-10)


def test_softmax(random):
    """∂p/∂x = diag(p) - p pᵀ."""
    x = random.normal(size=4)
    p = np.exp(x) / np.exp(x).sum()
    c = cg.circuit(f=cg.softmax(cg.input("x", "n")))
    npt.assert_allclose(c(x), p, rtol=1e-14)
    npt.assert_allclose(c.jacobian("x")(x), np.diag(p) - np.outer(p, p), rtol=1e-12, atol=1e-16)


@pytest.mark.parametrize("size", [1e4, -1e4, 800.0, 1e300])
def test_softmax_and_logsumexp_of_large_entries(size):
    x = np.array([size, size - 1, -size])
    top = max(map(mpmath.mpf, x))
    weights = [mpmath.exp(v - top) if v - top > -1e6 else mpmath.mpf(0) for v in x]
    p = exact(np.array(weights) / sum(weights))
    value = float(top + mpmath.log(sum(weights)))
    inputs = cg.input("x", 3)
    lse = cg.circuit(f=cg.logsumexp(inputs))
    assert lse(x) == pytest.approx(value, rel=1e-15)
    npt.assert_allclose(lse.grad("x")(x), p, rtol=1e-14)
    npt.assert_allclose(lse.run(x).backward()["x"], p, rtol=1e-14)
    npt.assert_allclose(cg.circuit(f=cg.softmax(inputs))(x), p, rtol=1e-14)
    hessian = np.diag(p) - np.outer(p, p)
    npt.assert_allclose(lse.hessian("x")(x), hessian, rtol=1e-13, atol=1e-16)
    softmax = cg.circuit(f=cg.softmax(inputs))
    npt.assert_allclose(softmax.jacobian("x")(x), hessian, rtol=1e-13, atol=1e-16)
    log = cg.circuit(f=cg.log_softmax(inputs))
    logs = exact(np.array([v - top - mpmath.log(sum(weights)) for v in x]))
    npt.assert_allclose(log(x), logs, rtol=1e-14)
    npt.assert_allclose(log.jacobian("x")(x), np.eye(3) - p, rtol=1e-13, atol=1e-16)


@pytest.mark.parametrize("size", [1.0, 1e-200, 1e200])
def test_norm(size):
    """∂‖x‖ = x/‖x‖ with no overflow of the squares."""
    x = np.array([3.0, -4.0]) * size
    c = cg.circuit(f=cg.norm(cg.input("x", "n")))
    assert c(x) == pytest.approx(5 * size, rel=1e-15)
    npt.assert_allclose(c.grad("x")(x), [0.6, -0.8], rtol=1e-15)
    hessian = (np.eye(2) - np.outer([0.6, -0.8], [0.6, -0.8])) / (5 * size)
    npt.assert_allclose(c.hessian("x")(x), hessian, rtol=1e-14)


def test_norm_at_zero_has_the_subgradient_of_least_norm():
    c = cg.circuit(f=cg.norm(cg.input("x", 3)))
    assert c(np.zeros(3)) == 0.0
    npt.assert_array_equal(c.grad("x")(np.zeros(3)), np.zeros(3))


def test_products_of_matrices(random):
    a, b, w = random.normal(size=(3, 4)), random.normal(size=(4, 2)), random.normal(size=(3, 2))
    A, B = cg.input("A", "m n"), cg.input("B", "n k")
    found = cg.circuit(f=A @ B).vjp()(a, b, w)
    npt.assert_allclose(found["downstream_A"], w @ b.T, rtol=1e-13)
    npt.assert_allclose(found["downstream_B"], a.T @ w, rtol=1e-13)


def test_quadratic_form_and_its_square(random):
    a, x = random.normal(size=(3, 3)), random.normal(size=3)
    A, X = cg.input("A", "n n"), cg.input("x", "n")
    form = X @ A @ X
    c = cg.circuit(f=form)
    npt.assert_allclose(c.grad("x")(x, a), (a + a.T) @ x, rtol=1e-12)
    npt.assert_allclose(c.hessian("x")(x, a), a + a.T, rtol=1e-13)
    npt.assert_allclose(c.grad("A")(x, a), np.outer(x, x), rtol=1e-13)
    squared = cg.circuit(f=form**2)
    v = (a + a.T) @ x
    npt.assert_allclose(
        squared.hessian("x")(x, a), 2 * np.outer(v, v) + 2 * (x @ a @ x) * (a + a.T), rtol=1e-11
    )


def test_least_squares(random):
    """∇ of ‖Xw - y‖² is 2 Xᵀ(Xw - y), its Hessian 2 XᵀX."""
    x, w, y = random.normal(size=(5, 3)), random.normal(size=3), random.normal(size=5)
    X, W, Y = cg.input("X", "m n"), cg.input("w", "n"), cg.input("y", "m")
    c = cg.circuit(f=np.sum((X @ W - Y) ** 2))
    npt.assert_allclose(c.grad("w")(x, w, y), 2 * x.T @ (x @ w - y), rtol=1e-12)
    npt.assert_allclose(c.hessian("w")(x, w, y), 2 * x.T @ x, rtol=1e-12)


@pytest.mark.parametrize("function", [np.max, np.min])
def test_ties_share_the_gradient(function):
    c = cg.circuit(f=function(cg.input("x", 4)))
    x = np.array([2.0, 2.0, 2.0, 2.0])
    x[3] += 1 if function is np.min else -1
    npt.assert_allclose(c.grad("x")(x), [1 / 3, 1 / 3, 1 / 3, 0], rtol=1e-15)
    npt.assert_array_equal(c.hessian("x")(x), np.zeros((4, 4)))


# --- what is asked for ----------------------------------------------------------------------------


def test_jacobian_of_one_input_has_axes_output_then_input():
    x, A = cg.input("x", "n"), cg.input("A", "m n")
    c = cg.circuit(f=A @ x)
    a = np.arange(6.0).reshape(2, 3)
    npt.assert_array_equal(c.jacobian("x")(A=a, x=np.ones(3)), a)
    assert c.jacobian("A")(A=a, x=np.ones(3)).shape == (2, 2, 3)


def test_jacobian_matrix_flattens_everything_in_c_order():
    x, A = cg.input("x", 2), cg.input("A", (2, 2))
    c = cg.circuit(f=A @ x, g=np.sum(x))
    a, v = np.array([[1.0, 2.0], [3.0, 4.0]]), np.array([5.0, 6.0])
    expected = [[1, 2, 5, 6, 0, 0], [3, 4, 0, 0, 5, 6], [1, 1, 0, 0, 0, 0]]
    npt.assert_array_equal(c.jacobian(["x", "A"])(A=a, x=v), expected)


def test_gradient_of_one_of_several_outputs():
    x, y = cg.inputs("x y")
    c = cg.circuit(f=x * y, g=x + y)
    assert c.grad("x", output="f")(2.0, 3.0) == 3.0
    with pytest.raises(cg.SpecError, match=r"2 outputs.*f, g"):
        c.grad("x")
    with pytest.raises(cg.SpecError, match="no input is named 'z'"):
        c.grad("z", output="f")
    with pytest.raises(cg.SpecError, match="mode 'sideways'"):
        c.jacobian("x", mode="sideways")


@pytest.mark.parametrize("order", range(1, 7))
def test_any_order(order):
    """The k-th derivative of sin is sin(x + kπ/2)."""
    c = cg.circuit(f=np.sin(cg.input("x")))
    for _ in range(order):
        c = c.grad("x")
    assert c(x=0.3) == pytest.approx(math.sin(0.3 + order * math.pi / 2), rel=1e-14)


def test_an_unknown_derivative_raises():
    gate = cg.elementwise("odd_gate", "sign(x)*x**3")
    with pytest.raises(cg.DerivativeError, match=r"odd_gate.*not known.*derivative="):
        cg.circuit(f=gate(cg.input("x"))).grad("x")


def test_a_gate_of_its_formula_alone_is_differentiated_by_sympy():
    gate = cg.elementwise("gauss_bump", "exp(-x**2)*cos(y)")
    x, y = cg.inputs("x y")
    c = cg.circuit(f=gate(x, y))
    assert c(0.5, 0.7) == pytest.approx(math.exp(-0.25) * math.cos(0.7), rel=1e-15)
    e = math.exp(-0.25)
    expected = [-2 * 0.5 * e * math.cos(0.7), -e * math.sin(0.7)]
    npt.assert_allclose(list(c.grad()(0.5, 0.7).values()), expected, rtol=1e-14)
    second = (4 * 0.25 - 2) * e * math.cos(0.7)
    assert c.hessian("x")(0.5, 0.7) == pytest.approx(second, rel=1e-14)
