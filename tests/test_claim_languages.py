"""The languages of claims: MATLAB's for every size, SymPy, code, and texts that are refused."""

import json
import time
from pathlib import Path

import numpy as np
import pytest
import sympy as sp

import circuitgrad as cg
from circuitgrad.claims.languages import language_of

IDENTITIES = json.loads(
    (Path(__file__).parent / "data" / "matrix_identities.json").read_text(encoding="utf-8")
)["identities"]
CHECKS = {"gradient": cg.check, "jacobian": cg.check_jacobian, "hessian": cg.check_hessian}


def shapes_of(claim):
    return {
        name: [int(axis) if axis.isdecimal() else axis for axis in dims.split(",")]
        for name, dims in claim["dims"].items()
    }


def verdict_on(claim):
    facts = [f"{n} is {word}" for n, words in claim["assumptions"].items() for word in words]
    structured = claim["kind"] == "structured_symmetric"
    options = {"structure": "symmetric"} if structured else {}
    return CHECKS["gradient" if structured else claim["kind"]](
        claim["expression"], claim["wrt"], claim["derivative"], language="matlab",
        shapes=shapes_of(claim), assuming=facts, **options,
    )  # fmt: skip


@pytest.mark.parametrize("claim", IDENTITIES, ids=lambda claim: claim["id"])
def test_published_matrix_identities_are_judged_right_for_every_size(claim):
    verdict = verdict_on(claim)
    assert verdict.proved is claim["true"], str(verdict)
    assert verdict.refuted is not claim["true"]
    if claim["true"]:
        assert verdict.scope.startswith("for every ")


# The functions of the wrong identities and the claims about them, written in NumPy by hand.
WRONG = {
    "f06": (lambda X: np.trace(X @ X @ X @ X), lambda X: 4 * X @ X @ X),
    "f07": (lambda A, x: A @ x, lambda A, x: A.T),
    "f10": (lambda A, X, B: np.trace(A @ X @ B @ X), lambda A, X, B: 2 * A.T @ X.T @ B.T),
    "f12": (
        lambda x, A, s, W: (x - A @ s) @ W @ (x - A @ s),
        lambda x, A, s, W: 2 * A.T @ W @ (x - A @ s),
    ),
    "f18": (lambda x, a: x * (x @ a), lambda x, a: 2 * np.outer(x, a)),
    "f20": (
        lambda A, X, B: np.trace(A @ np.linalg.inv(X) @ B),
        lambda A, X, B: -np.linalg.inv(X) @ B @ A @ np.linalg.inv(X),
    ),
}


@pytest.mark.parametrize("name", sorted(WRONG))
def test_matrix_counterexamples_hold_by_finite_differences(name):
    claim = next(claim for claim in IDENTITIES if claim["id"] == name)
    example = verdict_on(claim).counterexample
    exact = {n: np.array(value, dtype=object) for n, value in example.point.items()}
    point = {n: np.vectorize(lambda v: float(sp.Rational(v)))(a) for n, a in exact.items()}
    function, claimed = WRONG[name]
    right = differences(function, point, claim["wrt"])
    stated = claimed(**point)
    np.testing.assert_allclose(example.claimed_value, stated, rtol=1e-9, atol=1e-12)
    np.testing.assert_allclose(example.correct_value, right, rtol=1e-5, atol=1e-5)
    assert abs(right[example.entry] - stated[example.entry]) > 1e-3


def differences(function, point, wrt, step=1e-5):
    """Central differences by every entry of one argument; axes (output, argument)."""
    columns = []
    for index in np.ndindex(point[wrt].shape):
        move = np.zeros(point[wrt].shape)
        move[index] = step
        up, down = (function(**{**point, wrt: point[wrt] + s * move}) for s in (1, -1))
        columns.append((np.asarray(up) - np.asarray(down)) / (2 * step))
    return np.stack(columns, axis=-1).reshape(*columns[0].shape, *point[wrt].shape)


