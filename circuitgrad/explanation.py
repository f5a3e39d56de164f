"""A circuit explained in text: gate by gate, its gradients in closed form and in numbers."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Final

import numpy as np

from circuitgrad.circuits import Circuit
from circuitgrad.errors import SpecError
from circuitgrad.faces import Choice
from circuitgrad.formulas.latex import local_gradient
from circuitgrad.formulas.symbolic import expressions
from circuitgrad.formulas.text import entries_text, expression_text, name_text
from circuitgrad.gates.from_formula import Elementwise
from circuitgrad.paths import dependents
from circuitgrad.plans.evaluation import Value
from circuitgrad.plans.run import EdgeRecord, Run
from circuitgrad.sources import Constant, Input
from circuitgrad.spec import format_shape
from circuitgrad.viz.naming import wire_names
from circuitgrad.viz.numbers import format_number, short_number
from circuitgrad.wire import Wire

_DIGITS: Final = ".6g"
_MOST_ENTRIES: Final = 4
_WIDEST: Final = 300
_BLANK: Final = ""

Row = tuple[str, ...]


def table(header: Row, rows: Iterable[Row], right: Sequence[int] = ()) -> str:
    """Rows as aligned columns under a header.

    Args:
        header: One word per column.
        rows: One text per column.
        right: The columns that are aligned on the right, as numbers are.

    >>> print(table(("gate", "value"), [("a", "−2"), ("b", "10")], right=(1,)))
    gate  value
    ----  -----
    a        −2
    b        10
    """
    lines = [header, *rows]
    widths = [max(len(line[k]) for line in lines) for k in range(len(header))]
    lines.insert(1, tuple("-" * width for width in widths))
    shown = (
        "  ".join(
            cell.rjust(width) if k in right else cell.ljust(width)
            for k, (cell, width) in enumerate(zip(line, widths, strict=True))
        )
        for line in lines
    )
    return "\n".join(line.rstrip() for line in shown)


def explain(circuit: Circuit, run: Run | None = None, wrt: Choice = None) -> str:
    """The explanation of a circuit: formula, gates with local gradients, gradients by input.

    Args:
        circuit: Any circuit.
        run: Its numbers; without a run the explanation is symbolic. Backward passes are run as
            needed.
        wrt: The inputs whose gradients are told; all by default.

    >>> from circuitgrad.circuits import circuit
    >>> from circuitgrad.sources import input_wires
    >>> x, y = input_wires("x y")
    >>> c = circuit(f=x * y)
    >>> print(explain(c, c.run(x=3, y=-4)))
    f(x, y) = xy
    <BLANKLINE>
    gate           value  upstream  local gradient  downstream
    -------------  -----  --------  --------------  ----------
    f = mul(x, y)    −12         1  ∂f/∂x = y = −4          −4
                                    ∂f/∂y = x =  3           3
    <BLANKLINE>
    ∂f/∂x = y = −4
    ∂f/∂y = x = 3
    """
    chosen = circuit.choose(wrt)
    blocks = [str(circuit)]
    for name in circuit.output_names:
        blocks.append(f"Output {name_text(name)}" if len(circuit.outputs) > 1 else "")
        blocks.append(_gate_table(circuit, name, run))
        blocks.append(_gradients(circuit, name, run, chosen))
    blocks.extend(_notes(circuit, run))
    return "\n\n".join(block for block in blocks if block)


# The gates ---------------------------------------------------------------------------------------


def _gate_table(circuit: Circuit, output: str, run: Run | None) -> str:
    """Every gate that an output needs, one line per operand that depends on an input."""
    part = circuit.only(output)
    gates = [wire for wire in part.wires if wire.inputs]
    if not gates:
        return ""
    names = _shown_names(circuit)
    live = dependents(part.wires, part.inputs)
    edges = _edges(part, output, run)
    rows: list[Row] = []
    for wire in gates:
        value = _BLANK if run is None else value_text(run[wire].value)
        upstream = None if run is None else run.gradient(wire, output)
        head = (f"{names[wire]} = {_words(wire, names)}", value, _number_or_blank(upstream))
        operands = [k for k, source in enumerate(wire.inputs) if source.serial in live]
        found = [_operand(wire, k, names, edges.get((wire.serial, k))) for k in operands]
        for k, operand in enumerate(found or [(_BLANK, _BLANK, _BLANK)]):
            rows.append((*(head if k == 0 else (_BLANK,) * 3), *operand))
    return _table_of(rows, run is not None and bool(edges))


def _table_of(rows: list[Row], with_numbers: bool) -> str:
    """The gate table; its numeric columns only where there are numbers."""
    width = max(len(row[3]) for row in rows)
    digits = max(len(row[4]) for row in rows)
    joined = [
        (*row[:3], f"{row[3].ljust(width)} = {row[4].rjust(digits)}" if row[4] else row[3], row[5])
        for row in rows
    ]
    header = ("gate", "value", "upstream", "local gradient", "downstream")
    if with_numbers:
        return table(header, joined, right=(1, 2, 4))
    kept = (0, 1, 3) if any(row[1] for row in rows) else (0, 3)
    columns = [tuple(row[k] for k in kept) for row in (header, *joined)]
    return table(columns[0], columns[1:], right=(1,) if len(kept) == 3 else ())


def _edges(circuit: Circuit, output: str, run: Run | None) -> dict[tuple[int, int], EdgeRecord]:
    """The numbers along every branch, where a run and a scalar output allow a backward pass."""
    if run is None or circuit.output(output).shape:
        return {}
    run.backward(output)
    return {(edge.gate_wire.serial, edge.position): edge for edge in run.edges(output)}


def _operand(wire: Wire, position: int, names: dict[Wire, str], edge: EdgeRecord | None) -> Row:
    """The local gradient by one operand, in symbols and numbers, and the downstream gradient."""
    ratio = f"∂{names[wire]}/∂{names[wire.inputs[position]]}"
    formula = _local_text(wire, position, names)
    local = f"{ratio} = {formula}" if formula else f"{ratio}: linear map"
    if not formula and wire.gate.family != "multilinear":
        local = f"{ratio}: by the rule of {wire.gate.name}"
    if edge is None:
        return local, _BLANK, _BLANK
    return local, _number_or_blank(edge.local), value_text(edge.downstream)


def _local_text(wire: Wire, position: int, names: dict[Wire, str]) -> str:
    """The local gradient of an elementwise gate in the wires' names; empty for other families."""
    gate = wire.gate
    expression = local_gradient(wire, position)
    if expression is None or not isinstance(gate, Elementwise):
        return ""
    sources = dict(zip(gate.variables, wire.inputs, strict=True))
    renamed = {
        symbol: type(symbol)(_plain_name(sources[symbol.name], names), real=True)
        for symbol in expression.free_symbols
    }
    text = expression_text(expression.subs(renamed, simultaneous=True))
    return text if len(text) <= _WIDEST else ""


