"""Circuits as functions of JAX arrays, with their own derivatives attached."""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from circuitgrad.circuits import Circuit
from circuitgrad.plans.frameworks import Program, derived, ordered, outputs_of, require, special_of


class _Namespace:
    """jax.numpy, with the few of NumPy's names that it lacks."""

    def __init__(self, numpy: Any) -> None:
        self._numpy = numpy

    def __getattr__(self, name: str) -> Any:
        return getattr(self._numpy, name)

    @staticmethod
    def errstate(**_: str) -> contextlib.AbstractContextManager[None]:
        """Nothing: JAX does not warn."""
        return contextlib.nullcontext()

    @staticmethod
    def mask(array: Any) -> Any:
        """A Boolean array as it is."""
        return array


class _Jax:
    name = "to_jax"

    def __init__(self) -> None:
        import jax
        import jax.numpy
        import jax.scipy.special

        self.jax = jax
        self.namespace = _Namespace(jax.numpy)
        self._special = jax.scipy.special

    def constant(self, array: Any, like: Sequence[Any]) -> Any:
        return self.jax.numpy.asarray(array, dtype=self.dtype(like))

    def dtype(self, like: Sequence[Any]) -> Any:
        """The dtype that arrays are computed in."""
        return self.jax.numpy.result_type(*like) if like else self.jax.numpy.result_type(float)

    def placed(self, array: Any, position: Any, shape: tuple[int, ...]) -> Any:
        return self.jax.numpy.zeros(shape, array.dtype).at[position].add(array)

    def taken(self, array: Any, position: Any) -> Any:
        return array[position]

    def each(self, function: str) -> Any:
        return special_of(self._special, function)


def to_jax(circuit: Circuit) -> Callable[..., Any]:
    """The function of JAX arrays that computes a circuit.

    Raises:
        BackendError: JAX is not installed.
        SpecError: A gate that cannot be computed there.
    """
    require("jax", "jax")
    framework = _Jax()
    core = _core(circuit, framework)

    def function(*values: Any, **named: Any) -> Any:
        jnp = framework.jax.numpy
        arrays = [jnp.asarray(v) for v in ordered(circuit, values, named)]
        dtype = jnp.result_type(float, *arrays) if _are_whole(arrays) else jnp.result_type(*arrays)
        return outputs_of(circuit, core(*[a.astype(dtype) for a in arrays]))

    return function


def _are_whole(arrays: Sequence[Any]) -> bool:
    return not any(np.issubdtype(a.dtype, np.floating) for a in arrays)


def _core(circuit: Circuit, framework: _Jax) -> Callable[..., tuple[Any, ...]]:
    """The function of positional arrays, whose derivative is computed by the circuit's own."""
    key = "jax"
    if key in circuit._plans:
        return circuit._plans[key]  # type: ignore[no-any-return]
    program = Program(circuit, framework)
    jax = framework.jax

    def compute(*arrays: Any) -> tuple[Any, ...]:
        return program(arrays)

    core = jax.custom_jvp(compute)

    def rule(primals: Any, tangents: Any) -> Any:
        active = [
            k for k, t in enumerate(tangents)
            if not isinstance(t, jax.custom_derivatives.SymbolicZero)
        ]  # fmt: skip
        outs = core(*primals)
        if not active:
            return outs, tuple(jax.numpy.zeros_like(o) for o in outs)
        names = tuple(circuit.input_names[k] for k in active)
        moved = [tangents[k] for k in active]
        if len(outs) == 1 and not outs[0].shape:
            gradient = _core(derived(circuit, "grad", names), framework)(*primals)
            parts = [jax.numpy.sum(g * t) for g, t in zip(gradient, moved, strict=True)]
            return outs, (sum(parts[1:], parts[0]),)
        return outs, _core(derived(circuit, "jvp", names), framework)(*primals, *moved)

    core.defjvp(rule, symbolic_zeros=True)
    circuit._plans[key] = core
    return core  # type: ignore[no-any-return]
