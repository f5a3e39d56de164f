"""Explanations: every number of a run, closed forms where they can be written, no recursion."""

import re

import numpy as np
import pytest

import circuitgrad as cg
from circuitgrad.assignments import parse_circuit, parse_shapes, parse_values
from circuitgrad.explanation import explain, value_text
from circuitgrad.viz.naming import wire_names


def words(text):
    return " ".join(text.split())


def test_downstream_is_upstream_times_local_on_every_line():
    circuit = parse_circuit("tanh(w*x + b) / (1 + x**2)")
    lines = explain(circuit, circuit.run(w=2.0, x=-0.5, b=0.25)).splitlines()
    number = r"(−?[\d.]+(?:e−?\d+)?)"
    upstream = None
    found = 0
    for line in lines:
        head = re.match(rf"\w+ = \w+\(.*?\)\s+{number}\s+{number}", line)
        upstream = head[2] if head else upstream
        tail = re.search(rf"∂\S+ = .*= +{number} +{number}$", line)
        if tail and upstream:
            factors = [float(text.replace("−", "-")) for text in (upstream, tail[1], tail[2])]
            assert factors[0] * factors[1] == pytest.approx(factors[2], rel=1e-4)
            found += 1
    assert found == 9


def test_wires_have_the_names_of_the_figure():
    x, y = cg.inputs("x y")
    circuit = cg.circuit(f=np.sin(x * y) + x)
    text = explain(circuit)
    for wire, name in wire_names(circuit).items():
        if wire.inputs:
            assert f"{name} = {wire.gate.name}(" in text


def test_gates_are_told_from_left_to_right():
    text = explain(parse_circuit("a*b + c*d"))
    assert text.index("mul(a, b)") < text.index("mul(c, d)")


def test_both_operands_of_a_square_are_told():
    x = cg.input("x")
    circuit = cg.circuit(f=x * x)
    text = words(explain(circuit, circuit.run(x=3)))
    assert "f = mul(x, x) 9 1 ∂f/∂x = x = 3 3 ∂f/∂x = x = 3 3" in text
    assert text.endswith("∂f/∂x = 2x = 6")


def test_an_input_that_is_not_used_has_gradient_zero():
    x, y = cg.inputs("x y")
    circuit = cg.circuit(f=2 * x, inputs=(x, y))
    assert explain(circuit, circuit.run(x=1, y=1)).endswith("∂f/∂y = 0")


def test_an_output_that_is_an_input():
    x = cg.input("x")
    assert explain(cg.circuit(f=x)) == "f(x) = x\n\n∂f/∂x = 1"


def test_the_closed_form_of_one_entry_of_a_vector():
    circuit = parse_circuit("softmax(x)[0]", parse_shapes(["x=2"]))
    assert "∂f/∂x = [(1 − exp(x₀)/(exp(x₀) + exp(x₁)))" in explain(circuit)


def test_doubles_next_to_a_small_fraction_are_shown_as_it_and_others_as_decimals():
    text = explain(parse_circuit("x**(1/3) + x/1000 + 0.12345678901234567*x"))
    assert "1/(3x^(2/3))" in text
    assert "1/1000" in text
    assert "∂d/∂x = 0.123457" in text or "0.123456789" in text


def test_long_chains_are_told_without_their_closed_form():
    x = cg.input("x")
    wire = x
    for _ in range(3000):
        wire = np.sin(wire)
    circuit = cg.circuit(f=wire)
    assert str(circuit) == "<Circuit (x) -> f: 3000 gates>"
    text = explain(circuit, circuit.run(x=0.5))
    assert text.count("= sin(") == 3000
    assert "∂f/∂x: a number, by a circuit of" in text
    with pytest.raises(cg.SpecError, match="nested too deeply"):
        circuit.sympy()


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (0.0, "0"),
        (-0.0, "0"),
        (1e-300, "1e−300"),
        (np.inf, "∞"),
        (np.nan, "nan"),
        (np.array([[1.0, -2.0]]), "[[1, −2]]"),
        (np.zeros((10, 10)), "(10, 10), norm 0"),
    ],
)
def test_values_in_text(value, text):
    assert value_text(value) == text


@pytest.mark.parametrize("number", [0.1, -1e300, 5e-324, 1 / 3, 123456789.0])
def test_values_are_read_as_python_reads_them(number):
    assert parse_values([f"x={number!r}"]) == {"x": number}
