"""Shapes: named axes, broadcasting, empty arrays, contractions, and what errors say."""

import re

import numpy as np
import numpy.testing as npt
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import circuitgrad as cg
from tests.strategies import arrays, broadcastable_arrays, evaluated


class TestNamedAxes:
    def test_one_circuit_serves_every_size(self):
        W, x = cg.input("W", "m n"), cg.input("x", "n")
        c = cg.circuit(f=np.sum(np.tanh(W @ x)))
        for m, n in [(1, 1), (2, 3), (5, 4)]:
            a, b = np.full((m, n), 0.1), np.arange(n) / 10
            slope = 1 / np.cosh(a @ b) ** 2
            assert c(W=a, x=b) == pytest.approx(np.sum(np.tanh(a @ b)))
            found = c.grad()(W=a, x=b)
            npt.assert_allclose(found["∂f/∂W"], np.outer(slope, b), rtol=1e-14)
            npt.assert_allclose(found["∂f/∂x"], a.T @ slope, rtol=1e-14)

    def test_shapes_are_known_while_building(self):
        W, x = cg.input("W", "m n"), cg.input("x", "n")
        assert (W @ x).shape == ("m",)
        assert W.T.shape == ("n", "m")
        assert np.sum(W, axis=0, keepdims=True).shape == (1, "n")
        assert (W * x + x[None, :]).shape == ("m", "n")
        assert np.outer(x, W @ x).shape == ("n", "m")

    @pytest.mark.parametrize(
        ("text", "shape"),
        [("m n", ("m", "n")), ("m,n", ("m", "n")), ("(3, n)", (3, "n")), (4, (4,)), ((), ()),
         ("", ()),
         ([2, "k"], (2, "k")), (np.int64(3), (3,))],
    )  # fmt: skip
    def test_spellings_of_a_shape(self, text, shape):
        assert cg.input("x", text).shape == shape

    @pytest.mark.parametrize("axis", ["1a", "a-b", 1.5, None, True, "a b$"])
    def test_an_axis_is_a_size_or_a_name(self, axis):
        with pytest.raises(cg.SpecError, match="neither a size nor a name"):
            cg.input("x", (axis, 2))

    def test_a_negative_size_is_refused(self):
        with pytest.raises(cg.ShapeError, match="negative"):
            cg.input("x", (-1,))

    def test_a_size_that_only_the_run_knows_counts_in_means(self):
        x = cg.input("x", "m n")
        c = cg.circuit(f=np.mean(x**2))
        a = np.arange(6.0).reshape(2, 3)
        assert c(x=a) == pytest.approx(np.mean(a**2))
        npt.assert_allclose(c.grad("x")(x=a), 2 * a / 6, rtol=1e-15)
        npt.assert_allclose(c.run(x=a).backward()["x"], 2 * a / 6, rtol=1e-15)


def message(action):
    with pytest.raises(cg.ShapeError) as caught:
        action()
    return str(caught.value)


