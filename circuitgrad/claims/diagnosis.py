"""What went wrong in a wrong claim: the usual slips, each proved before it is named."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import replace
from typing import TypeAlias

from circuitgrad.claims.statements import Statement
from circuitgrad.proofs.budgets import Budget

Decide: TypeAlias = Callable[[Statement], bool]
MAX_SLIPS = 2


def diagnosed(statement: Statement, decide: Decide, budget: Budget) -> tuple[str, ...]:
    """The slips that explain a wrong claim, the likeliest first; none if none is found.

    Args:
        statement: A claim that is wrong.
        decide: Whether another statement is proved.
        budget: Seconds for all of it.
    """
    found: list[str] = []
    for words, other in _candidates(statement):
        if budget.left <= 0 or len(found) == MAX_SLIPS:
            break
        if decide(other):
            found.append(words)
    return tuple(found)


def _candidates(statement: Statement) -> Iterator[tuple[str, Statement]]:
    claimed = statement.claimed
    if claimed.wire is not None:
        for number, words in ((-1.0, "is −1 × the derivative"), (0.5, "is 2 × the derivative")):
            if statement.claimed.shape == statement.correct.shape:
                side = replace(claimed, wire=claimed.wire * number, expression=None)
                yield words, replace(statement, claimed=side)
