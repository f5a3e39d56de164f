"""Random scalar formulas as trees: rewritten by identities, mutated, and evaluated by mpmath."""

from fractions import Fraction

import mpmath

DIGITS = 80
NAMES = ("x", "y")
SMOOTH = (
    "exp",
    "sin",
    "cos",
    "tanh",
    "sinh",
    "cosh",
    "atan",
    "sigmoid",
    "softplus",
    "erf",
    "asinh",
)
KINKED = ("abs", "relu", "sign")
PARTIAL = ("log", "sqrt")  # real for positive arguments only


def number(value):
    return ("number", Fraction(value))


ONE, TWO, HALF, ZERO = number(1), number(2), number(Fraction(1, 2)), number(0)
PI = ("pi",)


def call(name, *arguments):
    return ("call", name, *arguments)


def plus(a, b):
    return ("+", a, b)


def times(a, b):
    return ("*", a, b)


def over(a, b):
    return ("/", a, b)


def minus(a, b):
    return ("-", a, b)


def negative(a):
    return ("-", ZERO, a)


def power(a, exponent):
    return ("^", a, number(exponent))


# --- text and values ------------------------------------------------------------------------------


def text(tree):
    """The formula as a user writes it."""
    match tree:
        case ("number", value):
            if value.denominator != 1:
                return f"({value.numerator}/{value.denominator})"
            return str(value.numerator) if value >= 0 else f"({value.numerator})"
        case ("name", name):
            return name
        case ("pi",):
            return "pi"
        case ("call", name, *arguments):
            return f"{name}({', '.join(map(text, arguments))})"
        case ("^", base, exponent):
            return f"({text(base)})**{text(exponent)}"
    operator, left, right = tree
    return f"({text(left)} {operator} {text(right)})"


FUNCTIONS = {
    "sigmoid": lambda t: 1 / (1 + mpmath.exp(-t)),
    "softplus": lambda t: mpmath.log(1 + mpmath.exp(t)),
    "abs": abs,
    "relu": lambda t: max(t, mpmath.mpf(0)),
    "sign": mpmath.sign,
    "max": max,
    "min": min,
}


class NoValueError(Exception):
    """The formula has no real value at a point."""


def value(tree, point):
    """The value at a point, in 80-digit arithmetic."""
    try:
        return _value(tree, point)
    except (ZeroDivisionError, OverflowError, ValueError, TypeError):
        raise NoValueError from None


def _value(tree, point):
    match tree:
        case ("number", number):
            return mpmath.mpf(number.numerator) / number.denominator
        case ("name", name):
            return point[name]
        case ("pi",):
            return +mpmath.pi
        case ("call", name, *arguments):
            values = [_value(argument, point) for argument in arguments]
            if name in PARTIAL and not values[0] > 0:
                raise NoValueError
            if name == "sign" and abs(values[0]) < mpmath.mpf(10) ** (-mpmath.mp.dps / 2):
                raise NoValueError  # zero, or the rounding of zero
            if name not in ("abs", "relu", "sign", "max", "min") and abs(values[0]) > 2000:
                raise NoValueError  # its exponential would fill the memory
            return FUNCTIONS.get(name, getattr(mpmath, name, None))(*values)
        case ("^", base, (_, exponent)):
            found = _value(base, point)
            if found <= 0 and exponent.denominator != 1:
                raise NoValueError
            return found ** (mpmath.mpf(exponent.numerator) / exponent.denominator)
    operator, left, right = tree
    first, second = _value(left, point), _value(right, point)
    match operator:
        case "+":
            return first + second
        case "-":
            return first - second
        case "*":
            return first * second
    return first / second


# --- random formulas ------------------------------------------------------------------------------


def drawn(choose, depth, smooth=False):
    """A random formula."""
    if depth == 0 or choose.random() < 0.1:
        leaf = choose.random()
        if leaf < 0.75:
            return ("name", choose.choice(NAMES))
        return (
            PI
            if leaf > 0.97
            else number(Fraction(choose.randint(-5, 5) or 1, choose.choice((1, 1, 2, 3))))
        )
    kind = choose.random()
    one = drawn(choose, depth - 1, smooth)
    if kind < 0.45:
        other = drawn(choose, depth - 1, smooth)
        return (choose.choice("++-**/"), one, other)
    if kind < 0.55:
        return power(one, choose.choice((2, 3, -1, 2)))
    if kind < 0.62:
        return call(choose.choice(PARTIAL), plus(power(one, 2), ONE))
    if smooth or kind < 0.88:
        return call(choose.choice(SMOOTH), one)
    if kind < 0.96:
        return call(choose.choice(KINKED), one)
    return call(choose.choice(("max", "min")), one, drawn(choose, depth - 1))


