"""Ordinary NumPy code: the functions, containers as arguments and results, circuitgrad.numpy."""

from typing import NamedTuple

import autograd
import autograd.numpy as anp
import mpmath
import numpy as np
import numpy.testing as npt
import pytest
import scipy.special

import circuitgrad as cg
import circuitgrad.numpy as cnp

X = np.random.default_rng(3).normal(size=(3, 4))
V = np.array([0.7, -1.3, 2.1, 0.4])

# The same code for NumPy, circuitgrad and autograd.
PEERS = {
    "repeat": lambda np, a: np.repeat(a, 3, axis=1),
    "tile": lambda np, a: np.tile(a, (2, 3)),
    "roll": lambda np, a: np.roll(a, 2, axis=1),
    "roll flat": lambda np, a: np.roll(a, -5),
    "pad": lambda np, a: np.pad(a, ((1, 2), (0, 1)), "constant"),
    "tril": lambda np, a: np.tril(a, 1),
    "fliplr": lambda np, a: np.fliplr(a),
    "rot90": lambda np, a: np.rot90(a) + np.rot90(a, 3) * 2 + np.rot90(a, 2).T,
    "diff": lambda np, a: np.diff(a, axis=0),
    "var": lambda np, a: np.var(a, axis=0, ddof=1),
    "std": lambda np, a: np.std(a, axis=1),
    "split": lambda np, a: np.split(a, 2, axis=1)[1],
    "array_split": lambda np, a: np.array_split(a, 3, axis=1)[0],
    "column_stack": lambda np, a: np.column_stack((a, a[:, 0])),
    "hstack": lambda np, a: np.hstack((a, a**2)),
    "inverse hyperbolic": lambda np, a: np.arcsinh(a) + np.arctanh(a / 5) + np.arccosh(2 + a**2),
    "other bases": lambda np, a: np.log2(a**2) + np.log10(a**2) + np.exp2(a),
    "mod": lambda np, a: np.mod(a, 0.7) + np.remainder(2.3, a),
    "rollaxis": lambda np, a: np.rollaxis(a, 1),
    "atleast": lambda np, a: np.atleast_3d(a) * 2,
    "append": lambda np, a: np.append(a, a * a),
    "norms": lambda np, a: np.linalg.norm(a[0], 3) * np.linalg.norm(a, axis=1),
    "array": lambda np, a: np.array([[a[0, 0], 1.0], [a[1, 1] * 2, 3 * a[2, 1]]]),
    "full": lambda np, a: np.full((2, 2), a[0, 0]),
    "sort": lambda np, a: np.sort(a.T @ a[:, 0]),
    "cumsum": lambda np, a: np.cumsum(a),
}

