"""The command ``classic-eyes faces``, and the hint of ``predict`` to it."""

from __future__ import annotations

import csv
import json
import re
import shutil
import subprocess
import sys
import time
from datetime import UTC, datetime

import cv2
import numpy as np
import pytest
from PIL import Image

from classic_eyes._utils.resources import memory_of_tree_mb
from classic_eyes.cli import faces, progress
from classic_eyes.errors import ModelError
from classic_eyes.images.arrays import MAX_PIXELS
from classic_eyes.inference import processes
from classic_eyes.synthetic import EyeParameters, render

from ..conftest import ROOT, main, run, write_eyes
from ..faces.conftest import COLLINS, album, landmark_files
from ..images.test_photographs import dng
from .conftest import shown_on_a_terminal
from .test_rows import room_for

__all__ = ["album", "landmark_files"]  # fixtures

pytest.importorskip("dlib", reason="dlib is not installed; pip install 'classic-eyes[faces]'")


def test_one_row_per_eye_and_one_per_photograph_without_a_face(album, landmark_files, tmp_path, capsys):
    assert main("faces", album, "--landmarks", landmark_files[68]) == 1
    captured = capsys.readouterr()
    rows = list(csv.DictReader(captured.out.splitlines()))
    assert captured.out.splitlines()[0] == "file,face,eye,x,y,w,h,ear,label,score,verdict,error"
    assert [(row["file"], row["face"], row["eye"], row["error"]) for row in rows] == [
        ("broken.jpg", "", "", "text, not an image"),
        ("collins.png", "1", "right", ""),
        ("collins.png", "1", "left", ""),
        ("wall.png", "", "", "no face found"),
    ]
    assert [row["verdict"] for row in rows[1:3]] == ["open", "open"]
    assert all(float(row["ear"]) > 0.2 and float(row["score"]) > 0.9 and row["label"] == "1" for row in rows[1:3])
    assert "2 read: 1 face, 1 open, 1 without a face, 1 failed" in captured.err
    assert captured.err.splitlines()[1:] == [
        "classic-eyes: skipped broken.jpg: text, not an image",
        "look also at the photograph without a face: a face with closed eyes may be missed; --upsample 1 finds more "
        "faces, and takes longer",
    ]
    # JSON lines in a file hold the same.
    out = tmp_path / "answers.jsonl"
    assert main("faces", album, "--landmarks", landmark_files[68], "--format", "jsonl", "--out", out) == 1
    entries = [json.loads(line) for line in out.read_text().splitlines()]
    assert [entry["eye"] for entry in entries] == [None, "right", "left", None]
    assert entries[1]["x"] == int(rows[1]["x"])
    assert list(entries[0]) == captured.out.splitlines()[0].split(",")


@pytest.mark.parametrize("n_points", [None, 5])
def test_aspect_ratio_is_measured_with_any_landmarks_and_nothing_is_advertised(album, landmark_files, capsys, n_points):
    options = () if n_points is None else ("--landmarks", landmark_files[n_points])
    assert main("faces", album / "collins.png", *options) == 0
    captured = capsys.readouterr()
    rows = list(csv.DictReader(captured.out.splitlines()))
    assert [0.1 < float(row["ear"]) < 0.5 for row in rows] == [True, True]
    assert captured.err.count("\n") == 1


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


def python_in(document: str) -> list[str]:
    text = (ROOT / "docs" / document).read_text(encoding="utf-8")
    return re.findall(r"```python\n(.*?)```", text, flags=re.DOTALL)


def below(folder) -> list[str]:
    return sorted(path.relative_to(folder).as_posix() for path in folder.rglob("*") if path.is_file())


def write_walls(folder, *names) -> None:
    """Write grey photographs without a face."""
    for name in names:
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        cv2.imwrite(str(folder / "wall.png"), np.full((60, 60, 3), 90, np.uint8))
        (folder / "wall.png").rename(folder / name)


def test_drawings_have_the_names_of_their_rows_as_jpeg(tmp_path, capsys):
    names = ["a.jpg", "a.png", "b.JPEG", "c/d.tif", "e.v2.png", "f.jpg/g.jpg", "f.png"]
    write_walls(tmp_path / "album", *names)
    drawn = tmp_path / "drawn"
    for _ in range(2):  # drawings are not photographs of the next run
        assert main("faces", tmp_path / "album", "--draw", drawn, "--force") == 1
        # a.png and f.png get numbers: their names are taken. The folder f.jpg is a row with an error.
        assert below(drawn) == ["a-2.jpg", "a.jpg", "b.JPEG", "c/d.jpg", "e.v2.jpg", "f-3.jpg", "f.jpg/g.jpg"]
        assert "7 read" in capsys.readouterr().err
    assert all(path.read_bytes()[:2] == b"\xff\xd8" for path in drawn.rglob("*.jpg") if path.is_file())


def test_drawing_of_a_single_photograph_beside_it_gets_a_number(tmp_path, monkeypatch):
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
def test_drawings_into_a_folder_that_is_read_are_refused(tmp_path, capsys, monkeypatch, draw):
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


def test_drawing_that_would_lie_in_another_folder_that_is_read_is_refused(tmp_path, capsys, monkeypatch):
    write_walls(tmp_path, "album/a.jpg", "other/b.jpg")
    monkeypatch.chdir(tmp_path)
    # With two folders, drawings are named after them.
    assert main("faces", "album", "other", "--draw", ".") == 2
    assert "which is searched for photographs" in capsys.readouterr().err
    assert below(tmp_path) == ["album/a.jpg", "other/b.jpg"]


