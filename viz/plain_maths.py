"""LaTeX as plain Unicode text: for text-only output and where no maths engine is installed."""

import re
from collections.abc import Iterable
from typing import Final, NamedTuple

GREEK: Final = {
    "alpha": "α",
    "beta": "β",
    "gamma": "γ",
    "delta": "δ",
    "epsilon": "ε",
    "zeta": "ζ",
    "eta": "η",
    "theta": "θ",
    "iota": "ι",
    "kappa": "κ",
    "lambda": "λ",
    "mu": "μ",
    "nu": "ν",
    "xi": "ξ",
    "pi": "π",
    "rho": "ρ",
    "sigma": "σ",
    "tau": "τ",
    "upsilon": "υ",
    "phi": "φ",
    "chi": "χ",
    "psi": "ψ",
    "omega": "ω",
    "Gamma": "Γ",
    "Delta": "Δ",
    "Theta": "Θ",
    "Lambda": "Λ",
    "Xi": "Ξ",
    "Pi": "Π",
    "Sigma": "Σ",
    "Phi": "Φ",
    "Psi": "Ψ",
    "Omega": "Ω",
}
_SYMBOLS: Final = {
    **GREEK,
    "partial": "∂",
    "cdot": "·",
    "times": "×",
    "infty": "∞",
    "sum": "∑",
    "prod": "∏",
    "int": "∫",
    "le": "≤",
    "leq": "≤",
    "ge": "≥",
    "geq": "≥",
    "ne": "≠",
    "neq": "≠",
    "approx": "≈",
    "to": "→",
    "rightarrow": "→",
    "mapsto": "→",
    "ldots": "…",
    "dots": "…",
    "cdots": "…",
    "top": "T",
    "quad": " ",
    "qquad": "  ",
    "lvert": "|",
    "rvert": "|",
    "lVert": "‖",
    "rVert": "‖",
    "odot": "⊙",
    "otimes": "⊗",
    "oslash": "⊘",
    "circ": "∘",
    "nabla": "∇",
    "vert": "|",
    "mid": "|",
    "lfloor": "⌊",
    "rfloor": "⌋",
    "{": "{",
    "}": "}",
    "_": "_",
    "#": "#",
    "%": "%",
    "&": "&",
    "$": "$",
    "|": "‖",
    ",": " ",
    ";": " ",
    ":": " ",
    " ": " ",
    "!": "",
}
# Commands that only change the look of their argument, or that size a bracket.
_SILENT: Final = frozenset(
    {"left", "right", "middle", "big", "Big", "bigl", "bigr", "Bigl", "Bigr", "limits"}
    | {
        "mathbin",
        "operatorname",
        "mathrm",
        "mathit",
        "mathbf",
        "mathbb",
        "mathsf",
        "mathcal",
        "boldsymbol",
    }
    | {"text", "textstyle", "displaystyle"}
)
_TOKEN: Final = re.compile(
    r"\\begin\{\w+\*?\}|\\end\{\w+\*?\}|\\\\|\\[A-Za-z]+|\\.|[{}^_&]|\d+|\s+|.", re.DOTALL
)
_FENCES: Final = {"bmatrix": "[]", "pmatrix": "()", "vmatrix": "||", "cases": "{}"}
_SUBSCRIPTS: Final = str.maketrans(
    "0123456789+-−=()aehijklmnoprstuvx", "₀₁₂₃₄₅₆₇₈₉₊₋₋₌₍₎ₐₑₕᵢⱼₖₗₘₙₒₚᵣₛₜᵤᵥₓ"
)
_SUPERSCRIPTS: Final = str.maketrans("0123456789+-−=()inT", "⁰¹²³⁴⁵⁶⁷⁸⁹⁺⁻⁻⁼⁽⁾ⁱⁿᵀ")
_DEEPEST: Final = 40


class Segment(NamedTuple):
    """A run of characters at one level: 0 on the line, 1 raised, -1 lowered."""

    text: str
    level: int


def segments(latex: str) -> tuple[Segment, ...]:
    """The formula as runs of plain characters on, above and below the line.

    Args:
        latex: The part of LaTeX that this library writes; unknown commands show their name.

    >>> segments("-1/q^{2}")
    (Segment(text='−1/q', level=0), Segment(text='2', level=1))
    """
    if _depth(latex) > _DEEPEST:
        return (Segment(latex, 0),)
    return _merged(_Reader(latex).sequence(frozenset()))


def plain_text(latex: str) -> str:
    r"""The formula on one line, with Unicode's raised and lowered characters where they exist.

    Args:
        latex: The part of LaTeX that this library writes.

    >>> plain_text(r"\partial f/\partial w_{0} = e^{g}")
    '∂f/∂w₀ = e^g'
    """
    if _depth(latex) > _DEEPEST:
        return latex
    return _joined(_merged(_Reader(latex, in_one_line=True).sequence(frozenset())))


