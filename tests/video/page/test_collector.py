"""What the page keeps of a clip."""

from __future__ import annotations

import base64
import json
import tracemalloc
from dataclasses import replace

import cv2
import numpy as np
import pytest

from classic_eyes.video import FrameState
from classic_eyes.video.page import ClipCollector, collector, failed_entry

from .clips import collect, event, frame, frames, openness_of, state

UNSEEN = collector.UNSEEN


def columns(entry: dict, track: int = 0) -> np.ndarray:
    """Return the levels of a track: column, lowest or highest, openness of both eyes and P(open) of both."""
    (found,) = [one for one in entry["tracks"] if one["track"] == track]
    return np.frombuffer(base64.b64decode(found["levels"]), np.uint8).reshape(-1, 2, 4)


def detail(entry: dict, row: int) -> tuple[np.ndarray, np.ndarray]:
    """Return the times in ms and the levels of the frames of an event."""
    data = base64.b64decode(entry["details"][str(row)])
    rows = np.frombuffer(data[4:], np.uint8).reshape(-1, 5)
    return int.from_bytes(data[:4], "little") + np.cumsum(rows[:, 0], dtype=int), rows[:, 1:]


def images(entry: dict, row: int) -> list[np.ndarray]:
    """Return the images at the start, at the deepest frame and at the end."""
    data = np.frombuffer(base64.b64decode(entry["strips"][str(row)]), np.uint8)
    strip = cv2.imdecode(data, cv2.IMREAD_COLOR).astype(int)
    assert strip.shape == (48, 384, 3)
    return np.split(strip, 3, axis=1)


@pytest.fixture
def few_columns(monkeypatch):
    monkeypatch.setattr(collector, "_COLUMNS", 16)


# Signals


def test_a_short_clip_keeps_every_frame():
    blink = event(60, 68)
    entry = collect("a/b.mp4", 150, [blink], noise=0.0)
    assert (entry["name"], entry["width"], len(entry["times_ms"]), entry["end_ms"]) == ("a/b.mp4", 1, 150, 5001)
    assert np.cumsum(entry["times_ms"]).tolist() == [round(1000 * k / 30) for k in range(150)]
    levels = columns(entry)
    assert np.array_equal(levels[:, 0], levels[:, 1])
    expected = [round(200 * openness_of(k, [blink], "left")) for k in range(150)]
    assert levels[:, 0, 1].tolist() == expected
    assert entry["details"] == {}
    assert json.loads(json.dumps(entry)) == entry


def test_a_long_clip_has_the_lowest_and_the_highest_of_each_column(few_columns):
    rng = np.random.default_rng(0)
    values = rng.uniform(0, 1.2, (403, 4))
    gatherer = ClipCollector()
    for k, row in enumerate(values):
        seen = state(k, [])
        eyes = [replace(eye, openness=row[j], score=row[2 + j] / 1.2) for j, eye in enumerate(seen.tracks[0].eyes)]
        gatherer.add(replace(seen, tracks=(replace(seen.tracks[0], eyes=tuple(eyes)),)))
    entry = gatherer.entry({}, "a")
    assert entry["width"] == 32
    assert len(entry["times_ms"]) == 13
    levels = np.rint(200 * values / [1, 1, 1.2, 1.2])
    for k, (lowest, highest) in enumerate(columns(entry)):
        part = levels[32 * k : 32 * k + 32]
        assert lowest.tolist() == part.min(axis=0).tolist()
        assert highest.tolist() == part.max(axis=0).tolist()
    assert np.cumsum(entry["times_ms"]).tolist() == [round(1000 * k / 30) for k in range(0, 403, 32)]


