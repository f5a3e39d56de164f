r"""LaTeX's notation, in the common forms of textbooks, turned into the text of formulas.

Letters are names, juxtaposed ones are multiplied, by their kinds: A x is a product of matrices.
Functions act entry by entry on vectors. What may be read in two ways is refused, with what to
write instead. Nothing is expanded or run; macros of one's own are unknown.
"""

from __future__ import annotations

from collections.abc import Mapping

from circuitgrad.claims.latex_names import NameReader, is_letter, plain_name
from circuitgrad.claims.latex_tokens import (
    ACCENTS,
    BARS,
    FUNCTIONS,
    GREEK,
    OPERATORS,
    STYLES,
    error,
    refuse_differentials,
)
from circuitgrad.claims.parts import Builder, Notation, Part, transposed
from circuitgrad.grammar import nearest
from circuitgrad.spec import Shape

__all__ = ["from_latex", "plain_name"]

_NOTATION = Notation(
    r"^\top",
    r"x^{\odot 2}",
    r"a quotient by a vector or matrix. Write A^{-1}, or \oslash for entry by entry",
)
_MATRIX_FUNCTIONS = ("exp", "log", "sqrt", "sin", "cos", "sinh", "cosh")
_CLOSING = {"(": ")", "[": "]", "{": "}", r"\langle": r"\rangle"}


def from_latex(text: str, shapes: Mapping[str, Shape]) -> str:
    r"""The text of a formula for one in LaTeX.

    Args:
        text: As r"\frac{1}{2} x^\top A x"; a run of letters is a product.
        shapes: The axes of the inputs, of those with two or fewer; others are scalars.

    Raises:
        SpecError: A piece of text that is not read, or that may be read in two ways.

    >>> from_latex(r"A^\top (A x - b)", {"A": ("m", "n"), "x": ("n",), "b": ("m",)})
    '((A).T) @ ((A) @ (x) - (b))'
    >>> from_latex(r"\sigma(w x) e^{-\theta}", {})
    '(sigmoid((w)*(x)))*(exp(-(theta)))'
    """
    reader = _Reader(text, shapes)
    try:
        found = reader.sum()
    except RecursionError:
        raise error(text, "it is nested too deeply to be read") from None
    if reader.peek():
        raise reader.error(f"'{reader.peek()}' is left over")
    return found.text


