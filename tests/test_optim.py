"""Optimisers against reference trajectories in many digits, PyTorch, and their own definitions."""

import json
import pathlib
import re

import numpy as np
import pytest

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
