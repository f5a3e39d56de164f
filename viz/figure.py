"""A figure of a circuit: shown in a notebook, or saved in one of several formats."""

import functools
import importlib.util
import math
import os
import pathlib
from collections.abc import Callable
from typing import Any, Final, get_args

from circuitgrad.errors import BackendError, RenderError, SpecError
from circuitgrad.viz.account import Account
from circuitgrad.viz.animation import Animation
from circuitgrad.viz.assembly import Style
from circuitgrad.viz.composition import Composition, compose
from circuitgrad.viz.description import description
from circuitgrad.viz.dot import dot_source
from circuitgrad.viz.engine import SECONDS, LayoutTimeoutError, run_engine
from circuitgrad.viz.fonts import spare_font
from circuitgrad.viz.interchange import figure_json
from circuitgrad.viz.layout import Layout, layout_source, read_layout
from circuitgrad.viz.maths import MathsEngine, chosen_engine
from circuitgrad.viz.passes import Material, PassFilm, films
from circuitgrad.viz.pdf import pdf_bytes
from circuitgrad.viz.player import Player
from circuitgrad.viz.scene import Scene
from circuitgrad.viz.static_page import page
from circuitgrad.viz.svg import render
from circuitgrad.viz.themes import DARK, LIGHT, ThemeName
from circuitgrad.viz.tikz import tikz_document

_MOST_PIXELS: Final = 25e6
_NEED_PNG: Final = (
    "png: the package resvg-py is not installed; it is needed to draw pixels. "
    "Run: pip install 'circuitgrad[viz]' or save an .svg file"
)


