"""Synthetic eyes learnt from beside images: what joins them, what they weigh, and what they are worth."""

from __future__ import annotations

import json

import numpy as np
import pytest
from classic_eyes.conftest import write_labelled
from sklearn.base import clone
from sklearn.discriminant_analysis import LinearDiscriminantAnalysis

from classic_eyes import EyeClassifier
from classic_eyes.cli import main
from classic_eyes.errors import ParameterError
from classic_eyes.synthetic import EyeParameters, make_eyes, render
from classic_eyes.training.fitting import TrainingSet, add_synthetic, fit_last_step, fit_sigmoid

EYES = make_eyes(120, random_state=3)


def dull_eyes(n: int) -> tuple[np.ndarray, np.ndarray]:
    """Eyes of one single kind: one skin, one light, one camera, no glasses; only opening and place vary."""
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


# -- what joins them --


def some_rows(**changed: object) -> TrainingSet:
    rows = TrainingSet(
        np.arange(4 * 576, dtype=np.uint32).astype(np.uint8).reshape(4, 24, 24),
        np.array([0, 1, 0, 1]),
        np.array([0, 1], np.int8),
        np.array(["anna", "anna"]),
        None,
    )
    return rows._replace(**changed)


def test_what_was_there_stays_and_each_is_a_person_of_its_own():
    joined = add_synthetic(some_rows(), 50, random_state=2)
    np.testing.assert_array_equal(joined.images[:4], some_rows().images)
    assert joined.source.tolist() == [0, 1, 0, 1, *range(2, 52)]
    assert joined.groups[0] == joined.groups[1]
    assert len(set(joined.groups.tolist())) == 51
    assert sorted(set(joined.labels[2:].tolist())) == [0, 1]


@pytest.mark.parametrize("n_synthetic", [1, 2, 10])
def test_one_weighs_as_much_as_a_image_with_all_its_rows_and_all_at_most_as_much_as_all(n_synthetic):
    rows = some_rows(weight=np.array([1.0, 3.0]))
    joined = add_synthetic(rows, n_synthetic)
    of_a_image = np.bincount(rows.source, weights=rows.weight[rows.source])
    np.testing.assert_allclose(joined.weight[2:], min(of_a_image.mean(), of_a_image.sum() / n_synthetic))
    np.testing.assert_array_equal(joined.weight[:2], rows.weight)


def test_half_of_them_are_harder_to_tell():
    joined = add_synthetic(some_rows(), 400)
    easy = {image.tobytes() for image in make_eyes(400, random_state=1_000_000_000).images}
    assert 0.4 < np.mean([image.tobytes() in easy for image in joined.images[4:]]) < 0.6


def test_nobody_is_asked_about_them_elsewhere():
    learnt = {image.tobytes() for image in add_synthetic(some_rows(), 300).images}
    assert not any(image.tobytes() in learnt for seed in range(5) for image in make_eyes(300, random_state=seed).images)
    assert learnt != {image.tobytes() for image in add_synthetic(some_rows(), 300, random_state=1).images}


# -- in the classifier --


@pytest.mark.parametrize("classifier", ["metric", "svm", "libsvm", "gb", "linear"])
def test_every_classifier_that_weighs_learns_from_them(classifier):
    clf = EyeClassifier(("hog",), classifier, n_components=10, n_copies=1, n_synthetic=60)
    joined = clf.fit(EYES.images, EYES.labels).decision_function(EYES.images)
    alone = clone(clf).set_params(n_synthetic=0).fit(EYES.images, EYES.labels).decision_function(EYES.images)
    assert np.abs(joined - alone).max() > 1e-3


def test_the_same_seed_gives_the_same_answers():
    clf = EyeClassifier(("hog",), "mirror", n_components=10, n_copies=1, n_synthetic=40)
    first, second = (clone(clf).fit(EYES.images, EYES.labels) for _ in range(2))
    np.testing.assert_array_equal(first.decision_function(EYES.images), second.decision_function(EYES.images))


def test_eyes_of_one_kind_are_not_all_there_is():
    images, labels = dull_eyes(200)
    asked = make_eyes(400, random_state=9)
    clf = EyeClassifier(("hog",), "mirror", n_components=40, n_copies=1)
    alone = clone(clf).fit(images, labels).score(asked.images, asked.labels)
    joined = clone(clf).set_params(n_synthetic=400).fit(images, labels).score(asked.images, asked.labels)
    assert joined > alone + 0.03
    assert joined > 0.9


def test_images_alone_calibrate():
    images, labels = dull_eyes(200)
    clf = EyeClassifier(("hog",), "mirror", n_components=40, n_copies=1, n_synthetic=400).fit(images, labels)
    # One image in twenty of those given is less sure than this; of 400 synthetic ones many more are.
    assert (np.abs(clf.decision_function(make_eyes(400, random_state=9).images)) < clf.unsure_).mean() > 0.1


# -- as judges of the border --


def told_apart(n: int, closed_called_open: int, open_called_closed: int) -> tuple[np.ndarray, np.ndarray]:
    """Margins of 1 and -1, and labels: n of each class, so many of them on the wrong side."""
    margin = np.repeat(
        [1.0, -1.0, -1.0, 1.0], [n - open_called_closed, open_called_closed, n - closed_called_open, closed_called_open]
    )
    return margin, np.repeat([1, 0], n)


