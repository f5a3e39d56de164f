"""Containers of arrays: tuples, lists and dicts, nested, as arguments and results of functions."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import numpy as np

from circuitgrad.errors import ShapeError, SpecError
from circuitgrad.spec import FLOAT32, FLOAT64, format_shape
from circuitgrad.wire import Array, Wire

__all__ = [
    "arrays_of",
    "float_arrays",
    "is_alike",
    "is_container",
    "leaves",
    "mapped",
    "places",
    "rebuilt",
    "same_places",
]


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


def arrays_of(value: Any) -> list[Any]:
    """The arrays of a container in order, as `leaves` without their names."""
    found: list[Any] = []
    pending = [value]
    while pending:
        part = pending.pop()
        if type(part) is dict:
            pending.extend(reversed(part.values()))
        elif type(part) is np.ndarray or not is_container(part):
            found.append(part)
        else:
            pending.extend(reversed(list(part.values() if isinstance(part, dict) else part)))
    return found


def is_alike(first: Any, second: Any) -> bool:
    """Whether two containers are quickly seen to have arrays of one shape in the same places."""
    pending = [(first, second)]
    while pending:
        one, other = pending.pop()
        if type(one) is not type(other):
            return False
        if type(one) is dict:
            if one.keys() != other.keys() or list(one) != list(other):
                return False
            pending.extend((one[key], other[key]) for key in one)
        elif type(one) is not np.ndarray or one.shape != other.shape:
            return False
    return True


def rebuilt(value: Any, parts: Iterator[Any]) -> Any:
    """The container with its arrays replaced, in order, by the parts given."""
    if type(value) is np.ndarray or not is_container(value):
        return next(parts)
    if isinstance(value, dict):
        return type(value)((key, rebuilt(part, parts)) for key, part in value.items())
    found = [rebuilt(part, parts) for part in value]
    return type(value)(*found) if hasattr(value, "_fields") else type(value)(found)


def mapped(function: Callable[[Any], Any], value: Any) -> Any:
    """The container with a function applied to each of its arrays."""
    return rebuilt(value, iter([function(leaf) for _, leaf in leaves(value, "")]))


def places(value: Any) -> list[str]:
    """Where each array of a container stands, in order, as "layer1.W"; "" for an array alone.

    >>> places({"layer1": {"W": 1.0, "b": 2.0}, "scale": 3.0})
    ['layer1.W', 'layer1.b', 'scale']
    """
    found: list[str] = []
    pending: list[tuple[str, Any]] = [("", value)]
    while pending:
        name, part = pending.pop()
        if not is_container(part):
            found.append(name)
            continue
        items = list(part.items() if isinstance(part, dict) else enumerate(part))
        pending.extend((f"{name}.{key}" if name else str(key), x) for key, x in reversed(items))
    return found


def float_arrays(value: Any, what: str) -> Any:
    """The container with its numbers as arrays of float32 (where they are) or float64.

    Raises:
        SpecError: No array at all, or what is not made of real numbers.
    """
    parts = arrays_of(value)
    if all(type(x) is np.ndarray and x.dtype in (FLOAT32, FLOAT64) for x in parts) and parts:
        return value
    names = places(value)
    if not names:
        raise SpecError(f"{what}: got no array; needed at least one, as {{'w': np.zeros(3)}}.")
    pairs = zip(names, parts, strict=True)
    return rebuilt(
        value, iter([_float_array(leaf, f"{what} {name}".rstrip()) for name, leaf in pairs])
    )


def _float_array(value: Any, where: str) -> Array:
    try:
        array = np.asarray(value)
    except (SpecError, TypeError, ValueError) as error:
        raise SpecError(f"{where}: got {value!r}; needed numbers. {error}") from None
    if array.dtype.kind not in "fiub":
        raise SpecError(
            f"{where}: got {type(value).__name__} of dtype {array.dtype}; needed real numbers."
        )
    return array.astype(FLOAT32 if array.dtype == FLOAT32 else FLOAT64, copy=False)


def same_places(value: Any, like: Any, what: str, of: str) -> None:
    """Nothing, if two containers have arrays of the same shapes in the same places.

    Raises:
        SpecError: An array of one that the other has not.
        ShapeError: Arrays of different shapes.
    """
    if is_alike(value, like):
        return
    found, needed = places(value), places(like)
    if found != needed:
        odd = next((n for n in needed if n not in found), None) or next(
            (n for n in found if n not in needed), "another order"
        )
        raise SpecError(
            f"{what}: its arrays are {', '.join(found)}; those of {of} are {', '.join(needed)} "
            f"({odd!r} differs). Give one array for each."
        )
    pairs = zip(needed, leaves(value, ""), leaves(like, ""), strict=True)
    for name, (_, array), (_, model) in pairs:
        if np.shape(array) != np.shape(model):
            raise ShapeError(
                f"{what} {name}".rstrip() + f": got shape {format_shape(np.shape(array))}; "
                f"{of} has {format_shape(np.shape(model))} there."
            )
