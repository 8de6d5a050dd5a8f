"""Events: closed form for each kind, interruptions, time instead of frames, and the same frame by frame."""

from __future__ import annotations

import itertools

import numpy as np
import pytest

from classic_eyes.errors import ParameterError
from classic_eyes.video import KINDS, Rules, find_events
from classic_eyes.video import events as module
from classic_eyes.video.events import EventFinder, closing_evidence

SHAPE = np.array([0.6, 0.2, 0.0, 0.0, 0.0, 0.3, 0.6])  # a blink at 25 frames a second; closed from 0.2 down


def signals(n: int = 100, *starts: int, shape=SHAPE) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Return times, probability and openness of both eyes, with blinks that start at these frames."""
    openness = np.ones((n, 2))
    for start in starts:
        openness[start : start + len(shape)] = np.asarray(shape).reshape(len(shape), -1)
    return np.arange(n) / 25, np.where(openness > 0.25, 0.99, 0.01), openness


def test_evidence_in_closed_form():
    assert closing_evidence(0.5, 0.6) == 0
    assert closing_evidence(1.0, 1.5) == 4
    assert closing_evidence(0.0, 0.0) == -4
    assert closing_evidence(0.5, 0.85) == pytest.approx(1.0)
    assert closing_evidence(0.2, np.nan, threshold=0.2) == pytest.approx(0)


def test_a_blink():
    times, p, openness = signals(100, 40)
    (event,) = find_events(times, p, openness)
    assert (event.kind, event.eye, event.track) == ("blink", "both", 0)
    assert (event.start, event.end, event.closed_start, event.closed_end) == (40, 46, 41, 44)
    assert (event.start_s, event.end_s) == (40 / 25, 46 / 25)
    assert event.duration_ms == pytest.approx(280)
    assert event.closed_ms == pytest.approx(160)
    assert event.depth == 1.0
    assert event.confidence > 0.9
    assert not event.maybe_gaze


def test_open_eyes_have_no_events():
    assert find_events(*signals(200)) == []
    assert find_events([], [], []) == []


def test_one_signal_is_that_of_both_eyes():
    times, p, openness = signals(100, 40)
    assert find_events(times, p[:, 0], openness[:, 0]) == find_events(times, p, openness)


def test_a_probability_alone_is_enough():
    times, p, openness = signals(100, 40)
    (event,) = find_events(times, p, np.full_like(openness, np.nan))
    assert (event.start, event.end, event.depth) == (41, 44, 1.0)


@pytest.mark.parametrize(("frames", "kind"), [(11, "blink"), (13, "long"), (250, "long")])
def test_closed_for_half_a_second_is_long(frames, kind):
    times, p, openness = signals(400, 50, shape=[0.0] * frames)
    (event,) = find_events(times, p, openness)
    assert event.kind == kind
    assert event.closed_ms == pytest.approx(40 * frames)


def test_two_blinks_in_quick_succession():
    times, p, openness = signals(100, 40, 47)
    first, second = find_events(times, p, openness)
    assert (first.start, first.end < second.start, second.end) == (40, True, 53)


def test_lids_that_do_not_open_between_are_one_closure():
    times, p, openness = signals(100, 40, shape=[0.0, 0.0, 0.3, 0.0, 0.0])
    p[42] = 0.4
    assert len(find_events(times, p, openness)) == 1


def test_a_partial_blink():
    times, p, openness = signals(100, 40, shape=[0.7, 0.45, 0.35, 0.45, 0.7])
    (event,) = find_events(times, p, openness)
    assert (event.kind, event.closed_start, event.closed_end, event.closed_ms) == ("partial", None, None, 0.0)
    assert event.depth == pytest.approx(0.65)
    assert (event.start, event.end) == (40, 44)


def test_eyes_that_stay_half_open_are_no_event():
    times, p, openness = signals(200, 50, shape=[0.4] * 100)
    assert find_events(times, p, openness) == []


@pytest.mark.parametrize(("column", "eye"), [(0, "right"), (1, "left")])
def test_a_wink(column, eye):
    times, p, openness = signals(100, 40)
    p[:, 1 - column], openness[:, 1 - column] = 0.99, 1.0
    (event,) = find_events(times, p, openness)
    assert (event.kind, event.eye, event.closed_start, event.closed_end) == ("wink", eye, 41, 44)


def test_one_lid_ahead_of_the_other_is_no_wink():
    times, p, openness = signals(100, 40)
    p[:, 1], openness[:, 1] = np.roll(p[:, 1], 1), np.roll(openness[:, 1], 1)
    assert [event.kind for event in find_events(times, p, openness)] == ["blink"]


@pytest.mark.parametrize("is_before", [True, False])
@pytest.mark.parametrize(("ahead", "kinds"), [(5, ["blink"]), (8, ["blink", "wink"])])
def test_a_wink_beside_a_blink_lasts_twice_as_long(is_before, ahead, kinds):
    times, p, openness = signals(100, 40, shape=[0.0] * 5)
    alone = slice(40 - ahead, 40) if is_before else slice(45, 45 + ahead)
    p[alone, 0], openness[alone, 0] = 0.01, 0.0
    events = find_events(times, p, openness)
    assert sorted(event.kind for event in events) == kinds
    assert all(first.end < second.start for first, second in itertools.pairwise(events))
    for wink in events:
        if wink.kind == "wink":
            assert (wink.eye, wink.closed_start, wink.closed_end) == ("right", alone.start, alone.stop - 1)


def test_an_eye_that_is_as_closed_as_in_a_blink_winks():
    times, p, openness = signals(100)
    p[40:55, 1], openness[40:55, 1] = 0.45, 0.15
    (event,) = find_events(times, p, openness)
    assert (event.kind, event.eye) == ("wink", "left")
    openness[40:55, 1] = 0.5
    assert find_events(times, p, openness) == []


def test_a_closure_without_end_is_reported_in_parts(monkeypatch):
    monkeypatch.setattr(module, "_LONGEST_S", 4.0)
    times, p, openness = signals(400, 50, shape=[0.0] * 330)
    finder, events, most = EventFinder(), [], 0
    for frame, row in enumerate(zip(times, p, openness, strict=True)):
        events += finder.add(frame, float(row[0]), row[1], row[2])
        most = max(most, len(finder._rows))
    events += finder.finish()
    assert {event.kind for event in events} == {"long"}
    assert events[0].start == 50
    assert [after.start - before.end for before, after in itertools.pairwise(events)] == [1] * (len(events) - 1)
    assert events[-1].end == 379
    assert sum(event.duration_ms for event in events) == pytest.approx(330 * 40, abs=200)
    assert most <= 4.0 * 25 + 20


def test_one_visible_eye_is_enough():
    times, p, openness = signals(100, 40)
    p[:, 0] = openness[:, 0] = np.nan
    (event,) = find_events(times, p, openness)
    assert (event.kind, event.eye) == ("blink", "both")


def test_no_face_is_no_event():
    times, p, openness = signals(100)
    p[30:60] = openness[30:60] = np.nan
    assert find_events(times, p, openness) == []


def test_a_face_that_is_lost_interrupts_a_closure():
    times, p, openness = signals(200, 50, shape=[0.0] * 60)
    p[70:90] = openness[70:90] = np.nan
    first, second = find_events(times, p, openness)
    assert (first.start, first.end, second.start, second.end) == (50, 69, 90, 109)


def test_a_short_gap_does_not():
    times, p, openness = signals(200, 50, shape=[0.0] * 60)
    p[70:73] = openness[70:73] = np.nan
    (event,) = find_events(times, p, openness)
    assert (event.start, event.end) == (50, 109)


def test_durations_are_those_of_the_times():
    _, p, openness = signals(100, 40)
    times = np.cumsum(np.where(np.arange(100) % 2, 0.02, 0.06))
    (event,) = find_events(times, p, openness)
    assert event.duration_ms == pytest.approx(1000 * (times[47] - times[40]))


def test_duplicated_frames_count():
    _times, p, openness = signals(100, 40)
    twice = [np.repeat(each, 2, axis=0) for each in (p, openness)]
    (event,) = find_events(np.arange(200) / 50, *twice)
    assert (event.start, event.end) == (80, 93)


def test_a_slow_fall_may_be_a_look_down():
    times, p, openness = signals(200, 50, shape=[*np.linspace(0.95, 0.3, 12), *[0.25] * 10, 0.6])
    (event,) = find_events(times, np.maximum(p, 0.07), openness)
    assert event.maybe_gaze
    (event,) = find_events(times, p, np.where(openness < 0.5, 0, openness))
    assert not event.maybe_gaze


def test_without_openness_a_closure_is_less_certain_and_may_be_a_look_down():
    p = np.full(100, 0.99)
    p[20:60] = 0.01
    (known,), (unknown,) = (find_events(np.arange(100) / 25, p, o) for o in (p, np.full(100, np.nan)))
    assert (known.kind, unknown.kind) == ("long", "long")
    assert (known.confidence > 0.9, known.maybe_gaze) == (True, False)
    assert (unknown.confidence < 0.8, unknown.maybe_gaze) == (True, True)


def test_a_person_s_own_threshold():
    times, p, openness = signals(100, 40)
    p = np.where(p < 0.5, 0.3, 0.99)
    openness[:] = np.nan
    assert find_events(times, p, openness) == []
    assert len(find_events(times, np.where(p < 0.5, 0.02, p), openness, threshold=0.2)) == 1


def test_rules_can_be_changed():
    times, p, openness = signals(100, 40)
    assert find_events(times, p, openness, rules=Rules(long_s=0.1))[0].kind == "long"


@pytest.mark.parametrize("seed", range(5))
def test_frame_by_frame_the_same(seed):
    rng = np.random.default_rng(seed)
    n = 2000
    times = np.cumsum(rng.choice([0.02, 0.04, 0.05], n))
    openness = np.ones((n, 2))
    for start in rng.choice(n - 60, 60, replace=False):
        length = int(rng.integers(1, 40))
        columns = rng.choice([slice(0, 2), slice(0, 1), slice(1, 2)], p=[0.7, 0.15, 0.15])
        openness[start : start + length, columns] = rng.choice([0.0, 0.2, 0.45])
    p = np.clip(openness + rng.normal(0, 0.05, (n, 2)), 0.01, 0.99)
    lost = rng.random(n) < 0.02
    p[lost] = openness[lost] = np.nan
    whole = find_events(times, p, openness, track=3)
    finder, events = EventFinder(track=3), []
    for frame in range(n):
        new = finder.add(frame, float(times[frame]), p[frame], openness[frame])
        events += new
    events += finder.finish()
    assert whole
    assert sorted(events, key=lambda each: (each.start, each.end)) == whole
    assert {event.kind for event in whole} <= set(KINDS)
    assert {event.track for event in whole} == {3}
    both = [event for event in whole if event.eye == "both"]
    assert all(one.end < other.start for one, other in itertools.pairwise(both))


def test_an_event_is_final_after_the_stated_delay():
    times, p, openness = signals(200, 40)
    finder = EventFinder()
    reported = {}
    for frame in range(200):
        for event in finder.add(frame, float(times[frame]), p[frame], openness[frame]):
            reported[event.start] = times[frame] - event.end_s
    assert list(reported) == [40]
    assert reported[40] <= finder.delay_s + 0.1


def test_an_eye_that_looks_closed_for_ever_holds_nothing_back():
    n = 3000
    times, p, openness = signals(n, 200, 1500)
    p[:, 0], openness[:, 0] = 0.3, 0.5  # a lid that hangs
    finder, late, longest = EventFinder(), [], 0
    for frame in range(n):
        found = finder.add(frame, float(times[frame]), p[frame], openness[frame])
        late += [times[frame] - event.end_s for event in found if event.kind == "blink"]
        longest = max(longest, len(finder._rows))
    assert len(late) == 2
    assert max(late) < 5
    assert longest < 300


def test_a_series_of_blinks_is_reported_meanwhile():
    times, p, openness = signals(1500, *range(50, 1400, 15))  # every 0.6 s
    finder, late = EventFinder(), []
    for frame in range(1500):
        late += [
            times[frame] - event.end_s for event in finder.add(frame, float(times[frame]), p[frame], openness[frame])
        ]
    assert len(late) == 90
    assert max(late) < 6


def test_memory_stays_constant():
    finder = EventFinder()
    for frame in range(50_000):
        finder.add(frame, frame / 25, np.full(2, 0.99), np.full(2, 1.0))
    assert len(finder._rows) < 100


def test_refused():
    with pytest.raises(ParameterError, match=r"have shapes \(3,\), \(2,\) and \(2,\)"):
        find_events([0, 1, 2], [1, 1], [1, 1])
    with pytest.raises(ParameterError, match=r"p_open has values from 50.0 to 99.0; allowed are 0 to 1, and NaN"):
        find_events([0, 1, 2], [50, 99, 99], [1, 1, 1])
    with pytest.raises(ParameterError, match="times decrease"):
        find_events([0, 2, 1], [1, 1, 1], [1, 1, 1])
