"""The circuits of densities and distribution functions of scipy.stats."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from typing import Any

from circuitgrad.gates import (
    arithmetic,
    contractions,
    functions,
    gamma_functions,
    linear_algebra,
    matrices,
    probability,
    sequences,
)
from circuitgrad.gates.gamma_functions import betaln, gammaln
from circuitgrad.sources import as_wire
from circuitgrad.wire import Wire

__all__ = ["DISTRIBUTIONS"]

Density = Callable[..., Wire]
_LOG_TWO_PI = math.log(2 * math.pi)


def _standard(x: Any, loc: Any, scale: Any) -> Wire:
    found: Wire = (as_wire(x) - loc) / scale
    return found


def _supported(x: Any, low: float, high: float, log_density: Callable[[Wire], Wire]) -> Wire:
    """A log density on its support and -inf outside, where no gradient comes from it either."""
    wire = as_wire(x)
    inside = arithmetic.greater_equal(wire, low) * arithmetic.less_equal(wire, high)
    safe = arithmetic.where(inside, wire, low + 0.5)
    found: Wire = arithmetic.where(inside, log_density(safe), -math.inf)
    return found


def _exponential(log_density: Density) -> Density:
    def density(*args: Any, **kwargs: Any) -> Wire:
        found: Wire = functions.exp(log_density(*args, **kwargs))
        return found

    return density


def _located(log_density: Density) -> Density:
    """A log density with the location and scale that SciPy's have."""

    def located(x: Any, *shapes: Any, loc: Any = 0.0, scale: Any = 1.0) -> Wire:
        found: Wire = log_density(_standard(x, loc, scale), *shapes) - arithmetic.log(
            as_wire(scale)
        )
        return found

    return located


# The normal distribution --------------------------------------------------------------------------


def _norm_logpdf(x: Any, loc: Any = 0.0, scale: Any = 1.0) -> Wire:
    z = _standard(x, loc, scale)
    found: Wire = -0.5 * (z * z) - arithmetic.log(as_wire(scale)) - _LOG_TWO_PI / 2
    return found


_NORM: Mapping[str, Density] = {
    "logpdf": _norm_logpdf,
    "pdf": _exponential(_norm_logpdf),
    "cdf": lambda x, loc=0.0, scale=1.0: probability.ndtr(_standard(x, loc, scale)),
    "sf": lambda x, loc=0.0, scale=1.0: probability.ndtr(-_standard(x, loc, scale)),
    "logcdf": lambda x, loc=0.0, scale=1.0: probability.log_ndtr(_standard(x, loc, scale)),
    "logsf": lambda x, loc=0.0, scale=1.0: probability.log_ndtr(-_standard(x, loc, scale)),
    "ppf": lambda q, loc=0.0, scale=1.0: loc + scale * probability.ndtri(q),
}


# Student's t, gamma, chi-squared, beta ------------------------------------------------------------


def _t_logpdf(x: Any, df: Any) -> Wire:
    freedom = as_wire(df)
    half = 0.5 * (freedom + 1.0)
    found: Wire = (
        gammaln(half)
        - gammaln(0.5 * freedom)
        - 0.5 * arithmetic.log(math.pi * freedom)
        - half * functions.log1p(x * x / freedom)
    )
    return found


def _gamma_logpdf(x: Any, a: Any) -> Wire:
    shape = as_wire(a)
    return _supported(
        x, 0.0, math.inf, lambda z: arithmetic.xlogy(shape - 1.0, z) - z - gammaln(shape)
    )


def _chi2_logpdf(x: Any, df: Any) -> Wire:
    half = 0.5 * as_wire(df)
    norm = gammaln(half) + half * math.log(2)
    return _supported(x, 0.0, math.inf, lambda z: arithmetic.xlogy(half - 1.0, z) - 0.5 * z - norm)


def _beta_logpdf(x: Any, a: Any, b: Any) -> Wire:
    first, second = as_wire(a), as_wire(b)

    def log_density(z: Wire) -> Wire:
        powers = arithmetic.xlogy(first - 1.0, z) + probability.xlog1py(second - 1.0, -z)
        found: Wire = powers - betaln(first, second)
        return found

    return _supported(x, 0.0, 1.0, log_density)


def _densities(log_density: Density, cdf: Density | None = None) -> dict[str, Density]:
    located = _located(log_density)
    found = {"logpdf": located, "pdf": _exponential(located)}
    return found if cdf is None else {**found, "cdf": cdf}


def _gamma_cdf(x: Any, a: Any, loc: Any = 0.0, scale: Any = 1.0) -> Wire:
    z = arithmetic.maximum(_standard(x, loc, scale), 0.0)
    found: Wire = gamma_functions.gammainc(a, z)
    return found


def _chi2_cdf(x: Any, df: Any, loc: Any = 0.0, scale: Any = 1.0) -> Wire:
    return _gamma_cdf(0.5 * _standard(x, loc, scale), 0.5 * df)


