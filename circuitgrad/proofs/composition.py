"""Is a backward pass put together rightly? The chain rule over a whole circuit, checked on its own.

Three checks: that every gradient is the sum over all its readers of upstream × local, each reader
once (on the very wires that were built); that reverse accumulation equals the sum over forward
paths, local gradients being independent random elements of a prime field; and, for small circuits,
that the closed form of the gradient equals SymPy's derivative of the circuit's own closed form.
"""

from __future__ import annotations

import random
import time
from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass

import sympy as sp

from circuitgrad.circuits import Circuit
from circuitgrad.derivatives import BackwardPass, accumulate, backward_pass
from circuitgrad.errors import SpecError
from circuitgrad.formulas.symbolic import entry_symbols, expressions
from circuitgrad.gates.from_formula import Elementwise, scaled
from circuitgrad.paths import dependents
from circuitgrad.proofs.equality import decide
from circuitgrad.proofs.verdicts import Status
from circuitgrad.sources import input_wire
from circuitgrad.wire import Array, Wire, describe, topological

PRIME = 2**61 - 1
TRIALS = 2
SMALL_GATES = 40
SMALL_ENTRIES = 12

Finding = tuple[Status, str, str]


@dataclass(frozen=True)
class CompositionProof:
    """What is known of the backward pass of one output.

    Attributes:
        output: The output's name.
        check: Which check this is.
        status: Proved, certified, refuted or undecided.
        method: How, with the error probability of what rests on chance.
        detail: What is wrong, or why it is undecided.
        elapsed_ms: The time that it took.
    """

    output: str
    check: str
    status: Status
    method: str
    detail: str = ""
    elapsed_ms: float = 0.0


def check_composition(circuit: Circuit, name: str, budget: float) -> list[CompositionProof]:
    """The checks of one output's backward pass, within a budget of seconds for the closed form."""
    output = circuit.output(name)
    seed = None if not output.shape else input_wire("upstream", output.shape, output.dtype)
    passed = backward_pass(circuit, output, seed)
    checks = []
    parts: tuple[tuple[str, Callable[[], Finding]], ...] = (
        ("every reader once", lambda: _summed_once(circuit, output, passed)),
        ("paths = backward", lambda: _field_check(circuit, output)),
        ("closed form", lambda: _closed_form(circuit, output, seed, passed, budget)),
    )
    for check, function in parts:
        start = time.perf_counter()
        status, method, detail = function()
        elapsed = 1000 * (time.perf_counter() - start)
        checks.append(CompositionProof(name, check, status, method, detail, elapsed))
    return checks


def _summed_once(circuit: Circuit, output: Wire, passed: BackwardPass) -> Finding:
    """Each gradient is the sum of the downstream gradients of its readers.

    Each operand place once.
    """
    order = topological([output])
    live = dependents(order, circuit.inputs)
    gradients = passed.gradients
    expected = Counter(
        (wire.serial, k)
        for wire in order
        if wire in gradients and wire.serial in live
        for k, source in enumerate(wire.inputs)
        if source.serial in live
    )
    found = Counter((edge.gate_wire.serial, edge.position) for edge in passed.edges)
    if expected != found:
        return Status.REFUTED, "structural", "a reader is missing or counted twice"
    sums: dict[int, Wire] = {}
    for edge in passed.edges[::-1]:
        if edge.upstream is not gradients.get(edge.gate_wire):
            return Status.REFUTED, "structural", f"wrong upstream at {describe(edge.gate_wire)}"
        if edge.local is not None and scaled(edge.upstream, edge.local) is not edge.downstream:
            return (
                Status.REFUTED,
                "structural",
                f"downstream is not upstream × local at {describe(edge.source)}",
            )
        if edge.downstream is not None:
            known = sums.get(edge.source.serial)
            total = edge.downstream if known is None else known + edge.downstream
            sums[edge.source.serial] = total
    for wire, gradient in gradients.items():
        if wire is not output and sums.get(wire.serial) is not gradient:
            return (
                Status.REFUTED,
                "structural",
                f"the sum at {describe(wire)} is not that of its readers",
            )
    return Status.PROVED, "structural", ""


def _field_check(circuit: Circuit, output: Wire) -> Finding:
    """Reverse accumulation against forward path sums, at random elements of a prime field.

    The difference is a polynomial in the local gradients of degree at most the depth of the
    circuit, so by the lemma of Schwartz and Zippel a wrong sum survives one trial with
    probability at most depth / prime.
    """
    order = topological([output])
    live = dependents(order, circuit.inputs)
    generator = random.Random(0)
    for _ in range(TRIALS):
        partial = {
            (wire.serial, k): generator.randrange(1, PRIME)
            for wire in order
            for k, source in enumerate(wire.inputs)
            if source.serial in live
        }
        weights = {wire.serial: generator.randrange(1, PRIME) for wire in circuit.inputs}
        if _backward_sum(circuit, output, order, partial, weights) != _path_sum(
            order, partial, weights
        ):
            return Status.REFUTED, "prime field", "reverse accumulation differs from the path sums"
    depth = _depth(order)
    bits = int(TRIALS * (61 - max(depth, 1).bit_length()))
    return Status.CERTIFIED, f"error below 2^-{bits}", ""


