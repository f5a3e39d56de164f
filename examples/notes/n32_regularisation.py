"""Rows 32 and 33: weight decay, L2, L1 and exact zeros, tying, sparse units; early stopping."""

import numpy as np
from record import Row, folder, proved, report

import circuitgrad as cg
from circuitgrad import data, nn, optim
from circuitgrad.viz import plots


def decay():
    """Both written forms of weight decay are steps on the loss with ½α‖w‖²."""
    w, g = {"w": np.array([3.0, -1.0])}, {"w": np.array([0.5, 2.0])}
    rate, penalty, samples = 0.1, 0.4, 8
    for strength, decoupled in ((penalty, False), (penalty, True), (penalty / samples, True)):
        shrinking = optim.with_weight_decay(optim.sgd(rate), strength, decoupled=decoupled)
        moved, _ = shrinking.update(g, shrinking.initial(w), w)
        np.testing.assert_allclose(
            moved["w"], (1 - rate * strength) * w["w"] - rate * g["w"], rtol=1e-14
        )
    return [
        cg.check_equal("w - e*(g + a*w)", "(1 - e*a)*w - e*g"),
        cg.check("0.5*sum(w**2)", "w", "w", w="n"),
        cg.check("sum((w - b)**2)", "w", "2*(w - b)", w="n", b="n"),
        cg.check("sum((v - w)**2)", "v", "2*(v - w)", v="n", w="n"),
        cg.check("sum(abs(w))", "w", "sign(w)", w="n"),
    ]


def toward_points():
    """Minima of a parabola with each penalty, against their closed forms."""
    center, point = np.array([2.0, -1.0]), np.array([0.0, 1.0])

    def minimum(penalty):
        def loss(p, c):
            return 0.5 * ((p["w"] - c) ** 2).sum() + penalty(p["w"])

        found = cg.fit(
            loss, {"w": np.zeros(2)}, center[None], optim.sgd(0.1), epochs=300, batch_size=None
        )
        return found.parameters["w"]

    np.testing.assert_allclose(minimum(lambda w: 3 * nn.l2(w)), center / 4, atol=1e-9)
    drawn = minimum(lambda w: 0.5 * nn.l2_toward(w, point))
    np.testing.assert_allclose(drawn, (center + point) / 2, atol=1e-9)
    tied = minimum(lambda w: 2 * nn.tying(w[0], w[1]))
    # (1 + 4)w₁ - 4w₂ = c₁ and the same the other way round: means agree, differences are a ninth.
    np.testing.assert_allclose(tied, 0.5 + np.array([1, -1]) * 3 / 18, atol=1e-9)


def zeros():
    """L1 on the diabetes table: the weights after each step, soft threshold or subgradient."""
    x, y = data.load("diabetes")
    x = data.Standardization().fit_transform(x)
    y = (y - y.mean()) / y.std()
    strength = 0.1

    def slope(w):
        return x.T @ (x @ w - y) / len(x)

    paths = {}
    soft, plain = optim.with_soft_threshold(optim.sgd(0.2), strength), optim.sgd(0.2)
    for name, optimizer in (("soft", soft), ("subgradient", plain)):
        w = np.full(10, 0.1)
        state, path = optimizer.initial(w), [w]
        for _ in range(800):
            g = slope(w) + (strength * np.sign(w) if name == "subgradient" else 0)
            w, state = optimizer.update(g, state, w)
            path.append(w)
        paths[name] = np.array(path)
    w = paths["soft"][-1]
    used = w != 0
    # At the minimum the slope is -λ sign(w) where w is not 0, and at most λ in size where it is.
    np.testing.assert_allclose(slope(w)[used], -strength * np.sign(w[used]), atol=1e-10)
    assert np.all(np.abs(slope(w)[~used]) <= strength)
    assert np.count_nonzero(paths["subgradient"][-1]) == 10
    names = {"age": 0, "sex": 1, "body mass": 2, "blood pressure": 3, "s3": 6, "s5": 8}
    curves = {name: paths["soft"][:60, column] for name, column in names.items()}
    figure = plots.loss_curves(curves, log=False)
    figure.axes[0].set_ylabel("weight")
    figure.axes[0].set_xlim(0, 85)  # room for the legend
    figure.savefig(folder() / "n32_zeros.png", dpi=90)
    return np.count_nonzero(w), pruned(x, y)


