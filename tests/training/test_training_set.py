"""The training set: labels as given, mirror images, copies, synthetic eyes, weights, folds for the calibration."""

from __future__ import annotations

import warnings

import numpy as np
import pytest

from classic_eyes.errors import ParameterError
from classic_eyes.preprocessing.augmentation import flip
from classic_eyes.synthetic import make_eyes
from classic_eyes.training.training_set import (
    TrainingSet,
    add_synthetic,
    check_labels,
    make_training_set,
    split_for_calibration,
)

EYES = make_eyes(40, random_state=3)


# -- labels --

LABELS = np.where(np.arange(160) % 3, 1, 0)
EIGHTH = np.arange(160) % 8 == 0
TEXTS = np.where(LABELS == 1, "open", "closed")

MISSING = {
    "nan": np.where(EIGHTH, np.nan, LABELS),
    "None": [None if k % 8 == 0 else label for k, label in enumerate(LABELS.tolist())],
    "unknown": np.where(EIGHTH, "unknown", TEXTS),
    "empty": np.where(EIGHTH, "", TEXTS),
    "nan among texts": [np.nan if k % 8 == 0 else ("closed", "open")[label] for k, label in enumerate(LABELS)],
}


@pytest.mark.parametrize("form", MISSING)
def test_missing_labels_of_any_form_are_unknown(form):
    labels, classes = check_labels(MISSING[form], 160)
    np.testing.assert_array_equal(labels, np.where(EIGHTH, -1, LABELS))
    assert classes.tolist() == ([0, 1] if form in ("nan", "None") else ["closed", "open"])


def test_missing_values_of_pandas_are_unknown():
    pandas = pytest.importorskip("pandas")
    for missing in (pandas.Series(LABELS.tolist(), dtype="Int64"), pandas.Series(TEXTS, dtype="string")):
        labels, _ = check_labels(missing.where(~EIGHTH), 160)
        np.testing.assert_array_equal(labels, np.where(EIGHTH, -1, LABELS))


@pytest.mark.parametrize(
    ("y", "classes"),
    [
        (["OPEN", "", ""], ["CLOSED", "OPEN"]),
        (["Closed", "", ""], ["Closed", "Open"]),
        (["", "", ""], [0, 1]),
        (None, [0, 1]),
        ([True, None, None], [False, True]),
    ],
)
def test_classes_of_labels_that_are_missing(y, classes):
    assert check_labels(y, 3)[1].tolist() == classes


@pytest.mark.parametrize(
    "y",
    [
        LABELS,
        np.where(np.arange(160) < 20, -1, LABELS),
        np.full(160, -1),
        np.where(np.arange(160) < 20, "", "open"),
    ],
    ids=["all", "some", "none", "texts"],
)
def test_no_other_labels_are_warned_of(y):
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        check_labels(y, 160)


def test_labels_of_one_class_and_unknown_ones_are_warned_of_without_a_wrong_remedy():
    with pytest.warns(
        UserWarning, match=r"none is open \(1\): open eyes are found without labels, label some"
    ) as found:
        check_labels(np.where(LABELS == 0, 0, -1), 160)
    assert "means" not in str(found[0].message)


# -- images --


def test_mirror_images_and_copies_follow_the_images():
    settings = {"n_copies": 3, "random_state": 0}
    training = make_training_set(EYES.images, EYES.labels, np.arange(40), None, mirror=True, **settings)
    assert len(training.images) == len(training.source) == 40 * 5
    np.testing.assert_array_equal(training.images[:40], EYES.images)
    np.testing.assert_array_equal(training.images[40:80], flip(EYES.images))
    assert np.bincount(training.source).tolist() == [5] * 40
    np.testing.assert_array_equal(training.first_rows, np.arange(40))
    plain = make_training_set(EYES.images, EYES.labels, np.arange(40), None, mirror=False, **settings)
    np.testing.assert_array_equal(plain.images[40:], training.images[80:])


def test_folds_of_the_calibration_split_by_group():
    groups = np.arange(40) // 4
    folds = split_for_calibration(EYES.labels, groups)
    assert len(folds) == 3
    np.testing.assert_array_equal(np.sort(np.concatenate([test for _, test in folds])), np.arange(40))
    for train, test in folds:
        assert not set(groups[train]) & set(groups[test])


def test_too_few_groups_of_a_class_are_refused():
    with pytest.raises(
        ParameterError, match="closed eyes come from 1 groups and open ones from 3; calibration needs 2"
    ):
        split_for_calibration(np.array([0, 0, 1, 1, 1], np.int8), np.array([0, 0, 1, 2, 3]))


# -- synthetic eyes --


def some_rows(**changed: object) -> TrainingSet:
    rows = TrainingSet(
        np.arange(4 * 576, dtype=np.uint32).astype(np.uint8).reshape(4, 24, 24),
        np.array([0, 1, 0, 1]),
        np.array([0, 1], np.int8),
        np.array(["anna", "anna"]),
        None,
    )
    return rows._replace(**changed)


def test_the_images_stay_and_each_synthetic_eye_is_a_person_of_its_own():
    training = add_synthetic(some_rows(), 50, random_state=2)
    np.testing.assert_array_equal(training.images[:4], some_rows().images)
    assert training.source.tolist() == [0, 1, 0, 1, *range(2, 52)]
    assert training.groups[0] == training.groups[1]
    assert len(set(training.groups.tolist())) == 51
    assert sorted(set(training.labels[2:].tolist())) == [0, 1]


@pytest.mark.parametrize("n_synthetic", [1, 2, 10])
def test_one_weighs_as_much_as_an_image_with_all_its_rows_and_all_at_most_as_much_as_all_images(n_synthetic):
    rows = some_rows(weight=np.array([1.0, 3.0]))
    training = add_synthetic(rows, n_synthetic)
    of_an_image = np.bincount(rows.source, weights=rows.weight[rows.source])
    np.testing.assert_allclose(training.weight[2:], min(of_an_image.mean(), of_an_image.sum() / n_synthetic))
    np.testing.assert_array_equal(training.weight[:2], rows.weight)


def test_half_of_them_are_harder_to_tell():
    training = add_synthetic(some_rows(), 400)
    easy = {image.tobytes() for image in make_eyes(400, random_state=1_000_000_000).images}
    assert 0.4 < np.mean([image.tobytes() in easy for image in training.images[4:]]) < 0.6


def test_no_other_seed_gives_the_same_eyes():
    trained = {image.tobytes() for image in add_synthetic(some_rows(), 300).images}
    assert not any(
        image.tobytes() in trained for seed in range(5) for image in make_eyes(300, random_state=seed).images
    )
    assert trained != {image.tobytes() for image in add_synthetic(some_rows(), 300, random_state=1).images}
