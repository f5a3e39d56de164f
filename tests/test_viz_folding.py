"""Large circuits and parts of circuits: what their figures show, and what they leave out."""

import os
import pathlib
import shutil
import subprocess
import sys
import sysconfig
import time
from xml.etree import ElementTree

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from circuitgrad.circuits import circuit
from circuitgrad.errors import RenderError, SpecError
from circuitgrad.gates.activations import relu, sigmoid
from circuitgrad.gates.reductions import softmax
from circuitgrad.sources import input_wire, input_wires
from circuitgrad.viz import engine as viz_engine
from circuitgrad.viz.drawing import draw
from circuitgrad.viz.scopes import Graph, grouping
from circuitgrad.viz.sparklines import sparkline
from circuitgrad.wire import scope

BLOCKS = """
import numpy as np
from circuitgrad.circuits import circuit
from circuitgrad.sources import input_wires
from circuitgrad.viz import engine as viz_engine
from circuitgrad.viz.drawing import draw
from circuitgrad.wire import scope
h = list(input_wires("x0 x1 x2 x3 x4 x5 x6 x7"))
for number in range(9):
    with scope("net"), scope(f"block{number}"):
        z = [0.3 * (a + b) for a, b in zip(h, [*h[1:], h[0]])]
        h = [np.tanh(a) + b for a, b in zip(z, h)]
target = circuit(y=sum(h[1:], h[0]))
run = target.run(*[0.1 * k for k in range(8)])
run.backward()
for options in ({}, {"expand": "net/block3"}, {"scope": "net/block3"}, {"fuse": True}):
    print(draw(target, run, **options).svg())
"""


def blocks(count=9, width=8, between=False):
    """A stack of equal blocks with a wire past each; with gates between them if asked for."""
    h = list(input_wires(" ".join(f"x{k}" for k in range(width))))
    for number in range(count):
        with scope("net"):
            with scope(f"block{number}"):
                z = [0.3 * (a + b) for a, b in zip(h, [*h[1:], h[0]], strict=True)]
                z = [np.tanh(a) for a in z]
            if between:
                h = [a + b for a, b in zip(z, h, strict=True)]
            else:
                with scope(f"block{number}"):
                    h = [a + b for a, b in zip(z, h, strict=True)]
    with scope("head"):
        y = sum(h[1:], h[0])
    with scope("loss"):
        return circuit(L=np.log(1 + y**2))


def ran(target):
    run = target.run(*[0.1 * (k + 1) for k in range(len(target.inputs))])
    run.backward()
    return run


def words(svg):
    root = ElementTree.fromstring(svg)
    return " ".join(
        "".join(text.itertext()) for text in root.iter("{http://www.w3.org/2000/svg}text")
    )


@st.composite
def graphs(draw_from):
    """Random acyclic graphs with random scopes, equal ones among them."""
    count = draw_from(st.integers(1, 60))
    name = st.sampled_from(["a", "b", "c", "block0", "block1", "block2"])
    path = st.lists(name, max_size=3).map("/".join)
    scopes = draw_from(st.lists(path, min_size=count, max_size=count))
    operands = [
        tuple(draw_from(st.lists(st.integers(-1, gate - 1), max_size=3))) for gate in range(count)
    ]
    kinds = draw_from(st.lists(st.sampled_from(["add", "mul"]), min_size=count, max_size=count))
    return Graph(scopes, operands, kinds)


def is_acyclic(found, graph):
    place = {gate: k for k, card in enumerate(found.cards) for gate in card.gates()}
    after = {k: set() for k in range(len(found.cards))}
    for gate, sources in enumerate(graph.operands):
        for source in sources:
            if source >= 0 and place[source] != place[gate]:
                after[place[gate]].add(place[source])
    done = set()
    while ready := [k for k in after if k not in done and after[k] <= done]:
        done.update(ready)
    return len(done) == len(found.cards)


