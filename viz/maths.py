"""Formulas as outlines of known size: set by mathra, else by ziamath, else as plain text.

Both engines are optional. What they return is read with an XML parser and kept as numbers and path
data only, so that nothing of an engine's markup reaches a figure unread.
"""

import functools
import importlib.util
import re
import warnings
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final, Literal, TypeAlias
from xml.etree import ElementTree

from circuitgrad.errors import BackendError
from circuitgrad.viz.plain_maths import plain_text

MathsEngine = Literal["auto", "mathra", "ziamath", "text"]

_EM: Final = 1000.0
_SVG: Final = "{http://www.w3.org/2000/svg}"
_NUMBER: Final = re.compile(r"-?\d*\.?\d+(?:e-?\d+)?")
_PATH_DATA: Final = re.compile(r"[MmLlHhVvCcSsQqTtAaZz0-9eE.,+\s-]*")


@dataclass(frozen=True, slots=True)
class Glyph:
    """An outline in a formula: path data, the place of its origin (y down), and its scale."""

    outline: str
    x: float
    y: float
    scale_x: float = 1.0
    scale_y: float = 1.0


@dataclass(frozen=True, slots=True)
class Bar:
    """A filled rectangle of a formula: the line of a fraction or a root."""

    x: float
    y: float
    width: float
    height: float


@dataclass(frozen=True, slots=True)
class Formula:
    """A formula set at 1000 units per em; y grows downwards from the base line."""

    width: float
    height: float
    ascent: float
    speech: str
    text: str
    glyphs: tuple[Glyph, ...]
    bars: tuple[Bar, ...]


def chosen_engine(engine: MathsEngine = "auto") -> MathsEngine:
    """The maths engine that will be used: the one asked for, or the best one installed.

    Args:
        engine: ``"auto"``, ``"mathra"``, ``"ziamath"`` or ``"text"``.

    Raises:
        BackendError: The engine asked for is not installed.
    """
    if engine == "auto":
        order: tuple[MathsEngine, ...] = ("mathra", "ziamath")
        return next((name for name in order if importlib.util.find_spec(name)), "text")
    if engine != "text" and importlib.util.find_spec(engine) is None:
        raise BackendError(
            f"maths engine: {engine!r} is not installed; it is needed to set formulas. "
            "Run: pip install 'circuitgrad[viz]'"
        )
    return engine


@functools.lru_cache(maxsize=4096)
def formula(latex: str, engine: MathsEngine, display: bool = False) -> Formula | None:
    """The formula as outlines, or None where it has to be written as plain text.

    Args:
        latex: The formula.
        engine: As ``chosen_engine`` returns it.
        display: Whether fractions and limits are set in full size.
    """
    if engine == "text":
        return None
    if r"\_" in latex:  # not known to mathra in the names of operators
        latex = latex.replace(r"\operatorname{", r"\mathrm{")
    try:
        markup, speech = _set(latex, engine, display)
    except Exception:  # an engine may refuse a formula in any way it likes: then text is shown
        return None
    return _read(ElementTree.fromstring(markup), speech or plain_text(latex), plain_text(latex))


def _set(latex: str, engine: MathsEngine, display: bool) -> tuple[str, str]:
    """Markup of a formula at 1000 units per em, and its speech text where the engine has one."""
    if engine == "mathra":
        import mathra

        latex = latex.replace(r"\mathbf{1}", "𝟏")  # it has bold digits, but not by this command
        markup: str = mathra.tex_to_svg(latex, display=display, strict=True)
        title = ElementTree.fromstring(markup).find(f"{_SVG}title")
        return markup, (title.text or "") if title is not None else ""
    with warnings.catch_warnings():  # ziamath loads its font with a deprecated function
        warnings.simplefilter("ignore", DeprecationWarning)
        from ziamath.zmath import Latex

    inline = not display
    return str(Latex(latex, size=_EM, inline=inline).svg()), ""


def _read(root: ElementTree.Element, speech: str, text: str) -> Formula:
    """A formula read from an engine's drawing."""
    left, top, width, height = _numbers(root.get("viewBox", ""))
    outlines = {
        element.get("id", ""): (path.get("d", ""), _numbers(element.get("viewBox", "")))
        for element in root.iter()
        if element.get("id") and (path := _path_of(element)) is not None
    }
    glyphs = tuple(
        Glyph(_checked(glyph.outline), glyph.x - left, glyph.y, glyph.scale_x, glyph.scale_y)
        for glyph in _glyphs(root, outlines)
    )
    upwards = _flips(root)
    bars = tuple(
        Bar(x - left, -y - tall if upwards else y, wide, tall)
        for x, y, wide, tall in _rectangles(root)
    )
    return Formula(width, height, -top, speech, text, glyphs, bars)


_Outlines: TypeAlias = dict[str, tuple[str, tuple[float, ...]]]


def _glyphs(root: ElementTree.Element, outlines: _Outlines) -> Iterator[Glyph]:
    """Placed outlines in the order of drawing."""
    sign = -1.0 if _flips(root) else 1.0
    for use in root.iter(f"{_SVG}use"):
        outline, box = outlines.get(use.get("href", "#")[1:], ("", ()))
        if not outline:
            continue
        x, y, scale = _placement(use)
        if box:  # ziamath: a symbol in its own units, stretched into a rectangle
            scale = float(use.get("height", "0")) / box[3]
            yield Glyph(outline, x - box[0] * scale, y - box[1] * scale, scale, scale)
        else:  # mathra: outlines in units of the font, y upwards
            yield Glyph(outline, x, sign * y, scale, sign * scale)


def _placement(use: ElementTree.Element) -> tuple[float, float, float]:
    """Origin and scale of a placed outline."""
    transform = use.get("transform")
    if transform is None:
        return float(use.get("x", "0")), float(use.get("y", "0")), 1.0
    x, y, *scale = _numbers(transform)
    return x, y, scale[0] if scale else 1.0


def _rectangles(root: ElementTree.Element) -> Iterator[tuple[float, float, float, float]]:
    """Position and size of every rectangle."""
    for bar in root.iter(f"{_SVG}rect"):
        yield (
            float(bar.get("x", "0")),
            float(bar.get("y", "0")),
            float(bar.get("width", "0")),
            float(bar.get("height", "0")),
        )


def _flips(root: ElementTree.Element) -> bool:
    """Whether the drawing's group turns the y axis upwards, as mathra's does."""
    return any("scale(1,-1)" in group.get("transform", "") for group in root.iter(f"{_SVG}g"))


def _path_of(element: ElementTree.Element) -> ElementTree.Element | None:
    """The path that an element with an id is, or holds."""
    return element if element.tag == f"{_SVG}path" else element.find(f"{_SVG}path")


def _numbers(text: str) -> tuple[float, ...]:
    """Every number in a text."""
    return tuple(float(number) for number in _NUMBER.findall(text))


def _checked(outline: str) -> str:
    """Path data, refused where it holds anything but path data."""
    if _PATH_DATA.fullmatch(outline) is None:
        raise ValueError("outline: path data holds other characters; an engine drew something else")
    return " ".join(outline.split())
