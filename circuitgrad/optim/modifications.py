"""What is added to an optimiser: clipping, weight decay, soft thresholds, frozen parameters."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import replace
from typing import Any, TypeAlias

import numpy as np

from circuitgrad.containers import arrays_of, mapped, places, rebuilt
from circuitgrad.errors import SpecError
from circuitgrad.grammar import nearest
from circuitgrad.optim.optimizers import Optimizer, State
from circuitgrad.optim.schedules import positive

Selection: TypeAlias = "str | Iterable[str] | Callable[[str], bool] | None"


def selected(parameters: Any, only: Selection, what: str) -> list[bool]:
    """Whether each array is meant by a selection.

    Args:
        parameters: A container of arrays.
        only: Names of arrays or of dicts that hold them, in full ("layer1", "layer1.W") or the last
            part ("W"); or a function of the full name. None means all.
        what: Who asks, for messages.

    Raises:
        SpecError: A name that is none of the parameters'.
    """
    names = places(parameters)
    if only is None:
        return [True] * len(names)
    if callable(only):
        return [bool(only(name)) for name in names]
    wanted = [only] if isinstance(only, str) else list(only)
    for name in wanted:
        if not any(_is_meant(found, name) for found in names):
            raise SpecError(f"{what}: no parameter is named '{name}'.{nearest(name, names)}")
    return [any(_is_meant(found, name) for name in wanted) for found in names]


def _is_meant(found: str, name: str) -> bool:
    return found == name or found.startswith(f"{name}.") or found.endswith(f".{name}")


def _each(function: Callable[..., Any], chosen: list[bool], first: Any, *others: Any) -> Any:
    """The first container with a function applied where it is chosen."""
    columns = [arrays_of(part) for part in (first, *others)]
    rows = zip(chosen, *columns, strict=True)
    return rebuilt(first, iter([function(*row) if is_in else row[0] for is_in, *row in rows]))


def _described(optimizer: Optimizer, text: str, only: Selection = None) -> str:
    if not (only is None or callable(only) or isinstance(only, Iterable)):
        raise SpecError(f"{text}: got {only!r}; needed names of parameters, or a function of them.")
    if not isinstance(optimizer, Optimizer):
        raise SpecError(
            f"{text}: got {type(optimizer).__name__}; needed an optimiser, as optim.sgd(0.1)."
        )
    if only is None or callable(only):
        where = "" if only is None else f" of {getattr(only, '__qualname__', 'a selection')}"
    else:
        where = f" of {only if isinstance(only, str) else ', '.join(only)}"
    return f"{optimizer.description} | {text}{where}"


def with_norm_clipping(optimizer: Optimizer, limit: float) -> Optimizer:
    """The optimiser on gradients scaled down where their joint 2-norm is above the limit.

    Source:
        Pascanu, Mikolov & Bengio, ICML 2013.
    """
    bound = positive(limit, "with_norm_clipping: limit")

    def update(gradients: Any, state: State, parameters: Any) -> tuple[Any, State]:
        norm = global_norm(gradients)
        if norm > bound:
            gradients = mapped(
                lambda g: np.asarray(g) * np.asarray(g).dtype.type(bound / norm), gradients
            )
        return optimizer.update(gradients, state, parameters)

    return replace(optimizer, update=update, description=_described(optimizer, f"norm <= {bound}"))


def global_norm(gradients: Any) -> float:
    """The 2-norm of all the arrays of a container together, safe from overflow.

    >>> global_norm({"w": np.array([3.0]), "b": np.array([4.0])})
    5.0
    """
    norms = [float(np.linalg.norm(np.asarray(x, np.float64))) for x in arrays_of(gradients)]
    return float(np.linalg.norm(norms)) if all(np.isfinite(norms)) else float(np.max(norms))


def with_value_clipping(optimizer: Optimizer, limit: float) -> Optimizer:
    """The optimiser on gradients whose entries are clipped to [-limit, limit]."""
    bound = positive(limit, "with_value_clipping: limit")

    def update(gradients: Any, state: State, parameters: Any) -> tuple[Any, State]:
        clipped = mapped(lambda g: np.clip(g, -bound, bound), gradients)
        return optimizer.update(clipped, state, parameters)

    return replace(optimizer, update=update, description=_described(optimizer, f"|g| <= {bound}"))


def with_weight_decay(
    optimizer: Optimizer, strength: float, *, decoupled: bool = False, only: Selection = None
) -> Optimizer:
    """The optimiser with weights pulled to zero.

    Args:
        optimizer: What the decay is added to.
        strength: λ, at least 0.
        decoupled: False adds λθ to the gradient, as the penalty ½λ‖θ‖² does. True shrinks first,
            θ ← (1 - ελ)θ, and leaves the gradient alone. For SGD both are the same.
        only: Which parameters, as in `selected`: only="W" leaves out biases named b.

    Source:
        Loshchilov & Hutter, Decoupled weight decay regularization, ICLR 2019.
    """
    decay = positive(strength, "with_weight_decay: strength", zero=True)
    where = "with_weight_decay"

    def coupled(gradients: Any, state: State, parameters: Any) -> tuple[Any, State]:
        point = optimizer.point(parameters, state)
        chosen = selected(parameters, only, where)
        return optimizer.update(
            _each(lambda g, x: g + decay * x, chosen, gradients, point), state, parameters
        )

    def shrinking(gradients: Any, state: State, parameters: Any) -> tuple[Any, State]:
        chosen = selected(parameters, only, where)
        smaller = _each(
            lambda x: x * np.asarray(x).dtype.type(1 - optimizer.rate_of(state, x) * decay),
            chosen,
            parameters,
        )
        return optimizer.update(gradients, state, smaller)

    text = _described(optimizer, f"{'decoupled ' if decoupled else ''}decay {decay}", only)
    return replace(optimizer, update=shrinking if decoupled else coupled, description=text)


def with_soft_threshold(
    optimizer: Optimizer, strength: float, *, only: Selection = None
) -> Optimizer:
    """The optimiser, each update followed by θ ← sign(θ)·max(|θ| - ελ, 0).

    This is the proximal step of the penalty λ‖θ‖₁: weights become exactly zero, which a subgradient
    step never makes them.

    Source:
        Daubechies, Defrise & De Mol, Comm. Pure Appl. Math. 57 (2004) 1413.
    """
    penalty = positive(strength, "with_soft_threshold: strength", zero=True)

    def update(gradients: Any, state: State, parameters: Any) -> tuple[Any, State]:
        moved, after = optimizer.update(gradients, state, parameters)
        chosen = selected(parameters, only, "with_soft_threshold")

        def shrunk(x: Any) -> Any:
            bound = np.asarray(x).dtype.type(optimizer.rate_of(state, x) * penalty)
            return np.sign(x) * np.maximum(np.abs(x) - bound, 0)

        return _each(shrunk, chosen, moved), after

    text = _described(optimizer, f"soft threshold {penalty}", only)
    return replace(optimizer, update=update, description=text)


def with_frozen(optimizer: Optimizer, names: Selection) -> Optimizer:
    """The optimiser leaving the parameters named as they are, bit for bit.

    Args:
        optimizer: What moves the others.
        names: Which parameters are frozen, as in `selected`.
    """

    def update(gradients: Any, state: State, parameters: Any) -> tuple[Any, State]:
        chosen = selected(parameters, names, "with_frozen")
        still = _each(np.zeros_like, chosen, gradients)
        moved, after = optimizer.update(still, state, parameters)
        return _each(lambda new, old: old, chosen, moved, parameters), after

    return replace(optimizer, update=update, description=_described(optimizer, "frozen", names))
