"""Random claims, true by rewriting and false by mutation: no wrong verdict among thousands.

What is proved must agree at every point where both sides have a value, in arithmetic that knows
nothing of the library; what is refuted must differ at the point that is given; and what was only
rewritten must not be refuted. So a mutation that happens to be true does no harm.
"""

import os
import random
from collections import Counter
from fractions import Fraction

import mpmath
import numpy as np
import pytest
import sympy as sp

import circuitgrad as cg
from circuitgrad.grammar import names
from tests import matrix_formulas as matrices
from tests import matrix_values
from tests import scalar_formulas as scalars

COUNT = int(os.environ.get("CLAIMS", "10000"))  # of each kind, in the long run
FIRST = int(os.environ.get("FIRST_CLAIM", "0"))  # the seed to begin with
BUDGET = 2.0
POINTS = 12


# --- scalars --------------------------------------------------------------------------------------


def scalar_points(choose):
    """Points of no particular relation, of several sizes."""
    for k in range(POINTS):
        scale = (1, 3, Fraction(1, 5))[k % 3]
        yield {n: scale * Fraction(choose.randint(-9973, 9973), 4999) for n in scalars.NAMES}


PRECISIONS = (80, 600, 4000)  # digits; the next where cosh² - sinh² or 1 - erf eats so many


def differ(left, right, point):
    """Whether two formulas differ at a point for certain; None without values there."""
    for digits in PRECISIONS:
        found = _gap(left, right, point, digits)
        if found is None:
            return None
        if found < 1e-25:
            return False
    return True


def are_apart(left, right, point):
    """Whether two formulas differ at a point, however little; None without values there."""
    for digits in PRECISIONS:
        found = _gap(left, right, point, digits)
        if found is None:
            return None
        if found > mpmath.mpf(10) ** (-0.9 * digits):
            return True
    return False


def _gap(left, right, point, digits):
    with mpmath.workdps(digits):
        values = {n: mpmath.mpf(v.numerator) / v.denominator for n, v in point.items()}
        try:
            first, second = scalars.value(left, values), scalars.value(right, values)
        except scalars.NoValueError:
            return None
        largest = max(abs(first), abs(second))
        return abs(first - second) / largest if largest > 1e-60 else mpmath.mpf(0)


def scalar_fault(verdict, left, right, is_true, choose):
    """What is wrong with a verdict; empty if nothing is."""
    if verdict.proved:
        places = scalar_points(choose)
        return "false Proved" if any(differ(left, right, place) for place in places) else ""
    if verdict.refuted:
        if is_true:
            return "false Refuted"
        point = {n: Fraction(v) for n, v in verdict.counterexample.point.items()}
        point = {**dict.fromkeys(scalars.NAMES, Fraction(0)), **point}
        apart = are_apart(left, right, point)
        return "the counterexample does not hold" if apart is False else ""
    return ""


def scalar_claim(seed, is_true):
    """Two formulas, and whether the claim is about a derivative: by what it is then derived."""
    choose = random.Random(seed)
    is_derivative = seed % 3 == 0
    left = scalars.drawn(choose, choose.randint(1, 3), smooth=is_derivative)
    if is_derivative:
        left = scalars.plus(left, scalars.call("sin", ("name", "x")))
    right = scalars.derivative(left, "x") if is_derivative else left
    right = scalars.rewritten(right, choose, choose.randint(1, 4))
    if not is_true:
        right = scalars.mutated(right, choose)
    return left, right, is_derivative, choose


def scalar_outcome(seed, is_true):
    left, right, is_derivative, choose = scalar_claim(seed, is_true)
    try:
        if is_derivative:
            verdict = cg.check(scalars.text(left), "x", scalars.text(right), budget=BUDGET)
            left = scalars.derivative(left, "x")
        else:
            verdict = cg.check_equal(scalars.text(left), scalars.text(right), budget=BUDGET)
    except cg.SpecError as error:
        return "refused", str(error)
    fault = scalar_fault(verdict, left, right, is_true, choose)
    if fault:
        return "wrong", f"seed {seed}, {is_true}: {fault}: {verdict}"
    return verdict.status.value, str(verdict)


