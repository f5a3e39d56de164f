"""Rigorous values of real SymPy expressions at exact rational points, in ball arithmetic."""

from collections.abc import Callable, Mapping

import flint
import sympy as sp
from flint import acb, arb, fmpq
from sympy.core.function import AppliedUndef

from circuitgrad.proofs.budgets import Budget


class NotRealError(Exception):
    """Raised when an expression has no real value at a point."""


class UnresolvedError(Exception):
    """Raised when a ball is too wide to tell, or an operation has no ball version."""


class BoundaryError(Exception):
    """Raised when a point lies on a kink or on the edge of a domain of definition."""


def rational_ball(value: sp.Rational) -> arb:
    """Return the ball of an exact rational.

    Args:
        value: a SymPy rational.

    Returns:
        A ball of the present precision.
    """
    return arb(fmpq(int(value.p), int(value.q)))


_SMOOTH: dict[object, Callable[[arb], arb]] = {
    sp.exp: lambda u: u.exp(),
    sp.sin: lambda u: u.sin(),
    sp.cos: lambda u: u.cos(),
    sp.tan: lambda u: u.tan(),
    sp.cot: lambda u: u.cot(),
    sp.sec: lambda u: u.sec(),
    sp.csc: lambda u: u.csc(),
    sp.sinh: lambda u: u.sinh(),
    sp.cosh: lambda u: u.cosh(),
    sp.tanh: lambda u: u.tanh(),
    sp.coth: lambda u: u.coth(),
    sp.sech: lambda u: u.sech(),
    sp.csch: lambda u: u.csch(),
    sp.atan: lambda u: u.atan(),
    sp.acot: lambda u: (1 / u).atan(),
    sp.asinh: lambda u: u.asinh(),
    sp.erf: lambda u: u.erf(),
    sp.erfc: lambda u: u.erfc(),
    sp.gamma: lambda u: u.gamma(),
    sp.digamma: lambda u: u.digamma(),
    sp.LambertW: lambda u: u.lambertw(),
    sp.airyai: lambda u: u.airy_ai(),
    sp.airybi: lambda u: u.airy_bi(),
    sp.airyaiprime: lambda u: u.airy()[1],
    sp.airybiprime: lambda u: u.airy()[3],
}
# Functions with an edge: the margin must be positive for the point to lie inside.
_EDGED: dict[object, tuple[Callable[[arb], arb], Callable[[arb], arb]]] = {
    sp.log: (lambda u: u, lambda u: u.log()),
    sp.loggamma: (lambda u: u, lambda u: u.lgamma()),
    sp.asin: (lambda u: 1 - u * u, lambda u: u.asin()),
    sp.acos: (lambda u: 1 - u * u, lambda u: u.acos()),
    sp.atanh: (lambda u: 1 - u * u, lambda u: u.atanh()),
    sp.erfinv: (lambda u: 1 - u * u, lambda u: u.erfinv()),
    sp.erfcinv: (lambda u: u * (2 - u), lambda u: (1 - u).erfinv()),
    sp.acosh: (lambda u: u - 1, lambda u: u.acosh()),
}
_CONSTANTS: dict[sp.Expr, Callable[[], arb]] = {
    sp.pi: arb.pi,
    sp.E: arb.const_e,
    sp.EulerGamma: arb.const_euler,
    sp.Catalan: arb.const_catalan,
    sp.GoldenRatio: lambda: (1 + arb(5).sqrt()) / 2,
}
_PARTIAL = (sp.Pow, *_EDGED)
# What a strict or weak relation says about the sign of left - right.
RELATIONS: dict[object, Callable[[int], bool]] = {
    sp.Gt: lambda s: s > 0,
    sp.Ge: lambda s: s >= 0,
    sp.Lt: lambda s: s < 0,
    sp.Le: lambda s: s <= 0,
    sp.Eq: lambda s: s == 0,
    sp.Ne: lambda s: s != 0,
}


