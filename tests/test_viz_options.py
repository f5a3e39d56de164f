"""What the options of a figure change, and that its numbers are the run's."""

import re
from xml.etree import ElementTree

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from circuitgrad.circuits import circuit
from circuitgrad.errors import SpecError
from circuitgrad.sources import input_wires
from circuitgrad.viz.composition import compose
from circuitgrad.viz.numbers import format_number
from circuitgrad.viz.themes import DARK, LIGHT, MAGNITUDES, contrast, wire_width

AT = {"w0": 2, "x0": -1, "w1": -3, "x1": -2, "w2": -3}


def neuron():
    w0, x0, w1, x1, w2 = input_wires("w0 x0 w1 x1 w2")
    return circuit(f=1 / (1 + np.exp(-(w0 * x0 + w1 * x1 + w2))))


@pytest.mark.parametrize(
    ("local", "product", "formula"),
    [("both", True, True), ("numeric", True, False), ("symbolic", False, True)],
)
def test_local_gradients_are_shown_as_asked(local, product, formula):
    shown = words(neuron().draw(local=local, **AT).svg())
    assert ("0.20 × (−1.00)" in shown) == product
    assert ("∂f/∂q = −1/q²" in shown) == formula
    assert ("local gradient of the gate" in shown) == formula


def words(svg):
    """All text of a figure that a reader sees or selects."""
    root = ElementTree.fromstring(svg)
    return " ".join(
        "".join(text.itertext()) for text in root.iter("{http://www.w3.org/2000/svg}text")
    )


@pytest.mark.parametrize(
    ("option", "value"),
    [
        ("local", "numbers"),
        ("emphasis", "value"),
        ("number_format", "nonsense"),
        ("number_format", "300.2f"),
        ("number_format", "d"),
        ("number_format", 3),
        ("detail", "2"),
    ],
)
def test_what_no_option_may_be_is_refused_in_words(option, value):
    with pytest.raises(SpecError, match=f"draw: {option} is .*needed"):
        neuron().draw(**{option: value}, **AT)


def test_numbers_have_the_format_that_is_asked_for():
    shown = words(neuron().draw(number_format=".5f", **AT).svg())
    assert "−0.19661" in shown
    assert "0.73106" in shown


def test_the_title_and_the_legend_are_optional():
    shown = words(neuron().draw(title="A neuron", legend=False, **AT).svg())
    assert "A neuron" in shown
    assert "forward value" not in shown


def test_emphasis_follows_the_logarithm_of_the_gradient():
    figure = neuron().draw(emphasis="gradient", **AT)
    run = neuron().run(**AT)
    run.backward()
    edges = figure.scene.edges
    strengths = [edge.strength for edge in edges]
    assert (min(strengths), max(strengths)) == (0.0, 1.0)
    smallest = run["w0"].upstream  # its branch carries all of it, as those below do
    share = np.log(run["x0"].upstream / abs(smallest)) / np.log(1 / abs(smallest))
    assert strengths[1] == pytest.approx(share)
    svg = figure.svg("light")
    assert LIGHT.ramp[-1] in svg
    assert f"stroke-width:{wire_width(1.0):.2f}" in svg
    assert strengths[-1] == 1.0


def test_without_emphasis_nothing_is_coloured_by_size():
    assert all(edge.strength is None for edge in neuron().draw(**AT).scene.edges)
    assert LIGHT.ramp[2] not in neuron().draw(**AT).svg("light")


def test_emphasis_of_gradients_that_are_zero_infinite_or_all_alike():
    x, y = input_wires("x y")
    with np.errstate(all="ignore"):
        broken = circuit(f=np.log(x) + 0 * y).draw(x=0, y=1, emphasis="gradient")
    for edge in broken.scene.edges:
        assert edge.strength is None or 0 <= edge.strength <= 1
    ElementTree.fromstring(broken.svg())
    alike = circuit(f=x + y).draw(x=1, y=2, emphasis="gradient")
    assert {edge.strength for edge in alike.scene.edges} == {0.5}
    never = circuit(f=x + y).draw(emphasis="gradient")
    assert {edge.strength for edge in never.scene.edges} == {None}


@pytest.mark.parametrize("theme", [LIGHT, DARK])
def test_the_ramp_grows_from_one_end_to_the_other(theme):
    colours = list(theme.magnitudes().values())
    assert len(colours) == MAGNITUDES
    assert (colours[0], colours[-1]) == (theme.ramp[0], theme.ramp[-1])
    distances = [contrast(colour, theme.background) for colour in colours]
    assert distances == sorted(distances)


def test_wide_wires_leave_their_labels_room():
    thin, thick = (
        compose(neuron().draw(emphasis=kind, **AT).scene, "text") for kind in ("none", "gradient")
    )
    strongest = max(range(len(thick.labels)), key=lambda k: thick.scene.edges[k].strength or 0.0)
    assert thick.labels[strongest].before > thin.labels[strongest].before


@st.composite
def circuits(draw):
    """A random circuit of smooth gates, and a point: gates that read any earlier wires."""
    wires = list(input_wires("x y"))
    for _ in range(draw(st.integers(1, 7))):
        first, second = (wires[draw(st.integers(0, len(wires) - 1))] for _ in range(2))
        make = draw(st.sampled_from(sorted(GATES)))
        wires.append(GATES[make](first, second))
    point = {name: draw(st.floats(-2, 2).map(lambda v: round(v, 3))) for name in "xy"}
    return circuit(f=wires[-1], inputs=wires[:2]), point


GATES = {
    "add": lambda a, b: a + b,
    "mul": lambda a, b: a * b,
    "sub": lambda a, b: a - b,
    "tanh": lambda a, b: np.tanh(a),
    "sin": lambda a, b: np.sin(a) + b,
    "square": lambda a, b: a * a,
}


@given(circuits(), st.sampled_from([None, ".3g", ".4f"]))
@settings(max_examples=25, deadline=None)
def test_every_number_in_the_figure_is_the_runs_number(pair, pattern):
    target, point = pair
    run = target.run(**point)
    run.backward()
    figure = run.draw(number_format=pattern, detail=0, maths="text", legend=False)
    root = ElementTree.fromstring(figure.svg("light"))
    values = {format_number(run[wire].value, pattern) for wire in target.wires}
    assert numbers_of(root, "fwd") <= values
    gradients = {format_number(edge.downstream, pattern) for edge in run.edges() if edge.downstream}
    assert numbers_of(root, "grad") == gradients | {format_number(1.0, pattern)}


def numbers_of(root, role):
    """The numbers that a figure shows in one colour, as text."""
    found = set()
    for span in root.iter("{http://www.w3.org/2000/svg}tspan"):
        kinds = span.get("class").split()
        text = (span.text or "").strip()
        if any(kind.endswith(f"-{role}") for kind in kinds) and re.fullmatch(
            r"−?\d+(\.\d+)?(e[−+]?\d+)?", text
        ):
            found.add(text)
    return found
