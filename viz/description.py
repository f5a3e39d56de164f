"""A figure in words, in the order in which one reads it: what it is, forward, backward."""

import re

from circuitgrad.viz.account import Account
from circuitgrad.viz.narration import branch_tooltip
from circuitgrad.viz.plain_maths import plain_text
from circuitgrad.viz.scene import Scene


def description(scene: Scene, account: Account | None) -> str:
    """The figure as plain text, for screen readers and terminals.

    Args:
        scene: The figure.
        account: What it was made from.
    """
    lines = [scene.title]
    if account is not None and account.formula:
        lines.append(_formula(account.formula))
    if account is None or not account.branches:
        return _text([*lines, *scene.sentences])
    lines.extend(("", "Forward", *scene.sentences))
    title = "Backward, from the outputs to the inputs" if account.pulled else "Local gradients"
    lines.extend(("", title))
    lines.extend(branch_tooltip(account, branch) for branch in reversed(account.branches))
    if account.jacobian:
        lines.extend(("", f"Jacobian {_formula(account.jacobian)}"))
    return _text(lines)


def _formula(latex: str) -> str:
    """A formula on one line, with room behind commas."""
    return re.sub(r",(?=\S)", ", ", plain_text(latex))


def _text(lines: list[str]) -> str:
    """The lines, each without breaks of its own."""
    return "\n".join(" ".join(line.split()) for line in lines)
