"""Points where claims about arrays are tried: small exact numbers that satisfy the assumptions."""

from __future__ import annotations

import random
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, replace

import numpy as np
import sympy as sp

from circuitgrad.claims.statements import Statement
from circuitgrad.formulas.exact_numbers import as_expression
from circuitgrad.gates.from_formula import Elementwise
from circuitgrad.proofs.budgets import Budget
from circuitgrad.proofs.samples import Point, is_inside
from circuitgrad.sources import Input
from circuitgrad.spec import resolve_shape
from circuitgrad.wire import Array, Wire, topological

_ROTATION = ((sp.Rational(3, 5), sp.Rational(-4, 5)), (sp.Rational(4, 5), sp.Rational(3, 5)))
_SEED = 7


@dataclass(frozen=True)
class ArrayPoint:
    """The lengths of the named axes and exact values of all inputs."""

    sizes: Mapping[str, int]
    values: Mapping[str, Array]

    def floats(self) -> dict[str, Array]:
        """The values as doubles."""
        return {name: np.asarray(a, dtype=float) for name, a in self.values.items()}

    def scaled(self, factor: sp.Expr) -> ArrayPoint:
        """The point with all entries multiplied by a number."""
        return replace(self, values={name: array * factor for name, array in self.values.items()})

    def with_entry(self, name: str, index: tuple[int, ...], value: int) -> ArrayPoint:
        """The point with one entry changed."""
        changed = self.values[name].copy()
        changed[index] = sp.Integer(value)
        return replace(self, values={**self.values, name: changed})


def has_kinks(statement: Statement) -> bool:
    """Whether a side has gates that are not smooth, so that special points may be kinks."""
    wires = [side.wire for side in (statement.correct, statement.claimed) if side.wire is not None]
    return any(
        wire.gate.family == "selection" or (isinstance(wire.gate, Elementwise) and wire.gate.pieces)
        for wire in topological(wires)
    )


def array_points(
    statement: Statement, budget: Budget, tries: int = 200, generic: bool = False
) -> Iterator[ArrayPoint]:
    """Points for a statement, those of small sizes and small numbers first.

    Args:
        statement: The claim.
        budget: Looked at once per point.
        tries: How many points are drawn; some may violate an inequality.
        generic: Only points of no particular relation.
    """
    generator = random.Random(_SEED)
    smooth = not generic and not has_kinks(statement)
    for attempt in range(tries):
        budget.check()
        sizes = _sizes(statement.axes, attempt)
        values = {
            name: _entries(statement, name, resolve_shape(wire.shape, sizes), generator, attempt)
            if smooth and attempt % 4 != 3
            else _generic(statement, name, resolve_shape(wire.shape, sizes), generator)
            for name, wire in statement.inputs.items()
        }
        point = ArrayPoint(sizes, values)
        if is_allowed(statement, point, budget):
            yield point


