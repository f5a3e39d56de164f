"""The obligation of implicit gates at a generic point of their equation.

A Cholesky factor or an eigenvalue has roots in its closed form. Where the gate gives its inputs
and output as functions of free parameters that make the equation hold (A = L Lᵀ by the entries of
L), the same obligations are identities between quotients of polynomials.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
import sympy as sp

from circuitgrad.formulas.symbolic import entry_symbols, expressions, parse_formula
from circuitgrad.gates.from_rule import Implicit
from circuitgrad.proofs.equality import decide
from circuitgrad.proofs.records import GateProof
from circuitgrad.proofs.verdicts import Status
from circuitgrad.sources import input_wire
from circuitgrad.wire import Array, Wire, topological

BUDGET = 5.0
Finding = tuple[Status, str, str]


def prove_generic(wire: Wire, order: int, prove: Callable[[Wire, int], GateProof]) -> Finding:
    """The finding for an implicit gate that gives a generic point.

    Order 1: the equation holds at the point, dF = 0 along the pushforward, and the pullback is
    its adjoint. Order 2: every gate that the pullback is built of is proved at order 1.
    """
    gate = wire.gate
    assert isinstance(gate, Implicit)
    if order == 2:
        return _composed(wire, prove)
    point = _point(wire)
    tangents = [input_wire(f"t{k}", source.shape) for k, source in enumerate(wire.inputs)]
    grad = input_wire("g", wire.shape)
    pushed = gate.pushforward(wire, tuple(tangents))
    parts = gate.pullback(wire, grad)
    assert pushed is not None
    assert gate.declaration.meaning is not None
    known = point | {w.serial: entry_symbols(w, {}) for w in (*tangents, grad)}
    known |= _siblings(wire, [pushed, *(p for p in parts if p is not None)], point)
    forward = _values(pushed, known)
    claims = [
        (sp.Integer(0), e) for e in _values(gate.declaration.meaning(*wire.inputs, wire), known)
    ]
    claims += [(sp.Integer(0), e) for e in _residual_change(wire, tangents, forward, known)]
    backward: Any = sp.Integer(0)
    for tangent, part in zip(tangents, parts, strict=True):
        if part is not None:
            steps = known[tangent.serial].reshape(-1)
            backward += sp.Add(*(t * p for t, p in zip(steps, _values(part, known), strict=True)))
    weights = known[grad.serial].reshape(-1)
    claims.append((sp.Add(*(g * f for g, f in zip(weights, forward, strict=True))), backward))
    for correct, declared in claims:
        verdict = decide(correct, sp.together(declared), (), BUDGET)
        if verdict.status is not Status.PROVED:
            return verdict.status, verdict.method, str(verdict.counterexample or verdict.reason)
    shapes = " ".join(str(source.shape) for source in wire.inputs)
    return Status.PROVED, f"substitution into dF = 0 at a generic point, shape {shapes}", ""


def _composed(wire: Wire, prove: Callable[[Wire, int], GateProof]) -> Finding:
    grad = input_wire("g", wire.shape)
    parts = [part for part in wire.gate.pullback(wire, grad) if part is not None]
    for step in topological(parts):
        if step.gate.family == "source" or step.gate.family == "elementwise":
            continue
        record = prove(step, 1)
        if not record.proved:
            return record.status, record.method, f"{record.gate}: {record.detail}"
    return Status.PROVED, "the pullback is built of proved gates", ""


def _values(wire: Wire, known: dict[int, Array]) -> list[Any]:
    return list(expressions([wire], known, meaning=True)[0].reshape(-1))


def _texts(entries: Any) -> Array:
    texts = np.array(entries, dtype=object)
    result = np.empty(texts.shape, dtype=object)
    for index in np.ndindex(*texts.shape):
        result[index] = parse_formula(str(texts[index]))
    return result


def _point(wire: Wire) -> dict[int, Array]:
    gate = wire.gate
    assert isinstance(gate, Implicit)
    *inputs, out = gate.declaration.generic
    pairs = zip((*wire.inputs, wire), (*inputs, out), strict=True)
    return {source.serial: _texts(entries) for source, entries in pairs}


def _siblings(wire: Wire, results: Sequence[Wire], point: dict[int, Array]) -> dict[int, Array]:
    """The values of other gates on the same inputs that share the generic point."""
    gate = wire.gate
    assert isinstance(gate, Implicit)
    found = {}
    for other in topological(results):
        same = len(other.inputs) == len(wire.inputs)
        same = same and all(a is b for a, b in zip(other.inputs, wire.inputs, strict=True))
        if isinstance(other.gate, Implicit) and same:
            generic = other.gate.declaration.generic
            if generic and generic[:-1] == gate.declaration.generic[:-1]:
                found[other.serial] = _texts(generic[-1])
    return found


def _residual_change(
    wire: Wire, tangents: Sequence[Wire], steps: Sequence[Any], known: dict[int, Array]
) -> list[Any]:
    """The change of F(x, y) along (dx, dy): it must vanish."""
    gate = wire.gate
    assert isinstance(gate, Implicit)
    assert gate.declaration.meaning is not None
    moving = [input_wire(f"X{k}", source.shape) for k, source in enumerate(wire.inputs)]
    out = input_wire("Y", wire.shape)
    symbols = {w.serial: entry_symbols(w, {}) for w in (*moving, out)}
    before = _values(gate.declaration.meaning(*moving, out), symbols)
    pairs = list(zip(symbols[out.serial].reshape(-1), steps, strict=True))
    place = list(zip(symbols[out.serial].reshape(-1), known[wire.serial].reshape(-1), strict=True))
    for source, moved, tangent in zip(wire.inputs, moving, tangents, strict=True):
        variables = symbols[moved.serial].reshape(-1)
        pairs += list(zip(variables, known[tangent.serial].reshape(-1), strict=True))
        place += list(zip(variables, known[source.serial].reshape(-1), strict=True))
    changes = [sp.Add(*(sp.diff(entry, x) * step for x, step in pairs)) for entry in before]
    return [change.subs(dict(place), simultaneous=True) for change in changes]
