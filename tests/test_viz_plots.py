"""Figures of training: what they show, in which colours, and what they refuse."""

import importlib.util

import numpy as np
import pytest
from matplotlib.colors import to_rgba
from PIL import Image

from circuitgrad.errors import BackendError, ShapeError, SpecError
from circuitgrad.viz import plots
from circuitgrad.viz.themes import DARK, LIGHT

PATHS = {"descent": [[0.0, 0.0], [1.0, 2.0], [1.5, 2.5]], "momentum": [[0, 0], [2, 1]]}


def bowl(x, y):
    return x**2 + 3 * y**2


def every_figure(theme):
    x = np.linspace(-1, 1, 5)
    layers = {"a": np.ones((3, 2)), "b": np.array([0.1, 10.0])}
    return [
        plots.loss_curves({"SGD": [3, 2, 1.5]}, theme=theme, title="Loss"),
        plots.optimiser_paths(bowl, PATHS, theme=theme),
        plots.activation_curves({"square": (x**2, 2 * x)}, x, theme=theme),
        plots.layer_spreads(layers, layers, theme=theme),
        plots.class_templates(np.ones((3, 4, 4)), theme=theme),
        plots.confusion_matrix([[5, 1], [0, 4]], ["cat", "dog"], theme=theme),
    ]


@pytest.mark.parametrize(("theme", "colours"), [("light", LIGHT), ("dark", DARK)])
def test_figures_have_the_colours_of_the_diagrams_and_are_not_blank(tmp_path, theme, colours):
    for number, figure in enumerate(every_figure(theme)):
        assert figure.get_facecolor() == to_rgba(colours.background)
        figure.savefig(tmp_path / f"{number}.png", dpi=50)
        with Image.open(tmp_path / f"{number}.png") as picture:
            assert len(picture.convert("RGB").getcolors(100_000)) > 10


def test_curves_hold_the_numbers_that_were_given():
    figure = plots.loss_curves({"SGD": [4.0, 2.0, 1.0], "Adam": [4.0, 1.0]})
    (axes,) = figure.axes
    assert [line.get_label() for line in axes.get_lines()] == ["SGD", "Adam"]
    np.testing.assert_array_equal(axes.get_lines()[0].get_ydata(), [4, 2, 1])
    assert axes.get_yscale() == "log"
    assert plots.loss_curves({"SGD": [1.0, 0.0, -1.0]}).axes[0].get_yscale() == "linear"


def test_a_loss_that_is_nan_makes_a_gap():
    figure = plots.loss_curves({"SGD": [1.0, np.nan, 0.5]})
    assert np.isnan(figure.axes[0].get_lines()[0].get_ydata()[1])


def test_derivatives_stand_in_the_colour_of_gradients():
    x = np.linspace(-1, 1, 5)
    axes = plots.activation_curves({"square": (x**2, 2 * x)}, x).axes[0]
    colours = {line.get_label(): line.get_color() for line in axes.get_lines()[:2]}
    assert colours == {"value": LIGHT.fwd, "derivative": LIGHT.grad}


def test_medians_of_layers_are_those_of_the_sizes():
    figure = plots.layer_spreads({"a": [-1.0, 2.0, -3.0]}, {"a": [0.1]})
    assert figure.axes[0].get_lines()[0].get_ydata() == [2]


def test_a_confusion_matrix_shows_every_count():
    figure = plots.confusion_matrix([[5, 1], [0, 4]])
    assert [text.get_text() for text in figure.axes[0].texts] == ["5", "1", "0", "4"]


def test_an_animation_has_a_frame_for_every_step(tmp_path):
    animation = plots.animated_paths(bowl, PATHS)
    animation.save(tmp_path / "path.gif", writer="pillow", dpi=40)
    with Image.open(tmp_path / "path.gif") as picture:
        assert picture.n_frames == 3


@pytest.mark.parametrize(
    ("make", "kind", "message"),
    [
        (lambda: plots.loss_curves({}), SpecError, "no entry"),
        (lambda: plots.loss_curves([1, 2]), SpecError, "got list"),
        (lambda: plots.loss_curves({"a": [[1]]}), ShapeError, "has 2 axes; needed 1"),
        (lambda: plots.loss_curves({"a": []}), ShapeError, "is empty"),
        (lambda: plots.loss_curves({"a": ["x"]}), SpecError, "no array of real numbers"),
        (lambda: plots.loss_curves({"a": [1]}, theme="blue"), SpecError, "'blue'"),
        (lambda: plots.optimiser_paths(bowl, {"a": [[1, 2, 3]]}), ShapeError, "3 columns"),
        (lambda: plots.confusion_matrix([[1, 2]]), ShapeError, "square"),
        (lambda: plots.confusion_matrix([[1]], ["a", "b"]), ShapeError, "2 names"),
        (lambda: plots.class_templates([[1]]), ShapeError, "needed 3"),
        (lambda: plots.activation_curves({"a": ([1], [1])}, [1, 2]), ShapeError, "2 places"),
        (lambda: plots.layer_spreads({"a": [np.nan]}, {"a": [1]}), ShapeError, "no finite"),
    ],
)
def test_what_cannot_be_drawn_is_refused(make, kind, message):
    with pytest.raises(kind, match=message):
        make()


def test_one_point_and_a_constant_function_are_drawn():
    assert plots.optimiser_paths(lambda x, y: 1.0, {"a": [[0, 0]]}).axes
    assert plots.loss_curves({"a": 3 * [1]}).axes


def test_without_matplotlib_the_error_names_the_extra(monkeypatch):
    find = importlib.util.find_spec
    monkeypatch.setattr(
        importlib.util, "find_spec", lambda name: None if name == "matplotlib" else find(name)
    )
    with pytest.raises(BackendError, match=r"pip install 'circuitgrad\[plots\]'"):
        plots.loss_curves({"a": [1.0]})
