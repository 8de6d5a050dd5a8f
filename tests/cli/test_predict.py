"""The command ``classic-eyes predict``: rows, order, exit status, and one line for each error."""

from __future__ import annotations

import csv
import json
import os
import re
import shutil
import subprocess
import sys

import cv2
import numpy as np
import pytest

from classic_eyes import load_model
from classic_eyes._utils.files import SHIPPED_MODELS
from classic_eyes.images import read_images

from ..conftest import ROOT, main, run, shared, write_eyes, write_labelled
from .conftest import rows_of, shown_on_a_terminal

SUMMARY = re.compile(
    r"(?:[\d,]+ images: )?([\d,]+) read, (\d+) open, (\d+) closed, (\d+) failed, [\d,]+ images a second"
)


def test_csv_has_a_row_per_image_in_order(predict, folder, small_model, capsys):
    assert predict(folder) == 0
    out, err = capsys.readouterr()
    assert out.splitlines()[0] == "file,label,score,error"
    rows = rows_of(out)
    assert [row["file"] for row in rows] == [*(f"{n:03}.png" for n in range(30)), "sub/A.PNG"]
    images, _ = read_images([str(folder / row["file"]) for row in rows])
    scores = load_model(small_model, trusted=True).predict_proba(images)[:, 1]
    assert [row["score"] for row in rows] == [f"{score:.6f}" for score in scores]
    assert [row["label"] for row in rows] == [str(int(score >= 0.5)) for score in scores]
    assert all(row["error"] == "" for row in rows)
    read, opened, closed, failed = map(int, SUMMARY.fullmatch(err.strip()).groups())
    assert (read, failed) == (31, 0)
    assert opened == sum(row["label"] == "1" for row in rows) == 31 - closed


def test_unreadable_file_is_a_row_with_its_reason_and_status_1(predict, folder, capsys):
    (folder / "005x.jpg").write_text("text, renamed")
    (folder / "006x.jpg").touch()
    assert predict(folder) == 1
    out, err = capsys.readouterr()
    rows = rows_of(out)
    assert len(rows) == 33
    bad = {row["file"]: row for row in rows if row["error"]}
    assert set(bad) == {"005x.jpg", "006x.jpg"}
    assert all(row["label"] == row["score"] == "" for row in bad.values())
    assert bad["006x.jpg"]["error"] == "empty file"
    assert SUMMARY.fullmatch(err.strip()).group(1, 4) == ("31", "2")
    assert err.startswith("33 images: 31 read, ")


@pytest.mark.parametrize("jobs", [1, 2, 7])
def test_output_does_not_depend_on_the_number_of_jobs(predict, folder, tmp_path, capsys, jobs):
    assert predict(folder) == 0
    expected = capsys.readouterr().out
    assert predict(folder, "--jobs", jobs, "--out", tmp_path / "out.csv") == 0
    assert capsys.readouterr().out == ""
    assert (tmp_path / "out.csv").read_text() == expected


def test_jsonl_has_an_object_per_image(predict, folder, capsys):
    (folder / "zz.jpg").touch()
    assert predict(folder, "--format", "jsonl") == 1
    rows = [json.loads(line) for line in capsys.readouterr().out.splitlines()]
    assert len(rows) == 32
    assert all(set(row) == {"file", "label", "score", "error"} for row in rows)
    assert rows[0]["label"] in (0, 1)
    assert 0 <= rows[0]["score"] <= 1
    assert rows[-1] == {"file": "zz.jpg", "label": None, "score": None, "error": "empty file"}


def test_table_has_a_line_per_image(predict, folder, capsys):
    (folder / "zz.jpg").touch()
    assert predict(folder, "--format", "table") == 1
    lines = capsys.readouterr().out.splitlines()
    assert lines[0].split() == ["file", "eye", "P(open)"]
    assert len(lines) == 33
    assert re.fullmatch(r"000\.png +(open|closed) +\d+%", lines[1])
    assert re.fullmatch(r"zz\.jpg +failed +empty file", lines[-1])


