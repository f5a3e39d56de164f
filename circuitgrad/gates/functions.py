"""Elementary functions as gates: exponential, trigonometric, hyperbolic, error function.

Kernels are stable over the whole range of doubles. Where the derivative needs a function that has
no gate yet (such as 1/cosh²), that function is declared here as a gate of its own.
"""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from circuitgrad.gates.arithmetic import inv
from circuitgrad.gates.from_formula import Elementwise, elementwise
from circuitgrad.wire import Array

# Exponentials and logarithms ----------------------------------------------------------------------

exp = elementwise(
    "exp", "exp(x)",
    kernel=np.exp,
    derivative=lambda x, out: (out,),
    glyph="exp", latex="e^{{{x}}}", scalar=math.exp,
)  # fmt: skip
expm1 = elementwise(
    "expm1", "exp(x) - 1",
    kernel=np.expm1,
    derivative=lambda x: (exp(x),),
    glyph="expm1", latex=r"\operatorname{{expm1}}({x})", scalar=math.expm1,
)  # fmt: skip
log1p = elementwise(
    "log1p", "log(1 + x)",
    kernel=np.log1p,
    derivative=lambda x: (inv(1.0 + x),),
    glyph="log1p", latex=r"\operatorname{{log1p}}({x})", domain="x > -1", scalar=math.log1p,
)  # fmt: skip


def _sigmoid_difference(x: Array, y: Array) -> Any:
    with np.errstate(over="ignore", invalid="ignore"):
        gap = x - y
        back = gap - x
        lost = (x - (gap - back)) - (y + back)  # what rounding took from x - y, exactly
    tail = np.exp(-np.abs(gap))
    result = np.where(gap >= 0, 1.0, tail) / (1 + tail)
    # sigmoid(gap + lost) = sigmoid(gap) (1 + sigmoid(-gap) lost) to first order; only the left tail
    # is steep enough, relative to its size, to show it.
    return np.where((np.abs(lost) > 0) & (gap < 0), result * (1 + lost), result)


def _scalar_sigmoid_difference(x: float, y: float) -> float:
    gap = x - y
    back = gap - x
    lost = (x - (gap - back)) - (y + back)
    tail = math.exp(-abs(gap))
    result = (1.0 if gap >= 0 else tail) / (1.0 + tail)
    return result * (1.0 + lost) if abs(lost) > 0 and gap < 0 else result


def _scalar_logaddexp(x: float, y: float) -> float:
    if x == y:
        return x + math.log(2.0)  # also where both are infinite
    return (x if x > y else y) + math.log1p(math.exp(-abs(x - y)))


# The derivative of logaddexp: sigmoid(x - y) without the rounding error of x - y.
sigmoid_difference: Elementwise = elementwise(
    "sigmoid_difference", "1/(1 + exp(y - x))",
    kernel=_sigmoid_difference,
    derivative=lambda x, y, out: (
        out * sigmoid_difference(y, x),
        -(out * sigmoid_difference(y, x)),
    ),
    glyph="σ(x−y)", latex=r"\sigma({x} - {y})", scalar=_scalar_sigmoid_difference,
    source="Bradley & Terry, Biometrika 39 (1952) 324",
)  # fmt: skip
logaddexp = elementwise(
    "logaddexp", "log(exp(x) + exp(y))",
    kernel=np.logaddexp,
    derivative=lambda x, y: (sigmoid_difference(x, y), sigmoid_difference(y, x)),
    glyph="logaddexp", latex=r"\log(e^{{{x}}} + e^{{{y}}})", scalar=_scalar_logaddexp,
    accuracy_note="The value crosses zero on the curve exp(x) + exp(y) = 1, where its rounding "
    "error is a few ULP of the operands' effect, not of the value.",
)  # fmt: skip

# Trigonometry -------------------------------------------------------------------------------------


def _semicircle(x: Array) -> Any:
    return np.sqrt((1 - x) * (1 + x))  # 1 - x*x would cancel near the ends


