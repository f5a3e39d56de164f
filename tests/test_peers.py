"""Circuits as functions of JAX and PyTorch: their values, derivatives, traces and dtypes.

These tests need both frameworks and run with `make peers`. Each framework is imported where it is
used, so that the tests can be collected without it.
"""

import dataclasses
import importlib

import numpy as np
import pytest

import circuitgrad as cg
from circuitgrad.gates import catalogue

pytestmark = [pytest.mark.peers, pytest.mark.filterwarnings("ignore")]

NAMES = [name for name in catalogue() if name != "broadcast"]  # its sizes follow from no input


class Jax:
    """What the tests ask of a framework, by JAX."""

    method = "to_jax"

    def __init__(self):
        jax = importlib.import_module("jax")
        jax.config.update("jax_enable_x64", True)
        self.array = jax.numpy.asarray
        self.grad, self.hessian, self.vmap = jax.grad, jax.hessian, jax.vmap
        self.forward, self.reverse = jax.jacfwd, jax.jacrev
        self.float32 = jax.numpy.float32


class Torch:
    """What the tests ask of a framework, by PyTorch."""

    method = "to_torch"

    def __init__(self):
        torch = importlib.import_module("torch")
        self.array = torch.as_tensor
        functions = torch.func
        self.grad, self.hessian, self.vmap = functions.grad, functions.hessian, functions.vmap
        self.forward, self.reverse = functions.jacfwd, functions.jacrev
        self.float32 = torch.float32


@pytest.fixture(params=[Jax, Torch], ids=["jax", "torch"])
def framework(request):
    return request.param()


def exported(framework, circuit):
    return getattr(circuit, framework.method)()


def logistic():
    """The logistic loss, and values for it."""
    X, w, y = cg.input("X", "m n"), cg.input("w", "n"), cg.input("y", "m")
    z = X @ w
    generator = np.random.default_rng(11)
    values = generator.normal(size=(6, 3)), generator.normal(size=3), np.array([0, 1, 1, 0, 1, 0.0])
    return cg.circuit(f=np.sum(cg.softplus(z) - y * z)), values


def arrays_for(circuit, name):
    generator = np.random.default_rng(5)
    sizes, values = {}, []
    for wire in circuit.inputs:
        shape = [a if isinstance(a, int) else sizes.setdefault(a, 2 + len(sizes))
                 for a in wire.shape]  # fmt: skip
        value = generator.uniform(0.2, 0.8, shape) + 1.5 * (name == "acosh")
        if len(shape) == 2 and shape[0] == shape[1]:
            value = value + value.T + 2 * np.eye(shape[0])
        values.append(value)
    return values


# A framework without the function: (method, gate).
WITHOUT_COUNTERPART = {("to_torch", "beta"), ("to_torch", "betaln")}


@pytest.mark.parametrize("name", NAMES)
def test_every_gate_has_its_value_and_gradient(framework, name):
    wire = catalogue()[name].sample()
    circuit = cg.circuit(f=wire)
    if (framework.method, name) in WITHOUT_COUNTERPART:
        with pytest.raises(cg.SpecError, match=rf"{framework.method}: .*'{name}'.*no counterpart"):
            exported(framework, circuit)
        return
    values = arrays_for(circuit, name)
    arrays = [framework.array(np.asarray(v)) for v in values]
    function = exported(framework, circuit)
    np.testing.assert_allclose(function(*arrays), circuit(*values), rtol=1e-12, atol=1e-14)
    gradient = cg.circuit(f=1.5 * np.sum(wire), inputs=circuit.inputs).grad()(*values)
    wanted = list(gradient.values()) if isinstance(gradient, dict) else [gradient]
    places = tuple(range(len(arrays)))
    found = framework.grad(lambda *a: 1.5 * function(*a).sum(), places)(*arrays)
    for one, other in zip(found, wanted, strict=True):
        np.testing.assert_allclose(one, other, rtol=1e-11, atol=1e-13)


@pytest.mark.parametrize(
    "name", ["gammaln", "digamma", "trigamma", "erfinv", "erfcinv", "erfcx", "log_ndtr"]
)
def test_functions_of_scipy_become_those_of_the_framework(framework, name):
    """SciPy itself cannot be traced; under vmap there are no numbers that it could be given."""
    circuit = cg.circuit(f=catalogue()[name].sample())
    points = np.array([0.3, 0.7])
    slopes = framework.vmap(framework.grad(exported(framework, circuit)))(framework.array(points))
    wanted = [circuit.grad(circuit.input_names[0])(point) for point in points]
    np.testing.assert_allclose(slopes, wanted, rtol=1e-11)


def test_derivatives_of_every_mode_and_order(framework):
    circuit, values = logistic()
    arrays = [framework.array(v) for v in values]
    function = exported(framework, circuit)
    X, w, y = values
    p = 1 / (1 + np.exp(-X @ w))
    gradient, hessian = X.T @ (p - y), X.T @ np.diag(p * (1 - p)) @ X
    third = np.einsum("m,mi,mj,mk->ijk", p * (1 - p) * (1 - 2 * p), X, X, X)
    same = np.testing.assert_allclose
    same(framework.grad(function, 1)(*arrays), gradient, rtol=1e-12)
    same(framework.hessian(function, 1)(*arrays), hessian, rtol=1e-12)
    same(framework.reverse(framework.grad(function, 1), 1)(*arrays), hessian, rtol=1e-12)
    same(framework.forward(framework.forward(function, 1), 1)(*arrays), hessian, rtol=1e-12)
    found = framework.reverse(framework.hessian(function, 1), 1)(*arrays)
    same(found, third, rtol=1e-11, atol=1e-13)


