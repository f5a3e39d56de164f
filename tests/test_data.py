"""Batches, splits, folds, preprocessing, augmentation and neighbours, by their definitions."""

import re

import numpy as np
import pytest

import circuitgrad as cg
from circuitgrad import data


def rng():
    return np.random.default_rng(5)


SAMPLES = rng().normal(size=(40, 3)) @ np.array([[2.0, 0, 0], [1, 1, 0], [0, 0.5, 0.1]]) + 7


def test_minibatches_hold_every_sample_once_and_keep_the_last():
    x, y = np.arange(10), np.arange(10) * 2
    batches = list(data.minibatches(x, y, batch_size=4, generator=rng()))
    assert [len(a) for a, _ in batches] == [4, 4, 2]
    joined = np.concatenate([a for a, _ in batches])
    assert sorted(joined) == list(range(10))
    assert list(joined) != list(range(10))
    for a, b in batches:
        np.testing.assert_array_equal(b, 2 * a)


def test_minibatches_are_the_same_for_the_same_seed():
    first, second = (data.minibatches(SAMPLES, batch_size=7, generator=rng()) for _ in range(2))
    for (a,), (b,) in zip(first, second, strict=True):
        np.testing.assert_array_equal(a, b)


def test_a_split_is_disjoint_and_complete():
    parts = data.split(np.arange(100), shares=(0.29, 0.5, 0.21), generator=rng())
    assert [len(part[0]) for part in parts] == [29, 50, 21]
    assert sorted(np.concatenate([part[0] for part in parts])) == list(range(100))


@pytest.mark.parametrize(("count", "folds"), [(10, 3), (7, 7), (2, 2)])
def test_every_sample_validates_in_one_fold(count, folds):
    pairs = data.k_fold(count, folds, rng())
    assert len(pairs) == folds
    assert sorted(np.concatenate([v for _, v in pairs])) == list(range(count))
    for training, validation in pairs:
        assert not set(training) & set(validation)
        assert len(training) + len(validation) == count


def test_a_bootstrap_sample_leaves_out_about_one_in_e():
    chosen, left = data.bootstrap(10_000, rng())
    assert len(chosen) == 10_000
    assert not set(chosen) & set(left)
    assert len(left) / 10_000 == pytest.approx(1 / np.e, abs=0.02)


# --- preprocessing --------------------------------------------------------------------------------


def test_standardised_features_have_mean_0_and_deviation_1():
    scaled = data.Standardization().fit_transform(SAMPLES)
    np.testing.assert_allclose(scaled.mean(axis=0), 0, atol=1e-12)
    np.testing.assert_allclose(scaled.std(axis=0), 1, rtol=1e-12)
    np.testing.assert_allclose(data.Centering().fit_transform(SAMPLES).mean(axis=0), 0, atol=1e-12)


def test_normalised_features_reach_from_0_to_1():
    scaled = data.Normalization().fit_transform(SAMPLES)
    np.testing.assert_allclose(scaled.min(axis=0), 0, atol=1e-15)
    np.testing.assert_allclose(scaled.max(axis=0), 1, rtol=1e-14)


def test_whitened_features_have_the_identity_as_covariance():
    white = data.Whitening().fit_transform(SAMPLES)
    np.testing.assert_allclose(np.cov(white.T, bias=True), np.eye(3), atol=1e-8)


def test_whitening_leaves_out_directions_that_do_not_vary():
    # The second feature is twice the first, the third never changes.
    first, last = rng().normal(size=(2, 30))
    tied = np.column_stack([first, 2 * first, np.full(30, 1e3), last])
    white = data.Whitening().fit_transform(tied)
    assert white.shape == (30, 2)
    np.testing.assert_allclose(np.cov(white.T, bias=True), np.eye(2), atol=1e-8)
    few = data.Whitening().fit_transform(rng().normal(size=(4, 9)))
    assert few.shape == (4, 3)
    np.testing.assert_allclose(few.T @ few / 4, np.eye(3), atol=1e-8)


