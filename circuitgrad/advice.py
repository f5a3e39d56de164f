"""What people write who come from other notations, and what to write here."""

from __future__ import annotations

import re

# What people write who come from elsewhere, and what to write here; the first that fits is told.
_ADVICE = (
    (r"\\", 'This looks like LaTeX; checks read it with language="latex".'),
    (r"[⁰¹²³⁴-⁹^]", "Write powers as x**2."),
    (r"[\w)]'", 'Write x.T for a transpose; checks read x\' with language="matlab".'),
    (r"\.[*/^]", "Products here are entry by entry: write x*y, x/y, x**2, and A @ x for matrices."),
    (r"(?<![<>=!])=(?!=)", "Write one formula, without '='."),
    (r"\|[^|]*\|", "Write abs(x), or norm(x)."),
    (r"\b(lambda|in|is|if|or|as|and|not|for|def|class)\b", "Some of its words belong to Python."),
    (r"\d\s*[^\W\d]|\)\s*[\w(]", "Write products with *, as 2*x."),
    (r"[^\W\d]\w*\s+\w", "Write products with *, and functions with brackets, as sin(x)."),
)


def advice_for(source: str) -> str:
    """What to write instead of a text that is no formula; empty where nothing is known.

    >>> advice_for("2x + 1")
    ' Write products with *, as 2*x.'
    """
    if source.count("(") != source.count(")"):
        return " Its brackets do not match."
    return next((f" {told}" for pattern, told in _ADVICE if re.search(pattern, source)), "")
