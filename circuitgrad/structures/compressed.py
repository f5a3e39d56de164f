"""Sparse Jacobians and Hessians: pattern, colours and plan once, then only numbers."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from scipy import sparse

from circuitgrad.circuits import Choice, Circuit
from circuitgrad.derivatives import accumulate, dependents, forward, grad
from circuitgrad.errors import ShapeError, SpecError
from circuitgrad.gates.shapes import zeros
from circuitgrad.plans.run import bind
from circuitgrad.plans.schedule import Plan
from circuitgrad.sources import input_wire
from circuitgrad.spec import resolve_shape
from circuitgrad.structures.coloring import color_columns
from circuitgrad.structures.frontier import Frontier, frontier
from circuitgrad.structures.sparsity import Pattern, dependence, entries
from circuitgrad.wire import Array, Wire, topological

BATCH = 400_000  # entries of a batch of tangents: more products at once would leave the cache


@dataclass(frozen=True)
class Compression:
    """How a sparse derivative is computed for one set of sizes.

    Attributes:
        pattern: Where it can be other than zero.
        colors: One colour per column (per row where `by_rows`), from 0 up.
        by_rows: Whether rows are grouped and vjps taken, instead of columns and jvps.
        passes: The number of products, one for each colour.
    """

    pattern: Pattern
    colors: Array
    by_rows: bool
    passes: int
    evaluate: Any


class SparseDerivative:
    """A Jacobian or Hessian as a function that returns scipy.sparse arrays.

    Rows are the entries of the outputs, columns those of the inputs chosen, both in C order. The
    pattern, the colouring and the plan are made at the first call for given sizes and kept.

    >>> import numpy as np, circuitgrad as cg
    >>> x = cg.input("x", 4)
    >>> hessian = cg.circuit(f=(x[1:] * x[:-1] ** 2).sum()).sparse_hessian("x")
    >>> hessian(x=np.arange(4.0)).toarray()
    array([[2., 0., 0., 0.],
           [0., 4., 2., 0.],
           [0., 2., 6., 4.],
           [0., 0., 4., 0.]])
    >>> hessian.passes()
    3
    """

    def __init__(self, circuit: Circuit, outputs: Sequence[Wire], sources: Sequence[Wire]) -> None:
        self._circuit = circuit
        self._outputs = tuple(outputs)
        self._sources = tuple(sources)
        self._known: dict[Any, Compression] = {}

    def __call__(self, /, *values: Any, **named: Any) -> Any:
        """The derivative at these inputs as a scipy.sparse.csr_array.

        Entries of the pattern are stored even where their value is 0.

        Raises:
            SpecError: An input missing, unknown or given twice.
            ShapeError: An array that does not fit its input, or a derivative that is too dense.
        """
        arrays, sizes = bind(self._circuit, values, named)
        return self.at(arrays, sizes)

    def at(self, arrays: Sequence[Any], sizes: Mapping[str, int]) -> Any:
        """The derivative at bound inputs: arrays in the circuit's order, sizes of named axes."""
        known = self._compression(sizes)
        pattern = known.pattern
        data = known.evaluate(arrays)
        # Copies, so that what a caller does to the array later leaves the pattern as it is.
        return sparse.csr_array(
            (data, pattern.indices.copy(), pattern.indptr.copy()), shape=pattern.shape
        )

    def pattern(self, **sizes: int) -> Any:
        """Where the derivative can be other than zero, as a Boolean scipy.sparse.csr_array.

        It follows from the circuit and the sizes alone: an entry outside it is 0 for all values.

        Args:
            **sizes: The size of every named axis.
        """
        return self._compression(self._checked(sizes)).pattern.copy()

    def passes(self, **sizes: int) -> int:
        """The number of products with the derivative that one evaluation takes."""
        return self._compression(self._checked(sizes)).passes

    def _checked(self, sizes: Mapping[str, int]) -> Mapping[str, int]:
        axes = {a: None for w in self._circuit.inputs for a in w.shape if isinstance(a, str)}
        missing = [axis for axis in axes if axis not in sizes]
        stray = [axis for axis in sizes if axis not in axes]
        if missing:
            raise ShapeError(f"pattern: axis '{missing[0]}' has no size. Give {missing[0]}=.")
        if stray:
            raise SpecError(
                f"pattern: no axis is named '{stray[0]}'; known are {', '.join(axes) or 'none'}."
            )
        return sizes

    def _compression(self, sizes: Mapping[str, int]) -> Compression:
        key = tuple(sorted(sizes.items()))
        known = self._known.get(key)
        if known is None:
            known = self._known[key] = self._compressed(dict(sizes))
        return known

    def _compressed(self, sizes: Mapping[str, int]) -> Compression:
        """The cheaper of products from the right (columns) and from the left (rows)."""
        pattern = dependence(self._outputs, self._sources, sizes)
        colors = color_columns(pattern)
        passes = _number(colors)
        front = frontier(self._outputs, self._sources, sizes) if passes > 1 else None
        if front is not None:
            behind = dependence(self._outputs, front.wires, sizes)
            if int(np.diff(behind.tocsc().indptr).max(initial=0)) < passes:
                by_row = color_columns(behind.T.tocsr())
                if _number(by_row) < passes:
                    evaluate = self._by_rows(behind, pattern, front, by_row, sizes)
                    return Compression(pattern, by_row, True, _number(by_row), evaluate)
        return Compression(pattern, colors, False, passes, self._by_columns(pattern, colors, sizes))

    def _by_columns(self, pattern: Pattern, colors: Array, sizes: Mapping[str, int]) -> Any:
        """One jvp for each colour; entry (i, j) is entry i of the product of j's colour."""
        batch = _Batch(self._sources, self._outputs, colors, sizes)
        tangents = forward(self._outputs, dict(zip(self._sources, batch.seeds, strict=True)))
        rows = np.repeat(np.arange(pattern.shape[0]), np.diff(pattern.indptr))
        batch.complete(self._circuit, tangents)
        places = colors[pattern.indices] * pattern.shape[0] + rows
        return lambda arrays: batch(arrays).take(places)

    def _by_rows(
        self,
        behind: Pattern,
        pattern: Pattern,
        front: Frontier,
        colors: Array,
        sizes: Mapping[str, int],
    ) -> Any:
        """One vjp for each colour; entry (i, j) is entry j of the product of i's colour."""
        batch = _Batch(self._outputs, front.wires, colors, sizes)
        gradients = _pulled(dict(zip(self._outputs, batch.seeds, strict=True)), front.wires)
        batch.complete(self._circuit, gradients)
        rows = np.repeat(np.arange(behind.shape[0]), np.diff(behind.indptr))
        places = colors[rows] * behind.shape[1] + behind.indices
        columns = front.columns[behind.indices]
        inside = columns >= 0
        keys = rows[inside] * pattern.shape[1] + columns[inside]
        adding = _Adding(keys, places[inside])
        return lambda arrays: adding(batch(arrays))


