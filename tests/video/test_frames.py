"""Frames: all of them, upright, with the times of the file; and files and cameras that cannot be read."""

from __future__ import annotations

import gc
import os
import subprocess
import sys
import threading
import time
import warnings

import cv2
import numpy as np
import pytest

from classic_eyes._utils.resources import memory_of_tree_mb
from classic_eyes.errors import ImageError, ParameterError
from classic_eyes.video import frames as module
from classic_eyes.video.frames import read_frames

from ..file_server import serve
from .clips import blinks, edit_mp4, scene, write_clip
from .network_camera import network_camera

module.silence()  # FFmpeg asks once, and the clips are written by it
OPEN, CLOSED = scene(((0.9, 0.9),)), scene(((0.0, 0.0),))


def numbered(path, n, *, fps=25.0, codec="mp4v", size=(64, 48), step=1):
    """Write frames whose grey level is their number, times a step."""
    writer = cv2.VideoWriter(str(path), cv2.VideoWriter_fourcc(*codec), fps, size)
    assert writer.isOpened()
    for number in range(n):
        writer.write(np.full((*size[::-1], 3), number * step % 250, np.uint8))
    writer.release()
    return path


def levels(path) -> list[int]:
    with read_frames(path) as frames:
        return [round(float(frame.grey.mean())) for frame in frames]


def times(path) -> list[float]:
    with read_frames(path) as frames:
        return [frame.time_s for frame in frames]


@pytest.fixture(autouse=True)
def _no_warning():
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        yield


# -- all frames --


@pytest.mark.parametrize(("ending", "codec"), [("mp4", "mp4v"), ("avi", "MJPG"), ("avi", "XVID"), ("mkv", "FFV1")])
def test_every_frame_comes_once_in_order_with_its_time(tmp_path, ending, codec):
    path = numbered(tmp_path / f"a.{ending}", 40, codec=codec, step=6)
    reader = read_frames(path)
    assert (reader.size, reader.fps, reader.n_frames, reader.is_camera) == ((64, 48), 25.0, 40, False)
    found = list(reader)
    assert [frame.index for frame in found] == list(range(40))
    assert np.abs([frame.grey.mean() - 6 * frame.index for frame in found]).max() < 4
    assert np.allclose([frame.time_s for frame in found], np.arange(40) / 25)
    assert reader.warnings == []
    assert list(reader) == []


def test_repeated_frames_are_kept(tmp_path):
    write_clip(tmp_path / "a.mp4", np.full(30, 0.9))
    assert len(times(tmp_path / "a.mp4")) == 30


def test_a_frame_has_grey_and_rgb(tmp_path):
    write_clip(tmp_path / "a.avi", [0.9])
    (frame,) = read_frames(tmp_path / "a.avi")
    assert np.array_equal(frame.image, frame.bgr[..., ::-1])
    assert np.array_equal(frame.grey, cv2.cvtColor(frame.image, cv2.COLOR_RGB2GRAY))
    assert frame.grey is frame.grey


# -- times --


def test_times_of_a_variable_frame_rate_are_those_of_the_file(tmp_path):
    expected = np.cumsum(np.r_[0, np.tile([0.03, 0.03, 0.09, 0.011], 20)])
    write_clip(tmp_path / "a.mp4", np.full(81, 0.9), times=expected)
    assert np.allclose(times(tmp_path / "a.mp4"), expected, atol=1e-4)


@pytest.mark.parametrize(
    ("milliseconds", "expected"),
    [
        ([0, 40, 80], [0, 0.04, 0.08]),
        ([0], [0]),
        ([12, 52], [0.012, 0.052]),  # a stream that does not begin at zero
        ([0, 40, 40, 30, 80], [0, 0.04, 0.04, 0.04, 0.08]),  # never less
        ([0, 40, 2000, 0, 40, 80], [0, 0.04, 2, 2.1, 2.14, 2.18]),  # two recordings put together
        ([0, 40, 2000, 30, 70], [0, 0.04, 2, 2.1, 2.14]),
        ([0, 40, 0, 120], [0, 0.04, 0.14, 0.14]),  # a frame without a time
        ([-80, -40, 0, 40], [0, 0, 0, 0.04]),
        ([0, 0, 0, 40], [0, 0, 0, 0.04]),
    ],
)
def test_times_never_decrease(milliseconds, expected):
    notes = []
    found = list(module._timed(zip(milliseconds, "abcdefgh", strict=False), 10.0, notes.append))
    assert [item for _, item in found] == list("abcdefgh"[: len(milliseconds)])
    assert np.allclose([time_s for time_s, _ in found], expected)
    assert notes == []


