"""Wires as sums of products whose factors are kept apart: what a plan does not write out.

The wires of a Jacobian's backward pass are often outer products, broadcasts or diagonals: large
arrays made of few numbers. Before a plan is made, each is kept as its factors for as long as what
reads it is linear; sums reach the factors that carry their index, and the large array is written
once, at the end, or never. Values are the same up to rounding.

Source:
    The reading of deltas as equal indices: Laue, Mitterreiter & Giesen, "Computing higher order
    derivatives of matrix and tensor expressions", NeurIPS 2018.
"""

from __future__ import annotations

import functools
import itertools
import math
import operator
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence

from circuitgrad.gates import arithmetic
from circuitgrad.gates.contraction_kernels import is_weighted_square
from circuitgrad.gates.contraction_order import pairwise_order
from circuitgrad.gates.from_einsum import Einsum, contract
from circuitgrad.gates.from_formula import Elementwise
from circuitgrad.plans.terms import Factor, Renaming, Term, key_of, scaled, unique
from circuitgrad.sources import Constant, constant
from circuitgrad.spec import Axis
from circuitgrad.wire import Gate, Wire, build

LARGEST_SUM = 4  # terms
LARGEST_PRODUCT = 8  # factors


def factored(
    order: Sequence[Wire], given: Iterable[Wire], wanted: Sequence[Wire], sizes: Mapping[str, int]
) -> list[Wire]:
    """Wires of the same values as those wanted, computed through smaller arrays.

    Args:
        order: What the wanted wires need, in topological order, without the given ones.
        given: The wires whose values are known when the plan runs.
        wanted: The wires asked for.
        sizes: The size of every named axis.
    """
    if not any(type(w.gate) is Einsum for w in order) or any(w.known is not None for w in given):
        return list(wanted)
    work = _Factoring(order, wanted, sizes)
    for wire in order:
        work.visit(wire)
    return [work.whole(wire) for wire in wanted]


