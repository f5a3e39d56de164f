"""Formulas as plain Unicode text, the way people write them: 2xy, x², cos y, w₀x₀."""

from __future__ import annotations

import re
from itertools import pairwise
from typing import Any

import sympy as sp

from circuitgrad.circuits import Circuit
from circuitgrad.errors import SpecError
from circuitgrad.formulas.exact_numbers import as_expression
from circuitgrad.formulas.symbolic import expressions
from circuitgrad.wire import Array

_SUPER = str.maketrans("0123456789-", "⁰¹²³⁴⁵⁶⁷⁸⁹⁻")
_SUB = str.maketrans("0123456789", "₀₁₂₃₄₅₆₇₈₉")
_SUM, _PRODUCT, _POWER, _ATOM = range(4)
_WIDE = 2000
_LONG = 12


def name_text(name: str) -> str:
    """A variable's name with its trailing digits as subscripts.

    >>> name_text("w0"), name_text("x_12"), name_text("loss")
    ('w₀', 'x₁₂', 'loss')
    """
    match = re.fullmatch(r"(.*?[^\W\d_])_?(\d+)", name)
    return match[1] + match[2].translate(_SUB) if match else name


def expression_text(expression: Any) -> str:
    """A SymPy expression as one line of Unicode text.

    >>> x, y = sp.symbols("x y")
    >>> expression_text(2 * x * y**2 - sp.cos(x) / 3)
    '2xy² − cos x/3'
    """
    return _text(as_expression(expression))[0]


def _text(e: Any) -> tuple[str, int]:
    """The text of an expression and how tightly it binds."""
    if e.is_Symbol:
        return name_text(e.name), _ATOM
    if e.is_Integer or e.is_Float:
        shown = str(e) if e.is_Integer else f"{float(e):.6g}"
        return shown.replace("-", "−"), _ATOM if e >= 0 else _SUM
    if _is_long(e):
        return _decimal(e), _ATOM if e > 0 else _SUM
    if isinstance(e, sp.Rational):
        return f"{e.p}/{e.q}".replace("-", "−"), _PRODUCT if e > 0 else _SUM
    if e is sp.pi:
        return "π", _ATOM
    if e.is_Add:
        return _sum_text(e), _SUM
    if e.is_Mul:
        return _product_text(e)
    if isinstance(e, sp.exp):
        return _call("exp", e.args), _ATOM
    if e.is_Pow:
        return _power_text(e)
    if isinstance(e, sp.Abs):
        return f"|{_text(e.args[0])[0]}|", _ATOM
    if isinstance(e, sp.Piecewise):
        cases = "; ".join(
            f"{_text(value)[0]} "
            + ("otherwise" if condition == True else f"if {_condition(condition)}")  # noqa: E712
            for value, condition in e.args
        )
        return f"{{{cases}}}", _ATOM
    if isinstance(e, sp.Function | sp.Max | sp.Min):
        name = {"Max": "max", "Min": "min"}.get(type(e).__name__, type(e).__name__)
        if name in _BARE and e.args[0].is_Symbol:
            return f"{name} {_text(e.args[0])[0]}", _PRODUCT
        return _call(name, e.args), _ATOM
    return str(e), _SUM


_BARE = {"sin", "cos", "tan", "log", "sinh", "cosh", "tanh"}
_RELATIONS = {"<": "<", "<=": "≤", ">": ">", ">=": "≥", "==": "=", "!=": "≠"}


def _condition(c: Any) -> str:
    if isinstance(c, sp.core.relational.Relational):
        sign = _RELATIONS.get(c.rel_op, c.rel_op)
        return f"{_text(c.lhs)[0]} {sign} {_text(c.rhs)[0]}"
    return str(c)


def _call(name: str, arguments: Any) -> str:
    return f"{name}({', '.join(_text(a)[0] for a in arguments)})"


def _sum_text(e: Any) -> str:
    parts: list[str] = []
    for term in e.as_ordered_terms():
        text, _ = _text(term)
        if not parts:
            parts.append(text)
        elif text.startswith("−"):
            parts.append(f" − {text[1:]}")
        else:
            parts.append(f" + {text}")
    return "".join(parts)


