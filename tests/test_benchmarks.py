"""The benchmarks compare like with like: references are right, circuitgrad agrees with them."""

import cmath
import importlib

import numpy as np
import pytest

from benchmarks import peers, problems, report
from benchmarks.case import error
from benchmarks.problems import (
    bundle,
    circuits,
    factorisation,
    logistic,
    mixture,
    networks,
    relu,
    rosenbrock,
    softmax,
)
from benchmarks.timing import Measurement, measure

COMPLEX = {**circuits.PYTHON, "tanh": cmath.tanh, "sin": cmath.sin, "exp": cmath.exp}


@pytest.mark.parametrize("chain", [False, True])
def test_the_circuit_reference_agrees_with_complex_steps(chain):
    inputs, gates = circuits.generate(300, chain=chain)
    assert len(gates) == 300
    value, gradient = circuits.value_and_gradient((inputs, gates))
    for index in range(circuits.INPUTS):
        moved = [x + 1e-30j if k == index else x for k, x in enumerate(inputs)]
        out = circuits.apply(gates, moved, COMPLEX)[-1]
        assert out.real == pytest.approx(value, rel=1e-12)
        assert out.imag / 1e-30 == pytest.approx(gradient[index], rel=1e-9, abs=1e-12)


def test_the_network_reference_agrees_with_central_differences():
    data = networks.generate(4, "float64")
    _, gradients = networks.value_and_gradient(data)
    source = np.random.default_rng(0)
    for array, gradient in zip(data.parameters, gradients, strict=True):
        direction, kept = source.standard_normal(array.shape), array.copy()
        losses = []
        for step in (1e-6, -1e-6):
            array[...] = kept + step * direction
            losses.append(networks.value_and_gradient(data)[0])
        array[...] = kept
        slope = (losses[0] - losses[1]) / 2e-6
        assert slope == pytest.approx(np.sum(gradient * direction), rel=1e-5)


def second_differences(function, point, direction, other, step=1e-4):
    """The second derivative of a function along two directions, to fourth order of the step."""
    total = 0.0
    for a, weight_a in zip((-2, -1, 1, 2), (1, -8, 8, -1), strict=True):
        for b, weight_b in zip((-2, -1, 1, 2), (1, -8, 8, -1), strict=True):
            moved = point + step * (a * direction + b * other)
            total += weight_a * weight_b * function(moved)
    return total / (12 * step) ** 2


HESSIANS = {
    "logistic": (logistic.generate(6), logistic, lambda d: d.w, lambda d, w: (w, d.X, d.y)),
    "factorisation": (
        factorisation.generate(7),
        factorisation,
        lambda d: d.U,
        lambda d, U: (U, d.V, d.T),
    ),
    "softmax": (softmax.generate(4, 3, 9), softmax, lambda d: d.W, lambda d, W: (W, d.X, d.Y)),
    "relu": (
        relu.generate(8),
        relu,
        lambda d: d.weights[0],
        lambda d, W: (W, d.weights[1:], d.x, d.target),
    ),
}


@pytest.mark.parametrize("name", HESSIANS)
def test_the_reference_of_a_hessian_agrees_with_differences_of_the_loss(name):
    data, module, choose, arguments = HESSIANS[name]
    point, source = choose(data), np.random.default_rng(1)
    direction, other = source.standard_normal((2, *point.shape))
    found = np.tensordot(module.hessian(data), other, other.ndim)
    expected = second_differences(
        lambda x: module.loss(np, *arguments(data, x)), point, direction, other
    )
    assert np.sum(direction * found) == pytest.approx(expected, rel=1e-5)


def test_the_rosenbrock_reference_agrees_with_differences_of_the_function():
    x, source = rosenbrock.generate(9), np.random.default_rng(2)
    diagonal, beside = rosenbrock.hessian(x)
    matrix = np.diag(diagonal) + np.diag(beside, 1) + np.diag(beside, -1)
    direction, other = source.standard_normal((2, 9))
    expected = second_differences(lambda x: rosenbrock.value(np, x), x, direction, other)
    assert direction @ matrix @ other == pytest.approx(expected, rel=1e-6)
    products = rosenbrock.directions(9) @ matrix
    for found, entries in zip(rosenbrock.diagonals(products), (diagonal, beside), strict=True):
        np.testing.assert_allclose(found, entries)


def test_the_mixture_reference_agrees_with_complex_steps():
    data, source = mixture.generate(3, 4, 20), np.random.default_rng(3)
    value, gradients = mixture.value_and_gradient(data)
    directions = [source.standard_normal(array.shape) for array in data.parameters]
    pairs = zip(data.parameters, directions, strict=True)
    moved = [array + 1e-30j * direction for array, direction in pairs]

    def logsumexp(values):
        return np.log(np.sum(np.exp(values), axis=0))

    out = mixture.log_likelihood(np, logsumexp, *moved, data)
    slope = sum(np.sum(g * v) for g, v in zip(gradients, directions, strict=True))
    assert out.real == pytest.approx(value, rel=1e-12)
    assert out.imag / 1e-30 == pytest.approx(slope, rel=1e-10)


