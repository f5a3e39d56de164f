"""The claims files of the lecture notes: what they print wrong is refuted, the rest is proved."""

import pathlib

import pytest

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
