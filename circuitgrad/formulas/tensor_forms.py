"""Wires as tensor forms: what a circuit computes, for every size."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace
from fractions import Fraction
from itertools import count
from weakref import WeakKeyDictionary

import numpy as np

from circuitgrad.errors import SpecError
from circuitgrad.formulas import tensor_algebra as algebra
from circuitgrad.formulas.tensor_selections import SELECTIONS
from circuitgrad.formulas.tensor_terms import ONE, Form, Index, Term, fresh
from circuitgrad.gates import catalogue
from circuitgrad.gates.from_einsum import Einsum
from circuitgrad.gates.from_formula import Elementwise
from circuitgrad.gates.from_rule import declaration_of, parameters_of
from circuitgrad.sources import Constant, Input
from circuitgrad.spec import Axis
from circuitgrad.wire import Wire, describe, topological

HALF = Fraction(1, 2)
Forms = dict[int, Form]


def tensor_form(wire: Wire) -> Form:
    """The form of a wire in the inputs that it depends on.

    Raises:
        SpecError: A gate that has no form (reshapes, selections), or a form that grows too large.

    >>> from circuitgrad.sources import input_wire
    >>> x = input_wire("x", "n")
    >>> tensor_form(x @ x - (x * x).sum()).terms
    ()
    """
    found: Forms = {}
    meanings: dict[int, Wire | None] = {}  # kept, so that each is built once and stays alive
    pending = [wire]
    while pending:
        later = _first_unknown(pending[-1], found, meanings)
        if later is None:
            pending.pop()
        else:
            pending.append(later)
    return found[wire.serial]


def _first_unknown(wire: Wire, found: Forms, meanings: dict[int, Wire | None]) -> Wire | None:
    """Find the forms of a wire and all before it, up to a meaning that has to be found first."""
    for part in topological([wire]):
        if part.serial in found:
            continue
        if part.serial not in meanings:
            meanings[part.serial] = _meaning(part)
        meaning = meanings[part.serial]
        if meaning is None:
            found[part.serial] = _gate_form(part, [found[w.serial] for w in part.inputs])
        elif meaning.serial in found:
            found[part.serial] = found[meaning.serial]
        else:
            return meaning
    return None


def _meaning(wire: Wire) -> Wire | None:
    """The wire that a composite gate without a form of its own stands for."""
    declared = declaration_of(wire.gate)
    if declared is None or declared.family != "composite" or _keeps_name(wire):
        return None
    if declared.meaning is None:
        raise _refused(wire)
    meaning: Wire = declared.meaning(*wire.inputs, **parameters_of(wire.gate))
    return meaning


def _keeps_name(wire: Wire) -> bool:
    """Whether a composite gate is written by its name: a norm of everything, a softmax of rows."""
    axes = parameters_of(wire.gate).get("axes")
    if wire.gate.name in ("norm", "logsumexp", "unit"):
        return axes is not None and len(axes) == wire.inputs[0].ndim
    if wire.gate.name in ("det", "logdet", "cofactor"):
        return wire.inputs[0].ndim == 2
    return wire.gate.name == "softmax" and axes is not None and len(axes) == 1


def _refused(wire: Wire) -> SpecError:
    return SpecError(
        f"tensor form: {describe(wire)} has the gate '{wire.gate.name}', which has no form with "
        "indices. Give sizes and use sympy() or latex(), or rewrite that part with einsum."
    )


def _gate_form(wire: Wire, inputs: list[Form]) -> Form:
    gate = wire.gate
    if isinstance(gate, Input):
        return algebra.tensor(gate.name, wire.shape, gate.facts)
    if isinstance(gate, Constant):
        return _constant_form(wire)
    if isinstance(gate, Einsum):
        return _einsum_form(wire, gate, inputs)
    if isinstance(gate, Elementwise):
        return _elementwise_form(wire, gate, inputs)
    rule = _ARRAY_GATES.get(gate.name)
    found = rule(wire, inputs) if rule else None
    if found is None:
        raise _refused(wire)
    return found


def rational(value: float) -> Fraction:
    """The simple fraction that rounds to a number, else the number itself."""
    simple = Fraction(value).limit_denominator(1_000_000)
    return simple if float(simple) == value else Fraction(value)


def _constant_form(wire: Wire) -> Form:
    assert isinstance(wire.gate, Constant)
    data = wire.gate.data
    entries = np.unique(data)
    if not np.all(np.isfinite(entries)):
        raise SpecError(f"tensor form: the constant {describe(wire)} is not finite.")
    if len(entries) == 1:
        return algebra.number(rational(float(entries[0])), wire.shape)
    # A prime stands in no input's name, so the two cannot meet.
    return algebra.tensor(f"{wire.label or 'C'}′{wire.serial}", wire.shape)


def _einsum_form(wire: Wire, gate: Einsum, inputs: list[Form]) -> Form:
    axes: dict[str, Axis] = dict(gate.sizes)
    for letters, source in zip(gate.operands, wire.inputs, strict=True):
        axes |= dict(zip(letters, source.shape, strict=True))
    indices = {letter: fresh(axis) for letter, axis in axes.items()}
    parts = [
        (form, tuple(indices[x] for x in letters))
        for form, letters in zip(inputs, gate.operands, strict=True)
    ]
    extra = [indices[letter] for letter, _ in gate.sizes]
    return algebra.contract(parts, tuple(indices[x] for x in gate.output), extra)


# --- elementwise gates ----------------------------------------------------------------------------


def _elementwise_form(wire: Wire, gate: Elementwise, inputs: list[Form]) -> Form:
    if catalogue().get(gate.name.casefold()) is not gate:
        return algebra.call(_own_name(gate), inputs)
    rule = _ELEMENTWISE.get(gate.name)
    found = rule(inputs) if rule else None
    if found is not None:
        return found
    return algebra.call(gate.name, inputs)


_own_names: WeakKeyDictionary[Elementwise, str] = WeakKeyDictionary()


def _own_name(gate: Elementwise) -> str:
    """The name of a gate that does not ship: no other gate's, shipped or not."""
    if gate not in _own_names:
        taken = {*catalogue(), *_own_names.values()}
        tries = (gate.name if k == 1 else f"{gate.name}{k}′" for k in count(1))
        _own_names[gate] = next(name for name in tries if name.casefold() not in taken)
    return _own_names[gate]


