"""Published identities of matrix calculus, true and false ones, decided for every size."""

import json
import pathlib

import pytest

import circuitgrad as cg
from circuitgrad.claims import decision
from circuitgrad.formulas.tensor_forms import tensor_form
from circuitgrad.proofs.verdicts import InternalInconsistency, Status
from tests.test_matrix_reading import PLAIN, random_circuit

DATA = pathlib.Path(__file__).parent / "data"


def identities(name):
    read = json.loads((DATA / name).read_text(encoding="utf-8"))
    return [pytest.param(claim, id=claim["id"]) for claim in read["identities"]]


WORDS = {"spd": "positive definite"}
CHECKS = {"gradient": cg.check, "jacobian": cg.check_jacobian, "hessian": cg.check_hessian}


def decided(claim):
    kind, _, structure = claim["kind"].rpartition("_")
    options = {"structure": structure} if kind else {}
    assuming = [
        f"{name} {WORDS.get(fact, fact)}"
        for name, facts in claim["assumptions"].items()
        for fact in facts
    ]
    return CHECKS["gradient" if kind else claim["kind"]](
        claim["expression"],
        claim["wrt"],
        claim["derivative"],
        shapes={name: dims.split(",") for name, dims in claim["dims"].items()},
        assuming=assuming,
        language="matlab",
        **options,
    )


def compared(first, second):
    """The verdict on the equality of two wires."""
    circuits = [cg.circuit(f=wire) for wire in (first, second)]
    shapes = {wire.label: wire.shape for c in circuits for wire in c.inputs}
    return cg.check_equal(*circuits, shapes=shapes, budget=30)


@pytest.mark.parametrize("claim", identities("matrix_identities.json"))
def test_identities_of_the_project_are_decided(claim):
    verdict = decided(claim)
    assert verdict.status is (Status.PROVED if claim["true"] else Status.REFUTED), str(verdict)


@pytest.mark.parametrize("claim", identities("cookbook_identities.json"))
def test_identities_of_the_matrix_cookbook_are_decided(claim):
    verdict = decided(claim)
    assert verdict.status is (Status.PROVED if claim["true"] else Status.REFUTED), str(verdict)


# --- texts of the grammar, refusals, soundness ----------------------------------------------------
def test_the_layout_decides_what_is_right():
    shapes = {"x": "n", "A": "n n"}
    assert cg.check_jacobian("A @ x", "x", "A.T", **shapes).refuted
    assert cg.check_jacobian("A @ x", "x", "A.T", layout="denominator", **shapes).proved


def test_other_axes_are_refuted_and_say_so():
    verdict = cg.check_jacobian("A @ x", "x", "A.T", A="m n", x="n")
    assert verdict.refuted
    assert "wrong shape: (n, m); needed (m, n)" in str(verdict)


def test_what_has_no_form_is_undecided_with_the_reason_or_refuted():
    x = cg.input("x", 4)
    ordered = cg.sort(x)
    assert not compared(ordered, cg.cumsum(ordered * 1.0)).proved
    assert compared(ordered, x).refuted


def test_a_structure_needs_a_gradient_by_a_square_matrix():
    with pytest.raises(cg.SpecError, match="'symmetric' or 'diagonal'"):
        cg.check("trace(A @ X)", "X", "A", A="n n", X="n n", structure="banded")
    with pytest.raises(cg.SpecError, match="no square matrix"):
        cg.check("sum(X)", "X", "X", X="m n", structure="diagonal")


def test_numbers_that_contradict_a_proof_raise(monkeypatch):
    monkeypatch.setattr(decision, "_are_equal", lambda statement: True)
    with pytest.raises(InternalInconsistency, match="proved by its forms, but the numbers differ"):
        cg.check_equal("A @ x", "A.T @ x", A="n n", x="n")


@pytest.mark.parametrize("first", range(0, 120, 20))
def test_random_expressions_are_never_decided_wrongly(first):
    """Equal ones are proved or undecided, ones off by a factor refuted or undecided."""
    for seed in range(first, first + 20):
        (wire,) = random_circuit(seed, PLAIN).outputs
        kept = compared(wire, wire / 2 + 0.5 * wire)
        assert kept.status is not Status.REFUTED, str(kept)
        off = compared(wire, wire * 1.001)
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
    assert compared(first, second).status is status
