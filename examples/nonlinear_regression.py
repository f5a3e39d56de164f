"""The 27 nonlinear regressions of NIST, from both starts, with Jacobians of the printed models.

Each file (NIST/ITL Statistical Reference Datasets, public domain) has a model, data, two starts and
parameters certified to eleven digits. The model's text becomes a circuit, its Jacobian goes to
SciPy's least_squares. Prints the certified digits: the least over a set's parameters.
"""

import pathlib
import re
from dataclasses import dataclass

import numpy as np
from scipy.optimize import least_squares

import circuitgrad as cg
from circuitgrad.assignments import parse_circuit

FOLDER = pathlib.Path(__file__).resolve().parent / "data" / "nist"
NEWTON_STEPS = 4
NUMBER = r"[-+]?\d*\.?\d+(?:[eEdD][-+]?\d+)?"


@dataclass(frozen=True)
class Problem:
    """A data set: its model as text, starts and certified values by parameter, and data."""

    name: str
    model: str
    starts: np.ndarray
    certified: np.ndarray
    x: np.ndarray
    y: np.ndarray


def read(path):
    """The problem in a file."""
    text = path.read_text(encoding="ascii")
    rows = re.findall(rf"^\s*b\d+ =\s+({NUMBER})\s+({NUMBER})\s+({NUMBER})", text, re.MULTILINE)
    table = np.array(rows, dtype=float)
    data = text[text.rindex("Data:") :].splitlines()[1:]
    values = np.array([line.split() for line in data if line.strip()], dtype=float)
    return Problem(
        path.stem, model_of(text), table[:, :2].T, table[:, 2], values[:, 1:], values[:, 0]
    )


def model_of(text):
    """The formula between `y =` and `+ e`, in the library's grammar."""
    body = text[text.index("Model:") : text.index("Starting", text.index("Model:"))]
    formula = re.search(r"(?:y|log\[y\])\s*=(.*?)\+\s*e\s*$", body, re.DOTALL | re.MULTILINE)[1]
    formula = " ".join(formula.split()).replace("[", "(").replace("]", ")")
    return formula.replace("arctan", "atan")


def solve(problem, start):
    """The parameters that least squares finds with the Jacobian, polished with the Hessian."""
    names = [f"b{k + 1}" for k in range(len(start))]
    columns = problem.x.T if problem.x.shape[1] > 1 else [problem.x[:, 0]]
    labels = ["x"] if len(columns) == 1 else [f"x{k + 1}" for k in range(len(columns))]
    inputs = dict(zip(labels, columns, strict=True))
    target = np.log(problem.y) if problem.name == "Nelson" else problem.y
    model = parse_circuit(problem.model, {label: (len(target),) for label in labels})
    jacobian = model.jacobian(names)
    squares = cg.circuit(S=0.5 * ((model.outputs[0] - target) ** 2).sum(), inputs=model.inputs)
    gradient, hessian = squares.grad(names), squares.hessian(names)

    def at(b):
        return {**inputs, **dict(zip(names, b, strict=True))}

    with np.errstate(all="ignore"):
        b = least_squares(
            lambda b: np.nan_to_num(model(**at(b)) - target, nan=1e300, posinf=1e300), start,
            lambda b: np.nan_to_num(jacobian(**at(b))), method="lm", x_scale="jac",
            xtol=1e-15, ftol=1e-15, gtol=1e-15, max_nfev=200_000,
        ).x  # fmt: skip
        for _ in range(NEWTON_STEPS):
            slope = np.array([gradient(**at(b))[f"∂S/∂{name}"] for name in names])
            scale = np.abs(b)
            matrix = hessian(**at(b)) * np.outer(scale, scale)
            step = np.linalg.solve(matrix, slope * scale) * scale
            if not np.all(np.isfinite(step)) or np.max(np.abs(step) / scale) > 1e-3:
                break  # too far away for Newton's method
            b = b - step
    return b


def digits(found, certified):
    """To how many digits the worst parameter agrees with the certified one."""
    error = np.max(np.abs(found - certified) / np.abs(certified))
    return float(min(11, -np.log10(max(error, 1e-16))))


def main():
    worst = []
    print("data set       start 1  start 2")
    for path in sorted(FOLDER.glob("*.dat")):
        problem = read(path)
        found = [digits(solve(problem, start), problem.certified) for start in problem.starts]
        worst.append(min(found))
        print(f"{problem.name:12} {found[0]:9.1f} {found[1]:8.1f}", flush=True)
    print(f"{sum(w >= 8 for w in worst)} of {len(worst)} sets to 8 digits or more from both starts")
    assert len(worst) == 27
    assert min(worst) >= 8


if __name__ == "__main__":
    main()