def pruned(x, y):
    """The share of the explained variance that is left with the five largest weights."""
    w = np.linalg.solve(x.T @ x + 0.05 * len(x) * np.eye(10), x.T @ y)
    small = np.argsort(np.abs(w))[:5]
    less = w.copy()
    less[small] = 0
    kept = [1 - np.mean((x @ v - y) ** 2) for v in (w, less)]
    assert 0.9 < kept[1] / kept[0] < 1
    return kept[1] / kept[0]


def silent_units():
    """A penalty on the sizes of hidden units makes more of them 0."""
    x, y = data.load("diabetes")
    x, y = data.Standardization().fit_transform(x)[:150], (y[:150] - y.mean()) / y.std()
    start = nn.dense_parameters(np.random.default_rng(0), (10, 20, 1))

    def hidden(p, x):
        return cg.relu(nn.affine(p["layer1"], x))

    shares = []
    for strength in (0.0, 0.1):

        def loss(p, x, y, strength=strength):
            h = hidden(p, x)
            error = nn.mean_squared_error(nn.affine(p["layer2"], h)[:, 0], y)
            return error + strength / 150 * nn.sparse_activations(h)

        found = cg.fit(loss, start, (x, y), optim.adam(0.02), epochs=150, batch_size=None)
        shares.append(float(np.mean(hidden(found.parameters, x) == 0)))
    assert shares[1] > shares[0] + 0.1, shares


def regularisers():
    verdicts = decay()
    toward_points()
    used, share = zeros()
    silent_units()
    return Row(
        32,
        "L2, weight decay, toward a point, tied weights, L1, sparse units",
        f"the soft threshold leaves {used} of 10 weights, the others exactly 0 (a subgradient step "
        f"leaves none at 0); five weights pruned keep {share:.0%} of the fit; hidden units with a "
        "penalty are silent more often by a tenth at least",
        proved(*verdicts),
        "n32_zeros.png",
    )


def curve(generator, count):
    """Points on a sine with noise: polynomials up to degree 12 at each, and its height."""
    x = generator.uniform(-1, 1, count)
    heights = np.sin(3 * x) + generator.normal(scale=0.5, size=count)
    return np.polynomial.legendre.legvander(x, 12), heights


def early():
    """A polynomial of degree 12 on 20 points with noise, and 200 points for validation."""
    generator = np.random.default_rng(4)
    training, validation = curve(generator, 20), curve(generator, 200)

    def loss(w, x, y):
        return nn.mean_squared_error(x @ w["w"], y)

    def fitted(stopping):
        return cg.fit(
            loss,
            {"w": np.zeros(13)},
            training,
            optim.adam(0.02),
            epochs=400,
            batch_size=None,
            validation=validation,
            early_stopping=stopping,
        )

    stopped, whole = fitted(optim.EarlyStopping(patience=40)), fitted(None)
    errors = stopped.history["validation"]
    x, y = validation
    at_return = np.mean((x @ stopped.parameters["w"] - y) ** 2)
    np.testing.assert_allclose(at_return, errors.min(), rtol=1e-12)
    assert stopped.stopped == "early stopping"
    assert len(errors) == int(np.argmin(errors)) + 41
    assert whole.history["validation"][-1] > errors.min()
    assert whole.history["loss"][-1] < stopped.history["loss"][-1]
    curves = {"training": whole.history["loss"], "validation": whole.history["validation"]}
    figure = plots.loss_curves(curves)
    figure.axes[0].axvline(int(np.argmin(errors)), color="#888888", linestyle="--", linewidth=1)
    figure.savefig(folder() / "n33_early_stopping.png", dpi=90)
    circuit = nn.model_circuit(
        lambda w, x: loss(w, x, np.ones(3)), {"w": np.zeros(2)}, np.ones((3, 2))
    )
    return Row(
        33,
        "early stopping",
        "the parameters returned are those of the epoch with the lowest validation error, "
        f"{errors.min():.2f}; after all 400 epochs it is {whole.history['validation'][-1]:.2f}",
        proved(cg.verify(circuit)),
        "n33_early_stopping.png",
    )


def main():
    report(regularisers(), early())


if __name__ == "__main__":
    main()
