"""NumPy's names for PyTorch: what kernels call, on tensors."""

from __future__ import annotations

import contextlib
import functools
import math
from collections.abc import Sequence
from typing import Any

import numpy as np

# Names that differ, or whose function in PyTorch answers otherwise at NaN, are methods below.
_SAME = {
    "exp", "expm1", "exp2", "log", "log1p", "log2", "log10", "sin", "cos", "tan", "arcsin",
    "arccos", "arctan", "sinh", "cosh", "tanh", "arcsinh", "arccosh", "arctanh", "sqrt", "square",
    "abs", "absolute", "negative", "reciprocal", "floor", "ceil", "trunc", "isfinite", "matmul",
    "reshape", "broadcast_to", "squeeze", "add", "subtract", "multiply", "divide", "cumsum",
}  # fmt: skip
_PAIRS = {
    "arctan2": "atan2", "hypot": "hypot", "logaddexp": "logaddexp", "maximum": "maximum",
    "minimum": "minimum", "fmax": "fmax", "fmin": "fmin", "power": "pow",
}  # fmt: skip


class TorchNamespace:
    """The part of NumPy that kernels use, on PyTorch's tensors.

    Args:
        torch: The module.
    """

    def __init__(self, torch: Any) -> None:
        self._torch = torch
        self.linalg = _Linalg(torch)

    def __getattr__(self, name: str) -> Any:
        torch = self._torch
        if name in _SAME:
            return getattr(torch, name)
        if name in _PAIRS:
            function = getattr(torch, _PAIRS[name])
            return lambda x, y: function(*self._pair(x, y))
        raise AttributeError(name)

    def _pair(self, x: Any, y: Any) -> tuple[Any, Any]:
        """Two operands as tensors; numbers adopt the dtype of the other."""
        torch = self._torch
        like = x if isinstance(x, torch.Tensor) else y
        return tuple(
            v if isinstance(v, torch.Tensor)
            else torch.as_tensor(v, dtype=like.dtype, device=like.device)
            for v in (x, y)
        )  # fmt: skip

    @staticmethod
    def errstate(**_: str) -> contextlib.AbstractContextManager[None]:
        """Nothing: PyTorch does not warn."""
        return contextlib.nullcontext()

    @staticmethod
    def mask(array: Any) -> Any:
        """A Boolean array as a tensor."""
        import torch

        return torch.as_tensor(array)

    def asarray(self, value: Any, dtype: Any = None) -> Any:
        """A tensor of a dtype."""
        if dtype is None:
            return value
        return value.to(getattr(self._torch, dtype) if isinstance(dtype, str) else dtype)

    def result_type(self, *tensors: Any) -> Any:
        """The dtype that holds the entries of all."""
        return functools.reduce(self._torch.promote_types, [t.dtype for t in tensors])

    def where(self, condition: Any, x: Any, y: Any) -> Any:
        """Entries of one or the other."""
        torch = self._torch
        like = next((v for v in (x, y) if isinstance(v, torch.Tensor)), None)
        if like is None:
            return torch.where(condition, *(torch.as_tensor(float(v)) for v in (x, y)))
        if isinstance(condition, torch.Tensor):
            condition = condition.to(like.device)
        return torch.where(condition, *self._pair(x, y))

    def sign(self, x: Any) -> Any:
        """-1, 0 or 1; NaN of NaN."""
        return self._torch.where(self._torch.isnan(x), x, self._torch.sign(x))

    def rint(self, x: Any) -> Any:
        """The nearest whole number, the even one at a half."""
        return self._torch.round(x)

    def cbrt(self, x: Any) -> Any:
        """The real cube root, polished by one step of Newton's method."""
        torch = self._torch
        root = torch.sign(x) * torch.abs(x) ** (1 / 3)
        square = torch.where(root == 0, torch.ones_like(x), root * root)
        better = root - (root - x / square) / 3
        return torch.where(torch.isfinite(better) & (root != 0), better, root)

    def clip(self, x: Any, low: float, high: float) -> Any:
        """The entries moved into an interval."""
        return self._torch.clamp(x, low, high)

    def sum(self, x: Any, axis: Any = None, keepdims: bool = False, dtype: Any = None) -> Any:
        """The sum over axes."""
        axes = tuple(range(x.ndim)) if axis is None else axis
        return self._torch.sum(x, dim=axes, keepdim=keepdims, dtype=dtype) if x.ndim else x

    def mean(self, x: Any, axis: Any = None, keepdims: bool = False) -> Any:
        """The mean over axes."""
        return self._torch.mean(x, dim=axis, keepdim=keepdims)

    def max(self, x: Any, axis: Any = None, keepdims: bool = False) -> Any:
        """The largest entry over axes."""
        return self._torch.amax(x, dim=axis, keepdim=keepdims)

    def min(self, x: Any, axis: Any = None, keepdims: bool = False) -> Any:
        """The smallest entry over axes."""
        return self._torch.amin(x, dim=axis, keepdim=keepdims)

    def prod(self, x: Any, axis: int) -> Any:
        """The product along an axis."""
        return self._torch.prod(x, dim=axis)

    def flip(self, x: Any, axis: int) -> Any:
        """The entries in reverse order."""
        return self._torch.flip(x, (axis,))

    def sort(self, x: Any, axis: int) -> Any:
        """The entries in ascending order."""
        return self._torch.sort(x, dim=axis).values

    def argsort(self, x: Any, axis: int) -> Any:
        """The order that sorts the entries; equal ones keep theirs."""
        return self._torch.argsort(x, dim=axis, stable=True)

    def swapaxes(self, x: Any, first: int, second: int) -> Any:
        """Two axes exchanged."""
        return self._torch.transpose(x, first, second)

    def expand_dims(self, x: Any, axis: Any) -> Any:
        """New axes of size 1."""
        axes = (axis,) if isinstance(axis, int) else axis
        rank = x.ndim + len(axes)
        places = {a % rank for a in axes}
        old = iter(x.shape)
        return self._torch.reshape(x, [1 if k in places else next(old) for k in range(rank)])

    def concatenate(self, arrays: Sequence[Any], axis: int = 0) -> Any:
        """Tensors joined along an axis."""
        return self._torch.cat(tuple(arrays), dim=axis)

    def convolve(self, a: Any, v: Any) -> Any:
        """The full convolution of two vectors."""
        torch = self._torch
        outer = a[:, None] * v[None, :]
        places = np.add.outer(np.arange(len(a)), np.arange(len(v)))
        index = torch.as_tensor(places, device=a.device).reshape(-1)
        zeros = torch.zeros(len(a) + len(v) - 1, dtype=outer.dtype, device=a.device)
        return zeros.index_add(0, index, outer.reshape(-1))

    def einsum(self, spec: str, *arrays: Any) -> Any:
        """A contraction."""
        return self._torch.einsum(spec, *arrays)

    def ones_like(self, x: Any) -> Any:
        """Ones."""
        return self._torch.ones_like(x)


