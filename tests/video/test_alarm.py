"""How long the eyes have been closed: what bridges a closure, what ends it, and what a gap counts."""

from __future__ import annotations

import numpy as np
import pytest

from classic_eyes.video.alarm import ClosedTime

NAN = float("nan")


def run(evidence, times=None) -> list[float]:
    """Return the seconds of each frame, by default of 10 frames a second."""
    closed = ClosedTime()
    times = np.arange(len(evidence)) / 10 if times is None else times
    return [
        closed.update(float(t), np.broadcast_to(np.asarray(each, float), 2))
        for t, each in zip(times, evidence, strict=True)
    ]


def test_closed_frames_count_from_the_first_one():
    assert run([4, -4, -4, -4, 4]) == pytest.approx([0, 0, 0.1, 0.2, 0])


@pytest.mark.parametrize("between", [0.9, (-4, 1.5), (2, -1), NAN])
def test_a_frame_that_is_not_clearly_open_holds_the_time(between):
    assert run([-4, -4, between, -4, -4]) == pytest.approx([0, 0.1, 0.1, 0.3, 0.4])


def test_an_eye_that_is_not_quite_closed_counts():
    assert run([(-4, 0.9)] * 4) == pytest.approx([0, 0.1, 0.2, 0.3])
    assert run([(-4, 1.1)] * 4) == [0] * 4
    assert run([(NAN, -4)] * 4) == pytest.approx([0, 0.1, 0.2, 0.3])


def test_clearly_open_eyes_end_the_closure():
    assert run([-4, -4, 1.0, -4, -4]) == pytest.approx([0, 0.1, 0, 0, 0.1])


def test_half_open_eyes_end_it_after_half_a_second():
    assert run([-4, -4, *[0.5] * 7]) == pytest.approx([0, *[0.1] * 6, 0, 0])


def test_a_gap_is_not_counted_as_closed():
    blink = [4, -4, -4, 4]
    assert max(run(blink, [0, 0.04, 1.08, 1.12])) == 0
    assert max(run(blink, [0, 0.04, 0.44, 0.48])) == pytest.approx(0.2)
    # Few frames a second are no gaps: a camera of 4 must not lose its alarm.
    assert run([-4] * 5, np.arange(5) / 4) == pytest.approx([0, 0.2, 0.4, 0.6, 0.8])


def test_a_face_that_is_not_seen_for_long_begins_again():
    assert run([-4, -4, *[NAN] * 6, -4, -4]) == pytest.approx([0, 0.1, *[0.1] * 5, 0, 0, 0.1])


def test_no_eye_is_not_closed():
    assert run([NAN] * 3) == [0] * 3
