"""What labels are made of: immutable pieces that know nothing of places on the page."""

from dataclasses import dataclass
from typing import Literal, TypeAlias

from circuitgrad.viz.measure import Face
from circuitgrad.viz.themes import Role


@dataclass(frozen=True, slots=True)
class Span:
    """A run of characters in one colour, size and face; ``rise`` lifts it above the base line."""

    text: str
    role: Role
    size: float = 12.5
    face: Face = "sans"
    rise: float = 0.0


@dataclass(frozen=True, slots=True)
class Text:
    """One line of text."""

    spans: tuple[Span, ...]


@dataclass(frozen=True, slots=True)
class Maths:
    """A formula in LaTeX."""

    latex: str
    role: Role
    size: float
    display: bool = False


@dataclass(frozen=True, slots=True)
class Space:
    """Empty room."""

    width: float = 0.0
    height: float = 0.0


@dataclass(frozen=True, slots=True)
class Caution:
    """A triangle with an exclamation mark, for numbers that are not finite."""

    size: float = 12.5


@dataclass(frozen=True, slots=True)
class Dot:
    """A filled disc: the colour sample of a legend."""

    role: Role
    radius: float = 4.0


@dataclass(frozen=True, slots=True)
class Picture:
    """Pixels in a frame: rows of red, green and blue bytes, and the size of a pixel in points.

    ``words`` say what it shows.
    """

    rows: tuple[bytes, ...]
    cell_width: float
    cell_height: float
    role: Role
    words: str = ""


@dataclass(frozen=True, slots=True)
class Bars:
    """Bars side by side, ``step`` points apart; heights are parts of the highest, from 0 to 1."""

    heights: tuple[float, ...]
    roles: tuple[Role, ...]
    step: float = 11.0
    height: float = 28.0


@dataclass(frozen=True, slots=True)
class Row:
    """Items side by side, on one base line or, with ``middle``, on one middle line."""

    items: tuple["Item", ...]
    gap: float = 0.0
    middle: bool = False


@dataclass(frozen=True, slots=True)
class Column:
    """Items one below the other."""

    items: tuple["Item", ...]
    gap: float = 2.4
    align: Literal["left", "centre"] = "centre"


@dataclass(frozen=True, slots=True)
class Grid:
    """Items in rows and columns between square brackets: a small matrix."""

    rows: tuple[tuple["Item", ...], ...]
    role: Role = "ink"
    column_gap: float = 20.0
    row_gap: float = 4.0


Item: TypeAlias = Text | Maths | Space | Caution | Dot | Picture | Bars | Row | Column | Grid


def line(text: str, role: Role, size: float = 12.5, face: Face = "sans") -> Text:
    """A line of one colour, size and face."""
    return Text((Span(text, role, size, face),))
