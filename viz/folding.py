"""Accounts of large circuits and of parts: cards for many gates, with real gradient norms."""

import itertools
from collections import Counter, defaultdict
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import Final

import numpy as np

from circuitgrad.circuits import Circuit
from circuitgrad.viz.account import Account, Branch, Bundle, Output, Pull, Signal, Value
from circuitgrad.viz.parts import Part, View
from circuitgrad.wire import Wire

_MOST_KINDS: Final = 4


@dataclass(frozen=True, slots=True)
class Source:
    """Where the numbers of an account come from: functions of one wire, or of one operand.

    ``gradient`` takes a wire and the name of an output; ``pulls`` and ``symbol`` take a gate's wire
    and the position of an operand. ``passes`` has the positions of the backward passes that were
    run, ``bad`` the gates that first made a number that is not finite.
    """

    signal: Callable[[Wire], Signal]
    gradient: Callable[[Wire, str], Value]
    pulls: Callable[[Wire, int], tuple[Pull, ...]]
    symbol: Callable[[Wire, int], str]
    passes: tuple[int, ...]
    bad: frozenset[int]


def folded_account(circuit: Circuit, view: View, source: Source, whole: Account) -> Account:
    """The account of the boxes of a view.

    Args:
        circuit: What is drawn.
        view: Its boxes.
        source: The numbers.
        whole: What is said of the circuit as a whole; signals and branches are replaced.
    """
    return _Folding(circuit, view, source).account(whole)


