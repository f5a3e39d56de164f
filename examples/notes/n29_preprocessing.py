"""Row 29: mean subtraction, normalisation and whitening, fitted on the training data only."""

import numpy as np
from record import Row, folder, proved, report

import circuitgrad as cg
from circuitgrad import data
from circuitgrad.viz import plots


def covariance(x):
    return x.T @ x / len(x)


def wine():
    """Covariances of the training data, as it is, standardised and whitened."""
    x, y = data.load("wine")
    (train, _), (test, _) = data.split(x, y, shares=(0.8, 0.2), generator=np.random.default_rng(0))
    centering = data.Centering().fit(train)
    np.testing.assert_allclose(centering.transform(train).mean(axis=0), 0, atol=1e-11)
    # The test data is moved by the mean of the training data, not by its own.
    np.testing.assert_allclose(centering.transform(test), test - train.mean(axis=0), rtol=1e-14)
    assert np.abs(centering.transform(test).mean(axis=0)).max() > 1
    standard = data.Standardization().fit_transform(train)
    np.testing.assert_allclose(standard.std(axis=0), 1, rtol=1e-12)
    normal = data.Normalization().fit_transform(train)
    np.testing.assert_allclose([normal.min(axis=0), normal.max(axis=0)], [[0] * 13, [1] * 13])
    white = data.Whitening().fit_transform(train)
    off = np.abs(covariance(white) - np.eye(13)).max()
    assert off < 1e-8
    raw = covariance(centering.transform(train))
    pictures = [raw / np.abs(raw).max(), covariance(standard), covariance(white)]
    figure = plots.class_templates(pictures, ["as it is, scaled", "standardised", "whitened"])
    figure.savefig(folder() / "n29_covariances.png")
    return off


def digits():
    """Pixels that never change have singular value zero: their directions are left out."""
    x, _ = data.load("digits")
    train = x[:1300]
    rank = np.linalg.matrix_rank(train - train.mean(axis=0))
    white = data.Whitening().fit_transform(train)
    assert white.shape[1] == rank < x.shape[1]
    off = np.abs(covariance(white) - np.eye(rank)).max()
    assert off < 1e-8
    return rank, off


def preprocessing():
    first = wine()
    rank, second = digits()
    # X = U diag(s) V with features in rows: the scaled projection has the covariance I.
    white = "diag(1/s) @ U.T @ U @ diag(s) @ V"
    verdicts = [
        cg.check_equal(
            "eye(n)",
            f"({white}) @ ({white}).T",
            assuming=["U orthogonal", "V orthogonal", "s > 0"],
            U="n n",
            V="n n",
            s="n",
        ),
        cg.check_jacobian("W @ (x - m)", "x", "W", layout="numerator", W="k n", x="n", m="n"),
    ]
    return Row(
        29,
        "preprocessing fitted on the training data",
        f"covariance of whitened wine data within {first:.0e} of I, of digits within {second:.0e} "
        f"in {rank} of 64 directions",
        proved(*verdicts),
        "n29_covariances.png",
    )


if __name__ == "__main__":
    report(preprocessing())
