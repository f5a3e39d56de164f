"""What layers and losses are given, checked; results as numbers where the arguments were."""

from __future__ import annotations

import functools
from collections.abc import Callable
from typing import Any, TypeVar, cast

import numpy as np

from circuitgrad.containers import is_container, leaves, mapped
from circuitgrad.errors import DomainError, ShapeError, SpecError
from circuitgrad.grammar import nearest
from circuitgrad.spec import format_shape
from circuitgrad.wire import Wire, known_value

Function = TypeVar("Function", bound=Callable[..., Any])


def numeric(function: Function) -> Function:
    """The function giving arrays where it is given arrays, and wires where it is given wires."""

    @functools.wraps(function)
    def wrapped(*args: Any, **kwargs: Any) -> Any:
        result = function(*args, **kwargs)
        given = (*args, *kwargs.values())
        if any(isinstance(x, Wire) for part in given for _, x in leaves(part, "")):
            return result
        return mapped(_value, result) if is_container(result) else _value(result)

    return cast(Function, wrapped)


def _value(result: Any) -> Any:
    if not isinstance(result, Wire):
        return result
    value = known_value(result)
    return np.array(value) if value.ndim else value[()].item()


def part(parameters: Any, name: str, layer: str) -> Any:
    """An array of a layer's parameters, by name."""
    if not isinstance(parameters, dict):
        raise SpecError(
            f"{layer}: the parameters are {type(parameters).__name__}; needed a dict with '{name}'."
        )
    if name not in parameters:
        raise SpecError(
            f"{layer}: the parameters have no '{name}'.{nearest(name, map(str, parameters))}"
        )
    return parameters[name]


def check_ranks(array: Any, ranks: tuple[int, ...], what: str) -> None:
    """ShapeError unless an array has one of these numbers of axes."""
    if np.ndim(array) not in ranks:
        needed = " or ".join(map(str, ranks))
        raise ShapeError(
            f"{what}: got shape {format_shape(np.shape(array))}; needed {needed} axes."
        )


def check_equal_shapes(first: Any, second: Any, what: str, of: str) -> None:
    """ShapeError unless two arrays have one shape: broadcasting would hide a mistake here."""
    if np.shape(first) != np.shape(second):
        raise ShapeError(
            f"{what}: got shape {format_shape(np.shape(first))}; {of} has "
            f"{format_shape(np.shape(second))}. Give both the same shape."
        )


def share(value: Any, what: str, zero: bool = False, one: bool = False) -> float:
    """A number between 0 and 1, the ends where they are allowed."""
    if isinstance(value, bool) or not isinstance(value, int | float | np.number):
        raise SpecError(f"{what}: got {value!r}; needed a number.")
    inside = 0 < value < 1 or (zero and value == 0) or (one and value == 1)
    if not inside:
        raise DomainError(f"{what}: got {value!r}; needed a number between 0 and 1.")
    return float(value)
