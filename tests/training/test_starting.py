"""A few labels on top of a fitted program: closed form, what is kept, and the gain on another kind of eyes."""

from __future__ import annotations

import numpy as np
import pytest
from sklearn.linear_model import LogisticRegression

from classic_eyes import EyeClassifier
from classic_eyes.errors import ParameterError
from classic_eyes.synthetic import make_eyes
from classic_eyes.training.starting import MIN_LABELLED, _fit_laplace, _folds, _Posterior, _View, adapt_program


@pytest.fixture(scope="module")
def start():
    eyes = make_eyes(300, random_state=0)
    clf = EyeClassifier(features=(("hog",), ("lbp",)), n_components=60, n_copies=0, n_synthetic=0, cascade=None)
    return clf.fit(eyes.images, eyes.labels).predictor_.program


def other_kind(n: int, *, random_state: int) -> tuple[np.ndarray, np.ndarray]:
    """Return eyes as a camera might see them that the start does not know: upside down."""
    eyes = make_eyes(n, random_state=random_state)
    return np.ascontiguousarray(eyes.images[:, ::-1]), eyes.labels


def errors(program, images, labels) -> float:
    return float(((program.log_odds(images) >= 0) != labels).mean())


def test_the_weights_are_at_the_mode_of_the_posterior():
    rng = np.random.default_rng(0)
    root = rng.normal(size=(20, 20))
    covariance, mean, target = root @ root.T, rng.normal(size=20), rng.integers(0, 2, 20).astype(float)
    weights = _fit_laplace(covariance, mean, target)
    p = 1 / (1 + np.exp(-(mean + covariance @ weights)))
    assert weights == pytest.approx(target - p, abs=1e-6)


@pytest.mark.parametrize("variance", [8.0, 32.0, 128.0])
def test_the_mode_is_found_where_the_start_is_sure_and_wrong(variance):
    """Whole Newton steps run away here: all predictions became one class."""
    rng = np.random.default_rng(1)
    position = rng.normal(size=(50, 3))
    covariance = variance * (np.exp(-((position[:, None] - position[None]) ** 2).sum(axis=-1) / 30) + 0.3)
    target = (np.arange(50) % 2).astype(float)
    mean = np.where(rng.random(50) < 0.4, -8.0, 8.0) * (2 * target - 1)
    weights = _fit_laplace(covariance, mean, target)
    p = 1 / (1 + np.exp(-(mean + covariance @ weights)))
    assert weights == pytest.approx(target - p, abs=1e-4)


def test_what_is_predicted_out_of_fold_is_what_the_program_predicts(start):
    images, labels = other_kind(40, random_state=1)
    views = [_View(start, number, images) for number in range(2)]
    train, target = np.arange(30), (labels == 1).astype(float)
    log_odds = start.log_odds(images)
    posterior = _Posterior(start, views, train, log_odds, target, 8.0)
    assert posterior.program().log_odds(images) == pytest.approx(posterior.log_odds(np.arange(40)), abs=2e-3)


def test_the_kernel_of_an_image_with_itself_is_one(start):
    images, _ = other_kind(12, random_state=1)
    kernel = _View(start, 1, images).kernel
    assert (kernel >= 0).all()
    assert kernel.max() <= 1 + 1e-4


def test_another_kind_of_eyes_is_learnt_from_forty(start):
    images, labels = other_kind(300, random_state=2)
    adapted = adapt_program(start, images[:40], labels[:40], np.arange(40))
    before, after = (errors(program, images[40:], labels[40:]) for program in (start, adapted.program))
    assert before > 0.05
    assert after < 0.7 * before
    assert adapted.why_kept is None


def test_what_the_start_knows_is_kept(start):
    eyes = make_eyes(400, random_state=3)
    adapted = adapt_program(start, eyes.images[:100], eyes.labels[:100], np.arange(100))
    assert (
        errors(adapted.program, eyes.images[100:], eyes.labels[100:])
        <= errors(start, eyes.images[100:], eyes.labels[100:]) + 0.01
    )


def test_labels_without_sense_leave_the_start_as_it_is(start):
    eyes = make_eyes(60, random_state=4)
    labels = np.random.default_rng(0).integers(0, 2, 60).astype(np.int8)
    adapted = adapt_program(start, eyes.images, labels, np.arange(60))
    right = ((adapted.log_odds >= 0) == labels).sum()
    assert right >= ((adapted.start >= 0) == labels).sum()


def test_it_is_an_ordinary_program_of_the_same_bytes(start):
    images, labels = other_kind(40, random_state=2)
    one, other = (adapt_program(start, images, labels, np.arange(40)).program for _ in range(2))
    assert one.compiled
    assert np.array_equal(one.log_odds(images), other.log_odds(images))
    added = one.views[0].support.shape[1] - start.views[0].support.shape[1]
    assert added == 40


def test_folds_are_of_whole_groups():
    groups = np.repeat(np.arange(12), 5)
    folds = _folds(groups)
    assert sorted(np.concatenate(folds)) == list(range(60))
    assert not any(set(groups[test]) & set(np.delete(groups, test)) for test in folds)


def test_one_person_is_split_by_images():
    folds = _folds(np.zeros(40, int))
    assert sorted(np.concatenate(folds)) == list(range(40))
    assert len(folds) == 10


def test_one_class_changes_nothing_and_says_so(start):
    images, _ = other_kind(20, random_state=1)
    adapted = adapt_program(start, images, np.zeros(20, np.int8), np.arange(20))
    assert adapted.program is start
    assert adapted.why_kept == "all labels are closed; open and closed eyes are needed"


def test_refused(start):
    images, labels = other_kind(20, random_state=1)
    with pytest.raises(ParameterError, match=f"9 labelled images are too few.*label {MIN_LABELLED} or more"):
        adapt_program(start, images[:9], labels[:9], np.arange(9))
    eyes = make_eyes(60, random_state=0)
    own = EyeClassifier(features=("hog",), classifier=LogisticRegression(), n_copies=0, n_synthetic=0)
    program = own.fit(eyes.images, eyes.labels).predictor_.program
    if not program.compiled:
        with pytest.raises(ParameterError, match="a classifier of your own"):
            adapt_program(program, images, labels, np.arange(20))