def test_threshold_changes_labels_and_not_scores(predict, folder, capsys):
    predict(folder)
    plain = rows_of(capsys.readouterr().out)
    predict(folder, "--threshold", "0.9")
    strict = rows_of(capsys.readouterr().out)
    assert [row["score"] for row in plain] == [row["score"] for row in strict]
    assert [row["label"] for row in strict] == [str(int(float(row["score"]) >= 0.9)) for row in plain]
    assert predict(folder, "--threshold", "0") == 0
    assert all(row["label"] == "1" for row in rows_of(capsys.readouterr().out))


def test_names_of_one_image_and_of_several_paths(predict, folder, capsys):
    assert predict(folder / "003.png") == 0
    assert [row["file"] for row in rows_of(capsys.readouterr().out)] == [str(folder / "003.png")]
    assert predict(folder / "sub", folder / "001.png") == 0
    names = [row["file"] for row in rows_of(capsys.readouterr().out)]
    assert names == [str(folder / "001.png"), str(folder / "sub" / "A.PNG")]


def test_image_found_twice_has_one_row(predict, folder, capsys):
    assert predict(folder, folder / "sub", folder / "003.png") == 0
    names = [row["file"] for row in rows_of(capsys.readouterr().out)]
    assert len(names) == len(set(names)) == 31


def test_file_names_of_any_bytes_are_written(predict, tmp_path, capsysbinary):
    write_eyes(tmp_path / "odd", 1)
    image = tmp_path / "odd" / "000.png"
    names = ["a,b.png", 'a"b.png', "a\nb.png", "=1+1.png", "-x.png", "\N{EYE}.png", "b\udcff.png"]
    for name in names:
        shutil.copy(image, os.fsencode(tmp_path / "odd" / name))
    image.unlink()
    assert predict(tmp_path / "odd", "--out", tmp_path / "out.csv") == 0
    with open(tmp_path / "out.csv", encoding="utf-8", errors="surrogateescape", newline="") as file:
        assert sorted(row["file"] for row in csv.DictReader(file)) == sorted(names)
    assert predict(tmp_path / "odd", "--format", "table") == 0
    assert len(capsysbinary.readouterr().out.decode("utf-8").splitlines()) == 1 + len(names)


@pytest.mark.parametrize("style", ["csv", "jsonl"])
@pytest.mark.parametrize("locale", ["C", "C.UTF-8", "en_US.ISO-8859-1"])
def test_names_keep_their_bytes_in_every_locale(tmp_path, small_model, locale, style):
    names = ["café.png".encode(), "café.png".encode("latin-1"), b"eye.png"]
    folder = tmp_path / "eyes"
    write_eyes(folder, 1)
    for name in names:
        shutil.copy(folder / "000.png", os.fsencode(folder) + b"/" + name)
    (folder / "000.png").unlink()
    (tmp_path / "list").write_bytes(b"\n".join(os.fsencode(folder) + b"/" + name for name in sorted(names)))
    environment = {**os.environ, "LC_ALL": locale, "PYTHONUTF8": "0", "PYTHONCOERCECLOCALE": "0"}
    if locale.startswith("en_US"):
        make = ["localedef", "-i", "en_US", "-f", "ISO-8859-1", tmp_path / locale]
        if shutil.which("localedef") is None or subprocess.run(make, capture_output=True, check=False).returncode:
            pytest.skip("no localedef, or nothing to make the locale of")
        environment["LOCPATH"] = str(tmp_path)
    command = [
        sys.executable,
        "-m",
        "classic_eyes",
        "predict",
        "--model",
        small_model.with_suffix(".npz"),
        "--format",
        style,
    ]
    for what in ([folder], ["--list", tmp_path / "list"]):
        done = subprocess.run([*command, *what], capture_output=True, env=environment, timeout=120, check=False)
        assert done.returncode == 0, done.stderr
        lines = done.stdout.splitlines()[style == "csv" :]
        if style == "csv":
            written = [line.split(b",")[0] for line in lines]
        else:
            written = [json.loads(line)["file"].encode("utf-8", "surrogateescape") for line in lines]
        prefix = b"" if what == [folder] else os.fsencode(folder) + b"/"
        assert written == [prefix + name for name in sorted(names)]
        # A continued run finds the same names.
        out = [*what, "--out", tmp_path / "out"]
        assert subprocess.run([*command, *out], env=environment, timeout=120, check=False).returncode == 0
        again = subprocess.run(
            [*command, *out, "--resume"], capture_output=True, env=environment, timeout=120, check=False
        )
        assert again.returncode == 0, again.stderr
        assert (tmp_path / "out").read_bytes() == done.stdout
        (tmp_path / "out").unlink()