def _square(x: Form) -> Form:
    return algebra.times(x, x)


def _power(forms: list[Form]) -> Form | None:
    base, exponent = forms
    value = exponent.number
    return None if value is None else algebra.power(base, value)


def _scaled_power(forms: list[Form]) -> Form | None:
    """a·x^(y - k), where the exponent is a number."""
    scale, base, first, second = forms
    if first.number is None or second.number is None:
        return None
    exponent = first.number - second.number
    if scale.number is not None:
        return algebra.scaled(algebra.power(base, exponent), scale.number)
    return algebra.times(scale, algebra.power(base, exponent))


def _power_log(forms: list[Form]) -> Form | None:
    power = _power(forms)
    return None if power is None else algebra.times(power, algebra.call("log", forms[:1]))


def _xlogy(forms: list[Form]) -> Form:
    return algebra.times(forms[0], algebra.call("log", [forms[1]]))


def _absolute(forms: list[Form]) -> Form | None:
    (x,) = forms
    if len(x.terms) == 1 and all(factor.is_positive for factor in x.terms[0].factors):
        return algebra.scaled(x, abs(x.terms[0].coefficient) / x.terms[0].coefficient)
    return None


_ELEMENTWISE: Mapping[str, Callable[[list[Form]], Form | None]] = {
    "add": lambda f: algebra.total([(1, f[0]), (1, f[1])]),
    "sub": lambda f: algebra.total([(1, f[0]), (-1, f[1])]),
    "neg": lambda f: algebra.scaled(f[0], -1),
    "mul": lambda f: algebra.times(f[0], f[1]),
    "div": lambda f: algebra.times(f[0], algebra.power(f[1], -ONE)),
    "inv": lambda f: algebra.power(f[0], -ONE),
    "square": lambda f: _square(f[0]),
    "sqrt": lambda f: algebra.power(f[0], HALF),
    "pow": _power,
    "scaled_power": _scaled_power,
    "power_log": _power_log,
    "xlogy": _xlogy,
    "abs": _absolute,
    "expm1": lambda f: algebra.total(
        [(1, algebra.call("exp", f)), (-1, algebra.number(1, f[0].axes))]
    ),
    "log1p": lambda f: algebra.call(
        "log", [algebra.total([(1, algebra.number(1, f[0].axes)), (1, f[0])])]
    ),
    "sigmoid_difference": lambda f: algebra.call(
        "sigmoid", [algebra.total([(1, f[0]), (-1, f[1])])]
    ),
}


# --- gates of whole arrays ------------------------------------------------------------------------


