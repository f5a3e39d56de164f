"""Parts of a structured matrix with their values: what an operator is a sum of."""

from __future__ import annotations

import abc
import math
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from scipy import sparse

from circuitgrad.structures.chains import Sizes, contracted
from circuitgrad.wire import Array


class Part(abc.ABC):
    """A matrix that knows how to act without being written out."""

    shape: tuple[int, int]
    dtype: Any

    @abc.abstractmethod
    def apply(self, x: Array) -> Array:
        """The matrix times a vector, or times a matrix of columns."""

    @abc.abstractmethod
    def transposed(self) -> Part:
        """The transpose, over the same values."""

    @abc.abstractmethod
    def dense(self) -> Array:
        """The matrix as an array of its own."""

    @abc.abstractmethod
    def sparse(self) -> sparse.coo_array:
        """The entries that may differ from zero."""

    @abc.abstractmethod
    def diagonal(self) -> Array:
        """The entries (i, i)."""


class Sparse(Part):
    """A matrix by its stored entries.

    Args:
        matrix: A sparse array of SciPy.
    """

    def __init__(self, matrix: sparse.sparray) -> None:
        self.matrix = sparse.csr_array(matrix)
        self.shape = self.matrix.shape
        self.dtype = self.matrix.dtype

    def apply(self, x: Array) -> Array:
        return np.asarray(self.matrix @ x)

    def transposed(self) -> Sparse:
        return Sparse(self.matrix.T)

    def dense(self) -> Array:
        return np.asarray(self.matrix.toarray())

    def sparse(self) -> sparse.coo_array:
        return self.matrix.tocoo()

    def diagonal(self) -> Array:
        return np.asarray(self.matrix.diagonal())


class Dense(Part):
    """A matrix of which nothing is known but its entries."""

    def __init__(self, matrix: Array) -> None:
        self.matrix = matrix
        self.shape = (matrix.shape[0], matrix.shape[1])
        self.dtype = matrix.dtype

    def apply(self, x: Array) -> Array:
        return np.asarray(self.matrix @ x)

    def transposed(self) -> Dense:
        return Dense(self.matrix.T)

    def dense(self) -> Array:
        return np.array(self.matrix)

    def sparse(self) -> sparse.coo_array:
        return sparse.coo_array(self.matrix)

    def diagonal(self) -> Array:
        return np.diagonal(self.matrix).copy()


@dataclass(frozen=True, eq=False)
class ProductPart(Part):
    """A sum of products of arrays, with deltas where rows and columns share a letter.

    Attributes:
        terms: The letters of each array.
        arrays: The factors.
        rows: The letter of each axis of the rows.
        columns: The letter of each axis of the columns.
        sizes: The size of every letter.
        dtype: The dtype of the result.
    """

    terms: tuple[str, ...]
    arrays: tuple[Array, ...]
    rows: str
    columns: str
    sizes: Sizes
    dtype: Any

    @property
    def shape(self) -> tuple[int, int]:  # type: ignore[override]
        """The numbers of rows and columns."""
        return self._entries(self.rows), self._entries(self.columns)

    def _entries(self, letters: str) -> int:
        return math.prod(self.sizes[x] for x in letters)

    def contract(self, output: str) -> Array:
        """The factors multiplied, with the letters of the output; a view, perhaps."""
        return contracted(self.terms, output, self.arrays, self.sizes, self.dtype)

    def apply(self, x: Array) -> Array:
        last = "" if x.ndim == 1 else next(c for c in _LETTERS if c not in self.sizes)
        sizes = dict(self.sizes) | ({last: x.shape[1]} if last else {})
        spread = x.reshape([sizes[c] for c in self.columns + last])
        seen = "".join(dict.fromkeys(self.columns))
        if len(seen) < len(self.columns):
            spread = np.einsum(f"{self.columns}{last}->{seen}{last}", spread)
        terms, arrays = (*self.terms, seen + last), (*self.arrays, spread)
        found = contracted(terms, self.rows + last, arrays, sizes, self.dtype)
        return found.reshape((self.shape[0], *x.shape[1:]))

    def transposed(self) -> ProductPart:
        return replace(self, rows=self.columns, columns=self.rows)

    def dense(self) -> Array:
        found = self.contract(self.rows + self.columns)
        own = found.flags.writeable and not any(np.may_share_memory(found, a) for a in self.arrays)
        return (found if own else found.copy()).reshape(self.shape)

    def add_to(self, matrix: Array) -> None:
        """Add the part to a matrix, touching only the entries that it has."""
        letters = self.rows + self.columns
        unique = "".join(dict.fromkeys(letters))
        whole = matrix.reshape([self.sizes[x] for x in letters])
        place = whole if unique == letters else np.einsum(f"{letters}->{unique}", whole)
        place += self.contract(unique)

    def sparse(self) -> sparse.coo_array:
        unique = "".join(dict.fromkeys(self.rows + self.columns))
        values = self.contract(unique).ravel()
        grid = np.indices([self.sizes[x] for x in unique], sparse=True)
        shape = tuple(self.sizes[x] for x in unique)
        at = {x: np.broadcast_to(k, shape).ravel() for x, k in zip(unique, grid, strict=True)}
        places = [self._flat(letters, at, values.size) for letters in (self.rows, self.columns)]
        return sparse.coo_array((values, (places[0], places[1])), shape=self.shape)

    def _flat(self, letters: str, at: dict[str, Array], count: int) -> Array:
        found = np.zeros(count, np.int64)
        for letter in letters:
            found = found * self.sizes[letter] + at[letter]
        return found

    def diagonal(self) -> Array:
        if [self.sizes[x] for x in self.rows] != [self.sizes[x] for x in self.columns]:
            return np.asarray(self.sparse().diagonal())
        same = {x: x for x in self.sizes}
        for x, y in zip(self.rows, self.columns, strict=True):
            old, new = same[y], same[x]
            same = {k: new if v == old else v for k, v in same.items()}
        terms = tuple("".join(same[x] for x in term) for term in self.terms)
        output = "".join(same[x] for x in self.rows)
        found = contracted(terms, output, self.arrays, self.sizes, self.dtype)
        return np.array(found).reshape(-1)