def test_images_that_are_passed_over_are_counted_below_the_summary(predict, folder, capsys):
    for name in ("a.heic", "b.HEIC", "sub/c.nef", "._d.heic", "notes.txt"):
        (folder / name).touch()
    line = "3 files passed over (2 .heic, 1 .nef): convert them to JPEG or PNG"
    assert predict(folder) == 0
    assert capsys.readouterr().err.splitlines()[1:] == [line]
    # Folders that are given twice are counted once.
    assert predict(folder, folder / "sub", folder) == 0
    assert capsys.readouterr().err.splitlines()[1:] == [line]


def test_text_file_that_is_named_is_a_row(predict, tmp_path, capsys):
    (tmp_path / "notes.txt").write_text("notes")
    assert predict(tmp_path / "notes.txt") == 1
    assert rows_of(capsys.readouterr().out)[0]["error"] == "text, not an image"


def test_bits_of_16_bit_images(predict, tmp_path, capsys):
    write_eyes(tmp_path / "eyes", 3)
    for path in sorted((tmp_path / "eyes").iterdir()):
        image = cv2.imread(str(path), cv2.IMREAD_GRAYSCALE).astype(np.uint32) * 1023 // 255
        image[0, 0] = 1023
        cv2.imwrite(str(path), image.astype(np.uint16))
    warning = (
        "classic-eyes: warning: all 3 images of 16 bits use the lowest 10 bits only and are nearly black; if their "
        "camera fills no more, read them with --bits 10\n"
    )
    assert predict(tmp_path / "eyes") == 0
    assert capsys.readouterr().err.endswith(warning)
    assert predict(tmp_path / "eyes", "--bits", 10) == 0
    assert "warning" not in capsys.readouterr().err
    images, _ = read_images(sorted((tmp_path / "eyes").iterdir()), bits=10)
    assert images.max() == 255
    for bits in ("7", "17", "x"):
        assert predict(tmp_path / "eyes", "--bits", bits) == 2
        assert "is not a whole number from 8 to 16" in capsys.readouterr().err


def test_hint_about_photographs_cannot_end_a_run(predict, folder, monkeypatch, capsys):
    def fail(*arguments, **options):
        raise ZeroDivisionError("of one file")

    monkeypatch.setattr("classic_eyes.cli.inspection.stated_size", fail)
    assert predict(folder) == 0
    assert len(rows_of(capsys.readouterr().out)) == 31


def test_large_colour_image_scores_like_the_small_grey_one(predict, tmp_path, capsys):
    write_eyes(tmp_path / "eyes", 1)
    small = cv2.imread(str(tmp_path / "eyes" / "000.png"))
    cv2.imwrite(str(tmp_path / "eyes" / "001.png"), np.kron(small, np.ones((10, 10, 1), np.uint8)))
    assert predict(tmp_path / "eyes") == 0
    first, second = rows_of(capsys.readouterr().out)
    assert abs(float(first["score"]) - float(second["score"])) < 1e-4


def test_out_cannot_be_one_of_the_images(predict, folder, capsys):
    before = (folder / "003.png").read_bytes()
    for how in ((), ("--force",), ("--resume",)):
        assert predict(folder, "--out", folder / "003.png", *how) == 2
        assert "is one of the files that are read" in capsys.readouterr().err
    assert (folder / "003.png").read_bytes() == before
    (folder.parent / "link.csv").symlink_to(folder / "003.png")
    os.link(folder / "003.png", folder.parent / "hard.csv")
    for name in ("link.csv", "hard.csv"):
        assert predict(folder, "--out", folder.parent / name, "--force") == 2
        assert "is one of the files that are read" in capsys.readouterr().err
    assert (folder / "003.png").read_bytes() == before


