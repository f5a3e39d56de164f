"""A statement about arrays tried at points: in floating point to look, in balls to be certain."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
import sympy as sp

from circuitgrad.circuits import Circuit
from circuitgrad.claims.points import ArrayPoint, array_points, has_kinks
from circuitgrad.claims.roundings import has_rounded_numbers, is_rounding
from circuitgrad.claims.sides import Side
from circuitgrad.claims.statements import Statement
from circuitgrad.claims.verdicts import Counterexample
from circuitgrad.errors import CircuitError
from circuitgrad.formulas.symbolic import real_symbol
from circuitgrad.proofs.budgets import Budget
from circuitgrad.proofs.samples import Comparison, Point, compared
from circuitgrad.wire import Array

GAP = 1e-6
RIGOROUS_POINTS = 6
GUARD_POINTS = 3
SHRINKING_ENTRIES = 40
_NUDGE = sp.Integer(1) + sp.Rational(1, 2**40)  # to see how far rounding is amplified
_NO_VALUE = (CircuitError, RecursionError, ArithmeticError, TypeError, ValueError)


@dataclass(frozen=True)
class Trial:
    """The two sides of a statement at points.

    Attributes:
        statement: A claim about arrays, its sides of one shape.
        clock: The time that is left.
    """

    statement: Statement
    clock: Budget

    @cached_property
    def _circuit(self) -> Circuit | None:
        """Both sides as one circuit; None where a side is no circuit, or has an axis of its own."""
        wires = (self.statement.correct.wire, self.statement.claimed.wire)
        if wires[0] is None or wires[1] is None or self.statement.own_axes:
            return None
        inputs = tuple(self.statement.inputs.values())
        return Circuit(inputs, [wires[0], wires[1]], ["correct", "claimed"])

    @cached_property
    def _has_rounded_numbers(self) -> bool:
        return has_rounded_numbers(self.statement)

    def counterexample(self) -> tuple[Counterexample | None, int, float]:
        """A point where the sides differ for certain; else at how many they agree, to what digits.

        Raises:
            OutOfBudgetError: The time is up.
        """
        agreed, digits, rigorous = 0, np.inf, 0
        for point in array_points(self.statement, self.clock):
            apart = self._apart(point)
            if apart is None or (not apart and rigorous >= RIGOROUS_POINTS):
                continue
            rigorous += not apart
            example, worst = self.compared(point)
            if example is not None:
                return self._shrunk(point, example), agreed, digits
            if worst is not None:
                agreed, digits = agreed + 1, min(digits, worst)
        return None, agreed, 0.0 if agreed == 0 else float(digits)

    def contradiction(self) -> ArrayPoint | None:
        """A point where floating point contradicts that the sides are equal; None normally.

        Sides that rounding moves far at a point say nothing there.
        """
        for point in array_points(self.statement, self.clock, GUARD_POINTS, generic=True):
            both, moved = self.values(point), self.values(point.scaled(_NUDGE))
            if both is None or moved is None or not both[0].size:
                continue
            gap = np.max(np.abs(both[0] - both[1]))
            rough = max(float(np.max(np.abs(a - b))) for a, b in zip(both, moved, strict=True))
            if gap > max(GAP * (1 + np.max(np.abs(both[0]))), 100 * rough):
                return point
        return None

    def values(self, point: ArrayPoint) -> tuple[Array, Array] | None:
        """The right and the claimed value in floating point; None where one has none."""
        if self._circuit is None:
            return None
        try:
            with np.errstate(all="ignore"):
                found = self._circuit(**point.floats())
        except (*_NO_VALUE, np.linalg.LinAlgError):
            return None
        both = np.asarray(found["correct"]), np.asarray(found["claimed"])
        return both if all(np.all(np.isfinite(side)) for side in both) else None

    def _apart(self, point: ArrayPoint) -> bool | None:
        """Whether the sides look different in floating point; None where they have no value."""
        if self._circuit is None:
            return False
        both = self.values(point)
        if both is None or not both[0].size:
            return None
        right, claimed = both
        return bool(np.max(np.abs(right - claimed)) > GAP * (1 + np.max(np.abs(right))))

    def compared(self, point: ArrayPoint) -> tuple[Counterexample | None, float | None]:
        """The sides at an exact point, in balls: a certain difference, or the digits that agree."""
        try:
            right = self._entries(self.statement.correct, point)
            claimed = self._entries(self.statement.claimed, point)
        except _NO_VALUE:
            return None, None
        worst = np.inf
        for index in np.ndindex(*right.shape):
            comparison = compared(right[index], claimed[index], Point({}), self.clock)
            if comparison is None:
                return None, None
            worst = min(worst, comparison.digits)
            if comparison.differ:
                return self._example(point, index, comparison), None
        return None, float(worst)

    def _entries(self, side: Side, point: ArrayPoint) -> Array:
        """The exact entries of a side at a point."""
        inputs = self.statement.inputs
        if side.expression is not None:
            scalars = {name: a for name, a in point.values.items() if not np.ndim(a)}
            values = {real_symbol(name): np.asarray(a).item() for name, a in scalars.items()}
            return np.array(side.expression.xreplace(values), dtype=object)
        known = {wire.serial: point.values[name] for name, wire in inputs.items()}
        return side.entries(known, point.sizes)

    def _example(
        self, point: ArrayPoint, index: tuple[int, ...], comparison: Comparison
    ) -> Counterexample | None:
        """The counterexample, unless floating point contradicts the balls (at a tie)."""
        witness = comparison.witness
        right, claimed = middle(witness.lhs_ball), middle(witness.rhs_ball)
        if self._has_rounded_numbers and is_rounding(right, claimed):
            return None
        both = self.values(point)
        if both is not None and not (
            _near(both[0][index], right) and _near(both[1][index], claimed)
        ):
            return None
        values = {name: texts(array) for name, array in point.values.items()}
        shown = (both[1].tolist(), both[0].tolist()) if both is not None else (claimed, right)
        return Counterexample(
            dict(point.sizes), values, index, witness.rhs_ball, witness.lhs_ball, witness.bits,
            *shown,
        )  # fmt: skip

    def _shrunk(self, point: ArrayPoint, example: Counterexample) -> Counterexample:
        """The counterexample with as many zeros and ones as it can have, for people to follow."""
        statement = self.statement
        if has_kinks(statement) or statement.assumptions.conditions or self.clock.left < 0.5:
            return example
        free = [n for n in statement.inputs if not statement.assumptions.facts.get(n)]
        entries = [(n, i) for n in free for i in np.ndindex(*point.values[n].shape)]
        for name, index in entries[:SHRINKING_ENTRIES]:
            for value in (0, 1):
                if point.values[name][index] == value:
                    break
                simpler = point.with_entry(name, index, value)
                found = self.compared(simpler)[0] if self._apart(simpler) else None
                if found is not None:
                    point, example = simpler, found
                    break
        return example


def _near(found: Any, expected: float) -> bool:
    return bool(abs(found - expected) <= GAP * (1 + abs(expected)))


def middle(ball: str) -> float:
    """The midpoint of a ball's text as a number.

    >>> middle("[0.25 +/- 1e-30]")
    0.25
    """
    return float(ball.strip("[]").split("+/-")[0] or 0)


def texts(array: Any) -> Any:
    """Exact numbers as nested tuples of texts."""
    if not isinstance(array, np.ndarray):
        return str(array)
    return texts(array[()]) if not array.ndim else tuple(texts(part) for part in array)
