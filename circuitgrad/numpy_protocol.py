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
    contractions,
    functions,
    linear_algebra,
    operators,
    reductions,
    shapes,
)
from circuitgrad.gates.broadcasting import broadcast_to
from circuitgrad.gates.from_einsum import einsum
from circuitgrad.grammar import nearest
from circuitgrad.sources import as_wire, constant
from circuitgrad.wire import Wire, has_value, known_value

__all__ = ["FUNCTIONS", "UFUNCS", "call_function", "call_ufunc"]


def _operator(name: str) -> Callable[..., Any]:
    return lambda *operands: operators.apply(name, *operands)


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
    "log2": lambda x: arithmetic.log(x) / math.log(2),
    "log10": lambda x: arithmetic.log(x) / math.log(10),
    "exp2": lambda x: functions.exp(x * math.log(2)),
    "logaddexp": functions.logaddexp,
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
    "hypot": functions.hypot,
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
}

# Functions whose result is piecewise constant and not a gradient's business: allowed where values
# are known.
_VALUE_ONLY = {
    "isfinite", "isnan", "isinf", "signbit", "argmax", "argmin", "argsort", "count_nonzero",
    "array_equal", "allclose", "isclose", "all", "any", "nonzero", "flatnonzero",
    "array2string", "array_repr", "array_str", "iscomplexobj", "isrealobj", "result_type",
}  # fmt: skip


