"""Published identities of matrix calculus, true and false ones, decided for every size."""

import json
import pathlib

import pytest

import circuitgrad as cg
from circuitgrad.assignments import parse_circuit
from circuitgrad.formulas.tensor_forms import tensor_form
from circuitgrad.proofs.array_equality import decide_arrays, derivative
from circuitgrad.proofs.verdicts import Status
from tests.matlab_identities import declare, parse
from tests.test_matrix_reading import PLAIN, random_circuit

DATA = pathlib.Path(__file__).parent / "data"


def identities(name):
    read = json.loads((DATA / name).read_text(encoding="utf-8"))
    return [pytest.param(claim, id=claim["id"]) for claim in read["identities"]]


def decided(claim):
    names = {
        name: declare(name, dims, claim["assumptions"].get(name, ()))
        for name, dims in claim["dims"].items()
    }
    value = parse(claim["expression"], names).wire
    claimed = parse(claim["derivative"], names).wire
    return decide_arrays(derivative(value, claim["wrt"], claim["kind"]), claimed)


@pytest.mark.parametrize("claim", identities("matrix_identities.json"))
def test_identities_of_the_project_are_decided(claim):
    verdict = decided(claim)
    assert verdict.status is (Status.PROVED if claim["true"] else Status.REFUTED), verdict


@pytest.mark.parametrize("claim", identities("cookbook_identities.json"))
def test_identities_of_the_matrix_cookbook_are_decided(claim):
    verdict = decided(claim)
    assert verdict.status is (Status.PROVED if claim["true"] else Status.REFUTED), verdict


# --- texts of the grammar, refusals, soundness ----------------------------------------------------
def claim_about(texts, wrt, kind, layout=None, **shapes):
    """The verdict on "f = …; claim = …", written as formulas in text."""
    c = parse_circuit(texts, {name: tuple(axes.split()) for name, axes in shapes.items()})
    value, claimed = c.outputs
    return decide_arrays(derivative(value, wrt, kind, layout), claimed)


def test_claims_in_text_are_decided():
    shapes = {"x": "n", "A": "n n"}
    good = claim_about("f = x @ A @ x; claim = (A + A.T) @ x", "x", "gradient", **shapes)
    assert good.status is Status.PROVED
    assert good.tested == 8
    bad = claim_about("f = x @ A @ x; claim = 2 * A @ x", "x", "gradient", **shapes)
    assert bad.status is Status.REFUTED
    assert set(bad.counterexample.point) == {"A", "x"}


def test_the_layout_decides_what_is_right():
    texts, shapes = "f = A @ x; claim = A.T", {"x": "n", "A": "n n"}
    assert claim_about(texts, "x", "jacobian", **shapes).status is Status.REFUTED
    turned = claim_about(texts, "x", "jacobian", "denominator", **shapes)
    assert turned.status is Status.PROVED


def test_other_axes_are_refuted_and_say_so():
    verdict = claim_about("f = A @ x; claim = A.T", "x", "jacobian", A="m n", x="n")
    assert verdict.status is Status.REFUTED
    assert verdict.reason == "the axes are (m, n) and (n, m)"


def test_what_has_no_form_is_undecided_with_the_reason_or_refuted():
    x = cg.input("x", 4)
    ordered = cg.sort(x)
    verdict = decide_arrays(ordered, ordered * 1.0 + 0.0 * ordered)
    assert verdict.status is Status.UNDECIDED
    assert "sort" in verdict.reason
    assert decide_arrays(ordered, x).status is Status.REFUTED


def test_kinds_and_layouts_are_checked():
    x = cg.input("x", "n")
    with pytest.raises(cg.SpecError, match="kind 'slope'; needed gradient, jacobian"):
        derivative(x @ x, "x", "slope")
    with pytest.raises(cg.SpecError, match="'numerator' or 'denominator'"):
        derivative(x @ x, "x", "gradient", "rows")


@pytest.mark.parametrize("first", range(0, 120, 20))
def test_random_expressions_are_never_decided_wrongly(first):
    """Equal ones are proved or undecided, ones off by a factor refuted or undecided."""
    for seed in range(first, first + 20):
        (wire,) = random_circuit(seed, PLAIN).outputs
        kept = decide_arrays(wire, wire / 2 + 0.5 * wire, seed)
        assert kept.status is not Status.REFUTED, str(kept)
        off = decide_arrays(wire, wire * 1.001, seed)
        is_zero = not tensor_form(wire).terms
        assert is_zero or off.status is not Status.PROVED, str(off)


M, N = cg.input("X", "m n"), cg.input("A", "n n")
WEIGHT = cg.input("C", "m m")
IDENTITY = cg.einsum("->ii", sizes={"i": "n"})
GRAM, WEIGHTED = cg.inverse(M.T @ M), cg.inverse(M.T @ WEIGHT @ M)


@pytest.mark.parametrize(
    ("first", "second", "status"),
    [
        (GRAM @ M.T @ M, IDENTITY, Status.PROVED),
        (M @ GRAM @ M.T @ M @ GRAM @ M.T, M @ GRAM @ M.T, Status.PROVED),
        (cg.trace(M @ GRAM @ M.T), cg.trace(IDENTITY), Status.PROVED),
        (M.T @ WEIGHT @ M @ WEIGHTED, IDENTITY, Status.PROVED),
        (WEIGHTED @ M.T @ WEIGHT.T @ M, IDENTITY, Status.REFUTED),
        (cg.inverse(2 * M.T @ M) @ M.T @ M, IDENTITY, Status.REFUTED),
        (GRAM * (M.T @ M), IDENTITY, Status.REFUTED),
        (cg.inverse(N + IDENTITY) @ (N + IDENTITY), IDENTITY, Status.UNDECIDED),
    ],
)
def test_inverses_of_products_cancel(first, second, status):
    assert decide_arrays(first, second).status is status