# --- matrices -------------------------------------------------------------------------------------
SIZES = ({"m": 2, "n": 3, "p": 2}, {"m": 3, "n": 2, "p": 1}, {"m": 1, "n": 1, "p": 2})


def matrix_gap(left, right, point, sizes):
    """By how much two formulas differ at a point, relative to their size; None without values."""
    try:
        first, second = (matrix_values.value(side, point, sizes) for side in (left, right))
    except matrix_values.NoValueError:
        return None
    largest = max(np.max(np.abs(first)), np.max(np.abs(second)))
    return np.max(np.abs(first - second)) / largest if largest > 1e-40 else mpmath.mpf(0)


def matrix_fault(verdict, left, right, is_true, choose):
    """What is wrong with a verdict; empty if nothing is."""
    if verdict.proved:
        for sizes in SIZES:
            found = matrix_gap(left, right, matrix_values.random_point(choose, sizes), sizes)
            if found is not None and found > 1e-30:
                return f"false Proved at {sizes}"
    if verdict.refuted:
        if is_true:
            return "false Refuted"
        example = verdict.counterexample
        sizes = {**SIZES[0], **example.sizes}
        point = {
            name: matrix_values.mapped(_exact)(np.array(value, dtype=object))[()]
            for name, value in example.point.items()
        }
        found = matrix_gap(left, right, point, sizes)
        if found is not None and not found > 1e-40:
            return "the counterexample does not hold"
    return ""


def _exact(text):
    value = sp.Rational(str(text))
    return mpmath.mpf(int(value.p)) / int(value.q)


def matrix_outcome(seed, is_true):
    choose = random.Random(seed)
    axes = choose.choice(((), (), ("n",), ("m",), ("n", "n"), ("m", "n")))
    left = matrices.drawn(choose, axes, choose.randint(1, 3))
    right = matrices.rewritten(left, choose, choose.randint(1, 4))
    if not is_true:
        right = matrices.mutated(right, choose)
    texts = matrices.text(left), matrices.text(right)
    used = {name for side in texts for name in names(side)}
    shapes = {name: axes for name, axes in matrices.INPUTS.items() if name in used and axes}
    facts = [f"{name} is {fact}" for name, fact in matrices.FACTS.items() if name in used]
    try:
        verdict = cg.check_equal(*texts, shapes=shapes, assuming=facts, budget=BUDGET)
    except cg.CircuitError as error:
        return "refused", str(error)
    fault = matrix_fault(verdict, left, right, is_true, choose)
    if fault:
        return "wrong", f"seed {seed}, {is_true}: {fault}: {verdict}"
    return verdict.status.value, str(verdict)


# --- the claims -----------------------------------------------------------------------------------
OUTCOMES = {"scalar": scalar_outcome, "matrix": matrix_outcome}


def told(kind, seeds, is_true):
    """How many claims of each outcome; what went wrong, claim by claim."""
    found = [OUTCOMES[kind](seed, is_true) for seed in seeds]
    return Counter(outcome for outcome, _ in found), [
        t for outcome, t in found if outcome == "wrong"
    ]


@pytest.mark.parametrize("kind", sorted(OUTCOMES))
def test_rewritten_claims_are_never_refuted_and_nearly_all_proved(kind):
    counts, wrong = told(kind, range(100), is_true=True)
    assert wrong == []
    assert counts["refuted"] == 0
    assert counts["proved"] >= 97


@pytest.mark.parametrize("kind", sorted(OUTCOMES))
def test_mutated_claims_are_proved_only_where_the_slip_did_no_harm(kind):
    counts, wrong = told(kind, range(100), is_true=False)
    assert wrong == []
    assert counts["refuted"] >= 60
    assert counts["undecided"] <= 5


@pytest.mark.slow
@pytest.mark.parametrize("is_true", [True, False])
@pytest.mark.parametrize("kind", sorted(OUTCOMES))
def test_thousands_of_claims_have_no_wrong_verdict(kind, is_true, record_property):
    counts, wrong = told(kind, range(FIRST, FIRST + COUNT), is_true)
    record_property("counts", dict(counts))
    assert wrong == []
