"""What a reader sees in the figure of a circuit, as SVG, PNG and DOT."""

import os
import pathlib
import re
import subprocess
import sys
from xml.etree import ElementTree

import numpy as np
import pytest

from circuitgrad.circuits import circuit
from circuitgrad.errors import BackendError, RenderError, SpecError
from circuitgrad.gates.activations import relu, sigmoid
from circuitgrad.sources import input_wire, input_wires
from circuitgrad.viz import engine as viz_engine
from circuitgrad.viz.composition import compose
from circuitgrad.viz.drawing import draw
from circuitgrad.viz.engine import run_engine
from circuitgrad.viz.figure import Figure
from circuitgrad.viz.layout import read_layout
from circuitgrad.viz.numbers import format_number
from circuitgrad.viz.svg import render
from circuitgrad.viz.themes import DARK, LIGHT
from circuitgrad.wire import scope

GOLDEN = pathlib.Path(__file__).parent / "golden"
AT = {"w0": 2, "x0": -1, "w1": -3, "x1": -2, "w2": -3}
NEURON = """
import numpy as np
from circuitgrad.circuits import circuit
from circuitgrad.sources import input_wires
from circuitgrad.viz.drawing import draw
w0, x0, w1, x1, w2 = input_wires("w0 x0 w1 x1 w2")
neuron = circuit(f=1 / (1 + np.exp(-(w0 * x0 + w1 * x1 + w2))))
figure = draw(neuron, w0=2, x0=-1, w1=-3, x1=-2, w2=-3)
print(figure.svg(), figure.dot(), figure.describe())
"""


def neuron():
    w0, x0, w1, x1, w2 = input_wires("w0 x0 w1 x1 w2")
    return circuit(f=1 / (1 + np.exp(-(w0 * x0 + w1 * x1 + w2))))


def two_outputs():
    x, y = input_wires("x y")
    return circuit(f1=x**2 * y, f2=5 * x + np.sin(y))


def words(svg):
    """All text of a figure that a reader sees or selects."""
    root = ElementTree.fromstring(svg)
    return " ".join(
        "".join(text.itertext()) for text in root.iter("{http://www.w3.org/2000/svg}text")
    )


def same_as_golden(name, text):
    """Whether a text equals the stored one; UPDATE_GOLDEN=1 stores it instead.

    The last digits of tooltips, and the hash that follows from them, may differ between processors.
    """
    text = re.sub(r"\d\.\d{11,}", lambda match: f"{float(match[0]):.9f}", text)
    text = re.sub(r"cg[0-9a-f]{10}", "cg", text)
    path = GOLDEN / name
    if os.environ.get("UPDATE_GOLDEN"):
        path.write_text(text, encoding="utf-8")
    return path.read_text(encoding="utf-8") == text


def test_every_number_of_the_neuron_is_in_its_figure():
    target = neuron()
    run = target.run(**AT)
    run.backward()
    shown = words(draw(target, run).svg())
    for wire in target.wires:
        if wire.inputs or wire.label:
            assert format_number(run[wire].value) in shown
            assert format_number(run[wire].upstream) in shown


@pytest.mark.parametrize(
    ("detail", "product", "derivative"), [(0, False, False), (1, True, False), (2, True, True)]
)
def test_detail_adds_the_factors_and_then_the_local_gradients(detail, product, derivative):
    shown = words(draw(neuron(), detail=detail, **AT).svg())
    assert ("0.20 × (−1.00)" in shown) == product
    assert ("∂f/∂q = −1/q²" in shown) == derivative


def test_constants_are_folded_into_the_signs_of_their_gates():
    shown = words(draw(neuron(), **AT).svg())
    for sign in ("×−1", "exp", "+1", "1/x"):
        assert sign in shown


def test_dot_text_is_the_stored_one():
    assert same_as_golden("neuron.dot", draw(neuron(), **AT).dot())


@pytest.mark.parametrize("theme", ["light", "dark", "auto"])
def test_svg_from_a_stored_layout_is_the_stored_one(theme):
    scene = draw(neuron(), **AT).scene
    composition = compose(scene, "text")
    layout = read_layout(composition, (GOLDEN / "neuron.layout.json").read_text(encoding="utf-8"))
    assert same_as_golden(f"neuron.{theme}.svg", render(composition, layout, theme))


def test_bytes_do_not_depend_on_the_hash_seed():
    outputs = {
        subprocess.run(
            [sys.executable, "-c", NEURON],
            env=os.environ | {"PYTHONHASHSEED": seed},
            capture_output=True,
            check=True,
        ).stdout
        for seed in ("1", "2")
    }
    assert len(outputs) == 1
    assert next(iter(outputs))


