"""The subscripts of einsums: parsed from text, and renamed in order of appearance."""

from __future__ import annotations

from collections.abc import Sequence
from string import ascii_letters
from typing import TypeAlias

from circuitgrad.errors import ShapeError, SpecError

Indices: TypeAlias = tuple[int, ...]


def parse_subscripts(subscripts: str) -> tuple[tuple[str, ...], str]:
    """The operands' letters and the output's; the output may be left out, as in NumPy."""
    text = subscripts.replace(" ", "")
    inputs, arrow, output = text.partition("->")
    terms = tuple(inputs.split(","))
    letters = "".join(terms)
    if not all(c in ascii_letters for c in letters + output):
        raise SpecError(
            f"einsum '{subscripts}': use letters, commas and one '->', as in 'ij,jk->ik'."
        )
    if not arrow:
        output = "".join(sorted(c for c in set(letters) if letters.count(c) == 1))
    return terms, output


def canonical(
    terms: Sequence[Indices], output: Indices, extra: Indices = ()
) -> tuple[tuple[str, ...], str, dict[int, str]]:
    """Integer indices as letters in order of appearance: terms, output, and the letter of each."""
    order = dict.fromkeys([i for term in terms for i in term] + list(output) + list(extra))
    if len(order) > len(ascii_letters):
        raise ShapeError(
            f"einsum: {len(order)} indices; at most {len(ascii_letters)} are possible."
        )
    letters = dict(zip(order, ascii_letters, strict=False))
    operands = tuple("".join(letters[i] for i in term) for term in terms)
    return operands, "".join(letters[i] for i in output), letters
