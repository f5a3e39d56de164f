"""The algebra of tensor forms: sums, contractions, powers and calls, always normalised."""

from __future__ import annotations

import itertools
import math
from collections.abc import Sequence
from fractions import Fraction

from circuitgrad.errors import DomainError, SpecError
from circuitgrad.formulas.tensor_canonical import settled
from circuitgrad.formulas.tensor_rules import MAX_EXPANDED, Product, simplified
from circuitgrad.formulas.tensor_terms import ONE, Factor, Form, Index, Term, components, fresh
from circuitgrad.spec import Axis

MAX_TERMS = 600
MAX_STEPS = 50 * MAX_TERMS
TRANSPOSABLE = {"inverse"}
# Functions of whole arrays; every other call acts entry by entry.
ARRAY_CALLS = {
    "inverse", "softmax", "norm", "logsumexp", "det", "logdet",
    "max_reduce", "min_reduce", "max_share", "min_share",
}  # fmt: skip


def normalised(axes: Sequence[Axis], products: Sequence[Term], summed: set[Index]) -> Form:
    """The form of raw products; indices that are not free are summed, as are those in `summed`."""
    found: dict[str, Term] = {}
    pending = [(product, summed) for product in products]
    steps = 0
    while pending:
        steps += 1
        if len(pending) + len(found) > MAX_TERMS or steps > MAX_STEPS:
            raise _too_many_terms()
        product, expanded = simplified(*pending.pop())
        if not product.coefficient:
            continue
        if expanded is not None:
            pending.extend(_spread(product, expanded))
            continue
        arranged = [_arranged(factor) for factor in product.factors]
        if arranged != product.factors:
            pending.append((Term(product.coefficient, tuple(arranged)), product.summed))
            continue
        _collect(found, settled(Term(product.coefficient, tuple(arranged))))
    return _sum_form(axes, found)


def _too_many_terms() -> SpecError:
    return SpecError(
        f"tensor form: more than {MAX_TERMS} terms once multiplied out, too many to read; values, "
        "derivatives and code are not affected. Ask for the form of smaller parts."
    )


def _collect(found: dict[str, Term], term: Term) -> None:
    known = found.get(term.key)
    coefficient = term.coefficient + (known.coefficient if known else 0)
    found[term.key] = Term(coefficient, term.factors)


def _sum_form(axes: Sequence[Axis], found: dict[str, Term]) -> Form:
    return Form(tuple(axes), tuple(found[k] for k in sorted(found) if found[k].coefficient))


def _spread(product: Product, expanded: Factor) -> list[tuple[Term, set[Index]]]:
    """The products with the terms of a bracket, summed over all indices that the bracket has."""
    (inner,) = expanded.arguments
    summed = product.summed | {i for i in expanded.indices if not i.is_free}
    results = []
    for part in inner.terms:
        moved_part = part.at(expanded.indices)
        coefficient = product.coefficient * part.coefficient
        term = Term(coefficient, (*product.factors, *moved_part.factors))
        results.append((term, summed))
    return results


def _arranged(factor: Factor) -> Factor:
    """A call or sum entry by entry whose indices repeat, as one of its distinct indices."""
    if len(set(factor.indices)) == len(factor.indices) or factor.kind not in ("call", "sum"):
        return factor
    if factor.kind == "call" and factor.name in ARRAY_CALLS:
        return factor
    return bracket(factor.kind, factor.name, factor.arguments, factor.indices, factor.exponent)


def number(value: Fraction | int, axes: Sequence[Axis] = ()) -> Form:
    """A number, the same along every axis."""
    terms = (Term(Fraction(value), ()),) if value else ()
    return Form(tuple(axes), terms)


def factor_form(factor: Factor, axes: Sequence[Axis]) -> Form:
    """The form of one factor, whose indices are free."""
    return normalised(axes, [Term(ONE, (factor,))], set())


def tensor(name: str, axes: Sequence[Axis], facts: frozenset[str] = frozenset()) -> Form:
    """The form of an input."""
    indices = tuple(Index(k, axis) for k, axis in enumerate(axes))
    return factor_form(Factor("input", name, indices, facts=facts), axes)


def total(parts: Sequence[tuple[Fraction | int, Form]]) -> Form:
    """A linear combination of forms over the same axes."""
    axes = parts[0][1].axes
    found: dict[str, Term] = {}
    for coefficient, form in parts:
        for term in form.terms:
            _collect(found, Term(coefficient * term.coefficient, term.factors))
    if len(found) > MAX_TERMS:
        raise _too_many_terms()
    return _sum_form(axes, found)


def scaled(form: Form, factor: Fraction | int) -> Form:
    """A multiple of a form."""
    return total([(factor, form)])


