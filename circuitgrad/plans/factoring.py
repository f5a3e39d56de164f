"""Wires as products whose factors are kept apart: what a plan does not write out.

The wires of a Jacobian's backward pass are often outer products, broadcasts or diagonals: large
arrays made of few numbers. Before a plan is made, each is kept as its factors for as long as what
reads it is linear; sums reach the factors that carry their index, and the large array is written
once, at the end, or never. Values are the same up to rounding.

Source:
    The reading of deltas as equal indices: Laue, Mitterreiter & Giesen, "Computing higher order
    derivatives of matrix and tensor expressions", NeurIPS 2018.
"""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence

from circuitgrad.gates import arithmetic
from circuitgrad.gates.contraction_kernels import is_weighted_square
from circuitgrad.gates.contraction_order import pairwise_order
from circuitgrad.gates.from_einsum import Einsum, contract, is_view
from circuitgrad.gates.from_formula import Elementwise
from circuitgrad.plans.placements import is_placement
from circuitgrad.plans.readers import is_mixed, is_plain, is_sum, takes_number
from circuitgrad.plans.terms import Factor, Renaming, Term, key_of, multiplied, unique
from circuitgrad.sources import Constant, constant
from circuitgrad.spec import Axis
from circuitgrad.wire import Gate, Wire, build

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
        self._terms: dict[int, Term] = {}
        self._written_out: dict[int, Term] = {}
        self._whole: dict[int, Wire] = {}
        self._readers: dict[int, list[Gate]] = {wire.serial: [] for wire in order}
        for wire in order:
            for source in wire.inputs:
                self._readers.setdefault(source.serial, []).append(wire.gate)
        self._wanted = {wire.serial for wire in wanted}

    def visit(self, wire: Wire) -> None:
        """Note the factors of a wire if it is better kept as factors, else rebuild it."""
        term = self._factors_of(wire)
        if term is not None and self._is_lighter(wire, term):
            self._terms[wire.serial] = term if self._is_summed(wire) else self._merged(term)
        elif term is not None and self._is_written(wire, term):
            self._whole[wire.serial] = self._written(wire, self._merged(term))
        else:
            self._rebuild(wire)
        if term is not None and not term.is_entrywise and wire.serial not in self._terms:
            self._written_out[wire.serial] = term

    def whole(self, wire: Wire) -> Wire:
        """The wire as one array."""
        found = self._whole.get(wire.serial)
        if found is not None:
            return found
        term = self._terms.get(wire.serial)
        if term is None:
            return wire
        if self._is_written(wire, term):
            self._whole[wire.serial] = self._written(wire, term)
        else:
            self._rebuild(wire)
        return self._whole.get(wire.serial, wire)

    def _is_written(self, wire: Wire, term: Term) -> bool:
        """Whether a wire is better written from its factors than by its own gate."""
        hidden = any([s.serial in self._terms and not is_view(s) for s in wire.inputs])
        return not term.is_entrywise and (hidden or len(wire.inputs) > 2)

    def _rebuild(self, wire: Wire) -> None:
        if self._is_signed(wire):
            return
        inputs = tuple([self.whole(source) for source in wire.inputs])
        if any([new is not old for new, old in zip(inputs, wire.inputs, strict=True)]):
            self._whole[wire.serial] = build(wire.gate, inputs)

    def _is_signed(self, wire: Wire) -> bool:
        """Rebuild a sum or difference whose second operand is -x as the other one of x."""
        gate = wire.gate
        if gate is not arithmetic.add and gate is not arithmetic.sub:
            return False
        first, second = [self._opposite(source) for source in wire.inputs]
        if gate is arithmetic.add and first is not None and second is None:
            if is_placement(wire.inputs[1].gate):
                return False  # which is added in place
            self._whole[wire.serial] = self.whole(wire.inputs[1]) - first
            return True
        if second is None or is_placement(wire.inputs[0].gate):
            return False
        left = self.whole(wire.inputs[0])
        self._whole[wire.serial] = left - second if gate is arithmetic.add else left + second
        return True

    def _opposite(self, wire: Wire) -> Wire | None:
        """The array x of a wire that is -x."""
        term = self._terms.get(wire.serial)
        if term is None or term.coefficient != -1 or len(term.factors) != 1:
            return None
        ((factor, axes),) = term.factors
        return factor if axes == term.pattern == tuple(range(wire.ndim)) else None

    # --- which wires are products -----------------------------------------------------------------

    def _factors_of(self, wire: Wire) -> Term | None:
        """A wire as a product; None where it is none, or is better left as it is."""
        gate = wire.gate
        if type(gate) is Einsum:
            known = any([source.serial in self._terms for source in wire.inputs])
            if (is_plain(gate) and not known) or is_mixed(wire):
                return None
            return self._contracted(wire, gate)
        if type(gate) is not Elementwise or gate not in _READABLE or not wire.shape:
            return None
        if gate is arithmetic.neg:
            return self._read(wire.inputs[0]).scaled(-1.0)
        if self._is_summed(wire):
            return multiplied(*[self._read(wire.inputs[k]) for k in (0, -1)])
        if gate is arithmetic.square:
            return None
        tables = [self._terms] if gate is arithmetic.mul else [self._terms, self._written_out]
        if is_mixed(wire) or not any([s.serial in t for s in wire.inputs for t in tables]):
            return None
        if gate is arithmetic.mul:
            return multiplied(*[self._read(source) for source in wire.inputs])
        first, second = [self._summand(source) for source in wire.inputs]
        return self._added(wire, first, second.scaled(-1.0 if gate is arithmetic.sub else 1.0))

    def _is_summed(self, wire: Wire) -> bool:
        """Whether a product entry by entry is read by one sum alone, which then multiplies."""
        if wire.gate not in (arithmetic.mul, arithmetic.square) or wire.serial in self._wanted:
            return False
        readers = self._readers[wire.serial]
        return len(readers) == 1 and is_sum(readers[0]) and not is_mixed(wire)

    def _read(self, wire: Wire) -> Term:
        """The factors of a wire, or the wire itself as the only one."""
        known = self._terms.get(wire.serial)
        if known is not None:
            return known
        whole = self.whole(wire)
        if type(whole.gate) is Constant and not whole.shape:
            return Term(float(whole.gate.data), (), (), True)
        axes = tuple(range(wire.ndim))
        return Term(1.0, ((whole, axes),), axes, True)

    def _summand(self, wire: Wire) -> Term:
        """The factors of a wire that is added, also where the wire itself is written out."""
        if len(self._readers[wire.serial]) == 1 and wire.serial in self._written_out:
            return self._written_out[wire.serial]
        return self._read(wire)

    def _is_lighter(self, wire: Wire, term: Term) -> bool:
        """Whether the factors are fewer numbers than the array, or only scale what is read once."""
        if len(term.factors) > LARGEST_PRODUCT:
            return False
        if sum(self._entries(factor.shape) for factor, _ in term.factors) < self._entries(
            wire.shape
        ):
            return True
        if wire.serial in self._wanted:
            return False
        readers = self._readers[wire.serial]
        if len(term.factors) == 1:
            return all([takes_number(reader) for reader in readers])
        if self._is_summed(wire):
            return True
        return (
            len(readers) == 1
            and (type(readers[0]) is Einsum and len(readers[0].operands) > 1)
            and sum(factor.ndim == wire.ndim for factor, _ in term.factors) == 1
        )

    def _entries(self, shape: Sequence[Axis]) -> int:
        return math.prod(self._sizes[a] if isinstance(a, str) else a for a in shape)

    def _added(self, wire: Wire, first: Term, second: Term) -> Term | None:
        """The factors that two terms share times the sum of the others, which is written out.

        Sums are never multiplied out: (a - b)² as a² - 2ab + b² would lose the digits that a - b
        has.
        """
        if first.is_entrywise and second.is_entrywise:
            return None
        # Wires compare by value, so factors are counted by serial number.
        named = {key_of(factor): factor for term in (first, second) for factor in term.factors}
        counts = [Counter(map(key_of, term.factors)) for term in (first, second)]
        shared = counts[0] & counts[1]
        same = first.pattern == second.pattern
        rests = [
            Term(t.coefficient, tuple(named[k] for k in (count - shared).elements()), t.pattern)
            for t, count in zip((first, second), counts, strict=True)
        ]
        inside = {i for term in rests for _, ids in term.factors for i in ids}
        if not same:
            placed = [i for t in rests for i, j in enumerate(t.pattern) if i != j]
            inside |= {i for t in rests for k in placed for i in (k, t.pattern[k])}
        axes = tuple(sorted(inside))
        shape = tuple(wire.shape[i] for i in axes)
        if self._entries(shape) >= self._entries(wire.shape):
            return None
        place = {i: k for k, i in enumerate(axes)}
        parts = [
            Term(
                term.coefficient,
                tuple((w, tuple(place[i] for i in ids)) for w, ids in term.factors),
                tuple(place[i if same else term.pattern[i]] for i in axes),
            )
            for term in rests
        ]
        inner = self._total(wire, parts, shape)
        factors = (*[named[k] for k in shared.elements()], (inner, axes))
        return Term(1.0, factors, first.pattern if same else tuple(range(wire.ndim)))

    def _total(self, wire: Wire, terms: Sequence[Term], shape: tuple[Axis, ...]) -> Wire:
        first, second = sorted(terms, key=lambda term: term.coefficient < 0)
        left = self._written(wire, first, shape)
        if second.coefficient < 0:  # a difference, so that no array is negated
            return left - self._written(wire, second.scaled(-1.0), shape)
        return left + self._written(wire, second, shape)

    # --- contractions -----------------------------------------------------------------------------

    def _contracted(self, wire: Wire, gate: Einsum) -> Term:
        """A contraction of products; a sum reaches only the factors that carry its index."""
        number = {x: k for k, x in enumerate(dict.fromkeys("".join((gate.output, *gate.operands))))}
        for letter, _ in gate.sizes:
            number.setdefault(letter, len(number))
        letters = [tuple(number[x] for x in term) for term in gate.operands]
        lengths = {number[x]: axis for x, axis in gate.sizes}
        for source, indices in zip(wire.inputs, letters, strict=True):
            lengths |= dict(zip(indices, source.shape, strict=True))
        output = tuple(number[x] for x in gate.output)
        terms = [self._read(source) for source in wire.inputs]
        found = self._contracted_terms(terms, letters, output, lengths)
        is_entrywise = is_view(wire) and terms[0].is_entrywise
        return Term(found.coefficient, found.factors, found.pattern, is_entrywise)

    def _contracted_terms(
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
        is_pair = len(factors) == 2  # multiplied on the way of the sum
        listed = factors if is_pair else self._same_merged(factors)
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
            pair.sort(key=lambda factor: (-factor[0].ndim, factor[0].serial))
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
        factors = tuple(self._same_merged(term.factors))
        return Term(term.coefficient, factors, term.pattern, term.is_entrywise)

    # --- writing out ------------------------------------------------------------------------------

    def _written(self, wire: Wire, term: Term, shape: tuple[Axis, ...] | None = None) -> Wire:
        """The array that a term stands for."""
        lengths = dict(enumerate(wire.shape if shape is None else shape))
        factors = self._with_coefficient(term, wire)
        if len(factors) > 2:
            sizes = {i: self._entries((axis,)) for i, axis in lengths.items()}
            order = pairwise_order([unique(ids) for _, ids in factors], unique(term.pattern), sizes)
            for first, second, letters in order[:-1]:
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


_READABLE = (arithmetic.add, arithmetic.sub, arithmetic.mul, arithmetic.neg, arithmetic.square)


def _order_of(factors: Sequence[Factor]) -> list[int]:
    return [i for _, ids in factors for i in ids]


def _diagonal(wire: Wire, indices: tuple[int, ...], lengths: Mapping[int, Axis]) -> Wire:
    """The diagonal of a wire along axes with one index."""
    letters = unique(indices)
    return wire if letters == indices else contract([(wire, indices)], letters, lengths)
