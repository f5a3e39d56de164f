"""Sparse Jacobians and Hessians against hand-derived and dense ones; edges and mistakes."""

import math

import numpy as np
import pytest
from scipy import sparse

import circuitgrad as cg
from circuitgrad.structures.compressed import sparse_derivative


def assert_sparse_is_dense(found, dense):
    """The same numbers, and none of them outside the pattern."""
    np.testing.assert_allclose(found.toarray(), dense.reshape(found.shape), rtol=1e-12, atol=1e-12)


# --- Rosenbrock: a tridiagonal Hessian ------------------------------------------------------------


def rosenbrock(n):
    x = cg.input("x", n)
    return cg.circuit(f=(100 * (x[1:] - x[:-1] ** 2) ** 2 + (1 - x[:-1]) ** 2).sum(), inputs=[x])


def rosenbrock_hessian(x):
    """By hand: 1200 x_i² - 400 x_(i+1) + 2 (and 200 from the second on); -400 x_i beside it."""
    diagonal = np.zeros_like(x)
    diagonal[:-1] = 1200 * x[:-1] ** 2 - 400 * x[1:] + 2
    diagonal[1:] += 200
    beside = -400 * x[:-1]
    return sparse.diags_array([beside, diagonal, beside], offsets=[-1, 0, 1]).tocsr()


@pytest.mark.parametrize("n", [2, 3, 100, 100_000])
def test_the_hessian_of_rosenbrock_is_tridiagonal_and_right(n):
    hessian = rosenbrock(n).sparse_hessian("x")
    values = np.random.default_rng(n).uniform(-1, 1, n)
    found, expected = hessian(x=values), rosenbrock_hessian(values)
    assert found.shape == (n, n)
    assert found.nnz == 3 * n - 2
    np.testing.assert_array_equal(found.indices, expected.indices)
    np.testing.assert_array_equal(found.indptr, expected.indptr)
    np.testing.assert_allclose(found.data, expected.data, rtol=1e-13, atol=1e-10)


def test_rosenbrock_takes_as_few_products_at_any_size():
    assert {rosenbrock(n).sparse_hessian("x").passes() for n in (10, 1000)} == {2}


@pytest.mark.parametrize("n", [0, 1])
def test_no_pair_of_neighbours_leaves_a_hessian_of_zeros(n):
    found = rosenbrock(n).sparse_hessian("x")(x=np.ones(n))
    assert found.shape == (n, n)
    assert found.nnz == 0


# --- bundle adjustment (Srajer, Kukelova, Fitzgibbon, Optim. Methods Softw. 33, 2018) -------------


def projected(xp, camera, point, weight):
    """Two weighted residuals of each observation; camera, point: sequences of arrays or wires."""
    turn, centre, (focal, u, v, k1, k2) = camera[:3], camera[3:6], camera[6:]
    away = [point[i] - centre[i] for i in range(3)]
    angle = xp.sqrt(turn[0] ** 2 + turn[1] ** 2 + turn[2] ** 2)
    cosine, sine = xp.cos(angle), xp.sin(angle)
    axis = [part / angle for part in turn]
    cross = [
        axis[1] * away[2] - axis[2] * away[1],
        axis[2] * away[0] - axis[0] * away[2],
        axis[0] * away[1] - axis[1] * away[0],
    ]
    along = sum(axis[i] * away[i] for i in range(3)) * (1 - cosine)
    seen = [away[i] * cosine + cross[i] * sine + axis[i] * along for i in range(3)]
    x, y = seen[0] / seen[2], seen[1] / seen[2]
    square = x * x + y * y
    bend = 1 + k1 * square + k2 * square * square
    return weight * (x * bend * focal + u), weight * (y * bend * focal + v)


def test_the_jacobian_of_bundle_adjustment_is_block_sparse_and_right():
    cameras, points, count = 3, 7, 12
    random = np.random.default_rng(5)
    values = {
        "cameras": random.uniform(0.5, 1.5, (cameras, 11)),
        "points": random.uniform(3, 6, (points, 3)),
        "weights": random.uniform(0.2, 1, count),
    }
    of_camera, of_point = np.arange(count) % cameras, np.arange(count) % points
    wires = {name: cg.input(name, array.shape) for name, array in values.items()}
    camera, point = wires["cameras"][of_camera], wires["points"][of_point]
    split = [camera[:, k] for k in range(11)], [point[:, k] for k in range(3)]
    residuals = projected(np, *split, wires["weights"])
    circuit = cg.circuit(
        residuals=cg.stack(residuals, 1),
        weighted=1 - wires["weights"] ** 2,
        inputs=list(wires.values()),
    )
    jacobian = circuit.sparse_jacobian()
    found = jacobian(**values)
    assert found.shape == (3 * count, 11 * cameras + 3 * points + count)
    assert found.nnz == 2 * count * 14 + count  # u moves only the first residual, v the second
    assert jacobian.passes() == 3  # a weight is met by two residuals and its own

    # The complex step (Squire and Trapp, SIAM Review 40, 1998) is exact to rounding.
    flat = np.concatenate([array.ravel() for array in values.values()])
    expected = np.zeros(found.shape)
    for column in range(len(flat)):
        moved = flat.astype(complex)
        moved[column] += 1e-30j
        all_cameras = moved[: 11 * cameras].reshape(cameras, 11)
        all_points = moved[11 * cameras : -count].reshape(points, 3)
        weights = moved[-count:]
        pair = projected(np, all_cameras[of_camera].T, all_points[of_point].T, weights)
        residuals = np.concatenate([np.stack(pair, 1).ravel(), 1 - weights**2])
        expected[:, column] = residuals.imag / 1e-30
    np.testing.assert_allclose(found.toarray(), expected, rtol=1e-11, atol=1e-11)


