"""Mistakes and what the library says to them: each message is matched by its text."""

import math
import re

import numpy as np
import numpy.testing as npt
import pytest
import scipy.special

import circuitgrad as cg


@pytest.fixture
def c():
    weight, bias = cg.inputs("weight bias")
    return cg.circuit(loss=weight * 2 + bias)


X, Y, V = cg.input("x"), cg.input("y"), cg.input("v", 3)


class TestInputs:
    @pytest.mark.parametrize(
        ("values", "named", "told"),
        [
            ((), {"weight": 1}, "input 'bias' is missing. Needed: weight, bias; got weight"),
            ((), {}, "input 'weight' is missing. Needed: weight, bias; got nothing"),
            ((1, 2), {"bias": 1}, "input 'bias' is given twice, by position and by name"),
            ((1, 2, 3), {}, "3 values for 2 inputs (weight, bias)"),
            ((1,), {"bais": 1}, "no input is named 'bais'. Did you mean bias?"),
            ((1, 2j), {}, "input 'bias': got complex of dtype complex128; needed real numbers"),
            ((1, "2"), {}, "input 'bias': got str of dtype <U1; needed real numbers"),
            ((1, None), {}, "input 'bias': got NoneType of dtype object"),
            ((1, object()), {}, "input 'bias': got object of dtype object"),
            ((1, {"a": 1}), {}, "input 'bias': got dict of dtype object"),
            ((1, [[1], [1, 2]]), {}, "input 'bias': got [[1], [1, 2]]; needed numbers"),
            ((1, X), {}, "input 'bias'"),
            ((1, np.datetime64("2020-01-01")), {}, "input 'bias': got datetime64"),
            ((1, [1.0, 2.0]), {}, "input 'bias': got an array of shape (2,); needed ()"),
        ],
    )
    @pytest.mark.parametrize("method", ["__call__", "run"])
    def test_wrong_inputs(self, c, method, values, named, told):
        with pytest.raises(cg.CircuitError, match=re.escape(told)):
            getattr(c, method)(*values, **named)

    @pytest.mark.parametrize(
        "value",
        [3, 3.0, True, np.int8(3), np.uint64(3), np.float32(3), np.array(3), np.bool_(True)],
    )
    def test_every_kind_of_real_number_is_accepted(self, c, value):
        found = c(weight=value, bias=0)
        assert found == 2 * float(value)
        assert type(found) is float

    @pytest.mark.parametrize(
        "value", [[1, 2, 3], (1, 2, 3), range(1, 4), np.array([1, 2, 3], np.int16)]
    )
    def test_sequences_are_arrays(self, value):
        npt.assert_array_equal(cg.circuit(f=V * 2)(v=value), [2.0, 4.0, 6.0])

    def test_nan_and_infinity_are_numbers(self, c):
        assert math.isnan(c(weight=math.nan, bias=0))
        assert c(weight=math.inf, bias=0) == math.inf
        run = cg.circuit(f=np.sum(V**2)).run(v=[math.nan, 1.0, math.inf])
        npt.assert_array_equal(run.backward()["v"], [math.nan, 2.0, math.inf])

    def test_a_python_integer_beyond_doubles(self, c):
        with pytest.raises((cg.SpecError, OverflowError), match=r"weight|too large"):
            c(weight=10**400, bias=0)


class TestNames:
    @pytest.mark.parametrize("name", ["", "1x", "a b", "a-b", "x;", None, 3, "a.b", "∂f"])
    def test_names_of_inputs(self, name):
        with pytest.raises((cg.SpecError, AttributeError), match="is not a name"):
            cg.input(name)

    @pytest.mark.parametrize("name", ["x", "w0", "_x", "σ", "größe", "lambda", "x_1", "名"])
    def test_names_may_be_any_python_name(self, name):
        assert cg.circuit(f=cg.input(name) * 2)(**{name: 3.0}) == 6.0

    def test_two_inputs_of_one_name(self):
        with pytest.raises(cg.SpecError, match=re.escape("two inputs are named 'x', () and (3,)")):
            cg.circuit(f=X * cg.input("x", 3))

    def test_an_input_that_is_left_out(self):
        with pytest.raises(cg.SpecError, match=r"need y, which is not among the inputs \(x\)"):
            cg.circuit(f=X * Y, inputs=[X])

    def test_a_gate_among_the_inputs(self):
        with pytest.raises(cg.SpecError, match="is not an input wire"):
            cg.circuit(f=X * Y, inputs=[X * Y])

    @pytest.mark.parametrize(
        ("action", "told"),
        [
            (lambda c: c.grad("wait"), "no input is named 'wait'. Did you mean weight?"),
            (
                lambda c: c.grad("weight", output="los"),
                "no output is named 'los'. Did you mean loss?",
            ),
            (lambda c: c.run(1, 2)["wight"], "no wire is named 'wight'. Did you mean weight?"),
            (lambda c: c.run(1, 2)[X], "x is not a wire of this circuit"),
            (lambda c: c.run(1, 2).edges(), "the backward pass of 'loss' has not run"),
            (lambda c: c.run(1, 2).backward("f"), "no output is named 'f'"),
            (lambda c: cg.circuit(), "got no output; needed at least one"),
            (lambda c: cg.circuit(f=[X, Y]), "an output is a list; needed a wire. Use cg.stack"),
            (lambda c: cg.circuit(f={"a": X}), "an output is a dict"),
            (lambda c: cg.circuit(f="x*y"), "constant: got str"),
            (lambda c: cg.circuit((X * 2).named("f"), f=Y), "two outputs share a name"),
            (lambda c: X.named("a b"), "label: 'a b' is not a name"),
        ],
    )
    def test_wrong_names(self, c, action, told):
        with pytest.raises(cg.SpecError, match=re.escape(told)):
            action(c)


