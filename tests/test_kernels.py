"""Kernels and first derivatives against exact arithmetic, over the whole range of doubles.

The expected value is the declared formula in 700-digit arithmetic, the expected derivative SymPy's
derivative of that formula in the same arithmetic; neither goes through NumPy.
"""

import functools
import itertools
import math

import mpmath
import numpy as np
import pytest
import sympy

from circuitgrad import grammar
from circuitgrad.gates import catalogue
from circuitgrad.gates.from_formula import elementwise
from circuitgrad.sources import input_wire
from circuitgrad.wire import topological

DIGITS = 700  # exp(710) - exp(-710) and the like keep 50 digits after cancellation
LIMIT = 8  # ULP
LARGEST = mpmath.mpf(float(np.finfo(np.float64).max))
SMALLEST = mpmath.mpf(float(np.finfo(np.float64).tiny))
TINY_STEP = mpmath.mpf(10) ** -60

GATES = [gate for gate in catalogue().values() if gate.family == "elementwise"]
ALL_GATES = pytest.mark.parametrize("gate", GATES, ids=lambda gate: gate.name)

# Grids by number of operands: magnitudes, each with both signs. Beside the ends of the ranges of
# doubles and of exp: the points where swish' and, with equal operands, logaddexp cross zero.
MAGNITUDES = {
    1: [
        0, 1e-300, 1e-100, 1e-20, 1e-9, 1e-5, 1e-3, 0.1, 0.3, 0.5, 0.7, 0.99, 1 - 1e-9, 1, 1 + 1e-9,
        1.2784645427610738, 1.5, 2, 3, 4.4, 5, 7, 10, 12.3, 20, 26.1, 36, 37, 100, 300, 354, 355,
        709, 710, 711, 745, 746, 1e3, 1e4, 12345.678, 1e6,
    ],
    2: [0, 1e-300, 1e-9, 1e-5, 0.5, 0.6931471805599453, 1, 2, 20, 36, 37, 100, 710, 745, 1e3, 1e6],
    3: [0, 1e-300, 1e-9, 0.5, 1, 2, 37, 710, 1e6],
    4: [0, 1e-5, 0.5, 1, 2, 20],
}  # fmt: skip

FUNCTION_NAMES = [
    *["exp", "log", "sqrt", "erf", "sin", "cos", "tan", "asin", "acos", "atan", "atan2"],
    *["sinh", "cosh", "tanh", "asinh", "acosh", "atanh"],
    *["gamma", "loggamma", "digamma", "erfinv"],
]
SYMPY_FUNCTIONS = {name: getattr(sympy, name) for name in FUNCTION_NAMES}
SYMPY_FUNCTIONS |= {name: getattr(sympy, name) for name in ("polygamma", "erfcinv")}
MPMATH_FUNCTIONS = {name: getattr(mpmath, name) for name in FUNCTION_NAMES}
MPMATH_FUNCTIONS |= {"polygamma": mpmath.psi, "erfcinv": lambda x: mpmath.erfinv(1 - x)}


def precision(gate):
    """Digits to compute with: the closed forms of sin(x)/x's family cancel by x**5 near 0."""
    return 4 * DIGITS if gate.name.startswith("bessel") else DIGITS


def exact(text, names, point):
    """The value of a formula at a point, in high precision."""
    scope = dict(zip(names, point, strict=True)) | {"pi": +mpmath.mp.pi}
    return grammar.evaluate(text, scope, MPMATH_FUNCTIONS, number=to_mpmath)


def to_mpmath(number):
    return mpmath.mpf(number.numerator) / number.denominator


@functools.cache
def exact_partials(text, names):
    """SymPy's derivatives of a formula: functions of mpmath numbers, one per operand."""
    symbols = sympy.symbols(names, real=True)
    scope = dict(zip(names, symbols, strict=True)) | {"pi": sympy.pi}
    formula = grammar.evaluate(text, scope, SYMPY_FUNCTIONS, number=sympy.Rational)
    modules = [{"erfcinv": MPMATH_FUNCTIONS["erfcinv"]}, "mpmath"]
    return tuple(sympy.lambdify(symbols, formula.diff(x), modules) for x in symbols)


