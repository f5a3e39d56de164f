"""What structure a derivative has for every size, read off its indices."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from circuitgrad.gates.from_einsum import Einsum
from circuitgrad.gates.from_formula import Elementwise
from circuitgrad.gates.indexed_products import IndexedProduct, components
from circuitgrad.gates.product_reading import indexed_products
from circuitgrad.gates.subscripts import Indices
from circuitgrad.sources import Constant, Input
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
        position: Which of the blocks it is, counted line by line.
    """

    name: str
    wire: Wire
    leading: int
    products: tuple[IndexedProduct, ...] | None
    kind: str
    position: int


def read_block(name: str, wire: Wire, leading: int, position: int = 0) -> Block:
    """A derivative with its structure read off."""
    products = indexed_products(wire, leading)
    if products is None:
        return Block(name, wire, leading, None, UNSEEN, position)
    kind = kind_of(products, leading)
    if kind in (DENSE, "product") and any(_is_opaque(product, leading) for product in products):
        kind = UNSEEN
    return Block(name, wire, leading, tuple(products), kind, position)


def sides(product: IndexedProduct, leading: int) -> tuple[Indices, Indices]:
    """The indices of the rows and of the columns."""
    return product.output[:leading], product.output[leading:]


def kind_of(products: Sequence[IndexedProduct], leading: int) -> str:
    """The structure of a sum of products."""
    kinds = [_kind_of_one(product, leading) for product in products]
    counts = Counter(kinds)
    if not counts:
        return "zero"
    if len(set(kinds) - {"diagonal", "scaled identity"}) and len(kinds) > 1:
        common = _common_deltas(products, leading)
        if common:
            is_carried = any(common_carried(product, common) for product in products)
            return "block diagonal" if is_carried else "Kronecker product"
    if len(kinds) > 1 and counts["block diagonal"]:
        spread = [k for k, p in enumerate(products) if _is_kronecker(p, leading)]
        counts.update(Counter("Kronecker product" for k in spread if kinds[k] == "block diagonal"))
        counts.subtract(Counter(kinds[k] for k in spread if kinds[k] == "block diagonal"))
    if counts[DENSE] or counts["product"] > 1:
        return DENSE
    if counts["diagonal"]:
        counts.pop("scaled identity", None)
    words = [kind for kind in _ORDER if counts[kind] > 0]
    if counts["Kronecker product"] > 1:
        words[0] = "sum of Kronecker products"
    if counts["rank 1"]:
        words.append(f"rank {counts['rank 1']}")
    return " plus ".join(words)


def common_carried(product: IndexedProduct, axes: Iterable[int]) -> bool:
    """Whether a factor has the index of one of the axes."""
    return any(product.output[k] in product.carried for k in axes)


def _common_deltas(products: Sequence[IndexedProduct], leading: int) -> set[int]:
    """The axes of the rows on which every product has a delta with the same axis of the columns."""
    found: set[int] | None = None
    for product in products:
        rows, columns = sides(product, leading)
        if len(rows) != len(columns):
            return set()
        own = {k for k, (i, j) in enumerate(zip(rows, columns, strict=True)) if i == j}
        own = {k for k in own if product.output.count(rows[k]) == 2}
        found = own if found is None else found & own
    return found or set()


def _kind_of_one(product: IndexedProduct, leading: int) -> str:
    rows, columns = sides(product, leading)
    if not rows or not columns:
        return DENSE
    if len(set(product.output)) == len(product.output):
        return _full_kind(product, rows, columns)
    both = set(rows) & set(columns)
    if rows == columns and len(both) == len(rows):
        return "diagonal" if both & product.carried else "scaled identity"
    if len({*rows}) < len(rows) or len({*columns}) < len(columns) or set(product.output) == both:
        return "deltas"
    if any(rows.index(i) != columns.index(i) for i in both):
        return "deltas"
    if not both & product.carried and len(rows) == len(columns):
        return "Kronecker product"
    return "block diagonal"


def _full_kind(product: IndexedProduct, rows: Indices, columns: Indices) -> str:
    """The structure of a product without a delta: how rows and columns hang together."""
    groups = [shown for _, shown in components(product)]
    if not any(shown & set(rows) and shown & set(columns) for shown in groups):
        return "rank 1"
    if _is_kronecker(product, leading=len(rows)):
        return "Kronecker product"
    if len(rows) == len(columns) == 2 and _is_spread(
        groups, [{rows[0], columns[1]}, {rows[1], columns[0]}]
    ):
        return EXCHANGED
    joined = [
        factors for factors, shown in components(product)
        if shown & set(rows) and shown & set(columns)
    ]  # fmt: skip
    return "product" if any(len(factors) > 1 for factors in joined) else DENSE


def _is_kronecker(product: IndexedProduct, leading: int) -> bool:
    """Whether each group of factors has one axis of the rows and the same of the columns."""
    rows, columns = sides(product, leading)
    pairs = [{i, j} for i, j in zip(rows, columns, strict=False)]
    return len(rows) == len(columns) > 1 and _is_spread([s for _, s in components(product)], pairs)


def _is_spread(groups: Sequence[frozenset[int]], pairs: Sequence[set[int]]) -> bool:
    """Whether every group of factors belongs to one pair of a row axis and a column axis."""
    return all(any(shown <= pair for pair in pairs) for shown in groups)


def _is_opaque(product: IndexedProduct, leading: int) -> bool:
    """Whether a factor with rows and columns comes from gates that may hide zeros."""
    rows, columns = (set(side) for side in sides(product, leading))
    for wire, indices in product.factors:
        shown = set(indices)
        if any(i != j for i in shown & rows for j in shown & columns):
            if _may_hide(wire):
                return True
        elif len(shown) > 1 and not isinstance(wire.gate, Constant) and _may_hide(wire):
            return True
    return False


def _may_hide(wire: Wire) -> bool:
    """Whether an array may have zeros for every value: it was made by gates that place entries."""
    for part in topological([wire]):
        gate = part.gate
        if isinstance(gate, Einsum):
            is_full = len(set(gate.output)) == len(gate.output)
        else:
            is_full = isinstance(gate, Input | Elementwise) or not part.shape
        if not is_full:
            return True
    return False