def test_matlab_is_turned_into_the_language_of_formulas():
    matlab = language_of("matlab")
    shapes = {"A": ("m", "n"), "x": ("n",), "y": ("n",)}
    assert matlab.text("x'*y", shapes) == "(x) @ (y)"
    assert cg.check_equal("A*x", "A*(x + y) - A*y", language="matlab", A="m n", x="n", y="n").proved
    assert cg.check_equal("x*y'", "(y*x')'", language="matlab", x="n", y="n").proved
    assert cg.check_equal("A\\x", "inv(A)*x", language="matlab", A="n n", x="n").proved
    assert cg.check_equal("A^3", "A*A*A", language="matlab", A="n n").proved
    assert cg.check_equal("sum(x.^2)", "norm2(x)^2", language="matlab", x="n").proved
    assert cg.check_equal("eye(n)*x", "x", language="matlab", x="n").proved
    assert cg.check_equal("ones(n,1)'*x", "sum(x)", language="matlab", x="n").proved


@pytest.mark.parametrize(
    ("text", "match"),
    [
        ("x*y", r"a column times a column. Transpose one of them"),
        ("x/A", r"'/' needs a scalar on its right. Write inv\(A\) or './'"),
        ("x^2", r"'\^' is said of a vector. Write '\.\^'"),
        ("x + A", r"a column and a matrix entry by entry"),
        ("foo(x)", r"unknown function 'foo'. Known: "),
        ("inv(x)", r"'inv' of a column"),
        ("(x", r"needed \), got the end"),
        ("x y", r"'y' is left over"),
        ("x $ y", r"'\$' is not part of it"),
        ("", r"it is empty"),
        ("*x", r"'\*' where a name"),
        ("exp(x, y)", r"'exp' takes one argument"),
        ("x.^y", r"an exponent must be a scalar"),
    ],
)
def test_matlab_that_is_not_understood_is_refused(text, match):
    with pytest.raises(cg.SpecError, match=match):
        cg.check_equal(text, "x", language="matlab", x="n", y="n", A="n n")


# --- other things than text -----------------------------------------------------------------------


def test_functions_circuits_and_sympy_may_be_sides():
    x = sp.Symbol("x")
    wire = cg.input("x")
    circuit = cg.circuit(f=np.tanh(wire))

    def tanh(x):
        return np.tanh(x)

    for function in ("tanh(x)", sp.tanh(x), circuit, tanh, lambda x: np.tanh(x)):
        for claim in ("1 - tanh(x)**2", 1 / sp.cosh(x) ** 2, lambda x: 1 - np.tanh(x) ** 2):
            assert cg.check(function, "x", claim).proved
        assert cg.check(function, wire, lambda x: 0.999 * (1 - np.tanh(x) ** 2)).refuted
        assert cg.check(function, x, "tanh(x)").refuted


def test_numpy_code_of_arrays_is_read():
    def loss(w, X, y):
        error = X @ w - y
        return error @ error / 2

    right = cg.check(loss, "w", lambda w, X, y: X.T @ (X @ w - y), w="n", X="m n", y="m")
    wrong = cg.check(loss, "w", lambda w, X, y: X.T @ (y - X @ w), w="n", X="m n", y="m")
    assert right.proved
    assert wrong.refuted
    assert "−1 ×" in str(wrong)


def test_numbers_and_arrays_may_be_claims():
    assert cg.check("3*x", "x", 3).proved
    assert cg.check("3*x", "x", 3.0000001).refuted
    assert cg.check("sum(x)", "x", np.ones(4), x="4").proved
    assert cg.check("sum(x)", "x", np.array([1.0, 1.0, 2.0]), x="3").refuted


