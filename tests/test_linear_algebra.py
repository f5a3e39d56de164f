"""Gates of matrices, spectra, products and sequences: values, derivatives, degenerate cases."""

import itertools

import autograd
import autograd.numpy as anp
import mpmath
import numpy as np
import numpy.testing as npt
import pytest

import circuitgrad as cg
from circuitgrad.formulas.symbolic import expressions
from circuitgrad.gates.matrices import cofactor, cofactor_change

RANDOM = np.random.default_rng(5)
S = RANDOM.normal(size=(3, 3))
X = np.array([0.7, -1.3, 2.1, 0.4, -0.2])
RANK_ONE = np.outer([1.0, 2.0, 3.0], [1.0, -1.0, 2.0])


def leibniz(a):
    """The determinant of size 3 as a polynomial."""
    total = 0.0
    for order in itertools.permutations(range(3)):
        swaps = sum(order[i] > order[j] for i, j in itertools.combinations(range(3), 2))
        total = total + (-1) ** swaps * a[0, order[0]] * a[1, order[1]] * a[2, order[2]]
    return total


def weighted(result):
    """A sum with weights that no symmetry hides behind."""
    flat = np.reshape(result, -1)
    return np.sum(np.sin(np.arange(1.0, flat.shape[0] + 1)) * flat**2)


# The same code for both packages.
PEERS = {
    "det": (lambda np, a: np.linalg.det(a), S),
    "log det": (lambda np, a: np.linalg.slogdet(a)[1], S),
    "sign of det": (lambda np, a: np.linalg.slogdet(a)[0] * np.sum(a**2), S),
    "cholesky": (lambda np, a: np.linalg.cholesky(a @ a.T + np.eye(3)), S),
    "eigenvalues": (lambda np, a: np.linalg.eigh(a + a.T)[0], S),
    "eigenvectors": (lambda np, a: np.linalg.eigh(a + a.T)[1] ** 2, S),
    "nuclear norm": (lambda np, a: np.linalg.norm(a, "nuc"), S),
    "kron": (lambda np, a: np.kron(a, a[:2, 1:]), S),
    "tensordot": (lambda np, a: np.tensordot(a, a, axes=([1], [0])), S),
    "prod": (lambda np, a: np.prod(a, axis=1), S),
    "cumsum": (lambda np, a: np.cumsum(a**2, axis=0), S),
    "sort": (lambda np, x: np.sort(x**3), X),
    "tril": (lambda np, a: np.tril(a) @ np.triu(a, 1), S),
}

# What autograd has no (right) rule for, against the same function by other means.
TWINS = {
    "matrix power": (lambda a: np.linalg.matrix_power(a, 3), lambda a: a @ a @ a, S),
    "negative power": (
        lambda a: np.linalg.matrix_power(a, -2), lambda a: np.linalg.inv(a @ a), S,
    ),
    "convolve": (
        lambda x: np.convolve(x, x[:2]),
        lambda x: np.concatenate([x * x[0], [0.0]]) + np.concatenate([[0.0], x * x[1]]), X,
    ),
    "convolve same": (
        lambda x: np.convolve(x, x[:3], "same"), lambda x: np.convolve(x, x[:3])[1:-1], X,
    ),
    "convolve valid": (
        lambda x: np.convolve(x, x[:2], "valid"), lambda x: x[1:] * x[0] + x[:-1] * x[1], X,
    ),
    "cumprod": (
        np.cumprod, lambda x: np.stack([np.prod(x[: k + 1]) for k in range(5)]), X,
    ),
    "spectral norm": (
        lambda a: np.linalg.norm(a, 2), lambda a: np.sqrt(np.linalg.eigvalsh(a.T @ a)[2]), S,
    ),
    "top k": (lambda x: cg.top_k(x**3, 2), lambda x: np.sort(x**3)[::-1][:2], X),
    "median": (np.median, lambda x: np.sort(x)[2], X),
}  # fmt: skip


@pytest.mark.parametrize("name", PEERS)
def test_first_and_second_derivatives_are_autograds(name):
    f, at = PEERS[name]
    own, peer = (lambda a: weighted(f(np, a))), (lambda a: weighted_by_autograd(f(anp, a)))
    npt.assert_allclose(own(at), peer(at), rtol=1e-12)
    npt.assert_allclose(cg.grad(own)(at), autograd.grad(peer)(at), rtol=1e-8, atol=1e-9)
    npt.assert_allclose(cg.hessian(own)(at), autograd.hessian(peer)(at), rtol=1e-7, atol=1e-8)


def weighted_by_autograd(result):
    flat = anp.reshape(result, -1)
    return anp.sum(np.sin(np.arange(1.0, flat.shape[0] + 1)) * flat**2)


