"""Gradient norms as a row of bars, one for each copy of a block."""

import math
from collections.abc import Sequence
from typing import Final

from circuitgrad.viz.content import Bars
from circuitgrad.viz.themes import Role

# The lowest bar stands for a hundredth of the highest, or for less where there is less: norms that
# hardly differ look alike.
_FEWEST_DECADES: Final = 2.0
_MOST_DECADES: Final = 16.0
_LOWEST: Final = 0.08
_ROOM: Final = 118.0
_WIDEST: Final = 9.0


def sparkline(norms: Sequence[float | None], role: Role) -> Bars:
    """The bars, as high as the logarithm of each norm.

    The highest bar is the largest norm. A norm of zero, and one that was not computed, has the
    lowest bar in the colour of captions; one that is not finite a full bar in that of warnings.

    Args:
        norms: Of every copy, in their order.
        role: The colour of the backward pass.

    >>> [round(height, 2) for height in sparkline([1.0, 0.1, 0.0], "grad").heights]
    [1.0, 0.54, 0.05]
    """
    decades = scale_decades(norms)
    top = max((norm for norm in norms if norm and math.isfinite(norm)), default=1.0)
    heights = tuple(_height(norm, top, decades) for norm in norms)
    roles = tuple(_role(norm, role) for norm in norms)
    step = min(_WIDEST + 2.0, _ROOM / max(len(norms), 1))
    return Bars(heights, roles, step)


def scale_decades(norms: Sequence[float | None]) -> float:
    """How many powers of ten the bars span.

    Args:
        norms: Of every copy.
    """
    sizes = [norm for norm in norms if norm and math.isfinite(norm)]
    spread = math.log10(max(sizes) / min(sizes)) if sizes else 0.0
    return min(max(spread, _FEWEST_DECADES), _MOST_DECADES)


def _height(norm: float | None, top: float, decades: float) -> float:
    """The height of a bar, as a part of the highest."""
    if not norm:
        return _LOWEST * 0.6
    if not math.isfinite(norm):
        return 1.0
    return max(_LOWEST, _LOWEST + (1 - _LOWEST) * (1 + math.log10(norm / top) / decades))


def _role(norm: float | None, role: Role) -> Role:
    """The colour of a bar."""
    if not norm:
        return "dim"
    return role if math.isfinite(norm) else "alert"
