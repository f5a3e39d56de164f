"""Matrix expressions: names, transposes, products, entrywise products, sums of terms."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from fractions import Fraction

from circuitgrad.formulas.tensor_terms import ONE


@dataclass(frozen=True)
class Expression:
    """A matrix, a column vector or a scalar as people write it.

    Attributes:
        head: "name", "ones", "unit", "identity", "size", "number", "transpose", "inverse",
            "product", "hadamard", "diag", "diagonal", "trace", "norm", "call", "power", or "sum".
        parts: What it is made of.
        text: The name of a name, a call or an axis.
        exponent: The exponent of a power, entry by entry.
        terms: The terms of a sum.
        is_symmetric: Whether it is its own transpose.
    """

    head: str
    parts: tuple[Expression, ...] = ()
    text: str = ""
    exponent: Fraction = ONE
    terms: tuple[MatrixTerm, ...] = ()
    is_symmetric: bool = False


Chain = tuple[Expression, ...]
Scalars = tuple[tuple[Expression, Fraction], ...]


@dataclass(frozen=True)
class MatrixTerm:
    """A coefficient, scalars to their powers, and a product of matrices and vectors."""

    coefficient: Fraction
    scalars: Scalars
    chain: Chain


IDENTITY = Expression("identity", is_symmetric=True)


def transposed(e: Expression) -> Expression:
    """The transpose, moved inwards as far as it goes."""
    if e.is_symmetric:
        return e
    if e.head == "transpose":
        return e.parts[0]
    if e.head == "product":
        return Expression("product", transposed_chain(e.parts))
    if e.head == "sum":
        terms = [MatrixTerm(t.coefficient, t.scalars, transposed_chain(t.chain)) for t in e.terms]
        return Expression("sum", terms=tuple(terms))
    return Expression("transpose", (e,))


def transposed_chain(chain: Sequence[Expression]) -> Chain:
    """The transpose of a product."""
    return tuple(transposed(e) for e in reversed(chain))


def joined(chain: Sequence[Expression]) -> Expression:
    """A product as one expression; a product of one factor is that factor."""
    return chain[0] if len(chain) == 1 else Expression("product", tuple(chain))


def raised(e: Expression, exponent: Fraction) -> Expression:
    """A power entry by entry."""
    if exponent == 1:
        return e
    return Expression("power", (e,), exponent=exponent, is_symmetric=e.is_symmetric)


def diagonal_matrix(vector: Expression) -> Expression:
    """The diagonal matrix of a vector; of the diagonal of a diagonal matrix, that matrix."""
    if vector.head == "diagonal" and vector.text == "known":
        return vector.parts[0]
    if vector.head == "power" and vector.exponent == -1 and vector.parts[0].text == "known":
        return Expression("inverse", vector.parts[0].parts, is_symmetric=True)
    return Expression("diag", (vector,), is_symmetric=True)


def entrywise(parts: Sequence[Expression]) -> Expression:
    """The product entry by entry, its factors in a fixed order."""
    if len(parts) == 1:
        return parts[0]
    flat = [p for e in parts for p in (e.parts if e.head == "hadamard" else (e,))]
    ordered = tuple(sorted(flat, key=order))
    return Expression("hadamard", ordered, is_symmetric=all(p.is_symmetric for p in ordered))


def subtracted_from_one(e: Expression) -> Expression:
    """1 - e, the 1 taken for every entry."""
    one, minus = MatrixTerm(ONE, (), ()), MatrixTerm(-ONE, (), (e,))
    return Expression("sum", terms=(one, minus), is_symmetric=e.is_symmetric)


def turns(e: Expression) -> int:
    """How many transposes an expression shows."""
    inner = sum(turns(part) for part in e.parts)
    inner += sum(turns(part) for term in e.terms for part in term.chain)
    return inner + (e.head == "transpose" and e.parts[0].head != "ones")


def order(e: Expression) -> tuple[int, int, str]:
    """A key that sorts names before products, calls, then sums."""
    ranks = {"product": 1, "call": 2, "sum": 4}
    head = e.parts[0].head if e.head == "power" else e.head
    return (ranks.get(head, 0), turns(e), repr_key(e))


def repr_key(e: Expression) -> str:
    """A text that tells expressions apart, for ordering."""
    inner = ",".join(repr_key(p) for p in e.parts)
    terms = "+".join(
        f"{t.coefficient}{''.join(repr_key(s) + str(p) for s, p in t.scalars)}"
        f"{'.'.join(repr_key(p) for p in t.chain)}"
        for t in e.terms
    )
    return f"{e.text}{e.head}({inner}{terms}){e.exponent if e.exponent != 1 else ''}"
