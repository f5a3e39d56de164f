"""Writes what is generated in docs/ anew: lists of gates, NumPy, optimisers; errata, gallery."""

import importlib.util
import inspect
import pathlib
import textwrap

import numpy as np

import circuitgrad as cg
from circuitgrad.claims.files import check_claims, read_claims
from circuitgrad.claims.reports import errata_markdown
from circuitgrad.installation import neuron
from circuitgrad.optim.tables import optimizers_markdown
from circuitgrad.reference import gates_markdown, numpy_markdown

DOCS = pathlib.Path(__file__).resolve().parent


ERRATA = DOCS.parent / "examples" / "claims" / "errata.toml"


def errata():
    """The page of what the lecture notes print wrong, from the verdicts."""
    return errata_markdown(list(check_claims(read_claims(ERRATA))))


def figures():
    """The figures of README and tutorial by file name; they follow the reader's theme."""
    x, y = cg.inputs("x y")
    pair = cg.circuit(f=x**2 * y, g=5 * x + np.sin(y))
    return {
        "neuron.svg": neuron().draw(w0=2, x0=-1, w1=-3, x1=-2, w2=-3),
        "jacobian.svg": pair.draw(x=1, y=2),
    }


def gallery():
    """The module with the figures of the gallery."""
    spec = importlib.util.spec_from_file_location("gallery", DOCS / "gallery.py")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def gallery_file(make):
    """The file name of a figure of the gallery."""
    ending = "png" if make.__name__ in {one.__name__ for one in gallery().TRAINING} else "svg"
    return f"gallery-{make.__name__}.{ending}"


def gallery_markdown():
    """The page of the gallery: for every figure a title, a text, the code and the picture."""
    shown = gallery()
    parts = [
        "# Gallery",
        "Every figure with the code that made it. `draw` returns a figure that notebooks show and "
        '`.save("name.svg")` writes; colours follow the reader\'s theme.',
        "```py\nimport numpy as np\n\nimport circuitgrad as cg\n"
        "from circuitgrad.viz import plots\n```",
    ]
    for make in (*shown.DIAGRAMS, *shown.TRAINING):
        title, _, text = inspect.getdoc(make).partition("\n")
        body = textwrap.dedent(inspect.getsource(make).split('"""', 2)[2]).strip()
        parts.append(f"## {title}")
        parts.extend([text.strip()] if text.strip() else [])
        parts.append(f"```py\n{returned(body)}\n```")
        parts.append(f"![{title}](figures/{gallery_file(make)})")
    return "\n\n".join(parts) + "\n"


def returned(body):
    """The body of a function as lines of a program: its result is the figure."""
    return body.replace("return ", "figure = ")


def save_gallery():
    """The figures of the gallery as files."""
    shown = gallery()
    for make in shown.DIAGRAMS:
        yield make().save(DOCS / "figures" / gallery_file(make))
    for make in shown.TRAINING:
        path = DOCS / "figures" / gallery_file(make)
        make().savefig(path, dpi=100, metadata={"Software": None})
        yield path


def main():
    (DOCS / "gates.md").write_text(gates_markdown(), encoding="utf-8")
    (DOCS / "numpy.md").write_text(numpy_markdown(), encoding="utf-8")
    (DOCS / "what-the-notes-got-wrong.md").write_text(errata(), encoding="utf-8")
    (DOCS / "optimizers.md").write_text(optimizers_markdown(), encoding="utf-8")
    print(
        DOCS / "gates.md",
        DOCS / "numpy.md",
        DOCS / "optimizers.md",
        DOCS / "what-the-notes-got-wrong.md",
        sep="\n",
    )
    (DOCS / "figures").mkdir(exist_ok=True)
    for name, figure in figures().items():
        print(figure.save(DOCS / "figures" / name))
    (DOCS / "gallery.md").write_text(gallery_markdown(), encoding="utf-8")
    print(*save_gallery(), sep="\n")


if __name__ == "__main__":
    main()
