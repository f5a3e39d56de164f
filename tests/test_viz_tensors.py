"""Tensors in figures: heatmaps whose pixels are the entries, and the chain rule in matrices."""

import base64
import io
import itertools
import re
from xml.etree import ElementTree

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays
from PIL import Image

from circuitgrad.circuits import circuit
from circuitgrad.formulas.derivations import downstream_latex
from circuitgrad.gates.activations import sigmoid
from circuitgrad.sources import input_wire, input_wires
from circuitgrad.viz.content import Grid, Picture
from circuitgrad.viz.heatmaps import MOST_COLUMNS, MOST_ROWS, colours, heatmap, png_bytes, pooled
from circuitgrad.viz.plain_maths import plain_text
from circuitgrad.viz.typesetting import PictureMark, typeset
from circuitgrad.viz.values import has_numbers, is_picture, value_item
from circuitgrad.wire import scope

SVG = "{http://www.w3.org/2000/svg}"
BLUE, WHITE, ORANGE, BROKEN = (33, 102, 172), (247, 247, 247), (178, 70, 10), (209, 0, 108)


def pixels(picture):
    """The pixels of a picture, read by another decoder."""
    return np.asarray(Image.open(io.BytesIO(png_bytes(picture.rows))).convert("RGB"))


def images(svg):
    """The pixels of every image in a figure."""
    root = ElementTree.fromstring(svg)
    links = [image.get("href") for image in root.iter(f"{SVG}image")]
    start = "data:image/png;base64,"
    assert all(link.startswith(start) for link in links)
    data = [base64.b64decode(link.removeprefix(start)) for link in links]
    return [np.asarray(Image.open(io.BytesIO(png)).convert("RGB")) for png in data]


def layer():
    """A layer and its loss, with a point."""
    W, x, b = input_wire("W", "m n"), input_wire("x", "n"), input_wire("b", "m")
    with scope("layer"):
        z = (W @ x + b).named("z")
        h = sigmoid(z).named("h")
    random = np.random.default_rng(7)
    point = {
        "W": random.normal(size=(6, 5)), "x": random.normal(size=5), "b": random.normal(size=6),
    }  # fmt: skip
    return circuit(L=h @ h), point


def test_the_scale_is_symmetric_about_zero_and_its_own_for_each_tensor():
    found = colours(np.array([[-2.0, 0.0, 1.0, 2.0]]))[0]
    assert tuple(found[0]) == BLUE
    assert tuple(found[1]) == WHITE
    assert tuple(found[3]) == ORANGE
    np.testing.assert_array_equal(found, colours(np.array([[-200.0, 0.0, 100.0, 200.0]]))[0])
    assert tuple(colours(np.zeros((1, 1)))[0, 0]) == WHITE


def test_what_is_not_finite_has_a_colour_of_its_own_and_leaves_the_scale_alone():
    found = colours(np.array([[np.nan, np.inf, -np.inf, 3.0, -3.0]]))[0]
    assert [tuple(pixel) for pixel in found] == [BROKEN, BROKEN, BROKEN, ORANGE, BLUE]
    assert "3 entries not finite" in heatmap(np.array([np.nan, np.inf, -np.inf, 3, 1]), "fwd").words


@given(
    arrays.arrays(
        np.float64,
        arrays.array_shapes(min_dims=1, max_dims=3, min_side=1, max_side=12),
        elements=st.floats(-1e6, 1e6),
    )
)
@settings(max_examples=60, deadline=None)
def test_every_pixel_is_the_colour_of_its_entry(value):
    found = pixels(heatmap(value, "fwd"))
    rows = value.reshape(1, -1) if value.ndim == 1 else value.reshape(-1, value.shape[-1])
    if rows.shape[0] > MOST_ROWS:
        rows = pooled(value).cells
    assert found.shape == (*rows.shape, 3)
    np.testing.assert_array_equal(found, colours(rows))
    largest = np.abs(rows).max()
    blue, red = found[..., 2].astype(int), found[..., 0].astype(int)
    assert np.all((blue > red)[rows < -0.01 * largest] if largest else True)
    assert np.all((red > blue)[rows > 0.01 * largest] if largest else True)


@pytest.mark.parametrize(
    ("shape", "cells", "blocks"),
    [
        ((32, 64), (32, 64), (1, 1)),
        ((33, 64), (17, 64), (2, 1)),
        ((64, 128), (32, 64), (2, 2)),
        ((1000,), (1, 63), (1, 16)),
        ((4, 50, 3), (29, 3), (7, 1)),
        ((1, 1), (1, 1), (1, 1)),
    ],
)
def test_large_tensors_are_pooled_into_means(shape, cells, blocks):
    value = np.random.default_rng(1).normal(size=shape)
    found = pooled(value)
    assert found.cells.shape == cells
    assert found.blocks == blocks
    assert cells[0] <= MOST_ROWS
    assert cells[1] <= MOST_COLUMNS
    rows = value.reshape(1, -1) if value.ndim == 1 else value.reshape(-1, shape[-1])
    tall, wide = blocks
    for i, j in itertools.product(range(cells[0]), range(cells[1])):
        block = rows[i * tall : (i + 1) * tall, j * wide : (j + 1) * wide]
        assert found.cells[i, j] == pytest.approx(block.mean(), rel=1e-12, abs=1e-12)
    assert ("each cell the mean" in heatmap(value, "fwd").words) == (blocks != (1, 1))


