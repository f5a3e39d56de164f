"""Arithmetic gates: sums, products, powers, and the choices (max, where, clip, comparisons).

Each gate is declared once: formula, kernel, derivative over named gates. `from_formula` says what
the fields mean. A kernel gets arrays of equal shape and dtype and keeps the dtype.
"""

from __future__ import annotations

import math
import operator
from typing import Any

import numpy as np

from circuitgrad.gates.from_formula import Elementwise, elementwise
from circuitgrad.wire import Array

# Sums and products ------------------------------------------------------------------------------

add = elementwise(
    "add", "x + y",
    kernel=np.add,
    derivative=lambda x, y: (1.0, 1.0),
    glyph="+", latex="{x} + {y}", scalar=operator.add,
)  # fmt: skip
sub = elementwise(
    "sub", "x - y",
    kernel=np.subtract,
    derivative=lambda x, y: (1.0, -1.0),
    glyph="−", latex="{x} - {y}", scalar=operator.sub,
)  # fmt: skip
mul = elementwise(
    "mul", "x*y",
    kernel=np.multiply,
    derivative=lambda x, y: (y, x),
    glyph="×", latex="{x} {y}", scalar=operator.mul,
)  # fmt: skip
neg = elementwise(
    "neg", "-x",
    kernel=np.negative,
    derivative=lambda x: (-1.0,),
    glyph="−x", latex="-{x}", scalar=operator.neg,
)  # fmt: skip
inv = elementwise(
    "inv", "1/x",
    kernel=np.reciprocal,
    derivative=lambda x, out: (-(out * out),),
    glyph="1/x", latex=r"\frac{{1}}{{{x}}}", scalar=lambda x: 1.0 / x,
)  # fmt: skip
div = elementwise(
    "div", "x/y",
    kernel=np.divide,
    # Dividing twice never leaves the range of doubles before the result does; y*y can.
    derivative=lambda x, y, out: (inv(y), -(out / y)),
    glyph="÷", latex=r"\frac{{{x}}}{{{y}}}", scalar=operator.truediv,
    recovery=(0, lambda x, y, out: y * out),
)  # fmt: skip


# Powers -----------------------------------------------------------------------------------------


def _difference(x: Any, y: Any) -> tuple[Any, Any]:
    """The rounded difference and what rounding lost, exactly (Knuth's TwoSum)."""
    rounded = x - y
    back = rounded - x
    return rounded, (x - (rounded - back)) - (y + back)


def _scaled_power(a: Array, x: Array, y: Array, k: Array) -> Any:
    with np.errstate(all="ignore"):
        exponent, lost = _difference(y, k)
        power = np.power(x, exponent)
        size = np.abs(power)
        result = a * power
        if np.any(lost):
            result = np.where(lost == 0, result, result * (1 + lost * np.log(np.abs(x))))
        limits = np.finfo(size.dtype)
        extreme = (size > limits.max) | (size < limits.tiny * 16)
        if np.any(extreme):
            # The power alone leaves the range where its product with a may not: multiply by halves.
            half = np.power(np.abs(x), exponent / 2)
            by_halves = np.where(a == 0, 0 * a, (a * half) * np.copysign(half, power))
            result = np.where(extreme, by_halves, result)
    return result


def _scaled_power_scalar(a: float, x: float, y: float, k: float) -> float:
    exponent, lost = _difference(y, k)
    power = math.pow(x, exponent)
    if lost or not 1e-300 < abs(power) < math.inf:
        raise ValueError("beyond plain multiplication: the kernel takes more care")
    return a * power


def _xlogy(x: Array, y: Array) -> Any:
    with np.errstate(divide="ignore", invalid="ignore"):
        return np.where((x == 0) & (y >= 0), x * 0, x * np.log(y))


def _power_log(x: Array, y: Array) -> Any:
    with np.errstate(all="ignore"):
        result = _scaled_power(np.log(x), x, y, np.zeros_like(y))
        return np.where((x == 0) & (y > 0), result.dtype.type(0), result)


