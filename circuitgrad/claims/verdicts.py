"""The answers to a claim: proved, refuted or undecided, each an immutable record."""

from __future__ import annotations

from dataclasses import asdict, dataclass, field
from typing import TYPE_CHECKING, Any

from circuitgrad.errors import ProofError
from circuitgrad.methods import upper_layer
from circuitgrad.proofs.verdicts import KinkResult, Status

if TYPE_CHECKING:
    from circuitgrad.formulas.derivations import Derivation

Numbers = Any  # a text, or nested tuples of texts: exact numbers as people write them


@dataclass(frozen=True)
class Counterexample:
    """A point where the claim is wrong for certain.

    Attributes:
        sizes: The length of every named axis.
        point: The exact value of every input: a rational number as text, or nested tuples.
        entry: The entry of the result where the two sides differ; () for a scalar.
        claimed: What the claim gives there, as a ball `[midpoint +/- radius]` or a number.
        correct: What is right there.
        bits: The precision of the balls; 53 for ordinary floating point.
        claimed_value: Everything that the claim gives at this point, as numbers.
        correct_value: Everything that is right at this point, as numbers.
    """

    sizes: dict[str, int]
    point: dict[str, Numbers]
    entry: tuple[int, ...]
    claimed: str
    correct: str
    bits: int
    claimed_value: Any = None
    correct_value: Any = None

    def __str__(self) -> str:
        sizes = ", ".join(f"{axis} = {size}" for axis, size in self.sizes.items())
        where = ", ".join(f"{name} = {shown(value)}" for name, value in self.point.items())
        head = f" ({sizes})" if sizes else ""
        claim, right = rounded(self.claimed_value), rounded(self.correct_value)
        if claim == right:  # they differ further behind the point
            claim, right = (ball.strip("[]").split(" ")[0] for ball in (self.claimed, self.correct))
            where += f", entry {list(self.entry)}" if self.entry else ""
        place = f"{where}: " if where else ""
        return f"Counterexample{head}: {place}claim {claim}, right {right}."


def shown(value: Numbers) -> str:
    """Nested tuples of numbers as people write them.

    >>> shown((("0", "1/2"), ("0", "0")))
    '[[0, 1/2], [0, 0]]'
    """
    if isinstance(value, tuple | list):
        return "[" + ", ".join(shown(part) for part in value) + "]"
    return str(value)


def rounded(value: Any) -> str:
    """Numbers at six digits.

    >>> rounded([1 / 3, -0.0])
    '[0.333333, 0]'
    """
    if isinstance(value, tuple | list):
        return "[" + ", ".join(rounded(part) for part in value) + "]"
    if isinstance(value, float):
        return f"{value + 0.0:.6g}"
    return str(value)


@dataclass(frozen=True)
class Verdict:
    """What is known of a claim; one of `Proved`, `Refuted` and `Undecided`.

    Attributes:
        claim: The claim in words, as it was read.
        correct: The right formula, for every size where there is one.
        elapsed_ms: Wall-clock time.
        assumptions: What the answer rests on, such as "x > 0" or "A is symmetric".
        kinks: What happens where a formula has a kink.
        notes: What else a reader should know.
        statement: What is needed to decide the claim again; None where code was claimed.
    """

    claim: str
    correct: str = ""
    elapsed_ms: float = 0.0
    assumptions: tuple[str, ...] = ()
    kinks: tuple[KinkResult, ...] = ()
    notes: tuple[str, ...] = ()
    statement: dict[str, Any] | None = field(default=None, repr=False)

    @property
    def status(self) -> Status:
        """Proved, refuted or undecided."""
        raise NotImplementedError

    @property
    def proved(self) -> bool:
        """True if and only if the claim is proved."""
        return self.status is Status.PROVED

    @property
    def refuted(self) -> bool:
        """True if and only if the claim is refuted."""
        return self.status is Status.REFUTED

    def __bool__(self) -> bool:
        return self.proved

    def require(self) -> Verdict:
        """This verdict if it is proved; else ProofError that says why not."""
        if not self.proved:
            raise ProofError(f"claim: {self.status.value}, not proved.\n{self}")
        return self

    def to_json(self) -> dict[str, Any]:
        """The verdict as plain dictionaries, lists, texts and numbers."""
        return {"status": self.status.value, **plain(asdict(self))}

    def steps(self) -> Derivation:
        """The chain-rule steps to the right derivative of a scalar; `.latex()` writes them too.

        Raises:
            SpecError: A claim that is no derivative, or that is code.
        """
        found: Derivation = upper_layer("claims.readings").steps_of(self.statement)
        return found

    def certificate(self) -> dict[str, Any]:
        """The verdict as plain data for JSON; `cg.replay` verifies it again.

        Raises:
            SpecError: A claim that is code, and cannot be written down.
        """
        found: dict[str, Any] = upper_layer("claims.certificates").certificate(self)
        return found

    def __str__(self) -> str:
        lines = [f"{self.status.value.capitalize()}{self._head()}"]
        lines += [f"  {line}" for line in self._body()]
        if self.assumptions:
            lines.append("  Assuming " + ", ".join(self.assumptions) + ".")
        lines += [f"  {kink_line(kink)}" for kink in self.kinks]
        lines += [f"  {note}" for note in self.notes]
        return "\n".join(lines)

    def _head(self) -> str:
        return f". {self.claim}"

    def _body(self) -> list[str]:
        return []


