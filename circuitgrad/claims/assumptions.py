"""What a claim assumes: facts about inputs, and where scalars lie, from short texts."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

import sympy as sp

from circuitgrad import grammar
from circuitgrad.errors import SpecError
from circuitgrad.formulas.symbolic import parse_formula, real_symbol

_NAME = r"([^\W\d]\w*)"
_WORDS: Mapping[str, tuple[str, ...]] = {
    "symmetric": ("symmetric",),
    "orthogonal": ("orthogonal",),
    "diagonal": ("diagonal",),
    "positive": ("positive",),
    "normalized": ("normalized",),
    "sign": ("sign",),
    "invertible": (),
    "nonsingular": (),
    "real": (),
    "positive definite": ("symmetric", "definite"),
    "spd": ("symmetric", "definite"),
}
# Equations that say the same as a word.
_EQUATIONS: tuple[tuple[str, tuple[str, ...]], ...] = (
    (rf"{_NAME}(?:\.T|')=\1", ("symmetric",)),
    (rf"{_NAME}=\1(?:\.T|')", ("symmetric",)),
    (rf"{_NAME}(?:\.T@|'\*)\1=(?:I|eye\(\w+\))", ("orthogonal",)),
    (rf"{_NAME}(?:@\1\.T|\*\1')=(?:I|eye\(\w+\))", ("orthogonal",)),
    (rf"sum\({_NAME}\)=1", ("normalized",)),
    (rf"{_NAME}(?:\.?\*\1|\*\*2|\.?\^2)=1", ("sign",)),
)


@dataclass(frozen=True)
class Assumptions:
    """What is assumed of the inputs of a claim.

    Attributes:
        texts: The assumptions as they were given.
        facts: What is known of each input, as `cg.input` takes it; also "definite".
        conditions: Inequalities between scalars.
    """

    texts: tuple[str, ...] = ()
    facts: Mapping[str, frozenset[str]] = field(default_factory=dict)
    conditions: tuple[sp.Basic, ...] = ()

    def of(self, name: str) -> dict[str, bool]:
        """The facts of an input as the keyword arguments of `cg.input`."""
        return {fact: True for fact in self.facts.get(name, ()) if fact != "definite"}

    def is_definite(self, name: str) -> bool:
        """Whether a matrix is positive definite."""
        return "definite" in self.facts.get(name, ())


def parse_assumptions(texts: str | Iterable[str], is_array: Callable[[str], bool]) -> Assumptions:
    """Assumptions from texts such as "x > 0", "A symmetric", "A is symmetric", "sum(y) == 1".

    Args:
        texts: One text, or several.
        is_array: Whether an input has axes; inequalities of arrays hold entry by entry.

    Raises:
        SpecError: A text that says none of what is understood.

    >>> parse_assumptions(["A is symmetric", "0 < t < 1"], lambda name: name == "A").conditions
    (0 < t, t < 1)
    """
    if not isinstance(texts, Iterable):
        raise SpecError(f"assuming: got {texts!r}; needed text such as 'x > 0', or several.")
    listed = (texts,) if isinstance(texts, str) else tuple(texts)
    facts: dict[str, frozenset[str]] = {}
    conditions: list[sp.Basic] = []
    for text in listed:
        if not isinstance(text, str):
            raise SpecError(f"assuming: got {text!r}; needed text such as 'x > 0'.")
        name, words = _fact(text)
        if name is not None:
            facts[name] = facts.get(name, frozenset()) | frozenset(words)
            continue
        for part in _unchained(text):
            found = _condition(part, is_array)
            if isinstance(found, str):
                facts[found] = facts.get(found, frozenset()) | {"positive"}
            else:
                conditions.append(found)
    return Assumptions(listed, facts, tuple(conditions))


def _unchained(text: str) -> list[str]:
    """The comparisons of neighbours that a chain such as 0 < t < 1 says."""
    parts = re.split(r"(<=?|>=?)", text)
    pairs = zip(parts[::2], parts[1::2], parts[2::2], strict=False)
    return ["".join(pair) for pair in pairs] if len(parts) > 3 else [text]


def _fact(text: str) -> tuple[str | None, tuple[str, ...]]:
    match = re.fullmatch(rf"\s*{_NAME}\s+(?:is\s+)?([a-z ]+?)\s*", text)
    if match and match[2] in _WORDS:
        return match[1], _WORDS[match[2]]
    squeezed = re.sub(r"\s+", "", text).replace("==", "=")
    for pattern, words in _EQUATIONS:
        match = re.fullmatch(pattern, squeezed)
        if match:
            return match[1], words
    return None, ()


def _condition(text: str, is_array: Callable[[str], bool]) -> Any:
    """An inequality of scalars; the name of an array whose entries are all positive."""
    known = ", ".join(f"'A {word}'" for word in _WORDS)
    try:
        used = grammar.names(text)
        condition = parse_formula(text, {name: real_symbol(name) for name in used if name != "pi"})
    except SpecError as error:
        raise SpecError(
            f"assuming {text!r}: not understood. Write an inequality such as 'x > 0', an equation "
            f"such as 'sum(y) == 1', or one of {known}. ({error})"
        ) from None
    arrays = [name for name in used if is_array(name)]
    if arrays:
        symbol = sp.Symbol(arrays[0], real=True)
        if condition == (symbol > 0):
            return arrays[0]
        raise SpecError(
            f"assuming {text!r}: of the array '{arrays[0]}' only '{arrays[0]} > 0' is understood, "
            "for every entry."
        )
    if not isinstance(condition, sp.Gt | sp.Ge | sp.Lt | sp.Le | sp.Ne):
        raise SpecError(f"assuming {text!r}: needed an inequality between scalars, as 'x > 0'.")
    return condition