_LETTERS = "zyxwvutsrqponmlkjihgfedcbaZYXWVUTSRQPONMLKJIHGFEDCBA"


@dataclass(frozen=True, eq=False)
class Sum(Part):
    """Parts of the same shape, added."""

    parts: tuple[Part, ...]
    shape: tuple[int, int]
    dtype: Any

    def apply(self, x: Array) -> Array:
        found = np.zeros((self.shape[0], *x.shape[1:]), np.result_type(self.dtype, x.dtype))
        for k, part in enumerate(self.parts):
            found = part.apply(x) if k == 0 else found + part.apply(x)
        return found

    def transposed(self) -> Sum:
        parts = tuple(part.transposed() for part in self.parts)
        return Sum(parts, (self.shape[1], self.shape[0]), self.dtype)

    def dense(self) -> Array:
        if not self.parts:
            return np.zeros(self.shape, self.dtype)
        first, *others = sorted(self.parts, key=_is_thin)
        matrix = first.dense()
        for part in others:
            if isinstance(part, ProductPart):
                part.add_to(matrix)
            else:
                matrix += part.dense()
        return matrix

    def sparse(self) -> sparse.coo_array:
        found = sparse.csr_array(self.shape, dtype=self.dtype)
        for part in self.parts:
            found = found + part.sparse().tocsr()
        return found.tocoo()

    def diagonal(self) -> Array:
        found = np.zeros(min(self.shape), self.dtype)
        for part in self.parts:
            found = found + part.diagonal()
        return found


def _is_thin(part: Part) -> bool:
    if not isinstance(part, ProductPart):
        return False
    letters = part.rows + part.columns
    return len(set(letters)) < len(letters)


@dataclass(frozen=True, eq=False)
class Blocks(Part):
    """Parts beside and below each other."""

    parts: tuple[tuple[Part, ...], ...]

    @property
    def heights(self) -> list[int]:
        """The rows of each line of blocks."""
        return [line[0].shape[0] for line in self.parts]

    @property
    def widths(self) -> list[int]:
        """The columns of each block of a line."""
        return [part.shape[1] for part in self.parts[0]]

    @property
    def shape(self) -> tuple[int, int]:  # type: ignore[override]
        """The numbers of rows and columns."""
        return sum(self.heights), sum(self.widths)

    @property
    def dtype(self) -> Any:
        """The dtype that holds every block's."""
        return np.result_type(*(part.dtype for line in self.parts for part in line))

    def apply(self, x: Array) -> Array:
        pieces = np.split(x, np.cumsum(self.widths)[:-1])
        lines = []
        for line in self.parts:
            found = [part.apply(piece) for part, piece in zip(line, pieces, strict=True)]
            lines.append(sum(found[1:], found[0]))
        return np.concatenate(lines)

    def transposed(self) -> Blocks:
        lines = zip(*self.parts, strict=True)
        return Blocks(tuple(tuple(part.transposed() for part in line) for line in lines))

    def dense(self) -> Array:
        return np.block([[part.dense() for part in line] for line in self.parts])

    def sparse(self) -> sparse.coo_array:
        found = sparse.block_array([[part.sparse() for part in line] for line in self.parts])
        return sparse.coo_array(found)

    def diagonal(self) -> Array:
        if self.heights != self.widths:
            return np.asarray(self.sparse().diagonal())
        return np.concatenate([line[k].diagonal() for k, line in enumerate(self.parts)])
