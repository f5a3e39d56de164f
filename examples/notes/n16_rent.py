"""Row 16: rent from square footage; one real-valued output, mean squared error with 1/(2N)."""

import numpy as np
from record import Row, folder, proved, report

import circuitgrad as cg
from circuitgrad import data, nn, optim

FEET = np.array([[500.0], [650], [700], [820], [900], [1100], [1250], [1400]])
RENT = 1.6 * FEET + 420 + np.array([[30.0], [-20], [10], [-40], [25], [5], [-15], [5]])


def loss(parameters, x, y):
    return nn.mean_squared_error(nn.affine(parameters, x), y, "half_samples")


def rent():
    scaling = data.Standardization().fit(FEET)
    x = scaling.transform(FEET)
    start = {"W": np.zeros((1, 1)), "b": np.zeros(1)}
    # The mean squared error carries 1/(2N).
    np.testing.assert_allclose(loss(start, x, RENT), np.sum(RENT**2) / (2 * len(RENT)), rtol=1e-14)
    found = cg.fit(loss, start, (x, RENT), optim.sgd(0.5), epochs=60, batch_size=None)
    slope, offset = np.polyfit(FEET[:, 0], RENT[:, 0], 1)
    asked = float(nn.affine(found.parameters, scaling.transform([[1000.0]]))[0, 0])
    np.testing.assert_allclose(asked, 1000 * slope + offset, rtol=1e-9)
    circuit = nn.model_circuit(loss, start, x[:3], RENT[:3])
    run = circuit.run([[300.0]], [1100.0], x[:3], RENT[:3])
    run.backward()
    circuit.draw(run=run).save(folder() / "n16_rent.svg")
    function, axes = "mean((w*x + b - y)**2)/2", {"x": "n", "y": "n"}
    verdicts = [
        cg.check(function, "w", "mean(x*(w*x + b - y))", **axes),
        cg.check(function, "b", "mean(w*x + b - y)", **axes),
    ]
    return Row(
        16,
        "rent from square footage",
        f"1,000 square feet: {asked:,.2f}, as by the closed form; mean squared error with 1/(2N)",
        proved(*verdicts),
        "n16_rent.svg",
    )


if __name__ == "__main__":
    report(rent())
