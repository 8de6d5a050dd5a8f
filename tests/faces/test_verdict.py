"""The verdict for a face from both of its eyes."""

from __future__ import annotations

import numpy as np
import pytest

from classic_eyes.faces.verdict import EAR_THRESHOLD, evidence, joint_verdict


def test_evidence_is_the_mean_of_appearance_and_shape():
    assert evidence(0.5) == 0
    assert evidence(0.0) == -4
    assert evidence(0.5, EAR_THRESHOLD + 0.06) == pytest.approx(1)
    assert evidence(1.0, 0.0) == 0
    assert evidence(0.5, threshold=0.2) == pytest.approx(np.log(4))
    assert evidence(0.5, 0.20, ear_threshold=0.17) == pytest.approx(0.5)


def test_small_eyes_count_less_and_show_no_lids():
    assert evidence(0.5, 0.0, width=20) < 0
    assert evidence(0.9, 0.0, width=8) == pytest.approx(0.75 * evidence(0.9) + 0.5)
    assert evidence(0.5, 0.0, width=6) == 1
    assert evidence(0.0, 0.0, width=6) == -1


@pytest.mark.parametrize(
    ("right", "left", "verdict"),
    [
        (4, 4, "open"),
        (-4, -1, "closed"),
        (4, -2, "wink"),
        (-2, 2, "wink"),
        (4, -1.9, "open"),
        (-4, 0.5, "closed"),
        (0.0, None, "open"),
        (None, -0.1, "unknown"),
        (None, -0.8, "closed"),
        (-1, 0.5, "unknown"),
        (None, None, "unknown"),
    ],
)
def test_joint_verdict(right, left, verdict):
    assert joint_verdict(right, left) == verdict
