"""Learners for few labels."""

from __future__ import annotations

import numpy as np
import pytest

from benchmarks.few_labels import LEARNERS, Pool, fit_learner
from classic_eyes import EyeClassifier
from classic_eyes.errors import ParameterError
from classic_eyes.synthetic import make_eyes

pytestmark = pytest.mark.xdist_group("few labels")


@pytest.fixture(scope="module")
def pool():
    eyes = make_eyes(240, random_state=6)
    return eyes, Pool(eyes.images, np.arange(240).astype(str))


def plain_classifier() -> EyeClassifier:
    return EyeClassifier(("hog",), n_components=40, n_copies=0, n_synthetic=0, detect_non_eyes=False)


@pytest.mark.parametrize("name", LEARNERS)
def test_every_learner_is_accurate_with_40_labels(pool, name):
    eyes, known = pool
    given = np.full(240, -1, dtype=np.int8)
    given[:40] = eyes.labels[:40]
    other = make_eyes(200, random_state=8)
    clf = fit_learner(name, plain_classifier(), known, given)
    assert clf.score(other.images, other.labels) > 0.8
    assert given[40:].max() == -1, "the given labels are not changed"


def test_unlabelled_images_help(pool):
    eyes, known = pool
    given = np.full(240, -1, dtype=np.int8)
    given[:30] = eyes.labels[:30]
    other = make_eyes(300, random_state=9)
    scores = {
        name: fit_learner(name, plain_classifier(), known, given).score(other.images, other.labels)
        for name in ("svm", "self-training")
    }
    assert scores["self-training"] > scores["svm"]


def test_unknown_learner_is_refused_with_the_known_ones(pool):
    with pytest.raises(ParameterError, match="learner 'oracle' is not known; known are knn, label spreading, svm"):
        fit_learner("oracle", EyeClassifier(), pool[1], np.zeros(240, np.int8))
