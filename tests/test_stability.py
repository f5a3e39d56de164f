"""Accuracy in ULP and stable forms: against mpmath, and the proofs of the rules."""

import math

import mpmath
import numpy as np
import pytest

import circuitgrad as cg
from circuitgrad.errors import DomainError, ProofError, ShapeError, SpecError
from circuitgrad.rewriting import rewritten
from circuitgrad.simplification import RULES, Rule
from circuitgrad.stability.measures import circuit_of
from circuitgrad.stability.obligations import proof_of

NAIVE = {
    "softplus": "log(1 + exp(x))",
    "log_sigmoid": "-log(1 + exp(-x))",
    "sigmoid": "1/(1 + exp(-x))",
    "tanh": "(exp(x) - exp(-x))/(exp(x) + exp(-x))",
    "swish": "x/(1 + exp(-x))",
    "mish": "x*tanh(log(1 + exp(x)))",
    "logcosh": "log(cosh(x))",
    "sech": "1/cosh(x)",
}


# --- accuracy -------------------------------------------------------------------------------------


def ulp_by_mpmath(value, exact):
    """The error of a double in units of the last place of an exact number."""
    _, exponent = mpmath.frexp(exact)
    spacing = mpmath.ldexp(1, max(int(exponent) - 53, -1074))
    return float(abs(mpmath.mpf(value) - exact) / spacing)


@pytest.mark.parametrize(
    ("text", "function", "span"),
    [
        ("exp(x) - 1", mpmath.expm1, (-1, 1)),
        ("log(1 + x)", mpmath.log1p, (0, 1e-3)),
        ("1 - cos(x)", lambda x: 2 * mpmath.sin(x / 2) ** 2, (-1e-2, 1e-2)),
        ("softplus(x)", lambda x: mpmath.log(1 + mpmath.exp(x)), (-100, 100)),
    ],
)
def test_the_worst_error_is_the_one_that_mpmath_finds_there(text, function, span):
    found = cg.accuracy(text, x=span)
    with mpmath.workdps(900):
        exact = function(mpmath.mpf(found.at["x"]))
        assert ulp_by_mpmath(found.value, exact) == pytest.approx(found.worst_ulp)
    assert found.exact == pytest.approx(float(exact), rel=1e-15)


def test_infinite_where_the_value_is_finite_is_named():
    found = cg.accuracy("log(1 + exp(x))", x=(-800, 800))
    assert math.isinf(found.worst_ulp)
    assert found.at == {"x": pytest.approx(710, abs=1)}
    assert 0 < found.not_finite <= found.bad < found.points
    assert "worst error infinite over x in [-800, 800], at x = 7" in str(found)
    assert "inf or NaN" in str(found)


def test_overflow_of_a_value_beyond_all_doubles_is_right():
    assert cg.accuracy("exp(x)", x=(700, 1000)).worst_ulp < 2


def test_subnormal_values_are_measured_by_their_own_spacing():
    found = cg.accuracy("exp(x)", x=(-745, -709))
    assert found.worst_ulp < 2
    assert cg.accuracy("1/(1 + exp(-x))", x=(-745, -711)).worst_ulp > 1000


def test_a_zero_that_should_be_tiny_is_found_out():
    found = cg.accuracy("1 - tanh(x)**2", x=(-300, 300))
    assert found.value == 0.0
    assert 0 < found.exact < 1e-15
    assert found.worst_ulp > 1e15


def test_a_gradient_circuit_is_measured_too():
    x = cg.input("x")
    naive = cg.circuit(f=np.log(1 + np.exp(x))).grad()
    assert math.isinf(naive.accuracy(x=(-800, 800)).worst_ulp)
    assert cg.circuit(f=cg.softplus(x)).grad().accuracy(x=(-800, 800)).worst_ulp < 4


def test_several_inputs_have_ranges_by_name():
    found = cg.accuracy("sqrt(x**2 + y**2)", x=(-1e200, 1e200), y=(0, 1))
    assert math.isinf(found.worst_ulp)
    assert set(found.at) == {"x", "y"}
    assert 0 <= found.at["y"] <= 1
    assert cg.accuracy("hypot(x, y)", x=(-1e200, 1e200), y=(0, 1)).worst_ulp < 2


