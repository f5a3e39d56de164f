"""Augmentation: new images out of old ones. Images are (N, height, width) or with channels last."""

from __future__ import annotations

from typing import Any

import numpy as np
import scipy.ndimage

from circuitgrad.data.sampling import check_generator, whole
from circuitgrad.errors import DomainError, ShapeError
from circuitgrad.spec import format_shape
from circuitgrad.wire import Array


def _images(images: Any, what: str) -> Array:
    array = np.asarray(images)
    if array.ndim not in (3, 4):
        raise ShapeError(
            f"{what}: got shape {format_shape(array.shape)}; needed (N, height, width) or "
            "(N, height, width, channels)."
        )
    return array


def _per_image(values: Array, images: Array) -> Array:
    return values.reshape(-1, *[1] * (images.ndim - 1))


def flipped(images: Any, generator: np.random.Generator, probability: float = 0.5) -> Array:
    """The images, each mirrored left to right with a probability."""
    array = _images(images, "flipped")
    if not 0 <= probability <= 1:
        raise DomainError(f"flipped: probability is {probability!r}; needed 0 to 1.")
    chosen = check_generator(generator, "flipped").random(len(array)) < probability
    mirrored: Array = np.where(_per_image(chosen, array), array[:, :, ::-1], array)
    return mirrored


def cropped(images: Any, generator: np.random.Generator, padding: int = 1) -> Array:
    """The images, each moved by up to so many pixels: padded with zeros, then cropped at random."""
    array = _images(images, "cropped")
    pad = whole(padding, "cropped: padding", least=0)
    offsets = check_generator(generator, "cropped").integers(0, 2 * pad + 1, (len(array), 2))
    wide = np.pad(array, [(0, 0), (pad, pad), (pad, pad), *[(0, 0)] * (array.ndim - 3)])
    rows = offsets[:, :1] + np.arange(array.shape[1])
    columns = offsets[:, 1:] + np.arange(array.shape[2])
    numbers = np.arange(len(array))[:, None, None]
    result: Array = wide[numbers, rows[:, :, None], columns[:, None, :]]
    return result


def brightened(
    images: Any,
    generator: np.random.Generator,
    strength: float = 0.2,
    bounds: tuple[float, float] = (0.0, 1.0),
) -> Array:
    """The images, each times a factor between 1 - strength and 1 + strength, clipped to bounds."""
    array = _images(images, "brightened")
    if not 0 <= strength <= 1:
        raise DomainError(f"brightened: strength is {strength!r}; needed 0 to 1.")
    if not bounds[0] < bounds[1]:
        raise DomainError(f"brightened: bounds are {bounds!r}; needed the smaller one first.")
    factors = check_generator(generator, "brightened").uniform(
        1 - strength, 1 + strength, len(array)
    )
    lit: Array = np.clip(array * _per_image(factors, array), *bounds)
    return lit


def rotated(images: Any, generator: np.random.Generator, degrees: float = 10.0) -> Array:
    """The images, each turned about its centre by an angle up to so many degrees either way.

    Pixels are interpolated linearly; what comes from outside is 0.
    """
    array = _images(images, "rotated").astype(float)
    if not 0 <= degrees <= 180:
        raise DomainError(f"rotated: degrees is {degrees!r}; needed 0 to 180.")
    angles = check_generator(generator, "rotated").uniform(-degrees, degrees, len(array))
    turned = [
        scipy.ndimage.rotate(image, angle, axes=(0, 1), reshape=False, order=1)
        for image, angle in zip(array, angles, strict=True)
    ]
    return np.stack(turned) if turned else array
