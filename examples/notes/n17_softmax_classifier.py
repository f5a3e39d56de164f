"""Rows 17 to 20: likelihood, softmax and cross-entropy, label smoothing, and why not squares."""

import numpy as np
from record import Row, folder, proved, report

import circuitgrad as cg


def classifier():
    s, y = cg.input("s", "c"), cg.input("y", "c")
    loss = cg.circuit(L=-(y * cg.log_softmax(s)).sum())
    gradient = loss.grad("s")
    extreme = {"s": [1e4, -1e4, 0.0], "y": [0.0, 1.0, 0.0]}
    assert loss(**extreme) == 2e4
    np.testing.assert_array_equal(gradient(**extreme), [1, -1, 0])
    loss.draw(s=[2.0, 1.0, -1.0], y=[0.0, 1.0, 0.0]).save(folder() / "n17_softmax.svg")
    verdict = cg.check(
        "-sum(y*log_softmax(s))", "s", "softmax(s) - y", s="c", y="c", assuming="sum(y) == 1"
    )
    return Row(
        17,
        "softmax classifier",
        "loss 20,000 and gradient (1, −1, 0) at scores 10⁴, −10⁴, 0; ∂L/∂s = p − y",
        proved(verdict),
        "n17_softmax.svg",
    )


def coin():
    flips = "HTHHTTHT"
    heads, tails = flips.count("H"), flips.count("T")
    t = cg.input("t")
    likelihood = cg.circuit(p=t**heads * (1 - t) ** tails)
    values = {at: likelihood(t=at) for at in (1.0, 0.75, 0.5)}
    assert values[1.0] == 0
    np.testing.assert_allclose(values[0.75], 0.00124, atol=5e-6)
    np.testing.assert_allclose(values[0.5], 0.0039, atol=5e-5)
    log = cg.circuit(l=heads * np.log(t) + tails * np.log(1 - t))
    slope, low, high = log.grad("t"), 0.01, 0.99
    for _ in range(60):
        middle = (low + high) / 2
        low, high = (middle, high) if slope(t=middle) > 0 else (low, middle)
    assert abs(low - 0.5) < 1e-12
    log.draw(t=0.75).save(folder() / "n18_coin.svg")
    verdict = cg.check(
        "4*log(t) + 4*log(1-t)", "t", "4*(1-2*t)/(t*(1-t))", assuming=["t > 0", "t < 1"]
    )
    return Row(
        18,
        "likelihood of eight flips of a coin",
        "0 at θ = 1, 0.00124 at 0.75, 0.0039 at 0.5, where the derivative of its logarithm is 0",
        proved(verdict),
        "n18_coin.svg",
    )


def smoothing():
    classes, label, alpha = 4, 1, 0.1
    weights = np.full(classes, alpha / (classes - 1))
    weights[label] = 1 - alpha
    np.testing.assert_allclose(weights, [0.1 / 3, 0.9, 0.1 / 3, 0.1 / 3], rtol=1e-15)
    s, y = cg.input("s", classes), cg.input("y", classes)
    loss = cg.circuit(L=-(y * cg.log_softmax(s)).sum())
    scores = np.array([0.5, 2.0, -1.0, 0.0])
    p = np.exp(scores) / np.exp(scores).sum()
    np.testing.assert_allclose(loss(s=scores, y=weights), -weights @ np.log(p), rtol=1e-14)
    np.testing.assert_allclose(loss.grad("s")(s=scores, y=weights), p - weights, atol=1e-15)
    loss.draw(s=scores, y=weights).save(folder() / "n19_smoothing.svg")
    verdict = cg.check(
        "-(1-a)*s1 - a/3*(s2+s3+s4) + log(exp(s1)+exp(s2)+exp(s3)+exp(s4))",
        "s1",
        "exp(s1)/(exp(s1)+exp(s2)+exp(s3)+exp(s4)) - (1-a)",
    )
    return Row(
        19,
        "label smoothing",
        "weights 0.9 on the label and 0.1/3 on each other class; the gradient is p − weights",
        proved(verdict),
        "n19_smoothing.svg",
    )


def saturation():
    z, y = cg.inputs("z y")
    p = cg.sigmoid(z)
    squares = cg.circuit(L=(p - y) ** 2 / 2).grad("z")
    entropy = cg.circuit(L=-(y * cg.log_sigmoid(z) + (1 - y) * cg.log_sigmoid(-z))).grad("z")
    far = {"z": -10.0, "y": 1.0}
    assert abs(squares(**far)) < 1e-4 < 0.99 < abs(entropy(**far))
    cg.circuit(L=(p - y) ** 2 / 2).draw(**far).save(folder() / "n20_saturation.svg")
    verdicts = [
        cg.check("(sigmoid(z)-y)**2/2", "z", "(sigmoid(z)-y)*sigmoid(z)*(1-sigmoid(z))"),
        cg.check("-y*log(sigmoid(z)) - (1-y)*log(1-sigmoid(z))", "z", "sigmoid(z)-y"),
    ]
    return Row(
        20,
        "cross-entropy against squared error",
        f"at z = −10, y = 1 the gradients are {squares(**far):.1e} and {entropy(**far):.3f}",
        proved(*verdicts),
        "n20_saturation.svg",
    )


def main():
    report(classifier(), coin(), smoothing(), saturation())


if __name__ == "__main__":
    main()
