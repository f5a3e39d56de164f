"""Wires by the sizes of their gradients, on a logarithmic scale."""

import math
from collections.abc import Sequence
from dataclasses import replace
from typing import Final

import numpy as np

from circuitgrad.viz.account import Account, Value
from circuitgrad.viz.scene import Edge

_WIDEST: Final = math.log(1e6)  # what is smaller than the largest gradient by more looks the same
_EQUAL: Final = 0.5


def emphasised(account: Account, edges: Sequence[Edge]) -> tuple[Edge, ...]:
    """The wires with their strengths: 0 for the smallest gradient of the figure, 1 for the largest.

    Args:
        account: What the circuit computed.
        edges: Its branches and then its outputs' wires, in the account's order.
    """
    carried = [
        *(tuple(pull.downstream for pull in branch.pulls) for branch in account.branches),
        *((output.seed,) for output in account.outputs),
    ]
    sizes = [max(map(_size, values), default=0.0) for values in carried]
    logs = [math.log(size) if 0 < size < math.inf else None for size in sizes]
    known = [log for log in logs if log is not None]
    if not known:
        return tuple(edges)
    high = max(known)
    low = max(min(known), high - _WIDEST)
    return tuple(
        edge if log is None else replace(edge, strength=_share(log, low, high))
        for edge, log in zip(edges, logs, strict=True)
    )


def _size(value: Value) -> float:
    """The Euclidean norm of a gradient; 0 where there is none, or where it is not finite."""
    if value is None or not np.all(np.isfinite(value)):
        return 0.0
    return float(np.linalg.norm(np.asarray(value, dtype=np.float64).reshape(-1)))


def _share(log: float, low: float, high: float) -> float:
    """Where a size lies between the smallest and the largest."""
    if high - low < 1e-9:
        return _EQUAL
    return min(max((log - low) / (high - low), 0.0), 1.0)
