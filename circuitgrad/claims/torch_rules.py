"""PyTorch's functions of values, by NumPy's names and options."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from typing import Any

from circuitgrad.errors import SpecError
from circuitgrad.numpy_functions import FUNCTIONS
from circuitgrad.numpy_protocol import GATE_FUNCTIONS, UFUNCS
from circuitgrad.sources import as_wire

Function = Callable[..., Any]
BY_NAME: Mapping[str, Function] = {**FUNCTIONS, **UFUNCS, **GATE_FUNCTIONS}


def reduction(name: str) -> Function:
    """A reduction along `dim` by NumPy's of the same name."""

    def reduce(x: Any, dim: Any = None, keepdim: bool = False, **other: Any) -> Any:
        axis = other.pop("axis", dim)
        if other:
            raise SpecError(f"torch's '{name}' with {next(iter(other))}=")
        return BY_NAME[name](x, axis=axis, keepdims=keepdim)

    return reduce


def added(sign: int) -> Function:
    """Sum or difference, the second operand times alpha."""

    def add(x: Any, y: Any, alpha: Any = 1) -> Any:
        scaled = y if alpha == 1 else alpha * as_wire(y)
        return BY_NAME["add" if sign > 0 else "subtract"](x, scaled)

    return add


def clamped(x: Any, min: Any = None, max: Any = None) -> Any:
    """The entries moved into an interval."""
    return BY_NAME["clip"](x, min, max)


def softplus(x: Any, beta: float = 1, threshold: float = 20) -> Any:
    """log(1 + exp(beta x))/beta, which PyTorch computes as x where it is large."""
    return BY_NAME["softplus"](beta * x) / beta


def gelu(x: Any, approximate: str = "none") -> Any:
    """The Gaussian error linear unit, or its approximation."""
    if approximate == "tanh":
        inner = math.sqrt(2 / math.pi) * (x + 0.044715 * x**3)
        return 0.5 * x * (1 + BY_NAME["tanh"](inner))
    return 0.5 * x * (1 + BY_NAME["erf"](x / math.sqrt(2)))


def along(name: str) -> Function:
    """A function along `dim`, the last axis by default."""

    def apply(x: Any, dim: Any = -1, **other: Any) -> Any:
        if other.pop("keepdim", False) or other:
            return BY_NAME[name](x, axis=dim, keepdims=True)
        return BY_NAME[name](x, axis=dim)

    return apply
