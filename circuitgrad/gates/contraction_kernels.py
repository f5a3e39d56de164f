"""Kernels of contractions: NumPy functions for einsums whose sizes are known.

On BLAS where it applies.
"""

from __future__ import annotations

import itertools
import math
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np

from circuitgrad.gates.contraction_order import pairwise_order
from circuitgrad.wire import Array

Function = Callable[..., Array]
SHORT_LOOP = 64  # entries
LEAST_MATRIX_WORK = 1000  # products of numbers in each matrix of a stack, which has its overhead


def contraction_kernel(
    operands: tuple[str, ...], output: str, sizes: Mapping[str, int], dtype: Any
) -> Function:
    """The function that computes an einsum with ones and deltas for given sizes.

    Args:
        operands: The letters of each operand.
        output: The letters of the output; new letters are filled with ones, repeated ones are a
            delta.
        sizes: The size of every letter.
        dtype: The dtype of the result.
    """
    carried = set("".join(operands))
    core = "".join(x for x in dict.fromkeys(output) if x in carried)
    factor = math.prod(n for x, n in sizes.items() if x not in carried and x not in output)
    inner = _core(operands, core, sizes, dtype)
    if factor != 1:
        inner = _scaled(inner, dtype.type(factor))
    return inner if core == output else _placed(inner, core, output, sizes, dtype)


def _scaled(function: Function, factor: Any) -> Function:
    return lambda *arrays: function(*arrays) * factor


def _placed(
    function: Function, core: str, output: str, sizes: Mapping[str, int], dtype: Any
) -> Function:
    """The core result spread over new axes, or put on the diagonal of repeated ones."""
    unique = "".join(dict.fromkeys(output))
    position = tuple(sizes[x] if x in core else 1 for x in unique)
    shape = tuple(sizes[x] for x in unique)
    if unique == output:
        return lambda *arrays: np.broadcast_to(function(*arrays).reshape(position), shape)
    full = tuple(sizes[x] for x in output)
    steps = _strides(full, dtype)
    diagonal = tuple(
        sum(step for x, step in zip(output, steps, strict=True) if x == letter) for letter in unique
    )

    def embed(*arrays: Array) -> Array:
        result = np.zeros(full, dtype)
        view: Array = np.ndarray(shape, dtype, result, 0, diagonal)
        view[...] = function(*arrays).reshape(position)
        return result

    return embed


def _strides(shape: tuple[int, ...], dtype: Any) -> tuple[int, ...]:
    """The distance in bytes between neighbours along each axis of a new array."""
    return tuple(math.prod(shape[k + 1 :]) * dtype.itemsize for k in range(len(shape)))


def _core(operands: tuple[str, ...], output: str, sizes: Mapping[str, int], dtype: Any) -> Function:
    if not operands:
        return lambda: np.ones((), dtype)
    if len(operands) == 1:
        return _single(operands[0], output, sizes)
    if any(len(set(term)) < len(term) for term in operands):
        return _of_diagonals(operands, output, sizes)
    if len(operands) == 2:
        return _pair(operands[0], operands[1], output, sizes)
    return _several(operands, output, sizes)


def _of_diagonals(operands: tuple[str, ...], output: str, sizes: Mapping[str, int]) -> Function:
    """Letters that stand twice in an operand: its diagonals are taken first."""
    unique = tuple("".join(dict.fromkeys(term)) for term in operands)
    firsts = [_single(*pair, sizes) for pair in zip(operands, unique, strict=True)]
    if len(operands) == 2:
        inner = _pair(unique[0], unique[1], output, sizes)
    else:
        inner = _several(unique, output, sizes)
    return lambda *arrays: inner(*[first(a) for first, a in zip(firsts, arrays, strict=True)])


def _single(term: str, output: str, sizes: Mapping[str, int]) -> Function:
    if term == output:
        return np.asarray
    if len(set(term)) < len(term) or _is_short(term, output, sizes):
        spec = f"{term}->{output}"
        return lambda a: np.einsum(spec, a)
    summed = tuple(k for k, x in enumerate(term) if x not in output)
    rest = "".join(x for x in term if x in output)
    order = tuple(rest.index(x) for x in output)
    plain = order == tuple(range(len(order)))
    if not summed:
        return lambda a: np.transpose(a, order)
    if plain:
        return lambda a: np.add.reduce(a, axis=summed)
    return lambda a: np.transpose(np.add.reduce(a, axis=summed), order)


def _is_short(term: str, output: str, sizes: Mapping[str, int]) -> bool:
    """Whether a sum leaves few neighbours in memory, over which NumPy's reductions loop."""
    last = list(itertools.takewhile(lambda x: x in output, reversed(term)))
    return 0 < len(last) < len(term) and math.prod(sizes[x] for x in last) < SHORT_LOOP


