"""Sparse Jacobians and Hessians: pattern, colours and plan once, then only numbers."""

from __future__ import annotations

import copy
import math
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from circuitgrad.circuits import Circuit, Origin
from circuitgrad.derivatives import grad
from circuitgrad.errors import ShapeError, SpecError
from circuitgrad.faces import Choice
from circuitgrad.plans.evaluation import bind
from circuitgrad.structures.compression import Compression, compress
from circuitgrad.wire import Wire, axis_sizes


class SparseDerivative:
    """A Jacobian or Hessian as a function that returns scipy.sparse arrays.

    Rows are the entries of the outputs, columns those of the inputs chosen, both in C order. The
    pattern, the colouring and the plan are made at the first call for given sizes and kept.

    >>> import numpy as np, circuitgrad as cg
    >>> x = cg.input("x", 4)
    >>> hessian = cg.circuit(f=(x[1:] * x[:-1] ** 2).sum()).sparse_hessian("x")
    >>> hessian(x=np.arange(4.0)).toarray()
    array([[2., 0., 0., 0.],
           [0., 4., 2., 0.],
           [0., 2., 6., 4.],
           [0., 0., 4., 0.]])
    >>> hessian.passes()
    2
    """

    def __init__(
        self,
        circuit: Circuit,
        outputs: Sequence[Wire],
        sources: Sequence[Wire],
        is_symmetric: bool = False,
    ) -> None:
        self._circuit = circuit
        self._outputs = tuple(outputs)
        self._sources = tuple(sources)
        self._is_symmetric = is_symmetric
        self._known: dict[Any, Compression] = {}

    def __call__(self, /, *values: Any, **named: Any) -> Any:
        """The derivative at these inputs as a scipy.sparse.csr_array.

        Entries of the pattern are stored even where their value is 0.

        Raises:
            SpecError: An input missing, unknown or given twice.
            ShapeError: An array that does not fit its input, or a derivative that is too dense.
        """
        arrays, sizes = bind(self._circuit, values, named)
        return self.at(arrays, sizes)

    def at(self, arrays: Sequence[Any], sizes: Mapping[str, int]) -> Any:
        """The derivative at bound inputs: arrays in the circuit's order, sizes of named axes."""
        known = self.at_sizes(sizes)
        # Of the pattern's own making, so that nothing of it is checked again; its arrays are
        # copied, so that what a caller does to the result leaves the pattern as it is.
        result = copy.copy(known.pattern)
        result.data = known.evaluate(arrays)
        result.indices, result.indptr = result.indices.copy(), result.indptr.copy()
        return result

    def pattern(self, **sizes: int) -> Any:
        """Where the derivative can be other than zero, as a Boolean scipy.sparse.csr_array.

        It follows from the circuit and the sizes alone: an entry outside it is 0 for all values.

        Args:
            **sizes: The size of every named axis.
        """
        return self.at_sizes(self._checked(sizes)).pattern.copy()

    def passes(self, **sizes: int) -> int:
        """The number of products with the derivative that one evaluation takes."""
        return self.at_sizes(self._checked(sizes)).passes

    def _checked(self, sizes: Mapping[str, int]) -> Mapping[str, int]:
        where = "sparse derivative"
        axes = axis_sizes(self._circuit.inputs)
        missing = [axis for axis in axes if axis not in sizes]
        stray = [axis for axis in sizes if axis not in axes]
        if missing:
            raise ShapeError(f"{where}: axis '{missing[0]}' has no size. Give {missing[0]}=.")
        if stray:
            known = ", ".join(map(str, axes)) or "none"
            raise SpecError(f"{where}: no axis is named '{stray[0]}'; known are {known}.")
        for axis, size in sizes.items():
            if not isinstance(size, int | np.integer) or isinstance(size, bool) or size < 0:
                raise ShapeError(
                    f"{where}: axis '{axis}' is {size!r}; needed a whole number, 0 or more."
                )
        return {axis: int(size) for axis, size in sizes.items()}

    def at_sizes(self, sizes: Mapping[str, int]) -> Compression:
        """How the derivative is computed for these sizes of the named axes."""
        key = tuple(sorted(sizes.items()))
        known = self._known.get(key)
        if known is None:
            known = self._known[key] = compress(
                self._circuit, self._outputs, self._sources, dict(sizes), self._is_symmetric
            )
        return known


def sparse_jacobian(
    circuit: Circuit, wrt: Choice = None, output: str | None = None
) -> SparseDerivative:
    """The Jacobian of the outputs (of one of them, if it is named) by the inputs chosen, sparse."""
    chosen = circuit.choose(wrt)
    outputs = circuit.outputs if output is None else (circuit.output(output),)
    key = ("sparse jacobian", _serials(outputs), _serials(chosen))
    known: SparseDerivative | None = circuit._plans.get(key)
    if known is None:
        known = circuit._plans[key] = SparseDerivative(circuit, outputs, chosen)
    return known


def sparse_hessian(
    circuit: Circuit, wrt: Choice = None, output: str | None = None
) -> SparseDerivative:
    """The Hessian of a scalar output by the inputs chosen, sparse: the Jacobian of the gradient."""
    chosen = circuit.choose(wrt)
    key = ("sparse hessian", circuit.output(output).serial, _serials(chosen))
    known: SparseDerivative | None = circuit._plans.get(key)
    if known is None:
        gradient = grad(circuit, chosen, output).outputs
        known = circuit._plans[key] = SparseDerivative(circuit, gradient, chosen, is_symmetric=True)
    return known


def _serials(wires: Sequence[Wire]) -> tuple[int, ...]:
    return tuple(wire.serial for wire in wires)


def sparse_derivative(
    circuit: Circuit, origin: Origin, arrays: Sequence[Any], sizes: Mapping[str, int]
) -> Any:
    """A block of a Jacobian or Hessian, computed sparse at bound inputs.

    Args:
        circuit: Whose inputs are given; it keeps the pattern and the plan.
        origin: What is the derivative of what, as the circuits of derivatives tell.
        arrays: The inputs in order.
        sizes: The size of every named axis.

    Returns:
        A scipy.sparse.csr_array; None where more than a quarter of the entries can be other than
        zero.
    """
    key = ("sparse derivative", _serials(origin.rows), _serials(origin.columns))
    known: SparseDerivative | None = circuit._plans.get(key)
    if known is None:
        known = circuit._plans[key] = SparseDerivative(circuit, *origin)
    try:
        pattern = known.at_sizes(sizes).pattern
    except ShapeError:
        return None  # too dense to be written down
    is_dense = 4 * pattern.nnz > math.prod(pattern.shape)
    return None if is_dense else known.at(arrays, sizes)
