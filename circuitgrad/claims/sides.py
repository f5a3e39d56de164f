"""The two sides of a claim: text, SymPy, circuits, wires and functions read as one thing."""

from __future__ import annotations

import inspect
import operator
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from fractions import Fraction
from typing import Any

import numpy as np
import sympy as sp

from circuitgrad import grammar
from circuitgrad.circuits import Circuit
from circuitgrad.claims.vocabulary import array_functions, axis_length, scalar_functions
from circuitgrad.errors import CircuitError, SpecError
from circuitgrad.formulas.exact_numbers import exact
from circuitgrad.formulas.from_symbolic import wire_of
from circuitgrad.formulas.symbolic import expressions, real_symbol
from circuitgrad.gates.exact_values import is_short
from circuitgrad.sources import as_wire
from circuitgrad.spec import Shape
from circuitgrad.wire import Array, Wire, replaced

NUMBERS = {"pi": (sp.pi, np.pi), "e": (sp.E, np.e)}


@dataclass(frozen=True)
class Side:
    """One side of an equation.

    Attributes:
        text: As it was given, for reports.
        wire: The circuit of it; None for scalar formulas that no gates compute.
        expression: The exact formula of a scalar, if it was given as one.
    """

    text: str
    wire: Wire | None = None
    expression: sp.Expr | None = None

    @property
    def shape(self) -> Shape:
        """The axes of the value."""
        return () if self.wire is None else self.wire.shape

    def entries(self, known: Mapping[int, Array], sizes: Mapping[str, int]) -> Array:
        """The entries as SymPy expressions.

        Args:
            known: Expressions of the inputs by serial number; the others are symbols.
            sizes: The length of every named axis.
        """
        if self.expression is not None and not known:
            return np.array(_settled(self.expression), dtype=object)
        if self.wire is None:
            raise SpecError(f"{self.text}: no gates compute it.")
        found = expressions([self.wire], known, sizes, meaning=True)[0]
        return np.vectorize(_settled, otypes=[object])(found) if found.size else found

    def readable(self) -> sp.Expr:
        """The formula of a scalar as people read it, |x| for its two cases."""
        if self.wire is None:
            return self.expression
        return expressions([self.wire])[0][()]


def read_side(given: Any, inputs: Mapping[str, Wire], what: str) -> Side:
    """One side from whatever the user brought.

    Args:
        given: Text, a SymPy expression, a circuit with one output, a function of the inputs (by
            name), a number or an array.
        inputs: The inputs of the claim by name.
        what: "claim" or "function", for messages.

    Raises:
        SpecError: A name that is no input, or something that cannot be read.
    """
    if isinstance(given, Side):
        return given
    if isinstance(given, str):
        return _read_text(given, inputs)
    if isinstance(given, sp.Basic):
        return _read_sympy(given, inputs, what)
    if isinstance(given, Circuit):
        return _read_circuit(given, inputs, what)
    if isinstance(given, Wire):
        return Side(what, given)
    if callable(given):
        return _read_function(given, inputs, what)
    if isinstance(given, int | float | np.ndarray):
        return Side(
            str(given), as_wire(given), exact(float(given)) if np.ndim(given) == 0 else None
        )
    raise SpecError(
        f"{what}: got {type(given).__name__}; needed text, a SymPy expression, a circuit, a "
        "function or a number."
    )


def _settled(expression: sp.Expr) -> sp.Expr:
    """The expression with plain conditions, and without the cases where it has no value."""
    if not expression.has(sp.Piecewise):
        return expression
    plain = expression.replace(sp.ITE, lambda c, a, b: sp.Or(sp.And(c, a), sp.And(sp.Not(c), b)))
    return plain.replace(sp.Piecewise, _with_finite_cases)


def _with_finite_cases(*cases: tuple[sp.Expr, sp.Basic]) -> sp.Expr:
    """The cases without a last one that is infinite: the value at a pole."""
    if cases[-1][0].has(sp.zoo, sp.nan, sp.oo, -sp.oo) and len(cases) > 1:
        cases = cases[:-1]
    return sp.Piecewise(*cases)


def names_of(given: Any) -> tuple[str, ...]:
    """The names that a side mentions, in order; of numbers such as pi too."""
    if isinstance(given, str):
        return grammar.names(given)
    if isinstance(given, sp.Basic):
        return tuple(sorted(symbol.name for symbol in given.free_symbols))
    if isinstance(given, Circuit):
        return given.input_names
    if callable(given) and not isinstance(given, Wire):
        return tuple(parameter.name for parameter in _parameters(given))
    return ()


