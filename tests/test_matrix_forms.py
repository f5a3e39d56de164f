"""Closed forms for every size: what is printed, and that it is true."""

import itertools

import numpy as np
import pytest

import circuitgrad as cg
from circuitgrad.formulas import tensor_algebra as algebra
from circuitgrad.formulas.matrix_chains import NoMatrixFormError, matrix_terms
from circuitgrad.formulas.tensor_equality import are_equal
from circuitgrad.formulas.tensor_forms import tensor_form
from tests.matrix_evaluation import form_value, matrix_value

A, S = cg.input("A", "n n"), cg.input("S", "n n", symmetric=True)
D, Q = cg.input("D", "n n", diagonal=True), cg.input("Q", "n n", orthogonal=True)
B, P = cg.input("B", "n k"), cg.input("P", "k m")
X, W, T = cg.input("X", "m n"), cg.input("W", "m n"), cg.input("T", "m n")
U, V = cg.input("U", "m k"), cg.input("V", "n k")
a, b, w, x = (cg.input(name, "n") for name in "abwx")
theta, y = cg.input("theta", "n"), cg.input("y", "m")
p1 = cg.input("y", "n", normalized=True)
labels = cg.input("y", "m", sign=True)
positive = cg.input("x", "n", positive=True)
rate = cg.input("lambda0")
W1, b1 = cg.input("W1", "h n"), cg.input("b1", "h")
W2, b2 = cg.input("W2", "m h"), cg.input("b2", "m")

scores = X @ w
logistic = (cg.softplus(scores) - y * scores).sum()
network = ((W2 @ np.tanh(W1 @ x) - y) ** 2).sum() / 2
ERROR = "(W₂ tanh(W₁x) − y)"

