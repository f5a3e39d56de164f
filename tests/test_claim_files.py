"""Files of claims and the command line: exit codes, reports, and what a wrong file is told."""

import html.parser
import json
import re
import xml.etree.ElementTree as ElementTree

import pytest
from click.testing import CliRunner

import circuitgrad as cg
from circuitgrad import cli
from circuitgrad.claims.files import check_claims, read_claims
from circuitgrad.claims.reports import save_report, summary

NOTES = """
title = "Lecture 3 <script>alert('&')</script> 100 % of $x_1$"

[[claim]]
name = "quadratic form & more"
source = "p. 7"
function = "x @ A @ x"
wrt = "x"
claim = "(A + A.T) @ x"
shapes = { x = "n", A = "n n" }

[[claim]]
name = "sigmoid"
function = "1/(1 + exp(-z))"
wrt = "z"
claim = "-exp(-z)/(1 + exp(-z))"
expect = "refuted"
note = "sign lost"

[[claim]]
name = "identity"
first = "1 - tanh(x)**2"
second = "1/cosh(x)**2"

[[claim]]
name = "curvature"
kind = "hessian"
function = "x'*A*x"
wrt = "x"
claim = "A + A'"
language = "matlab"
shapes = { x = ["n"], A = ["n", "n"] }
assuming = ["A symmetric"]
"""


@pytest.fixture
def notes(tmp_path):
    path = tmp_path / "notes.toml"
    path.write_text(NOTES, encoding="utf-8")
    return path


@pytest.fixture
def call():
    return lambda *arguments: CliRunner().invoke(cli.main, ["check", *map(str, arguments)])


# --- one claim ------------------------------------------------------------------------------------

FORM = ("x @ A @ x", "--wrt", "x", "--shape", "x=n,A=n,n")


@pytest.mark.parametrize(
    ("arguments", "code", "told"),
    [
        ((*FORM, "--claim", "(A + A.T)@x"), 0, "Proved"),
        ((*FORM, "--claim", "2*A@x"), 1, "holds if A is symmetric"),
        ((*FORM, "--claim", "2*A@x", "--assuming", "A symmetric"), 0, "Assuming A symmetric"),
        (("exp(x)", "--claim", "exp(x) + 0", "--kind", "equal"), 0, "Proved"),
        (("x**3", "--wrt", "x", "--claim", "6*x", "--kind", "hessian"), 0, "Proved"),
        (("x.^2", "--wrt", "x", "--claim", "2*diag(x)", "--kind", "jacobian", "--language",
          "matlab", "--shape", "x=n"), 0, "Proved"),
        (("inv(A + B) @ (A + B)", "--claim", "eye(n)", "--kind", "equal", "--shape",
          "A=n,n", "--shape", "B=n,n"), 2, "evidence, no proof"),
        (("x**2", "--wrt", "x"), 3, "the claim is missing"),
        (("x**2", "--claim", "2*x"), 3, "the input is missing"),
        (("x**2", "--wrt", "y", "--claim", "2*x"), 3, "is no input"),
        (("x**", "--wrt", "x", "--claim", "2*x"), 3, "x**"),
        (("x", "--wrt", "x", "--claim", "1", "-o", "a.html"), 3, "reports are of files"),
        (("x", "--wrt", "x", "--claim", "1", "--shape", "x"), 3, ""),
        (("missing.toml",), 3, "missing.toml"),
        (("missing.json",), 3, "missing.json"),
    ],
)  # fmt: skip
def test_exit_codes_say_what_became_of_a_claim(call, arguments, code, told):
    result = call(*arguments)
    assert result.exit_code == code, result.output
    assert told in result.output
    assert "Traceback" not in result.output


def test_a_certificate_is_checked_by_the_same_command(call, tmp_path):
    path = tmp_path / "certificate.json"
    record = cg.check("x**2", "x", "2*x").certificate()
    path.write_text(json.dumps(record), encoding="utf-8")
    assert call(path).exit_code == 0
    path.write_text(json.dumps({**record, "status": "refuted"}), encoding="utf-8")
    assert call(path).exit_code not in (0, 1, 2)
    path.write_text("{", encoding="utf-8")
    assert call(path).exit_code == 3


