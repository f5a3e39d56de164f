"""The text grammar: what the whitelist reads and refuses, and that no text is run as code."""

import math
import operator
import re
import time
from fractions import Fraction

import numpy as np
import numpy.testing as npt
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import circuitgrad as cg
from circuitgrad import grammar

NAMES = {"x": 3.0, "y": -2.0, "x1": 5.0, "σ": 7.0, "größe": 11.0}
FUNCTIONS = {"sin": math.sin, "exp": math.exp, "max": max, "root": math.sqrt}


def value(text):
    return grammar.evaluate(text, NAMES, FUNCTIONS)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("1", 1.0), ("x", 3.0), ("x + y", 1.0), ("x - y - 1", 4.0), ("x*y", -6.0), ("x/y", -1.5),
        ("x**2", 9.0), ("x**-1", 1 / 3), ("-x**2", -9.0), ("(-x)**2", 9.0), ("2**x**2", 512.0),
        ("+x", 3.0),
        ("--x", 3.0), ("x < y", False), ("x >= 3", True), ("x == 3", True), ("x != 3", False),
        ("sin(x)", math.sin(3.0)), ("max(x, y, 4)", 4.0), ("root(root(16))", 2.0), ("1e3", 1000.0),
        ("1_000", 1000.0), ("1.5e-3", 0.0015), (".5", 0.5), ("5.", 5.0), ("0x10", 16.0),
        ("x1*σ", 35.0),
        ("größe", 11.0), ("  x\n +  y ", 1.0), ("[x, y]", [3.0, -2.0]), ("[x, [y]]", [3.0, [-2.0]]),
        ("[x, y][0]", 3.0), ("[x, y][-1]", -2.0), ("[x, y, 1][1:]", [-2.0, 1.0]),
        ("x**0.5", 3**0.5),
        ("x**(1/3)", 3 ** (1 / 3)), ("2**(x - 1)", 4.0), ("(x)", 3.0),
    ],
)  # fmt: skip
def test_what_is_read(text, expected):
    assert value(text) == expected


def test_products_of_matrices_and_transposes():
    a = np.arange(4.0).reshape(2, 2)
    found = grammar.evaluate("A @ A.T - A[0, :]", {"A": a}, {})
    npt.assert_array_equal(found, a @ a.T - a[0, :])


# Everything that reaches outside of arithmetic, by any of Python's expressions.
REFUSED = [
    "x.real", "x.__class__", "x.T.__init__", "().__class__.__bases__[0].__subclasses__()",
    "x.imag.T",
    "lambda: 1", "(lambda x: x)(1)", "[i for i in x]", "{i for i in x}", "{i: i for i in x}",
    "(i for i in x)",
    "f'{x}'", "f'{x.__class__}'", "'text'", "b'bytes'", "(y := x)", "x if y else 1", "x and y",
    "x or y", "not x",
    "True", "None", "...", "1j", "x < y < 3", "x is y", "x in [x]", "x not in [x]", "x // y",
    "x % y", "x | y",
    "x & y", "x ^ y", "x << 2", "x >> 2", "~x", "{}", "{1: 2}", "{1, 2}", "*x", "[*[x]]",
    "max(*[x, y])",
    "max(x, key=sin)", "max(**x)", "sin.T(x)", "sin(x)(y)", "[sin][0](x)", "(sin)(x)(x)", "x[y]",
    "x[1.5]",
    "x['a']", "x[::y]", "x[sin(x)]", "await x", "(yield x)", "x; y", "x = 1", "x += 1", "import os",
    "del x",
    "print(x) ; x", "def f(): pass", "x\ty z", "x y", "2x", "x(", ")", "[", "", "   ", "#", "# x",
    "x @", "\\",
    "\x00", "x\x00y", "`x`", "x!", "x?", "$x", "@x", "x:=1",
]  # fmt: skip


@pytest.mark.parametrize("text", REFUSED)
def test_what_is_refused(text):
    with pytest.raises(cg.SpecError, match="formula"):
        value(text)