def _pair(left: str, right: str, output: str, sizes: Mapping[str, int]) -> Function:
    """Two operands: a product of matrices (batch, left, contracted) and (…, contracted, right)."""
    if left == right == output:
        return np.multiply
    alone_left = [x for x in left if x not in right and x not in output]
    alone_right = [x for x in right if x not in left and x not in output]
    if alone_left or alone_right:
        return _presummed(left, right, output, sizes, alone_left, alone_right)
    contracted = "".join(x for x in left if x in right and x not in output)
    if not contracted:
        return _product(left, right, output)
    batch = "".join(x for x in left if x in right and x in output)
    rows = "".join(x for x in left if x not in right)
    columns = "".join(x for x in right if x not in left)
    if batch and not rows and not columns:
        spec = f"{left},{right}->{output}"
        return lambda a, b: np.einsum(spec, a, b)
    if not batch and len(contracted) == 1:
        stacked = _stack(left, right, output, sizes)
        if stacked is not None:
            return stacked
    if rows and columns and output == batch + columns + rows:
        # The result needs no transpose then.
        return _multiplied((right, columns), (left, rows), batch, output, sizes, is_turned=True)
    return _multiplied((left, rows), (right, columns), batch, output, sizes)


def _stack(left: str, right: str, output: str, sizes: Mapping[str, int]) -> Function | None:
    """A product as a stack of products of matrices, where that spares a copy or a transpose.

    None where one product of two matrices does as well, or the matrices would be small.
    """
    inner = next(x for x in left if x not in output)
    rows, columns = left.replace(inner, ""), right.replace(inner, "")
    if len(rows) + len(columns) != 3 or not rows or not columns:
        return None
    first, i, j = tuple(output)
    is_turned = i in columns
    if is_turned:
        left, right, rows, columns = right, left, columns, rows
    if (rows.replace(first, ""), columns.replace(first, "")) != (i, j):
        return None
    is_plain = _is_matrix(left, rows, inner) and _is_matrix(right, columns, inner)
    if is_plain and output in (rows + columns, columns + rows):
        return None
    if sizes[i] * sizes[inner] * sizes[j] < LEAST_MATRIX_WORK:
        return None
    one, two = (first if first in term else "" for term in (left, right))
    before, after = _order(left, one + i + inner), _order(right, two + inner + j)

    def kernel(a: Array, b: Array) -> Array:
        if is_turned:
            a, b = b, a
        product: Array = np.matmul(a.transpose(before), b.transpose(after))
        return product

    return kernel


def _is_matrix(term: str, free: str, inner: str) -> bool:
    """Whether an array is a matrix for BLAS as it is, perhaps transposed."""
    return term in (free + inner, inner + free)


def _order(term: str, wanted: str) -> tuple[int, ...]:
    """The order of axes that makes the letters of a term those wanted."""
    return tuple(term.index(x) for x in wanted)


def _multiplied(
    left: tuple[str, str],
    right: tuple[str, str],
    batch: str,
    output: str,
    sizes: Mapping[str, int],
    is_turned: bool = False,
) -> Function:
    """The product of two matrices, its axes told apart and put in order.

    Args:
        left: The letters of the left factor, and those that only it has.
        right: The same of the right factor.
        batch: The letters that both have and the output keeps.
        output: The letters of the result.
        sizes: The size of every letter.
        is_turned: Whether the kernel is given the right factor first.
    """
    (one, rows), (two, columns) = left, right
    natural = batch + rows + columns
    contracted = "".join(x for x in one if x in two and x not in output)
    if contracted not in one:
        again = "".join(x for x in two if x in contracted)
        contracted = again if again in two else contracted
    first = _matrix(one, batch, rows, contracted, sizes)
    second = _matrix(two, batch, contracted, columns, sizes)
    multiply: Any = np.matmul if batch else np.dot
    order = None if natural == output else tuple(natural.index(x) for x in output)
    is_plain = not batch and len(rows) <= 1 and len(columns) <= 1
    shape = None if is_plain else tuple(sizes[x] for x in natural)
    if is_plain and order is None and first is None and second is None and not is_turned:
        return multiply  # type: ignore[no-any-return]

    def kernel(a: Array, b: Array) -> Array:
        if is_turned:
            a, b = b, a
        product: Array = multiply(
            a if first is None else first(a), b if second is None else second(b)
        )
        if shape is not None:
            product = product.reshape(shape)
        return product if order is None else product.transpose(order)

    return kernel


