"""The command ``classic-eyes video``: clips with known truth, outputs, failures, resuming, and a camera."""

from __future__ import annotations

import json
import os
import re
import shutil
import signal
import subprocess
import sys
import time
import types
from pathlib import Path

import cv2
import numpy as np
import pytest

from classic_eyes import load_model
from classic_eyes._utils.resources import memory_of_tree_mb
from classic_eyes.calibration import Calibration, Threshold, write_calibration
from classic_eyes.cli import camera as camera_module
from classic_eyes.cli import progress
from classic_eyes.cli import video as module
from classic_eyes.errors import ImageError, ModelError
from classic_eyes.video import drawing
from classic_eyes.video.frames import read_frames, silence

from ..conftest import main, run
from ..video.clips import BLINK, blinks, write_clip
from ..video.network_camera import network_camera
from .conftest import rows_of, shown_on_a_terminal
from .test_rows import room_for

pytest.importorskip("dlib", reason="dlib is not installed; pip install 'classic-eyes[faces]'")
silence()

EVENTS = (
    "file,track,kind,eye,start_s,end_s,start_frame,end_frame,closed_start_frame,closed_end_frame,duration_ms,depth,"
    "confidence,note"
)
FRAMES = "file,frame,time_s,track,eye,x,y,w,h,score,openness,state"


def wink(n: int, start: int) -> np.ndarray:
    openness = np.full((n, 2), 0.9)
    openness[start : start + len(BLINK), 1] *= BLINK
    return openness


def taking_turns(n: int, *starts: int) -> np.ndarray:
    """Return the openness of two people, each of whom blinks once."""
    openness = np.full((n, 2, 2), 0.9)
    for person, start in enumerate(starts):
        openness[start : start + len(BLINK), person] *= np.array(BLINK)[:, None]
    return openness


@pytest.fixture(scope="session")
def clips(tmp_path_factory) -> Path:
    """A folder of short clips: a blink, a wink in a subfolder, nobody, a broken file, and an image."""
    folder = tmp_path_factory.mktemp("clips") / "clips"
    (folder / "sub").mkdir(parents=True)
    write_clip(folder / "blink.mp4", blinks(60, 25), noise=2)
    write_clip(folder / "sub" / "wink.AVI", wink(60, 25), noise=2, codec="MJPG")
    write_clip(folder / "nobody.mp4", blinks(30), faces=0, noise=2)
    (folder / "broken.mov").write_bytes((folder / "blink.mp4").read_bytes()[:5000])
    cv2.imwrite(str(folder / "still.jpg"), np.zeros((40, 40, 3), np.uint8))
    return folder


@pytest.fixture
def blink(clips) -> Path:
    return clips / "blink.mp4"


# -- rows --


def test_a_folder_gives_events_summary_and_status(clips, tmp_path, capsys):
    assert main("video", clips, "--events", tmp_path / "e.csv", "--summary", tmp_path / "s.json") == 1
    shown = capsys.readouterr()
    assert shown.out == ""
    text = (tmp_path / "e.csv").read_text()
    assert text.splitlines()[0] == EVENTS
    rows = rows_of(text)
    assert [(row["file"], row["kind"], row["eye"]) for row in rows] == [
        ("blink.mp4", "blink", "both"),
        ("sub/wink.AVI", "wink", "left"),
    ]
    for row in rows:
        # By the truth lids move in frames 25 to 32 and are together in 27 to 29.
        assert abs(int(row["start_frame"]) - 25) <= 1
        assert abs(int(row["end_frame"]) - 32) <= 2
        assert abs(float(row["start_s"]) - int(row["start_frame"]) / 25) < 1e-4
        assert abs(float(row["duration_ms"]) - 40 * (int(row["end_frame"]) - int(row["start_frame"]) + 1)) < 1
        assert 25 < int(row["closed_start_frame"]) <= int(row["closed_end_frame"]) < 33
        assert row["track"] == "0"
        assert row["note"] == ""
    summary = json.loads((tmp_path / "s.json").read_text())
    fingerprint = load_model().fingerprint
    assert list(summary) == ["version", "model", "calibration", "files"]
    assert (summary["model"], summary["calibration"]) == ({"name": "default", "sha256": fingerprint}, None)
    files = summary["files"]
    assert [each["file"] for each in files] == ["blink.mp4", "broken.mov", "nobody.mp4", "sub/wink.AVI"]
    assert list(files[1]) == ["file", "error"]
    assert files[1]["error"].startswith("the part of the MP4 file that says where its frames are is missing")
    first = files[0]
    assert (first["frames"], first["fps"], first["width"], first["height"]) == (60, 25.0, 320, 240)
    assert (first["warnings"], first["tracks"][0]["blinks"], first["tracks"][0]["winks"]) == ([], 1, 0)
    assert (files[2]["tracks"], files[2]["faceless_share"]) == ([], 1.0)
    assert files[3]["tracks"][0]["winks"] == 1
    lines = shown.err.splitlines()
    assert lines[0].startswith("classic-eyes: broken.mov: the part of the MP4 file")
    assert re.fullmatch(
        r"3 read: 1 blink, 1 wink of 2 tracks in 5.9 s, 1 without a face, 1 failed, \d+ frames/s", lines[1]
    )
    assert lines[2:] == [
        f"wrote {tmp_path / 'e.csv'} and {tmp_path / 's.json'}",
        "1 file passed over (1 .jpg): classic-eyes faces reads photographs",
    ]


def test_events_go_to_standard_output_where_no_file_is_named(blink, capsys):
    assert main("video", blink) == 0
    shown = capsys.readouterr()
    assert shown.out.splitlines()[0] == EVENTS
    (row,) = rows_of(shown.out)
    assert (row["file"], row["kind"]) == (str(blink), "blink")
    assert shown.err.count("\n") == 1


