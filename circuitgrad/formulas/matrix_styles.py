"""How text and LaTeX spell names, lengths, numbers and functions: no two things look alike."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, replace
from decimal import Decimal
from fractions import Fraction
from functools import cached_property

from circuitgrad.formulas.latex import name_latex
from circuitgrad.formulas.text import name_text

_SUPER = str.maketrans("0123456789-/", "⁰¹²³⁴⁵⁶⁷⁸⁹⁻ᐟ")
_SUB = str.maketrans("0123456789-", "₀₁₂₃₄₅₆₇₈₉₋")
_GREEK = {
    "alpha": "α", "beta": "β", "gamma": "γ", "delta": "δ", "epsilon": "ε", "zeta": "ζ", "eta": "η",
    "theta": "θ", "iota": "ι", "kappa": "κ", "lambda": "λ", "mu": "μ", "nu": "ν", "xi": "ξ",
    "rho": "ρ", "sigma": "σ", "tau": "τ", "phi": "φ", "chi": "χ", "psi": "ψ", "omega": "ω",
}  # fmt: skip
_PLAIN_FUNCTIONS = ("exp", "log", "sin", "cos", "tan", "sinh", "cosh", "tanh", "det")
_SHOWN = {
    "row_softmax": "softmax", "max_reduce": "max", "min_reduce": "min",
    "max_share": "argmax", "min_share": "argmin",
}  # fmt: skip
# An input of such a name, before a bracket, would be taken for the function.
CALLABLE = {
    *_PLAIN_FUNCTIONS, *_SHOWN.values(), "σ", "diag", "tr", "abs", "norm", "logsumexp", "logdet",
    "softplus",
}  # fmt: skip


def symbol_text(name: str) -> str:
    """A name in text: Greek letters by name, digits at the end as subscripts.

    >>> symbol_text("theta"), symbol_text("W1"), symbol_text("lambda_0")
    ('θ', 'W₁', 'λ₀')
    """
    base = re.sub(r"_?[0-9]+$", "", name)
    return name_text(_GREEK[base] + name[len(base) :] if base in _GREEK else name)


_LONG = 15  # digits; a fraction of more is a rounded number, and reads better as a decimal
_LONG_INTEGER = 21
_SHOWN_DIGITS = 6


def is_long(value: Fraction) -> bool:
    """Whether a number is shown as a decimal rather than as a fraction."""
    digits = len(str(abs(value.numerator)))
    if value.denominator == 1:
        return digits > _LONG_INTEGER
    return digits + len(str(value.denominator)) > _LONG


def decimal_text(value: Fraction) -> str:
    """The shortest decimal that is read back as the same double.

    >>> decimal_text(Fraction(1.0000001)), decimal_text(Fraction(1, 10) ** 400)
    ('1.0000001', '1e-400')
    """
    if not value or _SMALLEST < abs(value) < _LARGEST:
        return repr(float(value)).removesuffix(".0")
    return f"{(Decimal(value.numerator) / Decimal(value.denominator)).normalize():e}"


def exponent_text(value: Fraction) -> str:
    """An exponent as a fraction or with all its digits, without the place where it stands."""
    return decimal_text(value) if is_long(value) else str(value)


_SMALLEST, _LARGEST = Fraction(1, 10**300), Fraction(10**305)


@dataclass(frozen=True)
class Style:
    """How one notation writes the parts of a matrix expression.

    Attributes:
        is_latex: LaTeX, or Unicode text.
        inputs: The names of the inputs around, which nothing else may look like.
        axes: The names of the axes around.
    """

    is_latex: bool
    inputs: frozenset[str] = frozenset()
    axes: frozenset[str] = frozenset()

    def among(self, inputs: Iterable[str], axes: Iterable[str]) -> Style:
        """The style where these inputs and axes are around."""
        return replace(self, inputs=frozenset(inputs), axes=frozenset(axes))

    @cached_property
    def _symbols(self) -> dict[str, str]:
        """The symbol of each input; inputs that would share one are written out."""
        shown = {name: symbol_text(name) for name in self.inputs}
        counts = Counter(shown.values())
        return {name: text if counts[text] == 1 else name for name, text in shown.items()}

    @cached_property
    def taken(self) -> frozenset[str]:
        """Everything that inputs and axes are written as."""
        return self.inputs | self.axes | frozenset(self._symbols.values())

    @cached_property
    def is_spaced(self) -> bool:
        """Whether names need spaces between them, as where `a`, `b` and `ab` are three inputs."""
        words = {*self._symbols.values(), *self.axes}
        for word in words:
            others = "|".join(map(re.escape, sorted(words - {word})))
            if len(word) > 1 and re.fullmatch(f"(?:{others}|I)+", word):
                return True
        return False

    def name(self, name: str) -> str:
        """A tensor's name."""
        if not self.is_latex:
            return self._symbols.get(name, symbol_text(name))
        is_alike = self._symbols.get(name) == name != symbol_text(name)
        return rf"\mathrm{{{name}}}" if is_alike else name_latex(name)

    def size(self, axis: str) -> str:
        """The length of an axis: its name, or #name where an input has the same."""
        shown = name_latex(axis) if self.is_latex else axis
        is_alike = axis in self.inputs or axis in self._symbols.values()
        return self.pick("#", r"\#") + shown if is_alike else shown

    def unit(self, place: str) -> str:
        """The unit vector with its 1 at a place."""
        letter = next(c for c in ("e", "u", "ê", "û", "ĕ") if not self._has_base(c))
        return self.pick(
            letter + (place.translate(_SUB) if place != "k" else "ₖ"), rf"{letter}_{{{place}}}"
        )

    def _has_base(self, letter: str) -> bool:
        return any(re.fullmatch(rf"{letter}_?\d*", name) for name in self.taken)

    @property
    def identity(self) -> str:
        """The identity matrix: I, or a longer word where an input or axis has that name."""
        word = next(w for w in ("I", "Id", "Identity", "𝐈") if w not in self.taken)
        return word if len(word) == 1 else self.pick(word, rf"\mathrm{{{word}}}")

    def pick(self, text: str, latex: str) -> str:
        """One of two spellings."""
        return latex if self.is_latex else text

    def superscript(self, exponent: str) -> str:
        """An exponent behind its base."""
        return self.pick(exponent.translate(_SUPER), f"^{{{exponent}}}")

    def fraction(self, value: Fraction) -> str:
        """A positive rational number."""
        if is_long(value):
            return self.decimal(value)
        if value.denominator == 1:
            return str(value.numerator)
        if self.is_latex:
            return rf"\tfrac{{{value.numerator}}}{{{value.denominator}}}"
        return "½" if value == Fraction(1, 2) else f"({value.numerator}/{value.denominator})"

    def decimal(self, value: Fraction) -> str:
        """A positive number as a decimal: 3.14159, 2.5·10⁻⁸, 1.0000001.

        Six digits, or all where six would look like a number that it is not.
        """
        digits, _, power = decimal_text(value).partition("e")
        if len(digits.replace(".", "").strip("0")) > _SHOWN_DIGITS:
            short = f"{float(digits):.{_SHOWN_DIGITS}g}"
            looks_rounded = len(short.replace(".", "").strip("0")) >= _SHOWN_DIGITS - 1
            digits = short if looks_rounded and "e" not in short else digits
        if not power:
            return digits
        tens = "10" + self.superscript(str(int(power)))
        return tens if digits == "1" else digits + self.pick("·", r" \cdot ") + tens

    def power(self, exponent: Fraction) -> str:
        """An exponent behind its base, as a fraction or with all its digits."""
        if not is_long(exponent):
            return self.superscript(str(exponent))
        shown = exponent_text(exponent)
        return self.pick(f"^({shown})".replace("-", "−"), f"^{{{shown}}}")

    def function(self, name: str) -> str:
        """The name of a function."""
        if name == "sigmoid" and "σ" not in self.taken:
            return self.pick("σ", r"\sigma")
        name = _SHOWN.get(name, name)
        if name == "sech_squared":
            return self.pick("sech²", r"\operatorname{sech}^{2}")
        if name in _PLAIN_FUNCTIONS:
            return self.pick(name, f"\\{name}")
        return self.pick(name, rf"\operatorname{{{name.replace('_', ' ')}}}")


TEXT, LATEX = Style(False), Style(True)
