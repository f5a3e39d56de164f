"""Kernels of contractions: NumPy functions for einsums whose sizes are known.

On BLAS where it applies.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from typing import Any

import numpy as np

from circuitgrad.wire import Array

Function = Callable[..., Array]


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
    spec = f"{output}->{unique}"

    def embed(*arrays: Array) -> Array:
        result = np.zeros(full, dtype)
        diagonal = np.einsum(spec, result)
        diagonal[...] = function(*arrays).reshape(position)
        return result

    return embed


def _core(operands: tuple[str, ...], output: str, sizes: Mapping[str, int], dtype: Any) -> Function:
    if not operands:
        return lambda: np.ones((), dtype)
    if len(operands) == 1:
        return _single(operands[0], output)
    if len(operands) == 2 and all(len(set(term)) == len(term) for term in operands):
        return _pair(operands[0], operands[1], output, sizes)
    return _several(operands, output, sizes, dtype)


def _single(term: str, output: str) -> Function:
    if term == output:
        return np.asarray
    if len(set(term)) < len(term):
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


def _pair(left: str, right: str, output: str, sizes: Mapping[str, int]) -> Function:
    """Two operands: matmul over (batch, left, contracted) and (batch, contracted, right)."""
    if left == right == output:
        return np.multiply
    alone_left = [x for x in left if x not in right and x not in output]
    alone_right = [x for x in right if x not in left and x not in output]
    if alone_left or alone_right:
        return _presummed(left, right, output, sizes, alone_left, alone_right)
    contracted = [x for x in left if x in right and x not in output]
    if not contracted:
        return _product(left, right, output)
    batch = [x for x in left if x in right and x in output]
    rows = [x for x in left if x not in right]
    columns = [x for x in right if x not in left]
    if (left, right, output) == ("ab", "bc", "ac"):
        return np.matmul
    first = tuple(left.index(x) for x in batch + rows + contracted)
    second = tuple(right.index(x) for x in batch + contracted + columns)
    natural = "".join(batch + rows + columns)
    order = tuple(natural.index(x) for x in output)
    lead = tuple(sizes[x] for x in batch)
    inner = math.prod(sizes[x] for x in contracted)
    a_shape = (*lead, math.prod(sizes[x] for x in rows), inner)
    b_shape = (*lead, inner, math.prod(sizes[x] for x in columns))
    shape = tuple(sizes[x] for x in natural)
    multiply: Any = np.matmul
    if not batch and not columns:
        b_shape, multiply = (inner,), np.dot
        a_shape = a_shape if rows else (inner,)
    elif not batch and not rows:
        a_shape, multiply = (inner,), np.dot

    def kernel(a: Array, b: Array) -> Array:
        product = multiply(
            np.transpose(a, first).reshape(a_shape), np.transpose(b, second).reshape(b_shape)
        )
        return np.transpose(np.reshape(product, shape), order)

    return kernel


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
    first, second = _single(left, short_left), _single(right, short_right)
    product = _pair(short_left, short_right, output, sizes)
    return lambda a, b: product(first(a), second(b))


def _product(left: str, right: str, output: str) -> Function:
    """An outer or partly shared product: axes aligned by new axes, then multiplied."""

    def aligned(term: str) -> tuple[tuple[int, ...], tuple[Any, ...]]:
        order = tuple(term.index(x) for x in output if x in term)
        return order, tuple(slice(None) if x in term else None for x in output)

    (first, left_index), (second, right_index) = aligned(left), aligned(right)
    return lambda a, b: np.multiply(
        np.transpose(a, first)[left_index], np.transpose(b, second)[right_index]
    )


def _several(
    operands: tuple[str, ...], output: str, sizes: Mapping[str, int], dtype: Any
) -> Function:
    """More than two operands, or repeated letters: NumPy's einsum along a path chosen once."""
    spec = f"{','.join(operands)}->{output}"
    if len(operands) == 2:
        return lambda *arrays: np.einsum(spec, *arrays)
    models = [np.broadcast_to(np.zeros((), dtype), [sizes[x] for x in term]) for term in operands]
    path = np.einsum_path(spec, *models, optimize="greedy")[0]
    return lambda *arrays: np.einsum(spec, *arrays, optimize=path)
