"""The sign in a gate's circle: constants folded in, and formulas where letters do not suffice."""

import re
from typing import Final

from circuitgrad.viz.content import Item, Maths, line
from circuitgrad.viz.labels import shortened
from circuitgrad.viz.numbers import MINUS, short_number
from circuitgrad.viz.plain_maths import GREEK

_RAISED: Final = dict(zip("⁰¹²³⁴⁵⁶⁷⁸⁹⁺⁻⁽⁾ⁿˣʸᵏⁱᵍ", "0123456789+-()nxykig", strict=True))
_RAISED["ᵀ"] = r"\top "
_LOWERED: Final = dict(zip("₀₁₂₃₄₅₆₇₈₉₊₋₍₎", "0123456789+-()", strict=True))
_LETTERS: Final = {letter: rf"\{name} " for name, letter in GREEK.items()}
_SIGNS: Final = {
    **_LETTERS,
    "×": r"\times ",
    "·": r"\cdot ",
    "−": "-",
    "√": r"\sqrt{x}",
    "Σ": r"\Sigma ",
    "⊗": r"\otimes ",
    "⊙": r"\odot ",
    "∇": r"\nabla ",
    "‖": r"\|",
    "∞": r"\infty ",
}
# How a constant second operand is written, and below a constant first one; {} is the number.
_SECOND: Final = {"add": "+{}", "sub": "−{}", "mul": "×{}", "div": "÷{}", "pow": "${{x}}^{{{}}}$"}
_FIRST: Final = {
    "add": "+{}",
    "sub": "{}−x",
    "mul": "×{}",
    "div": "{}/x",
    "pow": "${{{}}}^{{x}}$",
}


def folded_sign(gate: str, glyph: str, constants: tuple[float | None, ...]) -> str:
    """The sign of a gate some of whose operands are numbers.

    Args:
        gate: The gate's name.
        glyph: Its own sign.
        constants: One entry for each operand: a number, or None for a wire.

    >>> folded_sign("add", "+", (None, 1.0)), folded_sign("mul", "×", (-1.0, None))
    ('+1', '×−1')
    """
    if gate == "neg":
        return f"×{MINUS}1"
    numbers = [number for number in constants if number is not None]
    if not numbers:
        return glyph
    table = _FIRST if constants[0] is not None else _SECOND
    if gate in table and len(numbers) == 1:
        number = numbers[0]
        if gate == "pow" and number == int(number) and table is _SECOND:
            return f"$x^{{{int(number)}}}$"
        if number < 0 and gate in ("add", "sub") and table is _SECOND:
            opposite = {"add": MINUS, "sub": "+"}[gate]
            return f"{opposite}{short_number(-number)}"
        text = short_number(number)
        return table[gate].format(text.replace(MINUS, "-") if "$" in table[gate] else text)
    return f"{glyph} {', '.join(map(short_number, numbers))}"


def sign_item(text: str) -> Item:
    """A gate's sign, in the size that its length asks for.

    Args:
        text: A sign such as ``"+"`` or ``"exp"``; LaTeX stands between dollar signs.
    """
    if len(text) > 2 and text[0] == text[-1] == "$":
        return Maths(text[1:-1], "ink", 15.0)
    latex = _sign_latex(text)
    if latex is not None:
        return Maths(latex, "ink", 15.0)
    size = 19.0 if len(text) == 1 else 13.5 if len(text) <= 3 else 11.5
    return line(shortened(text, 24), "ink", size)


def _sign_latex(text: str) -> str | None:
    """LaTeX for a sign that plain type shows badly, else None."""
    plain = set("+−×÷·<>=≤≥≠|∞…")
    if text in ("1/x", "|x|"):
        return text
    if all(character.isascii() or character in plain for character in text):
        return None
    latex = re.sub(r"√\(([^()]*)\)|√(\w)", lambda match: rf"\sqrt{{{match[1] or match[2]}}}", text)
    latex = _runs(_runs(latex, _RAISED, "^"), _LOWERED, "_")
    latex = re.sub(r"(?<![\\A-Za-z])[A-Za-z]{2,}", lambda match: rf"\mathrm{{{match[0]}}}", latex)
    latex = "".join(_SIGNS.get(character, character) for character in latex)
    return latex.replace(r"\mathrm{sqrt}", r"\sqrt") if latex.isascii() else None


def _runs(text: str, letters: dict[str, str], mark: str) -> str:
    """The text with runs of raised or lowered characters as upper or lower indices."""
    pattern = f"[{re.escape(''.join(letters))}]+"
    return re.sub(pattern, lambda match: f"{mark}{{{''.join(letters[c] for c in match[0])}}}", text)
