"""Rows 1 and 2: the Jacobian of two functions, and Hessians as gradients of gradients."""

import numpy as np
from record import Row, folder, proved, report

import circuitgrad as cg


def main():
    x, y = cg.inputs("x y")
    pair = cg.circuit(f=x**2 * y, g=5 * x + np.sin(y))
    jacobian = pair.jacobian(["x", "y"])
    assert str(jacobian) == "J(x, y) = [[2xy, x²], [5, cos y]]"
    np.testing.assert_allclose(jacobian(x=1.0, y=2.0), [[4, 1], [5, np.cos(2.0)]], rtol=1e-15)
    pair.draw(x=1.0, y=2.0).save(folder() / "n01_jacobian.svg")

    A, v = cg.input("A", "n n"), cg.input("v", "n")
    form = cg.circuit(f=v @ A @ v)
    hessian = form.hessian("v")
    assert hessian.matrix().startswith("∂²f/∂v² = A + Aᵀ")
    small = cg.circuit(f=x**2 * y).hessian(["x", "y"])
    assert str(small) == "H(x, y) = [[2y, 2x], [2x, 0]]"
    matrix = small(x=3.0, y=5.0)
    np.testing.assert_array_equal(matrix, matrix.T)
    cg.circuit(f=x**2 * y).grad().draw(x=3.0, y=5.0).save(folder() / "n02_hessian.svg")

    claim = cg.check_hessian("v @ A @ v", "v", "A + A.T", v="n", A="n n")
    report(
        Row(
            1,
            "Jacobian of [x²y, 5x + sin y]",
            str(jacobian),
            proved(cg.verify(pair)),
            "n01_jacobian.svg",
        ),
        Row(
            2,
            "Hessian: gradient of the gradient",
            "∇²(vᵀAv) = A + Aᵀ; " + str(small),
            proved(claim),
            "n02_hessian.svg",
        ),
    )


if __name__ == "__main__":
    main()