def places(tree, path=()):
    """All subtrees but exponents, with the path to each."""
    yield path, tree
    if tree[0] not in ("number", "name", "pi"):
        first = 2 if tree[0] == "call" else 1
        last = 2 if tree[0] == "^" else len(tree)  # an exponent stays a number
        for k in range(first, last):
            yield from places(tree[k], (*path, k))


def put(tree, path, new):
    """The tree with another subtree at a path."""
    if not path:
        return new
    k = path[0]
    return (*tree[:k], put(tree[k], path[1:], new), *tree[k + 1 :])


def size(tree):
    return sum(1 for _ in places(tree))


# --- identities -----------------------------------------------------------------------------------


def identities(tree, choose):
    """Other ways to write a formula, equal wherever both sides have a value."""
    other = drawn(choose, 1, smooth=True)
    yield minus(plus(tree, other), other)
    yield times(TWO, over(tree, TWO))
    yield call("log", call("exp", tree))
    yield over(times(tree, plus(power(other, 2), ONE)), plus(power(other, 2), ONE))
    yield minus(call("relu", tree), call("relu", negative(tree)))
    yield times(tree, minus(power(call("cosh", other), 2), power(call("sinh", other), 2)))
    yield times(tree, plus(power(call("sin", other), 2), power(call("cos", other), 2)))
    match tree:
        case ("+", a, b):
            yield plus(b, a)
            yield minus(a, negative(b))
        case ("-", a, b):
            yield negative(minus(b, a))
            yield plus(negative(b), a)
        case ("*", a, b):
            yield times(b, a)
            yield over(a, over(ONE, b))
            yield over(minus(power(plus(a, b), 2), power(minus(a, b), 2)), number(4))
        case ("/", a, b):
            yield times(a, power(b, -1))
        case ("^", a, ("number", n)) if n.denominator == 1:
            yield times(a, power(a, n - 1))
            yield over(power(a, n + 1), a)
        case ("call", name, *arguments):
            yield from _of_call(name, arguments)
    match tree:
        case ("*", a, (("+" | "-") as sign, b, c)):
            yield (sign, times(a, b), times(a, c))
        case ("*", (("+" | "-") as sign, b, c), a):
            yield (sign, times(b, a), times(c, a))


def _of_call(name, arguments):
    a = arguments[0]
    half, minus_a = over(a, TWO), negative(a)
    e = call("exp", a)
    match name:
        case "exp":
            yield over(ONE, call("exp", minus_a))
            yield plus(call("cosh", a), call("sinh", a))
            yield power(call("exp", half), 2)
            if a[0] in "+-":
                yield ("*" if a[0] == "+" else "/", call("exp", a[1]), call("exp", a[2]))
        case "sin":
            yield times(TWO, times(call("sin", half), call("cos", half)))
            yield call("cos", minus(a, over(PI, TWO)))
        case "cos":
            yield minus(ONE, times(TWO, power(call("sin", half), 2)))
            yield call("cos", minus_a)
            if a[0] == "+":
                cosines = times(call("cos", a[1]), call("cos", a[2]))
                yield minus(cosines, times(call("sin", a[1]), call("sin", a[2])))
        case "tanh":
            yield over(call("sinh", a), call("cosh", a))
            yield minus(ONE, over(TWO, plus(call("exp", times(TWO, a)), ONE)))
            yield minus(times(TWO, call("sigmoid", times(TWO, a))), ONE)
        case "sinh":
            yield over(minus(e, call("exp", minus_a)), TWO)
        case "cosh":
            yield over(plus(e, over(ONE, e)), TWO)
            yield call("cosh", minus_a)
        case "sigmoid":
            yield over(ONE, plus(ONE, call("exp", minus_a)))
            yield minus(ONE, call("sigmoid", minus_a))
            yield over(plus(ONE, call("tanh", half)), TWO)
        case "softplus":
            yield call("log", plus(ONE, e))
            yield plus(a, call("softplus", minus_a))
        case _:
            yield from _of_other_call(name, arguments)


