"""Printed matrix forms, read back from the text alone, give the numbers of the circuit."""

import numpy as np
import pytest

import circuitgrad as cg
from tests.matrix_reader import UnreadableError, read

CASES = 300
SHAPES = {
    "A": "n n",
    "S": "n n",
    "X": "m n",
    "W": "n m",
    "x": "n",
    "y": "n",
    "u": "m",
    "t": "",
    "s": "",
}
# Names that could be taken for something else, each with the symbol that it is to have.
HOSTILE = {
    "A": ("I", "I"),
    "S": ("T", "T"),
    "X": ("ab", "ab"),
    "W": ("W1", "W₁"),
    "x": ("a", "a"),
    "y": ("b", "b"),
    "u": ("n", "n"),
    "t": ("sigma", "σ"),
    "s": ("exp", "exp"),
}
PLAIN = {name: (name, name) for name in HOSTILE}


def inputs(names):
    facts = {"S": {"symmetric": True}}
    return {
        name: cg.input(names[name][0], shape, **facts.get(name, {}))
        for name, shape in SHAPES.items()
    }


class Generator:
    """Random wires of given axes."""

    def __init__(self, seed, names):
        self.rng = np.random.default_rng(seed)
        self.inputs = inputs(names)

    def pick(self, options):
        return options[int(self.rng.integers(len(options)))]

    def leaf(self, axes):
        found = [wire for wire in self.inputs.values() if wire.shape == axes]
        found += [
            wire.T for wire in self.inputs.values() if wire.ndim == 2 and wire.T.shape == axes
        ]
        if not found:
            return cg.outer(self.leaf(axes[:1]), self.leaf(axes[1:]))
        return self.pick(found)

    def wire(self, axes, depth):
        if depth == 0:
            return self.leaf(axes)
        rules = [self.plus, self.minus, self.scaled, self.function, self.entrywise, self.raised]
        rules += {
            0: [
                self.inner,
                self.trace,
                self.norm,
                self.total,
                self.over,
                self.lse,
                self.det,
                self.extreme,
            ]
        }.get(len(axes), [self.matmul, self.matmul, self.scaled, self.shared])
        if len(axes) == 1:
            rules += [self.entry, self.softmax, self.row_sum, self.solve, self.diagonal]
        if len(axes) == 2:
            rules += [self.outer, self.row_softmax]
            if axes[0] == axes[1]:
                rules += [self.diag, self.inverse]
        return self.pick(rules)(axes, depth - 1)

    def axis(self):
        return self.pick(["n", "m"])

    def plus(self, axes, depth):
        return self.wire(axes, depth) + self.wire(axes, depth)

    def minus(self, axes, depth):
        return self.wire(axes, depth) - self.wire(axes, int(self.rng.integers(depth + 1)))

    def scaled(self, axes, depth):
        factor = self.pick([2.0, -1.0, 0.5, 3.0, -1.5, self.wire((), depth), self.inputs["t"]])
        return factor * self.wire(axes, depth)

    def function(self, axes, depth):
        function = self.pick([np.tanh, np.sin, np.cos, cg.sigmoid, cg.softplus, np.exp, np.square])
        return function(self.pick([1.0, 0.5, -1.0]) * self.wire(axes, depth))

    def entrywise(self, axes, depth):
        return self.wire(axes, depth) * self.wire(axes, int(self.rng.integers(depth + 1)))

    def raised(self, axes, depth):
        base = 1.0 + self.wire(axes, depth) ** 2
        return self.pick([np.sqrt, np.log, lambda z: 1 / z, lambda z: z**-1.5, lambda z: z**2])(
            base
        )

    def inner(self, axes, depth):
        axis = self.axis()
        return self.wire((axis,), depth) @ self.wire((axis,), depth)

    def trace(self, axes, depth):
        return cg.trace(self.wire(("n", "n"), depth))

    def norm(self, axes, depth):
        return cg.norm(1.0 + self.wire(self.pick([("n",), ("m", "n"), ("m",)]), depth) ** 2)

    def total(self, axes, depth):
        return self.wire(self.pick([("n",), ("m", "n"), ("m",)]), depth).sum()

    def over(self, axes, depth):
        below = 1.0 + self.wire((), depth) ** 2
        return self.wire((), depth) / self.pick([below, np.sqrt(below)])

    def shared(self, axes, depth):
        below = 2.0 + self.wire((), depth) ** 2
        return self.wire(axes, depth) / self.pick([below, np.sqrt(below), below * below])

    def lse(self, axes, depth):
        return cg.logsumexp(self.wire((self.axis(),), depth))

    def extreme(self, axes, depth):
        return self.pick([np.max, np.min])(self.wire(self.pick([("n",), ("m", "n")]), depth))

    def entry(self, axes, depth):
        return self.wire((*axes, self.axis()), depth)[..., self.pick([0, -1])]

    def det(self, axes, depth):
        return np.linalg.det(self.leaf(("n", "n")))

    def matmul(self, axes, depth):
        axis = self.axis()
        return self.wire((axes[0], axis), depth) @ self.wire((axis, *axes[1:]), depth)

    def softmax(self, axes, depth):
        return cg.softmax(self.wire(axes, depth))

    def row_softmax(self, axes, depth):
        return cg.softmax(self.wire(axes, depth), axis=self.pick([0, 1]))

    def row_sum(self, axes, depth):
        return self.wire((*axes, self.axis()), depth).sum(axis=1)

    def solve(self, axes, depth):
        if axes != ("n",):
            return self.softmax(axes, depth)
        return cg.solve(self.inputs[self.pick("AS")], self.wire(axes, depth))

    def diagonal(self, axes, depth):
        return cg.diag(self.wire(axes * 2, depth))

    def outer(self, axes, depth):
        return cg.outer(self.wire(axes[:1], depth), self.wire(axes[1:], depth))

    def diag(self, axes, depth):
        return cg.diag(self.wire(axes[:1], depth))

    def inverse(self, axes, depth):
        return cg.inverse(self.leaf(axes)) if axes == ("n", "n") else self.leaf(axes)


