"""One name for each summed index: products that differ in dummy names only become the same.

Colour refinement tells indices apart by the factors that carry them; where a tie remains, every
choice is tried and the least key is kept. Groups of factors that share no summed index are
settled one by one, so that powers of scalars cost nothing.
"""

from __future__ import annotations

from dataclasses import replace

from circuitgrad.errors import SpecError
from circuitgrad.formulas.tensor_terms import Factor, Index, Term, components, product_key

Colors = dict[Index, int]
MAX_CHOICES = 2000


def settled(term: Term) -> Term:
    """The term with summed indices named -1, -2, … in a way that depends on the product only."""
    parts = [_settled_group(group) for group in components(term.factors)]
    parts.sort(key=lambda part: part[0])
    result: list[Factor] = []
    count = 0
    for _, factors in parts:
        summed = sorted({-i.number for f in factors for i in f.indices if i.number < 0})
        place = {
            i: Index(i.number - count, i.axis) for f in factors for i in f.indices if i.number < 0
        }
        result.extend(_ordered(factor.at(place)) for factor in factors)
        count += len(summed)
    result.sort(key=lambda f: (f.color, tuple(i.number for i in f.indices)))
    return Term(term.coefficient, tuple(result))


def _ordered(factor: Factor) -> Factor:
    """A symmetric factor with its indices in order."""
    if not factor.is_symmetric:
        return factor
    indices = tuple(sorted(factor.indices, key=lambda i: (not i.is_free, abs(i.number))))
    return factor if indices == factor.indices else replace(factor, indices=indices)


def _settled_group(factors: tuple[Factor, ...]) -> tuple[str, tuple[Factor, ...]]:
    summed = list(dict.fromkeys(i for f in factors for i in f.indices if not i.is_free))
    if not summed:
        return product_key(factors), factors
    best: tuple[str, tuple[Factor, ...]] | None = None
    pending: list[Colors] = [dict.fromkeys(summed, 0)]
    tried = 0
    while pending:
        colors = _refined(pending.pop(), factors)
        tie = _first_tie(colors)
        if tie:
            pending.extend({i: 2 * c - (i == chosen) for i, c in colors.items()} for chosen in tie)
            continue
        tried += 1
        if tried > MAX_CHOICES:
            raise SpecError(
                "tensor form: a product has too many equal factors to be brought into one form. "
                "Differentiate smaller parts."
            )
        place = {i: Index(-1 - c, i.axis) for i, c in colors.items()}
        named = tuple(_ordered(factor.at(place)) for factor in factors)
        key = product_key(named)
        if best is None or key < best[0]:
            best = (key, named)
    assert best is not None
    return best


def _first_tie(colors: Colors) -> list[Index]:
    classes: dict[int, list[Index]] = {}
    for index, color in colors.items():
        classes.setdefault(color, []).append(index)
    return next((found for _, found in sorted(classes.items()) if len(found) > 1), [])


def _refined(colors: Colors, factors: tuple[Factor, ...]) -> Colors:
    """Colours split by the factors that carry each index, until nothing splits any more."""
    while True:
        signatures = {index: _signature(index, colors, factors) for index in colors}
        ranks = {s: k for k, s in enumerate(sorted(set(signatures.values())))}
        refined = {index: ranks[signatures[index]] for index in colors}
        if len(ranks) == len(set(colors.values())):
            return refined
        colors = refined


def _signature(index: Index, colors: Colors, factors: tuple[Factor, ...]) -> tuple[object, ...]:
    places = []
    for factor in factors:
        if index in factor.indices:
            marks = [_mark(i, index, colors) for i in factor.indices]
            places.append((factor.color, *(sorted(marks) if factor.is_symmetric else marks)))
    return (colors[index], str(index.axis), tuple(sorted(places)))


def _mark(index: Index, own: Index, colors: Colors) -> str:
    if index == own:
        return "*"
    return f"free {index.number}" if index.is_free else f"summed {colors[index]}"
