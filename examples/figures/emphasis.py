"""Wires coloured and widened by the sizes of their gradients: where they vanish is seen at once."""

import pathlib
import sys

import numpy as np

import circuitgrad as cg


def main(folder):
    folder.mkdir(parents=True, exist_ok=True)
    w0, x0, w1, x1, w2 = cg.inputs("w0 x0 w1 x1 w2")
    neuron = cg.circuit(f=1 / (1 + np.exp(-(w0 * x0 + w1 * x1 + w2))))
    run = neuron.run(w0=2, x0=-1, w1=-3, x1=-2, w2=-3)
    run.backward()
    for theme in ("light", "dark"):
        figure = run.draw(detail=0, emphasis="gradient", theme=theme)
        print(figure.save(folder / f"emphasis_{theme}.png"))


if __name__ == "__main__":
    main(pathlib.Path(sys.argv[1] if len(sys.argv) > 1 else "out"))
