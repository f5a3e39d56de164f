"""Tensor forms in index notation, `Σ_k X[k,i]·σ(Σ_l X[k,l]·w[l])·X[k,j]`, and as LaTeX."""

from __future__ import annotations

from collections.abc import Sequence

from circuitgrad.formulas.matrix_chains import NoMatrixFormError, matrix_terms
from circuitgrad.formulas.matrix_styles import TEXT, Style, exponent_text
from circuitgrad.formulas.matrix_text import Writer
from circuitgrad.formulas.tensor_algebra import ARRAY_CALLS
from circuitgrad.formulas.tensor_terms import Factor, Form, Term

_LETTERS = "ijklpqrstuvabcdefghmnowxyz"


class IndexWriter:
    """Writes forms in index notation, with letters that no input and no axis has."""

    def __init__(self, style: Style = TEXT) -> None:
        self.style = style
        self.letters = [c for c in _LETTERS if c not in style.taken]

    def free_letters(self, form: Form) -> tuple[str, ...]:
        """The letters of the free indices."""
        return tuple(self._letter(k) for k in range(len(form.axes)))

    def _letter(self, k: int) -> str:
        if k < len(self.letters):
            return self.letters[k]
        return f"{self.letters[k % len(self.letters)]}{k // len(self.letters)}"

    def at(self, base: str, letters: Sequence[str]) -> str:
        """Something with its indices behind it."""
        if not letters:
            return base
        if not self.style.is_latex:
            return f"{base}[{','.join(letters)}]"
        # A name that has a subscript of its own, or a power, cannot take another as it is.
        shown = rf"\left[{base}\right]" if any(c in base for c in "_^/(") else base
        return rf"{shown}_{{{' '.join(letters)}}}"

    def form(self, form: Form, letters: Sequence[str], used: int) -> str:
        """The sum of a form's terms, its free indices written as given.

        Args:
            form: Any form.
            letters: The letter of each free index.
            used: How many letters are in use, here and around.
        """
        minus = self.style.pick("−", "-")
        shown = ""
        ordered = sorted(form.terms, key=lambda t: (t.coefficient < 0, t.key))
        for term in ordered:
            text = self._term(term, letters, used)
            sign = minus if term.coefficient < 0 else "+"
            shown += f" {sign} {text}" if shown else (minus + text if sign == minus else text)
        return shown or "0"

    def _term(self, term: Term, letters: Sequence[str], used: int) -> str:
        picked = {f.indices[0]: f for f in term.factors if f.kind == "unit"}
        picked = {index: f for index, f in picked.items() if not index.is_free}
        gone = [id(f) for f in picked.values()]
        shown = [f for f in term.factors if id(f) not in gone]
        place = {index: factor.name for index, factor in picked.items()}  # x[0] for e₀ᵀx
        for factor in shown:
            for index in factor.indices:
                if index not in place:
                    summed = sum(not i.is_free for i in place) - len(picked)
                    is_free = index.is_free
                    place[index] = letters[index.number] if is_free else self._letter(used + summed)
        summed_letters = [place[i] for i in place if not i.is_free and i not in picked]
        inside = used + len(summed_letters)
        factors = [self._factor(f, [place[i] for i in f.indices], inside) for f in shown]
        times = self.style.pick("·", " ")
        number = abs(term.coefficient)
        pieces = [self.style.fraction(number)] if number != 1 or not factors else []
        if summed_letters:
            names = "".join(summed_letters) if not self.style.is_latex else " ".join(summed_letters)
            total = self.style.pick(f"Σ_{names} ", rf"\sum_{{{names}}} ")
            pieces.append(total + times.join(factors))
        else:
            pieces.extend(factors)
        return times.join(pieces)

    def _bracket(self, text: str) -> str:
        return self.style.pick(f"({text})", rf"\left({text}\right)")

    def _factor(self, factor: Factor, letters: list[str], used: int) -> str:
        text = self._atom(factor, letters, used)
        if factor.kind == "sum":
            text = self._bracket(text)
        if factor.exponent == 1:
            return text
        if factor.exponent.denominator == 1 or self.style.is_latex:
            return text + self.style.power(factor.exponent)
        return f"{text}^({exponent_text(factor.exponent)})".replace("-", "−")

    def _atom(self, factor: Factor, letters: list[str], used: int) -> str:
        if factor.kind == "delta":
            return self.at(self.style.pick("δ", r"\delta"), letters)
        if factor.kind == "unit":
            return self.at(self.style.pick("δ", r"\delta"), [*letters, factor.name])
        if factor.kind == "size":
            return self.style.size(factor.name)
        if factor.kind == "number":
            return factor.name if factor.name.isdecimal() else self._bracket(factor.name)
        if factor.kind == "input":
            twice = "diagonal" in factor.facts and len(letters) == 1
            return self.at(self.style.name(factor.name), letters * 2 if twice else letters)
        if factor.kind == "sum":
            return self.form(factor.arguments[0], letters, used)
        if factor.name in ARRAY_CALLS:
            return self.at(self._array(factor, used), letters)
        inner = ", ".join(self.form(form, letters, used) for form in factor.arguments)
        return self.style.function(factor.name) + self._bracket(inner)

    def _array(self, factor: Factor, used: int) -> str:
        (argument,) = factor.arguments
        try:
            inner = Writer(self.style).sum(matrix_terms(argument))
        except NoMatrixFormError:
            own = [self._letter(used + k) for k in range(len(argument.axes))]
            arrow = self.style.pick(
                f"[{','.join(own)}] ↦ ", rf"\left({','.join(own)}\right) \mapsto "
            )
            inner = arrow + self.form(argument, own, used + len(own))
        if factor.name == "inverse":
            base = inner if len(inner) == 1 else self._bracket(inner)
            return base + self.style.superscript("-1")
        if factor.name == "norm":
            return self.style.pick(f"‖{inner}‖", rf"\lVert {inner}\rVert")
        return self.style.function(factor.name) + self._bracket(inner)
