"""Circuits as SymPy expressions and back.

Entries of arrays become scalars, gates their formulas.
"""

from __future__ import annotations

import itertools
import math
from collections.abc import Callable, Mapping, Sequence
from functools import lru_cache
from typing import Any

import numpy as np
import sympy as sp

from circuitgrad import grammar
from circuitgrad.circuits import Circuit
from circuitgrad.errors import CircuitError, SpecError
from circuitgrad.formulas.exact_numbers import as_expression, as_rational, exact
from circuitgrad.gates.from_einsum import Einsum
from circuitgrad.gates.from_formula import Elementwise
from circuitgrad.gates.from_rule import Composite, Implicit, Rearrangement, Selection
from circuitgrad.sources import Constant, Input, input_wire
from circuitgrad.spec import resolve_shape
from circuitgrad.wire import Array, Wire, axis_sizes, describe

MAX_TREE = 20_000
MAX_ENTRIES = 2_000

FUNCTIONS: Mapping[str, Any] = {
    name: getattr(sp, name)
    for name in (
        "exp", "log", "sqrt", "sin", "cos", "tan", "asin", "acos", "atan", "atan2", "sinh", "cosh",
        "tanh", "asinh", "acosh", "atanh", "erf", "erfc", "Abs", "sign", "Max", "Min",
        "erfinv", "erfcinv", "gamma", "loggamma", "digamma", "polygamma", "lowergamma",
        "uppergamma", "betainc_regularized", "besselj", "bessely", "besseli",
    )
}  # fmt: skip
_CONSTANTS = {"pi": sp.pi, "E": sp.E}
_ROUNDING: Mapping[str, Any] = {
    "floor": sp.floor,
    "ceil": sp.ceiling,
    "rint": lambda x: sp.floor(x + sp.Rational(1, 2)),  # away from halves
    "trunc": lambda x: sp.sign(x) * sp.floor(sp.Abs(x)),
}


def real_symbol(name: str) -> sp.Symbol:
    """The real SymPy symbol of a name."""
    return sp.Symbol(name, real=True)


def parse_formula(text: str, variables: Mapping[str, sp.Expr] | None = None) -> Any:
    """The SymPy expression of a text, by the whitelist grammar; its names become real symbols.

    >>> parse_formula("x**2/2 + sin(pi*y)")
    x**2/2 + sin(pi*y)
    """
    known = dict(variables or {})
    for name in grammar.names(text):
        if name not in known:
            known[name] = _CONSTANTS.get(name, real_symbol(name))
    return grammar.evaluate(text, known, FUNCTIONS, as_rational)


@lru_cache(maxsize=1024)
def gate_formula(gate: Elementwise) -> tuple[tuple[sp.Symbol, ...], sp.Expr]:
    """The variables and the formula of an elementwise gate, as people read it."""
    symbols = tuple(real_symbol(name) for name in gate.variables)
    if gate.formula:
        return symbols, parse_formula(gate.formula)
    return symbols, piecewise_formula(gate)


@lru_cache(maxsize=1024)
def piecewise_formula(gate: Elementwise) -> sp.Expr:
    """The meaning of an elementwise gate: its formula, or its pieces as a Piecewise."""
    if not gate.pieces:
        return parse_formula(gate.formula)
    cases = [(parse_formula(value), parse_formula(condition)) for condition, value in gate.pieces]
    return sp.Piecewise(*cases, (parse_formula(gate.at_kink), True))


@lru_cache(maxsize=1024)
def gate_meaning(gate: Elementwise) -> sp.Expr:
    """The meaning of an elementwise gate wherever its kernel has a value."""
    return parse_formula(gate.extension) if gate.extension else piecewise_formula(gate)


@lru_cache(maxsize=1024)
def gate_domain(gate: Elementwise) -> tuple[Any, ...]:
    """The comparisons that say where an elementwise gate is real."""
    return (parse_formula(gate.domain),) if gate.domain else ()


def _apply_formula(
    gate: Elementwise, arguments: Sequence[Any], formula: Callable[[Elementwise], sp.Expr]
) -> Any:
    place = dict(zip(map(real_symbol, gate.variables), arguments, strict=True))
    body = formula(gate)
    if isinstance(body, sp.Piecewise):
        return _cases([(v.xreplace(place), c.xreplace(place)) for v, c in body.args])
    return body.xreplace(place)  # subs takes ten times as long


def _cases(cases: Sequence[tuple[sp.Expr, sp.Basic]]) -> sp.Expr:
    """The cases that may hold, as they are: SymPy would simplify every condition, which is slow."""
    possible = [case for case in cases if case[1] is not sp.false]
    if possible[0][1] is sp.true:
        return possible[0][0]
    return sp.Piecewise(*possible, evaluate=False)


def _readable(gate: Elementwise) -> sp.Expr:
    return gate_formula(gate)[1]


