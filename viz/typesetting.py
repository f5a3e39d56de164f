"""From content to blocks: marks at known places in boxes of known size."""

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from typing import Final, TypeAlias

from circuitgrad.viz.content import (
    Bars,
    Caution,
    Column,
    Dot,
    Grid,
    Item,
    Maths,
    Picture,
    Row,
    Space,
    Span,
    Text,
)
from circuitgrad.viz.maths import Formula, MathsEngine, formula
from circuitgrad.viz.measure import text_width
from circuitgrad.viz.plain_maths import segments
from circuitgrad.viz.themes import Role

_EM: Final = 1000.0
_SCRIPT: Final = 0.72
FRAME: Final = 1.0


@dataclass(frozen=True, slots=True)
class TextMark:
    """A line of text: y is its base line, and x its middle or, with ``start``, its start.

    ``width`` is the measured width; ``latex`` is the formula that the text stands for. Text that
    stands alone is centred, so that a reader's wider font grows on both sides; text that follows
    something starts where that ends.
    """

    x: float
    y: float
    width: float
    spans: tuple[Span, ...]
    start: bool = False
    latex: str = ""


@dataclass(frozen=True, slots=True)
class FormulaMark:
    """A formula whose base line starts at (x, y)."""

    x: float
    y: float
    formula: Formula
    size: float
    role: Role
    latex: str = ""


@dataclass(frozen=True, slots=True)
class ShapeMark:
    """A drawn shape: path data relative to (x, y), stroked or filled."""

    x: float
    y: float
    outline: str
    role: Role
    stroke: float = 0.0


@dataclass(frozen=True, slots=True)
class PictureMark:
    """A picture whose frame has its top left corner at (x, y); the frame is one point wide."""

    x: float
    y: float
    picture: Picture

    @property
    def width(self) -> float:
        """The width of the pixels, without the frame."""
        return len(self.picture.rows[0]) // 3 * self.picture.cell_width

    @property
    def height(self) -> float:
        """The height of the pixels, without the frame."""
        return len(self.picture.rows) * self.picture.cell_height


Mark: TypeAlias = TextMark | FormulaMark | ShapeMark | PictureMark


@dataclass(frozen=True, slots=True)
class Block:
    """Marks in a box; the box starts at (0, 0) and its base line lies ``ascent`` below the top."""

    width: float = 0.0
    height: float = 0.0
    ascent: float = 0.0
    marks: tuple[Mark, ...] = ()


def moved(marks: Iterable[Mark], right: float, down: float) -> tuple[Mark, ...]:
    """The marks at another place.

    Args:
        marks: Marks of a block.
        right: How far to the right, in points.
        down: How far down, in points.
    """
    return tuple(_moved(mark, right, down) for mark in marks)


def _moved(mark: Mark, right: float, down: float) -> Mark:
    """One mark at another place."""
    return replace(mark, x=mark.x + right, y=mark.y + down)


def typeset(item: Item, engine: MathsEngine) -> Block:
    """The item as a block.

    Args:
        item: Content of a label.
        engine: The maths engine, as ``maths.chosen_engine`` returns it.
    """
    match item:
        case Text(spans):
            return _text(spans)
        case Maths():
            return _maths(item, engine)
        case Space(width, height):
            return Block(width, height, height)
        case Caution(size):
            return _caution(size)
        case Dot(role, radius):
            circle = (
                f"M0,0a{radius:g},{radius:g} 0 1 0 {2 * radius:g},0a{radius:g},{radius:g} 0 1 0 "
            )
            mark = ShapeMark(0, radius, f"{circle}{-2 * radius:g},0Z", role)
            return Block(2 * radius, 2 * radius, 2 * radius, (mark,))
        case Picture():
            picture = PictureMark(0.0, 0.0, item)
            width, height = picture.width + 2 * FRAME, picture.height + 2 * FRAME
            return Block(width, height, height, (picture,))
        case Bars():
            return _bars(item)
        case Row(items, gap, middle):
            return _row([typeset(part, engine) for part in items], gap, middle)
        case Column(items, gap, align):
            return stack([typeset(part, engine) for part in items], gap, align == "centre")
        case Grid(rows):
            return _grid(item, [[typeset(cell, engine) for cell in row] for row in rows])


def _text(spans: tuple[Span, ...], latex: str = "") -> Block:
    """A line of text, which may stand for a formula."""
    width = sum(text_width(span.text, span.size, span.face) for span in spans)
    size = max((span.size for span in spans), default=0.0)
    ascent = size * 0.95
    mark = TextMark(width / 2, ascent, width, spans, latex=latex)
    return Block(width, size * 1.22, ascent, (mark,))


def _maths(item: Maths, engine: MathsEngine) -> Block:
    """A formula, or plain text in its place."""
    outlines = formula(item.latex, engine, item.display)
    if outlines is None:
        return _text(plain_spans(item.latex, item.role, item.size), item.latex)
    scale = item.size / _EM
    ascent = outlines.ascent * scale
    latex = rf"\displaystyle {item.latex}" if item.display else item.latex
    mark = FormulaMark(0.0, ascent, outlines, item.size, item.role, latex)
    return Block(outlines.width * scale, outlines.height * scale, ascent, (mark,))


