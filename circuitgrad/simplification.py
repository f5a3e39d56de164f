"""Rewriting rules to numerically stable forms, one line each; `circuitgrad.rewriting` applies them.

A rule says that two formulas are equal; that it is true is an obligation, discharged by
`circuitgrad.stability` before a rewritten circuit is handed out. Rules apply to arrays entry by
entry, those at the end to sums over axes.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from fractions import Fraction
from functools import cache, cached_property
from typing import Any, Final

from circuitgrad import grammar
from circuitgrad.gates import arithmetic, contractions, functions, reductions, special
from circuitgrad.gates.from_einsum import Einsum
from circuitgrad.gates.from_rule import parameters_of
from circuitgrad.numpy_protocol import formula_functions
from circuitgrad.sources import Constant, as_wire, constant, input_wire
from circuitgrad.wire import Array, Wire, known_value


@dataclass(frozen=True)
class Rule:
    """An equality that is used from left to right.

    Attributes:
        left: The formula that is replaced; every name stands for any value.
        right: The stable formula.
        shapes: The axes of the names, where the rule is about arrays.
        apply: The right side for a wire that has the form of the left side, else None; by default
            the two texts say it.
        source: Where the form comes from.
    """

    left: str
    right: str
    shapes: tuple[tuple[str, str], ...] = ()
    apply: Callable[[Wire], Wire | None] | None = None
    source: str = ""

    def __str__(self) -> str:
        return f"{self.left} = {self.right}"

    def _side(self, text: str, number: Callable[[int | Fraction], Any] = float) -> Wire:
        shapes = dict(self.shapes)
        names = {name: input_wire(name, shapes.get(name, "")) for name in grammar.names(text)}
        return as_wire(grammar.evaluate(text, names, _vocabulary(), number))

    @cached_property
    def pattern(self) -> Wire:
        """The left side as a wire; its inputs are placeholders."""
        return self._side(self.left)

    @cached_property
    def result(self) -> Wire:
        """The right side as a wire; its inputs are placeholders."""
        # Numbers as wires, so that exp(-2) stays exp(-2) and is no rounded number.
        return self._side(self.right, lambda value: constant(float(value)))


@cache
def _vocabulary() -> Mapping[str, Callable[..., Wire]]:
    """What rules may call: what formulas may, and gates that stand behind derivatives."""
    own = (functions.sech_squared, special.bessel_1)
    return {**formula_functions(), **{gate.name: gate for gate in own}}


def number_of(wire: Wire) -> float | None:
    """The number of a constant, or of one that was repeated along axes."""
    if isinstance(wire.gate, Einsum) and len(wire.inputs) == 1 and wire.gate.is_structural:
        letters = wire.gate.output
        if len(set(letters)) < len(letters):
            return None
        wire = wire.inputs[0]
    if type(wire.gate) is not Constant or wire.shape:
        return None
    value: Array = known_value(wire)
    return float(value)


def _constant_factor(wire: Wire) -> Wire | None:
    """-(c*x) as (-c)*x."""
    if wire.gate is not arithmetic.neg or wire.inputs[0].gate is not arithmetic.mul:
        return None
    factor, other = wire.inputs[0].inputs
    number = number_of(factor)
    return None if number is None else arithmetic.mul(constant(-number, wire.dtype), other)


def _summed(wire: Wire) -> tuple[Wire, tuple[int, ...], bool] | None:
    """What is summed, over which axes, and whether they are kept with length 1."""
    gate = wire.gate
    if not isinstance(gate, Einsum) or len(gate.operands) != 1:
        return None
    (letters,) = gate.operands
    axes = tuple(k for k, letter in enumerate(letters) if letter not in gate.output)
    kept = [letter for letter in gate.output if letter in letters]
    if not axes or len(set(letters)) < len(letters) or kept != [x for x in letters if x in kept]:
        return None
    new = [k for k, letter in enumerate(gate.output) if letter not in letters]
    if new and (tuple(new) != axes or any(wire.shape[k] != 1 for k in new)):
        return None
    return wire.inputs[0], axes, bool(new)


def _log_of_sum(wire: Wire) -> Wire | None:
    summed = _summed(wire.inputs[0]) if wire.gate is arithmetic.log else None
    if summed is None or summed[0].gate is not functions.exp:
        return None
    weights, axes, keepdims = summed
    if 0 in weights.shape:
        return None  # the empty sum has a logarithm, -inf; the gate refuses it
    return reductions.logsumexp(weights.inputs[0], axes, keepdims)


def _weights_over_sum(wire: Wire) -> Wire | None:
    if wire.gate is not arithmetic.div or wire.inputs[0].gate is not functions.exp:
        return None
    weights, spread = wire.inputs
    if weights.ndim == 0 or not isinstance(spread.gate, Einsum) or len(spread.inputs) != 1:
        return None
    (inner,) = spread.gate.operands
    summed = _summed(spread.inputs[0])
    if summed is None and set(inner) < set(spread.gate.output):
        return None
    axes = tuple(k for k, letter in enumerate(spread.gate.output) if letter not in inner)
    wanted = contractions.total(weights, axes)
    same = spread.inputs[0] is wanted or _plainly(spread.inputs[0], wanted)
    in_order = [x for x in spread.gate.output if x in inner] == list(inner)
    return _softmax_of(weights.inputs[0], axes) if same and in_order else None


def _softmax_of(x: Wire, axes: tuple[int, ...]) -> Wire | None:
    return None if 0 in x.shape else reductions.softmax(x, axes)


def _plainly(wire: Wire, wanted: Wire) -> bool:
    """Whether a sum that kept its axes, and lost them again, is the sum wanted."""
    gate = wire.gate
    if not isinstance(gate, Einsum) or len(wire.inputs) != 1:
        return False
    summed = _summed(wire.inputs[0])
    plain = _summed(wanted)
    if summed is None or plain is None or not summed[2] or summed[:2] != plain[:2]:
        return False
    lost = tuple(k for k, letter in enumerate(gate.operands[0]) if letter not in gate.output)
    return lost == summed[1] and _summed(wire) is not None


def _log_of_softmax(wire: Wire) -> Wire | None:
    inner = wire.inputs[0] if wire.gate is arithmetic.log else None
    if inner is None or inner.gate.name != "softmax":
        return None
    return reductions.log_softmax(inner.inputs[0], parameters_of(inner.gate)["axes"])


_VECTOR: Final = (("x", "n"),)

RULES: Final[tuple[Rule, ...]] = (
    # The sigmoid and its integral
    Rule("log(1 + exp(x))", "softplus(x)", source="Dugas et al., NIPS 2000"),
    Rule("log1p(exp(x))", "softplus(x)"),
    Rule("1/(1 + exp(x))", "sigmoid(-x)"),
    Rule("exp(x)/(1 + exp(x))", "sigmoid(x)"),
    Rule("exp(x)*sigmoid(-x)", "sigmoid(x)"),
    Rule("exp(-x)*sigmoid(x)", "sigmoid(-x)"),
    Rule("exp(x)/(1 + exp(x))**2", "sigmoid(x)*sigmoid(-x)"),
    Rule("1 - sigmoid(x)", "sigmoid(-x)"),
    Rule("log(sigmoid(x))", "log_sigmoid(x)"),
    Rule("log_sigmoid(x) - log_sigmoid(-x)", "x"),
    Rule("x*sigmoid(x)", "swish(x)"),
    Rule("x/(1 + exp(-x))", "swish(x)"),
    Rule("x/(1 + exp(y))", "x*sigmoid(-y)"),
    Rule("sigmoid(x) - sigmoid(x)**2", "sigmoid(x)*sigmoid(-x)"),
    Rule("1 - 2*sigmoid(x)", "-tanh(0.5*x)"),
    Rule("2*sigmoid(x) - 1", "tanh(0.5*x)"),
    Rule("log(x/(1 - x))", "logit(x)"),
    # Hyperbolic functions
    Rule("1 - tanh(x)**2", "sech_squared(x)"),
    Rule("1 - tanh(x)*tanh(x)", "sech_squared(x)"),
    Rule("(1 - tanh(x))*(1 + tanh(x))", "sech_squared(x)"),
    Rule("1/cosh(x)**2", "sech_squared(x)"),
    Rule("sinh(x)/cosh(x)", "tanh(x)"),
    Rule("sinh(x)*(1/cosh(x))", "tanh(x)"),
    Rule("(exp(x) - exp(-x))/(exp(x) + exp(-x))", "tanh(x)"),
    Rule("(exp(2*x) - 1)/(exp(2*x) + 1)", "tanh(x)"),
    Rule("(exp(x) - 1)/(exp(x) + 1)", "tanh(0.5*x)"),
    Rule("(exp(x) - exp(-x))/2", "sinh(x)"),
    Rule("0.5*(exp(x) - exp(-x))", "sinh(x)"),
    Rule("exp(x) - exp(-x)", "2*sinh(x)"),
    Rule("cosh(x) - 1", "2*sinh(0.5*x)**2"),
    Rule(
        "log(cosh(x))",
        "log1p(2*sinh(0.5*min(abs(x), 1))**2)"
        " + (max(abs(x), 1) + log1p(exp(-2*max(abs(x), 1))) - (1 + log1p(exp(-2))))",
    ),
    Rule("log(x + sqrt(x**2 + 1))", "asinh(x)"),
    Rule("0.5*log((1 + x)/(1 - x))", "atanh(x)"),
    Rule("log((1 + x)/(1 - x))/2", "atanh(x)"),
    # Exponentials and logarithms
    Rule("exp(x) - 1", "expm1(x)", source="Kahan, Branch cuts, 1987"),
    Rule("-1 + exp(x)", "expm1(x)"),
    Rule("1 - exp(x)", "-expm1(x)"),
    Rule("log(1 + x)", "log1p(x)", source="Kahan, Branch cuts, 1987"),
    Rule("log(1 - x)", "log1p(-x)"),
    Rule("log(exp(x) + exp(y))", "logaddexp(x, y)"),
    Rule("log(exp(x))", "x"),
    # Trigonometry
    Rule("1 - cos(x)", "2*sin(0.5*x)**2"),
    Rule("cos(x) - 1", "-(2*sin(0.5*x)**2)"),
    Rule("-(sin(x)/x/x) + (1/x)*cos(x)", "-(x*bessel_1(x))", source="Abramowitz & Stegun 10.1.11"),
    Rule("cos(x)/x - sin(x)/x**2", "-(x*bessel_1(x))", source="Abramowitz & Stegun 10.1.11"),
    Rule("1 - sin(x)**2", "cos(x)**2"),
    Rule("1 - cos(x)**2", "sin(x)**2"),
    # Roots and squares
    Rule("x*x", "x**2"),
    Rule("sqrt(x**2 + y**2)", "hypot(x, y)"),
    Rule("sqrt(x**2 + 1)", "hypot(x, 1)"),
    Rule("sqrt(x**2)", "abs(x)"),
    Rule("x**2 - y**2", "(x - y)*(x + y)"),
    Rule("x**2 - 1", "(x - 1)*(x + 1)"),
    Rule("1 - x**2", "(1 - x)*(1 + x)"),
    Rule("sqrt(x + y) - sqrt(x)", "y/(sqrt(x + y) + sqrt(x))", source="Higham, ASNA, 2002, §1.7"),
    Rule("sqrt(x) - sqrt(x - y)", "y/(sqrt(x) + sqrt(x - y))", source="Higham, ASNA, 2002, §1.7"),
    Rule("1/x - 1/(x + y)", "y/(x + y)/x"),
    Rule("1/(x + y) - 1/x", "-(y/(x + y)/x)"),
    # The error function
    Rule("1 - erf(x)", "erfc(x)"),
    Rule("1 + erf(x)", "erfc(-x)"),
    # Signs, exact in floating point
    Rule("-(-x)", "x"),
    Rule("-(x - y)", "y - x"),
    Rule("-((-x)*y)", "x*y"),
    Rule("-(c*x)", "(-c)*x", apply=_constant_factor),
    # Sums over axes
    Rule("log(sum(exp(x)))", "logsumexp(x)", _VECTOR, _log_of_sum),
    Rule("exp(x)/sum(exp(x))", "softmax(x)", _VECTOR, _weights_over_sum),
    Rule("log(softmax(x))", "log_softmax(x)", _VECTOR, _log_of_softmax),
)  # fmt: skip
