"""Taylor mode against 50-digit series, against matrix series, and against nested derivatives."""

import math

import mpmath
import numpy as np
import numpy.testing as npt
import pytest

import circuitgrad as cg
from circuitgrad import grammar
from circuitgrad.gates import catalogue
from tests.test_kernels import MPMATH_FUNCTIONS, to_mpmath

ORDER = 8
ELEMENTWISE = [gate for gate in catalogue().values() if gate.family == "elementwise"]


@pytest.fixture(autouse=True)
def fifty_digits():
    with mpmath.workdps(50):
        yield


@pytest.fixture
def random():
    return np.random.default_rng(20260)


def along(circuit, order, *values):
    """The derivatives of a circuit with one output, in order."""
    return list(circuit.taylor(order)(*values).values())


def derivatives(function, order, at=0):
    """The derivatives of a function of a 50-digit number."""
    series = mpmath.taylor(function, at, order)
    return [float(c * mpmath.factorial(k)) for k, c in enumerate(series)]


def assert_close(found, expected, error=1e-11):
    """Every derivative up to rounding, relative to the largest up to its order."""
    sizes = [np.max(np.abs(part), initial=0) for part in expected]
    for k, (got, wanted) in enumerate(zip(found, expected, strict=True)):
        npt.assert_allclose(got, wanted, rtol=0, atol=error * max(1, *sizes[: k + 1]))


# --- elementwise gates ----------------------------------------------------------------------------


def value(text, names, numbers):
    scope = dict(zip(names, numbers, strict=True)) | {"pi": +mpmath.mp.pi}
    return grammar.evaluate(text, scope, MPMATH_FUNCTIONS, number=to_mpmath)


def smooth_formula(gate, point):
    """The formula that holds around a point; None where it is no inner point of the domain."""
    numbers = [mpmath.mpf(x) for x in point]
    if gate.domain and not value(gate.domain, gate.variables, numbers):
        return None
    if not gate.pieces:
        return gate.formula
    held = (text for when, text in gate.pieces if value(when, gate.variables, numbers))
    return next(held, None)


def points(gate, count=4):
    """Points inside the domain, on a grid fine enough to have some for every gate."""
    generator = np.random.default_rng(7)
    found = []
    while len(found) < count:
        point = generator.uniform(-4, 4, len(gate.variables)).round(3)
        near = [point * 0.97, point * 1.03]
        formulas = {smooth_formula(gate, p) for p in (point, *near)}
        if len(formulas) == 1 and None not in formulas:
            found.append((point, formulas.pop()))
    return found


@pytest.mark.parametrize("gate", ELEMENTWISE, ids=lambda gate: gate.name)
def test_gates_along_a_parabola_agree_with_fifty_digits(gate):
    for point, formula in points(gate):
        slopes, bends = np.sin(point), np.cos(3 * point) / 2
        t = cg.input("t")
        moved = [p + v * t + w * t**2 for p, v, w in zip(point, slopes, bends, strict=True)]
        exactly = [tuple(map(mpmath.mpf, c)) for c in zip(point, slopes, bends, strict=True)]

        def curve(s, exactly=exactly, formula=formula):
            return value(formula, gate.variables, [p + v * s + w * s**2 for p, v, w in exactly])

        found = along(cg.circuit(f=gate(*moved), inputs=[t]), ORDER, 0.0, 1.0)
        assert_close(found, derivatives(curve, ORDER))


def test_a_composition_through_several_operands():
    def function(x, y, m):
        return m.exp(m.sin(x) * y) / (1 + x**2) + m.atan2(y, x) * m.hypot(x, y)

    def wires(x, y):
        return np.exp(np.sin(x) * y) / (1 + x**2) + np.arctan2(y, x) * np.hypot(x, y)

    x, y = cg.inputs("x y")
    c = cg.circuit(f=wires(x, y), inputs=[x, y])
    found = along(c, 12, 0.7, -0.4, 0.3, 1.1)
    p, q, v, w = map(mpmath.mpf, (0.7, -0.4, 0.3, 1.1))
    assert_close(found, derivatives(lambda t: function(p + v * t, q + w * t, mpmath), 12))


def test_polynomials_are_exact_and_end():
    x = cg.input("x")
    found = along(cg.circuit(f=3 * x**4 - x * x + 2 * x - 5), 7, 2.0, 1.0)
    assert found == [43.0, 94.0, 142.0, 144.0, 72.0, 0.0, 0.0, 0.0]


def test_powers_at_zero_have_their_derivatives():
    x = cg.input("x")
    assert along(cg.circuit(f=x**3), 4, 0.0, 1.0) == [0.0, 0.0, 0.0, 6.0, 0.0]


# --- matrices -------------------------------------------------------------------------------------


