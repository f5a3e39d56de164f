"""The benchmarks compare like with like: references are right, circuitgrad agrees with them."""

import cmath

import numpy as np
import pytest

from benchmarks import circuits, networks
from benchmarks.case import error
from benchmarks.peers import by_hand
from benchmarks.peers import circuitgrad as ours

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


@pytest.mark.parametrize(
    "case",
    [*circuits.cases(quick=True), *networks.cases(quick=True)],
    ids=lambda case: case.label,
)
@pytest.mark.parametrize("peer", [ours, by_hand], ids=["circuitgrad", "by hand"])
def test_a_solution_has_the_value_and_gradient_of_the_reference(case, peer):
    solution = getattr(peer, case.problem)(case)
    made = solution.build() if solution.build else None
    made = solution.compile(made) if solution.compile else made
    assert error(solution.result(solution.evaluate(made)), case.reference()) <= case.tolerance


def test_a_wrong_gradient_is_noticed():
    case = next(circuits.cases(quick=True))
    value, gradient = case.reference()
    assert error((value, gradient), case.reference()) == 0
    assert error((value, gradient * 1.0005), case.reference()) > case.tolerance
    assert error((value, gradient[1:]), case.reference()) == np.inf
    assert error((value, np.nan * gradient), case.reference()) == np.inf
