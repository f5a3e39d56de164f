"""Derivatives of plain NumPy functions along a direction: first, second, and to any order."""

from __future__ import annotations

import functools
from collections.abc import Sequence
from typing import Any

from circuitgrad.containers import mapped, rebuilt
from circuitgrad.derivatives import forward
from circuitgrad.errors import SpecError
from circuitgrad.series import checked_order, expand
from circuitgrad.tracing import (
    Argnums,
    Function,
    Trace,
    check_callable,
    finished,
    grad,
    inside,
    name_of,
    outputs_of,
    paired,
    trace_of,
    wires_of,
)
from circuitgrad.wire import Wire


def jvp(function: Function, primals: Sequence[Any], tangents: Sequence[Any]) -> tuple[Any, Any]:
    """The value of a function and its directional derivative, as in JAX.

    >>> jvp(lambda x, y: x * y, (2.0, 3.0), (1.0, 0.0))
    (6.0, 3.0)
    """
    check_callable(function, "jvp")
    for what, given in (("primals", primals), ("tangents", tangents)):
        if not isinstance(given, tuple | list):
            raise SpecError(f"jvp: the {what} are {given!r}; needed a tuple, as in (2.0,).")
    if len(primals) != len(tangents):
        raise SpecError(f"jvp: {len(primals)} primals for {len(tangents)} tangents.")
    trace = trace_of(function, tuple(range(len(primals))), tuple(primals), {})
    with inside():
        output = outputs_of(trace, function)
        wires = wires_of(output)
        found = forward(tuple(wires), _seeds(trace, tangents, "jvp: tangent"))
        parts = [trace.leave(t, wire.shape, wire) for t, wire in zip(found, wires, strict=True)]
        value = mapped(lambda wire: finished(wire, trace.nested), output)
        return value, rebuilt(output, iter(parts))


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
        *values, direction = _with_direction(function, "cg.hvp(f)", args)

        def along(x: Any) -> Any:
            inner = list(values)
            inner[argnums] = x
            return gradient(*inner, **kwargs)

        return jvp(along, (values[argnums],), (direction,))[1]

    return wrapped


def taylor(function: Function, order: int, argnums: Argnums = 0) -> Function:
    """A function (arguments..., direction) -> (f, D f[v], D²f[v, v], …), from one forward pass.

    The k-th entry is the k-th derivative of f(x + t·v) by t at t = 0; over k! it is the Taylor
    coefficient. The work grows with the square of the order; each nested jvp would multiply it.

    Args:
        function: Ordinary NumPy code; control flow may depend on values.
        order: The highest derivative, 0 or more.
        argnums: The positional argument, or arguments, that move. The direction is like the
            argument, and for several arguments a tuple of directions.

    Raises:
        SpecError: The order is not a whole number, or is negative.

    >>> import numpy as np
    >>> taylor(lambda x: x**3, 4)(2.0, 1.0)
    (8.0, 12.0, 12.0, 6.0, 0.0)
    """
    check_callable(function, "taylor")
    highest = checked_order(order)

    @functools.wraps(function)
    def wrapped(*args: Any, **kwargs: Any) -> tuple[Any, ...]:
        *values, direction = _with_direction(function, "cg.taylor(f, 3)", args)
        trace = trace_of(function, argnums, tuple(values), kwargs)
        directions = (direction,) if trace.single else direction
        with inside():
            output = outputs_of(trace, function)
            wires = wires_of(output)
            found = expand(wires, _seeds(trace, directions, "taylor: direction"), highest)
            results = []
            for k in range(highest + 1):
                pairs = zip(found, wires, strict=True)
                parts = [trace.leave(series[k], wire.shape, wire) for series, wire in pairs]
                results.append(rebuilt(output, iter(parts)))
        return tuple(results)

    return wrapped


def _with_direction(function: Function, call: str, args: tuple[Any, ...]) -> tuple[Any, ...]:
    if len(args) < 2:
        raise SpecError(
            f"{call}: {name_of(function)} got {len(args)} values; needed the arguments and a "
            f"direction, as in {call}(x, v)."
        )
    return args


def _seeds(trace: Trace, directions: Any, what: str) -> dict[Wire, Wire]:
    """The direction of each array that moves."""
    if not isinstance(directions, tuple | list) or len(directions) != len(trace.arguments):
        raise SpecError(f"{what}: got {directions!r}; needed a tuple, one for each argument.")
    seeds: dict[Wire, Wire] = {}
    for k, (argument, direction) in enumerate(zip(trace.arguments, directions, strict=True)):
        seeds |= dict(paired(argument, direction, f"{what} {k}", "its primal"))
    return seeds