# What autograd lacks or has wrong, against the same function by other means.
TWINS = {
    "cbrt": (np.cbrt, lambda a: np.sign(a) * np.abs(a) ** (1 / 3)),
    "sinc": (np.sinc, lambda a: np.sin(np.pi * a) / (np.pi * a)),
    "median": (lambda a: np.median(a, axis=0), lambda a: np.sort(a, axis=0)[1]),
    "ptp": (np.ptp, lambda a: np.max(a) - np.min(a)),
    "take": (lambda a: np.take(a, [2, 0, 2], axis=0), lambda a: a[[2, 0, 2]]),
    "take flat": (lambda a: np.take(a, [11, 3]), lambda a: a.reshape(-1)[[11, 3]]),
    "take along": (
        lambda a: np.take_along_axis(a, np.argsort(a, axis=1), 1), lambda a: np.sort(a, axis=1),
    ),
    "pad edge": (
        lambda a: np.pad(a, ((0, 0), (1, 2)), "edge"), lambda a: a[:, [0, 0, 1, 2, 3, 3, 3]],
    ),
    "delete": (lambda a: np.delete(a, 1, axis=0), lambda a: a[[0, 2]]),
    "average": (
        lambda a: np.average(a, axis=1, weights=a[0] ** 2),
        lambda a: a @ a[0] ** 2 / np.sum(a[0] ** 2),
    ),
    "trapezoid": (
        lambda a: np.trapezoid(a, dx=0.5), lambda a: np.sum(a[:, 1:] + a[:, :-1], axis=1) / 4,
    ),
    "polyval": (
        lambda a: np.polyval(a[0], a[1, 1]),
        lambda a: np.sum(a[0] * a[1, 1] ** np.array([3, 2, 1, 0])),
    ),
    "select": (
        lambda a: np.select([a > 0.5, a < 0], [a**2, a**3], a),
        lambda a: np.where(a > 0.5, a**2, np.where(a < 0, a**3, a)),
    ),
    "linspace": (
        lambda a: np.linspace(a[0, 0], a[1, 1], 3),
        lambda a: np.stack([a[0, 0], (a[0, 0] + a[1, 1]) / 2, a[1, 1]]),
    ),
    "meshgrid": (lambda a: np.meshgrid(a[0], a[1])[1], lambda a: np.outer(a[1], np.ones(4))),
    "cross": (
        lambda a: np.cross(a[0, :3], a[1:, 1:]),
        lambda a: np.stack([
            a[0, 1] * a[1:, 3] - a[0, 2] * a[1:, 2], a[0, 2] * a[1:, 1] - a[0, 0] * a[1:, 3],
            a[0, 0] * a[1:, 2] - a[0, 1] * a[1:, 1],
        ], axis=1),
    ),
    "quantile": (
        lambda a: np.quantile(a, [0.25, 0.5], axis=0),
        lambda a: np.stack([np.sum(np.sort(a, axis=0)[:2], axis=0) / 2, np.sort(a, axis=0)[1]]),
    ),
    "percentile": (lambda a: np.percentile(a, 100), np.max),
    "broadcast_arrays": (
        lambda a: np.broadcast_arrays(a, a[0])[1] * a, lambda a: a[0] * a,
    ),
    "copysign": (lambda a: np.copysign(a, -2.0), lambda a: -np.abs(a)),
    "floor": (lambda a: a * np.floor(3 * a), lambda a: a * np.floor(3 * X)),
    "fmax": (lambda a: np.fmax(a, 0.2) + np.fmin(a, 0.1), lambda a: (
        np.maximum(a, 0.2) + np.minimum(a, 0.1))),
    "reduce": (lambda a: np.multiply.reduce(a), lambda a: a[0] * a[1] * a[2]),
    "accumulate": (np.add.accumulate, lambda a: np.cumsum(a, axis=0)),
    "matrix norms": (
        lambda a: np.linalg.norm(a, 1) + np.linalg.norm(a, -np.inf),
        lambda a: np.max(np.sum(np.abs(a), axis=0)) + np.min(np.sum(np.abs(a), axis=1)),
    ),
}  # fmt: skip


def weighted(np, result):
    flat = np.reshape(result, -1)
    return np.sum(np.sin(np.arange(1.0, flat.shape[0] + 1)) * flat**2)


@pytest.mark.parametrize("name", PEERS)
def test_first_and_second_derivatives_are_autograds(name):
    f = PEERS[name]
    own, peer = (lambda a: weighted(cnp, f(cnp, a))), (lambda a: weighted(anp, f(anp, a)))
    npt.assert_allclose(own(X), peer(X), rtol=1e-12)
    npt.assert_allclose(cg.grad(own)(X), autograd.grad(peer)(X), rtol=1e-10, atol=1e-12)
    npt.assert_allclose(cg.hessian(own)(X), autograd.hessian(peer)(X), rtol=1e-9, atol=1e-10)


@pytest.mark.parametrize("name", TWINS)
def test_derivatives_are_those_of_the_same_function_written_otherwise(name):
    f, twin = TWINS[name]
    npt.assert_allclose(f(X), twin(X), rtol=1e-12)
    for derivative in (cg.jacobian, lambda g: cg.jacobian(cg.jacobian(g))):
        npt.assert_allclose(derivative(f)(X), derivative(twin)(X), rtol=1e-9, atol=1e-10)


