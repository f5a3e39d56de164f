"""The derivatives that every text on matrix calculus has: printed, proved for all sizes, computed.

Each has the text that a person writes, an expected form written down independently, and NumPy code
that autograd differentiates. LaTeX, index notation and both layouts: golden/matrix_forms.json.
"""

import json
import pathlib
from typing import Any, NamedTuple

import autograd
import autograd.numpy as anp
import numpy as np
import pytest

import circuitgrad as cg
from circuitgrad.formulas.tensor_equality import are_equal
from circuitgrad.formulas.tensor_forms import tensor_form

GOLDEN = pathlib.Path(__file__).parent / "golden/matrix_forms.json"


class Item(NamedTuple):
    """A derivative: of `value` by the input `wrt`; `code` is the value in NumPy."""

    title: str
    value: Any
    kind: str
    wrt: str
    text: str
    expected: Any
    code: Any


A, S = cg.input("A", "n n"), cg.input("S", "n n", symmetric=True)
B, P = cg.input("B", "n k"), cg.input("P", "k m")
M = cg.input("X", "n n")
X, W, T = cg.input("X", "m n"), cg.input("W", "m n"), cg.input("T", "m n")
U, V = cg.input("U", "m k"), cg.input("V", "n k")
a, b, w, x, theta = (cg.input(name, "n") for name in ("a", "b", "w", "x", "theta"))
y, z = cg.input("y", "m"), cg.input("z", "m")
target = cg.input("y", "n", normalized=True)
W1, b1 = cg.input("W1", "h n"), cg.input("b1", "h")
W2, b2 = cg.input("W2", "m h"), cg.input("b2", "m")
g, entries, gain, shift = (
    cg.input("g", "m"),
    cg.input("x", "m"),
    cg.input("gamma"),
    cg.input("beta"),
)
epsilon = cg.input("epsilon", positive=True)


def identity(axis):
    return cg.einsum("->ii", sizes={"i": axis})


def norm(v):
    return anp.sqrt(anp.sum(v * v))


def sigmoid(v):
    return 1 / (1 + anp.exp(-v))


def softmax(v):
    e = anp.exp(v)
    return e / anp.sum(e)


def logistic_code(X, w, y):
    return anp.sum(anp.log(1 + anp.exp(X @ w)) - y * (X @ w))


def factorisation_code(T, U, V):
    return anp.sum((T - U @ V.T) ** 2)


def network_code(W1, W2, b1, b2, x, y):
    return anp.sum((W2 @ anp.tanh(W1 @ x + b1) + b2 - y) ** 2) / 2


def batch_norm_code(beta, epsilon, g, gamma, x):
    centred = x - anp.mean(x)
    return anp.sum(g * (gamma * centred / anp.sqrt(anp.mean(centred**2) + epsilon) + beta))


scores = X @ w
p = cg.sigmoid(scores)
logistic = (cg.softplus(scores) - y * scores).sum()
q = cg.softmax(x)
quartic = (x @ A @ x) ** 2
factorisation = ((T - U @ V.T) ** 2).sum()
hidden = np.tanh(W1 @ x + b1)
network = ((W2 @ hidden + b2 - y) ** 2).sum() / 2
delta = W2 @ hidden + b2 - y
back = (W2.T @ delta) * (1 - hidden**2)
DELTA = "(W₂ tanh(W₁x + b₁) + b₂ − y)"
BACK = f"(W₂ᵀ{DELTA}) ⊙ (1 − tanh²(W₁x + b₁))"
centred = entries - entries.mean()
deviation = np.sqrt((centred * centred).mean() + epsilon)
standard = centred / deviation
batch_norm = (g * (gain * standard + shift)).sum()
inverse = cg.inverse(M)
VARIANCE = "(1/m)xᵀx + ε − (1/m²)(𝟏ᵀx)²"

