"""Training: one loop over epochs and batches, with history, checkpoints and early stopping."""

from __future__ import annotations

import contextlib
import hashlib
import os
import pathlib
import sys
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any, TypeAlias

import numpy as np

from circuitgrad import checkpoints
from circuitgrad.containers import leaves, mapped
from circuitgrad.data.sampling import whole
from circuitgrad.errors import SpecError
from circuitgrad.optim.optimizers import Optimizer
from circuitgrad.optim.rules import adam
from circuitgrad.optim.stopping import EarlyStopping
from circuitgrad.steps import Samples, Steps, check_finite, divergence, sample_arrays
from circuitgrad.wire import Array

Path: TypeAlias = "str | os.PathLike[str]"


@dataclass(frozen=True)
class Moment:
    """What a callback is shown after an epoch.

    Attributes:
        epoch: Epochs done.
        steps: Updates done.
        parameters: The parameters now.
        state: What the loss hands on, or None.
        history: The numbers so far; see Training.
    """

    epoch: int
    steps: int
    parameters: Any
    state: Any
    history: dict[str, Array]


@dataclass(frozen=True)
class Training:
    """The result of fit.

    Attributes:
        parameters: The last ones; with early stopping those of the lowest validation error.
        state: What the loss handed on last, or None.
        optimizer_state: For going on.
        history: "loss", the mean over each epoch; "validation" of each epoch, if it was asked for;
            "batch_loss" of every update.
        stopped: "epochs", "early stopping" or "callback".
    """

    parameters: Any = field(repr=False)
    state: Any = field(repr=False)
    optimizer_state: Any = field(repr=False)
    history: dict[str, Array] = field(repr=False)
    stopped: str = "epochs"


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
    checkpoint: Path | None = None,
    checkpoint_every: int | None = None,
    resume: bool = True,
    progress: bool | None = None,
) -> Training:
    """The parameters that make a loss small.

    The loss and its gradients are traced into one circuit per shape of the batch, and that circuit
    is run at every step. All chance comes from the seed, the epoch and the number of the batch, so
    that a training that was interrupted continues as if it had not been.

    Args:
        loss: A function of the parameters and the arrays of a batch; of the parameters, the state
            and the arrays where `state` is given, and then it returns (loss, new state).
        parameters: The first parameters: arrays in a nested dict.
        data: An array, or a tuple of arrays with samples along their first axis.
        optimizer: By default optim.adam().
        epochs: How often all samples are seen.
        batch_size: Samples per update; None takes all at once.
        shuffle: Whether the order changes with every epoch.
        seed: Of the order and of what `prepare` draws.
        state: What the loss hands on from batch to batch, such as running statistics.
        prepare: A function of a numpy.random.Generator and the arrays of a batch, that returns the
            arrays that the loss is given: augmented ones, or dropout masks beside them.
        validation: Arrays on which the loss is taken after each epoch; or a function of the
            parameters (and the state) that returns a number.
        early_stopping: When to stop for want of progress in the validation.
        callbacks: Called with a Moment after each epoch; one that returns True ends the training.
        checkpoint: A file that training is saved in, and resumed from if it is there.
        checkpoint_every: Updates between checkpoints; by default one after each epoch.
        resume: False begins anew although there is a checkpoint.
        progress: Whether a bar is shown; by default on a terminal.

    Raises:
        SpecError: Data, parameters or a checkpoint that do not fit.
        DomainError: The loss or a gradient is not finite. The message names the step, the gate and
            its input.

    >>> from circuitgrad.optim import sgd
    >>> x = np.linspace(0, 1, 20)
    >>> def squares(line, x, y):
    ...     return np.mean((line["a"] * x + line["b"] - y) ** 2)
    >>> line = {"a": 0.0, "b": 0.0}
    >>> result = fit(squares, line, (x, 2 * x + 30), sgd(0.5), epochs=500, batch_size=None)
    >>> round(float(result.parameters["a"]), 3), round(float(result.parameters["b"]), 3)
    (2.0, 30.0)
    """
    chosen = adam() if optimizer is None else optimizer
    if not isinstance(chosen, Optimizer):
        raise SpecError(
            f"fit: the optimiser is {type(chosen).__name__}; needed one, as optim.adam(0.001)."
        )
    if early_stopping is not None and validation is None:
        raise SpecError("fit: early stopping needs validation=, arrays or a function.")
    start = mapped(np.array, floatsample_arrays(parameters, "fit: parameters"))
    carried = None if state is None else mapped(np.array, floatsample_arrays(state, "fit: state"))
    loop = _Loop(
        Steps(loss, carried),
        Samples(sample_arrays(data, start), batch_size, shuffle, seed, prepare),
        chosen,
        _validation(loss, validation, start, carried),
        early_stopping,
        None if checkpoint is None else pathlib.Path(checkpoint),
    )
    now = loop.begin(start, carried, resume)
    every = None if checkpoint_every is None else whole(checkpoint_every, "fit: checkpoint_every")
    with np.errstate(all="ignore"):
        loop.advance(now, whole(epochs, "fit: epochs", 0), every, callbacks, progress)
    return loop.result(now)


