"""A numeric check of a derivative worth having: every entry, with an error estimate of its own.

For code that cannot be read as a formula. Two oracles, both independent of the library's gates:
the complex step where the code is analytic, and central differences of order eight, extrapolated
until they stop improving.
"""

from __future__ import annotations

import warnings
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from scipy.differentiate import derivative as differences

from circuitgrad.errors import ShapeError, SpecError
from circuitgrad.wire import Array

_COMPLEX_STEP = 1e-30
_STEPS = 12
_SAFETY = 20.0
_ROUNDING = 1e-9  # what rounding may do to differences, and to a claim that cancels
_NOISE = 4.0
_VAGUE = 1e-5


@dataclass(frozen=True)
class EntryCheck:
    """One entry of a derivative, claimed and estimated.

    Attributes:
        argument: Which argument it belongs to, by position.
        index: The entry: the output's axes, then the argument's.
        claimed: What the claim gives.
        estimate: What the oracle gives.
        error: A bound on the oracle's own error, by its estimate.
        oracle: "complex step" or "central differences".
    """

    argument: int
    index: tuple[int, ...]
    claimed: float
    estimate: float
    error: float
    oracle: str

    @property
    def gap(self) -> float:
        """How far claim and estimate are apart."""
        return abs(self.claimed - self.estimate)

    @property
    def is_wrong(self) -> bool:
        """Whether the claim is farther away than the oracle's error and rounding explain."""
        rounding = _ROUNDING * abs(self.estimate)
        return bool(np.isfinite(self.estimate)) and not self.gap <= self.error + rounding

    @property
    def is_vague(self) -> bool:
        """Whether the oracle's error is too large to say anything."""
        size = max(abs(self.claimed), abs(self.estimate))
        if size == 0 and np.isfinite(self.error):
            return False  # no rounding makes a plain zero of something else
        return not self.error <= _VAGUE * size + np.finfo(float).tiny and not self.is_wrong

    def __str__(self) -> str:
        place = f"argument {self.argument}" + (f", entry {self.index}" if self.index else "")
        return (
            f"{place}: claimed {self.claimed:.12g}, {self.oracle} {self.estimate:.12g} "
            f"± {self.error:.1g}"
        )


@dataclass(frozen=True)
class NumericCheck:
    """What a numeric check found; evidence, never a proof.

    Attributes:
        entries: Every entry that was compared.
    """

    entries: tuple[EntryCheck, ...]

    @property
    def wrong(self) -> tuple[EntryCheck, ...]:
        """The entries that are wrong, the worst first."""
        found = [entry for entry in self.entries if entry.is_wrong]
        return tuple(sorted(found, key=lambda e: e.gap / (e.error + 1e-300), reverse=True))

    @property
    def vague(self) -> tuple[EntryCheck, ...]:
        """The entries about which the oracle says too little."""
        return tuple(entry for entry in self.entries if entry.is_vague)

    @property
    def passed(self) -> bool:
        """Whether no entry is wrong, and the oracle was sharp at every one."""
        return not self.wrong and not self.vague

    @property
    def digits(self) -> float:
        """To how many digits claim and estimate are known to agree at the worst entry."""
        worst = 16.0
        for entry in self.entries:
            size = max(abs(entry.claimed), abs(entry.estimate))
            if size:
                found = -np.log10(max(entry.gap + entry.error, 1e-17 * size) / size)
                worst = min(worst, found)
        return max(0.0, float(worst))

    def __bool__(self) -> bool:
        return self.passed

    def __str__(self) -> str:
        count = len(self.entries)
        if self.wrong:
            lines = [f"Wrong: {len(self.wrong)} of {count} entries."]
            return "\n".join([*lines, *(f"  {entry}" for entry in self.wrong[:5])])
        if self.vague:
            lines = [f"Undecided: at {len(self.vague)} of {count} entries the oracle is not sharp."]
            return "\n".join([*lines, *(f"  {entry}" for entry in self.vague[:5])])
        return (
            f"Agrees at all {count} entries to {self.digits:.0f} digits at this point: evidence, "
            "no proof."
        )


def check_numerically(
    function: Callable[..., Any], derivative: Callable[..., Any], *point: Any
) -> NumericCheck:
    """The comparison of a hand-written derivative with numeric ones, entry by entry.

    Args:
        function: Any code on floating-point arrays; its value is a number or an array.
        derivative: Takes the same arguments. Gives the derivative by the first argument, or a
            tuple with one for each argument; axes (output, argument). The gradient and the
            Hessian of a scalar function are checked by passing the gradient as `function`.
        *point: The arguments: numbers or arrays.

    Raises:
        SpecError: No argument, or more derivatives than arguments.
        ShapeError: A derivative of the wrong shape.

    Source:
        Squire and Trapp, SIAM Review 40 (1998) 110, for the complex step; Fornberg, Mathematics of
        Computation 51 (1988) 699, for the differences, as SciPy computes them.

    >>> check_numerically(np.tanh, lambda x: 1 - np.tanh(x) ** 2, 0.5).passed
    True
    >>> check_numerically(np.tanh, lambda x: 0.999 * (1 - np.tanh(x) ** 2), 0.5).passed
    False
    """
    return checked_entries(function, derivative, point)


