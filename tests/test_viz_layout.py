"""Places: nothing on a page covers anything else."""

import itertools

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from circuitgrad.errors import RenderError
from circuitgrad.viz.composition import compose, legend_block
from circuitgrad.viz.content import Space, line
from circuitgrad.viz.engine import run_engine
from circuitgrad.viz.heatmaps import heatmap
from circuitgrad.viz.layout import layout_source, read_layout
from circuitgrad.viz.scene import Edge, LegendEntry, Node, Scene

TOLERANCE = 0.6  # engines round to whole or half points


@st.composite
def scenes(draw):
    """Random circuits: two leaves, some gates that read earlier nodes, one end."""
    gates = draw(st.integers(1, 7))
    direction = draw(st.sampled_from(["LR", "TB"]))
    nodes = [Node("leaf", line("x", "ink", 19)), Node("leaf", line("a longer name", "ink", 19))]
    edges = []
    for index in range(2, 2 + gates):
        nodes.append(Node("gate", line(draw(st.sampled_from(["+", "exp", "softplus"])), "ink")))
        for source in draw(st.lists(st.integers(0, index - 1), min_size=1, max_size=3)):
            rows = draw(
                st.lists(st.sampled_from(["1", "−0.25 × (−1.00)", "wide " * 6]), max_size=3)
            )
            below = tuple(line(row, "grad") for row in rows)
            if draw(st.booleans()):
                below = (heatmap(np.ones(draw(st.sampled_from([(5,), (40,), (9, 30)]))), "grad"),)
            strength = draw(st.sampled_from([None, 0.0, 1.0]))
            edges.append(Edge(source, index, (line("2.00", "fwd"),), below, strength=strength))
    nodes.append(Node("end", Space()))
    edges.append(Edge(len(nodes) - 2, len(nodes) - 1, (line("f = 1", "fwd"),)))
    ordered = draw(st.booleans())
    return Scene("random", tuple(nodes), tuple(edges), direction=direction, ordered=ordered)


def boxes(composition, layout):
    """Left, top, right and bottom of every node and every label."""
    for box, (x, y) in zip(composition.nodes, layout.nodes, strict=True):
        yield x - box.width / 2, y - box.height / 2, x + box.width / 2, y + box.height / 2
    for label, route in zip(composition.labels, layout.routes, strict=True):
        left, top = route.label
        yield left, top, left + label.width, top + label.height


@given(scenes())
@settings(max_examples=25, deadline=None)
def test_no_box_covers_another(scene):
    composition = compose(scene, "text")
    layout = read_layout(composition, run_engine(layout_source(composition)))
    for first, second in itertools.combinations(boxes(composition, layout), 2):
        across = min(first[2], second[2]) - max(first[0], second[0])
        down = min(first[3], second[3]) - max(first[1], second[1])
        assert across <= TOLERANCE or down <= TOLERANCE


@given(scenes())
@settings(max_examples=10, deadline=None)
def test_wires_run_through_their_labels(scene):
    composition = compose(scene, "text")
    layout = read_layout(composition, run_engine(layout_source(composition)))
    for label, route in zip(composition.labels, layout.routes, strict=True):
        arrival, departure = route.arriving[-1], route.leaving[0]
        if scene.direction == "LR":
            assert arrival.y == pytest.approx(departure.y, abs=TOLERANCE)
            assert arrival.y - route.label.y == pytest.approx(label.before + 1, abs=1.1)
        else:
            assert arrival.x == pytest.approx(departure.x, abs=TOLERANCE)
            assert arrival.x - route.label.x == pytest.approx(label.before + 1, abs=1.1)


def test_an_answer_for_another_scene_is_refused():
    scene = Scene("s", (Node("leaf", line("x", "ink")), Node("end", Space())), (Edge(0, 1),))
    with pytest.raises(RenderError, match="another scene"):
        read_layout(compose(scene, "text"), '{"bb": "0,0,1,1"}')


def test_a_legend_takes_as_many_lines_as_it_needs():
    entries = tuple(LegendEntry("dim", "a rather long explanation of a colour") for _ in range(4))
    wide, narrow = legend_block(entries, 2000, "text"), legend_block(entries, 300, "text")
    assert wide.height < narrow.height
    assert narrow.width <= 330
