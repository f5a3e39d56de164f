"""Closed forms for every size: what could be mistaken for something else, and what once was."""

import numpy as np
import pytest

import circuitgrad as cg
from circuitgrad.formulas.tensor_equality import are_equal
from circuitgrad.formulas.tensor_forms import tensor_form


@pytest.fixture
def x():
    return cg.input("x", "n")


def printed(wire):
    return cg.circuit(f=wire).matrix()


@pytest.mark.parametrize(
    ("build", "text"),
    [
        (lambda x: (x @ x) ** 1.5, "f = ‖x‖³"),
        (lambda x: np.sqrt(x @ x) * (x @ x), "f = ‖x‖³"),
        (lambda x: x.sum() ** 1.5, "f = (𝟏ᵀx)³ᐟ²"),
    ],
)
def test_fractional_powers_of_brackets_come_to_an_end(x, build, text):
    assert printed(build(x)) == text


def test_powers_of_sums_that_are_cleared_come_to_an_end(x):
    p, q = cg.softmax(x), cg.softmax(cg.input("y", "n"))
    assert not are_equal(tensor_form((1.0 + p * p) ** 2 - x), tensor_form((1.0 + q * q) ** 2 - x))


def test_entrywise_powers_of_an_orthogonal_matrix_are_not_orthogonal():
    q = cg.input("Q", "n n", orthogonal=True)
    assert printed(cg.inverse(q)) == "f = Qᵀ"
    assert printed(cg.inverse(q * q)) == "f = (Q^∘2)⁻¹"


def test_powers_of_an_inverse_are_negative_powers(x):
    a = cg.input("A", "n n")
    inverse = cg.inverse(a)
    assert printed(inverse @ inverse @ x) == "f = A⁻²x"
    gradient = cg.circuit(f=cg.trace(inverse @ inverse)).grad("A").matrix()
    assert gradient.startswith("∂f/∂A = −2(A⁻³)ᵀ")


def test_gates_of_one_name_are_told_apart(x):
    cube, square = cg.elementwise("own", "x**3"), cg.elementwise("own", "x**2")
    root = cg.elementwise("sqrt", "x**3")
    assert not are_equal(tensor_form(cube(x)), tensor_form(square(x)))
    assert not are_equal(tensor_form(root(x)), tensor_form(np.sqrt(x)))
    assert printed(cube(x)) != printed(square(x))
    assert printed(root(x)) == "f = sqrt2′(x)"


def test_a_constant_is_no_input_of_a_like_name(x):
    c = cg.constant(np.array([1.0, 2.0]))
    twin = cg.input(f"C{c.serial}", 2)
    assert not are_equal(tensor_form(c), tensor_form(twin))


@pytest.mark.parametrize(
    ("build", "text"),
    [
        (lambda: cg.input("I", "n n") @ cg.input("x", "n") + cg.input("x", "n"), "Ix + x"),
        (lambda: cg.input("I", "n n") + cg.diag(cg.input("x", "n") * 0 + 1), "I + Id"),
        (lambda: cg.input("n") * (cg.input("x", "n") * 0 + 1).sum(), "n#n"),
        (lambda: cg.input("sigma") * cg.sigmoid(cg.input("x", "n")), "σ sigmoid(x)"),
        (lambda: cg.input("sigma") * (cg.input("a", "n") + cg.input("b", "n")), "σ·(a + b)"),
        (lambda: cg.input("exp") * (cg.input("a", "n") + cg.input("b", "n")), "exp·(a + b)"),
        (lambda: cg.input("exp") ** 2 * (cg.input("a", "n") + 1.0), "exp²·(a + 𝟏)"),
        (lambda: cg.input("ab") * cg.input("a") * cg.input("b", "n"), "ab a b"),
        (lambda: cg.input("ab") + cg.input("a") * cg.input("b"), "a b + ab"),
        (lambda: cg.input("theta", "n") * cg.input("θ", "n"), "theta ⊙ θ"),
        (lambda: cg.input("X", "batch d").mean(), "(1/(batch d))𝟏ᵀX𝟏"),
    ],
)  # fmt: skip
def test_no_two_symbols_look_alike(build, text):
    assert printed(build()) == f"f = {text}"


def test_a_name_for_the_probabilities_is_no_input_and_no_axis():
    p = cg.input("p", "q")
    line = cg.circuit(f=cg.logsumexp(p)).hessian("p").matrix()
    assert line.startswith("∂²f/∂p² = diag(r) − rrᵀ   (r = softmax(p);")


def test_a_root_ends_where_its_bracket_ends(x):
    t = cg.input("t", positive=True)
    assert printed(np.sqrt(t) * x) == "f = √t x"
    assert printed(np.sqrt(t * t.sum() + 1.0) * x) == "f = √(1 + t²)x"


