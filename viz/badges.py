"""Small signs beside a gate: a kink, a number that is not finite, a proof."""

from collections.abc import Mapping, Sequence
from typing import Final, NamedTuple

from circuitgrad.viz.account import Badge
from circuitgrad.viz.themes import Role
from circuitgrad.viz.typesetting import ShapeMark


class _Sign(NamedTuple):
    """Path data of strokes around (0, 0), and a colour."""

    outline: str
    role: Role


_SIGNS: Final[Mapping[Badge, _Sign]] = {
    "kink": _Sign("M-5,4L0,4L4.5,-4", "loc"),
    "alert": _Sign("M0,-5L5.4,4.4L-5.4,4.4ZM0,-1.2V1.6", "alert"),
    "proved": _Sign("M-4.2,0.4L-1.2,3.6L4.4,-3.8", "fwd"),
    "certified": _Sign("M-4.2,0.4L-1.2,3.6L4.4,-3.8M-4.5,6H4.5", "fwd"),
    "undecided": _Sign("M-2.4,-2.6C-2,-6 3,-5.4 2.4,-2.2C2,-0.6 0,-0.4 0,1.6M0,3.6V4.2", "dim"),
    "refuted": _Sign("M-3.6,-3.6L3.6,3.6M3.6,-3.6L-3.6,3.6", "alert"),
}
_PROOFS: Final = ("proved", "certified", "undecided", "refuted")
_STROKE: Final = 1.7


def badge_marks(badges: Sequence[Badge], right: float, up: float) -> tuple[ShapeMark, ...]:
    """The signs of a gate: proofs at its upper left, others at its upper right.

    Args:
        badges: What to show.
        right: How far from the gate's middle, in points.
        up: How far above it.
    """
    marks = []
    for badge in badges:
        outline, role = _SIGNS[badge]
        x = -right - 4.0 if badge in _PROOFS else right + 6.0
        marks.append(ShapeMark(x, -up - 4.0, outline, role, _STROKE))
    return tuple(marks)
