"""Hand-written backward passes: proved for every size, refuted with the slip, then gates."""

import numpy as np
import pytest

import circuitgrad as cg


def softmax(x):
    e = np.exp(x)
    return e / np.sum(e)


def test_a_backward_pass_is_proved_for_every_size():
    def backward(upstream, x, out):
        return out * (upstream - upstream @ out)

    found = cg.check_backward(softmax, backward, x="n")
    assert found.proved
    assert found.verdicts["x"].scope == "for every n"
    assert found.require() is found


def linear(x, W, b):
    return W @ x + b


LINEAR = {"x": "n", "W": "m n", "b": "m"}


def test_every_input_has_its_verdict():
    def backward(upstream, x, W, b):
        return W.T @ upstream, np.outer(upstream, x), upstream

    def swapped(upstream, x, W, b):
        return W.T @ upstream, np.outer(x, upstream), None

    assert cg.check_backward(linear, backward, **LINEAR).proved
    found = cg.check_backward(linear, swapped, **LINEAR)
    assert found.status.value == "refuted"
    assert [name for name, verdict in found.verdicts.items() if verdict.refuted] == ["W", "b"]
    assert "transpose of the right answer" in str(found.verdicts["W"])
    with pytest.raises(cg.ProofError, match=r"(?s)backward pass of linear: refuted.*W: Refuted"):
        found.require()


def normalise(x, eps):
    centred = x - np.mean(x)
    return centred / np.sqrt(np.mean(centred**2) + eps)


@pytest.mark.parametrize("dropped", ["", "mean", "variance"])
def test_batch_norm_with_a_dropped_term_is_refuted(dropped):
    def backward(upstream, x, eps):
        centred = x - np.mean(x)
        spread = np.mean(centred**2) + eps
        found = upstream
        if dropped != "mean":
            found = found - np.mean(upstream)
        if dropped != "variance":
            found = found - centred * np.mean(upstream * centred) / spread
        return found / np.sqrt(spread), -np.sum(upstream * centred) / (2 * spread**1.5)

    found = cg.check_backward(normalise, backward, x="n", assuming="eps > 0")
    assert found.verdicts["eps"].proved
    assert found.verdicts["x"].proved is (not dropped), str(found)
    assert found.verdicts["x"].refuted is bool(dropped)


def test_wrong_numbers_of_gradients_are_refused():
    with pytest.raises(cg.SpecError, match=r"returned 2 gradients; needed 3, one for each of"):
        cg.check_backward(linear, lambda upstream, x, W, b: (upstream, upstream), **LINEAR)
    with pytest.raises(cg.SpecError, match=r"check_backward_numerically"):
        cg.check_backward(lambda x: 2 * x, lambda upstream, x: upstream if upstream > 0 else x)


def test_a_gradient_of_the_wrong_shape_is_refuted():
    found = cg.check_backward(lambda x: np.tanh(x), lambda upstream, x: np.sum(upstream), x="n")
    assert "wrong shape" in str(found)
    assert found.status.value == "refuted"


def test_backward_passes_that_cannot_be_read_are_checked_numerically():
    def clipped(x):
        return np.array([v if v > 0 else 0.1 * v for v in x])

    def backward(upstream, x):
        return np.array([u if v > 0 else 0.1 * u for u, v in zip(upstream, x, strict=True)])

    point = np.array([1.0, -2.0, 0.5])
    assert cg.check_backward_numerically(clipped, backward, point).passed
    wrong = lambda upstream, x: 0.999 * backward(upstream, x)  # noqa: E731
    assert cg.check_backward_numerically(clipped, wrong, point).wrong
    assert cg.check_backward_numerically(clipped, lambda upstream, x: None, point).wrong


# --- custom gates ---------------------------------------------------------------------------------


def swish(x):
    return x / (1 + np.exp(-x))


def swish_backward(upstream, x, out):
    gate = 1 / (1 + np.exp(-x))
    return upstream * (out + gate * (1 - out))


@pytest.fixture(scope="module")
def gate():
    return cg.custom(swish, swish_backward, name="my swish", x="n")