@pytest.mark.parametrize("kind", [data.Centering, data.Standardization, data.Normalization])
def test_scaling_is_fitted_on_training_data_only(kind):
    train, test = SAMPLES[:30], SAMPLES[30:]
    scaling = kind().fit(train)
    alone = scaling.transform(test)
    np.testing.assert_array_equal(scaling.transform(np.vstack([test, test * 9]))[:10], alone)
    np.testing.assert_allclose(
        scaling.transform(train), kind().fit_transform(train), rtol=1e-14, atol=1e-14
    )


@pytest.mark.parametrize("kind", [data.Standardization, data.Normalization])
def test_a_feature_that_never_changes_becomes_0(kind):
    found = kind().fit_transform([[0.1, 1.0], [0.1, 3.0], [0.1, 5.0]])
    np.testing.assert_allclose(found[:, 0], 0, atol=1e-15)


def test_one_sample_can_be_standardised():
    np.testing.assert_array_equal(data.Standardization().fit_transform([[3.0, 4.0]]), [[0.0, 0.0]])


# --- augmentation ---------------------------------------------------------------------------------

IMAGES = rng().random((6, 5, 4))
AUGMENTATIONS = {
    "flipped": data.flipped,
    "cropped": data.cropped,
    "brightened": data.brightened,
    "rotated": data.rotated,
}


@pytest.mark.parametrize("function", AUGMENTATIONS.values(), ids=AUGMENTATIONS)
@pytest.mark.parametrize(
    "images", [IMAGES, np.stack([IMAGES] * 3, axis=-1)], ids=["grey", "colour"]
)
def test_augmentation_is_seeded_keeps_shapes_and_leaves_its_argument(function, images):
    before = images.copy()
    found = function(images, rng())
    assert found.shape == images.shape
    np.testing.assert_array_equal(images, before)
    np.testing.assert_array_equal(found, function(images, rng()))
    assert function(images[:0], rng()).shape == (0, *images.shape[1:])


def test_a_flip_mirrors_left_to_right_or_does_nothing():
    found = data.flipped(IMAGES, rng())
    is_mirrored = [np.array_equal(a, b[:, ::-1]) for a, b in zip(found, IMAGES, strict=True)]
    is_same = [np.array_equal(a, b) for a, b in zip(found, IMAGES, strict=True)]
    assert all(np.logical_xor(is_mirrored, is_same))
    assert any(is_mirrored)
    np.testing.assert_array_equal(data.flipped(IMAGES, rng(), 1.0), IMAGES[:, :, ::-1])


def test_a_crop_moves_by_whole_pixels():
    image = np.zeros((200, 3, 3))
    image[:, 1, 1] = 1
    found = data.cropped(image, rng(), padding=1)
    np.testing.assert_array_equal(found.sum(axis=(1, 2)), np.ones(200))
    assert len({int(np.argmax(x)) for x in found}) == 9
    np.testing.assert_array_equal(data.cropped(IMAGES, rng(), padding=0), IMAGES)


def test_brightness_multiplies_each_image_by_one_factor_within_bounds():
    images = 0.2 + 0.3 * IMAGES
    factors = data.brightened(images, rng(), strength=0.5) / images
    np.testing.assert_allclose(factors, np.broadcast_to(factors[:, :1, :1], factors.shape))
    assert np.all((factors > 0.5) & (factors < 1.5))
    assert data.brightened(np.ones((50, 2, 2)), rng()).max() == 1.0


def test_no_rotation_changes_nothing_and_a_disc_stays_a_disc():
    np.testing.assert_allclose(data.rotated(IMAGES, rng(), degrees=0.0), IMAGES, atol=1e-14)
    axis = np.arange(41) - 20
    disc = np.exp(-(axis[:, None] ** 2 + axis**2) / 50.0)[None]
    np.testing.assert_allclose(data.rotated(disc, rng(), degrees=180.0), disc, atol=0.01)


# --- neighbours -----------------------------------------------------------------------------------


