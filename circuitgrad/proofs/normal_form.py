"""Normal forms of SymPy expressions on one sign cell."""

from collections.abc import Callable, Mapping, Sequence
from fractions import Fraction

import sympy as sp
from sympy.core.function import AppliedUndef

from circuitgrad.proofs.acceptance import brief
from circuitgrad.proofs.angles import FunctionTower
from circuitgrad.proofs.balls import RELATIONS, truth
from circuitgrad.proofs.budgets import Budget
from circuitgrad.proofs.fields import Element, Field, Generator, Refinement, UnsupportedError
from circuitgrad.proofs.rules import RULES

_HALF = Fraction(1, 2)


class Normaliser:
    """Turns real SymPy expressions into field elements on one cell.

    Every rewriting is an identity of real functions almost everywhere where they are defined, so
    two expressions with the same normal form are equal there. The converse is not claimed.

    Args:
        decisions: sign of every switching function on the cell.
        refinement: what an earlier start learned.
        budget: looked at all the time.
    """

    def __init__(
        self, decisions: Mapping[sp.Expr, int], refinement: Refinement, budget: Budget
    ) -> None:
        self.field: Field = Field(refinement, budget)
        self.tower: FunctionTower = FunctionTower(self.field, decisions)
        self.assumptions: list[str] = []
        self._memory: dict[sp.Basic, Element] = {}
        self._symbols: dict[sp.Basic, Element] = {}

    def assume_positive(self, expression: sp.Expr) -> None:
        """Note that an expression is positive on the cell.

        Args:
            expression: a real SymPy expression.
        """
        self.tower.signs.add_fact(self.element(expression))

    def element(self, expression: sp.Expr) -> Element:
        """Return the normal form of an expression.

        Args:
            expression: a real SymPy expression of moderate depth.

        Returns:
            A reduced quotient of polynomials in the generators.

        Raises:
            UnsupportedError: when the expression is outside the supported class, or too large.
        """
        known = self._memory.get(expression)
        if known is None:
            known = self._memory[expression] = self._fresh(expression)
        return known

    def _fresh(self, expression: sp.Expr) -> Element:
        if expression.is_Symbol:
            return self.symbol(expression, "symbol", bool(expression.is_positive))
        if expression.is_Rational:
            return self.field.rational(Fraction(int(expression.p), int(expression.q)))
        if expression.is_Float:
            return self.element(sp.Rational(expression))
        if expression.is_Add:
            return self._folded(expression.args, self.field.zero, self.field.add)
        if expression.is_Mul:
            return self._folded(expression.args, self.field.one, self.field.multiply)
        if expression.is_Pow:
            return self._power(*expression.args)
        if isinstance(expression, AppliedUndef):
            return self._undefined(expression)
        if isinstance(expression, sp.Derivative | sp.Subs):
            return self._derivative(expression)
        rule = RULES.get(expression if expression.is_NumberSymbol else expression.func)
        if rule is None:
            raise UnsupportedError(f"the function {expression.func.__name__}")
        return rule(self, expression.args)

    def _folded(
        self,
        parts: Sequence[sp.Expr],
        start: Element,
        join: Callable[[Element, Element], Element],
    ) -> Element:
        result = start
        for part in parts:
            result = join(result, self.element(part))
        return result

    def symbol(self, name: sp.Basic, kind: str, positive: bool) -> Element:
        """Return the generator of a symbol or constant."""
        if name not in self._symbols:
            generator = Generator(kind, name, positive, kind == "constant")
            self._symbols[name] = self.field.indeterminate(self.field.adjoin(generator))
        return self._symbols[name]

    # --- powers, exponentials, logarithms ---

    def need_positive(self, expression: sp.Expr, value: Element) -> None:
        """Note that a subexpression must be positive for the formulas to be real."""
        text = f"{brief(expression)} > 0"
        if not expression.is_positive and text not in self.assumptions:
            self.assumptions.append(text)
        self.tower.signs.add_fact(value)

    def _power(self, base: sp.Expr, exponent: sp.Expr) -> Element:
        if exponent.is_Integer:
            return self.field.integer_power(self.element(base), int(exponent))
        value = self.element(base)
        if exponent.is_Rational and exponent > 0 and self.field.is_zero(value):
            return value
        self.need_positive(base, value)
        if exponent.is_Rational:
            return self.tower.power(value, Fraction(int(exponent.p), int(exponent.q)))
        logarithm = self.tower.logarithm(value)
        return self.tower.exponential(self.field.multiply(self.element(exponent), logarithm))

    def root(self, value: Element) -> Element:
        """Return the square root of the absolute value."""
        return value if self.field.is_zero(value) else self.tower.power(value, _HALF)

    # --- undefined functions ---

    def _undefined(self, expression: AppliedUndef) -> Element:
        values = [self.element(argument) for argument in expression.args]
        return self.tower.opaque(
            f"{expression.func} of {len(values)}",
            values,
            expression.func,
            positive=bool(expression.is_positive),
            known=False,
        )

    def _derivative(self, expression: sp.Expr) -> Element:
        """Return a derivative of an undefined function as a further undefined function."""
        inner, places = expression, {}
        if isinstance(inner, sp.Subs):
            inner, places = inner.expr, dict(zip(inner.variables, inner.point, strict=True))
        if not isinstance(inner, sp.Derivative) or not isinstance(inner.expr, AppliedUndef):
            raise UnsupportedError(f"the derivative {brief(expression)}")
        function, counts = inner.expr, dict(inner.variable_count)
        plain = all(argument.is_Symbol for argument in function.args)
        distinct = len(set(function.args)) == len(function.args)
        if not plain or not distinct or not set(counts) <= set(function.args):
            raise UnsupportedError(f"the derivative {brief(expression)}")
        orders = tuple(int(counts.get(argument, 0)) for argument in function.args)
        values = [self.element(places.get(argument, argument)) for argument in function.args]
        meaning = _partial(function.func, orders)
        head = f"{function.func} derived {orders}"
        return self.tower.opaque(head, values, meaning, known=False)

    # --- kinks ---

    def sign(self, argument: sp.Expr) -> int:
        """Return the sign of an expression on the cell."""
        return self.tower.signs.sign_of(self.element(argument))

    def holds(self, condition: sp.Basic) -> bool:
        """Return whether a condition holds almost everywhere on the cell.

        Args:
            condition: a relational, or And, Or, Not of relationals.

        Returns:
            True or False.
        """
        return truth(condition, self._holds_relation)

    def _holds_relation(self, condition: sp.Basic) -> bool:
        if type(condition) not in RELATIONS:
            raise UnsupportedError(f"the condition {brief(condition)}")
        gap = self.field.subtract(self.element(condition.lhs), self.element(condition.rhs))
        return RELATIONS[type(condition)](self.tower.signs.sign_of(gap))


def _partial(function: Callable[..., sp.Expr], orders: Sequence[int]) -> Callable[..., sp.Expr]:
    """Return the map from arguments to the unevaluated partial derivative there."""

    def meaning(*arguments: sp.Expr) -> sp.Expr:
        marks = [sp.Dummy(real=True) for _ in arguments]
        counts = [(mark, order) for mark, order in zip(marks, orders, strict=True) if order]
        return sp.Derivative(function(*marks), *counts).subs(
            dict(zip(marks, arguments, strict=True)), simultaneous=True
        )

    return meaning
