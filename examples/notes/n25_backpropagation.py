"""Rows 25 to 27: the 4-2-1 network weight by weight, vectorised backpropagation, linear layers."""

import numpy as np
from record import Row, folder, proved, report

import circuitgrad as cg

Z1 = "w11*a1 + w12*a2 + w13*a3 + w14*a4 + b1"
Z2 = "w21*a1 + w22*a2 + w23*a3 + w24*a4 + b2"
SCORE = f"u1*sigmoid({Z1}) + u2*sigmoid({Z2})"


def by_weights():
    slope = f"sigmoid({Z1})*(1 - sigmoid({Z1}))"
    verdicts = [
        cg.check(SCORE, "w14", f"u1*{slope}*a4"),
        cg.check(SCORE, "b1", f"u1*{slope}"),
        cg.check(SCORE, "a4", f"w14*u1*{slope} + w24*u2*sigmoid({Z2})*(1 - sigmoid({Z2}))"),
    ]
    generator = np.random.default_rng(1)
    W, a, b, u = cg.input("W", (2, 4)), cg.input("a", 4), cg.input("b", 2), cg.input("u", 2)
    circuit = cg.circuit(s=u @ cg.sigmoid(W @ a + b), inputs=[W, a, b, u])
    values = {w.label: generator.normal(size=w.shape) for w in circuit.inputs}
    z = values["W"] @ values["a"] + values["b"]
    delta = values["u"] * np.exp(-z) / (1 + np.exp(-z)) ** 2
    found = circuit.grad(["W", "b"])(**values)
    np.testing.assert_allclose(found["∂s/∂W"][0, 3], delta[0] * values["a"][3], rtol=1e-12)
    np.testing.assert_allclose(found["∂s/∂b"], delta, rtol=1e-12)
    circuit.draw(**values).save(folder() / "n25_network.svg")
    return Row(
        25,
        "the 4-2-1 network, element by element",
        "∂s/∂W₁₄ = W⁽²⁾₁ f'(z₁) a₄ = δ₁a₄; ∂s/∂b₁ = δ₁",
        proved(*verdicts),
        "n25_network.svg",
    )


def vectorised():
    W1, W2, W3 = cg.input("W1", "h n"), cg.input("W2", "k h"), cg.input("W3", "o k")
    x, t = cg.input("x", "n"), cg.input("t", "o")
    loss = cg.circuit(L=0.5 * ((W3 @ np.tanh(W2 @ np.tanh(W1 @ x)) - t) ** 2).sum())
    steps = str(loss.derivation("W1"))
    for line in ("W₃ᵀ δ", "W₂ᵀ δ", " ⊙ (1 − tanh²(", " xᵀ"):
        assert line in steps, steps
    generator = np.random.default_rng(2)
    sizes = {"n": 3, "h": 4, "k": 5, "o": 2}
    values = {w.label: generator.normal(size=[sizes[a] for a in w.shape]) for w in loss.inputs}
    a1 = np.tanh(values["W1"] @ values["x"])
    a2 = np.tanh(values["W2"] @ a1)
    d3 = values["W3"] @ a2 - values["t"]
    d2 = (1 - a2**2) * (values["W3"].T @ d3)
    d1 = (1 - a1**2) * (values["W2"].T @ d2)
    for name, delta, a in (("W1", d1, values["x"]), ("W2", d2, a1), ("W3", d3, a2)):
        found = loss.grad(name)(**values)
        np.testing.assert_allclose(found, np.outer(delta, a), rtol=1e-11)
    loss.grad("W1").draw(**values).save(folder() / "n26_gradient.svg")
    verdict = cg.check(
        "0.5*sum((V @ tanh(W @ x) - t)**2)",
        "W",
        "outer((1-tanh(W @ x)**2)*(V.T @ (V @ tanh(W @ x) - t)), x)",
        V="k h",
        W="h n",
        x="n",
        t="k",
    )
    return Row(
        26,
        "vectorised backpropagation",
        "δ⁽ᵏ⁾ = f'(z⁽ᵏ⁾) ⊙ (W⁽ᵏ⁾ᵀδ⁽ᵏ⁺¹⁾), ∇W⁽ᵏ⁾ = δ⁽ᵏ⁺¹⁾a⁽ᵏ⁾ᵀ, as the derivation prints it",
        proved(verdict),
        "n26_gradient.svg",
    )


def linear_layers():
    verdicts = [
        cg.check_equal(
            "W2 @ (W1 @ x + b1) + b2",
            "(W2 @ W1) @ x + (W2 @ b1 + b2)",
            W2="k h",
            W1="h n",
            x="n",
            b1="h",
            b2="k",
        ),
        cg.check(
            "sum((D @ (E @ x) - x)**2)",
            "D",
            "2*outer(D @ (E @ x) - x, E @ x)",
            D="n k",
            E="k n",
            x="n",
        ),
    ]
    layers = [(4, 20), (8, 4), (1, 8)]
    parameters = sum(rows * columns + rows for rows, columns in layers)
    assert parameters == 133
    D, E, x = cg.input("D", (3, 1)), cg.input("E", (1, 3)), cg.input("x", 3)
    auto = cg.circuit(L=((D @ np.tanh(E @ x) - x) ** 2).sum())
    auto.draw(D=np.ones((3, 1)), E=np.ones((1, 3)) / 3, x=[1, 0, -1]).save(
        folder() / "n27_auto.svg"
    )
    return Row(
        27,
        "networks of any depth; linear ones collapse",
        "a 20-4-8-1 network has 133 parameters; W₂(W₁x + b₁) + b₂ is one affine map",
        proved(*verdicts),
        "n27_auto.svg",
    )


def main():
    report(by_weights(), vectorised(), linear_layers())


if __name__ == "__main__":
    main()
