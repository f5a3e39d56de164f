"""Numbers of a formula that were rounded, and differences that this explains."""

from __future__ import annotations

import math
from fractions import Fraction

import numpy as np
import sympy as sp

from circuitgrad.claims.statements import Statement
from circuitgrad.formulas.exact_numbers import exact
from circuitgrad.gates.exact_values import is_short
from circuitgrad.sources import Constant
from circuitgrad.wire import topological

_ROUNDING = 1e-12


def has_rounded_numbers(statement: Statement) -> bool:
    """Whether a number in claimed code has so many digits that it stands for one that was rounded.

    Numbers in texts are exact.
    """
    if statement.record is not None:
        return False
    for side in (statement.correct, statement.claimed):
        if side.expression is not None and _is_rounded(side.expression):
            return True
        for wire in topological([side.wire] if side.wire is not None else []):
            if isinstance(wire.gate, Constant) and any(
                _is_rounded(exact(float(v))) for v in np.unique(wire.gate.data)
            ):
                return True
    return False


def _is_rounded(expression: sp.Expr) -> bool:
    """Whether a number in it is what a double prints as, and has all the digits of one."""
    for number in expression.atoms(sp.Rational):
        double = float(number)
        is_long = math.isfinite(double) and not is_short(double)
        if is_long and Fraction(repr(double)) == Fraction(int(number.p), int(number.q)):
            return True
    return False


def is_rounding(right: float, claimed: float) -> bool:
    """Whether two values differ by no more than rounded numbers in a formula explain.

    >>> is_rounding(1.0, 1.0 + 1e-15), is_rounding(1.0, 1.001)
    (True, False)
    """
    return abs(right - claimed) <= _ROUNDING * (abs(right) + abs(claimed))
