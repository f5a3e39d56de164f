"""Plans: a circuit flattened into steps over numbered slots, run by one loop."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from typing import Any, TypeGuard

import numpy as np

from circuitgrad.gates import arithmetic
from circuitgrad.gates.contraction_kernels import scaling
from circuitgrad.gates.from_einsum import Einsum, is_view
from circuitgrad.gates.from_formula import Elementwise
from circuitgrad.plans.factoring import factored
from circuitgrad.plans.placements import adding_kernel, is_placement
from circuitgrad.plans.sharing import shared
from circuitgrad.sources import Constant
from circuitgrad.spec import FLOAT64, resolve_shape
from circuitgrad.wire import Array, Gate, Wire

LEAST_OVERWRITTEN = 16_384  # bytes: a smaller array is made faster than the choice of its place
Step = tuple[Callable[..., Any], tuple[int, ...], int]


class Plan:
    """The computation of some wires from the values of others, compiled for one set of axis sizes.

    Steps are (kernel, operand slots, result slot). Where values are not kept, slots are reused as
    soon as their last reader has run, ufuncs write over an operand that dies, and broadcasts that
    only feed elementwise gates are left to the kernels.

    Args:
        given: The wires whose values are passed to the plan, in order.
        wanted: The wires whose values it returns, in order.
        sizes: The size of every named axis.
        reuse: Whether slots and arrays may be reused (False when the caller keeps every value).

    Attributes:
        gates: The wires that are computed, in order, each with the wires that its kernel reads.
        wanted: The serial numbers of the wires returned.
        is_own: For each wire returned whether its array is new and no other result looks into it.
        constants: The identities of the arrays that belong to the plan, not to a caller.
    """

    def __init__(
        self,
        given: Sequence[Wire],
        wanted: Sequence[Wire],
        sizes: Mapping[str, int],
        reuse: bool = True,
    ) -> None:
        self._sizes = dict(sizes)
        self._given = {wire.serial for wire in given}
        self._order = [w for w in self._needed(wanted) if w.serial not in self._given]
        if reuse:
            wanted = factored(self._order, given, wanted, sizes)
            self._order = [w for w in self._needed(wanted) if w.serial not in self._given]
            wanted = shared(self._order, wanted, sizes)
            self._order = [w for w in self._needed(wanted) if w.serial not in self._given]
        self._shapes = {
            w.serial: resolve_shape(w.shape, sizes) for w in (*given, *self._order, *wanted)
        }
        self._slot: dict[int, int] = {}
        self._initial: list[Any] = []
        for wire in given:
            self._slot.setdefault(wire.serial, self._new_slot(None))
        self._inputs = [self._slot[wire.serial] for wire in given]
        self.is_scalar = self._all_scalar(given, wanted)
        self.steps: list[Step] = []
        self._schedule(wanted, reuse)
        self._outputs = [self._slot[wire.serial] for wire in wanted]
        self.wanted = tuple(wire.serial for wire in wanted)
        last = Counter(self.wanted)
        self.is_own = tuple(last[w.serial] == 1 and _is_own(w) for w in wanted)
        self.constants = frozenset(id(root(v)) for v in self._initial if v is not None)
        self._exact_steps = self.steps
        if self.is_scalar:
            self._exact_steps, self.steps = (
                self.steps,
                [_scalar_step(s) for s in self._named_steps()],
            )

    def _needed(self, wanted: Sequence[Wire]) -> tuple[Wire, ...]:
        """Topological order of what the wanted wires need, not going behind the given ones."""
        seen: dict[int, Wire] = {}
        stack = list(wanted)
        while stack:
            wire = stack.pop()
            if wire.serial not in seen:
                seen[wire.serial] = wire
                if wire.serial not in self._given:
                    stack.extend(wire.inputs)
        return tuple(seen[serial] for serial in sorted(seen))

    def _new_slot(self, value: Any) -> int:
        self._initial.append(value)
        return len(self._initial) - 1

    def _all_scalar(self, given: Sequence[Wire], wanted: Sequence[Wire]) -> bool:
        everything = (*given, *self._order, *wanted)
        return all(not w.shape and w.dtype == FLOAT64 for w in everything) and all(
            type(w.gate) is Elementwise or type(w.gate) is Constant for w in self._order
        )

    def _schedule(self, wanted: Sequence[Wire], reuse: bool) -> None:
        operands = {w.serial: self._operands(w, reuse) for w in self._order}
        last: dict[int, int] = {}
        for position, wire in enumerate(self._order):
            for source in operands[wire.serial]:
                last[source.serial] = position
        readers = Counter(source.serial for found in operands.values() for source in set(found))
        kept = {w.serial for w in wanted} | self._given
        for wire in self._order:
            if type(wire.gate) is Constant or _is_spread_constant(wire):
                kept.add(wire.serial)
        self._wires: list[Wire] = []
        self.gates: list[tuple[Wire, tuple[Wire, ...]]] = []
        free: list[int] = []
        readable = self._overwritable(operands) if reuse else set()
        for position, wire in enumerate(self._order):
            if type(wire.gate) is Constant:
                data = wire.gate.data
                self._slot[wire.serial] = self._new_slot(float(data) if self.is_scalar else data)
                continue
            if reuse and _is_spread_constant(wire):
                value = self._kernel(wire, wire.inputs)(
                    self._initial[self._slot[wire.inputs[0].serial]]
                )
                self._slot[wire.serial] = self._new_slot(value)
                continue
            if wire.serial not in last and wire.serial not in kept:
                continue  # read by nobody: a broadcast that its readers see through
            sources = operands[wire.serial]
            slots = tuple(self._slot[s.serial] for s in sources)
            dying = [
                s for s in dict.fromkeys(sources)
                if last.get(s.serial) == position and s.serial not in kept
            ]  # fmt: skip
            kernel = self._kernel(wire, sources)
            if reuse and wire.spec.shape and (placed := self._placed_operand(wire)) is not None:
                owned = bool(dying) and dying[0] is sources[0] and readers[sources[0].serial] == 1
                gate = wire.inputs[placed].gate
                kernel = adding_kernel(
                    gate, self._shapes[wire.serial], owned and _is_own(sources[0])
                )
            elif reuse and dying and wire.spec.shape:
                kernel = self._overwriting(kernel, wire, sources, dying, readable)
            free.extend(self._slot[s.serial] for s in dying if reuse)
            self._slot[wire.serial] = free.pop() if free else self._new_slot(None)
            self.steps.append((kernel, slots, self._slot[wire.serial]))
            self._wires.append(wire)
            self.gates.append((wire, sources))

    def _operands(self, wire: Wire, reuse: bool) -> tuple[Wire, ...]:
        """A gate's inputs, with broadcasts left to elementwise kernels where that is the same."""
        if not reuse or not wire.spec.shape or not _is_ufunc(wire):
            return wire.inputs
        placed = self._placed_operand(wire)
        if placed is not None:
            return wire.inputs[1 - placed], wire.inputs[placed].inputs[0]
        seen = tuple(self._behind_broadcast(source) for source in wire.inputs)
        shapes = [self._shapes.get(s.serial) or resolve_shape(s.shape, self._sizes) for s in seen]
        whole = np.broadcast_shapes(*shapes) == self._shapes[wire.serial]
        return seen if whole else wire.inputs

    def _placed_operand(self, wire: Wire) -> int | None:
        """Which operand of a sum only places entries among zeros: it is added there alone."""
        if wire.gate is not arithmetic.add or any([s.dtype != wire.dtype for s in wire.inputs]):
            return None
        for k in (1, 0):
            source = wire.inputs[k]
            if source.serial not in self._given and is_placement(source.gate):
                return k
        return None

    def _behind_broadcast(self, wire: Wire) -> Wire:
        gate = wire.gate
        if type(gate) is not Einsum or len(gate.operands) != 1 or wire.serial in self._given:
            return wire
        (term,) = gate.operands
        new = [letter for letter, _ in gate.sizes]
        leading = gate.output.endswith(term) and len(set(gate.output)) == len(gate.output)
        return wire.inputs[0] if leading and len(new) + len(term) == len(gate.output) else wire

    def _overwritable(self, operands: Mapping[int, tuple[Wire, ...]]) -> set[int]:
        """Wires whose arrays are their own and that no view looks into."""
        fresh = {w.serial for w in self._order if _is_own(w)}
        for wire in self._order:
            if type(wire.gate) is not Elementwise and not _is_computed(wire.gate):
                fresh -= {s.serial for s in operands[wire.serial]}
        return fresh

    def _overwriting(
        self,
        kernel: Callable[..., Any],
        wire: Wire,
        sources: Sequence[Wire],
        dying: list[Wire],
        readable: set[int],
    ) -> Callable[..., Any]:
        """The kernel writing over an operand that dies here, if one has the result's shape."""
        if math.prod(self._shapes[wire.serial]) * wire.dtype.itemsize < LEAST_OVERWRITTEN:
            return kernel
        for k, source in enumerate(sources):
            if (
                source.serial in readable
                and any(s is source for s in dying)
                and self._shapes[source.serial] == self._shapes[wire.serial]
                and source.dtype == wire.dtype
            ):
                if isinstance(kernel, np.ufunc):
                    return _into(kernel, k)
                if _is_computed(wire.gate):
                    return scaling(wire.gate.operands, wire.gate.output, k) or kernel
        return kernel

    def _kernel(self, wire: Wire, sources: Sequence[Wire]) -> Callable[..., Any]:
        gate = wire.gate
        if type(gate) is Einsum:
            gate = gate.resolved(self._sizes)
        shapes = tuple(self._shapes[s.serial] for s in sources)
        return gate.kernel(shapes, self._shapes[wire.serial], wire.dtype)

    def shape(self, wire: Wire) -> tuple[int, ...]:
        """The shape of a wire with the sizes of this plan."""
        return self._shapes.get(wire.serial) or resolve_shape(wire.shape, self._sizes)

    def _named_steps(self) -> list[tuple[Wire, Step]]:
        return list(zip(self._wires, self.steps, strict=True))

    def __call__(self, values: Sequence[Any]) -> list[Any]:
        """The values of the wanted wires.

        Args:
            values: One value per given wire: arrays of the right shape and dtype (floats for a
                scalar plan).
        """
        if not self.is_scalar:
            return self._run(self.steps, _as_arrays(values))
        try:
            return self._run(self.steps, [float(v) for v in values])
        except (OverflowError, ZeroDivisionError, ValueError):
            # Python's floats raise where NumPy answers inf or nan: answer as NumPy does.
            exact = self._run(self._exact_steps, _as_arrays(values))
            return [float(v) for v in exact]

    def _run(self, steps: Sequence[Step], values: Sequence[Any]) -> list[Any]:
        is_fast = self.is_scalar and steps is self.steps
        slots = self._initial.copy() if is_fast else _as_arrays(self._initial)
        for slot, value in zip(self._inputs, values, strict=True):
            slots[slot] = value
        for kernel, sources, target in steps:
            if len(sources) == 2:
                first, second = sources
                slots[target] = kernel(slots[first], slots[second])
            elif len(sources) == 1:
                slots[target] = kernel(slots[sources[0]])
            else:
                slots[target] = kernel(*[slots[s] for s in sources])
        return [slots[slot] for slot in self._outputs]


