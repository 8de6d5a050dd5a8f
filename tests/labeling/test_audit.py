"""The audit of given labels."""

from __future__ import annotations

import numpy as np
import pytest

from classic_eyes.labeling import Reviewer, audit_labels, independent_reviewer
from classic_eyes.synthetic import make_eyes


def noise_images(n: int) -> np.ndarray:
    return np.random.default_rng(1).integers(0, 256, (n, 24, 24), dtype=np.uint8)


def audit_of(images, labels, groups, *scores):
    names = tuple(f"{k}.png" for k in range(len(labels)))
    reviewers = tuple(Reviewer(f"by {k}", np.array(each)) for k, each in enumerate(scores))
    return audit_labels(images, np.array(labels, np.int8), np.array(groups), names, reviewers)


def test_error_probability_is_the_mean_over_reviewers():
    audit = audit_of(noise_images(3), [1, 0, -1], ["a", "b", "c"], [0.9, 0.9, 0.5], [0.7, 0.4, 0.5])
    assert audit.error_probability[:2].tolist() == pytest.approx([0.2, 0.65])
    assert np.isnan(audit.error_probability[2])
    assert audit.ranked().tolist() == [1, 0]
    assert audit.ranked(1).tolist() == [1]
    assert audit.reasons == (
        "labelled open, but closed with 0.10 by 0, 0.30 by 1",
        "labelled closed, but open with 0.90 by 0, 0.40 by 1",
        "",
    )


def test_of_two_duplicates_with_different_labels_exactly_one_is_wrong():
    images = noise_images(4)
    images[1] = np.clip(images[0].astype(int) + 3, 0, 255)
    audit = audit_of(images, [1, 0, 1, 0], list("abcd"), [0.8, 0.8, 0.99, 0.01])
    # By the reviewer alone they would be 0.2 and 0.8.
    assert audit.error_probability[:2].tolist() == pytest.approx([0.2 * 0.2 / (0.2 * 0.2 + 0.8 * 0.8), 0.64 / 0.68])
    assert audit.partners.tolist() == [1, 0, -1, -1]
    assert audit.is_duplicate.tolist() == [True, True, False, False]
    assert "nearly the same image as 0.png, labelled open" in audit.reasons[1]


def test_two_eyes_of_one_face_agree_with_probability_095():
    audit = audit_of(noise_images(4), [1, 0, 1, 1], ["a", "a", "b", "b"], [0.9, 0.5, 0.9, 0.9])
    wrong = 0.5 * 0.9 / (0.5 * 0.9 + 0.1 * 0.5)
    assert audit.error_probability.tolist() == pytest.approx(
        [0.95 * (1 - wrong) + 0.05 * 0.1, 0.95 * wrong + 0.05 * 0.5, 0.1, 0.1]
    )
    assert "the other eye of this face is 0.png, labelled open" in audit.reasons[1]


def test_groups_of_three_images_are_not_faces():
    audit = audit_of(noise_images(3), [1, 0, 1], ["a", "a", "a"], [0.9, 0.1, 0.9])
    assert audit.partners.tolist() == [-1, -1, -1]


def test_wrong_labels_of_synthetic_eyes_are_ranked_first():
    eyes = make_eyes(240, random_state=3)
    wrong = np.random.default_rng(0).choice(240, 12, replace=False)
    labels = eyes.labels.copy()
    labels[wrong] = 1 - labels[wrong]
    groups = np.arange(240).astype(str)
    reviewer, message = independent_reviewer(eyes.images, groups)
    assert message.startswith("independent reviewer: labels found without given ones (confidence ")
    audit = audit_labels(eyes.images, labels, groups, tuple(groups), (reviewer,))
    assert len(set(audit.ranked(15).tolist()) & set(wrong.tolist())) >= 11


def test_no_independent_reviewer_for_too_few_images():
    reviewer, message = independent_reviewer(make_eyes(20).images, np.arange(20).astype(str))
    assert reviewer is None
    assert message.startswith("no independent reviewer: 20 images are too few")