def test_inverse_is_the_geometric_series(random):
    a = random.normal(size=(3, 3))
    t = cg.input("t")
    c = cg.circuit(f=cg.inverse(np.eye(3) - t * a))
    powers = [math.factorial(k) * np.linalg.matrix_power(a, k) for k in range(9)]
    assert_close(along(c, 8, 0.0, 1.0), powers, 1e-12)


def test_log_det_is_a_series_of_traces(random):
    """log det(I + tA) = Σ (-1)^(k+1) tr(Aᵏ) tᵏ/k."""
    a = random.normal(size=(4, 4))
    t = cg.input("t")
    c = cg.circuit(f=cg.logdet(np.eye(4) + t * a))
    traces = [0.0]
    for k in range(1, 9):
        trace = np.trace(np.linalg.matrix_power(a, k))
        traces.append((-1) ** (k + 1) * math.factorial(k - 1) * trace)
    assert_close(along(c, 8, 0.0, 1.0), traces, 1e-12)


def test_det_of_a_pencil_is_its_characteristic_polynomial(random):
    a = random.normal(size=(3, 3)) + 3 * np.eye(3)
    t = cg.input("t")
    found = along(cg.circuit(f=np.linalg.det(a + t * np.eye(3))), 4, 0.0, 1.0)
    coefficients = np.poly(-a)[::-1]  # det(tI + A), by NumPy
    assert_close(found, [*(coefficients * [1, 1, 2, 6]), 0.0], 1e-12)


def spd(matrix, t):
    a = matrix([[4, 1, 0.5], [1, 3, -0.25], [0.5, -0.25, 2]])
    b = matrix([[1, 0.5, -1], [0.5, -2, 0.25], [-1, 0.25, 0.5]])
    return a + t * b


MATRIX_FUNCTIONS = {
    "solve": (
        lambda a: cg.solve(a, a[0] * a[1])[1],
        lambda a: mpmath.lu_solve(a, mpmath.matrix([a[0, k] * a[1, k] for k in range(3)]))[1],
    ),
    "solve columns": (
        lambda a: cg.solve(a, a @ a @ np.diag([1.0, 2.0, 3.0]))[0, 2],
        lambda a: (a * mpmath.diag([1, 2, 3]))[0, 2],
    ),
    "inverse": (lambda a: cg.inverse(a @ a)[0, 1], lambda a: ((a * a) ** -1)[0, 1]),
    "cholesky": (lambda a: cg.cholesky(a)[2, 1], lambda a: mpmath.cholesky(a)[2, 1]),
    "eigenvalues": (lambda a: cg.eigvalsh(a)[1], lambda a: mpmath.eigsy(a, True)[1]),
    "eigenvectors": (
        lambda a: cg.eigh(a).eigenvectors[0, 1] * cg.eigh(a).eigenvectors[2, 1],
        lambda a: (lambda v: v[0, 1] * v[2, 1])(mpmath.eigsy(a)[1]),
    ),
    "softmax": (
        lambda a: cg.softmax(a[0] * a[1])[2],
        lambda a: (
            mpmath.exp(a[0, 2] * a[1, 2]) / sum(mpmath.exp(a[0, k] * a[1, k]) for k in range(3))
        ),
    ),
    "logsumexp": (cg.logsumexp, lambda a: mpmath.log(sum(mpmath.exp(x) for x in a))),
    "log_softmax": (
        lambda a: cg.log_softmax(a[1])[0],
        lambda a: a[1, 0] - mpmath.log(sum(mpmath.exp(a[1, k]) for k in range(3))),
    ),
    "norm": (lambda a: cg.norm(a), lambda a: mpmath.sqrt(sum(x**2 for x in a))),
    "prod": (lambda a: cg.prod(a[0] + 1), lambda a: mpmath.fprod(a[0, k] + 1 for k in range(3))),
    "matrix power": (lambda a: cg.matrix_power(a, 5)[0, 1], lambda a: (a**5)[0, 1]),
    "einsum": (
        lambda a: cg.einsum("i,ij,jk,k->", a[0], a, a, a[1]),
        lambda a: (a[0, :] * a * a * a[1, :].T)[0],
    ),
    "convolve": (
        lambda a: cg.convolve(a[0], a[1] * a[2])[2],
        lambda a: sum(a[0, k] * a[1, 2 - k] * a[2, 2 - k] for k in range(3)),
    ),
    "mean": (lambda a: cg.mean(a * a * a), lambda a: sum(x**3 for x in a) / 9),
    "largest": (lambda a: np.max(a * a), lambda a: a[0, 0] ** 2),
    "sorted": (lambda a: np.sort(a[0] ** 3)[0], lambda a: a[0, 2] ** 3),
    "rearranged": (
        lambda a: np.cumsum(np.concatenate([a[0] ** 2, a[1, ::-1]]).reshape(2, 3), axis=1)[1, 1],
        lambda a: a[1, 2] + a[1, 1],
    ),
}