def _lorentzian(x: Array) -> Any:
    with np.errstate(over="ignore"):  # beyond 1e154 the square is inf and 1/inf is right
        return 1 / (1 + x * x)


sin = elementwise(
    "sin", "sin(x)",
    kernel=np.sin,
    derivative=lambda x: (cos(x),),
    glyph="sin", latex=r"\sin({x})", scalar=math.sin,
)  # fmt: skip
cos: Elementwise = elementwise(
    "cos", "cos(x)",
    kernel=np.cos,
    derivative=lambda x: (-sin(x),),
    glyph="cos", latex=r"\cos({x})", scalar=math.cos,
)  # fmt: skip
tan = elementwise(
    "tan", "tan(x)",
    kernel=np.tan,
    derivative=lambda x, out: (1.0 + out * out,),
    glyph="tan", latex=r"\tan({x})", scalar=math.tan,
)  # fmt: skip
semicircle = elementwise(
    "semicircle", "sqrt(1 - x**2)",
    kernel=_semicircle,
    derivative=lambda x, out: (-(x / out),),
    glyph="√(1−x²)", latex=r"\sqrt{{1 - {x}^2}}", domain="x*x < 1",
    scalar=lambda x: math.sqrt((1.0 - x) * (1.0 + x)),
)  # fmt: skip
lorentzian = elementwise(
    "lorentzian", "1/(1 + x**2)",
    kernel=_lorentzian,
    derivative=lambda x, out: (-2.0 * ((x * out) * out),),
    glyph="1/(1+x²)", latex=r"\frac{{1}}{{1 + {x}^2}}", scalar=lambda x: 1.0 / (1.0 + x * x),
)  # fmt: skip
asin = elementwise(
    "asin", "asin(x)",
    kernel=np.arcsin,
    derivative=lambda x: (inv(semicircle(x)),),
    glyph="asin", latex=r"\arcsin({x})", domain="x*x < 1", scalar=math.asin,
)  # fmt: skip
acos = elementwise(
    "acos", "acos(x)",
    kernel=np.arccos,
    derivative=lambda x: (-inv(semicircle(x)),),
    glyph="acos", latex=r"\arccos({x})", domain="x*x < 1", scalar=math.acos,
)  # fmt: skip
atan = elementwise(
    "atan", "atan(x)",
    kernel=np.arctan,
    derivative=lambda x: (lorentzian(x),),
    glyph="atan", latex=r"\arctan({x})", scalar=math.atan,
)  # fmt: skip


def _direction_cosine(x: Array, y: Array) -> Any:
    radius = np.hypot(x, y)
    return x / np.where(radius == 0, 1, radius)


def _direction_cosine_derivative(x: Any, y: Any, out: Any) -> tuple[Any, Any]:
    sine, radius = direction_cosine(y, x), hypot(x, y)
    return sine * sine / radius, -(out * sine / radius)


direction_cosine: Elementwise = elementwise(
    "direction_cosine", "x/sqrt(x**2 + y**2)",
    kernel=_direction_cosine,
    derivative=_direction_cosine_derivative,
    glyph="x/r", latex=r"\frac{{{x}}}{{\sqrt{{{x}^2 + {y}^2}}}}", domain="x*x + y*y > 0",
    source="Continued by 0 to the origin, where the mean over all directions is 0",
)  # fmt: skip
hypot: Elementwise = elementwise(
    "hypot", "sqrt(x**2 + y**2)",
    kernel=np.hypot,
    derivative=lambda x, y: (direction_cosine(x, y), direction_cosine(y, x)),
    glyph="hypot", latex=r"\sqrt{{{x}^2 + {y}^2}}", domain="x*x + y*y > 0", scalar=math.hypot,
    source="The gradient at the origin is (0, 0), the subgradient of least norm, as for norm",
)  # fmt: skip


