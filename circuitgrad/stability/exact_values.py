"""Exact values of a circuit's outputs at a point, and how many ULP a number is away from one."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

import flint
import numpy as np
import sympy as sp
from flint import arb

from circuitgrad.errors import DomainError
from circuitgrad.proofs.balls import BoundaryError, Evaluator, NotRealError, UnresolvedError

_BITS = (320, 1536, 4096, 16384)
_WANTED = 80  # bits beyond the last place of a double


def plain_choices(expression: sp.Expr) -> sp.Expr:
    """The expression with choices inside conditions written as "and" and "or"."""
    return expression.replace(sp.ITE, lambda c, a, b: sp.Or(sp.And(c, a), sp.And(sp.Not(c), b)))


def exact_value(expression: sp.Expr, point: Mapping[sp.Symbol, sp.Rational]) -> arb | None:
    """A ball around the value, far narrower than a ULP; None where there is no real value.

    The precision grows until the ball is narrow beside its value, or beside the least double.
    """
    for bits in _BITS:
        with flint.ctx.workprec(bits):
            try:
                ball = Evaluator(point, on_boundary=True).ball(expression)
            except UnresolvedError:
                continue
            except (NotRealError, BoundaryError, ZeroDivisionError):
                return None
            except RecursionError:
                raise DomainError(
                    "accuracy: the formula is nested too deeply to be evaluated. Measure a part "
                    "of it."
                ) from None
            if _is_narrow(ball):
                return ball
    return None


def _is_narrow(ball: arb) -> bool:
    radius = ball.rad()
    if radius == 0:
        return True
    size = abs(ball.mid())
    return bool(radius < size * arb(2) ** -_WANTED) or bool(radius < arb(2) ** (-1074 - _WANTED))


def nearest_double(ball: arb) -> float:
    """The double next to a ball's middle; infinite beyond their range."""
    mantissa, exponent = (int(part) for part in ball.mid().man_exp())
    excess = max(mantissa.bit_length() - 64, 0)
    try:
        return math.ldexp(mantissa >> excess, exponent + excess)
    except OverflowError:
        return math.copysign(math.inf, mantissa)


def ulp_error(value: float, exact: arb, dtype: Any = np.float64) -> float:
    """The distance of a computed number from the exact one, in units of the last place of that.

    Subnormal numbers have the spacing of subnormal numbers. Infinity is right where the exact value
    is beyond the largest number, and infinitely wrong elsewhere; so is NaN.
    """
    limits = np.finfo(dtype)
    with flint.ctx.workprec(_BITS[-1]):
        largest = arb(float(limits.max))
        spacing = arb(2) ** (limits.maxexp - 1 - limits.nmant)
        is_beyond = bool(abs(exact) >= largest + spacing / 2)
        if math.isnan(value) or (math.isinf(value) and not is_beyond):
            return math.inf
        if math.isinf(value):
            return 0.0 if (value > 0) == bool(exact > 0) else math.inf
        if is_beyond:
            return math.inf
        mantissa, exponent = exact.mid().man_exp()
        place = int(exponent) + abs(int(mantissa)).bit_length() - 1 - limits.nmant
        least = limits.minexp - limits.nmant
        place = max(place, least) if mantissa else least
        return float(abs(arb(value) - exact.mid()) / arb(2) ** place)
