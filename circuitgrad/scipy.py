"""SciPy's special, stats and linalg, where functions that are not ufuncs take wires too.

>>> import circuitgrad as cg, circuitgrad.scipy as csp
>>> float(cg.grad(lambda x: csp.stats.norm.logpdf(x))(2.0))
-2.0

SciPy's ufuncs (special.gammaln, special.erf) ask wires what to do, so plain SciPy works on them.
Its other functions (special.logsumexp, stats.norm.logpdf) turn their arguments into arrays. Here
they are circuits where a wire comes in, and SciPy's own where none does.
"""

from __future__ import annotations

import functools
import itertools
from collections.abc import Callable, Mapping
from typing import Any

import scipy

from circuitgrad.errors import SpecError
from circuitgrad.grammar import nearest
from circuitgrad.numpy_refusals import REFUSED
from circuitgrad.scipy_distributions import DISTRIBUTIONS
from circuitgrad.scipy_functions import LINALG, SPECIAL
from circuitgrad.wire import Wire

__all__ = ["linalg", "special", "stats"]


def _has_wire(values: Any) -> bool:
    return any(
        _has_wire(value) if isinstance(value, list | tuple) else isinstance(value, Wire)
        for value in values
    )


def _adapted(
    function: Callable[..., Any], circuit: Callable[..., Any] | None, where: str, known: Any
) -> Callable[..., Any]:
    """SciPy's function; the circuit in its place where a wire comes in."""

    @functools.wraps(function)
    def adapted(*args: Any, **kwargs: Any) -> Any:
        if not _has_wire(itertools.chain(args, kwargs.values())):
            return function(*args, **kwargs)
        if where in REFUSED:
            raise SpecError(f"{where}: {REFUSED[where]}")
        if circuit is None:
            name = where.rpartition(".")[2]
            raise SpecError(
                f"{where}: not available on wires.{nearest(name, known)} See docs/numpy.md."
            )
        try:
            return circuit(*args, **kwargs)
        except TypeError as error:
            raise SpecError(f"{where}: not available on wires in this form: {error}.") from error

    return adapted


class _Namespace:
    """A module or a distribution of SciPy, some of whose functions have circuits."""

    def __init__(self, path: str, found: Any, circuits: Mapping[str, Any]) -> None:
        self._path = path
        self._found = found
        self._circuits = circuits

    def __getattr__(self, name: str) -> Any:
        original, circuit = getattr(self._found, name), self._circuits.get(name)
        path = f"{self._path}.{name}"
        if isinstance(circuit, Mapping):
            return _Namespace(path, original, circuit)
        if type(original).__name__ == "ufunc" or isinstance(original, type):
            return original
        if not callable(original):
            return original
        return _adapted(original, circuit, path, self._circuits)

    def __dir__(self) -> list[str]:
        return dir(self._found)


special = _Namespace("scipy.special", scipy.special, SPECIAL)
stats = _Namespace("scipy.stats", scipy.stats, DISTRIBUTIONS)
linalg = _Namespace("scipy.linalg", scipy.linalg, LINALG)
