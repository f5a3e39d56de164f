"""circuitgrad itself, through its public names only."""

import numpy as np

import circuitgrad as cg
from benchmarks import circuits
from benchmarks.case import Solution, flat

OPERATIONS = {
    "add": lambda a, b: a + b,
    "mul": lambda a, b: a * b,
    "tanh": np.tanh,
    "sin": np.sin,
    "exp": np.exp,
}


def with_gradient(circuit, wrt):
    """The circuit with its gradients as further outputs: one forward pass serves both."""
    gradient = circuit.grad(wrt)
    return cg.Circuit(
        circuit.inputs,
        circuit.outputs + gradient.outputs,
        circuit.output_names + gradient.output_names,
    )


def solution(build, wrt, arguments):
    """Derivative and plan are one step; a plan is made in the first call."""

    def compile_(circuit):
        both = with_gradient(circuit, wrt)
        both(*arguments)
        return both

    def result(out):
        value, *gradients = out.values()
        return value, flat(gradients)

    return Solution(lambda both: both(*arguments), result, build, compile_)


def circuit(case):
    """One wire per gate, built by operators and NumPy's functions."""
    inputs, gates = case.data
    names = [f"x{index}" for index in range(len(inputs))]

    def build():
        wires = cg.inputs(names)
        out = circuits.apply(gates, wires, OPERATIONS)[-1]
        return cg.circuit(f=out, inputs=wires)

    return solution(build, names, inputs)


def network(case):
    """Named axes: one circuit for every batch; the plan is made for the batch at hand."""
    data = case.data
    shapes = {"W1": "p h", "b1": "h", "W2": "h k", "b2": "k", "W3": "k c", "b3": "c"}

    def build():
        dtype = data.images.dtype
        wires = {name: cg.input(name, shape, dtype) for name, shape in shapes.items()}
        images, targets = cg.input("images", "n p", dtype), cg.input("targets", "n c", dtype)
        hidden = cg.relu(images @ wires["W1"] + wires["b1"])
        hidden = cg.relu(hidden @ wires["W2"] + wires["b2"])
        scores = hidden @ wires["W3"] + wires["b3"]
        loss = np.mean(cg.logsumexp(scores, axis=1) - np.sum(scores * targets, axis=1))
        return cg.circuit(f=loss, inputs=[*wires.values(), images, targets])

    return solution(build, list(shapes), (*data.parameters, data.images, data.targets))
