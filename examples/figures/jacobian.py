"""Two outputs: a colour for each backward pass, sums where wires fan out, and the Jacobian."""

import pathlib
import sys

import numpy as np

import circuitgrad as cg


def main(folder):
    folder.mkdir(parents=True, exist_ok=True)
    x, y = cg.inputs("x y")
    pair = cg.circuit(f1=x**2 * y, f2=5 * x + np.sin(y))
    for theme in ("light", "dark"):
        print(pair.draw(x=1.5, y=2, theme=theme).save(folder / f"jacobian_{theme}.png"))


if __name__ == "__main__":
    main(pathlib.Path(sys.argv[1] if len(sys.argv) > 1 else "out"))
