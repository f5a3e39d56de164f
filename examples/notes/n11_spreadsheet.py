"""Row 11: a line fitted sample by sample, as in a spreadsheet; every cell goes into a CSV file."""

import csv

import numpy as np
from record import Row, folder, proved, report

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


def exported(rows):
    """The table in a CSV file, whose every cell reads back as the number that was computed."""
    path = folder() / "n11_spreadsheet.csv"
    with path.open("w", newline="", encoding="utf-8") as file:
        csv.writer(file).writerows([COLUMNS, *rows])
    with path.open(newline="", encoding="utf-8") as file:
        read = [[float(cell) for cell in row] for row in list(csv.reader(file))[1:]]
    np.testing.assert_array_equal(read, rows)
    return len(rows) * len(COLUMNS)


def spreadsheet():
    rows, roots = table(epochs=450)
    a, b = rows[-1][-2:]
    np.testing.assert_allclose([a, b], [2, 30], rtol=1e-6)
    assert roots[-1] < 1e-5 < roots[0]
    cells = exported(rows)
    # The error the other way round has the same derivative: no sign flips.
    verdicts = [
        cg.check(error, variable, formula)
        for variable, formula in (("b", "2*(a*x + b - y)"), ("a", "2*x*(a*x + b - y)"))
        for error in ("((a*x + b) - y)**2", "(y - (a*x + b))**2")
    ]
    squared_error().draw(a=1.0, b=1.0, x=3.0, y=36.0).save(folder() / "n11_spreadsheet.svg")
    return Row(
        11,
        "a line fitted in a spreadsheet",
        f"a = {a:.6f}, b = {b:.6f}; RMSE from {roots[0]:.2f} to {roots[-1]:.0e}; {cells:,} cells "
        "of the CSV file equal the table",
        proved(*verdicts) + ", with the error either way round",
        "n11_spreadsheet.svg",
    )


if __name__ == "__main__":
    report(spreadsheet())
