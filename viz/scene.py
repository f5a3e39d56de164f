"""What a figure shows, before anything has a place: gates, leaves, wires with labels, captions.

A scene is immutable and knows neither sizes nor colours, so that layouts, themes and formats can be
changed without building it again. Every element is addressed by its position in the scene.
"""

from dataclasses import dataclass
from typing import Literal

from circuitgrad.viz.account import Badge
from circuitgrad.viz.content import Item
from circuitgrad.viz.themes import Role

NodeKind = Literal["gate", "leaf", "end", "card"]
WireStyle = Literal["plain", "zero", "alert"]
Direction = Literal["LR", "TB"]
Detail = Literal[0, 1, 2]


@dataclass(frozen=True, slots=True)
class Node:
    """A gate in its circle, a leaf (an input, or an output's name), a card, or a wire's bare end.

    A card that is ``stacked`` stands for several equal ones.
    """

    kind: NodeKind
    content: Item
    tooltip: str = ""
    cluster: int | None = None
    stacked: bool = False
    badges: tuple[Badge, ...] = ()


@dataclass(frozen=True, slots=True)
class Edge:
    """One branch of a wire: from a leaf or gate to a gate, with the rows above and below it.

    ``strength`` is the size of its gradient in a figure that emphasises it, from 0 to 1.
    ``sums`` stand below the other rows, where a wire fans out: the sum over its branches.
    """

    source: int
    target: int
    above: tuple[Item, ...] = ()
    below: tuple[Item, ...] = ()
    style: WireStyle = "plain"
    tooltip: str = ""
    strength: float | None = None
    sums: tuple[Item, ...] = ()


@dataclass(frozen=True, slots=True)
class Cluster:
    """A named scope, drawn as a frame around its gates; ``parent`` is the scope around it."""

    name: str
    parent: int | None = None


@dataclass(frozen=True, slots=True)
class LegendEntry:
    """The meaning of one colour."""

    role: Role
    text: str


@dataclass(frozen=True, slots=True)
class Scene:
    """Everything that one figure shows.

    ``ordered`` asks for the operands of a gate from top to bottom, ``roomy`` for more room between
    the ranks, where wires cross. ``sentences`` describe the figure in words, one for each node.
    """

    title: str
    nodes: tuple[Node, ...]
    edges: tuple[Edge, ...]
    clusters: tuple[Cluster, ...] = ()
    header: tuple[Item, ...] = ()
    footer: tuple[Item, ...] = ()
    legend: tuple[LegendEntry, ...] = ()
    sentences: tuple[str, ...] = ()
    direction: Direction = "LR"
    ordered: bool = True
    roomy: bool = False

    def cluster_of(self, edge: Edge) -> int | None:
        """The innermost cluster around both ends of a wire."""
        around = self._around(self.nodes[edge.source].cluster)
        both = [k for k in self._around(self.nodes[edge.target].cluster) if k in around]
        return both[0] if both else None

    def _around(self, cluster: int | None) -> list[int]:
        """A cluster and those around it, the innermost first."""
        chain: list[int] = []
        while cluster is not None:
            chain.append(cluster)
            cluster = self.clusters[cluster].parent
        return chain
