"""The closed forms of structured matrices in text."""

from __future__ import annotations

from collections.abc import Sequence

from circuitgrad.circuits import Circuit
from circuitgrad.errors import SpecError
from circuitgrad.formulas.closed_forms import circuit_index, circuit_matrix
from circuitgrad.gates.from_einsum import contract
from circuitgrad.gates.indexed_products import Factor, IndexedProduct, components
from circuitgrad.gates.operators import product as scaled
from circuitgrad.structures.classification import Block, sides
from circuitgrad.wire import Wire, topological

MAX_LENGTH = 240
MAX_GATES = 80


def block_formula(circuit: Circuit, block: Block) -> str:
    """The matrix of a block in closed form; empty where it has none that is short.

    Args:
        circuit: The derivative; its inputs are the letters of the formula.
        block: A block of it.
    """
    if len(topological([block.wire])) > MAX_GATES:
        return ""
    try:
        text = _text(circuit, block)
    except SpecError:
        return ""
    return text if len(text) <= MAX_LENGTH else ""


def _text(circuit: Circuit, block: Block) -> str:
    if not block.products or block.wire.ndim <= 2:
        return _matrix_text(circuit, block.wire)
    parts = [_kronecker_text(circuit, p, block.leading) for p in block.products]
    if all(parts):
        return _signed(parts)
    return _right_side(circuit_index(_circuit_of(circuit, block.wire)))


def _circuit_of(circuit: Circuit, wire: Wire) -> Circuit:
    return Circuit(circuit.inputs, [wire], ["D"])


def _right_side(line: str) -> str:
    """The formula of a printed line without its name."""
    left, _, right = line.partition(" = ")
    letters = left.removeprefix("D")
    text = " ".join(right.split())
    return f"{letters}: {text}" if letters else text


def _matrix_text(circuit: Circuit, wire: Wire) -> str:
    return _right_side(circuit_matrix(_circuit_of(circuit, wire)))


def _signed(texts: Sequence[str]) -> str:
    shown = texts[0]
    for text in texts[1:]:
        shown += f" − {text[1:]}" if text.startswith("−") else f" + {text}"
    return shown


def _kronecker_text(circuit: Circuit, product: IndexedProduct, leading: int) -> str:
    """A product as matrices joined by ⊗, one for each axis; empty where it is none."""
    rows, columns = sides(product, leading)
    if len(rows) != len(columns):
        return ""
    pairs = [{i, j} for i, j in zip(rows, columns, strict=True)]
    if sum(len(pair) for pair in pairs) > len(set(product.output)):
        return ""  # a delta between two pairs
    owned: list[list[Factor]] = [[] for _ in pairs]
    scalars: list[Factor] = []
    for factors, shown in components(product):
        homes = [k for k, pair in enumerate(pairs) if shown and shown <= pair]
        if shown and len(homes) != 1:
            return ""
        (owned[homes[0]] if shown else scalars).extend(factors)
    is_identity = [rows[k] == columns[k] and not owned[k] for k in range(len(rows))]
    first = next((k for k, trivial in enumerate(is_identity) if not trivial), None)
    texts = []
    for k, (i, j) in enumerate(zip(rows, columns, strict=True)):
        if is_identity[k]:
            texts.append(f"I({product.axes[i]})")
            continue
        operands = owned[k] + (scalars if k == first else [])
        wire = contract(operands, (i, j), product.axes)
        coefficient = product.coefficient if k == first else 1.0
        texts.append(_atom(_matrix_text(circuit, scaled(wire, coefficient))))
    joined = " ⊗ ".join(texts)
    if first is not None or (product.coefficient == 1 and not scalars):
        return joined
    number = scaled(contract(scalars, (), product.axes), product.coefficient)
    return f"{_atom(_matrix_text(circuit, number))} {joined}"


def _atom(text: str) -> str:
    """The text in brackets where it is a sum."""
    return f"({text})" if " + " in text or " − " in text else text
