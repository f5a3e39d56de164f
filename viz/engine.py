"""Finding a Graphviz engine, and calling it with a time limit."""

import os
import pathlib
import shutil
import subprocess
import sys
import sysconfig
from collections.abc import Iterator
from typing import Final

from circuitgrad.errors import RenderError

SECONDS: Final = 10.0
_FIXES: Final = (
    "Install one with `pip install graphviz-pure`, `conda install graphviz`, `brew install "
    "graphviz` or `apt install graphviz`, or name its program: set CIRCUITGRAD_DOT or give "
    "engine=... "
    "The text of the graph needs no engine: use .dot() or save a .dot file."
)


class LayoutTimeoutError(RenderError):
    """A layout that took longer than its time limit."""


def find_engine(named: str | None = None) -> str:
    """Path of the Graphviz program that lays out figures.

    Looked for in this order: the one named, CIRCUITGRAD_DOT, ``dot`` on PATH, well-known folders,
    and the program of the ``graphviz-pure`` wheel, which is not on PATH in a notebook.

    Args:
        named: A program's name or path; it must exist.

    Raises:
        RenderError: There is none.
    """
    for wish, origin in ((named, "engine"), (os.environ.get("CIRCUITGRAD_DOT"), "CIRCUITGRAD_DOT")):
        if wish:
            found = shutil.which(wish)
            if found is None:
                raise RenderError(f"{origin}: {wish!r} is no program that can be run. {_FIXES}")
            return found
    for candidate in _candidates():
        found = shutil.which(candidate)
        if found is not None:
            return found
    raise RenderError(f"figure: no Graphviz engine was found; one is needed for layout. {_FIXES}")


def _candidates() -> Iterator[str]:
    """Programs to try, best first."""
    yield "dot"
    suffix = ".exe" if sys.platform == "win32" else ""
    for folder in _folders():
        yield str(folder / f"dot{suffix}")
    scripts = sysconfig.get_path("scripts")
    yield str(pathlib.Path(scripts) / f"graphviz-pure{suffix}")
    yield "graphviz-pure"


def _folders() -> Iterator[pathlib.Path]:
    """Well-known folders of a Graphviz that is not on PATH."""
    if sys.platform == "win32":
        for variable in ("ProgramFiles", "ProgramFiles(x86)"):
            if root := os.environ.get(variable):
                yield pathlib.Path(root) / "Graphviz" / "bin"
        yield pathlib.Path(sys.prefix) / "Library" / "bin"
    else:
        yield pathlib.Path(sys.prefix) / "bin"
        for folder in ("/usr/local/bin", "/opt/homebrew/bin", "/opt/local/bin", "/usr/bin"):
            yield pathlib.Path(folder)


def run_engine(
    source: str, output: str = "json", program: str | None = None, seconds: float = SECONDS
) -> str:
    """What a Graphviz engine writes for a graph.

    Args:
        source: The graph as DOT text.
        output: Graphviz's name of the output format.
        program: As in ``find_engine``.
        seconds: The time limit, after which the program is stopped.

    Raises:
        RenderError: No engine was found, it failed, or it took too long.
    """
    path = find_engine(program)
    try:
        done = subprocess.run(
            [path, "-Kdot", f"-T{output}"],
            input=source,
            capture_output=True,
            check=False,
            encoding="utf-8",
            timeout=seconds,
        )
    except subprocess.TimeoutExpired:
        raise LayoutTimeoutError(
            f"figure: {path} took longer than {seconds:g} s and was stopped. "
            "Draw a smaller circuit or less detail, or allow more time with seconds=..."
        ) from None
    except OSError as error:
        raise RenderError(f"figure: {path} could not be run ({error}). {_FIXES}") from None
    if done.returncode != 0 or not done.stdout.strip():
        reason = " ".join(done.stderr.split())[:300] or f"exit code {done.returncode}"
        raise RenderError(f"figure: {path} failed: {reason}. Try another engine with engine=...")
    return done.stdout