def test_the_files_of_adbench_have_the_sizes_in_their_names():
    for name in mixture.FILES:
        data = mixture.read(mixture.FOLDER / name)
        components, d = data.means.shape
        assert name == f"gmm_d{d}_K{components}.txt"
        assert data.x.shape == (1000, d)
        assert data.factors.shape == (components, d * (d + 1) // 2)
    for name in bundle.FILES:
        data = bundle.read(bundle.FOLDER / name)
        sizes = len(data.cameras), len(data.points), len(data.weights)
        assert name.endswith("_n{}_m{}_p{}.txt".format(*sizes))


def test_the_bundle_reference_agrees_with_complex_steps():
    data = bundle.generate(3, 5, 15)
    expected, _, rows, _ = bundle.value_and_jacobian(data)
    columns = bundle.observed(np, *data.parameters, data).T.astype(complex)
    for index in range(15):
        columns[index] += 1e-30j
        found = np.array(bundle.errors(np, columns, data.features.T))
        columns[index] -= 1e-30j
        np.testing.assert_allclose(found.real, expected, rtol=1e-12)
        largest = np.abs(rows[:, index]).max()
        np.testing.assert_allclose(found.imag / 1e-30, rows[:, index], atol=1e-12 * largest)


def quick_cases():
    return [case for name in problems.MODULES for case in problems.load(name).cases(quick=True)]


def check(case, peer):
    """Whether a library's solution has the results of the reference; None if it has no solution."""
    solver = getattr(importlib.import_module(f"benchmarks.peers.{peer}"), case.problem, None)
    solution = solver and solver(case)
    if solution is None:
        return None
    made = solution.build() if solution.build else None
    made = solution.compile(made) if solution.compile else made
    return error(solution.result(solution.evaluate(made)), case.reference()) <= case.tolerance


@pytest.mark.parametrize("case", quick_cases(), ids=lambda case: f"{case.problem}, {case.label}")
@pytest.mark.parametrize("peer", ["circuitgrad", "by_hand"])
def test_a_solution_has_the_results_of_the_reference(case, peer):
    assert check(case, peer)


@pytest.mark.parametrize("problem", ["factorisation_hessian", "bundle_jacobian"])
def test_a_structured_solution_has_the_results_of_the_reference(problem):
    assert check(next(problems.load(problem).cases(quick=True)), "structured")


@pytest.mark.bench
@pytest.mark.filterwarnings("default")
@pytest.mark.parametrize("case", quick_cases(), ids=lambda case: f"{case.problem}, {case.label}")
@pytest.mark.parametrize("peer", [module for _, module, _ in peers.SYSTEMS])
def test_every_library_has_the_results_of_the_reference(case, peer):
    assert check(case, peer) in (True, None)


def test_a_long_evaluation_is_measured_once_and_a_library_may_leave_a_case_out(monkeypatch):
    case = next(circuits.cases(quick=True))
    ours, by_hand = (
        importlib.import_module(f"benchmarks.peers.{name}").circuit(case)
        for name in ("circuitgrad", "by_hand")
    )
    monkeypatch.setattr("benchmarks.timing.LONG_CALL", 0.0)
    monkeypatch.setattr("benchmarks.timing.LONG_PREPARATION", 0.0)
    measured = measure(case, {"circuitgrad": ours, "by hand": by_hand}, 3, 3)
    for measurement in measured.values():
        assert not measurement.failure
        assert len(measurement.wall["evaluate"]) == 1
    assert len(measured["circuitgrad"].wall["compile"]) == 1
    without = {"a": measured, "b": {"circuitgrad": measured["circuitgrad"]}}
    rows = report.table(without).splitlines()
    assert rows[0] == "|  | step | circuitgrad | by hand |"
    assert rows[4].split(" | ")[3] != " |"
    assert rows[-1].endswith("** |  |")


def test_losses_name_the_faster_library_and_by_how_much():
    ours = Measurement(wall={"evaluate": [2.0, 2.0]})
    faster = Measurement(wall={"evaluate": [1.0, 1.0]})
    slower = Measurement(wall={"evaluate": [3.0, 3.0]})
    told = report.losses({"n = 1": {"circuitgrad": ours, "JAX": faster, "PyTorch": slower}})
    assert "- JAX: 2 times at n = 1." in told
    assert "PyTorch" not in told


def test_a_wrong_gradient_is_noticed():
    case = next(circuits.cases(quick=True))
    value, gradient = case.reference()
    assert error((value, gradient), case.reference()) == 0
    assert error((value, gradient * 1.0005), case.reference()) > case.tolerance
    assert error((value, gradient[1:]), case.reference()) == np.inf
    assert error((value, np.nan * gradient), case.reference()) == np.inf
