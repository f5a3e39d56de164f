"""The rows above and below a wire, and names as maths."""

from collections.abc import Sequence
from typing import Final

import numpy as np

from circuitgrad.formulas.latex import name_latex
from circuitgrad.viz.account import Branch, Pull, Signal, Value
from circuitgrad.viz.content import (
    Column,
    Grid,
    Item,
    Maths,
    Picture,
    Row,
    Space,
    Span,
    Text,
    line,
)
from circuitgrad.viz.numbers import MINUS, factor, format_number
from circuitgrad.viz.themes import PASS_ROLES, Role
from circuitgrad.viz.values import (
    badge_item,
    has_numbers,
    is_finite,
    norm_item,
    scalar,
    value_item,
)

NAME_SIZE: Final = 13.0
CHAIN_SIZE: Final = 9.5
LOCAL_SIZE: Final = 11.5
LEAF_SIZE: Final = 19.0
_MOST_TERMS: Final = 4


def name_item(name: str, role: Role, size: float) -> Item:
    """The name as maths.

    Args:
        name: Any text; only its beginning and end are shown where it is long.
        role: Its colour.
        size: Its type size.
    """
    return Maths(name_latex(shortened(name)), role, size)


def shortened(text: str, most: int = 28) -> str:
    """The text, with its middle left out where it is too long for a figure.

    Args:
        text: Any text.
        most: The greatest number of characters.
    """
    flat = " ".join(text.split())
    if len(flat) <= most:
        return flat
    half = (most - 1) // 2
    return f"{flat[:half]}…{flat[-half:]}"


def pass_role(number: int) -> Role:
    """The colour of a backward pass.

    Args:
        number: The position of its output.
    """
    return PASS_ROLES[number % len(PASS_ROLES)]


def value_row(
    signal: Signal, named: bool, ran: bool, pattern: str | None = None
) -> tuple[Item, ...]:
    """What stands above a wire: name and value; nothing for a leaf that was not run.

    Args:
        signal: The wire.
        named: Whether its name is shown; that of a leaf stands at its end.
        ran: Whether there was a forward pass.
        pattern: As in ``numbers.format_number``.
    """
    name = name_item(signal.name, "fwd", NAME_SIZE)
    if not ran:
        badge = badge_item(signal.shape)
        items = ((name,) if named else ()) + ((badge,) if signal.shape else ())
        return (Row(items, gap=5.0),) if items else ()
    value = value_item(signal.value, "fwd", pattern)
    if isinstance(value, Picture):
        badge = badge_item(np.asarray(signal.value).shape)
        return (Row((name, badge), gap=5.0), value)
    row = Row((name, line(" = ", "fwd", 12.0), value), middle=isinstance(value, Grid))
    return (row,) if named else (value,)


def pull_rows(
    branch: Branch, factors: bool, pattern: str | None = None, symbols: Sequence[str] = ()
) -> tuple[Item, ...]:
    """What the backward passes send along a branch: the contributions, then their factors or norms.

    Args:
        branch: An operand of a gate.
        factors: Whether the factors of numbers, and the norms of tensors, are shown.
        pattern: As in ``numbers.format_number``.
        symbols: LaTeX of every pass's gradient, where the branch is all of it.
    """
    if not branch.pulls:
        return (value_item(None, "grad"),)
    sums = tuple(
        value_item(pull.downstream, pass_role(pull.number), pattern) for pull in branch.pulls
    )
    rows = [
        found
        for pull in (branch.pulls if factors else ())
        for found in (chain_row(pull, pattern), norm_row(pull, symbols, pattern))
        if found is not None
    ]
    return (Row(sums, gap=10.0), *rows)


def norm_row(pull: Pull, symbols: Sequence[str], pattern: str | None = None) -> Item | None:
    """The name and the norm of a tensor's gradient; None for numbers that are all shown.

    Args:
        pull: What a backward pass sends along a branch.
        symbols: As in `pull_rows`.
        pattern: As in ``numbers.format_number``.
    """
    found = pull.downstream
    if found is None or not np.size(found) or has_numbers(found):
        return None
    norm = norm_item(np.asarray(found), pattern)
    role = pass_role(pull.number)
    named = [Maths(symbol, role, 10.5) for symbol in symbols[pull.number : pull.number + 1]]
    return Row((*named, norm), gap=7.0)


