"""Formulas as they were written: gate by gate, from the templates that the gates declare."""

import re
from collections.abc import Mapping, Sequence
from enum import IntEnum
from typing import Final, NamedTuple

from circuitgrad.gates.from_formula import Elementwise
from circuitgrad.viz.numbers import MINUS, short_number
from circuitgrad.wire import Wire, topological

_LONGEST: Final = 600
_RELATION: Final = re.compile(r"\\(?:le|ge|ne)\b")
_BRACKETED: Final = re.compile(r"\{[^{}]*\}|\([^()]*\)|\[[^\[\]]*\]")
_ONE_NAME: Final = re.compile(
    r"(\\(?:sin|cos|tan|sinh|cosh|tanh|log))\(([A-Za-z](?:_\{\w+\})?|\\[a-z]+(?:_\{\w+\})?)\)"
    r"(?=\s*(?:$|[-+)}\],;&=]|\\right|\\,|\\;))"
)


class _Tie(IntEnum):
    """How tightly a formula holds together."""

    SUM = 0
    PRODUCT = 1
    POWER = 2
    ATOM = 3


class _Written(NamedTuple):
    """A formula in LaTeX, and how tightly it holds together."""

    latex: str
    tie: _Tie


def written_latex(wire: Wire, names: Mapping[int, str]) -> str:
    """LaTeX of a wire in terms of named wires; empty where a gate has no template, or it is long.

    Args:
        wire: What to write.
        names: LaTeX of the wires to stop at, by serial number.
    """
    done: dict[int, _Written] = {}
    for inner in _needed(wire, names):
        found = _one(inner, names, done)
        if found is None or len(found.latex) > _LONGEST:
            return ""
        done[inner.serial] = found
    return without_brackets(done[wire.serial].latex)


def without_brackets(latex: str) -> str:
    r"""The formula with ``\cos y`` for ``\cos(y)`` where no factor follows that could be misread.

    Args:
        latex: A formula.

    >>> without_brackets(r"\log(x) y + \cos(y)")
    '\\log(x) y + \\cos y'
    """
    return _ONE_NAME.sub(r"\1 \2", latex)


def _needed(wire: Wire, names: Mapping[int, str]) -> Sequence[Wire]:
    """The wires to be written, in topological order: those above the named ones."""
    seen: dict[int, Wire] = {}
    stack = [wire]
    while stack:
        inner = stack.pop()
        if inner.serial not in seen:
            seen[inner.serial] = inner
            if inner.serial not in names:
                stack.extend(inner.inputs)
    return [inner for inner in topological([wire]) if inner.serial in seen]


def _one(wire: Wire, names: Mapping[int, str], done: Mapping[int, _Written]) -> _Written | None:
    """One wire, from those below it."""
    if wire.serial in names:
        return _Written(names[wire.serial], _Tie.ATOM)
    if not wire.inputs:
        if wire.known is None or wire.known.ndim:
            return None
        number = short_number(float(wire.known)).replace(MINUS, "-")
        return _Written(number, _Tie.SUM if number.startswith("-") else _Tie.ATOM)
    if not isinstance(wire.gate, Elementwise) or not wire.gate.latex:
        return None
    return _filled(wire.gate, [done[source.serial] for source in wire.inputs])


def _filled(gate: Elementwise, operands: Sequence[_Written]) -> _Written:
    """A gate's template with its operands, in brackets where they would come apart."""
    parts = dict(zip(gate.variables, operands, strict=True))
    skeleton = gate.latex.format(**{name: f"\x02{name}\x03" for name in parts})
    pieces = re.split("\x02(\\w+)\x03", skeleton)
    text = pieces[0]
    for place in range(1, len(pieces), 2):
        before, name, after = pieces[place - 1 : place + 2]
        # A neighbouring operand is as good as a letter for what stands next to this one.
        left, right = _RELATION.sub("=", before).strip(), _RELATION.sub("=", after).strip()
        head = left[-1:] or ("x" if place > 1 else "")
        tail = right[:1] or ("x" if place + 2 < len(pieces) else "")
        part = _fitted(parts[name], head, tail)
        if head == "x" and r"\mathrm" in text + part:
            part = rf"\,{part}"  # words side by side need room between them
        text += part + after
    return _Written(text, _tie(skeleton))


def _fitted(part: _Written, head: str, tail: str) -> str:
    """An operand between two characters, in brackets where it needs them."""
    if head and tail and head in "{([,|:?>=<" and tail in "})],|:?>=<":
        return part.latex
    if tail == "^":
        needed = _Tie.ATOM
    elif head in ("", "+") and tail in ("", "+", "-"):
        needed = _Tie.SUM
    else:
        needed = _Tie.PRODUCT
    if part.tie >= needed and not (head and part.latex.startswith("-")):
        # A number behind a factor would look like a part of it.
        return rf"\cdot {part.latex}" if head == "x" and part.latex[:1].isdigit() else part.latex
    return rf"\left({part.latex}\right)"


def _tie(skeleton: str) -> _Tie:
    """How tightly a filled template holds together, from the text between its fields."""
    bare, count = skeleton, 1
    while count:
        bare, count = _BRACKETED.subn("", bare)
    if re.search(r"[+<>=?]|-", bare):
        return _Tie.SUM
    if re.search("\x03\\s+\\S", bare):
        return _Tie.PRODUCT
    return _Tie.POWER if "^" in bare or r"\frac" in bare else _Tie.ATOM
