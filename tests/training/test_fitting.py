"""Fitting: out-of-fold decision values, the sigmoid, and the benefit of synthetic eyes."""

from __future__ import annotations

import numpy as np
import pytest
from sklearn.base import clone
from sklearn.discriminant_analysis import LinearDiscriminantAnalysis

from classic_eyes import EyeClassifier
from classic_eyes.synthetic import EyeParameters, make_eyes, render
from classic_eyes.training import fitting
from classic_eyes.training.fitting import _fit_out_of_fold, _fit_sigmoid
from classic_eyes.training.training_set import TrainingSet

EYES = make_eyes(120, random_state=3)
PLAIN = {"features": ("hog",), "remove_glare": False, "align": None, "detect_non_eyes": False}


def uniform_eyes(n: int) -> tuple[np.ndarray, np.ndarray]:
    """Eyes of a single kind: one skin, one light, one camera, no glasses; only opening and position vary."""
    rng = np.random.default_rng(0)
    labels = np.arange(n) % 2
    images = [
        render(
            EyeParameters(
                opening=rng.uniform(0.5, 1.0) if label else 0.0,
                center_x=rng.uniform(0.46, 0.54),
                center_y=rng.uniform(0.44, 0.5),
                skin=0.75,
                lash_length=0.0,
            ),
            random_state=rng,
        )[0]
        for label in labels
    ]
    return np.array(images), labels


# -- in the classifier --


@pytest.mark.parametrize("classifier", ["metric", "svm", "libsvm", "gb", "linear"])
def test_every_classifier_with_sample_weights_is_trained_on_synthetic_eyes(classifier):
    clf = EyeClassifier(**PLAIN, classifier=classifier, n_components=10, n_copies=1, n_synthetic=60)
    joined = clf.fit(EYES.images, EYES.labels).decision_function(EYES.images)
    alone = clone(clf).set_params(n_synthetic=0).fit(EYES.images, EYES.labels).decision_function(EYES.images)
    assert np.abs(joined - alone).max() > 1e-3


def test_the_same_seed_gives_the_same_predictions():
    clf = EyeClassifier(**PLAIN, classifier="symmetric", n_components=10, n_copies=1, n_synthetic=40)
    first, second = (clone(clf).fit(EYES.images, EYES.labels) for _ in range(2))
    np.testing.assert_array_equal(first.decision_function(EYES.images), second.decision_function(EYES.images))


def test_synthetic_eyes_help_where_the_images_are_of_one_kind():
    images, labels = uniform_eyes(200)
    others = make_eyes(400, random_state=9)
    clf = EyeClassifier(**PLAIN, classifier="symmetric", n_components=40, n_copies=1, n_synthetic=0)
    alone = clone(clf).fit(images, labels).score(others.images, others.labels)
    joined = clone(clf).set_params(n_synthetic=400).fit(images, labels).score(others.images, others.labels)
    assert joined > alone + 0.03
    assert joined > 0.9


def test_unsure_is_a_share_of_the_images_alone():
    images, labels = uniform_eyes(200)
    clf = EyeClassifier(**PLAIN, classifier="symmetric", n_components=40, n_copies=1, n_synthetic=400)
    clf.fit(images, labels)
    # 5% of the given images are less certain than this; of 400 synthetic ones many more are.
    assert (np.abs(clf.decision_function(make_eyes(400, random_state=9).images)) < clf.program.unsure).mean() > 0.1


# -- the calibration --


def decisions_and_labels(n: int, closed_called_open: int, open_called_closed: int) -> tuple[np.ndarray, np.ndarray]:
    """Decision values of 1 and -1, and labels: n of each class, some of them on the wrong side."""
    margin = np.repeat(
        [1.0, -1.0, -1.0, 1.0], [n - open_called_closed, open_called_closed, n - closed_called_open, closed_called_open]
    )
    return margin, np.repeat([1, 0], n)


