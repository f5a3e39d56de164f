"""Colours of a figure, light and dark."""

from dataclasses import dataclass, fields
from typing import Final, Literal

Role = Literal["ink", "fwd", "grad", "g2", "g3", "g4", "loc", "dim", "alert"]
ThemeName = Literal["auto", "light", "dark"]

# The colour of the k-th backward pass; further outputs take the colours in turn.
PASS_ROLES: Final[tuple[Role, ...]] = ("grad", "g2", "g3", "g4")
TEXT_ROLES: Final[tuple[Role, ...]] = ("ink", "fwd", *PASS_ROLES, "loc", "dim", "alert")

# How many colours tell the sizes of gradients, and the widths of the thinnest and thickest wire.
MAGNITUDES: Final = 9
_WIDTHS: Final = (1.4, 5.6)

SANS: Final = '"Helvetica Neue",Helvetica,Arial,"Liberation Sans",Arimo,sans-serif'
SERIF: Final = '"STIX Two Text",STIXGeneral,"Times New Roman",Times,"Liberation Serif",Tinos,serif'


@dataclass(frozen=True, slots=True)
class Theme:
    """The colours of one appearance; text colours have a contrast of 4.5 or more to the page.

    Colour is never the only carrier of meaning: values stand above the wire, gradients below it and
    in bold, and local gradients behind a multiplication sign.
    """

    background: str
    ink: str
    fwd: str
    grad: str
    g2: str
    g3: str
    g4: str
    loc: str
    dim: str
    alert: str
    wire: str
    gate: str
    gate_edge: str
    cluster: str
    cluster_edge: str
    ramp: tuple[str, ...]

    def colours(self) -> dict[str, str]:
        """The colours by token name, in the order of declaration."""
        names = (field.name for field in fields(self) if field.name != "ramp")
        return {name: getattr(self, name) for name in names}

    def magnitudes(self) -> dict[str, str]:
        """The colours of wires by the size of their gradients, from the smallest on."""
        last = len(self.ramp) - 1
        places = (step * last / (MAGNITUDES - 1) for step in range(MAGNITUDES))
        return {
            f"m{step}": _between(self.ramp[min(int(place), last - 1) :], place - int(place))
            if place < last
            else self.ramp[-1]
            for step, place in enumerate(places)
        }


LIGHT: Final = Theme(
    background="#FFFFFF",
    ink="#16202A",
    fwd="#00735C",
    grad="#BF3F0A",
    g2="#7B1FE0",
    g3="#A3195B",
    g4="#5F5300",
    loc="#2459A6",
    dim="#5A6875",
    alert="#D1006C",
    wire="#8593A1",
    gate="#F2F5F9",
    gate_edge="#3A4856",
    cluster="#F7F9FB",
    cluster_edge="#C9D2DB",
    ramp=("#C9B8AC", "#E3A27A", "#D8702F", "#BF3F0A", "#7A1F00"),
)
DARK: Final = Theme(
    background="#0E141B",
    ink="#E9EFF5",
    fwd="#4FD1A5",
    grad="#FF9A62",
    g2="#F2E14C",
    g3="#FF8FC1",
    g4="#D5C4FF",
    loc="#8DB8F5",
    dim="#9BABBA",
    alert="#FF5CA8",
    wire="#6A7988",
    gate="#1B2530",
    gate_edge="#AEBCCA",
    cluster="#131C25",
    cluster_edge="#33414F",
    ramp=("#5B5048", "#8A6247", "#C77B45", "#FF9A62", "#FFD2B0"),
)


def wire_width(strength: float) -> float:
    """The width of a wire that shows the size of its gradient.

    Args:
        strength: From 0 for the smallest gradient of the figure to 1 for the largest.
    """
    thin, thick = _WIDTHS
    return thin + (thick - thin) * strength


def magnitude_step(strength: float) -> int:
    """The position of a wire's colour in `Theme.magnitudes`.

    Args:
        strength: As in `wire_width`.
    """
    return round(strength * (MAGNITUDES - 1))


def _between(pair: tuple[str, ...], share: float) -> str:
    """A colour on the way from the first one to the second."""
    parts = (
        round(int(pair[0][k : k + 2], 16) * (1 - share) + int(pair[1][k : k + 2], 16) * share)
        for k in (1, 3, 5)
    )
    return "#" + "".join(f"{part:02X}" for part in parts)


def contrast(first: str, second: str) -> float:
    """Contrast ratio of two colours, from 1 to 21.

    Args:
        first: A colour as ``#RRGGBB``.
        second: A colour as ``#RRGGBB``.

    Source: Web Content Accessibility Guidelines 2.2, relative luminance and contrast ratio.

    >>> round(contrast("#FFFFFF", "#000000"), 1)
    21.0
    """
    lighter, darker = sorted((_luminance(first), _luminance(second)), reverse=True)
    return (lighter + 0.05) / (darker + 0.05)


def _luminance(colour: str) -> float:
    """Relative luminance of a colour, from 0 to 1."""
    channels = (int(colour[start : start + 2], 16) / 255 for start in (1, 3, 5))
    linear = (c / 12.92 if c <= 0.04045 else ((c + 0.055) / 1.055) ** 2.4 for c in channels)
    return sum(
        weight * channel for weight, channel in zip((0.2126, 0.7152, 0.0722), linear, strict=True)
    )
