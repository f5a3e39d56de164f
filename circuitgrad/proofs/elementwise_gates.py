"""The obligation of elementwise gates.

The declared derivative is SymPy's derivative of the formula.
"""

from __future__ import annotations

import time
from collections.abc import Sequence
from functools import lru_cache

import sympy as sp

from circuitgrad.derivatives import reverse
from circuitgrad.formulas.symbolic import (
    expressions,
    gate_domain,
    gate_formula,
    parse_formula,
    real_symbol,
)
from circuitgrad.formulas.text import expression_text
from circuitgrad.gates.from_formula import Elementwise
from circuitgrad.proofs.equality import decide
from circuitgrad.proofs.gate_checks import kernel_check, kink_checks, reading_check
from circuitgrad.proofs.records import GateProof, combined
from circuitgrad.proofs.verdicts import KinkResult, Status, Verdict
from circuitgrad.sources import constant
from circuitgrad.wire import Wire

BUDGET = 10.0


def smooth_derivative(gate: Elementwise, variables: Sequence[str]) -> sp.Expr:
    """SymPy's derivative of the formula.

    Of a gate with kinks, that of every piece on its open cell.

    SymPy never differentiates Abs, Max or Piecewise here: its rules for them are not those of
    gates.
    """
    symbols = [real_symbol(name) for name in variables]
    if not gate.pieces:
        return sp.diff(parse_formula(gate.formula), *symbols)
    cases = [
        (sp.diff(parse_formula(value), *symbols), parse_formula(condition))
        for condition, value in gate.pieces
    ]
    return sp.Piecewise(*cases, (sp.diff(parse_formula(gate.at_kink), *symbols), True))


def declared_partials(gate: Elementwise) -> list[Wire]:
    """The declared derivative of the gate on inputs named by its variables, as wires."""
    out = gate.sample()
    return [p if isinstance(p, Wire) else constant(p) for p in gate.partials(out)]


def wire_expression(wire: Wire) -> sp.Expr:
    """The meaning of a scalar wire in SymPy."""
    return expressions([wire], meaning=True)[0][()]


@lru_cache(maxsize=4096)
def prove_elementwise(gate: Elementwise, order: int) -> GateProof:
    """The record of one elementwise gate, first or second order."""
    start = time.perf_counter()
    domain, parts = gate_domain(gate), declared_partials(gate)
    claims = _claims(gate, order, parts)
    verdicts = [decide(correct, declared, domain, BUDGET) for correct, declared in claims]
    found: list[KinkResult] = []
    findings = [_finding(verdict) for verdict in verdicts]
    if order == 1:
        found, more = kink_checks(gate, claims)
        findings += [*more, *reading_check(gate), *kernel_check(gate, claims, parts)]
    status = combined([finding[0] for finding in findings])
    detail = next((told for worst, told in findings if worst is status and told), "")
    return GateProof(
        gate.name,
        gate.family,
        order,
        expression_text(gate_formula(gate)[1]),
        tuple(expression_text(declared) for _, declared in claims),
        status,
        _method(verdicts),
        detail,
        tuple(found),
        1000 * (time.perf_counter() - start),
    )


def _claims(gate: Elementwise, order: int, parts: Sequence[Wire]) -> list[tuple[sp.Expr, sp.Expr]]:
    """Pairs (SymPy's derivative, the declared one): a vector for order 1, a matrix for order 2."""
    if order == 1:
        return [
            (smooth_derivative(gate, [name]), wire_expression(part))
            for name, part in zip(gate.variables, parts, strict=True)
        ]
    inputs = gate.sample().inputs
    claims = []
    for name, part in zip(gate.variables, parts, strict=True):
        seconds = reverse({part: constant(1.0)}, inputs)
        for other, second in zip(gate.variables, seconds, strict=True):
            declared = sp.Integer(0) if second is None else wire_expression(second)
            claims.append((smooth_derivative(gate, [name, other]), declared))
    return claims


def _finding(verdict: Verdict) -> tuple[Status, str]:
    """A verdict on one part; equal only where both sides are real is not enough for a gate."""
    if verdict.proved and verdict.caveat:
        return Status.UNDECIDED, f"equal where both sides are real, but {verdict.caveat}"
    return verdict.status, "" if verdict.proved else str(verdict.counterexample or verdict.reason)


def _method(verdicts: Sequence[Verdict]) -> str:
    methods = list(dict.fromkeys(v.method for v in verdicts if v.method))
    cells = max((len(v.cells) for v in verdicts), default=0)
    return ", ".join(methods) + (f" on {cells} cells" if cells > 1 else "")
