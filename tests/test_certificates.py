"""Certificates: they replay in a fresh process, and one that was changed is rejected."""

import copy
import hashlib
import json
import subprocess
import sys

import pytest
import sympy as sp

import circuitgrad as cg

CLAIMS = {
    "proved": ("x @ A @ x", "x", "A @ x + A.T @ x", {"x": "n", "A": "n n"}),
    "refuted": ("x @ A @ x", "x", "2*A @ x", {"x": "n", "A": "n n"}),
    "scalar": ("z/(1 + abs(z))", "z", "sign(z)/(1 + z)**2", {}),
    "shape": ("x @ x", "x", "2*sum(x)", {"x": "n"}),
    "symmetric": ("x @ S @ x", "x", "S @ x", {"x": "n", "S": "n n", "assuming": "S symmetric"}),
    "range": ("x**2", "x", "2*abs(x) - x", {"assuming": ["x > -2", "x < 3"]}),
}


@pytest.fixture(scope="module")
def certificates():
    return {
        name: cg.check(function, wrt, claim, **options).certificate()
        for name, (function, wrt, claim, options) in CLAIMS.items()
    }


def sealed(record):
    """A certificate whose digest fits what it says now."""
    record = {key: value for key, value in record.items() if key != "digest"}
    text = json.dumps(record, sort_keys=True, ensure_ascii=False)
    return {**record, "digest": hashlib.sha256(text.encode()).hexdigest()}


def test_certificates_replay_in_a_fresh_process(certificates, tmp_path):
    files = []
    for name, record in certificates.items():
        path = tmp_path / f"{name}.json"
        path.write_text(json.dumps(record), encoding="utf-8")
        files.append(str(path))
    code = "import sys, circuitgrad as cg\nfor path in sys.argv[1:]: print(cg.replay(path))"
    done = subprocess.run(
        [sys.executable, "-c", code, *files], capture_output=True, text=True, check=True
    )
    assert done.stderr == ""
    assert len(done.stdout.splitlines()) == len(CLAIMS)
    assert "∇(x @ A @ x) by x = 2*A @ x" in done.stdout


def test_replay_takes_data_text_and_paths(certificates, tmp_path):
    record = certificates["proved"]
    path = tmp_path / "claim.json"
    path.write_text(json.dumps(record), encoding="utf-8")
    told = {str(cg.replay(given)) for given in (record, json.dumps(record), path, str(path))}
    assert len(told) == 1


def leaves(data, path=()):
    """The path of every number, text, truth value and nothing in nested data."""
    if isinstance(data, dict):
        for key, part in data.items():
            yield from leaves(part, (*path, key))
    elif isinstance(data, list):
        for place, part in enumerate(data):
            yield from leaves(part, (*path, place))
    else:
        yield path


def changed(record, path):
    """The record with one leaf changed."""
    result = copy.deepcopy(record)
    place = result
    for key in path[:-1]:
        place = place[key]
    old = place[path[-1]]
    if isinstance(old, str):
        place[path[-1]] = "7" + old
    else:
        place[path[-1]] = not old if isinstance(old, bool) else (old or 0) + 1
    return result


@pytest.mark.parametrize("name", sorted(CLAIMS))
def test_any_change_of_any_field_is_noticed(certificates, name):
    record = certificates[name]
    for path in leaves(record):
        with pytest.raises(cg.CircuitError):
            cg.replay(changed(record, path))


@pytest.mark.parametrize(
    ("name", "status"),
    [("proved", "refuted"), ("refuted", "proved"), ("scalar", "proved"), ("shape", "proved")],
)
def test_a_flipped_status_is_rejected_although_sealed(certificates, name, status):
    with pytest.raises(cg.CircuitError):
        cg.replay(sealed({**certificates[name], "status": status}))


FREE = {"elapsed_ms", "digest", "diagnosis", "holds_on", "kinks", "notes", "method", "scope"}
FREE |= {"assumptions", "reason", "bits", "version", "format"}  # hints, or refused elsewhere


@pytest.mark.parametrize("name", sorted(CLAIMS))
def test_what_a_verdict_rests_on_cannot_be_changed_although_sealed(certificates, name):
    record = certificates[name]
    for path in leaves(record):
        if path[0] in FREE or path[-1] in FREE or "point" in path or "sizes" in path:
            continue
        with pytest.raises(cg.CircuitError):
            cg.replay(sealed(changed(record, path)))


def with_point(record, **values):
    result = copy.deepcopy(record)
    result["counterexample"]["point"].update(values)
    return sealed(result)


