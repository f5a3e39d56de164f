"""The closed forms of circuits for every size: matrix notation, index notation, LaTeX; layouts."""

from __future__ import annotations

import contextlib
import re
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from circuitgrad.circuits import Circuit
from circuitgrad.errors import SpecError
from circuitgrad.formulas import tensor_algebra as algebra
from circuitgrad.formulas.index_text import IndexWriter
from circuitgrad.formulas.latex import name_latex
from circuitgrad.formulas.matrix_chains import NoMatrixFormError, matrix_terms
from circuitgrad.formulas.matrix_styles import LATEX, TEXT, Style
from circuitgrad.formulas.matrix_terms import (
    Expression,
    MatrixTerm,
    transposed,
    turns,
)
from circuitgrad.formulas.matrix_text import Writer
from circuitgrad.formulas.tensor_forms import tensor_form
from circuitgrad.formulas.tensor_terms import ONE, Form

LAYOUTS = ("numerator", "denominator")
_PROBABILITIES, _ABBREVIATIONS = "pqrst", "svcruz"
_LONG = 20  # characters; a shorter sum is repeated, not named
_MEANINGS = {
    "row_softmax": "softmax along the last axis",
    "max_share": "argmax is 1 at the largest entry, shared by ties, and 0 elsewhere",
    "min_share": "argmin is 1 at the smallest entry, shared by ties, and 0 elsewhere",
}


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
    if rank == 2 and leading == 1 and algebra.transposed(form).key == form.key:
        return Arrangement(form, "symmetric: the same in both layouts")
    if chosen == natural:
        return Arrangement(form, note)
    if rank == 1:
        return Arrangement(form, note + ", a row", True)
    if rank == 2:
        return Arrangement(algebra.transposed(form), note)
    targets = [(k - leading) % rank for k in range(rank)]
    axes = form.axes[leading:] + form.axes[:leading]
    return Arrangement(algebra.moved(form, targets, axes), note)


@contextlib.contextmanager
def _readable(circuit: Circuit) -> Iterator[None]:
    """Formulas are nested as the circuit is deep: SpecError where nobody could read one."""
    try:
        yield
    except RecursionError:
        raise SpecError(
            f"form: the formula of {len(circuit.wires)} wires is nested too deeply to be "
            "written in one line. Use derivation(), a step for each gate, or numpy_source()."
        ) from None


def circuit_matrix(circuit: Circuit, layout: str | None = None, latex: bool = False) -> str:
    """Every output in matrix notation, a line for each; in index notation where it has none.

    Raises:
        SpecError: A gate that has no form, or a layout that does not apply.
    """
    with _readable(circuit):
        style = _style(circuit, latex)
        lines = []
        for k, name in enumerate(circuit.output_names):
            found = arranged(tensor_form(circuit.outputs[k]), _leading(circuit, k), layout)
            try:
                body, notes = _matrix_line(found, style)
                shown = name_latex(name) if latex else _output_text(name, style)
                lines.append(_annotated(f"{shown} = {body}", [*notes, found.note], latex))
            except NoMatrixFormError:
                order = len(found.form.axes)
                reason = f"index form: order {order} has no matrix form"
                if order <= 2:
                    reason = "index form: no matrix form"
                lines.append(_index_line(name, found, reason, style))
    return "\n".join(lines)


def circuit_index(circuit: Circuit, layout: str | None = None, latex: bool = False) -> str:
    """Every output in index notation, a line for each."""
    with _readable(circuit):
        style = _style(circuit, latex)
        lines = []
        for k, name in enumerate(circuit.output_names):
            found = arranged(tensor_form(circuit.outputs[k]), _leading(circuit, k), layout)
            lines.append(_index_line(name, found, "", style))
    return "\n".join(lines)


def _style(circuit: Circuit, latex: bool) -> Style:
    wires = circuit.wires
    axes = {axis for wire in wires for axis in wire.shape if isinstance(axis, str)}
    return (LATEX if latex else TEXT).among(circuit.input_names, axes)


def _output_text(name: str, style: Style) -> str:
    """The name of an output, `∂f/∂theta` as ∂f/∂θ, inputs as in the form itself."""

    def shown(match: re.Match[str]) -> str:
        if match[0] in style.inputs:
            return style.name(match[0])
        return re.sub(r"[^\W_]+", lambda word: style.name(word[0]), match[0])

    return re.sub(r"[^\W²]+", shown, name)


def _leading(circuit: Circuit, k: int) -> int | None:
    return circuit.leading[k] if circuit.leading else None


def _annotated(line: str, notes: Sequence[str], latex: bool) -> str:
    shown = "; ".join(note for note in notes if note)
    if not shown:
        return line
    return rf"{line} \qquad\text{{({shown})}}" if latex else f"{line}   ({shown})"