def test_existing_drawings_and_photographs_are_replaced_only_with_force(tmp_path, capsys):
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
def test_unexpected_error_of_one_photograph_is_its_row(album, tmp_path, capsys, monkeypatch, place, error):
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
    assert main("faces", album, "--draw", tmp_path / "drawn", "--out", tmp_path / "a.csv", "--jobs", 1) == 1
    rows = list(csv.DictReader((tmp_path / "a.csv").read_text().splitlines()))
    assert [row["file"] for row in rows] == ["collins.png", "wall.png"]
    assert rows[0]["error"].startswith(f"unexpected error: {type(error).__name__}: ")
    assert rows[1]["error"] == "no face found"
    assert below(tmp_path / "drawn") == ["wall.jpg"]
    assert "1 read: 0 faces, 1 without a face, 1 failed" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("error", "status"), [(ModelError("of the model"), 2), (MemoryError(), 2), (KeyboardInterrupt(), 130)]
)
def test_errors_that_are_not_of_the_photograph_end_the_run(album, capsys, monkeypatch, error, status):
    def fail(*arguments, **options):
        raise error

    monkeypatch.setattr(faces.FaceReader, "read", fail)
    assert main("faces", album, "--jobs", 1) == status


def test_full_disk_leaves_whole_rows(album, tmp_path, capsys):
    write_walls(album, *(f"{number:03}.png" for number in range(40)))
    whole, cut = tmp_path / "whole.csv", tmp_path / "cut.csv"
    assert main("faces", album, "--out", whole) == 1
    with room_for(900):
        assert main("faces", album, "--out", cut) == 2
    assert "File too large; make room, and continue it with --resume" in capsys.readouterr().err
    left = cut.read_bytes()
    assert whole.read_bytes().startswith(left)
    assert 860 < len(left) <= 900
    assert left.endswith(b"\n")


def test_photographs_that_need_the_extra_are_rows_that_failed(album, tmp_path, capsys, monkeypatch):
    (album / "broken.jpg").unlink()
    for name in ("pillow_heif", "rawpy"):
        monkeypatch.setitem(sys.modules, name, None)
    (album / "a.heic").write_bytes(b"\0\0\0\x18ftypheic" + bytes(300))
    (album / "b.nef").write_bytes(b"II*\0" + bytes(300))
    (album / "wall.nef").write_bytes(b"II*\0" + bytes(300))
    shutil.copy(album / "wall.png", album / "wall.jpg")
    photos, page = tmp_path / "photos.csv", tmp_path / "page.html"
    assert main("faces", album, "--photos", photos, "--page", page, "--jobs", 1) == 1
    shown = capsys.readouterr().err
    remedy = "run: pip install 'classic-eyes[photographs]', or convert it to JPEG"
    assert f"skipped a.heic: HEIC needs pillow-heif; {remedy}\n" in shown
    assert f"skipped b.nef: camera raw needs rawpy; {remedy}\n" in shown
    assert "1 camera raw file beside a JPEG of the same name not read" in shown
    with photos.open(newline="") as file:
        rows = {row["file"]: row["error"] for row in csv.DictReader(file)}
    assert list(rows) == ["a.heic", "b.nef", "collins.png", "wall.jpg", "wall.png"]
    assert rows["a.heic"] == f"HEIC needs pillow-heif; {remedy}"
    assert "2 not read" in page.read_text()
    assert 'class="note">1 file' not in page.read_text()


def test_what_is_passed_over_is_counted_and_is_on_the_page(album, tmp_path, capsys):
    (album / "broken.jpg").unlink()
    for name in ("c.mov", "d.psd"):
        (album / name).touch()
    page = tmp_path / "page.html"
    assert main("faces", album, "--page", page) == 0
    counted = "2 files passed over (1 .mov, 1 .psd): convert images to JPEG or PNG, classic-eyes video reads videos"
    assert f"{counted}\n" in capsys.readouterr().err
    assert f'<p class="note">{counted}</p>' in page.read_text()


def test_camera_raw_beside_its_jpeg_is_not_read_twice(album, capsys):
    (album / "broken.jpg").unlink()
    shutil.copy(album / "wall.png", album / "DSC_1.JPG")
    for name in ("dsc_1.nef", "DSC_2.nef", "DSC_1.heic", "collins.nef"):
        (album / name).touch()
    assert main("faces", album) == 1
    shown = capsys.readouterr()
    assert [row["file"] for row in csv.DictReader(shown.out.splitlines()) if row["error"] == "empty file"] == [
        "DSC_1.heic",
        "DSC_2.nef",
        "collins.nef",
    ]
    assert "1 camera raw file beside a JPEG of the same name not read: the same photograph" in shown.err
    # Counted once, also where the folder is given twice.
    assert main("faces", album, album, album / "wall.png") == 1
    assert "1 camera raw file beside" in capsys.readouterr().err


def test_bits_of_16_bit_photographs(landmark_files, tmp_path, capsys):
    cv2.imwrite(str(tmp_path / "a.png"), COLLINS[:, :, ::-1].astype(np.uint16) * 4)
    options = (tmp_path, "--landmarks", landmark_files[68])
    assert main("faces", *options) == 0
    shown = capsys.readouterr()
    assert "no face found" in shown.out
    assert "1 image of 16 bits uses the lowest 10 bits only and is nearly black" in shown.err
    assert main("faces", *options, "--bits", 10) == 0
    shown = capsys.readouterr()
    assert shown.out.count(",open,") == 2
    assert "16 bits" not in shown.err


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (("nothing",), "'nothing': no such folder or image"),
        (("{album}", "--landmarks", "no.dat"), "landmarks 'no.dat': no such file; "),
        (("{album}", "--landmarks", "{album}"), "no such file; "),
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