def test_arrays_are_measured_entry_by_entry():
    x = cg.input("x", "n")
    found = cg.circuit(f=np.log(np.exp(x).sum())).accuracy(x=(-800, 800))
    assert math.isinf(found.worst_ulp)
    assert set(found.at) == {"x_0", "x_1", "x_2"}
    assert cg.circuit(f=cg.softmax(x)).accuracy(x=(-10, 10), size=2).bad == 0


def test_single_precision_has_its_own_unit():
    x = cg.input("x", dtype="float32")
    found = cg.circuit(f=np.exp(x) - 1).accuracy(x=(-1, 1))
    assert 1e5 < found.worst_ulp < 1e9
    assert cg.circuit(f=np.expm1(x)).accuracy(x=(-1, 1)).worst_ulp < 4


def test_a_kink_has_its_value():
    assert cg.accuracy("abs(x) + relu(x)", x=(-5, 5)).worst_ulp <= 0.5


def test_points_without_a_real_value_are_left_out():
    found = cg.accuracy("log(x)", x=(-10, 10))
    assert found.at["x"] > 0
    assert found.worst_ulp < 4
    with pytest.raises(DomainError, match="no point of the range has a real value"):
        cg.accuracy("log(x)", x=(-10, -1))


@pytest.mark.parametrize("given", [(1, 0), (0, math.inf), (math.nan, 1), 3, "ab", (1, 2, 3), None])
def test_a_range_that_is_none_is_refused(given):
    with pytest.raises(SpecError, match=r"range of 'x'.*x=\(-800, 800\)"):
        cg.accuracy("exp(x)", x=given)


def test_other_mistakes_are_told():
    with pytest.raises(SpecError, match="no input is named 'y'"):
        cg.accuracy("exp(x)", y=(0, 1))
    with pytest.raises(SpecError, match="no input"):
        cg.accuracy(cg.circuit(f=cg.constant(1.0)))
    with pytest.raises(ShapeError, match="size=0"):
        cg.accuracy("exp(x)", size=0)
    with pytest.raises(SpecError, match="no input is named 'y'"):
        cg.stable("exp(x)", y=(0, 1))
    with pytest.raises(SpecError, match="range of 'x'"):
        cg.stable("exp(x)", x=(1, 0))


def test_a_range_of_one_point_and_one_of_whole_numbers():
    assert cg.accuracy("exp(x) - 1", x=(0, 0)).worst_ulp == 0
    assert cg.accuracy("exp(x)", x=(2, 3)).points > 10


# --- rules ----------------------------------------------------------------------------------------


@pytest.mark.parametrize("rule", RULES, ids=str)
def test_every_rule_is_proved(rule):
    assert proof_of(rule)


@pytest.mark.parametrize("rule", [rule for rule in RULES if not rule.shapes], ids=str)
def test_no_rule_makes_a_formula_less_accurate(rule):
    before = cg.circuit(f=rule.pattern).accuracy()
    after = cg.circuit(f=rule.result).accuracy()
    assert after.not_finite <= before.not_finite
    assert after.bad <= before.bad
    assert after.worst_ulp <= max(before.worst_ulp, 0.5)


@pytest.mark.parametrize(
    ("left", "right"),
    [("log(1 + x)", "log1p(-x)"), ("sqrt(x**2)", "x"), ("log(x**2)", "2*log(x)"), ("x", "x + 1")],
)
def test_a_wrong_rule_has_no_proof(left, right):
    with pytest.raises(ProofError, match="rule"):
        proof_of(Rule(left, right))


@pytest.mark.parametrize("rule", [rule for rule in RULES if rule.apply is None], ids=str)
def test_every_rule_finds_its_own_left_side(rule):
    found = rewritten([rule.pattern])
    assert found.steps
    assert rewritten(found.outputs).outputs == found.outputs


# --- stable forms ---------------------------------------------------------------------------------


def derivative(text, order):
    circuit = circuit_of(text)
    for _ in range(order):
        circuit = circuit.grad()
    return circuit


