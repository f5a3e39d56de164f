"""Second order: the gradient is a circuit, and the backward passes through it give the Hessian."""

import pathlib
import sys

import circuitgrad as cg


def main(folder):
    folder.mkdir(parents=True, exist_ok=True)
    x, y = cg.inputs("x y")
    gradient = cg.circuit(f=x**2 * y).grad(["x", "y"])
    for theme in ("light", "dark"):
        print(gradient.draw(x=1.5, y=2, theme=theme).save(folder / f"hessian_{theme}.png"))


if __name__ == "__main__":
    main(pathlib.Path(sys.argv[1] if len(sys.argv) > 1 else "out"))
