"""The loss of a 784-256-128-10 network (ReLU, softmax, mean cross-entropy) and its gradient."""

import functools
import itertools
from dataclasses import dataclass

import numpy as np

from benchmarks.case import Case, flat

TITLE = "The network 784-256-128-10"
ABOUT = "Loss and gradient of a network for images: ReLU, softmax, mean cross-entropy."
SIZES = (784, 256, 128, 10)


@dataclass(frozen=True)
class Data:
    """A batch and the parameters (W1, b1, W2, b2, W3, b3); images are rows, as is the bias."""

    images: np.ndarray
    labels: np.ndarray
    targets: np.ndarray  # the labels, one-hot
    parameters: tuple[np.ndarray, ...]


def generate(batch, dtype):
    """A random batch and random parameters of the usual size."""
    source = np.random.default_rng(batch)
    parameters = []
    for rows, columns in itertools.pairwise(SIZES):
        weights = source.standard_normal((rows, columns)) * np.sqrt(2 / rows)
        parameters += [weights.astype(dtype), (0.1 * source.random(columns)).astype(dtype)]
    labels = source.integers(SIZES[-1], size=batch)
    images = source.random((batch, SIZES[0])).astype(dtype)
    return Data(images, labels, np.eye(SIZES[-1], dtype=dtype)[labels], tuple(parameters))


def value_and_gradient(data):
    """Loss and the six gradients, derived by hand for NumPy."""
    W1, b1, W2, b2, W3, b3 = data.parameters
    x = data.images
    hidden1 = np.maximum(x @ W1 + b1, 0)
    hidden2 = np.maximum(hidden1 @ W2 + b2, 0)
    scores = hidden2 @ W3 + b3
    scores -= scores.max(axis=1, keepdims=True)
    exponentials = np.exp(scores)
    totals = exponentials.sum(axis=1, keepdims=True)
    rows = np.arange(len(x))
    loss = np.mean(np.log(totals[:, 0]) - scores[rows, data.labels])

    delta3 = (exponentials / totals - data.targets) / x.dtype.type(len(x))
    delta2 = (delta3 @ W3.T) * (hidden2 > 0)
    delta1 = (delta2 @ W2.T) * (hidden1 > 0)
    return loss, [
        x.T @ delta1,
        delta1.sum(axis=0),
        hidden1.T @ delta2,
        delta2.sum(axis=0),
        hidden2.T @ delta3,
        delta3.sum(axis=0),
    ]


def reference(data):
    """Loss and flat gradient in float64, whatever the data are."""
    wide = Data(
        data.images.astype(float),
        data.labels,
        data.targets.astype(float),
        tuple(array.astype(float) for array in data.parameters),
    )
    loss, gradients = value_and_gradient(wide)
    return float(loss), flat(gradients)


def cases(*, quick):
    """Batches of 64 and 512 in both precisions; 64 in float32 when quick."""
    for dtype in ("float32",) if quick else ("float32", "float64"):
        for batch in (64,) if quick else (64, 512):
            data = generate(batch, dtype)
            yield Case(
                "network",
                f"batch {batch}, {dtype}",
                data,
                functools.partial(reference, data),
                tolerance=1e-4 if dtype == "float32" else 1e-11,
            )
