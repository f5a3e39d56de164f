"""Derivatives against 50-digit arithmetic: random circuits, every gate of the catalogue, matrix functions."""

import functools
import math

import mpmath
import numpy as np
import numpy.testing as npt
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

import circuitgrad as cg
from circuitgrad import grammar
from circuitgrad.gates import catalogue
from tests import matrix_references
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


# --- every gate of the catalogue ------------------------------------------------------------------

FUNCTIONS = ["exp", "log", "sqrt", "erf", "sin", "cos", "tan", "asin", "acos", "atan", "atan2"]
FUNCTIONS += ["sinh", "cosh", "tanh", "asinh", "acosh", "atanh"]
MPMATH = {name: getattr(mpmath, name) for name in FUNCTIONS}
MPMATH |= {"Abs": abs, "abs": abs, "sign": mpmath.sign, "Max": max, "Min": min}
STEP = mpmath.mpf(10) ** -16


def number(value):
    return mpmath.mpf(value.numerator) / value.denominator


def elementwise_reference(gate):
    """The declared formula of a gate in 50-digit arithmetic."""
    pieces = gate.pieces or ((None, gate.formula),)

    def value(*point):
        scope = dict(zip(gate.variables, point, strict=True)) | {"pi": +mpmath.mp.pi}
        evaluate = functools.partial(
            grammar.evaluate, variables=scope, functions=MPMATH, number=number
        )
        for condition, formula in pieces:
            if condition is None or evaluate(condition):
                return evaluate(formula)
        raise AssertionError(f"{gate.name}: a kink at {point}")

    return lambda *arrays: np.array(value(*(a[()] for a in arrays)), dtype=object)


def columns(matrix):
    return mpmath.matrix(matrix.tolist())


def rows(matrix):
    return np.array(matrix.tolist(), dtype=object)


def each(function):
    return np.vectorize(function, otypes=[object])


def exponentials(x, keepdims=False):
    return each(mpmath.exp)(x).sum(axis=-1, keepdims=keepdims)


def length(x):
    return mpmath.sqrt((x * x).sum())


# The closed forms of what the composite and implicit gates' samples compute.
CLOSED_FORMS = {
    "mean": lambda x: np.array(x.sum() / x.size, dtype=object),
    "softmax": lambda x: each(mpmath.exp)(x) / exponentials(x),
    "logsumexp": lambda x: np.array(mpmath.log(exponentials(x)), dtype=object),
    "log_softmax": lambda x: x - mpmath.log(exponentials(x)),
    "unit": lambda x: x / length(x),
    "norm": lambda x: np.array(length(x), dtype=object),
    "inverse": lambda a: rows(columns(a) ** -1),
    "solve": lambda a, b: np.array(
        list(mpmath.lu_solve(columns(a), mpmath.matrix(list(b)))), dtype=object
    ),
    **matrix_references.CLOSED_FORMS,
}


def contraction_reference(subscripts, shapes):
    """The sum over all indices, ones for a new index and zeros off a repeated one, spelled out."""
    before, after = subscripts.split("->")
    terms = before.split(",")

    def value(*operands):
        sizes = {x: shapes[x] for x in after}
        for term, a in zip(terms, operands, strict=True):
            sizes |= dict(zip(term, a.shape, strict=True))
        result = np.full([sizes[x] for x in after], mpmath.mpf(0), dtype=object)
        for index in np.ndindex(*sizes.values()):
            place = dict(zip(sizes, index, strict=True))
            factors = [a[tuple(place[x] for x in t)] for t, a in zip(terms, operands, strict=True)]
            result[tuple(place[x] for x in after)] += math.prod(factors)
        return result

    return value


def sample(gate):
    """A gate on representative inputs, every axis of the output sized by the inputs or by a number."""
    wire = gate.sample()
    known = {axis for source in wire.inputs for axis in source.shape}
    if all(axis in known or isinstance(axis, int) for axis in wire.shape):
        return wire
    return cg.einsum(gate.subscripts, *wire.inputs, sizes={"j": SIZES["j"]})


SIZES = {"i": 2, "j": 3, "k": 2, "n": 3, "m": 2}


def reference(gate, wire):
    if gate.family == "elementwise":
        return elementwise_reference(gate)
    if gate.name in CLOSED_FORMS:
        return CLOSED_FORMS[gate.name]
    if hasattr(gate, "subscripts"):
        return contraction_reference(gate.subscripts, SIZES)
    # Rearrangements and selections move entries, whatever these are.
    shapes = tuple(source.shape for source in wire.inputs)
    return wire.gate.kernel(shapes, wire.shape, np.dtype(object))


def sample_point(gate, wire):
    """Values inside the gate's domain, away from kinks, the same in every run."""
    random = np.random.default_rng(len(gate.name))
    for tries in range(1000):
        span = 0.95 if tries < 500 else 5.0
        values = [
            random.uniform(-span, span, [SIZES.get(axis, axis) for axis in source.shape])
            for source in wire.inputs
        ]
        if gate.family != "elementwise" or not gate.domain:
            break
        scope = {name: float(v) for name, v in zip(gate.variables, values, strict=True)}
        if grammar.evaluate(gate.domain, scope, MPMATH):
            break
    if gate.name in matrix_references.SYMMETRIC:
        return [(v + v.T) / 2 + np.diag([2.0, 3.0]) for v in values]
    return [
        v + 2 * np.eye(2) if gate.name in ("inverse", "solve") and v.ndim == 2 else v
        for v in values
    ]


