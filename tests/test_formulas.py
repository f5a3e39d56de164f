"""Closed forms: SymPy, text and LaTeX of circuits, and the way back from SymPy."""

import math
import re

import numpy as np
import numpy.testing as npt
import pytest
import sympy as sp
from hypothesis import given, settings
from hypothesis import strategies as st

import circuitgrad as cg
from circuitgrad.formulas.latex import expression_latex, name_latex
from circuitgrad.formulas.symbolic import parse_formula
from circuitgrad.formulas.text import expression_text
from tests.strategies import numbers, programs

x, y, z = sp.symbols("x y z", real=True)


def circuit_of(function, names="x y"):
    wires = cg.inputs(names)
    return cg.circuit(f=function(*wires), inputs=wires)


def same(found, expected):
    return sp.simplify(found - expected) == 0


# A circuit as a user writes it, and its closed form as SymPy writes it.
CLOSED_FORMS = [
    (lambda a, b: a**2 * b, x**2 * y),
    (lambda a, b: 1 / (1 + np.exp(-(a * b))), 1 / (1 + sp.exp(-x * y))),
    (lambda a, b: np.sqrt(a) / b - 3, sp.sqrt(x) / y - 3),
    (lambda a, b: np.log1p(a) * np.expm1(b), sp.log(1 + x) * (sp.exp(y) - 1)),
    (lambda a, b: np.sin(a) + np.cos(b) + np.tan(a), sp.sin(x) + sp.cos(y) + sp.tan(x)),
    (lambda a, b: np.arctan2(a, b), sp.atan2(x, y)),
    (lambda a, b: np.hypot(a, b), sp.sqrt(x**2 + y**2)),
    (lambda a, b: np.maximum(a, b) - abs(a), sp.Max(x, y) - sp.Abs(x)),
    (lambda a, b: cg.sigmoid(a) * cg.softplus(b), sp.log(1 + sp.exp(y)) / (1 + sp.exp(-x))),
    (lambda a, b: np.logaddexp(a, b), sp.log(sp.exp(x) + sp.exp(y))),
    (lambda a, b: cg.erf(a) + np.tanh(b), sp.erf(x) + sp.tanh(y)),
    (lambda a, b: a * 0.1 + b / 3, x / 10 + y / 3),
    (lambda a, b: a**b, x**y),
    (lambda a, b: np.square(a) + (-b), x**2 - y),
    (lambda a, b: cg.logsumexp(cg.stack([a, b])), sp.log(sp.exp(x) + sp.exp(y))),
    (lambda a, b: cg.norm(cg.stack([a, b])), sp.sqrt(x**2 + y**2)),
    (lambda a, b: np.mean(cg.stack([a, b, 4.0])), (x + y + 4) / 3),
    (lambda a, b: cg.stack([a, b]) @ cg.stack([b, a]), 2 * x * y),
    (lambda a, b: np.trace(cg.inverse(cg.diag(cg.stack([a, b])))), 1 / x + 1 / y),
]  # fmt: skip


@pytest.mark.parametrize("index", range(len(CLOSED_FORMS)))
def test_closed_forms(index):
    function, expected = CLOSED_FORMS[index]
    assert same(circuit_of(function).sympy(), expected)


@pytest.mark.parametrize("index", range(len(CLOSED_FORMS)))
def test_closed_forms_of_gradients_are_sympys_own_derivatives(index):
    """At a point; SymPy differentiates the closed form, the circuit itself."""
    function, expected = CLOSED_FORMS[index]
    gradient = circuit_of(function).grad().sympy()
    point = {x: sp.Rational(7, 10), y: sp.Rational(2, 5)}
    for found, symbol in zip(gradient.values(), (x, y), strict=True):
        wanted = sp.diff(expected, symbol).subs(point).evalf(30)
        assert float(sp.N(sp.sympify(found).subs(point), 30) - wanted) == pytest.approx(
            0, abs=1e-25
        )


class TestConstantsStayExact:
    """Arithmetic on constants is kept where a double would round: 1/3 prints and proves as 1/3."""

    @pytest.mark.parametrize(
        ("function", "text"),
        [
            (lambda a: a / 3, "1/3"), (lambda a: a / 3 / 7, "1/21"), (lambda a: a * 2 / 4, "1/2"),
            (lambda a: 2**a, "2^x·log(2)"),
            (lambda a: np.mean(cg.stack([a, a * a, a])), "2x/3 + 2/3"),
        ],
    )  # fmt: skip
    def test_gradients_print_and_prove_exactly(self, function, text):
        c = cg.circuit(f=function(cg.input("x")))
        assert str(c.grad("x")).split(" = ")[1] == text
        assert cg.verify(c).proved

    def test_exact_arithmetic_folds(self):
        two = cg.constant(2)
        assert two * 3 + 1 is cg.constant(7.0)
        assert two / 4 is cg.constant(0.5)
        assert np.maximum(two, 3) is cg.constant(3.0)
        assert cg.circuit(f=two / 3)() == 2 / 3
        assert two / 3 is not cg.constant(2 / 3)


