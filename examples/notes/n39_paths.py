"""Row 39: the paths of optimisers on a ravine, animated, and on Rosenbrock's valley."""

import numpy as np
from n37_optimisers import path_of
from record import Row, folder, proved, report

import circuitgrad as cg
from circuitgrad import optim
from circuitgrad.viz import plots

# For each the rates on the ravine and in the valley.
SHOWN = {
    "SGD": (optim.sgd, 0.09, 0.001),
    "momentum": (optim.momentum, 0.02, 0.0005),
    "Nesterov": (optim.nesterov, 0.02, 0.0005),
    "RMSProp": (optim.rmsprop, 0.15, 0.02),
    "Adam": (optim.adam, 0.3, 0.1),
}


def ravine(x, y):
    return (x**2 + 20 * y**2) / 2


def valley(x, y):
    return (1 - x) ** 2 + 100 * (y - x**2) ** 2


def ways(circuit, column, start, steps):
    """The path of each optimiser; all end at less than a tenth of the first height."""
    slope = circuit.grad(["x", "y"])

    def gradient(w):
        return np.array(list(slope(x=w[0], y=w[1]).values()))

    found = {
        name: path_of(rule(rates[column]), gradient, start, steps)
        for name, (rule, *rates) in SHOWN.items()
    }
    for name, way in found.items():
        assert circuit(*way[-1]) < 0.1 * circuit(*start), name
    return found


def main():
    x, y = cg.inputs("x y")
    circuits = [cg.circuit(f=function(x, y)) for function in (ravine, valley)]
    across = ways(circuits[0], 0, (-4.0, 1.2), 28)
    along = ways(circuits[1], 1, (-1.2, 1.0), 500)
    # Each step of SGD multiplies x by 1 - rate, and y by 1 - 20·rate: it swings across the ravine.
    steps = np.arange(29)
    by_hand = np.stack([-4 * 0.91**steps, 1.2 * (-0.8) ** steps], axis=1)
    np.testing.assert_allclose(across["SGD"], by_hand, atol=1e-12)
    moving = plots.animated_paths(ravine, across, bounds=((-4.5, 1.5), (-1.6, 1.6)))
    moving.save(folder() / "n39_ravine.gif", writer="pillow", dpi=64)
    figure = plots.optimiser_paths(valley, along, bounds=((-1.8, 1.8), (-0.8, 2.0)))
    figure.savefig(folder() / "n39_rosenbrock.png", dpi=90)
    report(
        Row(
            39,
            "paths of optimisers on a ravine, animated, and on Rosenbrock's valley",
            "SGD on (x² + 20y²)/2 at rate 0.09 is (−4·0.91ᵗ, 1.2·(−0.8)ᵗ); all five end at less "
            "than a tenth of the first height on both",
            proved(*[cg.verify(circuit) for circuit in circuits]),
            "n39_ravine.gif",
            ("n39_rosenbrock.png",),
        )
    )


if __name__ == "__main__":
    main()