# --- edges ----------------------------------------------------------------------------------------


def test_a_dense_derivative_is_computed_all_the_same():
    A = np.random.default_rng(0).normal(size=(7, 7))
    x = cg.input("x", 7)
    circuit = cg.circuit(f=np.exp(x @ A @ x))
    values = np.linspace(0, 0.5, 7)
    found = circuit.sparse_hessian("x")(x=values)
    assert found.nnz == 49
    np.testing.assert_allclose(found.toarray(), circuit.hessian("x")(x=values), rtol=1e-12)


def test_a_derivative_that_is_dense_and_large_is_refused_with_the_reason():
    x = cg.input("x", 20_000)
    hessian = cg.circuit(f=np.log((x**2).sum())).sparse_hessian("x")
    with pytest.raises(cg.ShapeError, match=r"400000000 entries .* at most 50000000.*use jvp"):
        hessian(x=np.ones(20_000))


def test_what_depends_on_nothing_is_empty():
    x, y = cg.input("x", 3), cg.input("y", 2)
    circuit = cg.circuit(f=np.sin(x), inputs=[x, y])
    found = circuit.sparse_jacobian("y")(x=np.ones(3), y=np.ones(2))
    assert (found.shape, found.nnz) == ((3, 2), 0)
    assert cg.circuit(f=x.sum()).sparse_hessian("x")(x=np.ones(3)).nnz == 0


def test_an_input_that_is_an_output_has_the_identity():
    x = cg.input("x", (2, 2))
    found = cg.circuit(f=x, g=x.T).sparse_jacobian("x")(x=np.ones((2, 2)))
    expected = np.vstack([np.eye(4), np.eye(4)[[0, 2, 1, 3]]])
    np.testing.assert_array_equal(found.toarray(), expected)


