"""The loop of training: epochs of steps over batches, from a start or a checkpoint on."""

from __future__ import annotations

import contextlib
import hashlib
import pathlib
import sys
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from circuitgrad.checkpoints import Saving, read, write
from circuitgrad.containers import arrays_of, float_arrays, mapped
from circuitgrad.errors import SpecError
from circuitgrad.optim.optimizers import Optimizer
from circuitgrad.optim.stopping import EarlyStopping
from circuitgrad.steps import Samples, Steps, check_finite, divergence, sample_arrays
from circuitgrad.wire import Array


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
class Now:
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
class Monitoring:
    """What is looked at after each epoch.

    Attributes:
        validation: Arrays, a function of parameters (and state), or None.
        early_stopping: When to stop for want of progress, or None.
        callbacks: What is called with a Moment.
    """

    validation: Any
    early_stopping: EarlyStopping | None
    callbacks: Sequence[Callable[[Moment], Any]]

    def __post_init__(self) -> None:
        if not isinstance(self.callbacks, Sequence) or not all(map(callable, self.callbacks)):
            raise SpecError(f"fit: callbacks is {self.callbacks!r}; needed a list of functions.")
        if self.early_stopping is None:
            return
        if not isinstance(self.early_stopping, EarlyStopping):
            raise SpecError(
                f"fit: early_stopping is {self.early_stopping!r}; needed "
                "optim.EarlyStopping(patience=…)."
            )
        if self.validation is None:
            raise SpecError("fit: early stopping needs validation=, arrays or a function.")


class Loop:
    """Epochs of steps over batches, from the first parameters or a checkpoint on."""

    def __init__(
        self,
        loss: Callable[..., Any],
        samples: Samples,
        optimizer: Optimizer,
        monitoring: Monitoring,
        saving: Saving | None,
    ) -> None:
        if not callable(loss):
            raise SpecError(f"fit: the loss is {loss!r}; needed a function of the parameters.")
        if not isinstance(optimizer, Optimizer):
            raise SpecError(
                f"fit: the optimiser is {type(optimizer).__name__}; needed one, as "
                "optim.adam(0.001)."
            )
        self.loss = loss
        self.samples = samples
        self.optimizer = optimizer
        self.monitoring = monitoring
        self.early = monitoring.early_stopping
        self.saving = saving

    def trained(self, parameters: Any, state: Any, epochs: int, progress: bool | None) -> Training:
        """The result of so many epochs."""
        start = mapped(np.array, float_arrays(parameters, "fit: parameters"))
        carried = None if state is None else mapped(np.array, float_arrays(state, "fit: state"))
        self.steps = Steps(self.loss, carried)
        self.validation = _validation(self.loss, self.monitoring.validation, start, carried)
        now = Now(start, carried, self.optimizer.initial(start), None)
        now.stopping = None if self.early is None else self.early.initial(start)
        self.marks = {} if self.saving is None else self._marks(start, carried)
        if self.saving is not None and self.saving.resume and self.saving.path.exists():
            self._restore(now, self.saving.path)
        with _bar(progress, epochs, now.epoch) as bar:
            while now.epoch < epochs and now.stopped is None:
                self._epoch(now)
                bar(now)
        return self._result(now)

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

    def _restore(self, now: Now, path: pathlib.Path) -> None:
        found = read(path)
        there = found.description.get("marks", {})
        for name, here in self.marks.items():
            if there.get(name) != here:
                raise SpecError(
                    f"fit: the checkpoint {path} belongs to another training: its {name} is "
                    f"{there.get(name)!r}, here it is {here!r}. Choose another file, or "
                    "Saving(path, resume=False)."
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

    def _save(self, now: Now) -> None:
        """The checkpoint, if one is wanted."""
        if self.saving is None:
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
        write(self.saving.path, {"marks": self.marks, **position}, sections)

    def _epoch(self, now: Now) -> None:
        batches = self.samples.indices(now.epoch)
        every = None if self.saving is None else self.saving.every
        while now.number < len(batches):
            with np.errstate(all="ignore"):  # what is not finite is told by the step itself
                self._step(now, batches[now.number])
            now.number += 1
            if every is not None and len(now.losses) % every == 0 and now.number < len(batches):
                self._save(now)
        counts = [len(chosen) for chosen in batches]
        now.epoch_losses.append(float(np.average(now.losses[-len(batches) :], weights=counts)))
        now.epoch, now.number = now.epoch + 1, 0
        self._look(now)
        self._save(now)

    def _look(self, now: Now) -> None:
        """Validation, early stopping and callbacks after an epoch."""
        if self.validation is not None:
            with np.errstate(all="ignore"):
                error = self.validation(now.parameters, now.state)
            now.validations.append(error)
            if self.early is not None:
                now.stopping = self.early.update(now.stopping, error, now.epoch, now.parameters)
                if self.early.is_over(now.stopping):
                    now.stopped = "early stopping"
        moment = Moment(now.epoch, len(now.losses), now.parameters, now.state, now.history())
        answers = [callback(moment) for callback in self.monitoring.callbacks]
        if any(answer is True for answer in answers):
            now.stopped = "callback"

    def _step(self, now: Now, chosen: Array) -> None:
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

    def _result(self, now: Now) -> Training:
        """What fit returns."""
        parameters = now.parameters
        if now.stopping is not None and int(now.stopping["epoch"]) >= 0:
            parameters = now.stopping["parameters"]
        stopped = now.stopped or "epochs"
        return Training(parameters, now.state, now.optimizer_state, now.history(), stopped)


def _digest(value: Any) -> str:
    """A fingerprint of arrays."""
    found = hashlib.sha256()
    for array in arrays_of(value):
        if array is not None:
            found.update(f"{array.dtype.str}{array.shape}".encode())
            found.update(np.ascontiguousarray(array).tobytes())
    return found.hexdigest()[:32]


@contextlib.contextmanager
def _bar(progress: bool | None, epochs: int, done: int) -> Iterator[Callable[[Now], None]]:
    """A function that shows where a training stands after an epoch."""
    if not (sys.stderr.isatty() if progress is None else progress):
        yield lambda now: None
        return
    from tqdm import tqdm  # here, because most trainings in scripts show no bar

    with tqdm(total=epochs, initial=done, unit="epoch") as bar:

        def show(now: Now) -> None:
            numbers = {"loss": f"{now.epoch_losses[-1]:.4g}"}
            if now.validations:
                numbers["validation"] = f"{now.validations[-1]:.4g}"
            bar.set_postfix(numbers, refresh=False)
            bar.update()

        yield show
