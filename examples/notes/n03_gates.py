"""Row 3: the seven gates of the notes, each drawn with its rule of backpropagation."""

import numpy as np
from record import Row, folder, proved, report

import circuitgrad as cg


def main():
    x, y = cg.inputs("x y")
    M, U = cg.input("M", "m n"), cg.input("U", "n m")
    gates = {
        "add": (x + y, "x", "u"),
        "mul": (x * y, "x", "u*y"),
        "max": (np.maximum(x, y), "x", "u*where(x > y, 1, 0)"),
        "inv": (1 / x, "x", "-u/x**2"),
        "exp": (np.exp(x), "x", "u*exp(x)"),
        "log": (np.log(x), "x", "u/x"),
    }
    texts = {
        "add": "x + y",
        "mul": "x*y",
        "max": "max(x, y)",
        "inv": "1/x",
        "exp": "exp(x)",
        "log": "log(x)",
    }
    verdicts, values = [], {}
    for name, (wire, wrt, rule) in gates.items():
        assuming = ["x > 0"] if name == "log" else []
        verdicts.append(cg.check(f"u*({texts[name]})", wrt, rule, assuming=assuming))
        circuit = cg.circuit(f=wire)
        point = {w.label: v for w, v in zip(circuit.inputs, (2.0, 0.5), strict=False)}
        values[name] = circuit.grad("x")(**point)
        circuit.draw(**point).save(folder() / f"n03_{name}.svg")
    expected = {"add": 1, "mul": 0.5, "max": 1, "inv": -0.25, "exp": np.exp(2), "log": 0.5}
    for name, value in expected.items():
        np.testing.assert_allclose(values[name], value, rtol=1e-15)

    turned = cg.circuit(f=(U * M.T).sum())
    verdicts.append(cg.check("sum(U*M.T)", "M", "U.T", M="m n", U="n m"))
    turned.draw(M=[[1, 2], [3, 4]], U=[[5, 6], [7, 8]]).save(folder() / "n03_transpose.svg")
    report(
        Row(
            3,
            "the seven gates and their rules",
            "at x = 2, y = 1/2 the gradients by x are 1, 1/2, 1, −1/4, e², 1/2; ∂/∂M is Uᵀ",
            proved(*verdicts),
            "n03_max.svg",
        ),
    )


if __name__ == "__main__":
    main()
