"""What a circuit computed, as plain numbers and words: all that a scene is made from."""

from dataclasses import dataclass
from typing import Any, Literal, TypeAlias

import numpy as np
from numpy.typing import NDArray

Tensor: TypeAlias = NDArray[np.floating[Any]]
Value: TypeAlias = Tensor | float | None
Badge: TypeAlias = Literal["kink", "alert", "proved", "certified", "undecided", "refuted"]
SignalKind = Literal["input", "constant", "gate", "card", "outside"]


@dataclass(frozen=True, slots=True, eq=False)
class Bundle:
    """What a card stands for: ``copies`` equal blocks of so many gates each, or a group of inputs.

    ``norms`` has the gradient norm of what leaves each copy, for the backward pass ``number``: None
    where the output does not depend on it, and no entry where no pass was run. ``facts`` are
    further facts in words.
    """

    copies: int = 1
    gates: int = 0
    others: int = 0
    inputs: int = 0
    norms: tuple[float | None, ...] = ()
    number: int = 0
    facts: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, eq=False)
class Signal:
    """A wire as the figure shows it: what makes it, and what it carries.

    ``gradients`` has one entry for each backward pass: None where the pass was not run, or where
    its output does not depend on the wire. ``words`` is the gate with its operands, such as
    ``add(x, 1)``. ``shape`` is empty for scalars. ``equation`` is LaTeX of what the
    gate computes, with ``@k@`` for the operand of its k-th branch; empty where it has no formula.
    A card has its ``bundle``. ``remarks`` are further sentences, ``badges`` signs beside the gate.
    """

    name: str
    kind: SignalKind
    glyph: str = ""
    gate: str = ""
    words: str = ""
    value: Value = None
    gradients: tuple[Value, ...] = ()
    shape: tuple[int | str, ...] = ()
    scope: str = ""
    equation: str = ""
    bundle: Bundle | None = None
    remarks: tuple[str, ...] = ()
    badges: tuple[Badge, ...] = ()


@dataclass(frozen=True, slots=True, eq=False)
class Pull:
    """What one backward pass sends along a branch: upstream × local = downstream."""

    number: int
    downstream: Value = None
    upstream: Value = None
    local: Value = None


@dataclass(frozen=True, slots=True, eq=False)
class Branch:
    """One operand of a gate: the signals at both ends, and what the backward passes send along it.

    ``symbol`` is the local gradient in LaTeX; ``chain`` is what the gate sends back along the
    branch in matrix notation, for tensors. ``pulls`` holds the passes that reach the branch.
    Between cards a branch stands for several ``wires``, and its pulls are norms; the one wire that
    leaves a card is ``carried``.
    """

    source: int
    target: int
    symbol: str = ""
    pulls: tuple[Pull, ...] = ()
    chain: str = ""
    wires: int = 1
    carried: Signal | None = None


@dataclass(frozen=True, slots=True, eq=False)
class Output:
    """A named output: which signal it is, and the gradient that its backward pass starts from.

    ``signal`` is None where a figure of a part does not show it; ``carried`` is the wire where the
    signal is a card.
    """

    name: str
    signal: int | None
    seed: Value = None
    carried: Signal | None = None

    @property
    def place(self) -> int:
        """The position of its signal, in a figure that shows every gate."""
        assert self.signal is not None
        return self.signal


@dataclass(frozen=True, slots=True, eq=False)
class Account:
    """A circuit with the numbers of one run, in topological order.

    ``formula`` and ``jacobian`` are LaTeX, or empty. ``ran`` and ``pulled`` say whether there was a
    forward pass and whether there were backward passes: a figure never shows 0 for "not computed".
    ``notes`` say what was left out.
    """

    signals: tuple[Signal, ...]
    branches: tuple[Branch, ...]
    outputs: tuple[Output, ...]
    formula: str = ""
    jacobian: str = ""
    ran: bool = True
    pulled: bool = True
    notes: tuple[str, ...] = ()