@pytest.mark.parametrize(("fps", "step", "text"), [(50.0, 0.02, "rate, 50 a"), (0.0, 0.04, "25 frames a second, an")])
def test_without_times_the_frame_rate_gives_them(fps, step, text):
    notes = []
    found = [time_s for time_s, _ in module._timed(((0.0, None) for _ in range(9)), fps, notes.append)]
    assert np.allclose(found, np.arange(9) * step)
    assert len(notes) == 1
    assert text in notes[0]


def test_a_file_without_times_warns_with_its_name(tmp_path, monkeypatch):
    real = module._decode
    monkeypatch.setattr(module, "_decode", lambda *a, **k: ((0.0, bgr) for _, bgr in real(*a, **k)))
    numbered(tmp_path / "a.avi", 40, codec="MJPG")
    with pytest.warns(UserWarning, match=r"a.avi': it states no times; its frame rate, 25 a second, gives them"):
        assert np.allclose(times(tmp_path / "a.avi"), np.arange(40) / 25)


@pytest.mark.parametrize(("fps", "n"), [(12.0, 100), (12.0, 30), (19.0, 200)])
def test_a_low_frame_rate_warns_once(tmp_path, fps, n):
    numbered(tmp_path / "a.avi", n, fps=fps, codec="MJPG")
    with pytest.warns(UserWarning, match=rf"a.avi': {fps:.1f} frames/s; below 20 short blinks") as caught:
        assert len(times(tmp_path / "a.avi")) == n
    assert len(caught) == 1


@pytest.mark.parametrize(("fps", "n"), [(20.0, 200), (5.0, 3), (30.0, 10)])
def test_no_warning_of_the_frame_rate(tmp_path, fps, n):
    assert len(times(numbered(tmp_path / "a.avi", n, fps=fps, codec="MJPG"))) == n


def test_the_warned_rate_is_measured_not_stated(tmp_path):
    numbered(tmp_path / "a.mp4", 60, fps=30)
    edit_mp4(tmp_path / "a.mp4", times=np.arange(60) / 10)
    with pytest.warns(UserWarning, match="10.0 frames/s"):
        assert len(times(tmp_path / "a.mp4")) == 60


# -- rotation --


@pytest.mark.parametrize("rotation", [90, 180, 270])
def test_rotation_metadata_is_obeyed(tmp_path, rotation):
    write_clip(tmp_path / "a.mp4", blinks(12, 4), rotation=rotation)
    with read_frames(tmp_path / "a.mp4") as frames:
        assert frames.size == (320, 240)
        found = [frame.bgr.astype(int) for frame in frames]
    assert np.abs(found[0] - OPEN).mean() < 4
    assert np.abs(found[7] - CLOSED).mean() < 4


# -- files that are damaged, or no videos --


def cut(path, share):
    content = path.read_bytes()
    path.write_bytes(content[: int(share * len(content))])
    return path


@pytest.mark.parametrize("codec", ["MJPG", "XVID"])
def test_a_file_that_is_cut_off_ends_with_a_warning(tmp_path, codec):
    path = cut(numbered(tmp_path / "a.avi", 200, codec=codec, size=(320, 240)), 0.5)
    with pytest.warns(UserWarning, match=r"a.avi': it ends after \d.\d of 8.0 s: cut off or damaged"):
        found = levels(path)
    assert 60 < len(found) < 140
    assert np.abs(np.array(found) - np.arange(len(found))).max() <= 3


