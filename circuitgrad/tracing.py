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
from circuitgrad.derivatives import delta, forward, reverse
from circuitgrad.errors import ShapeError, SpecError
from circuitgrad.gates.from_formula import elementwise
from circuitgrad.gates.shapes import zeros
from circuitgrad.sources import as_wire, constant, traced_input
from circuitgrad.spec import FLOAT32, FLOAT64, Shape, format_shape
from circuitgrad.wire import Wire, build, known_value

Function: TypeAlias = Callable[..., Any]
Argnums: TypeAlias = "int | Sequence[int]"

_depth: contextvars.ContextVar[int] = contextvars.ContextVar("circuitgrad_depth", default=0)
_alias = elementwise("alias", "x", kernel=np.positive, derivative=lambda x: 1.0)


@contextlib.contextmanager
def _inside() -> Iterator[None]:
    token = _depth.set(_depth.get() + 1)
    try:
        yield
    finally:
        _depth.reset(token)


@dataclasses.dataclass
class _Trace:
    """A function's output wire, and the wires of the arguments chosen."""

    output: Any
    sources: tuple[Wire, ...]
    single: bool
    nested: bool

    def leave(self, wire: Wire | None, shape: Shape, like: Wire) -> Any:
        """A number or array; a wire where an outer derivative or a circuit goes on from here."""
        found = zeros(shape, like.dtype) if wire is None else wire
        return finished(found, self.nested)

    def results(self, found: Sequence[Any]) -> Any:
        return found[0] if self.single else tuple(found)


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
        array = np.asarray(value)
    except (TypeError, ValueError) as error:
        raise SpecError(f"argument '{name}': got {value!r}; needed numbers. {error}") from None
    if array.dtype.kind not in "fiub":
        raise SpecError(
            f"argument '{name}': got {type(value).__name__} of dtype {array.dtype}; needed an "
            "array of "
            "real numbers. Leave it out of argnums if it is no variable."
        )
    return traced_input(name, array.astype(FLOAT32 if array.dtype == FLOAT32 else FLOAT64))


def _trace(
    function: Function, argnums: Argnums, args: tuple[Any, ...], kwargs: dict[str, Any]
) -> _Trace:
    single = isinstance(argnums, int | np.integer)
    numbers = [int(argnums)] if isinstance(argnums, int | np.integer) else [int(k) for k in argnums]
    for k in numbers:
        if not -len(args) <= k < len(args):
            raise SpecError(
                f"argnums {k}: the function was called with {len(args)} positional arguments. "
                "Pass the variables by position."
            )
    places = [k % len(args) for k in numbers]
    names = _parameter_names(function, len(args))
    nested = _depth.get() > 0 or any(isinstance(args[k], Wire) for k in places)
    values = list(args)
    for k in dict.fromkeys(places):
        values[k] = _entered(args[k], names[k])
    with _inside():
        output = function(*values, **kwargs)
    return _Trace(output, tuple(values[k] for k in places), single, nested)


def _output_wire(trace: _Trace, function: Function) -> Wire:
    if isinstance(trace.output, tuple | list | dict) or trace.output is None:
        raise SpecError(
            f"{_name(function)}: it returned {type(trace.output).__name__}; needed one array. "
            "Stack the results with np.stack or cg.stack."
        )
    return as_wire(trace.output, trace.sources[0].dtype)


def _scalar(wire: Wire, function: Function) -> Wire:
    if wire.shape not in ((), (1,)):
        raise ShapeError(
            f"gradient of {_name(function)}: it returned shape {format_shape(wire.shape)}; "
            "needed a "
            "scalar. Sum it, or use cg.jacobian."
        )
    return wire.reshape(()) if wire.shape else wire


def _name(function: Function) -> str:
    return getattr(function, "__name__", type(function).__name__)


def _callable(function: Any, what: str) -> Function:
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
    _callable(function, "grad")

    @functools.wraps(function)
    def wrapped(*args: Any, **kwargs: Any) -> tuple[Any, Any]:
        trace = _trace(function, argnums, args, kwargs)
        with _inside():
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
        argnums: The positional argument, or arguments, to differentiate by.

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

    >>> import numpy as np
    >>> jacobian(lambda x: x**2)(np.array([1.0, 2.0]))
    array([[2., 0.],
           [0., 4.]])
    """
    _callable(function, "jacobian")

    @functools.wraps(function)
    def wrapped(*args: Any, **kwargs: Any) -> Any:
        trace = _trace(function, argnums, args, kwargs)
        with _inside():
            output = _output_wire(trace, function)
            found = reverse({output: delta(output.shape, output)}, trace.sources)
            blocks = [
                trace.leave(g, (*output.shape, *x.shape), x)
                for g, x in zip(found, trace.sources, strict=True)
            ]
        return trace.results(blocks)

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
    _callable(function, "vjp")
    trace = _trace(function, tuple(range(len(primals))), primals, {})
    output = _output_wire(trace, function)

    def pullback(upstream: Any) -> tuple[Any, ...]:
        seed = as_wire(upstream, output.dtype)
        if seed.shape != output.shape:
            raise ShapeError(
                f"vjp: the upstream gradient is {format_shape(seed.shape)}; the value is "
                f"{format_shape(output.shape)}. They must be equal."
            )
        with _inside():
            found = reverse({output: seed}, trace.sources)
            return tuple(
                trace.leave(g, x.shape, x) for g, x in zip(found, trace.sources, strict=True)
            )

    return finished(output, trace.nested), pullback


def jvp(function: Function, primals: Sequence[Any], tangents: Sequence[Any]) -> tuple[Any, Any]:
    """The value of a function and its directional derivative, as in JAX.

    >>> jvp(lambda x, y: x * y, (2.0, 3.0), (1.0, 0.0))
    (6.0, 3.0)
    """
    _callable(function, "jvp")
    if len(primals) != len(tangents):
        raise SpecError(f"jvp: {len(primals)} primals for {len(tangents)} tangents.")
    trace = _trace(function, tuple(range(len(primals))), tuple(primals), {})
    with _inside():
        output = _output_wire(trace, function)
        seeds = {}
        for k, (x, t) in enumerate(zip(trace.sources, tangents, strict=True)):
            tangent = as_wire(t, x.dtype)
            if tangent.shape != x.shape:
                raise ShapeError(
                    f"jvp: tangent {k} is {format_shape(tangent.shape)}; its primal is "
                    f"{format_shape(x.shape)}. They must be equal."
                )
            seeds[x] = tangent
        (found,) = forward((output,), seeds)
        return finished(output, trace.nested), trace.leave(found, output.shape, output)


def hvp(function: Function, argnums: int = 0) -> Function:
    """A function (arguments..., direction) -> H·direction for a scalar function, by one argument.

    The signature is that of autograd's `hessian_vector_product`; the cost is a few gradients.

    >>> import numpy as np
    >>> hvp(lambda x: np.sum(x**3))(np.array([1.0, 2.0]), np.array([1.0, 0.0]))
    array([6., 0.])
    """
    gradient = grad(function, argnums)

    @functools.wraps(function)
    def wrapped(*args: Any, **kwargs: Any) -> Any:
        *values, direction = args

        def along(x: Any) -> Any:
            inner = list(values)
            inner[argnums] = x
            return gradient(*inner, **kwargs)

        return jvp(along, (values[argnums],), (direction,))[1]

    return wrapped
