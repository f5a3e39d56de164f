"""JAX on the CPU, compiled by XLA."""

import dataclasses
import functools

import jax
import jax.numpy as jnp
from jax.scipy.special import logsumexp

from benchmarks.case import Solution, flat
from benchmarks.problems import bundle, factorisation, logistic, mixture, rosenbrock

jax.config.update("jax_platforms", "cpu")
jax.config.update("jax_enable_x64", True)


def compiled(function, arguments, result):
    """Tracing counts as building, XLA and the first call as compiling."""
    arguments = jax.tree.map(jnp.asarray, arguments)

    def build():
        jax.clear_caches()
        return jax.jit(function).lower(*arguments)

    def compile_(traced):
        program = traced.compile()
        jax.block_until_ready(program(*arguments))
        return program

    return Solution(
        lambda program: jax.block_until_ready(program(*arguments)), result, build, compile_
    )


def loss(parameters, images, targets):
    """Mean cross-entropy of the network, as JAX users write it."""
    W1, b1, W2, b2, W3, b3 = parameters
    hidden = jax.nn.relu(images @ W1 + b1)
    hidden = jax.nn.relu(hidden @ W2 + b2)
    return -jnp.mean(jnp.sum(jax.nn.log_softmax(hidden @ W3 + b3) * targets, axis=1))


def network(case):
    """Value and gradient."""
    data = case.data
    return compiled(
        jax.value_and_grad(loss),
        (data.parameters, data.images, data.targets),
        lambda out: (out[0], flat(out[1])),
    )


def second(function, *arguments):
    """The Hessian by the first argument."""
    return compiled(jax.hessian(function), arguments, lambda out: (out,))


def logistic_hessian(case):
    """Forward over reverse, as jax.hessian has it."""
    data = case.data
    return second(functools.partial(logistic.loss, jnp), data.w, data.X, data.y)


def factorisation_hessian(case):
    """Forward over reverse, as jax.hessian has it."""
    data = case.data
    return second(functools.partial(factorisation.loss, jnp), data.U, data.V, data.T)


def softmax_hessian(case):
    """The cross-entropy, as JAX users write it."""

    def entropy(W, X, Y):
        scores = X @ W
        return jnp.sum(logsumexp(scores, axis=1)) - jnp.sum(scores * Y)

    data = case.data
    return second(entropy, data.W, data.X, data.Y)


def relu_hessian(case):
    """The network, as JAX users write it."""

    def entropy(first, others, x, target):
        hidden = jax.nn.relu(first @ x)
        for W in others[:-1]:
            hidden = jax.nn.relu(W @ hidden)
        scores = others[-1] @ hidden
        return logsumexp(scores) - scores @ target

    first, *others = case.data.weights
    return second(entropy, first, others, case.data.x, case.data.target)


def rosenbrock_hessian(case):
    """Three Hessian-vector products at once."""

    def diagonals(x, directions):
        gradient = jax.grad(functools.partial(rosenbrock.value, jnp))
        products = jax.vmap(lambda direction: jax.jvp(gradient, (x,), (direction,))[1])(directions)
        return rosenbrock.diagonals(products)

    arguments = case.data, rosenbrock.directions(len(case.data))
    return compiled(diagonals, arguments, lambda out: out)


def gmm_gradient(case):
    """The observations are an argument, so that XLA does not fold them into the code."""
    data = case.data

    def value(parameters, x):
        observed = dataclasses.replace(data, x=x)
        return mixture.log_likelihood(
            jnp, functools.partial(logsumexp, axis=0), *parameters, observed
        )

    return compiled(
        jax.value_and_grad(value),
        (data.parameters, data.x),
        lambda out: (out[0], flat(out[1])),
    )


def bundle_jacobian(case):
    """Two backward passes over all observations: the sums of their first and second errors."""
    data = case.data

    def both(cameras, points, weights, features):
        columns = bundle.observed(jnp, cameras, points, weights, data).T
        errors, pullback = jax.vjp(lambda x: bundle.errors(jnp, x, features.T), columns)
        ones, zeros = jnp.ones_like(weights), jnp.zeros_like(weights)
        rows = pullback((ones, zeros))[0], pullback((zeros, ones))[0]
        return errors, 1 - weights**2, rows, -2 * weights

    return compiled(both, (*data.parameters, data.features), bundle.columns_result)
