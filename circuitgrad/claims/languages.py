"""The languages of claims: each turns its text into that of formulas."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, Final

from circuitgrad.errors import SpecError
from circuitgrad.spec import Shape

Translation = Callable[[str, Mapping[str, Shape]], str]


def _python(text: str, shapes: Mapping[str, Shape]) -> str:
    """Python's operators with NumPy's functions: the language of formulas itself."""
    return text


LANGUAGES: Final[dict[str, Translation]] = {"python": _python}


def translated(given: Any, language: str | None, shapes: Mapping[str, Shape]) -> Any:
    """A text in the language of formulas; anything else as it is.

    Raises:
        SpecError: A language that is not known, or a text that is not of it.
    """
    if language is not None and language not in LANGUAGES:
        known = ", ".join(repr(name) for name in LANGUAGES)
        raise SpecError(f"language {language!r}: needed one of {known}.")
    if not isinstance(given, str):
        return given
    return LANGUAGES[language or "python"](given, shapes)