def _read_text(text: str, inputs: Mapping[str, Wire]) -> Side:
    """The text over wires, and exactly over SymPy where all its names are scalars."""
    used = [name for name in grammar.names(text) if name not in NUMBERS or name in inputs]
    expression, refusal = None, None
    if all(name in inputs and not inputs[name].shape for name in used):
        try:
            expression = _exact_formula(text, inputs)
        except SpecError as error:
            refusal = error
    try:
        wire: Wire | None = _wire_of_text(text, inputs)
    except CircuitError as error:
        if expression is None:
            if refusal is not None and "@" in text:
                raise SpecError(
                    f"formula {text!r}: '@' of scalars. Give the inputs their axes, as x=\"n\" or "
                    'A="m n".'
                ) from None
            raise refusal or error from None
        wire = _wire_of_expression(expression, inputs)
    return Side(text, wire, expression if wire is None or not wire.shape else None)


def _exact_formula(text: str, inputs: Mapping[str, Wire]) -> sp.Expr:
    known = {name: exact_number for name, (exact_number, _) in NUMBERS.items()}
    symbols = {name: real_symbol(name) for name, wire in inputs.items() if not wire.shape}
    try:
        found = grammar.evaluate(text, {**known, **symbols}, scalar_functions(), _literal)
    except CircuitError:
        raise
    except ValueError as error:  # SymPy orders no complex numbers
        raise SpecError(f"formula {text!r}: {error}.") from None
    if not isinstance(found, sp.Expr):
        raise SpecError(f"formula {text!r}: it is no number. Write a formula.")
    return found


def _literal(value: int | Fraction) -> sp.Expr:
    """A number as it is written; one that is the double of π, 1/3 or the like is that number."""
    return exact(float(value)) if is_double(Fraction(value)) else _rational(value)


def is_double(value: Fraction) -> bool:
    """Whether a decimal is written with all the digits of a double, which was rounded.

    >>> is_double(Fraction("0.3989422804014327")), is_double(Fraction("0.4"))
    (True, False)
    """
    if value.denominator == 1 or abs(value) > 1e300:
        return False
    number = float(value)
    return not is_short(number) and Fraction(repr(number)) == value


def _rational(value: int | Fraction) -> sp.Expr:
    return sp.Rational(value.numerator, value.denominator)


def _wire_of_text(text: str, inputs: Mapping[str, Wire]) -> Wire:
    names = {axis for wire in inputs.values() for axis in wire.shape if isinstance(axis, str)}
    lengths = {axis: axis_length(axis) for axis in names if axis not in inputs}
    axes = {wire.serial: axis for axis, wire in lengths.items()}
    numbers = {name: as_wire(value) for name, (_, value) in NUMBERS.items()}
    entrywise = scalar_functions()
    functions = {k: _with_numbers(f, k in entrywise) for k, f in array_functions(axes).items()}
    variables = {**numbers, **lengths, **inputs}
    return as_wire(_as_number(grammar.evaluate(text, variables, functions, _Number)))


class _Number:
    """A number of a formula: an exact fraction until it meets a wire."""

    def __init__(self, value: int | Fraction) -> None:
        self.value = Fraction(value)

    @property
    def number(self) -> float | int:
        """The double that stands for it; refused where a double says something else."""
        number = float(self.value)
        if exact(number) != _rational(self.value) and not is_double(self.value):
            raise SpecError(
                f"the number {self.value} has more digits than a double. Give it as an input, or "
                "claim a formula of scalars, which is read exactly."
            )
        return int(self.value) if self.value.denominator == 1 and abs(number) < 2**31 else number

    def __neg__(self) -> _Number:
        return _Number(-self.value)

    def __pos__(self) -> _Number:
        return self


def _operation(name: str) -> Callable[[_Number, Any], Any]:
    """An operator of numbers: exact among themselves, a gate with a wire."""
    function = getattr(operator, name)

    def method(self: _Number, other: Any) -> Any:
        if not isinstance(other, _Number):
            return function(self.number, other)
        found = function(self.value, other.value)
        if isinstance(found, float | complex):  # 2**0.5 is a gate, which means the root itself
            return function(as_wire(float(self.number)), as_wire(float(other.number)))
        return _Number(found) if isinstance(found, Fraction) else found

    return method


