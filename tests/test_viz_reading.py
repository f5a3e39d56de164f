"""What a reader does with the page that plays a circuit, in a real Chromium."""

import dataclasses

import numpy as np
import pytest

from circuitgrad.circuits import circuit
from circuitgrad.sources import input_wire, input_wires
from circuitgrad.viz.assembly import assemble
from circuitgrad.viz.drawing import draw
from circuitgrad.viz.figure import Figure
from circuitgrad.viz.numbers import factor, format_number
from circuitgrad.wire import scope
from tests.browser import Reader
from tests.viz_circuits import AT, live, neuron, two_outputs

EVIL = (
    "</script><script>alert(1)</script>",
    '"><img src=x onerror=alert(1)>',
    "\u2028\u2029 `${alert(1)}` \\ '",
)


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
