"""Files of claims: the formulas of a lecture or of a paper's appendix, in TOML."""

from __future__ import annotations

import pathlib
import tomllib
from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from circuitgrad.claims.decision import decided
from circuitgrad.claims.readings import restated
from circuitgrad.claims.verdicts import Verdict
from circuitgrad.errors import CircuitError, SpecError
from circuitgrad.grammar import nearest
from circuitgrad.proofs.verdicts import Status

BUDGET = 10.0
EXPECTATIONS = ("proved", "refuted", "undecided")
_KINDS = ("gradient", "jacobian", "hessian")
_ABOUT = ("name", "source", "note", "expect", "kind", "latex")
_DERIVATIVE = ("function", "wrt", "claim", "layout", "structure")
_EQUALITY = ("first", "second")
_COMMON = ("shapes", "assuming", "language")
_FILE = ("title", "language", "budget", "claim")


@dataclass(frozen=True)
class Entry:
    """A claim of a file.

    Attributes:
        name: What the claim is called; unique in its file.
        record: The arguments of the statement.
        expect: The verdict that is expected: "proved", or "refuted" for a known erratum.
        source: Where the formula stands.
        note: Anything that a reader should know.
    """

    name: str
    record: Mapping[str, Any]
    expect: str = "proved"
    source: str = ""
    note: str = ""


@dataclass(frozen=True)
class ClaimsFile:
    """The claims of a file, in order."""

    title: str
    entries: tuple[Entry, ...]
    budget: float = BUDGET


@dataclass(frozen=True)
class Result:
    """What became of a claim of a file.

    Attributes:
        entry: The claim.
        verdict: The verdict; None where the claim could not be read.
        error: Why it could not be read; else empty.
    """

    entry: Entry
    verdict: Verdict | None
    error: str = ""

    @property
    def status(self) -> str:
        """The verdict in a word; "unreadable" where there is none."""
        return "unreadable" if self.verdict is None else self.verdict.status.value

    @property
    def is_expected(self) -> bool:
        """Whether the verdict is the one that the file expects."""
        return self.status == self.entry.expect


def read_claims(path: str | pathlib.Path) -> ClaimsFile:
    """The claims of a TOML file.

    A file has a `title`, perhaps a `language` and a `budget` in seconds, and tables `[[claim]]`
    with the arguments of `cg.check`: `function`, `wrt`, `claim`, `shapes`, `assuming`, `layout`;
    or of `cg.check_equal`: `first`, `second`. `kind` is "gradient" unless it says "jacobian" or
    "hessian"; `expect = "refuted"` marks a formula that is known to be wrong.

    Raises:
        SpecError: A file that is not TOML, or a table that lacks something; the message says which.
    """
    try:
        data = tomllib.loads(pathlib.Path(path).read_text(encoding="utf-8"))
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise SpecError(f"{path}: not TOML: {error}.") from None
    _check_keys(data, _FILE, str(path))
    tables = data.get("claim", [])
    if not isinstance(tables, list) or not tables:
        raise SpecError(f"{path}: no claims; needed tables that begin with [[claim]].")
    budget = data.get("budget", BUDGET)
    if not isinstance(budget, int | float) or isinstance(budget, bool) or not budget > 0:
        raise SpecError(f"{path}: budget is {budget!r}; needed a number of seconds.")
    entries = tuple(
        _entry(table, k, data.get("language"), path) for k, table in enumerate(tables, start=1)
    )
    repeated = [name for name, n in Counter(entry.name for entry in entries).items() if n > 1]
    if repeated:
        raise SpecError(f"{path}: two claims are named '{repeated[0]}'. Name each claim once.")
    return ClaimsFile(str(data.get("title", pathlib.Path(path).stem)), entries, float(budget))


def _entry(table: Any, number: int, language: str | None, path: Any) -> Entry:
    where = f"{path}: claim {number}"
    if not isinstance(table, dict):
        raise SpecError(f"{where}: needed a table.")
    name = str(table.get("name", f"claim {number}"))
    where = f"{where} ({name})"
    is_equality = "first" in table or "second" in table
    arguments = _EQUALITY if is_equality else _DERIVATIVE
    _check_keys(table, (*_ABOUT, *arguments, *_COMMON), where)
    for needed in arguments[: 2 if is_equality else 3]:
        if not isinstance(table.get(needed), str):
            raise SpecError(f"{where}: '{needed}' is missing; needed a text.")
    expect = table.get("expect", "proved")
    if expect not in EXPECTATIONS:
        raise SpecError(f"{where}: expect = {expect!r}; needed one of {', '.join(EXPECTATIONS)}.")
    record = {key: table[key] for key in (*arguments, *_COMMON) if key in table}
    record.setdefault("shapes", {})
    if language and "language" not in record:
        record["language"] = language
    if not is_equality:
        record["kind"] = _kind(table, where)
    return Entry(name, record, expect, str(table.get("source", "")), str(table.get("note", "")))


def _kind(table: Mapping[str, Any], where: str) -> str:
    kind = str(table.get("kind", "gradient"))
    if kind not in _KINDS:
        raise SpecError(f"{where}: kind = {kind!r}; needed one of {', '.join(_KINDS)}.")
    return kind


def _check_keys(table: Mapping[str, Any], known: tuple[str, ...], where: str) -> None:
    for key in table:
        if key not in known:
            raise SpecError(f"{where}: unknown key '{key}'.{nearest(key, known)}")


def check_claims(claims: ClaimsFile) -> Iterator[Result]:
    """The result of every claim of a file, one after the other."""
    for entry in claims.entries:
        try:
            statement = restated(entry.record)
            yield Result(entry, decided(statement, claims.budget))
        except (CircuitError, TypeError) as error:
            yield Result(entry, None, str(error))


def status_of(results: list[Result]) -> Status:
    """Proved if every verdict is the expected one; else the worst of those that are not."""
    others = [result for result in results if not result.is_expected]
    if not others:
        return Status.PROVED
    if any(result.status == "refuted" for result in others):
        return Status.REFUTED
    if any(result.status == "proved" for result in others):
        return Status.REFUTED  # a formula that the file calls wrong is right
    return Status.UNDECIDED
