"""Taylor mode: the derivatives of a circuit along a direction, up to any order, in one pass.

Every wire becomes a power series in t while the inputs move along x + t·v. One law serves every
gate: with P the gate's own pushforward, written over its inputs, its output and their rates of
change, y' = P holds along the curve, so the k-th coefficient of y is the (k-1)-th of P over k. P is
built of gates, so it has a series by the same law. Coefficients are asked for one by one and kept.
"""

from __future__ import annotations

import itertools
import math
from collections.abc import Callable, Generator, Mapping, Sequence
from typing import TypeAlias

import numpy as np

from circuitgrad.circuits import Circuit
from circuitgrad.derivatives import new_input
from circuitgrad.errors import SpecError
from circuitgrad.faces import Choice
from circuitgrad.gates.from_einsum import Einsum, einsum
from circuitgrad.gates.from_formula import Elementwise, scaled
from circuitgrad.gates.from_rule import Rearrangement, declaration_of
from circuitgrad.gates.shapes import zeros
from circuitgrad.sources import Input, is_constant
from circuitgrad.wire import Gate, Wire, build, intern

__all__ = ["expand", "taylor"]

Coefficient: TypeAlias = "Wire | None"  # None for an exact zero
# A rule asks for coefficients of other wires, one by one, is sent each, and returns its own.
Rule: TypeAlias = "Generator[tuple[Wire, int], Coefficient, Coefficient]"


def taylor(circuit: Circuit, order: int, wrt: Choice = None) -> Circuit:
    """The outputs and their derivatives along a direction, up to an order, from one forward pass.

    Args:
        circuit: Any circuit.
        order: The highest derivative, 0 or more. The number of gates grows with its square.
        wrt: Names or wires of inputs, all by default.

    Returns:
        A circuit of the inputs and a `direction_x` per input chosen. Its outputs are f, d1_f,
        d2_f, … for every output f: the derivatives of f(x + t·direction) by t at t = 0. The
        Taylor coefficients are d1_f/1!, d2_f/2!, …

    Raises:
        SpecError: The order is not a whole number, or is negative.
        DerivativeError: A gate's derivative is not known.

    Source:
        Griewank & Walther, Evaluating Derivatives (2008), chapter 13; Bettencourt, Johnson &
        Duvenaud, Taylor-mode automatic differentiation for higher-order derivatives in JAX (2019).

    >>> from circuitgrad.circuits import circuit
    >>> from circuitgrad.sources import input_wire
    >>> x = input_wire("x")
    >>> taylor(circuit(f=x**3), 4)(x=2.0, direction_x=1.0)
    {'f': 8.0, 'd1_f': 12.0, 'd2_f': 12.0, 'd3_f': 6.0, 'd4_f': 0.0}
    """
    checked_order(order)
    chosen = circuit.choose(wrt)
    extra = [new_input(circuit, f"direction_{x.label}", x) for x in chosen]
    found = expand(circuit.outputs, dict(zip(chosen, extra, strict=True)), order)
    outputs, names = [], []
    for name, wire, parts in zip(circuit.output_names, circuit.outputs, found, strict=True):
        outputs += [zeros(wire.shape, wire.dtype) if part is None else part for part in parts]
        names += [name, *(f"d{k}_{name}" for k in range(1, order + 1))]
    return Circuit((*circuit.inputs, *extra), outputs, names)


def checked_order(order: object) -> int:
    """The order of a Taylor expansion as an integer; SpecError for anything else."""
    if isinstance(order, bool) or not isinstance(order, int | np.integer):
        raise SpecError(f"taylor: the order is {order!r}; needed a whole number, as in taylor(3).")
    if order < 0:
        raise SpecError(f"taylor: the order is {order}; needed 0 or more.")
    return int(order)


