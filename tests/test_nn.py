"""Losses, layers, norms, initial weights and regularisers, by definitions and proofs."""

import re

import numpy as np
import pytest

import circuitgrad as cg
from circuitgrad import nn

RNG = np.random.default_rng(11)
X = RNG.normal(size=(6, 4))
SCORES = RNG.normal(size=(6, 3))
CLASSES = np.array([0, 2, 1, 1, 0, 2])
HOT = np.eye(3)[CLASSES]
NORM = {"gamma": RNG.normal(size=4), "beta": RNG.normal(size=4)}


def probabilities(scores):
    weights = np.exp(scores - scores.max(axis=-1, keepdims=True))
    return weights / weights.sum(axis=-1, keepdims=True)


# --- losses ---------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("normalization", "divisor"),
    [("entries", 18), ("samples", 6), ("half_samples", 12), ("sum", 1), ("half_sum", 2)],
)
def test_mean_squared_error_divides_as_it_is_told(normalization, divisor):
    target = RNG.normal(size=(6, 3))
    expected = np.sum((SCORES - target) ** 2) / divisor
    assert nn.mean_squared_error(SCORES, target, normalization) == pytest.approx(expected)


def test_cross_entropy_is_minus_the_mean_log_probability_of_the_class():
    expected = -np.mean(np.log(probabilities(SCORES)[np.arange(6), CLASSES]))
    assert nn.cross_entropy(SCORES, CLASSES) == pytest.approx(expected, rel=1e-14)
    assert nn.cross_entropy(SCORES, HOT) == pytest.approx(expected, rel=1e-14)
    logs = np.log(probabilities(SCORES))
    assert nn.negative_log_likelihood(logs, CLASSES) == pytest.approx(expected, rel=1e-14)
    one = nn.cross_entropy(SCORES[1], CLASSES[1])
    assert one == pytest.approx(-np.log(probabilities(SCORES)[1, 2]))


def test_smoothing_gives_every_wrong_class_its_share():
    logs = np.log(probabilities(SCORES))
    weights = np.where(HOT == 1, 0.9, 0.1 / 2)
    expected = -np.mean(np.sum(weights * logs, axis=1))
    assert nn.cross_entropy(SCORES, CLASSES, smoothing=0.1) == pytest.approx(expected)
    assert nn.cross_entropy(SCORES, HOT, smoothing=0.1) == pytest.approx(expected)


def test_the_gradient_of_cross_entropy_by_the_scores_is_p_minus_y():
    found = cg.grad(nn.cross_entropy)(SCORES, CLASSES)
    np.testing.assert_allclose(found, (probabilities(SCORES) - HOT) / 6, rtol=1e-12, atol=1e-15)


def test_scores_of_ten_thousand_leave_loss_and_gradient_finite():
    scores = np.array([[1e4, -1e4, 0.0]])
    value, slope = cg.value_and_grad(nn.cross_entropy)(scores, [1])
    assert value == 2e4
    np.testing.assert_array_equal(slope, [[1.0, -1.0, 0.0]])


def test_max_margin_has_no_loss_and_no_gradient_where_the_margin_is_met():
    for score, corrupt in ((3.0, 1.0), (2.0, 1.0)):
        value, slopes = cg.value_and_grad(nn.max_margin, argnums=(0, 1))(score, corrupt)
        assert value == 0
        assert slopes == (0, 0)
    value, slopes = cg.value_and_grad(nn.max_margin, argnums=(0, 1))(1.0, 1.5)
    assert value == 1.5
    assert slopes == (-1, 1)


def test_multiclass_hinge_adds_up_what_other_classes_lack():
    own = SCORES[np.arange(6), CLASSES][:, None]
    expected = np.mean(np.sum(np.maximum(0, SCORES - own + 1), axis=1) - 1)
    assert nn.multiclass_hinge(SCORES, CLASSES) == pytest.approx(expected)


def test_huber_is_quadratic_near_zero_and_linear_beyond():
    errors = np.array([-3.0, -1.0, 0.0, 0.5, 2.0])
    expected = np.where(np.abs(errors) <= 1, errors**2 / 2, np.abs(errors) - 0.5)
    assert nn.huber(errors, np.zeros(5)) == pytest.approx(np.mean(expected))
    slopes = cg.grad(lambda e: 5 * nn.huber(e, np.zeros(5)))(errors)
    np.testing.assert_allclose(slopes, np.clip(errors, -1, 1))


# --- layers ---------------------------------------------------------------------------------------


def test_affine_is_wx_plus_b_for_one_sample_and_for_many():
    parameters = {"W": RNG.normal(size=(2, 4)), "b": RNG.normal(size=2)}
    many = nn.affine(parameters, X)
    np.testing.assert_allclose(many, X @ parameters["W"].T + parameters["b"], rtol=1e-13)
    np.testing.assert_allclose(nn.affine(parameters, X[0]), many[0], rtol=1e-13)
    np.testing.assert_allclose(nn.affine({"W": parameters["W"]}, X), X @ parameters["W"].T)


