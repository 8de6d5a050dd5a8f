"""The program of examples/drowsiness.py: who the driver is, what starts and ends an alarm, and a camera that fails."""

from __future__ import annotations

import importlib.util
from types import SimpleNamespace

import numpy as np
import pytest

from classic_eyes.video import Frame, Monitor, read_frames

from ..conftest import ROOT
from ..video.clips import write_clip
from ..video.network_camera import network_camera

pytest.importorskip("dlib", reason="dlib is not installed; pip install 'classic-eyes[faces]'")

spec = importlib.util.spec_from_file_location("drowsiness", ROOT / "examples" / "drowsiness.py")
example = importlib.util.module_from_spec(spec)
spec.loader.exec_module(example)

DRIVER, PASSENGER = (20, 40, 80, 80), (200, 60, 60, 60)


def face(box, closed_s=0.0, state=None):
    state = state or ("closed" if closed_s else "open")
    return SimpleNamespace(box=box, closed_s=closed_s, eyes=(SimpleNamespace(state=state),) * 2)


def watch(*faces_by_frame, seat=None):
    """Return the states of frames of half a second each."""
    watching = example.Watch(seat)
    return [watching.update(SimpleNamespace(time_s=k / 2, tracks=faces)) for k, faces in enumerate(faces_by_frame)]


def test_an_alarm_starts_with_closed_eyes_and_ends_when_they_have_been_open_for_a_second():
    states = watch(*([face(DRIVER, s)] for s in (0, 0.2, 0.6, 0, 0.3, 0, 0, 0)))
    assert states == ["open", "open", "closed", "closed", "closed", "closed", "open", "open"]


def test_a_passenger_does_not_end_the_alarm_of_a_driver_whose_head_sinks():
    frames = [[face(DRIVER, 0.6), face(PASSENGER)], *[[face(PASSENGER)]] * 8]
    assert watch([face(DRIVER), face(PASSENGER)], *frames) == ["open", *["closed"] * 9]


def test_the_passenger_s_eyes_ring_for_nobody():
    assert set(watch(*[[face(DRIVER), face(PASSENGER, 3.0)]] * 4)) == {"open"}
    assert watch([face(PASSENGER, 3.0)], seat=(0, 0, 150, 200)) == ["open"]


def test_the_seat_follows_the_driver_unless_it_is_given():
    moved = [[face((20 + 30 * k, 40, 80, 80))] for k in range(6)]
    assert set(watch(*moved)) == {"open"}
    assert watch(*moved, seat=(0, 0, 100, 200))[-1] == "unseen"


@pytest.mark.parametrize("faces", [[], [face(DRIVER, state="unseen")]])
def test_eyes_that_are_not_seen_are_reported_after_two_seconds(faces):
    assert watch([face(DRIVER)], *[faces] * 5) == [*["open"] * 4, "unseen", "unseen"]


def test_times_may_begin_anywhere_and_begin_again():
    watching = example.Watch()
    times = (500.0, 501.0, 501.5, 502.0, 3.0, 4.5, 5.0, 5.5)
    states = [watching.update(SimpleNamespace(time_s=time_s, tracks=[])) for time_s in times]
    assert states == ["open", "open", "open", "unseen", "open", "open", "unseen", "unseen"]


def test_a_face_that_comes_back_with_closed_eyes_does_not_end_the_alarm():
    states = watch([face(DRIVER, 0.6)], [], [], [face(DRIVER, 0.0, "closed")], [face(DRIVER, 0.3)])
    assert states == ["closed"] * 5


def test_a_face_that_comes_back_with_open_eyes_ends_the_alarm_after_a_second():
    states = watch([face(DRIVER, 0.6)], *[[]] * 6, *[[face(DRIVER)]] * 3)
    assert states == [*["closed"] * 8, "open", "open"]


def test_a_clip(tmp_path, capsys):
    pytest.importorskip("skimage")
    write_clip(tmp_path / "a.mp4", np.r_[np.full(30, 0.9), np.zeros(40), np.full(40, 0.9)])
    assert example.main([str(tmp_path / "a.mp4")]) == 0
    lines = [line.split(" s: ") for line in capsys.readouterr().out.splitlines()]
    assert [text for _, text in lines] == [example.MESSAGES[name] for name in ("open", "closed", "open")]
    assert [float(time_s) for time_s, _ in lines] == pytest.approx([0, 1.7, 3.8], abs=0.15)


def test_the_head_of_a_driver_with_a_passenger_sinks(tmp_path):
    pytest.importorskip("skimage")
    openness = np.full((110, 2, 2), 0.9)
    openness[40:, 0] = 0
    write_clip(tmp_path / "a.mp4", openness, faces=2)
    monitor, watching, states = Monitor(), example.Watch((0, 0, 160, 240)), []
    for frame in read_frames(tmp_path / "a.mp4"):
        bgr = frame.bgr.copy()
        if frame.index >= 70:
            bgr[:, :160] = 90
        states.append(watching.update(monitor.update(Frame(frame.index, frame.time_s, bgr))))
    assert set(states[:40]) == {"open"}
    assert set(states[58:]) == {"closed"}


def test_what_cannot_be_watched_is_one_line_and_status_1(tmp_path, monkeypatch, capsys):
    assert example.main([str(tmp_path / "no.mp4")]) == 1
    assert capsys.readouterr().err.endswith("no.mp4': no such file\n")

    class Unplugged(list):
        is_camera = True

    monkeypatch.setattr(example, "read_frames", lambda source: Unplugged())
    assert example.main(["0"]) == 1
    assert capsys.readouterr().err == "\aNOT WATCHING: the camera gives no more frames\n"


@pytest.mark.parametrize("freezes", [False, True])
def test_a_network_camera_that_stops_is_status_1(monkeypatch, capsys, freezes):
    monkeypatch.setattr("classic_eyes.video.frames._STALLED_S", 0.5)
    with network_camera([np.zeros((120, 160, 3), np.uint8)] * 20, freezes=freezes) as url:
        assert example.main([url]) == 1
    assert capsys.readouterr().err == "\aNOT WATCHING: the camera gives no more frames\n"
