r"""LaTeX text cut into tokens, and its words: functions, letters, and what is not read.

A run of letters is a product of letters, as in LaTeX; a name of several letters is \mathrm{name}.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Final

from circuitgrad.errors import SpecError

MAX_CHARACTERS = 20_000
_TOKEN = re.compile(r"\\[A-Za-z]+|\\.|\d+(?:\.\d+)?|\.\d+|\S", re.DOTALL)
_SPACES: Final = frozenset(
    [r"\,", r"\;", r"\:", r"\!", "\\ ", "\\\n", "~", r"\quad", r"\qquad", r"\displaystyle"]
)
_SIZES: Final = frozenset(
    "\\" + size + side for size in ("big", "Big", "bigg", "Bigg") for side in ("", "l", "r", "m")
) | {r"\left", r"\right", r"\middle", r"\limits"}
_SAME: Final[Mapping[str, str]] = {
    r"\{": "(", r"\}": ")", r"\lbrack": "[", r"\rbrack": "]",
    r"\dfrac": r"\frac", r"\tfrac": r"\frac", r"\cfrac": r"\frac",
    r"\Vert": r"\|", r"\vert": "|",
    r"\intercal": r"\top", r"\ast": "*", r"\circ": r"\odot", r"\operatorname*": r"\operatorname",
    r"\bm": r"\mathbf", r"\boldsymbol": r"\mathbf", r"\bf": r"\mathbf", r"\mathsf": r"\mathrm",
    r"\text": r"\mathrm", r"\textrm": r"\mathrm", r"\mathit": r"\mathrm", "−": "-", "·": r"\cdot",
}  # fmt: skip

GREEK: Final = frozenset(
    [
        "alpha", "beta", "gamma", "delta", "epsilon", "varepsilon", "zeta", "eta", "theta",
        "vartheta", "iota", "kappa", "lambda", "mu", "nu", "xi", "pi", "rho", "varrho", "sigma",
        "tau", "upsilon", "phi", "varphi", "chi", "psi", "omega", "Gamma", "Delta", "Theta",
        "Lambda", "Xi", "Pi", "Sigma", "Upsilon", "Phi", "Psi", "Omega", "ell",
    ]
)  # fmt: skip
STYLES: Final = frozenset([r"\mathbf", r"\mathrm", r"\mathcal", r"\vec", r"\mathbb"])
ACCENTS: Final = frozenset(
    [r"\hat", r"\bar", r"\tilde", r"\dot", r"\check", r"\widehat", r"\widetilde"]
)
FUNCTIONS: Final[Mapping[str, str]] = {
    **{
        name: name
        for name in (
            "exp", "log", "sin", "cos", "tan", "sinh", "cosh", "tanh", "det", "max", "min", "cot",
            "sec", "csc", "coth", "softmax", "sigmoid", "erf", "erfc", "diag", "softplus", "relu",
            "logsumexp", "sign", "abs", "logdet", "swish", "sum", "mean", "norm",
        )
    },
    "ln": "log", "arcsin": "asin", "arccos": "acos", "arctan": "atan", "arsinh": "asinh",
    "arcosh": "acosh", "artanh": "atanh", "arcsinh": "asinh", "arccosh": "acosh",
    "arctanh": "atanh", "tr": "trace", "Tr": "trace", "trace": "trace", "sgn": "sign",
    "ReLU": "relu", "Diag": "diag", "lse": "logsumexp", "LSE": "logsumexp",
    "logsigmoid": "log_sigmoid",
}  # fmt: skip
# Bars that say whether they open or close.
_SIDED: Final[Mapping[str, str]] = {
    r"\lVert": "left\\|", r"\rVert": "right\\|", r"\lvert": "left|", r"\rvert": "right|",
}  # fmt: skip
BARS: Final = ("|", r"\|")
OPERATORS: Final = (r"\cdot", r"\times", "*", r"\odot", r"\oslash", "/")

REFUSED: Final[Mapping[str, str]] = {
    r"\sum": "Write sums with matrix products or \\mathbf{1}_n^\\top x, not with indices",
    r"\prod": "Products over indices are not read. Write the factors",
    r"\int": "Integrals are not read",
    r"\lim": "Limits are not read",
    r"\begin": "Matrices are inputs with a shape, as A=\"m n\". Name it, and give its shape",
    r"\partial": "Write the function alone; what is derived is said by wrt=",
    r"\nabla": "Write the function alone; what is derived is said by wrt=",
    r"\otimes": "Write x y^\\top for an outer product; Kronecker products are not read",
    r"\oplus": "Write '+'",
    r"\pm": "Write one sign",
    r"\infty": "Infinity is no number of a formula",
    r"\ldots": "Write all terms", r"\dots": "Write all terms", r"\cdots": "Write all terms",
    r"\mathbb": "Expectations and sets are not read",
    r"\left.": "Brackets stand in pairs",
    r"\\": "Write one line",
    r"\le": "Write one side at a time", r"\ge": "Write one side at a time",
    "=": "Write one side at a time: the function and the claim",
    "&": "Write one line, without '&'",
    "'": "Write ^\\top for a transpose; derivatives are not read",
    r"\prime": "Write ^\\top for a transpose; derivatives are not read",
    "!": "Factorials are not read",
    "%": "Write the formula without comments",
    "#": "Macros with arguments are not read",
}  # fmt: skip


def error(text: str, what: str) -> SpecError:
    """The error that says what is wrong with a formula."""
    shown = text if len(text) <= 80 else text[:77] + "…"
    return SpecError(f"latex formula {shown!r}: {what}.")


def _side(size: str) -> str:
    """Whether a size of brackets is for one that opens or one that closes."""
    if size == r"\left" or size.endswith("gl"):
        return "left"
    return "right" if size == r"\right" or size.endswith("gr") else ""


def tokens_of(text: str) -> list[str]:
    r"""The tokens of a formula without spaces, sizes of brackets, and the dollars around it.

    Raises:
        SpecError: Nothing in it, too long, or a piece that is not read.

    >>> tokens_of(r"$\left( 2\,x \right)$")
    ['(', '2', 'x', ')']
    """
    if len(text) > MAX_CHARACTERS:
        raise error(text, f"{len(text)} characters; at most {MAX_CHARACTERS} are read")
    plain = text.strip()
    for start, end in (("$$", "$$"), ("$", "$"), (r"\(", r"\)"), (r"\[", r"\]")):
        if plain.startswith(start) and plain.endswith(end) and len(plain) > len(start):
            plain = plain[len(start) : -len(end)]
            break
    found = []
    side = ""
    for token in _TOKEN.findall(plain):
        if token in _SPACES or token in _SIZES:
            side = _side(token) or side
            continue
        if token in REFUSED and token != r"\mathbb":
            raise error(text, f"'{token}' is not read. {REFUSED[token]}")
        token = _SAME.get(token, token)
        found.append(_SIDED.get(token) or (side + token if token in BARS else token))
        side = ""
    if not found:
        raise error(text, "it is empty")
    return found


class Cursor:
    """The tokens of a formula, taken from left to right."""

    def __init__(self, text: str) -> None:
        self._text = text
        self._tokens = tokens_of(text)
        self._place = 0

    def error(self, what: str) -> SpecError:
        """The error that says what is wrong with the formula."""
        return error(self._text, what)

    def peek(self, ahead: int = 0) -> str:
        """A token that comes, "" after the last."""
        place = self._place + ahead
        return self._tokens[place] if place < len(self._tokens) else ""

    def take(self, expected: str = "") -> str:
        """The next token, which must be the one expected."""
        token = self.peek()
        if not token or (expected and token != expected):
            raise self.error(f"needed '{expected or 'more'}', got '{token or 'the end'}'")
        self._place += 1
        return token

    def skip(self, count: int) -> None:
        """Take so many tokens."""
        for _ in range(count):
            self.take()

    def split_digit(self) -> None:
        """Make the first digit of the number that comes a token of its own, as TeX does."""
        token = self.peek()
        self._tokens[self._place : self._place + 1] = [token[0], token[1:]]


_DIFFERENTIAL: Final = re.compile(r"[( ]*d[) ]*(\*|$)")


def refuse_differentials(reader: Cursor, above: str, below: str) -> None:
    r"""Nothing, or SpecError for a fraction as \frac{df}{dx}, which is no quotient."""
    if _DIFFERENTIAL.match(above) and _DIFFERENTIAL.match(below):
        raise reader.error(f"a fraction of differentials. {REFUSED[chr(92) + 'partial']}")
