"""A figure as TikZ: a LaTeX document with one picture, whose words and formulas LaTeX sets."""

import re
from collections.abc import Iterator
from typing import Final

from circuitgrad.viz.arrangement import MARGIN, arrange, label_corner, wire_shapes
from circuitgrad.viz.composition import Composition, NodeBox
from circuitgrad.viz.layout import Layout, Point, Route
from circuitgrad.viz.maths import MathsEngine
from circuitgrad.viz.scene import Edge
from circuitgrad.viz.tex import tex_maths, tex_text
from circuitgrad.viz.themes import LIGHT, Theme, magnitude_step, wire_width
from circuitgrad.viz.typesetting import (
    FRAME,
    FormulaMark,
    Mark,
    PictureMark,
    ShapeMark,
    TextMark,
)

_PREAMBLE: Final = r"""%% For pdflatex, xelatex and lualatex. To copy the picture elsewhere,
%% load amsmath, amssymb, iftex, and tikz with its library svg.path there.
\documentclass{article}
\usepackage{fix-cm}
\usepackage{iftex}
\ifPDFTeX\usepackage[T1]{fontenc}\fi
\usepackage{amsmath,amssymb,tikz}
\usetikzlibrary{svg.path}
\usepackage[paperwidth=%dpt,paperheight=%dpt,margin=0pt]{geometry}
\pagestyle{empty}\parindent0pt\topskip0pt
\begin{document}
"""
_MACROS: Final = r"""\def\cgcell#1#2#3#4#5{\definecolor{cgcell}{HTML}{#5}%
\fill[cgcell](#1,#2)rectangle++(#3,#4);}%
\def\cgfont#1{\fontsize{#1pt}{#1pt}\selectfont}"""
_DISC: Final = re.compile(r"M0,0a([\d.]+),\1 0 1 0 ")
_PLAIN_WIDTH: Final = 1.8
_ALERT_WIDTH: Final = 3.0
_BOLD: Final = {"bold": r"\bfseries ", "italic": r"\rmfamily\itshape ", "sans": ""}


def tikz_document(
    composition: Composition, layout: Layout, theme: Theme, engine: MathsEngine
) -> str:
    """The figure as a LaTeX document.

    Args:
        composition: A scene with sizes.
        layout: The places of its parts.
        theme: The colours.
        engine: The maths engine that measured the formulas.
    """
    places = arrange(composition, layout, engine)
    lines = [
        r"\begin{tikzpicture}[x=1pt,y=-1pt,every node/.style={inner sep=0pt,outer sep=0pt},"
        r"font=\sffamily]",
        _MACROS,
        *_colours(composition, theme),
        f"{_fill(theme)}(0,0) rectangle ({places.width},{places.height});",
        rf"\begin{{scope}}[shift={{({MARGIN},{MARGIN})}}]",
        *(line for block, y in places.above for line in _marks(block.marks, 0.0, y)),
        rf"\begin{{scope}}[shift={{(0,{_n(places.graph)})}}]",
        *_graph(composition, layout),
        r"\end{scope}",
        *(line for block, y in places.below for line in _marks(block.marks, 0.0, y)),
        r"\end{scope}",
        r"\end{tikzpicture}",
    ]
    preamble = _PREAMBLE % (places.width, places.height)
    return preamble + "%\n".join(lines) + "%\n\\end{document}\n"


def _fill(theme: Theme) -> str:
    """The ground: painted where it is dark, else only the picture's size."""
    return r"\path" if theme is LIGHT else r"\fill[cgbackground]"


def _colours(composition: Composition, theme: Theme) -> Iterator[str]:
    """Definitions of the colours."""
    names = theme.colours()
    if any(edge.strength is not None for edge in composition.scene.edges):
        names |= theme.magnitudes()
    for name, colour in names.items():
        yield rf"\definecolor{{cg{name.replace('_', '')}}}{{HTML}}{{{colour[1:]}}}"


def _graph(composition: Composition, layout: Layout) -> Iterator[str]:
    """Clusters, wires and nodes, one above the other."""
    scene = composition.scene
    for frame in layout.clusters:
        yield (
            rf"\filldraw[fill=cgcluster,draw=cgclusteredge,line width=1pt,rounded corners=12pt] "
            f"({_n(frame.left)},{_n(frame.top)}) rectangle ({_n(frame.right)},{_n(frame.bottom)});"
        )
    wires = zip(scene.edges, composition.labels, layout.routes, strict=True)
    for edge, label, route in wires:
        yield from _wire(edge, route)
        corner = label_corner(label, route, scene.direction == "LR")
        yield from _marks(label.marks, corner.x, corner.y)
    for title, frame in zip(composition.cluster_titles, layout.clusters, strict=True):
        start = Point(frame.left + 10, frame.top + 4)
        end = Point(start.x + title.width + 4, start.y + title.height + 4)
        if scene.direction == "TB":  # wires that come from above pass below the title
            yield rf"\fill[cgcluster] {_p(start)} rectangle {_p(end)};"
        yield from _marks(title.marks, frame.left + 12, frame.top + 6)
    nodes = zip(scene.nodes, composition.nodes, layout.nodes, strict=True)
    for node, box, centre in nodes:
        if node.kind != "end":
            yield from _node(box, centre)