def _matrix(
    term: str, batch: str, rows: str, columns: str, sizes: Mapping[str, int]
) -> Function | None:
    """How an array becomes a stack of matrices for BLAS; None where it is one already.

    Without a batch, no rows or no columns make a vector.
    """
    wanted = batch + rows + columns
    order = None if term == wanted else tuple(term.index(x) for x in wanted)
    groups = [*batch, rows, columns]
    if not batch:
        groups = [group for group in groups if group]
    shape = tuple(math.prod(sizes[x] for x in group) for group in groups)
    if all(len(group) == 1 for group in groups):
        return None if order is None else lambda a: a.transpose(order)
    if order is None:
        return lambda a: a.reshape(shape)
    return lambda a: a.transpose(order).reshape(shape)


def _presummed(
    left: str,
    right: str,
    output: str,
    sizes: Mapping[str, int],
    alone_left: list[str],
    alone_right: list[str],
) -> Function:
    short_left = "".join(x for x in left if x not in alone_left)
    short_right = "".join(x for x in right if x not in alone_right)
    first, second = _single(left, short_left, sizes), _single(right, short_right, sizes)
    product = _pair(short_left, short_right, output, sizes)
    return lambda a, b: product(first(a), second(b))


def _product(left: str, right: str, output: str) -> Function:
    """An outer or partly shared product: axes aligned by new axes, then multiplied."""
    first, second = _aligned(left, output), _aligned(right, output)
    if first is None and second is None:
        return np.multiply
    if first is None:
        return lambda a, b: np.multiply(a, second(b), order="C")  # type: ignore[misc]
    if second is None:
        return lambda a, b: np.multiply(first(a), b, order="C")
    return lambda a, b: np.multiply(first(a), second(b), order="C")


def scaling(operands: Sequence[str], output: str, position: int) -> Function | None:
    """The kernel of a product entry by entry that writes over one of its two operands.

    Args:
        operands: The letters of each operand.
        output: The letters of the result.
        position: Which operand is written over.

    Returns:
        None where the contraction is not that operand times numbers along some of its axes.
    """
    if len(operands) != 2 or operands[position] != output or len(set(output)) < len(output):
        return None
    other = operands[1 - position]
    if len(set(other)) < len(other) or not set(other) <= set(output):
        return None
    spread = _aligned(other, output) or np.asarray

    def kernel(*arrays: Array) -> Array:
        whole = arrays[position]
        product: Array = np.multiply(spread(arrays[1 - position]), whole, out=whole)
        return product

    return kernel


def _aligned(term: str, output: str) -> Function | None:
    """How an array broadcasts to the output's axes; None where it does as it is."""
    order = tuple(term.index(x) for x in output if x in term)
    index = tuple(slice(None) if x in term else None for x in output)
    if output.endswith(term):
        return None
    if order == tuple(range(len(term))):
        return lambda a: np.asarray(a)[index]
    return lambda a: np.transpose(a, order)[index]


def _several(operands: tuple[str, ...], output: str, sizes: Mapping[str, int]) -> Function:
    """More than two operands: pair after pair, in the cheapest order for these sizes."""
    listed = list(operands)
    steps = []
    for first, second, letters in pairwise_order(operands, output, sizes):
        right, left = listed.pop(second), listed.pop(first)
        result = "".join(letters)
        steps.append((first, second, _pair(left, right, result, sizes)))
        listed.append(result)

    def kernel(*arrays: Array) -> Array:
        values = list(arrays)
        for first, second, product in steps:
            b, a = values.pop(second), values.pop(first)
            values.append(product(a, b))
        return values[0]

    return _weighted_square(operands, output, sizes, kernel) if len(operands) == 3 else kernel


def is_weighted_square(operands: Sequence[Sequence[Any]], output: Sequence[Any]) -> bool:
    """Whether three operands are AᵀDA with D = diag(d): d first, then twice the same letters.

    The letters of d are summed, and both copies of A have them at the same places.
    """
    if len(operands) != 3:
        return False
    weight, left, right = operands
    shared = {x for x in left if x in right}
    return (
        len(left) == len(right)
        and shared == set(weight) == {x for x, y in zip(left, right, strict=True) if x == y}
        and 0 < len(shared) < len(left)
        and not shared.intersection(output)
        and set(output) == (set(left) | set(right)) - shared
    )


def _weighted_square(
    operands: tuple[str, ...], output: str, sizes: Mapping[str, int], general: Function
) -> Function:
    """AᵀDA for weights that turn out to be ≥ 0: BᵀB with B = √D A, half the work for BLAS."""
    if not is_weighted_square(operands, output):
        return general
    weight, left, right = operands
    scale, square = _product(weight, left, left), _pair(left, right, output, sizes)

    def kernel(d: Array, a: Array, b: Array) -> Array:
        if a is not b or not d.size or not np.min(d) >= 0:  # neither is NaN
            return general(d, a, b)
        root = scale(np.sqrt(d), a)
        return square(root, root)

    return kernel
