"""Losses: what training makes small. Each is one number."""

from __future__ import annotations

from typing import Any

import numpy as np

from circuitgrad.errors import DomainError, ShapeError, SpecError
from circuitgrad.gates.activations import relu
from circuitgrad.gates.arithmetic import absolute, equal, minimum, square, where
from circuitgrad.gates.contractions import total
from circuitgrad.gates.reductions import log_softmax, mean
from circuitgrad.nn.arguments import check_equal_shapes, check_ranks, numeric, share
from circuitgrad.sources import as_wire, constant
from circuitgrad.spec import format_shape
from circuitgrad.wire import Wire, has_value, known_value

NORMALIZATIONS = ("entries", "samples", "half_samples", "sum", "half_sum")


@numeric
def mean_squared_error(prediction: Any, target: Any, normalization: str = "entries") -> Any:
    """Σ(prediction - target)², divided as is wanted.

    Args:
        prediction: Any shape; the first axis counts samples.
        target: The same shape.
        normalization: "entries" divides by the number of entries, as numpy.mean; "samples" by the
            number N of samples, "half_samples" by 2N; "sum" by nothing, "half_sum" by 2.

    Raises:
        ShapeError: Shapes that differ.

    >>> mean_squared_error([1.0, 2.0], [1.0, 4.0], "half_samples")
    1.0
    """
    if normalization not in NORMALIZATIONS:
        raise SpecError(
            f"mean_squared_error: no normalization is named {normalization!r}. "
            f"Known: {', '.join(NORMALIZATIONS)}."
        )
    first, second = as_wire(prediction), as_wire(target)
    check_equal_shapes(first, second, "mean_squared_error: the prediction", "the target")
    squares = square(first - second)
    if normalization == "entries":
        return mean(squares)
    if normalization.endswith("samples"):
        each = total(squares, tuple(range(1, squares.ndim))) if squares.ndim > 1 else squares
        summed = mean(each)
    else:
        summed = total(squares)
    return 0.5 * summed if normalization.startswith("half") else summed


@numeric
def huber(prediction: Any, target: Any, delta: float = 1.0) -> Any:
    """The mean over entries of ½e² where |e| ≤ δ, and of δ(|e| - ½δ) beyond.

    Source:
        Huber, Ann. Math. Stat. 35 (1964) 73.

    >>> huber([0.0, 3.0], [0.0, 0.0], delta=1.0)
    1.25
    """
    if not isinstance(delta, int | float | np.number) or not delta > 0:
        raise DomainError(f"huber: delta is {delta!r}; needed a number above 0.")
    first, second = as_wire(prediction), as_wire(target)
    check_equal_shapes(first, second, "huber: the prediction", "the target")
    size = absolute(first - second)
    quadratic = minimum(size, float(delta))
    return mean(quadratic * (size - 0.5 * quadratic))


@numeric
def cross_entropy(scores: Any, target: Any, smoothing: float = 0.0) -> Any:
    """The mean over samples of -Σ q·log softmax(scores), safe for scores of any size.

    Args:
        scores: (N, C), or (C,) for one sample.
        target: The class of each sample as a number from 0 to C - 1, or its distribution over the
            classes, of the shape of the scores.
        smoothing: α: the class gets weight 1 - α and every other α/(C - 1).

    Raises:
        ShapeError: Neither classes nor distributions for these scores.
        DomainError: A class that is no whole number from 0 to C - 1 (NaN where classes are not
            known yet, in a circuit).

    Source:
        Smoothing: Szegedy et al., CVPR 2016, with α shared by the other classes only.

    >>> round(cross_entropy([[1e4, 0.0], [0.0, 0.0]], [1, 0]), 6)
    5000.346574
    """
    wire = as_wire(scores)
    check_ranks(wire, (1, 2), "scores")
    return negative_log_likelihood(log_softmax(wire), target, smoothing)


@numeric
def negative_log_likelihood(log_probabilities: Any, target: Any, smoothing: float = 0.0) -> Any:
    """The mean over samples of -Σ q·log p, for logarithms of probabilities; see cross_entropy.

    >>> round(negative_log_likelihood(np.log([[0.25, 0.75]]), [1]), 6)
    0.287682
    """
    wire = as_wire(log_probabilities)
    check_ranks(wire, (1, 2), "scores")
    alpha = share(smoothing, "smoothing", zero=True)
    count = wire.shape[-1]
    if not isinstance(count, int) or count < 2:
        raise ShapeError(
            f"scores: got shape {format_shape(wire.shape)}; needed two classes or more in the last "
            "axis, as a number."
        )
    weights, is_sound = _weights(as_wire(target), wire, count)
    if alpha:
        weights = (1 - alpha) * weights + (alpha / (count - 1)) * (1 - weights)
    losses = -total(weights * wire, -1)
    return mean(losses if is_sound is None else where(is_sound, losses, np.nan))


def _weights(target: Wire, scores: Wire, count: int) -> tuple[Wire, Wire | None]:
    """The weight of each class; and whether the class is one at all, where that is not known."""
    if target.shape == scores.shape:
        return target, None
    if target.shape != scores.shape[:-1]:
        raise ShapeError(
            f"target: got shape {format_shape(target.shape)} for scores of "
            f"{format_shape(scores.shape)}; needed classes of {format_shape(scores.shape[:-1])} or "
            f"distributions of {format_shape(scores.shape)}."
        )
    classes = constant(np.arange(count), scores.dtype)
    hot = as_wire(equal(target[..., None], classes))
    hot = hot.astype(scores.dtype)
    if not has_value(target):
        return hot, total(hot, -1)
    wrong = known_value(target)[known_value(total(hot, -1)) == 0]
    if wrong.size:
        raise DomainError(
            f"target: got class {float(wrong.flat[0]):g}; needed whole numbers from 0 to "
            f"{count - 1}."
        )
    return hot, None


@numeric
def max_margin(score: Any, corrupt_score: Any, margin: float = 1.0) -> Any:
    """The mean of max(margin + s_c - s, 0): 0, and no gradient, where the margin is met.

    Args:
        score: s of what is right, a number or an array.
        corrupt_score: s_c of what is wrong, of the same shape.
        margin: How far the one must be above the other.

    >>> max_margin(3.0, 1.0), max_margin(1.0, 1.5)
    (0.0, 1.5)
    """
    right, wrong = as_wire(score), as_wire(corrupt_score)
    check_equal_shapes(right, wrong, "max_margin: the score", "the corrupt score")
    return mean(relu(float(margin) + wrong - right))


@numeric
def multiclass_hinge(scores: Any, target: Any, margin: float = 1.0) -> Any:
    """The mean over samples of Σ max(0, s_j - s_y + margin) over the classes j other than y.

    Args:
        scores: (N, C), or (C,) for one sample.
        target: The class of each sample.
        margin: How far the class must be above each other.

    Source:
        Weston & Watkins, ESANN 1999.

    >>> multiclass_hinge([[3.0, 5.0, -1.5]], [0])
    3.0
    """
    wire = as_wire(scores)
    check_ranks(wire, (1, 2), "scores")
    count = wire.shape[-1]
    classes = as_wire(target)
    if not isinstance(count, int) or classes.shape != wire.shape[:-1]:
        raise ShapeError(
            f"multiclass_hinge: got target {format_shape(classes.shape)} for scores "
            f"{format_shape(wire.shape)}; needed the class of each sample."
        )
    hot, is_sound = _weights(classes, wire, count)
    own = total(hot * wire, -1, keepdims=True)
    losses = total((1 - hot) * relu(wire - own + float(margin)), -1)
    return mean(losses if is_sound is None else where(is_sound, losses, np.nan))