def test_a_point_that_refutes_nothing_is_rejected_although_sealed(certificates):
    zeros = [["0", "0"], ["0", "0"]]
    with pytest.raises(cg.ProofError, match=r"do not differ"):
        cg.replay(with_point(certificates["refuted"], A=zeros))
    with pytest.raises(cg.ProofError, match=r"do not differ"):
        cg.replay(with_point(certificates["refuted"], A=[["1", "2"], ["2", "1"]]))
    for place in ("0", "2", "1/7"):  # a kink, and where the claim is right
        with pytest.raises(cg.ProofError, match=r"do not differ"):
            cg.replay(with_point(certificates["scalar"], z=place))
    with pytest.raises(cg.ProofError, match=r"the values at the point are other ones"):
        cg.replay(with_point(certificates["scalar"], z="-3"))


def test_a_point_outside_of_the_assumptions_is_rejected_although_sealed(certificates):
    for place in ("-5", "3", "4"):
        with pytest.raises(cg.ProofError, match=r"outside of what is assumed"):
            cg.replay(with_point(certificates["range"], x=place))
    with pytest.raises(cg.ProofError, match=r"outside of what is assumed"):
        cg.replay(with_point(certificates["symmetric"], S=[["0", "1"], ["2", "0"]]))


@pytest.mark.parametrize(
    "values", [{"A": "0"}, {"x": ["1"]}, {"x": [["1", "0"]]}, {"A": [["a", "b"]]}, {"x": []}]
)
def test_a_point_of_another_shape_is_rejected_although_sealed(certificates, values):
    with pytest.raises(cg.CircuitError):
        cg.replay(with_point(certificates["refuted"], **values))


def test_missing_and_extra_inputs_are_rejected_although_sealed(certificates):
    record = copy.deepcopy(certificates["refuted"])
    record["counterexample"]["point"]["q"] = "1"
    with pytest.raises(cg.ProofError, match=r"does not fit the inputs"):
        cg.replay(sealed(record))
    del record["counterexample"]["point"]["q"], record["counterexample"]["point"]["A"]
    with pytest.raises(cg.ProofError, match=r"does not fit the inputs"):
        cg.replay(sealed(record))
    record["counterexample"] = None
    with pytest.raises(cg.ProofError, match=r"no point is given"):
        cg.replay(sealed(record))


@pytest.mark.parametrize(
    ("field", "text"),
    [("function", "x @ A @ x + x @ x"), ("claim", "A @ x"), ("claim", "import os"), ("wrt", "q")],
)
def test_other_texts_are_rejected_although_sealed(certificates, field, text):
    record = copy.deepcopy(certificates["proved"])
    record["statement"][field] = text
    with pytest.raises(cg.CircuitError):
        cg.replay(sealed(record))


def test_a_proof_under_an_assumption_needs_it(certificates):
    proved = cg.check("x @ S @ x", "x", "2*S @ x", x="n", S="n n", assuming="S symmetric")
    record = proved.certificate()
    assert cg.replay(record)
    record["statement"]["assuming"] = []
    with pytest.raises(cg.ProofError, match=r"not proved"):
        cg.replay(sealed(record))


@pytest.mark.parametrize(
    ("given", "match"),
    [
        ({}, r"no certificate"),
        ("{", r"not JSON"),
        ("[1]", r"(?s)."),
        ({"format": "circuitgrad certificate", "version": 99}, r"version 99"),
        (sealed({"format": "circuitgrad certificate", "version": 1}), r"lacks or garbles"),
        (
            sealed(
                {
                    "format": "circuitgrad certificate",
                    "version": 1,
                    "status": "true",
                    "statement": {},
                }
            ),
            r"(?s).",
        ),
    ],
)
def test_what_is_no_certificate_is_refused(given, match):
    with pytest.raises((cg.CircuitError, OSError), match=match):
        cg.replay(given)


def test_sympy_has_certificates_and_code_has_none():
    x = sp.Symbol("x")
    assert cg.replay(cg.check(x**2, x, 2 * x).certificate())
    with pytest.raises(cg.SpecError, match=r"cannot be written down"):
        cg.check(lambda x: x**2, "x", "2*x").certificate()


@pytest.mark.parametrize("given", [None, 3, [1], "no such file", "x" * 5000])
def test_what_cannot_be_opened_is_refused_with_a_message(given):
    with pytest.raises(cg.SpecError, match=r"replay"):
        cg.replay(given)