@pytest.mark.parametrize(
    ("option", "name"), [("--frames", "out"), ("--summary", "out"), ("--page", "a.html"), ("--draw", "a.avi")]
)
def test_standard_output_is_empty_where_another_file_is_named(blink, tmp_path, capsys, option, name):
    assert main("video", blink, option, tmp_path / name) == 0
    assert capsys.readouterr().out == ""
    assert (tmp_path / name).stat().st_size > 500


def test_frames_have_a_row_for_each_eye_and_frames_without_a_face_one(tmp_path):
    write_clip(tmp_path / "a.mp4", blinks(50, 10), scenes=[0] * 30 + [-1] * 20, noise=2)
    assert main("video", tmp_path / "a.mp4", "--frames", tmp_path / "f.csv") == 0
    text = (tmp_path / "f.csv").read_text()
    assert text.splitlines()[0] == FRAMES
    rows = rows_of(text)
    assert [int(row["frame"]) for row in rows] == [*np.repeat(np.arange(30), 2), *range(30, 50)]
    assert all(abs(float(row["time_s"]) - int(row["frame"]) / 25) < 1e-4 for row in rows)
    seen, unseen = rows[:60], rows[60:]
    assert [row["eye"] for row in seen] == ["right", "left"] * 30
    assert {row["track"] for row in seen} == {"0"}
    assert {tuple(row.values())[3:] for row in unseen} == {("",) * 9}
    states = [row["state"] for row in seen[::2]]
    assert states[:9] == ["open"] * 9
    assert states[12:15] == ["closed"] * 3
    assert all(0 <= float(row["score"]) <= 1 for row in seen)
    assert float(seen[0]["openness"]) > 0.8
    assert float(seen[26]["openness"]) < 0.2
    # The person's right eye is on the left.
    assert int(seen[0]["x"]) + 20 < int(seen[1]["x"])


def test_json_lines_hold_the_same(blink, tmp_path):
    files = {style: [tmp_path / f"{name}.{style}" for name in "efs"] for style in ("csv", "jsonl")}
    files["csv"][2] = tmp_path / "s.json"
    for style, (events, frames, summary) in files.items():
        options = ("--events", events, "--frames", frames, "--summary", summary, "--format", style)
        assert main("video", blink, *options) == 0
    for table, lines in zip(files["csv"][:2], files["jsonl"][:2], strict=True):
        rows = rows_of(table.read_text())
        entries = [json.loads(line) for line in lines.read_text().splitlines()]
        assert len(rows) == len(entries) > 0
        for row, entry in zip(rows, entries, strict=True):
            assert list(row) == list(entry)
            for key, value in entry.items():
                assert row[key] == ("" if value is None else row[key])
                if isinstance(value, int | float):
                    assert float(row[key]) == value
    (line,) = files["jsonl"][2].read_text().splitlines()
    assert [json.loads(line)] == json.loads(files["csv"][2].read_text())["files"]


CASES = {
    "long": (blinks(80, 20, shape=(0.6, 0.2, *[0.0] * 25, 0.3, 0.7)), {}, [("0", "long", "both", 20, 48)]),
    "partial": (
        blinks(80, 30, shape=(0.8, 0.6, 0.45, 0.35, 0.35, 0.45, 0.6, 0.8)),
        {},
        [("0", "partial", "both", 30, 37)],
    ),
    "half closed all the time": (np.full(60, 0.35), {}, []),
    "rotated": (blinks(60, 25), {"rotation": 90}, [("0", "blink", "both", 25, 32)]),
    "two people": (
        taking_turns(90, 20, 60),
        {"faces": 2, "size": (640, 480)},
        [("0", "blink", "both", 20, 27), ("1", "blink", "both", 60, 67)],
    ),
    "cut": (
        blinks(100, 15, 70),
        {"scenes": [0] * 40 + [1] * 60},
        [("0", "blink", "both", 15, 22), ("1", "blink", "both", 70, 77)],
    ),
    "away": (
        blinks(110, 15, 80),
        {"scenes": [0] * 40 + [-1] * 20 + [0] * 50},
        [("0", "blink", "both", 15, 22), ("0", "blink", "both", 80, 87)],
    ),
    "nobody": (blinks(40, 15), {"faces": 0}, []),
}


@pytest.mark.parametrize("case", CASES)
def test_events_of_a_clip_are_the_true_ones(tmp_path, capsys, case):
    openness, options, expected = CASES[case]
    write_clip(tmp_path / "a.mp4", openness, noise=2, **options)
    assert main("video", tmp_path / "a.mp4") == 0
    rows = rows_of(capsys.readouterr().out)
    assert [(row["track"], row["kind"], row["eye"]) for row in rows] == [event[:3] for event in expected]
    for row, (*_, start, end) in zip(rows, expected, strict=True):
        assert abs(int(row["start_frame"]) - start) <= 2
        assert abs(int(row["end_frame"]) - end) <= 2


def test_a_variable_frame_rate_gives_the_times_of_the_file(tmp_path, capsys):
    rng = np.random.default_rng(0)
    times = np.cumsum(np.r_[0, rng.choice([0.02, 0.033, 0.06], 79)])
    write_clip(tmp_path / "a.mp4", blinks(80, 40), times=times, noise=2)
    assert main("video", tmp_path / "a.mp4") == 0
    (row,) = rows_of(capsys.readouterr().out)
    assert abs(float(row["start_s"]) - times[int(row["start_frame"])]) < 1e-3
    assert abs(float(row["start_s"]) - times[40]) < 0.07
    assert abs(float(row["end_s"]) - times[47]) < 0.13


