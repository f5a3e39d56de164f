"""What went wrong in a wrong claim: the usual slips, each proved before it is named."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from fractions import Fraction
from itertools import islice
from typing import Final, TypeAlias

import numpy as np
import sympy as sp

from circuitgrad.circuits import Circuit
from circuitgrad.claims.points import array_points
from circuitgrad.claims.sides import Side
from circuitgrad.claims.statements import Statement, formula_body
from circuitgrad.derivatives import derivative_block, reverse
from circuitgrad.errors import CircuitError
from circuitgrad.formulas.text import expression_text
from circuitgrad.gates.contractions import diag, diagonal
from circuitgrad.gates.from_einsum import Einsum, einsum
from circuitgrad.proofs.budgets import Budget, OutOfBudgetError
from circuitgrad.sources import as_wire, input_wire
from circuitgrad.wire import Array, Wire, replaced, topological

Decide: TypeAlias = Callable[[Statement], bool]
Candidates: TypeAlias = Iterator[tuple[str, Statement]]
POINTS = 4
MAX_FACTORS = 60
MAX_SHOWN = 120
_NEAR = 1e-7
_SQUARE_FACTS: Final = {"symmetric": "is symmetric", "orthogonal": "is orthogonal"}


@dataclass(frozen=True)
class Case:
    """A wrong claim, with the numbers of both sides at a few points.

    Attributes:
        statement: The claim.
        points: Values of the inputs by name; floats.
        correct: The right values at the points.
        claimed: The claimed values at the points.
    """

    statement: Statement
    points: tuple[dict[str, Array], ...]
    correct: tuple[Array, ...]
    claimed: tuple[Array, ...]

    @staticmethod
    def of(statement: Statement, clock: Budget) -> Case | None:
        """The case of a statement; None where it has no circuits or no values."""
        right, claimed = statement.correct.wire, statement.claimed.wire
        if right is None or claimed is None:
            return None
        points: list[dict[str, Array]] = []
        first: list[Array] = []
        second: list[Array] = []
        for point in islice(array_points(statement, clock, 60, generic=True), 4 * POINTS):
            found = _values(statement, [right, claimed], point.floats())
            if found is not None and len(points) < POINTS:
                points.append(point.floats())
                first.append(found[0])
                second.append(found[1])
        return Case(statement, tuple(points), tuple(first), tuple(second)) if points else None

    def values(self, wire: Wire) -> list[Array] | None:
        """The values of another wire at the points."""
        found = [_values(self.statement, [wire], point) for point in self.points]
        known = [values[0] for values in found if values is not None]
        return known if len(known) == len(self.points) else None

    def with_claim(self, wire: Wire) -> Statement:
        """The statement that another wire is right."""
        side = Side(self.statement.claimed.text, wire)
        return replace(self.statement, claimed=side)


def _values(
    statement: Statement, wires: list[Wire], values: dict[str, Array]
) -> list[Array] | None:
    names = [f"output{k}" for k in range(len(wires))]
    circuit = Circuit(tuple(statement.inputs.values()), wires, names)
    try:
        with np.errstate(all="ignore"):
            found = circuit(**values)
    except (CircuitError, ArithmeticError, ValueError, np.linalg.LinAlgError):
        return None
    arrays = [np.asarray(found[name] if len(wires) > 1 else found) for name in names]
    return arrays if all(np.all(np.isfinite(array)) for array in arrays) else None


def diagnosed(statement: Statement, decide: Decide, budget: Budget) -> tuple[str, ...]:
    """The slips that explain a wrong claim, the likeliest first; empty if none is found.

    Args:
        statement: A claim that is wrong.
        decide: Whether another statement is proved.
        budget: Seconds for all of it.
    """
    found: list[str] = []
    try:
        case = Case.of(statement, budget)
        if case is not None:
            for look in SLIPS:
                if found and look is not _fact:
                    continue  # one explanation is enough; a condition may stand beside it
                for words, other in look(case):
                    budget.check()
                    if decide(other):
                        found.append(words)
                        break
    except (OutOfBudgetError, CircuitError, RecursionError):
        pass  # a slip that cannot be found is no reason to lose the verdict
    return tuple(found)


def _is_close(first: Array, second: Array) -> bool:
    if first.shape != second.shape:
        return False
    scale = 1 + (np.max(np.abs(second)) if second.size else 0)
    return bool(np.all(np.abs(first - second) <= _NEAR * scale))


def _all_close(first: list[Array] | None, second: tuple[Array, ...]) -> bool:
    return first is not None and all(map(_is_close, first, second))


# --- slips ----------------------------------------------------------------------------------------


def _multiple(case: Case) -> Candidates:
    """A constant factor: a sign, a 2 from a square, a mean instead of a sum."""
    ratios: list[float] = []
    for right, claimed in zip(case.correct, case.claimed, strict=True):
        if right.shape != claimed.shape:
            return
        large = np.abs(right) > _NEAR
        ratios.extend((claimed[large] / right[large]).reshape(-1))
    if not ratios or np.ptp(ratios) > _NEAR * (1 + abs(ratios[0])):
        return
    ratio = Fraction(float(ratios[0])).limit_denominator(1000)
    if ratio in (0, 1) or abs(float(ratio) - ratios[0]) > _NEAR:
        return
    wire = case.statement.claimed.wire
    assert wire is not None
    shown = str(ratio).replace("-", "−")
    exactly = wire * float(ratio.denominator) / float(ratio.numerator)
    yield f"is {shown} × the right answer", case.with_claim(exactly)


def _one_number(case: Case) -> Candidates:
    """A number where every entry of an array is that number."""
    wire, right = case.statement.claimed.wire, case.statement.correct.wire
    if wire is None or right is None or wire.shape or not right.shape:
        return
    words = "is right for every entry, but is one number: multiply it by ones of the right shape"
    letters = "abcdefgh"[: right.ndim]
    sizes = dict(zip(letters, right.shape, strict=True))
    yield words, case.with_claim(einsum(f"->{letters}", wire, sizes=sizes))


def _transpose(case: Case) -> Candidates:
    wire = case.statement.claimed.wire
    if wire is None or wire.ndim != 2:
        return
    flipped = [claimed.T for claimed in case.claimed]
    if _all_close(flipped, case.correct):
        words = "is the transpose of the right answer"
        yield f"{words}{_other_layout(case.statement)}", case.with_claim(wire.T)


def _other_layout(statement: Statement) -> str:
    if statement.function is None:
        return ""
    natural = "denominator" if statement.kind == "gradient" else "numerator"
    current = statement.layout or natural
    other = "numerator" if current == "denominator" else "denominator"
    return f": it is in {other} layout, and {current} layout is asked for"


def _symmetric_variables(case: Case) -> Candidates:
    """The gradient in which pairs of equal entries of a symmetric matrix are one variable."""
    statement, right = case.statement, case.statement.correct.wire
    record = statement.record
    if statement.kind != "gradient" or right is None or right.ndim != 2:
        return
    if right.shape[0] != right.shape[1] or (record and "structure" in record):
        return
    paired = replace(statement.correct, wire=right + right.T - diag(diagonal(right)))
    words = (
        f"holds if the equal entries of a symmetric {statement.wrt} count as one variable: "
        "structure='symmetric'"
    )
    yield words, replace(statement, correct=paired)


def _fact(case: Case) -> Candidates:
    """It holds if an input has a property that was not assumed."""
    statement = case.statement
    for name, wire in statement.inputs.items():
        facts = statement.assumptions.of(name)
        square = wire.ndim == 2 and wire.shape[0] == wire.shape[1]
        candidates = dict(_SQUARE_FACTS) if square else {}
        if wire.ndim == 1:
            candidates["normalized"] = "adds up to 1"
        for fact, words in candidates.items():
            if fact in facts:
                continue
            known = input_wire(name, wire.shape, wire.dtype, **{**facts, fact: True})
            place = {wire: known}
            sides = [
                replace(side, wire=replaced(side.wire, place), expression=None)
                for side in (statement.correct, statement.claimed)
                if side.wire is not None
            ]
            inputs = {**statement.inputs, name: known}
            other = replace(statement, inputs=inputs, correct=sides[0], claimed=sides[1])
            yield f"holds if {name} {words}", other


def _factor(case: Case) -> Candidates:
    """A factor of the chain rule that is missing, or one too many."""
    statement = case.statement
    function, wire = statement.function, statement.claimed.wire
    if function is None or function.wire is None or wire is None:
        return
    source = statement.inputs[statement.wrt]
    for part in list(topological([function.wire]))[:MAX_FACTORS]:
        if part is source or part is function.wire or not part.inputs:
            continue
        try:
            factor = _inner_derivative(part, source)
        except CircuitError:
            continue
        if factor is None or (factor.shape not in ((), wire.shape) and wire.shape):
            continue
        values = case.values(factor)
        if values is None or all(_is_close(v, np.ones_like(v)) for v in values):
            continue
        shown = _shown(statement, factor)
        with np.errstate(all="ignore"):
            longer = [c * v for c, v in zip(case.claimed, values, strict=True)]
            shorter = [c / v for c, v in zip(case.claimed, values, strict=True)]
        if _all_close(longer, case.correct):
            yield f"lacks the factor {shown} of the chain rule", case.with_claim(wire * factor)
        if _all_close(shorter, case.correct):
            yield f"has the factor {shown} too many", case.with_claim(wire / factor)


def _inner_derivative(part: Wire, source: Wire) -> Wire | None:
    """The derivative of an inner function; of one that works entry by entry, by each entry."""
    if part.shape == source.shape and part.ndim:
        return reverse({part.sum(): as_wire(1.0)}, [source])[0]
    return derivative_block(part, source)


def _term(case: Case) -> Candidates:
    """A term of a sum that is missing, or has the wrong sign."""
    wire = case.statement.claimed.wire
    for term in _terms(case.statement):
        values = case.values(term)
        if values is None or wire is None or term.shape != wire.shape:
            continue
        if all(_is_close(v, np.zeros_like(v)) for v in values):
            continue
        shown = _shown(case.statement, term)
        for times, words in ((1, "drops the term"), (2, "has the wrong sign in the term")):
            added = [c + times * v for c, v in zip(case.claimed, values, strict=True)]
            if _all_close(added, case.correct):
                yield f"{words} {shown}", case.with_claim(wire + term * float(times))


def _terms(statement: Statement) -> list[Wire]:
    """The terms of the right answer, where its circuit is a sum; equal ones added up."""
    counts = Counter(_signed_terms(statement))
    return [wire * float(count) if count > 1 else wire for wire, count in counts.items()]


def _signed_terms(statement: Statement) -> Iterator[Wire]:
    pending, signs = [statement.correct.wire], [1.0]
    while pending:
        wire, sign = pending.pop(), signs.pop()
        if wire is None:
            return
        if wire.gate.name in ("add", "sub") and len(wire.inputs) == 2:
            pending.extend(wire.inputs)
            signs.extend((sign, sign if wire.gate.name == "add" else -sign))
        elif wire.gate.name == "neg":
            pending.append(wire.inputs[0])
            signs.append(-sign)
        elif wire is not statement.correct.wire:
            yield wire if sign > 0 else -wire


def _expanded_term(case: Case) -> Candidates:
    """A term that is missing when the right answer is multiplied out: scalars only."""
    statement = case.statement
    if not statement.is_scalar:
        return
    right = sp.expand(statement.correct.readable())
    claimed: sp.Expr = statement.claimed.entries({}, {}).item()
    if not isinstance(right, sp.Add) or len(right.args) > 12:
        return
    symbols = sorted(right.free_symbols | claimed.free_symbols, key=str)
    for term in right.args:
        for times, words in ((1, "drops the term"), (2, "has the wrong sign in the term")):
            other = claimed + times * term
            if all(_agree(other, right, symbols, point) for point in case.points):
                side = Side(statement.claimed.text, None, other)
                yield f"{words} {expression_text(term)}", replace(statement, claimed=side)


def _agree(
    first: sp.Expr, second: sp.Expr, symbols: list[sp.Symbol], point: dict[str, Array]
) -> bool:
    place = {s: sp.Float(float(point[s.name])) for s in symbols if s.name in point}
    try:
        gap = complex(sp.N((first - second).xreplace(place)))
        size = 1 + abs(complex(sp.N(second.xreplace(place))))
    except (TypeError, ValueError):
        return False
    return bool(abs(gap) <= _NEAR * size)


def _slip_inside(case: Case) -> Candidates:
    """One factor or term left out, or one sign wrong, somewhere inside the right answer."""
    statement = case.statement
    right = statement.correct.wire
    assert right is not None
    for wire in topological([right])[-MAX_FACTORS:]:
        for words, operand, other in _simpler(wire):
            if other.shape != wire.shape or wire is right:
                continue
            wrong = replaced(right, {wire: other})
            if wrong is right or not _all_close(case.values(wrong), case.claimed):
                continue
            side = Side(statement.correct.text, wrong)
            shown = _shown(statement, operand)
            yield f"{words} {shown}", replace(statement, correct=side)


def _simpler(wire: Wire) -> Iterator[tuple[str, Wire, Wire]]:
    """What a gate would be after a slip: words, the operand that they are about, the wire."""
    if wire.gate.name == "neg":
        yield "has the wrong sign in front of", wire.inputs[0], wire.inputs[0]
    if len(wire.inputs) != 2:
        return
    first, second = wire.inputs
    if isinstance(wire.gate, Einsum):
        for dropped, factor in enumerate(wire.inputs):
            rest = _without_factor(wire, wire.gate, dropped)
            yield "lacks the factor", factor, rest
            if factor.gate.name == "neg":
                yield "lacks the factor", factor.inputs[0], -rest
    if wire.gate.name == "mul":
        yield "lacks the factor", second, first
        yield "lacks the factor", first, second
    elif wire.gate.name == "add":
        yield "drops the term", second, first
        yield "drops the term", first, second
        yield "has the wrong sign in front of", second, first - second
    elif wire.gate.name == "sub":
        yield "drops the term", second, first
        yield "drops the term", first, -second
        yield "has the wrong sign in front of", second, first + second
    elif wire.gate.name == "div":
        yield "is not divided by", second, first


def _without_factor(wire: Wire, gate: Einsum, dropped: int) -> Wire:
    """A contraction of two operands without one of them, the other repeated along its axes."""
    kept = gate.operands[1 - dropped]
    sizes = dict(zip(gate.output, wire.shape, strict=True))
    return einsum(f"{kept}->{gate.output}", wire.inputs[1 - dropped], sizes=sizes)


def _shown(statement: Statement, wire: Wire) -> str:
    """A factor or term as people read it."""
    if statement.is_scalar:
        return expression_text(Side("", wire).readable())
    text = formula_body(statement, wire)
    return text if len(text) <= MAX_SHOWN else text[:MAX_SHOWN] + "…"


SLIPS: Final[tuple[Callable[[Case], Candidates], ...]] = (
    _multiple,
    _one_number,
    _transpose,
    _symmetric_variables,
    _fact,
    _factor,
    _term,
    _expanded_term,
    _slip_inside,
)
