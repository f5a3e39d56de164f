"""The figures of docs/gallery.md: a function for each; its docstring and body are on the page."""

import numpy as np

import circuitgrad as cg
from circuitgrad.viz import plots


def standard():
    """A circuit with its numbers

    Values stand above the wires in green, gradients below them in red. Small print shows the chain
    rule, upstream × local, and blue the local gradient. `detail=0` or `1` shows less.
    """
    w0, x0, w1, x1, w2 = cg.inputs("w0 x0 w1 x1 w2")
    neuron = cg.circuit(f=1 / (1 + np.exp(-(w0 * x0 + w1 * x1 + w2))))
    return neuron.draw(w0=2, x0=-1, w1=-3, x1=-2, w2=-3)


def outputs():
    """Several outputs

    Every backward pass has a colour of its own, and is a row of the Jacobian.
    """
    x, y = cg.inputs("x y")
    return cg.circuit(f=x**2 * y, g=5 * x + np.sin(y)).draw(x=1, y=2)


def symbols():
    """Without numbers

    A circuit that was not run shows its formulas: what is not computed is never shown as 0.
    """
    x, y = cg.inputs("x y")
    return cg.circuit(f=np.exp(x * y) / y).draw()


def kinks():
    """Kinks and proofs

    A check mark says that the derivative of a gate is proved, a bent line that it stands on a kink,
    where the derivative that was chosen is told below.
    """
    x, y = cg.inputs("x y")
    c = cg.circuit(f=np.maximum(x * y, 0) + np.log(x))
    return c.draw(x=2, y=0, report=cg.verify(c))


def infinities():
    """Where a number stops being finite

    A triangle marks the gate that first made an infinity or a NaN, forward or backward.
    """
    x, y = cg.inputs("x y")
    with np.errstate(divide="ignore"):
        return cg.circuit(f=np.sqrt(x) * y).draw(x=0, y=2)


def folded():
    """Many gates

    Scopes that are closed are cards. Equal blocks in a row share one; its bars are the gradient
    norms behind every copy, so that a gradient that vanishes is seen at once.
    """
    h = list(cg.inputs(" ".join(f"x{k}" for k in range(32))))
    for number in range(12):
        with cg.scope("net"), cg.scope(f"block{number}"):
            h = [np.tanh(0.4 * (a + b)) for a, b in zip(h, h[1:] + h[:1], strict=True)]
    with cg.scope("head"):
        y = sum(h[1:], h[0])
    with cg.scope("loss"):
        network = cg.circuit(L=np.log(1 + y**2))
    run = network.run(*np.linspace(-0.5, 1, 32))
    run.backward()
    return network.draw(run=run, expand="net")


def opened():
    """One scope opened

    `expand` names the scopes to open; the equal ones before and after stay folded.
    """
    h = list(cg.inputs("x0 x1"))
    for number in range(8):
        with cg.scope(f"block{number}"):
            h = [np.tanh(0.4 * (h[0] + h[1])) + h[0], np.sin(h[1])]
    network = cg.circuit(L=h[0] * h[1])
    run = network.run(0.3, 0.8)
    run.backward()
    return network.draw(run=run, expand="block3")


def neighbourhood():
    """What is near a wire

    `around` shows what is a few gates away, `path=("x", "f")` the ways from one wire to another,
    and `scope` one scope. Dots stand for the gates outside.
    """
    (x,) = cg.inputs("x")
    wire = x
    for number in range(40):
        wire = np.sin(wire) + x if number % 2 else 1.1 * wire
    c = cg.circuit(f=wire)
    run = c.run(x=0.4)
    run.backward()
    return c.draw(run=run, around=c.wires[30], hops=2)


def fused():
    """Chains of gates as one

    With `fuse=True`, gates with one operand that follow one another become one, whose local
    gradient is their product.
    """
    x, y = cg.inputs("x y")
    return cg.circuit(f=1 / (1 + np.exp(-x * y))).draw(x=1, y=2, fuse=True)


def losses():
    """Loss curves

    The figures of training need `pip install 'circuitgrad[plots]'`. They take plain arrays.
    """
    steps = np.arange(100)
    ripple = 0.02 * np.sin(steps) ** 2
    curves = {"SGD": 2 * np.exp(-steps / 40) + ripple, "Adam": 2 * np.exp(-steps / 15) + ripple}
    return plots.loss_curves(curves)


def ways():
    """Paths of optimisers

    `plots.animated_paths` takes the same, and saves an animation.
    """
    x, y = cg.inputs("x y")
    valley = cg.circuit(f=(1 - x) ** 2 + 10 * (y - x**2) ** 2)
    place, path = np.array([-1.2, 1.0]), []
    for _ in range(200):
        path.append(place)
        run = valley.run(*place)
        place = place - 0.01 * np.array(list(run.backward().values()))
    rosenbrock = np.vectorize(lambda x, y: (1 - x) ** 2 + 10 * (y - x**2) ** 2)
    return plots.optimiser_paths(rosenbrock, {"gradient descent": path})


def activations():
    """Activation functions and their derivatives"""
    (x,) = cg.inputs("x")
    places = np.linspace(-4, 4, 161)
    curves = {}
    for gate in (cg.sigmoid, cg.relu, cg.softplus):
        c = cg.circuit(f=gate(x))
        slope = c.grad("x")
        curves[gate.name] = ([c(p) for p in places], [slope(p) for p in places])
    return plots.activation_curves(curves, places)


def layers():
    """How activations and gradients are spread"""
    source = np.random.default_rng(0)
    values = {f"layer {k}": source.normal(size=500) * 0.9**k for k in range(6)}
    gradients = {f"layer {k}": source.normal(size=500) * 0.4 ** (5 - k) for k in range(6)}
    return plots.layer_spreads(values, gradients)


def templates():
    """Templates of classes"""
    i, j = np.mgrid[-1:1:16j, -1:1:16j]
    return plots.class_templates(
        [i, j, i * j, np.cos(4 * np.hypot(i, j))], ["down", "right", "diagonal", "ring"]
    )


def confusion():
    """Confusion matrix"""
    counts = [[50, 2, 1], [4, 44, 3], [0, 6, 41]]
    return plots.confusion_matrix(counts, ["setosa", "versicolor", "virginica"])


DIAGRAMS = (
    standard, outputs, symbols, kinks, infinities, folded, opened, neighbourhood, fused,
)  # fmt: skip
TRAINING = (losses, ways, activations, layers, templates, confusion)
