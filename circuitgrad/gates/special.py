"""More elementary and special functions as gates, accurate where a composition would not be."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from circuitgrad.gates.arithmetic import equal, exceeds, inv, less, sqrt
from circuitgrad.gates.from_formula import Elementwise, elementwise
from circuitgrad.gates.functions import gaussian, hypot
from circuitgrad.wire import Array

# Roots, logarithms and exponentials to other bases ------------------------------------------------

cbrt = elementwise(
    "cbrt", "x**(1/3)",
    kernel=np.cbrt,
    derivative=lambda x, out: (inv(3.0 * (out * out)),),
    glyph="∛", latex=r"\sqrt[3]{{{x}}}", domain="x > 0",
    extension="sign(x)*Abs(x)**(1/3)",
    source="For x < 0 the odd extension, which the kernel and the derivative follow; at 0 the "
    "derivative is inf, as that of the square root",
)  # fmt: skip
# The slopes are gates of their own: a double in the place of log(2) would not be log(2) in
# formulas.
log2_slope = elementwise(
    "log2_slope", "1/(x*log(2))",
    kernel=lambda x: 1 / (x * math.log(2)),
    derivative=lambda x, out: (-(out / x),),
    glyph="1/(x ln 2)", latex=r"\frac{{1}}{{{x} \ln 2}}",
)  # fmt: skip
log2 = elementwise(
    "log2", "log(x)/log(2)",
    kernel=np.log2,
    derivative=lambda x: (log2_slope(x),),
    glyph="log₂", latex=r"\log_2({x})", domain="x > 0",
)  # fmt: skip
log10_slope = elementwise(
    "log10_slope", "1/(x*log(10))",
    kernel=lambda x: 1 / (x * math.log(10)),
    derivative=lambda x, out: (-(out / x),),
    glyph="1/(x ln 10)", latex=r"\frac{{1}}{{{x} \ln 10}}",
)  # fmt: skip
log10 = elementwise(
    "log10", "log(x)/log(10)",
    kernel=np.log10,
    derivative=lambda x: (log10_slope(x),),
    glyph="log₁₀", latex=r"\log_{{10}}({x})", domain="x > 0",
)  # fmt: skip
# log(2) as the value of the slope at 0, in a form that no circuit folds into a rounded number.
exp2_slope: Elementwise = elementwise(
    "exp2_slope", "log(2)*2**x",
    kernel=lambda x: np.exp2(x) * math.log(2),
    derivative=lambda x, out: (out * exp2_slope(less(x, x)),),
    glyph="ln 2 · 2ˣ", latex=r"2^{{{x}}} \ln 2",
)  # fmt: skip
exp2 = elementwise(
    "exp2", "2**x",
    kernel=np.exp2,
    derivative=lambda x: (exp2_slope(x),),
    glyph="2ˣ", latex="2^{{{x}}}",
)  # fmt: skip

# Inverse hyperbolic functions ---------------------------------------------------------------------

asinh = elementwise(
    "asinh", "asinh(x)",
    kernel=np.arcsinh,
    derivative=lambda x: (inv(hypot(1.0, x)),),
    glyph="asinh", latex=r"\operatorname{{arsinh}}({x})",
)  # fmt: skip
acosh = elementwise(
    "acosh", "acosh(x)",
    kernel=np.arccosh,
    derivative=lambda x: (inv(sqrt(x - 1.0) * sqrt(x + 1.0)),),
    glyph="acosh", latex=r"\operatorname{{arcosh}}({x})", domain="x > 1",
)  # fmt: skip
atanh = elementwise(
    "atanh", "atanh(x)",
    kernel=np.arctanh,
    derivative=lambda x: (inv((1.0 - x) * (1.0 + x)),),
    glyph="atanh", latex=r"\operatorname{{artanh}}({x})", domain="x*x < 1",
)  # fmt: skip

# Probability --------------------------------------------------------------------------------------

_erfc_of_each = np.frompyfunc(math.erfc, 1, 1)  # NumPy has no erfc of its own


def _erfc(x: Array) -> Any:
    return np.asarray(_erfc_of_each(x), dtype=x.dtype)


def _logit(x: Array) -> Any:
    with np.errstate(divide="ignore", invalid="ignore"):
        middle = np.clip(x, 0.25, 0.75)
        near = 2 * np.arctanh(2 * middle - 1)  # 2x - 1 is exact there
        return np.where(x == middle, near, np.log(x) - np.log1p(-x))


erfc = elementwise(
    "erfc", "1 - erf(x)",
    kernel=_erfc,
    derivative=lambda x: (-gaussian(x),),
    glyph="erfc", latex=r"\operatorname{{erfc}}({x})", scalar=math.erfc,
)  # fmt: skip
logit = elementwise(
    "logit", "log(x/(1 - x))",
    kernel=_logit,
    derivative=lambda x: (inv(x * (1.0 - x)),),
    glyph="logit", latex=r"\operatorname{{logit}}({x})", domain="x*(1 - x) > 0",
)  # fmt: skip

# sin(x)/x and what its derivatives are made of ----------------------------------------------------
# With jₙ the spherical Bessel functions, qₙ = jₙ/xⁿ is even, smooth at 0, and qₙ' = -x qₙ₊₁.


def _series(x: Array, order: int) -> Any:
    """The power series Σ (-x²/2)ᵏ/(k! (2n + 2k + 1)!!), for small x."""
    square = -x * x / 2
    term = np.ones_like(x)
    result = term
    for k in range(1, 24):
        term = term * square / (k * (2 * order + 2 * k + 1))
        result = result + term
    return result / math.prod(range(1, 2 * order + 2, 2))


def _smooth(order: int, closed: Any) -> Any:
    def kernel(x: Array) -> Any:
        small = np.abs(x) < order + 1.5
        inside = np.where(small, x, 0.0)
        outside = np.where(small, order + 2.0, x)
        return np.where(small, _series(inside, order), closed(outside))

    return kernel


def _closed_2(x: Array) -> Any:
    r = 1 / x
    return ((3 * r * r - 1) * np.sin(x) - 3 * r * np.cos(x)) * r * r * r


def _closed_3(x: Array) -> Any:
    r = 1 / x
    return ((15 * r * r - 6) * r * np.sin(x) - (15 * r * r - 1) * np.cos(x)) * r * r * r * r


_ZEROS = (
    "The function crosses zero; the rounding errors there are a few ULP of the effect of x, not of "
    "the value."
)

sin_over_x = elementwise(
    "sin_over_x", "sin(x)/x",
    kernel=_smooth(0, lambda x: np.sin(x) / x),
    derivative=lambda x: (-(x * bessel_1(x)),),
    glyph="sin x/x", latex=r"\frac{{\sin {x}}}{{{x}}}", domain="x*x > 0",
    source="Continued by 1 to x = 0", accuracy_note=_ZEROS,
)  # fmt: skip
bessel_1: Elementwise = elementwise(
    "bessel_1", "sin(x)/x**3 - cos(x)/x**2",
    kernel=_smooth(1, lambda x: (np.sin(x) / x - np.cos(x)) / x / x),
    derivative=lambda x: (-(x * bessel_2(x)),),
    glyph="j₁/x", latex="j_1({x})/{x}", domain="x*x > 0",
    source="Abramowitz & Stegun 10.1.11; continued by 1/3 to x = 0", accuracy_note=_ZEROS,
)  # fmt: skip
bessel_2: Elementwise = elementwise(
    "bessel_2", "(3/x**5 - 1/x**3)*sin(x) - 3*cos(x)/x**4",
    kernel=_smooth(2, _closed_2),
    derivative=lambda x: (-(x * bessel_3(x)),),
    glyph="j₂/x²", latex="j_2({x})/{x}^2", domain="x*x > 0",
    source="Abramowitz & Stegun 10.1.11; continued by 1/15 to x = 0", accuracy_note=_ZEROS,
)  # fmt: skip
bessel_3: Elementwise = elementwise(
    "bessel_3", "(15/x**7 - 6/x**5)*sin(x) - (15/x**6 - 1/x**4)*cos(x)",
    kernel=_smooth(3, _closed_3),
    derivative=lambda x, out: ((bessel_2(x) - 7.0 * out) / x,),
    glyph="j₃/x³", latex="j_3({x})/{x}^3", domain="x*x > 9",
    source="Abramowitz & Stegun 10.1.11, 10.1.19; continued to |x| < 3, where its derivative (the "
    "fourth and higher ones of sin(x)/x) loses digits", accuracy_note=_ZEROS,
)  # fmt: skip


def sinc(x: Any) -> Any:
    """sin(πx)/(πx), 1 at x = 0, as numpy.sinc; right near 0 in every derivative up to the third."""
    return sin_over_x(math.pi * x)


# Choices that pass over NaN -----------------------------------------------------------------------


def _chosen(first: Any, exceeded: Any) -> tuple[Any, Any]:
    share = equal(first, first) * (1.0 - exceeded)  # a NaN does not equal itself
    return share, 1.0 - share


fmax = elementwise(
    "fmax", "Max(x, y)",
    pieces=(("x > y", "x"), ("x < y", "y")), at_kink="x",
    policy="1/2 to each operand at a tie, the middle of the segment from (1, 0) to (0, 1)",
    kernel=np.fmax,
    derivative=lambda x, y: _chosen(x, exceeds(y, x)),
    glyph="fmax", latex=r"\max({x}, {y})",
)  # fmt: skip
fmin = elementwise(
    "fmin", "Min(x, y)",
    pieces=(("x < y", "x"), ("x > y", "y")), at_kink="x",
    policy="1/2 to each operand at a tie, the middle of the segment from (1, 0) to (0, 1)",
    kernel=np.fmin,
    derivative=lambda x, y: _chosen(x, exceeds(x, y)),
    glyph="fmin", latex=r"\min({x}, {y})",
)  # fmt: skip
