"""Reductions that are not sums: mean, largest and smallest entry, softmax, logsumexp, norm."""

from __future__ import annotations

import math
from collections.abc import Iterable
from typing import Any

import numpy as np

from circuitgrad.errors import ShapeError
from circuitgrad.gates import arithmetic, functions
from circuitgrad.gates.broadcasting import broadcast_to
from circuitgrad.gates.contractions import total
from circuitgrad.gates.from_einsum import einsum
from circuitgrad.gates.from_rule import Declaration
from circuitgrad.sources import as_wire, constant, input_wire
from circuitgrad.spec import Spec, format_shape, normalize_axes
from circuitgrad.wire import Array, Operand, Wire, describe

Axes = tuple[int, ...]


def _negative(wire: Wire, axis: int | Iterable[int] | None, where: str) -> Axes:
    """The axes counted from the last, so that leading batch axes change nothing."""
    axes = normalize_axes(axis, wire.ndim, f"{where} of {describe(wire)}")
    empty = [wire.shape[k] for k in axes if wire.shape[k] == 0]
    if empty:
        raise ShapeError(
            f"{where}: {describe(wire)} is {format_shape(wire.shape)}, and nothing has no {where}."
        )
    return tuple(k - wire.ndim for k in axes)


def _spread(reduced: Wire, like: Wire, axes: Axes) -> Wire:
    """A reduced wire (with the batch axes of `like`) given its axes of size 1 back."""
    places = tuple(sorted(k % like.ndim for k in axes))
    letters = iter("abcdefghijklmnopqrstuvwxyz")
    after = "".join(
        "ABCDEFGHIJKLMNOPQRSTUVWXYZ"[k] if k in places else next(letters) for k in range(like.ndim)
    )
    before = "".join(x for x in after if x.islower())
    return einsum(f"{before}->{after}", reduced, sizes={x: 1 for x in after if x.isupper()})


def _reduced_spec(inputs: tuple[Wire, ...], axes: Axes) -> Spec:
    (wire,) = inputs
    kept = tuple(axis for k, axis in enumerate(wire.shape) if k - wire.ndim not in axes)
    return Spec(kept, wire.dtype)


def _same_spec(inputs: tuple[Wire, ...], axes: Axes) -> Spec:
    return inputs[0].spec


def _restored(out: Wire, keepdims: bool, wire: Wire, axes: Axes) -> Wire:
    return _spread(out, wire, axes) if keepdims else out


def _like(reduced: Wire, source: Wire, batched: Wire, out: Wire, axes: Axes) -> Wire:
    """A wire of the output's shape (batched as `batched` is) as one of the source's rank."""
    lead = batched.ndim - out.ndim
    model = _batched_like(batched, lead, source)
    return _spread(reduced, model, axes)


def _batched_like(batched: Wire, lead: int, source: Wire) -> Wire:
    """A wire whose shape is the batch axes of one wire followed by the axes of another."""
    return broadcast_to(constant(0.0), (*batched.shape[:lead], *source.shape))


# --- mean -----------------------------------------------------------------------------------------


def _count(wire: Wire, axes: Axes) -> Wire:
    """How many entries a mean is taken over, as a wire (axes with names are counted when run)."""
    ones = broadcast_to(constant(1.0, wire.dtype), tuple(wire.shape[k] for k in axes))
    return total(ones)


def _mean_pullback(out: Wire, grad: Wire, axes: Axes) -> tuple[Wire]:
    (wire,) = out.inputs
    spread = _like(grad, wire, grad, out, axes)
    shape = (*grad.shape[: grad.ndim - out.ndim], *wire.shape)
    return (broadcast_to(arithmetic.div(spread, _count(wire, axes)), shape),)


_mean: Declaration = Declaration(
    "mean",
    "composite",
    "mean",
    infer=_reduced_spec,
    function=lambda a, axes: np.mean(a, axis=axes),
    pullback=_mean_pullback,
    pushforward=lambda out, tangents, axes: _mean(tangents[0], axes=axes),
    meaning=lambda x, axes: arithmetic.div(total(x, axes), _count(x, axes)),
    sample=lambda: mean(input_wire("x", "n")),
    formula="sum(x)/n",
    latex=r"\operatorname{{mean}}{0}",
)


