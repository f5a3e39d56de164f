"""What is written for a wire: its operands, behind broadcasts and signs, and its expression."""

from __future__ import annotations

import ast
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from circuitgrad.errors import ShapeError, SpecError
from circuitgrad.gates.from_einsum import Einsum
from circuitgrad.gates.from_formula import NUMPY_FUNCTIONS, Elementwise
from circuitgrad.gates.from_rule import declaration_of, parameters_of
from circuitgrad.plans.source_arrays import index_literal
from circuitgrad.plans.source_contractions import Factor, aligned, contraction
from circuitgrad.plans.source_kernels import Kernels, formula_expression
from circuitgrad.plans.source_names import Names
from circuitgrad.plans.source_text import (
    call,
    folded,
    is_number,
    is_simple,
    literal,
    name,
    negative,
    number,
    numpy,
    printed,
    tuple_of,
)
from circuitgrad.sources import Constant, constant
from circuitgrad.spec import FLOAT32, Axis, Shape, broadcast_axes
from circuitgrad.wire import Wire, build

Write = Callable[[Sequence[ast.expr]], ast.expr]


@dataclass(frozen=True)
class Form:
    """How a wire is written: the wires that it is written with, and the expression over them."""

    operands: tuple[Wire, ...]
    write: Write


class Forms:
    """The forms of a circuit's wires.

    Args:
        kernels: The functions at the top of the module.
        size: The expression of an axis' size.
    """

    def __init__(self, kernels: Kernels, size: Callable[[Axis], ast.expr]) -> None:
        self._kernels = kernels
        self._size = size

    def form(self, wire: Wire) -> Form:
        """The form of a wire that a gate makes."""
        gate = wire.gate
        value = filled_with(wire)
        if value is not None and value != 1 and wire.shape:
            return self._filled(wire, value)
        if type(gate) is Einsum:
            return self._contraction(wire, gate)
        if type(gate) is Elementwise:
            return self._elementwise(wire, gate)
        declared = declaration_of(gate)
        if declared is None:
            raise SpecError(
                f"numpy_source: gate '{gate.name}' is of a family that has no form in NumPy."
            )
        options = {key: self._option(key, value) for key, value in parameters_of(gate).items()}
        function = declared.written or declared.function

        def write(nodes: Sequence[ast.expr]) -> ast.expr:
            return self._kernels.applied(
                function, nodes, options, gate.name, declared.formula, wire.dtype.name
            )

        return Form(wire.inputs, write)

    def _filled(self, wire: Wire, value: float) -> Form:
        kind = {"dtype": numpy("float32")} if wire.dtype == FLOAT32 else {}

        def write(nodes: Sequence[ast.expr]) -> ast.expr:
            shape = tuple_of([self._size(axis) for axis in wire.shape])
            return call("full", shape, number(value, whole=False), **kind)

        return Form((), write)

    def _option(self, key: str, value: Any) -> ast.expr:
        if key == "key":
            return index_literal(value)
        if key == "shape":
            return tuple_of([self._size(axis) for axis in value])
        return literal(value)

    # --- contractions -----------------------------------------------------------------------------

    def _contraction(self, wire: Wire, gate: Einsum) -> Form:
        axes = dict(gate.sizes)
        for letters, source in zip(gate.operands, wire.inputs, strict=True):
            axes |= dict(zip(letters, source.shape, strict=True))
        shown = [_seen(*pair) for pair in zip(wire.inputs, gate.operands, strict=True)]
        is_negative = [filled_with(source) for source, _ in shown].count(-1) % 2 == 1
        shown = [(s, term) for s, term in shown if filled_with(s) not in (1, -1)]
        carried = set("".join(term for _, term in shown))
        sizes = tuple(
            (x, axis)
            for x, axis in axes.items()
            if x not in carried and (axis != 1 or x in gate.output)
        )
        plain = Einsum(tuple(term for _, term in shown), gate.output, sizes, gate.dtype)

        def write(nodes: Sequence[ast.expr]) -> ast.expr:
            is_single = wire.dtype == FLOAT32
            node = contraction(plain, nodes, lambda x: self._size(axes[x]), is_single)
            return negative(node) if is_negative else node

        return Form(tuple(source for source, _ in shown), write)

    # --- elementwise gates ------------------------------------------------------------------------

    def _elementwise(self, wire: Wire, gate: Elementwise) -> Form:
        simple = _without_signs(wire, gate)
        if simple is not None:
            return simple
        shown = [_behind(source) for source in wire.inputs]
        if gate.function is None or not _broadcasts(gate.function):
            shown = [(source, None) for source in wire.inputs]
        shapes = [
            source.shape if letters is None else _effective(source, letters)
            for source, letters in shown
        ]
        if _joint(shapes) != wire.shape:
            shown = [(wire.inputs[0], None), *shown[1:]]
        letters = [pattern for _, pattern in shown]

        def write(nodes: Sequence[ast.expr]) -> ast.expr:
            operands = [
                node if pattern is None else aligned(Factor(node, pattern[0]), pattern[1])
                for node, pattern in zip(nodes, letters, strict=True)
            ]
            if gate.function is None:
                return self._formula(gate, operands)
            if gate.plain and _are_numbers(gate, operands):
                scope = dict(zip(gate.variables, operands, strict=True))
                node = formula_expression(gate.formula, scope, NUMPY_FUNCTIONS, self._kernels)
                return folded(node)
            meaning = gate.formula or "; ".join(f"{f} if {c}" for c, f in gate.pieces)
            return self._kernels.applied(
                gate.function, operands, {}, gate.name, meaning, wire.dtype.name
            )

        return Form(tuple(source for source, _ in shown), write)

    def _formula(self, gate: Elementwise, operands: Sequence[ast.expr]) -> ast.expr:
        """A gate without a kernel: its formula is the function."""
        texts = [gate.formula, gate.at_kink, *(t for piece in gate.pieces for t in piece)]
        counts = [" ".join(texts).count(variable) for variable in gate.variables]
        pairs = zip(counts, operands, strict=True)
        if not gate.pieces and all(is_simple(node) or count <= 1 for count, node in pairs):
            scope = dict(zip(gate.variables, operands, strict=True))
            return formula_expression(gate.formula, scope, NUMPY_FUNCTIONS, self._kernels)
        names = Names({"np", "math", "result"})
        renamed = [names.take(variable) for variable in gate.variables]
        scope = {v: name(new) for v, new in zip(gate.variables, renamed, strict=True)}

        def written(text: str) -> str:
            return printed(formula_expression(text, scope, NUMPY_FUNCTIONS, self._kernels))

        if not gate.pieces:
            body = f"    return {written(gate.formula)}"
        else:
            steps = [f"result = {written(gate.at_kink)}"]
            steps += [f"result = np.where({written(c)}, {written(f)}, result)"
                      for c, f in gate.pieces]  # fmt: skip
            inner = "".join(f"        {step}\n" for step in steps)
            body = f'    with np.errstate(all="ignore"):\n{inner}    return result'
        meaning = gate.formula or "; ".join(f"{f} if {c}" for c, f in gate.pieces)
        title = self._kernels.of_formula(gate.name, renamed, body, gate, meaning)
        return call(name(title), *operands)


