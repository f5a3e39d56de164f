"""Derivatives of circuits, as circuits.

Reverse and forward mode, Jacobians, Hessians and products.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import TypeVar

import numpy as np

from circuitgrad.circuits import Circuit, Origin
from circuitgrad.errors import ShapeError, SpecError
from circuitgrad.faces import Choice
from circuitgrad.gates.casting import astype
from circuitgrad.gates.from_einsum import contract, einsum
from circuitgrad.gates.from_formula import Elementwise, scaled
from circuitgrad.gates.product_reading import settled
from circuitgrad.gates.shapes import zeros
from circuitgrad.grids import Grid
from circuitgrad.paths import dependents, narrowest_cut
from circuitgrad.sources import constant, input_wire
from circuitgrad.spec import Shape, format_shape
from circuitgrad.wire import Wire, describe, topological

T = TypeVar("T")


@dataclass(frozen=True)
class Edge:
    """One wire into one gate, in a backward pass.

    Attributes:
        gate_wire: The output of the gate.
        position: Which operand of the gate this is.
        source: The wire that comes in.
        upstream: The gradient that arrives at the gate.
        local: The local gradient of an elementwise gate (a wire or a number); None for other
            families.
        downstream: Upstream times local; None for an exact zero.
    """

    gate_wire: Wire
    position: int
    source: Wire
    upstream: Wire
    local: Wire | float | None
    downstream: Wire | None


@dataclass(frozen=True)
class BackwardPass:
    """A backward pass in full: the gradient of one output by every wire, and along every edge."""

    gradients: Mapping[Wire, Wire]
    edges: tuple[Edge, ...]


def accumulate(
    wires: Sequence[Wire],
    seeds: Mapping[int, T],
    pull: Callable[[Wire, T], Iterable[T | None]],
    add: Callable[[T, T], T],
) -> dict[int, T]:
    """Reverse accumulation over any algebra.

    Gradients by serial number, contributions of a fan-out added.

    Args:
        wires: Topological order.
        seeds: The gradient of each output, by serial number.
        pull: The contributions of a wire's gate to the wire's inputs; None for nothing.
        add: The sum of two contributions.
    """
    gradients = dict(seeds)
    for wire in reversed(wires):
        gradient = gradients.get(wire.serial)
        if gradient is None or not wire.inputs:
            continue
        for source, part in zip(wire.inputs, pull(wire, gradient), strict=True):
            if part is not None:
                known = gradients.get(source.serial)
                gradients[source.serial] = part if known is None else add(known, part)
    return gradients


def reverse(seeds: Mapping[Wire, Wire], wrt: Sequence[Wire]) -> tuple[Wire | None, ...]:
    """The gradient of Σ seed·output by each wire asked for (None for an exact zero)."""
    order = topological(list(seeds))
    live = dependents(order, wrt)
    stop = {wire.serial for wire in wrt}

    def pull(wire: Wire, gradient: Wire) -> Iterable[Wire | None]:
        if wire.serial not in live or (wire.serial in stop and not _any_live(wire, live)):
            return (None,) * len(wire.inputs)
        parts = wire.gate.pullback(wire, gradient)
        return [
            part if source.serial in live else None
            for part, source in zip(parts, wire.inputs, strict=True)
        ]

    with np.errstate(all="ignore"):
        found = accumulate(order, {w.serial: s for w, s in seeds.items()}, pull, _sum)
    return tuple(_like_source(found.get(wire.serial), wire) for wire in wrt)


def _like_source(gradient: Wire | None, source: Wire) -> Wire | None:
    """A gradient in the dtype of what it is the gradient of."""
    if gradient is None or gradient.dtype == source.dtype:
        return gradient
    return astype(gradient, source.dtype)


def _any_live(wire: Wire, live: set[int]) -> bool:
    return any(source.serial in live for source in wire.inputs)


def _sum(first: Wire, second: Wire) -> Wire:
    total: Wire = first + second
    return total


def backward_pass(circuit: Circuit, output: Wire, seed: Wire | None = None) -> BackwardPass:
    """The gradient of an output (times a seed) by every wire that depends on an input.

    Edge by edge.
    """
    start = _one(output) if seed is None else seed
    live = dependents(circuit.wires, circuit.inputs)
    edges: list[Edge] = []

    def pull(wire: Wire, gradient: Wire) -> list[Wire | None]:
        if wire.serial not in live:
            return [None] * len(wire.inputs)
        locals_ = wire.gate.partials(wire)
        if isinstance(wire.gate, Elementwise) and locals_ is not None:
            parts: Sequence[Wire | None] = [scaled(gradient, part) for part in locals_]
        else:
            parts = wire.gate.pullback(wire, gradient)
        kept: list[Wire | None] = []
        for k, (source, part) in enumerate(zip(wire.inputs, parts, strict=True)):
            kept.append(part if source.serial in live else None)
            if source.serial in live:
                local = None if locals_ is None else locals_[k]
                edges.append(Edge(wire, k, source, gradient, local, part))
        return kept

    order = topological([output])
    with np.errstate(all="ignore"):
        found = accumulate(order, {output.serial: start}, pull, _sum)
    gradients = {wire: found[wire.serial] for wire in order if wire.serial in found}
    return BackwardPass(gradients, tuple(reversed(edges)))


def _one(wire: Wire) -> Wire:
    if wire.shape:
        raise ShapeError(
            f"gradient of {describe(wire)}: it is {format_shape(wire.shape)}; needed a scalar. "
            "Sum it, choose an entry, or use jacobian or vjp."
        )
    return constant(1.0, wire.dtype)


def _or_zeros(gradient: Wire | None, shape: Shape, like: Wire) -> Wire:
    return zeros(shape, like.dtype) if gradient is None else gradient


def _named(text: str) -> str:
    return text if len(text) == 1 or text.replace("_", "").isalnum() else f"({text})"


def grad(circuit: Circuit, wrt: Choice = None, output: str | None = None) -> Circuit:
    """The gradient of a scalar output by the inputs chosen (all by default), in reverse mode.

    Args:
        circuit: Any circuit.
        wrt: Names or wires of inputs.
        output: The output to differentiate; needed where there are several.

    Returns:
        A circuit with the same inputs and one output `∂f/∂x` per input chosen, of that input's
        shape.

    Raises:
        ShapeError: The output is not a scalar.
        DerivativeError: A gate's derivative is not known.

    >>> from circuitgrad.circuits import circuit
    >>> x, y = input_wire("x"), input_wire("y")
    >>> grad(circuit(f=x * x * y), "x")(x=3.0, y=2.0)
    12.0
    """
    chosen = circuit.choose(wrt)
    wire = circuit.output(output)
    name = circuit.output_name(output)
    found = reverse({wire: _one(wire)}, chosen)
    outputs = [_or_zeros(g, x.shape, x) for g, x in zip(found, chosen, strict=True)]
    names = [f"∂{_named(name)}/∂{x.label}" for x in chosen]
    return Circuit(circuit.inputs, outputs, names, leading=[0] * len(chosen))


def vjp(circuit: Circuit, wrt: Choice = None) -> Circuit:
    """The pullback: (inputs, upstream gradients of the outputs) -> downstream gradients.

    The new inputs are named `upstream` for one output, else `upstream_f`, …
    """
    chosen = circuit.choose(wrt)
    many = len(circuit.outputs) > 1
    extra = [
        new_input(circuit, f"upstream_{name}" if many else "upstream", wire)
        for name, wire in zip(circuit.output_names, circuit.outputs, strict=True)
    ]
    seeds: dict[Wire, Wire] = {}
    for wire, upstream in zip(circuit.outputs, extra, strict=True):
        seeds[wire] = _sum(seeds[wire], upstream) if wire in seeds else upstream
    found = reverse(seeds, chosen)
    outputs = [_or_zeros(g, x.shape, x) for g, x in zip(found, chosen, strict=True)]
    return Circuit((*circuit.inputs, *extra), outputs, [f"downstream_{x.label}" for x in chosen])


def new_input(circuit: Circuit, name: str, like: Wire) -> Wire:
    """An input like a wire, under a name that the circuit's inputs leave free."""
    plain = "".join(c if c.isalnum() else "_" for c in name)
    while plain in circuit.input_names:
        plain += "_"
    return input_wire(plain, like.shape, like.dtype)


