"""The text grammar: one line of mathematics.

Parsed by a whitelist over Python's ast and never evaluated as code.
"""

from __future__ import annotations

import ast
import difflib
import math
import operator
import warnings
from collections.abc import Callable, Iterable, Mapping
from fractions import Fraction
from functools import lru_cache
from typing import Any

from circuitgrad.advice import advice_for
from circuitgrad.errors import SpecError

MAX_CHARACTERS = 20_000
MAX_EXPONENT = 1000
MAX_BITS = 100_000

_BINARY: dict[type[ast.AST], Callable[[Any, Any], Any]] = {
    ast.Add: operator.add,
    ast.Sub: operator.sub,
    ast.Mult: operator.mul,
    ast.Div: operator.truediv,
    ast.Pow: operator.pow,
    ast.MatMult: operator.matmul,
    ast.BitAnd: operator.and_,  # of conditions
    ast.BitOr: operator.or_,
}
_UNARY: dict[type[ast.AST], Callable[[Any], Any]] = {ast.USub: operator.neg, ast.UAdd: operator.pos}
_COMPARE: dict[type[ast.AST], Callable[[Any, Any], Any]] = {
    ast.Lt: operator.lt,
    ast.LtE: operator.le,
    ast.Gt: operator.gt,
    ast.GtE: operator.ge,
    ast.Eq: operator.eq,
    ast.NotEq: operator.ne,
}


def parse(text: str) -> ast.expr:
    """The syntax tree of one expression, with nothing in it but the whitelist.

    Raises:
        SpecError: Not an expression, too long, too deep, or a construct outside the grammar.
    """
    if not isinstance(text, str) or not text.strip():
        raise SpecError(f"formula: got {text!r}; needed text such as 'x*y + sin(x)'.")
    if len(text) > MAX_CHARACTERS:
        raise SpecError(f"formula: {len(text)} characters; at most {MAX_CHARACTERS} are read.")
    return _parsed(text)


@lru_cache(maxsize=1024)
def _parsed(text: str) -> ast.expr:
    source = " ".join(text.split())
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", SyntaxWarning)
            tree = ast.parse(source, mode="eval").body
    except SyntaxError as error:
        at = "" if error.offset is None else f" near character {error.offset}"
        hint = advice_for(source)
        raise SpecError(f"formula {_short(source)!r}: not an expression{at}.{hint}") from None
    except (RecursionError, MemoryError, ValueError):
        raise SpecError(f"formula {_short(source)!r}: nested too deeply to be read.") from None
    truths = {id(part) for n in ast.walk(tree) if isinstance(n, ast.Tuple) for part in n.elts}
    for node in ast.walk(tree):
        _check(node, source, id(node) in truths)
    _check_powers(tree, source)
    return tree


def operations(text: str) -> int:
    """The number of operations in a formula: operators, comparisons and functions, one each.

    >>> operations("1/(1 + exp(-x))")
    4
    """
    kinds = (ast.BinOp, ast.UnaryOp, ast.Compare, ast.Call)
    return sum(isinstance(node, kinds) for node in ast.walk(parse(text)))


def names(text: str) -> tuple[str, ...]:
    """The variables of a text, in order of appearance.

    >>> names("w*x + exp(b)")
    ('w', 'x', 'b')
    """
    tree = parse(text)
    called = {id(node.func) for node in ast.walk(tree) if isinstance(node, ast.Call)}
    found = [n for n in ast.walk(tree) if isinstance(n, ast.Name) and id(n) not in called]
    found.sort(key=lambda node: (node.lineno, node.col_offset))
    return tuple(dict.fromkeys(node.id for node in found))


def is_condition(text: str) -> bool:
    """Whether a text is a comparison or a list, and so no number."""
    return isinstance(parse(text), ast.Compare | ast.List | ast.Tuple)


def called(text: str) -> tuple[str, ...]:
    """The functions that a text calls, in order of appearance.

    >>> called("w*sin(x) + exp(b)")
    ('sin', 'exp')
    """
    functions = [n.func for n in ast.walk(parse(text)) if isinstance(n, ast.Call)]
    found = [f for f in functions if isinstance(f, ast.Name)]
    found.sort(key=lambda node: (node.lineno, node.col_offset))
    return tuple(dict.fromkeys(node.id for node in found))


def evaluate(
    text: str,
    variables: Mapping[str, Any],
    functions: Mapping[str, Callable[..., Any]],
    number: Callable[[int | Fraction], Any] = float,
) -> Any:
    """The value of a text over any algebra: wires, SymPy expressions or arrays.

    Args:
        text: One expression.
        variables: What each name stands for.
        functions: What each called name does.
        number: Turns a literal (an integer, or the exact fraction of a decimal) into an operand.

    Raises:
        SpecError: An unknown name or function (the nearest known one is suggested).

    >>> evaluate("2*x**2 + half(x)", {"x": 3.0}, {"half": lambda v: v / 2})
    19.5
    """
    tree = parse(text)
    values: dict[int, Any] = {}
    stack: list[tuple[ast.expr, bool]] = [(tree, False)]
    while stack:
        node, ready = stack.pop()
        children = _operands(node)
        if children and not ready:
            stack.append((node, True))
            stack.extend((child, False) for child in reversed(children))  # left first
        else:
            operands = [values.pop(id(child)) for child in children]
            values[id(node)] = _applied(node, operands, variables, functions, number, text)
    return values[id(tree)]


