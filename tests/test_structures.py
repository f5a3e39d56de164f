"""The structure of derivatives for every size, and operators that use it."""

import autograd
import autograd.numpy as anp
import mpmath
import numpy as np
import pytest
import scipy.sparse
from scipy.sparse.linalg import cg

import circuitgrad as cgrad
from tests.strategies import DIGITS
from tests.structure_cases import (
    CLOSED_FORMS,
    IN,
    SIZES,
    agrees,
    factorisation,
    least_squares,
    logistic,
    network,
    point,
    trace_of_product,
)

# What the structure is, printed; written by hand from the closed forms.
STRUCTURES = [
    (lambda: cgrad.circuit(f=cgrad.softmax(IN["x"])).jacobian("x"),
     "∂f/∂x: diagonal plus rank 1, diag(p) − ppᵀ (p = softmax(x)), for every size"),
    (lambda: cgrad.circuit(f=cgrad.logsumexp(IN["x"])).hessian("x"),
     "∂²f/∂x²: diagonal plus rank 1, diag(p) − ppᵀ (p = softmax(x)), for every size"),
    (lambda: cgrad.circuit(f=cgrad.norm(IN["x"])).hessian("x"),
     "∂²f/∂x²: scaled identity plus rank 1, I/‖x‖ − xxᵀ/‖x‖³, for every size"),
    (lambda: logistic().hessian("w"),
     "∂²L/∂w²: product, Xᵀ diag(σ(Xw) ⊙ (1 − σ(Xw))) X, for every size"),
    (lambda: least_squares().hessian("w"), "∂²L/∂w²: product, 2XᵀX, for every size"),
    (lambda: factorisation().hessian("U"),
     "∂²L/∂U²: Kronecker product, I(m) ⊗ 2VᵀV, for every size"),
    (lambda: factorisation().hessian("V"),
     "∂²L/∂V²: Kronecker product, I(n) ⊗ 2UᵀU, for every size"),
    (lambda: cgrad.circuit(f=np.sum(np.sin(IN["x"]) * IN["x"])).hessian("x"),
     "∂²f/∂x²: diagonal, diag(2 cos(x) − x ⊙ sin(x)), for every size"),
    (lambda: cgrad.circuit(f=np.sum(IN["x"] ** 2)).hessian("x"),
     "∂²f/∂x²: scaled identity, 2I, for every size"),
    (lambda: cgrad.circuit(f=np.sum(IN["x"])).hessian("x"), "∂²f/∂x²: zero, for every size"),
    (lambda: cgrad.circuit(f=IN["x"] @ IN["A"] @ IN["x"]).hessian("x"),
     "∂²f/∂x²: dense, A + Aᵀ, for every size"),
    (lambda: cgrad.circuit(f=IN["W"] @ IN["x"]).jacobian("W"),
     "∂f/∂W: block diagonal, [i,j,k]: δ[i,j]·x[k], for every size"),
    (lambda: cgrad.circuit(f=IN["A"] @ IN["V"] @ IN["B"]).jacobian("V"),
     "∂f/∂V: Kronecker product, A ⊗ Bᵀ, for every size"),
    (lambda: cgrad.circuit(f=np.mean((IN["W"] @ IN["x"] - IN["y"]) ** 2)).hessian("W"),
     "∂²f/∂W²: Kronecker product, I(m) ⊗ (2/m)xxᵀ, for every size"),
    (lambda: trace_of_product().hessian("A"),
     "∂²f/∂A²: deltas, [i,j,k,l]: 2·δ[i,l]·δ[j,k], for every size"),
    (lambda: cgrad.circuit(f=cgrad.logdet(IN["A"])).hessian("A"),
     "∂²f/∂A²: Kronecker product with axes exchanged, [i,j,k,l]: −A⁻¹[j,k]·A⁻¹[l,i], "
     "for every size"),
    (lambda: cgrad.circuit(f=np.sort(cgrad.input("v", 4))).jacobian("v"),
     "∂f/∂v: no structure visible"),
]  # fmt: skip