def test_warnings_are_printed_and_in_the_summary(tmp_path, capsys):
    write_clip(tmp_path / "a.mp4", np.full(40, 0.9), fps=10)
    for jobs in (1, 2):
        shutil.copy(tmp_path / "a.mp4", tmp_path / f"{jobs}.mp4")
        assert main("video", tmp_path, "--jobs", jobs, "--summary", tmp_path / f"{jobs}.json") == 0
        lines = capsys.readouterr().err.splitlines()
        text = "10.0 frames/s; below 20 short blinks are missed and edges are coarse"
        assert [line for line in lines if line.startswith("classic-eyes: ")] == [
            f"classic-eyes: warning: {name}: {text}"
            for name in (["1.mp4", "a.mp4"], ["1.mp4", "2.mp4", "a.mp4"])[jobs - 1]
        ]
        files = json.loads((tmp_path / f"{jobs}.json").read_text())["files"]
        assert files[0]["warnings"] == [text]


def test_several_paths_have_full_names_and_jobs_change_nothing(clips, tmp_path, capsys):
    written = {}
    for jobs in (1, 3):
        names = [tmp_path / f"{jobs}{ending}" for ending in (".csv", "-frames.csv", ".json", ".html")]
        options = [x for pair in zip(("--events", "--frames", "--summary", "--page"), names, strict=True) for x in pair]
        assert main("video", clips / "sub", clips / "blink.mp4", clips / "broken.mov", *options, "--jobs", jobs) == 1
        written[jobs] = [name.read_bytes() for name in names]
        assert capsys.readouterr().err.count("broken.mov") == 1
    assert written[1] == written[3]
    names = [row["file"] for row in rows_of(written[1][0].decode())]
    assert names == [str(clips / "blink.mp4"), str(clips / "sub" / "wink.AVI")]


@pytest.mark.parametrize("name", ["é ü.mp4", "a:b.mp4", "c%03d.mp4", b"b\xff.mp4", "line\nbreak.mp4", "-a.mp4"])
def test_any_name_is_a_row(blink, tmp_path, monkeypatch, name):
    monkeypatch.chdir(tmp_path)
    shutil.copy(blink, os.fsdecode(name))
    outputs = ("--events", tmp_path / "e.csv", "--summary", tmp_path / "s.json", "--draw", "drawn", "--page", "p.html")
    assert main("video", *outputs, "--", os.fsdecode(name)) == 0
    text = (tmp_path / "e.csv").read_text(encoding="utf-8", errors="surrogateescape")
    assert [row["file"] for row in rows_of(text)] == [os.fsdecode(name)]
    assert json.loads((tmp_path / "s.json").read_text())["files"][0]["file"] == os.fsdecode(name)
    assert os.listdir(os.fsencode(tmp_path / "drawn")) == [os.fsencode(name)]


@pytest.mark.parametrize("command", [("video",), ("video", "--camera")])
def test_a_calibration_is_used(blink, tmp_path, command):
    """With a threshold below every probability, no eye is closed."""
    write_calibration(Calibration(Threshold(1e-12, 20, 20, 1.0), model=load_model().fingerprint), tmp_path / "own.json")
    found = []
    for options in ((), ("--calibration", tmp_path / "own.json")):
        out = tmp_path / f"{len(found)}.csv"
        assert main(*command, blink, "--frames", out, *options) == 0
        found.append(sum(row["state"] == "closed" for row in rows_of(out.read_text())))
    assert found[0] > 4
    assert found[1] == 0


# -- outputs --


def test_drawn_clip_and_page(blink, tmp_path, capsys):
    drawn, page = tmp_path / "drawn.mp4", tmp_path / "page.html"
    assert main("video", blink, "--draw", drawn, "--page", page) == 0
    shown = capsys.readouterr()
    assert shown.out == ""
    assert f"1 drawing in '{drawn}', without sound" in shown.err
    with read_frames(drawn) as frames, read_frames(blink) as originals:
        pairs = list(zip(frames, originals, strict=True))
        assert frames.size == (640, 480)
    assert len(pairs) == 60
    for frame, original in pairs:
        larger = cv2.resize(original.bgr, (640, 480))
        assert 1 < np.abs(frame.bgr.astype(int) - larger).mean() < 30
        assert abs(frame.time_s - original.time_s) < 1e-6
    assert "blink.mp4" in page.read_text()
    assert sorted(path.name for path in tmp_path.iterdir()) == ["drawn.mp4", "page.html"]


def test_drawn_events_begin_with_the_event(blink, tmp_path, monkeypatch):
    shown, real = {}, drawing.draw_frame

    def draw(bgr, state, *, events):
        shown[state.index] = [event.kind for event in events]
        return real(bgr, state, events=events)

    monkeypatch.setattr(drawing, "draw_frame", draw)
    assert main("video", blink, "--draw", tmp_path / "d.mp4", "--events", tmp_path / "e.csv") == 0
    (row,) = rows_of((tmp_path / "e.csv").read_text())
    with_caption = [index for index, kinds in shown.items() if kinds == ["blink"]]
    assert with_caption == list(range(int(row["start_frame"]), 60))
    assert sorted(shown) == list(range(60))


def test_pixels_of_a_stream_are_kept_until_their_states_come(blink, tmp_path, monkeypatch):
    """What is no file cannot be read once more."""
    options = ("--events", tmp_path / "e.csv", "--page")
    assert main("video", blink, *options, tmp_path / "file.html", "--draw", tmp_path / "file.avi") == 0
    opened, real = [], module.read_frames
    monkeypatch.setattr(module, "read_frames", lambda path: opened.append(path) or real(path))
    monkeypatch.setattr(module.os.path, "isfile", lambda _: False)
    arguments = (blink, *options, tmp_path / "stream.html", "--draw", tmp_path / "stream.avi", "--force")
    assert main("video", *arguments) == 0
    assert len(opened) == 1
    assert (tmp_path / "stream.html").read_bytes() == (tmp_path / "file.html").read_bytes()
    with read_frames(tmp_path / "stream.avi") as streamed, read_frames(tmp_path / "file.avi") as read_again:
        for one, other in zip(streamed, read_again, strict=True):
            # Captions apart, the same.
            assert np.abs(one.bgr.astype(int) - other.bgr).mean() < 8


