"""Batch, layer and group norm; running statistics are state that is handed over and back."""

from __future__ import annotations

from typing import Any, TypeAlias

import numpy as np

from circuitgrad.errors import DomainError, ShapeError
from circuitgrad.gates.arithmetic import sqrt, square
from circuitgrad.gates.reductions import mean
from circuitgrad.nn.arguments import check_ranks, numeric, part, share
from circuitgrad.sources import as_wire
from circuitgrad.spec import format_shape
from circuitgrad.wire import Array, Wire

State: TypeAlias = dict[str, Any]


def batch_norm_state(features: int) -> dict[str, Array]:
    """The running statistics before training: mean 0, variance 1."""
    return {"mean": np.zeros(features), "variance": np.ones(features)}


def norm_parameters(features: int) -> dict[str, Array]:
    """γ = 1 and β = 0, with which a norm only normalises."""
    return {"gamma": np.ones(features), "beta": np.zeros(features)}


@numeric
def batch_norm(
    parameters: Any,
    x: Any,
    state: State,
    *,
    train: bool,
    momentum: float = 0.1,
    epsilon: float = 1e-5,
) -> tuple[Any, State]:
    """γ(x - μ)/√(σ² + ε) + β and the new running statistics.

    In training μ and σ² are the batch's (σ² with 1/N), and the running ones move towards them:
    running ← (1 - momentum)·running + momentum·batch, with the variance by 1/(N - 1), as in
    PyTorch. In testing μ and σ² are the running ones, and the state stays.

    Args:
        parameters: {"gamma": (m,), "beta": (m,)}.
        x: (N, m).
        state: {"mean": (m,), "variance": (m,)}; batch_norm_state(m) at first.
        train: Whether the batch's own statistics are used.
        momentum: How fast the running statistics move.
        epsilon: ε, which keeps the root from 0.

    Raises:
        ShapeError: A batch of one sample in training, which has no variance.

    Source:
        Ioffe & Szegedy, ICML 2015.
    """
    wire = as_wire(x)
    check_ranks(wire, (2,), "batch_norm: x")
    pace = share(momentum, "batch_norm: momentum", zero=True, one=True)
    running = {name: as_wire(part(state, name, "batch_norm")) for name in ("mean", "variance")}
    if not train:
        scaled = (wire - running["mean"]) / sqrt(running["variance"] + _epsilon(epsilon))
        return _affine(parameters, scaled, "batch_norm"), running
    count = wire.shape[0]
    if not isinstance(count, int) or count < 2:
        raise ShapeError(
            f"batch_norm: x is {format_shape(wire.shape)}; one sample has no variance. "
            "Give two or more, their number told, or train=False."
        )
    scaled, average, variance = _normalized(wire, (0,), epsilon)
    unbiased = variance[0] * (count / (count - 1))
    moved = {
        "mean": (1 - pace) * running["mean"] + pace * average[0],
        "variance": (1 - pace) * running["variance"] + pace * unbiased,
    }
    return _affine(parameters, scaled, "batch_norm"), moved


@numeric
def layer_norm(parameters: Any, x: Any, *, epsilon: float = 1e-5) -> Any:
    """γ(x - μ)/√(σ² + ε) + β with μ and σ² of each sample, over its last axis.

    Args:
        parameters: {"gamma": (m,), "beta": (m,)}.
        x: (m,), or (N, m).
        epsilon: ε, which keeps the root from 0.

    Source:
        Ba, Kiros & Hinton, arXiv:1607.06450, 2016.
    """
    wire = as_wire(x)
    check_ranks(wire, (1, 2), "layer_norm: x")
    return _affine(parameters, _normalized(wire, (-1,), epsilon)[0], "layer_norm")


@numeric
def group_norm(parameters: Any, x: Any, groups: int, *, epsilon: float = 1e-5) -> Any:
    """Layer norm within each of some groups of neighbouring features.

    Args:
        parameters: {"gamma": (m,), "beta": (m,)}.
        x: (N, m), m a multiple of the number of groups.
        groups: How many groups; 1 is layer norm.
        epsilon: ε, which keeps the root from 0.

    Source:
        Wu & He, ECCV 2018.
    """
    wire = as_wire(x)
    check_ranks(wire, (2,), "group_norm: x")
    count, features = wire.shape
    if (
        not isinstance(groups, int)
        or groups < 1
        or not isinstance(features, int)
        or features % groups
    ):
        raise ShapeError(
            f"group_norm: x is {format_shape(wire.shape)}, for {groups} groups; needed a number of "
            "features that the groups divide."
        )
    split = wire.reshape((count, groups, features // groups))
    scaled = _normalized(split, (-1,), epsilon)[0].reshape(wire.shape)
    return _affine(parameters, scaled, "group_norm")


def _epsilon(value: float) -> float:
    if not value > 0:
        raise DomainError(f"norm: epsilon is {value!r}; needed a number above 0.")
    return float(value)


def _normalized(wire: Wire, axes: tuple[int, ...], epsilon: float) -> tuple[Wire, Wire, Wire]:
    """The entries with mean 0 and variance 1 along some axes, that mean, and that variance."""
    average = mean(wire, axes, keepdims=True)
    centered = wire - average
    variance = mean(square(centered), axes, keepdims=True)
    return centered / sqrt(variance + _epsilon(epsilon)), average, variance


def _affine(parameters: Any, scaled: Wire, layer: str) -> Wire:
    gamma, beta = (as_wire(part(parameters, name, layer)) for name in ("gamma", "beta"))
    for name, wire in (("gamma", gamma), ("beta", beta)):
        if wire.shape != scaled.shape[-1:]:
            raise ShapeError(
                f"{layer}: {name} is {format_shape(wire.shape)}; needed "
                f"{format_shape(scaled.shape[-1:])}, one entry per feature."
            )
    return gamma * scaled + beta
