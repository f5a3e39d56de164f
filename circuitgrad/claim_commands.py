"""The command `circuitgrad check`: one claim, or a file of them."""

from __future__ import annotations

import pathlib

import click

from circuitgrad.assignments import parse_shapes
from circuitgrad.claims.certificates import replay
from circuitgrad.claims.decision import decided
from circuitgrad.claims.files import check_claims, read_claims, status_of
from circuitgrad.claims.languages import LANGUAGES
from circuitgrad.claims.readings import derivative, equality
from circuitgrad.claims.reports import result_text, save_report, summary
from circuitgrad.errors import SpecError
from circuitgrad.proofs.verdicts import Status

CODES = {Status.PROVED: 0, Status.REFUTED: 1}
UNDECIDED, BAD_INPUT = 2, 3
_KINDS = ("gradient", "jacobian", "hessian", "equal")


@click.command("check", short_help="Prove or refute a formula that someone derived.")
@click.argument("text")
@click.option("--wrt", metavar="NAME", help="The input to differentiate by.")
@click.option("--claim", metavar="FORMULA", help="The derivative that is claimed.")
@click.option(
    "--shape", "shapes", multiple=True, metavar="NAME=AXES,...", help="Shapes of the inputs."
)
@click.option("--assuming", multiple=True, metavar="FACT", help="As 'x > 0' or 'A symmetric'.")
@click.option(
    "--kind", type=click.Choice(_KINDS), default="gradient", show_default=True,
    help="What is claimed; equal: that TEXT equals the claim.",
)  # fmt: skip
@click.option("--layout", type=click.Choice(["numerator", "denominator"]))
@click.option("--language", type=click.Choice(list(LANGUAGES)), help="Python by default.")
@click.option("--budget", type=click.FloatRange(0, min_open=True), default=10.0, show_default=True)
@click.option(
    "-o", "--output", "outputs", multiple=True, type=click.Path(path_type=pathlib.Path),
    metavar="FILE", help="Report of a file of claims: .txt, .html, .json, .tex or .xml (JUnit).",
)  # fmt: skip
def check_command(
    text: str,
    wrt: str | None,
    claim: str | None,
    shapes: tuple[str, ...],
    assuming: tuple[str, ...],
    kind: str,
    layout: str | None,
    language: str | None,
    budget: float,
    outputs: tuple[pathlib.Path, ...],
) -> int:
    r"""Prove or refute a derivative.

    TEXT is the function, or a file of claims in TOML, or a certificate in JSON.

    \b
    Exit codes: 0 proved, 1 refuted, 2 undecided, 3 bad input
    (of a file: 0 if every verdict is the expected one)

    \b
    Examples:
      circuitgrad check "x @ A @ x" --wrt x --claim "2*A@x" --shape x=n,A=n,n
      circuitgrad check "x'*A*x" --wrt x --claim "(A+A')*x" --shape x=n,A=n,n --language matlab
      circuitgrad check claims.toml -o report.html -o report.xml
    """
    if text.endswith((".toml", ".json")):
        return _check_file(pathlib.Path(text), outputs)
    if outputs:
        raise SpecError(
            "check: reports are of files of claims. Print the verdict, or write a file."
        )
    if claim is None:
        raise SpecError("check: the claim is missing. Give it as --claim 'FORMULA'.")
    axes = parse_shapes(shapes)
    if kind == "equal":
        statement = equality(text, claim, axes, assuming, language)
    elif wrt is None:
        raise SpecError("check: the input is missing. Give it as --wrt NAME.")
    else:
        statement = derivative(kind, text, wrt, claim, axes, assuming, layout, language)
    verdict = decided(statement, budget)
    click.echo(str(verdict))
    return CODES.get(verdict.status, UNDECIDED)


def _check_file(path: pathlib.Path, outputs: tuple[pathlib.Path, ...]) -> int:
    if path.suffix == ".json":
        click.echo(f"The certificate holds: {replay(path)}")
        return CODES[Status.PROVED]
    claims = read_claims(path)
    results = []
    click.echo(f"{claims.title}\n")
    for result in check_claims(claims):
        results.append(result)
        click.echo(f"{result_text(result)}\n")
    click.echo(summary(results))
    for output in outputs:
        click.echo(f"Report: {save_report(claims, results, output)}")
    if any(result.verdict is None and not result.is_expected for result in results):
        return BAD_INPUT
    return CODES.get(status_of(results), UNDECIDED)
