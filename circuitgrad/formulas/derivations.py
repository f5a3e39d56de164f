"""The chain rule step by step: named values forward, their gradients backward, the result."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import count

from circuitgrad.circuits import Circuit
from circuitgrad.derivatives import grad, reverse
from circuitgrad.errors import CircuitError, ShapeError, SpecError
from circuitgrad.formulas.closed_forms import circuit_matrix
from circuitgrad.formulas.latex import name_latex
from circuitgrad.formulas.matrix_styles import symbol_text
from circuitgrad.formulas.symbolic import expressions
from circuitgrad.formulas.text import expression_text
from circuitgrad.gates.from_einsum import Einsum
from circuitgrad.paths import dependents
from circuitgrad.sources import Constant, Input, constant, input_wire
from circuitgrad.spec import format_shape
from circuitgrad.wire import Wire, build, replaced, topological

MAX_STEPS = 200
_GRADIENT = "δ"


@dataclass(frozen=True)
class Step:
    """One line of a derivation.

    Attributes:
        kind: "value", "gradient" or "result".
        left: What is defined, as text.
        right: What it is, as text.
        left_latex: The same in LaTeX.
        right_latex: The same in LaTeX.
    """

    kind: str
    left: str
    right: str
    left_latex: str
    right_latex: str

    def __str__(self) -> str:
        return f"{self.left} = {self.right}"


@dataclass(frozen=True)
class Derivation:
    """The chain rule of one output by one input, a step for each named value.

    Attributes:
        steps: Values forward, gradients backward, the result.
    """

    steps: tuple[Step, ...]

    def __str__(self) -> str:
        titles = {"value": "forward", "gradient": "backward", "result": "together"}
        lines: list[str] = []
        last = ""
        for step in self.steps:
            if step.kind != last:
                lines.append(titles[step.kind])
                last = step.kind
            lines.append(f"  {step}")
        return "\n".join(lines)

    def latex(self) -> str:
        r"""The steps as an `align*` environment of amsmath.

        >>> from circuitgrad.sources import input_wire
        >>> x = input_wire("x")
        >>> print(derivation(Circuit([x], [x * x], ["f"]), "x").latex())
        \begin{align*}
        f &= x^{2} \\
        \delta_{f} = \frac{\partial f}{\partial f} &= 1 \\
        \delta_{x} = \frac{\partial f}{\partial x} &= 2 x \delta_{f} \\
        \frac{\partial f}{\partial x} &= 2 x
        \end{align*}
        """
        rows = " \\\\\n".join(f"{step.left_latex} &= {step.right_latex}" for step in self.steps)
        return f"\\begin{{align*}}\n{rows}\n\\end{{align*}}"


def derivation(circuit: Circuit, wrt: str | Wire, output: str | None = None) -> Derivation:
    """The chain rule from an output down to an input.

    Every value on the way gets a name (its label, or z₁, z₂, …) and a gradient δ, which is the sum
    over its readers of their gradients times the local gradients.

    Args:
        circuit: Any circuit with at most `MAX_STEPS` gates between.
        wrt: The input.
        output: The output; needed where there are several. It must be a scalar.

    Raises:
        ShapeError: The output is not a scalar.
        SpecError: Too many steps, or an input that is not there.

    >>> from circuitgrad.sources import input_wire
    >>> X, w, y = input_wire("X", "m n"), input_wire("w", "n"), input_wire("y", "m")
    >>> r = X @ w - y
    >>> print(derivation(Circuit([X, w, y], [r @ r], ["L"]), "w"))
    forward
      z₁ = Xw
      z₂ = z₁ − y
      L = z₂ᵀz₂
    backward
      δL = ∂L/∂L = 1
      δz₂ = ∂L/∂z₂ = 2 δL z₂
      δz₁ = ∂L/∂z₁ = δz₂
      δw = ∂L/∂w = Xᵀ δz₁
    together
      ∂L/∂w = 2Xᵀ(Xw − y)
    """
    source, target = circuit.input(wrt), circuit.output(output)
    name = circuit.output_name(output)
    if target.shape:
        raise ShapeError(
            f"derivation: {name} has shape {format_shape(target.shape)}; needed a scalar. Sum it, "
            "or choose an entry."
        )
    path = _Path(circuit, source, target, name)
    steps = [*path.values(), *path.gradients(), path.result()]
    return Derivation(tuple(steps))


def downstream_latex(wire: Wire, position: int, names: Mapping[Wire, str]) -> str:
    r"""What a gate sends back along one operand, as LaTeX in matrix notation; empty without one.

    The gradient that arrives at the gate is δ with the name of the gate's output.

    Args:
        wire: The gate's output.
        position: Which operand.
        names: The names of the gate's output and of its operands; constants need none.

    >>> from circuitgrad.sources import input_wire
    >>> W, x = input_wire("W", "m n"), input_wire("x", "n")
    >>> z = W @ x
    >>> downstream_latex(z, 0, {W: "W", x: "x", z: "z"})
    '\\delta_{z} x^\\top'
    """
    if wire not in names or wire.inputs[position] not in names:
        return ""
    try:
        sent = _sent_back(wire, position, names)
        if sent is None:
            return "0"
        inputs = [w for w in topological([sent]) if isinstance(w.gate, Input)]
        line = circuit_matrix(Circuit(inputs, [sent], ["g"]), latex=True)
    except CircuitError:
        return ""
    body, _, note = _body(line).partition(r" \qquad\text")
    return "" if "index form" in note else body


def _sent_back(wire: Wire, position: int, names: Mapping[Wire, str]) -> Wire | None:
    """The downstream gradient of an operand, in inputs of the given names and δ."""
    symbols = {
        source: input_wire(names[source], source.shape, source.dtype)
        for source in wire.inputs
        if source in names
    }
    output = input_wire(names[wire], wire.shape, wire.dtype)
    upstream = input_wire(_GRADIENT + names[wire], wire.shape, wire.dtype)
    # An operand may be read twice: the one that is asked for gets a wire of its own.
    source = wire.inputs[position]
    operand = input_wire("operand", source.shape, source.dtype)
    operands = [symbols.get(other, other) for other in wire.inputs]
    operands[position] = operand
    local = build(wire.gate, tuple(operands))
    (part,) = reverse({local: upstream}, (operand,))
    return None if part is None else replaced(part, {local: output, operand: symbols[source]})


class _Path:
    """The named values between an input and an output."""

    def __init__(self, circuit: Circuit, source: Wire, target: Wire, name: str) -> None:
        self._circuit, self._source, self._target, self._name = circuit, source, target, name
        order = topological([target])
        live = dependents(order, [source])
        chosen = [w for w in order if w.serial in live and w.inputs and _is_step(w, target)]
        if len(chosen) > MAX_STEPS:
            raise SpecError(
                f"derivation: {len(chosen)} steps from {source.label} to {name}; at most "
                f"{MAX_STEPS} are written. Take a part of the circuit."
            )
        if not any(wire is target for wire in chosen):
            chosen.append(target)  # it does not depend on the input
        self._chosen = chosen
        self._symbols = self._named(order, chosen)

    def _named(self, order: Sequence[Wire], chosen: Sequence[Wire]) -> dict[Wire, Wire]:
        """For every named value and every input, an input of that name to write formulas in."""
        taken = {wire.label for wire in self._circuit.inputs} | {self._name}
        numbers = (f"z{k}" for k in count(1))
        symbols = {wire: wire for wire in order if isinstance(wire.gate, Input)}
        for wire in chosen:
            label = wire.label if wire.label and wire.label not in taken else ""
            label = self._name if wire is self._target else label
            while not label or (label in taken and wire is not self._target):
                label = next(numbers)
            taken.add(label)
            symbols[wire] = input_wire(label, wire.shape, wire.dtype)
        return symbols

    def values(self) -> list[Step]:
        """Each named value in those before it."""
        steps = []
        for wire in self._chosen:
            text, latex = self._written(self._local(wire))
            label = self._symbols[wire].label
            steps.append(Step("value", symbol_text(label), text, name_latex(label), latex))
        return steps

    def _local(self, wire: Wire) -> Wire:
        """A value as a function of the named values before it."""
        place = {old: new for old, new in self._symbols.items() if old is not wire}
        return replaced(wire, place)

    def gradients(self) -> list[Step]:
        """The gradient of each value: the sum over its readers."""
        steps = []
        for wire in [*reversed(self._chosen), self._source]:
            found = self._gradient(wire)
            text, latex = self._written(found) if found is not None else ("0", "0")
            label, name = self._symbols[wire].label, name_latex(self._name)
            symbol = name_latex(label)
            left = f"{_GRADIENT}{symbol_text(label)} = ∂{self._name}/∂{symbol_text(label)}"
            left_latex = f"\\delta_{{{symbol}}} = \\frac{{\\partial {name}}}{{\\partial {symbol}}}"
            steps.append(Step("gradient", left, text, left_latex, latex))
        return steps

    def _gradient(self, wire: Wire) -> Wire | None:
        if wire is self._target:
            return constant(1.0, wire.dtype)
        total: Wire | None = None
        symbol = self._symbols[wire]
        for reader in self._chosen:
            local = self._local(reader)
            if reader is wire or symbol not in set(topological([local])):
                continue
            (part,) = reverse({local: self._upstream(reader)}, (symbol,))
            if part is not None:
                # A rule may use the value itself, which has a name.
                part = replaced(part, {local: self._symbols[reader]})
                total = part if total is None else total + part
        return total

    def _upstream(self, wire: Wire) -> Wire:
        symbol = self._symbols[wire]
        return input_wire(f"{_GRADIENT}{symbol.label}", wire.shape, wire.dtype)

    def result(self) -> Step:
        """The derivative in the inputs alone."""
        derived = grad(self._circuit, self._source, self._name).outputs[0]
        text, latex = self._written(derived)
        label, name = self._source.label, name_latex(self._name)
        left_latex = f"\\frac{{\\partial {name}}}{{\\partial {name_latex(label)}}}"
        return Step("result", f"∂{self._name}/∂{symbol_text(label)}", text, left_latex, latex)

    def _written(self, wire: Wire) -> tuple[str, str]:
        """A wire as text and as LaTeX, in matrix notation where it has one."""
        inputs = [w for w in topological([wire]) if isinstance(w.gate, Input)]
        target = Circuit(inputs, [wire], ["g"])
        try:
            return _body(circuit_matrix(target)), _body(circuit_matrix(target, latex=True))
        except CircuitError:
            if any(w.shape for w in topological([wire])):
                return _by_name(wire), _by_name(wire)
        (entries,) = expressions([wire])
        text = expression_text(entries[()])
        return text, text


def _is_step(wire: Wire, target: Wire) -> bool:
    """Whether a value gets a name: not what only places entries, turns a sign or scales."""
    if wire is target or wire.label:
        return True
    if isinstance(wire.gate, Einsum) and len(wire.inputs) == 1:
        return False
    if wire.gate.name == "neg":
        return False
    return not any(isinstance(source.gate, Constant) for source in wire.inputs) or (
        wire.gate.name not in ("add", "sub", "mul", "div")
    )


def _body(line: str) -> str:
    return line.partition(" = ")[2]


def _by_name(wire: Wire) -> str:
    operands = ", ".join(source.label or source.gate.name for source in wire.inputs)
    return f"{wire.gate.name}({operands})"
