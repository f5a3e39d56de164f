"""What numbers stand for: doubles as fractions, decimals and multiples of known constants."""

from __future__ import annotations

import math
from collections.abc import Mapping
from fractions import Fraction
from typing import Any

import sympy as sp

from circuitgrad.errors import SpecError
from circuitgrad.gates.exact_values import is_short


def as_rational(value: int | Fraction) -> sp.Expr:
    """A whole number or fraction as SymPy's."""
    return sp.Rational(value.numerator, value.denominator)


def as_expression(value: Any) -> Any:
    """A SymPy object as it is, a number as SymPy's; text is refused, never read as code."""
    if isinstance(value, sp.Basic | sp.MatrixBase):
        return value
    if isinstance(value, str):
        raise SpecError(f"expression: got the text {value!r}; needed a SymPy object or a number.")
    return exact(value)


def exact(value: float) -> sp.Expr:
    """The number that a double stands for.

    A short decimal is itself, 0.3333333333333333 is 1/3 and 6.283185307179586 is 2π: doubles next
    to a small fraction, or to a small multiple of a well-known constant, are read as that. Any
    other double is its shortest decimal.

    >>> exact(0.1), exact(1 / 3), exact(6.283185307179586)
    (1/10, 1/3, 2*pi)
    """
    number = float(value)
    if not math.isfinite(number):
        return sp.nan if math.isnan(number) else sp.oo * (1 if number > 0 else -1)
    decimal = Fraction(repr(number))
    if is_short(number):
        return as_rational(decimal)
    for name, constant in _WELL_KNOWN.items():
        ratio = Fraction(number / constant).limit_denominator(_MAX_DENOMINATOR)
        if ratio and float(ratio) * constant == number:
            return as_rational(ratio) * name
    return as_rational(decimal)


_MAX_DENOMINATOR = 360
_WELL_KNOWN: Mapping[sp.Expr, float] = {
    sp.Integer(1): 1.0,
    sp.pi: math.pi,
    sp.E: math.e,
    sp.log(2): math.log(2),
    sp.log(10): math.log(10),
    sp.sqrt(2): math.sqrt(2),
    sp.sqrt(3): math.sqrt(3),
    sp.sqrt(sp.pi): math.sqrt(math.pi),
    1 / sp.pi: 1 / math.pi,
    1 / sp.sqrt(sp.pi): 1 / math.sqrt(math.pi),
    sp.sqrt(2 / sp.pi): math.sqrt(2 / math.pi),
    sp.sqrt(2 * sp.pi): math.sqrt(2 * math.pi),
    1 / sp.sqrt(2 * sp.pi): 1 / math.sqrt(2 * math.pi),
    sp.log(2 * sp.pi): math.log(2 * math.pi),
}
