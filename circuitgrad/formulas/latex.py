"""Formulas as LaTeX: names, local gradients and whole circuits."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

import sympy as sp

from circuitgrad.circuits import Circuit
from circuitgrad.errors import SpecError
from circuitgrad.formulas.exact_numbers import as_expression, exact
from circuitgrad.formulas.symbolic import expressions
from circuitgrad.gates.from_einsum import Einsum
from circuitgrad.gates.from_formula import Elementwise
from circuitgrad.sources import Constant, input_wire
from circuitgrad.wire import Array, Wire, build

_MARKS = {"∂": r"\partial ", "²": "^2", "₀": "_0"}
_ESCAPED = {c: "\\" + c for c in "&%$#{}"} | {
    "\\": r"\backslash ",
    "^": r"\hat{}",
    "~": r"\tilde{}",
}


def name_latex(name: str) -> str:
    r"""A name as maths: digits at the end are a subscript, words stand upright.

    >>> name_latex("w0"), name_latex("x_12"), name_latex("loss"), name_latex("alpha")
    ('w_{0}', 'x_{12}', '\\mathrm{loss}', '\\alpha')
    >>> name_latex("s_c"), name_latex("x_max")
    ('s_{c}', 'x_{\\mathrm{max}}')
    >>> name_latex("δz1")
    '\\delta_{z_{1}}'
    """
    if name.startswith("δ") and len(name) > 1:
        return rf"\delta_{{{name_latex(name[1:])}}}"
    base, subscript = name, ""
    letters = re.fullmatch(r"([^\W\d_]|[^\W\d_]{3,})_([^\W\d_]+)", name)
    if letters:
        return f"{name_latex(letters[1])}_{{{name_latex(letters[2])}}}"
    match = re.fullmatch(r"(.*?[^\W\d_])_?(\d+)", name)
    if match:
        base, subscript = match[1], f"_{{{match[2]}}}"
    if base in _GREEK:
        return f"\\{base}{subscript}"
    if len(base) == 1:
        return base + subscript
    if any(mark in base for mark in _MARKS):
        return "".join(_piece(part) for part in re.split(r"([∂²/()])", name))
    escaped = "".join(_ESCAPED.get(c, r"\_" if c == "_" else c) for c in base)
    return rf"\mathrm{{{escaped}}}{subscript}"


def _piece(part: str) -> str:
    if part in ("∂", "²"):
        return _MARKS[part]
    return part if part in ("", "/", "(", ")") else name_latex(part)


_GREEK = {
    "alpha", "beta", "gamma", "delta", "epsilon", "zeta", "eta", "theta", "iota", "kappa", "lambda",
    "mu", "nu", "xi", "rho", "sigma", "tau", "phi", "chi", "psi", "omega",
}  # fmt: skip


def expression_latex(
    expression: Any, names: Mapping[str, str] | None = None, inline: bool = False
) -> str:
    """A SymPy expression as LaTeX.

    Args:
        expression: Any SymPy object.
        names: The LaTeX of some symbols by name; others follow `name_latex`.
        inline: Short fractions as 1/x, for one line of text.
    """
    expression = as_expression(expression)
    symbols = {s: (names or {}).get(s.name, name_latex(s.name)) for s in expression.free_symbols}
    text: str = sp.latex(
        expression, symbol_names=symbols, fold_short_frac=inline, ln_notation=False
    )
    text = text.replace(r"\left(", "(").replace(r"\right)", ")") if inline else text
    return re.sub(
        r"\\(sin|cos|tan|log|sinh|cosh|tanh|exp)\{\\left\((\w+|\w_\{\d+\}) \\right\)\}",
        r"\\\1 \2",
        text,
    )


def entries_latex(entries: Array) -> str:
    """An array of expressions: a scalar, a row in brackets, or a matrix."""
    if not entries.ndim:
        return expression_latex(entries[()])
    if entries.ndim == 1:
        return r"\left[" + r",\; ".join(expression_latex(e) for e in entries) + r"\right]"
    if entries.ndim == 2:
        rows = [" & ".join(expression_latex(e) for e in row) for row in entries]
        return r"\begin{bmatrix}" + r" \\ ".join(rows) + r"\end{bmatrix}"
    inner = [entries_latex(entries[k]) for k in range(len(entries))]
    return r"\left[" + r",\; ".join(inner) + r"\right]"


def circuit_latex(target: Circuit, sizes: Mapping[str, int] | None = None) -> str:
    """The closed form of a circuit: `f(x, y) = …`; several outputs stand in one bracket.

    Raises:
        SpecError: A named axis without a size, or a formula too large to be written out.
    """
    found = expressions(target.outputs, sizes=sizes)
    arguments = ", ".join(name_latex(name) for name in target.input_names)
    if len(found) == 1:
        return f"{name_latex(target.output_names[0])}({arguments}) = {entries_latex(found[0])}"
    body = r",\; ".join(entries_latex(entries) for entries in found)
    return rf"f({arguments}) = \left[\,{body}\,\right]"


def local_gradient(wire: Wire, position: int) -> sp.Expr | None:
    """The local gradient of an elementwise gate as an expression in its operands' variables.

    Constants among the operands are put in; None for other families, or a form that is too large.
    """
    gate = wire.gate
    if not isinstance(gate, Elementwise):
        return None
    pairs = zip(gate.variables, wire.inputs, strict=True)
    out = build(gate, tuple(_scalar_operand(source, variable) for variable, source in pairs))
    found = gate.partials(out)[position]
    try:
        expression: sp.Expr = (
            expressions([found])[0][()] if isinstance(found, Wire) else exact(found)
        )
    except SpecError:
        return None
    return expression


def _scalar_operand(source: Wire, variable: str) -> Wire:
    """A scalar in the place of an operand: elementwise gates treat all entries alike."""
    while isinstance(source.gate, Einsum) and source.gate.name == "broadcast":
        (source,) = source.inputs
    if isinstance(source.gate, Constant) and not source.shape:
        return source
    return input_wire(variable)


def local_latex(wire: Wire, position: int, names: Mapping[int, str]) -> str | None:
    """The local gradient as LaTeX in the names of the wires, as `-1/q^{2}`.

    Args:
        wire: The output of an elementwise gate.
        position: The operand to differentiate by.
        names: The LaTeX name of each wire by serial number.
    """
    expression = local_gradient(wire, position)
    if expression is None or not isinstance(wire.gate, Elementwise):
        return None
    by_variable = {
        variable: names.get(source.serial, variable)
        for variable, source in zip(wire.gate.variables, wire.inputs, strict=True)
    }
    return expression_latex(expression, by_variable, inline=True)