def test_drawings_of_a_folder_have_the_names_of_rows(clips, tmp_path, capsys):
    assert main("video", clips, "--draw", tmp_path / "drawn", "--summary", tmp_path / "s.json") == 1
    found = sorted(path.relative_to(tmp_path).as_posix() for path in tmp_path.rglob("*.*"))
    assert found == ["drawn/blink.mp4", "drawn/nobody.mp4", "drawn/sub/wink.mp4", "s.json"]
    assert "3 drawings in" in capsys.readouterr().err


def test_page_has_every_video_and_the_reason_of_a_failure(clips, tmp_path):
    assert main("video", clips, "--page", tmp_path / "p.html", "--summary", tmp_path / "s.json") == 1
    page = (tmp_path / "p.html").read_text()
    assert "<title>clips" in page
    for name in ("blink.mp4", "nobody.mp4", "wink.AVI", "broken.mov"):
        assert name in page
    assert "Could not be read: the part of the MP4 file" in page


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ((), "no video is named; give a video or a folder, or --camera 0 for a camera"),
        (("nothing.mp4",), "'nothing.mp4': no such folder or video; there is no 'nothing.mp4' in"),
        (("0",), "'0': no such folder or video; for a camera write --camera 0"),
        (("{empty}",), "no videos in this folder; 1 file passed over (1 .jpg): classic-eyes faces reads photographs"),
        (("{clips}", "--draw", "a.mp4"), "--draw 'a.mp4' is one file, but 4 videos are read; name a folder"),
        (("{clips}", "--draw", "{clips}/drawn"), "which is searched for videos; the next run would read the drawings"),
        (("{blink}", "--draw", "{clips}"), "is the folder of "),
        (("{blink}", "--draw", "{clips}/sub/.."), "a later run over it would read the drawings; name another folder"),
        (("{blink}", "--events", "e.xlsx"), "--events 'e.xlsx' must end in .csv"),
        (("{blink}", "--frames", "f.csv", "--format", "jsonl"), "--frames 'f.csv' must end in .jsonl"),
        (("{blink}", "--summary", "s.csv"), "--summary 's.csv' must end in .json"),
        (("{blink}", "--draw", "no/a.mp4"), "--draw 'no/a.mp4': there is no folder 'no'; make it first"),
        (("{blink}", "--draw", "{blink}"), "is one of the files that are read; name another file"),
        (("{blink}", "--draw", "old.mp4"), "--draw 'old.mp4' exists; name another file, continue it with --resume, or"),
        (("{blink}", "--draw", "old.csv"), "--draw 'old.csv': the folder cannot be made"),
        (("{blink}", "--events", "{blink}"), "must end in .csv"),
        (("{blink}", "--events", "old", "--calibration", "old"), "--events 'old' is one of the files that are read"),
        (
            ("{blink}", "--events", "old.csv"),
            "--events 'old.csv' exists; name another file, continue it with --resume,",
        ),
        (("{blink}", "--frames", "no/a.csv"), "--frames 'no/a.csv': there is no folder 'no'"),
        (("{blink}", "--summary", "old"), "--summary 'old' exists"),
        (("{blink}", "--page", "p.txt"), "--page 'p.txt' must end in .html or .htm"),
        (("{blink}", "--events", "a", "--frames", "a"), "--events and --frames are both 'a'; name two files"),
        (("{blink}", "--events", "-"), "--events '-' names no file"),
        (("{blink}", "--resume"), "--resume continues files, but none is given; give --events, --frames, --summary or"),
        (("{blink}", "--events", "/dev/null", "--resume"), "'/dev/null' is no regular file, so it cannot be continued"),
        (
            ("{blink}", "--events", "a", "--resume", "--force"),
            "--force replaces --events 'a' and --resume continues it",
        ),
        (("{blink}", "--model", "no.npz"), "no file of this name"),
        (("{blink}", "--calibration", "old.csv"), "is no calibration"),
        (("{blink}", "--jobs", "0"), "'0' is not a whole number from 1"),
        (("{blink}", "--format", "table"), "invalid choice: 'table'"),
        (("{blink}", "--camera", "0"), "--camera and PATH exclude each other"),
        (("--camera", "0", "--jobs", "2"), "--camera and --jobs exclude each other"),
        (("--camera", "0", "--events", "a", "--resume"), "--camera and --resume exclude each other"),
        (("--camera", "0", "--draw", "drawn"), "--draw 'drawn': of a camera it is one file; end it in .mp4 or .avi"),
        (("--camera", "77"), "--camera: camera 77: "),
        (("--camera", "nothing.mp4"), "--camera: 'nothing.mp4': no such file; a camera is a whole number from 0"),
        (("--camera", "front"), "--camera: 'front': no such file; a camera is a whole number from 0"),
        (("--camera", "-1"), "--camera: '-1': no such file; a camera is a whole number from 0"),
        (("--camera", "{blink}", "--events", "{blink}"), "must end in .csv"),
        (("--camera", "{blink}", "--draw", "{blink}"), "is one of the files that are read"),
    ],
)
def test_wrong_arguments_give_a_one_line_error(clips, blink, capfd, monkeypatch, tmp_path, arguments, message):
    (tmp_path / "empty").mkdir()
    shutil.copy(clips / "still.jpg", tmp_path / "empty")
    monkeypatch.chdir(tmp_path)
    (tmp_path / "old.csv").write_text("old\n")
    (tmp_path / "old.mp4").write_text("old\n")
    (tmp_path / "old").write_text("old\n")
    before = sorted(tmp_path.rglob("*"))
    given = [argument.format(clips=clips, blink=blink, empty=tmp_path / "empty") for argument in arguments]
    assert main("video", *given) == 2
    shown = capfd.readouterr()
    error = shown.err.splitlines()
    assert message in error[-1]
    assert len(error) == 1
    assert shown.out == ""
    assert sorted(tmp_path.rglob("*")) == before
    assert (tmp_path / "old.csv").read_text() == (tmp_path / "old.mp4").read_text() == "old\n"


