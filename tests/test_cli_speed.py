"""A quick start and what goes with it: which model is read, who computes, where the time goes, what a file is."""

from __future__ import annotations

import csv
import io
import json
import os
import platform
import re
import shutil
import subprocess
import sys
from collections import Counter
from importlib import import_module

import cv2
import numpy as np
import pytest
from classic_eyes.conftest import ROOT, run, write_eyes

from benchmarks.commands import profile, speed
from classic_eyes import EyeClassifier, EyePredictor, cli
from classic_eyes._utils.memory import memory_of_tree_mb
from classic_eyes._utils.shipped import SHIPPED_MODELS
from classic_eyes.cli import rows as rows_of
from classic_eyes.errors import ModelError
from classic_eyes.images import files, read_image, read_images
from classic_eyes.inference import Scored
from classic_eyes.synthetic import make_eyes

HEAVY = ("sklearn", "scipy", "skimage", "tqdm", "classic_eyes.classifier", "benchmarks")


def main(*arguments: object) -> int:
    """Run the program in this process; what argparse refuses gives its status."""
    try:
        return cli.main([str(argument) for argument in arguments])
    except SystemExit as stopped:
        return int(stopped.code or 0)


@pytest.fixture(scope="module")
def models(tmp_path_factory):
    """A compiled model, its joblib file alone, and one of a classifier without a compiled form."""
    folder = tmp_path_factory.mktemp("models")
    eyes = make_eyes(80, random_state=3)
    fitted = EyeClassifier(features=("hog",), n_components=20, n_copies=0).fit(eyes.images, eyes.labels)
    fitted.save(folder / "m.joblib", card={"what": "a toy"})
    shutil.copy(folder / "m.joblib", folder / "alone.joblib")
    plain = EyeClassifier(features=("profile",), classifier="linear", n_copies=0).fit(eyes.images, eyes.labels)
    plain.save(folder / "plain.joblib", card={"what": "a toy"})
    return folder


@pytest.fixture
def folder(tmp_path):
    write_eyes(tmp_path / "eyes", 12, random_state=4)
    return tmp_path / "eyes"


def test_finding_images_needs_no_scikit_learn():
    code = "import sys; from classic_eyes.datasets import find_images; assert 'sklearn' not in sys.modules"
    subprocess.run([sys.executable, "-c", code], check=True, timeout=60)


# -- reading ahead --


def test_reading_ahead_changes_no_row(folder, monkeypatch):
    (folder / "005.png").write_bytes(b"text")
    (folder / "007.png").write_bytes(b"")
    cv2.imwrite(str(folder / "008.png"), np.full((40, 60, 3), 90, np.uint8))
    paths = [str(folder / f"{number:03}.png") for number in range(12)]
    images, errors = read_images(paths)
    assert [row for row, error in enumerate(errors) if error] == [5, 7]
    for row, path in enumerate(paths):
        if errors[row] is None:
            np.testing.assert_array_equal(images[row], read_image(path))
    monkeypatch.setattr(files, "_READ_AHEAD", 1)
    again, same = read_images(paths)
    np.testing.assert_array_equal(again, images)
    assert same == errors


def test_files_are_not_all_held_before_they_are_decoded(folder, monkeypatch):
    held = []
    real = files._decode_into
    monkeypatch.setattr(files, "_READ_AHEAD", 1000)
    monkeypatch.setattr(
        files, "_decode_into", lambda *given: (held.append(sum(len(data) for _, data in given[2])), real(*given))
    )
    paths = sorted(str(path) for path in folder.iterdir())
    read_images(paths)
    assert len(held) > 2
    assert max(held) <= 1000 + max(os.path.getsize(path) for path in paths)


# -- profile --


STAGES = ["start", "listing", "decoding", "features", "decision", "writing"]