def _inverse(argument: Form) -> Form:
    """The inverse of a matrix; of products of known structure, what it is."""
    axes = argument.axes
    if len(axes) != 2:
        raise SpecError(f"tensor form: the inverse of {len(axes)} axes; needed a matrix.")
    chain = square_chain(argument)
    if chain is not None:
        result = _inverse(chain[-1])
        for matrix in reversed(chain[:-1]):
            result = _matrix_product(result, _inverse(matrix))
        return algebra.scaled(result, 1 / argument.terms[0].coefficient)
    if len(argument.terms) == 1:
        term = argument.terms[0]
        kinds = sorted(f.kind for f in term.factors)
        single = len(term.factors) == 1 and term.factors[0].exponent == 1
        if single and "orthogonal" in term.factors[0].facts:
            return algebra.scaled(algebra.transposed(argument), 1 / term.coefficient**2)
        if single and term.factors[0].name == "inverse":
            (inner,) = term.factors[0].arguments
            plain = inner if term.factors[0].indices == argument.free else algebra.transposed(inner)
            return algebra.scaled(plain, 1 / term.coefficient)
        diagonal = [f for f in term.factors if f.kind == "delta"]
        if len(diagonal) == 1 and all(i.is_free for f in term.factors for i in f.indices):
            rest = [f.to(-f.exponent) for f in term.factors if f.kind != "delta"]
            inverted = Term(1 / term.coefficient, (*rest, *diagonal))
            return algebra.normalised(axes, [inverted], set())
        if kinds == ["input"] and term.coefficient != 1:
            inner = _inverse(algebra.scaled(argument, 1 / term.coefficient))
            return algebra.scaled(inner, 1 / term.coefficient)
    return algebra.array_call("inverse", argument, axes)


def _matrix_product(first: Form, second: Form) -> Form:
    rows, inner, columns = (fresh(axis) for axis in (*first.axes, second.axes[1]))
    return algebra.contract([(first, (rows, inner)), (second, (inner, columns))], (rows, columns))


def square_chain(form: Form) -> list[Form] | None:
    """The matrices of a form that is a product of two or more square inputs (or inverses).

    A product of square matrices is regular only where each of them is.
    """
    if len(form.terms) != 1 or form.axes[0] != form.axes[1]:
        return None
    left = list(form.terms[0].factors)
    here, chain = Index(0, form.axes[0]), list[Form]()
    while left:
        step = next((f for f in left if here in f.indices), None)
        if step is None or len(step.indices) != 2 or step.exponent != 1 or step.kind == "delta":
            return None
        if {index.axis for index in step.indices} != {form.axes[0]}:
            return None
        left.remove(step)
        is_turned = step.indices[1] == here
        there = step.indices[0 if is_turned else 1]
        own = algebra.factor_form(replace(step, indices=form.free), form.axes)
        chain.append(algebra.transposed(own) if is_turned else own)
        if there == here or sum(there in f.indices for f in left) > 1:
            return None
        here = there
    return chain if len(chain) > 1 and here == form.free[1] else None


def _solve(wire: Wire, forms: list[Form]) -> Form:
    """A⁻¹b for a vector, or for the columns of each matrix of a stack, as NumPy has it."""
    size = wire.inputs[0].shape[0]
    rows, inner = fresh(size), fresh(size)
    place = 0 if len(wire.shape) == 1 else len(wire.shape) - 2
    output = [fresh(axis) for axis in wire.shape]
    right = list(output)
    output[place], right[place] = rows, inner
    parts = [(_inverse(forms[0]), (rows, inner)), (forms[1], tuple(right))]
    return algebra.contract(parts, tuple(output))


def _unit(wire: Wire, forms: list[Form]) -> Form:
    (x,) = forms
    length = algebra.power(algebra.array_call("norm", x, ()), -ONE)
    return algebra.contract([(x, x.free), (length, ())], x.free)


def _softmax(wire: Wire, forms: list[Form]) -> Form:
    """The softmax along one axis, which is turned to be the last."""
    rank = len(wire.shape)
    (axis,) = parameters_of(wire.gate)["axes"]
    order = [k for k in range(rank) if k != axis % rank] + [axis % rank]
    axes = [wire.shape[k] for k in order]
    turned = algebra.moved(forms[0], [order.index(k) for k in range(rank)], axes)
    return algebra.moved(algebra.array_call("softmax", turned, axes), order, wire.shape)


def _cofactor(wire: Wire, forms: list[Form]) -> Form:
    """det(A) A⁻ᵀ, which is what it is where A is regular."""
    det = algebra.array_call("det", forms[0], ())
    inverted = algebra.transposed(_inverse(forms[0]))
    return algebra.contract([(det, ()), (inverted, inverted.free)], inverted.free)


def _scalar_call(name: str) -> Callable[[Wire, list[Form]], Form]:
    return lambda wire, forms: algebra.array_call(name, forms[0], ())


_ARRAY_GATES: Mapping[str, Callable[[Wire, list[Form]], Form | None]] = {
    **SELECTIONS,
    "inverse": lambda wire, forms: _inverse(forms[0]),
    "solve": _solve,
    "softmax": _softmax,
    "logsumexp": _scalar_call("logsumexp"),
    "norm": _scalar_call("norm"),
    "unit": _unit,
    "cofactor": _cofactor,
    "det": _scalar_call("det"),
    "logdet": _scalar_call("logdet"),
}
