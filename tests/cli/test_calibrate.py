"""The command ``classic-eyes calibrate``, and ``--calibration`` of the others."""

from __future__ import annotations

import csv
import sys

import cv2
import numpy as np
import pytest

from classic_eyes.calibration import read_calibration
from classic_eyes.predictor import EyePredictor
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


def test_a_threshold_too_low_for_closed_eyes_is_warned_of(person, tmp_path, capsys, monkeypatch):
    odds = iter(np.linspace(-3, 3, 2 * len(OPEN)))
    monkeypatch.setattr(EyePredictor, "decision_function", lambda self, images: np.array([next(odds) for _ in images]))
    assert main("calibrate", person / "open", "--out", tmp_path / "me.json") == 0
    captured = capsys.readouterr()
    assert "warning: probability of open: the threshold 0.0" in captured.err
    assert "give closed eyes too, with --closed" in captured.err


@pytest.mark.parametrize(("n_low", "status"), [(18, 2), (11, 0)])
def test_a_threshold_that_does_harm_is_refused_and_a_doubtful_one_is_warned_of(
    person, tmp_path, capsys, monkeypatch, n_low, status
):
    """Eleven of twenty closed eyes are half open."""
    odds = iter(np.r_[np.full(n_low, 4.0), np.full(len(OPEN) - n_low, 5.0), np.full(11, 4.6), np.full(9, -5.0)])
    monkeypatch.setattr(EyePredictor, "decision_function", lambda self, images: np.array([next(odds) for _ in images]))
    closed = sorted((person / "closed").iterdir())[:20]
    assert main("calibrate", person / "open", "--closed", *closed, "--out", tmp_path / "me.json") == status
    error = capsys.readouterr().err
    assert ("and the usual one, 0.5, of" in error) == (status == 2)
    assert ("is low; check that the closed eyes are closed and the open ones open" in error) == (status == 0)
    assert (tmp_path / "me.json").exists() == (status == 0)


def test_open_and_closed_eyes_together_are_refused(person, tmp_path, capsys):
    assert main("calibrate", person / "open", person / "closed", "--out", tmp_path / "me.json") == 2
    error = capsys.readouterr().err
    assert f"the threshold from these {len(OPEN) + len(CLOSED)} images alone is 0.000, and no eye would be" in error
    assert not (tmp_path / "me.json").exists()


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (("calibrate", "{person}/open", "--out", "me.txt"), "--out 'me.txt' must end in .json"),
        (("calibrate", "{person}/open/00.png", "--out", "me.json"), "1 images of open eyes; 12 or more"),
        (("calibrate", "{person}/closed", "--closed", "{person}/open", "--out", "me.json"), "exchanged"),
        (("calibrate", "{person}/closed", "--out", "me.json"), "images given as open look closed; are these the right"),
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


def test_unexpected_error_of_one_photograph_is_reported(tmp_path, capsys, monkeypatch):
    pytest.importorskip("dlib", reason="dlib is not installed; pip install 'classic-eyes[faces]'")
    from classic_eyes.faces import FaceReader

    def fail(*arguments):
        raise ZeroDivisionError("of one photograph")

    monkeypatch.setattr(FaceReader, "read", fail)
    cv2.imwrite(str(tmp_path / "a.png"), np.zeros((90, 90), np.uint8))
    assert main("calibrate", tmp_path, "--photographs", "--out", tmp_path / "me.json") == 2
    error = capsys.readouterr().err
    assert "a.png: unexpected error: ZeroDivisionError: of one photograph" in error
    assert "0 images of open eyes" in error


