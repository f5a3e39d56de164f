"""What an evaluation costs: operations, memory traffic and memory, counted without running it."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from circuitgrad.circuits import Circuit
from circuitgrad.errors import SpecError
from circuitgrad.gates.from_einsum import is_view
from circuitgrad.grammar import nearest
from circuitgrad.plans.evaluation import plan_of
from circuitgrad.plans.schedule import Plan
from circuitgrad.spec import format_shape
from circuitgrad.wire import Wire, axis_sizes

LISTED = 8  # gates in the printed table


@dataclass(frozen=True)
class GateCost:
    """What one gate costs.

    Attributes:
        name: The name of the gate, or of its wire if that has one.
        pattern: The subscripts of a contraction, "" for other gates.
        shape: The shape of its output.
        flops: Its operations.
        bytes_read: The bytes of its inputs.
        bytes_written: The bytes of its output; 0 for a view.
    """

    name: str
    pattern: str
    shape: tuple[int, ...]
    flops: int
    bytes_read: int
    bytes_written: int


@dataclass(frozen=True)
class Cost:
    """What one evaluation of a circuit costs; printed, the sum and the most expensive gates.

    Attributes:
        gates: The gates in the order in which the plan runs them.
        peak_bytes: The most bytes that computed arrays take at one time, the outputs included and
            the inputs not.
        sizes: The size of every named axis.
    """

    gates: tuple[GateCost, ...]
    peak_bytes: int
    sizes: tuple[tuple[str, int], ...] = ()

    @property
    def flops(self) -> int:
        """The operations of all gates together."""
        return sum(gate.flops for gate in self.gates)

    @property
    def bytes_read(self) -> int:
        """The bytes that the gates read, each gate its inputs."""
        return sum(gate.bytes_read for gate in self.gates)

    @property
    def bytes_written(self) -> int:
        """The bytes that the gates write."""
        return sum(gate.bytes_written for gate in self.gates)

    @property
    def bytes(self) -> int:
        """The bytes read and written."""
        return self.bytes_read + self.bytes_written

    def __str__(self) -> str:
        told = ", ".join(f"{name} = {size:,}" for name, size in self.sizes)
        total = (
            f"{self.flops:,} flops, {self.bytes_read:,} bytes read, "
            f"{self.bytes_written:,} bytes written, at most {self.peak_bytes:,} bytes at a time"
        )
        ordered = sorted(self.gates, key=lambda gate: (-gate.flops, -gate.bytes_written))
        rows = [("gate", "shape", "flops", "bytes read", "bytes written")]
        rows += [
            (f"{g.name} {g.pattern}".strip(), format_shape(g.shape), f"{g.flops:,}",
             f"{g.bytes_read:,}", f"{g.bytes_written:,}")
            for g in ordered[:LISTED]
        ]  # fmt: skip
        lines = [f"{told}: {total}" if told else total, *aligned(rows)]
        left = len(ordered) - LISTED
        return "\n".join([*lines, f"and {left} more"] if left > 0 else lines)


def aligned(rows: Sequence[tuple[str, ...]]) -> list[str]:
    """Rows of a table with columns of one width, numbers to the right."""
    widths = [max(len(row[k]) for row in rows) for k in range(len(rows[0]))]
    return [
        "  ".join(
            text.ljust(width) if k < 2 else text.rjust(width)
            for k, (text, width) in enumerate(zip(row, widths, strict=True))
        ).rstrip()
        for row in rows
    ]


def circuit_cost(circuit: Circuit, sizes: Mapping[str, Any]) -> Cost:
    """The cost of one evaluation, as its plan for these sizes runs it.

    Contractions count 2mnk operations for a product of matrices (m, k) and (k, n), pair after pair
    in the cheapest order; elementwise gates one per entry and operation of their formula, functions
    included; gates of linear algebra the leading term of their declaration (Golub & Van Loan,
    Matrix Computations, 4th edition; Higham, Functions of Matrices, 2008); rearrangements none.
    A view costs nothing.

    Raises:
        SpecError: A named axis without a size, or a size for no axis.
    """
    return plan_cost(circuit, checked_sizes(circuit, sizes, "cost"))


def plan_cost(circuit: Circuit, sizes: Mapping[str, int]) -> Cost:
    """The cost of a circuit at known sizes."""
    plan = plan_of(circuit, sizes)
    gates = [_gate_cost(plan, wire, sources) for wire, sources in plan.gates]
    last = {source.serial: k for k, (_, sources) in enumerate(plan.gates) for source in sources}
    held: dict[int, int] = {}
    live = peak = 0
    for k, (cost, (wire, sources)) in enumerate(zip(gates, plan.gates, strict=True)):
        own = 0 if is_view(wire) else _bytes(plan.shape(wire), wire.dtype)
        held[wire.serial] = own
        live += own
        peak = max(peak, live + cost.bytes_written - own)
        for serial in {source.serial for source in sources} - set(plan.wanted):
            if last[serial] == k:
                live -= held.pop(serial, 0)
    return Cost(tuple(gates), peak, tuple(sizes.items()))


def _gate_cost(plan: Plan, wire: Wire, sources: Sequence[Wire]) -> GateCost:
    """What one gate of a plan costs; the products inside a contraction are written and read."""
    gate, out = wire.gate, plan.shape(wire)
    shapes = tuple(plan.shape(source) for source in wire.inputs)
    read = written = 0
    if not is_view(wire):
        inner = sum(math.prod(shape) for shape in gate.inner_shapes(shapes, out))
        inner *= int(wire.dtype.itemsize)
        read = inner + sum(_bytes(plan.shape(source), source.dtype) for source in sources)
        written = inner + _bytes(out, wire.dtype)
    pattern = getattr(gate, "subscripts", "")
    name = wire.label or gate.name
    return GateCost(name, pattern, out, gate.flops(shapes, out), read, written)


def _bytes(shape: tuple[int, ...], dtype: Any) -> int:
    return math.prod(shape) * int(dtype.itemsize)


def checked_sizes(circuit: Circuit, sizes: Mapping[str, Any], where: str) -> dict[str, int]:
    """The size of every named axis of a circuit, as integers.

    Raises:
        SpecError: One missing, one unknown, or not a whole number ≥ 0.
    """
    needed = [str(axis) for axis in axis_sizes([*circuit.inputs, *circuit.wires])]
    for name, size in sizes.items():
        if name not in needed:
            known = f" It has {', '.join(needed)}." if needed else " All its sizes are numbers."
            raise SpecError(f"{where}: no axis is named '{name}'.{nearest(name, needed) or known}")
        if isinstance(size, bool) or not isinstance(size, int | np.integer) or size < 0:
            raise SpecError(f"{where}: axis {name} = {size!r}; needed a whole number, 0 or more.")
    missing = [name for name in needed if name not in sizes]
    if missing:
        example = ", ".join(f"{name}=100" for name in missing)
        call = f"sizes=dict({example})" if where == "jacobian" else f"{where}({example})"
        raise SpecError(
            f"{where}: no size for the axes {', '.join(missing)}. Give them, as {call}."
        )
    return {name: int(sizes[name]) for name in needed}
