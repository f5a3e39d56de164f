"""SymPy expressions as wires: the way back from formulas to gates."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from functools import lru_cache
from typing import Any

import sympy as sp

from circuitgrad import grammar
from circuitgrad.circuits import Circuit, circuit
from circuitgrad.errors import DerivativeError, SpecError
from circuitgrad.formulas.symbolic import gate_formula, real_symbol
from circuitgrad.gates import arithmetic, functions, sequences, special
from circuitgrad.gates.from_formula import Elementwise
from circuitgrad.gates.shapes import reshape, stack
from circuitgrad.sources import Constant, constant, input_wire
from circuitgrad.wire import Wire

_HEADS: Mapping[Any, Any] = {
    sp.exp: functions.exp, sp.log: arithmetic.log, sp.sin: functions.sin, sp.cos: functions.cos,
    sp.tan: functions.tan,
    sp.asin: functions.asin, sp.acos: functions.acos, sp.atan: functions.atan,
    sp.atan2: functions.atan2, sp.sinh: functions.sinh, sp.cosh: functions.cosh,
    sp.tanh: functions.tanh, sp.erf: functions.erf, sp.Abs: arithmetic.absolute,
    sp.sign: arithmetic.sign, sp.asinh: special.asinh, sp.acosh: special.acosh,
    sp.atanh: special.atanh, sp.erfc: special.erfc, sp.floor: sequences.floor,
    sp.ceiling: sequences.ceil,
    # Comparisons are numbers, 1 where they hold.
    sp.StrictGreaterThan: arithmetic.greater, sp.GreaterThan: arithmetic.greater_equal,
    sp.StrictLessThan: arithmetic.less, sp.LessThan: arithmetic.less_equal,
    sp.Equality: arithmetic.equal, sp.Unequality: arithmetic.not_equal,
    sp.Not: lambda condition: 1.0 - condition,
}  # fmt: skip
_FOLDED = {
    sp.Add: arithmetic.add,
    sp.Mul: arithmetic.mul,
    sp.Max: arithmetic.maximum,
    sp.Min: arithmetic.minimum,
    sp.And: arithmetic.minimum,
    sp.Or: arithmetic.maximum,
}


def from_sympy(expression: Any, **named: Any) -> Circuit:
    """The circuit of a SymPy expression, or of several by output name; free symbols become inputs.

    Matrices and arrays of expressions become outputs of their shape.

    Raises:
        SpecError: A function that no gate stands for.

    >>> x, y = sp.symbols("x y")
    >>> from_sympy(x * sp.exp(y))(x=2.0, y=0.0)
    2.0
    """
    outputs = dict(named) if expression is None else {"f": expression, **named}
    for found in outputs.values():
        if not isinstance(found, sp.Expr | sp.MatrixBase | sp.NDimArray):
            raise SpecError(f"from_sympy: got {found!r}; needed a SymPy expression.")
    symbols = sorted({s for e in outputs.values() for s in e.free_symbols}, key=lambda s: s.name)
    inputs = {symbol: input_wire(symbol.name) for symbol in symbols}
    wires = {name: _output(e, inputs) for name, e in outputs.items()}
    return circuit(inputs=inputs.values(), **wires)


def _output(expression: Any, inputs: Mapping[sp.Symbol, Wire]) -> Wire:
    """An expression as a scalar, a matrix or array of expressions as a wire of its shape."""
    if not isinstance(expression, sp.MatrixBase | sp.NDimArray):
        return wire_of(expression, inputs)
    entries = [wire_of(entry, inputs) for entry in sp.flatten(expression)]
    if not entries:
        raise SpecError(f"from_sympy: an array of shape {expression.shape} has no entries.")
    return reshape(stack(entries), tuple(int(n) for n in expression.shape))


def wire_of(expression: sp.Expr, variables: Mapping[Any, Wire]) -> Wire:
    """A SymPy expression as a wire, its symbols replaced by wires (and numbers that are given)."""
    found: dict[Any, Any] = dict(variables)
    for node in sp.postorder_traversal(expression):
        if node not in found:
            found[node] = _node_wire(node, found)
    result = found[expression]
    return result if isinstance(result, Wire) else constant(result)


def _node_wire(node: Any, found: Mapping[Any, Any]) -> Any:
    if node in (sp.true, sp.false):
        return constant(float(bool(node)))
    if isinstance(node, sp.Piecewise):
        result: Any = constant(math.nan)
        for pair in reversed(node.args):
            value, condition = (found[part] for part in pair.args)
            result = (
                value if pair.args[1] == sp.true else arithmetic.where(condition, value, result)
            )
        return result
    if isinstance(node, sp.functions.elementary.piecewise.ExprCondPair):
        return None  # read with the whole
    if node.is_Symbol:
        raise SpecError(f"from_sympy: symbol {node} has no wire.")
    if node.is_Integer or node.is_Float or isinstance(node, sp.NumberSymbol):
        return _number(node)
    if node.is_Rational:
        return arithmetic.div(_number(sp.Integer(node.p)), _number(sp.Integer(node.q)))
    if isinstance(node, sp.Pow):
        base, exponent = node.args
        return functions.exp(found[exponent]) if base is sp.E else found[base] ** found[exponent]
    for head, gate in _FOLDED.items():
        if isinstance(node, head):
            return _folded(node, [found[argument] for argument in node.args], gate)
    if node.func in _HEADS:
        return _HEADS[node.func](*[found[argument] for argument in node.args])
    if isinstance(node, sp.logic.boolalg.Boolean | sp.Tuple):
        raise SpecError(f"from_sympy: {type(node).__name__} has no gate. Use cg.where on wires.")
    known = sorted(head.__name__ for head in _HEADS)
    raise SpecError(
        f"from_sympy: {node.func.__name__} has no gate.{grammar.nearest(node.func.__name__, known)}"
    )


def _number(node: Any) -> Wire:
    """A number as the double that it is; a whole number must be one."""
    value = float(node)
    if node.is_Integer and (math.isinf(value) or int(value) != int(node)):
        raise SpecError(f"from_sympy: {node} has more digits than a double. Make it an input.")
    return constant(value)


def _folded(node: Any, parts: list[Wire], gate: Any) -> Wire:
    """A sum or product of many terms; a leading -1 becomes neg, a negative term sub."""
    if isinstance(node, sp.Mul) and node.args[0] == -1:
        return -_folded(sp.Integer(0), parts[1:], gate) if len(parts) > 2 else -parts[1]
    result = parts[0]
    for part in parts[1:]:
        result = gate(result, part)
    return result


def derived_partials(gate: Elementwise, inputs: Sequence[Wire]) -> tuple[Wire | float, ...]:
    """The partial derivatives of a gate that is given by its formula alone, as SymPy finds them.

    Raises:
        DerivativeError: A gate with kinks, or a formula that SymPy cannot differentiate.
    """
    if gate.pieces:
        raise DerivativeError(
            f"gate '{gate.name}': it has kinks and no declared derivative. Declare derivative=."
        )
    results: list[Wire | float] = []
    for partial in _partials(gate):
        symbols = (real_symbol(name) for name in gate.variables)
        wire = wire_of(partial, dict(zip(symbols, inputs, strict=True)))
        results.append(float(wire.gate.data) if isinstance(wire.gate, Constant) else wire)
    return tuple(results)


@lru_cache(maxsize=1024)
def _partials(gate: Elementwise) -> tuple[sp.Expr, ...]:
    symbols, formula = gate_formula(gate)
    found = tuple(sp.diff(formula, symbol) for symbol in symbols)
    unknown = (sp.Derivative, sp.Subs, sp.DiracDelta, sp.Heaviside)
    for symbol, partial in zip(symbols, found, strict=True):
        if partial.has(*unknown) or partial.has(sp.sign) or partial.has(sp.nan):
            raise DerivativeError(
                f"gate '{gate.name}': the derivative of {formula} by {symbol} is not known as a "
                "smooth "
                "formula. Declare pieces= and derivative=."
            )
    return found