def _of_other_call(name, arguments):
    a = arguments[0]
    minus_a = negative(a)
    match name:
        case "atan" | "erf":
            yield negative(call(name, minus_a))
        case "asinh":
            yield call("log", plus(a, call("sqrt", plus(power(a, 2), ONE))))
        case "log":
            yield over(call("log", power(a, 2)), TWO)
            yield negative(call("log", over(ONE, a)))
        case "sqrt":
            yield power(a, Fraction(1, 2))
            yield over(a, call("sqrt", a))
        case "abs":
            yield call("sqrt", power(a, 2))
            yield call("max", a, minus_a)
            yield times(a, call("sign", a))
        case "relu":
            yield over(plus(a, call("abs", a)), TWO)
            yield call("max", ZERO, a)
        case "sign":
            yield negative(call("sign", minus_a))
        case "max" | "min":
            b = arguments[1]
            sign = "+" if name == "max" else "-"
            yield over((sign, plus(a, b), call("abs", minus(a, b))), TWO)
            yield call(name, b, a)


def rewritten(tree, choose, steps):
    """The formula after some identities at random places; of no more than 80 parts."""
    for _ in range(steps):
        path, part = choose.choice(list(places(tree)))
        changed = put(tree, path, choose.choice(list(identities(part, choose))))
        if size(changed) <= 80:
            tree = changed
    return tree


# --- slips ----------------------------------------------------------------------------------------
SWAPS = {
    "sin": "cos", "cos": "sin", "tanh": "sigmoid", "sigmoid": "tanh", "sinh": "cosh",
    "cosh": "sinh", "exp": "sinh", "atan": "tanh", "erf": "tanh", "softplus": "relu",
    "asinh": "atan", "log": "sqrt", "sqrt": "log", "abs": "relu", "relu": "abs", "sign": "tanh",
    "max": "min", "min": "max",
}  # fmt: skip


def mutated(tree, choose):
    """The formula with one slip of the pen; now and then it stays true."""
    path, part = choose.choice(list(places(tree)))
    slips = [negative(part), times(TWO, part), power(part, 2), call("abs", part)]
    small = number(Fraction(1, 10 ** choose.randint(3, 12)))
    slips += [times(part, plus(ONE, small)), plus(part, small)] * 2
    if part[0] in "+-*/":
        slips += [part[1], part[2], (choose.choice("+-*/"), part[1], part[2])]
    if part[0] == "^":
        slips += [power(part[1], part[2][1] + choose.choice((1, -1)))] * 2
    if part[0] == "call":
        slips += [call(SWAPS[part[1]], *part[2:]), part[2]]
    if part[0] == "number":
        slips += [plus(part, small)] * 2
    return put(tree, path, choose.choice(slips))


# --- derivatives ----------------------------------------------------------------------------------


def derivative(tree, name):
    """The derivative of a smooth formula, by the rules of a school book."""
    match tree:
        case ("name", other):
            return ONE if other == name else ZERO
        case ("number", _) | ("pi",):
            return ZERO
        case ("call", function, a):
            return times(_slope(function, a), derivative(a, name))
        case ("^", a, ("number", n)):
            return times(times(number(n), power(a, n - 1)), derivative(a, name))
    operator, a, b = tree
    da, db = derivative(a, name), derivative(b, name)
    match operator:
        case "*":
            return plus(times(da, b), times(a, db))
        case "/":
            return over(minus(times(da, b), times(a, db)), power(b, 2))
    return (operator, da, db)


def _slope(function, a):
    match function:
        case "exp" | "sinh" | "cosh":
            return call({"exp": "exp", "sinh": "cosh", "cosh": "sinh"}[function], a)
        case "sin":
            return call("cos", a)
        case "cos":
            return negative(call("sin", a))
        case "tanh":
            return power(call("cosh", a), -2)
        case "atan":
            return over(ONE, plus(ONE, power(a, 2)))
        case "sigmoid":
            return times(call("sigmoid", a), minus(ONE, call("sigmoid", a)))
        case "softplus":
            return call("sigmoid", a)
        case "erf":
            return times(over(TWO, call("sqrt", PI)), call("exp", negative(power(a, 2))))
        case "asinh":
            return over(ONE, call("sqrt", plus(power(a, 2), ONE)))
        case "log":
            return over(ONE, a)
        case "sqrt":
            return over(HALF, call("sqrt", a))
    raise ValueError(function)
