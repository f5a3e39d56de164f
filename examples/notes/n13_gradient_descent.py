"""Row 13: batch, minibatch and stochastic gradient descent; one loop, three sizes of the batch."""

import contextlib
import io

import numpy as np
from record import Row, folder, proved, report

import circuitgrad as cg
from circuitgrad import nn, optim
from circuitgrad.viz import plots


def loss(parameters, x, y):
    return nn.mean_squared_error(nn.affine(parameters, x), y, "half_samples")


def problem():
    """Samples of a plane with noise, and the parameters that fit them best."""
    rng = np.random.default_rng(0)
    x = rng.normal(size=(120, 3))
    y = x @ np.array([[1.0, -2.0, 0.5]]).T + 4 + 0.1 * rng.normal(size=(120, 1))
    design = np.hstack([x, np.ones((120, 1))])
    return x, y, np.linalg.lstsq(design, y, rcond=None)[0].ravel()


def bar(start, x, y):
    """What the progress bar of two epochs writes."""
    with contextlib.redirect_stderr(io.StringIO()) as written:
        cg.fit(loss, start, (x, y), optim.sgd(0.1), epochs=2, progress=True)
    return written.getvalue()


def descent():
    x, y, best = problem()
    start = {"W": np.zeros((1, 3)), "b": np.zeros(1)}
    assert "2/2" in bar(start, x, y)
    curves, words = {}, []
    for name, size, rate, epochs, near in (
        ("batch", None, 0.5, 60, 1e-6),
        ("minibatch", 16, optim.hyperbolic_decay(0.2, tau=80), 100, 5e-3),
        ("stochastic", 1, optim.hyperbolic_decay(0.05, tau=200), 100, 5e-3),
    ):
        found = cg.fit(loss, start, (x, y), optim.sgd(rate), epochs=epochs, batch_size=size)
        distance = np.abs(np.append(found.parameters["W"], found.parameters["b"]) - best).max()
        assert distance < near
        updates = len(found.history["batch_loss"])
        assert updates == epochs * -(-120 // (size or 120))
        curves[name] = found.history["loss"]
        words.append(f"{name} {distance:.0e} ({updates:,} updates)")
    figure = plots.loss_curves(curves)
    figure.axes[0].set_xlabel("epoch")
    figure.savefig(folder() / "n13_descent.png")
    verdict = cg.check(
        "sum((W @ x + b - y)**2)/2", "W", "outer(W @ x + b - y, x)", W="m n", x="n", b="m", y="m"
    )
    return Row(
        13,
        "gradient descent: batch, minibatch, stochastic",
        "distance from the closed form: " + ", ".join(words),
        proved(verdict, cg.verify(nn.model_circuit(loss, start, x[:16], y[:16]))),
        "n13_descent.png",
    )


if __name__ == "__main__":
    report(descent())
