"""Autodiff you can read, prove and see: expressions as circuits of gates.

>>> import numpy as np, circuitgrad as cg
>>> w, x = cg.inputs("w x")
>>> c = cg.circuit(f=1 / (1 + np.exp(-w * x)))
>>> c(w=2, x=-1)
0.11920292202211755
"""

from typing import TYPE_CHECKING, Any

from circuitgrad.circuits import Circuit, circuit
from circuitgrad.directions import hvp, jvp, taylor
from circuitgrad.errors import (
    BackendError,
    CircuitError,
    DerivativeError,
    DomainError,
    ProofError,
    RenderError,
    ShapeError,
    SpecError,
)
from circuitgrad.gates import catalogue
from circuitgrad.gates.activations import (
    elu,
    hard_tanh,
    leaky_relu,
    log_sigmoid,
    relu,
    sigmoid,
    softplus,
    softsign,
    swish,
)
from circuitgrad.gates.arithmetic import absolute, clip, log, maximum, minimum, sqrt, square, where
from circuitgrad.gates.contractions import (
    broadcast,
    diag,
    diagonal,
    dot,
    matmul,
    outer,
    trace,
    transpose,
)
from circuitgrad.gates.from_einsum import einsum
from circuitgrad.gates.from_formula import elementwise
from circuitgrad.gates.functions import (
    acos,
    asin,
    atan,
    atan2,
    cos,
    cosh,
    erf,
    exp,
    expm1,
    log1p,
    logaddexp,
    sin,
    sinh,
    tan,
    tanh,
)
from circuitgrad.gates.linear_algebra import inverse, solve
from circuitgrad.gates.matrices import cholesky, det, logdet, matrix_power, slogdet
from circuitgrad.gates.products import convolve, kron, prod
from circuitgrad.gates.reductions import log_softmax, logsumexp, mean, norm, softmax
from circuitgrad.gates.sequences import cumsum, sort, top_k
from circuitgrad.gates.shapes import concatenate, reshape, stack
from circuitgrad.gates.special import (
    acosh,
    asinh,
    atanh,
    cbrt,
    erfc,
    exp2,
    log2,
    log10,
    logit,
    sinc,
)
from circuitgrad.gates.spectra import eigh, eigvalsh
from circuitgrad.methods import upper_layer
from circuitgrad.plans.run import Run
from circuitgrad.sources import constant
from circuitgrad.sources import input_wire as input
from circuitgrad.sources import input_wires as inputs
from circuitgrad.tracing import grad, hessian, jacobian, value_and_grad, vjp
from circuitgrad.wire import Gate, Wire, scope

if TYPE_CHECKING:
    from circuitgrad.claims.assertions import assert_proved
    from circuitgrad.claims.backward_passes import (
        check_backward,
        check_backward_numerically,
        custom,
    )
    from circuitgrad.claims.certificates import replay
    from circuitgrad.claims.checks import check, check_equal, check_hessian, check_jacobian
    from circuitgrad.claims.jax_backward import check_jax_vjp
    from circuitgrad.claims.numeric_checks import check_numerically
    from circuitgrad.claims.torch_backward import check_torch_function
    from circuitgrad.claims.verdicts import Proved, Refuted, Undecided, Verdict
    from circuitgrad.formulas.from_symbolic import from_sympy
    from circuitgrad.proofs.report import Report, verify
    from circuitgrad.stability.forms import StableForm, stable
    from circuitgrad.stability.measures import Accuracy, accuracy
    from circuitgrad.training import fit

__version__ = "0.1.0"

# What needs SymPy is imported on first use: SymPy alone takes longer than all the rest.
_ON_USE = {
    "Accuracy": "stability.measures",
    "StableForm": "stability.forms",
    "accuracy": "stability.measures",
    "stable": "stability.forms",
    "Proved": "claims.verdicts",
    "Refuted": "claims.verdicts",
    "Report": "proofs.report",
    "Undecided": "claims.verdicts",
    "Verdict": "claims.verdicts",
    "assert_proved": "claims.assertions",
    "check": "claims.checks",
    "check_backward": "claims.backward_passes",
    "check_backward_numerically": "claims.backward_passes",
    "check_equal": "claims.checks",
    "check_hessian": "claims.checks",
    "check_jacobian": "claims.checks",
    "check_jax_vjp": "claims.jax_backward",
    "check_numerically": "claims.numeric_checks",
    "check_torch_function": "claims.torch_backward",
    "custom": "claims.backward_passes",
    "replay": "claims.certificates",
    "from_sympy": "formulas.from_symbolic",
    "verify": "proofs.report",
    "fit": "training",
}
_TRAINING_KIT = ("data", "nn", "optim")


def __getattr__(name: str) -> Any:
    if name in _ON_USE:
        return getattr(upper_layer(_ON_USE[name]), name)
    if name in _TRAINING_KIT:
        return upper_layer(name)
    raise AttributeError(f"module 'circuitgrad' has no attribute '{name}'")


def __dir__() -> list[str]:
    return __all__


__all__ = [
    "Accuracy",
    "BackendError",
    "Circuit",
    "CircuitError",
    "DerivativeError",
    "DomainError",
    "Gate",
    "ProofError",
    "Proved",
    "Refuted",
    "RenderError",
    "Report",
    "Run",
    "ShapeError",
    "SpecError",
    "StableForm",
    "Undecided",
    "Verdict",
    "Wire",
    "absolute",
    "accuracy",
    "acos",
    "acosh",
    "asin",
    "asinh",
    "assert_proved",
    "atan",
    "atan2",
    "atanh",
    "broadcast",
    "catalogue",
    "cbrt",
    "check",
    "check_backward",
    "check_backward_numerically",
    "check_equal",
    "check_hessian",
    "check_jacobian",
    "check_jax_vjp",
    "check_numerically",
    "check_torch_function",
    "cholesky",
    "circuit",
    "clip",
    "concatenate",
    "constant",
    "convolve",
    "cos",
    "cosh",
    "cumsum",
    "custom",
    "det",
    "diag",
    "diagonal",
    "dot",
    "eigh",
    "eigvalsh",
    "einsum",
    "elementwise",
    "elu",
    "erf",
    "erfc",
    "exp",
    "exp2",
    "expm1",
    "fit",
    "from_sympy",
    "grad",
    "hard_tanh",
    "hessian",
    "hvp",
    "input",
    "inputs",
    "inverse",
    "jacobian",
    "jvp",
    "kron",
    "leaky_relu",
    "log",
    "log1p",
    "log2",
    "log10",
    "log_sigmoid",
    "log_softmax",
    "logaddexp",
    "logdet",
    "logit",
    "logsumexp",
    "matmul",
    "matrix_power",
    "maximum",
    "mean",
    "minimum",
    "norm",
    "outer",
    "prod",
    "relu",
    "replay",
    "reshape",
    "scope",
    "sigmoid",
    "sin",
    "sinc",
    "sinh",
    "slogdet",
    "softmax",
    "softplus",
    "softsign",
    "solve",
    "sort",
    "sqrt",
    "square",
    "stable",
    "stack",
    "swish",
    "tan",
    "tanh",
    "taylor",
    "top_k",
    "trace",
    "transpose",
    "value_and_grad",
    "verify",
    "vjp",
    "where",
]
