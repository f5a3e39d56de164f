"""Optimisers as pairs of initial state and update, schedules, clipping, decay, early stopping.

>>> import numpy as np
>>> optimizer = momentum(0.1, alpha=0.5)
>>> parameters = {"w": np.array([1.0, -2.0])}
>>> state = optimizer.initial(parameters)
>>> parameters, state = optimizer.update({"w": np.array([1.0, 0.0])}, state, parameters)
>>> parameters
{'w': array([ 0.9, -2. ])}
"""

from circuitgrad.optim.formulas import Formula
from circuitgrad.optim.modifications import (
    global_norm,
    with_frozen,
    with_norm_clipping,
    with_soft_threshold,
    with_value_clipping,
    with_weight_decay,
)
from circuitgrad.optim.optimizers import Optimizer, Rule
from circuitgrad.optim.rules import (
    RULES,
    adagrad,
    adam,
    momentum,
    nesterov,
    rmsprop,
    rmsprop_momentum,
    sgd,
)
from circuitgrad.optim.schedules import (
    Schedule,
    by_fan_in,
    constant,
    exponential_decay,
    hyperbolic_decay,
    step_decay,
)
from circuitgrad.optim.stopping import EarlyStopping

__all__ = [
    "RULES",
    "EarlyStopping",
    "Formula",
    "Optimizer",
    "Rule",
    "Schedule",
    "adagrad",
    "adam",
    "by_fan_in",
    "constant",
    "exponential_decay",
    "global_norm",
    "hyperbolic_decay",
    "momentum",
    "nesterov",
    "rmsprop",
    "rmsprop_momentum",
    "sgd",
    "step_decay",
    "with_frozen",
    "with_norm_clipping",
    "with_soft_threshold",
    "with_value_clipping",
    "with_weight_decay",
]
