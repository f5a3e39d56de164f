"""Decides whether two arrays are equal for every size: a proof by forms, or a counterexample."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from typing import Any, Final

import numpy as np

from circuitgrad.circuits import Circuit, circuit
from circuitgrad.derivatives import grad, hessian, jacobian
from circuitgrad.errors import CircuitError, SpecError
from circuitgrad.formulas.tensor_equality import are_equal
from circuitgrad.formulas.tensor_forms import tensor_form
from circuitgrad.gates.contractions import diag, diagonal
from circuitgrad.proofs.verdicts import InternalInconsistency, Status, Verdict, Witness
from circuitgrad.sources import Input, input_wire
from circuitgrad.spec import format_shape
from circuitgrad.wire import Array, Wire, topological

POINTS = 8
LARGEST_SIZE = 4
KINDS: Final[Mapping[str, Callable[[Circuit, str], Circuit]]] = {
    "gradient": grad,
    "jacobian": jacobian,
    "hessian": hessian,
}
STRUCTURED = ("structured_symmetric", "structured_diagonal")
_BITS = 53
_NUDGE = 2.0**-40  # what the numbers are moved by, to see how far rounding is amplified
_DIGITS = 6
_CLEAR = 10.0**-_DIGITS  # a difference below this part of the values refutes nothing


def decide_arrays(first: Wire, second: Wire, seed: int = 0) -> Verdict:
    """Return whether two wires are equal for all sizes and all values that fit the inputs' facts.

    Proved claims have the same tensor form for every size. Refuted claims come with sizes and
    values at which the two differ by far more than rounding can explain.

    Args:
        first: A wire, its axes named or not.
        second: Another.
        seed: Of the choice of sample points.

    Returns:
        The verdict; what no form proves and no point refutes is undecided, with the reason.

    Raises:
        InternalInconsistency: When the proof and the numbers contradict each other.

    >>> from circuitgrad.sources import input_wire
    >>> A, x = input_wire("A", "n n"), input_wire("x", "n")
    >>> decide_arrays(x @ A @ x, x @ A.T @ x).status
    <Status.PROVED: 'proved'>
    >>> decide_arrays(A @ x, A.T @ x).status
    <Status.REFUTED: 'refuted'>
    """
    if first.shape != second.shape:
        shapes = f"{format_shape(first.shape)} and {format_shape(second.shape)}"
        return Verdict(Status.REFUTED, "shapes", reason=f"the axes are {shapes}")
    start = time.perf_counter()
    reason = "the forms differ, and so do not prove it, but no point was found that refutes it"
    try:
        is_proved = are_equal(tensor_form(first), tensor_form(second))
    except CircuitError as refusal:
        is_proved, reason = False, str(refusal)
    tested, witness = _compared(first, second, seed)
    if is_proved and witness is not None:
        raise InternalInconsistency(
            f"equality: proved by tensor forms, but the numbers differ {witness}. Please report it."
        )
    known: dict[str, Any] = {"tested": tested, "digits": _DIGITS if tested else 0}
    known["elapsed_ms"] = 1000 * (time.perf_counter() - start)
    if is_proved:
        return Verdict(Status.PROVED, "tensor form", **known)
    if witness is not None:
        return Verdict(Status.REFUTED, "numbers", counterexample=witness, **known)
    return Verdict(Status.UNDECIDED, reason=reason, **known)


def derivative(value: Wire, wrt: str, kind: str, layout: str | None = None) -> Wire:
    """The derivative of a wire by the input of a name, in a layout.

    Args:
        value: What is differentiated.
        wrt: The name of an input.
        kind: "gradient", "jacobian" or "hessian"; "structured_symmetric" and
            "structured_diagonal" are gradients by the independent entries of such a matrix.
        layout: "numerator" or "denominator"; by default the gradient in denominator layout, the
            Jacobian in numerator layout.

    Raises:
        SpecError: Another kind or layout, or no such input.

    Source:
        By a symmetric matrix: Petersen & Pedersen, The Matrix Cookbook (2012), eqs. 138 and 143.

    >>> from circuitgrad.sources import input_wire
    >>> derivative(input_wire("A", "m n") @ input_wire("x", "n"), "x", "jacobian", "denominator")
    <Wire transpose(A): transpose (n, m)>
    """
    if kind not in (*KINDS, *STRUCTURED):
        raise SpecError(f"derivative: kind '{kind}'; needed {', '.join((*KINDS, *STRUCTURED))}.")
    if kind in STRUCTURED:
        free = derivative(value, wrt, "gradient")
        own = diag(diagonal(free))
        return own if kind == "structured_diagonal" else free + free.T - own
    if layout not in (None, "numerator", "denominator"):
        raise SpecError(f"layout {layout!r}: needed 'numerator' or 'denominator'.")
    found: Wire = KINDS[kind](circuit(f=value), wrt).outputs[0]
    natural = "denominator" if kind == "gradient" else "numerator"
    return found.T if layout not in (None, natural) and found.ndim == 2 else found


# --- numbers --------------------------------------------------------------------------------------


def _compared(first: Wire, second: Wire, seed: int) -> tuple[int, Witness | None]:
    """How many points agreed, and a point where the two differ, if one was found."""
    rng = np.random.default_rng(seed)
    wires = topological([first, second])
    axes = sorted({axis for wire in wires for axis in wire.shape if isinstance(axis, str)})
    sources = [wire for wire in wires if isinstance(wire.gate, Input)]
    taken = {wire.label for wire in sources}
    # An axis that no input has, as of a mere identity, gets its size from one more input.
    carried = {axis for wire in sources for axis in wire.shape}
    marks = ["_" * k for k in range(1, len(taken) + 2)]
    mark = next(mark for mark in marks if not any(name.endswith(mark) for name in taken))
    sources += [input_wire(f"{axis}{mark}", axis) for axis in axes if axis not in carried]
    both = Circuit(sources, [first, second], ["first", "second"])
    tested = 0
    for _ in range(POINTS):
        sizes = {axis: int(rng.integers(1, LARGEST_SIZE + 1)) for axis in axes}
        values = {wire.label: _sampled(wire, sizes, rng) for wire in sources}
        is_compared, witness = _difference(both, values)
        if witness is not None:
            return tested, witness
        tested += is_compared
    return tested, None


def _sampled(wire: Wire, sizes: Mapping[str, int], rng: np.random.Generator) -> Array:
    """Values of an input that satisfy its facts; square matrices far from singular ones."""
    assert isinstance(wire.gate, Input)
    facts = wire.gate.facts
    shape = [axis if isinstance(axis, int) else sizes[axis] for axis in wire.shape]
    array: Array = rng.integers(-12, 13, shape) / 8 + rng.integers(1, 100, shape) / 1024
    if len(shape) == 2 and shape[0] == shape[1]:
        array = array + 2 * np.eye(shape[0]) * rng.choice([-1.0, 1.0])
    if "symmetric" in facts:  # positive definite: logarithms and roots are defined there, too
        array = array @ array.T + np.eye(shape[0])
    if "diagonal" in facts:
        array = np.diag(np.diag(array))
    if "orthogonal" in facts:
        array = np.linalg.qr(array)[0] if "symmetric" not in facts else _reflection(array)
    if "positive" in facts or "normalized" in facts:
        array = np.abs(array) + 1 / 16
    if "normalized" in facts:
        array = array / array.sum(axis=-1, keepdims=True)
    if "sign" in facts:
        array = np.where(array > 0, 1.0, -1.0)
    return array


def _reflection(array: Array) -> Array:
    """A matrix that is symmetric and orthogonal."""
    direction = array[:, :1] / np.linalg.norm(array[:, :1])
    mirrored: Array = np.eye(len(array)) - 2 * direction @ direction.T
    return mirrored


def _difference(both: Circuit, values: Mapping[str, Array]) -> tuple[bool, Witness | None]:
    """Whether the outputs could be compared at a point, and a witness if they differ there."""
    near = {name: value * (1 + _NUDGE) for name, value in values.items()}
    try:
        with np.errstate(all="ignore"):
            first, second = (np.asarray(value) for value in both(**values).values())
            moved = [np.asarray(value) for value in both(**near).values()]
    except (CircuitError, ArithmeticError, np.linalg.LinAlgError):
        return False, None
    if not (np.all(np.isfinite(first)) and np.all(np.isfinite(second))):
        return False, None
    gap = np.abs(first - second)
    rough = np.abs(first - moved[0]) + np.abs(second - moved[1])
    # An entry may be zero by cancellation: it is measured by the largest ones.
    scale = 1 + np.abs(first).max(initial=0) + np.abs(second).max(initial=0)
    clear = gap > np.maximum(_CLEAR * scale, 100 * rough.max(initial=0))
    if not np.any(clear):
        return True, None
    place = np.unravel_index(np.argmax(np.where(clear, gap, 0)), gap.shape)
    at = f" at [{','.join(map(str, place))}]" if place else ""
    point = {name: np.array2string(v, separator=", ") for name, v in values.items()}
    sides = (f"{first[place]:.9g}{at}", f"{second[place]:.9g}{at}")
    return True, Witness(point, *sides, _BITS)
