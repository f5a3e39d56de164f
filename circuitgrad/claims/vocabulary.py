"""What a claim may call: the functions of formulas over SymPy's scalars, and over wires."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import cache
from typing import Any

import numpy as np
import sympy as sp

from circuitgrad.errors import SpecError
from circuitgrad.formulas.symbolic import FUNCTIONS, expressions
from circuitgrad.gates.contractions import outer, trace
from circuitgrad.gates.from_einsum import einsum
from circuitgrad.gates.reductions import largest, norm, smallest
from circuitgrad.numpy_protocol import formula_functions
from circuitgrad.sources import as_wire, input_wire
from circuitgrad.spec import Axis
from circuitgrad.wire import Wire

# Functions of one or more real numbers that SymPy knows and that need no gate.
_SYMPY_NAMES = (
    "Heaviside", "LambertW", "Rational", "airyai", "airybi", "cot", "coth", "csc", "csch", "erfi",
    "erfinv", "floor", "root", "sec", "sech", "sinc", "Eq", "Ne",
)  # fmt: skip
# Functions that SymPy writes out at numbers: the work grows with them.
_GROWING = (
    "besseli", "besselj", "besselk", "bessely", "beta", "digamma", "factorial", "gamma",
    "loggamma", "polygamma",
)  # fmt: skip
LARGEST_ARGUMENT = 1000


@cache
def scalar_functions() -> Mapping[str, Callable[..., Any]]:
    """What a claim about scalars may call, over SymPy expressions, by name."""
    of_gates = {name: _entrywise(name, f) for name, f in formula_functions().items()}
    known = {name: getattr(sp, name) for name in _SYMPY_NAMES}
    known |= {name: _limited(name, getattr(sp, name)) for name in _GROWING}
    own = {"ln": sp.log, "exp": sp.exp, "where": _where, "Piecewise": _piecewise}
    plain = {"abs": sp.Abs, "max": sp.Max, "min": sp.Min, "maximum": sp.Max, "minimum": sp.Min}
    inverse = {f"arc{name[1:]}": FUNCTIONS[name] for name in ("asin", "acos", "atan")}
    return {**of_gates, **known, **FUNCTIONS, **plain, **inverse, **own}


def _limited(name: str, function: Callable[..., Any]) -> Callable[..., Any]:
    """The function, but for numbers at which it would be written out for ever."""

    def apply(*arguments: Any) -> Any:
        for argument in arguments:
            if argument.is_Rational and abs(argument) > LARGEST_ARGUMENT:
                raise SpecError(f"'{name}' of a number over {LARGEST_ARGUMENT}: make it an input.")
        return function(*arguments)

    return apply


def _entrywise(name: str, function: Callable[..., Any]) -> Callable[..., Any]:
    """A function of wires, of SymPy expressions: the meaning of the gates that it makes."""

    def apply(*arguments: Any) -> Any:
        wires = [input_wire(f"operand{k}") for k in range(len(arguments))]
        entries = [np.array(_checked(argument), dtype=object) for argument in arguments]
        known = {wire.serial: entry for wire, entry in zip(wires, entries, strict=True)}
        (found,) = expressions([as_wire(function(*wires))], known, meaning=True)
        if found.shape:
            raise SpecError(f"'{name}' of scalars is no scalar.")
        return found[()]

    return apply


def _checked(argument: Any) -> sp.Basic:
    if isinstance(argument, sp.Basic):
        return argument
    raise SpecError(f"got {argument!r}; needed a number or an expression.")


def _where(condition: Any, first: Any, second: Any) -> Any:
    return sp.Piecewise((first, condition), (second, True))


def _piecewise(*pairs: Any) -> Any:
    """Cases as in SymPy: (value, condition), the first that holds."""
    if not all(isinstance(pair, list | tuple) and len(pair) == 2 for pair in pairs):
        raise SpecError("Piecewise: needed pairs, as in Piecewise((x, x > 0), (0, True)).")
    return sp.Piecewise(*(tuple(pair) for pair in pairs))


def axis_length(axis: Axis) -> Wire:
    """The length of an axis as a scalar wire; its label says which axis it is.

    >>> axis_length("n").shape, float(axis_length(3).known)
    ((), 3.0)
    """
    ones = einsum("->a", sizes={"a": axis})
    return ones.sum() if isinstance(axis, str) else as_wire(float(axis))


def array_functions(axes: Mapping[int, str]) -> Mapping[str, Callable[..., Any]]:
    """What a claim about arrays may call, over wires, by name.

    Args:
        axes: The name of every axis by the serial number of the wire of its length.
    """

    def axis(what: str, size: Any) -> Axis:
        if isinstance(size, Wire) and size.serial in axes:
            return axes[size.serial]
        number = size if isinstance(size, int) else _whole(size)
        if number is None:
            raise SpecError(f"{what}: got {size!r}; needed the name of an axis or a whole number.")
        return number

    def ones(*sizes: Any) -> Wire:
        letters = "abcdefgh"[: len(sizes)]
        shape = [axis("ones", size) for size in sizes]
        return einsum(f"->{letters}", sizes=dict(zip(letters, shape, strict=True)))

    own: dict[str, Callable[..., Any]] = {
        "eye": lambda size: einsum("->aa", sizes={"a": axis("eye", size)}),
        "ones": ones,
        "zeros": lambda *sizes: ones(*sizes) * 0.0,
        "inverse": np.linalg.inv,
        "tr": trace,
        "outer": outer,
        "max": lambda x, *others: np.maximum(x, *others) if others else largest(x),
        "min": lambda x, *others: np.minimum(x, *others) if others else smallest(x),
        "ln": np.log,
        "norm2": norm,
        "sumsq": lambda x: (x * x).sum(),
    }
    return {**formula_functions(), **own}


def _whole(value: Any) -> int | None:
    try:
        number = float(value)
    except (TypeError, ValueError, SpecError):
        return None
    return int(number) if number.is_integer() and number >= 0 else None