class TestShapesOfClosedForms:
    def test_vectors_and_matrices(self):
        A, v = cg.input("A", (2, 2)), cg.input("v", 2)
        found = cg.circuit(f=A @ v).sympy()
        assert str(found) == "[A_00*v_0 + A_01*v_1, A_10*v_0 + A_11*v_1]"
        matrix = cg.circuit(f=A.T).sympy()
        assert isinstance(matrix, sp.MatrixBase)
        assert matrix[0, 1] == sp.Symbol("A_10", real=True)

    def test_named_axes_get_sizes(self):
        v = cg.input("v", "n")
        c = cg.circuit(f=np.sum(v**2))
        symbols = sp.symbols("v_0:3", real=True)
        assert same(c.sympy(n=3), sum(s**2 for s in symbols))
        with pytest.raises(
            cg.SpecError,
            match=re.escape("axis 'n' of v has no size. Give it one, as in circuit.sympy(n=2)"),
        ):
            c.sympy()

    def test_several_outputs_by_name(self):
        a, b = cg.inputs("x y")
        assert cg.circuit(f=a * b, g=a + b).sympy() == {"f": x * y, "g": x + y}

    def test_many_entries_are_refused(self):
        with pytest.raises(cg.SpecError, match="entries; at most 2000"):
            cg.circuit(f=np.sum(cg.input("v", 5000))).sympy()

    def test_symbols_are_real(self):
        assert circuit_of(lambda a, b: a * b).sympy().free_symbols == {x, y}

    def test_constants_are_exact(self):
        found = circuit_of(lambda a, b: a * 0.1 + b * 2.5).sympy()
        assert found == x / 10 + sp.Rational(5, 2) * y


class TestText:
    def test_the_jacobian_of_the_issue(self):
        a, b = cg.inputs("x y")
        c = cg.circuit(f=cg.stack([a**2 * b, 5 * a + np.sin(b)]))
        assert str(c.jacobian(["x", "y"])).split(" = ")[1] == "[[2xy, x²], [5, cos y]]"
        separate = cg.circuit(f=a**2 * b, g=5 * a + np.sin(b))
        assert str(separate.jacobian(["x", "y"])).split(" = ")[1] == "[[2xy, x²], [5, cos y]]"
        assert (
            str(c.jacobian(["x", "y"], mode="forward")).split(" = ")[1] == "[[2xy, x²], [5, cos y]]"
        )

    def test_the_hessian_of_the_issue(self):
        c = circuit_of(lambda a, b: a**2 * b)
        assert str(c.hessian(["x", "y"])) == "H(x, y) = [[2y, 2x], [2x, 0]]"
        assert str(c.hessian()) == "H(x, y) = [[2y, 2x], [2x, 0]]"

    @pytest.mark.parametrize(
        ("expression", "text"),
        [
            (2 * x * y, "2xy"), (x**2, "x²"), (x**-1, "1/x"), (1 / x**2, "1/x²"),
            (sp.cos(y), "cos y"),
            (sp.cos(x * y), "cos(xy)"), (x - y, "x − y"), (-x, "−x"), (sp.sqrt(x), "√x"),
            (x / 3, "x/3"),
            (sp.exp(-x), "exp(−x)"), ((x + y) * z, "z(x + y)"), (x**12, "x¹²"), (x**y, "x^y"),
            (sp.Symbol("w0") * sp.Symbol("x0"), "w₀x₀"), (sp.Symbol("loss") * x, "loss·x"),
            (sp.Integer(-3), "−3"),
            (sp.Rational(1, 3), "1/3"), (sp.pi * x, "πx"), (sp.Abs(x), "|x|"),
            (sp.Max(x, y), "max(x, y)"),
            ((x + 1) ** 2, "(x + 1)²"), (1 / (x * y), "1/(xy)"), (1 / (1 + x), "1/(x + 1)"),
            (sp.Integer(0), "0"),
            (-x / y, "−x/y"), (2 * (x + y), "2x + 2y"), (x * sp.exp(x), "x·exp(x)"),
        ],
    )  # fmt: skip
    def test_expressions(self, expression, text):
        assert expression_text(expression) == text

    def test_a_large_circuit_shows_what_it_is(self):
        v = cg.input("v", "n")
        c = cg.circuit(f=np.sum(v))
        assert str(c) == repr(c) == "<Circuit (v(n,)) -> f: 1 gates>"

    def test_several_outputs_one_per_line(self):
        a, b = cg.inputs("x y")
        assert str(cg.circuit(f=a * b, g=a)) == "f(x, y) = xy\ng(x, y) = x"