def forward(outputs: Sequence[Wire], tangents: Mapping[Wire, Wire]) -> tuple[Wire | None, ...]:
    """Forward mode: the tangent of each output (None for an exact zero)."""
    order = topological([*outputs, *tangents])
    live = dependents(order, tangents)
    found: dict[int, Wire | None] = {wire.serial: t for wire, t in tangents.items()}
    with np.errstate(all="ignore"):
        for wire in order:
            if wire.serial in live and wire.serial not in found:
                moved = tuple(found.get(source.serial) for source in wire.inputs)
                found[wire.serial] = wire.gate.pushforward(wire, moved)
    return tuple(found.get(wire.serial) for wire in outputs)


def jvp(circuit: Circuit, wrt: Choice = None) -> Circuit:
    """The pushforward: (inputs, `tangent_x` for each input chosen) -> tangents of the outputs."""
    chosen = circuit.choose(wrt)
    extra = [new_input(circuit, f"tangent_{x.label}", x) for x in chosen]
    found = forward(circuit.outputs, dict(zip(chosen, extra, strict=True)))
    outputs = [_or_zeros(t, w.shape, w) for t, w in zip(found, circuit.outputs, strict=True)]
    names = [f"tangent_{name}" for name in circuit.output_names]
    return Circuit((*circuit.inputs, *extra), outputs, names)


