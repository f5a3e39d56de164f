"""Identities in MATLAB's notation as circuits: the part of the notation that the data use."""

import re
from typing import NamedTuple

import numpy as np

import circuitgrad as cg

TOKEN = re.compile(r"\d+\.?\d*|[A-Za-z_]\w*|\.\*|\./|\.\^|[-+*/^'(),]")
FUNCTIONS = {
    "exp": np.exp,
    "log": np.log,
    "abs": np.abs,
    "tanh": np.tanh,
    "sin": np.sin,
    "cos": np.cos,
}
TO_SCALAR = {
    "tr": cg.trace,
    "sum": lambda x: x.sum(),
    "norm2": cg.norm,
    "det": np.linalg.det,
    "logdet": cg.logdet,
}


class Value(NamedTuple):
    """A wire without axes of length 1; it stands as "scalar", "column", "row" or "matrix"."""

    wire: object
    kind: str


def declare(name, dims, facts=()):
    """An input from "n,1": vectors have one axis."""
    axes = [axis for axis in dims.split(",") if axis != "1"]
    known = {fact: True for fact in facts if fact in ("symmetric", "orthogonal", "diagonal")}
    if "spd" in facts:
        known["symmetric"] = True
    wire = cg.input(name, tuple(axes), **known)
    return Value(wire, ("scalar", "column", "matrix")[len(axes)])


def transpose(value):
    kinds = {"column": "row", "row": "column"}
    wire = value.wire.T if value.kind == "matrix" else value.wire
    return Value(wire, kinds.get(value.kind, value.kind))


def multiply(left, right):
    if "scalar" in (left.kind, right.kind):
        return Value(left.wire * right.wire, right.kind if left.kind == "scalar" else left.kind)
    if (left.kind, right.kind) == ("column", "row"):
        return Value(cg.outer(left.wire, right.wire), "matrix")
    kinds = {
        ("row", "column"): "scalar",
        ("row", "matrix"): "row",
        ("matrix", "column"): "column",
        ("matrix", "matrix"): "matrix",
    }
    return Value(left.wire @ right.wire, kinds[left.kind, right.kind])


def entrywise(operation, left, right):
    if left.kind != right.kind and "scalar" not in (left.kind, right.kind):
        raise ValueError(f"{left.kind} and {right.kind}")
    kind = right.kind if left.kind == "scalar" else left.kind
    return Value(operation(left.wire, right.wire), kind)


def power(value, exponent):
    if value.kind != "matrix":
        return Value(value.wire**exponent, value.kind)
    result = value
    for _ in range(exponent - 1):
        result = multiply(result, value)
    return result


class Parser:
    def __init__(self, text, names):
        self.tokens = TOKEN.findall(text)
        self.place = 0
        self.names = names

    def peek(self):
        return self.tokens[self.place] if self.place < len(self.tokens) else None

    def take(self, *expected):
        token = self.peek()
        assert not expected or token in expected, (token, expected)
        self.place += 1
        return token

    def sum(self):
        value = self.product()
        while self.peek() in ("+", "-"):
            sign = self.take()
            other = self.product()
            operation = (lambda p, q: p + q) if sign == "+" else (lambda p, q: p - q)
            value = entrywise(operation, value, other)
        return value

    def product(self):
        if self.peek() == "-":
            self.take()
            value = self.product()
            return Value(-value.wire, value.kind)
        value = self.postfix()
        while self.peek() in ("*", "/", ".*", "./"):
            token, other = self.take(), self.postfix()
            if token == "*":
                value = multiply(value, other)
            elif token == "/":
                assert other.kind == "scalar"
                value = Value(value.wire / other.wire, value.kind)
            else:
                operation = (lambda p, q: p * q) if token == ".*" else (lambda p, q: p / q)
                value = entrywise(operation, value, other)
        return value

    def postfix(self):
        value = self.atom()
        while self.peek() in ("'", "^", ".^"):
            token = self.take()
            if token == "'":
                value = transpose(value)
            else:
                exponent = int(self.take())
                entry = Value(value.wire**exponent, value.kind) if token == ".^" else None
                value = entry or power(value, exponent)
        return value

    def atom(self):
        token = self.take()
        if token == "(":
            value = self.sum()
            self.take(")")
            return value
        if token[0].isdigit():
            return Value(cg.constant(float(token)), "scalar")
        if self.peek() != "(" or token in self.names:
            return self.names[token]
        self.take("(")
        if token in ("eye", "ones"):
            axis = self.take()
            while self.take() != ")":
                pass
            ones = cg.broadcast(cg.constant(1.0), (axis,))
            return Value(cg.diag(ones), "matrix") if token == "eye" else Value(ones, "column")
        value = self.sum()
        self.take(")")
        return call(token, value)


def call(name, value):
    if name in FUNCTIONS:
        return Value(FUNCTIONS[name](value.wire), value.kind)
    if name in TO_SCALAR:
        return Value(TO_SCALAR[name](value.wire), "scalar")
    if name == "mdiag":
        return Value(cg.diag(cg.diagonal(value.wire)), "matrix")
    if name == "inv":
        return Value(cg.inverse(value.wire), "matrix")
    assert name == "diag", name
    return Value(cg.diag(value.wire), "matrix" if value.kind == "column" else "column")


def parse(text, names):
    """The value of a text; names are those of `declare`."""
    parser = Parser(text, names)
    value = parser.sum()
    assert parser.peek() is None, text
    return value
