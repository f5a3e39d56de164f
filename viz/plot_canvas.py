"""The canvas of figures of training: Matplotlib in the colours of the diagrams."""

import importlib.util
import itertools
from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING, Final, TypeVar

import numpy as np
from numpy.typing import ArrayLike, NDArray

from circuitgrad.errors import BackendError, ShapeError, SpecError
from circuitgrad.viz.themes import DARK, LIGHT, PASS_ROLES, Theme

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.colors import LinearSegmentedColormap
    from matplotlib.figure import Figure

Named = TypeVar("Named")

_NEED: Final = (
    "plots: the package matplotlib is not installed; it is needed for figures of training. "
    "Run: pip install 'circuitgrad[plots]'"
)
_RAMP: Final = ("#2166AC", "#F7F7F7", "#B2460A")  # negative, zero and positive entries


def canvas(
    theme: str, title: str, size: tuple[float, float] = (5.6, 3.4)
) -> tuple["Figure", "Axes", Theme]:
    """A figure with one pair of axes, and its colours.

    Args:
        theme: ``"light"`` or ``"dark"``.
        title: A line above the figure.
        size: In inches.
    """
    figure, grid, colours = canvases(theme, title, 1, 1, size)
    return figure, grid[0], colours


def canvases(
    theme: str, title: str, rows: int, columns: int, size: tuple[float, float]
) -> tuple["Figure", list["Axes"], Theme]:
    """A figure with axes in rows and columns, and its colours.

    Args:
        theme: ``"light"`` or ``"dark"``.
        title: A line above the figure.
        rows: How many axes stand below one another.
        columns: How many stand side by side.
        size: That of each, in inches.

    Raises:
        BackendError: Matplotlib is not installed.
        SpecError: Another theme.
    """
    if importlib.util.find_spec("matplotlib") is None:
        raise BackendError(_NEED)
    if theme not in ("light", "dark"):
        raise SpecError(f"plots: theme is {theme!r}; needed one of light, dark.")
    from matplotlib.figure import Figure

    colours = DARK if theme == "dark" else LIGHT
    inches = (size[0] * columns, size[1] * rows)
    figure = Figure(inches, dpi=150, layout="constrained", facecolor=colours.background)
    grid = figure.subplots(rows, columns, squeeze=False).ravel().tolist()
    for axes in grid:
        _dress(axes, colours)
    if title:
        figure.suptitle(title, color=colours.ink, fontsize=13, fontweight="bold")
    return figure, grid, colours


def _dress(axes: "Axes", colours: Theme) -> None:
    """Axes in the colours of a theme: no box, a faint grid."""
    axes.set_facecolor(colours.background)
    axes.tick_params(colors=colours.dim, labelsize=9, length=3)
    axes.tick_params(which="minor", colors=colours.dim, labelsize=9)
    axes.xaxis.label.set_color(colours.dim)
    axes.yaxis.label.set_color(colours.dim)
    axes.grid(visible=True, color=colours.cluster_edge, linewidth=0.5, alpha=0.6)
    axes.set_axisbelow(True)
    for side in ("top", "right"):
        axes.spines[side].set_visible(False)
    for side in ("left", "bottom"):
        axes.spines[side].set_color(colours.wire)


def legend(axes: "Axes", colours: Theme) -> None:
    """Adds the legend, without a box.

    Args:
        axes: With labelled lines.
        colours: Of the theme.
    """
    axes.legend(frameon=False, fontsize=9, labelcolor=colours.ink)


def cycle(colours: Theme) -> Iterator[str]:
    """The colours of lines, again and again.

    Args:
        colours: Of the theme.
    """
    names = ("fwd", *PASS_ROLES, "loc")
    return itertools.cycle(colours.colours()[name] for name in names)


def diverging() -> "LinearSegmentedColormap":
    """The shades of heatmaps: blue below zero, orange above."""
    from matplotlib.colors import LinearSegmentedColormap

    return LinearSegmentedColormap.from_list("circuitgrad", _RAMP)


def shades(colours: Theme) -> "LinearSegmentedColormap":
    """From the page to the colour of values.

    Args:
        colours: Of the theme.
    """
    from matplotlib.colors import LinearSegmentedColormap

    return LinearSegmentedColormap.from_list("shares", (colours.background, colours.fwd))


def some(named: Mapping[str, Named]) -> Mapping[str, Named]:
    """The same, if it is a mapping that is not empty.

    Args:
        named: What is to be drawn, by name.

    Raises:
        SpecError: It is something else.
    """
    if not isinstance(named, Mapping) or not named:
        got = "no entry" if isinstance(named, Mapping) else type(named).__name__
        raise SpecError(
            f"plots: got {got}; needed arrays by name. Use a dict such as {{'SGD': array}}."
        )
    return named


def numbers(name: str, values: ArrayLike, axes: int | None) -> NDArray[np.float64]:
    """The values as an array of floating-point numbers with so many axes.

    Args:
        name: For messages.
        values: Anything that NumPy takes.
        axes: How many axes there must be; None for any number.

    Raises:
        ShapeError: Another number of axes, or no number at all.
        SpecError: No real numbers.
    """
    try:
        array = np.asarray(values, dtype=float)
    except (TypeError, ValueError) as error:
        raise SpecError(
            f"plots: {name} is no array of real numbers ({error}). Give numbers in rows of one "
            "length."
        ) from None
    if axes is not None and array.ndim != axes:
        raise ShapeError(f"plots: {name} has {array.ndim} axes; needed {axes}. Reshape it.")
    if not array.size:
        raise ShapeError(f"plots: {name} is empty; needed at least one number. Leave it out.")
    return array
