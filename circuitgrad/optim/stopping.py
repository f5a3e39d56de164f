"""Early stopping: the parameters with the lowest validation error, and when to give up."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from circuitgrad.containers import mapped
from circuitgrad.errors import SpecError
from circuitgrad.optim.optimizers import State
from circuitgrad.optim.schedules import positive


@dataclass(frozen=True)
class EarlyStopping:
    """Stops when the validation error has not fallen for some epochs.

    Attributes:
        patience: How many epochs in a row may bring no lower error.
        least_gain: How much lower an error must be to count.

    >>> stopping = EarlyStopping(patience=2)
    >>> state = stopping.initial({"w": np.array([0.0])})
    >>> for epoch, error in enumerate([3.0, 1.0, 2.0, 2.0]):
    ...     state = stopping.update(state, error, epoch, {"w": np.array([epoch])})
    >>> stopping.is_over(state), state["parameters"]
    (True, {'w': array([1])})
    """

    patience: int = 10
    least_gain: float = 0.0

    def __post_init__(self) -> None:
        if isinstance(self.patience, bool) or not isinstance(self.patience, int | np.integer):
            raise SpecError(f"EarlyStopping: patience is {self.patience!r}; needed a whole number.")
        positive(self.patience, "EarlyStopping: patience")
        positive(self.least_gain, "EarlyStopping: least_gain", zero=True)

    def initial(self, parameters: Any) -> State:
        """The state before the first epoch."""
        return {
            "error": np.array(np.inf),
            "epoch": np.array(-1),
            "waited": np.array(0),
            "parameters": mapped(np.array, parameters),
        }

    def update(self, state: State, error: float, epoch: int, parameters: Any) -> State:
        """The state after an epoch; a NaN is no gain."""
        if not float(error) < float(state["error"]) - self.least_gain:
            return {**state, "waited": np.array(int(state["waited"]) + 1)}
        return {
            "error": np.array(float(error)),
            "epoch": np.array(epoch),
            "waited": np.array(0),
            "parameters": mapped(np.array, parameters),
        }

    def is_over(self, state: State) -> bool:
        """Whether the patience is used up."""
        return int(state["waited"]) >= self.patience