@pytest.mark.parametrize("name", MATRIX_FUNCTIONS)
def test_matrix_functions_agree_with_fifty_digits(name):
    wires, exactly = MATRIX_FUNCTIONS[name]
    t = cg.input("t")
    c = cg.circuit(f=wires(spd(np.array, t)), inputs=[t])
    expected = derivatives(lambda s: exactly(spd(mpmath.matrix, s)), 6)
    assert_close(along(c, 6, 0.0, 1.0), expected)


# --- against other modes --------------------------------------------------------------------------


def network(x):
    w = np.linspace(-1, 1, 12).reshape(4, 3)
    return np.sum(cg.softmax(np.tanh(w @ x) * np.log1p(x[0] ** 2)) ** 2)


def test_orders_two_and_three_are_nested_pushforwards(random):
    x = cg.input("x", 3)
    c = cg.circuit(f=network(x))
    point, v = random.normal(size=(2, 3))
    found = along(c, 3, point, v)
    first, second = c.jvp(), c.jvp().jvp("x")
    third = second.jvp("x")
    wanted = [c(point), first(point, v), second(point, v, v), third(point, v, v, v)]
    npt.assert_allclose(found, wanted, rtol=1e-11)


def test_order_two_is_the_quadratic_form_of_the_hessian(random):
    x = cg.input("x", 3)
    c = cg.circuit(f=network(x))
    point, v = random.normal(size=(2, 3))
    assert along(c, 2, point, v)[2] == pytest.approx(v @ c.hvp()(point, v), rel=1e-11)


def test_only_the_inputs_chosen_move():
    x, y = cg.inputs("x y")
    c = cg.circuit(f=x**2 * y**3, g=y)
    series = c.taylor(2, "x")
    assert series.input_names == ("x", "y", "direction_x")
    found = {"f": 72.0, "d1_f": 48.0, "d2_f": 16.0, "g": 2.0, "d1_g": 0.0, "d2_g": 0.0}
    assert series(x=3, y=2, direction_x=1) == found


def test_a_series_is_a_circuit_that_has_derivatives(random):
    x = cg.input("x", 3)
    c = cg.circuit(f=network(x))
    point, v = random.normal(size=(2, 3))
    slope = c.taylor(1).only("d1_f").grad("x")
    npt.assert_allclose(slope(point, v), c.hvp()(point, v), rtol=1e-12)


def test_axes_may_have_names_and_dtypes_stay():
    x = cg.input("x", "n", dtype="float32")
    c = cg.circuit(f=np.exp(x) * np.sum(x)).taylor(2)
    found = c(np.array([0.0, 1.0], np.float32), np.array([1.0, 0.0], np.float32))
    assert {part.dtype for part in found.values()} == {np.dtype("float32")}
    npt.assert_allclose(found["d2_f"], [3.0, 0.0], rtol=1e-6)


@pytest.mark.parametrize("shape", [(0,), (1,), (2, 0)])
def test_empty_and_single_entries(shape):
    x = cg.input("x", shape)
    found = along(cg.circuit(f=np.sin(x)), 2, np.zeros(shape), np.ones(shape))
    npt.assert_array_equal(found[1], np.ones(shape))
    assert [part.shape for part in found] == [shape] * 3


# --- kinks ----------------------------------------------------------------------------------------


def test_at_a_kink_series_follow_the_policies_of_the_gates():
    x, y = cg.inputs("x y")
    both = cg.circuit(f=np.maximum(x**2, x), g=cg.relu(x), h=abs(x), s=np.sign(x), inputs=[x])
    found = both.taylor(2)(1.0, 1.0)
    assert [found[k] for k in ("f", "d1_f", "d2_f")] == [1.0, 1.5, 1.0]
    at_zero = both.taylor(1)(0.0, 1.0)
    assert [at_zero[k] for k in ("d1_g", "d1_h", "d1_s")] == [0.0, 0.0, 0.0]
    tied = along(cg.circuit(f=np.max(cg.stack([x, y]))), 2, 1.0, 1.0, 1.0, 3.0)
    assert tied == [1.0, 2.0, 0.0]


# --- size -----------------------------------------------------------------------------------------


def count(circuit):
    return sum(1 for wire in circuit.wires if wire.inputs)


def chain(x, length):
    for _ in range(length):
        x = np.tanh(x)
    return x


def test_the_number_of_gates_grows_with_the_square_of_the_order():
    c = cg.circuit(f=chain(cg.input("x"), 10))
    counts = [count(c.taylor(k)) for k in range(11)]
    assert np.unique(np.diff(counts[2:], 2)).size == 1  # a polynomial of degree two
    assert counts[10] < 3000


