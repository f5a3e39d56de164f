"""Derivatives of plain NumPy functions.

The function is traced at the values given, so Python control flow works.
"""

from __future__ import annotations

import contextlib
import contextvars
import dataclasses
import functools
import inspect
from collections.abc import Callable, Iterator, Sequence
from typing import Any, TypeAlias

import numpy as np

from circuitgrad.circuits import Circuit
from circuitgrad.containers import is_container, leaves, mapped, rebuilt
from circuitgrad.derivatives import delta, reverse
from circuitgrad.errors import ShapeError, SpecError
from circuitgrad.gates.from_formula import elementwise
from circuitgrad.gates.shapes import zeros
from circuitgrad.sources import as_wire, constant, traced_input
from circuitgrad.spec import FLOAT32, FLOAT64, Shape, axis_number, format_shape, unmasked
from circuitgrad.wire import Wire, build, known_value

Function: TypeAlias = Callable[..., Any]
Argnums: TypeAlias = "int | Sequence[int]"

_depth: contextvars.ContextVar[int] = contextvars.ContextVar("circuitgrad_depth", default=0)
_alias = elementwise("alias", "x", kernel=np.positive, derivative=lambda x: 1.0)


@contextlib.contextmanager
def inside() -> Iterator[None]:
    """What is built inside is part of a derivative: nested derivatives stay wires."""
    token = _depth.set(_depth.get() + 1)
    try:
        yield
    finally:
        _depth.reset(token)


@dataclasses.dataclass
class Trace:
    """A function's output, the arguments chosen, and the wires of their arrays."""

    output: Any
    arguments: tuple[Any, ...]
    sources: tuple[Wire, ...]
    single: bool
    nested: bool

    def leave(self, wire: Wire | None, shape: Shape, like: Wire) -> Any:
        """A number or array; a wire where an outer derivative or a circuit goes on from here."""
        found = zeros(shape, like.dtype) if wire is None else wire
        return finished(found, self.nested)

    def results(self, found: Sequence[Any]) -> Any:
        """One result per array, in the containers of the arguments."""
        parts = iter(found)
        packed = tuple(rebuilt(argument, parts) for argument in self.arguments)
        return packed[0] if self.single else packed


def finished(wire: Wire, nested: bool) -> Any:
    """The value of a wire as NumPy code expects it, or the wire itself while tracing goes on."""
    if nested:
        return wire
    value = known_value(wire)
    if not value.ndim:
        return float(value) if value.dtype == np.float64 else value[()]
    return np.array(value)


def _parameter_names(function: Function, count: int) -> list[str]:
    try:
        names = [
            p.name
            for p in inspect.signature(function).parameters.values()
            if p.kind in (p.POSITIONAL_ONLY, p.POSITIONAL_OR_KEYWORD)
        ]
    except (TypeError, ValueError):
        names = []
    return names[:count] + [f"argument{k}" for k in range(len(names), count)]


def _entered(value: Any, name: str) -> Wire:
    """An argument as a wire of its own, on which nothing else depends."""
    if isinstance(value, Wire):
        return build(dataclasses.replace(_alias), (value,))
    try:
        array = unmasked(value)
    except (TypeError, ValueError) as error:
        raise SpecError(f"argument '{name}': got {value!r}; needed numbers. {error}") from None
    if array.dtype.kind not in "fiub":
        raise SpecError(
            f"argument '{name}': got {type(value).__name__} of dtype {array.dtype}; needed an "
            "array of "
            "real numbers. Leave it out of argnums if it is no variable."
        )
    return traced_input(name, array.astype(FLOAT32 if array.dtype == FLOAT32 else FLOAT64))