def plain_spans(latex: str, role: Role, size: float) -> tuple[Span, ...]:
    """The formula as spans of italic text, with smaller ones above and below the line.

    Args:
        latex: The formula.
        role: Its colour.
        size: Its type size.
    """
    return tuple(
        Span(
            segment.text,
            role,
            size if segment.level == 0 else size * _SCRIPT,
            "italic",
            size * (0.36 if segment.level > 0 else -0.16 if segment.level < 0 else 0.0),
        )
        for segment in segments(latex)
    )


def _anchored(mark: Mark) -> Mark:
    """The mark; a line of text is bound to its start."""
    if isinstance(mark, TextMark) and not mark.start:
        return replace(mark, x=mark.x - mark.width / 2, start=True)
    return mark


def _caution(size: float) -> Block:
    """A warning triangle of the height of a capital letter."""
    side = size * 0.84
    outline = (
        f"M{side / 2:.2f},0L{side:.2f},{side * 0.88:.2f}L0,{side * 0.88:.2f}Z"
        f"M{side * 0.46:.2f},{side * 0.3:.2f}h{side * 0.08:.2f}v{side * 0.28:.2f}"
        f"h{-side * 0.08:.2f}Z"
    )
    mark = ShapeMark(0.0, size * 0.95 - side * 0.88, outline, "alert", 0.9)
    return Block(side, size * 1.22, size * 0.95, (mark,))


def _bars(item: Bars) -> Block:
    """Bars on one base line, with rounded tops where they are wide enough."""
    wide = item.step - min(2.0, item.step * 0.25)
    marks: list[Mark] = []
    for index, (part, role) in enumerate(zip(item.heights, item.roles, strict=True)):
        high = max(part * item.height, 1.5)
        r = min(1.2, wide / 2, high / 2)
        outline = (
            f"M0,0v{r - high:.2f}q0,{-r:.2f} {r:.2f},{-r:.2f}h{wide - 2 * r:.2f}"
            f"q{r:.2f},0 {r:.2f},{r:.2f}v{high - r:.2f}Z"
        )
        marks.append(ShapeMark(index * item.step, item.height, outline, role))
    width = item.step * len(item.heights) - (item.step - wide)
    return Block(width, item.height, item.height, tuple(marks))


def _row(blocks: Sequence[Block], gap: float, middle: bool) -> Block:
    """Blocks side by side."""
    if not blocks:
        return Block()
    tallest = max(block.height for block in blocks)
    ascent = tallest / 2 if middle else max(block.ascent for block in blocks)
    tops = [(tallest - block.height) / 2 if middle else ascent - block.ascent for block in blocks]
    height = max(top + block.height for top, block in zip(tops, blocks, strict=True))
    marks: list[Mark] = []
    x = 0.0
    for top, block in zip(tops, blocks, strict=True):
        marks.extend(_anchored(mark) for mark in moved(block.marks, x, top))
        x += block.width + gap
    return Block(x - gap, height, ascent, tuple(marks))


def stack(blocks: Sequence[Block], gap: float, centred: bool = True) -> Block:
    """Blocks one below the other; the base line is that of the first.

    Args:
        blocks: From top to bottom.
        gap: The room between two of them.
        centred: Whether they share a middle line, else a left edge.
    """
    if not blocks:
        return Block()
    width = max(block.width for block in blocks)
    marks: list[Mark] = []
    y = 0.0
    for block in blocks:
        if centred:
            marks.extend(moved(block.marks, (width - block.width) / 2, y))
        else:
            marks.extend(_anchored(mark) for mark in moved(block.marks, 0.0, y))
        y += block.height + gap
    return Block(width, y - gap, blocks[0].ascent, tuple(marks))


def _grid(grid: Grid, cells: Sequence[Sequence[Block]]) -> Block:
    """A matrix between square brackets."""
    columns = max(len(row) for row in cells)
    widths = [max(row[j].width for row in cells if j < len(row)) for j in range(columns)]
    marks: list[Mark] = []
    lip, margin = 5.0, 7.0 + 0.35 * grid.column_gap
    y = 3.0
    for row in cells:
        line = _row(row, 0.0, False)
        x = margin
        for width, block in zip(widths, row, strict=False):
            marks.extend(
                moved(block.marks, x + (width - block.width) / 2, y + line.ascent - block.ascent)
            )
            x += width + grid.column_gap
        y += line.height + grid.row_gap
    height = math.ceil(y - grid.row_gap + 3.0)
    width = sum(widths) + grid.column_gap * (columns - 1) + 2 * margin
    brackets = f"M{lip:g},0.7H0.7V{height - 0.7:g}H{lip:g}"
    closing = f"M{width - lip:.1f},0.7H{width - 0.7:.1f}V{height - 0.7:g}H{width - lip:.1f}"
    marks.append(ShapeMark(0.0, 0.0, brackets + closing, grid.role, 1.3))
    return Block(width, height, height / 2, tuple(marks))
