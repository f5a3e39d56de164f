"""Places for the parts of a figure, computed by a Graphviz engine.

Every wire runs through an invisible box between its two gates, which keeps room for its labels. The
boxes have fixed sizes, so that no engine measures text, and no name of the user reaches the engine.
"""

import json
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, Final, NamedTuple, TypeAlias

from circuitgrad.errors import RenderError
from circuitgrad.viz.composition import WIRE, Composition, LabelBox, NodeBox

MOST_GATES: Final = 400
ORDERED_GATES: Final = 60
_POINTS: Final = 72.0
# Labels may move this far without touching their neighbours, which are 14 points away.
_LARGEST_STEP: Final = 4.0
_ONE_CURVE: Final = 4  # points of a cubic Bézier curve
# Fewer rounds of Graphviz's network simplex and of its removal of crossings.
_COARSE: Final = "nslimit=0.1;nslimit1=0.1;mclimit=0.05;"
_CELL: Final = '<TD FIXEDSIZE="TRUE" WIDTH="{}" HEIGHT="{}"></TD>'
_PORT: Final = '<TD PORT="w" FIXEDSIZE="TRUE" WIDTH="{}" HEIGHT="{}"></TD>'
_TABLE: Final = '<TABLE BORDER="0" CELLBORDER="0" CELLSPACING="0" CELLPADDING="0">{}</TABLE>'


Places: TypeAlias = dict[str, Any]


class Point(NamedTuple):
    """A place on the page, in points; y grows downwards."""

    x: float
    y: float


class Frame(NamedTuple):
    """A rectangle on the page."""

    left: float
    top: float
    right: float
    bottom: float


class Route(NamedTuple):
    """A wire: Bézier curves to its labels, a straight line along them, and curves to the gate."""

    arriving: tuple[Point, ...]
    leaving: tuple[Point, ...]
    label: Point


@dataclass(frozen=True, slots=True)
class Layout:
    """Centres of nodes, routes of wires and frames of clusters, in the scene's order."""

    width: float
    height: float
    nodes: tuple[Point, ...]
    routes: tuple[Route, ...]
    clusters: tuple[Frame, ...]


def layout_source(composition: Composition, coarse: bool = False) -> str:
    """The graph to lay out, as DOT text with boxes of fixed size.

    Args:
        composition: A scene with sizes.
        coarse: Whether the engine may stop before the layout is as good as it can be.

    Raises:
        RenderError: The circuit has more gates than a figure can show.
    """
    scene = composition.scene
    gates = sum(node.kind == "gate" for node in scene.nodes)
    if gates > MOST_GATES:
        raise RenderError(
            f"figure: the circuit has {gates} gates; at most {MOST_GATES} can be drawn legibly. "
            "Draw a part of it: build a circuit from inner wires, such as one layer or one step"
        )
    ordering = "ordering=in;" if scene.ordered and gates <= ORDERED_GATES else ""
    lines = [
        "digraph G{",
        f"rankdir={scene.direction};{ordering}nodesep=0.2;ranksep={0.26 if scene.roomy else 0.16};",
        _COARSE if coarse else "",
        'splines=spline;node[shape=plain,label="",fixedsize=true];',
        "edge[arrowhead=none,weight=8];",
        *_members(composition, None),
        *_connections(composition),
        "}",
    ]
    return "\n".join(lines) + "\n"


def _members(composition: Composition, cluster: int | None) -> Iterator[str]:
    """Declarations of the nodes, labels and clusters that lie directly in one cluster."""
    scene = composition.scene
    for index, (node, box) in enumerate(zip(scene.nodes, composition.nodes, strict=True)):
        if node.cluster == cluster:
            yield f"n{index}{_node_attributes(box)};"
    for index, (edge, label) in enumerate(zip(scene.edges, composition.labels, strict=True)):
        if scene.cluster_of(edge) == cluster:
            yield f"w{index}{_label_attributes(label, scene.direction == 'LR')};"
    for index, inner in enumerate(scene.clusters):
        if inner.parent == cluster:
            title = composition.cluster_titles[index]
            cell = _CELL.format(int(title.width) + 8, 16)
            yield f"subgraph cluster_{index}{{margin=14;labelloc=t;labeljust=l;"
            yield f'id="c{index}";label=<{_TABLE.format(f"<TR>{cell}</TR>")}>;'
            yield from _members(composition, index)
            yield "}"


def _node_attributes(box: NodeBox) -> str:
    """Shape and size of a node."""
    shape = "circle" if box.shape == "circle" else "box"
    return f"[shape={shape},width={box.width / _POINTS:.4f},height={box.height / _POINTS:.4f}]"


def _label_attributes(label: LabelBox, across: bool) -> str:
    """Shape and size of a wire's labels; a table only where the wire is off the middle."""
    if across and label.before == label.after:
        size = f"width={label.width / _POINTS:.4f},height={label.height / _POINTS:.4f}"
        return f"[shape=box,{size}]"
    if across:
        cells = (
            _CELL.format(label.width, label.before),
            _PORT.format(label.width, WIRE),
            _CELL.format(label.width, label.after),
        )
        rows = "".join(f"<TR>{cell}</TR>" for cell in cells)
    else:
        rows = (
            f"<TR>{_PORT.format(WIRE, label.height)}{_CELL.format(label.after, label.height)}</TR>"
        )
    return f"[fixedsize=false,label=<{_TABLE.format(rows)}>]"


