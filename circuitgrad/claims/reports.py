"""The results of a file of claims for people and programs: text, HTML, JSON, LaTeX, JUnit XML."""

from __future__ import annotations

import html
import json
import pathlib
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from typing import Final, NamedTuple
from xml.etree import ElementTree

from circuitgrad.claims.files import ClaimsFile, Result
from circuitgrad.claims.verdicts import Refuted
from circuitgrad.errors import SpecError

Results = Sequence[Result]
_MARKS: Final = {"proved": "✓", "refuted": "✗", "undecided": "?", "unreadable": "!"}
_STYLE = """
:root { color-scheme: light dark; }
body { font: 16px/1.5 system-ui, sans-serif; max-width: 60rem; margin: 2rem auto; }
body { padding: 0 1rem; }
h1 { font-size: 1.5rem; } table { border-collapse: collapse; width: 100%; }
th, td { text-align: left; vertical-align: top; padding: .5rem .75rem; }
th, td { border-bottom: 1px solid #8886; }
pre { margin: 0; white-space: pre-wrap; font: 14px/1.45 ui-monospace, monospace; }
.proved { color: #18794e; } .refuted { color: #c62a2f; } .undecided, .unreadable { color: #9a5b00; }
@media (prefers-color-scheme: dark) {
  .proved { color: #63c174; } .refuted { color: #ff8589; }
  .undecided, .unreadable { color: #f1a10d; }
}
.status { white-space: nowrap; font-weight: 600; } .source { color: #777; }
"""


class Format(NamedTuple):
    """How results are written.

    Attributes:
        suffix: The ending of the file's name.
        text: The whole text of the report.
    """

    suffix: str
    text: Callable[[ClaimsFile, Results], str]


def report_text(claims: ClaimsFile, results: Results) -> str:
    """The report for a terminal: a paragraph for each claim, and a summary."""
    lines = [claims.title, "=" * len(claims.title), ""]
    for result in results:
        lines += [result_text(result), ""]
    return "\n".join([*lines, summary(results)])


def result_text(result: Result) -> str:
    """One result in a few lines."""
    expected = "" if result.is_expected else f"   (expected: {result.entry.expect})"
    source = f"   [{result.entry.source}]" if result.entry.source else ""
    head = f"{_MARKS[result.status]} {result.entry.name}: {result.status}{expected}{source}"
    body = str(result.verdict) if result.verdict is not None else result.error
    note = [f"    {result.entry.note}"] if result.entry.note else []
    return "\n".join([head, *(f"    {line}" for line in body.splitlines()), *note])


def summary(results: Results) -> str:
    """How many of each, in a sentence."""
    counts = Counter(result.status for result in results)
    parts = [f"{counts[word]} {word}" for word in _MARKS if counts[word]]
    others = sum(not result.is_expected for result in results)
    end = "all as expected" if not others else f"{others} not as expected"
    return f"{len(results)} claims: {', '.join(parts)}; {end}."


def _json(claims: ClaimsFile, results: Results) -> str:
    entries = [
        {
            "name": result.entry.name,
            "source": result.entry.source,
            "status": result.status,
            "expected": result.entry.expect,
            "error": result.error,
            "certificate": None if result.verdict is None else result.verdict.certificate(),
        }
        for result in results
    ]
    data = {"title": claims.title, "summary": summary(results), "claims": entries}
    return json.dumps(data, indent=1, ensure_ascii=False) + "\n"


def _html(claims: ClaimsFile, results: Results) -> str:
    title = html.escape(claims.title)
    rows = "\n".join(map(_html_row, results))
    return (
        f'<!doctype html>\n<html lang="en">\n<head>\n<meta charset="utf-8">\n'
        '<meta name="viewport" content="width=device-width, initial-scale=1">\n'
        f"<title>{title}</title>\n<style>{_STYLE}</style>\n</head>\n<body>\n<h1>{title}</h1>\n"
        f"<p>{html.escape(summary(results))}</p>\n<table>\n"
        f"<tr><th>Claim</th><th>Verdict</th><th>Why</th></tr>\n{rows}\n</table>\n</body>\n</html>\n"
    )


def _html_row(result: Result) -> str:
    entry = result.entry
    body = html.escape(str(result.verdict) if result.verdict is not None else result.error)
    source = f'<br><span class="source">{html.escape(entry.source)}</span>' if entry.source else ""
    note = f"<br>{html.escape(entry.note)}" if entry.note else ""
    expected = "" if result.is_expected else f"<br>expected: {entry.expect}"
    return (
        f"<tr><td>{html.escape(entry.name)}{source}{note}</td>"
        f'<td class="status {result.status}">{_MARKS[result.status]} {result.status}{expected}</td>'
        f"<td><pre>{body}</pre></td></tr>"
    )


def _latex(claims: ClaimsFile, results: Results) -> str:
    rows = "\n".join(_latex_row(result) for result in results)
    return (
        "% Needs \\usepackage{booktabs,longtable}.\n"
        f"\\section*{{{_latex_text(claims.title)}}}\n{_latex_text(summary(results))}\n\n"
        "\\begin{longtable}{p{0.25\\linewidth}lp{0.55\\linewidth}}\n\\toprule\n"
        "Claim & Verdict & Formula \\\\\n\\midrule\n\\endhead\n"
        f"{rows}\n\\bottomrule\n\\end{{longtable}}\n"
    )


