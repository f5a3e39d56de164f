"""The whole system on one screen: the neuron and the Jacobian, built, run, differentiated."""

import mpmath
import numpy as np
import numpy.testing as npt
import pytest

import circuitgrad as cg

POINT = {"w0": 2, "x0": -1, "w1": -3, "x1": -2, "w2": -3}


@pytest.fixture
def neuron():
    w0, x0, w1, x1, w2 = cg.inputs("w0 x0 w1 x1 w2")
    f = 1 / (1 + np.exp(-(w0 * x0 + w1 * x1 + w2)))
    return cg.circuit(f=f)


@pytest.fixture
def pair():
    x, y = cg.inputs("x y")
    return cg.circuit(f=cg.stack([x**2 * y, 5 * x + np.sin(y)]))


def exact_neuron(w0, x0, w1, x1, w2):
    return 1 / (1 + mpmath.exp(-(w0 * x0 + w1 * x1 + w2)))


def exact_gradient(name):
    with mpmath.workdps(50):
        value = exact_neuron(**POINT)
        slope = value * (1 - value)
        return slope * {"w0": -1, "x0": 2, "w1": -2, "x1": -3, "w2": 1}[name]


def test_inputs_come_in_order_of_appearance_and_outputs_are_named(neuron):
    assert neuron.input_names == ("w0", "x0", "w1", "x1", "w2")
    assert neuron.output_names == ("f",)


def test_neuron_value(neuron):
    run = neuron.run(**POINT)
    with mpmath.workdps(50):
        assert abs(run["f"].value / exact_neuron(**POINT) - 1) < 1e-15
    assert run["f"].value == pytest.approx(0.7310585786, abs=5e-11)


PRINTED = [
    ("w0", -0.1966119332), ("x0", 0.3932238665), ("w1", -0.3932238665), ("x1", -0.5898357997),
    ("w2", 0.1966119332),
]  # fmt: skip


@pytest.mark.parametrize(("name", "printed"), PRINTED)
def test_neuron_gradient(neuron, name, printed):
    exact = exact_gradient(name)
    for found in (neuron.run(**POINT).backward()[name], neuron.grad(name)(**POINT)):
        with mpmath.workdps(50):
            assert abs(found / exact - 1) < 1e-15
        assert found == pytest.approx(printed, abs=5e-11)


def test_every_wire_keeps_the_numbers_of_the_figure(neuron):
    run = neuron.run(**POINT)
    run.backward()
    by_gate = {wire.gate.name: wire for wire in neuron.wires if wire.inputs}
    exponential = run[by_gate["exp"]]
    assert exponential.value == pytest.approx(np.exp(-1))
    assert exponential.upstream == pytest.approx(-(0.7310585786300049**2))
    assert exponential.local == 1.0
    total = run[by_gate["inv"]]
    assert (total.upstream, total.local) == (1.0, None)


def test_downstream_is_upstream_times_local_on_every_edge(neuron):
    run = neuron.run(**POINT)
    run.backward()
    edges = run.edges("f")
    assert len(edges) == sum(
        1 for wire in neuron.wires for source in wire.inputs if source.known is None
    )
    for edge in edges:
        npt.assert_allclose(edge.downstream, edge.upstream * edge.local, rtol=1e-15)


def test_jacobian_prints_and_evaluates(pair):
    jacobian = pair.jacobian(["x", "y"])
    assert str(jacobian).endswith("= [[2xy, x²], [5, cos y]]")
    npt.assert_allclose(jacobian(x=3, y=2), [[12, 9], [5, np.cos(2)]], rtol=1e-15)


def test_hessian_prints_and_evaluates():
    x, y = cg.inputs("x y")
    hessian = cg.circuit(f=x**2 * y).hessian(["x", "y"])
    assert str(hessian).endswith("= [[2y, 2x], [2x, 0]]")
    npt.assert_array_equal(hessian(x=3, y=2), [[4, 6], [6, 0]])


def test_derivatives_of_plain_functions():
    def f(x):
        return np.sum(np.tanh(x) ** 2) if np.all(x > 0) else np.sum(x)

    x = np.array([0.5, 1.5])
    npt.assert_allclose(cg.grad(f)(x), 2 * np.tanh(x) / np.cosh(x) ** 2, rtol=1e-14)
    npt.assert_array_equal(cg.grad(f)(-x), [1.0, 1.0])


def test_closed_form_of_the_neuron(neuron):
    import sympy

    w0, x0, w1, x1, w2 = sympy.symbols("w0 x0 w1 x1 w2", real=True)
    expected = 1 / (1 + sympy.exp(-(w0 * x0 + w1 * x1 + w2)))
    assert sympy.simplify(neuron.sympy() - expected) == 0
    assert "e^{" in neuron.latex()