def _plain_name(wire: Wire, names: dict[Wire, str]) -> str:
    return names.get(wire, wire.label)


def _shown_names(circuit: Circuit) -> dict[Wire, str]:
    """The names of a figure with digits as subscripts; constants by their number."""
    names = {wire: name_text(name) for wire, name in wire_names(circuit).items()}
    for wire in circuit.wires:
        if isinstance(wire.gate, Constant) and wire not in names:
            data = wire.gate.data
            number = short_number(float(data)) if not wire.shape else format_shape(wire.shape)
            names[wire] = number
    return names


def _words(wire: Wire, names: dict[Wire, str]) -> str:
    """A gate with its operands, as mul(w₀, x₀)."""
    return f"{wire.gate.name}({', '.join(names[source] for source in wire.inputs)})"


# The gradients -----------------------------------------------------------------------------------


def _gradients(circuit: Circuit, output: str, run: Run | None, chosen: Sequence[Wire]) -> str:
    """The derivative of an output by every input chosen: closed form and numbers."""
    part = circuit.only(output)
    scalar = not part.outputs[0].shape
    values = run.backward(output) if run is not None and scalar else {}
    lines = []
    for source in chosen:
        derivative = part.grad(source) if scalar else part.jacobian(source)
        text = f"∂{name_text(output)}/∂{name_text(source.label)}"
        formula = _closed_form(derivative)
        lines.append(f"{text} = {formula}" if formula else f"{text}: {_shape_words(derivative)}")
        if source.label in values:
            number = value_text(values[source.label], ".10g")
            lines[-1] += "" if formula == number else f" = {number}"
    return "\n".join(lines)


def _closed_form(derivative: Circuit) -> str:
    """The formula of a derivative on one line; empty where it has named axes or is too long."""
    try:
        (entries,) = expressions(derivative.outputs)
        text = entries_text(entries)
    except (SpecError, RecursionError):  # named axes, or nested too deeply for SymPy
        return ""
    return text if len(text) <= _WIDEST else ""


def _shape_words(derivative: Circuit) -> str:
    """What is said of a derivative that is not written out."""
    shape = derivative.outputs[0].shape
    gates = sum(1 for wire in derivative.wires if wire.inputs)
    kind = f"an array {format_shape(shape)}" if shape else "a number"
    return f"{kind}, by a circuit of {gates} gates"


# Remarks and numbers -----------------------------------------------------------------------------


def _notes(circuit: Circuit, run: Run | None) -> list[str]:
    """What a reader should know: derivatives chosen at kinks, and values that are not finite."""
    policies = {
        wire.gate.name: policy
        for wire in circuit.wires
        if (policy := getattr(getattr(wire.gate, "declaration", wire.gate), "policy", ""))
    }
    notes = []
    if policies:
        told = [f"  {name}: {policy}" for name, policy in policies.items()]
        notes.append("\n".join(["Derivatives chosen at kinks", *told]))
    bad = None if run is None else run.first_nonfinite()
    if bad is not None:
        names = _shown_names(circuit)
        made = "an input" if isinstance(bad.gate, Input) else _words(bad, names)
        notes.append(f"The first value that is not finite is {names[bad]} ({made}).")
    return notes


def _number_or_blank(value: Value | None) -> str:
    return _BLANK if value is None else value_text(value)


def value_text(value: Value, pattern: str = _DIGITS) -> str:
    """A number, a short array in full, or the shape and norm of a longer one.

    >>> value_text(-0.5), value_text(np.array([1.0, 2.0])), value_text(np.ones((3, 3)))
    ('−0.5', '[1, 2]', '(3, 3), norm 3')
    """
    if not np.ndim(value):
        number = float(value)
        return format_number(number if number else 0.0, pattern)
    array = np.asarray(value)
    if array.size > _MOST_ENTRIES:
        norm = format_number(float(np.linalg.norm(array.reshape(-1))), pattern)
        return f"{format_shape(array.shape)}, norm {norm}"
    if array.ndim == 1:
        return f"[{', '.join(format_number(float(entry), pattern) for entry in array)}]"
    return f"[{', '.join(value_text(part, pattern) for part in array)}]"
