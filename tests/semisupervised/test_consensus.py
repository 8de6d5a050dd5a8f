"""Consensus of clusterings."""

from __future__ import annotations

import numpy as np
import pytest

from classic_eyes.semisupervised import VIEW_FEATURES, Consensus, find_consensus, make_view
from classic_eyes.semisupervised.consensus import Initialization

pytestmark = pytest.mark.xdist_group("semisupervised")


def test_unanimous_and_majority_votes_by_hand():
    best = Initialization(0.5, (0.5,), 1.0, 1.0, 1.0)
    votes = np.array([[0.9, 0.9, 0.1, 0.1], [0.8, 0.2, 0.6, 0.0], [0.5, 0.7, 0.4, 0.3]])
    found = Consensus(("a", "b", "c"), votes, best, (best,))
    assert found.unanimous.tolist() == [1, -1, -1, 0]
    assert found.majority.tolist() == [1, 1, 0, 0]


def test_views_agree_on_synthetic_eyes(eyes, consensus):
    assert consensus.best.confidence > 0.8
    assert consensus.best in consensus.tried
    assert consensus.best.confidence == max(each.confidence for each in consensus.tried)
    kept = consensus.unanimous >= 0
    assert kept.mean() > 0.85
    assert (consensus.unanimous == eyes.labels)[kept].mean() > 0.98
    assert (consensus.majority == eyes.labels).mean() > 0.95


def test_a_folder_with_one_open_eye_in_ten_starts_from_a_small_share(eyes, priors):
    opened = np.flatnonzero(eyes.labels == 1)[:17]
    part = np.sort(np.concatenate([opened, np.flatnonzero(eyes.labels == 0)]))
    found = find_consensus([make_view(eyes.images[part], features) for features in VIEW_FEATURES], priors.take(part))
    assert found.best.initial_share < 0.3
    assert (found.majority == eyes.labels[part]).mean() > 0.95


def test_contradicting_given_labels_lower_the_confidence(views, priors, consensus, eyes):
    right = find_consensus(views, priors, given=eyes.labels)
    wrong = find_consensus(views, priors, given=1 - eyes.labels)
    assert right.best.confidence > 0.9 * consensus.best.confidence
    assert wrong.best.confidence < 0.3