# -- a folder of many photographs --


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    """Seven photographs: with one face, four faces, none; one is turned by EXIF data, and one cannot be read."""
    top = tmp_path_factory.mktemp("photographs") / "wedding"
    top.mkdir()
    smaller = COLLINS[:256, 96:352]
    group = np.vstack([np.hstack([smaller, smaller]), np.hstack([smaller[:, ::-1], smaller])])
    for name, image in (("a.png", COLLINS), ("b.jpg", group), ("d.jpg", COLLINS[:, ::-1]), ("f.jpg", COLLINS)):
        cv2.imwrite(str(top / name), image[..., ::-1])
    (top / "c.jpg").write_bytes(b"hello")
    exif = Image.Exif()
    exif[0x0112] = 6
    exif.get_ifd(0x8769)[0x9003] = "2026:05:01 10:00:00"
    Image.fromarray(np.rot90(COLLINS)).save(top / "e.jpg", exif=exif)
    write_walls(top, "sub/wall.jpg")
    return top


def outputs_of(folder, out, *options, style="csv") -> tuple[list[object], list]:
    """Return the arguments of a run with all outputs into a folder, and the files that it writes."""
    files = [out / f"eyes.{style}", out / f"photos.{style}", out / "page.html"]
    named = ("--out", files[0], "--photos", files[1], "--page", files[2], "--format", style, "--draw", out / "drawn")
    return ["faces", folder, *named, *options], files


@pytest.fixture(scope="module")
def whole(folder, tmp_path_factory):
    """What an unbroken run in one process writes, in both formats."""
    found = {}
    for style in ("csv", "jsonl"):
        out = tmp_path_factory.mktemp("whole")
        arguments, files = outputs_of(folder, out, "--jobs", 1, style=style)
        assert main(*arguments) == 1
        found[style] = [file.read_bytes() for file in files]
        assert below(out) == sorted(
            [*(file.name for file in files), *(f"drawn/{name}.jpg" for name in ("a", "b", "d", "e", "f", "sub/wall"))]
        )
    return found


def test_bytes_are_the_same_for_any_number_of_jobs(folder, whole, tmp_path, monkeypatch, capsys):
    drawn = []
    for jobs, can_fork in ((2, True), (3, True), (2, False)):
        monkeypatch.setattr(processes, "can_fork", lambda can_fork=can_fork: can_fork)
        (tmp_path / f"{jobs}{can_fork}").mkdir()
        arguments, files = outputs_of(folder, tmp_path / f"{jobs}{can_fork}", "--jobs", jobs)
        assert main(*arguments) == 1
        assert [file.read_bytes() for file in files] == whole["csv"]
        drawn.append([path.read_bytes() for path in sorted((files[0].parent / "drawn").rglob("*.jpg"))])
        assert "6 read: 8 faces, 8 open, 1 without a face, 1 failed" in capsys.readouterr().err
    assert drawn[0] == drawn[1] == drawn[2]


def test_a_row_for_each_photograph(whole):
    rows = list(csv.DictReader(whole["csv"][1].decode().splitlines()))
    assert list(rows[0]) == ["file", "faces", "open", "closed", "wink", "unknown", "error"]
    assert [list(row.values()) for row in rows] == [
        ["a.png", "1", "1", "0", "0", "0", ""],
        ["b.jpg", "4", "4", "0", "0", "0", ""],
        ["c.jpg", "", "", "", "", "", "text, not an image"],
        ["d.jpg", "1", "1", "0", "0", "0", ""],
        ["e.jpg", "1", "1", "0", "0", "0", ""],
        ["f.jpg", "1", "1", "0", "0", "0", ""],
        ["sub/wall.jpg", "0", "0", "0", "0", "0", "no face found"],
    ]
    # It agrees with the rows of the eyes, and JSON lines hold the same.
    eyes = list(csv.DictReader(whole["csv"][0].decode().splitlines()))
    assert [len({eye["face"] for eye in eyes if eye["file"] == row["file"]} - {""}) for row in rows] == [
        int(row["faces"] or 0) for row in rows
    ]
    entries = [json.loads(line) for line in whole["jsonl"][1].splitlines()]
    assert [["" if value is None else str(value) for value in entry.values()] for entry in entries] == [
        list(row.values()) for row in rows
    ]


def test_page_has_all_photographs_and_loads_nothing(whole):
    page = whole["csv"][2].decode()
    data = json.loads(re.search(r'<script[^>]*id="data"[^>]*>(.*?)</script>', page, re.S)[1])
    assert "<h1>wedding</h1>" in page
    assert [item["name"] for item in data["items"]] == [
        "a.png",
        "b.jpg",
        "c.jpg",
        "d.jpg",
        "e.jpg",
        "f.jpg",
        "sub/wall.jpg",
    ]
    assert [len(item["faces"]) for item in data["items"]] == [1, 4, 0, 1, 1, 1, 0]
    assert data["items"][4]["time"] == datetime(2026, 5, 1, 10, tzinfo=UTC).timestamp()
    assert data["items"][2]["summary"] == "could not be read: text, not an image"
    assert not re.search(r"(?:src|href)=.?(?:https?:)?//", page)