def test_force_replaces_every_output(blink, tmp_path):
    names = {"--events": "e.csv", "--frames": "f.csv", "--summary": "s.json", "--page": "p.html", "--draw": "d.mp4"}
    options = [x for option, name in names.items() for x in (option, tmp_path / name)]
    for name in names.values():
        (tmp_path / name).write_text("old" * 100_000)
    assert main("video", blink, *options) == 2
    assert main("video", blink, *options, "--force") == 0
    assert sorted(path.name for path in tmp_path.iterdir()) == sorted(names.values())
    assert not any(b"oldold" in (tmp_path / name).read_bytes() for name in names.values())


# -- failures --


@pytest.mark.parametrize("error", [ZeroDivisionError("two\nlines"), ImageError("bad"), cv2.error("assertion")])
def test_error_of_one_video_is_its_own(clips, tmp_path, capsys, monkeypatch, error):
    real = module.read_frames

    def fail(path):
        if str(path).endswith("nobody.mp4"):
            raise error
        return real(path)

    monkeypatch.setattr(module, "read_frames", fail)
    assert main("video", clips, "--summary", tmp_path / "s.json", "--jobs", 1) == 1
    files = json.loads((tmp_path / "s.json").read_text())["files"]
    assert ["error" in each for each in files] == [False, True, True, False]
    assert "\n" not in files[2]["error"]
    assert f"classic-eyes: nobody.mp4: {files[2]['error']}" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("error", "status"), [(ModelError("of the model"), 2), (MemoryError(), 2), (KeyboardInterrupt(), 130)]
)
def test_errors_that_are_not_of_the_video_end_the_run(blink, tmp_path, capsys, monkeypatch, error, status):
    def fail(*arguments, **options):
        raise error

    monkeypatch.setattr(module.Recorder, "add_rows", fail)
    assert main("video", blink, "--events", tmp_path / "e.csv", "--draw", tmp_path / "d.mp4") == status
    assert sorted(path.name for path in tmp_path.iterdir()) == ["e.csv", "e.csv.part"]


def test_only_failures_are_status_1(clips, tmp_path, capsys):
    assert main("video", clips / "broken.mov") == 1
    shown = capsys.readouterr()
    assert shown.out == EVENTS + "\n"
    assert "0 read: no event of 0 tracks in 0.0 s, 1 failed" in shown.err


def test_full_disk_leaves_whole_rows_and_can_be_continued(clips, tmp_path, capsys):
    whole, cut = tmp_path / "whole.csv", tmp_path / "cut.csv"
    assert main("video", clips, "--frames", whole, "--jobs", 1) == 1
    with room_for(4000):
        assert main("video", clips, "--frames", cut, "--jobs", 1) == 2
    assert "File too large; make room, and continue it with --resume" in capsys.readouterr().err
    left = cut.read_bytes()
    assert whole.read_bytes().startswith(left)
    assert left.endswith(b"\n")
    assert main("video", clips, "--frames", cut, "--jobs", 1, "--resume") == 1
    assert cut.read_bytes() == whole.read_bytes()


# -- resuming --

OUTPUTS = {"--events": "e", "--frames": "f", "--summary": "s", "--page": "p.html"}


def options_in(folder: Path) -> list[object]:
    folder.mkdir(exist_ok=True)
    return [x for option, name in OUTPUTS.items() for x in (option, folder / name)]


def content_of(folder: Path) -> dict[str, bytes]:
    return {path.name: path.read_bytes() for path in sorted(folder.iterdir())}


@pytest.fixture(scope="module")
def whole(clips, tmp_path_factory):
    """What a run that is not interrupted writes."""
    found = {}
    for style in ("csv", "jsonl"):
        folder = tmp_path_factory.mktemp("whole") / style
        assert main("video", clips, *options_in(folder), "--format", style) == 1
        assert sorted(content_of(folder)) == sorted(OUTPUTS.values())
        found[style] = content_of(folder)
    return found


@pytest.mark.parametrize(("style", "video", "n_frames"), [("csv", 0, 5), ("csv", 2, 10), ("jsonl", 3, 30)])
def test_interrupted_run_is_resumed_to_the_same_bytes(
    clips, whole, tmp_path, monkeypatch, capsys, style, video, n_frames
):
    real, count = module.Recorder.add_rows, {}

    def stop(self, state):
        real(self, state)
        count[self._name] = count.get(self._name, 0) + 1
        if len(count) > video - (video > 1) and count[self._name] > n_frames:  # the second one is broken
            raise KeyboardInterrupt

    command = ("video", clips, *options_in(tmp_path / "out"), "--format", style)
    monkeypatch.setattr(module.Recorder, "add_rows", stop)
    assert main(*command, "--jobs", 1) == 130
    assert capsys.readouterr().err.splitlines()[-1] == "classic-eyes: stopped; continue with --resume"
    monkeypatch.setattr(module.Recorder, "add_rows", real)
    left = content_of(tmp_path / "out")
    assert left["f"] != whole[style]["f"]
    # Without --resume nothing of it is replaced.
    assert main(*command) == 2
    assert "exists; name another file, continue it with --resume" in capsys.readouterr().err
    assert content_of(tmp_path / "out") == left
    assert main(*command, "--resume") == 1
    error = capsys.readouterr().err
    assert content_of(tmp_path / "out") == whole[style]
    assert ("done before" in error) == bool(video)
    if video:
        assert f"; {video} {'was' if video == 1 else 'were'} done before" in error
        assert "1 failed" in error
    # Once it is complete, there is nothing to do.
    assert main(*command, "--resume") == 1
    assert "nothing to continue: the earlier run was complete" in capsys.readouterr().err
    assert content_of(tmp_path / "out") == whole[style]


