"""Drawn frames and clips."""

from __future__ import annotations

import math
import os
from itertools import combinations

import cv2
import numpy as np
import pytest

from classic_eyes.errors import ParameterError
from classic_eyes.faces.labels import common_area, eye_part, place_labels
from classic_eyes.video import Event, EyeState, FrameState, TrackState, drawing
from classic_eyes.video.drawing import DrawnClip, EventCaptions, draw_frame
from classic_eyes.video.frames import Frame, read_frames

from .clips import scene


def track_of(number, box, states=("open", "open"), openness=(1.0, 1.0), closed_s=0.0):
    x, y, w, h = box
    eyes = []
    for name, state, value, at in zip(("right", "left"), states, openness, (0.3, 0.7), strict=True):
        corners = np.array([[x + (at - 0.1) * w, y + 0.35 * h], [x + (at + 0.1) * w, y + 0.35 * h]])
        eyes.append(EyeState(name, (x, y, w // 4, h // 4), corners, 0.9, value, state))
    return TrackState(number, box, tuple(eyes), closed_s)


def state_of(*tracks, index=0, time_s=0.0, events=()):
    return FrameState(index, time_s, tracks, events)


def event_of(track=0, kind="blink", eye="both", ms=200.0, gaze=False):
    return Event(
        track=track,
        kind=kind,
        eye=eye,
        start=10,
        end=15,
        closed_start=12,
        closed_end=13,
        start_s=0.4,
        end_s=0.6,
        duration_ms=ms,
        closed_ms=ms / 2,
        depth=0.9,
        confidence=0.8,
        maybe_gaze=gaze,
    )


BLACK = np.zeros((480, 640, 3), np.uint8)
BOX = (220, 150, 160, 160)


def count(drawn, state) -> int:
    red, green, blue = drawing._COLOURS[state]
    return int((drawn == (blue, green, red)).all(axis=2).sum())


# -- frames --


@pytest.mark.parametrize(
    ("size", "drawn"),
    [
        ((320, 240), (640, 480)),
        ((640, 480), (640, 480)),
        ((240, 320), (480, 640)),
        ((1280, 720), (1280, 720)),
        ((3840, 2160), (1920, 1080)),
        ((641, 481), (640, 480)),
        ((1, 700), (2, 700)),
    ],
)
def test_sides_of_drawings_are_even_and_text_fits(size, drawn):
    frame = np.zeros((size[1], size[0], 3), np.uint8)
    found = draw_frame(frame, state_of())
    assert found.shape == (drawn[1], drawn[0], 3)
    assert not np.shares_memory(found, frame)


@pytest.mark.parametrize("state", ["open", "partial", "closed"])
def test_a_face_has_the_colour_of_its_eyes(state):
    drawn = draw_frame(BLACK, state_of(track_of(0, BOX, (state, state))))
    assert count(drawn, state) > 1000
    for other in {"open", "partial", "closed", "unseen"} - {state}:
        assert count(drawn, other) == 0
    assert not BLACK.any()


def test_each_eye_has_its_own_colour_and_bar():
    drawn = draw_frame(BLACK, state_of(track_of(0, BOX, ("closed", "open"), (0.0, 1.0))))
    left, right = drawn[:, :300], drawn[:, 300:]
    assert count(left, "closed") > 50
    assert count(right, "open") > 500
    assert count(left, "open") == count(right, "closed") == 0
    words = drawing._label(track_of(0, BOX, ("closed", "open")), BOX, 640, [], 0.0).lines[0].text
    assert words == "#0 right closed, left open"


@pytest.mark.parametrize("openness", [0.0, 0.3, 0.6, 1.0, 1.2, 3.0, -0.5])
def test_a_bar_is_as_high_as_the_openness(openness):
    filled = []
    for value in (openness, math.nan):
        drawn = draw_frame(BLACK, state_of(track_of(0, BOX, openness=(value, value))))
        # The right eye's bar is on the left of the face, as it is seen.
        column = drawn[:, BOX[0] - 14]
        filled.append(int((column == drawing._bgr("open")).all(axis=1).sum()))
    height = BOX[3] * min(max(openness, 0), 1.2) / 1.2
    assert abs(filled[0] - height) <= 5  # marks and the outline cover some pixels
    assert filled[1] == 0


def test_an_unseen_eye_is_not_outlined():
    seen = draw_frame(BLACK, state_of(track_of(0, BOX)))
    unseen = draw_frame(BLACK, state_of(track_of(0, BOX, ("unseen", "unseen"), (math.nan, math.nan))))
    region = np.s_[170:280, 230:370]
    assert seen[region].any()
    assert not unseen[region].any()
    assert count(unseen, "unseen") > 200


def test_events_are_written_below_the_state_with_their_durations():
    events = [
        event_of(),
        event_of(kind="wink", eye="left", ms=140),
        event_of(kind="long", ms=1234, gaze=True),
        event_of(1),
    ]
    own = [event for event in events if event.track == 0]
    lines = [line.text for line in drawing._label(track_of(0, BOX), BOX, 640, own, 0.6).lines]
    assert lines == ["#0 open", "wink left 140 ms", "long 1.2 s gaze?"]
    # Before its end, the duration would be read as the time until now.
    lines = [line.text for line in drawing._label(track_of(0, BOX), BOX, 640, own, 0.5).lines]
    assert lines == ["#0 open", "wink left", "long gaze?"]
    closed = track_of(0, BOX, ("closed", "closed"), closed_s=2.34)
    assert drawing._label(closed, BOX, 640, [], 0.0).lines[0].text == "#0 closed 2.3 s"
    assert (draw_frame(BLACK, state_of(track_of(0, BOX)), events=events) != draw_frame(BLACK, state_of())).any()


CROWDS = {
    "two": [(60, 150, 150, 150), (360, 150, 150, 150)],
    "close": [(160, 150, 150, 150), (315, 155, 150, 150)],
    "one above the other": [(200, 20, 120, 120), (210, 145, 120, 120), (200, 270, 120, 120)],
    "corners": [(0, 0, 120, 120), (520, 0, 120, 120), (0, 360, 120, 120), (520, 360, 120, 120)],
    "many": [(20 + 160 * k, 100 + 200 * row, 80, 80) for row in range(2) for k in range(4)],
}


@pytest.mark.parametrize("crowd", CROWDS)
def test_labels_with_events_cover_neither_each_other_nor_eyes(crowd):
    tracks = [track_of(number, box) for number, box in enumerate(CROWDS[crowd])]
    labels = [drawing._label(track, track.box, 640, [event_of(kind="long", ms=1500)] * 2, 0.6) for track in tracks]
    places = place_labels(labels, [track.box for track in tracks], BLACK.shape)
    assert not any(common_area(one, other) for one, other in combinations(places, 2))
    assert not any(common_area(place, eye_part(track.box)) for place in places for track in tracks)
    draw_frame(BLACK, state_of(*tracks), events=[event_of(track.track) for track in tracks])


def test_a_label_stays_in_its_place_when_the_eyes_close():
    places = []
    for state in ("open", "closed", "partial"):
        label = drawing._label(track_of(0, BOX, (state, state)), BOX, 640, [], 0.0)
        places += place_labels([label], [BOX], BLACK.shape)
    assert len(set(places)) == 1


@pytest.mark.parametrize("box", [(-60, -60, 150, 150), (600, 440, 100, 100), (-300, 0, 100, 100)])
def test_a_face_at_the_edge_is_drawn(box):
    assert draw_frame(BLACK, state_of(track_of(0, box)), events=[event_of()]).any()


def test_events_that_become_known_late_are_shown_for_a_while():
    captions = EventCaptions()
    first, second = event_of(), event_of(1)  # they end at 0.6 s
    assert captions.update(1.0, [first]) == [first]
    assert captions.update(2.0, [second]) == [first, second]
    assert captions.update(2.4, []) == [first, second]
    assert captions.update(2.6, []) == [second]
    assert captions.update(9.0, []) == []


def test_events_that_are_known_before_are_shown_from_their_start():
    captions, event = EventCaptions(), event_of()  # from 0.4 to 0.6 s
    shown = [captions.update(time_s, [event] if time_s == 0.0 else []) for time_s in np.arange(0, 3, 0.1).round(1)]
    assert [len(each) for each in shown] == [0] * 4 + [1] * 18 + [0] * 8


# -- clips --


def write(path, times, *, fps, sizes=None):
    """Write frames whose grey level is their number, and return the levels in the clip."""
    with DrawnClip(path, fps=fps) as clip:
        for number, time_s in enumerate(times):
            width, height = sizes[number] if sizes else (640, 480)
            frame = Frame(number, time_s, np.full((height, width, 3), 10 * number, np.uint8))
            clip.write(frame, state_of(index=number, time_s=time_s), ())
    with read_frames(path) as frames:
        return [round(float(frame.grey.mean()) / 10) for frame in frames], frames.fps


@pytest.mark.parametrize("ending", ["mp4", "avi", "MP4"])
@pytest.mark.parametrize("fps", [25.0, 29.97, 30000 / 1001, 60.0])
def test_a_clip_of_a_constant_rate_has_each_frame_once(tmp_path, fps, ending):
    found, rate = write(tmp_path / f"a.{ending}", np.arange(20) / fps + 3.2, fps=fps)
    assert found == list(range(20))
    assert abs(rate - fps) < 0.01
    assert [path.name for path in tmp_path.iterdir()] == [f"a.{ending}"]


def test_a_clip_of_a_variable_rate_keeps_its_pace(tmp_path):
    times = [0, 0.04, 0.08, 0.2, 0.21, 0.24, 0.4]
    assert write(tmp_path / "a.mp4", times, fps=25.0)[0] == [0, 1, 2, 3, 3, 3, 5, 6, 6, 6, 6]


def test_a_gap_of_minutes_is_skipped(tmp_path):
    assert write(tmp_path / "a.mp4", [0, 0.04, 1000, 1000.04], fps=25.0)[0] == [0, 1, 2, 3]


@pytest.mark.parametrize("fps", [0.0, 90_000.0, 0.1])
def test_a_rate_that_is_none_becomes_25(tmp_path, fps):
    assert write(tmp_path / "a.mp4", [0, 0.04, 0.08], fps=fps) == ([0, 1, 2], 25.0)


def test_frames_of_another_size_are_fitted(tmp_path):
    found, _ = write(tmp_path / "a.mp4", [0, 0.04, 0.08], fps=25, sizes=[(640, 480), (1280, 720), (320, 240)])
    assert found == [0, 1, 2]


def test_a_clip_has_the_drawing(tmp_path):
    image = scene(((0.9, 0.9),), size=(640, 480))
    state = state_of(track_of(0, BOX, ("closed", "closed")))
    with DrawnClip(tmp_path / "a.avi", fps=25) as clip:
        drawn = clip.write(Frame(0, 0.0, image), state, [event_of()])
    (frame,) = read_frames(tmp_path / "a.avi")
    assert np.abs(frame.bgr.astype(int) - drawn).mean() < 6
    assert np.abs(frame.bgr.astype(int) - image).mean() > 6


def test_an_error_leaves_no_file_and_the_old_one(tmp_path):
    (tmp_path / "a.mp4").write_bytes(b"before")

    def fail():
        with DrawnClip(tmp_path / "a.mp4", fps=25) as clip:
            clip.write(Frame(0, 0.0, BLACK), state_of(), ())
            assert len(list(tmp_path.iterdir())) == 2
            raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        fail()
    assert [path.read_bytes() for path in tmp_path.iterdir()] == [b"before"]


def test_a_clip_without_frames_is_no_file(tmp_path):
    with DrawnClip(tmp_path / "a.mp4", fps=25):
        pass
    assert list(tmp_path.iterdir()) == []


def test_a_clip_that_cannot_be_written_says_so(tmp_path, monkeypatch):
    with pytest.raises(ParameterError, match=r"missing/a.mp4' cannot be written \(No such file or directory\)"):
        DrawnClip(tmp_path / "missing" / "a.mp4", fps=25).write(Frame(0, 0.0, BLACK), state_of(), ())
    monkeypatch.setitem(drawing.DRAWN_ENDINGS, ".mp4", "none")
    with pytest.raises(ParameterError, match=r"a.mp4' cannot be written: OpenCV cannot encode .mp4; end it in .avi"):
        DrawnClip(tmp_path / "a.mp4", fps=25).write(Frame(0, 0.0, BLACK), state_of(), ())
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("name", ["-a.mp4", "é.mp4", b"b\xff.mp4", "c%03d.mp4", "a:b.mp4"])
def test_any_name_can_be_written(tmp_path, monkeypatch, name):
    monkeypatch.chdir(tmp_path)
    assert write(os.fsdecode(name), [0, 0.04], fps=25)[0] == [0, 1]
    assert os.listdir(os.fsencode(tmp_path)) == [os.fsencode(name)]


def test_drawing_is_fast_enough_for_a_camera():
    """A frame of 640 x 480 with two faces takes a few milliseconds."""
    state = state_of(track_of(0, (60, 150, 150, 150)), track_of(1, (360, 150, 150, 150)))
    ticks = []
    for _ in range(20):
        start = cv2.getTickCount()
        draw_frame(BLACK, state, events=[event_of()])
        ticks.append((cv2.getTickCount() - start) / cv2.getTickFrequency())
    assert min(ticks) < 0.008