def gradient_latex(output: str, wire: str) -> str:
    """LaTeX of the gradient of an output by a wire.

    Args:
        output: The output's name.
        wire: The wire's name.
    """
    return rf"\partial {_in_ratio(output)}/\partial {_in_ratio(wire)}"


def chain_row(pull: Pull, pattern: str | None = None) -> Item | None:
    """The product upstream × local in small print; None where a factor is not one finite number.

    Args:
        pull: What a backward pass sends along a branch.
        pattern: As in ``numbers.format_number``.
    """
    upstream, local = scalar(pull.upstream), scalar(pull.local)
    if upstream is None or local is None:
        return None
    colours: tuple[Role, Role] = (
        pass_role(pull.number) if is_finite(upstream) else "alert",
        "loc" if is_finite(local) else "alert",
    )
    return Text(
        (
            Span(format_number(upstream, pattern), colours[0], CHAIN_SIZE),
            Span(" × ", "dim", CHAIN_SIZE),
            Span(factor(local, pattern), colours[1], CHAIN_SIZE),
        )
    )


def local_row(output: str, operand: str, derivative: str) -> tuple[Item, ...]:
    """The equation of a local gradient; nothing where the derivative is not given.

    Args:
        output: Name of the gate's output wire.
        operand: Name of the operand.
        derivative: LaTeX of the derivative.
    """
    if not derivative:
        return ()
    above, below = _in_ratio(output), _in_ratio(operand)
    return formula_row(rf"\partial {above}/\partial {below}={derivative}")


def formula_row(latex: str) -> tuple[Item, ...]:
    """A formula in the colour of local gradients; nothing where there is none.

    Args:
        latex: The formula.
    """
    return (Column((Space(0.0, 0.0), Maths(latex, "loc", LOCAL_SIZE))),) if latex else ()


def _in_ratio(name: str) -> str:
    """LaTeX of a name above or below the slash of a derivative, in brackets if it has a slash."""
    latex = name_latex(shortened(name, 14))
    return latex if name.isidentifier() else rf"({latex})"


def sum_row(
    output: str, signal: Signal, pulls: list[Pull], pattern: str | None = None
) -> tuple[Item, ...]:
    """The sum over the branches of a fan-out, for one backward pass.

    Args:
        output: Name of the pass's output.
        signal: The wire that fans out.
        pulls: What the pass sends along each branch; at least two.
        pattern: As in ``numbers.format_number``.
    """
    role = pass_role(pulls[0].number)
    parts = [scalar(pull.downstream) for pull in pulls]
    total = scalar(signal.gradients[pulls[0].number])
    symbol = gradient_latex(output, signal.name)
    if total is None or None in parts:
        return _tensor_sum(symbol, signal.gradients[pulls[0].number], role, pattern)
    texts = [format_number(part, pattern) for part in parts]
    if len(texts) > _MOST_TERMS:
        texts = [*texts[:2], "…", texts[-1]]
    terms = [texts[0], *(f"({t})" if t.startswith(MINUS) else t for t in texts[1:])]
    words = (
        Span(f" = {' + '.join(terms)} = ", role, CHAIN_SIZE),
        Span(format_number(total, pattern), role, CHAIN_SIZE + 1, "bold"),
    )
    return (Row((Maths(symbol, role, LOCAL_SIZE - 1), Text(words))),)


def _tensor_sum(symbol: str, total: Value, role: Role, pattern: str | None) -> tuple[Item, ...]:
    """The sum of a tensor's gradients: a small one in full, else its picture, name and norm."""
    if total is None or not np.ndim(total) or not np.size(total):
        return ()
    name, value = Maths(symbol, role, LOCAL_SIZE - 1), value_item(total, role, pattern)
    if has_numbers(total):
        equals = line(" = ", role, CHAIN_SIZE)
        return (Row((name, equals, value), middle=True),)
    return (value, Row((name, norm_item(np.asarray(total), pattern)), gap=7.0))
