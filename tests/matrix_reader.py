"""A reader of printed matrix notation, written without the library: what a person would compute.

A text is read into a tree, every part of it gets its number of rows and columns by the rules of
matrix algebra (only the lengths of 𝟏 and I are left to be found), and NumPy computes it. A text
that can be read in two ways, such as `a/b c`, is refused.
"""

import re
from fractions import Fraction

import numpy as np

SUPERSCRIPTS = dict(zip("⁰¹²³⁴⁵⁶⁷⁸⁹⁻ᐟ", "0123456789-/", strict=True))
NUMBER = re.compile(r"[0-9]+(\.[0-9]+)?(e[-+]?[0-9]+)?")
ENTRYWISE = {
    "exp": np.exp,
    "log": np.log,
    "sin": np.sin,
    "cos": np.cos,
    "tanh": np.tanh,
    "cosh": np.cosh,
    "sinh": np.sinh,
    "abs": np.abs,
    "sign": np.sign,
    "step": lambda x: (x > 0) * 1.0,
    "relu": lambda x: np.maximum(x, 0),
    "σ": lambda x: 1 / (1 + np.exp(-x)),
    "sigmoid": lambda x: 1 / (1 + np.exp(-x)),
    "softplus": lambda x: np.logaddexp(0, x),
    "log_sigmoid": lambda x: -np.logaddexp(0, -x),
    # Of all entries, though as large as what they are taken of.
    "argmax": lambda x: (x == x.max()) / (x == x.max()).sum(),
    "argmin": lambda x: (x == x.min()) / (x == x.min()).sum(),
}
TO_NUMBER = {
    "tr": np.trace,
    "det": np.linalg.det,
    "logdet": lambda x: np.linalg.slogdet(x)[1],
    "logsumexp": lambda x: np.log(np.exp(x).sum()),
    "norm": lambda x: np.sqrt((x * x).sum()),
    "max": np.max,
    "min": np.min,
}
FUNCTIONS = {*ENTRYWISE, *TO_NUMBER, "diag", "softmax"}


class UnreadableError(ValueError):
    """A text that a person could not read, or not in one way."""


class Node:
    """A part of a text with its rows and columns (places in the table of lengths)."""

    def __init__(self, head, parts=(), value=None, shape=None):
        self.head, self.parts, self.value, self.shape = head, list(parts), value, shape


class Lengths:
    """Names of lengths, some of them to be found: a union of what must be equal."""

    def __init__(self):
        self.same = {}

    def new(self):
        return object()

    def find(self, length):
        while length in self.same:
            length = self.same[length]
        return length

    def unify(self, first, second, where):
        first, second = self.find(first), self.find(second)
        if first == second:
            return
        if isinstance(first, str | int) and isinstance(second, str | int):
            raise UnreadableError(f"{where}: lengths {first} and {second}")
        if isinstance(first, str | int):
            first, second = second, first
        self.same[first] = second

    def is_number(self, node):
        return all(self.find(length) == 1 for length in node.shape)


