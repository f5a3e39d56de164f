"""Pieces of formulas with their kinds: what a product or a power becomes depends on them.

Vectors are columns with one axis; a transposed one is a row. Languages of claims with matrices
build their formulas from these pieces.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Final, NamedTuple

from circuitgrad.errors import SpecError
from circuitgrad.spec import Shape


class Part(NamedTuple):
    """A piece of a formula: its text, and "scalar", "column", "row" or "matrix"."""

    text: str
    kind: str


class Notation(NamedTuple):
    """How a language writes what messages advise.

    Attributes:
        transpose: A transpose.
        entrywise_power: A power entry by entry.
        quotient: What to write for a quotient by what is no scalar.
    """

    transpose: str
    entrywise_power: str
    quotient: str


_ENTRYWISE: Final = (
    "exp", "log", "sqrt", "sin", "cos", "tan", "asin", "acos", "atan", "sinh", "cosh", "tanh",
    "abs", "sign", "relu", "sigmoid", "erf", "softplus", "log1p", "expm1",
    "asinh", "acosh", "atanh",
)  # fmt: skip
_SCALARS: Final = {
    "tr": "trace({0})", "trace": "trace({0})", "det": "det({0})", "logdet": "logdet({0})",
    "sum": "sum({0})", "norm2": "norm({0})", "norm": "norm({0})", "norm1": "sum(abs({0}))",
    "max": "max({0})", "min": "min({0})", "logsumexp": "logsumexp({0})", "mean": "mean({0})",
}  # fmt: skip
_PRODUCTS: Final = {
    ("row", "column"): ("({0}) @ ({1})", "scalar"),
    ("column", "row"): ("outer({0}, {1})", "matrix"),
    ("row", "matrix"): ("({0}) @ ({1})", "row"),
    ("matrix", "column"): ("({0}) @ ({1})", "column"),
    ("matrix", "matrix"): ("({0}) @ ({1})", "matrix"),
}


class Builder:
    """Makes pieces out of pieces.

    Args:
        error: Makes the error that says what is wrong with the formula.
        notation: How the language writes what messages advise.
    """

    def __init__(self, error: Callable[[str], SpecError], notation: Notation) -> None:
        self._error = error
        self._notation = notation

    def multiplied(self, left: Part, right: Part) -> Part:
        """The matrix product, or a multiple."""
        if "scalar" in (left.kind, right.kind):
            kind = right.kind if left.kind == "scalar" else left.kind
            return Part(f"({left.text})*({right.text})", kind)
        rule = _PRODUCTS.get((left.kind, right.kind))
        if rule is None:
            advice = f"Transpose one of them with {self._notation.transpose}"
            raise self._error(f"a {left.kind} times a {right.kind}. {advice}")
        return Part(rule[0].format(left.text, right.text), rule[1])

    def divided(self, left: Part, right: Part) -> Part:
        """The quotient by a scalar."""
        if right.kind != "scalar":
            raise self._error(self._notation.quotient)
        return Part(f"({left.text})/({right.text})", left.kind)

    def entrywise(self, sign: str, left: Part, right: Part) -> Part:
        """Two pieces of one kind, or one of them a scalar, entry by entry."""
        if left.kind != right.kind and "scalar" not in (left.kind, right.kind):
            raise self._error(f"a {left.kind} and a {right.kind} entry by entry")
        kind = right.kind if left.kind == "scalar" else left.kind
        # A sum needs no brackets on its left; long ones would be nested too deeply.
        first = left.text if sign in "+-" else f"({left.text})"
        return Part(f"{first} {sign} ({right.text})", kind)

    def raised(self, value: Part, exponent: Part, is_entrywise: bool = False) -> Part:
        """A power of a scalar, of a square matrix, or entry by entry."""
        if exponent.kind != "scalar":
            raise self._error("an exponent must be a scalar")
        if is_entrywise or value.kind == "scalar":
            return Part(f"({value.text})**({exponent.text})", value.kind)
        if value.kind != "matrix":
            advice = f"Write {self._notation.entrywise_power} for a power entry by entry"
            raise self._error(f"'^' is said of a vector. {advice}")
        if exponent.text.replace(" ", "") in ("-(1)", "-1"):
            return self.inverse(value)
        return Part(f"matrix_power({value.text}, {exponent.text})", "matrix")

    def inverse(self, value: Part) -> Part:
        """The inverse of a scalar or matrix."""
        if value.kind == "scalar":
            return Part(f"1/({value.text})", "scalar")
        if value.kind != "matrix":
            raise self._error("the inverse of a vector")
        return Part(f"inv({value.text})", "matrix")

    def called(self, name: str, arguments: list[Part]) -> Part:
        """A function of pieces."""
        rule = _CALLS.get(name)
        if rule is None:
            raise self._error(f"unknown function '{name}'. Known: {', '.join(sorted(_CALLS))}")
        if len(arguments) > 1 and name not in ("ones", "eye", "zeros"):
            raise self._error(f"'{name}' takes one argument")
        found = rule(arguments)
        if found is None:
            raise self._error(f"'{name}' of a {arguments[0].kind}")
        return found


def kinds_of(shapes: Mapping[str, Shape], where: str, transpose: str) -> dict[str, str]:
    """The kind of every input with a shape.

    Raises:
        SpecError: More than two axes, or a row.
    """
    return {name: _kind(name, shape, where, transpose) for name, shape in shapes.items()}


def _kind(name: str, shape: Shape, where: str, transpose: str) -> str:
    if len(shape) > 2:
        raise SpecError(f"{where}: '{name}' has {len(shape)} axes; at most 2 are matrices.")
    if len(shape) == 2 and shape[0] == 1:
        raise SpecError(
            f"{where}: '{name}' is a row. Give it as a column, and write {name}{transpose}."
        )
    return ("scalar", "column", "matrix")[len(shape)]


def column_shapes(shapes: Mapping[str, Shape]) -> dict[str, Shape]:
    """Shapes without axes of length 1: (n, 1) is the column n.

    >>> column_shapes({"x": ("n", 1), "A": ("m", "n")})
    {'x': ('n',), 'A': ('m', 'n')}
    """
    return {name: tuple(a for a in shape if a != 1) for name, shape in shapes.items()}


def transposed(value: Part) -> Part:
    """The transpose."""
    if value.kind == "matrix":
        return Part(f"({value.text}).T", "matrix")
    return Part(value.text, {"column": "row", "row": "column"}.get(value.kind, value.kind))


def _diagonal(arguments: list[Part]) -> Part | None:
    value = arguments[0]
    kind = "column" if value.kind == "matrix" else "matrix"
    return None if value.kind == "scalar" else Part(f"diag({value.text})", kind)


def _filled(name: str) -> Callable[[list[Part]], Part | None]:
    def rule(arguments: list[Part]) -> Part | None:
        sizes = [part.text for part in arguments if part.text != "1"]
        if any(part.kind != "scalar" for part in arguments):
            return None
        is_row = len(arguments) == 2 and arguments[0].text == "1"
        kind = ("scalar", "row" if is_row else "column", "matrix")[len(sizes)]
        return Part(f"{name}({', '.join(sizes)})" if sizes else "1", kind)

    return rule


def _of_matrix(template: str, kind: str) -> Callable[[list[Part]], Part | None]:
    def rule(arguments: list[Part]) -> Part | None:
        value = arguments[0]
        return Part(template.format(value.text), kind) if value.kind == "matrix" else None

    return rule


def _scalar(template: str) -> Callable[[list[Part]], Part | None]:
    return lambda arguments: Part(template.format(arguments[0].text), "scalar")


def _same_kind(name: str) -> Callable[[list[Part]], Part | None]:
    return lambda arguments: Part(f"{name}({arguments[0].text})", arguments[0].kind)


_CALLS: Final[Mapping[str, Callable[[list[Part]], Part | None]]] = {
    **{name: _same_kind(name) for name in (*_ENTRYWISE, "softmax")},
    **{name: _scalar(template) for name, template in _SCALARS.items()},
    "inv": _of_matrix("inv({0})", "matrix"),
    "mdiag": _of_matrix("diag(diag({0}))", "matrix"),
    "diag": _diagonal,
    "eye": lambda arguments: Part(f"eye({arguments[0].text})", "matrix"),
    "ones": _filled("ones"),
    "zeros": _filled("zeros"),
}
