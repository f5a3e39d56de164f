"""From a derivative's circuit to its structure, and with values to its operator.

This is the one place where blocks whose structure is not visible are sent elsewhere.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import partial
from typing import Any

import numpy as np

from circuitgrad.circuits import Circuit
from circuitgrad.errors import SpecError
from circuitgrad.grids import Grid
from circuitgrad.plans.evaluation import bind, by_name, signature
from circuitgrad.plans.schedule import Plan, root
from circuitgrad.structures.classification import UNSEEN, Block, Structure, read_block
from circuitgrad.structures.compressed import sparse_derivative
from circuitgrad.structures.description import block_formula
from circuitgrad.structures.operators import DerivativeOperator
from circuitgrad.structures.parts import Blocks, Dense, Part, Sparse
from circuitgrad.structures.recipes import recipe_of
from circuitgrad.wire import Array, Wire

Lines = tuple[tuple[Block, ...], ...]


def structure(circuit: Circuit, output: str | None = None) -> Structure:
    """What is known of a derivative's matrix for every size.

    Args:
        circuit: A Jacobian or a Hessian.
        output: The output meant, where there are several.

    Raises:
        SpecError: The circuit is no derivative.
    """
    key = ("structure", output)
    if key not in circuit._plans:
        lines = _lines(circuit, output)
        found = tuple(_described(circuit, block) for line in lines for block in line)
        if len(found) == 1:
            circuit._plans[key] = found[0]
        else:
            name = circuit.output_names[0]
            circuit._plans[key] = Structure(name, _block_kind(lines), blocks=found)
    result: Structure = circuit._plans[key]
    return result


def operator(
    circuit: Circuit, values: Sequence[Any], named: Mapping[str, Any], output: str | None = None
) -> DerivativeOperator:
    """A derivative at one point as a linear operator.

    Args:
        circuit: A Jacobian or a Hessian.
        values: Inputs by position.
        named: Inputs by name.
        output: The output meant, where there are several.

    Raises:
        SpecError: The circuit is no derivative, or an input is missing or unknown.
        ShapeError: An array that does not fit its input.
    """
    bindable = _bindable(circuit)
    ordered = by_name(bindable.input_names, values, named) if named else values
    seen = signature(ordered)
    known = circuit._plans.get(("operator", output, seen)) if seen else None
    if known is not None:
        return known(ordered)  # type: ignore[no-any-return]
    arrays, sizes = bind(bindable, ordered, {})
    made = _assembly(circuit, output, sizes)
    if seen and all([a is b for a, b in zip(arrays, ordered, strict=True)]):
        circuit._plans["operator", output, seen] = made
    return made(arrays)


def _assembly(circuit: Circuit, output: str | None, sizes: Mapping[str, int]) -> _Assembly:
    key = ("operator", output, tuple(sorted(sizes.items())))
    found: _Assembly | None = circuit._plans.get(key)
    if found is None:
        found = circuit._plans[key] = _Assembly(circuit, output, sizes)
    return found


class _Assembly:
    """From bound inputs to an operator: what circuit and sizes alone decide is decided once."""

    def __init__(self, circuit: Circuit, output: str | None, sizes: Mapping[str, int]) -> None:
        self._circuit, self._sizes = _bindable(circuit), dict(sizes)
        self._lines = lines = _lines(circuit, output)
        self._recipes = [[recipe_of(block, sizes) for block in line] for line in lines]
        recipes = [recipe for line in self._recipes for recipe in line if recipe is not None]
        wires = [wire for recipe in recipes for wire in recipe.wires]
        self._dtypes = [wire.dtype for wire in wires]
        self._plan = Plan(self._circuit.inputs, wires, sizes)
        self._is_single = len(lines) == len(lines[0]) == 1
        block = lines[0][0]
        self._name = block.name if self._is_single else circuit.output_names[0]
        self._kind = block.kind if self._is_single else _block_kind(lines)
        self._describe = partial(structure, circuit, output)

    def __call__(self, arrays: Sequence[Any]) -> DerivativeOperator:
        """The operator at bound inputs."""
        values = iter(self._values(arrays))
        parts = tuple(
            tuple(
                self._unseen(block, arrays) if recipe is None else recipe.part(values)
                for block, recipe in zip(*line, strict=True)
            )
            for line in zip(self._lines, self._recipes, strict=True)
        )
        whole = parts[0][0] if self._is_single else Blocks(parts)
        return DerivativeOperator(whole, self._name, self._kind, self._describe)

    def _values(self, arrays: Sequence[Any]) -> list[Array]:
        """The values of the wires, which stay when the caller writes into the arrays given."""
        taken = {id(root(array)) for array in arrays}
        values = []
        for value, dtype in zip(self._plan(arrays), self._dtypes, strict=True):
            array = np.asarray(value, dtype)
            values.append(array.copy() if id(root(array)) in taken else array)
        return values

    def _unseen(self, block: Block, arrays: Sequence[Any]) -> Part:
        return _unseen(self._circuit, block, arrays, self._sizes)


def _block_kind(lines: Lines) -> str:
    return f"{len(lines)} × {len(lines[0])} blocks"


def _bindable(circuit: Circuit) -> Circuit:
    return circuit.blocks if isinstance(circuit, Grid) else circuit


def _lines(circuit: Circuit, output: str | None) -> Lines:
    """The blocks of a derivative, line by line, read once."""
    key = ("blocks", output)
    if key not in circuit._plans:
        circuit._plans[key] = tuple(
            tuple(read_block(*cell) for cell in line) for line in _cells(circuit, output)
        )
    lines: Lines = circuit._plans[key]
    return lines


def _cells(circuit: Circuit, output: str | None) -> list[list[tuple[str, Wire, int, int]]]:
    if isinstance(circuit, Grid):
        width = len(circuit.cells[0])
        return [
            [(*cell, width * j + k) for k, cell in enumerate(line)]
            for j, line in enumerate(circuit.cells)
        ]
    if not circuit.leading:
        raise SpecError(
            f"structure: {', '.join(circuit.output_names)} is no derivative. "
            "Ask for it of c.jacobian(...) or c.hessian(...)."
        )
    if output is None and len(circuit.outputs) > 1:
        shown = ", ".join(circuit.output_names)
        raise SpecError(
            f"structure: there are {len(circuit.outputs)} derivatives ({shown}). Choose one, as "
            f"only('{circuit.output_names[0]}')."
        )
    wire, name = circuit.output(output), circuit.output_name(output)
    position = circuit.output_names.index(name)
    return [[(name, wire, circuit.leading[position], position)]]


def _described(circuit: Circuit, block: Block) -> Structure:
    shown = block_formula(circuit, block) if block.kind not in (UNSEEN, "zero") else ""
    is_sized = any(isinstance(axis, str) for axis in block.wire.shape)
    return Structure(block.name, block.kind, shown, is_sized)


def _unseen(
    circuit: Circuit, block: Block, arrays: Sequence[Any], sizes: Mapping[str, int]
) -> Part:
    """A block whose structure the indices do not show: sparse where its gates leave zeros."""
    matrix = sparse_derivative(circuit, circuit.origins[block.position], arrays, sizes)
    if matrix is not None:
        return Sparse(matrix)
    plan = Plan(circuit.inputs, [block.wire], sizes)
    (value,) = plan(arrays)
    array = np.asarray(value, dtype=block.wire.dtype)
    rows = int(np.prod(array.shape[: block.leading], dtype=np.int64))
    columns = int(np.prod(array.shape[block.leading :], dtype=np.int64))
    return Dense(array.reshape(rows, columns).copy())
