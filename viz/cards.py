"""Cards: what a box that stands for many gates shows, and how it is told in words."""

from typing import Final

from circuitgrad.viz.account import Account, Branch, Bundle, Signal
from circuitgrad.viz.content import Column, Item, Maths, Row, Space, line
from circuitgrad.viz.labels import pass_role, shortened, value_row
from circuitgrad.viz.numbers import format_number
from circuitgrad.viz.sparklines import sparkline
from circuitgrad.viz.values import scalar, value_item

_TITLE_SIZE: Final = 13.0
_WORDS_SIZE: Final = 10.0
_MOST_TOLD: Final = 16
_MOST_BARS: Final = 64


def card_item(signal: Signal) -> Item:
    """The content of a card: title, what it stands for, and gradient norms of its copies.

    Args:
        signal: A signal with a bundle.
    """
    bundle = signal.bundle or Bundle()
    rows: list[Item] = [line(shortened(signal.name, 40), "ink", _TITLE_SIZE, "bold")]
    rows.extend(line(text, "dim", _WORDS_SIZE) for text in _captions(signal, bundle))
    if 1 < len(bundle.norms) <= _MOST_BARS:
        rows.extend((Space(0.0, 2.0), sparkline(bundle.norms, pass_role(bundle.number))))
    return Column(tuple(rows), gap=2.0)


def _captions(signal: Signal, bundle: Bundle) -> list[str]:
    """The lines under the title."""
    if not bundle.gates:
        return [_counted(bundle.inputs, "input")]
    lines = [signal.words]
    if bundle.inputs:
        lines.append(_counted(bundle.inputs, "input"))
    if bundle.others:
        lines.append(f"and {_counted(bundle.others, 'gate')} between")
    return lines


def _counted(count: int, noun: str) -> str:
    """A number with its noun.

    >>> _counted(1, "gate"), _counted(1200, "gate")
    ('1 gate', '1,200 gates')
    """
    return f"{count:,} {noun}{'' if count == 1 else 's'}"


def bundle_above(branch: Branch, ran: bool, pattern: str | None) -> tuple[Item, ...]:
    """What stands above a wire from a card: its name and value, or how many wires there are.

    Args:
        branch: From a card, or to one.
        ran: Whether there was a forward pass.
        pattern: As in ``numbers.format_number``.
    """
    if branch.carried is not None:
        return value_row(branch.carried, True, ran, pattern)
    return (line(_counted(branch.wires, "wire"), "fwd", 11.0),)


def bundle_below(branch: Branch, pattern: str | None) -> tuple[Item, ...]:
    """The gradient norms of several wires, one for each backward pass.

    Args:
        branch: With more than one wire.
        pattern: As in ``numbers.format_number``.
    """
    rows: list[Item] = []
    for pull in branch.pulls:
        role = pass_role(pull.number)
        size = scalar(pull.downstream)
        name = Maths(r"\|\mathrm{grad}\|", role, 10.5)
        rows.append(Row((name, value_item(size, role, pattern)), gap=4.0))
    return tuple(rows) or (value_item(None, "grad"),)


def card_sentence(account: Account, signal: Signal) -> str:
    """A card in words: what it stands for, and the gradient norms of its copies.

    Args:
        account: What the circuit computed.
        signal: A signal with a bundle.
    """
    bundle = signal.bundle or Bundle()
    parts = [f"{signal.name}: {', '.join(_captions(signal, bundle))}"]
    if bundle.facts:
        parts[0] += f" ({'; '.join(bundle.facts)})"
    known = [None if norm is None else format_number(norm) for norm in bundle.norms]
    if known and bundle.gates:
        told = [text or "none" for text in known]
        if len(told) > _MOST_TOLD:
            told = [*told[: _MOST_TOLD - 1], "…", told[-1]]
        name = account.outputs[bundle.number].name
        norms = "norm" if len(known) == 1 else "norms, first copy to last"
        parts.append(f"gradient {norms}: {', '.join(told)} (of {name})")
    return ", ".join(parts) + "."
