"""The checks that a user calls: a formula is proved, refuted or left undecided."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from circuitgrad.claims.decision import decided
from circuitgrad.claims.readings import derivative, equality
from circuitgrad.claims.verdicts import Verdict

BUDGET = 10.0


def check(
    function: Any,
    wrt: Any,
    claim: Any,
    *,
    assuming: str | Iterable[str] = (),
    layout: str | None = None,
    language: str | None = None,
    structure: str | None = None,
    budget: float = BUDGET,
    shapes: Mapping[str, Any] | None = None,
    **axes: Any,
) -> Verdict:
    """The verdict on a gradient that someone derived.

    Args:
        function: What is differentiated, a scalar: text, SymPy, a circuit, or a NumPy function.
        wrt: The input that it is differentiated by.
        claim: The gradient that is claimed, in any of these forms.
        assuming: What is assumed: "x > 0", "A symmetric", "sum(y) == 1".
        layout: "numerator" or "denominator"; by default the shape of the input.
        language: The language of texts, "python" (default), "matlab" or "latex".
        structure: "symmetric" where each pair of equal entries of a symmetric matrix counts as one
            variable, "diagonal" where only the diagonal varies; by default all entries are
            independent.
        budget: Seconds for the decision.
        shapes: The axes of the inputs, where a name cannot be a keyword argument.
        **axes: The axes of the inputs by name, as `A="n n"`; scalars need none.

    Returns:
        `Proved`, `Refuted` or `Undecided`.

    Raises:
        SpecError: Something that cannot be read.

    >>> print(check("x @ A @ x", wrt="x", claim="A @ x + A.T @ x", x="n", A="n n"))
    Proved by normal form, for every n. ∇(x @ A @ x) by x = A @ x + A.T @ x
    >>> check("sin(x)", wrt="x", claim="-cos(x)").refuted
    True
    """
    given = {**(shapes or {}), **axes}
    return decided(
        derivative("gradient", function, wrt, claim, given, assuming, layout, language, structure),
        budget,
    )


def check_jacobian(
    function: Any,
    wrt: Any,
    claim: Any,
    *,
    assuming: str | Iterable[str] = (),
    layout: str | None = None,
    language: str | None = None,
    budget: float = BUDGET,
    shapes: Mapping[str, Any] | None = None,
    **axes: Any,
) -> Verdict:
    """The verdict on a Jacobian; its axes are those of the output, then those of the input.

    The arguments are those of `check`.

    >>> check_jacobian("softmax(x)", "x", "diag(softmax(x)) - outer(softmax(x), softmax(x))",
    ...                x="n").proved
    True
    """
    given = {**(shapes or {}), **axes}
    return decided(
        derivative("jacobian", function, wrt, claim, given, assuming, layout, language), budget
    )


def check_hessian(
    function: Any,
    wrt: Any,
    claim: Any,
    *,
    assuming: str | Iterable[str] = (),
    layout: str | None = None,
    language: str | None = None,
    budget: float = BUDGET,
    shapes: Mapping[str, Any] | None = None,
    **axes: Any,
) -> Verdict:
    """The verdict on the Hessian of a scalar. The arguments are those of `check`.

    >>> check_hessian("x @ A @ x", "x", "A + A.T", x="n", A="n n").proved
    True
    """
    given = {**(shapes or {}), **axes}
    return decided(
        derivative("hessian", function, wrt, claim, given, assuming, layout, language), budget
    )


def check_equal(
    first: Any,
    second: Any,
    *,
    assuming: str | Iterable[str] = (),
    language: str | None = None,
    budget: float = BUDGET,
    shapes: Mapping[str, Any] | None = None,
    **axes: Any,
) -> Verdict:
    """The verdict on the equality of two formulas, wherever both are defined, away from kinks.

    >>> check_equal("1 - tanh(x)**2", "1 / cosh(x)**2").proved
    True
    """
    return decided(equality(first, second, {**(shapes or {}), **axes}, assuming, language), budget)
