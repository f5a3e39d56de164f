"""What two expressions do on the boundaries between their cells, where they have kinks."""

import random
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

import sympy as sp

from circuitgrad.proofs.acceptance import RejectedError, brief, check_real, check_size, is_modest
from circuitgrad.proofs.balls import constant_sign
from circuitgrad.proofs.budgets import Budget, OutOfBudgetError
from circuitgrad.proofs.equality import decide
from circuitgrad.proofs.verdicts import KinkResult, Status

_KINKED = (sp.Abs, sp.sign, sp.Heaviside, sp.Max, sp.Min, sp.Piecewise)
_UNDEFINED = "undefined"
_UNKNOWN = "unknown"
_MAX_DEGREE = 4
_NEAR = sp.Rational(1, 10**12)


class _UnknownSideError(Exception):
    """Raised when it is not known on which side of a switch a boundary lies."""


@dataclass(frozen=True)
class _Boundary:
    """The set where a variable has the given value, which is free of that variable."""

    variable: sp.Symbol
    value: sp.Expr

    def at(self, expression: sp.Expr) -> sp.Expr | None:
        """Return the expression on the boundary, or None where it has no finite value."""
        try:
            result = expression.subs(self.variable, self.value)
        except (TypeError, ValueError):  # SymPy compares no infinities: a pole inside a condition
            return None
        return None if result.has(sp.nan, sp.zoo, sp.oo, -sp.oo, sp.I) else result

    def sign(self, switch: sp.Expr, side: int) -> int:
        """Return the sign of a switching function just beside the boundary."""
        here = sp.expand(switch.subs(self.variable, self.value))
        if here != 0:
            return _sign(here)
        slope = sp.expand(switch.diff(self.variable).subs(self.variable, self.value))
        return side * _sign(slope)

    def limit(self, expression: sp.Expr, side: int) -> sp.Expr | None:
        """Return the one-sided limit, if it is the value of the smooth branch there."""
        return self.at(_smoothed(expression, lambda switch: self.sign(switch, side)))


def _sign(expression: sp.Expr) -> int:
    if expression.is_positive:
        return 1
    if expression.is_negative:
        return -1
    sign = None if expression.free_symbols else constant_sign(expression)
    if sign is None:
        raise _UnknownSideError
    return sign


