"""Finding labels: from images to labels, and through EyeClassifier.fit."""

from __future__ import annotations

import inspect
import pickle
from pathlib import Path

import numpy as np
import pytest
from sklearn import config_context

from classic_eyes import EyeClassifier, semisupervised
from classic_eyes.datasets import UNLABELLED, read_eyes
from classic_eyes.errors import ClassicEyesError, DataError
from classic_eyes.images import read_images
from classic_eyes.semisupervised import compute_priors, embed_2d, find_labels, finding, make_view, make_views
from classic_eyes.synthetic import make_eyes

from ..conftest import shared

pytestmark = pytest.mark.xdist_group("semisupervised")

QUICK = {"classifier": "svm", "n_components": 60, "n_copies": 0, "n_synthetic": 0, "detect_non_eyes": False}


def quick_classifier() -> EyeClassifier:
    return EyeClassifier(("hog",), **QUICK)


@pytest.fixture
def reuse_views(monkeypatch, eyes, views, priors):
    """`find_labels` of all 300 eyes takes views and priors from the fixtures instead of computing them again."""

    def views_of(images, **_):
        assert np.array_equal(images, eyes.images)
        return views

    monkeypatch.setattr(finding, "make_views", views_of)
    monkeypatch.setattr(finding, "compute_priors", lambda images, **_: priors)


def test_same_seed_gives_the_same_bytes(eyes, history):
    again = find_labels(eyes.images)
    assert again.labels.tobytes() == history.labels.tobytes()
    assert again.scores.tobytes() == history.scores.tobytes()
    assert again.consensus.votes.tobytes() == history.consensus.votes.tobytes()


def test_given_labels_that_all_views_contradict_are_listed(eyes, views, priors):
    given = np.full(300, UNLABELLED, dtype=np.int8)
    given[:20] = eyes.labels[:20]
    given[[3, 8]] = 1 - eyes.labels[[3, 8]]
    found = find_labels(eyes.images, given, views=views, priors=priors)
    votes = found.consensus.unanimous[:20]
    wrong = np.flatnonzero((votes >= 0) & (votes != given[:20])).tolist()
    assert {3, 8} <= set(wrong)
    assert found.contradicted().tolist() == wrong
    assert found.to_dict([""] * 300)["contradicted"] == wrong
    assert f"given labels: 20; all views disagree with {len(wrong)}" in found.summary()
    assert any(f"all views disagree with {len(wrong)} of 20 given labels" in warning for warning in found.warnings)


# -- data in which no labels can be found --


def _one_class(label: int) -> np.ndarray:
    eyes = make_eyes(240, random_state=3)
    return eyes.images[eyes.labels == label]


def _noise() -> np.ndarray:
    return np.random.default_rng(0).integers(0, 256, (100, 24, 24), dtype=np.uint8)


def _textures() -> np.ndarray:
    from skimage import data

    images = [data.brick(), data.grass(), data.gravel()]
    corners = np.random.default_rng(0).integers(0, 480, (120, 2))
    return np.stack([images[k % 3][y : y + 24, x : x + 24] for k, (y, x) in enumerate(corners)])


def _faces() -> np.ndarray:
    from skimage import data

    return np.round(255 * data.lfw_subset()[:100, :24, :24]).astype(np.uint8)


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: make_eyes(20, random_state=1).images, "20 images are too few"),
        (lambda: np.repeat(make_eyes(10, random_state=1).images, 10, axis=0), "only 10 of 100 images are different"),
        (lambda: np.zeros((100, 24, 24), np.uint8), "only 1 of 100 images are different"),
        (lambda: _one_class(1), "perhaps there is one class only"),
        (lambda: _one_class(0), "perhaps there is one class only"),
        (_noise, "agree too little"),
        (_textures, "agree too little|is uncertain"),
        (_faces, "agree too little|is uncertain"),
    ],
    ids=["few", "repeated", "black", "open only", "closed only", "noise", "textures", "faces"],
)
def test_data_without_two_classes_of_eyes_are_refused_with_the_remedy(make, message):
    with pytest.raises(DataError, match=message) as caught:
        find_labels(make())
    assert "label" in str(caught.value) or "different" in str(caught.value)


@pytest.mark.slow
def test_closed_eyes_of_infrared_images_alone_are_refused():
    """Groups of people or lamps look like two classes; agreement with synthetic eyes is what is missing."""
    read = read_eyes(shared("mrl"))
    closed = read.take(np.flatnonzero(read.labels == 0)[::3])
    with pytest.raises(DataError, match="perhaps there is one class only"):
        find_labels(read_images(closed.paths)[0])


def test_training_starts_where_clusters_and_synthetic_eyes_agree(history, priors):
    first = history.rounds[0].trained_on
    unanimous = history.consensus.unanimous
    agreed = unanimous == priors.is_open
    assert (unanimous >= 0).sum() - agreed.sum() > 0
    assert np.array_equal(first, np.where(agreed, unanimous, UNLABELLED))