# The derivatives with zeros away from 0 (swish, mish, sech'') are apart: beside a zero no form that
# is not made for it has all its digits.
@pytest.mark.parametrize("order", [0, 1, 2])
@pytest.mark.parametrize("name", ["softplus", "log_sigmoid", "sigmoid", "tanh", "logcosh"])
def test_the_stable_form_is_accurate_where_the_naive_one_is_not(name, order):
    naive = derivative(NAIVE[name], order)
    found = naive.stable(x=(-1000, 1000))
    (before,), (after,) = found.before.values(), found.after.values()
    assert before.worst_ulp > 1e6
    assert after.worst_ulp < 30
    assert after.bad == 0
    assert found.circuit.accuracy(x=(-1000, 1000)).worst_ulp < 30


@pytest.mark.parametrize("order", [0, 1, 2])
@pytest.mark.parametrize("name", ["swish", "mish", "sech"])
def test_beside_its_zeros_a_stable_form_has_no_bad_point_either(name, order):
    found = derivative(NAIVE[name], order).stable(x=(-1000, 1000))
    (before,), (after,) = found.before.values(), found.after.values()
    assert before.worst_ulp > 1e6
    assert after.bad == 0


@pytest.mark.parametrize(
    ("text", "gate"),
    [
        ("log(1 + exp(w*x + b))", "softplus"),
        ("log(exp(x) + 1)", "softplus"),
        ("1/(1 + exp(-w*x))", "sigmoid"),
        ("1 - 1/(1 + exp(-x))", "sigmoid"),
        ("exp(x - y)/(exp(x - y) + 1)", "sigmoid"),
        ("log(1/(1 + exp(-x)))", "log_sigmoid"),
        ("-1 + exp(2*x)", "expm1"),
        ("exp(x*y) - 1", "expm1"),
        ("log(1 + x**2)", "log1p"),
        ("sqrt(x*x + y**2)", "hypot"),
        ("sqrt((x - a)**2 + (y - b)**2)", "hypot"),
        ("log(exp(x) + exp(-y))", "logaddexp"),
        ("1 - erf(x/2)", "erfc"),
        ("log(x + sqrt(1 + x**2))", "asinh"),
    ],
)
def test_formulas_are_recognised_inside_others(text, gate):
    circuit = circuit_of(text)
    (found,) = rewritten(circuit.outputs).outputs
    names = {wire.gate.name for wire in cg.circuit(f=found).wires}
    assert gate in names


def test_sums_over_named_axes_become_their_gates():
    x, m = cg.input("x", "n"), cg.input("m", "k n")
    for wire, name in [
        (np.log(np.exp(x).sum()), "logsumexp"),
        (np.log(np.exp(m).sum(axis=0)), "logsumexp"),
        (np.exp(x) / np.exp(x).sum(), "softmax"),
        (np.exp(m) / np.exp(m).sum(axis=1, keepdims=True), "softmax"),
        (np.exp(m) / np.exp(m).sum(axis=0), "softmax"),
        (np.log(np.exp(x) / np.exp(x).sum()), "log_softmax"),
        (np.log(1 + np.exp(m)), "softplus"),
    ]:
        found = cg.circuit(f=wire).stable()
        assert found.circuit.outputs[0].gate.name == name
        assert found.circuit.outputs[0].shape == wire.shape
        values = {"x": [800.0, 0.0], "m": [[800.0, -800.0, 1.0], [1.0, 2.0, 3.0]]}
        given = {n: values[n] for n in found.circuit.input_names}
        assert np.all(np.isfinite(found.circuit(**given)))


def test_what_only_looks_like_softmax_is_left_alone():
    m, s = cg.input("m", "n n"), cg.input("s", "n")
    for wire in (
        np.exp(m) / np.exp(m).sum(axis=1),  # the sums of rows, spread over columns
        np.exp(s) / np.exp(-s).sum(),
        np.log(np.exp(m).sum(axis=0) + 1),
        np.log(np.trace(np.exp(m))),
        np.exp(m) / np.exp(m.T).sum(axis=0),
    ):
        (found,) = rewritten([wire]).outputs
        names = {w.gate.name for w in cg.circuit(f=found).wires}
        assert not names & {"softmax", "logsumexp"}


