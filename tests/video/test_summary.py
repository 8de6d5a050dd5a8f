"""Summaries: closed form, what is not seen, what cannot be said."""

from __future__ import annotations

import json

import numpy as np
import pytest

from classic_eyes.errors import ParameterError
from classic_eyes.video import find_events, summarize
from classic_eyes.video import summary as module


def signals(n: int, *closed: tuple[int, int]) -> tuple[np.ndarray, np.ndarray]:
    p = np.full(n, 0.99)
    for start, end in closed:
        p[start:end] = 0.01
    return np.arange(n) / 25, p


def summary_of(times, p):
    return summarize(find_events(times, p, p), times, p, p)


def test_counts_rates_and_shares():
    times, p = signals(1500, (100, 105), (300, 310), (700, 750))
    summary = summary_of(times, p)
    assert (summary["blinks"], summary["long"], summary["winks"], summary["partial"]) == (2, 1, 0, 0)
    assert summary["visible_s"] == pytest.approx(60)
    assert summary["blinks_per_minute"] == pytest.approx(2)
    assert summary["blink_ms_median"] == summary["blink_ms_mean"] == pytest.approx(300)
    assert summary["long_s_total"] == pytest.approx(2)
    assert summary["closed_share"] == pytest.approx(65 / 1500, abs=1e-4)
    assert summary["frames_per_second"] == pytest.approx(25)
    assert summary["unseen_share"] == 0
    assert [window["value"] for window in summary["perclos"]] == [pytest.approx(65 / 1500, abs=1e-4)]
    json.dumps(summary, allow_nan=False)


def test_time_that_is_not_seen_leaves_every_denominator():
    times, p = signals(3000, (100, 105), (200, 230))
    p[1000:2500] = np.nan
    summary = summary_of(times, p)
    assert summary["visible_s"] == pytest.approx(60)
    assert summary["unseen_share"] == pytest.approx(0.5, abs=0.01)
    assert summary["blinks_per_minute"] == pytest.approx(1)
    assert summary["closed_share"] == pytest.approx(35 / 1500, abs=1e-4)


def test_closures_are_no_longer_than_what_is_seen_of_them():
    """Behind dark glasses an eye may be seen in every other frame, and look closed."""
    times, p = signals(500, (0, 500))
    p[1:-1:2] = np.nan
    summary = summary_of(times, p)
    assert (summary["long"], summary["closed_share"]) == (1, 1.0)
    assert summary["visible_s"] == pytest.approx(10.04)
    assert summary["long_s_total"] == pytest.approx(summary["visible_s"])


def test_no_rate_below_15_seconds():
    times, p = signals(370, (100, 105))
    summary = summary_of(times, p)
    assert summary["blinks"] == 1
    assert summary["blinks_per_minute"] is None
    assert summary["perclos"][0]["value"] is None


def test_perclos_by_minutes():
    times, p = signals(4500, (1500, 2250))
    values = [window["value"] for window in summary_of(times, p)["perclos"]]
    assert values == [0, pytest.approx(0.5), 0]


def test_without_openness_the_probability_counts():
    times, p = signals(1500, (0, 750))
    nothing = np.full_like(p, np.nan)
    summary = summarize(find_events(times, p, nothing), times, p, nothing)
    assert summary["perclos"][0]["value"] == pytest.approx(0.5, abs=1e-3)
    assert summary["closed_share"] == pytest.approx(0.5, abs=1e-3)


def test_a_face_that_is_never_seen():
    times, p = signals(100)
    summary = summary_of(times, np.full_like(p, np.nan))
    assert summary["visible_s"] == 0
    assert summary["closed_share"] is None
    assert summary["first_s"] is None
    json.dumps(summary, allow_nan=False)


def test_frames_at_irregular_times():
    rng = np.random.default_rng(0)
    times = np.cumsum(rng.choice([0.02, 0.08], 2000))
    p = np.full(2000, 0.99)
    p[1000:1200] = 0.01
    summary = summary_of(times, p)
    assert summary["long_s_total"] == pytest.approx(times[1200] - times[1000], abs=1e-3)


def test_refused():
    with pytest.raises(ParameterError, match=r"have shapes \(3,\)"):
        summarize([], [0, 1, 2], [1, 1], [1, 1])


def test_a_track_of_days_keeps_the_last_day(monkeypatch):
    monkeypatch.setattr(module, "_MOST_WINDOWS", 3)
    times, p = signals(25 * 60 * 5, *((start, start + 5) for start in range(100, 7000, 100)))
    summary = summary_of(times, p)
    assert [window["start_s"] for window in summary["perclos"]] == [120, 180, 240]
    assert summary["blinks"] == 69
    tracked = module.TrackSummary()
    for event in find_events(times, p, p) * 2000:
        tracked.add_event(event)
    assert tracked.result()["blinks"] == 69 * 2000
    assert len(tracked._blinks_ms) == 100_000
