"""Wires read as sums of products over named indices, with their deltas read off.

A derivative's wire is made of contractions, products and sums. Here they are undone as far as
that shows something: an index of the result that stands twice is a delta, an index that no factor
carries is a one. The same reading holds for every size.
"""

from __future__ import annotations

import itertools
from collections.abc import Sequence
from dataclasses import dataclass, field

from circuitgrad.gates import arithmetic
from circuitgrad.gates.from_einsum import Einsum, build_contraction, contract
from circuitgrad.gates.indexed_products import (
    MAX_FACTORS,
    Factor,
    IndexedProduct,
    collapsed,
    gathered,
    merged,
    multiplied,
    ordered,
    total_of,
)
from circuitgrad.gates.subscripts import Indices
from circuitgrad.sources import Constant
from circuitgrad.spec import Axis, DType
from circuitgrad.wire import Wire, known_value, topological

MAX_PRODUCTS = 24
MAX_SETTLED = 12
MAX_STEPS = 800


@dataclass
class _Reading:
    """A product that is being read: what is still to be looked into, and what became equal."""

    coefficient: float
    pending: list[Factor]
    done: list[Factor] = field(default_factory=list)
    alias: dict[int, int] = field(default_factory=dict)
    summed: tuple[int, ...] = ()

    def root(self, i: int) -> int:
        """The index that stands for i."""
        while i in self.alias:
            i = self.alias[i]
        return i

    def unite(self, i: int, j: int) -> None:
        """Make two indices equal; those of the result come first and stay."""
        i, j = self.root(i), self.root(j)
        if i != j:
            self.alias[max(i, j)] = min(i, j)

    def branch(self, sign: float, operand: Factor) -> _Reading:
        """The same product with one more operand, apart from this one."""
        pending = [*self.pending, operand]
        return _Reading(
            self.coefficient * sign, pending, [*self.done], dict(self.alias), self.summed
        )


class _Reader:
    """Reads one wire whose first axes are rows and whose last axes are columns."""

    def __init__(self, wire: Wire, leading: int) -> None:
        self.rank, self.dtype = wire.ndim, wire.dtype
        self.leading = leading
        self.axes: dict[int, Axis] = dict(enumerate(wire.shape))
        self.new = itertools.count(self.rank)
        self.hiding = _hiding_deltas(wire)
        self.start = _Reading(1.0, [(wire, tuple(range(self.rank)))])

    def products(self) -> list[IndexedProduct] | None:
        open_, finished = [self.start], list[IndexedProduct]()
        for _ in range(MAX_STEPS):
            if not open_:
                return merged(finished)
            reading = open_.pop()
            if reading.pending:
                open_.extend(self._step(reading))
                continue
            finished.append(self._finished(reading))
            if len(finished) > MAX_PRODUCTS:
                finished = collapsed(finished, self.dtype)
            if len(finished) > MAX_PRODUCTS:
                return None
        return None

    def _step(self, reading: _Reading) -> list[_Reading]:
        """Look into one operand: the readings that take this one's place."""
        reading.pending.sort(key=_patience, reverse=True)
        wire, indices = reading.pending.pop()
        gate = wire.gate
        if not wire.shape and isinstance(gate, Constant | Einsum) and wire.is_free:
            reading.coefficient *= float(known_value(wire))
            return [reading] if reading.coefficient else []
        if isinstance(gate, Einsum) and self._is_opened(reading, wire, indices):
            self._open(reading, wire, indices)
        elif gate is arithmetic.neg:
            reading.coefficient = -reading.coefficient
            reading.pending.append((wire.inputs[0], indices))
        elif gate is arithmetic.mul and self._is_split(reading, wire, indices):
            reading.pending.extend((source, indices) for source in wire.inputs)
        elif gate in (arithmetic.add, arithmetic.sub) and self._is_worth(reading, wire, indices):
            left, right = wire.inputs
            sign = 1.0 if gate is arithmetic.add else -1.0
            return [reading.branch(sign, (right, indices)), reading.branch(1.0, (left, indices))]
        elif gate is arithmetic.div and self._is_split(reading, wire, indices):
            self._divide(reading, wire, indices)
        else:
            reading.done.append((wire, indices))
        return [reading]

    def _is_mixed(self, reading: _Reading, indices: Indices) -> bool:
        """Whether an operand has a row and a column that are not the same index."""
        rows = {reading.root(i) for i in range(self.leading)}
        columns = {reading.root(i) for i in range(self.leading, self.rank)}
        found = {reading.root(i) for i in indices}
        return any(i != j for i in found & rows for j in found & columns)

    def _is_worth(self, reading: _Reading, wire: Wire, indices: Indices) -> bool:
        """Whether a sum may show something when it is multiplied out or opened."""
        return wire.serial in self.hiding or self._is_mixed(reading, indices)

    def _is_split(self, reading: _Reading, wire: Wire, indices: Indices) -> bool:
        """Whether a product entry by entry has a broadcast operand, or may hide a delta."""
        return (
            not wire.shape
            or any(_is_spread(source) for source in wire.inputs)
            or self._is_worth(reading, wire, indices)
        )

    def _is_opened(self, reading: _Reading, wire: Wire, indices: Indices) -> bool:
        """Whether a contraction is worth its factors: it sums nothing, or may hide a delta."""
        gate = wire.gate
        assert isinstance(gate, Einsum)
        if gate.is_structural:
            return True
        if len({ids for _, ids in reading.pending + reading.done}) > MAX_FACTORS:
            return False
        letters = set("".join(gate.operands)).union(letter for letter, _ in gate.sizes)
        return letters <= set(gate.output) or self._is_worth(reading, wire, indices)

    def _open(self, reading: _Reading, wire: Wire, indices: Indices) -> None:
        """Put a contraction's operands in its place, its letters renamed to our indices."""
        gate = wire.gate
        assert isinstance(gate, Einsum)
        place: dict[str, int] = {}
        for letter, i in zip(gate.output, indices, strict=True):
            reading.unite(place.setdefault(letter, i), i)
        known = dict(gate.sizes)
        for letters, source in zip(gate.operands, wire.inputs, strict=True):
            known.update(zip(letters, source.shape, strict=True))
        for letter, axis in known.items():
            if letter not in place:
                place[letter] = next(self.new)
                self.axes[place[letter]] = axis
                reading.summed += (place[letter],)
        reading.pending.extend(
            (source, tuple(place[letter] for letter in letters))
            for letters, source in zip(gate.operands, wire.inputs, strict=True)
        )

    def _divide(self, reading: _Reading, wire: Wire, indices: Indices) -> None:
        """Read a / b as a · (1/b) where b has no row beside a column."""
        above, below = wire.inputs
        inner, kept = _behind_broadcasts(below, indices)
        if self._is_mixed(reading, kept):
            reading.done.append((wire, indices))
            return
        reading.pending.extend([(above, indices), (arithmetic.inv(inner), kept)])

    def _finished(self, reading: _Reading) -> IndexedProduct:
        factors = [(w, tuple(reading.root(i) for i in ids)) for w, ids in reading.done]
        output = tuple(reading.root(i) for i in range(self.rank))
        present = {i for _, ids in factors for i in ids} | set(output)
        coefficient = reading.coefficient
        for i in dict.fromkeys(reading.root(i) for i in reading.summed):
            axis = self.axes[i]
            if i in present:
                continue
            if isinstance(axis, str):
                factors.append((build_contraction([], [], (), {i: axis}), ()))
            else:
                coefficient *= axis
        found, renamed = ordered(gathered(factors), self.rank)
        axes = {i: self.axes[i] for i in range(self.rank)}
        axes |= {new: self.axes[old] for old, new in renamed.items()}
        return IndexedProduct(coefficient, found, output, axes)