class _Folding:
    """Reads one view."""

    def __init__(self, circuit: Circuit, view: View, source: Source) -> None:
        self._circuit = circuit
        self._view = view
        self._source = source
        self._leaving = self._wires_that_leave()

    def account(self, whole: Account) -> Account:
        view = self._view
        return replace(
            whole,
            signals=tuple(self._signal(part) for part in view.parts),
            branches=tuple(self._branches()),
            outputs=tuple(
                self._output(output, wire)
                for output, wire in zip(whole.outputs, self._circuit.outputs, strict=True)
            ),
            notes=(*whole.notes, *_notes(view)),
        )

    def _output(self, output: Output, wire: Wire) -> Output:
        """An output, at the box that holds it."""
        place = self._view.place.get(wire.serial)
        is_inside = place is not None and self._view.parts[place].kind in ("card", "inputs")
        carried = self._source.signal(wire) if is_inside else None
        return replace(output, signal=place, carried=carried)

    # Boxes -----------------------------------------------------------------------------------

    def _signal(self, part: Part) -> Signal:
        """What a box shows."""
        match part.kind:
            case "wire":
                return self._source.signal(part.wire)
            case "chain":
                return self._chain(part)
            case "before" | "after":
                return self._outside(part)
        return Signal(
            name=part.title,
            kind="card",
            words="inputs" if part.kind == "inputs" else _gate_words(part),
            scope=part.scope,
            bundle=self._bundle(part),
            badges=("alert",) if any(w.serial in self._source.bad for w in part.wires()) else (),
        )

    def _chain(self, part: Part) -> Signal:
        """Gates of one operand as one gate."""
        steps = [self._source.signal(wire) for wire in part.copies[0]]
        last = steps[-1]
        glyph = " → ".join(step.glyph.strip("$") for step in steps)
        return replace(last, glyph=glyph, gate=" then ".join(step.gate for step in steps))

    def _outside(self, part: Part) -> Signal:
        """What lies outside: the wire that comes in, or dots where one goes out."""
        wires = part.copies[0]
        name = f"{len(wires)} wires"
        if len(wires) == 1:
            name = self._source.signal(wires[0]).name if part.kind == "before" else "…"
        words = "from outside this part" if part.kind == "before" else "to gates outside this part"
        value = self._source.signal(wires[0]).value if len(wires) == 1 else None
        return Signal(name=name, kind="outside", words=words, value=value, shape=wires[0].shape)

    def _bundle(self, part: Part) -> Bundle:
        """The facts of a card."""
        passes = self._source.passes
        number = passes[0] if passes else 0
        return Bundle(
            copies=len(part.copies) if part.kind == "card" else 1,
            gates=0 if part.kind == "inputs" else len(part.copies[0]),
            others=len(part.others),
            inputs=len(part.copies[0]) if part.kind == "inputs" else len(part.inputs),
            norms=tuple(self._norm(copy, number) for copy in part.copies) if passes else (),
            number=number,
            facts=self._facts(part),
        )

    def _norm(self, wires: Sequence[Wire], number: int) -> float | None:
        """The norm of the gradient by what leaves a copy; None where nothing comes back."""
        name = self._circuit.output_names[number]
        leaving = [wire for wire in wires if wire.serial in self._leaving]
        found = [self._source.gradient(wire, name) for wire in leaving]
        return norm([gradient for gradient in found if gradient is not None])

    def _facts(self, part: Part) -> tuple[str, ...]:
        """Which gates a card holds."""
        gates = Counter(wire.gate.name for wire in part.copies[0] if wire.inputs)
        kinds = [f"{count} {name}" for name, count in gates.most_common(_MOST_KINDS)]
        more = ["…"] if len(gates) > _MOST_KINDS else []
        return (", ".join(kinds + more),) if kinds else ()

    def _wires_that_leave(self) -> set[int]:
        """The wires that are outputs, or read by another box or by another copy of their own."""
        home: dict[int, tuple[int, int]] = {}
        for index, part in enumerate(self._view.parts):
            if part.kind not in ("before", "after"):
                for number, copy in enumerate((*part.copies, part.others)):
                    home.update((wire.serial, (index, number)) for wire in copy)
        found = {wire.serial for wire in self._circuit.outputs}
        for wire in self._circuit.wires:
            place = home.get(wire.serial)
            for source in wire.inputs:
                if home.get(source.serial) != place:
                    found.add(source.serial)
        return found

    # Wires between boxes ---------------------------------------------------------------------

    def _branches(self) -> list[Branch]:
        """One branch for each operand between single gates, and one for all wires to a card."""
        order: dict[tuple[int, int, int], list[tuple[Wire, int]]] = defaultdict(list)
        parts = self._view.parts
        for wire in self._circuit.wires:
            for position, source in enumerate(wire.inputs):
                ends = self._ends(source, wire)
                if ends is not None:
                    single = parts[ends[1]].kind in ("wire", "chain") and parts[ends[0]].kind in (
                        "wire", "chain", "before",
                    )  # fmt: skip
                    own = len(order) if single else -1
                    order[(*ends, own)].append((wire, position))
        keys = sorted(order, key=lambda key: (key[1], order[key][0][0].serial))
        return [self._branch(key[0], key[1], order[key]) for key in keys]

    def _ends(self, source: Wire, wire: Wire) -> tuple[int, int] | None:
        """The boxes at the ends of an operand; None where they are the same or not shown."""
        view = self._view
        target = view.place.get(wire.serial)
        origin = view.place.get(source.serial)
        if target is None and origin is not None:
            target = view.after.get(source.serial)
        elif origin is None and target is not None:
            origin = view.before.get(source.serial)
        if origin is None or target is None or origin == target:
            return None
        return origin, target

    def _branch(self, origin: int, target: int, operands: Sequence[tuple[Wire, int]]) -> Branch:
        """The branch for some operands of gates in a box, whose sources are in another one."""
        first, last = self._view.parts[origin], self._view.parts[target]
        sources = {wire.inputs[k].serial: wire.inputs[k] for wire, k in operands}
        carried = None
        if first.kind in ("card", "inputs") and len(sources) == 1:
            carried = self._source.signal(next(iter(sources.values())))
        if last.kind == "wire" and len(operands) == 1:
            ((wire, position),) = operands
            pulls, symbol = self._source.pulls(wire, position), self._source.symbol(wire, position)
            if first.kind in ("card", "inputs"):
                symbol = ""
            return Branch(origin, target, symbol, pulls, carried=carried)
        if last.kind == "chain":
            return Branch(origin, target, "", self._through(last, operands), carried=carried)
        pulls = self._joined_pulls(operands)
        return Branch(origin, target, "", pulls, wires=len(sources), carried=carried)

    def _through(self, chain: Part, operands: Sequence[tuple[Wire, int]]) -> tuple[Pull, ...]:
        """What the passes send along a wire into a chain: its local gradient is a product."""
        ((first, position),) = operands
        found = {pull.number: pull for pull in self._source.pulls(first, position)}
        local: dict[int, Value] = {number: pull.local for number, pull in found.items()}
        upstream: dict[int, Value] = {number: pull.upstream for number, pull in found.items()}
        for before, wire in itertools.pairwise(chain.copies[0]):
            place = next(k for k, source in enumerate(wire.inputs) if source is before)
            for pull in self._source.pulls(wire, place):
                known = local.get(pull.number)
                product = None if known is None or pull.local is None else known * pull.local
                local[pull.number], upstream[pull.number] = product, pull.upstream
        return tuple(
            Pull(number, pull.downstream, upstream[number], local[number])
            for number, pull in found.items()
        )

    def _joined_pulls(self, operands: Sequence[tuple[Wire, int]]) -> tuple[Pull, ...]:
        """For one wire the sum of what comes back, for several the norm of all sums."""
        sums: dict[int, dict[int, Value]] = {}
        for wire, position in operands:
            serial = wire.inputs[position].serial
            for pull in self._source.pulls(wire, position):
                if pull.downstream is not None:
                    of_pass = sums.setdefault(pull.number, {})
                    known = of_pass.get(serial)
                    of_pass[serial] = pull.downstream if known is None else known + pull.downstream
        several = len({wire.inputs[position].serial for wire, position in operands}) > 1
        return tuple(
            Pull(number, norm(list(of_pass.values())) if several else next(iter(of_pass.values())))
            for number, of_pass in sorted(sums.items())
        )


