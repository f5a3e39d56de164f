"""The modes in which a Jacobian can be computed, compared by what they cost."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from circuitgrad.circuits import Circuit
from circuitgrad.derivatives import jacobian
from circuitgrad.faces import Choice
from circuitgrad.paths import narrowest_cut
from circuitgrad.plans.cost import Cost, aligned, checked_sizes, plan_cost
from circuitgrad.spec import format_shape
from circuitgrad.wire import describe


@dataclass(frozen=True)
class JacobianCost:
    """What a Jacobian costs in each mode; printed as a table.

    Attributes:
        reverse: One backward pass for all entries of the output at once.
        forward: One forward pass for all entries of the input at once.
        mixed: A backward pass above and a forward pass below the narrowest wire that every path
            passes, and their product; None where there is no such wire.
        cuts: The wires where mixed mode is cut.
    """

    reverse: Cost
    forward: Cost
    mixed: Cost | None
    cuts: tuple[str, ...] = ()

    @property
    def best(self) -> str:
        """The mode with the fewest flops, then bytes; of equal ones reverse, then forward."""
        return min(self._modes(), key=lambda mode: (mode[1].flops, mode[1].bytes))[0]

    def _modes(self) -> list[tuple[str, Cost]]:
        modes = [("reverse", self.reverse), ("forward", self.forward)]
        return modes if self.mixed is None else [*modes, ("mixed", self.mixed)]

    def __str__(self) -> str:
        rows = [("mode", "cut", "flops", "bytes", "peak bytes")]
        for name, cost in self._modes():
            cut = ", ".join(self.cuts) if name == "mixed" else ""
            rows.append((name, cut, f"{cost.flops:,}", f"{cost.bytes:,}", f"{cost.peak_bytes:,}"))
        return "\n".join([*aligned(rows), f"cheapest: {self.best}"])


def jacobian_cost(
    circuit: Circuit, wrt: Choice, sizes: Mapping[str, Any], where: str = "jacobian_cost"
) -> JacobianCost:
    """The cost of the Jacobian in each mode, at the sizes given.

    Raises:
        SpecError: A named axis without a size.

    Source:
        Griewank & Walther, Evaluating Derivatives (2008), chapter 10.
    """
    known = checked_sizes(circuit, sizes, where)
    found = (
        narrowest_cut(out, source, known)
        for out in circuit.outputs
        for source in circuit.choose(wrt)
    )
    cuts = [f"{describe(w)} {format_shape(w.shape)}" for w in found if w is not None]

    def priced(mode: str) -> Cost:
        return plan_cost(jacobian(circuit, wrt, mode, known), known)

    mixed = priced("mixed") if cuts else None
    return JacobianCost(priced("reverse"), priced("forward"), mixed, tuple(dict.fromkeys(cuts)))
