"""A player: one page that plays the forward and the backward pass of a circuit, step by step."""

import base64
import os
import pathlib
from typing import Any, Final

from circuitgrad.errors import RenderError
from circuitgrad.viz.escaping import escape
from circuitgrad.viz.passes import PassFilm
from circuitgrad.viz.player_page import page

_MOST_BYTES: Final = 2_000_000
_AROUND_FIGURE: Final = 330


class Player:
    """The figure of a run, played step by step: first forward, then backward.

    Made by ``figure.player()``. A notebook shows it; ``save`` writes one HTML file that needs no
    network.

    Args:
        title: What the page is called.
        films: One for each backward pass.
        theme: ``"auto"`` follows the reader's system; ``"light"`` and ``"dark"`` are fixed.
    """

    def __init__(self, title: str, films: tuple[PassFilm, ...], theme: str = "auto") -> None:
        self._title = title
        self._films = films
        self._theme = theme

    def __repr__(self) -> str:
        return f"<Player {self._title!r}: {len(self._films[0].steps)} steps>"

    def html(self) -> str:
        """The page.

        Raises:
            RenderError: It would be larger than two megabytes.
        """
        text = page(self._title, self._films, self._theme)
        size = len(text.encode())
        if size > _MOST_BYTES:
            raise RenderError(
                f"player: the page has {size / 1e6:.2f} megabytes; at most "
                f"{_MOST_BYTES / 1e6:.0f} play smoothly. Draw with detail=0, with fewer outputs "
                "in the backward pass, or draw a part of the circuit"
            )
        return text

    def save(self, path: str | os.PathLike[str]) -> pathlib.Path:
        """Writes the page and returns the path.

        Args:
            path: The file's name ends in ``.html`` or ``.htm``.

        Raises:
            RenderError: The name has another ending, or as in ``html``.
        """
        target = pathlib.Path(path)
        if target.suffix.lower() not in (".html", ".htm"):
            raise RenderError(
                f"save: the file name {target.name!r} ends in {target.suffix or 'nothing'!r}; "
                "a player is written to .html. Choose that"
            )
        target.write_bytes(self.html().encode())
        return target

    def _repr_html_(self) -> str:
        """The page in a frame of its own; a still picture where scripts or frames are off."""
        film = self._films[0]
        height = round(film.layout.height + film.composition.header.height) + _AROUND_FIGURE
        picture = base64.b64encode(film.svg("auto").encode()).decode()
        return (
            f'<iframe title="{escape(self._title)}" sandbox="allow-scripts" loading="lazy" '
            f'style="width:100%;height:{height}px;border:0" srcdoc="{_attribute(self.html())}">'
            f'</iframe><noscript><img alt="{escape(self._title)}" style="max-width:100%" '
            f'src="data:image/svg+xml;base64,{picture}"></noscript>'
        )

    def _repr_mimebundle_(self, include: Any = None, exclude: Any = None) -> dict[str, Any]:
        """What a notebook shows: the player, or the still figure where it does not run pages."""
        film = self._films[0]
        return {
            "text/html": self._repr_html_(),
            "image/svg+xml": film.svg("auto"),
            "text/plain": "\n".join((self._title, *film.composition.scene.sentences)),
        }


def _attribute(text: str) -> str:
    """A whole page as the value of an attribute; nothing in it is changed for the reader."""
    return text.replace("&", "&amp;").replace('"', "&quot;")