class TestWiresAreNotNumbers:
    """What plain Python and NumPy would do silently, refused with the way out."""

    @pytest.mark.parametrize(
        ("action", "told"),
        [
            (lambda: math.sin(X), "float(x): a wire cannot become a plain number"),
            (lambda: float(X), "Use NumPy's functions (np.sin, not math.sin)"),
            (lambda: int(X), "cannot become a plain number"),
            (lambda: complex(X), "cannot become a plain number"),
            (lambda: range(X), "cannot become a plain number"),
            (lambda: [1, 2][X], "cannot become a plain number"),
            (lambda: bool(X), "truth of x: a wire has no value while a circuit is built"),
            (lambda: 1 if X > 0 else 2, "truth of greater(x, …): a wire has no value"),
            (lambda: X > 0 and Y > 0, "Use np.where(condition, a, b)"),
            (lambda: max(X, Y), "a wire has no value"),
            (lambda: X in [Y], "a wire has no value"),
            (lambda: np.array([X, Y]), "a wire cannot be put into a NumPy array"),
            (lambda: np.asarray(X), "Use cg.stack([x, y]) or np.stack"),
            (lambda: np.zeros(2) + np.array(X), "a wire cannot be put into a NumPy array"),
            (lambda: np.argmax(V), "np.argmax: a wire has no value while a circuit is built"),
            (lambda: np.isnan(X), "np.isnan: a wire has no value"),
            (lambda: V[X], "x is a wire. Index by numbers or arrays"),
            (lambda: V[1.5], "needed integers, slices, None or masks"),
            (lambda: V["a"], "needed integers"),
            (lambda: V[True], "a single truth value is not an index"),
            (lambda: V[..., ...], "'...' may stand once"),
            (lambda: X.size and cg.input("m", "n").size, "axis 'n' has no number yet"),
        ],
    )
    def test_refused(self, action, told):
        with pytest.raises(cg.SpecError, match=re.escape(told)):
            action()

    def test_assignment_into_a_wire(self):
        with pytest.raises(TypeError, match="does not support item assignment"):
            V[0] = 1

    def test_assignment_into_an_array(self):
        with pytest.raises((cg.SpecError, ValueError, TypeError), match=r"wire|sequence"):
            np.zeros(3)[0] = X

    @pytest.mark.parametrize("other", ["text", None, {}, 1j, object()])
    def test_operators_with_other_things(self, other):
        for action in (
            lambda: X + other,
            lambda: other * X,
            lambda: X**other,
            lambda: other / X,
            lambda: other > X,
        ):
            with pytest.raises(
                (TypeError, cg.SpecError), match=r"unsupported operand|not supported|cannot become"
            ):
                action()

    def test_in_place_numpy(self):
        with pytest.raises(
            cg.SpecError, match=r"option out= is not available.*cannot be written into"
        ):
            np.add(V, 1, out=np.zeros(3))


