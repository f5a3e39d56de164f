"""The sparse Jacobian of bundle adjustment, from ADBench.

The problem is that of F. Srajer, Z. Kukelova, A. Fitzgibbon, "A benchmark of selected algorithmic
differentiation tools on some problems in computer vision and machine learning", 2018. A camera has
eleven parameters (rotation vector, centre, focal length, principal point, two terms of radial
distortion), a point three, an observation of a point by a camera a weight. The residuals are the
two errors of each observation, times its weight, and one minus the square of each weight. A file
has the three counts, and one camera, one point, one weight and one feature for all.
"""

import functools
import pathlib
from dataclasses import dataclass

import numpy as np

from benchmarks.case import Case, flat

FOLDER = pathlib.Path(__file__).resolve().parents[1] / "data"
FILES = ("ba1_n49_m7776_p31843.txt", "ba2_n21_m11315_p36455.txt")
TITLE = "Sparse Jacobian of bundle adjustment (ADBench)"
ABOUT = (
    "The residuals of p observations of points by cameras and their Jacobian, of which every row "
    "has 15 entries or 1. The parameters of every observation are handed over as columns, and the "
    "2 × 15 block of each comes back: a sparse Jacobian by hand. *Structured* gets cameras, points "
    "and weights, and gives one sparse matrix of SciPy, of which it finds the pattern itself."
)


@dataclass(frozen=True)
class Data:
    """Parameters; the image features; which camera and point an observation is of."""

    cameras: np.ndarray
    points: np.ndarray
    weights: np.ndarray
    features: np.ndarray
    camera: np.ndarray
    point: np.ndarray

    @property
    def parameters(self):
        """What is differentiated by."""
        return self.cameras, self.points, self.weights


def read(path):
    """The data of a file of ADBench."""
    numbers = np.array(path.read_text(encoding="ascii").split(), dtype=float)
    cameras, points, count = (int(number) for number in numbers[:3])
    camera, point, weight, feature = np.split(numbers[3:], [11, 14, 15])
    observation = np.arange(count)
    return Data(
        np.tile(camera, (cameras, 1)),
        np.tile(point, (points, 1)),
        np.repeat(weight, count),
        np.tile(feature, (count, 1)),
        observation % cameras,
        observation % points,
    )


def generate(cameras, points, count):
    """Random data near those of ADBench, every camera and point another one."""
    source, data = np.random.default_rng(count), read(FOLDER / FILES[0])
    shapes = (cameras, 11), (points, 3), (count,)
    first = [array[0] for array in data.parameters]
    parts = [
        one * source.uniform(0.9, 1.1, shape) for one, shape in zip(first, shapes, strict=True)
    ]
    observation = np.arange(count)
    features = data.features[0] * source.uniform(0.9, 1.1, (count, 2))
    return Data(*parts, features, observation % cameras, observation % points)


def observed(np, cameras, points, weights, data):
    """The 15 parameters of every observation, as rows."""
    return np.concatenate([cameras[data.camera], points[data.point], weights[:, None]], axis=1)


def errors(np, columns, features):
    """The two errors of an observation, or of many: columns has the 15 parameters.

    The rotation is that of Rodrigues: about the rotation vector, by its length.
    """
    r, C, X = columns[0:3], columns[3:6], columns[11:14]
    focal, u, v, k1, k2, weight = *(columns[i] for i in range(6, 11)), columns[14]
    x, y, z = (X[i] - C[i] for i in range(3))
    angle = np.sqrt(r[0] * r[0] + r[1] * r[1] + r[2] * r[2])
    cosine, sine = np.cos(angle), np.sin(angle)
    a, b, c = (r[i] / angle for i in range(3))
    along = (a * x + b * y + c * z) * (1.0 - cosine)
    depth = z * cosine + (a * y - b * x) * sine + c * along
    p = (x * cosine + (b * z - c * y) * sine + a * along) / depth
    q = (y * cosine + (c * x - a * z) * sine + b * along) / depth
    square = p * p + q * q
    scale = focal * (1.0 + k1 * square + k2 * square * square)
    return (
        weight * (p * scale + u - features[0]),
        weight * (q * scale + v - features[1]),
    )


def cross(x, y, z):
    """The matrices of the cross products with some vectors; observations are the last axis."""
    zero = np.zeros_like(x)
    return np.array([[zero, -z, y], [z, zero, -x], [-y, x, zero]])