def _validation(
    loss: Callable[..., Any], validation: Any, parameters: Any, state: Any
) -> Callable[[Any, Any], float] | None:
    """The validation error as a function of parameters and state."""
    if validation is None:
        return None
    if callable(validation):
        given = validation
        return lambda p, s: float(given(p) if state is None else given(p, s))
    arrays = sample_arrays(validation, parameters)
    steps = Steps(loss, state)
    return lambda p, s: steps(p, s, arrays, gradients=False)[0]


@dataclass
class _Now:
    """Where a training stands: all that a checkpoint holds."""

    parameters: Any
    state: Any
    optimizer_state: Any
    stopping: Any
    epoch: int = 0
    number: int = 0
    losses: list[float] = field(default_factory=list)
    epoch_losses: list[float] = field(default_factory=list)
    validations: list[float] = field(default_factory=list)
    stopped: str | None = None

    def history(self) -> dict[str, Array]:
        found = {"loss": np.array(self.epoch_losses), "batch_loss": np.array(self.losses)}
        return found | ({"validation": np.array(self.validations)} if self.validations else {})


@dataclass(frozen=True)
class _Loop:
    steps: Steps
    samples: Samples
    optimizer: Optimizer
    validation: Callable[[Any, Any], float] | None
    early: EarlyStopping | None
    path: pathlib.Path | None
    marks: dict[str, Any] = field(default_factory=dict)

    def begin(self, parameters: Any, state: Any, resume: bool) -> _Now:
        """The start, or where the checkpoint left off."""
        now = _Now(parameters, state, self.optimizer.initial(parameters), None)
        now.stopping = None if self.early is None else self.early.initial(parameters)
        if self.path is None:
            return now
        self.marks.update(self._marks(parameters, state))
        if resume and self.path.exists():
            self._restore(now)
        return now

    def _marks(self, parameters: Any, state: Any) -> dict[str, Any]:
        """What must be the same when a training is resumed."""
        return {
            "data": _digest(self.samples.arrays),
            "first parameters": _digest((parameters, state)),
            "optimiser": self.optimizer.description,
            "batch size": self.samples.size,
            "shuffle": self.samples.shuffle,
            "seed": self.samples.seed,
            "early stopping": repr(self.early),
        }

    def _restore(self, now: _Now) -> None:
        assert self.path is not None
        found = checkpoints.read(self.path)
        there = found.description.get("marks", {})
        for name, here in self.marks.items():
            if there.get(name) != here:
                raise SpecError(
                    f"fit: the checkpoint {self.path} belongs to another training: its {name} is "
                    f"{there.get(name)!r}, here it is {here!r}. Choose another file, or "
                    "resume=False."
                )
        now.parameters = found.restored("parameters", now.parameters)
        now.optimizer_state = found.restored("optimizer", now.optimizer_state)
        if now.state is not None:
            now.state = found.restored("state", now.state)
        if now.stopping is not None:
            now.stopping = found.restored("stopping", now.stopping)
        history = found.sections["history"]
        now.losses = history["batch_loss"].tolist()
        now.epoch_losses = history["loss"].tolist()
        now.validations = history["validation"].tolist()
        now.epoch, now.number = found.description["position"]
        now.stopped = found.description["stopped"]

    def save(self, now: _Now) -> None:
        """The checkpoint, if one is wanted."""
        if self.path is None:
            return
        sections = {
            "parameters": now.parameters,
            "optimizer": now.optimizer_state,
            "history": {
                "loss": np.array(now.epoch_losses),
                "batch_loss": np.array(now.losses),
                "validation": np.array(now.validations),
            },
        }
        optional = {"state": now.state, "stopping": now.stopping}
        sections |= {name: value for name, value in optional.items() if value is not None}
        position = {"position": [now.epoch, now.number], "stopped": now.stopped}
        checkpoints.write(self.path, {"marks": self.marks, **position}, sections)

    def advance(
        self,
        now: _Now,
        epochs: int,
        every: int | None,
        callbacks: Sequence[Callable[[Moment], Any]],
        progress: bool | None,
    ) -> None:
        """Train until so many epochs are done, or something ends it."""
        with _bar(progress, epochs, now.epoch) as bar:
            while now.epoch < epochs and now.stopped is None:
                self._epoch(now, every)
                moment = Moment(
                    now.epoch, len(now.losses), now.parameters, now.state, now.history()
                )
                wanted = [bool(callback(moment)) for callback in callbacks]
                if any(wanted):
                    now.stopped = "callback"
                self.save(now)
                bar(now)

    def _epoch(self, now: _Now, every: int | None) -> None:
        batches = self.samples.indices(now.epoch)
        while now.number < len(batches):
            self._step(now, batches[now.number])
            now.number += 1
            if every is not None and len(now.losses) % every == 0 and now.number < len(batches):
                self.save(now)
        counts = [len(chosen) for chosen in batches]
        now.epoch_losses.append(float(np.average(now.losses[-len(batches) :], weights=counts)))
        now.epoch, now.number = now.epoch + 1, 0
        if self.validation is None:
            return
        now.validations.append(self.validation(now.parameters, now.state))
        if self.early is not None:
            now.stopping = self.early.update(
                now.stopping, now.validations[-1], now.epoch, now.parameters
            )
            if self.early.is_over(now.stopping):
                now.stopped = "early stopping"

    def _step(self, now: _Now, chosen: Array) -> None:
        batch = self.samples.batch(now.epoch, now.number, chosen)
        point = self.optimizer.point(now.parameters, now.optimizer_state)
        value, gradients, state = self.steps(point, now.state, batch)
        if not check_finite(value, gradients):
            where = (
                f"fit: step {len(now.losses) + 1} (epoch {now.epoch + 1}, batch {now.number + 1})"
            )
            raise divergence(where, self.steps.explain(point, now.state, batch))
        now.parameters, now.optimizer_state = self.optimizer.update(
            gradients, now.optimizer_state, now.parameters
        )
        now.state = state
        now.losses.append(value)

    def result(self, now: _Now) -> Training:
        """What fit returns."""
        parameters = now.parameters
        if now.stopping is not None and int(now.stopping["epoch"]) >= 0:
            parameters = now.stopping["parameters"]
        stopped = now.stopped or "epochs"
        return Training(parameters, now.state, now.optimizer_state, now.history(), stopped)


def _digest(value: Any) -> str:
    """A fingerprint of arrays."""
    found = hashlib.sha256()
    for _, array in leaves(value, ""):
        if array is not None:
            found.update(f"{array.dtype.str}{array.shape}".encode())
            found.update(np.ascontiguousarray(array).tobytes())
    return found.hexdigest()[:32]


@contextlib.contextmanager
def _bar(progress: bool | None, epochs: int, done: int) -> Iterator[Callable[[_Now], None]]:
    """A function that shows where a training stands after an epoch."""
    if not (sys.stderr.isatty() if progress is None else progress):
        yield lambda now: None
        return
    from tqdm import tqdm  # here, because most trainings in scripts show no bar

    with tqdm(total=epochs, initial=done, unit="epoch") as bar:

        def show(now: _Now) -> None:
            numbers = {"loss": f"{now.epoch_losses[-1]:.4g}"}
            if now.validations:
                numbers["validation"] = f"{now.validations[-1]:.4g}"
            bar.set_postfix(numbers, refresh=False)
            bar.update()

        yield show