@pytest.mark.parametrize(("made", "text"), STRUCTURES, ids=[text for _, text in STRUCTURES])
def test_the_structure_is_read_off_for_every_size(made, text):
    assert str(made().structure()) == text


def test_blocks_of_several_inputs_have_each_their_structure():
    lines = str(factorisation().hessian(["U", "V"]).structure()).splitlines()
    assert lines[0] == "H: 2 × 2 blocks"
    assert lines[1] == "  ∂²L/∂U²: Kronecker product, I(m) ⊗ 2VᵀV, for every size"
    assert lines[2].startswith("  ∂²L/∂U∂V: sum of Kronecker products plus Kronecker product with")
    assert lines[4] == "  ∂²L/∂V²: Kronecker product, I(n) ⊗ 2UᵀU, for every size"


# --- operators against closed forms in NumPy -----------------------------------------------------


@pytest.mark.parametrize("sizes", SIZES, ids=str)
@pytest.mark.parametrize("name", CLOSED_FORMS)
def test_operators_are_the_closed_forms(name, sizes):
    made, by_hand = CLOSED_FORMS[name]
    circuit = made()
    values = point(circuit, sizes)
    agrees(circuit.operator(**values), by_hand(values))


@pytest.mark.parametrize("name", sorted(set(CLOSED_FORMS) - {"factorisation by both"}))
def test_the_array_is_the_closed_form_too(name):
    made, by_hand = CLOSED_FORMS[name]
    circuit = made()
    values = point(circuit, SIZES[0])
    expected = by_hand(values)
    np.testing.assert_allclose(
        np.asarray(circuit(**values)).reshape(expected.shape), expected, rtol=1e-10, atol=1e-10
    )


@pytest.mark.parametrize("name", sorted(set(CLOSED_FORMS) - {"softmax", "log det"}))
def test_operators_of_nothing_have_no_entries(name):
    circuit = CLOSED_FORMS[name][0]()
    operator = circuit.operator(**point(circuit, dict(m=0, n=0, k=0)))
    assert operator.shape[1] == 0
    assert operator.todense().shape == operator.shape
    assert (operator @ np.zeros(0)).shape == (operator.shape[0],)


def test_the_jacobian_of_softmax_in_fifty_digits():
    x = [0.1, 2.5, -1.25]
    with mpmath.workdps(DIGITS):
        e = [mpmath.exp(mpmath.mpf(v)) for v in x]
        p = [v / sum(e) for v in e]
        exact = [[float((i == j) * p[i] - p[i] * p[j]) for j in range(3)] for i in range(3)]
    operator = cgrad.circuit(f=cgrad.softmax(IN["x"])).jacobian("x").operator(x=x)
    np.testing.assert_allclose(operator.todense(), exact, rtol=1e-14)


def test_the_hessian_of_a_network_is_that_of_autograd():
    circuit = network().hessian("W1")
    values = point(circuit, dict(m=3, n=4, k=2))

    def loss(W1):
        hidden = anp.tanh(W1 @ values["x"] + values["b1"])
        return anp.sum((values["W2"] @ hidden - values["y"]) ** 2)

    expected = autograd.hessian(loss)(values["W1"]).reshape(8, 8)
    agrees(circuit.operator(**values), expected)
    assert circuit.structure().kind == "sum of Kronecker products"


# --- using them ----------------------------------------------------------------------------------


def test_solvers_of_scipy_take_the_operator():
    circuit = CLOSED_FORMS["ridge"][0]()
    operator = circuit.operator(**point(circuit, dict(m=20, n=6)))
    b = np.ones(6)
    found, failed = cg(operator, b, rtol=1e-12)
    assert failed == 0
    np.testing.assert_allclose(found, operator.solve(b), rtol=1e-8)


