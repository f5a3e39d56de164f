"""Row 21: images as vectors, ten classes; the rows of W are the templates of the classes."""

import numpy as np
from record import Row, folder, proved, report

import circuitgrad as cg
from circuitgrad import data, nn, optim
from circuitgrad.viz import plots

# The minimum of this objective on this split, and the test accuracy there, by another solver.
OBJECTIVE, ACCURACY = 0.08485237, 0.9822
SIDE, CLASSES = 8, 10


def loss(parameters, x, y):
    return nn.cross_entropy(nn.affine(parameters, x), y) + 1e-3 * nn.l2(parameters, only="W")


def templates():
    x, y = data.load("digits")
    images = x.reshape(-1, SIDE, SIDE, 1)  # height × width × channels, and flat again
    x = images.reshape(len(images), -1)
    order = np.random.default_rng(0).permutation(len(x))
    train, test = np.split(order, [int(0.75 * len(x))])
    scaling = data.Standardization().fit(x[train])
    samples = scaling.transform(x[train]), y[train]
    start = {"W": np.zeros((CLASSES, SIDE * SIDE)), "b": np.zeros(CLASSES)}
    assert nn.parameter_count(start) == 650
    optimizer = optim.nesterov(2.0, form="buffer", alpha=0.95)
    found = cg.fit(loss, start, samples, optimizer, epochs=400, batch_size=None)
    reached = found.history["loss"][-1]
    np.testing.assert_allclose(reached, OBJECTIVE, rtol=1e-6)
    guesses = np.argmax(nn.affine(found.parameters, scaling.transform(x[test])), axis=1)
    accuracy = np.mean(guesses == y[test])
    np.testing.assert_allclose(accuracy, ACCURACY, atol=5e-5)
    # The mean image of every class scores highest with the template of its class.
    means = np.array([samples[0][samples[1] == k].mean(axis=0) for k in range(CLASSES)])
    best = np.argmax(nn.affine(found.parameters, means), axis=1)
    np.testing.assert_array_equal(best, range(CLASSES))
    pictures = found.parameters["W"].reshape(CLASSES, SIDE, SIDE)
    plots.class_templates(pictures).savefig(folder() / "n21_templates.png")
    circuit = nn.model_circuit(loss, start, samples[0][:8], samples[1][:8])
    return Row(
        21,
        "images as vectors: class templates",
        f"digits, 8 × 8 × 1 to 64 numbers: objective {reached:.8f}, test accuracy {accuracy:.1%}; "
        "the mean image of each class scores highest with its own template",
        proved(cg.verify(circuit)),
        "n21_templates.png",
    )


if __name__ == "__main__":
    report(templates())
