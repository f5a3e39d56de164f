"""A stand-in for PyTorch's tensors, by which their code is read as a circuit."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from functools import partial
from typing import Any, NamedTuple

import numpy as np

from circuitgrad.claims.torch_rules import (
    BY_NAME,
    added,
    along,
    clamped,
    gelu,
    reduction,
    softplus,
)
from circuitgrad.claims.vocabulary import axis_length
from circuitgrad.errors import SpecError
from circuitgrad.gates.arithmetic import where
from circuitgrad.gates.contractions import broadcast
from circuitgrad.sources import as_wire
from circuitgrad.wire import Wire

Function = Callable[..., Any]


class TensorStandIn:
    """A wire that answers as a tensor does, to PyTorch's functions, methods and operators.

    Args:
        wire: The wire.
        is_mask: Whether its entries are true or false, as 1 and 0.
        axis: The name of the axis whose length it is.
    """

    def __init__(self, wire: Wire, is_mask: bool = False, axis: str = "") -> None:
        self.wire = wire
        self.is_mask = is_mask
        self.axis = axis
        self.is_own = False  # whether it may be written into: a result that nothing else shares

    @classmethod
    def __torch_function__(
        cls,
        function: Any,
        types: Any,
        args: Sequence[Any] = (),
        kwargs: Mapping[str, Any] | None = None,
    ) -> Any:
        return _call(function.__name__.removeprefix("special_"), *args, **(kwargs or {}))

    def __getattr__(self, name: str) -> Any:
        if name in _CALLS:
            return partial(_call, name, self)
        if name.endswith("_") and name[:-1] in _CALLS and not name.startswith("_"):
            return partial(self._write, name[:-1])
        raise AttributeError(f"'{name}' of a tensor has no counterpart in circuits")

    @property
    def shape(self) -> tuple[Any, ...]:
        """The axes; the length of a named one is a value."""
        return tuple(
            a if isinstance(a, int) else TensorStandIn(axis_length(a), axis=a)
            for a in self.wire.shape
        )

    def size(self, dim: int | None = None) -> Any:
        """The shape, or the length of one axis."""
        return self.shape if dim is None else self.shape[dim]

    def numel(self) -> Any:
        """How many entries there are."""
        count: Any = 1
        for length in self.shape:
            count = count * length
        return count

    nelement = numel

    def dim(self) -> int:
        """The number of axes."""
        return self.wire.ndim

    @property
    def ndim(self) -> int:
        """The number of axes."""
        return self.wire.ndim

    @property
    def T(self) -> TensorStandIn:  # noqa: N802 - PyTorch's name
        """The axes reversed."""
        return self._view(self.wire.T)

    mT = property(lambda self: self._view(BY_NAME["swapaxes"](self.wire, -1, -2)))  # noqa: N815
    requires_grad = True
    is_cuda = False

    @property
    def dtype(self) -> Any:
        """PyTorch's float64: circuits are about real numbers."""
        import torch

        return torch.float64

    @property
    def device(self) -> Any:
        """The processor."""
        import torch

        return torch.device("cpu")

    def _view(self, wire: Wire) -> TensorStandIn:
        """Entries that a tensor would share: neither may be written into."""
        self.is_own = False
        return TensorStandIn(wire, self.is_mask)

    def _write(self, name: str, *args: Any, **kwargs: Any) -> TensorStandIn:
        found = _call(name, self, *args, **kwargs)
        return self._become(found.wire)

    def _become(self, wire: Wire) -> TensorStandIn:
        if not self.is_own:
            raise SpecError("a tensor that something else may share is written into")
        if wire.shape != self.wire.shape:
            wire = broadcast(wire, self.wire.shape)
        self.wire = wire
        return self

    def __getitem__(self, key: Any) -> TensorStandIn:
        parts = key if isinstance(key, tuple) else (key,)
        if any(isinstance(part, TensorStandIn) for part in parts):
            raise SpecError("a tensor is indexed by a tensor")
        return self._view(self.wire[key])

    def __setitem__(self, key: Any, value: Any) -> None:
        if not (isinstance(key, TensorStandIn) and key.is_mask):
            raise SpecError("entries are written; needed a mask of true and false")
        if key.wire.shape != self.wire.shape or np.ndim(unwrapped(value)) != 0:
            raise SpecError("a mask of another shape, or an array, is written")
        self._become(where(key.wire, unwrapped(value), self.wire))

    def __bool__(self) -> bool:
        raise SpecError("the code decides by the values of a tensor")

    def __float__(self) -> float:
        raise SpecError("the code makes a plain number of a tensor")

    __int__ = __float__
    __index__ = __float__
    __hash__ = object.__hash__

    def __len__(self) -> int:
        return len(self.wire)

    def __iter__(self) -> Iterator[TensorStandIn]:
        return (self[k] for k in range(len(self)))


