"""Whether a gate on numbers may be folded: only where the number that is meant stays the same."""

from __future__ import annotations

import re
from collections.abc import Callable
from fractions import Fraction
from functools import lru_cache
from typing import TYPE_CHECKING, Any

from circuitgrad import grammar
from circuitgrad.errors import SpecError

if TYPE_CHECKING:
    from circuitgrad.gates.from_formula import Elementwise


@lru_cache(maxsize=4096)
def is_short(number: float) -> bool:
    """Whether a double is meant as the decimal that it prints as: 0.1, but not 3.141592653589793.

    >>> is_short(0.1), is_short(1 / 3)
    (True, False)
    """
    digits = repr(float(number)).strip("-").replace(".", "").split("e")[0].strip("0")
    return len(digits) <= _SHORT


def is_exact(gate: Elementwise, numbers: tuple[float, ...], value: float) -> bool:
    """Whether a gate's value says what the gate on these numbers does, π and 1/3 among them."""
    if not all(map(is_short, numbers)):
        return any(abs(value) == abs(number) for number in numbers) and _exact_value(
            gate, tuple(map(Fraction, numbers))
        ) == Fraction(value)
    found = _exact_value(gate, tuple(Fraction(repr(number)) for number in numbers))
    return is_short(value) and found == Fraction(repr(value))


def _exact_value(gate: Elementwise, numbers: tuple[Fraction, ...]) -> Fraction | None:
    """A gate's value in exact arithmetic; None where its formula has more than arithmetic in it."""
    functions: dict[str, Callable[..., Any]] = {"Abs": abs, "Max": max, "Min": min}
    try:
        scope = dict(zip(gate.variables, numbers, strict=True))
        formula = gate.formula
        if gate.pieces:
            held = (
                text
                for condition, text in gate.pieces
                if grammar.evaluate(condition, scope, functions, Fraction)
            )
            formula = next(held, gate.at_kink)
        if _VARIABLE_POWER.search(formula):
            return None
        found = grammar.evaluate(formula, scope, functions, Fraction)
    except (SpecError, ArithmeticError, ValueError):
        return None
    return found if isinstance(found, Fraction) else None


_SHORT = 14
_VARIABLE_POWER = re.compile(r"\*\*\s*[^\d\s]")
