"""Linear systems with structured derivatives, and operators of circuits made at random."""

import numpy as np
import pytest
import scipy.sparse
from hypothesis import given
from hypothesis import strategies as st

import circuitgrad as cgrad
from circuitgrad.structures.operators import DerivativeOperator
from circuitgrad.structures.parts import Sparse
from tests import strategies  # noqa: F401 - its settings hold here
from tests.structure_cases import (
    CLOSED_FORMS,
    IN,
    SIZES,
    agrees,
    factorisation,
    least_squares,
    point,
)

# --- solving -------------------------------------------------------------------------------------

SOLVED = {
    "diagonal": lambda: cgrad.circuit(f=np.sum(np.exp(IN["x"]) * IN["x"])).hessian("x"),
    "identity": lambda: cgrad.circuit(f=np.sum(IN["x"] ** 2)).hessian("x"),
    "Kronecker": lambda: factorisation().hessian("U"),
    "Kronecker and identity": lambda: cgrad.circuit(
        L=np.sum((IN["T"] - IN["U"] @ IN["V"].T) ** 2) + np.sum(IN["U"] ** 2)
    ).hessian("U"),
    "blocks": lambda: cgrad.circuit(
        L=np.sum(cgrad.logsumexp(IN["X"], axis=1)) + np.sum(IN["X"] ** 2)
    ).hessian("X"),
    "diagonal and rank 1": lambda: cgrad.circuit(
        f=cgrad.logsumexp(IN["x"]) + np.sum(IN["x"] ** 4)
    ).hessian("x"),
    "rank 2": lambda: cgrad.circuit(
        f=cgrad.logsumexp(IN["x"]) + cgrad.norm(IN["x"]) + np.sum(IN["x"] ** 2)
    ).hessian("x"),
    "a product": lambda: least_squares().hessian("w"),
    "ridge": CLOSED_FORMS["ridge"][0],
    "log det": CLOSED_FORMS["log det"][0],
    "an exchange": CLOSED_FORMS["an exchange"][0],
    "several inputs": lambda: cgrad.circuit(
        L=np.sum((IN["T"] - IN["U"] @ IN["V"].T) ** 2) + 9 * np.sum(IN["U"] ** 2 + 0) + 9 * np.sum(
            IN["V"] ** 2)
    ).hessian(["U", "V"]),
}  # fmt: skip


@pytest.mark.parametrize("sizes", [dict(m=7, n=4, k=2), dict(m=1, n=1, k=1)], ids=str)
@pytest.mark.parametrize("name", SOLVED)
def test_solve_inverts_the_operator(name, sizes):
    circuit = SOLVED[name]()
    operator = circuit.operator(**point(circuit, sizes))
    matrix = operator.todense()
    b = np.random.default_rng(2).normal(size=(len(matrix), 2))
    expected = np.linalg.solve(matrix, b)
    np.testing.assert_allclose(operator.solve(b), expected, rtol=1e-8, atol=1e-10)
    np.testing.assert_allclose(operator.solve(b[:, 0]), expected[:, 0], rtol=1e-8, atol=1e-10)
    np.testing.assert_allclose(operator.T.solve(b), np.linalg.solve(matrix.T, b), rtol=1e-8,
                               atol=1e-10)  # fmt: skip


def test_solve_never_writes_a_large_kronecker_product_out():
    circuit = factorisation().hessian("U")
    m = 100_000  # the matrix would have 9·10¹⁰ entries
    values = point(circuit, dict(m=m, n=5, k=3))
    operator = circuit.operator(**values)
    b = np.random.default_rng(0).normal(size=(m, 3))
    gram = 2 * values["V"].T @ values["V"]
    np.testing.assert_allclose(
        operator.solve(b.ravel()).reshape(m, 3), np.linalg.solve(gram, b.T).T, rtol=1e-7, atol=1e-9
    )
    np.testing.assert_allclose(operator @ b.ravel(), (b @ gram).ravel(), rtol=1e-10, atol=1e-12)