def hvp(circuit: Circuit, wrt: Choice = None, output: str | None = None) -> Circuit:
    """The Hessian-vector product: (inputs, a `direction_x` for each input chosen) -> H·direction.

    Raises:
        ShapeError: The output is not a scalar.

    Source:
        Pearlmutter, Neural Computation 6 (1994) 147, forward over reverse.
    """
    chosen = circuit.choose(wrt)
    gradient = grad(circuit, chosen, output)
    extra = [new_input(circuit, f"direction_{x.label}", x) for x in chosen]
    found = forward(gradient.outputs, dict(zip(chosen, extra, strict=True)))
    outputs = [_or_zeros(t, x.shape, x) for t, x in zip(found, chosen, strict=True)]
    return Circuit((*circuit.inputs, *extra), outputs, [f"hvp_{x.label}" for x in chosen])


def delta(shape: Shape, like: Wire) -> Wire:
    """The symbolic identity of a shape, axes (shape, shape): never a matrix, only equal indices."""
    letters = "abcdefghijklmnopqrstuvwxyz"[: len(shape)]
    if not shape:
        return constant(1.0, like.dtype)
    sizes = dict(zip(letters, shape, strict=True))
    return einsum(f"->{letters}{letters}", sizes=sizes, dtype=like.dtype)


def derivative_block(
    output: Wire, source: Wire, mode: str = "reverse", sizes: Mapping[str, int] | None = None
) -> Wire:
    """The derivative of one wire by another, axes (output, source).

    From one pass with a symbolic delta; in mixed mode from two, which meet at the narrowest wire
    that all paths pass (reverse mode where there is none).

    Source:
        Griewank & Walther, Evaluating Derivatives (2008), chapter 10.
    """
    if mode not in ("reverse", "forward", "mixed"):
        raise SpecError(f"jacobian: mode {mode!r}; needed 'reverse', 'forward', 'mixed' or 'auto'.")
    cut = narrowest_cut(output, source, sizes or {}) if mode == "mixed" else None
    if cut is not None:
        return _mixed(output, source, cut)
    if mode == "forward":
        (found,) = forward((output,), {source: delta(source.shape, source)})
        if found is not None:
            rank = source.ndim
            order = (*range(rank, found.ndim), *range(rank))
            found = found.transpose(order) if found.ndim > rank or rank > 1 else found
    else:
        (found,) = reverse({output: delta(output.shape, output)}, (source,))
    return settled(_or_zeros(found, (*output.shape, *source.shape), output), output.ndim)


