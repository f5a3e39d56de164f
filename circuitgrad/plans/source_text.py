"""Python expressions as syntax trees, and their text as a formatter would leave it."""

from __future__ import annotations

import ast
import math
from collections.abc import Sequence
from typing import Any

from circuitgrad.errors import SpecError

_OPERATORS: dict[type[ast.operator], tuple[str, int]] = {
    ast.Add: ("+", 10), ast.Sub: ("-", 10), ast.Mult: ("*", 11), ast.Div: ("/", 11),
    ast.MatMult: ("@", 11), ast.FloorDiv: ("//", 11), ast.Mod: ("%", 11), ast.Pow: ("**", 14),
    ast.BitAnd: ("&", 8), ast.BitOr: ("|", 6),
}  # fmt: skip
_COMPARISONS: dict[type[ast.cmpop], str] = {
    ast.Gt: ">", ast.GtE: ">=", ast.Lt: "<", ast.LtE: "<=", ast.Eq: "==", ast.NotEq: "!=",
}  # fmt: skip
_COMPARE, _UNARY, _POWER, _ATOM = 5, 12, 14, 20
_LARGEST_WHOLE = 1e15  # whole numbers below are written without a point


def name(text: str) -> ast.Name:
    """A variable."""
    return ast.Name(text)


def numpy(dotted: str) -> ast.expr:
    """A name of NumPy: `np.linalg.inv` for "linalg.inv"."""
    found: ast.expr = name("np")
    for part in dotted.split("."):
        found = ast.Attribute(found, part)
    return found


def call(function: str | ast.expr, *operands: ast.expr, **keywords: ast.expr) -> ast.Call:
    """A call; a function given as text is one of NumPy's."""
    target = numpy(function) if isinstance(function, str) else function
    return ast.Call(target, list(operands), [ast.keyword(k, v) for k, v in keywords.items()])


def binary(left: ast.expr, operator: type[ast.operator], right: ast.expr) -> ast.BinOp:
    """Two operands and an operator."""
    return ast.BinOp(left, operator(), right)


def negative(operand: ast.expr) -> ast.expr:
    """The operand with its sign changed; two signs cancel."""
    if isinstance(operand, ast.UnaryOp) and isinstance(operand.op, ast.USub):
        return operand.operand
    return ast.UnaryOp(ast.USub(), operand)


def transposed(operand: ast.expr) -> ast.expr:
    """A matrix transposed; two transposes cancel."""
    if isinstance(operand, ast.Attribute) and operand.attr == "T":
        return operand.value
    return ast.Attribute(operand, "T")


def subscript(operand: ast.expr, parts: Sequence[ast.expr]) -> ast.Subscript:
    """Entries by index."""
    return ast.Subscript(operand, parts[0] if len(parts) == 1 else ast.Tuple(list(parts)))


def tuple_of(parts: Sequence[ast.expr]) -> ast.Tuple:
    """A tuple."""
    return ast.Tuple(list(parts))


def text(value: str) -> ast.Constant:
    """A string."""
    return ast.Constant(value)


def number(value: float, whole: bool = True) -> ast.expr:
    """A number, exactly; whole ones without a point unless told otherwise."""
    if math.isnan(value):
        return numpy("nan")
    if math.isinf(value):
        return numpy("inf") if value > 0 else negative(numpy("inf"))
    size = abs(value)
    plain = whole and size == int(size) and size < _LARGEST_WHOLE
    found = ast.Constant(int(size) if plain and value else size)
    return negative(found) if math.copysign(1.0, value) < 0 else found


def literal(value: Any) -> ast.expr:
    """A parameter of a gate as Python writes it.

    Raises:
        SpecError: A value without a literal.
    """
    if value is None or isinstance(value, bool | str):
        return ast.Constant(value)
    if isinstance(value, int):
        return number(value)
    if isinstance(value, float):
        return number(value, whole=False)
    if isinstance(value, tuple):
        return tuple_of([literal(part) for part in value])
    raise SpecError(f"numpy_source: {value!r} has no literal in Python.")


def is_number(node: ast.expr) -> bool:
    """Whether a tree is a literal number."""
    if isinstance(node, ast.UnaryOp):
        return is_number(node.operand)
    if isinstance(node, ast.Attribute):
        return node.attr in ("inf", "nan")
    return isinstance(node, ast.Constant) and isinstance(node.value, int | float)


def value_of(node: ast.expr) -> float:
    """The value of a literal number."""
    if isinstance(node, ast.UnaryOp):
        return -value_of(node.operand)
    if isinstance(node, ast.Attribute):
        return math.inf if node.attr == "inf" else math.nan
    assert isinstance(node, ast.Constant)
    return float(node.value)  # type: ignore[arg-type]


def folded(node: ast.expr) -> ast.expr:
    """An expression without differences of numbers, products with 1 and powers of 1."""
    if not isinstance(node, ast.BinOp):
        return node
    left, right = folded(node.left), folded(node.right)
    if isinstance(node.op, ast.Sub) and is_number(left) and is_number(right):
        return number(value_of(left) - value_of(right))
    if isinstance(node.op, ast.Mult) and is_number(left) and value_of(left) == 1:
        return right
    if isinstance(node.op, ast.Pow) and is_number(right) and value_of(right) == 1:
        return left
    return ast.BinOp(left, node.op, right)