def entry_symbols(wire: Wire, sizes: Mapping[str, int]) -> Array:
    """One symbol per entry: x for a scalar, x_0, x_1, … for a vector, A_00 … for a matrix."""
    shape = resolve_shape(wire.shape, sizes)
    if math.prod(shape) > MAX_ENTRIES:
        raise SpecError(
            f"sympy: {wire.label} has {math.prod(shape)} entries; at most {MAX_ENTRIES} become "
            "symbols. "
            "Use a smaller shape."
        )
    entries = np.empty(shape, dtype=object)
    joint = "_" if max(shape, default=0) > 10 else ""
    for index in np.ndindex(*shape):
        suffix = joint.join(map(str, index))
        entries[index] = real_symbol(f"{wire.label}_{suffix}" if index else wire.label)
    return entries


def expressions(
    wires: Sequence[Wire],
    known: Mapping[int, Array] | None = None,
    sizes: Mapping[str, int] | None = None,
    *,
    meaning: bool = False,
) -> list[Array]:
    """The wires as object arrays of SymPy expressions.

    Args:
        wires: What is asked for.
        known: Expressions of some wires by serial number; other inputs become symbols.
        sizes: The size of every named axis.
        meaning: Kinked gates as Piecewise of their pieces instead of as people read them.

    Raises:
        SpecError: A named axis without a size, or an expression too large to be written out.
    """
    found: dict[int, Array] = dict(known or {})
    sizes = sizes or {}
    formula = gate_meaning if meaning else _readable
    weight: dict[int, int] = {}
    for wire in _needed(wires, found):
        weight[wire.serial] = 1 + sum(weight.get(source.serial, 1) for source in wire.inputs)
        if weight[wire.serial] > MAX_TREE:
            raise SpecError(
                f"sympy: the formula of {describe(wire)} has more than {MAX_TREE} parts. "
                "Ask for a smaller circuit; numbers and derivatives have no such limit."
            )
        _check_sizes(wire, sizes)
        inputs = [found[source.serial] for source in wire.inputs]
        try:
            found[wire.serial] = _entries(wire, inputs, sizes, formula)
        except RecursionError:
            raise SpecError(
                f"sympy: the formula of {describe(wire)} is nested too deeply for SymPy. "
                "Ask for a smaller circuit; numbers and derivatives have no such limit."
            ) from None
        except (TypeError, ValueError) as error:  # SymPy orders no infinities
            if isinstance(error, CircuitError):
                raise
            raise SpecError(f"sympy: {describe(wire)} has no finite value: {error}.") from None
    return [found[wire.serial] for wire in wires]


def _needed(wires: Sequence[Wire], known: Mapping[int, Array]) -> list[Wire]:
    """Topological order of what the wires need, not going behind what is known."""
    seen: dict[int, Wire] = {}
    stack = list(wires)
    while stack:
        wire = stack.pop()
        if wire.serial not in seen and wire.serial not in known:
            seen[wire.serial] = wire
            stack.extend(wire.inputs)
    return [seen[serial] for serial in sorted(seen)]


def _check_sizes(wire: Wire, sizes: Mapping[str, int]) -> None:
    free = [axis for axis in wire.shape if isinstance(axis, str) and axis not in sizes]
    if free:
        raise SpecError(
            f"sympy: axis '{free[0]}' of {describe(wire)} has no size. Give it one, as in "
            f"circuit.sympy({free[0]}=2)."
        )


def _entries(
    wire: Wire, inputs: list[Array], sizes: Mapping[str, int], formula: Callable[[Elementwise], Any]
) -> Array:
    gate = wire.gate
    shape = resolve_shape(wire.shape, sizes)
    if isinstance(gate, Input):
        return entry_symbols(wire, sizes)
    if isinstance(gate, Constant):
        return _object_array(np.vectorize(exact, otypes=[object])(gate.data), shape)
    if isinstance(gate, Elementwise):
        return _elementwise_entries(gate, inputs, shape, formula)
    if isinstance(gate, Einsum):
        return _einsum_entries(gate.resolved(sizes), inputs, shape)
    if isinstance(gate, Rearrangement):
        result = gate.kernel(tuple(a.shape for a in inputs), shape, np.dtype(object))(*inputs)
        return _object_array(np.vectorize(as_expression, otypes=[object])(result), shape)
    if isinstance(gate, Selection):
        if gate.declaration.entries is not None:
            body = gate.declaration.entries(*wire.inputs, **gate.options)
            known = {source.serial: a for source, a in zip(wire.inputs, inputs, strict=True)}
            return expressions([body], known, sizes, meaning=formula is gate_meaning)[0]
        return _selection_entries(gate, inputs[0], shape)
    if isinstance(gate, Implicit):
        return _implicit_entries(gate, inputs, shape)
    if isinstance(gate, Composite):
        # A meaning may need numbers for the axes, as the determinant does.
        sized = [
            input_wire(f"operand{k}", a.shape) if axis_sizes([source]) else source
            for k, (source, a) in enumerate(zip(wire.inputs, inputs, strict=True))
        ]
        known = {source.serial: a for source, a in zip(sized, inputs, strict=True)}
        body = _body(wire, sized)
        return expressions([body], known, sizes, meaning=formula is gate_meaning)[0]
    raise SpecError(f"sympy: gate '{gate.name}' has no closed form.")


