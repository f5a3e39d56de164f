"""What a script of this folder leaves behind: a row of docs/systems.md for each system it shows."""

import json
import pathlib
import sys
from dataclasses import asdict, dataclass


@dataclass(frozen=True)
class Row:
    """A system of the notes.

    Attributes:
        number: Its number in the notes' order.
        system: What it is, in a few words.
        asserted: The number or formula that the script asserted.
        proof: What is proved of it.
        figure: The file of its picture.
        others: The files of further pictures.
    """

    number: int
    system: str
    asserted: str
    proof: str
    figure: str
    others: tuple[str, ...] = ()


def folder():
    """Where the figures go: the first argument, or out/."""
    path = pathlib.Path(sys.argv[1] if len(sys.argv) > 1 else "out")
    path.mkdir(parents=True, exist_ok=True)
    return path


def report(*rows):
    """Print the rows, and write each as JSON beside its figure."""
    for row in rows:
        for figure in (row.figure, *row.others):
            assert (folder() / figure).stat().st_size > 500, figure
        print(
            f"{row.number:2}  {row.system}\n    {row.asserted}\n    {row.proof}\n    {row.figure}"
        )
        path = folder() / f"row_{row.number:02}.json"
        found = asdict(row) | {"script": pathlib.Path(sys.argv[0]).name}
        path.write_text(json.dumps(found, ensure_ascii=False), encoding="utf-8")


def proved(*findings):
    """In words, that all of these reports and verdicts are proofs; else the first that is none."""
    words = []
    for found in findings:
        assert found.proved, str(found)
        gates = getattr(found, "gates", None)
        if gates is None:
            words.append(getattr(found, "method", "") or "backward pass")
        else:
            words.append(f"{len(gates)} gate records and the backward pass")
    return "proved: " + "; ".join(dict.fromkeys(words))
