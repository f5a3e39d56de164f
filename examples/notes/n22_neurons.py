"""Rows 22 to 24: one neuron, a layer, a window of words with a score, and a margin that is met."""

import numpy as np
from record import Row, folder, proved, report

import circuitgrad as cg


def neuron():
    w0, x0, w1, x1, w2 = cg.inputs("w0 x0 w1 x1 w2")
    circuit = cg.circuit(f=1 / (1 + np.exp(-(w0 * x0 + w1 * x1 + w2))))
    run = circuit.run(w0=2, x0=-1, w1=-3, x1=-2, w2=-3)
    np.testing.assert_allclose(run["f"].value, 0.7311, atol=5e-5)
    gradients = run.backward()
    wanted = {"w0": -0.1966, "w1": -0.3932, "w2": 0.1966, "x0": 0.3932, "x1": -0.5898}
    for name, value in wanted.items():
        np.testing.assert_allclose(gradients[name], value, atol=5e-5)
    circuit.draw(run=run).save(folder() / "n22_neuron.svg")

    W, x, b = cg.input("W", "m n"), cg.input("x", "n"), cg.input("b", "m")
    layer = cg.circuit(a=cg.sigmoid(W @ x + b))
    values = layer(W=[[2, -3], [0, 0]], x=[-1, -2], b=[-3, 0])
    np.testing.assert_allclose(values, [0.7310585786300049, 0.5], rtol=1e-15)
    return Row(
        22,
        "a sigmoid neuron and a layer of them",
        "0.7311; gradients −0.1966, −0.3932, 0.1966 by w₀, w₁, w₂ and 0.3932, −0.5898 by x₀, x₁",
        proved(cg.verify(circuit)),
        "n22_neuron.svg",
    )


def window():
    generator = np.random.default_rng(0)
    W, x, b, U = (cg.input(n, s) for n, s in (("W", (8, 20)), ("x", 20), ("b", 8), ("U", 8)))
    circuit = cg.circuit(s=U @ cg.sigmoid(W @ x + b), inputs=[W, x, b, U])
    words = [generator.normal(size=4) for _ in range(5)]
    values = {
        "W": generator.normal(size=(8, 20)) / 5,
        "x": np.concatenate(words),
        "b": np.zeros(8),
        "U": generator.normal(size=8),
    }
    hidden = 1 / (1 + np.exp(-(values["W"] @ values["x"])))
    np.testing.assert_allclose(circuit(**values), values["U"] @ hidden, rtol=1e-13)
    by_hand = np.outer(values["U"] * hidden * (1 - hidden), values["x"])
    np.testing.assert_allclose(circuit.grad("W")(**values), by_hand, rtol=1e-12)
    circuit.draw(**values).save(folder() / "n23_window.svg")
    verdict = cg.check(
        "U @ sigmoid(W @ x + b)",
        "x",
        "W.T @ (U*sigmoid(W@x+b)*(1-sigmoid(W@x+b)))",
        U="h",
        W="h n",
        x="n",
        b="h",
    )
    return Row(
        23,
        "window scoring for named entities",
        "x has 20 entries, W 8×20, b 8, U 8; ∂s/∂W = (U ⊙ σ'(z))xᵀ",
        proved(verdict),
        "n23_window.svg",
    )


def margin():
    s, c = cg.inputs("s s_c")
    circuit = cg.circuit(J=cg.maximum(1 + c - s, 0))
    met, missed = {"s": 3.0, "s_c": 1.0}, {"s": 1.5, "s_c": 1.0}
    assert circuit(**met) == 0
    assert circuit.grad()(**met) == {"∂J/∂s_c": 0, "∂J/∂s": 0}
    assert circuit(**missed) == 0.5
    assert circuit.grad()(**missed) == {"∂J/∂s_c": 1, "∂J/∂s": -1}
    circuit.draw(**missed).save(folder() / "n24_margin.svg")
    verdict = cg.check("max(1 + c - s, 0)", "s", "Piecewise((-1, 1 + c - s > 0), (0, True))")
    return Row(
        24,
        "max-margin objective",
        "loss and gradients are 0 once s ≥ s_c + 1; else 1 and −1",
        proved(verdict),
        "n24_margin.svg",
    )


def main():
    report(neuron(), window(), margin())


if __name__ == "__main__":
    main()
