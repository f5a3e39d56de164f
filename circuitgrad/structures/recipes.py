"""How the parts of an operator are made of values: all that circuit and sizes alone decide."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from string import ascii_letters
from typing import Any

import numpy as np

from circuitgrad.gates.from_einsum import contract
from circuitgrad.gates.indexed_products import Factor, IndexedProduct
from circuitgrad.gates.operators import product as scaled
from circuitgrad.sources import constant
from circuitgrad.spec import resolve_shape
from circuitgrad.structures.chains import entries
from circuitgrad.structures.classification import DENSE, UNSEEN, Block
from circuitgrad.structures.parts import Dense, Part, ProductPart, Sum
from circuitgrad.wire import Array, Wire

# A pair of factors is multiplied in advance where that takes at most this many operations for
# each entry of the two: an operator is made to be applied, but perhaps only once.
MERGING_WORK = 8


@dataclass(frozen=True)
class ProductRecipe:
    """A product of wires, which becomes a part once they have values.

    Attributes:
        wires: The factors, cheap ones multiplied with each other.
        terms: The letters of each factor.
        rows: The letter of each axis of the rows.
        columns: The letter of each axis of the columns.
        sizes: The size of every letter.
        dtype: The dtype of the part.
    """

    wires: tuple[Wire, ...]
    terms: tuple[str, ...]
    rows: str
    columns: str
    sizes: Mapping[str, int]
    dtype: Any

    def part(self, values: Iterator[Array]) -> ProductPart:
        """The part, of the values of its wires, which are taken in their order."""
        arrays = tuple([next(values) for _ in self.wires])
        return ProductPart(self.terms, arrays, self.rows, self.columns, self.sizes, self.dtype)


@dataclass(frozen=True)
class BlockRecipe:
    """A block whose values are those of some wires.

    Attributes:
        products: Whose sum it is; None for a dense block.
        wire: The block itself.
        shape: Its numbers of rows and columns.
    """

    products: tuple[ProductRecipe, ...] | None
    wire: Wire
    shape: tuple[int, int]

    @property
    def wires(self) -> tuple[Wire, ...]:
        """The wires whose values are needed, in order."""
        if self.products is None:
            return (self.wire,)
        return tuple(wire for product in self.products for wire in product.wires)

    def part(self, values: Iterator[Array]) -> Part:
        """The part, of the values of its wires, which are taken in their order."""
        if self.products is None:
            return Dense(next(values).reshape(self.shape))
        parts = [product.part(values) for product in self.products]
        return parts[0] if len(parts) == 1 else Sum(tuple(parts), self.shape, self.wire.dtype)


def recipe_of(block: Block, sizes: Mapping[str, int]) -> BlockRecipe | None:
    """How a block is made of values; None where its structure is not visible."""
    if block.kind == UNSEEN:
        return None
    shape = resolve_shape(block.wire.shape, sizes)
    rows, columns = (
        int(np.prod(side, dtype=np.int64))
        for side in (shape[: block.leading], shape[block.leading :])
    )
    products = None
    if block.kind != DENSE:
        products = tuple(_product_recipe(p, block, sizes) for p in block.products or ())
    return BlockRecipe(products, block.wire, (rows, columns))


def _product_recipe(
    product: IndexedProduct, block: Block, sizes: Mapping[str, int]
) -> ProductRecipe:
    order = dict.fromkeys([*product.output, *(i for _, ids in product.factors for i in ids)])
    lengths = dict(
        zip(order, resolve_shape(tuple(product.axes[i] for i in order), sizes), strict=True)
    )
    factors = _with_coefficient(_multiplied(product, lengths), product, block)
    letter = dict(zip(order, ascii_letters, strict=False))
    output = "".join(letter[i] for i in product.output)
    return ProductRecipe(
        tuple(wire for wire, _ in factors),
        tuple("".join(letter[i] for i in ids) for _, ids in factors),
        output[: block.leading],
        output[block.leading :],
        {letter[i]: size for i, size in lengths.items()},
        block.wire.dtype,
    )


def _with_coefficient(factors: list[Factor], product: IndexedProduct, block: Block) -> list[Factor]:
    """The factors with the number of the product in the smallest of them."""
    number = constant(product.coefficient, block.wire.dtype)
    if not factors:
        return [(number, ())]
    if product.coefficient != 1:
        k = min(range(len(factors)), key=lambda k: len(factors[k][1]))
        wire, ids = factors[k]
        factors[k] = (scaled(number, wire), ids)
    return factors


def _multiplied(product: IndexedProduct, lengths: Mapping[int, int]) -> list[Factor]:
    """The factors, with those multiplied in advance for which that is cheap."""
    factors = list(product.factors)
    while (pair := _cheap_pair(factors, product.output, lengths)) is not None:
        both = [factor for k, factor in enumerate(factors) if k in pair]
        rest = [factor for k, factor in enumerate(factors) if k not in pair]
        later = {i for _, ids in rest for i in ids}.union(product.output)
        kept = tuple(i for i in dict.fromkeys(both[0][1] + both[1][1]) if i in later)
        factors = [*rest, (contract(both, kept, product.axes), kept)]
    return factors


def _cheap_pair(
    factors: Sequence[Factor], output: Sequence[int], lengths: Mapping[int, int]
) -> tuple[int, int] | None:
    """The next two factors to be multiplied, if there are any."""
    for j in range(len(factors)):
        for i in range(j):
            later = {x for k, (_, ids) in enumerate(factors) if k not in (i, j) for x in ids}
            both = {*factors[i][1], *factors[j][1]}
            size = [entries(factors[k][1], lengths) for k in (i, j)]
            kept = entries(both & later.union(output), lengths)
            is_small = kept <= min(size) or min(size) == 1
            if is_small and entries(both, lengths) <= MERGING_WORK * (sum(size) + 8):
                return i, j
    return None
