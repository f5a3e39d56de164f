"""A figure as self-contained DOT text, which Graphviz alone draws."""

from collections.abc import Iterator
from typing import Final

import graphviz

from circuitgrad.viz.content import (
    Bars,
    Caution,
    Column,
    Grid,
    Item,
    Maths,
    Picture,
    Row,
    Span,
    Text,
)
from circuitgrad.viz.escaping import escape, visible
from circuitgrad.viz.plain_maths import plain_text
from circuitgrad.viz.scene import Edge, Node, Scene
from circuitgrad.viz.themes import Role, Theme

_SANS: Final = "Helvetica"
_SERIF: Final = "Times-Italic"
_TABLE: Final = '<<TABLE BORDER="0" CELLBORDER="0" CELLSPACING="0" CELLPADDING="1">{}</TABLE>>'
_WIDE_GAP: Final = 8.0
_BLOCKS: Final = "▁▂▃▄▅▆▇█"
_WIRE_WIDTH: Final = "2"


def dot_source(scene: Scene, theme: Theme) -> str:
    """The scene as DOT text; formulas become plain Unicode text.

    Args:
        scene: What to show.
        theme: The colours.
    """
    writer = _Writer(theme)
    graph = graphviz.Digraph(
        "circuit",
        graph_attr={
            "rankdir": scene.direction,
            "bgcolor": theme.background,
            "nodesep": "0.18",
            "ranksep": "0.18" if scene.roomy else "0.12",
            "pad": "0.25",
            "splines": "spline",
            **({"ordering": "in"} if scene.ordered else {}),
            "outputorder": "edgesfirst",
            "tooltip": _tooltip(scene.title),
            **writer.caption(scene),
        },
        node_attr={
            "shape": "circle",
            "fixedsize": "true",
            "width": "0.56",
            "style": "filled",
            "fillcolor": theme.gate,
            "color": theme.gate_edge,
            "penwidth": "1.3",
            "fontname": _SANS,
            "fontcolor": theme.ink,
        },
        edge_attr={
            "color": theme.wire,
            "penwidth": _WIRE_WIDTH,
            "arrowhead": "none",
            "arrowsize": "0.55",
            "weight": "8",
        },
    )
    _declare(scene, writer, graph, None)
    for index, edge in enumerate(scene.edges):
        writer.connect(graph, index, edge, scene.direction == "LR")
    return str(graph.source)


def _declare(scene: Scene, writer: "_Writer", graph: graphviz.Digraph, cluster: int | None) -> None:
    """Declares the nodes, labels and clusters that lie directly in one cluster."""
    for index, node in enumerate(scene.nodes):
        if node.cluster == cluster:
            writer.node(graph, index, node)
    for index, edge in enumerate(scene.edges):
        if scene.cluster_of(edge) == cluster:
            writer.label(graph, index, edge, scene.direction == "LR")
    for index, inner in enumerate(scene.clusters):
        if inner.parent == cluster:
            with graph.subgraph(name=f"cluster_{index}") as box:
                box.attr(label=f"<{writer.font(inner.name, 'dim', 11)}>", labeljust="l")
                box.attr(style="rounded,filled", fillcolor=writer.theme.cluster)
                box.attr(color=writer.theme.cluster_edge)
                _declare(scene, writer, box, index)


def _tooltip(text: str) -> str:
    """Text for an attribute in which Graphviz reads backslashes."""
    escaped: str = graphviz.escape(visible(text))  # of a type that is never taken for HTML
    return escaped


