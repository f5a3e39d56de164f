"""Row 14: over- and underfitting; the order of a polynomial, chosen by five folds on real data."""

import numpy as np
from record import Row, folder, proved, report

import circuitgrad as cg
from circuitgrad import data
from circuitgrad.viz import plots

ORDERS = range(11)


def errors(x, y, order, folds):
    """Mean squared errors in training and validation, over the folds."""
    found = []
    for train, validation in folds:
        powers = design(x[train], x, order)
        theta = np.linalg.lstsq(powers[train], y[train], rcond=None)[0]
        squares = (powers @ theta - y) ** 2
        found.append([squares[train].mean(), squares[validation].mean()])
    return np.mean(found, axis=0)


def design(train, x, order):
    """Chebyshev polynomials of x up to an order, on the range of the training data."""
    inside = 2 * data.Normalization().fit(train).transform(x) - 1
    return np.polynomial.chebyshev.chebvander(inside[:, 0], order)


def figure_of(table):
    """Training and validation error against the order; the step of the curves is the order."""
    training, validation = table.T
    figure = plots.loss_curves({"training": training, "validation": validation})
    axes = figure.axes[0]
    axes.set_xlabel("order of the polynomial")
    axes.set_ylabel("mean squared error")
    axes.set_xticks(ORDERS)
    figure.savefig(folder() / "n14_orders.png")


def cross_validation():
    x, y = data.load("diabetes")
    generator = np.random.default_rng(0)
    body_mass = x[:, [2]]
    (rest, rest_y), (test, test_y) = data.split(
        body_mass, y, shares=(0.8, 0.2), generator=generator
    )
    folds = data.k_fold(len(rest), 5, generator)
    assert sorted(np.concatenate([part for _, part in folds])) == list(range(len(rest)))
    table = np.array([errors(rest, rest_y, order, folds) for order in ORDERS])
    best = ORDERS[int(np.argmin(table[:, 1]))]
    assert np.all(np.diff(table[:, 0]) <= 1e-6)  # training error only falls
    assert table[-1, 1] > table[:, 1].min()  # validation error does not: overfitting
    assert table[0].min() > 1.3 * table[best, 0]  # a constant misses both: underfitting
    theta = np.linalg.lstsq(design(rest, rest, best), rest_y, rcond=None)[0]
    error = np.mean((design(rest, test, best) @ theta - test_y) ** 2)
    assert error < np.var(test_y)
    figure_of(table)
    verdict = cg.check("sum((X @ t - y)**2)/2", "t", "X.T @ (X @ t - y)", X="n m", t="m", y="n")
    return Row(
        14,
        "overfitting and cross validation",
        f"five folds choose order {best} of 0 to 10: validation error {table[best, 1]:,.0f}, "
        f"at order 0 {table[0, 1]:,.0f}, at order 10 {table[-1, 1]:,.0f}; "
        f"test error {error:,.0f} of variance {np.var(test_y):,.0f}",
        proved(verdict),
        "n14_orders.png",
    )


if __name__ == "__main__":
    report(cross_validation())