def test_a_million_entries_make_a_small_picture():
    picture = heatmap(np.random.default_rng(0).normal(size=(1000, 1000)), "grad")
    assert len(picture.rows) <= MOST_ROWS
    assert len(picture.rows[0]) <= 3 * MOST_COLUMNS
    assert len(png_bytes(picture.rows)) < 8000


@pytest.mark.parametrize(
    ("shape", "width", "height"),
    [((20,), 80, 9), ((8,), 56, 9), ((8, 20), 80, 32), ((4, 4), 28, 28)],
)
def test_cells_have_the_sizes_of_the_specification(shape, width, height):
    block = typeset(heatmap(np.ones(shape), "fwd"), "text")
    (mark,) = block.marks
    assert isinstance(mark, PictureMark)
    assert (mark.width, mark.height) == (width, height)
    assert (block.width, block.height) == (width + 2, height + 2)


@pytest.mark.parametrize(
    ("value", "kind"),
    [
        (np.ones(3), Grid),
        (np.ones((3, 3)), Grid),
        (np.ones(4), Picture),
        (np.ones((2, 2, 2)), Picture),
    ],
)
def test_small_tensors_are_numbers_and_others_pictures(value, kind):
    assert isinstance(value_item(value, "fwd"), kind)
    assert has_numbers(value) == (kind is Grid)
    assert is_picture(value) == (kind is Picture)


@pytest.mark.parametrize("shape", [(0,), (3, 0), (0, 0, 2)])
def test_an_empty_tensor_shows_its_shape(shape):
    x = input_wire("x", " ".join(map(str, shape)))
    svg = circuit(f=np.sum(x * 2)).draw(x=np.ones(shape)).svg()
    assert "×".join(map(str, shape)) in "".join(ElementTree.fromstring(svg).itertext())
    assert images(svg) == []


def test_the_figure_shows_the_values_and_gradients_of_the_run():
    target, point = layer()
    run = target.run(**point)
    run.backward()
    found = images(run.draw().svg())
    for name in ("W", "x", "b", "z", "h"):
        record = run[name]
        for array in (record.value, record.upstream):
            rows = np.atleast_2d(array)
            assert any(
                image.shape[:2] == rows.shape and np.array_equal(image, colours(rows))
                for image in found
            )


def words(svg):
    """All text of a figure that a reader sees or selects."""
    root = ElementTree.fromstring(svg)
    return " ".join("".join(text.itertext()) for text in root.iter(f"{SVG}text"))


def test_shape_norm_and_chain_rule_stand_by_the_picture():
    target, point = layer()
    run = target.run(**point)
    run.backward()
    shown = words(run.draw().svg())
    assert "6×5" in shown
    assert f"{np.linalg.norm(run['W'].upstream):.2f}" in shown
    for formula in ("δₐxᵀ", "Wᵀδₐ", "∂L/∂W", "‖·‖₂", "heatmap: blue < 0 < orange"):
        assert formula in shown
    plain = words(run.draw(detail=0).svg())
    assert "∂L/∂W" not in plain
    assert len(images(run.draw(detail=0).svg())) == len(images(run.draw(detail=1).svg())) > 10


def test_a_fan_out_of_tensors_does_not_call_a_part_the_gradient():
    x = input_wire("x", "6")
    value = np.arange(6.0)
    figure = circuit(f=np.sum(np.sin(x)) + x @ x).draw(x=value, legend=False)
    shown = words(figure.svg())
    assert shown.count("∂f/∂x") == 1
    total = np.cos(value) + 2 * value
    assert f"{np.linalg.norm(total):.1f}" in shown
    assert any(np.array_equal(image, colours(total[None])) for image in images(figure.svg()))
    small = circuit(f=np.sum(np.sin(x[:2])) + x[:2] @ x[:2]).draw(x=value)
    ElementTree.fromstring(small.svg())


X, Y, v, s = (input_wire(*sizes) for sizes in (("X", "m n"), ("Y", "n p"), ("v", "n"), ("s",)))


