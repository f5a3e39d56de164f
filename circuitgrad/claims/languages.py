"""The languages of claims: each turns its text into that of formulas."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, Final, NamedTuple

from circuitgrad.claims.latex_claims import from_latex, plain_name
from circuitgrad.claims.matlab import from_matlab
from circuitgrad.claims.parts import column_shapes
from circuitgrad.errors import SpecError
from circuitgrad.spec import Shape

Shapes = Mapping[str, Shape]


class Language(NamedTuple):
    """A language of claims.

    Attributes:
        text: Turns a text of it, and the shapes of the inputs, into the text of a formula.
        shapes: The shapes of the inputs as formulas have them.
        name: The name of an input as formulas have it.
    """

    text: Callable[[str, Shapes], str]
    shapes: Callable[[Shapes], dict[str, Shape]] = dict
    name: Callable[[str], str] = str


def _plain_shapes(shapes: Shapes) -> dict[str, Shape]:
    return {plain_name(name): shape for name, shape in column_shapes(shapes).items()}


LANGUAGES: Final[Mapping[str, Language]] = {
    "python": Language(lambda text, shapes: text),
    "matlab": Language(from_matlab, column_shapes),
    "latex": Language(from_latex, _plain_shapes, plain_name),
}


def language_of(name: str | None) -> Language:
    """A language by name, Python by default.

    Raises:
        SpecError: A language that is not known.

    >>> language_of("matlab").text("x'*y", {"x": ("n",), "y": ("n",)})
    '(x) @ (y)'
    """
    if name is not None and name not in LANGUAGES:
        known = ", ".join(repr(known) for known in LANGUAGES)
        raise SpecError(f"language {name!r}: needed one of {known}.")
    return LANGUAGES[name or "python"]


def translated(given: Any, language: Language, shapes: Shapes) -> Any:
    """A text in the language of formulas; anything else as it is."""
    return language.text(given, shapes) if isinstance(given, str) else given