def root(value: Any) -> Any:
    """The array that owns the memory of a value."""
    while isinstance(value, np.ndarray) and isinstance(value.base, np.ndarray):
        value = value.base
    return value


def _is_spread_constant(wire: Wire) -> bool:
    """Whether a wire repeats a constant along new axes: a view that is made once."""
    return is_view(wire) and type(wire.inputs[0].gate) is Constant


def _is_own(wire: Wire) -> bool:
    """Whether a wire's kernel makes an array of its own, which may be written over."""
    gate = wire.gate
    if _is_computed(gate):
        return not gate.sizes  # with ones on new axes it is a view that repeats entries
    return _is_ufunc(wire) or is_placement(gate)


def _is_computed(gate: Gate) -> TypeGuard[Einsum]:
    """Whether a gate is a contraction that multiplies or sums: its result is no view."""
    if not isinstance(gate, Einsum):
        return False
    return len(gate.operands) > 1 or not set("".join(gate.operands)) <= set(gate.output)


def _is_ufunc(wire: Wire) -> bool:
    """Whether a wire's kernel is a ufunc: it broadcasts, and its result is an array of its own."""
    gate = wire.gate
    return type(gate) is Elementwise and isinstance(gate.compute, np.ufunc)


def _as_arrays(values: Sequence[Any]) -> list[Any]:
    """Python floats as NumPy's, which kernels take for arrays."""
    return [np.float64(v) if type(v) is float else v for v in values]


def _into(ufunc: np.ufunc, position: int) -> Callable[..., Array]:
    """A ufunc that writes its result over one of its operands."""

    def kernel(*arrays: Array) -> Array:
        result: Array = ufunc(*arrays, out=arrays[position])
        return result

    return kernel


def _scalar_step(named: tuple[Wire, Step]) -> Step:
    wire, (kernel, sources, target) = named
    scalar = wire.gate.scalar_kernel()
    if scalar is None:
        return (lambda *values: float(kernel(*map(np.float64, values)))), sources, target
    if isinstance(scalar, np.ufunc):
        return (lambda *values: float(scalar(*values))), sources, target
    return scalar, sources, target