def test_maps_over_a_batch(framework):
    circuit, (X, w, y) = logistic()
    function = exported(framework, circuit)
    batch = framework.array(np.stack([w, 2 * w, -w]))
    arrays = framework.array(X), batch, framework.array(y)
    found = framework.vmap(framework.grad(function, 1), (None, 0, None))(*arrays)
    wanted = [circuit.grad("w")(X, v, y) for v in (w, 2 * w, -w)]
    np.testing.assert_allclose(found, wanted, rtol=1e-12)


def test_outputs_that_are_not_numbers(framework):
    W, x = cg.input("W", "m n"), cg.input("x", "n")
    circuit = cg.circuit(f=np.tanh(W @ x), g=x * x)
    generator = np.random.default_rng(12)
    values = generator.normal(size=(2, 3)), generator.normal(size=3)
    arrays = [framework.array(v) for v in values]
    function = exported(framework, circuit)
    assert list(function(*arrays)) == ["f", "g"]
    wanted = circuit.only("f").jacobian("W")(*values)
    for mode in (framework.forward, framework.reverse):
        found = mode(lambda *a: function(*a)["f"], 0)(*arrays)
        np.testing.assert_allclose(found, wanted, rtol=1e-12)


def test_the_dtype_of_the_arguments_is_kept(framework):
    circuit, values = logistic()
    function = exported(framework, circuit)
    arrays = [framework.array(v.astype(np.float32)) for v in values]
    assert function(*arrays).dtype == framework.float32
    assert framework.grad(function, 1)(*arrays).dtype == framework.float32


def test_a_shape_that_does_not_fit_is_told(framework):
    circuit, (X, w, y) = logistic()
    with pytest.raises(cg.ShapeError, match="axis n is 3 elsewhere"):
        exported(framework, circuit)(framework.array(X), framework.array(w[:2]), framework.array(y))


def test_ties_and_kinks_follow_this_librarys_policy(framework):
    x = cg.input("x", 3)
    top = exported(framework, cg.circuit(f=cg.circuit(f=np.max(x)).outputs[0]))
    found = framework.grad(top)(framework.array(np.array([1.0, 2.0, 2.0])))
    np.testing.assert_allclose(found, [0, 0.5, 0.5])
    ordered = exported(framework, cg.circuit(f=np.sort(x)))
    found = framework.reverse(ordered)(framework.array(np.array([2.0, 1.0, 2.0])))
    np.testing.assert_allclose(found, [[0, 1, 0], [0.5, 0, 0.5], [0.5, 0, 0.5]])


def test_stable_where_the_frameworks_own_derivative_is_not(framework):
    x = cg.input("x")
    norm = exported(framework, cg.circuit(f=cg.norm(cg.stack([x, 2 * x]))))
    assert float(framework.grad(norm)(framework.array(0.0))) == 0.0
    smooth = exported(framework, cg.circuit(f=cg.softplus(x)))
    assert float(framework.grad(smooth)(framework.array(800.0))) == 1.0


def test_a_kernel_without_a_counterpart_gives_way_to_its_formula(framework):
    odd = cg.elementwise("odd", "x**3", kernel=np.frompyfunc(lambda x: x**3, 1, 1))
    function = exported(framework, cg.circuit(f=odd(cg.input("x"))))
    assert float(function(framework.array(2.0))) == 8.0
    assert float(framework.grad(function)(framework.array(2.0))) == 12.0


def test_a_gate_that_decides_on_values_is_refused_by_name(framework):
    declared = catalogue()["logdet"]
    strict = dataclasses.replace(declared, name="strict_logdet", traced=None)
    circuit = cg.circuit(f=strict(cg.input("A", (2, 2))))
    with pytest.raises(cg.SpecError, match="gate 'strict_logdet' decides on values"):
        exported(framework, circuit)


def test_jit_and_functions_of_jax():
    framework = Jax()
    jax = importlib.import_module("jax")
    circuit, values = logistic()
    function = circuit.to_jax()
    same = np.testing.assert_allclose
    same(jax.jit(function)(*values), circuit(*values), rtol=1e-12)
    same(jax.jit(jax.hessian(function, 1))(*values), circuit.hessian("w")(*values), rtol=1e-12)
    same(function(*values[:2], y=values[2]), circuit(*values), rtol=1e-12)
    assert framework.array(1.0).dtype == np.float64


def test_pytorchs_own_checks():
    torch = importlib.import_module("torch")
    circuit, values = logistic()
    function = circuit.to_torch()
    inputs = [torch.as_tensor(v).requires_grad_() for v in values]
    assert torch.autograd.gradcheck(function, inputs)
    assert torch.autograd.gradgradcheck(function, inputs)
    weights = inputs[1]
    function(*inputs).backward()
    np.testing.assert_allclose(weights.grad, circuit.grad("w")(*values), rtol=1e-12)