def test_calibrate_takes_bits(person, tmp_path, capsys):
    folder = tmp_path / "open"
    folder.mkdir()
    for path in sorted((person / "open").iterdir()):
        cv2.imwrite(str(folder / path.name), cv2.imread(str(path), cv2.IMREAD_GRAYSCALE).astype(np.uint16) * 4)
    main("calibrate", folder, "--out", tmp_path / "me.json")
    assert f"all {len(OPEN)} images of 16 bits use the lowest 10 bits only" in capsys.readouterr().err
    assert main("calibrate", folder, "--out", tmp_path / "you.json", "--bits", 10) == 0
    assert "16 bits" not in capsys.readouterr().err
    assert main("calibrate", person / "open", "--out", tmp_path / "them.json") == 0
    values = [read_calibration(tmp_path / name).threshold.value for name in ("you.json", "them.json")]
    assert values[0] == pytest.approx(values[1], abs=0.02)


def test_calibrate_reads_photographs(tmp_path, capsys, monkeypatch):
    monkeypatch.setitem(sys.modules, "pillow_heif", None)
    pytest.importorskip("dlib", reason="dlib is not installed; pip install 'classic-eyes[faces]'")
    from skimage import data

    top = tmp_path / "frames"
    top.mkdir()
    for k in range(12):
        cv2.imwrite(str(top / f"{k:02}.png"), np.roll(data.astronaut(), 3 * k, axis=1)[:300, :, ::-1])
    (top / "broken.png").write_bytes(b"hello")
    (top / "telephone.heic").write_bytes(b"\0\0\0\x18ftypheic" + bytes(300))
    (top / "clip.mov").touch()
    cv2.imwrite(str(top / "wall.png"), np.zeros((90, 90), np.uint8))
    assert main("calibrate", top, "--photographs", "--out", tmp_path / "me.json") == 0
    captured = capsys.readouterr()
    assert "skipped" in captured.err
    assert "no eye found" in captured.err
    assert "telephone.heic: HEIC needs pillow-heif; run: pip install 'classic-eyes[photographs]'" in captured.err
    assert "1 file passed over (1 .mov): classic-eyes video reads videos" in captured.err
    found = read_calibration(tmp_path / "me.json")
    # Two eyes of each of 12 photographs; a patch may be classified as a non-eye.
    assert 20 <= found.threshold.n_open <= 24
    assert main("faces", top / "00.png", "--calibration", tmp_path / "me.json") == 0
    assert ",open," in capsys.readouterr().out


def test_photographs_given_as_patches_get_the_right_remedy(tmp_path, capsys):
    from skimage import data

    for kind, shift in (("open", 0), ("closed", 5)):
        (tmp_path / kind).mkdir()
        for k in range(12):
            image = np.roll(data.astronaut(), shift + k, axis=1)[..., ::-1]
            cv2.imwrite(str(tmp_path / kind / f"{k:02}.png"), image)
    out = tmp_path / "me.json"
    # Closed eyes that score higher than open ones.
    statuses = [
        main("calibrate", tmp_path / a, "--closed", tmp_path / b, "--out", out, "--force")
        for a, b in (("open", "closed"), ("closed", "open"))
    ]
    error = capsys.readouterr().err
    assert 2 in statuses
    assert "exchanged" not in error
    assert error.count("larger images examined do not look like a patch of one eye; add --photographs if they are") == 2
    assert error.count("error: ") == statuses.count(2)
    # With open eyes alone it may work, with a warning.
    main("calibrate", tmp_path / "open", "--out", out, "--force")
    assert "add --photographs" in capsys.readouterr().err


def test_score_of_the_usual_threshold_is_printed(person, tmp_path, capsys):
    import re

    assert main("calibrate", person / "open", "--closed", person / "closed", "--out", tmp_path / "me.json") == 0
    (shown,) = re.findall(r"with the usual threshold 0.5: (\d+\.\d)%", capsys.readouterr().out)
    assert main("predict", person) == 0
    rows = list(csv.DictReader(capsys.readouterr().out.splitlines()))
    right = np.mean([row["file"].startswith("open") == (row["label"] == "1") for row in rows])
    assert shown == f"{100 * right:.1f}"