@pytest.mark.parametrize("style", ["csv", "jsonl"])
@pytest.mark.parametrize("n_read", [0, 1, 2, 5])
def test_interrupted_run_is_resumed_to_the_same_bytes(folder, whole, tmp_path, monkeypatch, capsys, style, n_read):
    arguments, files = outputs_of(folder, tmp_path, "--jobs", 1, style=style)
    real, calls = faces.FaceReader.read, []

    def stop(reader, photograph):
        calls.append(1)
        if len(calls) > n_read:
            raise KeyboardInterrupt
        return real(reader, photograph)

    monkeypatch.setattr(faces.FaceReader, "read", stop)
    assert main(*arguments) == 130
    # Before the first photograph is read there is nothing to continue.
    done = "1 of 7 photographs is done" if n_read == 1 else f"{n_read + (n_read > 1)} of 7 photographs are done"
    hint = f"; {done}; run the same command again with --resume" if n_read else ""
    assert capsys.readouterr().err.splitlines()[-1] == f"classic-eyes: stopped{hint}"
    monkeypatch.undo()
    assert (tmp_path / "page.html").exists() is False
    # Without --resume nothing of it is replaced.
    if n_read:
        assert main(*arguments) == 2
        assert "exists; name another file, continue it with --resume" in capsys.readouterr().err.splitlines()[-1]
    assert main(*arguments, "--resume") == 1
    assert [file.read_bytes() for file in files] == whole[style]
    assert not (tmp_path / "page.html.part").exists()
    err = capsys.readouterr().err
    assert "6 read: 8 faces, 8 open, 1 without a face, 1 failed" in err
    assert ("done before" in err) == (n_read > 1)
    # Those of the first part count, and none is left from elsewhere.
    assert f"wrote 6 drawings in {str(tmp_path / 'drawn')!r}; they contain your photographs\n" in err
    assert "--resume without" not in err


def test_files_that_end_anywhere_are_resumed_to_the_same_bytes(folder, whole, tmp_path, monkeypatch):
    """As after a kill, the files end at any byte, and not at the same photograph."""
    read = {}

    def remembered(settings, item, real=faces._read):
        if item.name not in read:
            read[item.name] = real(settings, item)
        return read[item.name]

    monkeypatch.setattr(faces, "_read", remembered)
    rng = np.random.default_rng(0)
    files = [tmp_path / "eyes.csv", tmp_path / "photos.csv"]
    command = ("faces", folder, "--out", files[0], "--photos", files[1], "--resume", "--jobs", 1)
    for _ in range(60):
        for file, content in zip(files, whole["csv"], strict=False):
            file.write_bytes(content[: rng.integers(len(content) + 1)])
        assert main(*command) == 1
        assert [file.read_bytes() for file in files] == whole["csv"][:2]


def test_killed_run_is_resumed_to_the_same_bytes(folder, whole, tmp_path):
    arguments, files = outputs_of(folder, tmp_path, "--jobs", 2)
    program = [sys.executable, "-m", "classic_eyes", *map(str, arguments)]
    with subprocess.Popen(program, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL) as running:
        while running.poll() is None and not (files[0].exists() and files[0].read_bytes().count(b"\n") > 3):
            time.sleep(0.01)
        running.kill()
    assert main(*arguments, "--resume") == 1
    assert [file.read_bytes() for file in files] == whole["csv"]


def stopped_after(n: int, *arguments: object) -> None:
    """Run a command, and stop it after some photographs."""
    real, calls = faces.FaceReader.read, []

    def stop(reader, photograph):
        calls.append(1)
        if len(calls) > n:
            raise KeyboardInterrupt
        return real(reader, photograph)

    with pytest.MonkeyPatch.context() as patched:
        patched.setattr(faces.FaceReader, "read", stop)
        assert main(*arguments) == 130


@pytest.mark.parametrize(
    ("before", "now", "message"),
    [
        (
            (),
            ("--upsample", 1),
            "had --upsample 0, and this one has --upsample 1; use the same options, or start again",
        ),
        (("--upsample", 1), (), "had --upsample 1, and this one has --upsample 0; use"),
        ((), ("--model", "fast"), "had --model default, and this one has --model fast; use"),
        (
            ("--only", "closed,wink", "--bits", 12),
            ("--only", "closed"),
            "had --bits 12, --only closed,wink, and this one has no --bits, --only closed; use",
        ),
        ((), ("--max-pixels", 10**6), "and this one has --max-pixels 1000000; use"),
    ],
)
def test_stopped_run_is_not_continued_with_other_options(folder, tmp_path, capsys, before, now, message):
    command, _ = outputs_of(folder, tmp_path, "--jobs", 1)
    stopped_after(3, *command, *before)
    left = {name: (tmp_path / name).read_bytes() for name in below(tmp_path)}
    assert "eyes.csv.part" in left
    capsys.readouterr()
    assert main(*command, *now, "--resume") == 2
    err = capsys.readouterr().err
    assert message in err
    assert err.count("\n") == 1
    assert {name: (tmp_path / name).read_bytes() for name in below(tmp_path)} == left
    # With the same ones it is; other options that change nothing may differ.
    assert main(*command[:-1], 2, *before, "--resume") == 1
    assert not [name for name in below(tmp_path) if name.endswith(".part")]


def test_damaged_options_of_a_stopped_run(folder, tmp_path, capsys):
    command = ("faces", folder, "--out", tmp_path / "eyes.csv", "--jobs", 1)
    stopped_after(3, *command)
    for damaged in (b"", b"[1]", b"{}", b"\xff"):
        (tmp_path / "eyes.csv.part").write_bytes(damaged)
        assert main(*command, "--resume") == 2
        assert "eyes.csv.part' is damaged; delete it, and start again with --force" in capsys.readouterr().err
    assert main(*command, "--force") == 1
    assert below(tmp_path) == ["eyes.csv"]


