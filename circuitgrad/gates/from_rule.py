"""Gates declared by a meaning and a rule: rearrangements, selections, implicit and composite gates.

Each declaration states what the gate *is* (where entries go, which are selected, the equation it
solves, the circuit it stands for) and, beside it, the rule that derivatives use; proofs compare
the two.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, ClassVar, final

from circuitgrad.errors import ShapeError
from circuitgrad.spec import Spec
from circuitgrad.wire import Gate, Kernel, Wire, build

Rule = Callable[..., Any]


@dataclass(frozen=True, eq=False)
class Declaration:
    """What a gate of these families is declared by.

    Attributes:
        name: The catalogue's name.
        family: "multilinear", "selection", "implicit" or "composite".
        glyph: The text in the picture's circle.
        infer: (inputs, **parameters) -> Spec.
        function: (*arrays, **parameters) -> array, the NumPy kernel.
        written: The same as people write it with NumPy, for code that stands alone; the kernel
            itself by default.
        traced: The same without decisions on values, for frameworks that trace functions; the
            kernel itself by default.
        prepared: (**parameters) -> the kernel, where the parameters take work that is done once.
        pullback: (out, grad, **parameters) -> one wire or None per input.
        pushforward: (out, tangents, **parameters) -> wire or None.
        meaning: selection: (*inputs, **parameters) -> the wire of 0/1 weights (shares at ties);
            implicit: (*inputs, out) -> the residual that vanishes;
            composite: (*inputs, **parameters) ->
            the circuit.
        sample: A call on representative inputs, for proofs and documentation.
        entries: selection: (*inputs, **parameters) -> a circuit with the same values away from
            ties, for formulas.
        generic: implicit: the entries of the inputs and of the output, as texts over free
            parameters that make the equation hold; for proofs where a closed form would need roots.
        formula: The meaning in words or symbols, for the gate table.
        latex: A template over the operands {0}, {1}.
        policy: The derivative taken at a tie or kink, in words.
        source: Where the definition comes from.
        moves: multilinear: (positions in the output, positions in the inputs numbered on from
            one to the next, **parameters) -> the pairs (to, from) of positions that depend on each
            other, as two arrays; for gates whose output entries are sums of input entries.
        mixed_axes: How many of the last axes an output entry depends on together, and on no other
            entry; by default those of the parameter `axes` or `axis`, else all.
        recovery: For a gate that undoes a product: which input it is linear in, and the product
            (*inputs, out) of the others with the output, which is that input again.
        flops: (*shapes of the inputs) -> the leading term of the operation count; by default 0 for
            rearrangements and one operation per entry of the largest array for the others.
    """

    name: str
    family: str
    glyph: str
    infer: Rule
    function: Rule
    pullback: Rule
    pushforward: Rule
    sample: Callable[[], Wire]
    meaning: Rule | None = None
    entries: Rule | None = None
    generic: tuple[Any, ...] = ()
    formula: str = ""
    latex: str = ""
    policy: str = ""
    source: str = ""
    moves: Rule | None = None
    mixed_axes: int | None = None
    written: Rule | None = None
    traced: Rule | None = None
    prepared: Callable[..., Kernel] | None = None
    recovery: tuple[int, Callable[..., Wire]] | None = None
    flops: Callable[..., int] | None = None

    def __call__(self, *inputs: Wire, **parameters: Any) -> Wire:
        """The gate on wires, with hashable parameters."""
        gate = _CLASSES[self.family](self, tuple(sorted(parameters.items())))
        return build(gate, inputs)


@dataclass(frozen=True)
class _RuleGate(Gate):
    declaration: Declaration
    parameters: tuple[tuple[str, Any], ...] = ()

    @property
    def name(self) -> str:  # type: ignore[override]
        return self.declaration.name

    @property
    def glyph(self) -> str:
        return self.declaration.glyph

    @property
    def options(self) -> dict[str, Any]:
        """The parameters as keywords."""
        return dict(self.parameters)

    def infer(self, inputs: tuple[Wire, ...]) -> Spec:
        spec: Spec = self.declaration.infer(inputs, **self.options)
        return spec

    def kernel(
        self, shapes: tuple[tuple[int, ...], ...], out: tuple[int, ...], dtype: Any
    ) -> Kernel:
        function, options = self.declaration.function, self.options
        reduced = options.get("axes")
        if reduced is not None and 0 in [shapes[0][axis] for axis in reduced]:
            raise ShapeError(
                f"{self.name}: an array of shape {shapes[0]}; nothing has no {self.name}."
            )
        if "shape" in options:
            options["shape"] = out  # with the sizes of named axes
        if self.declaration.prepared is not None:
            prepared: Kernel = self.declaration.prepared(**options)
            return prepared
        return (lambda *arrays: function(*arrays, **options)) if options else function

    def flops(self, shapes: tuple[tuple[int, ...], ...], out: tuple[int, ...]) -> int:
        if self.declaration.flops is not None:
            return self.declaration.flops(*shapes)
        return 0 if self.family == "multilinear" else max(map(math.prod, (*shapes, out)))

    def pullback(self, out: Wire, grad: Wire) -> tuple[Wire | None, ...]:
        return tuple(self.declaration.pullback(out, grad, **self.options))

    def pushforward(self, out: Wire, tangents: tuple[Wire | None, ...]) -> Wire | None:
        if all(tangent is None for tangent in tangents):
            return None
        result: Wire | None = self.declaration.pushforward(out, tangents, **self.options)
        return result


@final
class Rearrangement(_RuleGate):
    """A multilinear gate whose output entries are input entries or zeros.

    Reshape, index, concatenate.
    """

    family: ClassVar[str] = "multilinear"


@final
class Selection(_RuleGate):
    """A gate whose output is chosen from its inputs by a piecewise constant 0/1 map."""

    family: ClassVar[str] = "selection"


@final
class Implicit(_RuleGate):
    """A gate whose output solves an equation."""

    family: ClassVar[str] = "implicit"


@final
class Composite(_RuleGate):
    """A sub-circuit with a stable kernel and a stable derivative of its own."""

    family: ClassVar[str] = "composite"


_CLASSES: dict[str, type[_RuleGate]] = {
    gate.family: gate for gate in (Rearrangement, Selection, Implicit, Composite)
}


def parameters_of(gate: Gate) -> dict[str, Any]:
    """The parameters of a gate as keywords; empty for gates that have none."""
    return gate.options if isinstance(gate, _RuleGate) else {}


def declaration_of(gate: Gate) -> Declaration | None:
    """The declaration behind a rearrangement, selection, implicit or composite gate."""
    return gate.declaration if isinstance(gate, _RuleGate) else None
