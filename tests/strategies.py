"""Hypothesis strategies: shapes, arrays, random circuits; and 50-digit jets to compare with."""

import functools
import math
from dataclasses import dataclass

import mpmath
import numpy as np
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

import circuitgrad as cg

DIGITS = 50

# The same examples in every run, on slow machines too; a failure prints its example.
settings.register_profile(
    "steady", deadline=None, derandomize=True, suppress_health_check=[HealthCheck.too_slow]
)
settings.load_profile("steady")


def numbers(size=2.0):
    """Doubles in [-size, size], none so small that squares vanish."""
    return st.floats(-size, size, allow_subnormal=False).map(lambda x: 0.0 if abs(x) < 1e-9 else x)


def shapes(max_dims=3, max_side=4, min_side=0):
    return hnp.array_shapes(min_dims=0, max_dims=max_dims, min_side=min_side, max_side=max_side)


def arrays(shape, size=2.0):
    return hnp.arrays(np.float64, shape, elements=numbers(size))


@st.composite
def broadcastable_arrays(draw, count=2):
    """Arrays whose shapes broadcast."""
    found = draw(hnp.mutually_broadcastable_shapes(num_shapes=count, max_dims=3, max_side=3))
    return [draw(arrays(shape)) for shape in found.input_shapes]


def evaluated(function, *values):
    """A NumPy function run as a circuit, its inputs a, b, … of the values' shapes."""
    inputs = [cg.input("abcdef"[k], np.shape(v)) for k, v in enumerate(values)]
    return cg.circuit(f=function(*inputs), inputs=inputs)(*values)


# --- jets: a value, a gradient and a Hessian in 50-digit arithmetic -------------------------------


@dataclass(frozen=True)
class Jet:
    """The second-order Taylor expansion of a function of n variables at a point."""

    value: mpmath.mpf
    first: np.ndarray
    second: np.ndarray

    def through(self, value, slope, bend):
        """f(self) for a function with this value, first and second derivative there."""
        outer = np.multiply.outer(self.first, self.first)
        return Jet(value, self.first * slope, self.second * slope + outer * bend)

    def __add__(self, other):
        other = self._jet(other)
        return Jet(self.value + other.value, self.first + other.first, self.second + other.second)

    def __mul__(self, other):
        other = self._jet(other)
        cross = np.multiply.outer(self.first, other.first)
        return Jet(
            self.value * other.value,
            other.first * self.value + self.first * other.value,
            other.second * self.value + self.second * other.value + cross + cross.T,
        )

    def _jet(self, other):
        return (
            other
            if isinstance(other, Jet)
            else Jet(mpmath.mpf(other), self.first * 0, self.second * 0)
        )

    def __sub__(self, other):
        return self + (-1) * self._jet(other)

    def __truediv__(self, other):
        return self * reciprocal(self._jet(other))

    __radd__, __rmul__ = __add__, __mul__

    @property
    def size(self):
        """The largest magnitude in it."""
        return max(map(abs, [self.value, *self.first, *self.second.ravel()]))


def variables(point):
    """The coordinates of a point as jets."""
    n = len(point)
    unit = np.array([[mpmath.mpf(i == j) for j in range(n)] for i in range(n)], dtype=object)
    flat = unit.reshape(n, n) * 0
    return [Jet(mpmath.mpf(x), unit[i], flat) for i, x in enumerate(point)]


def smooth(value, slope, bend):
    """A jet function from a function's value and two derivatives, each a function of a number."""
    return lambda jet: jet.through(value(jet.value), slope(jet.value), bend(jet.value))


