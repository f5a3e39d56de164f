"""circuitgrad itself, through its public names only."""

import dataclasses
import functools

import numpy as np

import circuitgrad as cg
from benchmarks.case import Solution, flat
from benchmarks.problems import bundle, circuits, factorisation, logistic, mixture, rosenbrock

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


def solution(build, derive, arguments, result):
    """Derivative and plan are one step; a plan is made in the first call."""

    def compile_(circuit):
        derived = derive(circuit)
        derived(*arguments)
        return derived

    return Solution(lambda derived: derived(*arguments), result, build, compile_)


def first(build, wrt, arguments):
    """Value and gradient."""

    def result(out):
        value, *gradients = out.values()
        return value, flat(gradients)

    return solution(build, lambda circuit: with_gradient(circuit, wrt), arguments, result)


def second(build, wrt, arguments):
    """The Hessian by one input, dense."""
    return solution(build, lambda circuit: circuit.hessian(wrt), arguments, lambda out: (out,))


def circuit(case):
    """One wire per gate, built by operators and NumPy's functions."""
    inputs, gates = case.data
    names = [f"x{index}" for index in range(len(inputs))]

    def build():
        wires = cg.inputs(names)
        out = circuits.apply(gates, wires, OPERATIONS)[-1]
        return cg.circuit(f=out, inputs=wires)

    return first(build, names, inputs)


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

    return first(build, list(shapes), (*data.parameters, data.images, data.targets))


def logistic_hessian(case):
    """For every size."""

    def build():
        w, X, y = cg.input("w", "n"), cg.input("X", "m n"), cg.input("y", "m")
        return cg.circuit(f=logistic.loss(np, w, X, y), inputs=[w, X, y])

    return second(build, "w", (case.data.w, case.data.X, case.data.y))


def factorisation_circuit():
    """For every size."""
    U, V, T = cg.input("U", "m k"), cg.input("V", "n k"), cg.input("T", "m n")
    return cg.circuit(f=factorisation.loss(np, U, V, T), inputs=[U, V, T])


def factorisation_hessian(case):
    """All entries."""
    return second(factorisation_circuit, "U", (case.data.U, case.data.V, case.data.T))


def softmax_hessian(case):
    """For every size."""

    def build():
        W, X, Y = cg.input("W", "p c"), cg.input("X", "n p"), cg.input("Y", "n c")
        scores = X @ W
        entropy = np.sum(cg.logsumexp(scores, axis=1)) - np.sum(scores * Y)
        return cg.circuit(f=entropy, inputs=[W, X, Y])

    return second(build, "W", (case.data.W, case.data.X, case.data.Y))


def relu_hessian(case):
    """For every width."""
    data = case.data

    def build():
        weights = [cg.input(f"W{index}", "n n") for index in range(len(data.weights))]
        x, target = cg.input("x", "n"), cg.input("target", "n")
        hidden = x
        for W in weights[:-1]:
            hidden = cg.relu(W @ hidden)
        scores = weights[-1] @ hidden
        entropy = cg.logsumexp(scores) - scores @ target
        return cg.circuit(f=entropy, inputs=[*weights, x, target])

    return second(build, "W0", (*data.weights, data.x, data.target))


def gmm_gradient(case):
    """The function of NumPy users, on wires."""
    data = case.data
    names = ["alphas", "means", "factors"]

    def build():
        wires = [
            cg.input(name, array.shape) for name, array in zip(names, data.parameters, strict=True)
        ]
        x = cg.input("x", data.x.shape)
        logsumexp = functools.partial(cg.logsumexp, axis=0)
        observed = dataclasses.replace(data, x=x)
        value = mixture.log_likelihood(np, logsumexp, *wires, observed)
        return cg.circuit(f=value, inputs=[*wires, x])

    return first(build, names, (*data.parameters, data.x))


def rosenbrock_hessian(case):
    """A sparse matrix of SciPy; circuitgrad finds the pattern and colours it."""
    x = case.data
    return solution(
        lambda: cg.circuit(f=rosenbrock.value(np, cg.input("x", x.shape))),
        lambda circuit: circuit.sparse_hessian("x"),
        (x,),
        lambda out: (out.diagonal(), out.diagonal(1)),
    )


def bundle_jacobian(case):
    """Two backward passes over all observations: the sums of their first and second errors."""
    data = case.data
    features = np.ascontiguousarray(data.features.T)

    def build():
        columns = cg.input("columns", (15, len(data.weights)))
        wires = cg.input("features", features.shape)
        u, v = bundle.errors(np, columns, wires)
        return cg.circuit(u=u, v=v, inputs=[columns, wires])

    def compile_(circuit):
        sums = cg.circuit(
            **{name: np.sum(circuit.output(name)) for name in "uv"}, inputs=circuit.inputs
        )
        rows = {f"{name}_by_columns": sums.grad("columns", name).outputs[0] for name in "uv"}
        errors = dict(zip(circuit.output_names, circuit.outputs, strict=True))
        both = cg.circuit(**errors, **rows, inputs=circuit.inputs)
        evaluate(both)
        return both

    def evaluate(both):
        columns = np.ascontiguousarray(bundle.observed(np, *data.parameters, data).T)
        u, v, *rows = both(columns, features).values()
        return (u, v), 1 - data.weights**2, rows, -2 * data.weights

    return Solution(evaluate, bundle.columns_result, build, compile_)
