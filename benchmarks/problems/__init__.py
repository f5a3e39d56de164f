"""The problems: one module each, named after what is differentiated.

Each has the problem's data, its value for NumPy and what behaves like NumPy, its derivative worked
out by hand, and `cases(quick)`. TITLE and ABOUT are what the page says of it.
"""

import importlib

# Name of the problem, as the functions of the libraries are called -> module here.
MODULES = {
    "circuit": "circuits",
    "network": "networks",
    "logistic_hessian": "logistic",
    "factorisation_hessian": "factorisation",
    "softmax_hessian": "softmax",
    "relu_hessian": "relu",
    "rosenbrock_hessian": "rosenbrock",
    "gmm_gradient": "mixture",
    "bundle_jacobian": "bundle",
}


def load(problem):
    """The module of a problem."""
    return importlib.import_module(f"benchmarks.problems.{MODULES[problem]}")
