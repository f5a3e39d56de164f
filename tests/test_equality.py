import json
import random
import time
from fractions import Fraction
from pathlib import Path

import flint
import mpmath
import pytest
import sympy as sp

from circuitgrad.proofs import equality
from circuitgrad.proofs.acceptance import constraints
from circuitgrad.proofs.balls import BoundaryError, Evaluator, NotRealError
from circuitgrad.proofs.boundaries import kinks
from circuitgrad.proofs.budgets import Budget
from circuitgrad.proofs.cells import Cell, decided_cells
from circuitgrad.proofs.equality import decide
from circuitgrad.proofs.inequalities import is_empty, is_square_sum
from circuitgrad.proofs.samples import Sampler, compared
from circuitgrad.proofs.verdicts import CellResult, InternalInconsistency, Status

IDENTITIES = json.loads((Path(__file__).parent / "data" / "identities.json").read_text())
NAMES = {name: getattr(sp, name) for name in dir(sp) if not name.startswith("_")}

x, y, z = sp.symbols("x y z", real=True)
a, b = sp.symbols("a b", positive=True)
f, g = sp.Function("f", real=True), sp.Function("g", real=True)


def parsed(entry):
    kinds = {"real": {"real": True}, "positive": {"positive": True}}
    symbols = {name: sp.Symbol(name, **kinds[kind]) for name, kind in entry["variables"].items()}
    read = [
        sp.sympify(text, locals=NAMES | symbols)
        for text in (entry["lhs"], entry["rhs"], *entry["domain"])
    ]
    return read[0], read[1], tuple(read[2:])


# --- labelled identities ---


def test_no_wrong_verdict_and_almost_all_identities_are_decided():
    decided, wrong = 0, []
    for entry in IDENTITIES:
        status = decide(*parsed(entry)).status
        decided += status is not Status.UNDECIDED
        right = Status.PROVED if entry["truth"] else Status.REFUTED
        if status not in (right, Status.UNDECIDED):
            wrong.append(entry["name"])
    assert wrong == []
    assert decided >= 0.97 * len(IDENTITIES)


def test_all_identities_together_take_a_few_seconds():
    claims = [parsed(entry) for entry in IDENTITIES]
    start = time.perf_counter()
    for claim in claims:
        decide(*claim)
    assert time.perf_counter() - start < 10


def test_kinks_tell_identities_that_fail_on_a_boundary():
    for entry in IDENTITIES:
        if entry["truth"]:
            disagreements = [kink for kink in kinks(*parsed(entry)) if kink.agree is False]
            assert bool(disagreements) != entry["truth_everywhere"], entry["name"]


# --- what must be proved ---


@pytest.mark.parametrize(
    ("lhs", "rhs"),
    [
        (sp.exp(x + y), sp.exp(x) * sp.exp(y)),
        (1 / (1 + sp.exp(-x)), (1 + sp.tanh(x / 2)) / 2),
        (sp.sin(3 * x), 3 * sp.sin(x) - 4 * sp.sin(x) ** 3),
        (sp.cos(x + sp.pi / 12), sp.cos(x - 23 * sp.pi / 12)),
        (sp.cos(sp.pi / 3 + 1 / x), sp.cos(1 / x) / 2 - sp.sqrt(3) * sp.sin(1 / x) / 2),
        (sp.asinh(x), sp.log(x + sp.sqrt(x**2 + 1))),
        (sp.acosh(x), sp.log(x + sp.sqrt(x - 1) * sp.sqrt(x + 1))),
        (sp.tanh(sp.atanh(x) / 2), x / (1 + sp.sqrt(1 - x**2))),
        (sp.asin(x) + sp.acos(x), sp.pi / 2),
        (sp.atan(x) + sp.atan(1 / x), sp.pi * sp.sign(x) / 2),
        (2 * sp.atan(sp.tanh(x / 2)), sp.atan(sp.sinh(x))),
        (sp.sin(2 * sp.atan(x)), 2 * x / (1 + x**2)),
        (sp.atan2(a * y, a * x), sp.atan2(y, x)),
        (sp.erf(x) + sp.erfc(-x), 1 + 2 * sp.erf(x)),
        (a ** (x + 2), a**x * a**2),
        (sp.sqrt(x**2), sp.Abs(x)),
        (sp.log(x**2), 2 * sp.log(sp.Abs(x))),
        (sp.Max(x, y, z), -sp.Min(-x, -y, -z)),
        (sp.Max(sp.exp(x), sp.exp(y)), sp.exp(sp.Max(x, y))),
        (sp.Heaviside(sp.tanh(x)), sp.Heaviside(x)),
        (sp.Abs(1 + x**2 + 2 * x * y + y**2), 1 + x**2 + 2 * x * y + y**2),
        (sp.sqrt((x**2 + x * y + y**2) ** 2), x**2 + x * y + y**2),
        (sp.Float(0.5) * x ** sp.Float(2.0), x**2 / 2),
        (sp.sqrt(3 + 2 * sp.sqrt(2)) * x, (1 + sp.sqrt(2)) * x),
        (sp.sqrt(2) + sp.sqrt(3), sp.sqrt(5 + 2 * sp.sqrt(6))),
        (sp.cbrt(2 + sp.sqrt(5)) - 1 / sp.cbrt(2 + sp.sqrt(5)), sp.Integer(1)),
    ],
)
def test_true_identities_are_proved(lhs, rhs):
    verdict = decide(lhs, rhs)
    assert verdict.proved, verdict