def _body(wire: Wire, inputs: Sequence[Wire]) -> Wire:
    gate = wire.gate
    assert isinstance(gate, Composite)
    assert gate.declaration.meaning is not None
    body: Wire = gate.declaration.meaning(*inputs, **gate.options)
    return body


def _object_array(values: Any, shape: tuple[int, ...]) -> Array:
    array = np.empty(shape, dtype=object)
    array[...] = values
    return array


def _elementwise_entries(
    gate: Elementwise,
    inputs: list[Array],
    shape: tuple[int, ...],
    formula: Callable[[Elementwise], Any],
) -> Array:
    result = np.empty(shape, dtype=object)
    for index in np.ndindex(*shape):
        result[index] = _apply_formula(gate, [a[index] for a in inputs], formula)
    return result


def _einsum_entries(gate: Einsum, inputs: list[Array], shape: tuple[int, ...]) -> Array:
    sizes = {letter: int(axis) for letter, axis in gate.sizes}
    for term, array in zip(gate.operands, inputs, strict=True):
        sizes |= dict(zip(term, array.shape, strict=True))
    free = list(dict.fromkeys(gate.output))
    bound = [x for x in sizes if x not in free]
    total = math.prod(sizes[x] for x in sizes)
    if total > 50 * MAX_ENTRIES:
        raise SpecError(f"sympy: the contraction '{gate.subscripts}' has {total} terms, too many.")
    result = _object_array(sp.Integer(0), shape)
    for values in itertools.product(*(range(sizes[x]) for x in free)):
        place = dict(zip(free, values, strict=True))
        terms = []
        for rest in itertools.product(*(range(sizes[x]) for x in bound)):
            full = place | dict(zip(bound, rest, strict=True))
            factors = [
                a[tuple(full[x] for x in term)]
                for term, a in zip(gate.operands, inputs, strict=True)
            ]
            terms.append(sp.Mul(*factors))
        result[tuple(place[x] for x in gate.output)] = sp.Add(*terms)
    return result


def _selection_entries(gate: Selection, entries: Array, shape: tuple[int, ...]) -> Array:
    if gate.name in _ROUNDING:
        return _object_array(np.vectorize(_ROUNDING[gate.name], otypes=[object])(entries), shape)
    axes = tuple(axis % entries.ndim for axis in gate.options["axes"])
    largest = gate.name.startswith("max")
    shares = gate.name.endswith("share")
    result = np.empty(shape, dtype=object)
    kept = [k for k in range(entries.ndim) if k not in axes]
    for index in np.ndindex(*entries.shape):
        group: list[Any] = [slice(None) if k in axes else index[k] for k in range(entries.ndim)]
        members = list(entries[tuple(group)].reshape(-1))
        if shares:
            result[index] = _share(entries[index], members, largest)
        else:
            chosen = (sp.Max if largest else sp.Min)(*members)
            result[tuple(index[k] for k in kept)] = chosen
    return result


def _share(entry: sp.Expr, members: list[sp.Expr], largest: bool) -> sp.Expr:
    """1 where an entry is the extreme one of its group, 0 elsewhere, away from ties."""
    factor: sp.Expr = sp.Integer(1)
    for other in members:
        if other is not entry:
            gap = entry - other if largest else other - entry
            factor *= sp.Piecewise((1, gap > 0), (0, True))
    return factor


def _implicit_entries(gate: Implicit, inputs: list[Array], shape: tuple[int, ...]) -> Array:
    if gate.name not in ("inverse", "solve"):
        raise SpecError(
            f"sympy: '{gate.name}' has no closed form without roots; it is defined by "
            f"{gate.declaration.formula}."
        )
    matrix = sp.Matrix(inputs[0].tolist())
    if matrix.rows > 4:
        raise SpecError(
            f"sympy: the closed form of '{gate.name}' is written out up to size 4, not "
            f"{matrix.rows}."
        )
    inverse = matrix.adjugate() / matrix.det()
    if gate.name == "inverse":
        return _object_array(np.array(inverse.tolist(), dtype=object), shape)
    right = (
        inputs[1].reshape(*inputs[1].shape[:2], -1) if inputs[1].ndim > 1 else inputs[1][:, None]
    )
    if inputs[1].ndim > 2:
        raise SpecError("sympy: a batch of right sides has no closed form here.")
    product = inverse * sp.Matrix(right.reshape(matrix.rows, -1).tolist())
    return _object_array(np.array(product.tolist(), dtype=object).reshape(shape), shape)


def circuit_expressions(target: Circuit, sizes: Mapping[str, int] | None = None) -> Any:
    """The closed form of a circuit: an expression, an array, or a dict of them by output name.

    Matrices come as `sympy.Matrix`, arrays of other ranks as `sympy.Array`.
    """
    found = [_packed(a) for a in expressions(target.outputs, sizes=sizes)]
    if len(found) == 1:
        return found[0]
    return dict(zip(target.output_names, found, strict=True))


def _packed(entries: Array) -> Any:
    if not entries.ndim:
        return entries[()]
    if entries.ndim == 2:
        return sp.Matrix(*entries.shape, list(entries.reshape(-1)))
    return sp.Array(list(entries.reshape(-1)), entries.shape)
