"""k nearest neighbours by three norms, beside the linear classifier, on real images."""

import numpy as np

import circuitgrad as cg
from circuitgrad import data, nn, optim


def main():
    x, y = data.load("digits")
    x = x / 16
    order = np.random.default_rng(0).permutation(len(x))
    train, test = np.split(order, [int(0.75 * len(x))])
    scores = {}
    for name, norm in (("1", 1), ("2", 2), ("infinity", np.inf)):
        classifier = data.NearestNeighbors(k=3, norm=norm).fit(x[train], y[train])
        scores[name] = classifier.score(x[test], y[test])
        print(f"{name}-norm: {scores[name]:.4f}")

    def loss(parameters, x, y):
        return nn.cross_entropy(nn.affine(parameters, x), y) + 1e-3 * nn.l2(parameters, only="W")

    start = {"W": np.zeros((10, 64)), "b": np.zeros(10)}
    found = cg.fit(loss, start, (x[train], y[train]), optim.adam(0.01), epochs=40)
    guesses = np.argmax(nn.affine(found.parameters, x[test]), axis=1)
    linear = np.mean(guesses == y[test])
    print(f"linear: {linear:.4f}")
    assert scores["2"] >= 0.98
    assert min(scores.values()) >= 0.97
    assert linear >= 0.95


if __name__ == "__main__":
    main()
