"""Circuits as functions of other frameworks: each step by the kernels that gates declare.

A kernel is a function of NumPy's names. Here the same function runs with a framework's names in
their place, so that nothing is declared twice; where a kernel decides on values, which a traced
function cannot, an elementwise gate is computed by its formula.
"""

from __future__ import annotations

import ast
import functools
import importlib.util
import math
import types
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Protocol

import numpy as np

from circuitgrad import grammar
from circuitgrad.circuits import Circuit
from circuitgrad.errors import BackendError, SpecError
from circuitgrad.gates.from_einsum import Einsum
from circuitgrad.gates.from_formula import NUMPY_FUNCTIONS, Elementwise
from circuitgrad.gates.from_rule import declaration_of, parameters_of
from circuitgrad.gates.indices import numpy_index
from circuitgrad.gates.scipy_kernels import special_function, special_kernel
from circuitgrad.gates.shapes import index_kernel, scatter_kernel
from circuitgrad.plans import source_functions
from circuitgrad.plans.evaluation import by_name
from circuitgrad.plans.source_kernels import numpy_name
from circuitgrad.sources import Constant
from circuitgrad.spec import Shape, bind_shape, resolve_shape
from circuitgrad.wire import Wire

Step = Callable[..., Any]
_DECISIONS = (ast.If, ast.IfExp, ast.While, ast.Try, ast.Raise)


class Framework(Protocol):
    """What a framework brings: its functions under NumPy's names, and a few operations.

    Attributes:
        name: What messages call it, as "to_jax".
        namespace: An object with NumPy's names.
    """

    name: str
    namespace: Any

    def constant(self, array: Any, like: Sequence[Any]) -> Any:
        """An array of the framework, of the dtype and on the device of others."""

    def placed(self, array: Any, position: Any, shape: tuple[int, ...]) -> Any:
        """Zeros with the entries of an array added at a position."""

    def taken(self, array: Any, position: Any) -> Any:
        """The entries of an array at a position."""

    def each(self, function: str) -> Step | None:
        """A function of Python's math module for arrays."""


def require(module: str, extra: str, what: str = "") -> None:
    """BackendError unless a module is installed; `what` needs it, by default to_ and the extra.

    Raises:
        BackendError: It is not; the message says what to install.
    """
    if importlib.util.find_spec(module) is None:
        raise BackendError(
            f"{what or f'to_{extra}'}: {module} is not installed. Install it with "
            f"pip install 'circuitgrad[{extra}]'."
        )


def ordered(circuit: Circuit, values: Sequence[Any], named: Mapping[str, Any]) -> list[Any]:
    """The arguments of a call in the order of the inputs."""
    return by_name(circuit.input_names, values, named)


def outputs_of(circuit: Circuit, found: Sequence[Any]) -> Any:
    """One output as it is, several as a dict by name."""
    return found[0] if len(found) == 1 else dict(zip(circuit.output_names, found, strict=True))


def special_of(special: Any, name: str) -> Step | None:
    """A function of scipy.special in a framework; erfcinv by way of the normal distribution's."""
    if name == "erfcinv" and not hasattr(special, name):
        return lambda x: special.ndtri(x / 2) / -math.sqrt(2)
    found: Step | None = getattr(special, name, None)
    return found


def derived(circuit: Circuit, kind: str, names: tuple[str, ...]) -> Circuit:
    """A derivative of a circuit ("grad", "jvp" or "vjp") by some inputs, made once."""
    key = (kind, names)
    if key not in circuit._plans:
        circuit._plans[key] = getattr(circuit, kind)(list(names))
    found: Circuit = circuit._plans[key]
    return found


@dataclass(frozen=True)
class _Line:
    """One step: what computes a wire, from which wires."""

    wire: Wire
    compute: Callable[[Sequence[Any], Mapping[str, int], Sequence[Any]], Any]


