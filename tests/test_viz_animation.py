"""Figures that move: what is seen at which moment, in SVG, GIF and APNG."""

import re
from xml.etree import ElementTree

import numpy as np
import pytest
from PIL import Image

from circuitgrad.circuits import circuit
from circuitgrad.errors import BackendError, RenderError, SpecError
from circuitgrad.sources import input_wires
from circuitgrad.viz.drawing import draw
from circuitgrad.wire import scope


def figure(**options):
    x, y = input_wires("x y")
    return draw(circuit(f=np.sin(x * y)), x=1.5, y=2, **options)


def colours(picture):
    """How many pixels have which colour."""
    return {colour: count for count, colour in picture.convert("RGB").getcolors(1 << 20)}


def test_the_moving_svg_holds_every_step_and_rests_on_the_finished_figure():
    svg = figure().animation().svg()
    root = ElementTree.fromstring(svg)
    prefix = root.get("class")
    captions = {
        group.get("class"): group.get("visibility")
        for group in root.findall("{http://www.w3.org/2000/svg}g")
        if re.fullmatch(rf"{prefix}-c\d+", group.get("class") or "")
    }
    assert list(captions) == [f"{prefix}-c{k}" for k in range(6)]
    assert [hidden is None for hidden in captions.values()] == [False] * 5 + [True]
    assert "prefers-reduced-motion" in svg
    assert svg.count("offset-path") == 2 * 2 + 1 + 1 + 1 + 1  # a dot for each wire of each step


def test_the_moving_svg_is_the_same_every_time():
    assert figure().animation().svg() == figure().animation().svg()


@pytest.mark.parametrize("evil", ["</svg><script>alert(1)</script>", "'\"><b\\", "\x00{path}"])
def test_hostile_titles_and_scopes_stay_words(evil):
    (x,) = input_wires("x")
    with scope(evil.replace("/", "")):
        wire = np.sin(x)
    svg = draw(circuit(f=wire), title=evil, x=1).animation().svg()
    root = ElementTree.fromstring(svg)
    assert not list(root.iter("{http://www.w3.org/2000/svg}script"))
    assert not list(root.iter("{http://www.w3.org/2000/svg}b"))


@pytest.mark.parametrize("ending", ["gif", "apng"])
def test_pictures_show_labels_as_they_are_computed(tmp_path, ending):
    with Image.open(figure().save(tmp_path / f"a.{ending}")) as picture:
        assert picture.info["loop"] == 0
        assert picture.is_animated
        ink, lengths = [], []
        for frame in range(picture.n_frames):
            picture.seek(frame)
            lengths.append(picture.info["duration"])
            ink.append(len(colours(picture)))
        assert sum(lengths) == pytest.approx(6 * 1300 + 2500, rel=0.02)
        picture.seek(0)
        first = colours(picture)
        picture.seek(picture.n_frames - 1)
        last = colours(picture)
    white = max(first, key=first.get)
    assert white == (255, 255, 255)
    assert first[white] > last[white]  # labels were added
    assert min(ink) > 20


def test_a_dark_animation_has_a_dark_ground(tmp_path):
    with Image.open(figure(theme="dark").save(tmp_path / "a.gif")) as picture:
        found = colours(picture)
    assert max(max(found, key=found.get)) < 40


def test_the_output_is_chosen_by_name():
    x, y = input_wires("x y")
    target = draw(circuit(f=x * y, g=x + y), x=1.5, y=2)
    for name, other in (("f", "g"), ("g", "f")):
        svg = target.animation(name).svg()
        assert f"backward pass at {name}." in svg
        assert f"backward pass at {other}." not in svg
    with pytest.raises(SpecError, match=r"'h'; needed one of f, g"):
        target.animation("h")


def test_requests_that_cannot_be_met_are_refused(tmp_path, monkeypatch):
    with pytest.raises(SpecError, match=r"seconds is 0; needed 0\.05 to 60"):
        figure().animation(seconds=0)
    with pytest.raises(SpecError, match=r"scale is 0; needed 0\.1 to 10"):
        figure().animation().save(tmp_path / "a.gif", scale=0)
    with pytest.raises(RenderError, match=r"\.svg, \.gif or \.apng"):
        figure().animation().save(tmp_path / "a.mp4")
    monkeypatch.setattr("circuitgrad.viz.animation._MOST_STEPS", 5)
    with pytest.raises(RenderError, match="6 steps; at most 5"):
        figure().animation().save(tmp_path / "a.gif")
    monkeypatch.setattr("circuitgrad.viz.animation.importlib.util.find_spec", lambda name: None)
    with pytest.raises(BackendError, match=r"pip install 'circuitgrad\[viz\]'"):
        figure().animation().save(tmp_path / "a.gif")


@pytest.mark.browser
@pytest.mark.xdist_group("browser")
def test_a_browser_shows_one_step_after_the_other(chromium, tmp_path):
    path = figure().animation().save(tmp_path / "a.svg")
    chromium.get(f"file://{path}")
    seen = []
    for moment in (100, 1400, 2700, 4000, 5300, 6600, 9000):
        chromium.execute_script(
            "document.getAnimations().forEach(a => { a.pause(); a.currentTime = arguments[0] })",
            moment,
        )
        seen.append(
            chromium.execute_script(
                "return [...document.querySelectorAll('text')].filter(t => "
                "getComputedStyle(t).visibility === 'visible')"
                ".map(t => t.textContent).join('|')"
            )
        )
    assert all("forward" in text for text in seen[:3])
    assert all("backward" in text for text in seen[3:])
    assert len(set(seen)) == 6
    assert seen[-1] == seen[-2]
    assert "3.00" not in seen[0]
    assert "3.00" in seen[1]
