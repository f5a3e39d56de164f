"""cg.grad and its family on NumPy functions, against closed forms and the autograd package."""

import math
import re

import autograd
import autograd.numpy as anp
import numpy as np
import numpy.testing as npt
import pytest
from hypothesis import given
from hypothesis import strategies as st

import circuitgrad as cg
from tests.strategies import arrays

X = np.array([0.7, -1.3, 2.1])
A = np.array([[2.0, -0.5, 0.1], [0.3, 1.5, -0.2], [0.4, 0.2, 3.0]])

# The same code for both packages: `np` is NumPy for circuitgrad and autograd's NumPy for autograd.
PEERS = {
    "polynomial": lambda np, x: np.sum(3 * x**3 - 2 * x + 1),
    "rosenbrock": lambda np, x: np.sum(100 * (x[1:] - x[:-1] ** 2) ** 2 + (1 - x[:-1]) ** 2),
    "logistic": lambda np, x: np.sum(np.log(1 + np.exp(-(A @ x)))),
    "quadratic form": lambda np, x: np.dot(x, np.dot(A, x)),
    "trigonometric": lambda np, x: np.sum(np.sin(x) * np.cos(x) * np.tan(x / 4)),
    "hyperbolic": lambda np, x: np.mean(np.tanh(x) + np.sinh(x) / np.cosh(x)),
    "norm": lambda np, x: np.linalg.norm(x) * np.sqrt(np.sum(x**2) + 1),
    "log-sum-exp": lambda np, x: np.log(np.sum(np.exp(x - np.max(x)))) + np.max(x),
    "solve": lambda np, x: np.sum(np.linalg.solve(A + np.outer(x, x), x)),
    "inverse": lambda np, x: np.trace(np.linalg.inv(A + np.diag(x**2))),
    "network": lambda np, x: np.sum(np.tanh(A @ np.tanh(A.T @ x + 0.1)) ** 2),
    "einsum": lambda np, x: np.sum(np.einsum("ij,j,k->ik", A, x, x) ** 2),
    "shapes": lambda np, x: np.sum(np.concatenate([np.reshape(np.outer(x, x), 9), x[::-1]]) ** 3),
    "choices": lambda np, x: np.sum(np.where(x > 0, x**2, np.abs(x)) + np.maximum(x, 0.5)),
    "stack": lambda np, x: np.sum(np.stack([x, x**2, np.exp(x)], axis=1) @ A),
    "variance": lambda np, x: np.var(x) + np.std(x) + np.min(x),
    "powers": lambda np, x: np.sum((x**2 + 1) ** (x / 3) + np.abs(x) ** 1.5 + 2.0**x),
    "loop": lambda np, x: loop(np, x),
    "branches": lambda np, x: branches(np, x),
}  # fmt: skip


def loop(np, x):
    total = 0.0
    for k in range(4):
        total = np.sin(total + x[k % 3]) * x[0]
    return total


def branches(np, x):
    result = 1.0
    for value in x:
        if value > 1:
            result = result * value
        elif value > 0:
            result = result + np.exp(value)
        while result > 10:
            result = result / 2
    return result


def of(name, numpy):
    return lambda x: PEERS[name](numpy, x)


@pytest.mark.parametrize("name", PEERS)
class TestAgainstAutograd:
    def test_gradient(self, name):
        ours, theirs = of(name, np), of(name, anp)
        value, gradient = cg.value_and_grad(ours)(X)
        npt.assert_allclose(value, theirs(X), rtol=1e-14)
        npt.assert_allclose(gradient, autograd.grad(theirs)(X), rtol=1e-11, atol=1e-13)

    def test_hessian(self, name):
        expected = autograd.hessian(of(name, anp))(X)
        npt.assert_allclose(cg.hessian(of(name, np))(X), expected, rtol=1e-10, atol=1e-11)

    def test_hessian_vector_product(self, name):
        v = np.array([0.3, -0.2, 1.0])
        expected = autograd.hessian_vector_product(of(name, anp))(X, v)
        npt.assert_allclose(cg.hvp(of(name, np))(X, v), expected, rtol=1e-10, atol=1e-11)

    def test_directional_derivative(self, name):
        v = np.array([0.3, -0.2, 1.0])
        value, tangent = cg.jvp(of(name, np), (X,), (v,))
        npt.assert_allclose(value, of(name, anp)(X), rtol=1e-14)
        npt.assert_allclose(tangent, autograd.grad(of(name, anp))(X) @ v, rtol=1e-11, atol=1e-13)


def test_jacobian_of_a_vector_function_is_autograds():
    def f(np, x):
        return np.concatenate([np.sin(x) * x[0], np.exp(x[:2])])

    expected = autograd.jacobian(lambda x: f(anp, x))(X)
    npt.assert_allclose(cg.jacobian(lambda x: f(np, x))(X), expected, rtol=1e-14)


