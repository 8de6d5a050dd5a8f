"""How long the eyes have been closed: what bridges a closure, what ends it, and what a gap counts."""

from __future__ import annotations

import numpy as np
import pytest

from classic_eyes.video.alarm import ClosedTime
from classic_eyes.video.events import closing_evidence, find_events

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


def test_lids_that_droop_after_a_blink_hold_the_time():
    """A blink that leaves the eyes half open is no long closure, so it must not ring."""
    assert run([4, *[-4] * 4, *[-2] * 8]) == pytest.approx([0, 0, 0.1, 0.2, *[0.3] * 9])


def test_a_blink_of_half_open_eyes_is_short():
    half_open = [-0.5] * 30
    closed = run([*half_open, -4, -4, -4])
    assert closed[:30] == [0] * 30
    assert closed[30:] == pytest.approx([0.35, 0.45, 0.55])  # with the way of the lids


def test_lids_that_close_further_do_not_interrupt_an_alarm():
    closed = run([*[-2] * 10, *[-4] * 10])
    assert (np.diff(closed) >= 0).all()
    assert closed == pytest.approx([*np.arange(10) / 10, *[0.9] * 6, 0.95, 1.05, 1.15, 1.25])


def test_doubtful_evidence_is_no_closure():
    assert run([-1.4] * 20) == [0] * 20


@pytest.mark.parametrize("seed", range(20))
def test_an_alarm_is_in_a_long_event(seed):
    """Where nothing is in doubt, what begins to ring is in a long event, and no long event is silent."""
    rng = np.random.default_rng(seed)
    times = np.arange(400) / 25
    openness = np.full(400, 1.0)
    for start in range(30, 360, 60):
        length, depth, tail = rng.integers(3, 40), rng.uniform(0, 0.15), rng.integers(0, 15)
        openness[start : start + length] = depth
        openness[start + length : start + length + tail] = rng.uniform(0.35, 0.55)
    p = 1 / (1 + np.exp(-12 * (openness - 0.5)))
    both = np.column_stack([p, p]), np.column_stack([openness, openness])
    closed = ClosedTime()
    evidence = closing_evidence(*both)
    found = np.array([closed.update(float(t), each) for t, each in zip(times, evidence, strict=True)])
    long = np.zeros(400, bool)
    for event in find_events(times, *both):
        if event.kind == "long":
            assert (found[event.start : event.end + 1] >= 0.45).any()
            long[event.start : event.end + 1] = True
    rings = found >= 0.5
    assert long[rings & ~np.r_[False, rings[:-1]]].all()


def test_hours_of_closed_eyes_need_no_memory():
    closed = ClosedTime()
    for k, evidence in enumerate(np.random.default_rng(0).uniform(-4, -3, 20_000)):
        last = closed.update(k / 25, np.full(2, evidence))
    assert last == pytest.approx(19_999 / 25)
    assert len(closed._minima) < 30


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
