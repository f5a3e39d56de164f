"""Cost: contraction orders, operation counts and the modes of a Jacobian, against known numbers."""

import itertools

import numpy as np
import opt_einsum
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import circuitgrad as cg
from circuitgrad.gates.contraction_kernels import contraction_kernel
from circuitgrad.gates.contraction_order import contraction_flops, pairwise_order

# --- the order ------------------------------------------------------------------------------------


def chain(dimensions):
    """The letters and sizes of a product of matrices."""
    letters = "abcdefghijklmnop"[: len(dimensions)]
    terms = [x + y for x, y in itertools.pairwise(letters)]
    return terms, letters[0] + letters[-1], dict(zip(letters, dimensions, strict=True))


def test_the_textbook_matrix_chain():
    # Cormen, Leiserson, Rivest & Stein, Introduction to Algorithms, section 15.2 (3rd edition).
    terms, output, sizes = chain([30, 35, 15, 5, 10, 20, 25])
    assert contraction_flops(terms, output, sizes) == 2 * 15_125


def best_chain(dimensions):
    """The least number of multiplications, by the recurrence over all ways to put brackets."""
    count = len(dimensions) - 1
    least = {(i, i): 0 for i in range(count)}
    for length in range(2, count + 1):
        for i in range(count - length + 1):
            j = i + length - 1
            least[i, j] = min(
                least[i, k]
                + least[k + 1, j]
                + dimensions[i] * dimensions[k + 1] * dimensions[j + 1]
                for k in range(i, j)
            )
    return least[0, count - 1]


@pytest.mark.parametrize("count", [2, 3, 5, 6, 9, 12])
def test_chains_of_matrices_are_multiplied_in_the_best_order(count):
    rng = np.random.default_rng(count)
    dimensions = [int(n) for n in rng.integers(2, 60, count + 1)]
    terms, output, sizes = chain(dimensions)
    assert contraction_flops(terms, output, sizes) == 2 * best_chain(dimensions)


@pytest.mark.parametrize(
    "subscripts",
    ["ab,bc,cd->ad", "ab,a,ac->bc", "abc,cd,bd->a", "ab,ac,ad,ae->bcde", "ab,bc,ca->", "a,ab,b->"],
)
def test_the_order_is_as_good_as_the_optimal_path(subscripts):
    terms, _, output = subscripts.partition("->")
    operands = terms.split(",")
    rng = np.random.default_rng(len(subscripts))
    for _ in range(5):
        sizes = {x: int(rng.integers(2, 30)) for x in "abcde"}
        shapes = [tuple(sizes[x] for x in term) for term in operands]
        best = opt_einsum.contract_path(subscripts, *shapes, shapes=True, optimize="optimal")[1]
        ours = sum(
            opt_einsum.helpers.flop_count(
                set(left) | set(right), bool((set(left) | set(right)) - set(result)), 2, sizes
            )
            for left, right, result in steps(operands, output, sizes)
        )
        assert ours == best.opt_cost


def steps(operands, output, sizes):
    """The operands and result of each pair of an order."""
    listed = list(operands)
    for first, second, result in pairwise_order(operands, output, sizes):
        right, left = listed.pop(second), listed.pop(first)
        yield left, right, result
        listed.append("".join(result))


@st.composite
def contractions(draw):
    """Random subscripts with their sizes: letters repeated in an operand, sizes 0 and 1 too."""
    letters = "abcdef"[: draw(st.integers(1, 6))]
    sizes = {x: draw(st.sampled_from([0, 1, 1, 2, 3, 4])) for x in letters}
    term = st.text(st.sampled_from(letters), max_size=3)
    terms = draw(st.lists(term, min_size=1, max_size=5))
    used = sorted(set("".join(terms)))
    output = "".join(draw(st.permutations(used))[: draw(st.integers(0, len(used)))])
    return terms, output, sizes


@settings(max_examples=300, deadline=None)
@given(contractions(), st.integers(0, 2**32 - 1))
def test_kernels_are_einsum(contraction, seed):
    terms, output, sizes = contraction
    rng = np.random.default_rng(seed)
    arrays = [rng.standard_normal([sizes[x] for x in term]) for term in terms]
    used = {x: sizes[x] for x in set("".join(terms))}
    kernel = contraction_kernel(tuple(terms), output, used, np.dtype(np.float64))
    expected = np.einsum(f"{','.join(terms)}->{output}", *arrays)
    found = kernel(*arrays)
    assert np.shape(found) == expected.shape
    np.testing.assert_allclose(found, expected, rtol=1e-12, atol=1e-12)


