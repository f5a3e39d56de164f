"""Forms of gates that pick entries: x[0] is e₀ᵀx, and the largest entry has its own name."""

from __future__ import annotations

from collections.abc import Callable, Mapping

from circuitgrad.formulas import tensor_algebra as algebra
from circuitgrad.formulas.tensor_terms import ONE, Factor, Form, Index, Term, fresh
from circuitgrad.gates.from_rule import parameters_of
from circuitgrad.gates.indices import WHOLE, Key
from circuitgrad.spec import Axis
from circuitgrad.wire import Wire


def _unit(place: int, axis: Axis) -> Form:
    """The vector that is 1 at a place, counted from 0 or backwards from -1, and 0 elsewhere."""
    factor = Factor("unit", str(place), (Index(0, axis),))
    return Form((axis,), (Term(ONE, (factor,)),))


def _has_form(key: Key) -> bool:
    """Whether an index is made of whole axes and single places."""
    return all(part == WHOLE or isinstance(part, int) for part in key)


def _index(wire: Wire, forms: list[Form]) -> Form | None:
    key = parameters_of(wire.gate)["key"]
    if not _has_form(key):
        return None
    axes = wire.inputs[0].shape
    places = [fresh(axis) for axis in axes]
    picked = [
        (_unit(part, index.axis), (index,))
        for part, index in zip(key, places, strict=True)
        if isinstance(part, int)
    ]
    kept = [index for part, index in zip(key, places, strict=True) if part == WHOLE]
    return algebra.contract([(forms[0], tuple(places)), *picked], tuple(kept))


def _scatter(wire: Wire, forms: list[Form]) -> Form | None:
    key = parameters_of(wire.gate)["key"]
    if not _has_form(key):
        return None
    places = [fresh(axis) for axis in wire.shape]
    kept = [index for part, index in zip(key, places, strict=True) if part == WHOLE]
    put = [
        (_unit(part, index.axis), (index,))
        for part, index in zip(key, places, strict=True)
        if isinstance(part, int)
    ]
    return algebra.contract([(forms[0], tuple(kept)), *put], tuple(places))


def _of_all(name: str, keeps_shape: bool) -> Callable[[Wire, list[Form]], Form | None]:
    """A gate over all axes, written by its name."""

    def rule(wire: Wire, forms: list[Form]) -> Form | None:
        if len(parameters_of(wire.gate)["axes"]) != wire.inputs[0].ndim:
            return None
        return algebra.array_call(name, forms[0], wire.shape if keeps_shape else ())

    return rule


SELECTIONS: Mapping[str, Callable[[Wire, list[Form]], Form | None]] = {
    "index": _index,
    "scatter": _scatter,
    "max_reduce": _of_all("max_reduce", False),
    "min_reduce": _of_all("min_reduce", False),
    "max_share": _of_all("max_share", True),
    "min_share": _of_all("min_share", True),
}
