"""NumPy's functions and indexing on wires: what NumPy gives, and adjoint products."""

import numpy as np
import numpy.testing as npt
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

import circuitgrad as cg
from tests.strategies import arrays, evaluated, shapes

A33, B33, T234, V4 = (
    np.arange(9.0).reshape(3, 3) / 7,
    np.eye(3) - 0.3,
    np.arange(24.0).reshape(2, 3, 4) / 5,
    np.arange(4.0),
)
# NumPy code and its arguments: the circuit's value must be NumPy's.
SAME_AS_NUMPY = {
    "transpose": (lambda x: np.transpose(x, (2, 0, 1)), T234),
    "negative axes": (lambda x: np.transpose(x, (-1, 0, -2)), T234),
    "T": (lambda x: x.T, T234),
    "swapaxes": (lambda x: np.swapaxes(x, 0, -1), T234),
    "reshape in F order": (lambda x: x.reshape(-1, 4, order="F"), T234),
    "flatten in F order": (lambda x: x.flatten("F") * x.ravel(), T234),
    "copy": (lambda x: x.copy() + x, T234),
    "clip from below": (lambda x: x.clip(min=1), T234),
    "clip to a maximum": (lambda x: x.clip(max=2), T234),
    "median of two axes": (lambda x: np.median(x, axis=(0, -1), keepdims=True), T234),
    "quantiles of two axes": (lambda x: np.quantile(x, [0.2, 0.7], axis=(2, 0)), T234),
    "percentile of two axes": (
        lambda x: np.percentile(x, 35, axis=(0, 1), keepdims=True),
        T234,
    ),
    "moveaxis": (lambda x: np.moveaxis(x, 0, -1), T234),
    "reshape": (lambda x: np.reshape(x, (4, -1)), T234),
    "ravel": (lambda x: np.ravel(x), T234),
    "sum": (lambda x: np.sum(x, axis=(0, 2)), T234),
    "sum keepdims": (lambda x: np.sum(x, axis=1, keepdims=True), T234),
    "mean": (lambda x: np.mean(x, axis=-1), T234),
    "var": (lambda x: np.var(x, axis=(0, 1), ddof=1), T234),
    "std": (lambda x: np.std(x), T234),
    "max": (lambda x: np.max(x, axis=0), T234),
    "min": (lambda x: np.min(x, axis=(1, 2), keepdims=True), T234),
    "trace": (lambda x: np.trace(x), A33),
    "diag": (lambda x: np.diag(x), A33),
    "diag of a vector": (lambda x: np.diag(x), V4),
    "diagonal": (lambda x: np.diagonal(x), A33),
    "outer": (lambda x, y: np.outer(x, y), V4, V4),
    "inner": (lambda x, y: np.inner(x, y), A33, B33),
    "dot": (lambda x, y: np.dot(x, y), A33, B33),
    "dot of vectors": (lambda x, y: np.dot(x, y), V4, V4 + 1),
    "vdot": (lambda x, y: np.vdot(x, y), A33, B33),
    "matmul": (lambda x, y: x @ y, A33, B33),
    "batched matmul": (lambda x, y: x @ y, T234, np.moveaxis(T234, 1, 2)),
    "broadcast matmul": (lambda x, y: x @ y, T234, np.ones((5, 1, 4, 2))),
    "matrix times vector": (lambda x, y: x @ y, T234, V4),
    "vector times matrix": (lambda x, y: x @ y, np.arange(3.0), T234),
    "inverse": (lambda x: np.linalg.inv(x), B33),
    "solve": (lambda x, y: np.linalg.solve(x, y), B33, A33),
    "norm": (lambda x: np.linalg.norm(x), T234[0]),
    "norm 1": (lambda x: np.linalg.norm(x, 1), V4),
    "norm inf": (lambda x: np.linalg.norm(x, np.inf), V4),
    "norm of rows": (lambda x: np.linalg.norm(x, axis=1), A33),
    "concatenate": (lambda x, y: np.concatenate([x, y, x], axis=1), A33, B33),
    "stack": (lambda x, y: np.stack([x, y], axis=1), A33, B33),
    "stack last": (lambda x, y: np.stack([x, y], axis=-1), A33, B33),
    "vstack": (lambda x, y: np.vstack([x, y]), V4, V4),
    "hstack": (lambda x, y: np.hstack([x, y]), V4, V4),
    "hstack of matrices": (lambda x, y: np.hstack([x, y]), A33, B33),
    "squeeze": (lambda x: np.squeeze(x[:, :1]), T234),
    "expand_dims": (lambda x: np.expand_dims(x, (0, 2)), A33),
    "broadcast_to": (lambda x: np.broadcast_to(x, (2, 3, 3)), A33),
    "where": (lambda x: np.where(x > 0.5, x, -x), A33),
    "clip": (lambda x: np.clip(x, 0.2, 0.9), A33),
    "clip below": (lambda x: np.clip(x, 0.2, None), A33),
    "maximum": (lambda x, y: np.maximum(x, y), A33, B33),
    "zeros_like": (lambda x: x * 0 + np.zeros_like(x) + np.ones_like(x), A33),
    "add.reduce": (lambda x: np.add.reduce(x), A33),
    "log2": (lambda x: np.log2(1 + x) + np.log10(1 + x) + np.exp2(x), A33),
    "degrees": (lambda x: np.degrees(x) - np.radians(x), A33),
}  # fmt: skip