def _index_line(name: str, found: Arrangement, reason: str, style: Style) -> str:
    writer = IndexWriter(style)
    letters = writer.free_letters(found.form)
    body = writer.form(found.form, letters, len(letters))
    shown = name_latex(name) if style.is_latex else _output_text(name, style)
    note = found.note.replace(", a row", "")
    line = f"{writer.at(shown, letters)} = {body}"
    return _annotated(line, [reason, *_explained(_calls(found.form)), note], style.is_latex)


def _explained(names: set[str]) -> list[str]:
    """What functions of arrays mean, where their names leave it open."""
    return sorted({_MEANINGS[name] for name in names if name in _MEANINGS})


def _calls(form: Form) -> set[str]:
    """The names of the functions in a form, the softmax of a matrix told from that of a vector."""
    pending, found = [form], set[str]()
    while pending:
        for factor in (f for term in pending.pop().terms for f in term.factors):
            by_row = factor.name == "softmax" and len(factor.indices) > 1
            found.add("row_softmax" if by_row else factor.name)
            pending.extend(factor.arguments)
    return found


def _matrix_line(found: Arrangement, style: Style) -> tuple[str, list[str]]:
    terms = matrix_terms(found.form)
    if found.is_row:
        terms = tuple(_row(term) for term in terms)
    elif len(found.form.axes) == 2:  # the transpose of the other layout may be the shorter text
        turned = tuple(_row(term) for term in matrix_terms(algebra.transposed(found.form)))
        terms = min(terms, turned, key=lambda t: (len(t), sum(map(_term_turns, t))))
    names = _abbreviations(terms, style)
    text = Writer(style, names).sum(terms)
    notes = []
    for e, name in names.items():
        inner = {other: short for other, short in names.items() if other != e}
        meaning = Writer(style, inner).sum((MatrixTerm(ONE, (), (e,)),))
        meaning = f"${style.name(name)} = {meaning}$" if style.is_latex else f"{name} = {meaning}"
        notes.append(meaning)
    shown = list(_expressions(terms))
    notes += _explained({e.text for e in shown})
    if any(e.head == "unit" for e in shown):
        vector = style.unit("k")
        vector = f"${vector}$" if style.is_latex else vector
        back = any(e.text.startswith("-") for e in shown if e.head == "unit")
        counted = "from 0, or back from −1, the last" if back else "from 0"
        notes.append(f"{vector} is 1 at place k, counted {counted}, and 0 elsewhere")
    return text, notes


def _row(term: MatrixTerm) -> MatrixTerm:
    """The transpose of a term; a bracket is turned as a whole where that takes fewer marks."""
    chain = tuple(_turned(e) for e in reversed(term.chain))
    return MatrixTerm(term.coefficient, term.scalars, chain)


def _turned(e: Expression) -> Expression:
    plain = transposed(e)
    return Expression("transpose", (e,)) if turns(plain) > turns(e) + 1 else plain


def _term_turns(term: MatrixTerm) -> int:
    return sum(turns(e) for e in term.chain)


def _abbreviations(terms: Sequence[MatrixTerm], style: Style) -> dict[Expression, str]:
    """Names for probabilities that stand in a form more than once, and for long sums that do."""
    counts = Counter(_least_turned(e) for e in _expressions(terms))
    plain = Writer(TEXT)
    found: dict[Expression, str] = {}
    for e, count in counts.items():
        is_probability = e.head == "call" and e.text in ("softmax", "row_softmax")
        is_long = e.head == "sum" and count > 2 and len(plain.sum(e.terms)) >= _LONG
        letters = _PROBABILITIES if is_probability else _ABBREVIATIONS
        if count > 1 and (is_probability or is_long):
            free = (c for c in letters if c not in style.taken and c not in found.values())
            name = next(free, None)
            if name is not None:
                found[e] = name
    return found


def _least_turned(e: Expression) -> Expression:
    """A sum or its transpose, whichever shows fewer transposes: one name serves for both."""
    if e.head != "sum":
        return e
    # A row that begins with 𝟏ᵀ is named as the column that it is the transpose of.
    return min(e, transposed(e), key=lambda s: (any(map(_begins_with_ones, s.terms)), turns(s)))


def _begins_with_ones(term: MatrixTerm) -> bool:
    first = term.chain[0] if term.chain else None
    return first is not None and first.head == "transpose" and first.parts[0].head == "ones"


def _expressions(terms: Sequence[MatrixTerm]) -> Iterator[Expression]:
    pending = [e for t in terms for e in (*(s for s, _ in t.scalars), *t.chain)]
    while pending:
        e = pending.pop()
        yield e
        pending.extend(e.parts)
        pending.extend(s for t in e.terms for s, _ in t.scalars)
        pending.extend(part for t in e.terms for part in t.chain)