def test_auto_holds_both_palettes_and_works_without_variables():
    svg = draw(neuron(), **AT).svg("auto")
    assert all(colour in svg for colour in (LIGHT.fwd, DARK.fwd, LIGHT.grad, DARK.grad))
    assert "prefers-color-scheme:dark" in svg
    assert "data-theme=dark" in svg
    before_variables = svg.partition("@supports")[0]
    assert LIGHT.background in before_variables
    assert "var(" not in before_variables


@pytest.mark.parametrize(
    ("theme", "colours", "others"), [("light", LIGHT, DARK), ("dark", DARK, LIGHT)]
)
def test_fixed_themes_hold_their_own_colours_only(theme, colours, others):
    svg = draw(neuron(), theme=theme, **AT).svg()
    assert colours.background in svg
    assert others.background not in svg
    assert "var(" not in svg


def test_two_figures_on_one_page_share_no_id_and_no_class():
    figures = [draw(neuron(), **AT).svg(), draw(two_outputs(), x=1.5, y=2).svg()]
    names = []
    for svg in figures:
        ids = re.findall(r' id="([^"]+)"', svg)
        assert len(ids) == len(set(ids))
        classes = {name for group in re.findall(r' class="([^"]+)"', svg) for name in group.split()}
        names.append({*ids, *classes})
        references = re.findall(r'href="#([^"]+)"', svg)
        assert set(references) <= set(ids)
    assert not names[0] & names[1]


@pytest.mark.parametrize(
    "evil",
    [
        "</script><script>",
        "<&\"'>",
        "a\nb\r\tc",
        "\u202eright to left",
        "]]>",
        "\\N \\G",
        "%s {0}",
        "\x00\x07",
    ],
)
def test_any_text_can_be_a_title(evil):
    figure = draw(neuron(), title=evil, **AT)
    svg = figure.svg()
    ElementTree.fromstring(svg)
    assert "<script" not in svg
    assert "\u202e" not in svg
    for program in (None, "graphviz-pure"):
        where = str(pathlib.Path(sys.executable).parent / program) if program else None
        assert "<svg" in run_engine(figure.dot(), "svg", where)


def test_names_in_any_script_are_drawn():
    x, θ, größe = input_wires("x θ größe")
    svg = draw(circuit(ausgabe=x * θ + größe), x=1, θ=2, größe=3).svg()
    ElementTree.fromstring(svg)
    assert "größe" in svg


def test_without_any_engine_the_error_names_the_fixes_and_dot_still_works(monkeypatch):
    monkeypatch.setattr(viz_engine.shutil, "which", lambda name: None)
    monkeypatch.setenv("PATH", "")
    figure = draw(neuron(), **AT)
    with pytest.raises(RenderError, match=r"pip install graphviz-pure.*CIRCUITGRAD_DOT"):
        figure.svg()
    assert "digraph" in figure.dot()
    assert "w0: input, value 2" in figure._repr_mimebundle_()["text/plain"]


def test_the_engine_named_is_the_engine_used(monkeypatch):
    with pytest.raises(RenderError, match="'no-such-program' is no program"):
        draw(neuron(), engine="no-such-program", **AT).svg()
    monkeypatch.setenv("CIRCUITGRAD_DOT", "no-such-program")
    with pytest.raises(RenderError, match="CIRCUITGRAD_DOT"):
        draw(neuron(), **AT).svg()


def test_an_engine_that_hangs_is_stopped(tmp_path):
    program = tmp_path / "hangs"
    program.write_text("#!/bin/sh\nexec sleep 60\n")
    program.chmod(0o755)
    with pytest.raises(RenderError, match="was stopped"):
        draw(neuron(), engine=str(program), seconds=0.6, **AT).svg()


def test_more_gates_than_can_be_read_are_drawn_as_cards_and_the_figure_says_so():
    (x,) = input_wires("x")
    wire = x
    for _ in range(401):
        wire = np.sin(wire)
    figure = draw(circuit(f=wire), x=1)
    shown = words(figure.svg())
    assert "401 of 401 gates are in 12 cards" in shown
    assert "gates 1–33" in shown


def test_a_run_without_a_backward_pass_shows_no_gradient_and_says_so():
    target = neuron()
    shown = words(draw(target, target.run(**AT)).svg())
    assert "backward() not run" in shown
    assert "–" in shown
    assert "0.20" not in shown


def test_without_values_the_figure_shows_formulas_only():
    svg = draw(neuron()).svg()
    assert "∂f/∂q = −1/q²" in words(svg)
    assert "forward value" not in words(svg)
    assert "was not run" in draw(neuron()).describe()


def test_a_gradient_of_zero_is_dashed():
    x, y = input_wires("x y")
    figure = draw(circuit(f=relu(x * y)), x=2, y=-1)
    styles = [edge.style for edge in figure.scene.edges]
    assert styles == ["zero", "zero", "zero", "plain"]
    assert "stroke-dasharray" in figure.svg()


