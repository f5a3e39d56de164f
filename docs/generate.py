"""Writes what is generated in docs/ anew: gates.md, numpy.md, optimizers.md and the figures."""

import pathlib

import numpy as np

import circuitgrad as cg
from circuitgrad.installation import neuron
from circuitgrad.optim.tables import optimizers_markdown
from circuitgrad.reference import gates_markdown, numpy_markdown

DOCS = pathlib.Path(__file__).resolve().parent


def figures():
    """The figures of README and tutorial by file name; they follow the reader's theme."""
    x, y = cg.inputs("x y")
    pair = cg.circuit(f=x**2 * y, g=5 * x + np.sin(y))
    return {
        "neuron.svg": neuron().draw(w0=2, x0=-1, w1=-3, x1=-2, w2=-3),
        "jacobian.svg": pair.draw(x=1, y=2),
    }


def main():
    (DOCS / "gates.md").write_text(gates_markdown(), encoding="utf-8")
    (DOCS / "numpy.md").write_text(numpy_markdown(), encoding="utf-8")
    (DOCS / "optimizers.md").write_text(optimizers_markdown(), encoding="utf-8")
    print(DOCS / "gates.md", DOCS / "numpy.md", DOCS / "optimizers.md", sep="\n")
    (DOCS / "figures").mkdir(exist_ok=True)
    for name, figure in figures().items():
        print(figure.save(DOCS / "figures" / name))


if __name__ == "__main__":
    main()
