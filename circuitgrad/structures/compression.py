"""How a sparse derivative is computed: its colours, the products to take and where each goes."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from circuitgrad.circuits import Circuit
from circuitgrad.derivatives import accumulate, forward
from circuitgrad.gates.shapes import zeros
from circuitgrad.paths import dependents
from circuitgrad.plans.schedule import Plan
from circuitgrad.sources import input_wire
from circuitgrad.spec import resolve_shape
from circuitgrad.structures.coloring import color_columns, color_symmetric, fewest_colors
from circuitgrad.structures.frontier import Frontier, frontier
from circuitgrad.structures.sparsity import Pattern, dependence, entries
from circuitgrad.wire import Array, Wire, topological

BATCH = 2_000_000  # entries of the largest batch of seeds: memory stays within a few such arrays

FEW = 4  # numbers under one key that are added by slices; more are added key by key


@dataclass(frozen=True)
class Compression:
    """How a sparse derivative is computed for one set of sizes.

    Attributes:
        pattern: Where it can be other than zero.
        passes: The number of products, one for each colour.
        evaluate: From the values of the circuit's inputs to those of the pattern's entries.
    """

    pattern: Pattern
    passes: int
    evaluate: Callable[[Sequence[Any]], Array]


def compress(
    circuit: Circuit,
    outputs: Sequence[Wire],
    sources: Sequence[Wire],
    sizes: Mapping[str, int],
    is_symmetric: bool,
) -> Compression:
    """The cheaper of products from the right (jvps, columns) and from the left (vjps, rows)."""
    front = frontier(outputs, sources, sizes)
    behind = dependence(outputs, front.wires, sizes)
    pattern = front.by_input(behind)
    if not pattern.nnz:
        nothing = np.zeros(0, np.result_type(*[wire.dtype for wire in outputs]))
        return Compression(pattern, 0, lambda arrays: nothing)
    hubs, colors, is_by_rows = _cheaper(pattern, behind.T.tocsr(), is_symmetric)
    if is_by_rows:
        evaluate = _by_rows(circuit, outputs, front, behind, colors, sizes)
    else:
        evaluate = _by_columns(circuit, outputs, sources, pattern, colors, hubs, sizes)
    return Compression(pattern, _number(colors), evaluate)


def _cheaper(pattern: Pattern, across: Pattern, is_symmetric: bool) -> tuple[Array, Array, bool]:
    """The hubs among the columns, the colours, and whether they are those of rows.

    What has the lower bound on its colours is coloured first, the other if it may take fewer.
    """
    no_hubs = np.zeros(pattern.shape[1], bool)
    choices = [(fewest_colors(pattern), False), (fewest_colors(across), True)]
    if not is_symmetric:  # of a symmetric matrix the bound does not hold: hubs are read off twice
        choices.sort()
    found: tuple[Array, Array, bool] | None = None
    for bound, is_by_rows in choices:
        if found is not None and bound >= _number(found[1]):
            continue
        if is_symmetric and not is_by_rows:
            colors, hubs = color_symmetric(pattern)
        else:
            colors, hubs = color_columns(across if is_by_rows else pattern), no_hubs
        if found is None or _number(colors) < _number(found[1]):
            found = hubs, colors, is_by_rows
    assert found is not None
    return found


def _by_columns(
    circuit: Circuit,
    outputs: Sequence[Wire],
    sources: Sequence[Wire],
    pattern: Pattern,
    colors: Array,
    hubs: Array,
    sizes: Mapping[str, int],
) -> Callable[[Sequence[Any]], Array]:
    """One jvp for each colour; entry (i, j) is entry i of the product of j's colour."""
    batch = _Batch(sources, outputs, colors, sizes)
    tangents = forward(outputs, dict(zip(sources, batch.seeds, strict=True)))
    rows, columns = _rows(pattern), pattern.indices
    if hubs.any():  # a hub's row is read off its column
        is_turned = hubs[rows] & ~hubs[columns]
        rows, columns = np.where(is_turned, (columns, rows), (rows, columns))
    batch.complete(circuit, tangents, colors[columns], rows)
    return batch


def _by_rows(
    circuit: Circuit,
    outputs: Sequence[Wire],
    front: Frontier,
    behind: Pattern,
    colors: Array,
    sizes: Mapping[str, int],
) -> Callable[[Sequence[Any]], Array]:
    """One vjp for each colour; entry (i, j) is entry j of the product of i's colour."""
    batch = _Batch(outputs, front.wires, colors, sizes)
    seeds: dict[Wire, Wire] = {}
    for wire, seed in zip(outputs, batch.seeds, strict=True):  # one wire may be two outputs
        seeds[wire] = seeds[wire] + seed if wire in seeds else seed
    gradients = _pulled(seeds, front.wires)
    columns = front.columns[behind.indices]
    inside = np.flatnonzero(columns >= 0)
    rows = _rows(behind)
    adding = _Adding(rows[inside] * front.number + columns[inside])
    chosen = inside[adding.order]
    batch.complete(circuit, gradients, colors[rows[chosen]], behind.indices[chosen])
    return lambda arrays: adding(batch(arrays))


def _rows(pattern: Pattern) -> Array:
    """The row of every entry of a pattern."""
    return np.repeat(np.arange(pattern.shape[0]), np.diff(pattern.indptr))


def _number(colors: Array) -> int:
    return int(colors.max(initial=-1)) + 1


