"""The page that plays a circuit: its content, and what a reader does with it in Chromium."""

import base64
import io
import json
import re

import numpy as np
import pytest
from PIL import Image

from circuitgrad.circuits import circuit
from circuitgrad.errors import RenderError
from circuitgrad.sources import input_wire, input_wires
from circuitgrad.viz.drawing import draw
from circuitgrad.viz.numbers import factor, format_number
from circuitgrad.wire import scope

AT = {"w0": 2, "x0": -1, "w1": -3, "x1": -2, "w2": -3}
EVIL = (
    "</script><script>alert(1)</script>",
    '"><img src=x onerror=alert(1)>',
    "\u2028\u2029 `${alert(1)}` \\ '",
)


def neuron():
    w0, x0, w1, x1, w2 = input_wires("w0 x0 w1 x1 w2")
    return circuit(f=1 / (1 + np.exp(-(w0 * x0 + w1 * x1 + w2))))


def two_outputs():
    x, y = input_wires("x y")
    return circuit(f1=x**2 * y, f2=5 * x + np.sin(y))


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
    with pytest.raises(RenderError, match=r"0\.1 megabytes; at most.*detail=0"):
        draw(neuron(), **AT).player().html()


def test_only_html_files_are_written(tmp_path):
    figure = draw(neuron(), **AT)
    saved = figure.player().save(tmp_path / "a.html").read_text(encoding="utf-8")
    assert saved.startswith("<!doctype html>")
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


def live(run):
    """Serial numbers of the wires that depend on an input."""
    found = {wire.serial for wire in run.circuit.inputs}
    for wire in run.circuit.wires:
        if any(source.serial in found for source in wire.inputs):
            found.add(wire.serial)
    return found


def test_tensors_are_played_with_their_shapes():
    W, v = input_wire("W", "5 2"), input_wire("v", "2")
    figure = draw(circuit(J=np.sin(W @ v).sum()), W=np.ones((5, 2)), v=np.ones(2))
    text = json.dumps(data_of(figure.player().html()), ensure_ascii=False)
    assert "5×2 tensor of norm" in text


class Reader:
    """A person in front of the page."""

    def __init__(self, driver, tmp_path):
        self.driver = driver
        self.folder = tmp_path

    def opens(self, figure, link=""):
        path = figure.player().save(self.folder / "page.html")
        self.driver.get("about:blank")
        self.driver.get(f"file://{path}#{link}")
        return self

    def presses(self, *keys):
        from selenium.webdriver.common.action_chains import ActionChains

        ActionChains(self.driver).send_keys(*keys).perform()

    def clicks(self, selector):
        self.find(selector).click()

    def find(self, selector):
        return self.driver.find_element("css selector", selector)

    def text(self, selector="#say"):
        return self.find(selector).text

    def runs(self, script, *arguments):
        return self.driver.execute_script(script, *arguments)

    def visible_labels(self):
        return self.runs(
            "return [...document.querySelectorAll('.figure:not([hidden]) svg g')]"
            ".filter(g => /-(above|below|sums)$/.test(g.getAttribute('class') || '')"
            " || / off$|-(above|below|sums) /.test(g.getAttribute('class') || ''))"
            ".filter(g => !g.classList.contains('off')).length"
        )

    def colours(self):
        """The number of colours on the screen, and the commonest one."""
        picture = Image.open(io.BytesIO(self.driver.get_screenshot_as_png())).convert("RGB")
        found = picture.getcolors(maxcolors=1 << 20)
        return len(found), max(found)[1]

    def requests(self):
        """Addresses that the browser asked for, from its log of the network."""
        told = [
            json.loads(line["message"])["message"] for line in self.driver.get_log("performance")
        ]
        return [
            entry["params"]["request"]["url"]
            for entry in told
            if entry["method"] == "Network.requestWillBeSent"
        ]

    def complaints(self):
        return [line["message"] for line in self.driver.get_log("browser")]


@pytest.fixture
def reader(chromium, tmp_path):
    chromium.set_window_size(1280, 760)
    yield Reader(chromium, tmp_path)
    assert Reader(chromium, tmp_path).complaints() == []


@pytest.fixture
def keys():
    from selenium.webdriver.common.keys import Keys

    return Keys


@pytest.mark.browser
@pytest.mark.xdist_group("browser")
class TestInChromium:
    def test_every_step_is_told_with_the_numbers_of_the_run(self, reader, keys):
        target = neuron()
        run = target.run(**AT)
        run.backward()
        alive = live(run)
        gates = [wire for wire in target.wires if wire.inputs and wire.serial in alive]
        reader.opens(draw(target, run), "step=1")
        assert reader.text("#count") == "1 / 18"
        for name, value in AT.items():
            assert f"{name} = {format_number(value)}" in reader.text()
        shown = [reader.visible_labels()]
        for wire in gates:
            reader.presses(keys.ARROW_RIGHT)
            assert reader.text().startswith("forward")
            assert reader.text().endswith(f"= {format_number(run[wire].value)}")
            shown.append(reader.visible_labels())
        reader.presses(keys.ARROW_RIGHT)
        assert "∂f/∂f = 1.00" in reader.text()
        for wire in reversed(gates):
            reader.presses(keys.ARROW_RIGHT)
            shown.append(reader.visible_labels())
            for edge in run.edges("f"):
                if edge.gate_wire is wire and edge.source.serial in alive:
                    product = (
                        f"= {format_number(edge.upstream)} × {factor(edge.local)} "
                        f"= {format_number(edge.downstream)}"
                    )
                    assert product in reader.text()
        assert reader.text("#count") == "18 / 18"
        assert shown == sorted(set(shown))  # every step adds labels
        reader.presses(keys.ARROW_RIGHT)
        assert reader.text("#count") == "18 / 18"
        reader.presses(keys.HOME)
        assert reader.text("#count") == "1 / 18"
        reader.presses(keys.END, keys.ARROW_LEFT)
        assert reader.text("#count") == "17 / 18"