def differences(function, x, step=1e-5):
    moves = step * np.eye(x.size)
    return np.array([(function(x + m) - function(x - m)) / (2 * step) for m in moves])


def test_a_custom_gate_is_one_gate_with_the_declared_gradient(gate):
    x = cg.input("x", "n")
    circuit = cg.circuit(f=gate(x).sum())
    names = [wire.gate.name for wire in circuit.wires]
    assert names.count("my swish") == 1
    point = np.array([0.3, -2.0, 4.0])
    assert circuit(point) == pytest.approx(np.sum(swish(point)))
    numeric = differences(lambda v: np.sum(swish(v)), point)
    np.testing.assert_allclose(circuit.grad("x")(point), numeric, rtol=1e-8)


def test_a_custom_gate_runs_its_own_backward_pass():
    calls = []

    def backward(upstream, x):
        calls.append(type(x).__name__)
        return 2 * x * upstream

    square = cg.custom(lambda x: x * x, backward, x="n")
    calls.clear()
    circuit = cg.circuit(f=square(cg.input("x", 3)).sum())
    np.testing.assert_allclose(circuit.grad("x")(np.arange(3.0)), [0, 2, 4])
    assert calls


def test_a_wrong_custom_gate_is_refused_when_it_is_declared():
    with pytest.raises(cg.ProofError, match=r"1/2 × the right answer"):
        cg.custom(lambda x: x * x, lambda upstream, x: x * upstream, x="n")
    with pytest.raises(cg.ProofError, match=r"undecided|refuted"):
        cg.custom(lambda A: np.linalg.det(A), lambda upstream, A: upstream * A, A="n n")


def test_a_custom_gate_has_second_derivatives(gate):
    x = cg.input("x", 3)
    circuit = cg.circuit(f=(gate(x) * x).sum())
    point = np.array([0.3, -2.0, 1.5])
    slope = lambda v: differences(lambda u: np.sum(swish(u) * u), v)  # noqa: E731
    numeric = differences(slope, point, step=1e-4)
    np.testing.assert_allclose(circuit.hessian("x")(point), numeric, rtol=1e-4, atol=1e-5)


def test_a_custom_gate_takes_arrays_other_sizes_and_is_verified(gate):
    np.testing.assert_allclose(gate(np.array([1.0, 2.0])), swish(np.array([1.0, 2.0])))
    for size in (1, 5):
        circuit = cg.circuit(f=gate(cg.input("x", size)).sum())
        assert circuit.grad("x")(np.ones(size)).shape == (size,)
    x = cg.input("x")
    assert cg.verify(cg.circuit(f=gate(x) ** 2)).proved


def test_a_custom_gate_has_a_jacobian(gate):
    x = cg.input("x", 3)
    circuit = cg.circuit(f=gate(x) * x[0])
    point = np.array([0.5, -1.0, 2.0])
    numeric = differences(lambda v: swish(v) * v[0], point).T
    np.testing.assert_allclose(circuit.jacobian("x")(point), numeric, rtol=1e-7, atol=1e-9)


def third(upstream, x):
    return upstream / 3 * np.ones_like(x)


@pytest.mark.parametrize("size", [1, 3, 5, "n"])
def test_a_proof_at_one_size_is_not_used_at_others(size):
    mean = cg.custom(lambda x: np.mean(x), third, x=3)
    circuit = cg.circuit(f=mean(cg.input("x", size)))
    length = 7 if size == "n" else size
    np.testing.assert_allclose(circuit.grad("x")(np.ones(length)), np.full(length, 1 / length))


def test_inputs_that_broadcast_get_gradients_of_their_own_shape():
    def backward(upstream, x, y):
        return upstream * y, upstream * x

    product = cg.custom(lambda x, y: x * y, backward, x="n", y="n")
    circuit = cg.circuit(f=product(cg.input("x", (2, 3)), cg.input("y", 3)).sum())
    np.testing.assert_allclose(circuit.grad("y")(np.ones((2, 3)), np.ones(3)), [2, 2, 2])