class Reader:
    def __init__(self, text, shapes, lengths):
        self.text, self.place = text, 0
        self.identity = "I" if "I" not in shapes else "Id"
        self.shapes, self.lengths = shapes, lengths

    # --- text to tree ---------------------------------------------------------------------------
    def rest(self):
        return self.text[self.place :]

    def skip(self):
        while self.rest()[:1] in (" ", "·"):
            self.place += 1

    def sees(self, token):
        return self.rest().startswith(token)

    def take(self, token):
        self.skip()
        if not self.sees(token):
            raise UnreadableError(f"{token!r} expected at {self.rest()!r} of {self.text!r}")
        self.place += len(token)

    def maybe(self, token):
        at = self.place
        self.skip()
        if self.sees(token):
            self.place += len(token)
            return True
        self.place = at
        return False

    def sum(self):
        sign = -1 if self.maybe("−") else 1
        terms = [(sign, self.entry())]
        while True:
            if self.maybe("+"):
                terms.append((1, self.entry()))
            elif self.maybe("−"):
                terms.append((-1, self.entry()))
            else:
                break
        if terms == [(1, terms[0][1])]:
            return terms[0][1]
        rows, columns = self.lengths.new(), self.lengths.new()
        plain = [part for _, part in terms if part.head != "number"]
        for part in plain or [terms[0][1]]:
            self.lengths.unify(rows, part.shape[0], self.text)
            self.lengths.unify(columns, part.shape[1], self.text)
        signs = [sign for sign, _ in terms]
        return Node("sum", [part for _, part in terms], signs, (rows, columns))

    def entry(self):
        first, many = self.product()
        parts = [first]
        while self.maybe("⊙"):
            part, several = self.product()
            many = many or several
            parts.append(part)
        if len(parts) == 1:
            return first
        if many:
            raise UnreadableError(f"⊙ beside a product without brackets: {self.text!r}")
        for part in parts[1:]:
            for one, other in zip(first.shape, part.shape, strict=True):
                self.lengths.unify(one, other, self.text)
        return Node("entrywise", parts, None, first.shape)

    def product(self):
        """A product and whether it has more than one factor."""
        factors = [self.factor()]
        while True:
            self.skip()
            if not self.rest() or (self.rest()[0] in "+−)⊙/,‖" and not self.opens_norm()):
                break
            factors.append(self.factor())
        node = factors[0]
        for factor in factors[1:]:
            node = self.times(node, factor)
        if self.maybe("/"):
            below = self.factor()
            if not self.lengths.is_number(below):
                raise UnreadableError(f"division by a matrix: {self.text!r}")
            node = Node("over", [node, below], None, node.shape)
            self.skip()
            if self.rest() and (self.rest()[0] not in "+−)⊙,‖" or self.opens_norm()):
                raise UnreadableError(f"what is below the fraction bar of {self.text!r}?")
            return node, True
        return node, len(factors) > 1

    def opens_norm(self):
        """Whether a ‖ here begins a norm: it does unless one is open."""
        return self.sees("‖") and self.text[: self.place].count("‖") % 2 == 0

    def times(self, left, right):
        if self.lengths.is_number(left):
            return Node("scaled", [left, right], None, right.shape)
        if self.lengths.is_number(right):
            return Node("scaled", [right, left], None, left.shape)
        self.lengths.unify(left.shape[1], right.shape[0], self.text)
        return Node("matmul", [left, right], None, (left.shape[0], right.shape[1]))

    def factor(self):
        self.skip()
        if self.maybe("√"):
            atom = self.atom()
            return Node("power", [atom], Fraction(1, 2), (1, 1))
        node = self.atom()
        while self.rest()[:1] and (self.rest()[0] in SUPERSCRIPTS or self.rest()[0] in "ᵀ^"):
            node = self.postfix(node)
        return node

    def superscript(self):
        shown = ""
        while self.rest()[:1] in SUPERSCRIPTS and self.rest():
            shown += SUPERSCRIPTS[self.rest()[0]]
            self.place += 1
        return shown

    def postfix(self, node):
        if self.maybe("ᵀ"):
            return Node("transpose", [node], None, node.shape[::-1])
        if self.sees("^∘"):
            self.take("^∘")
            shown = re.match(r"\(([^)]*)\)|([0-9]+)", self.rest())
            self.place += shown.end()
            exponent = Fraction((shown[1] or shown[2]).replace("−", "-"))
            return Node("entries", [node], exponent, node.shape)
        shown = self.superscript()
        if shown == "-":
            self.take("ᵀ")
            self.lengths.unify(*node.shape, self.text)
            inverse = Node("matrix_power", [node], -1, node.shape)
            return Node("transpose", [inverse], None, node.shape)
        if self.lengths.is_number(node):
            return Node("power", [node], Fraction(shown), (1, 1))
        self.lengths.unify(*node.shape, self.text)
        return Node("matrix_power", [node], int(shown), node.shape)

    def atom(self):
        self.skip()
        if self.maybe("("):
            node = self.sum()
            self.take(")")
            return Node("bracket", [node], None, node.shape)
        if self.maybe("‖"):
            node = self.sum()
            self.take("‖")
            return Node("norm", [node], None, (1, 1))
        if self.maybe("½"):
            return Node("number", (), 0.5, (1, 1))
        if self.maybe("𝟏"):
            return Node("ones", (), None, (self.lengths.new(), 1))
        number = NUMBER.match(self.rest())
        if number:
            self.place += number.end()
            return Node("number", (), float(number[0]), (1, 1))
        known = sorted({*self.shapes, *FUNCTIONS, self.identity}, key=len, reverse=True)
        word = next((name for name in known if self.sees(name)), None)
        unit = re.match(r"e([₀-₉₋]+)", self.rest())
        if unit and word is None:
            self.place += unit.end()
            place = int(unit[1].translate(str.maketrans("₀₁₂₃₄₅₆₇₈₉₋", "0123456789-")))
            return Node("unit", (), place, (self.lengths.new(), 1))
        if word is None:
            raise UnreadableError(f"what is {self.rest()!r} in {self.text!r}?")
        self.place += len(word)
        is_called = re.match(r"[²³⁴-⁹]*\(", self.rest()) is not None and word in FUNCTIONS
        if word in self.shapes and not is_called:
            return Node("name", (), word, self.shapes[word])
        if word == self.identity:
            side = self.lengths.new()
            return Node("identity", (), None, (side, side))
        return self.call(word)

    def call(self, name):
        exponent = self.superscript()
        self.take("(")
        inner = self.sum()
        self.take(")")
        rows, columns = inner.shape
        if name == "diag":
            if self.lengths.find(columns) == 1:
                return Node("diag", [inner], None, (rows, rows))
            self.lengths.unify(rows, columns, self.text)
            return Node("diagonal", [inner], None, (rows, 1))
        if name in TO_NUMBER:
            node = Node(name, [inner], None, (1, 1))
            return self.raised(node, exponent, "power")
        is_column = self.lengths.find(columns) == 1
        node = Node(name, [inner], 0 if is_column else 1, inner.shape)
        return self.raised(node, exponent, "entries")

    def raised(self, node, exponent, head):
        return Node(head, [node], Fraction(exponent), node.shape) if exponent else node

    # --- tree to numbers ------------------------------------------------------------------------
    def value(self, node, values, sizes):
        parts = [self.value(part, values, sizes) for part in node.parts]
        if node.head in ("ones", "identity", "unit"):
            length = self.lengths.find(node.shape[0])
            if not isinstance(length, str | int):
                raise UnreadableError(f"how long is a 𝟏 or I of {self.text!r}?")
            length = sizes.get(length, length)
            if node.head == "unit":
                return np.eye(length)[:, [node.value]]
            return np.ones((length, 1)) if node.head == "ones" else np.eye(length)
        return computed(node, parts, values)


