"""What structure a derivative has for every size, read off its indices."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass

from circuitgrad.gates.from_einsum import Einsum
from circuitgrad.gates.from_formula import Elementwise
from circuitgrad.gates.indexed_products import Factor, IndexedProduct, components, indexed_products
from circuitgrad.gates.subscripts import Indices
from circuitgrad.sources import Input
from circuitgrad.wire import Wire, topological

UNSEEN = "no structure visible"
DENSE = "dense"
EXCHANGED = "Kronecker product with axes exchanged"
_ORDER = (
    "Kronecker product", EXCHANGED, "block diagonal", "scaled identity", "diagonal", "deltas",
    "product",
)  # fmt: skip


@dataclass(frozen=True)
class Structure:
    """What is known of a Jacobian or Hessian for every size; prints as a line for each block.

    Attributes:
        name: The derivative, as "∂²L/∂U²".
        kind: "zero", "scaled identity", "diagonal", "block diagonal", "Kronecker product",
            "Kronecker product with axes exchanged", "sum of Kronecker products", "deltas" (entries
            where indices are equal, in another order), "rank 1", "product", "dense", some of them
            joined by "plus", "2 × 2 blocks" and the like for several inputs, or "no structure
            visible".
        formula: The matrix in closed form where it has one; rows and columns count the entries of
            arrays in C order.
        is_sized: Whether there is a named axis, so that the statement is one about all sizes.
        blocks: The structures of the blocks, line by line, where there are several.
    """

    name: str
    kind: str
    formula: str = ""
    is_sized: bool = True
    blocks: tuple[Structure, ...] = ()

    @property
    def is_visible(self) -> bool:
        """Whether the deltas show more than a dense matrix."""
        if self.blocks:
            return any(block.is_visible for block in self.blocks)
        return self.kind not in (UNSEEN, DENSE)

    def __str__(self) -> str:
        if self.blocks:
            return "\n".join([f"{self.name}: {self.kind}", *(f"  {b}" for b in self.blocks)])
        told = [self.kind] + ([self.formula] if self.formula else [])
        if self.is_sized and self.kind != UNSEEN:
            told.append("for every size")
        return f"{self.name}: {', '.join(told)}"


@dataclass(frozen=True)
class Block:
    """The derivative of one wire by another, read.

    Attributes:
        name: The derivative, as "∂²L/∂U∂V".
        wire: Its values, rows first.
        leading: How many of the axes are rows.
        products: The products that it is the sum of; None where they were too many.
        kind: As in `Structure`.
    """

    name: str
    wire: Wire
    leading: int
    products: tuple[IndexedProduct, ...] | None
    kind: str


def read_block(name: str, wire: Wire, leading: int) -> Block:
    """A derivative with its structure read off."""
    products = indexed_products(wire, leading)
    if products is None:
        return Block(name, wire, leading, None, UNSEEN)
    kind = _together([kind_of(product, leading) for product in products])
    if kind == DENSE and any(_is_opaque(product, leading) for product in products):
        kind = UNSEEN
    return Block(name, wire, leading, tuple(products), kind)


def sides(product: IndexedProduct, leading: int) -> tuple[Indices, Indices]:
    """The indices of the rows and of the columns."""
    return product.output[:leading], product.output[leading:]


def kind_of(product: IndexedProduct, leading: int) -> str:
    """The structure of one product."""
    rows, columns = sides(product, leading)
    both = set(rows) & set(columns)
    is_placed = len(set(product.output)) < len(product.output)
    if not is_placed:
        return _full_kind(product, rows, columns)
    if rows == columns and len(both) == len(rows):
        return "diagonal" if both & product.carried else "scaled identity"
    pairs = {(rows.index(i), columns.index(i)) for i in both}
    is_even = all(rows.count(i) == columns.count(i) == 1 for i in both) and both
    is_free = set(product.output) == both or len(set(rows)) < len(rows)
    if not is_even or is_free or len(set(columns)) < len(columns):
        return "deltas"
    if any(i != j for i, j in pairs):
        return "deltas"
    if not both & product.carried and len(rows) == len(columns):
        return "Kronecker product"
    return "block diagonal"


def _full_kind(product: IndexedProduct, rows: Indices, columns: Indices) -> str:
    """The structure of a product without a delta: how rows and columns hang together."""
    joined = [
        factors for factors, shown in components(product)
        if shown & set(rows) and shown & set(columns)
    ]  # fmt: skip
    if not joined:
        return "rank 1"
    found = [kind for factors in joined for kind in _axis_pair(factors, rows, columns)]
    if len(joined) > 1 and len(found) == len(joined) == len(rows) == len(columns):
        return "Kronecker product" if all(i == j for i, j in found) else EXCHANGED
    return "product" if any(len(factors) > 1 for factors in joined) else DENSE


def _axis_pair(factors: Sequence[Factor], rows: Indices, columns: Indices) -> list[tuple[int, int]]:
    """The one row axis and the one column axis that factors have, if that is all they have."""
    shown = {i for _, indices in factors for i in indices}
    above, beside = (sorted(side.index(i) for i in shown & set(side)) for side in (rows, columns))
    return [(above[0], beside[0])] if len(above) == len(beside) == 1 else []


def _together(kinds: Sequence[str]) -> str:
    """The name of a sum of structures."""
    counts = Counter(kinds)
    if not counts:
        return "zero"
    if counts[DENSE] or counts["product"] > 1:
        return DENSE
    if counts["diagonal"]:
        counts.pop("scaled identity", None)
    if counts["block diagonal"]:
        counts.pop("Kronecker product", None)
    words = [kind for kind in _ORDER if counts[kind]]
    if counts["Kronecker product"] > 1:
        words[0] = "sum of Kronecker products"
    if counts["rank 1"]:
        words.append(f"rank {counts['rank 1']}")
    return " plus ".join(words)


def _is_opaque(product: IndexedProduct, leading: int) -> bool:
    """Whether a factor with rows and columns comes from gates that may hide zeros."""
    rows, columns = (set(side) for side in sides(product, leading))
    for wire, indices in product.factors:
        shown = set(indices)
        if any(i != j for i in shown & rows for j in shown & columns) and _may_hide(wire):
            return True
    return False


def _may_hide(wire: Wire) -> bool:
    for part in topological([wire]):
        gate = part.gate
        if isinstance(gate, Einsum):
            is_full = len(set(gate.output)) == len(gate.output)
        else:
            is_full = isinstance(gate, Input | Elementwise) or not part.shape
        if not is_full:
            return True
    return False
