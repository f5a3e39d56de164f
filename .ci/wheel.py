"""Build the source archive and the wheel in a clean folder, and check what the wheel holds."""

import os
import pathlib
import subprocess
import sys
import tempfile
import tomllib
import zipfile

ROOT = pathlib.Path(__file__).resolve().parents[1]
IMPORT = (
    "import circuitgrad, circuitgrad.viz; print(circuitgrad.__file__, circuitgrad.viz.__file__)"
)


def build(folder):
    """Path of the wheel, built from the source archive as an installer would build it."""
    command = [sys.executable, "-m", "build", "--outdir", folder, ROOT]
    built = subprocess.run(command, capture_output=True, text=True, check=False)
    if built.returncode:
        raise SystemExit(built.stdout + built.stderr)
    (wheel,) = pathlib.Path(folder).glob("*.whl")
    return wheel


def expected_files():
    """Names of the source files that the listed packages have in this checkout."""
    config = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
    names = {"circuitgrad/py.typed"}
    for package in config["tool"]["setuptools"]["packages"]:
        folder = package.replace(".", "/")
        names |= {f"{folder}/{path.name}" for path in (ROOT / folder).glob("*.py")}
    return names | {f"circuitgrad/viz/page/{path.name}" for path in (ROOT / "viz/page").iterdir()}


def check(wheel, folder):
    """Stop with a message when the wheel lacks a file, has one too many, or does not import."""
    with zipfile.ZipFile(wheel) as archive:
        names = {name for name in archive.namelist() if ".dist-info/" not in name}
        archive.extractall(folder)
    top = {name.split("/")[0] for name in names}
    if top != {"circuitgrad"}:
        raise SystemExit(f"wheel: top-level names {sorted(top)}; only 'circuitgrad' is ours")
    code = {name for name in names if name.endswith((".py", "py.typed", ".css", ".html", ".js"))}
    if code != expected_files():
        raise SystemExit(f"wheel: differs from the checkout in {sorted(code ^ expected_files())}")
    run = subprocess.run(
        [sys.executable, "-c", IMPORT],
        cwd=folder,
        env={**os.environ, "PYTHONPATH": str(folder)},
        capture_output=True,
        text=True,
        check=False,
    )
    if run.returncode or run.stdout.count(str(folder)) != 2:
        raise SystemExit(f"wheel: does not import by itself:\n{run.stdout}{run.stderr}")
    print(f"{wheel.name}: {len(names)} files, one top-level name, imports by itself")


if __name__ == "__main__":
    with tempfile.TemporaryDirectory() as built, tempfile.TemporaryDirectory() as unpacked:
        check(build(built), os.path.realpath(unpacked))