reciprocal = smooth(lambda x: 1 / x, lambda x: -1 / x**2, lambda x: 2 / x**3)
exp = smooth(mpmath.exp, mpmath.exp, mpmath.exp)
log = smooth(mpmath.log, lambda x: 1 / x, lambda x: -1 / x**2)
sin = smooth(mpmath.sin, mpmath.cos, lambda x: -mpmath.sin(x))
cos = smooth(mpmath.cos, lambda x: -mpmath.sin(x), lambda x: -mpmath.cos(x))
root = smooth(
    mpmath.sqrt, lambda x: 1 / (2 * mpmath.sqrt(x)), lambda x: -1 / (4 * x * mpmath.sqrt(x))
)
atan = smooth(mpmath.atan, lambda x: 1 / (1 + x * x), lambda x: -2 * x / (1 + x * x) ** 2)
asin = smooth(
    mpmath.asin, lambda x: 1 / mpmath.sqrt(1 - x * x), lambda x: x / mpmath.sqrt(1 - x * x) ** 3
)
erf = smooth(
    mpmath.erf,
    lambda x: 2 / mpmath.sqrt(mpmath.pi) * mpmath.exp(-x * x),
    lambda x: -4 * x / mpmath.sqrt(mpmath.pi) * mpmath.exp(-x * x),
)
tanh = smooth(
    mpmath.tanh, lambda x: mpmath.sech(x) ** 2, lambda x: -2 * mpmath.tanh(x) * mpmath.sech(x) ** 2
)


def one_over(x):
    return reciprocal(1 + x)


def kinked(choose):
    """A choice between two jets by their values."""
    return lambda x, y: x if choose(x.value, y.value) else y


# Each operation twice: as a user writes it in NumPy, and on jets; smooth where programs use it.
OPERATIONS = {
    "add": (2, lambda x, y: x + y, lambda x, y: x + y),
    "subtract": (2, lambda x, y: x - y, lambda x, y: x - y),
    "multiply": (2, lambda x, y: x * y, lambda x, y: x * y),
    "divide": (2, lambda x, y: x / (2 + np.cos(y)), lambda x, y: x / (2 + cos(y))),
    "scale": (1, lambda x: 0.75 * x - 1, lambda x: 0.75 * x - 1),
    "negative": (1, lambda x: -x, lambda x: -1 * x),
    "square": (1, np.square, lambda x: x * x),
    "cube": (1, lambda x: x**3, lambda x: x * x * x),
    "inverse": (1, lambda x: 1 / (1 + x**2), lambda x: one_over(x * x)),
    "root": (1, lambda x: np.sqrt(1 + x * x), lambda x: root(1 + x * x)),
    "power": (2, lambda x, y: (1 + x * x) ** y, lambda x, y: exp(y * log(1 + x * x))),
    "exp": (1, np.exp, exp),
    "expm1": (1, np.expm1, lambda x: exp(x) - 1),
    "log": (1, lambda x: np.log(2 + x * x), lambda x: log(2 + x * x)),
    "log1p": (1, lambda x: np.log1p(x * x), lambda x: log(1 + x * x)),
    "logaddexp": (2, np.logaddexp, lambda x, y: log(exp(x) + exp(y))),
    "sin": (1, np.sin, sin),
    "cos": (1, np.cos, cos),
    "tan": (1, lambda x: np.tan(np.sin(x)), lambda x: sin(sin(x)) / cos(sin(x))),
    "asin": (1, lambda x: np.arcsin(x / np.sqrt(2 + x * x)), lambda x: asin(x / root(2 + x * x))),
    "acos": (
        1,
        lambda x: np.arccos(np.cos(x) / 2),
        lambda x: mpmath.pi / 2 + -1 * asin(cos(x) * 0.5),
    ),
    "atan": (1, np.arctan, atan),
    "atan2": (2, lambda x, y: np.arctan2(x, 1 + y * y), lambda x, y: atan(x / (1 + y * y))),
    "hypot": (2, lambda x, y: np.hypot(x, 2 + y), lambda x, y: root(x * x + (2 + y) * (2 + y))),
    "sinh": (1, np.sinh, lambda x: 0.5 * (exp(x) - exp(-1 * x))),
    "cosh": (1, np.cosh, lambda x: 0.5 * (exp(x) + exp(-1 * x))),
    "tanh": (1, np.tanh, tanh),
    "erf": (1, cg.erf, erf),
    "sigmoid": (1, cg.sigmoid, lambda x: one_over(exp(-1 * x))),
    "softplus": (1, cg.softplus, lambda x: log(1 + exp(x))),
    "log_sigmoid": (1, cg.log_sigmoid, lambda x: -1 * log(1 + exp(-1 * x))),
    "swish": (1, cg.swish, lambda x: x * one_over(exp(-1 * x))),
    "maximum": (2, np.maximum, kinked(lambda x, y: x > y)),
    "minimum": (2, np.minimum, kinked(lambda x, y: x < y)),
    "absolute": (1, abs, lambda x: x if x.value > 0 else -1 * x),
    "relu": (1, cg.relu, lambda x: x if x.value > 0 else 0 * x),
    "choose": (
        2,
        lambda x, y: np.where(x > y, x * y, y),
        lambda x, y: x * y if x.value > y.value else y,
    ),
    "softsign": (1, cg.softsign, lambda x: x / (1 + x) if x.value > 0 else x / (1 + -1 * x)),
    "elu": (1, cg.elu, lambda x: x if x.value > 0 else exp(x) - 1),
}  # fmt: skip
WITH_KINKS = {"maximum", "minimum", "absolute", "relu", "choose", "softsign", "elu"}


