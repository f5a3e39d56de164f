"""NumPy itself, except that functions that make arrays take wires too.

>>> import circuitgrad as cg, circuitgrad.numpy as cnp
>>> cg.grad(lambda x: cnp.sum(cnp.array([x, cnp.sin(x), 2.0]) ** 2))(0.0)
0.0

NumPy gives other libraries a say in most of its functions, so plain NumPy works on wires. It gives
none where a nested list becomes an array: np.array([x, y]), np.sum([x, y]), np.dot([x, y], z).
Here such lists become wires first.
"""

from __future__ import annotations

import functools
from collections.abc import Callable
from typing import Any

import numpy

from circuitgrad.errors import SpecError
from circuitgrad.gates.arrangements import full as full_wire
from circuitgrad.gates.shapes import stack as stack_wires
from circuitgrad.sources import as_wire
from circuitgrad.wire import Wire


def _holds_wire(value: Any) -> bool:
    if isinstance(value, list | tuple):
        return any(_holds_wire(part) for part in value)
    return isinstance(value, Wire)


def _stacked(value: Any) -> Any:
    """A nested list or tuple with wires in it as one wire."""
    if isinstance(value, list | tuple):
        return stack_wires([as_wire(_stacked(part)) for part in value])
    return value


def _as_one_wire(value: Any, name: str, args: tuple[Any, ...], options: dict[str, Any]) -> Wire:
    """The wire of a wire or list; options that would change it are refused, not ignored."""
    wire: Wire = as_wire(_stacked(value))
    asked = args[0] if args else options.get("dtype")
    if asked is not None and numpy.dtype(asked) != wire.dtype:
        raise SpecError(f"np.{name}: dtype {asked!r} on wires, which compute in {wire.dtype}.")
    return wire


def array(value: Any, *args: Any, **kwargs: Any) -> Any:
    """The wire of a wire or of nested lists with wires in them; else what numpy.array gives."""
    if _holds_wire(value):
        return _as_one_wire(value, "array", args, kwargs)
    return numpy.array(value, *args, **kwargs)


def asarray(value: Any, *args: Any, **kwargs: Any) -> Any:
    """The wire of a wire or of nested lists with wires in them; else what numpy.asarray gives."""
    if _holds_wire(value):
        return _as_one_wire(value, "asarray", args, kwargs)
    return numpy.asarray(value, *args, **kwargs)


asanyarray = ascontiguousarray = asarray


def full(shape: Any, fill_value: Any, *args: Any, **kwargs: Any) -> Any:
    """A filled array, as numpy.full; the value may be a wire."""
    if _holds_wire(fill_value):
        return full_wire(shape, asarray(fill_value))
    return numpy.full(shape, fill_value, *args, **kwargs)


# These take a list of arrays, which stays a list.
_JOINING = {
    "concatenate", "stack", "vstack", "hstack", "dstack", "column_stack", "block", "select",
    "meshgrid", "broadcast_arrays",
}  # fmt: skip


def _inner(value: Any) -> Any:
    if isinstance(value, list | tuple) and _holds_wire(value):
        return [asarray(part) if _holds_wire(part) else part for part in value]
    return value


def _adapted(function: Callable[..., Any], joins: bool) -> Callable[..., Any]:
    """A NumPy function whose arguments may be nested lists with wires in them."""
    enter = _inner if joins else (lambda x: asarray(x) if _holds_wire(x) else x)

    @functools.wraps(function)
    def adapted(*args: Any, **kwargs: Any) -> Any:
        entered = {key: enter(x) for key, x in kwargs.items()}
        return function(*(enter(x) for x in args), **entered)

    return adapted


class _Namespace:
    """A submodule of NumPy, its functions taking nested lists with wires in them."""

    def __init__(self, module: Any) -> None:
        self._module = module

    def __getattr__(self, name: str) -> Any:
        return _entry(self._module, name)

    def __dir__(self) -> list[str]:
        return dir(self._module)


def _entry(module: Any, name: str) -> Any:
    found = getattr(module, name)
    if name == "linalg":
        return _Namespace(found)
    is_function = callable(found) and not isinstance(found, type)
    return _adapted(found, name in _JOINING) if is_function else found


@functools.cache
def __getattr__(name: str) -> Any:
    if name.startswith("__"):
        raise AttributeError(f"module 'circuitgrad.numpy' has no attribute '{name}'")
    return _entry(numpy, name)


def __dir__() -> list[str]:
    return sorted({*dir(numpy), *globals()})
