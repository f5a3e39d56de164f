"""Where a formula is measured: the numbers at which formulas usually fail, and what lies between.

Errors hide near zero (cancellation), where exp overflows or dies (±709.78, ±745.13, half of that
for squares), and at neighbours of nice numbers. So the places are those, magnitudes down to 1e-300
of both signs, and an even grid.
"""

from __future__ import annotations

import math
import random
from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np

Range = tuple[float, float]

CRITICAL = (
    0.0, 0.5, 1.0, 2.0, math.log(2), math.pi / 2, math.pi, 10.0, 18.0, 36.0, 37.0, 38.0, 100.0,
    354.0, 354.9, 355.0, 372.5, 373.0, 709.0, 709.78, 710.0, 744.4, 745.0, 745.2, 746.0,
)  # fmt: skip
_MAGNITUDES = 72
_GRID = 64
_MIXED = 500
_STEPS = (0.5, 0.1, 0.01, 1e-3, 1e-5, 1e-8)


def places(span: Range, dtype: Any = np.float64) -> list[float]:
    """The numbers of one range, in order, each a number of the dtype.

    >>> found = places((-800, 800))
    >>> 0.0 in found, 710.0 in found, -1.0 in found, min(abs(x) for x in found if x) < 1e-299
    (True, True, True, True)
    """
    low, high = span
    largest = max(abs(low), abs(high))
    smallest = max(1e-300, 2 * float(np.finfo(dtype).tiny))
    magnitudes = np.geomspace(smallest, max(largest, 2 * smallest), _MAGNITUDES).tolist()
    signed = [sign * value for value in (*CRITICAL, *magnitudes) for sign in (1.0, -1.0)]
    near = [math.nextafter(x, x + way) for x in signed[:16] for way in (1.0, -1.0)]
    grid = [low + (high - low) * k / _GRID for k in range(_GRID + 1)]
    rounded = {float(np.dtype(dtype).type(x)) for x in (*signed, *near, *grid)}
    return sorted(x for x in rounded if low <= x <= high)


def points(spans: Sequence[Range], dtypes: Sequence[Any], seed: int) -> list[tuple[float, ...]]:
    """Points in several ranges: all places of one range, mixed ones of several."""
    numbers = [places(span, dtype) for span, dtype in zip(spans, dtypes, strict=True)]
    if len(numbers) == 1:
        return [(x,) for x in numbers[0]]
    generator = random.Random(seed)
    nice = [[x for x in each if x in CRITICAL or -x in CRITICAL] or each for each in numbers]
    found = [tuple(generator.choice(each) for each in numbers) for _ in range(_MIXED)]
    found += [tuple(generator.choice(each) for each in nice) for _ in range(_MIXED // 2)]
    longest = max(numbers, key=len)
    found += [tuple(min(max(x, low), high) for low, high in spans) for x in longest[:: len(spans)]]
    return list(dict.fromkeys(found))


def nearby(
    point: Sequence[float], spans: Sequence[Range], dtypes: Sequence[Any], seed: int
) -> Iterator[tuple[float, ...]]:
    """Points around one, far and near, inside the ranges."""
    generator = random.Random(seed)
    for step in _STEPS:
        for _ in range(4):
            moved = []
            for x, (low, high), dtype in zip(point, spans, dtypes, strict=True):
                shifted = x * (1 + step * generator.uniform(-1, 1))
                moved.append(float(np.dtype(dtype).type(min(max(shifted, low), high))))
            # Rounding to a narrower dtype may leave the range.
            if all(low <= x <= high for x, (low, high) in zip(moved, spans, strict=True)):
                yield tuple(moved)
