"""Proof records of gates: what was claimed of a gate's derivative, and what is known."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import Any

from circuitgrad.proofs.verdicts import KinkResult, Status


@dataclass(frozen=True)
class GateProof:
    """What is known of the declared derivative of one gate, at one order.

    Attributes:
        gate: The gate's name.
        family: Its family.
        order: 1 for the derivative, 2 for the derivative of the derivative.
        formula: The meaning of the gate.
        derivative: The derivative that was checked, as text, one part per operand.
        status: Proved, certified (with an error probability), refuted or undecided.
        method: How it was decided, and for which shapes.
        detail: The counterexample, or the reason why it is undecided.
        kinks: What holds on the boundaries between smooth pieces.
        elapsed_ms: The time that it took.
    """

    gate: str
    family: str
    order: int
    formula: str
    derivative: tuple[str, ...]
    status: Status
    method: str
    detail: str = ""
    kinks: tuple[KinkResult, ...] = ()
    elapsed_ms: float = 0.0

    @property
    def proved(self) -> bool:
        """Whether the derivative is proved."""
        return self.status is Status.PROVED

    def to_json(self) -> dict[str, Any]:
        """The record as plain dictionaries, lists, texts and numbers."""
        return asdict(self) | {"status": self.status.value, "derivative": list(self.derivative)}


def combined(statuses: list[Status]) -> Status:
    """The status of a conjunction: the weakest of its parts."""
    for status in (Status.REFUTED, Status.UNDECIDED, Status.CERTIFIED):
        if status in statuses:
            return status
    return Status.PROVED