@pytest.mark.parametrize("first", [1, 2, 3, 7, 40, 97])
def test_a_track_keeps_its_place_while_columns_are_joined(few_columns, first):
    """A track that appears late, vanishes and comes back."""
    gatherer = ClipCollector()
    seen_in = [k for k in range(200) if k >= first and not first + 50 <= k < first + 90]
    for k in range(200):
        seen = state(k, [], noise=0.0)
        gatherer.add(seen if k in seen_in else replace(seen, tracks=()))
    entry = gatherer.entry({}, "a")
    assert entry["width"] == 16
    (track,) = entry["tracks"]
    assert track["first"] == first // 16
    is_seen = columns(entry)[:, 0, 0] != UNSEEN
    expected = [any(k // 16 == column for k in seen_in) for column in range(first // 16, 13)]
    assert is_seen.tolist() == expected


def test_times_are_those_of_the_container():
    times = [0.04, 0.05, 0.2, 0.2, 1.0]
    gatherer = ClipCollector()
    for k, time in enumerate(times):
        gatherer.add(state(k, [], time_s=time))
    entry = gatherer.entry({}, "a")
    assert np.cumsum(entry["times_ms"]).tolist() == [40, 50, 200, 200, 1000]
    assert entry["end_ms"] == 1800


def test_unknown_values_are_marked_and_wild_ones_are_clipped():
    seen = state(0, [])
    (track,) = seen.tracks
    right = replace(track.eyes[0], openness=float("nan"), score=0.5)
    left = replace(track.eyes[1], openness=7.0, score=-1.0)
    gone = replace(track.eyes[1], state="unseen", openness=0.3, score=0.3)
    gatherer = ClipCollector()
    gatherer.add(replace(seen, tracks=(replace(track, eyes=(right, left)),)))
    gatherer.add(replace(seen, index=1, tracks=(replace(track, eyes=(right, gone)),)))
    lowest = columns(gatherer.entry({}, "a"))[:, 0]
    assert lowest.tolist() == [[UNSEEN, 250, 100, 0], [UNSEEN, UNSEEN, 100, UNSEEN]]


@pytest.mark.parametrize("fps", [30, 60])
def test_an_hour_is_small(fps):
    base = state(0, [])
    gatherer = ClipCollector()
    for k in range(3600 * fps):
        # 15 blinks a minute.
        one = (event(k - fps, k - fps + 3 * fps // 10, fps=fps),) if k % (4 * fps) == 2 * fps else ()
        gatherer.add(FrameState(k, k / fps, base.tracks, one))
    entry = gatherer.entry({}, "a")
    assert len(entry["events"]) == 900
    assert len(json.dumps(entry)) < 300_000


def test_a_longer_clip_needs_no_more_memory(few_columns):
    peaks = []
    base = state(0, [])
    pixels = frame(base)
    for n in (1000, 3000):
        tracemalloc.start()
        gatherer = ClipCollector()
        for k in range(n):
            gatherer.add(FrameState(k, k / 30, base.tracks, ()), pixels)
        peaks.append(tracemalloc.get_traced_memory()[1])
        tracemalloc.stop()
    assert peaks[1] < 1.02 * peaks[0]
    assert peaks[1] < 10e6


def test_a_track_that_is_gone_is_forgotten():
    pixels = frame(state(0, []))
    gatherer = ClipCollector()
    tracemalloc.start()
    for k in range(200):
        gatherer.add(state(k, [], (k // 50,)), pixels)
    for k in range(200, 900):
        gatherer.add(state(k, [], ()))
    assert tracemalloc.get_traced_memory()[0] < 1e6
    tracemalloc.stop()


# Events


def test_a_track_that_never_shows_an_eye_is_left_out():
    seen = state(0, [], (0, 1))
    hidden = tuple(replace(eye, state="unseen") for eye in seen.tracks[1].eyes)
    gatherer = ClipCollector()
    gatherer.add(replace(seen, tracks=(seen.tracks[0], replace(seen.tracks[1], eyes=hidden))))
    assert [track["track"] for track in gatherer.entry({}, "a.mp4")["tracks"]] == [0]
    gatherer.add(replace(seen, index=1))
    assert [track["track"] for track in gatherer.entry({}, "a.mp4")["tracks"]] == [0, 1]


def test_events_are_rows_in_the_order_of_their_start():
    gatherer = ClipCollector()
    for k in range(100):
        gatherer.add(state(k, []))
    long, wink = event(50, 80, "long", track=1), event(5, 12, "wink", "left", maybe_gaze=True, confidence=float("nan"))
    gatherer.add_events([long, wink])
    assert gatherer.entry({}, "a")["events"] == [
        [0, "wink", "left", 5, 0.167, 267, 0.97, None, 1],
        [1, "long", "both", 50, 1.667, 1033, 0.97, 0.93, 0],
    ]


@pytest.mark.parametrize("when", ["later", "at once", "before its frames", "after the last frame"])
def test_images_show_the_start_the_deepest_frame_and_the_end(when):
    """An event may come at any time: with several tracks even before its frames."""
    blink = event(20, 32)
    gatherer = ClipCollector()
    moments = {"later": 60, "at once": 32, "before its frames": 10}
    for k in range(70):
        seen = state(k, [blink], noise=0.0, final=[blink] if k == moments.get(when) else [])
        gatherer.add(seen, frame(seen))
    if when == "after the last frame":
        gatherer.add_events([blink])
    entry = gatherer.entry({}, "a")
    start, deepest, end = images(entry, 0)
    assert np.abs(start - end).mean() < 3
    # The middle of each open eye is dark, and of a closed one bright.
    for image, low, high in ((start, 0, 105), (deepest, 105, 255), (end, 0, 105)):
        for middle in (32, 96):
            assert low <= image[20:28, middle - 4 : middle + 4].mean() <= high


def test_images_of_a_wink_are_of_the_frame_in_which_this_eye_is_closed():
    wink = event(20, 32, "wink", "left")
    _, deepest, _ = images(collect("a", 70, [wink], noise=0.0), 0)
    right, left = (deepest[20:28, middle - 4 : middle + 4].mean() for middle in (32, 96))
    assert right < 105 < left


def test_images_of_a_closing_that_is_longer_than_what_is_kept():
    long = event(60, 1500, "long")
    entry = collect("a", 1600, [long], noise=0.0)
    start, deepest, end = (image[20:28, 28:36].mean() for image in images(entry, 0))
    assert deepest > max(start, end) + 20
    assert entry["details"] == {}


def test_images_are_cut_around_the_corners_wherever_they_are():
    """Green marks the corners: they are at the same place of the image at any size; beyond the edge nothing fails."""
    for x, y, distance in ((100, 80, 20), (100, 80, 90), (4, 3, 40), (300, 150, 60), (-500, 20, 30), (100, 80, 0)):
        seen = state(0, [])
        corners = np.array([[x - distance / 2, y], [x + distance / 2, y]], dtype=float)
        eyes = tuple(replace(eye, corners=corners, box=(x, y, 0, 0)) for eye in seen.tracks[0].eyes)
        image = frame(seen)
        image.bgr[:] = 128
        for corner in corners.round().astype(int):
            cv2.circle(image.bgr, corner.tolist(), max(2, distance // 10), (0, 255, 0), -1)
        gatherer = ClipCollector()
        gatherer.add(replace(seen, tracks=(replace(seen.tracks[0], eyes=eyes),)), image)
        gatherer.add_events([event(0, 0)])
        shown = images(gatherer.entry({}, "a"), 0)[0][:, :64]
        if distance > 0 and 50 < x < 200:
            greens = np.flatnonzero((shown[24, :, 1] - shown[24, :, 2]) > 60)
            assert [greens.min(), greens.max()] == pytest.approx([32 - 64 / 3.6 - 2, 32 + 64 / 3.6 + 2], abs=4)


def test_without_pixels_there_are_no_images():
    entry = collect("a", 100, [event(20, 28)], pixels=False)
    assert entry["strips"] == {}
    assert len(entry["events"]) == 1


def test_the_events_that_most_need_a_look_keep_images(monkeypatch):
    monkeypatch.setattr(collector, "_STRIPS", 4)
    rng = np.random.default_rng(2)
    sure = [event(30 * k + 5, 30 * k + 13, confidence=0.9 + 0.001 * k) for k in range(12)]
    others = [event(400, 430, "long"), event(500, 508, maybe_gaze=True), event(600, 608, confidence=0.5)]
    events = [*sure, *others]
    rng.shuffle(events)
    gatherer = ClipCollector()
    for k in range(700):
        seen = state(k, [])
        gatherer.add(seen, frame(seen))
        gatherer.add_events(one for one in events if one.end + 20 == k)
    entry = gatherer.entry({}, "a")
    starts = {entry["events"][int(row)][3] for row in entry["strips"]}
    assert starts == {400, 500, 600, 5}


def test_frames_of_an_event_are_kept_one_by_one(few_columns):
    blink, late = event(60, 68), event(200, 207)
    times = [k / 30 + (0.7 if k >= 64 else 0.0) for k in range(300)]
    blink = replace(blink, end_s=times[68])
    late = replace(late, start_s=times[200], end_s=times[207])
    gatherer = ClipCollector()
    for k in range(300):
        seen = state(k, [blink, late], noise=0.0, time_s=times[k], final=[])
        gatherer.add(seen if k != 203 else replace(seen, tracks=()))
    gatherer.add_events([blink, late])
    entry = gatherer.entry({}, "a")
    assert entry["width"] > 1
    at, levels = detail(entry, 0)
    known = levels[:, 0] != UNSEEN
    first = int(np.flatnonzero(known)[0])
    assert first == 0
    assert at[known].tolist() == [round(1000 * times[k]) for k in range(54, 75)]
    assert levels[known, 0].tolist() == [round(200 * openness_of(k, [blink], "right")) for k in range(54, 75)]
    # A pause, and a frame in which the face was not seen, break the line.
    at, levels = detail(entry, 1)
    gap = [k for k in range(194, 214) if k != 203]
    known = levels[:, 0] != UNSEEN
    assert at[known].tolist() == [round(1000 * times[k]) for k in gap]
    assert np.flatnonzero(~known).tolist() == [9]


def test_a_frame_of_no_face_and_a_clip_of_no_frame():
    empty = ClipCollector().entry({"frames": 0}, "a")
    assert (empty["times_ms"], empty["tracks"], empty["events"]) == ([], [], [])
    gatherer = ClipCollector()
    gatherer.add(FrameState(0, 0.0, (), ()), frame(FrameState(0, 0.0, (), ())))
    assert gatherer.entry({}, "a")["tracks"] == []


def test_entry_can_be_taken_twice():
    gatherer = ClipCollector()
    blink = event(20, 28)
    for seen in frames(40, [blink]):
        gatherer.add(seen, frame(seen))
    gatherer.add_events([blink])
    assert gatherer.entry({}, "a") == gatherer.entry({}, "a")


def test_entry_of_a_failure():
    assert failed_entry("a.mp4", "no frame") == {"name": "a.mp4", "error": "no frame"}
