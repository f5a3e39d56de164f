"""The proof report of a circuit: a record per gate and order, and the checks of the composition."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import Any

from circuitgrad.circuits import Circuit
from circuitgrad.errors import ProofError, SpecError
from circuitgrad.gates import Declared, catalogue
from circuitgrad.gates.from_formula import Elementwise
from circuitgrad.proofs.array_gates import prove_declared, prove_wire
from circuitgrad.proofs.composition import CompositionProof, check_composition
from circuitgrad.proofs.elementwise_gates import prove_elementwise
from circuitgrad.proofs.records import GateProof, combined
from circuitgrad.proofs.verdicts import KinkResult, Status
from circuitgrad.wire import Gate, Wire

_GATE_HEAD = ("gate", "used", "formula", "local gradient", "1st order", "2nd order", "method")


@dataclass(frozen=True)
class Report:
    """What is proved of a circuit's derivatives. Made by `cg.verify(circuit)`.

    Attributes:
        gates: One record per kind of gate and order.
        composition: The checks of every output's backward pass.
        uses: How often each kind of gate occurs.
    """

    gates: tuple[GateProof, ...]
    composition: tuple[CompositionProof, ...]
    uses: tuple[tuple[str, int], ...]

    @property
    def status(self) -> Status:
        """Refuted if anything is; else proved if every gate is and the sums were found right."""
        parts = [record.status for record in self.gates]
        for check in self.composition:
            if check.status is Status.REFUTED:
                return Status.REFUTED
            if check.check == "every reader once":
                parts.append(check.status)
        return combined(parts)

    @property
    def proved(self) -> bool:
        """Whether every gate is proved, and the backward pass is proved to compose them."""
        return self.status is Status.PROVED

    def require(self) -> Report:
        """This report, if everything is proved; else ProofError that says what is not."""
        if not self.proved:
            raise ProofError(f"verify: {self.status.value}, not proved.\n{self}")
        return self

    def to_json(self) -> dict[str, Any]:
        """The report as plain dictionaries, lists, texts and numbers."""
        return {
            "status": self.status.value,
            "gates": [record.to_json() for record in self.gates],
            "composition": [asdict(c) | {"status": c.status.value} for c in self.composition],
            "uses": dict(self.uses),
        }

    def __str__(self) -> str:
        lines = aligned([_GATE_HEAD, *self._rows()])
        lines += ["", f"composition of the backward pass, {len(self.composition)} checks"]
        for check in self.composition:
            why = check.method or check.detail
            lines.append(
                f"  {check.output}: {check.check}: {_word(check.status, check.detail)} ({why})"
            )
        for record in self.gates:
            if not record.proved:
                lines.append(f"  {record.gate}, order {record.order}: {record.detail}")
            lines.extend(f"  {record.gate}: {kink_text(kink)}" for kink in record.kinks)
        return "\n".join([*lines, "", self._summary()])

    def _rows(self) -> list[tuple[str, ...]]:
        uses = dict(self.uses)
        rows: list[tuple[str, ...]] = []
        for record in self.gates:
            if record.order != 1:
                continue
            second = next(
                r
                for r in self.gates
                if r.gate == record.gate and r.order == 2 and r.formula == record.formula
            )
            rows.append(
                (
                    record.gate,
                    str(uses.get(f"{record.gate} {record.formula}", 0)),
                    shortened(record.formula),
                    shortened(", ".join(record.derivative)),
                    record.status.value,
                    second.status.value,
                    record.method,
                )
            )
        return rows

    def _summary(self) -> str:
        good = sum(record.proved for record in self.gates)
        head = f"{self.status.value.upper()}: {good} of {len(self.gates)} gate records proved"
        if not self.proved:
            return head + "."
        return (
            f"{head}; every gradient is the sum of upstream × local over its readers.\n"
            "The proofs are about formulas over the real numbers; kernels are tested at points."
        )


def kink_text(kink: KinkResult) -> str:
    """A kink as the report says it: the one-sided derivatives, and the one that was chosen."""
    inside = {True: "a subgradient", False: "NOT a subgradient", None: "not compared"}[
        kink.in_clarke
    ]
    sides = f"one-sided derivatives {kink.left} and {kink.right}"
    return f"kink at {kink.where}: {sides}, chosen {kink.claimed} ({inside})"


def shortened(text: str, width: int = 44) -> str:
    """A text cut to a width, with an ellipsis."""
    return text if len(text) <= width else text[: width - 1] + "…"


def aligned(rows: Sequence[Sequence[str]]) -> list[str]:
    """Rows of text as lines with aligned columns, a rule under the first."""
    widths = [max(len(row[k]) for row in rows) for k in range(len(rows[0]))]
    lines = [
        "  ".join(cell.ljust(w) for cell, w in zip(row, widths, strict=True)).rstrip()
        for row in rows
    ]
    return [lines[0], "  ".join("─" * w for w in widths), *lines[1:]]


def _word(status: Status, detail: str) -> str:
    return "not compared" if status is Status.UNDECIDED and "at most" in detail else status.value


def verify(circuit: Circuit, budget: float = 10.0) -> Report:
    """The proof report of a circuit.

    Every gate in it, first and second order, and their composition.

    Args:
        circuit: Any circuit.
        budget: Seconds for the comparison of closed forms of each output; gates have budgets of
            their own.

    Returns:
        A report that prints as a table and holds the records.

    >>> from circuitgrad.circuits import circuit
    >>> from circuitgrad.sources import input_wires
    >>> x, y = input_wires("x y")
    >>> verify(circuit(f=x * y + x)).proved
    True
    """
    if not isinstance(circuit, Circuit):
        raise SpecError(
            f"verify: got {type(circuit).__name__}; needed a circuit. Build one with "
            "cg.circuit(f=…)."
        )
    kinds: dict[Any, Wire] = {}
    count: Counter[Any] = Counter()
    for wire in circuit.wires:
        if wire.inputs:
            kind = _kind(wire)
            kinds.setdefault(kind, wire)
            count[kind] += 1
    records, uses = [], Counter[str]()
    for kind, wire in kinds.items():
        pair = [_prove(wire, order) for order in (1, 2)]
        records.extend(pair)
        uses[f"{pair[0].gate} {pair[0].formula}"] += count[kind]
    checks = [
        check for name in circuit.output_names for check in check_composition(circuit, name, budget)
    ]
    return Report(tuple(records), tuple(checks), tuple(uses.items()))


def _kind(wire: Wire) -> tuple[Gate, Any]:
    """Wires of one kind share a proof.

    Elementwise gates by declaration, others by their shapes too.
    """
    shapes = None if isinstance(wire.gate, Elementwise) else tuple(s.shape for s in wire.inputs)
    return wire.gate, shapes


def _prove(wire: Wire, order: int) -> GateProof:
    if isinstance(wire.gate, Elementwise):
        return prove_elementwise(wire.gate, order)
    return prove_wire(wire, order)


def prove_gate(declared: Declared, order: int) -> GateProof:
    """The record of a shipped gate, first or second order."""
    if isinstance(declared, Elementwise):
        return prove_elementwise(declared, order)
    return prove_declared(declared, order)


def prove_catalogue() -> tuple[GateProof, ...]:
    """The records of all shipped gates, first and second order."""
    return tuple(prove_gate(gate, order) for gate in catalogue().values() for order in (1, 2))
