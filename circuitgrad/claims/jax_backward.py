"""A jax.custom_vjp function: its two passes read as circuits, and tried as they run."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import numpy as np

from circuitgrad.claims.adapters import (
    FunctionCheck,
    Traced,
    argument_names,
    checked,
    upstream_wires,
)
from circuitgrad.claims.jax_primitives import shape_of, wires_of
from circuitgrad.errors import SpecError
from circuitgrad.plans.frameworks import require
from circuitgrad.wire import Wire

BUDGET = 10.0
_WHAT = "check_jax_vjp"


def check_jax_vjp(
    function: Any,
    *arguments: Any,
    assuming: str | Iterable[str] = (),
    budget: float = BUDGET,
    shapes: Mapping[str, Any] | None = None,
    **axes: Any,
) -> FunctionCheck:
    """What is known of the backward pass of a `jax.custom_vjp` function.

    JAX traces its code, and what it finds is read as a circuit: the gradients are proved or
    refuted as derivatives of the function's value. Code that cannot be read is compared with
    numeric derivatives, and the record says so.

    Args:
        function: The function, after `defvjp`.
        *arguments: What it takes: small arrays or numbers of floats, and any others.
        assuming: As in `check`.
        budget: Seconds for each input.
        shapes: The axes of the inputs, where a name cannot be a keyword argument.
        **axes: Names for the axes of the inputs, by the argument names, as `x="n m"`. A proof
            then holds for every size; without names, for the sizes of the arguments.

    Raises:
        BackendError: JAX is not installed.
        SpecError: No such function, or no array of floats among the arguments.
    """
    require("jax", "jax", _WHAT)
    named = {**(shapes or {}), **axes}
    return checked(_JaxFunction(function, arguments), named, assuming, budget, _WHAT)


class _JaxFunction:
    """A function of JAX as a check needs it."""

    def __init__(self, function: Any, arguments: Sequence[Any]) -> None:
        import jax

        self._jax = jax
        if not isinstance(function, jax.custom_vjp):
            raise SpecError(f"{_WHAT}: got {function!r}; needed a function made by jax.custom_vjp.")
        self.name = str(getattr(function, "__name__", "function"))
        if function.fwd is None or function.bwd is None:
            raise SpecError(
                f"{_WHAT}: {self.name} has no backward pass yet. Call {self.name}.defvjp(fwd, bwd)."
            )
        self._function = function
        self._arguments = arguments
        self._fixed = set(function.nondiff_argnums or ())
        self._places = [
            k
            for k, value in enumerate(arguments)
            if k not in self._fixed and np.asarray(value).dtype.kind == "f"
        ]
        if not self._places:
            raise SpecError(
                f"{_WHAT}: no array of floats among the arguments of {self.name}. Pass what "
                f"{self.name} takes."
            )
        names = argument_names(function.fun, len(arguments))
        self.names = [names[k] for k in self._places]
        self.point: list[Any] = [np.asarray(arguments[k], dtype=float) for k in self._places]

    def _filled(self, values: Sequence[Any]) -> list[Any]:
        filled = list(self._arguments)
        for place, value in zip(self._places, values, strict=True):
            filled[place] = value
        return filled

    def _value(self, *values: Any) -> Any:
        return self._jax.tree_util.tree_leaves(self._function.fun(*self._filled(values)))

    def _passes(self, upstreams: Sequence[Any], values: Sequence[Any]) -> Any:
        """What the forward pass returns, and the gradients."""
        given = self._filled(values)
        found, saved = self._function.fwd(*given)
        leaves, shape = self._jax.tree_util.tree_flatten(found)
        fixed = [given[k] for k in sorted(self._fixed)]
        weights = self._jax.tree_util.tree_unflatten(shape, upstreams)
        gradients = self._function.bwd(*fixed, saved, weights)
        moving = [k for k in range(len(given)) if k not in self._fixed]
        by_place = dict(zip(moving, gradients, strict=True))
        zeros = self._jax.numpy.zeros_like
        picked = [
            zeros(value) if by_place[k] is None else by_place[k]
            for k, value in zip(self._places, values, strict=True)
        ]
        return leaves, picked

    def traced(self, inputs: Sequence[Wire]) -> Traced:
        with self._jax.enable_x64(True):
            outputs, upstreams, gradients = self._read(inputs)
        return Traced(outputs, upstreams, gradients)

    def _read(self, inputs: Sequence[Wire]) -> tuple[list[Wire], list[Wire], list[Wire]]:
        jax = self._jax
        axes = {a for wire in inputs for a in wire.shape if isinstance(a, str)}
        listed = sorted(axes)
        sizes = dict(
            zip(listed, jax.export.symbolic_shape(", ".join(listed)), strict=True) if listed else ()
        )

        def abstract(wire: Wire) -> Any:
            shape = tuple(sizes[a] if isinstance(a, str) else a for a in wire.shape)
            return jax.ShapeDtypeStruct(shape, np.float64)

        given = [abstract(wire) for wire in inputs]
        value = jax.make_jaxpr(self._value)(*given)
        outputs = wires_of(value, inputs)
        if [out.shape for out in outputs] != [shape_of(v) for v in value.out_avals]:
            raise SpecError("an output was read with another shape")
        upstreams = upstream_wires(outputs, self.names)
        both = jax.make_jaxpr(self._passes)([abstract(wire) for wire in upstreams], given)
        found = wires_of(both, [*upstreams, *inputs])
        return outputs, upstreams, found[len(outputs) :]

    def forward(self, *arrays: Any) -> Any:
        if any(np.iscomplexobj(array) for array in arrays):
            raise TypeError("complex arrays are not tried")
        with self._jax.enable_x64(True):
            found = self._value(*map(self._jax.numpy.asarray, arrays))
            return np.concatenate([np.asarray(part, dtype=float).reshape(-1) for part in found])

    def backward(self, upstream: Any, *arrays: Any) -> Any:
        jax = self._jax
        with jax.enable_x64(True):
            values = [jax.numpy.asarray(array) for array in arrays]
            found = jax.tree_util.tree_leaves(self._function.fun(*self._filled(values)))
            sizes = np.cumsum([np.size(part) for part in found])[:-1]
            parts = np.split(upstream, sizes)
            weights = [
                jax.numpy.asarray(part.reshape(np.shape(like)))
                for part, like in zip(parts, found, strict=True)
            ]
            _, gradients = self._passes(weights, values)
            return tuple(np.asarray(part, dtype=float) for part in gradients)
