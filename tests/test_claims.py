"""Claims: the labelled formulas, what must be proved and what refuted, at points evaluated anew."""

import json
import time
from pathlib import Path

import numpy as np
import pytest
import sympy as sp

import circuitgrad as cg
from circuitgrad.claims.verdicts import Proved, Refuted, Undecided

DATA = Path(__file__).parent / "data"
IDENTITIES = json.loads((DATA / "identities.json").read_text(encoding="utf-8"))
BY_NAME = {entry["name"]: entry for entry in IDENTITIES}
BUDGET = 10.0


def assumed(entry):
    positive = [f"{name} > 0" for name, kind in entry["variables"].items() if kind == "positive"]
    return [*positive, *entry["domain"]]


def verdict_on(entry):
    return cg.check_equal(entry["lhs"], entry["rhs"], assuming=assumed(entry), budget=BUDGET)


def value_at(text, point):
    """The value of a formula with 60 digits by SymPy and mpmath; the text is a labelled one."""
    symbols = {name: sp.Symbol(name, real=True) for name in point}
    formula = sp.sympify(text, locals={"e": sp.E, **symbols})
    place = {sp.Symbol(name, real=True): sp.Rational(value) for name, value in point.items()}
    return sp.N(formula.subs(place), 60, maxn=400)


# --- labelled identities --------------------------------------------------------------------------


@pytest.fixture(scope="module")
def verdicts():
    return {entry["name"]: verdict_on(entry) for entry in IDENTITIES}


def test_labelled_identities_are_all_judged_right(verdicts):
    true = [verdicts[entry["name"]] for entry in IDENTITIES if entry["truth"]]
    false = [verdicts[entry["name"]] for entry in IDENTITIES if not entry["truth"]]
    assert [str(v) for v in true if v.refuted] == []
    assert [str(v) for v in false if not v.refuted] == []
    assert sum(v.proved for v in true) >= 0.99 * len(true)


def test_labelled_identities_are_judged_in_time(verdicts):
    assert max(v.elapsed_ms for v in verdicts.values()) < 1000 * BUDGET


def test_counterexamples_of_identities_hold_by_another_evaluation(verdicts):
    for name, verdict in verdicts.items():
        if verdict.refuted:
            entry, example = BY_NAME[name], verdict.counterexample
            lhs, rhs = (value_at(entry[side], example.point) for side in ("lhs", "rhs"))
            assert lhs != rhs, name
            assert abs(lhs - rhs) > sp.Float(10) ** -50 * abs(lhs), name
            assert float(lhs) == pytest.approx(example.correct_value, rel=1e-9, abs=1e-12), name
            assert float(rhs) == pytest.approx(example.claimed_value, rel=1e-9, abs=1e-12), name
            place = {n: sp.Rational(v) for n, v in example.point.items()}
            for condition in assumed(entry):
                assert sp.sympify(condition, locals=place) == sp.true, name


def test_kinks_are_told_where_a_true_identity_fails_on_a_boundary(verdicts):
    for entry in IDENTITIES:
        verdict = verdicts[entry["name"]]
        if entry["truth"] and verdict.proved:
            assert bool(verdict.kinks) != entry["truth_everywhere"], entry["name"]


DERIVED = [e for e in IDENTITIES if e.get("f") and e["wrt"] and "f(" not in e["f"]]


@pytest.mark.parametrize("group", sorted({entry["group"] for entry in DERIVED}))
def test_labelled_derivatives_are_judged_right_from_the_function(group):
    for entry in [entry for entry in DERIVED if entry["group"] == group]:
        checker = {1: cg.check, 2: cg.check_hessian}.get(len(entry["wrt"]))
        if checker is None or len(set(entry["wrt"])) > 1:
            continue
        verdict = checker(entry["f"], entry["wrt"][0], entry["rhs"], assuming=assumed(entry))
        assert not (verdict.proved and not entry["truth"]), (entry["name"], str(verdict))
        assert not (verdict.refuted and entry["truth"]), (entry["name"], str(verdict))
        assert entry["truth"] or verdict.refuted, (entry["name"], str(verdict))


# --- verdicts -------------------------------------------------------------------------------------


