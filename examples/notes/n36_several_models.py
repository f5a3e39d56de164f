"""Row 36: one trunk for two tasks, layers that are kept, ensembles, bagging."""

import numpy as np
from record import Row, folder, proved, report

import circuitgrad as cg
from circuitgrad import data, nn, optim
from circuitgrad.viz import plots

POINTS, MODELS = 20, 1024


def ensembles():
    """Errors of means of k lines, each line fitted to twenty points of its own."""
    generator = np.random.default_rng(5)
    x = generator.uniform(-1, 1, (POINTS, MODELS))
    y = 2 * x + 1 + generator.normal(size=x.shape)

    def loss(lines, x, y):
        return ((lines["a"] * x + lines["b"] - y) ** 2).sum() / POINTS

    start = {"a": np.zeros(MODELS), "b": np.zeros(MODELS)}
    found = cg.fit(loss, start, (x, y), optim.sgd(0.3), epochs=300, batch_size=None).parameters
    a = np.polyfit(x[:, 0], y[:, 0], 1)
    np.testing.assert_allclose([found["a"][0], found["b"][0]], a, atol=1e-8)
    sizes = np.array([1, 2, 4, 8, 16])
    errors = []
    for size in sizes:
        # The mean over x in [-1, 1] of the squared error of the mean of `size` lines.
        slope = found["a"].reshape(-1, size).mean(axis=1) - 2
        offset = found["b"].reshape(-1, size).mean(axis=1) - 1
        errors.append(np.mean(slope**2 / 3 + offset**2))
    ratios = sizes * errors / errors[0]
    np.testing.assert_allclose(ratios, 1, atol=0.25)
    power = np.polyfit(np.log(sizes), np.log(errors), 1)[0]
    assert abs(power + 1) < 0.1, power
    return sizes, np.array(errors), power


def bagging():
    """Polynomials fitted to bootstrap samples: the mean is better than the members are."""
    generator = np.random.default_rng(6)
    x = generator.uniform(-1, 1, 60)
    basis, y = np.polynomial.legendre.legvander(x, 8), np.sin(4 * x) + generator.normal(size=60)
    places = np.linspace(-1, 1, 101)
    truth, at = np.sin(4 * places), np.polynomial.legendre.legvander(places, 8)
    members, left_out = [], []
    for _ in range(200):
        chosen, others = data.bootstrap(60, generator)
        members.append(at @ np.linalg.lstsq(basis[chosen], y[chosen], rcond=None)[0])
        left_out.append(len(others) / 60)
    assert abs(np.mean(left_out) - (1 - 1 / 60) ** 60) < 0.01
    mean = np.mean(members, axis=0)
    single = np.mean((np.array(members) - truth) ** 2)
    spread = np.mean((np.array(members) - mean) ** 2)
    bagged = np.mean((mean - truth) ** 2)
    np.testing.assert_allclose(bagged, single - spread, rtol=1e-10)
    assert bagged < 0.25 * single
    return bagged / single


def tasks():
    """One hidden layer under two heads; then a new head on the layer kept as it is."""
    x, y = data.load("digits")
    x, odd = x[:600] / 16, y[:600] % 2
    rng = np.random.default_rng(0)
    start = {
        "trunk": nn.affine_parameters(rng, 64, 32),
        "digit": nn.affine_parameters(rng, 32, 10),
        "odd": nn.affine_parameters(rng, 32, 2),
    }

    def head(name):
        def loss(p, x, y):
            return nn.cross_entropy(nn.affine(p[name], cg.relu(nn.affine(p["trunk"], x))), y)

        return loss

    def both(p, x, y, odd):
        return head("digit")(p, x, y) + 0.5 * head("odd")(p, x, odd)

    gradients = [
        gradient(start, x[:8], y[:8], odd[:8])
        for gradient in (
            trunk_gradient(both),
            trunk_gradient(lambda p, x, y, odd: head("digit")(p, x, y)),
            trunk_gradient(lambda p, x, y, odd: head("odd")(p, x, odd)),
        )
    ]
    np.testing.assert_allclose(gradients[0], gradients[1] + 0.5 * gradients[2], atol=1e-14)
    trained = cg.fit(both, start, (x, y[:600], odd), optim.adam(0.01), epochs=10).parameters
    new = {"trunk": trained["trunk"], "five": nn.affine_parameters(rng, 32, 2)}
    frozen = optim.with_frozen(optim.adam(0.01), "trunk")
    five = (y[:600] >= 5).astype(int)
    moved = cg.fit(head("five"), new, (x, five), frozen, epochs=10)
    for name in "Wb":
        np.testing.assert_array_equal(moved.parameters["trunk"][name], trained["trunk"][name])
    assert moved.history["loss"][-1] < 0.4 * moved.history["loss"][0]


def trunk_gradient(loss):
    """The gradient of a loss by the trunk's weights, as a function of parameters and a batch."""

    def gradient(parameters, x, y, odd):
        circuit = nn.model_circuit(lambda p, x: loss(p, x, y, odd), parameters, x)
        leaves = {
            f"{layer}_{name}": parameters[layer][name] for layer in parameters for name in "Wb"
        }
        known = {name: value for name, value in leaves.items() if name in circuit.input_names}
        return circuit.grad("trunk_W")(x=x, **known)

    return gradient


def main():
    tasks()
    sizes, errors, power = ensembles()
    share = bagging()
    figure = plots.loss_curves({"measured": errors, "1/k": errors[0] / sizes})
    axes = figure.axes[0]
    axes.set_xticks(range(len(sizes)), [str(size) for size in sizes])
    axes.set_xlabel("models in the mean")
    axes.set_ylabel("squared error")
    figure.savefig(folder() / "n36_ensembles.png", dpi=90)
    report(
        Row(
            36,
            "several tasks, kept layers, ensembles, bagging",
            f"the error of k independent models falls as k^{power:.2f}; a bag of 200 has "
            f"{share:.0%} of a member's error; a frozen trunk keeps every bit",
            proved(
                cg.check_equal(
                    "((a + b)/2 - y)**2", "((a - y)**2 + (b - y)**2)/2 - ((a - b)/2)**2"
                ),
                cg.check(
                    "0.5*sum((A @ (W @ x) - y)**2) + 0.5*c*sum((B @ (W @ x) - z)**2)",
                    "W",
                    "outer(A.T @ (A @ (W @ x) - y) + c*(B.T @ (B @ (W @ x) - z)), x)",
                    A="k h",
                    B="m h",
                    W="h n",
                    x="n",
                    y="k",
                    z="m",
                ),
            ),
            "n36_ensembles.png",
        )
    )


if __name__ == "__main__":
    main()
