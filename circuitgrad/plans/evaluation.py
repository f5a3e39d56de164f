"""Evaluations: values bound to inputs, plans kept per shape, results as the caller's own."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, TypeAlias

import numpy as np

from circuitgrad.circuits import Circuit
from circuitgrad.errors import ShapeError, SpecError
from circuitgrad.grammar import nearest
from circuitgrad.plans.schedule import Plan, root
from circuitgrad.spec import SCALAR, bind_shape, unmasked
from circuitgrad.wire import Array, Wire, describe

Value: TypeAlias = "float | Array"


def evaluate(circuit: Circuit, values: Sequence[Any], named: Mapping[str, Any]) -> Any:
    """The outputs of a circuit: one value, or a dict by name if there are several."""
    plan, arrays = _prepared(circuit, values, named)
    values = plan(arrays)
    if all(plan.is_own):
        results = [finished(value, copy=False) for value in values]
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
        results.append(finished(value, copy=id(owner) in taken))
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
    check_free_axes(circuit, sizes)
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


def check_free_axes(circuit: Circuit, sizes: Mapping[str, int]) -> None:
    """ShapeError where a gate has an axis whose size no input tells."""
    for wire in circuit.sized_inside:
        free = [axis for axis in wire.shape if isinstance(axis, str) and axis not in sizes]
        if free:
            raise ShapeError(f"{describe(wire)}: no input tells the size of axis '{free[0]}'.")


def finished(value: Any, copy: bool = True) -> Value:
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
