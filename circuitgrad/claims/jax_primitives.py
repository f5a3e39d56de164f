"""JAX's intermediate form (jaxpr) read as a circuit: a rule for each primitive."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any, Final

import numpy as np

from circuitgrad.claims.vocabulary import axis_length
from circuitgrad.errors import SpecError
from circuitgrad.gates.arithmetic import where
from circuitgrad.gates.contractions import broadcast, transpose
from circuitgrad.gates.from_einsum import einsum
from circuitgrad.numpy_functions import FUNCTIONS
from circuitgrad.numpy_protocol import UFUNCS
from circuitgrad.sources import Constant, as_wire
from circuitgrad.spec import Shape
from circuitgrad.wire import Wire, topological

Rule = Callable[..., Any]
_LETTERS = "abcdefghijklmnopqrstuvwxyz"


def wires_of(closed: Any, arguments: Sequence[Wire]) -> list[Wire]:
    """The outputs of a closed jaxpr for wires.

    Raises:
        SpecError: A primitive that has no counterpart in circuits.
    """
    constants = [_constant(value) for value in closed.consts]
    return _run(closed.jaxpr, constants, arguments)


def _run(jaxpr: Any, constants: Sequence[Wire], arguments: Sequence[Wire]) -> list[Wire]:
    values: dict[Any, Wire] = dict(zip(jaxpr.constvars, constants, strict=True))
    values.update(zip(jaxpr.invars, arguments, strict=True))

    def read(atom: Any) -> Wire:
        return _constant(atom.val) if hasattr(atom, "val") else values[atom]

    for equation in jaxpr.eqns:
        found = _applied(equation, [read(atom) for atom in equation.invars])
        values.update(zip(equation.outvars, found, strict=True))
    return [read(atom) for atom in jaxpr.outvars]


def _constant(value: Any) -> Wire:
    array = np.asarray(value)
    if array.dtype.kind not in "fiub":
        raise SpecError(f"a constant of dtype {array.dtype}")
    return as_wire(array.astype(float))


def _applied(equation: Any, operands: list[Wire]) -> list[Wire]:
    name, parameters = equation.primitive.name, equation.params
    places = [key for key in ("jaxpr", "call_jaxpr", "fun_jaxpr") if key in parameters]
    inner = parameters[places[0]] if places else None
    if name in _CALLS and inner is not None:
        closed = hasattr(inner, "consts")
        return wires_of(inner, operands) if closed else _run(inner, (), operands)
    rule = _RULES.get(name)
    if rule is None:
        raise SpecError(f"JAX's primitive '{name}' has no counterpart in circuits")
    if name in _LOGIC and any(atom.aval.dtype.kind != "b" for atom in equation.invars):
        raise SpecError(f"'{name}' of integers")
    if name == "convert_element_type":
        _check_cast(equation)
    if name == "max" and _is_lowest(operands[0]):  # max(-inf, x), as reductions begin
        return [operands[1]]
    shape = shape_of(equation.outvars[0].aval)
    return [as_wire(rule(operands, parameters, shape))]


def _check_cast(equation: Any) -> None:
    """SpecError for a cast that changes real numbers."""
    old, new = equation.invars[0].aval.dtype.kind, np.dtype(equation.params["new_dtype"]).kind
    if new not in "f" and old != new and not (old == "b" and new in "iu"):
        raise SpecError(f"a cast to {equation.params['new_dtype']}")


def _is_lowest(wire: Wire) -> bool:
    return wire.known is not None and not wire.shape and bool(np.isneginf(wire.known))


def shape_of(value: Any) -> Shape:
    """The axes of an abstract value; symbolic ones are named."""
    return tuple(_axis(size) for size in value.shape)


def _axis(size: Any) -> Any:
    if isinstance(size, int | np.integer):
        return int(size)
    if not str(size).isidentifier():
        raise SpecError(f"an axis of length {size}")
    return str(size)


# --- rules: operands, parameters, the shape of the result -----------------------------------------


def _plain(function: Callable[..., Any]) -> Rule:
    return lambda operands, parameters, shape: function(*operands)


def _reduced(name: str) -> Rule:
    return lambda operands, parameters, shape: FUNCTIONS[name](
        operands[0], axis=tuple(parameters["axes"])
    )


def _power(operands: Sequence[Wire], parameters: Mapping[str, Any], shape: Shape) -> Any:
    return operands[0] ** int(parameters["y"])


def _selected(operands: Sequence[Wire], parameters: Mapping[str, Any], shape: Shape) -> Any:
    if len(operands) != 3:
        raise SpecError("'select_n' of more than two cases")
    if _is_true(operands[0]):
        return operands[2]
    return where(operands[0], operands[2], operands[1])


def _is_true(condition: Wire) -> bool:
    """Whether a condition holds whatever the inputs are, as `is_finite` does."""
    sources = [wire for wire in topological([condition]) if not wire.inputs]
    return all(isinstance(w.gate, Constant) and bool(np.all(w.gate.data == 1)) for w in sources)


def _clamped(operands: Sequence[Wire], parameters: Mapping[str, Any], shape: Shape) -> Any:
    low, x, high = operands
    return UFUNCS["minimum"](UFUNCS["maximum"](x, low), high)


def _broadcast(operands: Sequence[Wire], parameters: Mapping[str, Any], shape: Shape) -> Any:
    """The axes of the operand at their places, the others new."""
    x, places = operands[0], parameters["broadcast_dimensions"]
    if not x.shape:
        return broadcast(x, shape) if shape else x
    kept = iter(x.shape)
    aligned = tuple(next(kept) if k in places else 1 for k in range(len(shape)))
    new = tuple(k for k in range(len(shape)) if k not in places)
    wide = FUNCTIONS["expand_dims"](x, new) if new else x
    return wide if aligned == shape else broadcast(wide, shape)


def _product(operands: Sequence[Wire], parameters: Mapping[str, Any], shape: Shape) -> Any:
    """A contraction as an einsum: batch axes first, then the free ones of both."""
    (left, right), (left_batch, right_batch) = parameters["dimension_numbers"]
    a, b = operands
    letters = iter(_LETTERS)
    first = [next(letters) for _ in a.shape]
    second = [next(letters) for _ in b.shape]
    for i, j in (*zip(left, right, strict=True), *zip(left_batch, right_batch, strict=True)):
        second[j] = first[i]
    batch = [first[i] for i in left_batch]
    free = [x for k, x in enumerate(first) if k not in (*left, *left_batch)]
    other = [x for k, x in enumerate(second) if k not in (*right, *right_batch)]
    out = "".join((*batch, *free, *other))
    return einsum(f"{''.join(first)},{''.join(second)}->{out}", a, b)


def _sliced(operands: Sequence[Wire], parameters: Mapping[str, Any], shape: Shape) -> Any:
    steps = parameters["strides"] or (1,) * len(shape)
    key = []
    for start, stop, step in zip(
        parameters["start_indices"], parameters["limit_indices"], steps, strict=True
    ):
        key.append(slice(int(start), stop if isinstance(stop, int) else None, int(step)))
    return operands[0][tuple(key)]


def _counted(operands: Sequence[Wire], parameters: Mapping[str, Any], shape: Shape) -> Any:
    if any(isinstance(axis, str) for axis in shape):
        raise SpecError("'iota' along an axis without a number")
    place = parameters["dimension"]
    counts = np.arange(shape[place], dtype=float)
    aligned = counts.reshape([-1 if k == place else 1 for k in range(len(shape))])
    return as_wire(np.broadcast_to(aligned, shape).copy())  # type: ignore[arg-type]


def _scanned(operands: Sequence[Wire], parameters: Mapping[str, Any], shape: Shape) -> Any:
    if parameters.get("reverse"):
        raise SpecError("'cumsum' in reverse")
    return FUNCTIONS["cumsum"](operands[0], parameters["axis"])


def _same(operands: Sequence[Wire], parameters: Mapping[str, Any], shape: Shape) -> Any:
    return operands[0]


_CALLS = {
    "pjit", "jit", "closed_call", "core_call", "custom_jvp_call", "custom_vjp_call", "remat",
    "custom_vjp_call_jaxpr", "checkpoint", "remat2",
}  # fmt: skip
_LOGIC = {"and", "or", "not", "xor"}
_NUMPY: Mapping[str, str] = {
    "add": "add", "add_any": "add", "sub": "subtract", "mul": "multiply", "div": "divide",
    "neg": "negative", "exp": "exp", "exp2": "exp2", "log": "log", "log1p": "log1p",
    "expm1": "expm1", "sin": "sin", "cos": "cos", "tan": "tan", "asin": "arcsin",
    "acos": "arccos", "atan": "arctan", "atan2": "arctan2", "sinh": "sinh", "cosh": "cosh",
    "tanh": "tanh", "asinh": "arcsinh", "acosh": "arccosh", "atanh": "arctanh", "sqrt": "sqrt",
    "cbrt": "cbrt", "abs": "absolute", "sign": "sign", "max": "maximum", "min": "minimum",
    "pow": "power", "square": "square", "logistic": "expit", "erf": "erf", "erfc": "erfc",
    "erf_inv": "erfinv", "lgamma": "gammaln", "digamma": "psi", "floor": "floor", "ceil": "ceil",
    "lt": "less", "le": "less_equal", "gt": "greater", "ge": "greater_equal", "eq": "equal",
    "ne": "not_equal",
}  # fmt: skip
_RULES: Final[Mapping[str, Rule]] = {
    **{name: _plain(UFUNCS[other]) for name, other in _NUMPY.items()},
    **{f"reduce_{name}": _reduced(name) for name in ("sum", "max", "min", "prod")},
    # A stopped gradient has a value like any other: the claim is about derivatives of values.
    **dict.fromkeys(
        ("stop_gradient", "convert_element_type", "copy", "copy_p", "reduce_precision", "pvary",
         "optimization_barrier"),
        _same,
    ),
    "rsqrt": lambda operands, parameters, shape: 1 / UFUNCS["sqrt"](operands[0]),
    "integer_pow": _power,
    "select_n": _selected,
    "clamp": _clamped,
    "broadcast_in_dim": _broadcast,
    "dot_general": _product,
    "transpose": lambda operands, p, shape: transpose(operands[0], p["permutation"]),
    "reshape": lambda operands, p, shape: operands[0].reshape(shape),
    "squeeze": lambda operands, p, shape: FUNCTIONS["squeeze"](operands[0], tuple(p["dimensions"])),
    "expand_dims": lambda operands, p, shape: FUNCTIONS["expand_dims"](
        operands[0], tuple(p["dimensions"])
    ),
    "concatenate": lambda operands, p, shape: FUNCTIONS["concatenate"](operands, p["dimension"]),
    "slice": _sliced,
    "rev": lambda operands, p, shape: FUNCTIONS["flip"](operands[0], tuple(p["dimensions"])),
    "iota": _counted,
    "cumsum": _scanned,
    "dim_as_value": lambda operands, p, shape: axis_length(_axis(p["dim"])),
    # Of real numbers, every one is finite.
    "is_finite": lambda operands, p, shape: broadcast(as_wire(1.0), shape) if shape else 1.0,
    "and": lambda operands, p, shape: operands[0] * operands[1],
    "or": lambda operands, p, shape: operands[0] + operands[1] - operands[0] * operands[1],
    "not": lambda operands, p, shape: 1 - operands[0],
    "xor": lambda operands, p, shape: operands[0] + operands[1] - 2 * operands[0] * operands[1],
}  # fmt: skip