@pytest.mark.parametrize("weights", [[0.0, 1.0, 2.0], [-1.0, 1.0, 2.0], [np.nan, 1.0, 2.0]])
@pytest.mark.parametrize("subscripts", ["a,ab,ac->bc", "a,ab,ac->cb", "a,ba,ca->bc"])
def test_a_weighted_square_is_right_for_weights_of_every_sign(weights, subscripts):
    a = np.arange(9.0).reshape(3, 3) - 4
    terms, _, output = subscripts.partition("->")
    kernel = contraction_kernel(tuple(terms.split(",")), output, dict.fromkeys("abc", 3), a.dtype)
    d = np.array(weights)
    np.testing.assert_allclose(kernel(d, a, a), np.einsum(subscripts, d, a, a), rtol=1e-13)


# --- plans ----------------------------------------------------------------------------------------


def factoring_cases():
    """Circuits whose derivatives have outer products, broadcasts and deltas inside."""
    X, w, y = cg.input("X", "m n"), cg.input("w", "n"), cg.input("y", "m")
    yield cg.circuit(np.sum(np.logaddexp(0.0, -y * (X @ w))), inputs=[w, X, y]), "w"
    T, U, V = cg.input("T", "m n"), cg.input("U", "m k"), cg.input("V", "n k")
    yield cg.circuit(np.sum((T - U @ V.T) ** 2), inputs=[U, T, V]), "U"
    W = cg.input("W", "n k")
    yield cg.circuit(np.sum(cg.logsumexp(X @ W, axis=1)), inputs=[W, X]), "W"
    A, x = cg.input("A", "n n"), cg.input("x", "n")
    yield cg.circuit(cg.logsumexp(A @ np.tanh(A @ np.tanh(A @ x))), inputs=[A, x]), "A"
    yield cg.circuit((x @ A @ x) ** 2, inputs=[x, A]), "x"
    yield cg.circuit(np.sum(np.outer(x, w) * (X.T @ X)), inputs=[x, w, X]), "x"
    yield cg.circuit(np.sum(np.tanh(x) / (1 + np.sum(x * x))), inputs=[x]), "x"


@pytest.mark.parametrize("sizes", [dict(m=4, n=3, k=2), dict(m=1, n=1, k=1), dict(m=0, n=2, k=3)])
@pytest.mark.parametrize("case", list(factoring_cases()), ids=lambda case: str(case[1]))
def test_plans_agree_with_the_evaluation_gate_by_gate(case, sizes):
    circuit, wrt = case
    rng = np.random.default_rng(5)
    arrays = [rng.standard_normal([sizes[a] for a in wire.shape]) for wire in circuit.inputs]
    for derivative in (circuit.grad(wrt), circuit.hessian(wrt)):
        kept = derivative.run(*arrays)[derivative.output_names[0]].value
        np.testing.assert_allclose(derivative(*arrays), kept, rtol=1e-11, atol=1e-13)


def test_a_result_is_the_callers_own():
    x, c = cg.input("x", (2, 2)), cg.constant([[5.0, 6.0], [7.0, 8.0]])
    values = np.arange(4.0).reshape(2, 2)
    outputs = [x.T, x.reshape(4), x[0], x * 1.0, c.T, x @ c, (x @ c).T, x + c.T]
    circuit = cg.circuit(*outputs, inputs=[x])
    expected = [result.copy() for result in circuit(values).values()]
    for result in circuit(values).values():
        result[...] = -1
    np.testing.assert_array_equal(values, [[0, 1], [2, 3]])
    for result, before in zip(circuit(values).values(), expected, strict=True):
        np.testing.assert_array_equal(result, before)


def test_the_hessian_of_logistic_regression_needs_no_array_larger_than_its_data():
    X, w, y = cg.input("X", "m n"), cg.input("w", "n"), cg.input("y", "m")
    loss = cg.circuit(np.sum(np.logaddexp(0.0, -y * (X @ w))), inputs=[w, X, y])
    m, n = 400, 30
    cost = loss.hessian("w").cost(m=m, n=n)
    assert max(np.prod(gate.shape) for gate in cost.gates) <= m * n
    assert cost.flops <= 2 * m * n * n + 2 * m * n + m * n + 30 * m


def test_a_delta_is_written_once():
    T, U, V = cg.input("T", "n n"), cg.input("U", "n k"), cg.input("V", "n k")
    cost = cg.circuit(np.sum((T - U @ V.T) ** 2), inputs=[U, T, V]).hessian("U").cost(n=40, k=5)
    assert sum(np.prod(gate.shape) == (40 * 5) ** 2 for gate in cost.gates) == 1
    assert cost.flops <= 2 * 40 * 5 * 5 + 100