class Program:
    """A circuit as steps in a framework.

    Args:
        circuit: The circuit.
        framework: The framework.

    Raises:
        SpecError: A gate that the framework cannot compute.
    """

    def __init__(self, circuit: Circuit, framework: Framework) -> None:
        self.circuit = circuit
        self._framework = framework
        given = set(circuit.inputs)
        self._lines = [_Line(w, self._compute(w)) for w in circuit.wires if w not in given]

    def __call__(self, arrays: Sequence[Any]) -> tuple[Any, ...]:
        """The outputs for arrays of the framework.

        Raises:
            ShapeError: An array that does not fit its input.
        """
        sizes: dict[str, int] = {}
        values: dict[int, Any] = {}
        for wire, array in zip(self.circuit.inputs, arrays, strict=True):
            bind_shape(wire.label, wire.shape, tuple(array.shape), sizes)
            values[wire.serial] = array
        for line in self._lines:
            operands = [values[s.serial] for s in line.wire.inputs]
            found = line.compute(operands, sizes, arrays)
            shape = resolve_shape(line.wire.shape, sizes)
            if tuple(found.shape) != shape:
                found = self._framework.namespace.broadcast_to(found, shape)
            values[line.wire.serial] = found
        return tuple(values[wire.serial] for wire in self.circuit.outputs)

    def _compute(self, wire: Wire) -> Callable[..., Any]:
        gate = wire.gate
        framework = self._framework
        if isinstance(gate, Constant):
            data = gate.data
            return lambda operands, sizes, like: framework.constant(data, like)
        if isinstance(gate, Einsum):
            return self._contraction(gate)
        if isinstance(gate, Elementwise):
            step = self._elementwise(gate)
            return lambda operands, sizes, like: step(*operands)
        declared = declaration_of(gate)
        if declared is None:
            raise SpecError(f"{framework.name}: gate '{gate.name}' is of an unknown family.")
        options = parameters_of(gate)
        if declared.function is scatter_kernel:
            return self._scatter(options)
        if declared.function is index_kernel:
            position = numpy_index(options["key"])
            return lambda operands, sizes, like: framework.taken(operands[0], position)
        step = rebound(declared.traced or declared.function, framework, gate.name)

        def run(operands: Sequence[Any], sizes: Mapping[str, int], like: Sequence[Any]) -> Any:
            given = dict(options)
            if "shape" in given:
                given["shape"] = resolve_shape(given["shape"], sizes)
            return step(*operands, **given)

        return run

    def _elementwise(self, gate: Elementwise) -> Step:
        framework = self._framework
        if gate.function is not None:
            try:
                return rebound(gate.function, framework, gate.name)
            except SpecError:
                if not gate.formula and not gate.pieces:
                    raise
        return self._by_formula(gate)

    def _by_formula(self, gate: Elementwise) -> Step:
        framework = self._framework
        texts = [t for piece in gate.pieces for t in piece] or [gate.formula]
        functions = {
            name: _function_of(name, framework, gate.name)
            for text in (*texts, gate.at_kink or "0")
            for name in grammar.called(text)
        }

        def run(*operands: Any) -> Any:
            scope = {"pi": np.pi, "E": np.e} | dict(zip(gate.variables, operands, strict=True))
            if not gate.pieces:
                return grammar.evaluate(gate.formula, scope, functions)
            where = framework.namespace.where
            result = grammar.evaluate(gate.at_kink, scope, functions)
            for condition, formula in gate.pieces:
                held = grammar.evaluate(condition, scope, functions)
                result = where(held, grammar.evaluate(formula, scope, functions), result)
            return result

        return run

    def _scatter(self, options: Mapping[str, Any]) -> Callable[..., Any]:
        index = numpy_index(options["key"])
        shape: Shape = options["shape"]

        def run(operands: Sequence[Any], sizes: Mapping[str, int], like: Sequence[Any]) -> Any:
            return self._framework.placed(operands[0], index, resolve_shape(shape, sizes))

        return run

    def _contraction(self, gate: Einsum) -> Callable[..., Any]:
        """The einsum of what the operands carry, then ones on new axes and deltas on repeated."""
        carried = set("".join(gate.operands))
        unique = "".join(dict.fromkeys(gate.output))
        core = "".join(x for x in unique if x in carried)
        spec = f"{','.join(gate.operands)}->{core}"
        framework = self._framework
        fill = np.ones(())

        def run(operands: Sequence[Any], sizes: Mapping[str, int], like: Sequence[Any]) -> Any:
            space = framework.namespace
            size = {x: sizes[a] if isinstance(a, str) else a for x, a in gate.sizes}
            for term, operand in zip(gate.operands, operands, strict=True):
                size |= dict(zip(term, operand.shape, strict=True))
            found = framework.constant(fill, like)
            if operands:
                found = operands[0] if spec == f"{core}->{core}" else space.einsum(spec, *operands)
            for letter, _ in gate.sizes:
                if letter not in gate.output and letter not in carried:
                    found = found * float(size[letter])
            if core != unique:
                found = space.reshape(found, tuple(size[x] if x in core else 1 for x in unique))
                found = space.broadcast_to(found, tuple(size[x] for x in unique))
            return found if unique == gate.output else _on_diagonals(gate, found, size, space)

        return run


def _on_diagonals(gate: Einsum, found: Any, size: Mapping[str, int], space: Any) -> Any:
    """Entries where repeated letters of the output agree, zeros elsewhere."""
    output = gate.output
    unique = "".join(dict.fromkeys(output))
    first = [output.index(x) for x in unique]
    rank = len(output)
    shape = tuple(size[x] if k in first else 1 for k, x in enumerate(output))
    full = tuple(size[x] for x in output)
    mask = np.ones((1,) * rank, dtype=bool)
    for k, letter in enumerate(output):
        start = output.index(letter)
        if start < k:
            axes = tuple(size[letter] if place in (start, k) else 1 for place in range(rank))
            mask = mask & np.eye(size[letter], dtype=bool).reshape(axes)
    spread = space.broadcast_to(space.reshape(found, shape), full)
    return space.where(space.mask(mask), spread, 0.0)


