"""Numbers as a figure shows them."""

import math
from typing import Final

from circuitgrad.errors import SpecError

MINUS: Final = "−"
NOT_COMPUTED: Final = "–"
_LONGEST: Final = 24


def format_number(value: float | None, pattern: str | None = None) -> str:
    """The number as text, with a real minus sign.

    Without a pattern, numbers have two decimals where that shows enough of them, three digits where
    they are larger or smaller, and a power of ten where they are very large or very small.

    Args:
        value: The number; None for one that was not computed.
        pattern: A format of Python such as ``".3g"`` to use instead.

    >>> [format_number(number) for number in (2.0, -0.1966, 0.0123, 3.1e-5, None)]
    ['2.00', '−0.20', '0.012', '3.1e−5', '–']
    """
    if value is None:
        return NOT_COMPUTED
    if not math.isfinite(value):
        return "nan" if math.isnan(value) else ("∞" if value > 0 else f"{MINUS}∞")
    text = format(value, pattern) if pattern else _default(value)
    return _tidy(text)


def check_pattern(pattern: str | None) -> None:
    """Refuses what is no format of numbers.

    Args:
        pattern: As in `format_number`.

    Raises:
        SpecError: Python cannot format a number by it.
    """
    try:
        text = format(1.5, pattern) if pattern is not None else ""
    except (TypeError, ValueError, MemoryError, OverflowError):
        text = "\n"
    if len(text) > _LONGEST or not text.isprintable():
        raise SpecError(
            f"draw: number_format is {pattern!r}; needed a format of Python for numbers, at most "
            f"{_LONGEST} characters wide, such as '.3g' or '.4f'."
        )


def exact_number(value: float | None) -> str:
    """The number with every digit that matters, for tooltips and descriptions.

    Args:
        value: The number; None for one that was not computed.

    >>> exact_number(-0.19661193324148185)
    '−0.19661193324148185'
    """
    if value is None:
        return "not computed"
    if not math.isfinite(value):
        return format_number(value)
    return _tidy(repr(float(value)).removesuffix(".0"))


def short_number(value: float) -> str:
    """The number as part of a gate's sign: whole numbers without decimals.

    Args:
        value: A constant of the circuit.

    >>> short_number(-1.0), short_number(0.5)
    ('−1', '0.5')
    """
    if math.isfinite(value) and value == int(value) and abs(value) < 1e5:
        return _tidy(str(int(value)))
    return _tidy(format(value, ".3g")) if math.isfinite(value) else format_number(value)


def factor(value: float | None, pattern: str | None = None) -> str:
    """The number as the second factor of a product: negative numbers in brackets.

    Args:
        value: The number; None for one that was not computed.
        pattern: As in ``format_number``.

    >>> factor(-1.0)
    '(−1.00)'
    """
    text = format_number(value, pattern)
    return f"({text})" if text.startswith(MINUS) else text


def _default(value: float) -> str:
    """Two decimals, or about three digits."""
    size = abs(value)
    if size == 0:
        return "0.00"
    if size < 0.000995 or size >= 99999.5:
        return _exponent(value)
    if size < 0.00995:
        return f"{value:.4f}"
    if size < 0.0995:
        return f"{value:.3f}"
    return f"{value:.{2 if size < 9.995 else 1 if size < 99.95 else 0}f}"


def _exponent(value: float) -> str:
    """Two digits and a power of ten."""
    mantissa, exponent = f"{value:.1e}".split("e")
    return f"{mantissa}e{int(exponent)}"


def _tidy(text: str) -> str:
    """Text of a number with real minus signs and no padded exponent."""
    mantissa, mark, exponent = text.partition("e")
    if mark and exponent.lstrip("+-").isdigit():
        text = f"{mantissa}e{int(exponent)}"
    return text.replace("-", MINUS)
