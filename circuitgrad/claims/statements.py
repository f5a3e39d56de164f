"""What a claim asserts: that one side, derived by the library, equals the other."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import sympy as sp

from circuitgrad.circuits import Circuit
from circuitgrad.claims.assumptions import Assumptions
from circuitgrad.claims.sides import Side
from circuitgrad.errors import CircuitError
from circuitgrad.formulas.symbolic import real_symbol
from circuitgrad.formulas.text import expression_text
from circuitgrad.wire import Wire, topological

MAX_SHOWN = 400


@dataclass(frozen=True)
class Statement:
    """An equation between what is right and what is claimed.

    Attributes:
        kind: "equality", "gradient", "jacobian", "hessian" or "vjp" (a backward pass).
        inputs: The inputs by name.
        correct: The right side: derived, or the first of two sides that are compared.
        claimed: The side that is claimed.
        assumptions: What is assumed.
        function: What is differentiated; None for an equality.
        wrt: The input that it is differentiated by; empty for an equality.
        layout: "numerator", "denominator", or empty for the order of the axes as computed.
        notes: What a reader should know of how the claim was read.
        record: The arguments that make it again, as plain data; None where code was claimed.
    """

    kind: str
    inputs: Mapping[str, Wire]
    correct: Side
    claimed: Side
    assumptions: Assumptions
    function: Side | None = None
    wrt: str = ""
    layout: str = ""
    notes: tuple[str, ...] = ()
    record: Mapping[str, Any] | None = None

    @property
    def axes(self) -> tuple[str, ...]:
        """The named axes, in order of appearance."""
        found = dict.fromkeys(a for w in self.inputs.values() for a in w.shape)
        return (*(axis for axis in found if isinstance(axis, str)), *self.own_axes)

    @property
    def own_axes(self) -> tuple[str, ...]:
        """The named axes that no input has, as of a mere identity matrix."""
        carried = {axis for wire in self.inputs.values() for axis in wire.shape}
        sides = [side.wire for side in (self.correct, self.claimed) if side.wire is not None]
        found = dict.fromkeys(a for wire in topological(sides) for a in wire.shape)
        return tuple(a for a in found if isinstance(a, str) and a not in carried)

    @property
    def is_scalar(self) -> bool:
        """Whether every input and both sides are scalars."""
        shapes = [wire.shape for wire in self.inputs.values()]
        return not any((*shapes, self.correct.shape, self.claimed.shape))

    @property
    def domain(self) -> tuple[sp.Basic, ...]:
        """The inequalities that hold: those assumed, and of inputs that are positive."""
        positive = [
            real_symbol(name) > 0
            for name, facts in self.assumptions.facts.items()
            if "positive" in facts and name in self.inputs and not self.inputs[name].shape
        ]
        return (*self.assumptions.conditions, *positive)

    def __str__(self) -> str:
        if self.function is None:
            return f"{self.correct.text} = {self.claimed.text}"
        if self.kind == "vjp":
            return f"{self._left()} = {self.claimed.text}"
        head = {"gradient": "∇", "jacobian": "Jacobian of ", "hessian": "Hessian of "}[self.kind]
        by = f"{head}({self.function.text}) by {self.wrt}"
        return f"{by} = {self.claimed.text}"

    def right_formula(self) -> str:
        """The right side for a person, `∂f/∂x = (A + Aᵀ)x`; empty where it has no short form."""
        try:
            return self._printed()
        except (CircuitError, RecursionError):
            return ""

    def _printed(self) -> str:
        if self.is_scalar:
            entry = self.correct.readable()
            return f"{self._left()} = {expression_text(entry)}"
        if self.correct.wire is None:
            return ""
        body = formula_body(self, self.correct.wire)
        if len(body) > MAX_SHOWN:
            return ""
        note = f"   ({self.layout} layout)" if self.layout else ""
        return f"{self._left()} = {body}{note}"

    def _left(self) -> str:
        if self.function is None:
            return self.correct.text
        if self.kind == "vjp":
            return f"downstream gradient of {self.function.text} by {self.wrt}"
        body = self.function.text
        if self.function.wire is not None and self.function.wire.inputs and not self.is_scalar:
            form = Circuit(tuple(self.inputs.values()), [self.function.wire], ["f"])
            body = _short_form(form, body) or body
        squared = "²" if self.kind == "hessian" else ""
        return f"∂{squared}({body})/∂{self.wrt}{squared}"


def formula_body(statement: Statement, wire: Wire) -> str:
    """A wire of a statement's inputs in matrix notation, else in index notation.

    Raises:
        SpecError: A gate that has no form.
    """
    text = Circuit(tuple(statement.inputs.values()), [wire], ["g"]).matrix()
    left, _, body = text.partition(" = ")
    return f"{body}, entry {left.removeprefix('g')}" if "index form" in text else body


def _short_form(form: Circuit, text: str) -> str:
    """The matrix form of a function, unless what the user wrote is shorter."""
    try:
        printed = form.matrix()
    except CircuitError:
        return ""
    body = printed.partition(" = ")[2]
    limit = 60 if text.isidentifier() else len(text)
    return body if len(body) <= limit and "   (" not in body else ""
