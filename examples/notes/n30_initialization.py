"""Row 30: how initial weights decide what reaches the last layer, and what comes back."""

import io
import math
from itertools import pairwise

import numpy as np
from record import Row, folder, proved, report

import circuitgrad as cg
from circuitgrad import nn
from circuitgrad.viz import plots

WIDTHS, SAMPLES = range(640, 280, -40), 64
# The scheme, its gate, and the variance of the weights of n inputs and m outputs.
SCHEMES = {
    "small": (nn.small_normal, np.tanh, lambda n, m: 1e-4),
    "large": (nn.large_normal, np.tanh, lambda n, m: 1.0),
    "Xavier, 1/n": (nn.xavier_normal_inputs, np.tanh, lambda n, m: 1 / n),
    "Xavier, 2/(n+m)": (nn.xavier_normal, np.tanh, lambda n, m: 2 / (n + m)),
    "Xavier, uniform": (nn.xavier_uniform, np.tanh, lambda n, m: 2 / (n + m)),
    "He, 2/n, ReLU": (nn.he_normal, cg.relu, lambda n, m: 2 / n),
}


def check_variances():
    """Of 400 × 100 weights: five standard errors of a variance are under 4 %."""
    for name, (scheme, _, variance) in SCHEMES.items():
        weights = scheme(np.random.default_rng(1), (100, 400))
        found = np.mean(weights**2)
        np.testing.assert_allclose(found, variance(400, 100), rtol=0.04, err_msg=name)
        assert abs(weights.mean()) < 5 * np.sqrt(found / weights.size)
    uniform = nn.xavier_uniform(np.random.default_rng(1), (100, 400))
    bound = np.sqrt(6) / np.sqrt(500)
    assert 0.999 * bound < np.abs(uniform).max() <= bound


def network(activation):
    """A deep network whose layers grow narrower, and the activations of its layers."""
    h, layers = cg.input("x", (SAMPLES, WIDTHS[0])), []
    for k, (inputs, outputs) in enumerate(pairwise(WIDTHS), start=1):
        h = activation(h @ cg.input(f"W{k}", (outputs, inputs)).T)
        layers.append(h)
    return cg.circuit(s=np.sum(cg.input("u", h.shape) * h)), layers


def spreads(scheme, activation):
    """The activations of every layer, and the gradients by them."""
    rng = np.random.default_rng(0)
    circuit, layers = network(activation)
    weights = {
        f"W{k}": scheme(rng, (outputs, inputs))
        for k, (inputs, outputs) in enumerate(pairwise(WIDTHS), start=1)
    }
    x, u = (rng.standard_normal((SAMPLES, width)) for width in (WIDTHS[0], WIDTHS[-1]))
    run = circuit.run(x=x, u=u, **weights)
    run.backward()
    return (
        {str(k): run[layer].value for k, layer in enumerate(layers, 1)},
        {str(k): run[layer].upstream for k, layer in enumerate(layers, 1)},
    )


def predicted(activation, variance):
    """The root mean squares of the activations of wide layers: z is normal, of variance n·v·q."""
    places, shares = np.polynomial.hermite_e.hermegauss(200)
    square, found = 1.0, []
    for inputs, outputs in pairwise(WIDTHS):
        z = np.sqrt(inputs * variance(inputs, outputs) * square) * places
        square = np.sum(shares * activation(z) ** 2) / np.sum(shares)
        found.append(np.sqrt(square))
    return np.array(found)


def deviations(layers):
    return np.array([np.sqrt(np.mean(values**2)) for values in layers.values()])


def tiled(figures):
    """One picture of several figures, two in a row."""
    from matplotlib import image

    pictures = []
    for figure in figures:
        buffer = io.BytesIO()
        figure.savefig(buffer, format="png", dpi=100)
        buffer.seek(0)
        pictures.append(image.imread(buffer))
    rows = [np.hstack(pair) for pair in zip(pictures[::2], pictures[1::2], strict=True)]
    image.imsave(folder() / "n30_spreads.png", np.vstack(rows))


def compared():
    """The root mean squares of activations and gradients by scheme, as predicted; the figure."""
    forward, back, figures = {}, {}, []
    # Finite widths move the logarithm of a size by ½√(5 Σ 1/n): Hanin & Rolnick, NeurIPS 2018.
    chance = np.sqrt(5 * np.cumsum(1 / np.array(WIDTHS[1:]))) / 2
    for name, (scheme, activation, variance) in SCHEMES.items():
        values, gradients = spreads(scheme, activation)
        forward[name], back[name] = deviations(values), deviations(gradients)
        expected = predicted(activation, variance)
        assert np.all(np.abs(np.log(forward[name] / expected)) < 2 * chance), name
        # Half of all ReLUs give 0, which has no place on a logarithmic axis.
        shown = {layer: value[value != 0] for layer, value in values.items()}
        figures.append(plots.layer_spreads(shown, gradients, title=name))
        if name == "large":
            saturated = np.mean(np.abs(values[str(len(values))]) > 0.99)
    tiled(figures)
    return forward, back, saturated


def initialization():
    check_variances()
    forward, back, saturated = compared()
    assert forward["small"][-1] < 1e-4 > back["small"][0]  # silence
    assert back["large"][0] > 100 * back["large"][-1]  # explosion
    # tanh is within 1 % of ±1 beyond 2.65, and z is normal.
    deviation = np.sqrt(WIDTHS[-2]) * forward["large"][-2]
    expected = math.erfc(math.atanh(0.99) / (math.sqrt(2) * deviation))
    np.testing.assert_allclose(saturated, expected, atol=0.03)
    xavier = [size for name, size in back.items() if name.startswith("Xavier")]
    assert all(0.1 < size[0] / size[-1] < 10 for size in [*xavier, back["He, 2/n, ReLU"]])
    depth = len(WIDTHS) - 1
    circuit, _ = network(np.tanh)
    verdicts = [
        cg.check_equal("(sqrt(6)/sqrt(n+m))**2/3", "2/(n+m)", assuming=["n > 0", "m > 0"]),
        cg.check("x**3/(6*a)", "x", "x**2/(2*a)", assuming="a > 0"),  # variance of U(-a, a): a²/3
        cg.verify(circuit),
    ]
    return Row(
        30,
        "initial weights",
        f"variances 1/n, 2/(n+m), 2/n within 4 %; after {depth} layers activations of size "
        f"{forward['small'][-1]:.0e} (small), {forward['Xavier, 1/n'][-1]:.2f} (Xavier, tanh), "
        f"{forward['He, 2/n, ReLU'][-1]:.2f} (He, ReLU), {saturated:.0%} saturated (large)",
        proved(*verdicts),
        "n30_spreads.png",
    )


if __name__ == "__main__":
    report(initialization())