class TestWhereOthersFail:
    @pytest.mark.parametrize("x", [0.0, 1e-300, -1e-9, 1e-4, 0.3, -2.0, 17.5])
    def test_sinc_near_zero(self, x):
        with mpmath.workdps(60):
            for order, f in enumerate((np.sinc, cg.grad(np.sinc), cg.grad(cg.grad(np.sinc)))):
                exact = mpmath.diff(mpmath.sincpi, mpmath.mpf(x), order)
                assert f(x) == pytest.approx(float(exact), rel=1e-12, abs=1e-15)

    def test_sums_of_fmax_pass_over_nan(self):
        found = cg.grad(lambda x: np.sum(np.fmax(x, np.array([np.nan, 1.0]))))(np.array([2.0, 0.0]))
        npt.assert_array_equal(found, [1.0, 0.0])

    def test_nan_to_num_lets_no_gradient_through_what_it_replaces(self):
        x = np.array([1.0, np.nan, np.inf, 2.0])
        gradient = cg.grad(lambda x: np.sum(np.nan_to_num(x, posinf=9.0) ** 2))(x)
        npt.assert_array_equal(gradient, [2, 0, 0, 4])
        c = cg.circuit(f=np.nan_to_num(cg.input("x", 4), posinf=9.0))
        npt.assert_array_equal(c(x), [1, 0, 9, 2])

    def test_std_of_equal_entries_is_no_nan(self):
        npt.assert_array_equal(cg.grad(np.std)(np.ones(3)), np.zeros(3))

    def test_cbrt_of_negative_numbers(self):
        assert cg.grad(np.cbrt)(-8.0) == pytest.approx(1 / 12)

    def test_scipys_functions(self):
        for name in ("expit", "log_expit", "logit", "erf", "erfc"):
            f = getattr(scipy.special, name)
            with mpmath.workdps(40):
                assert np.isfinite(cg.grad(f)(0.3))
            slope = (f(0.3 + 1e-6) - f(0.3 - 1e-6)) / 2e-6
            assert cg.grad(f)(0.3) == pytest.approx(slope, rel=1e-8)
        assert cg.grad(scipy.special.xlogy, 1)(2.0, 4.0) == 0.5


class Layer(NamedTuple):
    """A layer of a network."""

    weights: object
    bias: object


