"""The chain rule as a sum over paths: every way from an input to an output, with its product."""

from dataclasses import dataclass
from typing import Final

from circuitgrad.viz.account import Account
from circuitgrad.viz.values import scalar

_MOST_PATHS: Final = 20


@dataclass(frozen=True, slots=True)
class Path:
    """The wires from an input to an output, and their local gradients; None for tensors."""

    wires: tuple[int, ...]
    factors: tuple[float, ...] | None


@dataclass(frozen=True, slots=True)
class PathSum:
    """All paths from one signal to an output: the first ones in full, and how many there are."""

    source: int
    count: int
    paths: tuple[Path, ...]


def path_sums(account: Account, number: int) -> tuple[PathSum, ...]:
    """The paths from every input that a backward pass reaches.

    Args:
        account: What the circuit computed.
        number: The position of the pass's output.
    """
    end = account.outputs[number].place
    counts = _counts(account, end)
    return tuple(
        PathSum(index, counts[index], _paths(account, number, index, counts))
        for index, signal in enumerate(account.signals)
        if signal.kind == "input" and counts[index]
    )


def _counts(account: Account, end: int) -> list[int]:
    """The number of paths from every signal to the output; signals are in topological order."""
    counts = [0] * len(account.signals)
    counts[end] = 1
    for branch in sorted(account.branches, key=lambda branch: -branch.target):
        counts[branch.source] += counts[branch.target]
    return counts


def _paths(account: Account, number: int, start: int, counts: list[int]) -> tuple[Path, ...]:
    """The first paths from a signal to the output, depth first."""
    after: dict[int, list[int]] = {}
    for wire, branch in enumerate(account.branches):
        if counts[branch.target]:
            after.setdefault(branch.source, []).append(wire)
    end = account.outputs[number].place
    found: list[Path] = []
    waiting: list[tuple[int, tuple[int, ...]]] = [(start, ())]
    while waiting and len(found) < _MOST_PATHS:
        place, wires = waiting.pop()
        if place == end:
            found.append(Path(wires, _factors(account, number, wires)))
        for wire in reversed(after.get(place, [])):
            waiting.append((account.branches[wire].target, (*wires, wire)))
    return tuple(found)


def _factors(account: Account, number: int, wires: tuple[int, ...]) -> tuple[float, ...] | None:
    """The local gradients along a path, from the output back; None where one is not a number."""
    factors: list[float] = []
    for wire in reversed(wires):
        pulls = [pull for pull in account.branches[wire].pulls if pull.number == number]
        if not pulls:
            return None
        local = 0.0 if pulls[0].upstream is None else scalar(pulls[0].local)
        if local is None:
            return None
        factors.append(local)
    return tuple(factors)
