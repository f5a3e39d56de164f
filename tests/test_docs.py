"""The documentation is current: generated pages, figures, links and the list of commands."""

import pathlib
import re
import runpy

import pytest

from circuitgrad.optim.tables import optimizers_markdown
from circuitgrad.reference import gates_markdown, numpy_markdown

ROOT = pathlib.Path(__file__).resolve().parents[1]
PAGES = [*sorted(ROOT.glob("*.md")), *sorted((ROOT / "docs").glob("*.md"))]
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


def test_the_page_of_optimisers_is_what_runs():
    page = (ROOT / "docs/optimizers.md").read_text(encoding="utf-8")
    assert page == optimizers_markdown(), "docs/optimizers.md is not current. Run: make docs"


def test_the_figures_are_committed():
    names = runpy.run_path(str(ROOT / "docs/generate.py"))["figures"]()
    for name in names:
        assert (ROOT / "docs/figures" / name).is_file(), f"{name} is missing. Run: make docs"


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
