"""The time of predictions as a command."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

from benchmarks.commands import speed

from ...conftest import ROOT, write_eyes
from ..conftest import bench

HEAVY = ("sklearn", "scipy", "skimage", "matplotlib", "tqdm", "classic_eyes.classifier", "benchmarks.run")


@pytest.fixture
def folder(tmp_path) -> Path:
    write_eyes(tmp_path / "eyes", 12, random_state=4)
    return tmp_path / "eyes"


def test_ratios_are_taken_within_one_run(small_model, folder, tmp_path, capsys):
    model = small_model.with_suffix(".npz")
    options = ("--rounds", 1, "--jobs", 1, "--many", 30, "--out", tmp_path / "out")
    assert bench("speed", folder, "--models", f"{model},fast", *options) == 0
    out, err = capsys.readouterr()
    found = json.loads((tmp_path / "out" / "speed.json").read_text())
    assert (found["images"], found["singles"], found["rounds"], found["many"]) == (12, 12, 1, 30)
    assert found["over_decode"]["decode"] == 1
    seconds = found["seconds"]
    # Twelve small images take less time than the machine varies; only the starts differ enough to be compared.
    assert min(seconds.values()) > 0
    assert seconds[f"{model}: a process for one file"] > seconds["python"]
    assert set(found["memory"]) == {str(model), "fast"}
    assert all(20 < memory < 1000 for memory in found["memory"].values())
    assert f"{model}: folder to CSV, 1 jobs" in out
    assert "x decode" in out
    assert "speed.json" in err
    # It is not replaced, and that is said before the work.
    assert bench("speed", "no-such-folder", "--out", tmp_path / "out") == 2
    assert "speed.json' exists; name another file, or replace it with --force" in capsys.readouterr().err
    assert bench("speed", folder, "--out", tmp_path / "out" / "speed.json") == 2
    assert "the folder cannot be made" in capsys.readouterr().err


def test_times_and_ratios_are_medians_over_the_rounds(folder, tmp_path, monkeypatch):
    """With a known clock: decoding takes 9, then 2, 4 and 3 s; one image 90, then 10, 8 and 30 s."""
    ticks = {"decode": [9.0, 2.0, 4.0, 3.0], "one": [90.0, 10.0, 8.0, 30.0]}
    times = iter([time for both in zip(*ticks.values(), strict=True) for time in both])
    monkeypatch.setattr(speed, "_actions", lambda *_: dict.fromkeys(ticks))
    monkeypatch.setattr(speed, "_seconds", lambda action: next(times))
    found = speed._measure(str(folder), [], rounds=3, n_jobs=1, many=0, scratch=str(tmp_path))
    # The first round warms up. The ratio is the median of 5, 2 and 10, not that of the medians, 10 / 3.
    assert found["seconds"] == {"decode": 3.0, "one": 10.0}
    assert found["over_decode"] == {"decode": 1.0, "one": 5.0}


def test_measuring_process_imports_no_more_than_a_prediction_run():
    code = f"import sys, benchmarks.commands.speed; print(*[name for name in {HEAVY!r} if name in sys.modules])"
    command = [sys.executable, "-c", code]
    done = subprocess.run(command, capture_output=True, text=True, check=True, timeout=60, cwd=ROOT)
    assert done.stdout.split() == []


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (["a", "b"], "unrecognized arguments: b"),
        (["--features", "hog"], "unrecognized arguments: --features"),
        (["--models", "no-such"], "no file of this name"),
        (["--models", "mine.joblib"], "only .npz files"),
        (["no-such"], "no such folder or image"),
    ],
)
def test_wrong_arguments_give_one_line(capsys, options, message):
    assert bench("speed", *options) == 2
    out, err = capsys.readouterr()
    assert out == ""
    assert message in err
    assert len(err.strip().splitlines()) == 1