def test_killed_run_is_resumed_to_the_same_bytes(clips, whole, tmp_path):
    options = options_in(tmp_path / "out")
    program = [sys.executable, "-m", "classic_eyes", "video", clips, *options, "--jobs", "1"]
    with subprocess.Popen([str(word) for word in program], stderr=subprocess.DEVNULL) as running:
        frames = tmp_path / "out" / "f"
        deadline = time.monotonic() + 120
        while running.poll() is None and time.monotonic() < deadline:
            if frames.exists() and frames.stat().st_size > 9000:
                running.kill()
            time.sleep(0.005)
    assert main("video", clips, *options, "--resume") == 1
    assert content_of(tmp_path / "out") == whole["csv"]


def test_resume_without_a_run_before_starts_one(clips, whole, tmp_path):
    assert main("video", clips, *options_in(tmp_path / "out"), "--resume") == 1
    assert content_of(tmp_path / "out") == whole["csv"]


def test_a_cut_journal_costs_its_last_video_only(clips, whole, tmp_path, monkeypatch, capsys):
    command = ("video", clips, *options_in(tmp_path / "out"))
    monkeypatch.setattr(module, "_write_documents", lambda *_: (_ for _ in ()).throw(KeyboardInterrupt))
    assert main(*command) == 130
    monkeypatch.undo()
    journal = tmp_path / "out" / "e.part"
    journal.write_bytes(journal.read_bytes()[:-30])
    assert main(*command, "--resume") == 1
    assert "3 were done before" in capsys.readouterr().err
    assert content_of(tmp_path / "out") == whole["csv"]


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (
            lambda out, clips: ("--format", "jsonl"),
            "--resume: the interrupted run had another format; name other files",
        ),
        (lambda out, clips: ("--model", "fast"), "--resume: the interrupted run had another model; name other files"),
        (
            lambda out, clips: (out / "e").write_text(""),
            "--events '{out}/e' is shorter than the interrupted run left it",
        ),
        (lambda out, clips: (out / "e.part").write_text("no\n"), "'{out}/e.part' is damaged; delete it, and start"),
        (lambda out, clips: (clips / "a.mp4").touch(), "video 1 was 'blink.mp4', but this run has 'a.mp4'; name other"),
        (
            lambda out, clips: (clips / "nobody.mp4").unlink(),
            "video 3 was 'nobody.mp4', but this run has 'sub/wink.AVI'",
        ),
        (
            lambda out, clips: shutil.rmtree(clips / "sub") or (clips / "nobody.mp4").unlink(),
            "video 3 was 'nobody.mp4', but there are no more; name",
        ),
    ],
)
def test_another_run_is_not_continued(clips, tmp_path, monkeypatch, capsys, change, message):
    own, out = tmp_path / "clips", tmp_path / "out"
    shutil.copytree(clips, own)
    command = ["video", own, *options_in(out)]
    real, seen = module.Recorder.add_rows, set()

    def stop(self, state):
        seen.add(self._name)
        if len(seen) == 3:
            raise KeyboardInterrupt
        real(self, state)

    monkeypatch.setattr(module.Recorder, "add_rows", stop)
    assert main(*command, "--jobs", 1) == 130
    monkeypatch.undo()
    changed = change(out, own)
    left = content_of(out)
    options = changed if isinstance(changed, tuple) else ()
    assert main(*command, "--resume", *options) == 2
    assert message.format(out=out) in capsys.readouterr().err
    assert content_of(out) == left


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda out, clips: (out / "s").unlink(), "--summary '{out}/s' is missing, but --events is complete"),
        (lambda out, clips: (clips / "a.mp4").touch(), "--summary '{out}/s' is of other videos"),
        (lambda out, clips: (out / "s").write_text("[]"), "--summary '{out}/s' is none of this command"),
        (lambda out, clips: (clips / "blink.mp4").unlink(), "--events '{out}/e' has rows of 'blink.mp4', which is not"),
    ],
)
def test_a_complete_run_of_something_else_is_not_continued(clips, whole, tmp_path, capsys, change, message):
    own, out = tmp_path / "clips", tmp_path / "out"
    shutil.copytree(clips, own)
    options = options_in(out)
    for name, content in whole["csv"].items():
        (out / name).write_bytes(content)
    change(out, own)
    left = content_of(out)
    assert main("video", own, *options, "--resume") == 2
    assert message.format(out=out) in capsys.readouterr().err
    assert content_of(out) == left


@pytest.mark.slow
def test_memory_does_not_grow_with_the_length(tmp_path, monkeypatch):
    write_clip(tmp_path / "a.mp4", blinks(6000, *range(40, 5900, 80)), fps=30)
    memory, real = [], module.Recorder.add_rows

    def measure(self, state):
        if state.index in (1500, 5999):
            memory.append(memory_of_tree_mb(os.getpid()))
        real(self, state)

    monkeypatch.setattr(module.Recorder, "add_rows", measure)
    outputs = ("--frames", tmp_path / "f", "--events", tmp_path / "e", "--summary", tmp_path / "s")
    assert main("video", tmp_path / "a.mp4", *outputs, "--page", tmp_path / "p.html", "--draw", tmp_path / "d.mp4") == 0
    assert memory[1] - memory[0] < 15
    assert memory[1] < 400


# -- progress --


def test_progress_has_frames_and_frames_a_second(blink, clips, tmp_path, capsys, monkeypatch):
    monkeypatch.setattr(progress, "_SECONDS", 0.02)
    assert main("video", blink) == 0
    lines = capsys.readouterr().err.splitlines()
    assert any(re.fullmatch(rf"{blink}: \d+ of 60 frames, [\d,]+ frames/s", line) for line in lines)
    assert main("video", clips, "--jobs", 1) == 1
    lines = capsys.readouterr().err.splitlines()
    assert any(re.fullmatch(r"sub/wink.AVI \(4 of 4\): \d+ of 60 frames, [\d,]+ frames/s", line) for line in lines)
    monkeypatch.setattr(progress, "_SECONDS", 0.0)
    assert main("video", clips, "--jobs", 2) == 1
    lines = capsys.readouterr().err.splitlines()
    assert any(re.fullmatch(r"3 of 4 videos, 90 frames, [\d,]+ frames/s", line) for line in lines)