GRADIENTS = [
    (theta @ x, "theta", "x"),
    (x @ A @ x, "x", "(A + Aᵀ)x"),
    (x @ A @ x, "A", "xxᵀ"),
    (x @ S @ x, "x", "2Sx"),
    (x @ D @ x, "x", "2Dx"),
    ((x @ A @ x) ** 2, "x", "2(xᵀAx)(A + Aᵀ)x"),
    ((x @ b) ** 5, "x", "5(bᵀx)⁴b"),
    (((X @ w - y) ** 2).sum(), "w", "2Xᵀ(Xw − y)"),
    (((y - X @ theta) ** 2).sum() / 2, "theta", "Xᵀ(Xθ − y)"),
    (((y - X @ theta) ** 2).sum() / 2, "X", "(Xθ − y)θᵀ"),
    (cg.mean((X @ w - y) ** 2), "w", "(2/m)Xᵀ(Xw − y)"),
    (((X @ w - y) ** 2).sum() / 2 + rate / 2 * (w @ w), "w", "Xᵀ(Xw − y) + λ₀w"),
    (((W @ x - y) ** 2).sum(), "W", "2(Wx − y)xᵀ"),
    (logistic, "w", "Xᵀ(σ(Xw) − y)"),
    (cg.softplus(-labels * scores).sum(), "w", "−Xᵀ(y ⊙ (1 − σ(y ⊙ (Xw))))"),
    (-(y * cg.log_softmax(X @ w)).sum(), "w", "Xᵀ((𝟏ᵀy) softmax(Xw) − y)"),
    (-(p1 * cg.log_softmax(x)).sum(), "x", "softmax(x) − y"),
    (cg.logsumexp(x), "x", "softmax(x)"),
    (np.log(np.exp(x).sum()), "x", "exp(x)/(𝟏ᵀ exp(x))"),
    (cg.norm(x), "x", "x/‖x‖"),
    (np.sqrt(x @ x), "x", "x/‖x‖"),
    (cg.norm(X), "X", "X/‖X‖"),
    (cg.norm(X @ w - y), "w", "Xᵀ(Xw − y)/‖Xw − y‖"),
    (cg.trace(B @ P @ X), "X", "PᵀBᵀ"),
    (cg.trace(B.T @ A @ B), "B", "(A + Aᵀ)B"),
    (cg.trace(A @ A @ A @ A), "A", "4(A³)ᵀ"),
    (cg.trace(A), "A", "I"),
    (X.sum(), "X", "𝟏𝟏ᵀ"),
    (b @ cg.solve(A, x), "A", "−A⁻ᵀbxᵀA⁻ᵀ"),
    (a @ cg.inverse(A) @ b, "A", "−A⁻ᵀabᵀA⁻ᵀ"),
    (a @ cg.inverse(A) @ b, "a", "A⁻¹b"),
    (((T - U @ V.T) ** 2).sum(), "U", "2(UVᵀ − T)V"),
    (((T - U @ V.T) ** 2).sum(), "V", "2(VUᵀ − Tᵀ)U"),
    (np.linalg.slogdet(A)[1], "A", "A⁻ᵀ"),
    (np.linalg.det(A), "A", "det(A) A⁻ᵀ"),
    (np.linalg.det(A.T @ A), "A", "2 det(AᵀA) A⁻ᵀ"),
    ((x @ A @ x) / (x @ x), "x", "(A + Aᵀ)x/(xᵀx) − 2(xᵀAx)x/(xᵀx)²"),
    (np.exp(-(x @ x) / 2), "x", "−exp(−½xᵀx) x"),
    (((x - x.mean()) ** 2).mean(), "x", "(2/n)x − (2/n²)(𝟏ᵀx)𝟏"),
    (cg.relu(X @ w).sum(), "w", "Xᵀ step(Xw)"),
    (((1 + x) ** 20).sum(), "x", "20(𝟏 + x)^∘19"),
    ((1 / (2 + x * x)).sum(), "x", "−2(x ⊙ (2𝟏 + x^∘2)^∘(−2))"),
    (np.sqrt(2 + x @ x), "x", "x/√(2 + xᵀx)"),
    (network, "W2", f"{ERROR}(tanh(W₁x))ᵀ"),
    (network, "W1", f"((W₂ᵀ{ERROR}) ⊙ (1 − tanh²(W₁x)))xᵀ"),
    (network, "x", f"W₁ᵀ((W₂ᵀ{ERROR}) ⊙ (1 − tanh²(W₁x)))"),
    (((W2 @ np.tanh(W1 @ x + b1) + b2 - y) ** 2).sum() / 2, "b2", "W₂ tanh(W₁x + b₁) + b₂ − y"),
]
HESSIANS = [
    (x @ A @ x, "x", "A + Aᵀ"),
    (x @ S @ x, "x", "2S"),
    ((x @ A @ x) ** 2, "x", "2(xᵀAx)(A + Aᵀ) + 2(A + Aᵀ)xxᵀ(A + Aᵀ)"),
    (((y - X @ theta) ** 2).sum() / 2, "theta", "XᵀX"),
    (logistic, "w", "Xᵀ diag(σ(Xw) ⊙ (1 − σ(Xw))) X"),
    (cg.softplus(-labels * scores).sum(), "w", "Xᵀ diag(σ(y ⊙ (Xw)) ⊙ (1 − σ(y ⊙ (Xw)))) X"),
    (((X @ w - y) ** 2).sum() / 2 + rate / 2 * (w @ w), "w", "XᵀX + λ₀I"),
    (cg.logsumexp(x), "x", "diag(p) − ppᵀ"),
    (cg.logsumexp(X @ w), "w", "Xᵀ(diag(p) − ppᵀ)X"),
    (cg.norm(x), "x", "I/‖x‖ − xxᵀ/‖x‖³"),
    ((np.sin(x) * x).sum(), "x", "diag(2 cos(x) − x ⊙ sin(x))"),
]
JACOBIANS = [
    (W @ x, "x", "W"),
    (cg.softmax(x), "x", "diag(p) − ppᵀ"),
    (np.exp(x) / np.exp(x).sum(), "x", "diag(exp(x))/(𝟏ᵀ exp(x)) − exp(x) (exp(x))ᵀ/(𝟏ᵀ exp(x))²"),
    (x * x, "x", "2 diag(x)"),
    (a * x, "x", "diag(a)"),
    ((x @ A @ x) * x, "x", "(xᵀAx)I + xxᵀ(A + Aᵀ)"),
    (cg.solve(A, x), "x", "A⁻¹"),
]
VALUES = [
    (x @ A @ x, "xᵀAx"),
    ((x @ A @ x) ** 2, "(xᵀAx)²"),
    (cg.trace(B @ P @ X), "tr(BPX)"),
    (X.sum(), "𝟏ᵀX𝟏"),
    (X.sum(axis=0), "Xᵀ𝟏"),
    ((X * X).sum(), "‖X‖²"),
    (cg.trace(X.T @ W), "tr(WᵀX)"),
    (cg.solve(D, x), "D⁻¹x"),
    ((Q @ x) @ (Q @ x), "xᵀx"),
    (cg.trace(cg.inverse(A) @ A), "n"),
    (np.sqrt(positive * positive), "x"),
    (cg.logsumexp(X, axis=0), "log((exp(X))ᵀ𝟏)"),
    (cg.inverse(A @ S), "S⁻¹A⁻¹"),
    (cg.logsumexp(x - x) * x, "log(n) x"),
]


