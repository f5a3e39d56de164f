"""A figure that moves: the forward and the backward pass as SVG with CSS, GIF or APNG."""

import importlib.util
import io
import itertools
import math
import os
import pathlib
from collections.abc import Iterator
from typing import Any, Final

from circuitgrad.errors import BackendError, RenderError, SpecError
from circuitgrad.viz.arrangement import MARGIN, graph_top
from circuitgrad.viz.film_sheet import FilmSheet
from circuitgrad.viz.layout import Point, Route
from circuitgrad.viz.motion import HOLD, TRAVEL, Times, moving_rules, still_rules
from circuitgrad.viz.passes import PassFilm
from circuitgrad.viz.themes import ThemeName

_MOST_STEPS: Final = 120
_MOST_PIXELS: Final = 4e6
_DOTS: Final = 4  # pictures of the travelling dot in each step
_RADIUS: Final = 5.0
_SMOOTH: Final = 4
_COLOURS: Final = 128
_ENDINGS: Final = (".svg", ".gif", ".apng")
_NEED_PIXELS: Final = (
    "animation: the package {} is not installed; it is needed to write {} files. "
    "Run: pip install 'circuitgrad[viz]' or save an .svg file"
)


class Animation:
    """The steps of one forward and backward pass as a moving picture.

    Made by ``figure.animation()``.

    Args:
        film: The picture and its steps.
        theme: ``"light"`` or ``"dark"``; ``"auto"``, which follows the reader's system, is for SVG
            only and becomes light in pixels.
        seconds: How long each step lasts.
    """

    def __init__(self, film: PassFilm, theme: ThemeName = "auto", seconds: float = 1.3) -> None:
        if not 0.05 <= seconds <= 60:
            raise SpecError(f"animation: seconds is {seconds!r}; needed 0.05 to 60 for each step.")
        self._film = film
        self._theme = theme
        self._seconds = seconds

    def __repr__(self) -> str:
        return f"<Animation of {len(self._film.steps)} steps>"

    def svg(self) -> str:
        """The animation as an SVG document; it stands still where motion is not wanted."""
        sheet = FilmSheet(self._film, self._theme)
        count = len(self._film.steps)
        rules = "".join(moving_rules(sheet, Times(count, self._seconds)))
        still = (
            "@media (prefers-reduced-motion:reduce)"
            f"{{.{sheet.prefix} *{{animation:none!important}}}}"
        )
        return sheet.document(sheet.with_dots(), rules + still, range(count))

    def save(self, path: str | os.PathLike[str], scale: float = 1.25) -> pathlib.Path:
        """Writes the animation and returns the path.

        Args:
            path: The file's name ends in ``.svg``, ``.gif`` or ``.apng``.
            scale: Pixels for each point in GIF and APNG; less for large figures.

        Raises:
            SpecError: The scale is out of range.
            RenderError: The name has another ending, or there are too many steps for pixels.
            BackendError: A package that draws pixels is not installed.
        """
        if not 0.1 <= scale <= 10:
            raise SpecError(f"save: scale is {scale!r}; needed 0.1 to 10 pixels for each point.")
        target = pathlib.Path(path)
        kind = target.suffix.lower()
        if kind not in _ENDINGS:
            raise RenderError(
                f"save: the file name {target.name!r} ends in {target.suffix or 'nothing'!r}; "
                "an animation is written to .svg, .gif or .apng. Choose one of these"
            )
        target.write_bytes(self.svg().encode() if kind == ".svg" else self._pixels(kind, scale))
        return target

    def _repr_html_(self) -> str:
        """What a notebook shows."""
        return self.svg()

    def _pixels(self, kind: str, scale: float) -> bytes:
        """A GIF or an APNG."""
        for module, package in (("PIL", "pillow"), ("resvg_py", "resvg-py")):
            if importlib.util.find_spec(module) is None:
                raise BackendError(_NEED_PIXELS.format(package, kind))
        if len(self._film.steps) > _MOST_STEPS:
            raise RenderError(
                f"animation: there are {len(self._film.steps)} steps; at most {_MOST_STEPS} fit "
                f"into {kind}. Save an .svg, use player(), or draw a part of the circuit"
            )
        layout = self._film.layout
        zoom = min(scale, math.sqrt(_MOST_PIXELS / max(layout.width * layout.height, 1.0)))
        pictures, seconds = zip(*self._frames(zoom), strict=True)
        return _joined(list(pictures), [round(1000 * time) for time in seconds], kind)

    def _frames(self, scale: float) -> Iterator[tuple[Any, float]]:
        """The pictures of every step with their durations: the dots on their way, then none."""
        sheet = FilmSheet(self._film, "dark" if self._theme == "dark" else "light")
        steps = self._film.steps
        for place, step in enumerate(steps):
            rules = "".join(still_rules(sheet, place))
            picture = _picture(sheet.document(sheet.base, rules, (place,), place), scale)
            for dot in range(_DOTS):
                part = (dot + 0.5) / _DOTS
                eased = part * part * (3 - 2 * part)
                share = eased if step.phase == "forward" else 1 - eased
                moving = picture.copy()
                for wire in step.wires:
                    _put_dot(moving, self._place(wire, share), sheet.active(step), scale)
                yield moving, self._seconds * TRAVEL / _DOTS
            hold = HOLD if place == len(steps) - 1 else 0.0
            yield picture, self._seconds * (1 - TRAVEL) + hold

    def _place(self, wire: int, share: float) -> Point:
        """Where a dot is that has come some part of a wire's length."""
        x, y = _along(self._film.layout.routes[wire], share)
        return Point(x + MARGIN, y + MARGIN + graph_top(self._film.composition))


