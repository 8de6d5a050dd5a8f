"""Rendered eyes learnt from beside pictures: what joins them, what they weigh, and what they are worth."""

from __future__ import annotations

import json

import numpy as np
import pytest
from sklearn.base import clone

from classic_eyes import EyeClassifier
from classic_eyes.cli import main
from classic_eyes.errors import ParameterError
from classic_eyes.fitting import Learnt, join_rendered
from classic_eyes.synthetic import EyeParameters, make_eyes, render

from .conftest import write_labelled

EYES = make_eyes(120, random_state=3)


def dull_eyes(n: int) -> tuple[np.ndarray, np.ndarray]:
    """Eyes of one single kind: one skin, one light, one camera, no glasses; only opening and place vary."""
    rng = np.random.default_rng(0)
    labels = np.arange(n) % 2
    pictures = [
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
    return np.array(pictures), labels


# -- what joins them --


def some_rows(**changed: object) -> Learnt:
    rows = Learnt(
        np.arange(4 * 576, dtype=np.uint32).astype(np.uint8).reshape(4, 24, 24),
        np.array([0, 1, 0, 1]),
        np.array([0, 1], np.int8),
        np.array(["anna", "anna"]),
        None,
    )
    return rows._replace(**changed)


def test_what_was_there_stays_and_each_is_a_person_of_its_own():
    joined = join_rendered(some_rows(), 50, random_state=2)
    np.testing.assert_array_equal(joined.pictures[:4], some_rows().pictures)
    assert joined.source.tolist() == [0, 1, 0, 1, *range(2, 52)]
    assert joined.groups[0] == joined.groups[1]
    assert len(set(joined.groups.tolist())) == 51
    assert sorted(set(joined.labels[2:].tolist())) == [0, 1]


def test_one_weighs_as_much_as_a_picture_with_all_its_rows():
    rows = some_rows(weight=np.array([1.0, 3.0]))
    joined = join_rendered(rows, 10)
    of_a_picture = np.bincount(rows.source, weights=rows.weight[rows.source]).mean()
    np.testing.assert_allclose(joined.weight[2:], of_a_picture)
    np.testing.assert_array_equal(joined.weight[:2], rows.weight)


def test_nobody_is_asked_about_them_elsewhere():
    learnt = {picture.tobytes() for picture in join_rendered(some_rows(), 300).pictures}
    assert not any(
        picture.tobytes() in learnt for seed in range(5) for picture in make_eyes(300, random_state=seed).pictures
    )
    assert learnt != {picture.tobytes() for picture in join_rendered(some_rows(), 300, random_state=1).pictures}


# -- in the classifier --


@pytest.mark.parametrize("classifier", ["metric", "svm", "libsvm", "gb", "linear"])
def test_every_classifier_that_weighs_learns_from_them(classifier):
    clf = EyeClassifier(("hog",), classifier, n_components=10, n_copies=1, n_rendered=60)
    joined = clf.fit(EYES.pictures, EYES.labels).decision_function(EYES.pictures)
    alone = clone(clf).set_params(n_rendered=0).fit(EYES.pictures, EYES.labels).decision_function(EYES.pictures)
    assert np.abs(joined - alone).max() > 1e-3


def test_the_same_seed_gives_the_same_answers():
    clf = EyeClassifier(("hog",), "mirror", n_components=10, n_copies=1, n_rendered=40)
    first, second = (clone(clf).fit(EYES.pictures, EYES.labels) for _ in range(2))
    np.testing.assert_array_equal(first.decision_function(EYES.pictures), second.decision_function(EYES.pictures))


def test_eyes_of_one_kind_are_not_all_there_is():
    pictures, labels = dull_eyes(200)
    asked = make_eyes(400, random_state=9)
    clf = EyeClassifier(("hog",), "mirror", n_components=40, n_copies=1)
    alone = clone(clf).fit(pictures, labels).score(asked.pictures, asked.labels)
    joined = clone(clf).set_params(n_rendered=400).fit(pictures, labels).score(asked.pictures, asked.labels)
    assert joined > alone + 0.03
    assert joined > 0.9


def test_pictures_alone_calibrate():
    pictures, labels = dull_eyes(200)
    clf = EyeClassifier(("hog",), "mirror", n_components=40, n_copies=1, n_rendered=400).fit(pictures, labels)
    # One picture in twenty of those given is less sure than this; of 400 rendered ones many more are.
    assert (np.abs(clf.decision_function(make_eyes(400, random_state=9).pictures)) < clf.unsure_).mean() > 0.1


@pytest.mark.parametrize("given", [-1, 0.5, True, "some"])
def test_a_number_of_eyes_is_whole(given):
    with pytest.raises(ParameterError, match=r"n_rendered is .*; it must be a whole number, 0 or more"):
        EyeClassifier(("hog",), n_rendered=given).fit(EYES.pictures, EYES.labels)


def test_more_than_memory_holds_are_refused():
    with pytest.raises(ParameterError, match=r"n_rendered is 100001; it must be 100,000 at most"):
        EyeClassifier(("hog",), n_rendered=100_001).fit(EYES.pictures, EYES.labels)


def test_a_seed_may_be_a_small_number_of_numpy():
    clf = EyeClassifier(("hog",), "mirror", n_components=10, n_copies=0, n_rendered=20, random_state=np.int8(3))
    clf.fit(EYES.pictures, EYES.labels)


@pytest.mark.parametrize("labels", [EYES.labels, None])
def test_what_cannot_weigh_them_says_so_before_any_work(labels):
    with pytest.raises(ParameterError, match="n_rendered is 10, and KNeighborsClassifier cannot weigh"):
        EyeClassifier(("hog",), "knn", n_rendered=10).fit(EYES.pictures, labels)


# -- the command --


def test_train_takes_them(tmp_path, capsys):
    folder = write_labelled(tmp_path / "eyes", 60)
    how = ["--features", "hog", "--copies", "0", "--components", "10", "--folds", "0", "--rendered", "30"]
    assert main(["train", str(folder), "--out", str(tmp_path / "m.joblib"), *how]) == 0
    assert json.loads((tmp_path / "m.json").read_text())["parameters"]["n_rendered"] == 30
    assert "training on all, and on 30 rendered eyes" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("how", "said"),
    [
        (["--classifier", "knn", "--rendered", "30"], "--rendered 30 goes with --classifier"),
        (["--rendered", "99999999999"], "--rendered 99999999999 is too many; take 100,000 at most"),
        (["--rendered", "-1"], "'-1' is not a whole number from 0"),
    ],
)
def test_train_refuses_before_it_reads(tmp_path, capsys, how, said):
    try:
        status = main(["train", str(tmp_path / "nowhere"), "--out", str(tmp_path / "m.joblib"), *how])
    except SystemExit as ended:
        status = ended.code
    assert status == 2
    assert said in capsys.readouterr().err