class _Writer:
    """Writes parts of a scene with the colours of a theme."""

    def __init__(self, theme: Theme) -> None:
        self.theme = theme
        self._colours = theme.colours()

    def font(self, text: str, role: Role, size: float, face: str = _SANS) -> str:
        """A run of text in Graphviz's HTML."""
        if not text:
            return ""
        start = f'<FONT FACE="{face}" COLOR="{self._colours[role]}" POINT-SIZE="{size:g}">'
        # Graphviz takes a closing bracket next to markup for the end of a CDATA section.
        return f"{start}{escape(text).replace(']', '&#93;')}</FONT>"

    def caption(self, scene: Scene) -> dict[str, str]:
        """The graph's label: header and footer, one line each."""
        rows = [row for item in (*scene.header, *scene.footer) for row in self.rows(item)]
        if not rows:
            return {}
        cells = "".join(f'<TR><TD ALIGN="LEFT">{row}</TD></TR>' for row in rows)
        return {"label": _TABLE.format(cells), "labelloc": "t", "labeljust": "l"}

    def node(self, graph: graphviz.Digraph, index: int, node: Node) -> None:
        """Declares a gate, a leaf, or the end of a wire."""
        if node.kind == "end":
            graph.node(f"n{index}", label="", shape="none", style="", width="0.01", height="0.01")
            return
        rows = list(self.rows(node.content))
        inner = "".join(f"<TR><TD>{row}</TD></TR>" for row in rows)
        label = f"<{rows[0]}>" if len(rows) == 1 else _TABLE.format(inner)
        tooltip = _tooltip(node.tooltip)
        if node.kind == "leaf":
            graph.node(
                f"n{index}", label, shape="plain", fixedsize="false", style="", tooltip=tooltip
            )
        elif node.kind != "card" and len(plain_item(node.content)) <= 4:
            graph.node(f"n{index}", label, tooltip=tooltip)
        else:
            graph.node(
                f"n{index}", label, shape="box", style="rounded,filled", fixedsize="false",
                tooltip=tooltip,
            )  # fmt: skip

    def label(self, graph: graphviz.Digraph, index: int, edge: Edge, across: bool) -> None:
        """Declares the labels of a wire, with the wire itself as a coloured cell among them."""
        above = [f"<TR><TD>{row}</TD></TR>" for item in edge.above for row in self.rows(item)]
        below = [
            f"<TR><TD>{row}</TD></TR>"
            for item in (*edge.below, *edge.sums)
            for row in self.rows(item)
        ]
        colour = self.theme.alert if edge.style == "alert" else self.theme.wire
        if across:
            wire = (
                f'<TR><TD PORT="w" HEIGHT="{_WIRE_WIDTH}" CELLPADDING="0" '
                f'BGCOLOR="{colour}"></TD></TR>'
            )
            rows = "".join((*above, wire, *below))
        else:
            cells = [*above, *below] or ["<TR><TD></TD></TR>"]
            rows = (
                f'<TR><TD PORT="w" WIDTH="{_WIRE_WIDTH}" CELLPADDING="0" BGCOLOR="{colour}"></TD>'
                f'<TD><TABLE BORDER="0" CELLPADDING="1" CELLSPACING="0">{"".join(cells)}</TABLE>'
                "</TD></TR>"
            )
        graph.node(
            f"w{index}", _TABLE.format(rows), shape="plain", fixedsize="false", style="",
            tooltip=_tooltip(edge.tooltip),
        )  # fmt: skip

    def connect(self, graph: graphviz.Digraph, index: int, edge: Edge, across: bool) -> None:
        """Draws the two halves of a wire."""
        enter, leave = ("w", "e") if across else ("n", "s")
        style = {"zero": {"style": "dashed"}, "alert": {"color": self.theme.alert}}.get(
            edge.style, {}
        )
        graph.edge(f"n{edge.source}:{leave}", f"w{index}:w:{enter}", **style)
        graph.edge(f"w{index}:w:{leave}", f"n{edge.target}", arrowhead="normal", **style)

    def rows(self, item: Item) -> Iterator[str]:
        """The lines of an item, each as Graphviz's HTML; empty ones are left out."""
        if isinstance(item, Column):
            for part in item.items:
                yield from self.rows(part)
        elif text := self._line(item):
            yield text

    def _line(self, item: Item) -> str:
        """An item on one line."""
        match item:
            case Text(spans):
                return "".join(self._span(span) for span in spans)
            case Maths(latex, role, size):
                return self.font(plain_text(latex), role, size, _SERIF)
            case Caution(size):
                return self.font("! ", "alert", size)
            case Picture(role=role, words=words):
                return self.font(words.removeprefix("Heatmap of "), role, 9.5)
            case Bars(heights, roles):
                steps = zip(heights, roles, strict=True)
                return "".join(self.font(_block(part), role, 12) for part, role in steps)
            case Row(items, gap):
                room = self.font("  " if gap >= _WIDE_GAP else " ", "dim", 9) if gap else ""
                return room.join(self._line(part) for part in items)
            case Column(items):
                return " ".join(self._line(part) for part in items)
            case Grid(rows):
                comma, semicolon = (self.font(sign, "ink", 12) for sign in (", ", "; "))
                inner = semicolon.join(comma.join(map(self._line, row)) for row in rows)
                return self.font("[", "ink", 12) + inner + self.font("]", "ink", 12)
        return ""

    def _span(self, span: Span) -> str:
        """A run of text; bold as Graphviz writes it."""
        text = self.font(
            span.text, span.role, span.size, _SERIF if span.face == "italic" else _SANS
        )
        return f"<B>{text}</B>" if span.face == "bold" and text else text


def _block(part: float) -> str:
    """A block of about the height of a bar, as a character."""
    return _BLOCKS[min(int(part * len(_BLOCKS)), len(_BLOCKS) - 1)]


def plain_item(item: Item) -> str:
    """The item as plain text on one line.

    Args:
        item: Content of a label.
    """
    match item:
        case Text(spans):
            return "".join(span.text for span in spans)
        case Maths(latex):
            return plain_text(latex)
        case Row(items) | Column(items):
            return " ".join(filter(None, map(plain_item, items)))
        case Grid(rows):
            return "[" + "; ".join(", ".join(map(plain_item, row)) for row in rows) + "]"
    return ""
