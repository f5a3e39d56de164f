"""Regularisers: what is added to a loss to prefer some parameters over others."""

from __future__ import annotations

from collections.abc import Iterable
from functools import reduce
from typing import Any

from circuitgrad.containers import leaves, places
from circuitgrad.errors import SpecError
from circuitgrad.gates.arithmetic import absolute, square
from circuitgrad.gates.contractions import total
from circuitgrad.grammar import nearest
from circuitgrad.nn.arguments import check_equal_shapes, numeric
from circuitgrad.sources import as_wire
from circuitgrad.wire import Wire


def _chosen(parameters: Any, only: str | Iterable[str] | None, what: str) -> list[tuple[str, Wire]]:
    """The arrays whose last name is chosen, each with its place."""
    names = places(parameters)
    wanted = None if only is None else {only} if isinstance(only, str) else set(only)
    pairs = zip(names, leaves(parameters, ""), strict=True)
    found = [
        (name, as_wire(leaf))
        for name, (_, leaf) in pairs
        if wanted is None or name.rpartition(".")[2] in wanted
    ]
    if not found:
        last = sorted({name.rpartition(".")[2] for name in names})
        raise SpecError(f"{what}: no parameter is chosen by {only!r}.{nearest(str(only), last)}")
    return found


def _sum(wires: Iterable[Wire]) -> Wire:
    return reduce(lambda first, second: first + second, wires)


@numeric
def l2(parameters: Any, only: str | Iterable[str] | None = None) -> Any:
    """½Σ‖w‖²; its gradient is w.

    Args:
        parameters: An array, or a container of them.
        only: The last name of the arrays meant: only="W" leaves biases out.

    >>> l2({"W": [[3.0, 4.0]], "b": [1.0]}, only="W")
    12.5
    """
    return 0.5 * _sum(total(square(wire)) for _, wire in _chosen(parameters, only, "l2"))


@numeric
def l2_toward(parameters: Any, point: Any, only: str | Iterable[str] | None = None) -> Any:
    """Σ‖w - p‖²: parameters are drawn to a point of the same structure.

    >>> l2_toward([1.0, 2.0], [1.0, 0.0])
    4.0
    """
    found = _chosen(parameters, only, "l2_toward")
    aims = dict(_chosen(point, only, "l2_toward: the point"))
    if [name for name, _ in found] != list(aims):
        raise SpecError(
            f"l2_toward: the point has arrays {', '.join(aims)}; the parameters have "
            f"{', '.join(name for name, _ in found)}."
        )
    for name, wire in found:
        check_equal_shapes(
            aims[name], wire, f"l2_toward: the point {name}".rstrip(), "the parameter"
        )
    return _sum(total(square(wire - aims[name])) for name, wire in found)


@numeric
def tying(first: Any, second: Any) -> Any:
    """‖w₁ - w₂‖²: two weights are drawn to each other.

    >>> tying([1.0, 2.0], [0.0, 2.0])
    1.0
    """
    left, right = as_wire(first), as_wire(second)
    check_equal_shapes(left, right, "tying: the first", "the second")
    return total(square(left - right))


@numeric
def l1(parameters: Any, only: str | Iterable[str] | None = None) -> Any:
    """Σ|w|; its gradient is sign(w), and 0 at 0.

    A subgradient step jumps over zero and never stays there: optim.with_soft_threshold makes
    weights exactly zero.

    >>> l1([1.0, -2.0])
    3.0
    """
    return _sum(total(absolute(wire)) for _, wire in _chosen(parameters, only, "l1"))


@numeric
def sparse_activations(*activations: Any) -> Any:
    """Σ‖h‖₁ of some layers' activations, as a penalty for units that are rarely silent.

    >>> sparse_activations([1.0, 0.0], [[-2.0]])
    3.0
    """
    if not activations:
        raise SpecError("sparse_activations: got no activation; needed at least one.")
    return _sum(total(absolute(as_wire(h))) for h in activations)
