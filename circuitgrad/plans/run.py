"""Runs: a circuit evaluated at given inputs, with every value.

Upstream gradient and local gradient kept.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, TypeAlias

import numpy as np

from circuitgrad.circuits import Circuit
from circuitgrad.derivatives import BackwardPass, backward_pass
from circuitgrad.errors import ShapeError, SpecError
from circuitgrad.grammar import nearest
from circuitgrad.methods import upper_layer
from circuitgrad.plans.schedule import Plan, root
from circuitgrad.sources import constant
from circuitgrad.spec import SCALAR, bind_shape, format_shape, resolve_shape, unmasked
from circuitgrad.wire import Array, Wire, describe

if TYPE_CHECKING:
    from circuitgrad.viz.figure import Figure

Value: TypeAlias = "float | Array"


def evaluate(circuit: Circuit, values: Sequence[Any], named: Mapping[str, Any]) -> Any:
    """The outputs of a circuit: one value, or a dict by name if there are several."""
    plan, arrays = _prepared(circuit, values, named)
    values = plan(arrays)
    if all(plan.is_own):
        results = [_finished(value, copy=False) for value in values]
    else:
        results = _separate(plan, arrays, values)
    if len(results) == 1:
        return results[0]
    return dict(zip(circuit.output_names, results, strict=True))


def _separate(plan: Plan, arrays: Sequence[Any], values: Sequence[Any]) -> list[Value]:
    """The values, each with memory of its own."""
    taken = {id(root(array)) for array in arrays} | plan.constants
    results = []
    for value in values:
        owner = root(value)
        results.append(_finished(value, copy=id(owner) in taken))
        taken.add(id(owner))
    return results


def _prepared(
    circuit: Circuit, values: Sequence[Any], named: Mapping[str, Any]
) -> tuple[Plan, Sequence[Any]]:
    """The plan for some values, and the values as arrays.

    Arrays of shapes and dtypes that have been checked once are not looked at again.
    """
    seen = None if named else signature(values)
    if seen is not None:
        plan: Plan | None = circuit._plans.get(seen)
        if plan is not None:
            return plan, values
    arrays, sizes = bind(circuit, values, named)
    plan = plan_of(circuit, sizes)
    if seen is not None and all([a is b for a, b in zip(arrays, values, strict=False)]):
        circuit._plans[seen] = plan
    return plan, arrays


def signature(values: Sequence[Any]) -> tuple[Any, ...] | None:
    """The shapes and dtypes of some arrays; None where a value is a number or no array."""
    if all([type(value) is np.ndarray and value.ndim for value in values]):
        return tuple([(value.shape, value.dtype) for value in values])
    return None


def plan_of(circuit: Circuit, sizes: Mapping[str, int], keep: bool = False) -> Plan:
    """The compiled plan of a circuit for these axis sizes; compiled once and remembered."""
    key = (keep, tuple(sorted(sizes.items())))
    plan = circuit._plans.get(key)
    if plan is None:
        wanted = circuit.wires if keep else circuit.outputs
        plan = circuit._plans[key] = Plan(circuit.inputs, wanted, sizes, reuse=not keep)
    result: Plan = plan
    return result


def bind(
    circuit: Circuit, values: Sequence[Any], named: Mapping[str, Any]
) -> tuple[list[Any], dict[str, int]]:
    """The inputs as arrays in order, and the size of every named axis.

    Raises:
        SpecError: An input missing, unknown, given twice, or not made of real numbers.
        ShapeError: An array that does not fit its input.
    """
    complete = not named and len(values) == len(circuit.inputs)
    ordered = values if complete else by_name(circuit.input_names, values, named)
    sizes: dict[str, int] = {}
    arrays = []
    for wire, value in zip(circuit.inputs, ordered, strict=True):
        if type(value) is float and wire.spec == SCALAR:
            arrays.append(value)
            continue
        array = _array(wire, value)
        bind_shape(wire.label, wire.shape, np.shape(array), sizes)
        arrays.append(array)
    _check_free_axes(circuit, sizes)
    return arrays, sizes


def by_name(names: Sequence[str], values: Sequence[Any], named: Mapping[str, Any]) -> list[Any]:
    """The values in the order of the inputs."""
    if len(values) > len(names):
        raise SpecError(
            f"circuit: {len(values)} values for {len(names)} inputs ({', '.join(names)})."
        )
    given = dict(zip(names, values, strict=False))
    for name in named:
        if name not in names:
            raise SpecError(f"circuit: no input is named '{name}'.{nearest(name, names)}")
        if name in given:
            raise SpecError(f"circuit: input '{name}' is given twice, by position and by name.")
    given |= named
    missing = [name for name in names if name not in given]
    if missing:
        raise SpecError(
            f"circuit: input '{missing[0]}' is missing. Needed: {', '.join(names)}; "
            f"got {', '.join(given) or 'nothing'}."
        )
    return [given[name] for name in names]


def _array(wire: Wire, value: Any) -> Any:
    """A value in an input's dtype; a float64 scalar as a plain float."""
    if isinstance(value, Wire):
        raise SpecError(
            f"input '{wire.label}': got the wire {describe(value)}; a circuit is called with "
            "numbers. To build on, use the expression that the circuit was made of."
        )
    try:
        array = unmasked(value)
    except (SpecError, ValueError, TypeError) as error:
        raise SpecError(f"input '{wire.label}': got {value!r}; needed numbers. {error}") from None
    if array.dtype.kind not in "fiub":
        raise SpecError(
            f"input '{wire.label}': got {type(value).__name__} of dtype {array.dtype}; "
            "needed real numbers."
        )
    converted = array.astype(wire.dtype, copy=False)
    return float(converted) if converted.dtype == np.float64 and not converted.ndim else converted


