"""Rows 6 to 8: derivatives by vectors and matrices for every size, layouts, the chain rule."""

import numpy as np
from record import Row, folder, proved, report

import circuitgrad as cg


def every_size():
    A, x, t = cg.input("A", "n n"), cg.input("x", "n"), cg.input("theta", "n")
    S = cg.input("S", "n n", symmetric=True)
    linear, form = cg.circuit(f=t @ x), cg.circuit(f=x @ A @ x)
    assert linear.grad("x").matrix().startswith("∂f/∂x = θ ")
    assert form.grad("x").matrix().startswith("∂f/∂x = (A + Aᵀ)x ")
    assert cg.circuit(f=x @ S @ x).grad("x").matrix().startswith("∂f/∂x = 2Sx ")
    assert form.grad("A")(A=np.eye(3), x=[1, 2, 3]).shape == (3, 3)
    form.draw(A=[[1, 2], [3, 4]], x=[1, -1]).save(folder() / "n06_form.svg")
    verdict = cg.check("x @ A @ x", "x", "2*A @ x", x="n", A="n n", assuming="A symmetric")
    formulas = "∇ₓθᵀx = θ; ∇ₓxᵀAx = (A + Aᵀ)x; 2Ax for a symmetric A; ∇_A has the shape of A"
    return Row(6, "derivatives for every size", formulas, proved(verdict), "n06_form.svg")


def layouts():
    W, x = cg.input("W", "m n"), cg.input("x", "n")
    jacobian = cg.circuit(y=W @ x).jacobian("x")
    numerator, denominator = (jacobian.matrix(layout) for layout in ("numerator", "denominator"))
    assert numerator == "∂y/∂x = W   (numerator layout)"
    assert denominator == "∂y/∂x = Wᵀ   (denominator layout)"
    drawn = cg.circuit(s=(W @ x).sum())
    drawn.draw(W=[[1, 2], [3, 4]], x=[1, -1]).save(folder() / "n07_product.svg")
    verdicts = [
        cg.check_jacobian("W @ x", "x", claim, x="n", W="m n", layout=layout)
        for claim, layout in (("W", "numerator"), ("W.T", "denominator"))
    ]
    formulas = f"{numerator}; {denominator}"
    return Row(7, "two layouts", formulas, proved(*verdicts), "n07_product.svg")


def chain_rule():
    B, W, x = cg.input("B", "k m"), cg.input("W", "m n"), cg.input("x", "n")
    chain = cg.circuit(z=B @ np.tanh(W @ x))
    text = chain.jacobian("x").matrix(layout="denominator")
    assert text == "∂z/∂x = Wᵀ diag(1 − tanh²(Wx)) Bᵀ   (denominator layout)", text
    values = {"B": np.ones((2, 3)), "W": np.ones((3, 4)), "x": np.zeros(4)}
    np.testing.assert_array_equal(chain.jacobian("x")(**values), np.full((2, 4), 3.0))
    deep = cg.circuit(z=(B @ np.tanh(W @ x)).sum())
    deep.draw(B=[[1, 2]], W=[[1, 2], [3, 4]], x=[0.1, -0.1]).save(folder() / "n08_chain.svg")
    claim = "W.T @ diag(1 - tanh(W @ x)**2) @ B.T"
    axes = {"x": "n", "W": "m n", "B": "k m"}
    verdict = cg.check_jacobian("B @ tanh(W @ x)", "x", claim, layout="denominator", **axes)
    return Row(8, "multivariate chain rule", text, proved(verdict), "n08_chain.svg")


def main():
    report(every_size(), layouts(), chain_rule())


if __name__ == "__main__":
    main()
