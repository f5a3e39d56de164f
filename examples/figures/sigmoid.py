"""The standard figure: a sigmoid neuron gate by gate, with all details and with the fewest.

Writes the figures into a folder (out/ by default), light, dark, and following the reader's system.
"""

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

    print(run.draw().save(folder / "sigmoid_auto.svg"))
    for theme in ("light", "dark"):
        print(run.draw(theme=theme).save(folder / f"sigmoid_2_{theme}.png"))
        print(run.draw(theme=theme, detail=0).save(folder / f"sigmoid_0_{theme}.png"))


if __name__ == "__main__":
    main(pathlib.Path(sys.argv[1] if len(sys.argv) > 1 else "out"))