def unwrapped(value: Any) -> Any:
    """What circuits compute with: the wire of a stand-in, the array of a tensor.

    Raises:
        SpecError: A tensor that requires a gradient: it is no input of the function.
    """
    if isinstance(value, TensorStandIn):
        return value.wire
    if isinstance(value, tuple | list):
        return type(value)(map(unwrapped, value))
    if hasattr(value, "detach"):
        return value.detach().cpu().numpy()
    return value


def _call(name: str, *args: Any, **kwargs: Any) -> Any:
    """A function of PyTorch on stand-ins."""
    rule = _CALLS.get(name)
    if rule is None:
        raise SpecError(f"torch's '{name}' has no counterpart in circuits")
    masks = [isinstance(a, TensorStandIn) and a.is_mask for a in args]
    if name in _LOGIC and not all(masks):
        raise SpecError(f"'{name}' of what is no mask")
    if sum(masks) > 1 and name not in (*_LOGIC, "where", "mul"):
        raise SpecError(f"'{name}' of several masks")
    first = args[0] if args else None
    if name in _VIEWS and isinstance(first, TensorStandIn):
        seen = first._view(rule(*args, **kwargs))
        seen.is_mask = first.is_mask and name not in ("float", "double", "to", "type_as")
        return seen
    ignored = {"inplace": False, "_stacklevel": 3, "dtype": None, "out": None}
    options = {k: v for k, v in kwargs.items() if k not in ignored or ignored[k] != v}
    found = rule(*args, **options) if name in _RAW else rule(
        *map(unwrapped, args), **{k: unwrapped(v) for k, v in options.items()}
    )  # fmt: skip
    return _wrapped(found, name in _COMPARISONS or (name in _LOGIC))


def _wrapped(found: Any, is_mask: bool) -> Any:
    if isinstance(found, _Largest):
        parts: list[Any] = [None if part is None else _wrapped(part, False) for part in found]
        return _Largest(*parts)
    result = TensorStandIn(as_wire(found), is_mask)
    result.is_own = True
    return result


