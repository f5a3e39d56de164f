"""LaTeX claims: formulas of textbooks against NumPy, refusals, and hostile text."""

import numpy as np
import pytest

import circuitgrad as cg
from circuitgrad.claims.latex_claims import from_latex
from circuitgrad.claims.latex_names import plain_name
from circuitgrad.claims.sides import read_side
from circuitgrad.errors import SpecError

SHAPES = {
    "A": ("n", "n"), "B": ("n", "n"), "X": ("m", "n"), "x": ("n",), "y": ("n",), "z": ("n",),
    "w": ("n",), "b": ("m",), "mu": ("n",),
}  # fmt: skip
SIZES = {"m": 2, "n": 3}


def values():
    generator = np.random.default_rng(0)
    found = {k: generator.normal(size=[SIZES[a] for a in s]) for k, s in SHAPES.items()}
    found["A"] = found["A"] @ found["A"].T + np.eye(3)
    scalars = "t s r a theta lambda_ sigma alpha beta a_1 k_12 y_hat x_bar s_out c pi2 k"
    return found | dict(zip(scalars.split(), generator.uniform(0.2, 1.2, 20), strict=False))


class Given:
    """The values by attribute, so that a formula of NumPy is short."""

    def __init__(self):
        self.__dict__.update(values())


def sigmoid(x):
    return 1 / (1 + np.exp(-x))


