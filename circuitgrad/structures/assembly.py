"""From a derivative's circuit to its structure, and with values to its operator.

This is the one place where blocks whose structure is not visible are sent elsewhere.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import partial
from string import ascii_letters
from typing import Any

import numpy as np

from circuitgrad.circuits import Circuit
from circuitgrad.errors import SpecError
from circuitgrad.gates.indexed_products import IndexedProduct
from circuitgrad.grids import Grid
from circuitgrad.plans.run import bind
from circuitgrad.plans.schedule import Plan
from circuitgrad.spec import resolve_shape
from circuitgrad.structures.classification import DENSE, UNSEEN, Block, Structure, read_block
from circuitgrad.structures.compressed import sparse_derivative
from circuitgrad.structures.description import block_formula
from circuitgrad.structures.operators import DerivativeOperator
from circuitgrad.structures.parts import Blocks, Dense, Part, ProductPart, Sparse, Sum
from circuitgrad.wire import Array, Wire

Lines = tuple[tuple[Block, ...], ...]
Values = Mapping[Wire, Any]


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
    lines = _lines(circuit, output)
    arrays, sizes = bind(_bindable(circuit), values, named)
    found = _evaluated(circuit, lines, arrays, sizes)
    parts = tuple(
        tuple(_part(circuit, block, found, arrays, sizes) for block in line) for line in lines
    )
    whole = parts[0][0] if len(parts) == len(parts[0]) == 1 else Blocks(parts)
    name = lines[0][0].name if whole is parts[0][0] else circuit.output_names[0]
    kind = lines[0][0].kind if whole is parts[0][0] else _block_kind(lines)
    return DerivativeOperator(whole, name, kind, partial(structure, circuit, output))


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


def _is_read(block: Block) -> bool:
    """Whether the products are the way to compute, rather than the wire itself."""
    return block.products is not None and block.kind not in (UNSEEN, DENSE)


def _evaluated(
    circuit: Circuit, lines: Lines, arrays: Sequence[Any], sizes: Mapping[str, int]
) -> Values:
    """The values of all factors, and of the blocks that are dense, by one plan."""
    wanted: dict[Wire, None] = {}
    for block in (block for line in lines for block in line):
        if _is_read(block):
            wanted |= {wire: None for p in block.products or () for wire, _ in p.factors}
        elif block.kind == DENSE:
            wanted[block.wire] = None
    key = ("operator", tuple(wanted), tuple(sorted(sizes.items())))
    plan = circuit._plans.get(key)
    if plan is None:
        plan = circuit._plans[key] = Plan(circuit.inputs, list(wanted), sizes)
    taken = [a for a in arrays if isinstance(a, np.ndarray)]
    return {
        wire: _own(value, wire, taken) for wire, value in zip(wanted, plan(arrays), strict=True)
    }


def _own(value: Any, wire: Wire, taken: Sequence[Array]) -> Array:
    """A value that stays when the caller writes into the arrays that were given."""
    array = np.asarray(value, dtype=wire.dtype)
    return array.copy() if any(np.may_share_memory(array, a) for a in taken) else array


def _part(
    circuit: Circuit,
    block: Block,
    found: Values,
    arrays: Sequence[Any],
    sizes: Mapping[str, int],
) -> Part:
    if block.kind == UNSEEN:
        return _unseen(_bindable(circuit), block, arrays, sizes)
    shape = resolve_shape(block.wire.shape, sizes)
    rows, columns = (
        int(np.prod(side, dtype=np.int64))
        for side in (shape[: block.leading], shape[block.leading :])
    )
    if block.kind == DENSE:
        return Dense(found[block.wire].reshape(rows, columns))
    parts = [_product_part(p, block, found, sizes) for p in block.products or ()]
    if len(parts) == 1:
        return parts[0]
    return Sum(tuple(parts), (rows, columns), block.wire.dtype)


def _product_part(
    product: IndexedProduct, block: Block, found: Values, sizes: Mapping[str, int]
) -> ProductPart:
    """A product with values: its number in the smallest factor, cheap factors multiplied."""
    order = dict.fromkeys([*product.output, *(i for _, ids in product.factors for i in ids)])
    letter = dict(zip(order, ascii_letters, strict=False))
    terms = ["".join(letter[i] for i in ids) for _, ids in product.factors]
    values = [found[wire] for wire, _ in product.factors]
    if product.coefficient != 1:
        if values:
            k = min(range(len(values)), key=lambda k: values[k].size)
            values[k] = values[k] * block.wire.dtype.type(product.coefficient)
        else:
            terms, values = [""], [np.asarray(product.coefficient, block.wire.dtype)]
    output = "".join(letter[i] for i in product.output)
    axes = [product.axes[i] for i in order]
    known = dict(zip(letter.values(), resolve_shape(tuple(axes), sizes), strict=True))
    part = ProductPart(
        tuple(terms), tuple(values), output[: block.leading], output[block.leading :],
        known, block.wire.dtype,
    )  # fmt: skip
    return part.merged()


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
