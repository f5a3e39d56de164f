"""Every program in examples/ runs, and the demo leaves its figures."""

import pathlib
import re
import runpy
import subprocess
import sys

import pytest

ROOT = pathlib.Path(__file__).resolve().parents[1]
EXAMPLES = sorted([*(ROOT / "examples").glob("*.py"), *(ROOT / "examples" / "notes").glob("n*.py")])

GENERATE = runpy.run_path(str(ROOT / "docs/generate.py"))
SYSTEMS = (ROOT / "docs/systems.md").read_text(encoding="utf-8")


def run(path, folder):
    return subprocess.run(
        [sys.executable, "-W", "error", str(path)],
        cwd=folder,
        capture_output=True,
        check=False,
        encoding="utf-8",
        timeout=120,
    )


@pytest.mark.parametrize("path", EXAMPLES, ids=lambda path: path.stem)
def test_the_example_runs(path, tmp_path):
    done = run(path, tmp_path)
    assert done.returncode == 0, done.stderr
    assert done.stdout
    for row in GENERATE["rows"](tmp_path / "out"):
        line = GENERATE["system_line"](row)
        assert line in SYSTEMS.splitlines(), f"docs/systems.md is old. Run: make docs\n{line}"


def test_the_table_of_systems_names_every_script_and_has_its_pictures():
    scripts = {path.name for path in (ROOT / "examples" / "notes").glob("n*.py")}
    assert set(re.findall(r"\[(n\d+_\w+\.py)\]", SYSTEMS)) == scripts
    numbers = [int(number) for number in re.findall(r"^\| (\d+) \|", SYSTEMS, flags=re.MULTILINE)]
    assert numbers == sorted(set(numbers))
    assert all((ROOT / "docs" / path).is_file() for path in re.findall(r'src="(.*?)"', SYSTEMS))


def test_the_demo_prints_the_paths_of_its_figures(tmp_path):
    done = run(ROOT / "examples/demo.py", tmp_path)
    assert "J(x, y) = [[2xy, x²], [5, cos y]]" in done.stdout
    assert "H(x, y) = [[2y, 2x], [2x, 0]]" in done.stdout
    assert done.stdout.count("\nPROVED: ") == 2
    paths = done.stdout.rpartition("=======\n")[2].split()
    assert len(paths) == 5
    assert all((tmp_path / path).stat().st_size > 1000 for path in paths)
