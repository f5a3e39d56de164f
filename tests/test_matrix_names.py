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