def _operands(node: ast.expr) -> list[ast.expr]:
    match node:
        case ast.BinOp():
            return [node.left, node.right]
        case ast.UnaryOp():
            return [node.operand]
        case ast.Compare():
            return [node.left, node.comparators[0]]
        case ast.Call():
            return list(node.args)
        case ast.List() | ast.Tuple():
            return list(node.elts)
        case ast.Attribute():
            return [node.value]
        case ast.Subscript():
            return [node.value]
    return []


def _applied(node: ast.expr, operands: list[Any], *rest: Any) -> Any:
    """The value of one node; what the algebra refuses is told with the piece of text."""
    try:
        return _apply(node, operands, *rest)
    except (ArithmeticError, AttributeError, IndexError, TypeError) as error:
        part = ast.get_source_segment(" ".join(rest[-1].split()), node) or rest[-1]
        raise SpecError(f"formula {_short(part)!r}: {error}.") from error


def _apply(
    node: ast.expr,
    operands: list[Any],
    variables: Mapping[str, Any],
    functions: Mapping[str, Callable[..., Any]],
    number: Callable[[int | Fraction], Any],
    text: str,
) -> Any:
    match node:
        case ast.Constant(value=bool() as value):
            return value
        case ast.Constant(value=int() as value):
            return number(value)
        case ast.Constant(value=float()):
            literal = ast.get_source_segment(" ".join(text.split()), node) or repr(node.value)
            return number(_exact_decimal(literal.replace("_", ""), text))
        case ast.Name():
            return _look_up(node.id, variables, "name", text)
        case ast.BinOp():
            return _BINARY[type(node.op)](*operands)
        case ast.UnaryOp():
            return _UNARY[type(node.op)](*operands)
        case ast.Compare():
            return _COMPARE[type(node.ops[0])](*operands)
        case ast.Call(func=ast.Name(id=name)):
            return _look_up(name, functions, "function", text)(*operands)
        case ast.Attribute():
            if not hasattr(operands[0], "T"):
                raise SpecError(
                    f"formula {_short(text)!r}: '.T' of a scalar. Give the input its axes, as "
                    'x="n" or A="m n".'
                )
            return operands[0].T
        case ast.Subscript():
            return operands[0][_index(node.slice)]
    return operands


def _exact_decimal(literal: str, text: str) -> Fraction:
    """The fraction that a decimal literal says, unless writing it out would take for ever."""
    _, _, exponent = literal.lower().partition("e")
    if len(exponent) > len(f"-{MAX_EXPONENT}") or abs(int(exponent or 0)) > MAX_EXPONENT:
        raise SpecError(
            f"formula {_short(text)!r}: number {_short(literal)}; exponents of ten up to "
            f"{MAX_EXPONENT} are read."
        )
    return Fraction(literal)


def _check_powers(tree: ast.expr, text: str) -> None:
    """Refuse powers of numbers that would take for ever to write out, such as 9**9**9.

    Every part without names is a number, worked out here from the inside: exact where the powers
    are whole, else near enough to know its size.
    """
    numbers: dict[int, Fraction | None] = {}
    nodes = [node for node in ast.walk(tree) if isinstance(node, ast.expr)]
    for node in reversed(nodes):
        if isinstance(node, ast.BinOp) and isinstance(node.op, ast.Pow):
            _check_exponent(node.right, numbers, text)
        try:
            numbers[id(node)] = _number_of(node, numbers)
        except ZeroDivisionError:
            numbers[id(node)] = None  # told where the formula is evaluated
        except (ArithmeticError, ValueError):
            raise SpecError(f"formula {_short(text)!r}: a number too large to be read.") from None


def _check_exponent(exponent: ast.expr, numbers: Mapping[int, Fraction | None], text: str) -> None:
    """Refuse an exponent with a number in it beyond the limit."""
    pending = [exponent]
    while pending:
        node = pending.pop()
        number = numbers[id(node)]
        if number is None:
            pending.extend(_operands(node))
        elif abs(number) > MAX_EXPONENT:
            raise SpecError(
                f"formula {_short(text)!r}: exponent {_short(str(_near(number)))}; at most "
                f"{MAX_EXPONENT} in size is read."
            )


def _near(number: Fraction) -> float:
    try:
        return float(number)
    except OverflowError:
        return math.inf if number > 0 else -math.inf