@pytest.mark.parametrize("thing", [None, 3, b"x", ["x"], object()])
def test_only_text_is_read(thing):
    with pytest.raises(cg.SpecError, match="needed text"):
        grammar.parse(thing)


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("x^2", "'^' is not a power. Write x**2"),
        ("cos(x)", "unknown function 'cos'. Known: exp, max, root, sin"),
        ("sine(x)", "unknown function 'sine'. Did you mean sin?"),
        ("z + 1", "unknown name 'z'"),
        ("x2", "unknown name 'x2'. Did you mean x or x1?"),
        ("x < y < 3", "chained comparison. Compare two values at a time"),
        ("x.real", "Attribute is not part of the grammar"),
        ("sin(x", "not an expression"),
        ("x**2000", "exponent 2000"),
        ("x**-2000", "at most 1000 in size"),
        ("x**9**9**9", "exponent 387420489.0; at most 1000"),
        ("9**9**9", "exponent 387420489.0"),
        ("x[0.5]", "an index must be a whole number"),
    ],
)
def test_what_refusals_say(text, told):
    with pytest.raises(cg.SpecError, match=re.escape(told)):
        value(text)


class TestNothingIsRun:
    """A text is parsed and walked; no name in it is looked up anywhere but in the tables given."""

    CODE = (
        "__import__('os').system('touch {path}')", "open('{path}', 'w')",
        "exec('open(\"{path}\", \"w\")')",
        "eval('open(\"{path}\", \"w\")')", "breakpoint()", "exit()", "quit()", "input()",
        "globals()",
        "getattr(x, 'real')", "vars()", "type(x)", "compile('1', '', 'eval')", "print(x)",
        "object()", "sin.__globals__",
    )  # fmt: skip

    @pytest.mark.parametrize("text", CODE)
    def test_code(self, text, tmp_path):
        path = tmp_path / "made"
        with pytest.raises(cg.SpecError, match="formula"):
            value(text.format(path=path))
        assert not path.exists()

    @pytest.mark.parametrize("text", CODE)
    def test_code_in_a_gate(self, text, tmp_path):
        path = tmp_path / "made"
        with pytest.raises(cg.SpecError, match="formula"):
            cg.elementwise("gate", text.format(path=path))
        assert not path.exists()

    def test_reading_calls_nothing(self):
        called = []
        functions = {"f": lambda x: called.append(x)}
        grammar.parse("f(x) + f(2)")
        grammar.names("f(x) + f(2)")
        assert called == []
        with pytest.raises(cg.SpecError, match="formula"):
            grammar.evaluate("g(f(x).real)", {"x": 1}, functions)
        assert called == []

    @settings(max_examples=300)
    @given(st.text(max_size=40))
    def test_any_text_is_read_or_refused(self, text):
        try:
            grammar.names(text)
        except cg.SpecError:
            return

    @settings(max_examples=300)
    @given(st.text(alphabet="xy12.()[]+-*/@<>=,:T _e^", max_size=30))
    def test_any_formula_like_text_is_a_value_or_refused(self, text):
        try:
            value(text)
        except cg.SpecError:
            return


