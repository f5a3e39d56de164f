"""PyTensor, compiled by Numba: its generated C needs headers of a BLAS that wheels do not have.

A compiled function serves every size, so each problem is compiled once, in its first case. The
Hessian is a loop over the rows (`pytensor.gradient.hessian`) by a vector.
"""

import atexit
import os
import tempfile

# No compiler besides Numba, and no compiled code from an earlier run.
STORE = tempfile.TemporaryDirectory(prefix="pytensor-")
atexit.register(STORE.cleanup)
os.environ["PYTENSOR_FLAGS"] = f"cxx=,base_compiledir={STORE.name}"

import numpy as np  # noqa: E402
import pytensor  # noqa: E402
import pytensor.tensor as pt  # noqa: E402

from benchmarks.case import Solution, flat  # noqa: E402
from benchmarks.problems import bundle, factorisation, mixture, rosenbrock  # noqa: E402

COMPILED = {}  # name of a problem -> function


def solution(problem, build, arguments, result):
    """Build has the graph, compile the derivative, Numba and the first call, once per problem.

    Args:
        problem: Its name.
        build: The symbols of the arguments, and a function that gives what is computed.
        arguments: NumPy arrays.
        result: From what was computed, what is compared.
    """

    def compile_(graph):
        symbols, derive = graph
        function = pytensor.function(symbols, derive(), mode="NUMBA")
        function.trust_input = True
        function(*arguments)
        COMPILED[problem] = function
        return function

    def evaluate(function):
        return (function or COMPILED[problem])(*arguments)

    if problem in COMPILED:
        return Solution(evaluate, result)
    return Solution(evaluate, result, build, compile_)


def second(case, value, shape, argument, *others):
    """The Hessian by the first argument.

    Args:
        case: The case.
        value: From the arguments' symbols, the value.
        shape: From the other arguments' symbols, the shape of the first.
        argument: The first argument.
        *others: The other arguments.
    """

    def build():
        first = pt.dvector("x")
        symbols = [pt.tensor(dtype=array.dtype, shape=(None,) * array.ndim) for array in others]
        out = value(first.reshape(shape(*symbols)), *symbols)
        return [first, *symbols], lambda: pytensor.gradient.hessian(out, first)

    return solution(
        case.problem,
        build,
        (argument.ravel(), *others),
        lambda out: (out.reshape(argument.shape * 2),),
    )


def logistic_hessian(case):
    """PyTensor has a softplus of its own."""

    def loss(w, X, y):
        return pt.sum(pt.softplus(-y * (X @ w)))

    return second(case, loss, lambda X, y: (X.shape[1],), case.data.w, case.data.X, case.data.y)


def factorisation_hessian(case):
    """The formula as it stands."""
    data = case.data
    return second(
        case,
        lambda U, V, T: factorisation.loss(pt, U, V, T),
        lambda V, T: (T.shape[0], V.shape[1]),
        data.U,
        data.V,
        data.T,
    )


def softmax_hessian(case):
    """The cross-entropy by logsumexp."""

    def entropy(W, X, Y):
        scores = X @ W
        return pt.sum(pt.logsumexp(scores, axis=1)) - pt.sum(scores * Y)

    data = case.data
    return second(case, entropy, lambda X, Y: (X.shape[1], Y.shape[1]), data.W, data.X, data.Y)


def relu_hessian(case):
    """The cross-entropy by logsumexp."""

    def entropy(first, x, target, *others):
        hidden = pt.maximum(first @ x, 0)
        for W in others[:-1]:
            hidden = pt.maximum(W @ hidden, 0)
        scores = others[-1] @ hidden
        return pt.logsumexp(scores) - scores @ target

    def shape(x, target, *others):
        return x.shape[0], x.shape[0]

    first, *others = case.data.weights
    return second(case, entropy, shape, first, case.data.x, case.data.target, *others)


def rosenbrock_hessian(case):
    """Three Hessian-vector products."""
    directions = rosenbrock.directions(len(case.data))

    def build():
        x, vectors = pt.dvector("x"), pt.dmatrix("directions")

        def derive():
            gradient = pytensor.grad(rosenbrock.value(pt, x), x)
            products = [pt.sum(gradient * vectors[k]) for k in range(rosenbrock.COLOURS)]
            return pt.stack([pytensor.grad(product, x) for product in products])

        return [x, vectors], derive

    return solution(case.problem, build, (case.data, directions), rosenbrock.diagonals)


def gmm_gradient(case):
    """The graph of matrices, as PyTensor users write it; for every size."""
    data = case.data

    def build():
        alphas, means, factors, x = pt.dvector(), pt.dmatrix(), pt.dmatrix(), pt.dmatrix()
        positions, constant = pt.lmatrix(), pt.dscalar()
        components, d = means.shape
        logarithms, lower = factors[:, :d], factors[:, d:]
        diagonal = pt.exp(logarithms)
        padded = pt.concatenate([factors, pt.zeros((components, 1))], axis=1)
        Q = padded[:, positions] + diagonal[:, :, None] * pt.eye(d)
        moved = pt.matmul(x, Q.transpose(0, 2, 1)) - pt.sum(Q * means[:, None, :], 2)[:, None, :]
        scores = (alphas + logarithms.sum(1))[:, None] - 0.5 * pt.sum(moved**2, axis=2)
        prior = 0.5 * data.scale**2 * (pt.sum(diagonal**2) + pt.sum(lower**2))
        prior -= data.degrees * pt.sum(logarithms)
        total = pt.sum(pt.logsumexp(scores, axis=0)) - x.shape[0] * pt.logsumexp(alphas)
        value, parameters = constant + total + prior, [alphas, means, factors]
        return (
            [*parameters, x, positions, constant],
            lambda: [value, *pytensor.grad(value, parameters)],
        )

    fixed = data.x, mixture.positions(data.means.shape[1]), np.array(mixture.constant(data))
    return solution(
        case.problem, build, (*data.parameters, *fixed), lambda out: (out[0], flat(out[1:]))
    )


def bundle_jacobian(case):
    """Two backward passes over all observations: the sums of their first and second errors."""
    data = case.data
    features = np.ascontiguousarray(data.features.T)

    def build():
        columns, targets = pt.dmatrix("columns"), pt.dmatrix("features")
        errors = bundle.errors(pt, [columns[k] for k in range(15)], targets)
        return (
            [columns, targets],
            lambda: [*errors, *(pytensor.grad(error.sum(), columns) for error in errors)],
        )

    blocks = solution(case.problem, build, (columns(data), features), tuple)

    def evaluate(function):
        run = function or COMPILED[case.problem]
        first, second, *rows = run(columns(data), features)
        return (first, second), 1 - data.weights**2, rows, -2 * data.weights

    return Solution(evaluate, bundle.columns_result, blocks.build, blocks.compile)


def columns(data):
    """The parameters of the observations, as PyTensor wants its arrays."""
    return np.ascontiguousarray(bundle.observed(np, *data.parameters, data).T)
