"""From index notation to matrix notation: a product of factors as a chain of matrices.

A factor with two indices is an edge between them, one with one index a weight at it. Summed
indices are removed one by one: ends fold into vectors, inner ones join two matrices, cycles become
traces, parallel edges entrywise products. What cannot be reduced so has no matrix form.
"""

from __future__ import annotations

from fractions import Fraction

from circuitgrad.errors import SpecError
from circuitgrad.formulas.matrix_factoring import factored, sum_of
from circuitgrad.formulas.matrix_terms import (
    IDENTITY,
    Chain,
    Expression,
    MatrixTerm,
    diagonal_matrix,
    entrywise,
    joined,
    raised,
    repr_key,
    subtracted_from_one,
    transposed,
    transposed_chain,
    turns,
)
from circuitgrad.formulas.tensor_algebra import scaled
from circuitgrad.formulas.tensor_terms import ONE, Factor, Form, Index, Term

Edge = tuple[Index, Index, Chain]


class NoMatrixFormError(SpecError):
    """A form that matrices and vectors cannot express."""


def matrix_terms(form: Form) -> tuple[MatrixTerm, ...]:
    """The terms of a form in matrix notation, factored.

    Raises:
        NoMatrixFormError: Order 3 and up, or an index shared by more factors than matrices allow.
    """
    if len(form.axes) > 2:
        raise NoMatrixFormError(
            f"matrix form: {len(form.axes)} free indices have no matrix notation. Use index()."
        )
    return factored([_Reduction(form, term).result() for term in form.terms])


def expression(form: Form) -> Expression:
    """A form in matrix notation as one expression."""
    terms = matrix_terms(form)
    if not terms and form.axes:  # a zero inside a function keeps its shape, as 0𝟏
        ones = [_ones(index) for index in form.free]
        zeros = (ones[0], *(transposed(e) for e in ones[1:]))
        return sum_of((MatrixTerm(Fraction(0), (), zeros),))
    if len(terms) == 1 and terms[0].coefficient == 1:
        scalars, chain = terms[0].scalars, terms[0].chain
        if chain and not scalars:
            return joined(chain)
        if not chain and len(scalars) == 1 and scalars[0][1] == 1:
            return scalars[0][0]
    return sum_of(terms)


