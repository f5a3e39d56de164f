"""Widths of text, from a shipped table instead of from fonts."""

import unicodedata
from typing import Final, Literal

from circuitgrad.viz import widths

Face = Literal["sans", "bold", "italic"]

_UNKNOWN: Final = 620
_WIDE: Final = 1000


def _advances(ascii_widths: tuple[int, ...], groups: dict[int, str]) -> dict[str, int]:
    """Advance of every character that one face has, in thousandths of the type size."""
    table = {chr(32 + offset): width for offset, width in enumerate(ascii_widths)}
    for width, characters in groups.items():
        table.update(dict.fromkeys(characters, width))
    return table


_FACES: Final[dict[str, dict[str, int]]] = {
    "sans": _advances(widths.SANS_ASCII, widths.SANS_MORE),
    "bold": _advances(widths.BOLD_ASCII, widths.BOLD_MORE),
    "italic": _advances(widths.ITALIC_ASCII, widths.ITALIC_MORE),
}


def _fallback(character: str) -> int:
    """Guessed advance of a character outside the table."""
    if unicodedata.combining(character) or unicodedata.category(character) in {"Cf", "Mn"}:
        return 0
    return _WIDE if unicodedata.east_asian_width(character) in {"W", "F"} else _UNKNOWN


def text_width(text: str, size: float, face: Face = "sans") -> float:
    """Width of a line of text, in points.

    Args:
        text: One line; characters outside the table get a guessed width.
        size: The type size in points.
        face: ``"sans"``, ``"bold"`` or ``"italic"`` (a serif italic).

    >>> text_width("2.00", 10)
    19.46
    """
    table = _FACES[face]
    thousandths = sum(
        table[character] if character in table else _fallback(character) for character in text
    )
    return thousandths * size / 1000