def test_a_gradient_that_no_pass_carries_on_is_a_zero_too():
    x, y = input_wires("x y")
    figure = draw(circuit(f=np.where(x > y, x, y)), x=2, y=-1)
    into_comparison = [
        edge
        for edge in figure.scene.edges
        if figure.scene.nodes[edge.target].tooltip.startswith("a =")
    ]
    assert [edge.style for edge in into_comparison] == ["zero", "zero"]


def test_numbers_that_are_not_finite_are_marked():
    x, y = input_wires("x y")
    with np.errstate(all="ignore"):
        figure = draw(circuit(f=np.log(x) + y), x=0, y=1)
    styles = [edge.style for edge in figure.scene.edges]
    assert styles == ["alert", "alert", "plain", "alert"]
    assert "−∞" in words(figure.svg())


def test_a_fan_out_shows_every_branch_and_the_sum():
    (x,) = input_wires("x")
    figure = draw(circuit(f=x * x), x=3)
    shown = words(figure.svg())
    assert len(figure.scene.edges) == 3
    assert "= 3.00 + 3.00 = 6.00" in shown


def test_several_outputs_have_one_colour_each_and_the_jacobian():
    figure = draw(two_outputs(), x=1.5, y=2)
    svg = figure.svg("light")
    shown = words(svg)
    for number in ("6.00", "2.25", "5.00", "−0.42"):
        assert number in shown
    assert "J = [2xy, x²; 5, cos y]" in shown
    assert "gradient of f1 (pass 1)" in shown
    assert LIGHT.grad in svg
    assert LIGHT.g2 in svg


def test_an_output_may_be_an_input_and_an_input_may_be_unused():
    x, y = input_wires("x y")
    figure = draw(circuit(f=x, g=x * 2, inputs=(x, y)), x=1, y=5)
    assert "y: input, value 5, gradient of f 0, gradient of g 0." in figure.describe()
    ElementTree.fromstring(figure.svg())


def test_tensors_show_numbers_when_small_and_shape_and_norm_otherwise():
    W, v, U = input_wire("W", "2 2"), input_wire("v", "2"), input_wire("U", "5 2")
    with scope("layer"), scope("inner"):
        h = sigmoid(W @ v)
    figure = draw(circuit(J=(U @ h).sum()), W=np.eye(2), v=np.ones(2), U=np.ones((5, 2)))
    shown = words(figure.svg())
    assert "5×2" in shown
    assert "‖·‖" in shown
    assert "0.73" in shown
    assert [cluster.name for cluster in figure.scene.clusters] == ["layer", "inner"]


@pytest.mark.parametrize("direction", ["LR", "TB"])
def test_both_directions_are_drawn(direction):
    root = ElementTree.fromstring(draw(neuron(), direction=direction, **AT).svg())
    width, height = float(root.get("width")), float(root.get("height"))
    assert (width > height) == (direction == "LR")


@pytest.mark.parametrize(
    ("option", "value"), [("detail", 3), ("direction", "up"), ("theme", "blue")]
)
def test_unknown_options_are_refused_with_the_known_ones(option, value):
    with pytest.raises(SpecError, match="needed one of"):
        draw(neuron(), **{option: value}, **AT)


def test_files_are_written_by_their_ending(tmp_path):
    figure = draw(neuron(), **AT)
    assert figure.save(tmp_path / "a.svg").read_bytes().startswith(b"<svg")
    assert figure.save(str(tmp_path / "a.PNG")).read_bytes().startswith(b"\x89PNG")
    assert figure.save(tmp_path / "a.dot").read_bytes().startswith(b"digraph")
    with pytest.raises(RenderError, match=r"\.svg, \.png, \.dot"):
        figure.save(tmp_path / "a.jpg")


def test_png_without_its_package_names_the_command(monkeypatch):
    figure = draw(neuron(), **AT)
    monkeypatch.setattr("circuitgrad.viz.figure.importlib.util.find_spec", lambda name: None)
    with pytest.raises(BackendError, match=r"pip install 'circuitgrad\[viz\]'"):
        figure.png()


@pytest.mark.parametrize("maths", ["mathra", "ziamath", "text"])
def test_every_maths_engine_draws_the_figure(maths):
    svg = draw(neuron(), maths=maths, **AT).svg()
    ElementTree.fromstring(svg)
    assert ("<use" in svg) == (maths != "text")


def test_a_notebook_gets_svg_png_and_text():
    bundle = draw(neuron(), **AT)._repr_mimebundle_()
    assert sorted(bundle) == ["image/png", "image/svg+xml", "text/plain"]


def test_a_figure_says_in_words_what_it_shows():
    figure = draw(neuron(), **AT)
    svg = figure.svg()
    description = ElementTree.fromstring(svg).find("{http://www.w3.org/2000/svg}desc").text
    assert "a = mul(w0, x0), value −2" in description
    assert "a = mul(w0, x0), value −2" in figure.describe()
    assert 'role="graphics-document document"' in svg
    assert "max-width:100%" in svg
    assert isinstance(figure, Figure)
