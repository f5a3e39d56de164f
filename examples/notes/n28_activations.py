"""Row 28: activations with their derivatives and kinks, where they saturate, and dead ReLUs."""

import numpy as np
from record import Row, folder, proved, report

import circuitgrad as cg
from circuitgrad import nn, optim
from circuitgrad.viz import plots

PLACES = np.linspace(-6, 6, 241)
FAR, FLAT = 1e3, 1e-3
LINES = np.array([[-1.0], [0.2], [0.8]]), np.array([-1.0, 0.0, -0.8])  # slopes, offsets of maxout

ACTIVATIONS = {
    "sigmoid": cg.sigmoid,
    "tanh": np.tanh,
    "hard tanh": cg.hard_tanh,
    "softsign": cg.softsign,
    "ReLU": cg.relu,
    "leaky ReLU": lambda z: cg.leaky_relu(z, 0.1),
    "PReLU, α = 0.25": lambda z: nn.prelu({"slope": np.array(0.25)}, z),
    "softplus": cg.softplus,
    "ELU, α = 1": cg.elu,
    "swish, β = 1.5": lambda z: nn.swish(z, 1.5),
    "maxout of three": lambda z: nn.maxout(
        {"W": LINES[0].reshape(3, 1, 1), "b": LINES[1].reshape(3, 1)}, z.reshape((len(PLACES), 1))
    ),
}
# Derivatives claimed, with the function and the input by which it is differentiated.
CLAIMS = (
    ("sigmoid(z)", "z", "sigmoid(z)*(1-sigmoid(z))"),
    ("tanh(z)", "z", "1-tanh(z)**2"),
    ("hard_tanh(z)", "z", "where(abs(z) < 1, 1, 0)"),
    ("softsign(z)", "z", "1/(1+abs(z))**2"),
    ("relu(z)", "z", "where(z > 0, 1, 0)"),
    ("leaky_relu(z, k)", "z", "where(z > 0, 1, k)"),
    ("leaky_relu(z, k)", "k", "min(z, 0)"),
    ("softplus(z)", "z", "sigmoid(z)"),
    ("elu(z, a)", "z", "where(z > 0, 1, a*exp(z))"),
    ("elu(z, a)", "a", "where(z > 0, 0, exp(z) - 1)"),
    ("z*sigmoid(b*z)", "z", "sigmoid(b*z) + b*z*sigmoid(b*z)*(1-sigmoid(b*z))"),
    ("z*sigmoid(b*z)", "b", "z**2*sigmoid(b*z)*(1-sigmoid(b*z))"),
    ("max(a*x+b, c*x+d)", "x", "where(a*x+b > c*x+d, a, c)"),
    ("max(a*x+b, c*x+d)", "a", "where(a*x+b > c*x+d, x, 0)"),
)
IDENTITIES = (("tanh(z)", "2*sigmoid(2*z) - 1"), ("sigmoid(-z)", "1 - sigmoid(z)"))
# The derivative that is taken at a kink.
KINKS = (
    (cg.relu, 0.0, 0.0),
    (cg.leaky_relu, 0.0, 0.01),
    (cg.elu, 0.0, 1.0),
    (cg.softsign, 0.0, 1.0),
    (cg.hard_tanh, -1.0, 0.0),
    (cg.hard_tanh, 1.0, 0.0),
)
# On which sides the derivative vanishes.
SATURATED = {
    "sigmoid": "both",
    "tanh": "both",
    "hard tanh": "both",
    "softsign": "both",
    "ReLU": "left",
    "softplus": "left",
    "ELU, α = 1": "left",
    "swish, β = 1.5": "left",
}


def slopes(activation, places):
    """The derivative at every place: the gradient of the sum."""
    return cg.grad(lambda z: np.sum(activation(z)))(places)


def sides(activation):
    """Where the derivative all but vanishes far from zero."""
    far = np.resize([-FAR, FAR], len(PLACES))
    low, high = np.abs(slopes(activation, far)[:2]) < FLAT
    return {(True, True): "both", (True, False): "left"}.get((bool(low), bool(high)), "")


def curves():
    found = {}
    for name, activation in ACTIVATIONS.items():
        side = sides(activation)
        assert side == SATURATED.get(name, ""), (name, side)
        z = cg.input("z", len(PLACES))
        values = np.ravel(cg.circuit(f=activation(z))(PLACES))
        told = {"both": "saturates", "left": "saturates left", "": "never saturates"}[side]
        found[f"{name}\n{told}"] = (values, slopes(activation, PLACES))
    plots.activation_curves(found, PLACES).savefig(folder() / "n28_activations.png")
    return len(found)


def dead_units():
    """How many of two ReLU units learn nothing, and how many of two leaky ones."""
    rng = np.random.default_rng(0)
    x = rng.normal(size=(64, 3))
    y = np.maximum(x[:, :1], 0)
    start = nn.dense_parameters(rng, (3, 2, 1))
    start["layer1"]["b"] = np.array([-50.0, 1.0])  # no sample reaches the first unit
    counts = []
    for activation in (cg.relu, cg.leaky_relu):
        model = nn.dense(activation, depth=2)

        def loss(parameters, x, y, model=model):
            return nn.mean_squared_error(model(parameters, x), y)

        after = cg.fit(loss, start, (x, y), optim.sgd(0.01), epochs=20).parameters["layer1"]["W"]
        counts.append(int(np.sum(np.all(after == start["layer1"]["W"], axis=1))))
    return counts


def activations():
    verdicts = [cg.check(*claim) for claim in CLAIMS]
    verdicts += [cg.check_equal(*pair) for pair in IDENTITIES]
    for gate, place, slope in KINKS:
        assert slopes(gate, np.array([place])) == [slope], gate
    tie = {"W": np.array([[[1.0]], [[3.0]]]), "b": np.zeros((2, 1))}
    assert cg.grad(lambda z: np.sum(nn.maxout(tie, z)))(np.zeros(1)) == [2.0]  # half of each
    count = curves()
    assert dead_units() == [1, 0]
    return Row(
        28,
        "activation functions",
        f"{count} activations, {len(CLAIMS)} derivatives; tanh z = 2σ(2z) − 1, softplus' = σ; "
        "a dead ReLU keeps its weights, a leaky one learns",
        proved(*verdicts),
        "n28_activations.png",
    )


if __name__ == "__main__":
    report(activations())