def _seen(wire: Wire, letters: str) -> tuple[Wire, str]:
    """What stands behind an unnamed operand that only places entries, and its letters."""
    while not wire.label:
        value = filled_with(wire)
        if value is not None and wire.shape:
            return constant(value, wire.dtype), ""
        gate = wire.gate
        if type(gate) is not Einsum or not gate.operands:
            break
        place = dict(zip(gate.output, letters, strict=True))
        source, pattern = _behind(wire)
        if pattern is not None:
            wire, letters = source, "".join(place[x] for x in pattern[0])
        elif gate.is_structural and len(place) == len(gate.output):
            (wire,) = wire.inputs
            letters = "".join(place[x] for x in gate.operands[0])
        else:
            break
    return wire, letters


def _without_signs(wire: Wire, gate: Elementwise) -> Form | None:
    """Products with ones, and sums with what has a minus, in their plain form."""
    if len(wire.inputs) != 2 or any(s.dtype != wire.dtype for s in wire.inputs):
        return None
    first, second = wire.inputs
    if gate.function is np.multiply:
        for one, other in ((first, second), (second, first)):
            value = filled_with(one)
            if value == 1:
                return Form((other,), lambda nodes: nodes[0])
            if value == -1:
                return Form((other,), lambda nodes: ast.UnaryOp(ast.USub(), nodes[0]))
    if gate.function is np.add:
        plain = _negated(second)
        if plain is not None:
            return Form((first, plain), lambda nodes: ast.BinOp(nodes[0], ast.Sub(), nodes[1]))
        plain = _negated(first)
        if plain is not None:
            return Form((second, plain), lambda nodes: ast.BinOp(nodes[0], ast.Sub(), nodes[1]))
    if gate.function is np.subtract:
        plain = _negated(second)
        if plain is not None:
            return Form((first, plain), lambda nodes: ast.BinOp(nodes[0], ast.Add(), nodes[1]))
    return None


