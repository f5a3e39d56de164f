"""Rows 9 and 10: a derivative of three axes that is never made; derivatives along a vector."""

import numpy as np
from record import Row, folder, proved, report

import circuitgrad as cg


def main():
    W, x, y, u = cg.input("W", "m n"), cg.input("x", "n"), cg.input("y", "m"), cg.input("u", "m")
    residual = cg.circuit(z=y - W @ x, inputs=[W, x, y])
    text = residual.jacobian("W").matrix()
    assert text.startswith("∂z/∂W[i,j,k] = −δ[i,j]·x[k]"), text
    tensor = residual.jacobian("W")(W=np.zeros((2, 3)), x=[1, 2, 3], y=np.zeros(2))
    np.testing.assert_array_equal(tensor[0], [[-1, -2, -3], [0, 0, 0]])
    assert residual.jacobian("W").structure().kind != "dense"

    product = cg.circuit(L=u @ (W @ x))
    assert product.grad("W").matrix().startswith("∂L/∂W = uxᵀ ")
    assert product.grad("x").matrix().startswith("∂L/∂x = Wᵀu ")
    product.draw(u=[1, -1], W=[[1, 2, 3], [4, 5, 6]], x=[1, 0, -1]).save(folder() / "n09_outer.svg")
    relu = cg.check("sum(u*relu(x))", "x", "where(x > 0, u, 0)", x="n", u="n")
    verdicts = [
        cg.check("u @ (y - W @ x)", "W", "-outer(u, x)", W="m n", x="n", y="m", u="m"),
        cg.check("trace(U.T @ A @ B)", "A", "U @ B.T", A="m k", B="k n", U="m n"),
        cg.check("trace(U.T @ A @ B)", "B", "A.T @ U", A="m k", B="k n", U="m n"),
        relu,
    ]

    A, d = cg.input("A", "n n"), cg.input("d", "n")
    form = cg.circuit(f=x @ A @ x)
    along = cg.circuit(s=d @ ((A + A.T) @ x))
    values = {"A": np.array([[2.0, 1.0], [0.0, 3.0]]), "x": np.array([1.0, -2.0])}
    step = np.array([0.6, 0.8])
    slope = along(d=step, **values)
    np.testing.assert_allclose(form.jvp("x")(tangent_x=step, **values), slope, rtol=1e-14)
    change = form(A=values["A"], x=values["x"] + 1e-6 * step) - form(**values)
    np.testing.assert_allclose(change, 1e-6 * slope, rtol=1e-5)
    gradient = form.grad("x")(**values)
    angles = np.linspace(0, 2 * np.pi, 721)
    best = angles[np.argmin(np.cos(angles) * gradient[0] + np.sin(angles) * gradient[1])]
    downhill = -gradient / np.linalg.norm(gradient)
    np.testing.assert_allclose([np.cos(best), np.sin(best)], downhill, atol=0.01)
    form.draw(**values).save(folder() / "n10_slope.svg")
    directional = cg.check_equal(
        "d @ ((A + A.T) @ x)", "x @ A @ d + d @ A @ x", A="n n", x="n", d="n"
    )
    report(
        Row(9, "tensor derivatives, never made", text, proved(*verdicts), "n09_outer.svg"),
        Row(
            10,
            "directional derivative",
            f"uᵀ∇f = {slope:.6g}; the steepest way down is −∇f/‖∇f‖",
            proved(directional),
            "n10_slope.svg",
        ),
    )


if __name__ == "__main__":
    main()