def test_profile_says_where_the_time_goes(models, folder, capsys):
    assert main("profile", folder, "--model", models / "m.npz", "--rounds", 1, "--jobs", 2, "--format", "json") == 0
    told = json.loads(capsys.readouterr().out)
    assert [entry["stage"] for entry in told["stages"]] == STAGES
    assert (told["images"], told["failed"], told["rounds"], told["run"]["jobs"]) == (12, 0, 1, 2)
    assert sum(entry["share"] for entry in told["stages"]) == pytest.approx(1)
    for entry in told["stages"]:
        assert entry["seconds"] > 0
        assert entry["microseconds"] == pytest.approx(entry["seconds"] / 12 * 1e6)
    decoding = told["stages"][2]["seconds"]
    assert told["run"]["over_decode"] == pytest.approx(told["run"]["seconds"] / decoding)
    assert told["run"]["images_a_second"] == pytest.approx(12 / told["run"]["seconds"])


def test_profile_counts_what_it_cannot_read(models, folder, capsys, monkeypatch):
    monkeypatch.setattr(profile, "time_start", lambda *_, **__: 0.5)
    (folder / "003.png").write_bytes(b"")
    assert main("profile", folder, "--model", models / "m.npz", "--rounds", 1) == 1
    out = capsys.readouterr().out
    assert [line.split()[0] for line in out.splitlines()[2:8]] == STAGES
    assert out.splitlines()[-1].startswith("1 of the images could not be read")
    for path in folder.iterdir():
        path.write_bytes(b"")
    assert main("profile", folder, "--model", models / "m.npz", "--rounds", 1) == 1
    assert "12 of the images" in capsys.readouterr().out


def test_profile_of_a_model_without_a_compiled_form(models, folder):
    plain = EyeClassifier.load(models / "plain.joblib", trusted=True)
    told = profile.time_run([str(folder)], plain, n_jobs=1, rounds=2)
    assert list(told["seconds"]) == ["listing", "decoding", "features and decision", "writing"]


def test_the_start_is_that_of_a_new_process(models):
    assert 0.05 < profile.time_start(str(models / "m.npz")) < 60
    with pytest.raises(ModelError, match=r"a new process cannot open the model: .*no model file"):
        profile.time_start(str(models / "none.npz"))


@pytest.mark.parametrize(
    ("options", "said"),
    [
        (["{}/none"], "no such folder or image"),
        (["{}", "--rounds", "0"], "not a whole number from 1"),
        (["{}", "--model", "none.joblib"], "no model file"),
    ],
)
def test_profile_refuses_in_one_line(folder, capsys, options, said):
    assert main("profile", *(option.format(folder) for option in options)) == 2
    out, err = capsys.readouterr()
    assert out == ""
    assert said in err
    assert len(err.strip().splitlines()) == 1


# -- how long people wait --


def test_speed_is_a_ratio_within_one_run(models, folder, tmp_path, capsys):
    model = models / "m.npz"
    options = ("--rounds", 2, "--jobs", 1, "--many", 30, "--out", tmp_path / "out")
    assert main("bench", "--speed", "--data", folder, "--models", model, *options) == 0
    out, err = capsys.readouterr()
    told = json.loads((tmp_path / "out" / "speed.json").read_text())
    assert (told["images"], told["singles"], told["rounds"], told["many"]) == (12, 12, 2, 30)
    assert told["over_decode"]["decode"] == 1
    seconds = told["seconds"]
    # Twelve small images take less than what the machine does besides; of what was timed only the starts are far
    # enough apart to be told from each other.
    assert min(seconds.values()) > 0
    assert seconds[f"{model}: a process for one file"] > seconds["python"]
    assert 20 < told["memory"][str(model)] < 1000
    assert f"{model}: folder to CSV, 1 jobs" in out
    assert "x decode" in out
    assert "speed.json" in err