def test_sparse_forms_keep_only_what_can_differ_from_zero():
    values = point(factorisation(), dict(m=30, n=5, k=3))
    found = factorisation().hessian("U").operator(**values).tosparse()
    assert scipy.sparse.issparse(found)
    assert found.nnz == 30 * 3 * 3
    diagonal = cgrad.circuit(f=np.sum(np.exp(IN["x"]))).hessian("x").operator(x=np.ones(4))
    assert diagonal.tosparse().format == "dia"


def test_an_operator_keeps_its_values():
    V = np.ones((3, 2))
    operator = factorisation().hessian("U").operator(U=np.ones((2, 2)), V=V, T=np.ones((2, 3)))
    before = operator.todense()
    V[:] = 7.0
    W = np.ones((2, 3))
    linear = cgrad.circuit(f=IN["W"] @ IN["x"]).jacobian("x").operator(W=W, x=np.ones(3))
    W[:] = 5.0
    np.testing.assert_array_equal(operator.todense(), before)
    np.testing.assert_array_equal(linear.todense(), np.ones((2, 3)))
    linear.todense()[:] = 9.0
    np.testing.assert_array_equal(linear.todense(), np.ones((2, 3)))


def test_single_precision_stays():
    x = cgrad.input("x", "n", dtype="float32")
    circuit = cgrad.circuit(f=np.sum(x**2) + np.sum(np.exp(x))).hessian("x")
    operator = circuit.operator(x=np.ones(3, np.float32))
    assert operator.dtype == circuit(x=np.ones(3, np.float32)).dtype == np.float32
    assert operator.todense().dtype == np.float32
    assert (operator @ np.ones(3, np.float32)).dtype == np.float32


def test_blocks_with_named_axes_have_no_one_matrix_but_all_else():
    hessian = factorisation().hessian(["U", "V"])
    with pytest.raises(cgrad.ShapeError, match=r"needs integer sizes\. Use operator"):
        hessian(**point(factorisation(), SIZES[0]))
    assert hessian.blocks.output_names == ("∂²L/∂U²", "∂²L/∂U∂V", "∂²L/∂V∂U", "∂²L/∂V²")
    assert hessian.operator(**point(factorisation(), SIZES[0])).shape == (14, 14)


def test_blocks_with_integer_axes_are_the_matrix():
    x, y = cgrad.input("x", 2), cgrad.input("y")
    hessian = cgrad.circuit(f=np.sum(np.exp(x) * y**2)).hessian()
    values = dict(x=[0.5, 1.5], y=2.0)
    agrees(hessian.operator(**values), hessian(**values))
    jacobian = cgrad.circuit(f=x * y, g=y * y).jacobian()
    agrees(jacobian.operator(**values), jacobian(**values))


def test_one_output_of_several_is_chosen_by_name():
    circuit = cgrad.circuit(f=np.exp(IN["x"]), g=IN["A"] @ IN["x"]).jacobian("x")
    assert circuit.structure("∂f/∂x").kind == "diagonal"
    assert circuit.structure("∂g/∂x").kind == "dense"
    with pytest.raises(cgrad.SpecError, match=r"2 derivatives .* Choose one, as only\('∂f/∂x'\)"):
        circuit.structure()
    with pytest.raises(cgrad.SpecError, match="2 derivatives"):
        circuit.operator(x=[1.0], A=[[1.0]])
    operator = circuit.only("∂f/∂x").operator(x=[0.0, 1.0], A=np.eye(2))
    np.testing.assert_allclose(operator.diagonal(), [1, np.e])


def test_what_is_no_derivative_has_no_structure():
    with pytest.raises(cgrad.SpecError, match=r"f is no derivative\. Ask for it of c\.jacobian"):
        cgrad.circuit(f=IN["x"] @ IN["x"]).structure()
    with pytest.raises(cgrad.SpecError, match="no derivative"):
        cgrad.circuit(f=IN["x"] @ IN["x"]).operator(x=[1.0])


