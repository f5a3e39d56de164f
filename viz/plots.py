"""Figures of training in the style of the diagrams: loss curves, paths of optimisers, and more.

They take plain arrays and return figures of Matplotlib, which the extra ``[plots]`` installs.
"""

from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING, Any, Final, TypeAlias

import numpy as np
from numpy.typing import ArrayLike, NDArray

from circuitgrad.errors import ShapeError
from circuitgrad.viz.plot_canvas import (
    canvas,
    canvases,
    cycle,
    diverging,
    legend,
    numbers,
    shades,
    some,
)

if TYPE_CHECKING:
    from matplotlib.animation import FuncAnimation
    from matplotlib.figure import Figure
    from matplotlib.lines import Line2D

Bounds: TypeAlias = tuple[tuple[float, float], tuple[float, float]]

_GRID: Final = 161
_LEVELS: Final = 18
_SHARES: Final = (0.05, 0.25, 0.5, 0.75, 0.95)
_MILLISECONDS: Final = 60


def loss_curves(
    curves: Mapping[str, ArrayLike], *, log: bool = True, theme: str = "light", title: str = ""
) -> "Figure":
    """One line for each loss, by step.

    Args:
        curves: Numbers of every step, by name. NaN makes a gap.
        log: Whether the axis is logarithmic; it is linear where a loss is not positive.
        theme: ``"light"`` or ``"dark"``.
        title: A line above the figure.

    Raises:
        ShapeError: A curve that is not a row of numbers.
        BackendError: Matplotlib is not installed.
    """
    rows = {name: numbers(f"loss {name}", values, 1) for name, values in some(curves).items()}
    figure, axes, colours = canvas(theme, title)
    for colour, (name, values) in zip(cycle(colours), rows.items(), strict=False):
        axes.plot(np.arange(len(values)), values, color=colour, linewidth=1.8, label=name)
    known = np.concatenate(list(rows.values()))
    if log and np.all(known[np.isfinite(known)] > 0):
        axes.set_yscale("log")
    axes.set_xlabel("step")
    axes.set_ylabel("loss")
    legend(axes, colours)
    return figure


def optimiser_paths(
    function: Callable[[Any, Any], Any],
    paths: Mapping[str, ArrayLike],
    *,
    bounds: Bounds | None = None,
    theme: str = "light",
    title: str = "",
) -> "Figure":
    """The ways of optimisers over the contours of a function of two numbers.

    Args:
        function: Takes two arrays, and gives the values at their entries.
        paths: Places of every step, an array with two columns, by name.
        bounds: The ranges of both axes; by default those of the paths, with room around.
        theme: ``"light"`` or ``"dark"``.
        title: A line above the figure.

    Raises:
        ShapeError: A path without two columns.
        BackendError: Matplotlib is not installed.
    """
    figure, _, _ = _contours(function, _paths(paths), bounds, theme, title)
    return figure


def animated_paths(
    function: Callable[[Any, Any], Any],
    paths: Mapping[str, ArrayLike],
    *,
    bounds: Bounds | None = None,
    theme: str = "light",
    title: str = "",
) -> "FuncAnimation":
    """The same, step by step: an animation that ``.save("path.gif", writer="pillow")`` writes.

    Args:
        function: As in ``optimiser_paths``.
        paths: As in ``optimiser_paths``.
        bounds: As in ``optimiser_paths``.
        theme: ``"light"`` or ``"dark"``.
        title: A line above the figure.

    Raises:
        ShapeError: A path without two columns.
        BackendError: Matplotlib is not installed.
    """
    found = _paths(paths)
    figure, lines, ends = _contours(function, found, bounds, theme, title)
    from matplotlib.animation import FuncAnimation

    def show(step: int) -> list[Any]:
        for line, end, path in zip(lines, ends, found.values(), strict=True):
            part = path[: step + 1]
            line.set_data(part[:, 0], part[:, 1])
            end.set_data(part[-1:, 0], part[-1:, 1])
        return [*lines, *ends]

    steps = max(len(path) for path in found.values())
    return FuncAnimation(figure, show, frames=steps, interval=_MILLISECONDS, blit=False)


