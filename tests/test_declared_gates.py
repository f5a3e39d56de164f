"""Gates that a user declares: what their kernels may do, and what a proof says of mistakes."""

import numpy as np
import pytest

import circuitgrad as cg
from circuitgrad.proofs.elementwise_gates import prove_elementwise
from circuitgrad.proofs.verdicts import Status


def identity(**options):
    return cg.elementwise("identity", "x", **options)


class TestKernels:
    @pytest.mark.parametrize(
        "gate", [identity(), identity(kernel=np.asarray, derivative=lambda x: 1.0)]
    )
    def test_a_kernel_that_returns_its_operand_leaves_the_caller_alone(self, gate):
        x = cg.input("x", 3)
        circuit = cg.circuit(f=np.sqrt(gate(x) + 1))
        values = np.array([0.0, 3.0, 8.0])
        for _ in range(2):
            np.testing.assert_array_equal(circuit(values), [1, 2, 3])
        np.testing.assert_array_equal(values, [0, 3, 8])

    def test_a_kernel_that_ignores_an_operand_keeps_its_shape(self):
        x, y = cg.input("x", 4), cg.input("y", (3, 4))
        gate = cg.elementwise(
            "first", "2*x + 0*y", kernel=lambda x, y: 2 * x, derivative=lambda x, y: (2.0, 0.0)
        )
        circuit = cg.circuit(f=np.sum(gate(x, y), 0))
        np.testing.assert_array_equal(circuit(np.ones(4), np.ones((3, 4))), [6, 6, 6, 6])

    def test_a_constant_formula_fills_the_shape(self):
        two = cg.elementwise("two", "2", variables=("x",))
        assert cg.circuit(f=np.sum(two(cg.input("x", 3))))([1, 2, 3]) == 6

    def test_a_kernel_that_reduces_is_refused_by_name(self):
        gate = cg.elementwise("total", "x", kernel=lambda x: np.ones(7))
        with pytest.raises(cg.ShapeError, match=r"gate 'total': its kernel returned shape \(7,\)"):
            cg.circuit(f=gate(cg.input("x", 3)))([1, 2, 3])

    def test_a_ufunc_serves_as_scalar_kernel(self):
        tangent = cg.elementwise("tangent", "tan(x)", scalar=np.tan)
        x, y = cg.inputs("x y")
        slope = cg.circuit(f=np.maximum(tangent(x), y)).grad("x")(x=1.0, y=0.0)
        assert slope == pytest.approx(1 + np.tan(1.0) ** 2, rel=1e-14)

    def test_comparisons_of_mixed_dtypes_compute_in_double(self):
        x, y = cg.input("x", 3, "float32"), cg.input("y", 3)
        values = (np.float32([1, 2, 3]), np.array([0.0, 5.0, 1.0]))
        found = cg.circuit(f=(x > y) + np.exp(y))(*values)
        assert found.dtype == np.float64
        np.testing.assert_allclose(found, np.exp(values[1]) + np.array([1, 0, 1]), rtol=1e-15)

    @pytest.mark.parametrize("bad", [1j, np.array([1j]), "a", None])
    def test_gates_on_plain_values_take_real_numbers(self, bad):
        with pytest.raises(cg.SpecError, match="needed real numbers"):
            cg.sin(bad)

    @pytest.mark.parametrize(
        ("options", "told"),
        [
            ({"formula": "bar(x)"}, "calls 'bar'"),
            ({"formula": "x > 0"}, "is no number"),
            ({"formula": "[x, x]"}, "is no number"),
            ({"formula": "x", "domain": "t > 1"}, "its domain names 't'"),
            ({"formula": ""}, "give a formula"),
            ({"formula": "x*y", "variables": ("x",)}, "the formula uses"),
        ],
    )
    def test_a_declaration_that_cannot_be_meant_is_refused(self, options, told):
        with pytest.raises(cg.SpecError, match=told):
            cg.elementwise("planted", **options)


def where(*arguments):
    return np.where(*arguments)