def mean(x: Operand, axis: int | Iterable[int] | None = None, keepdims: bool = False) -> Wire:
    """The mean over the axes given (all by default), as numpy.mean."""
    wire = as_wire(x)
    axes = _negative(wire, axis, "mean")
    return _restored(_mean(wire, axes=axes), keepdims, wire, axes) if axes else wire


# --- largest and smallest entry -------------------------------------------------------------------


def _shares(a: Array, axes: Axes, choose: Any) -> Array:
    chosen = a == choose(a, axis=axes, keepdims=True)
    shares: Array = chosen / chosen.sum(axis=axes, keepdims=True)
    return np.asarray(shares, a.dtype)


def _nothing(*_: Any, **__: Any) -> tuple[None]:
    return (None,)


def _selected(name: str, choose: Any, shares: Declaration, word: str) -> Declaration:
    def pullback(out: Wire, grad: Wire, axes: Axes) -> tuple[Wire]:
        (wire,) = out.inputs
        weights = shares(wire, axes=axes)
        return (arithmetic.mul(_like(grad, wire, grad, out, axes), weights),)

    def pushforward(out: Wire, tangents: tuple[Wire], axes: Axes) -> Wire:
        return total(arithmetic.mul(tangents[0], shares(out.inputs[0], axes=axes)), axes)

    declared = Declaration(
        name,
        "selection",
        word,
        infer=_reduced_spec,
        function=lambda a, axes: choose(a, axis=axes),
        pullback=pullback,
        pushforward=pushforward,
        meaning=lambda x, axes: shares(x, axes=axes),
        sample=lambda: declared(input_wire("x", 3), axes=(-1,)),
        formula=f"the {word} entry",
        policy="ties share the gradient equally",
        latex=rf"\{word}{{0}}",
    )
    return declared


def _make_shares(name: str, choose: Any, word: str) -> Declaration:
    declared = Declaration(
        name,
        "selection",
        f"1[{word}]",
        infer=_same_spec,
        function=lambda a, axes: _shares(a, axes, choose),
        pullback=_nothing,
        pushforward=lambda out, tangents, axes: None,
        sample=lambda: declared(input_wire("x", 3), axes=(-1,)),
        formula=f"1 at the {word} entry, shared equally by ties",
        policy="0 everywhere (piecewise constant)",
        latex=rf"\mathbf 1_{{{{\{word}}}}}{{0}}",
    )
    return declared


_largest_share: Declaration = _make_shares("max_share", np.max, "max")
_smallest_share: Declaration = _make_shares("min_share", np.min, "min")
_largest: Declaration = _selected("max_reduce", np.max, _largest_share, "max")
_smallest: Declaration = _selected("min_reduce", np.min, _smallest_share, "min")


def largest(x: Operand, axis: int | Iterable[int] | None = None, keepdims: bool = False) -> Wire:
    """The largest entry along the axes given, as numpy.max; ties share the gradient equally."""
    wire = as_wire(x)
    axes = _negative(wire, axis, "max")
    return _restored(_largest(wire, axes=axes), keepdims, wire, axes) if axes else wire


def smallest(x: Operand, axis: int | Iterable[int] | None = None, keepdims: bool = False) -> Wire:
    """The smallest entry along the axes given, as numpy.min; ties share the gradient equally."""
    wire = as_wire(x)
    axes = _negative(wire, axis, "min")
    return _restored(_smallest(wire, axes=axes), keepdims, wire, axes) if axes else wire


# --- softmax and its family -----------------------------------------------------------------------


def _shifted(a: Array, axes: Axes) -> tuple[Array, Array]:
    """The entries less their maximum (infinite maxima are left alone), and that maximum."""
    top = np.max(a, axis=axes, keepdims=True)
    top = np.where(np.isfinite(top), top, 0.0)
    return a - top, top


def _softmax_kernel(a: Array, axes: Axes) -> Array:
    weights = np.exp(_shifted(a, axes)[0])
    quotient: Array = weights / np.sum(weights, axis=axes, keepdims=True)
    return quotient