def random_circuit(seed, names):
    """A random circuit with a value, gradient, Jacobian or Hessian for output."""
    generator = Generator(seed, names)
    kind = generator.pick(["value", "value", "grad", "grad", "jacobian", "hessian"])
    axes = {"grad": (), "hessian": (), "jacobian": ("n",)}.get(
        kind, generator.pick([(), ("n",), ("m",), ("n", "n"), ("m", "n")])
    )
    depth = int(generator.rng.integers(1, 4 if kind != "hessian" else 3))
    c = cg.circuit(f=generator.wire(axes, depth))
    if kind == "value" or not c.inputs:
        return c
    names = [w.label for w in c.inputs if kind == "grad" or w.ndim < 2]
    if not names:
        return c
    name = generator.pick(names)
    return {"grad": c.grad, "jacobian": c.jacobian, "hessian": c.hessian}[kind](name)


def sample(circuit, rng, size):
    sizes = {"n": size or int(rng.integers(1, 5)), "m": size or int(rng.integers(1, 5))}
    values = {}
    for wire in circuit.inputs:
        array = rng.uniform(0.2, 1.0, [sizes[axis] for axis in wire.shape])
        if wire.ndim == 2 and wire.shape[0] == wire.shape[1]:
            array = array + 2 * np.eye(len(array))
        if "symmetric" in wire.gate.facts:
            array = (array + array.T) / 2
        values[wire.label] = array
    return values, sizes


def read_back(circuit, line, values, sizes, names):
    """The value of a printed line, with the abbreviations that its notes declare."""
    body, _, notes = line.split(" = ", 1)[1].partition("   (")
    symbols = dict(names.values())
    labels = [wire.label for wire in circuit.inputs]
    shapes = {symbols[wire.label]: wire.shape for wire in circuit.inputs}
    known = {symbols[label]: values[label] for label in labels}
    for axis, size in sizes.items():
        shapes[f"#{axis}" if axis in labels else axis] = ()
        known[f"#{axis}" if axis in labels else axis] = size
    pending = [note.split(" = ") for note in notes[:-1].split("; ") if " = " in note]
    for name, meaning in pending * len(pending):  # one may stand in the meaning of another
        for axes in [(), ("n",), ("m",), ("n", "n"), ("m", "n"), ("n", "m"), ("m", "m")]:
            try:
                known[name] = read(meaning, shapes, axes, known, sizes)
            except UnreadableError:
                continue
            shapes[name] = axes
            break
    assert all(name in shapes for name, _ in pending), line
    return read(body, shapes, circuit.outputs[0].shape, known, sizes)


def check(seed, names=PLAIN):
    """Whether the circuit of a seed has a matrix form; it is compared with the circuit's values."""
    circuit = random_circuit(seed, names)
    try:
        line = circuit.matrix()
    except cg.SpecError:
        return False
    if "(index form" in line:
        return False
    rng = np.random.default_rng(seed)
    for size in (None, 1, None):
        values, sizes = sample(circuit, rng, size)
        expected = np.asarray(circuit(**values))
        if not np.all(np.isfinite(expected)) or np.abs(expected).max(initial=0) > 1e8:
            continue
        whole = expected if expected.ndim == 2 else expected.reshape(-1, 1)
        got = read_back(circuit, line, values, sizes, names)
        scale = 1 + np.abs(whole).max(initial=0)
        np.testing.assert_allclose(
            np.broadcast_to(got, whole.shape), whole, rtol=1e-7, atol=1e-9 * scale, err_msg=line
        )
    return True


@pytest.mark.parametrize("first", range(0, CASES, 20))
def test_what_is_printed_is_what_is_computed(first):
    shown = sum(check(seed) for seed in range(first, first + 20))
    assert shown >= 8


@pytest.mark.parametrize("first", range(CASES, CASES + 100, 20))
def test_names_are_not_taken_for_something_else(first):
    shown = sum(check(seed, HOSTILE) for seed in range(first, first + 20))
    assert shown >= 8
