"""What a gate does to the gradient that arrives, in words, from its own declaration."""

import math
from collections.abc import Mapping, Sequence
from typing import Any, Final

import numpy as np

from circuitgrad import grammar
from circuitgrad.errors import CircuitError
from circuitgrad.gates.from_formula import NUMPY_FUNCTIONS, Elementwise
from circuitgrad.gates.from_rule import declaration_of
from circuitgrad.viz.numbers import short_number
from circuitgrad.wire import Array, Wire

_FAMILIES: Final = {
    "multilinear": "sends its upstream gradient back to where every entry came from; copies add up",
    "selection": "routes its upstream gradient to the entries that it selects",
    "implicit": "solves a linear system with its upstream gradient",
    "composite": "scales its upstream gradient by a local gradient of its own",
}
_PRODUCT: Final = "multiplies its upstream gradient by the other operand"


def pattern(wire: Wire, moving: Sequence[int] | None = None) -> str:
    """What the gate does to its upstream gradient; empty for inputs and constants.

    The family and the declared local gradients decide, and never the gate's name.

    Args:
        wire: The output of the gate.
        moving: The positions of the operands that depend on inputs; all by default.

    >>> from circuitgrad.sources import input_wires
    >>> x, y = input_wires("x y")
    >>> pattern(x + y)
    'distributes its upstream gradient unchanged to every operand'
    >>> pattern(x * y)
    'swaps and scales: each operand gets the upstream gradient times the other operand'
    """
    if not wire.inputs:
        return ""
    if not isinstance(wire.gate, Elementwise):
        is_product = wire.gate.family == "multilinear" and len(wire.inputs) > 1
        return _PRODUCT if is_product else _FAMILIES.get(wire.gate.family, "")
    places = range(len(wire.inputs)) if moving is None else moving
    if wire.gate.pieces:
        return _piecewise(wire.gate)
    try:
        partials = wire.gate.partials(wire) or ()
    except CircuitError:
        partials = ()
    return _smooth(wire, [(k, partials[k]) for k in places if k < len(partials)])


def _piecewise(gate: Elementwise) -> str:
    """The pattern of a gate with kinks: it routes where its pieces are operands."""
    forms = [formula.strip() for _, formula in gate.pieces]
    numbers = [form for form in forms if _is_number(form)]
    if len(numbers) == len(forms):
        return "stops its upstream gradient: its pieces are constant"
    if all(form in gate.variables for form in forms):
        return "routes its upstream gradient to the operand that it passes on"
    if all(form in gate.variables or form in numbers for form in forms):
        return "lets its upstream gradient through where it passes its operand on, else stops it"
    return "scales its upstream gradient by the local gradient of the piece that holds"


def _smooth(wire: Wire, partials: Sequence[tuple[int, Wire | float]]) -> str:
    """The pattern of a smooth gate."""
    numbers = [_number(partial) for _, partial in partials]
    if numbers and all(number == 1 for number in numbers):
        if len(numbers) > 1:
            return "distributes its upstream gradient unchanged to every operand"
        return "passes its upstream gradient on unchanged"
    if numbers and all(number is not None for number in numbers):
        factors = " and ".join(short_number(number) for number in numbers if number is not None)
        scales = "distributes its upstream gradient, scaled by"
        return f"{scales if len(numbers) > 1 else 'scales its upstream gradient by'} {factors}"
    others = [wire.inputs[1 - k] if len(wire.inputs) == len("xy") else None for k, _ in partials]
    swaps = all(part is other for (_, part), other in zip(partials, others, strict=True))
    if swaps and len(partials) > 1:
        return "swaps and scales: each operand gets the upstream gradient times the other operand"
    return "scales its upstream gradient by its local gradient"


def _number(partial: Wire | float) -> float | None:
    """A local gradient that is the same number everywhere."""
    if isinstance(partial, Wire):
        known = partial.known
        is_same = known is not None and known.size > 0 and np.all(known == known.flat[0])
        return float(known.flat[0]) if known is not None and is_same else None
    return float(partial)


def _is_number(text: str) -> bool:
    """Whether a formula is a number, such as ``"-1"`` or ``"1/2"``."""
    return not any(character.isalpha() for character in text)


def at_kink(wire: Wire, values: Sequence[Any]) -> bool:
    """Whether a gate stands on the boundary between its pieces, in any entry.

    Args:
        wire: The output of the gate.
        values: What its operands carry.
    """
    gate = wire.gate
    if not isinstance(gate, Elementwise) or not gate.pieces:
        return False
    operands = np.broadcast_arrays(*[np.asarray(value) for value in values])
    known: Mapping[str, Any] = dict(zip(gate.variables, operands, strict=False))
    env = {"pi": math.pi, "E": math.e, **known}
    held: Array = np.zeros(operands[0].shape, bool)
    with np.errstate(all="ignore"):
        for condition, _ in gate.pieces:
            held = held | grammar.evaluate(condition, env, NUMPY_FUNCTIONS)
    is_number = ~np.any([np.isnan(operand) for operand in operands], axis=0)
    return bool(np.any(~held & is_number))


def kink_policy(wire: Wire) -> str:
    """The derivative that a gate takes at a kink or tie, in words; empty where it has none.

    Args:
        wire: The output of the gate.
    """
    return str(getattr(declaration_of(wire.gate) or wire.gate, "policy", ""))