FORMULAS = [
    # Scalars
    (r"2 t + 1", lambda v: 2 * v.t + 1),
    (r"t s r", lambda v: v.t * v.s * v.r),
    (r"-t^2", lambda v: -(v.t**2)),
    (r"(-t)^2", lambda v: v.t**2),
    (r"t^{10}", lambda v: v.t**10),
    (r"t^{-1}", lambda v: 1 / v.t),
    (r"t^{s+1}", lambda v: v.t ** (v.s + 1)),
    (r"2^t", lambda v: 2**v.t),
    (r"t^\alpha", lambda v: v.t**v.alpha),
    (r"\frac{1}{2} t", lambda v: v.t / 2),
    (r"\frac12 t^2", lambda v: v.t**2 / 2),
    (r"\tfrac34 + \dfrac{t}{s}", lambda v: 0.75 + v.t / v.s),
    (r"1 - 2 - 3t", lambda v: -1 - 3 * v.t),
    (r"t / (s r)", lambda v: v.t / (v.s * v.r)),
    (r"t - (s - r)", lambda v: v.t - v.s + v.r),
    (r"t \cdot s \times r", lambda v: v.t * v.s * v.r),
    (r"\sqrt{t^2 + s^2}", lambda v: np.hypot(v.t, v.s)),
    (r"\sqrt[3]{t}", lambda v: np.cbrt(v.t)),
    (r"\sqrt 2 t", lambda v: np.sqrt(2) * v.t),
    (r"e^{-t}", lambda v: np.exp(-v.t)),
    (r"e^t s", lambda v: np.exp(v.t) * v.s),
    (r"\exp\left( -\frac{t^2}{2\sigma^2} \right)", lambda v: np.exp(-(v.t**2) / 2 / v.sigma**2)),
    (r"\ln t + \log s", lambda v: np.log(v.t * v.s)),
    (r"\log_2 t", lambda v: np.log2(v.t)),
    (r"\log_{10}(t)", lambda v: np.log10(v.t)),
    (r"\sin t \cos s", lambda v: np.sin(v.t) * np.cos(v.s)),
    (r"\sin 2t", lambda v: np.sin(2 * v.t)),
    (r"\sin^2 \theta + \cos^2 \theta", lambda v: 1.0),
    (r"\tanh(t)^2", lambda v: np.tanh(v.t) ** 2),
    (r"1 - \tanh^2(t)", lambda v: np.cosh(v.t) ** -2),
    (r"\arctan(t) + \arcsin \frac{t}{9}", lambda v: np.arctan(v.t) + np.arcsin(v.t / 9)),
    (r"\sigma(t)\left(1 - \sigma(t)\right)", lambda v: sigmoid(v.t) * sigmoid(-v.t)),
    (r"\log\left(1 + e^{t}\right)", lambda v: np.log1p(np.exp(v.t))),
    (r"\frac{1}{1 + e^{-(a t + \beta)}}", lambda v: sigmoid(v.a * v.t + v.beta)),
    (r"|t - s|", lambda v: abs(v.t - v.s)),
    (r"t |s| r", lambda v: v.t * v.s * v.r),
    (r"\left| t - 2 |s| \right|", lambda v: abs(v.t - 2 * v.s)),
    (r"\max(0, 1 - t s)", lambda v: max(0, 1 - v.t * v.s)),
    (r"\operatorname{ReLU}(t - 1)", lambda v: max(v.t - 1, 0)),
    (r"\lambda \theta^2 + \pi", lambda v: v.lambda_ * v.theta**2 + np.pi),
    (r"a_1 k_{12}", lambda v: v.a_1 * v.k_12),
    (r"(t - \hat{y})^2", lambda v: (v.t - v.y_hat) ** 2),
    (r"t - \bar x", lambda v: v.t - v.x_bar),
    (r"s_{\text{out}} t", lambda v: v.s_out * v.t),
    (r"\{t + [s (r - 1)]\} c", lambda v: (v.t + v.s * (v.r - 1)) * v.c),
    (r"$ t \, s \; r $", lambda v: v.t * v.s * v.r),
    (r"\[ \bigl( t + s \bigr) r \]", lambda v: (v.t + v.s) * v.r),
    # Vectors and matrices
    (r"x^\top y", lambda v: v.x @ v.y),
    (r"x^T A x", lambda v: v.x @ v.A @ v.x),
    (r"x^{\top}Ax", lambda v: v.x @ v.A @ v.x),
    (r"\mathbf{x}^\top \mathbf{A} \mathbf{x}", lambda v: v.x @ v.A @ v.x),
    (r"x \cdot y", lambda v: v.x @ v.y),
    (r"\langle x, A y \rangle", lambda v: v.x @ v.A @ v.y),
    (r"x y^\top", lambda v: np.outer(v.x, v.y)),
    (r"(A + A^\top) x", lambda v: (v.A + v.A.T) @ v.x),
    (r"2 X^\top (X w - b)", lambda v: 2 * v.X.T @ (v.X @ v.w - v.b)),
    (r"\|X w - b\|^2", lambda v: np.sum((v.X @ v.w - v.b) ** 2)),
    (r"\frac12 \left\lVert X w - b \right\rVert_2^2", lambda v: np.sum((v.X @ v.w - v.b) ** 2) / 2),
    (r"\|w\|_1 + \|w\|^2_2", lambda v: np.abs(v.w).sum() + v.w @ v.w),
    (r"\|X\|_F^2", lambda v: np.sum(v.X**2)),
    (r"\frac{x}{\|x\|}", lambda v: v.x / np.linalg.norm(v.x)),
    (r"(X X^\top)^{-1} b", lambda v: np.linalg.solve(v.X @ v.X.T, v.b)),
    (r"A^{-1} x", lambda v: np.linalg.solve(v.A, v.x)),
    (r"A^{-\top} x - A^{-T} y", lambda v: np.linalg.solve(v.A.T, v.x - v.y)),
    (r"A^2 x", lambda v: v.A @ v.A @ v.x),
    (r"\operatorname{tr}(A B)", lambda v: np.trace(v.A @ v.B)),
    (r"\mathrm{tr}(X^\top X)", lambda v: np.sum(v.X**2)),
    (r"\log\det A", lambda v: np.linalg.slogdet(v.A)[1]),
    (r"\det(A) A^{-\top}", lambda v: np.linalg.det(v.A) * np.linalg.inv(v.A).T),
    (r"(x - \mu)^\top A^{-1} (x - \mu)", lambda v: (v.x - v.mu) @ np.linalg.solve(v.A, v.x - v.mu)),
    (r"x \odot y", lambda v: v.x * v.y),
    (r"A x \odot y", lambda v: (v.A @ v.x) * v.y),
    (r"x \oslash (y \odot y)", lambda v: v.x / v.y**2),
    (r"x^{\odot 2}", lambda v: v.x**2),
    (r"e^{x}", lambda v: np.exp(v.x)),
    (r"\sigma(X w)", lambda v: sigmoid(v.X @ v.w)),
    (r"\operatorname{diag}(x) y", lambda v: v.x * v.y),
    (r"\operatorname{diag}(A)^\top x", lambda v: np.diag(v.A) @ v.x),
    (r"\mathbf{1}_n^\top x", lambda v: v.x.sum()),
    (r"\mathbf 1_n^\top \exp(x)", lambda v: np.exp(v.x).sum()),
    (r"(I_n + A) x", lambda v: v.x + v.A @ v.x),
    (r"(\mathbf{I}_n - x x^\top) y", lambda v: v.y - v.x * (v.x @ v.y)),
    (r"\operatorname{softmax}(x)^\top y", lambda v: np.exp(v.x) @ v.y / np.exp(v.x).sum()),
]  # fmt: skip


