"""Containers of arrays: tuples, lists and dicts, nested, as arguments and results of functions."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import numpy as np

from circuitgrad.wire import Wire

__all__ = ["is_container", "leaves", "mapped", "rebuilt"]


def is_container(value: Any) -> bool:
    """Whether a value is a dict, a tuple, or a list of arrays (a list of numbers is an array)."""
    if isinstance(value, dict | tuple):
        return True
    return isinstance(value, list) and any(
        isinstance(x, Wire) or is_container(x) or (isinstance(x, np.ndarray) and x.ndim > 0)
        for x in value
    )


def leaves(value: Any, name: str) -> Iterator[tuple[str, Any]]:
    """The arrays of a container in order, each with a name made of the places that lead to it."""
    if not is_container(value):
        yield name, value
        return
    items = value.items() if isinstance(value, dict) else enumerate(value)
    for key, part in items:
        yield from leaves(part, f"{name}_{key}")


def rebuilt(value: Any, parts: Iterator[Any]) -> Any:
    """The container with its arrays replaced, in order, by the parts given."""
    if not is_container(value):
        return next(parts)
    if isinstance(value, dict):
        return type(value)((key, rebuilt(part, parts)) for key, part in value.items())
    found = [rebuilt(part, parts) for part in value]
    return type(value)(*found) if hasattr(value, "_fields") else type(value)(found)


def mapped(function: Callable[[Any], Any], value: Any) -> Any:
    """The container with a function applied to each of its arrays."""
    return rebuilt(value, iter([function(leaf) for _, leaf in leaves(value, "")]))
