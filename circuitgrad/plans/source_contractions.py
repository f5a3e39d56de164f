"""Contractions in NumPy's operators: products, sums, transposes, diagonals; else np.einsum."""

from __future__ import annotations

import ast
import itertools
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from circuitgrad.gates.from_einsum import Einsum
from circuitgrad.plans.source_text import (
    binary,
    call,
    name,
    number,
    numpy,
    printed,
    subscript,
    text,
    transposed,
    tuple_of,
)


@dataclass(frozen=True)
class Factor:
    """An array with a letter for each of its axes."""

    node: ast.expr
    letters: str


def contraction(
    gate: Einsum, operands: Sequence[ast.expr], size: Callable[[str], ast.expr], float32: bool
) -> ast.expr:
    """A contraction as an expression.

    Args:
        gate: The contraction.
        operands: Its operands.
        size: The size of a letter's axis.
        float32: Whether the result is float32.
    """
    carried = set("".join(gate.operands))
    core = "".join(x for x in dict.fromkeys(gate.output) if x in carried)
    factors = [
        _without_repeats(Factor(node, term))
        for node, term in zip(operands, gate.operands, strict=True)
    ]
    kind = {"dtype": numpy("float32")} if float32 else {}
    lost = [x for x, _ in gate.sizes if x not in gate.output]
    result = _product(factors, core) if factors else None
    for letter in lost:
        count = size(letter)
        result = Factor(count if result is None else binary(result.node, ast.Mult, count), core)
        if not factors and len(lost) == 1:
            result = Factor(call("float32" if float32 else "float64", count), core)
    return _placed(result, gate.output, size, kind)


def _without_repeats(factor: Factor) -> Factor:
    """A factor whose letters differ: the diagonal of those that stand twice."""
    unique = "".join(dict.fromkeys(factor.letters))
    if unique == factor.letters:
        return factor
    if len(factor.letters) == 2:
        return Factor(call("diagonal", factor.node), unique)
    return Factor(call("einsum", text(f"{factor.letters}->{unique}"), factor.node), unique)


# --- products -------------------------------------------------------------------------------------


def _product(factors: list[Factor], output: str) -> Factor:
    """The sum of products over the letters that the output lacks."""
    if len(factors) == 1:
        return _ordered(_summed(factors[0], output), output)
    left = list(factors)
    while len(left) > 1:
        found = _best_pair(left, output)
        if found is None:
            return _einsum(factors, output)
        first, second, both = found
        left = [f for f in left if f is not first and f is not second]
        left.insert(0, both)
    return _ordered(left[0], output)


def _best_pair(left: list[Factor], output: str) -> tuple[Factor, Factor, Factor] | None:
    """The two factors whose product is written with operators and has the fewest axes."""
    best: tuple[Factor, Factor, Factor] | None = None
    for first, second in itertools.combinations(left, 2):
        others = [f.letters for f in left if f is not first and f is not second]
        keep = "".join([output, *others])
        both = _pair(first, second, keep, "" if others else output)
        if both is not None and (best is None or len(both.letters) < len(best[2].letters)):
            best = first, second, both
    return best


def _pair(first: Factor, second: Factor, keep: str, order: str) -> Factor | None:
    """The product of two factors with operators, in the order given if that is possible."""
    first = _summed(first, keep + second.letters)
    second = _summed(second, keep + first.letters)
    lost = [x for x in first.letters if x in second.letters and x not in keep]
    if not lost:
        return _multiplied(first, second, order)
    if set(first.letters) == set(second.letters) and len(lost) == len(first.letters):
        if len(lost) == 1:
            return Factor(binary(first.node, ast.MatMult, second.node), "")
        product = _multiplied(first, second, first.letters)
        return Factor(call("sum", product.node), "")
    if len(lost) > 1:
        return None
    if any(x in second.letters and x != lost[0] for x in first.letters):
        return _batch_product(first, second, lost[0])
    if max(len(first.letters), len(second.letters)) > 2:
        return _stack_product(first, second, lost[0])
    return _matrix_product(first, second, lost[0], order)


def _batch_product(first: Factor, second: Factor, inner: str) -> Factor | None:
    """A matrix product for every leading index that the two share."""
    for left, right in ((first, second), (second, first)):
        lead = left.letters[:-2]
        fits = len(left.letters) == len(right.letters) > 2 and right.letters[:-2] == lead
        if fits and left.letters[-1] == right.letters[-2] == inner:
            letters = left.letters[:-1] + right.letters[-1]
            return Factor(binary(left.node, ast.MatMult, right.node), letters)
    return None


def _stack_product(first: Factor, second: Factor, inner: str) -> Factor | None:
    """A stack of matrices times a matrix or vector."""
    for left, right in ((first, second), (second, first)):
        if left.letters[-1] == inner and len(right.letters) <= 2:
            node = right.node if right.letters[0] == inner else transposed(right.node)
            letters = left.letters[:-1] + right.letters.replace(inner, "")
            return Factor(binary(left.node, ast.MatMult, node), letters)
    return None