def test_jacobian_of_a_matrix_function_has_axes_output_then_input():
    found = cg.jacobian(lambda x: np.outer(x, x))(X)
    expected = autograd.jacobian(lambda x: anp.outer(x, x))(X)
    npt.assert_allclose(found, expected, rtol=1e-15)


class TestArguments:
    def test_argnums_chooses_the_argument(self):
        def f(x, y):
            return x**2 * y

        assert cg.grad(f)(3.0, 2.0) == 12.0
        assert cg.grad(f, 1)(3.0, 2.0) == 9.0
        assert cg.grad(f, argnums=-1)(3.0, 2.0) == 9.0

    def test_a_tuple_of_argnums_gives_a_tuple(self):
        def f(x, y):
            return x**2 * y

        assert cg.grad(f, argnums=(0, 1))(3.0, 2.0) == (12.0, 9.0)
        assert cg.grad(f, argnums=(1, 0))(3.0, 2.0) == (9.0, 12.0)
        assert cg.grad(f, argnums=(0,))(3.0, 2.0) == (12.0,)
        assert cg.value_and_grad(f, (0, 1))(3.0, 2.0) == (18.0, (12.0, 9.0))
        blocks = cg.jacobian(lambda x, y: x * y, (0, 1))(np.array([1.0, 2.0]), 3.0)
        npt.assert_array_equal(blocks[0], [[3, 0], [0, 3]])
        npt.assert_array_equal(blocks[1], [1, 2])

    def test_the_same_value_for_two_arguments_stays_two_variables(self):
        x = np.array([1.0, 2.0])
        first, second = cg.grad(lambda a, b: np.sum(a**2 * b), (0, 1))(x, x)
        npt.assert_array_equal(first, 2 * x * x)
        npt.assert_array_equal(second, x**2)
        assert cg.grad(lambda a, b: a**2 * b, (0, 1))(3.0, 3.0) == (18.0, 9.0)

    def test_argnums_out_of_range(self):
        with pytest.raises(cg.SpecError, match=r"argnums 2.*2 positional"):
            cg.grad(lambda x, y: x, 2)(1.0, 2.0)
        with pytest.raises(cg.SpecError, match=r"argnums 0.*0 positional.*by position"):
            cg.grad(lambda x: x)(x=1.0)

    def test_other_arguments_may_be_anything(self):
        def f(x, mode, table=None, *, power=2):
            return x**power * table["scale"] if mode == "scaled" else x

        assert cg.grad(f)(3.0, "scaled", {"scale": 5.0}) == 30.0
        assert cg.grad(f)(3.0, "scaled", table={"scale": 5.0}, power=3) == 135.0
        assert cg.grad(f)(3.0, "plain") == 1.0

    @pytest.mark.parametrize(
        "value", [3, 3.0, np.float64(3), np.int64(3), np.array(3.0), np.array(3)]
    )
    def test_every_kind_of_real_number_is_a_variable(self, value):
        found = cg.grad(lambda x: x * x)(value)
        assert found == 6.0
        assert isinstance(found, float)

    def test_lists_are_arrays(self):
        npt.assert_array_equal(cg.grad(lambda x: np.sum(x * x))([1, 2]), [2.0, 4.0])

    def test_float32_stays_float32(self):
        x = np.array([1.0, 2.0], np.float32)
        value, gradient = cg.value_and_grad(lambda x: np.sum(np.exp(x) * 2))(x)
        assert np.asarray(value).dtype == np.float32
        assert gradient.dtype == np.float32
        assert cg.hessian(lambda x: np.sum(np.exp(x)))(x).dtype == np.float32

    @pytest.mark.parametrize("value", ["text", 1 + 2j, None, [[1], [1, 2]]])
    def test_other_values_are_refused_by_name(self, value):
        with pytest.raises(cg.SpecError, match="argument 'weights'"):
            cg.grad(lambda weights: weights)(value)

    def test_the_function_keeps_its_name(self):
        def energy(x):
            """Doc."""
            return x

        assert cg.grad(energy).__name__ == "energy"
        assert cg.hvp(energy).__doc__ == "Doc."

    def test_callers_arrays_are_left_alone(self):
        x = X.copy()
        gradient = cg.grad(lambda x: np.sum(x * 1.0))(x)
        gradient[:] = 99
        value, pullback = cg.vjp(lambda x: x, x)
        value[:] = 99
        pullback(x)[0][:] = 99
        npt.assert_array_equal(x, X)


