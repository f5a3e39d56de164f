"""The proof of every rewriting rule, and of a rewritten circuit."""

from __future__ import annotations

from collections.abc import Sequence
from functools import cache

import numpy as np
import sympy as sp

from circuitgrad.errors import ProofError
from circuitgrad.formulas.symbolic import expressions
from circuitgrad.gates import functions
from circuitgrad.gates.from_einsum import Einsum
from circuitgrad.gates.from_rule import declaration_of, parameters_of
from circuitgrad.proofs.equality import decide
from circuitgrad.proofs.verdicts import Status
from circuitgrad.simplification import Rule
from circuitgrad.stability.exact_values import plain_choices
from circuitgrad.wire import Array, Wire, axis_sizes, replaced, topological

BUDGET = 10.0
_SUM = sp.Symbol("s", positive=True)  # of exponentials, hence positive


@cache
def proof_of(rule: Rule) -> str:
    """How a rule is proved: "normal form", "structural", …; worked out once.

    Raises:
        ProofError: A rule that is not proved, or whose right side is real where the left is not.

    >>> from circuitgrad.simplification import RULES
    >>> proof_of(RULES[0])
    'structural'
    """
    left, right = (_entry(side) for side in (rule.pattern, rule.result))
    verdict = decide(left, right, budget=BUDGET)
    if not verdict.proved or verdict.caveat:
        raise ProofError(f"rule {rule}: {verdict.caveat or verdict.reason or verdict.status}.")
    return verdict.method


def _entry(side: Wire) -> sp.Expr:
    """One entry of a side, for every size: what is summed over all exponentials is one number s.

    The sides act entry by entry on x and on s, so one entry of each stands for all. A gate that
    stands for a circuit is read as that circuit.
    """
    written_out = _written_out(side)
    known: dict[int, Array] = {}
    for wire in topological([written_out]):
        gate = wire.gate
        if not isinstance(gate, Einsum) or len(wire.inputs) != 1:
            continue
        (source,) = wire.inputs
        is_sum = source.gate is functions.exp and not set(gate.operands[0]) & set(gate.output)
        if is_sum or (source.serial in known and _places_ones(gate, source)):
            known[wire.serial] = np.full([1] * wire.ndim, _SUM, dtype=object)
    sizes = {str(axis): 1 for axis in axis_sizes(topological([side]))}
    found = expressions([written_out], known, sizes, meaning=True)[0].reshape(-1)[0]
    return plain_choices(found)


def _places_ones(gate: Einsum, source: Wire) -> bool:
    """Whether a gate repeats a number, or drops axes of length 1, and sums nothing."""
    letters = zip(gate.operands[0], source.shape, strict=True)
    return all(axis == 1 for letter, axis in letters if letter not in gate.output)


def _written_out(side: Wire) -> Wire:
    """The wire with every gate that stands for a circuit replaced by that circuit."""
    place: dict[Wire, Wire] = {}
    for wire in topological([side]):
        declared = declaration_of(wire.gate)
        if declared is not None and declared.meaning is not None:
            inputs = [replaced(source, place) for source in wire.inputs]
            place[wire] = declared.meaning(*inputs, **parameters_of(wire.gate))
    return replaced(side, place)


def equal_everywhere(first: Sequence[sp.Expr], second: Sequence[sp.Expr], budget: float) -> bool:
    """Whether formulas are proved equal one by one, and real at the same points.

    Raises:
        ProofError: Formulas that differ for certain: some rule is wrong.
    """
    for left, right in zip(first, second, strict=True):
        verdict = decide(left, right, budget=budget)
        if verdict.status is Status.REFUTED:
            raise ProofError(f"stable form: {left} is not {right}: {verdict.counterexample}")
        if not verdict.proved or verdict.caveat:
            return False
    return True
