"""Formulas of a figure: the circuit's, its Jacobian's, and the local gradient of every branch."""

import re
from collections.abc import Mapping, Sequence
from typing import Final

from circuitgrad.circuits import Circuit
from circuitgrad.errors import CircuitError
from circuitgrad.formulas.closed_forms import circuit_matrix
from circuitgrad.formulas.derivations import downstream_latex
from circuitgrad.formulas.latex import local_latex as closed_form
from circuitgrad.formulas.latex import name_latex
from circuitgrad.gates.from_formula import Elementwise
from circuitgrad.viz.plain_maths import plain_text
from circuitgrad.viz.written import written_latex
from circuitgrad.wire import Wire

_LONGEST: Final = 26
_LONGEST_CHAIN: Final = 40
_FRACTION: Final = re.compile(
    r"\\frac\{(\w+)\}\{(\w(?:_\{\w+\})?(?:\^\{\w+\})?|\d+)\}"  # 1/q², but not 1/(q r)
)
_MOST_GATES: Final = 60


def local_gradient_latex(wire: Wire, position: int, names: Mapping[Wire, str]) -> str:
    """LaTeX of the local gradient of an elementwise gate; empty where it is long or not known.

    Of two ways of writing it, the shorter one is taken: SymPy's closed form, and the product of
    named gates that the gate declares.

    Args:
        wire: The gate's output.
        position: Which operand to differentiate by.
        names: The names of the wires in the figure.
    """
    if not isinstance(wire.gate, Elementwise):
        return ""
    latex = {source.serial: name_latex(names[source]) for source in wire.inputs if source in names}
    found = [
        text for text in (_closed(wire, position, latex), _declared(wire, position, latex)) if text
    ]
    best = _on_one_line(min(found, key=lambda text: len(plain_text(text)), default=""))
    return best if len(plain_text(best)) <= _LONGEST else ""


def chain_latex(wire: Wire, position: int, names: Mapping[Wire, str]) -> str:
    """LaTeX of what a gate sends back along an operand, for tensors; empty where it is long.

    Args:
        wire: The gate's output.
        position: Which operand.
        names: The names of the wires in the figure.
    """
    if not wire.shape and not wire.inputs[position].shape:
        return ""
    latex = downstream_latex(wire, position, names)
    return latex if len(plain_text(latex)) <= _LONGEST_CHAIN else ""


def _on_one_line(latex: str) -> str:
    """The formula with short fractions written with a slash."""
    return _FRACTION.sub(r"\1/\2", latex).replace("- ", "-", 1 if latex.startswith("- ") else 0)


def _closed(wire: Wire, position: int, names: Mapping[int, str]) -> str:
    """SymPy's closed form; empty where there is none."""
    try:
        return closed_form(wire, position, names) or ""
    except CircuitError:
        return ""


def _declared(wire: Wire, position: int, names: Mapping[int, str]) -> str:
    """The declared derivative, gate by gate; empty where a gate has no template."""
    try:
        partial = (wire.gate.partials(wire) or ())[position]
    except (CircuitError, IndexError):
        return ""
    return written_latex(partial, names) if isinstance(partial, Wire) else ""


def circuit_formula(circuit: Circuit) -> str:
    """LaTeX of the circuit as it was written, else in closed form; empty where there is neither.

    Args:
        circuit: At most 60 gates; the formulas of larger ones would fill pages.
    """
    if not _is_small(circuit):
        return ""
    names = {wire.serial: name_latex(wire.label) for wire in circuit.inputs}
    bodies = [written_latex(wire, names) for wire in circuit.outputs]
    arguments = ", ".join(name_latex(name) for name in circuit.input_names)
    if all(bodies) and len(bodies) == 1:
        return f"{name_latex(circuit.output_names[0])}({arguments})={bodies[0]}"
    if all(bodies):
        body = r",\; ".join(bodies)
        return rf"{_common_name(circuit)}({arguments})=\left[\,{body}\,\right]"
    try:
        tensors = any(wire.shape for wire in circuit.wires)
        return _matrix_formula(circuit) if tensors else circuit.latex()
    except CircuitError:
        return ""


def _matrix_formula(circuit: Circuit) -> str:
    """LaTeX of the outputs in matrix notation; empty where one has none."""
    lines = circuit_matrix(circuit, latex=True).splitlines()
    bodies = [line.partition(r" \qquad\text")[0] for line in lines]
    return "" if any("index form" in line for line in lines) else r",\quad ".join(bodies)


def _common_name(circuit: Circuit) -> str:
    """LaTeX of a name for all outputs: of a gradient ∇, else what they begin with, else f."""
    names = circuit.output_names
    if is_gradient(names, circuit.input_names):
        return rf"\nabla {name_latex(_differentiated(names[0]))}"
    stems = {name.rstrip("_0123456789") for name in names}
    stem = min(stems) if len(stems) == 1 else ""
    return name_latex(stem if stem and stem not in circuit.input_names else "f")


def is_gradient(outputs: Sequence[str], inputs: Sequence[str]) -> bool:
    """Whether the outputs are the derivatives of one function by every input, in order.

    Args:
        outputs: Their names, as derivatives are named: ``∂f/∂x``.
        inputs: The names of the inputs.

    >>> is_gradient(["∂f/∂x", "∂f/∂y"], ["x", "y"]), is_gradient(["f", "g"], ["x", "y"])
    (True, False)
    """
    of = _differentiated(outputs[0]) if outputs else ""
    return bool(of) and list(outputs) == [f"∂{of}/∂{name}" for name in inputs]


def _differentiated(name: str) -> str:
    """The name of the function that a first derivative is named after; empty for other names."""
    found = re.fullmatch(r"∂([^∂/]+)/∂[^∂/]+", name)
    return found[1] if found else ""


def jacobian_latex(circuit: Circuit) -> str:
    """LaTeX of the Jacobian of scalar outputs by scalar inputs, as a matrix; empty for others.

    Args:
        circuit: At most 60 gates.
    """
    wires = (*circuit.inputs, *circuit.outputs)
    if not _is_small(circuit) or not circuit.inputs or any(wire.shape for wire in wires):
        return ""
    try:
        text = circuit.jacobian(list(circuit.input_names)).latex()
    except CircuitError:
        return ""
    return text.partition("=")[2].strip()


def _is_small(circuit: Circuit) -> bool:
    """Whether a formula of the circuit can be read."""
    return sum(bool(wire.inputs) for wire in circuit.wires) <= _MOST_GATES
