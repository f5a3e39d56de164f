"""The libraries: one module each, with a function `circuit` or `network` for what it can do."""

import importlib
import importlib.metadata

# Name on the page, module here, distribution that has the version ("" for code by hand).
SYSTEMS = (
    ("circuitgrad", "circuitgrad", "circuitgrad"),
    ("by hand", "by_hand", ""),
    ("micrograd", "micrograd", "micrograd"),
    ("autograd", "autograd", "autograd"),
    ("CasADi", "casadi", "casadi"),
    ("PyTorch", "torch", "torch"),
    ("JAX", "jax", "jax"),
)


def solvers(problem):
    """Name of a library -> its function for a problem, of all libraries that have one.

    Raises:
        SystemExit: A library is not installed.
    """
    found = {}
    for name, module, _ in SYSTEMS:
        try:
            functions = importlib.import_module(f"benchmarks.peers.{module}")
        except ImportError as reason:
            raise SystemExit(f"{name} is missing ({reason}): pip install -e '.[bench]'") from None
        if hasattr(functions, problem):
            found[name] = getattr(functions, problem)
    return found


def versions():
    """Name of a library -> its version."""
    listed = {name: distribution for name, _, distribution in SYSTEMS if distribution}
    listed["NumPy"] = "numpy"
    return {name: importlib.metadata.version(value) for name, value in listed.items()}
