"""The frontier: the last wires whose entries are still entries of the inputs.

Behind gathers and slices, columns that belong to one input entry are apart, so that rows share
fewer columns and fewer vjps are needed: what they give is added by column afterwards.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from circuitgrad.paths import dependents
from circuitgrad.structures.sparsity import GatePattern, Pattern, entries, from_pairs
from circuitgrad.wire import Wire, topological


@dataclass(frozen=True)
class Frontier:
    """Wires that take the place of the inputs.

    Attributes:
        wires: The wires; every dependence on the inputs is through them.
        columns: The input entry that each of their entries is; -1 for a zero.
        number: The number of input entries.
    """

    wires: tuple[Wire, ...]
    columns: NDArray[np.intp]
    number: int

    def by_input(self, pattern: Pattern) -> Pattern:
        """The pattern of a derivative by the inputs, from its pattern by these wires."""
        places = np.flatnonzero(self.columns >= 0)
        shape = (len(self.columns), self.number)
        found = pattern @ from_pairs(places, self.columns[places], shape)
        found.sort_indices()
        return found


def frontier(
    outputs: Sequence[Wire], sources: Sequence[Wire], sizes: Mapping[str, int]
) -> Frontier:
    """The frontier of some inputs on the way to the outputs."""
    order = topological(list(outputs))
    live = dependents(order, sources)
    columns: dict[int, NDArray[np.intp]] = {}
    start = 0
    for wire in sources:
        count = entries(wire, sizes)
        columns[wire.serial] = np.arange(start, start + count)
        start += count
    last: dict[Wire, None] = {}
    for wire in order:
        if wire.serial not in live or wire.serial in columns:
            continue
        placed = _placed(wire, columns, sizes)
        if placed is not None:
            columns[wire.serial] = placed
        else:
            last |= {w: None for w in wire.inputs if w.serial in columns}
    last |= {wire: None for wire in outputs if wire.serial in columns}
    found = [columns[wire.serial] for wire in last]
    joined = np.concatenate(found) if found else np.zeros(0, np.intp)
    return Frontier(tuple(last), joined, start)


def _placed(wire: Wire, columns: Mapping[int, Any], sizes: Mapping[str, int]) -> Any:
    """Where the entries of a rearranged wire come from; None for any other wire."""
    if any(source.serial not in columns for source in wire.inputs):
        return None
    known = [columns[source.serial] for source in wire.inputs]
    pairs = GatePattern(wire, sizes, 0).moves()
    if pairs is None:
        return None
    to, by = pairs
    if int(np.bincount(to).max(initial=0)) > 1:
        return None  # entries are added
    found = np.full(entries(wire, sizes), -1)
    found[to] = np.concatenate(known)[by]
    return found
