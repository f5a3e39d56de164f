"""The stable form of a circuit: rewritten, proved equal, measured, and never worse."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import sympy as sp

from circuitgrad.circuits import Circuit
from circuitgrad.errors import CircuitError, ProofError
from circuitgrad.rewriting import rewritten
from circuitgrad.simplification import Rule
from circuitgrad.stability.measures import (
    Accuracy,
    Measurement,
    checked_ranges,
    circuit_of,
    told_ulp,
)
from circuitgrad.stability.obligations import equal_everywhere, proof_of
from circuitgrad.stability.sigmoid_forms import sigmoid_forms
from circuitgrad.wire import Wire

BUDGET = 5.0
_MEASURED_GATES = 300
_MEASURED_OUTPUTS = 12
_WRITTEN_GATES = 60
_DECIDED_PARTS, _CONFRONTED_POINTS = 40, 40
_ROUNDS = 3
SIGMOIDS = "exp(u) = sigmoid(u)/sigmoid(-u)"


@dataclass(frozen=True)
class Step:
    """A rule that was used.

    Attributes:
        rule: The equality, as text.
        method: How it is proved.
        count: How often it was used.
    """

    rule: str
    method: str
    count: int = 1

    def __str__(self) -> str:
        times = f", {self.count} times" if self.count > 1 else ""
        return f"{self.rule} (proved, {self.method}{times})"


@dataclass(frozen=True)
class StableForm:
    """A circuit and its stable form.

    Attributes:
        original: The circuit as it was.
        circuit: The stable form; the circuit as it was where none is better.
        steps: The rules used.
        before: The accuracy of each output by name as it was; empty for circuits too large to be
            measured, whose rules have been measured one by one.
        after: The accuracy of each output of the stable form.
    """

    original: Circuit
    circuit: Circuit
    steps: tuple[Step, ...]
    before: Mapping[str, Accuracy]
    after: Mapping[str, Accuracy]

    @property
    def is_changed(self) -> bool:
        """Whether the stable form is another circuit."""
        return self.circuit is not self.original

    def __str__(self) -> str:
        lines = [_text(self.circuit) if self.is_changed else f"as it was: {_text(self.original)}"]
        lines += [f"  {step}" for step in self.steps]
        for name, before in self.before.items():
            after = self.after[name]
            where = ", ".join(f"{n} = {value:.6g}" for n, value in before.at.items())
            found = f"  worst error of {name}: {told_ulp(before.worst_ulp)} at {where}"
            better = f" before, {told_ulp(after.worst_ulp)} after" if self.is_changed else ""
            lines.append(found + better + ".")
        return "\n".join(lines)


def stable(formula: Any, /, **ranges: Any) -> StableForm:
    """A formula in its numerically stable form, where one is known.

    What is rewritten is proved equal: every rule once and for all, small formulas also as a whole.
    Formulas that are small enough are measured, and the form with the least error is taken, the
    original where no other is better.

    Args:
        formula: A circuit (derivatives are circuits too), a text, SymPy or a NumPy function.
        **ranges: The range of every input by name; (-1000, 1000) by default.

    Raises:
        SpecError: A formula that cannot be read, or a range that is none.

    >>> found = stable("log(1 + exp(x))")
    >>> print(found)
    f(x) = softplus(x)
      log(1 + exp(x)) = softplus(x) (proved, structural)
      worst error of f: infinite at x = 710 before, 1.2 ULP after.
    """
    original = circuit_of(formula)
    chosen: dict[str, tuple[Wire, tuple[Step, ...]]] = {}
    before: dict[str, Accuracy] = {}
    after: dict[str, Accuracy] = {}
    checked = checked_ranges(original, ranges)
    for name, wire in _parts(original):
        single = Circuit(original.inputs, [wire], [name])
        found = _measured(single, len(original.outputs), checked)
        if found is not None:
            measurement, before[name] = found
            chosen[name], after[name] = _best(measurement, single, before[name])
    rest = [w for n, w in _parts(original) if n not in chosen]
    outputs, steps = _by_rules(rest)
    rewritten_rest = iter(outputs)
    new = [chosen[n][0] if n in chosen else next(rewritten_rest) for n, _ in _parts(original)]
    used = _merged([*steps, *(step for _, taken in chosen.values() for step in taken)])
    same = all(a is b for a, b in zip(new, original.outputs, strict=True))
    remade = original if same else _remade(original, new)
    return StableForm(original, remade, () if same else used, before, after)


def _remade(original: Circuit, outputs: list[Wire]) -> Circuit:
    return Circuit(
        original.inputs, outputs, original.output_names, original.is_grid, original.leading,
        original.origins,
    )  # fmt: skip


def _parts(target: Circuit) -> list[tuple[str, Wire]]:
    return list(zip(target.output_names, target.outputs, strict=True))


def _text(target: Circuit) -> str:
    """The outputs in the names of gates; only their last gates where that would be long."""
    if len(target.wires) <= _WRITTEN_GATES:
        told: dict[int, str] = {}
        for wire in target.wires:
            told[wire.serial] = _term(wire, told)
    else:
        told = {w.serial: f"{w.gate.name}(…)" for w in target.outputs}
    names = ", ".join(target.input_names)
    lines = [f"{name}({names}) = {_open(told[wire.serial])}" for name, wire in _parts(target)]
    return "\n".join(lines[:_MEASURED_OUTPUTS])


_SIGNS = {"add": " + ", "sub": " - ", "mul": "*", "div": "/"}


def _term(wire: Wire, told: Mapping[int, str]) -> str:
    parts = [told[source.serial] for source in wire.inputs]
    name = wire.gate.name
    if not parts:
        is_number = wire.known is not None and not wire.shape
        return wire.label or (f"{float(wire.known):g}" if is_number else name)  # type: ignore[arg-type]
    if name in _SIGNS:
        return f"({parts[0]}{_SIGNS[name]}{parts[1]})"
    if name == "neg":
        return f"(-{parts[0]})"
    return f"{name}({', '.join(_open(part) for part in parts)})"


def _open(text: str) -> str:
    """A text without the brackets around all of it."""
    if not text.startswith("("):
        return text
    depth = 0
    for place, sign in enumerate(text):
        depth += (sign == "(") - (sign == ")")
        if depth == 0:
            return text[1:-1] if place == len(text) - 1 else text
    return text


def _measured(
    single: Circuit, outputs: int, ranges: Mapping[str, Any]
) -> tuple[Measurement, Accuracy] | None:
    """A circuit's exact formulas and its accuracy; None where it is too large to be written out.

    Nothing is measured either where a gate has no formula, or no point of the ranges a real value.
    """
    if len(single.wires) > _MEASURED_GATES or outputs > _MEASURED_OUTPUTS:
        return None
    try:
        measurement = Measurement(single, ranges)
        return measurement, measurement.of(single)
    except CircuitError:
        return None


def _best(
    measured: Measurement, single: Circuit, before: Accuracy
) -> tuple[tuple[Wire, tuple[Step, ...]], Accuracy]:
    """The candidate with the least error, sought again from the one found."""
    best: tuple[Wire, tuple[Step, ...]] = (single.outputs[0], ())
    after = before
    for _ in range(_ROUNDS):
        start = best
        for wire, steps in _candidates(measured, *start):
            found = measured.of(Circuit(single.inputs, [wire], single.output_names))
            if _is_better(found, after):
                best, after = (wire, steps), found
        if best is start:
            break
    return best, after


def _candidates(
    measured: Measurement, wire: Wire, before: tuple[Step, ...]
) -> Iterator[tuple[Wire, tuple[Step, ...]]]:
    (by_rules,), steps = _by_rules([wire])
    if by_rules is not wire:
        _confronted(measured, by_rules)
        yield by_rules, _merged([*before, *steps])
    if before and any(step.rule == SIGMOIDS for step in before):
        return
    entries = measured.formulas[0][2]
    if len(entries) > 1 or any(source.shape for source in measured.target.inputs):
        return
    variables = dict(zip(measured.symbols, measured.target.inputs, strict=True))
    for form in sigmoid_forms(entries[0], variables):
        candidate = Circuit(measured.target.inputs, [form], ["f"])
        if equal_everywhere(entries, Measurement(candidate, {}).formulas[0][2], BUDGET):
            yield form, (Step(SIGMOIDS, "normal form"),)


def _confronted(measured: Measurement, wire: Wire) -> None:
    """Raise ProofError where a rewritten circuit differs for certain from the original.

    Every rule is proved and so is what they make; this guards against errors in their application.
    Small formulas are decided as a whole, larger ones enclosed in balls at some points.
    """
    candidate = Measurement(Circuit(measured.target.inputs, [wire], ["f"]), {}, measured.size)
    entries, rewritten_entries = measured.formulas[0][2], candidate.formulas[0][2]
    if len(entries) == 1 and sp.count_ops(entries[0]) <= _DECIDED_PARTS:
        equal_everywhere(entries, rewritten_entries, BUDGET)
        return
    for point in measured.known_points(_CONFRONTED_POINTS):
        for first, second in zip(measured.exact(point), candidate.exact(point), strict=True):
            if first is not None and second is not None and not first.overlaps(second):
                raise ProofError(f"stable form: it differs from the original at {point}.")


def _is_better(found: Accuracy, than: Accuracy) -> bool:
    new = (found.not_finite, found.bad, found.worst_ulp)
    old = (than.not_finite, than.bad, than.worst_ulp)
    return all(a <= b for a, b in zip(new, old, strict=True)) and _gains(found, than)


def _gains(found: Accuracy, than: Accuracy) -> bool:
    if math.isinf(than.worst_ulp) or found.bad < than.bad:
        return found.not_finite < than.not_finite or found.bad < than.bad
    return found.worst_ulp < 0.75 * than.worst_ulp


def _by_rules(wires: list[Wire]) -> tuple[tuple[Wire, ...], list[Step]]:
    if not wires:
        return (), []
    found = rewritten(wires)
    return found.outputs, [_step(rule, count) for rule, count in found.steps.items()]


def _step(rule: Rule, count: int) -> Step:
    return Step(str(rule), proof_of(rule), count)


def _merged(steps: list[Step]) -> tuple[Step, ...]:
    """The steps with each rule once."""
    counts: dict[tuple[str, str], int] = {}
    for step in steps:
        key = (step.rule, step.method)
        counts[key] = counts.get(key, 0) + step.count
    return tuple(Step(rule, method, count) for (rule, method), count in counts.items())
