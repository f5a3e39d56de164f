"""Tensors as heatmaps: a hidden layer under a max-margin loss, with the chain rule in matrices."""

import pathlib
import sys

import numpy as np

import circuitgrad as cg


def max_margin():
    """The loss of one example against the score of a correct one, and a point."""
    W, x, b, U = (
        cg.input(*sizes) for sizes in (("W", "8 20"), ("x", "20"), ("b", "8"), ("U", "8"))
    )
    s_c = cg.input("s_c")
    with cg.scope("hidden layer h = σ(Wx + b)"):
        z = (W @ x + b).named("z")
        h = cg.sigmoid(z).named("h")
    s = (U @ h).named("s")
    with cg.scope("max-margin loss"):
        m = (1 - s + s_c).named("m")
        loss = np.maximum(0, m)
    random = np.random.default_rng(3)
    point = {
        "x": random.normal(size=20),
        "W": random.normal(size=(8, 20)) * 0.35,
        "b": random.normal(size=8) * 0.2,
        "U": random.normal(size=8) * 0.6,
        "s_c": 0.35,
    }
    return cg.circuit(J=loss), point


def main(folder):
    folder.mkdir(parents=True, exist_ok=True)
    circuit, point = max_margin()
    for theme in ("light", "dark"):
        figure = circuit.draw(theme=theme, **point)
        print(figure.save(folder / f"maxmargin_{theme}.png"))
    print(circuit.draw(**point).save(folder / "maxmargin.tex"))


if __name__ == "__main__":
    main(pathlib.Path(sys.argv[1] if len(sys.argv) > 1 else "out"))