# -- through EyeClassifier --


@pytest.mark.usefixtures("reuse_views")
def test_fit_without_labels_classifies_other_eyes(eyes, history):
    clf = quick_classifier().fit(eyes.images)
    other = make_eyes(300, random_state=70)
    assert clf.score(other.images, other.labels) > 0.93
    assert clf.history_.confidence > 0.8
    assert np.array_equal(clf.history_.labels, history.labels)
    restored = pickle.loads(pickle.dumps(clf))
    assert np.array_equal(restored.history_.labels, clf.history_.labels)
    assert np.array_equal(restored.predict_proba(other.images), clf.predict_proba(other.images))


@pytest.mark.usefixtures("reuse_views")
def test_fit_without_labels_equals_fit_with_the_found_labels_and_their_weights(eyes, history):
    kept = history.labels >= 0
    weight = np.linspace(0.5, 1.5, 300)
    for sample_weight in (None, weight):
        one = quick_classifier().fit(eyes.images, sample_weight=sample_weight)
        same = quick_classifier().fit(
            eyes.images[kept],
            history.labels[kept],
            groups=np.arange(300)[kept],
            sample_weight=None if sample_weight is None else sample_weight[kept],
        )
        assert same.history_ is None
        assert np.array_equal(one.decision_function(eyes.images), same.decision_function(eyes.images))


@pytest.mark.usefixtures("reuse_views")
@pytest.mark.filterwarnings("ignore:all views disagree")
def test_unlabelled_images_improve_on_few_labels_alone(eyes):
    labels = np.full(300, UNLABELLED)
    labels[:24] = eyes.labels[:24]
    other = make_eyes(400, random_state=71)
    both = quick_classifier().fit(eyes.images, labels)
    alone = quick_classifier().fit(eyes.images[:24], labels[:24])
    assert both.score(other.images, other.labels) > alone.score(other.images, other.labels) + 0.02
    assert np.array_equal(both.history_.labels[:24], labels[:24])


@pytest.mark.usefixtures("reuse_views")
def test_labels_that_contradict_the_clusters_win_with_a_warning(eyes):
    labels = np.full(300, UNLABELLED)
    labels[:60] = 1 - eyes.labels[:60]
    with pytest.warns(UserWarning, match="confirm only .* of the given labels"):
        clf = quick_classifier().fit(eyes.images, labels)
    assert clf.score(eyes.images[60:], 1 - eyes.labels[60:]) > 0.8


def test_failed_fit_leaves_nothing_fitted(eyes):
    clf = quick_classifier()
    with pytest.raises(ClassicEyesError):
        clf.fit(eyes.images[:20])
    assert not hasattr(clf, "predictor_")


@pytest.mark.slow
def test_labels_of_the_hardest_images_do_not_overrule_the_clusters():
    """On the most uncertain images, the views are wrong about as often as they are right: here on 20 of 50."""
    read = read_eyes(shared("eyes24"))
    some = read.take(np.arange(0, len(read), 4))
    images, labels = read_images(some.paths)[0], some.labels
    views = make_views(images)
    priors = compute_priors(images)
    before = find_labels(images, views=views, priors=priors)
    uncertain = before.most_uncertain(200)
    wrong = before.consensus.majority[uncertain] != labels[uncertain]
    hardest = np.concatenate([uncertain[wrong][:20], uncertain[~wrong][:30]])
    given = np.full(len(labels), UNLABELLED, dtype=np.int8)
    given[hardest] = labels[hardest]
    after = find_labels(images, given, views=views, priors=priors)
    assert after.confidence > 0.8 * before.confidence
    assert not any("confirm only" in warning for warning in after.warnings)
    right = [((history.scores >= 0.5) == labels)[given < 0].mean() for history in (before, after)]
    assert right[1] >= right[0]


# -- no true labels --


def test_no_public_function_takes_true_labels():
    """Labels are `given` by the user or found here; evaluation against true labels is left to the benchmarks."""
    for name in semisupervised.__all__:
        function = getattr(semisupervised, name)
        if inspect.isfunction(function):
            assert not {"labels", "truth", "y", "y_true"} & set(inspect.signature(function).parameters), name
    for path in sorted(Path(semisupervised.__file__).parent.glob("*.py")):
        assert "evaluat" not in path.read_text(), path


@pytest.mark.parametrize(
    "configuration",
    [{"transform_output": "pandas"}, {"working_memory": 1, "pairwise_dist_chunk_size": 7}],
    ids=["pandas", "chunks"],
)
def test_settings_of_scikit_learn_change_nothing(configuration):
    if "transform_output" in configuration:
        pytest.importorskip("pandas")
    eyes = make_eyes(100, random_state=5)
    expected = find_labels(eyes.images)
    with config_context(**configuration):
        found = find_labels(eyes.images)
        embed_2d(make_view(eyes.images[:40], ("hog",)))
    np.testing.assert_array_equal(found.labels, expected.labels)
    np.testing.assert_array_equal(found.scores, expected.scores)
