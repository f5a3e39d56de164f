"""What gates do with the arrays that they read: what a plan must know before it moves work."""

from __future__ import annotations

from circuitgrad.gates import arithmetic
from circuitgrad.gates.from_einsum import Einsum
from circuitgrad.wire import Gate, Wire


def is_plain(gate: Einsum) -> bool:
    """Whether a contraction of at most two operands sums, and neither spreads nor places."""
    carried = set("".join(gate.operands))
    return (
        len(gate.operands) <= 2
        and not gate.sizes
        and len(set(gate.output)) == len(gate.output) < len(carried)
    )


def is_sum(gate: Gate) -> bool:
    """Whether a gate sums one array over some of its axes."""
    if type(gate) is not Einsum or len(gate.operands) != 1:
        return False
    return not set(gate.operands[0]) <= set(gate.output)


def takes_number(reader: Gate) -> bool:
    """Whether a gate that reads a number times an array has a better place for the number."""
    if type(reader) is Einsum:
        return not reader.is_structural
    return reader in (arithmetic.neg, arithmetic.add, arithmetic.sub)


def is_mixed(wire: Wire) -> bool:
    """Whether an input has another dtype than the output."""
    return any([source.dtype != wire.dtype for source in wire.inputs])
