"""Matrix notation as text, `Xᵀ(σ(Xw) − y)`, and as LaTeX."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from fractions import Fraction

from circuitgrad.formulas.matrix_styles import CALLABLE, Style, exponent_text, is_long
from circuitgrad.formulas.matrix_terms import Chain, Expression, MatrixTerm, Scalars, transposed

_SUM, _ENTRYWISE, _PRODUCT, _POWER, _ATOM = range(5)
_DIGITS = "0123456789"
Piece = tuple[str, int]
# Marks, removed at the end, of where a word begins and where one (or its bracket) ends: products
# leave a space there, and a dot behind a name that a bracket would make a function.
_WORD, _END, _DOT = "\x01", "\x02", "\x03"
_MARKS = str.maketrans("", "", _WORD + _END + _DOT)


class Writer:
    """Writes matrix expressions in one style; names given to some expressions stand for them."""

    def __init__(self, style: Style, names: Mapping[Expression, str] | None = None) -> None:
        self.style = style
        self.names = dict(names or {})

    def sum(self, terms: Sequence[MatrixTerm]) -> str:
        """The sum of some terms."""
        return self._sum(terms)[0].translate(_MARKS)

    def _sum(self, terms: Sequence[MatrixTerm]) -> Piece:
        if not terms:
            return "0", _ATOM
        if len(terms) == 1 and terms[0].coefficient > 0:
            return self._term(terms[0], False)
        minus = self.style.pick("−", "-")
        shown = ""
        for term in terms:
            text, level = self._term(term, len(terms) > 1)
            if level == _SUM:
                text = self._bracket(text)
            if shown:
                shown += f" {minus if term.coefficient < 0 else '+'} {text}"
            else:
                shown = (minus if term.coefficient < 0 else "") + text
        return shown, _SUM

    def _bracket(self, text: str) -> str:
        return self.style.pick(f"({text})", rf"\left({text}\right)")

    def _term(self, term: MatrixTerm, in_sum: bool) -> Piece:
        """A term without its sign."""
        number, over, under = _sorted_scalars(term.coefficient, term.scalars)
        pieces = [self._numbers(number, under)]
        alone = len(over) == 1 and not term.chain
        pieces += [self._scalar(e, p, alone) for e, p in over]
        below = [self._scalar(e, -p, False) for e, p in under if e.head != "size"]
        pieces = [piece for piece in pieces if piece]
        if term.chain:
            body, level = self._product(term.chain, bool(pieces or below))
            if not pieces and not below:
                return body, level
            pieces.append(body)
        if len(pieces) == 1 and not term.chain and len(over) == 1 and not below and over[0][1] == 1:
            return self._expression(over[0][0])
        shown = self._side_by_side(pieces) or "1"
        return (self._over(shown, below), _PRODUCT)

    def _over(self, shown: str, below: list[str]) -> str:
        if not below:
            return shown
        if self.style.is_latex:
            return rf"\frac{{{shown}}}{{{' '.join(below)}}}"
        under = self._side_by_side(below)
        return f"{shown}/({under})" if len(below) > 1 else f"{shown}/{under}"

    def _numbers(self, number: Fraction, under: list[tuple[Expression, Fraction]]) -> str:
        """The number before everything, lengths of axes below it."""
        sizes = [(e, -p) for e, p in under if e.head == "size"]
        if not sizes:
            return "" if number == 1 else self.style.fraction(number)
        lengths = [self.style.size(e.text) + self._exponent(p) for e, p in sizes]
        shown = (" " if max(map(len, lengths)) > 1 else "").join(lengths)
        over = self.style.fraction(number) if is_long(number) else str(number.numerator)
        below = 1 if is_long(number) else number.denominator
        if below != 1:
            gap = " " if self.style.is_latex or not shown[0].isalpha() else ""
            shown = f"{below}{gap}{shown}"
        if self.style.is_latex:
            return rf"\frac{{{over}}}{{{shown}}}"
        under_text = shown if below == 1 and len(sizes) == 1 else f"({shown})"
        return f"({over}/{under_text})"

    def _exponent(self, exponent: Fraction) -> str:
        return "" if exponent == 1 else self.style.power(exponent)

    def _scalar(self, e: Expression, exponent: Fraction, alone: bool) -> str:
        text, level = self._expression(e)
        if exponent == Fraction(1, 2):
            if self.style.is_latex:
                return rf"\sqrt{{{text}}}"
            return f"√{text}{_END}" if level == _ATOM else f"√({text})"
        if level < _ATOM and not (alone and level == _PRODUCT and exponent == 1):
            text = self._bracket(text)
        return self._raised(text, self._exponent(exponent))

    def _raised(self, text: str, exponent: str) -> str:
        """A power; the mark behind a name that looks like a function moves behind the exponent."""
        return text[:-1] + exponent + _DOT if text.endswith(_DOT) else text + exponent

    # --- products ---------------------------------------------------------------------------------

    def _product(self, chain: Chain, inside: bool) -> Piece:
        runs: list[tuple[Expression, int]] = []
        for e in chain:
            if runs and runs[-1][0] == e:
                runs[-1] = (e, runs[-1][1] + 1)
            else:
                runs.append((e, 1))
        if len(runs) == 1 and runs[0][1] == 1:
            text, level = self._expression(chain[0])
            return (self._bracket(text), _ATOM) if inside and level < _PRODUCT else (text, level)
        return self._side_by_side([self._run(e, count) for e, count in runs]), _PRODUCT

    def _run(self, e: Expression, count: int) -> str:
        """A factor of a product, or a power of a matrix."""
        if count == 1:
            text, level = self._expression(e)
            return self._bracket(text) if level < _PRODUCT else text
        turned = e.head == "transpose"
        inner = e.parts[0] if turned else e
        sign = "-" if inner.head == "inverse" else ""
        text, level = self._expression(inner.parts[0] if sign else inner)
        base = text if level == _ATOM else self._bracket(text)
        power = self._raised(base, self.style.superscript(f"{sign}{count}"))
        return self._turned(self._bracket(power)) if turned else power

    def _turned(self, text: str) -> str:
        return self.style.pick(f"{text}ᵀ", rf"{text}^\top")

    def _side_by_side(self, pieces: Sequence[str]) -> str:
        shown = ""
        for piece in pieces:
            shown += (self._gap(shown, piece) if shown else "") + piece
        return shown

    def _gap(self, left: str, right: str) -> str:
        """What stands between two factors: nothing, or a space about the names of functions."""
        if self.style.is_latex:
            return " "
        if left.endswith(_DOT):
            plain = " " if left[-2].isascii() or right.startswith(_WORD) else ""
            return "·" if right.startswith("(") else plain
        if right.startswith(_WORD) or left.endswith(_END):
            return " "
        return "·" if left[-1] in _DIGITS and right[0] in _DIGITS else ""

    # --- expressions ------------------------------------------------------------------------------

    def _expression(self, e: Expression) -> Piece:
        if e in self.names:
            return self._word(self.style.name(self.names[e])), _ATOM
        if e.head == "sum" and transposed(e) in self.names:
            return self._turned(self._word(self.style.name(self.names[transposed(e)]))), _ATOM
        written: Piece = getattr(self, f"_{e.head}_piece")(e)
        return written

    def _name_piece(self, e: Expression) -> Piece:
        return self._word(self.style.name(e.text)), _ATOM

    def _word(self, text: str) -> str:
        """A name, marked if it has more than one letter or needs space about it."""
        letters = sum(c.isalpha() for c in text)
        if self.style.is_latex:
            return text
        begin = _WORD if letters > 1 or self.style.is_spaced else ""
        end = _DOT if text in CALLABLE else begin and _END
        return begin + text + end

    def _size_piece(self, e: Expression) -> Piece:
        return self._word(self.style.size(e.text)), _ATOM

    def _number_piece(self, e: Expression) -> Piece:
        return (e.text, _ATOM) if "/" not in e.text else (f"({e.text})", _ATOM)

    def _ones_piece(self, e: Expression) -> Piece:
        return self.style.pick("𝟏", r"\mathbf{1}"), _ATOM

    def _unit_piece(self, e: Expression) -> Piece:
        return self._word(self.style.unit(e.text)), _ATOM

    def _identity_piece(self, e: Expression) -> Piece:
        return self._word(self.style.identity), _ATOM

    def _transpose_piece(self, e: Expression) -> Piece:
        (inner,) = e.parts
        if inner.head == "inverse":
            base = self._inverse_base(inner)
            return base + self.style.pick("⁻ᵀ", r"^{-\top}"), _ATOM
        text, level = self._expression(inner)
        is_short = level == _ATOM and (
            inner.head in ("name", "ones", "unit") or inner in self.names
        )
        return self._turned(text if is_short else self._bracket(text)), _ATOM

    def _inverse_base(self, e: Expression) -> str:
        text, level = self._expression(e.parts[0])
        return text if level == _ATOM and e.parts[0].head == "name" else self._bracket(text)

    def _inverse_piece(self, e: Expression) -> Piece:
        return self._inverse_base(e) + self.style.superscript("-1"), _ATOM

    def _product_piece(self, e: Expression) -> Piece:
        return self._product(e.parts, False)

    def _hadamard_piece(self, e: Expression) -> Piece:
        parts = [self._expression(p) for p in e.parts]
        shown = [text if level > _PRODUCT else self._bracket(text) for text, level in parts]
        return self.style.pick(" ⊙ ", r" \odot ").join(shown), _ENTRYWISE

    def _diag_piece(self, e: Expression) -> Piece:
        return self._called(self.style.pick("diag", r"\operatorname{diag}"), e.parts), _ATOM

    _diagonal_piece = _diag_piece

    def _trace_piece(self, e: Expression) -> Piece:
        return self._called(self.style.pick("tr", r"\operatorname{tr}"), e.parts), _ATOM

    def _norm_piece(self, e: Expression) -> Piece:
        inner = self._expression(e.parts[0])[0]
        if "‖" in inner:  # where one of two norms ends could not be seen
            return self._called("norm", e.parts), _ATOM
        return self.style.pick(f"‖{inner}‖", rf"\lVert {inner}\rVert"), _ATOM

    def _called(self, name: str, arguments: Sequence[Expression]) -> str:
        inner = ", ".join(self._expression(a)[0] for a in arguments)
        called = f"{name}{self._bracket(inner)}"
        is_word = not self.style.is_latex and len(name) > 1
        return f"{_WORD}{called}{_END}" if is_word else called

    def _call_piece(self, e: Expression) -> Piece:
        return self._called(self.style.function(e.text), e.parts), _ATOM

    def _power_piece(self, e: Expression) -> Piece:
        (base,) = e.parts
        whole = e.exponent.denominator == 1 and e.exponent > 0 and not is_long(e.exponent)
        if base.head == "call" and whole and len(base.parts) == 1 and base not in self.names:
            name = self.style.function(base.text) + self.style.power(e.exponent)
            return self._called(name, base.parts), _ATOM
        text, level = self._expression(base)
        text = text if level == _ATOM else self._bracket(text)
        exponent = exponent_text(e.exponent)
        shown = exponent.replace("-", "−")
        power = f"^∘{shown}{_END}" if whole else f"^∘({shown})"
        return text + self.style.pick(power, rf"^{{\circ {exponent}}}"), _POWER

    def _sum_piece(self, e: Expression) -> Piece:
        return self._sum(e.terms)


def _sorted_scalars(
    coefficient: Fraction, scalars: Scalars
) -> tuple[Fraction, list[tuple[Expression, Fraction]], list[tuple[Expression, Fraction]]]:
    over = [(e, p) for e, p in scalars if p > 0]
    under = [(e, p) for e, p in scalars if p < 0]
    return abs(coefficient), over, under
