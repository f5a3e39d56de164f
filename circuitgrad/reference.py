"""The shipped gates as tables, for terminal and documentation: meaning, derivative, proof."""

from __future__ import annotations

import textwrap
from collections.abc import Iterable, Sequence
from functools import cache

import numpy as np

from circuitgrad.errors import SpecError
from circuitgrad.explanation import table
from circuitgrad.gates import Declared, catalogue
from circuitgrad.gates.from_einsum import Contraction
from circuitgrad.gates.from_formula import Elementwise
from circuitgrad.grammar import nearest
from circuitgrad.numpy_protocol import FUNCTIONS, UFUNCS, VALUE_ONLY
from circuitgrad.numpy_refusals import REFUSED
from circuitgrad.proofs.records import GateProof, combined
from circuitgrad.proofs.report import kink_text, prove_gate, shortened
from circuitgrad.proofs.verdicts import Status
from circuitgrad.scipy_distributions import DISTRIBUTIONS
from circuitgrad.scipy_functions import LINALG, SPECIAL

_INTRODUCTION = """\
# Gates

`make docs` writes this page from the declarations of the gates and from their proofs; a test
checks that it is current. `circuitgrad gates` proves them anew and prints the same.

An elementwise gate has a formula, which is its meaning. SymPy differentiates the formula, and the
derivative that the gate declares is proved equal to it on every cell between kinks. A multilinear
gate is an einsum or a rearrangement of entries, and its derivative is the transposed one.
Selections, implicit and composite gates are compared with what they stand for, with symbols as
entries, at the shape that stands beside the proof. The second order is the derivative of the
derivative.
"""
_KINKS = """\
## Kinks

At a kink no derivative exists. Each gate with kinks states which value it takes there. The
one-sided derivatives, where the proof found them, are in the order of the operands.
"""
_EXCEPTIONS = """\
## Rounding

Kernels and derivatives of elementwise gates are within 8 units in the last place (ULP) of the exact
result, with these exceptions:
"""
_NUMPY = """\
# NumPy and SciPy

`make docs` writes this page from what wires answer when NumPy or SciPy asks them; a test checks
that it is current.

Plain NumPy code works on wires: `import numpy as np` and the functions below. `circuitgrad.numpy`
is NumPy itself, except that lists of wires may stand for arrays there (`array`, `full`). Ufuncs of
`scipy.special` work on wires too. SciPy's other functions are reached through `circuitgrad.scipy`.
What is not available says so, and what is near.
"""
_ON_VALUES = """\
## On values alone

These are piecewise constant or say something of an array. They answer while a function is traced
(`cg.grad(f)`), where values are known.
"""
_FAMILIES = {
    "elementwise": "Elementwise gates",
    "multilinear": "Multilinear gates",
    "selection": "Selections",
    "implicit": "Implicit gates",
    "composite": "Composite gates",
}


@cache
def _records(name: str) -> tuple[GateProof, GateProof]:
    declared = catalogue()[name]
    return prove_gate(declared, 1), prove_gate(declared, 2)


def chosen_gates(names: Iterable[str] = ()) -> list[Declared]:
    """The gates of some names; all shipped gates for no name.

    Raises:
        SpecError: No gate has the name; the nearest are told.
    """
    known = catalogue()
    for name in names:
        if name.casefold() not in known:
            raise SpecError(f"gates: no gate is named '{name}'.{nearest(name, known)}")
    return [known[name.casefold()] for name in names] or list(known.values())


def status_of(gates: Iterable[Declared]) -> Status:
    """The weakest status among the proofs of these gates, first and second order."""
    return combined([r.status for gate in gates for r in _records(gate.name.casefold())])


def policy_of(gate: Declared) -> str:
    """What a gate's derivative is at its kinks, in words; empty where it has none."""
    return "" if isinstance(gate, Contraction) else gate.policy


def _cells(gate: Declared) -> tuple[str, ...]:
    """Name, formula, derivative, kinks, first and second order of one gate."""
    first, second = _records(gate.name.casefold())
    formula = first.formula
    if isinstance(gate, Elementwise) and gate.domain:
        formula += f" for {gate.domain}"
    derivative = ", ".join(first.derivative)
    return gate.name, formula, derivative, policy_of(gate), first.status.value, second.status.value


def gates_text(gates: Sequence[Declared]) -> str:
    """The gates as an aligned table, long entries cut."""
    header = ("name", "family", "formula", "derivative", "at a kink", "1st order", "2nd order")
    rows = []
    for gate in gates:
        name, formula, derivative, policy, first, second = _cells(gate)
        cut = (shortened(formula), shortened(derivative), shortened(policy, 36))
        rows.append((name, gate.family, *cut, first, second))
    return table(header, rows)


