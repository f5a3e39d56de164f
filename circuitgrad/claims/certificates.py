"""Verdicts as files that anyone can check again, without the search that found them."""

from __future__ import annotations

import hashlib
import json
import pathlib
from collections.abc import Mapping
from typing import Any

import numpy as np
import sympy as sp

from circuitgrad.claims.decision import decided, right_formula
from circuitgrad.claims.points import ArrayPoint, is_allowed
from circuitgrad.claims.readings import restated
from circuitgrad.claims.statements import Statement
from circuitgrad.claims.trials import Trial, middle
from circuitgrad.claims.verdicts import Counterexample, Verdict, plain
from circuitgrad.errors import CircuitError, ProofError, SpecError
from circuitgrad.proofs.budgets import Budget
from circuitgrad.wire import Array

FORMAT = "circuitgrad certificate"
VERSION = 1
BUDGET = 60.0
_DIGITS = 1e-9


def certificate(verdict: Verdict) -> dict[str, Any]:
    """A verdict as plain data for JSON, with a digest of all of it.

    Raises:
        SpecError: A claim that is code, and cannot be written down.

    >>> from circuitgrad.claims.checks import check
    >>> certificate(check("x**2", "x", "2*x"))["status"]
    'proved'
    """
    if verdict.statement is None:
        raise SpecError(
            "certificate: the claim is a function or a circuit, which cannot be written down. "
            "Claim a text or a SymPy expression."
        )
    record = {"format": FORMAT, "version": VERSION, **verdict.to_json()}
    return {**record, "digest": _digest(record)}


def _digest(record: Mapping[str, Any]) -> str:
    text = json.dumps(record, sort_keys=True, ensure_ascii=False)
    return hashlib.sha256(text.encode()).hexdigest()


def replay(given: Mapping[str, Any] | str | pathlib.Path) -> Statement:
    """The statement of a certificate, after its verdict was verified again from the texts.

    A proof is computed again from the formulas; a refutation is evaluated again at its point and
    beside it, in balls. No point is searched for, and nothing in the file is run.

    Args:
        given: The certificate: data, JSON text, or a path.

    Raises:
        SpecError: No certificate, or one of another version.
        ProofError: A certificate that was changed, or whose verdict does not hold.

    >>> from circuitgrad.claims.checks import check
    >>> print(replay(certificate(check("x**2", "x", "2*x"))))
    ∇(x**2) by x = 2*x
    """
    record = dict(_read(given))
    digest = record.pop("digest", None)
    if digest != _digest(record):
        raise ProofError("replay: the digest does not fit: the certificate was changed.")
    try:
        statement = restated(record["statement"])
        _verify(record, statement)
    except CircuitError:
        raise
    except (KeyError, TypeError, IndexError, AttributeError, ValueError) as error:
        raise SpecError(f"replay: the certificate lacks or garbles {error}.") from None
    return statement


def _read(given: Mapping[str, Any] | str | pathlib.Path) -> Mapping[str, Any]:
    if isinstance(given, Mapping):
        record: Any = given
    else:
        if not isinstance(given, str | pathlib.Path):
            raise SpecError(f"replay: got {given!r}; needed a certificate, its JSON or a path.")
        is_path = isinstance(given, pathlib.Path) or not given.lstrip().startswith("{")
        try:
            text = pathlib.Path(given).read_text(encoding="utf-8") if is_path else str(given)
        except (OSError, UnicodeDecodeError, ValueError) as error:
            raise SpecError(
                f"replay: {str(given)[:60]!r} is no file that can be read: {error}."
            ) from None
        try:
            record = json.loads(text)
        except json.JSONDecodeError as error:
            raise SpecError(f"replay: not JSON: {error}.") from None
    if not isinstance(record, Mapping) or record.get("format") != FORMAT:
        raise SpecError("replay: this is no certificate. Make one with verdict.certificate().")
    if record.get("version") != VERSION:
        raise SpecError(
            f"replay: version {record.get('version')!r}; this library reads version {VERSION}."
        )
    return record