def test_times_and_ratios_are_medians_over_the_rounds(models, folder, tmp_path, monkeypatch):
    """By a clock whose times are known: decoding takes 9, then 2, 4 and 3 s; one image 90, then 10, 8 and 30 s."""
    ticks = {"decode": [9.0, 2.0, 4.0, 3.0], "one": [90.0, 10.0, 8.0, 30.0]}
    taken = iter([time for both in zip(*ticks.values(), strict=True) for time in both])
    monkeypatch.setattr(speed, "_actions", lambda *_: dict.fromkeys(ticks))
    monkeypatch.setattr(speed, "_seconds", lambda action: next(taken))
    found = speed._measure(str(folder), [], rounds=3, n_jobs=1, many=0, scratch=str(tmp_path))
    # The first round warms up. The ratio is the median of 5, 2 and 10, not that of the medians, 10 / 3.
    assert found["seconds"] == {"decode": 3.0, "one": 10.0}
    assert found["over_decode"] == {"decode": 1.0, "one": 5.0}


def test_what_measures_loads_no_more_than_a_run():
    code = f"import sys, benchmarks.commands.speed; print(*[name for name in {HEAVY!r} if name in sys.modules])"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True, timeout=60)
    assert done.stdout.split() == []


@pytest.mark.parametrize(
    ("options", "said"),
    [
        (["--rounds", 3], "--rounds says how --speed measures; add --speed"),
        (["--speed", "--data", "a", "b"], "--speed takes one folder after --data, not 2"),
        (["--speed", "--features", "hog"], "--features does not go with --speed"),
        (["--speed", "--models", "no-such"], "no model file of this name"),
        (["--speed", "--data", "no-such"], "no such folder or image"),
    ],
)
def test_speed_refuses_in_one_line(capsys, options, said):
    assert main("bench", *options) == 2
    out, err = capsys.readouterr()
    assert out == ""
    assert said in err
    assert len(err.strip().splitlines()) == 1


def test_a_model_without_a_compiled_form_has_no_place_in_the_table(models, folder, capsys):
    assert main("bench", "--speed", "--data", folder, "--models", models / "plain.joblib", "--rounds", 1) == 2
    assert "--trust-model" in capsys.readouterr().err


def printed_by(code):
    return subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True, timeout=60).stdout


only_glibc = pytest.mark.skipif(platform.libc_ver()[0] != "glibc", reason="other allocators go their own way")


@only_glibc
def test_freed_memory_is_kept():
    """Arrays of a batch take pages from the system once, not every time."""
    code = (
        "import resource, numpy as np\n"
        "from classic_eyes._utils.memory import keep_freed_memory\n"
        "faults = lambda: resource.getrusage(resource.RUSAGE_SELF).ru_minflt\n"
        "def work():\n"
        "    before = faults()\n"
        "    for _ in range(20): np.ones(2_000_000, np.uint8)\n"
        "    return faults() - before\n"
        "fresh = work()\n"
        "keep_freed_memory()\n"
        "work()\n"
        "print(fresh, work())"
    )
    fresh, kept = map(int, printed_by(code).split())
    assert fresh > 20 * kept


@only_glibc
def test_freed_memory_is_given_back_before_a_process_is_forked():
    code = (
        "import numpy as np\n"
        "from pathlib import Path\n"
        "from classic_eyes._utils.memory import keep_freed_memory, make_ready_to_fork\n"
        "held = lambda: int(Path('/proc/self/statm').read_text().split()[1]) * 4096 >> 20\n"
        "keep_freed_memory()\n"
        "arrays = [np.ones(1 << 20, np.uint8) for _ in range(12)]\n"
        "del arrays\n"
        "before = held()\n"
        "make_ready_to_fork()\n"
        "print(before - held())"
    )
    assert int(printed_by(code)) >= 8


@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="only Linux tells")
def test_the_memory_of_a_tree_is_that_of_its_processes():
    code = "import sys; held = bytearray(b'x') * (50 << 20); print('ready', flush=True); sys.stdin.read()"
    alone = memory_of_tree_mb(os.getpid())
    with subprocess.Popen([sys.executable, "-c", code], stdin=subprocess.PIPE, stdout=subprocess.PIPE) as child:
        child.stdout.readline()
        assert 50 < memory_of_tree_mb(child.pid) < 100
        assert memory_of_tree_mb(os.getpid()) > alone + 45
        child.stdin.close()
    assert memory_of_tree_mb(child.pid) == 0
