"""Text and formulas as every LaTeX engine reads them."""

from typing import Final

from circuitgrad.viz.escaping import visible
from circuitgrad.viz.plain_maths import GREEK

_ESCAPED: Final = {character: f"\\{character}" for character in "&%$#_{}"} | {
    "\\": r"\textbackslash{}",
    "^": r"\textasciicircum{}",
    "~": r"\textasciitilde{}",
    "<": r"\textless{}",
    ">": r"\textgreater{}",
    "|": r"\textbar{}",
    '"': r"\textquotedbl{}",
    "…": r"\ldots{}",
    "–": "--",
    "—": "---",
    "“": "``",
    "”": "''",
}
# Signs that stand in the mathematics of LaTeX.
_SIGNS: Final = {letter: f"\\{name}" for name, letter in GREEK.items()} | {
    "−": "-",
    "×": r"\times",
    "÷": r"\div",
    "·": r"\cdot",
    "∂": r"\partial",
    "∇": r"\nabla",
    "∞": r"\infty",
    "≤": r"\le",
    "≥": r"\ge",
    "≠": r"\ne",
    "≈": r"\approx",
    "√": r"\surd",
    "∑": r"\sum",
    "∏": r"\prod",
    "⊙": r"\odot",
    "⊗": r"\otimes",
    "‖": r"\|",
    "→": r"\to",
    "←": r"\gets",
    "ᵀ": r"{}^{\top}",
    **{digit: f"{{}}^{{{place}}}" for place, digit in enumerate("⁰¹²³⁴⁵⁶⁷⁸⁹")},
    **{digit: f"{{}}_{{{place}}}" for place, digit in enumerate("₀₁₂₃₄₅₆₇₈₉")},
}
_LATIN: Final = range(0xA1, 0x180)  # letters with accents, which every engine knows


def tex_text(text: str) -> str:
    r"""The text for LaTeX, outside of formulas.

    Characters that pdfLaTeX does not know are shown by the engines that know them, else as "?".

    Args:
        text: Any text.

    >>> tex_text("50% of x_1 − β")
    '50\\% of x\\_1 $-$ $\\beta$'
    """
    flat = visible(text)
    first = len(flat) - len(flat.lstrip(" "))  # spaces at the start would be dropped
    return r"\ " * first + "".join(map(_character, flat[first:]))


def _character(character: str) -> str:
    """One character of a text."""
    if character in _SIGNS:
        return f"${_SIGNS[character]}$"
    if character in _ESCAPED:
        return _ESCAPED[character]
    return character if character.isascii() else _foreign(character)


def tex_maths(latex: str) -> str:
    """The formula with every character outside of ASCII as a command, or as text.

    Args:
        latex: The part of LaTeX that this library writes.
    """
    return "".join(
        character
        if character.isascii()
        else f"{_SIGNS[character]} "
        if character in _SIGNS
        else rf"\textrm{{{_foreign(character)}}}"
        for character in visible(latex)
    )


def _foreign(character: str) -> str:
    """A character outside of ASCII."""
    if ord(character) in _LATIN and character.isalpha():
        return character
    return rf"\ifPDFTeX ?\else {character}\fi{{}}"
