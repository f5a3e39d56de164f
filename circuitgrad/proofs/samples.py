"""Exact rational points inside cells, and rigorous comparisons of two expressions there."""

import random
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from math import log, log10

import flint
import sympy as sp
from flint import arb
from sympy.core.function import AppliedUndef

from circuitgrad.proofs.acceptance import Constraint, is_modest
from circuitgrad.proofs.balls import (
    BoundaryError,
    Evaluator,
    NotRealError,
    UnresolvedError,
    interpreted,
)
from circuitgrad.proofs.budgets import Budget
from circuitgrad.proofs.verdicts import Witness

_NUMERIC_ERRORS = (NotRealError, UnresolvedError, BoundaryError, ZeroDivisionError)
_AGREEMENT_BITS = 40


@dataclass(frozen=True)
class Point:
    """Exact values of the variables, and a polynomial for every undefined function."""

    values: Mapping[sp.Symbol, sp.Rational]
    functions: Mapping[object, sp.Lambda] = field(default_factory=dict)

    def __str__(self) -> str:
        return ", ".join(f"{name} = {value}" for name, value in self.described().items())

    def described(self) -> dict[str, str]:
        """Return names and exact values as text."""
        values = {str(symbol): str(value) for symbol, value in self.values.items()}
        for function, meaning in self.functions.items():
            signature = ", ".join(str(variable) for variable in meaning.variables)
            values[f"{function}({signature})"] = str(meaning.expr)
        return values


@dataclass(frozen=True)
class Comparison:
    """Two sides at one point: they differ for certain, or agree to some digits."""

    differ: bool
    digits: float
    witness: Witness


def compared(
    lhs: sp.Expr, rhs: sp.Expr, point: Point, budget: Budget, max_bits: int = 512
) -> Comparison | None:
    """Return what balls say about lhs = rhs at a point.

    Args:
        lhs: left side.
        rhs: right side.
        point: exact values.
        budget: looked at once per node.
        max_bits: highest precision.

    Returns:
        The comparison, or None if a side has no value there or is not resolved.
    """
    lhs, rhs = (interpreted(side, point.functions) for side in (lhs, rhs))
    bits, result = 128, None
    while bits <= max_bits:
        with flint.ctx.workprec(bits):
            evaluator = Evaluator(point.values, budget=budget)
            try:
                left, right = evaluator.ball(lhs), evaluator.ball(rhs)
            except (NotRealError, BoundaryError, ZeroDivisionError):
                return None
            except UnresolvedError:
                bits *= 4
                continue
            result = _comparison(left, right, point, bits)
            if result is not None and result.differ:
                return result
        bits *= 4
    return result


def _comparison(left: arb, right: arb, point: Point, bits: int) -> Comparison | None:
    gap = left - right
    differ = bool(gap > 0 or gap < 0)
    error = gap.rad() / (1 + abs(left).mid())
    if not differ and not error < arb(2) ** -_AGREEMENT_BITS:
        return None
    digits = bits * log10(2) if error.is_zero() else -float(error.log()) / log(10)
    witness = Witness(point.described(), left.str(20), right.str(20), bits)
    return Comparison(differ, digits, witness)


def only_real_side(lhs: sp.Expr, rhs: sp.Expr, point: Point, budget: Budget) -> str:
    """Return which side alone has a real value at a point.

    Args:
        lhs: left side.
        rhs: right side.
        point: exact values.
        budget: looked at once per node.

    Returns:
        "left", "right", or an empty text when both or none have, or balls cannot tell.
    """
    real = []
    with flint.ctx.workprec(128):
        evaluator = Evaluator(point.values, budget=budget)
        for side in (lhs, rhs):
            try:
                evaluator.ball(interpreted(side, point.functions))
            except NotRealError:
                real.append(False)
            except (UnresolvedError, BoundaryError, ZeroDivisionError):
                return ""
            else:
                real.append(True)
    return {(True, False): "left", (False, True): "right"}.get((real[0], real[1]), "")


def is_inside(point: Point, constraints: Sequence[Constraint], budget: Budget) -> bool:
    """Return True only if the point satisfies all strict inequalities rigorously.

    Args:
        point: exact values.
        constraints: pairs of an expression and its sign.
        budget: looked at once per node.

    Returns:
        False also when balls cannot tell.
    """
    with flint.ctx.workprec(192):
        evaluator = Evaluator(point.values, budget=budget)
        for expression, sign in constraints:
            try:
                ball = evaluator.ball(interpreted(expression, point.functions))
            except _NUMERIC_ERRORS:
                return False
            if not (ball > 0 if sign > 0 else ball < 0):
                return False
    return True