# A power whose exponent moves as well has a new derivative at every order: the third power of it.
GROWTH = dict.fromkeys(["pow", "scaled_power", "power_log"], 4**3)


@pytest.mark.parametrize("gate", ELEMENTWISE, ids=lambda gate: gate.name)
def test_the_number_of_gates_is_a_polynomial_for_every_gate(gate):
    inputs = cg.inputs([f"x{k}" for k in range(len(gate.variables))])
    c = cg.circuit(f=gate(*map(np.sin, inputs)), inputs=inputs)
    assert count(c.taylor(8)) <= GROWTH.get(gate.name, 4**2 * 1.5) * count(c.taylor(2))


def test_a_chain_of_a_hundred_thousand_gates():
    x = cg.input("x")
    product = x
    for _ in range(100_000):
        product = product * x
    n, at = 100_001, 1 + 1e-6
    wanted = [at**n, n * at ** (n - 1), n * (n - 1) * at ** (n - 2)]
    assert along(cg.circuit(f=product), 2, at, 1.0) == pytest.approx(wanted, rel=1e-9)


# --- plain functions ------------------------------------------------------------------------------


def test_plain_functions(random):
    point, v = random.normal(size=(2, 3))
    c = cg.circuit(f=network(cg.input("x", 3)))
    npt.assert_allclose(cg.taylor(network, 4)(point, v), along(c, 4, point, v), rtol=1e-12)
    assert cg.taylor(np.exp, 3)(0.0, 1.0) == (1.0, 1.0, 1.0, 1.0)
    assert cg.taylor(np.exp, 0)(0.0, 1.0) == (1.0,)


def test_plain_functions_of_containers_and_of_several_arguments():
    def function(p, scale):
        return {"f": p["a"] * p["b"] * scale}

    found = cg.taylor(function, 3)({"a": 2.0, "b": 3.0}, 5.0, {"a": 1.0, "b": 1.0})
    assert [part["f"] for part in found] == [30.0, 25.0, 10.0, 0.0]
    both = cg.taylor(lambda x, y: x**2 * y, 3, argnums=(0, 1))(1.0, 2.0, (1.0, 1.0))
    assert both == (2.0, 5.0, 8.0, 6.0)


def test_series_of_gradients_and_gradients_of_series():
    assert cg.taylor(cg.grad(np.sin), 2)(0.0, 1.0) == pytest.approx((1.0, 0.0, -1.0))
    third = cg.grad(lambda x: cg.taylor(np.exp, 2)(x, 1.0)[2])
    assert third(0.5) == pytest.approx(math.exp(0.5))


def test_control_flow_follows_the_point():
    def function(x):
        return x**3 if x > 0 else -x

    assert cg.taylor(function, 2)(2.0, 1.0) == (8.0, 12.0, 12.0)
    assert cg.taylor(function, 2)(-2.0, 1.0) == (2.0, -1.0, 0.0)


# --- requests that cannot be met ------------------------------------------------------------------


@pytest.mark.parametrize("order", [-1, 1.0, True, "2", None])
def test_an_order_is_a_whole_number(order):
    c = cg.circuit(f=cg.input("x") ** 2)
    with pytest.raises(cg.SpecError, match="taylor: the order"):
        c.taylor(order)
    with pytest.raises(cg.SpecError, match="taylor: the order"):
        cg.taylor(np.sin, order)


def test_wrong_requests_say_what_is_needed():
    c = cg.circuit(f=cg.input("weight", 3) ** 2)
    with pytest.raises(cg.SpecError, match="Did you mean weight"):
        c.taylor(2, "wieght")
    with pytest.raises(cg.ShapeError):
        c.taylor(2)(np.ones(3), np.ones(2))
    with pytest.raises(cg.SpecError, match="direction"):
        cg.taylor(np.sin, 2)(1.0)
    with pytest.raises(cg.ShapeError, match="direction"):
        cg.taylor(np.sin, 2)(1.0, np.ones(2))
    with pytest.raises(cg.SpecError, match="needed a tuple"):
        cg.taylor(lambda x, y: x * y, 2, argnums=(0, 1))(1.0, 2.0, 1.0)
    with pytest.raises(cg.SpecError, match=r"circuit\.taylor"):
        cg.taylor(c, 2)
    matrix = cg.circuit(f=cg.inverse(cg.input("t") * np.eye(2)))
    with pytest.raises(cg.DomainError, match="singular"):
        matrix.taylor(2)(0.0, 1.0)


def test_order_zero_is_the_circuit():
    x = cg.input("x")
    assert cg.circuit(f=x**2).taylor(0)(3.0, 1.0) == 9.0