def test_the_sigmoid_weighs_synthetic_eyes_as_much_as_all_images():
    # With two values of the margin the log odds at each are those of the labels there: a closed form.
    margin, labels = told_apart(10_000, 1000, 2000)
    synthetic, of_synthetic = told_apart(40_000, 8000, 0)
    both = np.concatenate([margin, synthetic])
    learnt = TrainingSet(
        np.zeros((0, 24, 24), np.uint8), np.arange(0), np.concatenate([labels, of_synthetic]), np.arange(0), None
    )
    slope, intercept = fit_sigmoid(both, learnt, len(margin))
    # Open and closed at a margin of 1, then of -1; four synthetic eyes weigh as much as an image.
    above = np.log((8000 + 40_000 / 4) / (1000 + 8000 / 4))
    below = np.log((2000 + 0) / (9000 + 32_000 / 4))
    np.testing.assert_allclose([intercept + slope, intercept - slope], [above, below], atol=2e-3)
    alone = fit_sigmoid(margin, learnt, len(margin))
    np.testing.assert_allclose(sum(alone), np.log(8000 / 1000), atol=2e-3)


def test_synthetic_eyes_are_judged_by_machines_that_have_not_learnt_from_them():
    rng = np.random.default_rng(0)
    labels = np.tile([0, 1], 20).astype(np.int8)
    # Thirty images with a copy each, then ten synthetic eyes, whose rows are not where their numbers are.
    source = np.concatenate([np.arange(30), np.arange(30), np.arange(30, 40)])
    rows = rng.normal(labels[source, np.newaxis], 1.0, (70, 3))
    learnt = TrainingSet(np.zeros((70, 8, 8), np.uint8), source, labels, np.arange(40), None)
    folds = [(np.arange(15, 30), np.arange(15)), (np.arange(15), np.arange(15, 30)), (np.arange(30), np.arange(30, 40))]
    margin = fit_last_step(LinearDiscriminantAnalysis(), rows, None, learnt, folds)
    non_eyes = LinearDiscriminantAnalysis().fit(rows[:60], labels[source[:60]])
    np.testing.assert_allclose(margin[30:], non_eyes.decision_function(rows[60:]))
    first = LinearDiscriminantAnalysis().fit(rows[source >= 15], labels[source[source >= 15]])
    np.testing.assert_allclose(margin[:15], first.decision_function(rows[:15]))


@pytest.mark.parametrize("classifier", ["metric", "svm", "gb"])
def test_they_move_the_border_of_a_source_that_calls_narrow_eyes_closed(classifier):
    eyes = make_eyes(400, hard_share=1.0, random_state=5)
    strict = np.array([parameters.eye_aspect_ratio > 0.2 for parameters in eyes.parameters])
    clf = EyeClassifier(("hog",), classifier, n_components=20, n_copies=0, n_synthetic=300)
    own, common = (clone(clf).set_params(calibrate_synthetic=said).fit(eyes.images, strict) for said in (False, True))
    asked = make_eyes(400, random_state=9)
    moved = common.decision_function(asked.images) - own.decision_function(asked.images)
    near = np.abs(own.decision_function(asked.images)) < 1
    assert moved[near].min() > 0.2
    assert common.score(asked.images, asked.labels) > own.score(asked.images, asked.labels)
    # What is asked about, and how much is unsure, are still shares of the images.
    assert (np.abs(common.decision_function(eyes.images)) < common.unsure_).mean() < 0.1


@pytest.mark.parametrize("given", [-1, 0.5, True, "some"])
def test_a_number_of_eyes_is_whole(given):
    with pytest.raises(ParameterError, match=r"n_synthetic is .*; it must be a whole number, 0 or more"):
        EyeClassifier(("hog",), n_synthetic=given).fit(EYES.images, EYES.labels)


def test_more_than_memory_holds_are_refused():
    with pytest.raises(ParameterError, match=r"n_synthetic is 100001; it must be 100,000 at most"):
        EyeClassifier(("hog",), n_synthetic=100_001).fit(EYES.images, EYES.labels)


def test_a_seed_may_be_a_small_number_of_numpy():
    clf = EyeClassifier(("hog",), "mirror", n_components=10, n_copies=0, n_synthetic=20, random_state=np.int8(3))
    clf.fit(EYES.images, EYES.labels)


@pytest.mark.parametrize("labels", [EYES.labels, None])
def test_what_cannot_weigh_them_says_so_before_any_work(labels):
    with pytest.raises(ParameterError, match="n_synthetic is 10, and KNeighborsClassifier cannot weigh"):
        EyeClassifier(("hog",), "knn", n_synthetic=10).fit(EYES.images, labels)


# -- the command --


def test_train_takes_them(tmp_path, capsys):
    folder = write_labelled(tmp_path / "eyes", 60)
    how = ["--features", "hog", "--copies", "0", "--components", "10", "--folds", "0", "--synthetic", "100"]
    how.append("--calibrate-synthetic")
    assert main(["train", str(folder), "--out", str(tmp_path / "m.joblib"), *how]) == 0
    parameters = json.loads((tmp_path / "m.json").read_text())["parameters"]
    assert (parameters["n_synthetic"], parameters["calibrate_synthetic"]) == (100, True)
    assert "training on all, and on 100 synthetic eyes" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("how", "said"),
    [
        (["--classifier", "knn", "--synthetic", "30"], "--synthetic 30 goes with --classifier"),
        (["--synthetic", "99999999999"], "--synthetic 99999999999 is too many; take 100,000 at most"),
        (["--calibrate-synthetic", "--synthetic", "99"], "99 synthetic eyes are too few, for they count as much"),
        (["--calibrate-synthetic"], "--calibrate-synthetic: 0 synthetic eyes are too few"),
        (["--synthetic", "-1"], "'-1' is not a whole number from 0"),
    ],
)
def test_train_refuses_before_it_reads(tmp_path, capsys, how, said):
    try:
        status = main(["train", str(tmp_path / "nowhere"), "--out", str(tmp_path / "m.joblib"), *how])
    except SystemExit as ended:
        status = ended.code
    assert status == 2
    assert said in capsys.readouterr().err