class TestContainers:
    PARAMETERS = {  # noqa: RUF012
        "first": (X, V), "second": [V[:3], 2.0], "deep": {"scale": 3.0},
    }  # fmt: skip

    @staticmethod
    def loss(p):
        (w, b), (u, c) = p["first"], p["second"]
        return np.sum(u * np.tanh(w @ b)) * c + p["deep"]["scale"] ** 2

    def test_a_gradient_has_the_form_of_its_argument(self):
        gradient = cg.grad(self.loss)(self.PARAMETERS)
        assert list(gradient) == ["first", "second", "deep"]
        assert isinstance(gradient["first"], tuple)
        assert isinstance(gradient["second"], list)
        assert gradient["deep"] == {"scale": 6.0}
        u, c = self.PARAMETERS["second"]
        slope = u * (1 - np.tanh(X @ V) ** 2) * c
        npt.assert_allclose(gradient["first"][0], np.outer(slope, V))
        npt.assert_allclose(gradient["second"][1], np.sum(u * np.tanh(X @ V)))

    def test_named_tuples_stay_themselves(self):
        found = cg.grad(lambda layer: np.sum(layer.weights @ V) + layer.bias**2)(Layer(X, 3.0))
        assert isinstance(found, Layer)
        assert found.bias == 6.0

    def test_several_arguments(self):
        one, two = cg.grad(lambda a, b: a["x"] * b[0] * b[1], (0, 1))({"x": 2.0}, (3.0, 5.0))
        assert (one, two) == ({"x": 15.0}, (10.0, 6.0))
        value, gradient = cg.value_and_grad(lambda p: p[0] * p[1])((2.0, 3.0))
        assert (value, gradient) == (6.0, (3.0, 2.0))

    def test_a_hessian_is_a_container_of_containers(self):
        found = cg.hessian(lambda p: p["a"] ** 2 * p["b"])({"a": 3.0, "b": 5.0})
        assert found == {"a": {"a": 10.0, "b": 6.0}, "b": {"a": 6.0, "b": 0.0}}

    def test_results_may_be_containers(self):
        def f(x):
            return {"square": x**2, "pair": (x[0], 3.0)}

        jacobian = cg.jacobian(f)(np.array([1.0, 2.0]))
        npt.assert_array_equal(jacobian["square"], [[2, 0], [0, 4]])
        npt.assert_array_equal(jacobian["pair"][0], [1, 0])
        npt.assert_array_equal(jacobian["pair"][1], [0, 0])
        value, pullback = cg.vjp(f, np.array([1.0, 2.0]))
        npt.assert_array_equal(value["square"], [1, 4])
        (down,) = pullback({"square": np.ones(2), "pair": (10.0, 1.0)})
        npt.assert_array_equal(down, [12, 4])

    def test_forward_mode(self):
        value, tangent = cg.jvp(lambda p: (p["a"] * p["b"],), ({"a": 2.0, "b": 3.0},),
                                ({"a": 1.0, "b": 10.0},))  # fmt: skip
        assert (value, tangent) == ((6.0,), (23.0,))
        along = cg.hvp(lambda p: p[0] ** 2 * p[1])((3.0, 5.0), (1.0, 0.0))
        assert along == (10.0, 6.0)

    def test_one_array_in_two_places_is_two_variables(self):
        found = cg.grad(lambda p: np.sum(p[0] ** 2 * p[1]))((V, V))
        npt.assert_allclose(found[0], 2 * V * V)
        npt.assert_allclose(found[1], V**2)

    def test_what_is_no_number_is_refused_by_its_place(self):
        with pytest.raises(cg.SpecError, match=r"argument 'p_name'.*needed an array of real"):
            cg.grad(lambda p: p["x"])({"x": 1.0, "name": "text"})
        with pytest.raises(cg.SpecError, match="has 1 arrays; its primal has 2"):
            cg.jvp(lambda p: p[0], ((1.0, 2.0),), ((1.0,),))

    def test_empty_containers(self):
        assert cg.grad(lambda p, x: x * x, (0, 1))((), 2.0) == ((), 4.0)


class TestNumpyNamespace:
    def test_it_is_numpy_itself(self):
        assert cnp.pi is np.pi
        assert cnp.float64 is np.float64
        npt.assert_array_equal(cnp.array([1, 2]), np.array([1, 2]))
        assert cnp.asarray([1, 2]).dtype == np.asarray([1, 2]).dtype
        npt.assert_array_equal(cnp.linalg.inv(np.eye(2)), np.eye(2))
        assert "sin" in dir(cnp)
        with pytest.raises(AttributeError):
            cnp.no_such_function  # noqa: B018

    def test_lists_of_wires_become_arrays(self):
        def f(x):
            table = cnp.array([[x[0], 1.0], [0.0, x[1]]])
            return cnp.sum([x[0], x[1]]) * cnp.linalg.det(table) + cnp.dot([x[0], x[0]], x)

        npt.assert_allclose(cg.grad(f)(np.array([2.0, 3.0])), [28.0, 18.0])

    def test_plain_array_names_the_namespace(self):
        x, y = cg.inputs("x y")
        with pytest.raises(cg.SpecError, match=r"cg\.stack.*circuitgrad\.numpy"):
            np.array([x, y])

    def test_wires_pass_through(self):
        x = cg.input("x", 3)
        assert cnp.array(x) is x
        assert cnp.asarray(x) is x
        assert cnp.full((2, 3), x).shape == (2, 3)