def computed(node, parts, values):
    first = parts[0] if parts else None
    match node.head:
        case "name":
            array = np.asarray(values[node.value], dtype=float)
            return array.reshape(-1, 1) if array.ndim < 2 else array
        case "number":
            return np.array([[node.value]])
        case "bracket":
            return first
        case "sum":
            return sum(sign * part for sign, part in zip(node.value, parts, strict=True))
        case "entrywise":
            return np.prod(np.stack(parts), axis=0)
        case "over":
            return first / parts[1]
        case "scaled":
            return first * parts[1]
        case "matmul":
            return first @ parts[1]
        case "transpose":
            return first.T
        case "power" | "entries":
            return first ** float(node.value)
        case "matrix_power":
            return np.linalg.matrix_power(first, node.value)
        case "norm":
            return np.sqrt((first * first).sum()).reshape(1, 1)
        case "diag":
            return np.diag(first[:, 0])
        case "diagonal":
            return np.diagonal(first).reshape(-1, 1)
        case "softmax":
            axis = node.value
            e = np.exp(first - first.max(axis=axis, keepdims=True))
            return e / e.sum(axis=axis, keepdims=True)
    if node.head in TO_NUMBER:
        return np.asarray(TO_NUMBER[node.head](first)).reshape(1, 1)
    return ENTRYWISE[node.head](first)


def column_shape(axes):
    """Rows and columns of a vector as a column."""
    return (*axes, 1, 1)[:2]


def read(text, shapes, axes, values, sizes):
    """The value of a printed matrix form.

    Args:
        text: What stands right of the equals sign.
        shapes: The axes of each symbol of the text.
        axes: The axes of the whole.
        values: The array of each symbol.
        sizes: The length of each named axis.
    """
    lengths = Lengths()
    symbols = {name: column_shape(own) for name, own in shapes.items()}
    reader = Reader(text, symbols, lengths)
    tree = reader.sum()
    if reader.rest():
        raise UnreadableError(f"{reader.rest()!r} is left of {text!r}")
    if not (tree.head == "number" and tree.value == 0):
        for one, other in zip(tree.shape, column_shape(axes), strict=True):
            lengths.unify(one, other, text)
    return reader.value(tree, values, sizes)
