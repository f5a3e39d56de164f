"""Multilinear gates declared by an einsum: every derivative is another einsum, by multilinearity.

A contraction is a sum of products over named indices. Two conventions beyond NumPy's make the
family closed under transposition, so that no rule is written for any of its members: an output
index that no operand carries is filled with ones (broadcast), and an output index that stands
twice is a Kronecker delta (the diagonal is filled, the rest is zero).
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Any, ClassVar

import numpy as np

from circuitgrad.errors import ShapeError, SpecError
from circuitgrad.gates.contraction_kernels import contraction_kernel
from circuitgrad.gates.contraction_order import contraction_flops, distinct, pairwise_order
from circuitgrad.gates.subscripts import Indices, canonical, parse_subscripts
from circuitgrad.methods import upper_layer
from circuitgrad.sources import Constant, constant
from circuitgrad.spec import (
    FLOAT32,
    FLOAT64,
    Axis,
    DType,
    Spec,
    format_shape,
)
from circuitgrad.wire import Gate, Kernel, Wire, build, describe

_names: dict[tuple[tuple[str, ...], str], Contraction] = {}


@dataclass(frozen=True)
class Einsum(Gate):
    """A contraction: the operands' indices, the output's, and the axes that only the output has.

    Attributes:
        operands: One string of letters per input.
        output: The letters of the output; a letter may be new (ones) or stand twice (delta).
        sizes: The axis of each letter that no operand carries.
        dtype: The dtype where there is no operand to tell it.
    """

    operands: tuple[str, ...]
    output: str
    sizes: tuple[tuple[str, Axis], ...] = ()
    dtype: DType = FLOAT64
    family: ClassVar[str] = "multilinear"

    @property
    def subscripts(self) -> str:
        """The einsum in NumPy's notation."""
        return f"{','.join(self.operands)}->{self.output}"

    @property
    def name(self) -> str:  # type: ignore[override]
        """The declared name of this pattern (matmul, sum, …), else "einsum"."""
        declared = self.declaration
        return declared.name if declared else _generic_name(self)

    @property
    def glyph(self) -> str:
        """The text in the circle."""
        declared = self.declaration
        return declared.glyph if declared else {"sum": "Σ"}.get(self.name, self.name)

    @property
    def declaration(self) -> Contraction | None:
        """The catalogue's entry for this pattern, if it has one."""
        return _names.get((self.operands, self.output))

    @property
    def is_structural(self) -> bool:
        """Whether the gate only places entries: no sum, no product."""
        return len(self.operands) <= 1 and set("".join(self.operands)).union(
            letter for letter, _ in self.sizes
        ) <= set(self.output)

    def infer(self, inputs: tuple[Wire, ...]) -> Spec:
        axes = dict(self.sizes)
        owner = dict.fromkeys(axes, "the sizes given")
        for letters, wire in zip(self.operands, inputs, strict=True):
            if len(letters) != wire.ndim:
                raise ShapeError(
                    f"{self.name}: {describe(wire)} is {format_shape(wire.shape)}; needed "
                    f"{len(letters)} axes ('{letters}' of '{self.subscripts}')."
                )
            for letter, axis in zip(letters, wire.shape, strict=True):
                if axes.setdefault(letter, axis) != axis:
                    raise ShapeError(
                        self._mismatch(inputs, axes[letter], axis, owner[letter], wire)
                    )
                owner.setdefault(letter, describe(wire))
        shape = tuple(axes[letter] for letter in self.output)
        return Spec(shape, common_dtype(inputs) if inputs else self.dtype)

    def _mismatch(
        self, inputs: tuple[Wire, ...], first: Axis, second: Axis, owner: str, wire: Wire
    ) -> str:
        shapes = " but ".join(f"{describe(w)} is {format_shape(w.shape)}" for w in inputs)
        return (
            f"{self.name}: {shapes}: {first} ≠ {second}. Axes that are contracted or "
            f"shared ('{self.subscripts}') must be equal; transpose one operand, or mend a shape."
        )

    def kernel(
        self, shapes: tuple[tuple[int, ...], ...], out: tuple[int, ...], dtype: Any
    ) -> Kernel:
        sizes = self._lengths(shapes, out)
        for letter, axis in self.sizes:
            if letter not in sizes:
                if isinstance(axis, str):
                    raise ShapeError(f"{self.name}: axis '{axis}' has no size.")
                sizes[letter] = axis
        return _cached_kernel(
            self.operands, self.output, tuple(sorted(sizes.items())), shapes, dtype
        )

    def flops(self, shapes: tuple[tuple[int, ...], ...], out: tuple[int, ...]) -> int:
        return contraction_flops(self.operands, self.output, self._lengths(shapes, out))

    def inner_shapes(
        self, shapes: tuple[tuple[int, ...], ...], out: tuple[int, ...]
    ) -> tuple[tuple[int, ...], ...]:
        sizes = self._lengths(shapes, out)
        pairs = pairwise_order(*distinct(self.operands, self.output), sizes)
        return tuple(tuple(sizes[x] for x in pair.result) for pair in pairs[:-1])

    def _lengths(self, shapes: tuple[tuple[int, ...], ...], out: tuple[int, ...]) -> dict[str, int]:
        return {
            letter: size
            for letters, shape in zip((*self.operands, self.output), (*shapes, out), strict=True)
            for letter, size in zip(letters, shape, strict=True)
        }

    def resolved(self, sizes: Mapping[str, int]) -> Einsum:
        """The same gate with named axes replaced by their sizes."""
        axes = tuple((x, sizes[a] if isinstance(a, str) else a) for x, a in self.sizes)
        return Einsum(self.operands, self.output, axes, self.dtype)

    def pullback(self, out: Wire, grad: Wire) -> tuple[Wire | None, ...]:
        batch = grad.ndim - out.ndim
        letters, axes = _numbered(self, out, batch)
        lead = tuple(range(batch))
        axes |= dict(zip(lead, grad.shape, strict=False))
        results: list[Wire | None] = []
        for k in range(len(self.operands)):
            others = [(w, letters[j]) for j, w in enumerate(out.inputs) if j != k]
            operands = [(grad, lead + letters[-1]), *others]
            results.append(contract(operands, lead + letters[k], axes))
        return tuple(results)

    def pushforward(self, out: Wire, tangents: tuple[Wire | None, ...]) -> Wire | None:
        total: Wire | None = None
        for k, tangent in enumerate(tangents):
            if tangent is None:
                continue
            batch = tangent.ndim - out.inputs[k].ndim
            letters, axes = _numbered(self, out, batch)
            lead = tuple(range(batch))
            axes |= dict(zip(lead, tangent.shape, strict=False))
            operands = [
                (tangent, lead + letters[j]) if j == k else (wire, letters[j])
                for j, wire in enumerate(out.inputs)
            ]
            term = contract(operands, lead + letters[-1], axes)
            total = term if total is None else total + term
        return total


