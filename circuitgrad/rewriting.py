"""Rules applied to wires, from the inputs to the outputs, until none applies.

Nothing recurses over the graph; patterns are a handful of gates.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from functools import cache
from typing import Final, NamedTuple

from circuitgrad.gates import arithmetic
from circuitgrad.gates.broadcasting import broadcast_to
from circuitgrad.simplification import RULES, Rule, number_of
from circuitgrad.sources import Constant, Input, constant
from circuitgrad.wire import Wire, build, intern, topological

Binding = dict[str, Wire]
Found = tuple[Rule, Wire]

_COMMUTATIVE: Final = (arithmetic.add, arithmetic.mul)
_ROUNDS: Final = 12


class Rewriting(NamedTuple):
    """Wires in their new form.

    Attributes:
        outputs: What stands for each wire.
        steps: Every rule that was used and how often, in order of first use.
    """

    outputs: tuple[Wire, ...]
    steps: Mapping[Rule, int]


def rewritten(outputs: Sequence[Wire], rules: Sequence[Rule] = RULES) -> Rewriting:
    """Wires rewritten by rules, from the inputs to the outputs, until none applies.

    >>> from circuitgrad.simplification import RULES
    >>> found = rewritten([RULES[0].pattern])
    >>> found.outputs[0].gate.name, [str(rule) for rule in found.steps]
    ('softplus', ['log(1 + exp(x)) = softplus(x)'])
    """
    return _Rewriter(rules).all(outputs)


class _Rewriter:
    """Settles wire after wire: its inputs are in their final form when its turn comes."""

    def __init__(self, rules: Sequence[Rule]) -> None:
        self._by_gate = _by_root(tuple(rules))
        self._settled: dict[int, Wire] = {}
        self._final: set[int] = set()
        self._steps: dict[Rule, int] = {}
        self._kept: list[Wire] = []  # so that no serial number of a wire is forgotten and reused

    def all(self, outputs: Sequence[Wire]) -> Rewriting:
        for wire in topological(outputs):
            self._settle(wire, 0)
        return Rewriting(tuple(self._settled[w.serial] for w in outputs), self._steps)

    def _settle(self, wire: Wire, depth: int) -> Wire:
        if wire.serial in self._settled:
            return self._settled[wire.serial]
        found = self._rebuilt(wire)
        for _ in range(_ROUNDS):
            if found.serial in self._final or depth > _ROUNDS:
                break
            step = self._step(found)
            if step is None:
                break
            rule, new = step
            self._steps[rule] = self._steps.get(rule, 0) + 1
            # The right side is a handful of gates over settled wires; they settle first.
            for part in _unsettled(new, self._final, self._settled):
                self._settle(part, depth + 1)
            found = self._rebuilt(new)
        found = _labelled(found, wire)
        self._kept.append(found)
        self._final.add(found.serial)
        self._settled[found.serial] = found
        self._settled[wire.serial] = found
        return found

    def _rebuilt(self, wire: Wire) -> Wire:
        if not wire.inputs:
            return wire
        inputs = tuple([self._settled.get(source.serial, source) for source in wire.inputs])
        if all([new is old for new, old in zip(inputs, wire.inputs, strict=True)]):
            return wire
        return _labelled(build(wire.gate, inputs), wire)

    def _step(self, wire: Wire) -> Found | None:
        for rule, pattern in self._by_gate.get(_root(wire), ()):
            found = rule.apply(wire) if rule.apply else _applied(rule, pattern, wire)
            if found is not None and found.spec == wire.spec and found is not wire:
                return rule, found
        return None


def _unsettled(wire: Wire, final: set[int], settled: Mapping[int, Wire]) -> list[Wire]:
    """The new wires under a right side, inputs first, without the wire itself."""
    seen: dict[int, Wire] = {}
    stack = list(wire.inputs)
    while stack:
        part = stack.pop()
        if part.serial not in final and part.serial not in settled and part.serial not in seen:
            seen[part.serial] = part
            stack.extend(part.inputs)
    return [seen[serial] for serial in sorted(seen)]


def _labelled(new: Wire, old: Wire) -> Wire:
    """A wire under the name and in the scope of the one that it replaces."""
    if new.label or not new.inputs or (new.label, new.scope) == (old.label, old.scope):
        return new
    return intern(new.gate, new.inputs, new.spec, old.label, old.scope, new.known)


def _root(wire: Wire) -> str:
    return wire.gate.name


@cache
def _by_root(rules: tuple[Rule, ...]) -> dict[str, list[tuple[Rule, Wire]]]:
    """The rules with their patterns by the gate at the root, in order.

    A left side is sought as it stands and as the other rules would leave its parts.
    """
    found: dict[str, list[tuple[Rule, Wire]]] = {}
    for rule in rules:
        for pattern in dict.fromkeys((rule.pattern, *_variants(rule, rules))):
            found.setdefault(_root(pattern), []).append((rule, pattern))
    return found


def _variants(rule: Rule, rules: Sequence[Rule]) -> Iterator[Wire]:
    if rule.apply is not None:
        return
    plain = [other for other in rules if other.apply is None and other is not rule]
    table: dict[str, list[tuple[Rule, Wire]]] = {}
    for other in plain:
        table.setdefault(_root(other.pattern), []).append((other, other.pattern))
    rewriter = _Rewriter(())
    rewriter._by_gate = table
    parts = rewriter.all(rule.pattern.inputs).outputs
    if any(new is not old for new, old in zip(parts, rule.pattern.inputs, strict=True)):
        yield build(rule.pattern.gate, parts)


def _applied(rule: Rule, pattern: Wire, wire: Wire) -> Wire | None:
    bound = next(_matches(pattern, wire, {}), None)
    if bound is None:
        return None
    result = _built(rule.result, bound, wire)
    return result if result.shape == wire.shape else broadcast_to(result, wire.shape)


def _matches(pattern: Wire, wire: Wire, bound: Binding) -> Iterator[Binding]:
    """The ways in which a wire has the form of a pattern of a few gates."""
    gate = pattern.gate
    if type(gate) is Input:
        known = bound.get(gate.name)
        if known is None:
            yield {**bound, gate.name: wire}
        elif known is wire:
            yield bound
        return
    if type(gate) is Constant:
        if number_of(wire) == float(gate.data):
            yield bound
        return
    if gate is not wire.gate:
        return
    first, *rest = pattern.inputs
    if not rest:
        yield from _matches(first, wire.inputs[0], bound)
        return
    (second,) = rest
    left, right = wire.inputs
    orders = [(left, right), (right, left)] if gate in _COMMUTATIVE else [(left, right)]
    for one, other in orders:
        for found in _matches(first, one, bound):
            yield from _matches(second, other, found)


def _built(result: Wire, bound: Binding, like: Wire) -> Wire:
    """The right side over the wires that were found; numbers in the dtype of what it replaces."""
    found: dict[int, Wire] = {}
    for wire in topological([result]):
        gate = wire.gate
        if type(gate) is Input:
            found[wire.serial] = bound[gate.name]
        elif type(gate) is Constant:
            found[wire.serial] = constant(gate.data, like.dtype)
        else:
            operands = [found[source.serial] for source in wire.inputs]
            found[wire.serial] = gate(*operands)  # type: ignore[operator]
    return found[result.serial]