def test_solve_with_a_diagonal_plus_rank_one_is_not_dense():
    circuit = SOLVED["diagonal and rank 1"]()
    operator = circuit.operator(**point(circuit, dict(n=50_000)))
    b = np.random.default_rng(0).normal(size=50_000)
    np.testing.assert_allclose(operator @ operator.solve(b), b, rtol=1e-9, atol=1e-9)


def test_solve_with_few_samples_and_many_weights_is_not_dense():
    circuit = CLOSED_FORMS["ridge"][0]()
    values = point(circuit, dict(m=20, n=30_000))
    operator = circuit.operator(**values)
    b = np.random.default_rng(0).normal(size=30_000)
    X = values["X"]  # (6 + 2XᵀX)⁻¹ = (1 - Xᵀ(3 + XXᵀ)⁻¹X) / 6
    expected = (b - X.T @ np.linalg.solve(3 * np.eye(20) + X @ X.T, X @ b)) / 6
    np.testing.assert_allclose(operator.solve(b), expected, rtol=1e-9, atol=1e-12)


@pytest.mark.parametrize(
    ("made", "values", "reason"),
    [
        (lambda: cgrad.circuit(f=cgrad.softmax(IN["x"])).jacobian("x"), dict(x=[1.0, 2, 3]),
         "its part of rank 1 takes away a direction"),
        (lambda: cgrad.circuit(f=np.sum(IN["x"] ** 3)).hessian("x"), dict(x=[1.0, 0.0]),
         "entry 1 of its diagonal is 0"),
        (lambda: cgrad.circuit(f=np.sum(IN["x"])).hessian("x"), dict(x=[1.0, 2.0]),
         "every entry is 0"),
        (lambda: cgrad.circuit(f=IN["x"] @ IN["A"] @ IN["x"]).hessian("x"),
         dict(x=[1.0, 2], A=[[1, 2], [2, 4]]), "reciprocal condition number"),
        (lambda: cgrad.circuit(f=np.sum((IN["X"] @ IN["w"]) ** 2)).hessian("w"),
         dict(X=[[1.0, 1.0]], w=[0, 0]), "its rank is at most 1 of 2"),
        (lambda: cgrad.circuit(f=np.sum(cgrad.softmax(IN["X"]) * IN["T"])).hessian("X"),
         dict(X=[[1.0, 2], [3, 5]], T=[[1, 2], [3, 5]]), "block 0 of its diagonal"),
    ],
)  # fmt: skip
def test_singular_systems_are_refused_with_the_reason(made, values, reason):
    operator = made().operator(**values)
    with pytest.raises(cgrad.DomainError, match=f"singular to working precision: .*{reason}"):
        operator.solve(np.ones(operator.shape[0]))


def sparse_operator(matrix):
    part = Sparse(scipy.sparse.csr_array(matrix))
    return DerivativeOperator(part, "∂f/∂x", "sparse", lambda: None)


def test_a_matrix_of_stored_entries_is_an_operator_too():
    matrix = np.array([[2.0, -1, 0], [-1, 2, -1], [0, -1, 2]])
    operator = sparse_operator(matrix)
    agrees(operator, matrix)
    agrees(sparse_operator(matrix[:2]), matrix[:2])
    np.testing.assert_allclose(operator.solve([1.0, 0, 0]), [0.75, 0.5, 0.25], rtol=1e-14)
    with pytest.raises(cgrad.DomainError, match="sparse LU"):
        sparse_operator(matrix * [1, 1, 0]).solve(np.ones(3))
    with pytest.raises(cgrad.DomainError, match="sparse LU"):
        sparse_operator(np.ones((2, 2))).solve(np.ones(2))


def test_solve_refuses_what_is_not_finite():
    operator = cgrad.circuit(f=np.sum(IN["x"] ** 3)).hessian("x").operator(x=[np.nan, 1.0])
    with pytest.raises(cgrad.DomainError, match="infinite or no numbers"):
        operator.solve([1.0, 2.0])


