"""Kernels from SciPy, imported on first use: the import takes longer than all else here."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from fractions import Fraction
from functools import cache
from typing import Any

import numpy as np

__all__ = ["FORMULA_KERNELS", "special_function", "special_kernel"]


@cache
def special_function(name: str) -> Any:
    """The function of scipy.special of that name."""
    from scipy import special

    return getattr(special, name)


def special_kernel(name: str, *orders: float) -> Callable[..., Any]:
    """The function of scipy.special of that name, its first arguments given."""

    def kernel(*arrays: Any) -> Any:
        with np.errstate(all="ignore"):  # as SciPy's own functions, which report nothing
            return special_function(name)(*orders, *arrays)

    return kernel


def _ordered(name: str) -> Callable[..., Any]:
    """The same, orders coming from a formula: exact fractions there."""

    def kernel(*arguments: Any) -> Any:
        plain = [float(x) if isinstance(x, int | Fraction) else x for x in arguments]
        with np.errstate(all="ignore"):
            return special_function(name)(*plain)

    return kernel


def _lower_gamma(a: Any, x: Any) -> Any:
    return _ordered("gammainc")(a, x) * _ordered("gamma")(a)


def _upper_gamma(a: Any, x: Any) -> Any:
    return _ordered("gammaincc")(a, x) * _ordered("gamma")(a)


# What formulas in SymPy's names compute where a gate declares no kernel.
FORMULA_KERNELS: Mapping[str, Callable[..., Any]] = {
    "gamma": _ordered("gamma"), "loggamma": _ordered("gammaln"), "digamma": _ordered("psi"),
    "polygamma": _ordered("polygamma"), "lowergamma": _lower_gamma, "uppergamma": _upper_gamma,
    "betainc_regularized": lambda a, b, low, x: _ordered("betainc")(a, b, x),
    "besselj": _ordered("jv"), "bessely": _ordered("yv"), "besseli": _ordered("iv"),
    "erfc": _ordered("erfc"), "erfinv": _ordered("erfinv"), "erfcinv": _ordered("erfcinv"),
}  # fmt: skip
