"""Circuits that the tests of players draw."""

import numpy as np

from circuitgrad.circuits import circuit
from circuitgrad.sources import input_wires

AT = {"w0": 2, "x0": -1, "w1": -3, "x1": -2, "w2": -3}


def neuron():
    w0, x0, w1, x1, w2 = input_wires("w0 x0 w1 x1 w2")
    return circuit(f=1 / (1 + np.exp(-(w0 * x0 + w1 * x1 + w2))))


def two_outputs():
    x, y = input_wires("x y")
    return circuit(f1=x**2 * y, f2=5 * x + np.sin(y))


def live(run):
    """Serial numbers of the wires that depend on an input."""
    found = {wire.serial for wire in run.circuit.inputs}
    for wire in run.circuit.wires:
        if any(source.serial in found for source in wire.inputs):
            found.add(wire.serial)
    return found
