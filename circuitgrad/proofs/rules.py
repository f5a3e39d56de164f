"""How each function becomes a field element: one rule per SymPy class."""

from collections.abc import Callable, Sequence
from fractions import Fraction
from math import factorial
from typing import TYPE_CHECKING

import sympy as sp

from circuitgrad.proofs.fields import Element, Field, UnsupportedError
from circuitgrad.proofs.signs import EmptyCellError

if TYPE_CHECKING:
    from circuitgrad.proofs.normal_form import Normaliser

_HALF = Fraction(1, 2)


def _logarithm(n: "Normaliser", arguments: Sequence[sp.Expr]) -> Element:
    if len(arguments) != 1:
        message = "a logarithm to another base"
        raise UnsupportedError(message)
    value = n.element(arguments[0])
    n.need_positive(arguments[0], value)
    return n.tower.logarithm(value)


def _hyperbolic_pair(n: "Normaliser", argument: sp.Expr) -> tuple[Element, Element]:
    """Return cosh and sinh."""
    field, up = n.field, n.tower.exponential(n.element(argument))
    down = field.inverse(up)
    return field.scale(field.add(up, down), _HALF), field.scale(field.subtract(up, down), _HALF)


def _asinh(n: "Normaliser", arguments: Sequence[sp.Expr]) -> Element:
    field, value = n.field, n.element(arguments[0])
    square = field.add(field.integer_power(value, 2), field.one)
    n.tower.signs.add_fact(square)
    total = field.add(value, n.root(square))
    n.tower.signs.add_fact(total)
    return n.tower.logarithm(total)


def _acosh(n: "Normaliser", arguments: Sequence[sp.Expr]) -> Element:
    field, value = n.field, n.element(arguments[0])
    n.need_positive(arguments[0] - 1, field.subtract(value, field.one))
    root = n.root(field.subtract(field.integer_power(value, 2), field.one))
    return n.tower.logarithm(field.add(value, root))


def _inside_unit(n: "Normaliser", argument: sp.Expr) -> Element:
    field, value = n.field, n.element(argument)
    n.need_positive(1 - argument, field.subtract(field.one, value))
    n.need_positive(1 + argument, field.add(field.one, value))
    return value


def _atanh(n: "Normaliser", arguments: Sequence[sp.Expr]) -> Element:
    field, value = n.field, _inside_unit(n, arguments[0])
    ratio = field.divide(field.add(field.one, value), field.subtract(field.one, value))
    return field.scale(n.tower.logarithm(ratio), _HALF)


def _asin(n: "Normaliser", arguments: Sequence[sp.Expr]) -> Element:
    field, value = n.field, _inside_unit(n, arguments[0])
    rest = field.subtract(field.one, field.multiply(value, value))
    if field.is_zero(rest):
        message = "an arcsine of 1 or -1"
        raise UnsupportedError(message)
    return n.tower.arctangent(field.divide(value, n.root(rest)))


def _acos(n: "Normaliser", arguments: Sequence[sp.Expr]) -> Element:
    return n.field.subtract(n.tower.pi(_HALF), _asin(n, arguments))


def _acot(n: "Normaliser", arguments: Sequence[sp.Expr]) -> Element:
    return n.tower.arctangent(n.field.inverse(n.element(arguments[0])))


def _atan2(n: "Normaliser", arguments: Sequence[sp.Expr]) -> Element:
    field = n.field
    y, x = (n.element(argument) for argument in arguments)
    side = n.tower.signs.sign_of(x)
    if side == 0:
        return n.tower.pi(Fraction(n.tower.signs.sign_of(y), 2))
    angle = n.tower.arctangent(field.divide(y, x))
    if side > 0:
        return angle
    turn = n.tower.signs.sign_of(y) or 1
    return field.add(angle, n.tower.pi(Fraction(turn)))


def _odd(
    n: "Normaliser", arguments: Sequence[sp.Expr], function: Callable[..., sp.Expr]
) -> Element:
    value = n.element(arguments[0])
    if n.field.is_zero(value):
        return value
    return n.tower.opaque(str(function), [value], function, kind="odd")


