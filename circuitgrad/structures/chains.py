"""Contractions of several arrays as a chain of products of two, the order chosen by cost."""

from __future__ import annotations

import math
from collections.abc import Hashable, Iterable, Mapping, Sequence
from functools import lru_cache
from typing import Any

import numpy as np

from circuitgrad.gates.contraction_kernels import Function, contraction_kernel
from circuitgrad.wire import Array

Sizes = Mapping[str, int]


def contracted(
    terms: Sequence[str], output: str, arrays: Sequence[Array], sizes: Sizes, dtype: Any
) -> Array:
    """The contraction of arrays: deltas and ones in the output as in our einsum.

    Args:
        terms: The letters of each array.
        output: The letters of the result; one that stands twice is a delta.
        arrays: One per term.
        sizes: The size of every letter.
        dtype: The dtype of the result.
    """
    key = tuple(sorted((x, sizes[x]) for x in set("".join((*terms, output)))))
    steps = _chain(tuple(terms), output, key, np.dtype(dtype))
    pending = list(arrays)
    for kernel, places in steps:
        used = [pending[k] for k in places]
        pending = [a for k, a in enumerate(pending) if k not in places]
        pending.append(kernel(*used))
    return np.asarray(pending[0])


@lru_cache(maxsize=1024)
def _chain(
    terms: tuple[str, ...], output: str, sizes: tuple[tuple[str, int], ...], dtype: Any
) -> tuple[tuple[Function, tuple[int, ...]], ...]:
    """The kernels of the chain, each with the places of its operands among those pending."""
    known = dict(sizes)
    steps = []
    pending = list(terms)
    while len(pending) > 2:
        places = _cheapest(pending, output, known)
        used = [pending[k] for k in places]
        pending = [t for k, t in enumerate(pending) if k not in places]
        later = set("".join((*pending, output)))
        result = "".join(x for x in dict.fromkeys("".join(used)) if x in later)
        steps.append((_kernel(used, result, known, dtype), places))
        pending.append(result)
    last = _kernel(pending, output, known, dtype)
    return (*steps, (last, tuple(range(len(pending)))))


def _kernel(terms: Sequence[str], output: str, sizes: Sizes, dtype: Any) -> Function:
    """The kernel of one step; of the sizes it is told those that it has."""
    letters = set("".join((*terms, output)))
    return contraction_kernel(tuple(terms), output, {x: sizes[x] for x in letters}, dtype)


def _cheapest(pending: Sequence[str], output: str, sizes: Sizes) -> tuple[int, int]:
    """The pair whose product takes the least work, and of those the one with the least data."""

    def cost(pair: tuple[int, int]) -> tuple[int, int]:
        i, j = pair
        later = set("".join([*(t for k, t in enumerate(pending) if k not in pair), output]))
        both = set(pending[i] + pending[j])
        return entries(both, sizes), entries(both & later, sizes)

    pairs = [(i, j) for j in range(len(pending)) for i in range(j)]
    return min(pairs, key=cost)


def entries(letters: Iterable[Hashable], sizes: Mapping[Any, int]) -> int:
    """The number of entries of an array with these letters, each counted once."""
    return math.prod([sizes[letter] for letter in set(letters)])