def test_maxout_takes_the_largest_map():
    parameters = {"W": RNG.normal(size=(3, 2, 4)), "b": RNG.normal(size=(3, 2))}
    maps = np.einsum("nj,kij->nki", X, parameters["W"]) + parameters["b"]
    np.testing.assert_allclose(nn.maxout(parameters, X), maps.max(axis=1), rtol=1e-13)
    np.testing.assert_allclose(nn.maxout(parameters, X[0]), maps[0].max(axis=0), rtol=1e-13)


def test_the_slope_of_prelu_has_a_gradient():
    found = cg.grad(lambda p: np.sum(nn.prelu(p, X)))({"slope": np.full(4, 0.25)})
    np.testing.assert_allclose(found["slope"], np.minimum(X, 0).sum(axis=0), rtol=1e-13)


def test_swish_reaches_from_half_a_line_to_relu():
    np.testing.assert_allclose(nn.swish(X, 0.0), X / 2)
    np.testing.assert_allclose(nn.swish(X, 1e4), np.maximum(X, 0), atol=1e-6)


def test_sequential_hands_each_layer_its_parameters():
    parameters = nn.dense_parameters(np.random.default_rng(0), (4, 5, 3))
    model = nn.sequential(("layer1", nn.affine), np.tanh, ("layer2", nn.affine))
    first, second = parameters["layer1"], parameters["layer2"]
    hidden = np.tanh(X @ first["W"].T + first["b"])
    np.testing.assert_allclose(model(parameters, X), hidden @ second["W"].T + second["b"])
    np.testing.assert_array_equal(nn.dense(np.tanh, 2)(parameters, X), model(parameters, X))
    assert nn.parameter_count(parameters) == 4 * 5 + 5 + 5 * 3 + 3


def test_a_model_is_a_circuit():
    parameters = nn.dense_parameters(np.random.default_rng(0), (4, 5, 3))
    circuit = nn.model_circuit(nn.dense(cg.sigmoid, 2), parameters, X)
    assert circuit.input_names == ("layer1_W", "layer1_b", "layer2_W", "layer2_b", "x")
    flat = [array for layer in parameters.values() for array in layer.values()]
    np.testing.assert_allclose(circuit(*flat, X), nn.dense(cg.sigmoid, 2)(parameters, X))
    slopes = circuit.vjp("layer1_W")
    assert slopes.outputs[0].shape == (5, 4)


def test_names_of_inputs_do_not_collide():
    parameters = {"a_b": np.ones(2), "a": {"b": np.ones(2)}, "x": np.ones(2)}
    circuit = nn.model_circuit(
        lambda p, x: p["a_b"] + p["a"]["b"] + p["x"] + x, parameters, np.ones(2)
    )
    assert len(set(circuit.input_names)) == 4


@pytest.mark.parametrize("keep", [0.2, 0.5, 1.0])
def test_both_dropouts_keep_the_expectation_and_are_off_in_tests(keep):
    mask = nn.dropout_mask(np.random.default_rng(3), (20_000, 4), keep)
    np.testing.assert_array_equal(
        mask, nn.dropout_mask(np.random.default_rng(3), (20_000, 4), keep)
    )
    ones = np.ones((20_000, 4))
    plain = nn.dropout(ones, mask, keep=keep, train=True)
    assert np.mean(plain) == pytest.approx(keep, abs=0.01)
    np.testing.assert_allclose(nn.dropout(ones, None, keep=keep, train=False), keep)
    inverted = nn.inverted_dropout(ones, mask, keep=keep, train=True)
    assert np.mean(inverted) == pytest.approx(1, abs=0.02)
    np.testing.assert_array_equal(nn.inverted_dropout(ones, None, keep=keep, train=False), ones)


# --- norms ----------------------------------------------------------------------------------------


def test_batch_norm_in_training_and_testing():
    state = nn.batch_norm_state(4)
    found, moved = nn.batch_norm(NORM, X, state, train=True)
    scaled = (X - X.mean(axis=0)) / np.sqrt(X.var(axis=0) + 1e-5)
    np.testing.assert_allclose(found, NORM["gamma"] * scaled + NORM["beta"], rtol=1e-12)
    np.testing.assert_allclose(moved["mean"], 0.1 * X.mean(axis=0), rtol=1e-13)
    np.testing.assert_allclose(moved["variance"], 0.9 + 0.1 * X.var(axis=0, ddof=1), rtol=1e-13)
    tested, kept = nn.batch_norm(NORM, X[:1], moved, train=False)
    scaled = (X[:1] - moved["mean"]) / np.sqrt(moved["variance"] + 1e-5)
    np.testing.assert_allclose(tested, NORM["gamma"] * scaled + NORM["beta"], rtol=1e-12)
    np.testing.assert_array_equal(kept["mean"], moved["mean"])