def test_solve_refuses_shapes_that_do_not_fit():
    operator = (
        cgrad.circuit(f=IN["W"] @ IN["x"])
        .jacobian("W")
        .operator(**point(cgrad.circuit(f=IN["W"] @ IN["x"]), dict(m=2, n=3)))
    )
    with pytest.raises(cgrad.ShapeError, match="is 2 × 6; needed a square matrix"):
        operator.solve(np.ones(2))
    square = factorisation().hessian("U").operator(**point(factorisation(), SIZES[0]))
    with pytest.raises(cgrad.ShapeError, match=r"b has the shape \(3,\); needed \(8,\)"):
        square.solve(np.ones(3))


def test_solve_gives_the_zero_of_an_empty_system():
    operator = cgrad.circuit(f=np.sum(IN["x"] ** 2)).hessian("x").operator(x=np.zeros(0))
    assert operator.solve(np.zeros(0)).shape == (0,)


# --- any circuit ---------------------------------------------------------------------------------

PIECES = [
    lambda x, A: np.sum(np.sin(x) * x),
    lambda x, A: cgrad.logsumexp(x),
    lambda x, A: np.sum(cgrad.softmax(x) * x),
    lambda x, A: x @ A @ x,
    lambda x, A: np.sum(np.tanh(A @ x)),
    lambda x, A: np.sum(np.exp(A.T @ (x * x))),
    lambda x, A: (x @ x) ** 2,
    lambda x, A: np.sum(x) ** 3,
    lambda x, A: cgrad.norm(x - 2),
    lambda x, A: np.mean((A * x - x) ** 2),
    lambda x, A: np.sum(A @ A * np.outer(x, x)),
    lambda x, A: np.sum(A / (1 + x * x)),
    lambda x, A: np.trace(A @ A @ cgrad.diag(x)),
]


@given(
    st.lists(st.integers(0, len(PIECES) - 1), min_size=1, max_size=3),
    st.integers(0, 4),
    st.sampled_from(["xx", "xA", "AA", "both"]),
    st.integers(0, 3),
)
def test_operators_agree_with_the_derivative_of_any_circuit(chosen, n, which, seed):
    x, A = cgrad.input("x", "n"), cgrad.input("A", "n n")
    if n == 0 and {1, 2, 8, 9} & set(chosen):
        return  # the largest and the mean of nothing do not exist
    f = cgrad.circuit(f=sum(PIECES[k](x, A) for k in chosen), inputs=[x, A])
    values = point(f, dict(n=n), seed)
    derivative = {
        "xx": lambda: f.hessian("x"),
        "xA": lambda: f.grad("x").jacobian("A"),
        "AA": lambda: f.hessian("A"),
        "both": lambda: f.hessian(["x", "A"]),
    }[which]()
    operator = derivative.operator(**values)
    expected = exact_derivative(f, values, which)
    agrees(operator, expected, rtol=1e-8)
    rows, columns = operator.shape
    if rows == columns and rows and np.linalg.cond(expected) < 1e6:
        b = np.random.default_rng(seed).normal(size=rows)
        np.testing.assert_allclose(operator.solve(b), np.linalg.solve(expected, b), rtol=1e-6,
                                   atol=1e-7)  # fmt: skip


def exact_derivative(f, values, which):
    """The second derivative column by column, by products with unit directions."""
    product = f.hvp(["x", "A"])
    n = len(values["x"])
    count = n + n * n
    matrix = np.zeros((count, count))
    for k in range(count):
        unit = np.zeros(count)
        unit[k] = 1
        found = product(**values, direction_x=unit[:n], direction_A=unit[n:].reshape(n, n))
        matrix[:, k] = np.concatenate([np.ravel(found["hvp_x"]), np.ravel(found["hvp_A"])])
    x, A, every = slice(n), slice(n, None), slice(None)
    top, side = {"xx": (x, x), "xA": (x, A), "AA": (A, A), "both": (every, every)}[which]
    return matrix[top, side]
