"""Wires and gates: the graph itself. A wire is a value in the graph.

A gate the local function that makes it.
"""

from __future__ import annotations

import abc
import contextlib
import contextvars
import itertools
import re
import threading
import weakref
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any, ClassVar, TypeAlias

import numpy as np
from numpy.typing import NDArray

from circuitgrad.errors import SpecError
from circuitgrad.methods import Methods
from circuitgrad.spec import Axis, Shape, Spec, format_shape

Array: TypeAlias = NDArray[Any]
Kernel: TypeAlias = Callable[..., Any]
Operand: TypeAlias = "Wire | Array | float | int"

_serials = itertools.count()
_making = threading.Lock()
_table: weakref.WeakValueDictionary[tuple[Any, ...], Wire] = weakref.WeakValueDictionary()
_scope: contextvars.ContextVar[str] = contextvars.ContextVar("circuitgrad_scope", default="")
_NAME = re.compile(r"[^\W\d]\w*")


class Gate(abc.ABC):
    """A local function with its derivative: what a wire is made by.

    Every family of gates answers the same questions: what shape comes out, how it is computed,
    how an upstream gradient is pulled back to the inputs, and how tangents are pushed forward.
    Gradients and tangents may carry leading batch axes; the rules are built of gates, so any
    order works.
    """

    name: str
    family: ClassVar[str]

    @property
    def glyph(self) -> str:
        """The short text in the gate's circle."""
        return self.name

    @abc.abstractmethod
    def infer(self, inputs: tuple[Wire, ...]) -> Spec:
        """The spec of the output; ShapeError where the inputs do not fit."""

    @abc.abstractmethod
    def kernel(
        self, shapes: tuple[tuple[int, ...], ...], out: tuple[int, ...], dtype: Any
    ) -> Kernel:
        """The NumPy function for arrays of these shapes."""

    @abc.abstractmethod
    def pullback(self, out: Wire, grad: Wire) -> tuple[Wire | None, ...]:
        """The downstream gradient of each input (None for an exact zero)."""

    @abc.abstractmethod
    def pushforward(self, out: Wire, tangents: tuple[Wire | None, ...]) -> Wire | None:
        """The tangent of the output (None for an exact zero)."""

    def flops(self, shapes: tuple[tuple[int, ...], ...], out: tuple[int, ...]) -> int:
        """The operations for inputs and an output of these shapes; 0 for what only moves."""
        return 0

    def inner_shapes(
        self, shapes: tuple[tuple[int, ...], ...], out: tuple[int, ...]
    ) -> tuple[tuple[int, ...], ...]:
        """The shapes of the arrays that the kernel makes on its way and that count as memory."""
        return ()

    def partials(self, out: Wire) -> tuple[Wire | float, ...] | None:
        """The local gradients of an elementwise gate; None for other families."""
        return None

    def scalar_kernel(self) -> Kernel | None:
        """The same function on Python floats where there is one."""
        return None


