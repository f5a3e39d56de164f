"""The style sheet of one figure: every rule is bound to the figure's own prefix."""

from typing import Final

from circuitgrad.viz.themes import (
    DARK,
    LIGHT,
    MAGNITUDES,
    SANS,
    SERIF,
    TEXT_ROLES,
    Theme,
    ThemeName,
    wire_width,
)

_BAKED: Final[dict[ThemeName, Theme]] = {"auto": LIGHT, "light": LIGHT, "dark": DARK}


def style_sheet(prefix: str, theme: ThemeName, emphasised: bool = False) -> str:
    """The rules of a figure.

    Colours are always written out, because many programs know no CSS variables. For ``"auto"``,
    rules with variables follow for the programs that do; they are switched by the reader's system,
    and by ``data-theme`` on the figure or anything around it.

    Args:
        prefix: The figure's own prefix of classes and ids.
        theme: ``"auto"``, ``"light"`` or ``"dark"``.
        emphasised: Whether wires show the sizes of their gradients.
    """
    rules = _shapes(prefix, emphasised) + _colours(prefix, _palette(_BAKED[theme], emphasised))
    if theme == "auto":
        names = _palette(LIGHT, emphasised)
        rules += (
            "@supports (color:var(--a)){"
            f"{_switches(prefix, emphasised)}"
            f"{_colours(prefix, {name: f'var(--{prefix}-{name})' for name in names})}}}"
        )
    return rules


def _palette(theme: Theme, emphasised: bool) -> dict[str, str]:
    """The colours that a figure needs."""
    return theme.colours() | (theme.magnitudes() if emphasised else {})


def _switches(prefix: str, emphasised: bool) -> str:
    """The variables of both palettes, and what chooses between them."""
    light, dark = (_variables(prefix, _palette(theme, emphasised)) for theme in (LIGHT, DARK))
    root = f".{prefix}"
    return (
        f"{root}{{{light}}}"
        f"@media (prefers-color-scheme:dark){{{root}{{{dark}}}}}"
        f"[data-theme=light] {root},{root}[data-theme=light]{{{light}}}"
        f"[data-theme=dark] {root},{root}[data-theme=dark]{{{dark}}}"
    )


def _variables(prefix: str, colours: dict[str, str]) -> str:
    """The colours of a theme as CSS variables."""
    return "".join(f"--{prefix}-{name}:{colour};" for name, colour in colours.items())


def _shapes(prefix: str, emphasised: bool) -> str:
    """Rules without colours."""
    p = f".{prefix} .{prefix}"
    steps = range(MAGNITUDES if emphasised else 0)
    widths = "".join(
        f"{p}-line-m{step}{{stroke-width:{wire_width(step / (MAGNITUDES - 1)):.2f}}}"
        for step in steps
    )
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
        f"{widths}"
    )


def _colours(prefix: str, colours: dict[str, str]) -> str:
    """Rules that give every part its colour."""
    p = f".{prefix} .{prefix}"
    text = "".join(f"{p}-{role}{{fill:{colours[role]}}}" for role in TEXT_ROLES)
    strokes = "".join(
        f"{p}-stroke-{role}{{fill:none;stroke:{colours[role]}}}" for role in TEXT_ROLES
    )
    steps = "".join(
        f"{p}-line-{name}{{stroke:{colour}}}{p}-head-{name}{{fill:{colour}}}"
        for name, colour in colours.items()
        if name in LIGHT.magnitudes()
    )
    return (
        f"{p}-page{{fill:{colours['background']}}}"
        f"{text}{strokes}"
        f"{p}-line{{stroke:{colours['wire']}}}{p}-head{{fill:{colours['wire']}}}"
        f"{steps}"
        f"{p}-line-alert{{stroke:{colours['alert']}}}"
        f"{p}-head-alert{{fill:{colours['alert']}}}"
        f"{p}-gate>circle,{p}-gate>rect{{fill:{colours['gate']};stroke:{colours['gate_edge']}}}"
        f"{p}-cluster>rect{{fill:{colours['cluster']};stroke:{colours['cluster_edge']}}}"
    )
