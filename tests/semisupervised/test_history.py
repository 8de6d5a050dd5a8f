"""The history of found labels."""

from __future__ import annotations

import json
from dataclasses import replace

import numpy as np
import pytest

from classic_eyes.evaluation import evaluate_given
from classic_eyes.semisupervised.selftraining import CHANGES

pytestmark = pytest.mark.xdist_group("semisupervised")


def test_every_round_keeps_scores_labels_and_changes_of_every_image(history):
    assert history.consensus.votes.shape == (3, 300)
    assert history.rounds
    for each in history.rounds:
        assert each.trained_on.shape == each.scores.shape == each.labels.shape == each.changes.shape == (300,)
        assert ((each.scores >= 0) & (each.scores <= 1)).all()
        expected = np.where(each.scores > 0.95, 1, np.where(each.scores < 0.05, 0, -1))
        assert np.array_equal(each.labels, expected)
        assert np.array_equal(each.positions("unlabelled"), np.flatnonzero((expected < 0) & (each.trained_on < 0)))
        assert np.array_equal(each.positions("added"), np.flatnonzero((expected >= 0) & (each.trained_on < 0)))
    assert history.stop_reason
    assert np.array_equal(history.labels, history.rounds[-1].labels)


def test_changes_of_a_round_add_up(history):
    for each in history.rounds:
        counts = {change: len(each.positions(change)) for change in CHANGES}
        assert sum(counts.values()) == 300
        assert (each.labels >= 0).sum() == (each.trained_on >= 0).sum() + counts["added"] - counts["removed"]


def test_most_uncertain_images_are_sorted_by_distance_of_their_score_from_half(history):
    order = history.most_uncertain()
    assert sorted(order) == list(range(300))
    assert (np.diff(np.abs(history.scores - 0.5)[order]) >= 0).all()
    assert np.array_equal(history.most_uncertain(7), order[:7])


def test_summary_and_dict_agree_and_the_dict_is_json(history):
    content = history.to_dict([f"{k}.png" for k in range(300)])
    assert content["stop_reason"] in history.summary()
    assert f"confidence {content['confidence']:.2f}" in history.summary()
    assert [each["kept"] for each in content["initializations"]].count(True) == 1
    assert json.loads(json.dumps(content)) == content


def test_origin_of_a_label_is_what_set_it_last(history):
    origins = np.array(history.origins())
    assert ((origins == "") == (history.labels < 0)).all()
    first = history.rounds[0]
    kept = np.all([each.labels == first.trained_on for each in history.rounds], axis=0) & (history.labels >= 0)
    assert set(origins[kept]) == {"clustering"}
    added = np.flatnonzero((first.trained_on < 0) & (history.labels >= 0))
    assert all(origin.startswith("round ") for origin in origins[added])
    last = history.rounds[-1]
    assert set(origins[last.positions("added")]) <= {f"round {len(history.rounds)}"}
    # Given labels are given; what an undone round did does not count.
    given = np.full(300, -1, dtype=np.int8)
    known = np.flatnonzero(history.labels >= 0)[:3]
    given[known] = history.labels[known]
    assert set(np.array(replace(history, given=given).origins())[known]) == {"given"}
    undone = replace(last, labels=np.where(last.labels == 0, 1, 0).astype(np.int8), changes=np.full(300, 4, np.int8))
    assert replace(history, rounds=(*history.rounds, undone)).origins() == history.origins()


def test_scores_without_a_round_are_no_evaluation(history):
    """Where the first round is undone, the scores are the given labels: an accuracy of 1 would be stated."""
    given = np.tile([0, 1], 150).astype(np.int8)
    groups = np.arange(300)
    known = replace(history, given=given)
    assert known.is_out_of_fold
    assert evaluate_given(known, groups)["given labels"]["n"] == 300
    assert evaluate_given(known, groups, groups < 40)["given labels"]["n"] == 40
    assert evaluate_given(known, groups, groups < 19) is None
    assert evaluate_given(known, groups, given == 1) is None
    undone = replace(known, scores=given.astype(float))
    assert not undone.is_out_of_fold
    assert evaluate_given(undone, groups) is None
    assert not replace(known, rounds=()).is_out_of_fold
