"""Circuits as functions of PyTorch tensors, with their own derivatives attached."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from circuitgrad.circuits import Circuit
from circuitgrad.plans.frameworks import (
    Program,
    derived,
    ordered,
    outputs_of,
    require,
    special_of,
)
from circuitgrad.plans.torch_namespace import TorchNamespace, TorchSpecial


class _Torch:
    name = "to_torch"

    def __init__(self) -> None:
        import torch

        self.torch = torch
        self.namespace = TorchNamespace(torch)
        self._special = TorchSpecial(torch)

    def constant(self, array: Any, like: Sequence[Any]) -> Any:
        dtype = like[0].dtype if like else self.torch.get_default_dtype()
        device = like[0].device if like else None
        return self.torch.as_tensor(np.array(array), dtype=dtype, device=device)

    def placed(self, array: Any, position: Any, shape: tuple[int, ...]) -> Any:
        places = np.arange(int(np.prod(shape))).reshape(shape)[position]
        index = self.torch.as_tensor(places.flatten(), device=array.device)
        zeros = self.torch.zeros(int(np.prod(shape)), dtype=array.dtype, device=array.device)
        spread = self.torch.broadcast_to(array, places.shape)
        return zeros.index_add(0, index, spread.reshape(-1)).reshape(shape)

    def taken(self, array: Any, position: Any) -> Any:
        places = np.arange(int(np.prod(array.shape))).reshape(tuple(array.shape))[position]
        index = self.torch.as_tensor(places.flatten(), device=array.device)
        return array.reshape(-1)[index].reshape(places.shape)

    def each(self, function: str) -> Any:
        return special_of(self._special, function)


def to_torch(circuit: Circuit) -> Callable[..., Any]:
    """The function of PyTorch tensors that computes a circuit.

    Raises:
        BackendError: PyTorch is not installed.
        SpecError: A gate that cannot be computed there.
    """
    require("torch", "torch")
    framework = _Torch()
    core = _core(circuit, framework)

    def function(*values: Any, **named: Any) -> Any:
        torch = framework.torch
        given = ordered(circuit, values, named)
        tensors = [v for v in given if isinstance(v, torch.Tensor)]
        dtype = _common_dtype(torch, tensors)
        device = tensors[0].device if tensors else None
        arrays = [torch.as_tensor(v, device=device).to(dtype) for v in given]
        return outputs_of(circuit, core(*arrays))

    return function


def _common_dtype(torch: Any, tensors: Sequence[Any]) -> Any:
    """The widest dtype of the floating tensors; PyTorch's default where there is none."""
    found = None
    for tensor in tensors:
        if tensor.is_floating_point():
            found = tensor.dtype if found is None else torch.promote_types(found, tensor.dtype)
    return found or torch.get_default_dtype()


def _core(circuit: Circuit, framework: _Torch) -> Callable[..., tuple[Any, ...]]:
    """The function of positional tensors, whose derivative is computed by the circuit's own."""
    if "torch" not in circuit._plans:
        circuit._plans["torch"] = _node(circuit, framework)
    node = circuit._plans["torch"]

    def core(*arrays: Any) -> tuple[Any, ...]:
        found = node.apply(*arrays)
        return found if isinstance(found, tuple) else (found,)

    return core


def _node(circuit: Circuit, framework: _Torch) -> Any:
    """The autograd function of a circuit."""
    program = Program(circuit, framework)
    names = circuit.input_names

    def pulled(needed: Sequence[bool], arrays: Sequence[Any], grads: Sequence[Any]) -> Any:
        chosen = tuple(name for name, is_needed in zip(names, needed, strict=True) if is_needed)
        found = iter(_core(derived(circuit, "vjp", chosen), framework)(*arrays, *grads))
        return tuple(next(found) if is_needed else None for is_needed in needed)

    def pushed(arrays: Sequence[Any], tangents: Sequence[Any]) -> Any:
        pairs = [(n, t) for n, t in zip(names, tangents, strict=True) if t is not None]
        chosen, moved = tuple(n for n, _ in pairs), [t for _, t in pairs]
        found = _core(derived(circuit, "jvp", chosen), framework)(*arrays, *moved)
        return found if len(found) > 1 else found[0]

    class Node(framework.torch.autograd.Function):  # type: ignore[misc, name-defined]
        """A circuit as one operation."""

        generate_vmap_rule = True

        @staticmethod
        def forward(*arrays: Any) -> Any:
            found = program(arrays)
            fresh = tuple(_own(value, arrays) for value in found)
            return fresh if len(fresh) > 1 else fresh[0]

        @staticmethod
        def setup_context(ctx: Any, inputs: Any, output: Any) -> None:
            ctx.save_for_backward(*inputs)
            ctx.save_for_forward(*inputs)

        @staticmethod
        def backward(ctx: Any, *grads: Any) -> Any:
            return pulled(ctx.needs_input_grad, ctx.saved_tensors, grads)

        @staticmethod
        def jvp(ctx: Any, *tangents: Any) -> Any:
            return pushed(ctx.saved_tensors, tangents)

    return Node


def _own(value: Any, arrays: Sequence[Any]) -> Any:
    """A result that is no input and shares no memory with one, as autograd functions need."""
    return (
        value.clone() if any(value is array or value._base is array for array in arrays) else value
    )
