"""Names in LaTeX: letters with style, accent and subscript, as names of inputs."""

from __future__ import annotations

import keyword
from collections.abc import Mapping

from circuitgrad.claims.latex_tokens import ACCENTS, GREEK, REFUSED, STYLES, Cursor, tokens_of
from circuitgrad.claims.parts import kinds_of
from circuitgrad.spec import Shape


def safe(name: str) -> str:
    """A name that formulas can have: lambda becomes lambda_.

    >>> safe("lambda"), safe("mu")
    ('lambda_', 'mu')
    """
    return f"{name}_" if keyword.iskeyword(name) else name


def is_letter(token: str) -> bool:
    """Whether a token is a letter, Latin or Greek."""
    return (len(token) == 1 and token.isalpha()) or (token[1:] in GREEK and token[0] == "\\")


def plain_name(name: str) -> str:
    r"""The name of an input as formulas have it.

    >>> plain_name(r"\theta"), plain_name(r"\mathbf{w}_{12}"), plain_name("x")
    ('theta', 'w_12', 'x')
    """
    if "\\" not in name and "{" not in name:
        return safe(name)
    words = []
    for token in tokens_of(name):
        if token in "{}" or token in STYLES:
            continue
        words.append(token[1:] if token.startswith("\\") and token not in ACCENTS else token)
    accents = [word[1:].removeprefix("wide") for word in words if word in ACCENTS]
    plain = "".join(word for word in words if word not in ACCENTS)
    base, _, subscript = plain.partition("_")
    parts = [base, *accents, *([subscript] if subscript else [])]
    return safe("_".join(parts))


class NameReader(Cursor):
    """Reads names.

    Attributes:
        kinds: The kind of every input with a shape, by its name in formulas.
        axes: The names of the axes.
    """

    def __init__(self, text: str, shapes: Mapping[str, Shape]) -> None:
        super().__init__(text)
        self.kinds = kinds_of({plain_name(n): s for n, s in shapes.items()}, "latex", r"^\top")
        self.axes = sorted({axis for s in shapes.values() for axis in s if isinstance(axis, str)})
        self._styles: dict[str, str] = {}

    def name(self) -> tuple[str, str]:
        """The name that comes; of ones "1" and of the identity "I", with their size."""
        style, base = self._styled()
        subscript = self.subscript() if self.peek() == "_" else ""
        if base == "1" or (base == "I" and not {"I", f"I_{subscript}"} & set(self.kinds)):
            return base, subscript
        name = safe(f"{base}_{subscript}" if subscript else base)
        if subscript and name not in self.kinds and self.kinds.get(base, "scalar") != "scalar":
            raise self.error(
                f"'{name}' looks like an entry of {base}. Entries are not read; write the formula "
                f"with {base} as a whole, or give '{name}' a shape of its own"
            )
        if self._styles.setdefault(name, style) != style:
            raise self.error(
                f"'{name}' is written in two styles, and both would be one input. Write it in one "
                "style, or give one of them a subscript"
            )
        return name, ""

    def _styled(self) -> tuple[str, str]:
        """The style of a name, and the name."""
        token = self.take()
        if token not in STYLES and token not in ACCENTS:
            return "", token.lstrip("\\")
        if token == r"\mathbb" and self.peek() in ("{", "1") and "1" in (self.peek(), self.peek(1)):
            token = r"\mathbf"
        if token == r"\mathbb":
            raise self.error(f"'{token}' is not read. {REFUSED[token]}")
        inner = self._braced_name()
        if token in ACCENTS:
            return "", f"{inner}_{token[1:].removeprefix('wide')}"
        return token, inner

    def _braced_name(self) -> str:
        """The letters and digits in braces, or the one token without."""
        if self.peek() != "{":
            return self.take().lstrip("\\")
        word, depth = "", 0
        while True:
            token = self.take()
            depth += (token == "{") - (token == "}")
            if depth == 0:
                return word
            if token in STYLES or token in "{}":
                continue
            if not (is_letter(token) or token.isdigit()):
                raise self.error(f"'{token}' in a name")
            word += token.lstrip("\\")

    def subscript(self) -> str:
        """The letters and digits of the subscript that comes."""
        self.take("_")
        token = self.peek()
        if token[:1].isdigit() and len(token) > 1:
            raise self.error(f"'_{token}' is '_{token[0]}' in LaTeX. Write _{{{token}}}")
        if token != "{" and token != r"\infty" and not (is_letter(token) or token.isdigit()):
            raise self.error(f"the subscript '{token}'. Write letters and digits, as x_{{12}}")
        return self._braced_name()
