"""Cards without cycles: what leaves a card never comes back to it."""

import dataclasses
import itertools
from collections import defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np
from scipy import sparse
from scipy.sparse.csgraph import connected_components

_MOST_NAMED: Final = 3


@dataclass(frozen=True, slots=True)
class Card:
    """Gates that one box stands for.

    ``copies`` holds the gates of every copy; ``others`` are gates between the copies. ``scope`` is
    the open scope around the card. A card with ``is_gate`` is one gate, drawn as itself.
    """

    title: str
    scope: str
    copies: tuple[tuple[int, ...], ...]
    others: tuple[int, ...] = ()
    is_gate: bool = False

    def gates(self) -> Iterator[int]:
        """All gates of the card."""
        return itertools.chain(*self.copies, self.others)


def card_of_gates(cards: Sequence[Card], count: int) -> list[int]:
    """The position of the card of every gate.

    Args:
        cards: Together they hold every gate once.
        count: The number of gates.
    """
    place = [-1] * count
    for index, card in enumerate(cards):
        for gate in card.gates():
            place[gate] = index
    return place


def acyclic(cards: Sequence[Card], reads: Sequence[Sequence[int]], most: int) -> list[Card]:
    """The cards with those on a cycle split into stages or, beyond the limit, joined into one.

    A skip past an inner scope makes such cycles. Equal blocks stay together with the gates between
    them, as long as these are fewer.

    Args:
        cards: Together they hold every gate once.
        reads: What every gate reads, in topological order.
        most: The number of cards to stay below where cards are split.
    """
    found = list(cards)
    for step in (_with_between, _apart, _in_stages, _joined):
        place = card_of_gates(found, len(reads))
        knots = _knots(found, place, reads)
        if not knots:
            break
        found = _replaced(found, knots, [step(knot, found, place, reads, most) for knot in knots])
    return found


def _knots(
    cards: Sequence[Card], place: Sequence[int], reads: Sequence[Sequence[int]]
) -> list[list[int]]:
    """Positions of cards that lie on a common cycle, in order."""
    pairs = sorted(
        {
            (place[source], place[gate])
            for gate, sources in enumerate(reads)
            for source in sources
            if place[source] != place[gate]
        }
    )
    if not pairs:
        return []
    ends = np.array(pairs).T
    size = len(cards)
    graph = sparse.csr_array((np.ones(len(pairs), np.int8), (ends[0], ends[1])), (size, size))
    _, labels = connected_components(graph, directed=True, connection="strong")
    groups: dict[int, list[int]] = defaultdict(list)
    for index, label in enumerate(labels):
        groups[int(label)].append(index)
    return sorted(group for group in groups.values() if len(group) > 1)


def _replaced(
    cards: Sequence[Card], knots: Sequence[list[int]], instead: Sequence[list[Card]]
) -> list[Card]:
    """The cards, with others in the place of each knot."""
    gone = {index for knot in knots for index in knot}
    kept = [card for index, card in enumerate(cards) if index not in gone]
    return kept + [card for group in instead for card in group]


def _with_between(
    knot: list[int], cards: list[Card], place: list[int], reads: Sequence[Sequence[int]], most: int
) -> list[Card]:
    """Equal blocks take in the gates between them, where these are fewer than their own."""
    group = [cards[index] for index in knot]
    folds = [card for card in group if len(card.copies) > 1]
    if len(folds) != 1:
        return group
    others = tuple(sorted(gate for card in group if card is not folds[0] for gate in card.gates()))
    if len(others) > sum(map(len, folds[0].copies)):
        return group
    taken = tuple(sorted((*folds[0].others, *others)))
    return [dataclasses.replace(folds[0], others=taken, scope=_around(group))]


def _apart(
    knot: list[int], cards: list[Card], place: list[int], reads: Sequence[Sequence[int]], most: int
) -> list[Card]:
    """Equal blocks as a card each, where there is room."""
    group = [cards[index] for index in knot]
    added = sum(len(card.copies) + bool(card.others) for card in group) - len(group)
    if len(cards) + added > most:
        return group
    split: list[Card] = []
    for card in group:
        if len(card.copies) == 1:
            split.append(card)
            continue
        stem = card.title.rpartition(" × ")[0]
        for number, gates in enumerate((*card.copies, card.others)):
            title = f"{stem} {number + 1}" if number < len(card.copies) else f"between {stem}"
            split.extend(
                [dataclasses.replace(card, title=title, copies=(gates,), others=())][: len(gates)]
            )
    return split


def _in_stages(
    knot: list[int], cards: list[Card], place: list[int], reads: Sequence[Sequence[int]], most: int
) -> list[Card]:
    """Each card in stages: a gate's stage counts how often the way to it turned back.

    Cards are ranked by their first gate. Along a wire the stage never falls, and it rises where the
    wire leads to a card of lower rank, so that stage and rank together order the new cards.
    """
    ranks = {
        index: rank for rank, index in enumerate(sorted(knot, key=lambda k: min(cards[k].gates())))
    }
    stage: dict[int, int] = {}
    for gate, index in enumerate(place):
        if index in ranks:
            inner = [source for source in reads[gate] if place[source] in ranks]
            stage[gate] = max(
                (stage[s] + (ranks[place[s]] > ranks[index]) for s in inner), default=0
            )
    split: list[Card] = []
    for index in ranks:
        by_stage: dict[int, list[int]] = defaultdict(list)
        for gate in sorted(cards[index].gates()):
            by_stage[stage[gate]].append(gate)
        parts = [tuple(by_stage[key]) for key in sorted(by_stage)]
        split.extend(_stages(cards[index], parts))
    if len(cards) + len(split) - len(knot) > most:
        return [cards[index] for index in knot]
    return split


def _stages(card: Card, parts: Sequence[tuple[int, ...]]) -> list[Card]:
    """The stages of one card."""
    if len(parts) == 1:
        return [card]
    return [
        dataclasses.replace(
            card, title=f"{card.title} ({k + 1} of {len(parts)})", copies=(part,), others=()
        )
        for k, part in enumerate(parts)
    ]


def _joined(
    knot: list[int], cards: list[Card], place: list[int], reads: Sequence[Sequence[int]], most: int
) -> list[Card]:
    """One card for all."""
    group = [cards[index] for index in knot]
    titles = [card.title for card in group if card.title]
    more = " …" if len(titles) > _MOST_NAMED else ""
    gates = tuple(sorted(gate for card in group for gate in card.gates()))
    title = " + ".join(titles[:_MOST_NAMED]) + more or f"gates {gates[0] + 1}–{gates[-1] + 1}"
    return [Card(title, _around(group), (gates,))]


def _around(cards: Sequence[Card]) -> str:
    """The innermost scope around all cards."""
    paths = [card.scope.split("/") if card.scope else [] for card in cards]
    common = [parts[0] for parts in zip(*paths, strict=False) if len(set(parts)) == 1]
    depth = next(
        (k for k, p in enumerate(zip(*paths, strict=False)) if len(set(p)) > 1), len(common)
    )
    return "/".join(paths[0][:depth])