def test_one_wire_may_be_two_outputs():
    x = cg.input("x", 6)
    product = x[::2] * x[1::2]
    values = np.arange(1.0, 7.0)
    for outputs in ({"f": product, "g": product}, {"f": product.sum(), "g": product.sum()}):
        jacobian = cg.circuit(**outputs).sparse_jacobian("x")
        found = jacobian(x=values).toarray()
        swapped = np.array([2.0, 1.0, 4.0, 3.0, 6.0, 5.0])
        once = np.array([np.where(np.arange(6) // 2 == k, swapped, 0) for k in range(3)])
        once = once if jacobian.pattern().shape[0] == 6 else once.sum(0, keepdims=True)
        np.testing.assert_array_equal(found, np.vstack([once, once]))


def test_scalars_are_rows_and_columns_of_one_entry():
    x, y = cg.inputs("x y")
    found = cg.circuit(f=x**2 * y).sparse_hessian()(x=3, y=2.0)
    np.testing.assert_array_equal(found.toarray(), [[4.0, 6.0], [6.0, 0.0]])


def test_entries_added_at_one_place_are_added():
    x = cg.input("x", 3)
    repeated = np.sin(x)[[0, 0, 2]] * x[[1, 1, 1]]
    circuit = cg.circuit(f=repeated.sum())
    values = np.array([0.3, 0.5, 0.7])
    assert_sparse_is_dense(circuit.sparse_hessian("x")(x=values), circuit.hessian("x")(x=values))


def test_the_frontier_adds_the_uses_of_an_entry():
    x = cg.input("x", 6)
    circuit = cg.circuit(f=x[::2] * x[1::2] + x[[0, 0, 0]] ** 2)
    values = np.arange(6.0)
    assert_sparse_is_dense(circuit.sparse_jacobian("x")(x=values), circuit.jacobian("x")(x=values))


def test_named_axes_take_their_size_from_the_values_or_from_keywords():
    w, X = cg.input("w", "n"), cg.input("X", "m n")
    jacobian = cg.circuit(f=np.tanh(X * w), inputs=[w, X]).sparse_jacobian("w")
    for m, n in ((2, 3), (4, 1), (0, 2)):
        found = jacobian(w=np.ones(n), X=np.ones((m, n)))
        assert found.shape == (m * n, n)
        assert found.nnz == m * n == jacobian.pattern(m=m, n=n).nnz
    assert jacobian.passes(m=5, n=6) == 1


def test_sizes_for_a_pattern_are_checked():
    w = cg.input("w", "n")
    jacobian = cg.circuit(f=np.sin(w)).sparse_jacobian("w")
    with pytest.raises(cg.ShapeError, match="axis 'n' has no size"):
        jacobian.pattern()
    with pytest.raises(cg.SpecError, match="no axis is named 'k'; known are n"):
        jacobian.pattern(n=2, k=3)
    with pytest.raises(cg.ShapeError, match="'n' is -1; needed a whole number"):
        jacobian.pattern(n=-1)
    with pytest.raises(cg.ShapeError, match="needed a whole number"):
        jacobian.pattern(n=2.5)
    assert jacobian.pattern(n=np.int64(2)).shape == (2, 2)


def test_wrong_inputs_are_refused_as_by_the_circuit():
    x = cg.input("x", 3)
    hessian = cg.circuit(f=(x**2).sum()).sparse_hessian("x")
    with pytest.raises(cg.ShapeError, match="3 ≠ 4"):
        hessian(x=np.ones(4))
    with pytest.raises(cg.SpecError, match="'x' is missing"):
        hessian()
    with pytest.raises(cg.SpecError, match="no input is named 'z'"):
        cg.circuit(f=x).sparse_jacobian("z")
    with pytest.raises(cg.ShapeError, match="needed a scalar"):
        cg.circuit(f=x).sparse_hessian("x")


def test_single_precision_stays_single():
    x = cg.input("x", 4, dtype="float32")
    found = cg.circuit(f=(x[1:] * x[:-1]).sum()).sparse_hessian("x")(x=np.ones(4, np.float32))
    assert found.dtype == np.float32


def test_integers_are_taken_for_numbers_and_nan_stays_in_its_places():
    x = cg.input("x", 4)
    hessian = cg.circuit(f=(x[1:] ** 2 * x[:-1] ** 2).sum()).sparse_hessian("x")
    assert hessian(x=[1, 2, 3, 4]).toarray()[0, 1] == 8
    found = hessian(x=[math.nan, 1.0, 1.0, 1.0]).toarray()
    assert np.isnan(found[0, 1])
    np.testing.assert_array_equal(found[2:, 2:], [[4.0, 4.0], [4.0, 2.0]])
    assert found[3, 0] == 0


def test_a_result_may_be_changed_without_harm():
    hessian = rosenbrock(5).sparse_hessian("x")
    first = hessian(x=np.ones(5))
    expected = first.toarray()
    first.data[:] = 0
    first.eliminate_zeros()
    pattern = hessian.pattern()
    pattern.data[:] = False
    pattern.eliminate_zeros()
    np.testing.assert_array_equal(hessian(x=np.ones(5)).toarray(), expected)


def test_many_columns_are_taken_in_several_rounds(monkeypatch):
    monkeypatch.setattr("circuitgrad.structures.compression.BATCH", 20)
    A = np.random.default_rng(1).normal(size=(7, 7))
    x = cg.input("x", 7)
    circuit = cg.circuit(f=np.tanh(A @ x))
    values = np.linspace(-1, 1, 7)
    assert_sparse_is_dense(circuit.sparse_jacobian("x")(x=values), circuit.jacobian("x")(x=values))


def test_the_work_of_the_first_call_is_kept():
    circuit = rosenbrock(6)
    assert circuit.sparse_hessian("x") is circuit.sparse_hessian("x")
    assert circuit.sparse_hessian("x") is not circuit.sparse_jacobian("x")


def test_a_circuit_of_a_derivative_is_computed_sparse_from_what_it_was_made_of():
    circuit = rosenbrock(30)
    values = np.linspace(0, 1, 30)
    dense = circuit.hessian("x")
    found = sparse_derivative(dense, dense.origins[0], [values], {})
    assert_sparse_is_dense(found, rosenbrock_hessian(values).toarray())
    assert circuit.grad("x").origins == ()
    x, s = cg.input("x", 40), cg.input("s")
    arrow = cg.circuit(f=np.exp(x * s).sum())
    arrays, scale = [values[:30].repeat(2)[:40], 0.3], {"x": np.repeat(values, 2)[:40], "s": 0.3}
    dense = arrow.hessian(["x", "s"])
    assert_sparse_is_dense(sparse_derivative(dense, dense.origins[0], arrays, {}), dense(**scale))
    x = cg.input("x", 8)
    dense = cg.circuit(f=np.log((x**2).sum())).hessian("x")
    assert sparse_derivative(dense, dense.origins[0], [np.ones(8)], {}) is None