def checked_entries(
    function: Callable[..., Any],
    derivative: Callable[..., Any],
    point: Sequence[Any],
    scale: float = 0.0,
) -> NumericCheck:
    """The comparison of `check_numerically`.

    Args:
        function: As there.
        derivative: As there.
        point: The arguments.
        scale: The size of the terms of which a value is the sum, if they may cancel in it.
    """
    if not point:
        raise SpecError("check_numerically: no point. Pass the arguments of the function.")
    arguments = [np.array(value, dtype=float) for value in point]
    value = np.asarray(function(*_arguments(arguments)), dtype=float)
    found = derivative(*_arguments(arguments))
    claimed = list(found) if isinstance(found, tuple | list) else [found]
    if len(claimed) > len(arguments):
        raise SpecError(
            f"check_numerically: {len(claimed)} derivatives for {len(arguments)} arguments."
        )
    entries: list[EntryCheck] = []
    for k, part in enumerate(claimed):
        array = np.asarray(part, dtype=float)
        needed = value.shape + arguments[k].shape
        if array.shape != needed:
            raise ShapeError(
                f"check_numerically: the derivative by argument {k} has shape {array.shape}; "
                f"needed {needed}, the axes of the output and then of the argument."
            )
        for index in np.ndindex(*arguments[k].shape):
            column = array[(..., *index)]
            entries += _column(function, arguments, k, index, value, column, scale)
    return NumericCheck(tuple(entries))


def _arguments(arrays: Sequence[Array]) -> list[Any]:
    """Copies, so that code that writes over its arguments does no harm; numbers as numbers."""
    return [array.copy() if array.ndim else array[()] for array in arrays]


def _column(
    function: Callable[..., Any],
    arguments: Sequence[Array],
    k: int,
    index: tuple[int, ...],
    value: Array,
    claimed: Array,
    scale: float,
) -> list[EntryCheck]:
    """The derivatives of all entries of the output by one entry of one argument."""

    def moved(step: Any) -> Any:
        others = list(arguments)
        others[k] = others[k].astype(type(step) if isinstance(step, complex) else float)
        others[k][index] += step
        with np.errstate(all="ignore"):
            return np.asarray(function(*_arguments(others)))

    at = float(arguments[k][index])
    estimate, error = _by_differences(moved, value, at, scale)
    analytic = _by_complex_step(moved, value)
    oracle = "central differences"
    if analytic is not None and np.all(np.abs(analytic - estimate) <= error):
        size = np.abs(analytic)
        sharp = _SAFETY * np.finfo(float).eps * np.where(size, size, 1.0)
        # An imaginary step sees one side of a kink. With smaller steps sin(1e6) looks like none.
        kink = ~np.isfinite(error) & _has_kink(moved, value, _first_step(at) / 64)
        estimate, error = analytic, np.where(kink, np.inf, sharp)
        oracle = "complex step"
    return [
        EntryCheck(
            k, (*place, *index), float(claimed[place]), float(estimate[place]),
            float(error[place]), oracle,
        )
        for place in np.ndindex(*value.shape)
    ]  # fmt: skip


def _by_complex_step(moved: Callable[[Any], Any], value: Array) -> Array | None:
    """The derivative by a tiny imaginary step; None where the code takes no complex numbers."""
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("error", np.exceptions.ComplexWarning)
            found = moved(complex(0.0, _COMPLEX_STEP))
    except (TypeError, ValueError, ArithmeticError, np.exceptions.ComplexWarning):
        return None
    if found.dtype.kind != "c" or not np.allclose(found.real, value, rtol=1e-12, atol=0):
        return None
    result = np.asarray(found.imag / _COMPLEX_STEP)
    result[np.abs(result) < 100 * _COMPLEX_STEP**2] = 0.0  # x³ at 0: the next term of the series
    return result if np.all(np.isfinite(result)) else None


def _by_differences(
    moved: Callable[[Any], Any], value: Array, at: float, scale: float
) -> tuple[Array, Array]:
    """Central differences and a bound of their error, for every entry of the output."""
    memory: dict[float, Array] = {}

    def entry(place: int) -> Callable[[Any], Any]:
        def along(step: Any) -> Any:
            steps = np.asarray(step, dtype=float)
            values = [memory.setdefault(float(s), moved(float(s))) for s in steps.reshape(-1)]
            return np.array([v.reshape(-1)[place] for v in values]).reshape(steps.shape)

        return along

    estimates, errors = np.empty(value.size), np.empty(value.size)
    first = _first_step(at)
    for place in range(value.size):
        best, bound = np.nan, np.inf
        for start in (first, first / 64):
            found = differences(
                entry(place), 0.0, initial_step=start, maxiter=_STEPS,
                tolerances={"atol": 0.0, "rtol": 0.0},
            )  # fmt: skip
            # Differences of rounded values over a step, by which SciPy's estimate may be lucky.
            terms = max(abs(value.reshape(-1)[place]), scale)
            noise = _NOISE * np.finfo(float).eps * terms / (start / 2.0**found.nit)
            if np.isfinite(found.df) and found.error + noise < bound:
                best, bound = float(found.df), float(found.error + noise)
        size = max(abs(best), abs(value.reshape(-1)[place]) * 1e-3, 1e-300)
        estimates[place] = best
        errors[place] = _SAFETY * bound + _ROUNDING * size if np.isfinite(bound) else np.inf
    errors[_has_kink(moved, value, first).reshape(-1)] = np.inf
    return estimates.reshape(value.shape), errors.reshape(value.shape)


def _first_step(at: float) -> float:
    return 0.25 * max(1.0, abs(at)) if at == 0 or abs(at) >= 1 else 0.25 * abs(at)


def _has_kink(moved: Callable[[Any], Any], value: Array, first: float) -> Array:
    """Where the slopes on both sides stay apart however small the step: no derivative exists."""

    def gap(step: float) -> Array:
        sides = (moved(step) - value) / step, (value - moved(-step)) / step
        return np.asarray(np.abs(sides[0] - sides[1]))

    step = first * 1e-4
    wide, narrow = gap(step), gap(step / 64)
    noise = 64 * np.finfo(float).eps * np.abs(value) / step
    return np.asarray((narrow > 0.5 * wide) & (narrow > 1e3 * noise) & (narrow > 0))