class Wire(Methods):
    """A value in the graph: the gate that makes it, the gate's inputs, a spec and a label.

    Wires are immutable and hash-consed: the same gate on the same inputs is the same object.
    Operators and NumPy's functions build gates. `==` compares values, as in NumPy; `is` compares
    wires.
    """

    __slots__ = (
        "__weakref__", "gate", "inputs", "is_free", "known", "label", "scope", "serial", "spec",
    )  # fmt: skip
    gate: Gate
    inputs: tuple[Wire, ...]
    spec: Spec
    label: str
    scope: str
    serial: int
    known: Array | None
    is_free: bool

    def __init__(self) -> None:
        raise SpecError("Wire: wires are made by inputs and gates; use cg.input('x') to begin.")

    def __setattr__(self, name: str, value: object) -> None:
        raise AttributeError(f"a wire cannot be changed ('{name}'); build a new one")

    @property
    def shape(self) -> Shape:
        """The axes: integers or names."""
        return self.spec.shape

    @property
    def dtype(self) -> np.dtype[Any]:
        """float64 or float32."""
        return self.spec.dtype

    @property
    def ndim(self) -> int:
        """The number of axes."""
        return len(self.spec.shape)

    @property
    def size(self) -> int:
        """The number of entries, where every axis is an integer."""
        named = [axis for axis in self.shape if isinstance(axis, str)]
        if named:
            raise SpecError(f"size of {describe(self)}: axis '{named[0]}' has no number yet.")
        return int(np.prod([int(axis) for axis in self.shape], dtype=np.int64))

    def named(self, label: str) -> Wire:
        """The same value under a name of its own, which figures, errors and `run[...]` use."""
        check_name(label, "label")
        if self.gate.family == "source" and self.label:
            raise SpecError(
                f"named: {self.label} is an input and keeps its name. Make another with "
                f"cg.input('{label}')."
            )
        return intern(self.gate, self.inputs, self.spec, label, self.scope, self.known)

    def __repr__(self) -> str:
        known = "" if self.known is None else f", value {np.array2string(self.known, threshold=6)}"
        is_source = self.gate.family == "source"
        kind = type(self.gate).__name__.lower() if is_source else self.gate.name
        return f"<Wire {describe(self)}: {kind} {format_shape(self.shape)}{known}>"

    def __hash__(self) -> int:
        return self.serial

    def __copy__(self) -> Wire:
        return self

    def __deepcopy__(self, memo: object) -> Wire:
        return self

    def __bool__(self) -> bool:
        if not has_value(self):
            raise SpecError(
                f"truth of {describe(self)}: a wire has no value while a circuit is built. "
                "Use np.where(condition, a, b), or trace a function with cg.grad(f)."
            )
        return bool(known_value(self))

    def __float__(self) -> float:
        raise SpecError(
            f"float({describe(self)}): a wire cannot become a plain number, its gradient would "
            "be lost. "
            "Use NumPy's functions (np.sin, not math.sin), and run the circuit for numbers."
        )

    def __int__(self) -> int:
        return int(float(self))

    def __index__(self) -> int:
        return int(float(self))

    def __complex__(self) -> complex:
        return complex(float(self))

    def __array__(self, *args: object, **kwargs: object) -> Array:
        raise SpecError(
            f"array of {describe(self)}: a wire cannot be put into a NumPy array. "
            "Use cg.stack([x, y]) or np.stack for several wires, or circuitgrad.numpy, whose array "
            "and asarray take them. For SciPy's functions that are no ufuncs (logsumexp, softmax) "
            "use cg.logsumexp and cg.softmax, or circuitgrad.scipy."
        )

    def __len__(self) -> int:
        if not self.shape:
            raise TypeError(f"len() of {describe(self)}: it is a scalar")
        if isinstance(self.shape[0], str):
            raise SpecError(f"len() of {describe(self)}: axis '{self.shape[0]}' has no number yet.")
        return self.shape[0]

    def __iter__(self) -> Iterator[Wire]:
        return (self[i] for i in range(len(self)))


def intern(
    gate: Gate, inputs: tuple[Wire, ...], spec: Spec, label: str, scope: str, known: Array | None
) -> Wire:
    """The one wire of this gate, inputs, label and scope: found in the table, or made."""
    key = (gate, label, scope, spec, *[wire.serial for wire in inputs])
    found = _table.get(key)
    if found is not None:
        return found
    wire = object.__new__(Wire)
    place = object.__setattr__
    place(wire, "gate", gate)
    place(wire, "inputs", inputs)
    place(wire, "spec", spec)
    place(wire, "label", label)
    place(wire, "scope", scope)
    place(wire, "known", known)
    place(wire, "is_free", _depends_on_nothing(gate, inputs, spec, known))
    place(wire, "serial", next(_serials))
    with _making:  # another thread may have made the same wire meanwhile
        found = _table.get(key)
        if found is None:
            _table[key] = found = wire
    return found


def _depends_on_nothing(
    gate: Gate, inputs: tuple[Wire, ...], spec: Spec, known: Array | None
) -> bool:
    """Whether a value follows from no input and from no size that is still unknown."""
    if inputs:
        return all([source.is_free for source in inputs]) and _is_sized(spec)
    if gate.family == "source":
        return known is not None and gate.name == "constant"
    return _is_sized(spec)


def _is_sized(spec: Spec) -> bool:
    return not spec.shape or not any(isinstance(axis, str) for axis in spec.shape)


def build(gate: Gate, inputs: tuple[Wire, ...]) -> Wire:
    """The output wire of a gate; computed at once where every input has a known value."""
    spec = gate.infer(inputs)
    known = None
    if _is_sized(spec) and _all_known(inputs):
        known = compute(gate, inputs, spec)
    elif not spec.shape and inputs and all([w.is_free and w.known is not None for w in inputs]):
        with np.errstate(all="ignore"):  # kept, so that a long chain of numbers is computed once
            known = compute(gate, inputs, spec)
    return intern(gate, inputs, spec, "", _scope.get(), known)


