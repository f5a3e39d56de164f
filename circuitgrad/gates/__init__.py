"""Gates, one declaration each; `catalogue()` is the explicit list of those that ship."""

from __future__ import annotations

from functools import cache
from typing import TypeAlias

from circuitgrad.errors import SpecError
from circuitgrad.gates import (
    activations,
    arithmetic,
    casting,
    contractions,
    decompositions,
    functions,
    gamma_functions,
    linear_algebra,
    matrices,
    orthogonal_factors,
    probability,
    products,
    pseudo_inverses,
    reductions,
    sequences,
    shapes,
    special,
    spectra,
)
from circuitgrad.gates.from_einsum import Contraction
from circuitgrad.gates.from_formula import Elementwise
from circuitgrad.gates.from_rule import Declaration

Declared: TypeAlias = Elementwise | Contraction | Declaration

_MODULES = (
    arithmetic, functions, special, gamma_functions, probability, activations, contractions,
    shapes, casting, reductions, products, sequences, linear_algebra, matrices, spectra,
    decompositions, pseudo_inverses, orthogonal_factors,
)  # fmt: skip


@cache
def catalogue() -> dict[str, Declared]:
    """Every shipped gate by name, in the order of the modules and declarations.

    Raises:
        SpecError: Two declarations of one name.
    """
    found: dict[str, Declared] = {}
    for module in _MODULES:
        for value in vars(module).values():
            if not isinstance(value, Elementwise | Contraction | Declaration):
                continue
            known = found.setdefault(value.name.casefold(), value)
            if known is not value:
                raise SpecError(f"gate '{value.name}' is declared twice.")
    return found
