"""Tables of a large run: the largest gradients, those that vanish or explode, scope by scope."""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Final, NamedTuple

import numpy as np

from circuitgrad.errors import SpecError
from circuitgrad.paths import dependents
from circuitgrad.plans.run import Run
from circuitgrad.viz.folding import norm
from circuitgrad.viz.naming import wire_names
from circuitgrad.viz.numbers import format_number
from circuitgrad.viz.slices import scope_paths
from circuitgrad.wire import Wire

_EXPLODING: Final = 1e6
_HEAD: Final = ("wire", "gate", "scope", "gradient norm")
_SCOPE_HEAD: Final = ("scope", "gates", "gradient norm", "zero", "not finite")


class Entry(NamedTuple):
    """One wire and the norm of its gradient."""

    name: str
    gate: str
    scope: str
    norm: float


class ScopeEntry(NamedTuple):
    """One scope: how many gates it has, the norm of all their gradients, and what is wrong."""

    scope: str
    gates: int
    norm: float
    zero: int
    nonfinite: int


@dataclass(frozen=True, slots=True)
class Summary:
    """What a run's gradients look like; prints as tables.

    ``zero`` counts the gates behind which no gradient comes back, ``exploding`` those whose
    gradient norm is above a million, ``nonfinite`` those with a NaN or an infinity.
    """

    output: str
    gates: int
    largest: tuple[Entry, ...]
    scopes: tuple[ScopeEntry, ...]
    zero: int
    exploding: int
    nonfinite: int

    def __str__(self) -> str:
        """The tables as text."""
        head = (
            f"{self.gates:,} gates; gradient of {self.output}: zero at {self.zero:,}, above "
            f"{_EXPLODING:.0e} at {self.exploding:,}, not finite at {self.nonfinite:,}"
        ).replace("e+0", "e")
        rows = [(e.name, e.gate, e.scope, format_number(e.norm)) for e in self.largest]
        blocks = [head, _table([_HEAD, *rows])]
        if self.scopes:
            scopes = [
                (s.scope, f"{s.gates:,}", format_number(s.norm), f"{s.zero:,}", f"{s.nonfinite:,}")
                for s in self.scopes
            ]
            blocks.append(_table([_SCOPE_HEAD, *scopes]))
        return "\n\n".join(blocks)


def run_summary(run: Run, output: str | None = None, top: int = 10) -> Summary:
    """The largest gradients of a run and its scopes, as tables: for circuits too large to read.

    Args:
        run: With a backward pass.
        output: Whose backward pass; needed where there are several outputs.
        top: How many of the largest gradients are listed.

    Raises:
        SpecError: The backward pass was not run, or there is no such output.

    >>> from circuitgrad.circuits import circuit
    >>> from circuitgrad.sources import input_wires
    >>> x, y = input_wires("x y")
    >>> run = circuit(f=x * y + x).run(x=2, y=3)
    >>> _ = run.backward()
    >>> print(run_summary(run, top=2))
    2 gates; gradient of f: zero at 0, above 1e6 at 0, not finite at 0
    <BLANKLINE>
    wire  gate  scope  gradient norm
    a     mul          1.00
    f     add          1.00
    """
    name = run.circuit.output_name(output)
    if isinstance(top, bool) or not isinstance(top, int) or top < 0:
        raise SpecError(f"summary: top is {top!r}; needed a whole number. Use top=10.")
    run.edges(name)  # says what to do where the pass was not run
    live = dependents(run.circuit.wires, run.circuit.inputs)
    gates = [wire for wire in run.circuit.wires if wire.inputs and wire.serial in live]
    sizes = [norm([run.gradient(wire, name)]) or 0.0 for wire in gates]
    names = wire_names(run.circuit)
    order = sorted(range(len(gates)), key=lambda k: (np.isfinite(sizes[k]), -sizes[k], k))
    largest = tuple(
        Entry(names[gates[k]], gates[k].gate.name, gates[k].scope, sizes[k]) for k in order[:top]
    )
    return Summary(
        name,
        len(gates),
        largest,
        tuple(_scopes(gates, sizes)),
        sum(size == 0 for size in sizes),
        sum(np.isfinite(size) and size > _EXPLODING for size in sizes),
        sum(not np.isfinite(size) for size in sizes),
    )


def _scopes(gates: Sequence[Wire], sizes: Sequence[float]) -> Iterator[ScopeEntry]:
    """Every scope with all gates in it, inner scopes included."""
    inside: dict[str, list[float]] = {path: [] for path in scope_paths(gates)}
    around: dict[str, list[str]] = {}
    for wire, size in zip(gates, sizes, strict=True):
        if wire.scope not in around:
            around[wire.scope] = list(_paths(wire.scope))
        for path in around[wire.scope]:
            inside[path].append(size)
    for path, found in inside.items():
        zero, bad = sum(size == 0 for size in found), sum(not np.isfinite(s) for s in found)
        yield ScopeEntry(path, len(found), norm(found) or 0.0, zero, bad)


def _paths(scope: str) -> Iterator[str]:
    """A scope and those around it, the outer ones first."""
    steps = scope.split("/") if scope else []
    return ("/".join(steps[: k + 1]) for k in range(len(steps)))


def _table(rows: Iterable[Sequence[str]]) -> str:
    """Rows as aligned columns."""
    lines = list(rows)
    widths = [max(len(line[k]) for line in lines) for k in range(len(lines[0]))]
    return "\n".join(
        "  ".join(cell.ljust(width) for cell, width in zip(line, widths, strict=True)).rstrip()
        for line in lines
    )