# --- files ----------------------------------------------------------------------------------------


def test_a_file_whose_verdicts_are_all_expected_exits_with_zero(call, notes):
    result = call(notes)
    assert result.exit_code == 0
    assert "4 claims: 3 proved, 1 refuted; all as expected." in result.output


@pytest.mark.parametrize(
    ("old", "new", "code"),
    [
        ('claim = "(A + A.T) @ x"', 'claim = "2*A @ x"', 1),
        ('expect = "refuted"', "", 1),
        ('second = "1/cosh(x)**2"', 'second = "1/cosh(x)**2"\nexpect = "refuted"', 1),
        ('first = "1 - tanh(x)**2"', 'first = "1 - tanh(q(x))**2"', 3),
        ('wrt = "z"', 'wrt = "w"', 3),
    ],
)
def test_a_file_with_a_surprise_exits_with_the_code_of_it(call, notes, old, new, code):
    notes.write_text(NOTES.replace(old, new), encoding="utf-8")
    assert call(notes).exit_code == code


ONE = 'function = "x**2"\nwrt = "x"\nclaim = "2*x"\n'


@pytest.mark.parametrize(
    ("text", "match"),
    [
        ("", r"no claims; needed tables that begin with \[\[claim\]\]"),
        ("claim = 3", r"no claims"),
        ("claim = [3]", r"needed a table"),
        ("[[claim]", r"not TOML"),
        ("titel = 'x'\n[[claim]]\n" + ONE, r"unknown key 'titel'. Did you mean title"),
        ("budget = 0\n[[claim]]\n" + ONE, r"budget is 0; needed a number of seconds"),
        ("budget = true\n[[claim]]\n" + ONE, r"budget is True"),
        ("budget = 'long'\n[[claim]]\n" + ONE, r"budget is 'long'"),
        ("[[claim]]\n" + ONE + "colour = 3", r"claim 1 \(claim 1\): unknown key 'colour'"),
        ("[[claim]]\nwrt = 'x'\nclaim = 'x'", r"'function' is missing; needed a text"),
        ("[[claim]]\nfunction = 'x'\nclaim = 'x'", r"'wrt' is missing"),
        ("[[claim]]\nfunction = 3\nwrt = 'x'\nclaim = 'x'", r"'function' is missing"),
        ("[[claim]]\nfirst = 'x'", r"'second' is missing"),
        ("[[claim]]\nfirst = 'x'\nsecond = 'x'\nwrt = 'x'", r"unknown key 'wrt'"),
        ("[[claim]]\n" + ONE + "expect = 'maybe'", r"needed one of proved, refuted, undecided"),
        ("[[claim]]\n" + ONE + "kind = 'third'", r"needed one of gradient, jacobian, hessian"),
        (
            "[[claim]]\nname='a'\n" + ONE + "[[claim]]\nname='a'\n" + ONE,
            r"two claims are named 'a'",
        ),
    ],
)
def test_a_file_that_is_wrong_is_told_where(tmp_path, call, text, match):
    path = tmp_path / "wrong.toml"
    path.write_text(text, encoding="utf-8")
    with pytest.raises(cg.SpecError, match=match):
        read_claims(path)
    result = call(path)
    assert result.exit_code == 3
    assert "Traceback" not in result.output


def test_a_file_that_is_no_text_is_refused(tmp_path):
    path = tmp_path / "wrong.toml"
    path.write_bytes(b"\xff\xfe\x00")
    with pytest.raises(cg.SpecError, match=r"not TOML"):
        read_claims(path)


@pytest.mark.parametrize(
    "line",
    [
        "shapes = 3", "shapes = 'n'", "shapes = { x = 'n?' }", "shapes = { x = {} }",
        "shapes = { q = 'n' }", "assuming = 3", "assuming = [3]", "assuming = 'x is nice'",
        "layout = 'upright'", "layout = 3", "language = 'latin'", "structure = 'round'",
    ],
)  # fmt: skip
def test_a_claim_that_cannot_be_read_does_not_stop_the_others(tmp_path, line):
    path = tmp_path / "claims.toml"
    other = ONE.replace("x", "y")
    path.write_text(f"[[claim]]\n{ONE}{line}\n[[claim]]\n{other}", encoding="utf-8")
    first, second = check_claims(read_claims(path))
    assert first.status == "unreadable"
    assert first.error
    assert second.status == "proved"