class _Reduction:
    """One term on its way to a chain."""

    def __init__(self, form: Form, term: Term) -> None:
        self.free = form.free
        self.coefficient = term.coefficient
        self.scalars: list[tuple[Expression, Fraction]] = []
        self.vectors: dict[Index, list[Chain]] = {}
        self.edges: list[Edge] = []
        summed = {i for f in term.factors for i in f.indices if not i.is_free}
        self.pending = sorted(summed, key=lambda i: -i.number)
        for factor in term.factors:
            self._place(factor)

    def _place(self, factor: Factor) -> None:
        indices = factor.indices
        if not indices:
            self.scalars.append((_atom(factor), factor.exponent))
        elif len(indices) == 1:
            self._weigh(indices[0], (raised(_atom(factor), factor.exponent),))
        elif len(indices) == 2:
            entry = IDENTITY if factor.kind == "delta" else _atom(factor)
            self.edges.append((indices[0], indices[1], (raised(entry, factor.exponent),)))
        else:
            raise NoMatrixFormError(
                f"matrix form: '{factor.name}' has {len(indices)} axes. Use index()."
            )

    def _weigh(self, index: Index, chain: Chain) -> None:
        self.vectors.setdefault(index, []).append(chain)

    def _weight(self, index: Index) -> Expression | None:
        """The entrywise product of all vectors at an index, taken away from it."""
        found = self.vectors.pop(index, [])
        if not found:
            return None
        parts = [joined(chain) for chain in found]
        for k, part in enumerate(parts):
            matrix = diagonal_matrix(part)
            if len(parts) > 1 and matrix.head in ("name", "inverse"):
                rest = entrywise(parts[:k] + parts[k + 1 :])
                return joined((matrix, *_flat(rest)))
        return entrywise(parts)

    def _at(self, index: Index) -> list[Edge]:
        return [edge for edge in self.edges if index in edge[:2]]

    def result(self) -> MatrixTerm:
        """The term in matrix notation."""
        while self._loops() or self._parallel() or self._remove_index():
            pass
        if self.pending:
            raise NoMatrixFormError(
                "matrix form: an index is shared by more factors than a product of matrices "
                "allows. Use index()."
            )
        powers: dict[Expression, Fraction] = {}
        for scalar, exponent in self.scalars:
            if scalar.head == "power":
                scalar, exponent = scalar.parts[0], exponent * scalar.exponent
            scalar, exponent = _as_length(scalar, exponent)
            powers[scalar] = powers.get(scalar, Fraction(0)) + exponent
        coefficient = self.coefficient
        for scalar, exponent in powers.items():  # (1/3)√3 is written 1/√3
            if scalar.head == "number" and 0 < exponent < 1:
                number = int(scalar.text)
                if coefficient.denominator % number == 0:
                    coefficient, powers[scalar] = coefficient * number, exponent - 1
        scalars = sorted(powers.items(), key=lambda item: repr_key(item[0]))
        return MatrixTerm(coefficient, tuple((s, p) for s, p in scalars if p), self._chain())

    def _loops(self) -> bool:
        """A matrix whose two indices are one: a trace, or the vector of its diagonal."""
        for edge in self.edges:
            index, other, chain = edge
            if index != other:
                continue
            self.edges.remove(edge)
            if not index.is_free and not self._at(index) and index not in self.vectors:
                self.pending.remove(index)
                self.scalars.append((_trace(chain), ONE))
            else:
                self._weigh(index, (Expression("diagonal", (joined(chain),)),))
            return True
        return False

    def _parallel(self) -> bool:
        """Two matrices over the same pair of indices: a trace, or their entrywise product."""
        for k, first in enumerate(self.edges):
            for second in self.edges[k + 1 :]:
                if {*first[:2]} != {*second[:2]}:
                    continue
                a, b, chain = first
                other = second[2] if second[0] == a else transposed_chain(second[2])
                self.edges.remove(first)
                self.edges.remove(second)
                ends = [i for i in (a, b) if i.is_free or self._at(i) or i in self.vectors]
                if ends:
                    product = entrywise([joined(chain), joined(other)])
                    self.edges.append((a, b, (product,)))
                else:
                    self.pending = [i for i in self.pending if i not in (a, b)]
                    self.scalars.append((_trace(transposed_chain(chain) + other), ONE))
                return True
        return False

    def _remove_index(self) -> bool:
        for degree in (0, 1, 2):
            for index in self.pending:
                if len(self._at(index)) == degree:
                    self.pending.remove(index)
                    (self._close, self._fold, self._join)[degree](index)
                    return True
        return False

    def _close(self, index: Index) -> None:
        """An index with vectors only: an inner product, or the sum of the entries."""
        chains = self.vectors.pop(index)
        if len(chains) == 1:
            (chain,) = chains
            last = chain[-1]
            if len(chain) == 1 and last.head == "power" and last.exponent == 2:
                scalar = Expression("product", (transposed(last.parts[0]), last.parts[0]))
            else:
                scalar = _least((transposed(_ones(index)), *chain))
        else:
            chains.sort(key=lambda chain: (-len(chain), repr_key(joined(chain))))
            rest = entrywise([joined(chain) for chain in chains[1:]])
            tail = rest.parts if rest.head == "product" else (rest,)
            scalar = _least((*transposed_chain(chains[0]), *tail))
        self.scalars.append((scalar, ONE))

    def _fold(self, index: Index) -> None:
        """An index with one matrix: the matrix times the vector there."""
        (edge,) = self._at(index)
        self.edges.remove(edge)
        first, second, chain = edge
        other = second if first == index else first
        if first == index:
            chain = transposed_chain(chain)
        weight = self._weight(index)
        squared = _squared(chain)
        if weight is None and squared is not None and self._is_bare(other):
            self.pending.remove(other)
            self.scalars.append((Expression("norm", (squared,)), Fraction(2)))
            return
        tail = weight or _ones(index)
        self._weigh(other, (*chain, *(tail.parts if tail.head == "product" else (tail,))))

    def _is_bare(self, index: Index) -> bool:
        return not index.is_free and not self._at(index) and index not in self.vectors

    def _join(self, index: Index) -> None:
        """An index between two matrices: their product."""
        first, second = self._at(index)
        self.edges.remove(first)
        self.edges.remove(second)
        left = first if first[1] == index else (first[1], first[0], transposed_chain(first[2]))
        right = (
            second if second[0] == index else (second[1], second[0], transposed_chain(second[2]))
        )
        weight = self._weight(index)
        middle = () if weight is None else (diagonal_matrix(weight),)
        self.edges.append((left[0], right[1], (*left[2], *middle, *right[2])))

    def _chain(self) -> Chain:
        """What is left at the free indices."""
        if not self.free:
            return ()
        rows = self.free[0]
        if len(self.free) == 1:
            return _flat(self._weight(rows) or _ones(rows))
        columns = self.free[1]
        if not self.edges:
            left, right = self._weight(rows), self._weight(columns)
            return _flat(left or _ones(rows)) + transposed_chain(_flat(right or _ones(columns)))
        ((first, _, chain),) = self.edges
        chain = chain if first == rows else transposed_chain(chain)
        left, right = self._weight(rows), self._weight(columns)
        borders = [diagonal_matrix(w) for w in (left, right) if w is not None]
        if chain == (IDENTITY,):
            return tuple(borders) or chain
        before = (diagonal_matrix(left),) if left is not None else ()
        after = (diagonal_matrix(right),) if right is not None else ()
        return before + chain + after


