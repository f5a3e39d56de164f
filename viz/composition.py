"""A scene with every size known: what the layout engine and the drawing both work from."""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final, Literal

from circuitgrad.viz.badges import badge_marks
from circuitgrad.viz.content import Dot, Item, Row, Space, Text, line
from circuitgrad.viz.maths import MathsEngine
from circuitgrad.viz.measure import text_width
from circuitgrad.viz.scene import Edge, LegendEntry, Node, Scene
from circuitgrad.viz.themes import wire_width
from circuitgrad.viz.typesetting import Block, Mark, moved, stack, typeset

Shape = Literal["circle", "pill", "plain", "card", "stack"]

ROW_GAP: Final = 2.4
STACK_STEP: Final = 3.0  # how far each card of a stack lies behind the one before it
GATE_RADIUS: Final = 20.0
WIDE_GATE_RADIUS: Final = 25.0
_PAD: Final = 5.0
_ABOVE: Final = 2.5
_BELOW: Final = 3.5
WIRE: Final = 2
_BESIDE: Final = 7.0
_LEGEND_GAP: Final = 18.0
_LEGEND_SIZE: Final = 10.5
_NARROWEST: Final = 330.0


@dataclass(frozen=True, slots=True)
class NodeBox:
    """The size of a node, its outline, and its marks relative to its centre."""

    shape: Shape
    width: float
    height: float
    marks: tuple[Mark, ...]


@dataclass(frozen=True, slots=True)
class LabelBox:
    """The room of a wire's labels; the wire runs ``before`` points below its top (or left) edge.

    ``after`` is the room on the other side of the wire. Marks are relative to the box's top left:
    ``split[0]`` of them stand above the wire, those from ``split[1]`` on are the sums of a fan-out.
    """

    width: int
    height: int
    before: int
    after: int
    marks: tuple[Mark, ...]
    split: tuple[int, int] = (0, 0)


@dataclass(frozen=True, slots=True)
class Composition:
    """The boxes of a scene, in the scene's order, and its captions."""

    scene: Scene
    nodes: tuple[NodeBox, ...]
    labels: tuple[LabelBox, ...]
    cluster_titles: tuple[Block, ...]
    header: Block
    footer: Block


def compose(scene: Scene, engine: MathsEngine) -> Composition:
    """The scene with the sizes of all its parts.

    Args:
        scene: What to show.
        engine: The maths engine, as ``maths.chosen_engine`` returns it.
    """
    place = _label_across if scene.direction == "LR" else _label_beside
    header = stack([typeset(item, engine) for item in scene.header], 6.0, centred=False)
    footer = stack([typeset(item, engine) for item in scene.footer], 8.0, centred=False)
    return Composition(
        scene,
        tuple(_node_box(node, engine) for node in scene.nodes),
        tuple(place(edge, engine) for edge in scene.edges),
        tuple(typeset(line(cluster.name, "dim", 11), engine) for cluster in scene.clusters),
        header,
        footer,
    )


def _node_box(node: Node, engine: MathsEngine) -> NodeBox:
    """A gate in a circle (or, where its name is long, a pill), or a leaf in its own size."""
    if node.kind == "end":
        return NodeBox("plain", 1.0, 1.0, ())
    block = typeset(node.content, engine)
    marks = moved(block.marks, -block.width / 2, -block.height / 2)
    if node.kind == "leaf":
        return NodeBox("plain", block.width + 6, block.height + 4, marks)
    if node.kind == "card":
        return _card_box(block, node)
    for radius in (GATE_RADIUS, WIDE_GATE_RADIUS):
        if max(block.width, block.height) <= 2 * radius - 7:
            signs = badge_marks(node.badges, 0.82 * radius, 0.82 * radius)
            return NodeBox("circle", 2 * radius, 2 * radius, marks + signs)
    width, height = block.width + 24, max(block.height + 8, 34.0)
    signs = badge_marks(node.badges, width / 2 - 8, height / 2)
    return NodeBox("pill", width, height, marks + signs)