class TestSizes:
    def test_long_sums_are_walked_not_recursed(self):
        assert value("+".join(["x"] * 2000)) == 6000.0
        assert value("*".join(["1"] * 2000)) == 1.0
        x = cg.input("x")
        wire = grammar.evaluate("+".join(["x"] * 2000), {"x": x}, {})
        assert cg.circuit(f=wire).grad("x")(1.0) == 2000.0

    def test_an_error_at_the_end_of_a_long_sum_is_short(self):
        with pytest.raises(cg.SpecError, match="unknown name 'z'") as caught:
            value("+".join(["x"] * 2000) + "+z")
        assert len(str(caught.value)) < 400
        with pytest.raises(cg.SpecError) as caught:
            grammar.evaluate("+".join(["x"] * 2000) + "+[y]", NAMES, {})
        assert len(str(caught.value)) < 400

    def test_too_long(self):
        with pytest.raises(cg.SpecError, match="at most 20000 are read"):
            value("x+" * 20_000 + "x")

    @pytest.mark.parametrize(
        "text",
        ["(" * 5000 + "x" + ")" * 5000, "-" * 15_000 + "x", "x" + ".T" * 8000,
         "[" * 3000 + "]" * 3000,
         "sin(" * 4000 + "x" + ")" * 4000, "x" + "[0]" * 6000, "x**" * 6000 + "x",
         "not " * 4000 + "x",
         "lambda: " * 2000 + "x", "{" * 5000, "x" + " if x else x" * 1500, "f'{" * 300],
    )  # fmt: skip
    def test_deep_nesting_is_refused_quickly(self, text):
        start = time.perf_counter()
        with pytest.raises(cg.SpecError, match="formula"):
            value(text)
        assert time.perf_counter() - start < 5

    @pytest.mark.parametrize(
        "text",
        ["9**9**9**9", "x**(9**9**9)", "(10**1000)**1000", "2**1000**1000", "1e999999999",
         "1e-999999999", "9" * 15_000,
         "x**1e30", "10**-999**999", "(1/2)**10000000", "x**(2**40)", "((9**999)**999)**999",
         "(((2**900)**900)**900)**900",
         "2**(10**9/1)", "2**(x + 1000*1000*1000)", "2**max(10**9, 1)", "2**((10**18)**0.5)",
         "x**(-1/1e-9)",
         "2**-(10**9)", "x**" + "-" * 1500 + "1"],
    )  # fmt: skip
    @pytest.mark.parametrize("kind", [float, "exact"])
    def test_huge_powers_end_quickly(self, text, kind):
        number = kind if kind is float else (lambda v: Fraction(v))
        start = time.perf_counter()
        try:
            grammar.evaluate(text, {"x": number(2)}, {}, number)
        except cg.SpecError as error:
            told = str(error)
        else:
            told = "read"
        assert len(told) < 1000
        assert time.perf_counter() - start < 5


class TestNumbers:
    def test_decimals_are_exact_fractions(self):
        found = []
        grammar.evaluate("0.1 + 2", {}, {}, lambda v: found.append(v) or float(v))
        assert sorted(found) == [Fraction(1, 10), 2]

    @given(st.floats(allow_nan=False, allow_infinity=False))
    def test_every_double_is_read_exactly(self, number):
        assert value(repr(number)) == number

    def test_underscored_decimals(self):
        assert value("1_0.2_5") == 10.25


class TestNames:
    def test_in_order_of_appearance_without_functions(self):
        assert grammar.names("w*x + exp(b) - w*sin(c)") == ("w", "x", "b", "c")

    def test_a_name_beside_a_function_of_the_same_name(self):
        assert grammar.names("exp(x) + exp") == ("x", "exp")

    def test_python_normalises_identifiers(self):
        """ﬁ (one character) and fi are one name to Python's parser, and so to circuits."""
        assert grammar.names("ﬁ + fi") == ("fi",)

    def test_nearest_lists_what_is_known(self):
        assert grammar.nearest("sinus", ["sin", "cos"]) == " Did you mean sin?"
        assert grammar.nearest("zzz", ["sin", "cos"]) == " Known: cos, sin."
        assert grammar.nearest("zzz", []) == ""


EXPRESSIONS = st.recursive(
    st.sampled_from(["x", "y", "2", "0.5", "3"]),
    lambda inner: (
        st.builds("({} {} {})".format, inner, st.sampled_from(["+", "-", "*"]), inner)
        | st.builds("-{}".format, inner)
        | st.builds("({})**2".format, inner)
    ),
    max_leaves=12,
)


@given(EXPRESSIONS)
def test_the_value_is_that_of_arithmetic_in_any_algebra(text):
    """Floats, fractions and wires agree, whatever the shape of the tree."""
    exact = grammar.evaluate(text, {"x": Fraction(3), "y": Fraction(-2)}, {}, Fraction)
    x, y = cg.inputs("x y")
    wire = grammar.evaluate(text, {"x": x, "y": y}, {})
    found = cg.circuit(f=operator.add(wire, 0 * x + 0 * y), inputs=[x, y])(3.0, -2.0)
    assert found == pytest.approx(float(exact), rel=1e-12, abs=1e-9)
    assert value(text) == pytest.approx(float(exact), rel=1e-12, abs=1e-9)