def test_an_empty_sum_keeps_its_value():
    x = cg.input("x", 0)
    circuit = cg.circuit(f=np.log(1 + np.exp(x).sum()), g=np.exp(x) / np.exp(x).sum())
    found = circuit.stable().circuit(x=np.zeros(0))
    assert found["f"] == 0.0
    assert found["g"].shape == (0,)


def random_formula(generator, depth):
    if depth == 0:
        return generator.choice(["x", "y", "0.5*x", "x - y", "2"])
    inner = random_formula(generator, depth - 1)
    other = random_formula(generator, depth - 1)
    return str(
        generator.choice(
            [
                f"log(1 + exp({inner}))", f"1/(1 + exp(-({inner})))", f"exp({inner}) - 1",
                f"1 - tanh({inner})**2", f"1 - cos({inner})", f"({inner}) - ({other})",
                f"({inner})*({other})", f"sqrt(({inner})**2 + ({other})**2)",
                f"log(exp({inner}) + exp({other}))", f"({inner})/(1 + exp({other}))",
                f"tanh({inner})", f"-({inner})", f"log(1 + ({inner})**2)",
            ]
        )
    )  # fmt: skip


@pytest.mark.parametrize("seed", range(25))
def test_a_stable_form_keeps_the_value_to_fifty_digits_and_is_its_own(seed):
    generator = np.random.default_rng(seed)
    circuit = circuit_of(f"{random_formula(generator, 3)} + 0*x")
    (new,) = rewritten(circuit.outputs).outputs
    rebuilt = cg.circuit(f=new, inputs=circuit.inputs)
    first, second = circuit.sympy(), rebuilt.sympy()
    for x, y in [(0.3, 0.7), (-1.25, 2.5), (1.5, -0.5)]:
        place = {symbol: {"x": x, "y": y}[symbol.name] for symbol in first.free_symbols}
        expected = first.evalf(60, subs=place)
        assert abs(second.evalf(60, subs=place) - expected) <= 1e-50 * (1 + abs(expected))
    assert rewritten([new]).outputs == (new,)
    found = circuit.stable(x=(-50, 50))
    again = found.circuit.stable(**{n: (-50, 50) for n in found.circuit.input_names if n == "x"})
    assert not again.is_changed


def test_a_form_that_is_stable_already_stays_the_same_circuit():
    circuit = circuit_of("softplus(x)*y + hypot(x, y)")
    found = circuit.stable()
    assert found.circuit is circuit
    assert not found.steps
    assert str(found).startswith("as it was: ")


def test_what_is_told_has_the_rule_its_proof_and_the_gain():
    text = str(cg.stable("1 - tanh(x)**2"))
    assert "1 - tanh(x)**2 = sech_squared(x) (proved, normal form)" in text
    assert "ULP at x =" in text
    assert "before" in text


def test_names_scopes_and_several_outputs_are_kept():
    x = cg.input("x")
    with cg.scope("hidden"):
        z = (1 / (1 + np.exp(-x))).named("z")
    circuit = cg.circuit(f=z * 2, g=np.exp(x) - 1, h=x)
    found = circuit.stable()
    assert found.circuit.output_names == ("f", "g", "h")
    assert [w.scope for w in found.circuit.wires if w.label == "z"] == ["hidden"]
    assert set(found.after) == {"f", "g", "h"}


def test_float32_stays_float32():
    x = cg.input("x", "n", dtype="float32")
    found = cg.circuit(f=1 - np.tanh(x) ** 2).stable()
    assert found.circuit.outputs[0].dtype == np.float32


def test_a_hundred_thousand_gates_are_rewritten():
    x = cg.input("x")
    value = x
    for _ in range(25_000):
        value = np.log(1 + np.exp(value * 0.5)) - 1.0
    circuit = cg.circuit(f=value)
    found = circuit.stable()
    assert found.steps[0].count == 25_000
    assert found.circuit(x=1.0) == pytest.approx(circuit(x=1.0), rel=1e-12)