def _verify(record: Mapping[str, Any], statement: Statement) -> None:
    status = record["status"]
    if status == "proved":
        found = decided(statement, BUDGET, diagnose=False)
        if not found.proved:
            raise ProofError(f"replay: the claim is not proved.\n{found}")
    elif status == "refuted":
        example = record["counterexample"]
        if example is None:
            if statement.correct.shape == statement.claimed.shape:
                raise ProofError("replay: the shapes are equal, and no point is given.")
        elif not _differs(statement, example):
            raise ProofError("replay: the two sides do not differ at the point that is given.")
    elif status != "undecided":
        raise SpecError(f"replay: unknown status {status!r}.")
    if record["claim"] != str(statement):
        raise ProofError(f"replay: the claim reads {record['claim']!r}; it is {str(statement)!r}.")
    if record["correct"] not in ("", right_formula(statement)):
        raise ProofError(f"replay: what is called right is not: {record['correct']}")


def _differs(statement: Statement, example: Mapping[str, Any]) -> bool:
    """Whether balls around the two sides are disjoint at the point of a counterexample.

    And beside it: a difference on a kink alone refutes nothing.
    """
    values = {name: _numbers(value) for name, value in example["point"].items()}
    sizes = {str(axis): int(size) for axis, size in example["sizes"].items()}
    unknown = [name for name in values if name not in statement.inputs]
    missing = [name for name in statement.inputs if name not in values]
    if unknown or (missing and not statement.is_scalar):
        raise ProofError(f"replay: the point does not fit the inputs: {unknown or missing}.")
    clock = Budget(BUDGET)
    is_told = False
    for step in (0, 1, -1):
        near = {name: _moved(statement, name, array, step) for name, array in values.items()}
        point = ArrayPoint(sizes, near)
        if not is_allowed(statement, point, clock):
            raise ProofError("replay: the point is outside of what is assumed.")
        found = Trial(statement, clock).compared(point)[0]
        if found is None:
            return False
        is_told = is_told or (step == 0 and _same_values(found, example))
    if not is_told:
        raise ProofError("replay: the values at the point are other ones.")
    return True


def _same_values(found: Counterexample, example: Mapping[str, Any]) -> bool:
    """Whether the values that a certificate tells are those at its point."""
    told = [middle(str(example[side])) for side in ("claimed", "correct")]
    known = [middle(found.claimed), middle(found.correct)]
    shown = plain([found.claimed_value, found.correct_value])
    return (
        tuple(example["entry"]) == found.entry
        and np.allclose(told, known, rtol=_DIGITS, atol=0)
        and _close([example["claimed_value"], example["correct_value"]], shown)
    )


def _close(first: Any, second: Any) -> bool:
    """Whether nested lists of numbers are the same up to rounding."""
    try:
        pairs = zip(first, second, strict=True)
        return all(
            np.shape(a) == np.shape(b) and np.allclose(a, b, rtol=_DIGITS, atol=1e-12)
            for a, b in pairs
        )
    except ValueError:
        return False


def _moved(statement: Statement, name: str, array: Array, step: int) -> Array:
    """The values moved a little, each by another amount, unless their input has facts to keep."""
    if not step or statement.assumptions.facts.get(name):
        return array
    moves = [sp.Rational(step * (k + 7 + len(name)), 10**12) for k in range(array.size)]
    steps = np.array(moves, dtype=object).reshape(array.shape)
    return np.array(array + steps, dtype=object)


def _numbers(value: Any) -> Array:
    """Nested lists of texts as exact numbers."""
    array = np.array(value, dtype=object)
    flat = [sp.Rational(str(entry)) for entry in array.reshape(-1)]
    result = np.empty(len(flat), dtype=object)
    result[:] = flat
    return result.reshape(array.shape)
