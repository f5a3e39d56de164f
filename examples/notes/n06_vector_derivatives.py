"""Rows 6 to 8: derivatives by vectors and matrices for every size, layouts, the chain rule."""

import numpy as np
from record import Row, folder, proved, report

import circuitgrad as cg


def main():
    A, x, t = cg.input("A", "n n"), cg.input("x", "n"), cg.input("theta", "n")
    S = cg.input("S", "n n", symmetric=True)
    linear, form = cg.circuit(f=t @ x), cg.circuit(f=x @ A @ x)
    assert linear.grad("x").matrix().startswith("∂f/∂x = θ ")
    assert form.grad("x").matrix().startswith("∂f/∂x = (A + Aᵀ)x ")
    assert cg.circuit(f=x @ S @ x).grad("x").matrix().startswith("∂f/∂x = 2Sx ")
    assert form.grad("A")(A=np.eye(3), x=[1, 2, 3]).shape == (3, 3)
    form.draw(A=[[1, 2], [3, 4]], x=[1, -1]).save(folder() / "n06_form.svg")

    W = cg.input("W", "m n")
    product = cg.circuit(y=W @ x)
    numerator = product.jacobian("x").matrix(layout="numerator")
    denominator = product.jacobian("x").matrix(layout="denominator")
    assert numerator == "∂y/∂x = W   (numerator layout)"
    assert denominator == "∂y/∂x = Wᵀ   (denominator layout)"
    cg.circuit(s=(W @ x).sum()).draw(W=[[1, 2], [3, 4]], x=[1, -1]).save(
        folder() / "n07_product.svg"
    )

    B = cg.input("B", "k m")
    chain = cg.circuit(z=B @ np.tanh(W @ x))
    text = chain.jacobian("x").matrix(layout="denominator")
    assert text == "∂z/∂x = Wᵀ diag(1 − tanh²(Wx)) Bᵀ   (denominator layout)", text
    values = {"B": np.ones((2, 3)), "W": np.ones((3, 4)), "x": np.zeros(4)}
    np.testing.assert_array_equal(chain.jacobian("x")(**values), np.full((2, 4), 3.0))
    deep = cg.circuit(z=(B @ np.tanh(W @ x)).sum())
    deep.draw(B=[[1, 2]], W=[[1, 2], [3, 4]], x=[0.1, -0.1]).save(folder() / "n08_chain.svg")

    symmetric = cg.check("x @ A @ x", "x", "2*A @ x", x="n", A="n n", assuming="A symmetric")
    both = [
        cg.check_jacobian("W @ x", "x", claim, x="n", W="m n", layout=layout)
        for claim, layout in (("W", "numerator"), ("W.T", "denominator"))
    ]
    rule = cg.check_jacobian(
        "B @ tanh(W @ x)",
        "x",
        "W.T @ diag(1 - tanh(W @ x)**2) @ B.T",
        x="n",
        W="m n",
        B="k m",
        layout="denominator",
    )
    report(
        Row(
            6,
            "vector and matrix derivatives, every size",
            "∇ₓθᵀx = θ; ∇ₓxᵀAx = (A + Aᵀ)x; 2Ax for a symmetric A; ∇_A has the shape of A",
            proved(symmetric),
            "n06_form.svg",
        ),
        Row(
            7,
            "numerator and denominator layout",
            f"{numerator}; {denominator}",
            proved(*both),
            "n07_product.svg",
        ),
        Row(8, "multivariate chain rule", text, proved(rule), "n08_chain.svg"),
    )


if __name__ == "__main__":
    main()