class TestUnsupportedNumPy:
    @pytest.mark.parametrize(
        ("action", "told"),
        [
            (
                lambda: scipy.special.log_expit(X) + scipy.special.log_wright_bessel(X, X, X),
                r"special\.log_wright_bessel: there is no gate for it yet\.",
            ),
            (lambda: np.spacing(X), r"np\.spacing: it is piecewise constant\. Use np\.finfo"),
            (lambda: scipy.special.expi(X), r"expi: .*Declare one with cg\.elementwise"),
            (lambda: np.histogramdd(V), r"np\.histogramdd: not available on wires yet"),
            (lambda: np.linalg.eigvals(cg.input("A", (2, 2))), r"np\.linalg\.eigvals.*eigvalsh"),
            (lambda: np.linalg.norm(cg.input("A", (2, 2)), 0), "order 0 has no gate"),
            (
                lambda: np.sum(V, dtype=np.float32),
                r"np\.sum: these options are not available.*dtype",
            ),
            (lambda: np.exp(V, where=[True, False, True]), r"option where="),
            (lambda: np.multiply.outer(V, V), r"np\.multiply\.outer: not available"),
            (lambda: np.multiply.accumulate(V), r"np\.multiply\.accumulate"),
            (lambda: np.where(V), "got one argument; needed"),
            (lambda: np.einsum(V, [0]), "give the subscripts first"),
        ],
    )
    def test_the_message_names_the_function_and_the_nearest(self, action, told):
        with pytest.raises(cg.SpecError, match=told):
            action()


class TestGates:
    def test_number_of_operands(self):
        with pytest.raises(
            cg.SpecError, match=re.escape("logaddexp: got 1 operands; needed 2 (x, y)")
        ):
            cg.logaddexp(X)

    def test_a_singular_matrix_names_its_rank(self):
        A = cg.input("A", (2, 2))
        for f in (cg.inverse(A), cg.solve(A, [1.0, 2.0])):
            with pytest.raises(cg.DomainError, match=r"singular .rank 1, size 2"):
                cg.circuit(f=f)(A=[[1.0, 2.0], [2.0, 4.0]])

    @pytest.mark.parametrize(
        ("declare", "told"),
        [
            (lambda: cg.elementwise("g"), "give a formula"),
            (lambda: cg.elementwise("g h", "x"), "'g h' is not a name"),
            (lambda: cg.elementwise("g", "x + y", variables=("x",)), "variables are ('x',)"),
            (lambda: cg.elementwise("g", pieces=(("x > 0", "x"),)), "pieces need at_kink"),
            (lambda: cg.elementwise("g", "__import__('os')"), "not part of the grammar"),
            (lambda: cg.elementwise("g", "3"), "variables"),
        ],
    )
    def test_bad_declarations(self, declare, told):
        with pytest.raises(cg.SpecError, match=re.escape(told)):
            declare()

    def test_a_derivative_with_too_few_parts(self):
        gate = cg.elementwise("short", "x*y", derivative=lambda x, y: (y,))
        with pytest.raises(
            cg.DerivativeError, match="short: its derivative gives 1 parts for 2 variables"
        ):
            cg.circuit(f=gate(X, Y)).grad("x")


def test_every_error_is_a_circuit_error_and_a_builtin_one():
    pairs = {
        cg.ShapeError: ValueError, cg.SpecError: ValueError, cg.DomainError: ValueError,
        cg.BackendError: ImportError, cg.RenderError: RuntimeError,
    }  # fmt: skip
    for error, builtin in pairs.items():
        assert issubclass(error, cg.CircuitError)
        assert issubclass(error, builtin)
    assert issubclass(cg.DerivativeError, cg.CircuitError)
    assert issubclass(cg.ProofError, cg.CircuitError)


def test_kronecker_products_of_named_sizes_are_refused():
    with pytest.raises(cg.ShapeError, match=r"kron: a is \(n,\); needed integer sizes"):
        np.kron(cg.input("a", "n"), [1.0, 2.0])


def test_the_cheapest_mode_says_how_sizes_are_given():
    a = cg.input("a", "n")
    with pytest.raises(cg.SpecError, match=r"jacobian: no size .* as sizes=dict\(n=100\)"):
        cg.circuit(f=a * a).jacobian("a", mode="auto")


def test_an_unknown_order_of_entries_is_refused():
    with pytest.raises(cg.SpecError, match="order='K'; needed 'C' or 'F'"):
        V.reshape(3, 1, order="K")


def test_masks_are_refused_and_not_dropped():
    masked = np.ma.masked_array([1.0, 2.0], mask=[False, True])
    told = "A mask would be lost"
    a = cg.input("a", 2)
    with pytest.raises(cg.SpecError, match=told):
        cg.grad(lambda v: np.sum(v * v))(masked)
    with pytest.raises(cg.SpecError, match=told):
        cg.circuit(f=a * a)(a=masked)
    with pytest.raises(cg.SpecError, match=told):
        cg.constant(masked)
    npt.assert_array_equal(cg.circuit(f=a * a)(a=np.ma.masked_array([1.0, 2.0])), [1.0, 4.0])


@pytest.mark.parametrize("axis", [None, 0, (0,)])
def test_medians_of_named_axes_are_refused(axis):
    with pytest.raises(cg.ShapeError, match=r"axis 'n'"):
        np.median(cg.input("a", "n"), axis=axis)
