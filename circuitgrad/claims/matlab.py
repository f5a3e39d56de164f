"""MATLAB's notation, as matrixcalculus.org uses it, turned into the text of formulas.

Vectors are columns with one axis, x' is a row. `*` is the matrix product, `.*` and `./` work entry
by entry. What becomes of a product depends on what stands on its sides, so every part has a kind.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from typing import Final, NamedTuple

from circuitgrad.errors import SpecError
from circuitgrad.spec import Shape

_TOKEN = re.compile(
    r"\s*(?:(\d+\.?\d*(?:[eE][+-]?\d+)?|\.\d+(?:[eE][+-]?\d+)?)|([^\W\d]\w*)"
    r"|(\.\*|\./|\.\^|\.'|[-+*/\\^'(),]))"
)
MAX_CHARACTERS = 20_000


class Part(NamedTuple):
    """A piece of a formula: its text, and "scalar", "column", "row" or "matrix"."""

    text: str
    kind: str


_ENTRYWISE: Final = (
    "exp", "log", "sqrt", "sin", "cos", "tan", "asin", "acos", "atan", "sinh", "cosh", "tanh",
    "abs", "sign", "relu", "sigmoid", "erf", "softplus", "log1p", "expm1",
    "asinh", "acosh", "atanh",
)  # fmt: skip
_SCALARS: Final = {
    "tr": "trace({0})", "trace": "trace({0})", "det": "det({0})", "logdet": "logdet({0})",
    "sum": "sum({0})", "norm2": "norm({0})", "norm": "norm({0})", "norm1": "sum(abs({0}))",
    "max": "max({0})", "min": "min({0})", "logsumexp": "logsumexp({0})", "mean": "mean({0})",
}  # fmt: skip
_PRODUCTS: Final = {
    ("row", "column"): ("({0}) @ ({1})", "scalar"),
    ("column", "row"): ("outer({0}, {1})", "matrix"),
    ("row", "matrix"): ("({0}) @ ({1})", "row"),
    ("matrix", "column"): ("({0}) @ ({1})", "column"),
    ("matrix", "matrix"): ("({0}) @ ({1})", "matrix"),
}


def column_shapes(shapes: Mapping[str, Shape]) -> dict[str, Shape]:
    """Shapes without axes of length 1: (n, 1) is the column n.

    >>> column_shapes({"x": ("n", 1), "A": ("m", "n")})
    {'x': ('n',), 'A': ('m', 'n')}
    """
    return {name: tuple(a for a in shape if a != 1) for name, shape in shapes.items()}


def from_matlab(text: str, shapes: Mapping[str, Shape]) -> str:
    """The text of a formula for one in MATLAB's notation.

    Args:
        text: As "(A + A')*x".
        shapes: The axes of the inputs, of those with two or fewer; others are scalars.

    Raises:
        SpecError: A piece of text, a function or a product that is not understood.

    >>> from_matlab("2*A'*(A*x - b)", {"A": ("m", "n"), "x": ("n",), "b": ("m",)})
    '((2)*((A).T)) @ (((A) @ (x)) - (b))'
    """
    if len(text) > MAX_CHARACTERS:
        raise SpecError(f"matlab: {len(text)} characters; at most {MAX_CHARACTERS} are read.")
    reader = _Reader(text, shapes)
    try:
        found = reader.sum()
    except RecursionError:
        raise SpecError("matlab: the formula is nested too deeply to be read.") from None
    if reader.peek():
        raise reader.error(f"'{reader.peek()}' is left over")
    return found.text


class _Reader:
    """Reads a formula from left to right, by the usual precedence."""

    def __init__(self, text: str, shapes: Mapping[str, Shape]) -> None:
        self._text = text
        self._kinds = {name: _kind(name, shape) for name, shape in shapes.items()}
        self._tokens = self._split(text)
        self._place = 0

    def _split(self, text: str) -> list[str]:
        tokens, place = [], 0
        while text[place:].strip():
            match = _TOKEN.match(text, place)
            if match is None:
                raise self.error(f"{text[place:].strip()[0]!r} is not part of it")
            tokens.append(match[0].strip())
            place = match.end()
        if not tokens:
            raise self.error("it is empty")
        return tokens

    def error(self, what: str) -> SpecError:
        return SpecError(f"matlab formula {self._text!r}: {what}.")

    def peek(self) -> str:
        return self._tokens[self._place] if self._place < len(self._tokens) else ""

    def _take(self, expected: str = "") -> str:
        token = self.peek()
        if not token or (expected and token != expected):
            raise self.error(f"needed {expected or 'more'}, got {token or 'the end'}")
        self._place += 1
        return token

    def sum(self) -> Part:
        value = self._product()
        while self.peek() in ("+", "-"):
            sign, other = self._take(), self._product()
            value = self._entrywise(f"({{0}}) {sign} ({{1}})", value, other)
        return value

    def _product(self) -> Part:
        value = self._signed()
        while self.peek() in ("*", "/", "\\", ".*", "./"):
            token, other = self._take(), self._signed()
            if token == "*":
                value = self._multiplied(value, other)
            elif token == "/":
                if other.kind != "scalar":
                    raise self.error("'/' needs a scalar on its right. Write inv(A) or './'")
                value = Part(f"({value.text})/({other.text})", value.kind)
            elif token == "\\":
                value = self._multiplied(self._inverse(value), other)
            else:
                value = self._entrywise(f"({{0}}) {token[1]} ({{1}})", value, other)
        return value

    def _signed(self) -> Part:
        if self.peek() in ("-", "+"):
            sign, value = self._take(), self._signed()
            return Part(f"{sign}({value.text})", value.kind)
        return self._power()

    def _power(self) -> Part:
        value = self._atom()
        while self.peek() in ("'", ".'", "^", ".^"):
            token = self._take()
            if token.endswith("'"):
                value = _transposed(value)
            else:
                value = self._raised(token, value, self._exponent())
        return value

    def _exponent(self) -> Part:
        if self.peek() in ("-", "+"):
            sign, value = self._take(), self._atom()
            return Part(f"{sign}({value.text})", value.kind)
        return self._atom()

    def _raised(self, token: str, value: Part, exponent: Part) -> Part:
        if exponent.kind != "scalar":
            raise self.error("an exponent must be a scalar")
        if token == ".^" or value.kind == "scalar":
            return Part(f"({value.text})**({exponent.text})", value.kind)
        if value.kind != "matrix":
            raise self.error("'^' is said of a vector. Write '.^' for a power entry by entry")
        if exponent.text.replace(" ", "") in ("-(1)", "-1"):
            return self._inverse(value)
        return Part(f"matrix_power({value.text}, {exponent.text})", "matrix")

    def _inverse(self, value: Part) -> Part:
        if value.kind == "scalar":
            return Part(f"1/({value.text})", "scalar")
        if value.kind != "matrix":
            raise self.error("the inverse of a vector")
        return Part(f"inv({value.text})", "matrix")

    def _multiplied(self, left: Part, right: Part) -> Part:
        if "scalar" in (left.kind, right.kind):
            kind = right.kind if left.kind == "scalar" else left.kind
            return Part(f"({left.text})*({right.text})", kind)
        rule = _PRODUCTS.get((left.kind, right.kind))
        if rule is None:
            raise self.error(f"a {left.kind} times a {right.kind}. Transpose one of them with '")
        return Part(rule[0].format(left.text, right.text), rule[1])

    def _entrywise(self, template: str, left: Part, right: Part) -> Part:
        if left.kind != right.kind and "scalar" not in (left.kind, right.kind):
            raise self.error(f"a {left.kind} and a {right.kind} entry by entry")
        kind = right.kind if left.kind == "scalar" else left.kind
        return Part(template.format(left.text, right.text), kind)

    def _atom(self) -> Part:
        token = self._take()
        if token == "(":
            value = self.sum()
            self._take(")")
            return value
        if token[0].isdigit() or token[0] == ".":
            return Part(token, "scalar")
        if not (token[0].isalpha() or token[0] == "_"):
            raise self.error(f"'{token}' where a name, a number or '(' is needed")
        if self.peek() == "(" and token not in self._kinds:
            return self._call(token)
        return Part(token, self._kinds.get(token, "scalar"))

    def _call(self, name: str) -> Part:
        self._take("(")
        arguments = [self.sum()]
        while self.peek() == ",":
            self._take()
            arguments.append(self.sum())
        self._take(")")
        rule = _CALLS.get(name)
        if rule is None:
            raise self.error(f"unknown function '{name}'. Known: {', '.join(sorted(_CALLS))}")
        if len(arguments) > 1 and name not in ("ones", "eye", "zeros"):
            raise self.error(f"'{name}' takes one argument")
        found = rule(arguments)
        if found is None:
            raise self.error(f"'{name}' of a {arguments[0].kind}")
        return found


def _kind(name: str, shape: Shape) -> str:
    if len(shape) > 2:
        raise SpecError(f"matlab: '{name}' has {len(shape)} axes; at most 2 are matrices.")
    if len(shape) == 2 and shape[0] == 1:
        raise SpecError(f"matlab: '{name}' is a row. Give it as a column, and write {name}'.")
    return ("scalar", "column", "matrix")[len(shape)]


def _transposed(value: Part) -> Part:
    if value.kind == "matrix":
        return Part(f"({value.text}).T", "matrix")
    return Part(value.text, {"column": "row", "row": "column"}.get(value.kind, value.kind))


def _diagonal(arguments: list[Part]) -> Part | None:
    value = arguments[0]
    kind = "column" if value.kind == "matrix" else "matrix"
    return None if value.kind == "scalar" else Part(f"diag({value.text})", kind)


def _filled(name: str) -> Callable[[list[Part]], Part | None]:
    def rule(arguments: list[Part]) -> Part | None:
        sizes = [part.text for part in arguments if part.text != "1"]
        if any(part.kind != "scalar" for part in arguments):
            return None
        is_row = len(arguments) == 2 and arguments[0].text == "1"
        kind = ("scalar", "row" if is_row else "column", "matrix")[len(sizes)]
        return Part(f"{name}({', '.join(sizes)})" if sizes else "1", kind)

    return rule


def _of_matrix(template: str, kind: str) -> Callable[[list[Part]], Part | None]:
    def rule(arguments: list[Part]) -> Part | None:
        value = arguments[0]
        return Part(template.format(value.text), kind) if value.kind == "matrix" else None

    return rule


def _scalar(template: str) -> Callable[[list[Part]], Part | None]:
    return lambda arguments: Part(template.format(arguments[0].text), "scalar")


def _same_kind(name: str) -> Callable[[list[Part]], Part | None]:
    return lambda arguments: Part(f"{name}({arguments[0].text})", arguments[0].kind)


_CALLS: Final[Mapping[str, Callable[[list[Part]], Part | None]]] = {
    **{name: _same_kind(name) for name in (*_ENTRYWISE, "softmax")},
    **{name: _scalar(template) for name, template in _SCALARS.items()},
    "inv": _of_matrix("inv({0})", "matrix"),
    "mdiag": _of_matrix("diag(diag({0}))", "matrix"),
    "diag": _diagonal,
    "eye": lambda arguments: Part(f"eye({arguments[0].text})", "matrix"),
    "ones": _filled("ones"),
    "zeros": _filled("zeros"),
}
