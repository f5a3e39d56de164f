"""Sums with what stands on a diagonal alone: added in place, never spread over zeros."""

from __future__ import annotations

from typing import Any

import numpy as np

from circuitgrad.gates.from_einsum import Einsum
from circuitgrad.wire import Array, Gate, Kernel


def is_placement(gate: Gate) -> bool:
    """Whether a gate puts the entries of one array on a diagonal and zeros elsewhere."""
    if not isinstance(gate, Einsum) or len(gate.operands) != 1:
        return False
    (term,) = gate.operands
    is_plain = len(set(term)) == len(term) and set(term) <= set(gate.output)
    return is_plain and len(set(gate.output)) < len(gate.output)


def adding_kernel(gate: Gate, shape: tuple[int, ...], is_own: bool) -> Kernel:
    """The kernel of a + placement(b) as a function of a and b.

    Args:
        gate: The placement.
        shape: The shape of the sum.
        is_own: Whether a may be written over.
    """
    assert isinstance(gate, Einsum)
    (term,) = gate.operands
    output = gate.output
    unique = "".join(dict.fromkeys(output))
    sizes = dict(zip(output, shape, strict=True))
    order = tuple(term.index(x) for x in unique if x in term)
    position = tuple(sizes[x] if x in term else 1 for x in unique)
    spec = f"{output}->{unique}"

    def kernel(a: Any, b: Any) -> Array:
        result = a if is_own and a.flags.writeable else np.array(a)
        place = np.einsum(spec, result)
        place += np.transpose(b, order).reshape(position)
        return result

    return kernel
