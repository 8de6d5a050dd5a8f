"""The comparison with MediaPipe: its rules on known signals, and the table from stored signals, without MediaPipe."""

from __future__ import annotations

import runpy
import sys

import numpy as np
import pytest

from benchmarks.video import Interval

from ..benchmarks.test_video import write_folder
from ..conftest import ROOT

TIMES = np.arange(100) / 25
RULES = {"closed": 0.5, "edge": 0.8, "rearm": 0.7}


@pytest.fixture
def tool():
    return runpy.run_path(str(ROOT / "tools" / "evaluate_mediapipe.py"))


def signal(*values: tuple[int, float]) -> np.ndarray:
    openness = np.ones(100)
    for frame, value in values:
        openness[frame] = value
    return openness


def test_closures_reach_to_the_edges(tool):
    openness = signal((10, 0.75), (11, 0.4), (12, 0.4), (13, 0.79), (14, 0.8), (30, 0.6))
    assert tool["find_closures"](TIMES, openness, **RULES) == [Interval(10, 13)]


def test_a_peak_separates_two_closures_from_the_openness_of_rearming_on(tool):
    def _find(peak):
        openness = signal((10, 0.4), (11, 0.6), (12, peak), (13, 0.6), (14, 0.4))
        return tool["find_closures"](TIMES, openness, **RULES)

    assert _find(0.69) == [Interval(10, 14)]
    assert _find(0.71) == [Interval(10, 11), Interval(13, 14)]


def test_closures_of_half_a_second_are_long(tool):
    openness = np.ones(100)
    openness[10:22] = 0.2
    assert tool["find_closures"](TIMES, openness, **RULES)[0].kind == "blink"
    openness[22:24] = 0.2
    assert tool["find_closures"](TIMES, openness, **RULES) == [Interval(10, 23, "long")]


def test_frames_without_a_face_end_a_closure(tool):
    openness = signal((10, 0.4), (11, np.nan), (12, 0.4))
    assert tool["find_closures"](TIMES, openness, **RULES) == [Interval(10, 10), Interval(12, 12)]
    assert tool["find_closures"](TIMES, np.full(100, np.nan), **RULES) == []


def test_the_open_eye_is_that_of_the_time_around(tool):
    times = np.arange(0, 100, 0.5)
    level = tool["open_level"](times, np.where(times < 50, 0.2, 0.4), 70)
    assert level[0] == pytest.approx(0.2)
    assert level[-1] == pytest.approx(0.4)
    assert np.isnan(tool["open_level"](times, np.full(200, np.nan), 70)).all()


def test_aspect_ratio_in_closed_form(tool):
    eye = np.array([(0, 0), (2, -1), (4, -1), (6, 0), (4, 1), (2, 1)], dtype=float)
    assert tool["aspect_ratio"](np.stack([eye, eye * 3])) == pytest.approx([2 / 6, 2 / 6])


def test_table_of_stored_signals(tool, tmp_path, monkeypatch, capsys):
    labels = "20,24,blink,21,23,\n"
    folder = write_folder(tmp_path / "videos", {"a": labels, "b": labels, "c": None})
    for name in ("a", "b"):
        ratio = np.full(100, 0.3)
        ratio[20:25] = 0.1
        np.savez(tmp_path / f"{name}-ear.npz", times=TIMES, signal=ratio, seconds=1.0)
    monkeypatch.setattr(sys, "argv", ["evaluate_mediapipe.py", str(folder), "--signals", str(tmp_path)])
    assert tool["main"]() == 0
    lines = capsys.readouterr().out.splitlines()
    assert len(lines) == 2 + 8 + 2
    for line in lines[2:10]:
        assert "| 1.000 | 1.000 | 1.000 (1.000-1.000) |" in line
    assert lines[2].startswith("| MediaPipe, EAR < 0.2 | optional |")


def test_what_is_missing_is_named_in_one_line(tool, tmp_path, monkeypatch, capsys):
    monkeypatch.setattr(sys, "argv", ["evaluate_mediapipe.py", str(tmp_path)])
    assert tool["main"]() == 2
    assert "clips.csv" in capsys.readouterr().err
    folder = write_folder(tmp_path / "videos", {"a": "20,24,blink,21,23,\n"})
    monkeypatch.setattr(sys, "argv", ["evaluate_mediapipe.py", str(folder)])
    monkeypatch.setitem(sys.modules, "mediapipe", None)
    assert tool["main"]() == 2
    assert "MediaPipe is not installed" in capsys.readouterr().err
