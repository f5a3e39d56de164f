"""Runs: a circuit evaluated at given inputs, with every value.

Upstream gradient and local gradient kept.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from circuitgrad.circuits import Circuit
from circuitgrad.derivatives import BackwardPass, backward_pass
from circuitgrad.errors import ShapeError, SpecError
from circuitgrad.grammar import nearest
from circuitgrad.methods import upper_layer
from circuitgrad.plans.evaluation import Value, bind, finished, plan_of
from circuitgrad.plans.schedule import Plan
from circuitgrad.sources import constant
from circuitgrad.spec import format_shape, resolve_shape
from circuitgrad.wire import Wire, describe

if TYPE_CHECKING:
    from circuitgrad.viz.figure import Figure


@dataclass(frozen=True)
class Record:
    """What a run knows of one wire: the numbers that the figure shows.

    Attributes:
        wire: The wire.
        value: Its value in the forward pass.
        upstream: The gradient of the output by this wire; None before the backward pass, or where
            the output does not depend on an input through it.
        local: The local gradient along the wire: that of the gate it feeds by this wire. A tuple
            for several readers; None for none, or where the gate is not elementwise.
    """

    wire: Wire
    value: Value
    upstream: Value | None
    local: Value | tuple[Value | None, ...] | None


@dataclass(frozen=True)
class EdgeRecord:
    """The numbers along one wire into one gate: downstream = upstream × local.

    Attributes:
        gate_wire: The output of the gate.
        position: Which operand of the gate this is.
        source: The wire that comes in.
        upstream: The gradient that arrives at the gate.
        local: The local gradient; None where the gate is not elementwise.
        downstream: The gradient that this gate sends along the wire.
    """

    gate_wire: Wire
    position: int
    source: Wire
    upstream: Value
    local: Value | None
    downstream: Value


class Run:
    """One evaluation of a circuit, everything kept. Made by `circuit.run(...)`.

    >>> from circuitgrad.circuits import circuit
    >>> from circuitgrad.sources import input_wires
    >>> x, y = input_wires("x y")
    >>> run = circuit(f=x * y).run(x=3, y=-4)
    >>> run["f"].value, run.backward()
    (-12.0, {'x': -4.0, 'y': 3.0})
    """

    def __init__(self, circuit: Circuit, values: Sequence[Any], named: Mapping[str, Any]) -> None:
        self.circuit = circuit
        arrays, self.sizes = bind(circuit, values, named)
        plan = plan_of(circuit, self.sizes, keep=True)
        # A copy, so that what the caller writes into an array later changes no number that is kept.
        found = plan([np.array(a) if isinstance(a, np.ndarray) else a for a in arrays])
        self._values: dict[int, Any] = {
            w.serial: v for w, v in zip(circuit.wires, found, strict=True)
        }
        self._passes: dict[str, _Backward] = {}
        self._latest: _Backward | None = None

    def backward(self, output: str | None = None, seed: Any = None) -> dict[str, Value]:
        """The backward pass from one output: its gradient by every input, by name.

        Args:
            output: The output to start from; needed where there are several.
            seed: The upstream gradient at the output; 1 by default.

        Raises:
            ShapeError: An output that is not a scalar, without a seed.
        """
        wire = self.circuit.output(output)
        name = self.circuit.output_name(output)
        known = self._passes.get(name)
        if seed is not None or known is None or known.is_seeded:
            known = self._passes[name] = _Backward(self, wire, seed)
        self._latest = known
        return {
            source.label: finished(
                self._latest.gradient(source, resolve_shape(source.shape, self.sizes))
            )
            for source in self.circuit.inputs
        }

    def __getitem__(self, key: str | Wire) -> Record:
        wire = self._find(key)
        latest = self._latest
        upstream = None if latest is None else latest.gradients.get(wire.serial)
        return Record(
            wire,
            finished(self._values[wire.serial]),
            None if upstream is None else finished(upstream),
            None if latest is None else latest.local(wire),
        )

    def edges(self, output: str | None = None) -> tuple[EdgeRecord, ...]:
        """The numbers along every wire into a gate, for the backward pass of an output.

        Raises:
            SpecError: The backward pass of this output has not been run.
        """
        name = self.circuit.output_name(output)
        if name not in self._passes:
            raise SpecError(
                f"edges: the backward pass of '{name}' has not run. Call run.backward('{name}')."
            )
        return self._passes[name].edges

    @property
    def is_backward_done(self) -> bool:
        """Whether a backward pass has been run."""
        return self._latest is not None

    def gradient(self, wire: Wire, output: str | None = None) -> Value | None:
        """The gradient of an output by a wire in the pass that was run.

        None where there is none.
        """
        name = self.circuit.output_name(output)
        found = self._passes[name].gradients.get(wire.serial) if name in self._passes else None
        return None if found is None else finished(found)

    def first_nonfinite(self) -> Wire | None:
        """The first wire, in forward order, whose value has a NaN or an infinity.

        None if all are finite.
        """
        for wire in self.circuit.wires:
            value = self._values[wire.serial]
            if not (math.isfinite if isinstance(value, float) else _all_finite)(value):
                return wire
        return None

    def draw(self, **options: Any) -> Figure:
        """The figure of this run: without gradients where no backward pass has been run.

        Args:
            **options: As in `circuitgrad.viz.drawing.draw`.
        """
        figure: Figure = upper_layer("viz.drawing").draw(self.circuit, self, **options)
        return figure

    def summary(self, output: str | None = None, top: int = 10) -> Any:
        """Tables for a circuit too large to be read: largest gradients, and every scope.

        Args:
            output: Whose backward pass; needed where there are several outputs.
            top: How many of the largest gradients are listed.
        """
        return upper_layer("viz.summary").run_summary(self, output, top)

    def _find(self, key: str | Wire) -> Wire:
        if isinstance(key, Wire):
            if key.serial in self._values:
                return key
            raise SpecError(f"run: {describe(key)} is not a wire of this circuit.")
        for name, wire in zip(self.circuit.output_names, self.circuit.outputs, strict=True):
            if name == key:
                return wire
        for wire in self.circuit.wires:
            if wire.label == key:
                return wire
        known = [*self.circuit.output_names, *(w.label for w in self.circuit.wires if w.label)]
        raise SpecError(f"run: no wire is named '{key}'.{nearest(str(key), known)}")

    def __repr__(self) -> str:
        done = "forward and backward" if self._latest else "forward"
        return f"<Run of {', '.join(self.circuit.output_names)}: {done}>"


class _Backward:
    """The numbers of one backward pass."""

    def __init__(self, run: Run, output: Wire, seed: Any) -> None:
        circuit = run.circuit
        self.is_seeded = seed is not None
        start = None if seed is None else _seed(output, seed, run.sizes)
        passed = backward_pass(circuit, output, start)
        wanted = _wanted(passed)
        given = list(circuit.wires)
        plan = Plan(given, wanted, run.sizes, reuse=False)
        found = plan([run._values[wire.serial] for wire in given])
        self._numbers = {wire.serial: v for wire, v in zip(wanted, found, strict=True)}
        self.gradients = {w.serial: self._numbers[g.serial] for w, g in passed.gradients.items()}
        self._sizes = run.sizes
        self.edges = tuple(self._edge(edge) for edge in passed.edges)
        self._locals: dict[int, list[Value | None]] = {}
        for edge in self.edges:
            self._locals.setdefault(edge.source.serial, []).append(edge.local)

    def _edge(self, edge: Any) -> EdgeRecord:
        local = edge.local
        if isinstance(local, Wire):
            local = finished(self._numbers[local.serial])
        upstream = finished(self._numbers[edge.upstream.serial])
        if edge.downstream is None:
            shape = resolve_shape(edge.source.shape, self._sizes)
            downstream: Value = np.zeros(shape, edge.source.dtype) if shape else 0.0
        else:
            downstream = finished(self._numbers[edge.downstream.serial])
        return EdgeRecord(edge.gate_wire, edge.position, edge.source, upstream, local, downstream)

    def gradient(self, wire: Wire, shape: tuple[int, ...]) -> Any:
        found = self.gradients.get(wire.serial)
        return np.zeros(shape, wire.dtype) if found is None else found

    def local(self, wire: Wire) -> Any:
        found = self._locals.get(wire.serial, ())
        return found[0] if len(found) == 1 else tuple(found) or None


def _all_finite(value: Any) -> bool:
    return bool(np.all(np.isfinite(value)))


def _wanted(passed: BackwardPass) -> list[Wire]:
    wires = list(passed.gradients.values())
    for edge in passed.edges:
        wires.append(edge.upstream)
        wires.extend(w for w in (edge.local, edge.downstream) if isinstance(w, Wire))
    return list(dict.fromkeys(wires))


def _seed(output: Wire, seed: Any, sizes: Mapping[str, int]) -> Wire:
    wire = constant(seed, output.dtype)
    shape = resolve_shape(output.shape, sizes)
    if wire.shape != shape:
        raise ShapeError(
            f"backward: the seed is {format_shape(wire.shape)}; {describe(output)} is "
            f"{format_shape(shape)}. Give one upstream gradient per entry."
        )
    return wire