def test_the_backward_pass_of_batch_norm_is_the_published_closed_form():
    # Ioffe & Szegedy (2015): dx = γ/(N·σ)·(N·g - Σg - x̂·Σ(g·x̂)), dγ = Σ g·x̂, dβ = Σ g.
    upstream = RNG.normal(size=X.shape)

    def weighted(parameters, x):
        y, _ = nn.batch_norm(parameters, x, nn.batch_norm_state(4), train=True)
        return np.sum(upstream * y)

    by_parameters, by_x = cg.grad(weighted, argnums=(0, 1))(NORM, X)
    sigma = np.sqrt(X.var(axis=0) + 1e-5)
    scaled = (X - X.mean(axis=0)) / sigma
    summed, paired = upstream.sum(axis=0), np.sum(upstream * scaled, axis=0)
    closed = NORM["gamma"] / (6 * sigma) * (6 * upstream - summed - scaled * paired)
    np.testing.assert_allclose(by_x, closed, rtol=1e-9, atol=1e-12)
    np.testing.assert_allclose(by_parameters["gamma"], paired, rtol=1e-12)
    np.testing.assert_allclose(by_parameters["beta"], summed, rtol=1e-12)


def test_layer_norm_is_per_sample_and_group_norm_per_group():
    deviation = np.sqrt(X.var(axis=1, keepdims=True) + 1e-5)
    expected = NORM["gamma"] * (X - X.mean(axis=1, keepdims=True)) / deviation + NORM["beta"]
    np.testing.assert_allclose(nn.layer_norm(NORM, X), expected, rtol=1e-12)
    np.testing.assert_allclose(nn.layer_norm(NORM, X[2]), expected[2], rtol=1e-12)
    np.testing.assert_allclose(nn.group_norm(NORM, X, 1), expected, rtol=1e-12)
    plain = nn.norm_parameters(2)
    halves = [nn.layer_norm(plain, part) for part in (X[:, :2], X[:, 2:])]
    both = nn.group_norm(nn.norm_parameters(4), X, 2)
    np.testing.assert_allclose(both, np.hstack(halves), rtol=1e-12)


@pytest.mark.peers
@pytest.mark.filterwarnings("ignore")
def test_norms_and_losses_are_those_of_pytorch():
    import torch
    from torch.nn import functional

    def to_torch(x):
        return torch.tensor(np.asarray(x))

    gamma, beta, x = to_torch(NORM["gamma"]), to_torch(NORM["beta"]), to_torch(X)
    mean, variance = torch.zeros(4, dtype=torch.float64), torch.ones(4, dtype=torch.float64)
    peer = functional.batch_norm(x, mean, variance, gamma, beta, training=True)
    found, state = nn.batch_norm(NORM, X, nn.batch_norm_state(4), train=True)
    np.testing.assert_allclose(found, peer.numpy(), rtol=1e-11, atol=1e-13)
    np.testing.assert_allclose(state["variance"], variance.numpy(), rtol=1e-13)
    np.testing.assert_allclose(
        nn.group_norm(NORM, X, 2), functional.group_norm(x, 2, gamma, beta).numpy(), rtol=1e-11
    )
    scores, classes = to_torch(SCORES), to_torch(CLASSES)
    pairs = [
        (nn.cross_entropy(SCORES, CLASSES), functional.cross_entropy(scores, classes)),
        (nn.huber(SCORES, HOT, 0.7), functional.huber_loss(scores, to_torch(HOT), delta=0.7)),
        (
            nn.multiclass_hinge(SCORES, CLASSES) / 3,
            functional.multi_margin_loss(scores, classes),
        ),
    ]
    for ours, theirs in pairs:
        assert ours == pytest.approx(theirs.item(), rel=1e-12)


# --- initial weights and regularisers -------------------------------------------------------------


@pytest.mark.parametrize(
    ("initializer", "variance"),
    [
        (nn.small_normal, 1e-4),
        (nn.large_normal, 1.0),
        (nn.xavier_normal_inputs, 1 / 300),
        (nn.xavier_normal, 2 / 500),
        (nn.xavier_uniform, 2 / 500),
        (nn.he_normal, 2 / 300),
    ],
)
def test_initial_weights_have_the_variance_of_their_scheme(initializer, variance):
    weights = initializer(np.random.default_rng(0), (200, 300))
    assert weights.shape == (200, 300)
    assert np.var(weights) == pytest.approx(variance, rel=0.03)
    assert abs(np.mean(weights)) < 4 * np.sqrt(variance / weights.size)
    np.testing.assert_array_equal(weights, initializer(np.random.default_rng(0), (200, 300)))


