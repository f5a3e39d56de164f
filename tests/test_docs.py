"""The documentation is current: generated pages, figures, links and the list of commands."""

import pathlib
import re
import runpy

import pytest

from circuitgrad.optim.tables import optimizers_markdown
from circuitgrad.reference import gates_markdown, numpy_markdown
from circuitgrad.viz.escaping import escape

ROOT = pathlib.Path(__file__).resolve().parents[1]
PAGES = [*sorted(ROOT.glob("*.md")), *sorted((ROOT / "docs").rglob("*.md"))]
LINK = re.compile(r"\[[^\]]*\]\(([^)#\s]+)(#[^)]*)?\)|(?:src|href)=\"([^\"#]+)\"")
every_page = pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)


def without_code(text):
    return re.sub(r"```.*?```|`[^`\n]*`", "", text, flags=re.DOTALL)


def test_the_gate_table_is_what_the_gates_say():
    page = (ROOT / "docs/gates.md").read_text(encoding="utf-8")
    assert page == gates_markdown(), "docs/gates.md is not current. Run: make docs"


def test_the_page_on_numpy_is_what_wires_answer():
    page = (ROOT / "docs/numpy.md").read_text(encoding="utf-8")
    assert page == numpy_markdown(), "docs/numpy.md is not current. Run: make docs"


def test_the_page_on_errata_is_what_the_verdicts_say():
    page = (ROOT / "docs/what-the-notes-got-wrong.md").read_text(encoding="utf-8")
    generated = runpy.run_path(str(ROOT / "docs/generate.py"))["errata"]()
    assert page == generated, "docs/what-the-notes-got-wrong.md is not current. Run: make docs"


def test_the_page_of_optimisers_is_what_runs():
    page = (ROOT / "docs/optimizers.md").read_text(encoding="utf-8")
    assert page == optimizers_markdown(), "docs/optimizers.md is not current. Run: make docs"


def test_the_figures_are_committed():
    names = runpy.run_path(str(ROOT / "docs/generate.py"))["figures"]()
    for name in names:
        assert (ROOT / "docs/figures" / name).is_file(), f"{name} is missing. Run: make docs"


GENERATE = runpy.run_path(str(ROOT / "docs/generate.py"))
GALLERY = GENERATE["gallery"]()


def test_the_gallery_shows_the_code_of_its_figures():
    page = (ROOT / "docs/gallery.md").read_text(encoding="utf-8")
    assert page == GENERATE["gallery_markdown"](), "docs/gallery.md is not current. Run: make docs"


@pytest.mark.parametrize("make", GALLERY.DIAGRAMS, ids=lambda make: make.__name__)
def test_diagrams_of_the_gallery_say_what_their_code_draws(make):
    """The words are compared, not the layout, which differs between versions of Graphviz."""
    file = ROOT / "docs/figures" / GENERATE["gallery_file"](make)
    (told,) = re.findall(r"<desc[^>]*>(.*?)</desc>", file.read_text(encoding="utf-8"))
    now = escape(" ".join(make().scene.sentences))
    digits = re.compile(r"\d\.\d{11,}")
    assert digits.sub("#", told) == digits.sub("#", now), f"{file.name} is old. Run: make docs"


@pytest.mark.parametrize("make", GALLERY.TRAINING, ids=lambda make: make.__name__)
def test_figures_of_training_in_the_gallery_are_made(make):
    assert make().axes
    assert (ROOT / "docs/figures" / GENERATE["gallery_file"](make)).is_file()


@every_page
def test_links_lead_somewhere(page):
    text = without_code(page.read_text(encoding="utf-8"))
    for match in LINK.finditer(text):
        target = match[1] or match[3]
        if "://" not in target:
            assert (page.parent / target).exists(), f"{page.name}: {target}"


@every_page
def test_a_code_fence_ends_after_a_blank_line(page):
    """Otherwise the fence would count as expected output."""
    text = page.read_text(encoding="utf-8")
    for block in re.findall(r"```python\n(.*?)```", text, flags=re.DOTALL):
        assert block.endswith("\n\n"), f"{page.name}: {block[:60]!r}"


def test_the_readme_names_the_two_commands():
    text = (ROOT / "README.md").read_text(encoding="utf-8")
    assert "make demo" in text
    assert "make test" in text


def test_the_architecture_page_names_every_module():
    text = (ROOT / "docs/architecture.md").read_text(encoding="utf-8")
    for path in sorted((ROOT / "circuitgrad").glob("*.py")):
        if not path.stem.startswith("__"):
            assert f"`{path.name}`" in text, f"docs/architecture.md does not name {path.name}"
    for folder in ("gates", "formulas", "proofs", "plans", "viz"):
        assert f"`{folder}/`" in text


def test_the_architecture_page_tells_the_layers_that_are_held():
    text = (ROOT / "docs/architecture.md").read_text(encoding="utf-8")
    (block,) = re.findall(r"```text\n(errors.*?)```", text, flags=re.DOTALL)
    told = [set(line.split()) for line in block.splitlines()]
    held = runpy.run_path(str(ROOT / "tests/test_architecture.py"))["LAYERS"]
    assert told == [row - {"__main__"} for row in held]