def test_the_softmax_of_a_matrix_says_along_which_axis():
    m = cg.input("X", "m n")
    note = "   (softmax along the last axis)"
    assert printed(cg.softmax(m)) == f"f = softmax(X){note}"
    assert printed(cg.softmax(m, axis=0)) == f"f = (softmax(Xᵀ))ᵀ{note}"
    assert cg.circuit(f=cg.softmax(m)).index() == f"f[i,j] = softmax(X)[i,j]{note}"


PLACES = "eₖ is 1 at place k, counted from 0, and 0 elsewhere"


def test_single_entries_are_products_with_unit_vectors(x):
    m = cg.input("A", "m n")
    assert printed(x[0]) == f"f = e₀ᵀx   ({PLACES})"
    from_the_end = PLACES.replace("0,", "0, or back from −1, the last,")
    assert printed(m[:, -1]) == f"f = Ae₋₁   ({from_the_end})"
    assert cg.circuit(f=m[1]).index() == "f[i] = A[1,i]"
    pair = cg.circuit(f=x[0] * x[1])
    assert pair.grad("x").index() == "∂f/∂x[i] = x[0]·δ[i,1] + x[1]·δ[i,0]   (denominator layout)"
    assert pair.hessian("x").matrix().startswith("∂²f/∂x² = e₀e₁ᵀ + e₁e₀ᵀ   (")
    assert are_equal(tensor_form((x[0] * x).sum()), tensor_form(x[0] * x.sum()))
    assert not are_equal(tensor_form(x[0] * x[-1]), tensor_form(x[0] ** 2))  # but where n = 1
    assert printed(cg.input("e0") * x[0]).startswith("f = e₀(u₀ᵀx)   (uₖ is 1")


def test_the_largest_entry_has_a_form(x):
    note = "argmax is 1 at the largest entry, shared by ties, and 0 elsewhere"
    line = cg.circuit(f=x.max() ** 2).grad("x").matrix()
    assert line == f"∂f/∂x = 2 max(x) argmax(x)   ({note}; denominator layout)"
    with pytest.raises(cg.SpecError, match="max_reduce"):
        printed(cg.input("X", "m n").max(axis=0))


def test_too_many_terms_are_refused_with_the_reason(x):
    with pytest.raises(cg.SpecError, match="more than 600 terms once multiplied out"):
        printed(((1.0 + x + x**2 + x**3 + cg.input("y", "n")) ** 8).sum() * (1.0 + x @ x) ** 8)


def test_norms_in_norms_are_told_apart(x):
    inner = cg.norm(1.0 + x * x)
    assert printed(cg.norm(1.0 + x * x / (1.0 + inner))) == ("f = norm(𝟏 + x^∘2/(1 + ‖𝟏 + x^∘2‖))")


def test_roots_of_numbers_are_collected(x):
    assert printed(2 * x / np.sqrt(2 * (x @ x))) == "f = √2 x/‖x‖"
    assert printed(x / np.sqrt(12 * (x @ x))) == "f = ½x/(√3 ‖x‖)"
    assert printed(cg.norm(-3 * x)) == "f = 3‖x‖"


def test_equal_entries_show_how_many_they_are(x):
    assert printed(cg.logsumexp(0 * x)) == "f = log(n)"
    assert printed(cg.softmax(0 * x)) == "f = (1/n)𝟏"
    assert printed(cg.norm(0 * x + 2.0)) == "f = 2√n"


def test_long_sums_that_come_back_get_a_name(x):
    y = cg.input("y", "n")
    wide = cg.circuit(f=1 / (2.0 + x @ x + y @ y + (x @ y) ** 2))
    assert "(s = " not in wide.grad("x").matrix()  # it stands there twice, which can be read
    assert (
        wide.hessian("x")
        .matrix()
        .endswith("(s = 2 + (xᵀy)² + xᵀx + yᵀy; symmetric: the same in both layouts)")
    )


def test_derivatives_name_their_input_as_the_form_does():
    for name, symbol in (("x_1", "x₁"), ("x1_2", "x1_2"), ("theta_1", "θ₁"), ("theta1", "θ₁")):
        w = cg.input(name, "n")
        printed = cg.circuit(f=w @ w).grad(name).matrix()
        assert printed == f"∂f/∂{symbol} = 2{symbol}   (denominator layout)"


def test_places_counted_from_the_end_are_explained(x):
    assert "or back from −1, the last" in cg.circuit(f=x[0] * x[-1]).matrix()
    assert "back" not in cg.circuit(f=x[0] * x[1]).matrix()
