"""No library: the derivatives worked out on paper, in plain Python and NumPy."""

from benchmarks.case import Solution, flat
from benchmarks.problems import (
    bundle,
    circuits,
    factorisation,
    logistic,
    mixture,
    networks,
    relu,
    rosenbrock,
    softmax,
)


def circuit(case):
    """A loop over the gates and back, over Python floats."""
    return Solution(lambda _: circuits.value_and_gradient(case.data), lambda out: out)


def network(case):
    """The usual thirty lines of NumPy."""
    return Solution(
        lambda _: networks.value_and_gradient(case.data), lambda out: (out[0], flat(out[1]))
    )


def hessian(module):
    """The Hessian of a problem's module."""
    return lambda case: Solution(lambda _: module.hessian(case.data), lambda out: (out,))


logistic_hessian = hessian(logistic)
factorisation_hessian = hessian(factorisation)
softmax_hessian = hessian(softmax)
relu_hessian = hessian(relu)


def rosenbrock_hessian(case):
    """The two diagonals alone."""
    return Solution(lambda _: rosenbrock.hessian(case.data), lambda out: out)


def gmm_gradient(case):
    """Forty lines of NumPy."""
    return Solution(
        lambda _: mixture.value_and_gradient(case.data), lambda out: (out[0], flat(out[1]))
    )


def bundle_jacobian(case):
    """The blocks of all observations at once."""
    return Solution(lambda _: bundle.value_and_jacobian(case.data), bundle.columns_result)