square = elementwise(
    "square", "x**2",
    kernel=np.square,
    derivative=lambda x: (2.0 * x,),
    glyph="x²", latex="{x}^{{2}}", scalar=lambda x: x * x,
)  # fmt: skip
sqrt = elementwise(
    "sqrt", "sqrt(x)",
    kernel=np.sqrt,
    derivative=lambda x, out: (0.5 / out,),
    glyph="√", latex=r"\sqrt{{{x}}}", domain="x > 0", scalar=math.sqrt,
)  # fmt: skip
log = elementwise(
    "log", "log(x)",
    kernel=np.log,
    derivative=lambda x: (inv(x),),
    glyph="log", latex=r"\log({x})", domain="x > 0", scalar=math.log,
)  # fmt: skip
xlogy = elementwise(
    "xlogy", "x*log(y)",
    kernel=_xlogy,
    derivative=lambda x, y: (log(y), x / y),
    glyph="x log y", latex=r"{x} \log({y})", domain="y > 0",
    scalar=lambda x, y: 0.0 if x == 0 and y >= 0 else x * math.log(y),
    source="The continuous extension 0 log 0 = 0, as in information theory",
)  # fmt: skip
# The k-th derivative of a power has the exponent y - k. Kept as two operands, because y - 1 rounded
# to a double would put an error of log(x) ulp(y) into the power.
scaled_power: Elementwise = elementwise(
    "scaled_power", "a*x**(y - k)", variables=("a", "x", "y", "k"),
    kernel=_scaled_power,
    derivative=lambda a, x, y, k, out: (
        scaled_power(1.0, x, y, k),
        scaled_power(a * (y - k), x, y, k + 1.0),
        xlogy(out, x),
        -xlogy(out, x),
    ),
    plain=("y", "k"), glyph="a xʸ⁻ᵏ", latex="{a} {x}^{{{y} - {k}}}", domain="x > 0",
    scalar=_scaled_power_scalar,
)  # fmt: skip
# The derivative of a power by its exponent, a gate so that its own derivatives exist at x = 0.
power_log = elementwise(
    "power_log", "x**y*log(x)",
    kernel=_power_log,
    derivative=lambda x, y, out: (
        xlogy(scaled_power(y, x, y, 1.0), x) + scaled_power(1.0, x, y, 1.0),
        xlogy(out, x),
    ),
    glyph="xʸ log x", latex=r"{x}^{{{y}}} \log({x})", domain="x > 0",
    source="Continued by 0 to x = 0 where y > 0",
    accuracy_note="The derivative by x crosses zero where y log(x) = -1, where its rounding error "
    "is a few ULP of the operands' effect, not of the derivative.",
)  # fmt: skip
power = elementwise(
    "pow", "x**y",
    kernel=np.power,
    derivative=lambda x, y: (scaled_power(y, x, y, 1.0), power_log(x, y)),
    glyph="xʸ", latex="{x}^{{{y}}}", domain="x > 0", scalar=math.pow,
)  # fmt: skip


# Comparisons: 1 where true, 0 elsewhere; the derivative is zero -----------------------------------


def _indicator(truth: Any, like: Any) -> Any:
    return np.asarray(truth, like.dtype)


def _step(x: Array) -> Any:
    return _indicator(x > 0, x)


def _exceeds(x: Array, y: Array) -> Any:
    return (_indicator(x > y, x) + _indicator(x >= y, x)) * 0.5


JUMP = "the value jumps; the derivative is 0 also there"

step = elementwise(
    "step",
    pieces=(("x > 0", "1"), ("x < 0", "0")), at_kink="0", policy=f"at x = 0 {JUMP}",
    kernel=_step,
    derivative=lambda x: (0.0,),
    glyph="x>0", latex="[{x} > 0]", scalar=lambda x: float(x > 0),
)  # fmt: skip
greater = elementwise(
    "greater",
    pieces=(("x > y", "1"), ("x < y", "0")), at_kink="0", policy=f"at x = y {JUMP}",
    kernel=lambda x, y: _indicator(x > y, x),
    derivative=lambda x, y: (0.0, 0.0),
    glyph=">", latex="[{x} > {y}]", scalar=lambda x, y: float(x > y),
)  # fmt: skip
greater_equal = elementwise(
    "greater_equal",
    pieces=(("x > y", "1"), ("x < y", "0")), at_kink="1", policy=f"at x = y {JUMP}",
    kernel=lambda x, y: _indicator(x >= y, x),
    derivative=lambda x, y: (0.0, 0.0),
    glyph="≥", latex=r"[{x} \ge {y}]", scalar=lambda x, y: float(x >= y),
)  # fmt: skip
less = elementwise(
    "less",
    pieces=(("x < y", "1"), ("x > y", "0")), at_kink="0", policy=f"at x = y {JUMP}",
    kernel=lambda x, y: _indicator(x < y, x),
    derivative=lambda x, y: (0.0, 0.0),
    glyph="<", latex="[{x} < {y}]", scalar=lambda x, y: float(x < y),
)  # fmt: skip
less_equal = elementwise(
    "less_equal",
    pieces=(("x < y", "1"), ("x > y", "0")), at_kink="1", policy=f"at x = y {JUMP}",
    kernel=lambda x, y: _indicator(x <= y, x),
    derivative=lambda x, y: (0.0, 0.0),
    glyph="≤", latex=r"[{x} \le {y}]", scalar=lambda x, y: float(x <= y),
)  # fmt: skip
equal = elementwise(
    "equal",
    pieces=(("x > y", "0"), ("x < y", "0")), at_kink="1", policy=f"at x = y {JUMP}",
    kernel=lambda x, y: _indicator(x == y, x),
    derivative=lambda x, y: (0.0, 0.0),
    glyph="=", latex="[{x} = {y}]", scalar=lambda x, y: float(x == y),
)  # fmt: skip
not_equal = elementwise(
    "not_equal",
    pieces=(("x > y", "1"), ("x < y", "1")), at_kink="0", policy=f"at x = y {JUMP}",
    kernel=lambda x, y: _indicator(x != y, x),
    derivative=lambda x, y: (0.0, 0.0),
    glyph="≠", latex=r"[{x} \ne {y}]", scalar=lambda x, y: float(x != y),
)  # fmt: skip
exceeds = elementwise(
    "exceeds",
    pieces=(("x > y", "1"), ("x < y", "0")), at_kink="1/2", policy=f"at x = y {JUMP}",
    kernel=_exceeds,
    derivative=lambda x, y: (0.0, 0.0),
    glyph="x>y", latex=r"[{x} > {y}] + \tfrac12 [{x} = {y}]",
    scalar=lambda x, y: 0.5 * (float(x > y) + float(x >= y)),
)  # fmt: skip