@pytest.mark.parametrize(
    ("lhs", "rhs"),
    [
        (
            sp.diff(f(x) ** 2 / g(x), x),
            f(x) * (2 * g(x) * f(x).diff(x) - f(x) * g(x).diff(x)) / g(x) ** 2,
        ),
        (f(x + y) * sp.cosh(f(y + x)), f(y + x) * (sp.exp(f(x + y)) + sp.exp(-f(x + y))) / 2),
        (f((x + y) ** 2) + g(x), g(x) + f(x**2 + 2 * x * y + y**2)),
    ],
)
def test_identities_for_every_function_are_proved(lhs, rhs):
    verdict = decide(lhs, rhs)
    assert verdict.proved, verdict


def test_claims_for_every_function_are_refuted_by_a_polynomial():
    verdict = decide(f(x + y), f(x) + f(y))
    assert verdict.status is Status.REFUTED
    assert any(name.startswith("f(") for name in verdict.counterexample.point)


def test_what_must_be_positive_is_said():
    verdict = decide(sp.log(x * sp.exp(y)), sp.log(x) + y)
    assert verdict.proved
    assert "x > 0" in verdict.assumptions
    assert verdict.caveat == ""


def test_a_side_that_is_real_on_less_of_the_domain_is_pointed_out():
    verdict = decide(sp.log(sp.Abs(x)), sp.log(x))
    assert verdict.proved
    assert "only the left side is real at x = -" in verdict.caveat
    assert decide(sp.log(sp.Abs(x)), sp.log(x), (x > 0,)).caveat == ""


# --- what must be refuted ---

SOFTSIGN = 1 / (1 + sp.Abs(x)) ** 2
SIGMOID = 1 / (1 + sp.exp(-x))