def test_broken_frames_are_no_end(tmp_path):
    """The first frame and one in the middle are overwritten."""
    path = numbered(tmp_path / "a.avi", 100, codec="MJPG", size=(320, 240))
    content = bytearray(path.read_bytes())
    starts = [at for at in range(len(content)) if content[at : at + 3] == b"\xff\xd8\xff"]
    assert len(starts) == 100
    for number in (0, 50):
        content[starts[number] : starts[number + 1] - 40] = bytes(starts[number + 1] - 40 - starts[number])
    path.write_bytes(content)
    found = levels(path)
    assert len(found) >= 98
    assert found[-1] > 90


class FailingCapture:
    """A capture that fails at some frames, like a decoder that must wait for a key frame."""

    def __init__(self, pattern: str) -> None:
        self.pattern = list(pattern)

    def grab(self):
        self.now = self.pattern.pop(0) if self.pattern else "g"
        return self.now != "g"

    def retrieve(self):
        return (self.now != "r", None if self.now == "r" else np.zeros((2, 2, 3), np.uint8))

    def get(self, _):
        return 40.0


@pytest.mark.parametrize(
    ("pattern", "n"), [("rr....", 4), ("gg....", 4), ("..r.g..", 5), (".", 1), ("", 0), ("." + "r" * 20 + "....", 1)]
)
def test_a_failure_is_no_end_and_many_are(pattern, n):
    assert len(list(module._decode(FailingCapture(pattern), is_camera=False))) == n


def test_frames_in_grey_or_16_bits_become_bgr():
    grey = np.full((3, 4), 0x4142, np.uint16)
    assert np.array_equal(module._as_bgr(grey), np.full((3, 4, 3), 0x41, np.uint8))


def test_an_mp4_without_its_index_says_so(tmp_path):
    path = cut(numbered(tmp_path / "a.mp4", 100, size=(320, 240)), 0.6)
    with pytest.raises(ImageError, match=r"^'.*a.mp4': the part of the MP4 file that says where its frames are is mi"):
        read_frames(path)


@pytest.mark.parametrize(
    ("content", "reason"),
    [
        (b"", "empty file"),
        (b"file,label\na.png,1\n" * 50, "text, not a video"),
        (b"<!DOCTYPE html><title>404</title>", "an HTML page, not a video; download it again"),
        (b"%PDF-1.4", "a PDF or PostScript document, not a video; extract the videos from it"),
        (bytes(5000), "it begins with zeros only, not a video"),
        (cv2.imencode(".png", OPEN)[1].tobytes(), r"an image \(PNG\), not a video; use classic-eyes faces"),
        (cv2.imencode(".jpg", OPEN)[1].tobytes(), r"an image \(JPEG\), not a video; use classic-eyes faces"),
        (cv2.imencode(".webp", OPEN)[1].tobytes(), r"an image \(WebP\), not a video"),
        (np.random.default_rng(0).bytes(30_000), "no frame can be decoded: it is no video, damaged"),
        (b"RIFF\0\0\0\0AVI LIST" + bytes(3000), "no frame can be decoded"),
        (b"\0\0\0\x18ftypmp42" + bytes(12), "the part of the MP4 file that says"),
    ],
)
@pytest.mark.parametrize("name", ["a.mp4", "a.txt"])
def test_a_file_that_is_no_video_is_refused_in_one_line(tmp_path, capfd, content, reason, name):
    (tmp_path / name).write_bytes(content)
    before = set(threading.enumerate())
    with pytest.raises(ImageError, match=rf"^'.*{name}': {reason}") as caught:
        read_frames(tmp_path / name)
    assert "\n" not in str(caught.value)
    assert capfd.readouterr() == ("", "")  # nothing of OpenCV and FFmpeg
    assert set(threading.enumerate()) <= before


def test_no_file_and_folders(tmp_path):
    with pytest.raises(ImageError, match=r"': no such file$"):
        read_frames(tmp_path / "a.mp4")
    with pytest.raises(ImageError, match=r"^'0': no such file; a camera is a whole number, 0 without quotes$"):
        read_frames("0")
    with pytest.raises(ImageError, match=r"': is a folder$"):
        read_frames(tmp_path)