def _as_length(scalar: Expression, exponent: Fraction) -> tuple[Expression, Fraction]:
    """A half power of xᵀx as a power of the length of x."""
    if exponent.denominator == 2 and scalar.head == "product" and len(scalar.parts) == 2:
        first, second = scalar.parts
        if first == transposed(second) and second.head == "name":
            return Expression("norm", (second,)), 2 * exponent
    return scalar, exponent


def _flat(e: Expression) -> Chain:
    return e.parts if e.head == "product" else (e,)


def _ones(index: Index) -> Expression:
    return Expression("ones", text=str(index.axis))


def _squared(chain: Chain) -> Expression | None:
    """The matrix whose entries are squared, if that is what a chain is."""
    e = chain[0].parts[0] if chain[0].head == "transpose" else chain[0]
    is_square = len(chain) == 1 and e.head == "power" and e.exponent == 2
    return e.parts[0] if is_square else None


def _least(chain: Chain) -> Expression:
    """A scalar product or its transpose, whichever is read with fewer transposes."""
    options = [chain, transposed_chain(chain)]
    return joined(min(options, key=lambda c: (sum(turns(e) for e in c), repr_key(joined(c)))))


def _trace(chain: Chain) -> Expression:
    """The trace of a product, turned and transposed to the form with fewest transposes."""
    turned = [chain[k:] + chain[:k] for k in range(len(chain))]
    turned += [transposed_chain(c) for c in turned]
    best = min(
        turned,
        key=lambda c: (sum(turns(e) for e in c), c[0].head != "transpose", repr_key(joined(c))),
    )
    return Expression("trace", (joined(best),))


# --- atoms ----------------------------------------------------------------------------------------


def _atom(factor: Factor) -> Expression:
    """A factor without its exponent."""
    if factor.kind == "input":
        return _input_atom(factor)
    if factor.kind == "size":
        return Expression("size", text=factor.name)
    if factor.kind == "unit":
        return Expression("unit", text=factor.name)
    if factor.kind == "number":
        return Expression("number", text=factor.name)
    if factor.kind == "sum":
        return expression(factor.arguments[0])
    return _call_atom(factor)


def _input_atom(factor: Factor) -> Expression:
    name = Expression("name", text=factor.name, is_symmetric=factor.is_symmetric)
    if "diagonal" in factor.facts and len(factor.indices) == 1:
        matrix = Expression("name", text=factor.name, is_symmetric=True)
        return Expression("diagonal", (matrix,), "known")
    return name


def _call_atom(factor: Factor) -> Expression:
    (argument, *others) = factor.arguments
    if factor.name == "sech_squared":
        square = raised(_call("tanh", [expression(argument)], factor), Fraction(2))
        return subtracted_from_one(square)
    if factor.name == "sigmoid" and _is_mostly_negative(argument):
        inner = expression(scaled(argument, -1))
        return subtracted_from_one(_call("sigmoid", [inner], factor))
    if factor.name == "inverse":
        inner = expression(argument)
        return Expression("inverse", (inner,), is_symmetric=factor.is_symmetric)
    if factor.name == "norm":
        return Expression("norm", (expression(argument),))
    # Of a matrix, the softmax is taken along the last axis, row by row, which a note says.
    is_by_row = factor.name == "softmax" and len(factor.indices) == 2
    name = "row_softmax" if is_by_row else factor.name
    return _call(name, [expression(form) for form in (argument, *others)], factor)


def _call(name: str, arguments: list[Expression], factor: Factor) -> Expression:
    return Expression("call", tuple(arguments), name, is_symmetric=factor.is_symmetric)


def _is_mostly_negative(form: Form) -> bool:
    """Whether a form reads better with its sign changed."""
    negative = sum(term.coefficient < 0 for term in form.terms)
    return 2 * negative > len(form.terms)
