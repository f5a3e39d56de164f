"""The wires between sources and outputs: which depend on what, and which every path passes."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence

from circuitgrad.errors import SpecError
from circuitgrad.spec import resolve_shape
from circuitgrad.wire import Wire, topological


def dependents(wires: Sequence[Wire], sources: Iterable[Wire]) -> set[int]:
    """The serial numbers of the wires that depend on the sources (themselves included)."""
    live = {wire.serial for wire in sources}
    for wire in wires:
        if any(source.serial in live for source in wire.inputs):
            live.add(wire.serial)
    return live


def cut_wires(output: Wire, source: Wire) -> list[Wire]:
    """The wires between a source and an output that every path from one to the other passes."""
    order = topological([output])
    live = dependents(order, (source,))
    needed = {output.serial}
    between: list[Wire] = []
    for wire in reversed(order):
        if wire.serial in needed and wire.serial in live:
            between.append(wire)
            needed.update(w.serial for w in wire.inputs)
    position = {wire.serial: k for k, wire in enumerate(reversed(between))}
    found, furthest = [], 0
    reach: dict[int, int] = {}  # the last reader of each
    for wire in between:
        for read in wire.inputs:
            reach[read.serial] = max(reach.get(read.serial, 0), position[wire.serial])
    for k, wire in enumerate(reversed(between)):
        if k and wire is not output and furthest <= k:
            found.append(wire)
        furthest = max(furthest, reach.get(wire.serial, 0))
    return found


def narrowest_cut(output: Wire, source: Wire, sizes: Mapping[str, int]) -> Wire | None:
    """The smallest of the wires that every path passes; None if there is no such wire.

    Raises:
        SpecError: An axis without a size.
    """

    def entries(wire: Wire) -> int:
        unknown = [axis for axis in wire.shape if isinstance(axis, str) and axis not in sizes]
        if unknown:
            raise SpecError(
                f"jacobian: the narrowest wire depends on the size of axis '{unknown[0]}'. "
                f"Give it, as sizes={{'{unknown[0]}': 100}}, or choose 'reverse' or 'forward'."
            )
        return math.prod(resolve_shape(wire.shape, sizes))

    return min(cut_wires(output, source), key=entries, default=None)