def _logsumexp_kernel(a: Array, axes: Axes) -> Array:
    shifted, top = _shifted(a, axes)
    result: Array = _log_of_sum(shifted, axes) + np.squeeze(top, axis=axes)
    return result


def _log_of_sum(shifted: Array, axes: Axes) -> Array:
    """log Σ exp of entries whose maximum is 0: log1p of all but one of the ones."""
    is_top = shifted == 0
    others = np.where(is_top, 0.0, np.exp(shifted))
    ties = np.sum(is_top, axis=axes, dtype=shifted.dtype) - 1
    result: Array = np.log1p(np.sum(others, axis=axes) + ties)
    return result


def _softmax_rule(out: Wire, grad: Wire, axes: Axes) -> Wire:
    """diag(p)g - p(pᵀg): the Jacobian is symmetric, so it serves both directions."""
    return out * (grad - total(grad * out, axes, keepdims=True))


_softmax: Declaration = Declaration(
    "softmax",
    "composite",
    "softmax",
    infer=_same_spec,
    function=_softmax_kernel,
    pullback=lambda out, grad, axes: (_softmax_rule(out, grad, axes),),
    pushforward=lambda out, tangents, axes: _softmax_rule(out, tangents[0], axes),
    meaning=lambda x, axes: arithmetic.div(
        functions.exp(x), total(functions.exp(x), axes, keepdims=True)
    ),
    sample=lambda: softmax(input_wire("x", 3)),
    formula="exp(x)/sum(exp(x))",
    flops=lambda x: 5 * math.prod(x),  # max, subtract, exp, add, divide
    latex=r"\operatorname{{softmax}}{0}",
    source="Bridle, NIPS 1989",
)


def softmax(x: Operand, axis: int | Iterable[int] = -1) -> Wire:
    """exp(x) over its sum along an axis; safe for entries of any size."""
    wire = as_wire(x)
    return _softmax(wire, axes=_negative(wire, axis, "softmax"))


def _logsumexp_pullback(out: Wire, grad: Wire, axes: Axes) -> tuple[Wire]:
    (wire,) = out.inputs
    return (arithmetic.mul(_like(grad, wire, grad, out, axes), _softmax(wire, axes=axes)),)


_logsumexp: Declaration = Declaration(
    "logsumexp",
    "composite",
    "lse",
    infer=_reduced_spec,
    function=_logsumexp_kernel,
    pullback=_logsumexp_pullback,
    pushforward=lambda out, tangents, axes: total(
        arithmetic.mul(tangents[0], _softmax(out.inputs[0], axes=axes)), axes
    ),
    meaning=lambda x, axes: arithmetic.log(total(functions.exp(x), axes)),
    sample=lambda: logsumexp(input_wire("x", 3)),
    formula="log(sum(exp(x)))",
    flops=lambda x: 4 * math.prod(x),
    latex=r"\operatorname{{lse}}{0}",
)


def logsumexp(x: Operand, axis: int | Iterable[int] | None = None, keepdims: bool = False) -> Wire:
    """log Σ exp(x) along the axes given (all by default); safe for entries of any size."""
    wire = as_wire(x)
    axes = _negative(wire, axis, "logsumexp")
    return _restored(_logsumexp(wire, axes=axes), keepdims, wire, axes) if axes else wire


def _log_softmax_pullback(out: Wire, grad: Wire, axes: Axes) -> tuple[Wire]:
    weights = _softmax(out.inputs[0], axes=axes)
    return (arithmetic.sub(grad, arithmetic.mul(weights, total(grad, axes, keepdims=True))),)


def _log_softmax_pushforward(out: Wire, tangents: tuple[Wire], axes: Axes) -> Wire:
    weights = _softmax(out.inputs[0], axes=axes)
    (tangent,) = tangents
    return tangent - total(weights * tangent, axes, keepdims=True)


def _log_softmax_kernel(a: Array, axes: Axes) -> Array:
    shifted, _ = _shifted(a, axes)
    result: Array = shifted - np.expand_dims(_log_of_sum(shifted, axes), axes)
    return result