class TestKinks:
    """At a single point a derivative can be wrong although it is right on every open cell."""

    @pytest.mark.parametrize(
        "gate",
        [
            cg.elementwise("point", "x**2", derivative=lambda x: where(x == 3.0, 100.0, 2 * x)),
            cg.elementwise(
                "jump_elsewhere",
                pieces=(("x < 0", "-x"), ("x*(5 - x) > 0", "x"), ("x > 5", "x + 1")),
                at_kink="x",
                derivative=lambda x: where(x > 0, 1.0, where(x < 0, -1.0, 17.0)),
            ),
            cg.elementwise(
                "product",
                pieces=(("x*y > 0", "x*y"), ("x*y < 0", "-x*y")),
                at_kink="0",
                derivative=lambda x, y: (
                    where(x * y > 0, y, where(x * y < 0, -y, 17.0)),
                    where(x * y > 0, x, where(x * y < 0, -x, 17.0)),
                ),
            ),
            cg.elementwise(
                "nan_at_zero",
                pieces=(("x > 0", "x"), ("x < 0", "0")),
                at_kink="0",
                derivative=lambda x: cg.relu(x) / x,
            ),
            cg.elementwise(
                "lifted",
                pieces=(("x > 0", "x"), ("x < 0", "0")),
                at_kink="5",
                derivative=lambda x: where(x > 0, 1.0, 0.0),
            ),
        ],
        ids=lambda gate: gate.name,
    )
    def test_a_wrong_value_at_one_point_is_refuted(self, gate):
        assert prove_elementwise(gate, 1).status is Status.REFUTED

    @pytest.mark.parametrize(
        ("condition", "switch"), [("sin(x)", np.sin), ("x**2 - 2", lambda x: x**2 - 2)]
    )
    def test_a_kink_that_cannot_be_solved_for_leaves_the_gate_undecided(self, condition, switch):
        gate = cg.elementwise(
            "unsolved",
            pieces=((f"{condition} > 0", "x"), (f"{condition} < 0", "-x")),
            at_kink="0",
            derivative=lambda x: where(switch(x) > 0, 1.0, where(switch(x) < 0, -1.0, 17.0)),
        )
        record = prove_elementwise(gate, 1)
        assert record.status is Status.UNDECIDED
        assert "not examined" in record.detail


class TestWhatPeopleRead:
    def test_a_derivative_that_is_not_real_on_part_of_the_domain_is_not_proved(self):
        gate = cg.elementwise("squared", "x**2", derivative=lambda x: 2 * np.exp(np.log(x)))
        assert not prove_elementwise(gate, 1).proved

    def test_the_formula_shown_must_mean_the_pieces(self):
        gate = cg.elementwise(
            "magnitude", "Abs(x)", pieces=(("x > 0", "x"), ("x < 0", "x")), at_kink="0",
            derivative=lambda x: 1.0,
        )  # fmt: skip
        assert prove_elementwise(gate, 1).status is Status.REFUTED

    def test_a_kernel_that_computes_something_else_is_refuted(self):
        gate = cg.elementwise("sine", "sin(x)", kernel=np.cos, derivative=lambda x: cg.cos(x))
        record = prove_elementwise(gate, 1)
        assert record.status is Status.REFUTED
        assert "the kernel computes" in record.detail

    @pytest.mark.parametrize(
        "formula",
        [
            "pi*x", "x/3", "sqrt(2)*x", "exp(x/3)", "erf(x/sqrt(2))/2", "x/7.3e-5",
            "exp(-x**2/2)/sqrt(2*pi)", "exp(-x/8.617e-5)",
        ],
    )  # fmt: skip
    def test_rounded_constants_refute_nothing(self, formula):
        gate = cg.elementwise("rounded", formula)
        assert prove_elementwise(gate, 1).proved
        assert cg.verify(cg.circuit(f=gate(cg.input("x")))).proved


RECOVERING = [gate for gate in cg.catalogue().values() if getattr(gate, "recovery", None)]


@pytest.mark.parametrize("gate", RECOVERING, ids=lambda gate: gate.name)
def test_a_gate_that_undoes_a_product_names_the_product(gate):
    out = gate.sample()
    place, product = gate.recovery
    again = cg.circuit(f=product(*out.inputs, out=out), inputs=out.inputs)
    values = [np.random.default_rng(k).normal(size=wire.shape) for k, wire in enumerate(out.inputs)]
    np.testing.assert_allclose(again(*values), values[place], rtol=1e-13)