def _sizes(axes: tuple[str, ...], attempt: int) -> dict[str, int]:
    """Lengths of the axes: all 2 first, then different ones, 1 among them."""
    patterns = ((2, 2, 2), (2, 3, 4), (3, 2, 1), (1, 1, 1), (3, 3, 3), (1, 2, 3), (4, 3, 2))
    pattern = patterns[attempt // 4 % len(patterns)]
    return {axis: pattern[k % 3] for k, axis in enumerate(axes)}


def _entries(
    statement: Statement,
    name: str,
    shape: tuple[int, ...],
    generator: random.Random,
    attempt: int,
) -> Array:
    width = 1 + attempt // 8
    draw = [sp.Integer(generator.randint(-width, width + 1)) for _ in range(int(np.prod(shape)))]
    return _satisfying(statement, name, _array(draw, shape), generator)


def _generic(
    statement: Statement, name: str, shape: tuple[int, ...], generator: random.Random
) -> Array:
    """Different fractions of no particular relation, away from kinks and ties."""
    draw = [
        sp.Rational(generator.randint(-3000, 3000) or 1, 997) for _ in range(int(np.prod(shape)))
    ]
    return _satisfying(statement, name, _array(draw, shape), generator)


def _array(entries: list[sp.Expr], shape: tuple[int, ...]) -> Array:
    array = np.empty(len(entries), dtype=object)
    array[:] = entries
    return array.reshape(shape)


def _satisfying(statement: Statement, name: str, entries: Array, generator: random.Random) -> Array:
    """The entries changed into ones that have the facts of their input."""
    facts = statement.assumptions.facts.get(name, frozenset()) | _declared(statement.inputs[name])
    if "positive" in facts:
        entries = np.vectorize(lambda v: abs(v) or sp.Integer(1), otypes=[object])(entries)
    if "definite" in facts:
        entries = entries @ entries.T + np.diag([sp.Integer(1)] * len(entries))
    elif "symmetric" in facts:
        entries = np.triu(entries) + np.triu(entries, 1).T
    if "diagonal" in facts:
        entries = np.diag(np.diag(entries))
    if "orthogonal" in facts:
        entries = _orthogonal(entries, facts, generator)
    elif "sign" in facts:
        entries = np.vectorize(lambda v: sp.Integer(-1 if v < 0 else 1), otypes=[object])(entries)
    if "normalized" in facts and entries.size:
        rest = entries[..., :-1].sum(axis=-1, keepdims=True)
        if "positive" in facts:
            entries = entries / entries.sum(axis=-1, keepdims=True)
        else:
            entries = np.concatenate([entries[..., :-1], sp.Integer(1) - rest], axis=-1)
    return np.vectorize(as_expression, otypes=[object])(entries) if entries.size else entries


def _declared(wire: Wire) -> frozenset[str]:
    """The facts with which an input was made."""
    return frozenset(wire.gate.facts) if isinstance(wire.gate, Input) else frozenset()


def _identity(size: int) -> Array:
    return _array([sp.Integer(int(i == j)) for i in range(size) for j in range(size)], (size,) * 2)


def _orthogonal(drawn: Array, facts: frozenset[str], generator: random.Random) -> Array:
    """An orthogonal matrix with rational entries that has other facts too."""
    size = len(drawn)
    if "definite" in facts:
        return _identity(size)
    if "diagonal" in facts:
        return np.array(
            np.diag([sp.Integer(generator.choice((1, -1))) for _ in range(size)]), dtype=object
        )
    if "symmetric" in facts and size:  # the reflection along the first row
        mirror = drawn[0] if any(drawn[0]) else _identity(size)[0]
        return np.array(_identity(size) - 2 * np.outer(mirror, mirror) / (mirror @ mirror))
    return _turned(size, generator)


def _turned(size: int, generator: random.Random) -> Array:
    """A rotation of neighbouring axes after another, or a reflection."""
    result = _identity(size)
    for k in range(size - 1):
        turn = _identity(size)
        turn[k : k + 2, k : k + 2] = np.array(_ROTATION, dtype=object)
        result = result @ turn
    return -result if generator.random() < 0.5 else result


def _has_facts(statement: Statement, point: ArrayPoint) -> bool:
    """Whether the values have all the facts of their inputs: some facts exclude each other."""
    return all(
        _CHECKS[fact](point.values[name])
        for name, facts in statement.assumptions.facts.items()
        for fact in facts
        if name in point.values
    )


def _is_definite(entries: Array) -> bool:
    matrix = sp.Matrix(entries.tolist())
    return bool(matrix.is_positive_definite) if entries.size else True


_CHECKS: Mapping[str, Callable[[Array], bool]] = {
    "symmetric": lambda a: bool(np.all(a == a.T)),
    "orthogonal": lambda a: bool(np.all(a @ a.T == _identity(len(a)))),
    "diagonal": lambda a: bool(np.all(a == np.diag(np.diag(a)))),
    "positive": lambda a: all(entry > 0 for entry in a.reshape(-1)),
    "definite": _is_definite,
    "sign": lambda a: all(abs(entry) == 1 for entry in a.reshape(-1)),
    "normalized": lambda a: bool(np.all(a.sum(axis=-1) == 1)),
}


def is_allowed(statement: Statement, point: ArrayPoint, budget: Budget) -> bool:
    """Whether a point satisfies all that a statement assumes."""
    if not _has_facts(statement, point):
        return False
    conditions = statement.domain
    if not conditions:
        return True
    values = {
        sp.Symbol(name, real=True): sp.Rational(point.values[name][()])
        for name, wire in statement.inputs.items()
        if not wire.shape and name in point.values
    }
    pairs = [
        (c.lhs - c.rhs, 1 if isinstance(c, sp.Gt | sp.Ge) else -1)
        for c in conditions
        if not isinstance(c, sp.Ne)
    ]
    return is_inside(Point(values), pairs, budget)
