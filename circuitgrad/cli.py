"""The command line: explain a formula, write it as code, list the gates, check what is there."""

from __future__ import annotations

import io
import pathlib
import sys
import tempfile
from collections.abc import Mapping, Sequence
from importlib import metadata
from typing import Any, Final, NoReturn

import click
import numpy as np

from circuitgrad import installation, reference
from circuitgrad.assignments import parse_circuit, parse_shapes, parse_values
from circuitgrad.circuits import Circuit
from circuitgrad.claim_commands import check_command
from circuitgrad.errors import CircuitError, RenderError, SpecError
from circuitgrad.explanation import explain
from circuitgrad.plans.run import Run
from circuitgrad.proofs.report import verify
from circuitgrad.proofs.verdicts import Status
from circuitgrad.spec import Shape

PROVED, REFUTED, UNDECIDED, BAD_INPUT = 0, 1, 2, 3
NO_FIGURE: Final = 1
_CODES: Final = {Status.PROVED: PROVED, Status.REFUTED: REFUTED}


class Program(click.Group):
    """A group of commands whose errors are one line on stderr, with exit code 3."""

    def main(self, *args: Any, **options: Any) -> NoReturn:
        """Runs the command and exits with its code."""
        _write_what_the_terminal_can_show()
        try:
            code = super().main(*args, **{**options, "standalone_mode": False})
        except click.ClickException as error:
            _fail(error.format_message(), error)
        except click.Abort:
            click.echo("circuitgrad: stopped", err=True)
            sys.exit(130)
        except MemoryError as error:
            _fail(f"the arrays do not fit into memory: {error}. Use smaller shapes.")
        except (CircuitError, OSError, RecursionError) as error:
            _fail(str(error))
        sys.exit(code if isinstance(code, int) else 0)


def _fail(message: str, usage: click.ClickException | None = None) -> NoReturn:
    """Says what is wrong in one line and exits."""
    text = " ".join(message.split())
    context = getattr(usage, "ctx", None)
    hint = f" Try '{context.command_path} --help'." if context is not None else ""
    click.echo(f"circuitgrad: {text}{hint}", err=True)
    sys.exit(BAD_INPUT)


def _write_what_the_terminal_can_show() -> None:
    """Makes the streams put a mark for characters that their encoding lacks, instead of failing."""
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors="replace")


@click.group(
    cls=Program,
    invoke_without_command=True,
    context_settings={"help_option_names": ["-h", "--help"]},
)
@click.version_option(metadata.version("circuitgrad"), prog_name="circuitgrad")
@click.pass_context
def main(context: click.Context) -> None:
    r"""Circuits of gates: run, differentiate, prove and draw formulas.

    \b
    Exit codes:
      0  success (check, explain, gates: everything is proved)
      1  check, explain, gates: something is refuted; doctor: no figure can be drawn
      2  check, explain, gates: undecided
      3  the input was not understood, or a file could not be written
    """
    if context.invoked_subcommand is None:
        click.echo(context.get_help())


@main.command("explain", short_help="Explain, prove and draw a formula.")
@click.argument("text")
@click.option(
    "--at", "values", multiple=True, metavar="NAME=VALUE,...", help="Values of the inputs."
)
@click.option("--wrt", multiple=True, metavar="NAME,...", help="Gradients by these inputs only.")
@click.option(
    "--shape", "shapes", multiple=True, metavar="NAME=AXES,...", help="Shapes of the inputs."
)
@click.option(
    "-o", "--output", "figure", type=click.Path(path_type=pathlib.Path), metavar="FILE",
    help="Write the figure: .svg, .png, .pdf, .html, .tex, .json, .dot, .gif.",
)  # fmt: skip
@click.option(
    "--theme", type=click.Choice(["auto", "light", "dark"]), default="auto", show_default=True,
    help="Colours of the figure; auto follows the reader's system.",
)  # fmt: skip
@click.option(
    "--detail", type=click.Choice(["0", "1", "2"]), default="2", show_default=True,
    help="0: values and gradients; 1: also their factors; 2: also local gradients.",
)  # fmt: skip
def explain_command(
    text: str,
    values: tuple[str, ...],
    wrt: tuple[str, ...],
    shapes: tuple[str, ...],
    figure: pathlib.Path | None,
    theme: str,
    detail: str,
) -> int:
    r"""Explain the formula TEXT as a circuit, gate by gate, and prove its gradients.

    TEXT is one formula or several separated by ';', each perhaps with a name:
    "z = w*x + b; f = tanh(z)". It may use + - * / ** @, comparisons, x[0], x.T, pi and e, and
    functions such as exp, log, sin, tanh, sqrt, max, where, sum, sigmoid, relu, softmax. It is
    read, never run as code.

    \b
    Values (--at):   w=2,x=-1/2         numbers, or arithmetic on numbers
                     x=[1,2,3]          a vector; quote brackets for your shell
                     A=[[1,0],[0,1]]    a matrix, row by row
    Without values the explanation is symbolic.

    \b
    Shapes (--shape): x=3,A=m,n         axes are sizes or names; not needed
                                        for inputs that have a value

    \b
    Exit codes: 0 proved, 1 refuted, 2 undecided, 3 bad input

    \b
    Examples:
      circuitgrad explain "x**2*y"
      circuitgrad explain "1/(1+exp(-(w*x+b)))" --at w=2,x=-1,b=0.5 -o neuron.svg
      circuitgrad explain "sum((A@x - b)**2)" --shape A=m,n,x=n,b=m --wrt x
    """
    numbers = parse_values(values)
    circuit = parse_circuit(text, _shapes(parse_shapes(shapes), numbers))
    with np.errstate(all="ignore"):  # the explanation names the first value that is not finite
        run = circuit.run(**numbers) if numbers or not circuit.inputs else None
        click.echo(explain(circuit, run, _names(wrt)))
        report = verify(circuit)
        click.echo(f"\nProof\n\n{report}")
        if figure is not None:
            _draw(circuit, run, figure, theme=theme, detail=int(detail))
    return _CODES.get(report.status, UNDECIDED)


