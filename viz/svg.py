"""A figure as SVG: continuous wires, real formulas, themes, and words that describe it."""

import base64
import hashlib
from collections.abc import Iterable, Sequence
from typing import Final

from circuitgrad.viz.arrangement import MARGIN, arrange, label_corner, wire_shapes
from circuitgrad.viz.composition import STACK_STEP, Composition, LabelBox, NodeBox
from circuitgrad.viz.escaping import escape
from circuitgrad.viz.heatmaps import png_bytes
from circuitgrad.viz.layout import Frame, Layout, Point, Route
from circuitgrad.viz.maths import MathsEngine
from circuitgrad.viz.scene import Edge, Node
from circuitgrad.viz.stylesheet import style_sheet
from circuitgrad.viz.themes import ThemeName, magnitude_step, wire_width
from circuitgrad.viz.typesetting import (
    FRAME,
    Block,
    FormulaMark,
    Mark,
    PictureMark,
    ShapeMark,
    TextMark,
)

# Stands for the prefix of ids and classes until the content, and so its hash, is known.
_PREFIX: Final = "\x00"


def render(
    composition: Composition, layout: Layout, theme: ThemeName, engine: MathsEngine = "text"
) -> str:
    """The figure as an SVG document.

    Args:
        composition: A scene with sizes.
        layout: The places of its parts.
        theme: ``"light"`` and ``"dark"`` bake colours in, ``"auto"`` follows the reader's system.
        engine: The maths engine for the legend.
    """
    places = arrange(composition, layout, engine)
    painter = _Painter()
    parts = [painter.block(block, 0.0, y) for block, y in places.above]
    graph = _graph(composition, layout, painter)
    parts.append(f'<g transform="translate(0,{_n(places.graph)})">{graph}</g>')
    parts.extend(painter.block(block, 0.0, y) for block, y in places.below)
    body = f'<g transform="translate({MARGIN},{MARGIN})">{"".join(parts)}</g>'
    content = painter.definitions() + _page() + body
    return _document(composition, places.width, places.height, content, theme)


def _document(
    composition: Composition, width: int, height: int, body: str, theme: ThemeName
) -> str:
    """The document around a body, with a prefix that is the hash of the content."""
    scene = composition.scene
    title, description = escape(scene.title), escape(" ".join(scene.sentences))
    digest = hashlib.sha256("\n".join((theme, title, description, body)).encode())
    prefix = f"cg{digest.hexdigest()[:10]}"
    head = (
        f'<svg xmlns="http://www.w3.org/2000/svg" class="{prefix}" width="{width}" '
        f'height="{height}" viewBox="0 0 {width} {height}" style="max-width:100%;height:auto" '
        f'role="graphics-document document" aria-roledescription="computational graph" '
        f'aria-labelledby="{prefix}-t {prefix}-d">'
        f'<title id="{prefix}-t">{title}</title><desc id="{prefix}-d">{description}</desc>'
    )
    emphasised = any(edge.strength is not None for edge in scene.edges)
    style = f"<style>{style_sheet(prefix, theme, emphasised)}</style>"
    return f"{head}{style}{body.replace(_PREFIX, prefix)}</svg>\n"


def _page() -> str:
    """The ground of the figure."""
    return f'<rect class="{_PREFIX}-page" width="100%" height="100%"/>'


def _graph(composition: Composition, layout: Layout, painter: "_Painter") -> str:
    """Clusters, wires and nodes, one above the other."""
    scene = composition.scene
    parts: list[str] = []
    for frame in layout.clusters:
        parts.append(
            f'<g class="{_PREFIX}-cluster"><rect x="{_n(frame.left)}" y="{_n(frame.top)}" '
            f'width="{_n(frame.right - frame.left)}" height="{_n(frame.bottom - frame.top)}" '
            f'rx="12"/></g>'
        )
    wires = zip(scene.edges, composition.labels, layout.routes, strict=True)
    across = scene.direction == "LR"
    for index, (edge, label, route) in enumerate(wires):
        parts.append(_wire(index, edge, label, route, across, painter))
    for title, frame in zip(composition.cluster_titles, layout.clusters, strict=True):
        ground = "" if across else _ground(title, frame)
        words = painter.block(title, frame.left + 12, frame.top + 6)
        parts.append(f'<g class="{_PREFIX}-cluster {_PREFIX}-title">{ground}{words}</g>')
    nodes = zip(scene.nodes, composition.nodes, layout.nodes, strict=True)
    for index, (node, box, centre) in enumerate(nodes):
        if node.kind != "end":
            parts.append(_node(index, node, box, centre, painter))
    return "".join(parts)