def _check_free_axes(circuit: Circuit, sizes: Mapping[str, int]) -> None:
    for wire in circuit.sized_inside:
        free = [axis for axis in wire.shape if isinstance(axis, str) and axis not in sizes]
        if free:
            raise ShapeError(f"{describe(wire)}: no input tells the size of axis '{free[0]}'.")


def _finished(value: Any, copy: bool = True) -> Value:
    """A float for a float64 scalar, else an array that is the caller's own."""
    if isinstance(value, float) and not isinstance(value, np.floating):
        return value
    array = np.asarray(value)
    if not array.ndim:
        return float(array) if array.dtype == np.float64 else array[()]
    owner = root(array)
    is_whole = owner.flags.owndata and owner.size == array.size
    is_own = not copy and array.flags.writeable and is_whole
    owned: Array = array if is_own else array.copy()
    return owned


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
            source.label: _finished(
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
            _finished(self._values[wire.serial]),
            None if upstream is None else _finished(upstream),
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
        return None if found is None else _finished(found)

    def first_nonfinite(self) -> Wire | None:
        """The first wire, in forward order, whose value has a NaN or an infinity.

        None if all are finite.
        """
        for wire in self.circuit.wires:
            if not np.all(np.isfinite(self._values[wire.serial])):
                return wire
        return None

    def draw(self, **options: Any) -> Figure:
        """The figure of this run: without gradients where no backward pass has been run.

        Args:
            **options: As in `circuitgrad.viz.drawing.draw`.
        """
        figure: Figure = upper_layer("viz.drawing").draw(self.circuit, self, **options)
        return figure

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
            local = _finished(self._numbers[local.serial])
        upstream = _finished(self._numbers[edge.upstream.serial])
        if edge.downstream is None:
            shape = resolve_shape(edge.source.shape, self._sizes)
            downstream: Value = np.zeros(shape, edge.source.dtype) if shape else 0.0
        else:
            downstream = _finished(self._numbers[edge.downstream.serial])
        return EdgeRecord(edge.gate_wire, edge.position, edge.source, upstream, local, downstream)

    def gradient(self, wire: Wire, shape: tuple[int, ...]) -> Any:
        found = self.gradients.get(wire.serial)
        return np.zeros(shape, wire.dtype) if found is None else found

    def local(self, wire: Wire) -> Any:
        found = self._locals.get(wire.serial, ())
        return found[0] if len(found) == 1 else tuple(found) or None


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
