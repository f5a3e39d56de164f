"""Every format of a figure: written, well-formed, the same on every run, with the run's numbers."""

import hashlib
import io
import json
import os
import pathlib
import re
import subprocess
import sys
from html.parser import HTMLParser
from xml.etree import ElementTree

import numpy as np
import pytest
from PIL import Image

from circuitgrad.circuits import circuit
from circuitgrad.errors import BackendError, RenderError
from circuitgrad.sources import input_wire, input_wires
from circuitgrad.viz.figure import Figure
from circuitgrad.viz.plain_maths import plain_text
from circuitgrad.viz.tex import tex_maths, tex_text
from circuitgrad.viz.themes import DARK, LIGHT
from circuitgrad.wire import scope

ROOT = pathlib.Path(__file__).resolve().parents[1]
FORMATS = ("svg", "png", "dot", "gv", "pdf", "html", "tex", "json")
AT = {"w0": 2, "x0": -1, "w1": -3, "x1": -2, "w2": -3}
HOSTILE = [
    "</script><script>alert(1)</script>",
    "<&\"'>",
    "two\nlines",
    "שלום \u202e abc",
    r"\input{secret} $x$ %",
    "{}^_~#&",
    "]]> --> */",
]
WRITTEN = """
import hashlib, sys
import numpy as np
from circuitgrad.circuits import circuit
from circuitgrad.sources import input_wire
W, x = input_wire("W", "9 4"), input_wire("x", "4")
figure = circuit(f=np.sum(np.tanh(W @ x)), g=x @ x).draw(
    W=np.arange(36.0).reshape(9, 4) / 36, x=np.arange(4.0), emphasis="gradient"
)
for text in (figure.svg(), figure.html(), figure.tex(), figure.json(), figure.dot()):
    print(hashlib.sha256(text.encode()).hexdigest())
for data in (figure.png(), figure.pdf()):
    print(hashlib.sha256(data).hexdigest())
print(figure.describe())
"""


def neuron():
    w0, x0, w1, x1, w2 = input_wires("w0 x0 w1 x1 w2")
    return circuit(f=1 / (1 + np.exp(-(w0 * x0 + w1 * x1 + w2))))


def named(title, **options):
    """A figure whose title and scope are any text."""
    x, y = input_wires("x y")
    with scope(title.replace("/", "|")):  # a stroke separates scopes
        f = np.sin(x) * y
    return circuit(f=f).draw(x=1, y=2, title=title, **options)


class Page(HTMLParser):
    """Collects the tags of a page, and that every one is closed."""

    def __init__(self):
        super().__init__()
        self.tags, self.open, self.attributes = [], [], []

    def handle_starttag(self, tag, attrs):
        self.tags.append(tag)
        self.attributes.extend(name for name, _ in attrs)
        if tag not in ("meta", "link"):
            self.open.append(tag)

    def handle_startendtag(self, tag, attrs):
        self.tags.append(tag)
        self.attributes.extend(name for name, _ in attrs)

    def handle_endtag(self, tag):
        assert self.open.pop() == tag


def check_tex(text):
    """The braces, dollars and environments of a document come in pairs."""
    bare = re.sub(r"\\[\\{}$%&#_]", "", text)
    bare = re.sub(r"%.*", "", bare)
    depth = 0
    for character in bare:
        depth += {"{": 1, "}": -1}.get(character, 0)
        assert depth >= 0
    assert depth == 0
    assert bare.count("$") % 2 == 0
    open_environments = []
    for kind, name in re.findall(r"\\(begin|end)\{(\w+)\}", bare):
        if kind == "begin":
            open_environments.append(name)
        else:
            assert open_environments.pop() == name
    assert open_environments == []
    assert text.startswith("%")
    assert r"\begin{tikzpicture}" in text


def check_html(text):
    page = Page()
    page.feed(text)
    page.close()
    assert page.open == []
    assert page.tags.count("svg") == 1
    assert not {"script", "iframe", "link", "object", "base"} & set(page.tags)
    assert not any(name.startswith("on") for name in page.attributes)
    assert "default-src 'none'" in text


@pytest.mark.parametrize("ending", FORMATS)
@pytest.mark.parametrize("upper", [False, True])
def test_a_figure_is_saved_in_the_format_of_its_ending(tmp_path, ending, upper):
    path = tmp_path / f"figure.{ending.upper() if upper else ending}"
    assert neuron().draw(**AT).save(path) == path
    data = path.read_bytes()
    start = {
        "svg": b"<svg ", "png": b"\x89PNG\r\n\x1a\n", "dot": b"digraph", "gv": b"digraph",
        "pdf": b"%PDF-", "html": b"<!DOCTYPE html>", "tex": b"%", "json": b"{",
    }[ending]  # fmt: skip
    assert data.startswith(start)