@pytest.mark.parametrize(
    ("right", "wrong"),
    [
        (sp.cos(x), sp.Rational(10005, 10000) * sp.cos(x)),
        (1 - sp.tanh(x) ** 2, -1 / sp.cosh(x) ** 2),
        (sp.exp(-x) * SIGMOID**2, -sp.exp(-x) * SIGMOID),
        (SOFTSIGN, sp.sign(x) / (1 + x) ** 2),
        (sp.Rational(1, 10**6) * sp.cos(x), sp.Integer(0)),
        (x, x * (1 + sp.Rational(2, 10**40))),
        (x, sp.Piecewise((2 * x, x >= 1000), (x, True))),
        (sp.Abs(x), sp.Piecewise((x, x > -1000), (-x, True))),
        (sp.Integer(1), sp.Piecewise((0, sp.And(x > 1, x < 1 + sp.Rational(1, 10**5))), (1, True))),
        (sp.atan2(y, x), sp.atan(y / x)),
        (sp.atan(x) + sp.atan(y), sp.atan((x + y) / (1 - x * y))),
        (sp.log(x * y), sp.log(-x) + sp.log(y)),
        (sp.Float(0.1) * x, x / 10),
        (sp.sqrt(2) + sp.sqrt(3), sp.sqrt(5 + 2 * sp.sqrt(6)) + sp.Rational(1, 10**200)),
        (sp.exp(sp.exp(9 * a)), sp.exp(sp.exp(9 * a)) * (1 + sp.exp(-sp.exp(a)))),
        (x / sp.sqrt(x**2 + 1), x / sp.sqrt(x**2 + 1 + sp.Rational(1, 10**30))),
    ],
)
def test_planted_wrong_rules_are_not_proved(right, wrong):
    verdict = decide(right, wrong)
    assert not verdict.proved
    if sp.log(-x) not in wrong.args:  # that side is real where the other is not
        assert verdict.status is Status.REFUTED, verdict


def test_a_rule_right_on_half_the_line_is_refuted_on_the_other_half():
    claim = sp.sign(x) / (1 + x) ** 2
    verdict = decide(SOFTSIGN, claim)
    assert Fraction(verdict.counterexample.point["x"]) < 0
    assert verdict.holds_on == ("x > 0",)
    assert decide(SOFTSIGN, claim, (x > 0,)).proved


def test_counterexamples_are_confirmed_by_an_independent_evaluation():
    for entry in IDENTITIES:
        if entry["truth"]:
            continue
        lhs, rhs, domain = parsed(entry)
        values = decide(lhs, rhs, domain).counterexample.point
        symbols = lhs.free_symbols | rhs.free_symbols
        point = {symbol: sp.Rational(values[symbol.name]) for symbol in symbols}
        assert abs(sp.N((lhs - rhs).subs(point), 20, maxn=400)) > 0, entry["name"]
        assert all(condition.subs(point) == sp.true for condition in domain), entry["name"]


# --- soundness ---


def mutated(expression, choose):
    nodes = [node for node in sp.preorder_traversal(expression) if isinstance(node, sp.Expr)]
    node = choose.choice(nodes)
    options = [-node, 2 * node, node**2, sp.Abs(node), sp.sqrt(node**2), sp.Max(node, 0)]
    options += [sp.exp(sp.log(node)), sp.log(node**2) / 2, sp.asin(sp.sin(node)), node + 1]
    options += [sp.tan(sp.atan(node)), sp.atan2(node, 1), sp.atan(1 / node) + sp.atan(node)]
    if node.is_Add or node.is_Mul:
        options.append(node.func(*node.args[1:]))
    if node.is_Pow:
        options.append(node.base ** (node.exp + sp.Rational(1, 2)))
    return expression.xreplace({node: choose.choice(options)})


def test_the_exact_part_alone_never_proves_what_balls_refute():
    """Mutated identities: cells and normal forms, without the numerical guard."""
    choose, proved = random.Random(7), 0
    true_ones = [entry for entry in IDENTITIES if entry["truth"]]
    for _ in range(300):
        lhs, rhs, domain = parsed(choose.choice(true_ones))
        claim = mutated(rhs, choose)
        if claim.has(sp.nan, sp.zoo, sp.oo, sp.I):
            continue
        where = constraints(domain)
        sampler = Sampler([lhs, claim, *domain], choose.randrange(1000), Budget(60))
        for cell in decided_cells(lhs, claim, where, Budget(2)):
            if cell.is_open:
                continue
            for point in sampler.points([*where, *cell.constraints], 12):
                comparison = compared(lhs, claim, point, Budget(60))
                assert comparison is None or not comparison.differ, (lhs, claim, cell)
                assert comparison is None or not cell.result.void, (lhs, claim, cell)
                proved += comparison is not None
    assert proved > 50


