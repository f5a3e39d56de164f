"""Exact arithmetic with quotients of integer polynomials over algebraic relations."""

from dataclasses import dataclass, field
from fractions import Fraction
from math import comb
from typing import NamedTuple

import sympy as sp
from flint import Ordering, fmpz, fmpz_mpoly, fmpz_mpoly_ctx

from circuitgrad.proofs.budgets import Budget

MAX_TERMS = 20_000
MAX_PRODUCT = 2_000_000
MAX_GCD = 600_000
MAX_PRINTED_TERMS = 300
MAX_FACTORED_TERMS = 400
MAX_POWER = 400
MAX_COEFFICIENT_BITS = 20_000


class UnsupportedError(Exception):
    """Raised when the normal form cannot express something, or it grows too large."""


class RefinedError(Exception):
    """Raised when a finer generator is needed: the normal form starts again with it."""


class Element(NamedTuple):
    """A quotient of two polynomials in the generators of one field."""

    numerator: fmpz_mpoly
    denominator: fmpz_mpoly


class Factors(NamedTuple):
    """A polynomial as sign * product of irreducible polynomials and primes."""

    sign: int
    powers: list[tuple[fmpz_mpoly, int]]


@dataclass(slots=True)
class Generator:
    """One indeterminate of the field and what it stands for.

    Attributes:
        kind: "symbol", "pi", "constant", "exponential", "half-angle", "root", "logarithm",
            "arctangent", "odd" (a monotone odd function), "lambert" or "opaque".
        expression: its meaning as a SymPy expression.
        positive: its value is positive wherever it is defined.
        constant: its value depends on no variable.
        argument: exponent, angle, or argument of an arctangent, odd or lambert function.
        divisor: exponential and half-angle take argument / divisor; a root is base**(1/divisor).
        base: radicand of a root, or p of the generator log|p|.
    """

    kind: str
    expression: sp.Expr
    positive: bool = False
    constant: bool = False
    argument: Element | None = None
    divisor: int = 1
    base: fmpz_mpoly | None = None


@dataclass(slots=True)
class Refinement:
    """What a normal form learned before it started again.

    Attributes:
        capacity: number of generators to make room for.
        divisors: common denominators for exponentials, half-angles and roots.
    """

    capacity: int = 16
    divisors: dict[tuple[str, sp.Expr], int] = field(default_factory=dict)


