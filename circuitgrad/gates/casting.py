"""The gate from one dtype to the other; its derivative goes back."""

from __future__ import annotations

from typing import Any

import numpy as np

from circuitgrad.errors import SpecError
from circuitgrad.gates.from_rule import Declaration
from circuitgrad.sources import as_wire, input_wire
from circuitgrad.spec import FLOAT32, FLOAT64, Spec, parse_dtype
from circuitgrad.wire import Array, Operand, Wire, describe

__all__ = ["astype"]


def _cast_kernel(a: Array, to: str) -> Array:
    return a.copy() if a.dtype == object else a.astype(to)  # objects: entries of formulas


def _in(wire: Wire, dtype: np.dtype[Any]) -> Wire:
    return wire if wire.dtype == dtype else _cast(wire, to=dtype.name)


_cast: Declaration = Declaration(
    "cast",
    "multilinear",
    "cast",
    infer=lambda inputs, to: Spec(inputs[0].shape, np.dtype(to)),
    function=_cast_kernel,
    traced=lambda a, to: np.asarray(a, dtype=to),
    pullback=lambda out, grad, to: (_in(grad, out.inputs[0].dtype),),
    pushforward=lambda out, tangents, to: _in(tangents[0], np.dtype(to)),
    # To the dtype it has: the entries that move are the same, and none is rounded on the way.
    sample=lambda: _cast(input_wire("x", 3), to="float64"),
    formula="the same entries in another dtype",
    latex="{0}",
)


def astype(x: Operand, dtype: Any, *, copy: bool = True) -> Wire:
    """The entries in float32 or float64, as numpy.astype; the gradient is cast back.

    Raises:
        SpecError: Another dtype: whole numbers, half precision, complex numbers.
    """
    wire = as_wire(x)
    try:
        return _in(wire, parse_dtype(dtype))
    except SpecError:
        raise SpecError(
            f"astype of {describe(wire)}: got {dtype!r}; wires carry {FLOAT32} or {FLOAT64}. For "
            "whole numbers use np.floor, np.rint or np.trunc, which keep the dtype."
        ) from None
