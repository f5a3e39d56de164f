"""Sparsity patterns: which entries of a derivative can be other than zero.

A pattern follows from the circuit and the sizes of its axes and from no value: an entry outside it
is zero for every input. It is passed from wire to wire as a sparse Boolean matrix, a row for every
entry of the wire, a column for every entry of the inputs, for whole gates at a time and by their
family.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Any, TypeAlias

import numpy as np
from numpy.typing import NDArray
from scipy import sparse

from circuitgrad.errors import ShapeError
from circuitgrad.gates.from_einsum import Einsum
from circuitgrad.gates.from_formula import Elementwise
from circuitgrad.gates.from_rule import declaration_of, parameters_of
from circuitgrad.paths import dependents
from circuitgrad.spec import resolve_shape
from circuitgrad.wire import Wire, describe, known_value, topological

Pattern: TypeAlias = Any  # scipy.sparse.csr_array of bool; SciPy ships no types
Positions: TypeAlias = NDArray[np.intp]

LARGEST = 50_000_000  # entries of a pattern: beyond this a derivative is as good as dense


def dependence(
    outputs: Sequence[Wire], sources: Sequence[Wire], sizes: Mapping[str, int]
) -> Pattern:
    """The pattern of the derivative of some wires by others, a superset of every true one.

    Args:
        outputs: Rows: their entries one after another, each in C order.
        sources: Columns: their entries likewise. A source counts as independent of all others.
        sizes: The size of every named axis.

    Returns:
        A Boolean scipy.sparse.csr_array with sorted indices.

    Raises:
        ShapeError: The pattern is dense, and too large to be written down.

    Source:
        Griewank and Walther, Evaluating Derivatives, 2nd ed., 2008, section 7.1 (bit patterns,
        propagated forward).
    """
    columns = sum(entries(wire, sizes) for wire in sources)
    found = _seeds(sources, sizes, columns)
    order = topological(list(outputs))
    live = dependents(order, sources)
    last = {source.serial: wire.serial for wire in order for source in wire.inputs}
    kept = {wire.serial for wire in outputs}
    for wire in order:
        if wire.serial in live and wire.serial not in found:
            parts = [found.get(source.serial) for source in wire.inputs]
            found[wire.serial] = GatePattern(wire, sizes, columns).pattern(parts)
        for source in wire.inputs:
            if last[source.serial] == wire.serial and source.serial not in kept:
                found[source.serial] = None
    blocks = [_block(found.get(wire.serial), entries(wire, sizes), columns) for wire in outputs]
    pattern = blocks[0] if len(blocks) == 1 else sparse.vstack(blocks, format="csr")
    pattern.sort_indices()
    return pattern


def entries(wire: Wire, sizes: Mapping[str, int]) -> int:
    """The number of entries of a wire."""
    return math.prod(resolve_shape(wire.shape, sizes))


def _seeds(
    sources: Sequence[Wire], sizes: Mapping[str, int], columns: int
) -> dict[int, Pattern | None]:
    """The pattern of each source: the identity in its own columns."""
    found: dict[int, Pattern | None] = {}
    start = 0
    for wire in sources:
        count = entries(wire, sizes)
        place = np.arange(count)
        found[wire.serial] = from_pairs(place, start + place, (count, columns))
        start += count
    return found


def _block(pattern: Pattern | None, rows: int, columns: int) -> Pattern:
    return sparse.csr_array((rows, columns), dtype=bool) if pattern is None else pattern


def from_pairs(rows: Any, columns: Any, shape: tuple[int, int]) -> Pattern:
    """The pattern with these entries."""
    # 32 bits where they are enough, as most solvers want them.
    kind = np.int32 if max(*shape, len(rows)) < 2**31 else np.int64
    places = np.asarray(rows, kind), np.asarray(columns, kind)
    return sparse.csr_array((np.ones(len(rows), bool), places), shape=shape)


class GatePattern:
    """How one gate passes patterns on."""

    def __init__(self, wire: Wire, sizes: Mapping[str, int], columns: int) -> None:
        self.wire = wire
        self.shape = resolve_shape(wire.shape, sizes)
        self.shapes = [resolve_shape(source.shape, sizes) for source in wire.inputs]
        self.rows = math.prod(self.shape)
        self.columns = columns

    def pattern(self, parts: Sequence[Pattern | None]) -> Pattern | None:
        """The pattern of the output from those of the inputs; None where nothing comes in."""
        gate = self.wire.gate
        if isinstance(gate, Elementwise):
            return self._elementwise(parts)
        if isinstance(gate, Einsum):
            passed = [
                self._moved(part, *self._contracted(gate, k))
                for k, part in enumerate(parts)
                if part is not None
            ]
            return self._union(passed)
        if gate.pushforward(self.wire, self.wire.inputs) is None:
            return None  # piecewise constant
        moved = self.moves()
        if moved is not None:
            return self._rearranged(moved, parts)
        declaration = declaration_of(gate)
        axes = None if declaration is None else declaration.mixed_axes
        return self._union([
            self._mixed(part, shape, axes)
            for part, shape in zip(parts, self.shapes, strict=True) if part is not None
        ])  # fmt: skip

    def _elementwise(self, parts: Sequence[Pattern | None]) -> Pattern | None:
        """The union of the inputs' patterns, less those by which the derivative is zero."""
        if sum(part is not None for part in parts) == 0:
            return None
        slopes = self.wire.gate.partials(self.wire) or ()
        return self._union(
            [
                self._scaled(part, slope)
                for part, slope in zip(parts, slopes, strict=True)
                if part is not None and (isinstance(slope, Wire) or slope != 0)
            ]
        )

    def _scaled(self, part: Pattern, slope: Wire | float) -> Pattern:
        """The pattern less the rows that a constant local gradient makes zero."""
        if not isinstance(slope, Wire) or not slope.is_free:
            return part
        kept = np.flatnonzero(np.broadcast_to(known_value(slope), self.shape))
        return part if len(kept) == self.rows else self._moved(part, kept, kept)

    def _union(self, parts: Sequence[Pattern]) -> Pattern | None:
        total: Pattern | None = None
        for part in {id(part): part for part in parts}.values():
            total = part if total is None else total + part
        return total

    def _contracted(self, gate: Einsum, k: int) -> tuple[Positions, Positions]:
        """Which entries of the output have which entries of operand k in their sums."""
        size = {
            letter: n
            for term, shape in zip(
                (*gate.operands, gate.output), (*self.shapes, self.shape), strict=True
            )
            for letter, n in zip(term, shape, strict=True)
        }
        term = gate.operands[k]
        letters = list(dict.fromkeys(gate.output + term))
        self._refuse_large(math.prod(size[letter] for letter in letters))
        grid = tuple(size[letter] for letter in letters)
        to, by = (_positions(letters, axes, size, grid) for axes in (gate.output, term))
        inside = np.ones(len(to), bool)
        for other, wire in zip(gate.operands, self.wire.inputs, strict=True):
            if wire.is_free and set(other) <= set(letters):  # a constant: its zeros are zeros
                inside &= np.ravel(known_value(wire))[_positions(letters, other, size, grid)] != 0
        return (to, by) if inside.all() else (to[inside], by[inside])

    def moves(self) -> tuple[Positions, Positions] | None:
        """The positions (to, from) between which entries are moved; None where they are not.

        Positions in the inputs are numbered on from one input to the next.
        """
        gate = self.wire.gate
        if isinstance(gate, Einsum):
            return self._contracted(gate, 0) if gate.is_structural and self.shapes else None
        declaration = declaration_of(gate)
        if declaration is None or declaration.moves is None:
            return None
        counts = [math.prod(shape) for shape in self.shapes]
        starts = np.cumsum([0, *counts])
        origins = [
            np.arange(start, start + count).reshape(shape)
            for start, count, shape in zip(starts[:-1], counts, self.shapes, strict=True)
        ]
        place = np.arange(self.rows).reshape(self.shape)
        to, by = declaration.moves(place, *origins, **parameters_of(gate))
        to, by = np.broadcast_arrays(to, by)
        return np.ravel(to), np.ravel(by)

    def _rearranged(
        self, moves: tuple[Positions, Positions], parts: Sequence[Pattern | None]
    ) -> Pattern | None:
        counts = [math.prod(shape) for shape in self.shapes]
        joined = [_block(p, n, self.columns) for p, n in zip(parts, counts, strict=True)]
        whole = joined[0] if len(joined) == 1 else sparse.vstack(joined, format="csr")
        return self._moved(whole, *moves)

    def _moved(self, part: Pattern, to: Positions, by: Positions) -> Pattern:
        """The pattern whose row to[k] has the row by[k] of another in it."""
        if len(to) == self.rows and np.array_equal(to, np.arange(self.rows)):
            if len(by) == part.shape[0] and np.array_equal(by, to):
                return part
            self._refuse_large(int(np.diff(part.indptr)[by].sum()))
            return part[by]
        choice = from_pairs(to, by, (self.rows, part.shape[0]))
        bound = np.diff(part.indptr)[choice.indices].sum() if choice.nnz else 0
        self._refuse_large(min(int(bound), self.rows * self.columns))
        return choice @ part

    def _mixed(self, part: Pattern, shape: tuple[int, ...], count: int | None) -> Pattern:
        """Every output entry depends on all entries along the axes that the gate mixes."""
        options = parameters_of(self.wire.gate)
        axes = tuple(range(-count, 0)) if count else options.get("axes", options.get("axis"))
        axes = (axes,) if isinstance(axes, int) else axes
        groups, origins = _groups(self.shape, shape, axes)
        number = int(max(groups.max(initial=-1), origins.max(initial=-1))) + 1
        gathered = from_pairs(origins, np.arange(len(origins)), (number, len(origins))) @ part
        self._refuse_large(int(np.diff(gathered.indptr)[groups].sum()))
        return gathered[groups]

    def _refuse_large(self, count: int) -> None:
        if count > LARGEST:
            raise ShapeError(
                f"sparsity of {describe(self.wire)}: its derivative has up to {count} entries that "
                f"are not zero; needed at most {LARGEST}. It is dense: use jvp, vjp or hvp."
            )


