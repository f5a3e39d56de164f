"""Exact tests on systems of polynomial inequalities: emptiness and positivity."""

from collections.abc import Collection, Mapping
from fractions import Fraction

from circuitgrad.proofs.budgets import Budget

Monomial = tuple[int, ...]
Terms = Mapping[Monomial, Fraction]

_MAX_PAIRS = 200
_MAX_ROUNDS = 14
_MAX_GRAM = 16


def is_empty(constraints: list[dict[Monomial, Fraction]], budget: Budget) -> bool:
    """Return True only if no point satisfies all strict inequalities (Fourier-Motzkin).

    Args:
        constraints: each says that the sum of coefficient * monomial is positive. Monomials are
            treated as independent unknowns; the constant has the exponents 0.
        budget: looked at once per eliminated unknown.

    Returns:
        True if certainly empty, False if not known.
    """
    for _ in range(_MAX_ROUNDS):
        budget.check()
        unknowns = {m for constraint in constraints for m in constraint if any(m)}
        if any(_is_absurd(constraint) for constraint in constraints):
            return True
        if not unknowns:
            return False
        unknown = min(sorted(unknowns), key=lambda m: sum(m in c for c in constraints))
        above = [c for c in constraints if c.get(unknown, 0) > 0]
        below = [c for c in constraints if c.get(unknown, 0) < 0]
        if len(above) * len(below) > _MAX_PAIRS:
            return False
        constraints = [c for c in constraints if unknown not in c]
        constraints += [_eliminated(p, n, unknown) for p in above for n in below]
    return False


def _is_absurd(constraint: Terms) -> bool:
    constant = sum(value for monomial, value in constraint.items() if not any(monomial))
    return constant <= 0 and not any(any(monomial) for monomial in constraint)


def _eliminated(above: Terms, below: Terms, unknown: Monomial) -> dict[Monomial, Fraction]:
    result: dict[Monomial, Fraction] = {}
    for monomial in (*above, *below):
        value = above.get(monomial, Fraction(0)) * -below[unknown]
        value += below.get(monomial, Fraction(0)) * above[unknown]
        if value:
            result[monomial] = value
    return result


def is_square_sum(terms: Terms, positive: Collection[int]) -> bool:
    """Return True only if the polynomial is a sum of squares with positive coefficients.

    Args:
        terms: coefficient of every monomial.
        positive: indices of unknowns that are positive, whose odd powers count as squares.

    Returns:
        True if a decomposition was found: an exact LDL^T of one Gram matrix.
    """
    # An odd power of a positive unknown is a square, or the middle of a larger one: try both.
    return _has_gram(terms, ()) or (bool(positive) and _has_gram(terms, positive))


def _has_gram(terms: Terms, positive: Collection[int]) -> bool:
    basis = [m for m, c in terms.items() if c > 0 and _is_square(m, positive)]
    if len(basis) == len(terms):
        return True
    if not basis or len(basis) > _MAX_GRAM:
        return False
    gram = [[Fraction(0)] * len(basis) for _ in basis]
    for monomial, coefficient in terms.items():
        if monomial in basis:
            position = basis.index(monomial)
            gram[position][position] += coefficient
            continue
        pairs = _pairs(basis, monomial)
        if not pairs:
            return False
        for i, j in pairs:
            share = coefficient / (2 * len(pairs))
            gram[i][j] += share
            gram[j][i] += share
    return _is_semidefinite(gram)


def _is_square(monomial: Monomial, positive: Collection[int]) -> bool:
    return all(power % 2 == 0 or index in positive for index, power in enumerate(monomial))


def _pairs(basis: list[Monomial], monomial: Monomial) -> list[tuple[int, int]]:
    doubled = tuple(2 * power for power in monomial)
    return [
        (i, j)
        for i in range(len(basis))
        for j in range(i)
        if tuple(a + b for a, b in zip(basis[i], basis[j], strict=True)) == doubled
    ]


def _is_semidefinite(matrix: list[list[Fraction]]) -> bool:
    size = len(matrix)
    for k in range(size):
        pivot = matrix[k][k]
        if pivot < 0 or (pivot == 0 and any(matrix[k][j] for j in range(k, size))):
            return False
        if pivot == 0:
            continue
        for i in range(k + 1, size):
            factor = matrix[i][k] / pivot
            for j in range(k, size):
                matrix[i][j] -= factor * matrix[k][j]
    return True