@pytest.mark.parametrize(("text", "expected"), FORMULAS, ids=[text for text, _ in FORMULAS])
def test_a_formula_means_what_numpy_computes(text, expected):
    given = values()
    inputs = {name: cg.input(name, SHAPES.get(name, ())) for name in given}
    wire = read_side(from_latex(text, SHAPES), inputs, "formula").wire
    circuit = cg.circuit(f=wire)
    found = circuit(**{name: given[name] for name in circuit.input_names})
    np.testing.assert_allclose(found, expected(Given()), rtol=1e-10)


CLAIMS = [
    (r"x^\top A x", "x", r"(A + A^\top) x", {"x": "n", "A": "n n"}),
    (r"\frac12\|Xw - y\|^2", "w", r"X^\top(Xw - y)", {"X": "m n", "w": "n", "y": "m"}),
    (r"\log\det A", "A", r"A^{-\top}", {"A": "n n"}),
    (r"\operatorname{tr}(B A)", "A", r"B^\top", {"A": "n n", "B": "n n"}),
    (r"a^\top x + \lambda x^\top x", "x", r"a + 2 \lambda x", {"a": "n", "x": "n"}),
    (r"\sigma(w x + b)", "w", r"\sigma(wx+b)(1-\sigma(wx+b)) x", {}),
    (r"\log(1 + e^{-z})", "z", r"-\sigma(-z)", {}),
    (r"-\frac{(t-\mu)^2}{2\sigma^2}", r"\mu", r"\frac{t-\mu}{\sigma^2}", {}),
    (r"\mathbf{a}^\top \boldsymbol{\theta}", r"\theta", r"\mathbf{a}", {"a": "n", "theta": "n"}),
    (r"\lambda^2", r"\lambda", r"2\lambda", {}),
]


@pytest.mark.parametrize(("function", "wrt", "claim", "shapes"), CLAIMS)
def test_gradients_of_textbooks_are_proved(function, wrt, claim, shapes):
    verdict = cg.check(function, wrt=wrt, claim=claim, shapes=shapes, language="latex")
    assert verdict.proved, str(verdict)
    wrong = cg.check(function, wrt=wrt, claim=rf"3\left({claim}\right)", shapes=shapes,
                     language="latex")  # fmt: skip
    assert wrong.refuted


def test_a_verdict_shows_what_was_written_and_its_certificate_replays():
    verdict = cg.check(r"\sin(\omega t)", r"\omega", r"t\cos(\omega t)", language="latex")
    assert r"t\cos(\omega t)" in str(verdict)
    assert str(cg.replay(verdict.certificate())) in str(verdict)


@pytest.mark.parametrize(
    ("text", "advice"),
    [
        (r"\sum_{i=1}^n x_i", r"\\mathbf\{1\}_n"),
        (r"\int_0^1 t dt", "Integrals"),
        (r"\prod_i t", "Products"),
        (r"\begin{pmatrix} 1 \end{pmatrix}", "inputs with a shape"),
        (r"\frac{\partial f}{\partial x}", "wrt="),
        (r"\nabla f", "wrt="),
        (r"\mathbb{E}[t]", "Expectations"),
        (r"f = t^2", "one side"),
        (r"A \otimes B", "outer product"),
        (r"t'", "transpose"),
        (r"t!", "Factorials"),
        (r"\foo{t}", r"'\\foo' is not known"),
        (r"\alhpa t", "Did you mean .*alpha"),
        (r"\operatorname{softmx}(x)", "Did you mean softmax"),
        (r"t^12", r"Write \{12\}"),
        (r"w_12 t", r"Write _\{12\}"),
        (r"x_1 + t", "looks like an entry of x"),
        (r"1/2t", r"\\frac"),
        (r"\sin t s", r"Write \\sin\("),
        (r"\log t (s + 1)", r"Write \\log\("),
        (r"\sin^{-1} t", "two things"),
        (r"\sin^{-1}(t)", "two things"),
        (r"t^T", r"\\top"),
        (r"x y", "column times a column.*transpose|Transpose"),
        (r"x^2", r"x\^{\\odot 2}"),
        (r"x \times y", "of vectors"),
        (r"x^\top y \odot z", "between a scalar and a column"),
        (r"\frac{1}{x}", r"\\oslash"),
        (r"x + 1", r"\\mathbf\{1\}_n"),
        (r"|A|", r"\\det"),
        (r"|x|", r"\\\|x"),
        (r"\|A\|", "_F"),
        (r"\|A\|_2", "_F"),
        (r"\exp(A)", "matrix function"),
        (r"e^{A}", "matrix function"),
        (r"\mathbf{x}^\top x", "two styles"),
        (r"I A x", "I_n"),
        (r"\mathbf{1}^\top x", r"\\mathbf\{1\}_n"),
        (r"t 2", "Write it in front"),
        (r"(t", "got 'the end'"),
        (r"t)", "left over"),
        (r"\frac{t}", "where a name"),
        (r"t +", "where a name"),
        (r"\left( t \right]", r"needed '\)'"),
        (r"", "empty"),
        (r"$ $", "empty"),
        (r"{}", "where a name"),
        (r"\|x\|^", "where a name"),
        (r"t_{", "got 'the end'"),
    ],
)
def test_what_is_not_read_is_refused_with_advice(text, advice):
    with pytest.raises(SpecError, match=advice) as caught:
        from_latex(text, SHAPES)
    assert str(caught.value).startswith("latex formula")