@pytest.mark.parametrize(
    ("arguments", "options", "match"),
    [
        (("x**2", "y", "2*x"), {}, r"wrt='y' is no input"),
        (("x**2", "x", "2*xx"), {"x": "n"}, r"scalar"),
        (("sum(x)", "x", "ones(n)"), {"x": "n", "z": "n"}, r"'z' has a shape but stands in no"),
        (("x**2", "x", "2*x"), {"layout": "sideways"}, r"needed 'numerator' or 'denominator'"),
        (("x**2", "x", "2*x"), {"language": "fortran"}, r"needed one of 'python', 'matlab'"),
        (("x**2", "x", "2*x"), {"assuming": "q > 0"}, r"'q' is no input"),
        (("x**2", "x", "2*x"), {"assuming": "x is pretty"}, r"not understood"),
        (("x**2", "x", "2*x"), {"assuming": 3}, r"(?s)."),
        (("x**2", "x", "2*x"), {"assuming": [3]}, r"needed text such as"),
        (("x", "x", "x"), {"x": "n"}, r"needed a scalar"),
        (("sum(x)", "x", "x"), {"x": "n n n?"}, r"shape of 'x'"),
        (("sum(x)", "x", "x"), {"x": object()}, r"shape of 'x'"),
        (("x +* 2", "x", "x"), {}, r"x \+\* 2"),
        (("x**2", "x", None), {}, r"claim: got NoneType; needed text"),
        (("x**2", "x", {}), {}, r"claim: got dict"),
        (("x @ A @ x", "x", "A @ y"), {"x": "n", "A": "n n"}, r"."),
        (("sum(A @ x)", "x", "A"), {"x": "k", "A": "m n"}, r"."),
        (("f(x)", "x", "x"), {}, r"'f'"),
        (("tr(A)", "A", "eye(n)"), {"A": "n n", "structure": "round"}, r"needed 'symmetric'"),
        (("sum(A)", "A", "A"), {"A": "m n", "structure": "symmetric"}, r"no square matrix"),
        (("sum(A)", "A", "A"), {"A": "m n", "assuming": "A symmetric"}, r"square"),
    ],
)
def test_what_cannot_be_read_is_refused_with_a_reason(arguments, options, match):
    with pytest.raises((cg.CircuitError, TypeError), match=match):
        cg.check(*arguments, **options)


def test_code_that_decides_by_values_is_refused_with_the_way_out():
    with pytest.raises(cg.SpecError, match=r"Use cg.check_numerically"):
        cg.check(lambda x: x if x > 0 else -x, "x", "sign(x)")
    assert cg.check_equal(cg.circuit(f=cg.input("x") ** 2), lambda y: y).refuted


# --- hostile text ---------------------------------------------------------------------------------

HOSTILE = [
    "__import__('os').system('true')",
    "().__class__.__bases__[0]",
    "x.__class__",
    "(lambda: 0)()",
    "lambda",
    "[x for x in (1,)]",
    "x; x",
    "x = 3",
    "10**10**10",
    "9**9**9**9*x",
    "x**(10**9)",
    "1e999999999",
    "(" * 5000 + "x" + ")" * 5000,
    "-" * 20000 + "x",
    "sin(" * 2000 + "x" + ")" * 2000,
    "x+" * 500_000 + "x",
    "x" * 1_000_000,
    "\0",
    "x\u202e",
    "factorial(10**8)",
    "f'{x}'",
    "'x'",
    "open('/etc/passwd')",
    "x if x else x",
    "x @ x",
    "",
    "   ",
    "#",
    "\ud800",
]


@pytest.mark.parametrize("text", HOSTILE, ids=lambda text: ascii(text[:24]))
@pytest.mark.parametrize("language", ["python", "matlab"])
def test_hostile_text_is_refused_in_time(text, language):
    start = time.perf_counter()
    for arguments in ((text, "x"), ("x", text)):
        assert not told(*arguments, language=language, budget=1.0).startswith("Proved")
    assert time.perf_counter() - start < 15


def told(*arguments, **options):
    """What a user reads: the verdict, or the message of the library's error."""
    try:
        return str(cg.check_equal(*arguments, **options))
    except cg.CircuitError as error:
        return str(error)


def test_names_may_be_unicode_and_words():
    assert cg.check("θ**2 + λ*θ", "θ", "2*θ + λ").proved
    assert cg.check("lambda0*x", "x", "lambda0").proved
    assert cg.check("log(e)*E", "E", "1").proved


@pytest.mark.parametrize(
    ("first", "second"), [("1./A", "A.^-1"), ("2.*A", "A+A"), ("2.5*A", "5*A/2")]
)
def test_a_point_between_a_number_and_an_operator_is_the_operators(first, second):
    assert cg.check_equal(first, second, A="m n", language="matlab").proved
