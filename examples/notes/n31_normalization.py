"""Row 31: batch, layer and group norm; their backward passes are the published closed forms."""

import numpy as np
from record import Row, folder, proved, report

import circuitgrad as cg
from circuitgrad import nn

EPSILON = 1e-5


def norm(axis):
    """γ(x - μ)/√(σ² + ε) + β with μ and σ² along an axis."""

    def forward(x, gamma, beta, eps):
        centred = x - np.mean(x, axis=axis, keepdims=True)
        spread = np.mean(centred**2, axis=axis, keepdims=True) + eps
        return gamma * (centred / np.sqrt(spread)) + beta

    return forward


def closed_form(axis):
    """The published backward pass; γ and β are shared by the samples of the first axis."""

    def backward(upstream, x, gamma, beta, eps):
        centred = x - np.mean(x, axis=axis, keepdims=True)
        spread = np.mean(centred**2, axis=axis, keepdims=True) + eps
        scaled, g = centred / np.sqrt(spread), gamma * upstream
        along = np.mean(g, axis=axis, keepdims=True)
        across = np.mean(g * scaled, axis=axis, keepdims=True)
        by_x = (g - along - scaled * across) / np.sqrt(spread)
        by_eps = -np.sum(g * scaled / spread) / 2
        return by_x, np.sum(upstream * scaled, axis=0), np.sum(upstream, axis=0), by_eps

    return backward


# The axis of the statistics, and the axes of x and of γ.
NORMS = {
    "batch norm": (0, "n d", "d"),
    "layer norm": (1, "n d", "d"),
    "group norm": (2, "n g k", "g k"),
}


def findings():
    """The verdicts: for every n, d, g and k."""
    found = []
    for axis, samples, features in NORMS.values():
        check = cg.check_backward(
            norm(axis),
            closed_form(axis),
            assuming="eps > 0",
            x=samples,
            gamma=features,
            beta=features,
        )
        assert all(verdict.scope.startswith("for every") for verdict in check.verdicts.values())
        found += check.verdicts.values()
    return found


def layers_agree():
    """The layers of nn have these values and these gradients."""
    rng = np.random.default_rng(0)
    x, upstream = rng.normal(size=(2, 6, 4))
    parameters = {"gamma": rng.normal(size=4), "beta": rng.normal(size=4)}
    state = nn.batch_norm_state(4)
    layers = {
        "batch norm": lambda p, x: nn.batch_norm(p, x, state, train=True)[0],
        "layer norm": nn.layer_norm,
        "group norm": lambda p, x: nn.group_norm(p, x, 2),
    }
    shapes = {"batch norm": (4,), "layer norm": (4,), "group norm": (2, 2)}
    for name, layer in layers.items():
        split, axis = shapes[name], NORMS[name][0]
        inside = [x.reshape(6, *split), *(parameters[k].reshape(split) for k in parameters)]
        value = layer(parameters, x)
        expected = norm(axis)(*inside, EPSILON).reshape(x.shape)
        np.testing.assert_allclose(value, expected, rtol=1e-12, atol=1e-14)

        def weighted(parameters, x, layer=layer):
            return np.sum(upstream * layer(parameters, x))

        by_parameters, by_x = cg.grad(weighted, argnums=(0, 1))(parameters, x)
        closed = closed_form(axis)(upstream.reshape(6, *split), *inside, EPSILON)
        for found, right in zip((by_x, *by_parameters.values()), closed, strict=False):
            np.testing.assert_allclose(found, right.reshape(found.shape), rtol=1e-9, atol=1e-11)


def running_statistics():
    """After t equal batches the running mean is (1 - 0.9ᵗ) of theirs; testing uses it."""
    rng = np.random.default_rng(1)
    x = 3 + 2 * rng.normal(size=(50, 4))
    parameters, state = nn.norm_parameters(4), nn.batch_norm_state(4)
    steps = 100
    for _ in range(steps):
        _, state = nn.batch_norm(parameters, x, state, train=True, momentum=0.1)
    left = 0.9**steps
    np.testing.assert_allclose(state["mean"], (1 - left) * x.mean(axis=0), rtol=1e-12)
    variance = left + (1 - left) * x.var(axis=0, ddof=1)
    np.testing.assert_allclose(state["variance"], variance, rtol=1e-12)
    # One sample is enough in testing, and the state stays.
    value, after = nn.batch_norm(parameters, x[:1], state, train=False)
    expected = (x[:1] - state["mean"]) / np.sqrt(state["variance"] + EPSILON)
    np.testing.assert_allclose(value, expected, rtol=1e-12)
    np.testing.assert_array_equal(after["mean"], state["mean"])
    return steps


def normalization():
    layers_agree()
    steps = running_statistics()
    x, gamma, beta = cg.input("x", 3), cg.input("gamma", 3), cg.input("beta", 3)
    circuit = cg.circuit(y=nn.layer_norm({"gamma": gamma, "beta": beta}, x)[0])
    run = circuit.run(x=[1.0, 2.0, 6.0], gamma=np.ones(3), beta=np.zeros(3))
    run.backward()
    circuit.draw(run=run).save(folder() / "n31_norm.svg")
    return Row(
        31,
        "batch, layer and group norm",
        "∂L/∂x = (g − mean g − x̂·mean(g x̂))/σ with g = γ·upstream, for every n, d; "
        f"after {steps} equal batches the running mean is 1 − 0.9¹⁰⁰ of theirs",
        proved(*findings()),
        "n31_norm.svg",
    )


if __name__ == "__main__":
    report(normalization())
