"""Wires and circuits: sharing, fan-out, order, scopes, dtypes, constants, immutability."""

import gc

import numpy as np
import numpy.testing as npt
import pytest

import circuitgrad as cg


@pytest.fixture
def xy():
    return cg.inputs("x y")


class TestSharing:
    def test_the_same_gate_on_the_same_inputs_is_the_same_wire(self, xy):
        x, y = xy
        assert x * y is x * y
        assert np.exp(x) is np.exp(x)
        assert x * y is not y * x
        assert cg.input("x") is x
        assert cg.input("x", 3) is not x

    def test_constants_are_shared_by_value_shape_and_dtype(self):
        assert cg.constant(2) is cg.constant(2.0)
        assert cg.constant(2.0) is not cg.constant([2.0])
        assert cg.constant(np.float32(2)) is not cg.constant(2.0)
        assert cg.constant([1.0, 2.0]) is cg.constant(np.array([1, 2]))

    def test_common_subexpressions_are_counted_once(self, xy):
        x, y = xy
        f = np.sin(x * y) + np.cos(x * y)
        assert sum(1 for wire in cg.circuit(f).wires if wire.inputs) == 4

    def test_unused_wires_are_freed(self, xy):
        x, _ = xy
        from circuitgrad.wire import _table

        gc.collect()
        before = len(_table)
        wire = np.sin(x * 12345.0)
        assert len(_table) > before
        del wire
        gc.collect()
        assert len(_table) == before

    def test_negative_zero_and_zero_are_two_constants(self):
        assert cg.constant(0.0) is not cg.constant(-0.0)


class TestFanOut:
    def test_x_times_x(self, xy):
        x, _ = xy
        c = cg.circuit(f=x * x)
        assert c(x=3.0) == 9.0
        assert c.grad("x")(x=3.0) == 6.0
        assert c.hessian("x")(x=3.0) == 2.0
        assert c.run(x=3.0).backward() == {"x": 6.0}

    def test_both_edges_of_x_times_x_are_kept(self, xy):
        x, _ = xy
        run = cg.circuit(f=x * x).run(x=3.0)
        run.backward()
        assert run[x].local == (3.0, 3.0)
        assert [edge.downstream for edge in run.edges()] == [3.0, 3.0]

    def test_contributions_of_a_fan_out_are_added(self, xy):
        x, y = xy
        shared = x * y
        c = cg.circuit(f=shared + np.sin(shared) + shared**2)
        slope = 1 + np.cos(6.0) + 12
        assert c.grad("x")(2.0, 3.0) == pytest.approx(3 * slope, rel=1e-15)

    def test_x_minus_x_has_gradient_zero(self, xy):
        x, _ = xy
        assert cg.circuit(f=x - x).grad("x")(x=5.0) == 0.0

    def test_tie_of_a_wire_with_itself(self, xy):
        x, _ = xy
        assert cg.circuit(f=np.maximum(x, x)).grad("x")(x=5.0) == 1.0


class TestOutputs:
    def test_a_gate_used_by_two_outputs(self, xy):
        x, y = xy
        shared = np.exp(x * y)
        c = cg.circuit(f=shared + x, g=shared * y)
        e = np.exp(6.0)
        assert c(2.0, 3.0) == {"f": e + 2, "g": 3 * e}
        run = c.run(2.0, 3.0)
        assert run.backward("f") == pytest.approx({"x": 3 * e + 1, "y": 2 * e})
        assert run.backward("g") == pytest.approx({"x": 9 * e, "y": 6 * e + e})
        assert run.backward("f") == pytest.approx({"x": 3 * e + 1, "y": 2 * e})

    def test_an_output_that_feeds_another_output(self, xy):
        x, _ = xy
        g = np.sin(x)
        c = cg.circuit(g=g, f=g * g)
        run = c.run(x=0.5)
        assert run.backward("f")["x"] == pytest.approx(2 * np.sin(0.5) * np.cos(0.5))
        assert run.backward("g")["x"] == pytest.approx(np.cos(0.5))
        npt.assert_allclose(c.jacobian(["x"])(x=0.5), [[np.cos(0.5)], [np.sin(1.0)]], rtol=1e-15)

    def test_one_wire_as_two_outputs(self, xy):
        x, y = xy
        c = cg.circuit(f=x * y, g=x * y)
        assert c(2.0, 3.0) == {"f": 6.0, "g": 6.0}
        npt.assert_array_equal(c.jacobian(["x", "y"])(2.0, 3.0), [[3, 2], [3, 2]])
        assert c.vjp()(2.0, 3.0, 1.0, 10.0) == {"downstream_x": 33.0, "downstream_y": 22.0}
        assert c.grad("x", output="g")(2.0, 3.0) == 3.0

    def test_an_output_that_is_an_input(self, xy):
        x, y = xy
        c = cg.circuit(f=x, inputs=[x, y])
        assert c(2.0, 3.0) == 2.0
        assert c.run(2.0, 3.0).backward() == {"x": 1.0, "y": 0.0}
        assert c.grad()(2.0, 3.0) == {"∂f/∂x": 1.0, "∂f/∂y": 0.0}
        npt.assert_array_equal(c.jacobian()(2.0, 3.0), [[1, 0]])
        npt.assert_array_equal(c.hessian()(2.0, 3.0), [[0, 0], [0, 0]])
        assert c.jvp()(2.0, 3.0, 5.0, 7.0) == 5.0

    def test_a_vector_output_that_is_an_input(self):
        x = cg.input("x", 3)
        c = cg.circuit(f=x)
        npt.assert_array_equal(c.jacobian("x")(x=[1, 2, 3]), np.eye(3))
        npt.assert_array_equal(c.run(x=[1, 2, 3]).backward(seed=[1, 2, 3])["x"], [1, 2, 3])

    def test_an_output_that_is_a_constant(self, xy):
        x, _ = xy
        c = cg.circuit(f=cg.constant(4.0), inputs=[x])
        assert c(x=1.0) == 4.0
        assert c.grad("x")(x=1.0) == 0.0
        assert c.run(x=1.0).backward() == {"x": 0.0}

    def test_outputs_take_names_from_labels_then_from_letters(self, xy):
        x, y = xy
        assert cg.circuit(x * y, x + y).output_names == ("f", "g")
        assert cg.circuit((x * y).named("product"), x + y).output_names == ("product", "f")

    def test_only_keeps_one_output_and_all_inputs(self, xy):
        x, y = xy
        c = cg.circuit(f=x * 2, g=y * 3).only("g")
        assert (c.input_names, c.output_names) == (("x", "y"), ("g",))
        assert c(1.0, 2.0) == 6.0