ITEMS = [
    Item("linear", theta @ x, "grad", "theta", "x", x, lambda theta, x: theta @ x),
    Item("quadratic", x @ A @ x, "grad", "x", "(A + Aᵀ)x", A @ x + A.T @ x, lambda A, x: x @ A @ x),
    Item("quadratic, symmetric", x @ S @ x, "grad", "x", "2Sx", 2 * S @ x, lambda S, x: x @ S @ x),
    Item(
        "least squares", ((X @ x - y) ** 2).sum(), "grad", "x", "2Xᵀ(Xx − y)",
        2 * X.T @ (X @ x - y), lambda X, x, y: anp.sum((X @ x - y) ** 2),
    ),
    Item(
        "regression", ((y - X @ theta) ** 2).sum() / 2, "grad", "theta", "Xᵀ(Xθ − y)",
        X.T @ (X @ theta - y), lambda X, theta, y: anp.sum((y - X @ theta) ** 2) / 2,
    ),
    Item(
        "regression, Hessian", ((y - X @ theta) ** 2).sum() / 2, "hessian", "theta", "XᵀX",
        X.T @ X, lambda X, theta, y: anp.sum((y - X @ theta) ** 2) / 2,
    ),
    Item(
        "linear layer", ((W @ x - y) ** 2).sum(), "grad", "W", "2(Wx − y)xᵀ",
        cg.outer(2 * (W @ x - y), x), lambda W, x, y: anp.sum((W @ x - y) ** 2),
    ),
    Item("logistic", logistic, "grad", "w", "Xᵀ(σ(Xw) − y)", X.T @ (p - y), logistic_code),
    Item(
        "logistic, Hessian", logistic, "hessian", "w", "Xᵀ diag(σ(Xw) ⊙ (1 − σ(Xw))) X",
        X.T @ cg.diag(p * (1 - p)) @ X, logistic_code,
    ),
    Item(
        "softmax", q, "jacobian", "x", "diag(p) − ppᵀ", cg.diag(q) - cg.outer(q, q), softmax,
    ),
    Item(
        "cross-entropy", -(target * cg.log_softmax(x)).sum(), "grad", "x", "softmax(x) − y",
        q - target, lambda x, y: -anp.sum(y * anp.log(softmax(x))),
    ),
    Item("logsumexp", cg.logsumexp(x), "grad", "x", "softmax(x)", np.exp(x) / np.exp(x).sum(),
         lambda x: anp.log(anp.sum(anp.exp(x)))),
    Item("logsumexp, Hessian", cg.logsumexp(x), "hessian", "x", "diag(p) − ppᵀ",
         cg.diag(q) - cg.outer(q, q), lambda x: anp.log(anp.sum(anp.exp(x)))),
    Item("log det", cg.logdet(M), "grad", "X", "X⁻ᵀ", inverse.T,
         lambda X: anp.linalg.slogdet(X)[1]),
    Item("trace", cg.trace(B @ P @ X), "grad", "X", "PᵀBᵀ", (B @ P).T,
         lambda B, P, X: anp.trace(B @ P @ X)),
    Item("trace of a product", cg.trace(V.T @ X.T @ U), "grad", "X", "UVᵀ", U @ V.T,
         lambda U, V, X: anp.trace(V.T @ X.T @ U)),
    Item("inverse", a @ inverse @ b, "grad", "X", "−X⁻ᵀabᵀX⁻ᵀ",
         -cg.outer(inverse.T @ a, inverse @ b), lambda X, a, b: a @ anp.linalg.inv(X) @ b),
    Item("trace, quadratic", cg.trace(B.T @ A @ B), "grad", "B", "(A + Aᵀ)B", A @ B + A.T @ B,
         lambda A, B: anp.trace(B.T @ A @ B)),
    Item("Frobenius norm", cg.norm(X), "grad", "X", "X/‖X‖", X / np.sqrt((X * X).sum()), norm),
    Item("det", np.linalg.det(M), "grad", "X", "det(X) X⁻ᵀ", np.linalg.det(M) * inverse.T,
         anp.linalg.det),
    Item("norm", cg.norm(x), "grad", "x", "x/‖x‖", x / np.sqrt(x @ x), norm),
    Item("norm, Hessian", cg.norm(x), "hessian", "x", "I/‖x‖ − xxᵀ/‖x‖³",
         identity("n") / cg.norm(x) - cg.outer(x, x) / (x @ x) ** 1.5, norm),
    Item("fourth power", cg.trace(A @ A @ A @ A), "grad", "A", "4(A³)ᵀ", 4 * (A @ A @ A).T,
         lambda A: anp.trace(A @ A @ A @ A)),
    Item("quartic", quartic, "grad", "x", "2(xᵀAx)(A + Aᵀ)x", 2 * (x @ A @ x) * ((A + A.T) @ x),
         lambda A, x: (x @ A @ x) ** 2),
    Item("quartic, Hessian", quartic, "hessian", "x",
         "2(xᵀAx)(A + Aᵀ) + 2(A + Aᵀ)xxᵀ(A + Aᵀ)",
         2 * (x @ A @ x) * (A + A.T) + 2 * cg.outer((A + A.T) @ x, (A + A.T) @ x),
         lambda A, x: (x @ A @ x) ** 2),
    Item("factors, by U", factorisation, "grad", "U", "2(UVᵀ − T)V", 2 * (U @ V.T - T) @ V,
         factorisation_code),
    Item("factors, by V", factorisation, "grad", "V", "2(VUᵀ − Tᵀ)U", 2 * (U @ V.T - T).T @ U,
         factorisation_code),
    Item("factors, block U", factorisation, "hessian", "U",
         "∂²f/∂U²[i,j,l,p] = 2·Σ_q δ[i,l]·V[q,j]·V[q,p]",
         2 * cg.einsum("il,jp->ijlp", identity("m"), V.T @ V), factorisation_code),
    Item("factors, block V", factorisation, "hessian", "V",
         "∂²f/∂V²[i,j,l,p] = 2·Σ_q δ[i,l]·U[q,j]·U[q,p]",
         2 * cg.einsum("il,jp->ijlp", identity("n"), U.T @ U), factorisation_code),
    Item("factors, cross block", factorisation, "cross", "U V",
         "∂²f/∂U∂V[i,j,l,p] = "
         "2·Σ_q δ[j,p]·U[i,q]·V[l,q] + 2·U[i,p]·V[l,j] − 2·δ[j,p]·T[i,l]",
         2 * cg.einsum("il,jp->ijlp", U @ V.T - T, identity("k"))
         + 2 * cg.einsum("ip,lj->ijlp", U, V), factorisation_code),
    Item("network, W₁", network, "grad", "W1", f"({BACK})xᵀ", cg.outer(back, x), network_code),
    Item("network, b₁", network, "grad", "b1", BACK, back, network_code),
    Item("network, W₂", network, "grad", "W2", f"{DELTA}(tanh(W₁x + b₁))ᵀ",
         cg.outer(delta, hidden), network_code),
    Item("network, b₂", network, "grad", "b2", DELTA[1:-1], delta, network_code),
    Item("batch norm, x", batch_norm, "grad", "x",
         "γ(g + (1/m²)(gᵀx)(𝟏ᵀx)𝟏/s + (1/m²)(𝟏ᵀg)(𝟏ᵀx)x/s − (1/m³)(𝟏ᵀg)(𝟏ᵀx)²𝟏/s − "
         "(1/m)(𝟏ᵀg)𝟏 − (1/m)(gᵀx)x/s)/√s",
         gain / deviation * (g - g.mean() - standard * (g * standard).mean()), batch_norm_code),
    Item("batch norm, γ", batch_norm, "grad", "gamma",
         f"gᵀx/√({VARIANCE}) − (1/m)(𝟏ᵀg)(𝟏ᵀx)/√({VARIANCE})", g @ standard, batch_norm_code),
    Item("batch norm, β", batch_norm, "grad", "beta", "𝟏ᵀg", g.sum(), batch_norm_code),
    Item("third order", W @ x, "jacobian", "W", "∂f/∂W[i,j,k] = δ[i,j]·x[k]",
         cg.einsum("ij,k->ijk", identity("m"), x), lambda W, x: W @ x),
]  # fmt: skip
TITLES = [item.title for item in ITEMS]
every_item = pytest.mark.parametrize("item", ITEMS, ids=TITLES)


