"""The obligations of gates on arrays.

Contractions, rearrangements, selections, implicit and composite gates.
"""

from __future__ import annotations

import time
from collections.abc import Sequence
from functools import lru_cache
from typing import Any

import numpy as np
import sympy as sp

from circuitgrad.derivatives import derivative_block, reverse
from circuitgrad.formulas.symbolic import entry_symbols, expressions
from circuitgrad.gates.from_einsum import Contraction, Einsum, einsum
from circuitgrad.gates.from_formula import Elementwise
from circuitgrad.gates.from_rule import Composite, Declaration, Implicit, Rearrangement, Selection
from circuitgrad.proofs.equality import decide
from circuitgrad.proofs.generic_points import prove_generic
from circuitgrad.proofs.records import GateProof
from circuitgrad.proofs.verdicts import Status
from circuitgrad.sources import Input, input_wire
from circuitgrad.spec import resolve_shape
from circuitgrad.wire import Array, Wire, build, known_value, topological

BUDGET = 5.0
SAMPLE_SIZE = 3
MAX_MATRIX = 40_000

Finding = tuple[Status, str, str]


@lru_cache(maxsize=4096)
def prove_declared(declared: Contraction | Declaration, order: int) -> GateProof:
    """The record of a shipped gate on its own sample."""
    return prove_wire(declared.sample(), order)


def prove_wire(wire: Wire, order: int) -> GateProof:
    """The record of the gate of a wire, for inputs of the wire's shapes but otherwise arbitrary."""
    start = time.perf_counter()
    gate = wire.gate
    if isinstance(gate, Einsum):
        finding = _contraction(gate, order)
    elif isinstance(gate, Rearrangement):
        finding = _rearrangement(wire, order)
    else:
        finding = _by_entries(_generic(wire), order)
    status, method, detail = finding
    formula, derivative = _texts(wire)
    elapsed = 1000 * (time.perf_counter() - start)
    return GateProof(
        gate.name, gate.family, order, formula, derivative, status, method, detail, (), elapsed
    )


def _texts(wire: Wire) -> tuple[str, tuple[str, ...]]:
    gate = wire.gate
    if isinstance(gate, Einsum):
        terms = []
        for k, term in enumerate(gate.operands):
            others = [t for j, t in enumerate(gate.operands) if j != k]
            terms.append(f"{','.join([gate.output, *others])}->{term}")
        return gate.subscripts, tuple(terms)
    declaration = getattr(gate, "declaration", None)
    formula = declaration.formula if isinstance(declaration, Declaration) else ""
    return formula, {
        "multilinear": ("the transposed rearrangement",),
        "selection": ("the selected entries",),
        "implicit": ("from the equation",),
        "composite": ("declared pullback",),
    }.get(gate.family, ())


# --- contractions: for every size -----------------------------------------------------------------


def _contraction(gate: Einsum, order: int) -> Finding:
    """⟨g, f(…, dx_k, …)⟩ and ⟨pullback_k(g), dx_k⟩ are the same sum of products, index by index."""
    operands = [
        input_wire(f"x{k}", tuple(f"n{x}" for x in term)) for k, term in enumerate(gate.operands)
    ]
    sizes = {x: f"n{x}" for x, _ in gate.sizes}
    if any(isinstance(axis, int) and x not in gate.output for x, axis in gate.sizes):
        return Status.UNDECIDED, "", "a summed axis that no operand carries"
    out = build(Einsum(gate.operands, gate.output, tuple(sizes.items())), tuple(operands))
    return _transposes(out, order)


def _transposes(out: Wire, order: int) -> Finding:
    grad = input_wire("g", out.shape)
    pulled = out.gate.pullback(out, grad)
    for k, part in enumerate(pulled):
        if part is None:
            return Status.REFUTED, "", f"operand {k + 1} has no gradient"
        step = input_wire(f"d{k}", out.inputs[k].shape)
        moved = [step if j == k else wire for j, wire in enumerate(out.inputs)]
        forward = _paired(build(out.gate, tuple(moved)), grad)
        backward = _paired(part, step)
        if forward is None or backward is None or forward != backward:
            return Status.UNDECIDED, "", f"the index forms of operand {k + 1} were not matched"
        if order == 2 and isinstance(part.gate, Einsum):
            status, _, detail = _transposes(_fresh(part), 1)
            if status is not Status.PROVED:
                return status, "", detail
    return Status.PROVED, "index form, every size", ""


