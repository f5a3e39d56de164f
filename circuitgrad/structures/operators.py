"""Derivatives as linear operators of SciPy that use their structure."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
from scipy import sparse
from scipy.sparse.linalg import LinearOperator

from circuitgrad.errors import ShapeError
from circuitgrad.structures.classification import Structure
from circuitgrad.structures.parts import Part
from circuitgrad.structures.solution import solved
from circuitgrad.wire import Array


class DerivativeOperator(LinearOperator):  # type: ignore[misc]
    """A Jacobian or Hessian at one point as a linear operator, never written out unless asked.

    Rows and columns count the entries of the differentiated array and of the input in C order.
    Made by `circuit.jacobian(...).operator(...)` and `circuit.hessian(...).operator(...)`.

    Attributes:
        part: Its values.
        name: The derivative, as "∂²L/∂U²".
        kind: The name of its structure.

    >>> import numpy as np
    >>> from circuitgrad.circuits import circuit
    >>> from circuitgrad.sources import input_wire
    >>> x = input_wire("x", "n")
    >>> operator = circuit(f=(x * x * x).sum()).hessian("x").operator(x=[1.0, 2.0])
    >>> operator @ np.array([1.0, 1.0]), operator.solve(np.array([6.0, 6.0]))
    (array([ 6., 12.]), array([1. , 0.5]))
    """

    def __init__(self, part: Part, name: str, kind: str, describe: Callable[[], Structure]) -> None:
        self.part = part
        self.name = name
        self.kind = kind
        self._describe = describe
        super().__init__(np.dtype(part.dtype), part.shape)

    @property
    def structure(self) -> Structure:
        """What is known of the matrix (of its transpose, after `.T`) for every size."""
        return self._describe()

    def _matmat(self, x: Array) -> Array:
        return _applied(self.part, x)

    def _matvec(self, x: Array) -> Array:
        return _applied(self.part, np.reshape(x, -1))

    def _rmatvec(self, x: Array) -> Array:
        return _applied(self.part.transposed(), np.reshape(x, -1))

    def _rmatmat(self, x: Array) -> Array:
        return _applied(self.part.transposed(), x)

    def _transpose(self) -> DerivativeOperator:
        part = self.part.transposed()
        return DerivativeOperator(part, self.name, self.kind, self._describe)

    _adjoint = _transpose

    def todense(self) -> Array:
        """The matrix as an array."""
        return self.part.dense()

    def tosparse(self) -> Any:
        """The matrix as a sparse array of SciPy: diagonals for a diagonal, rows for all else."""
        if self.kind in ("diagonal", "scaled identity"):
            return sparse.diags_array(self.part.diagonal(), shape=self.shape)
        found = self.part.sparse().tocsr()
        found.sum_duplicates()
        return found

    def diagonal(self) -> Array:
        """The entries (i, i)."""
        return self.part.diagonal()

    def solve(self, b: Any) -> Array:
        """The x with matrix · x = b, by the structure where it makes that cheap.

        Args:
            b: A vector, or a matrix of columns.

        Raises:
            ShapeError: The matrix is not square, or b has another number of rows.
            DomainError: The matrix is singular to working precision, or not finite.
        """
        rows, columns = self.shape
        right = np.asarray(b, dtype=np.result_type(self.dtype, np.asarray(b).dtype))
        if rows != columns:
            raise ShapeError(
                f"solve: {self.name} is {rows} × {columns}; needed a square matrix. "
                "Use scipy.sparse.linalg.lsqr, which takes the operator."
            )
        if right.ndim not in (1, 2) or right.shape[0] != rows:
            raise ShapeError(
                f"solve: b has the shape {right.shape}; needed ({rows},) or ({rows}, columns)."
            )
        return solved(self.part, right, self.name)

    def __repr__(self) -> str:
        rows, columns = self.shape
        return f"<{rows}x{columns} DerivativeOperator {self.name}: {self.kind}>"


def _applied(part: Part, x: Array) -> Array:
    """The part times x; a complex x by its real and its imaginary part."""
    if np.iscomplexobj(x):
        found: Array = part.apply(x.real) + 1j * part.apply(x.imag)
        return found
    return part.apply(x)