def piece_at(gate, point):
    """The formula that holds at a point; None at a kink."""
    if not gate.pieces:
        return gate.formula
    held = (text for condition, text in gate.pieces if exact(condition, gate.variables, point))
    return next(held, None)


def in_domain(gate, point):
    return not gate.domain or bool(exact(gate.domain, gate.variables, point))


def grid(gate):
    """The points of the gate's domain, as doubles and as exact numbers."""
    count = len(gate.variables)
    axis = sorted({sign * size for size in MAGNITUDES[count] for sign in (1.0, -1.0)})
    points = ((p, tuple(map(mpmath.mpf, p))) for p in itertools.product(axis, repeat=count))
    return [(p, q) for p, q in points if in_domain(gate, q)]


def finite(compute, *arguments):
    """A real number in the range of doubles, or None (poles included)."""
    try:
        value = mpmath.mpmathify(compute(*arguments))
    except (ZeroDivisionError, ValueError, OverflowError):
        return None
    is_real = isinstance(value, mpmath.mpf) and mpmath.isfinite(value)
    return value if is_real and abs(value) <= LARGEST else None


def ulp_error(got, wanted):
    """The error in units in the last place of the exact value; below the normal range, 0 or inf."""
    if not math.isfinite(got):
        return math.inf
    if abs(wanted) < SMALLEST:
        return 0.0 if abs(mpmath.mpf(got) - wanted) <= SMALLEST else math.inf
    _, exponent = mpmath.frexp(wanted)
    return float(abs(mpmath.mpf(got) - wanted) / mpmath.ldexp(1, int(exponent) - 53))


def magnification(function, point, value):
    """How much a function magnifies relative changes of its operands: the sum over the operands."""
    if not value:
        return 0
    total = 0
    for i, x in enumerate(point):
        nudged = (*point[:i], x * (1 + TINY_STEP), *point[i + 1 :])
        total += abs((function(*nudged) - value) / value) / TINY_STEP
    return total


def crosses_zero_nearby(function, point):
    """Whether a function changes its sign while the operands change by a quarter."""
    ends = [function(*(x * scale for x in point)) for scale in (0.8, 1.25)]
    return ends[0] * ends[1] < 0


def allowed(gate, function, point, value):
    """8 ULP; near a zero that a gate's note names, 8 ULP of the operands' effect too."""
    if gate.accuracy_note and crosses_zero_nearby(function, point):
        return LIMIT * (1 + magnification(function, point, value))
    return LIMIT


def wires_of(gate, dtype, shape):
    """The output of a gate on inputs, and its local gradients."""
    inputs = tuple(input_wire(name, shape, dtype) for name in gate.variables)
    out = gate(*inputs)
    return out, gate.partials(out)


def evaluate(wire, arrays):
    """The value of a wire whose inputs have the values given by name."""
    if isinstance(wire, float):
        return np.full_like(next(iter(arrays.values())), wire)
    values = {}
    for step in topological([wire]):
        if step.label:
            values[step] = arrays[step.label]
            continue
        operands = [values[source] for source in step.inputs]
        kernel = step.gate.kernel(tuple(x.shape for x in operands), step.shape, step.dtype)
        values[step] = kernel(*operands)
    return values[wire]


def beyond(cases, gate, choose):
    """Where the chosen wire of a gate errs by more than allowed: (point, got, wanted, ULP).

    Overflow, division by zero and invalid operations raise: every exact value here is finite.
    """
    wire = choose(*wires_of(gate, "float64", (len(cases),)))
    points = np.array([point for point, *_ in cases])
    arrays = dict(zip(gate.variables, points.T.copy(), strict=True))
    with np.errstate(over="raise", divide="raise", invalid="raise"):
        got = [float(value) for value in evaluate(wire, arrays)]
    return [
        (point, value, float(wanted), error)
        for value, (point, wanted, limit) in zip(got, cases, strict=True)
        if (error := ulp_error(value, wanted)) > limit
    ]


