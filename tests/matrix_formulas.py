"""Random matrix formulas over named axes: rewritten by identities, mutated.

A tree is (operation, axes, operands…); its axes are names of sizes.
"""

from fractions import Fraction

INPUTS = {
    "A": ("m", "n"), "B": ("n", "p"), "C": ("n", "n"), "D": ("n", "n"), "S": ("n", "n"),
    "x": ("n",), "w": ("n",), "y": ("m",), "v": ("p",), "s": (),
}  # fmt: skip
FACTS = {"S": "symmetric"}
ENTRYWISE = ("exp", "tanh", "sigmoid", "sin", "cos")
AXES = ("m", "n", "p")


def leaf(name):
    return ("input", INPUTS[name], name)


def number(value, axes=()):
    return ("number", axes, Fraction(value))


def op(name, axes, *operands):
    return (name, tuple(axes), *operands)


def add(a, b):
    return op("+", a[1] or b[1], a, b)


def subtract(a, b):
    return op("-", a[1] or b[1], a, b)


def times(a, b):
    return op("*", a[1] or b[1], a, b)


def scaled(value, a):
    return times(number(value), a)


def negative(a):
    return op("negative", a[1], a)


def matmul(a, b):
    return op("@", (*a[1][:-1], *b[1][1:]), a, b)


def transpose(a):
    return op("T", a[1][::-1], a)


def call(name, a):
    return op(name, a[1], a)


def total(a):
    return op("sum", (), a)


def trace(a):
    return op("trace", (), a)


def outer(a, b):
    return op("outer", (*a[1], *b[1]), a, b)


def diagonal(a):
    return op("diag", (*a[1], *a[1]), a)


def eye(axis):
    return op("eye", (axis, axis))


def ones(axis):
    return op("ones", (axis,))


def inverse(a):
    return op("inv", a[1], a)


# --- text ------------------------------------------------------------------------------


def text(tree):
    """The formula as a user writes it."""
    kind, axes, *operands = tree
    if kind == "input":
        return operands[0]
    if kind == "number":
        value = operands[0]
        return f"({value.numerator}/{value.denominator})" if value.denominator > 1 else f"({value})"
    if kind in ("eye", "ones"):
        return f"{kind}({axes[0]})"
    parts = [text(operand) for operand in operands]
    if kind == "negative":
        return f"(-{parts[0]})"
    if kind == "T":
        return f"({parts[0]}).T"
    if kind == "power":
        return f"({parts[0]})**{parts[1]}"
    if kind in ("+", "-", "*", "/", "@"):
        return f"({parts[0]} {kind} {parts[1]})"
    return f"{kind}({', '.join(parts)})"


# --- random formulas ------------------------------------------------------------------------------


def drawn(choose, axes, depth):
    """A random formula with the given axes."""
    known = [name for name, shape in INPUTS.items() if shape == tuple(axes)]
    if depth == 0 or (known and choose.random() < 0.15):
        return _small(choose, axes, known)
    if not axes:
        return _scalar(choose, depth)
    kinds = ["+", "-", "*", "scale", "call", "product"]
    kinds += ["T", "T"] if len(axes) == 2 else ["softmax"]
    kinds += ["diag"] if len(axes) == 2 and axes[0] == axes[1] else []
    kind = choose.choice(kinds)
    if kind in ("+", "-", "*"):
        return op(kind, axes, drawn(choose, axes, depth - 1), drawn(choose, axes, depth - 1))
    if kind == "scale":
        return times(drawn(choose, (), depth - 1), drawn(choose, axes, depth - 1))
    if kind == "call":
        return call(choose.choice(ENTRYWISE), drawn(choose, axes, depth - 1))
    if kind == "T":
        return transpose(drawn(choose, axes[::-1], depth - 1))
    if kind == "diag":
        return diagonal(drawn(choose, axes[:1], depth - 1))
    if kind == "softmax":
        return call("softmax", drawn(choose, axes, depth - 1))
    inner = choose.choice(AXES)
    left = drawn(choose, (*axes[:1], inner), depth - 1)
    return matmul(left, drawn(choose, (inner, *axes[1:]), depth - 1))