# --- counts ---------------------------------------------------------------------------------------


def test_the_product_of_two_matrices_is_2mnk():
    A, B = cg.input("A", "m k"), cg.input("B", "k n")
    cost = cg.circuit(A @ B).cost(m=7, k=11, n=13)
    assert cost.flops == 2 * 7 * 11 * 13
    assert cost.bytes_read == 8 * (7 * 11 + 11 * 13)
    assert cost.bytes_written == cost.peak_bytes == 8 * 7 * 13


def test_bytes_follow_the_dtype():
    x = cg.input("x", 100, dtype="float32")
    cost = cg.circuit(x * x).cost()
    assert (cost.flops, cost.bytes_read, cost.bytes_written) == (100, 800, 400)


def test_attention():
    n, d = 64, 16
    Q, K, V = (cg.input(name, "n d") for name in "QKV")
    cost = cg.circuit(cg.softmax(Q @ K.T / 4.0) @ V).cost(n=n, d=d)
    # Two products of matrices, one division and five operations of the softmax per entry.
    assert cost.flops == 2 * (2 * n * n * d) + n * n + 5 * n * n


@pytest.mark.parametrize(
    ("circuit", "leading"),
    [
        (lambda A, b: cg.inverse(A), lambda n: 2 * n**3),
        (lambda A, b: cg.solve(A, b), lambda n: 2 * n**3 / 3 + 2 * n**2),
        (lambda A, b: cg.det(A), lambda n: 2 * n**3 / 3),
        (lambda A, b: cg.logdet(A), lambda n: 2 * n**3 / 3),
        (lambda A, b: cg.cholesky(A), lambda n: n**3 / 3),
    ],
    ids=["inverse", "solve", "det", "logdet", "cholesky"],
)
def test_linear_algebra_has_its_textbook_count(circuit, leading):
    # Golub & Van Loan, Matrix Computations, 4th edition: 3.2 (LU), 4.2 (Cholesky).
    n = 30
    A, b = cg.input("A", (n, n)), cg.input("b", n)
    assert cg.circuit(circuit(A, b)).cost().flops == pytest.approx(leading(n), abs=1)


def test_what_only_moves_costs_no_operation():
    x = cg.input("x", (4, 6))
    assert cg.circuit(x.T).cost().bytes == 0
    moved = cg.circuit(x.reshape(24)[3:7]).cost()
    assert moved.flops == 0
    assert moved.bytes > 0


def test_elementwise_gates_count_the_operations_of_their_formula():
    x = cg.input("x", 10)
    assert cg.circuit(np.tanh(x)).cost().flops == 10
    assert cg.circuit(cg.sigmoid(x)).cost().flops == 40  # 1/(1 + exp(-x))
    assert cg.circuit(cg.elementwise("cubed", "x**3 + 1")(x)).cost().flops == 20


def test_peak_memory_counts_what_lives_at_the_same_time():
    x = cg.input("x", 1000)
    y = np.sin(x)
    assert cg.circuit(np.cos(y) + y).cost().peak_bytes == 3 * 8000
    z = x
    for _ in range(10):
        z = np.tanh(cg.cumsum(z))
    assert cg.circuit(z).cost().peak_bytes <= 3 * 8000


def test_a_cost_prints_its_sum_and_the_most_expensive_gates():
    A, x = cg.input("A", "m n"), cg.input("x", "n")
    text = str(cg.circuit(np.tanh(A @ x)).cost(m=1000, n=50)).splitlines()
    assert text[0].startswith("m = 1,000, n = 50: 101,000 flops, ")
    assert text[2].split()[0] == "matvec"
    assert len(text) == 4


@pytest.mark.parametrize(
    ("sizes", "message"),
    [
        ({}, "no size for the axes m, n"),
        ({"m": 3}, "no size for the axes n"),
        ({"m": 3, "n": 2, "k": 2}, "no axis is named 'k'"),
        ({"m": -3, "n": 2}, "m = -3; needed a whole number"),
        ({"m": 2.5, "n": 2}, "m = 2.5; needed a whole number"),
        ({"m": True, "n": 2}, "m = True; needed a whole number"),
    ],
)
def test_sizes_that_are_missing_or_wrong_are_named(sizes, message):
    circuit = cg.circuit(cg.input("A", "m n") @ cg.input("x", "n"))
    with pytest.raises(cg.SpecError, match=message):
        circuit.cost(**sizes)


