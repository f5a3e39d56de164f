"""What a claim asserts: that one side, derived by the library, equals the other."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from typing import Any

import sympy as sp

from circuitgrad.circuits import Circuit
from circuitgrad.claims.assumptions import Assumptions, parse_assumptions
from circuitgrad.claims.languages import language_of, translated
from circuitgrad.claims.sides import NUMBERS, Side, names_of, read_side
from circuitgrad.derivatives import grad, hessian, jacobian
from circuitgrad.errors import CircuitError, ShapeError, SpecError
from circuitgrad.formulas.closed_forms import LAYOUTS
from circuitgrad.formulas.symbolic import real_symbol
from circuitgrad.formulas.text import expression_text
from circuitgrad.gates.contractions import diag, diagonal
from circuitgrad.grammar import nearest
from circuitgrad.sources import input_wire
from circuitgrad.spec import Shape, format_shape, parse_shape
from circuitgrad.wire import Wire

KINDS = ("equality", "gradient", "jacobian", "hessian")
MAX_SHOWN = 400
_UNSMOOTH = (sp.Abs, sp.Max, sp.Min, sp.sign, sp.Heaviside, sp.floor, sp.ceiling)


@dataclass(frozen=True)
class Statement:
    """An equation between what is right and what is claimed.

    Attributes:
        kind: "equality", "gradient", "jacobian" or "hessian".
        inputs: The inputs by name.
        correct: The right side: derived, or the first of two sides that are compared.
        claimed: The side that is claimed.
        assumptions: What is assumed.
        function: What is differentiated; None for an equality.
        wrt: The input that it is differentiated by; empty for an equality.
        layout: "numerator", "denominator", or empty for the order of the axes as computed.
        notes: What a reader should know of how the claim was read.
        record: The arguments that make it again, as plain data; None where code was claimed.
    """

    kind: str
    inputs: Mapping[str, Wire]
    correct: Side
    claimed: Side
    assumptions: Assumptions
    function: Side | None = None
    wrt: str = ""
    layout: str = ""
    notes: tuple[str, ...] = ()
    record: Mapping[str, Any] | None = None

    @property
    def axes(self) -> tuple[str, ...]:
        """The named axes, in order of appearance."""
        found = dict.fromkeys(a for w in self.inputs.values() for a in w.shape)
        return tuple(axis for axis in found if isinstance(axis, str))

    @property
    def is_scalar(self) -> bool:
        """Whether every input and both sides are scalars."""
        shapes = [wire.shape for wire in self.inputs.values()]
        return not any((*shapes, self.correct.shape, self.claimed.shape))

    @property
    def domain(self) -> tuple[sp.Basic, ...]:
        """The inequalities that hold: those assumed, and of inputs that are positive."""
        positive = [
            real_symbol(name) > 0
            for name, facts in self.assumptions.facts.items()
            if "positive" in facts and name in self.inputs and not self.inputs[name].shape
        ]
        return (*self.assumptions.conditions, *positive)

    def __str__(self) -> str:
        if self.function is None:
            return f"{self.correct.text} = {self.claimed.text}"
        head = {"gradient": "∇", "jacobian": "Jacobian of ", "hessian": "Hessian of "}[self.kind]
        by = f"{head}({self.function.text}) by {self.wrt}"
        return f"{by} = {self.claimed.text}"

    def right_formula(self) -> str:
        """The right side for a person, `∂f/∂x = (A + Aᵀ)x`; empty where it has no short form."""
        try:
            return self._printed()
        except (CircuitError, RecursionError):
            return ""

    def _printed(self) -> str:
        if self.is_scalar:
            entry = self.correct.readable()
            return f"{self._left()} = {expression_text(entry)}"
        if self.correct.wire is None:
            return ""
        body = formula_body(self, self.correct.wire)
        if len(body) > MAX_SHOWN:
            return ""
        note = f"   ({self.layout} layout)" if self.layout else ""
        return f"{self._left()} = {body}{note}"

    def _left(self) -> str:
        if self.function is None:
            return self.correct.text
        body = self.function.text
        if self.function.wire is not None and self.function.wire.inputs and not self.is_scalar:
            form = Circuit(tuple(self.inputs.values()), [self.function.wire], ["f"])
            body = _short_form(form, body) or body
        squared = "²" if self.kind == "hessian" else ""
        return f"∂{squared}({body})/∂{self.wrt}{squared}"


def formula_body(statement: Statement, wire: Wire) -> str:
    """A wire of a statement's inputs in matrix notation, else in index notation.

    Raises:
        SpecError: A gate that has no form.
    """
    text = Circuit(tuple(statement.inputs.values()), [wire], ["g"]).matrix()
    left, _, body = text.partition(" = ")
    return f"{body}, entry {left.removeprefix('g')}" if "index form" in text else body


def _short_form(form: Circuit, text: str) -> str:
    """The matrix form of a function, unless what the user wrote is shorter."""
    try:
        printed = form.matrix()
    except CircuitError:
        return ""
    body = printed.partition(" = ")[2]
    limit = 60 if text.isidentifier() else len(text)
    return body if len(body) <= limit and "   (" not in body else ""


def parse_shapes(shapes: Mapping[str, Any], what: str) -> dict[str, Shape]:
    """The axes of inputs by name, or SpecError that names the input."""
    found = {}
    for name, shape in shapes.items():
        try:
            found[name] = parse_shape(shape)
        except (CircuitError, TypeError) as error:
            raise SpecError(
                f"{what}: shape of '{name}': got {shape!r}; needed axes, as '{name}=\"m n\"'. "
                f"({error})"
            ) from None
    return found


def declared_inputs(
    sides: Iterable[Any],
    shapes: Mapping[str, Shape],
    assuming: str | Iterable[str],
    what: str,
    wrt: Iterable[str] = (),
) -> tuple[dict[str, Wire], Assumptions]:
    """The inputs that the sides mention, with their axes and facts."""
    axes = {axis for shape in shapes.values() for axis in shape if isinstance(axis, str)}
    assumptions = parse_assumptions(assuming, lambda name: bool(shapes.get(name)))
    told = {*shapes, *wrt, *_about(assumptions)}
    mentioned = [n for side in sides for n in names_of(side) if n in told or n not in NUMBERS]
    names = [n for n in dict.fromkeys((*mentioned, *shapes)) if n in shapes or n not in axes]
    used = set(mentioned)
    for name in shapes:
        if name not in used:
            raise SpecError(
                f"{what}: '{name}' has a shape but stands in no formula."
                f"{nearest(name, used - set(shapes))}"
            )
    for name in _about(assumptions):
        if name not in names:
            raise SpecError(f"assuming: '{name}' is no input.{nearest(name, names)}")
    inputs = {n: input_wire(n, shapes.get(n, ()), **assumptions.of(n)) for n in names}
    return inputs, assumptions


def _about(assumptions: Assumptions) -> tuple[str, ...]:
    """The names that assumptions are about."""
    symbols = {str(symbol) for c in assumptions.conditions for symbol in c.free_symbols}
    return (*assumptions.facts, *sorted(symbols))


def restated(record: Mapping[str, Any]) -> Statement:
    """The statement that a record says, as `Statement.record` has it."""
    known = {name: value for name, value in record.items() if value is not None}
    return derivative(**known) if "kind" in known else equality(**known)


def equality(
    first: Any,
    second: Any,
    shapes: Mapping[str, Any],
    assuming: str | Iterable[str] = (),
    language: str | None = None,
) -> Statement:
    """The statement that two formulas are equal."""
    spoken = language_of(language)
    read = spoken.shapes(parse_shapes(shapes, "check_equal"))
    texts = first, second
    first, second = (translated(side, spoken, read) for side in texts)
    inputs, assumptions = declared_inputs((first, second), read, assuming, "check_equal")
    correct = as_written(read_side(first, inputs, "first side"), texts[0])
    claimed = as_written(read_side(second, inputs, "second side"), texts[1])
    record = _record(
        {"first": texts[0], "second": texts[1]}, read, assumptions, {"language": language}
    )
    return Statement("equality", inputs, correct, claimed, assumptions, record=record)


def as_written(side: Side, given: Any) -> Side:
    """A side with the text that the user wrote, not that of the formula it became."""
    return replace(side, text=given) if isinstance(given, str) else side


def derivative(
    kind: str,
    function: Any,
    wrt: Any,
    claim: Any,
    shapes: Mapping[str, Any],
    assuming: str | Iterable[str] = (),
    layout: str | None = None,
    language: str | None = None,
    structure: str | None = None,
) -> Statement:
    """The statement that a claim is the gradient, Jacobian or Hessian of a function.

    Args:
        kind: "gradient", "jacobian" or "hessian".
        function: What is differentiated.
        wrt: The input that it is differentiated by.
        claim: What is claimed.
        shapes: The axes of the inputs.
        assuming: What is assumed.
        layout: "numerator" or "denominator".
        language: The language of texts.
        structure: "symmetric": each pair of equal entries of a symmetric matrix counts as one
            variable (Petersen and Pedersen, The Matrix Cookbook, 2012, section 2.8).

    Raises:
        SpecError: A name, layout or formula that is not understood.
        ShapeError: A gradient or Hessian of what is no scalar.
    """
    if layout is not None and layout not in LAYOUTS:
        raise SpecError(f"layout {layout!r}: needed 'numerator' or 'denominator'.")
    what = f"check of a {kind}"
    spoken = language_of(language)
    read = spoken.shapes(parse_shapes(shapes, what))
    if isinstance(function, Circuit):
        own = {wire.label: wire.shape for wire in function.inputs if wire.shape}
        read = {**own, **read}
    texts = function, claim
    function, claim = (translated(side, spoken, read) for side in texts)
    name = getattr(wrt, "label", None) or getattr(wrt, "name", wrt)
    inputs, assumptions = declared_inputs((function, claim), read, assuming, what, (str(name),))
    if not isinstance(name, str) or name not in inputs:
        raise SpecError(f"{what}: wrt={name!r} is no input.{nearest(str(name), inputs)}")
    side = as_written(read_side(function, inputs, "function"), texts[0])
    if side.shape and kind != "jacobian":
        raise ShapeError(
            f"{what}: the function has shape {format_shape(side.shape)}; needed a scalar. "
            "Use cg.check_jacobian."
        )
    correct = _derived(kind, side, inputs, name, layout)
    if structure is not None:
        correct = _structured(structure, kind, correct, inputs[name])
    claimed = as_written(read_side(claim, inputs, "claim"), texts[1])
    notes = tuple(_only_claimed(names_of(function), names_of(claim), inputs, read))
    options = {"wrt": name, "layout": layout, "language": language, "structure": structure}
    given = {"function": texts[0], "claim": texts[1]}
    record = _record(given, read, assumptions, {"kind": kind, **options})
    return Statement(
        kind, inputs, correct, claimed, assumptions, side, name, layout or "", notes, record
    )


def _record(
    sides: Mapping[str, Any],
    shapes: Mapping[str, Shape],
    assumptions: Assumptions,
    options: Mapping[str, str | None],
) -> dict[str, Any] | None:
    """The arguments of a statement as plain data, if its sides can be written down."""
    if not all(isinstance(side, str | sp.Basic) for side in sides.values()):
        return None
    return {
        **{name: str(side) for name, side in sides.items()},
        "shapes": {name: [str(axis) for axis in shape] for name, shape in shapes.items()},
        "assuming": list(assumptions.texts),
        **{name: value for name, value in options.items() if value is not None},
    }


def _structured(structure: str, kind: str, correct: Side, wrt: Wire) -> Side:
    """The gradient by a symmetric matrix, each pair of equal entries one variable: G + Gᵀ - diag G.

    Source:
        Petersen and Pedersen, The Matrix Cookbook, 2012, equation 138.
    """
    if structure != "symmetric" or kind != "gradient":
        raise SpecError(
            f"structure {structure!r}: needed 'symmetric', of a gradient by a square matrix."
        )
    if correct.wire is None or wrt.ndim != 2 or wrt.shape[0] != wrt.shape[1]:
        raise SpecError(f"structure: '{wrt.label}' is no square matrix.")
    gradient = correct.wire
    return replace(correct, wire=gradient + gradient.T - diag(diagonal(gradient)))


def _only_claimed(
    known: Iterable[str],
    claimed: Iterable[str],
    inputs: Mapping[str, Wire],
    shapes: Mapping[str, Shape],
) -> Iterator[str]:
    """A note for every name of the claim that nothing else mentions: perhaps a slip of the pen."""
    for name in dict.fromkeys(claimed):
        if name in inputs and name not in known and name not in shapes:
            yield f"'{name}' stands in the claim only; it was read as a scalar."


def _derived(
    kind: str, side: Side, inputs: Mapping[str, Wire], name: str, layout: str | None
) -> Side:
    """The derivative that is right."""
    if side.wire is None:
        return _by_sympy(kind, side, name)
    circuit = Circuit(tuple(inputs.values()), [side.wire], ["f"])
    rule = {"gradient": grad, "jacobian": jacobian, "hessian": hessian}[kind]
    wire = rule(circuit, name).outputs[0]
    leading = {"gradient": 0, "jacobian": side.wire.ndim, "hessian": inputs[name].ndim}[kind]
    natural = "numerator" if leading else "denominator"
    if layout is not None and layout != natural and wire.ndim > 1:
        order = (*range(leading, wire.ndim), *range(leading))
        wire = wire.transpose(order if leading else tuple(range(wire.ndim))[::-1])
    return Side(f"{kind} of {side.text} by {name}", wire)


def _by_sympy(kind: str, side: Side, name: str) -> Side:
    """The derivative of a formula of scalars that no gates compute."""
    formula = side.expression
    assert formula is not None
    if formula.has(*_UNSMOOTH):
        raise SpecError(
            f"function {side.text!r}: some of its functions have no gate, and others have kinks, "
            "where SymPy's derivatives are not safe. Write it with cases: "
            "Piecewise((…, x > 0), (…, True))."
        )
    order = 2 if kind == "hessian" else 1
    found = sp.diff(formula, real_symbol(name), order)
    if found.has(sp.Derivative, sp.DiracDelta, sp.Subs):
        raise SpecError(f"function {side.text!r}: its derivative by '{name}' is not known.")
    return Side(f"{kind} of {side.text} by {name}", None, found)
