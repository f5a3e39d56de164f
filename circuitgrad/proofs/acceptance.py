"""Which claims the decision accepts, and the domain in the form it works with."""

from collections.abc import Sequence

import sympy as sp

Constraint = tuple[sp.Expr, int]
MAX_DEPTH = 100
MAX_NODES = 50_000
_MAX_PRINTED_PARTS = 200


class RejectedError(Exception):
    """Raised when a claim is outside what can be decided; the message is the reason."""


def check_size(expressions: Sequence[sp.Basic]) -> None:
    """Return nothing if the expressions are shallow and small, without recursion.

    Args:
        expressions: any SymPy expressions.

    Raises:
        RejectedError: when they are too deep, or too large when written out.
    """
    measured: dict[int, tuple[int, int]] = {}
    alive: list[sp.Basic] = []  # so that no id is used twice
    waiting = [(expression, expression.args) for expression in expressions]
    while waiting:
        node, parts = waiting[-1]
        missing = [part for part in parts if id(part) not in measured]
        if missing:
            waiting += [(part, part.args) for part in missing]
            if len(waiting) > MAX_NODES:
                raise RejectedError(f"the expressions have more than {MAX_NODES} parts")
            continue
        alive.append(waiting.pop()[0])
        depth = 1 + max((measured[id(part)][0] for part in parts), default=0)
        count = 1 + sum(measured[id(part)][1] for part in parts)
        if depth > MAX_DEPTH:
            raise RejectedError(f"an expression is nested more than {MAX_DEPTH} deep")
        if count > MAX_NODES:
            raise RejectedError(f"an expression has more than {MAX_NODES} parts when written out")
        measured[id(node)] = depth, count


def check_real(expressions: Sequence[sp.Basic]) -> None:
    """Return nothing if the expressions are finite and real, in real variables.

    Args:
        expressions: any SymPy expressions.

    Raises:
        RejectedError: when a symbol is not declared real, or a number is not real and finite.
    """
    for expression in expressions:
        if expression.has(sp.I, sp.nan, sp.zoo, sp.oo, -sp.oo):
            raise RejectedError(f"{brief(expression)} is not real and finite")
        for symbol in expression.free_symbols:
            if not symbol.is_real:
                raise RejectedError(f"the symbol {symbol} is not declared real")
            if symbol.is_integer:
                raise RejectedError(f"the symbol {symbol} is an integer, not a real variable")


def exact(expression: sp.Basic) -> sp.Basic:
    """Return the expression with every binary floating-point number as the rational it is.

    Args:
        expression: an expression or relational of moderate depth.

    Returns:
        The same without Floats.
    """
    return expression.xreplace({f: sp.Rational(f) for f in expression.atoms(sp.Float)})


def sign_constraints(expressions: Sequence[sp.Basic]) -> list[Constraint]:
    """Return the signs of variables that are declared nonnegative, negative or nonpositive.

    Args:
        expressions: any SymPy expressions.

    Returns:
        Pairs of a symbol and its sign; positive symbols need none.
    """
    symbols = set().union(*(expression.free_symbols for expression in expressions))
    signed = [symbol for symbol in sorted(symbols, key=str) if not symbol.is_positive]
    found = [(symbol, 1) for symbol in signed if symbol.is_nonnegative]
    return found + [(symbol, -1) for symbol in signed if symbol.is_nonpositive]


def is_modest(expression: sp.Expr) -> bool:
    """Return whether expanding the expression takes no time worth mentioning.

    Args:
        expression: of moderate depth.

    Returns:
        False if it has many parts or a large power.
    """
    if _has_more_parts(expression, 300) or len(expression.free_symbols) > 12:
        return False
    powers = expression.atoms(sp.Pow)
    return all(not power.exp.is_Integer or abs(power.exp) <= 8 for power in powers)


def brief(expression: sp.Basic) -> str:
    """Return the expression as text, or only its outermost function if it is long.

    Args:
        expression: any SymPy expression, possibly huge when written out.

    Returns:
        Text of moderate length.
    """
    if _has_more_parts(expression, _MAX_PRINTED_PARTS):
        return f"{expression.func.__name__}(…)"
    return str(expression)


def _has_more_parts(expression: sp.Basic, limit: int) -> bool:
    waiting, count = [expression], 0
    while waiting and count <= limit:
        count += 1
        waiting += waiting.pop().args
    return count > limit


def constraints(domain: Sequence[sp.Basic]) -> list[Constraint]:
    """Return the domain as pairs of an expression and its sign.

    Args:
        domain: strict or weak inequalities, or conjunctions of them.

    Returns:
        One pair per inequality; the edges of the domain are left out.

    Raises:
        RejectedError: when the domain is empty or uses anything else.
    """
    result: list[Constraint] = []
    for part in domain:
        if part == sp.true:
            continue
        if part == sp.false:
            message = "the domain is empty"
            raise RejectedError(message)
        if isinstance(part, sp.And):
            result += constraints(part.args)
        elif isinstance(part, sp.Gt | sp.Ge):
            result.append((part.lhs - part.rhs, 1))
        elif isinstance(part, sp.Lt | sp.Le):
            result.append((part.lhs - part.rhs, -1))
        elif not isinstance(part, sp.Ne):
            raise RejectedError(f"the domain condition {part} is not an inequality")
    return result