def _latex_row(result: Result) -> str:
    record = result.entry.record
    if "function" in record:
        head = {"gradient": "Gradient", "jacobian": "Jacobian", "hessian": "Hessian"}
        formula = (
            f"{head[record['kind']]} of {_code(record['function'])} by {_code(record['wrt'])}:"
        )
        formula += f" {_code(record['claim'])}"
    else:
        formula = f"{_code(record['first'])} = {_code(record['second'])}"
    name = _latex_text(result.entry.name)
    return f"{name} & {result.status} & {formula} \\\\"


def _code(text: str) -> str:
    return f"\\texttt{{{_latex_text(text)}}}"


_LATEX: Final = {
    "\\": r"\textbackslash{}", "&": r"\&", "%": r"\%", "$": r"\$", "#": r"\#", "_": r"\_",
    "{": r"\{", "}": r"\}", "~": r"\textasciitilde{}", "^": r"\textasciicircum{}",
    "'": r"\textquotesingle{}", "<": r"\textless{}", ">": r"\textgreater{}", "|": r"\textbar{}",
}  # fmt: skip


def _latex_text(text: str) -> str:
    printable = "".join(c if ord(c) >= 32 else " " for c in text)
    return "".join(_LATEX.get(character, character) for character in printable)


def _junit(claims: ClaimsFile, results: Results) -> str:
    failures = sum(not r.is_expected and r.verdict is not None for r in results)
    errors = sum(r.verdict is None for r in results)
    seconds = sum(r.verdict.elapsed_ms for r in results if r.verdict is not None) / 1000
    suite = ElementTree.Element(
        "testsuite", name=_xml_text(claims.title), tests=str(len(results)), failures=str(failures),
        errors=str(errors), skipped="0", time=f"{seconds:.3f}",
    )  # fmt: skip
    for result in results:
        time = 0.0 if result.verdict is None else result.verdict.elapsed_ms / 1000
        case = ElementTree.SubElement(
            suite, "testcase", name=_xml_text(result.entry.name),
            classname=_xml_text(claims.title), time=f"{time:.3f}",
        )  # fmt: skip
        if result.is_expected:
            continue
        kind = "error" if result.verdict is None else "failure"
        message = f"{result.status}; expected {result.entry.expect}"
        found = ElementTree.SubElement(case, kind, message=message, type=result.status)
        found.text = _xml_text(str(result.verdict) if result.verdict is not None else result.error)
    ElementTree.indent(suite)
    return '<?xml version="1.0" encoding="UTF-8"?>\n' + (
        ElementTree.tostring(suite, encoding="unicode") + "\n"
    )


def _xml_text(text: str) -> str:
    """The text without control characters, which XML cannot hold."""
    return "".join(c for c in text if c in "\n\t" or ord(c) >= 32)


FORMATS: Final[Mapping[str, Format]] = {
    "text": Format(".txt", report_text),
    "html": Format(".html", _html),
    "json": Format(".json", _json),
    "latex": Format(".tex", _latex),
    "junit": Format(".xml", _junit),
}


def save_report(claims: ClaimsFile, results: Results, path: str | pathlib.Path) -> pathlib.Path:
    """The file that was written; its ending chooses the format.

    Raises:
        SpecError: An ending that stands for no format.
    """
    target = pathlib.Path(path)
    for form in FORMATS.values():
        if target.suffix.lower() == form.suffix:
            target.write_text(form.text(claims, results), encoding="utf-8")
            return target
    endings = ", ".join(form.suffix for form in FORMATS.values())
    raise SpecError(f"report: {target.name!r} has none of the endings {endings}.")


# --- a page of errata -----------------------------------------------------------------------------


def errata_markdown(results: Sequence[Result]) -> str:
    """A page with every claim that is refuted as expected, and the right one that follows it.

    Args:
        results: Of a file in which each wrong formula stands before the right one.
    """
    lines = [
        "# What the notes got wrong",
        "",
        "Generated from `examples/claims/errata.toml` by `make docs`: every line comes from a",
        "verdict: the printed formula is refuted by the point, the right one is proved.",
    ]
    pairs = zip(results, [*results[1:], None], strict=True)
    for wrong, right in pairs:
        if wrong.entry.expect == "refuted":
            lines += ["", *_erratum(wrong, right)]
    return "\n".join(lines) + "\n"


def _erratum(wrong: Result, right: Result | None) -> list[str]:
    verdict = wrong.verdict
    if not isinstance(verdict, Refuted):
        raise SpecError(f"errata: {wrong.entry.name!r} is {wrong.status}; needed refuted.")
    lines = [f"## {wrong.entry.name}", ""]
    about = [text for text in (wrong.entry.source, wrong.entry.note) if text]
    lines += [". ".join(about).rstrip(".") + ".", ""] if about else []
    lines += [f"- Printed: `{verdict.claim}`"]
    if verdict.counterexample is not None:
        lines.append(f"- {str(verdict.counterexample).rstrip('.')}")
    lines += [f"- The claim {slip}." for slip in verdict.diagnosis]
    if verdict.correct:
        lines.append(f"- Right, as derived: `{verdict.correct.rstrip('.')}`")
    if right is not None and right.verdict is not None and right.verdict.proved:
        lines.append(f"- Proved: `{right.verdict.claim}`")
    return lines