class TestControlFlow:
    def test_branches_follow_values(self):
        f = lambda x: x**2 if x > 0 else -x  # noqa: E731
        assert (cg.grad(f)(3.0), cg.grad(f)(-3.0)) == (6.0, -1.0)

    def test_while_loops(self):
        def f(x):
            while x < 100:
                x = x * x
            return x

        assert cg.grad(f)(3.0) == 8 * 3.0**7

    def test_comparisons_give_plain_booleans(self):
        def f(x):
            assert (x > 0) is not None
            assert isinstance(bool(x[0] > 0), bool)
            assert np.all(x > 0)
            assert np.argmax(x) == 1
            assert np.isfinite(x).all()
            return x[int(np.argmax(x))] ** 2

        npt.assert_array_equal(cg.grad(f)(np.array([1.0, 3.0])), [0, 6])

    def test_comparisons_with_constants(self):
        def f(x):
            third = np.ones_like(x) / 3
            if np.all(x > third) and np.sum(third) > 0.5 and not np.mean(third) > 0.5:
                return np.sum(x**2)
            return np.sum(x)

        npt.assert_array_equal(cg.grad(f)(np.array([1.0, 3.0])), [2.0, 6.0])
        npt.assert_array_equal(cg.grad(f)(np.array([0.0, 3.0])), [1.0, 1.0])

    def test_masks_and_sorting_by_value(self):
        def f(x):
            order = np.argsort(x)
            return np.sum(x[order] * np.arange(3.0)) + np.sum(x[x > 0] ** 2)

        expected = autograd.grad(
            lambda x: anp.sum(x[anp.argsort(x)] * np.arange(3.0)) + anp.sum(x[x > 0] ** 2)
        )
        npt.assert_allclose(cg.grad(f)(X), expected(X), rtol=1e-15)

    def test_a_function_that_ignores_its_argument_has_gradient_zero(self):
        npt.assert_array_equal(cg.grad(lambda x: 5.0)(X), np.zeros(3))
        npt.assert_array_equal(cg.jacobian(lambda x: np.ones(2))(X), np.zeros((2, 3)))
        npt.assert_array_equal(cg.hessian(lambda x: np.sum(x))(X), np.zeros((3, 3)))
        assert cg.jvp(lambda x: 5.0, (1.0,), (1.0,)) == (5.0, 0.0)

    def test_a_function_that_returns_its_argument(self):
        assert cg.grad(lambda x: x)(2.0) == 1.0
        npt.assert_array_equal(cg.jacobian(lambda x: x)(X), np.eye(3))
        npt.assert_array_equal(cg.hvp(lambda x: x)(2.0, 1.0), 0.0)

    def test_recursion_in_the_function(self):
        def power(x, n):
            return 1.0 if n == 0 else x * power(x, n - 1)

        assert cg.grad(power)(2.0, 5) == 80.0

    def test_a_long_loop(self):
        def f(x):
            for _ in range(5000):
                x = x + np.sin(x) * 1e-3
            return x

        assert np.isfinite(cg.grad(f)(1.0))


class TestNesting:
    """Derivatives of functions that take derivatives: each variable must stay itself."""

    def test_perturbation_confusion(self):
        """d/dx (x · d/dy (x + y)) = 1, the classic example (Siskind and Pearlmutter, 2005)."""
        assert cg.grad(lambda x: x * cg.grad(lambda y: x + y)(1.0))(1.0) == 1.0
        assert cg.grad(lambda x: x * cg.grad(lambda y: x * y)(2.0))(3.0) == 6.0

    def test_the_inner_variable_starts_at_the_outer(self):
        assert cg.grad(lambda x: x * cg.grad(lambda y: x * y * y)(x))(3.0) == 54.0

    @pytest.mark.parametrize("order", range(1, 6))
    def test_repeated_gradients(self, order):
        f = np.exp
        for _ in range(order):
            f = cg.grad(f)
        assert f(0.5) == pytest.approx(math.exp(0.5), rel=1e-14)

    def test_forward_in_reverse_and_reverse_in_forward(self):
        f = lambda x: np.sin(x) * x**2  # noqa: E731
        second = 2 * math.sin(0.5) + 4 * 0.5 * math.cos(0.5) - 0.25 * math.sin(0.5)
        forward = lambda x: cg.jvp(f, (x,), (1.0,))[1]  # noqa: E731
        assert cg.grad(forward)(0.5) == pytest.approx(second, rel=1e-13)
        assert cg.jvp(cg.grad(f), (0.5,), (1.0,))[1] == pytest.approx(second, rel=1e-13)
        assert cg.jvp(forward, (0.5,), (1.0,))[1] == pytest.approx(second, rel=1e-13)

    def test_vjp_inside_grad(self):
        def f(x):
            value, pullback = cg.vjp(lambda y: y**3, x)
            return value * pullback(1.0)[0]

        assert cg.grad(f)(2.0) == pytest.approx(15 * 2.0**4)

    def test_hessian_inside_grad(self):
        f = lambda x: np.trace(cg.hessian(lambda y: np.sum(y**4))(x))  # noqa: E731
        npt.assert_allclose(cg.grad(f)(X), 24 * X, rtol=1e-14)

    def test_a_gradient_step_is_differentiable(self):
        """d/dr of L(w - r ∇L(w)) = -∇L(w') · ∇L(w)."""
        loss = lambda w: np.sum(np.cos(w) * w)  # noqa: E731
        step = lambda rate: loss(X - rate * cg.grad(loss)(X))  # noqa: E731
        slope = cg.grad(loss)
        expected = -slope(X - 0.1 * slope(X)) @ slope(X)
        assert cg.grad(step)(0.1) == pytest.approx(expected, rel=1e-13)

    def test_a_traced_function_inside_a_circuit(self):
        x = cg.input("x")
        c = cg.circuit(f=cg.grad(lambda y: y**3)(x))
        assert c(x=2.0) == 12.0
        assert c.grad("x")(x=2.0) == 12.0

    def test_state_is_left_behind_after_an_error(self):
        def broken(x):
            raise RuntimeError("stop")

        with pytest.raises(RuntimeError, match="stop"):
            cg.grad(broken)(1.0)
        assert isinstance(cg.grad(lambda x: x * x)(3.0), float)