def cases(table):
    return [pytest.param(*row, id=f"{row[-1]}-{k}") for k, row in enumerate(table)]


def printed(circuit):
    """The closed form without the name of the output and the notes."""
    return circuit.matrix().split(" = ", 1)[1].split("   (")[0]


def sample(circuit, seed, size):
    """Random values of the inputs that satisfy their facts, and the lengths of their axes."""
    rng = np.random.default_rng(seed)
    axes = {axis for wire in circuit.inputs for axis in wire.shape}
    sizes = {axis: size or int(rng.integers(1, 5)) for axis in sorted(axes)}
    values = {}
    for wire in circuit.inputs:
        array = rng.uniform(0.3, 1.5, [sizes[axis] for axis in wire.shape])
        facts = wire.gate.facts
        if "symmetric" in facts:
            array = array + array.T
        if "diagonal" in facts:
            array = np.diag(np.diag(array))
        if "orthogonal" in facts:
            array = np.linalg.qr(array)[0]
        if "normalized" in facts:
            array = array / array.sum()
        if "sign" in facts:
            array = np.where(array > 1, 1.0, -1.0)
        values[wire.label] = array
    return values, sizes


def differences(circuit, values, name, step=1e-6):
    """The derivative of a circuit's output by one input: central differences."""
    output = np.asarray(circuit(**values))
    result = np.zeros(output.shape + values[name].shape)
    for place in itertools.product(*(range(n) for n in values[name].shape)):
        ends = []
        for sign in (1, -1):
            moved = values[name].copy()
            moved[place] += sign * step
            ends.append(np.asarray(circuit(**{**values, name: moved})))
        result[(..., *place)] = (ends[0] - ends[1]) / (2 * step)
    return result


def check(circuit, base=None, name=None):
    """What is printed, the form behind it, the circuit and differences give the same numbers."""
    form = tensor_form(circuit.outputs[0])
    terms = matrix_terms(form)
    for seed, size in enumerate((None, 1, 2, 3, None)):
        values, sizes = sample(circuit, seed, size)
        expected = np.asarray(circuit(**values))
        everything = {**values, **sizes}
        np.testing.assert_allclose(form_value(form, everything), expected, rtol=1e-9, atol=1e-9)
        rows = expected.shape[0] if expected.ndim else 1
        shown = matrix_value(terms, everything, rows)
        whole = expected.reshape(-1, 1) if expected.ndim < 2 else expected
        np.testing.assert_allclose(np.broadcast_to(shown, whole.shape), whole, rtol=1e-9, atol=1e-9)
        if base is not None:
            near = differences(base, values, name)
            np.testing.assert_allclose(expected, near, rtol=1e-5, atol=1e-5)


@pytest.mark.parametrize(("f", "name", "text"), cases(GRADIENTS))
def test_gradients_print_as_people_write_them(f, name, text):
    c = cg.circuit(f=f)
    gradient = c.grad(name)
    assert printed(gradient) == text
    check(gradient, c, name)


@pytest.mark.parametrize(("f", "name", "text"), cases(HESSIANS))
def test_hessians_print_as_people_write_them(f, name, text):
    c = cg.circuit(f=f)
    hessian = c.hessian(name)
    assert printed(hessian) == text
    check(hessian, c.grad(name), name)


@pytest.mark.parametrize(("f", "name", "text"), cases(JACOBIANS))
def test_jacobians_print_as_people_write_them(f, name, text):
    c = cg.circuit(f=f)
    jacobian = c.jacobian(name)
    assert printed(jacobian) == text
    check(jacobian, c, name)


