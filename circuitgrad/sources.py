"""Sources: the wires that no gate computes, inputs and constants."""

from __future__ import annotations

import itertools
import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from typing import Any, ClassVar

import numpy as np

from circuitgrad.errors import SpecError
from circuitgrad.spec import FLOAT64, Shape, Spec, format_shape, parse_dtype, parse_shape, unmasked
from circuitgrad.wire import Array, Gate, Kernel, Wire, check_name, intern

_tokens = itertools.count(1)


@dataclass(frozen=True)
class ArrayKey:
    """An immutable, hashable copy of an array."""

    dtype: str
    shape: tuple[int, ...]
    data: bytes

    @staticmethod
    def of(array: Array) -> ArrayKey:
        """The key of an array's present contents."""
        return ArrayKey(array.dtype.str, array.shape, np.ascontiguousarray(array).tobytes())

    def array(self) -> Array:
        """The array, read-only."""
        return np.frombuffer(self.data, dtype=self.dtype).reshape(self.shape)


class _Source(Gate):
    """A wire without inputs."""

    family: ClassVar[str] = "source"

    def pullback(self, out: Wire, grad: Wire) -> tuple[Wire | None, ...]:
        return ()

    def pushforward(self, out: Wire, tangents: tuple[Wire | None, ...]) -> Wire | None:
        return None


@dataclass(frozen=True)
class Input(_Source):
    """A value that the user brings, by name, and what is known of it."""

    name: str
    spec: Spec
    token: int = 0
    facts: frozenset[str] = frozenset()

    def infer(self, inputs: tuple[Wire, ...]) -> Spec:
        return self.spec

    def kernel(
        self, shapes: tuple[tuple[int, ...], ...], out: tuple[int, ...], dtype: Any
    ) -> Kernel:
        raise SpecError(
            f"input '{self.name}': an input has no value here. Pass it to the function that is "
            "traced, as an argument."
        )


@dataclass(frozen=True)
class Constant(_Source):
    """A number or an array that is part of the circuit."""

    key: ArrayKey
    name: str = field(default="constant", init=False)

    @property
    def data(self) -> Array:
        """The value, read-only."""
        return self.key.array()

    def infer(self, inputs: tuple[Wire, ...]) -> Spec:
        return Spec(self.key.shape, np.dtype(self.key.dtype))

    def kernel(
        self, shapes: tuple[tuple[int, ...], ...], out: tuple[int, ...], dtype: Any
    ) -> Kernel:
        return lambda: self.data


def input_wire(
    name: str,
    shape: Any = (),
    dtype: Any = FLOAT64,
    *,
    symmetric: bool = False,
    orthogonal: bool = False,
    diagonal: bool = False,
    positive: bool = False,
    normalized: bool = False,
    sign: bool = False,
) -> Wire:
    """An input of a circuit.

    Args:
        name: Letters, digits and underscores.
        shape: Sizes or names of axes: "m n", (3, "n"), 4; scalar by default.
        dtype: float64 (default) or float32.
        symmetric: The matrix equals its transpose. Facts are used to simplify printed forms;
            derivatives are by independent entries.
        orthogonal: The transpose of the matrix is its inverse.
        diagonal: The matrix is zero off its diagonal.
        positive: Every entry is positive.
        normalized: The entries along the last axis add up to 1.
        sign: Every entry is 1 or -1.

    Raises:
        SpecError: A fact that this shape cannot have.

    >>> input_wire("W", "m n")
    <Wire W: input (m, n)>
    """
    spec = Spec(parse_shape(shape), parse_dtype(dtype))
    facts = _facts(
        name,
        spec.shape,
        symmetric=symmetric,
        orthogonal=orthogonal,
        diagonal=diagonal,
        positive=positive,
        normalized=normalized,
        sign=sign,
    )
    gate = Input(check_name(name, "input"), spec, 0, facts)
    return intern(gate, (), spec, name, "", None)


def _facts(name: str, shape: Shape, **given: bool) -> frozenset[str]:
    """What is known of an input, checked against its shape."""
    facts = frozenset(fact for fact, holds in given.items() if holds)
    of_matrices = facts & {"symmetric", "orthogonal", "diagonal"}
    if of_matrices and (len(shape) != 2 or shape[0] != shape[1]):
        raise SpecError(
            f"input '{name}': {min(of_matrices)} is said of shape {format_shape(shape)}; "
            "needed a square matrix, as in cg.input('A', 'n n', symmetric=True)."
        )
    if "normalized" in facts and not shape:
        raise SpecError(f"input '{name}': normalized is said of a scalar; needed an axis to sum.")
    return facts


def input_wires(
    names: str | Sequence[str], shape: Any = (), dtype: Any = FLOAT64
) -> tuple[Wire, ...]:
    """Several inputs of one shape: names separated by spaces or commas.

    >>> [wire.label for wire in input_wires("w0 x0, b")]
    ['w0', 'x0', 'b']
    """
    if not isinstance(names, str | Iterable):
        raise SpecError(f"inputs: got {names!r}; needed names, as cg.inputs('w x b').")
    parts = re.split(r"[\s,]+", names.strip(" ,")) if isinstance(names, str) else list(names)
    return tuple(input_wire(name, shape, dtype) for name in parts)


def traced_input(name: str, value: Array) -> Wire:
    """An input whose value is known, and which is like no other: for tracing a function."""
    spec = Spec(value.shape, parse_dtype(value.dtype))
    return intern(Input(name, spec, next(_tokens)), (), spec, name, "", value)


def constant(value: Any, dtype: Any = None) -> Wire:
    """A number or an array as a wire.

    Args:
        value: Anything that NumPy makes a real array of; it is copied.
        dtype: float32 or float64; by default that of a float32 array, else float64.

    Raises:
        SpecError: Complex, text or object values.
    """
    try:
        array = unmasked(value)
    except (SpecError, ValueError, TypeError) as error:
        raise SpecError(f"constant: {value!r} is not an array of numbers. {error}") from None
    if array.dtype.kind not in "fiub":
        raise SpecError(
            f"constant: got {type(value).__name__} of dtype {array.dtype}; needed real numbers."
        )
    target = parse_dtype(dtype or (array.dtype if array.dtype == np.float32 else FLOAT64))
    key = ArrayKey.of(array.astype(target, copy=False))
    gate = Constant(key)
    return intern(gate, (), gate.infer(()), "", "", key.array())


def as_wire(value: Any, dtype: Any = None) -> Wire:
    """A wire as it is; a number or array as a constant (numbers adopt the dtype given)."""
    if isinstance(value, Wire):
        return value
    weak = isinstance(value, bool | int | float) or getattr(value, "shape", None) == ()
    return constant(value, dtype if weak else None)


def is_constant(wire: Wire, number: float | None = None) -> bool:
    """Whether a wire is a constant (scalar or filled with one number, if a number is given)."""
    if not isinstance(wire.gate, Constant):
        return False
    return number is None or bool(np.all(wire.gate.data == number))
