"""Every shipped gate is proved, planted wrong gates are not, and reports say what they know."""

import dataclasses
import json

import numpy as np
import pytest
import sympy as sp

import circuitgrad as cg
from circuitgrad.gates.from_rule import Declaration
from circuitgrad.proofs.array_gates import prove_wire
from circuitgrad.proofs.composition import check_composition
from circuitgrad.proofs.elementwise_gates import prove_elementwise
from circuitgrad.proofs.report import prove_gate
from circuitgrad.proofs.verdicts import Status
from circuitgrad.sources import input_wire
from circuitgrad.spec import Spec


@pytest.mark.parametrize("order", [1, 2])
@pytest.mark.parametrize("name", list(cg.catalogue()))
def test_every_shipped_gate_is_proved(name, order):
    record = prove_gate(cg.catalogue()[name], order)
    assert record.proved, record
    assert record.method
    assert all(kink.in_clarke is not False for kink in record.kinks) or "jump" in str(
        cg.catalogue()[name].policy
    )


@pytest.mark.parametrize(
    ("formula", "wrong"),
    [
        ("tanh(x)", lambda x, out: 0.999 * (1 - out * out)),
        ("exp(x)", lambda x, out: -out),
        ("1/(1 + exp(-x))", lambda x, out: -cg.exp(-x) / (1 + cg.exp(-x))),
        ("x**2", lambda x, out: 2 * abs(x)),  # right for x > 0 alone
        ("sin(x)", lambda x, out: cg.cos(x) + 1e-30 * x),
        ("log(1 + x**2)", lambda x, out: 2 * x / (1 + x**2 + 1e-12)),
    ],
)
def test_a_planted_wrong_derivative_is_refuted(formula, wrong):
    gate = cg.elementwise("planted", formula, derivative=wrong)
    record = prove_elementwise(gate, 1)
    assert record.status is Status.REFUTED
    assert "left side" in record.detail
    report = cg.verify(cg.circuit(f=gate(cg.input("x"))))
    assert not report.proved
    with pytest.raises(cg.ProofError, match="refuted"):
        report.require()


def test_a_derivative_that_is_right_once_but_wrong_twice_is_refuted_at_second_order():
    half = cg.elementwise("half_wrong", "cos(x)", derivative=lambda x: cg.cos(x))
    gate = cg.elementwise("outer_gate", "sin(x)", derivative=lambda x: half(x))
    assert prove_elementwise(gate, 1).proved
    assert prove_elementwise(gate, 2).status is Status.REFUTED


def test_a_kink_value_outside_the_subdifferential_is_refuted():
    jump = cg.elementwise(
        "bad_step", pieces=(("x > 0", "1"), ("x < 0", "0")), at_kink="2",
        derivative=lambda x: 0.0,
    )  # fmt: skip
    gate = cg.elementwise(
        "bad_relu", pieces=(("x > 0", "x"), ("x < 0", "0")), at_kink="0",
        derivative=lambda x: jump(x),
    )  # fmt: skip
    record = prove_elementwise(gate, 1)
    assert record.status is Status.REFUTED
    assert "subgradient" in record.detail


def test_a_piece_forgotten_in_the_derivative_is_refuted():
    gate = cg.elementwise(
        "bad_clip", pieces=(("x > 1", "1"), ("x < 1", "x")), at_kink="1", derivative=lambda x: 1.0
    )
    assert prove_elementwise(gate, 1).status is Status.REFUTED


def _composite(pullback):
    return Declaration(
        "planted", "composite", "p",
        infer=lambda inputs: Spec((), inputs[0].dtype),
        function=lambda a: np.sum(a * a),
        pullback=pullback,
        pushforward=lambda out, tangents: (2 * tangents[0] * out.inputs[0]).sum(),
        meaning=lambda x: (x * x).sum(),
        sample=lambda: None,
    )  # fmt: skip


def test_composite_gates_are_compared_with_their_circuit():
    right = _composite(lambda out, grad: (2 * grad * out.inputs[0],))
    wrong = _composite(lambda out, grad: (1.999 * grad * out.inputs[0],))
    x = input_wire("x", 2)
    assert prove_wire(right(x), 1).proved
    assert prove_wire(right(x), 2).proved
    assert prove_wire(wrong(x), 1).status is Status.REFUTED


def test_a_rearrangement_that_is_not_transposed_is_refuted():
    reverse = Declaration(
        "planted", "multilinear", "p",
        infer=lambda inputs: inputs[0].spec,
        function=lambda a: a[..., [1, 2, 0]],
        pullback=lambda out, grad: (grad[..., [1, 2, 0]],),
        pushforward=lambda out, tangents: tangents[0][..., [1, 2, 0]],
        sample=lambda: None,
    )  # fmt: skip
    assert prove_wire(reverse(input_wire("x", 3)), 1).status is Status.REFUTED


