"""A figure in words: tooltips, and one sentence for each node."""

from circuitgrad.viz.account import Account, Branch, Signal
from circuitgrad.viz.cards import card_sentence
from circuitgrad.viz.plain_maths import plain_text
from circuitgrad.viz.values import value_words


def sentences(account: Account) -> tuple[str, ...]:
    """One sentence for each leaf, gate and output, in topological order.

    Args:
        account: What the circuit computed.
    """
    told = [" ".join((_sentence(account, s), *s.remarks)) for s in account.signals]
    for output in account.outputs:
        if output.signal is not None:
            signal = output.carried or account.signals[output.signal]
            told.append(f"Output {output.name} is {signal.name}.")
    if not account.ran:
        told.append("The circuit was not run, so no values are shown.")
    elif not account.pulled:
        told.append("backward() was not run, so no gradients are shown.")
    told.extend(account.notes)
    return tuple(told)


def _sentence(account: Account, signal: Signal) -> str:
    """One sentence about one wire."""
    if signal.kind == "card":
        return card_sentence(account, signal)
    if signal.kind == "outside":
        return f"{signal.name}: {signal.words}."
    gate = signal.kind == "gate"
    start = f"{signal.name} = {signal.words}" if gate else f"{signal.name}: {signal.kind}"
    if not account.ran:
        return f"{start}."
    return f"{start}, value {value_words(signal.value)}{_gradient_words(account, signal)}."


def _gradient_words(account: Account, signal: Signal) -> str:
    """The gradients of a wire, or nothing where none were computed."""
    if signal.kind == "constant" or not account.pulled:
        return ""
    words = [
        f"gradient of {output.name} {value_words(gradient)}"
        for output, gradient in zip(account.outputs, signal.gradients, strict=False)
        if gradient is not None
    ]
    return "".join(f", {word}" for word in words)


def node_tooltip(account: Account, index: int) -> str:
    """What a node's tooltip says: its sentence, and what is remarked of the gate.

    Args:
        account: What the circuit computed.
        index: Position of the signal.
    """
    signal = account.signals[index]
    return " ".join((_sentence(account, signal), *signal.remarks))


def branch_tooltip(account: Account, branch: Branch) -> str:
    """The chain rule along a branch, in words and numbers.

    Args:
        account: What the circuit computed.
        branch: An operand of a gate.
    """
    source, target = account.signals[branch.source], account.signals[branch.target]
    if branch.wires > 1 or "card" in (source.kind, target.kind):
        return _bundle_tooltip(account, branch)
    local = f"∂{target.name}/∂{source.name}"
    parts = [f"{source.name} into {target.gate} {target.name}."]
    if branch.symbol:
        parts.append(f"Local gradient {local} = {plain_text(branch.symbol)}.")
    if branch.chain:
        sent = plain_text(branch.chain)
        parts.append(f"What it sends back is {sent}, where δ is the gradient of {target.name}.")
    for pull in branch.pulls:
        output = account.outputs[pull.number].name
        factors = (
            f"upstream {value_words(pull.upstream)} × local {value_words(pull.local)} = "
            if pull.local is not None
            else ""
        )
        parts.append(f"Gradient of {output} along it: {factors}{value_words(pull.downstream)}.")
    return " ".join(parts)


def _bundle_tooltip(account: Account, branch: Branch) -> str:
    """The wires between two boxes, in words and numbers."""
    source, target = account.signals[branch.source], account.signals[branch.target]
    count = "1 wire" if branch.wires == 1 else f"{branch.wires:,} wires"
    what = branch.carried.name if branch.carried is not None else count
    parts = [f"{what} from {source.name} into {target.name}."]
    norm = "Gradient norm" if branch.wires > 1 else "Gradient"
    for pull in branch.pulls:
        output = account.outputs[pull.number].name
        parts.append(f"{norm} of {output} along it: {value_words(pull.downstream)}.")
    return " ".join(parts)