def contract(
    parts: Sequence[tuple[Form, tuple[Index, ...]]],
    output: tuple[Index, ...],
    extra: Sequence[Index] = (),
) -> Form:
    """The product of forms at indices, summed over all indices that are not in the output.

    Args:
        parts: Forms with the index of each of their axes.
        output: The indices of the result; one that stands twice is a diagonal.
        extra: Indices that are summed although no form carries them.
    """
    if math.prod(len(form.terms) for form, _ in parts) > MAX_TERMS:
        raise _too_many_terms()
    place: dict[Index, Index] = {}
    deltas: list[Factor] = []
    for k, index in enumerate(output):
        free = Index(k, index.axis)
        if index in place:
            deltas.append(Factor("delta", "", (place[index], free)))
        place.setdefault(index, free)
    for index in itertools.chain(*(ids for _, ids in parts), extra):
        place.setdefault(index, fresh(index.axis))
    summed = {new for new in place.values() if not new.is_free}
    raw = []
    for choice in itertools.product(*(form.terms for form, _ in parts)):
        factors = list(deltas)
        coefficient = ONE
        for term, (_, ids) in zip(choice, parts, strict=True):
            moved = term.at(tuple(place[i] for i in ids))
            coefficient *= moved.coefficient
            factors.extend(moved.factors)
        raw.append(Term(coefficient, tuple(factors)))
    return normalised([index.axis for index in output], raw, summed)


def times(first: Form, second: Form) -> Form:
    """The product entry by entry of two forms over the same axes."""
    return contract([(first, first.free), (second, second.free)], first.free)


def moved(form: Form, targets: Sequence[int], axes: Sequence[Axis]) -> Form:
    """The form as a function of other free indices: its k-th index becomes number targets[k]."""
    places = tuple(Index(target, axes[target]) for target in targets)
    # An index that is dropped is one that no factor carries.
    return normalised(axes, [term.at(places) for term in form.terms], set())


def transposed(form: Form) -> Form:
    """The form with its axes reversed."""
    rank = len(form.axes)
    return moved(form, [rank - 1 - k for k in range(rank)], form.axes[::-1])


# --- functions ------------------------------------------------------------------------------------


def call(name: str, arguments: Sequence[Form]) -> Form:
    """A function entry by entry; axes along which no argument varies are left out."""
    axes = arguments[0].axes
    factor = bracket("call", name, arguments, tuple(Index(k, a) for k, a in enumerate(axes)))
    return factor_form(factor, axes)


def bracket(
    kind: str,
    name: str,
    arguments: Sequence[Form],
    indices: tuple[Index, ...],
    power: Fraction = ONE,
) -> Factor:
    """The factor of a call or a sum entry by entry, its arguments in their least arrangement."""
    kept: list[Index] = []
    for form in arguments:
        kept.extend(indices[k] for k in form.used)
    distinct = list(dict.fromkeys(sorted(kept, key=lambda i: (not i.is_free, i.number))))
    best: tuple[tuple[str, ...], tuple[Form, ...], tuple[Index, ...]] | None = None
    symmetric = False
    orders = itertools.permutations(distinct) if len(distinct) <= 4 else iter([tuple(distinct)])
    for order in orders:
        forms = tuple(_seen_from(form, indices, order) for form in arguments)
        key = tuple(form.key for form in forms)
        if best is None or key < best[0]:
            best = (key, forms, order)
            symmetric = False
        elif key == best[0]:
            symmetric = len(order) == 2
    assert best is not None
    facts = frozenset({"symmetric"}) if symmetric else frozenset()
    return Factor(kind, name, best[2], best[1], power, facts)


def _seen_from(form: Form, indices: tuple[Index, ...], order: tuple[Index, ...]) -> Form:
    """A form whose k-th index is indices[k], as a function of the indices in another order."""
    axes = tuple(index.axis for index in order)
    places = tuple(
        Index(order.index(i), i.axis) if i in order else Index(0, i.axis) for i in indices
    )
    return normalised(axes, [term.at(places) for term in form.terms], set())


def array_call(name: str, argument: Form, axes: Sequence[Axis]) -> Form:
    """A function of a whole array: inverse, softmax, norm, logsumexp, det, logdet."""
    constant = _of_constant(name, argument)
    if constant is not None:
        return constant
    if name == "norm":
        content = _content(argument, ONE)
        if content != 1:
            return scaled(array_call("norm", scaled(argument, 1 / content), axes), abs(content))
    indices = tuple(Index(k, axis) for k, axis in enumerate(axes))
    facts = frozenset[str]()
    if name in TRANSPOSABLE:
        other = transposed(argument)
        if other.key == argument.key:
            facts = frozenset({"symmetric"})
        elif other.key < argument.key:
            argument, indices = other, indices[::-1]
    return factor_form(Factor("call", name, indices, (argument,), ONE, facts), axes)