def moved(values, direction, step):
    return [
        np.asarray(each(mpmath.mpf)(v) + each(mpmath.mpf)(d) * step, dtype=object)
        for v, d in zip(values, direction, strict=True)
    ]


def units(values):
    """Every coordinate direction of a list of arrays."""
    for k, value in enumerate(values):
        for index in np.ndindex(value.shape):
            direction = [np.zeros_like(v) for v in values]
            direction[k][index] = 1
            yield k, index, direction


@pytest.mark.parametrize("gate", catalogue().values(), ids=list(catalogue()))
def test_every_gate_has_the_derivatives_of_its_meaning(gate):
    """First and second derivatives of Σ w·gate by differences in 50 digits, in both modes."""
    wire = sample(gate)
    inputs = wire.inputs
    values = sample_point(gate, wire)
    exactly = reference(gate, wire)
    random = np.random.default_rng(11)
    expected = exactly(*moved(values, values, 0))
    weights = random.uniform(-1, 1, np.shape(expected))
    directions = [random.uniform(-1, 1, v.shape) for v in values]
    c = cg.circuit(f=wire, inputs=inputs)
    npt.assert_allclose(c(*values), exact(expected), rtol=1e-13, atol=1e-15)

    def total(*steps):
        point = values
        for direction, step in steps:
            point = moved(point, direction, step)
        return np.sum(np.asarray(exactly(*point)) * weights)

    def first(direction):
        return (total((direction, STEP)) - total((direction, -STEP))) / (2 * STEP)

    def second(one, two):
        return (
            total((one, STEP), (two, STEP)) - total((one, STEP), (two, -STEP))
            - total((one, -STEP), (two, STEP)) + total((one, -STEP), (two, -STEP))
        ) / (4 * STEP**2)  # fmt: skip

    W = cg.input("weights", wire.shape)
    weighted = cg.circuit(f=np.sum(wire * W), inputs=(*inputs, W))
    pulled = c.vjp()(*values, weights)
    pulled = list(pulled.values()) if isinstance(pulled, dict) else [pulled]
    kept = list(weighted.run(*values, weights).backward().values())
    product = weighted.hvp(inputs)(*values, weights, *directions)
    product = list(product.values()) if isinstance(product, dict) else [product]
    for k, index, unit in units(values):
        slope = float(first(unit))
        npt.assert_allclose(np.asarray(pulled[k])[index], slope, rtol=1e-11, atol=1e-13)
        npt.assert_allclose(np.asarray(kept[k])[index], slope, rtol=1e-11, atol=1e-13)
        bend = float(second(unit, directions))
        npt.assert_allclose(np.asarray(product[k])[index], bend, rtol=1e-10, atol=1e-12)
    pushed = c.jvp()(*values, *directions)
    npt.assert_allclose(np.sum(pushed * weights), float(first(directions)), rtol=1e-11, atol=1e-13)


@pytest.mark.parametrize("gate", catalogue().values(), ids=list(catalogue()))
def test_pullback_and_pushforward_are_adjoint(gate):
    """<w, J v> = <J' w, v>, also for J'w and Jv themselves (second order)."""
    wire = sample(gate)
    values = sample_point(gate, wire)
    random = np.random.default_rng(13)
    c = cg.circuit(f=wire, inputs=wire.inputs)
    for _ in range(2):
        names = c.input_names
        tangents = [random.normal(size=np.shape(v)) for v in values]
        pushed = c.jvp()(*values, *tangents)
        upstream = random.normal(size=np.shape(pushed))
        pulled = c.vjp()(*values, upstream)
        pulled = list(pulled.values()) if isinstance(pulled, dict) else [pulled]
        left = np.sum(pushed * upstream)
        right = sum(np.sum(p * t) for p, t in zip(pulled, tangents, strict=True))
        assert left == pytest.approx(right, rel=1e-10, abs=1e-12)
        assert [np.shape(p) for p in pulled] == [np.shape(v) for v in values]
        pullback = c.vjp([names[0]])
        c, values = pullback, [*values, upstream]


@pytest.mark.parametrize("gate", catalogue().values(), ids=list(catalogue()))
def test_jacobians_of_both_modes_and_hessians_are_consistent(gate):
    wire = sample(gate)
    values = sample_point(gate, wire)
    c = cg.circuit(f=wire, inputs=wire.inputs)
    random = np.random.default_rng(17)
    for k, source in enumerate(wire.inputs):
        reverse = c.jacobian(source)(*values)
        npt.assert_allclose(
            c.jacobian(source, mode="forward")(*values), reverse, rtol=1e-12, atol=1e-14
        )
        direction = random.normal(size=np.shape(values[k]))
        pushed = c.jvp(source)(*values, direction)
        npt.assert_allclose(
            np.tensordot(reverse, direction, np.ndim(direction)), pushed, rtol=1e-11, atol=1e-12
        )
        total = cg.circuit(f=np.sum(wire * wire), inputs=wire.inputs)
        hessian = total.hessian(source)(*values)
        product = total.hvp(source)(*values, direction)
        npt.assert_allclose(
            np.tensordot(hessian, direction, np.ndim(direction)), product, rtol=1e-10, atol=1e-11
        )
        order = (*range(np.ndim(hessian) // 2, np.ndim(hessian)), *range(np.ndim(hessian) // 2))
        npt.assert_allclose(np.transpose(hessian, order), hessian, rtol=1e-10, atol=1e-11)


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
    with pytest.raises(cg.SpecError, match="2 outputs.*f, g"):
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
    with pytest.raises(cg.DerivativeError, match="odd_gate.*not known.*derivative="):
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
