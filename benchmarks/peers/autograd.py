"""autograd: records NumPy calls in every evaluation and replays them backwards."""

import functools

import autograd.numpy as np
import numpy
from autograd import hessian, make_vjp, value_and_grad
from autograd.differential_operators import hessian_vector_product
from autograd.scipy.special import logsumexp

from benchmarks.case import Solution, flat
from benchmarks.problems import (
    bundle,
    circuits,
    factorisation,
    logistic,
    mixture,
    relu,
    rosenbrock,
    softmax,
)

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


def second(function, *arguments):
    """The Hessian by the first argument, with the graph recorded anew in every evaluation."""
    derived = hessian(function)
    return Solution(lambda _: derived(*arguments), lambda out: (out,))


def logistic_hessian(case):
    """A backward pass per row."""
    data = case.data
    return second(functools.partial(logistic.loss, np), data.w, data.X, data.y)


def factorisation_hessian(case):
    """A backward pass per row."""
    data = case.data
    return second(functools.partial(factorisation.loss, np), data.U, data.V, data.T)


def softmax_hessian(case):
    """A backward pass per row."""
    data = case.data
    return second(functools.partial(softmax.loss, np), data.W, data.X, data.Y)


def relu_hessian(case):
    """A backward pass per row."""
    first, *others = case.data.weights
    return second(functools.partial(relu.loss, np), first, others, case.data.x, case.data.target)


def rosenbrock_hessian(case):
    """Three Hessian-vector products."""
    product = hessian_vector_product(functools.partial(rosenbrock.value, np))
    directions = rosenbrock.directions(len(case.data))

    def evaluate(_):
        products = [product(case.data, direction) for direction in directions]
        return rosenbrock.diagonals(numpy.array(products))

    return Solution(evaluate, lambda out: out)


def gmm_gradient(case):
    """The function of NumPy users, recorded anew in every evaluation."""
    function = functools.partial(
        mixture.log_likelihood, np, lambda scores: logsumexp(scores, axis=0)
    )
    derived = value_and_grad(function, (0, 1, 2))
    return Solution(
        lambda _: derived(*case.data.parameters, case.data), lambda out: (out[0], flat(out[1]))
    )


def bundle_jacobian(case):
    """Two backward passes over all observations: the sums of their first and second errors."""
    data = case.data

    def residuals(columns):
        return np.stack(bundle.errors(np, columns, data.features.T))

    def evaluate(_):
        columns = bundle.observed(numpy, *data.parameters, data).T
        pullback, errors = make_vjp(residuals)(columns)
        ones, zeros = numpy.ones(len(data.weights)), numpy.zeros(len(data.weights))
        rows = pullback(numpy.stack([ones, zeros])), pullback(numpy.stack([zeros, ones]))
        return errors, 1 - data.weights**2, rows, -2 * data.weights

    return Solution(evaluate, bundle.columns_result)
