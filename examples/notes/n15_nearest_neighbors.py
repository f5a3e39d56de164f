"""Row 15: k nearest neighbours by three norms, beside the linear classifier, on real images."""

import numpy as np
from record import Row, folder, proved, report

import circuitgrad as cg
from circuitgrad import data, nn, optim
from circuitgrad.viz import plots

NORMS = {"1-norm": 1, "2-norm": 2, "∞-norm": np.inf}


def loss(parameters, x, y):
    return nn.cross_entropy(nn.affine(parameters, x), y) + 1e-3 * nn.l2(parameters, only="W")


def neighbors():
    x, y = data.load("digits")
    x = x / 16
    order = np.random.default_rng(0).permutation(len(x))
    train, test = np.split(order, [int(0.75 * len(x))])
    scores = {}
    for name, norm in NORMS.items():
        classifier = data.NearestNeighbors(k=3, norm=norm).fit(x[train], y[train])
        scores[name] = classifier.score(x[test], y[test])
        if name == "2-norm":
            pairs = np.array([y[test], classifier.predict(x[test])])
    counts = np.zeros((10, 10))
    np.add.at(counts, tuple(pairs), 1)
    assert np.trace(counts) == round(scores["2-norm"] * len(test))
    plots.confusion_matrix(counts).savefig(folder() / "n15_neighbors.png")

    start = {"W": np.zeros((10, 64)), "b": np.zeros(10)}
    found = cg.fit(loss, start, (x[train], y[train]), optim.adam(0.01), epochs=40)
    guesses = np.argmax(nn.affine(found.parameters, x[test]), axis=1)
    linear = np.mean(guesses == y[test])
    assert scores["2-norm"] >= 0.98
    assert min(scores.values()) >= 0.97
    assert linear >= 0.95
    told = ", ".join(f"{name} {score:.1%}" for name, score in scores.items())
    return Row(
        15,
        "k nearest neighbours and the linear classifier",
        f"digits, k = 3, test accuracy: {told}; linear {linear:.1%}",
        proved(cg.verify(nn.model_circuit(loss, start, x[:32], y[:32]))),
        "n15_neighbors.png",
    )


if __name__ == "__main__":
    report(neighbors())