def product(left, right):
    """The products of some matrices; observations are the last axis."""
    return np.sum(left[:, :, None] * right[None], axis=1)


def rotation(r):
    """The rotations R about some vectors by their length, and the derivative of Rᵀ-turned vectors.

    R = I + sin θ K/θ + (1 - cos θ)(K/θ)², where K is the matrix of the cross product with r. The
    second result is T in ∂(Rq)/∂r = -R [q]× T; G. Gallego, A. Yezzi, "A compact formula for the
    derivative of a 3-D rotation in exponential coordinates", 2015: (r rᵀ + (Rᵀ - I)K) / θ².
    """
    square, K, one = np.sum(r * r, axis=0), cross(*r), np.eye(3)[:, :, None]
    angle = np.sqrt(square)
    R = one + np.sin(angle) / angle * K + (1 - np.cos(angle)) / square * product(K, K)
    T = (r[:, None] * r + product(R.transpose(1, 0, 2) - one, K)) / square
    return R, T


def value_and_jacobian(data):
    """Errors, residuals of the weights, two rows of 15 for each observation, the weights' entries.

    Derived by hand; observations are the last axis.
    """
    columns, weights = observed(np, *data.parameters, data).T, data.weights
    r, focal, k1, k2 = columns[0:3], columns[6], columns[9], columns[10]
    q = columns[11:14] - columns[3:6]
    R, T = rotation(r)
    y = np.sum(R * q, axis=1)
    p = y[:2] / y[2]
    square = np.sum(p * p, axis=0)
    scale = 1 + k1 * square + k2 * square**2
    distances = p * scale * focal + columns[7:9] - data.features.T

    by_p = scale * np.eye(2)[:, :, None] + p[:, None] * ((2 * k1 + 4 * k2 * square) * p)
    by_p *= weights * focal / y[2]
    by_y = np.concatenate([by_p, -np.sum(by_p * p, axis=1)[:, None]], axis=1)
    by_q = product(by_y, R)
    rows = np.zeros((2, 15, len(weights)))
    rows[:, 0:3] = -product(by_q, product(cross(*q), T))
    rows[:, 3:6] = -by_q
    rows[:, 6] = weights * p * scale
    rows[0, 7] = rows[1, 8] = weights
    rows[:, 9] = weights * focal * square * p
    rows[:, 10] = rows[:, 9] * square
    rows[:, 11:14] = by_q
    rows[:, 14] = distances
    return weights * distances, 1 - weights**2, rows, -2 * weights


def reference(data):
    """The results to compare with: flat residuals and flat Jacobian."""
    return columns_result(value_and_jacobian(data))


def columns_result(out):
    """The results to compare, from what has the observations as its last axis.

    Args:
        out: The two errors, the residuals of the weights, the two rows of the blocks, the weights'
            entries of the Jacobian.
    """
    errors, priors, rows, slopes = out
    rows = np.stack([np.asarray(row) for row in rows])
    errors = np.stack([np.asarray(error) for error in errors])
    return flat([errors.T, priors]), flat([rows.transpose(2, 0, 1), slopes])


def blocks(matrix, data):
    """The flat Jacobian, from a sparse matrix (residuals by all parameters).

    Rows: the errors, those of an observation together, then the weights. Columns: the cameras,
    the points, the weights.
    """
    count = len(data.weights)
    rows = np.arange(2 * count).reshape(count, 2, 1)
    cameras = 11 * data.camera[:, None] + np.arange(11)
    points = data.cameras.size + 3 * data.point[:, None] + np.arange(3)
    weights = data.cameras.size + data.points.size + np.arange(count)
    columns = np.concatenate([cameras, points, weights[:, None]], axis=1)[:, None, :]
    found = np.broadcast_arrays(rows, columns)
    entries = matrix.tocsr()
    last = entries[2 * count + np.arange(count), weights]
    return flat([entries[found[0].ravel(), found[1].ravel()], last])


def cases(*, quick):
    """ADBench's two smallest sets; 500 random observations when quick."""
    drawn = [generate(7, 90, 500)] if quick else [read(FOLDER / name) for name in FILES]
    for data in drawn:
        yield Case(
            "bundle_jacobian",
            f"{len(data.cameras)} cameras, {len(data.points):,} points, p = {len(data.weights):,}",
            data,
            functools.partial(reference, data),
            tolerance=1e-9,
        )
