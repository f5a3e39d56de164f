"""The value of what is printed: tensor forms and matrix notation, computed literally with NumPy."""

from fractions import Fraction

import numpy as np


def _sigmoid(x):
    return 1 / (1 + np.exp(-x))


def _softmax(x):
    e = np.exp(x - x.max(axis=-1, keepdims=True))
    return e / e.sum(axis=-1, keepdims=True)


FUNCTIONS = {
    "exp": np.exp,
    "log": np.log,
    "sin": np.sin,
    "cos": np.cos,
    "tanh": np.tanh,
    "cosh": np.cosh,
    "abs": np.abs,
    "sign": np.sign,
    "step": lambda x: (x > 0) * 1.0,
    "sigmoid": _sigmoid,
    "softplus": lambda x: np.logaddexp(0, x),
    "log_sigmoid": lambda x: -np.logaddexp(0, -x),
    "sech_squared": lambda x: 1 / np.cosh(x) ** 2,
    "softmax": _softmax,
    "row_softmax": _softmax,
    "max_reduce": np.max,
    "min_reduce": np.min,
    "max_share": lambda x: (x == x.max()) / (x == x.max()).sum(),
    "min_share": lambda x: (x == x.min()) / (x == x.min()).sum(),
    "logsumexp": lambda x: np.log(np.sum(np.exp(x))),
    "norm": lambda x: np.sqrt(np.sum(x * x)),
    "inverse": np.linalg.inv,
    "det": np.linalg.det,
    "logdet": lambda x: np.linalg.slogdet(x)[1],
}


# --- tensor forms ---------------------------------------------------------------------------------


def form_value(form, values):
    """The value of a form; `values` has an array per input and an integer per named axis."""
    total = np.zeros([length(axis, values) for axis in form.axes])
    for term in form.terms:
        total = total + float(term.coefficient) * term_value(form, term, values)
    return total


def length(axis, values):
    return axis if isinstance(axis, int) else values[axis]


def term_value(form, term, values):
    numbers, operands = {}, []
    for factor in term.factors:
        array = np.asarray(factor_value(factor, values), dtype=float)
        places = [numbers.setdefault(i, len(numbers)) for i in factor.indices]
        operands += [array ** float(factor.exponent), places]
    for index in form.free:
        places = [numbers.setdefault(index, len(numbers))]
        operands += [np.ones(length(index.axis, values)), places]
    if not operands:
        return 1.0
    return np.einsum(*operands, [numbers[index] for index in form.free])


def factor_value(factor, values):
    if factor.kind == "size":
        return values[factor.name]
    if factor.kind == "number":
        return float(Fraction(factor.name))
    if factor.kind == "unit":
        return np.eye(length(factor.indices[0].axis, values))[int(factor.name)]
    if factor.kind == "delta":
        return np.eye(length(factor.indices[0].axis, values))
    if factor.kind == "input":
        array = np.asarray(values[factor.name])
        return np.diagonal(array) if array.ndim > len(factor.indices) else array
    inner = [form_value(form, values) for form in factor.arguments]
    return inner[0] if factor.kind == "sum" else FUNCTIONS[factor.name](*inner)


# --- matrix notation ------------------------------------------------------------------------------


def matrix_value(terms, values, size):
    """The value of printed terms, vectors as columns.

    `size` is the length that the identity has where it stands alone.
    """
    return sum((_term(term, values, size) for term in terms), np.zeros((1, 1)))


def _term(term, values, size):
    result = np.array([[float(term.coefficient)]])
    for scalar, exponent in term.scalars:
        value = _expression(scalar, values, size)
        assert value.shape == (1, 1), scalar
        result = result * value ** float(exponent)
    if not term.chain:
        return result
    return result * _chain(term.chain, values, size)


def _chain(chain, values, size):
    product = _expression(chain[0], values, size)
    for e in chain[1:]:
        product = product @ _expression(e, values, size)
    return product


def _expression(e, values, size):
    parts = [_expression(part, values, size) for part in e.parts]
    if e.head == "name":
        array = np.asarray(values[e.text], dtype=float)
        return array.reshape(-1, 1) if array.ndim < 2 else array
    if e.head == "sum":
        return matrix_value(e.terms, values, size)
    if e.head == "product":
        return _chain(e.parts, values, size)
    if e.head == "hadamard":
        product = parts[0]
        for part in parts[1:]:
            # Only a number, as the 1 of 1 - tanh², may be repeated.
            product = product * part
        return product
    return _VALUES[e.head](e, parts, values, size)


def _call(e, parts, values, size):
    if e.text == "softmax" and parts[0].shape[1] == 1:
        return _softmax(parts[0].T).T
    return np.asarray(FUNCTIONS[e.text](*parts)).reshape(
        (1, 1) if e.text in ("logsumexp", "det", "logdet") else parts[0].shape
    )


_VALUES = {
    "ones": lambda e, parts, values, size: np.ones((length(_axis(e.text), values), 1)),
    "identity": lambda e, parts, values, size: np.eye(size),
    "size": lambda e, parts, values, size: np.array([[float(values[e.text])]]),
    "number": lambda e, parts, values, size: np.array([[float(Fraction(e.text))]]),
    "transpose": lambda e, parts, values, size: parts[0].T,
    "inverse": lambda e, parts, values, size: np.linalg.inv(parts[0]),
    "diag": lambda e, parts, values, size: np.diag(parts[0][:, 0]),
    "diagonal": lambda e, parts, values, size: np.diagonal(parts[0]).reshape(-1, 1),
    "trace": lambda e, parts, values, size: np.trace(parts[0]).reshape(1, 1),
    "norm": lambda e, parts, values, size: np.linalg.norm(parts[0]).reshape(1, 1),
    "power": lambda e, parts, values, size: parts[0] ** float(e.exponent),
    "call": _call,
}


def _axis(text):
    return int(text) if text.isdecimal() else text
