"""The gamma function, its logarithm and what their derivatives are made of; the beta function."""

from __future__ import annotations

import math
from fractions import Fraction
from functools import cache
from typing import Any

import numpy as np

from circuitgrad.errors import SpecError
from circuitgrad.gates import arithmetic, functions, sequences
from circuitgrad.gates.broadcasting import broadcast_together
from circuitgrad.gates.from_formula import Elementwise, elementwise
from circuitgrad.gates.pointwise import pointwise
from circuitgrad.gates.scipy_kernels import special_kernel
from circuitgrad.sources import as_wire, input_wire
from circuitgrad.wire import Array, Wire, describe, has_value, known_value

__all__ = [
    "beta", "betainc", "betaln", "digamma", "gamma", "gammainc", "gammaincc", "gammaln", "gammasgn",
    "multigammaln", "order_of", "polygamma", "rgamma", "trigamma",
]  # fmt: skip

_REFLECTED = "For x < 0 as SciPy's, which the kernel and the derivative follow"
_ZERO = (
    "The function crosses zero; the rounding errors there are a few ULP of the effect of x, not of "
    "the value."
)

gammaln = elementwise(
    "gammaln", "loggamma(x)",
    kernel=special_kernel("gammaln"),
    derivative=lambda x: (digamma(x),),
    glyph="log Γ", latex=r"\log\Gamma({x})", domain="x > 0",
    source=f"log|Γ(x)|. {_REFLECTED}", accuracy_note=_ZERO,
)  # fmt: skip
digamma: Elementwise = elementwise(
    "digamma", "digamma(x)",
    kernel=special_kernel("psi"),
    derivative=lambda x: (trigamma(x),),
    glyph="ψ", latex=r"\psi({x})", domain="x > 0",
    source=f"Abramowitz & Stegun 6.3.1. {_REFLECTED}", accuracy_note=_ZERO,
)  # fmt: skip


def _polygamma_kernel(order: int) -> Any:
    def kernel(x: Array) -> Any:
        with np.errstate(all="ignore"):
            found = special_kernel("polygamma", order)(x)
            return np.asarray(found, dtype=x.dtype)

    return kernel


def _polygamma(order: int, name: str) -> Elementwise:
    return elementwise(
        name, f"polygamma({order}, x)",
        kernel=_polygamma_kernel(order),
        derivative=lambda x: (polygamma_gate(order + 1)(x),),
        glyph=f"ψ⁽{order}⁾", latex=rf"\psi^{{{{({order})}}}}({{x}})", domain="x > 0",
        source="Abramowitz & Stegun 6.4.1",
    )  # fmt: skip


trigamma: Elementwise = _polygamma(1, "trigamma")


@cache
def polygamma_gate(order: int) -> Elementwise:
    """The gate of the derivative of that order of digamma."""
    return (digamma, trigamma)[order] if order < 2 else _polygamma(order, f"polygamma_{order}")


gamma = elementwise(
    "gamma", "gamma(x)",
    kernel=special_kernel("gamma"),
    derivative=lambda x, out: (out * digamma(x),),
    glyph="Γ", latex=r"\Gamma({x})", domain="x > 0",
    source=f"Abramowitz & Stegun 6.1.1. {_REFLECTED}", accuracy_note=_ZERO,
)  # fmt: skip
rgamma = elementwise(
    "rgamma", "1/gamma(x)",
    kernel=special_kernel("rgamma"),
    derivative=lambda x, out: (-(out * digamma(x)),),
    glyph="1/Γ", latex=r"\frac{{1}}{{\Gamma({x})}}", domain="x > 0",
    source=_REFLECTED, accuracy_note=_ZERO,
)  # fmt: skip


def order_of(value: Any, where: str, whole: bool = False) -> Fraction:
    """The order of a family of functions as an exact number.

    Raises:
        SpecError: A wire whose value is not known, an array, or (where asked) no whole number.
    """
    known = value
    if isinstance(value, Wire):
        if value.inputs or not has_value(value) or value.label:
            raise SpecError(
                f"{where}: the order is the wire {describe(value)}; needed a number. The "
                "derivative by the order is not available."
            )
        known = known_value(value)
    if np.ndim(known) != 0 or not math.isfinite(float(known)):
        raise SpecError(f"{where}: the order is {known!r}; needed one finite number.")
    number = Fraction(float(known))
    if whole and number.denominator != 1:
        raise SpecError(f"{where}: the order is {known!r}; needed a whole number.")
    return number


def polygamma(n: Any, x: Any) -> Any:
    """The n-th derivative of digamma, as scipy.special.polygamma, for one whole number n.

    Raises:
        SpecError: An order that is no whole number, or below 0.
    """
    order = int(order_of(n, "polygamma", whole=True))
    if order < 0:
        raise SpecError(f"polygamma: the order is {order}; needed 0 or more.")
    return polygamma_gate(order)(x)