def _negated(wire: Wire) -> Wire | None:
    """The wire whose sign an unnamed wire changes."""
    gate = wire.gate
    if type(gate) is not Elementwise or wire.label:
        return None
    if gate.function is np.negative and filled_with(wire) is None:
        return wire.inputs[0]
    if gate.function is np.multiply and all(s.dtype == wire.dtype for s in wire.inputs):
        first, second = wire.inputs
        if filled_with(first) == -1:
            return second
        if filled_with(second) == -1:
            return first
    return None


def filled_with(wire: Wire) -> float | None:
    """The number in every entry of an unnamed wire, where one constant fills it."""
    sign = 1.0
    while not wire.label:
        gate = wire.gate
        if isinstance(gate, Constant):
            return sign * float(gate.data) if not wire.shape else None
        if type(gate) is Einsum and len(set(gate.output)) == len(gate.output):
            carried = set("".join(gate.operands))
            if any(letter not in gate.output for letter, _ in gate.sizes):
                return None
            if not gate.operands:
                return sign
            if len(gate.operands) > 1 or not _keeps_all(wire, carried - set(gate.output)):
                return None
        elif type(gate) is Elementwise and gate.function is np.negative:
            sign = -sign
        else:
            return None
        (wire,) = wire.inputs
    return None


def _keeps_all(wire: Wire, lost: set[str]) -> bool:
    """Whether the letters that a sum of one operand loses are axes of size 1."""
    gate = wire.gate
    assert isinstance(gate, Einsum)
    axes = dict(zip(gate.operands[0], wire.inputs[0].shape, strict=True))
    return all(axes[letter] == 1 for letter in lost)


def _behind(wire: Wire) -> tuple[Wire, tuple[str, str] | None]:
    """The wire behind an unnamed broadcast, and the letters of both; None where it is itself."""
    value = filled_with(wire)
    if value is not None and wire.shape:
        return constant(value, wire.dtype), None
    gate = wire.gate
    if wire.label:
        return wire, None
    if type(gate) is Elementwise and gate.function is not None and _broadcasts(gate.function):
        return _small(wire, gate)
    if type(gate) is not Einsum or not gate.operands:
        return wire, None
    carried = set("".join(gate.operands))
    kept = "".join(x for x in gate.output if x in carried)
    if len(set(gate.output)) < len(gate.output) or kept == gate.output:
        return wire, None
    if gate.operands == (kept,):
        return wire.inputs[0], (kept, gate.output)
    inner = tuple((x, axis) for x, axis in gate.sizes if x not in gate.output)
    return build(Einsum(gate.operands, kept, inner, gate.dtype), wire.inputs), (kept, gate.output)


def _small(wire: Wire, gate: Elementwise) -> tuple[Wire, tuple[str, str] | None]:
    """A gate on one broadcast (and numbers) as a broadcast of the gate on what stands behind."""
    values = [filled_with(source) for source in wire.inputs]
    others = [source for source, value in zip(wire.inputs, values, strict=True) if value is None]
    is_broadcast = len(others) == 1 and isinstance(others[0].gate, Einsum) and wire.ndim
    core, pattern = _behind(others[0]) if is_broadcast else (wire, None)
    if pattern is None:
        return wire, None
    operands = [
        core if value is None else constant(value, source.dtype)
        for source, value in zip(wire.inputs, values, strict=True)
    ]
    small = gate(*operands)
    return (small, pattern) if small.shape == core.shape else (wire, None)


def _effective(source: Wire, pattern: tuple[str, str]) -> Shape:
    """The shape of an operand with new axes of size 1 in the place of a broadcast."""
    axes = dict(zip(pattern[0], source.shape, strict=True))
    shape = tuple(axes.get(letter, 1) for letter in pattern[1])
    start = next((k for k, x in enumerate(pattern[1]) if x in axes), len(shape))
    return shape[start:]


def _joint(shapes: Sequence[Shape]) -> Shape | None:
    try:
        return broadcast_axes(shapes, [""] * len(shapes), "")
    except ShapeError:
        return None


def _are_numbers(gate: Elementwise, operands: Sequence[ast.expr]) -> bool:
    """Whether the variables are literal for which code may use the formula, and one is not."""
    pairs = list(zip(gate.variables, operands, strict=True))
    plain = all(is_number(node) for variable, node in pairs if variable in gate.plain)
    return plain and not is_number(dict(pairs)["x"])


def _broadcasts(function: Any) -> bool:
    """Whether a kernel is known to broadcast; those of others may rely on equal shapes."""
    is_own = getattr(function, "__module__", "").startswith("circuitgrad.")
    return is_own or isinstance(function, np.ufunc)


def constant_number(wire: Wire) -> ast.expr | None:
    """The literal of a scalar constant."""
    gate = wire.gate
    if not isinstance(gate, Constant) or wire.shape:
        return None
    value = gate.data[()]
    shown = float(str(value)) if wire.dtype == FLOAT32 else float(value)
    return number(shown)