@pytest.mark.parametrize(("f", "text"), cases(VALUES))
def test_values_print_as_people_write_them(f, text):
    c = cg.circuit(f=f)
    assert printed(c) == text
    check(c)


# --- layouts, index notation, LaTeX ---------------------------------------------------------------
def test_the_layout_is_stated_and_can_be_chosen():
    linear = cg.circuit(f=W @ x).jacobian("x")
    assert linear.matrix() == "∂f/∂x = W   (numerator layout)"
    assert linear.matrix(layout="denominator") == "∂f/∂x = Wᵀ   (denominator layout)"
    quadratic = cg.circuit(f=x @ A @ x).grad("x")
    assert quadratic.matrix() == "∂f/∂x = (A + Aᵀ)x   (denominator layout)"
    row = quadratic.matrix(layout="numerator")
    assert row == "∂f/∂x = xᵀ(A + Aᵀ)   (numerator layout, a row)"
    by_matrix = cg.circuit(f=cg.trace(B @ P @ X)).grad("X")
    assert by_matrix.matrix(layout="numerator") == "∂f/∂X = BP   (numerator layout)"
    hessian = cg.circuit(f=x @ A @ x).hessian("x")
    assert hessian.matrix() == "∂²f/∂x² = A + Aᵀ   (symmetric: the same in both layouts)"


def test_a_layout_is_refused_where_there_is_none():
    with pytest.raises(cg.SpecError, match="no derivative"):
        cg.circuit(f=W @ x).matrix(layout="numerator")
    with pytest.raises(cg.SpecError, match="'numerator' or 'denominator'"):
        cg.circuit(f=x @ x).grad("x").matrix(layout="rows")


def test_order_three_prints_in_index_notation_and_says_so():
    c = cg.circuit(f=W @ x).jacobian("W")
    assert c.matrix() == (
        "∂f/∂W[i,j,k] = δ[i,j]·x[k]   (index form: order 3 has no matrix form; numerator layout)"
    )
    assert c.matrix(layout="denominator").startswith("∂f/∂W[i,j,k] = δ[i,k]·x[j]   (index")
    with pytest.raises(NoMatrixFormError):
        matrix_terms(tensor_form(c.outputs[0]))


def test_index_notation_names_every_sum():
    c = cg.circuit(f=logistic).hessian("w")
    assert c.index().split("   (")[0] == (
        "∂²f/∂w²[i,j] = Σ_k σ(−Σ_l X[k,l]·w[l])·σ(Σ_l X[k,l]·w[l])·X[k,i]·X[k,j]"
    )


def test_what_has_no_matrix_form_of_order_two_says_so():
    knot = cg.einsum("ij,ik,il,jk,jl,kl->", A, A, A, A, A, A)
    assert cg.circuit(f=knot).matrix().endswith("(index form: no matrix form)")


def test_rounded_numbers_are_written_as_decimals():
    assert cg.circuit(f=x / np.sqrt(3.0)).matrix().startswith("f = 0.57735x")


@pytest.mark.parametrize(
    ("build", "text"),
    [
        (lambda x: x * 1.0000001, "1.0000001x"),
        (lambda x: x * (2 + 1e-12), "2.000000000001x"),
        (lambda x: x * 1e-7, "10⁻⁷x"),
        (lambda x: x * -2.5e-8, "−2.5·10⁻⁸x"),
        (lambda x: x * 123456789.123, "123456789.123x"),
        (lambda x: np.mean(x) * 1e-7, "(10⁻⁷/n)𝟏ᵀx"),
        (lambda x: x**1.0000001, "x^∘(1.0000001)"),
        (lambda x: x * 1e300, "10³⁰⁰x"),
    ],
)
def test_numbers_do_not_look_like_others(build, text):
    assert cg.circuit(f=build(x)).matrix() == f"f = {text}"


def test_index_letters_differ_from_the_names_of_inputs_and_axes():
    i, j = cg.input("i", "k"), cg.input("j", "k")
    assert cg.circuit(f=i * j).index() == "f[l] = i[l]·j[l]"


