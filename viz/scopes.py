"""Scopes of a large circuit: which gates every card of a figure stands for.

An open scope shows its gates and inner scopes, a closed one is a card. Equal blocks in a row become
one card with many copies. Gates are numbered in topological order here, and known by their scope,
by what they read, and by a kind that equal gates share.
"""

import itertools
from collections import defaultdict
from collections.abc import Collection, Hashable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Final, Literal, NamedTuple, TypeAlias

from circuitgrad.viz.quotient import Card, acyclic

Expansion: TypeAlias = bool | int | str | Collection[str] | None

_LONGEST_PERIOD: Final = 4
_MOST_CHUNKS: Final = 12
# A scope of more gates is a page of its own: it is opened only where that is asked for.
_MOST_OPENED: Final = 12
_FEWEST_COPIES: Final = 2


class Graph(NamedTuple):
    """Gates in topological order: scope, what each reads, and a kind to compare.

    ``operands`` are numbers of gates, and −1 for inputs.
    """

    scopes: Sequence[str]
    operands: Sequence[Sequence[int]]
    kinds: Sequence[Hashable]


@dataclass(frozen=True, slots=True)
class Grouping:
    """The cards of a figure; every gate is in exactly one of them.

    ``opened`` are the open scopes, and ``folded`` counts the equal blocks that share a card.
    """

    cards: tuple[Card, ...]
    opened: tuple[str, ...]
    folded: int


class _Piece(NamedTuple):
    """A scope inside another one, or (without a name) a run of its own gates."""

    name: str
    gates: Sequence[int]


class _Unit(NamedTuple):
    """Pieces that follow one another: one copy, or as many as are equal."""

    copies: tuple[tuple[_Piece, ...], ...]


def grouping(
    graph: Graph, budget: int, most: int, expand: Expansion = None, fold: bool = True
) -> Grouping:
    """The cards for a graph: scopes are opened breadth first while their number stays in budget.

    Args:
        graph: The gates.
        budget: The number of boxes to stay below where the choice is free.
        most: The number of boxes to stay below where open scopes are asked for.
        expand: None to choose, True or False for all or none, a depth, or the scopes to open.
        fold: Whether equal blocks in a row share a card.
    """
    return _Grouping(graph, budget, most, expand, fold).result()


