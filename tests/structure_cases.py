"""Derivatives with their matrices written by hand, and what operators are asked to agree with."""

import numpy as np
from scipy.sparse.linalg import LinearOperator

import circuitgrad as cgrad


def point(circuit, sizes, seed=0):
    """Positive values for the inputs of a circuit at these sizes."""
    generator = np.random.default_rng(seed)
    return {
        wire.label: generator.uniform(0.3, 1.7, [sizes.get(a, a) for a in wire.shape])
        for wire in circuit.inputs
    }


def wires():
    """Inputs by name whose axes are m, n, k."""
    shapes = {"x": "n", "w": "n", "y": "m", "A": "n n", "X": "m n", "W": "m n",
              "T": "m n", "U": "m k", "V": "n k", "B": "k m"}  # fmt: skip
    return {name: cgrad.input(name, shape) for name, shape in shapes.items()}


IN = wires()


def logistic():
    scores = IN["X"] @ IN["w"]
    return cgrad.circuit(L=np.sum(cgrad.softplus(scores) - IN["y"] * scores))


def factorisation():
    return cgrad.circuit(L=np.sum((IN["T"] - IN["U"] @ IN["V"].T) ** 2))


def least_squares():
    return cgrad.circuit(L=np.sum((IN["X"] @ IN["w"] - IN["y"]) ** 2))


def trace_of_product():
    return cgrad.circuit(f=np.trace(IN["A"] @ IN["A"]))


def network():
    W1, b1, W2 = cgrad.input("W1", "k n"), cgrad.input("b1", "k"), cgrad.input("W2", "m k")
    hidden = np.tanh(W1 @ IN["x"] + b1)
    return cgrad.circuit(L=np.sum((W2 @ hidden - IN["y"]) ** 2))


def agrees(operator, expected, rtol=1e-10):
    """An operator against a matrix: every way to use it."""
    generator = np.random.default_rng(1)
    rows, columns = expected.shape
    assert isinstance(operator, LinearOperator)
    assert operator.shape == expected.shape
    scale = dict(rtol=rtol, atol=1e-11 * (1 + np.abs(expected).max(initial=0)))
    x, many = generator.normal(size=columns), generator.normal(size=(columns, 3))
    y, left = generator.normal(size=rows), generator.normal(size=(rows, 2))
    np.testing.assert_allclose(operator @ x, expected @ x, **scale)
    np.testing.assert_allclose(operator @ many, expected @ many, **scale)
    np.testing.assert_allclose(operator.rmatvec(y), expected.T @ y, **scale)
    np.testing.assert_allclose(operator.T @ left, expected.T @ left, **scale)
    np.testing.assert_allclose(operator.H @ left, expected.T @ left, **scale)
    np.testing.assert_allclose(operator @ (1j * x + x), expected @ (1j * x + x), **scale)
    np.testing.assert_allclose(operator.todense(), expected, **scale)
    np.testing.assert_allclose(operator.T.todense(), expected.T, **scale)
    np.testing.assert_allclose(operator.tosparse().toarray(), expected, **scale)
    np.testing.assert_allclose(operator.diagonal(), np.diagonal(expected), **scale)


def softmax_of(x):
    e = np.exp(x - x.max())
    return e / e.sum()


def hand_softmax(v):
    p = softmax_of(v["x"])
    return np.diag(p) - np.outer(p, p)


def hand_logistic(v):
    s = 1 / (1 + np.exp(-v["X"] @ v["w"]))
    return v["X"].T @ np.diag(s * (1 - s)) @ v["X"]


def hand_factorisation(v):
    U, V, T = v["U"], v["V"], v["T"]
    (m, k), n = U.shape, len(V)
    residual = T - U @ V.T
    cross = 2 * np.einsum("ib,na->ianb", U, V)
    cross -= 2 * np.einsum("ab,in->ianb", np.eye(k), residual)
    cross = cross.reshape(m * k, n * k)
    top = np.hstack([np.kron(np.eye(m), 2 * V.T @ V), cross])
    return np.vstack([top, np.hstack([cross.T, np.kron(np.eye(n), 2 * U.T @ U)])])


