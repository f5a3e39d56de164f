"""Composite gates that act entry by entry: a stable kernel beside the circuit that it stands for.

For functions whose derivative is a difference that cancels somewhere, so that they cannot promise
what `elementwise` gates do.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from circuitgrad.gates.from_einsum import common_dtype
from circuitgrad.gates.from_formula import scaled
from circuitgrad.gates.from_rule import Declaration
from circuitgrad.spec import Spec
from circuitgrad.wire import Array, Kernel, Wire

__all__ = ["pointwise"]


def _in_own_dtype(kernel: Kernel) -> Kernel:
    def function(*arrays: Array) -> Array:
        return np.asarray(kernel(*arrays), dtype=np.result_type(*arrays))

    return function


def pointwise(
    name: str,
    glyph: str,
    *,
    kernel: Kernel,
    partials: Callable[..., Sequence[Wire]],
    meaning: Callable[..., Any],
    sample: Callable[[], Wire],
    formula: str,
    latex: str,
    source: str = "",
) -> Declaration:
    """A composite gate on wires of one shape, declared by its local gradients.

    Args:
        name: The catalogue's name.
        glyph: The text in the circle.
        kernel: The NumPy function.
        partials: (*inputs, out) -> one wire per input.
        meaning: (*inputs) -> the circuit.
        sample: A call on representative inputs.
        formula: The meaning, for people.
        latex: A template over the operands {0}, {1}.
        source: Where the definition comes from.
    """

    def pullback(out: Wire, grad: Wire) -> tuple[Wire | None, ...]:
        return tuple(scaled(grad, part) for part in partials(*out.inputs, out))

    def pushforward(out: Wire, tangents: tuple[Wire | None, ...]) -> Wire | None:
        total: Wire | None = None
        for tangent, part in zip(tangents, partials(*out.inputs, out), strict=True):
            term = None if tangent is None else scaled(tangent, part)
            if term is not None:
                total = term if total is None else total + term
        return total

    return Declaration(
        name,
        "composite",
        glyph,
        infer=lambda inputs: Spec(inputs[0].shape, common_dtype(inputs)),
        function=_in_own_dtype(kernel),
        pullback=pullback,
        pushforward=pushforward,
        meaning=meaning,
        sample=sample,
        formula=formula, latex=latex, source=source,
    )  # fmt: skip