def test_finished_run_is_not_done_again(folder, whole, tmp_path, monkeypatch, capsys):
    arguments, files = outputs_of(folder, tmp_path, "--jobs", 1)
    assert main(*arguments) == 1
    capsys.readouterr()
    before = {name: (tmp_path / name).stat().st_mtime_ns for name in below(tmp_path)}
    with monkeypatch.context() as patched:
        patched.setattr(faces, "_read", None)
        assert main(*arguments, "--resume") == 1
    assert capsys.readouterr().err.splitlines() == [
        "6 read: 8 faces, 8 open, 1 without a face, 1 failed; 7 were done before",
        "classic-eyes: skipped c.jpg: text, not an image",
        f"{files[0]} is complete: nothing was read or written; to start again, give --force instead of --resume",
    ]
    assert {name: (tmp_path / name).stat().st_mtime_ns for name in below(tmp_path)} == before
    # What is missing is made again, and the reason is printed.
    for missing, why in (
        (files[2], "a page is made from all of them"),
        (tmp_path / "drawn" / "f.jpg", "a page is made from all of them"),
        (files[1], f"{files[1]} has 0"),
    ):
        content = missing.read_bytes()
        missing.unlink()
        assert main(*arguments, "--resume") == 1
        message = f"warning: 7 of the 7 photographs in {files[0]} are read again: {why}\n"
        err = capsys.readouterr().err
        assert message in err
        assert "the stopped run also had" not in err
        assert missing.read_bytes() == content
        assert [file.read_bytes() for file in files] == whole["csv"]


def test_rows_that_this_run_would_not_write_are_not_continued(folder, whole, tmp_path, capsys):
    out = tmp_path / "eyes.csv"
    half = whole["csv"][0].splitlines(keepends=True)[:6]
    command = ("faces", folder, "--out", out, "--resume", "--jobs", 1)
    for changed, message in (
        ([*half[:-1], half[-1].replace(b",1,0.", b",0,0.")], "'b.jpg' has other rows than before: another model"),
        ([half[0], *half[3:]], f"--out {str(out)!r}: 1 photograph was added since ('a.png'); run again with --force"),
        ([half[0], half[1].replace(b"a.png", b"z.png")], "1 photograph of it is gone ('z.png'); run again with"),
        ([half[0], *half[3:5], *half[1:3]], "the photographs were in another order; run again with --force"),
        ([b"file,label\n"], "does not start with the csv header of this run"),
        ([half[0], b"a.png,1\n"], "row 1 is no row of this command"),
    ):
        out.write_bytes(b"".join(changed))
        assert main(*command) == 2
        assert message in capsys.readouterr().err.splitlines()[-1]
        assert out.read_bytes() == b"".join(changed)


def test_photograph_that_became_readable_is_read_when_its_rows_are_continued(folder, whole, tmp_path):
    album = tmp_path / "wedding"
    shutil.copytree(folder, album)
    out = tmp_path / "eyes.csv"
    out.write_bytes(b"".join(whole["csv"][0].splitlines(keepends=True)[:12]))
    assert out.read_bytes().endswith(b'c.jpg,,,,,,,,,,,"text, not an image"\n')
    shutil.copy(album / "f.jpg", album / "c.jpg")
    assert main("faces", album, "--out", out, "--resume") == 0
    assert b"c.jpg,1,right" in out.read_bytes()


def test_page_of_a_run_to_standard_output_leaves_nothing_behind(folder, tmp_path, monkeypatch, capsys):
    def stop(*arguments):
        raise KeyboardInterrupt

    page = tmp_path / "page.html"
    with monkeypatch.context() as patched:
        patched.setattr(faces, "_kinds", stop)
        assert main("faces", folder / "a.png", "--page", page) == 130
    # Without --out there is nothing to continue.
    assert capsys.readouterr().err == "classic-eyes: stopped; only a run with --out FILE can be continued\n"
    assert below(tmp_path) == []
    assert main("faces", folder / "a.png", "--page", page) == 0
    assert below(tmp_path) == ["page.html"]


@pytest.mark.parametrize(
    ("options", "hint"),
    [
        (
            ("--out", "eyes.csv", "--force"),
            "; 1 of 1 photograph is done; run the same command again with --resume instead of --force",
        ),
        (("--out", "/dev/null"), ""),
        (("--out", "eyes.csv", "--photos", "/dev/null"), ""),
    ],
)
def test_stopped_run_says_how_to_continue_only_where_it_can(folder, tmp_path, monkeypatch, capsys, options, hint):
    def stop(*arguments):
        raise KeyboardInterrupt

    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(faces, "_kinds", stop)
    assert main("faces", folder / "a.png", *options) == 130
    assert capsys.readouterr().err == f"classic-eyes: stopped{hint}\n"


@pytest.mark.parametrize(
    ("options", "left_out"),
    [
        ((), "--photos, --page, --draw; they are not continued unless given again"),
        (("--photos", "p.csv", "--page", "p.html"), "--draw; it is not continued unless given again"),
    ],
)
def test_outputs_left_out_of_a_resumed_run_are_named(folder, tmp_path, monkeypatch, capsys, options, left_out):
    monkeypatch.chdir(tmp_path)
    command = ("faces", folder, "--out", "eyes.csv", "--jobs", 1)
    stopped_after(2, *command, "--photos", "p.csv", "--page", "p.html", "--draw", "drawn")
    capsys.readouterr()
    assert main(*command, *options, "--resume") == 1
    assert f"classic-eyes: warning: the stopped run also had {left_out}\n" in capsys.readouterr().err
    # A run that had no others names none.
    stopped_after(2, *command, "--force")
    assert main(*command, "--resume") == 1
    assert "the stopped run also had" not in capsys.readouterr().err


