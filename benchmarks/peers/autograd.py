"""autograd: records NumPy calls in every evaluation and replays them backwards."""

import autograd.numpy as np
from autograd import value_and_grad

from benchmarks import circuits
from benchmarks.case import Solution, flat

OPERATIONS = {
    "add": lambda a, b: a + b,
    "mul": lambda a, b: a * b,
    "tanh": np.tanh,
    "sin": np.sin,
    "exp": np.exp,
}


def circuit(case):
    """Sixteen scalar arguments, one function call per gate."""
    inputs, gates = case.data
    derived = value_and_grad(
        lambda *values: circuits.apply(gates, values, OPERATIONS)[-1], tuple(range(len(inputs)))
    )
    return Solution(lambda _: derived(*inputs), lambda out: (out[0], flat(out[1])))


def loss(parameters, images, targets):
    """Mean cross-entropy of the network, as NumPy users write it."""
    W1, b1, W2, b2, W3, b3 = parameters
    hidden = np.maximum(images @ W1 + b1, 0)
    hidden = np.maximum(hidden @ W2 + b2, 0)
    scores = hidden @ W3 + b3
    scores = scores - np.max(scores, axis=1, keepdims=True)
    return np.mean(np.log(np.sum(np.exp(scores), axis=1)) - np.sum(scores * targets, axis=1))


def network(case):
    """The network is recorded anew in every evaluation."""
    data, derived = case.data, value_and_grad(loss)
    return Solution(
        lambda _: derived(data.parameters, data.images, data.targets),
        lambda out: (out[0], flat(out[1])),
    )