class Figure:
    """One figure, laid out when it is first drawn.

    Args:
        scene: What to show.
        theme: ``"auto"`` follows the reader's system; ``"light"`` and ``"dark"`` are fixed.
        engine: A Graphviz program's name or path; by default one is looked for.
        maths: ``"auto"``, or the maths engine to use: ``"mathra"``, ``"ziamath"`` or ``"text"``.
        seconds: Time limit of the layout.
        material: The numbers that the scene was made from, and in what style.
    """

    def __init__(
        self,
        scene: Scene,
        theme: ThemeName = "auto",
        engine: str | None = None,
        maths: MathsEngine = "auto",
        seconds: float = SECONDS,
        material: tuple[Account, Style] | None = None,
    ) -> None:
        self.scene = scene
        self.theme = _known_theme(theme)
        self._engine = engine
        self._maths = maths
        self._seconds = seconds
        self.material = material

    @property
    def _account(self) -> Account | None:
        return None if self.material is None else self.material[0]

    def __repr__(self) -> str:
        gates = sum(node.kind == "gate" for node in self.scene.nodes)
        return f"<Figure {self.scene.title!r}: {gates} gates, {len(self.scene.edges)} wires>"

    @functools.cached_property
    def _composition(self) -> Composition:
        return compose(self.scene, chosen_engine(self._maths))

    @functools.cached_property
    def _layout(self) -> Layout:
        """A layout within the time limit: a good one, or a coarse one in the second half of it."""
        answer = ""
        for coarse in (False, True):
            source = layout_source(self._composition, coarse)
            try:
                answer = run_engine(source, "json", self._engine, self._seconds / 2)
            except LayoutTimeoutError:
                if coarse:
                    raise
            else:
                break
        return read_layout(self._composition, answer)

    def svg(self, theme: ThemeName | None = None) -> str:
        """The figure as an SVG document.

        Args:
            theme: Instead of the figure's own theme.

        Raises:
            RenderError: No layout engine was found, or it failed, or there are too many gates.
        """
        chosen = self.theme if theme is None else _known_theme(theme)
        return render(self._composition, self._layout, chosen, chosen_engine(self._maths))

    def png(self, theme: ThemeName | None = None, scale: float = 2.0) -> bytes:
        """The figure as a PNG picture; ``"auto"`` is drawn light, as a picture cannot follow.

        Args:
            theme: Instead of the figure's own theme.
            scale: Pixels for each point; less for figures of more than 25 million pixels.

        Raises:
            BackendError: The package resvg-py is not installed.
            RenderError: As in ``svg``.
        """
        if importlib.util.find_spec("resvg_py") is None:
            raise BackendError(_NEED_PNG)
        import resvg_py

        text = self.svg(self._fixed(theme))
        size = self._layout.width * self._layout.height
        zoom = min(scale, math.sqrt(_MOST_PIXELS / max(size, 1.0)))
        font = spare_font()
        spare: dict[str, Any] = (
            {"font_files": [str(font)], "sans_serif_family": "DejaVu Sans"} if font else {}
        )
        return bytes(resvg_py.svg_to_bytes(svg_string=text, zoom=zoom, **spare))

    def dot(self, theme: ThemeName | None = None) -> str:
        """The figure as DOT text that Graphviz draws alone; needs no engine.

        Args:
            theme: Instead of the figure's own theme; ``"auto"`` is written light.
        """
        return dot_source(self.scene, DARK if self._fixed(theme) == "dark" else LIGHT)

    def pdf(self, theme: ThemeName | None = None) -> bytes:
        """The figure as a PDF of one page: lines, text and formulas stay sharp at every size.

        Args:
            theme: Instead of the figure's own theme; ``"auto"`` is written light.

        Raises:
            BackendError: The package typst is not installed.
            RenderError: As in ``svg``.
        """
        return pdf_bytes(self.svg(self._fixed(theme)), self.scene.title, self.describe())

    def html(self, theme: ThemeName | None = None) -> str:
        """The figure as a page of its own, with its description; it loads nothing and runs nothing.

        Args:
            theme: Instead of the figure's own theme.

        Raises:
            RenderError: As in ``svg``.
        """
        chosen = self.theme if theme is None else _known_theme(theme)
        return page(self.scene.title, self.svg(chosen), self.describe(), chosen)

    def tex(self, theme: ThemeName | None = None) -> str:
        """The figure as a LaTeX document with one TikZ picture, for papers.

        Text and formulas are LaTeX's own, in the fonts of the document that the picture is put in.

        Args:
            theme: Instead of the figure's own theme; ``"auto"`` is written light.

        Raises:
            RenderError: As in ``svg``.
        """
        colours = DARK if self._fixed(theme) == "dark" else LIGHT
        engine = chosen_engine(self._maths)
        return tikz_document(self._composition, self._layout, colours, engine)

    def json(self) -> str:
        """What the figure shows, as JSON: gates, wires and numbers with all their digits.

        Needs no layout engine. The key ``schema`` names the format and its version.
        """
        return figure_json(self.scene, self._account)

    def player(self) -> Player:
        """The figure as a page that plays the forward and the backward pass, step by step.

        Raises:
            RenderError: The circuit was not run, or as in ``svg``.
        """
        return Player(self.scene.title, self._films(), self.theme)

    def animation(self, output: str | None = None, seconds: float = 1.3) -> Animation:
        """The figure as a moving picture for slides and web pages, without controls.

        Args:
            output: Whose backward pass is shown; by default the first that was run.
            seconds: How long each step lasts.

        Raises:
            SpecError: The output has no backward pass, or the time is out of range.
            RenderError: As in ``player``.
        """
        passes = {film.output: film for film in self._films()}
        chosen = next(iter(passes)) if output is None else output
        if chosen not in passes:
            known = ", ".join(passes)
            raise SpecError(f"animation: output is {output!r}; needed one of {known}.")
        return Animation(passes[chosen], self.theme, seconds)

    def _films(self) -> tuple[PassFilm, ...]:
        """The steps of every backward pass."""
        if self.material is None:
            raise RenderError("player: the figure was not made from a circuit. Use circuit.draw")
        layout, composition = self._layout, self._composition
        engine = chosen_engine(self._maths)
        return films(Material(*self.material, self.scene, layout, composition, engine))

    def save(self, path: str | os.PathLike[str]) -> pathlib.Path:
        """Writes the figure and returns the path.

        Args:
            path: The file's name ends in ``.svg``, ``.png``, ``.dot``, ``.gv``, ``.pdf``, ``.tex``
                or ``.json``; in ``.html`` for the player (a still page where the circuit was not
                run), in ``.gif`` or ``.apng`` for the animation.

        Raises:
            RenderError: The name has another ending, or as in ``svg``.
            BackendError: As in ``png`` and ``pdf``.
        """
        target = pathlib.Path(path)
        suffix = target.suffix.lower()
        if suffix in (".gif", ".apng"):
            return self.animation().save(target)
        writers: dict[str, Callable[[], str | bytes]] = {
            ".svg": self.svg,
            ".png": self.png,
            ".dot": self.dot,
            ".gv": self.dot,
            ".pdf": self.pdf,
            ".html": self._page,
            ".tex": self.tex,
            ".json": self.json,
        }
        if suffix not in writers:
            raise RenderError(
                f"save: the file name {target.name!r} ends in {suffix or 'nothing'!r}; "
                f"known are {', '.join((*writers, '.gif', '.apng'))}. Choose one of these"
            )
        data = writers[suffix]()
        target.write_bytes(data.encode() if isinstance(data, str) else data)
        return target

    def _page(self) -> str:
        """The player, or a still page where there are no numbers to play."""
        was_run = self._account is not None and self._account.ran
        return self.player().html() if was_run else self.html()

    def describe(self) -> str:
        """The figure in words, in reading order: what it is, then forward, then backward."""
        return description(self.scene, self._account)

    def _fixed(self, theme: ThemeName | None) -> ThemeName:
        """The theme for formats that cannot follow the reader's system."""
        chosen = self.theme if theme is None else _known_theme(theme)
        return "dark" if chosen == "dark" else "light"

    def _repr_mimebundle_(self, include: Any = None, exclude: Any = None) -> dict[str, Any]:
        """What a notebook shows: SVG, and a PNG for pages that do not show SVG."""
        try:
            bundle: dict[str, Any] = {"image/svg+xml": self.svg()}
        except RenderError as error:
            return {"text/plain": f"{error}\n\n{self.describe()}"}
        if importlib.util.find_spec("resvg_py") is not None:
            bundle["image/png"] = self.png()
        return bundle | {"text/plain": self.describe()}


def _known_theme(theme: str) -> ThemeName:
    """The theme, if it is one."""
    for name in get_args(ThemeName):
        if theme == name:
            known: ThemeName = name
            return known
    raise SpecError(f"theme: got {theme!r}; needed one of auto, light, dark")
