"""Products inside other products: a chain of factors that is known already is not multiplied again.

Products are associative, so one chain is multiplied in many orders. A Hessian often multiplies the
same matrices from the left and from the right: the second chain is the transpose of the first, and
one product with it takes the place of many.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from circuitgrad.gates.contraction_order import contraction_flops
from circuitgrad.gates.from_einsum import Einsum, contract
from circuitgrad.plans.terms import Factor
from circuitgrad.spec import Axis, resolve_shape
from circuitgrad.wire import Wire, build

LONGEST = 64  # factors
SHORTEST = 3
MOST_SHORT = 4  # products of two that are looked at for each of their factors


@dataclass(frozen=True)
class _Product:
    """A wire as a sum of products of wires that are no products, each wire once.

    Attributes:
        factors: Each wire with the index of each of its axes.
        output: The index of each axis of the result.
        key: A number that tells sets of factors apart, mostly.
    """

    factors: tuple[Factor, ...]
    output: tuple[int, ...]
    key: int


def shared(order: Sequence[Wire], wanted: Sequence[Wire], sizes: Mapping[str, int]) -> list[Wire]:
    """Wires of the same values as those wanted, with chains of products that are there used again.

    Args:
        order: What the wanted wires need, in topological order.
        wanted: The wires asked for.
        sizes: The size of every named axis.
    """
    if sum([_is_product(wire) for wire in order]) <= SHORTEST:
        return list(wanted)
    work = _Sharing(sizes)
    for wire in order:
        work.visit(wire)
    return [work.made.get(wire.serial, wire) for wire in wanted]


class _Sharing:
    """The products seen so far, and what wires have become."""

    def __init__(self, sizes: Mapping[str, int]) -> None:
        self._sizes = sizes
        self._products: dict[int, _Product] = {}
        self._by_key: dict[int, Wire] = {}
        self._short: dict[int, list[Wire]] = {}
        self.made: dict[int, Wire] = {}

    def visit(self, wire: Wire) -> None:
        """Rebuild a wire if something that it reads was, or if there is a shorter way to it."""
        inputs = tuple([self.made.get(source.serial, source) for source in wire.inputs])
        new = wire
        if any([a is not b for a, b in zip(inputs, wire.inputs, strict=True)]):
            new = build(wire.gate, inputs)
        if _is_product(new) and (product := self._product(new)) is not None:
            shorter = self._shorter(new, product)
            new = new if shorter is None else shorter
            self._products[new.serial] = product
            self._by_key.setdefault(product.key, new)
            if len(product.factors) == 2:
                for factor, _ in product.factors:
                    near = self._short.setdefault(factor.serial, [])
                    if len(near) < MOST_SHORT:
                        near.append(new)
        if new is not wire:
            self.made[wire.serial] = new

    def _product(self, wire: Wire) -> _Product | None:
        """A wire's product, those inside it opened; None where a factor comes twice."""
        gate = wire.gate
        assert isinstance(gate, Einsum)
        number = {x: k for k, x in enumerate(dict.fromkeys("".join((gate.output, *gate.operands))))}
        count = len(number)
        factors: list[Factor] = []
        for term, source in zip(gate.operands, wire.inputs, strict=True):
            ids = tuple(number[x] for x in term)
            inner = self._products.get(source.serial)
            if inner is None:
                factors.append((source, ids))
                continue
            place = dict(zip(inner.output, ids, strict=True))
            for factor, own in inner.factors:
                for i in own:
                    if i not in place:
                        place[i] = count
                        count += 1
                factors.append((factor, tuple(place[i] for i in own)))
        serials = {factor.serial for factor, _ in factors}
        if len(factors) > LONGEST or len(serials) < len(factors):
            return None
        key = 0
        for serial in serials:
            key ^= _mark(serial)
        return _Product(tuple(factors), tuple(number[x] for x in gate.output), key)

    def _shorter(self, wire: Wire, product: _Product) -> Wire | None:
        """The wire as a product of two: a known one, and a factor or a short one."""
        if len(product.factors) <= SHORTEST:
            return None
        inside = {source.serial for source in wire.inputs}
        for rest, key in self._pieces(product):
            known = self._by_key.get(product.key ^ key)
            if known is None or known.serial in inside:
                continue
            found = [self._inside(product, part) for part in (known, rest)]
            factors = [factor for factor in found if factor is not None]
            parts = [self._products[known.serial], self._products.get(rest.serial)]
            count = sum(1 if part is None else len(part.factors) for part in parts)
            if len(factors) == 2 and count == len(product.factors):
                return self._if_cheap(wire, factors, product.output)
        return None

    def _pieces(self, product: _Product) -> Iterator[tuple[Wire, int]]:
        """The factors of a product and the short products with them, each with its key."""
        for wire, _ in product.factors:
            yield wire, _mark(wire.serial)
            for short in self._short.get(wire.serial, ()):
                yield short, self._products[short.serial].key

    def _inside(self, outer: _Product, wire: Wire) -> Factor | None:
        """A wire as a factor of a product that has it, or all of its factors."""
        inner = self._products.get(wire.serial)
        if inner is None:
            return next((factor for factor in outer.factors if factor[0] is wire), None)
        ids = _matched(inner, outer)
        return None if ids is None else (wire, ids)

    def _if_cheap(
        self, wire: Wire, factors: Sequence[Factor], output: tuple[int, ...]
    ) -> Wire | None:
        """The product of two factors, if it takes no more than the wire's last step."""
        axes: dict[int, Axis] = {}
        for factor, ids in factors:
            axes |= dict(zip(ids, factor.shape, strict=True))
        found = contract(factors, output, axes)
        return found if _is_product(found) and self._work(found) <= self._work(wire) else None

    def _work(self, wire: Wire) -> int:
        gate = wire.gate
        assert isinstance(gate, Einsum)
        lengths: dict[str, int] = {}
        for term, source in zip(gate.operands, wire.inputs, strict=True):
            lengths |= dict(zip(term, resolve_shape(source.shape, self._sizes), strict=True))
        return contraction_flops(gate.operands, gate.output, lengths)


def _matched(inner: _Product, outer: _Product) -> tuple[int, ...] | None:
    """The indices that a product has inside another; None where it is not inside as a whole."""
    place = {factor.serial: ids for factor, ids in outer.factors}
    same: dict[int, int] = {}
    for factor, ids in inner.factors:
        for i, j in zip(ids, place.pop(factor.serial, ()), strict=False):
            if same.setdefault(i, j) != j:
                return None
    if len(place) + len(inner.factors) != len(outer.factors):
        return None
    summed = {j for i, j in same.items() if i not in inner.output}
    outside = set(outer.output).union(*place.values())
    if len(set(same.values())) < len(same) or not summed.isdisjoint(outside):
        return None
    return tuple(same[i] for i in inner.output)


def _mark(serial: int) -> int:
    """Numbers whose exclusive or tells sets apart, mostly."""
    return hash((serial, "factor"))


def _is_product(wire: Wire) -> bool:
    """Whether a wire is a product of two arrays without deltas and ones."""
    gate = wire.gate
    return (
        type(gate) is Einsum
        and len(gate.operands) == 2
        and not gate.sizes
        and all([len(set(term)) == len(term) for term in (*gate.operands, gate.output)])
    )
