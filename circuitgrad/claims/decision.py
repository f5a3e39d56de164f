"""The decision of a statement: exact forms first, then a point where it fails, then evidence."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace

import numpy as np
import sympy as sp

from circuitgrad.claims.diagnosis import diagnosed
from circuitgrad.claims.entrywise import decided_entrywise
from circuitgrad.claims.roundings import has_rounded_numbers, is_rounding
from circuitgrad.claims.statements import Statement
from circuitgrad.claims.trials import Trial, middle
from circuitgrad.claims.verdicts import Counterexample, Proved, Refuted, Undecided, Verdict
from circuitgrad.errors import CircuitError, SpecError
from circuitgrad.formulas.exact_numbers import exact
from circuitgrad.formulas.from_symbolic import wire_of
from circuitgrad.formulas.tensor_equality import are_equal
from circuitgrad.formulas.tensor_forms import tensor_form
from circuitgrad.gates.functions import exp
from circuitgrad.proofs import verdicts as records
from circuitgrad.proofs.boundaries import kinks
from circuitgrad.proofs.budgets import Budget, OutOfBudgetError, hard_limit
from circuitgrad.proofs.equality import decide
from circuitgrad.proofs.samples import Point, compared
from circuitgrad.proofs.verdicts import InternalInconsistency, KinkResult, Status
from circuitgrad.sources import Constant, as_wire, input_wire
from circuitgrad.spec import format_shape, resolve_shape
from circuitgrad.wire import Wire, replaced, topological

MAX_ENTRIES = 64
GRACE = 1.5  # how far beyond its budget a step that does not look at the clock may go
_ROUNDED = "the sides differ only as far as numbers of 15 digits or more are rounded"
_KINKED = (sp.Abs, sp.sign, sp.Heaviside, sp.Max, sp.Min, sp.Piecewise)
_MAX_NICE = 12
_STEP = sp.Rational(1, 10**9)  # a difference on a kink alone is none
_NICE = tuple(map(sp.Rational, ("0", "1", "-1", "2", "1/2", "-2", "-1/2", "3")))


def decided(statement: Statement, budget: float, diagnose: bool = True) -> Verdict:
    """What is known of a statement.

    Args:
        statement: The claim.
        budget: Seconds of wall-clock time for the decision; the diagnosis of a wrong claim may
            take as long again.
        diagnose: Whether to look for the slip in a wrong claim.
    """
    clock = Budget(budget)
    try:
        with hard_limit(GRACE * budget):
            verdict = _judged(statement, clock)
    except OutOfBudgetError:
        reason = f"the time budget of {budget:g} s ran out"
        verdict = Undecided(str(statement), reason=reason)
    if isinstance(verdict, Refuted) and diagnose:
        verdict = replace(verdict, diagnosis=_slips(statement, budget))
    return replace(
        verdict,
        correct=verdict.correct or right_formula(statement),
        elapsed_ms=1000 * clock.elapsed,
        notes=(*statement.notes, *verdict.notes),
        statement=None if statement.record is None else dict(statement.record),
        assumptions=tuple(dict.fromkeys((*statement.assumptions.texts, *verdict.assumptions))),
    )


def _judged(statement: Statement, clock: Budget) -> Verdict:
    if statement.is_scalar:
        return _scalar(statement, clock)
    if statement.correct.shape != statement.claimed.shape:
        return _misshapen(statement)
    return _arrays(statement, clock)


def _slips(statement: Statement, budget: float) -> tuple[str, ...]:
    def is_proved(other: Statement) -> bool:
        return _judged(other, Budget(min(1.0, budget))).proved

    try:
        with hard_limit(GRACE * budget):
            return diagnosed(statement, is_proved, Budget(budget))
    except OutOfBudgetError:
        return ()


def right_formula(statement: Statement) -> str:
    """What is right, with the sizes that it holds for; empty where it has no short form."""
    text = statement.right_formula()
    return f"{text}{_scope(statement)}." if text else ""


def _scope(statement: Statement) -> str:
    return f", for every {', '.join(statement.axes)}" if statement.axes else ""


def _misshapen(statement: Statement) -> Verdict:
    got, needed = format_shape(statement.claimed.shape), format_shape(statement.correct.shape)
    reason = f"The claim has the wrong shape: {got}; needed {needed}."
    return Refuted(str(statement), reason=reason)


# --- scalars --------------------------------------------------------------------------------------


def _scalar(statement: Statement, clock: Budget) -> Verdict:
    try:
        right = statement.correct.entries({}, {})[()]
        claimed = statement.claimed.entries({}, {})[()]
    except (SpecError, RecursionError) as error:
        return Undecided(str(statement), reason=str(error).rstrip("."))
    found = decide(right, claimed, statement.domain, clock.left)
    kinked = tuple(_kinks(right, claimed, statement.domain))
    if found.status is Status.PROVED:
        return Proved(
            str(statement), assumptions=found.assumptions, kinks=kinked, method=found.method,
            notes=(found.caveat,) if found.caveat else (),
        )  # fmt: skip
    if found.status is Status.REFUTED:
        nicer = _nice_point(right, claimed, statement.domain, clock)
        witness = nicer or found.counterexample
        assert witness is not None
        example = _scalar_example(witness, right, claimed)
        values = example.correct_value, example.claimed_value
        if has_rounded_numbers(statement) and is_rounding(*values):
            return Undecided(str(statement), digits=12, points=1, reason=_ROUNDED, kinks=kinked)
        return Refuted(
            str(statement), kinks=kinked, counterexample=example, holds_on=found.holds_on
        )
    return Undecided(
        str(statement), digits=found.digits, points=found.tested, reason=found.reason, kinks=kinked
    )


def _kinks(right: sp.Expr, claimed: sp.Expr, domain: Sequence[sp.Basic]) -> list[KinkResult]:
    """Where the sides have kinks, those boundaries on which their values differ."""
    return [kink for kink in kinks(right, claimed, domain) if kink.agree is False]


def _nice_point(
    right: sp.Expr, claimed: sp.Expr, domain: Sequence[sp.Basic], clock: Budget
) -> records.Witness | None:
    """A point of small numbers in the domain where the sides differ, there and beside it."""
    symbols = sorted(right.free_symbols | claimed.free_symbols, key=str)
    if len(symbols) > _MAX_NICE:
        return None
    kinked = right.has(*_KINKED) or claimed.has(*_KINKED)
    for k in range(len(_NICE) * (4 if len(symbols) > 1 else 1)):
        values = {s: _NICE[(k * (1 + 2 * i) + i) % len(_NICE)] for i, s in enumerate(symbols)}
        if not all(part.subs(values) == sp.true for part in domain if isinstance(part, sp.Rel)):
            continue
        beside = [{s: v + step for s, v in values.items()} for step in (-_STEP, _STEP)]
        try:
            found = [
                compared(right, claimed, Point(point), clock, 512)
                for point in (values, *(beside if kinked else ()))
            ]
        except (OutOfBudgetError, ValueError, TypeError):
            return None
        if found[0] is not None and all(c is not None and c.differ for c in found):
            return found[0].witness
    return None


def _scalar_example(witness: records.Witness, right: sp.Expr, claimed: sp.Expr) -> Counterexample:
    return Counterexample(
        {}, dict(witness.point), (), witness.rhs_ball, witness.lhs_ball, witness.bits,
        middle(witness.rhs_ball), middle(witness.lhs_ball),
    )  # fmt: skip


# --- arrays ---------------------------------------------------------------------------------------


def _arrays(statement: Statement, clock: Budget) -> Verdict:
    refusal, is_equal = "", False
    try:
        is_equal = _are_equal(statement)
    except (CircuitError, RecursionError) as error:
        refusal = str(error).rstrip(".") or "the forms are nested too deeply"
    if is_equal:
        _guard(statement, clock)
        scope = _scope(statement).removeprefix(", ") or "at this shape"
        return Proved(str(statement), method="normal form", scope=scope)
    alone = decided_entrywise(statement, clock)
    if alone is not None and alone.proved:
        scope = _scope(statement).removeprefix(", ") or "at this shape"
        method = "normal form of an entry"
        return Proved(str(statement), assumptions=alone.assumptions, method=method, scope=scope)
    example, points, digits = Trial(statement, clock).counterexample()
    if example is not None:
        return Refuted(str(statement), counterexample=example)
    return _by_entries(statement, clock, refusal, points, digits)


def _guard(statement: Statement, clock: Budget) -> None:
    """InternalInconsistency where numbers contradict a proof by forms: a bug, never an answer."""
    point = Trial(statement, clock).contradiction()
    if point is not None:
        values = {name: array.tolist() for name, array in point.floats().items()}
        raise InternalInconsistency(
            f"claim {statement}: proved by its forms, but the numbers differ at {values}. Please "
            "report it."
        )


def _are_equal(statement: Statement) -> bool:
    """Whether the sides have one form, or have one whatever values are selected."""
    try:
        if _equal_forms(statement):
            return True
    except CircuitError:
        if not _equal_whatever_is_selected(statement):
            raise
        return True
    return _equal_whatever_is_selected(statement)


def _equal_forms(statement: Statement) -> bool:
    left, right = statement.correct.wire, statement.claimed.wire
    if left is None or right is None:
        return False
    if left is right:
        return True
    first, second = (_with_symbols(wire, statement.inputs) for wire in (left, right))
    return are_equal(tensor_form(first), tensor_form(second))


def _with_symbols(wire: Wire, inputs: Mapping[str, Wire]) -> Wire:
    """The wire with π and numbers like it as symbols: forms would take their doubles for them."""
    place = {}
    for part in topological([wire]):
        if isinstance(part.gate, Constant) and not part.shape:
            number = exact(float(part.gate.data))
            if number.is_finite and not number.is_Rational:
                name = "pi_" + "_" * max(map(len, inputs), default=0)
                known = {sp.pi: input_wire(name, positive=True), sp.E: exp(as_wire(1.0))}
                place[part] = wire_of(number, known)
    return replaced(wire, place) if place else wire


def _equal_whatever_is_selected(statement: Statement) -> bool:
    """Whether the sides are equal for any values in place of those that selections choose.

    So it is with the largest entry that a softmax subtracts, whose value does not matter.
    """
    sides = (statement.correct.wire, statement.claimed.wire)
    if sides[0] is None or sides[1] is None:
        return False
    wires = [side for side in sides if side is not None]
    taken = set(statement.inputs)
    place = {
        wire: input_wire(_fresh_name(taken, k), wire.shape, wire.dtype)
        for k, wire in enumerate(topological(wires))
        if wire.gate.family == "selection"
    }
    if not place:
        return False
    left, right = (_with_symbols(replaced(side, place), statement.inputs) for side in wires)
    return left is right or are_equal(tensor_form(left), tensor_form(right))


def _fresh_name(taken: set[str], number: int) -> str:
    name = f"selected{number}"
    while name in taken:
        name += "_"
    return name


def _by_entries(
    statement: Statement, clock: Budget, refusal: str, points: int, digits: float
) -> Verdict:
    """Entry by entry at a fixed shape: a proof if every axis has a length, else evidence."""
    sizes = dict.fromkeys(statement.axes, 2)
    reason = refusal or "the normal forms differ"
    shape = resolve_shape(statement.correct.shape, sizes)
    if int(np.prod(shape)) > MAX_ENTRIES:
        return Undecided(str(statement), digits=digits, points=points, reason=reason)
    try:
        right = statement.correct.entries({}, sizes)
        claimed = statement.claimed.entries({}, sizes)
    except (CircuitError, RecursionError) as error:
        reason = refusal or str(error).rstrip(".")
        return Undecided(str(statement), digits=digits, points=points, reason=reason)
    found = [
        decide(a, b, statement.domain, clock.left)
        for a, b in zip(right.reshape(-1), claimed.reshape(-1), strict=True)
    ]
    if all(verdict.proved for verdict in found) and not _has_facts(statement):
        if not statement.axes:
            method = "normal form, entry by entry"
            return Proved(str(statement), method=method, scope="at this shape")
        small = ", ".join(f"{axis} = {size}" for axis, size in sizes.items())
        reason += f"; proved at {small} only"
    return Undecided(str(statement), digits=digits, points=points, reason=reason)


def _has_facts(statement: Statement) -> bool:
    return any(statement.assumptions.facts.get(name) for name in statement.inputs)
