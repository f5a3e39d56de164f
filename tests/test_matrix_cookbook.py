"""Published identities of matrix calculus, true and false ones, decided for every size."""

import json
import pathlib

import pytest

from circuitgrad.proofs.array_equality import decide_arrays, derivative
from circuitgrad.proofs.verdicts import Status
from tests.matlab_identities import declare, parse

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