@dataclass(frozen=True, eq=False)
class Contraction:
    """A named contraction of the catalogue, generic in every size.

    >>> matmul = Contraction("matmul", "ij,jk->ik", "@", r"{0}{1}")
    >>> matmul.sample()
    <Wire matmul(A, B): matmul (i, k)>
    """

    name: str
    subscripts: str
    glyph: str
    latex: str
    sizes: str = ""
    family: ClassVar[str] = "multilinear"

    def sample(self) -> Wire:
        """The gate on inputs A, B, … whose axes are named by their indices."""
        terms, output = parse_subscripts(self.subscripts)
        inputs = [_sample_input("ABCDEFG"[k], term) for k, term in enumerate(terms)]
        return einsum(self.subscripts, *inputs, sizes={x: x for x in output})


def _sample_input(name: str, letters: str) -> Wire:
    module = upper_layer("sources")
    wire: Wire = module.input_wire(name, tuple(letters))
    return wire


def contraction(name: str, subscripts: str, glyph: str, latex: str = "") -> Contraction:
    """Declare the name of a contraction pattern: its glyph and its LaTeX.

    Args:
        name: The catalogue's name.
        subscripts: The pattern in NumPy's notation.
        glyph: The text in the gate's circle.
        latex: A template over the operands {0}, {1}.
    """
    declared = Contraction(name, subscripts, glyph, latex)
    terms, output = parse_subscripts(subscripts)
    pattern = canonical([tuple(map(ord, t)) for t in terms], tuple(map(ord, output)))[:2]
    _names[pattern] = declared
    return declared