# --- reports --------------------------------------------------------------------------------------


@pytest.fixture
def reports(notes, tmp_path):
    """The text of every report of the notes, one claim of them unreadable and one wrong."""
    changed = NOTES.replace('expect = "refuted"', "").replace("1/cosh(x)**2", "q(\x0bx)")
    notes.write_text(changed.replace("\x0b", "\\u000b"), encoding="utf-8")
    claims = read_claims(notes)
    results = list(check_claims(claims))
    assert "1 not as expected" not in summary(results)
    return {
        ending: save_report(claims, results, tmp_path / f"report.{ending}").read_text("utf-8")
        for ending in ("txt", "html", "json", "tex", "xml")
    }


def test_control_characters_in_names_leave_the_xml_whole(notes, tmp_path):
    title = 'title = "a \\u0001 <b>"\n[[claim]]\nname = "c \\u0007"\nfirst = "x"\nsecond = "x"\n'
    notes.write_text(title, encoding="utf-8")
    claims = read_claims(notes)
    path = save_report(claims, list(check_claims(claims)), tmp_path / "report.xml")
    (case,) = ElementTree.parse(path).getroot().iter("testcase")
    assert case.get("name") == "c "


def test_the_text_report_says_everything(reports):
    assert "✓ quadratic form & more: proved   [p. 7]" in reports["txt"]
    assert "✗ sigmoid: refuted   (expected: proved)" in reports["txt"]
    assert "sign lost" in reports["txt"]
    assert "! identity: unreadable" in reports["txt"]


def test_the_html_report_is_escaped(reports):
    class Reader(html.parser.HTMLParser):
        tags, depth = set(), 0

        def handle_starttag(self, tag, attrs):
            self.tags.add(tag)

    reader = Reader()
    reader.feed(reports["html"])
    assert "script" not in reader.tags
    assert "&lt;script&gt;" in reports["html"]
    assert "quadratic form &amp; more" in reports["html"]
    assert {"table", "h1", "title"} <= reader.tags


def test_the_json_report_holds_certificates(reports):
    data = json.loads(reports["json"])
    assert [claim["status"] for claim in data["claims"]] == [
        "proved", "refuted", "unreadable", "proved",
    ]  # fmt: skip
    for claim in data["claims"]:
        assert claim["certificate"] is None or cg.replay(claim["certificate"])


def test_the_latex_report_has_no_bare_special_characters(reports):
    text = reports["tex"]
    assert r"100 \% of \$x\_1\$" in text
    body = text.split(r"\section*")[1]
    assert not re.search(r"(?<!\\)[%#$]", body)
    assert text.count(r"\begin{longtable}") == text.count(r"\end{longtable}") == 1
    plain = re.sub(r"\\[{}]", "", text)
    assert plain.count("{") == plain.count("}")
    for row in [line for line in text.splitlines() if line.endswith(r"\\")]:
        assert len(re.findall(r"(?<!\\)&", row)) == 2


def test_the_junit_report_parses_and_counts(reports):
    suite = ElementTree.fromstring(reports["xml"])
    assert suite.tag == "testsuite"
    assert suite.get("tests") == "4"
    assert suite.get("failures") == "1"
    assert suite.get("errors") == "1"
    assert [case.get("name") for case in suite][1] == "sigmoid"
    assert suite[1][0].tag == "failure"
    assert "Counterexample" in suite[1][0].text


def test_a_report_of_another_ending_is_refused(notes, tmp_path):
    claims = read_claims(notes)
    with pytest.raises(cg.SpecError, match=r"none of the endings"):
        save_report(claims, [], tmp_path / "report.docx")


def test_the_command_writes_reports(call, notes, tmp_path):
    outputs = [tmp_path / "a.html", tmp_path / "b.xml"]
    result = call(notes, "-o", outputs[0], "-o", outputs[1])
    assert result.exit_code == 0
    assert all(output.exists() for output in outputs)
