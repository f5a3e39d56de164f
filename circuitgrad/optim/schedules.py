"""Learning rates that change: each declared by its formula in the number of the update."""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache
from typing import Any, TypeAlias

import numpy as np

from circuitgrad.circuits import Circuit
from circuitgrad.errors import DomainError, SpecError
from circuitgrad.optim.formulas import scalar_circuit


@dataclass(frozen=True)
class Schedule:
    """A learning rate: a function of the updates done so far and of a matrix's fan-in.

    Attributes:
        name: What it is called.
        formula: In t (0 for the first update), fan_in and the settings.
        settings: The value of each setting; `rate` may be a schedule itself.
    """

    name: str
    formula: str
    settings: tuple[tuple[str, Any], ...]

    def __call__(self, t: float, fan_in: float = 1.0) -> float:
        """The rate of the update that t updates went before."""
        known = {"t": float(t), "fan_in": float(fan_in)}
        for name, value in self.settings:
            known[name] = value(t, fan_in) if isinstance(value, Schedule) else value
        circuit = _circuit(self.formula)
        return float(circuit(*[known[name] for name in circuit.input_names]))

    def __str__(self) -> str:
        told = ", ".join(f"{name}={value}" for name, value in self.settings)
        return f"{self.name}({told})"


Rate: TypeAlias = "float | Schedule"


@lru_cache(maxsize=64)
def _circuit(formula: str) -> Circuit:
    return scalar_circuit(formula)


def positive(value: Any, what: str, zero: bool = False) -> float:
    """A finite number above zero (or zero, where that is allowed).

    Raises:
        SpecError: Not a number.
        DomainError: Not finite, negative, or zero.
    """
    if isinstance(value, bool) or not isinstance(value, int | float | np.number):
        raise SpecError(f"{what}: got {value!r}; needed a number.")
    number = float(value)
    if not np.isfinite(number) or number < 0 or (number == 0 and not zero):
        needed = "a finite number of 0 or more" if zero else "a finite number above 0"
        raise DomainError(f"{what}: got {value!r}; needed {needed}.")
    return number


def as_schedule(rate: Any, what: str) -> Schedule:
    """A schedule as it is; a number as the constant one."""
    return rate if isinstance(rate, Schedule) else constant(positive(rate, f"{what}: rate", True))


@dataclass(frozen=True)
class _Declared:
    """A kind of schedule."""

    name: str
    formula: str
    meaning: str

    def of(self, rate: Rate, **settings: Any) -> Schedule:
        """The schedule with these settings."""
        first = rate if isinstance(rate, Schedule) else positive(rate, f"{self.name}: rate", True)
        checked = [(name, positive(x, f"{self.name}: {name}")) for name, x in settings.items()]
        return Schedule(self.name, self.formula, (("rate", first), *checked))


_constant = _Declared("constant", "rate", "the same at every update")
_by_fan_in = _Declared("by_fan_in", "rate/sqrt(fan_in)", "smaller for matrices with many columns")
_step_decay = _Declared(
    "step_decay", "rate*factor**floor(t/every)", "multiplied by a factor again and again"
)
_exponential = _Declared("exponential_decay", "rate*exp(-k*t)", "falls by the same share each time")
_hyperbolic = _Declared(
    "hyperbolic_decay", "rate*tau/maximum(t, tau)", "constant until tau, then as 1/t"
)
DECLARED = (_constant, _by_fan_in, _step_decay, _exponential, _hyperbolic)


def constant(rate: float) -> Schedule:
    """The same rate at every update."""
    return _constant.of(rate)


def by_fan_in(rate: Rate) -> Schedule:
    """ε/√fan_in for matrices, where fan_in is their number of columns; ε for vectors and scalars.

    Source:
        Collobert, Large Scale Machine Learning, 2004.

    >>> by_fan_in(0.1)(0, fan_in=4)
    0.05
    """
    return _by_fan_in.of(rate)


def step_decay(rate: Rate, factor: float = 0.5, every: int = 100) -> Schedule:
    """The rate multiplied by `factor` after every so many updates.

    >>> [step_decay(0.8, every=10)(t) for t in (0, 9, 10, 20)]
    [0.8, 0.8, 0.4, 0.2]
    """
    return _step_decay.of(rate, factor=factor, every=every)


def exponential_decay(rate: Rate, k: float) -> Schedule:
    """ε₀·exp(-k·t) after t updates."""
    return _exponential.of(rate, k=k)


def hyperbolic_decay(rate: Rate, tau: float) -> Schedule:
    """ε₀·τ/max(t, τ): constant for τ updates, then falling as 1/t.

    >>> [hyperbolic_decay(0.8, tau=10)(t) for t in (0, 10, 20)]
    [0.8, 0.8, 0.4]
    """
    return _hyperbolic.of(rate, tau=tau)
