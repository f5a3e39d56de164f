"""Two circuits, end to end: a sigmoid neuron, and a function of two variables with its Jacobian.

Prints explanations, derivatives and proofs, and writes figures into a folder (out/ by default).
"""

import pathlib
import sys

import numpy as np

import circuitgrad as cg
from circuitgrad.explanation import explain

POINT = {"w0": 2.0, "x0": -1.0, "w1": -3.0, "x1": -2.0, "w2": -3.0}


def neuron():
    w0, x0, w1, x1, w2 = cg.inputs("w0 x0 w1 x1 w2")
    return cg.circuit(f=1 / (1 + np.exp(-(w0 * x0 + w1 * x1 + w2))))


def pair():
    x, y = cg.inputs("x y")
    return cg.circuit(f=x**2 * y, g=5 * x + np.sin(y))


def show(title, *texts):
    print(f"\n{title}\n{'=' * len(title)}\n")
    print("\n\n".join(str(text) for text in texts))


def main(folder):
    folder.mkdir(parents=True, exist_ok=True)
    circuit, both = neuron(), pair()

    run = circuit.run(**POINT)
    show("A neuron, gate by gate", explain(circuit, run))
    show("Its proof", cg.verify(circuit))

    show(
        "Two functions of x and y",
        both,
        both.jacobian(["x", "y"]),
        both.only("f").hessian(["x", "y"]),
        f"J(1, 2) =\n{both.jacobian(['x', 'y'])(x=1.0, y=2.0)}",
        cg.verify(both),
    )

    paths = [
        circuit.draw(run=run, theme="light").save(folder / "neuron_light.svg"),
        circuit.draw(run=run, theme="dark").save(folder / "neuron_dark.svg"),
        circuit.draw(run=run).save(folder / "neuron.png"),
        both.draw(x=1.0, y=2.0, theme="light").save(folder / "jacobian_light.svg"),
        both.draw(x=1.0, y=2.0, theme="dark").save(folder / "jacobian_dark.svg"),
    ]
    show("Figures", "\n".join(str(path) for path in paths))


if __name__ == "__main__":
    main(pathlib.Path(sys.argv[1] if len(sys.argv) > 1 else "out"))