@pytest.mark.parametrize("title", HOSTILE)
def test_every_format_is_well_formed_whatever_the_names_are(title):
    figure = named(title)
    svg = figure.svg()
    root = ElementTree.fromstring(svg)
    assert "<script" not in svg
    assert "\u202e" not in svg + figure.html() + figure.tex() + figure.dot()
    assert root.find("{http://www.w3.org/2000/svg}title").text is not None
    check_html(figure.html())
    check_tex(figure.tex())
    assert json.loads(figure.json())["title"] == figure.scene.title
    assert figure.pdf().startswith(b"%PDF-")
    assert figure.png().startswith(b"\x89PNG")


def test_no_format_depends_on_the_hash_seed():
    outputs = {
        subprocess.run(
            [sys.executable, "-c", WRITTEN],
            env=os.environ | {"PYTHONHASHSEED": seed},
            capture_output=True,
            check=True,
        ).stdout
        for seed in ("1", "77")
    }
    assert len(outputs) == 1
    assert len(next(iter(outputs)).split()) > 20


def test_json_has_every_number_of_the_run_with_all_its_digits():
    target = neuron()
    run = target.run(**AT)
    run.backward()
    content = json.loads(run.draw().json())
    assert content["schema"] == "circuitgrad/figure"
    assert content["version"] == 1
    signals = content["circuit"]["signals"]
    values = {signal["name"]: signal["value"] for signal in signals}
    gradients = {signal["name"]: signal["gradients"][0] for signal in signals}
    for name in (*target.input_names, "f"):
        assert values[name] == run[name].value
        assert gradients[name] == run[name].upstream
    for branch in content["circuit"]["branches"]:
        for pull in branch["pulls"]:
            product = pull["upstream"] * pull["local"]
            assert pull["downstream"] == pytest.approx(product, rel=1e-15)


def test_json_writes_tensors_in_full_or_as_a_summary_and_no_number_that_json_lacks():
    X = input_wire("X", "n m")
    target = circuit(f=np.sum(np.log(X)))
    small = np.arange(1.0, 7.0).reshape(2, 3)
    small[0, 0] = 0.0
    with np.errstate(all="ignore"):
        content = json.loads(target.draw(X=small).json(), parse_constant=pytest.fail)
    signals = content["circuit"]["signals"]
    assert signals[0]["value"] == {
        "shape": [2, 3], "dtype": "float64", "entries": small.tolist(),
    }  # fmt: skip
    assert signals[1]["value"]["entries"][0][0] == "-Infinity"
    large = np.random.default_rng(0).uniform(1, 2, size=(64, 128))
    value = json.loads(target.draw(X=large).json())["circuit"]["signals"][0]["value"]
    assert "entries" not in value
    assert value["norm"] == pytest.approx(np.linalg.norm(large))
    assert (value["least"], value["greatest"]) == (large.min(), large.max())
    blocks = large.reshape(32, 2, 64, 2).mean(axis=(1, 3))
    np.testing.assert_allclose(value["means"], blocks, rtol=1e-14)


def test_the_description_is_read_from_the_formula_forward_and_then_backward():
    target = neuron()
    run = target.run(**AT)
    run.backward()
    text = run.draw().describe()
    lines = text.splitlines()
    assert lines[0] == "Computational graph of f"
    assert lines[1] == "f(w₀, x₀, w₁, x₁, w₂) = 1/(1 + e^(−(w₀x₀ + w₁x₁ + w₂)))"
    forward, backward = text.index("Forward"), text.index("Backward")
    assert forward < text.index("w0: input, value 2") < text.index("a = mul(w0, x0)") < backward
    assert backward < text.index("q into") < text.index("w0 into mul a.")
    (edge,) = (edge for edge in run.edges() if edge.source.label == "w0")
    assert f"upstream {edge.upstream} × local −1 = −{edge.upstream}." in text


def test_the_description_says_what_was_not_computed():
    target = neuron()
    assert "backward() was not run" in target.run(**AT).draw().describe()
    text = target.draw().describe()
    assert "was not run" in text
    assert "Local gradients" in text
    assert "Gradient of f along it" not in text


def test_a_notebook_gets_an_svg_that_follows_the_theme_and_a_png():
    bundle = neuron().run(**AT).draw()._repr_mimebundle_()
    assert "prefers-color-scheme" in bundle["image/svg+xml"]
    assert Image.open(io.BytesIO(bundle["image/png"])).format == "PNG"