class _Linalg:
    """NumPy's linalg on tensors."""

    def __init__(self, torch: Any) -> None:
        for name in (
            "inv",
            "solve",
            "det",
            "slogdet",
            "cholesky",
            "eigvalsh",
            "eigh",
            "svd",
            "qr",
            "pinv",
        ):
            setattr(self, name, getattr(torch.linalg, name))


class TorchSpecial:
    """scipy.special on tensors: PyTorch's own functions, and what it lacks or has in few digits.

    Args:
        torch: The module.
    """

    def __init__(self, torch: Any) -> None:
        self._torch = torch

    def __getattr__(self, name: str) -> Any:
        return getattr(self._torch.special, name)

    def gamma(self, x: Any) -> Any:
        """Γ(x), of alternating sign between the poles."""
        torch = self._torch
        odd = (x < 0) & (torch.remainder(torch.floor(x), 2) == 1)
        size = torch.exp(torch.special.gammaln(x))
        return torch.where(odd, -size, size)

    def polygamma(self, order: int, x: Any) -> Any:
        """ψ⁽ⁿ⁾ for n ≥ 1 by Hurwitz's zeta: PyTorch's own ψ′ has nine digits."""
        sign = 1 if order % 2 else -1
        zeta = self._torch.special.zeta(self._torch.full_like(x, order + 1), x)
        return sign * math.factorial(order) * zeta