# --- PyTorch's functions, by NumPy's --------------------------------------------------------------
_SAME = (
    "exp", "log", "sin", "cos", "tan", "tanh", "sinh", "cosh", "sqrt", "abs", "sign", "square",
    "reciprocal", "log1p", "expm1", "log2", "log10", "exp2", "asin", "acos", "atan", "asinh",
    "acosh", "atanh", "erf", "erfc", "erfinv", "sigmoid", "relu", "logit", "positive",
    "hypot", "maximum", "minimum", "matmul", "dot", "outer", "logaddexp", "atan2", "xlogy",
    "where", "einsum", "trace", "diagonal", "diag", "kron", "tril", "triu", "det", "logdet",
    "zeros_like", "ones_like", "inv",
)  # fmt: skip
_OTHER_NAMES = {
    "absolute": "abs", "neg": "negative", "negative": "negative", "mul": "multiply",
    "multiply": "multiply", "div": "divide", "divide": "divide", "true_divide": "divide",
    "pow": "power", "mm": "matmul", "mv": "matmul", "bmm": "matmul", "ger": "outer",
    "expit": "sigmoid", "lgamma": "gammaln", "gammaln": "gammaln", "psi": "psi", "digamma": "psi",
    "inverse": "inv", "lt": "less", "le": "less_equal", "gt": "greater", "ge": "greater_equal",
    "eq": "equal", "ne": "not_equal", "less": "less", "greater": "greater", "arctan": "atan",
    "cat": "concatenate", "concat": "concatenate", "ndtr": "ndtr",
}  # fmt: skip
_COMPARISONS = {"lt", "le", "gt", "ge", "eq", "ne", "less", "greater"}
_LOGIC = {"logical_and", "logical_or", "logical_not", "bitwise_and", "bitwise_or", "bitwise_not"}
_VIEWS = {
    "t", "transpose", "swapaxes", "permute", "reshape", "view", "view_as", "reshape_as", "squeeze",
    "unsqueeze", "expand", "expand_as", "broadcast_to", "flatten", "detach", "contiguous",
    "type_as", "float", "double", "to", "ravel",
}  # fmt: skip
_RAW = {"max", "min", "var", "std", "clone", "cat", "concat", "stack"}


class _Largest(NamedTuple):
    """What max and min along an axis return; places are no business of a gradient."""

    values: Any
    indices: Any = None


def _extreme(name: str, pair: str) -> Function:
    def reduce(x: Any, dim: Any = None, keepdim: bool = False) -> Any:
        if isinstance(dim, TensorStandIn):
            return BY_NAME[pair](x.wire, dim.wire)
        found = BY_NAME[name](unwrapped(x), axis=dim, keepdims=keepdim)
        return found if dim is None else _Largest(found)

    return reduce


def _spread(name: str) -> Function:
    def reduce(
        x: Any,
        dim: Any = None,
        unbiased: bool = True,
        keepdim: bool = False,
        correction: Any = None,
    ) -> Any:
        ddof = correction if correction is not None else int(unbiased)
        return BY_NAME[name](unwrapped(x), axis=dim, ddof=ddof, keepdims=keepdim)

    return reduce


def _shape(sizes: Sequence[Any], old: Sequence[Any] = ()) -> tuple[Any, ...]:
    """Axes from sizes: the name of an axis for its length; -1 keeps one of `old`."""
    listed = sizes[0] if len(sizes) == 1 and isinstance(sizes[0], tuple | list) else sizes
    found = [size.axis if isinstance(size, TensorStandIn) else size for size in listed]
    if "" in found:
        raise SpecError("a size that is computed")
    if old:
        shift = len(found) - len(old)
        found = [old[k - shift] if size == -1 else size for k, size in enumerate(found)]
    return tuple(found)


def _reshaped(x: TensorStandIn, *sizes: Any, shape: Any = None) -> Wire:
    return x.wire.reshape(_shape((shape,) if shape is not None else sizes))


def _expanded(x: TensorStandIn, *sizes: Any) -> Wire:
    return broadcast(x.wire, _shape(sizes, x.wire.shape))


def _cast(x: TensorStandIn, *to: Any, **options: Any) -> Wire:
    kinds = {str(part).removeprefix("torch.") for part in (*to, *options.values())}
    if not kinds <= {"float32", "float64", "cpu", "False", "True"}:
        raise SpecError(f"a tensor is cast to {', '.join(sorted(kinds))}")
    return x.wire


def _permuted(x: TensorStandIn, *order: Any) -> Wire:
    return x.wire.transpose(order[0] if len(order) == 1 else order)


def _joined(name: str) -> Function:
    return lambda parts, dim=0: BY_NAME[name](unwrapped(list(parts)), axis=dim)


