"""Training steps: a loss and its gradients as one circuit, traced once per shape of the batch."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from circuitgrad.circuits import Circuit, circuit
from circuitgrad.containers import arrays_of, float_arrays, is_container, rebuilt
from circuitgrad.data.sampling import batch_indices, sample_count, whole
from circuitgrad.derivatives import reverse
from circuitgrad.errors import DomainError, ShapeError, SpecError
from circuitgrad.gates.shapes import zeros
from circuitgrad.nn.models import input_wires_like
from circuitgrad.sources import Input, constant
from circuitgrad.spec import FLOAT32, format_shape
from circuitgrad.wire import Array, Wire


class Steps:
    """The values and gradients of a loss function.

    Args:
        loss: A function of the parameters (then the state, if there is one) and the arrays of a
            batch, that returns the loss (and the new state).
        state: What the loss hands on from batch to batch, or None.
    """

    def __init__(self, loss: Callable[..., Any], state: Any = None) -> None:
        self._loss = loss
        self._has_state = state is not None
        self._circuits: dict[Any, Circuit] = {}

    def __call__(
        self, parameters: Any, state: Any, batch: Sequence[Array], gradients: bool = True
    ) -> tuple[float, Any, Any]:
        """The loss, its gradients (or None) and the new state."""
        key = (gradients, tuple((array.shape, array.dtype) for array in batch))
        if key not in self._circuits:
            self._circuits[key] = self._traced(parameters, state, batch, gradients)
        found = self._values(self._circuits[key], parameters, state, batch)
        slopes = rebuilt(parameters, found) if gradients else None
        after = rebuilt(state, found) if self._has_state else None
        return float(next(found)), slopes, after

    def _values(self, step: Circuit, *given: Any) -> Any:
        values = step(*_flat(*given))
        ordered = list(values.values()) if isinstance(values, dict) else [values]
        return iter([*ordered[1:], ordered[0]])

    def _traced(
        self, parameters: Any, state: Any, batch: Sequence[Array], gradients: bool
    ) -> Circuit:
        taken: set[str] = set()
        weights = input_wires_like(parameters, "theta", taken)
        carried = input_wires_like(state, "state", taken) if self._has_state else ()
        names = _batch_names(self._loss, 1 + self._has_state, len(batch))
        arrays = [input_wires_like(x, n, taken) for x, n in zip(batch, names, strict=True)]
        given = (weights, carried) if self._has_state else (weights,)
        output = self._loss(*given, *arrays)
        after: Any = ()
        if self._has_state:
            if not isinstance(output, tuple) or len(output) != 2:
                raise SpecError("fit: with state=, the loss returns a pair (loss, new state).")
            output, after = output
        value = _scalar(output)
        sources = _flat(weights)
        outputs = [value]
        if gradients:
            found = reverse({value: constant(1.0, value.dtype)}, sources)
            pairs = zip(found, sources, strict=True)
            outputs += [zeros(x.shape, x.dtype) if g is None else g for g, x in pairs]
        outputs += _flat(after)
        named = {f"output{k}": wire for k, wire in enumerate(outputs)}
        return circuit(inputs=[*sources, *_flat(carried), *arrays], **named)

    def explain(self, parameters: Any, state: Any, batch: Sequence[Array]) -> str:
        """Where the first NaN or infinity of a step comes from, in words."""
        key = (True, tuple((array.shape, array.dtype) for array in batch))
        run = self._circuits[key].run(*_flat(parameters, state, batch))
        wire = run.first_nonfinite()
        if wire is None:
            return "every gate gives finite numbers, their sum does not"
        return _origin(wire, lambda w: np.asarray(run[w].value))


def _flat(*parts: Any) -> list[Any]:
    """The arrays of several containers, one after the other."""
    return [x for part in parts if part is not None for x in arrays_of(part)]


def _scalar(output: Any) -> Wire:
    if is_container(output) or not isinstance(output, Wire):
        raise SpecError(
            f"fit: the loss returned {type(output).__name__}; needed one number that depends on "
            "the parameters."
        )
    if output.shape not in ((), (1,)):
        raise ShapeError(
            f"fit: the loss has shape {format_shape(output.shape)}; needed one number. "
            "Take np.mean."
        )
    return output.reshape(()) if output.shape else output


def _batch_names(loss: Callable[..., Any], first: int, count: int) -> list[str]:
    """What the loss function calls the arrays of a batch."""
    try:
        parameters = list(inspect.signature(loss).parameters.values())
    except (TypeError, ValueError):
        parameters = []
    plain = [p.name for p in parameters if p.kind in (p.POSITIONAL_ONLY, p.POSITIONAL_OR_KEYWORD)]
    return [*plain[first : first + count], *(f"batch{k}" for k in range(1, count + 1))][:count]


def _origin(wire: Wire, value_of: Callable[[Wire], Array]) -> str:
    """A wire with a NaN or infinity, and what its gate was given there."""
    value = value_of(wire)
    place = tuple(int(k) for k in np.argwhere(~np.isfinite(value))[0])
    at = f" at index {place}" if place else ""
    if isinstance(wire.gate, Input):
        return f"input '{wire.label}' is {value[place]}{at}"
    told = []
    for source in wire.inputs:
        given = value_of(source)
        name = f"'{source.label}'" if source.label else f"the output of gate {source.gate.name}"
        if not given.ndim or given.shape == value.shape:
            told.append(f"{name} = {given[place] if given.ndim else given[()]}")
        else:
            told.append(f"{name} of shape {format_shape(given.shape)}")
    of = f" for {', '.join(told)}" if told else ""
    return f"gate {wire.gate.name} gives {value[place]}{at}{of}"


def check_finite(value: float, gradients: Any) -> bool:
    """Whether a loss and all its gradients are finite."""
    if not np.isfinite(value):
        return False
    # The sum is one pass without a temporary; only where it is not finite every entry is asked.
    return all(np.isfinite(np.sum(x)) or bool(np.all(np.isfinite(x))) for x in arrays_of(gradients))


def divergence(where: str, origin: str) -> DomainError:
    """The error that says where training stopped, and why."""
    return DomainError(
        f"{where}: {origin}; needed finite numbers. Lower the learning rate, clip gradients "
        "(optim.with_norm_clipping), or look at that input."
    )


def sample_arrays(data: Any, parameters: Any) -> tuple[Array, ...]:
    """The arrays of samples, in float32 where all parameters are."""
    listed = data if isinstance(data, tuple) else (data,)
    if isinstance(data, dict) or any(is_container(x) for x in listed):
        raise SpecError("fit: the data is a container of containers; needed a tuple of arrays.")
    single = all(x.dtype == FLOAT32 for x in arrays_of(parameters))
    arrays = [float_arrays(x, "fit: data") for x in listed]
    sample_count(arrays, "fit: data")
    return tuple(x.astype(FLOAT32) if single else x for x in arrays)


class Samples:
    """The batches of every epoch."""

    def __init__(
        self,
        data: Any,
        parameters: Any,
        batch_size: int | None,
        shuffle: bool,
        seed: int,
        prepare: Callable[..., Any] | None,
    ) -> None:
        self.arrays = sample_arrays(data, float_arrays(parameters, "fit: parameters"))
        self.count = len(self.arrays[0])
        size = self.count if batch_size is None else whole(batch_size, "fit: batch_size")
        self.size = min(size, self.count)
        self.shuffle = shuffle and self.size < self.count
        self.seed = whole(seed, "fit: seed", 0)
        self._prepare = prepare

    def indices(self, epoch: int) -> list[Array]:
        """The samples of each batch of an epoch."""
        generator = np.random.default_rng([self.seed, 0, epoch]) if self.shuffle else None
        return batch_indices(self.count, self.size, generator)

    def batch(self, epoch: int, number: int, chosen: Array) -> tuple[Array, ...]:
        """The arrays of a batch."""
        if self.size == self.count:
            batch = self.arrays
        else:
            batch = tuple(array[chosen] for array in self.arrays)
        if self._prepare is None:
            return batch
        found = self._prepare(np.random.default_rng([self.seed, 1, epoch, number]), *batch)
        listed = found if isinstance(found, tuple) else (found,)
        dtype = batch[0].dtype
        return tuple(float_arrays(x, "fit: what prepare returned").astype(dtype) for x in listed)
