"""Functions of probability: the inverse error functions, the normal distribution, entropies."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from circuitgrad.gates import arithmetic
from circuitgrad.gates.from_formula import Elementwise, elementwise
from circuitgrad.gates.from_rule import Declaration
from circuitgrad.gates.functions import gaussian, log1p
from circuitgrad.gates.pointwise import pointwise
from circuitgrad.gates.scipy_kernels import special_kernel
from circuitgrad.gates.special import erfc
from circuitgrad.sources import as_wire, input_wire
from circuitgrad.wire import Array, Wire

__all__ = [
    "entr", "erfcinv", "erfcx", "erfinv", "kl_div", "log_ndtr", "ndtr", "ndtri", "rel_entr",
    "xlog1py",
]  # fmt: skip


def _inverse_slope(y: Array, tail: Array) -> Any:
    """√π/2 exp(y²) by way of erfcx(y) = exp(y²) erfc(y): exp would magnify the rounding of y."""
    with np.errstate(all="ignore"):
        scaled_tail = special_kernel("erfcx")(np.abs(y))
        return math.sqrt(math.pi) / 2 * scaled_tail / tail


def _erfinv_slope(x: Array) -> Any:
    return _inverse_slope(special_kernel("erfinv")(x), 1 - np.abs(x))


def _erfcinv_slope(x: Array) -> Any:
    return -_inverse_slope(special_kernel("erfcinv")(x), np.minimum(x, 2 - x))


# The derivatives of the inverses are gates: they have kernels of their own.
erfinv_slope: Elementwise = elementwise(
    "erfinv_slope", "sqrt(pi)*exp(erfinv(x)**2)/2",
    kernel=_erfinv_slope,
    derivative=lambda x, out: (2.0 * (erfinv(x) * out) * out,),
    glyph="erf⁻¹′", latex=r"\tfrac{{\sqrt\pi}}{{2}} e^{{\operatorname{{erf}}^{{-1}}({x})^2}}",
    domain="x*x < 1",
)  # fmt: skip
erfinv: Elementwise = elementwise(
    "erfinv", "erfinv(x)",
    kernel=special_kernel("erfinv"),
    derivative=lambda x: (erfinv_slope(x),),
    glyph="erf⁻¹", latex=r"\operatorname{{erf}}^{{-1}}({x})", domain="x*x < 1",
)  # fmt: skip
erfcinv_slope: Elementwise = elementwise(
    "erfcinv_slope", "-sqrt(pi)*exp(erfcinv(x)**2)/2",
    kernel=_erfcinv_slope,
    derivative=lambda x, out: (2.0 * (erfcinv(x) * out) * out,),
    glyph="erfc⁻¹′", latex=r"-\tfrac{{\sqrt\pi}}{{2}} e^{{\operatorname{{erfc}}^{{-1}}({x})^2}}",
    domain="x*(2 - x) > 0",
)  # fmt: skip
erfcinv: Elementwise = elementwise(
    "erfcinv", "erfcinv(x)",
    kernel=special_kernel("erfcinv"),
    derivative=lambda x: (erfcinv_slope(x),),
    glyph="erfc⁻¹", latex=r"\operatorname{{erfc}}^{{-1}}({x})", domain="x*(2 - x) > 0",
    accuracy_note="The function crosses zero at x = 1; the rounding errors there are a few ULP of "
    "the effect of x, not of the value.",
)  # fmt: skip

# The normal distribution --------------------------------------------------------------------------


def _root_two() -> Wire:
    """√2 as a gate, which formulas keep exact."""
    found: Wire = arithmetic.sqrt(as_wire(2.0))
    return found


def ndtr(x: Any) -> Wire:
    """The distribution function of the normal distribution, as scipy.special.ndtr."""
    found: Wire = 0.5 * erfc(-(as_wire(x) / _root_two()))
    return found


def ndtri(p: Any) -> Wire:
    """The quantiles of the normal distribution, as scipy.special.ndtri."""
    found: Wire = -(_root_two() * erfcinv(2.0 * as_wire(p)))
    return found


def _hazard_kernel(x: Array) -> Any:
    return math.sqrt(2 / math.pi) / special_kernel("erfcx")(-x / math.sqrt(2))


def _hazard(x: Wire) -> Wire:
    u = x / _root_two()
    found: Wire = gaussian(u) / (_root_two() * erfc(-u))
    return found


# The derivative of log_ndtr.
normal_hazard: Declaration = pointwise(
    "normal_hazard", "φ/Φ",
    kernel=_hazard_kernel,
    partials=lambda x, out: (-(out * (out + x)),),
    meaning=_hazard,
    sample=lambda: normal_hazard(input_wire("x")),
    formula="exp(-x**2/2)/(sqrt(2*pi)*Φ(x))",
    latex=r"\tfrac{{\varphi}}{{\Phi}}({0})",
    source="The inverse Mills ratio: Mills, Biometrika 18 (1926) 395",
)  # fmt: skip
_log_ndtr: Declaration = pointwise(
    "log_ndtr", "log Φ",
    kernel=special_kernel("log_ndtr"),
    partials=lambda x, out: (normal_hazard(x),),
    meaning=lambda x: arithmetic.log(ndtr(x)),
    sample=lambda: log_ndtr(input_wire("x")),
    formula="log(Φ(x))",
    latex=r"\log\Phi({0})",
)  # fmt: skip
_erfcx: Declaration = pointwise(
    "erfcx", "erfcx",
    kernel=special_kernel("erfcx"),
    partials=lambda x, out: (2.0 * (x * out) - gaussian(x - x),),
    meaning=lambda x: erfc(x) * gaussian(x - x) / gaussian(x),
    sample=lambda: erfcx(input_wire("x")),
    formula="exp(x**2)*erfc(x)",
    latex=r"\operatorname{{erfcx}}({0})",
)  # fmt: skip


def log_ndtr(x: Any) -> Wire:
    """The logarithm of the normal distribution function, as scipy.special.log_ndtr."""
    return _log_ndtr(as_wire(x))


def erfcx(x: Any) -> Wire:
    """exp(x²) erfc(x), as scipy.special.erfcx."""
    return _erfcx(as_wire(x))


# Entropies ----------------------------------------------------------------------------------------


def _xlog1py(x: Array, y: Array) -> Any:
    with np.errstate(divide="ignore", invalid="ignore"):
        return np.where((x == 0) & (y >= -1), x * 0, x * np.log1p(y))


xlog1py = elementwise(
    "xlog1py", "x*log(1 + y)",
    kernel=_xlog1py,
    derivative=lambda x, y: (log1p(y), x / (1.0 + y)),
    glyph="x log1p y", latex=r"{x} \log(1 + {y})", domain="y > -1",
    source="The continuous extension 0 log 0 = 0, as in information theory",
)  # fmt: skip
entr = elementwise(
    "entr", "-x*log(x)",
    kernel=special_kernel("entr"),
    derivative=lambda x: (-(1.0 + arithmetic.log(x)),),
    glyph="−x log x", latex=r"-{x} \log({x})", domain="x > 0",
    source="0 at x = 0 and -inf below, as SciPy's",
    accuracy_note="The value crosses zero at x = 1 and the derivative at x = 1/e; the rounding "
    "errors there are a few ULP of the effect of x.",
)  # fmt: skip


def rel_entr(x: Any, y: Any) -> Wire:
    """x log(x/y), 0 at x = 0 and inf where an operand is negative, as scipy.special.rel_entr."""
    first, second = as_wire(x), as_wire(y)
    value = arithmetic.xlogy(first, first / second)
    found: Wire = arithmetic.where(
        arithmetic.less(arithmetic.minimum(first, second), 0.0), math.inf, value
    )
    return found


def kl_div(x: Any, y: Any) -> Wire:
    """x log(x/y) - x + y, as scipy.special.kl_div."""
    found: Wire = rel_entr(x, y) - x + y
    return found