def _pulled(seeds: Mapping[Wire, Wire], front: Sequence[Wire]) -> list[Wire | None]:
    """The gradient by each wire of the frontier, each taken as independent of the others."""
    order = topological(list(seeds))
    live, stop = dependents(order, front), {wire.serial for wire in front}

    def pull(wire: Wire, gradient: Wire) -> Iterable[Wire | None]:
        if wire.serial in stop or wire.serial not in live:
            return (None,) * len(wire.inputs)
        parts = wire.gate.pullback(wire, gradient)
        return [
            part if source.serial in live else None
            for part, source in zip(parts, wire.inputs, strict=True)
        ]

    with np.errstate(all="ignore"):
        start: dict[int, Wire] = {wire.serial: seed for wire, seed in seeds.items()}
        found = accumulate(order, start, pull, lambda first, second: first + second)
    return [found.get(wire.serial) for wire in front]


class _Adding:
    """How numbers are brought into the order of their keys, those of equal keys added.

    Attributes:
        order: The order in which the numbers are to come.
    """

    def __init__(self, keys: Array) -> None:
        order = np.argsort(keys, kind="stable")
        keys = keys[order]
        is_first = np.append(True, keys[1:] != keys[:-1])[: len(keys)]
        self._starts = np.flatnonzero(is_first)
        target = np.cumsum(is_first) - 1
        turn = np.arange(len(keys)) - self._starts[target]
        self._is_long = int(turn.max(initial=0)) > FEW
        self._more: list[tuple[Any, slice]] = []
        self.order = order
        if self._is_long:
            return
        self.order = order[self._starts]
        for k in range(1, int(turn.max(initial=0)) + 1):
            own = turn == k
            start = len(self.order)
            self.order = np.append(self.order, order[own])
            self._more.append((_as_slice(target[own]), slice(start, len(self.order))))

    def __call__(self, numbers: Array) -> Array:
        """The sums, of numbers in the order told: by key, or the first of each, then the others."""
        if self._is_long:
            return np.add.reduceat(numbers, self._starts)
        result = numbers[: len(self._starts)]
        for target, own in self._more:
            result[target] += numbers[own]
        return result


def _as_slice(places: Array) -> Any:
    """Positions as a slice where they are evenly spaced, which NumPy adds to faster."""
    steps = np.diff(places)
    if len(steps) and steps[0] > 0 and np.all(steps == steps[0]):
        return slice(int(places[0]), int(places[-1]) + 1, int(steps[0]))
    return places


class _Batch:
    """Products of a derivative with one seed per colour, several at a time."""

    def __init__(
        self, seeded: Sequence[Wire], taken: Sequence[Wire], colors: Array, sizes: Mapping[str, int]
    ) -> None:
        self._sizes = dict(sizes)
        self._seeded, self._taken = tuple(seeded), tuple(taken)
        self._colors = colors
        self._length = sum(entries(wire, sizes) for wire in taken)
        total = max(self._length, len(colors))
        number = _number(colors)
        self._rounds = min(-(-number * total // BATCH), number)
        self._width = -(-number // self._rounds)
        self._kept = self._values(0) if self._rounds == 1 else None
        self.seeds = [
            input_wire(f"seed_{k}", (self._width, *w.shape), w.dtype) for k, w in enumerate(seeded)
        ]

    def _values(self, position: int) -> list[Array]:
        """The seeds of one round: 1 at the entries of each colour."""
        first = position * self._width
        chosen = self._colors == np.arange(first, first + self._width)[:, None]
        arrays, start = [], 0
        for wire in self._seeded:
            stop = start + entries(wire, self._sizes)
            shape = (self._width, *resolve_shape(wire.shape, self._sizes))
            arrays.append(chosen[:, start:stop].reshape(shape).astype(wire.dtype))
            start = stop
        return arrays

    def complete(
        self, circuit: Circuit, products: Sequence[Wire | None], colors: Array, positions: Array
    ) -> None:
        """Compile the plan, and note which numbers are wanted.

        Args:
            circuit: Whose inputs will be given.
            products: The products as wires with a leading axis of colours.
            colors: The colour of each number.
            positions: Its position in the product of that colour.
        """
        wanted = [
            zeros((self._width, *w.shape), w.dtype) if p is None else p
            for w, p in zip(self._taken, products, strict=True)
        ]
        self._plan = Plan((*circuit.inputs, *self.seeds), wanted, self._sizes)
        places = colors % self._width * self._length + positions
        turns = colors // self._width
        order = np.argsort(turns, kind="stable")
        cuts = np.searchsorted(turns[order], np.arange(1, self._rounds))
        self._places = places
        self._turns = np.split(order, cuts) if self._rounds > 1 else []

    def __call__(self, arrays: Sequence[Any]) -> Array:
        """The numbers that are wanted, in order."""
        if self._kept is not None:
            # All places are inside: "clip" only spares NumPy the check.
            taken: Array = self._products(arrays, self._kept).take(self._places, mode="clip")
            return taken
        dtype = np.result_type(*[wire.dtype for wire in self._taken])
        numbers = np.empty(len(self._places), dtype)
        for position, own in enumerate(self._turns):
            products = self._products(arrays, self._values(position))
            numbers[own] = products.take(self._places[own], mode="clip")
        return numbers

    def _products(self, arrays: Sequence[Any], seeds: Sequence[Array]) -> Array:
        found = [v.reshape(self._width, -1) for v in self._plan([*arrays, *seeds])]
        return np.ravel(found[0] if len(found) == 1 else np.concatenate(found, 1))
