"""Self-training."""

from __future__ import annotations

import numpy as np
import pytest

from classic_eyes import metrics
from classic_eyes.datasets import UNLABELLED
from classic_eyes.errors import ParameterError
from classic_eyes.semisupervised import self_train
from classic_eyes.semisupervised.selftraining import CHANGES

pytestmark = pytest.mark.xdist_group("semisupervised")


def test_given_labels_never_change(eyes, views, priors, consensus, folds):
    """Even if they are wrong."""
    given = np.full(300, UNLABELLED, dtype=np.int8)
    given[:10] = 1 - eyes.labels[:10]
    found = self_train(views, consensus.unanimous, priors, folds, given=given)
    assert np.array_equal(found.labels[:10], given[:10])
    for each in found.rounds:
        assert np.array_equal(each.trained_on[:10], given[:10])
        assert {CHANGES[change] for change in each.changes[:10]} == {"given"}


def test_half_of_the_labels_grow_and_stay_correct(eyes, views, priors, consensus, folds):
    initial = np.where(np.arange(300) < 150, consensus.unanimous, UNLABELLED).astype(np.int8)
    found = self_train(views, initial, priors, folds)
    labelled = found.labels >= 0
    assert labelled.sum() > 1.3 * (initial >= 0).sum()
    assert (found.labels == eyes.labels)[labelled].mean() > 0.97
    assert found.stop_reason in ("converged", "all 4 rounds done")


def _ranks(values: np.ndarray) -> np.ndarray:
    return np.argsort(np.argsort(values)) / len(values)


def _bad_labels(eyes, view) -> dict[str, np.ndarray]:
    rows = view.rows[:300]
    # A split that features can predict, but that is unrelated to open and closed.
    areas = [metrics.roc_auc(eyes.labels, _ranks(column)) for column in rows.T]
    component = int(np.argmin(np.abs(np.array(areas) - 0.5)))
    side = rows[:, component] > np.median(rows[:, component])
    return {
        "another split": side.astype(np.int8),
        "random": np.random.default_rng(4).integers(0, 2, 300).astype(np.int8),
    }


@pytest.mark.parametrize("name", ["another split", "random"])
def test_bad_initial_labels_are_reported_after_one_round(eyes, views, priors, folds, name):
    initial = _bad_labels(eyes, views[0].leading(20))[name]
    found = self_train(views, initial, priors, folds)
    assert found.stop_reason.startswith(("bad start", "not learnable"))
    assert np.array_equal(found.labels, initial)
    assert len(found.rounds) == 1


def test_shrinking_class_stops_self_training(views, priors, consensus, folds):
    """Four of five closed eyes start as open."""
    initial = consensus.unanimous.copy()
    closed = np.flatnonzero(initial == 0)
    initial[closed[: 4 * len(closed) // 5]] = 1
    found = self_train(views, initial, priors, folds, confident=(0.3, 0.7), max_rounds=6)
    assert found.stop_reason not in ("converged", "all 6 rounds done")


def test_zero_rounds_return_the_initial_labels(hog_view, priors, consensus, folds):
    found = self_train([hog_view], consensus.unanimous, priors, folds, max_rounds=0)
    assert np.array_equal(found.labels, consensus.unanimous)
    assert found.rounds == ()


def test_too_few_labels_of_a_class_stop_self_training(hog_view, priors, folds):
    initial = np.full(300, UNLABELLED, dtype=np.int8)
    initial[:12] = [0, 1] * 6
    found = self_train([hog_view], initial, priors, folds)
    assert found.stop_reason == "fewer than 10 confident images of a class"


@pytest.mark.parametrize(
    "confident", [(0.5, 0.95), (0.05, 0.5), (0.0, 0.9), (0.1, 1.0), (0.1,), "ab", None, (0.9, 0.1)]
)
def test_invalid_score_thresholds_are_refused(hog_view, priors, consensus, folds, confident):
    with pytest.raises(ParameterError, match=r"confident is .*two numbers, 0 < low < 0\.5 < high < 1"):
        self_train([hog_view], consensus.unanimous, priors, folds, confident=confident)