def _fresh(wire: Wire) -> Wire:
    """The same contraction on inputs of its own."""
    inputs = tuple(input_wire(f"y{k}", source.shape) for k, source in enumerate(wire.inputs))
    return build(wire.gate, inputs)


def _paired(wire: Wire, partner: Wire) -> Any:
    """The sum over all entries of wire·partner as an index form.

    Operands with their indices, renamed.
    """
    gate = wire.gate
    if isinstance(gate, Einsum):
        factors = [*zip(wire.inputs, gate.operands, strict=True), (partner, gate.output)]
        free = dict(gate.sizes)
    elif isinstance(gate, Elementwise) and gate.name == "mul":
        letters = "".join(chr(97 + k) for k in range(wire.ndim))
        factors = [*((source, letters) for source in wire.inputs), (partner, letters)]
        free = {}
    elif isinstance(gate, Input):
        letters = "".join(chr(97 + k) for k in range(wire.ndim))
        factors, free = [(wire, letters), (partner, letters)], {}
    else:
        return None
    names: dict[str, int] = {}
    form = []
    for source, term in sorted(factors, key=lambda factor: factor[0].label):
        form.append((source.label, tuple(names.setdefault(x, len(names)) for x in term)))
    orphans = sorted(str(axis) for letter, axis in free.items() if letter not in names)
    return tuple(form), tuple(orphans)


# --- rearrangements: entry by entry -------------------------------------------------------------


def _rearrangement(wire: Wire, order: int) -> Finding:
    """The matrix of the pullback is the transpose of the matrix of the gate, entry by entry."""
    if order == 2:
        return _linear(wire)
    if any(isinstance(axis, str) for source in (wire, *wire.inputs) for axis in source.shape):
        return _by_sample(wire)
    if wire.size * max(source.size for source in wire.inputs) > MAX_MATRIX:
        return _by_sample(wire)
    generic = _generic(wire)
    for position, source in enumerate(generic.inputs):
        expected = _matrix(generic, position)
        for mode in ("reverse", "forward"):
            block = known_value(derivative_block(generic, source, mode))
            if not np.array_equal(block.reshape(expected.shape), expected):
                return (
                    Status.REFUTED,
                    "every entry",
                    f"{mode} mode differs from the gate's own matrix",
                )
    return Status.PROVED, f"every entry, shape {wire.shape}", ""


def _by_sample(wire: Wire) -> Finding:
    gate = wire.gate
    assert isinstance(gate, Rearrangement)
    sample = prove_declared(gate.declaration, 1)
    return sample.status, sample.method, sample.detail


def _matrix(wire: Wire, operand: int) -> Array:
    """The gate's own matrix by one operand, from its kernel on unit arrays."""
    shapes = tuple(tuple(map(int, s.shape)) for s in wire.inputs)
    out = tuple(map(int, wire.shape))
    kernel = wire.gate.kernel(shapes, out, wire.dtype)
    columns = []
    for position in range(wire.inputs[operand].size):
        arrays = [np.zeros(shape) for shape in shapes]
        arrays[operand].reshape(-1)[position] = 1
        columns.append(np.asarray(kernel(*arrays)).reshape(-1))
    return np.stack(columns, axis=1) if columns else np.zeros((wire.size, 0))


def _linear(wire: Wire) -> Finding:
    """The pullback does not depend on the inputs, so the second derivative is exactly zero."""
    generic = _generic(wire)
    grad = input_wire("g", generic.shape)
    parts = [part for part in generic.gate.pullback(generic, grad) if part is not None]
    if set(topological(parts)) & set(generic.inputs):
        return Status.UNDECIDED, "", "the pullback depends on the inputs"
    return Status.PROVED, "linear: exactly zero", ""


# --- selections, implicit and composite gates: entries as symbols -------------------------------


def _generic(wire: Wire) -> Wire:
    """The gate on inputs of its own, small where axes have names."""
    inputs = tuple(
        input_wire("xyzuvw"[k % 6] + ("" if k < 6 else str(k)), _small(source.shape))
        for k, source in enumerate(wire.inputs)
    )
    return build(wire.gate, inputs)


def _small(shape: Sequence[Any]) -> tuple[int, ...]:
    return tuple(SAMPLE_SIZE if isinstance(axis, str) else axis for axis in shape)


