"""CasADi: scalar expression graphs (SX), run by its virtual machine on buffers of its own."""

import casadi
import numpy as np

from benchmarks import circuits
from benchmarks.case import Solution

OPERATIONS = {
    "add": lambda a, b: a + b,
    "mul": lambda a, b: a * b,
    "tanh": casadi.tanh,
    "sin": casadi.sin,
    "exp": casadi.exp,
}


def circuit(case):
    """Graph, gradient and function, in the three steps of CasADi itself."""
    inputs, gates = case.data

    def build():
        x = casadi.SX.sym("x", len(inputs))
        values = [x[index] for index in range(len(inputs))]
        return x, circuits.apply(gates, values, OPERATIONS)[-1]

    def compile_(graph):
        x, out = graph
        both = casadi.Function("both", [x], [out, casadi.densify(casadi.gradient(out, x))])
        buffer, run = both.buffer()
        arrays = np.array(inputs), np.zeros(1), np.zeros(len(inputs))
        buffer.set_arg(0, memoryview(arrays[0]))
        buffer.set_res(0, memoryview(arrays[1]))
        buffer.set_res(1, memoryview(arrays[2]))
        run()
        return both, buffer, run, arrays

    def evaluate(made):
        _, _, run, (_, value, gradient) = made
        run()
        return value, gradient

    return Solution(evaluate, lambda out: (out[0][0], out[1].copy()), build, compile_)
