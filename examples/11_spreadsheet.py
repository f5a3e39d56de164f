"""A line fitted sample by sample, as in a spreadsheet; every cell goes into a CSV file."""

import csv
import pathlib
import sys

import numpy as np

import circuitgrad as cg

RATE = 0.008
COLUMNS = ["epoch", "x", "y", "predicted", "error²", "de/db", "de/da", "new a", "new b"]


def squared_error():
    a, b, x, y = cg.inputs("a b x y")
    return cg.circuit(e=(a * x + b - y) ** 2)


def table(epochs):
    """Every step: its numbers come from one run of the circuit, forward and backward."""
    x = np.random.default_rng(0).permutation(np.arange(1.0, 11.0))
    y = 2 * x + 30
    circuit = squared_error()
    a = b = 1.0
    rows, roots = [], []
    for epoch in range(1, epochs + 1):
        for xi, yi in zip(x, y, strict=True):
            run = circuit.run(a=a, b=b, x=xi, y=yi)
            run.backward()
            slope_a, slope_b = run["a"].upstream, run["b"].upstream
            predicted = a * xi + b
            np.testing.assert_allclose(slope_b, 2 * (predicted - yi), rtol=1e-12, atol=1e-12)
            np.testing.assert_allclose(slope_a, 2 * xi * (predicted - yi), rtol=1e-12, atol=1e-12)
            a, b = a - RATE * slope_a, b - RATE * slope_b
            rows.append([epoch, xi, yi, predicted, run["e"].value, slope_b, slope_a, a, b])
        roots.append(float(np.sqrt(np.mean((a * x + b - y) ** 2))))
    return rows, roots


def prove():
    """The error the other way round has the same derivative: no sign flips."""
    for variable, formula in (("b", "2*(a*x + b - y)"), ("a", "2*x*(a*x + b - y)")):
        for error in ("((a*x + b) - y)**2", "(y - (a*x + b))**2"):
            verdict = cg.check(error, variable, formula)
            print(f"d/d{variable} {error} = {formula}: {type(verdict).__name__}")
            assert isinstance(verdict, cg.Proved)


def main(folder):
    folder.mkdir(parents=True, exist_ok=True)
    rows, roots = table(epochs=600)
    a, b = rows[-1][-2:]
    print(f"a = {a:.6f}, b = {b:.6f}, RMSE {roots[0]:.3f} to {roots[-1]:.2e}")
    np.testing.assert_allclose([a, b], [2, 30], rtol=1e-6)
    path = folder / "spreadsheet.csv"
    with path.open("w", newline="", encoding="utf-8") as file:
        writer = csv.writer(file)
        writer.writerows([COLUMNS, *rows])
    with path.open(newline="", encoding="utf-8") as file:
        read = [[float(cell) for cell in row] for row in list(csv.reader(file))[1:]]
    np.testing.assert_array_equal(read, rows)
    prove()
    print(path, squared_error().draw(a=1, b=1, x=3, y=36).save(folder / "spreadsheet.svg"))


if __name__ == "__main__":
    main(pathlib.Path(sys.argv[1] if len(sys.argv) > 1 else "out"))
