"""Linear systems with structured matrices: blocks, Kronecker products, low rank, else LU."""

from __future__ import annotations

import math
import warnings
from collections.abc import Sequence

import numpy as np
from scipy import linalg, sparse
from scipy.sparse.linalg import splu

from circuitgrad.errors import DomainError
from circuitgrad.structures.chains import contracted
from circuitgrad.structures.parts import Blocks, Part, ProductPart, Sparse, Sum
from circuitgrad.wire import Array


class _SingularBaseError(Exception):
    """A structured part is singular, though the whole matrix need not be."""


def solved(part: Part, b: Array, name: str) -> Array:
    """The solution of part · x = b.

    Args:
        part: A square matrix.
        b: A vector or a matrix of columns.
        name: What the matrix is called in messages.

    Raises:
        DomainError: The matrix is singular to working precision, or not finite.
    """
    if not b.size:
        return np.zeros_like(b)
    columns = b.reshape(b.shape[0], -1)
    return _solved(part, columns, name).reshape(b.shape)


def _solved(part: Part, b: Array, name: str) -> Array:
    if isinstance(part, Sparse):
        return _sparse_solution(part, b, name)
    products = _products(part)
    if products is None:
        if isinstance(part, Blocks) and _stored(part) <= part.shape[0] * part.shape[1] // 16:
            return _sparse_solution(Sparse(part.sparse()), b, name)
        return _dense_solution(part.dense(), b, name)
    if not products:
        raise _singular(name, "every entry is 0")
    base: list[ProductPart] = []
    thin: list[ProductPart] = []
    for product in products:
        halves = _halves(product)
        is_thin = halves is not None and halves[0].shape[1] <= max(1, part.shape[0] // 4)
        (thin if is_thin else base).append(product)
    factors = [halves for p in thin if (halves := _halves(p)) is not None]
    rank = sum(u.shape[1] for u, _ in factors)
    if not base and rank < part.shape[0]:
        raise _singular(name, f"its rank is at most {rank} of {part.shape[0]}")
    pairs = _common_deltas(base)
    if not pairs or rank > part.shape[0] // 4 + 1:
        return _dense_solution(part.dense(), b, name)
    if not thin:
        return _block_solution(base, pairs, b, name)
    try:
        return _low_rank_solution(part, base, factors, pairs, b, name)
    except _SingularBaseError:
        return _dense_solution(part.dense(), b, name)


def _products(part: Part) -> list[ProductPart] | None:
    if isinstance(part, ProductPart):
        return [part]
    if isinstance(part, Sum):
        found = [p for p in part.parts if isinstance(p, ProductPart)]
        return found if len(found) == len(part.parts) else None
    return None


def _stored(part: Part) -> int:
    """How many entries a matrix has that may differ from zero."""
    if isinstance(part, Blocks):
        return sum(_stored(p) for line in part.parts for p in line)
    if isinstance(part, Sum):
        return sum(_stored(p) for p in part.parts)
    if isinstance(part, ProductPart):
        return math.prod(part.sizes[x] for x in set(part.rows + part.columns))
    return int(part.matrix.nnz) if isinstance(part, Sparse) else part.shape[0] * part.shape[1]


def _common_deltas(parts: Sequence[ProductPart]) -> list[tuple[int, int]]:
    """The pairs of a row axis and a column axis on which every part has the same delta."""
    found: set[tuple[int, int]] | None = None
    for part in parts:
        once = {
            (part.rows.index(x), part.columns.index(x))
            for x in part.rows
            if part.rows.count(x) == part.columns.count(x) == 1
        }
        found = once if found is None else found & once
    return sorted(found or ())


def _block_solution(
    parts: Sequence[ProductPart], pairs: list[tuple[int, int]], b: Array, name: str
) -> Array:
    """Independent systems along the deltas; one for all values of a delta that nothing carries."""
    model = parts[0]
    carried = [pair for pair in pairs if any(_carries(part, pair[0]) for part in parts)]
    plain = [pair for pair in pairs if pair not in carried]
    row_axes, column_axes = _others(model.rows, pairs, 0), _others(model.columns, pairs, 1)
    row_shape = [model.sizes[x] for x in model.rows]
    column_shape = [model.sizes[x] for x in model.columns]
    height = math.prod(row_shape[k] for k in row_axes)
    count = math.prod(row_shape[k] for k, _ in carried)
    blocks = np.zeros((count, height, height), np.result_type(*(p.dtype for p in parts)))
    for part in parts:
        letters = [part.rows[k] for k, _ in carried]
        letters += [part.rows[k] for k in row_axes] + [part.columns[k] for k in column_axes]
        blocks += part.contract("".join(letters)).reshape(blocks.shape)
    row_order = [*(i for i, _ in carried), *row_axes, *(i for i, _ in plain)]
    column_order = [*(j for _, j in carried), *column_axes, *(j for _, j in plain)]
    rank = len(row_shape)
    spread = b.reshape(*row_shape, b.shape[1]).transpose(*row_order, rank)
    found = _batch_solution(blocks, spread.reshape(count, height, -1), name)
    shape = [column_shape[k] for k in column_order]
    back = [column_order.index(k) for k in range(len(column_shape))]
    result = found.reshape(*shape, b.shape[1]).transpose(*back, len(back))
    return result.reshape(b.shape)


def _carries(part: ProductPart, row_axis: int) -> bool:
    return any(part.rows[row_axis] in term for term in part.terms)


def _others(letters: str, pairs: list[tuple[int, int]], side: int) -> list[int]:
    taken = {pair[side] for pair in pairs}
    return [k for k in range(len(letters)) if k not in taken]


def _batch_solution(blocks: Array, b: Array, name: str) -> Array:
    """The solutions of many systems of one size."""
    _check_finite(blocks, name)
    if blocks.shape[1] == 1:
        zero = np.flatnonzero(blocks == 0)
        if zero.size:
            raise _singular(name, f"entry {zero[0]} of its diagonal is 0")
        return np.asarray(b / blocks)
    if len(blocks) == 1:
        return _lu_solution(blocks[0], b[0], name)[None]
    for k, matrix in enumerate(blocks):
        if _reciprocal_condition(matrix) < _least_condition(matrix):
            raise _singular(name, f"block {k} of its diagonal has no inverse")
    return np.linalg.solve(blocks, b)


def _low_rank_solution(
    part: Part,
    base: Sequence[ProductPart],
    factors: Sequence[tuple[Array, Array]],
    pairs: list[tuple[int, int]],
    b: Array,
    name: str,
) -> Array:
    """A base plus U Vᵀ by Woodbury's identity, refined once.

    Source:
        Golub and Van Loan, Matrix Computations, 4th ed., section 2.1.4.
    """
    left = np.concatenate([u for u, _ in factors], axis=1)
    right = np.concatenate([v for _, v in factors], axis=1)
    rank = left.shape[1]

    def inverted(c: Array) -> Array:
        try:
            return _block_solution(base, pairs, c, name)
        except DomainError:
            raise _SingularBaseError from None

    inner = inverted(left)
    update = right.T @ inner
    capacity = np.eye(rank, dtype=update.dtype) + update
    size = 1 + np.max(np.abs(right).T @ np.abs(inner), initial=0.0)
    if not np.isfinite(size):
        raise _SingularBaseError
    smallest = _reciprocal_condition(capacity) * np.linalg.norm(capacity, 1)
    if smallest <= np.finfo(update.dtype).eps * size * math.sqrt(len(left)):
        raise _singular(name, f"its part of rank {rank} takes away a direction of the rest")

    def step(c: Array) -> Array:
        first = inverted(c)
        correction: Array = inner @ np.linalg.solve(capacity, right.T @ first)
        return first - correction

    found = step(b)
    return found + step(b - part.apply(found))


def _halves(part: ProductPart) -> tuple[Array, Array] | None:
    """U and V where the part is U Vᵀ: no factor has an axis of the rows and one of the columns."""
    letters = part.rows + part.columns
    if len(set(letters)) < len(letters):
        return None
    sides: tuple[list[int], list[int]] = ([], [])
    for k, term in enumerate(part.terms):
        is_right = bool(set(term) & set(part.columns))
        if is_right and set(term) & set(part.rows):
            return None
        sides[is_right].append(k)
    left, right = (set("".join(part.terms[k] for k in places)) for places in sides)
    joined = "".join(sorted((left & right) - set(letters)))
    found = []
    for places, own in zip(sides, (part.rows, part.columns), strict=True):
        terms, arrays = [part.terms[k] for k in places], [part.arrays[k] for k in places]
        half = contracted(terms, own + joined, arrays, part.sizes, part.dtype)
        count = math.prod(part.sizes[x] for x in own)
        found.append(np.reshape(half, (count, math.prod(part.sizes[x] for x in joined))))
    return found[0], found[1]


def _sparse_solution(part: Sparse, b: Array, name: str) -> Array:
    matrix = sparse.csc_array(part.matrix)
    _check_finite(matrix.data, name)
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("error")
            factors = splu(matrix)
    except (RuntimeError, Warning):
        raise _singular(name, "a pivot of its sparse LU factors is 0") from None
    pivots = np.abs(factors.U.diagonal())
    if pivots.min() <= np.finfo(matrix.dtype).eps * pivots.max():
        raise _singular(name, "a pivot of its sparse LU factors vanishes")
    return np.asarray(factors.solve(b))


def _dense_solution(matrix: Array, b: Array, name: str) -> Array:
    _check_finite(matrix, name)
    return _lu_solution(matrix, b, name)


def _lu_solution(matrix: Array, b: Array, name: str) -> Array:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", linalg.LinAlgWarning)
        factors = linalg.lu_factor(matrix)
    condition = _reciprocal(matrix, factors[0])
    if condition < _least_condition(matrix):
        raise _singular(name, f"its reciprocal condition number is {condition:.0e}")
    return np.asarray(linalg.lu_solve(factors, b))


def _reciprocal_condition(matrix: Array) -> float:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", linalg.LinAlgWarning)
        return _reciprocal(matrix, linalg.lu_factor(matrix)[0])


def _reciprocal(matrix: Array, factors: Array) -> float:
    """The reciprocal of the condition number in the 1-norm, estimated from LU factors."""
    if not np.all(np.diagonal(factors)):
        return 0.0
    (estimate,) = linalg.get_lapack_funcs(("gecon",), (matrix,))
    return float(estimate(factors, np.linalg.norm(matrix, 1))[0])


def _least_condition(matrix: Array) -> float:
    """The reciprocal condition number that a singular matrix may have by rounding alone."""
    return (8 + len(matrix)) * float(np.finfo(matrix.dtype).eps)


def _check_finite(values: Array, name: str) -> None:
    if not np.all(np.isfinite(values)):
        raise DomainError(
            f"solve: {name} has entries that are infinite or no numbers. Choose another point."
        )


def _singular(name: str, reason: str) -> DomainError:
    return DomainError(
        f"solve: {name} is singular to working precision: {reason}. "
        "Add a multiple of the identity, or use a least-squares method."
    )
