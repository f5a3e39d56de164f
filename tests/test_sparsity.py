"""Sparsity patterns: every entry that is not zero is in them, what must be zero is not."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

import circuitgrad as cg
from circuitgrad.gates import catalogue
from circuitgrad.structures.sparsity import dependence
from tests.strategies import arrays

STEPS = {
    "slice": lambda x, k: x[k % len(x) :],
    "every second": lambda x, k: x[::2],
    "reversed": lambda x, k: x[::-1],
    "gather": lambda x, k: x[np.arange(k + 2) * 7 % len(x)],
    "joined": lambda x, k: cg.concatenate([np.sin(x), x[:1] * 2.0]),
    "padded": lambda x, k: np.pad(x, (1, k)),
    "neighbours": lambda x, k: x[1:] * x[:-1] if len(x) > 1 else x,
    "square": lambda x, k: x**2,
    "turned": lambda x, k: np.roll(x, k),
    "folded": lambda x, k: np.tanh(np.concatenate([x, x]).reshape(2, -1).T).reshape(-1),
    "contracted": lambda x, k: (
        np.einsum("ij,j->i", np.outer(x, x[:2])[:, :2], x[: min(2, len(x))]) if len(x) > 1 else x
    ),
    "cumulative": lambda x, k: np.cumsum(x),
    "softmax of rows": lambda x, k: cg.softmax(
        np.concatenate([x, x]).reshape(-1, 2), axis=-1
    ).reshape(-1),
    "sorted": lambda x, k: np.sort(x),
    "products": lambda x, k: np.prod(np.concatenate([x, x + 1.0]).reshape(-1, 2), axis=-1),
    "largest": lambda x, k: np.max(np.concatenate([x, x]).reshape(2, -1), axis=0),
    "chosen": lambda x, k: np.where(x > 0.5, x * x, 1.0),
    "diagonal": lambda x, k: np.diagonal(np.diag(x) * 3.0),
    "outer": lambda x, k: np.outer(x[:3], x[-2:]).reshape(-1),
}


@st.composite
def programs(draw):
    """A vector-valued circuit of one vector, with values for it."""
    size = draw(st.integers(1, 6))
    x = cg.input("x", size)
    wire = x
    for _ in range(draw(st.integers(1, 5))):
        step = STEPS[draw(st.sampled_from(sorted(STEPS)))]
        wire = step(wire, draw(st.integers(0, 3)))
        if wire.size > 40:
            wire = wire[:40]
    return cg.circuit(f=wire, inputs=[x]), draw(arrays(size, 1.0))


def assert_sparse_is_dense(found, dense):
    """The same numbers, and none of them outside the pattern."""
    np.testing.assert_allclose(found.toarray(), dense.reshape(found.shape), rtol=1e-12, atol=1e-12)


@given(programs())
def test_sparse_jacobians_are_the_dense_ones(program):
    circuit, values = program
    jacobian = circuit.sparse_jacobian("x")
    assert_sparse_is_dense(jacobian(x=values), circuit.jacobian("x")(x=values))
    pattern = jacobian.pattern()
    assert pattern.dtype == bool
    assert not (circuit.jacobian("x")(x=values)[~pattern.toarray()]).any()


@given(programs())
def test_sparse_hessians_are_the_dense_ones(program):
    circuit, values = program
    x = circuit.inputs[0]
    scalar = cg.circuit(f=np.sin(circuit.outputs[0]).sum(), inputs=[x])
    assert_sparse_is_dense(scalar.sparse_hessian("x")(x=values), scalar.hessian("x")(x=values))


def rule_gates():
    return [gate for gate in catalogue().values() if gate.family != "elementwise"]


@pytest.mark.parametrize("gate", rule_gates(), ids=lambda gate: gate.name)
def test_every_gate_has_a_pattern_with_all_its_entries(gate):
    wire = gate.sample()
    told = cg.input("told", tuple(axis for axis in wire.shape if isinstance(axis, str)))
    circuit = cg.circuit(f=wire, inputs=[*cg.circuit(f=wire).inputs, told])
    axes = [axis for source in circuit.inputs for axis in source.shape]
    sizes = {axis: 2 for axis in axes if isinstance(axis, str)}
    random = np.random.default_rng(2)
    values = {}
    for source in circuit.inputs:
        shape = tuple(sizes.get(axis, axis) for axis in source.shape)
        array = random.uniform(0.5, 1.5, shape)
        if len(shape) == 2 and shape[0] == shape[1]:
            array = array @ array.T + np.eye(shape[0])  # regular, positive definite
        values[source.label] = array
    for name in values:
        found = circuit.sparse_jacobian(name)(**values)
        dense = circuit.jacobian(name)(**values)
        assert_sparse_is_dense(found, np.asarray(dense))


def test_rows_of_a_batch_stay_apart():
    x = cg.input("x", (5, 3))
    for f in (
        cg.softmax(x),
        np.sort(x),
        np.prod(x, axis=-1),
        cg.logsumexp(x, axis=-1),
        np.cumsum(x, 1),
    ):
        pattern = cg.circuit(f=f).sparse_jacobian("x").pattern().toarray()
        row = np.repeat(np.arange(5), pattern.shape[0] // 5)
        np.testing.assert_array_equal(pattern, row[:, None] == np.repeat(np.arange(5), 3))


def test_a_contraction_of_matrices_has_the_pattern_of_its_indices():
    A, B = cg.input("A", (2, 3)), cg.input("B", (3, 4))
    pattern = cg.circuit(f=A @ B).sparse_jacobian(["A", "B"]).pattern().toarray()
    expected = np.zeros((2, 4, 18), bool)
    for i, k in np.ndindex(2, 4):
        for j in range(3):
            expected[i, k, 3 * i + j] = expected[i, k, 6 + 4 * j + k] = True
    np.testing.assert_array_equal(pattern, expected.reshape(8, 18))


def test_zeros_of_constants_are_zeros_of_the_pattern():
    """A constant is part of the circuit, so a matrix of differences keeps its band."""
    x = cg.input("x", 5)
    second = np.diag(np.full(5, -2.0)) + np.diag(np.ones(4), 1) + np.diag(np.ones(4), -1)
    for f in (second @ x, x @ second, second @ np.sin(x), np.einsum("ij,j,j->i", second, x, x)):
        pattern = cg.circuit(f=f).sparse_jacobian("x").pattern()
        np.testing.assert_array_equal(pattern.toarray(), second != 0)
    lower = np.tril(np.outer(x, x)) * np.array([1.0, 0, 1, 1, 1])
    circuit = cg.circuit(f=lower)
    jacobian = circuit.sparse_jacobian("x")
    assert_sparse_is_dense(jacobian(x=np.ones(5)), circuit.jacobian("x")(x=np.ones(5)))
    rows, columns = np.tril_indices(5)
    assert jacobian.pattern().nnz == sum(
        1 + (i != j) for i, j in zip(rows, columns, strict=True) if j != 1
    )


def test_an_entry_met_very_often_is_added_up():
    x, s = cg.input("x", 40), cg.input("s")
    circuit = cg.circuit(f=np.cumsum(np.sin(x[:20] * s) + np.exp(s * x[20:])).reshape(4, 5))
    values = {"x": np.linspace(-1, 1, 40), "s": 0.4}
    for name in values:
        found = circuit.sparse_jacobian(name)(**values)
        assert_sparse_is_dense(found, circuit.jacobian(name)(**values))
    wide = cg.circuit(f=np.stack([(np.broadcast_to(s, (30,)) ** 2).sum(), (x * s).sum()]))
    found = wide.sparse_jacobian(["x", "s"])(**values)
    expected = np.vstack([np.append(np.zeros(40), 24.0), np.append(np.full(40, 0.4), 0.0)])
    np.testing.assert_allclose(found.toarray(), expected, rtol=1e-13, atol=1e-13)


def test_comparisons_and_rounding_depend_on_nothing():
    x = cg.input("x", 4)
    steps = np.floor(x) + np.sign(x) + np.where(x > 0, 1.0, 2.0)
    assert cg.circuit(f=steps).sparse_jacobian("x").pattern().nnz == 0


def test_a_source_counts_as_independent_of_the_others():
    x = cg.input("x", 3)
    y = np.sin(x)
    pattern = dependence([x * y], [x, y], {}).toarray()
    np.testing.assert_array_equal(pattern, np.hstack([np.eye(3, dtype=bool)] * 2))
