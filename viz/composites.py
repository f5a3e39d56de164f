"""Composite gates opened: the gates that each stands for, in a scope of its name."""

import contextlib
import contextvars
from collections.abc import Collection

from circuitgrad.circuits import Circuit
from circuitgrad.errors import SpecError
from circuitgrad.gates.from_rule import declaration_of, parameters_of
from circuitgrad.grammar import nearest
from circuitgrad.plans.run import Run
from circuitgrad.wire import Wire, intern, scope


def with_parts(
    circuit: Circuit, run: Run | None, wanted: bool | str | Collection[str]
) -> tuple[Circuit, Run | None]:
    """The circuit with composite gates replaced by what they stand for, and its run.

    Args:
        circuit: What is drawn.
        run: Its numbers; the new circuit is run on the same inputs, with the same backward passes.
        wanted: True for all composite gates, or the names of some.

    Raises:
        SpecError: No gate has such a name.
    """
    names = {wanted} if isinstance(wanted, str) else wanted
    if not names:
        return circuit, run
    known = [w.gate.name for w in circuit.wires if w.gate.family == "composite"]
    for name in () if isinstance(names, bool) else names:
        if name not in known:
            raise SpecError(
                f"draw: composites has {name!r}; needed the name of a composite gate of the "
                f"circuit.{nearest(str(name), known)}"
            )
    chosen = set(known) if isinstance(names, bool) else set(names)
    opened = contextvars.Context().run(_opened, circuit, chosen)
    return opened, None if run is None else _run_again(circuit, opened, run)


def _opened(circuit: Circuit, names: Collection[str]) -> Circuit:
    """The circuit rebuilt, in order; what does not change is the same wire."""
    found: dict[int, Wire] = {}
    for wire in circuit.wires:
        inputs = tuple(found[source.serial] for source in wire.inputs)
        declaration = declaration_of(wire.gate)
        meaning = declaration.meaning if declaration is not None else None
        if meaning is not None and wire.gate.family == "composite" and wire.gate.name in names:
            with contextlib.ExitStack() as scopes:
                for step in (*filter(None, wire.scope.split("/")), wire.gate.name):
                    scopes.enter_context(scope(step))
                found[wire.serial] = meaning(*inputs, **parameters_of(wire.gate))
        elif all(new is old for new, old in zip(inputs, wire.inputs, strict=True)):
            found[wire.serial] = wire
        else:
            found[wire.serial] = intern(wire.gate, inputs, wire.spec, wire.label, wire.scope, None)
    outputs = [found[wire.serial] for wire in circuit.outputs]
    return Circuit(circuit.inputs, outputs, circuit.output_names)


def _run_again(circuit: Circuit, opened: Circuit, run: Run) -> Run:
    """A run on the same inputs; backward from every output whose pass starts from 1."""
    again = opened.run(**{wire.label: run[wire].value for wire in circuit.inputs})
    for name, wire in zip(circuit.output_names, circuit.outputs, strict=True):
        seed = run.gradient(wire, name)
        if seed is not None:
            again.backward(name, None if not wire.shape and seed == 1 else seed)
    return again
