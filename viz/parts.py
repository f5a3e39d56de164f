"""The boxes of a figure of a part or of a large circuit: gates, cards, what lies outside."""

import heapq
import itertools
from collections import defaultdict
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Final, Literal, TypeAlias

from circuitgrad.circuits import Circuit
from circuitgrad.viz.quotient import Card
from circuitgrad.viz.scopes import Graph, Grouping, grouping
from circuitgrad.viz.slices import Portion, selected
from circuitgrad.wire import Wire

PartKind: TypeAlias = Literal["wire", "chain", "card", "inputs", "before", "after"]

MOST_NODES: Final = 120
MOST_BOXES: Final = 400
_FEWEST_GROUPED: Final = 4
_MOST_OUTSIDE: Final = 12
_MOST_SINGLE_INPUTS: Final = 16


@dataclass(frozen=True, slots=True, eq=False)
class Part:
    """One box: a wire, a chain of gates, a card, a group of inputs, or wires outside.

    ``copies`` holds the wires of every copy, ``others`` the gates between copies and ``inputs``
    what only the card reads. ``scope`` is the open scope around it.
    """

    kind: PartKind
    title: str
    scope: str
    copies: tuple[tuple[Wire, ...], ...]
    others: tuple[Wire, ...] = ()
    inputs: tuple[Wire, ...] = ()

    @property
    def wire(self) -> Wire:
        """The wire that leaves a box of one wire, or of a chain."""
        return self.copies[0][-1]

    @property
    def is_single(self) -> bool:
        """Whether the box stands for one wire."""
        return self.kind == "wire"

    def wires(self) -> Iterator[Wire]:
        """All wires of the box."""
        return itertools.chain(*self.copies, self.others, self.inputs)


@dataclass(frozen=True, slots=True, eq=False)
class View:
    """The boxes of a figure in topological order.

    ``place`` is the box of every wire inside, ``before`` that of a wire that comes from outside,
    ``after`` that for the readers outside of a wire. ``grouping`` says which scopes are open.
    """

    parts: tuple[Part, ...]
    place: Mapping[int, int]
    before: Mapping[int, int]
    after: Mapping[int, int]
    grouping: Grouping
    shown: int
    total: int

    @property
    def single(self) -> tuple[Wire, ...]:
        """The wires with a box of their own."""
        return tuple(part.wire for part in self.parts if part.kind == "wire")


def view_of(
    circuit: Circuit,
    shown: Sequence[Wire],
    live: Collection[int],
    names: Mapping[Wire, str],
    portion: Portion,
) -> View | None:
    """The boxes of a figure; None where every wire that is shown has its own.

    Args:
        circuit: What to draw.
        shown: The wires of its complete figure: inputs, gates, and constants that are not folded.
        live: Serial numbers of the wires that depend on inputs.
        names: The names of the wires.
        portion: Which part to show, and how much of it.
    """
    chosen = selected(circuit, names, portion)
    gates = [wire for wire in shown if wire.inputs and wire.serial in live]
    most = MOST_NODES if any(wire.scope for wire in gates) else MOST_BOXES
    budget = min(portion.max_nodes or most, MOST_BOXES)
    whole = chosen is None and portion.expand is None and not portion.fuse
    if whole and len(shown) <= budget:
        return None
    return _View(circuit, shown, live, chosen, portion, budget).view()


