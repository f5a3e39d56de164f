"""What a teacher would write beside a wrong claim; each slip is proved before it is named."""

import pytest

import circuitgrad as cg

VECTOR = {"x": "n"}


@pytest.mark.parametrize(
    ("arguments", "options", "told"),
    [
        (("x @ A @ x", "x", "2*A@x"), {"x": "n", "A": "n n"}, "holds if A is symmetric"),
        (("tanh(x)", "x", "0.999*(1 - tanh(x)**2)"), {}, "is 999/1000 × the right answer"),
        (("sum(tanh(x))", "x", "0.999*(1 - tanh(x)**2)"), VECTOR, "is 999/1000 × the right answer"),
        (("cos(x)", "x", "sin(x)"), {}, "is −1 × the right answer"),
        (("x @ x", "x", "x"), VECTOR, "is 1/2 × the right answer"),
        (("sin(x**2)", "x", "cos(x**2)"), {}, "lacks the factor 2x of the chain rule"),
        (("sum(sin(x**2))", "x", "cos(x**2)"), VECTOR, "lacks the factor 2x of the chain rule"),
        (("x**3 + x**2", "x", "3*x**2"), {}, "drops the term 2x"),
        (("sum(x**3) + w @ x", "x", "3*x**2"), {"x": "n", "w": "n"}, "drops the term w"),
        (("sum(x**3) - w @ x", "x", "3*x**2 + w"), {"x": "n", "w": "n"}, "wrong sign in the term"),
        (("trace(A @ X @ B)", "X", "B @ A"), {k: "n n" for k in "AXB"}, "is the transpose of"),
        (("x @ A @ y", "A", "outer(y, x)"), {"x": "m", "A": "m n", "y": "n"}, "numerator layout"),
        (("x @ x", "x", "2*sum(x)"), VECTOR, "has the wrong shape: (); needed (n,)"),
        (
            ("trace(A @ X)", "X", "A + A.T - diag(diag(A))"),
            {"A": "n n", "X": "n n"},
            "structure='symmetric'",
        ),
        (
            ("-sum(y*log(softmax(x)))", "x", "softmax(x) - y"),
            {"x": "n", "y": "n"},
            "holds if y adds up to 1",
        ),
        (("z/(1 + abs(z))", "z", "sign(z)/(1 + z)**2"), {}, "The claim holds on z > 0."),
        (
            (
                "w @ (x - mean(x))/sqrt(mean((x - mean(x))**2) + t)",
                "x",
                "(w - mean(w))/sqrt(mean((x - mean(x))**2) + t)",
            ),
            {"x": "n", "w": "n", "assuming": "t > 0"},
            "drops the term",
        ),
    ],
)
def test_a_slip_is_named(arguments, options, told):
    verdict = cg.check(*arguments, **options)
    assert verdict.refuted
    assert told in str(verdict)


def test_the_softmax_slip_is_refuted_with_the_right_formula():
    verdict = cg.check_jacobian("softmax(x)", "x", "diag(softmax(x)) - softmax(x)", x="n")
    assert verdict.refuted
    assert "diag(p) − ppᵀ   (p = softmax(x)), for every n" in verdict.correct
    assert verdict.diagnosis


@pytest.mark.parametrize(
    ("layout", "claim"), [("denominator", "A.T"), ("numerator", "A"), (None, "A")]
)
def test_a_layout_is_kept_to(layout, claim):
    assert cg.check_jacobian("A @ x", "x", claim, A="m n", x="n", layout=layout).proved
    other = "A" if claim == "A.T" else "A.T"
    verdict = cg.check_jacobian("A @ x", "x", other, A="m n", x="n", layout=layout)
    assert "is the transpose of the right answer" in str(verdict)


def test_a_symmetric_structure_counts_pairs_once():
    options = {"X": "n n", "A": "n n", "structure": "symmetric"}
    assert cg.check("trace(A @ X)", "X", "A + A.T - diag(diag(A))", **options).proved
    assert cg.check("trace(A @ X)", "X", "A.T", **options).refuted


def test_a_difference_behind_the_sixth_digit_is_shown():
    verdict = cg.check_equal("s*x", "s*x*(1 + 1e-11)", x="n")
    assert "claim 2.0000000000200000000, right 2.0000000000000000000" in str(verdict)


def test_a_claim_that_differs_on_a_kink_only_is_proved_with_a_note():
    verdict = cg.check("relu(x)", "x", "where(x >= 0, 1, 0)")
    assert verdict.proved
    assert "At x = 0 the sides differ" in str(verdict)
    assert "(also a subgradient)" in str(verdict)
