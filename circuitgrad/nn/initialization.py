"""Initial weights: functions of a generator and a shape (outputs, inputs)."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from itertools import pairwise
from typing import Any, TypeAlias

import numpy as np

from circuitgrad.errors import ShapeError, SpecError
from circuitgrad.spec import format_shape
from circuitgrad.wire import Array

Initializer: TypeAlias = Callable[[np.random.Generator, tuple[int, ...]], Array]


def _fans(generator: Any, shape: Any, what: str) -> tuple[int, int]:
    """The numbers of inputs and outputs of a matrix."""
    if not isinstance(generator, np.random.Generator):
        raise SpecError(
            f"{what}: got {type(generator).__name__}; needed a generator, as "
            "np.random.default_rng(0)."
        )
    if not isinstance(shape, Sequence) or len(shape) < 2 or min(shape[-2:]) < 1:
        told = format_shape(tuple(shape)) if isinstance(shape, Sequence) else repr(shape)
        raise ShapeError(f"{what}: got shape {told}; needed (outputs, inputs), none of them 0.")
    return shape[-1], shape[-2]


def small_normal(generator: np.random.Generator, shape: tuple[int, ...]) -> Array:
    """Normal weights of standard deviation 0.01: deep networks fall silent."""
    _fans(generator, shape, "small_normal")
    return 0.01 * generator.standard_normal(shape)


def large_normal(generator: np.random.Generator, shape: tuple[int, ...]) -> Array:
    """Normal weights of standard deviation 1: sigmoid and tanh saturate."""
    _fans(generator, shape, "large_normal")
    return generator.standard_normal(shape)


def xavier_normal_inputs(generator: np.random.Generator, shape: tuple[int, ...]) -> Array:
    """Normal weights of variance 1/n_in."""
    inputs, _ = _fans(generator, shape, "xavier_normal_inputs")
    return math.sqrt(1 / inputs) * generator.standard_normal(shape)


def xavier_normal(generator: np.random.Generator, shape: tuple[int, ...]) -> Array:
    """Normal weights of variance 2/(n_in + n_out).

    Source:
        Glorot & Bengio, AISTATS 2010.
    """
    inputs, outputs = _fans(generator, shape, "xavier_normal")
    return math.sqrt(2 / (inputs + outputs)) * generator.standard_normal(shape)


def xavier_uniform(generator: np.random.Generator, shape: tuple[int, ...]) -> Array:
    """Uniform weights within ±√6/√(n_in + n_out): variance 2/(n_in + n_out) as well."""
    inputs, outputs = _fans(generator, shape, "xavier_uniform")
    bound = math.sqrt(6 / (inputs + outputs))
    return generator.uniform(-bound, bound, shape)


def he_normal(generator: np.random.Generator, shape: tuple[int, ...]) -> Array:
    """Normal weights of variance 2/n_in, for relu.

    Source:
        He et al., ICCV 2015.
    """
    inputs, _ = _fans(generator, shape, "he_normal")
    return math.sqrt(2 / inputs) * generator.standard_normal(shape)


def affine_parameters(
    generator: np.random.Generator,
    inputs: int,
    outputs: int,
    initializer: Initializer = xavier_uniform,
) -> dict[str, Array]:
    """{"W": (outputs, inputs), "b": zeros} for the layer `affine`."""
    return {"W": initializer(generator, (outputs, inputs)), "b": np.zeros(outputs)}


def dense_parameters(
    generator: np.random.Generator, sizes: Sequence[int], initializer: Initializer = he_normal
) -> dict[str, dict[str, Array]]:
    """Parameters "layer1", "layer2", … of a fully connected network with layers of these sizes.

    >>> list(dense_parameters(np.random.default_rng(0), (4, 3, 2)))
    ['layer1', 'layer2']
    """
    if len(sizes) < 2:
        raise SpecError(f"dense_parameters: got sizes {tuple(sizes)}; needed two or more.")
    pairs = pairwise(sizes)
    return {
        f"layer{k}": affine_parameters(generator, inputs, outputs, initializer)
        for k, (inputs, outputs) in enumerate(pairs, start=1)
    }