def trace_of(
    function: Function, argnums: Argnums, args: tuple[Any, ...], kwargs: dict[str, Any]
) -> Trace:
    """A function run on wires whose values are known, by the arguments chosen."""
    single = isinstance(argnums, int | np.integer)
    listed = [argnums] if isinstance(argnums, int | np.integer) else list(argnums)
    numbers = [axis_number(k, f"argnums of {name_of(function)}") for k in listed]
    if not numbers:
        raise SpecError(
            f"argnums of {name_of(function)}: no argument is chosen. Name at least one."
        )
    for k in numbers:
        if not -len(args) <= k < len(args):
            raise SpecError(
                f"argnums {k}: the function was called with {len(args)} positional arguments. "
                "Pass the variables by position."
            )
    places = [k % len(args) for k in numbers]
    names = _parameter_names(function, len(args))
    nested = _depth.get() > 0 or any(
        isinstance(leaf, Wire) for k in places for leaf in wires_of(args[k])
    )
    values = list(args)
    for k in dict.fromkeys(places):
        entered = [_entered(leaf, name) for name, leaf in leaves(args[k], names[k])]
        values[k] = rebuilt(args[k], iter(entered))
    chosen = tuple(values[k] for k in places)
    with inside():
        output = function(*values, **kwargs)
    return Trace(output, chosen, tuple(wires_of(chosen)), single, nested)


def wires_of(value: Any) -> list[Wire]:
    """The arrays of a container, in order."""
    return [leaf for _, leaf in leaves(value, "")]


def _output_wire(trace: Trace, function: Function) -> Wire:
    if isinstance(trace.output, tuple | list | dict) or trace.output is None:
        raise SpecError(
            f"{name_of(function)}: it returned {type(trace.output).__name__}; needed one array. "
            "Stack the results with np.stack or cg.stack."
        )
    return as_wire(trace.output, _dtype(trace))


def outputs_of(trace: Trace, function: Function) -> Any:
    """The output as a wire, or as the function's container of wires."""
    if not is_container(trace.output):
        return _output_wire(trace, function)
    return mapped(lambda leaf: as_wire(leaf, _dtype(trace)), trace.output)


def _dtype(trace: Trace) -> Any:
    return trace.sources[0].dtype if trace.sources else None


def _scalar(wire: Wire, function: Function) -> Wire:
    if wire.shape not in ((), (1,)):
        raise ShapeError(
            f"gradient of {name_of(function)}: it returned shape {format_shape(wire.shape)}; "
            "needed a "
            "scalar. Sum it, or use cg.jacobian."
        )
    return wire.reshape(()) if wire.shape else wire


def name_of(function: Function) -> str:
    """The name of a function, for messages."""
    return getattr(function, "__name__", type(function).__name__)


def check_callable(function: Any, what: str) -> Function:
    """The function; SpecError for a circuit or for what cannot be called."""
    if isinstance(function, Circuit) or not callable(function):
        hint = (
            f"Use circuit.{what}()."
            if isinstance(function, Circuit)
            else "Pass the function itself."
        )
        raise SpecError(f"cg.{what}: got {type(function).__name__}; needed a function. {hint}")
    return function  # type: ignore[no-any-return]


def value_and_grad(function: Function, argnums: Argnums = 0) -> Function:
    """A function that returns the value of a scalar function and its gradient.

    Args:
        function: Ordinary NumPy code; control flow may depend on values.
        argnums: The positional argument, or arguments, to differentiate by.

    Raises:
        ShapeError: When called: the function's value is not a scalar.

    >>> value_and_grad(lambda x: x**2 + 1)(3.0)
    (10.0, 6.0)
    """
    check_callable(function, "grad")

    @functools.wraps(function)
    def wrapped(*args: Any, **kwargs: Any) -> tuple[Any, Any]:
        trace = trace_of(function, argnums, args, kwargs)
        with inside():
            output = _scalar(_output_wire(trace, function), function)
            found = reverse({output: constant(1.0, output.dtype)}, trace.sources)
            gradients = [
                trace.leave(g, x.shape, x) for g, x in zip(found, trace.sources, strict=True)
            ]
        return finished(output, trace.nested), trace.results(gradients)

    return wrapped


