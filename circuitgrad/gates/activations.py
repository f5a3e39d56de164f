"""Activation functions as gates."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from circuitgrad.gates.arithmetic import (
    absolute,
    greater,
    inv,
    less,
    minimum,
    neg,
    square,
    step,
    where,
)
from circuitgrad.gates.from_formula import Elementwise, elementwise
from circuitgrad.gates.functions import exp, expm1
from circuitgrad.wire import Array, Wire

# The sigmoid and its integrals --------------------------------------------------------------------


def _sigmoid(x: Array) -> Any:
    tail = np.exp(-np.abs(x))  # never overflows
    return np.where(x >= 0, 1.0, tail) / (1 + tail)


def _scalar_sigmoid(x: float) -> float:
    tail = math.exp(-abs(x))
    return (1.0 if x >= 0 else tail) / (1.0 + tail)


def _softplus(x: Array) -> Any:
    return np.maximum(x, 0) + np.log1p(np.exp(-np.abs(x)))


def _log_sigmoid(x: Array) -> Any:
    return np.minimum(x, 0) - np.log1p(np.exp(-np.abs(x)))


def _swish(x: Array) -> Any:
    # By halves, because exp(x) alone loses digits to underflow before x*exp(x) does.
    half = np.exp(-np.abs(x) / 2)
    return np.where(x >= 0, x, (x * half) * half) / (1 + half * half)


def _scalar_swish(x: float) -> float:
    half = math.exp(-abs(x) / 2)
    return (x if x >= 0 else (x * half) * half) / (1.0 + half * half)


def _opposite(x: Wire) -> Wire:
    """-x; of -y it is y, so that the derivatives of every order need only two sigmoids."""
    return x.inputs[0] if x.gate is neg else -x


sigmoid: Elementwise = elementwise(
    "sigmoid", "1/(1 + exp(-x))",
    kernel=_sigmoid,
    derivative=lambda x, out: (out * sigmoid(_opposite(x)),),
    glyph="σ", latex=r"\sigma({x})", scalar=_scalar_sigmoid,
    source="Verhulst, Corresp. Math. Phys. 10 (1838) 113",
)  # fmt: skip
softplus = elementwise(
    "softplus", "log(1 + exp(x))",
    kernel=_softplus,
    derivative=lambda x: (sigmoid(x),),
    glyph="softplus", latex=r"\operatorname{{softplus}}({x})",
    scalar=lambda x: (x if x > 0 else 0.0) + math.log1p(math.exp(-abs(x))),
    source="Dugas et al., NIPS 2000",
)  # fmt: skip
log_sigmoid = elementwise(
    "log_sigmoid", "-log(1 + exp(-x))",
    kernel=_log_sigmoid,
    derivative=lambda x: (sigmoid(_opposite(x)),),
    glyph="log σ", latex=r"\log\sigma({x})",
    scalar=lambda x: (x if x < 0 else 0.0) - math.log1p(math.exp(-abs(x))),
)  # fmt: skip
swish = elementwise(
    "swish", "x/(1 + exp(-x))",
    kernel=_swish,
    derivative=lambda x: (sigmoid(x) * (1.0 + x * sigmoid(_opposite(x))),),
    glyph="swish", latex=r"\operatorname{{swish}}({x})", scalar=_scalar_swish,
    source="Elfwing, Uchibe & Doya, Neural Networks 107 (2018) 3; Ramachandran et al., 2017",
    accuracy_note="The derivative crosses zero at x = -1.278..., where its rounding error is a few "
    "ULP of the operand's effect, not of the derivative.",
)  # fmt: skip

# Gates with kinks ---------------------------------------------------------------------------------

relu = elementwise(
    "relu", "Max(0, x)",
    pieces=(("x > 0", "x"), ("x < 0", "0")), at_kink="0", policy="0 at x = 0, an end of [0, 1]",
    kernel=lambda x: np.maximum(x, 0),
    derivative=lambda x: (step(x),),
    glyph="relu", latex=r"\operatorname{{relu}}({x})",
    scalar=lambda x: 0.0 if x <= 0 else x,
    source="Nair & Hinton, ICML 2010",
)  # fmt: skip
leaky_relu = elementwise(
    "leaky_relu", defaults=(0.01,), variables=("x", "slope"),
    pieces=(("x > 0", "x"), ("x < 0", "slope*x")), at_kink="0",
    policy="slope at x = 0, an end of the segment from slope to 1",
    kernel=lambda x, slope: np.where(x > 0, x, slope * x),
    derivative=lambda x, slope: (where(greater(x, 0.0), 1.0, slope), minimum(x, 0.0)),
    glyph="leaky relu", latex=r"\operatorname{{leaky\_relu}}({x}, {slope})",
    scalar=lambda x, slope: x if x > 0 else slope * x,
    source="Maas, Hannun & Ng, ICML 2013",
)  # fmt: skip
elu = elementwise(
    "elu", defaults=(1.0,), variables=("x", "alpha"),
    pieces=(("x > 0", "x"), ("x < 0", "alpha*(exp(x) - 1)")), at_kink="0",
    policy="alpha at x = 0, an end of the segment from alpha to 1",
    kernel=lambda x, alpha: np.where(x > 0, x, alpha * np.expm1(np.minimum(x, 0))),
    # The exponential of min(x, 0) stays finite where the other branch is taken.
    derivative=lambda x, alpha: (
        where(greater(x, 0.0), 1.0, alpha * exp(minimum(x, 0.0))),
        expm1(minimum(x, 0.0)),
    ),
    glyph="elu", latex=r"\operatorname{{elu}}({x}, {alpha})",
    scalar=lambda x, alpha: x if x > 0 else alpha * math.expm1(x),
    source="Clevert, Unterthiner & Hochreiter, ICLR 2016",
)  # fmt: skip
softsign = elementwise(
    "softsign",
    pieces=(("x > 0", "x/(1 + x)"), ("x < 0", "x/(1 - x)")), at_kink="0",
    policy="1 at x = 0, where both sides agree; the second derivative is 0 there",
    kernel=lambda x: x / (1 + np.abs(x)),
    derivative=lambda x: (square(inv(1.0 + absolute(x))),),
    glyph="softsign", latex=r"\operatorname{{softsign}}({x})",
    scalar=lambda x: x / (1.0 + abs(x)),
    source="Bergstra et al., 2009; Turian et al., 2009",
)  # fmt: skip
hard_tanh = elementwise(
    "hard_tanh",
    pieces=(("x > 1", "1"), ("x*x < 1", "x"), ("x < -1", "-1")), at_kink="x",
    policy="0 at x = -1 and x = 1, an end of [0, 1]",
    kernel=lambda x: np.clip(x, -1, 1),
    derivative=lambda x: (greater(x, -1.0) * less(x, 1.0),),
    glyph="hard tanh", latex=r"\operatorname{{hard\_tanh}}({x})",
    scalar=lambda x: x if abs(x) < 1 or x != x else math.copysign(1.0, x),
    source="Collobert, PhD thesis, Paris VI, 2004",
)  # fmt: skip
