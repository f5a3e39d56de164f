"""Batch, minibatch and stochastic gradient descent: one loop, three sizes of the batch."""

import numpy as np

import circuitgrad as cg
from circuitgrad import nn, optim


def loss(parameters, x, y):
    return nn.mean_squared_error(nn.affine(parameters, x), y, "half_samples")


def main():
    rng = np.random.default_rng(0)
    x = rng.normal(size=(120, 3))
    y = x @ np.array([[1.0, -2.0, 0.5]]).T + 4 + 0.1 * rng.normal(size=(120, 1))
    design = np.hstack([x, np.ones((120, 1))])
    best = np.linalg.lstsq(design, y, rcond=None)[0].ravel()
    start = {"W": np.zeros((1, 3)), "b": np.zeros(1)}
    for name, size, rate, epochs, near in (
        ("batch", None, 0.5, 60, 1e-6),
        ("minibatch", 16, optim.hyperbolic_decay(0.2, tau=80), 100, 5e-3),
        ("stochastic", 1, optim.hyperbolic_decay(0.05, tau=200), 100, 5e-3),
    ):
        found = cg.fit(loss, start, (x, y), optim.sgd(rate), epochs=epochs, batch_size=size)
        parameters = np.append(found.parameters["W"], found.parameters["b"])
        distance = np.abs(parameters - best).max()
        updates = len(found.history["batch_loss"])
        print(
            f"{name}: {updates} updates, loss {found.history['loss'][-1]:.6f}, {distance:.1e} off"
        )
        assert distance < near


if __name__ == "__main__":
    main()
