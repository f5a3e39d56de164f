"""A sigmoid neuron and two functions of two variables, played step by step in pages and pictures.

Writes into a folder (out/ by default); the pages open in any browser and need no network.
"""

import pathlib
import sys

import numpy as np

import circuitgrad as cg


def main(folder):
    folder.mkdir(parents=True, exist_ok=True)
    w0, x0, w1, x1, w2 = cg.inputs("w0 x0 w1 x1 w2")
    neuron = cg.circuit(f=1 / (1 + np.exp(-(w0 * x0 + w1 * x1 + w2))))
    figure = neuron.draw(w0=2, x0=-1, w1=-3, x1=-2, w2=-3)

    x, y = cg.inputs("x y")
    with cg.scope("product"):
        product = x**2 * y
    pair = cg.circuit(f=product, g=5 * x + np.sin(y) * product).draw(x=1.5, y=2)

    written = [
        figure.player().save(folder / "neuron.html"),
        pair.player().save(folder / "pair.html"),
        figure.animation().save(folder / "neuron-moving.svg"),
        pair.animation("g").save(folder / "pair.gif"),
    ]
    for path in written:
        print(path)


if __name__ == "__main__":
    main(pathlib.Path(sys.argv[1] if len(sys.argv) > 1 else "out"))