def _mixed(output: Wire, source: Wire, cut: Wire) -> Wire:
    """Reverse mode from the output down to the cut times forward mode from the source up to it."""
    above, below = derivative_block(output, cut), derivative_block(cut, source, "forward")
    rank = output.ndim + cut.ndim
    axes = dict(enumerate((*above.shape, *source.shape)))
    rows, middle = tuple(range(output.ndim)), tuple(range(output.ndim, rank))
    columns = tuple(range(rank, rank + source.ndim))
    return contract([(above, rows + middle), (below, middle + columns)], rows + columns, axes)


def jacobian(
    circuit: Circuit,
    wrt: Choice = None,
    mode: str = "reverse",
    sizes: Mapping[str, int] | None = None,
) -> Circuit:
    """The Jacobian, by one backward (or forward) pass per output with a symbolic delta.

    Args:
        circuit: Any circuit.
        wrt: One input: each output's derivative has the axes (output, input), as in JAX. A list
            (all inputs by default): one matrix `J`, a row for every entry of the outputs, a
            column for every entry of the inputs.
        mode: "reverse", "forward" or "mixed": forward from the input up to the narrowest wire that
            all paths pass, reverse from the output down to it, and the product of both.
        sizes: The sizes of named axes, which "mixed" needs.

    >>> from circuitgrad.circuits import circuit
    >>> x, y = input_wire("x"), input_wire("y")
    >>> print(jacobian(circuit(f=x**2 * y, g=5 * x), ["x", "y"]))
    J(x, y) = [[2xy, x²], [5, 0]]
    """
    chosen = circuit.choose(wrt)
    if isinstance(wrt, str | Wire):
        (source,) = chosen
        blocks = [derivative_block(out, source, mode, sizes) for out in circuit.outputs]
        names = [f"∂{_named(name)}/∂{source.label}" for name in circuit.output_names]
        leading = [out.ndim for out in circuit.outputs]
        origins = [Origin((out,), chosen) for out in circuit.outputs]
        return Circuit(circuit.inputs, blocks, names, len(blocks) == 1, leading, origins)
    cells = [
        [
            (f"∂{_named(name)}/∂{x.label}", derivative_block(out, x, mode, sizes), out.ndim)
            for x in chosen
        ]
        for name, out in zip(circuit.output_names, circuit.outputs, strict=True)
    ]
    return Grid(circuit.inputs, cells, "J", Origin(circuit.outputs, chosen))


def hessian(circuit: Circuit, wrt: Choice = None, output: str | None = None) -> Circuit:
    """The Hessian of a scalar output: the Jacobian of its gradient.

    Args:
        circuit: Any circuit.
        wrt: One input: axes (input, input). A list (all inputs by default): one matrix `H` over
            all entries.
        output: The output to differentiate; needed where there are several.

    Raises:
        ShapeError: The output is not a scalar.

    >>> from circuitgrad.circuits import circuit
    >>> x, y = input_wire("x"), input_wire("y")
    >>> print(hessian(circuit(f=x**2 * y)))
    H(x, y) = [[2y, 2x], [2x, 0]]
    """
    chosen = circuit.choose(wrt)
    gradient = grad(circuit, chosen, output)
    if isinstance(wrt, str | Wire):
        block = derivative_block(gradient.outputs[0], chosen[0])
        name = (
            gradient.output_names[0]
            .replace("∂", "∂²", 1)
            .replace(f"∂{chosen[0].label}", f"∂{chosen[0].label}²")
        )
        leading = [chosen[0].ndim]
        origins = [Origin(gradient.outputs, chosen, True)]
        return Circuit(circuit.inputs, [block], [name], True, leading, origins)
    told = _named(circuit.output_name(output))
    cells = [
        [
            (
                f"∂²{told}/∂{x.label}²" if x is y else f"∂²{told}/∂{x.label}∂{y.label}",
                derivative_block(out, y),
                out.ndim,
            )
            for y in chosen
        ]
        for x, out in zip(chosen, gradient.outputs, strict=True)
    ]
    return Grid(circuit.inputs, cells, "H", Origin(gradient.outputs, chosen, True))