@settings(max_examples=200, deadline=None)
@given(
    graph=graphs(),
    budget=st.integers(2, 70),
    expand=st.sampled_from([None, True, False, 1, 2, "a", ("b", "block1")]),
    fold=st.booleans(),
)
def test_every_gate_is_in_one_card_and_no_card_follows_itself(graph, budget, expand, fold):
    found = grouping(graph, budget, 400, expand, fold)
    held = sorted(gate for card in found.cards for gate in card.gates())
    assert held == list(range(len(graph.scopes)))
    assert is_acyclic(found, graph)
    if expand is None:
        assert len(found.cards) <= budget
    if not fold:
        assert all(len(card.copies) == 1 for card in found.cards)
    for card in found.cards:
        assert len({len(copy) for copy in card.copies}) == 1
        for gate in card.gates():
            assert f"{graph.scopes[gate]}/".startswith(f"{card.scope}/" if card.scope else "")


def test_equal_blocks_share_a_card_whose_bars_are_the_gradient_norms_of_the_run():
    target = blocks(width=16)
    run = ran(target)
    card = next(
        signal
        for signal in figure_account(target, run, expand="net").signals
        if signal.name == "block × 9"
    )
    for number, shown in enumerate(card.bundle.norms):
        inside = [w for w in target.wires if w.scope == f"net/block{number}"]
        read = {s.serial for w in target.wires if w.scope != f"net/block{number}" for s in w.inputs}
        leaving = [run.gradient(wire) for wire in inside if wire.serial in read]
        assert len(leaving) == 16
        assert shown == pytest.approx(np.linalg.norm(leaving), rel=1e-14)
    assert card.bundle.gates == sum(
        w.scope == "net/block0" and bool(w.inputs) for w in target.wires
    )


def figure_account(target, run, **options):
    """The account behind a figure."""
    from circuitgrad.viz import drawing

    kept = []
    original = drawing.assemble
    try:
        drawing.assemble = lambda account, style: kept.append(account) or original(account, style)
        draw(target, run, **options)
    finally:
        drawing.assemble = original
    return kept[0]


def test_bars_are_as_high_as_the_logarithm_of_the_norm():
    bars = sparkline([1e-6, 1e-3, 1.0], "grad")
    low, middle, high = bars.heights
    assert high == 1
    assert middle - low == pytest.approx(high - middle)
    assert sparkline([1.0, 0.0, float("nan"), None], "grad").roles == (
        "grad",
        "dim",
        "alert",
        "dim",
    )


def test_counts_of_a_folded_figure_add_up():
    target = blocks(width=20)
    account = figure_account(target, ran(target), expand=1)
    bundles = [signal.bundle for signal in account.signals if signal.bundle]
    gates = sum(b.copies * b.gates + b.others for b in bundles)
    gates += sum(signal.kind == "gate" for signal in account.signals)
    live = [wire for wire in target.wires if wire.inputs]
    assert gates == len(live)
    assert sum(b.inputs for b in bundles) == 20


def test_gates_between_equal_blocks_are_counted_with_them():
    target = blocks(width=16, between=True)
    shown = words(draw(target, ran(target), expand="net").svg())
    assert "block × 9" in shown


def test_a_scope_opened_by_name_stands_apart_from_its_equals():
    shown = words(draw(blocks(), ran(blocks()), expand="net/block3").svg())
    assert "block × 3" in shown
    assert "block × 5" in shown
    assert shown.count("tanh") >= 8


def test_a_wire_into_a_card_has_the_sum_of_what_its_gates_send_back():
    x, y = input_wires("x y")
    with scope("part"):
        f = x * y + x**2
    account = figure_account(circuit(f=f), circuit(f=f).run(x=3, y=5), expand=False)
    assert not account.pulled
    run = circuit(f=f).run(x=3, y=5)
    run.backward()
    account = figure_account(circuit(f=f), run, expand=False)
    sent = {account.signals[b.source].name: b.pulls[0].downstream for b in account.branches}
    assert sent == {"x": pytest.approx(5 + 2 * 3), "y": pytest.approx(3)}