@pytest.mark.parametrize("name", TWINS)
def test_derivatives_are_those_of_the_same_function_written_otherwise(name):
    f, twin, at = TWINS[name]
    npt.assert_allclose(cg.vjp(f, at)[0], twin(at), rtol=1e-12)
    for derivative in (cg.jacobian, lambda g: cg.jacobian(cg.jacobian(g))):
        npt.assert_allclose(derivative(f)(at), derivative(twin)(at), rtol=1e-8, atol=1e-9)


ALL = {**{k: (lambda a, f=f: f(np, a), at) for k, (f, at) in PEERS.items()},
       **{k: (f, at) for k, (f, _, at) in TWINS.items()}}  # fmt: skip


@pytest.mark.parametrize("name", ALL)
def test_forward_and_reverse_mode_are_adjoint_at_first_and_second_order(name):
    f, at = ALL[name]
    v = RANDOM.normal(size=at.shape)
    for g in (f, cg.jacobian(f)):
        value, pullback = cg.vjp(g, at)
        _, pushed = cg.jvp(g, (at,), (v,))
        u = RANDOM.normal(size=np.shape(value))
        npt.assert_allclose(np.sum(u * pushed), np.sum(pullback(u)[0] * v), rtol=1e-7, atol=1e-9)


def test_det_against_fifty_digits():
    with mpmath.workdps(50):
        exact = mpmath.matrix(S.tolist())
        npt.assert_allclose(float(mpmath.det(exact)), np.linalg.det(S), rtol=1e-13)
        inverse = np.array((exact**-1).T.tolist(), dtype=float)
        npt.assert_allclose(cg.grad(lambda a: np.linalg.slogdet(a)[1])(S), inverse, rtol=1e-10)


class TestSingular:
    @pytest.mark.parametrize(
        "a", [RANK_ONE, np.zeros((3, 3)), np.arange(1.0, 10).reshape(3, 3), S, np.eye(3)]
    )
    def test_det_has_its_first_and_second_derivative(self, a):
        npt.assert_allclose(cg.grad(np.linalg.det)(a), cg.grad(leibniz)(a), atol=1e-9)
        npt.assert_allclose(cg.hessian(np.linalg.det)(a), cg.hessian(leibniz)(a), atol=1e-9)
        v = S.T
        npt.assert_allclose(cg.hvp(np.linalg.det)(a, v), cg.hvp(leibniz)(a, v), atol=1e-9)

    def test_the_third_derivative_of_det_where_it_exists_and_where_it_is_refused(self):
        third = cg.jacobian(cg.hessian(np.linalg.det))
        npt.assert_allclose(third(S), cg.jacobian(cg.hessian(leibniz))(S), atol=1e-8)
        with pytest.raises(cg.DomainError, match="singular"):
            third(RANK_ONE)

    @pytest.mark.parametrize("size", [1, 2, 4])
    def test_the_gradient_of_det_at_other_sizes(self, size):
        a = RANDOM.normal(size=(size, size))
        expected = np.linalg.det(a) * np.linalg.inv(a).T
        npt.assert_allclose(cg.grad(np.linalg.det)(a), expected, rtol=1e-10)

    @pytest.mark.parametrize("f", [lambda a: cg.logdet(a), lambda a: np.linalg.slogdet(a)[1]])
    def test_log_det_is_refused_with_the_rank(self, f):
        with pytest.raises(cg.DomainError, match=r"singular \(rank 1, size 3\)"):
            cg.grad(f)(RANK_ONE)

    def test_log_det_where_det_overflows(self):
        a = 1e200 * np.diag([1.0, 2.0, 4.0])
        npt.assert_allclose(cg.grad(cg.logdet)(a), np.linalg.inv(a).T)
        assert np.linalg.slogdet(a)[0] == cg.circuit(s=cg.slogdet(cg.input("A", (3, 3)))[0])(A=a)


class TestSymmetric:
    def test_cholesky_has_a_symmetric_gradient(self):
        a = S @ S.T + np.eye(3)
        gradient = cg.grad(lambda a: weighted(np.linalg.cholesky(a)))(a)
        npt.assert_allclose(gradient, gradient.T, atol=1e-14)

    def test_cholesky_of_log_det(self):
        a = S @ S.T + np.eye(3)
        half = cg.grad(lambda a: np.sum(np.log(np.diag(np.linalg.cholesky(a)))))
        npt.assert_allclose(2 * half(a), np.linalg.inv(a), rtol=1e-10)

    @pytest.mark.parametrize(
        ("f", "a", "told"),
        [
            (np.linalg.cholesky, -np.eye(2), r"not positive definite \(smallest eigenvalue -1\)"),
            (np.linalg.cholesky, [[1.0, 2.0], [0.0, 1.0]], r"not symmetric.*\(A \+ A\.T\) / 2"),
            (np.linalg.eigvalsh, [[1.0, 2.0], [0.0, 1.0]], "eigvalsh: the matrix is not symmetric"),
            (np.linalg.eigvalsh, np.eye(3), "the eigenvalue 1 is repeated"),
            (lambda a: np.linalg.eigh(a)[1], np.diag([2.0, 5.0, 5.0]), "eigenvalue 5 is repeated"),
        ],
    )
    def test_what_has_no_derivative_is_refused_with_the_reason(self, f, a, told):
        with pytest.raises(cg.DomainError, match=told):
            cg.jacobian(f)(np.array(a))

    def test_repeated_eigenvalues_have_values(self):
        values, vectors = cg.eigh(cg.input("A", (3, 3)))
        found = cg.circuit(w=values, v=vectors)(A=np.eye(3))
        npt.assert_allclose(found["w"], np.ones(3))
        npt.assert_allclose(found["v"] @ found["v"].T, np.eye(3), atol=1e-15)

    def test_shapes_are_checked(self):
        for f in (cg.det, cg.logdet, cg.slogdet, cg.cholesky, cg.eigh, cg.eigvalsh):
            with pytest.raises(cg.ShapeError, match="needed a square matrix"):
                f(cg.input("A", (2, 3)))
        with pytest.raises(cg.ShapeError, match="no size yet"):
            cg.cholesky(cg.input("A", "n n"))


