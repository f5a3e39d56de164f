"""Optimisers against reference trajectories in many digits, PyTorch, and their own definitions."""

import json
import pathlib
import re

import numpy as np
import pytest

import circuitgrad as cg
from circuitgrad import optim

REFERENCE = json.loads(
    (pathlib.Path(__file__).parent / "data/optim_reference.json").read_text(encoding="utf-8")
)

# The reference's names of settings, and ours.
NAMES = {"b1": "beta1", "b2": "beta2", "eps": "nu"}
FORMS = {
    "sgd": ("sgd", None),
    "sgd_l2": ("sgd", None),
    "momentum_classical": ("momentum", "velocity"),
    "momentum_ewma": ("momentum", "average"),
    "momentum_ewma_corrected": ("momentum", "corrected"),
    "nesterov_lookahead": ("nesterov", "lookahead"),
    "nesterov_current": ("nesterov", "buffer"),
    "nesterov_ewma": ("nesterov", "average"),
    "adagrad_eps_outside": ("adagrad", "outside"),
    "adagrad_eps_inside": ("adagrad", "inside"),
    "rmsprop_eps_outside": ("rmsprop", "outside"),
    "rmsprop_eps_inside": ("rmsprop", "inside"),
    "rmsprop_centered": ("rmsprop", "centered"),
    "rmsprop_momentum_eps_outside": ("rmsprop_momentum", "outside"),
    "rmsprop_momentum_eps_inside": ("rmsprop_momentum", "inside"),
    "rmsprop_nesterov_eps_outside": ("rmsprop_momentum", "lookahead"),
    "rmsprop_nesterov_eps_inside": ("rmsprop_momentum", "lookahead_inside"),
    "adam": ("adam", "outside"),
    "adam_eps_inside": ("adam", "inside"),
    "adam_eps_hat": ("adam", "efficient"),
    "adam_uncorrected": ("adam", "uncorrected"),
    "adam_uncorrected_eps_inside": ("adam", "uncorrected_inside"),
    "adam_l2": ("adam", "outside"),
    "adamw": ("adam", "outside"),
}


def gradient_of(problem, w):
    if problem == "quadratic":
        return np.array([[3.0, 1.0], [1.0, 2.0]]) @ w - np.array([1.0, -1.0])
    if problem == "rosenbrock":
        x, y = w
        return np.array([2 * (x - 1) - 400 * x * (y - x * x), 200 * (y - x * x)])
    others = np.array([w[1] * w[2], w[0] * w[2], w[0] * w[1]])
    return np.array([1.0, 2.0, 3.0]) * w**3 + others


def optimizer_of(case):
    name, form = FORMS[re.sub(r"_eps1e-2$", "", case["name"])]
    given = {key: float(value) for key, value in case["params"].items()}
    rate = given.pop("eta")
    decay = given.pop("wd", None)
    if "lambda" in given:
        decay = given.pop("lambda") / given.pop("n")
    assert given.pop("a0", 0) == 0
    settings = {NAMES.get(key, key): value for key, value in given.items()}
    if form == "buffer":
        settings = {"alpha": settings["mu"]}
    optimizer = getattr(optim, name)(rate, form=form, **settings)
    if decay is None:
        return optimizer
    return optim.with_weight_decay(optimizer, decay, decoupled=case["name"] in {"sgd_l2", "adamw"})


def path_of(optimizer, gradient, start, steps=10):
    parameters = {"w": np.array(start, dtype=float)}
    state = optimizer.initial(parameters)
    path = [parameters["w"]]
    for _ in range(steps):
        slopes = {"w": gradient(optimizer.point(parameters, state)["w"])}
        parameters, state = optimizer.update(slopes, state, parameters)
        path.append(parameters["w"])
    return np.array(path), state


def test_the_reference_is_whole():
    assert len(REFERENCE["cases"]) == 99


