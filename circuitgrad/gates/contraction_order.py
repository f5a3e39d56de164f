"""The order of a contraction of many operands: pair after pair, the cheapest for the sizes."""

from __future__ import annotations

import math
from collections.abc import Hashable, Mapping, Sequence
from typing import Any, NamedTuple

from opt_einsum import paths

LARGEST_OPTIMAL = 5  # exhaustive up to here, dynamic programming up to the next, greedy above
LARGEST_DYNAMIC = 12


class Pair(NamedTuple):
    """One step of a contraction: two operands are taken out of the list, their product appended.

    Attributes:
        first: The position of the left operand in the list as it is now.
        second: The position of the right operand, before either is taken out.
        result: The letters of the product.
    """

    first: int
    second: int
    result: tuple[Any, ...]


def pairwise_order(
    operands: Sequence[Sequence[Hashable]],
    output: Sequence[Hashable],
    sizes: Mapping[Any, int],
) -> tuple[Pair, ...]:
    """The pairs in which a contraction is computed with the fewest operations.

    Args:
        operands: The letters of each operand, none twice in one operand.
        output: The letters of the result, none twice.
        sizes: The size of every letter.

    Source:
        Smith & Gray, opt_einsum, Journal of Open Source Software 3 (2018) 753.

    >>> pairwise_order(["ij", "jk", "k"], "i", {"i": 100, "j": 100, "k": 100})
    (Pair(first=1, second=2, result=('j',)), Pair(first=0, second=1, result=('i',)))
    """
    listed = [tuple(term) for term in operands]
    pairs = []
    for first, second in _path(listed, output, sizes):
        left, right = listed[first], listed[second]
        rest = [term for k, term in enumerate(listed) if k not in (first, second)]
        needed = set(output).union(*rest)
        result = tuple(output) if not rest else product_letters(left, right, needed)
        pairs.append(Pair(first, second, result))
        listed = [*rest, result]
    return tuple(pairs)


def product_letters(left: Sequence[Any], right: Sequence[Any], needed: set[Any]) -> tuple[Any, ...]:
    """The letters of a product as matmul leaves them: shared, then left's, then right's."""
    shared = [x for x in left if x in right and x in needed]
    rows = [x for x in left if x not in right and x in needed]
    columns = [x for x in right if x not in left and x in needed]
    return (*shared, *rows, *columns)


def _path(
    operands: Sequence[Sequence[Any]], output: Sequence[Any], sizes: Mapping[Any, int]
) -> list[tuple[int, int]]:
    if len(operands) <= 2:
        return [(0, 1)] if len(operands) == 2 else []
    # Sizes of 0 would make every order free; symbols of its own suit every kind of letter.
    symbols = {x: chr(192 + k) for k, x in enumerate(dict.fromkeys(x for t in operands for x in t))}
    lengths = {symbols[x]: max(sizes[x], 1) for x in symbols}
    inputs = [frozenset(symbols[x] for x in term) for term in operands]
    wanted = frozenset(symbols[x] for x in output if x in symbols)
    if len(operands) <= LARGEST_OPTIMAL:
        found = paths.optimal(inputs, wanted, lengths)
    elif len(operands) <= LARGEST_DYNAMIC:
        found = paths.dynamic_programming(inputs, wanted, lengths)
    else:
        found = paths.greedy(inputs, wanted, lengths)
    return [(min(step), max(step)) for step in found]


def pair_flops(
    left: Sequence[Any], right: Sequence[Any], result: Sequence[Any], sizes: Mapping[Any, int]
) -> int:
    """The operations of a product of two operands: 2mnk for matmul, one per entry without a sum.

    >>> pair_flops("ij", "jk", "ik", {"i": 2, "j": 3, "k": 4})
    48
    """
    letters = set(left) | set(right)
    total = math.prod(sizes[x] for x in letters)
    alone = [
        (term, [x for x in term if x in other or x in result])
        for term, other in ((left, right), (right, left))
    ]
    first = 0
    for term, kept in alone:  # what only one operand has is summed before the product
        if len(kept) < len(term):
            first += math.prod(sizes[x] for x in term)
            total //= max(math.prod(sizes[x] for x in term if x not in kept), 1)
    inner = [x for x in left if x in right and x not in result]
    return first + (2 * total if inner else total)


def distinct(operands: Sequence[str], output: str) -> tuple[list[tuple[str, ...]], tuple[str, ...]]:
    """The letters of operands and output, each once, new letters of the output left out."""
    listed = [tuple(dict.fromkeys(term)) for term in operands]
    carried = {x for term in listed for x in term}
    return listed, tuple(x for x in dict.fromkeys(output) if x in carried)


def contraction_flops(operands: Sequence[str], output: str, sizes: Mapping[str, int]) -> int:
    """The operations of an einsum computed pair after pair; none where entries are only placed.

    >>> contraction_flops(["ij", "jk"], "ik", {"i": 2, "j": 3, "k": 4})
    48
    """
    listed, core = distinct(operands, output)
    if len(listed) == 1:
        (term,) = listed
        return 0 if set(term) <= set(output) else math.prod(sizes[x] for x in term)
    total = 0
    for first, second, letters in pairwise_order(listed, core, sizes):
        right, left = listed.pop(second), listed.pop(first)
        total += pair_flops(left, right, letters, sizes)
        listed.append(letters)
    return total