def test_a_circuit_without_scopes_is_cut_into_runs_of_gates():
    (x,) = input_wires("x")
    wire = x
    for _ in range(1000):
        wire = np.sin(wire)
    figure = draw(circuit(f=wire), x=1)
    assert "1,000 of 1,000 gates are in 12 cards" in figure.describe()


def test_a_scope_alone_shows_what_comes_in_and_goes_out():
    target = blocks()
    text = draw(target, ran(target), scope="net/block3").describe()
    assert "Part of a circuit: 32 of its" in text
    assert "from outside this part" in text
    assert "to gates outside this part" in text


def test_a_neighbourhood_holds_the_wires_so_many_gates_away():
    x, y = input_wires("x y")
    a = x * y
    b = np.sin(a)
    c = np.exp(b)
    target = circuit(f=np.log(c + 2))
    for hops, count in ((0, 1), (1, 3), (2, 4)):
        account = figure_account(target, None, around=b, hops=hops)
        near = [s for s in account.signals if s.kind == "gate"]
        assert len(near) == count


def test_a_path_holds_the_ways_from_one_wire_to_another_and_no_others():
    x, y = input_wires("x y")
    target = circuit(f=np.sin(x) * np.exp(y) + x)
    account = figure_account(target, None, path=("x", "f"))
    assert [s.gate for s in account.signals if s.kind == "gate"] == ["sin", "mul", "add"]


def test_a_fused_chain_has_the_product_of_the_local_gradients():
    (x,) = input_wires("x")
    z = 2 * x
    target = circuit(f=1 / (1 + np.exp(-z)))
    run = target.run(x=0.3)
    run.backward()
    account = figure_account(target, run, fuse=True)
    (branch,) = account.branches
    s = 1 / (1 + np.exp(-0.6))
    assert branch.pulls[0].local == pytest.approx(2 * s * (1 - s), rel=1e-14)
    assert branch.pulls[0].downstream == pytest.approx(2 * s * (1 - s), rel=1e-14)
    assert sum(signal.kind == "gate" for signal in account.signals) == 1


def test_bytes_do_not_depend_on_the_hash_seed():
    outputs = {
        subprocess.run(
            [sys.executable, "-c", BLOCKS],
            env=os.environ | {"PYTHONHASHSEED": seed},
            capture_output=True,
            check=True,
        ).stdout
        for seed in ("1", "2")
    }
    assert len(outputs) == 1
    assert next(iter(outputs))


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"scope": "net/blok3"}, "no gate is in scope 'net/blok3'.*net/block3"),
        ({"expand": ["head", "tail"]}, "no gate is in scope 'tail'"),
        ({"around": "nowhere"}, "no wire is named 'nowhere'"),
        ({"around": "x0", "hops": -1}, "hops is -1"),
        ({"path": ("L", "x0")}, "no path leads"),
        ({"path": "x0"}, "needed two names"),
        ({"max_nodes": 0}, "max_nodes is 0"),
        ({"max_nodes": 3.5}, "max_nodes is 3.5"),
        ({"scope": "net", "around": "x0"}, "scope and around"),
    ],
)
def test_parts_that_are_not_there_are_refused(options, message):
    with pytest.raises(SpecError, match=message):
        draw(blocks(), **options)


def test_a_card_without_a_backward_pass_has_no_bars_and_the_figure_says_so():
    target = blocks(width=16)
    run = target.run(*[0.1] * 16)
    figure = draw(target, run, expand="net")
    assert "backward() was not run" in figure.describe()
    assert all(not s.bundle.norms for s in figure_account(target, run).signals if s.bundle)
    assert "block × 9" in words(figure.svg())