def _erfc(n: "Normaliser", arguments: Sequence[sp.Expr]) -> Element:
    return n.field.subtract(n.field.one, _odd(n, arguments, sp.erf))


def _erfinv(n: "Normaliser", arguments: Sequence[sp.Expr]) -> Element:
    _inside_unit(n, arguments[0])
    return _odd(n, arguments, sp.erfinv)


def _lambert(n: "Normaliser", arguments: Sequence[sp.Expr]) -> Element:
    if len(arguments) != 1:
        message = "another branch of LambertW"
        raise UnsupportedError(message)
    value = n.element(arguments[0])
    if n.field.is_zero(value):
        return value
    return n.tower.opaque("LambertW", [value], sp.LambertW, kind="lambert")


def _between(n: "Normaliser", known: Element, steps: int) -> list[Element]:
    """Return known, known + 1, ... up to the shifted argument, in either direction."""
    offsets = range(steps) if steps > 0 else range(steps, 0)
    return [n.field.add(known, n.field.integer(offset)) for offset in offsets]


def _gamma(n: "Normaliser", arguments: Sequence[sp.Expr]) -> Element:
    field = n.field

    def shift(value: Element, known: Element, steps: int) -> Element:
        for factor in _between(n, known, steps):
            value = field.multiply(value, factor if steps > 0 else field.inverse(factor))
        return value

    return n.tower.opaque("gamma", [n.element(arguments[0])], sp.gamma, shift=shift)


def _loggamma(n: "Normaliser", arguments: Sequence[sp.Expr]) -> Element:
    field, argument = n.field, n.element(arguments[0])
    n.need_positive(arguments[0], argument)

    def shift(value: Element, known: Element, steps: int) -> Element:
        for factor in _between(n, known, steps):
            step = n.tower.logarithm(factor)
            value = field.add(value, step if steps > 0 else field.negative(step))
        return value

    return n.tower.opaque("loggamma", [argument], sp.loggamma, shift=shift)


def _polygamma(n: "Normaliser", arguments: Sequence[sp.Expr]) -> Element:
    field, order = n.field, arguments[0]
    if not order.is_Integer or order < 0:
        raise UnsupportedError(f"polygamma of order {order}")
    count = int(order)
    weight = (-1) ** count * factorial(count)

    def shift(value: Element, known: Element, steps: int) -> Element:
        for point in _between(n, known, steps):
            step = field.scale(field.integer_power(point, -count - 1), weight)
            value = field.add(value, step if steps > 0 else field.negative(step))
        return value

    return n.tower.opaque(
        f"polygamma {count}",
        [n.element(arguments[1])],
        lambda u: sp.polygamma(count, u),
        shift=shift,
    )


def _plain(
    n: "Normaliser", head: str, values: Sequence[Element], meaning: Callable[..., sp.Expr]
) -> Element:
    return n.tower.opaque(head, values, meaning)


def _bessel(n: "Normaliser", arguments: Sequence[sp.Expr]) -> Element:
    field, (order, argument) = n.field, arguments
    if not order.is_Integer or abs(order) > 12:
        raise UnsupportedError(f"besselj of order {order}")
    if order < 0:
        return field.scale(_bessel(n, (-order, argument)), (-1) ** int(order))
    value = n.element(argument)
    if order <= 1:
        return _plain(n, f"J{order}", [value], lambda u: sp.besselj(order, u))
    factor = field.scale(field.inverse(value), 2 * int(order - 1))
    first = field.multiply(factor, _bessel(n, (order - 1, argument)))
    return field.subtract(first, _bessel(n, (order - 2, argument)))


def _absolute(n: "Normaliser", arguments: Sequence[sp.Expr]) -> Element:
    return n.field.scale(n.element(arguments[0]), n.sign(arguments[0]))


