"""What the proof of a derivative leaves open: kinks, the formula that people read, the kernel.

A derivative is proved on open cells. Beside it, the value and the derivative chosen at every kink
must be possible there, the formula shown must mean the same as the pieces, and the kernels must
compute what the formulas say; the last is tested at points, not proved.
"""

from __future__ import annotations

import random
from collections.abc import Iterator, Sequence

import numpy as np
import sympy as sp

from circuitgrad.formulas.symbolic import (
    gate_domain,
    parse_formula,
    piecewise_formula,
    real_symbol,
)
from circuitgrad.gates.from_formula import Elementwise
from circuitgrad.proofs.boundaries import has_kinks, kinks, sampled_between, unsolved
from circuitgrad.proofs.equality import decide
from circuitgrad.proofs.verdicts import KinkResult, Status
from circuitgrad.sources import constant
from circuitgrad.wire import Wire, known_value, topological

Claim = tuple[sp.Expr, sp.Expr]
Finding = tuple[Status, str]

_COORDINATES = (
    "-300", "-41", "-31/10", "-17/10", "-3/5", "-1/7", "-1/900",
    "1/900", "3/10", "9/10", "8/5", "5/2", "21/5", "11", "39", "300",
)  # fmt: skip
_POINTS = 24
_TOLERANCE = 1e-6


def kink_checks(
    gate: Elementwise, claims: Sequence[Claim]
) -> tuple[list[KinkResult], list[Finding]]:
    """The kinks of a gate and of its declared derivative, and what is wrong with them."""
    value, domain = piecewise_formula(gate), gate_domain(gate)
    values = {result.where: result for result in kinks(value, value, domain)}
    jumps = {where for where, result in values.items() if result.left != result.right}
    is_step = not any(parse_formula(text).free_symbols for _, text in gate.pieces)
    results: list[KinkResult] = []
    findings: list[Finding] = []
    for where, result in values.items():
        known = "un" not in result.left  # neither "undefined" nor "unknown"
        if known and where not in jumps and result.left != result.correct and not is_step:
            findings.append((Status.REFUTED, f"the value at the kink {where} is {result.correct}"))
    for correct, declared in claims:
        if not (gate.pieces or has_kinks(declared)):
            continue
        for result in kinks(correct, declared, domain):
            results.append(result)
            if result.where not in jumps:
                findings.extend(_chosen(result, correct, declared, domain))
        for switch in [*unsolved(correct), *unsolved(declared)]:
            findings.append((Status.UNDECIDED, f"the kink where {switch} = 0 was not examined"))
    return results, findings


def _chosen(
    result: KinkResult, correct: sp.Expr, declared: sp.Expr, domain: Sequence[sp.Basic]
) -> Iterator[Finding]:
    """Whether the derivative chosen at a kink lies between the one-sided derivatives."""
    inside = result.in_clarke
    if inside is None:
        inside = sampled_between(result.where, correct, declared, domain)
    if inside is False or result.claimed == "undefined":
        told = f"{result.claimed}, one-sided derivatives {result.left} and {result.right}"
        yield Status.REFUTED, f"at {result.where} the derivative chosen is no subgradient: {told}"


def reading_check(gate: Elementwise) -> list[Finding]:
    """Whether the formula that people read means the same as the pieces."""
    if not (gate.formula and gate.pieces):
        return []
    verdict = decide(parse_formula(gate.formula), piecewise_formula(gate), gate_domain(gate))
    if verdict.proved:
        return []
    told = verdict.counterexample or verdict.reason
    return [(verdict.status, f"the formula {gate.formula} is not what the pieces say: {told}")]


def kernel_check(
    gate: Elementwise, claims: Sequence[Claim], parts: Sequence[Wire]
) -> list[Finding]:
    """Whether kernel and derivative compute what the formulas say, at points of the domain."""
    formula = piecewise_formula(gate)
    for point in _points(gate):
        values = [np.float64(value) for value in point.values()]
        with np.errstate(all="ignore"):
            computed = [np.asarray(gate.compute(*values)).reshape(-1)[:1]]
            computed += _scalar_value(gate, values)
            computed += [np.asarray(_wire_at(part, point)).reshape(-1)[:1] for part in parts]
        kernels = [formula] * (len(computed) - len(parts))
        expected = [*kernels, *(correct for correct, _ in claims)]
        for number, expression in zip(computed, expected, strict=True):
            exact = _at(expression, point)
            if exact is not None and not _is_near(float(number[0]), exact):
                what = "kernel" if expression is formula else "derivative"
                where = ", ".join(f"{symbol} = {value}" for symbol, value in point.items())
                told = f"computes {float(number[0]):.9g} at {where}; the formula is {exact:.9g}"
                return [(Status.REFUTED, f"the {what} {told}")]
    return []


def _scalar_value(gate: Elementwise, values: Sequence[np.float64]) -> list[np.ndarray]:
    """What the kernel for plain floats computes, where there is one and it does not raise."""
    if gate.scalar is None:
        return []
    try:
        return [np.asarray(gate.scalar(*map(float, values))).reshape(-1)[:1]]
    except (ArithmeticError, ValueError):
        return []


def _is_near(number: float, exact: float) -> bool:
    return bool(abs(number - exact) <= _TOLERANCE * abs(exact) + 1e-9)


def _points(gate: Elementwise) -> Iterator[dict[sp.Symbol, sp.Rational]]:
    """Points of the domain that lie on no likely kink."""
    generator = random.Random(gate.name)
    symbols = [real_symbol(name) for name in gate.variables]
    domain, found = gate_domain(gate), 0
    for _ in range(20 * _POINTS):
        point = {
            symbol: sp.Rational(generator.choice(_COORDINATES)) + sp.Rational(k, 997)
            for k, symbol in enumerate(symbols, start=1)
        }
        if all(condition.subs(point) == sp.true for condition in domain):
            yield point
            found += 1
        if found == _POINTS:
            return


def _at(expression: sp.Expr, point: dict[sp.Symbol, sp.Rational]) -> float | None:
    """The value of an expression at a point; None where it is no normal double."""
    value = expression.subs(point).evalf(30)
    if not (value.is_Float or value.is_Rational):
        return None
    return float(value) if value == 0 or 1e-300 < abs(value) < 1e300 else None


def _wire_at(part: Wire, point: dict[sp.Symbol, sp.Rational]) -> np.ndarray:
    """The number that a derivative's wire computes at a point."""
    values = {symbol.name: constant(float(value)) for symbol, value in point.items()}
    found: dict[int, np.ndarray] = {}
    for wire in topological([part]):
        if wire.label in values and not wire.inputs:
            found[wire.serial] = np.asarray(known_value(values[wire.label]))
        elif not wire.inputs:
            found[wire.serial] = np.asarray(known_value(wire))
        else:
            kernel = wire.gate.kernel(((),) * len(wire.inputs), (), wire.dtype)
            found[wire.serial] = np.asarray(kernel(*(found[s.serial] for s in wire.inputs)))
    return found[part.serial]