def _reflected(name: str) -> Callable[[_Number, Any], Any]:
    function = getattr(operator, name)
    return lambda self, other: function(other, self.number)


for _name in ("add", "sub", "mul", "truediv", "pow", "lt", "le", "gt", "ge"):
    setattr(_Number, f"__{_name}__", _operation(_name))
for _name in ("add", "sub", "mul", "truediv", "pow"):
    setattr(_Number, f"__r{_name}__", _reflected(_name))


def _as_number(value: Any) -> Any:
    if isinstance(value, list):
        return [_as_number(part) for part in value]
    return value.number if isinstance(value, _Number) else value


def _with_numbers(function: Callable[..., Any], is_entrywise: bool) -> Callable[..., Any]:
    """A function that takes numbers; of numbers alone, such as sqrt(2), it makes a gate.

    A gate means the number itself, where a double is only near it.
    """

    def apply(*arguments: Any) -> Any:
        numbers = [argument for argument in arguments if isinstance(argument, _Number)]
        if numbers and len(numbers) == len(arguments) and is_entrywise:
            return function(*(as_wire(float(number.number)) for number in numbers))
        return function(*map(_as_number, arguments))

    return apply


_DOUBLE = 53  # bits


def _read_sympy(given: sp.Basic, inputs: Mapping[str, Wire], what: str) -> Side:
    if not isinstance(given, sp.Expr):
        raise SpecError(f"{what}: got {type(given).__name__}; needed a SymPy expression.")
    arrays = [s.name for s in given.free_symbols if s.name in inputs and inputs[s.name].shape]
    if arrays:
        raise SpecError(
            f"{what}: '{arrays[0]}' has axes, but stands in a SymPy expression of scalars. "
            "Give the formula as text."
        )
    place = {s: real_symbol(s.name) for s in given.free_symbols}
    doubles = {n: exact(float(n)) for n in given.atoms(sp.Float) if n._prec <= _DOUBLE}
    renamed = given.xreplace({**place, **doubles})
    return Side(str(given), _wire_of_expression(renamed, inputs), renamed)


def _wire_of_expression(expression: sp.Expr, inputs: Mapping[str, Wire]) -> Wire | None:
    """The gates of a formula of scalars; None where some function of it has none."""
    variables = {real_symbol(name): wire for name, wire in inputs.items() if not wire.shape}
    try:
        return wire_of(expression, variables)
    except (CircuitError, KeyError):
        return None


def _read_circuit(given: Circuit, inputs: Mapping[str, Wire], what: str) -> Side:
    if len(given.outputs) != 1:
        raise SpecError(
            f"{what}: the circuit has {len(given.outputs)} outputs. Choose one with "
            "circuit.only(name)."
        )
    place = {wire: inputs[wire.label] for wire in given.inputs if wire.label in inputs}
    return Side(given.output_names[0], replaced(given.outputs[0], place))


def _read_function(given: Callable[..., Any], inputs: Mapping[str, Wire], what: str) -> Side:
    name = getattr(given, "__name__", type(given).__name__)
    wanted = [parameter.name for parameter in _parameters(given)]
    missing = [n for n in wanted if n not in inputs]
    if missing:
        raise SpecError(
            f"{what} {name}: its argument '{missing[0]}' is no input of the claim "
            f"({', '.join(inputs)}). Give arguments the same names."
        )
    try:
        found = given(*(inputs[n] for n in wanted))
    except CircuitError as error:
        raise SpecError(
            f"{what} {name}: it cannot be read as a formula: {error} Use cg.check_numerically for "
            "code that decides by values."
        ) from error
    return Side(name, as_wire(found))


def _parameters(function: Callable[..., Any]) -> list[inspect.Parameter]:
    """The parameters that stand for inputs: positional, without a default."""
    try:
        listed = inspect.signature(function).parameters.values()
    except (TypeError, ValueError):
        raise SpecError(
            f"{function!r}: its arguments are unknown. Wrap it: lambda x: function(x)."
        ) from None
    kinds = (inspect.Parameter.POSITIONAL_ONLY, inspect.Parameter.POSITIONAL_OR_KEYWORD)
    return [p for p in listed if p.kind in kinds and p.default is inspect.Parameter.empty]
