"""Kernels of the cofactor matrix and its derivative, by singular values."""

from __future__ import annotations

import itertools

import numpy as np

from circuitgrad.wire import Array


def _singular_values(a: Array) -> tuple[Array, Array, Array, float]:
    left, values, right = np.linalg.svd(a)
    return left, values, right, float(np.rint(np.linalg.det(left) * np.linalg.det(right)))


def cofactor_kernel(a: Array) -> Array:
    """The cofactor matrix det(A) A⁻ᵀ, also where A is singular."""
    if not np.all(np.isfinite(a)):
        return np.full_like(a, np.nan)
    left, values, right, sign = _singular_values(a)
    others = np.array([np.prod(np.delete(values, i)) for i in range(len(values))])
    result: Array = (sign * (left * others) @ right).astype(a.dtype)
    return result


def cofactor_change_kernel(a: Array, e: Array) -> Array:
    """The derivative of the cofactor matrix along E, also where A is singular."""
    left, values, right, sign = _singular_values(a)
    size = len(values)
    weights = np.zeros((size, size))
    for i, j in itertools.permutations(range(size), 2):
        weights[i, j] = np.prod(np.delete(values, [i, j]))
    inner = left.T @ e @ right.T
    change = -weights * np.swapaxes(inner, -1, -2)
    own = np.diagonal(inner, axis1=-2, axis2=-1) @ weights
    place = np.arange(size)
    change[..., place, place] = own
    result: Array = (sign * left @ change @ right).astype(np.result_type(a, e))
    return result


def cofactor_change_traced(a: Array, e: Array) -> Array:
    """The same for a regular matrix."""
    inverted = np.linalg.inv(a)
    minors = np.linalg.det(a) * inverted.T
    along = np.sum(inverted.T * e, axis=(-2, -1))[..., None, None] * minors
    result: Array = along - np.matmul(np.matmul(inverted.T, np.swapaxes(e, -1, -2)), minors)
    return result