class _Grouping:
    """Opens scopes, one level after the other."""

    def __init__(self, graph: Graph, budget: int, most: int, expand: Expansion, fold: bool) -> None:
        self._graph = graph
        self._free = expand is None
        self._limit = budget if self._free else most
        self._fold = fold
        self._named = _named_scopes(expand)
        self._depth = _depth(expand)
        self._inside = _members(graph.scopes)
        self._pieces = _pieces(graph.scopes, self._inside)
        self._units: dict[str, list[_Unit]] = {}
        self._forms: dict[Hashable, int] = {}

    def result(self) -> Grouping:
        opened = self._opened()
        cards = [card for path in opened for card in self._cards(path, opened)]
        if sum(1 for _ in cards) > self._limit:
            cards = _bounded(cards, self._limit)
        cards = acyclic(cards, self._reads(), self._limit)
        folded = sum(len(card.copies) for card in cards if len(card.copies) > 1)
        cards.sort(key=lambda card: min(card.gates()))
        return Grouping(tuple(cards), tuple(path for path in opened if path), folded)

    def _reads(self) -> list[tuple[int, ...]]:
        """The gates that every gate reads."""
        return [tuple(k for k in sources if k >= 0) for sources in self._graph.operands]

    def _opened(self) -> dict[str, Literal[True]]:
        """The open scopes, outer ones first; the whole is always open."""
        opened: dict[str, Literal[True]] = {"": True}
        boxes = self._size("")
        level = list(self._closed_below(""))
        while level:
            found: list[str] = []
            for path in sorted(level, key=self._size):  # a stable order: smallest growth first
                growth = self._size(path) - 1
                if self._may_open(path, growth, boxes):
                    opened[path] = True
                    boxes += growth
                    found.extend(self._closed_below(path))
            level = found
        return opened

    def _may_open(self, path: str, growth: int, boxes: int) -> bool:
        """Whether a scope is opened: as asked, or while there is room."""
        if path in self._named:
            return True
        if not self._free:
            return path.count("/") < self._depth
        loose = sum(len(piece.gates) for piece in self._pieces[path] if not piece.name)
        return boxes + growth <= self._limit and loose <= _MOST_OPENED

    def _closed_below(self, path: str) -> Iterator[str]:
        """The scopes directly inside one that stand alone and not for equal ones."""
        for unit in self._split(path):
            if len(unit.copies) == 1:
                yield from (_joined(path, piece.name) for piece in unit.copies[0] if piece.name)

    def _size(self, path: str) -> int:
        """The number of boxes of an open scope whose inner scopes are closed."""
        return sum(
            1 if len(unit.copies) > 1 or piece.name else len(piece.gates)
            for unit in self._split(path)
            for piece in unit.copies[0][: 1 if len(unit.copies) > 1 else None]
        )

    def _split(self, path: str) -> list[_Unit]:
        """The pieces of a scope, equal ones in a row together."""
        if path not in self._units:
            pieces = self._pieces.get(path, [])
            self._units[path] = self._repeats(path, pieces)
        return self._units[path]

    def _repeats(self, path: str, pieces: Sequence[_Piece]) -> list[_Unit]:
        """Units of up to four pieces that occur again right behind themselves."""
        classes = [self._likeness(path, piece) for piece in pieces] if self._fold else []
        units: list[_Unit] = []
        start = 0
        while start < len(pieces):
            period, count = _best_period(classes, pieces, start) if classes else (1, 1)
            copies = tuple(
                tuple(pieces[k : k + period]) for k in range(start, start + period * count, period)
            )
            units.append(_Unit(copies))
            start += period * count
        return units

    def _likeness(self, path: str, piece: _Piece) -> Hashable:
        """What equal pieces share: name without its number, and all gates with their wiring."""
        whole = _joined(path, piece.name)
        if piece.name and any(
            name == whole or name.startswith(f"{whole}/") for name in self._named
        ):
            return (whole,)  # what is to be opened stands alone
        return (_stem(piece.name), self._structure(piece.gates, len(whole)))

    def _structure(self, gates: Sequence[int], start: int) -> tuple[int, ...]:
        """Numbers for all gates with what they read inside, which do not depend on their order."""
        graph, found = self._graph, dict[int, int]()
        for gate in gates:
            operands = tuple(found.get(source, -1) for source in graph.operands[gate])
            form = (graph.kinds[gate], graph.scopes[gate][start:], operands)
            found[gate] = self._forms.setdefault(form, len(self._forms))
        return tuple(sorted(found.values()))

    def _cards(self, path: str, opened: Collection[str]) -> Iterator[Card]:
        """The cards that lie directly in an open scope."""
        for unit in self._split(path):
            if len(unit.copies) > 1:
                names = [_stem(piece.name) for piece in unit.copies[0] if piece.name]
                title = f"{' + '.join(names)} × {len(unit.copies)}"
                yield Card(title, path, tuple(_gates(copy) for copy in unit.copies))
                continue
            for piece in unit.copies[0]:
                if not piece.name:
                    yield from (Card("", path, ((gate,),), is_gate=True) for gate in piece.gates)
                elif _joined(path, piece.name) not in opened:
                    yield Card(piece.name, path, (tuple(piece.gates),))


def _named_scopes(expand: Expansion) -> frozenset[str]:
    """The scopes that are to be opened by name, and those around them."""
    names = (expand,) if isinstance(expand, str) else expand
    if names is None or isinstance(names, int):
        return frozenset()
    steps = [name.split("/") for name in names]
    return frozenset("/".join(parts[:k]) for parts in steps for k in range(1, len(parts) + 1))


def _depth(expand: Expansion) -> float:
    """How many levels of scopes are opened."""
    if isinstance(expand, bool):
        return float("inf") if expand else 0
    return expand if isinstance(expand, int) else 0


def _joined(path: str, name: str) -> str:
    """The path of a scope inside another one; the outer path itself without a name."""
    return f"{path}/{name}" if path and name else path or name


def _stem(name: str) -> str:
    """A name without the number at its end."""
    return name.rstrip("0123456789").rstrip("_-. ") or name