def call_ufunc(
    ufunc: np.ufunc, method: str, inputs: tuple[Any, ...], kwargs: dict[str, Any]
) -> Any:
    """The gate of a NumPy ufunc.

    Raises:
        SpecError: A ufunc or an option without a gate; the message names the nearest that has one.
    """
    name = ufunc.__name__
    if name in _VALUE_ONLY and method == "__call__":
        return _on_values(ufunc, inputs, kwargs, f"np.{name}")
    if method == "reduce" and name in _REDUCTIONS:
        options = {k: v for k, v in kwargs.items() if k in ("axis", "keepdims")}
        options.setdefault("axis", 0)
        return _REDUCTIONS[name](*inputs, **options)
    if method != "__call__":
        raise SpecError(
            f"np.{name}.{method}: not available on wires. Use the function's plain form."
        )
    if name not in UFUNCS:
        raise SpecError(
            f"np.{name}: there is no gate for it yet.{nearest(name, UFUNCS)} "
            "Declare one with cg.elementwise(name, formula)."
        )
    extra = {
        k: v for k, v in kwargs.items() if v is not None and k not in ("casting", "order", "subok")
    }
    if extra:
        raise SpecError(
            f"np.{name}: option {next(iter(extra))}= is not available on wires, which cannot be "
            "written into. Use the result, and np.where to choose."
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
    if name in _VALUE_ONLY:
        return _on_values(function, args, kwargs, f"np.{name}")
    implementation = FUNCTIONS.get(name)
    if implementation is None:
        raise SpecError(
            f"np.{name}: not available on wires yet.{nearest(name, [*FUNCTIONS, *UFUNCS])} "
            "See docs/gates.md for what is."
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
    prefix = "linalg." if module.endswith("linalg") else ""
    return prefix + str(function.__name__)


_COMPARISONS = (
    arithmetic.greater, arithmetic.greater_equal, arithmetic.less, arithmetic.less_equal,
    arithmetic.equal, arithmetic.not_equal,
)  # fmt: skip


def _where(condition: Any, x: Any = None, y: Any = None) -> Wire:
    if x is None or y is None:
        raise SpecError("np.where: got one argument; needed np.where(condition, x, y).")
    if not isinstance(condition, Wire):
        condition = constant(np.asarray(condition, dtype=bool))
    elif condition.gate not in _COMPARISONS:
        condition = arithmetic.not_equal(condition, 0.0)
    result: Wire = arithmetic.where(condition, x, y)
    return result


def _clip(x: Any, a_min: Any = None, a_max: Any = None, **bounds: Any) -> Wire:
    low = bounds.pop("min", a_min)
    high = bounds.pop("max", a_max)
    if bounds:
        raise SpecError(f"np.clip: option {next(iter(bounds))}= is not available on wires.")
    if low is not None and high is not None:
        return arithmetic.clip(x, low, high)  # type: ignore[no-any-return]
    if low is not None:
        return arithmetic.maximum(x, low)  # type: ignore[no-any-return]
    return as_wire(x) if high is None else arithmetic.minimum(x, high)


def _norm(x: Any, ord: Any = None, axis: Any = None, keepdims: bool = False) -> Wire:
    wire = as_wire(x)
    count = wire.ndim if axis is None else np.size(axis)
    if ord is None or (ord == 2 and count == 1) or (ord == "fro" and count == 2):
        return reductions.norm(wire, axis, keepdims)
    if count == 1 and ord in (1, np.inf):
        size = arithmetic.absolute(wire)
        return (contractions.total if ord == 1 else reductions.largest)(size, axis, keepdims)
    raise SpecError(f"np.linalg.norm: order {ord!r} has no gate. Use 2, 1, inf or 'fro'.")


def _einsum(*operands: Any, **options: Any) -> Wire:
    if not operands or not isinstance(operands[0], str):
        raise SpecError("np.einsum: give the subscripts first, as in np.einsum('ij,j->i', A, x).")
    options.pop("optimize", None)
    if options:
        raise SpecError(f"np.einsum: option {next(iter(options))}= is not available on wires.")
    return einsum(operands[0], *(as_wire(x) for x in operands[1:]))


def _moved(x: Any, source: int, destination: int) -> Wire:
    wire = as_wire(x)
    order = [k for k in range(wire.ndim) if k != source % wire.ndim]
    order.insert(destination % wire.ndim, source % wire.ndim)
    return contractions.transpose(wire, order)


def _swapped(x: Any, axis1: int, axis2: int) -> Wire:
    wire = as_wire(x)
    order = list(range(wire.ndim))
    order[axis1], order[axis2] = order[axis2], order[axis1]
    return contractions.transpose(wire, order)


def _variance(x: Any, axis: Any = None, ddof: float = 0, keepdims: bool = False) -> Wire:
    wire = as_wire(x)
    centred = wire - reductions.mean(wire, axis, keepdims=True)
    total = reductions.mean(centred * centred, axis, keepdims)
    if not ddof:
        return total
    axes = range(wire.ndim) if axis is None else np.atleast_1d(axis)
    count = math.prod(int(wire.shape[k]) for k in axes)
    scaled: Wire = total * (count / (count - ddof))
    return scaled


def _like(value: float) -> Callable[..., Wire]:
    def filled(x: Any) -> Wire:
        wire = as_wire(x)
        return broadcast_to(constant(value, wire.dtype), wire.shape)

    return filled


def _joined(axis: int, rank: int) -> Callable[..., Wire]:
    def join(wires: Any) -> Wire:
        parts = [as_wire(wire) for wire in wires]
        lifted = [
            w.reshape((1,) * (rank - w.ndim) + w.shape) if w.ndim < rank else w for w in parts
        ]
        return shapes.concatenate(lifted, axis if lifted[0].ndim > axis else 0)

    return join


FUNCTIONS: Mapping[str, Callable[..., Any]] = {
    "sum": contractions.total,
    "mean": reductions.mean,
    "max": reductions.largest,
    "amax": reductions.largest,
    "min": reductions.smallest,
    "amin": reductions.smallest,
    "var": _variance,
    "std": lambda *args, **kwargs: arithmetic.sqrt(_variance(*args, **kwargs)),
    "where": _where,
    "clip": _clip,
    "dot": contractions.dot,
    "vdot": lambda a, b: contractions.dot(as_wire(a).reshape(-1), as_wire(b).reshape(-1)),
    "inner": lambda a, b: contractions.dot(a, as_wire(b).T),
    "outer": contractions.outer,
    "einsum": _einsum,
    "trace": contractions.trace,
    "diag": contractions.diag,
    "diagonal": contractions.diagonal,
    "transpose": contractions.transpose,
    "swapaxes": _swapped,
    "moveaxis": _moved,
    "reshape": shapes.reshape,
    "ravel": lambda x: as_wire(x).reshape(-1),
    "squeeze": contractions.squeeze,
    "expand_dims": contractions.expand_dims,
    "broadcast_to": contractions.broadcast,
    "concatenate": shapes.concatenate,
    "stack": shapes.stack,
    "vstack": _joined(0, 2),
    "hstack": _joined(1, 1),
    "zeros_like": _like(0.0),
    "ones_like": _like(1.0),
    "shape": lambda x: x.shape,
    "ndim": lambda x: x.ndim,
    "size": lambda x: x.size,
    "linalg.inv": linear_algebra.inverse,
    "linalg.solve": linear_algebra.solve,
    "linalg.norm": _norm,
}

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
}  # fmt: skip


def formula_functions() -> dict[str, Callable[..., Any]]:
    """Every function that a text formula may call, by name."""
    plain = {name: f for name, f in FUNCTIONS.items() if "." not in name}
    hidden = {"shape", "ndim", "size", "einsum", "zeros_like", "ones_like"}
    return {**{k: v for k, v in plain.items() if k not in hidden}, **UFUNCS, **GATE_FUNCTIONS}
