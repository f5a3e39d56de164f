"""Derivatives over several inputs: blocks, and one matrix of them."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, TypeAlias

from circuitgrad.circuits import Circuit, Origin
from circuitgrad.errors import ShapeError, SpecError
from circuitgrad.gates.shapes import concatenate
from circuitgrad.spec import format_shape
from circuitgrad.wire import Wire

Cells: TypeAlias = Sequence[Sequence[tuple[str, Wire, int]]]


class Grid(Circuit):
    """A Jacobian or Hessian over several inputs: blocks, and one matrix of them.

    The matrix needs integer sizes; the blocks, the structure and the operator do not.

    Attributes:
        cells: The blocks line by line: name, wire, and how many of its axes are rows.
        blocks: The circuit with one output for each block.
    """

    def __init__(self, inputs: Sequence[Wire], cells: Cells, name: str, origin: Origin) -> None:
        self.cells = cells
        every = [cell for line in cells for cell in line]
        wires = [wire for _, wire, _ in every]
        leading = [rank for _, _, rank in every]
        origins = [
            Origin((row,), (column,), origin.is_symmetric and j == k)
            for j, row in enumerate(origin.rows)
            for k, column in enumerate(origin.columns)
        ]
        names = [label for label, _, _ in every]
        self.blocks = Circuit(inputs, wires, names, leading=leading, origins=origins)
        is_sized = any(isinstance(axis, str) for wire in wires for axis in wire.shape)
        try:
            super().__init__(inputs, [_matrix(cells)], [name], True, [1], [origin])
        except (ShapeError, SpecError):
            if not is_sized:
                raise
            super().__init__(inputs, wires[:1], [name], True, [1], [origin])
            del self.outputs  # asked for, it says what is missing

    def __getattr__(self, name: str) -> Any:
        if name != "outputs":
            raise AttributeError(f"'Grid' object has no attribute '{name}'")
        shapes = ", ".join(format_shape(wire.shape) for wire in self.blocks.outputs)
        raise ShapeError(
            f"{self.output_names[0]}: one matrix over blocks of shape {shapes} needs integer "
            "sizes. Use operator(...) or blocks, ask for one input at a time, or give integer axes."
        )


def _matrix(cells: Cells) -> Wire:
    """One matrix from blocks, every wire flattened in C order."""
    lines = [
        concatenate([_flat(block, leading) for _, block, leading in line], 1) for line in cells
    ]
    return concatenate(lines, 0)


def _flat(block: Wire, leading: int) -> Wire:
    if block.ndim == 2 and leading == 1:
        return block
    sides: list[int] = []
    for side in (block.shape[:leading], block.shape[leading:]):
        count = 1
        for axis in side:
            if isinstance(axis, str):
                raise ShapeError(f"jacobian: axis '{axis}' has no number yet.")
            count *= axis
        sides.append(count)
    return block.reshape(tuple(sides))