def cases_of(gate, functions_at):
    """(point, exact value, ULP allowed) wherever the exact value is finite and representable."""
    found = []
    for point, precise in grid(gate):
        function = functions_at(precise)
        wanted = function and finite(function, *precise)
        if wanted is not None:
            found.append((point, wanted, allowed(gate, function, precise, wanted)))
    return found


@ALL_GATES
def test_the_value_is_within_eight_ulp_of_the_formula(gate):
    def formula_at(point):
        text = piece_at(gate, point) or gate.at_kink
        return lambda *operands: exact(text, gate.variables, operands)

    with mpmath.workdps(precision(gate)):
        cases = cases_of(gate, formula_at)
        assert cases
        assert beyond(cases, gate, lambda out, partials: out) == []


@ALL_GATES
def test_the_derivative_is_within_eight_ulp_of_the_formulas_derivative(gate):
    def derivative_at(point, i):
        text = piece_at(gate, point)
        return text and exact_partials(text, gate.variables)[i]

    with mpmath.workdps(precision(gate)):
        for i, name in enumerate(gate.variables):
            cases = cases_of(gate, functools.partial(derivative_at, i=i))
            assert cases
            found = beyond(cases, gate, lambda out, partials, i=i: partials[i])
            assert found == [], f"derivative in {name}"


def neighbours(gate, point):
    """The formulas that hold arbitrarily near to a point."""
    nudges = itertools.product((-TINY_STEP, 0, TINY_STEP), repeat=len(point))
    near = (tuple(map(sum, zip(point, nudge, strict=True))) for nudge in nudges)
    return {text for text in (piece_at(gate, p) for p in near if in_domain(gate, p)) if text}


def is_between(gradient, ends):
    """Whether a gradient lies on the segment between two gradients."""
    first, second = ends
    step = [b - a for a, b in zip(first, second, strict=True)]
    length = sum(d * d for d in step)
    offset = [g - a for g, a in zip(gradient, first, strict=True)]
    t = sum(o * d for o, d in zip(offset, step, strict=True)) / length if length else mpmath.mpf(0)
    residue = max(abs(o - t * d) for o, d in zip(offset, step, strict=True))
    return 0 <= t <= 1 and residue <= 1e-15 * (1 + max(map(abs, first + second)))


@ALL_GATES
def test_at_a_kink_the_gradient_lies_between_those_of_the_two_sides(gate):
    with mpmath.workdps(DIGITS):
        kinks = [(p, q) for p, q in grid(gate) if piece_at(gate, q) is None]
        assert bool(kinks) == bool(gate.pieces)
        assert bool(gate.policy) == bool(gate.pieces)
        if not kinks:
            return
        points = np.array([p for p, _ in kinks])
        _, partials = wires_of(gate, "float64", (len(points),))
        arrays = dict(zip(gate.variables, points.T.copy(), strict=True))
        chosen = np.stack([evaluate(part, arrays) for part in partials], axis=1)
        for (_, point), gradient in zip(kinks, chosen, strict=True):
            texts = neighbours(gate, point)
            value = exact(gate.at_kink, gate.variables, point)
            if {exact(text, gate.variables, point) for text in texts} != {value}:
                assert not gradient[
                    gate.variables.index("condition") if gate.name == "where" else 0
                ]
                continue  # the value jumps: no derivative exists
            sides = [[f(*point) for f in exact_partials(t, gate.variables)] for t in texts]
            assert is_between([mpmath.mpf(float(g)) for g in gradient], sides)


