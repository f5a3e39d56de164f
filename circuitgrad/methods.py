"""What wires can do: Python's operators and NumPy's methods.

Each handed to the gates that do it.
"""

from __future__ import annotations

import importlib
from functools import cache
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from circuitgrad.wire import Wire


@cache
def upper_layer(module: str) -> Any:
    """The module of an upper layer that a method of a wire, gate or circuit hands its work to.

    The one knot of the layers (wires have `+`, gates make wires) is tied here and nowhere else.
    """
    return importlib.import_module(f"circuitgrad.{module}")


def _apply(name: str, *operands: Any) -> Any:
    return upper_layer("gates.operators").apply(name, *operands)


def _gates(module: str) -> Any:
    return upper_layer(f"gates.{module}")


def _numpy(name: str, *args: Any, **kwargs: Any) -> Any:
    return upper_layer("numpy_functions").FUNCTIONS[name](*args, **kwargs)


def _ufunc(name: str, *operands: Any) -> Any:
    return upper_layer("numpy_protocol").UFUNCS[name](*operands)


class Methods:
    """The operators and methods of a wire."""

    __slots__ = ()

    def __add__(self, other: Any) -> Wire:
        return _apply("add", self, other)  # type: ignore[no-any-return]

    def __radd__(self, other: Any) -> Wire:
        return _apply("add", other, self)  # type: ignore[no-any-return]

    def __sub__(self, other: Any) -> Wire:
        return _apply("sub", self, other)  # type: ignore[no-any-return]

    def __rsub__(self, other: Any) -> Wire:
        return _apply("sub", other, self)  # type: ignore[no-any-return]

    def __mul__(self, other: Any) -> Wire:
        return _apply("mul", self, other)  # type: ignore[no-any-return]

    def __rmul__(self, other: Any) -> Wire:
        return _apply("mul", other, self)  # type: ignore[no-any-return]

    def __truediv__(self, other: Any) -> Wire:
        return _apply("div", self, other)  # type: ignore[no-any-return]

    def __rtruediv__(self, other: Any) -> Wire:
        return _apply("div", other, self)  # type: ignore[no-any-return]

    def __pow__(self, other: Any) -> Wire:
        return _apply("pow", self, other)  # type: ignore[no-any-return]

    def __rpow__(self, other: Any) -> Wire:
        return _apply("pow", other, self)  # type: ignore[no-any-return]

    def __matmul__(self, other: Any) -> Wire:
        return _apply("matmul", self, other)  # type: ignore[no-any-return]

    def __rmatmul__(self, other: Any) -> Wire:
        return _apply("matmul", other, self)  # type: ignore[no-any-return]

    def __mod__(self, other: Any) -> Wire:
        return _ufunc("remainder", self, other)  # type: ignore[no-any-return]

    def __rmod__(self, other: Any) -> Wire:
        return _ufunc("remainder", other, self)  # type: ignore[no-any-return]

    def __floordiv__(self, other: Any) -> Wire:
        return _ufunc("floor_divide", self, other)  # type: ignore[no-any-return]

    def __rfloordiv__(self, other: Any) -> Wire:
        return _ufunc("floor_divide", other, self)  # type: ignore[no-any-return]

    def __neg__(self) -> Wire:
        return _apply("neg", self)  # type: ignore[no-any-return]

    def __pos__(self) -> Wire:
        return self  # type: ignore[return-value]

    def __abs__(self) -> Wire:
        return _apply("abs", self)  # type: ignore[no-any-return]

    # Comparisons are entry by entry, as in NumPy: wires, or Boolean arrays where values are known.

    def __lt__(self, other: Any) -> Any:
        return _apply("less", self, other)

    def __le__(self, other: Any) -> Any:
        return _apply("less_equal", self, other)

    def __gt__(self, other: Any) -> Any:
        return _apply("greater", self, other)

    def __ge__(self, other: Any) -> Any:
        return _apply("greater_equal", self, other)

    def __eq__(self, other: object) -> Any:
        return _apply("equal", self, other)

    def __ne__(self, other: object) -> Any:
        return _apply("not_equal", self, other)

    def __getitem__(self, index: Any) -> Wire:
        return _gates("shapes").index(self, index)  # type: ignore[no-any-return]

    def __array_ufunc__(self, ufunc: Any, method: str, *inputs: Any, **kwargs: Any) -> Any:
        return upper_layer("numpy_protocol").call_ufunc(ufunc, method, inputs, kwargs)

    def __array_function__(
        self, function: Any, types: Any, args: tuple[Any, ...], kwargs: dict[str, Any]
    ) -> Any:
        return upper_layer("numpy_protocol").call_function(function, args, kwargs)

    @property
    def T(self) -> Wire:  # noqa: N802 - NumPy's name
        """The wire with its axes reversed."""
        return _gates("contractions").transpose(self)  # type: ignore[no-any-return]

    def reshape(self, *shape: Any, order: str = "C") -> Wire:
        """The same entries in another shape, in C or F order; one axis may be -1."""
        target = shape[0] if len(shape) == 1 else shape
        return _gates("shapes").reshape_in_order(self, target, order)  # type: ignore[no-any-return]

    def astype(self, dtype: Any, *, copy: bool = True) -> Wire:
        """The same entries in float32 or float64; the gradient is cast back."""
        return _gates("casting").astype(self, dtype)  # type: ignore[no-any-return]

    def copy(self) -> Wire:
        """The wire itself: nothing can be written into it."""
        return self  # type: ignore[return-value]

    def flatten(self, order: str = "C") -> Wire:
        """The entries as a vector, in C or F order."""
        return self.reshape(-1, order=order)

    ravel = flatten

    def transpose(self, *axes: Any) -> Wire:
        """The axes permuted (reversed when no order is given)."""
        order = axes[0] if len(axes) == 1 and not isinstance(axes[0], int) else axes or None
        return _gates("contractions").transpose(self, order)  # type: ignore[no-any-return]

    def sum(self, axis: Any = None, keepdims: bool = False) -> Wire:
        """The sum over the axes given (all by default)."""
        return _gates("contractions").total(self, axis, keepdims)  # type: ignore[no-any-return]

    def mean(self, axis: Any = None, keepdims: bool = False) -> Wire:
        """The mean over the axes given (all by default)."""
        return _gates("reductions").mean(self, axis, keepdims)  # type: ignore[no-any-return]

    def max(self, axis: Any = None, keepdims: bool = False) -> Wire:
        """The largest entry along the axes given; ties share the gradient equally."""
        return _gates("reductions").largest(self, axis, keepdims)  # type: ignore[no-any-return]

    def min(self, axis: Any = None, keepdims: bool = False) -> Wire:
        """The smallest entry along the axes given; ties share the gradient equally."""
        return _gates("reductions").smallest(self, axis, keepdims)  # type: ignore[no-any-return]

    def dot(self, other: Any) -> Wire:
        """NumPy's dot product."""
        return _gates("contractions").dot(self, other)  # type: ignore[no-any-return]

    def prod(self, axis: Any = None, keepdims: bool = False) -> Wire:
        """The product over the axes given (all by default)."""
        return _numpy("prod", self, axis=axis, keepdims=keepdims)  # type: ignore[no-any-return]

    def var(self, axis: Any = None, *, ddof: float = 0, keepdims: bool = False) -> Wire:
        """The variance over the axes given (all by default)."""
        return _numpy("var", self, axis, ddof=ddof, keepdims=keepdims)  # type: ignore[no-any-return]

    def std(self, axis: Any = None, *, ddof: float = 0, keepdims: bool = False) -> Wire:
        """The standard deviation over the axes given (all by default)."""
        return _numpy("std", self, axis, ddof=ddof, keepdims=keepdims)  # type: ignore[no-any-return]

    def cumsum(self, axis: int | None = None) -> Wire:
        """The sums of the entries up to each, along an axis (of all entries by default)."""
        return _numpy("cumsum", self, axis)  # type: ignore[no-any-return]

    def squeeze(self, axis: Any = None) -> Wire:
        """The wire without its axes of size 1."""
        return _numpy("squeeze", self, axis)  # type: ignore[no-any-return]

    def swapaxes(self, axis1: int, axis2: int) -> Wire:
        """Two axes exchanged."""
        return _numpy("swapaxes", self, axis1, axis2)  # type: ignore[no-any-return]

    def repeat(self, repeats: Any, axis: int | None = None) -> Wire:
        """Each entry repeated along an axis (of the flat array by default)."""
        return _numpy("repeat", self, repeats, axis)  # type: ignore[no-any-return]

    def clip(self, min: Any = None, max: Any = None) -> Wire:
        """The entries moved into an interval."""
        return _numpy("clip", self, min, max)  # type: ignore[no-any-return]

    def take(self, indices: Any, axis: int | None = None) -> Wire:
        """The entries at the positions given along an axis (of the flat array by default)."""
        return _numpy("take", self, indices, axis)  # type: ignore[no-any-return]

    def trace(self) -> Wire:
        """The sum of the diagonal of a matrix."""
        return _numpy("trace", self)  # type: ignore[no-any-return]

    def diagonal(self) -> Wire:
        """The diagonal of a square matrix."""
        return _numpy("diagonal", self)  # type: ignore[no-any-return]