def test_operators_name_what_they_are():
    operator = factorisation().hessian("U").operator(**point(factorisation(), SIZES[0]))
    assert repr(operator) == "<8x8 DerivativeOperator ∂²L/∂U²: Kronecker product>"
    assert operator.kind == operator.structure.kind == "Kronecker product"
    assert operator.structure.is_visible


def test_the_inputs_of_an_operator_are_checked():
    hessian = factorisation().hessian("U")
    with pytest.raises(cgrad.SpecError, match="no input is named 'Z'"):
        hessian.operator(Z=1)
    with pytest.raises(cgrad.ShapeError, match="input 'V'"):
        hessian.operator(U=np.ones((2, 2)), V=np.ones((3, 3)), T=np.ones((2, 3)))


def test_infinite_factors_do_not_spoil_the_zeros_between_deltas():
    root = cgrad.circuit(f=np.sqrt(IN["x"])).jacobian("x")
    with np.errstate(divide="ignore"):
        found = root.operator(x=[0.0, 4.0]).todense()
        array = root(x=[0.0, 4.0])
    np.testing.assert_array_equal(found, [[np.inf, 0], [0, 0.25]])
    np.testing.assert_array_equal(array, found)


# --- arrays without work on zeros ----------------------------------------------------------------


@pytest.mark.parametrize("name", sorted(set(CLOSED_FORMS) - {"factorisation by both"}))
def test_no_step_towards_a_derivative_is_larger_than_the_derivative(name):
    derivative = CLOSED_FORMS[name][0]()
    rank = derivative.outputs[0].ndim
    assert max(wire.ndim for wire in derivative.wires) <= rank
    placed = [
        wire for wire in derivative.wires
        if wire.ndim == rank and wire.gate.name in ("delta", "diag") and wire.inputs
    ]  # fmt: skip
    read = {
        source for wire in derivative.wires for source in wire.inputs if wire.gate.name != "add"
    }
    assert not read & set(placed)


@pytest.mark.parametrize(
    ("made", "by_hand"),
    [
        (lambda x, A: A + cgrad.diag(x), lambda x, A: A + np.diag(x)),
        (lambda x, A: cgrad.diag(x) + A, lambda x, A: A + np.diag(x)),
        (lambda x, A: cgrad.diag(x) + cgrad.diag(x * x), lambda x, A: np.diag(x + x * x)),
        (lambda x, A: np.outer(x, x) + cgrad.diag(x), lambda x, A: np.outer(x, x) + np.diag(x)),
        (lambda x, A: A.T + cgrad.diag(x), lambda x, A: A.T + np.diag(x)),
        (
            lambda x, A: (np.outer(x, x) + cgrad.diag(x)) * np.outer(x, x),
            lambda x, A: (np.outer(x, x) + np.diag(x)) * np.outer(x, x),
        ),
        (
            lambda x, A: np.exp(A) + cgrad.diag(A @ x) + np.exp(A),
            lambda x, A: 2 * np.exp(A) + np.diag(A @ x),
        ),
    ],
)
def test_a_diagonal_is_added_in_its_place_and_nowhere_else(made, by_hand):
    x, A = np.array([1.0, 2.0, 3.0]), np.arange(9.0).reshape(3, 3)
    before = A.copy()
    circuit = cgrad.circuit(f=made(cgrad.input("x", "n"), IN["A"]), g=IN["A"])
    inputs = dict(x=x, A=A)
    np.testing.assert_allclose(circuit(**inputs)["f"], by_hand(x, A), rtol=1e-14)
    np.testing.assert_allclose(circuit.run(**inputs)["f"].value, by_hand(x, A), rtol=1e-14)
    np.testing.assert_array_equal(A, before)
    np.testing.assert_array_equal(circuit(**inputs)["g"], before)
