"""Which samples go where: minibatches, splits, folds, bootstrap samples."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np

from circuitgrad.errors import DomainError, ShapeError, SpecError
from circuitgrad.spec import format_shape
from circuitgrad.wire import Array


def whole(value: Any, what: str, least: int = 1) -> int:
    """A whole number, at least so large.

    Raises:
        SpecError: Not a whole number.
        DomainError: Too small.
    """
    if isinstance(value, bool) or not isinstance(value, int | np.integer):
        raise SpecError(f"{what}: got {value!r}; needed a whole number.")
    if value < least:
        raise DomainError(f"{what}: got {value}; needed {least} or more.")
    return int(value)


def check_generator(generator: Any, what: str) -> np.random.Generator:
    """The generator, or SpecError."""
    if not isinstance(generator, np.random.Generator):
        raise SpecError(
            f"{what}: got {type(generator).__name__}; needed a generator, as "
            "np.random.default_rng(0)."
        )
    return generator


def sample_count(arrays: Sequence[Any], what: str) -> int:
    """The common length of the first axes.

    Raises:
        SpecError: No array.
        ShapeError: A scalar, no sample, or different lengths.
    """
    if not arrays:
        raise SpecError(f"{what}: got no array; needed at least one.")
    shapes = [np.shape(array) for array in arrays]
    if any(not shape for shape in shapes):
        raise ShapeError(f"{what}: got a scalar; needed arrays with samples along the first axis.")
    counts = {shape[0] for shape in shapes}
    if len(counts) > 1:
        told = ", ".join(format_shape(shape) for shape in shapes)
        raise ShapeError(f"{what}: got arrays of {told}; needed as many samples in each.")
    if counts == {0}:
        raise ShapeError(f"{what}: got no sample; needed at least one.")
    return int(counts.pop())


def batch_indices(
    count: int, batch_size: int, generator: np.random.Generator | None = None
) -> list[Array]:
    """The indices of each minibatch: shuffled by a generator, or in order; the last may be smaller.

    >>> batch_indices(5, 2)
    [array([0, 1]), array([2, 3]), array([4])]
    """
    whole(count, "batch_indices: count")
    size = whole(batch_size, "batch_indices: batch_size")
    if generator is None:
        order = np.arange(count)
    else:
        order = check_generator(generator, "batch_indices").permutation(count)
    return [order[start : start + size] for start in range(0, count, size)]


def minibatches(
    *arrays: Any, batch_size: int, generator: np.random.Generator | None = None
) -> Iterator[tuple[Array, ...]]:
    """The minibatches of some arrays, once each: shuffled by a generator, or in order.

    The last batch is kept, though it may be smaller.

    >>> x, y = np.arange(3), np.array([10, 11, 12])
    >>> list(minibatches(x, y, batch_size=2))
    [(array([0, 1]), array([10, 11])), (array([2]), array([12]))]
    """
    count = sample_count(arrays, "minibatches")
    listed = [np.asarray(array) for array in arrays]
    batches = batch_indices(count, batch_size, generator)
    return (tuple(array[chosen] for array in listed) for chosen in batches)


def split(
    *arrays: Any, shares: Sequence[float], generator: np.random.Generator
) -> tuple[tuple[Array, ...], ...]:
    """Disjoint parts of some arrays, as training, validation and test set.

    Args:
        *arrays: With samples along the first axis.
        shares: What share of the samples each part gets; together 1.
        generator: Shuffles the samples first.

    Returns:
        One tuple of arrays per part.

    Raises:
        DomainError: Shares that are not positive, do not add up to 1, or leave a part empty.

    >>> train, test = split(np.arange(8), shares=(0.75, 0.25), generator=np.random.default_rng(0))
    >>> len(train[0]), len(test[0])
    (6, 2)
    """
    count = sample_count(arrays, "split")
    total = float(sum(shares))
    if not shares or min(shares) <= 0 or not abs(total - 1) < 1e-9:
        raise DomainError(f"split: got shares {tuple(shares)}; needed positive ones that add to 1.")
    order = check_generator(generator, "split").permutation(count)
    # A hair more than the share, so that 0.29 of 100 samples are 29 although 0.29*100 is below.
    ends = [int(np.sum(shares[: k + 1]) * count + 1e-9) for k in range(len(shares) - 1)]
    parts = np.split(order, ends)
    if any(not len(part) for part in parts):
        raise DomainError(f"split: {count} samples in shares {tuple(shares)} leave a part empty.")
    return tuple(tuple(np.asarray(array)[part] for array in arrays) for part in parts)


def k_fold(
    count: int, folds: int, generator: np.random.Generator | None = None
) -> list[tuple[Array, Array]]:
    """The indices (training, validation) of each fold; every sample validates once.

    >>> k_fold(4, 2)
    [(array([2, 3]), array([0, 1])), (array([0, 1]), array([2, 3]))]
    """
    whole(folds, "k_fold: folds", least=2)
    if whole(count, "k_fold: count") < folds:
        raise DomainError(
            f"k_fold: got {count} samples for {folds} folds; needed as many at least."
        )
    order = np.arange(count)
    if generator is not None:
        order = check_generator(generator, "k_fold").permutation(count)
    parts = np.array_split(order, folds)
    return [(np.concatenate(parts[:k] + parts[k + 1 :]), part) for k, part in enumerate(parts)]


def bootstrap(count: int, generator: np.random.Generator) -> tuple[Array, Array]:
    """The indices of a sample with replacement, and of what it left out.

    Source:
        Efron, Ann. Stat. 7 (1979) 1.
    """
    whole(count, "bootstrap: count")
    chosen = check_generator(generator, "bootstrap").integers(0, count, count)
    return chosen, np.setdiff1d(np.arange(count), chosen)