def _picture(text: str, scale: float) -> Any:
    """The pixels of an SVG document."""
    import resvg_py
    from PIL import Image

    return Image.open(
        io.BytesIO(bytes(resvg_py.svg_to_bytes(svg_string=text, zoom=scale)))
    ).convert("RGB")


def _put_dot(picture: Any, place: Point, colour: str, scale: float) -> None:
    """Paints a dot with smooth edges."""
    from PIL import Image, ImageDraw

    radius = _RADIUS * scale
    left, top = math.floor(place.x * scale - radius), math.floor(place.y * scale - radius)
    side = math.ceil(2 * radius) + 2
    mask = Image.new("L", (side * _SMOOTH, side * _SMOOTH))
    x, y = (place.x * scale - left) * _SMOOTH, (place.y * scale - top) * _SMOOTH
    reach = radius * _SMOOTH
    ImageDraw.Draw(mask).ellipse((x - reach, y - reach, x + reach, y + reach), fill=255)
    picture.paste(colour, (left, top), mask.resize((side, side), Image.Resampling.BOX))


def _joined(pictures: list[Any], durations: list[int], kind: str) -> bytes:
    """The pictures as one file that plays for ever."""
    from PIL import Image

    if kind == ".gif":  # the same colours throughout, so that nothing flickers
        palette = _palette(_montage(pictures))
        pictures = [each.quantize(palette=palette, dither=Image.Dither.NONE) for each in pictures]
    buffer = io.BytesIO()
    pictures[0].save(
        buffer,
        format="GIF" if kind == ".gif" else "PNG",
        save_all=True,
        append_images=pictures[1:],
        duration=durations,
        loop=0,
    )
    return buffer.getvalue()


def _palette(picture: Any) -> Any:
    """The colours of a picture, with the ground, which the corner shows, exactly as it is."""
    from PIL import Image

    few = picture.quantize(_COLOURS, dither=Image.Dither.NONE)
    colours, ground = few.getpalette(), few.getpixel((0, 0))
    colours[3 * ground : 3 * ground + 3] = picture.getpixel((0, 0))
    few.putpalette(colours)
    return few


def _montage(pictures: list[Any]) -> Any:
    """One picture with the colours of all: the first, a middle and the last one."""
    from PIL import Image

    chosen = [pictures[0], pictures[len(pictures) // 2], pictures[-1]]
    width, height = pictures[0].size
    montage = Image.new("RGB", (width, height * len(chosen)))
    for place, picture in enumerate(chosen):
        montage.paste(picture, (0, place * height))
    return montage


def _along(route: Route, part: float) -> Point:
    """The point of a wire at a part of its length, from 0 to 1."""
    points = [*_curve(route.arriving), *_curve(route.leaving)]
    steps = [((b.x - a.x) ** 2 + (b.y - a.y) ** 2) ** 0.5 for a, b in itertools.pairwise(points)]
    left = part * sum(steps)
    for start, end, length in zip(points, points[1:], steps, strict=False):
        if left <= length and length:
            share = left / length
            return Point(start.x + (end.x - start.x) * share, start.y + (end.y - start.y) * share)
        left -= length
    return points[-1]


def _curve(points: tuple[Point, ...]) -> Iterator[Point]:
    """Points along cubic Bézier curves that follow one another."""
    for start in range(0, len(points) - 3, 3):
        a, b, c, d = points[start : start + 4]
        for place in range(9):
            t = place / 8
            weights = ((1 - t) ** 3, 3 * t * (1 - t) ** 2, 3 * t * t * (1 - t), t**3)
            yield Point(
                sum(w * q.x for w, q in zip(weights, (a, b, c, d), strict=True)),
                sum(w * q.y for w, q in zip(weights, (a, b, c, d), strict=True)),
            )
