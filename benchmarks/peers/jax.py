"""JAX on the CPU, compiled by XLA."""

import jax
import jax.numpy as jnp

from benchmarks.case import Solution, flat

jax.config.update("jax_platforms", "cpu")
jax.config.update("jax_enable_x64", True)


def loss(parameters, images, targets):
    """Mean cross-entropy of the network, as JAX users write it."""
    W1, b1, W2, b2, W3, b3 = parameters
    hidden = jax.nn.relu(images @ W1 + b1)
    hidden = jax.nn.relu(hidden @ W2 + b2)
    return -jnp.mean(jnp.sum(jax.nn.log_softmax(hidden @ W3 + b3) * targets, axis=1))


def network(case):
    """Tracing counts as building, XLA and the first call as compiling."""
    data = case.data
    arguments = jax.tree.map(jnp.asarray, (data.parameters, data.images, data.targets))

    def build():
        jax.clear_caches()
        return jax.jit(jax.value_and_grad(loss)).lower(*arguments)

    def compile_(traced):
        compiled = traced.compile()
        jax.block_until_ready(compiled(*arguments))
        return compiled

    return Solution(
        lambda compiled: jax.block_until_ready(compiled(*arguments)),
        lambda out: (out[0], flat(out[1])),
        build,
        compile_,
    )
