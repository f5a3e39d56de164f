"""What a decision says: status, cells, counterexample, kinks."""

from dataclasses import asdict, dataclass
from enum import Enum

from circuitgrad.errors import ProofError

_SHOWN_CELLS = 12


class InternalInconsistency(ProofError):  # noqa: N818 - a settled public name
    """Raised when an exact proof and a rigorous ball contradict each other: always a bug."""


class Status(Enum):
    """What is known about a claim."""

    PROVED = "proved"
    CERTIFIED = "certified"
    REFUTED = "refuted"
    UNDECIDED = "undecided"


@dataclass(frozen=True)
class Witness:
    """A point where both sides were enclosed rigorously.

    Attributes:
        point: exact rationals as text, one per variable; polynomials for undefined functions.
        lhs_ball: ball around the left side.
        rhs_ball: ball around the right side.
        bits: working precision of the balls.
    """

    point: dict[str, str]
    lhs_ball: str
    rhs_ball: str
    bits: int

    def __str__(self) -> str:
        """Return the point and the two balls on one line."""
        where = ", ".join(f"{name} = {value}" for name, value in self.point.items())
        place = f"at {where}: " if where else ""
        return f"{place}left side {self.lhs_ball}, right side {self.rhs_ball}"


@dataclass(frozen=True)
class CellResult:
    """What is known on one open sign cell.

    Attributes:
        conditions: the strict inequalities that describe the cell.
        status: the verdict on this cell alone.
        void: the formulas have no real value there, so nothing is claimed.
        generators: the transcendental and algebraic generators of the normal form.
        terms: number of terms of the largest numerator at the end.
        reason: why the cell stayed open, or empty.
    """

    conditions: tuple[str, ...]
    status: Status
    void: bool = False
    generators: tuple[str, ...] = ()
    terms: int = 0
    reason: str = ""

    def __str__(self) -> str:
        """Return the conditions and the status on one line."""
        where = " and ".join(self.conditions) or "everywhere"
        word = "undefined here" if self.void else self.status.value
        return f"{where}: {word}" + (f" ({self.reason})" if self.reason else "")


@dataclass(frozen=True)
class KinkResult:
    """What happens on one boundary between cells.

    Attributes:
        where: the boundary, such as "x = 0".
        left: limit of the right answer from below the boundary.
        right: limit of the right answer from above the boundary.
        claimed: value of the claimed side on the boundary.
        correct: value of the other side on the boundary.
        in_clarke: the claimed value lies between the two limits; None if unknown.
        agree: both sides have the same value there; None if unknown.
    """

    where: str
    left: str
    right: str
    claimed: str
    correct: str
    in_clarke: bool | None
    agree: bool | None

    def __str__(self) -> str:
        """Return the boundary, the limits and the two values on one line."""
        word = {True: "agree", False: "DISAGREE", None: "unknown"}[self.agree]
        return (
            f"{self.where}: {word}; limits {self.left} and {self.right}; "
            f"left side {self.correct}, right side {self.claimed}"
        )


@dataclass(frozen=True)
class Verdict:
    """The answer to one claim.

    Attributes:
        status: proved, refuted or undecided.
        method: "structural", "normal form", "ball" or empty.
        cells: what is known on each open cell.
        counterexample: a point where the sides differ, for refuted claims.
        tested: number of points where both sides were enclosed and agreed.
        digits: decimal digits to which they agreed at the worst of these points.
        reason: why the claim is undecided, or empty.
        elapsed_ms: wall-clock time.
        assumptions: what the formulas need in order to be real, such as "x > 0".
        caveat: a point of the domain where only one side is real, so that nothing is claimed.
    """

    status: Status
    method: str = ""
    cells: tuple[CellResult, ...] = ()
    counterexample: Witness | None = None
    tested: int = 0
    digits: float = 0.0
    reason: str = ""
    elapsed_ms: float = 0.0
    assumptions: tuple[str, ...] = ()
    caveat: str = ""

    @property
    def proved(self) -> bool:
        """True if and only if the claim is proved."""
        return self.status is Status.PROVED

    @property
    def holds_on(self) -> tuple[str, ...]:
        """The cells on which a claim that was refuted elsewhere is proved."""
        if self.status is not Status.REFUTED:
            return ()
        proved = [cell for cell in self.cells if cell.status is Status.PROVED and not cell.void]
        return tuple(" and ".join(cell.conditions) for cell in proved if cell.conditions)

    def to_json(self) -> dict[str, object]:
        """Return the verdict as plain dictionaries, lists, texts and numbers."""
        record = asdict(self)
        record["status"] = self.status.value
        record["cells"] = [asdict(cell) | {"status": cell.status.value} for cell in self.cells]
        for cell in record["cells"]:
            cell["conditions"] = list(cell["conditions"])
            cell["generators"] = list(cell["generators"])
        record["assumptions"] = list(self.assumptions)
        return record

    def __str__(self) -> str:
        """Return a short report of several lines."""
        head = self.status.value.upper() + (f" by {self.method}" if self.method else "")
        lines = [f"{head} in {self.elapsed_ms:.1f} ms"]
        if self.reason:
            lines.append(f"  reason: {self.reason}")
        if self.counterexample:
            lines.append(f"  counterexample: {self.counterexample}")
        if self.holds_on:
            lines.append("  holds on " + "; ".join(self.holds_on[:_SHOWN_CELLS]))
        lines += [f"  cell {cell}" for cell in self.cells[:_SHOWN_CELLS]]
        if len(self.cells) > _SHOWN_CELLS:
            lines.append(f"  and {len(self.cells) - _SHOWN_CELLS} cells more")
        if self.caveat:
            lines.append(f"  caveat: {self.caveat}")
        if self.assumptions:
            lines.append("  assuming " + ", ".join(self.assumptions))
        if self.tested:
            lines.append(f"  agreed at {self.tested} points to {self.digits:.0f} digits")
        return "\n".join(lines)