def _positions(
    letters: Sequence[str], term: str, size: Mapping[str, int], grid: tuple[int, ...]
) -> Positions:
    """For each place of the grid over all letters, the position in the array with some of them."""
    stride = dict.fromkeys(letters, 0)
    step = 1
    for letter in reversed(term):
        stride[letter] += step
        step *= size[letter]
    total = np.zeros((1,) * len(grid), np.intp)
    for k, letter in enumerate(letters):
        along = np.arange(size[letter]) * stride[letter]
        total = total + along.reshape((-1,) + (1,) * (len(grid) - k - 1))
    return np.ascontiguousarray(np.broadcast_to(total, grid)).reshape(-1)


def _groups(
    out: tuple[int, ...], shape: tuple[int, ...], axes: tuple[int, ...] | None
) -> tuple[Positions, Positions]:
    """For every entry of the output and of the input, the number of the group that is mixed."""
    zero = np.zeros(math.prod(out), np.intp), np.zeros(math.prod(shape), np.intp)
    if axes is None:
        return zero
    kept = [n for k, n in enumerate(shape) if k - len(shape) not in axes]
    number = np.arange(math.prod(kept)).reshape(kept)
    whole = number.reshape([1 if k - len(shape) in axes else n for k, n in enumerate(shape)])
    origins = np.broadcast_to(whole, shape).reshape(-1)
    if out == tuple(kept):
        return number.reshape(-1), origins
    return (origins, origins) if out == shape else zero