def _of_constant(name: str, argument: Form) -> Form | None:
    """The function of an array whose entries are all alike, which would not show its lengths."""
    axes = argument.axes
    if name == "softmax" and len(axes) - 1 not in argument.used:
        return _lengths(axes[-1:], -ONE, axes)
    if argument.used or name in ("inverse", "det", "logdet", "softmax"):
        return None
    if name in ("max_share", "min_share"):
        return _lengths(axes, -ONE, axes)
    entry = normalised((), [term.at(()) for term in argument.terms], set())
    if name in ("max_reduce", "min_reduce"):
        return entry
    if name == "logsumexp":
        return total([(1, entry), (1, call("log", [_lengths(axes, ONE)]))])
    return times(power(times(entry, entry), ONE / 2), _lengths(axes, ONE / 2))


def _lengths(axes: Sequence[Axis], exponent: Fraction, spread: Sequence[Axis] = ()) -> Form:
    """The product of the lengths of some axes, to a power."""
    factors = [Factor("size", str(axis), exponent=exponent) for axis in axes]
    return normalised(spread, [Term(ONE, tuple(factors))], set())


def power(form: Form, exponent: Fraction) -> Form:
    """The form to a rational power, entry by entry.

    Raises:
        DomainError: A negative power of zero.
    """
    if exponent == 0:
        return number(1, form.axes)
    if not form.terms:
        if exponent < 0:
            raise DomainError("tensor form: a negative power of zero. The value is not finite.")
        return form
    if exponent.denominator == 1 and 0 < exponent <= MAX_EXPANDED:
        result = form
        for _ in range(int(exponent) - 1):
            result = times(result, form)
        return result
    content = _content(form, exponent)
    rest = scaled(form, 1 / content)
    outside = _number_power(content, exponent)
    if len(rest.terms) == 1:
        factors = _product_power(rest.terms[0], exponent)
        if factors is not None:
            term = Term(outside.coefficient, (*outside.factors, *factors))
            return normalised(form.axes, [term], set())
    own = bracket("sum", "", [rest], form.free, exponent)
    term = Term(outside.coefficient, (*outside.factors, own))
    return normalised(form.axes, [term], set())


def _content(form: Form, exponent: Fraction) -> Fraction:
    """The number that is taken out of a power: none out of a root of a sum."""
    numbers = [term.coefficient for term in form.terms]
    if exponent.denominator != 1:
        return abs(numbers[0]) if len(numbers) == 1 else ONE
    over = math.gcd(*(abs(n.numerator) for n in numbers))
    under = math.lcm(*(n.denominator for n in numbers))
    return Fraction(over if numbers[0] > 0 else -over, under)


def _number_power(value: Fraction, exponent: Fraction) -> Term:
    if exponent.denominator == 1:
        return Term(value ** int(exponent), ())
    if value == 1:
        return Term(ONE, ())
    return Term(ONE, (Factor("number", str(value), exponent=exponent),))


def _product_power(term: Term, exponent: Fraction) -> list[Factor] | None:
    """The factors of a power of a product; None where it must stay in one bracket."""
    if any(factor.kind == "delta" for factor in term.factors):
        if exponent < 0:
            raise DomainError("tensor form: a negative power of a matrix with zeros (a diagonal).")
        return None
    whole = exponent.denominator == 1
    if term.coefficient != 1:
        return None
    unknown = [f for f in term.factors if not (f.is_positive and _is_scalar_free(f))]
    if not whole and (len(unknown) > 1 or any(f.exponent != 1 for f in unknown)):
        return None
    result: list[Factor] = []
    for group in components(term.factors):
        summed = any(not i.is_free for f in group for i in f.indices)
        if not summed:
            result.extend(f.to(f.exponent * exponent) for f in group)
        elif whole:
            axes = _axes_of(group)
            own = normalised(axes, [Term(ONE, group).at(_places(axes))], set())
            indices = tuple(Index(k, axis) for k, axis in enumerate(axes))
            result.append(bracket("sum", "", [own], indices, exponent))
        else:
            return None
    return result


def _is_scalar_free(factor: Factor) -> bool:
    return all(index.is_free for index in factor.indices)


def _axes_of(group: Sequence[Factor]) -> tuple[Axis, ...]:
    """Axes for the free indices up to the last that the group carries (1 for those it does not)."""
    free = {i.number: i.axis for f in group for i in f.indices if i.is_free}
    return tuple(free.get(k, 1) for k in range(max(free, default=-1) + 1))


def _places(axes: tuple[Axis, ...]) -> tuple[Index, ...]:
    return tuple(Index(k, axis) for k, axis in enumerate(axes))
