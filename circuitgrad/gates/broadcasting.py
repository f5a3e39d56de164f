"""NumPy's broadcasting as explicit gates."""

from __future__ import annotations

from collections.abc import Sequence

from circuitgrad.gates.from_einsum import build_contraction
from circuitgrad.methods import upper_layer
from circuitgrad.spec import Shape, broadcast_axes
from circuitgrad.wire import Wire, describe


def broadcast_to(wire: Wire, shape: Shape) -> Wire:
    """A wire repeated along new leading axes and axes of size 1, as an explicit gate."""
    if wire.shape == shape:
        return wire
    lead = len(shape) - wire.ndim
    stretched = [lead + k for k, axis in enumerate(wire.shape) if shape[lead + k] != axis]
    kept = [lead + k for k in range(wire.ndim) if lead + k not in stretched]
    if stretched:
        wire = upper_layer("gates.shapes").squeeze(wire, tuple(k - lead for k in stretched))
    axes = {k: axis for k, axis in enumerate(shape)}
    missing = {k: axis for k, axis in axes.items() if k not in kept}
    return build_contraction([wire], [tuple(kept)], tuple(range(len(shape))), missing)


def broadcast_together(wires: Sequence[Wire], where: str) -> tuple[Wire, ...]:
    """The wires in their common shape, by explicit broadcast gates."""
    first = wires[0].spec.shape
    if all(wire.spec.shape == first for wire in wires):
        return tuple(wires)
    shape = broadcast_axes([w.shape for w in wires], [describe(w) for w in wires], where)
    return tuple(broadcast_to(wire, shape) for wire in wires)
