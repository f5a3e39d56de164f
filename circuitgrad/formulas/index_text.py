"""Tensor forms in index notation: `Σ_k X[k,i]·σ(Σ_l X[k,l]·w[l])·X[k,j]`."""

from __future__ import annotations

from collections.abc import Sequence

from circuitgrad.formulas.matrix_chains import NoMatrixFormError, matrix_terms
from circuitgrad.formulas.matrix_text import TEXT, Writer, symbol_text
from circuitgrad.formulas.tensor_algebra import ARRAY_CALLS
from circuitgrad.formulas.tensor_terms import Factor, Form, Index, Term

_LETTERS = "ijklpqrstuvabcdefghmnowxyz"
_SUPER = str.maketrans("0123456789-", "⁰¹²³⁴⁵⁶⁷⁸⁹⁻")


class IndexWriter:
    """Writes forms in index notation, with letters that no input and no axis has."""

    def __init__(self, taken: frozenset[str] = frozenset()) -> None:
        self.letters = [c for c in _LETTERS if c not in taken]

    def free_letters(self, form: Form) -> tuple[str, ...]:
        """The letters of the free indices."""
        return tuple(self._letter(k) for k in range(len(form.axes)))

    def _letter(self, k: int) -> str:
        if k < len(self.letters):
            return self.letters[k]
        return f"{self.letters[k % len(self.letters)]}{k // len(self.letters)}"

    def form(self, form: Form, letters: Sequence[str], used: int) -> str:
        """The sum of a form's terms, its free indices written as given.

        Args:
            form: Any form.
            letters: The letter of each free index.
            used: How many letters are in use, here and around.
        """
        shown = ""
        ordered = sorted(form.terms, key=lambda t: (t.coefficient < 0, t.key))
        for term in ordered:
            text = self._term(term, letters, used)
            sign = "−" if term.coefficient < 0 else "+"
            shown += f" {sign} {text}" if shown else ("−" + text if sign == "−" else text)
        return shown or "0"

    def _term(self, term: Term, letters: Sequence[str], used: int) -> str:
        place: dict[Index, str] = {}
        for factor in term.factors:
            for index in factor.indices:
                if index not in place:
                    summed = sum(not i.is_free for i in place)
                    is_free = index.is_free
                    place[index] = letters[index.number] if is_free else self._letter(used + summed)
        summed_letters = [place[i] for i in place if not i.is_free]
        inside = used + len(summed_letters)
        factors = [self._factor(f, [place[i] for i in f.indices], inside) for f in term.factors]
        number = abs(term.coefficient)
        pieces = [TEXT.fraction(number)] if number != 1 or not factors else []
        if summed_letters:
            pieces.append(f"Σ_{''.join(summed_letters)} {'·'.join(factors)}")
        else:
            pieces.extend(factors)
        return "·".join(pieces)

    def _factor(self, factor: Factor, letters: list[str], used: int) -> str:
        text = self._atom(factor, letters, used)
        if factor.exponent == 1:
            return f"({text})" if factor.kind == "sum" else text
        if factor.kind == "sum":
            text = f"({text})"
        if factor.exponent.denominator == 1:
            return text + str(factor.exponent).translate(_SUPER)
        return f"{text}^({factor.exponent})".replace("-", "−")

    def _atom(self, factor: Factor, letters: list[str], used: int) -> str:
        at = f"[{','.join(letters)}]" if letters else ""
        if factor.kind == "delta":
            return f"δ{at}"
        if factor.kind in ("size", "number"):
            return factor.name
        if factor.kind == "input":
            twice = "diagonal" in factor.facts and len(letters) == 1
            return symbol_text(factor.name) + (f"[{letters[0]},{letters[0]}]" if twice else at)
        if factor.kind == "sum":
            return self.form(factor.arguments[0], letters, used)
        if factor.name in ARRAY_CALLS:
            return self._array(factor, used) + at
        inner = ", ".join(self.form(form, letters, used) for form in factor.arguments)
        return f"{TEXT.function(factor.name)}({inner})"

    def _array(self, factor: Factor, used: int) -> str:
        (argument,) = factor.arguments
        try:
            inner = Writer(TEXT).sum(matrix_terms(argument))
        except NoMatrixFormError:
            own = [self._letter(used + k) for k in range(len(argument.axes))]
            inner = f"[{','.join(own)}] ↦ {self.form(argument, own, used + len(own))}"
        if factor.name == "inverse":
            return f"{inner}⁻¹" if len(inner) == 1 else f"({inner})⁻¹"
        return f"‖{inner}‖" if factor.name == "norm" else f"{factor.name}({inner})"
