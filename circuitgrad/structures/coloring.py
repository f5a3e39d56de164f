"""Colouring: groups of columns that share no row, so that one product gives all of them."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

TRIED = 8  # widths of a repeating colouring that are tried before the general one
ROUNDS = 40  # in which many columns are coloured at once, before they are taken one by one
SHARE = 64  # at least one in so many columns has to get its colour in a round


def color_columns(pattern: Any) -> NDArray[np.intp]:
    """A colour for every column, from 0 up; columns of one colour have no row in common.

    The columns of a band matrix are coloured in turns, which needs the fewest colours there are.
    Others get, one after another, the first colour that their rows leave free.

    Args:
        pattern: A sparse matrix in CSR form, indices sorted.

    Source:
        Curtis, Powell and Reid, J. Inst. Math. Appl. 13 (1974) 117; Gebremedhin, Manne and Pothen,
        SIAM Review 47 (2005) 629, algorithm 3.1 (partial distance-2 colouring).
    """
    fewest = fewest_colors(pattern)
    in_turns = _in_turns(pattern, fewest)
    if in_turns is not None and int(in_turns.max(initial=-1)) < fewest:
        return in_turns
    found = _class_by_class(pattern)
    if found is None:
        found = _one_by_one(pattern)
    return found if in_turns is None or found.max() < in_turns.max() else in_turns


def _in_turns(pattern: Any, fewest: int) -> NDArray[np.intp] | None:
    """The columns coloured 0, 1, …, 0, 1, … with as few colours as do; None where many do not."""
    place = np.arange(pattern.shape[1])
    for width in range(max(fewest, 1), min(fewest + TRIED, len(place) + 1)):
        if is_coloring(pattern, place % width):
            return place % width
    return place if fewest == len(place) else None


def color_symmetric(pattern: Any) -> tuple[NDArray[np.intp], NDArray[np.bool_]]:
    """A colour for every column of a symmetric matrix, and which columns are read as rows too.

    A column with many entries gets a colour for itself, which gives its row by symmetry. The others
    need to be told apart only in the rest, so that an arrow takes 2 colours and not n.

    Source:
        Powell and Toint, SIAM J. Numer. Anal. 16 (1979) 1060; a star colouring in the terms of
        Gebremedhin, Manne and Pothen, SIAM Review 47 (2005) 629, section 4.
    """
    counts = np.diff(pattern.indptr)
    by_count = np.argsort(-counts, kind="stable")
    best, fewest = 0, fewest_colors(pattern)
    for number in 2 ** np.arange(max(fewest, 1).bit_length()):
        rest = _without(pattern, by_count[:number])
        if number + fewest_colors(rest) < fewest:
            best, fewest = int(number), int(number) + fewest_colors(rest)
    hubs = by_count[:best]
    is_hub = np.zeros(len(counts), bool)
    is_hub[hubs] = True
    colors = np.zeros(len(counts), np.intp)
    colors[~is_hub] = color_columns(_without(pattern, hubs)) + best
    colors[hubs] = np.arange(best)
    return colors, is_hub


def _without(pattern: Any, hubs: NDArray[np.intp]) -> Any:
    kept = np.delete(np.arange(pattern.shape[0]), hubs)
    return pattern[kept][:, kept] if len(hubs) else pattern


def fewest_colors(pattern: Any) -> int:
    """A bound from below on the colours of the columns: the most entries that a row has."""
    most = int(np.diff(pattern.indptr).max(initial=0))
    return max(most, 1) if pattern.shape[1] else 0


def is_coloring(pattern: Any, colors: NDArray[np.intp]) -> bool:
    """Whether no two columns of one colour share a row."""
    number = int(colors.max(initial=-1)) + 1
    rows = np.repeat(np.arange(pattern.shape[0]), np.diff(pattern.indptr))
    keys = rows * number + colors[pattern.indices]
    met = np.zeros(pattern.shape[0] * number, bool)
    met[keys] = True
    return int(met.sum()) == len(keys)


def _class_by_class(pattern: Any) -> NDArray[np.intp] | None:
    """The first-fit colouring, for many columns at once; None where that is slow.

    A column gets the present colour if it is the first of those left in each of its rows.
    """
    rows = np.repeat(np.arange(pattern.shape[0]), np.diff(pattern.indptr))
    columns = pattern.indices
    colors = np.full(pattern.shape[1], -1)
    color, is_open = 0, np.ones(pattern.shape[1], bool)
    for _ in range(ROUNDS):
        own = is_open[columns]
        met, by = rows[own], columns[own]
        starts = np.flatnonzero(np.append(True, met[1:] != met[:-1])[: len(met)])
        is_first = is_open.copy()
        is_first[by[by != np.repeat(by[starts], np.diff(np.append(starts, len(met))))]] = False
        if SHARE * int(is_first.sum()) < int(is_open.sum()):
            return None
        colors[is_first] = color
        is_taken = np.zeros(pattern.shape[0], bool)
        is_taken[met[is_first[by]]] = True
        is_open &= ~is_first
        is_open[by[is_taken[met]]] = False
        if not is_open.any():
            color, is_open = color + 1, colors < 0
        if not is_open.any():
            return colors
    return None


def _one_by_one(pattern: Any) -> NDArray[np.intp]:
    """The first-fit colouring; the colours in a row are the bits of one integer."""
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