def norm(values: Sequence[Value]) -> float | None:
    """The Euclidean norm of all numbers together; None where there are none.

    Args:
        values: Numbers and arrays.

    >>> norm([3.0, np.array([4.0])])
    5.0
    """
    found = [np.asarray(value, dtype=float).reshape(-1) for value in values if value is not None]
    if not found:
        return None
    numbers = np.concatenate(found)
    largest = float(np.max(np.abs(numbers), initial=0.0))
    if largest == 0 or not np.isfinite(largest):
        return largest
    return largest * float(np.linalg.norm(numbers / largest))  # no overflow on the way


def _gate_words(part: Part) -> str:
    """How many gates a card stands for."""
    count = len(part.copies[0])
    words = f"{count:,} gate{'s' if count != 1 else ''}"
    return f"{words} each" if len(part.copies) > 1 else words


def _notes(view: View) -> list[str]:
    """What a figure leaves out, and how to see it."""
    cards = [part for part in view.parts if part.kind == "card"]
    notes = []
    if view.shown < view.total:
        dots = "; dots stand for gates outside" if view.after else ""
        notes.append(f"Part of a circuit: {view.shown:,} of its {view.total:,} gates{dots}.")
    if cards:
        gates = sum(len(copy) for part in cards for copy in part.copies)
        gates += sum(len(part.others) for part in cards)
        folded = view.grouping.folded
        blocks = f", {folded} equal blocks folded" if folded else ""
        boxes = f"{len(cards)} card{'s' if len(cards) > 1 else ''}"
        notes.append(f"{gates:,} of {view.shown:,} gates are in {boxes}{blocks}.")
        notes.append("More: draw(expand=…), draw(scope=…), draw(around=…, hops=2)")
    return notes
