"""Row 12: least squares where the gradient is zero, for lines and polynomials of any order."""

import numpy as np
from record import Row, folder, proved, report

import circuitgrad as cg

ORDERS = (1, 2, 5, 9)


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


def told():
    """What is said of more features than samples."""
    try:
        solution(np.vander(np.arange(3.0), 5), np.ones(3))
    except ValueError as error:
        return str(error)
    return ""


def least_squares():
    x = np.linspace(-1, 1, 40)
    y = np.sin(3 * x)
    worst = 0.0
    for order in ORDERS:
        X = np.vander(x, order + 1, increasing=True)
        theta = solution(X, y)
        reference = np.linalg.lstsq(X, y, rcond=None)[0]
        np.testing.assert_allclose(theta, reference, rtol=1e-6, atol=1e-8)
        gradient = half_squares().grad("theta")(X, theta, y)
        worst = max(worst, np.abs(gradient).max())
    assert worst < 1e-9
    line = solution(np.vander(x, 2), 2 * x + 30)
    np.testing.assert_allclose(line, [2, 30], rtol=1e-13)
    assert "rank 3 for 5 features" in told()
    small = {"X": np.vander(np.arange(3.0), 2), "theta": line, "y": [30.0, 33.0, 34.0]}
    half_squares().draw(**small).save(folder() / "n12_least_squares.svg")
    axes = {"X": "n m", "theta": "m", "y": "n"}
    function = "0.5*sum((X @ theta - y)**2)"
    verdicts = [
        cg.check(function, "theta", "X.T @ X @ theta - X.T @ y", **axes),
        cg.check(function, "theta", "X.T @ X @ (theta - inv(X.T @ X) @ X.T @ y)", **axes),
        cg.check_hessian(function, "theta", "X.T @ X", **axes),
    ]
    return Row(
        12,
        "least squares",
        f"θ = (XᵀX)⁻¹Xᵀy for orders {', '.join(map(str, ORDERS))}: gradient below {worst:.0e} "
        "there; three samples of five features: an error with rank 3",
        proved(*verdicts),
        "n12_least_squares.svg",
    )


if __name__ == "__main__":
    report(least_squares())
