"""Colouring: groups of columns that share no row, so that one product gives all of them."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

TRIED = 8  # widths of a repeating colouring that are tried before the general one


def color_columns(pattern: Any) -> NDArray[np.intp]:
    """A colour for every column, from 0 up; columns of one colour have no row in common.

    The columns of a band matrix are coloured in turns, which needs the fewest colours there are.
    Others are coloured one after another, each by the first colour that its rows leave free.

    Args:
        pattern: A sparse matrix in CSR form.

    Source:
        Curtis, Powell and Reid, J. Inst. Math. Appl. 13 (1974) 117; Gebremedhin, Manne and Pothen,
        SIAM Review 47 (2005) 629, algorithm 3.1 (partial distance-2 colouring).
    """
    columns = pattern.shape[1]
    fewest = max(int(np.diff(pattern.indptr).max(initial=0)), min(columns, 1))
    for width in range(fewest, min(fewest + TRIED, columns + 1)):
        colors = np.arange(columns) % width
        if is_coloring(pattern, colors):
            return colors
    return _first_fit(pattern)


def is_coloring(pattern: Any, colors: NDArray[np.intp]) -> bool:
    """Whether no two columns of one colour share a row."""
    number = int(colors.max(initial=-1)) + 1
    rows = np.repeat(np.arange(pattern.shape[0]), np.diff(pattern.indptr))
    keys = rows * number + colors[pattern.indices]
    met = np.zeros(pattern.shape[0] * number, bool)
    met[keys] = True
    return int(met.sum()) == len(keys)


def _first_fit(pattern: Any) -> NDArray[np.intp]:
    """Greedy colouring; the colours in a row are the bits of one integer."""
    by_column = pattern.tocsc()
    rows, starts = by_column.indices.tolist(), by_column.indptr.tolist()
    taken = [0] * pattern.shape[0]
    colors = []
    for column in range(pattern.shape[1]):
        own = rows[starts[column] : starts[column + 1]]
        used = 0
        for row in own:
            used |= taken[row]
        free = ~used & (used + 1)
        for row in own:
            taken[row] |= free
        colors.append(free.bit_length() - 1)
    return np.array(colors, np.intp)