class _Factoring:
    """The factors and the rebuilt wires of one plan."""

    def __init__(
        self, order: Sequence[Wire], wanted: Sequence[Wire], sizes: Mapping[str, int]
    ) -> None:
        self._sizes = sizes
        self._terms: dict[int, list[Term]] = {}
        self._whole: dict[int, Wire] = {}
        self._readers: dict[int, list[Gate]] = {wire.serial: [] for wire in order}
        for wire in order:
            for source in wire.inputs:
                self._readers.setdefault(source.serial, []).append(wire.gate)
        self._wanted = {wire.serial for wire in wanted}

    def visit(self, wire: Wire) -> None:
        """Note the factors of a wire if it is better kept as factors, else rebuild it."""
        terms = self._factors_of(wire)
        if terms is not None and self._is_lighter(wire, terms):
            self._terms[wire.serial] = [self._merged(term) for term in terms]
        elif terms is not None and (
            len(wire.inputs) > 2 or any(s.serial in self._terms for s in wire.inputs)
        ):
            self._whole[wire.serial] = self._written(wire, terms)
        else:
            self._rebuild(wire)

    def whole(self, wire: Wire) -> Wire:
        """The wire as one array."""
        found = self._whole.get(wire.serial)
        if found is not None:
            return found
        terms = self._terms.get(wire.serial)
        if terms is None:
            return wire
        if any(s.serial in self._terms for s in wire.inputs):
            self._whole[wire.serial] = self._written(wire, terms)
        else:
            self._rebuild(wire)
        return self._whole.get(wire.serial, wire)

    def _rebuild(self, wire: Wire) -> None:
        inputs = tuple([self.whole(source) for source in wire.inputs])
        if any([new is not old for new, old in zip(inputs, wire.inputs, strict=True)]):
            self._whole[wire.serial] = build(wire.gate, inputs)

    # --- which wires are products -----------------------------------------------------------------

    def _factors_of(self, wire: Wire) -> list[Term] | None:
        """A wire as a sum of products; None where it is none, or is better left as it is."""
        if not wire.inputs and type(wire.gate) is not Einsum:
            return None
        gate = wire.gate
        if any([source.dtype != wire.dtype for source in wire.inputs]):
            return None
        if type(gate) is Einsum:
            if _is_plain(gate) and not any([s.serial in self._terms for s in wire.inputs]):
                return None
            operands = [(self._read(s), t) for s, t in zip(wire.inputs, gate.operands, strict=True)]
            return self._contracted(wire, gate, operands)
        if type(gate) is not Elementwise or not wire.shape or gate not in _LINEAR:
            return None
        known = [self._terms.get(source.serial) for source in wire.inputs]
        if gate is arithmetic.neg and known[0] is not None:
            return scaled(known[0], -1.0)
        if gate is arithmetic.mul and any(terms is not None for terms in known):
            left, right = (self._read(source) for source in wire.inputs)
            return self._multiplied(wire, left, right)
        if gate in (arithmetic.add, arithmetic.sub) and None not in known:
            second = scaled(known[1] or [], -1.0 if gate is arithmetic.sub else 1.0)
            return [*(known[0] or []), *second]
        return None

    def _read(self, wire: Wire) -> list[Term]:
        """The terms of a wire: its factors, or the wire itself as the only one."""
        return self._terms.get(wire.serial) or [self._itself(wire)]

    def _itself(self, wire: Wire) -> Term:
        whole = self.whole(wire)
        if type(whole.gate) is Constant and not whole.shape:
            return Term(float(whole.gate.data), (), ())
        axes = tuple(range(wire.ndim))
        return Term(1.0, ((whole, axes),), axes)

    def _is_lighter(self, wire: Wire, terms: list[Term]) -> bool:
        """Whether the factors are fewer numbers than the array, or only scale what is read once."""
        if len(terms) > LARGEST_SUM or any(len(t.factors) > LARGEST_PRODUCT for t in terms):
            return False
        entries = self._entries(wire.shape)
        weights = [sum(self._entries(w.shape) for w, _ in t.factors) for t in terms]
        if sum(weights) < entries:
            return True
        readers = self._readers[wire.serial]
        return (
            len(terms) == len(readers) == 1
            and wire.serial not in self._wanted
            and (type(readers[0]) is Einsum and len(readers[0].operands) > 1)
            and len(terms[0].factors) > 1
            and sum(w.ndim == wire.ndim for w, _ in terms[0].factors) == 1
        )

    def _entries(self, shape: Sequence[Axis]) -> int:
        return math.prod(self._sizes[a] if isinstance(a, str) else a for a in shape)

    def _multiplied(self, wire: Wire, left: list[Term], right: list[Term]) -> list[Term] | None:
        if len(left) * len(right) > LARGEST_SUM:
            return None
        axes = tuple(range(wire.ndim))
        found = []
        for first, second in itertools.product(left, right):
            join = Renaming()
            for axis in axes:
                join.equate(first.pattern[axis], axis)
                join.equate(second.pattern[axis], axis)
            factors = tuple(join.factor(f) for f in (*first.factors, *second.factors))
            pattern = tuple(join.root(axis) for axis in axes)
            found.append(Term(first.coefficient * second.coefficient, factors, pattern))
        return found

    # --- contractions -----------------------------------------------------------------------------

    def _contracted(
        self, wire: Wire, gate: Einsum, operands: list[tuple[list[Term], str]]
    ) -> list[Term] | None:
        """A contraction of sums of products; sums reach only the factors that carry their index."""
        if math.prod(len(terms) for terms, _ in operands) > LARGEST_SUM:
            return None
        number = {x: k for k, x in enumerate(dict.fromkeys("".join((gate.output, *gate.operands))))}
        for letter, _ in gate.sizes:
            number.setdefault(letter, len(number))
        letters = [tuple(number[x] for x in term) for term in gate.operands]
        lengths = {number[x]: axis for x, axis in gate.sizes}
        for source, indices in zip(wire.inputs, letters, strict=True):
            lengths |= dict(zip(indices, source.shape, strict=True))
        output = tuple(number[x] for x in gate.output)
        choices = [terms for terms, _ in operands]
        return [
            self._contracted_term(terms, letters, output, lengths)
            for terms in itertools.product(*choices)
        ]

    def _contracted_term(
        self,
        terms: Sequence[Term],
        letters: Sequence[tuple[int, ...]],
        output: tuple[int, ...],
        lengths: Mapping[int, Axis],
    ) -> Term:
        join = Renaming()
        for term, indices in zip(terms, letters, strict=True):
            for axis, first in enumerate(term.pattern):
                join.equate(indices[axis], indices[first])
        coefficient = math.prod(term.coefficient for term in terms)
        factors = [
            join.factor((wire, tuple(indices[axis] for axis in axes)))
            for term, indices in zip(terms, letters, strict=True)
            for wire, axes in term.factors
        ]
        result = tuple(join.root(i) for i in output)
        carried = {i for _, indices in factors for i in indices}
        for i in {join.root(i) for i in lengths} - carried - set(result):
            coefficient *= self._entries((lengths[i],))  # a sum over ones
        factors = self._summed(factors, unique(result), lengths)
        place = {i: axis for axis, i in reversed(list(enumerate(result)))}
        placed = tuple((wire, tuple(place[i] for i in indices)) for wire, indices in factors)
        return Term(coefficient, placed, tuple(place[i] for i in result))

    def _summed(
        self, factors: list[Factor], kept: tuple[int, ...], lengths: Mapping[int, Axis]
    ) -> list[Factor]:
        """The factors after the sums over all indices that are not kept, each sum on its own."""
        rest = list(factors)
        done: list[Factor] = []
        while rest:
            group = [rest.pop(0)]
            while True:
                summed = {i for _, indices in group for i in indices}.difference(kept)
                reached = [f for f in rest if summed.intersection(f[1])]
                rest = [f for f in rest if not summed.intersection(f[1])]
                group += reached
                if not reached:
                    break
            done.append(self._product(group, kept, lengths) if summed else group[0])
        return done

    def _product(
        self, factors: list[Factor], kept: tuple[int, ...], lengths: Mapping[int, Axis]
    ) -> Factor:
        """One wire for a group of factors, multiplied pair after pair in the cheapest order."""
        listed = self._same_merged(factors)
        listed = [(_diagonal(wire, ids, lengths), unique(ids)) for wire, ids in listed]
        present = unique(i for _, ids in listed for i in ids)
        output = tuple(i for i in kept if i in present)
        if len(listed) == 1:
            ((wire, ids),) = listed
            return contract([(wire, ids)], output, lengths), output
        if len(listed) == 3:
            listed.sort(key=lambda factor: factor[0].ndim)
            (_, one), (wire, two), (again, three) = listed
            if wire is again and is_weighted_square((one, two, three), output):
                return contract(listed, output, lengths), output
        sizes = {i: self._entries((lengths[i],)) for i in present}
        for first, second, letters in pairwise_order([ids for _, ids in listed], output, sizes):
            pair = [listed.pop(second), listed.pop(first)]
            pair.sort(key=lambda factor: factor[0].serial)
            natural = letters
            if listed:  # inner products in the order of their own operands, so that equal ones meet
                natural = tuple(sorted(letters, key=_order_of(pair).index))
            listed.append((contract(pair, natural, lengths), natural))
        return listed[0][0], listed[0][1]

    def _same_merged(self, factors: Sequence[Factor]) -> list[Factor]:
        """Factors with the same indices become one, entry by entry."""
        groups: dict[tuple[int, ...], Wire] = {}
        for wire, ids in factors:
            known = groups.get(ids)
            groups[ids] = wire if known is None else known * wire
        return [(wire, ids) for ids, wire in groups.items()]

    def _merged(self, term: Term) -> Term:
        return Term(term.coefficient, tuple(self._same_merged(term.factors)), term.pattern)

    # --- writing out ------------------------------------------------------------------------------

    def _written(self, wire: Wire, terms: list[Term]) -> Wire:
        """The array that some terms stand for."""
        terms = [self._merged(term) for term in terms]
        if len(terms) > 1 and len({term.pattern for term in terms}) == 1:
            terms = [self._factored_out(wire, terms)]
        return self._total(wire, terms)

    def _total(self, wire: Wire, terms: list[Term], shape: tuple[Axis, ...] | None = None) -> Wire:
        terms = sorted(terms, key=lambda term: term.coefficient < 0)
        total = self._one_written(wire, terms[0], shape)
        for term in terms[1:]:
            if term.coefficient < 0:  # a difference, so that no large array is negated
                positive = Term(-term.coefficient, term.factors, term.pattern)
                total = total - self._one_written(wire, positive, shape)
            else:
                total = total + self._one_written(wire, term, shape)
        return total

    def _factored_out(self, wire: Wire, terms: list[Term]) -> Term:
        """One term: the factors that all terms share, times the sum of what is left."""
        # Wires compare by value, so factors are counted by serial number.
        named = {key_of(factor): factor for term in terms for factor in term.factors}
        counts = [Counter(map(key_of, term.factors)) for term in terms]
        shared = functools.reduce(operator.and_, counts)
        pattern = terms[0].pattern
        rests = [
            Term(t.coefficient, tuple(named[k] for k in (count - shared).elements()), pattern)
            for t, count in zip(terms, counts, strict=True)
        ]
        axes = unique(sorted(i for t in rests for _, ids in t.factors for i in ids))
        place = {i: k for k, i in enumerate(axes)}
        flat = [
            Term(
                term.coefficient,
                tuple((w, tuple(place[i] for i in ids)) for w, ids in term.factors),
                tuple(range(len(axes))),
            )
            for term in rests
        ]
        inner = self._total(wire, flat, tuple(wire.shape[i] for i in axes))
        return Term(1.0, (*[named[k] for k in shared.elements()], (inner, axes)), pattern)

    def _one_written(self, wire: Wire, term: Term, shape: tuple[Axis, ...] | None = None) -> Wire:
        shape = wire.shape if shape is None else shape
        lengths = dict(enumerate(shape))
        factors = self._with_coefficient(term, wire)
        if len(factors) > 2:
            sizes = {i: self._entries((axis,)) for i, axis in lengths.items()}
            output = unique(term.pattern)
            for first, second, letters in pairwise_order(
                [ids for _, ids in factors], output, sizes
            )[:-1]:
                pair = [factors.pop(second), factors.pop(first)]
                factors.append((contract(pair, letters, lengths), letters))
        return contract(factors, term.pattern, lengths)

    def _with_coefficient(self, term: Term, wire: Wire) -> list[Factor]:
        """The factors with the coefficient multiplied into the smallest of them."""
        factors = list(term.factors)
        if term.coefficient == 1 and factors:
            return factors
        number = constant(term.coefficient, wire.dtype)
        if not factors:
            return [(number, ())]
        k = min(range(len(factors)), key=lambda k: self._entries(factors[k][0].shape))
        small, ids = factors[k]
        factors[k] = (-small if term.coefficient == -1 else small * number, ids)
        return factors


def _is_plain(gate: Einsum) -> bool:
    """Whether a contraction of at most two operands sums, and neither spreads nor places."""
    carried = set("".join(gate.operands))
    return (
        len(gate.operands) <= 2
        and not gate.sizes
        and len(set(gate.output)) == len(gate.output) < len(carried)
    )


_LINEAR = (arithmetic.add, arithmetic.sub, arithmetic.mul, arithmetic.neg)


def _order_of(factors: Sequence[Factor]) -> list[int]:
    return [i for _, ids in factors for i in ids]


def _diagonal(wire: Wire, indices: tuple[int, ...], lengths: Mapping[int, Axis]) -> Wire:
    """The diagonal of a wire along axes with one index."""
    letters = unique(indices)
    return wire if letters == indices else contract([(wire, indices)], letters, lengths)