def truth(condition: sp.Basic, holds: Callable[[sp.Basic], bool]) -> bool:
    """Return whether a condition is true, given what its relationals are.

    Args:
        condition: a relational, or And, Or, Not of relationals.
        holds: says whether one relational is true.

    Returns:
        True or False.
    """
    if condition in (sp.true, sp.false):
        return bool(condition)
    if isinstance(condition, sp.And):
        return all(truth(part, holds) for part in _ordered_parts(condition))
    if isinstance(condition, sp.Or):
        return any(truth(part, holds) for part in _ordered_parts(condition))
    if isinstance(condition, sp.Not):
        return not truth(condition.args[0], holds)
    return holds(condition)


def _ordered_parts(condition: sp.Basic) -> list[sp.Basic]:
    """Return the parts of an And or Or, those that may be undefined last.

    Args:
        condition: And or Or of relationals.

    Returns:
        The parts, so that `x > 0` is looked at before `log(x) > 1`.
    """
    return sorted(condition.args, key=lambda part: (part.has(*_PARTIAL), str(part)))


class Evaluator:
    """Encloses expressions at one point and one precision.

    Args:
        point: exact rational value of every symbol.
        on_boundary: evaluate on kinks and edges too, instead of raising BoundaryError.
        budget: looked at once per node.
    """

    def __init__(
        self,
        point: Mapping[sp.Symbol, sp.Rational],
        on_boundary: bool = False,
        budget: Budget | None = None,
    ) -> None:
        self._point = point
        self._on_boundary = on_boundary
        self._budget = budget
        self._memory: dict[sp.Expr, arb] = {}

    def ball(self, expression: sp.Expr) -> arb:
        """Return a finite ball that contains the value of the expression.

        Args:
            expression: a real SymPy expression of moderate depth.

        Returns:
            A ball of the present precision.

        Raises:
            NotRealError: when there is no real value.
            UnresolvedError: when the ball is infinite or undecided at this precision.
            BoundaryError: when the point lies on a kink or an edge.
        """
        known = self._memory.get(expression)
        if known is None:
            if self._budget is not None:
                self._budget.check()
            known = self._value(expression)
            if not known.is_finite():
                message = "no finite ball"
                raise UnresolvedError(message)
            self._memory[expression] = known
        return known

    def _value(self, expression: sp.Expr) -> arb:
        if expression.is_Symbol:
            return rational_ball(self._point[expression])
        if expression.is_Rational:
            return rational_ball(expression)
        if expression.is_Float:
            return rational_ball(sp.Rational(expression))
        if expression in _CONSTANTS:
            return _CONSTANTS[expression]()
        if expression.is_Add:
            return sum((self.ball(term) for term in expression.args), arb(0))
        if expression.is_Mul:
            result = arb(1)
            for factor in expression.args:
                result = result * self.ball(factor)
            return result
        if expression.is_Pow:
            return self._power(*expression.args)
        if isinstance(expression, sp.Piecewise):
            return self._piecewise(expression)
        return self._function(expression)

    def _power(self, base: sp.Expr, exponent: sp.Expr) -> arb:
        if exponent.is_Integer:
            return self.ball(base) ** int(exponent)
        inner = self.ball(base)
        sign = self._side(inner)
        if sign < 0:
            raise NotRealError("a root or power of a negative number")
        if sign == 0:
            return self._zero_power(exponent)
        if exponent.is_Rational:
            root = inner.sqrt() if exponent.q == 2 else inner.root(int(exponent.q))
            return root ** int(exponent.p)
        return (self.ball(exponent) * inner.log()).exp()

    def _zero_power(self, exponent: sp.Expr) -> arb:
        if self._on_boundary and exponent.is_positive:
            return arb(0)
        raise BoundaryError

    def _function(self, expression: sp.Expr) -> arb:
        function, arguments = expression.func, expression.args
        if function in _SMOOTH and len(arguments) == 1:
            return self._finite(_SMOOTH[function](self.ball(arguments[0])))
        if function in _EDGED and len(arguments) == 1:
            return self._edged(function, self.ball(arguments[0]))
        if function is sp.Abs:
            inner = self.ball(arguments[0])
            self._side(inner)
            return abs(inner)
        if function is sp.sign:
            return arb(self._side(self.ball(arguments[0])))
        if function is sp.Heaviside:
            side = self._side(self.ball(arguments[0]))
            return self.ball(arguments[1]) if side == 0 else arb(1 if side > 0 else 0)
        if function is sp.Max or function is sp.Min:
            return self._extreme(arguments, 1 if function is sp.Max else -1)
        if function is sp.atan2:
            return self._angle(self.ball(arguments[0]), self.ball(arguments[1]))
        if function is sp.polygamma and arguments[0].is_Integer and arguments[0] >= 0:
            inner = self.ball(arguments[1])
            order = int(arguments[0])
            return inner.digamma() if order == 0 else acb(inner).polygamma(order).real
        if function is sp.besselj and arguments[0].is_Integer:
            return self.ball(arguments[1]).bessel_j(self.ball(arguments[0]))
        raise UnresolvedError(f"no ball version of {function}")

    @staticmethod
    def _finite(ball: arb) -> arb:
        if ball.is_nan():
            message = "outside the domain, or too wide"
            raise UnresolvedError(message)
        return ball

    def _edged(self, function: object, inner: arb) -> arb:
        margin, value = _EDGED[function]
        side = self._side(margin(inner))
        if side < 0:
            raise NotRealError(str(function))
        return self._finite(value(inner))

    def _side(self, ball: arb) -> int:
        if ball > 0:
            return 1
        if ball < 0:
            return -1
        if ball.is_zero():
            if self._on_boundary:
                return 0
            raise BoundaryError
        message = "unknown sign"
        raise UnresolvedError(message)

    def _extreme(self, arguments: tuple[sp.Expr, ...], direction: int) -> arb:
        best = self.ball(arguments[0])
        for argument in arguments[1:]:
            other = self.ball(argument)
            if self._side(other - best) * direction > 0:
                best = other
        return best

    def _angle(self, y: arb, x: arb) -> arb:
        if not x > 0 and y.is_zero() and not self._on_boundary:
            raise BoundaryError
        return self._finite(arb.atan2(y, x))

    def _piecewise(self, expression: sp.Piecewise) -> arb:
        for value, condition in expression.args:
            if self.holds(condition):
                return self.ball(value)
        message = "no branch applies"
        raise NotRealError(message)

    def holds(self, condition: sp.Basic) -> bool:
        """Return whether a condition is true at the point.

        Args:
            condition: a relational, or And, Or, Not of relationals.

        Returns:
            True or False.

        Raises:
            UnresolvedError: when the balls are too wide to tell.
        """
        return truth(condition, self._holds_relation)

    def _holds_relation(self, condition: sp.Basic) -> bool:
        if type(condition) not in RELATIONS:
            raise UnresolvedError("an unknown kind of condition")
        side = self._side(self.ball(condition.lhs) - self.ball(condition.rhs))
        return RELATIONS[type(condition)](side)


def constant_sign(expression: sp.Expr, max_bits: int = 2048) -> int | None:
    """Return the sign of an expression without variables, if balls can tell.

    Args:
        expression: a real constant.
        max_bits: highest working precision.

    Returns:
        1 or -1; None when zero or not resolved.
    """
    bits = 64
    while bits <= max_bits:
        with flint.ctx.workprec(bits):
            try:
                ball = Evaluator({}, on_boundary=True).ball(expression)
            except (NotRealError, BoundaryError, KeyError):
                return None
            except UnresolvedError:
                ball = None
            if ball is not None and ball > 0:
                return 1
            if ball is not None and ball < 0:
                return -1
        bits *= 4
    return None


def interpreted(expression: sp.Expr, functions: Mapping[object, sp.Lambda]) -> sp.Expr:
    """Return the expression with undefined functions replaced by given ones.

    Args:
        expression: any SymPy expression.
        functions: one lambda per undefined function.

    Returns:
        An expression without undefined functions, derivatives carried out.
    """
    if not functions:
        return expression
    # A derivative binds its variable, so the function is replaced first and derived afterwards.
    return expression.replace(
        lambda node: isinstance(node, AppliedUndef),
        lambda node: functions[node.func](*node.args),
    ).doit()
