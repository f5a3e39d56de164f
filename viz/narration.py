"""A figure in words: tooltips, and one sentence for each node."""

from typing import Final

from circuitgrad.viz.account import Account, Branch, Signal
from circuitgrad.viz.plain_maths import plain_text
from circuitgrad.viz.values import value_words

# What the gate does with the gradient that arrives, in the words of the lecture halls.
_PATTERNS: Final = {
    "add": "distributes its upstream gradient to every operand",
    "mul": "scales its upstream gradient by the other operand",
    "maximum": "routes its upstream gradient to the larger operand",
    "minimum": "routes its upstream gradient to the smaller operand",
    "relu": "lets its upstream gradient through where its operand is positive",
}


def sentences(account: Account) -> tuple[str, ...]:
    """One sentence for each leaf, gate and output, in topological order.

    Args:
        account: What the circuit computed.
    """
    told = [_sentence(account, signal) for signal in account.signals]
    for output in account.outputs:
        told.append(f"Output {output.name} is {account.signals[output.signal].name}.")
    if not account.ran:
        told.append("The circuit was not run, so no values are shown.")
    elif not account.pulled:
        told.append("backward() was not run, so no gradients are shown.")
    return tuple(told)


def _sentence(account: Account, signal: Signal) -> str:
    """One sentence about one wire."""
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
    """What a node's tooltip says: its sentence, the gate's pattern, and the sums of a fan-out.

    Args:
        account: What the circuit computed.
        index: Position of the signal.
    """
    signal = account.signals[index]
    parts = [_sentence(account, signal)]
    if signal.gate in _PATTERNS and signal.kind == "gate":
        parts.append(f"This gate {_PATTERNS[signal.gate]}.")
    return " ".join(parts)


def branch_tooltip(account: Account, branch: Branch) -> str:
    """The chain rule along a branch, in words and numbers.

    Args:
        account: What the circuit computed.
        branch: An operand of a gate.
    """
    source, target = account.signals[branch.source], account.signals[branch.target]
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
