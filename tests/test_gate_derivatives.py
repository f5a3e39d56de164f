"""Every gate of the catalogue: first and second derivatives against differences in 50 digits."""

import functools
import math

import mpmath
import numpy as np
import numpy.testing as npt
import pytest

import circuitgrad as cg
from circuitgrad import grammar
from circuitgrad.gates import catalogue
from tests import matrix_references
from tests.strategies import DIGITS, exact


@pytest.fixture(autouse=True)
def fifty_digits():
    with mpmath.workdps(DIGITS):
        yield


FUNCTIONS = ["exp", "log", "sqrt", "erf", "sin", "cos", "tan", "asin", "acos", "atan", "atan2"]
FUNCTIONS += ["sinh", "cosh", "tanh", "asinh", "acosh", "atanh"]
MPMATH = {name: getattr(mpmath, name) for name in FUNCTIONS}
MPMATH |= {name: getattr(mpmath, name) for name in ("gamma", "loggamma", "digamma", "erfinv")}
MPMATH |= {"polygamma": mpmath.psi, "erfcinv": lambda x: mpmath.erfinv(1 - x)}
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
    """A gate on representative inputs that tell the size of every axis of the output."""
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
    if gate.name in matrix_references.POSITIVE:
        return [np.sort(np.abs(v) + 0.2, axis=None)[::-1].reshape(v.shape) for v in values]
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