def einsum(
    subscripts: str,
    *operands: Wire,
    sizes: Mapping[str, Axis] | None = None,
    dtype: DType = FLOAT64,
) -> Wire:
    """The contraction that the subscripts say, in NumPy's notation.

    Args:
        subscripts: As "ij,jk->ik".
        *operands: One wire per term.
        sizes: The axis of every output letter that no operand carries (filled with ones).
        dtype: The dtype where there is no operand to tell it.

    Raises:
        ShapeError: Axes under one letter differ, or a term has another number of axes.
    """
    terms, output = parse_subscripts(subscripts)
    if terms == ("",) and not operands:
        terms = ()
    if len(terms) != len(operands):
        raise SpecError(f"einsum '{subscripts}': {len(terms)} terms for {len(operands)} operands.")
    new = [letter for letter in output if letter not in "".join(terms)]
    missing = [letter for letter in new if letter not in (sizes or {})]
    if missing:
        raise SpecError(
            f"einsum '{subscripts}': output index '{missing[0]}' is in no operand. Give its size."
        )
    given = {ord(letter): (sizes or {})[letter] for letter in new}
    numbered = [tuple(map(ord, term)) for term in terms]
    return build_contraction(list(operands), numbered, tuple(map(ord, output)), given, dtype)


def _numbered(gate: Einsum, out: Wire, batch: int) -> tuple[list[Indices], dict[int, Axis]]:
    """The operands' and output's indices as integers from `batch` on, and the axis of each."""
    number = {
        x: batch + k for k, x in enumerate(dict.fromkeys("".join((*gate.operands, gate.output))))
    }
    for letter, _ in gate.sizes:
        number.setdefault(letter, batch + len(number))
    letters = [tuple(number[x] for x in term) for term in (*gate.operands, gate.output)]
    axes: dict[int, Axis] = {number[letter]: axis for letter, axis in gate.sizes}
    for wire, indices in zip((*out.inputs, out), letters, strict=True):
        axes |= dict(zip(indices, wire.shape, strict=True))
    return letters, axes


def contract(
    operands: Sequence[tuple[Wire, Indices]], output: Indices, axes: Mapping[int, Axis]
) -> Wire:
    """A contraction over integer indices in which deltas vanish by renaming and ones by omission.

    Operands that only place entries (transposes, broadcasts, diagonals, deltas) are read through:
    their inputs take their place, so that a Jacobian's seed never becomes an identity matrix that
    is multiplied.

    Args:
        operands: Wires with the index of each of their axes.
        output: The indices of the result.
        axes: The axis of every index.
    """
    kept, alias = _read_through(operands)
    renamed = [(wire, tuple(_root(alias, i) for i in indices)) for wire, indices in kept]
    result = tuple(_root(alias, i) for i in output)
    everywhere = {_root(alias, i) for _, ids in operands for i in ids} | set(result)
    present = {i for _, ids in renamed for i in ids}
    missing = {i: axes[i] for i in sorted(everywhere - present)}
    entrywise = len(set(result)) == len(result) and all(ids == result for _, ids in renamed)
    if entrywise and not missing and len(renamed) == 1:
        return renamed[0][0]
    if entrywise and not missing and len(renamed) == 2:
        product: Wire = upper_layer("gates.operators").product(renamed[0][0], renamed[1][0])
        return product
    dtype = common_dtype([wire for wire, _ in operands])
    return build_contraction(
        [w for w, _ in renamed], [ids for _, ids in renamed], result, missing, dtype
    )