def _ground(title: Block, frame: Frame) -> str:
    """The ground of a scope's title, which wires that come from above pass below."""
    return (
        f'<rect x="{_n(frame.left + 10)}" y="{_n(frame.top + 4)}" '
        f'width="{_n(title.width + 4)}" height="{_n(title.height + 4)}" stroke-width="0"/>'
    )


def _focusable(kind: str, key: str, tooltip: str) -> str:
    """Opening of a group that can be reached with the keyboard and says what it is."""
    words = escape(tooltip)
    label = f' role="graphics-symbol img" aria-label="{words}"' if words else ""
    title = f"<title>{words}</title>" if words else ""
    return f'<g class="{_PREFIX}-{kind}" id="{_PREFIX}-{key}" tabindex="0"{label}>{title}'


def _node(index: int, node: Node, box: NodeBox, centre: Point, painter: "_Painter") -> str:
    """A gate or a leaf."""
    x, y = centre
    if box.shape == "circle":
        outline = f'<circle cx="{_n(x)}" cy="{_n(y)}" r="{_n(box.width / 2)}"/>'
    elif box.shape == "pill":
        outline = (
            f'<rect x="{_n(x - box.width / 2)}" y="{_n(y - box.height / 2)}" '
            f'width="{_n(box.width)}" height="{_n(box.height)}" rx="{_n(box.height / 2)}"/>'
        )
    elif box.shape in ("card", "stack"):
        outline = _card(box, x, y)
    else:
        outline = ""
    marks = painter.marks(box.marks, x, y)
    kind = "gate" if node.kind == "card" else node.kind  # drawn in the same colours
    return f"{_focusable(kind, f'n{index}', node.tooltip)}{outline}{marks}</g>"


def _card(box: NodeBox, x: float, y: float) -> str:
    """The outline of a card, and of two more behind it where it stands for several."""
    behind = 2 if box.shape == "stack" else 0
    width, height = box.width - behind * STACK_STEP, box.height - behind * STACK_STEP
    return "".join(
        f'<rect x="{_n(x - box.width / 2 + k * STACK_STEP)}" '
        f'y="{_n(y - box.height / 2 + k * STACK_STEP)}" '
        f'width="{_n(width)}" height="{_n(height)}" rx="8"/>'
        for k in range(behind, -1, -1)
    )


def _wire(
    index: int, edge: Edge, label: LabelBox, route: Route, across: bool, painter: "_Painter"
) -> str:
    """A wire with its arrow head and labels."""
    line, head = _path(route, 1.4 if edge.strength is None else wire_width(edge.strength))
    x, y = label_corner(label, route, across)
    return (
        f"{_focusable('wire', f'w{index}', edge.tooltip)}"
        f'<path class="{_style("line", edge)}" d="{line}"/>'
        f'<path class="{_style("head", edge)}" d="{head}"/>'
        f"{_rows(label, x, y, painter)}</g>"
    )


def _rows(label: LabelBox, x: float, y: float, painter: "_Painter") -> str:
    """The labels of a wire: above it, below it, and the sums of a fan-out, each in its group."""
    first, last = label.split
    parts = {
        "above": label.marks[:first],
        "below": label.marks[first:last],
        "sums": label.marks[last:],
    }
    return "".join(
        f'<g class="{_PREFIX}-{name}">{painter.marks(marks, x, y)}</g>'
        for name, marks in parts.items()
        if marks
    )


def _style(part: str, edge: Edge) -> str:
    """The classes of a part of a wire."""
    name = f"{_PREFIX}-{part}"
    if edge.style == "plain" and edge.strength is not None:
        return f"{name} {name}-m{magnitude_step(edge.strength)}"
    return name if edge.style == "plain" else f"{name} {name}-{edge.style}"


def _path(route: Route, width: float) -> tuple[str, str]:
    """Path data of a wire's line and of its head."""
    curve, (tip, left, right) = wire_shapes(route, width)
    line = (
        f"M{_p(route.arriving[0])}C{_points(route.arriving[1:])}"
        f"L{_p(route.leaving[0])}C{_points(curve)}"
    )
    return line, f"M{_p(tip)}L{_p(left)}L{_p(right)}Z"


def _points(points: Iterable[Point]) -> str:
    """Points of a curve."""
    return " ".join(_p(point) for point in points)


def _p(point: Point) -> str:
    """A point of a path."""
    return f"{_n(point.x)},{_n(point.y)}"


def _n(number: float) -> str:
    """A coordinate with one decimal, and never a negative zero."""
    text = f"{number:.1f}"
    return "0.0" if text == "-0.0" else text