class Field:
    """Quotients of integer polynomials, reduced by the relations of its roots.

    Args:
        refinement: room for generators.
        budget: looked at before every expensive operation.
    """

    def __init__(self, refinement: Refinement, budget: Budget) -> None:
        self.refinement = refinement
        self.budget = budget
        names = [f"g{i}" for i in range(refinement.capacity)]
        self.context = fmpz_mpoly_ctx.get(names, Ordering.lex)
        self._indeterminates = self.context.gens()
        self.generators: list[Generator] = []
        self._roots: list[int] = []
        self._factored: dict[str, Factors] = {}
        self.one_polynomial = self.context.constant(1)
        self.zero = self.integer(0)
        self.one = self.integer(1)

    # --- generators and constants ---

    def adjoin(self, generator: Generator) -> int:
        """Return the index of a new generator.

        Args:
            generator: what it stands for.

        Returns:
            Its index.

        Raises:
            RefinedError: when there is no room left.
        """
        if len(self.generators) == self.refinement.capacity:
            if self.refinement.capacity >= 128:
                message = "more than 128 generators"
                raise UnsupportedError(message)
            self.refinement.capacity *= 2
            raise RefinedError
        self.generators.append(generator)
        if generator.kind == "root":
            self._roots.insert(0, len(self.generators) - 1)
        return len(self.generators) - 1

    def base_of(self, index: int) -> fmpz_mpoly:
        """Return the radicand of a root, or the argument of a logarithm."""
        base = self.generators[index].base
        assert base is not None
        return base

    def integer(self, value: int) -> Element:
        """Return a constant."""
        return Element(self.context.constant(value), self.one_polynomial)

    def rational(self, value: Fraction) -> Element:
        """Return a constant."""
        constant = self.context.constant
        return Element(constant(value.numerator), constant(value.denominator))

    def indeterminate(self, index: int) -> Element:
        """Return the generator of an index as an element."""
        return Element(self._indeterminates[index], self.one_polynomial)

    def polynomial(self, value: fmpz_mpoly) -> Element:
        """Return a polynomial as an element."""
        return Element(value, self.one_polynomial)

    # --- guarded polynomial operations ---

    def times(self, left: fmpz_mpoly, right: fmpz_mpoly) -> fmpz_mpoly:
        """Return a product, unless it would be too large."""
        self.budget.check()
        if len(left) * len(right) > MAX_PRODUCT:
            raise UnsupportedError(f"product of {len(left)} and {len(right)} terms")
        return left * right

    def to_power(self, base: fmpz_mpoly, exponent: int) -> fmpz_mpoly:
        """Return a power, unless it would be too large."""
        self.budget.check()
        if exponent <= 1:
            return base**exponent
        if exponent == 2:
            return self.times(base, base)
        terms = len(base)
        bits = max((abs(int(c)).bit_length() for c in base.coeffs()), default=0)
        if exponent > MAX_POWER or bits * exponent > MAX_COEFFICIENT_BITS:
            raise UnsupportedError(f"power {exponent}")
        if terms > 1 and comb(terms + exponent - 1, exponent) > 4 * MAX_TERMS:
            raise UnsupportedError(f"{terms} terms to the power {exponent}")
        return base**exponent

    def common_divisor(self, left: fmpz_mpoly, right: fmpz_mpoly) -> fmpz_mpoly:
        """Return the greatest common divisor, unless it would take too long."""
        self.budget.check()
        if min(len(left), len(right)) > 1 and len(left) * len(right) > MAX_GCD:
            raise UnsupportedError(f"common divisor of {len(left)} and {len(right)} terms")
        return left.gcd(right)

    # --- reduction by r**q = base ---

    def reduced(self, polynomial: fmpz_mpoly) -> fmpz_mpoly:
        """Return the polynomial with every root below its own degree."""
        if len(polynomial) > MAX_TERMS:
            raise UnsupportedError(f"{len(polynomial)} terms")
        for index in self._roots:
            if polynomial.degrees()[index] >= self.generators[index].divisor:
                polynomial = self._reduced_by(polynomial, index)
        return polynomial

    def _reduced_by(self, polynomial: fmpz_mpoly, index: int) -> fmpz_mpoly:
        degree, base = self.generators[index].divisor, self.base_of(index)
        parts: dict[int, dict[tuple[int, ...], fmpz]] = {}
        for monomial, coefficient in polynomial.to_dict().items():
            times, rest = divmod(int(monomial[index]), degree)
            lowered = (*monomial[:index], rest, *monomial[index + 1 :])
            parts.setdefault(times, {})[lowered] = coefficient
        result = self.context.constant(0)
        for times, terms in parts.items():
            part = self.context.from_dict(terms)
            result = result + self.times(part, self.to_power(base, times))
        return result

    def quotient(self, numerator: fmpz_mpoly, denominator: fmpz_mpoly) -> Element:
        """Return numerator / denominator in lowest terms.

        Args:
            numerator: any polynomial.
            denominator: a polynomial that is not zero.

        Returns:
            The reduced element, roots of degree two and three cleared from the denominator.

        Raises:
            UnsupportedError: when the denominator is zero or a limit is met.
        """
        numerator, denominator = self.reduced(numerator), self.reduced(denominator)
        if denominator.is_zero():
            message = "a denominator is zero everywhere"
            raise UnsupportedError(message)
        if numerator.is_zero():
            return self.zero
        for index in self._roots:
            if denominator.degrees()[index] > 0:
                numerator, denominator = self._rationalised(numerator, denominator, index)
        if denominator.is_zero():
            message = "a denominator is zero everywhere"
            raise UnsupportedError(message)
        divisor = self.common_divisor(numerator, denominator)
        if not divisor.is_one():
            numerator, denominator = numerator / divisor, denominator / divisor
        if denominator.leading_coefficient() < 0:
            numerator, denominator = -numerator, -denominator
        return Element(numerator, denominator)

    def _rationalised(
        self, numerator: fmpz_mpoly, denominator: fmpz_mpoly, index: int
    ) -> tuple[fmpz_mpoly, fmpz_mpoly]:
        degree, base = self.generators[index].divisor, self.base_of(index)
        root, times = self._indeterminates[index], self.times
        parts = self.coefficients(denominator, index, degree)
        present = [k for k, part in enumerate(parts) if not part.is_zero()]
        if len(present) == 1:
            k = present[0]
            over, under = root ** (degree - k), times(parts[k], base)
        elif degree == 2:
            a, b = parts
            over, under = a - b * root, times(a, a) - times(times(b, b), base)
        elif degree == 3:
            a, b, c = parts
            first = times(a, a) - times(times(b, c), base)
            second = times(times(c, c), base) - times(a, b)
            third = times(b, b) - times(a, c)
            over = first + second * root + third * root * root
            under = times(a, first) + times(base, times(b, third) + times(c, second))
        else:
            return numerator, denominator
        return self.reduced(times(numerator, over)), self.reduced(under)

    def coefficients(self, value: fmpz_mpoly, index: int, count: int) -> list[fmpz_mpoly]:
        """Return the coefficients of the powers 0 .. count - 1 of one generator."""
        terms: list[dict[tuple[int, ...], fmpz]] = [{} for _ in range(count)]
        for monomial, coefficient in value.to_dict().items():
            rest = (*monomial[:index], 0, *monomial[index + 1 :])
            terms[int(monomial[index])][rest] = coefficient
        return [self.context.from_dict(part) for part in terms]

    # --- field operations ---

    def add(self, left: Element, right: Element) -> Element:
        """Return left + right."""
        if left.denominator == right.denominator:
            return self.quotient(left.numerator + right.numerator, left.denominator)
        shared = self.common_divisor(left.denominator, right.denominator)
        first, second = left.denominator / shared, right.denominator / shared
        numerator = self.times(left.numerator, second) + self.times(right.numerator, first)
        return self.quotient(numerator, self.times(left.denominator, second))

    def multiply(self, left: Element, right: Element) -> Element:
        """Return left * right."""
        numerator = self.times(left.numerator, right.numerator)
        return self.quotient(numerator, self.times(left.denominator, right.denominator))

    def negative(self, value: Element) -> Element:
        """Return -value."""
        return Element(-value.numerator, value.denominator)

    def subtract(self, left: Element, right: Element) -> Element:
        """Return left - right."""
        return self.add(left, self.negative(right))

    def inverse(self, value: Element) -> Element:
        """Return 1 / value."""
        return self.quotient(value.denominator, value.numerator)

    def divide(self, left: Element, right: Element) -> Element:
        """Return left / right."""
        return self.multiply(left, self.inverse(right))

    def scale(self, value: Element, factor: Fraction | int) -> Element:
        """Return factor * value."""
        return self.multiply(value, self.rational(Fraction(factor)))

    def integer_power(self, value: Element, exponent: int) -> Element:
        """Return value**exponent."""
        if exponent < 0:
            value, exponent = self.inverse(value), -exponent
        power = self.to_power
        return self.quotient(power(value.numerator, exponent), power(value.denominator, exponent))

    def is_zero(self, value: Element) -> bool:
        """Return whether the reduced numerator is the zero polynomial."""
        return bool(value.numerator.is_zero())

    def equal(self, left: Element, right: Element) -> bool:
        """Return whether the difference is zero."""
        return self.is_zero(self.subtract(left, right))

    # --- views ---

    def as_rational(self, value: Element) -> Fraction | None:
        """Return the value if it is a rational number."""
        if value.numerator.is_constant() and value.denominator.is_constant():
            over = int(value.numerator.leading_coefficient())
            return Fraction(over, int(value.denominator.leading_coefficient()))
        return None

    def used(self, *polynomials: fmpz_mpoly) -> set[int]:
        """Return the indices of the generators that occur."""
        return {
            index
            for polynomial in polynomials
            for index, degree in enumerate(polynomial.degrees())
            if degree > 0
        }

    def is_constant(self, *polynomials: fmpz_mpoly) -> bool:
        """Return whether only constant generators occur."""
        return all(self.generators[index].constant for index in self.used(*polynomials))

    def lone_generator(self, polynomial: fmpz_mpoly) -> int | None:
        """Return the index i if the polynomial is the generator i."""
        if len(polynomial) != 1 or polynomial.total_degree() != 1:
            return None
        if abs(int(polynomial.leading_coefficient())) != 1:
            return None
        return next(iter(self.used(polynomial)))

    def expression_of(self, polynomial: fmpz_mpoly) -> sp.Expr:
        """Return the meaning of a polynomial of moderate size."""
        if len(polynomial) > MAX_PRINTED_TERMS:
            raise UnsupportedError(f"an argument of {len(polynomial)} terms")
        terms = []
        for monomial, coefficient in polynomial.to_dict().items():
            powers = [self.generators[i].expression ** k for i, k in enumerate(monomial) if k]
            terms.append(sp.Mul(sp.Integer(int(coefficient)), *powers))
        return sp.Add(*terms)

    def expression(self, value: Element) -> sp.Expr:
        """Return the meaning of an element of moderate size."""
        return self.expression_of(value.numerator) / self.expression_of(value.denominator)

    def factors(self, polynomial: fmpz_mpoly) -> Factors:
        """Return irreducible factors with positive leading coefficients, primes included.

        Args:
            polynomial: any polynomial that is not zero.

        Returns:
            Sign and factors; large polynomials and integers are left in one piece.
        """
        self.budget.check()
        key = str(polynomial)
        if key not in self._factored:
            self._factored[key] = self._factorise(polynomial)
        return self._factored[key]

    def _factorise(self, polynomial: fmpz_mpoly) -> Factors:
        small = len(polynomial) <= MAX_FACTORED_TERMS and polynomial.total_degree() <= 40
        try:
            content, pieces = polynomial.factor() if small else (1, [(polynomial, 1)])
        except OverflowError:  # flint sorts factors by coefficients that must fit an integer
            content, pieces = 1, [(polynomial, 1)]
        sign = 1 if int(content) > 0 else -1
        constant = self.context.constant
        primes = fmpz(abs(int(content))).factor_smooth(16)
        powers = [(constant(int(prime)), int(times)) for prime, times in primes]
        for piece, times in pieces:
            if piece.leading_coefficient() < 0:
                piece, sign = -piece, sign * (-1) ** int(times)
            powers.append((piece, int(times)))
        return Factors(sign, powers)