def grad(function: Function, argnums: Argnums = 0) -> Function:
    """A function that returns the gradient of a scalar function, as in JAX and autograd.

    Args:
        function: Ordinary NumPy code; control flow may depend on values.
        argnums: The positional argument, or arguments, to differentiate by: numbers, arrays, or
            containers of them (tuples, lists, dicts, nested), whose gradient is such a container.

    Raises:
        ShapeError: When called: the function's value is not a scalar.

    >>> import numpy as np
    >>> grad(lambda w, x: np.tanh(w @ x))(np.array([0.5, -0.5]), np.array([1.0, 1.0]))
    array([1., 1.])
    >>> grad(grad(np.sin))(0.0)
    -0.0
    """
    both = value_and_grad(function, argnums)

    @functools.wraps(function)
    def wrapped(*args: Any, **kwargs: Any) -> Any:
        return both(*args, **kwargs)[1]

    return wrapped


def jacobian(function: Function, argnums: Argnums = 0) -> Function:
    """A function that returns the Jacobian, axes (output, input), from one backward pass.

    Containers of arrays give containers: those of the outputs outside, of the inputs inside.

    >>> import numpy as np
    >>> jacobian(lambda x: x**2)(np.array([1.0, 2.0]))
    array([[2., 0.],
           [0., 4.]])
    """
    check_callable(function, "jacobian")

    @functools.wraps(function)
    def wrapped(*args: Any, **kwargs: Any) -> Any:
        trace = trace_of(function, argnums, args, kwargs)

        def block(output: Wire) -> Any:
            found = reverse({output: delta(output.shape, output)}, trace.sources)
            pairs = zip(found, trace.sources, strict=True)
            return trace.results([trace.leave(g, (*output.shape, *x.shape), x) for g, x in pairs])

        with inside():
            return mapped(block, outputs_of(trace, function))

    return wrapped


def hessian(function: Function, argnums: int = 0) -> Function:
    """A function that returns the Hessian of a scalar function by one argument, axes (input.

    Input).

    >>> import numpy as np
    >>> hessian(lambda x: np.sum(x**3))(np.array([1.0, 2.0]))
    array([[ 6.,  0.],
           [ 0., 12.]])
    """
    return jacobian(grad(function, argnums), argnums)


def vjp(function: Function, *primals: Any) -> tuple[Any, Function]:
    """The value of a function, and the function that pulls an upstream gradient back, as in JAX.

    The pullback returns a tuple with one downstream gradient per primal.

    >>> value, pullback = vjp(lambda x, y: x * y, 2.0, 3.0)
    >>> value, pullback(1.0)
    (6.0, (3.0, 2.0))
    """
    check_callable(function, "vjp")
    trace = trace_of(function, tuple(range(len(primals))), primals, {})
    output = outputs_of(trace, function)

    def pullback(upstream: Any) -> tuple[Any, ...]:
        pairs = paired(output, upstream, "vjp: the upstream gradient", "the value")
        with inside():
            found = reverse(_summed(pairs), trace.sources)
            parts = [trace.leave(g, x.shape, x) for g, x in zip(found, trace.sources, strict=True)]
            results: tuple[Any, ...] = trace.results(parts)
        return results

    return mapped(lambda wire: finished(wire, trace.nested), output), pullback


def paired(targets: Any, values: Any, what: str, of: str) -> list[tuple[Wire, Wire]]:
    """Each wire of a container with the number or array of another container that goes with it."""
    wires = wires_of(targets)
    given = wires_of(values) if is_container(targets) else [values]
    if len(wires) != len(given):
        raise SpecError(f"{what} has {len(given)} arrays; {of} has {len(wires)}.")
    found = [(wire, as_wire(v, wire.dtype)) for wire, v in zip(wires, given, strict=True)]
    for wire, seed in found:
        if seed.shape != wire.shape:
            raise ShapeError(
                f"{what} is {format_shape(seed.shape)}; {of} is {format_shape(wire.shape)}. "
                "They must be equal."
            )
    return found


def _summed(pairs: Sequence[tuple[Wire, Wire]]) -> dict[Wire, Wire]:
    """The seeds of a backward pass; a wire that stands twice in a container gets both."""
    seeds: dict[int, tuple[Wire, Wire]] = {}
    for wire, seed in pairs:
        known = seeds.get(wire.serial)
        seeds[wire.serial] = (wire, seed if known is None else known[1] + seed)
    return dict(seeds.values())
