"""Least squares: where the gradient is zero, for lines and polynomials of any order."""

import numpy as np

import circuitgrad as cg


def half_squares():
    X, theta, y = cg.input("X", "n m"), cg.input("theta", "m"), cg.input("y", "n")
    residual = X @ theta - y
    return cg.circuit(loss=0.5 * np.sum(residual**2))


def solution(X, y):
    """θ = (XᵀX)⁻¹Xᵀy: the Hessian is XᵀX and the gradient at zero -Xᵀy, both from the circuit."""
    samples, features = X.shape
    rank = np.linalg.matrix_rank(X)
    if rank < features:
        raise ValueError(
            f"least squares: XᵀX has rank {rank} for {features} features from {samples} samples; "
            f"needed rank {features}. Add samples, drop features, or penalise the parameters."
        )
    circuit, zero = half_squares(), np.zeros(features)
    hessian = circuit.hessian("theta")(X, zero, y)
    np.testing.assert_allclose(hessian, X.T @ X, rtol=1e-12, atol=1e-12)
    return np.linalg.solve(hessian, -circuit.grad("theta")(X, zero, y))


def main():
    print(half_squares().grad("theta").matrix())
    x = np.linspace(-1, 1, 40)
    y = np.sin(3 * x)
    for order in (1, 2, 5, 9):
        X = np.vander(x, order + 1, increasing=True)
        theta = solution(X, y)
        np.testing.assert_allclose(
            theta, np.linalg.lstsq(X, y, rcond=None)[0], rtol=1e-6, atol=1e-8
        )
        gradient = half_squares().grad("theta")(X, theta, y)
        np.testing.assert_allclose(gradient, 0, atol=1e-9)
        print(f"order {order}: residual {np.linalg.norm(X @ theta - y):.2e}")
    told = ""
    try:
        solution(np.ones((3, 5)), np.ones(3))
    except ValueError as error:
        told = str(error)
    print(told)
    assert "rank 1 for 5 features" in told


if __name__ == "__main__":
    main()