def _connections(composition: Composition) -> Iterator[str]:
    """The two halves of every wire."""
    scene = composition.scene
    across = scene.direction == "LR"
    enter, leave = ("w", "e") if across else ("n", "s")
    for index, (edge, label) in enumerate(zip(scene.edges, composition.labels, strict=True)):
        port = "" if across and label.before == label.after else "w:"
        yield f'n{edge.source}:{leave}->w{index}:{port}{enter}[id="a{index}"];'
        end = f":{enter}" if scene.nodes[edge.target].kind == "card" else ""
        yield f'w{index}:{port}{leave}->n{edge.target}{end}[id="b{index}"];'


def read_layout(composition: Composition, answer: str) -> Layout:
    """The places in a Graphviz engine's answer.

    Args:
        composition: The scene that was laid out.
        answer: The engine's JSON.

    Raises:
        RenderError: The answer does not belong to this scene.
    """
    across = composition.scene.direction == "LR"
    try:
        graph = json.loads(answer)
        left, low, right, high = (float(number) for number in graph["bb"].split(","))
        places = {thing["name"]: thing for thing in graph.get("objects", [])}
        splines = {edge["id"]: edge["pos"] for edge in graph.get("edges", [])}
        nodes = tuple(
            _point(places[f"n{index}"]["pos"], left, high)
            for index in range(len(composition.nodes))
        )
        routes = tuple(
            _route(index, label, places, splines, Point(left, high), across)
            for index, label in enumerate(composition.labels)
        )
        clusters = tuple(
            _frame(places[f"cluster_{index}"]["bb"], left, high)
            for index in range(len(composition.scene.clusters))
        )
    except (KeyError, ValueError) as error:
        raise RenderError(
            f"layout: the engine's answer lacks {error}; it was made for another scene or by "
            "another program. Try another engine with engine=..."
        ) from error
    return Layout(right - left, high - low, nodes, routes, clusters)


def _point(text: str, left: float, high: float) -> Point:
    """A place of Graphviz, whose y grows upwards."""
    x, y = text.split(",")[:2]
    return Point(float(x) - left, high - float(y))


def _frame(text: str, left: float, high: float) -> Frame:
    """A rectangle of Graphviz."""
    x0, y0, x1, y1 = (float(number) for number in text.split(","))
    return Frame(x0 - left, high - y1, x1 - left, high - y0)


def _route(
    index: int,
    label: LabelBox,
    places: Places,
    splines: dict[str, str],
    corner: Point,
    across: bool,
) -> Route:
    """One wire."""
    centre = _point(places[f"w{index}"]["pos"], *corner)
    arriving, leaving = (
        tuple(
            _point(part, *corner)
            for part in splines[f"{half}{index}"].split()
            if part[0] not in "es"  # arrow heads, which are drawn here
        )
        for half in "ab"
    )
    place = Point(centre.x - label.width / 2, centre.y - label.height / 2)
    return _straightened(_levelled(Route(arriving, leaving, place), across), across)


def _levelled(route: Route, across: bool) -> Route:
    """The wire without corners at its labels: both curves meet the straight line smoothly."""
    before, end = route.arriving[-2:]
    start, after = route.leaving[:2]
    if across:
        before, after = Point(before.x, end.y), Point(after.x, start.y)
    else:
        before, after = Point(end.x, before.y), Point(start.x, after.y)
    arriving = _rounded((*route.arriving[:-2], before, end), across)
    return Route(arriving, (start, after, *route.leaving[2:]), route.label)


def _rounded(curve: tuple[Point, ...], across: bool) -> tuple[Point, ...]:
    """A single curve whose bends are at least as wide as half its length."""
    if len(curve) != _ONE_CURVE:
        return curve
    start, first, second, end = curve
    if across:
        middle = (start.x + end.x) / 2
        first, second = (
            Point(max(first.x, middle), first.y),
            Point(min(second.x, middle), second.y),
        )
    else:
        middle = (start.y + end.y) / 2
        first, second = (
            Point(first.x, max(first.y, middle)),
            Point(second.x, min(second.y, middle)),
        )
    return (start, first, second, end)


def _straightened(route: Route, across: bool) -> Route:
    """The wire without a small step before its labels, which the engine's whole numbers leave."""
    start, end = route.arriving[0], route.arriving[-1]
    step = Point(0.0, start.y - end.y) if across else Point(start.x - end.x, 0.0)
    if not 0 < abs(step.x + step.y) <= _LARGEST_STEP:
        return route
    end = _moved(end, step)
    middle = Point((start.x + end.x) / 2, (start.y + end.y) / 2)
    leaving = (*(_moved(point, step) for point in route.leaving[:2]), *route.leaving[2:])
    return Route((start, middle, middle, end), leaving, _moved(route.label, step))


def _moved(point: Point, step: Point) -> Point:
    """A point at another place."""
    return Point(point.x + step.x, point.y + step.y)
