"""What a circuit computed, as plain numbers and words: all that a scene is made from."""

from dataclasses import dataclass
from typing import Any, Literal, TypeAlias

import numpy as np
from numpy.typing import NDArray

Tensor: TypeAlias = NDArray[np.floating[Any]]
Value: TypeAlias = Tensor | float | None
SignalKind = Literal["input", "constant", "gate"]


@dataclass(frozen=True, slots=True, eq=False)
class Signal:
    """A wire as the figure shows it: what makes it, and what it carries.

    ``gradients`` has one entry for each backward pass: None where the pass was not run, or where
    its output does not depend on the wire. ``words`` is the gate with its operands, such as
    ``add(x, 1)``. ``shape`` is empty for scalars. ``equation`` is LaTeX of what the
    gate computes, with ``@k@`` for the operand of its k-th branch; empty where it has no formula.
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
    """

    source: int
    target: int
    symbol: str = ""
    pulls: tuple[Pull, ...] = ()
    chain: str = ""


@dataclass(frozen=True, slots=True, eq=False)
class Output:
    """A named output: which signal it is, and the gradient that its backward pass starts from."""

    name: str
    signal: int
    seed: Value = None


@dataclass(frozen=True, slots=True, eq=False)
class Account:
    """A circuit with the numbers of one run, in topological order.

    ``formula`` and ``jacobian`` are LaTeX, or empty. ``ran`` and
    ``pulled`` say whether there was a forward pass and whether there were backward passes: a figure
    never shows 0 for "not computed".
    """

    signals: tuple[Signal, ...]
    branches: tuple[Branch, ...]
    outputs: tuple[Output, ...]
    formula: str = ""
    jacobian: str = ""
    ran: bool = True
    pulled: bool = True