def test_progress_on_a_terminal_is_a_bar(clips, blink):
    command = [sys.executable, "-m", "classic_eyes", "video"]
    shown = shown_on_a_terminal([*command, str(blink)])
    assert b"/60 [" in shown
    assert b" frames/s]" in shown
    shown = shown_on_a_terminal([*command, str(blink), str(clips / "nobody.mp4"), "--jobs", "2"])
    assert b"2/2 [" in shown
    assert b"90 frames, " in shown


# -- a camera --


def test_camera_gives_the_events_of_the_file_and_the_measured_times(clips, capsys):
    (clip,) = (clips / "blink.mp4",)
    assert main("video", clip) == 0
    offline = rows_of(capsys.readouterr().out)
    assert main("video", "--camera", clip) == 0
    shown = capsys.readouterr()
    assert rows_of(shown.out) == offline
    lines = shown.err.splitlines()
    assert lines[0] == f"'{clip}': 320x240, 25 frames/s; Ctrl-C ends"
    assert re.fullmatch(r"[\d.]+ ms a frame, 95% within [\d.]+ ms", lines[1])
    assert lines[-1] == "60 frames in 2.4 s: 1 blink"


def test_camera_writes_all_outputs(blink, tmp_path, capsys):
    names = {"--events": "e.csv", "--frames": "f.csv", "--summary": "s.json", "--page": "p.html", "--draw": "d.avi"}
    options = [x for option, name in names.items() for x in (option, tmp_path / name)]
    assert main("video", "--camera", blink, *options) == 0
    shown = capsys.readouterr()
    assert shown.out == ""
    assert shown.err.endswith(f"wrote {tmp_path / 'p.html'}; it contains images of people; open it in a browser\n")
    assert [row["kind"] for row in rows_of((tmp_path / "e.csv").read_text())] == ["blink"]
    rows = rows_of((tmp_path / "f.csv").read_text())
    assert [int(row["frame"]) for row in rows] == list(np.repeat(np.arange(60), 2))
    (summary,) = json.loads((tmp_path / "s.json").read_text())["files"]
    assert (summary["file"], summary["frames"]) == (str(blink), 60)
    with read_frames(tmp_path / "d.avi") as frames:
        assert sum(1 for _ in frames) == 60
    assert "blink.mp4" in (tmp_path / "p.html").read_text()
    assert main("video", "--camera", blink, *options) == 2
    assert "exists" in capsys.readouterr().err


def test_events_of_a_camera_come_while_it_runs(tmp_path, monkeypatch):
    """An event is written soon after its end, not at the end of the recording."""
    write_clip(tmp_path / "a.mp4", blinks(150, 30), noise=2)
    out, sizes = tmp_path / "e.csv", []
    real = camera_module.Monitor.update

    def update(self, frame, time_s):
        sizes.append(out.stat().st_size)
        return real(self, frame, time_s)

    monkeypatch.setattr(camera_module.Monitor, "update", update)
    assert main("video", "--camera", tmp_path / "a.mp4", "--events", out) == 0
    written = int(np.argmax(np.array(sizes) > sizes[0]))
    assert 37 < written < 37 + 25 * 2.5
    assert sizes[0] == len(EVENTS) + 1


@pytest.mark.parametrize("how", [signal.SIGINT, signal.SIGTERM])
def test_camera_ends_cleanly_when_it_is_stopped(tmp_path, how):
    write_clip(tmp_path / "a.mp4", blinks(1500, *range(40, 1400, 60)))
    program = [sys.executable, "-m", "classic_eyes", "video", "--camera", tmp_path / "a.mp4"]
    options = ["--frames", tmp_path / "f.csv", "--events", tmp_path / "e.csv", "--summary", tmp_path / "s.json"]
    command = [str(word) for word in (*program, *options, "--draw", tmp_path / "d.mp4", "--page", tmp_path / "p.html")]
    with subprocess.Popen(command, stderr=subprocess.PIPE, text=True) as running:
        deadline = time.monotonic() + 120
        while time.monotonic() < deadline:
            if (tmp_path / "e.csv").exists() and (tmp_path / "e.csv").stat().st_size > len(EVENTS) + 100:
                break
            time.sleep(0.02)
        running.send_signal(how)
        error = running.communicate(timeout=60)[1]
    assert running.returncode == 0, error
    assert "Traceback" not in error
    (summary,) = json.loads((tmp_path / "s.json").read_text())["files"]
    rows = rows_of((tmp_path / "f.csv").read_text())
    assert 0 < summary["frames"] < 1500
    # The signal may come while a frame is on its way.
    assert summary["frames"] - int(rows[-1]["frame"]) in (1, 2)
    assert abs(summary["tracks"][0]["blinks"] - len(rows_of((tmp_path / "e.csv").read_text()))) == 0
    with read_frames(tmp_path / "d.mp4") as frames:
        assert abs(sum(1 for _ in frames) - summary["frames"]) <= 1
    assert re.search(r"events came \d\.\d\d s after the eyes were open again, at most", error)
    assert sorted(path.name for path in tmp_path.iterdir()) == ["a.mp4", "d.mp4", "e.csv", "f.csv", "p.html", "s.json"]


class Capture:
    """A camera that shows a clip, and is unplugged at its end."""

    def __init__(self, path):
        self.frames = [frame.bgr for frame in read_frames(path)]
        self.taken = 0

    def isOpened(self):  # noqa: N802
        return True

    def get(self, _):
        return 30.0

    def grab(self):
        self.taken += 1
        time.sleep(0.01)
        return self.taken <= len(self.frames)

    def retrieve(self):
        return True, self.frames[self.taken - 1]

    def release(self):
        pass