@dataclass(frozen=True)
class Proved(Verdict):
    """The claim is true, away from kinks and wherever both sides are defined.

    Attributes:
        method: How: "normal form for every size", "structural", "normal form" and so on.
        scope: For what it is proved: "for every n", "at this shape" or empty.
    """

    method: str = ""
    scope: str = ""

    @property
    def status(self) -> Status:
        return Status.PROVED

    def _head(self) -> str:
        scope = f", {self.scope}" if self.scope else ""
        how = "structurally" if self.method == "structural" else f"by {self.method}"
        return f" {how}{scope}. {self.claim}"


@dataclass(frozen=True)
class Refuted(Verdict):
    """The claim is false.

    Attributes:
        counterexample: A point where it is wrong for certain; None where it has the wrong shape.
        diagnosis: What the slip is, the likeliest first; each was proved.
        holds_on: Where the claim is right after all.
        reason: Why, where it takes no point to see it.
    """

    counterexample: Counterexample | None = None
    diagnosis: tuple[str, ...] = ()
    holds_on: tuple[str, ...] = ()
    reason: str = ""

    @property
    def status(self) -> Status:
        return Status.REFUTED

    def _head(self) -> str:
        return f". {self.correct or self.claim}"

    def _body(self) -> list[str]:
        lines = [self.reason] if self.reason else []
        lines += [f"The claim {slip}." for slip in self.diagnosis]
        lines += [f"The claim holds on {'; '.join(self.holds_on)}."] if self.holds_on else []
        lines += [str(self.counterexample)] if self.counterexample else []
        return lines


@dataclass(frozen=True)
class Undecided(Verdict):
    """Neither proved nor refuted.

    Attributes:
        digits: To how many digits the sides agree at the worst of the points.
        points: At how many points they were compared.
        reason: Why there is no answer.
    """

    digits: float = 0.0
    points: int = 0
    reason: str = ""

    @property
    def status(self) -> Status:
        return Status.UNDECIDED

    def _body(self) -> list[str]:
        lines = [f"Reason: {self.reason}."] if self.reason else []
        if self.points:
            lines.append(
                f"The sides agree at {self.points} points to {self.digits:.0f} digits or more: "
                "evidence, no proof."
            )
        return lines


def plain(value: Any) -> Any:
    """A record's contents with lists for tuples, for JSON."""
    if isinstance(value, dict):
        return {str(key): plain(part) for key, part in value.items()}
    if isinstance(value, tuple | list):
        return [plain(part) for part in value]
    return value


def kink_line(kink: KinkResult) -> str:
    """What happens at a boundary where the right answer and the claim have different values."""
    sides = f"the one-sided limits are {kink.left} and {kink.right}"
    chosen = f"the right side is {kink.correct}, the claim {kink.claimed}"
    inside = " (also a subgradient)" if kink.in_clarke and kink.left != kink.right else ""
    return f"At {kink.where} the sides differ: {sides}; {chosen}{inside}."