# The sign as the bit says it: that of -0.0 is -1.
orientation = elementwise(
    "orientation",
    pieces=(("x > 0", "1"), ("x < 0", "-1")), at_kink="1",
    policy=f"at x = 0 {JUMP}; the value at -0.0 is -1",
    kernel=lambda x: np.copysign(x.dtype.type(1), x),
    derivative=lambda x: (0.0,),
    glyph="±", latex=r"\operatorname{{sgn}}({x})", scalar=lambda x: math.copysign(1.0, x),
)  # fmt: skip

# Choice -----------------------------------------------------------------------------------------


def _scalar_sign(x: float) -> float:
    return x if x != x else float((x > 0) - (x < 0))


def _scalar_maximum(x: float, y: float) -> float:
    return x if x > y or x != x else y


def _scalar_minimum(x: float, y: float) -> float:
    return x if x < y or x != x else y


sign = elementwise(
    "sign", "sign(x)",
    pieces=(("x > 0", "1"), ("x < 0", "-1")), at_kink="0", policy=f"at x = 0 {JUMP}",
    kernel=np.sign,
    derivative=lambda x: (0.0,),
    glyph="sgn", latex=r"\operatorname{{sgn}}({x})", scalar=_scalar_sign,
)  # fmt: skip
absolute = elementwise(
    "abs", "Abs(x)",
    pieces=(("x > 0", "x"), ("x < 0", "-x")), at_kink="0",
    policy="0 at x = 0, the middle of [-1, 1]",
    kernel=np.abs,
    derivative=lambda x: (sign(x),),
    glyph="|x|", latex=r"\left|{x}\right|", scalar=abs,
)  # fmt: skip
maximum = elementwise(
    "max", "Max(x, y)",
    pieces=(("x > y", "x"), ("x < y", "y")), at_kink="x",
    policy="1/2 to each operand at a tie, the middle of the segment from (1, 0) to (0, 1)",
    kernel=np.maximum,
    derivative=lambda x, y: (exceeds(x, y), exceeds(y, x)),
    glyph="max", latex=r"\max({x}, {y})", scalar=_scalar_maximum,
)  # fmt: skip
minimum = elementwise(
    "min", "Min(x, y)",
    pieces=(("x < y", "x"), ("x > y", "y")), at_kink="x",
    policy="1/2 to each operand at a tie, the middle of the segment from (1, 0) to (0, 1)",
    kernel=np.minimum,
    derivative=lambda x, y: (exceeds(y, x), exceeds(x, y)),
    glyph="min", latex=r"\min({x}, {y})", scalar=_scalar_minimum,
)  # fmt: skip
# The condition is a number: comparisons give 0 or 1, and the halfway line separates no and yes.
where = elementwise(
    "where", variables=("condition", "x", "y"),
    pieces=(("condition > 1/2", "x"), ("condition < 1/2", "y")), at_kink="y",
    policy="follows the chosen operand; the derivative in the condition is 0",
    kernel=lambda condition, x, y: np.where(condition > 0.5, x, y),
    derivative=lambda condition, x, y: (
        0.0,
        greater(condition, 0.5),
        less_equal(condition, 0.5),
    ),
    glyph="where", latex=r"({condition} \mathbin{{?}} {x} : {y})",
    scalar=lambda condition, x, y: x if condition > 0.5 else y,
)  # fmt: skip


def _clip_derivative(x: Any, lower: Any, upper: Any) -> tuple[Any, Any, Any]:
    """Each point belongs to one of the three: upper bound, else lower bound, else inside."""
    # The upper bound wins where the bounds cross, as it does in the value.
    above = 1.0 - (1.0 - greater_equal(x, upper)) * (1.0 - greater_equal(lower, upper))
    low = less_equal(x, lower)
    return (1.0 - above) * (1.0 - low), (1.0 - above) * low, above


clip = elementwise(
    "clip", variables=("x", "lower", "upper"),
    pieces=(
        ("x < lower", "lower"),
        ("(x - lower)*(upper - x) > 0", "x"),
        ("x > upper", "upper"),
    ),
    at_kink="x",
    policy="at a bound 1 to the bound and 0 to x, an end of the segment (as relu at 0)",
    kernel=lambda x, lower, upper: np.minimum(np.maximum(x, lower), upper),
    derivative=_clip_derivative,
    glyph="clip", latex=r"\operatorname{{clip}}({x}, {lower}, {upper})", domain="lower < upper",
    scalar=lambda x, lower, upper: _scalar_minimum(_scalar_maximum(x, lower), upper),
)  # fmt: skip
