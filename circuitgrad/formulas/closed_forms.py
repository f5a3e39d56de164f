"""The closed forms of circuits for every size: matrix notation, index notation, LaTeX; layouts."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from circuitgrad.circuits import Circuit
from circuitgrad.errors import SpecError
from circuitgrad.formulas.index_text import IndexWriter
from circuitgrad.formulas.latex import name_latex
from circuitgrad.formulas.matrix_chains import NoMatrixFormError, matrix_terms
from circuitgrad.formulas.matrix_terms import Expression, MatrixTerm, transposed_chain
from circuitgrad.formulas.matrix_text import LATEX, TEXT, Style, Writer, symbol_text
from circuitgrad.formulas.tensor_algebra import moved, transposed
from circuitgrad.formulas.tensor_forms import tensor_form
from circuitgrad.formulas.tensor_terms import ONE, Form

LAYOUTS = ("numerator", "denominator")


@dataclass(frozen=True)
class Arrangement:
    """A form in a layout: numerator (output axes first) or denominator (input axes first).

    Attributes:
        form: The form, its axes in the order of the layout.
        note: The layout in words; empty for what is no derivative.
        is_row: Whether a vector is written as a row.
    """

    form: Form
    note: str = ""
    is_row: bool = False


def arranged(form: Form, leading: int | None, layout: str | None) -> Arrangement:
    """A derivative's form in a layout; by default the order of the axes that are computed.

    Args:
        form: Axes of the output, then axes of the input.
        leading: How many axes belong to the output; None for what is no derivative.
        layout: "numerator", "denominator" or None.

    Raises:
        SpecError: Another word, or a layout asked of something that is no derivative.
    """
    if layout is not None and layout not in LAYOUTS:
        raise SpecError(f"layout {layout!r}: needed 'numerator' or 'denominator'.")
    if leading is None:
        if layout is not None:
            raise SpecError("layout: this output is no derivative, and has none. Leave it out.")
        return Arrangement(form)
    rank = len(form.axes)
    if not rank:
        return Arrangement(form)
    natural = "numerator" if leading else "denominator"
    chosen = layout or natural
    note = f"{chosen} layout"
    if rank == 2 and leading == 1 and transposed(form).key == form.key:
        return Arrangement(form, "symmetric: the same in both layouts")
    if chosen == natural:
        return Arrangement(form, note)
    if rank == 1:
        return Arrangement(form, note + ", a row", True)
    if rank == 2:
        return Arrangement(transposed(form), note)
    targets = [(k - leading) % rank for k in range(rank)]
    axes = form.axes[leading:] + form.axes[:leading]
    return Arrangement(moved(form, targets, axes), note)


def circuit_matrix(circuit: Circuit, layout: str | None = None, latex: bool = False) -> str:
    """Every output in matrix notation, a line for each; in index notation where it has none.

    Raises:
        SpecError: A gate that has no form, or a layout that does not apply.
    """
    style = LATEX if latex else TEXT
    lines = []
    for k, name in enumerate(circuit.output_names):
        found = arranged(tensor_form(circuit.outputs[k]), _leading(circuit, k), layout)
        try:
            body, notes = _matrix_line(found, style, frozenset(circuit.input_names))
            shown = name_latex(name) if latex else _output_text(name)
            lines.append(_annotated(f"{shown} = {body}", [*notes, found.note], latex))
        except NoMatrixFormError:
            order = len(found.form.axes)
            reason = f"index form: order {order} has no matrix form"
            if order <= 2:
                reason = "index form: no matrix form"
            lines.append(_index_line(circuit, name, found, reason))
    return "\n".join(lines)


def circuit_index(circuit: Circuit, layout: str | None = None) -> str:
    """Every output in index notation, a line for each."""
    lines = []
    for k, name in enumerate(circuit.output_names):
        found = arranged(tensor_form(circuit.outputs[k]), _leading(circuit, k), layout)
        lines.append(_index_line(circuit, name, found, ""))
    return "\n".join(lines)


def _output_text(name: str) -> str:
    """The name of an output, `∂f/∂theta` as ∂f/∂θ."""
    return re.sub(r"[^\W_²]+", lambda word: symbol_text(word[0]), name)


def _leading(circuit: Circuit, k: int) -> int | None:
    return circuit.leading[k] if circuit.leading else None


def _annotated(line: str, notes: Sequence[str], latex: bool) -> str:
    shown = "; ".join(note for note in notes if note)
    if not shown:
        return line
    return rf"{line} \qquad\text{{({shown})}}" if latex else f"{line}   ({shown})"


def _index_line(circuit: Circuit, name: str, found: Arrangement, reason: str) -> str:
    axes = {axis for wire in circuit.inputs for axis in wire.shape if isinstance(axis, str)}
    writer = IndexWriter(frozenset(circuit.input_names) | axes)
    letters = writer.free_letters(found.form)
    body = writer.form(found.form, letters, len(letters))
    at = f"[{','.join(letters)}]" if letters else ""
    note = found.note.replace(", a row", "")
    return _annotated(f"{_output_text(name)}{at} = {body}", [reason, note], False)


def _matrix_line(found: Arrangement, style: Style, taken: frozenset[str]) -> tuple[str, list[str]]:
    terms = matrix_terms(found.form)
    if found.is_row:
        terms = tuple(_row(term) for term in terms)
    names = _abbreviations(terms, taken)
    text = Writer(style, names).sum(terms)
    notes = []
    for e, name in names.items():
        meaning = Writer(style).sum((MatrixTerm(ONE, (), (e,)),))
        meaning = f"${style.name(name)} = {meaning}$" if style.is_latex else f"{name} = {meaning}"
        notes.append(meaning)
    return text, notes


def _row(term: MatrixTerm) -> MatrixTerm:
    return MatrixTerm(term.coefficient, term.scalars, transposed_chain(term.chain))


def _abbreviations(terms: Sequence[MatrixTerm], taken: frozenset[str]) -> dict[Expression, str]:
    """Names for the probabilities that stand in a form more than once."""
    counts = Counter(e for e in _expressions(terms) if e.head == "call" and e.text == "softmax")
    free = iter([c for c in "pqrst" if c not in taken])
    return {e: next(free) for e, count in counts.items() if count > 1}


def _expressions(terms: Sequence[MatrixTerm]) -> Iterator[Expression]:
    pending = [e for t in terms for e in (*(s for s, _ in t.scalars), *t.chain)]
    while pending:
        e = pending.pop()
        yield e
        pending.extend(e.parts)
        pending.extend(s for t in e.terms for s, _ in t.scalars)
        pending.extend(part for t in e.terms for part in t.chain)
