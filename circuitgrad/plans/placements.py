"""Sums with what places entries among zeros alone: added in place, the zeros never written.

What places entries is a contraction that fills a diagonal, or what stands at an index made of
integers and slices.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from circuitgrad.gates.from_einsum import Einsum
from circuitgrad.gates.from_rule import declaration_of, parameters_of
from circuitgrad.gates.indices import numpy_index
from circuitgrad.gates.shapes import scatter_kernel
from circuitgrad.sources import ArrayKey
from circuitgrad.wire import Array, Gate, Kernel


def is_placement(gate: Gate) -> bool:
    """Whether a gate puts the entries of one array on a diagonal or into a part, the rest zeros."""
    return _is_diagonal(gate) or _position(gate) is not None


def _is_diagonal(gate: Gate) -> bool:
    if not isinstance(gate, Einsum) or len(gate.operands) != 1:
        return False
    (term,) = gate.operands
    is_plain = len(set(term)) == len(term) and set(term) <= set(gate.output)
    return is_plain and len(set(gate.output)) < len(gate.output)


def _position(gate: Gate) -> tuple[Any, ...] | None:
    """Where a scatter puts its entries, if it is a part that NumPy can look into."""
    declared = declaration_of(gate)
    if declared is None or declared.function is not scatter_kernel:
        return None
    key = parameters_of(gate)["key"]
    return None if any(isinstance(part, ArrayKey) for part in key) else numpy_index(key)


def adding_kernel(gate: Gate, shape: tuple[int, ...], is_own: bool) -> Kernel:
    """The kernel of a + placement(b) as a function of a and b.

    Args:
        gate: The placement.
        shape: The shape of the sum.
        is_own: Whether a may be written over.
    """
    place = _diagonal_adder(gate, shape) if isinstance(gate, Einsum) else _part_adder(gate)

    def kernel(a: Any, b: Any) -> Array:
        result = a if is_own and a.flags.writeable else np.array(a)
        place(result, b)
        return result

    return kernel


def _diagonal_adder(gate: Einsum, shape: tuple[int, ...]) -> Callable[[Array, Array], None]:
    (term,) = gate.operands
    output = gate.output
    unique = "".join(dict.fromkeys(output))
    sizes = dict(zip(output, shape, strict=True))
    order = tuple(term.index(x) for x in unique if x in term)
    position = tuple(sizes[x] if x in term else 1 for x in unique)
    spec = f"{output}->{unique}"

    def add(result: Array, b: Array) -> None:
        diagonal = np.einsum(spec, result)
        diagonal += np.transpose(b, order).reshape(position)

    return add


def _part_adder(gate: Gate) -> Callable[[Array, Array], None]:
    position = _position(gate)

    def add(result: Array, b: Array) -> None:
        result[position] += b

    return add