def _hiding_deltas(wire: Wire) -> set[int]:
    """The serial numbers of the wires in whose sums and products a delta stands."""
    opened = (arithmetic.neg, arithmetic.mul, arithmetic.div, arithmetic.add, arithmetic.sub)
    found: set[int] = set()
    for part in topological([wire]):
        gate = part.gate
        if isinstance(gate, Einsum):
            is_delta = len(set(gate.output)) < len(gate.output)
        elif gate in opened:
            is_delta = False
        else:
            continue
        if is_delta or any(source.serial in found for source in part.inputs):
            found.add(part.serial)
    return found


def _patience(operand: Factor) -> int:
    """What is looked into first: what only places entries, then the rest, contractions last."""
    gate = operand[0].gate
    if not isinstance(gate, Einsum):
        return 1
    return 0 if gate.is_structural else 2


def _is_spread(wire: Wire) -> bool:
    return isinstance(wire.gate, Einsum) and wire.gate.is_structural


def _behind_broadcasts(wire: Wire, indices: Indices) -> Factor:
    """The wire behind broadcasts and transposes, with the indices that it has."""
    while len(wire.inputs) == 1 and _is_spread(wire):
        gate = wire.gate
        assert isinstance(gate, Einsum)
        if len(set(gate.output)) < len(gate.output):
            break
        place = dict(zip(gate.output, indices, strict=True))
        wire, indices = wire.inputs[0], tuple(place[x] for x in gate.operands[0])
    return wire, indices


def indexed_products(wire: Wire, leading: int) -> list[IndexedProduct] | None:
    """The products whose sum a wire is; None where there are too many to be of use.

    Args:
        wire: A derivative, rows first.
        leading: How many of its axes are rows.

    >>> from circuitgrad.gates.contractions import diag
    >>> from circuitgrad.sources import input_wire
    >>> x = input_wire("x", "n")
    >>> [(p.coefficient, p.output) for p in indexed_products(diag(x) * 3 - diag(x), 1)]
    [(2.0, (0, 0))]
    """
    return _Reader(wire, leading).products()


def settled(wire: Wire, leading: int) -> Wire:
    """The same derivative without a delta that is computed with: deltas are placed once, at last.

    Args:
        wire: A derivative, rows first.
        leading: How many of its axes are rows.
    """
    if wire.ndim < 2 or wire.known is not None or wire.serial not in _hiding_deltas(wire):
        return wire
    products = indexed_products(wire, leading)
    if not products or len(products) > MAX_SETTLED:
        return wire
    if any(len(product.factors) > 2 * MAX_FACTORS for product in products):
        return wire
    groups: dict[Indices, list[IndexedProduct]] = {}
    for product in products:
        groups.setdefault(product.output, []).append(product)
    return total_of([_placed(output, group, wire.dtype) for output, group in groups.items()])


def _placed(output: Indices, group: Sequence[IndexedProduct], dtype: DType) -> Wire:
    """The sum of products with the same deltas, put in its place."""
    carried = frozenset[int]().union(*(product.carried for product in group))
    core = tuple(i for i in dict.fromkeys(output) if i in carried)
    total = total_of([multiplied(product, core, dtype) for product in group])
    axes = {k: axis for product in group for k, axis in product.axes.items() if k in output}
    return contract([(total, core)], output, axes)