def _heaviside(n: "Normaliser", arguments: Sequence[sp.Expr]) -> Element:
    side = n.sign(arguments[0])
    return n.element(arguments[1]) if side == 0 else n.field.integer((1 + side) // 2)


def _extreme(n: "Normaliser", arguments: Sequence[sp.Expr], direction: int) -> Element:
    best, *others = (n.element(argument) for argument in arguments)
    for other in others:
        gap = n.field.subtract(other, best)
        if n.tower.signs.sign_of(gap) * direction > 0:
            best = other
    return best


def _piecewise(n: "Normaliser", branches: Sequence[sp.Basic]) -> Element:
    for value, condition in branches:
        if n.holds(condition):
            return n.element(value)
    raise EmptyCellError


Rule = Callable[["Normaliser", Sequence[sp.Expr]], Element]


def _circular(pick: Callable[[Field, Element, Element], Element]) -> Rule:
    return lambda n, a: pick(n.field, *n.tower.cosine_and_sine(n.element(a[0])))


def _hyperbolic(pick: Callable[[Field, Element, Element], Element]) -> Rule:
    return lambda n, a: pick(n.field, *_hyperbolic_pair(n, a[0]))


RULES: dict[object, Rule] = {
    sp.pi: lambda n, _: n.tower.pi(),
    sp.E: lambda n, _: n.tower.exponential(n.field.one),
    sp.EulerGamma: lambda n, _: n.symbol(sp.EulerGamma, "constant", True),
    sp.Catalan: lambda n, _: n.symbol(sp.Catalan, "constant", True),
    sp.GoldenRatio: lambda n, _: n.element((1 + sp.sqrt(5)) / 2),
    sp.exp: lambda n, a: n.tower.exponential(n.element(a[0])),
    sp.log: _logarithm,
    sp.cos: _circular(lambda f, c, s: c),
    sp.sin: _circular(lambda f, c, s: s),
    sp.tan: _circular(lambda f, c, s: f.divide(s, c)),
    sp.cot: _circular(lambda f, c, s: f.divide(c, s)),
    sp.sec: _circular(lambda f, c, s: f.inverse(c)),
    sp.csc: _circular(lambda f, c, s: f.inverse(s)),
    sp.cosh: _hyperbolic(lambda f, c, s: c),
    sp.sinh: _hyperbolic(lambda f, c, s: s),
    sp.tanh: _hyperbolic(lambda f, c, s: f.divide(s, c)),
    sp.coth: _hyperbolic(lambda f, c, s: f.divide(c, s)),
    sp.sech: _hyperbolic(lambda f, c, s: f.inverse(c)),
    sp.csch: _hyperbolic(lambda f, c, s: f.inverse(s)),
    sp.asinh: _asinh,
    sp.acosh: _acosh,
    sp.atanh: _atanh,
    sp.asin: _asin,
    sp.acos: _acos,
    sp.atan: lambda n, a: n.tower.arctangent(n.element(a[0])),
    sp.acot: _acot,
    sp.atan2: _atan2,
    sp.erf: lambda n, a: _odd(n, a, sp.erf),
    sp.erfc: _erfc,
    sp.erfinv: _erfinv,
    sp.erfcinv: lambda n, a: _erfinv(n, (1 - a[0],)),
    sp.LambertW: _lambert,
    sp.gamma: _gamma,
    sp.loggamma: _loggamma,
    sp.polygamma: _polygamma,
    sp.digamma: lambda n, a: _polygamma(n, (sp.Integer(0), *a)),
    sp.besselj: _bessel,
    sp.airyai: lambda n, a: _plain(n, "airyai", [n.element(a[0])], sp.airyai),
    sp.airybi: lambda n, a: _plain(n, "airybi", [n.element(a[0])], sp.airybi),
    sp.airyaiprime: lambda n, a: _plain(n, "airyaiprime", [n.element(a[0])], sp.airyaiprime),
    sp.airybiprime: lambda n, a: _plain(n, "airybiprime", [n.element(a[0])], sp.airybiprime),
    sp.Abs: _absolute,
    sp.sign: lambda n, a: n.field.integer(n.sign(a[0])),
    sp.Heaviside: _heaviside,
    sp.Max: lambda n, a: _extreme(n, a, 1),
    sp.Min: lambda n, a: _extreme(n, a, -1),
    sp.Piecewise: _piecewise,
}
