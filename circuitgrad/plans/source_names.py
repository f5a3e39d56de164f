"""Names in generated code: safe, unlike each other, and as close to the user's as can be."""

from __future__ import annotations

import builtins
import keyword
import re
import unicodedata

_DERIVATIVE_SIGNS = str.maketrans({"∂": "d", "²": "2", "³": "3", "/": "_"})
_NEVER = frozenset(keyword.kwlist) | frozenset(keyword.softkwlist) | frozenset(dir(builtins))


class Names:
    """The names that a module has given away.

    Keywords, builtins and the names of modules are never given; a name that is taken gets an
    underscore or a number behind it.

    >>> names = Names({"np"})
    >>> [names.take(text) for text in ("w", "w", "np", "lambda", "2 x", "∂f/∂w")]
    ['w', 'w_1', 'np_', 'lambda_', '_2_x', 'df_dw']
    """

    def __init__(self, reserved: set[str]) -> None:
        self._reserved = _NEVER | reserved
        self._taken: set[str] = set()

    def take(self, wanted: str) -> str:
        """A free name that looks like the one that is wanted."""
        base = identifier(wanted)
        if base in self._reserved:
            base += "_"
        found, count = base, 0
        while found in self._taken or found in self._reserved:
            count += 1
            found = f"{base}_{count}"
        self._taken.add(found)
        return found


def identifier(wanted: str) -> str:
    """A Python identifier that looks like a text."""
    plain = unicodedata.normalize("NFKC", wanted.translate(_DERIVATIVE_SIGNS))
    found = re.sub(r"\W", "_", plain)
    if not found.isidentifier():
        found = f"_{found}"
    return found if found.isidentifier() else re.sub(r"[^0-9A-Za-z_]", "_", found)