def _members(scopes: Sequence[str]) -> dict[str, list[int]]:
    """The gates directly in every scope, and an entry for every scope around one."""
    inside: dict[str, list[int]] = defaultdict(list)
    for gate, path in enumerate(scopes):
        inside[path].append(gate)
    return dict(inside)


def _pieces(scopes: Sequence[str], inside: dict[str, list[int]]) -> dict[str, list[_Piece]]:
    """The inner scopes and runs of own gates of every scope, in the order of appearance."""
    found: dict[str, dict[str, list[int]]] = defaultdict(dict)
    for path in inside:
        parts = path.split("/") if path else []
        for depth in range(len(parts)):
            found["/".join(parts[:depth])].setdefault(parts[depth], [])
    for gate, path in enumerate(scopes):
        parts = path.split("/") if path else []
        outer = ""
        for part in parts:
            found[outer][part].append(gate)
            outer = _joined(outer, part)
    return {
        path: _in_order(found.get(path, {}), inside.get(path, []))
        for path in {"": None, **dict.fromkeys(found), **dict.fromkeys(inside)}
    }


def _in_order(inner: dict[str, list[int]], own: Sequence[int]) -> list[_Piece]:
    """Scopes and runs of gates by their first gate."""
    events: list[tuple[int, str]] = [(gates[0], name) for name, gates in inner.items()]
    events.extend((gate, "") for gate in own)
    pieces: list[_Piece] = []
    for gate, name in sorted(events):
        if name:
            pieces.append(_Piece(name, inner[name]))
        elif pieces and not pieces[-1].name:
            pieces[-1].gates.append(gate)  # type: ignore[attr-defined]
        else:
            pieces.append(_Piece("", [gate]))
    return pieces


def _best_period(
    classes: Sequence[Hashable], pieces: Sequence[_Piece], start: int
) -> tuple[int, int]:
    """How many pieces repeat from a place on, and how often; (1, 1) where none do."""
    best = (1, 1)
    for period in range(1, _LONGEST_PERIOD + 1):
        unit = classes[start : start + period]
        if len(unit) < period or not any(p.name for p in pieces[start : start + period]):
            continue
        count = 1
        while classes[start + count * period : start + (count + 1) * period] == unit:
            count += 1
        if count >= _FEWEST_COPIES and period * count > best[0] * best[1]:
            best = (period, count)
    return best


def _gates(pieces: Iterable[_Piece]) -> tuple[int, ...]:
    """The gates of some pieces."""
    return tuple(sorted(itertools.chain.from_iterable(piece.gates for piece in pieces)))


def _bounded(cards: Sequence[Card], limit: int) -> list[Card]:
    """Fewer cards: gates that follow one another in a scope share one, then anything does."""
    runs = [
        list(run)
        for _, run in itertools.groupby(cards, key=lambda card: (card.scope, card.is_gate))
    ]
    loose = [run for run in runs if run[0].is_gate]
    rest = sum(len(run) for run in runs if not run[0].is_gate)
    room = max(limit - rest, len(loose)) if loose else 1
    chunks = max(1, min(_MOST_CHUNKS, room // max(len(loose), 1)))
    joined: list[Card] = []
    for run in runs:
        joined.extend(_chunks(run, chunks) if run[0].is_gate else run)
    return joined if len(joined) <= limit else _chunks(joined, limit)


def _chunks(cards: Sequence[Card], count: int) -> list[Card]:
    """At most so many cards, each for an equal share of the cards in their order."""
    if len(cards) <= count:
        return list(cards)
    bounds = [len(cards) * k // count for k in range(count + 1)]
    return [_chunk(cards[a:b]) for a, b in itertools.pairwise(bounds)]


def _chunk(cards: Sequence[Card]) -> Card:
    """One card for several."""
    if len(cards) == 1:
        return cards[0]
    gates = tuple(sorted(gate for card in cards for gate in card.gates()))
    titles = [card.title for card in cards if card.title]
    title = f"{titles[0]} … {titles[-1]}" if titles else f"gates {gates[0] + 1}–{gates[-1] + 1}"
    return Card(title, cards[0].scope, (gates,))