def test_photographs_that_were_added_are_named(folder, tmp_path, capsys):
    album = tmp_path / "wedding"
    shutil.copytree(folder, album)
    (tmp_path / "out").mkdir()
    command, files = outputs_of(album, tmp_path / "out", "--jobs", 1)
    assert main(*command) == 1
    before = {name: (tmp_path / "out" / name).read_bytes() for name in below(tmp_path / "out")}
    # After the others, and then between them.
    for names in (["y.jpg"], ["ab.jpg", "ac.jpg"], ["ad.jpg"]):
        write_walls(album, *names)
        capsys.readouterr()
        assert main(*command, "--resume") == 2
        added = {
            "y.jpg": "1 photograph was added since ('y.jpg')",
            "ab.jpg": "2 photographs were added since ('ab.jpg', 'ac.jpg')",
            "ad.jpg": "3 photographs were added since ('ab.jpg', 'ac.jpg', ...)",
        }
        assert capsys.readouterr().err == (
            f"classic-eyes: error: --out {str(files[0])!r}: {added[names[0]]}; run again with --force instead of "
            "--resume to read all photographs, or name another file\n"
        )
        assert {name: (tmp_path / "out" / name).read_bytes() for name in below(tmp_path / "out")} == before
    # Without a page, those after the others are read and added.
    for name in ("ab.jpg", "ac.jpg", "ad.jpg"):
        (album / name).unlink()
    assert main(*command[:6], "--jobs", 1, "--resume") == 1
    assert files[1].read_text().splitlines()[-1] == "y.jpg,0,0,0,0,0,no face found"


def test_outputs_are_named_and_rows_are_printed_only_where_no_table_or_page_is_asked_for(
    folder, tmp_path, monkeypatch, capsys
):
    monkeypatch.chdir(tmp_path)
    named = {"--out": "e.csv", "--photos": "p.csv", "--page": "p.html"}
    for options in (["--out"], ["--photos"], ["--page"], ["--photos", "--page"], [*named]):
        given = [word for option in options for word in (option, named[option])]
        assert main("faces", folder / "a.png", *given, "--force") == 0
        shown = capsys.readouterr()
        assert shown.out == ""
        tables = [named[option] for option in options if option != "--page"]
        page = "wrote p.html; it contains your photographs; open it in a browser"
        assert shown.err.splitlines()[1:] == [
            *([f"wrote {' and '.join(tables)}"] if tables else []),
            *([page] if "--page" in options else []),
        ]
    # Drawings alone leave the rows where they were.
    assert main("faces", folder / "a.png", "--draw", "drawn") == 0
    shown = capsys.readouterr()
    assert shown.out.count("a.png,1,") == 2
    assert "wrote 1 drawing in 'drawn'; it contains your photographs\n" in shown.err


@pytest.mark.parametrize("resumed", [False, True])
def test_first_photographs_that_failed_are_named(tmp_path, capsys, resumed):
    write_walls(tmp_path, "album/wall.png")
    for number in range(5):
        (tmp_path / "album" / f"{number}\n.jpg").write_bytes(b"hello")
    command = ("faces", tmp_path / "album", "--out", tmp_path / "eyes.csv", "--jobs", 1)
    assert main(*command) == 1
    if resumed:
        capsys.readouterr()
        assert main(*command, "--resume") == 1
    named = [line for line in capsys.readouterr().err.splitlines() if "skipped" in line]
    assert named == [
        *(f"classic-eyes: skipped {number}\ufffd.jpg: text, not an image" for number in range(3)),
        "classic-eyes: skipped 2 more; the column error has the reasons",
    ]


def test_groups_with_open_eyes_are_named_for_a_look(folder, tmp_path, capsys):
    command = ("faces", folder, "--out", tmp_path / "eyes.csv")
    assert main(*command) == 1
    message = "look also at the photograph without a face and the group with all faces open: a face with closed eyes"
    assert f"{message} may be missed; --upsample 1 finds more faces" in capsys.readouterr().err
    # A resumed run counts those of its first part; the remedy is the next one.
    (tmp_path / "eyes.csv").write_bytes(b"".join((tmp_path / "eyes.csv").read_bytes().splitlines(keepends=True)[:-4]))
    assert main(*command, "--resume", "--upsample", 1) == 1
    assert f"{message} may be missed; --upsample 2 finds more faces" in capsys.readouterr().err
    # A page has a filter for each.
    assert main("faces", folder, "--page", tmp_path / "page.html", "--upsample", 2) == 1
    message = message.replace(": a face", " (on the page: No face; Groups, all open): a face")
    assert f"{message} may be missed\n" in capsys.readouterr().err


def test_long_run_that_cannot_be_continued_says_so_at_its_start(folder, tmp_path, monkeypatch, capsys):
    monkeypatch.setattr(faces, "_N_LONG", 1)
    line = "without --out FILE, this run cannot be continued if it is stopped\n"
    for options, is_told in (
        (("--photos", tmp_path / "p.csv"), True),
        (("--photos", tmp_path / "q.csv", "--out", tmp_path / "e.csv"), False),
        ((), False),
    ):
        assert main("faces", folder / "sub", *options) == 0
        assert capsys.readouterr().err.startswith(line) == is_told


def test_camera_raw_is_read_in_processes_without_a_warning(tmp_path):
    pytest.importorskip("rawpy", reason="pip install 'classic-eyes[photographs]'")
    for name in ("a.dng", "b.dng"):
        (tmp_path / name).write_bytes(dng(None, side=(120, 80)))
    done = run("faces", tmp_path, "--jobs", 2)
    assert done.stdout.count("no face found") == 2
    assert "rawpy" not in done.stderr


