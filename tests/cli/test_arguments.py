"""Outputs: one rule for all commands. No file that is read, and no other file without ``--force``, is overwritten."""

from __future__ import annotations

import os
import subprocess
import sys
import threading

import cv2
import numpy as np
import pytest

from classic_eyes._utils.files import shipped_model
from classic_eyes.cli.arguments import check_out
from classic_eyes.errors import ParameterError

from ..conftest import main, write_eyes, write_labelled, write_open_eyes


@pytest.fixture
def place(tmp_path, monkeypatch):
    """The current folder: a file, a folder, a link to the file, and a link to nothing."""
    monkeypatch.chdir(tmp_path)
    (tmp_path / "a.csv").write_text("precious")
    (tmp_path / "folder.csv").mkdir()
    (tmp_path / "link.csv").symlink_to("a.csv")
    (tmp_path / "dangling.csv").symlink_to("nothing")
    os.link("a.csv", "hard.csv")
    return tmp_path


@pytest.mark.parametrize(
    ("name", "options", "message"),
    [
        ("a.csv", {}, "'a.csv' exists; name another file, or replace it with --force"),
        (
            "a.csv",
            {"resume": False},
            "exists; name another file, continue it with --resume, or replace it with --force",
        ),
        ("link.csv", {}, "exists"),
        ("dangling.csv", {}, "exists"),
        (
            "a.csv",
            {"force": True, "resume": True},
            "--force replaces --out 'a.csv' and --resume continues it; give one",
        ),
        ("a.csv", {"force": True, "read": ["b", "a.csv"]}, "'a.csv' is one of the files that are read; name another"),
        ("a.csv", {"resume": True, "read": ["./a.csv"]}, "is one of the files that are read"),
        ("link.csv", {"force": True, "read": ["a.csv"]}, "is one of the files that are read"),
        ("hard.csv", {"force": True, "read": ["a.csv"]}, "is one of the files that are read"),
        ("folder.csv", {"force": True}, "is a folder; name a file"),
        ("no/b.csv", {}, "there is no folder 'no'; make it first"),
        ("b.txt", {}, "'b.txt' must end in .csv or .json"),
    ],
)
def test_what_is_refused(place, name, options, message):
    with pytest.raises(ParameterError) as raised:
        check_out(name, ".csv", ".json", **{"force": False, **options})
    assert message in str(raised.value)
    assert "\n" not in str(raised.value)


@pytest.mark.parametrize(
    ("name", "options"),
    [
        ("b.csv", {"read": ["a.csv"]}),
        ("a.csv", {"force": True}),
        ("a.csv", {"resume": True}),
        ("dangling.csv", {"force": True, "read": ["a.csv"]}),
        ("/dev/null", {}),
        ("/dev/full", {}),
        ("/dev/stdout", {}),
    ],
)
def test_what_is_allowed(place, name, options):
    check_out(name, ".csv", **{"force": False, **options})
    assert sorted(os.listdir(place)) == ["a.csv", "dangling.csv", "folder.csv", "hard.csv", "link.csv"]


def test_closed_standard_output_is_refused(monkeypatch):
    check_out(None, force=False)
    monkeypatch.setattr(sys, "stdout", None)
    with pytest.raises(ParameterError, match=r"standard output is closed; .*--out FILE"):
        check_out(None, force=False)


# -- the commands --


@pytest.fixture(scope="module")
def folders(tmp_path_factory, small_model):
    """Commands that can write a file, by name; without ``--out``."""
    top = tmp_path_factory.mktemp("outputs")
    write_eyes(top / "eyes", 30, random_state=4)
    labelled = write_labelled(top / "labelled", 60)
    model = ("--model", small_model.with_suffix(".npz"))
    return {
        "predict": ("predict", top / "eyes", *model),
        "faces": ("faces", top / "eyes", *model),
        "calibrate": ("calibrate", write_open_eyes(top / "open", 60), *model),
        "label": ("label", top / "eyes", *model),
        "train": ("train", labelled, "--features", "profile", "--classifier", "linear", "--folds", 0),
        "audit": ("audit", labelled, "--features", "profile", "--folds", 2),
        "merge": ("merge", labelled / "assets.csv", labelled / "assets.csv"),
    }


ENDINGS = {"predict": "csv", "faces": "csv", "calibrate": "json", "label": "html", "train": "joblib", "audit": "html"}
ENDINGS["merge"] = "csv"


