"""The circuit: inputs, gates and named outputs as one immutable object with four faces."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from functools import cached_property
from typing import TYPE_CHECKING, Any, NamedTuple, TypeAlias

from circuitgrad.errors import SpecError
from circuitgrad.grammar import nearest
from circuitgrad.methods import upper_layer
from circuitgrad.sources import Input, as_wire
from circuitgrad.spec import format_shape
from circuitgrad.wire import Wire, check_name, describe, topological

if TYPE_CHECKING:
    from circuitgrad.formulas.derivations import Derivation
    from circuitgrad.plans.run import Run
    from circuitgrad.stability.forms import StableForm
    from circuitgrad.stability.measures import Accuracy
    from circuitgrad.structures.compressed import SparseDerivative
    from circuitgrad.viz.figure import Figure

Choice: TypeAlias = "str | Wire | Sequence[str | Wire] | None"


class Origin(NamedTuple):
    """What an output of a derivative is the derivative of: its rows by its columns."""

    rows: tuple[Wire, ...]
    columns: tuple[Wire, ...]
    is_symmetric: bool = False


class Circuit:
    """A function from named inputs to named outputs, as a graph of gates.

    Calling it computes the outputs; `run` keeps every value and gradient; derivatives are
    circuits again.

    Attributes:
        inputs: The input wires, in order.
        outputs: The output wires, in order.
        output_names: The name of each output.
        is_grid: Whether the one output is a Jacobian or Hessian that prints as a matrix.
        leading: For derivatives, how many axes of each output belong to what is differentiated
            (the others belong to the input); empty for other circuits.
        origins: For Jacobians and Hessians, what each output is the derivative of; empty for
            other circuits.
    """

    def __init__(
        self,
        inputs: Sequence[Wire],
        outputs: Sequence[Wire],
        output_names: Sequence[str],
        is_grid: bool = False,
        leading: Sequence[int] = (),
        origins: Sequence[Origin] = (),
    ) -> None:
        self.inputs: tuple[Wire, ...] = tuple(inputs)
        self.outputs: tuple[Wire, ...] = tuple(outputs)
        self.output_names: tuple[str, ...] = tuple(output_names)
        self.is_grid = is_grid
        self.leading: tuple[int, ...] = tuple(leading)
        self.origins: tuple[Origin, ...] = tuple(origins)
        self._plans: dict[Any, Any] = {}
        self._check()

    def _check(self) -> None:
        names = [wire.label for wire in self.inputs]
        repeated = (
            [name for name in names if names.count(name) > 1]
            if len(set(names)) < len(names)
            else []
        )
        if repeated:
            first, second = [w for w in self.inputs if w.label == repeated[0]][:2]
            raise SpecError(
                f"circuit: two inputs are named '{repeated[0]}', {format_shape(first.shape)} and "
                f"{format_shape(second.shape)}. Give each input a name of its own."
            )
        if not self.outputs:
            raise SpecError("circuit: got no output; needed at least one, as in cg.circuit(f=x*y).")
        if len(set(self.output_names)) != len(self.output_names):
            raise SpecError(f"circuit: two outputs share a name in {self.output_names}.")
        given = set(self.inputs)
        free = [w for w in _sources(self.outputs) if w not in given]
        if free:
            raise SpecError(
                f"circuit: the outputs need {describe(free[0])}, which is not among the inputs "
                f"({', '.join(names) or 'none'}). Add it to inputs=."
            )

    @cached_property
    def wires(self) -> tuple[Wire, ...]:
        """Every wire of the circuit, inputs of gates before their outputs."""
        return topological((*self.inputs, *self.outputs))

    @cached_property
    def sized_inside(self) -> tuple[Wire, ...]:
        """The wires with a named axis that no input has: their size is never known."""
        told = {axis for wire in self.inputs for axis in wire.shape}
        return tuple(
            wire
            for wire in self.wires
            if any(isinstance(axis, str) and axis not in told for axis in wire.spec.shape)
        )

    @cached_property
    def input_names(self) -> tuple[str, ...]:
        """The name of each input."""
        return tuple(wire.label for wire in self.inputs)

    def input(self, choice: str | Wire) -> Wire:
        """The input of a name (or the wire itself), or SpecError with the nearest name."""
        for wire in self.inputs:
            if wire is choice or (isinstance(choice, str) and wire.label == choice):
                return wire
        name = describe(choice) if isinstance(choice, Wire) else str(choice)
        hint = nearest(name, self.input_names)
        raise SpecError(f"circuit: no input is named '{name}'.{hint}")

    def choose(self, wrt: Choice) -> tuple[Wire, ...]:
        """The inputs named by a choice; all of them for None."""
        if wrt is None:
            return self.inputs
        if isinstance(wrt, str | Wire):
            return (self.input(wrt),)
        if not isinstance(wrt, Iterable):
            raise SpecError(f"circuit: {wrt!r} is no choice of inputs. Give names, as ['x', 'y'].")
        chosen = tuple(self.input(name) for name in wrt)
        repeated = [wire.label for k, wire in enumerate(chosen) if wire in set(chosen[:k])]
        if repeated or not chosen:
            told = f"'{repeated[0]}' is chosen twice" if repeated else "no input is chosen"
            raise SpecError(
                f"circuit: {told}. Choose from {', '.join(self.input_names)}, each once."
            )
        return chosen

    def output(self, choice: str | Wire | None = None) -> Wire:
        """The output of a name; the only output for None."""
        if choice is None and len(self.outputs) == 1:
            return self.outputs[0]
        for name, wire in zip(self.output_names, self.outputs, strict=True):
            if name == choice or wire is choice:
                return wire
        if choice is None:
            raise SpecError(
                f"circuit: it has {len(self.outputs)} outputs. Choose one of them with output=: "
                f"{', '.join(self.output_names)}."
            )
        hint = nearest(str(choice), self.output_names)
        raise SpecError(f"circuit: no output is named '{choice}'.{hint}")

    def only(self, output: str | Wire) -> Circuit:
        """The circuit of one output, with all the inputs."""
        name = self.output_name(output)
        return Circuit(self.inputs, (self.output(output),), (name,))

    def output_name(self, choice: str | Wire | None = None) -> str:
        """The name of an output; of the only one for None."""
        wire = self.output(choice)
        if isinstance(choice, str):
            return choice
        pairs = zip(self.output_names, self.outputs, strict=True)
        return next(name for name, found in pairs if found is wire)

    # --- numbers ---------------------------------------------------------------------------------

    def __call__(self, /, *values: Any, **named: Any) -> Any:
        """The outputs: one value for one output, else a dict by output name.

        Args:
            *values: Inputs by position.
            **named: Inputs by name.

        Raises:
            SpecError: An input missing, unknown or given twice.
            ShapeError: An array that does not fit its input.
        """
        return upper_layer("plans.run").evaluate(self, values, named)

    def run(self, /, *values: Any, **named: Any) -> Run:
        """The forward pass with every value kept; `.backward()` follows."""
        run: Run = upper_layer("plans.run").Run(self, values, named)
        return run

    # --- derivatives -----------------------------------------------------------------------------

    def grad(self, wrt: Choice = None, output: str | None = None) -> Circuit:
        """The gradient of a scalar output, one output per input chosen."""
        result: Circuit = upper_layer("derivatives").grad(self, wrt, output)
        return result

    def jacobian(self, wrt: Choice = None, mode: str = "reverse") -> Circuit:
        """The Jacobian: a matrix for a list of inputs, axes (output, input) for one input."""
        result: Circuit = upper_layer("derivatives").jacobian(self, wrt, mode)
        return result

    def hessian(self, wrt: Choice = None, output: str | None = None) -> Circuit:
        """The Hessian of a scalar output.

        A matrix for a list, axes (input, input) for one input.
        """
        result: Circuit = upper_layer("derivatives").hessian(self, wrt, output)
        return result

    def vjp(self, wrt: Choice = None) -> Circuit:
        """The pullback: inputs and upstream gradients to downstream gradients."""
        result: Circuit = upper_layer("derivatives").vjp(self, wrt)
        return result

    def jvp(self, wrt: Choice = None) -> Circuit:
        """The pushforward: inputs and tangents to the tangents of the outputs."""
        result: Circuit = upper_layer("derivatives").jvp(self, wrt)
        return result

    def hvp(self, wrt: Choice = None, output: str | None = None) -> Circuit:
        """The Hessian-vector product: inputs and directions to H·direction."""
        result: Circuit = upper_layer("derivatives").hvp(self, wrt, output)
        return result

    def sparse_jacobian(self, wrt: Choice = None, output: str | None = None) -> SparseDerivative:
        """The Jacobian as a function of the inputs that returns scipy.sparse arrays.

        Rows are the entries of the outputs (of one of them, if it is named), columns those of the
        inputs chosen. Which entries can be other than zero is found from the circuit.
        """
        result: SparseDerivative = upper_layer("structures.compressed").sparse_jacobian(
            self, wrt, output
        )
        return result

    def sparse_hessian(self, wrt: Choice = None, output: str | None = None) -> SparseDerivative:
        """The Hessian of a scalar output as a function that returns scipy.sparse arrays."""
        result: SparseDerivative = upper_layer("structures.compressed").sparse_hessian(
            self, wrt, output
        )
        return result

    # --- formulas, proofs, pictures --------------------------------------------------------------

    def sympy(self, **sizes: int) -> Any:
        """The closed form in SymPy: an expression, Matrix or Array.

        By output name if there are several.

        Args:
            **sizes: The size of every named axis, as `n=2`; entries become symbols x_0, x_1, …
        """
        result: Any = upper_layer("formulas.symbolic").circuit_expressions(self, sizes)
        return result

    def latex(self, **sizes: int) -> str:
        """The closed form as LaTeX, `f(x, y) = …`; several outputs as a bracketed list."""
        text: str = upper_layer("formulas.latex").circuit_latex(self, sizes)
        return text

    def matrix(self, layout: str | None = None, latex: bool = False) -> str:
        """The closed form for every size in matrix notation, a line for each output.

        Outputs of order 3 and up have none and are given in index notation, saying so.

        Args:
            layout: "numerator" or "denominator" for derivatives; by default gradients have the
                shape of the input (denominator), Jacobians the output's axes first (numerator).
            latex: LaTeX instead of text.

        Raises:
            SpecError: A gate that has no closed form for every size.
        """
        text: str = upper_layer("formulas.closed_forms").circuit_matrix(self, layout, latex)
        return text

    def index(self, layout: str | None = None) -> str:
        """The closed form for every size in index notation, a line for each output."""
        text: str = upper_layer("formulas.closed_forms").circuit_index(self, layout)
        return text

    def derivation(self, wrt: str | Wire, output: str | None = None) -> Derivation:
        """The chain rule from a scalar output down to an input, step by step; `.latex()` too."""
        found: Derivation = upper_layer("formulas.derivations").derivation(self, wrt, output)
        return found

    def accuracy(self, **ranges: Any) -> Accuracy:
        """The worst error over a range in ULP, against exact values, and where: `x=(-800, 800)`."""
        found: Accuracy = upper_layer("stability.measures").accuracy(self, **ranges)
        return found

    def stable(self, **ranges: Any) -> StableForm:
        """The numerically stable form, proved equal and measured; `.circuit` is the new circuit."""
        found: StableForm = upper_layer("stability.forms").stable(self, **ranges)
        return found

    def draw(self, **options: Any) -> Figure:
        """The figure of the circuit; values by input name give it numbers and gradients."""
        figure: Figure = upper_layer("viz.drawing").draw(self, **options)
        return figure

    def __str__(self) -> str:
        text: str = upper_layer("formulas.text").circuit_text(self)
        return text

    def __repr__(self) -> str:
        inputs = ", ".join(
            wire.label + (format_shape(wire.shape) if wire.shape else "") for wire in self.inputs
        )
        gates = sum(1 for wire in self.wires if wire.inputs)
        return f"<Circuit ({inputs}) -> {', '.join(self.output_names)}: {gates} gates>"


def _sources(outputs: Iterable[Wire]) -> list[Wire]:
    """The inputs that the outputs depend on, in order of appearance, left to right."""
    found: dict[Wire, None] = {}
    seen: set[int] = set()
    stack = list(outputs)[::-1]
    while stack:
        wire = stack.pop()
        if wire.serial in seen:
            continue
        seen.add(wire.serial)
        if isinstance(wire.gate, Input):
            found[wire] = None
        stack.extend(reversed(wire.inputs))
    return list(found)


def circuit(*outputs: Any, inputs: Iterable[Wire] | None = None, **named: Any) -> Circuit:
    """The circuit of some wires.

    Args:
        *outputs: Wires; each is named by its label, else f, g, h, …
        inputs: The input wires in order; by default those that appear, in order of appearance.
        **named: Wires by output name.

    Raises:
        SpecError: No output, a name given twice, or an input that is missing from `inputs`.

    >>> from circuitgrad.sources import input_wires
    >>> x, y = input_wires("x y")
    >>> circuit(f=x * y + y)
    <Circuit (x, y) -> f: 2 gates>
    """
    wires = [_output(wire) for wire in outputs]
    taken = {wire.label for wire in wires} | set(named)
    letters = iter(
        [c for c in "fghpqrstuvw" if c not in taken] + [f"f{k}" for k in range(len(wires))]
    )
    names = [wire.label or next(letters) for wire in wires]
    for name, wire in named.items():
        names.append(check_name(name, "output"))
        wires.append(_output(wire))
    if inputs is not None and (isinstance(inputs, Wire) or not isinstance(inputs, Iterable)):
        raise SpecError("circuit: inputs= needs a list of input wires, as inputs=[x, y].")
    order = tuple(inputs) if inputs is not None else tuple(_sources(wires))
    for wire in order:
        if not isinstance(wire, Wire) or not isinstance(wire.gate, Input):
            raise SpecError(f"circuit: {wire!r} among the inputs is not an input wire.")
    return Circuit(order, wires, names)


def _output(value: Any) -> Wire:
    if isinstance(value, Mapping | list | tuple):
        raise SpecError(
            f"circuit: an output is a {type(value).__name__}; needed a wire. Use cg.stack([…]), "
            "or give several outputs by name."
        )
    return as_wire(value)