def test_a_circuit_of_integer_sizes_takes_no_sizes():
    circuit = cg.circuit(cg.input("x", 3) * 2.0)
    assert circuit.cost().flops == 3
    with pytest.raises(cg.SpecError, match="All its sizes are numbers"):
        circuit.cost(n=3)


def test_nothing_costs_nothing():
    A, x = cg.input("A", "m n"), cg.input("x", "n")
    cost = cg.circuit(np.tanh(A @ x)).cost(m=0, n=5)
    assert (cost.flops, cost.bytes_written) == (0, 0)


# --- modes ----------------------------------------------------------------------------------------


def layers(*widths):
    """A network without biases: its input, and a layer between each two widths."""
    x = cg.input("x", widths[0])
    weights = [cg.input(f"W{k}", pair[::-1]) for k, pair in enumerate(itertools.pairwise(widths))]
    value = x
    for weight in weights:
        value = np.tanh(weight @ value)
    return cg.circuit(y=value, inputs=[x, *weights])


def jacobian_in(circuit, mode):
    rng = np.random.default_rng(1)
    arrays = [rng.standard_normal(wire.shape) / 4 for wire in circuit.inputs]
    return circuit.jacobian("x", mode=mode)(*arrays)


@pytest.mark.parametrize(
    ("widths", "best"),
    [((60, 50, 40, 3), "reverse"), ((3, 40, 50, 60), "forward"), ((50, 50, 2, 50, 50), "mixed")],
    ids=["narrow output", "narrow input", "narrow middle"],
)
def test_the_best_mode_starts_where_the_network_is_narrow(widths, best):
    circuit = layers(*widths)
    cost = circuit.jacobian_cost("x")
    assert cost.best == best
    assert str(cost).endswith(f"cheapest: {best}")
    expected = jacobian_in(circuit, "reverse")
    for mode in ("forward", "mixed", "auto"):
        np.testing.assert_allclose(jacobian_in(circuit, mode), expected, rtol=1e-10, atol=1e-14)


def test_auto_is_reverse_for_a_scalar_output_and_forward_for_a_scalar_input():
    A, x, t = cg.input("A", (30, 20)), cg.input("x", 20), cg.input("t")
    assert cg.circuit(np.sum(np.tanh(A @ x))).jacobian_cost("x").best == "reverse"
    direction = cg.input("v", 20)
    curve = cg.circuit(np.tanh(A @ np.tanh(t * direction)))
    assert curve.jacobian_cost("t").best == "forward"
    assert curve.jacobian("t", mode="auto").outputs == curve.jacobian("t", "forward").outputs


def test_named_sizes_decide_when_they_are_given():
    A, x = cg.input("A", "m n"), cg.input("x", "n")
    circuit = cg.circuit(np.tanh(A.T @ np.tanh(A @ x)))
    cost = circuit.jacobian_cost("x", m=3, n=40)
    assert cost.best == "mixed" or cost.reverse.flops == cost.mixed.flops
    found = circuit.jacobian("x", mode="auto", sizes={"m": 3, "n": 40})
    assert found.outputs[0].shape == ("n", "n")
    with pytest.raises(cg.SpecError, match="no size for the axes m, n"):
        circuit.jacobian("x", mode="auto")
    with pytest.raises(cg.SpecError, match="depends on the size of axis"):
        circuit.jacobian("x", mode="mixed")


def test_without_a_wire_that_all_paths_pass_there_is_no_mixed_mode():
    x = cg.input("x", 4)
    circuit = cg.circuit(np.sin(x) * np.cos(x))
    assert circuit.jacobian_cost("x").mixed is None
    values = np.arange(4.0)
    expected = np.diag(np.cos(2 * values))
    np.testing.assert_allclose(circuit.jacobian("x", mode="mixed")(values), expected, atol=1e-15)


def test_an_unknown_mode_is_named():
    with pytest.raises(cg.SpecError, match="mode 'sideways'; needed 'reverse'"):
        cg.circuit(cg.input("x") ** 2).jacobian("x", mode="sideways")


def test_differences_are_never_multiplied_out():
    # The squares of differences of 1, 2 and 3 are exact; as a² - 2ab + b² they would be lost.
    x, w = cg.input("x", "n"), cg.input("w", "n")
    d = x[:, None] - x[None, :]
    circuit = cg.circuit(s=(d * d) @ w, t=np.sum(d * w, axis=1), inputs=[x, w])
    found = circuit(1e9 + np.array([0.0, 1.0, 3.0]), np.ones(3))
    np.testing.assert_array_equal(found["s"], [10, 5, 13])
    np.testing.assert_array_equal(found["t"], [-4, -1, 5])
