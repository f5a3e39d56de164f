"""What a figure shows, as JSON for other programs: numbers keep all their digits."""

import dataclasses
import json
import math
from typing import Any, Final

import numpy as np

from circuitgrad.viz.account import Account, Tensor
from circuitgrad.viz.heatmaps import MOST_COLUMNS, MOST_ROWS, pooled
from circuitgrad.viz.scene import Scene

SCHEMA: Final = "circuitgrad/figure"
VERSION: Final = 1
_MOST_ENTRIES: Final = MOST_ROWS * MOST_COLUMNS


def figure_json(scene: Scene, account: Account | None) -> str:
    """The figure as JSON text.

    Numbers that JSON does not have are the strings ``"NaN"``, ``"Infinity"`` and ``"-Infinity"``.
    A tensor is an object with its shape and its entries; one with more than 2,048 entries has its
    norm, its range and the means of its blocks instead.

    Args:
        scene: The figure.
        account: What it was made from.
    """
    content = {
        "schema": SCHEMA,
        "version": VERSION,
        "title": scene.title,
        "direction": scene.direction,
        "sentences": list(scene.sentences),
        "circuit": _plain(account),
    }
    return json.dumps(content, ensure_ascii=False, indent=1, allow_nan=False) + "\n"


def _plain(value: Any) -> Any:
    """A part of an account as JSON's own types; accounts nest only a few levels deep."""
    if dataclasses.is_dataclass(value):
        names = (field.name for field in dataclasses.fields(value))
        return {name: _plain(getattr(value, name)) for name in names}
    if isinstance(value, tuple | list):
        return [_plain(part) for part in value]
    if isinstance(value, np.ndarray) and value.ndim:
        return _tensor(value)
    if isinstance(value, np.ndarray | np.generic):
        return _plain(value.item())
    return _number(value) if isinstance(value, float) else value


def _number(value: float) -> float | str:
    """A number, or the name of one that JSON does not have."""
    if math.isfinite(value):
        return value
    return "NaN" if math.isnan(value) else "Infinity" if value > 0 else "-Infinity"


def _tensor(value: Tensor) -> dict[str, Any]:
    """A tensor with all its entries, or the summary of a large one."""
    found: dict[str, Any] = {"shape": list(value.shape), "dtype": str(value.dtype)}
    if value.size <= _MOST_ENTRIES:
        return found | {"entries": _plain(value.tolist())}
    wide = np.asarray(value, dtype=np.float64)
    means = pooled(value)
    return found | {
        "norm": _number(float(np.linalg.norm(wide.reshape(-1)))),
        "least": _number(float(wide.min())),
        "greatest": _number(float(wide.max())),
        "blocks": list(means.blocks),
        "means": _plain(means.cells.tolist()),
    }