def _atan2_derivative(y: Any, x: Any) -> tuple[Any, Any]:
    radius = hypot(x, y)  # x*x + y*y could leave the range of doubles
    return (x / radius) / radius, -((y / radius) / radius)


atan2 = elementwise(
    "atan2", "atan2(y, x)", variables=("y", "x"),
    kernel=np.arctan2,
    derivative=_atan2_derivative,
    glyph="atan2", latex=r"\operatorname{{atan2}}({y}, {x})", domain="x*x + y*y > 0",
    scalar=math.atan2,
)  # fmt: skip

# Hyperbolic functions -----------------------------------------------------------------------------


def _sech_squared(x: Array) -> Any:
    tail = np.exp(-2 * np.abs(x))
    return 4 * tail / np.square(1 + tail)  # 1 - tanh(x)**2 cancels and cosh(x) overflows


def _scalar_sech_squared(x: float) -> float:
    tail = math.exp(-2.0 * abs(x))
    return 4.0 * tail / ((1.0 + tail) * (1.0 + tail))


sinh = elementwise(
    "sinh", "sinh(x)",
    kernel=np.sinh,
    derivative=lambda x: (cosh(x),),
    glyph="sinh", latex=r"\sinh({x})", scalar=math.sinh,
)  # fmt: skip
cosh: Elementwise = elementwise(
    "cosh", "cosh(x)",
    kernel=np.cosh,
    derivative=lambda x: (sinh(x),),
    glyph="cosh", latex=r"\cosh({x})", scalar=math.cosh,
)  # fmt: skip
sech_squared = elementwise(
    "sech_squared", "1/cosh(x)**2",
    kernel=_sech_squared,
    derivative=lambda x, out: (-2.0 * (tanh(x) * out),),
    glyph="sech²", latex=r"\operatorname{{sech}}^2({x})", scalar=_scalar_sech_squared,
)  # fmt: skip
tanh: Elementwise = elementwise(
    "tanh", "tanh(x)",
    kernel=np.tanh,
    derivative=lambda x: (sech_squared(x),),
    glyph="tanh", latex=r"\tanh({x})", scalar=math.tanh,
)  # fmt: skip

# The error function -------------------------------------------------------------------------------

_erf_of_each = np.frompyfunc(math.erf, 1, 1)  # NumPy has no erf of its own


def _erf(x: Array) -> Any:
    return np.asarray(_erf_of_each(x), dtype=x.dtype)


def _gaussian(x: Array) -> Any:
    x = np.clip(x, -40, 40)  # exp(-40²) is 0 in double precision
    # The rounding error of x*x would be magnified by exp: split x = head + tail, exact in head².
    grid = 2.0**20 if x.dtype.itemsize == 8 else 2.0**6
    head = np.rint(x * grid) / grid
    tail = x - head
    return np.exp(-head * head) * np.exp(-tail * (x + head)) * (2 / math.sqrt(math.pi))


def _scalar_gaussian(x: float) -> float:
    if abs(x) > 40:
        return 0.0
    head = round(x * 2.0**20) / 2.0**20
    tail = x - head
    return math.exp(-head * head) * math.exp(-tail * (x + head)) * (2 / math.sqrt(math.pi))


gaussian = elementwise(
    "gaussian", "2*exp(-x**2)/sqrt(pi)",
    kernel=_gaussian,
    derivative=lambda x, out: (-2.0 * (x * out),),
    glyph="2e⁻ˣ²/√π", latex=r"\tfrac{{2}}{{\sqrt\pi}} e^{{-{x}^2}}",
    scalar=_scalar_gaussian,
    source="The split of the square: Cody, Math. Comp. 23 (1969) 631",
)  # fmt: skip
erf = elementwise(
    "erf", "erf(x)",
    kernel=_erf,
    derivative=lambda x: (gaussian(x),),
    glyph="erf", latex=r"\operatorname{{erf}}({x})", scalar=math.erf,
)  # fmt: skip
