"""The style sheet of one figure: every rule is bound to the figure's own prefix."""

from typing import Final

from circuitgrad.viz.themes import DARK, LIGHT, SANS, SERIF, TEXT_ROLES, Theme, ThemeName

_BAKED: Final[dict[ThemeName, Theme]] = {"auto": LIGHT, "light": LIGHT, "dark": DARK}


def style_sheet(prefix: str, theme: ThemeName) -> str:
    """The rules of a figure.

    Colours are always written out, because many programs know no CSS variables. For ``"auto"``,
    rules with variables follow for the programs that do; they are switched by the reader's system,
    and by ``data-theme`` on the figure or anything around it.

    Args:
        prefix: The figure's own prefix of classes and ids.
        theme: ``"auto"``, ``"light"`` or ``"dark"``.
    """
    rules = _shapes(prefix) + _colours(prefix, _BAKED[theme].colours())
    if theme == "auto":
        names = LIGHT.colours()
        rules += (
            "@supports (color:var(--a)){"
            f"{_switches(prefix)}"
            f"{_colours(prefix, {name: f'var(--{prefix}-{name})' for name in names})}}}"
        )
    return rules


def _switches(prefix: str) -> str:
    """The variables of both palettes, and what chooses between them."""
    light, dark = _variables(prefix, LIGHT), _variables(prefix, DARK)
    root = f".{prefix}"
    return (
        f"{root}{{{light}}}"
        f"@media (prefers-color-scheme:dark){{{root}{{{dark}}}}}"
        f"[data-theme=light] {root},{root}[data-theme=light]{{{light}}}"
        f"[data-theme=dark] {root},{root}[data-theme=dark]{{{dark}}}"
    )


def _variables(prefix: str, theme: Theme) -> str:
    """The colours of a theme as CSS variables."""
    return "".join(f"--{prefix}-{name}:{colour};" for name, colour in theme.colours().items())


def _shapes(prefix: str) -> str:
    """Rules without colours."""
    p = f".{prefix} .{prefix}"
    return (
        f".{prefix} text{{font-variant-numeric:tabular-nums}}"
        f"{p}-sans{{font-family:{SANS}}}"
        f"{p}-bold{{font-family:{SANS};font-weight:700}}"
        f"{p}-italic{{font-family:{SERIF};font-style:italic}}"
        f"{p}-ghost{{fill-opacity:0}}"
        f"{p}-line{{fill:none;stroke-width:1.8;stroke-linecap:round}}"
        f"{p}-line-zero{{stroke-dasharray:3 3;stroke-linecap:butt}}"
        f"{p}-line-alert{{stroke-width:3}}"
        f"{p}-gate>circle,{p}-gate>rect{{stroke-width:1.4}}"
    )


def _colours(prefix: str, colours: dict[str, str]) -> str:
    """Rules that give every part its colour."""
    p = f".{prefix} .{prefix}"
    text = "".join(f"{p}-{role}{{fill:{colours[role]}}}" for role in TEXT_ROLES)
    strokes = "".join(
        f"{p}-stroke-{role}{{fill:none;stroke:{colours[role]}}}" for role in TEXT_ROLES
    )
    return (
        f"{p}-page{{fill:{colours['background']}}}"
        f"{text}{strokes}"
        f"{p}-line{{stroke:{colours['wire']}}}{p}-head{{fill:{colours['wire']}}}"
        f"{p}-line-alert{{stroke:{colours['alert']}}}"
        f"{p}-head-alert{{fill:{colours['alert']}}}"
        f"{p}-gate>circle,{p}-gate>rect{{fill:{colours['gate']};stroke:{colours['gate_edge']}}}"
        f"{p}-cluster>rect{{fill:{colours['cluster']};stroke:{colours['cluster_edge']}}}"
    )
