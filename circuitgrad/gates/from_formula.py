"""Elementwise gates declared by a formula: the meaning.

Beside it a stable kernel and a derivative over named gates.
"""

from __future__ import annotations

import inspect
import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any, ClassVar

import numpy as np

from circuitgrad import grammar
from circuitgrad.errors import DerivativeError, ShapeError, SpecError
from circuitgrad.gates.broadcasting import broadcast_together
from circuitgrad.gates.exact_values import is_exact
from circuitgrad.gates.from_einsum import common_dtype, contract
from circuitgrad.gates.scipy_kernels import FORMULA_KERNELS
from circuitgrad.methods import upper_layer
from circuitgrad.sources import Constant, as_wire, constant
from circuitgrad.spec import FLOAT32, FLOAT64, Spec
from circuitgrad.wire import Array, Gate, Kernel, Wire, build, check_name

Piece = tuple[str, str]
Derivative = Callable[..., Sequence[Wire | float] | Wire | float]

NUMPY_FUNCTIONS: Mapping[str, Callable[..., Any]] = {
    "exp": np.exp, "log": np.log, "sqrt": np.sqrt, "sin": np.sin, "cos": np.cos, "tan": np.tan,
    "asin": np.arcsin, "acos": np.arccos, "atan": np.arctan, "atan2": np.arctan2,
    "sinh": np.sinh, "cosh": np.cosh, "tanh": np.tanh, "asinh": np.arcsinh, "acosh": np.arccosh,
    "atanh": np.arctanh, "Abs": np.abs, "abs": np.abs, "sign": np.sign, "Max": np.maximum,
    "Min": np.minimum, "erf": np.vectorize(math.erf, otypes=[float]), **FORMULA_KERNELS,
}  # fmt: skip