_log_softmax: Declaration = Declaration(
    "log_softmax",
    "composite",
    "log softmax",
    infer=_same_spec,
    function=_log_softmax_kernel,
    pullback=_log_softmax_pullback,
    pushforward=_log_softmax_pushforward,
    meaning=lambda x, axes: arithmetic.sub(
        x, arithmetic.log(total(functions.exp(x), axes, keepdims=True))
    ),
    sample=lambda: log_softmax(input_wire("x", 3)),
    formula="x - log(sum(exp(x)))",
    latex=r"\log\operatorname{{softmax}}{0}",
)


def log_softmax(x: Operand, axis: int | Iterable[int] = -1) -> Wire:
    """x - log Σ exp(x) along an axis; safe for entries of any size."""
    wire = as_wire(x)
    return _log_softmax(wire, axes=_negative(wire, axis, "log_softmax"))


# --- norm -----------------------------------------------------------------------------------------


def _norm_kernel(a: Array, axes: Axes) -> Array:
    """√Σx², scaled by the largest entry so that squares neither overflow nor vanish."""
    scale = np.max(np.abs(a), axis=axes, keepdims=True)
    scale = np.where(np.isfinite(scale) & (scale > 0), scale, 1.0)
    result: Array = np.sqrt(np.sum((a / scale) ** 2, axis=axes)) * np.squeeze(scale, axis=axes)
    return result


def _unit_kernel(a: Array, axes: Axes) -> Array:
    length = np.expand_dims(_norm_kernel(a, axes), axes)
    result: Array = a / np.where(length > 0, length, 1.0)
    return result


def _unit_rule(out: Wire, grad: Wire, axes: Axes) -> Wire:
    """(g - u(uᵀg))/‖x‖, symmetric as well."""
    (wire,) = out.inputs
    along = total(grad * out, axes, keepdims=True)
    return (grad - out * along) / _spread(_norm(wire, axes=axes), wire, axes)


_unit: Declaration = Declaration(
    "unit",
    "composite",
    "x/‖x‖",
    infer=_same_spec,
    function=_unit_kernel,
    pullback=lambda out, grad, axes: (_unit_rule(out, grad, axes),),
    pushforward=lambda out, tangents, axes: _unit_rule(out, tangents[0], axes),
    meaning=lambda x, axes: arithmetic.div(
        x, arithmetic.sqrt(total(arithmetic.square(x), axes, keepdims=True))
    ),
    sample=lambda: _unit(input_wire("x", 2), axes=(-1,)),
    formula="x/sqrt(sum(x**2))",
    flops=lambda x: 3 * math.prod(x),
    policy="0 at x = 0",
    latex=r"\widehat{{{0}}}",
)

_norm: Declaration = Declaration(
    "norm",
    "composite",
    "‖x‖",
    infer=_reduced_spec,
    function=_norm_kernel,
    pullback=lambda out, grad, axes: (
        arithmetic.mul(
            _like(grad, out.inputs[0], grad, out, axes), _unit(out.inputs[0], axes=axes)
        ),
    ),
    pushforward=lambda out, tangents, axes: total(
        arithmetic.mul(tangents[0], _unit(out.inputs[0], axes=axes)), axes
    ),
    meaning=lambda x, axes: arithmetic.sqrt(total(arithmetic.square(x), axes)),
    sample=lambda: norm(input_wire("x", 2)),
    formula="sqrt(sum(x**2))",
    flops=lambda x: 2 * math.prod(x),
    policy="0 at x = 0, the subgradient of least norm",
    latex=r"\lVert {0}\rVert",
)


def norm(x: Operand, axis: int | Iterable[int] | None = None, keepdims: bool = False) -> Wire:
    """The Euclidean (Frobenius) norm over the axes given (all by default)."""
    wire = as_wire(x)
    if not wire.ndim:
        absolute: Wire = arithmetic.absolute(wire)
        return absolute
    axes = _negative(wire, axis, "norm")
    return _restored(_norm(wire, axes=axes), keepdims, wire, axes)
