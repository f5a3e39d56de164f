"""Classifiers on real data sets against published figures of the same split."""

import numpy as np
import pytest

import circuitgrad as cg
from circuitgrad import data, nn, optim

# Minimum of the mean cross-entropy + ½·1e-3·‖W‖² on standardised training data, and the accuracy
# on the test data, by another solver (scikit-learn 1.9.1's data sets).
REFERENCE = {"iris": (0.10251946, 0.9737), "digits": (0.08485237, 0.9822)}


def parts(name):
    """The first three quarters of a seeded permutation for training, the rest for testing."""
    x, y = data.load(name)
    order = np.random.default_rng(0).permutation(len(x))
    train, test = np.split(order, [int(0.75 * len(x))])
    return x[train], y[train], x[test], y[test]


def accuracy(scores, classes):
    return np.mean(np.argmax(scores, axis=1) == classes)


@pytest.mark.parametrize("name", ["iris", pytest.param("digits", marks=pytest.mark.slow)])
def test_softmax_regression_reaches_the_reference_objective(name):
    objective, reached = REFERENCE[name]
    x, y, x_test, y_test = parts(name)
    scaling = data.Standardization().fit(x)

    def loss(parameters, x, y):
        scores = nn.affine(parameters, x)
        return nn.cross_entropy(scores, y) + 1e-3 * nn.l2(parameters, only="W")

    start = {"W": np.zeros((y.max() + 1, x.shape[1])), "b": np.zeros(y.max() + 1)}
    optimizer = optim.nesterov(1.0, form="buffer", alpha=0.96)
    found = cg.fit(loss, start, (scaling.transform(x), y), optimizer, epochs=600, batch_size=None)
    assert found.history["loss"][-1] == pytest.approx(objective, rel=1e-6)
    scores = nn.affine(found.parameters, scaling.transform(x_test))
    assert accuracy(scores, y_test) == pytest.approx(reached, abs=5e-5)


def test_two_hidden_layers_tell_digits_apart():
    x, y, x_test, y_test = parts("digits")
    model = nn.dense(cg.relu, depth=3)

    def loss(parameters, x, y):
        return nn.cross_entropy(model(parameters, x), y)

    start = nn.dense_parameters(np.random.default_rng(0), (64, 128, 64, 10))
    found = cg.fit(loss, start, (x / 16, y), optim.adam(1e-3), epochs=40)
    assert accuracy(model(found.parameters, x_test / 16), y_test) >= 0.98


@pytest.mark.parametrize(("norm", "least"), [(2, 0.98), (1, 0.98), (np.inf, 0.97)])
def test_neighbours_tell_digits_apart(norm, least):
    x, y, x_test, y_test = parts("digits")
    assert data.NearestNeighbors(k=3, norm=norm).fit(x, y).score(x_test, y_test) >= least


def test_batch_norm_and_dropout_train_together():
    x, y, x_test, y_test = parts("digits")

    def model(parameters, state, x, mask, train):
        hidden = nn.affine(parameters["layer1"], x)
        hidden, state = nn.batch_norm(parameters["norm"], hidden, state, train=train)
        hidden = nn.inverted_dropout(cg.relu(hidden), mask, keep=0.8, train=train)
        return nn.affine(parameters["layer2"], hidden), state

    def loss(parameters, state, x, y, mask):
        scores, state = model(parameters, state, x, mask, train=True)
        return nn.cross_entropy(scores, y, smoothing=0.1), state

    def prepare(generator, x, y):
        return x, y, nn.dropout_mask(generator, (len(x), 48), keep=0.8)

    start = nn.dense_parameters(np.random.default_rng(1), (64, 48, 10))
    start["norm"] = nn.norm_parameters(48)
    found = cg.fit(
        loss, start, (x / 16, y), optim.adam(3e-3), epochs=15, prepare=prepare,
        state=nn.batch_norm_state(48),
    )  # fmt: skip
    scores, state = model(found.parameters, found.state, x_test / 16, None, train=False)
    assert accuracy(scores, y_test) >= 0.97
    np.testing.assert_array_equal(state["mean"], found.state["mean"])