def _all_known(inputs: tuple[Wire, ...]) -> bool:
    """Whether a gate is computed now: an input's value came in, and nothing else is missing.

    What follows from no input is computed when it is needed, so that building stays cheap.
    """
    return any([wire.known is not None and not wire.is_free for wire in inputs]) and all(
        [wire.known is not None or wire.is_free for wire in inputs]
    )


def compute(gate: Gate, inputs: tuple[Wire, ...], spec: Spec) -> Array:
    """The value of a gate on inputs whose values are known, or follow from no input."""
    return _computed(gate, [known_value(wire) for wire in inputs], spec)


def _computed(gate: Gate, values: Sequence[Array], spec: Spec) -> Array:
    shape = tuple(int(axis) for axis in spec.shape)
    kernel = gate.kernel(tuple(value.shape for value in values), shape, spec.dtype)
    return np.asarray(kernel(*values), dtype=spec.dtype)


def has_value(wire: Wire) -> bool:
    """Whether a wire's value is known while a circuit is built or a function traced."""
    return wire.known is not None or wire.is_free


def known_value(wire: Wire) -> Array:
    """The value of a wire that is known, or that follows from no input (deltas and ones).

    What follows from no input is worked out once, when it is first needed, and kept.
    """
    stack = [wire]
    while stack:
        top = stack[-1]
        missing = [source for source in top.inputs if source.known is None]
        if top.known is not None:
            stack.pop()
        elif missing:
            stack.extend(missing)
        else:
            values = [source.known for source in top.inputs if source.known is not None]
            object.__setattr__(top, "known", _computed(top.gate, values, top.spec))
            stack.pop()
    assert wire.known is not None
    return wire.known


def check_name(name: Any, what: str) -> str:
    """The name, if it can serve as a Python keyword argument; else SpecError."""
    if not isinstance(name, str) or not _NAME.fullmatch(name):
        raise SpecError(f"{what}: {name!r} is not a name. Use letters, digits and _, as in 'w1'.")
    return name


def describe(wire: Wire) -> str:
    """The name of a wire for messages: its label, its constant, or its gate with its inputs."""
    if wire.label:
        return wire.label
    if wire.known is not None and not wire.inputs:
        return np.array2string(wire.known, threshold=4)
    inner = ", ".join(source.label or "…" for source in wire.inputs)
    return f"{wire.gate.name}({inner})"


@contextlib.contextmanager
def scope(name: str) -> Iterator[None]:
    """Gates that are built inside belong to a named scope; scopes nest as "outer/inner".

    >>> from circuitgrad.sources import input_wire
    >>> with scope("hidden"):
    ...     z = input_wire("x") + 1
    >>> z.scope
    'hidden'
    """
    if not isinstance(name, str) or not name.strip() or "/" in name:
        raise SpecError(f"scope: {name!r} is not a name. Use text without '/', as in 'hidden'.")
    outer = _scope.get()
    token = _scope.set(f"{outer}/{name}" if outer else name)
    try:
        yield
    finally:
        _scope.reset(token)


def topological(outputs: Sequence[Wire]) -> tuple[Wire, ...]:
    """All wires that the outputs depend on, inputs before outputs, in order of making."""
    seen: dict[int, Wire] = {}
    stack = list(outputs)
    while stack:
        wire = stack.pop()
        if wire.serial not in seen:
            seen[wire.serial] = wire
            stack.extend(wire.inputs)
    return tuple(seen[serial] for serial in sorted(seen))


def replaced(output: Wire, place: Mapping[Wire, Wire]) -> Wire:
    """The same gates on other wires.

    Args:
        output: The wire to rebuild.
        place: What stands for some wires; each of its wire's own shape.
    """
    found = {old.serial: new for old, new in place.items()}
    for wire in topological([output]):
        if wire.serial not in found:
            inputs = tuple(found[source.serial] for source in wire.inputs)
            same = all(new is old for new, old in zip(inputs, wire.inputs, strict=True))
            found[wire.serial] = wire if same else build(wire.gate, inputs)
    return found[output.serial]


def axis_sizes(wires: Sequence[Wire]) -> Mapping[Axis, None]:
    """The named axes of the wires, in order of appearance."""
    return {axis: None for wire in wires for axis in wire.shape if isinstance(axis, str)}