def test_refused_run_leaves_an_older_out_file_unchanged(predict, tmp_path, capsys):
    old = tmp_path / "out.csv"
    old.write_text("precious")
    assert predict(tmp_path / "missing", "--out", old) == 2
    (tmp_path / "empty").mkdir()
    assert predict(tmp_path / "empty", "--out", old) == 2
    assert old.read_text() == "precious"


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["{}/missing"], "missing"),
        (["{}/empty"], "no image"),
        (["{}/eyes", "--model", "{}/none.joblib"], "no file of this name"),
        (["{}/eyes", "--model", "{}/model.joblib"], "trust"),
        (["{}/eyes", "--model", "{}/eyes/000.png", "--trust-model"], "not a model file"),
        (["{}/eyes", "--threshold", "1.5"], "not a number from 0 to 1"),
        (["{}/eyes", "--threshold", "nan"], "not a number from 0 to 1"),
        (["{}/eyes", "--jobs", "0"], "not a whole number from 1"),
        (["{}/eyes", "--format", "xml"], "invalid choice"),
        (["{}/eyes", "--out", "{}/no/out.csv", "--model", "{}/model.joblib", "--trust-model"], "make it first"),
        (
            ["{}/eyes", "--out", "{}/x.xlsx"],
            "x.xlsx' would hold --format csv; name it 'x.csv', or choose another --format",
        ),
        (["{}/eyes", "--out", "{}/x.json", "--format", "jsonl"], "name it 'x.jsonl'"),
        (["{}/eyes", "--out", "-"], "--out '-' names no file; omit --out for standard output, or write ./- for a file"),
        (["{}/eyes", "--adapt", "--threshold", "0.7"], "--adapt fits the decision threshold, which --threshold sets"),
        (["{}/eyes", "--adapt", "--calibration", "{}/eyes/000.png"], "which --calibration sets; give one of them"),
        ([], "PATH"),
        (["--frobnicate", "{}/eyes"], "frobnicate"),
    ],
)
def test_wrong_arguments_give_a_one_line_error(tmp_path, small_model, capsys, arguments, message):
    write_eyes(tmp_path / "eyes", 2)
    (tmp_path / "empty").mkdir()
    shutil.copy(small_model, tmp_path / "model.joblib")
    assert main("predict", *(argument.format(tmp_path) for argument in arguments)) == 2
    out, err = capsys.readouterr()
    assert out == ""
    assert message in err
    assert len(err.strip().splitlines()) == 1


def test_progress_bar_is_shown_on_a_terminal_only(folder, small_model):
    command = [sys.executable, "-m", "classic_eyes", "predict", folder, "--model", small_model.with_suffix(".npz")]
    assert b"31/31" in shown_on_a_terminal(command)
    piped = subprocess.run(command, capture_output=True, check=True, timeout=120)
    assert b"31/31" not in piped.stderr


@pytest.mark.skipif(not os.path.exists("/dev/full"), reason="no device that is always full")
@pytest.mark.parametrize("way", ["--out", ">"])
def test_full_disk_gives_a_one_line_error(folder, small_model, way):
    model = small_model.with_suffix(".npz")
    line = f"{sys.executable} -m classic_eyes predict {folder} --model {model} {way} /dev/full"
    done = subprocess.run(["bash", "-c", line], capture_output=True, text=True, timeout=120)
    assert done.returncode == 2
    (message,) = done.stderr.splitlines()
    assert "No space left on device" in message


# -- the model --