@pytest.mark.parametrize(
    ("name", "point", "gradient"),
    [
        ("abs", [0], [0]),
        ("sign", [0], [0]),
        ("relu", [0], [0]),
        ("max", [3, 3], [0.5, 0.5]),
        ("min", [3, 3], [0.5, 0.5]),
        ("clip", [0, 0, 1], [0, 1, 0]),
        ("clip", [1, 0, 1], [0, 0, 1]),
        ("clip", [1, 1, 1], [0, 0, 1]),
        ("hard_tanh", [1], [0]),
        ("hard_tanh", [-1], [0]),
        ("leaky_relu", [0, 0.01], [0.01, 0]),
        ("elu", [0, 2], [2, 0]),
        ("softsign", [0], [1]),
        ("pow", [0, 0], [0, -np.inf]),
        ("pow", [0, 1], [1, 0]),
        ("pow", [0, 2], [0, 0]),
        ("pow", [0, 0.5], [np.inf, 0]),
        ("pow", [-2, 3], [12, np.nan]),
        ("pow", [-3, -1], [-1 / 9, np.nan]),
        ("xlogy", [0, 0], [-np.inf, np.nan]),
        ("sqrt", [0], [np.inf]),
    ],
)
@pytest.mark.filterwarnings("ignore:(divide|invalid).*:RuntimeWarning")
def test_gradients_at_kinks_and_ends_of_domains(name, point, gradient):
    gate = catalogue()[name]
    _, partials = wires_of(gate, "float64", ())
    arrays = dict(zip(gate.variables, map(np.float64, point), strict=True))
    np.testing.assert_array_equal([evaluate(part, arrays) for part in partials], gradient)


def moved_inside(gate, point):
    """A point, one further along where the gate's domain begins at 1."""
    return tuple(x + 1 for x in point) if gate.domain == "x > 1" else point


@ALL_GATES
@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("shape", [(), (1,), (2, 3), (0,)])
def test_kernels_keep_dtype_and_shape(gate, dtype, shape):
    out, partials = wires_of(gate, dtype, shape)
    values = moved_inside(gate, (0.5, 0.25, 0.75, 1.0)[: len(gate.variables)])
    arrays = {n: np.full(shape, v, dtype) for n, v in zip(gate.variables, values, strict=False)}
    for wire in (out, *partials):
        value = evaluate(wire, arrays)
        assert (value.dtype, value.shape) == (np.dtype(dtype), shape)


@ALL_GATES
def test_float32_agrees_with_float64(gate):
    for point in itertools.product((0.25, 0.5, 0.75), repeat=len(gate.variables)):
        values = moved_inside(gate, point)
        arrays = {n: np.array([v]) for n, v in zip(gate.variables, values, strict=True)}
        single = {name: array.astype(np.float32) for name, array in arrays.items()}
        wide, narrow = (wires_of(gate, dtype, (1,)) for dtype in ("float64", "float32"))
        for one, other in zip((wide[0], *wide[1]), (narrow[0], *narrow[1]), strict=True):
            wanted = evaluate(one, arrays)
            np.testing.assert_allclose(evaluate(other, single), wanted, rtol=5e-6, atol=1e-7)


@pytest.mark.parametrize("gate", [g for g in GATES if g.scalar], ids=lambda gate: gate.name)
def test_scalar_functions_agree_with_the_kernel_or_raise(gate):
    specials = [0.0, 1.0, -1.0, math.inf, -math.inf, math.nan]
    points = [p for p, _ in grid(gate)] + list(
        itertools.product(specials, repeat=len(gate.variables))
    )
    for point in points:
        try:
            got = gate.scalar(*point)
        except (OverflowError, ValueError, ZeroDivisionError):
            continue
        with np.errstate(all="ignore"):
            wanted = gate.compute(*map(np.float64, point))
        assert isinstance(got, float)
        np.testing.assert_allclose(got, wanted, rtol=4e-15, atol=1e-307, err_msg=str(point))


def test_every_gate_in_a_derivative_has_a_derivative():
    for gate in GATES:
        _, partials = wires_of(gate, "float64", ())
        for wire in topological([part for part in partials if not isinstance(part, float)]):
            if wire.gate.family == "elementwise":
                assert wire.gate.derivative is not None


def test_a_wrong_kernel_is_caught():
    careless = elementwise(
        "careless", "log(1 + exp(x))",
        kernel=lambda x: np.log(1 + np.exp(np.minimum(x, 700))),
        derivative=lambda x: (1.0,),
    )  # fmt: skip
    with mpmath.workdps(DIGITS):
        points = [(p, mpmath.log1p(mpmath.exp(p)), LIMIT) for p in (-40.0, 0.0, 710.0)]
        cases = [((p,), wanted, limit) for p, wanted, limit in points]
        found = beyond(cases, careless, lambda out, partials: out)
    assert [point for point, *_ in found] == [(-40.0,), (710.0,)]
