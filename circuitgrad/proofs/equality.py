"""Decides whether two real expressions are equal on an open dense part of a domain."""

from collections.abc import Sequence
from dataclasses import dataclass, field, replace

import sympy as sp

from circuitgrad.proofs.acceptance import (
    Constraint,
    RejectedError,
    brief,
    check_real,
    check_size,
    constraints,
    exact,
    sign_constraints,
)
from circuitgrad.proofs.budgets import Budget, OutOfBudgetError
from circuitgrad.proofs.cells import Cell, decided_cells
from circuitgrad.proofs.samples import Comparison, Point, Sampler, compared, only_real_side
from circuitgrad.proofs.verdicts import InternalInconsistency, Status, Verdict, Witness

_FIRST_POINTS, _FIRST_TRIES = 6, 60
_GUARDED_CELLS, _GUARD_TRIES = 16, 60
_CELL_POINTS, _CELL_TRIES = 40, 600
_FINE_BITS = 2048
_SURVEY_SECONDS = 0.5
_KINKED = (sp.Abs, sp.sign, sp.Heaviside, sp.Max, sp.Min, sp.Piecewise)


@dataclass
class _Attempt:
    """What one decision has found out so far."""

    lhs: sp.Expr
    rhs: sp.Expr
    domain: list[Constraint]
    budget: Budget
    seed: int
    tested: int = 0
    digits: float = 0.0
    caveat: str = ""
    cells: list[Cell] = field(default_factory=list)
    assumptions: dict[str, None] = field(default_factory=dict)

    def difference(
        self, where: Sequence[Constraint], points: int, tries: int, wide: bool = False
    ) -> Witness | None:
        """Return a point of the cell where the sides differ for certain, if one is found."""
        expressions = [self.lhs, self.rhs, *(expression for expression, _ in self.domain)]
        sampler = Sampler(expressions, self.seed + self.tested, self.budget)
        compared_here = 0
        for point in sampler.points([*self.domain, *where], tries, wide):
            bits = _FINE_BITS if self.tested < 2 else 512
            comparison = compared(self.lhs, self.rhs, point, self.budget, bits)
            if comparison is None:
                self._look_for_caveat(point)
                continue
            if comparison.differ:
                return comparison.witness
            self._note(comparison)
            compared_here += 1
            if compared_here >= points:
                break
        return None

    def _look_for_caveat(self, point: Point) -> None:
        if not self.caveat:
            side = only_real_side(self.lhs, self.rhs, point, self.budget)
            self.caveat = f"only the {side} side is real at {point}" if side else ""

    def _note(self, comparison: Comparison) -> None:
        self.tested += 1
        first = self.tested == 1
        self.digits = comparison.digits if first else min(self.digits, comparison.digits)

    def verdict(self, status: Status, method: str = "", reason: str = "") -> Verdict:
        """Return a verdict with everything found so far."""
        return Verdict(
            status,
            method,
            tuple(cell.result for cell in self.cells),
            tested=self.tested,
            digits=self.digits,
            reason=reason,
            elapsed_ms=1000 * self.budget.elapsed,
            assumptions=tuple(self.assumptions),
            caveat=self.caveat,
        )


def decide(
    lhs: sp.Expr,
    rhs: sp.Expr,
    domain: Sequence[sp.Basic] = (),
    budget: float = 5.0,
    seed: int = 0,
) -> Verdict:
    """Return whether lhs = rhs on an open dense part of where both are real inside the domain.

    Proved claims are equal as formulas or have equal exact normal forms on every open cell, and
    balls agree at one point at least. Refuted claims come with an exact rational point, inside the
    domain and off every kink, where rigorous balls are disjoint.

    Args:
        lhs: left side, in symbols declared real or positive.
        rhs: right side.
        domain: SymPy inequalities; their edges are left out.
        budget: seconds of wall-clock time.
        seed: of the choice of sample points.

    Returns:
        The verdict; a budget that runs out makes it undecided.

    Raises:
        InternalInconsistency: when the exact proof and the balls contradict each other.

    >>> x = sp.Symbol("x", real=True)
    >>> decide(1 - sp.tanh(x) ** 2, 1 / sp.cosh(x) ** 2).status
    <Status.PROVED: 'proved'>
    >>> decide(sp.sqrt(x**2), x).status
    <Status.REFUTED: 'refuted'>
    """
    clock = Budget(budget)
    # Relations of numbers, such as 1 > 0, may have become plain Python booleans.
    domain = [{True: sp.true, False: sp.false}.get(part, part) for part in domain]
    attempt = _Attempt(lhs, rhs, [], clock, seed)
    try:
        check_size([lhs, rhs, *domain])
        check_real([lhs, rhs, *domain])
        attempt.lhs, attempt.rhs = exact(lhs), exact(rhs)
        attempt.domain = constraints([exact(part) for part in domain])
        attempt.domain += sign_constraints([lhs, rhs, *domain])
        return _decided(attempt)
    except RejectedError as rejection:
        return attempt.verdict(Status.UNDECIDED, reason=str(rejection))
    except OutOfBudgetError:
        reason = f"the time budget of {budget:g} s ran out"
        return attempt.verdict(Status.UNDECIDED, reason=reason)
    except RecursionError:
        return attempt.verdict(Status.UNDECIDED, reason="an expression is nested too deep")