class _Adding:
    """Numbers taken from an array in the order of their keys, those of equal keys added."""

    def __init__(self, keys: Array, places: Array) -> None:
        order = np.argsort(keys, kind="stable")
        keys, places = keys[order], places[order]
        is_first = np.append(True, keys[1:] != keys[:-1])[: len(keys)]
        starts = np.flatnonzero(is_first)
        target = np.cumsum(is_first) - 1
        turn = np.arange(len(keys)) - starts[target]
        self._first = places[starts]
        self._more = [
            (_as_slice(target[turn == k]), places[turn == k])
            for k in range(1, int(turn.max(initial=0)) + 1)
        ]

    def __call__(self, numbers: Array) -> Array:
        result = numbers.take(self._first)
        for target, places in self._more:
            result[target] += numbers.take(places)
        return result


def _as_slice(places: Array) -> Any:
    """Positions as a slice where they are evenly spaced, which NumPy adds to faster."""
    steps = np.diff(places)
    if len(steps) and steps[0] > 0 and np.all(steps == steps[0]):
        return slice(int(places[0]), int(places[-1]) + 1, int(steps[0]))
    return places


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


class _Batch:
    """Products of a derivative with one seed per colour, several at a time."""

    def __init__(
        self, seeded: Sequence[Wire], taken: Sequence[Wire], colors: Array, sizes: Mapping[str, int]
    ) -> None:
        self._sizes = dict(sizes)
        self._taken = tuple(taken)
        total = max(sum(entries(w, sizes) for w in group) for group in (seeded, taken))
        number = _number(colors)
        self._rounds = -(-number * total // BATCH) or 1
        self._rounds = min(self._rounds, max(number, 1))
        self._width = -(-number // self._rounds)
        self._values = [self._arrays(seeded, colors, k) for k in range(self._rounds)]
        self.seeds = [
            input_wire(f"seed_{k}", (self._width, *resolve_shape(w.shape, sizes)), w.dtype)
            for k, w in enumerate(seeded)
        ]

    def _arrays(self, seeded: Sequence[Wire], colors: Array, position: int) -> list[Array]:
        """The seeds of one round: 1 at the entries of each colour."""
        first = position * self._width
        chosen = colors == np.arange(first, first + self._width)[:, None]
        arrays, start = [], 0
        for wire in seeded:
            stop = start + entries(wire, self._sizes)
            shape = (self._width, *resolve_shape(wire.shape, self._sizes))
            arrays.append(chosen[:, start:stop].reshape(shape).astype(wire.dtype))
            start = stop
        return arrays

    def complete(self, circuit: Circuit, products: Sequence[Wire | None]) -> None:
        """Compile the plan for the products, given as wires with a leading axis of colours."""
        wanted = [
            zeros((self._width, *resolve_shape(w.shape, self._sizes)), w.dtype) if p is None else p
            for w, p in zip(self._taken, products, strict=True)
        ]
        self._plan = Plan((*circuit.inputs, *self.seeds), wanted, self._sizes)

    def __call__(self, arrays: Sequence[Any]) -> Array:
        """All products, a row for each colour, flattened."""
        rows = []
        for seeds in self._values:
            found = [v.reshape(self._width, -1) for v in self._plan([*arrays, *seeds])]
            rows.append(found[0] if len(found) == 1 else np.concatenate(found, 1))
        return np.ravel(rows[0] if len(rows) == 1 else np.concatenate(rows))


def sparse_jacobian(
    circuit: Circuit, wrt: Choice = None, output: str | None = None
) -> SparseDerivative:
    """The Jacobian of the outputs (of one of them, if it is named) by the inputs chosen, sparse."""
    key = ("sparse", 1, circuit.choose(wrt), output)
    known: SparseDerivative | None = circuit._plans.get(key)
    if known is None:
        outputs = circuit.outputs if output is None else (circuit.output(output),)
        known = circuit._plans[key] = SparseDerivative(circuit, outputs, circuit.choose(wrt))
    return known


def sparse_derivative(
    circuit: Circuit, position: int, arrays: Sequence[Any], sizes: Mapping[str, int]
) -> Any:
    """One output of a Jacobian or Hessian, computed sparse at bound inputs.

    Args:
        circuit: What `jacobian` or `hessian` returned.
        position: Which of its outputs.
        arrays: The inputs in order.
        sizes: The size of every named axis.

    Returns:
        A scipy.sparse.csr_array; None where more than a quarter of the entries can be other than
        zero, or the circuit is no Jacobian.
    """
    if not circuit.origins:
        return None
    key = ("sparse", position)
    known: SparseDerivative | None = circuit._plans.get(key)
    if known is None:
        known = circuit._plans[key] = SparseDerivative(circuit, *circuit.origins[position])
    try:
        pattern = known.pattern(**sizes)
    except ShapeError:
        return None
    is_dense = 4 * pattern.nnz > math.prod(pattern.shape)
    return None if is_dense else known.at(arrays, sizes)


def sparse_hessian(
    circuit: Circuit, wrt: Choice = None, output: str | None = None
) -> SparseDerivative:
    """The Hessian of a scalar output by the inputs chosen, sparse: the Jacobian of the gradient."""
    key = ("sparse", 2, circuit.choose(wrt), output)
    known: SparseDerivative | None = circuit._plans.get(key)
    if known is None:
        chosen = circuit.choose(wrt)
        gradient = grad(circuit, chosen, output)
        known = circuit._plans[key] = SparseDerivative(circuit, gradient.outputs, chosen)
    return known