def _backward_sum(
    circuit: Circuit,
    output: Wire,
    order: Sequence[Wire],
    partial: dict[tuple[int, int], int],
    weights: dict[int, int],
) -> int:
    def pull(wire: Wire, gradient: int) -> Iterable[int | None]:
        return [
            gradient * partial[wire.serial, k] % PRIME if (wire.serial, k) in partial else None
            for k in range(len(wire.inputs))
        ]

    found = accumulate(order, {output.serial: 1}, pull, lambda a, b: (a + b) % PRIME)
    return sum(found.get(w.serial, 0) * weights[w.serial] for w in circuit.inputs) % PRIME


def _path_sum(
    order: Sequence[Wire], partial: dict[tuple[int, int], int], weights: dict[int, int]
) -> int:
    tangent: dict[int, int] = {}
    for wire in order:
        total = weights.get(wire.serial, 0)
        for k, source in enumerate(wire.inputs):
            if (wire.serial, k) in partial:
                total += partial[wire.serial, k] * tangent.get(source.serial, 0)
        tangent[wire.serial] = total % PRIME
    return tangent[order[-1].serial]


def _depth(order: Sequence[Wire]) -> int:
    depth: dict[int, int] = {}
    for wire in order:
        depth[wire.serial] = 1 + max((depth[s.serial] for s in wire.inputs), default=-1)
    return max(depth.values(), default=0)


def _closed_form(
    circuit: Circuit, output: Wire, seed: Wire | None, passed: BackwardPass, budget: float
) -> Finding:
    """The gradient's closed form against SymPy's derivative of the circuit's.

    For small circuits.
    """
    reason = _too_large(circuit)
    if reason:
        return Status.UNDECIDED, "", reason
    start = time.perf_counter()
    sizes: dict[str, int] = {}
    for wire in circuit.wires:
        sizes |= dict.fromkeys((axis for axis in wire.shape if isinstance(axis, str)), 2)
    known = {wire.serial: entry_symbols(wire, sizes) for wire in circuit.inputs}
    if seed is not None:
        known[seed.serial] = entry_symbols(input_wire("upstream_", seed.shape), sizes)
    try:
        claims = list(_gradient_claims(circuit, output, seed, passed, known, sizes))
    except SpecError as error:
        return Status.UNDECIDED, "", str(error)
    for correct, declared in claims:
        left = budget - (time.perf_counter() - start)
        if left <= 0:
            return Status.UNDECIDED, "", f"the time budget of {budget:g} s ran out"
        verdict = decide(correct, declared, (), left)
        if verdict.status is not Status.PROVED:
            return verdict.status, verdict.method, str(verdict.counterexample or verdict.reason)
    shape = ", ".join(f"{axis} = {size}" for axis, size in sizes.items())
    return Status.PROVED, "SymPy's derivative, normal form" + (f", {shape}" if shape else ""), ""


def _too_large(circuit: Circuit) -> str:
    gates = sum(1 for wire in circuit.wires if wire.inputs)
    if gates > SMALL_GATES:
        return f"{gates} gates; at most {SMALL_GATES} are compared in closed form"
    entries = 0
    for wire in circuit.inputs:
        shape = [2 if isinstance(axis, str) else axis for axis in wire.shape]
        entries += sp.prod(shape)
    if entries > SMALL_ENTRIES:
        return f"{entries} scalar inputs; at most {SMALL_ENTRIES} are compared in closed form"
    kinked = [w for w in circuit.wires if w.gate.family == "selection" or _has_kink(w)]
    return f"the kink of {kinked[0].gate.name} has no derivative in SymPy" if kinked else ""


def _has_kink(wire: Wire) -> bool:
    return isinstance(wire.gate, Elementwise) and bool(wire.gate.pieces)


def _gradient_claims(
    circuit: Circuit,
    output: Wire,
    seed: Wire | None,
    passed: BackwardPass,
    known: dict[int, Array],
    sizes: dict[str, int],
) -> Iterable[tuple[sp.Expr, sp.Expr]]:
    values = expressions([output], known, sizes, meaning=True)[0].reshape(-1)
    weights = [sp.Integer(1)] if seed is None else list(known[seed.serial].reshape(-1))
    target = sp.Add(*(w * v for w, v in zip(weights, values, strict=True)))
    for wire in circuit.inputs:
        gradient = passed.gradients.get(wire)
        symbols = known[wire.serial].reshape(-1)
        declared = [sp.Integer(0)] * len(symbols)
        if gradient is not None:
            declared = list(expressions([gradient], known, sizes, meaning=True)[0].reshape(-1))
        yield from zip((_slope(target, x) for x in symbols), declared, strict=True)


def _slope(expression: sp.Expr, symbol: sp.Symbol) -> sp.Expr:
    """SymPy's derivative beside the jumps of signs, where that of a sign is zero."""
    return sp.diff(expression, symbol).replace(sp.DiracDelta, lambda *_: sp.Integer(0))