def _matrix_product(first: Factor, second: Factor, inner: str, order: str) -> Factor:
    row, column = (f.letters.replace(inner, "") for f in (first, second))
    if (row and column and order == column + row) or (not row and column):
        first, second, row, column = second, first, column, row
    left = first.node if first.letters[-1] == inner else transposed(first.node)
    right = second.node if second.letters[0] == inner else transposed(second.node)
    return Factor(binary(left, ast.MatMult, right), row + column)


def _multiplied(first: Factor, second: Factor, order: str) -> Factor:
    """An entrywise or outer product."""
    letters = "".join(dict.fromkeys(first.letters + second.letters))
    if set(order) == set(letters):
        letters = order
    elif set(second.letters) >= set(first.letters):
        letters = second.letters
    if len(first.letters) == len(second.letters) == 1 and len(letters) == 2:
        if letters[0] == second.letters:
            first, second = second, first
        return Factor(call("outer", first.node, second.node), letters)
    nodes = [aligned(_ordered(_restricted(f, letters), None), letters) for f in (first, second)]
    return Factor(binary(nodes[0], ast.Mult, nodes[1]), letters)


def _restricted(factor: Factor, letters: str) -> Factor:
    """The factor with its axes in the order in which the letters stand."""
    return _ordered(factor, "".join(x for x in letters if x in factor.letters))


def aligned(factor: Factor, letters: str) -> ast.expr:
    """The factor with new axes, so that it multiplies an array that has these letters."""
    present = [x in factor.letters for x in letters]
    if not any(present) or all(present[len(letters) - len(factor.letters) :]):
        return factor.node
    start = present.index(True)
    parts: list[ast.expr] = [ast.Slice() if there else ast.Constant(None) for there in present]
    return subscript(factor.node, parts[start:])


def _summed(factor: Factor, keep: str) -> Factor:
    """The factor summed over the letters that nothing needs."""
    axes = [k for k, x in enumerate(factor.letters) if x not in keep]
    if not axes:
        return factor
    rest = "".join(x for x in factor.letters if x in keep)
    if not rest:
        return Factor(call("sum", factor.node), "")
    axis = number(axes[0]) if len(axes) == 1 else tuple_of([number(k) for k in axes])
    return Factor(call("sum", factor.node, axis=axis), rest)


def _ordered(factor: Factor, output: str | None) -> Factor:
    """The factor transposed to the letters' order."""
    if output is None or factor.letters == output:
        return factor
    if factor.letters[::-1] == output:
        return Factor(transposed(factor.node), output)
    order = tuple_of([number(factor.letters.index(x)) for x in output])
    return Factor(call("transpose", factor.node, order), output)


def _einsum(factors: Sequence[Factor], output: str) -> Factor:
    subscripts = f"{','.join(f.letters for f in factors)}->{output}"
    nodes = [f.node for f in factors]
    return Factor(call("einsum", text(subscripts), *nodes, optimize=ast.Constant(True)), output)


# --- new axes and deltas --------------------------------------------------------------------------


def _placed(
    factor: Factor | None, output: str, size: Callable[[str], ast.expr], kind: dict[str, ast.expr]
) -> ast.expr:
    """The result with the output's new axes (ones) and repeated ones (deltas)."""
    if factor is not None and factor.letters == output:
        return factor.node
    unique = "".join(dict.fromkeys(output))
    if unique == output:
        if factor is None:
            return call("ones", tuple_of([size(x) for x in output]), **kind)
        spread = aligned(factor, output)
        new = [x for x in output if x not in factor.letters]
        started = output[output.index(factor.letters[0]) :] if factor.letters else ""
        if all(printed(size(x)) == "1" for x in new) and set(new) <= set(started):
            return spread
        return call("broadcast_to", spread, tuple_of([size(x) for x in output]))
    if factor is not None and output == factor.letters * 2 and len(output) == 2:
        return call("diag", factor.node)
    return _delta(factor, output, size, kind)


def _delta(
    factor: Factor | None, output: str, size: Callable[[str], ast.expr], kind: dict[str, ast.expr]
) -> ast.expr:
    """Entries where repeated letters agree, zeros elsewhere."""
    eyes = []
    letters = "".join(chr(0x100 + k) for k in range(len(output)))  # one letter per place
    places = {x: [k for k, y in enumerate(output) if y == x] for x in output}
    is_mask = {"dtype": name("bool")} if factor is not None else kind
    for letter, found in places.items():
        for first, second in itertools.pairwise(found):
            eye = Factor(call("eye", size(letter), **is_mask), letters[first] + letters[second])
            eyes.append(aligned(eye, letters))
    both = eyes[0]
    for eye_node in eyes[1:]:
        both = binary(both, ast.Mult if factor is None else ast.BitAnd, eye_node)
    alone = [x for x in places if len(places[x]) == 1]
    if factor is None:
        shape = tuple_of([size(x) for x in output])
        return call("broadcast_to", both, shape) if alone else both
    renamed = Factor(factor.node, "".join(letters[places[x][0]] for x in factor.letters))
    chosen = call("where", both, aligned(renamed, letters), ast.Constant(0.0))
    covered = all(x in factor.letters for x in alone)
    return chosen if covered else call("broadcast_to", chosen, tuple_of([size(x) for x in output]))