class Sampler:
    """Draws exact rational points, nice ones first.

    Args:
        expressions: where variables and undefined functions are taken from.
        seed: of the pseudo-random choices.
        budget: looked at once per try.
    """

    def __init__(self, expressions: Sequence[sp.Basic], seed: int, budget: Budget) -> None:
        self._random = random.Random(seed)
        self._budget = budget
        symbols = set().union(*(expression.free_symbols for expression in expressions))
        functions = set().union(*(expression.atoms(AppliedUndef) for expression in expressions))
        self._symbols = sorted(symbols, key=str)
        self._functions = {f.func: f for f in sorted(functions, key=str)}

    def points(
        self, constraints: Sequence[Constraint], tries: int, wide: bool = False
    ) -> Iterator[Point]:
        """Return points inside a cell, one after the other.

        Args:
            constraints: pairs of an expression and its sign.
            tries: number of points drawn, most of which may lie outside.
            wide: use huge and tiny values, and values near the critical ones, from the start.

        Yields:
            Points that satisfy all constraints rigorously.
        """
        critical = _critical_values(constraints)
        for attempt in range(tries):
            self._budget.check()
            point = self._drawn(attempt, critical, wide)
            if is_inside(point, constraints, self._budget):
                yield point

    def _drawn(
        self, attempt: int, critical: Sequence[tuple[sp.Symbol, sp.Rational]], wide: bool
    ) -> Point:
        modes = (0, 1, 2, 2, 3, 4) if wide or attempt > 12 else (0, 1, 2)
        values = {symbol: self._value(symbol, modes) for symbol in self._symbols}
        if critical and attempt % 3 != 1:
            symbol, value = self._random.choice(critical)
            step = sp.Rational(self._random.randint(-100, 100), self._random.choice(_STEPS))
            others = [other for name, other in critical if name == symbol and other != value]
            if others and attempt % 2:
                value = (value + self._random.choice(others)) / 2
            if not symbol.is_positive or value + step > 0:
                values[symbol] = value + step
        return Point(values, {name: self._meaning(f) for name, f in self._functions.items()})

    def _value(self, symbol: sp.Symbol, modes: Sequence[int]) -> sp.Rational:
        draw, mode = self._random.randint, self._random.choice(modes)
        if mode == 0:
            value = sp.Rational(draw(-24, 24), self._random.choice((1, 2, 3, 4, 5, 7, 8)))
        elif mode == 1:
            value = sp.Rational(draw(-1000, 1000), 997)
        elif mode == 2:
            value = sp.Rational(draw(1, 99), 100) * self._random.choice((1, -1))
        elif mode == 3:
            value = sp.Rational(draw(-1000, 1000), 100) * sp.Rational(10) ** draw(-3, 3)
        else:
            value = sp.Rational(draw(-99, 99)) * sp.Rational(10) ** draw(-8, 6)
        value = value or sp.Rational(1, 3)
        if symbol.is_nonnegative:
            return abs(value)
        return -abs(value) if symbol.is_nonpositive else value

    def _meaning(self, applied: AppliedUndef) -> sp.Lambda:
        """Return a random quadratic polynomial in as many variables."""
        draw = self._random.randint
        variables = sp.symbols(f"t1:{len(applied.args) + 1}", real=True)
        if applied.is_positive:
            body = sum((sp.Rational(draw(1, 9), 5) * v**2 for v in variables), sp.Rational(1, 2))
            return sp.Lambda(variables, body)
        terms = [
            sp.Rational(draw(-9, 9), 7) * v + sp.Rational(draw(1, 9), 5) * v**2 for v in variables
        ]
        return sp.Lambda(variables, sp.Add(sp.Rational(draw(-9, 9), 4), *terms))


_STEPS = (30, 150, 10**4, 10**7)


def _critical_values(constraints: Sequence[Constraint]) -> list[tuple[sp.Symbol, sp.Rational]]:
    """Return where constraints in one variable, linear in it, change sign (approximately)."""
    found = []
    for expression, _ in constraints:
        if not is_modest(expression):
            continue
        symbols = sorted(expression.free_symbols, key=str)
        if len(symbols) != 1 or not expression.is_polynomial(symbols[0]):
            continue
        polynomial = sp.Poly(expression, symbols[0])
        if polynomial.degree() == 1:
            slope, offset = polynomial.all_coeffs()
            value = -offset / slope
            if not value.is_Rational and value.is_number:
                value = sp.Rational(str(sp.N(value, 20)))
            if value.is_Rational:
                found.append((symbols[0], value))
    return found
