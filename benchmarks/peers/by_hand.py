"""No library: the derivatives worked out on paper, in plain Python and NumPy."""

from benchmarks import circuits, networks
from benchmarks.case import Solution, flat


def circuit(case):
    """A loop over the gates and back, over Python floats."""
    return Solution(lambda _: circuits.value_and_gradient(case.data), lambda out: out)


def network(case):
    """The usual thirty lines of NumPy."""
    return Solution(
        lambda _: networks.value_and_gradient(case.data), lambda out: (out[0], flat(out[1]))
    )
