"""The libraries: one module each, with a function for each problem that it can do."""

import importlib
import importlib.metadata

# Name on the page, module here, distribution that has the version ("" for code by hand).
SYSTEMS = (
    ("circuitgrad", "circuitgrad", "circuitgrad"),
    ("circuitgrad, structured", "structured", ""),
    ("by hand", "by_hand", ""),
    ("micrograd", "micrograd", "micrograd"),
    ("autograd", "autograd", "autograd"),
    ("CasADi", "casadi", "casadi"),
    ("PyTensor", "pytensor", "pytensor"),
    ("PyTorch", "torch", "torch"),
    ("JAX", "jax", "jax"),
)


def solutions(case):
    """Name of a library -> its solution of a case, of all libraries that have one.

    Raises:
        SystemExit: A library is not installed.
    """
    found = {}
    for name, module, _ in SYSTEMS:
        try:
            solver = getattr(
                importlib.import_module(f"benchmarks.peers.{module}"), case.problem, None
            )
        except ImportError as reason:
            raise SystemExit(f"{name} is missing ({reason}): pip install -e '.[bench]'") from None
        solution = solver and solver(case)
        if solution:
            found[name] = solution
    return found


def versions():
    """Name of a library -> its version."""
    listed = {name: distribution for name, _, distribution in SYSTEMS if distribution}
    listed["NumPy"] = "numpy"
    return {name: importlib.metadata.version(value) for name, value in listed.items()}