_CALLS: Mapping[str, Function] = {
    **{name: BY_NAME[name] for name in _SAME if name in BY_NAME},
    **{name: BY_NAME[other] for name, other in _OTHER_NAMES.items()},
    **{name: reduction(name) for name in ("sum", "mean", "amax", "amin", "prod")},
    **{name: along(name) for name in ("softmax", "log_softmax", "logsumexp", "cumsum")},
    **{name: _spread(name) for name in ("var", "std")},
    **{name: _joined(name) for name in ("stack", "cat", "concat")},
    **dict.fromkeys(("cat", "concat"), _joined("concatenate")),
    **dict.fromkeys(("reshape", "view"), _reshaped),
    **dict.fromkeys(("expand", "broadcast_to"), _expanded),
    **dict.fromkeys(("view_as", "reshape_as"), lambda x, y: x.wire.reshape(y.wire.shape)),
    **dict.fromkeys(("detach", "contiguous", "float", "double"), lambda x: x.wire),
    **dict.fromkeys(("transpose", "swapaxes"), lambda x, i, j: BY_NAME["swapaxes"](x.wire, i, j)),
    **dict.fromkeys(("ravel", "flatten"), lambda x: x.wire.reshape(-1)),
    **dict.fromkeys(("logical_and", "bitwise_and"), lambda x, y: x * y),
    **dict.fromkeys(("logical_or", "bitwise_or"), lambda x, y: x + y - x * y),
    **dict.fromkeys(("logical_not", "bitwise_not"), lambda x: 1 - x),
    **dict.fromkeys(("clamp", "clip"), clamped),
    "max": _extreme("amax", "maximum"),
    "min": _extreme("amin", "minimum"),
    "add": added(1),
    "sub": added(-1),
    "subtract": added(-1),
    "rsub": lambda x, y: y - x,
    "rsqrt": lambda x: 1 / BY_NAME["sqrt"](x),
    "softplus": softplus,
    "gelu": gelu,
    "silu": BY_NAME["swish"],
    "addmm": lambda x, a, b: x + a @ b,
    "linear": lambda x, w, b=None: x @ w.T if b is None else x @ w.T + b,
    "t": lambda x: x.wire.T,
    "permute": _permuted,
    "unsqueeze": lambda x, dim: BY_NAME["expand_dims"](x.wire, dim),
    "squeeze": lambda x, dim=None: BY_NAME["squeeze"](x.wire, dim),
    "expand_as": lambda x, y: broadcast(x.wire, y.wire.shape),
    "type_as": lambda x, y: x.wire,
    "to": _cast,
    "clone": unwrapped,
    "masked_fill": lambda x, mask, value: where(mask, value, x),
}

_OPERATORS = {
    "add": "add", "sub": "sub", "mul": "mul", "truediv": "div", "pow": "pow", "matmul": "matmul",
    "lt": "lt", "le": "le", "gt": "gt", "ge": "ge", "eq": "eq", "ne": "ne", "and": "bitwise_and",
    "or": "bitwise_or",
}  # fmt: skip


def _operator(name: str, is_reflected: bool = False) -> Function:
    def apply(x: Any, y: Any) -> Any:
        return _call(name, y, x) if is_reflected else _call(name, x, y)

    return apply


def _unary(name: str) -> Function:
    return lambda x: _call(name, x)


def _in_place(name: str) -> Function:
    return lambda x, y: x._write(name, y)


for _own, _torch in _OPERATORS.items():
    setattr(TensorStandIn, f"__{_own}__", _operator(_torch))
for _own in ("add", "sub", "mul", "truediv", "pow", "matmul"):
    setattr(TensorStandIn, f"__r{_own}__", _operator(_OPERATORS[_own], is_reflected=True))
for _own in ("add", "sub", "mul", "truediv"):
    setattr(TensorStandIn, f"__i{_own}__", _in_place(_OPERATORS[_own]))
for _own, _torch in (("neg", "neg"), ("abs", "abs"), ("invert", "bitwise_not")):
    setattr(TensorStandIn, f"__{_own}__", _unary(_torch))
