"""Training: `fit`, one loop for every model.

All chance comes from the seed, the epoch and the number of the batch, so that a training that was
interrupted continues as if it had not been.

>>> import numpy as np
>>> from circuitgrad.optim import sgd
>>> x = np.linspace(0, 1, 20)
>>> def squares(line, x, y):
...     return np.mean((line["a"] * x + line["b"] - y) ** 2)
>>> start = {"a": 0.0, "b": 0.0}
>>> result = fit(squares, start, (x, 2 * x + 30), sgd(0.5), epochs=500, batch_size=None)
>>> round(float(result.parameters["a"]), 3), round(float(result.parameters["b"]), 3)
(2.0, 30.0)
"""

from __future__ import annotations

import os
from collections.abc import Callable, Sequence
from typing import Any, TypeAlias

from circuitgrad.checkpoints import Saving
from circuitgrad.data.sampling import whole
from circuitgrad.loops import Loop, Moment, Monitoring, Training
from circuitgrad.optim.optimizers import Optimizer
from circuitgrad.optim.rules import adam
from circuitgrad.optim.stopping import EarlyStopping
from circuitgrad.steps import Samples

__all__ = ["Moment", "Saving", "Training", "fit"]

Path: TypeAlias = "str | os.PathLike[str]"


def fit(
    loss: Callable[..., Any],
    parameters: Any,
    data: Any,
    optimizer: Optimizer | None = None,
    *,
    epochs: int = 10,
    batch_size: int | None = 32,
    shuffle: bool = True,
    seed: int = 0,
    state: Any = None,
    prepare: Callable[..., Any] | None = None,
    validation: Any = None,
    early_stopping: EarlyStopping | None = None,
    callbacks: Sequence[Callable[[Moment], Any]] = (),
    checkpoint: Path | Saving | None = None,
    progress: bool | None = None,
) -> Training:
    """The parameters that make a loss small, and how they were found.

    Args:
        loss: (parameters, arrays of a batch…) to a number; with `state`, (parameters, state,
            arrays…) to (number, new state). Traced once for each shape of the batch.
        parameters: The first ones: arrays in a nested dict.
        data: An array, or a tuple of arrays with samples along their first axis.
        optimizer: By default optim.adam().
        epochs: How often all samples are seen.
        batch_size: Samples per update; None takes all at once. The last batch may be smaller.
        shuffle: Whether every epoch has its own order.
        seed: Of the order and of what `prepare` draws.
        state: What the loss hands on from batch to batch, such as running statistics.
        prepare: (numpy.random.Generator, arrays of a batch…) to the arrays for the loss.
        validation: Arrays for the loss; or (parameters), (parameters, state) to a number.
        early_stopping: When to stop for want of progress in the validation.
        callbacks: Called with a Moment after each epoch; True ends the training.
        checkpoint: A file to save in after each epoch, and to resume from if it is there.
        progress: Whether a bar is shown; by default on a terminal.

    Raises:
        SpecError: What does not fit together; a checkpoint of another training.
        DomainError: A loss or gradient that is not finite: the step, the gate and its input.
    """
    samples = Samples(data, parameters, batch_size, shuffle, seed, prepare)
    monitoring = Monitoring(validation, early_stopping, callbacks)
    chosen = adam() if optimizer is None else optimizer
    loop = Loop(loss, samples, chosen, monitoring, Saving.of(checkpoint))
    return loop.trained(parameters, state, whole(epochs, "fit: epochs", 0), progress)
