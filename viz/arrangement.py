"""Where the parts of a page go around the laid-out graph, for every format that draws."""

import math
from typing import Final, NamedTuple

from circuitgrad.viz.composition import Composition, LabelBox, legend_block
from circuitgrad.viz.layout import Layout, Point, Route
from circuitgrad.viz.maths import MathsEngine
from circuitgrad.viz.typesetting import Block

MARGIN: Final = 18
_HEADER_GAP: Final = 10.0
_FOOTER_GAP: Final = 10.0
_LEGEND_GAP: Final = 14.0
_HEAD_LENGTH: Final = 7.0
_HEAD_HALF: Final = 3.0


class Arrangement(NamedTuple):
    """Size of a page with its margins, and inside them the top of the graph and of each caption."""

    width: int
    height: int
    graph: float
    above: tuple[tuple[Block, float], ...]
    below: tuple[tuple[Block, float], ...]


def arrange(composition: Composition, layout: Layout, engine: MathsEngine) -> Arrangement:
    """The header above the graph, the footer and the legend below it.

    Args:
        composition: A scene with sizes.
        layout: The places of its parts.
        engine: The maths engine for the legend.
    """
    inner = max(layout.width, composition.header.width, composition.footer.width)
    legend = legend_block(composition.scene.legend, inner, engine)
    header = composition.header
    above = ((header, 0.0),) if header.height else ()
    graph = graph_top(composition)
    below: list[tuple[Block, float]] = []
    y = graph + layout.height
    for block, gap in ((composition.footer, _FOOTER_GAP), (legend, _LEGEND_GAP)):
        if block.height:
            below.append((block, y + gap))
            y += gap + block.height
    width = math.ceil(max(inner, legend.width)) + 2 * MARGIN
    return Arrangement(width, math.ceil(y) + 2 * MARGIN, graph, above, tuple(below))


def graph_top(composition: Composition) -> float:
    """How far below the margin the layout begins: under the header.

    Args:
        composition: A scene with sizes.
    """
    header = composition.header.height
    return header + _HEADER_GAP if header else 0.0


def label_corner(label: LabelBox, route: Route, across: bool) -> Point:
    """The top left corner of a wire's labels, which keep their distance from the wire as drawn.

    Args:
        label: The room of the labels.
        route: Where the wire runs.
        across: Whether wires run from left to right.
    """
    end = route.arriving[-1]
    if across:
        return Point(route.label.x, end.y - label.before - 1)
    return Point(end.x - label.before - 1, route.label.y)


def wire_shapes(route: Route, width: float) -> tuple[tuple[Point, ...], tuple[Point, ...]]:
    """The points of a wire's last curve, which ends inside its arrow head, and of the head.

    Args:
        route: Where the wire runs.
        width: How wide it is; wider wires have larger heads.
    """
    size, half = _HEAD_LENGTH + width - 1.4, _HEAD_HALF + 0.7 * (width - 1.4)
    tip, before = route.leaving[-1], route.leaving[-2]
    length = math.hypot(tip.x - before.x, tip.y - before.y) or 1.0
    ux, uy = (tip.x - before.x) / length, (tip.y - before.y) / length
    inside = Point(tip.x - ux * size * 0.8, tip.y - uy * size * 0.8)
    back = Point(tip.x - ux * size, tip.y - uy * size)
    left = Point(back.x - uy * half, back.y + ux * half)
    right = Point(back.x + uy * half, back.y - ux * half)
    return (*route.leaving[1:-1], inside), (tip, left, right)
