"""Circuits as Python modules that need only NumPy."""

from __future__ import annotations

import ast
import contextlib
import sys
from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np

from circuitgrad.circuits import Circuit
from circuitgrad.derivatives import grad
from circuitgrad.errors import CircuitError, SpecError
from circuitgrad.formulas.closed_forms import circuit_matrix
from circuitgrad.plans.source_arrays import array_literal, definition_text
from circuitgrad.plans.source_forms import Form, Forms, constant_number
from circuitgrad.plans.source_kernels import Kernels
from circuitgrad.plans.source_names import Names
from circuitgrad.plans.source_text import (
    call,
    is_simple,
    literal,
    name,
    number,
    printed,
    quoted,
    text,
)
from circuitgrad.sources import Constant, Input
from circuitgrad.spec import FLOAT32, Axis, format_shape
from circuitgrad.wire import Array, Wire, check_name

LONGEST_LINE = 96  # with the indentation, 100
LONGEST_EXPRESSION = 84
LONGEST_PART = 60  # an operand that takes more is given a line of its own
LARGEST_HEADING = 200  # wires; the closed form of more would not be read
_INDENT = "    "
_VIEWS = {"broadcast_to", "transpose", "diagonal", "einsum", "reshape"}


def checked_input(
    name: str, value: Any, axes: tuple[Any, ...], sizes: dict[str, int], dtype: Any = np.float64
) -> Array:
    """The value as an array whose shape fits; named axes get their size where they come first."""
    array = np.asarray(value)
    if array.dtype.kind not in "fiub":
        raise ValueError(f"{name}: got dtype {array.dtype}; needed real numbers.")
    fits = array.ndim == len(axes)
    for axis, size in zip(axes, array.shape, strict=False):
        known = sizes.setdefault(axis, size) if isinstance(axis, str) else axis
        fits = fits and size == known
    if not fits:
        told = ", ".join(f"{axis} = {sizes[axis]}" for axis in axes if axis in sizes)
        needed = ", ".join(str(axis) for axis in axes)
        raise ValueError(f"{name}: got shape {array.shape}; needed ({needed}). {told}".rstrip())
    return array.astype(dtype, copy=False)


def numpy_source(circuit: Circuit, title: str | None = None, derivatives: Any = None) -> str:
    """The text of a module with one function, which computes a circuit's outputs.

    Args:
        circuit: The circuit.
        title: The function's name; by default that of the output.
        derivatives: Inputs whose gradients are computed beside the value.

    Raises:
        SpecError: A gate that cannot be written with NumPy alone; a constant that is too large.
    """
    if title is not None:
        check_name(title, "numpy_source")
    if derivatives is not None:
        circuit = _with_gradients(circuit, derivatives)
    return _Module(circuit, title).text()


def _with_gradients(circuit: Circuit, derivatives: Any) -> Circuit:
    """The circuit of a value and its gradients, which share what they have in common."""
    gradients = grad(circuit, derivatives)
    names = (*circuit.output_names, *gradients.output_names)
    return Circuit(circuit.inputs, (*circuit.outputs, *gradients.outputs), names)