def test_a_pipe_is_read_once(tmp_path):
    """A container that needs no seeking can come from a pipe."""
    content = numbered(tmp_path / "a.mkv", 30, codec="FFV1").read_bytes()
    os.mkfifo(tmp_path / "pipe")
    writer = threading.Thread(target=(tmp_path / "pipe").write_bytes, args=(content,))
    writer.start()
    assert len(levels(tmp_path / "pipe")) == 30
    writer.join(10)


@pytest.mark.parametrize("source", [None, 1.5, True, [], -1])
def test_what_is_no_source_is_refused(source):
    with pytest.raises(ParameterError, match=r"^source is "):
        read_frames(source)


@pytest.mark.parametrize("name", ["-a.mp4", "é ü.mp4", "a:b.mp4", "c%03d.mp4", "http:x.mp4", b"b\xff.mp4"])
def test_any_name_is_a_file(tmp_path, monkeypatch, name):
    monkeypatch.chdir(tmp_path)
    os.rename(numbered(tmp_path / "a.mp4", 5), tmp_path / os.fsdecode(name))
    assert len(times(os.fsdecode(name))) == 5


def test_nothing_of_ffmpeg_is_printed_for_a_damaged_video(tmp_path):
    path = numbered(tmp_path / "a.mp4", 60, size=(320, 240))
    content = bytearray(path.read_bytes())
    content[4000:6000] = np.random.default_rng(0).bytes(2000)
    path.write_bytes(content)
    code = "import sys; from classic_eyes.video.frames import read_frames; print(len(list(read_frames(sys.argv[1]))))"
    found = subprocess.run([sys.executable, "-c", code, str(path)], capture_output=True, text=True, timeout=120)
    assert (found.returncode, found.stderr) == (0, "")
    assert 50 <= int(found.stdout) <= 60


def test_an_unexpected_error_of_the_decoder_is_one_line(tmp_path, monkeypatch):
    real = module._as_bgr

    def fail(image, seen=[]):  # noqa: B006
        seen.append(1)
        if len(seen) == 5:
            raise cv2.error("two\nlines")
        return real(image)

    monkeypatch.setattr(module, "_as_bgr", fail)
    reader = read_frames(numbered(tmp_path / "a.avi", 30, codec="MJPG"))
    with pytest.raises(ImageError, match=r"^'.*a.avi': unexpected error: error: two lines$"):
        list(reader)


# -- threads and memory --


@pytest.mark.parametrize("how", ["close", "with", "forget", "end", "break"])
def test_the_decoder_ends_with_its_reader(tmp_path, how):
    path = numbered(tmp_path / "a.avi", 300, codec="MJPG")
    before = set(threading.enumerate())
    reader = read_frames(path)
    next(reader)
    assert len(set(threading.enumerate()) - before) == 1
    if how == "close":
        reader.close()
        assert list(reader) == []
    elif how == "with":
        with reader:
            pass
    elif how == "end":
        assert len(list(reader)) == 299
    elif how == "break":
        for _ in reader:
            break
        del reader
    else:
        del reader
    gc.collect()
    assert set(threading.enumerate()) <= before


def test_frames_are_decoded_ahead_but_not_without_limit(tmp_path, monkeypatch):
    decoded = []
    real = module._as_bgr
    monkeypatch.setattr(module, "_as_bgr", lambda image: decoded.append(1) or real(image))
    with read_frames(numbered(tmp_path / "a.avi", 300, codec="MJPG")) as reader:
        next(reader)
        deadline = time.monotonic() + 20
        while len(decoded) < module._MOST_AHEAD and time.monotonic() < deadline:
            time.sleep(0.01)
        time.sleep(0.1)
        assert module._MOST_AHEAD <= len(decoded) <= module._MOST_AHEAD + 3 + module._N_EXAMINED


def test_memory_does_not_grow_with_the_length(tmp_path):
    path = numbered(tmp_path / "a.avi", 3000, codec="MJPG", size=(640, 480))
    sizes = [memory_of_tree_mb(os.getpid()) for frame in read_frames(path) if frame.index in (300, 2999)]
    assert sizes[1] - sizes[0] < 20


# -- cameras --