def is_simple(node: ast.expr) -> bool:
    """Whether a tree may stand in several places: a name, a number, a name transposed."""
    if isinstance(node, ast.Attribute):
        return node.attr == "T" and is_simple(node.value)
    return isinstance(node, ast.Name) or is_number(node)


# --- text -----------------------------------------------------------------------------------------


def printed(node: ast.expr) -> str:
    """The text of an expression, spaced and quoted as ruff and black do.

    >>> printed(binary(transposed(name("X")), ast.MatMult, binary(name("p"), ast.Sub, name("y"))))
    'X.T @ (p - y)'
    """
    return _print(node)[0]


def _print(node: ast.expr) -> tuple[str, int]:
    """The text and how tightly it binds."""
    match node:
        case ast.BinOp():
            return _binary(node)
        case ast.UnaryOp():
            sign = "~" if isinstance(node.op, ast.Invert) else "-"
            return sign + _within(node.operand, _UNARY), _UNARY
        case ast.Compare():
            left, right = (_within(n, _COMPARE + 1) for n in (node.left, node.comparators[0]))
            return f"{left} {_COMPARISONS[type(node.ops[0])]} {right}", _COMPARE
        case ast.Call():
            parts = [_print(a)[0] for a in node.args]
            parts += [f"{k.arg}={_print(k.value)[0]}" for k in node.keywords]
            return f"{_within(node.func, _ATOM)}({', '.join(parts)})", _ATOM
        case ast.Attribute():
            return f"{_within(node.value, _ATOM)}.{node.attr}", _ATOM
        case ast.Subscript():
            return f"{_within(node.value, _ATOM)}[{_index(node.slice)}]", _ATOM
        case ast.List():
            return f"[{', '.join(_print(n)[0] for n in node.elts)}]", _ATOM
        case ast.Tuple():
            inner = ", ".join(_print(n)[0] for n in node.elts)
            return f"({inner},)" if len(node.elts) == 1 else f"({inner})", _ATOM
    return _leaf(node), _ATOM


def _leaf(node: ast.expr) -> str:
    if isinstance(node, ast.Name):
        return node.id
    if isinstance(node, ast.Constant):
        return quoted(node.value) if isinstance(node.value, str) else repr(node.value)
    raise SpecError(f"numpy_source: a kernel has {type(node).__name__} in an expression.")


def quoted(value: str) -> str:
    """A string literal in double quotes; nothing in it can end it."""
    escaped = value.replace("\\", "\\\\").replace('"', '\\"')
    return '"' + "".join(c if c.isprintable() else ascii(c)[1:-1] for c in escaped) + '"'


def _within(node: ast.expr, level: int) -> str:
    found, own = _print(node)
    if isinstance(node, ast.Constant) and isinstance(node.value, int) and level == _ATOM:
        return f"({found})"  # 2.T is no Python
    return found if own >= level else f"({found})"


def _binary(node: ast.BinOp) -> tuple[str, int]:
    sign, level = _OPERATORS[type(node.op)]
    if isinstance(node.op, ast.Pow):
        left, right = _within(node.left, _POWER + 1), _within(node.right, _UNARY)
        is_tight = _is_tight(node.left) and _is_tight(node.right)
        return (f"{left}**{right}" if is_tight else f"{left} ** {right}"), level
    left, right = _within(node.left, level), _within(node.right, level + 1)
    if _mixes(node, node.left):
        left = f"({_print(node.left)[0]})"
    return f"{left} {sign} {right}", level


def _mixes(node: ast.BinOp, left: ast.expr) -> bool:
    """Whether a matrix product and another stand side by side: (A * d) @ B is clearer."""
    if not isinstance(left, ast.BinOp) or type(left.op) is type(node.op):
        return False
    both = (left.op, node.op)
    return any(isinstance(op, ast.MatMult) for op in both) and all(
        _OPERATORS[type(op)][1] == _OPERATORS[ast.Mult][1] for op in both
    )


def _is_tight(node: ast.expr) -> bool:
    """Whether ** stands without spaces beside an operand."""
    if isinstance(node, ast.UnaryOp):
        node = node.operand
    while isinstance(node, ast.Attribute):
        node = node.value
    return isinstance(node, ast.Name | ast.Constant)


def _index(node: ast.expr) -> str:
    parts = node.elts if isinstance(node, ast.Tuple) else [node]
    inner = ", ".join(_slice(n) if isinstance(n, ast.Slice) else _print(n)[0] for n in parts)
    return f"{inner}," if isinstance(node, ast.Tuple) and len(parts) == 1 else inner


def _slice(node: ast.Slice) -> str:
    first, last = (printed(n) if n is not None else "" for n in (node.lower, node.upper))
    step = "" if node.step is None else f":{printed(node.step)}"
    return f"{first}:{last}{step}"
