"""Minibatches, splits, folds, preprocessing, augmentation, nearest neighbours, data sets."""

from circuitgrad.data.augmentation import brightened, cropped, flipped, rotated
from circuitgrad.data.neighbors import NearestNeighbors
from circuitgrad.data.sampling import batch_indices, bootstrap, k_fold, minibatches, split
from circuitgrad.data.scaling import Centering, Normalization, Standardization, Whitening
from circuitgrad.data.tables import load

__all__ = [
    "Centering",
    "NearestNeighbors",
    "Normalization",
    "Standardization",
    "Whitening",
    "batch_indices",
    "bootstrap",
    "brightened",
    "cropped",
    "flipped",
    "k_fold",
    "load",
    "minibatches",
    "rotated",
    "split",
]