def test_latex_of_the_matrix_form():
    text = cg.circuit(f=logistic).grad("w").matrix(latex=True)
    assert text == (
        r"\partial f/\partial w = X^\top \left(\sigma\left(X w\right) - y\right)"
        r" \qquad\text{(denominator layout)}"
    )


# --- equality for every size ----------------------------------------------------------------------
def equal(first, second):
    return are_equal(tensor_form(first), tensor_form(second))


def test_equal_for_every_size():
    e = np.exp(x)
    assert equal(cg.logsumexp(x), np.log(e.sum()))
    assert equal(cg.softmax(x), e / e.sum())
    assert equal(cg.softmax(x), np.exp(x - cg.logsumexp(x))) is False  # no rule, no proof
    assert equal(cg.sigmoid(x), 1 - cg.sigmoid(-x))
    assert equal(cg.sigmoid(x), 1 / (1 + np.exp(-x)))
    assert equal(cg.norm(x) ** 2, x @ x)
    assert equal(1 / (1 + x) + x / (1 + x), cg.constant(np.ones(1)).sum() + 0 * x)
    assert equal(np.tanh(-x), -np.tanh(x))


def test_unequal_forms_are_not_called_equal():
    assert not equal(x @ A @ x, 2 * (x @ A @ x))
    assert not equal(A @ x, A.T @ x)
    assert not equal(cg.softmax(x), np.exp(x))
    assert not equal((x @ x) * x, x * x * x)
    assert not equal((x @ b) * (x @ b), (x @ x) * (b @ b))
    assert not equal(cg.trace(A @ A), (A * A).sum())


def test_a_symmetric_matrix_makes_a_claim_true():
    assert equal(S @ x + S.T @ x, 2 * S @ x)
    assert not equal(A @ x + A.T @ x, 2 * A @ x)
    assert equal(S.T @ cg.inverse(S), cg.einsum("->ii", sizes={"i": "n"}))


# --- two bugs that must not come back -------------------------------------------------------------
def test_summed_indices_never_collide_with_free_ones():
    # (Ax)_i (Bx)_j has two sums; as factors of an outer product they must stay apart from i and j.
    first, second = A @ x, A.T @ x
    wire = cg.outer(first, second)
    again = cg.einsum("ij,j,kl,k->il", A, x, A, x)
    assert equal(wire, again)
    assert not equal(wire, cg.outer(second, first))
    check(cg.circuit(f=wire))
    check(cg.circuit(f=(first * second) * (first @ second)))


def test_a_summed_index_that_no_factor_carries_counts_its_axis():
    ones = cg.broadcast(cg.constant(1.0), ("n",))
    assert printed(cg.circuit(f=(ones * (x @ x)).sum())) == "n(xᵀx)"
    assert printed(cg.circuit(f=(x / x).sum())) == "n"
    assert printed(cg.circuit(f=cg.trace(A @ cg.inverse(A)) * x)) == "nx"
    assert printed(cg.circuit(f=(cg.softmax(X) @ ones).sum())) == "m"
    check(cg.circuit(f=((x - x.sum()) ** 2).sum()).grad("x"))


# --- facts ----------------------------------------------------------------------------------------
def test_facts_must_fit_the_shape():
    with pytest.raises(cg.SpecError, match="needed a square matrix"):
        cg.input("A", "m n", symmetric=True)
    with pytest.raises(cg.SpecError, match="scalar"):
        cg.input("a", normalized=True)


def test_equal_terms_are_collected():
    form = tensor_form(cg.circuit(f=(x @ A @ x) ** 2).grad("x").outputs[0])
    assert len(form.terms) == 2
    doubled = algebra.total([(1, form), (1, form)])
    assert [t.coefficient for t in doubled.terms] == [4, 4]


def test_what_has_no_form_is_refused_with_the_gate():
    v = cg.input("v", 6)
    with pytest.raises(cg.SpecError, match="reshape"):
        cg.circuit(f=v.reshape(2, 3)).matrix()


def test_a_form_that_nobody_could_read_is_refused_by_its_size():
    wire = cg.input("x", "n")
    for _ in range(1500):
        wire = np.tanh(wire)
    deep = cg.circuit(f=wire.sum()).grad("x")
    for written in (deep.matrix, deep.index):
        with pytest.raises(cg.SpecError, match=r"nested too deeply.*derivation\(\)"):
            written()