def test_xavier_uniform_stays_within_its_bound():
    weights = nn.xavier_uniform(np.random.default_rng(0), (200, 300))
    bound = np.sqrt(6 / 500)
    assert 0.99 * bound < np.abs(weights).max() <= bound


TREE = {"one": {"W": np.array([[1.0, -2.0]]), "b": np.array([3.0])}, "two": {"W": np.array([0.0])}}


def test_regularisers_are_their_formulas():
    assert nn.l2(TREE) == 0.5 * (1 + 4 + 9)
    assert nn.l2(TREE, only="W") == 2.5
    assert nn.l1(TREE, only=("W", "b")) == 6
    point = {"one": {"W": np.array([[0.0, 0.0]]), "b": np.array([1.0])}, "two": {"W": np.ones(1)}}
    assert nn.l2_toward(TREE, point) == 1 + 4 + 4 + 1
    assert nn.tying(TREE["one"]["W"], np.array([[1.0, 1.0]])) == 9
    assert nn.sparse_activations(TREE["one"]["W"], TREE["one"]["b"]) == 6


def test_the_gradient_of_l2_is_the_weight_and_of_l1_its_sign():
    np.testing.assert_array_equal(cg.grad(nn.l2)(TREE)["one"]["W"], TREE["one"]["W"])
    found = cg.grad(nn.l1)(TREE)
    np.testing.assert_array_equal(found["one"]["W"], [[1, -1]])
    np.testing.assert_array_equal(found["two"]["W"], [0])


# --- mistakes -------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: nn.mean_squared_error(np.ones((3, 1)), np.ones(3)), "Give both the same shape"),
        (lambda: nn.mean_squared_error([1.0], [1.0], "mean"), "no normalization is named 'mean'"),
        (lambda: nn.cross_entropy(SCORES, CLASSES + 1), "got class 3; needed whole numbers"),
        (lambda: nn.cross_entropy(SCORES, CLASSES + 0.5), "got class 0.5"),
        (lambda: nn.cross_entropy(SCORES, CLASSES[:3]), "needed classes of (6,)"),
        (lambda: nn.cross_entropy(SCORES[:, :1], CLASSES), "two classes or more"),
        (lambda: nn.cross_entropy(1.0, 0), "needed 1 or 2 axes"),
        (lambda: nn.cross_entropy(SCORES, CLASSES, smoothing=1.0), "between 0 and 1"),
        (lambda: nn.huber([1.0], [1.0], 0), "delta is 0"),
        (lambda: nn.max_margin([1.0, 2.0], 1.0), "Give both the same shape"),
        (lambda: nn.multiclass_hinge(SCORES, HOT), "the class of each sample"),
        (lambda: nn.affine({"W": np.ones((2, 3))}, X), "as many columns of W"),
        (lambda: nn.affine({"w": np.ones((2, 4))}, X), "have no 'W'. Known: w."),
        (lambda: nn.affine(np.ones((2, 4)), X), "needed a dict with 'W'"),
        (lambda: nn.affine({"W": np.ones((2, 4)), "b": np.ones(3)}, X), "one entry per row"),
        (lambda: nn.dropout(X, None, keep=0.5, train=True), "needs one, from dropout_mask"),
        (lambda: nn.dropout(X, X[:2], keep=0.5, train=True), "the mask"),
        (lambda: nn.inverted_dropout(X, X, keep=0.0, train=True), "between 0 and 1"),
        (lambda: nn.dropout_mask(0, (2,), 0.5), "default_rng"),
        (lambda: nn.sequential(("a", nn.affine), ("a", nn.affine)), "share a name"),
        (lambda: nn.sequential(3), "needed a function"),
        (lambda: nn.batch_norm(NORM, X[:1], nn.batch_norm_state(4), train=True), "no variance"),
        (
            lambda: nn.batch_norm(NORM, X[:, :3], nn.batch_norm_state(3), train=True),
            "gamma is (4,)",
        ),
        (lambda: nn.group_norm(NORM, X, 3), "for 3 groups"),
        (lambda: nn.he_normal(np.random.default_rng(0), (3,)), "needed (outputs, inputs)"),
        (lambda: nn.he_normal(0, (3, 3)), "default_rng"),
        (lambda: nn.dense_parameters(np.random.default_rng(0), (3,)), "two or more"),
        (lambda: nn.dense(np.tanh, 0), "depth is 0"),
        (lambda: nn.l2(TREE, only="V"), "no parameter is chosen"),
        (lambda: nn.tying(np.ones(2), np.ones(3)), "Give both the same shape"),
        (lambda: nn.sparse_activations(), "got no activation"),
    ],
)
def test_mistakes_are_told(make, message):
    with pytest.raises(cg.CircuitError, match=re.escape(message)):
        make()
