"""Fitting: out-of-fold decision values, the sigmoid, and the benefit of synthetic eyes."""

from __future__ import annotations

import dataclasses

import numpy as np
import pytest
from sklearn.base import clone
from sklearn.discriminant_analysis import LinearDiscriminantAnalysis

from classic_eyes import EyeClassifier
from classic_eyes.calibration.platt import fit_platt
from classic_eyes.errors import ParameterError
from classic_eyes.inference import program
from classic_eyes.inference.program import reduce_images
from classic_eyes.preprocessing import find_poses
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
    slope, intercept = _fit_sigmoid(both, np.concatenate([labels, of_synthetic]), None, len(margin))
    # Open and closed at a decision value of 1, then of -1; four synthetic eyes weigh as much as an image.
    above = np.log((8000 + 40_000 / 4) / (1000 + 8000 / 4))
    below = np.log((2000 + 0) / (9000 + 32_000 / 4))
    np.testing.assert_allclose([intercept + slope, intercept - slope], [above, below], atol=2e-3)
    alone = _fit_sigmoid(margin, labels, None, len(margin))
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


# -- sources --


def test_one_source_changes_no_byte():
    clf = EyeClassifier(**PLAIN, classifier="metric", n_components=10, n_copies=1, n_synthetic=120)
    first = clone(clf).fit(EYES.images, EYES.labels).decision_function(EYES.images)
    second = clone(clf).fit(EYES.images, EYES.labels, sources=["here"] * 120).decision_function(EYES.images)
    np.testing.assert_array_equal(first, second)


def test_each_source_counts_as_the_root_of_its_size():
    clf = EyeClassifier(**PLAIN, classifier="symmetric", n_components=10, n_copies=1, n_synthetic=0)
    sources = np.repeat(["large", "small"], [100, 20])
    by_source = clone(clf).fit(EYES.images, EYES.labels, sources=sources)
    weight = np.where(sources == "large", 1.0, np.sqrt(5))
    by_weight = clone(clf).fit(EYES.images, EYES.labels, sample_weight=weight / weight.mean())
    alike = clone(clf).fit(EYES.images, EYES.labels)
    coefficients = [each.pipelines_["hog"]["classifier"].dual_coef_ for each in (by_source, by_weight, alike)]
    np.testing.assert_allclose(coefficients[0], coefficients[1], rtol=1e-6)
    assert np.abs(coefficients[0] - coefficients[2]).max() > 0.01 * np.abs(coefficients[2]).max()


def test_of_several_sources_the_threshold_stays_and_each_class_of_each_counts_alike(monkeypatch):
    given = []

    def recorded(decision, y, weight, **named):
        given.append((y, weight, named))
        return fit_platt(decision, y, weight, **named)

    monkeypatch.setattr(fitting, "fit_platt", recorded)
    # The first source is three times the second, and has nine open eyes for each closed one.
    order = np.concatenate([np.flatnonzero(EYES.labels == 1)[:54], np.flatnonzero(EYES.labels == 0)])[:84]
    sources = np.where(np.arange(84) < 60, "large", "small")
    clf = EyeClassifier(**PLAIN, classifier="symmetric", n_components=10, n_copies=1, n_synthetic=120)
    clf.fit(EYES.images[order], EYES.labels[order], sources=sources)
    ((labels, weight, named),) = given
    assert named == {"intercept": False}
    assert clf.program.intercept == 0
    sums = [weight[(sources == name) & (labels == label)].sum() for name in ("large", "small") for label in (0, 1)]
    present = [total for total in sums if total]
    np.testing.assert_allclose(present, present[0])


def test_a_classifier_without_weights_takes_sources_too():
    clf = EyeClassifier(**PLAIN, classifier="knn", n_components=10, n_copies=0, n_synthetic=0)
    sources = np.arange(120) % 2
    assert clf.fit(EYES.images, EYES.labels, sources=sources).score(EYES.images, EYES.labels) > 0.8


def test_sources_of_another_length_are_refused():
    with pytest.raises(ParameterError, match=r"sources has shape \(3,\); allowed is \(120,\)"):
        EyeClassifier(**PLAIN).fit(EYES.images, EYES.labels, sources=[1, 2, 3])


# -- views of several sizes --


def test_each_view_receives_images_of_its_size():
    eyes = make_eyes(160, size=48, random_state=3)
    clf = EyeClassifier(
        (("hog",), (("hog", {"cells": (12,)}), "lbp")),
        "symmetric",
        n_components=20,
        n_copies=1,
        n_synthetic=40,
        size=(24, 48),
        align="all",
        cascade=0.5,
    ).fit(eyes.images, eyes.labels)
    assert clf.gate_size == clf.program.size == clf.predictor_.size == 48
    assert [view.size for view in clf.program.views] == [24, None]
    assert clf.pipelines_["hog"]["features"].transformer_list[0][1].image_shape_ == (24, 24)
    assert clf.pipelines_["hog+lbp"]["features"].transformer_list[0][1].image_shape_ == (48, 48)
    others = make_eyes(200, size=60, random_state=5)
    assert clf.score(others.images, others.labels) > 0.8
    # The first view predicts what it predicts in a program of 24 pixels.
    reduced = reduce_images(eyes.images, 24)
    first = clf.program.views[0]
    np.testing.assert_allclose(
        dataclasses.replace(clf.program, views=[first], cascade=None).log_odds(eyes.images),
        dataclasses.replace(clf.program, views=[first], cascade=None, size=24).log_odds(reduced),
        atol=1e-5,
    )


@pytest.mark.parametrize(
    ("size", "message"),
    [
        ((24, 36), r"size is \(24, 36\); allowed is a whole number of pixels, or one for each view, divisors"),
        ((), "size is"),
        (("24", 48), "size is"),
    ],
)
def test_sizes_that_are_refused(size, message):
    with pytest.raises(ParameterError, match=message):
        EyeClassifier((("hog",), ("lbp",)), size=size).fit(EYES.images, EYES.labels)


def test_the_eye_is_located_in_the_smallest_aligned_size(monkeypatch):
    eyes = make_eyes(60, size=48, random_state=3)
    clf = EyeClassifier(
        (("hog",), (("hog", {"cells": (12,)}),), (("hog", {"cells": (8,)}),)),
        "symmetric",
        n_components=10,
        n_copies=0,
        n_synthetic=0,
        size=(48, 24, 48),
        align="others",
        cascade=None,
        detect_non_eyes=False,
    ).fit(eyes.images, eyes.labels)
    located = []

    def find(images, alignment):
        located.append(images.shape)
        return find_poses(images, alignment)

    monkeypatch.setattr(program, "find_poses", find)
    clf.program.log_odds(eyes.images)
    assert located == [(60, 24, 24)]
    # The last view alone, as a later one of a cascade, locates it alike.
    clf.program._sum_of_views(eyes.images, clf.program.views[2:], {"features": 0.0, "decision": 0.0})
    assert located == [(60, 24, 24)] * 2
