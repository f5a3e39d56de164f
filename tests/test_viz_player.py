"""The page that plays a circuit: its content, and what a reader does with it in Chromium."""

import base64
import dataclasses
import io
import json
import re

import numpy as np
import pytest
from PIL import Image

from circuitgrad.circuits import circuit
from circuitgrad.errors import RenderError
from circuitgrad.sources import input_wire, input_wires
from circuitgrad.viz.assembly import assemble
from circuitgrad.viz.drawing import draw
from circuitgrad.viz.figure import Figure
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
    with pytest.raises(RenderError, match=r"0\.1\d megabytes; at most.*detail=0"):
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


def renamed(figure, name):
    """A figure of wires and gates with a name that the library itself would refuse."""
    account, style = figure.material
    signals = [
        dataclasses.replace(signal, name=f"{name}{k}", gate=name, words=name)
        for k, signal in enumerate(account.signals)
    ]
    outputs = [dataclasses.replace(output, name=name) for output in account.outputs]
    account = dataclasses.replace(account, signals=tuple(signals), outputs=tuple(outputs))
    hostile = Figure(assemble(account, style))
    hostile.material = account, style
    return hostile


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

    def waits(self, script):
        """Until the script returns true."""
        from selenium.webdriver.support.wait import WebDriverWait

        WebDriverWait(self.driver, 10, 0.05).until(lambda driver: driver.execute_script(script))

    def tells(self, command, **options):
        """A command of the browser's own protocol."""
        return self.driver.execute_cdp_cmd(command, options)

    def points_at(self, selector):
        from selenium.webdriver.common.action_chains import ActionChains

        ActionChains(self.driver).move_to_element(self.find(selector)).perform()

    def drags(self, selector, right, down):
        from selenium.webdriver.common.action_chains import ActionChains

        chain = ActionChains(self.driver).move_to_element(self.find(selector)).click_and_hold()
        chain.move_by_offset(right / 2, down / 2).move_by_offset(right / 2, down / 2)
        chain.release().perform()

    def chooses(self, selector, text):
        from selenium.webdriver.support.select import Select

        Select(self.find(selector)).select_by_visible_text(text)

    def answers(self, place, text):
        field = self.find(f"#answer{place}")
        field.clear()
        field.send_keys(text)
        field.submit()

    def view_box(self):
        box = self.find(".figure:not([hidden]) > svg").get_dom_attribute("viewBox")
        return [float(number) for number in box.split()]

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

    def test_buttons_and_slider_move_through_the_steps(self, reader, keys):
        reader.opens(draw(neuron(), **AT))
        assert reader.text("#count") == "18 / 18"  # a page opens with the finished figure
        reader.clicks("#first")
        reader.clicks("#next")
        reader.clicks("#next")
        reader.clicks("#previous")
        assert reader.text("#count") == "2 / 18"
        reader.find("#slider").send_keys(keys.ARROW_RIGHT)
        assert reader.text("#count") == "3 / 18"
        assert "b = w1x1 = " in reader.text()

    def test_playing_runs_to_the_end_and_stops_at_a_key(self, reader, keys):
        reader.opens(draw(neuron(), **AT), "step=17")
        reader.runs("document.getElementById('speed').value = '4'")
        reader.runs("document.getElementById('speed').dispatchEvent(new Event('change'))")
        reader.presses(keys.SPACE)
        reader.waits("return document.getElementById('count').value === '18 / 18'")
        reader.waits("return document.getElementById('play').ariaLabel === 'Play'")
        reader.presses(keys.SPACE)
        assert reader.text("#count") == "1 / 18"  # from the beginning again
        reader.presses(keys.SPACE)
        assert reader.find("#play").get_attribute("aria-label") == "Play"

    def test_a_dot_runs_along_the_wire_unless_motion_is_unwelcome(self, reader, keys):
        dots = "return document.querySelectorAll('.dot').length"
        for wish, expected in (("reduce", 0), ("no-preference", 2)):
            feature = {"name": "prefers-reduced-motion", "value": wish}
            reader.tells("Emulation.setEmulatedMedia", features=[feature])
            reader.opens(draw(neuron(), **AT), "step=14")
            reader.presses(keys.ARROW_RIGHT)
            assert reader.runs(dots) == expected
        reader.waits("return document.querySelectorAll('.dot').length === 0")
        reader.tells("Emulation.setEmulatedMedia", features=[])

    def test_links_choose_step_theme_and_tooltip(self, reader):
        reader.opens(draw(neuron(), **AT), "step=15&theme=dark&tip=w5")
        assert reader.text("#count") == "15 / 18"
        assert reader.runs("return document.documentElement.dataset.theme") == "dark"
        assert "b into the gate add of c" in reader.text("#tip")
        reader.runs("location.hash = 'step=3'")
        reader.waits("return document.getElementById('count').value === '3 / 18'")
        reader.runs("location.hash = 'step=1e9&tip=*,body&theme=x'")
        reader.waits("return document.getElementById('count').value === '18 / 18'")

    def test_tooltips_tell_the_chain_rule_once_it_was_applied(self, reader):
        reader.opens(draw(neuron(), **AT))
        wire = reader.find("[data-key=w0]")
        reader.points_at("[data-key=w0] .line")
        assert "∂f/∂w0 = ∂f/∂a · ∂a/∂w0 = 0.20 × (−1.00) = −0.20" in reader.text("#tip")
        assert "local gradient ∂a/∂w0 = x0 = −1.00" in reader.text("#tip")
        assert "−0.20" in wire.get_attribute("aria-label")
        reader.clicks("#first")
        assert "−0.20" not in wire.get_attribute("aria-label")
        assert "2.00" in wire.get_attribute("aria-label")
        reader.points_at("[data-key=n5] circle")
        assert "gate mul" in reader.text("#tip")

    def test_a_learner_guesses_before_the_numbers_are_shown(self, reader, keys):
        reader.opens(draw(neuron(), **AT))
        reader.clicks("#guess")
        reader.presses(keys.ARROW_RIGHT)
        labels = reader.visible_labels()
        assert "a = ?" in reader.text()
        assert "2.00" not in reader.text()
        reader.answers(0, "2")
        assert reader.text(".verdict") == "Wrong: look at the sign."
        reader.answers(0, "seven")
        assert reader.text(".verdict") == "Type a number."
        reader.answers(0, "−2,0")
        assert "= −2.00" in reader.text()
        assert reader.visible_labels() == labels + 1
        reader.runs("location.hash = 'step=18'")
        reader.waits("return document.querySelectorAll('.ask').length === 2")
        reader.answers(0, "-0.2")
        assert reader.text(".verdict") == "Right: −0.20"
        reader.answers(1, "0.4")  # what the rounded numbers of the figure give
        assert "= 0.39" in reader.text()
        reader.presses(keys.ARROW_LEFT)
        reader.clicks("#quiz > button")
        assert "= −0.59" in reader.text()

    def test_a_figure_is_zoomed_and_moved(self, reader, keys):
        reader.opens(draw(neuron(), **AT))
        whole = reader.view_box()
        reader.presses("+", "+")
        near = reader.view_box()
        assert near[2] < whole[2] / 1.5
        reader.drags("#stage", 80, 0)
        assert reader.view_box()[0] < near[0]
        reader.presses("0")
        assert reader.view_box() == whole
        wheel = (
            "document.getElementById('stage').dispatchEvent(new WheelEvent('wheel',"
            "{deltaY:-300,clientX:300,clientY:200,ctrlKey:arguments[0],cancelable:true}))"
        )
        assert reader.runs(f"return {wheel}", False)  # the page scrolls
        assert reader.view_box() == whole
        assert not reader.runs(f"return {wheel}", True)
        assert reader.view_box()[2] < whole[2]

    def test_two_fingers_zoom(self, reader):
        reader.opens(draw(neuron(), **AT))
        whole = reader.view_box()
        for kind, places in (("touchStart", (300, 400)), ("touchMove", (200, 500))):
            points = [{"x": x, "y": 200, "id": k} for k, x in enumerate(places)]
            reader.tells("Input.dispatchTouchEvent", type=kind, touchPoints=points)
        reader.tells("Input.dispatchTouchEvent", type="touchEnd", touchPoints=[])
        assert reader.view_box()[2] < whole[2] / 1.5

    def test_every_row_of_the_jacobian_is_a_backward_pass(self, reader, keys):
        target = two_outputs()
        run = target.run(x=1.5, y=2)
        run.backward("f1")
        run.backward("f2")
        reader.opens(draw(target, run))
        assert "∂f1/∂" in reader.text()
        reader.clicks("#jacobian tbody tr:nth-child(2) button")
        assert reader.text().endswith("∂f2/∂f2 = 1.00")
        reader.presses(keys.END)
        cells = reader.runs(
            "return [...document.querySelectorAll('#jacobian td')].map(cell => cell.textContent)"
        )
        expected = [run.gradient(wire, name) for name in ("f1", "f2") for wire in target.inputs]
        assert cells == [format_number(number) for number in expected]

    def test_a_gradient_is_the_sum_over_all_paths(self, reader):
        x, y = input_wires("x y")
        a = x * y
        reader.opens(draw(circuit(f=a * np.sin(a) + x), x=1.5, y=2))
        reader.chooses("#paths", "from x")
        assert "3 paths from x to f" in reader.text("#panel")
        total = 2 * np.sin(3) + 3 * np.cos(3) * 2 + 1
        terms = (1.0, 2 * np.sin(3), 3 * np.cos(3) * 2)
        told = reader.text("#panel").splitlines()[-1]
        assert told.endswith(f"= {format_number(total)}")
        assert all(format_number(term) in told for term in terms)
        lit = "return [...document.querySelectorAll('.wire.path')].length"
        everything = reader.runs(lit)
        reader.clicks(".route")
        assert 0 < reader.runs(lit) < everything

    def test_scopes_fold_and_their_gates_are_passed_over(self, reader, keys):
        (x,) = input_wires("x")
        with scope("inner"):
            h = np.tanh(np.sin(x) + 1)
        reader.opens(draw(circuit(f=h * 2), x=1), "step=1")
        shown = (
            "return [...document.querySelectorAll('.gate')]"
            ".filter(gate => gate.getClientRects().length).length"
        )
        before = reader.runs(shown)
        reader.runs("document.querySelector('.scope').focus()")
        reader.presses(keys.ENTER)
        assert reader.runs(shown) == before - 3
        reader.presses(keys.ARROW_RIGHT)
        assert reader.text("#count") == "5 / 10"
        reader.presses(keys.ENTER)
        assert reader.runs(shown) == before

    @pytest.mark.parametrize("evil", EVIL)
    def test_hostile_names_do_nothing(self, reader, keys, evil):
        from selenium.common.exceptions import NoAlertPresentException

        x = input_wire("x")
        with scope(evil.replace("/", "")):
            h = np.sin(x).named("h")
        figure = renamed(draw(circuit(f=h * x, g=x + 1), title=evil, x=1), evil)
        reader.requests()
        reader.opens(figure, "step=2")
        reader.clicks("#guess")
        reader.clicks("#next")
        reader.runs("document.querySelector('.leaf').focus()")
        reader.presses(keys.ENTER)
        reader.runs("document.querySelector('.scope').focus()")
        reader.presses(keys.ENTER, keys.END)
        with pytest.raises(NoAlertPresentException):
            _ = reader.driver.switch_to.alert
        asked = reader.requests()
        assert all(url.startswith(("file:", "data:", "about:")) for url in asked), asked
        assert reader.runs("return document.scripts.length") == 2
        assert reader.runs("return document.images.length") == 0

    @pytest.mark.parametrize(
        ("theme", "width", "ground"),
        [
            ("light", 1280, (255, 255, 255)),
            ("dark", 1280, (14, 20, 27)),
            ("light", 500, (255,) * 3),
        ],
    )
    def test_the_screen_is_not_blank(self, reader, theme, width, ground):
        reader.driver.set_window_size(width, 800)
        reader.opens(draw(neuron(), **AT), f"step=15&theme={theme}")
        count, commonest = reader.colours()
        assert count > 100
        assert commonest == ground
        assert reader.runs(  # the gate of this step is in sight
            "const box = document.querySelector('.gate.on').getBoundingClientRect();"
            "return box.left >= 0 && box.right <= innerWidth && box.width >= 24"
        )

    def test_print_shows_the_last_step(self, reader):
        reader.opens(draw(neuron(), **AT), "step=3&theme=dark")
        reader.runs("dispatchEvent(new Event('beforeprint'))")
        assert reader.text("#count") == "18 / 18"
        assert reader.runs("return document.documentElement.dataset.theme") == "light"
        reader.runs("dispatchEvent(new Event('afterprint'))")
        assert reader.text("#count") == "3 / 18"
        assert reader.runs("return document.documentElement.dataset.theme") == "dark"
        assert reader.driver.print_page()

    def test_the_finished_figure_is_there_without_scripts(self, reader):
        reader.tells("Emulation.setScriptExecutionDisabled", value=True)
        reader.opens(draw(neuron(), **AT))
        reader.tells("Emulation.setScriptExecutionDisabled", value=False)
        assert reader.colours()[0] > 100
        assert "Scripts are off" in reader.text("noscript")

    def test_a_notebook_plays_the_page_in_a_frame(self, reader, keys, tmp_path):
        outer = tmp_path / "notebook.html"
        frame = draw(neuron(), **AT).player()._repr_html_()
        outer.write_text(f"<!doctype html><meta charset=utf-8>{frame}", encoding="utf-8")
        reader.driver.get(f"file://{outer}")
        reader.driver.switch_to.frame(0)
        assert reader.text("#count") == "18 / 18"
        reader.clicks("#first")
        assert "w0 = 2.00" in reader.text()
        reader.driver.switch_to.default_content()
