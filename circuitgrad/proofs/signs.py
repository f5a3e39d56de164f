"""Signs of polynomials on one cell: from their form, from facts, from decisions."""

from collections.abc import Callable, Mapping
from fractions import Fraction

import sympy as sp
from flint import fmpz_mpoly

from circuitgrad.proofs.acceptance import brief
from circuitgrad.proofs.balls import constant_sign
from circuitgrad.proofs.fields import Element, Field, UnsupportedError
from circuitgrad.proofs.inequalities import Monomial, is_empty, is_square_sum

_MAX_CONSTRAINT_TERMS = 40
_MAX_CONSTRAINTS = 24


class UndecidedSignError(Exception):
    """Raised when the cell must be split by the sign of an expression.

    Args:
        expression: the switching function.
    """

    def __init__(self, expression: sp.Expr) -> None:
        super().__init__(brief(expression))
        self.expression = expression


class EmptyCellError(Exception):
    """Raised when the formulas have no real value anywhere on a cell."""


class SignOracle:
    """Knows the signs of polynomials almost everywhere on one cell.

    Args:
        field: where the polynomials live.
        decisions: the signs that define the cell.
    """

    def __init__(self, field: Field, decisions: Mapping[sp.Expr, int]) -> None:
        self.field = field
        self._decisions = decisions
        self._known: dict[str, int] = {}
        self._pending: list[tuple[int, list[fmpz_mpoly]]] = []
        self._constraints: list[dict[Monomial, Fraction]] = []
        self._unwrap: Callable[[fmpz_mpoly], Element | None] = lambda _: None

    def use_unwrapping(self, unwrap: Callable[[fmpz_mpoly], Element | None]) -> None:
        """Install a map from a polynomial to a simpler element of the same sign.

        Args:
            unwrap: returns None where it knows nothing simpler.
        """
        self._unwrap = unwrap

    # --- asking ---

    def sign_of(self, value: Element) -> int:
        """Return 1 or -1 for an element that is not zero, or 0 for zero.

        Args:
            value: an element of the field.

        Returns:
            Its sign almost everywhere on the cell.

        Raises:
            UndecidedSignError: when the cell must be split.
        """
        if self.field.is_zero(value):
            return 0
        result = 1
        for polynomial in value:
            sign, powers = self.field.factors(polynomial)
            result *= sign
            for factor, times in powers:
                if times % 2:
                    result *= self.sign(factor)
        return result

    def sign(self, polynomial: fmpz_mpoly) -> int:
        """Return 1 or -1 for an irreducible polynomial.

        Args:
            polynomial: not zero.

        Returns:
            Its sign almost everywhere on the cell.

        Raises:
            UndecidedSignError: when the cell must be split.
        """
        if polynomial.leading_coefficient() < 0:
            return -self.sign(-polynomial)
        settled = self._settled(polynomial)
        if settled is None:
            settled = self._from_facts(polynomial)
        if settled is None:
            simpler = self._unwrap(polynomial)
            settled = None if simpler is None else self.sign_of(simpler) or None
        if settled is None:
            settled = self._decided(polynomial)
        self._known[str(polynomial)] = settled
        return settled

    def plain_sign(self, polynomial: fmpz_mpoly) -> int | None:
        """Return the sign of a polynomial if no fact, decision or split is needed.

        Args:
            polynomial: not zero.

        Returns:
            1 or -1, or None.
        """
        result, powers = self.field.factors(polynomial)
        for factor, times in powers:
            sign = self._settled(factor) if times % 2 else 1
            if sign is None:
                return None
            result *= sign
        return result

    def _settled(self, polynomial: fmpz_mpoly) -> int | None:
        key = str(polynomial)
        if key not in self._known:
            sign = self._automatic(polynomial)
            if sign is None:
                return None
            self._known[key] = sign
        return self._known[key]

    def _automatic(self, polynomial: fmpz_mpoly) -> int | None:
        if polynomial.is_constant():
            return 1 if polynomial.leading_coefficient() > 0 else -1
        terms = self._terms(polynomial)
        used = self.field.used(polynomial)
        positive = {index for index in used if self.field.generators[index].positive}
        if is_square_sum(terms, positive):
            return 1
        if is_square_sum({m: -c for m, c in terms.items()}, positive):
            return -1
        if self.field.is_constant(polynomial):
            sign = constant_sign(self.field.expression_of(polynomial))
            if sign is None:
                message = "a constant of unknown sign"
                raise UnsupportedError(message)
            return sign
        return None

    @staticmethod
    def _terms(polynomial: fmpz_mpoly, factor: int = 1) -> dict[Monomial, Fraction]:
        return {m: Fraction(factor * int(c)) for m, c in polynomial.to_dict().items()}

    def _from_facts(self, polynomial: fmpz_mpoly) -> int | None:
        for sign, factors in self._pending:
            if polynomial not in factors:
                continue
            others = [self._settled(other) for other in factors if other != polynomial]
            if None not in others:
                for other in others:
                    sign *= other or 1
                return sign
        return None

    def _decided(self, polynomial: fmpz_mpoly) -> int:
        expression = self.field.expression_of(polynomial)
        sign = self._decisions.get(expression)
        if sign is None:
            sign = self._implied(polynomial)
            if sign is None:
                raise UndecidedSignError(expression)
            return sign
        self._constrain(polynomial, sign)
        return sign

    def _constrain(self, polynomial: fmpz_mpoly, sign: int) -> None:
        if len(polynomial) <= _MAX_CONSTRAINT_TERMS and len(self._constraints) < _MAX_CONSTRAINTS:
            self._constraints.append(self._terms(polynomial, sign))

    def _implied(self, polynomial: fmpz_mpoly) -> int | None:
        if len(polynomial) > _MAX_CONSTRAINT_TERMS:
            return None
        never_positive = self._excludes(self._terms(polynomial))
        never_negative = self._excludes(self._terms(polynomial, -1))
        if never_positive and never_negative:
            raise EmptyCellError
        return 1 if never_negative else -1 if never_positive else None

    def _excludes(self, *more: dict[Monomial, Fraction]) -> bool:
        constraints = [*self._constraints, *more]
        positive = {i for i, g in enumerate(self.field.generators) if g.positive}
        monomials = {m for constraint in constraints for m in constraint if any(m)}
        for monomial in sorted(monomials):
            if all(k % 2 == 0 or i in positive for i, k in enumerate(monomial)):
                constraints.append({monomial: Fraction(1)})
        return is_empty(constraints, self.field.budget)

    # --- telling ---

    def add_fact(self, value: Element) -> None:
        """Note that an element is positive wherever the formulas are real.

        Args:
            value: an element that is not zero.

        Raises:
            EmptyCellError: when it is known to be negative.
        """
        if self.field.is_zero(value):
            message = "a positive quantity is zero everywhere"
            raise UnsupportedError(message)
        sign, unknown = 1, []
        for polynomial in value:
            unit, powers = self.field.factors(polynomial)
            sign *= unit
            for factor, times in powers:
                settled = self._settled(factor) if times % 2 else 1
                sign *= settled or 1
                unknown += [factor] if settled is None else []
        if not unknown:
            self._demand(sign)
        elif len(unknown) == 1:
            self._learn(unknown[0], sign)
        else:
            self._pending.append((sign, unknown))
            product = unknown[0]
            for factor in unknown[1:]:
                product = self.field.times(product, factor)
            self._constrain(product, sign)

    def _demand(self, sign: int) -> None:
        if sign < 0:
            raise EmptyCellError

    def _learn(self, polynomial: fmpz_mpoly, sign: int) -> None:
        self._known[str(polynomial)] = sign
        self._constrain(polynomial, sign)
        simpler = self._unwrap(polynomial)
        if simpler is not None and not self.field.is_zero(simpler):
            self.add_fact(simpler if sign > 0 else self.field.negative(simpler))

    def check_consistency(self) -> None:
        """Return nothing if no contradiction between facts and decisions is known.

        Raises:
            EmptyCellError: when the formulas are real nowhere on the cell.
        """
        for sign, factors in self._pending:
            signs = [self._settled(factor) for factor in factors]
            if None not in signs:
                for other in signs:
                    sign *= other or 1
                self._demand(sign)
        if self._excludes():
            raise EmptyCellError