def derived(item):
    c = cg.circuit(f=item.value)
    if item.kind != "cross":
        return getattr(c, item.kind)(item.wrt)
    first, second = item.wrt.split()
    gradient = c.grad(first).outputs[0]
    block = cg.circuit(inputs=c.inputs, f=gradient).jacobian(second).outputs[0]
    return type(c)(c.inputs, [block], [f"∂²f/∂{first}∂{second}"], leading=[2])


def by_autograd(item, values):
    names = sorted(values)
    place = names.index(item.wrt.split()[0])
    given = [values[name] for name in names]
    if item.kind == "cross":
        first = autograd.grad(item.code, place)
        return autograd.jacobian(first, names.index(item.wrt.split()[1]))(*given)
    return getattr(autograd, item.kind)(item.code, place)(*given)


def body(line):
    """What stands right of the equals sign, without notes; the whole line of an index form."""
    line = line.split("   (")[0]
    return line if line.partition(" = ")[0].endswith("]") else line.split(" = ", 1)[1]


def forms(item):
    c = derived(item)
    shown = {"text": c.matrix(), "latex": c.matrix(latex=True)}
    shown |= {"index": c.index(), "index, latex": c.index(latex=True)}
    shown |= {layout: c.matrix(layout=layout) for layout in ("numerator", "denominator")}
    return shown