W, V, X, K = cg.input("W", "m n"), cg.input("V", (2, 3)), cg.input("x", "n"), cg.input("k", "k")
# Each mistake with what its message must name: the operation, the variables, the shapes, the axes.
MISTAKES = {
    "matmul": (lambda: W @ K, ["matmul", "W is (m, n)", "k is (k,)", "n ≠ k"]),
    "matmul sizes": (lambda: V @ V, ["V is (2, 3)", "3 ≠ 2"]),
    "matmul scalar": (lambda: W @ cg.input("s"), ["s is a scalar", "Use *"]),
    "add": (lambda: W + K, ["add", "W is (m, n)", "k is (k,)", "n ≠ k"]),
    "add sizes": (lambda: V + cg.input("u", 2), ["V is (2, 3)", "u is (2,)", "3 ≠ 2"]),
    "name and size": (lambda: X * cg.input("u", 2), ["x is (n,)", "u is (2,)", "n ≠ 2"]),
    "einsum": (lambda: cg.einsum("ij,j->i", W, K), ["W is (m, n)", "k is (k,)", "n ≠ k"]),
    "einsum rank": (lambda: cg.einsum("ij->ji", X), ["x is (n,)", "2 axes"]),
    "reshape": (lambda: V.reshape(4), ["V is (2, 3)", "(4,)", "6 entries"]),
    "reshape names": (lambda: W.reshape(-1), ["W is (m, n)", "no size yet"]),
    "concatenate": (lambda: cg.concatenate([V, cg.input("u", (2, 2))]), ["V is (2, 3)", "u is (2"]),
    "concatenate names": (lambda: cg.concatenate([X, X]), ["axis 'n' of x", "no size"]),
    "concatenate none": (lambda: cg.concatenate([]), ["at least one"]),
    "stack": (lambda: cg.stack([X, K]), ["x is (n,)", "k is (k,)"]),
    "trace": (lambda: cg.trace(W), ["trace", "W is (m, n)", "square"]),
    "inverse": (lambda: cg.inverse(W), ["inverse", "W is (m, n)", "square"]),
    "solve": (lambda: cg.solve(cg.input("A", "n n"), K), ["A is (n, n)", "k is (k,)"]),
    "transpose": (lambda: np.transpose(W, (0, 0)), ["transpose", "W", "(m, n)"]),
    "axis": (lambda: np.sum(W, axis=2), ["sum of W", "axis 2", "2 axes"]),
    "axis twice": (lambda: np.sum(W, axis=(0, -2)), ["sum of W", "twice"]),
    "index": (lambda: V[5], ["index 5 of V", "(2, 3)", "-2 to 1"]),
    "indices": (lambda: V[0, 0, 0], ["3 indices for V", "(2, 3)"]),
    "index array": (lambda: V[[0, 7]], ["V", "0 to 7", "-2 to 1"]),
    "broadcast": (lambda: cg.broadcast(V, (3,)), ["V is (2, 3)", "(3,)"]),
    "squeeze": (lambda: np.squeeze(V, axis=0), ["V is (2, 3)", "2 ≠ 1"]),
    "max of nothing": (lambda: np.max(cg.input("e", 0)), ["max", "e is (0,)"]),
    "mean of nothing": (lambda: np.mean(cg.input("e", (2, 0)), axis=1), ["mean", "e is (2, 0)"]),
    "grad of a vector": (lambda: cg.circuit(f=X * 2).grad("x"), ["(n,)", "scalar", "jacobian"]),
    "backward of a vector": (
        lambda: cg.circuit(f=X * 2).run(x=[1.0, 2.0]).backward(),
        ["(n,)", "scalar"],
    ),
    "seed": (lambda: cg.circuit(f=X * 2).run(x=[1.0, 2.0]).backward(seed=[1.0]), ["(1,)", "(2,)"]),
    "input rank": (lambda: cg.circuit(f=X * 2)(x=[[1.0]]), ["input 'x'", "(1, 1)", "(n,)"]),
    "input size": (lambda: cg.circuit(f=V * 2)(np.ones((2, 4))), ["input 'V'", "(2, 4)", "3 ≠ 4"]),
    "two sizes": (
        lambda: cg.circuit(f=W @ X)(W=np.ones((2, 3)), x=[1.0, 2.0]),
        ["input 'x'", "(2,)", "axis n is 3", "3 ≠ 2"],
    ),
    "a scalar's array": (lambda: cg.circuit(f=cg.input("s") * 2)(s=[1.0]), ["input 's'", "(1,)"]),
}  # fmt: skip


@pytest.mark.parametrize("name", MISTAKES)
def test_a_shape_error_names_the_variables_and_axes(name):
    action, parts = MISTAKES[name]
    text = message(action)
    for part in parts:
        assert part in text


def test_the_promise_of_the_design_holds_word_for_word():
    assert re.match(r"matmul: W is \(m, n\) but k is \(k,\): n ≠ k\.", message(lambda: W @ K))


def test_shape_errors_are_value_errors_too():
    with pytest.raises(ValueError, match="matmul"):
        W @ K


