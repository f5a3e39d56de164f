"""Update formulas: statements in text, read into circuits that run on arrays."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property, lru_cache
from typing import Any

import numpy as np

from circuitgrad import grammar
from circuitgrad.circuits import Circuit, circuit
from circuitgrad.errors import SpecError
from circuitgrad.numpy_protocol import formula_functions
from circuitgrad.plans.evaluation import plan_of
from circuitgrad.sources import as_wire, input_wire
from circuitgrad.spec import FLOAT64
from circuitgrad.wire import Array, Wire

# What a formula may mention beside its own variables: the parameter, its gradient, the number of
# the update (the first is 1), and the learning rate of this update.
GIVEN = ("theta", "g", "t", "rate")

_SIGNS = {
    "theta": "θ", "alpha": "α", "beta": "β", "beta1": "β₁", "beta2": "β₂", "rho": "ρ", "mu": "μ",
    "nu": "ν", "tau": "τ", "rate": "ε", "rate0": "ε₀", "sqrt": "√", "maximum": "max",
}  # fmt: skip
_OPERATORS = (("**2", "²"), ("**t", "ᵗ"), ("**", "^"), ("*", "·"), ("-", "−"), (" = ", " ← "))


@dataclass(frozen=True)
class Formula:
    """One form of an update: statements, each with the values that those before it left.

    A name that is read before it is assigned, and is assigned, is state; it begins at zero. What
    is never assigned is a setting.

    Attributes:
        text: As "v = alpha*v - rate*g; theta = theta + v".
        point: Where the gradient is taken, in the values before the update.
    """

    text: str
    point: str = "theta"

    @cached_property
    def statements(self) -> tuple[tuple[str, str], ...]:
        """Each name assigned, with the expression."""
        pairs = []
        for statement in self.text.split(";"):
            name, equals, expression = statement.partition("=")
            if not equals or not name.strip().isidentifier():
                raise SpecError(
                    f"update formula: got {statement!r}; needed a statement such as "
                    "'theta = theta - rate*g'."
                )
            grammar.parse(expression)
            pairs.append((name.strip(), expression.strip()))
        if pairs[-1][0] != "theta" and all(name != "theta" for name, _ in pairs):
            raise SpecError(f"update formula {self.text!r}: it never assigns theta.")
        return tuple(pairs)

    @cached_property
    def _free(self) -> tuple[str, ...]:
        """The names that are read before they are assigned, in order."""
        found: dict[str, None] = dict.fromkeys(grammar.names(self.point))
        assigned: set[str] = set()
        for name, expression in self.statements:
            found |= dict.fromkeys(n for n in grammar.names(expression) if n not in assigned)
            assigned.add(name)
        return tuple(found)

    @cached_property
    def state(self) -> tuple[str, ...]:
        """The names of the state, in order of appearance."""
        assigned = {name for name, _ in self.statements} - {"theta"}
        return tuple(name for name in self._free if name in assigned)

    @cached_property
    def settings(self) -> tuple[str, ...]:
        """The names of the settings."""
        return tuple(n for n in self._free if n not in self.state and n not in GIVEN)

    def circuit(self, shape: tuple[int, ...] = (), dtype: Any = FLOAT64) -> Circuit:
        """The update as a circuit: theta, g, state, t, rate, settings to new theta and state."""
        return _update_circuit(self, shape, np.dtype(dtype))

    def __str__(self) -> str:
        return self.pretty(self.text)

    @staticmethod
    def pretty(text: str) -> str:
        """A formula with mathematical signs."""
        text = re.sub(r"\w+", lambda found: _SIGNS.get(found[0], found[0]), text)
        for plain, sign in _OPERATORS:
            text = text.replace(plain, sign)
        return text

    def apply(
        self,
        theta: Array,
        gradient: Array,
        state: Sequence[Array],
        scalars: Mapping[str, float],
    ) -> list[Array]:
        """The new parameter and the new state of one array; nothing is overwritten."""
        plan = plan_of(self.circuit(theta.shape, theta.dtype), {})
        numbers = [scalars[name] for name in ("t", "rate", *self.settings)]
        found = plan([theta, gradient, *state, *numbers])
        return [_stored(value, theta) for value in found]

    def apply_point(
        self, theta: Array, state: Sequence[Array], scalars: Mapping[str, float]
    ) -> Array:
        """Where the gradient is taken for this update."""
        if self.point == "theta":
            return theta
        plan = plan_of(_point_circuit(self, theta.shape, theta.dtype), {})
        numbers = [scalars[name] for name in ("t", "rate", *self.settings)]
        return _stored(plan([theta, *state, *numbers])[0], theta)


def _stored(value: Any, like: Array) -> Array:
    return np.asarray(value, like.dtype).reshape(like.shape)


def _sources(
    formula: Formula, arrays: Sequence[str], shape: tuple[int, ...], dtype: Any
) -> dict[str, Wire]:
    """Inputs: arrays of a parameter's shape, and numbers. Those are float64 in any case."""
    found = {name: input_wire(name, shape, dtype) for name in arrays}
    return found | {name: input_wire(name) for name in ("t", "rate", *formula.settings)}


@lru_cache(maxsize=1024)
def _update_circuit(formula: Formula, shape: tuple[int, ...], dtype: np.dtype[Any]) -> Circuit:
    inputs = _sources(formula, ("theta", "g", *formula.state), shape, dtype)
    known = dict(inputs)
    functions = formula_functions()
    for name, expression in formula.statements:
        known[name] = as_wire(grammar.evaluate(expression, known, functions))
    outputs = {f"new_{name}": known[name] for name in ("theta", *formula.state)}
    return circuit(inputs=inputs.values(), **outputs)


@lru_cache(maxsize=1024)
def _point_circuit(formula: Formula, shape: tuple[int, ...], dtype: np.dtype[Any]) -> Circuit:
    inputs = _sources(formula, ("theta", *formula.state), shape, dtype)
    point = grammar.evaluate(formula.point, inputs, formula_functions())
    return circuit(inputs=inputs.values(), point=point)


def scalar_circuit(text: str) -> Circuit:
    """The circuit of one expression in numbers, its inputs in order of appearance."""
    inputs = {name: input_wire(name) for name in grammar.names(text)}
    value = grammar.evaluate(text, inputs, formula_functions())
    return circuit(inputs=inputs.values(), value=as_wire(value))