def test_a_contradiction_between_proof_and_balls_is_an_error(monkeypatch):
    claim = sp.Piecewise((x + 1, x > 10**6), (x, True))
    far = Cell(((x - 10**6, 1),), CellResult(("x > 1000000",), Status.PROVED))
    monkeypatch.setattr(equality, "decided_cells", lambda *_: [far])
    with pytest.raises(InternalInconsistency, match="balls say"):
        decide(claim, x)


# --- what must stay undecided ---


@pytest.mark.parametrize(
    ("lhs", "rhs", "domain"),
    [
        (x, x + 1, (x > 1, x < 0)),
        (x, x, (x > 1, x < 0)),
        (sp.log(-1 - x**2), sp.log(-1 - x**2) + x, ()),
        (sp.sqrt(-a), sp.sqrt(-a) + 1, ()),
        (sp.sign(sp.sin(x) ** 2 + sp.cos(x) ** 2 - 1) ** 2, sp.Integer(1), ()),
    ],
)
def test_vacuous_claims_are_undecided(lhs, rhs, domain):
    assert decide(lhs, rhs, domain).status is Status.UNDECIDED


def test_deep_expressions_are_undecided_with_a_reason():
    deep = x
    for _ in range(2000):
        deep = sp.sin(deep, evaluate=False)
    verdict = decide(deep, sp.sin(deep, evaluate=False))
    assert verdict.status is Status.UNDECIDED
    assert "deep" in verdict.reason


def test_expressions_that_share_many_parts_do_not_hang():
    shared = x
    for _ in range(40):
        shared = sp.Add(sp.sin(shared, evaluate=False), shared, evaluate=False)
    start = time.perf_counter()
    assert decide(shared, shared + 1).status is Status.UNDECIDED
    assert time.perf_counter() - start < 2


@pytest.mark.parametrize("budget", [0.0, 0.3])
def test_the_time_budget_is_kept(budget):
    chain = x
    for step in range(16):
        chain = (sp.tanh, sp.sin)[step % 2](chain * y + a)
    slope = chain.diff(x)
    other = slope.replace(sp.tanh, lambda u: 1 - 2 / (1 + sp.exp(2 * u)))
    start = time.perf_counter()
    verdict = decide(slope, other, budget=budget)
    assert verdict.status is Status.UNDECIDED
    assert "time" in verdict.reason
    assert time.perf_counter() - start < budget + 2


@pytest.mark.parametrize(
    ("lhs", "rhs", "reason"),
    [
        (sp.Symbol("q") + 1, sp.Symbol("q") + 2, "not declared real"),
        (sp.sin(sp.Symbol("n", integer=True)), x, "integer"),
        (sp.I * x, x, "not real"),
        (sp.zeta(x) + 0 * x, sp.zeta(x) * sp.cos(x) ** 2 + sp.zeta(x) * sp.sin(x) ** 2, "zeta"),
        ((1 + x + y + a + b) ** 300, sp.cosh(x), ""),
    ],
)
def test_unsupported_claims_are_never_proved(lhs, rhs, reason):
    verdict = decide(lhs, rhs)
    assert not verdict.proved
    assert reason in verdict.reason


def test_unsupported_domains_are_undecided():
    assert "not an inequality" in decide(x, x + 1, (sp.Eq(x, y),)).reason
    assert "empty" in decide(x, x + 1, (False,)).reason
    assert decide(sp.sqrt(x**2), sp.Abs(x) + 0, (True, a > 0)).proved


def test_declared_signs_of_variables_are_used():
    n, m = sp.Symbol("n", negative=True), sp.Symbol("m", nonnegative=True)
    assert decide(sp.sqrt(n**2 + m**2 - 2 * n * m), m - n).proved
    assert decide(sp.Max(n, m, x**3), sp.Max(m, x**3)).proved
    assert Fraction(decide(n, n + m).counterexample.point["n"]) < 0


# --- reports ---


def test_a_verdict_prints_and_becomes_json():
    refuted = decide(sp.Abs(x), x)
    assert "REFUTED" in str(refuted)
    assert "counterexample: at x = " in str(refuted)
    record = json.loads(json.dumps(refuted.to_json()))
    assert record["status"] == "refuted"
    assert Fraction(record["counterexample"]["point"]["x"]) < 0
    proved = decide(sp.sqrt(x**2), sp.Abs(x) + 0 * x)
    assert json.loads(json.dumps(proved.to_json()))["status"] == "proved"


