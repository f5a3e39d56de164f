"""Equality of tensor forms for every size: functions rewritten to few, denominators cleared."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from fractions import Fraction
from functools import partial
from typing import TypeAlias

from circuitgrad.formulas import tensor_algebra as algebra
from circuitgrad.formulas.tensor_forms import square_chain
from circuitgrad.formulas.tensor_terms import ONE, Factor, Form, Index, Term, fresh

Rule: TypeAlias = Callable[[Form], Form]
Rules: TypeAlias = Mapping[str, Rule]
HALF = Fraction(1, 2)
MAX_ROUNDS = 12
MAX_REWRITINGS = 3
MAX_DIVISIONS = 40


def are_equal(first: Form, second: Form) -> bool:
    """Whether two forms are proved equal, for all sizes and values where both are defined.

    False means that no proof was found; it is no refutation.

    >>> x = algebra.tensor("x", ("n",))
    >>> softmax = algebra.array_call("softmax", x, ("n",))
    >>> log = algebra.call("log", [softmax])
    >>> lse = algebra.array_call("logsumexp", x, ())
    >>> spread = algebra.contract([(lse, ())], x.free)
    >>> are_equal(algebra.call("exp", [x]), algebra.call("exp", [log])), are_equal(x, log)
    (False, False)
    """
    if first.axes != second.axes:
        return False
    difference = algebra.total([(1, first), (-1, second)])
    return not difference.terms or any(_vanishes(difference, rules) for rules in (WHOLE, SPLIT))


def _vanishes(difference: Form, rules: Rules) -> bool:
    """Whether a form is zero once its functions are rewritten and its denominators cleared."""
    for _ in range(MAX_REWRITINGS):  # a sign becomes x/|x|, whose even powers become those of x
        before, difference = difference.key, rewritten(difference, rules)
        if not difference.terms or difference.key == before:
            break
    return not _cleared(_divided(difference)).terms


def rewritten(form: Form, rules: Rules) -> Form:
    """The form in few functions: exp, log, powers; softmax and its relatives written out.

    Args:
        form: Any form.
        rules: What a function becomes: `WHOLE` keeps the exponential of a sum in one piece,
            `SPLIT` makes a product of it.
    """
    parts = []
    for term in form.terms:
        pieces: list[tuple[Form, tuple[Index, ...]]] = []
        place: dict[Index, Index] = {i: fresh(i.axis) for f in term.factors for i in f.indices}
        output = tuple(place.setdefault(i, fresh(i.axis)) for i in form.free)
        for factor in term.factors:
            pieces.append(
                (_rewritten_factor(factor, rules), tuple(place[i] for i in factor.indices))
            )
        parts.append((term.coefficient, algebra.contract(pieces, output)))
    return algebra.total(parts) if parts else form


def _rewritten_factor(factor: Factor, rules: Rules) -> Form:
    """The form of one factor as a function of its own indices, one for each slot."""
    axes = tuple(index.axis for index in factor.indices)
    if not factor.arguments:
        own = tuple(Index(k, axis) for k, axis in enumerate(axes))
        plain = Factor(factor.kind, factor.name, own, (), factor.exponent, factor.facts)
        return algebra.normalised(axes, [Term(ONE, (plain,))], set())
    arguments = [rewritten(form, rules) for form in factor.arguments]
    if factor.kind == "sum":
        return algebra.power(arguments[0], factor.exponent)
    if factor.name == "abs" and factor.exponent % 2 == 0:
        return algebra.power(arguments[0], factor.exponent)
    rule = rules.get(factor.name)
    if rule is not None:
        base = rule(arguments[0])
    elif factor.name in algebra.ARRAY_CALLS:
        base = algebra.array_call(factor.name, arguments[0], axes)
    else:
        base = algebra.call(factor.name, arguments)
    return algebra.power(base, factor.exponent)


def _one(like: Form) -> Form:
    return algebra.number(1, like.axes)


def _exp(x: Form) -> Form:
    """exp with its sign settled: exp(-x) is the inverse of exp(x)."""
    if _is_negative(x):
        return algebra.power(algebra.call("exp", [algebra.scaled(x, -1)]), -ONE)
    return algebra.call("exp", [x]) if x.terms else _one(x)


def _split_exp(x: Form) -> Form:
    """exp of a sum as a product, a factor for each term: exp(ax + b) is exp(x)ᵃ exp(b)."""
    result = _one(x)
    for term in x.terms:
        alone = algebra.normalised(x.axes, [Term(ONE, term.factors)], set())
        factor = algebra.power(algebra.call("exp", [alone]), term.coefficient)
        result = algebra.times(result, factor)
    return result


def _split_log(x: Form) -> Form:
    """log of a product, exponentials taken out: log(exp(u)ᵃ v) is au + log(v), as exp(u) > 0."""
    if len(x.terms) != 1:
        return algebra.call("log", [x])
    (term,) = x.terms
    outside = [f for f in term.factors if _is_exp(f) and all(i.is_free for i in f.indices)]
    if not outside:
        return algebra.call("log", [x])
    inside = Term(term.coefficient, tuple(f for f in term.factors if f not in outside))
    summed = {i for f in inside.factors for i in f.indices if not i.is_free}
    rest = algebra.normalised(x.axes, [inside], summed)
    parts = [(f.exponent, algebra.contract([(f.arguments[0], f.indices)], x.free)) for f in outside]
    logs = [] if rest.number == 1 else [(ONE, algebra.call("log", [rest]))]
    return algebra.total([*parts, *logs])


def _is_exp(factor: Factor) -> bool:
    return factor.kind == "call" and factor.name == "exp"


def _is_negative(form: Form) -> bool:
    return bool(form.terms) and form.terms[0].coefficient < 0


def _sigmoid(x: Form, exp: Rule = _exp) -> Form:
    """1/(1 + exp(-x))."""
    below = algebra.total([(1, _one(x)), (1, exp(algebra.scaled(x, -1)))])
    if _is_negative(x):
        return algebra.power(below, -ONE)
    grown = algebra.total([(1, _one(x)), (1, exp(x))])
    return algebra.times(exp(x), algebra.power(grown, -ONE))


def _sech_squared(x: Form) -> Form:
    tanh = _odd("tanh")(x)
    return algebra.total([(1, _one(x)), (-1, algebra.times(tanh, tanh))])


def _odd(name: str) -> Callable[[Form], Form]:
    def rule(x: Form) -> Form:
        if _is_negative(x):
            return algebra.scaled(algebra.call(name, [algebra.scaled(x, -1)]), -1)
        return algebra.call(name, [x])

    return rule


def _even(name: str) -> Callable[[Form], Form]:
    return lambda x: algebra.call(name, [algebra.scaled(x, -1) if _is_negative(x) else x])


def _softmax(x: Form, exp: Rule = _exp) -> Form:
    """exp(x) over its sum along the last axis."""
    weights = exp(x)
    rows = tuple(fresh(axis) for axis in x.axes)
    sums = algebra.contract([(weights, rows)], rows[:-1])
    spread = algebra.contract([(sums, rows[:-1])], rows)
    return algebra.times(weights, algebra.power(spread, -ONE))


def _total_of(x: Form) -> Form:
    return algebra.contract([(x, tuple(fresh(axis) for axis in x.axes))], ())


def _logsumexp(x: Form, exp: Rule = _exp) -> Form:
    log = _split_log if exp is _split_exp else lambda form: algebra.call("log", [form])
    return log(_total_of(exp(x)))


def _softplus(x: Form, exp: Rule = _exp) -> Form:
    return algebra.call("log", [algebra.total([(1, _one(x)), (1, exp(x))])])


def _log_sigmoid(x: Form, exp: Rule = _exp) -> Form:
    return algebra.scaled(_softplus(algebra.scaled(x, -1), exp), -1)


def _sign(x: Form) -> Form:
    """x/|x|, where x is not zero."""
    return algebra.times(x, algebra.power(_even("abs")(x), -ONE))


def _det(x: Form) -> Form:
    """The product of the determinants of a product of square matrices; that of an inverse."""
    result = algebra.number(1)
    for base, exponent in _square_factors(x):
        plain = algebra.array_call("det", base, ())
        result = algebra.times(result, algebra.power(plain, Fraction(exponent)))
    return result


def _logdet(x: Form) -> Form:
    parts = [(n, algebra.array_call("logdet", base, ())) for base, n in _square_factors(x)]
    return algebra.total(parts)


def _square_factors(x: Form) -> list[tuple[Form, int]]:
    """The square matrices that a matrix is a product of, each with 1, or with -1 if inverted."""
    chain = square_chain(x) if len(x.terms) == 1 and x.terms[0].coefficient == 1 else None
    found = []
    for base in chain or [x]:
        factors = base.terms[0].factors if len(base.terms) == 1 else ()
        inverted = len(factors) == 1 and factors[0].name == "inverse" and factors[0].exponent == 1
        if inverted and base.terms[0].coefficient == 1:
            base = factors[0].arguments[0]
        turned = algebra.transposed(base)
        found.append((min(base, turned, key=lambda form: form.key), -1 if inverted else 1))
    return found


def _norm(x: Form) -> Form:
    return algebra.power(_total_of(algebra.times(x, x)), HALF)


WHOLE: Rules = {
    "exp": _exp,
    "sigmoid": _sigmoid,
    "sech_squared": _sech_squared,
    "softmax": _softmax,
    "logsumexp": _logsumexp,
    "softplus": _softplus,
    "log_sigmoid": _log_sigmoid,
    "norm": _norm,
    "sign": _sign,
    "det": _det,
    "logdet": _logdet,
    **{name: _odd(name) for name in ("tanh", "sin", "tan", "sinh", "asin", "atan", "erf")},
    **{name: _even(name) for name in ("cos", "cosh", "abs", "gaussian", "lorentzian")},
}
_EXPONENTIALS = (_sigmoid, _softmax, _logsumexp, _softplus, _log_sigmoid)
SPLIT: Rules = {
    **WHOLE,
    "exp": _split_exp,
    "log": _split_log,
    **{rule.__name__[1:]: partial(rule, exp=_split_exp) for rule in _EXPONENTIALS},
}


def _divided(form: Form) -> Form:
    """The same form with e/(1 + e) as 1 - 1/(1 + e), so that sums over an index can cancel."""
    for _ in range(MAX_DIVISIONS):
        parts: list[tuple[Fraction | int, Form]] = []
        is_done = True
        for term in form.terms:
            found = _division(term)
            if found is None:
                parts.append((1, Form(form.axes, (term,))))
                continue
            is_done = False
            summed = {i for f in term.factors for i in f.indices if not i.is_free}
            parts.extend((1, algebra.normalised(form.axes, [part], summed)) for part in found)
        if is_done:
            return form
        form = algebra.total(parts)
    return form


def _division(term: Term) -> list[Term] | None:
    """A term e·D^-p, where D = c·e + rest, as (D^(1-p) - rest·D^-p)/c; None for other terms."""
    for below in term.factors:
        is_power = below.exponent < 0 and below.exponent.denominator == 1
        if below.kind != "sum" or not is_power or all(i.is_free for i in below.indices):
            continue
        inner = below.arguments[0].terms
        for lead in inner:
            moved = lead.at(below.indices).factors
            if len(moved) != 1 or moved[0].name != "exp" or moved[0].exponent != 1:
                continue
            alike = (f for f in term.factors if f.atom == moved[0].atom)
            above = next((f for f in alike if f.indices == moved[0].indices), None)
            if above is None or above.exponent < 1:
                continue
            left = [f for f in term.factors if f is not above and f is not below]
            left += [above.to(above.exponent - 1)] if above.exponent != 1 else []
            share = term.coefficient / lead.coefficient
            fewer = [below.to(below.exponent + 1)] if below.exponent != -1 else []
            parts = [Term(share, (*left, *fewer))]
            for other in inner:
                if other is not lead:
                    factors = (*left, below, *other.at(below.indices).factors)
                    parts.append(Term(-share * other.coefficient, factors))
            return parts
    return None


def _cleared(form: Form) -> Form:
    """A multiple of the form without denominators that are sums (over no summed index).

    It vanishes where the form does, wherever the form is defined.
    """
    for _ in range(MAX_ROUNDS):
        found = _denominator(form)
        if found is None:
            return form
        multiplied = Factor(
            "sum", "", found.indices, found.arguments, Fraction(math.ceil(-found.exponent))
        )
        terms = [Term(t.coefficient, (*t.factors, multiplied)) for t in form.terms]
        form = algebra.normalised(form.axes, terms, set())
        if not form.terms:
            return form
    return form


def _denominator(form: Form) -> Factor | None:
    for term in form.terms:
        for factor in term.factors:
            if factor.kind != "sum" or factor.exponent >= 0:
                continue
            if all(index.is_free for index in factor.indices):
                return factor
    return None