@pytest.mark.parametrize(
    ("only", "drawn"),
    [
        ("open", ["a.jpg", "b.jpg", "d.jpg", "e.jpg", "f.jpg"]),
        ("none", ["sub/wall.jpg"]),
        ("closed,none", ["sub/wall.jpg"]),
        ("closed, wink,unknown", []),
    ],
)
def test_only_what_matters_is_drawn(folder, whole, tmp_path, capsys, only, drawn):
    out = tmp_path / "eyes.csv"
    assert main("faces", folder, "--draw", tmp_path / "drawn", "--only", only, "--out", out) == 1
    assert below(tmp_path / "drawn") == drawn
    assert out.read_bytes() == whole["csv"][0]


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (("--only", "closed"), "--only says what is drawn, but --draw is not given"),
        (("--draw", "d", "--only", "asleep"), "'asleep' is no verdict; open, closed, wink, unknown and none are"),
        (("--draw", "d", "--only", ""), "'' names no verdict; write for example closed,unknown"),
        (("--draw", "d", "--only", " ,"), "' ,' names no verdict; write for example closed,unknown"),
        (("--page", "nodir/x.html"), "--page 'nodir/x.html': there is no folder 'nodir'"),
        (("",), "the path is empty; name a folder or an image"),
        (("--resume",), "--resume continues a file of rows, but no --out is given"),
        (("--out", "new.csv", "--resume", "--force"), "--force replaces --out 'new.csv' and --resume continues it"),
        (("--out", "/dev/null", "--resume"), "--out '/dev/null' is no regular file, so it cannot be continued"),
        (("--out", "a.csv", "--photos", "./a.csv"), "--out and --photos are both './a.csv'; name two files"),
        (("--out", "b.html", "--page", "b.html"), "--out and --page are both 'b.html'; name two files"),
        (
            ("--photos", "old.csv"),
            "--photos 'old.csv' exists; name another file, continue it with --resume, or replace",
        ),
        (("--page", "old.html"), "--page 'old.html' exists; name another file"),
        (("--page", "page.txt"), "--page 'page.txt' must end in .html or .htm"),
        (("--page", "part.html"), "--page 'part.html.part' exists; name another file"),
        (("--photos", "{folder}/a.png", "--force"), "is one of the files that are read"),
        (("--jobs", "0"), "'0' is not a whole number from 1"),
    ],
)
def test_outputs_that_cannot_be_are_refused_before_anything_is_written(
    folder, tmp_path, monkeypatch, capsys, arguments, message
):
    monkeypatch.chdir(tmp_path)
    for name in ("old.csv", "old.html", "part.html.part"):
        (tmp_path / name).touch()
    before = below(tmp_path)
    assert main("faces", folder, *(each.format(folder=folder) for each in arguments)) == 2
    assert message in capsys.readouterr().err.splitlines()[-1]
    assert below(tmp_path) == before
    assert not any(path.stat().st_size for path in tmp_path.iterdir())


def test_progress_is_shown(folder, tmp_path, monkeypatch, capsys):
    monkeypatch.setattr(progress, "_SECONDS", 0)
    out = tmp_path / "eyes.csv"
    assert main("faces", folder, "--out", out) == 1
    assert capsys.readouterr().err.splitlines()[:6] == [f"{n} of 7 photographs" for n in range(1, 7)]
    # With --resume it goes on from what was done.
    lines = out.read_bytes().splitlines(keepends=True)
    out.write_bytes(b"".join(lines[:-1]))
    assert main("faces", folder, "--out", out, "--resume") == 1
    assert capsys.readouterr().err.splitlines()[0] == "6 of 7 photographs"


def test_bar_on_a_terminal(folder, tmp_path):
    command = [sys.executable, "-m", "classic_eyes", "faces", folder / "sub"]
    assert b"1/1" in shown_on_a_terminal(command)


def test_drawings_are_counted_and_those_of_an_earlier_run_too(folder, tmp_path, capsys):
    drawn = tmp_path / "drawn"
    assert main("faces", folder, "--draw", drawn, "--only", "open") == 1
    assert f"wrote 5 drawings in {str(drawn)!r}; they contain your photographs\n" in capsys.readouterr().err
    assert main("faces", folder, "--draw", drawn, "--only", "none", "--force") == 1
    others = "5 other JPEG files there are not of this run"
    shown = capsys.readouterr().err
    assert f"wrote 1 drawing in {str(drawn)!r}; it contains your photographs; {others}\n" in shown


def test_photographs_among_their_drawings_are_not_counted(tmp_path, monkeypatch, capsys):
    write_walls(tmp_path, "a.jpg")
    monkeypatch.chdir(tmp_path)
    assert main("faces", "a.jpg", "--draw", ".") == 0
    assert "1 drawing in '.'; it contains your photographs\n" in capsys.readouterr().err


def test_photographs_with_closed_eyes_are_counted(album, capsys, monkeypatch):
    monkeypatch.setattr(faces.FaceReader, "_joint_verdict", lambda *_: "closed")
    shutil.copy(album / "collins.png", album / "again.png")
    assert main("faces", album, "--jobs", 1) == 1
    assert "3 read: 2 faces, 2 closed in 2 photographs, 1 without a face" in capsys.readouterr().err
    both = np.hstack([cv2.imread(str(album / "collins.png"))] * 2)
    cv2.imwrite(str(album / "both.png"), both)
    assert main("faces", album / "both.png", "--jobs", 1) == 0
    assert "1 read: 2 faces, 2 closed in 1 photograph, 0 failed" in capsys.readouterr().err


def test_no_speed_where_nothing_was_read(album, capsys):
    assert main("faces", album / "broken.jpg") == 1
    skipped = "classic-eyes: skipped {}: text, not an image\n"
    assert capsys.readouterr().err == "0 read: 0 faces, 1 failed\n" + skipped.format(album / "broken.jpg")
    # Also where an earlier run read some; the last photograph alone is read again.
    (album / "wall.png").unlink()
    (album / "broken.jpg").rename(album / "last.jpg")
    out = album.parent / "eyes.csv"
    command = ("faces", album, "--out", out)
    assert main(*command) == 1
    assert "a second" in capsys.readouterr().err
    assert main(*command, "--resume") == 1
    lines = capsys.readouterr().err.splitlines(keepends=True)
    complete = "is complete: nothing was read or written; to start again, give --force instead of --resume"
    assert lines == [
        "1 read: 1 face, 1 open, 1 failed; 2 were done before\n",
        skipped.format("last.jpg"),
        f"{out} {complete}\n",
    ]
    # The last photograph of an interrupted run is read again, and gives no speed where it fails.
    options = dict.fromkeys(("landmarks", "calibration", "bits", "only")) | {"model": "default", "upsample": 0}
    out.with_name("eyes.csv.part").write_text(json.dumps(options | {"max_pixels": MAX_PIXELS}))
    assert main(*command, "--resume") == 1
    lines = capsys.readouterr().err.splitlines(keepends=True)
    assert lines == [
        "1 read: 1 face, 1 open, 1 failed; 1 was done before\n",
        skipped.format("last.jpg"),
        f"wrote {out}\n",
    ]