def _is_long(e: Any) -> bool:
    """Whether a fraction is easier to read as a decimal."""
    return isinstance(e, sp.Rational) and e.q != 1 and len(f"{e.p}{e.q}") > _LONG


def _decimal(e: Any) -> str:
    return repr(float(e)).replace("-", "−")


def _product_text(e: Any) -> tuple[str, int]:
    coefficient, rest = e.as_coeff_Mul()
    sign = "−" if coefficient < 0 else ""
    long = _is_long(coefficient)
    over, under = sp.fraction(rest if long else abs(coefficient) * rest)
    top = _factors(over)
    if long:
        inner = f"({top})" if over.is_Add else top
        top = _decimal(abs(coefficient)) + ("" if over == 1 else f"·{inner}")
    if under == 1:
        return sign + top, _SUM if sign else _PRODUCT
    bottom, tightness = _text(under)
    if under.is_Mul:
        bottom = f"({_factors(under)})"
    elif tightness < _POWER:
        bottom = f"({bottom})"
    if over.is_Add and not long:
        top = f"({top})"
    return f"{sign}{top}/{bottom}", _SUM if sign else _PRODUCT


def _factors(e: Any) -> str:
    """Factors side by side; a dot only where two names or numbers would run together."""
    shown = []
    for factor in e.as_ordered_factors() if e.is_Mul else [e]:
        text, tightness = _text(factor)
        alone = not e.is_Mul
        shown.append(f"({text})" if tightness == _SUM and not alone else text)
    result = shown[0]
    for left, right in pairwise(shown):
        result += right if _may_touch(left, right) else f"·{right}"
    return result


def _may_touch(left: str, right: str) -> bool:
    short = r"[^\W\d_][₀-₉]*[⁰¹²³⁴⁵⁶⁷⁸⁹⁻]*"
    simple_left = re.fullmatch(rf"\d+|{short}|\(.*\)[⁰¹²³⁴⁵⁶⁷⁸⁹⁻]*", left)
    simple_right = re.fullmatch(rf"{short}|\(.*\)[⁰¹²³⁴⁵⁶⁷⁸⁹⁻]*", right)
    number = re.fullmatch(r"\d+", left) and re.match(r"[^\W\d_]", right)
    return bool((simple_left and simple_right) or number)


def _power_text(e: Any) -> tuple[str, int]:
    base, exponent = e.args
    if exponent == sp.Rational(1, 2):
        inner, tightness = _text(base)
        return (f"√{inner}" if tightness == _ATOM else f"√({inner})"), _POWER
    if exponent.is_Number and exponent < 0:
        bottom, tightness = _text(base**-exponent)
        return f"1/{bottom}" if tightness >= _POWER else f"1/({bottom})", _PRODUCT
    inner, tightness = _text(base)
    inner = inner if tightness == _ATOM and not base.is_Function else f"({inner})"
    if exponent.is_Integer:
        return inner + str(exponent).translate(_SUPER), _POWER
    power, tightness = _text(exponent)
    return f"{inner}^{power}" if tightness == _ATOM else f"{inner}^({power})", _POWER


def entries_text(entries: Array) -> str:
    """Nested brackets of expressions.

    >>> import numpy as np
    >>> x = sp.Symbol("x")
    >>> entries_text(np.array([[2 * x, 1]], dtype=object))
    '[[2x, 1]]'
    """
    if not entries.ndim:
        return expression_text(entries[()])
    return f"[{', '.join(entries_text(np_part(entries, k)) for k in range(len(entries)))}]"


def np_part(entries: Array, k: int) -> Array:
    """One slice along the first axis, kept an array."""
    part: Array = entries[k : k + 1].reshape(entries.shape[1:])
    return part


def circuit_text(target: Circuit) -> str:
    """The closed form of a circuit, one line per output: `f(x, y) = x²y`.

    A circuit with named axes, or too large to be written out, shows what it is instead.
    """
    arguments = ", ".join(name_text(name) for name in target.input_names)
    try:
        found = expressions(target.outputs)
        texts = [entries_text(entries) for entries in found]
    except (SpecError, RecursionError):
        return repr(target)
    lines = []
    for name, text in zip(target.output_names, texts, strict=True):
        if len(text) > _WIDE:
            return repr(target)
        lines.append(f"{name_text(name)}({arguments}) = {text}")
    return "\n".join(lines)