@dataclass(frozen=True, eq=False)
class Elementwise(Gate):
    """A gate that acts entry by entry: one formula, its kernel and its derivative.

    Attributes:
        name: The catalogue's name.
        variables: The formula's variables, in the order of the operands.
        formula: The meaning, over real numbers. Where `pieces` are given they are the meaning,
            and a formula beside them (as "Max(x, y)") is what people read.
        pieces: (condition, formula) pairs, each formula smooth, conditions strict.
        at_kink: The value on the boundary between the pieces, as a formula.
        policy: The derivative chosen at a kink, in words.
        domain: Where the formula is real, as a comparison; everywhere by default.
        extension: The meaning beyond the domain too, where the kernel goes farther.
        function: The NumPy kernel; the formula itself by default.
        scalar: The same function on Python floats, if it is fast.
        derivative: One wire or number per variable, built of named gates; SymPy's by default.
        symbol: The glyph in the picture.
        latex: A template over the variables.
        source: Where the definition comes from.
        accuracy_note: Where and why the kernel's or the derivative's error exceeds 8 ULP.
        defaults: Values of the last operands, where they may be left out.
        plain: Variables that, where they are literal numbers, let generated code use the formula.
        recovery: For a gate that undoes a product: which operand it is linear in, and the product
            (*operands, out) of the others with the output, which is that operand again. Series
            then take as many operations as for a product.
    """

    name: str
    variables: tuple[str, ...]
    formula: str = ""
    pieces: tuple[Piece, ...] = ()
    at_kink: str = ""
    policy: str = ""
    domain: str = ""
    extension: str = ""
    function: Kernel | None = None
    scalar: Kernel | None = None
    derivative: Derivative | None = None
    symbol: str = ""
    latex: str = ""
    source: str = ""
    accuracy_note: str = ""
    defaults: tuple[float, ...] = ()
    plain: tuple[str, ...] = ()
    recovery: tuple[int, Callable[..., Wire]] | None = None
    family: ClassVar[str] = "elementwise"

    @property
    def glyph(self) -> str:
        """The text in the circle."""
        return self.symbol or self.name

    def __call__(self, *operands: Any) -> Any:
        """The gate on wires (numbers and arrays beside them become constants), or on plain arrays.

        Raises:
            SpecError: Another number of operands than the gate has variables.
            ShapeError: Shapes that do not broadcast.
        """
        if len(operands) < len(self.variables):
            operands += self.defaults[len(operands) - len(self.variables) :]
        if len(operands) != len(self.variables):
            raise SpecError(
                f"{self.name}: got {len(operands)} operands; needed {len(self.variables)} "
                f"({', '.join(self.variables)})."
            )
        first = next((x for x in operands if isinstance(x, Wire)), None)
        if first is None:
            return self.compute(*_arrays(operands))
        wires = [as_wire(x, first.dtype) for x in operands]
        if all([type(wire.gate) is Constant and not wire.spec.shape for wire in wires]):
            return self._folded(wires)
        return build(self, broadcast_together(wires, self.name))

    def _folded(self, wires: list[Wire]) -> Wire:
        """A gate on scalar constants: a constant where that is exact.

        A rounded 1/3 or log(2) would be another number than the one that formulas and proofs mean.
        """
        with np.errstate(all="ignore"):
            value = np.asarray(self.compute(*(wire.known for wire in wires)))
        numbers = tuple(float(wire.gate.data) for wire in wires if isinstance(wire.gate, Constant))
        if np.isfinite(value) and is_exact(self, numbers, float(value)):
            return constant(value, self.infer(tuple(wires)).dtype)
        return build(self, tuple(wires))

    @cached_property
    def compute(self) -> Kernel:
        """The NumPy function: the stable kernel, or the formula where none is declared."""
        return self.function or self._formula_kernel

    def _formula_kernel(self, *arrays: Array) -> Any:
        env = {"pi": math.pi, "E": math.e} | dict(zip(self.variables, arrays, strict=True))
        if not self.pieces:
            return grammar.evaluate(self.formula, env, NUMPY_FUNCTIONS)
        result = grammar.evaluate(self.at_kink, env, NUMPY_FUNCTIONS)
        for condition, formula in self.pieces:
            with np.errstate(all="ignore"):
                value = grammar.evaluate(formula, env, NUMPY_FUNCTIONS)
            result = np.where(grammar.evaluate(condition, env, NUMPY_FUNCTIONS), value, result)
        return result

    def infer(self, inputs: tuple[Wire, ...]) -> Spec:
        spec = inputs[0].spec
        if all([wire.spec is spec for wire in inputs]):
            return spec  # one object for a whole graph of scalars
        return Spec(spec.shape, common_dtype(inputs))

    def kernel(
        self, shapes: tuple[tuple[int, ...], ...], out: tuple[int, ...], dtype: Any
    ) -> Kernel:
        function, name = self.compute, self.name
        if isinstance(function, np.ufunc):
            return function  # a ufunc keeps shape and dtype, and makes an array of its own

        def checked(*arrays: Array) -> Array:
            result = np.asarray(function(*arrays), dtype)
            if result.shape != out:
                try:
                    result = np.broadcast_to(result, out)
                except ValueError:
                    raise ShapeError(
                        f"gate '{name}': its kernel returned shape {result.shape} for operands of "
                        f"shape {out}. A kernel acts entry by entry."
                    ) from None
            return result

        return checked

    def flops(self, shapes: tuple[tuple[int, ...], ...], out: tuple[int, ...]) -> int:
        return math.prod(out) * self._operations

    @cached_property
    def _operations(self) -> int:
        """The operations and functions of the formula; the dearest piece and its condition."""
        if self.formula:
            return max(grammar.operations(self.formula), 1)
        tests = sum(grammar.operations(condition) for condition, _ in self.pieces[:-1])
        return max(tests + max(grammar.operations(text) for _, text in self.pieces), 1)

    def scalar_kernel(self) -> Kernel | None:
        return self.scalar

    @cached_property
    def _wants_out(self) -> bool:
        assert self.derivative is not None
        return "out" in inspect.signature(self.derivative).parameters

    def partials(self, out: Wire) -> tuple[Wire | float, ...]:
        """The local gradient of each operand: a wire, or a plain number."""
        if self.derivative is None:
            found = upper_layer("formulas.from_symbolic").derived_partials(self, out.inputs)
        elif self._wants_out:
            found = self.derivative(*out.inputs, out=out)
        else:
            found = self._applied(out.inputs)
        parts = tuple(found) if isinstance(found, tuple | list) else (found,)
        if len(parts) != len(self.variables):
            raise DerivativeError(
                f"{self.name}: its derivative gives {len(parts)} parts for {len(self.variables)} "
                "variables. Declare one part per variable."
            )
        wrong = [part for part in parts if not isinstance(part, Wire | int | float | np.number)]
        if wrong:
            raise DerivativeError(
                f"{self.name}: its derivative gives {wrong[0]!r}; needed a wire or a number."
            )
        return tuple(_plain(part) for part in parts)

    def _applied(self, inputs: tuple[Wire, ...]) -> Any:
        assert self.derivative is not None
        if self._arity_mistake:
            raise DerivativeError(
                f"{self.name}: its derivative takes other arguments: {self._arity_mistake}. "
                f"It gets one wire per variable ({', '.join(self.variables)})."
            )
        return self.derivative(*inputs)

    @cached_property
    def _arity_mistake(self) -> str:
        assert self.derivative is not None
        try:
            inspect.signature(self.derivative).bind(*self.variables)
        except TypeError as error:
            return str(error)
        return ""

    def pullback(self, out: Wire, grad: Wire) -> tuple[Wire | None, ...]:
        return tuple(scaled(grad, part) for part in self.partials(out))

    def pushforward(self, out: Wire, tangents: tuple[Wire | None, ...]) -> Wire | None:
        total: Wire | None = None
        for tangent, part in zip(tangents, self.partials(out), strict=True):
            term = None if tangent is None else scaled(tangent, part)
            if term is not None:
                total = term if total is None else total + term
        return total

    def sample(self) -> Wire:
        """The gate on scalar inputs named by its variables."""
        sources = upper_layer("sources")
        return build(self, tuple(sources.input_wire(name) for name in self.variables))


