"""Numbers of a formula that were rounded, and differences that this explains."""

from __future__ import annotations

import numpy as np
import sympy as sp

from circuitgrad.claims.statements import Statement
from circuitgrad.formulas.exact_numbers import exact
from circuitgrad.sources import Constant
from circuitgrad.wire import topological

_LONG = 10**13
_ROUNDING = 1e-12


def has_rounded_numbers(statement: Statement) -> bool:
    """Whether a number in it has so many digits that it stands for one that was rounded."""
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
    return any(number.q > _LONG for number in expression.atoms(sp.Rational))


def is_rounding(right: float, claimed: float) -> bool:
    """Whether two values differ by no more than rounded numbers in a formula explain.

    >>> is_rounding(1.0, 1.0 + 1e-15), is_rounding(1.0, 1.001)
    (True, False)
    """
    return abs(right - claimed) <= _ROUNDING * (abs(right) + abs(claimed))