def _joined(runs: Iterable[Segment]) -> str:
    """The runs on one line, with room after an index that has no character of its own."""
    text = ""
    for run in runs:
        part = _level_text(run)
        is_index = bool(text) and text[-2:-1] in ("_", "^")
        text += f" {part}" if is_index and part[:1].isalnum() else part
    return text


def _level_text(segment: Segment) -> str:
    """A run on one line: raised or lowered characters, or a sign and brackets."""
    if segment.level == 0:
        return segment.text
    table = _SUPERSCRIPTS if segment.level > 0 else _SUBSCRIPTS
    if all(ord(character) in table for character in segment.text):
        return segment.text.translate(table)
    sign = "^" if segment.level > 0 else "_"
    return sign + (segment.text if len(segment.text) == 1 else f"({segment.text})")


def _depth(latex: str) -> int:
    """Greatest number of open braces."""
    deepest = depth = 0
    for character in latex:
        depth += (character == "{") - (character == "}")
        deepest = max(deepest, depth)
    return deepest


def _merged(runs: list[Segment]) -> tuple[Segment, ...]:
    """The runs with neighbours of one level joined."""
    joined: list[Segment] = []
    for run in runs:
        if joined and joined[-1].level == run.level:
            joined[-1] = Segment(joined[-1].text + run.text, run.level)
        elif run.text:
            joined.append(run)
    return tuple(joined)


def _bracketed(runs: list[Segment]) -> list[Segment]:
    """The runs, in brackets where they hold more than one name or number."""
    text = "".join(run.text for run in runs)
    if re.fullmatch(r"\d+|\w?|√.", text):
        return runs
    return [Segment("(", 0), *runs, Segment(")", 0)]


class _Reader:
    """Reads tokens of LaTeX from left to right; its depth is bounded by the caller."""

    def __init__(self, latex: str, in_one_line: bool = False) -> None:
        self._tokens = [token for token in _TOKEN.findall(latex) if not token.isspace()]
        self._next = 0
        self._in_one_line = in_one_line

    def sequence(self, stops: frozenset[str]) -> list[Segment]:
        """Runs up to, and without, one of the stops, which is consumed."""
        runs: list[Segment] = []
        while self._next < len(self._tokens):
            token = self._take()
            if token in stops:
                break
            runs.extend(self._piece(token, runs))
        return runs

    def _take(self) -> str:
        token = self._tokens[self._next] if self._next < len(self._tokens) else ""
        self._next += 1
        return token

    def _argument(self) -> list[Segment]:
        token = self._take()
        return self.sequence(frozenset("}")) if token == "{" else self._piece(token, [])

    def _split_digits(self) -> None:
        """Makes single digits of the next number, which are arguments of their own."""
        following = self._tokens[self._next : self._next + 1]
        if following and following[0].isdigit():
            self._tokens[self._next : self._next + 1] = list(following[0])

    def _piece(self, token: str, before: list[Segment]) -> list[Segment]:
        """Runs that one token, with its arguments, stands for."""
        if token == "{":
            return self.sequence(frozenset("}"))
        if token in ("^", "_"):
            level = 1 if token == "^" else -1
            runs = _merged(self._argument())
            inner = _joined(runs) if self._in_one_line else "".join(run.text for run in runs)
            return [Segment(inner.strip(), level)]
        if token in (r"\frac", r"\dfrac", r"\tfrac"):
            self._split_digits()
            top, bottom = _bracketed(self._argument()), _bracketed(self._argument())
            return [*top, Segment("/", 0), *bottom]
        if token == r"\sqrt":
            return [Segment("√", 0), *_bracketed(self._argument())]
        if token.startswith(r"\begin"):
            return self._environment(token)
        return [Segment(self._word(token, before), 0)]

    def _environment(self, token: str) -> list[Segment]:
        name = token.removeprefix(r"\begin").strip("{}*")
        fence = _FENCES.get(name, "  ")
        inner = self.sequence(frozenset({rf"\end{{{name}}}"}))
        return [Segment(fence[0].strip(), 0), *inner, Segment(fence[1].strip(), 0)]

    def _word(self, token: str, before: list[Segment]) -> str:
        """Text of a token that takes no argument."""
        if token in {"&", r"\\"}:
            return ", " if token == "&" else "; "
        if token in {"=", "+", "-", "<", ">"}:
            return self._operator(token, before)
        if not token.startswith("\\"):
            return token
        name = token[1:]
        if name in _SILENT:
            return ""
        if name in _SYMBOLS:
            return _SYMBOLS[name]
        following = self._tokens[self._next : self._next + 1]
        return name + (" " if following and following[0].isalnum() else "")

    def _operator(self, token: str, before: list[Segment]) -> str:
        """A sign with room around it, where it stands between two operands."""
        sign = "−" if token == "-" else token
        last = before[-1] if before else Segment("", 0)
        leads = not last.text or (last.level == 0 and last.text.rstrip()[-1:] in "([{,;=+−·×/<>")
        return sign if leads and token in "+-" else f" {sign} "