@pytest.mark.parametrize("name", ["cholesky", "eigenvalues", "eigenvectors"])
@pytest.mark.parametrize("part", ["pullback", "pushforward"])
def test_a_wrong_rule_of_an_implicit_gate_with_a_generic_point_is_refuted(name, part):
    right = cg.catalogue()[name]
    rule = getattr(right, part)

    def wrong(out, given):
        found = rule(out, given)
        return (1.001 * found[0],) if part == "pullback" else 1.001 * found

    gate = dataclasses.replace(right, name="planted", **{part: wrong})
    assert prove_wire(gate(input_wire("A", (2, 2))), 1).status is Status.REFUTED


def test_a_wrong_generic_point_is_refuted():
    right = cg.catalogue()["cholesky"]
    inputs, _ = right.generic
    gate = dataclasses.replace(right, generic=(inputs, (("p", "0"), ("q", "2*r"))))
    assert prove_wire(gate(input_wire("A", (2, 2))), 1).status is Status.REFUTED


def test_a_wrong_selection_of_many_entries_is_refuted():
    right = cg.catalogue()["sort"]
    gate = dataclasses.replace(right, pullback=lambda out, grad: (grad,))
    assert prove_wire(gate(input_wire("x", 2)), 1).status is Status.REFUTED


def test_the_neuron_is_proved_in_closed_form():
    w, x, b = cg.inputs("w x b")
    report = cg.verify(cg.circuit(f=1 / (1 + np.exp(-(w * x + b)))))
    checks = {check.check: check.status for check in report.composition}
    assert checks == {
        "every reader once": Status.PROVED,
        "paths = backward": Status.CERTIFIED,
        "closed form": Status.PROVED,
    }
    assert report.require() is report
    assert "PROVED" in str(report)
    assert json.loads(json.dumps(report.to_json()))["status"] == "proved"


def test_a_backward_pass_that_drops_a_reader_is_refuted(monkeypatch):
    from circuitgrad.proofs import composition

    x = cg.input("x")
    circuit = cg.circuit(f=np.sin(x) * np.exp(x))
    true_pass = composition.backward_pass

    def dropped(*args):
        passed = true_pass(*args)
        return type(passed)(passed.gradients, passed.edges[:-1])

    monkeypatch.setattr(composition, "backward_pass", dropped)
    assert check_composition(circuit, "f", 1.0)[0].status is Status.REFUTED


def test_an_accumulation_that_overwrites_is_refuted(monkeypatch):
    from circuitgrad.proofs import composition

    true_accumulate = composition.accumulate
    x = cg.input("x")
    circuit = cg.circuit(f=np.sin(x) * np.exp(x))
    monkeypatch.setattr(
        composition,
        "accumulate",
        lambda wires, seeds, pull, add: true_accumulate(wires, seeds, pull, lambda a, b: b),
    )
    assert check_composition(circuit, "f", 1.0)[1].status is Status.REFUTED


def test_contractions_are_proved_for_every_size_and_sums_of_them_too():
    X, w, y = cg.input("X", "m n"), cg.input("w", "n"), cg.input("y", "m")
    report = cg.verify(cg.circuit(loss=np.sum((X @ w - y) ** 2) / 2))
    assert report.proved
    methods = {record.gate: record.method for record in report.gates}
    assert methods["matvec"] == "index form, every size"


def test_verify_refuses_what_is_no_circuit():
    with pytest.raises(cg.SpecError, match=r"needed a circuit"):
        cg.verify(lambda x: x)


def test_sympys_own_matrix_calculus_errors_are_not_ours():
    """Log det, logsumexp and softmax, where SymPy's matrix derivatives answer 0 or drop a term."""
    v = cg.input("v", 3)
    symbols = sp.symbols("v_0:3", real=True)
    p = [sp.exp(s) / sum(map(sp.exp, symbols)) for s in symbols]
    found = cg.circuit(f=cg.logsumexp(v)).grad().sympy()
    assert all(sp.simplify(a - b) == 0 for a, b in zip(found, p, strict=True))
    jacobian = cg.circuit(p=cg.softmax(v)).jacobian("v").sympy()
    for i in range(3):
        for j in range(3):
            expected = p[i] * (int(i == j) - p[j])
            assert sp.simplify(jacobian[i, j] - expected) == 0