def gate_text(gate: Declared) -> str:
    """Everything known of one gate, one line each."""
    name, formula, derivative, policy, *_ = _cells(gate)
    lines = [("name", name), ("family", gate.family), ("formula", formula)]
    lines += [("derivative", derivative), ("at a kink", policy)]
    lines.append(("source", getattr(gate, "source", "")))
    lines.append(("rounding", getattr(gate, "accuracy_note", "")))
    for record in _records(gate.name.casefold()):
        order = "1st order" if record.order == 1 else "2nd order"
        lines.append((order, f"{record.status.value}: {record.method} {record.detail}".strip()))
        if record.order == 1:
            lines += [("", kink_text(kink)) for kink in record.kinks]
    return "\n".join(f"{label:<11} {text}" for label, text in lines if text)


def gates_markdown() -> str:
    """The page docs/gates.md: the gates by family with their proofs, the kinks, the rounding."""
    gates = chosen_gates()
    parts = [_INTRODUCTION]
    for family, title in _FAMILIES.items():
        members = [gate for gate in gates if gate.family == family]
        parts.append(f"## {title}\n\n{_family_table(members)}\n")
    parts.append(f"{_KINKS}\n{_kink_table(gates)}\n")
    notes = [(gate.name, str(getattr(gate, "accuracy_note", ""))) for gate in gates]
    rounding = [(_code(name), note) for name, note in notes if note]
    if rounding:
        parts.append(f"{_EXCEPTIONS}\n{markdown_table(('gate', 'where and why'), rounding)}\n")
    return "\n".join(parts)


def _family_table(gates: Sequence[Declared]) -> str:
    rows = []
    for gate in gates:
        name, formula, derivative, _, first, second = _cells(gate)
        method = _records(gate.name.casefold())[0].method
        proof = f"{first} / {second}: {method}" if first != second else f"{first}: {method}"
        rows.append((_code(name), _code(formula), _code(derivative), proof, _source(gate)))
    header = ("gate", "formula", "derivative", "1st and 2nd order", "source")
    return markdown_table(header, rows)


def _source(gate: Declared) -> str:
    return str(getattr(gate, "source", ""))


def _kink_table(gates: Sequence[Declared]) -> str:
    """One row per gate that states a policy, with the one-sided derivatives that were found."""
    rows = []
    for gate in gates:
        if policy_of(gate):
            kinks = _records(gate.name.casefold())[0].kinks
            found = [
                f"{kink.where}: {kink.left} and {kink.right}"
                for kink in kinks
                if "unknown" not in (kink.left, kink.right)
            ]
            rows.append((_code(gate.name), policy_of(gate), "; ".join(found)))
    return markdown_table(("gate", "derivative at the kink", "one-sided derivatives"), rows)


def markdown_table(header: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    r"""A Markdown table; bars inside cells are escaped.

    >>> print(markdown_table(("gate", "value"), [("abs", "|x|")]))
    | gate | value |
    |---|---|
    | abs | \|x\| |
    """
    lines = [header, *rows]
    shown = [
        f"| {' | '.join(cell.replace('|', chr(92) + '|') for cell in line)} |" for line in lines
    ]
    shown.insert(1, "|" + "---|" * len(header))
    return "\n".join(shown)


def _code(text: str) -> str:
    return f"`{text}`" if text else ""


def numpy_markdown() -> str:
    """The page docs/numpy.md: what of NumPy and SciPy works on wires, and what does not."""
    plain = {name for name in FUNCTIONS if "." not in name} | {
        name for name in UFUNCS if hasattr(np, name)
    }
    parts = {
        "NumPy": plain,
        "numpy.linalg": _within("linalg", FUNCTIONS),
        "numpy.fft": _within("fft", FUNCTIONS),
        "scipy.special, plain": {name for name in UFUNCS if not hasattr(np, name)},
        "circuitgrad.scipy.special": set(SPECIAL),
        "circuitgrad.scipy.linalg": set(LINALG),
    }
    for family, found in DISTRIBUTIONS.items():
        parts[f"circuitgrad.scipy.stats.{family}"] = set(found)
    sections = [_NUMPY]
    sections += [f"## {title}\n\n{_listed(names)}\n" for title, names in parts.items()]
    sections.append(f"{_ON_VALUES}\n{_listed(VALUE_ONLY)}\n")
    rows = [(_code(name), reason) for name, reason in sorted(REFUSED.items())]
    missing = markdown_table(("function", "why, and the nearest"), rows)
    sections.append(f"## Not available\n\n{missing}\n")
    return "\n".join(sections)


def _within(module: str, names: Iterable[str]) -> set[str]:
    return {name.removeprefix(f"{module}.") for name in names if name.startswith(f"{module}.")}


def _listed(names: Iterable[str]) -> str:
    return textwrap.fill(
        ", ".join(_code(name) for name in sorted(names)), 116, break_on_hyphens=False
    )