@pytest.mark.parametrize("norm", [1, 2, np.inf])
def test_the_nearest_are_those_of_the_definition(norm):
    train, asked = rng().normal(size=(60, 4)), rng().normal(size=(9, 4)) + 0.1
    found = data.NearestNeighbors(k=5, norm=norm).fit(train, np.zeros(60)).neighbors(asked)
    for row, x in zip(found, asked, strict=True):
        distances = [np.linalg.norm(x - other, ord=norm) for other in train]
        np.testing.assert_array_equal(row, np.argsort(distances)[:5])


def test_the_three_norms_can_disagree():
    # From the origin: 1-norms 3 and 3.2, 2-norms 3 and 2.27, largest entries 3 and 1.7.
    train, classes = [[3.0, 0.0], [1.7, 1.5]], ["on the axis", "off the axis"]
    answers = [
        data.NearestNeighbors(k=1, norm=norm).fit(train, classes).predict([[0.0, 0.0]])[0]
        for norm in (1, 2, np.inf)
    ]
    assert answers == ["on the axis", "off the axis", "off the axis"]


def test_ties_go_to_the_nearest():
    classifier = data.NearestNeighbors(k=4).fit([[1.0], [2.0], [3.0], [4.0]], ["b", "a", "a", "b"])
    assert classifier.predict([[0.0]]) == ["b"]
    assert classifier.predict([[2.4]]) == ["a"]
    assert classifier.predict(np.empty((0, 1))).shape == (0,)


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: list(data.minibatches(batch_size=2)), "got no array"),
        (lambda: list(data.minibatches(np.zeros(3), np.zeros(2), batch_size=2)), "as many samples"),
        (lambda: list(data.minibatches(3.0, batch_size=2)), "got a scalar"),
        (lambda: data.batch_indices(3, 0), "needed 1 or more"),
        (lambda: data.batch_indices(3, 1.0), "whole number"),
        (lambda: data.batch_indices(3, 1, 0), "default_rng"),
        (lambda: data.split(SAMPLES, shares=(0.5, 0.6), generator=rng()), "add to 1"),
        (lambda: data.split([1.0], shares=(0.5, 0.5), generator=rng()), "a part empty"),
        (lambda: data.k_fold(3, 4), "3 samples for 4 folds"),
        (lambda: data.k_fold(3, 1), "needed 2 or more"),
        (lambda: data.Whitening().transform(SAMPLES), "nothing is fitted"),
        (lambda: data.Whitening().fit(np.ones((5, 2))), "does not vary"),
        (lambda: data.Standardization().fit([1.0, 2.0]), "needed (samples, features)"),
        (lambda: data.Standardization().fit(np.empty((0, 2))), "a sample and a feature"),
        (lambda: data.Standardization().fit([[np.nan]]), "NaN"),
        (lambda: data.Centering().fit(SAMPLES).transform(SAMPLES[:, :2]), "fitted on 3 features"),
        (lambda: data.flipped(np.zeros((3, 3)), rng()), "needed (N, height, width)"),
        (lambda: data.flipped(IMAGES, rng(), 1.5), "0 to 1"),
        (lambda: data.brightened(IMAGES, rng(), bounds=(1, 0)), "smaller one first"),
        (lambda: data.rotated(IMAGES, rng(), -5), "0 to 180"),
        (lambda: data.NearestNeighbors(norm=3), "1, 2 or np.inf"),
        (lambda: data.NearestNeighbors(k=3).fit([[1.0]], [0]), "needed 3 at least"),
        (lambda: data.NearestNeighbors().predict([[1.0]]), "nothing is fitted"),
        (lambda: data.NearestNeighbors(1).fit(SAMPLES, SAMPLES), "needed (N, m) and (N,)"),
        (lambda: data.NearestNeighbors(1).fit(SAMPLES, SAMPLES[:, 0]).predict([[1.0]]), "(N, 3)"),
        (lambda: data.load("digit"), "Did you mean digits"),
    ],
)
def test_mistakes_are_told(make, message):
    with pytest.raises(cg.CircuitError, match=re.escape(message)):
        make()
