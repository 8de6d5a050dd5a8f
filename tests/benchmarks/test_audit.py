"""Evaluation of an audit by the votes of raters."""

from __future__ import annotations

import numpy as np

from benchmarks.audit import contradicted_by_most, evaluate_audit
from classic_eyes.labeling import Reviewer, audit_labels


def test_labels_that_most_raters_contradict():
    votes = [[1, 1, 0], [0, 0], [], [0, 1]]
    assert contradicted_by_most(np.array([0, 1, 1, 1], np.int8), votes).tolist() == [True, True, False, False]
    assert contradicted_by_most(np.array([-1], np.int8), [[1, 1]]).tolist() == [False]


def test_wrong_labels_are_counted_for_each_rule():
    images = np.random.default_rng(1).integers(0, 256, (4, 24, 24), dtype=np.uint8)
    labels = np.array([1, 0, 1, 0], np.int8)
    reviewers = (
        Reviewer("first", np.array([0.9, 0.8, 0.2, 0.1])),
        Reviewer("second", np.array([0.1, 0.1, 0.1, 0.1])),
    )
    audit = audit_labels(images, labels, np.array(list("abcd")), tuple("abcd"), reviewers)
    scores = evaluate_audit(audit, reviewers, labels, np.array([1, 1, 0, 0], bool))
    found = {each.rule: each.found for each in scores}
    assert list(found)[:3] == ["this audit", "out-of-fold predictions alone", "clusters without labels alone"]
    assert found["this audit"] == (2, 2, 2)