class _Module:
    """The text of a module: constants and functions that are needed, then the one function."""

    def __init__(self, circuit: Circuit, title: str | None) -> None:
        self._circuit = circuit
        self._names = Names({"np", "sizes", *sys.stdlib_module_names})
        self._inputs = {w.serial: self._names.take(w.label) for w in circuit.inputs}
        only = len(circuit.outputs) == 1
        self._title = self._names.take(title or (circuit.output_names[0] if only else "values"))
        self._kernels = Kernels(self._names)
        self._forms = Forms(self._kernels, self._size)
        self._sizes: dict[str, str] = {}
        self._constants: list[str] = []
        self._lines: list[str] = []
        self._uses: dict[int, int] = {}
        self._made: dict[int, Form] = {}
        self._nodes: dict[int, ast.expr] = {}
        self._full: dict[int, ast.expr] = {}
        self._alive: list[Wire] = []

    def text(self) -> str:
        """The whole module."""
        if self._circuit.inputs:
            checker: Any = checked_input
            self._checker = self._kernels.function(checker, "_input", "", "inputs")
        if self._circuit.sized_inside:
            axis = next(a for a in self._circuit.sized_inside[0].shape if isinstance(a, str))
            raise SpecError(f"numpy_source: no input tells the size of axis '{axis}'.")
        order = self._needed()
        for wire in order:
            self._write(wire)
        function = self._function()
        imports = [f"import {module}" for module in sorted(self._kernels.imports)]
        imports += [""] if imports else []
        head = [self._heading(), "", *imports, "import numpy as np"]
        parts = ["\n".join(head)]
        if self._constants:
            parts[0] += "\n\n" + "\n".join(self._constants)
        assignments = [piece for piece in self._kernels.texts if not piece.startswith("def ")]
        texts = [piece for piece in self._kernels.texts if piece.startswith("def ")]
        if assignments:
            parts[0] += "\n\n" + "\n".join(assignments)
        return "\n\n\n".join([*parts, *texts, function]) + "\n"

    # --- wires ------------------------------------------------------------------------------------

    def _needed(self) -> list[Wire]:
        """The wires that are written, in order, each with its form and how often it is used."""
        order: list[Wire] = []
        opened: set[int] = set()
        pending = [(wire, False) for wire in reversed(self._circuit.outputs)]
        for wire in self._circuit.outputs:
            self._uses[wire.serial] = self._uses.get(wire.serial, 0) + 1
        while pending:
            wire, is_done = pending.pop()
            if is_done:
                order.append(wire)
            elif wire.serial not in opened:
                opened.add(wire.serial)
                pending.append((wire, True))
                sources = self._operands(wire)
                for source in sources:
                    self._uses[source.serial] = self._uses.get(source.serial, 0) + 1
                pending += [(source, False) for source in reversed(sources)]
        return order

    def _operands(self, wire: Wire) -> tuple[Wire, ...]:
        """The wires that a wire is written with."""
        if isinstance(wire.gate, Input | Constant):
            return ()
        form = self._made[wire.serial] = self._forms.form(wire)
        self._alive += form.operands  # some are made for the text alone
        return form.operands

    def _write(self, wire: Wire) -> None:
        """Finds the expression of a wire, and gives it a line where it needs one."""
        if wire.serial in self._inputs:
            self._nodes[wire.serial] = name(self._inputs[wire.serial])
            return
        if isinstance(wire.gate, Constant):
            self._nodes[wire.serial] = self._constant(wire)
            return
        form = self._made[wire.serial]
        self._shorten(form)
        node = form.write([self._nodes[s.serial] for s in form.operands])
        self._nodes[wire.serial] = self._full[wire.serial] = node
        is_shared = self._uses[wire.serial] > 1 and not is_simple(node)
        is_result = len(self._circuit.outputs) == 1 and self._circuit.outputs[0] is wire
        if wire.label or is_shared or (len(printed(node)) > LONGEST_PART and not is_result):
            self._assign(wire)

    def _shorten(self, form: Form) -> None:
        """Gives operands lines of their own until the whole fits into one."""
        while True:
            node = form.write([self._nodes[s.serial] for s in form.operands])
            long = [s for s in form.operands if not is_simple(self._nodes[s.serial])]
            if len(printed(node)) <= LONGEST_EXPRESSION or not long:
                return
            self._assign(max(long, key=lambda s: len(printed(self._nodes[s.serial]))))

    def _assign(self, wire: Wire) -> None:
        is_product = wire.gate.family == "multilinear" and len(wire.inputs) > 1
        title = self._names.take(wire.label or ("z" if is_product else "t"))
        node = self._short(self._nodes[wire.serial], LONGEST_LINE - len(f"{title} = "))
        self._lines += definition_text(title, node, LONGEST_LINE).split("\n")
        self._nodes[wire.serial] = name(title)

    def _short(self, node: ast.expr, room: int) -> ast.expr:
        """An expression whose longest parts have lines of their own, so that it fits into one."""
        while len(printed(node)) > room:
            parts = [
                (len(printed(part)), child, place)
                for child, place, part in _parts(node)
                if isinstance(part, ast.BinOp | ast.Call | ast.Subscript)
            ]
            if not parts:
                break
            _, child, place = max(parts, key=lambda found: found[0])
            title = self._names.take("t")
            part = self._short(child[place], LONGEST_LINE - len(f"{title} = "))
            self._lines += definition_text(title, part, LONGEST_LINE).split("\n")
            child[place] = name(title)
        return node

    def _constant(self, wire: Wire) -> ast.expr:
        found = constant_number(wire)
        if found is not None:
            return found
        gate = wire.gate
        assert isinstance(gate, Constant)
        title = self._names.take(wire.label.upper() or "CONSTANT")
        value = array_literal(gate.data, "numpy_source")
        self._constants.append(definition_text(title, value, LONGEST_LINE))
        return name(title)

    def _size(self, axis: Axis) -> ast.expr:
        if not isinstance(axis, str):
            return number(axis)
        if axis not in self._sizes:
            self._sizes[axis] = self._names.take(axis)
        return name(self._sizes[axis])

    # --- the function -----------------------------------------------------------------------------

    def _function(self) -> str:
        arguments = ", ".join(self._inputs.values())
        results = [self._short(self._result(w), LONGEST_EXPRESSION) for w in self._circuit.outputs]
        lines = [*self._docstring(), *self._checks()]
        lines += [f"{new} = sizes[{quoted(axis)}]" for axis, new in self._sizes.items()]
        lines += self._lines
        if len(results) == 1:
            lines.append(f"return {printed(results[0])}")
        else:
            pairs = zip(self._circuit.output_names, results, strict=True)
            lines += ["return {", *(f"{_INDENT}{quoted(k)}: {printed(v)}," for k, v in pairs), "}"]
        body = "\n".join(_INDENT + line if line else "" for line in lines)
        return f"def {self._title}({arguments}):\n{body}"

    def _result(self, wire: Wire) -> ast.expr:
        """The expression of an output, a number or an array that is the caller's own."""
        node = self._nodes[wire.serial]
        if not wire.shape:
            is_bare = isinstance(wire.gate, Constant | Input)
            return call(wire.dtype.name, node) if is_bare else node
        return call("array", node) if _may_alias(self._full.get(wire.serial, node)) else node

    def _checks(self) -> list[str]:
        inputs = self._circuit.inputs
        has_axes = any(isinstance(axis, str) for wire in inputs for axis in wire.shape)
        lines = ["sizes = {}"] if has_axes else []
        for wire in inputs:
            own = self._inputs[wire.serial]
            kind = {"dtype": name("np.float32")} if wire.dtype == FLOAT32 else {}
            sizes: ast.expr = name("sizes" if has_axes else "{}")
            axes = literal(tuple(wire.shape))
            node = call(name(self._checker), text(wire.label), name(own), axes, sizes, **kind)
            lines.append(f"{own} = {printed(node)}")
        return lines

    def _docstring(self) -> list[str]:
        circuit = self._circuit
        several = len(circuit.outputs) > 1
        title = "The values of " if several else "The value of "
        lines = [f'"""{title}{_words(circuit.output_names)}.', ""]
        if circuit.inputs:
            lines.append("Args:")
            for wire in circuit.inputs:
                lines.append(f"    {self._inputs[wire.serial]}: {_described(wire)}.")
            lines.append("")
        if several:
            lines.append("Returns:")
            lines.append("    A dict:")
            for key, wire in zip(circuit.output_names, circuit.outputs, strict=True):
                lines.append(f"    {escaped(quoted(key))}: {_described(wire)}.")
        else:
            lines += ["Returns:", f"    {_described(circuit.outputs[0])}."]
        if circuit.inputs:
            lines += ["", "Raises:", "    ValueError: An argument of another shape."]
        return [*lines, '"""']

    def _heading(self) -> str:
        """The module's docstring: what it computes, in matrix notation where there is one."""
        first = f'"""{_words(self._circuit.output_names)} with NumPy alone, written by circuitgrad.'
        is_short = len(self._circuit.wires) <= LARGEST_HEADING
        with contextlib.suppress(CircuitError):
            forms = escaped(circuit_matrix(self._circuit, None, False) if is_short else "")
            if forms and all(len(line) <= LONGEST_LINE for line in forms.splitlines()):
                return f'{first}\n\n{forms}\n"""'
        return f'{first}"""'


