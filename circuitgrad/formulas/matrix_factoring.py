"""Sums of matrix terms as a person writes them: common factors once, signs and numbers outside."""

from __future__ import annotations

import math
from collections.abc import Callable, Hashable, Sequence
from fractions import Fraction

from circuitgrad.formulas.matrix_terms import (
    Chain,
    Expression,
    MatrixTerm,
    Scalars,
    entrywise,
    order,
    repr_key,
    transposed_chain,
    turns,
)
from circuitgrad.formulas.tensor_terms import ONE

MANY_TERMS = 4
MAX_DENOMINATOR = 1_000_000

# A common factor of some terms, and what is left of a term without it.
Split = tuple[Hashable, Chain, Callable[[Chain], Chain]]


def factored(terms: Sequence[MatrixTerm]) -> tuple[MatrixTerm, ...]:
    """The same sum with common factors taken out, and its terms in order."""
    current = list(terms)
    while len(current) > 1:
        best = _largest_group(current)
        if best is None:
            break
        group, split = best
        current = [term for term in current if term not in group]
        current.append(_taken_out(group, split))
    current = _common_number(_common_scalars(current))
    return tuple(sorted(current, key=_term_order))


def _common_scalars(terms: list[MatrixTerm]) -> list[MatrixTerm]:
    """Scalars that all of many terms share, once before a bracket."""
    if len(terms) < MANY_TERMS or any(not t.chain for t in terms):
        return terms
    shared = dict(terms[0].scalars)
    for term in terms[1:]:
        own = dict(term.scalars)
        # Of two powers with one sign, the smaller one is common to both.
        shared = {
            e: min(power, own[e], key=abs)
            for e, power in shared.items()
            if e in own and power * own[e] > 0 and (power - own[e]).denominator == 1
        }
    if not shared:
        return terms
    inner = []
    for term in terms:
        left = ((e, power - shared.get(e, 0)) for e, power in term.scalars)
        scalars = tuple((e, power) for e, power in left if power)
        inner.append(MatrixTerm(term.coefficient, scalars, term.chain))
    content, divided = without_content(inner)
    return [MatrixTerm(content, tuple(shared.items()), (sum_of(divided),))]


def _largest_group(terms: list[MatrixTerm]) -> tuple[list[MatrixTerm], Split] | None:
    """The terms that share most: a factor beside equal scalars, or else one factor of all."""
    groups: dict[Hashable, tuple[list[MatrixTerm], Split]] = {}
    for term in terms:
        for split in _splits(term):
            for key in ((term.scalars, split[0]), ("any scalars", split[0])):
                members, _ = groups.setdefault(key, ([], split))
                members.append(term)
    shared = [
        (members, split)
        for key, (members, split) in groups.items()
        if len(members) > 1 and (_has_scalars(key) or len(members) == len(terms))
    ]
    return max(shared, key=lambda pair: len(pair[0])) if shared else None


def _has_scalars(key: Hashable) -> bool:
    return isinstance(key, tuple) and key[0] != "any scalars"


def _splits(term: MatrixTerm) -> list[Split]:
    """The factors that can be taken out of a term: its last, its first, an entrywise one."""
    chain = term.chain
    found: list[Split] = []
    if len(chain) > 1:
        found.append((("last", chain[-1]), chain[-1:], lambda c: c[:-1]))
        found.append((("first", chain[0]), chain[:1], lambda c: c[1:]))
    elif chain and chain[0].head == "hadamard":
        for part in dict.fromkeys(chain[0].parts):
            found.append((("entry", part), (part,), _without(part)))
    elif chain and chain[0].head == "diag":
        found.append((("diag",), (), lambda c: _vector(c[0].parts[0])))
    return found


def _vector(e: Expression) -> Chain:
    return e.parts if e.head == "product" else (e,)


def _without(part: Expression) -> Callable[[Chain], Chain]:
    def rest(chain: Chain) -> Chain:
        parts = list(chain[0].parts)
        parts.remove(part)
        return _vector(entrywise(parts))

    return rest


def _taken_out(group: list[MatrixTerm], split: Split) -> MatrixTerm:
    key, common, rest = split
    alike = len({t.scalars for t in group}) == 1
    scalars = group[0].scalars if alike else ()
    inner = factored(
        [MatrixTerm(t.coefficient, () if alike else t.scalars, rest(t.chain)) for t in group]
    )
    kind = key[0] if isinstance(key, tuple) else ""
    coefficient = ONE
    if len(inner) == 1:
        coefficient, middle = inner[0].coefficient, inner[0].chain
        scalars = scalars or inner[0].scalars
    else:
        coefficient, inner = without_content(inner)
        middle = (sum_of(inner),)
    if kind == "last":
        chain = middle + common
    elif kind == "first":
        chain = common + middle
    else:
        own = middle[0] if len(middle) == 1 else Expression("product", middle)
        if kind == "diag":
            chain = (Expression("diag", (own,), is_symmetric=True),)
        else:
            chain = (entrywise([own, *common]),)
    return MatrixTerm(coefficient, scalars, chain)


def without_content(
    terms: Sequence[MatrixTerm],
) -> tuple[Fraction, tuple[MatrixTerm, ...]]:
    """The common number of some terms, and the terms divided by it, the first one positive."""
    content = _content([term.coefficient for term in terms])
    divided = [MatrixTerm(t.coefficient / content, t.scalars, t.chain) for t in terms]
    return content, tuple(sorted(divided, key=_term_order))


def _content(numbers: list[Fraction]) -> Fraction:
    over = math.gcd(*(abs(n.numerator) for n in numbers))
    under = math.lcm(*(n.denominator for n in numbers))
    sign = -1 if all(n < 0 for n in numbers) else 1
    if under > MAX_DENOMINATOR:  # a rounded number has no simple part in common with others
        return Fraction(sign)
    return Fraction(sign * over, under)


def _common_number(terms: list[MatrixTerm]) -> list[MatrixTerm]:
    """A number that all terms of a matrix or vector share, once before a bracket."""
    if len(terms) < 2 or any(not t.chain for t in terms):
        return terms
    groups: dict[Scalars, list[MatrixTerm]] = {}
    for term in terms:
        groups.setdefault(term.scalars, []).append(term)
    result: list[MatrixTerm] = []
    for scalars, group in groups.items():
        content, inner = without_content(group)
        if len(group) < 2 or not (scalars or (len(groups) == 1 and abs(content) != 1)):
            result.extend(group)
            continue
        plain = tuple(MatrixTerm(t.coefficient, (), t.chain) for t in inner)
        result.append(MatrixTerm(content, scalars, (sum_of(plain),)))
    return result


def sum_of(terms: Sequence[MatrixTerm]) -> Expression:
    """A sum as one expression; it is symmetric if its terms, transposed, are the same terms."""
    turned = {MatrixTerm(t.coefficient, t.scalars, transposed_chain(t.chain)) for t in terms}
    return Expression("sum", terms=tuple(terms), is_symmetric=turned == set(terms))


def _term_order(term: MatrixTerm) -> tuple[object, ...]:
    """Positive terms first, then plain ones, few transposes first."""
    shown = "".join(repr_key(e) for e in term.chain)
    first = order(term.chain[0])[0] if term.chain else -1
    is_scaled = any(e.head == "name" for e, _ in term.scalars)
    return (term.coefficient < 0, is_scaled, first, sum(turns(e) for e in term.chain), shown)
