"""The open sign cells of a claim, and the zero test on each of them."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import sympy as sp

from circuitgrad.proofs.acceptance import Constraint, brief
from circuitgrad.proofs.algebraic import vanishes
from circuitgrad.proofs.budgets import Budget, OutOfBudgetError
from circuitgrad.proofs.fields import RefinedError, Refinement, UnsupportedError
from circuitgrad.proofs.normal_form import Normaliser
from circuitgrad.proofs.signs import EmptyCellError, UndecidedSignError
from circuitgrad.proofs.verdicts import CellResult, Status

MAX_CELLS = 128
_MAX_STARTS = 40


@dataclass(frozen=True)
class Cell:
    """One open cell: the signs that define it, and what the normal form says there."""

    constraints: tuple[Constraint, ...]
    result: CellResult
    assumptions: tuple[str, ...] = ()

    @property
    def is_open(self) -> bool:
        """True if nothing was proved on the cell."""
        return self.result.status is not Status.PROVED


def decided_cells(
    lhs: sp.Expr, rhs: sp.Expr, domain: Sequence[Constraint], budget: Budget
) -> Iterator[Cell]:
    """Return the cells of a claim, each with the answer of the zero test.

    Args:
        lhs: left side.
        rhs: right side.
        domain: pairs of an expression and its sign, true everywhere.
        budget: shared by all cells.

    Yields:
        Cells that cover the domain up to their boundaries. Cells that no point can satisfy are
        left out; when the budget or the number of cells runs out, the rest is one open cell.
    """
    refinement = Refinement()
    waiting: list[tuple[Constraint, ...]] = [()]
    count = 0
    while waiting:
        decisions = waiting.pop()
        count += 1
        if count > MAX_CELLS:
            yield _open_cell(decisions, f"more than {MAX_CELLS} cells")
            return
        try:
            cell = _tested(lhs, rhs, domain, decisions, refinement, budget)
        except UndecidedSignError as split:
            waiting += [(*decisions, (split.expression, sign)) for sign in (-1, 1)]
            continue
        except UnsupportedError as limit:
            yield _open_cell(decisions, f"no normal form: {limit}")
            continue
        except OutOfBudgetError:
            yield _open_cell(decisions, "the time ran out")
            return
        if cell is not None:
            yield cell


def _tested(
    lhs: sp.Expr,
    rhs: sp.Expr,
    domain: Sequence[Constraint],
    decisions: tuple[Constraint, ...],
    refinement: Refinement,
    budget: Budget,
) -> Cell | None:
    for _ in range(_MAX_STARTS):
        normaliser = Normaliser(dict(decisions), refinement, budget)
        try:
            if not _lies_inside(normaliser, domain):
                return None
            return _answer(normaliser, lhs, rhs, decisions)
        except RefinedError:
            continue
        except EmptyCellError:
            conditions = _conditions(decisions)
            return Cell(decisions, CellResult(conditions, Status.PROVED, void=True))
    message = "too many refinements"
    raise UnsupportedError(message)


def _lies_inside(normaliser: Normaliser, domain: Sequence[Constraint]) -> bool:
    try:
        for expression, sign in domain:
            normaliser.assume_positive(sign * expression)
        normaliser.tower.signs.check_consistency()
    except EmptyCellError:
        return False
    return True


def _answer(
    normaliser: Normaliser,
    lhs: sp.Expr,
    rhs: sp.Expr,
    decisions: tuple[Constraint, ...],
) -> Cell:
    field = normaliser.field
    gap = field.subtract(normaliser.element(lhs), normaliser.element(rhs))
    normaliser.tower.signs.check_consistency()
    is_zero = field.is_zero(gap) or vanishes(field, gap.numerator)
    result = CellResult(
        _conditions(decisions),
        Status.PROVED if is_zero else Status.UNDECIDED,
        generators=tuple(brief(generator.expression) for generator in field.generators),
        terms=len(gap.numerator),
        reason="" if is_zero else "the normal forms differ",
    )
    return Cell(decisions, result, tuple(normaliser.assumptions))


def _conditions(decisions: Sequence[Constraint]) -> tuple[str, ...]:
    return tuple(
        f"{brief(expression)} {'>' if sign > 0 else '<'} 0" for expression, sign in decisions
    )


def _open_cell(decisions: tuple[Constraint, ...], reason: str) -> Cell:
    return Cell(decisions, CellResult(_conditions(decisions), Status.UNDECIDED, reason=reason))
