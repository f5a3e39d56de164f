"""What makes one product of factors simple: deltas, powers, inverses, facts, lost indices."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from fractions import Fraction

from circuitgrad.formulas.tensor_canonical import settled
from circuitgrad.formulas.tensor_matches import matched
from circuitgrad.formulas.tensor_terms import ONE, Factor, Index, Term, components, fresh

MAX_PRIME = 1000
MAX_EXPANDED = 8  # higher powers of sums stay in their brackets


@dataclass
class Product:
    """A product being simplified: a coefficient, factors and the indices it is summed over."""

    coefficient: Fraction
    factors: list[Factor]
    summed: set[Index]

    def count(self, index: Index) -> int:
        """How many slots carry an index."""
        return sum(factor.indices.count(index) for factor in self.factors)

    def substitute(self, old: Index, new: Index) -> None:
        """Replace an index everywhere; it is not summed any more."""
        self.factors = [factor.at({old: new}) for factor in self.factors]
        self.summed.discard(old)

    def replace(self, gone: Iterable[Factor], new: Sequence[Factor] = ()) -> None:
        """Put new factors in the place of others."""
        removed = {id(factor) for factor in gone}
        self.factors = [f for f in self.factors if id(f) not in removed] + list(new)


def simplified(term: Term, summed: set[Index]) -> tuple[Product, Factor | None]:
    """A product with every rule applied; beside it a bracket that is to be multiplied out, if any.

    Indices that no factor carries are counted once no bracket is left.
    """
    own = {i for factor in term.factors for i in factor.indices if not i.is_free}
    product = Product(term.coefficient, list(term.factors), summed | own)
    changed = True
    while changed and product.coefficient:
        _merge(product)
        changed = any(rule(product) for rule in _RULES)
    for factor in product.factors:
        whole = factor.exponent.denominator == 1  # a fractional power of a bracket stays one
        if factor.kind == "sum" and whole and 1 <= factor.exponent <= MAX_EXPANDED:
            rest = [factor.to(factor.exponent - 1)] if factor.exponent != 1 else []
            product.replace([factor], rest)
            return product, factor
    _count_lost(product)
    return product, None


def _merge(product: Product) -> None:
    """Equal atoms at equal indices become one factor with the sum of their exponents."""
    found: dict[tuple[str, tuple[Index, ...]], Factor] = {}
    for factor in product.factors:
        indices = factor.indices
        if factor.is_symmetric:
            indices = tuple(sorted(indices, key=lambda i: i.number))
        key = (factor.atom, indices)
        known = found.get(key)
        if known is None:
            found[key] = factor
        elif factor.kind != "delta":
            found[key] = known.to(known.exponent + factor.exponent)
    product.factors = []
    numbers: list[Factor] = []
    for factor in found.values():
        if factor.kind == "input" and "sign" in factor.facts and factor.exponent.denominator == 1:
            factor = factor.to(Fraction(factor.exponent % 2))
        if factor.kind == "unit" and factor.exponent > 0:
            factor = factor.to(ONE)
        if factor.kind == "number" or (factor.kind == "size" and factor.name.isdecimal()):
            numbers.append(factor)
        elif factor.exponent:
            product.factors.append(factor)
    if _picks_two_places(product.factors):
        product.coefficient = Fraction(0)
    coefficient, roots = roots_taken([(Fraction(f.name), f.exponent) for f in numbers])
    product.coefficient *= coefficient
    product.factors += [Factor("number", str(n), exponent=exponent) for n, exponent in roots]


def _picks_two_places(factors: Sequence[Factor]) -> bool:
    """Whether one index is to be at two places at once, both counted from the same end."""
    found: dict[tuple[Index, bool], str] = {}
    for factor in factors:
        if factor.kind == "unit":
            key = (factor.indices[0], factor.name.startswith("-"))
            if found.setdefault(key, factor.name) != factor.name:
                return True
    return False


def roots_taken(
    numbers: Sequence[tuple[Fraction, Fraction]],
) -> tuple[Fraction, list[tuple[int, Fraction]]]:
    """A product of powers of positive numbers as a rational times roots of whole numbers.

    Exponents of roots lie between 0 and 1, and no prime stands in two of them.

    >>> roots_taken([(Fraction(8), Fraction(1, 2)), (Fraction(3), Fraction(-1, 2))])
    (Fraction(2, 3), [(6, Fraction(1, 2))])
    """
    exponents: dict[int, Fraction] = {}
    coefficient = ONE
    for number, exponent in numbers:
        if exponent.denominator == 1:
            coefficient *= number ** int(exponent)
            continue
        for whole, sign in ((number.numerator, 1), (number.denominator, -1)):
            for prime, count in _prime_factors(whole):
                known = exponents.get(prime, Fraction(0))
                exponents[prime] = known + sign * count * exponent
    roots: dict[Fraction, int] = {}
    for prime, exponent in exponents.items():
        floor = exponent.numerator // exponent.denominator
        coefficient *= Fraction(prime) ** floor
        if exponent != floor:
            roots[exponent - floor] = roots.get(exponent - floor, 1) * prime
    return coefficient, sorted((base, exponent) for exponent, base in roots.items())


def _prime_factors(number: int) -> list[tuple[int, int]]:
    """Primes with their counts; what has no prime up to the limit stays in one piece."""
    found = []
    for prime in (2, *range(3, MAX_PRIME, 2)):
        count = 0
        while number % prime == 0:
            number //= prime
            count += 1
        if count:
            found.append((prime, count))
        if prime * prime > number:
            break
    return [*found, (number, 1)] if number > 1 else found


def _eliminate_delta(product: Product) -> bool:
    for factor in product.factors:
        if factor.kind != "delta":
            continue
        first, second = factor.indices
        if first == second or first.axis == 1:
            product.replace([factor])
            return True
        if second.is_free and not first.is_free:
            first, second = second, first
        if not second.is_free:
            product.replace([factor])
            product.substitute(second, first)
            return True
        low, high = sorted(factor.indices, key=lambda i: i.number)
        others = [f for f in product.factors if f is not factor and high in f.indices]
        if others:
            product.replace(others, [f.at({high: low}) for f in others])
            return True
    return False


def _split_diagonal(product: Product) -> bool:
    for factor in product.factors:
        if "diagonal" in factor.facts and factor.kind == "input" and len(factor.indices) == 2:
            first, second = factor.indices
            entry = Factor("input", factor.name, (first,), (), factor.exponent, factor.facts)
            product.replace([factor], [entry, Factor("delta", "", (first, second))])
            return True
    return False


def _is_inner(product: Product, index: Index) -> bool:
    """Whether an index is summed over exactly two slots."""
    return not index.is_free and index in product.summed and product.count(index) == 2


def _cancel_orthogonal(product: Product) -> bool:
    matrices = [f for f in product.factors if "orthogonal" in f.facts and f.exponent == 1]
    for k, first in enumerate(matrices):
        for second in matrices[k + 1 :]:
            if first.atom != second.atom:
                continue
            for side in (0, 1):
                shared = first.indices[side]
                if shared == second.indices[side] and _is_inner(product, shared):
                    _join(product, first, second, shared, 1 - side, 1 - side)
                    return True
    return False


def _join(
    product: Product, first: Factor, second: Factor, shared: Index, left: int, right: int
) -> None:
    """Two factors whose product is the identity become a delta of their outer indices."""
    delta = Factor("delta", "", (first.indices[left], second.indices[right]))
    product.replace([first, second], [delta])
    product.summed.discard(shared)


def _cancel_inverse(product: Product) -> bool:
    inverses = [f for f in product.factors if f.name == "inverse" and f.exponent == 1]
    for inverse in inverses:
        matrix = _inverted_input(inverse)
        if matrix is None:
            continue
        swapped = matrix.indices[0].number == 1
        rows, columns = inverse.indices[::-1] if swapped else inverse.indices
        for other in product.factors:
            if other.atom != matrix.atom or other.exponent != 1:
                continue
            for shared, outer, side in ((columns, rows, 0), (rows, columns, 1)):
                places = (side, 1 - side) if other.is_symmetric else (side,)
                for place in places:
                    if other.indices[place] == shared and _is_inner(product, shared):
                        delta = Factor("delta", "", (outer, other.indices[1 - place]))
                        product.replace([inverse, other], [delta])
                        product.summed.discard(shared)
                        return True
    return False


def _cancel_inverse_of_product(product: Product) -> bool:
    """(XᵀX)⁻¹ beside XᵀX: the inverse of a product, next to the same factors."""
    for inverse in [f for f in product.factors if f.name == "inverse" and f.exponent == 1]:
        (argument,) = inverse.arguments
        if len(argument.terms) != 1 or len(argument.terms[0].factors) < 2:
            continue
        term = argument.terms[0]
        rows, columns = inverse.indices
        others = [f for f in product.factors if f is not inverse]
        for shared, outer, side in ((columns, rows, 0), (rows, columns, 1)):
            if shared.is_free or shared not in product.summed or rows == columns:
                continue
            free = argument.free
            found = matched(term.factors, others, {free[side]: shared})
            if found is None or not _is_closed(product, term, *found, free[1 - side]):
                continue
            used, place = found
            delta = Factor("delta", "", (outer, place[free[1 - side]]))
            product.coefficient /= term.coefficient
            product.replace([inverse, *used], [delta])
            product.summed -= {i for own, i in place.items() if own != free[1 - side]}
            return True
    return False


def _is_closed(
    product: Product, term: Term, used: list[Factor], place: dict[Index, Index], end: Index
) -> bool:
    """Whether nothing but the factors found, and the inverse, carries the indices between them."""
    if end not in place:
        return False
    inner = {own: i for own, i in place.items() if own != end}
    if len({*inner.values(), place[end]}) != len(place):
        return False
    for own, index in inner.items():
        count = sum(f.indices.count(own) for f in term.factors)
        inverses = 1 if own.is_free else 0
        if index not in product.summed or product.count(index) != count + inverses:
            return False
    return True


def _inverted_input(inverse: Factor) -> Factor | None:
    """The input that a factor is the inverse of, if it is one of a mere input."""
    (argument,) = inverse.arguments
    if len(argument.terms) != 1 or argument.terms[0].coefficient != 1:
        return None
    factors = argument.terms[0].factors
    if len(factors) != 1 or factors[0].kind != "input" or factors[0].exponent != 1:
        return None
    return factors[0] if len(factors[0].indices) == 2 else None


def _sum_to_one(product: Product) -> bool:
    """Probabilities add up to 1."""
    for factor in product.factors:
        is_one = (
            (factor.kind == "call" and factor.name == "softmax")
            or factor.kind == "unit"
            or "normalized" in factor.facts
        )
        if not is_one or factor.exponent != 1 or not factor.indices:
            continue
        last = factor.indices[-1]
        if last in product.summed and product.count(last) == 1:
            product.replace([factor])
            product.summed.discard(last)
            return True
    return False


def _join_scalars(product: Product) -> bool:
    """A scalar (xᵀx) beside a power of the same scalar in a bracket or a norm joins it."""
    for factor in product.factors:
        base = _scalar_base(factor)
        is_whole = factor.kind == "sum" and factor.exponent.denominator == 1
        if base is None or (is_whole and factor.exponent > 0):  # it is to be multiplied out
            continue
        key = settled(Term(ONE, base.factors)).key
        for group in components(tuple(product.factors)):
            indices = {i for f in group for i in f.indices}
            if indices and not any(i.is_free for i in indices):
                if settled(Term(ONE, group)).key != key:
                    continue
                step = 2 if factor.kind == "call" else 1
                product.coefficient /= base.coefficient
                product.summed -= indices
                product.replace([*group, factor], [factor.to(factor.exponent + step)])
                return True
    return False


def _scalar_base(factor: Factor) -> Term | None:
    """The product that a scalar bracket, or the square of a norm, stands for."""
    if factor.indices or factor.kind not in ("sum", "call"):
        return None
    if factor.kind == "sum":
        (inner,) = factor.arguments
        return inner.terms[0] if len(inner.terms) == 1 else None
    if factor.name != "norm" or len(factor.arguments[0].terms) != 1:
        return None
    term = factor.arguments[0].terms[0]
    indices = {i for f in term.factors for i in f.indices}
    if any(not i.is_free for i in indices) or any(f.kind == "delta" for f in term.factors):
        return None
    if len(indices) != len(factor.arguments[0].axes):
        return None
    place = {i: fresh(i.axis) for i in indices}
    squared = tuple(f.at(place).to(2 * f.exponent) for f in term.factors)
    return Term(term.coefficient**2, squared)


_RULES = (
    _eliminate_delta,
    _split_diagonal,
    _cancel_orthogonal,
    _cancel_inverse,
    _cancel_inverse_of_product,
    _sum_to_one,
    _join_scalars,
)


def _count_lost(product: Product) -> None:
    """A summed index that no factor carries counts the length of its axis."""
    carried = {i for factor in product.factors for i in factor.indices}
    for index in sorted(product.summed - carried, key=lambda i: i.number):
        if isinstance(index.axis, int):
            product.coefficient *= index.axis
        else:
            product.factors.append(Factor("size", index.axis))
    product.summed &= carried
    lost = [f for f in product.factors if f.kind == "size"]
    if len(lost) > 1:
        _merge(product)
