"""A network of 8,500 gates in one figure: equal blocks share a card with their gradient norms."""

import pathlib
import sys

import numpy as np

import circuitgrad as cg

WIDTH, BLOCKS = 64, 12


def network():
    """Twelve blocks in a row, each with a wire past it, and a loss."""
    h = list(cg.inputs(" ".join(f"x{k}" for k in range(WIDTH))))
    source = np.random.default_rng(0)
    for number in range(BLOCKS):
        weights = source.normal(size=(WIDTH, 4)) * 0.5
        with cg.scope("net"), cg.scope(f"block{number}"):
            z = [
                sum(float(w) * h[(k + j) % WIDTH] for j, w in enumerate(row))
                for k, row in enumerate(weights)
            ]
            h = [0.9 * a + np.tanh(b) for a, b in zip(h, z, strict=True)]
    with cg.scope("head"):
        y = sum(h[1:], h[0]) / WIDTH
    with cg.scope("loss"):
        return cg.circuit(L=np.log1p((y - 1) ** 2))


def main():
    folder = pathlib.Path(sys.argv[1] if len(sys.argv) > 1 else ".")
    run = network().run(*np.linspace(-1, 1, WIDTH))
    run.backward()
    for theme in ("light", "dark"):
        figure = run.circuit.draw(run=run, expand="net", theme=theme)
        print(figure.save(folder / f"folded_{theme}.png"))
    print(figure.describe())
    print(run.summary(top=5))


if __name__ == "__main__":
    main()
