"""Products of wires that are kept apart, and the renaming of their indices."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from circuitgrad.wire import Wire

Factor = tuple[Wire, tuple[int, ...]]


@dataclass(frozen=True)
class Term:
    """A product without a sum: coefficient × factors, placed on the axes of an array.

    Attributes:
        coefficient: A number.
        factors: Wires, and for each of their axes the axis of the array that it runs along.
        pattern: For each axis of the array the first axis that it equals: (0, 1, 0) is a delta
            between the first and the last axis.
        is_entrywise: Whether it was made by broadcasting and elementwise gates alone; such an array
            is written by those gates, so that it is NumPy's to the last bit.
    """

    coefficient: float
    factors: tuple[Factor, ...]
    pattern: tuple[int, ...]
    is_entrywise: bool = False

    def scaled(self, number: float) -> Term:
        """The term times a number."""
        coefficient = number * self.coefficient
        return Term(coefficient, self.factors, self.pattern, self.is_entrywise)


class Renaming:
    """Indices of which some have become one; the smallest stands for all."""

    def __init__(self) -> None:
        self._alias: dict[int, int] = {}

    def root(self, i: int) -> int:
        """The index that stands for an index."""
        while i in self._alias:
            i = self._alias[i]
        return i

    def equate(self, i: int, j: int) -> None:
        """Make one of two indices."""
        i, j = self.root(i), self.root(j)
        if i != j:
            self._alias[max(i, j)] = min(i, j)

    def factor(self, factor: Factor) -> Factor:
        """A factor with its indices renamed."""
        wire, indices = factor
        return wire, tuple(self.root(i) for i in indices)


def key_of(factor: Factor) -> tuple[int, tuple[int, ...]]:
    """What tells factors apart: wires themselves compare by value."""
    return factor[0].serial, factor[1]


def unique(indices: Iterable[int]) -> tuple[int, ...]:
    """Indices in order of appearance, each once."""
    return tuple(dict.fromkeys(indices))


def multiplied(left: Term, right: Term) -> Term:
    """The product of two arrays of one shape, entry by entry."""
    join = Renaming()
    for axis, (first, second) in enumerate(zip(left.pattern, right.pattern, strict=True)):
        join.equate(first, axis)
        join.equate(second, axis)
    factors = tuple(join.factor(factor) for factor in (*left.factors, *right.factors))
    pattern = tuple(join.root(axis) for axis in range(len(left.pattern)))
    is_entrywise = left.is_entrywise and right.is_entrywise
    return Term(left.coefficient * right.coefficient, factors, pattern, is_entrywise)
