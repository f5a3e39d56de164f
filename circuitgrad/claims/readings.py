"""Claims read into statements: what is derived, what is claimed, of which inputs."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from fractions import Fraction
from typing import Any

import sympy as sp

from circuitgrad.circuits import Circuit
from circuitgrad.claims.assumptions import Assumptions, parse_assumptions
from circuitgrad.claims.languages import language_of, translated
from circuitgrad.claims.sides import NUMBERS, Side, is_double, names_of, read_side
from circuitgrad.claims.statements import Statement
from circuitgrad.derivatives import grad, hessian, jacobian
from circuitgrad.errors import CircuitError, ShapeError, SpecError
from circuitgrad.formulas.closed_forms import LAYOUTS
from circuitgrad.formulas.derivations import Derivation, derivation
from circuitgrad.formulas.exact_numbers import exact
from circuitgrad.formulas.symbolic import real_symbol
from circuitgrad.formulas.text import expression_text
from circuitgrad.gates.contractions import diag, diagonal
from circuitgrad.grammar import nearest
from circuitgrad.sources import input_wire
from circuitgrad.spec import Shape, format_shape, parse_shape
from circuitgrad.wire import Wire

_DECIMAL = re.compile(r"(?<![\w.])\d*\.\d+(?:[eE][-+]?\d+)?")
_UNSMOOTH = (sp.Abs, sp.Max, sp.Min, sp.sign, sp.Heaviside, sp.floor, sp.ceiling)


def parse_shapes(shapes: Mapping[str, Any], what: str) -> dict[str, Shape]:
    """The axes of inputs by name, or SpecError that names the input."""
    found = {}
    if not isinstance(shapes, Mapping):
        raise SpecError(f"{what}: shapes: got {shapes!r}; needed axes by name, as {{'x': 'n'}}.")
    for name, shape in shapes.items():
        try:
            if isinstance(shape, Mapping):
                raise TypeError("axes have no names of their own")
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


def steps_of(record: Mapping[str, Any] | None) -> Derivation:
    """The chain-rule steps to the derivative that a record is about."""
    if record is None or record.get("kind") != "gradient":
        raise SpecError(
            "steps: the claim is no gradient that was written down. Use circuit.derivation(wrt)."
        )
    statement = restated(record)
    assert statement.function is not None
    if statement.function.wire is None:
        raise SpecError("steps: some function of the formula has no gate.")
    circuit = Circuit(tuple(statement.inputs.values()), [statement.function.wire], ["f"])
    return derivation(circuit, statement.wrt)


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

    The arguments are those of `check`, after the kind of the derivative.

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
        read = {**{wire.label: wire.shape for wire in function.inputs if wire.shape}, **read}
    texts = function, claim
    function, claim = (translated(side, spoken, read) for side in texts)
    name = spoken.name(str(getattr(wrt, "label", None) or getattr(wrt, "name", wrt)))
    shape = read.get(name, ())
    if structure in ("symmetric", "diagonal") and len(shape) == 2 and shape[0] == shape[1]:
        listed = (assuming,) if isinstance(assuming, str) else assuming
        assuming = (*listed, f"{name} {structure}")  # what is told of entries that count once
    inputs, assumptions = declared_inputs((function, claim), read, assuming, what, (name,))
    if name not in inputs:
        raise SpecError(f"{what}: wrt={name!r} is no input.{nearest(name, inputs)}")
    side = as_written(read_side(function, inputs, "function"), texts[0])
    correct = _derived(kind, side, inputs, name, layout)
    if structure is not None:
        correct = _structured(structure, kind, correct, inputs[name])
    claimed = as_written(read_side(claim, inputs, "claim"), texts[1])
    notes = tuple(_notes(name, names_of(function), names_of(claim), inputs, read))
    notes += tuple(_recognised(texts))
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
    """The gradient G by the entries of a structured matrix that are free.

    By those of a symmetric matrix it is G + Gᵀ - diag G, of a diagonal one diag G.

    Source:
        Petersen and Pedersen, The Matrix Cookbook, 2012, equations 138 and 143.
    """
    if structure not in ("symmetric", "diagonal") or kind != "gradient":
        raise SpecError(
            f"structure {structure!r}: needed 'symmetric' or 'diagonal', of a gradient by a square "
            "matrix."
        )
    if correct.wire is None or wrt.ndim != 2 or wrt.shape[0] != wrt.shape[1]:
        raise SpecError(f"structure: '{wrt.label}' is no square matrix.")
    gradient = correct.wire
    own = diag(diagonal(gradient))
    free = own if structure == "diagonal" else gradient + gradient.T - own
    return replace(correct, wire=free)


def _recognised(texts: Iterable[Any]) -> Iterator[str]:
    """A note for every decimal that is the double of a known number, and is read as that."""
    found = (part for text in texts if isinstance(text, str) for part in _DECIMAL.findall(text))
    for decimal in dict.fromkeys(found):
        value = Fraction(decimal)
        if is_double(value) and exact(float(value)) != sp.Rational(decimal):
            meaning = expression_text(exact(float(value)))
            yield f"{decimal} is read as {meaning}, of which it is the double."


def _notes(
    wrt: str,
    known: Sequence[str],
    claimed: Iterable[str],
    inputs: Mapping[str, Wire],
    shapes: Mapping[str, Shape],
) -> Iterator[str]:
    """What looks like a slip of the pen: names that stand on one side only."""
    if known and wrt not in known:
        yield f"'{wrt}' does not stand in the function, so that its derivative is 0."
    yield from _only_claimed(known, claimed, inputs, shapes)


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
    if side.shape and kind != "jacobian":
        raise ShapeError(
            f"check of a {kind}: the function has shape {format_shape(side.shape)}; needed a "
            "scalar. Use cg.check_jacobian."
        )
    if side.wire is None:
        return _by_sympy(kind, side, name)
    circuit = Circuit(tuple(inputs.values()), [side.wire], ["f"])
    rules: dict[str, Callable[[Circuit, str], Circuit]] = {
        "gradient": grad,
        "jacobian": jacobian,
        "hessian": hessian,
    }
    wire = rules[kind](circuit, name).outputs[0]
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
