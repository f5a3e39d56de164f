"""The claims files of the lecture notes: what they print wrong is refuted, the rest is proved."""

import pathlib

import pytest

import circuitgrad as cg
from circuitgrad.claims.files import check_claims, read_claims

FOLDER = pathlib.Path(__file__).resolve().parents[1] / "examples" / "claims"


@pytest.mark.parametrize("name", ["errata", "formulas"])
def test_every_claim_has_the_expected_verdict(name):
    results = list(check_claims(read_claims(FOLDER / f"{name}.toml")))
    assert [f"{r.entry.name}: {r.status}" for r in results if not r.is_expected] == []


def test_all_errata_are_refuted_with_a_point_and_the_right_formula():
    results = list(check_claims(read_claims(FOLDER / "errata.toml")))
    wrong = [r for r in results if r.entry.expect == "refuted"]
    assert len(wrong) == 14
    for result in wrong:
        assert result.verdict.counterexample is not None
        assert result.verdict.correct


def test_at_least_sixty_formulas_of_the_notes_are_proved():
    assert len(read_claims(FOLDER / "formulas.toml").entries) >= 60


def test_what_a_beginner_leaves_out_is_told():
    with pytest.raises(cg.SpecError, match=r"'@' of scalars\. Give the inputs their axes"):
        cg.check("x @ A @ x", wrt="x", claim="2*A@x")
    verdict = cg.check("sum(x_i**2)", wrt="x", claim="2*x", x="n")
    assert "'x' does not stand in the function" in str(verdict)


def test_rounded_constants_refute_nothing():
    claim = "0.5*(1 + erf(x/sqrt(2))) + 0.3989422804014327*x*exp(-x**2/2)"
    assert not cg.check("x*0.5*(1 + erf(x/sqrt(2)))", wrt="x", claim=claim).refuted
    slightly_off = cg.check("tanh(x)", wrt="x", claim="0.999999*(1 - tanh(x)**2)")
    assert slightly_off.refuted