def hand_exchange(v):
    n = len(v["A"])
    return 2 * np.einsum("il,jk->ijkl", np.eye(n), np.eye(n)).reshape(n * n, n * n)


def hand_logdet(v):
    inverse = np.linalg.inv(v["A"])
    n = len(inverse)
    return -np.einsum("jk,li->ijkl", inverse, inverse).reshape(n * n, n * n)


CLOSED_FORMS = {
    "softmax": (lambda: cgrad.circuit(f=cgrad.softmax(IN["x"])).jacobian("x"), hand_softmax),
    "logistic regression": (lambda: logistic().hessian("w"), hand_logistic),
    "least squares": (
        lambda: least_squares().hessian("w"),
        lambda v: 2 * v["X"].T @ v["X"],
    ),
    "factorisation by U": (
        lambda: factorisation().hessian("U"),
        lambda v: np.kron(np.eye(len(v["U"])), 2 * v["V"].T @ v["V"]),
    ),
    "factorisation by both": (lambda: factorisation().hessian(["U", "V"]), hand_factorisation),
    "entry by entry": (
        lambda: cgrad.circuit(f=np.sum(np.exp(IN["x"]))).hessian("x"),
        lambda v: np.diag(np.exp(v["x"])),
    ),
    "squares": (
        lambda: cgrad.circuit(f=np.sum(IN["x"] ** 2)).hessian("x"),
        lambda v: 2 * np.eye(len(v["x"])),
    ),
    "a quadratic form": (
        lambda: cgrad.circuit(f=IN["x"] @ IN["A"] @ IN["x"]).hessian("x"),
        lambda v: v["A"] + v["A"].T,
    ),
    "a squared quadratic form": (
        lambda: cgrad.circuit(f=(IN["x"] @ IN["A"] @ IN["x"]) ** 2).hessian("x"),
        lambda v: (
            2 * (v["x"] @ v["A"] @ v["x"]) * (v["A"] + v["A"].T)
            + 2 * np.outer((v["A"] + v["A"].T) @ v["x"], (v["A"] + v["A"].T) @ v["x"])
        ),
    ),
    "a sandwich": (
        lambda: cgrad.circuit(f=IN["A"] @ IN["V"] @ IN["B"]).jacobian("V"),
        lambda v: np.kron(v["A"], v["B"].T),
    ),
    "Wx by W": (
        lambda: cgrad.circuit(f=IN["W"] @ IN["x"]).jacobian("W"),
        lambda v: np.kron(np.eye(len(v["W"])), v["x"][None]),
    ),
    "an exchange": (lambda: trace_of_product().hessian("A"), hand_exchange),
    "log det": (lambda: cgrad.circuit(f=cgrad.logdet(IN["A"])).hessian("A"), hand_logdet),
    "ridge": (
        lambda: cgrad.circuit(
            L=np.sum((IN["X"] @ IN["w"] - IN["y"]) ** 2) + 3 * np.sum(IN["w"] ** 2)
        ).hessian("w"),
        lambda v: 2 * v["X"].T @ v["X"] + 6 * np.eye(len(v["w"])),
    ),
    "a row": (lambda: cgrad.circuit(f=np.sum(IN["x"] ** 2)).grad("x"), lambda v: 2 * v["x"][None]),
    "a diagonal made": (
        lambda: cgrad.circuit(f=cgrad.diag(IN["x"])).jacobian("x"),
        lambda v: np.eye(len(v["x"]) ** 2)[:: len(v["x"]) + 1].T,
    ),
}
SIZES = [dict(m=4, n=3, k=2), dict(m=2, n=5, k=3), dict(m=1, n=1, k=1), dict(m=1, n=4, k=1)]
