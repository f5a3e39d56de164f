"""The worst error of a circuit over a range, in units of the last place, and where it is."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, TypeAlias

import numpy as np
import sympy as sp

from circuitgrad.circuits import Circuit, circuit
from circuitgrad.claims.readings import declared_inputs, parse_shapes
from circuitgrad.claims.sides import read_side
from circuitgrad.errors import DomainError, ShapeError, SpecError
from circuitgrad.formulas.symbolic import entry_symbols, expressions
from circuitgrad.grammar import nearest
from circuitgrad.spec import resolve_shape
from circuitgrad.stability.exact_values import exact_value, nearest_double, plain_choices, ulp_error
from circuitgrad.stability.places import Range, nearby, points

Ranges: TypeAlias = Mapping[str, Any]

BAD = 1000.0
WHOLE: Range = (-1000.0, 1000.0)
DEFAULT_SIZE = 3
_ROUNDS = 4


@dataclass(frozen=True)
class Accuracy:
    """How far the numbers of a circuit are from the exact ones.

    Attributes:
        worst_ulp: The largest error found, in units of the last place of the exact value.
        at: The inputs where it is, by name; entries of arrays as x_0, x_1, ….
        value: What is computed there.
        exact: The double next to the exact value.
        bad: At how many points the error exceeds 1000 ULP.
        points: At how many points the exact value is known.
        not_finite: At how many points infinity or NaN is computed though the value is finite.
        ranges: The range of every input.
        output: The output where the worst error is.
    """

    worst_ulp: float
    at: Mapping[str, float]
    value: float
    exact: float
    bad: int
    points: int
    not_finite: int
    ranges: Mapping[str, Range]
    output: str = "f"

    @property
    def is_stable(self) -> bool:
        """Whether no error exceeds 1000 ULP."""
        return not self.bad

    def __str__(self) -> str:
        where = ", ".join(f"{name} = {value!r}" for name, value in self.at.items())
        spans = ", ".join(f"{n} in [{low:g}, {high:g}]" for n, (low, high) in self.ranges.items())
        lines = [
            f"worst error {told_ulp(self.worst_ulp)} over {spans}, at {where}:",
            f"  {self.output} is computed as {self.value!r}; the exact value is {self.exact!r}.",
            f"  {self.bad} of {self.points} points are off by more than {BAD:g} ULP"
            + (f", {self.not_finite} of them inf or NaN." if self.not_finite else "."),
        ]
        return "\n".join(lines)


def told_ulp(error: float) -> str:
    """An error in words: "1.2 ULP", "infinite".

    >>> told_ulp(1.234), told_ulp(3e16), told_ulp(math.inf)
    ('1.2 ULP', '3e+16 ULP', 'infinite')
    """
    if math.isinf(error):
        return "infinite"
    return f"{error:.1f} ULP" if error < 1e6 else f"{error:.0e} ULP"


class Measurement:
    """A circuit with the exact formula of every output entry, ready to be measured.

    Raises:
        SpecError: A circuit too large to be written out, or a gate without a formula.
    """

    def __init__(self, target: Circuit, ranges: Ranges, size: int = DEFAULT_SIZE) -> None:
        self.target = target
        self.size = size
        axes = {axis: None for wire in target.inputs for axis in wire.shape}
        self.sizes = {axis: size for axis in axes if isinstance(axis, str)}
        self.ranges = checked_ranges(target, ranges)
        known = [entry_symbols(wire, self.sizes) for wire in target.inputs]
        self.symbols: list[sp.Symbol] = [s for each in known for s in each.reshape(-1)]
        owners = [w for w, each in zip(target.inputs, known, strict=True) for _ in range(each.size)]
        if not self.symbols:
            raise SpecError("accuracy: the circuit has no input; there is no range to measure on.")
        self.spans = [self.ranges[wire.label] for wire in owners]
        self.dtypes = [wire.dtype for wire in owners]
        found = expressions(target.outputs, sizes=self.sizes, meaning=True)
        self.formulas = [
            (name, wire.dtype, [plain_choices(entry) for entry in each.reshape(-1)])
            for name, wire, each in zip(target.output_names, target.outputs, found, strict=True)
        ]
        self._exact: dict[tuple[float, ...], list[Any]] = {}

    def known_points(self, count: int) -> list[tuple[float, ...]]:
        """Some of the points whose exact values were worked out, spread over all of them."""
        known = [point for point, values in self._exact.items() if None not in values]
        return known[:: max(1, len(known) // count)]

    def exact(self, point: tuple[float, ...]) -> list[Any]:
        """The exact value of every output entry at a point."""
        if point not in self._exact:
            place = {s: sp.Rational(x) for s, x in zip(self.symbols, point, strict=True)}
            entries = [entry for _, _, each in self.formulas for entry in each]
            self._exact[point] = [exact_value(entry, place) for entry in entries]
        return self._exact[point]

    def computed(self, target: Circuit, point: tuple[float, ...]) -> list[float]:
        """What a circuit of the same inputs computes at a point, entry by entry."""
        values, place = {}, 0
        for wire in self.target.inputs:
            shape = resolve_shape(wire.shape, self.sizes)
            count = math.prod(shape)
            entries = np.array(point[place : place + count], dtype=wire.dtype).reshape(shape)
            values[wire.label] = entries if shape else float(entries)
            place += count
        with np.errstate(all="ignore"):
            found = target(**values)
        outputs = list(found.values()) if isinstance(found, dict) else [found]
        return [float(x) for output in outputs for x in np.asarray(output).reshape(-1)]

    def of(self, target: Circuit, seed: int = 0) -> Accuracy:
        """The accuracy of a circuit that means the same."""
        start = points(self.spans, self.dtypes, seed)
        found = self._errors(target, start)
        if not found:
            raise DomainError(
                "accuracy: no point of the range has a real value that can be enclosed. Give "
                "another range, as x=(0, 10); floor and the like are not measured."
            )
        seen = set(start)
        for turn in range(_ROUNDS):
            # What is infinitely wrong needs no search; then the worst of the rest is refined.
            worst = max(found, key=lambda error: error[0])
            around = [
                p for p in nearby(worst[1], self.spans, self.dtypes, seed + turn) if p not in seen
            ]
            seen.update(around)
            found += self._errors(target, dict.fromkeys(around))
        return self._summary(found)

    def _errors(
        self, target: Circuit, start: Iterable[tuple[float, ...]]
    ) -> list[tuple[float, tuple[float, ...], str, float, Any]]:
        """The worst entry at every point that has an exact value."""
        names = [(name, dtype) for name, dtype, each in self.formulas for _ in each]
        found = []
        for point in start:
            exact = self.exact(point)
            if all(ball is None for ball in exact):
                continue
            entries = zip(names, self.computed(target, point), exact, strict=True)
            found.append(
                max(
                    (
                        (ulp_error(value, ball, dtype), point, name, value, ball)
                        for (name, dtype), value, ball in entries
                        if ball is not None
                    ),
                    key=lambda error: error[0],
                )
            )
        return found

    def _summary(self, found: Sequence[tuple[float, Any, str, float, Any]]) -> Accuracy:
        error, point, name, value, ball = max(found, key=_rank)
        not_finite = sum(1 for each in found if math.isinf(each[0]))
        return Accuracy(
            error,
            {str(s): x for s, x in zip(self.symbols, point, strict=True)},
            value,
            nearest_double(ball),
            sum(1 for each in found if each[0] > BAD),
            len(found),
            not_finite,
            self.ranges,
            name,
        )


def _rank(error: tuple[float, Any, str, float, Any]) -> tuple[float, int]:
    """Larger errors first, among equal ones those at points that are short to write."""
    return error[0], -len(repr(error[1]))


def checked_ranges(target: Circuit, ranges: Ranges) -> dict[str, Range]:
    """The range of every input, or SpecError for what is no range or no input."""
    for name in ranges:
        if name not in target.input_names:
            hint = nearest(str(name), target.input_names)
            raise SpecError(f"accuracy: no input is named '{name}'.{hint}")
    return {name: _range(name, ranges.get(name, WHOLE)) for name in target.input_names}


def _range(name: str, given: Any) -> Range:
    wanted = f"needed two numbers in order, as {name}=(-800, 800)"
    try:
        low, high = (float(x) for x in given)
    except (TypeError, ValueError):
        raise SpecError(f"accuracy: the range of '{name}' is {given!r}; {wanted}.") from None
    if not (math.isfinite(low) and math.isfinite(high) and low <= high):
        raise SpecError(f"accuracy: the range of '{name}' is {given!r}; {wanted}.")
    return low, high


def circuit_of(given: Any, shapes: Mapping[str, Any] | None = None) -> Circuit:
    """A circuit as it is; a text, SymPy expression or function of scalars as a circuit.

    Raises:
        SpecError: Something that cannot be read, or a function that no gate computes.
    """
    if isinstance(given, Circuit):
        return given
    inputs, _ = declared_inputs((given,), parse_shapes(shapes or {}, "formula"), (), "formula")
    side = read_side(given, inputs, "formula")
    if side.wire is None:
        raise SpecError(f"formula {side.text!r}: some function of it has no gate.")
    return circuit(f=side.wire, inputs=inputs.values())


def accuracy(
    formula: Any, /, *, size: int = DEFAULT_SIZE, seed: int = 0, **ranges: Any
) -> Accuracy:
    """The worst error of a formula over a range, against rigorous balls of high precision.

    Args:
        formula: A circuit, a text, a SymPy expression or a NumPy function.
        size: The length given to every named axis.
        seed: Of the choice of points, where there are several inputs.
        **ranges: The range of every input by name; (-1000, 1000) by default.

    Raises:
        SpecError: A range that is none, or a formula that cannot be read.
        DomainError: No real value anywhere in the range.

    >>> found = accuracy("exp(x) - 1", x=(-1, 1))
    >>> found.worst_ulp > 1e15, found.not_finite
    (True, 0)
    >>> accuracy("expm1(x)", x=(-1, 1)).worst_ulp < 4
    True
    """
    if size < 1:
        raise ShapeError(f"accuracy: size={size}; needed at least 1.")
    target = circuit_of(formula)
    return Measurement(target, ranges, size).of(target, seed)