class _Painter:
    """Writes marks, and keeps every outline of a glyph once."""

    def __init__(self) -> None:
        self._outlines: dict[str, int] = {}

    def definitions(self) -> str:
        """The outlines used so far, in the order of first use."""
        paths = (
            f'<path id="{_PREFIX}-g{index}" d="{outline}"/>'
            for outline, index in self._outlines.items()
        )
        joined = "".join(paths)
        return f"<defs>{joined}</defs>" if joined else ""

    def block(self, block: Block, x: float, y: float) -> str:
        """A block whose top left corner is at (x, y)."""
        return self.marks(block.marks, x, y)

    def marks(self, marks: Sequence[Mark], x: float, y: float) -> str:
        """Marks moved by (x, y)."""
        return "".join(self._mark(mark, mark.x + x, mark.y + y) for mark in marks)

    def _mark(self, mark: Mark, x: float, y: float) -> str:
        match mark:
            case TextMark():
                return _text(mark, x, y)
            case FormulaMark():
                return self._formula(mark, x, y)
            case ShapeMark():
                return _shape(mark, x, y)
            case PictureMark():
                return _picture(mark, x, y)

    def _formula(self, mark: FormulaMark, x: float, y: float) -> str:
        scale = mark.size / 1000
        parts: list[str] = []
        for glyph in mark.formula.glyphs:
            index = self._outlines.setdefault(glyph.outline, len(self._outlines))
            scales = f"{glyph.scale_x:.4g},{glyph.scale_y:.4g}"
            parts.append(
                f'<use href="#{_PREFIX}-g{index}" '
                f'transform="translate({glyph.x:.0f},{glyph.y:.0f})scale({scales})"/>'
            )
        for bar in mark.formula.bars:
            parts.append(
                f'<rect x="{bar.x:.0f}" y="{bar.y:.0f}" width="{bar.width:.0f}" '
                f'height="{bar.height:.0f}"/>'
            )
        speech = escape(mark.formula.speech)
        # Invisible words over the outlines, so that a formula can be found, selected and copied.
        parts.append(
            f'<text class="{_PREFIX}-ghost" font-size="1000" textLength="{mark.formula.width:.0f}" '
            f'lengthAdjust="spacingAndGlyphs" aria-hidden="true">{escape(mark.formula.text)}</text>'
        )
        return (
            f'<g class="{_PREFIX}-{mark.role}" role="img" aria-label="{speech}" '
            f'transform="translate({_n(x)},{_n(y)})scale({scale:.5f})">{"".join(parts)}</g>'
        )


def _text(mark: TextMark, x: float, y: float) -> str:
    """A line of text, with one tspan for each run."""
    runs: list[str] = []
    level = 0.0
    for span in mark.spans:
        shift = f' dy="{_n(level - span.rise)}"' if span.rise != level else ""
        level = span.rise
        runs.append(
            f'<tspan class="{_PREFIX}-{span.role} {_PREFIX}-{span.face}" '
            f'font-size="{span.size:g}"{shift}>{escape(span.text)}</tspan>'
        )
    anchor = "" if mark.start else ' text-anchor="middle"'
    return f'<text x="{_n(x)}" y="{_n(y)}"{anchor} xml:space="preserve">{"".join(runs)}</text>'


def _picture(mark: PictureMark, x: float, y: float) -> str:
    """A picture in its frame."""
    data = base64.b64encode(png_bytes(mark.picture.rows)).decode("ascii")
    words = escape(mark.picture.words)
    return (
        f'<g role="img" aria-label="{words}"><title>{words}</title>'
        f'<image x="{_n(x + FRAME)}" y="{_n(y + FRAME)}" width="{_n(mark.width)}" '
        f'height="{_n(mark.height)}" preserveAspectRatio="none" image-rendering="optimizeSpeed" '
        f'style="image-rendering:pixelated" href="data:image/png;base64,{data}"/>'
        f'<rect class="{_PREFIX}-stroke-{mark.picture.role}" stroke-width="{FRAME:g}" '
        f'x="{_n(x + FRAME / 2)}" y="{_n(y + FRAME / 2)}" width="{_n(mark.width + FRAME)}" '
        f'height="{_n(mark.height + FRAME)}"/></g>'
    )


def _shape(mark: ShapeMark, x: float, y: float) -> str:
    """A drawn shape, filled or stroked."""
    kind = "stroke" if mark.stroke else "fill"
    width = f' stroke-width="{mark.stroke:g}"' if mark.stroke else ""
    css = f"{_PREFIX}-{kind}-{mark.role}" if mark.stroke else f"{_PREFIX}-{mark.role}"
    return f'<path class="{css}"{width} transform="translate({_n(x)},{_n(y)})" d="{mark.outline}"/>'
