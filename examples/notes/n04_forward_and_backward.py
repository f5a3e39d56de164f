"""Rows 4 and 5: what the backward pass costs, and paths that meet."""

import numpy as np
from record import Row, folder, proved, report

import circuitgrad as cg


def main():
    generator = np.random.default_rng(0)
    W, x = cg.input("W", (300, 300)), cg.input("x", (300, 200))
    h = np.tanh(W @ x)
    loss = cg.circuit(L=(np.tanh(W @ h) ** 2).sum())
    values = {"W": generator.normal(size=(300, 300)) / 20, "x": generator.normal(size=(300, 200))}
    both = cg.value_and_grad(lambda W, x: np.sum(np.tanh(W @ np.tanh(W @ x)) ** 2))
    np.testing.assert_allclose(both(values["W"], values["x"])[0], loss(**values), rtol=1e-12)
    gradient = loss.grad("W")
    ratio = gradient.cost().flops / loss.cost().flops
    assert 1 < ratio < 4, ratio  # with the forward pass that it contains
    small = cg.circuit(L=np.tanh(cg.input("w") * cg.input("z")) ** 2)
    small.draw(w=0.5, z=2.0).save(folder() / "n04_passes.svg")

    x = cg.input("x")
    q1, q2 = np.sin(x), x * x
    meeting = cg.circuit(f=q1 * q2)
    run = meeting.run(x=1.5)
    total = run.backward()["x"]
    np.testing.assert_allclose(total, np.cos(1.5) * 1.5**2 + 2 * 1.5 * np.sin(1.5), rtol=1e-14)
    meeting.draw(run=run).save(folder() / "n05_paths.svg")
    verdict = cg.check("sin(x)*x**2", "x", "cos(x)*x**2 + sin(x)*2*x")
    report(
        Row(
            4,
            "forward and backward pass",
            f"the gradient of a two-layer network takes {ratio:.2f} times the value's operations",
            proved(cg.verify(small)),
            "n04_passes.svg",
        ),
        Row(
            5,
            "paths that meet: gradients add",
            f"df/dx = {total:.6f} at x = 1.5, the sum of both",
            proved(verdict),
            "n05_paths.svg",
        ),
    )


if __name__ == "__main__":
    main()