def test_a_verdict_is_one_of_three_records():
    right, wrong = cg.check("x**2", "x", "2*x"), cg.check("x**2", "x", "x")
    assert isinstance(right, Proved)
    assert isinstance(wrong, Refuted)
    assert right.proved
    assert bool(right)
    assert not right.refuted
    assert not wrong
    assert right.require() is right
    with pytest.raises(cg.ProofError, match=r"refuted, not proved"):
        wrong.require()
    with pytest.raises(AttributeError):
        right.method = "faith"  # a verdict is immutable


def test_assert_proved_fails_with_the_whole_verdict():
    assert cg.assert_proved("x**2", "x", "2*x").proved
    with pytest.raises(AssertionError, match=r"2 × the right answer"):
        cg.assert_proved("x**2", "x", "4*x")
    with pytest.raises(AssertionError, match=r"Refuted"):
        cg.assert_proved(cg.check_equal("x", "-x"))


def test_a_verdict_is_plain_data_for_json():
    record = json.loads(json.dumps(cg.check("x @ A @ x", "x", "2*A@x", x="n", A="n n").to_json()))
    assert record["status"] == "refuted"
    assert record["counterexample"]["sizes"] == {"n": 2}
    assert record["statement"]["shapes"] == {"x": ["n"], "A": ["n", "n"]}


def test_undecided_says_how_far_the_sides_agree():
    verdict = cg.check_equal("inv(A + B) @ (A + B)", "eye(n)", A="n n", B="n n")
    assert isinstance(verdict, Undecided)
    assert verdict.points > 0
    assert verdict.digits > 50
    assert "evidence, no proof" in str(verdict)


@pytest.mark.parametrize("budget", [1e-6, 0.05, 0.3])
def test_a_budget_is_kept(budget):
    big = "+".join(f"sin(x*{k})**{k % 7 + 2}" for k in range(1, 60))
    start = time.perf_counter()
    verdict = cg.check_equal(f"({big})**3", f"({big})**2*({big} + 1e-40)", budget=budget)
    assert time.perf_counter() - start < budget + 6
    assert not verdict.proved


# --- soundness ------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("first", "second"),
    [
        ("sin(pi)*x", "0*x"),
        ("sqrt(2)*sqrt(2)*x", "2*x"),
        ("2**0.5*2**0.5*x", "2*x"),
        ("x*cos(pi/3)", "x/2"),
        ("exp(log(3))*x", "3*x"),
        ("log(8)*x", "3*log(2)*x"),
        ("pi*pi*x/7", "pi**2/7*x"),
        ("0.1*x + 0.2*x", "0.3*x"),
        ("x/49*49", "x"),
        ("sqrt(2/pi)*x", "sqrt(2)/sqrt(pi)*x"),
        ("x*(pi + 1)", "x + pi*x"),
        ("(3/2 - pi)*x", "3*x/2 - pi*x"),
        ("x*(0.7 + 0.1)", "0.8*x"),
    ],
)
def test_rounding_of_constants_refutes_nothing(first, second):
    """In doubles the two differ; as numbers they are equal."""
    assert not cg.check_equal(first, second, x="n").refuted
    assert cg.check_equal(first, second).proved


@pytest.mark.parametrize(
    ("first", "second"),
    [
        ("pi*x", "884279719003555*x/281474976710656"),  # the double next to π
        ("x", "x*(1 + 1e-12)"),
        ("x", "x + 1e-300"),
        ("sqrt(x**2)", "x"),
        ("det(2*A)*x", "4*det(A)*x"),  # true for n = 2 only
        ("sqrt(x*x)*sum(x)", "x*sum(x)"),
    ],
)
def test_near_misses_are_refuted_for_arrays(first, second):
    shapes = {"A": "n n"} if "A" in first else {}
    assert cg.check_equal(first, second, x="n", **shapes).refuted


@pytest.mark.parametrize(
    ("claim", "facts"),
    [
        ("eye(n)", ["A spd", "A orthogonal"]),
        ("A.T", ["A diagonal"]),
        ("A.T", ["A symmetric", "A orthogonal"]),
        ("A @ A @ A", ["A diagonal", "A orthogonal"]),
        ("abs(A)", ["A diagonal", "A spd"]),
        ("inv(A)", ["A symmetric", "A orthogonal"]),
    ],
)
def test_points_have_all_the_facts_at_once(claim, facts):
    assert not cg.check_equal("A", claim, A="n n", assuming=facts).refuted
    assert cg.check_equal("A", "2*A", A="n n", assuming=facts).refuted


