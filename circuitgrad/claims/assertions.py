"""Claims inside a test suite."""

from __future__ import annotations

from typing import Any

from circuitgrad.claims.checks import check
from circuitgrad.claims.verdicts import Verdict


def assert_proved(claim: Verdict | Any, *arguments: Any, **options: Any) -> Verdict:
    """The verdict on a claim, if it is proved: for tests.

    Args:
        claim: A verdict, or the first argument of `check`.
        *arguments: The other arguments of `check`.
        **options: Its options and the axes of the inputs.

    Raises:
        AssertionError: The claim is refuted or undecided; the message is the whole verdict.

    >>> assert_proved("x**2", "x", "2*x").status.value
    'proved'
    """
    __tracebackhide__ = True  # pytest then shows the line that called this function
    verdict = claim if isinstance(claim, Verdict) else check(claim, *arguments, **options)
    if not verdict.proved:
        raise AssertionError(str(verdict))
    return verdict
