"""Random scalar circuits: 16 inputs, one output, gates drawn from five kinds."""

import functools
import math
import random

import numpy as np

from benchmarks.case import Case

INPUTS = 16
WAITING = 24  # how many values may lack a use before the oldest of them is used
TITLE = "Scalar circuits"
ABOUT = (
    "Value and gradient (16 inputs) of random circuits of five kinds of gates (add, mul, tanh, "
    "sin, exp), some 24 gates wide, and of a chain. *By hand* is plain Python here. micrograd "
    "lacks tanh, sin and exp; they were added as it adds its own functions."
)
OPERATIONS = ("add", "mul", "tanh", "sin", "exp")
WEIGHTS = (3, 3, 1, 1, 1)
PYTHON = {
    "add": lambda a, b: a + b,
    "mul": lambda a, b: a * b,
    "tanh": math.tanh,
    "sin": math.sin,
    "exp": math.exp,
}


def bounded(operation, a, b):
    """The operation, or another one where its value would leave [-4, 4]."""
    if operation == "exp" and a > 1:
        return "tanh"
    if operation in ("add", "mul") and abs(PYTHON[operation](a, b)) > 4:
        return "sin"
    return operation


def generate(size, *, chain=False):
    """Input values and gates (operation, operand, operand or None) of a random circuit.

    Values count on from the inputs. An operand is mostly any earlier value, sometimes the oldest
    one that has no use yet; in a chain always the last one, together with an input. The final gates
    add up what is left, so that every gate counts.
    """
    source = random.Random(size)
    inputs = [source.uniform(0.5, 1.5) for _ in range(INPUTS)]
    values, gates = list(inputs), []
    unused = dict.fromkeys(range(INPUTS))  # ordered, oldest first

    def emit(operation, *operands):
        for operand in operands:
            unused.pop(operand, None)
        unused[len(values)] = None
        gates.append((operation, operands[0], operands[1] if len(operands) > 1 else None))
        values.append(PYTHON[operation](*(values[operand] for operand in operands)))

    while len(gates) + len(unused) <= size:
        if chain:
            first = len(values) - 1
        elif len(unused) > WAITING or source.random() < 0.3:
            first = next(iter(unused))
        else:
            first = source.randrange(len(values))
        second = source.randrange(INPUTS if chain else len(values))
        (drawn,) = source.choices(OPERATIONS, WEIGHTS)
        operation = bounded(drawn, values[first], values[second])
        emit(operation, *(first, second)[: 2 if operation in ("add", "mul") else 1])
    while len(unused) > 1:
        first, second, *_ = unused
        emit("add", first, second)
    return inputs, gates


def apply(gates, inputs, operations):
    """All values of the circuit, on whatever kind of number the operations take."""
    values = list(inputs)
    for operation, a, b in gates:
        function = operations[operation]
        values.append(function(values[a]) if b is None else function(values[a], values[b]))
    return values


def value_and_gradient(data):
    """Value and gradient by a hand-written backward pass over Python floats."""
    inputs, gates = data
    values = apply(gates, inputs, PYTHON)
    upstream = [0.0] * len(values)
    upstream[-1] = 1.0
    for index in range(len(gates) - 1, -1, -1):
        operation, a, b = gates[index]
        grad, out = upstream[INPUTS + index], values[INPUTS + index]
        if operation == "add":
            upstream[a] += grad
            upstream[b] += grad
        elif operation == "mul":
            left, right = values[a], values[b]
            upstream[a] += grad * right
            upstream[b] += grad * left
        elif operation == "tanh":
            upstream[a] += grad * (1.0 - out * out)
        elif operation == "sin":
            upstream[a] += grad * math.cos(values[a])
        else:
            upstream[a] += grad * out
    return values[-1], np.array(upstream[:INPUTS])


def cases(*, quick):
    """Circuits of 100 to 100,000 gates and a chain; up to 1,000 gates when quick."""
    sizes = (100, 1_000) if quick else (100, 1_000, 10_000, 100_000)
    drawn = {f"{size:,} gates": generate(size) for size in sizes}
    if not quick:
        drawn["10,000 gates in a chain"] = generate(10_000, chain=True)
    for label, data in drawn.items():
        reference = functools.partial(value_and_gradient, data)
        yield Case("circuit", label, data, reference, tolerance=1e-8)
