"""CasADi: expression graphs of numbers (SX) or matrices (MX), run by its virtual machine.

Its Hessians are sparse where it can tell. They are handed out as dense matrices where the problem
has a dense one. What takes longer than timing.PREPARATION_LIMIT is left out.
"""

import casadi
import numpy as np

from benchmarks.case import Solution, flat
from benchmarks.problems import bundle, circuits, mixture

OPERATIONS = {
    "add": lambda a, b: a + b,
    "mul": lambda a, b: a * b,
    "tanh": casadi.tanh,
    "sin": casadi.sin,
    "exp": casadi.exp,
}


def solution(build, derive, arguments, result):
    """Graph, derivative and function, in the three steps of CasADi itself, on buffers.

    Args:
        build: The symbols of the arguments and the value.
        derive: From symbols and value, what is computed.
        arguments: NumPy arrays.
        result: From flat arrays of non-zero entries, column by column, what is compared.
    """
    values = [np.array(np.ravel(argument, order="F"), dtype=float) for argument in arguments]

    def compile_(graph):
        symbols, _ = graph
        function = casadi.Function("derived", symbols, derive(*graph))
        buffer, run = function.buffer()
        results = [np.zeros(function.nnz_out(index)) for index in range(function.n_out())]
        for index, array in enumerate(values):
            buffer.set_arg(index, memoryview(array))
        for index, array in enumerate(results):
            buffer.set_res(index, memoryview(array))
        run()
        return function, buffer, run, results

    def evaluate(made):
        _, _, run, results = made
        run()
        return results

    return Solution(evaluate, result, build, compile_)


def gradient(symbols, value):
    """The value and its gradients."""
    return [value, *(casadi.densify(casadi.gradient(value, symbol)) for symbol in symbols)]


def circuit(case):
    """A graph of numbers."""
    inputs, gates = case.data

    def build():
        x = casadi.SX.sym("x", len(inputs))
        values = [x[index] for index in range(len(inputs))]
        return [x], circuits.apply(gates, values, OPERATIONS)[-1]

    return solution(build, gradient, [inputs], lambda out: (out[0][0], out[1].copy()))


def second(function, argument, *others):
    """The dense Hessian by the first argument, a vector; the others are symbols as well."""

    def build():
        first = casadi.MX.sym("x", argument.size)
        symbols = [casadi.MX.sym(f"x{k}", *array.shape) for k, array in enumerate(others)]
        return [first, *symbols], function(first, *symbols)

    def derive(symbols, value):
        return [casadi.densify(casadi.hessian(value, symbols[0])[0])]

    def result(out):
        return (out[0].reshape(argument.shape * 2),)

    return solution(build, derive, (argument.ravel(), *others), result)


def rows(vector, shape):
    """A vector as a matrix, row by row as NumPy has it."""
    return casadi.reshape(vector, *shape[::-1]).T


def logistic_hessian(case):
    """A graph of matrices."""
    data = case.data
    return second(
        lambda w, X, y: casadi.sum1(casadi.log1p(casadi.exp(-y * casadi.mtimes(X, w)))),
        data.w,
        data.X,
        data.y,
    )


def factorisation_hessian(case):
    """A graph of matrices."""
    data = case.data
    return second(
        lambda U, V, T: casadi.sumsqr(T - casadi.mtimes(rows(U, data.U.shape), V.T)),
        data.U,
        data.V,
        data.T,
    )


def softmax_hessian(case):
    """A graph of matrices."""
    data = case.data

    def entropy(W, X, Y):
        scores = casadi.mtimes(X, rows(W, data.W.shape))
        return casadi.sum1(casadi.log(casadi.sum2(casadi.exp(scores)))) - casadi.dot(scores, Y)

    return second(entropy, data.W, data.X, data.Y)


def relu_hessian(case):
    """A graph of matrices; over a minute to derive at 32 units."""
    first, *others = case.data.weights
    if len(first) > 16:
        return None

    def entropy(W1, x, target, *weights):
        hidden = casadi.fmax(casadi.mtimes(rows(W1, first.shape), x), 0)
        for W in weights[:-1]:
            hidden = casadi.fmax(casadi.mtimes(W, hidden), 0)
        scores = casadi.mtimes(weights[-1], hidden)
        return casadi.logsumexp(scores) - casadi.dot(scores, target)

    return second(entropy, first, case.data.x, case.data.target, *others)