class TestBroadcasting:
    @given(broadcastable_arrays())
    def test_operators_broadcast_as_numpy(self, pair):
        a, b = pair
        found = evaluated(lambda x, y: x * y + x, a, b)
        npt.assert_array_equal(found, a * b + a)
        assert np.shape(found) == (a * b).shape

    @given(broadcastable_arrays(), st.data())
    def test_gradients_sum_over_what_was_repeated(self, pair, data):
        a, b = pair
        x, y = cg.input("x", a.shape), cg.input("y", b.shape)
        c = cg.circuit(f=x * y, inputs=[x, y])
        upstream = data.draw(arrays((a * b).shape))
        found = c.vjp()(a, b, upstream)
        lead = upstream.ndim - a.ndim
        axes = tuple(range(lead)) + tuple(
            lead + k for k, n in enumerate(a.shape) if n == 1 and upstream.shape[lead + k] != 1
        )
        summed = np.sum(upstream * b, axis=axes).reshape(a.shape)
        assert np.shape(found["downstream_x"]) == a.shape
        npt.assert_allclose(found["downstream_x"], summed, rtol=1e-13, atol=1e-13)

    @given(broadcastable_arrays(count=3))
    def test_where_and_clip_broadcast(self, triple):
        a, b, c = triple
        npt.assert_array_equal(
            evaluated(lambda x, y, z: np.where(x > y, y, z), a, b, c), np.where(a > b, b, c)
        )

    @given(broadcastable_arrays())
    def test_the_gradient_of_run_and_of_the_circuit_are_equal(self, pair):
        a, b = pair
        x, y = cg.input("x", a.shape), cg.input("y", b.shape)
        c = cg.circuit(f=np.sum(np.sin(x) * y + y / (2 + x * x)), inputs=[x, y])
        found, kept = c.grad()(a, b), c.run(a, b).backward()
        for name in "xy":
            npt.assert_allclose(found[f"∂f/∂{name}"], kept[name], rtol=1e-13, atol=1e-13)
            assert (
                np.shape(found[f"∂f/∂{name}"])
                == np.shape(kept[name])
                == {"x": a, "y": b}[name].shape
            )

    def test_broadcasts_are_gates(self):
        x, y = cg.input("x", "m n"), cg.input("y", "n")
        names = [wire.gate.name for wire in cg.circuit(f=x + y).wires]
        assert "broadcast" in names


class TestEmptyArrays:
    def test_sums_and_products_of_nothing(self):
        x = cg.input("x", "n")
        c = cg.circuit(f=np.sum(np.exp(x)))
        assert c(x=[]) == 0.0
        assert c.run(x=[]).backward()["x"].shape == (0,)
        assert c.grad("x")(x=[]).shape == (0,)
        assert c.hessian("x")(x=[]).shape == (0, 0)

    def test_matrix_products_over_nothing_are_zero(self):
        A, B = cg.input("A", (2, 0)), cg.input("B", (0, 3))
        c = cg.circuit(f=A @ B)
        npt.assert_array_equal(c(np.ones((2, 0)), np.ones((0, 3))), np.zeros((2, 3)))
        found = c.vjp()(np.ones((2, 0)), np.ones((0, 3)), np.ones((2, 3)))
        assert (found["downstream_A"].shape, found["downstream_B"].shape) == ((2, 0), (0, 3))

    @pytest.mark.parametrize(
        "function",
        [np.exp, np.tanh, lambda x: x.T, lambda x: x.reshape(0, 3), lambda x: x[:, 1:2],
         np.negative,
         lambda x: np.concatenate([x, x], axis=1), lambda x: np.stack([x, x]),
         lambda x: np.sum(x, axis=0)],
    )  # fmt: skip
    def test_shapes_without_entries(self, function):
        x = np.zeros((0, 3))
        npt.assert_array_equal(evaluated(function, x), function(x), strict=True)


