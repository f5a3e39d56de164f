"""Arrays and indices as Python writes them, exactly."""

from __future__ import annotations

import ast
from typing import Any

import numpy as np

from circuitgrad.errors import SpecError
from circuitgrad.plans.source_text import call, number, numpy, printed, subscript, tuple_of
from circuitgrad.sources import ArrayKey
from circuitgrad.wire import Array

LARGEST_LITERAL = 1000


def array_literal(array: Array, where: str) -> ast.expr:
    """An array as an expression that gives it back exactly.

    Raises:
        SpecError: More than 1000 entries that are not all equal.
    """
    is_single = array.dtype == np.float32
    kind = {"dtype": numpy("float32")} if is_single else {}
    shape = tuple_of([number(n) for n in array.shape])
    if array.dtype.kind == "f" and (not array.size or _is_full(array)):
        first = float(array.flat[0]) if array.size else 0.0
        if first in (0.0, 1.0) and not np.signbit(first):
            return call("ones" if first else "zeros", shape, **kind)
        return call("full", shape, _entry(array.flat[0]), **kind)
    square = array.ndim == 2 and array.shape[0] == array.shape[1]
    if array.dtype.kind == "f" and square and _is_identity(array):
        return call("eye", number(len(array)), **kind)
    if array.size > LARGEST_LITERAL:
        raise SpecError(
            f"{where}: a constant of shape {array.shape} has {array.size} entries; at most "
            f"{LARGEST_LITERAL} are written out. Make it an input of the circuit."
        )
    kind |= {"dtype": numpy("intp")} if array.dtype.kind == "i" and not array.size else {}
    return call("array", _nested(array), **kind)


def _is_full(array: Array) -> bool:
    return len({entry.tobytes() for entry in array.reshape(-1)}) == 1


def _is_identity(array: Array) -> bool:
    return bool(np.array_equal(array, np.eye(len(array)))) and not np.any(np.signbit(array))


def _entry(value: Any) -> ast.expr:
    if isinstance(value, np.integer):
        return number(int(value))
    return number(float(str(value)) if isinstance(value, np.float32) else float(value), whole=False)


def _nested(array: Array) -> ast.expr:
    if not array.ndim:
        return _entry(array[()])
    return ast.List([_nested(part) for part in array])


def index_literal(key: tuple[Any, ...]) -> ast.expr:
    """An index as np.s_[…]."""
    return subscript(numpy("s_"), [_part(part) for part in key])


def _part(part: Any) -> ast.expr:
    if isinstance(part, ArrayKey):
        return array_literal(part.array(), "numpy_source")
    if isinstance(part, tuple):
        start, stop, step = (None if n is None else number(n) for n in part)
        if part[0] == 0 and (part[2] or 1) > 0:
            start = None
        return ast.Slice(start, stop, None if part[2] == 1 else step)
    return number(part)


def definition_text(title: str, value: ast.expr, width: int) -> str:
    """The line that gives a value its name, or several lines that a formatter leaves alone."""
    line = f"{title} = {printed(value)}"
    if len(line) <= width:
        return line
    lines, rest = [], line
    while len(rest) > width:  # between entries, where Python's brackets are still open
        cut = rest.rfind(", ", 0, width)
        if cut < 0:
            break
        lines.append(rest[: cut + 1])
        rest = "    " + rest[cut + 2 :]
    return "\n".join(["# fmt: off", *lines, rest, "# fmt: on"])