def rosenbrock_hessian(case):
    """A graph of numbers; CasADi finds the pattern and colours it."""

    def build():
        x = casadi.SX.sym("x", len(case.data))
        return [x], casadi.sumsqr(10 * (x[1:] - x[:-1] ** 2)) + casadi.sumsqr(1 - x[:-1])

    def derive(symbols, value):
        return [casadi.triu(casadi.hessian(value, symbols[0])[0])]

    def result(out):
        (entries,) = out  # column by column: x_00, x_01, x_11, x_12, x_22, …
        return entries[::2], entries[1::2]

    return solution(build, derive, [case.data], result)


def gmm_gradient(case):
    """A graph of matrices, component by component."""
    data = case.data
    components, d = data.means.shape
    # CasADi stores the lower triangle column by column, each diagonal entry first.
    below = mixture.positions(d)
    order = [k for c in range(d) for k in (c, *(int(p) for p in below[c + 1 :, c]))]

    def build():
        alphas, x = casadi.MX.sym("alphas", components), casadi.MX.sym("x", d, len(data.x))
        means = casadi.MX.sym("means", d, components)
        factors = casadi.MX.sym("factors", data.factors.shape[1], components)
        scores, prior = [], 0
        for k in range(components):
            logarithms, lower = factors[:d, k], factors[d:, k]
            diagonal = casadi.exp(logarithms)
            entries = casadi.vertcat(diagonal, lower)[order]
            Q = casadi.MX(casadi.Sparsity.lower(d), entries)
            moved = casadi.mtimes(Q, x - casadi.repmat(means[:, k], 1, len(data.x)))
            size = alphas[k] + casadi.sum1(logarithms)
            scores.append(size - 0.5 * casadi.sum1(moved * moved))
            prior += 0.5 * data.scale**2 * (casadi.sumsqr(diagonal) + casadi.sumsqr(lower))
            prior -= data.degrees * casadi.sum1(logarithms)
        top = scores[0]
        for score in scores[1:]:
            top = casadi.fmax(top, score)
        total = casadi.sum2(top + casadi.log(sum(casadi.exp(score - top) for score in scores)))
        total -= len(data.x) * casadi.logsumexp(alphas)
        return [alphas, means, factors, x], mixture.constant(data) + total + prior

    return solution(
        build,
        lambda symbols, value: gradient(symbols[:3], value),
        (data.alphas, data.means.T, data.factors.T, data.x.T),
        lambda out: (out[0][0], flat(out[1:])),
    )


def bundle_jacobian(case):
    """A graph of numbers for one observation, mapped over all of them."""
    data = case.data

    def build():
        x, features = casadi.SX.sym("x", 15), casadi.SX.sym("features", 2)
        columns = [x[index] for index in range(15)]
        errors = bundle.errors(casadi, columns, [features[0], features[1]])
        return [x, features], casadi.vertcat(*errors)

    def compile_(graph):
        symbols, errors = graph
        jacobian = casadi.densify(casadi.jacobian(errors, symbols[0])).T
        one = casadi.Function("one", symbols, [errors, jacobian])
        function = one.map(len(data.weights))
        buffer, run = function.buffer()
        results = [np.zeros(function.nnz_out(index)) for index in range(2)]
        for index, array in enumerate(results):
            buffer.set_res(index, memoryview(array))
        features = np.array(data.features)
        buffer.set_arg(1, memoryview(features.reshape(-1)))
        made = function, buffer, run, results, features
        evaluate(made)
        return made

    def evaluate(made):
        _, buffer, run, (errors, jacobian), _ = made
        rows = bundle.observed(np, *data.parameters, data)
        buffer.set_arg(0, memoryview(rows.reshape(-1)))
        run()
        return errors, 1 - data.weights**2, jacobian, -2 * data.weights

    return Solution(evaluate, lambda out: (flat(out[:2]), flat(out[2:])), build, compile_)
