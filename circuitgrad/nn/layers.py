"""Layers: plain functions of parameters and inputs."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, TypeAlias

import numpy as np

from circuitgrad.errors import ShapeError, SpecError
from circuitgrad.gates.activations import leaky_relu, sigmoid
from circuitgrad.gates.from_einsum import einsum
from circuitgrad.gates.reductions import largest
from circuitgrad.nn.arguments import check_equal_shapes, check_ranks, numeric, part, share
from circuitgrad.sources import as_wire
from circuitgrad.spec import format_shape
from circuitgrad.wire import Array

Layer: TypeAlias = "Callable[..., Any] | tuple[str, Callable[..., Any]]"


_SPECS = {1: "j,ij->i", 2: "nj,ij->ni"}  # by the number of axes of x


@numeric
def affine(parameters: Any, x: Any) -> Any:
    """Wx + b; for samples in rows, xWᵀ + b.

    Args:
        parameters: {"W": (m, n), "b": (m,)}; without "b" the map is linear.
        x: (n,), or (N, n) for N samples.

    >>> affine({"W": np.array([[1.0, 2.0]]), "b": np.array([3.0])}, np.array([1.0, 1.0]))
    array([6.])
    """
    weights, wire = as_wire(part(parameters, "W", "affine")), as_wire(x)
    check_ranks(weights, (2,), "affine: W")
    check_ranks(wire, (1, 2), "affine: x")
    if weights.shape[1] != wire.shape[-1]:
        raise ShapeError(
            f"affine: W is {format_shape(weights.shape)} and x is {format_shape(wire.shape)}; "
            "needed as many columns of W as entries of a sample."
        )
    product = einsum(_SPECS[wire.ndim], wire, weights)
    if "b" not in parameters:
        return product
    offset = as_wire(parameters["b"])
    if offset.shape != weights.shape[:1]:
        raise ShapeError(
            f"affine: b is {format_shape(offset.shape)}; needed {format_shape(weights.shape[:1])}, "
            "one entry per row of W."
        )
    return product + offset


@numeric
def maxout(parameters: Any, x: Any) -> Any:
    """The largest of k affine maps, entry by entry; ties share the gradient.

    Args:
        parameters: {"W": (k, m, n), "b": (k, m)}.
        x: (n,), or (N, n).

    Source:
        Goodfellow et al., ICML 2013.
    """
    weights, offset = (
        as_wire(part(parameters, "W", "maxout")),
        as_wire(part(parameters, "b", "maxout")),
    )
    wire = as_wire(x)
    check_ranks(weights, (3,), "maxout: W")
    check_ranks(wire, (1, 2), "maxout: x")
    if offset.shape != weights.shape[:2]:
        raise ShapeError(
            f"maxout: b is {format_shape(offset.shape)}; needed {format_shape(weights.shape[:2])}."
        )
    spec = "j,kij->ki" if wire.ndim == 1 else "nj,kij->nki"
    return largest(einsum(spec, wire, weights) + offset, axis=-2)


@numeric
def prelu(parameters: Any, x: Any) -> Any:
    """x above 0, slope·x below; the slope is learned.

    Args:
        parameters: {"slope": a number, or one for each entry of a sample}.
        x: Any shape.

    Source:
        He et al., ICCV 2015.
    """
    return leaky_relu(as_wire(x), as_wire(part(parameters, "slope", "prelu")))


@numeric
def swish(x: Any, beta: Any = 1.0) -> Any:
    """x·σ(βx): x/2 for β = 0, near relu for large β."""
    wire = as_wire(x)
    return wire * sigmoid(as_wire(beta) * wire)


def dropout_mask(generator: np.random.Generator, shape: Any, keep: float) -> Array:
    """Ones with probability `keep`, zeros elsewhere.

    >>> dropout_mask(np.random.default_rng(0), (2, 3), keep=0.5)
    array([[0., 1., 1.],
           [1., 0., 0.]])
    """
    if not isinstance(generator, np.random.Generator):
        raise SpecError(
            f"dropout_mask: got {type(generator).__name__}; needed a generator, as "
            "np.random.default_rng(0)."
        )
    bound = share(keep, "dropout_mask: keep", one=True)
    mask: Array = (generator.random(shape) < bound).astype(float)
    return mask


@numeric
def dropout(x: Any, mask: Any, *, keep: float, train: bool) -> Any:
    """x·mask in training, keep·x in testing: both have the same expectation.

    Args:
        x: Activations.
        mask: Of their shape, from dropout_mask; not read when testing, where None will do.
        keep: The probability with which a unit is kept.
        train: Whether units are dropped at all.

    Source:
        Srivastava et al., J. Mach. Learn. Res. 15 (2014) 1929.
    """
    probability = share(keep, "dropout: keep", one=True)
    return _masked(x, mask, "dropout") if train else as_wire(x) * probability


@numeric
def inverted_dropout(x: Any, mask: Any, *, keep: float, train: bool) -> Any:
    """x·mask/keep in training, and x itself in testing."""
    probability = share(keep, "inverted_dropout: keep", one=True)
    if not train:
        return as_wire(x)
    return _masked(x, mask, "inverted_dropout") * (1 / probability)


def _masked(x: Any, mask: Any, where: str) -> Any:
    if mask is None:
        raise SpecError(f"{where}: got no mask; training needs one, from dropout_mask.")
    wire, kept = as_wire(x), as_wire(mask)
    check_equal_shapes(kept, wire, f"{where}: the mask", "the input")
    return wire * kept


def sequential(*layers: Layer) -> Callable[[Any, Any], Any]:
    """The model that applies layers one after the other.

    Args:
        *layers: A pair (name, function of parameters and input), whose parameters stand under that
            name; or a function of the input alone.

    Raises:
        SpecError: Two layers of one name, or what is no layer.

    >>> model = sequential(("first", affine), np.tanh, ("second", affine))
    """
    names = [layer[0] for layer in layers if isinstance(layer, tuple)]
    if len(set(names)) < len(names):
        raise SpecError(f"sequential: two layers share a name in {', '.join(names)}.")
    for layer in layers:
        is_pair = isinstance(layer, tuple) and len(layer) == 2 and isinstance(layer[0], str)
        if not (is_pair and callable(layer[1]) if isinstance(layer, tuple) else callable(layer)):
            raise SpecError(f"sequential: got {layer!r}; needed a function, or (name, function).")

    @numeric
    def model(parameters: Any, x: Any) -> Any:
        for layer in layers:
            if isinstance(layer, tuple):
                x = layer[1](part(parameters, layer[0], "sequential"), x)
            else:
                x = layer(x)
        return x

    return model