@pytest.mark.parametrize(
    "case", REFERENCE["cases"], ids=lambda case: f"{case['name']}-{case['problem']}"
)
def test_ten_steps_are_those_of_the_reference(case):
    path, state = path_of(
        optimizer_of(case),
        lambda w: gradient_of(case["problem"], w),
        REFERENCE["problems"][case["problem"]]["w0"],
    )
    expected = np.array([[float(x) for x in row] for row in case["w"]])
    np.testing.assert_allclose(path, expected, rtol=1e-12, atol=1e-12)
    for ours, theirs in (("v", "v"), ("a", "a"), ("m", "m"), ("b", "buf")):
        if theirs in case["state"]:
            values = [float(x) for x in case["state"][theirs]]
            np.testing.assert_allclose(state[ours]["w"], values, rtol=1e-10, atol=1e-12)


START = {"W": np.array([[1.0, -2.0], [0.5, 3.0]]), "b": np.array([0.1, -0.2])}
SLOPES = {"W": np.array([[0.3, 0.1], [-0.2, 0.4]]), "b": np.array([1.0, 0.5])}


def after(optimizer, parameters=START, steps=1):
    state = optimizer.initial(parameters)
    for _ in range(steps):
        parameters, state = optimizer.update(SLOPES, state, parameters)
    return parameters


def forms():
    return [(rule, form) for rule in optim.RULES for form in rule.forms]


@pytest.mark.parametrize(("rule", "form"), forms(), ids=lambda x: getattr(x, "name", x))
def test_every_form_lowers_a_parabola_and_keeps_dtype_and_arguments(rule, form):
    optimizer = rule(0.05, form=form)
    for dtype in (np.float64, np.float32):
        parameters = {"w": np.array([1.0, -2.0], dtype)}
        state = optimizer.initial(parameters)
        for _ in range(60):
            point = optimizer.point(parameters, state)["w"]
            kept = parameters["w"].copy()
            new, state = optimizer.update({"w": point.copy()}, state, parameters)
            np.testing.assert_array_equal(parameters["w"], kept)
            parameters = new
        assert parameters["w"].dtype == dtype
        assert np.sum(parameters["w"] ** 2) < 4.0


def test_the_change_of_variables_follows_the_look_ahead_form():
    def gradient(w):
        return gradient_of("quadratic", w)

    ahead = optim.nesterov(0.1, form="lookahead")
    changed = optim.nesterov(0.1, form="change_of_variables")
    path, _ = path_of(changed, gradient, [2.0, -1.5], steps=25)
    reference, velocity = path_of(ahead, gradient, [2.0, -1.5], steps=25)
    np.testing.assert_allclose(
        path[-1], reference[-1] + 0.9 * velocity["v"]["w"], rtol=1e-12, atol=1e-13
    )
    buffered, _ = path_of(optim.nesterov(0.1, form="buffer"), gradient, [2.0, -1.5], steps=25)
    np.testing.assert_allclose(path, buffered, rtol=1e-12, atol=1e-13)


def test_an_optimizer_whose_state_was_saved_goes_on_bit_for_bit(tmp_path):
    optimizer = optim.adam(0.1)
    state, parameters = optimizer.initial(START), START
    for _ in range(3):
        parameters, state = optimizer.update(SLOPES, state, parameters)
    np.savez(
        tmp_path / "s.npz", t=state["t"], **{f"{k}{n}": state[k][n] for k in "ma" for n in "Wb"}
    )
    with np.load(tmp_path / "s.npz", allow_pickle=False) as file:
        saved = {"t": file["t"], **{k: {n: file[f"{k}{n}"] for n in "Wb"} for k in "ma"}}
    here, _ = optimizer.update(SLOPES, state, parameters)
    there, _ = optimizer.update(SLOPES, saved, parameters)
    np.testing.assert_array_equal(here["W"], there["W"])
    np.testing.assert_array_equal(here["b"], there["b"])


def test_the_centered_root_survives_a_gradient_that_never_changes():
    found = after(optim.rmsprop(0.1, form="centered"), steps=400)
    assert np.all(np.isfinite(found["W"]))


