"""Optimisers: a pair of initial state and update, made from the formula of one array."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, TypeAlias

import numpy as np

from circuitgrad.containers import arrays_of, float_arrays, mapped, rebuilt, same_places
from circuitgrad.errors import DomainError, SpecError
from circuitgrad.grammar import nearest
from circuitgrad.optim.formulas import Formula
from circuitgrad.optim.schedules import Rate, Schedule, as_schedule, positive
from circuitgrad.wire import Array

State: TypeAlias = dict[str, Any]

# Settings that are shares of an average, as against those that are any number above zero.
_SHARES = frozenset({"alpha", "beta", "beta1", "beta2", "rho", "mu"})


@dataclass(frozen=True)
class Optimizer:
    """A way to improve parameters: plain functions, and state of plain arrays.

    Attributes:
        initial: Parameters to the state before the first update.
        update: (gradients, state, parameters) to (new parameters, new state); nothing is
            overwritten.
        point: (parameters, state) to where the gradient of the next update is taken: the
            parameters themselves, but for look-ahead forms.
        rate: The learning rate.
        description: The formula and all settings, as text.
    """

    initial: Callable[[Any], State] = field(repr=False)
    update: Callable[[Any, State, Any], tuple[Any, State]] = field(repr=False)
    point: Callable[[Any, State], Any] = field(repr=False)
    rate: Schedule = field(repr=False)
    description: str

    def rate_of(self, state: State, array: Array) -> float:
        """The learning rate of an array at its next update."""
        return self.rate(int(state["t"]), fan_in_of(np.shape(array)))


def fan_in_of(shape: tuple[int, ...]) -> int:
    """The number of columns of a matrix (of what has more axes, the last); 1 for a vector."""
    return max(shape[-1], 1) if len(shape) > 1 else 1


class Rule:
    """An optimiser as declared: its formula in every form, its settings and where it comes from.

    Calling it with a learning rate and settings makes an `Optimizer`.

    Attributes:
        name: What it is called.
        forms: The formula of each form, the usual one first.
        defaults: The value of each setting.
        source: Where it was published.
    """

    def __init__(
        self,
        name: str,
        forms: str | Mapping[str, str | Formula],
        rate: float,
        source: str,
        **defaults: float,
    ) -> None:
        self.name = name
        given = {"plain": forms} if isinstance(forms, str) else forms
        self.forms = {k: Formula(f) if isinstance(f, str) else f for k, f in given.items()}
        self.defaults = defaults
        self.rate = rate
        self.source = source
        self.__doc__ = f"{name}: {next(iter(self.forms.values()))}. Forms: {', '.join(self.forms)}."
        for form, formula in self.forms.items():
            unknown = set(formula.settings) - set(defaults)
            if unknown:
                raise SpecError(f"optimiser {name}, form {form}: no default for {min(unknown)}.")

    @property
    def __signature__(self) -> inspect.Signature:
        kinds = inspect.Parameter
        rate = kinds("rate", kinds.POSITIONAL_OR_KEYWORD, default=self.rate)
        form = kinds("form", kinds.KEYWORD_ONLY, default=next(iter(self.forms)))
        rest = [kinds(n, kinds.KEYWORD_ONLY, default=x) for n, x in self.defaults.items()]
        return inspect.Signature([rate, form, *rest])

    def __call__(
        self, rate: Rate | None = None, *, form: str | None = None, **settings: float
    ) -> Optimizer:
        """The optimiser with these settings.

        Args:
            rate: The learning rate: a number or a schedule.
            form: One of the forms; the first by default.
            **settings: By the names in the formula.

        Raises:
            SpecError: A form or a setting that it does not have.
            DomainError: A rate below 0, or a setting out of its range.
        """
        chosen = next(iter(self.forms)) if form is None else form
        if chosen not in self.forms:
            raise SpecError(
                f"{self.name}: no form is named {chosen!r}.{nearest(str(chosen), self.forms)}"
            )
        formula = self.forms[chosen]
        for name in settings:
            if name not in formula.settings:
                raise SpecError(
                    f"{self.name}, form {chosen}: no setting is named '{name}'."
                    f"{nearest(name, formula.settings)}"
                )
        values = {n: _setting(self.name, n, {**self.defaults, **settings}[n]) for n in
                  formula.settings}  # fmt: skip
        schedule = as_schedule(self.rate if rate is None else rate, self.name)
        engine = _Engine(self.name, formula, schedule, values)
        return Optimizer(engine.initial, engine.update, engine.point, schedule, engine.described())

    def __repr__(self) -> str:
        return f"<optimiser {self.name}: {', '.join(self.forms)}>"


def _setting(name: str, setting: str, value: Any) -> float:
    number = positive(value, f"{name}: {setting}", zero=True)
    if setting in _SHARES and number >= 1:
        raise DomainError(f"{name}: {setting} is {value!r}; needed at least 0 and below 1.")
    return number


@dataclass(frozen=True)
class _Engine:
    """A formula with its settings, applied to every array of a container."""

    name: str
    formula: Formula
    rate: Schedule
    settings: Mapping[str, float]

    def initial(self, parameters: Any) -> State:
        arrays = float_arrays(parameters, f"{self.name}: parameters")
        zeros = {variable: mapped(np.zeros_like, arrays) for variable in self.formula.state}
        return {"t": np.array(0), **zeros}

    def point(self, parameters: Any, state: State) -> Any:
        if self.formula.point == "theta":
            return parameters
        rows = self._rows(parameters, state)
        found = [self.formula.apply_point(x, own, scalars) for x, own, scalars in rows]
        return rebuilt(parameters, iter(found))

    def update(self, gradients: Any, state: State, parameters: Any) -> tuple[Any, State]:
        rows = self._rows(parameters, state)
        same_places(gradients, parameters, f"{self.name}: gradients", "the parameters")
        found = [
            self.formula.apply(x, np.asarray(g, x.dtype), own, scalars)
            for (x, own, scalars), g in zip(rows, arrays_of(gradients), strict=True)
        ]
        new: State = {"t": np.array(int(state["t"]) + 1)}
        for k, variable in enumerate(self.formula.state, start=1):
            new[variable] = rebuilt(parameters, iter([row[k] for row in found]))
        return rebuilt(parameters, iter([row[0] for row in found])), new

    def _rows(
        self, parameters: Any, state: State
    ) -> list[tuple[Array, list[Array], dict[str, float]]]:
        """Each parameter with its state and the numbers in its formula."""
        arrays = float_arrays(parameters, f"{self.name}: parameters")
        _check_state(self.name, self.formula, state, arrays)
        columns = [arrays_of(state[variable]) for variable in self.formula.state]
        t = int(state["t"])
        numbers: dict[int, dict[str, float]] = {}
        rows = []
        for k, x in enumerate(arrays_of(arrays)):
            fan_in = fan_in_of(x.shape)
            if fan_in not in numbers:
                rate = self.rate(t, fan_in)
                numbers[fan_in] = {"t": float(t + 1), "rate": rate, **self.settings}
            rows.append((x, [column[k] for column in columns], numbers[fan_in]))
        return rows

    def described(self) -> str:
        """The formula and all settings, as text."""
        told = ", ".join([f"rate={self.rate}", *(f"{k}={v!r}" for k, v in self.settings.items())])
        at = "" if self.formula.point == "theta" else f" [g at {self.formula.point}]"
        return f"{self.name}: {self.formula.text}{at} | {told}"


def _check_state(name: str, formula: Formula, state: Any, parameters: Any) -> None:
    needed = ("t", *formula.state)
    if not isinstance(state, dict) or any(variable not in state for variable in needed):
        raise SpecError(
            f"{name}: the state needs {', '.join(needed)}. "
            "Begin with optimizer.initial(parameters)."
        )
    for variable in formula.state:
        same_places(state[variable], parameters, f"{name}: state {variable}", "the parameters")
