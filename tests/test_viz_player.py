"""The page that plays a circuit: what it holds, and what it refuses."""

import base64
import dataclasses
import json
import re

import numpy as np
import pytest

from circuitgrad.circuits import circuit
from circuitgrad.errors import RenderError
from circuitgrad.sources import constant, input_wire, input_wires
from circuitgrad.viz.drawing import draw
from tests.viz_circuits import AT, live, neuron


def data_of(page):
    found = re.search(r'<script type="application/json" id="data">(.*?)</script>', page, re.S)
    return json.loads(found[1])


def test_a_page_requests_nothing_and_runs_its_own_script_only():
    page = draw(neuron(), **AT).player().html()
    policy = re.search(r'Content-Security-Policy" content="([^"]+)"', page)[1]
    assert policy.startswith("default-src 'none'")
    assert "script-src 'sha256-" in policy
    assert "unsafe-eval" not in policy
    assert "script-src 'unsafe" not in policy
    links = re.findall(r'(?:src|href|action)="([^"]*)"', page)
    assert all(link.startswith("#") for link in links)


def test_the_same_circuit_gives_the_same_page():
    assert draw(neuron(), **AT).player().html() == draw(neuron(), **AT).player().html()


def test_a_circuit_that_was_not_run_is_refused():
    with pytest.raises(RenderError, match=r"needed a forward pass.*circuit\.draw\(x=1\.0\)"):
        draw(neuron()).player()


def test_without_a_backward_pass_the_forward_pass_is_played():
    target = neuron()
    steps = data_of(draw(target, target.run(**AT)).player().html())["passes"][0]["steps"]
    assert {step["p"] for step in steps} == {"f"}
    assert len(steps) == 9


def test_pages_that_are_too_large_are_refused(monkeypatch):
    monkeypatch.setattr("circuitgrad.viz.player._MOST_BYTES", 50_000)
    with pytest.raises(RenderError, match=r"0\.1\d megabytes; at most.*detail=0"):
        draw(neuron(), **AT).player().html()


def test_only_html_files_are_written(tmp_path):
    figure = draw(neuron(), **AT)
    saved = figure.player().save(tmp_path / "a.html").read_text(encoding="utf-8")
    assert saved.startswith("<!DOCTYPE html>")
    assert figure.save(tmp_path / "b.html").read_text(encoding="utf-8") == saved
    with pytest.raises(RenderError, match=r"'a\.svg'.*written to \.html"):
        figure.player().save(tmp_path / "a.svg")


def test_a_notebook_gets_a_frame_and_a_still_picture():
    bundle = draw(neuron(), **AT).player()._repr_mimebundle_()
    assert sorted(bundle) == ["image/svg+xml", "text/html", "text/plain"]
    assert 'sandbox="allow-scripts"' in bundle["text/html"]
    picture = re.search(r"data:image/svg\+xml;base64,([^\"]+)", bundle["text/html"])[1]
    assert base64.b64decode(picture).startswith(b"<svg")


def test_questions_know_the_numbers_of_the_run():
    target = neuron()
    run = target.run(**AT)
    run.backward()
    steps = data_of(draw(target, run).player().html())["passes"][0]["steps"]
    asked = [question["a"] for step in steps for question in step["q"]]
    values = [run[wire].value for wire in target.wires if wire.inputs and wire.serial in live(run)]
    gradients = [edge.downstream for edge in run.edges("f") if edge.source.serial in live(run)]
    assert sorted(asked) == pytest.approx(sorted([*values, *gradients]), rel=1e-5)


def test_tensors_are_played_with_their_shapes():
    W, v = input_wire("W", "5 2"), input_wire("v", "2")
    figure = draw(circuit(J=np.sin(W @ v).sum()), W=np.ones((5, 2)), v=np.ones(2))
    text = json.dumps(data_of(figure.player().html()), ensure_ascii=False)
    assert "5×2 tensor of norm" in text


@pytest.mark.parametrize(
    ("outputs", "values"),
    [
        (lambda x, y: {"f": x, "g": x * 2}, {"x": 1, "y": 5}),
        (lambda x, y: {"f": np.log(x) * y}, {"x": 0, "y": 0}),
        (lambda x, y: {"f": np.where(x > y, x, y)}, {"x": 1, "y": 1}),
        (lambda x, y: {"f": x * x + x * x * x + y}, {"x": np.nan, "y": np.inf}),
        (lambda x, y: {"f": 2 * x, "g": 3 * y}, {"x": 1e-300, "y": -1e300}),
    ],
    ids=["output is an input", "not finite", "kink", "nan", "extreme"],
)
def test_unusual_circuits_are_played(outputs, values):
    x, y = input_wires("x y")
    with np.errstate(all="ignore"):
        figure = draw(circuit(**outputs(x, y), inputs=(x, y)), **values)
    for played in data_of(figure.player().html())["passes"]:
        assert played["steps"][0]["p"] == "f"
        assert played["steps"][-1]["p"] == "b"
    assert "offset-path" in figure.animation().svg()


def test_empty_and_one_entry_tensors_are_played():
    x, W = input_wire("x", "n"), input_wire("W", "1 1")
    for size in (0, 1):
        figure = draw(circuit(f=(x * 2).sum() + W.sum()), x=np.ones(size), W=np.ones((1, 1)))
        assert data_of(figure.player().html())["passes"][0]["steps"]


def test_a_circuit_without_inputs_is_played_forward_and_back():
    figure = draw(circuit(f=constant(2.0) * 3, inputs=()))
    assert data_of(figure.player().html())["passes"][0]["steps"]


def test_a_figure_that_folds_gates_is_not_played():
    figure = draw(neuron(), **AT)
    account, style = figure.material
    folded = dataclasses.replace(account.signals[-1], kind="card")
    account = dataclasses.replace(account, signals=(*account.signals[:-1], folded))
    figure.material = account, style
    with pytest.raises(RenderError, match="folds or leaves out gates"):
        figure.player()