@pytest.mark.parametrize("number", ["pi + 1", "3/2 - pi", "sqrt(2) + 1", "2*pi/7", "0.1 + 0.7"])
def test_derived_constants_are_the_numbers_themselves(number):
    assert cg.check(f"x*({number})", "x", number).proved
    assert cg.check(f"sum(x*({number}))", "x", f"({number})*ones(n)", x="n").proved
    assert cg.check(f"x*({number})", "x", f"{number} + 1e-15").refuted


def test_what_is_equal_only_where_both_sides_are_defined_is_proved():
    for first, second in [("x/x", "ones(n)"), ("norm(x)**2", "x @ x"), ("x**3/x**2", "x")]:
        assert cg.check_equal(first, second, x="n").proved


def test_a_claim_without_a_single_point_is_not_proved():
    assert not cg.check_equal("x", "x + 1", assuming=["x > 1", "x < 0"])
    assert not cg.check_equal("log(-x**2 - 1)", "log(-1 - x*x) + exp(x)")


def test_the_counterexample_satisfies_the_assumptions():
    verdict = cg.check_equal("x", "abs(x)*1.001", assuming=["x > 3", "x < 4"])
    assert 3 < float(sp.Rational(verdict.counterexample.point["x"])) < 4
    verdict = cg.check("x @ A @ x", "x", "A @ x", x="n", A="n n", assuming="A spd")
    matrix = np.array(verdict.counterexample.point["A"], dtype=float)
    assert np.all(matrix == matrix.T)
    assert np.all(np.linalg.eigvalsh(matrix) > 0)


@pytest.mark.parametrize("shape", [{}, {"x": "n"}])
@pytest.mark.parametrize("second", ["abs(cbrt(x))", "sqrt(cbrt(x)**2)", "abs(x)/cbrt(x)**2"])
def test_cube_roots_of_negative_numbers_are_negative(second, shape):
    assert np.cbrt(-8.0) == pytest.approx(-2)
    assert cg.check_equal("cbrt(x)", second, **shape).refuted
    assert cg.check_equal(lambda x: np.cbrt(x), second, **shape).refuted
    assert cg.check_equal("cbrt(-x)", "-cbrt(x)", **shape).proved
    assert cg.check_equal("cbrt(x)**3", "x", **shape).proved


def test_derivatives_of_cube_roots_hold_on_both_sides_of_zero():
    assert cg.check("cbrt(x)", "x", "1/(3*cbrt(x)**2)").proved
    assert cg.check("cbrt(x)", "x", "cbrt(x)/(3*x)").proved
    assert cg.check("cbrt(x)", "x", "cbrt(x)/(3*abs(x))").refuted


def test_doubles_in_sympy_expressions_are_the_numbers_that_were_meant():
    x = sp.Symbol("x")
    assert cg.check_equal(0.1 * x, x / 10).proved
    assert cg.check_equal(sp.pi.evalf() * x, sp.pi * x).proved
    assert cg.check_equal(0.1001 * x, x / 10).refuted
    long = sp.Float("0.1234567890123456789012", 30)
    assert cg.check_equal(long * x, 0.12345678901234568 * x).refuted


def test_the_inverse_has_the_name_of_its_gate():
    assert cg.check_equal("inverse(A @ B)", "inv(B) @ inv(A)", A="n n", B="n n").proved


def test_kronecker_products_of_named_axes_are_refused():
    with pytest.raises(cg.ShapeError, match=r"kron: A is \(n, n\)"):
        cg.check_equal("kron(A, B)", "kron(B, A)", A="n n", B="m m")


def test_a_matrix_of_a_structure_has_it_in_the_points_too():
    claim = "2*inv(X) - diag(diagonal(inv(X)))"
    check = cg.check("logdet(X)", "X", claim, X="n n", structure="symmetric")
    assert check.proved  # The Matrix Cookbook, (141)
    assert "Assuming X symmetric" in str(check)
    assert cg.check("logdet(X)", "X", "inv(X)", X="n n", structure="symmetric").refuted
    slopes = "diag(1/diagonal(X))"
    assert cg.check("logdet(X)", "X", slopes, X="n n", structure="diagonal").proved


def test_assumptions_are_texts():
    with pytest.raises(cg.SpecError, match=r"assuming: got 3; needed text"):
        cg.check("x*x", "x", "2*x", assuming=3)