class TestLatex:
    @pytest.mark.parametrize(
        ("name", "latex"),
        [("x", "x"), ("w0", "w_{0}"), ("alpha", r"\alpha"), ("loss", r"\mathrm{loss}"),
         ("x_12", "x_{12}"),
         ("a_b", "a_{b}"), ("sigma2", r"\sigma_{2}"), ("σ", "σ")],
    )  # fmt: skip
    def test_names(self, name, latex):
        assert name_latex(name) == latex

    def test_a_circuit(self):
        assert circuit_of(lambda a, b: a**2 * b).latex() == "f(x, y) = x^{2} y"

    def test_several_outputs(self):
        a, b = cg.inputs("x y")
        latex = cg.circuit(f=a * b, g=np.sin(b)).latex()
        assert latex.startswith(r"f(x, y) = \left[")
        assert r"\sin" in latex

    def test_a_matrix(self):
        latex = circuit_of(lambda a, b: a**2 * b).hessian().latex()
        assert r"\begin{bmatrix}2 y & 2 x \\ 2 x & 0\end{bmatrix}" in latex

    @pytest.mark.parametrize(
        "expression", [x / y, sp.exp(-x), sp.sqrt(x), sp.sin(x) * sp.log(y), sp.Max(x, y)]
    )
    def test_braces_balance(self, expression):
        latex = expression_latex(expression)
        assert latex.count("{") == latex.count("}")
        assert latex.count(r"\left") == latex.count(r"\right")

    def test_names_are_escaped(self):
        latex = cg.circuit(a_b_c=cg.input("x") * 2).latex()
        assert "_b" not in latex.replace(r"\_b", "")


