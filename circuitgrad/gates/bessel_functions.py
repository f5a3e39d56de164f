"""Bessel functions of one order each; the derivative is made of the neighbouring orders."""

from __future__ import annotations

from collections.abc import Callable
from fractions import Fraction
from functools import cache
from typing import Any

from circuitgrad.gates import arithmetic
from circuitgrad.gates.from_formula import Elementwise, elementwise
from circuitgrad.gates.gamma_functions import order_of
from circuitgrad.gates.scipy_kernels import special_kernel

__all__ = ["iv", "ive", "jv", "yv"]

_SOURCE = "Abramowitz & Stegun 9.1.27, 9.6.26"
_FAST = {("jv", 0): "j0", ("jv", 1): "j1", ("yv", 0): "y0", ("yv", 1): "y1"}


def _kernel(kind: str, order: Fraction) -> Callable[..., Any]:
    fast = _FAST.get((kind, int(order))) if order.denominator == 1 else None
    return special_kernel(fast) if fast else special_kernel(kind, float(order))


def _spelled(order: Fraction) -> str:
    return str(order).replace("-", "minus_").replace("/", "_over_")


def _family(kind: str, head: str, letter: str, sign: float, domain: str) -> Any:
    """The gate of each order; sign is that of the next order in twice the derivative."""

    @cache
    def gate(order: Fraction) -> Elementwise:
        def derivative(x: Any) -> tuple[Any]:
            if order == 0:
                return (sign * gate(Fraction(1))(x),)
            return (0.5 * (gate(order - 1)(x) + sign * gate(order + 1)(x)),)

        return elementwise(
            f"{kind}_{_spelled(order)}", f"{head}({order}, x)", variables=("x",),
            kernel=_kernel(kind, order),
            derivative=derivative,
            glyph=f"{letter}{order}", latex=rf"{letter}_{{{{{order}}}}}({{x}})",
            domain=domain if order.denominator == 1 else "x > 0",
            source=_SOURCE,
        )  # fmt: skip

    return gate


# J₀' = -J₁ and Y₀' = -Y₁, while I₀' = I₁.
_J = _family("jv", "besselj", "J", -1.0, "")
_Y = _family("yv", "bessely", "Y", -1.0, "x > 0")
_I = _family("iv", "besseli", "I", 1.0, "")


@cache
def _scaled_gate(order: Fraction) -> Elementwise:
    def derivative(x: Any, out: Any) -> tuple[Any]:
        near = [_scaled_gate(abs(order + step))(x) for step in (-1, 1)]
        return (0.5 * (near[0] + near[1]) - arithmetic.sign(x) * out,)

    name = f"besseli({order}, x)"
    return elementwise(
        f"ive_{order}",
        pieces=(("x > 0", f"exp(-x)*{name}"), ("x < 0", f"exp(x)*{name}")),
        at_kink=name,
        policy="the mean of the two sides' derivatives at 0",
        kernel=special_kernel("ive", float(order)),
        derivative=derivative,
        glyph=f"e⁻ˣI{order}",
        source=_SOURCE,
    )  # fmt: skip


def jv(v: Any, x: Any) -> Any:
    """The Bessel function of the first kind of one order v, as scipy.special.jv and jn."""
    return _J(order_of(v, "jv"))(x)


def yv(v: Any, x: Any) -> Any:
    """The Bessel function of the second kind of one order v, as scipy.special.yv and yn."""
    return _Y(order_of(v, "yv"))(x)


def iv(v: Any, x: Any) -> Any:
    """The modified Bessel function of one order v, as scipy.special.iv."""
    return _I(order_of(v, "iv"))(x)


def ive(v: Any, x: Any) -> Any:
    """exp(-|x|) times the modified Bessel function of one whole order, as scipy.special.ive."""
    return _scaled_gate(order_of(v, "ive", whole=True))(x)