class TestTies:
    def test_sorted_ties_share_the_gradient(self):
        weights = np.array([1.0, 2.0, 4.0, 8.0])
        gradient = cg.grad(lambda x: np.sum(weights * np.sort(x)))(np.array([3.0, 1.0, 3.0, 3.0]))
        npt.assert_allclose(gradient, [14 / 3, 1, 14 / 3, 14 / 3])

    def test_rows_are_sorted_apart(self):
        x = np.array([[1.0, 1.0], [1.0, 0.0]])
        gradient = cg.grad(lambda x: np.sum(np.array([1.0, 3.0]) * np.sort(x)))(x)
        npt.assert_allclose(gradient, [[2, 2], [3, 1]])

    def test_pushing_forward_is_adjoint_at_ties(self):
        x, v, u = np.array([2.0, 1.0, 2.0]), np.array([1.0, 5.0, 3.0]), np.array([7.0, 1.0, 2.0])
        _, pullback = cg.vjp(np.sort, x)
        assert np.dot(cg.jvp(np.sort, (x,), (v,))[1], u) == np.dot(pullback(u)[0], v)

    @pytest.mark.parametrize("count", [0, 6])
    def test_top_k_checks_the_count(self, count):
        with pytest.raises(cg.ShapeError, match="needed 1 to 5"):
            cg.top_k(X, count)


class TestProducts:
    @pytest.mark.parametrize("zeros", [0, 1, 2, 3])
    def test_prod_with_zeros(self, zeros):
        x = np.array([2.0, 3.0, 5.0, 7.0, 11.0])
        x[:zeros] = 0.0
        others = [np.prod(np.delete(x, i)) for i in range(5)]
        npt.assert_allclose(cg.grad(np.prod)(x), others)
        pairs = [[np.prod(np.delete(x, [i, j])) * (i != j) for j in range(5)] for i in range(5)]
        npt.assert_allclose(cg.hessian(np.prod)(x), pairs)

    def test_prod_of_nothing_and_of_one(self):
        assert cg.circuit(f=cg.prod(cg.input("x", 0)))(x=np.zeros(0)) == 1.0
        assert cg.grad(np.prod)(np.array([3.0])) == [1.0]

    def test_wrong_convolutions(self):
        with pytest.raises(cg.SpecError, match="known are 'full', 'same' and 'valid'"):
            cg.convolve(X, X, "half")
        with pytest.raises(cg.ShapeError, match="needed a vector"):
            cg.convolve(S, X)


def test_cofactors_are_differentiated_along_batches():
    inputs = cg.input("A", (3, 3)), cg.input("E", (2, 3, 3))
    c = cg.circuit(f=cofactor_change(*inputs))
    e = RANDOM.normal(size=(2, 3, 3))
    each = [cg.jvp(lambda a: cofactor(a), (S,), (part,))[1] for part in e]
    npt.assert_allclose(c(A=S, E=e), each, rtol=1e-10)
    by_reverse = c.jacobian("A", mode="reverse")(A=S, E=e)
    npt.assert_allclose(by_reverse, c.jacobian("A", mode="forward")(A=S, E=e), atol=1e-10)


def test_closed_forms_of_small_matrices():
    a = cg.input("A", (2, 2))
    det, sign = (expressions([f])[0][()] for f in (cg.det(a), cg.slogdet(a)[0]))
    assert str(det) == "A_00*A_11 - A_01*A_10"
    assert str(sign) == "sign(A_00*A_11 - A_01*A_10)"
    with pytest.raises(cg.SpecError, match="'cholesky' has no closed form"):
        cg.circuit(f=cg.cholesky(a)).sympy()
    with pytest.raises(cg.ShapeError, match="too many terms"):
        cg.circuit(f=cg.det(cg.input("B", (5, 5)))).sympy()