def _arrays(operands: Sequence[Any]) -> list[Array]:
    """Plain numbers and arrays in the dtype that the kernel computes in."""
    arrays = [np.asarray(x) for x in operands]
    wrong = [a.dtype for a in arrays if a.dtype.kind not in "fiub"]
    if wrong:
        raise SpecError(f"gate on arrays: got dtype {wrong[0]}; needed real numbers.")
    strong = [
        a for x, a in zip(operands, arrays, strict=True) if not isinstance(x, bool | int | float)
    ]
    dtype = FLOAT32 if strong and all(a.dtype == FLOAT32 for a in strong) else FLOAT64
    return [a.astype(dtype, copy=False) for a in arrays]


def _plain(part: Wire | float) -> Wire | float:
    """A number instead of a scalar constant wire."""
    if isinstance(part, Wire):
        gate = part.gate
        return float(gate.data) if type(gate) is Constant and not part.spec.shape else part
    return float(part)


def scaled(grad: Wire, part: Wire | float) -> Wire | None:
    """A gradient (with leading batch axes, perhaps) times a local gradient.

    None for an exact zero.
    """
    if isinstance(part, float):
        if part == 0:
            return None
        if part == 1:
            return grad
        operators = upper_layer("gates.operators")
        result: Wire = operators.apply("neg", grad) if part == -1 else operators.product(part, grad)
        return result
    if grad.ndim == part.ndim == 0:
        simple: Wire = upper_layer("gates.operators").product(grad, part)
        return simple
    indices = tuple(range(grad.ndim))
    tail = indices[grad.ndim - part.ndim :]
    axes = dict(zip(indices, grad.shape, strict=True))
    return contract([(grad, indices), (part, tail)], indices, axes)


def elementwise(
    name: str,
    formula: str = "",
    *,
    pieces: Sequence[Piece] = (),
    at_kink: str = "",
    policy: str = "",
    variables: Sequence[str] | None = None,
    kernel: Kernel | None = None,
    scalar: Kernel | None = None,
    derivative: Derivative | None = None,
    domain: str = "",
    extension: str = "",
    glyph: str = "",
    latex: str = "",
    source: str = "",
    accuracy_note: str = "",
    defaults: Sequence[float] = (),
    plain: Sequence[str] = (),
    recovery: tuple[int, Callable[..., Wire]] | None = None,
) -> Elementwise:
    """Declare an elementwise gate; declaring is constructing, nothing else is needed to use it.

    The arguments are the fields of `Elementwise`. The name and the formula (text over SymPy's
    function names, variables real) are enough: the operands are then its variables in alphabetical
    order, `kernel` is the formula itself, and `derivative` is SymPy's. A declared derivative is a
    function of wires, one wire or number per variable; it may take the output as keyword `out`.
    A gate with kinks gives `pieces`, (condition, smooth formula) pairs, and `at_kink`.

    Raises:
        SpecError: No formula, or a text outside the grammar.

    >>> cube = elementwise("cube", "x**3")
    >>> float(cube(2.0))
    8.0
    """
    order = _operand_order(name, formula, pieces, at_kink, variables)
    stray = [n for n in (grammar.names(domain) if domain else ()) if n not in order]
    if stray:
        raise SpecError(f"gate '{name}': its domain names '{stray[0]}'; its variables are {order}.")
    return Elementwise(
        check_name(name, "gate"), order,
        formula, tuple(pieces), at_kink, policy, domain, extension, kernel, scalar, derivative,
        glyph, latex, source, accuracy_note, tuple(defaults), tuple(plain), recovery,
    )  # fmt: skip


def _operand_order(
    name: str,
    formula: str,
    pieces: Sequence[Piece],
    at_kink: str,
    variables: Sequence[str] | None,
) -> tuple[str, ...]:
    """The variables of a declaration, checked against its texts."""
    if not formula and not pieces:
        raise SpecError(f"gate '{name}': give a formula, or pieces where it has kinks.")
    if pieces and not at_kink:
        raise SpecError(f"gate '{name}': pieces need at_kink, the value on their boundary.")
    if formula and grammar.is_condition(formula):
        raise SpecError(f"gate '{name}': the formula '{formula}' is no number. Use pieces=.")
    texts = [formula] if not pieces else [text for piece in pieces for text in piece] + [at_kink]
    for function in [name for text in texts for name in grammar.called(text)]:
        if function not in NUMPY_FUNCTIONS:
            hint = grammar.nearest(function, NUMPY_FUNCTIONS)
            raise SpecError(f"gate '{name}': the formula calls '{function}', unknown here.{hint}")
    found = sorted({n for text in texts for n in grammar.names(text)} - {"pi", "E"})
    order = tuple(variables) if variables is not None else tuple(found)
    unknown = [n for n in found if n not in order]
    if unknown or not order:
        raise SpecError(f"gate '{name}': variables are {order}, but the formula uses {found}.")
    return tuple(check_name(variable, f"gate '{name}'") for variable in order)
