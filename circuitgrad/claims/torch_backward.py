"""A torch.autograd.Function: its two passes read as circuits, and tried as they run."""

from __future__ import annotations

import inspect
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import numpy as np

from circuitgrad.claims.adapters import (
    FunctionCheck,
    Traced,
    argument_names,
    checked,
    upstream_wires,
)
from circuitgrad.claims.torch_tensors import TensorStandIn, unwrapped
from circuitgrad.errors import SpecError
from circuitgrad.plans.frameworks import require
from circuitgrad.wire import Wire

BUDGET = 10.0


def check_torch_function(
    function: Any,
    *arguments: Any,
    assuming: str | Iterable[str] = (),
    budget: float = BUDGET,
    shapes: Mapping[str, Any] | None = None,
    **axes: Any,
) -> FunctionCheck:
    """What is known of the backward pass of a `torch.autograd.Function`.

    Its code is read as a circuit, and its gradients are proved or refuted; code that cannot be
    read is compared with numeric derivatives, and the record says so.

    Args:
        function: The class.
        *arguments: What `function.apply` takes: small floating-point tensors, and any others.
        assuming: As in `check`.
        budget: Seconds for each input.
        shapes: The axes of the inputs, where a name cannot be a keyword argument.
        **axes: Names for the axes of the inputs, by the argument names of `forward`, as `x="n m"`.
            A proof then holds for every size; without names, for the sizes of the arguments.

    Raises:
        BackendError: PyTorch is not installed.
        SpecError: No such class, no tensor among the arguments, or a pass that fails on them.
    """
    what = "check_torch_function"
    require("torch", "torch", what)
    adapter = _TorchFunction(function, arguments)
    return checked(adapter, {**(shapes or {}), **axes}, assuming, budget, what)


class _Context:
    """What stands for `ctx`: it keeps what the forward pass saves."""

    def __init__(self, needs_input_grad: tuple[bool, ...]) -> None:
        self.needs_input_grad = needs_input_grad
        self.saved_tensors: tuple[Any, ...] = ()

    def save_for_backward(self, *tensors: Any) -> None:
        """Kept for the backward pass; nothing may be written into it any more."""
        for tensor in tensors:
            if isinstance(tensor, TensorStandIn):
                tensor.is_own = False
        self.saved_tensors = tensors

    def save_for_forward(self, *tensors: Any) -> None:
        """Nothing: forward mode is not looked at."""

    def set_materialize_grads(self, value: bool) -> None:
        """Nothing: every output has an upstream gradient."""


class _TorchFunction:
    """A class of PyTorch as a check needs it."""

    def __init__(self, function: Any, arguments: Sequence[Any]) -> None:
        import torch

        self._torch = torch
        base = torch.autograd.Function
        if not _is_subclass(function, base):
            raise SpecError(
                f"check_torch_function: got {function!r}; needed a subclass of "
                "torch.autograd.Function."
            )
        self._function: Any = function
        self.name = str(self._function.__name__)
        self._arguments = arguments
        self._is_split = self._function.setup_context is not base.setup_context
        self._places = [
            k
            for k, value in enumerate(arguments)
            if isinstance(value, torch.Tensor) and value.is_floating_point()
        ]
        if not self._places:
            raise SpecError(
                f"check_torch_function: no floating-point tensor among the arguments of "
                f"{self.name}. Pass what {self.name}.apply takes."
            )
        skipped = 0 if self._is_split else 1
        names = argument_names(self._function.forward, len(arguments), skipped)
        self.names = [names[k] for k in self._places]
        self.point: list[Any] = [arguments[k].detach().double().cpu().numpy() for k in self._places]

    def _filled(self, values: Sequence[Any]) -> list[Any]:
        """The arguments with others for the tensors."""
        filled = list(self._arguments)
        for place, value in zip(self._places, values, strict=True):
            filled[place] = value
        return filled

    def traced(self, inputs: Sequence[Wire]) -> Traced:
        given = self._filled([TensorStandIn(wire) for wire in inputs])
        context = _Context(tuple(k in self._places for k in range(len(given))))
        if self._is_split:
            found = self._function.forward(*given)
            self._function.setup_context(context, tuple(given), found)
        else:
            found = self._function.forward(context, *given)
        parts = tuple(found) if isinstance(found, tuple | list) else (found,)
        outputs = [_wire_of(part) for part in parts]
        upstreams = upstream_wires(outputs, self.names)
        gradients = self._function.backward(context, *map(TensorStandIn, upstreams))
        listed = tuple(gradients) if isinstance(gradients, tuple | list) else (gradients,)
        picked = [listed[k] for k in self._places]
        return Traced(outputs, upstreams, [None if g is None else _wire_of(g) for g in picked])

    def _tensors(self, arrays: Sequence[Any], is_tracked: bool) -> list[Any]:
        if any(np.iscomplexobj(array) for array in arrays):
            raise TypeError("complex tensors are not tried")
        return [
            self._torch.tensor(np.asarray(array), dtype=self._torch.float64).requires_grad_(
                is_tracked
            )
            for array in arrays
        ]

    def _outputs(self, tensors: Sequence[Any]) -> Any:
        found = self._function.apply(*self._filled(tensors))
        parts = found if isinstance(found, tuple | list) else (found,)
        return self._torch.cat([part.reshape(-1) for part in parts])

    def forward(self, *arrays: Any) -> Any:
        tensors = self._tensors(arrays, is_tracked=False)
        try:
            return self._outputs(tensors).detach().double().numpy()
        except RuntimeError as error:
            raise SpecError(f"{self.name}: its forward pass fails: {error}") from error

    def backward(self, upstream: Any, *arrays: Any) -> Any:
        tensors = self._tensors(arrays, is_tracked=True)
        weights = self._torch.tensor(upstream)
        try:
            out = self._outputs(tensors)
            found = self._torch.autograd.grad(
                out, tensors, weights.to(out.dtype), allow_unused=True
            )
        except RuntimeError as error:
            raise SpecError(f"{self.name}: its backward pass fails: {error}") from error
        return tuple(None if part is None else part.double().numpy() for part in found)


def _is_subclass(value: Any, base: Any) -> bool:
    return inspect.isclass(value) and issubclass(value, base)


def _wire_of(value: Any) -> Wire:
    found = unwrapped(value)
    if not isinstance(found, Wire):
        raise SpecError(f"got {type(value).__name__} where a tensor is needed")
    return found
