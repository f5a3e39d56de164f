"""Names for the wires of a figure: the user's own where there are some, letters for the others."""

import itertools
from collections.abc import Iterable, Iterator
from typing import Final

from circuitgrad.circuits import Circuit
from circuitgrad.wire import Wire

# The order of a textbook's intermediate results; e, i, j, l and o are left out, as they are easily
# taken for Euler's number, indices, and the digits 1 and 0.
_LETTERS: Final = "abcdghqpruvzkmnstyxwf"


def wire_names(circuit: Circuit) -> dict[Wire, str]:
    """A name for every wire: its output's or its own, else a letter that nothing else is called.

    Args:
        circuit: Its wires are named in topological order, so that names do not change between runs.
    """
    names = {wire: wire.label for wire in circuit.inputs}
    for name, wire in zip(circuit.output_names, circuit.outputs, strict=True):
        names.setdefault(wire, name)
    taken = {*names.values(), *circuit.output_names}
    for wire in circuit.wires:
        if wire.label and wire not in names and wire.label not in taken:
            names[wire] = wire.label
            taken.add(wire.label)
    return names | dict(zip(_unnamed(circuit.wires, names), _free(taken), strict=False))


def _unnamed(wires: Iterable[Wire], names: dict[Wire, str]) -> list[Wire]:
    """The wires of gates that have no name yet."""
    return [wire for wire in wires if wire.inputs and wire not in names]


def _free(taken: set[str]) -> Iterator[str]:
    """Letters, then letters with numbers, that are not taken."""
    numbered = (f"{letter}{number}" for number in itertools.count(1) for letter in _LETTERS)
    return (name for name in itertools.chain(_LETTERS, numbered) if name not in taken)