def test_a_camera_that_is_unplugged_is_status_1(blink, monkeypatch, capsys):
    camera = Capture(blink)
    monkeypatch.setattr(cv2, "VideoCapture", lambda *_: camera)
    assert main("video", "--camera", "0") == 1
    shown = capsys.readouterr()
    assert shown.out.splitlines()[0] == EVENTS
    assert shown.err.splitlines()[0] == "camera 0: 320x240, 30 frames/s; Ctrl-C ends"
    assert "classic-eyes: camera 0: it gives no more frames" in shown.err


def test_a_network_camera_that_stops_is_status_1(blink, capsys):
    with network_camera([frame.bgr for frame in read_frames(blink)], freezes=False) as url:
        assert main("video", "--camera", url) == 1
    assert f"classic-eyes: {url}: it gives no more frames; connect it, and start again" in capsys.readouterr().err


@pytest.fixture
def window(monkeypatch):
    """A window that keeps what it shows; after 20 frames a key is pressed, or it is closed."""
    shown = types.SimpleNamespace(images=[], key=-1, is_closed=False, n_destroyed=0)

    def is_late() -> bool:
        return len(shown.images) >= 20

    def destroy(_):
        shown.n_destroyed += 1

    monkeypatch.setattr(camera_module, "can_show", lambda: True)
    monkeypatch.setattr(cv2, "namedWindow", lambda *_: None)
    monkeypatch.setattr(cv2, "resizeWindow", lambda *_: None)
    monkeypatch.setattr(cv2, "imshow", lambda _, image: shown.images.append(image))
    monkeypatch.setattr(cv2, "waitKey", lambda _: shown.key if is_late() else -1)
    monkeypatch.setattr(cv2, "getWindowProperty", lambda *_: 0.0 if shown.is_closed and is_late() else 1.0)
    monkeypatch.setattr(cv2, "destroyWindow", destroy)
    return shown


@pytest.mark.parametrize("how", ["q", "escape", "closed", "end"])
def test_window_shows_frames_and_ends(blink, window, capsys, how):
    window.key = {"q": ord("q"), "escape": 27}.get(how, -1)
    window.is_closed = how == "closed"
    assert main("video", "--camera", blink) == 0
    assert len(window.images) == (60 if how == "end" else 20)
    assert window.n_destroyed == 1
    assert window.images[0].shape == (480, 640, 3)
    shown = capsys.readouterr()
    assert "q in the window or Ctrl-C ends" in shown.err
    assert f"{len(window.images)} frames in" in shown.err


@pytest.mark.parametrize(
    ("environment", "status", "shows"),
    [
        ({}, 0, False),
        ({"DISPLAY": ":99"}, 0, True),
        ({"DISPLAY": ":99"}, -6, False),
        ({"WAYLAND_DISPLAY": "w"}, 0, True),
    ],
)
def test_a_window_is_shown_where_a_display_answers(monkeypatch, environment, status, shows):
    for name in ("DISPLAY", "WAYLAND_DISPLAY"):
        monkeypatch.delenv(name, raising=False)
    for name, value in environment.items():
        monkeypatch.setenv(name, value)
    monkeypatch.setattr(sys, "platform", "linux")
    done = subprocess.CompletedProcess([], status)
    monkeypatch.setattr(camera_module.subprocess, "run", lambda *_, **__: done)
    monkeypatch.setattr(camera_module, "has_windows", lambda: True)
    assert camera_module.can_show() is shows


@pytest.mark.parametrize("display", [":99", ""])
def test_an_opencv_without_windows_says_what_to_install_and_goes_on(blink, monkeypatch, capsys, display):
    """Where there is no display, no OpenCV would show one."""
    monkeypatch.delenv("WAYLAND_DISPLAY", raising=False)
    monkeypatch.setenv("DISPLAY", display)
    monkeypatch.setattr(sys, "platform", "linux")
    monkeypatch.setattr(camera_module, "has_windows", lambda: False)
    assert main("video", "--camera", blink) == 0
    shown = capsys.readouterr()
    assert len(rows_of(shown.out)) == 1
    lines = [line for line in shown.err.splitlines() if "no window" in line]
    assert len(lines) == bool(display)
    assert all("built without windows; for one run: pip uninstall -y " in line for line in lines)
    assert "; Ctrl-C ends" in shown.err


def test_a_display_that_does_not_answer_is_headless(blink):
    """OpenCV would end the process there."""
    done = run("video", "--camera", blink, env={**os.environ, "DISPLAY": ":98", "WAYLAND_DISPLAY": ""})
    assert done.returncode == 0, done.stderr
    assert "; Ctrl-C ends" in done.stderr
    assert len(rows_of(done.stdout)) == 1


# -- as installed --


def test_installed_program_reads_a_video(blink):
    start = time.perf_counter()
    done = run("video", blink)
    assert time.perf_counter() - start < 60
    assert done.returncode == 0, done.stderr
    assert [row["kind"] for row in rows_of(done.stdout)] == ["blink"]
    assert done.stderr.count("\n") == 1


def test_a_reader_that_leaves_ends_the_run_quietly(blink):
    command = f"'{sys.executable}' -m classic_eyes video '{blink}' --frames /dev/stdout | head -3"
    done = subprocess.run(command, shell=True, capture_output=True, text=True, timeout=120)
    assert done.stdout.splitlines()[0] == FRAMES
    assert done.stderr == ""


def test_an_ending_of_the_other_format_is_refused(tmp_path, clips, capsys):
    clip = next(path for path in clips.rglob("*.mp4"))
    assert main("video", clip, "--events", tmp_path / "e.jsonl") == 2
    assert "--events" in (error := capsys.readouterr().err)
    assert "must end in .csv" in error