def _by_entries(wire: Wire, order: int) -> Finding:
    """The pullback of the gate against SymPy's derivative of its meaning, entries as symbols."""
    gate = wire.gate
    entries = sum(source.size for source in wire.inputs)
    limit = 4 if isinstance(gate, Selection) else 9
    if entries > limit and isinstance(gate, Composite | Selection | Implicit):
        sample = prove_declared(gate.declaration, order)
        return sample.status, sample.method, sample.detail
    if isinstance(gate, Implicit):
        generic = bool(gate.declaration.generic)
        return prove_generic(wire, order, prove_wire) if generic else _implicit(wire, order)
    if isinstance(gate, Selection) and gate.declaration.meaning is None:
        return _piecewise_constant(wire)
    known = {source.serial: entry_symbols(source, {}) for source in wire.inputs}
    values = expressions([wire], known, meaning=True)[0].reshape(-1)
    if isinstance(gate, Selection):
        return _selection(wire, order, known, values)
    return _pullback_entries(wire, order, known, values)


def _weights(shape: tuple[int, ...], name: str) -> tuple[Wire, Array]:
    wire = input_wire(name, shape)
    return wire, entry_symbols(wire, {})


def _decided(claims: Sequence[tuple[Any, Any]], method: str) -> Finding:
    for correct, declared in claims:
        verdict = decide(correct, declared, (), BUDGET)
        if verdict.status is not Status.PROVED:
            return verdict.status, verdict.method, str(verdict.counterexample or verdict.reason)
    return Status.PROVED, method, ""


def _pullback_entries(wire: Wire, order: int, known: dict[int, Array], values: Array) -> Finding:
    """Σ g ∂y/∂x = pullback(g), and for order 2 the derivative of Σ h·pullback(g)."""
    grad, weights = _weights(resolve_shape(wire.shape, {}), "g")
    pulled = wire.gate.pullback(wire, grad)
    known = known | {grad.serial: weights}
    target = sp.Add(*[g * y for g, y in zip(weights.reshape(-1), values, strict=True)])
    claims: list[tuple[Any, Any]] = []
    sizes = []
    for source, part in zip(wire.inputs, pulled, strict=True):
        symbols = known[source.serial].reshape(-1)
        firsts = [sp.diff(target, x) for x in symbols]
        sizes.append(source.shape)
        if order == 1:
            claims.extend(zip(firsts, _entries(part, known, len(firsts)), strict=True))
            continue
        claims.extend(_second(wire, source, part, firsts, known))
    return _decided(claims, f"entries as symbols, shape {' '.join(map(str, sizes))}")


def _second(
    wire: Wire, source: Wire, part: Wire | None, firsts: Sequence[Any], known: dict[int, Array]
) -> list[tuple[Any, Any]]:
    direction, steps = _weights(resolve_shape(source.shape, {}), "h")
    known = known | {direction.serial: steps}
    target = sp.Add(*[h * first for h, first in zip(steps.reshape(-1), firsts, strict=True)])
    product = None if part is None else (part * direction).sum()
    claims: list[tuple[Any, Any]] = []
    for other in wire.inputs:
        found = (None,) if product is None else reverse({product: _unit()}, (other,))
        symbols = known[other.serial].reshape(-1)
        declared = _entries(found[0], known, len(symbols))
        claims.extend((sp.diff(target, x), d) for x, d in zip(symbols, declared, strict=True))
    return claims


def _unit() -> Wire:
    one: Wire = einsum("->", sizes={})
    return one


def _entries(wire: Wire | None, known: dict[int, Array], count: int) -> list[Any]:
    if wire is None:
        return [sp.Integer(0)] * count
    return list(expressions([wire], known, meaning=True)[0].reshape(-1))


def _piecewise_constant(wire: Wire) -> Finding:
    if any(part is not None for part in wire.gate.pullback(wire, input_wire("g", wire.shape))):
        return Status.UNDECIDED, "", "a piecewise constant gate with a derivative"
    return Status.PROVED, f"piecewise constant, shape {wire.inputs[0].shape}", ""


