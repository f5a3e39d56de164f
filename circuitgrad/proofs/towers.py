"""Exponentials, logarithms, roots, circular and opaque functions over a field of quotients."""

from collections.abc import Mapping
from fractions import Fraction
from math import lcm

import sympy as sp
from flint import fmpz_mpoly

from circuitgrad.proofs.dependence import combination, linear_part
from circuitgrad.proofs.fields import (
    Element,
    Field,
    Generator,
    RefinedError,
    UnsupportedError,
)
from circuitgrad.proofs.signs import SignOracle

_MAX_LOGARITHM_MULTIPLE = 24


class Tower:
    """Adjoins functions of elements as new generators, so that known relations become trivial.

    Args:
        field: the field that grows.
        decisions: the signs that define the cell.
    """

    def __init__(self, field: Field, decisions: Mapping[sp.Expr, int]) -> None:
        self.field = field
        self.signs = SignOracle(field, decisions)
        self.signs.use_unwrapping(self._unwrapped)
        self._exponentials: list[int] = []
        self._angles: list[int] = []
        self._named: dict[tuple[str, str], int] = {}

    # --- powers and logarithms ---

    def power(self, value: Element, exponent: Fraction) -> Element:
        """Return |value|**exponent.

        Args:
            value: an element that is not zero.
            exponent: a rational number.

        Returns:
            A product of powers of roots of the irreducible factors.
        """
        result = self.field.one
        for factor, times in self._factors(value):
            result = self.field.multiply(result, self._absolute_power(factor, exponent * times))
        return result

    def _factors(self, value: Element) -> list[tuple[fmpz_mpoly, int]]:
        if self.field.is_zero(value):
            message = "a root or logarithm of zero"
            raise UnsupportedError(message)
        above = self.field.factors(value.numerator).powers
        below = self.field.factors(value.denominator).powers
        return [*above, *((factor, -times) for factor, times in below)]

    def _absolute_power(self, factor: fmpz_mpoly, exponent: Fraction) -> Element:
        field = self.field
        if exponent.denominator == 1:
            result = field.integer_power(field.polynomial(factor), int(exponent))
            odd = exponent.numerator % 2 == 1
            return field.negative(result) if odd and self.signs.sign(factor) < 0 else result
        index = field.lone_generator(factor)
        kind = "" if index is None else field.generators[index].kind
        if index is not None and kind == "exponential":
            rest = exponent / field.generators[index].divisor
            return self.exponential(field.scale(self._argument(index), rest))
        if index is not None and kind == "root":
            rest = exponent / field.generators[index].divisor
            return self.power(field.polynomial(field.base_of(index)), rest)
        root = self._root(factor, exponent.denominator)
        divisor = field.generators[root].divisor
        return field.integer_power(field.indeterminate(root), int(exponent * divisor))

    def _root(self, factor: fmpz_mpoly, degree: int) -> int:
        name = ("root", str(factor))
        if name not in self._named:
            base = factor if self.signs.sign(factor) > 0 else -factor
            meaning = self.field.expression_of(base)
            divisor = self._divisor("root", meaning, degree)
            self._named[name] = self.field.adjoin(
                Generator(
                    "root",
                    sp.Pow(meaning, sp.Rational(1, divisor)),
                    positive=True,
                    constant=self.field.is_constant(base),
                    base=base,
                    divisor=divisor,
                )
            )
        index = self._named[name]
        generator = self.field.generators[index]
        if generator.divisor % degree:
            meaning = self.field.expression_of(self.field.base_of(index))
            self._refine("root", meaning, lcm(generator.divisor, degree))
        return index

    def _divisor(self, kind: str, meaning: sp.Expr, needed: int = 1) -> int:
        return lcm(self.field.refinement.divisors.get((kind, meaning), 1), needed)

    def _refine(self, kind: str, meaning: sp.Expr, divisor: int) -> None:
        if divisor > 5040:
            raise UnsupportedError(f"denominator {divisor}")
        self.field.refinement.divisors[kind, meaning] = divisor
        raise RefinedError

    def logarithm(self, value: Element) -> Element:
        """Return log|value| in terms of the irreducible factors.

        Args:
            value: an element that is not zero.

        Returns:
            A linear combination of logarithm generators and exponents.
        """
        field, result = self.field, self.field.zero
        for factor, times in self._factors(value):
            term = field.scale(self._factor_logarithm(factor), times)
            result = field.add(result, term)
        return result

    def _factor_logarithm(self, factor: fmpz_mpoly) -> Element:
        field, index = self.field, self.field.lone_generator(factor)
        kind = "" if index is None else field.generators[index].kind
        if index is not None and kind == "exponential":
            return field.scale(self._argument(index), Fraction(1, field.generators[index].divisor))
        if index is not None and kind == "root":
            base = self.logarithm(field.polynomial(field.base_of(index)))
            return field.scale(base, Fraction(1, field.generators[index].divisor))
        return field.indeterminate(self._logarithm_generator(factor))

    def _logarithm_generator(self, factor: fmpz_mpoly) -> int:
        name = ("logarithm", str(factor))
        if name not in self._named:
            meaning = sp.log(sp.Abs(self.field.expression_of(factor)))
            constant = self.field.is_constant(factor)
            self._named[name] = self.field.adjoin(
                Generator("logarithm", meaning, bool(factor.is_constant()), constant, base=factor)
            )
        return self._named[name]

    # --- exponentials ---

    def exponential(self, exponent: Element) -> Element:
        """Return exp(exponent), with exp(a + b) = exp(a) exp(b) and exp(log a) = a built in.

        Args:
            exponent: any element.

        Returns:
            A product of powers of exponential generators and of arguments of logarithms.
        """
        field, result = self.field, self.field.one
        exponent, parts = self._split(exponent, "logarithm")
        for index, times in parts:
            base = field.polynomial(field.base_of(index))
            result = field.multiply(result, self.power(base, times))
        exponent, parts = self._split(exponent, "lambert")
        for index, times in parts:
            generator = field.generators[index]
            if times.denominator != 1 or generator.argument is None:
                exponent = field.add(exponent, field.scale(field.indeterminate(index), times))
                continue
            ratio = field.divide(generator.argument, field.indeterminate(index))
            result = field.multiply(result, field.integer_power(ratio, int(times)))
        if field.is_zero(exponent):
            return result
        exponent, result = self._without_logarithms(exponent, result)
        for index, count in self._multiples(exponent, "exponential"):
            power = field.integer_power(field.indeterminate(index), count)
            result = field.multiply(result, power)
        return result

    def _split(self, value: Element, kind: str) -> tuple[Element, list[tuple[int, Fraction]]]:
        """Return value minus its rational multiples of generators of a kind, and these."""
        field, parts = self.field, []
        for index in sorted(field.used(value.numerator)):
            if field.generators[index].kind == kind:
                times = linear_part(field, value, index)
                if times:
                    value = field.subtract(value, field.scale(field.indeterminate(index), times))
                    parts.append((index, times))
        return value, parts

    def _without_logarithms(self, exponent: Element, result: Element) -> tuple[Element, Element]:
        field = self.field
        logarithms = [i for i, g in enumerate(field.generators) if g.kind == "logarithm"]
        if field.is_zero(exponent) or not self._exponentials or not logarithms:
            return exponent, result
        arguments = [self._argument(index) for index in self._exponentials]
        basis = arguments + [field.indeterminate(index) for index in logarithms]
        solution = combination(field, basis, exponent)
        if solution is None:
            return exponent, result
        for index, times in zip(logarithms, solution[len(arguments) :], strict=True):
            if times:
                base = field.polynomial(field.base_of(index))
                result = field.multiply(result, self.power(base, times))
                term = field.scale(field.indeterminate(index), times)
                exponent = field.subtract(exponent, term)
        return exponent, result

    def _argument(self, index: int) -> Element:
        argument = self.field.generators[index].argument
        assert argument is not None
        return argument

    def _multiples(self, argument: Element, kind: str) -> list[tuple[int, int]]:
        """Return (generator, k) with argument = sum of k * its argument / its divisor."""
        field = self.field
        if field.is_zero(argument):
            return []
        family = self._exponentials if kind == "exponential" else self._angles
        solution = combination(field, [self._argument(index) for index in family], argument)
        if solution is None:
            index = self._adjoin_periodic(argument, kind)
            family.append(index)
            return [(index, field.generators[index].divisor)]
        result = []
        for index, ratio in zip(family, solution, strict=True):
            divisor = field.generators[index].divisor
            times = ratio * divisor
            if times.denominator != 1:
                meaning = field.expression(self._argument(index))
                self._refine(kind, meaning, divisor * times.denominator)
            if times:
                result.append((index, int(times)))
        return result

    def _adjoin_periodic(self, argument: Element, kind: str) -> int:
        field = self.field
        meaning = field.expression(argument)
        divisor = self._divisor(kind, meaning)
        is_exponential = kind == "exponential"
        value = sp.exp(meaning / divisor) if is_exponential else sp.tan(meaning / (2 * divisor))
        constant = field.is_constant(argument.numerator, argument.denominator)
        return field.adjoin(Generator(kind, value, is_exponential, constant, argument, divisor))

    # --- simpler elements of the same sign ---

    def _unwrapped(self, polynomial: fmpz_mpoly) -> Element | None:
        """Return an element of the same sign with one function less, if there is one."""
        field = self.field
        index = field.lone_generator(polynomial)
        if index is not None and field.generators[index].kind in ("odd", "arctangent"):
            return field.generators[index].argument
        used = [field.generators[i].kind for i in field.used(polynomial)]
        if len(polynomial) == 2 and all(kind == "exponential" for kind in used):
            return self._exponential_comparison(polynomial)
        if "logarithm" in used and polynomial.total_degree() == 1:
            return self._logarithm_comparison(polynomial)
        for index in field.used(polynomial):
            if field.generators[index].kind == "root" and field.generators[index].divisor == 2:
                return self._root_comparison(polynomial, index)
        return None

    def _root_comparison(self, polynomial: fmpz_mpoly, index: int) -> Element | None:
        """Return a or b for a + b sqrt(p), if the sign of a² - b² p is plain."""
        field = self.field
        plain, slope = field.coefficients(polynomial, index, 2)
        if plain.is_zero() or slope.is_zero():
            return None
        square = field.times(field.times(slope, slope), field.base_of(index))
        norm = field.reduced(field.times(plain, plain) - square)
        sign = None if norm.is_zero() else self.signs.plain_sign(norm)
        if sign is None:
            return None
        return field.polynomial(plain if sign > 0 else slope)

    def _exponential_comparison(self, polynomial: fmpz_mpoly) -> Element | None:
        """Return u - v + log(a / b) for a exp(u) - b exp(v)."""
        field, result, ratio = self.field, self.field.zero, Fraction(1)
        (_, first), (_, second) = polynomial.to_dict().items()
        if (first > 0) == (second > 0):
            return None
        for monomial, coefficient in polynomial.to_dict().items():
            side = 1 if coefficient > 0 else -1
            ratio *= Fraction(abs(int(coefficient))) ** side
            for index, times in enumerate(monomial):
                if times:
                    weight = Fraction(side * int(times), field.generators[index].divisor)
                    result = field.add(result, field.scale(self._argument(index), weight))
        if ratio != 1:
            result = field.add(result, self.logarithm(field.rational(ratio)))
        return result

    def _logarithm_comparison(self, polynomial: fmpz_mpoly) -> Element | None:
        """Return exp(p) - 1 for an integer combination p of logarithms and a constant."""
        field = self.field
        for monomial, coefficient in polynomial.to_dict().items():
            kinds = [field.generators[i].kind for i, times in enumerate(monomial) if times]
            large = abs(int(coefficient)) > _MAX_LOGARITHM_MULTIPLE
            if kinds not in ([], ["logarithm"]) or large:
                return None
        return field.subtract(self.exponential(field.polynomial(polynomial)), field.one)