class TestInputs:
    def test_order_of_appearance_is_left_to_right(self):
        a, b, c, d = cg.inputs("a b c d")
        assert cg.circuit(f=d * c + b / a).input_names == ("d", "c", "b", "a")
        assert cg.circuit(f=b, g=a).input_names == ("b", "a")

    def test_order_can_be_given(self, xy):
        x, y = xy
        assert cg.circuit(f=x * y, inputs=[y, x]).input_names == ("y", "x")

    def test_an_unused_input_has_gradient_exactly_zero_of_its_shape(self, xy):
        x, _ = xy
        unused = cg.input("A", "m 3")
        small = cg.input("s", 2, dtype="float32")
        c = cg.circuit(f=x**2, inputs=[x, unused, small])
        values = {"x": 3.0, "A": np.ones((5, 3)), "s": np.ones(2, np.float32)}
        gradient = c.grad()(**values)
        for found in (gradient["∂f/∂A"], c.run(**values).backward()["A"]):
            npt.assert_array_equal(found, np.zeros((5, 3)), strict=True)
        npt.assert_array_equal(gradient["∂f/∂s"], np.zeros(2, np.float32), strict=True)

    def test_an_input_behind_a_step_has_gradient_exactly_zero(self, xy):
        x, y = xy
        c = cg.circuit(f=np.sign(x) * y)
        assert c.grad("x")(2.0, 3.0) == 0.0
        assert c.run(2.0, 3.0).backward() == {"x": 0.0, "y": 1.0}

    def test_wires_serve_as_names(self, xy):
        x, y = xy
        assert cg.circuit(f=x * y).grad(y)(2.0, 3.0) == 2.0


class TestBackward:
    def test_repeated_backward_gives_the_same(self, xy):
        x, y = xy
        run = cg.circuit(f=np.exp(x) * y + x).run(0.5, 2.0)
        first = run.backward()
        assert run.backward() == first
        assert run.backward() == first
        assert run[x].upstream == first["x"]

    def test_a_seed_scales_the_gradient(self, xy):
        x, y = xy
        run = cg.circuit(f=x * y).run(2.0, 3.0)
        assert run.backward(seed=10.0) == {"x": 30.0, "y": 20.0}
        assert run.backward() == {"x": 3.0, "y": 2.0}

    def test_returned_arrays_belong_to_the_caller(self):
        x = cg.input("x", 3)
        run = cg.circuit(f=np.sum(x**2)).run(x=[1.0, 2.0, 3.0])
        run.backward()["x"][:] = 99
        run[x].value[:] = 99
        npt.assert_array_equal(run.backward()["x"], [2, 4, 6])
        npt.assert_array_equal(run[x].value, [1, 2, 3])

    def test_first_nonfinite_names_the_wire(self, xy):
        x, y = xy
        quotient = x / y
        run = cg.circuit(f=np.exp(x) + np.sin(quotient)).run(1.0, 2.0)
        assert run.first_nonfinite() is None
        with np.errstate(all="ignore"):
            run = cg.circuit(f=np.exp(x) + quotient).run(1.0, 0.0)
        assert run.first_nonfinite() is quotient

    def test_wires_without_gradient_say_none(self, xy):
        x, _ = xy
        run = cg.circuit(f=x * 2).run(x=1.0)
        assert run[x].upstream is None
        run.backward()
        assert run[x].upstream == 2.0