class TestFromSymPy:
    @pytest.mark.parametrize(
        "expression",
        [
            x + y, x * y - 3, -x, x - y, 2 * x**2 * y / 7, sp.exp(x) * sp.sin(y),
            sp.sqrt(x) + x ** sp.Rational(5, 3),
            x**y, sp.log(x) / y, 1 / (1 + sp.exp(-x)), sp.Abs(x - y), sp.Max(x, y, 3),
            sp.Min(x, 0) + sp.sign(y),
            sp.atan2(y, x), sp.asin(y / 3) + sp.acos(y / 3) * sp.atan(x),
            sp.sinh(y) * sp.cosh(y) - sp.tanh(x),
            sp.erf(x) + sp.tan(y), sp.pi * x + sp.E, x * y * z + z**-2, (x + y + z) ** 3,
            sp.Integer(5) + 0 * x,
            sp.Rational(1, 3) * x, sp.sqrt(2) * x, -2 * x * y,
            sp.exp(-(x**2) / 2) / sp.sqrt(2 * sp.pi),
        ],
    )  # fmt: skip
    def test_values_and_derivatives_are_those_of_the_expression(self, expression):
        c = cg.from_sympy(expression)
        point = {"x": 0.7, "y": 1.2, "z": 0.3}
        named = {name: point[name] for name in c.input_names}
        place = {sp.Symbol(name, real=True): sp.Float(value, 40) for name, value in point.items()}
        assert c(**named) == pytest.approx(float(expression.subs(place)), rel=1e-14)
        for name in c.input_names:
            slope = sp.diff(expression, sp.Symbol(name, real=True)).subs(place)
            assert c.grad(name)(**named) == pytest.approx(float(sp.N(slope)), rel=1e-13)

    @pytest.mark.parametrize(
        ("expression", "points"),
        [
            (sp.Piecewise((x, x > 0), (2 * x, True)), [(1.5, 1.5), (-2.0, -4.0), (0.0, 0.0)]),
            (sp.Piecewise((1, (x > 0) & (x < 1)), (2, sp.Or(x <= -1, sp.Ne(x, 3))), (5, True)),
             [(0.5, 1.0), (-4.0, 2.0), (2.0, 2.0), (3.0, 5.0)]),
            (sp.Piecewise((1, sp.Not(x >= 1)), (sp.floor(x), True)), [(0.0, 1.0), (2.7, 2.0)]),
            (sp.asinh(x) + sp.ceiling(x), [(0.5, math.asinh(0.5) + 1)]),
        ],
    )  # fmt: skip
    def test_pieces(self, expression, points):
        c = cg.from_sympy(expression)
        for point, wanted in points:
            assert c(x=point) == pytest.approx(wanted, rel=1e-15)

    def test_pieces_that_leave_a_gap_are_not_numbers_there(self):
        c = cg.from_sympy(sp.Piecewise((x, x > 0)))
        assert c(x=2.0) == 2.0
        assert math.isnan(c(x=-1.0))

    def test_circuits_with_pieces_come_back(self):
        v = cg.input("x")
        for gate in (cg.leaky_relu(v), np.where(v > 1, v, v * v), cg.softsign(v)):
            c = cg.circuit(f=gate)
            back = cg.from_sympy(c.sympy())
            for point in (-1.5, 0.0, 0.5, 3.0):
                assert back(point) == pytest.approx(c(point), rel=1e-15)

    def test_matrices_and_arrays_keep_their_shape(self):
        c = cg.from_sympy(sp.Matrix([[x, y, 1], [x * y, 0, sp.sin(x)]]))
        npt.assert_allclose(c(x=0.5, y=2.0), [[0.5, 2, 1], [1, 0, math.sin(0.5)]], rtol=1e-15)
        cube = cg.from_sympy(sp.Array([[[x, 1], [2, x]]]))
        npt.assert_array_equal(cube(x=3.0), [[[3, 1], [2, 3]]])
        v = cg.input("v", 2)
        outer = cg.circuit(f=np.outer(v, np.sin(v)))
        back = cg.from_sympy(outer.sympy())
        npt.assert_allclose(back(v_0=0.3, v_1=1.2), outer([0.3, 1.2]), rtol=1e-15)
        with pytest.raises(cg.SpecError, match="has no entries"):
            cg.from_sympy(sp.zeros(0, 2))

    def test_inputs_are_the_free_symbols_by_name(self):
        assert cg.from_sympy(y + x * z).input_names == ("x", "y", "z")

    def test_several_outputs(self):
        c = cg.from_sympy(None, f=x * y, g=x + y)
        assert c(x=2, y=3) == {"f": 6.0, "g": 5.0}

    @pytest.mark.parametrize("expression", [sp.gamma(x), sp.zeta(x), sp.besselj(0, x)])
    def test_unknown_functions(self, expression):
        with pytest.raises(cg.SpecError, match="has no gate"):
            cg.from_sympy(expression)

    @pytest.mark.parametrize("expression", [sp.I * x, sp.nan + x, sp.zoo])
    def test_numbers_that_are_not_real(self, expression):
        with pytest.raises(cg.SpecError, match="from_sympy"):
            cg.from_sympy(expression)

    def test_a_large_sum_is_walked_not_recursed(self):
        symbols = sp.symbols("a0:400")
        c = cg.from_sympy(sp.Add(*[s**2 for s in symbols]))
        assert c(**{s.name: 1.0 for s in symbols}) == 400.0


@settings(max_examples=60)
@given(programs(max_steps=6), st.data())
def test_the_round_trip_keeps_the_numbers(program, data):
    """Circuit -> SymPy -> circuit, at a point."""
    c = program.circuit()
    try:
        expression = sp.sympify(c.sympy())
    except cg.SpecError:
        return
    if expression.has(sp.Piecewise, sp.nan, sp.oo, sp.zoo) or not expression.free_symbols:
        return
    back = cg.from_sympy(expression)
    point = {name: data.draw(numbers(1.0)) for name in program.names}
    with np.errstate(all="ignore"):
        found = back(**{name: point[name] for name in back.input_names})
        expected = c(**point)
    if math.isfinite(found) and abs(expected) < 1e6:
        npt.assert_allclose(found, expected, rtol=1e-6, atol=1e-6)


class TestParsing:
    def test_names_become_real_symbols(self):
        assert parse_formula("x**2/2 + sin(pi*y)") == x**2 / 2 + sp.sin(sp.pi * y)

    def test_decimals_are_exact(self):
        assert parse_formula("0.1*x") == x / 10

    def test_sympys_own_names_are_plain_variables(self):
        for name in ("S", "I", "N", "Q", "beta", "gamma", "zoo"):
            assert parse_formula(f"{name} + 1") == sp.Symbol(name, real=True) + 1

    @pytest.mark.parametrize(
        "text", ["factorial(9)", "Symbol(x)", "sympify(x)", "x.subs(x)", "Integer(9)"]
    )
    def test_sympys_functions_are_not_there(self, text):
        with pytest.raises(cg.SpecError, match="formula"):
            parse_formula(text)
