"""Colourings of sparse matrices: valid always, smallest for bands, two for an arrow."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import sparse

import circuitgrad as cg
from circuitgrad.structures import coloring
from circuitgrad.structures.coloring import color_columns, color_symmetric, is_coloring


def shared_rows(pattern, colors):
    """How many pairs of columns of one colour have a row in common."""
    overlap = np.triu(pattern.astype(int).T @ pattern.astype(int), 1) > 0
    return int((overlap & (colors[:, None] == colors)).sum())


@given(
    st.integers(0, 8),
    st.integers(0, 12),
    st.floats(0, 1),
    st.integers(0, 2**31),
)
def test_columns_of_one_colour_share_no_row(rows, columns, share, seed):
    pattern = np.random.default_rng(seed).uniform(0, 1, (rows, columns)) < share
    matrix = sparse.csr_array(pattern)
    colors = color_columns(matrix)
    assert colors.shape == (columns,)
    assert is_coloring(matrix, colors)
    assert shared_rows(pattern, colors) == 0
    assert set(colors) == set(range(int(colors.max(initial=-1)) + 1))


@given(st.integers(0, 30), st.integers(0, 30), st.floats(0, 0.5), st.integers(0, 2**31))
def test_columns_at_once_get_the_colours_that_they_get_one_by_one(rows, columns, share, seed):
    pattern = np.random.default_rng(seed).uniform(0, 1, (rows, columns)) < share
    matrix = sparse.csr_array(pattern)
    at_once = coloring._class_by_class(matrix)
    if at_once is not None:
        np.testing.assert_array_equal(at_once, coloring._one_by_one(matrix))


@pytest.mark.parametrize("width", [0, 1, 2, 3])
def test_a_band_takes_as_many_colours_as_it_is_wide(width):
    offsets = range(-width, width + 1)
    band = sparse.diags_array([np.ones(30)] * len(offsets), offsets=offsets, shape=(30, 30)).tocsr()
    assert len(set(color_columns(band))) == 2 * width + 1


def test_a_false_colouring_is_seen():
    assert not is_coloring(sparse.csr_array(np.ones((1, 2), bool)), np.array([0, 0]))


@given(st.integers(0, 10), st.floats(0, 1), st.integers(0, 2**31))
def test_every_entry_of_a_symmetric_matrix_is_read_off_a_product(size, share, seed):
    """A product with a colour's columns holds an entry where no other of them meets its row."""
    half = np.triu(np.random.default_rng(seed).uniform(0, 1, (size, size)) < share)
    pattern = half | half.T
    colors, is_hub = color_symmetric(sparse.csr_array(pattern))
    for i, j in np.argwhere(pattern):
        row, column = (j, i) if is_hub[i] and not is_hub[j] else (i, j)
        assert np.flatnonzero(pattern[row] & (colors == colors[column])).tolist() == [column]


def test_an_arrow_takes_two_products():
    """One shared parameter fills a row and a column; gives its row too."""
    x, s = cg.input("x", 50), cg.input("s")
    hessian = cg.circuit(f=(np.exp(x * s)).sum()).sparse_hessian(["x", "s"])
    values = {"x": np.linspace(-1, 1, 50), "s": 0.3}
    t, e = values["x"], np.exp(0.3 * values["x"])
    expected = np.diag(np.append(0.09 * e, (t**2 * e).sum()))
    expected[:50, 50] = expected[50, :50] = (1 + 0.3 * t) * e
    np.testing.assert_allclose(hessian(**values).toarray(), expected, rtol=1e-13, atol=1e-13)
    assert hessian.passes() == 2