@main.command("source", short_help="Write a formula as a module that needs only NumPy.")
@click.argument("text")
@click.option(
    "--shape", "shapes", multiple=True, metavar="NAME=AXES,...", help="Shapes of the inputs."
)
@click.option("--wrt", multiple=True, metavar="NAME,...", help="Gradients by these inputs too.")
@click.option("--name", help="The function's name; that of the output by default.")
def source_command(
    text: str, shapes: tuple[str, ...], wrt: tuple[str, ...], name: str | None
) -> int:
    r"""Write the formula TEXT, and gradients beside it, as a Python module that needs only NumPy.

    \b
    Exit codes: 0 written, 3 bad input

    \b
    Example:
      circuitgrad source "x @ A @ x" --shape A=n,n,x=n --wrt x > quadratic.py
    """
    circuit = parse_circuit(text, parse_shapes(shapes))
    click.echo(circuit.numpy_source(name, _names(wrt)), nl=False)
    return 0


def _names(given: Sequence[str]) -> list[str] | None:
    """The names in options such as --wrt x,y; None where there are none."""
    return [part.strip() for names in given for part in names.split(",") if part.strip()] or None


def _shapes(declared: Mapping[str, Shape], values: Mapping[str, Any]) -> dict[str, Shape]:
    """The shapes that were declared, and for other inputs those of their values."""
    shapes = dict(declared)
    for name, value in values.items():
        try:
            shape: Shape = np.shape(value)
        except ValueError:
            raise SpecError(f"value of '{name}': its rows have different lengths.") from None
        if shape:
            shapes.setdefault(name, shape)
    return shapes


def _draw(circuit: Circuit, run: Run | None, path: pathlib.Path, **options: Any) -> None:
    """Writes the figure and says where."""
    try:
        saved = circuit.draw(run=run, **options).save(path)
    except OSError as error:
        raise RenderError(f"figure: {path} cannot be written: {error.strerror or error}.") from None
    click.echo(f"\nFigure: {saved}")


@main.command("gates", short_help="List the gates with their proofs.")
@click.argument("names", nargs=-1)
@click.option("--markdown", is_flag=True, help="Write the page docs/gates.md instead.")
def gates_command(names: Sequence[str], markdown: bool) -> int:
    r"""List the gates: formula, derivative, what holds at kinks, and the proofs, done anew.

    With NAMES, all that is known of these gates.

    \b
    Exit codes: 0 all proved, 1 one is refuted, 2 one is undecided, 3 bad input
    """
    gates = reference.chosen_gates(names)
    if markdown and names:
        raise SpecError("gates: --markdown writes the whole page. Leave out the names.")
    if markdown:
        click.echo(reference.gates_markdown(), nl=False)
    elif names:
        click.echo("\n\n".join(reference.gate_text(gate) for gate in gates))
    else:
        click.echo(reference.gates_text(gates))
    return _CODES.get(reference.status_of(gates), UNDECIDED)


main.add_command(check_command)


@main.command("doctor", short_help="Say what is installed, and draw a test figure.")
@click.option(
    "-o", "--output", "figure", type=click.Path(path_type=pathlib.Path), metavar="FILE",
    help="Where the test figure goes; a temporary file by default.",
)  # fmt: skip
def doctor_command(figure: pathlib.Path | None) -> int:
    r"""Say what is installed, and draw a test figure.

    \b
    Exit codes: 0 the figure was drawn, 1 it was not, 3 bad input
    """
    for line in (*installation.versions(), *installation.engines()):
        click.echo(line)
    path = figure or pathlib.Path(tempfile.mkdtemp(prefix="circuitgrad-")) / "neuron.svg"
    try:
        installation.draw_test_figure(path)
    except (CircuitError, OSError) as error:
        click.echo(f"figure         not drawn: {error}", err=True)
        return NO_FIGURE
    click.echo(f"figure         {path}")
    return 0