def test_a_kink_record_has_limits_and_values():
    (kink,) = kinks(sp.Piecewise((1, x > 0), (0, True)), (1 + sp.sign(x)) / 2)
    assert (kink.where, kink.left, kink.right) == ("x = 0", "0", "1")
    assert (kink.correct, kink.claimed) == ("0", "1/2")
    assert kink.in_clarke is True
    assert kink.agree is False


def test_a_value_outside_the_interval_of_the_limits_is_found():
    claim = sp.Piecewise((1, x > 0), (0, x < 0), (2, True))
    (kink,) = kinks(sp.Piecewise((1, x > 0), (0, True)), claim)
    assert kink.in_clarke is False


def test_kinks_outside_the_domain_are_left_out():
    assert kinks(sp.Abs(x), sp.Max(x, -x), (x > 1,)) == []


# --- balls and inequalities ---


@pytest.mark.parametrize(
    "expression",
    [
        x**sp.pi + sp.cbrt(x) - sp.Abs(x) ** sp.Rational(-3, 2),
        sp.exp(x) + sp.log(x) + sp.sin(x) * sp.cos(x) - sp.tan(x) / sp.cot(x),
        sp.sinh(x) + sp.cosh(x) * sp.tanh(x) + sp.sech(x) * sp.csch(x) + sp.coth(x),
        sp.asin(x / 2) + sp.acos(-x / 2) + sp.atan(x) + sp.acot(x) + sp.acot(-x),
        sp.atan2(x, -1) + sp.atan2(-x, -1) + sp.atan2(x, 2),
        sp.asinh(x) + sp.acosh(x + 1) + sp.atanh(x / 2),
        sp.erf(x) + sp.erfc(x) * sp.erfinv(x / 2) + sp.LambertW(x),
        sp.gamma(x) + sp.loggamma(x) + sp.digamma(x) + sp.polygamma(2, x),
        sp.besselj(2, x) + sp.airyai(x) + sp.airybi(x) + sp.airyaiprime(x) + sp.airybiprime(x),
        sp.Piecewise((x, sp.Or(x < 0, x > 1)), (-x, True)) + sp.Min(x, 1) - sp.Heaviside(-x),
    ],
)
def test_balls_contain_the_value(expression):
    with mpmath.workdps(50), flint.ctx.workprec(128):
        ball = Evaluator({x: sp.Rational(7, 5)}).ball(expression)
        value = mpmath.mpf(sp.N(expression.subs(x, sp.Rational(7, 5)), 45)._to_mpmath(160))
        assert abs(mpmath.mpf(ball.str(40, radius=False)) - value) < mpmath.mpf(10) ** -30


def test_points_on_kinks_and_outside_domains_are_refused():
    here = Evaluator({x: sp.Integer(0), y: sp.Integer(-1)})
    for expression in (sp.Abs(x), sp.Heaviside(x), sp.Max(x, 0), sp.sqrt(x), sp.atan2(x, y)):
        with pytest.raises(BoundaryError):
            here.ball(expression)
    with pytest.raises(NotRealError):
        here.ball(sp.log(y))


def test_inconsistent_linear_inequalities_are_empty():
    one = Fraction(1)
    assert is_empty([{(1, 0): one, (0, 1): -one}, {(0, 1): one, (1, 0): -one}], Budget(1))
    assert not is_empty([{(1, 0): one, (0, 1): -one}, {(0, 1): one, (0, 0): -one}], Budget(1))


def test_square_sums_are_recognised_and_others_are_not():
    assert is_square_sum({(2,): Fraction(1), (1,): Fraction(-2), (0,): Fraction(1)}, ())
    assert not is_square_sum({(2,): Fraction(1), (1,): Fraction(-3), (0,): Fraction(1)}, ())
    assert not is_square_sum({(1,): Fraction(1)}, ())
    assert is_square_sum({(1,): Fraction(1)}, {0})