@pytest.mark.parametrize(
    ("schedule", "expected"),
    [
        (optim.constant(0.5), [0.5, 0.5, 0.5]),
        (optim.step_decay(0.8, factor=0.5, every=4), [0.8, 0.4, 0.2]),
        (optim.exponential_decay(1.0, k=0.25), [1.0, np.exp(-1), np.exp(-2)]),
        (optim.hyperbolic_decay(0.6, tau=4), [0.6, 0.6, 0.3]),
        (optim.by_fan_in(optim.step_decay(0.8, every=4)), [0.4, 0.2, 0.1]),
    ],
)
def test_schedules_at_0_4_and_8(schedule, expected):
    np.testing.assert_allclose([schedule(t, fan_in=4) for t in (0, 4, 8)], expected, rtol=1e-14)


def test_the_rate_of_a_matrix_falls_with_the_root_of_its_columns():
    found = after(optim.sgd(optim.by_fan_in(0.1)))
    np.testing.assert_allclose(found["W"], START["W"] - 0.1 / np.sqrt(2) * SLOPES["W"])
    np.testing.assert_allclose(found["b"], START["b"] - 0.1 * SLOPES["b"])


def test_a_schedule_counts_updates_from_zero():
    found = after(optim.sgd(optim.hyperbolic_decay(0.1, tau=1)), steps=4)
    rates = 0.1 * (1 + 1 + 1 / 2 + 1 / 3)
    np.testing.assert_allclose(found["b"], START["b"] - rates * SLOPES["b"], rtol=1e-14)


def test_norm_clipping_shortens_all_gradients_together():
    norm = np.sqrt(np.sum(SLOPES["W"] ** 2) + np.sum(SLOPES["b"] ** 2))
    assert optim.global_norm(SLOPES) == pytest.approx(norm)
    found = after(optim.with_norm_clipping(optim.sgd(1.0), 0.5))
    np.testing.assert_allclose(found["W"], START["W"] - 0.5 / norm * SLOPES["W"], rtol=1e-14)
    whole = after(optim.with_norm_clipping(optim.sgd(1.0), 5.0))
    np.testing.assert_array_equal(whole["W"], START["W"] - SLOPES["W"])


def test_value_clipping_bounds_every_entry():
    found = after(optim.with_value_clipping(optim.sgd(1.0), 0.25))
    np.testing.assert_allclose(found["W"], START["W"] - np.clip(SLOPES["W"], -0.25, 0.25))


def test_both_weight_decays_are_one_for_sgd_and_leave_out_what_is_not_chosen():
    penalty = after(optim.with_weight_decay(optim.sgd(0.1), 0.3, only="W"), steps=5)
    shrinking = after(
        optim.with_weight_decay(optim.sgd(0.1), 0.3, decoupled=True, only="W"), steps=5
    )
    np.testing.assert_allclose(penalty["W"], shrinking["W"], rtol=1e-13)
    plain = after(optim.sgd(0.1), steps=5)
    np.testing.assert_array_equal(penalty["b"], plain["b"])
    assert not np.allclose(penalty["W"], plain["W"])


def test_the_soft_threshold_makes_exact_zeros_where_a_subgradient_step_does_not():
    # ½(w - c)² + λ|w| has its minimum at sign(c)·max(|c| - λ, 0).
    center, strength = np.array([2.0, 0.3, -0.1, -1.5]), 0.5
    proximal = optim.with_soft_threshold(optim.sgd(0.1), strength)
    plain = optim.sgd(0.1)
    w, v = center.copy(), center.copy()
    states = proximal.initial(w), plain.initial(v)
    for _ in range(300):
        w, first = proximal.update(w - center, states[0], w)
        v, second = plain.update(v - center + strength * np.sign(v), states[1], v)
        states = first, second
    np.testing.assert_allclose(w, [1.5, 0.0, 0.0, -1.0], atol=1e-12)
    assert np.count_nonzero(w) == 2
    assert np.count_nonzero(v) == 4


def test_frozen_parameters_stay_bit_for_bit():
    for name in ("b", "layer.b"):
        optimizer = optim.with_frozen(
            optim.with_weight_decay(optim.adam(0.1), 0.1, decoupled=True), name
        )
        parameters, slopes = {"layer": START}, {"layer": SLOPES}
        state = optimizer.initial(parameters)
        new, _ = optimizer.update(slopes, state, parameters)
        np.testing.assert_array_equal(new["layer"]["b"], START["b"])
        assert np.all(new["layer"]["W"] != START["W"])