def test_joblib_file_needs_trust_and_the_npz_beside_it_none(folder, small_model, tmp_path, capsys):
    assert main("predict", folder, "--model", small_model.with_suffix(".npz")) == 0
    expected = capsys.readouterr().out
    assert main("predict", folder, "--model", small_model) == 2
    assert f"name {str(small_model.with_suffix('.npz'))!r}, which cannot" in capsys.readouterr().err
    shutil.copy(small_model, tmp_path / "alone.joblib")
    assert main("predict", folder, "--model", tmp_path / "alone.joblib") == 2
    assert "--trust-model" in capsys.readouterr().err
    assert main("predict", folder, "--model", tmp_path / "alone.joblib", "--trust-model") == 0
    assert capsys.readouterr().out == expected


def test_shipped_model_is_found_by_name(folder, tmp_path, monkeypatch, capsys):
    assert main("predict", folder) == 0
    expected = capsys.readouterr().out
    assert main("predict", folder, "--model", "default") == 0
    assert capsys.readouterr().out == expected
    # A file of that name takes precedence.
    monkeypatch.chdir(tmp_path)
    (tmp_path / "default").write_text("none")
    assert main("predict", folder, "--model", "default", "--trust-model") == 2
    assert "not a model file" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (["--model", "defualt"], f"one of {', '.join(SHIPPED_MODELS)}"),
        (["--model", "{}/none.npz"], "no file of this name"),
        (["--model", "{}"], "not a model file"),
    ],
)
def test_wrong_model_gives_a_one_line_error(folder, tmp_path, capsys, options, message):
    assert main("predict", folder, *(option.format(tmp_path) for option in options)) == 2
    out, err = capsys.readouterr()
    assert out == ""
    assert message in err
    assert len(err.strip().splitlines()) == 1


# -- the shipped model --


def test_shipped_model_on_the_examples():
    done = run("predict", ROOT / "examples" / "eyes")
    rows = rows_of(done.stdout)
    assert done.returncode == 0, done.stderr
    assert len(rows) == 22
    right = [row["label"] == ("0" if "closed" in row["file"] else "1") for row in rows]
    assert sum(right) >= 20
    assert all(row["label"] == "1" for row in rows if row["file"].startswith("astronaut"))


def test_shipped_model_on_its_training_data():
    folder = shared("eyes24")
    truth = {row["file"]: row["label"] for row in rows_of((folder / "assets.csv").read_text())}
    done = run("predict", folder / "images")
    rows = rows_of(done.stdout)
    assert done.returncode == 0
    assert len(rows) == 4000
    assert np.mean([truth[row["file"]] == row["label"] for row in rows]) > 0.96


def test_one_text_file_among_four_thousand_images(tmp_path):
    """Four thousand images and a text file among them: every row, and status 1."""
    shutil.copytree(shared("eyes24") / "images", tmp_path / "images")
    tmp_path.joinpath("images").chmod(0o755)
    (tmp_path / "images" / "002000x.jpg").write_text("text")
    done = run("predict", tmp_path / "images")
    assert done.returncode == 1
    assert len(rows_of(done.stdout)) == 4001
    assert sum(row["error"] != "" for row in rows_of(done.stdout)) == 1


def test_training_images_are_noted(tmp_path, capsys):
    folder, out = write_labelled(tmp_path / "eyes", 100), tmp_path / "m.npz"
    assert main("train", folder, "--out", out, "--features", "hog", "--classifier", "svm", "--folds", 0) == 0
    capsys.readouterr()
    assert main("predict", folder, "--model", "fast") == 0
    before = capsys.readouterr()
    assert "note:" not in before.err
    assert main("predict", folder, "--model", out) == 0
    found = capsys.readouterr()
    # Every second one is compared.
    note = f"note: 50 of 50 sampled images are among those that {out} was trained on; how well it predicts them says"
    assert note in found.err
    assert "note" not in found.out
    shutil.copytree(folder, tmp_path / "more", ignore=lambda *_: [f"{k:03}.png" for k in range(20, 100)])
    write_eyes(tmp_path / "more" / "new", 10, random_state=9)
    assert main("predict", tmp_path / "more", "--model", out) == 0
    assert "note: 20 of these 30 images are among" in capsys.readouterr().err
    out.with_suffix(".json").unlink()
    assert main("predict", folder, "--model", out) == 0
    assert "note:" not in capsys.readouterr().err