@pytest.mark.parametrize(
    "text",
    [
        "{" * 5000,
        "(" * 9000 + "t" + ")" * 9000,
        r"\frac" * 3000,
        r"\input{/etc/passwd}",
        r"\write18{ls}",
        r"\catcode`\@=11",
        r"\def\x{\x\x}\x",
        "__import__('os')",
        r"\mathrm{__class__}",
        "t" * 20_001,
        "\x00",
        r"t^{t^{t^{t",
        "^_^",
        "|" * 3000,
        r"\|" * 3000,
        "9" * 19_000 + "^" + "9",
        "$",
        "\\",
        "☃",
    ],
)
def test_hostile_text_is_refused_at_once(text):
    with pytest.raises(SpecError):
        cg.check(text, wrt="t", claim="1", language="latex")


def test_a_wrong_derivative_of_a_determinant_is_refuted():
    for claim in (r"\det(A) A^\top", r"3 \det(A) A^{-\top}"):
        assert cg.check(r"\det A", wrt="A", claim=claim, A="n n", language="latex").refuted
    assert cg.check("log(det(A))", wrt="A", claim="3*inv(A).T", A="n n").refuted


def test_a_long_sum_is_read():
    text = " + ".join(["t"] * 400)
    assert cg.check(text, wrt="t", claim="400", language="latex").proved


@pytest.mark.parametrize(
    ("text", "name"),
    [("x", "x"), (r"\theta", "theta"), (r"\mathbf{w}", "w"), ("w_{12}", "w_12"), ("w_1", "w_1"),
     (r"\hat{y}", "y_hat"), (r"\lambda", "lambda_"), (r"\boldsymbol{\mu}_1", "mu_1")],
)  # fmt: skip
def test_names_of_inputs_may_be_given_in_latex(text, name):
    assert plain_name(text) == name


def test_unknown_languages_are_told_the_known_ones():
    with pytest.raises(SpecError, match="'python', 'matlab', 'latex'"):
        cg.check("x", wrt="x", claim="1", language="tex")


# --- what newcomers write in Python's notation ----------------------------------------------------


@pytest.mark.parametrize(
    ("text", "advice"),
    [
        ("2x", r"Write products with \*"),
        ("sin x", r"sin\(x\)"),
        ("(x + 1)(x - 1)", r"Write products with \*"),
        (r"\sin x", 'language="latex"'),
        ("x' * x", r"x\.T .*matlab"),
        ("x .* x", "entry by entry"),
        ("f = x**2", "without '='"),
        ("|x|", r"abs\(x\)"),
        ("x²", r"x\*\*2"),
        ("x^2", r"x\*\*2"),
        ("lambda*x", "belong to Python"),
        ("exp(x", "brackets do not match"),
        ("np.sin(x)", r"Write sin\(x\), not np\.sin"),
        ("x.sum()", r"Write sum\(x\), not x\.sum"),
        ("x.T @ x", r"of scalars?\. Give the inputs their axes"),
    ],
)
def test_common_slips_are_answered_with_what_to_write(text, advice):
    with pytest.raises(SpecError, match=advice):
        cg.check(text, wrt="x", claim="1")


@pytest.mark.parametrize("language", ["python", "matlab"])
def test_the_largest_entry_of_a_vector(language):
    found = cg.check("max(x) + 0", wrt="x", claim="x", x=3, language=language)
    assert found.refuted


@pytest.mark.parametrize(
    "text", [r"\frac{d}{dx} x^2", r"\frac{df}{dx}", r"\frac{\mathrm{d}^2 f}{\mathrm{d}x^2}"]
)
def test_fractions_of_differentials_are_not_read_as_quotients(text):
    with pytest.raises(SpecError, match=r"differentials.*wrt="):
        cg.check_equal(text, "x", language="latex")


def test_quotients_with_a_name_d_are_read():
    assert cg.check_equal(r"\frac{d}{2}", "d/2", language="latex").proved
    assert cg.check_equal(r"\frac{d x}{y}", r"x \frac{d}{y}", language="latex").proved