def _number_of(node: ast.expr, numbers: Mapping[int, Fraction | None]) -> Fraction | None:
    """The number that a part without names is; None where names are involved."""
    if isinstance(node, ast.Constant) and not isinstance(node.value, bool):
        is_finite = isinstance(node.value, int) or math.isfinite(float(str(node.value)))
        return Fraction(str(node.value)) if is_finite else Fraction(10) ** MAX_EXPONENT
    operands = [numbers[id(child)] for child in _operands(node)]
    known = [number for number in operands if number is not None]
    if not known or len(known) < len(operands) or isinstance(node, ast.List | ast.Tuple):
        return None
    if isinstance(node, ast.UnaryOp):
        return -known[0] if isinstance(node.op, ast.USub) else known[0]
    if isinstance(node, ast.BinOp) and not isinstance(
        node.op, ast.MatMult | ast.BitAnd | ast.BitOr
    ):
        return _power(*known) if isinstance(node.op, ast.Pow) else _BINARY[type(node.op)](*known)
    return max(known, key=abs)  # a function of numbers: about as large as its arguments


def _power(base: Fraction, exponent: Fraction) -> Fraction:
    if exponent.denominator != 1:
        return Fraction(float(abs(base)) ** float(exponent))
    bits = base.numerator.bit_length() + base.denominator.bit_length()
    if bits * abs(exponent) > MAX_BITS:
        raise OverflowError
    return Fraction(base**exponent)


def _literal(node: ast.expr) -> float | None:
    sign = 1
    while isinstance(node, ast.UnaryOp) and isinstance(node.op, ast.USub | ast.UAdd):
        sign = -sign if isinstance(node.op, ast.USub) else sign
        node = node.operand
    if isinstance(node, ast.Constant) and isinstance(node.value, int | float):
        return sign * (float(node.value) if node.value < 10**300 else math.inf)
    return None


def _index(node: ast.expr) -> Any:
    if isinstance(node, ast.Tuple):
        return tuple(_index(element) for element in node.elts)
    if isinstance(node, ast.Slice):
        parts = [None if p is None else _index(p) for p in (node.lower, node.upper, node.step)]
        return slice(*parts)
    value = _literal(node)
    if value is None or not value.is_integer():
        raise SpecError("formula: an index must be a whole number or a slice of whole numbers.")
    return int(value)


def _look_up(name: str, table: Mapping[str, Any], what: str, text: str) -> Any:
    if name in table:
        return table[name]
    raise SpecError(f"formula {_short(text)!r}: unknown {what} '{name}'.{nearest(name, table)}")


def nearest(name: str, known: Iterable[str]) -> str:
    """A sentence that suggests the nearest known names, or lists them when they are few."""
    choices = sorted(known)
    close = difflib.get_close_matches(name, choices, n=3, cutoff=0.5)
    if close:
        return f" Did you mean {' or '.join(close)}?"
    return f" Known: {', '.join(choices[:40])}." if choices else ""


_ALLOWED = (
    ast.BinOp, ast.UnaryOp, ast.Compare, ast.Name, ast.List, ast.Tuple, ast.Slice, ast.Load,
    *_BINARY, *_UNARY, *_COMPARE,
)  # fmt: skip


def _check(node: ast.AST, text: str, may_be_truth: bool) -> None:
    """Refuse whatever is not on the whitelist; True and False stand in pairs (value, condition)."""
    allowed = isinstance(node, _ALLOWED)
    if isinstance(node, ast.Constant):
        allowed = isinstance(node.value, int | float)
        allowed = allowed and (may_be_truth or not isinstance(node.value, bool))
    elif isinstance(node, ast.Call):
        allowed = isinstance(node.func, ast.Name) and not node.keywords
        allowed = allowed and not any(isinstance(a, ast.Starred) for a in node.args)
    elif isinstance(node, ast.Attribute):
        allowed = node.attr == "T"
    elif isinstance(node, ast.Subscript):
        _index(node.slice)
        allowed = True
    if isinstance(node, ast.Compare) and len(node.ops) != 1:
        raise SpecError(
            f"formula {_short(text)!r}: chained comparison. Compare two values at a time."
        )
    if isinstance(node, ast.BitXor):
        raise SpecError(f"formula {_short(text)!r}: '^' is not a power. Write x**2.")
    if isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute):
        name = node.func.attr
        raise SpecError(
            f"formula {_short(text)!r}: functions have plain names. Write {name}(x), not "
            f"{_short(ast.unparse(node.func))}(…)."
        )
    if isinstance(node, ast.Call) and not isinstance(node.func, ast.Name):
        raise SpecError(
            f"formula {_short(text)!r}: a bracket after a bracket. Write products with *, as in "
            "(x + 1)*(x - 1)."
        )
    if not allowed:
        raise SpecError(
            f"formula {_short(text)!r}: {type(node).__name__} is not part of the grammar. "
            "Use names, numbers, + - * / ** @, comparisons, f(x), x[0] and x.T."
        )


def _short(text: str) -> str:
    return text if len(text) <= 80 else text[:77] + "…"
