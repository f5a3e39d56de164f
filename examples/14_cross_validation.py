"""Overfitting and underfitting: the order of a polynomial, chosen by five folds on real data."""

import numpy as np

from circuitgrad import data

ORDERS = range(1, 11)


def errors(x, y, order, folds):
    """Mean squared errors in training and validation, over the folds."""
    found = []
    for train, validation in folds:
        scaling = data.Normalization().fit(x[train])
        inside = 2 * scaling.transform(x) - 1
        powers = np.polynomial.chebyshev.chebvander(inside[:, 0], order)
        theta = np.linalg.lstsq(powers[train], y[train], rcond=None)[0]
        squares = (powers @ theta - y) ** 2
        found.append([squares[train].mean(), squares[validation].mean()])
    return np.mean(found, axis=0)


def main():
    x, y = data.load("diabetes")
    body_mass = x[:, [2]]
    generator = np.random.default_rng(0)
    (rest, rest_y), (test, test_y) = data.split(
        body_mass, y, shares=(0.8, 0.2), generator=generator
    )
    folds = data.k_fold(len(rest), 5, generator)
    table = np.array([errors(rest, rest_y, order, folds) for order in ORDERS])
    for order, (training, validation) in zip(ORDERS, table, strict=True):
        print(f"order {order:2}: training {training:7.1f}, validation {validation:10.1f}")
    best = ORDERS[int(np.argmin(table[:, 1]))]
    print(f"order {best} is chosen; {len(test)} samples were kept for the test")
    assert np.all(np.diff(table[:, 0]) <= 1e-6)  # training error only falls
    assert table[-1, 1] > table[:, 1].min()  # validation error does not
    line = np.polyfit(rest[:, 0], rest_y, best)
    assert np.mean((np.polyval(line, test[:, 0]) - test_y) ** 2) < np.var(test_y)


if __name__ == "__main__":
    main()
