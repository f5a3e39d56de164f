"""Circular functions, arctangents and functions known only by name, on top of a tower."""

from collections.abc import Callable, Mapping, Sequence
from fractions import Fraction

import sympy as sp

from circuitgrad.proofs.fields import Element, Field, Generator, UnsupportedError
from circuitgrad.proofs.towers import Tower

_MAX_ANGLE_MULTIPLE = 60
_MAX_SHIFT = 50

Shift = Callable[[Element, Element, int], Element]


class FunctionTower(Tower):
    """A tower with circular and opaque functions.

    Args:
        field: the field that grows.
        decisions: the signs that define the cell.
    """

    def __init__(self, field: Field, decisions: Mapping[sp.Expr, int]) -> None:
        super().__init__(field, decisions)
        self._arctangents: list[int] = []
        self._opaque: dict[str, list[tuple[tuple[Element, ...], int]]] = {}

    def pi(self, factor: Fraction = Fraction(1)) -> Element:
        """Return factor * pi."""
        name = ("constant", "pi")
        if name not in self._named:
            generator = Generator("pi", sp.pi, positive=True, constant=True)
            self._named[name] = self.field.adjoin(generator)
        return self.field.scale(self.field.indeterminate(self._named[name]), factor)

    # --- cosine and sine ---

    def cosine_and_sine(self, angle: Element) -> tuple[Element, Element]:
        """Return cos(angle) and sin(angle) as rational functions of tangents of half angles.

        Args:
            angle: any element.

        Returns:
            The pair; addition theorems, arctangents and multiples of pi / 12 are built in.
        """
        field = self.field
        turns: list[tuple[Element, Element, int]] = []
        rest, parts = self._split(angle, "pi")
        for index, times in parts:
            if 12 % times.denominator:
                rest = field.add(rest, field.scale(field.indeterminate(index), times))
            else:
                turns.append((*self._twelfths(int(12 * times) % 24), 1))
        rest, parts = self._split(rest, "arctangent")
        for index, times in parts:
            if times.denominator == 1:
                turns.append((*self._slope_turn(self._argument(index)), int(times)))
            else:
                rest = field.add(rest, field.scale(field.indeterminate(index), times))
        turns += [(*self._half_angle_turn(i), k) for i, k in self._multiples(rest, "half-angle")]
        return self._composed(turns)

    def _composed(self, turns: list[tuple[Element, Element, int]]) -> tuple[Element, Element]:
        cosine, sine = self.field.one, self.field.zero
        for first, second, times in turns:
            if abs(times) > _MAX_ANGLE_MULTIPLE:
                raise UnsupportedError(f"{times}-fold angle")
            step = second if times > 0 else self.field.negative(second)
            for _ in range(abs(times)):
                cosine, sine = self._rotated(cosine, sine, first, step)
        return cosine, sine

    def _rotated(self, c: Element, s: Element, a: Element, b: Element) -> tuple[Element, Element]:
        field = self.field
        return (
            field.subtract(field.multiply(c, a), field.multiply(s, b)),
            field.add(field.multiply(s, a), field.multiply(c, b)),
        )

    def _twelfths(self, steps: int) -> tuple[Element, Element]:
        """Return cosine and sine of steps * pi / 12."""
        field = self.field
        quarters, rest = divmod(steps, 6)
        pair = self._small_turn(min(rest, 6 - rest))
        cosine, sine = pair if rest <= 3 else pair[::-1]
        for _ in range(quarters):
            cosine, sine = field.negative(sine), cosine
        return cosine, sine

    def _small_turn(self, steps: int) -> tuple[Element, Element]:
        field, half = self.field, Fraction(1, 2)
        if steps == 0:
            return field.one, field.zero
        root2 = self.power(field.integer(2), half)
        if steps == 3:
            return field.scale(root2, half), field.scale(root2, half)
        root3 = self.power(field.integer(3), half)
        if steps == 2:
            return field.scale(root3, half), field.rational(half)
        root6, quarter = field.multiply(root2, root3), Fraction(1, 4)
        return (
            field.scale(field.add(root6, root2), quarter),
            field.scale(field.subtract(root6, root2), quarter),
        )

    def _slope_turn(self, slope: Element) -> tuple[Element, Element]:
        square = self.field.add(self.field.one, self.field.multiply(slope, slope))
        self.signs.add_fact(square)
        cosine = self.power(square, Fraction(-1, 2))
        return cosine, self.field.multiply(slope, cosine)

    def _half_angle_turn(self, index: int) -> tuple[Element, Element]:
        field, tangent = self.field, self.field.indeterminate(index)
        square = field.multiply(tangent, tangent)
        below = field.inverse(field.add(field.one, square))
        cosine = field.multiply(field.subtract(field.one, square), below)
        return cosine, field.multiply(field.scale(tangent, 2), below)

    # --- arctangents ---

    def arctangent(self, slope: Element) -> Element:
        """Return atan(slope), with equal, opposite, inverse and doubled slopes recognised.

        Args:
            slope: any element.

        Returns:
            A combination of one arctangent generator and pi.
        """
        field = self.field
        exact = field.as_rational(slope)
        if exact is not None and exact in (-1, 0, 1):
            return self.pi(exact / 4)
        for index in self._arctangents:
            angle = self._related_arctangent(slope, index)
            if angle is not None:
                return angle
        meaning = sp.atan(field.expression(slope))
        constant = field.is_constant(*slope)
        index = field.adjoin(Generator("arctangent", meaning, False, constant, slope))
        self._arctangents.append(index)
        return field.indeterminate(index)

    def _related_arctangent(self, slope: Element, index: int) -> Element | None:
        """Return atan(slope) in terms of an earlier arctangent, if they are related."""
        field, known, angle = self.field, self._argument(index), self.field.indeterminate(index)
        relation = self._relation(slope, known)
        if relation is not None:
            return self._transferred(angle, slope, relation)
        double = self._double(known)
        relation = None if double is None else self._relation(slope, double)
        if relation is not None:
            twice = field.subtract(field.scale(angle, 2), self._excess(known))
            return self._transferred(twice, slope, relation)
        double = self._double(slope)
        relation = None if double is None else self._relation(known, double)
        if double is not None and relation is not None:
            twice = self._transferred(angle, double, relation)
            return field.scale(field.add(twice, self._excess(slope)), Fraction(1, 2))
        return None

    def _relation(self, slope: Element, known: Element) -> tuple[int, bool] | None:
        """Return (sign, inverse) if slope is sign * known or its inverse."""
        product = self.field.as_rational(self.field.multiply(slope, known))
        for sign in (1, -1):
            if product == sign:
                return sign, True
            if self.field.equal(slope, self.field.scale(known, sign)):
                return sign, False
        return None

    def _transferred(self, angle: Element, slope: Element, relation: tuple[int, bool]) -> Element:
        """Return atan(slope) from angle = atan of the related slope."""
        sign, inverse = relation
        if not inverse:
            return self.field.scale(angle, sign)
        quarter = self.pi(Fraction(self.signs.sign_of(slope), 2))
        return self.field.subtract(quarter, self.field.scale(angle, sign))

    def _double(self, slope: Element) -> Element | None:
        """Return tan(2 atan(slope)), or None at its pole."""
        rest = self._rest(slope)
        if self.field.is_zero(rest):
            return None
        return self.field.divide(self.field.scale(slope, 2), rest)

    def _excess(self, slope: Element) -> Element:
        """Return 2 atan(slope) - atan(tan(2 atan(slope))), a multiple of pi."""
        if self.signs.sign_of(self._rest(slope)) > 0:
            return self.field.zero
        return self.pi(Fraction(self.signs.sign_of(slope)))

    def _rest(self, slope: Element) -> Element:
        return self.field.subtract(self.field.one, self.field.multiply(slope, slope))

    # --- functions known by name ---

    def opaque(
        self,
        head: str,
        arguments: Sequence[Element],
        meaning: Callable[..., sp.Expr],
        kind: str = "opaque",
        shift: Shift | None = None,
        positive: bool = False,
        known: bool = True,
    ) -> Element:
        """Return a function value: equal arguments give equal values, and nothing else is used.

        Args:
            head: name of the function.
            arguments: its arguments.
            meaning: makes the SymPy expression of SymPy arguments.
            kind: "odd" for monotone odd functions, "lambert", else "opaque".
            shift: value at known argument + integer, from the value at the known argument.
            positive: all values are positive.
            known: balls can evaluate the function.

        Returns:
            A generator, or its negative, or a shifted one.
        """
        field, family = self.field, self._opaque.setdefault(head, [])
        for earlier, index in family:
            value = field.indeterminate(index)
            *outer, gap = [field.subtract(a, b) for a, b in zip(arguments, earlier, strict=True)]
            if not all(field.is_zero(part) for part in outer):
                continue
            if field.is_zero(gap):
                return value
            if kind == "odd" and field.is_zero(field.add(arguments[-1], earlier[-1])):
                return field.negative(value)
            steps = field.as_rational(gap)
            if shift and steps and steps.denominator == 1 and abs(steps) <= _MAX_SHIFT:
                return shift(value, earlier[-1], int(steps))
        expression = meaning(*[field.expression(argument) for argument in arguments])
        constant = known and all(field.is_constant(*argument) for argument in arguments)
        last = arguments[-1]
        index = field.adjoin(Generator(kind, expression, positive, constant, last))
        family.append((tuple(arguments), index))
        return field.indeterminate(index)
