"""The optimisers that ship, each declared by its formula.

In the formulas θ is a parameter array, g the gradient, ε the learning rate, t the number of the
update beginning with 1; a, m, v and b are state and begin at zero.
"""

from __future__ import annotations

from circuitgrad.optim.formulas import Formula
from circuitgrad.optim.optimizers import Rule

sgd = Rule(
    "sgd", "theta = theta - rate*g", rate=0.01,
    source="Robbins & Monro, Ann. Math. Stat. 22 (1951) 400",
)  # fmt: skip
momentum = Rule(
    "momentum",
    {
        "velocity": "v = alpha*v - rate*g; theta = theta + v",
        "average": "v = beta*v + (1 - beta)*g; theta = theta - rate*v",
        "corrected": "v = beta*v + (1 - beta)*g; theta = theta - rate*v/(1 - beta**t)",
    },
    rate=0.01, alpha=0.9, beta=0.9,
    source="Polyak, USSR Comput. Math. Math. Phys. 4 (1964) 1",
)  # fmt: skip
nesterov = Rule(
    "nesterov",
    {
        "lookahead": Formula("v = alpha*v - rate*g; theta = theta + v", "theta + alpha*v"),
        "change_of_variables": "u = alpha*v - rate*g; theta = theta + u + alpha*(u - v); v = u",
        "buffer": "b = alpha*b + g; theta = theta - rate*(g + alpha*b)",
        "average": Formula(
            "v = beta*v + (1 - beta)*g; theta = theta - rate*v", "theta - rate*beta*v"
        ),
    },
    rate=0.01, alpha=0.9, beta=0.9,
    source="Nesterov, Soviet Math. Dokl. 27 (1983) 372; Sutskever et al., ICML 2013",
)  # fmt: skip
adagrad = Rule(
    "adagrad",
    {
        "outside": "a = a + g**2; theta = theta - rate*g/(sqrt(a) + nu)",
        "inside": "a = a + g**2; theta = theta - rate*g/sqrt(a + nu)",
    },
    rate=0.01, nu=1e-8,
    source="Duchi, Hazan & Singer, J. Mach. Learn. Res. 12 (2011) 2121",
)  # fmt: skip
rmsprop = Rule(
    "rmsprop",
    {
        "outside": "a = rho*a + (1 - rho)*g**2; theta = theta - rate*g/(sqrt(a) + nu)",
        "inside": "a = rho*a + (1 - rho)*g**2; theta = theta - rate*g/sqrt(a + nu)",
        # Rounding can leave a below m²; there the root is 0.
        "centered": "a = rho*a + (1 - rho)*g**2; m = rho*m + (1 - rho)*g; "
        "theta = theta - rate*g/(sqrt(maximum(a - m**2, 0)) + nu)",
    },
    rate=0.001, rho=0.9, nu=1e-8,
    source="Tieleman & Hinton, Neural Networks for Machine Learning, lecture 6.5, 2012; "
    "centered: Graves, 2013",
)  # fmt: skip
_SQUARES = "a = rho*a + (1 - rho)*g**2; "
_OUTSIDE = _SQUARES + "v = mu*v - rate*g/(sqrt(a) + nu); theta = theta + v"
_INSIDE = _SQUARES + "v = mu*v - rate*g/sqrt(a + nu); theta = theta + v"
rmsprop_momentum = Rule(
    "rmsprop_momentum",
    {
        "outside": _OUTSIDE,
        "inside": _INSIDE,
        "lookahead": Formula(_OUTSIDE, "theta + mu*v"),
        "lookahead_inside": Formula(_INSIDE, "theta + mu*v"),
    },
    rate=0.001, rho=0.9, mu=0.9, nu=1e-7,
    source="Graves, arXiv:1308.0850, 2013",
)  # fmt: skip
_MOMENTS = "m = beta1*m + (1 - beta1)*g; a = beta2*a + (1 - beta2)*g**2; "
_CORRECTED = _MOMENTS + "n = m/(1 - beta1**t); b = a/(1 - beta2**t); "
adam = Rule(
    "adam",
    {
        "outside": _CORRECTED + "theta = theta - rate*n/(sqrt(b) + nu)",
        "inside": _CORRECTED + "theta = theta - rate*n/sqrt(b + nu)",
        "efficient": _MOMENTS
        + "theta = theta - rate*sqrt(1 - beta2**t)/(1 - beta1**t)*m/(sqrt(a) + nu)",
        "uncorrected": _MOMENTS + "theta = theta - rate*m/(sqrt(a) + nu)",
        "uncorrected_inside": _MOMENTS + "theta = theta - rate*m/sqrt(a + nu)",
    },
    rate=0.001, beta1=0.9, beta2=0.999, nu=1e-8,
    source="Kingma & Ba, ICLR 2015",
)  # fmt: skip

RULES = (sgd, momentum, nesterov, adagrad, rmsprop, rmsprop_momentum, adam)
