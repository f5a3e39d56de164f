"""Cost: operation counts, bytes and the modes of a Jacobian, against known numbers."""

import itertools

import numpy as np
import pytest

import circuitgrad as cg

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