def _smoothed(expression: sp.Expr, sign: Callable[[sp.Expr], int]) -> sp.Expr:
    """Return the smooth branch that is selected by the signs of the switching functions."""
    if not expression.has(*_KINKED):
        return expression
    if isinstance(expression, sp.Piecewise):
        for value, condition in expression.args:
            if _selected(condition, sign):
                return _smoothed(value, sign)
        return sp.nan
    arguments = [_smoothed(argument, sign) for argument in expression.args]
    if isinstance(expression, sp.Abs):
        return sign(arguments[0]) * arguments[0]
    if isinstance(expression, sp.sign):
        return sp.Integer(sign(arguments[0]))
    if isinstance(expression, sp.Heaviside):
        return sp.Integer((1 + sign(arguments[0])) // 2)
    if isinstance(expression, sp.Max | sp.Min):
        direction, best = 1 if isinstance(expression, sp.Max) else -1, arguments[0]
        for other in arguments[1:]:
            best = other if sign(other - best) == direction else best
        return best
    return expression.func(*arguments)


def _selected(condition: sp.Basic, sign: Callable[[sp.Expr], int]) -> bool:
    if condition in (sp.true, sp.false):
        return bool(condition)
    if isinstance(condition, sp.And):
        return all(_selected(part, sign) for part in condition.args)
    if isinstance(condition, sp.Or):
        return any(_selected(part, sign) for part in condition.args)
    if isinstance(condition, sp.Not):
        return not _selected(condition.args[0], sign)
    if isinstance(condition, sp.Eq | sp.Ne):
        return isinstance(condition, sp.Ne)
    side = sign(_smoothed(condition.lhs - condition.rhs, sign))
    return (side > 0) == isinstance(condition, sp.Gt | sp.Ge)


def _switches(expression: sp.Expr) -> Iterator[sp.Expr]:
    """Return the switching functions of an expression that have no kinks themselves."""
    for node in sp.preorder_traversal(expression):
        found: list[sp.Expr] = []
        if isinstance(node, sp.Abs | sp.sign | sp.Heaviside):
            found = [node.args[0]]
        elif isinstance(node, sp.Max | sp.Min):
            parts = node.args
            found = [a - b for i, a in enumerate(parts) for b in parts[:i]]
        elif isinstance(node, sp.core.relational.Relational):
            found = [node.lhs - node.rhs]
            found += [sign * a - b for a, b in _absolutes(node) for sign in (1, -1)]
        for switch in found:
            if not switch.has(*_KINKED) and is_modest(switch):
                yield from _factors(switch)


def _factors(switch: sp.Expr) -> list[sp.Expr]:
    """Return what a switching function is a product of: it vanishes where one of these does."""
    if not switch.free_symbols or not switch.is_polynomial():
        return [switch]
    try:
        return [factor for factor, _ in sp.factor_list(switch)[1]]
    except sp.PolynomialError:  # a number such as sinh(2) under a fraction bar
        return [switch]


def has_kinks(expression: sp.Expr) -> bool:
    """Return whether an expression has switches at all."""
    return bool(expression.has(*_KINKED))


def unsolved(expression: sp.Expr) -> list[sp.Expr]:
    """Return the switching functions whose zeros are not all found by `kinks`."""
    return [s for s in dict.fromkeys(_switches(expression)) if not _is_solved(s)]


def _is_solved(switch: sp.Expr) -> bool:
    if not switch.free_symbols:
        return True
    for variable in switch.free_symbols:
        if not switch.is_polynomial(variable):
            continue
        polynomial = sp.Poly(switch, variable)
        if polynomial.degree() == 1 and not polynomial.LC().free_symbols:
            return True
        if len(switch.free_symbols) == 1 and all(c.is_Rational for c in polynomial.coeffs()):
            roots = polynomial.ground_roots() if polynomial.degree() <= _MAX_DEGREE else {}
            return bool(polynomial.count_roots() == len(roots))
    return False


def sampled_between(
    where: str, lhs: sp.Expr, rhs: sp.Expr, domain: Sequence[sp.Basic], seed: int = 0
) -> bool | None:
    """Return whether rhs lies between the values of lhs on both sides, at points of a boundary.

    True and False rest on the points tried; None if there were none.
    """
    generator = random.Random(seed)
    switches = dict.fromkeys([*_switches(lhs), *_switches(rhs)])
    boundaries = [b for s in switches for b in _boundaries(s, domain)]
    boundary = next((b for b in boundaries if f"{b.variable} = {b.value}" == where), None)
    if boundary is None:
        return None
    others = sorted((lhs.free_symbols | rhs.free_symbols) - {boundary.variable}, key=str)
    tried = 0
    for _ in range(60):
        point = {s: sp.Rational(generator.randint(-400, 400), 97) for s in others}
        centre = boundary.value.subs(point)
        here = {**point, boundary.variable: centre}
        if not all(part.subs(here) == sp.true for part in domain):
            continue
        sides = [lhs.subs({**point, boundary.variable: centre + h}) for h in (-_NEAR, _NEAR)]
        numbers = [value.evalf(30) for value in (*sides, rhs.subs(here))]
        if not all(number.is_Float or number.is_Rational for number in numbers):
            continue
        below, above, chosen = (float(number) for number in numbers)
        slack = 1e-6 * (1 + abs(below) + abs(above))
        if not min(below, above) - slack <= chosen <= max(below, above) + slack:
            return False
        tried += 1
        if tried == 6:
            break
    return True if tried else None


def _absolutes(relation: sp.Basic) -> list[tuple[sp.Expr, sp.Expr]]:
    """Return (u, bound) for a relation between Abs(u) and a bound."""
    pairs = ((relation.lhs, relation.rhs), (relation.rhs, relation.lhs))
    return [(side.args[0], other) for side, other in pairs if isinstance(side, sp.Abs)]


def _boundaries(switch: sp.Expr, domain: Sequence[sp.Basic]) -> list[_Boundary]:
    """Return where a switching function vanishes, solved for one variable in which it is linear."""
    for variable in sorted(switch.free_symbols, key=lambda s: (bool(s.is_positive), str(s))):
        if not switch.is_polynomial(variable):
            continue
        polynomial = sp.Poly(switch, variable)
        if polynomial.degree() == 1:
            slope, offset = polynomial.all_coeffs()
            values = [-offset / slope] if not slope.free_symbols else []
        elif polynomial.degree() <= _MAX_DEGREE and len(switch.free_symbols) == 1:
            values = sorted(polynomial.ground_roots())
        else:
            values = []
        found = [_Boundary(variable, sp.expand(value)) for value in values]
        if found:
            return [boundary for boundary in found if _is_possible(boundary, domain)]
    return []


def _is_possible(boundary: _Boundary, domain: Sequence[sp.Basic]) -> bool:
    if boundary.variable.is_positive and boundary.value.is_nonpositive:
        return False
    return all(part.subs(boundary.variable, boundary.value) != sp.false for part in domain)


def kinks(
    lhs: sp.Expr, rhs: sp.Expr, domain: Sequence[sp.Basic] = (), budget: float = 2.0
) -> list[KinkResult]:
    """Return what both sides do on each boundary that is linear in a variable.

    Args:
        lhs: the right answer.
        rhs: the claimed one.
        domain: SymPy inequalities.
        budget: seconds of wall-clock time for all boundaries.

    Returns:
        One record per boundary, in the order in which the switching functions occur.

    >>> x = sp.Symbol("x", real=True)
    >>> step = sp.Piecewise((1, x > 0), (0, True))
    >>> print(*kinks(step, sp.Heaviside(x)))
    x = 0: DISAGREE; limits 0 and 1; left side 0, right side 1/2
    """
    clock, results = Budget(budget), {}
    try:
        check_size([lhs, rhs, *domain])
        check_real([lhs, rhs, *domain])
        for switch in [*_switches(lhs), *_switches(rhs)]:
            for boundary in _boundaries(switch, domain):
                clock.check()
                if boundary not in results:
                    results[boundary] = _kink(boundary, lhs, rhs, domain, clock)
    except (RejectedError, OutOfBudgetError):
        pass
    return list(results.values())


def _kink(
    boundary: _Boundary, lhs: sp.Expr, rhs: sp.Expr, domain: Sequence[sp.Basic], clock: Budget
) -> KinkResult:
    where = [part.subs(boundary.variable, boundary.value) for part in domain]
    if boundary.variable.is_positive:
        where.append(sp.Gt(boundary.value, 0))

    def same(first: sp.Expr | None, second: sp.Expr | None) -> bool | None:
        if first is None or second is None:
            return None
        status = decide(first, second, where, min(max(clock.left, 0.05), 0.5)).status
        return {Status.PROVED: True, Status.REFUTED: False}.get(status)

    correct, claimed = boundary.at(lhs), boundary.at(rhs)
    try:
        limits = [boundary.limit(lhs, side) for side in (-1, 1)]
        left, right = (_text(limit) for limit in limits)
    except _UnknownSideError:
        limits, left, right = [None, None], _UNKNOWN, _UNKNOWN
    return KinkResult(
        f"{boundary.variable} = {brief(boundary.value)}",
        left,
        right,
        _text(claimed),
        _text(correct),
        _is_between(claimed, limits, same),
        same(correct, claimed),
    )


def _text(value: sp.Expr | None) -> str:
    return _UNDEFINED if value is None else brief(value)


def _is_between(
    value: sp.Expr | None,
    limits: Sequence[sp.Expr | None],
    same: Callable[[sp.Expr | None, sp.Expr | None], bool | None],
) -> bool | None:
    """Return whether a value lies in the closed interval between two limits."""
    if value is None or None in limits:
        return None
    if any(same(value, limit) for limit in limits):
        return True
    below, above = limits
    product = (value - below) * (above - value)
    if product.free_symbols:
        return None
    sign = constant_sign(product)
    return None if sign is None else sign > 0