@pytest.mark.parametrize("command", ENDINGS)
def test_existing_file_is_replaced_only_with_force(folders, command, tmp_path, capsys):
    if command == "faces":
        pytest.importorskip("dlib", reason="dlib is not installed; pip install 'classic-eyes[faces]'")
    out = tmp_path / f"out.{ENDINGS[command]}"
    out.write_text("precious")
    assert main(*folders[command], "--out", out) == 2
    error = capsys.readouterr().err
    assert error.count("\n") == 1
    assert "exists" in error
    assert "--force" in error
    assert ("--resume" in error) == (command in ("predict", "faces"))
    assert out.read_text() == "precious"
    assert main(*folders[command], "--out", out, "--force") == 0
    written = out.read_bytes()
    assert written != b"precious"
    new = tmp_path / f"new.{ENDINGS[command]}"
    assert main(*folders[command], "--out", new) == 0
    assert new.read_bytes() == written


def test_label_file_is_not_lost_to_predict(folders, tmp_path, capsys):
    labels = tmp_path / "labels.csv"
    labels.write_text("file,label\n000.png,1\n")
    assert main(*folders["predict"], "--out", labels) == 2
    assert main(*folders["predict"], "--out", labels, "--resume") == 2
    assert "does not start with the csv header of this run" in capsys.readouterr().err
    assert labels.read_text() == "file,label\n000.png,1\n"


def test_model_calibration_and_landmarks_are_not_overwritten(folders, tmp_path, small_model, capsys):
    model = small_model.with_suffix(".npz")
    before, shipped = model.read_bytes(), shipped_model("fast").read_bytes()
    assert main(*folders["predict"], "--out", model, "--force") == 2
    assert main(*folders["predict"][:2], "--model", "fast", "--out", shipped_model("fast"), "--force") == 2
    calibration = tmp_path / "me.json"
    assert main(*folders["calibrate"], "--out", calibration) == 0
    text = calibration.read_text()
    assert main(*folders["predict"], "--calibration", calibration, "--out", calibration, "--force") == 2
    assert capsys.readouterr().err.count("is one of the files that are read") == 3
    assert (model.read_bytes(), shipped_model("fast").read_bytes(), calibration.read_text()) == (before, shipped, text)


def test_rows_go_to_a_pipe_and_are_appended_to_standard_output(folders, tmp_path, capsys):
    assert main(*folders["predict"]) == 0
    expected = capsys.readouterr().out
    os.mkfifo(tmp_path / "pipe")
    received: list[str] = []
    reader = threading.Thread(target=lambda: received.append((tmp_path / "pipe").read_text()))
    reader.start()
    assert main(*folders["predict"], "--out", tmp_path / "pipe") == 0
    reader.join(10)
    assert received == [expected]
    assert main(*folders["predict"], "--out", "/dev/null") == 0
    command = " ".join([sys.executable, "-m", "classic_eyes", *map(str, folders["predict"]), "--out", "/dev/stdout"])
    both = f"{command} >> {tmp_path / 'all'} && {command} >> {tmp_path / 'all'}"
    subprocess.run(["bash", "-c", both], capture_output=True, check=True, timeout=120)
    assert (tmp_path / "all").read_text() == 2 * expected


# -- arguments that several commands share --


@pytest.mark.parametrize("command", ["predict", "calibrate", "label", "train", "audit"])
def test_bits_reach_the_images_of_every_command(command, tmp_path, small_model, capsys):
    if command == "calibrate":
        folder = write_open_eyes(tmp_path / "eyes", 120)
    else:
        folder = write_labelled(tmp_path / "eyes", 60)
    for path in folder.glob("*.png"):
        image = cv2.imread(str(path), cv2.IMREAD_GRAYSCALE).astype(np.uint16) * 4
        image[0, 0] = 1023
        cv2.imwrite(str(path), image)
    out = {"predict": "a.csv", "calibrate": "a.json", "label": "a.html", "train": "a.npz", "audit": "a.csv"}[command]
    arguments = [command, folder, "--out", tmp_path / out]
    if command == "label":
        (folder / "assets.csv").unlink()
    if command in ("predict", "calibrate", "label"):
        arguments += ["--model", small_model.with_suffix(".npz")]
    if command == "train":
        arguments += ["--features", "profile", "--classifier", "linear", "--folds", 0]
        arguments[3] = tmp_path / "a.joblib"
    if command == "audit":
        arguments += ["--features", "profile", "--folds", 2]
    main(*arguments)
    assert "all 60 images of 16 bits use the lowest 10 bits only" in capsys.readouterr().err
    assert main(*arguments, "--bits", 10, "--force") == 0
    assert "16 bits" not in capsys.readouterr().err