class _Reader(NameReader):
    """Reads a formula from left to right: sums, dotted products, juxtaposed products, factors."""

    def __init__(self, text: str, shapes: Mapping[str, Shape]) -> None:
        self._text = text
        super().__init__(text, shapes)
        self._build = Builder(self.error, _NOTATION)
        self._open_bars: list[str] = []

    # --- sums and products -----------------------------------------------------------------------

    def sum(self) -> Part:
        value = self._signed()
        while self.peek() in ("+", "-"):
            sign, other = self.take(), self._product()
            value = self._added(sign, value, other)
        return value

    def _added(self, sign: str, value: Part, other: Part) -> Part:
        if value.kind != other.kind:
            raise self.error(
                f"a {value.kind} {sign} a {other.kind}. Write the multiple of \\mathbf{{1}}_n or "
                "I_n that is meant"
            )
        return self._build.entrywise(sign, value, other)

    def _signed(self) -> Part:
        if self.peek() in ("-", "+"):
            sign, value = self.take(), self._product()
            return Part(f"{sign}({value.text})", value.kind)
        return self._product()

    def _product(self) -> Part:
        value = self._juxtaposed()
        while self.peek() in OPERATORS:
            token = self.take()
            if token == "/":
                value = self._build.divided(value, self._divisor())
            else:
                value = self._dotted(token, value, self._juxtaposed())
        return value

    def _divisor(self) -> Part:
        """What stands after '/': one factor, because 1/2x may mean two things."""
        value = self._factor()
        if self._starts_factor():
            raise self.error("'/' before a product may mean two things. Write \\frac{…}{…}")
        return value

    def _dotted(self, token: str, left: Part, right: Part) -> Part:
        kinds = (left.kind, right.kind)
        if token in (r"\odot", r"\oslash"):
            if left.kind != right.kind:
                raise self.error(f"'{token}' between a {left.kind} and a {right.kind}")
            return self._build.entrywise("*" if token == r"\odot" else "/", left, right)
        if token == r"\cdot" and kinds == ("column", "column"):
            return self._build.multiplied(transposed(left), right)
        if token in (r"\times", "*") and "scalar" not in kinds and "matrix" not in kinds:
            raise self.error(rf"'{token}' of vectors. Write x^\top y, \odot, or x y^\top")
        return self._build.multiplied(left, right)

    def _juxtaposed(self) -> Part:
        value = self._factor()
        while self._starts_factor():
            if self.peek()[0].isdigit() or self.peek()[0] == ".":
                raise self.error(f"the number '{self.peek()}' after a factor. Write it in front")
            value = self._build.multiplied(value, self._factor())
        return value

    def _starts_factor(self) -> bool:
        token = self.peek()
        if token in BARS:
            return not self._open_bars or self._open_bars[-1] != token
        ends = (*OPERATORS, *"+-)]},^_", "", r"\rangle")
        return token not in ends and not token.startswith("right")

    # --- factors and powers ----------------------------------------------------------------------

    def _factor(self) -> Part:
        value = self._atom()
        while self.peek() == "^":
            self.take()
            value = self._power(value)
        if self.peek() == "_":
            raise self.error("a subscript belongs to a name. Write it there")
        return value

    def _power(self, value: Part) -> Part:
        braced = self.peek() == "{"
        inner = self.peek(1) if braced else self.peek()
        ends = self.peek(2) == "}" or not braced
        if (inner == r"\top" and ends) or (inner == "T" and ends and value.kind != "scalar"):
            self.skip(3 if braced else 1)
            return transposed(value)
        if inner == "T" and ends:
            raise self.error(r"'^T' of a scalar. Write ^\top, or call the exponent otherwise")
        if braced and inner == "-" and self.peek(2) in (r"\top", "T") and value.kind == "matrix":
            self.skip(4)
            return transposed(self._build.inverse(value))
        if braced and inner == r"\odot":
            self.skip(2)
            exponent = self._signed()
            self.take("}")
            return self._build.raised(value, exponent, is_entrywise=True)
        return self._raised(value, self._exponent())

    def _raised(self, value: Part, exponent: Part) -> Part:
        if value == Part("e", "scalar") and "e" not in self.kinds:
            return self._function_of("exp", exponent)
        return self._build.raised(value, exponent)

    def _exponent(self) -> Part:
        if self.peek() == "{":
            return self._group()
        return self._single("^")

    def _single(self, sign: str) -> Part:
        """One token, which is all that stands without braces."""
        token = self.peek()
        if token[:1].isdigit() and len(token) > 1:
            raise self.error(f"'{sign}{token}' is '{sign}{token[0]}' in LaTeX. Write {{{token}}}")
        return self._atom()

    def _group(self) -> Part:
        self.take("{")
        value = self.sum()
        self.take("}")
        return value

    # --- atoms -----------------------------------------------------------------------------------

    def _atom(self) -> Part:
        token = self.peek()
        if token in ("(", "[", "{"):
            self.take()
            value = self.sum()
            self.take(_CLOSING[token])
            return value
        if token[:1].isdigit() or token[:1] == ".":
            return Part(self.take(), "scalar")
        if token.removeprefix("left") in BARS:
            return self._barred(token)
        if token == r"\langle":
            return self._inner_product()
        if token == r"\frac":
            self.take()
            return self._fraction()
        if token == r"\sqrt":
            self.take()
            return self._root()
        return self._word(token)

    def _word(self, token: str) -> Part:
        name = self._function_name()
        if name:
            return self._call(name)
        if is_letter(token) or token in STYLES or token in ACCENTS:
            return self._named()
        if token.startswith("\\"):
            known = (*(f"\\{f}" for f in FUNCTIONS), *(f"\\{g}" for g in GREEK))
            raise self.error(f"'{token}' is not known.{nearest(token, known)}".rstrip("."))
        raise self.error(f"'{token or 'the end'}' where a name, a number or '(' is needed")

    def _fraction(self) -> Part:
        above = self._argument()
        below = self._argument()
        refuse_differentials(self, above.text, below.text)
        return self._build.divided(above, below)

    def _argument(self) -> Part:
        """What a macro takes: a group, or one token; of a number one digit."""
        if self.peek() == "{":
            return self._group()
        token = self.peek()
        if token[:1].isdigit() and len(token) > 1:
            if not token.isdigit():
                raise self.error(f"'{token}' without braces. Write {{{token}}}")
            self.split_digit()
        return self._atom()

    def _root(self) -> Part:
        order = None
        if self.peek() == "[":
            self.take()
            order = self.sum()
            self.take("]")
        value = self._argument()
        if order is None:
            return self._function_of("sqrt", value)
        return self._build.raised(value, Part(f"1/({order.text})", "scalar"))

    def _barred(self, bar: str) -> Part:
        self.take(bar)
        self._open_bars.append(bar)
        value = self.sum()
        self._open_bars.pop()
        self.take(bar.replace("left", "right"))
        if bar.endswith(r"\|"):
            return self._norm(value)
        if value.kind != "scalar":
            raise self.error(rf"'|…|' of a {value.kind}. Write \|x\|, \det(A) or \abs(x)")
        return self._build.called("abs", [value])

    def _norm(self, value: Part) -> Part:
        power = None
        if self.peek() == "^" and self.peek(2) == "_":
            self.take()
            power = self._exponent()
        which = self.subscript() if self.peek() == "_" else ""
        rule = _NORMS.get((value.kind == "matrix", which))
        if rule is None:
            raise self.error(
                f"the norm '{which or 'without a subscript'}' of a {value.kind}. Write \\|x\\|, "
                "\\|x\\|_1 or \\|x\\|_2 of a vector, \\|X\\|_F of a matrix"
            )
        found = Part(rule.format(value.text), "scalar")
        return found if power is None else self._build.raised(found, power)

    def _inner_product(self) -> Part:
        self.take(r"\langle")
        left = self.sum()
        self.take(",")
        right = self.sum()
        self.take(r"\rangle")
        if left.kind == right.kind == "matrix":
            return Part(f"sum(({left.text}) * ({right.text}))", "scalar")
        return self._build.multiplied(transposed(left), right)

    def _named(self) -> Part:
        """A name, ones or the identity; their size is told, or the only one there is."""
        name, size = self.name()
        if name not in ("1", "I") or name in self.kinds:
            return Part(name, self.kinds.get(name, "scalar"))
        function = "ones" if name == "1" else "eye"
        if not size and len(self.axes) == 1:
            size = self.axes[0]
        if not size:
            example = r"\mathbf{1}_n" if function == "ones" else "I_n"
            raise self.error(f"the size of '{function}' is unknown. Write {example}")
        return self._build.called(function, [Part(size, "scalar")])

    # --- functions -------------------------------------------------------------------------------

    def _function_name(self) -> str:
        """The function that the next tokens name, which are taken; "" where they name none."""
        token = self.peek()
        if token in (r"\operatorname", r"\mathrm") and self.peek(1) == "{":
            word, count = "", 2
            while is_letter(self.peek(count)) and len(self.peek(count)) == 1:
                word, count = word + self.peek(count), count + 1
            is_known = word in FUNCTIONS and (len(word) > 1 or token == r"\operatorname")
            if is_known and self.peek(count) == "}":
                self.skip(count + 1)
                return word
            if token == r"\operatorname":
                raise self.error(
                    f"'\\operatorname{{{word}}}' is not known.{nearest(word, FUNCTIONS)}".rstrip(
                        "."
                    )
                )
            return ""
        if token == r"\sigma" and self.peek(1) == "(" and "sigma" not in self.kinds:
            self.take()
            return "sigmoid"
        if token.startswith("\\") and token[1:] in FUNCTIONS:
            self.take()
            return token[1:]
        return ""

    def _call(self, word: str) -> Part:
        name, power = FUNCTIONS[word], None
        if self.peek() == "_" and name == "log":
            base = self.subscript()
            if base not in ("2", "10", "e"):
                raise self.error(f"a logarithm to the base '{base}'. Write \\frac{{\\log x}}{{…}}")
            name = "log" if base == "e" else f"log{base}"
        if self.peek() == "^":
            self.take()
            power = self._exponent()
            if power.text.replace(" ", "") in ("-(1)", "-1"):
                raise self.error(
                    f"'\\{word}^{{-1}}' may mean two things. Write \\arc{word} or \\frac{{1}}{{…}}"
                )
        arguments = self._arguments(word)
        if len(arguments) == 2 and name in ("max", "min"):
            value = self._extreme(name, *arguments)
        elif len(arguments) == 1:
            value = self._function_of(name, arguments[0])
        else:
            raise self.error(f"'{word}' of {len(arguments)} arguments")
        return value if power is None else self._build.raised(value, power, is_entrywise=True)

    def _extreme(self, name: str, first: Part, second: Part) -> Part:
        if first.kind != second.kind and "scalar" not in (first.kind, second.kind):
            raise self.error(f"'{name}' of a {first.kind} and a {second.kind}")
        kind = second.kind if first.kind == "scalar" else first.kind
        return Part(f"{name}imum({first.text}, {second.text})", kind)

    def _arguments(self, word: str) -> list[Part]:
        """Arguments in brackets, or numbers and one factor; more would be ambiguous."""
        if self.peek() in ("(", "[", "{"):
            closing = _CLOSING[self.take()]
            found = [self.sum()]
            while self.peek() == ",":
                self.take()
                found.append(self.sum())
            self.take(closing)
            return found
        value = self._factor()
        if value.text.replace(".", "").isdigit() and self._starts_factor():
            value = self._build.multiplied(value, self._factor())
        if self._starts_factor() and not self._is_function():
            raise self.error(f"where the argument of '\\{word}' ends. Write \\{word}(…)")
        return [value]

    def _is_function(self) -> bool:
        place = self._place
        found = self._function_name()
        self._place = place
        return bool(found)

    def _function_of(self, name: str, value: Part) -> Part:
        if value.kind == "matrix" and name in _MATRIX_FUNCTIONS:
            raise self.error(
                f"'{name}' of a matrix may be meant entry by entry or as a matrix function, and "
                "is not read"
            )
        if value.kind == "scalar" and name not in ("trace", "det", "diag", "logdet"):
            return Part(f"{name}({value.text})", "scalar")
        return self._build.called(name, [value])


_NORMS: Mapping[tuple[bool, str], str] = {
    (False, ""): "norm({0})",
    (False, "2"): "norm({0})",
    (False, "1"): "sum(abs({0}))",
    (True, "F"): "norm({0})",
}