EINSUMS = [
    "i->", "i->i", "ij->ji", "ij->i", "ij->j", "ii->", "ii->i", "i,i->", "i,j->ij", "i,i->i",
    "ij,j->i",
    "i,ij->j", "ij,jk->ik", "ij,kj->ik", "ji,jk->ik", "ij,ij->", "ij,ij->ij", "ij,ij->i", "ij,ji->",
    "bij,bjk->bik", "bij,jk->bik", "bij,bkj->bik", "bij,bj->bi", "bhij,bhjk->bhik", "ijk->kji",
    "ijk->jik",
    "ijk->", "ijk->ik", "iij->j", "iij->ij", "iii->i", "iii->", "ij,jk,kl->il", "i,j,k->ijk",
    "ij,jk,ki->",
    "i,ij,j->", "ii,i->i", "ii,jj->ij", "ij,jj->i", "ijk,jil->kl", "ij,ik,il->jkl", "i,i,i->i",
    "ij,j", "ij,jk",
    "ba", "ii", "ab,cd->acbd", "abc,bad->cd",
]  # fmt: skip


class TestEinsum:
    @pytest.mark.parametrize("subscripts", EINSUMS)
    @settings(max_examples=10)
    @given(data=st.data())
    def test_value_and_gradient_are_numpys(self, subscripts, data):
        terms = subscripts.split("->")[0].split(",")
        letters = sorted(set("".join(terms)))
        sizes = {x: data.draw(st.integers(1, 3), label=x) for x in letters}
        seed = data.draw(st.integers(0, 2**32 - 1))
        random = np.random.default_rng(seed)
        values = [random.uniform(-1, 1, [sizes[x] for x in term]) for term in terms]
        inputs = [cg.input("abc"[k], v.shape) for k, v in enumerate(values)]
        c = cg.circuit(f=np.einsum(subscripts, *inputs), inputs=inputs)
        expected = np.einsum(subscripts, *values)
        npt.assert_allclose(c(*values), expected, rtol=1e-13, atol=1e-14)
        upstream = random.uniform(-1, 1, expected.shape)
        found = c.vjp()(*values, upstream)
        # Linear in each operand: its gradient's entry is the value at a unit array in its place.
        for k, value in enumerate(values):
            gradient = found[f"downstream_{inputs[k].label}"] if len(values) > 1 else found
            for index in np.ndindex(value.shape):
                unit = np.zeros_like(value)
                unit[index] = 1
                moved = np.einsum(subscripts, *values[:k], unit, *values[k + 1 :])
                npt.assert_allclose(
                    gradient[index], np.sum(moved * upstream), rtol=1e-12, atol=1e-13
                )

    def test_einsum_of_one_wire_twice(self):
        A = cg.input("A", (3, 3))
        c = cg.circuit(f=np.einsum("ij,jk,ki->", A, A, A))
        a = np.random.default_rng(3).normal(size=(3, 3))
        npt.assert_allclose(c(a), np.trace(a @ a @ a), rtol=1e-13)
        npt.assert_allclose(c.grad("A")(a), 3 * (a @ a).T, rtol=1e-12)

    @pytest.mark.parametrize(
        ("subscripts", "told"),
        [("ij,jk->ik", "2 terms for 1 operands"), ("i.->i", "use letters"), ("ij->ik", "'k'"),
         ("i1->i", "use letters")],
    )  # fmt: skip
    def test_bad_subscripts(self, subscripts, told):
        with pytest.raises(cg.SpecError, match=re.escape(told)):
            cg.einsum(subscripts, cg.input("A", (2, 2)))


def test_iterating_and_unpacking_go_over_the_first_axis():
    x = cg.input("x", 3)
    a, b, c = x
    assert len(x) == 3
    assert cg.circuit(f=a * b + c)(x=[2, 3, 4]) == 10.0


def test_a_wire_without_a_size_has_no_length():
    with pytest.raises(cg.SpecError, match="axis 'n' has no number"):
        len(cg.input("x", "n"))
    with pytest.raises(TypeError, match="scalar"):
        len(cg.input("x"))