def _small(choose, axes, known):
    if known:
        return leaf(choose.choice(known))
    if not axes:
        return number(Fraction(choose.randint(1, 5), choose.choice((1, 2, 3))))
    if len(axes) == 1:
        return ones(axes[0])
    if axes[::-1] in INPUTS.values():
        return transpose(_small(choose, axes[::-1], _named(axes[::-1])))
    return outer(
        _small(choose, axes[:1], _named(axes[:1])), _small(choose, axes[1:], _named(axes[1:]))
    )


def _named(axes):
    return [name for name, shape in INPUTS.items() if shape == tuple(axes)]


def _scalar(choose, depth):
    kind = choose.choice(("dot", "trace", "sum", "norm", "+", "*", "call"))
    axis, other = choose.choice(AXES), choose.choice(AXES)
    if kind == "dot":
        return matmul(drawn(choose, (axis,), depth - 1), drawn(choose, (axis,), depth - 1))
    if kind == "trace":
        return trace(drawn(choose, (axis, axis), depth - 1))
    if kind == "sum":
        return total(drawn(choose, choose.choice(((axis,), (axis, other))), depth - 1))
    if kind == "norm":
        return op("norm", (), drawn(choose, (axis,), depth - 1))
    if kind == "call":
        return call(choose.choice(ENTRYWISE), drawn(choose, (), depth - 1))
    return op(kind, (), drawn(choose, (), depth - 1), drawn(choose, (), depth - 1))


def places(tree, path=()):
    """All subtrees with the path to each."""
    yield path, tree
    if tree[0] not in ("input", "number", "eye", "ones"):
        for k in range(2, 3 if tree[0] == "power" else len(tree)):
            yield from places(tree[k], (*path, k))


def put(tree, path, new):
    """The tree with another subtree at a path."""
    if not path:
        return new
    return (*tree[: path[0]], put(tree[path[0]], path[1:], new), *tree[path[0] + 1 :])


def size(tree):
    return sum(1 for _ in places(tree))


# --- identities -----------------------------------------------------------------------------------


def identities(tree, choose):
    """Other ways to write a formula, equal for every size."""
    kind, axes, *parts = tree
    other = drawn(choose, axes, 1)
    yield subtract(add(tree, other), other)
    yield negative(negative(tree))
    yield scaled(Fraction(1, 3), scaled(3, tree))
    if len(axes) == 2:
        yield transpose(transpose(tree))
        yield matmul(tree, eye(axes[1]))
        yield matmul(eye(axes[0]), tree)
    if len(axes) == 1:
        yield matmul(diagonal(tree), ones(axes[0]))
        yield matmul(eye(axes[0]), tree)
    if axes == ("n", "n"):
        yield matmul(matmul(tree, inverse(leaf("C"))), leaf("C"))
    if kind in "+*":
        yield op(kind, axes, parts[1], parts[0])
    if kind == "-":
        yield negative(subtract(parts[1], parts[0]))
    if kind == "*" and parts[1][0] in "+-":
        yield op(parts[1][0], axes, times(parts[0], parts[1][2]), times(parts[0], parts[1][3]))
    yield from _of_products(kind, axes, parts)
    yield from _of_calls(kind, axes, parts)