def test_early_stopping_keeps_the_best_parameters():
    stopping = optim.EarlyStopping(patience=2, least_gain=0.1)
    state = stopping.initial({"w": np.zeros(1)})
    over = []
    for epoch, error in enumerate([3.0, 2.0, np.nan, 1.95, 1.0]):
        state = stopping.update(state, error, epoch, {"w": np.full(1, float(epoch))})
        over.append(stopping.is_over(state))
    assert over == [False, False, False, True, False]
    np.testing.assert_array_equal(state["parameters"]["w"], [4.0])


def test_what_the_docs_print_is_what_runs():
    (formula,) = optim.sgd.forms.values()
    assert str(formula) == "θ ← θ − ε·g"
    assert formula.circuit()(theta=3.0, g=2.0, t=1.0, rate=0.5) == 2.0
    adam = optim.adam.forms["inside"]
    assert adam.state == ("m", "a")
    assert set(adam.settings) == {"beta1", "beta2", "nu"}


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: optim.sgd(-1.0), "sgd: rate: got -1.0"),
        (lambda: optim.sgd("fast"), "needed a number"),
        (lambda: optim.sgd(np.nan), "finite"),
        (lambda: optim.adam(form="insde"), "Did you mean inside"),
        (lambda: optim.adam(beta3=0.5), "no setting is named 'beta3'"),
        (lambda: optim.adam(beta1=1.0), "below 1"),
        (lambda: optim.step_decay(0.1, every=0), "step_decay: every"),
        (lambda: optim.sgd().initial({}), "got no array"),
        (lambda: optim.sgd().initial({"w": "text"}), "parameters w"),
        (lambda: optim.with_frozen(optim.sgd, "w"), "needed an optimiser"),
        (lambda: optim.with_norm_clipping(optim.sgd(), 0), "above 0"),
        (lambda: optim.with_frozen(optim.sgd(), 3), "needed names of parameters"),
        (lambda: optim.EarlyStopping(patience=0), "patience"),
        (lambda: optim.EarlyStopping(patience=1.5), "whole number"),
        (lambda: after(optim.with_frozen(optim.sgd(), "V")), "no parameter is named 'V'"),
        (lambda: optim.adam().update(SLOPES, {}, START), "Begin with"),
        (lambda: optim.sgd().update({"W": SLOPES["W"]}, {"t": 0}, START), "'b' differs"),
        (lambda: optim.Formula("theta - g").statements, "statement"),
        (lambda: optim.Formula("v = g").statements, "never assigns theta"),
    ],
)
def test_mistakes_are_told(make, message):
    with pytest.raises(cg.CircuitError, match=re.escape(message)):
        make()


def test_gradients_of_another_shape_are_told():
    slopes = {"W": np.zeros(2), "b": SLOPES["b"]}
    optimizer = optim.sgd()
    with pytest.raises(cg.ShapeError, match=r"gradients W: got shape \(2,\).*\(2, 2\)"):
        optimizer.update(slopes, optimizer.initial(START), START)


@pytest.mark.peers
@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize(
    "case",
    [case for case in REFERENCE["cases"] if case["torch"]],
    ids=lambda case: f"{case['name']}-{case['problem']}",
)
def test_steps_are_those_of_pytorch(case):
    import torch

    name, settings = case["torch"]
    start = [float(x) for x in REFERENCE["problems"][case["problem"]]["w0"]]
    weights = torch.tensor(start, dtype=torch.float64, requires_grad=True)
    peer = getattr(torch.optim, name)([weights], lr=float(case["params"]["eta"]), **settings)
    for _ in range(10):
        slopes = gradient_of(case["problem"], weights.detach().numpy())
        weights.grad = torch.from_numpy(slopes)
        peer.step()
    path, _ = path_of(optimizer_of(case), lambda w: gradient_of(case["problem"], w), start)
    np.testing.assert_allclose(path[-1], weights.detach().numpy(), rtol=1e-12, atol=1e-12)