def _decided(attempt: _Attempt) -> Verdict:
    if attempt.lhs == attempt.rhs:
        return _structural(attempt)
    witness = attempt.difference((), _FIRST_POINTS, _FIRST_TRIES)
    if witness is not None:
        if attempt.lhs.has(*_KINKED) or attempt.rhs.has(*_KINKED):
            _surveyed(attempt)
        return replace(attempt.verdict(Status.REFUTED, "ball"), counterexample=witness)
    # The exact part gets most of the time, the search inside open cells the rest.
    _fill_cells(attempt, 0.75 * attempt.budget.left)
    if all(not cell.is_open for cell in attempt.cells):
        return _guarded(attempt)
    return _searched(attempt)


def _fill_cells(attempt: _Attempt, seconds: float) -> None:
    for cell in decided_cells(attempt.lhs, attempt.rhs, attempt.domain, Budget(seconds)):
        attempt.cells.append(cell)
        attempt.assumptions |= dict.fromkeys(cell.assumptions)


def _surveyed(attempt: _Attempt) -> None:
    """Find out on which cells a refuted claim holds, as far as a short time allows."""
    try:
        _fill_cells(attempt, min(_SURVEY_SECONDS, 0.25 * attempt.budget.left))
        for place, cell in enumerate(attempt.cells[:_GUARDED_CELLS]):
            if not cell.is_open:
                _confront(attempt, cell)
            elif attempt.difference(cell.constraints, 1, _GUARD_TRIES) is not None:
                attempt.cells[place] = _refuted(cell)
    except OutOfBudgetError:
        return


def _refuted(cell: Cell) -> Cell:
    return replace(cell, result=replace(cell.result, status=Status.REFUTED, reason=""))


def _structural(attempt: _Attempt) -> Verdict:
    sampler = Sampler([attempt.lhs, *(e for e, _ in attempt.domain)], attempt.seed, attempt.budget)
    if attempt.domain and next(sampler.points(attempt.domain, 400, wide=True), None) is None:
        reason = "vacuous: no point of the domain was found"
        return attempt.verdict(Status.UNDECIDED, reason=reason)
    return attempt.verdict(Status.PROVED, "structural")


def _guarded(attempt: _Attempt) -> Verdict:
    """Return proved, after balls inside the cells had the chance to contradict."""
    try:
        for cell in attempt.cells[:_GUARDED_CELLS]:
            _confront(attempt, cell)
        for cell in attempt.cells:
            if attempt.tested == 0:
                attempt.difference(cell.constraints, 1, _CELL_TRIES, wide=True)
    except OutOfBudgetError:
        # The proof is complete; without one point inside, it may still be vacuous.
        if attempt.tested == 0:
            raise
    if attempt.tested == 0 or all(cell.result.void for cell in attempt.cells):
        reason = "vacuous: no point was found where both sides have a real value"
        return attempt.verdict(Status.UNDECIDED, reason=reason)
    return attempt.verdict(Status.PROVED, "normal form")


def _confront(attempt: _Attempt, cell: Cell) -> None:
    before = attempt.tested
    witness = attempt.difference(cell.constraints, 1, _GUARD_TRIES)
    if witness is None and not (cell.result.void and attempt.tested > before):
        return
    message = (
        f"decide: {brief(attempt.lhs)} = {brief(attempt.rhs)} on the cell {cell.result} by normal "
        f"form, but balls say: {witness or 'both sides are real there'}; both cannot be right. "
        "Please report this claim."
    )
    raise InternalInconsistency(message)


def _searched(attempt: _Attempt) -> Verdict:
    """Return refuted if a point of an open cell says so."""
    for cell in [cell for cell in attempt.cells if cell.is_open]:
        witness = attempt.difference(cell.constraints, _CELL_POINTS, _CELL_TRIES, wide=True)
        if witness is not None:
            attempt.cells[attempt.cells.index(cell)] = _refuted(cell)
            return replace(attempt.verdict(Status.REFUTED, "ball"), counterexample=witness)
    reasons = [cell.result.reason for cell in attempt.cells if cell.is_open]
    return attempt.verdict(Status.UNDECIDED, reason=reasons[0])
