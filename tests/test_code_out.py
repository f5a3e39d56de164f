"""Circuits as NumPy modules: the text is what a person would write, and computes the same."""

import ast
import math
import runpy
import sys

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

import circuitgrad as cg
from circuitgrad.circuits import Circuit
from circuitgrad.gates import catalogue
from circuitgrad.gates.from_einsum import einsum
from circuitgrad.plans import frameworks
from tests.strategies import numbers, programs

# Their kernels, or those of their derivatives, are SciPy's.
NEED_SCIPY = {
    "beta", "betaln", "digamma", "entr", "erfcinv", "erfcinv_slope", "erfcx", "erfinv",
    "erfinv_slope", "gamma", "gammaln", "log_ndtr", "normal_hazard", "rgamma", "trigamma",
}  # fmt: skip
CATALOGUE = [  # the size of a broadcast follows from no input
    name for name in catalogue() if name != "broadcast" and name not in NEED_SCIPY
]


@pytest.fixture
def load(tmp_path):
    """The function in the module of a circuit, which imports NumPy and no circuitgrad."""

    def loaded(text):
        tree = ast.parse(text)
        imported = [a.name for n in ast.walk(tree) if isinstance(n, ast.Import) for a in n.names]
        assert set(imported) - set(sys.stdlib_module_names) == {"numpy"}
        assert not any(isinstance(node, ast.ImportFrom) for node in ast.walk(tree))
        assert ast.get_docstring(tree)
        assert max(map(len, text.splitlines())) <= 100
        assert not any(line != line.rstrip() for line in text.splitlines())
        path = tmp_path / "module.py"
        path.write_text(text, encoding="utf-8")
        *_, last = [n.name for n in tree.body if isinstance(n, ast.FunctionDef)]
        return runpy.run_path(str(path))[last]

    return loaded


def body_of(text):
    """The lines of the last function behind its docstring and the checks of its arguments."""
    lines = text.rstrip().rsplit('"""\n', 1)[1].splitlines()
    kept = [line.strip() for line in lines if "_input(" not in line]
    return [line for line in kept if not line.startswith("sizes") and "sizes[" not in line]


def arrays_for(circuit, name):
    """Values inside every gate's domain: between 0 and 1, above for acosh, matrices regular."""
    generator = np.random.default_rng(5)
    sizes, values = {}, []
    for wire in circuit.inputs:
        shape = [a if isinstance(a, int) else sizes.setdefault(a, 2 + len(sizes))
                 for a in wire.shape]  # fmt: skip
        value = generator.uniform(0.2, 0.8, shape) + 1.5 * (name == "acosh")
        if len(shape) == 2 and shape[0] == shape[1]:
            value = value + value.T + 2 * np.eye(shape[0])
        values.append(value.astype(wire.dtype))
    return values


def assert_same(found, wanted, tolerance=1e-13):
    if not isinstance(wanted, dict):
        found, wanted = {"f": found}, {"f": wanted}
    assert list(found) == list(wanted)
    for key, value in wanted.items():
        assert np.shape(found[key]) == np.shape(value)
        assert np.asarray(found[key]).dtype == np.asarray(value).dtype
        np.testing.assert_allclose(found[key], value, rtol=tolerance, atol=tolerance)


def derivatives_of(wire):
    """The circuits of a wire, its gradients, and the gradients of their sum."""
    value = cg.circuit(f=wire)
    first = cg.circuit(f=np.sum(1.5 * wire), inputs=value.inputs).grad()
    total = sum(np.sum(out) for out in first.outputs)
    return [value, first, cg.circuit(f=total, inputs=value.inputs).grad()]


@pytest.mark.parametrize("name", CATALOGUE)
def test_every_gate_and_its_derivatives_are_written_with_numpy_alone(load, name):
    for circuit in derivatives_of(catalogue()[name].sample()):
        values = arrays_for(circuit, name)
        assert_same(load(circuit.numpy_source())(*values), circuit(*values))


@pytest.mark.parametrize("name", sorted(NEED_SCIPY))
def test_what_needs_scipy_is_refused_by_name(name):
    circuits = derivatives_of(catalogue()[name].sample())
    with pytest.raises(cg.SpecError, match="is computed by SciPy"):
        [circuit.numpy_source() for circuit in circuits]


@pytest.mark.parametrize("name", ["sigmoid", "where", "exceeds", "xlogy", "erf", "clip", "pow"])
def test_single_precision_is_kept(load, name):
    gate = catalogue()[name]
    inputs = [cg.input(v, 3, "float32") for v in gate.variables]
    for circuit in derivatives_of(gate(*inputs)):
        values = arrays_for(circuit, name)
        assert_same(load(circuit.numpy_source())(*values), circuit(*values), 1e-6)


