"""NumPy's own functions on wires: what __array_ufunc__ and __array_function__ do."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from typing import Any

import numpy as np

from circuitgrad.errors import SpecError
from circuitgrad.gates import (
    activations,
    arithmetic,
    bessel_functions,
    contractions,
    functions,
    gamma_functions,
    linear_algebra,
    matrices,
    operators,
    probability,
    products,
    reductions,
    sequences,
    special,
    spectra,
)
from circuitgrad.grammar import nearest
from circuitgrad.numpy_functions import FUNCTIONS
from circuitgrad.numpy_refusals import REFUSED
from circuitgrad.sources import as_wire
from circuitgrad.wire import Wire, has_value, known_value

__all__ = ["FUNCTIONS", "UFUNCS", "VALUE_ONLY", "call_function", "call_ufunc"]


def _operator(name: str) -> Callable[..., Any]:
    return lambda *operands: operators.apply(name, *operands)


def _rounding(gate: Callable[..., Wire]) -> Callable[..., Wire]:
    return lambda x: gate(as_wire(x))


def _remainder(x: Any, y: Any, whole: Callable[..., Wire]) -> Wire:
    """x - y·whole(x/y): slope 1 in x, -whole(x/y) in y."""
    found: Wire = x - y * whole(as_wire(x / y))
    return found


UFUNCS: Mapping[str, Callable[..., Any]] = {
    "add": _operator("add"),
    "subtract": _operator("sub"),
    "multiply": _operator("mul"),
    "divide": _operator("div"),
    "true_divide": _operator("div"),
    "power": operators.power,
    "float_power": operators.power,
    "matmul": contractions.matmul,
    "negative": arithmetic.neg,
    "positive": as_wire,
    "reciprocal": arithmetic.inv,
    "square": arithmetic.square,
    "sqrt": arithmetic.sqrt,
    "absolute": arithmetic.absolute,
    "fabs": arithmetic.absolute,
    "sign": arithmetic.sign,
    "maximum": arithmetic.maximum,
    "minimum": arithmetic.minimum,
    "exp": functions.exp,
    "expm1": functions.expm1,
    "log": arithmetic.log,
    "log1p": functions.log1p,
    "log2": special.log2,
    "log10": special.log10,
    "exp2": special.exp2,
    "cbrt": special.cbrt,
    "logaddexp": functions.logaddexp,
    "logaddexp2": lambda x, y: functions.logaddexp(x * math.log(2), y * math.log(2)) / math.log(2),
    "sin": functions.sin,
    "cos": functions.cos,
    "tan": functions.tan,
    "arcsin": functions.asin,
    "arccos": functions.acos,
    "arctan": functions.atan,
    "arctan2": functions.atan2,
    "sinh": functions.sinh,
    "cosh": functions.cosh,
    "tanh": functions.tanh,
    "arcsinh": special.asinh,
    "arccosh": special.acosh,
    "arctanh": special.atanh,
    "hypot": functions.hypot,
    "fmax": special.fmax,
    "fmin": special.fmin,
    "floor": _rounding(sequences.floor),
    "ceil": _rounding(sequences.ceil),
    "rint": _rounding(sequences.rounded),
    "trunc": _rounding(sequences.truncated),
    "divmod": lambda x, y: (
        sequences.floor(as_wire(x / y)),
        _remainder(x, y, sequences.floor),
    ),
    "floor_divide": lambda x, y: sequences.floor(as_wire(x / y)),
    "remainder": lambda x, y: _remainder(x, y, sequences.floor),
    "fmod": lambda x, y: _remainder(x, y, sequences.truncated),
    "copysign": lambda x, y: arithmetic.absolute(x) * arithmetic.orientation(y),
    "heaviside": lambda x, half: arithmetic.where(
        arithmetic.equal(x, 0.0), half, arithmetic.step(x)
    ),
    "conjugate": as_wire,
    "vecdot": lambda x, y: contractions.total(x * y, -1),
    "matvec": lambda a, x: contractions.matmul(a, x[..., None])[..., 0],
    # scipy.special's
    "expit": activations.sigmoid,
    "log_expit": activations.log_sigmoid,
    "logit": special.logit,
    "erf": functions.erf,
    "erfc": special.erfc,
    "xlogy": arithmetic.xlogy,
    "jv": bessel_functions.jv,
    "yv": bessel_functions.yv,
    "yn": bessel_functions.yv,
    "iv": bessel_functions.iv,
    "ive": bessel_functions.ive,
    "j0": lambda x: bessel_functions.jv(0, x),
    "j1": lambda x: bessel_functions.jv(1, x),
    "y0": lambda x: bessel_functions.yv(0, x),
    "y1": lambda x: bessel_functions.yv(1, x),
    "i0": lambda x: bessel_functions.iv(0, x),
    "i1": lambda x: bessel_functions.iv(1, x),
    "psi": gamma_functions.digamma,
    "gammaln": gamma_functions.gammaln,
    "gamma": gamma_functions.gamma,
    "rgamma": gamma_functions.rgamma,
    "gammasgn": gamma_functions.gammasgn,
    "gammainc": gamma_functions.gammainc,
    "gammaincc": gamma_functions.gammaincc,
    "beta": gamma_functions.beta,
    "betaln": gamma_functions.betaln,
    "betainc": gamma_functions.betainc,
    "erfinv": probability.erfinv,
    "erfcinv": probability.erfcinv,
    "erfcx": probability.erfcx,
    "ndtr": probability.ndtr,
    "ndtri": probability.ndtri,
    "log_ndtr": probability.log_ndtr,
    "xlog1py": probability.xlog1py,
    "entr": probability.entr,
    "rel_entr": probability.rel_entr,
    "kl_div": probability.kl_div,
    "deg2rad": lambda x: x * (math.pi / 180),
    "radians": lambda x: x * (math.pi / 180),
    "rad2deg": lambda x: x * (180 / math.pi),
    "degrees": lambda x: x * (180 / math.pi),
    "greater": _operator("greater"),
    "greater_equal": _operator("greater_equal"),
    "less": _operator("less"),
    "less_equal": _operator("less_equal"),
    "equal": _operator("equal"),
    "not_equal": _operator("not_equal"),
}

_REDUCTIONS = {
    "add": contractions.total,
    "maximum": reductions.largest,
    "minimum": reductions.smallest,
    "logaddexp": reductions.logsumexp,
    "multiply": products.prod,
}

# Functions whose result is piecewise constant and not a gradient's business: allowed where values
# are known.
VALUE_ONLY = {
    "argpartition", "searchsorted", "unique", "logical_and", "logical_or", "logical_not",
    "logical_xor", "may_share_memory", "shares_memory", "can_cast",
    "isfinite", "isnan", "isinf", "signbit", "argmax", "argmin", "argsort", "count_nonzero",
    "array_equal", "allclose", "isclose", "all", "any", "nonzero", "flatnonzero",
    "isneginf", "isposinf", "isreal", "iscomplex", "isscalar", "array_equiv", "digitize",
    "linalg.matrix_rank", "lexsort", "nanargmax", "nanargmin", "isin", "min_scalar_type",
    "array2string", "array_repr", "array_str", "iscomplexobj", "isrealobj", "result_type",
}  # fmt: skip


def call_ufunc(
    ufunc: np.ufunc, method: str, inputs: tuple[Any, ...], kwargs: dict[str, Any]
) -> Any:
    """The gate of a NumPy ufunc.

    Raises:
        SpecError: A ufunc or an option without a gate; the message names the nearest that has one.
    """
    name = ufunc.__name__.lstrip("_")
    home = "np" if hasattr(np, name) else "scipy.special"
    if name in REFUSED:
        raise SpecError(f"{home}.{name}: {REFUSED[name]}")
    if name in VALUE_ONLY and method == "__call__":
        return _on_values(ufunc, inputs, kwargs, f"np.{name}")
    if method == "reduce" and name in _REDUCTIONS:
        options = {k: v for k, v in kwargs.items() if k in ("axis", "keepdims")}
        options.setdefault("axis", 0)
        return _REDUCTIONS[name](*inputs, **options)
    if method == "accumulate" and name == "add":
        return sequences.cumsum(inputs[0], kwargs.get("axis", 0))
    if method != "__call__":
        raise SpecError(
            f"np.{name}.{method}: not available on wires. Use the function's plain form."
        )
    if name not in UFUNCS:
        raise SpecError(
            f"{home}.{name}: there is no gate for it yet.{nearest(name, UFUNCS)} "
            "Declare one with cg.elementwise(name, formula)."
        )
    extra = {
        k: v for k, v in kwargs.items() if v is not None and k not in ("casting", "order", "subok")
    }
    if extra:
        raise SpecError(
            f"{home}.{name}: option {next(iter(extra))}= is not available on wires, which "
            "cannot be written into. Use the result, and np.where to choose."
        )
    return UFUNCS[name](*inputs)


def _known(value: Any, where: str) -> Any:
    if isinstance(value, Wire):
        if not has_value(value):
            raise SpecError(f"{where}: a wire has no value while a circuit is built.")
        return known_value(value)
    if isinstance(value, tuple | list):
        return type(value)(_known(v, where) for v in value)
    return value


def _on_values(function: Any, args: tuple[Any, ...], kwargs: dict[str, Any], where: str) -> Any:
    plain = [_known(value, where) for value in args]
    return function(*plain, **{k: _known(v, where) for k, v in kwargs.items()})


def call_function(function: Any, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
    """The gates of a NumPy function that is not a ufunc.

    Raises:
        SpecError: A function or an option without gates; the message names the nearest that has
            them.
    """
    name = _qualified(function)
    if name in VALUE_ONLY:
        return _on_values(function, args, kwargs, f"np.{name}")
    if name in REFUSED:
        raise SpecError(f"np.{name}: {REFUSED[name]}")
    implementation = FUNCTIONS.get(name)
    if implementation is None:
        raise SpecError(
            f"np.{name}: not available on wires yet.{nearest(name, [*FUNCTIONS, *UFUNCS])} "
            "See docs/numpy.md for what is."
        )
    try:
        return implementation(*args, **kwargs)
    except TypeError as error:
        option = str(error).rpartition("argument ")[2] if "argument" in str(error) else str(error)
        raise SpecError(
            f"np.{name}: these options are not available on wires: {option}."
        ) from error


def _qualified(function: Any) -> str:
    module = getattr(function, "__module__", "") or ""
    part = module.rpartition(".")[2]
    prefix = f"{part}." if part in ("linalg", "fft") else ""
    return prefix + str(function.__name__)


# What text formulas may call, beside NumPy's names: the gates' own.
GATE_FUNCTIONS: Mapping[str, Callable[..., Any]] = {
    "abs": arithmetic.absolute, "max": arithmetic.maximum, "min": arithmetic.minimum,
    "asin": functions.asin, "acos": functions.acos, "atan": functions.atan,
    "atan2": functions.atan2,
    "erf": functions.erf, "sigmoid": activations.sigmoid, "softplus": activations.softplus,
    "log_sigmoid": activations.log_sigmoid, "relu": activations.relu, "swish": activations.swish,
    "softsign": activations.softsign, "hard_tanh": activations.hard_tanh,
    "leaky_relu": activations.leaky_relu, "elu": activations.elu,
    "softmax": reductions.softmax, "log_softmax": reductions.log_softmax,
    "logsumexp": reductions.logsumexp, "norm": reductions.norm,
    "inv": linear_algebra.inverse, "solve": linear_algebra.solve, "pow": operators.power,
    "det": matrices.det, "logdet": matrices.logdet, "cholesky": matrices.cholesky,
    "eigvalsh": spectra.eigvalsh, "matrix_power": matrices.matrix_power,
    "asinh": special.asinh, "acosh": special.acosh, "atanh": special.atanh,
    "top_k": sequences.top_k,
}  # fmt: skip


def formula_functions() -> dict[str, Callable[..., Any]]:
    """Every function that a text formula may call, by name."""
    plain = {name: f for name, f in FUNCTIONS.items() if "." not in name}
    hidden = {
        "shape", "ndim", "size", "einsum", "zeros_like", "ones_like", "meshgrid", "astype",
        "piecewise", "empty_like", "full_like",
    }  # fmt: skip
    return {**{k: v for k, v in plain.items() if k not in hidden}, **UFUNCS, **GATE_FUNCTIONS}