def _card_box(block: Block, node: Node) -> NodeBox:
    """A card; one that stands for several has room for two more behind it."""
    behind = 2 * STACK_STEP if node.stacked else 0.0
    width, height = block.width + 24 + behind, max(block.height + 16, 40.0) + behind
    marks = moved(block.marks, -(block.width + behind) / 2, -(block.height + behind) / 2)
    signs = badge_marks(node.badges, width / 2 - 8, height / 2)
    return NodeBox("stack" if node.stacked else "card", width, height, marks + signs)


def _label_across(edge: Edge, engine: MathsEngine) -> LabelBox:
    """Labels above and below a wire that runs from left to right."""
    blocks = [[typeset(item, engine) for item in part] for part in _parts(edge)]
    above = stack(blocks[0], ROW_GAP)
    below = stack([*blocks[1], *blocks[2]], ROW_GAP)
    width = math.ceil(max(above.width, below.width) + 2 * _PAD)
    # Wires that show the sizes of their gradients are wider.
    extra = 0.0 if edge.strength is None else max(wire_width(edge.strength) - WIRE, 0.0) / 2
    before = math.ceil(above.height + _ABOVE + extra) if edge.above else 4
    after = math.ceil(below.height + _BELOW + extra) if below.marks else 4
    if abs(before - after) <= 2:
        before = after = max(before, after)
    else:  # an even difference keeps the wire on the grid of the layout, and so straight
        after += (after - before) % 2
    wire = before + WIRE / 2
    marks = (
        *moved(above.marks, (width - above.width) / 2, wire - _ABOVE - extra - above.height),
        *moved(below.marks, (width - below.width) / 2, wire + _BELOW + extra),
    )
    return LabelBox(width, before + WIRE + after, before, after, marks, _split(blocks))


def _label_beside(edge: Edge, engine: MathsEngine) -> LabelBox:
    """Labels to the right of a wire that runs downwards."""
    blocks = [[typeset(item, engine) for item in part] for part in _parts(edge)]
    block = stack([row for part in blocks for row in part], ROW_GAP, centred=False)
    after = math.ceil(block.width + _BESIDE + _PAD)
    height = math.ceil(block.height + 2 * _PAD)
    marks = moved(block.marks, WIRE + _BESIDE, _PAD)
    return LabelBox(WIRE + after, height, 0, after, marks, _split(blocks))


def _parts(edge: Edge) -> tuple[tuple[Item, ...], ...]:
    """The rows of a wire: above it, below it, and sums."""
    return edge.above, edge.below, edge.sums


def _split(blocks: Sequence[Sequence[Block]]) -> tuple[int, int]:
    """How many marks stand above a wire, and how many stand before its sums."""
    above, below, _ = (sum(len(block.marks) for block in part) for part in blocks)
    return above, above + below


def legend_block(entries: tuple[LegendEntry, ...], available: float, engine: MathsEngine) -> Block:
    """The legend, in as many lines as the available width asks for.

    Args:
        entries: The colours and their meaning.
        available: The width of the figure.
        engine: The maths engine.
    """
    room = max(available, _NARROWEST)
    lines: list[list[Item]] = [[]]
    used = 0.0
    for entry in entries:
        width = 13 + text_width(entry.text, _LEGEND_SIZE) + _LEGEND_GAP
        if lines[-1] and used + width - _LEGEND_GAP > room:
            lines.append([])
            used = 0.0
        lines[-1].append(_legend_item(entry))
        used += width
    rows = [typeset(Row(tuple(items), _LEGEND_GAP), engine) for items in lines if items]
    return stack(rows, 6.0, centred=False)


def _legend_item(entry: LegendEntry) -> Item:
    """One colour sample with its meaning."""
    sample = Row((Dot(entry.role), Space(5.0, 0.0)))
    words: Text = line(entry.text, "dim", _LEGEND_SIZE)
    return Row((sample, words), middle=True)
