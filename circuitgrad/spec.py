"""Specs: what is known of a wire before it runs.

Its shape with integer or named axes and its dtype.
"""

from __future__ import annotations

import contextlib
import operator
import re
from collections.abc import Iterable, Mapping, MutableMapping, Sequence
from dataclasses import dataclass
from typing import Any, TypeAlias

import numpy as np
from numpy.typing import NDArray

from circuitgrad.errors import ShapeError, SpecError

Axis: TypeAlias = int | str
Shape: TypeAlias = tuple[Axis, ...]
DType: TypeAlias = "np.dtype[Any]"

FLOAT64: DType = np.dtype(np.float64)
FLOAT32: DType = np.dtype(np.float32)
_AXIS_NAME = re.compile(r"[^\W\d]\w*")


@dataclass(frozen=True, slots=True)
class Spec:
    """The shape and the dtype of a wire.

    Attributes:
        shape: One axis per dimension: an integer size, or a name that stands for any size.
        dtype: float64 or float32.
    """

    shape: Shape = ()
    dtype: DType = FLOAT64


SCALAR = Spec()


def unmasked(value: Any) -> NDArray[Any]:
    """A value as an array.

    Raises:
        ValueError: A masked array with masked entries, which would count as entries like others.
    """
    if isinstance(value, np.ma.MaskedArray) and np.ma.is_masked(value):
        raise ValueError("A mask would be lost. Use np.where with the mask, or value.filled(0).")
    return np.asarray(value)


def parse_dtype(dtype: Any) -> DType:
    """The NumPy dtype, float64 or float32; anything else raises SpecError."""
    with contextlib.suppress(TypeError):
        parsed = np.dtype(dtype)
        for known in (FLOAT64, FLOAT32):
            if parsed == known:
                return known
    raise SpecError(
        f"dtype: got {dtype!r}; circuits compute in 'float64' or 'float32'. Choose one of them."
    )


def parse_shape(shape: str | int | Iterable[Axis]) -> Shape:
    """The axes of a shape given as text ("m n", "3,n"), as one size or as a sequence.

    >>> parse_shape("m n"), parse_shape("3, n"), parse_shape(4), parse_shape(())
    (('m', 'n'), (3, 'n'), (4,), ())
    """
    if isinstance(shape, str):
        parts: Sequence[Any] = (
            re.split(r"[\s,]+", shape.strip(" ,()")) if shape.strip(" ,()") else ()
        )
    elif isinstance(shape, int | np.integer):
        parts = (shape,)
    elif isinstance(shape, Iterable):
        parts = tuple(shape)
    else:
        raise SpecError(f"shape: got {shape!r}; needed sizes or names, as \"m n\" or (3, 'n').")
    return tuple(_parse_axis(part, shape) for part in parts)


def _parse_axis(part: Any, whole: Any) -> Axis:
    if isinstance(part, str) and part.isdecimal():
        part = int(part)
    if isinstance(part, bool) or not isinstance(part, str | int | np.integer):
        raise SpecError(f"shape {whole!r}: axis {part!r} is neither a size nor a name.")
    if isinstance(part, str):
        if not _AXIS_NAME.fullmatch(part):
            raise SpecError(
                f"shape {whole!r}: axis {part!r} is neither a size nor a name like 'n'."
            )
        return part
    if part < 0:
        raise ShapeError(f"shape {whole!r}: a size cannot be negative ({part}).")
    return int(part)


def format_shape(shape: Shape) -> str:
    """A shape as people write it: (m, 3), with the trailing comma of one-tuples kept.

    >>> format_shape(("m", 3)), format_shape((4,)), format_shape(())
    ('(m, 3)', '(4,)', '()')
    """
    return f"({shape[0]},)" if len(shape) == 1 else f"({', '.join(map(str, shape))})"


def broadcast_axes(shapes: Sequence[Shape], names: Sequence[str], where: str) -> Shape:
    """The common shape under NumPy's broadcasting rules; a named axis equals only itself or 1.

    Raises:
        ShapeError: Two axes differ; the message names both operands.
    """
    rank = max((len(shape) for shape in shapes), default=0)
    result: list[Axis] = [1] * rank
    owner = [0] * rank
    for k, shape in enumerate(shapes):
        for position, axis in enumerate(shape, start=rank - len(shape)):
            if axis == 1 or axis == result[position]:
                continue
            if result[position] != 1:
                first = owner[position]
                raise ShapeError(
                    f"{where}: {names[first]} is {format_shape(shapes[first])} but {names[k]} is "
                    f"{format_shape(shape)}: {result[position]} ≠ {axis}. "
                    "Shapes must be equal, or 1, counted from the last axis."
                )
            result[position], owner[position] = axis, k
    return tuple(result)


def resolve_shape(shape: Shape, sizes: Mapping[str, int]) -> tuple[int, ...]:
    """The shape with every named axis replaced by its size."""
    return tuple(sizes[axis] if isinstance(axis, str) else axis for axis in shape)


def bind_shape(
    name: str, shape: Shape, actual: tuple[int, ...], sizes: MutableMapping[str, int]
) -> None:
    """Check an array's shape against a wire's, and record the sizes of its named axes.

    Raises:
        ShapeError: Another rank, another size, or a named axis with two sizes.
    """
    if len(shape) != len(actual):
        raise ShapeError(
            f"input '{name}': got an array of shape {format_shape(actual)}; needed "
            + (f"{format_shape(shape)}. Pass {len(shape)} axes." if shape else "(), one number.")
        )
    for axis, size in zip(shape, actual, strict=True):
        expected = sizes.setdefault(axis, size) if isinstance(axis, str) else axis
        if expected != size:
            told = f" (axis {axis} is {expected} elsewhere)" if isinstance(axis, str) else ""
            raise ShapeError(
                f"input '{name}': got an array of shape {format_shape(actual)}; "
                f"needed {format_shape(shape)}{told}. {expected} ≠ {size}."
            )


def axis_number(axis: Any, where: str) -> int:
    """An axis as a plain integer; SpecError for anything that does not count as one."""
    try:
        return operator.index(axis)
    except TypeError:
        raise SpecError(f"{where}: axis {axis!r}; needed a whole number such as 0 or -1.") from None


def normalize_axes(axis: int | Iterable[int] | None, rank: int, where: str) -> tuple[int, ...]:
    """Axis numbers as a sorted tuple in 0..rank-1; None means all of them.

    Raises:
        ShapeError: An axis out of range or given twice.
    """
    if axis is None:
        return tuple(range(rank))
    listed = list(axis) if isinstance(axis, tuple | list) else [axis]
    given = tuple(axis_number(number, where) for number in listed)
    for number in given:
        if not -rank <= number < rank:
            raise ShapeError(f"{where}: axis {number} of a wire with {rank} axes.")
    axes = tuple(sorted(int(number) % rank for number in given))
    if len(set(axes)) != len(axes):
        raise ShapeError(f"{where}: axis given twice in {given}.")
    return axes