def _node(box: NodeBox, centre: Point) -> Iterator[str]:
    """A gate or a leaf."""
    style = r"\filldraw[fill=cggate,draw=cggateedge,line width=1.4pt"
    x, y = centre
    wide, tall = box.width / 2, box.height / 2
    if box.shape == "circle":
        yield f"{style}] {_p(centre)} circle[radius={_n(wide)}pt];"
    elif box.shape == "pill":
        corners = f"{_p(Point(x - wide, y - tall))} rectangle {_p(Point(x + wide, y + tall))};"
        yield f"{style},rounded corners={_n(tall)}pt] {corners}"
    yield from _marks(box.marks, x, y)


def _wire(edge: Edge, route: Route) -> Iterator[str]:
    """A wire and its arrow head."""
    colour, width, extra = "cgwire", _PLAIN_WIDTH, ",line cap=round"
    if edge.style == "alert":
        colour, width = "cgalert", _ALERT_WIDTH
    elif edge.style == "zero":
        extra = ",dash pattern=on 3pt off 3pt"
    elif edge.strength is not None:
        colour, width = f"cgm{magnitude_step(edge.strength)}", wire_width(edge.strength)
    curve, head = wire_shapes(route, 1.4 if edge.strength is None else wire_width(edge.strength))
    line = f"{_curves(route.arriving)} -- {_curves((route.leaving[0], *curve))}"
    yield rf"\draw[{colour},line width={width:.2f}pt{extra}] {line};"
    yield rf"\fill[{colour}] {' -- '.join(map(_p, head))} -- cycle;"


def _curves(points: tuple[Point, ...]) -> str:
    """Bézier curves through the points: a start, then three points for each."""
    parts = [_p(points[0])]
    for place in range(1, len(points) - 2, 3):
        first, second, end = points[place : place + 3]
        parts.append(f".. controls {_p(first)} and {_p(second)} .. {_p(end)}")
    return " ".join(parts)


def _marks(marks: tuple[Mark, ...], x: float, y: float) -> Iterator[str]:
    """Marks moved by (x, y)."""
    for mark in marks:
        place = Point(mark.x + x, mark.y + y)
        match mark:
            case TextMark():
                yield _line(mark, place)
            case FormulaMark():
                middle = Point(place.x + mark.formula.width * mark.size / 2000, place.y)
                words = _maths(mark.latex, mark.role, mark.size)
                yield rf"\node[anchor=base] at {_p(middle)} {{{words}}};"
            case ShapeMark():
                yield _shape(mark, place)
            case PictureMark():
                yield from _picture(mark, place)


def _line(mark: TextMark, place: Point) -> str:
    """A line of text at its middle or at its start."""
    anchor = "base west" if mark.start else "base"
    if mark.start and mark.spans[0].text.startswith(" "):
        # Between two other marks: in the middle of its room, as LaTeX's own font is narrower.
        anchor, place = "base", Point(place.x + mark.width / 2, place.y)
    return rf"\node[anchor={anchor}] at {_p(place)} {{{_words(mark)}}};"


def _shape(mark: ShapeMark, place: Point) -> str:
    """A drawn shape; discs as such, because TikZ reads the arcs of a whole circle as nothing."""
    style = f"draw,line width={mark.stroke:g}pt" if mark.stroke else "fill"
    disc = _DISC.match(mark.outline)
    if disc:
        centre = Point(place.x + float(disc[1]), place.y)
        return rf"\path[{style},cg{mark.role}] {_p(centre)} circle[radius={disc[1]}pt];"
    return rf"\path[{style},cg{mark.role},shift={{{_p(place)}}},yscale=-1] svg {{{mark.outline}}};"


def _words(mark: TextMark) -> str:
    """A line of text, or the formula that it stands for."""
    if mark.latex:
        return _maths(mark.latex, mark.spans[0].role, mark.spans[0].size)
    return "".join(
        rf"{{\cgfont{{{span.size:g}}}\color{{cg{span.role}}}{_BOLD[span.face]}{tex_text(span.text)}}}"
        for span in mark.spans
    )


def _maths(latex: str, role: str, size: float) -> str:
    """A formula in its colour and size."""
    return rf"\cgfont{{{size:g}}}\color{{cg{role}}}${tex_maths(latex)}$"


def _picture(mark: PictureMark, place: Point) -> Iterator[str]:
    """The pixels of a picture, neighbours of one colour together, and its frame."""
    picture = mark.picture
    for row, pixels in enumerate(picture.rows):
        y = place.y + FRAME + row * picture.cell_height
        for start, count, colour in _runs(pixels):
            x = place.x + FRAME + start * picture.cell_width
            sizes = (x, y, count * picture.cell_width, picture.cell_height)
            yield rf"\cgcell{''.join(f'{{{_n(size)}}}' for size in sizes)}{{{colour}}}"
    corner = Point(place.x + FRAME / 2, place.y + FRAME / 2)
    opposite = Point(corner.x + mark.width + FRAME, corner.y + mark.height + FRAME)
    yield (
        rf"\draw[cg{picture.role},line width={FRAME:g}pt] {_p(corner)} rectangle {_p(opposite)};"
    )


def _runs(pixels: bytes) -> Iterator[tuple[int, int, str]]:
    """Start, length and colour of every run of equal pixels in a row."""
    colours = [pixels[place : place + 3].hex().upper() for place in range(0, len(pixels), 3)]
    start = 0
    for place in range(1, len(colours) + 1):
        if place == len(colours) or colours[place] != colours[start]:
            yield start, place - start, colours[start]
            start = place


def _p(point: Point) -> str:
    """A coordinate of TikZ."""
    return f"({_n(point.x)},{_n(point.y)})"


def _n(number: float) -> str:
    """A number with at most two decimals, and never a negative zero."""
    text = f"{number:.2f}".rstrip("0").rstrip(".")
    return "0" if text == "-0" else text