def test_a_run_draws_itself_as_its_circuit_draws_it():
    target = neuron()
    run = target.run(**AT)
    run.backward()
    assert isinstance(run.draw(detail=0), Figure)
    assert run.draw(detail=0).svg() == target.draw(run=run, detail=0).svg()


def test_pdf_without_its_package_names_the_command(monkeypatch):
    figure = neuron().draw(**AT)
    figure.svg()
    monkeypatch.setattr("circuitgrad.viz.pdf.importlib.util.find_spec", lambda name: None)
    with pytest.raises(BackendError, match=r"typst.*pip install 'circuitgrad\[pdf\]'"):
        figure.pdf()


def test_an_unknown_ending_names_the_known_ones(tmp_path):
    with pytest.raises(RenderError, match=r"\.pdf, \.html, \.tex, \.json"):
        neuron().draw(**AT).save(tmp_path / "figure.bmp")
    with pytest.raises(RenderError, match="nothing"):
        neuron().draw(**AT).save(tmp_path / "figure")


def test_pdf_is_one_page_of_the_figures_size_and_says_its_title():
    figure = neuron().draw(title="A neuron", **AT)
    data = figure.pdf()
    root = ElementTree.fromstring(figure.svg())
    boxes = re.findall(rb"/MediaBox\s*\[\s*0 0 ([\d.]+) ([\d.]+)\s*\]", data)
    assert [tuple(map(float, box)) for box in boxes] == [
        (float(root.get("width")), float(root.get("height")))
    ]
    assert b"CreationDate" not in data


@pytest.mark.parametrize("theme", ["light", "dark"])
def test_tex_defines_the_colours_of_its_theme_and_sets_formulas_itself(theme):
    text = neuron().draw(theme=theme, **AT).tex()
    colours = LIGHT if theme == "light" else DARK
    assert rf"\definecolor{{cggrad}}{{HTML}}{{{colours.grad[1:]}}}" in text
    assert r"\partial f/\partial q=-1/q^{2}" in text
    assert r"\frac{1}{1+e^{-\left(w_{0} x_{0}" in text.replace(" + ", "+").replace("{ ", "{")
    assert (r"\fill[cgbackground]" in text) == (theme == "dark")


def test_tex_without_a_maths_engine_still_sets_formulas():
    text = neuron().draw(maths="text", **AT).tex()
    assert r"\partial f/\partial q=-1/q^{2}" in text
    check_tex(text)


@pytest.mark.parametrize(
    ("text", "tex"),
    [
        ("50% & {x_1}^2 ~ #$", r"50\% \& \{x\_1\}\textasciicircum{}2 \textasciitilde{} \#\$"),
        (r"\end{document}", r"\textbackslash{}end\{document\}"),
        ("−0.20 × ∂f", r"$-$0.20 $\times$ $\partial$f"),
        ("größe", "größe"),
        ("名", r"\ifPDFTeX ?\else 名\fi{}"),
        (" = ", r"\ = "),
        ("", ""),
    ],
)
def test_text_is_safe_in_tex(text, tex):
    assert tex_text(text) == tex


def test_formulas_in_tex_have_no_bare_character_that_tex_lacks():
    assert tex_maths("θ+x") == r"\theta +x"
    assert tex_maths(r"\mathrm{größe}") == r"\mathrm{gr\textrm{ö}\textrm{ß}e}"
    assert tex_maths("f<g") == "f<g"


def test_indices_and_short_fractions_can_be_read_in_plain_text():
    assert plain_text(r"\delta_{g} d") == "δ_g d"
    assert plain_text(r"d \odot \tfrac12 x") == "d⊙1/2x"


@pytest.mark.parametrize("script", sorted((ROOT / "examples/figures").glob("*.py")), ids=str)
def test_every_script_of_figures_draws_them(script, tmp_path):
    done = subprocess.run(
        [sys.executable, "-W", "error", str(script), str(tmp_path)],
        capture_output=True,
        check=False,
        encoding="utf-8",
        timeout=120,
    )
    assert done.returncode == 0, done.stderr
    paths = [pathlib.Path(line) for line in done.stdout.splitlines()]
    assert len(paths) >= 2
    for path in paths:
        assert path.stat().st_size > 1000
        if path.suffix == ".png":
            pixels = np.asarray(Image.open(path).convert("L"))
            assert pixels.std() > 5
    assert len({hashlib.sha256(path.read_bytes()).hexdigest() for path in paths}) == len(paths)
