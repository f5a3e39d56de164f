"""Rent from square footage: one real-valued output, mean squared error with 1/(2N)."""

import numpy as np

import circuitgrad as cg
from circuitgrad import data, nn, optim

FEET = np.array([[500.0], [650], [700], [820], [900], [1100], [1250], [1400]])
RENT = 1.6 * FEET + 420 + np.array([[30.0], [-20], [10], [-40], [25], [5], [-15], [5]])


def loss(parameters, x, y):
    return nn.mean_squared_error(nn.affine(parameters, x), y, "half_samples")


def main():
    scaling = data.Standardization().fit(FEET)
    x = scaling.transform(FEET)
    start = {"W": np.zeros((1, 1)), "b": np.zeros(1)}
    found = cg.fit(loss, start, (x, RENT), optim.sgd(0.5), epochs=60, batch_size=None)
    slope, offset = np.polyfit(FEET[:, 0], RENT[:, 0], 1)
    asked = np.array([[1000.0]])
    rent = float(nn.affine(found.parameters, scaling.transform(asked))[0, 0])
    print(f"1000 square feet: {rent:.2f}; closed form {1000 * slope + offset:.2f}")
    np.testing.assert_allclose(rent, 1000 * slope + offset, rtol=1e-9)
    W, b, X, y = cg.input("W", 1), cg.input("b"), cg.input("x", "n"), cg.input("y", "n")
    error = W[0] * X + b - y
    circuit = cg.circuit(J=np.sum(error**2) / 2)
    print("dJ/db =", circuit.grad("b").index())


if __name__ == "__main__":
    main()
