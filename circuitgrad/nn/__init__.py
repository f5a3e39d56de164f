"""Losses, layers, initial weights and regularisers: plain functions of parameters and inputs.

Parameters are a named, nested dict of arrays. Every function takes arrays, and then gives arrays;
or wires, and then builds a circuit. Activations are the gates of `circuitgrad` itself.

>>> import numpy as np, circuitgrad as cg
>>> parameters = dense_parameters(np.random.default_rng(0), (4, 8, 3))
>>> model = dense(cg.relu, depth=2)
>>> model(parameters, np.ones((5, 4))).shape
(5, 3)
"""

from circuitgrad.nn.initialization import (
    affine_parameters,
    dense_parameters,
    he_normal,
    large_normal,
    small_normal,
    xavier_normal,
    xavier_normal_inputs,
    xavier_uniform,
)
from circuitgrad.nn.layers import (
    affine,
    dropout,
    dropout_mask,
    inverted_dropout,
    maxout,
    prelu,
    sequential,
    swish,
)
from circuitgrad.nn.losses import (
    cross_entropy,
    huber,
    max_margin,
    mean_squared_error,
    multiclass_hinge,
    negative_log_likelihood,
)
from circuitgrad.nn.models import dense, model_circuit, parameter_count
from circuitgrad.nn.normalization import (
    batch_norm,
    batch_norm_state,
    group_norm,
    layer_norm,
    norm_parameters,
)
from circuitgrad.nn.regularization import l1, l2, l2_toward, sparse_activations, tying

__all__ = [
    "affine",
    "affine_parameters",
    "batch_norm",
    "batch_norm_state",
    "cross_entropy",
    "dense",
    "dense_parameters",
    "dropout",
    "dropout_mask",
    "group_norm",
    "he_normal",
    "huber",
    "inverted_dropout",
    "l1",
    "l2",
    "l2_toward",
    "large_normal",
    "layer_norm",
    "max_margin",
    "maxout",
    "mean_squared_error",
    "model_circuit",
    "multiclass_hinge",
    "negative_log_likelihood",
    "norm_parameters",
    "parameter_count",
    "prelu",
    "sequential",
    "small_normal",
    "sparse_activations",
    "swish",
    "tying",
    "xavier_normal",
    "xavier_normal_inputs",
    "xavier_uniform",
]