def test_tensors_in_cards_are_measured_together():
    x = input_wire("x", shape=(3,))
    with scope("net"):
        hidden = [np.tanh(x * float(k)) for k in range(1, 4)]
    target = circuit(f=(hidden[0] * hidden[1] * hidden[2]).sum())
    run = target.run(x=[0.1, 0.2, 0.3])
    run.backward()
    account = figure_account(target, run, expand=False)
    card = next(s for s in account.signals if s.bundle)
    gradients = np.concatenate([run.gradient(wire) for wire in hidden])
    assert card.bundle.norms == (pytest.approx(np.linalg.norm(gradients)),)


def test_folding_many_gates_takes_seconds():
    target = blocks(count=300, width=16)
    start = time.perf_counter()
    figure = draw(target)
    figure.svg()
    assert time.perf_counter() - start < 10
    assert "block × 300" in figure.describe()


def test_names_cannot_break_a_card():
    (x,) = input_wires("x")
    with scope('<script><b>&"\n'):
        f = np.sin(sigmoid(x) + relu(x))
    svg = draw(circuit(f=f), x=1, expand=False).svg()
    assert "<script>" not in svg
    ElementTree.fromstring(svg)


@pytest.mark.parametrize(
    "options",
    [
        {"around": "x0", "hops": 2},
        {"path": ("x1", "L")},
        {"scope": "net/block0"},
        {"max_nodes": 20},
    ],
)
def test_what_comes_back_along_all_branches_adds_up_to_the_gradient(options):
    target = blocks(width=4)
    account = figure_account(target, ran(target), **options)
    for index, signal in enumerate(account.signals):
        branches = [branch for branch in account.branches if branch.source == index]
        if signal.kind in ("input", "gate") and signal.name != "L" and branches:
            sent = [pull.downstream for branch in branches for pull in branch.pulls]
            assert sum(sent) == pytest.approx(signal.gradients[0], rel=1e-12)


GRAPHVIZ_PURE = pathlib.Path(sysconfig.get_path("scripts")) / "graphviz-pure"
ENGINES = {
    "dot": shutil.which("dot"),
    "graphviz-pure": shutil.which(str(GRAPHVIZ_PURE)),
}


@pytest.mark.parametrize("engine", [name for name, found in ENGINES.items() if found])
def test_cards_are_laid_out_by_every_engine_that_is_there(engine, monkeypatch):
    monkeypatch.setattr(
        viz_engine.shutil, "which", lambda name: ENGINES[engine] if engine in name else None
    )
    svg = draw(blocks(width=20), expand="net").svg()
    assert "block × 9" in words(svg)


def test_the_wheel_of_an_engine_is_there_where_it_is_needed():
    assert any(ENGINES.values())


def test_without_any_engine_cards_are_still_written_as_text(monkeypatch):
    monkeypatch.setattr(viz_engine.shutil, "which", lambda name: None)
    target = blocks(width=20)
    figure = draw(target, ran(target), expand="net")
    with pytest.raises(RenderError, match="pip install graphviz-pure"):
        figure.svg()
    assert "block × 9" in figure.dot()
    assert "█" in figure.dot()


def test_a_composite_gate_can_be_shown_as_the_gates_that_it_stands_for():
    x = input_wire("x", shape=(3,))
    target = circuit(f=(softmax(x) * np.array([1.0, 2.0, 3.0])).sum())
    run = target.run(x=[0.1, 0.2, 0.4])
    run.backward()
    closed = figure_account(target, run)
    account = figure_account(target, run, composites=True)
    assert any(signal.gate == "softmax" for signal in closed.signals)
    assert all(signal.gate != "softmax" for signal in account.signals)
    assert any(signal.scope == "softmax" for signal in account.signals)
    np.testing.assert_allclose(
        account.signals[0].gradients[0], closed.signals[0].gradients[0], rtol=1e-12
    )
    with pytest.raises(SpecError, match=r"'softmacks'.*softmax"):
        draw(target, run, composites="softmacks")