def test_the_sigmoid_weighs_synthetic_eyes_as_much_as_all_images():
    # With two decision values, the log odds at each are those of the labels there: a closed form.
    margin, labels = decisions_and_labels(10_000, 1000, 2000)
    synthetic, of_synthetic = decisions_and_labels(40_000, 8000, 0)
    both = np.concatenate([margin, synthetic])
    training = TrainingSet(
        np.zeros((0, 24, 24), np.uint8), np.arange(0), np.concatenate([labels, of_synthetic]), np.arange(0), None
    )
    slope, intercept = _fit_sigmoid(both, training, len(margin))
    # Open and closed at a decision value of 1, then of -1; four synthetic eyes weigh as much as an image.
    above = np.log((8000 + 40_000 / 4) / (1000 + 8000 / 4))
    below = np.log((2000 + 0) / (9000 + 32_000 / 4))
    np.testing.assert_allclose([intercept + slope, intercept - slope], [above, below], atol=2e-3)
    alone = _fit_sigmoid(margin, training, len(margin))
    np.testing.assert_allclose(sum(alone), np.log(8000 / 1000), atol=2e-3)


def test_out_of_fold_classifiers_are_fitted_without_their_fold():
    rng = np.random.default_rng(0)
    labels = np.tile([0, 1], 20).astype(np.int8)
    # Thirty images with a copy each, then ten synthetic eyes, whose rows are not where their numbers are.
    source = np.concatenate([np.arange(30), np.arange(30), np.arange(30, 40)])
    rows = rng.normal(labels[source, np.newaxis], 1.0, (70, 3))
    training = TrainingSet(np.zeros((70, 8, 8), np.uint8), source, labels, np.arange(40), None)
    held_out = [source < 15, (source >= 15) & (source < 30), source >= 30]
    first, _, images_alone = _fit_out_of_fold(LinearDiscriminantAnalysis(), rows, training, held_out)
    expected = LinearDiscriminantAnalysis().fit(rows[:60], labels[source[:60]])
    np.testing.assert_allclose(images_alone.decision_function(rows), expected.decision_function(rows))
    expected = LinearDiscriminantAnalysis().fit(rows[source >= 15], labels[source[source >= 15]])
    np.testing.assert_allclose(first.decision_function(rows), expected.decision_function(rows))


@pytest.mark.parametrize("classifier", ["metric", "linear"])
def test_they_move_the_threshold_of_a_source_that_labels_narrow_eyes_closed(classifier, monkeypatch):
    eyes = make_eyes(400, hard_share=1.0, random_state=5)
    strict = np.array([parameters.eye_aspect_ratio > 0.2 for parameters in eyes.parameters])
    clf = EyeClassifier(**PLAIN, classifier=classifier, n_components=20, n_copies=0, n_synthetic=300)
    common = clone(clf).fit(eyes.images, strict)
    # Trained on the same eyes, which then take no part in the calibration.
    monkeypatch.setattr(fitting, "MIN_CALIBRATING", 301)
    own = clone(clf).fit(eyes.images, strict)
    others = make_eyes(400, random_state=9)
    moved = common.decision_function(others.images) - own.decision_function(others.images)
    near = np.abs(own.decision_function(others.images)) < 1
    assert moved[near].min() > 0.2
    assert common.score(others.images, others.labels) > own.score(others.images, others.labels)
    # What is others about, and how much is unsure, are still shares of the images.
    assert (np.abs(common.decision_function(eyes.images)) < common.program.unsure).mean() < 0.1


# -- labels that contradict the images --


def test_labels_that_contradict_the_images_warn():
    clf = EyeClassifier(**PLAIN, classifier="symmetric", n_components=10, n_copies=0, n_synthetic=240)
    with pytest.warns(UserWarning, match="the labels contradict the images"):
        clf.fit(EYES.images, 1 - EYES.labels)
    with pytest.warns(UserWarning, match="the labels contradict the images"):
        clf.fit(EYES.images, np.roll(EYES.labels, 7))
    clf.fit(EYES.images, EYES.labels)  # warnings are errors here