def expand(
    outputs: Sequence[Wire], directions: Mapping[Wire, Wire], order: int
) -> list[list[Coefficient]]:
    """For each output its derivatives along the directions, from the zeroth (the output) on."""
    series = _Series(directions)
    with np.errstate(all="ignore"):
        return [
            [_times(series.coefficient(wire, k), math.factorial(k)) for k in range(order + 1)]
            for wire in outputs
        ]


class _Series:
    """The coefficients of wires along x + t·v, each worked out when it is first asked for."""

    def __init__(self, directions: Mapping[Wire, Wire]) -> None:
        self._directions = {wire.serial: direction for wire, direction in directions.items()}
        self._found: dict[tuple[int, int], Coefficient] = {}
        self._moving = dict.fromkeys(self._directions, True)
        self._rates: dict[int, Wire] = {}  # by placeholder: the wire whose rate of change it is
        self._increments: dict[int, Wire] = {}  # by placeholder: the wire less its value at t = 0
        # What is written over placeholders, by the wire it is written for.
        self._pushforwards: dict[int, Coefficient] = {}
        self._partials: dict[int, tuple[Wire | float, ...]] = {}
        self._written: dict[int, Wire] = {}  # products that say the same

    def coefficient(self, wire: Wire, order: int) -> Coefficient:
        """The coefficient of tᵏ; rules that wait for others stand on a list, not on the stack."""
        asked, waiting = (wire, order), list[tuple[tuple[int, int], Rule]]()
        while True:
            key = (asked[0].serial, asked[1])
            answer = self._found.get(key)
            if key not in self._found:
                waiting.append((key, self._rule(*asked)))
            while waiting:
                key, rule = waiting[-1]
                try:
                    asked = rule.send(answer)
                    break
                except StopIteration as finished:
                    waiting.pop()
                    self._found[key] = answer = finished.value
            else:
                return answer

    def _rule(self, wire: Wire, k: int) -> Rule:
        gate = wire.gate
        if not self._moves(wire):
            return wire if k == 0 else None
        if wire.serial in self._directions:
            return (wire, self._directions[wire.serial])[k] if k < 2 else None
        if isinstance(gate, Input):
            return (yield from self._placed(wire, k))
        if _recovery(gate):
            return (yield from self._quotient(wire, k))
        if self._is_product(wire):
            return (yield from self._product(wire, k))
        if isinstance(gate, Rearrangement) or (isinstance(gate, Einsum) and len(wire.inputs) == 1):
            return (yield from self._linear(wire, k))
        if k == 0:
            return (yield from self._start(wire))
        if isinstance(gate, Einsum):
            return (yield self._in_pairs(wire), k)
        if isinstance(gate, Elementwise):
            factored = self._factored(wire)
            if factored is not None:
                return (yield factored, k)
            return (yield from self._elementwise(wire, k))
        return (yield from self._pushed(wire, k))

    def _moves(self, wire: Wire) -> bool:
        """Whether a wire depends on t."""
        moving, stack = self._moving, [wire]
        while stack:
            top = stack[-1]
            unknown = [source for source in top.inputs if source.serial not in moving]
            if top.serial in moving:
                stack.pop()
            elif unknown:
                stack.extend(unknown)
            else:
                moving[top.serial] = any([moving[source.serial] for source in top.inputs])
        return moving[wire.serial]

    # --- placeholders ----------------------------------------------------------------------------

    def _rate(self, wire: Wire) -> Wire:
        return self._placeholder("rate", wire, self._rates)

    def _increment(self, wire: Wire) -> Wire:
        return self._placeholder("increment", wire, self._increments)

    def _placeholder(self, name: str, wire: Wire, kind: dict[int, Wire]) -> Wire:
        """A wire that stands for another's rate or increment; its token makes it like no input."""
        gate = Input(name, wire.spec, -1 - wire.serial)
        found = intern(gate, (), wire.spec, name, "", None)
        kind[found.serial] = wire
        self._moving[found.serial] = True
        return found

    def _placed(self, wire: Wire, k: int) -> Rule:
        """The coefficient of a placeholder."""
        if wire.serial in self._rates:
            return _times((yield self._rates[wire.serial], k + 1), k + 1)
        return (yield self._increments[wire.serial], k) if k else None

    # --- the rules -------------------------------------------------------------------------------

    def _start(self, wire: Wire) -> Rule:
        """The value at t = 0."""
        values = []
        for source in wire.inputs:
            value = yield source, 0
            values.append(zeros(source.shape, source.dtype) if value is None else value)
        return _rebuilt(wire, values)

    def _linear(self, wire: Wire, k: int) -> Rule:
        """A linear gate does to each coefficient what it does to the values."""
        parts = []
        for source in wire.inputs:
            parts.append((yield source, k))
        if all([part is None for part in parts]):
            return None
        return wire.gate.pushforward(wire, tuple(parts))

    def _is_product(self, wire: Wire) -> bool:
        """Whether a gate is linear in each of two operands."""
        if isinstance(wire.gate, Einsum):
            return len(wire.inputs) == 2
        if not isinstance(wire.gate, Elementwise) or len(wire.inputs) != 2:
            return False
        first, second = self._local(wire)
        return first is wire.inputs[1] and second is wire.inputs[0]

    def _product(self, wire: Wire, k: int) -> Rule:
        """Cauchy's product of two series."""
        x, y = wire.inputs
        first, second = (yield x, 0), (yield y, 0)
        total: Coefficient = None
        for j in range(k + 1):
            # What is zero at t = 0 may be the factor of a coefficient that is not known yet.
            if (j == 0 and first is None) or (j == k and second is None):
                continue
            left = yield x, j
            right = None if left is None else (yield y, k - j)
            if left is not None and right is not None:
                total = _sum(total, _rebuilt(wire, [left, right]))
        return total

    def _quotient(self, wire: Wire, k: int) -> Rule:
        """A gate that undoes a product: the same gate on what the known coefficients leave over."""
        recovery = _recovery(wire.gate)
        assert recovery is not None
        place, product = recovery
        if wire.serial not in self._written:
            moved = [x if i == place else self._increment(x) for i, x in enumerate(wire.inputs)]
            self._written[wire.serial] = product(*moved, out=wire)
        right = yield wire.inputs[place], k
        known = (yield self._written[wire.serial], k) if k else None
        if known is not None:
            right = -known if right is None else right - known
        if right is None:
            return None
        values = []
        for i, source in enumerate(wire.inputs):
            value = right if i == place else (yield source, 0)
            values.append(zeros(source.shape, source.dtype) if value is None else value)
        return _rebuilt(wire, values)

    def _elementwise(self, wire: Wire, k: int) -> Rule:
        """k yₖ = Σ j xⱼ dₖ₋ⱼ with d the local gradient, summed over the operands."""
        whole: Coefficient = None
        rest: Coefficient = None
        for source, local in zip(wire.inputs, self._local(wire), strict=True):
            last = yield source, k
            slope = (yield local, 0) if isinstance(local, Wire) else local
            if last is not None and slope is not None:
                whole = _sum(whole, scaled(last, slope))
            if not isinstance(local, Wire) or not self._moves(local):
                continue
            for j in range(1, k):
                bend = yield local, k - j
                speed = None if bend is None else (yield self._rate(source), j - 1)
                if bend is not None and speed is not None:
                    rest = _sum(rest, scaled(speed, bend))
        return _sum(whole, None if rest is None else rest / k)

    def _pushed(self, wire: Wire, k: int) -> Rule:
        """A gate by its pushforward, written over rates of change."""
        tangents = [self._rate(x) if self._moves(x) else None for x in wire.inputs]
        if wire.serial not in self._pushforwards:
            self._pushforwards[wire.serial] = wire.gate.pushforward(wire, tuple(tangents))
        rate = self._pushforwards[wire.serial]
        if rate is None:
            return None
        if wire.gate.family == "selection" or _is_linear(wire, rate, tangents):
            return (yield from self._chosen(wire, k))
        found = yield rate, k - 1
        return None if found is None else found / k

    def _chosen(self, wire: Wire, k: int) -> Rule:
        """A gate whose pushforward does not change along the curve: applied to the coefficient."""
        starts = yield from self._start(wire)
        assert starts is not None
        parts = []
        for source in wire.inputs:
            parts.append((yield source, k))
        return starts.gate.pushforward(starts, tuple(parts))

    # --- what rules are written with -------------------------------------------------------------

    def _local(self, wire: Wire) -> tuple[Wire | float, ...]:
        assert isinstance(wire.gate, Elementwise)
        if wire.serial not in self._partials:
            self._partials[wire.serial] = wire.gate.partials(wire)
        return self._partials[wire.serial]

    def _factored(self, wire: Wire) -> Coefficient:
        """An operand times the gate at 1, where the local gradient says that the gate is that."""
        for place, local in enumerate(self._local(wire)):
            if isinstance(local, Wire) and local.gate is wire.gate:
                others = zip(local.inputs, wire.inputs, strict=True)
                same = [x is y or i == place for i, (x, y) in enumerate(others)]
                source = wire.inputs[place]
                if all(same) and is_constant(local.inputs[place], 1) and self._moves(source):
                    return self._written.setdefault(wire.serial, source * local)
        return None

    def _in_pairs(self, wire: Wire) -> Wire:
        """A contraction of many operands as contractions of two."""
        if wire.serial not in self._written:
            self._written[wire.serial] = _in_pairs(wire)
        return self._written[wire.serial]


