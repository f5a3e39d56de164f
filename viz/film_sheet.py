"""The picture of a film with a caption for each step, and the selectors of its parts."""

import re
from collections.abc import Iterable, Iterator
from typing import Final

from circuitgrad.errors import RenderError
from circuitgrad.viz.arrangement import MARGIN
from circuitgrad.viz.captions import Line, Step, Token
from circuitgrad.viz.content import Span
from circuitgrad.viz.escaping import escape
from circuitgrad.viz.passes import PassFilm
from circuitgrad.viz.themes import DARK, LIGHT, PASS_ROLES, Role, ThemeName
from circuitgrad.viz.typesetting import plain_spans

_MOST_LINES: Final = 4
_LINE_HEIGHT: Final = 22
_GAP: Final = 10
_SIZE: Final = 14.0
_PATH: Final = "\x00"  # stands for the course of a wire
# A wire as the figure draws it, up to its labels.
_WIRE: Final = (
    r'(<g class="{p}-wire" id="{p}-w(\d+)"[^>]*>.*?<path class="{p}-line[^"]*" d="([^"]*)"/>'
    r'<path class="{p}-head[^"]*" d="[^"]*"/>)'
)


class FilmSheet:
    """The picture of a film with room for captions, and the selectors of its parts."""

    def __init__(self, film: PassFilm, theme: ThemeName) -> None:
        self.film = film
        self.base = film.svg(theme)
        found = re.match(r'<svg [^>]*class="(\w+)" width="(\d+)" height="(\d+)"', self.base)
        if found is None:
            raise RenderError("animation: the figure has no size. Draw it anew")
        self.prefix = found[1]
        self._width, self._height = int(found[2]), int(found[3])
        self._palette = {"light": LIGHT.colours(), "dark": DARK.colours()}.get(theme)
        self._lines = 1 + max(len(_shown(step)) for step in film.steps)

    def colour(self, name: str) -> str:
        """A colour of the theme."""
        return self._palette[name] if self._palette else f"var(--{self.prefix}-{name})"

    def active(self, step: Step) -> str:
        """The colour of a step."""
        return self.colour("fwd" if step.phase == "forward" else self.film.role)

    def label(self, key: str) -> str:
        """The selector of a label."""
        p, at = self.prefix, key[1:]
        if key[0] in "abs":
            part = {"a": "above", "b": "below", "s": "sums"}[key[0]]
            return f"#{p}-w{at} .{p}-{part}"
        roles = ("fwd", "alert") if key[0] == "v" else PASS_ROLES
        return ",".join(f"#{p}-n{at} .{p}-{role}" for role in roles)

    def wire(self, index: int) -> tuple[str, str]:
        """The selectors of a wire's line and head."""
        return (
            f"#{self.prefix}-w{index} .{self.prefix}-line",
            f"#{self.prefix}-w{index} .{self.prefix}-head",
        )

    def gate(self, index: int) -> str:
        """The selector of a gate's outline."""
        p = self.prefix
        return f"#{p}-n{index}.{p}-gate circle,#{p}-n{index}.{p}-gate rect"

    def document(
        self, body: str, rules: str, captions: Iterable[int], shown: int | None = None
    ) -> str:
        """The picture with rules, captions, and room for these."""
        steps = self.film.steps
        last = len(steps) - 1 if shown is None else shown
        texts = "".join(self._caption(place, steps[place], place == last) for place in captions)
        height = self._height + _GAP + self._lines * _LINE_HEIGHT
        grown = body.replace(f'height="{self._height}"', f'height="{height}"', 1).replace(
            f"0 0 {self._width} {self._height}", f"0 0 {self._width} {height}", 1
        )
        start, _, _ = grown.rpartition("</svg>")
        return f"{start}<style>{rules}</style>{texts}</svg>\n"

    def _caption(self, place: int, step: Step, shown: bool) -> str:
        """The caption of a step as lines of text."""
        role: Role = "fwd" if step.phase == "forward" else self.film.role
        first = (Span(f"{step.phase}  ", role, _SIZE, "bold"), Span(step.words, "dim", _SIZE))
        lines = [first, *(tuple(self._spans(line)) for line in _shown(step))]
        texts = "".join(
            self._text(spans, self._height + _GAP + _LINE_HEIGHT * row)
            for row, spans in enumerate(lines)
        )
        hidden = "" if shown else ' visibility="hidden"'
        return f'<g class="{self.prefix}-c{place}"{hidden}>{texts}</g>'

    def _spans(self, line: Line) -> Iterator[Span]:
        for token in line:
            yield from self._span(token)

    def _span(self, token: Token) -> tuple[Span, ...]:
        """A token as runs of characters."""
        match token.kind:
            case "maths":
                return plain_spans(token.text, "ink", _SIZE + 1)
            case "words":
                return (Span(token.text, "dim", _SIZE),)
            case kind:
                roles: dict[str, Role] = {"value": "fwd", "local": "loc"}
                return (Span(token.text, roles.get(kind, self.film.role), _SIZE, "bold"),)

    def _text(self, spans: tuple[Span, ...], y: float) -> str:
        """A line of text at the left margin."""
        runs: list[str] = []
        level = 0.0
        for span in spans:
            runs.append(
                f'<tspan class="{self.prefix}-{span.role} {self.prefix}-{span.face}" '
                f'font-size="{span.size:g}" dy="{level - span.rise:.1f}">'
                f"{escape(span.text)}</tspan>"
            )
            level = span.rise
        return f'<text x="{MARGIN}" y="{y:g}" xml:space="preserve">{"".join(runs)}</text>'

    def with_dots(self) -> str:
        """The picture with a dot on every wire of every step, moved along it by rules."""
        dots: dict[int, list[str]] = {}
        for place, step in enumerate(self.film.steps):
            for wire in step.wires:
                dots.setdefault(wire, []).append(
                    f'<circle class="{self.prefix}-d{place}" r="5" visibility="hidden" '
                    f"style=\"offset-path:path('{_PATH}');offset-rotate:0deg\"/>"
                )
        return re.sub(
            _WIRE.format(p=self.prefix),
            lambda found: found[1] + "".join(dots.get(int(found[2]), ())).replace(_PATH, found[3]),
            self.base,
            flags=re.S,
        )


def _shown(step: Step) -> tuple[Line, ...]:
    """The lines of a step that there is room for."""
    if len(step.lines) <= _MOST_LINES:
        return step.lines
    more = len(step.lines) - _MOST_LINES + 1
    return (*step.lines[: _MOST_LINES - 1], (Token("words", f"and {more} more operands"),))