def activation_curves(
    functions: Mapping[str, tuple[ArrayLike, ArrayLike]],
    places: ArrayLike,
    *,
    theme: str = "light",
    title: str = "",
) -> "Figure":
    """Activation functions, each with its derivative: values and gradients in their own colours.

    Args:
        functions: Values and derivatives at the places, by name.
        places: Where they were taken.
        theme: ``"light"`` or ``"dark"``.
        title: A line above the figure.

    Raises:
        ShapeError: Values or derivatives that do not fit the places.
        BackendError: Matplotlib is not installed.
    """
    at = numbers("places", places, 1)
    names = list(some(functions))
    columns = min(len(names), 4)
    rows = -(-len(names) // columns)
    figure, grid, colours = canvases(theme, title, rows, columns, (2.6, 2.0))
    for axes, name in zip(grid, names, strict=False):
        for values, role, label in zip(
            functions[name], (colours.fwd, colours.grad), ("value", "derivative"), strict=True
        ):
            found = numbers(f"{label} of {name}", values, 1)
            if found.shape != at.shape:
                raise ShapeError(
                    f"plots: {label} of {name} has {len(found)} numbers; there are {len(at)} "
                    "places. Give one for each place."
                )
            axes.plot(at, found, color=role, linewidth=1.8, label=label)
        axes.axhline(0.0, color=colours.wire, linewidth=0.6, zorder=0)
        axes.set_title(name, color=colours.ink, fontsize=10)
    for axes in grid[len(names) :]:
        axes.set_axis_off()
    legend(grid[0], colours)
    return figure


def layer_spreads(
    activations: Mapping[str, ArrayLike],
    gradients: Mapping[str, ArrayLike],
    *,
    theme: str = "light",
    title: str = "",
) -> "Figure":
    """How activations and gradients are spread in every layer: what vanishes, what explodes.

    Bands hold half and nine tenths of the sizes of the entries, on a logarithmic axis.

    Args:
        activations: Numbers of every layer, by name, in any shape.
        gradients: The same for the gradients.
        theme: ``"light"`` or ``"dark"``.
        title: A line above the figure.

    Raises:
        BackendError: Matplotlib is not installed.
    """
    figure, grid, colours = canvases(theme, title, 1, 2, (3.6, 2.8))
    parts = ((activations, colours.fwd, "activations"), (gradients, colours.grad, "gradients"))
    for axes, (layers, colour, name) in zip(grid, parts, strict=True):
        spreads = [_spread(f"{name} of {key}", values) for key, values in some(layers).items()]
        low5, low, middle, high, high95 = np.array(spreads).T
        at = np.arange(len(spreads))
        axes.fill_between(at, low5, high95, color=colour, alpha=0.18, linewidth=0, label="90 %")
        axes.fill_between(at, low, high, color=colour, alpha=0.35, linewidth=0, label="50 %")
        axes.plot(at, middle, "o-", color=colour, linewidth=1.8, markersize=4, label="median")
        axes.set_xticks(at, list(layers), rotation=30, ha="right")
        axes.set_title(f"size of {name}", color=colours.ink, fontsize=10)
        if np.any(middle > 0):
            axes.set_yscale("log")
        legend(axes, colours)
    return figure


def class_templates(
    templates: ArrayLike,
    names: Sequence[str] = (),
    *,
    theme: str = "light",
    title: str = "",
) -> "Figure":
    """The weights of every class as a picture, with one scale that is symmetric about zero.

    Args:
        templates: One picture for each class: classes × height × width.
        names: The names of the classes.
        theme: ``"light"`` or ``"dark"``.
        title: A line above the figure.

    Raises:
        ShapeError: Another number of axes, or of names.
        BackendError: Matplotlib is not installed.
    """
    pictures = numbers("templates", templates, 3)
    _check_names(names, len(pictures))
    columns = min(len(pictures), 5)
    rows = -(-len(pictures) // columns)
    figure, grid, colours = canvases(theme, title, rows, columns, (1.4, 1.5))
    top = float(np.max(np.abs(pictures[np.isfinite(pictures)]), initial=0.0)) or 1.0
    for k, axes in enumerate(grid):
        axes.set_axis_off()
        if k < len(pictures):
            axes.imshow(pictures[k], cmap=diverging(), vmin=-top, vmax=top)
            axes.set_title(names[k] if names else str(k), color=colours.ink, fontsize=10)
    return figure


def confusion_matrix(
    counts: ArrayLike, names: Sequence[str] = (), *, theme: str = "light", title: str = ""
) -> "Figure":
    """How often each class (row) was taken for each (column), as numbers on shades.

    Args:
        counts: A square matrix of counts.
        names: The names of the classes.
        theme: ``"light"`` or ``"dark"``.
        title: A line above the figure.

    Raises:
        ShapeError: A matrix that is not square, or another number of names.
        BackendError: Matplotlib is not installed.
    """
    matrix = numbers("counts", counts, 2)
    if matrix.shape[0] != matrix.shape[1]:
        raise ShapeError(
            f"plots: the counts are {matrix.shape[0]}×{matrix.shape[1]}; needed a square matrix. "
            "Give a row and a column for every class."
        )
    _check_names(names, len(matrix))
    figure, axes, colours = canvas(theme, title, (1.6 + 0.42 * len(matrix),) * 2)
    shares = matrix / np.maximum(matrix.sum(axis=1, keepdims=True), 1)
    axes.imshow(shares, cmap=shades(colours), vmin=0.0, vmax=1.0)
    for (i, j), share in np.ndenumerate(shares):
        ink = colours.background if share > 1 / 2 else colours.ink
        axes.text(j, i, f"{matrix[i, j]:g}", ha="center", va="center", color=ink, fontsize=9)
    labels = list(names) or [str(k) for k in range(len(matrix))]
    axes.set_xticks(range(len(labels)), labels, rotation=45 if names else 0)
    axes.set_yticks(range(len(labels)), labels)
    axes.set_xlabel("predicted")
    axes.set_ylabel("true")
    axes.grid(visible=False)
    return figure


# Paths on contours -------------------------------------------------------------------------------


def _paths(paths: Mapping[str, ArrayLike]) -> dict[str, NDArray[np.float64]]:
    """The paths as arrays with two columns."""
    found = {name: numbers(f"path {name}", path, 2) for name, path in some(paths).items()}
    for name, path in found.items():
        if path.shape[1] != len("xy"):
            raise ShapeError(
                f"plots: path {name} has {path.shape[1]} columns; needed 2. Give x and y of "
                "every step."
            )
    return found


def _contours(
    function: Callable[[Any, Any], Any],
    paths: Mapping[str, NDArray[np.float64]],
    bounds: Bounds | None,
    theme: str,
    title: str,
) -> tuple["Figure", list["Line2D"], list["Line2D"]]:
    """The contours with the paths, each a line and a dot at its end."""
    figure, axes, colours = canvas(theme, title, (5.2, 4.2))
    across, up = _around(paths, 0), _around(paths, 1)
    if bounds is not None:
        across, up = bounds
    x, y = np.meshgrid(np.linspace(*across, _GRID), np.linspace(*up, _GRID))
    with np.errstate(all="ignore"):
        heights = np.broadcast_to(np.asarray(function(x, y), dtype=float), x.shape)
    known = heights[np.isfinite(heights)]
    if known.size and np.ptp(known) > 0:
        # Levels at equal shares of the area show valleys that are much flatter than their walls.
        levels = np.unique(np.quantile(known, np.linspace(0.01, 0.99, _LEVELS)))
        axes.contour(x, y, heights, levels=levels, colors=colours.wire, linewidths=0.7, alpha=0.7)
    lines, ends = [], []
    for colour, (name, path) in zip(cycle(colours), paths.items(), strict=False):
        lines += axes.plot(path[:, 0], path[:, 1], ".-", color=colour, markersize=4, label=name)
        ends += axes.plot(path[-1:, 0], path[-1:, 1], "o", color=colour, markersize=8)
    axes.set_xlim(*across)
    axes.set_ylim(*up)
    axes.grid(visible=False)
    legend(axes, colours)
    return figure, lines, ends


def _around(paths: Mapping[str, NDArray[np.float64]], column: int) -> tuple[float, float]:
    """The range of all paths along one axis, with room around."""
    values = np.concatenate([path[:, column] for path in paths.values()])
    values = values[np.isfinite(values)]
    low, high = (values.min(), values.max()) if values.size else (0.0, 0.0)
    room = 0.2 * (high - low) or 1.0
    return float(low - room), float(high + room)


def _spread(name: str, values: ArrayLike) -> NDArray[np.float64]:
    """Five quantiles of the sizes of some numbers."""
    sizes = np.abs(numbers(name, values, None)).ravel()
    sizes = sizes[np.isfinite(sizes)]
    if not sizes.size:
        raise ShapeError(
            f"plots: {name} holds no finite number; needed at least one. Leave it out."
        )
    return np.asarray(np.quantile(sizes, _SHARES))


def _check_names(names: Sequence[str], count: int) -> None:
    """Refuses another number of names than of classes."""
    if names and len(names) != count:
        raise ShapeError(
            f"plots: got {len(names)} names; there are {count} classes. Give one name for each."
        )
