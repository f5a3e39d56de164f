"""Models: functions of parameters and inputs, traced into circuits."""

from __future__ import annotations

import math
import re
from collections.abc import Callable
from typing import Any

import numpy as np

from circuitgrad.circuits import Circuit, circuit
from circuitgrad.containers import float_arrays, is_container, leaves, places, rebuilt
from circuitgrad.errors import SpecError
from circuitgrad.nn.layers import affine, sequential
from circuitgrad.sources import as_wire, input_wire
from circuitgrad.wire import Wire

_NO_LETTER = re.compile(r"\W+")


def parameter_count(parameters: Any) -> int:
    """How many numbers a model has to learn.

    >>> parameter_count({"layer1": {"W": np.zeros((3, 4)), "b": np.zeros(3)}})
    15
    """
    return sum(math.prod(np.shape(leaf)) for _, leaf in leaves(parameters, ""))


def dense(activation: Callable[[Any], Any], depth: int) -> Callable[[Any, Any], Any]:
    """The fully connected network of so many affine layers, with an activation between them.

    Its parameters are those of dense_parameters.

    Raises:
        SpecError: A depth below 1.
    """
    if depth < 1:
        raise SpecError(f"dense: the depth is {depth}; needed 1 or more.")
    layers: list[Any] = [("layer1", affine)]
    for k in range(2, depth + 1):
        layers += [activation, (f"layer{k}", affine)]
    return sequential(*layers)


def input_wires_like(value: Any, name: str, taken: set[str]) -> Any:
    """The container with its arrays replaced by input wires of their shapes and dtypes.

    Wires are named by place (layer1_W), with a number where that name is taken.
    """
    wires = []
    for place, (_, leaf) in zip(places(value), leaves(value, ""), strict=True):
        label = _NO_LETTER.sub("_", place if place else name).strip("_") or name
        label = label if not label[0].isdigit() else f"{name}_{label}"
        unique, count = label, 2
        while unique in taken:
            unique, count = f"{label}_{count}", count + 1
        taken.add(unique)
        array = np.asarray(leaf)
        wires.append(input_wire(unique, array.shape, array.dtype))
    return rebuilt(value, iter(wires))


def model_circuit(model: Callable[..., Any], parameters: Any, *inputs: Any) -> Circuit:
    """The circuit of a model for parameters and inputs of these shapes.

    Args:
        model: A function of the parameters and the inputs.
        parameters: A container of arrays, or one array; only shapes and dtypes are read.
        *inputs: Arrays; only shapes and dtypes are read.

    Returns:
        A circuit whose inputs are the parameters by their places (layer1_W, …), then x (or x1, x2,
        …); its outputs are y (or y1, y2, … for a container).

    >>> parameters = {"W": np.ones((2, 3)), "b": np.ones(2)}
    >>> model_circuit(affine, parameters, np.ones(3))
    <Circuit (W(2, 3), b(2,), x(3,)) -> y: 2 gates>
    """
    taken: set[str] = set()
    given = input_wires_like(float_arrays(parameters, "model_circuit: parameters"), "theta", taken)
    arrays = [float_arrays(x, "model_circuit: input") for x in inputs]
    labels = ["x"] if len(arrays) == 1 else [f"x{k}" for k in range(1, len(arrays) + 1)]
    entered = [input_wires_like(x, name, taken) for x, name in zip(arrays, labels, strict=True)]
    output = model(given, *entered)
    wires = [x for part in (given, *entered) for _, x in leaves(part, "")]
    parts = [leaf for _, leaf in leaves(output, "")]
    names = [f"y{k}" for k in range(1, len(parts) + 1)] if is_container(output) else ["y"]
    found: dict[str, Wire] = {n: as_wire(x) for n, x in zip(names, parts, strict=True)}
    return circuit(inputs=wires, **found)
