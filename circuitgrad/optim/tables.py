"""The optimisers and schedules as a page of documentation, from their declarations."""

from __future__ import annotations

from collections.abc import Iterator

from circuitgrad.optim.formulas import Formula
from circuitgrad.optim.rules import RULES
from circuitgrad.optim.schedules import DECLARED

_HEAD = """# Optimisers

This page is written by `make docs` from the declarations in `circuitgrad/optim`. The formulas are
what runs: each is read into a circuit, and that circuit updates the parameters.

θ is a parameter array, g its gradient, ε the learning rate, t the number of the update beginning
with 1. Statements are done one after the other, each with the values that those before it left. A
letter that is read before it is set is state, zero at first.
"""

_RATES = """
## Learning rates

t is the number of updates done before, 0 at first; `fan_in` the number of columns of a matrix, 1
for a vector. Where the table says ε₀, a schedule may stand as well.

| schedule | ε | |
|---|---|---|
"""


def optimizers_markdown() -> str:
    """The page docs/optimizers.md."""
    return _HEAD + "".join(_sections()) + _RATES + "".join(_rates())


def _sections() -> Iterator[str]:
    for rule in RULES:
        yield f"\n## `optim.{rule.name}`\n\n{rule.source}.\n\n"
        usual = ", ".join(f"{name}={value:g}" for name, value in rule.defaults.items())
        yield f"By default rate={rule.rate:g}{', ' if usual else ''}{usual}.\n\n"
        yield "| form | update | gradient at |\n|---|---|---|\n"
        for form, formula in rule.forms.items():
            yield f"| {form} | {str(formula).replace('; ', '<br>')} | {_point(formula)} |\n"


def _point(formula: Formula) -> str:
    return Formula.pretty(formula.point)


def _rates() -> Iterator[str]:
    for declared in DECLARED:
        text = Formula.pretty(declared.formula.replace("rate", "rate0"))
        yield f"| `optim.{declared.name}` | {text} | {declared.meaning} |\n"