@dataclass(frozen=True)
class Program:
    """A straight-line program: each step applies an operation to inputs and earlier results."""

    count: int
    steps: tuple

    def wires(self, inputs):
        """Every value, as NumPy code on whatever the inputs are."""
        return self._apply(list(inputs), 1)

    def jets(self, point):
        """Every value with its gradient and Hessian, in 50 digits."""
        return self._apply(variables(point), 2)

    def _apply(self, values, column):
        for name, operands in self.steps:
            values.append(OPERATIONS[name][column](*(values[k] for k in operands)))
        return values

    @functools.cached_property
    def names(self):
        return tuple(f"x{k}" for k in range(self.count))

    def circuit(self):
        """The circuit of the last value, with all the inputs."""
        inputs = cg.inputs(self.names)
        return cg.circuit(f=self.wires(inputs)[-1], inputs=inputs)


@st.composite
def programs(draw, max_inputs=3, max_steps=8):
    """Random scalar programs whose later steps prefer recent results, so that few stay unused."""
    count = draw(st.integers(1, max_inputs))
    steps = []
    for k in range(draw(st.integers(1, max_steps))):
        name = draw(st.sampled_from(sorted(OPERATIONS)))
        last = count + k - 1
        first = draw(st.integers(max(0, last - 2), last))
        others = [draw(st.integers(0, last)) for _ in range(OPERATIONS[name][0] - 1)]
        steps.append((name, (first, *others)))
    return Program(count, tuple(steps))


def is_tame(program, values, limit=50):
    """Whether all values are moderate and no kink is near, so that doubles can follow 50 digits."""
    if any(not mpmath.isfinite(jet.value) or jet.size > limit for jet in values):
        return False
    for name, operands in program.steps:
        if name in WITH_KINKS:
            first = values[operands[0]].value
            second = values[operands[1]].value if len(operands) > 1 else 0
            if abs(first - second) < 1e-6:
                return False
    return True


def scale(values):
    """The largest number on the way: what rounding errors are relative to."""
    return max(1.0, *(float(jet.size) for jet in values))


def exact(value):
    """A 50-digit number, or an array of them, as doubles."""
    return np.vectorize(float, otypes=[float])(value) if np.ndim(value) else float(value)


def relative_error(found, expected):
    """|found - expected|/|expected| with the expected value in 50 digits."""
    return (
        float(abs(mpmath.mpf(found) - expected) / abs(expected)) if expected else math.fabs(found)
    )
