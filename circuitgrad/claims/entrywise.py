"""Claims about arrays whose entries do not meet: one formula of scalars says it for every size."""

from __future__ import annotations

import numpy as np
import sympy as sp

from circuitgrad.claims.statements import Statement
from circuitgrad.errors import CircuitError
from circuitgrad.formulas.symbolic import real_symbol
from circuitgrad.gates.from_einsum import Einsum
from circuitgrad.gates.from_formula import Elementwise
from circuitgrad.proofs.budgets import Budget
from circuitgrad.proofs.equality import decide
from circuitgrad.proofs.verdicts import Verdict
from circuitgrad.sources import Constant, Input
from circuitgrad.spec import resolve_shape
from circuitgrad.wire import Array, Wire, topological


def decided_entrywise(statement: Statement, clock: Budget) -> Verdict | None:
    """The decision for one entry, which is that for all; None where entries meet.

    Args:
        statement: A claim about arrays, its sides of one shape.
        clock: The time that is left.
    """
    wires = (statement.correct.wire, statement.claimed.wire)
    if wires[0] is None or wires[1] is None:
        return None
    if not all(_keeps_entries_apart(wire) for wire in topological([wires[0], wires[1]])):
        return None
    sizes = dict.fromkeys(statement.axes, 1)
    known = {
        wire.serial: _filled(real_symbol(name), resolve_shape(wire.shape, sizes))
        for name, wire in statement.inputs.items()
    }
    try:
        right = statement.correct.entries(known, sizes)
        claimed = statement.claimed.entries(known, sizes)
    except (CircuitError, RecursionError):
        return None
    if not right.size:
        return None
    first = (0,) * right.ndim
    return decide(right[first], claimed[first], _domain(statement), clock.left)


def _keeps_entries_apart(wire: Wire) -> bool:
    """Whether an entry of a wire depends on the entries at the same place alone."""
    gate = wire.gate
    if isinstance(gate, Constant):
        return bool(np.all(gate.data == gate.data.flat[0])) if gate.data.size else False
    if isinstance(gate, Einsum):
        distinct = len(set(gate.output)) == len(gate.output)
        return distinct and all(term in ("", gate.output) for term in gate.operands)
    return isinstance(gate, Elementwise | Input)


def _filled(symbol: sp.Symbol, shape: tuple[int, ...]) -> Array:
    entries = np.empty(shape, dtype=object)
    entries[...] = symbol
    return entries


def _domain(statement: Statement) -> tuple[sp.Basic, ...]:
    facts = statement.assumptions.facts
    positive = [
        real_symbol(name) > 0 for name in statement.inputs if "positive" in facts.get(name, ())
    ]
    return (*statement.assumptions.conditions, *positive)
