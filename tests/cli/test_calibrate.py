"""The command ``classic-eyes calibrate``, and ``--calibration`` of the others."""

from __future__ import annotations

import csv

import cv2
import numpy as np
import pytest

from classic_eyes.calibration import read_calibration
from classic_eyes.synthetic import make_eyes

from ..conftest import main

EYES = make_eyes(80, random_state=4)
OPEN, CLOSED = EYES.images[EYES.labels == 1], EYES.images[EYES.labels == 0]


@pytest.fixture(scope="module")
def person(tmp_path_factory):
    top = tmp_path_factory.mktemp("person")
    for kind, images in (("open", OPEN), ("closed", CLOSED)):
        (top / kind).mkdir()
        for k, image in enumerate(images):
            cv2.imwrite(str(top / kind / f"{k:02}.png"), image)
    return top


def test_calibrate_writes_and_predict_uses_the_threshold(person, tmp_path, capsys):
    out = tmp_path / "me.json"
    options = ("--out", out, "--model", "fast")
    assert main("calibrate", person / "open", "--closed", person / "closed", *options) == 0
    captured = capsys.readouterr()
    assert f"{len(OPEN)} open and {len(CLOSED)} closed eyes" in captured.out
    threshold = read_calibration(out).threshold.value
    assert main("predict", person, "--model", "fast", "--calibration", out) == 0
    rows = list(csv.DictReader(capsys.readouterr().out.splitlines()))
    assert all(int(row["label"]) == (float(row["score"]) >= threshold) for row in rows)
    # It is refused for another model, and no file is overwritten.
    assert main("predict", person, "--calibration", out) == 2
    assert "probabilities of another model" in capsys.readouterr().err
    assert main("calibrate", person / "open", *options) == 2
    assert "exists; name another file" in capsys.readouterr().err
    assert main("calibrate", person / "open", *options, "--force") == 0
    assert read_calibration(out).threshold.n_closed == 0


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (("calibrate", "{person}/open", "--out", "me.txt"), "--out 'me.txt' must end in .json"),
        (("calibrate", "{person}/open/00.png", "--out", "me.json"), "1 images of open eyes; 12 or more"),
        (("calibrate", "{person}/closed", "--closed", "{person}/open", "--out", "me.json"), "exchanged"),
        (("calibrate", "nobody", "--out", "me.json"), "'nobody': no such folder or image"),
        (("calibrate", "{person}/open", "--landmarks", "{person}/open/00.png", "--out", "me.json"), "--photographs"),
        (("predict", "{person}", "--calibration", "none.json"), "argument --calibration: 'none.json': no such file"),
        (("predict", "{person}", "--calibration", "{person}/open/00.png"), "is no calibration"),
        (("predict", "{person}", "--calibration", "{person}/open/00.png", "--threshold", ".5"), "give one of them"),
    ],
)
def test_wrong_arguments_give_a_one_line_error(person, tmp_path, monkeypatch, capsys, arguments, message):
    monkeypatch.chdir(tmp_path)
    status = main(*(argument.format(person=person) for argument in arguments))
    error = capsys.readouterr().err
    assert status == 2
    assert message in error
    assert error.count("\n") == 1
    assert not (tmp_path / "me.json").exists()


def test_calibrate_reads_photographs(tmp_path, capsys):
    pytest.importorskip("dlib", reason="dlib is not installed; pip install 'classic-eyes[faces]'")
    from skimage import data

    top = tmp_path / "frames"
    top.mkdir()
    for k in range(12):
        cv2.imwrite(str(top / f"{k:02}.png"), np.roll(data.astronaut(), 3 * k, axis=1)[:300, :, ::-1])
    (top / "broken.png").write_bytes(b"hello")
    cv2.imwrite(str(top / "wall.png"), np.zeros((90, 90), np.uint8))
    assert main("calibrate", top, "--photographs", "--out", tmp_path / "me.json") == 0
    captured = capsys.readouterr()
    assert "skipped" in captured.err
    assert "no eye found" in captured.err
    found = read_calibration(tmp_path / "me.json")
    # Two eyes of each of 12 photographs; a patch may be classified as a non-eye.
    assert 20 <= found.threshold.n_open <= 24
    assert main("faces", top / "00.png", "--calibration", tmp_path / "me.json") == 0
    assert ",open," in capsys.readouterr().out