@pytest.mark.parametrize(
    ("action", "told"),
    [
        (lambda x: np.linalg.pinv(x, rcond=0.1), r"np\.linalg\.pinv: rcond="),
        (lambda x: np.linalg.eig(x), r"np\.linalg\.eig: .*complex.*linalg\.eigh"),
        (lambda x: np.linalg.svd(x, hermitian=True), r"np\.linalg\.svd: hermitian.*eigh"),
        (lambda x: np.interp(0.5, x[0], x[1], period=1.0), r"np\.interp: period="),
        (lambda x: np.quantile(x, 0.5, method="lower"), r"np\.quantile: method 'lower'"),
        (lambda x: np.quantile(x, 0.5, overwrite_input=True), r"np\.quantile: these options"),
        (lambda x: np.multiply.accumulate(x), r"np\.multiply\.accumulate"),
        (lambda x: np.linalg.norm(x, 0), r"order 0 has no gate"),
        (
            lambda x: np.pad(x, 1, "mean", stat_length=2),
            r"np\.pad: these options are not available",
        ),
    ],
)
def test_unsupported_functions_name_the_nearest(action, told):
    with pytest.raises(cg.SpecError, match=told):
        cg.jacobian(action)(X)


@pytest.mark.parametrize("name", ["roll", "tile", "repeat", "take", "pad", "split", "prod", "sort"])
def test_named_axes_are_refused_clearly(name):
    arguments = {"prod": (), "sort": (), "pad": (1,), "take": ([0],)}.get(name, (1,))
    with pytest.raises(cg.CircuitError, match="size"):
        getattr(np, name)(cg.input("x", "n"), *arguments)


@pytest.mark.parametrize(
    ("method", "function"),
    [
        (lambda a: a.prod(axis=0), lambda a: np.prod(a, axis=0)),
        (lambda a: a.var(ddof=1), lambda a: np.var(a, ddof=1)),
        (lambda a: a.std(axis=1), lambda a: np.std(a, axis=1)),
        (lambda a: a.cumsum(0), lambda a: np.cumsum(a, 0)),
        (lambda a: a[:1].squeeze(0), lambda a: a[0]),
        (lambda a: a.swapaxes(0, 1), lambda a: a.T),
        (lambda a: a.repeat(2, 0), lambda a: np.repeat(a, 2, 0)),
        (lambda a: a.clip(-0.5, 0.5), lambda a: np.clip(a, -0.5, 0.5)),
        (lambda a: a.take([0, 2], 0), lambda a: a[[0, 2]]),
        (lambda a: (a @ a.T).trace(), lambda a: np.sum(a * a)),
        (lambda a: (a @ a.T).diagonal(), lambda a: np.sum(a * a, axis=1)),
        (lambda a: a % 0.3 + 2.0 % a, lambda a: np.mod(a, 0.3) + np.mod(2.0, a)),
        (lambda a: a * (a // 0.3) * (2.0 // a), lambda a: a * (X // 0.3) * (2.0 // X)),
    ],
)
def test_methods_and_operators_are_numpys(method, function):
    npt.assert_allclose(cg.vjp(method, X)[0], method(X), rtol=1e-12)
    npt.assert_allclose(cg.jacobian(method)(X), cg.jacobian(function)(X), rtol=1e-12, atol=1e-13)


def test_a_median_with_a_nan_is_nan():
    x = cg.input("x", 3)
    circuit = cg.circuit(f=np.median(x))
    assert np.isnan(circuit([1.0, np.nan, 3.0]))
    assert circuit([1.0, np.inf, 3.0]) == 3.0
    np.testing.assert_array_equal(circuit.grad("x")([5.0, 1.0, 3.0]), [0, 0, 1])


def test_a_dtype_that_wires_do_not_have_is_refused():
    import circuitgrad.numpy as cnp

    with pytest.raises(cg.SpecError, match=r"np\.asarray: dtype"):
        cg.grad(lambda x: cnp.asarray([x, x], dtype=int).sum())(2.5)