class Camera:
    """A camera of 100 frames a second that is unplugged after some."""

    def __init__(self, n, period=0.01):
        self.n, self.period, self.start, self.given = n, period, time.monotonic(), 0
        self.is_released = False

    def isOpened(self):  # noqa: N802
        return True

    def get(self, _):
        return -1.0

    def grab(self):
        time.sleep(max(0.0, self.start + self.given * self.period - time.monotonic()))
        self.given += 1
        return self.given <= self.n

    def retrieve(self):
        return True, np.full((48, 64, 3), self.given, np.uint8)

    def release(self):
        self.is_released = True


@pytest.fixture
def camera(monkeypatch):
    made = Camera(60)
    monkeypatch.setattr(cv2, "VideoCapture", lambda *_: made)
    monkeypatch.setattr(module, "_PAUSE_S", 0.001)
    return made


def test_a_camera_has_times_of_a_clock_and_ends_when_unplugged(camera):
    with read_frames(0) as reader:
        assert (reader.is_camera, reader.name, reader.n_frames, reader.fps) == (True, "camera 0", None, 0.0)
        found = list(reader)
    assert found[0].time_s == 0
    stamps = np.array([frame.time_s for frame in found])
    assert (np.diff(stamps) >= 0).all()
    assert 0.3 < stamps[-1] < 3
    assert camera.is_released


def test_a_slow_loop_gets_the_latest_frame_of_a_camera(camera):
    shown = []
    for frame in read_frames(np.int64(0)):
        shown.append(int(frame.bgr[0, 0, 0]))
        time.sleep(0.1)
    assert [index for index, _ in enumerate(shown)] == list(range(len(shown)))
    assert len(shown) < 15
    # Frames between are dropped. On a busy machine the camera itself may stop for a moment, so not each time.
    assert np.median(np.diff(shown[1:-1])) >= 3


def test_a_camera_that_is_not_there_is_one_line(capfd):
    with pytest.raises(ImageError, match=r"^camera 97: ") as caught:
        read_frames(97)
    assert "connect" in str(caught.value) or "number" in str(caught.value)
    assert capfd.readouterr().err == ""


def test_a_camera_that_stalls_has_ended(camera, monkeypatch):
    monkeypatch.setattr(module, "_STALLED_S", 0.1)
    grab = camera.grab
    stopped = threading.Event()
    monkeypatch.setattr(camera, "grab", lambda: grab() if camera.given < 20 else stopped.wait(20))
    start = time.monotonic()
    with read_frames(0) as reader:
        assert 0 < len(list(reader)) <= 20
    stopped.set()
    assert time.monotonic() - start < 10


def test_a_camera_without_frames_is_one_line(camera):
    camera.n = 0
    with pytest.raises(ImageError, match=r"^camera 0: no frame comes; another program may use it, close that first$"):
        read_frames(0)
    assert camera.is_released


@pytest.mark.parametrize("freezes", [False, True])
def test_a_network_camera_that_closes_or_freezes_has_ended(monkeypatch, freezes):
    monkeypatch.setattr(module, "_STALLED_S", 0.5)
    with network_camera([OPEN] * 50, freezes=freezes) as url:
        start = time.monotonic()
        with read_frames(url) as reader:
            assert (reader.is_camera, reader.n_frames) == (True, None)
            found = list(reader)
        assert time.monotonic() - start < 10
    # The clock of the camera, not 25 frames a second as FFmpeg assumes of such a stream.
    assert 0.5 < found[-1].time_s < 8
    assert all(frame.bgr.shape == OPEN.shape for frame in found)


def test_a_file_at_a_url_is_no_camera(tmp_path):
    numbered(tmp_path / "a.mp4", 40)
    with serve(tmp_path) as url, read_frames(f"{url}/a.mp4") as reader:
        assert (reader.is_camera, reader.n_frames) == (False, 40)
        assert np.allclose([frame.time_s for frame in reader], np.arange(40) / 25)


def test_a_network_camera_without_frames_is_one_line():
    with network_camera([], freezes=False) as url, pytest.raises(ImageError, match=r"; check the address$"):
        read_frames(url)
