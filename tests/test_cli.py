"""The command line: what it prints, what it writes, and the exit codes that scripts rely on."""

import runpy
import xml.etree.ElementTree as ElementTree

import pytest
from click.testing import CliRunner

from circuitgrad import cli, installation
from circuitgrad.errors import RenderError
from circuitgrad.proofs.report import Report

NEURON = "1/(1+exp(-(w0*x0+w1*x1+w2)))"
POINT = "w0=2,x0=-1,w1=-3,x1=-2,w2=-3"


@pytest.fixture
def call():
    return lambda *arguments: CliRunner().invoke(cli.main, arguments)


def words(text):
    return " ".join(text.split())


def test_explain_shows_every_number_of_the_neuron(call):
    result = call("explain", NEURON, "--at", POINT)
    assert result.exit_code == 0
    assert result.stderr == ""
    told = words(result.stdout)
    assert "f = inv(q) 0.731059 1 ∂f/∂q = −1/q² = −0.534447 −0.534447" in told
    assert "a = mul(w₀, x₀) −2 0.196612 ∂a/∂w₀ = x₀ = −1 −0.196612 ∂a/∂x₀ = w₀ = 2 0.393224" in told
    for name, gradient in {
        "w₀": "−0.1966119332",
        "x₀": "0.3932238665",
        "w₁": "−0.3932238665",
        "x₁": "−0.5898357997",
        "w₂": "0.1966119332",
    }.items():
        (line,) = [line for line in result.stdout.splitlines() if line.startswith(f"∂f/∂{name} = ")]
        assert line.endswith(f" = {gradient}")
    assert "PROVED: 10 of 10 gate records proved" in told


def test_source_is_a_module_for_numpy(call, tmp_path):
    result = call(
        "source", "x @ A @ x", "--shape", "A=n,n,x=n", "--wrt", "x", "--name", "quadratic"
    )
    assert result.exit_code == 0
    path = tmp_path / "quadratic.py"
    path.write_text(result.stdout, encoding="utf-8")
    found = runpy.run_path(str(path))["quadratic"]([1.0, 2.0], [[1.0, 2.0], [3.0, 4.0]])
    assert found["f"] == 27.0
    assert found["∂f/∂x"].tolist() == [12.0, 21.0]


@pytest.mark.parametrize("options", [["--wrt", "y"], ["--name", "2"], ["--shape", "z=3"]])
def test_source_of_bad_input(call, options):
    result = call("source", "x*x", *options)
    assert result.exit_code == 3
    assert result.stdout == ""


def test_explain_without_values_is_symbolic(call):
    result = call("explain", "x**2*y", "--wrt", "x")
    assert result.exit_code == 0
    assert "∂f/∂x = 2xy\n" in result.stdout
    assert "∂f/∂y = x²" not in result.stdout
    assert "downstream" not in result.stdout


def test_several_outputs_may_have_names_and_build_on_each_other(call):
    result = call("explain", "z = w*x + b; f = z**2", "--at", "w=1,x=2,b=3")
    assert result.exit_code == 0
    assert "Output z" in result.stdout
    assert "∂f/∂w = x(2b + 2wx) = 20" in result.stdout


def test_vectors_bring_their_shape(call):
    result = call("explain", "sum(x*x)", "--at", "x=[1,-1/2, 3]")
    assert result.exit_code == 0
    assert "∂f/∂x = [2x₀, 2x₁, 2x₂] = [2, −1, 6]" in result.stdout


def test_named_axes_need_no_values(call):
    result = call("explain", "sum((A@x - b)**2)", "--shape", "A=m,n,x=n,b=m", "--wrt", "x")
    assert result.exit_code == 0
    assert "∂f/∂x: an array (n,)" in result.stdout


def test_a_value_that_is_not_finite_is_named(call):
    result = call("explain", "log(x)*y", "--at", "x=-1,y=2")
    assert "The first value that is not finite is a (log(x))." in result.stdout


def test_the_derivative_at_a_kink_is_said(call):
    assert "relu: 0 at x = 0" in call("explain", "relu(x)", "--at", "x=0").stdout