def _beta_cdf(x: Any, a: Any, b: Any, loc: Any = 0.0, scale: Any = 1.0) -> Wire:
    z = arithmetic.clip(_standard(x, loc, scale), 0.0, 1.0)
    found: Wire = gamma_functions.betainc(a, b, z)
    return found


def _t_cdf(x: Any, df: Any, loc: Any = 0.0, scale: Any = 1.0) -> Wire:
    """I(y; ν/2, ν/2) with y = (1 + z/√(ν + z²))/2, which is smooth at 0; by the nearer tail."""
    z = _standard(x, loc, scale)

    def tail(u: Wire) -> Wire:
        kept = arithmetic.maximum(u, -1.0)  # the other side is not chosen, but must be finite
        radius = arithmetic.sqrt(df + kept * kept)
        y = 0.5 * df / (radius * (radius + kept))
        found: Wire = gamma_functions.betainc(0.5 * df, 0.5 * df, y)
        return found

    result: Wire = arithmetic.where(arithmetic.less(z, 0.0), tail(-z), 1.0 - tail(z))
    return result


# Poisson, Dirichlet, multivariate normal ----------------------------------------------------------


def _poisson_logpmf(k: Any, mu: Any, loc: Any = 0.0) -> Wire:
    count, rate = as_wire(k) - loc, as_wire(mu)
    value = arithmetic.xlogy(count, rate) - rate - gammaln(count + 1.0)
    whole = arithmetic.equal(count, sequences.floor(count))
    is_possible = whole * arithmetic.greater_equal(count, 0.0)
    found: Wire = arithmetic.where(is_possible, value, -math.inf)
    return found


def _poisson_cdf(k: Any, mu: Any, loc: Any = 0.0) -> Wire:
    whole = math.floor(gamma_functions.order_of(k, "scipy.stats.poisson.cdf") - loc)
    if whole < 0:
        return as_wire(mu) * 0.0
    found: Wire = gamma_functions.gammaincc(whole + 1, as_wire(mu))
    return found


def _dirichlet_logpdf(x: Any, alpha: Any) -> Wire:
    weights = as_wire(alpha)
    norm = contractions.total(gammaln(weights)) - gammaln(contractions.total(weights))
    found: Wire = contractions.total(arithmetic.xlogy(weights - 1.0, x)) - norm
    return found


def _normal_vector_logpdf(x: Any, mean: Any = None, cov: Any = 1.0) -> Wire:
    covariance = as_wire(cov)
    gap = as_wire(x) - (0.0 if mean is None else mean)
    if covariance.ndim == 2:
        size = int(covariance.shape[0])
        if gap.ndim == 1 and size > 1:
            solved = linear_algebra.solve(covariance, gap)
            square = contractions.total(gap * solved)
        else:
            rows = gap.reshape((-1, size))
            solved = linear_algebra.solve(covariance, rows.T).T
            square = contractions.total(rows * solved, 1).reshape(gap.shape[:-1])
        return -0.5 * (square + matrices.logdet(covariance) + size * _LOG_TWO_PI)
    size = int(gap.shape[-1]) if gap.ndim else 1
    square = contractions.total(gap * gap / covariance, -1) if gap.ndim else gap * gap / covariance
    spread = arithmetic.log(covariance)
    log_det = contractions.total(spread) if covariance.ndim else size * spread
    return -0.5 * (square + log_det + size * _LOG_TWO_PI)


def _normal_vector_entropy(mean: Any = None, cov: Any = 1.0) -> Wire:
    covariance = as_wire(cov)
    if covariance.ndim != 2:
        covariance = contractions.diag(covariance.reshape(-1))
    size = int(covariance.shape[0])
    return 0.5 * (matrices.logdet(covariance) + size * (1 + _LOG_TWO_PI))


DISTRIBUTIONS: Mapping[str, Mapping[str, Density]] = {
    "norm": _NORM,
    "t": _densities(_t_logpdf, _t_cdf)
    | {"logcdf": lambda *args, **kwargs: arithmetic.log(_t_cdf(*args, **kwargs))},
    "gamma": _densities(_gamma_logpdf, _gamma_cdf),
    "chi2": _densities(_chi2_logpdf, _chi2_cdf),
    "beta": _densities(_beta_logpdf, _beta_cdf),
    "poisson": {
        "cdf": _poisson_cdf,
        "logpmf": _poisson_logpmf,
        "pmf": _exponential(_poisson_logpmf),
    },
    "dirichlet": {"logpdf": _dirichlet_logpdf, "pdf": _exponential(_dirichlet_logpdf)},
    "multivariate_normal": {
        "logpdf": _normal_vector_logpdf,
        "pdf": _exponential(_normal_vector_logpdf),
        "entropy": _normal_vector_entropy,
    },
}
