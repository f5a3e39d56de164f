"""Rows 37 and 38: learning rates, and optimisers against a reference in 17 digits."""

import json
import pathlib

import numpy as np
from record import Row, folder, proved, report

import circuitgrad as cg
from circuitgrad import optim
from circuitgrad.viz import plots

REFERENCE = pathlib.Path(__file__).resolve().parents[2] / "tests/data/optim_reference.json"

# The reference's names of the forms that the notes give, and ours.
FORMS = {
    "sgd": (optim.sgd, "plain"),
    "momentum_classical": (optim.momentum, "velocity"),
    "momentum_ewma": (optim.momentum, "average"),
    "nesterov_lookahead": (optim.nesterov, "lookahead"),
    "nesterov_current": (optim.nesterov, "change_of_variables"),
    "adagrad_eps_outside": (optim.adagrad, "outside"),
    "adagrad_eps_inside": (optim.adagrad, "inside"),
    "rmsprop_eps_outside": (optim.rmsprop, "outside"),
    "rmsprop_eps_inside": (optim.rmsprop, "inside"),
    "rmsprop_momentum_eps_outside": (optim.rmsprop_momentum, "outside"),
    "rmsprop_momentum_eps_inside": (optim.rmsprop_momentum, "inside"),
    "adam": (optim.adam, "outside"),
    "adam_eps_inside": (optim.adam, "inside"),
    "adam_uncorrected": (optim.adam, "uncorrected"),
    "adam_uncorrected_eps_inside": (optim.adam, "uncorrected_inside"),
}
SETTINGS = {"b1": "beta1", "b2": "beta2", "eps": "nu"}


def rates():
    schedules = {
        "constant": optim.constant(0.5),
        "step": optim.step_decay(0.5, factor=0.5, every=10),
        "exponential": optim.exponential_decay(0.5, k=0.05),
        "τ/max(t, τ)": optim.hyperbolic_decay(0.5, tau=10),
    }
    t = np.arange(60)
    expected = [
        np.full(60, 0.5),
        0.5 * 0.5 ** (t // 10),
        0.5 * np.exp(-0.05 * t),
        0.5 * 10 / np.maximum(t, 10),
    ]
    curves = {name: [schedule(k) for k in t] for name, schedule in schedules.items()}
    for values, wanted in zip(curves.values(), expected, strict=True):
        np.testing.assert_allclose(values, wanted, rtol=1e-14)
    parameters = {"W": np.zeros((2, 16)), "b": np.zeros(2)}
    scaled = optim.sgd(optim.by_fan_in(0.4))
    moved, _ = scaled.update(
        {"W": np.ones((2, 16)), "b": np.ones(2)}, scaled.initial(parameters), parameters
    )
    np.testing.assert_array_equal(moved["W"], -0.1)
    np.testing.assert_array_equal(moved["b"], -0.4)
    figure = plots.loss_curves(curves)
    figure.axes[0].set_ylabel("learning rate")
    figure.savefig(folder() / "n37_rates.png", dpi=90)
    noise = {name: noisy(schedule) for name, schedule in schedules.items()}
    assert noise["τ/max(t, τ)"] < noise["constant"] / 20
    return Row(
        37,
        "learning rates",
        "the five formulas at 60 steps; 0.4/√16 for a matrix of 16 columns; on noisy gradients "
        f"τ/max(t, τ) ends with {noise['τ/max(t, τ)'] / noise['constant']:.1%} of the error of a "
        "constant rate",
        proved(
            cg.check("r*exp(-k*t)", "t", "-k*r*exp(-k*t)"),
            cg.check("r*tau/t", "t", "-r*tau/t**2", assuming="t > 0"),
            cg.check("r/sqrt(n)", "n", "-r/(2*n*sqrt(n))", assuming="n > 0"),
        ),
        "n37_rates.png",
    )


def noisy(schedule):
    """The mean squared distance from the minimum of ½w² after 2,000 steps on noisy gradients."""
    generator = np.random.default_rng(8)
    optimizer, w = optim.sgd(schedule), np.ones(500)
    state = optimizer.initial(w)
    for _ in range(2000):
        w, state = optimizer.update(w + generator.normal(size=500), state, w)
    return np.mean(w**2)


def path_of(optimizer, gradient, start, steps):
    w = np.array(start, dtype=float)
    state, path = optimizer.initial(w), [w]
    for _ in range(steps):
        w, state = optimizer.update(gradient(optimizer.point(w, state)), state, w)
        path.append(w)
    return np.array(path)


def problems():
    """The reference's three functions as circuits, and where their paths start."""
    w, q = cg.input("w", 2), cg.input("w", 3)
    matrix, offset = np.array([[3.0, 1.0], [1.0, 2.0]]), np.array([1.0, -1.0])
    sums = (np.array([1.0, 2.0, 3.0]) * q**4).sum() / 4 + q[0] * q[1] * q[2]
    return {
        "quadratic": cg.circuit(f=0.5 * (w @ matrix @ w) - offset @ w),
        "rosenbrock": cg.circuit(f=(1 - w[0]) ** 2 + 100 * (w[1] - w[0] ** 2) ** 2),
        "quartic3": cg.circuit(f=sums),
    }


def trajectories():
    reference = json.loads(REFERENCE.read_text(encoding="utf-8"))
    gradients = {name: circuit.grad("w") for name, circuit in problems().items()}
    count, worst, seen = 0, 0.0, set()
    for case in reference["cases"]:
        name = case["name"].removesuffix("_eps1e-2")
        if name not in FORMS:
            continue
        rule, form = FORMS[name]
        given = {SETTINGS.get(k, k): float(v) for k, v in case["params"].items()}
        rate = given.pop("eta")
        given.pop("a0", None)
        if "mu" in given and rule is optim.nesterov:
            given["alpha"] = given.pop("mu")
        start = reference["problems"][case["problem"]]["w0"]
        path = path_of(rule(rate, form=form, **given), gradients[case["problem"]], start, 10)
        expected = np.array([[float(x) for x in row] for row in case["w"]])
        np.testing.assert_allclose(path, expected, rtol=1e-12, atol=1e-12)
        worst = max(worst, np.max(np.abs(path - expected)))
        count += 1
        seen.add(name)
    assert seen == set(FORMS)
    return count, worst


def optimisers():
    count, worst = trajectories()
    assert worst < 1e-12
    circuits = [rule.forms[form].circuit() for rule, form in FORMS.values()]
    formula = optim.adam.forms["outside"].circuit()
    shown = {"theta": 1.0, "g": 0.5, "m": 0.0, "a": 0.0, "t": 1.0, "rate": 0.1}
    shown |= {"beta1": 0.9, "beta2": 0.999, "nu": 1e-8}
    np.testing.assert_allclose(formula(**shown)["new_theta"], 0.9, rtol=1e-7)
    formula.draw(**shown).save(folder() / "n38_adam.svg")
    return Row(
        38,
        "optimisers in the forms of the notes",
        f"{count} paths of ten steps, {len(FORMS)} forms with both places of the small number, "
        "within 1e-12 of a reference in 17 digits",
        proved(
            cg.check_equal("(phi - a*v) + u + a*u", "phi + u + a*(u - v)"),
            *[cg.verify(circuit) for circuit in circuits],
        ),
        "n38_adam.svg",
    )


def main():
    report(rates(), optimisers())


if __name__ == "__main__":
    main()