def _parts(node: ast.expr) -> Iterator[tuple[Any, Any, ast.expr]]:
    """The operands of an expression, each with the place where it can be exchanged."""
    own = vars(node)
    for place in ("left", "right", "operand", "value"):
        if isinstance(own.get(place), ast.expr):
            yield own, place, own[place]
    for group in [own.get("args"), own.get("elts")]:
        for k, part in enumerate(group or ()):
            if isinstance(part, ast.Tuple):
                yield from ((part.elts, i, inner) for i, inner in enumerate(part.elts))
            yield group, k, part


def _may_alias(node: ast.expr) -> bool:
    """Whether an array may share memory with a variable, or cannot be written to."""
    while isinstance(node, ast.Attribute | ast.Subscript | ast.Call):
        if not isinstance(node, ast.Call):
            node = node.value
        elif isinstance(node.func, ast.Attribute) and node.func.attr in _VIEWS:
            if node.func.attr == "einsum" and len(node.args) > 2:
                return False
            is_method = printed(node.func.value) != "np"
            node = node.func.value if is_method else node.args[node.func.attr == "einsum"]
            if not is_method and node is not None and not isinstance(node, ast.Name):
                return True
        else:
            return False
    return isinstance(node, ast.Name)


def _described(wire: Wire) -> str:
    kind = " of float32" if wire.dtype == FLOAT32 else ""
    shape = f"An array of shape {format_shape(wire.shape)}" if wire.shape else "A number"
    return f"{shape}{kind}"


def _words(names: Sequence[str]) -> str:
    shown = list(names) if len(names) <= 4 else [*names[:3], "…"]
    return escaped(" ".join(", ".join(shown).split()))


def escaped(words: str) -> str:
    """A text that may stand in a docstring."""
    plain = words.replace("\\", "\\\\").replace('"""', "'''")
    return "".join(c if c.isprintable() or c == "\n" else ascii(c)[1:-1] for c in plain)