def _of_products(kind, axes, parts):
    if kind == "input" and parts[0] == "S":
        yield transpose(leaf("S"))
    if kind == "@":
        yield from _of_matmul(axes, *parts)
    if kind == "T":
        (a,) = parts
        if a[0] == "@" and len(a[2][1]) == len(a[3][1]) == 2:
            yield matmul(transpose(a[3]), transpose(a[2]))
        if a[0] in "+-*" and a[2][1] == a[3][1]:
            yield op(a[0], axes, transpose(a[2]), transpose(a[3]))
        if a[0] == "diag":
            yield a
    if kind == "trace":
        (a,) = parts
        yield trace(transpose(a))
        yield total(times(eye(a[1][0]), a))
        if a[0] == "@":
            yield trace(matmul(a[3], a[2]))
            yield total(times(a[2], transpose(a[3])))
    if kind == "sum":
        (a,) = parts
        if len(a[1]) == 1:
            yield matmul(ones(a[1][0]), a)
        if len(a[1]) == 2:
            yield matmul(ones(a[1][0]), matmul(a, ones(a[1][1])))
            yield total(transpose(a))
    if kind == "norm":
        yield op("norm", (), negative(parts[0]))
    if kind == "*" and not parts[0][1] and not parts[1][1] and parts[0] == parts[1]:
        yield op("power", (), parts[0], number(2))


def _of_matmul(axes, a, b):
    if len(a[1]) == 2 and b[0] in "+-" and b[2][1] == b[3][1]:
        yield op(b[0], axes, matmul(a, b[2]), matmul(a, b[3]))
    if a[0] in "+-" and a[2][1] == a[3][1]:
        yield op(a[0], axes, matmul(a[2], b), matmul(a[3], b))
    if len(a[1]) == 2 and len(b[1]) == 1:
        yield matmul(b, transpose(a))
        if a[0] == "diag":
            yield times(a[2], b)
        if a[0] == "outer":
            yield times(matmul(a[3], b), a[2])
    if len(a[1]) == 1 and len(b[1]) == 1:
        yield matmul(b, a)
        yield total(times(a, b))
        yield trace(outer(a, b))
    if b[0] == "@" and len(b[2][1]) == 2:
        yield matmul(matmul(a, b[2]), b[3])


def _of_calls(kind, axes, parts):
    if kind == "sigmoid":
        below = add(number(1), call("exp", negative(parts[0])))
        yield op("/", axes, number(1), below)
        yield subtract(number(1), call("sigmoid", negative(parts[0])))
    if kind == "softmax":
        weights = call("exp", parts[0])
        yield op("/", axes, weights, total(weights))
    if kind in ("tanh", "sin"):
        yield negative(call(kind, negative(parts[0])))
    if kind == "cos":
        yield call(kind, negative(parts[0]))
    if kind == "exp":
        yield op("/", axes, number(1), call("exp", negative(parts[0])))


def rewritten(tree, choose, steps):
    """The formula after some identities at random places; of no more than 40 parts."""
    for _ in range(steps):
        path, part = choose.choice(list(places(tree)))
        changed = put(tree, path, choose.choice(list(identities(part, choose))))
        if size(changed) <= 40:
            tree = changed
    return tree


SWAPS = {
    "exp": "tanh",
    "tanh": "sin",
    "sin": "cos",
    "cos": "sin",
    "sigmoid": "tanh",
    "softmax": "exp",
}


def mutated(tree, choose):
    """The formula with one slip of the pen; now and then it stays true."""
    path, part = choose.choice(list(places(tree)))
    kind, axes, *parts = part
    small = Fraction(1, 10 ** choose.randint(3, 12))
    slips = [
        negative(part),
        scaled(2, part),
        scaled(1 + small, part),
        add(part, scaled(small, part)),
    ]
    if len(axes) == 2 and axes[0] == axes[1]:
        slips += [transpose(part), add(part, scaled(small, eye(axes[0])))] * 2
    if kind in "+-":
        slips += [operand for operand in parts if operand[1] == axes]
        slips += [op("+" if kind == "-" else "-", axes, *parts)] * 2
    if kind in SWAPS:
        slips += [op(SWAPS[kind], axes, *parts)] * 2
    if kind == "*":
        slips += [operand for operand in parts if operand[1] == axes]
    if kind == "@" and parts[0][1] == parts[1][1] and len(axes) == 2:
        slips += [matmul(parts[1], parts[0]), times(parts[0], parts[1])]
    if kind in ("norm", "sum"):
        slips += [scaled(Fraction(1, 2), part)]
    return put(tree, path, choose.choice(slips))