def _root(alias: Mapping[int, int], i: int) -> int:
    while i in alias:
        i = alias[i]
    return i


def _read_through(
    operands: Sequence[tuple[Wire, Indices]],
) -> tuple[list[tuple[Wire, Indices]], dict[int, int]]:
    """The operands behind those that only place entries, and which indices became one."""
    alias: dict[int, int] = {}
    pending, kept = list(operands)[::-1], []
    while pending:
        wire, indices = pending.pop()
        gate = wire.gate
        if isinstance(gate, Einsum) and gate.is_structural:
            place: dict[str, int] = {}
            for letter, index in zip(gate.output, indices, strict=True):
                i = _root(alias, index)
                j = _root(alias, place.setdefault(letter, i))
                if i != j:
                    alias[max(i, j)] = min(i, j)
            pending.extend(
                (source, tuple(place[x] for x in letters))
                for source, letters in zip(wire.inputs, gate.operands, strict=True)
            )
        elif not _is_one(wire):
            kept.append((wire, indices))
    return kept, alias


def _is_one(wire: Wire) -> bool:
    return isinstance(wire.gate, Constant) and wire.shape == () and bool(wire.gate.data == 1)


def build_contraction(
    wires: list[Wire],
    terms: list[Indices],
    output: Indices,
    missing: Mapping[int, Axis],
    dtype: DType = FLOAT64,
) -> Wire:
    """The wire of a contraction, its letters renamed in order of appearance."""
    factor = math.prod(int(a) for i, a in missing.items() if i not in output and isinstance(a, int))
    summed = {i: a for i, a in missing.items() if i in output or isinstance(a, str)}
    operands, result, letters = canonical(terms, output, tuple(summed))
    sizes = tuple((letters[i], axis) for i, axis in summed.items())
    if not wires and not sizes and not output:
        return constant(float(factor), dtype)
    if len(wires) == 1 and operands[0] == result and not sizes and len(set(result)) == len(result):
        wire = wires[0]
    else:
        wire = build(Einsum(operands, result, sizes, FLOAT64 if wires else dtype), tuple(wires))
    if factor == 1:
        return wire
    scaled: Wire = upper_layer("gates.operators").product(wire, constant(float(factor), wire.dtype))
    return scaled


def _generic_name(gate: Einsum) -> str:
    if not gate.operands:
        return "delta" if len(set(gate.output)) < len(gate.output) else "ones"
    if len(gate.operands) > 1:
        return "einsum"
    (term,) = gate.operands
    if len(set(term)) < len(term) or len(set(gate.output)) < len(gate.output):
        return "einsum"
    if sorted(term) == sorted(gate.output):
        return "transpose"
    if set(gate.output) < set(term):
        return "sum"
    return "broadcast" if set(term) < set(gate.output) else "einsum"


@lru_cache(maxsize=4096)
def _cached_kernel(
    operands: tuple[str, ...],
    output: str,
    sizes: tuple[tuple[str, int], ...],
    shapes: tuple[tuple[int, ...], ...],
    dtype: Any,
) -> Callable[..., Any]:
    return contraction_kernel(operands, output, dict(sizes), dtype)


def is_view(wire: Wire) -> bool:
    """Whether a wire's array is a view of its input's: nothing is computed or written."""
    gate = wire.gate
    return (
        type(gate) is Einsum
        and len(gate.operands) == 1
        and gate.is_structural
        and len(set(gate.output)) == len(gate.output)
    )


def common_dtype(wires: Sequence[Wire]) -> np.dtype[Any]:
    """float32 if every wire is float32, else float64."""
    return FLOAT32 if wires and all(w.dtype == FLOAT32 for w in wires) else FLOAT64
