"""A figure as a page of its own, which loads nothing and runs nothing."""

from typing import Final

from circuitgrad.viz.escaping import escape
from circuitgrad.viz.themes import DARK, LIGHT, SANS, Theme, ThemeName

_POLICY: Final = "default-src 'none'; style-src 'unsafe-inline'; img-src data:; base-uri 'none'"
_FIXED: Final[dict[ThemeName, Theme]] = {"auto": LIGHT, "light": LIGHT, "dark": DARK}


def page(title: str, svg: str, words: str, theme: ThemeName) -> str:
    """The page as HTML.

    Args:
        title: The title of the page.
        svg: The figure.
        words: Its description, shown on request.
        theme: The theme of the figure.
    """
    lines = "\n".join(escape(line) for line in words.splitlines())
    return (
        '<!DOCTYPE html>\n<html lang="en">\n<head>\n<meta charset="utf-8">\n'
        f'<meta http-equiv="Content-Security-Policy" content="{_POLICY}">\n'
        '<meta name="viewport" content="width=device-width, initial-scale=1">\n'
        f"<title>{escape(title)}</title>\n<style>{_rules(theme)}</style>\n</head>\n"
        f"<body>\n<main>\n<figure>{svg.strip()}</figure>\n"
        f"<details><summary>Description</summary>\n<pre>{lines}</pre>\n</details>\n"
        "</main>\n</body>\n</html>\n"
    )


def _rules(theme: ThemeName) -> str:
    """The style of everything around the figure."""
    rules = (
        "body{margin:0;padding:1rem}figure{margin:0;overflow-x:auto}"
        f"details{{margin-top:1rem;font:0.9rem {SANS}}}"
        "summary{cursor:pointer}pre{white-space:pre-wrap;font:inherit}"
    )
    rules += _ground(_FIXED[theme])
    if theme == "auto":
        rules += (
            f":root{{color-scheme:light dark}}@media(prefers-color-scheme:dark){{{_ground(DARK)}}}"
        )
    return rules


def _ground(theme: Theme) -> str:
    """Colours of the page."""
    return f"body{{background:{theme.background};color:{theme.ink}}}"