class _View:
    """Makes the boxes: gates and cards first, then inputs, then what lies outside."""

    def __init__(
        self,
        circuit: Circuit,
        shown: Sequence[Wire],
        live: Collection[int],
        chosen: Collection[int] | None,
        portion: Portion,
        budget: int,
    ) -> None:
        self._portion = portion
        self._budget = budget
        self._whole = chosen is None
        self._live = live
        self._ends = {wire.serial for wire in circuit.outputs}
        self._readers = _readers(shown)
        all_gates = [wire for wire in shown if wire.inputs and wire.serial in live]
        self._total = len(all_gates)
        self._gates = [w for w in all_gates if chosen is None or w.serial in chosen]
        self._inside = {wire.serial for wire in self._gates}
        leaves = [wire for wire in shown if not (wire.inputs and wire.serial in live)]
        self._inputs = [
            wire for wire in leaves if wire.serial in live and self._is_near(wire, chosen)
        ]
        self._constants = [wire for wire in leaves if wire.serial not in live]
        self._parts: list[Part] = []
        self._place: dict[int, int] = {}

    def view(self) -> View:
        found = self._group_gates()
        self._group_inputs()
        self._place_constants()
        before = self._outside("before", self._sources())
        after = self._outside("after", self._leaving())
        order = self._order(before, after)
        new = {old: k for k, old in enumerate(order)}
        return View(
            tuple(self._parts[k] for k in order),
            {serial: new[k] for serial, k in self._place.items()},
            {serial: new[k] for serial, k in before.items()},
            {serial: new[k] for serial, k in after.items()},
            found,
            len(self._gates),
            self._total,
        )

    def _is_near(self, wire: Wire, chosen: Collection[int] | None) -> bool:
        """Whether an input is in the part or read there."""
        if chosen is None or wire.serial in chosen:
            return True
        return any(r.serial in self._inside for r in self._readers.get(wire.serial, ()))

    def _add(self, part: Part) -> int:
        for wire in part.wires():
            self._place[wire.serial] = len(self._parts)
        self._parts.append(part)
        return len(self._parts) - 1

    def _group_gates(self) -> Grouping:
        """Cards for the gates; each takes the inputs of its own scope that only it reads."""
        if self._portion.fuse:
            items = _chains(self._gates, self._readers, self._live, self._ends)
        else:
            items = [(wire,) for wire in self._gates]
        number = {wire.serial: k for k, item in enumerate(items) for wire in item}
        graph = Graph(
            [item[-1].scope for item in items],
            [
                tuple(number.get(s.serial, -1) for s in item[0].inputs if s.serial in self._live)
                for item in items
            ],
            [tuple((wire.gate, wire.shape) for wire in item) for item in items],
        )
        found = self._cards(graph)
        card_of = {gate: k for k, card in enumerate(found.cards) for gate in card.gates()}
        taken = self._taken_inputs(number, card_of, found.cards)
        for k, card in enumerate(found.cards):
            copies = tuple(tuple(w for gate in copy for w in items[gate]) for copy in card.copies)
            others = tuple(w for gate in card.others for w in items[gate])
            kind: PartKind = "card"
            if card.is_gate:
                kind = "chain" if len(copies[0]) > 1 else "wire"
            self._add(Part(kind, card.title, card.scope, copies, others, tuple(taken.get(k, ()))))
        return found

    def _cards(self, graph: Graph) -> Grouping:
        """The cards; every gate its own where all of them fit and nothing else is asked for."""
        portion = self._portion
        fits = len(graph.scopes) + min(len(self._inputs), _MOST_SINGLE_INPUTS) <= self._budget
        if portion.expand is None and fits:
            return grouping(graph, self._budget, MOST_BOXES, True, fold=False)
        return grouping(graph, self._budget, MOST_BOXES, portion.expand, portion.fold)

    def _taken_inputs(
        self, number: Mapping[int, int], card_of: Mapping[int, int], cards: Sequence[Card]
    ) -> dict[int, list[Wire]]:
        """Inputs that were made in a scope and are read by one closed card only."""
        taken: dict[int, list[Wire]] = defaultdict(list)
        for wire in self._inputs:
            readers = self._readers.get(wire.serial, ())
            homes = {card_of.get(number.get(reader.serial, -1), -1) for reader in readers}
            home = homes.pop() if len(homes) == 1 else -1
            if wire.scope and home >= 0 and not cards[home].is_gate:
                taken[home].append(wire)
        return taken

    def _group_inputs(self) -> None:
        """A box for every input; where there are many, one for names that differ in numbers."""
        free = [wire for wire in self._inputs if wire.serial not in self._place]
        many = len(free) > min(self._budget, _MOST_SINGLE_INPUTS)
        groups: dict[str, list[Wire]] = defaultdict(list)
        for wire in free:
            groups[stem(wire.label) if many else wire.label].append(wire)
        if len(groups) > max(self._budget // 2, 1):
            groups = defaultdict(list, {"inputs": free})
        for name, wires in groups.items():
            if len(wires) < _FEWEST_GROUPED and len(groups) > 1:
                for wire in wires:
                    self._add(Part("wire", wire.label, "", ((wire,),)))
            else:
                kind: PartKind = "inputs" if len(wires) > 1 else "wire"
                self._add(Part(kind, name, "", (tuple(wires),)))

    def _place_constants(self) -> None:
        """A box for every constant that a gate with a box of its own reads."""
        single = {part.wire.serial for part in self._parts if part.kind == "wire"}
        for wire in self._constants:
            readers = self._readers.get(wire.serial, ())
            if any(reader.serial in single for reader in readers) or (
                self._whole and wire.serial in self._ends
            ):
                self._add(Part("wire", "", "", ((wire,),)))

    def _sources(self) -> list[Wire]:
        """Wires from outside that gates inside read."""
        found: dict[int, Wire] = {}
        for gate in self._gates:
            for source in gate.inputs:
                if source.serial in self._live and source.serial not in self._place:
                    found[source.serial] = source
        return list(found.values())

    def _leaving(self) -> list[Wire]:
        """Wires inside that gates outside read."""
        return [
            wire
            for wire in (*self._inputs, *self._gates)
            if not self._whole
            and any(r.serial not in self._inside for r in self._readers.get(wire.serial, ()))
        ]

    def _outside(self, kind: Literal["before", "after"], wires: Sequence[Wire]) -> dict[int, int]:
        """The boxes at the border: one for each wire or, if there are many, one for each card."""
        if len(wires) <= _MOST_OUTSIDE:
            return {wire.serial: self._border(kind, (wire,)) for wire in wires}
        index = self._border(kind, tuple(wires))
        return {wire.serial: index for wire in wires}

    def _border(self, kind: Literal["before", "after"], wires: tuple[Wire, ...]) -> int:
        self._parts.append(Part(kind, "", "", (wires,)))
        return len(self._parts) - 1

    def _order(self, before: Mapping[int, int], after: Mapping[int, int]) -> list[int]:
        """The boxes in topological order, the earliest wire first where there is a choice."""
        follows: dict[int, set[int]] = defaultdict(set)
        for gate in self._gates:
            target = self._place[gate.serial]
            for source in gate.inputs:
                origin = self._place.get(source.serial, before.get(source.serial, target))
                if origin != target:
                    follows[origin].add(target)
        for serial, border in after.items():
            follows[self._place[serial]].add(border)
        waiting = [0] * len(self._parts)
        for target in itertools.chain.from_iterable(follows.values()):
            waiting[target] += 1
        first = [
            (part.kind == "after", min(wire.serial for wire in part.wires()), k)
            for k, part in enumerate(self._parts)
        ]
        ready = [first[k] for k, count in enumerate(waiting) if not count]
        heapq.heapify(ready)
        order: list[int] = []
        while ready:
            *_, k = heapq.heappop(ready)
            order.append(k)
            for target in sorted(follows[k]):
                waiting[target] -= 1
                if not waiting[target]:
                    heapq.heappush(ready, first[target])
        return order


def stem(name: str) -> str:
    """A name without the numbers at its end: the name of a group.

    Args:
        name: The name of an input.

    >>> stem("W_3_17")
    'W'
    """
    return name.rstrip("0123456789_") or name


def _readers(wires: Iterable[Wire]) -> dict[int, list[Wire]]:
    """The gates that read every wire."""
    readers: dict[int, list[Wire]] = {}
    for wire in wires:
        for source in dict.fromkeys(wire.inputs):
            readers.setdefault(source.serial, []).append(wire)
    return readers


def _chains(
    gates: Sequence[Wire],
    readers: Mapping[int, Sequence[Wire]],
    live: Collection[int],
    ends: Collection[int],
) -> list[tuple[Wire, ...]]:
    """The gates in chains of one operand; what is inside a chain is read by the next gate only.

    Args:
        gates: In topological order.
        readers: The gates that read every wire.
        live: The wires that are no constants; a gate may have constants besides its operand.
        ends: The wires that must be seen.
    """
    chains: dict[int, list[Wire]] = {}
    for wire in gates:
        operands = [source for source in wire.inputs if source.serial in live]
        before = operands[0].serial if len(operands) == 1 else -1
        joins = (
            before in chains
            and before not in ends
            and len(readers[before]) == 1
            and chains[before][-1].scope == wire.scope
            and sum(source.serial in live for source in chains[before][0].inputs) == 1
        )
        chains[wire.serial] = [*chains.pop(before), wire] if joins else [wire]
    return sorted((tuple(chain) for chain in chains.values()), key=lambda chain: chain[0].serial)
