"""What Python's operators build.

The gate of each, with the few rewritings that keep circuits readable.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from circuitgrad.errors import SpecError
from circuitgrad.gates import arithmetic, contractions
from circuitgrad.gates.broadcasting import broadcast_to
from circuitgrad.sources import Constant, as_wire, constant
from circuitgrad.wire import Wire, has_value, known_value

_GATES = {
    gate.name: gate
    for gate in (
        arithmetic.add, arithmetic.sub, arithmetic.mul, arithmetic.div, arithmetic.neg,
        arithmetic.absolute, arithmetic.greater, arithmetic.greater_equal, arithmetic.less,
        arithmetic.less_equal, arithmetic.equal, arithmetic.not_equal,
    )
}  # fmt: skip


def apply(name: str, *operands: Any) -> Any:
    """The wire (or, for a comparison of known values, the Boolean array) of an operator."""
    if not all(_is_operand(x) for x in operands):
        return NotImplemented
    if name in _COMPARISONS and all(not isinstance(x, Wire) or has_value(x) for x in operands):
        values: Any = [known_value(x) if isinstance(x, Wire) else x for x in operands]
        return _COMPARISONS[name](*values)
    if name == "matmul":
        return contractions.matmul(*operands)
    if name == "pow":
        return power(*operands)
    if name == "div" and not isinstance(operands[0], Wire) and np.ndim(operands[0]) == 0:
        return reciprocal(*operands)
    return _GATES[name](*operands)


_COMPARISONS = {
    "greater": np.greater,
    "greater_equal": np.greater_equal,
    "less": np.less,
    "less_equal": np.less_equal,
    "equal": np.equal,
    "not_equal": np.not_equal,
}


def _is_operand(value: Any) -> bool:
    return isinstance(value, Wire | int | float | np.ndarray | np.generic | list)


def reciprocal(numerator: Any, denominator: Wire) -> Wire:
    """A number over a wire: `1/x` is the gate inv, `c/x` is c·inv(x) only where c is 1."""
    if numerator == 1:
        result: Wire = arithmetic.inv(denominator)
        return result
    quotient: Wire = arithmetic.div(numerator, denominator)
    return quotient


def power(base: Any, exponent: Any) -> Any:
    """A power; whole and half exponents that have a gate of their own use it."""
    number = _number(exponent)
    if isinstance(base, Wire) and number is not None:
        if number == 2:
            return arithmetic.square(base)
        if number == 1:
            return base
        if number == 0.5:
            return arithmetic.sqrt(base)
        if number == -1:
            return arithmetic.inv(base)
        if number == 0:
            return broadcast_to(constant(1.0, base.dtype), base.shape)
    return arithmetic.power(base, exponent)


def _number(value: Any) -> float | None:
    if isinstance(value, Wire):
        if type(value.gate) is Constant and not value.spec.shape:
            return float(value.gate.data)
        return None
    try:
        return float(value) if np.ndim(value) == 0 else None
    except OverflowError:
        raise SpecError("power: the exponent is too large to be a double.") from None


def product(x: Wire | float, y: Wire | float) -> Wire:
    """A product as derivatives need it: ones vanish, numbers fold, a sign becomes neg."""
    first = next(w for w in (x, y) if isinstance(w, Wire))
    left, right = as_wire(x, first.dtype), as_wire(y, first.dtype)
    for one, other in ((left, right), (right, left)):
        number = _number(one)
        if number == 1:
            return other
        if number == -1 and _number(other) is None:
            return -other
    result: Wire = arithmetic.mul(left, right)
    return result
