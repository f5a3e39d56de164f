"""Writes what is generated in docs/ anew: lists, errata, gallery, and the table of systems."""

import html
import importlib.util
import inspect
import json
import os
import pathlib
import shutil
import subprocess
import sys
import tempfile
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
NOTES = DOCS.parent / "examples" / "notes"
PICTURES = DOCS / "figures" / "notes"


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


def run_notes(folder):
    """Runs every script of examples/notes; each leaves its rows and figures in the folder."""
    utf8 = os.environ | {"PYTHONUTF8": "1"}
    for script in sorted(NOTES.glob("n*.py")):
        command = [sys.executable, "-W", "error", str(script), str(folder)]
        subprocess.run(command, check=True, stdout=subprocess.DEVNULL, env=utf8)


def rows(folder):
    """The rows that scripts left in a folder, in their order."""
    found = [json.loads(path.read_text(encoding="utf-8")) for path in folder.glob("row_*.json")]
    return sorted(found, key=lambda row: row["number"])


def picture(name, system):
    """A picture of the table, small, which leads to itself; a link to what is none."""
    path = f"figures/notes/{name}"
    if name.endswith(".html"):
        return f"[{name}]({path})"
    return f'<a href="{path}"><img src="{path}" width="260" alt="{html.escape(system)}"></a>'


def system_line(row):
    """A row of the table."""
    pictures = "<br>".join(picture(name, row["system"]) for name in (row["figure"], *row["others"]))
    script = f"[{row['script']}](../examples/notes/{row['script']})"
    told = (row["system"], script, row["asserted"], row["proof"])
    cells = (cell.replace("|", "\\|") if cell != script else cell for cell in told)
    return f"| {row['number']} | {' | '.join(cells)} | {pictures} |"


def systems(folder):
    """The page of the systems of the notes, from what their scripts left in a folder."""
    head = (
        "# The systems of the notes, executed\n\n"
        "Each row is a system that the lecture notes describe. Its script in `examples/notes` uses "
        "the public API\nalone, asserts what the row says, has its derivatives proved, and draws "
        "the picture. `make docs` runs the\nscripts and writes this table from what they "
        "report.\n\n"
        "| | system | script | asserted | proof | picture |\n|---|---|---|---|---|---|\n"
    )
    return head + "".join(f"{system_line(row)}\n" for row in rows(folder))


def save_systems():
    """Writes the page of the systems, with its pictures as the scripts left them."""
    with tempfile.TemporaryDirectory() as name:
        folder = pathlib.Path(name)
        run_notes(folder)
        (DOCS / "systems.md").write_text(systems(folder), encoding="utf-8")
        shutil.rmtree(PICTURES, ignore_errors=True)
        PICTURES.mkdir(parents=True)
        for row in rows(folder):
            for figure in (row["figure"], *row["others"]):
                shutil.copyfile(folder / figure, PICTURES / figure)
    print(DOCS / "systems.md")


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
    save_systems()


if __name__ == "__main__":
    main()
