"""Linear dependence of field elements over the rational numbers."""

from fractions import Fraction

from circuitgrad.proofs.fields import Element, Field, UnsupportedError
from circuitgrad.proofs.inequalities import Monomial

_MAX_VECTOR = 2_000


def combination(field: Field, basis: list[Element], value: Element) -> list[Fraction] | None:
    """Return rational coefficients c with value = sum of c[i] * basis[i].

    Args:
        field: where the elements live.
        basis: elements, possibly dependent.
        value: the element to express.

    Returns:
        The coefficients, or None if there are none.
    """
    if not basis:
        return None
    *rows, last = _vectors(field, [*basis, value])
    size = len(basis)
    pivots: list[tuple[Monomial, dict[Monomial, Fraction], list[Fraction]]] = []
    for position, row in enumerate(rows):
        field.budget.check()
        weights = [Fraction(int(i == position)) for i in range(size)]
        _eliminate(row, weights, pivots)
        if row:
            pivots.append((next(iter(row)), row, weights))
    weights = [Fraction(0)] * size
    _eliminate(last, weights, pivots)
    return None if last else [-weight for weight in weights]


def _vectors(field: Field, elements: list[Element]) -> list[dict[Monomial, Fraction]]:
    shared = field.one_polynomial
    for element in elements:
        divisor = field.common_divisor(shared, element.denominator)
        shared = field.times(shared, element.denominator / divisor)
    rows = []
    for element in elements:
        scaled = field.times(element.numerator, shared / element.denominator)
        scaled = field.reduced(scaled)
        if len(scaled) > _MAX_VECTOR:
            raise UnsupportedError(f"an argument of {len(scaled)} terms")
        rows.append({m: Fraction(int(c)) for m, c in scaled.to_dict().items()})
    return rows


def _eliminate(
    row: dict[Monomial, Fraction],
    weights: list[Fraction],
    pivots: list[tuple[Monomial, dict[Monomial, Fraction], list[Fraction]]],
) -> None:
    for monomial, other, other_weights in pivots:
        if monomial not in row:
            continue
        factor = row[monomial] / other[monomial]
        for key, value in other.items():
            rest = row.get(key, Fraction(0)) - factor * value
            if rest:
                row[key] = rest
            else:
                row.pop(key, None)
        for position, weight in enumerate(other_weights):
            weights[position] -= factor * weight


def linear_part(field: Field, value: Element, index: int) -> Fraction:
    """Return the rational number c such that value - c * generator is free of the generator.

    Args:
        field: where the element lives.
        value: any element.
        index: the generator.

    Returns:
        The coefficient, or 0 if the generator occurs in any other way.
    """
    numerator, denominator = value
    if numerator.degrees()[index] != 1 or denominator.degrees()[index] > 0:
        return Fraction(0)
    slope = numerator.derivative(index)
    over, under = int(slope.leading_coefficient()), int(denominator.leading_coefficient())
    if slope * under == denominator * over:
        return Fraction(over, under)
    return Fraction(0)
