"""What a figure says of single gates: patterns, kinks, numbers that are not finite, proofs."""

import numpy as np
import pytest

from circuitgrad.circuits import circuit
from circuitgrad.errors import SpecError
from circuitgrad.gates.activations import relu
from circuitgrad.proofs.report import verify
from circuitgrad.sources import input_wire, input_wires
from circuitgrad.viz.drawing import draw
from circuitgrad.viz.patterns import at_kink, pattern
from circuitgrad.wire import scope

x, y = input_wires("x y")


@pytest.mark.parametrize(
    ("wire", "word"),
    [
        (x + y, "distributes its upstream gradient unchanged"),
        (x - y, "scaled by 1 and −1"),
        (x * y, "swaps"),
        (np.maximum(x, y), "routes"),
        (np.minimum(x, y), "routes"),
        (relu(x), "lets its upstream gradient through where"),
        (np.sign(x), "stops"),
        (np.abs(x), "piece that holds"),
        (-x, "scales its upstream gradient by −1"),
        (np.exp(x), "by its local gradient"),
        (input_wire("v", shape=(3,)).sum(), "copies add up"),
        (input_wire("v", shape=(3,)).max(), "routes"),
        (input_wire("A", shape=(2, 2)) @ input_wire("B", shape=(2, 2)), "other operand"),
        (x, ""),
    ],
)
def test_the_pattern_follows_from_the_declaration(wire, word):
    assert word in pattern(wire)
    assert bool(pattern(wire)) == bool(word)


def test_patterns_and_fan_outs_are_told_in_tooltips_and_in_words():
    figure = draw(circuit(f=x * y + x), x=2, y=3)
    for text in ("distributes", "swaps", "copied to 2 places; the gradients that come back add up"):
        assert text in figure.describe()
        assert text in figure.svg()


@pytest.mark.parametrize(
    ("wire", "values", "answer"),
    [
        (np.maximum(x, y), (1.0, 1.0), True),
        (np.maximum(x, y), (1.0, 2.0), False),
        (np.abs(x), (0.0,), True),
        (relu(x), (float("nan"),), False),
        (relu(x), (np.array([1.0, 0.0]),), True),
        (relu(x), (np.array([]),), False),
        (np.exp(x), (0.0,), False),
    ],
)
def test_a_kink_is_where_no_piece_holds(wire, values, answer):
    assert at_kink(wire, values) == answer


def test_at_a_kink_the_figure_says_what_was_chosen():
    at = draw(circuit(f=relu(x)), x=0)
    assert "relu (f) is at its kink; chosen is: 0 at x = 0" in at.describe()
    assert "kink" not in draw(circuit(f=relu(x)), x=1).describe()
    assert at.scene.nodes[1].badges == ("kink",)


def badges(figure):
    return [node.badges for node in figure.scene.nodes]


def test_the_first_value_that_is_not_finite_is_marked_and_no_later_one():
    a = np.log(x)
    with np.errstate(all="ignore"):
        figure = draw(circuit(f=np.exp(a * a) + y), x=-1, y=1)
    told = figure.describe()
    assert "The first value that is not finite is a, made by log" in told
    assert sum(found == ("alert",) for found in badges(figure)) == 1


def test_the_first_gradient_that_is_not_finite_is_marked_on_the_way_back():
    with np.errstate(all="ignore"):
        figure = draw(circuit(f=2 * np.sqrt(x * y)), x=0, y=1)
    assert "sent back by b, made by sqrt" in figure.describe()
    assert sum(found == ("alert",) for found in badges(figure)) == 1


def test_proof_marks_are_those_of_the_report():
    target = circuit(f=np.exp(x * y) + x)
    report = verify(target)
    figure = draw(target, report=report, x=1, y=2)
    assert report.proved
    gates = [node for node in figure.scene.nodes if node.kind == "gate"]
    assert all(node.badges == ("proved",) for node in gates)
    assert "derivative is proved" in figure.describe()
    assert all(found == () for found in badges(draw(target, x=1, y=2)))


def test_a_backward_pass_that_was_not_run_is_said_and_is_no_zero():
    target = circuit(f=x * y)
    figure = draw(target, target.run(x=2, y=3))
    assert "backward() was not run" in figure.describe()
    assert "gradient of" not in figure.describe()


def test_a_summary_lists_the_largest_gradients_and_what_is_wrong_in_which_scope():
    with scope("net"), scope("first"):
        a = 1e8 * x
    with scope("net"), scope("second"):
        b = relu(a * y)
    target = circuit(f=b + x)
    run = target.run(x=2.0, y=-3.0)
    run.backward()
    told = run.summary(top=2)
    assert (told.gates, told.zero, told.exploding, told.nonfinite) == (4, 2, 0, 0)
    assert [entry.norm for entry in told.largest] == [1, 1]
    assert [(s.scope, s.gates, s.zero) for s in told.scopes] == [
        ("net", 3, 2),
        ("net/first", 1, 1),
        ("net/second", 2, 1),
    ]
    assert "net/second" in str(told)


def test_a_summary_needs_a_backward_pass():
    with pytest.raises(SpecError, match=r"run\.backward"):
        circuit(f=x * y).run(x=1, y=2).summary()
    run = circuit(f=x * y).run(x=1, y=2)
    run.backward()
    with pytest.raises(SpecError, match="top is -1"):
        run.summary(top=-1)