@pytest.mark.parametrize(
    ("wire", "position", "expected"),
    [
        (X @ v, 0, "δ_z vᵀ"),
        (X @ v, 1, "Xᵀδ_z"),
        (X @ Y, 0, "δ_z Yᵀ"),
        (X @ Y, 1, "Xᵀδ_z"),
        (v @ v, 0, "δ_z v"),
        (v * v, 0, "v⊙δ_z"),
        (np.exp(X), 0, "z⊙δ_z"),
        (s * v, 1, "s δ_z"),
        (np.sum(v), 0, "δ_z 1"),
        (v - v, 1, "−δ_z"),
    ],
)
def test_what_a_gate_sends_back_is_written_as_in_textbooks(wire, position, expected):
    names = {X: "X", Y: "Y", v: "v", s: "s", wire: "z"}
    found = plain_text(downstream_latex(wire, position, names))
    assert found.replace(" ", "") == expected.replace(" ", "")


def test_a_gate_without_names_or_matrix_notation_says_nothing():
    assert downstream_latex(X @ v, 0, {}) == ""
    wire = v * v
    assert downstream_latex(wire, 0, {v: "v", wire: "∂f/∂x"}) == ""
    T = input_wire("T", "a b c")
    wire = T * 2
    assert "index" not in downstream_latex(wire, 0, {T: "T", wire: "z"})


@given(st.data())
@settings(max_examples=20, deadline=None)
def test_the_chain_rule_as_written_gives_the_gradient_of_the_run(data):
    """The formulas of a layer, computed as a reader would, are the arrays in the figure."""
    rows, columns = data.draw(st.integers(1, 5)), data.draw(st.integers(1, 5))
    random = np.random.default_rng(data.draw(st.integers(0, 100)))
    target, _ = layer()
    point = {
        "W": random.normal(size=(rows, columns)),
        "x": random.normal(size=columns),
        "b": random.normal(size=rows),
    }
    run = target.run(**point)
    run.backward()
    h, delta_z = run["h"].value, run["z"].upstream
    np.testing.assert_allclose(run["h"].upstream, 2 * h, rtol=1e-12)
    np.testing.assert_allclose(delta_z, h * run["h"].upstream * (1 - h), rtol=1e-9, atol=1e-12)
    np.testing.assert_allclose(run["W"].upstream, np.outer(delta_z, point["x"]), rtol=1e-12)
    np.testing.assert_allclose(run["x"].upstream, point["W"].T @ delta_z, rtol=1e-9, atol=1e-12)


def test_the_header_of_a_circuit_of_tensors_is_in_matrix_notation():
    target, point = layer()
    assert re.search(r"L = .*σ\(Wx \+ b\)", words(target.draw(**point).svg()))


def test_derivatives_by_tensors_and_several_outputs_are_drawn():
    W, x = input_wire("W", "6 5"), input_wire("x", "5")
    point = {"W": np.ones((6, 5)), "x": np.arange(5.0)}
    loss = circuit(f=np.sum(np.tanh(W @ x)))
    for derived in (loss.grad("x"), loss.hessian("x")):
        figure = derived.draw(**point)
        ElementTree.fromstring(figure.svg())
        assert "backward() not run" in words(figure.svg())
    pair = circuit(f=np.sum(np.tanh(W @ x)), g=x @ x)
    assert re.search(r"g = xᵀx", words(pair.draw(**point).svg()))


def test_the_title_of_a_scope_stands_above_wires_that_pass_below_it():
    target, point = layer()
    svg = target.draw(direction="TB", **point).svg()
    assert svg.rindex("-cluster") > svg.rindex("-line")


def test_the_gradient_circuit_is_drawn_and_its_backward_passes_are_the_hessian():
    x, y = input_wires("x y")
    gradient = circuit(f=x**2 * y).grad(["x", "y"])
    figure = gradient.draw(x=1.5, y=2)
    shown = words(figure.svg())
    assert "∇f(x,y)" in shown.replace(" ", "")
    assert "H=[2y,2x;2x,0]" in shown.replace(" ", "")
    for number in ("4.00", "3.00"):  # 2y, 2x
        assert number in shown
    run = gradient.run(x=1.5, y=2)
    assert run.backward("∂f/∂x") == {"x": 4.0, "y": 3.0}
    assert run.backward("∂f/∂y") == {"x": 3.0, "y": 0.0}


@pytest.mark.parametrize("direction", ["LR", "TB"])
@pytest.mark.parametrize("ending", ["tex", "dot", "html", "json", "pdf", "png"])
def test_tensors_are_drawn_in_every_format_and_direction(tmp_path, direction, ending):
    target, point = layer()
    figure = target.draw(direction=direction, **point)
    data = figure.save(tmp_path / f"layer.{ending}").read_bytes()
    assert len(data) > 1000
    if ending == "tex":
        run = target.run(**point)
        first = colours(run["W"].value)[0, 0]
        assert "".join(f"{part:02X}" for part in first) in data.decode()


def test_pictures_say_in_words_what_they_show():
    target, point = layer()
    svg = target.draw(**point).svg()
    value = point["W"]
    low, high = (f"{number:.2f}".replace("-", "−") for number in (value.min(), value.max()))
    assert f"Heatmap of shape 6×5, from {low} to {high}" in svg
