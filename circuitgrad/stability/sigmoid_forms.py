"""Formulas of exponentials written in sigmoids, which neither overflow nor cancel.

With s = sigmoid(u), exp(u) = s/(1 - s), and a rational function of exp(u) becomes one of s. It is
factored; s and 1 - s = sigmoid(-u) are computed apart, never one from the other, and what remains
between the factors is written in powers of both (Bernstein's form), whose terms have one sign
wherever its coefficients have.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping

import sympy as sp

from circuitgrad.errors import CircuitError
from circuitgrad.formulas.from_symbolic import wire_of
from circuitgrad.gates import activations, functions
from circuitgrad.wire import Wire

_MAX_PARTS = 250
_MAX_POWER = 12
_MAX_NESTING = 2
_HYPERBOLIC = (sp.sinh, sp.cosh, sp.tanh, sp.coth, sp.sech, sp.csch)
_E, _S = sp.Symbol("exponential", positive=True), sp.Symbol("share", positive=True)
_P, _Q = sp.Symbol("sigmoid", positive=True), sp.Symbol("sigmoid_of_minus", positive=True)
_T, _L = sp.Symbol("tanh_of_half", real=True), sp.Symbol("softplus", positive=True)
_W, _V = sp.Symbol("swish", real=True), sp.Symbol("swish_of_minus", real=True)
_PLACEHOLDERS = {_P, _Q, _T, _L}


def sigmoid_forms(formula: sp.Expr, variables: Mapping[sp.Symbol, Wire]) -> Iterator[Wire]:
    """Wires that mean the same as a formula, in sigmoids; none where exp has unrelated arguments.

    They are candidates: whoever uses one proves it.

    Args:
        formula: A formula of scalars.
        variables: The wires of its symbols.
    """
    if sp.count_ops(formula) > _MAX_PARTS or not formula.has(sp.exp, *_HYPERBOLIC):
        return
    if _nesting(formula) > _MAX_NESTING:
        return
    plain = formula.rewrite(_HYPERBOLIC, sp.exp)
    if sp.count_ops(plain) > 4 * _MAX_PARTS:
        return
    base = _common_argument(plain)
    if base is None:
        return
    for multiple in (2, 1):
        try:
            written = _in_shares(plain, base, multiple)
            if written is None:
                continue
            argument = base * multiple
            yield _wire(written, argument, variables)
            for first in (_P, _Q):
                spread = _spread(written, argument, first)
                if spread is not None:
                    yield _wire(spread, argument, variables)
        except (CircuitError, KeyError, sp.PolynomialError, RecursionError):
            continue


def _nesting(formula: sp.Expr) -> int:
    """How deep exponentials stand in one another; each level multiplies the size of the formula."""
    level, depth = {formula}, 0
    while level and depth <= _MAX_NESTING:
        atoms = [atom for part in level for atom in part.atoms(sp.exp, *_HYPERBOLIC)]
        level = {argument for atom in atoms for argument in atom.args}
        depth += bool(level)
    return depth


def _common_argument(formula: sp.Expr) -> sp.Expr | None:
    """The argument of which all others of exp are whole multiples."""
    arguments = sorted({atom.args[0] for atom in formula.atoms(sp.exp)}, key=sp.default_sort_key)
    if not arguments:
        return None
    first = arguments[0]
    ratios = [sp.cancel(argument / first) for argument in arguments]
    if not all(ratio.is_Rational for ratio in ratios):
        return None
    base = first / math.lcm(*(int(ratio.q) for ratio in ratios))
    if max(abs(argument / base) for argument in arguments) > _MAX_POWER:
        return None
    return -base if base.could_extract_minus_sign() else base


def _in_shares(plain: sp.Expr, base: sp.Expr, multiple: int) -> sp.Expr | None:
    """The formula in the placeholders, for sigmoids of a multiple of the base."""
    rational = plain.replace(sp.exp, lambda argument: _E ** sp.cancel(argument / base))
    if multiple == 2:
        halved = sp.cancel(sp.together(rational))
        if sp.cancel(halved.subs(_E, -_E) - halved) != 0 or halved.has(sp.log):
            return None
        rational = halved.replace(
            lambda part: part.is_Pow and part.base == _E, lambda part: _E ** (part.exp / 2)
        )
    rational = rational.replace(sp.log, _logarithm)
    shares = sp.together(rational.subs(_E, _S / (1 - _S)))
    above, below = sp.fraction(shares)
    coefficient, powers = _factors(above)
    divisor, divisors = _factors(below)
    result = coefficient / divisor
    for factor, power in [*powers, *((factor, -power) for factor, power in divisors)]:
        result *= _factor(factor) ** power
    return result if result.free_symbols & _PLACEHOLDERS else None


def _factors(polynomial: sp.Expr) -> tuple[sp.Expr, list[tuple[sp.Expr, int]]]:
    if polynomial.is_number:
        return polynomial, []
    coefficient, powers = sp.factor_list(polynomial)
    return coefficient, powers


def _spread(written: sp.Expr, base: sp.Expr, first: sp.Symbol) -> sp.Expr | None:
    """The numerator multiplied out, u*sigmoid(u) as swish(u), u*sigmoid(-u) as -swish(-u).

    A sigmoid that has become subnormal has few digits left, and u times it no more; swish keeps
    them. The lower power says on which side a term matters; `first` decides where they are equal.
    """
    if not base.is_Symbol:
        return None
    # Powers of the placeholders only: what is divided by stays as it is.
    factors = sp.Mul.make_args(written)
    divided = [f for f in factors if f.is_Pow and f.exp.is_negative and not f.base.is_Symbol]
    above = sp.expand(written / sp.Mul(*divided))
    terms = [_with_swish(term, base, first) for term in sp.Add.make_args(above)]
    spread = sp.Add(*terms) * sp.Mul(*divided)
    return spread if spread.has(_W, _V) else None


def _with_swish(term: sp.Expr, base: sp.Expr, first: sp.Symbol) -> sp.Expr:
    powers = term.as_powers_dict()
    p, q = powers.get(_P, sp.Integer(0)), powers.get(_Q, sp.Integer(0))
    if not powers.get(base, sp.Integer(0)) >= 1 or max(p, q) < 1:
        return term
    share = first if p == q else (_P if (p < q and p > 0) or q <= 0 else _Q)
    return term / (base * share) * (_W if share is _P else -_V)


def _logarithm(argument: sp.Expr) -> sp.Expr:
    """log of 1 + exp(u), and of what differs from it by a power of exp(u), as softplus."""
    for power in range(-2, 3):
        if sp.cancel(argument / (_E**power * (1 + _E))) == 1:
            return _L + power * sp.Symbol("exponent")
    return sp.log(argument)


def _factor(factor: sp.Expr) -> sp.Expr:
    """A factor with 1 - s apart from s."""
    if not factor.has(_S):
        return factor
    for known, written in ((_S, _P), (_S - 1, -_Q), (1 - _S, _Q), (2 * _S - 1, _T)):
        if sp.expand(factor - known) == 0:
            return written
    coefficients = sp.Poly(factor, _S).all_coeffs()[::-1]
    degree = len(coefficients) - 1
    terms = []
    for k in range(degree + 1):
        weight = sum(coefficients[j] * math.comb(degree - j, k - j) for j in range(k + 1))
        terms.append(sp.factor(weight) * _P**k * _Q ** (degree - k))
    return sp.Add(*terms)


def _wire(written: sp.Expr, argument: sp.Expr, variables: Mapping[sp.Symbol, Wire]) -> Wire:
    inner = wire_of(argument, variables)
    place = {
        **variables,
        _P: activations.sigmoid(inner),
        _Q: activations.sigmoid(-inner),
        _T: functions.tanh(wire_of(argument / 2, variables)),
        _L: activations.softplus(inner),
        _W: activations.swish(inner),
        _V: activations.swish(-inner),
        sp.Symbol("exponent"): inner,
    }
    return wire_of(written, place)