def test_python_of_the_document_reads_a_photograph(tmp_path, monkeypatch, capsys):
    (example,) = [block for block in python_in("guides/photographs.md") if "FaceReader" in block]
    (tmp_path / "wedding").mkdir()
    Image.fromarray(COLLINS).save(tmp_path / "wedding" / "collins.jpg")
    monkeypatch.chdir(tmp_path)
    exec(compile(example, "docs/guides/photographs.md", "exec"), {})
    assert capsys.readouterr().out.startswith("open [('right', ")
    assert "skimage" not in example


def test_unknown_verdicts_are_counted_with_the_advice_to_look(album, capsys, monkeypatch):
    monkeypatch.setattr(faces.FaceReader, "_joint_verdict", lambda *_: "unknown")
    assert main("faces", album / "collins.png") == 0
    shown = capsys.readouterr().err
    assert "1 read: 1 face, 1 unknown, 0 failed" in shown
    assert "look at the photograph with unknown: eyes that cannot be classified are often closed" in shown
    shutil.copy(album / "collins.png", album / "again.png")
    assert main("faces", album, "--jobs", 1) == 1
    assert "look at the 2 photographs with unknown: " in capsys.readouterr().err


@pytest.mark.parametrize("n", [3, 40])
def test_patches_of_eyes_are_pointed_to_predict(tmp_path, capsys, n):
    write_eyes(tmp_path / "eyes", n)
    assert main("faces", tmp_path / "eyes", "--out", tmp_path / "a.csv") == 0
    error = capsys.readouterr().err
    # Once, and after the first 32 images.
    seen = min(n, 32)
    assert error.count("use classic-eyes predict") == 1
    assert f"{seen} of {seen} images have no face and less than 320 pixels a side" in error


def test_small_photographs_of_faces_get_no_such_hint(album, capsys):
    (album / "broken.jpg").unlink()
    cv2.imwrite(str(album / "collins.png"), COLLINS[50:250, 100:350, ::-1])
    assert main("faces", album) == 0
    assert "classic-eyes predict" not in capsys.readouterr().err


@pytest.mark.parametrize("orientation", [1, 6])
def test_large_photographs_have_boxes_of_their_own_pixels_and_the_same_rows_with_any_output(
    tmp_path, capsys, orientation
):
    large = cv2.resize(COLLINS, (4001, 4001), interpolation=cv2.INTER_CUBIC)
    exif = Image.Exif()
    exif[0x0112] = orientation
    (tmp_path / "album").mkdir()
    stored = np.rot90(large) if orientation == 6 else large
    Image.fromarray(stored).save(tmp_path / "album" / "large.jpg", exif=exif, quality=95)
    cv2.imwrite(str(tmp_path / "album" / "large.png"), large[..., ::-1])
    assert main("faces", tmp_path / "album") == 0
    plain = capsys.readouterr().out
    rows = list(csv.DictReader(plain.splitlines()))
    # In the original the patch of her right eye begins at 193 and 93.
    out = tmp_path / "eyes.csv"
    options = ("--draw", tmp_path / "drawn", "--page", tmp_path / "page.html")
    assert main("faces", tmp_path / "album", "--out", out, *options) == 0
    assert out.read_text() == plain
    assert [row["file"] for row in rows] == ["large.jpg"] * 2 + ["large.png"] * 2
    x, y = (int(rows[0][axis]) / 4001 * 512 for axis in "xy")
    assert abs(x - 189) < 8
    assert abs(y - 88) < 8
    for one, other in zip(rows[:2], rows[2:], strict=True):
        assert max(abs(int(one[axis]) - int(other[axis])) for axis in "xywh") < 40
        assert one["verdict"] == other["verdict"] == "open"
    # Drawn and shown at half size, in the same place.
    drawn = cv2.imread(str(tmp_path / "drawn" / "large.jpg"))
    assert drawn.shape[:2] == (2001, 2001)
    data = json.loads(re.search(r'id="data"[^>]*>(.*?)</script>', (tmp_path / "page.html").read_text(), re.S)[1])
    assert [item["size"] for item in data["items"]] == [[4001, 4001]] * 2
    assert abs(data["items"][0]["faces"][0]["box"][0] - 100 * 179 / 512) < 3


@pytest.mark.slow
def test_memory_of_two_jobs_on_large_photographs(tmp_path):
    large = cv2.resize(COLLINS, (6000, 4000), interpolation=cv2.INTER_CUBIC)[..., ::-1]
    (tmp_path / "album").mkdir()
    for number in range(6):
        cv2.imwrite(str(tmp_path / "album" / f"{number}.jpg"), large)
        cv2.imwrite(str(tmp_path / "album" / f"{number}.png"), large)
    arguments, _ = outputs_of(tmp_path / "album", tmp_path, "--jobs", 2)
    peak = 0.0
    with subprocess.Popen([sys.executable, "-m", "classic_eyes", *map(str, arguments)], stderr=subprocess.PIPE) as done:
        while done.poll() is None:
            peak = max(peak, memory_of_tree_mb(done.pid))
            time.sleep(0.02)
    assert done.returncode == 0
    assert 150 < peak < 600
