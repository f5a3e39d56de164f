"""MATLAB's notation, as matrixcalculus.org uses it, turned into the text of formulas.

Vectors are columns with one axis, x' is a row. `*` is the matrix product, `.*` and `./` work entry
by entry. What becomes of a product depends on what stands on its sides, so every part has a kind.
"""

from __future__ import annotations

import re
from collections.abc import Mapping

from circuitgrad.claims.parts import Builder, Notation, Part, kinds_of, transposed
from circuitgrad.errors import SpecError
from circuitgrad.spec import Shape

_TOKEN = re.compile(
    # A point before an operator belongs to the operator: 1./A is 1 ./ A.
    r"\s*(?:(\d+(?:\.(?![*/^'])\d*)?(?:[eE][+-]?\d+)?|\.\d+(?:[eE][+-]?\d+)?)|([^\W\d]\w*)"
    r"|(\.\*|\./|\.\^|\.'|[-+*/\\^'(),]))"
)
MAX_CHARACTERS = 20_000


_NOTATION = Notation("'", "'.^'", "'/' needs a scalar on its right. Write inv(A) or './'")


def from_matlab(text: str, shapes: Mapping[str, Shape]) -> str:
    """The text of a formula for one in MATLAB's notation.

    Args:
        text: As "(A + A')*x".
        shapes: The axes of the inputs, of those with two or fewer; others are scalars.

    Raises:
        SpecError: A piece of text, a function or a product that is not understood.

    >>> from_matlab("2*A'*(A*x - b)", {"A": ("m", "n"), "x": ("n",), "b": ("m",)})
    '((2)*((A).T)) @ ((A) @ (x) - (b))'
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
        self._kinds = kinds_of(shapes, "matlab", "'")
        self._build = Builder(self.error, _NOTATION)
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
            value = self._build.entrywise(sign, value, other)
        return value

    def _product(self) -> Part:
        value = self._signed()
        while self.peek() in ("*", "/", "\\", ".*", "./"):
            token, other = self._take(), self._signed()
            if token == "*":
                value = self._build.multiplied(value, other)
            elif token == "/":
                value = self._build.divided(value, other)
            elif token == "\\":
                value = self._build.multiplied(self._build.inverse(value), other)
            else:
                value = self._build.entrywise(token[1], value, other)
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
                value = transposed(value)
            else:
                value = self._build.raised(value, self._exponent(), token == ".^")
        return value

    def _exponent(self) -> Part:
        if self.peek() in ("-", "+"):
            sign, value = self._take(), self._atom()
            return Part(f"{sign}({value.text})", value.kind)
        return self._atom()

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
        return self._build.called(name, arguments)
