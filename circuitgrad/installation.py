"""What is installed: versions, the Graphviz engine, the maths engine.

And whether a figure can be drawn.
"""

from __future__ import annotations

import pathlib
import platform
import subprocess
from collections.abc import Iterator
from importlib import metadata
from typing import Final

import numpy as np

from circuitgrad.circuits import Circuit, circuit
from circuitgrad.errors import CircuitError, RenderError
from circuitgrad.sources import input_wires
from circuitgrad.viz.engine import find_engine
from circuitgrad.viz.maths import chosen_engine

REQUIRED: Final = ("numpy", "opt_einsum", "sympy", "python-flint", "click", "graphviz")
OPTIONAL: Final = {
    "graphviz-pure": "lays out figures where no Graphviz is installed",
    "mathra": "sets formulas in figures",
    "ziamath": "sets formulas where mathra has no wheel",
    "resvg-py": "writes PNG",
}
_SECONDS: Final = 20


def neuron() -> Circuit:
    """The sigmoid neuron of the documentation: f = σ(w₀x₀ + w₁x₁ + w₂), built of eight gates.

    >>> neuron()(w0=2, x0=-1, w1=-3, x1=-2, w2=-3)
    0.7310585786300049
    """
    w0, x0, w1, x1, w2 = input_wires("w0 x0 w1 x1 w2")
    return circuit(f=1 / (1 + np.exp(-(w0 * x0 + w1 * x1 + w2))))


def version_of(package: str) -> str | None:
    """The version of an installed package; None where it is missing."""
    try:
        return metadata.version(package)
    except metadata.PackageNotFoundError:
        return None


def versions() -> Iterator[str]:
    """One line for Python, the library, and each package that it uses."""
    machine = f"{platform.system()} {platform.machine()}"
    yield _line("Python", f"{platform.python_version()} on {machine}")
    for package in ("circuitgrad", *REQUIRED):
        yield _line(package, version_of(package) or "MISSING: run pip install circuitgrad")
    for package, purpose in OPTIONAL.items():
        yield _line(package, version_of(package) or f"not installed ({purpose})")


def engines() -> Iterator[str]:
    """One line for the Graphviz engine that is found, one for the maths engine."""
    try:
        path = find_engine()
        yield _line("layout", f"{path} ({_engine_version(path)})")
    except RenderError as error:
        yield _line("layout", f"none. {error}")
    try:
        yield _line("formulas", f"set by {chosen_engine()}")
    except CircuitError as error:
        yield _line("formulas", str(error))


def _engine_version(path: str) -> str:
    """What a Graphviz program says of itself."""
    try:
        done = subprocess.run(
            [path, "-V"], capture_output=True, check=False, encoding="utf-8", timeout=_SECONDS
        )
    except (OSError, subprocess.TimeoutExpired) as error:
        return f"does not run: {error}"
    return " ".join((done.stderr or done.stdout).split()) or "says no version"


def draw_test_figure(path: pathlib.Path) -> None:
    """Draws the neuron with its numbers into a file.

    Raises:
        CircuitError: No figure can be drawn.
        OSError: The file cannot be written.
    """
    built = neuron()
    run = built.run(w0=2, x0=-1, w1=-3, x1=-2, w2=-3)
    run.backward()
    built.draw(run=run).save(path)


def _line(name: str, text: str) -> str:
    return f"{name:<14} {text}"