@every_item
def test_it_prints_as_a_person_writes_it(item):
    assert body(derived(item).matrix()) == item.text


@every_item
def test_all_its_forms(item):
    assert forms(item) == json.loads(GOLDEN.read_text(encoding="utf-8"))[item.title]


@every_item
def test_it_is_what_is_expected_for_every_size(item):
    (found,) = derived(item).outputs
    assert are_equal(tensor_form(found), tensor_form(item.expected))


def sizes_of(item, seed):
    """Random lengths; every axis of length 1; each axis alone of length 1; one axis longer."""
    rng = np.random.default_rng(seed)
    axes = sorted({axis for wire in cg.circuit(f=item.value).inputs for axis in wire.shape})
    yield {axis: int(rng.integers(1, 5)) for axis in axes}
    yield dict.fromkeys(axes, 1)
    for one in axes:
        yield {axis: 1 if axis == one else int(rng.integers(2, 5)) for axis in axes}


def sample(circuit, sizes, rng):
    values = {}
    for wire in circuit.inputs:
        array = rng.normal(size=[sizes[axis] for axis in wire.shape])
        if wire.ndim == 2 and wire.shape[0] == wire.shape[1]:
            array = array + array.T + 5 * np.eye(len(array))
            array[0, -1] += 0 if "symmetric" in wire.gate.facts else 0.7
        if "normalized" in wire.gate.facts:
            array = np.abs(array) / np.abs(array).sum()
        values[wire.label] = np.abs(array) if "positive" in wire.gate.facts else array
    return values


@every_item
def test_its_numbers_are_those_of_autograd(item):
    c, rng = derived(item), np.random.default_rng(7)
    for sizes in sizes_of(item, 8):
        values = sample(c, sizes, rng)
        expected = by_autograd(item, values)
        np.testing.assert_allclose(c(**values), expected, rtol=1e-7, atol=1e-9, err_msg=str(sizes))
