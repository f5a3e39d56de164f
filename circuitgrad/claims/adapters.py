"""Backward passes written for other frameworks: proved where they can be read, else tried."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Protocol

import numpy as np
import sympy as sp

from circuitgrad.claims.backward_passes import BackwardCheck, Derived, check_backward_numerically
from circuitgrad.claims.numeric_checks import NumericCheck
from circuitgrad.claims.readings import declared_inputs, parse_shapes
from circuitgrad.claims.sides import Side
from circuitgrad.errors import ProofError, SpecError
from circuitgrad.proofs.verdicts import Status
from circuitgrad.sources import input_wire
from circuitgrad.spec import Shape, bind_shape
from circuitgrad.wire import Wire

_SHOWN = 300


@dataclass(frozen=True)
class FunctionCheck:
    """What is known of a backward pass in another framework.

    Attributes:
        name: The name of the function.
        traced: The verdict for every input, if the code could be read; None otherwise.
        numeric: The comparison with numeric derivatives of the code itself, in float64, at the
            arguments that were given.
        reason: Why the code could not be read; empty if it could.
    """

    name: str
    traced: BackwardCheck | None
    numeric: NumericCheck
    reason: str = ""

    @property
    def status(self) -> Status:
        """Proved or refuted by exact methods only; what was only tried is undecided."""
        if self.traced is None or self.is_contradictory:
            return Status.UNDECIDED
        return self.traced.status

    @property
    def proved(self) -> bool:
        """Whether every gradient is proved, and the code agrees with numeric derivatives."""
        return self.status is Status.PROVED

    @property
    def refuted(self) -> bool:
        """Whether some gradient is refuted by a point."""
        return self.status is Status.REFUTED

    @property
    def passed(self) -> bool:
        """Whether it is proved, or agrees numerically where it could not be read."""
        return self.proved or (self.status is Status.UNDECIDED and self.numeric.passed)

    @property
    def is_contradictory(self) -> bool:
        """Whether the formulas are proved, while the numbers of the code are wrong."""
        return self.traced is not None and self.traced.proved and bool(self.numeric.wrong)

    def __bool__(self) -> bool:
        return self.proved

    def require(self) -> FunctionCheck:
        """This record if all is proved; else ProofError that says what is not."""
        if not self.proved:
            raise ProofError(f"backward pass of {self.name}: {self.status.value}.\n{self}")
        return self

    def __str__(self) -> str:
        if self.traced is None:
            head = f"Not read as a formula: {self.reason}"
            return f"{self.name}: {head}\nTried numerically, in float64. {self.numeric}"
        lines = [str(self.traced)]
        if self.is_contradictory:
            lines.append("Undecided: the code runs otherwise than it was read, and is wrong.")
        if self.is_contradictory or not self.proved:
            lines.append(f"Numerically, in float64: {self.numeric}")
        return "\n".join(lines)


@dataclass(frozen=True)
class Traced:
    """Forward and backward pass as wires.

    Attributes:
        outputs: The outputs of the forward pass.
        upstreams: The upstream gradient of each.
        gradients: What the backward pass returns for each input; None for zero.
    """

    outputs: Sequence[Wire]
    upstreams: Sequence[Wire]
    gradients: Sequence[Wire | None]


class Adapter(Protocol):
    """What a framework brings to a check.

    Attributes:
        name: The name of the function.
        names: The names of its inputs.
        point: Their values, as NumPy's arrays.
    """

    name: str
    names: list[str]
    point: list[Any]

    def traced(self, inputs: Sequence[Wire]) -> Traced:
        """The two passes on wires; any exception where they cannot be read."""

    def forward(self, *arrays: Any) -> Any:
        """The outputs of the code as one flat array."""

    def backward(self, upstream: Any, *arrays: Any) -> Any:
        """The downstream gradients of the code, one for each input."""


def checked(
    adapter: Adapter,
    axes: Mapping[str, Any],
    assuming: str | Iterable[str],
    budget: float,
    what: str,
) -> FunctionCheck:
    """The check of a function: by formulas where it can be read, and by numbers."""
    shapes = _shapes(adapter, axes, what)
    numeric = check_backward_numerically(adapter.forward, adapter.backward, *adapter.point)
    mentioned = [sp.Symbol(name) for name in adapter.names]
    inputs, assumptions = declared_inputs(mentioned, shapes, assuming, what, adapter.names)
    wires = [inputs[name] for name in adapter.names]
    try:
        traced = adapter.traced(wires)
    except Exception as error:  # whatever foreign code raises on what is no array
        reason = " ".join(f"{type(error).__name__}: {error}".split())
        return FunctionCheck(adapter.name, None, numeric, reason[:_SHOWN])
    side = Side(adapter.name, traced.outputs[0])
    upstreams = dict(zip(traced.outputs, traced.upstreams, strict=True))
    derived = Derived(side, upstreams, wires, assumptions, "the backward pass")
    verdicts = derived.verdicts(traced.gradients, budget)
    return FunctionCheck(adapter.name, BackwardCheck(adapter.name, verdicts), numeric)


def _shapes(adapter: Adapter, axes: Mapping[str, Any], what: str) -> dict[str, Shape]:
    """The axes of every input: as they were named, else those of its value.

    Raises:
        ShapeError: A value that does not have the axes that were named.
        SpecError: Axes of what is no input.
    """
    named = parse_shapes(axes, what)
    unknown = [name for name in named if name not in adapter.names]
    if unknown:
        raise SpecError(
            f"{what}: '{unknown[0]}' is no input of {adapter.name} that has a gradient "
            f"({', '.join(adapter.names)})."
        )
    found, sizes = {}, dict[str, int]()
    for name, value in zip(adapter.names, adapter.point, strict=True):
        found[name] = named.get(name, np.shape(value))
        bind_shape(name, found[name], np.shape(value), sizes)
    return found


def upstream_wires(outputs: Sequence[Wire], taken: Iterable[str]) -> list[Wire]:
    """An upstream gradient for every output, under names that no input has."""
    if len(set(outputs)) < len(outputs):
        raise SpecError("two outputs are the same")
    stem = "upstream"
    while any(name.startswith(stem) for name in taken):
        stem += "_"
    marks = [""] if len(outputs) == 1 else [str(k) for k in range(1, len(outputs) + 1)]
    return [
        input_wire(f"{stem}{mark}", out.shape, out.dtype)
        for mark, out in zip(marks, outputs, strict=True)
    ]


def argument_names(function: Callable[..., Any], count: int, skipped: int = 0) -> list[str]:
    """The names of the first arguments of a function; those of *args are numbered."""
    listed = list(inspect.signature(function).parameters.values())[skipped:]
    kinds = (inspect.Parameter.POSITIONAL_ONLY, inspect.Parameter.POSITIONAL_OR_KEYWORD)
    names = [p.name for p in listed if p.kind in kinds][:count]
    return names + [f"argument{k}" for k in range(len(names), count)]