@pytest.mark.parametrize("ending", ["svg", "png", "dot"])
def test_explain_writes_the_figure(call, tmp_path, ending):
    path = tmp_path / f"neuron.{ending}"
    result = call("explain", NEURON, "--at", POINT, "-o", str(path), "--theme", "dark")
    assert result.exit_code == 0
    assert result.stdout.endswith(f"Figure: {path}\n")
    data = path.read_bytes()
    match ending:
        case "svg":
            assert ElementTree.fromstring(data).tag.endswith("svg")
        case "png":
            assert data.startswith(b"\x89PNG")
        case "dot":
            assert data.startswith(b"digraph")


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["x^2"], "Write x**2"),
        (["foo(x)"], "unknown function 'foo'"),
        (["sgmoid(x)"], "Did you mean sigmoid"),
        (["__import__('os').system('true')"], "functions have plain names"),
        (["x +"], "not an expression"),
        (["1/0*x"], "division by zero"),
        (["1e999999999*x"], "exponents of ten up to 1000"),
        (["x", "--at", "y=2"], "no input is named 'y'"),
        (["x*y", "--at", "x=2"], "input 'y' is missing"),
        (["x", "--at", "x=two"], "value of 'x': got 'two'; needed a number"),
        (["x", "--at", "x"], "needed NAME=VALUE"),
        (["x", "--at", "x=1,x=2"], "'x' is given twice"),
        (["x", "--at", "x=[[1,2],[3]]"], "different lengths"),
        (["x", "--shape", "x=-3"], "axis '-3'"),
        (["x", "--shape", "y=3"], "no input is named 'y'"),
        (["x", "--wrt", "z"], "no input is named 'z'"),
        (["f=x; f=y"], "'f' is defined twice"),
        (["f=g; g=x"], "used before it is defined"),
        (["x", "--theme", "blue"], "'blue' is not one of"),
        (["x", "-o", "figure.txt"], "figure.txt"),
        ([], "Missing argument 'TEXT'"),
    ],
)
def test_bad_input_is_one_line_on_stderr_and_code_3(call, arguments, message):
    result = call("explain", *arguments)
    assert result.exit_code == 3
    assert message in result.stderr
    assert result.stderr.startswith("circuitgrad: ")
    assert result.stderr.count("\n") == 1
    assert "Traceback" not in result.output


def test_a_figure_that_cannot_be_written_is_bad_input(call, tmp_path):
    result = call("explain", "x*y", "-o", str(tmp_path / "missing" / "f.svg"))
    assert result.exit_code == 3
    assert "cannot be written" in result.stderr


@pytest.mark.parametrize(("status", "code"), [("PROVED", 0), ("REFUTED", 1), ("UNDECIDED", 2)])
def test_the_exit_code_is_the_verdict(call, monkeypatch, status, code):
    from circuitgrad.proofs.verdicts import Status

    monkeypatch.setattr(Report, "status", property(lambda report: Status[status]))
    assert call("explain", "x*y").exit_code == code


def test_gates_lists_all_of_them_proved(call):
    result = call("gates")
    assert result.exit_code == 0
    lines = result.stdout.splitlines()[2:]
    assert len(lines) > 70
    assert all(line.split()[-2:] == ["proved", "proved"] for line in lines)


def test_gates_tells_all_of_one_gate(call):
    told = words(call("gates", "relu").stdout)
    assert "policy" not in told
    assert "at a kink 0 at x = 0" in told
    assert "1st order proved" in told
    assert "2nd order proved" in told


def test_an_unknown_gate_is_bad_input(call):
    result = call("gates", "sigmoit")
    assert result.exit_code == 3
    assert "Did you mean sigmoid" in result.stderr


def test_doctor_draws_a_figure(call, tmp_path):
    path = tmp_path / "test.svg"
    result = call("doctor", "-o", str(path))
    assert result.exit_code == 0
    assert path.read_text(encoding="utf-8").startswith("<")
    told = words(result.stdout)
    for name in ("Python", "circuitgrad", "numpy", "sympy", "layout"):
        assert name in told


def test_doctor_fails_where_no_figure_can_be_drawn(call, monkeypatch):
    def refuse(path):
        raise RenderError("figure: no engine.")

    monkeypatch.setattr(installation, "draw_test_figure", refuse)
    result = call("doctor")
    assert result.exit_code == 1
    assert "not drawn: figure: no engine." in result.stderr


@pytest.mark.parametrize("command", [[], ["explain"], ["gates"], ["doctor"]])
def test_help_names_the_exit_codes(call, command):
    result = call(*command, "--help")
    assert result.exit_code == 0
    assert "Exit codes:" in result.stdout


def test_without_a_command_there_is_help(call):
    result = call()
    assert result.exit_code == 0
    assert "Usage:" in result.stdout


def test_unknown_commands_and_options_are_bad_input(call):
    assert call("explane").exit_code == 3
    assert call("--nonsense").exit_code == 3