def _function_of(name: str, framework: Framework, gate: str) -> Step:
    """A formula's function in a framework."""
    known = numpy_name(NUMPY_FUNCTIONS[name])
    found = getattr(framework.namespace, known, None) if known else framework.each(name)
    if found is None:
        raise SpecError(f"{framework.name}: the formula of gate '{gate}' calls '{name}'.")
    return found


# --- kernels under other names --------------------------------------------------------------------


def rebound(function: Any, framework: Framework, gate: str) -> Step:
    """A kernel that runs with a framework's functions.

    Raises:
        SpecError: It decides on values, or needs what the framework does not have.
    """
    known = numpy_name(function)
    if known is not None:
        return _named(known, framework, gate)
    if not isinstance(function, types.FunctionType):
        raise SpecError(
            f"{framework.name}: the kernel of gate '{gate}' is {function!r}, which has no "
            "counterpart there. Declare the gate by a formula, or by a kernel of NumPy functions."
        )
    node, _ = source_functions.definition(function, gate)
    _refuse_decisions(node, framework, gate)
    for part in ast.walk(node):
        if isinstance(part, ast.Attribute) and _is_numpy(part, function):
            _named(_dotted(part), framework, gate)  # refused here, not when it runs
    scope = source_functions.scope_of(function)
    free = source_functions.free_names(node, scope)
    for name in _special_names(node, free):
        _special(name, framework, gate)  # refused here, not when it runs
    names = {k: _translated(v, k, framework, gate) for k, v in free.items()}
    cells = function.__closure__ or ()
    closed = tuple(
        types.CellType(names.get(k, cell.cell_contents))
        for k, cell in zip(function.__code__.co_freevars, cells, strict=True)
    )
    scope_there = {"__builtins__": __builtins__, **names}
    return types.FunctionType(
        function.__code__, scope_there, function.__name__, function.__defaults__, closed
    )


def _refuse_decisions(node: ast.AST, framework: Framework, gate: str) -> None:
    """SpecError for a kernel that decides on values; on parameters it may."""
    for part in ast.walk(node):
        test = getattr(part, "test", part)
        asks_rank = any(isinstance(n, ast.Attribute) and n.attr in ("ndim", "itemsize")
                        for n in ast.walk(test))  # fmt: skip
        on_parameter = isinstance(test, ast.Name)
        if isinstance(part, _DECISIONS) and not asks_rank and not on_parameter:
            raise SpecError(
                f"{framework.name}: the kernel of gate '{gate}' decides on values, which a traced "
                "function cannot. It has no counterpart there."
            )


def _is_numpy(node: ast.Attribute, function: types.FunctionType) -> bool:
    inner: ast.expr = node
    while isinstance(inner, ast.Attribute):
        inner = inner.value
    return isinstance(inner, ast.Name) and function.__globals__.get(inner.id) is np


def _dotted(node: ast.Attribute) -> str:
    return ast.unparse(node).partition(".")[2]


def _special_names(node: ast.AST, free: Mapping[str, Any]) -> list[str]:
    """The functions of scipy.special that a kernel calls, or that its own maker was asked for."""
    if any(value is special_function for value in free.values()) and "name" in free:
        return [free["name"]]
    calls = [n for n in ast.walk(node) if isinstance(n, ast.Call) and n.args]
    return [
        str(call.args[0].value)
        for call in calls
        if isinstance(call.func, ast.Name)
        and free.get(call.func.id) is special_kernel
        and isinstance(call.args[0], ast.Constant)
    ]


def _special(name: str, framework: Framework, gate: str) -> Step:
    found = framework.each("digamma" if name == "psi" else name)
    if found is None:
        raise SpecError(
            f"{framework.name}: the kernel of gate '{gate}' uses scipy.special.{name}, which has "
            "no counterpart there."
        )
    return found


def _named(dotted: str, framework: Framework, gate: str) -> Step:
    found: Any = framework.namespace
    for part in dotted.split("."):
        found = getattr(found, part, None)
    if found is None:
        raise SpecError(
            f"{framework.name}: the kernel of gate '{gate}' uses np.{dotted}, which has no "
            "counterpart there."
        )
    return found  # type: ignore[no-any-return]


def _translated(value: Any, own: str, framework: Framework, gate: str) -> Any:
    """What stands for a free name of a kernel in a framework."""
    if value is np:
        return framework.namespace
    if value is special_function:
        return functools.partial(_special, framework=framework, gate=gate)
    known = numpy_name(value)
    if known is not None:
        return _named(known, framework, gate)
    if isinstance(value, np.ufunc):
        found = framework.each(value.__name__.split(" ")[0])
        if found is None:
            raise SpecError(f"{framework.name}: the kernel of gate '{gate}' uses '{own}'.")
        return found
    if isinstance(value, types.FunctionType):
        return rebound(value, framework, gate)
    return value
