"""Hand-written backward passes: proved against the forward pass, then usable as gates."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from circuitgrad.claims.assumptions import Assumptions
from circuitgrad.claims.decision import decided
from circuitgrad.claims.numeric_checks import NumericCheck, checked_entries
from circuitgrad.claims.readings import declared_inputs, parse_shapes
from circuitgrad.claims.sides import Side, names_of, read_side
from circuitgrad.claims.statements import Statement
from circuitgrad.claims.verdicts import Verdict
from circuitgrad.derivatives import forward as push
from circuitgrad.derivatives import reverse
from circuitgrad.errors import CircuitError, ProofError, SpecError
from circuitgrad.gates.from_rule import Declaration
from circuitgrad.gates.shapes import zeros
from circuitgrad.proofs.verdicts import Status
from circuitgrad.sources import as_wire, input_wire
from circuitgrad.spec import Axis, Shape
from circuitgrad.wire import Wire

BUDGET = 10.0
_SEED = 5
Function = Callable[..., Any]


@dataclass(frozen=True)
class BackwardCheck:
    """What is known of a backward pass: a verdict for every input.

    Attributes:
        name: The name of the forward pass.
        verdicts: The verdict on each downstream gradient, by input.
    """

    name: str
    verdicts: Mapping[str, Verdict]

    @property
    def status(self) -> Status:
        """Refuted if one gradient is; proved if all are; else undecided."""
        found = [verdict.status for verdict in self.verdicts.values()]
        if Status.REFUTED in found:
            return Status.REFUTED
        return Status.PROVED if set(found) == {Status.PROVED} else Status.UNDECIDED

    @property
    def proved(self) -> bool:
        """Whether every downstream gradient is proved."""
        return self.status is Status.PROVED

    def __bool__(self) -> bool:
        return self.proved

    def require(self) -> BackwardCheck:
        """This record if all is proved; else ProofError that says what is not."""
        if not self.proved:
            raise ProofError(f"backward pass of {self.name}: {self.status.value}.\n{self}")
        return self

    def __str__(self) -> str:
        return "\n".join(f"{name}: {verdict}" for name, verdict in self.verdicts.items())


def check_backward(
    forward: Function,
    backward: Function,
    *,
    assuming: str | Iterable[str] = (),
    budget: float = BUDGET,
    shapes: Mapping[str, Any] | None = None,
    **axes: Any,
) -> BackwardCheck:
    """The verdicts on a hand-written backward pass, one for each input.

    Args:
        forward: NumPy code of the inputs; its argument names are the inputs' names.
        backward: NumPy code `backward(upstream, *inputs)`, perhaps with a keyword `out` that gets
            the forward value. It returns one downstream gradient per input (None for zero).
        assuming: As in `check`.
        budget: Seconds for each input.
        shapes: The axes of the inputs, where a name cannot be a keyword argument.
        **axes: The axes of the inputs by name; scalars need none.

    Raises:
        SpecError: Code that decides by values, or another number of gradients than inputs. Use
            `check_backward_numerically` for such code.

    >>> def forward(x): return np.tanh(x)
    >>> def backward(upstream, x, out): return upstream * (1 - out**2)
    >>> check_backward(forward, backward, x="n").proved
    True
    """
    given = parse_shapes({**(shapes or {}), **axes}, "check_backward")
    inputs, assumptions = declared_inputs((forward,), given, assuming, "check_backward")
    side = read_side(forward, inputs, "forward pass")
    assert side.wire is not None
    upstream = input_wire(_free_name(inputs), side.wire.shape, side.wire.dtype)
    wires = [inputs[name] for name in names_of(forward)]
    claimed = _gradients(backward, upstream, wires, side.wire)
    derived = Derived(side, {side.wire: upstream}, wires, assumptions, _name(backward))
    return BackwardCheck(_name(forward), derived.verdicts(claimed, budget))


@dataclass(frozen=True)
class Derived:
    """The right downstream gradients, with which claimed ones are compared.

    Attributes:
        side: The forward pass, or what stands for it in reports.
        upstreams: The upstream gradient of each output.
        inputs: The inputs by which is differentiated.
        assumptions: What is assumed of them.
        name: What the backward pass is called.
    """

    side: Side
    upstreams: Mapping[Wire, Wire]
    inputs: Sequence[Wire]
    assumptions: Assumptions
    name: str

    def verdicts(self, claimed: Sequence[Wire | None], budget: float) -> dict[str, Verdict]:
        """The verdict on each claimed gradient, by input."""
        right = reverse(self.upstreams, self.inputs)
        everything = {wire.label: wire for wire in (*self.inputs, *self.upstreams.values())}
        found = {}
        for wire, correct, part in zip(self.inputs, right, claimed, strict=True):
            statement = Statement(
                "vjp",
                everything,
                Side(f"derivative by {wire.label}", _or_zeros(correct, wire)),
                Side(self.name, _or_zeros(part, wire)),
                self.assumptions,
                self.side,
                wire.label,
            )
            found[wire.label] = decided(statement, budget)
        return found


def check_backward_numerically(forward: Function, backward: Function, *point: Any) -> NumericCheck:
    """The numeric check of a backward pass at a point, for code that cannot be read as a formula.

    The downstream gradients are compared with those of Σ upstream·forward, the upstream gradient
    being drawn once.

    >>> check_backward_numerically(np.sin, lambda upstream, x: upstream * np.cos(x), 0.5).passed
    True
    """
    value = np.asarray(forward(*point), dtype=float)
    upstream = np.random.default_rng(_SEED).uniform(0.5, 2.0, value.shape)

    def weighted(*arguments: Any) -> Any:
        return np.sum(upstream * forward(*arguments))

    def gradient(*arguments: Any) -> Any:
        found = _called(backward, upstream, arguments, lambda: forward(*arguments))
        parts = found if isinstance(found, tuple | list) else (found,)
        return tuple(
            np.zeros(np.shape(x)) if part is None else part
            for part, x in zip(parts, arguments, strict=False)
        )

    return checked_entries(weighted, gradient, point, float(np.sum(np.abs(upstream * value))))


def custom(
    forward: Function,
    backward: Function,
    *,
    name: str | None = None,
    assuming: str | Iterable[str] = (),
    budget: float = BUDGET,
    shapes: Mapping[str, Any] | None = None,
    **axes: Any,
) -> Function:
    """A function with a backward pass of its own, which is proved before the function exists.

    On wires it is one gate, whose gradient is the backward pass; of shapes that the proof does not
    cover, it is derived from the forward pass. On arrays it is the forward pass.

    Args:
        forward: As in `check_backward`.
        backward: As in `check_backward`.
        name: The gate's name in figures and reports; by default the function's.
        assuming: As in `check`.
        budget: Seconds for each input.
        shapes: The axes of the inputs for the proof.
        **axes: The axes of the inputs by name, for the proof; scalars need none. A proof for named
            axes holds for every size.

    Raises:
        ProofError: The backward pass is refuted, or could not be proved; the message says why.

    >>> def square(x): return x * x
    >>> cubed = custom(square, lambda upstream, x: 2 * x * upstream, x="n")
    >>> cubed(np.array([1.0, 3.0]))
    array([1., 9.])
    >>> custom(square, lambda upstream, x: x * upstream, x="n")
    Traceback (most recent call last):
        ...
    circuitgrad.errors.ProofError: backward pass of square: refuted...
    """
    given = {**(shapes or {}), **axes}
    check_backward(forward, backward, assuming=assuming, budget=budget, shapes=given).require()
    title = name or _name(forward)
    declaration = _declaration(title, forward, backward, given)

    def apply(*inputs: Any) -> Any:
        if not any(isinstance(value, Wire) for value in inputs):
            return forward(*inputs)
        return declaration(*map(as_wire, inputs))

    apply.__name__ = apply.__qualname__ = title
    apply.__doc__ = forward.__doc__
    return apply


def _declaration(
    title: str, forward: Function, backward: Function, axes: Mapping[str, Any]
) -> Declaration:
    """The gate of a forward pass with a backward pass of its own."""
    shapes = parse_shapes(axes, "custom")
    proved = [shapes.get(name, ()) for name in names_of(forward)]
    return Declaration(
        title,
        "composite",
        title,
        infer=lambda inputs: as_wire(forward(*inputs)).spec,
        function=lambda *arrays: np.asarray(forward(*arrays)),
        pullback=lambda out, grad: _pullback(forward, backward, proved, out, grad),
        pushforward=lambda out, tangents: _pushforward(forward, out, tangents),
        meaning=lambda *inputs: as_wire(forward(*inputs)),
        sample=lambda: _sample(forward, axes),
        formula=title,
    )


def _pullback(
    forward: Function, backward: Function, proved: Sequence[Shape], out: Wire, grad: Wire
) -> Sequence[Wire | None]:
    """The backward pass; at shapes for which it was not proved, the derivative of the forward pass.

    Those are other sizes and ranks, inputs that broadcast, and batch axes in front.
    """
    if grad.shape == out.shape and _is_among(proved, out.inputs):
        return _gradients(backward, grad, out.inputs, out)
    return reverse({as_wire(forward(*out.inputs)): grad}, out.inputs)


def _is_among(proved: Sequence[Shape], inputs: Sequence[Wire]) -> bool:
    """Whether the inputs have the shapes of the proof, for some lengths of its named axes."""
    lengths: dict[Axis, Axis] = {}
    for shape, wire in zip(proved, inputs, strict=True):
        if len(shape) != wire.ndim:
            return False
        for axis, length in zip(shape, wire.shape, strict=True):
            needed = lengths.setdefault(axis, length) if isinstance(axis, str) else axis
            if needed != length:
                return False
    return True


def _pushforward(forward: Function, out: Wire, tangents: Sequence[Wire | None]) -> Wire | None:
    moving = {x: t for x, t in zip(out.inputs, tangents, strict=True) if t is not None}
    return push((as_wire(forward(*out.inputs)),), moving)[0]


def _sample(forward: Function, axes: Mapping[str, Any]) -> Wire:
    given = parse_shapes(axes, "custom")
    inputs, _ = declared_inputs((forward,), given, (), "custom")
    return as_wire(forward(*inputs.values()))


def _gradients(
    backward: Function, upstream: Wire, inputs: Sequence[Wire], out: Wire
) -> tuple[Wire | None, ...]:
    """What a backward pass returns for wires, one for each input."""
    try:
        found = _called(backward, upstream, inputs, lambda: out)
    except CircuitError as error:
        raise SpecError(
            f"backward pass {_name(backward)}: it cannot be read as a formula: {error} Use "
            "cg.check_backward_numerically for code that decides by values."
        ) from error
    parts = tuple(found) if isinstance(found, tuple | list) else (found,)
    if len(parts) != len(inputs):
        names = ", ".join(wire.label or "?" for wire in inputs)
        raise SpecError(
            f"backward pass {_name(backward)}: it returned {len(parts)} gradients; needed "
            f"{len(inputs)}, one for each of {names}. Return None for one that is zero."
        )
    return tuple(None if part is None else as_wire(part) for part in parts)


def _called(
    backward: Function, upstream: Any, inputs: Sequence[Any], out: Callable[[], Any]
) -> Any:
    """The backward pass on its arguments, with the forward value if it asks for it."""
    try:
        wants_out = "out" in inspect.signature(backward).parameters
    except (TypeError, ValueError):
        wants_out = False
    return backward(upstream, *inputs, out=out()) if wants_out else backward(upstream, *inputs)


def _or_zeros(part: Wire | None, like: Wire) -> Wire:
    return zeros(like.shape, like.dtype) if part is None else part


def _free_name(inputs: Mapping[str, Wire]) -> str:
    name = "upstream"
    while name in inputs:
        name += "_"
    return name


def _name(function: Function) -> str:
    return str(getattr(function, "__name__", type(function).__name__))
