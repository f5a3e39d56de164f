"""Remarks on the gates of a run: kinks, numbers that are not finite, and what is proved."""

import math
from collections.abc import Collection, Iterable, Mapping
from typing import Any, Final

from circuitgrad.circuits import Circuit
from circuitgrad.plans.run import Run
from circuitgrad.proofs.records import combined
from circuitgrad.proofs.report import Report
from circuitgrad.proofs.verdicts import Status
from circuitgrad.viz.account import Badge
from circuitgrad.viz.patterns import at_kink, kink_policy, pattern
from circuitgrad.viz.values import is_finite
from circuitgrad.wire import Gate, Wire

_BADGES: Final[Mapping[Status, Badge]] = {
    Status.PROVED: "proved",
    Status.CERTIFIED: "certified",
    Status.UNDECIDED: "undecided",
    Status.REFUTED: "refuted",
}


class Remarks:
    """What is to be said of single gates.

    Args:
        circuit: What is drawn.
        run: Its numbers.
        names: The names of its wires.
        passes: The outputs whose backward pass was run.
        report: What is proved of its gates, as ``verify`` returns it.
    """

    def __init__(
        self,
        circuit: Circuit,
        run: Run | None,
        names: Mapping[Wire, str],
        passes: Collection[str],
        report: Report | None = None,
    ) -> None:
        self._run = run
        self._names = names
        self._proofs = _proofs(report)
        self._patterns: dict[tuple[Gate, tuple[int, ...]], str] = {}
        self._first = None if run is None else run.first_nonfinite()
        self._first_back: list[tuple[Wire, str]] = []
        if run is not None and self._first is None:
            self._first_back = _first_back(circuit, run, passes)

    @property
    def first(self) -> frozenset[int]:
        """Serial numbers of the gates that first made what is not finite, or sent it back."""
        wires = [wire for wire, _ in self._first_back]
        wires += [] if self._first is None else [self._first]
        return frozenset(wire.serial for wire in wires)

    def badges(self, wire: Wire) -> tuple[Badge, ...]:
        """The signs beside a gate.

        Args:
            wire: Its output.
        """
        found: list[Badge] = []
        if wire.serial in self.first:
            found.append("alert")
        elif self._is_at_kink(wire):
            found.append("kink")
        status = self._proofs.get(wire.gate.name) if wire.inputs else None
        if status is not None:
            found.append(_BADGES[status])
        return tuple(found)

    def sentences(self, wire: Wire, moving: tuple[int, ...], readers: int) -> tuple[str, ...]:
        """What is said of a wire beside its numbers.

        Args:
            wire: Of any gate, or an input.
            moving: The positions of the operands that depend on inputs.
            readers: How many operands of gates it is.
        """
        told: list[str] = []
        key = (wire.gate, moving)
        if key not in self._patterns:
            self._patterns[key] = pattern(wire, moving)
        if words := self._patterns[key]:
            told.append(f"This gate {words}.")
        if readers > 1:
            told.append(
                f"Its value is copied to {readers} places; the gradients that come back add up."
            )
        if self._is_at_kink(wire):
            told.append(f"{self._kink(wire)}.")
        told.extend(f"{note}." for note in self._alerts() if note.endswith(self._made(wire)))
        status = self._proofs.get(wire.gate.name) if wire.inputs else None
        if status is not None:
            told.append(f"The derivative of {wire.gate.name}: {status.value}.")
        return tuple(told)

    def notes(self, shown: Iterable[Wire]) -> tuple[str, ...]:
        """What is said below the figure: where numbers stop being finite, and kinks.

        Args:
            shown: The wires with a box of their own.
        """
        kinks = [self._kink(wire) for wire in shown if self._is_at_kink(wire)]
        proofs = ["A check mark: the gate's derivative is proved"] if self._proofs else []
        more = [f"and {len(kinks) - 2} more gates at their kinks"] if len(kinks) > 3 else []
        return (*self._alerts(), *proofs, *(kinks[:2] + more if more else kinks))

    def _alerts(self) -> list[str]:
        """Where the first number that is not finite was made, forward and backward."""
        notes = []
        if self._first is not None:
            notes.append(f"The first value that is not finite is {self._made(self._first)}")
        for wire, output in self._first_back:
            notes.append(
                f"The first gradient of {output} that is not finite is sent back by "
                f"{self._made(wire)}"
            )
        return notes

    def _made(self, wire: Wire) -> str:
        """A wire with its gate."""
        name = self._names.get(wire, wire.label)
        return f"{name}, made by {wire.gate.name}" if wire.inputs else f"{name}, an input"

    def _is_at_kink(self, wire: Wire) -> bool:
        if self._run is None or not kink_policy(wire) or not wire.inputs:
            return False
        run = self._run
        return at_kink(wire, [run[source].value for source in wire.inputs])

    def _kink(self, wire: Wire) -> str:
        name = self._names.get(wire, wire.label)
        return f"{wire.gate.name} ({name}) is at its kink; chosen is: {kink_policy(wire)}"


def _proofs(report: Report | None) -> dict[str, Status]:
    """The weakest status of every gate in a report."""
    found: dict[str, list[Status]] = {}
    for record in report.gates if report is not None else ():
        found.setdefault(record.gate, []).append(record.status)
    return {name: combined(statuses) for name, statuses in found.items()}


def _first_back(circuit: Circuit, run: Run, passes: Collection[str]) -> list[tuple[Wire, str]]:
    """For every pass, the gate that first sends back what is not finite."""
    found: list[tuple[Wire, str]] = []
    for name in circuit.output_names:
        edges = run.edges(name) if name in passes else ()
        bad = [edge for edge in edges if not _is_finite(edge.downstream)]
        first = [edge.gate_wire for edge in bad if _is_finite(edge.upstream)]
        if first:
            found.append((max(first, key=lambda wire: wire.serial), name))
    return found


def _is_finite(value: Any) -> bool:
    """Whether all numbers are finite; quick for one, as there may be a million of them."""
    return math.isfinite(value) if isinstance(value, float) else is_finite(value)