@settings(max_examples=60, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(programs(max_steps=8), st.data())
def test_random_circuits_and_their_gradients(load, program, data):
    circuit = program.circuit()
    values = [data.draw(numbers(1.0)) for _ in circuit.inputs]
    gradients = circuit.grad()
    both = Circuit(
        circuit.inputs,
        (*circuit.outputs, *gradients.outputs),
        (*circuit.output_names, *gradients.output_names),
    )
    with np.errstate(all="ignore"):
        found = load(circuit.numpy_source(derivatives=list(circuit.input_names)))(*values)
        wanted = both(*values)
    for key, value in wanted.items():
        if math.isfinite(value):
            np.testing.assert_allclose(found[key], value, rtol=1e-9, atol=1e-9)


CONTRACTIONS = [
    "ij,jk->ik", "ij,jk->ki", "ij,kj->ik", "ij,ik->jk", "ij,ik->kj", "ij,j->i", "ij,i->j",
    "i,ij->j",
    "i,i->", "ij,ij->", "ij,ji->", "ij,ij->i", "ij,ij->j", "i,j->ij", "i,j->ji", "ij,i->ij",
    "ij,j->ji", "ij->", "ij->i", "ij->j", "ij->ji", "ijk->kij", "ijk->ik", "ii->", "ii->i",
    "ii,i->",
    "ij,j,kj->ik", "ij,j,j->i", "i,ij,j->", "ij,jk,kl->il", "ijk,kl->ijl", "ijk,ikl->ijl",
    "ijk,ijk->i", "i,,j->ji", ",i->i", ",->", "iij,j->i", "i,i,i->", "i,j,k->kji",
]  # fmt: skip


@pytest.mark.parametrize("subscripts", CONTRACTIONS)
def test_a_contraction_is_numpys_einsum(load, subscripts):
    terms, _ = subscripts.split("->")
    inputs = [cg.input(f"x{k}", tuple(term)) for k, term in enumerate(terms.split(","))]
    circuit = cg.circuit(f=einsum(subscripts, *inputs), inputs=inputs)
    size = dict(zip("ijkl", (2, 3, 4, 5), strict=True))
    generator = np.random.default_rng(6)
    values = [generator.normal(size=[size[x] for x in term]) for term in terms.split(",")]
    found = load(circuit.numpy_source())(*values)
    np.testing.assert_allclose(found, np.einsum(subscripts, *values), rtol=1e-12, atol=1e-13)


@pytest.mark.parametrize(
    ("subscripts", "sizes", "wanted"),
    [
        ("i->ii", {}, lambda x: np.diag(x)),
        ("i->iii", {}, lambda x: np.einsum("i,ij,ik->ijk", x, np.eye(3), np.eye(3))),
        ("i->ij", {"j": 2}, lambda x: np.stack([x, x], 1)),
        ("i->ji", {"j": 1}, lambda x: x[None, :]),
        ("i->ij", {"j": 1}, lambda x: x[:, None]),
        ("i->jij", {"j": 2}, lambda x: np.einsum("i,jk->jik", x, np.eye(2))),
        ("i->jj", {"j": 2}, lambda x: x.sum() * np.eye(2)),
    ],
)
def test_new_axes_and_deltas(load, subscripts, sizes, wanted):
    x = cg.input("x", "n")
    text = cg.circuit(f=einsum(subscripts, x, sizes=sizes)).numpy_source()
    value = np.array([1.5, np.inf, -2.0]) if "jj" not in subscripts else np.array([1.5, 2, 4])
    with np.errstate(invalid="ignore"):
        expected = np.nan_to_num(wanted(value), nan=0.0, posinf=np.inf)
    np.testing.assert_array_equal(load(text)(value), expected)


class TestText:
    """What stands in the module, as a person would have written it."""

    def setup_method(self):
        X, w, y = cg.input("X", "m n"), cg.input("w", "n"), cg.input("y", "m")
        z = X @ w
        self.loss = cg.circuit(loss=np.sum(cg.softplus(z) - y * z))

    def test_the_gradient_of_the_logistic_loss(self):
        assert body_of(self.loss.grad("w").numpy_source()) == [
            "return X.T @ (sigmoid(X @ w) - y)",
        ]

    def test_its_hessian(self):
        assert body_of(self.loss.hessian("w").numpy_source()) == [
            "z = X @ w",
            "return (X.T * (sigmoid(z) * sigmoid(-z))) @ X",
        ]

    def test_least_squares(self):
        A, x, b = cg.input("A", "m n"), cg.input("x", "n"), cg.input("b", "m")
        r = (A @ x - b).named("r")
        gradient = cg.circuit(f=0.5 * (r @ r)).grad("x")
        assert body_of(gradient.numpy_source())[-1].startswith("return A.T @")

    def test_labels_name_the_lines(self):
        x = cg.input("x")
        hidden = np.tanh(x).named("hidden")
        assert body_of(cg.circuit(f=hidden * hidden + hidden).numpy_source()) == [
            "hidden = np.tanh(x)",
            "return hidden * hidden + hidden",
        ]

    def test_value_and_gradient_share_what_they_have_in_common(self, load):
        text = self.loss.numpy_source(name="logistic", derivatives="w")
        assert text.count("X @ w") == 1
        generator = np.random.default_rng(7)
        X, w, y = generator.normal(size=(4, 2)), generator.normal(size=2), np.array([0, 1, 1, 0.0])
        found = load(text)(X, w, y)
        assert list(found) == ["loss", "∂loss/∂w"]
        assert found["loss"] == pytest.approx(self.loss(X, w, y), rel=1e-14)
        sigmoid = 1 / (1 + np.exp(-X @ w))
        np.testing.assert_allclose(found["∂loss/∂w"], X.T @ (sigmoid - y), rtol=1e-12)

    def test_only_the_functions_that_are_used_are_there(self):
        text = self.loss.grad("w").numpy_source()
        assert "def sigmoid(x):" in text
        assert "softplus(" not in text.split('"""', 2)[2]

    def test_the_docstring_states_shapes_and_the_closed_form(self):
        text = self.loss.grad("w").numpy_source()
        assert "∂loss/∂w = Xᵀ(σ(Xw) − y)" in text
        assert "X: An array of shape (m, n)." in text

    def test_a_long_chain_is_written_in_lines(self, load):
        wire = x = cg.input("x")
        for _ in range(3000):
            wire = np.sin(wire)
        circuit = cg.circuit(f=wire)
        assert load(circuit.numpy_source())(0.5) == pytest.approx(circuit(0.5), rel=1e-15)
        assert x is circuit.inputs[0]


class TestArguments:
    def test_shapes_are_checked(self, load):
        A, x = cg.input("A", "m n"), cg.input("x", "n")
        function = load(cg.circuit(f=A @ x).numpy_source())
        with pytest.raises(ValueError, match=r"x: got shape \(3,\); needed \(n\). n = 2"):
            function(np.ones((4, 2)), np.ones(3))
        with pytest.raises(ValueError, match=r"A: got shape \(2,\); needed \(m, n\)"):
            function(np.ones(2), np.ones(2))
        with pytest.raises(ValueError, match="x: got dtype complex128; needed real numbers"):
            function(np.ones((4, 2)), np.ones(2) * 1j)

    def test_whole_numbers_and_lists_become_arrays(self, load):
        x = cg.input("x", 3)
        function = load(cg.circuit(f=1 / x).numpy_source())
        np.testing.assert_array_equal(function([1, 2, 4]), [1, 0.5, 0.25])

    def test_empty_arrays_and_single_entries(self, load):
        A, x = cg.input("A", "m n"), cg.input("x", "n")
        function = load(cg.circuit(f=np.exp(A @ x)).numpy_source())
        assert function(np.ones((0, 2)), np.ones(2)).shape == (0,)
        np.testing.assert_array_equal(function([[0.0]], [5.0]), [1.0])

    @pytest.mark.parametrize("make", [lambda x: x, lambda x: x.T, lambda x: x[::2],
                                      lambda x: x.reshape(-1)])  # fmt: skip
    def test_results_share_no_memory_with_arguments(self, load, make):
        value = np.ones((4, 3))
        found = load(cg.circuit(f=make(cg.input("x", (4, 3)))).numpy_source())(value)
        assert not np.shares_memory(found, value)
        found[...] = 2.0
        assert value.max() == 1.0


class TestConstants:
    @pytest.mark.parametrize(
        "value",
        [
            np.array([0.1, 1 / 3, 1e-300, -0.0, 5e-324, 1.7976931348623157e308]),
            np.array([np.inf, -np.inf, np.nan, 2.0]),
            np.array([[0.1, 0.2], [1 / 3, 7]], dtype=np.float32),
            np.full((2, 3), -0.1), np.eye(3), np.zeros((0, 2)), np.ones((2, 2)),
            np.random.default_rng(8).normal(size=(30, 30)),
        ],
    )  # fmt: skip
    def test_arrays_are_written_exactly(self, load, value):
        x = cg.input("x", value.shape, value.dtype)
        text = cg.circuit(f=np.minimum(x, value)).numpy_source()
        found = load(text)(np.full(value.shape, np.inf, value.dtype))
        assert found.dtype == value.dtype
        assert found.tobytes() == value.tobytes()

    def test_a_large_array_is_refused(self):
        x = cg.input("x", 2000)
        with pytest.raises(cg.SpecError, match=r"\(2000,\) has 2000 entries.*Make it an input"):
            cg.circuit(f=x * np.arange(2000.0)).numpy_source()

    def test_numbers_alone(self, load):
        circuit = cg.circuit(f=np.log(cg.constant(2.0)) / 3 + cg.input("x"))
        assert load(circuit.numpy_source())(0.0) == np.log(2.0) / 3


class TestNames:
    @pytest.mark.parametrize("label", ["lambda", "np", "sizes", "sum", "math", "f", "_input", "µ"])
    def test_no_name_is_in_the_way_of_another(self, load, label):
        x = cg.input(label, "n")
        circuit = cg.circuit(f=np.sum(cg.softplus(x) * x))
        value = np.array([0.5, -2.0])
        assert load(circuit.numpy_source())(value) == pytest.approx(circuit(value), rel=1e-15)

    def test_an_input_named_like_a_gate(self, load):
        softplus = cg.input("softplus", "n")
        circuit = cg.circuit(f=np.sum(cg.softplus(softplus)))
        assert load(circuit.numpy_source())([0.5]) == pytest.approx(np.log1p(np.exp(0.5)))

    def test_axes_and_labels_named_alike(self, load):
        x = cg.input("x", "x")
        circuit = cg.circuit(f=np.ones(3) * np.sum(np.exp(x).named("t").named("x_1")))
        np.testing.assert_allclose(load(circuit.numpy_source())([0.0, 0.0]), [2, 2, 2])

    def test_text_in_names_does_not_become_code(self, load):
        x = cg.input("x")
        hostile = 'f"""\nimport os\nraise SystemExit("no")\n"""\\'
        circuit = Circuit((x,), (x * 2, x + 1), (hostile, "g"))
        found = load(circuit.numpy_source())(3.0)
        assert list(found.values()) == [6.0, 4.0]
        assert next(iter(found)) == hostile

    def test_a_function_name_must_be_one(self):
        with pytest.raises(cg.SpecError, match="is not a name"):
            cg.circuit(f=cg.input("x") * 2).numpy_source(name="f(): pass #")


def _bump(x):
    return np.exp(-x * x)


class TestOwnGates:
    def test_a_function_is_copied(self, load):
        bump = cg.elementwise("bump", "exp(-x**2)", kernel=_bump)
        circuit = cg.circuit(f=bump(cg.input("x", 3)))
        text = circuit.numpy_source()
        assert "def bump(x):" in text
        value = np.array([0.0, 1.0, -2.0])
        assert_same(load(text)(value), np.exp(-value * value))

    def test_a_formula_is_written_out(self, load):
        ramp = cg.elementwise(
            "ramp", pieces=(("x > 0", "x**2"), ("x < 0", "exp(x) - 1")), at_kink="0"
        )
        circuit = cg.circuit(f=ramp(cg.input("x", 3)) + cg.elementwise("twice", "2*x")(3.0))
        value = np.array([0.0, 1.5, -2.0])
        assert_same(load(circuit.numpy_source())(value), circuit(value))

    def test_a_kernel_that_is_not_numpys_is_refused_by_name(self):
        special = cg.elementwise("odd", "x", kernel=np.frompyfunc(lambda x: x, 1, 1))
        with pytest.raises(cg.SpecError, match="gate 'odd'"):
            cg.circuit(f=special(cg.input("x", 3))).numpy_source()


@pytest.mark.parametrize(("method", "module"), [("to_jax", "jax"), ("to_torch", "torch")])
def test_a_framework_that_is_missing_is_named_with_its_extra(monkeypatch, method, module):
    monkeypatch.setattr(frameworks.importlib.util, "find_spec", lambda name: None)
    circuit = cg.circuit(f=cg.input("x") * 2)
    with pytest.raises(cg.BackendError, match=rf"pip install 'circuitgrad\[{module}\]'"):
        getattr(circuit, method)()
