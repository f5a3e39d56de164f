"""Tensor forms: sums of products of factors with indices over named axes, for every size.

A form is a function of its free indices. Its terms are a rational coefficient times factors; an
index that is not free is summed over its axis. Every index knows its axis, so that a summed index
that no factor carries is counted, and never lost.
"""

from __future__ import annotations

import hashlib
import itertools
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from fractions import Fraction
from functools import cached_property

from circuitgrad.spec import Axis

ONE = Fraction(1)
FIRST_FRESH = 1000  # free indices are numbered below it; settled summed indices are negative
_fresh = itertools.count(FIRST_FRESH)
_SHORT = 120
_POSITIVE_CALLS = {"exp", "sigmoid", "softplus", "softmax", "cosh", "sech_squared", "norm"}


@dataclass(frozen=True, slots=True)
class Index:
    """An index with its axis: free (0, 1, …), summed and settled (-1, -2, …), or fresh."""

    number: int
    axis: Axis

    @property
    def is_free(self) -> bool:
        """Whether it is an index of the form, not a summed one."""
        return 0 <= self.number < FIRST_FRESH


def fresh(axis: Axis) -> Index:
    """A summed index like no other."""
    return Index(next(_fresh), axis)


@dataclass(frozen=True)
class Factor:
    """An atom at some indices, to a rational power.

    Attributes:
        kind: "input" (a tensor by name), "delta", "call" (a named function of forms), "sum" (a
            form in parentheses), "size" (the length of an axis), "number" (with an exponent
            that leaves the rationals) or "unit" (the vector that is 1 at the place named).
        name: The name of the tensor, function or axis, or the number.
        indices: The index of each of its axes.
        arguments: The forms that a call or a sum is made of.
        exponent: The power, entry by entry.
        facts: What is known of an input or a call: symmetric, orthogonal, diagonal, positive.
    """

    kind: str
    name: str
    indices: tuple[Index, ...] = ()
    arguments: tuple[Form, ...] = ()
    exponent: Fraction = ONE
    facts: frozenset[str] = field(default=frozenset())

    @cached_property
    def atom(self) -> str:
        """The key of the atom, without indices and exponent."""
        axes = ",".join(str(index.axis) for index in self.indices)
        inner = ";".join(form.key for form in self.arguments)
        return f"{self.kind}:{self.name}({inner}){{{axes}|{','.join(sorted(self.facts))}}}"

    @cached_property
    def color(self) -> str:
        """The key of the atom with its exponent, without indices."""
        return f"{self.atom}^{self.exponent}"

    @property
    def is_symmetric(self) -> bool:
        """Whether its two indices may be exchanged."""
        return self.kind == "delta" or (len(self.indices) == 2 and "symmetric" in self.facts)

    @property
    def is_positive(self) -> bool:
        """Whether the atom is known to be positive (so that its powers may be taken apart)."""
        if self.kind in ("size", "number") or "positive" in self.facts:
            return True
        return self.kind == "call" and self.name in _POSITIVE_CALLS

    def at(self, place: Mapping[Index, Index]) -> Factor:
        """The same atom at other indices."""
        indices = tuple(place.get(index, index) for index in self.indices)
        return self if indices == self.indices else replace(self, indices=indices)

    def to(self, exponent: Fraction) -> Factor:
        """The same atom to another power."""
        return replace(self, exponent=exponent)


@dataclass(frozen=True)
class Term:
    """A coefficient times factors; indices that are not free are summed."""

    coefficient: Fraction
    factors: tuple[Factor, ...]

    @cached_property
    def key(self) -> str:
        """The key of the product of factors: equal for equal products once settled."""
        return product_key(self.factors)

    def at(self, indices: tuple[Index, ...]) -> Term:
        """The term with its free indices replaced and its summed ones made fresh."""
        place: dict[Index, Index] = {}
        for factor in self.factors:
            for index in factor.indices:
                if index not in place:
                    place[index] = indices[index.number] if index.is_free else fresh(index.axis)
        return Term(self.coefficient, tuple(factor.at(place) for factor in self.factors))


@dataclass(frozen=True)
class Form:
    """A normalised sum of terms over free indices 0, 1, …, one for each axis.

    Forms are made by `circuitgrad.formulas.tensor_algebra`, which keeps them normalised.
    """

    axes: tuple[Axis, ...]
    terms: tuple[Term, ...]

    @cached_property
    def key(self) -> str:
        """A text that is equal for equal normalised forms; long ones are shortened to a digest."""
        body = "+".join(f"{term.coefficient}*{term.key}" for term in self.terms)
        text = f"{','.join(map(str, self.axes))}:{body}"
        if len(text) <= _SHORT:
            return text
        return hashlib.blake2b(text.encode(), digest_size=16).hexdigest()

    @property
    def free(self) -> tuple[Index, ...]:
        """The free indices, in order."""
        return tuple(Index(k, axis) for k, axis in enumerate(self.axes))

    @property
    def number(self) -> Fraction | None:
        """The value of a form that is one rational number everywhere; else None."""
        if not self.terms:
            return Fraction(0)
        only = self.terms[0]
        return only.coefficient if len(self.terms) == 1 and not only.factors else None

    @property
    def used(self) -> tuple[int, ...]:
        """The free indices that some factor carries; along the others the form is constant."""
        found = {
            index.number
            for term in self.terms
            for factor in term.factors
            for index in factor.indices
            if index.is_free
        }
        return tuple(sorted(found))


def product_key(factors: tuple[Factor, ...]) -> str:
    """The key of a product, whatever the order of its factors."""
    shown = (f"{f.color}[{','.join(str(i.number) for i in f.indices)}]" for f in factors)
    return "·".join(sorted(shown))


def components(factors: tuple[Factor, ...]) -> list[tuple[Factor, ...]]:
    """The factors in groups that share no summed index; a factor without one stands alone."""
    groups: list[tuple[set[Index], list[Factor]]] = []
    for factor in factors:
        summed = {index for index in factor.indices if not index.is_free}
        members = [factor]
        rest = []
        for indices, others in groups:
            if indices & summed:
                summed |= indices
                members = others + members
            else:
                rest.append((indices, others))
        groups = [*rest, (summed, members)]
    return [tuple(members) for _, members in groups]
