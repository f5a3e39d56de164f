"""Numbers, names, formulas and colours of a figure."""

import numpy as np
import pytest

from circuitgrad.gates.activations import sigmoid
from circuitgrad.sources import input_wires
from circuitgrad.viz.escaping import escape
from circuitgrad.viz.maths import formula
from circuitgrad.viz.measure import text_width
from circuitgrad.viz.numbers import format_number, short_number
from circuitgrad.viz.plain_maths import plain_text
from circuitgrad.viz.signs import folded_sign, sign_item
from circuitgrad.viz.themes import DARK, LIGHT, TEXT_ROLES, contrast
from circuitgrad.viz.written import written_latex


@pytest.mark.parametrize(
    ("number", "text"),
    [
        (2.0, "2.00"),
        (-0.19661, "−0.20"),
        (0.0531, "0.053"),
        (0.00312, "0.0031"),
        (3.1e-5, "3.1e−5"),
        (-4.27e-11, "−4.3e−11"),
        (0.0, "0.00"),
        (-0.0, "0.00"),
        (9.999, "10.0"),
        (12.34, "12.3"),
        (123.4, "123"),
        (99999.0, "99999"),
        (123456.0, "1.2e5"),
        (float("inf"), "∞"),
        (float("-inf"), "−∞"),
        (float("nan"), "nan"),
        (None, "–"),
    ],
)
def test_numbers_are_short_and_have_a_real_minus(number, text):
    assert format_number(number) == text


def test_a_pattern_replaces_the_usual_form():
    assert format_number(-1234.5678, ".6g") == "−1234.57"
    assert format_number(1e-7, ".3g") == "1e−7"
    assert short_number(-0.125) == "−0.125"


def test_widths_are_those_of_helvetica():
    assert text_width("2.00", 100) == pytest.approx(194.6)
    assert text_width("iW", 1000, "bold") == pytest.approx(278 + 944)
    assert text_width("e\u0301", 10) == text_width("e", 10)


@pytest.mark.parametrize("theme", [LIGHT, DARK])
def test_text_can_be_read_on_its_ground(theme):
    for role in TEXT_ROLES:
        assert contrast(theme.colours()[role], theme.background) >= 4.5
    assert contrast(theme.ink, theme.gate) >= 4.5
    assert contrast(theme.dim, theme.cluster) >= 4.5
    assert contrast(theme.wire, theme.background) >= 3


def test_markup_in_text_is_harmless():
    assert escape("<&\"'>\n") == "&lt;&amp;&quot;&#39;&gt; "
    assert escape("\u202e\x00") == "\ufffd\ufffd"


@pytest.mark.parametrize(
    ("latex", "text"),
    [
        (r"\partial f/\partial w_{0}=-1/q^{2}", "∂f/∂w₀ = −1/q²"),
        (r"\frac{1}{1 + e^{-x}}", "1/(1 + e^(−x))"),
        (r"\begin{bmatrix}2xy & x^{2}\\ 5 & \cos y\end{bmatrix}", "[2xy, x²; 5, cos y]"),
        (r"\mathrm{learning\_rate} \sqrt{x}", "learning_rate√x"),
        ("{" * 5000 + "x" + "}" * 5000, "{" * 5000 + "x" + "}" * 5000),
    ],
)
def test_formulas_can_be_written_as_plain_text(latex, text):
    assert plain_text(latex) == text


def test_formulas_keep_their_meaning_when_written_gate_by_gate():
    x, y, z = input_wires("x y z")
    names = {wire.serial: wire.label for wire in (x, y, z)}
    for wire, text in (
        ((x + y) * z, "(x + y)z"),
        (x + y * z, "x + yz"),
        (x - (y - z), "x − (y − z)"),
        ((x * y) ** 2, "(xy)²"),
        (x * -y, "x(−y)"),
        (-(x + y), "−(x + y)"),
        (2 * (3 * x), "2·3x"),
        ((1 - x) * (1 - y), "(1 − x)(1 − y)"),
        (x * 3, "x·3"),
        (np.log(x) * y, "log(x)y"),
        (y + np.log(x), "y + log x"),
        (1 / (1 + np.exp(-x)), "1/(1 + e^(−x))"),
        (sigmoid(x) * sigmoid(-x), "σ(x)σ(−x)"),
    ):
        assert plain_text(written_latex(wire, names)) == text


def test_a_formula_that_would_fill_pages_is_left_out():
    (x,) = input_wires("x")
    wire = x
    for _ in range(60):
        wire = wire * wire
    assert written_latex(wire, {x.serial: "x"}) == ""


@pytest.mark.parametrize(
    ("gate", "constants", "sign"),
    [
        ("add", (None, 1.0), "+1"),
        ("add", (None, -2.0), "−2"),
        ("sub", (1.0, None), "1−x"),
        ("mul", (-1.0, None), "×−1"),
        ("neg", (None,), "×−1"),
        ("div", (1.0, None), "1/x"),
        ("pow", (None, 3.0), "$x^{3}$"),
        ("maximum", (None, 0.0), "max 0"),
    ],
)
def test_constants_are_part_of_the_sign(gate, constants, sign):
    glyphs = {"add": "+", "sub": "−", "mul": "×", "maximum": "max"}
    assert folded_sign(gate, glyphs.get(gate, gate), constants) == sign


@pytest.mark.parametrize("sign", ["x²", "xᵀ", "√(1−x²)", "2e⁻ˣ²/√π", "σ(x−y)", "log σ", "Σ"])
def test_signs_with_rare_characters_become_formulas(sign):
    item = sign_item(sign)
    assert formula(item.latex, "mathra") is not None


def test_both_maths_engines_measure_alike():
    for latex in (r"\partial f/\partial q=-1/q^{2}", r"\frac{1}{1+e^{-x}}", r"\sqrt{x}"):
        first, second = (formula(latex, engine, True) for engine in ("mathra", "ziamath"))
        assert first.width == pytest.approx(second.width, rel=0.2)
        assert first.height == pytest.approx(second.height, rel=0.2)
        assert formula(latex, "text") is None