class TestProducts:
    def test_vjp_returns_the_value_and_a_pullback_to_a_tuple(self):
        value, pullback = cg.vjp(lambda x, y: np.sin(x) * y, X, 2.0)
        npt.assert_allclose(value, np.sin(X) * 2, rtol=1e-15)
        w = np.array([1.0, 0.0, -1.0])
        first, second = pullback(w)
        npt.assert_allclose(first, w * np.cos(X) * 2, rtol=1e-15)
        assert second == pytest.approx(w @ np.sin(X), rel=1e-15)
        npt.assert_array_equal(pullback(w)[0], first)

    def test_jvp_takes_primals_and_tangents(self):
        _, tangent = cg.jvp(lambda x, y: x * y, (X, 2.0), (np.ones(3), 10.0))
        npt.assert_allclose(tangent, 2 + 10 * X, rtol=1e-15)

    def test_hvp_by_another_argument(self):
        f = lambda x, y: x**2 * y**3  # noqa: E731
        assert cg.hvp(f, 1)(2.0, 3.0, 1.0) == 4 * 18.0

    @given(arrays((3,)), arrays((3,)), arrays((2,)))
    def test_adjoint(self, x, v, w):
        f = lambda x: np.stack([np.sin(x[0]) * x[1], np.sum(x**2)])  # noqa: E731
        _, pullback = cg.vjp(f, x)
        _, pushed = cg.jvp(f, (x,), (v,))
        npt.assert_allclose(w @ pushed, pullback(w)[0] @ v, rtol=1e-12, atol=1e-12)

    @pytest.mark.parametrize(
        ("action", "told"),
        [
            (lambda: cg.jvp(np.sin, (X,), (np.ones(2),)), r"tangent 0 is (2,); its primal is (3,)"),
            (lambda: cg.jvp(np.sin, (X,), ()), "1 primals for 0 tangents"),
            (lambda: cg.vjp(np.sin, X)[1](np.ones(2)), r"gradient is (2,); the value is (3,)"),
            (lambda: cg.grad(np.sin)(X), "returned shape (3,); needed a scalar"),
            (lambda: cg.grad(lambda x: [x, x])(1.0), "returned list; needed one array"),
            (lambda: cg.grad(lambda x: None)(1.0), "returned NoneType"),
            (lambda: cg.grad(3), "got int; needed a function"),
            (lambda: cg.grad(cg.circuit(f=cg.input("x") * 2)), "Use circuit.grad()"),
            (lambda: cg.jacobian("x"), "got str; needed a function"),
        ],
    )  # fmt: skip
    def test_misuse(self, action, told):
        with pytest.raises(cg.CircuitError, match=re.escape(told)):
            action()


@given(st.data())
def test_tracing_and_circuits_give_the_same(data):
    x = data.draw(arrays((4,), 1.0))
    f = lambda x: np.sum(np.exp(np.sin(x)) * x[::-1]) / (1 + x @ x)  # noqa: E731
    c = cg.circuit(f=f(cg.input("x", 4)))
    npt.assert_allclose(cg.grad(f)(x), c.grad("x")(x), rtol=1e-13, atol=1e-15)
    npt.assert_allclose(cg.hessian(f)(x), c.hessian("x")(x), rtol=1e-12, atol=1e-14)
