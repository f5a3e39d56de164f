"""Values on the wires of a figure: numbers, small matrices, or the heatmaps of tensors."""

from typing import Final

import numpy as np

from circuitgrad.viz.account import Tensor, Value
from circuitgrad.viz.content import Caution, Grid, Item, Maths, Row, line
from circuitgrad.viz.heatmaps import heatmap
from circuitgrad.viz.numbers import exact_number, format_number
from circuitgrad.viz.themes import Role

NUMBER_SIZE: Final = 12.5
_SMALL: Final = 9.5
_BADGE: Final = 9.5
_MOST_SHOWN: Final = 3


def scalar(value: Value) -> float | None:
    """The value as a number, or None where it is missing or a tensor.

    Args:
        value: What a wire carries.
    """
    if value is None or np.ndim(value) > 0:
        return None
    return float(value)


def is_zero(value: Value) -> bool:
    """Whether the value is there and zero in every entry.

    Args:
        value: What a wire carries.
    """
    return value is not None and not np.any(value)


def is_finite(value: Value) -> bool:
    """Whether every entry of the value is finite; a missing value counts as finite.

    Args:
        value: What a wire carries.
    """
    return value is None or bool(np.all(np.isfinite(value)))


def shape_text(shape: tuple[int | str, ...]) -> str:
    """The shape as a badge shows it.

    Args:
        shape: Sizes or names of axes.

    >>> shape_text((8, "n"))
    '8×n'
    """
    return "×".join(str(axis) for axis in shape)


def value_item(value: Value, role: Role, pattern: str | None = None) -> Item:
    """The value in its colour; what is not finite in the colour of warnings, with a sign.

    Args:
        value: What a wire carries.
        role: ``"fwd"`` for values; the colour of a pass for gradients, which are bold.
        pattern: As in ``numbers.format_number``.
    """
    if value is None:
        return line(format_number(None), "dim", NUMBER_SIZE)
    if np.ndim(value) > 0:
        return _tensor_item(np.asarray(value), role, pattern)
    return _number_item(float(value), role, NUMBER_SIZE, pattern)


def _number_item(value: float, role: Role, size: float, pattern: str | None) -> Item:
    """One number."""
    text = format_number(value, pattern)
    if not np.isfinite(value):
        return Row((Caution(size), line(f" {text}", "alert", size, "bold")))
    if role == "fwd":
        return line(text, role, size)
    return line("0" if value == 0 else text, "dim" if value == 0 else role, size, "bold")


def _tensor_item(value: Tensor, role: Role, pattern: str | None) -> Item:
    """A small matrix in full, else a heatmap; what is empty shows its shape alone."""
    if not value.size:
        return badge_item(value.shape)
    if has_numbers(value):
        rows = np.atleast_2d(value) if value.ndim == 2 else value.reshape(1, -1)
        cells = tuple(
            tuple(_number_item(float(number), role, _SMALL, pattern) for number in row)
            for row in rows
        )
        return Grid(cells, role, column_gap=7.0, row_gap=1.0)
    return heatmap(value, role)


def has_numbers(value: Value) -> bool:
    """Whether a figure shows every number of the value.

    Args:
        value: What a wire carries.
    """
    if value is None:
        return False
    array = np.asarray(value)
    return array.ndim <= 2 and array.size > 0 and max(array.shape, default=1) <= _MOST_SHOWN


def is_picture(value: Value) -> bool:
    """Whether a figure shows the value as a heatmap.

    Args:
        value: What a wire carries.
    """
    return (
        value is not None and np.size(value) > 0 and np.ndim(value) > 0 and not has_numbers(value)
    )


def badge_item(shape: tuple[int | str, ...]) -> Item:
    """The shape of a tensor in small print.

    Args:
        shape: Sizes or names of axes.
    """
    return line(shape_text(shape), "dim", _BADGE)


def norm_item(value: Tensor, pattern: str | None = None) -> Item:
    """The Euclidean norm of a tensor in small print.

    Args:
        value: The gradient of a wire.
        pattern: As in `numbers.format_number`.
    """
    norm = float(np.linalg.norm(np.asarray(value, dtype=np.float64).reshape(-1)))
    if np.isfinite(norm):
        number: Item = line(format_number(norm, pattern), "dim", _BADGE)
    else:
        number = _number_item(norm, "alert", _BADGE, pattern)
    return Row((Maths(r"\|{\cdot}\|_{2}", "dim", _BADGE), number), gap=3.0)


def value_words(value: Value) -> str:
    """The value in words: a number with all its digits, or the shape and norm of a tensor.

    Args:
        value: What a wire carries.
    """
    if value is None:
        return "not computed"
    if np.ndim(value) == 0:
        return exact_number(float(value))
    array = np.asarray(value)
    norm = format_number(float(np.linalg.norm(array.reshape(-1))))
    return f"a tensor of shape {shape_text(array.shape)} with norm {norm}"