class TestScopes:
    def test_scopes_nest_and_end(self, xy):
        x, _ = xy
        with cg.scope("hidden"):
            outer = x + 1
            with cg.scope("first"):
                inner = x + 2
        assert (outer.scope, inner.scope, (x + 3).scope) == ("hidden", "hidden/first", "")

    def test_a_scope_ends_also_after_an_error(self, xy):
        x, _ = xy
        with pytest.raises(RuntimeError, match="stop"), cg.scope("hidden"):
            raise RuntimeError("stop")
        assert (x + 4).scope == ""

    def test_scopes_change_no_number(self, xy):
        x, y = xy
        with cg.scope("a"):
            first = x * y
        with cg.scope("b"):
            second = x * y
        c = cg.circuit(f=first + second)
        assert c.grad("x")(2.0, 3.0) == 6.0

    @pytest.mark.parametrize("name", ["", "  ", "a/b", 3])
    def test_scope_names(self, name):
        with pytest.raises(cg.SpecError, match="scope"), cg.scope(name):
            pass


class TestDtypes:
    def test_float32_is_preserved_everywhere(self):
        x = cg.input("x", "n", dtype="float32")
        f = np.sum(np.tanh(2 * x + 1) ** 2 / 3) + cg.logsumexp(x) + np.mean(x)
        c = cg.circuit(f=f)
        value = np.array([0.5, -0.25], np.float32)
        run = c.run(x=value)
        gradients = run.backward()
        assert all(wire.dtype == np.float32 for wire in c.wires)
        assert np.asarray(run["f"].value).dtype == np.float32
        assert np.asarray(c(x=value)).dtype == np.float32
        assert gradients["x"].dtype == np.float32
        for derived in (c.grad("x"), c.hessian("x"), c.jacobian("x", mode="forward")):
            assert derived(x=value).dtype == np.float32
            assert all(wire.dtype == np.float32 for wire in derived.wires)

    def test_float32_with_float64_is_float64(self):
        x = cg.input("x", 2, dtype="float32")
        y = cg.input("y", 2)
        c = cg.circuit(f=np.sum(x * y))
        found = c.run(x=[1, 2], y=[3, 4]).backward()
        assert c.outputs[0].dtype == np.float64
        npt.assert_array_equal(found["x"], [3, 4])
        npt.assert_array_equal(found["y"], [1, 2])

    @pytest.mark.parametrize("dtype", ["int64", "complex128", "float16", "object", "text"])
    def test_other_dtypes_are_refused(self, dtype):
        with pytest.raises(cg.SpecError, match="float64"):
            cg.input("x", dtype=dtype)


class TestConstants:
    def test_a_constant_is_a_copy(self):
        data = np.array([1.0, 2.0])
        wire = cg.constant(data)
        data[:] = 99
        npt.assert_array_equal(wire.known, [1.0, 2.0])

    def test_a_constant_cannot_be_written(self):
        with pytest.raises(ValueError, match="read-only"):
            cg.constant([1.0, 2.0]).known[0] = 5

    def test_arrays_beside_wires_are_constants_and_broadcast(self):
        x = cg.input("x", 3)
        table = np.arange(6.0).reshape(2, 3)
        for f in (table * x, x * table, table + x - table, table @ x):
            assert isinstance(f, cg.Wire)
        npt.assert_array_equal(cg.circuit(f=table * x)(x=[1, 2, 3]), table * [1, 2, 3])

    def test_gates_on_scalar_constants_fold(self):
        assert (cg.constant(2) * 3 + 1) is cg.constant(7.0)

    @pytest.mark.parametrize("value", [1 + 2j, "text", None, object(), [1, [2, 3]]])
    def test_other_values_are_refused(self, value):
        with pytest.raises(cg.SpecError, match="constant"):
            cg.constant(value)


class TestImmutability:
    @pytest.mark.parametrize("name", ["label", "gate", "inputs", "spec", "anything"])
    def test_a_wire_cannot_be_changed(self, xy, name):
        with pytest.raises(AttributeError, match="cannot be changed"):
            setattr(xy[0], name, 1)

    def test_augmented_assignment_builds_a_new_wire(self, xy):
        x, y = xy
        total = x
        total += y
        assert total is x + y
        assert x.label == "x"

    def test_a_wire_is_not_made_directly(self):
        with pytest.raises(cg.SpecError, match=r"cg\.input"):
            cg.Wire()

    def test_copies_are_the_wire_itself(self, xy):
        import copy

        x, y = xy
        assert copy.copy(x * y) is x * y
        assert copy.deepcopy(x * y) is x * y

    def test_wires_serve_as_keys(self, xy):
        x, y = xy
        assert {x: 1, y: 2}[x] == 1
        assert {x, y, x} == {y, x}


def test_repr_says_what_it_is(xy):
    x, y = xy
    assert repr(x) == "<Wire x: input ()>"
    assert repr(x * y) == "<Wire mul(x, y): mul ()>"
    assert repr(cg.circuit(f=x * y + x)) == "<Circuit (x, y) -> f: 2 gates>"
