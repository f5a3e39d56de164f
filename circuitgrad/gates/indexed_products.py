"""Sums of products over named indices: what derivatives are read as, and multiplied from."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from circuitgrad.gates.from_einsum import contract
from circuitgrad.gates.operators import product as scaled
from circuitgrad.gates.subscripts import Indices
from circuitgrad.sources import constant
from circuitgrad.spec import Axis, DType
from circuitgrad.wire import Wire

Factor = tuple[Wire, Indices]
# More factors than these are gathered by their indices.
MAX_FACTORS = 12


@dataclass(frozen=True)
class IndexedProduct:
    """A coefficient times factors, summed over the indices that the output does not have.

    Attributes:
        coefficient: A number.
        factors: Wires with the index of each of their axes.
        output: The index of each axis of the result; one that stands twice is a delta, one that no
            factor carries is a one.
        axes: The axis of every index.
    """

    coefficient: float
    factors: tuple[Factor, ...]
    output: Indices
    axes: Mapping[int, Axis]

    @property
    def carried(self) -> frozenset[int]:
        """The indices that a factor has."""
        return frozenset(i for _, indices in self.factors for i in indices)


def gathered(factors: list[Factor]) -> list[Factor]:
    """The factors; where there are many, those with the same indices as one."""
    if len(factors) <= MAX_FACTORS:
        return factors
    groups: dict[Indices, Wire] = {}
    for wire, ids in factors:
        groups[ids] = scaled(groups[ids], wire) if ids in groups else wire
    return [(wire, ids) for ids, wire in groups.items()]


def ordered(factors: Sequence[Factor], rank: int) -> tuple[tuple[Factor, ...], dict[int, int]]:
    """The factors in an order of their own, summed indices renamed by it.

    Equal products become equal objects.
    """

    def rule(factor: Factor) -> tuple[int, Indices]:
        return factor[0].serial, tuple(i if i < rank else rank for i in factor[1])

    names: dict[int, int] = {}
    found = []
    for wire, indices in sorted(factors, key=rule):
        for i in indices:
            if i >= rank:
                names.setdefault(i, rank + len(names))
        found.append((wire, tuple(names.get(i, i) for i in indices)))
    return tuple(found), names


def merged(products: Sequence[IndexedProduct]) -> list[IndexedProduct]:
    """The products with those that differ in the coefficient alone added up, zeros left out."""
    total: dict[tuple[tuple[Factor, ...], Indices], IndexedProduct] = {}
    for product in products:
        key = (product.factors, product.output)
        known = total.get(key)
        coefficient = product.coefficient + (known.coefficient if known else 0.0)
        total[key] = IndexedProduct(coefficient, product.factors, product.output, product.axes)
    return [product for product in total.values() if product.coefficient]


def collapsed(products: Sequence[IndexedProduct], dtype: DType) -> list[IndexedProduct]:
    """The products, those with the same delta and the same indices added up entry by entry."""
    groups: dict[tuple[Indices, frozenset[int]], list[IndexedProduct]] = {}
    kept = []
    for product in merged(products):
        if len(set(product.output)) == len(product.output):
            kept.append(product)
        else:
            groups.setdefault((product.output, product.carried & set(product.output)), []).append(
                product
            )
    for (output, carried), group in groups.items():
        core = tuple(i for i in dict.fromkeys(output) if i in carried)
        total = total_of([multiplied(product, core, dtype) for product in group])
        kept.append(IndexedProduct(1.0, ((total, core),), output, group[0].axes))
    return kept


def total_of(wires: Sequence[Wire]) -> Wire:
    """The sum of some wires of one shape."""
    total = wires[0]
    for wire in wires[1:]:
        total = total + wire
    return total


def components(product: IndexedProduct) -> Iterator[tuple[tuple[Factor, ...], frozenset[int]]]:
    """The groups of factors that summed indices join, with the output's indices that each has."""
    shown = set(product.output)
    groups: list[tuple[list[Factor], set[int]]] = []
    for factor in product.factors:
        inner = set(factor[1]) - shown
        joined = [group for group in groups if group[1] & inner]
        groups = [group for group in groups if not group[1] & inner]
        members = [f for group in joined for f in group[0]] + [factor]
        groups.append((members, inner.union(*(group[1] for group in joined))))
    for members, _ in groups:
        yield tuple(members), frozenset(i for _, ids in members for i in ids if i in shown)


def multiplied(product: IndexedProduct, output: Indices, dtype: DType) -> Wire:
    """A product's factors multiplied two by two, the number in the smallest of them."""
    factors = list(product.factors)
    rank, place = min(((len(ids), k) for k, (_, ids) in enumerate(factors)), default=(0, -1))
    if place < 0:
        number = constant(product.coefficient, dtype)
        return contract([(number, ())], output, product.axes)
    is_late = rank >= len(output)
    if not is_late:
        wire, ids = factors[place]
        factors[place] = (scaled(product.coefficient, wire), ids)
    while len(factors) > 2:
        i, j = _first_pair(factors, output)
        rest = [factor for k, factor in enumerate(factors) if k not in (i, j)]
        ids = _kept((factors[i], factors[j]), rest, output)
        factors = [*rest, (contract([factors[i], factors[j]], ids, product.axes), ids)]
    found = contract(factors, output, product.axes)
    return scaled(product.coefficient, found) if is_late else found


def _first_pair(factors: Sequence[Factor], output: Indices) -> tuple[int, int]:
    """The two factors whose product has the fewest axes, and takes the fewest loops."""

    def cost(pair: tuple[int, int]) -> tuple[int, int]:
        i, j = pair
        rest = [factor for k, factor in enumerate(factors) if k not in pair]
        kept = _kept((factors[i], factors[j]), rest, output)
        return len(kept), len({*factors[i][1], *factors[j][1]})

    return min(((i, j) for j in range(len(factors)) for i in range(j)), key=cost)


def _kept(pair: tuple[Factor, Factor], rest: Sequence[Factor], output: Indices) -> Indices:
    later = {i for _, ids in rest for i in ids} | set(output)
    return tuple(i for i in dict.fromkeys(pair[0][1] + pair[1][1]) if i in later)
