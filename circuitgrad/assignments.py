"""Texts of the command line: circuits as formulas, values as NAME=VALUE, shapes as NAME=AXES."""

from __future__ import annotations

import math
import re
from collections.abc import Callable, Iterable, Mapping
from fractions import Fraction
from typing import Any, TypeVar

from circuitgrad import grammar
from circuitgrad.circuits import Circuit, circuit
from circuitgrad.errors import CircuitError, SpecError
from circuitgrad.numpy_protocol import formula_functions
from circuitgrad.sources import input_wire
from circuitgrad.spec import Shape, parse_shape
from circuitgrad.wire import Wire, check_name

T = TypeVar("T")

CONSTANTS: Mapping[str, float] = {"pi": math.pi, "e": math.e, "inf": math.inf, "nan": math.nan}
_DEFINITION = re.compile(r"\s*([^\W\d]\w*)\s*=(?!=)(.*)", re.DOTALL)
_BRACKETS = {"(": 1, "[": 1, ")": -1, "]": -1}


def split_outside(text: str, separator: str) -> list[str]:
    """The parts of a text between separators that stand outside all brackets.

    >>> split_outside("x=[1,2],y=3", ",")
    ['x=[1,2]', 'y=3']
    """
    parts, depth = [""], 0
    for character in text:
        depth += _BRACKETS.get(character, 0)
        if character == separator and depth <= 0:
            parts.append("")
        else:
            parts[-1] += character
    return parts


def parse_circuit(text: str, shapes: Mapping[str, Shape] | None = None) -> Circuit:
    """The circuit of a text: one formula or several separated by `;`, each perhaps named `f = …`.

    A formula may use the outputs that are named before it. All other names are inputs.

    Args:
        text: As "x**2*y" or "f = x**2*y; g = 5*x + sin(y)".
        shapes: The axes of inputs that are not scalars.

    Raises:
        SpecError: Not a formula, an unknown function, a name given twice, or a shape of no input.

    >>> print(parse_circuit("z = w*x + b; f = tanh(z)"))
    z(w, x, b) = b + wx
    f(w, x, b) = tanh(b + wx)
    """
    shapes = shapes or {}
    outputs: dict[str, Any] = {}
    inputs: dict[str, Wire] = {}
    for name, formula in _named_formulas(text):
        for variable in grammar.names(formula):
            if variable not in outputs and variable not in CONSTANTS:
                shape = shapes.get(variable, ())
                inputs.setdefault(variable, input_wire(variable, shape))
        if name in inputs:
            raise SpecError(f"formula: '{name}' is used before it is defined. Define it first.")
        known = {"pi": math.pi, "e": math.e, **inputs, **outputs}
        outputs[name] = grammar.evaluate(formula, known, _functions())
    for name in shapes:
        if name not in inputs:
            raise SpecError(f"shape: no input is named '{name}'.{grammar.nearest(name, inputs)}")
    return circuit(inputs=inputs.values(), **outputs)


def _named_formulas(text: str) -> list[tuple[str, str]]:
    """The outputs of a text with their names: those given, else f, or f1, f2 and so on."""
    parts = [part for part in split_outside(text, ";") if part.strip()]
    if not parts:
        raise SpecError(f"formula: got {text!r}; needed text such as 'x*y + sin(x)'.")
    named: dict[str, str] = {}
    for count, part in enumerate(parts, start=1):
        match = _DEFINITION.fullmatch(part)
        name, formula = match.groups() if match else (_free_name(part, count, len(parts)), part)
        if name in named:
            raise SpecError(f"formula: '{name}' is defined twice. Give each output its own name.")
        named[name] = formula
    return list(named.items())


def _free_name(formula: str, count: int, total: int) -> str:
    """The name of an output that has none: f, or another letter where the formula uses f itself."""
    used = grammar.names(formula)
    letters = [letter if total == 1 else f"{letter}{count}" for letter in "fghF"]
    return next((name for name in letters if name not in used), f"output{count}")


def _functions() -> dict[str, Callable[..., Any]]:
    """What a formula may call; axes and sizes among the arguments arrive as whole numbers."""
    return {name: _with_integers(function) for name, function in formula_functions().items()}


def _with_integers(function: Callable[..., Any]) -> Callable[..., Any]:
    return lambda *arguments: function(*map(_integer, arguments))


def _integer(value: Any) -> Any:
    if isinstance(value, list):
        return [_integer(item) for item in value]
    is_whole = isinstance(value, float) and value.is_integer() and abs(value) < 2**31
    return int(value) if is_whole else value


def parse_values(texts: Iterable[str]) -> dict[str, Any]:
    """Values by input name, from texts such as "w=2,x=[1,-1/2],A=[[1,0],[0,1]]".

    A value is a number, arithmetic on numbers (with pi, e, inf and nan), or a list of these in
    brackets.

    Raises:
        SpecError: A pair without `=`, a name given twice, or a value that is not made of numbers.

    >>> parse_values(["w=2,x=[1,-1/2]", "b=1e-3"])
    {'w': 2.0, 'x': [1.0, -0.5], 'b': 0.001}
    """
    return _pairs(texts, "value", "NAME=VALUE, as in w=2,x=[1,2,3]", _number)


def _number(name: str, text: str) -> Any:
    try:
        value = grammar.evaluate(text, CONSTANTS, {}, _exact_float)
    except CircuitError:
        value = None
    if not _is_numeric(value):
        raise SpecError(
            f"value of '{name}': got {text!r}; needed a number or a list of numbers, "
            f"as in {name}=0.5 or {name}=[1,2,3]."
        )
    return value


def _exact_float(value: int | Fraction) -> float:
    return float(value)


def _is_numeric(value: Any) -> bool:
    """Whether a value is a number or nested lists of numbers."""
    pending = [value]
    while pending:
        item = pending.pop()
        if isinstance(item, list):
            pending.extend(item)
        elif not isinstance(item, float):
            return False
    return not (isinstance(value, list) and not value)


def parse_shapes(texts: Iterable[str]) -> dict[str, Shape]:
    """Shapes by input name, from texts such as "x=n,A=m,n": axes are sizes or names.

    Raises:
        SpecError: A pair without `=`, a name given twice, or an axis that is neither size nor name.

    >>> parse_shapes(["x=n,A=m,n", "b=3"])
    {'x': ('n',), 'A': ('m', 'n'), 'b': (3,)}
    """
    needed = "NAME=AXES, as in x=n,A=m,n"
    return _pairs(texts, "shape", needed, lambda name, text: parse_shape(text.strip("[] ")))


def _pairs(
    texts: Iterable[str], what: str, needed: str, read: Callable[[str, str], T]
) -> dict[str, T]:
    """The NAME=… pairs of all texts; a part without `=` belongs to the pair before it."""
    found: dict[str, T] = {}
    for text in texts:
        pending: list[list[str]] = []
        for part in split_outside(text, ","):
            name, equals, rest = part.partition("=")
            if equals:
                pending.append([name.strip(), rest.strip()])
            elif pending and part.strip() and what == "shape":
                pending[-1][1] += f",{part}"
            elif part.strip() or not pending:
                raise SpecError(f"{what}: got {part.strip()!r} in {text!r}; needed {needed}.")
        for name, rest in pending:
            if check_name(name, f"{what} '{name}={rest}'") in found:
                raise SpecError(f"{what}: '{name}' is given twice. Give it once.")
            found[name] = read(name, rest)
    return found