@pytest.mark.parametrize("name", SAME_AS_NUMPY)
def test_numpy_functions_on_wires_are_numpys(name):
    function, *values = SAME_AS_NUMPY[name]
    found, expected = evaluated(function, *values), function(*values)
    assert np.shape(found) == np.shape(expected)
    npt.assert_allclose(found, expected, rtol=1e-13, atol=1e-15)


@pytest.mark.parametrize("name", SAME_AS_NUMPY)
def test_numpy_functions_have_adjoint_products(name):
    function, *values = SAME_AS_NUMPY[name]
    inputs = [cg.input("abc"[k], v.shape) for k, v in enumerate(values)]
    c = cg.circuit(f=function(*inputs), inputs=inputs)
    random = np.random.default_rng(7)
    tangents = [random.normal(size=v.shape) for v in values]
    upstream = random.normal(size=np.shape(function(*values)))
    pulled = c.vjp()(*values, upstream)
    pulled = pulled.values() if isinstance(pulled, dict) else [pulled]
    left = np.sum(upstream * c.jvp()(*values, *tangents))
    right = sum(np.sum(p * t) for p, t in zip(pulled, tangents, strict=True))
    assert left == pytest.approx(right, rel=1e-11, abs=1e-12)


BASE = np.arange(60.0).reshape(3, 4, 5)
KEYS = {
    "integer": 1, "negative": -1, "pair": (1, 2), "slice": slice(1, 3),
    "step": slice(None, None, 2),
    "reverse": slice(None, None, -1), "reverse part": (slice(None), slice(3, 0, -2)),
    "ellipsis": (..., 1),
    "ellipsis first": (1, ..., 2), "new axis": None, "new axes": (None, 1, slice(1, 2), None),
    "array": [0, 2, 0], "matrix": np.array([[0, 1], [2, 0]]), "two arrays": ([0, 1], [3, 2]),
    "mask": np.array([True, False, True]), "mask of two axes": BASE[..., 0] > 20,
    "empty": slice(2, 1),
    "empty list": [], "array and integer": (slice(None), [0, 1], 2),
    "integer and array": (0, [0, 1]),
    "new axis and array": (None, [1, 0]), "all": (), "negative positions": [-1, -3],
    "beyond": slice(-10, 10), "reverse all": (slice(None), slice(None, None, -1), -1),
}  # fmt: skip


@pytest.mark.parametrize("name", KEYS)
def test_indexing_is_numpys_and_its_gradient_adds_up(name):
    key = KEYS[name]
    x = cg.input("x", BASE.shape)
    c = cg.circuit(f=x[key])
    expected = BASE[key]
    npt.assert_array_equal(c(BASE), expected)
    assert np.shape(c(BASE)) == expected.shape
    upstream = np.random.default_rng(5).normal(size=expected.shape)
    placed = np.zeros_like(BASE)
    np.add.at(placed, key, upstream)
    npt.assert_allclose(c.vjp()(BASE, upstream), placed, rtol=1e-15)
    tangent = np.random.default_rng(6).normal(size=BASE.shape)
    npt.assert_array_equal(c.jvp()(BASE, tangent), tangent[key])


@given(st.data())
def test_random_indexing_is_numpys(data):
    a = data.draw(shapes(min_side=1).flatmap(arrays))
    key = data.draw(hnp.basic_indices(a.shape, allow_newaxis=True))
    npt.assert_array_equal(evaluated(lambda x: x[key], a), a[key])


@given(st.data())
def test_random_reductions_are_numpys(data):
    a = data.draw(shapes(min_side=1).flatmap(arrays))
    axes = data.draw(
        st.none() | st.sets(st.integers(0, max(a.ndim - 1, 0)), max_size=a.ndim).map(tuple)
    )
    axes = axes if a.ndim else None
    keep = data.draw(st.booleans())
    for function in (np.sum, np.mean, np.max, np.min):
        found = evaluated(lambda x, f=function: f(x, axis=axes, keepdims=keep), a)
        npt.assert_allclose(found, function(a, axis=axes, keepdims=keep), rtol=1e-14, atol=1e-14)