def _selection(wire: Wire, order: int, known: dict[int, Array], values: Array) -> Finding:
    """y = Σ S·x with S constant on every open cell.

    And the pullback is Sᵀ times the upstream gradient.
    """
    gate = wire.gate
    assert isinstance(gate, Selection)
    assert gate.declaration.meaning is not None
    (source,) = wire.inputs
    if order == 2:
        return Status.PROVED, f"piecewise linear, shape {source.shape}", ""
    shares = _entries(gate.declaration.meaning(source, **gate.options), known, 0)
    if len(shares) != values.size * source.size:
        sample = prove_declared(gate.declaration, order)
        return sample.status, sample.method, sample.detail
    matrix = np.array(shares, dtype=object).reshape(values.size, source.size)
    symbols = known[source.serial].reshape(-1)
    grad, weights = _weights(resolve_shape(wire.shape, {}), "g")
    pulled = _entries(gate.pullback(wire, grad)[0], known | {grad.serial: weights}, source.size)
    claims = [
        (value, sp.Add(*(s * x for s, x in zip(row, symbols, strict=True))))
        for value, row in zip(values, matrix, strict=True)
    ]
    claims += [
        (sp.Add(*(s * g for s, g in zip(column, weights.reshape(-1), strict=True))), part)
        for column, part in zip(matrix.T, pulled, strict=True)
    ]
    return _decided(claims, f"on every open cell, shape {source.shape}")


def _implicit(wire: Wire, order: int) -> Finding:
    """dF = 0 after the pushforward is put in, and the pullback is its adjoint.

    Entries as symbols.
    """
    gate = wire.gate
    assert isinstance(gate, Implicit)
    known = {source.serial: entry_symbols(source, {}) for source in wire.inputs}
    values = expressions([wire], known)[0]
    known = known | {wire.serial: values}
    if order == 2:
        return _pullback_entries(wire, 2, known, values.reshape(-1))
    assert gate.declaration.meaning is not None
    residual = gate.declaration.meaning(*wire.inputs, wire)
    claims = [(sp.Integer(0), e) for e in _entries(residual, known, 0)]
    tangents = tuple(input_wire(f"t{k}", source.shape) for k, source in enumerate(wire.inputs))
    moved = {t.serial: entry_symbols(t, {}) for t in tangents}
    pushed = gate.pushforward(wire, tangents)
    claims += [(sp.Integer(0), e) for e in _residual_change(wire, tangents, pushed, known | moved)]
    grad, weights = _weights(resolve_shape(wire.shape, {}), "g")
    known = known | moved | {grad.serial: weights}
    forward = sp.Add(*_products(weights, _entries(pushed, known, 0)))
    parts = gate.pullback(wire, grad)
    backward = sp.Add(
        *(
            product
            for tangent, part in zip(tangents, parts, strict=True)
            for product in _products(known[tangent.serial], _entries(part, known, tangent.size))
        )
    )
    claims.append((forward, backward))
    shapes = " ".join(str(source.shape) for source in wire.inputs)
    return _decided(claims, f"substitution into dF = 0, shape {shapes}")


def _products(weights: Array, entries: Sequence[Any]) -> list[Any]:
    return [w * e for w, e in zip(weights.reshape(-1), entries, strict=True)]


def _residual_change(
    wire: Wire, tangents: Sequence[Wire], pushed: Wire | None, known: dict[int, Array]
) -> list[Any]:
    """The change of F(x, y) along (dx, dy), by SymPy: it must vanish."""
    gate = wire.gate
    assert isinstance(gate, Implicit)
    assert gate.declaration.meaning is not None
    out = input_wire("Y", wire.shape)
    symbols = entry_symbols(out, {})
    residual = gate.declaration.meaning(*wire.inputs, out)
    before = expressions([residual], known | {out.serial: symbols})[0].reshape(-1)
    steps = _entries(pushed, known, symbols.size)
    values = known[wire.serial].reshape(-1)
    place = dict(zip(symbols.reshape(-1), values, strict=True))
    changes = []
    for entry in before:
        change = sp.Add(
            *(sp.diff(entry, y) * d for y, d in zip(symbols.reshape(-1), steps, strict=True))
        )
        for source, tangent in zip(wire.inputs, tangents, strict=True):
            pairs = zip(
                known[source.serial].reshape(-1), known[tangent.serial].reshape(-1), strict=True
            )
            change += sp.Add(*(sp.diff(entry, x) * d for x, d in pairs))
        changes.append(change.subs(place, simultaneous=True))
    return changes