def _recovery(gate: Gate) -> tuple[int, Callable[..., Wire]] | None:
    declared = gate if isinstance(gate, Elementwise) else declaration_of(gate)
    return declared.recovery if declared else None


def _is_linear(wire: Wire, rate: Wire, tangents: Sequence[Coefficient]) -> bool:
    """Whether a pushforward is the gate itself on the tangents: it is linear in those operands."""
    return rate.gate == wire.gate and all(
        source is tangent or source is known
        for source, tangent, known in zip(rate.inputs, tangents, wire.inputs, strict=True)
    )


def _in_pairs(wire: Wire) -> Wire:
    """The contraction, two operands at a time, those first whose product has fewest axes."""
    gate = wire.gate
    assert isinstance(gate, Einsum)
    terms = list(zip(gate.operands, wire.inputs, strict=True))

    def kept(pair: tuple[int, int]) -> str:
        others = [letters for k, (letters, _) in enumerate(terms) if k not in pair]
        needed = set("".join([*others, gate.output]))
        both = dict.fromkeys(terms[pair[0]][0] + terms[pair[1]][0])
        return "".join(letter for letter in both if letter in needed)

    while len(terms) > 2:
        i, j = min(itertools.combinations(range(len(terms)), 2), key=lambda pair: len(kept(pair)))
        letters = kept((i, j))
        product = einsum(f"{terms[i][0]},{terms[j][0]}->{letters}", terms[i][1], terms[j][1])
        terms = [term for k, term in enumerate(terms) if k not in (i, j)] + [(letters, product)]
    subscripts = ",".join(letters for letters, _ in terms) + "->" + gate.output
    return einsum(subscripts, *(operand for _, operand in terms), sizes=dict(gate.sizes))


def _rebuilt(wire: Wire, inputs: Sequence[Wire]) -> Wire:
    """A wire's gate on other inputs; the wire itself on its own."""
    same = all(x is y for x, y in zip(inputs, wire.inputs, strict=True))
    return wire if same else build(wire.gate, tuple(inputs))


def _sum(first: Coefficient, second: Coefficient) -> Coefficient:
    if first is None or second is None:
        return second if first is None else first
    total: Wire = first + second
    return total


def _times(found: Coefficient, number: int) -> Coefficient:
    return None if found is None else scaled(found, float(number))