def multigammaln(a: Any, d: int) -> Any:
    """The logarithm of the multivariate gamma function, as scipy.special.multigammaln."""
    if int(d) != d or d < 1:
        raise SpecError(f"multigammaln: d is {d!r}; needed a whole number from 1 up.")
    found: Any = d * (d - 1) * 0.25 * math.log(math.pi)
    for k in range(int(d)):
        found = found + gammaln(a - 0.5 * k)
    return found


# Incomplete gamma and beta functions: derivatives by x, not by the orders ------------------------


@cache
def _incomplete_gamma(a: Fraction, upper: bool) -> Elementwise:
    sign = -1.0 if upper else 1.0
    order = float(a)

    def density(x: Wire) -> Wire:
        found: Wire = functions.exp(arithmetic.xlogy(order - 1.0, x) - x - gammaln(as_wire(order)))
        return sign * found

    name = "gammaincc" if upper else "gammainc"
    head = "uppergamma" if upper else "lowergamma"
    return elementwise(
        name, f"{head}({a}, x)/gamma({a})",
        kernel=special_kernel(name, order),
        derivative=lambda x: (density(x),),
        glyph="Q" if upper else "P", domain="x > 0",
        source="Abramowitz & Stegun 6.5.1",
    )  # fmt: skip


def gammainc(a: Any, x: Any) -> Any:
    """The regularized lower incomplete gamma function, for one number a."""
    return _incomplete_gamma(order_of(a, "gammainc"), False)(x)


def gammaincc(a: Any, x: Any) -> Any:
    """The regularized upper incomplete gamma function, for one number a."""
    return _incomplete_gamma(order_of(a, "gammaincc"), True)(x)


def _betaln_partials(a: Wire, b: Wire, out: Wire) -> tuple[Wire, Wire]:
    both = digamma(a + b)
    return digamma(a) - both, digamma(b) - both


_betaln = pointwise(
    "betaln", "log B",
    kernel=special_kernel("betaln"),
    partials=_betaln_partials,
    meaning=lambda a, b: gammaln(a) + gammaln(b) - gammaln(a + b),
    sample=lambda: betaln(*(input_wire(name) for name in "ab")),
    formula="log(gamma(a)*gamma(b)/gamma(a + b))",
    latex=r"\log B({0}, {1})",
    source="Abramowitz & Stegun 6.2.2",
)  # fmt: skip


def _beta_partials(a: Wire, b: Wire, out: Wire) -> tuple[Wire, Wire]:
    first, second = _betaln_partials(a, b, out)
    return out * first, out * second


_beta = pointwise(
    "beta", "B",
    kernel=special_kernel("beta"),
    partials=_beta_partials,
    meaning=lambda a, b: gamma(a) * gamma(b) / gamma(a + b),
    sample=lambda: beta(*(input_wire(name) for name in "ab")),
    formula="gamma(a)*gamma(b)/gamma(a + b)",
    latex=r"B({0}, {1})",
    source="Abramowitz & Stegun 6.2.2",
)  # fmt: skip


def betaln(a: Any, b: Any) -> Wire:
    """The logarithm of the beta function, as scipy.special.betaln."""
    return _betaln(*broadcast_together([as_wire(a), as_wire(b)], "betaln"))


def beta(a: Any, b: Any) -> Wire:
    """The beta function, as scipy.special.beta."""
    return _beta(*broadcast_together([as_wire(a), as_wire(b)], "beta"))


@cache
def _incomplete_beta(a: Fraction, b: Fraction) -> Elementwise:
    first, second = float(a), float(b)

    def density(x: Wire) -> Wire:
        powers = arithmetic.xlogy(first - 1.0, x) + arithmetic.xlogy(second - 1.0, 1.0 - x)
        found: Wire = functions.exp(powers - betaln(as_wire(first), as_wire(second)))
        return found

    return elementwise(
        "betainc", f"betainc_regularized({a}, {b}, 0, x)",
        kernel=special_kernel("betainc", first, second),
        derivative=lambda x: (density(x),),
        glyph="I", domain="x*(1 - x) > 0",
        source="Abramowitz & Stegun 6.6.2",
    )  # fmt: skip


def betainc(a: Any, b: Any, x: Any) -> Any:
    """The regularized incomplete beta function, for two numbers a and b."""
    return _incomplete_beta(order_of(a, "betainc"), order_of(b, "betainc"))(x)


def gammasgn(x: Any) -> Wire:
    """The sign of the gamma function: 1 for x > 0, alternating between the poles."""
    wire = as_wire(x)
    below = sequences.floor(wire)
    odd = below - 2.0 * sequences.floor(0.5 * below)
    found: Wire = 1.0 - 2.0 * odd * arithmetic.less(wire, 0.0)
    return found
