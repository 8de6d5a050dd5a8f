"""The commands, as a user calls them: output, order, exit status, and one line for whatever is wrong."""

from __future__ import annotations

import csv
import fcntl
import io
import json
import os
import pty
import re
import shutil
import signal
import struct
import subprocess
import sys
import termios
import time
from pathlib import Path

import cv2
import numpy as np
import pytest
from classic_eyes.conftest import ROOT, run, shared, write_eyes, write_labelled

from benchmarks.commands import bench
from classic_eyes import EyeClassifier, cli
from classic_eyes.images import read_images
from classic_eyes.persistence import read_card, sha256
from classic_eyes.synthetic import make_eyes
from classic_eyes.training.pipelines import CLASSIFIERS

SUMMARY = re.compile(r"(\d+) read, (\d+) open, (\d+) closed, (\d+) failed, [\d,]+ images a second")


def main(*arguments: object) -> int:
    """Run the program in this process."""
    return cli.main([str(argument) for argument in arguments])


def rows_of(text: str) -> list[dict[str, str]]:
    return list(csv.DictReader(io.StringIO(text)))


@pytest.fixture
def folder(tmp_path):
    write_eyes(tmp_path / "eyes", 30, random_state=4)
    (tmp_path / "eyes" / "sub").mkdir()
    shutil.copy(tmp_path / "eyes" / "007.png", tmp_path / "eyes" / "sub" / "A.PNG")
    return tmp_path / "eyes"


@pytest.fixture
def predict(small_model):
    def call(*arguments: object) -> int:
        return main("predict", *arguments, "--model", small_model, "--trust-model")

    return call


# -- predict --


def test_predict_writes_the_contracts_csv(predict, folder, small_model, capsys):
    assert predict(folder) == 0
    out, err = capsys.readouterr()
    assert out.splitlines()[0] == "file,label,score,error"
    rows = rows_of(out)
    assert [row["file"] for row in rows] == [*(f"{n:03}.png" for n in range(30)), "sub/A.PNG"]
    images, _ = read_images([str(folder / row["file"]) for row in rows])
    scores = EyeClassifier.load(small_model, trusted=True).predict_proba(images)[:, 1]
    assert [row["score"] for row in rows] == [f"{score:.6f}" for score in scores]
    assert [row["label"] for row in rows] == [str(int(score >= 0.5)) for score in scores]
    assert all(row["error"] == "" for row in rows)
    read, opened, closed, failed = map(int, SUMMARY.fullmatch(err.strip()).groups())
    assert (read, failed) == (31, 0)
    assert opened == sum(row["label"] == "1" for row in rows) == 31 - closed


def test_a_bad_file_is_a_row_with_its_reason_and_status_1(predict, folder, capsys):
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


@pytest.mark.parametrize("jobs", [1, 2, 7])
def test_the_same_bytes_for_any_number_of_jobs(predict, folder, tmp_path, capsys, jobs):
    assert predict(folder) == 0
    expected = capsys.readouterr().out
    assert predict(folder, "--jobs", jobs, "--out", tmp_path / "out.csv") == 0
    assert capsys.readouterr().out == ""
    assert (tmp_path / "out.csv").read_text() == expected


def test_jsonl(predict, folder, capsys):
    (folder / "zz.jpg").touch()
    assert predict(folder, "--format", "jsonl") == 1
    rows = [json.loads(line) for line in capsys.readouterr().out.splitlines()]
    assert len(rows) == 32
    assert all(set(row) == {"file", "label", "score", "error"} for row in rows)
    assert rows[0]["label"] in (0, 1)
    assert 0 <= rows[0]["score"] <= 1
    assert rows[-1] == {"file": "zz.jpg", "label": None, "score": None, "error": "empty file"}


def test_table(predict, folder, capsys):
    (folder / "zz.jpg").touch()
    assert predict(folder, "--format", "table") == 1
    lines = capsys.readouterr().out.splitlines()
    assert lines[0].split() == ["file", "eye", "P(open)"]
    assert len(lines) == 33
    assert re.fullmatch(r"000\.png +(open|closed) +\d+%", lines[1])
    assert re.fullmatch(r"zz\.jpg +failed +empty file", lines[-1])


def test_threshold_moves_the_border_and_not_the_scores(predict, folder, capsys):
    predict(folder)
    plain = rows_of(capsys.readouterr().out)
    predict(folder, "--threshold", "0.9")
    strict = rows_of(capsys.readouterr().out)
    assert [row["score"] for row in plain] == [row["score"] for row in strict]
    assert [row["label"] for row in strict] == [str(int(float(row["score"]) >= 0.9)) for row in plain]
    assert predict(folder, "--threshold", "0") == 0
    assert all(row["label"] == "1" for row in rows_of(capsys.readouterr().out))


def test_one_image_and_several_paths(predict, folder, capsys):
    assert predict(folder / "003.png") == 0
    assert [row["file"] for row in rows_of(capsys.readouterr().out)] == [str(folder / "003.png")]
    assert predict(folder / "sub", folder / "001.png") == 0
    names = [row["file"] for row in rows_of(capsys.readouterr().out)]
    assert names == [str(folder / "001.png"), str(folder / "sub" / "A.PNG")]


def test_odd_names_survive(predict, tmp_path, capsysbinary):
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


def shown_on_a_terminal(command: list[object]) -> bytes:
    """Return what a command writes to standard error if that is a terminal."""
    leader, follower = pty.openpty()
    fcntl.ioctl(follower, termios.TIOCSWINSZ, struct.pack("HHHH", 24, 80, 0, 0))
    with subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=follower) as running:
        os.close(follower)
        shown = b""
        while True:
            try:
                part = os.read(leader, 65536)
            except OSError:
                break
            if not part:
                break
            shown += part
        os.close(leader)
    assert running.returncode == 0
    return shown


def test_the_bar_is_on_a_terminal_only(folder, small_model):
    command = [sys.executable, "-m", "classic_eyes", "predict", folder, "--model", small_model, "--trust-model"]
    assert b"31/31" in shown_on_a_terminal(command)
    piped = subprocess.run(command, capture_output=True, check=True, timeout=120)
    assert b"31/31" not in piped.stderr


def test_a_closed_pipe_is_no_traceback(folder, small_model):
    line = f"{sys.executable} -m classic_eyes predict {folder} --model {small_model} --trust-model | head -1"
    done = subprocess.run(["bash", "-c", line], capture_output=True, text=True, timeout=120)
    assert done.stdout == "file,label,score,error\n"
    assert "Traceback" not in done.stderr


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["{}/missing"], "missing"),
        (["{}/empty"], "no image"),
        (["{}/eyes", "--model", "{}/none.joblib"], "no model file"),
        (["{}/eyes", "--model", "{}/model.joblib"], "trust"),
        (["{}/eyes", "--model", "{}/eyes/000.png", "--trust-model"], "not a whole model file"),
        (["{}/eyes", "--threshold", "1.5"], "not a number from 0 to 1"),
        (["{}/eyes", "--threshold", "nan"], "not a number from 0 to 1"),
        (["{}/eyes", "--jobs", "0"], "not a whole number from 1"),
        (["{}/eyes", "--format", "xml"], "invalid choice"),
        (["{}/eyes", "--out", "{}/no/out.csv", "--model", "{}/model.joblib", "--trust-model"], "cannot be written"),
        ([], "PATH"),
        (["--frobnicate", "{}/eyes"], "frobnicate"),
    ],
)
def test_what_cannot_be_done_is_one_line_and_status_2(tmp_path, small_model, arguments, said):
    write_eyes(tmp_path / "eyes", 2)
    (tmp_path / "empty").mkdir()
    shutil.copy(small_model, tmp_path / "model.joblib")
    done = run("predict", *(argument.format(tmp_path) for argument in arguments))
    assert done.returncode == 2
    assert done.stdout == ""
    assert said in done.stderr
    assert len(done.stderr.strip().splitlines()) == 1


def test_a_refused_run_leaves_an_older_out_file_whole(predict, tmp_path, capsys):
    old = tmp_path / "out.csv"
    old.write_text("precious")
    assert predict(tmp_path / "missing", "--out", old) == 2
    (tmp_path / "empty").mkdir()
    assert predict(tmp_path / "empty", "--out", old) == 2
    assert old.read_text() == "precious"


def test_each_image_is_answered_once(predict, folder, capsys):
    assert predict(folder, folder / "sub", folder / "003.png") == 0
    names = [row["file"] for row in rows_of(capsys.readouterr().out)]
    assert len(names) == len(set(names)) == 31


def test_out_is_never_one_of_the_images(predict, folder, capsys):
    before = (folder / "003.png").read_bytes()
    assert predict(folder, "--out", folder / "003.png") == 2
    assert "is one of the images" in capsys.readouterr().err
    assert (folder / "003.png").read_bytes() == before


@pytest.mark.skipif(not os.path.exists("/dev/full"), reason="no device that is always full")
@pytest.mark.parametrize("way", ["--out", ">"])
def test_a_full_disk_is_one_line_and_status_2(folder, small_model, way):
    line = f"{sys.executable} -m classic_eyes predict {folder} --model {small_model} --trust-model {way} /dev/full"
    done = subprocess.run(["bash", "-c", line], capture_output=True, text=True, timeout=120)
    assert done.returncode == 2
    (said,) = done.stderr.splitlines()
    assert "No space left on device" in said


# -- train --


def test_train_writes_a_model_and_its_card(tmp_path, capsys):
    write_labelled(tmp_path / "eyes", 80, random_state=1)
    out = tmp_path / "mine.joblib"
    (tmp_path / "about.json").write_text('{"sources": ["synthetic"]}')
    options = ["--features", "hog", "--copies", "0", "--folds", "3", "--about", tmp_path / "about.json"]
    assert main("train", tmp_path / "eyes", "--out", out, *options) == 0
    table = capsys.readouterr().out
    assert "accuracy" in table
    assert "EER" in table
    card = read_card(out)
    assert card["model_sha256"] == sha256(out)
    assert card["sources"] == ["synthetic"]
    assert card["data"][0]["open"] == card["data"][0]["closed"] == 40
    assert len(card["data"][0]["sha256"]) == 64
    assert card["parameters"]["features"] == ["hog"]
    assert card["features"] == 324
    assert card["command"].startswith("classic-eyes train ")
    assert "safety" in card["not_for"]
    assert "3-fold cross-validation" in card["protocol"]
    result = card["results"][str(tmp_path / "eyes")]
    for metric in ("accuracy", "eer", "calibration_error"):
        assert result[metric]["low"] <= result[metric]["value"] <= result[metric]["high"]
    assert result["accuracy"]["value"] > 0.8
    assert {"scikit-learn", "opencv", "numpy", "classic_eyes"} <= set(card["versions"])
    clf = EyeClassifier.load(out, trusted=True)
    assert clf.features == ("hog",)


def test_what_memory_does_not_hold_is_one_line(tmp_path, capsys):
    folder = write_labelled(tmp_path / "eyes", 20)
    how = ["--features", "hog", "--copies", "99999999999", "--folds", "0", "--out", str(tmp_path / "m.joblib")]
    assert main("train", str(folder), *how) == 2
    said = capsys.readouterr().err.splitlines()[-1]
    assert said.startswith("classic-eyes: error: memory does not suffice (Unable to allocate")
    assert said.endswith("; take fewer images, copies or jobs")


@pytest.mark.parametrize("given", ["2147483648", "-1", "1.5", "some"])
def test_a_seed_is_what_generators_take(tmp_path, capsys, given):
    with pytest.raises(SystemExit) as stopped:
        main("train", str(tmp_path), "--out", str(tmp_path / "m.joblib"), f"--seed={given}")
    assert stopped.value.code == 2
    assert f"argument --seed: {given!r} is not a whole number from 0 to 2147483647" in capsys.readouterr().err


def test_same_seed_same_bytes_whatever_the_jobs(tmp_path, capsys):
    write_labelled(tmp_path / "eyes", 40)
    written = []
    for name, jobs in (("a", 1), ("b", 2)):
        out = tmp_path / name / "model.joblib"
        out.parent.mkdir()
        options = ["--features", "hog/words", "--copies", "1", "--folds", "2", "--seed", "7", "--jobs", jobs]
        done = run("train", tmp_path / "eyes", "--out", out, *options)
        assert done.returncode == 0, done.stderr
        card = json.loads(out.with_suffix(".json").read_text())
        written.append((out.read_bytes(), card["results"]))
    assert written[0] == written[1]
    assert list(EyeClassifier.load(out, trusted=True).pipelines_) == ["hog", "words"]


def test_train_reads_several_kinds_together(tmp_path, capsys):
    write_labelled(tmp_path / "one", 40, random_state=1)
    labels = write_eyes(tmp_path / "loose", 40, random_state=2)
    for number, label in enumerate(labels):
        target = tmp_path / "two" / ("Open" if label else "CLOSED")
        target.mkdir(parents=True, exist_ok=True)
        shutil.copy(tmp_path / "loose" / f"{number:03}.png", target)
    out = tmp_path / "both.joblib"
    options = ["--features", "profile", "--copies", "0", "--folds", "2"]
    assert main("train", tmp_path / "one", tmp_path / "two", "--out", out, *options) == 0
    card = read_card(out)
    assert [part["images"] for part in card["data"]] == [40, 40]
    assert set(card["results"]) == {str(tmp_path / "one"), str(tmp_path / "two"), "all"}
    assert card["results"]["all"]["n"] == 80


def test_train_leaves_out_what_it_cannot_read_and_says_so(tmp_path, capsys):
    write_labelled(tmp_path / "eyes", 40)
    (tmp_path / "eyes" / "003.png").write_text("no image")
    out = tmp_path / "mine.joblib"
    assert main("train", tmp_path / "eyes", "--out", out, "--features", "profile", "--copies", 0, "--folds", 0) == 1
    assert "left out 003.png" in capsys.readouterr().err
    card = read_card(out)
    assert card["data"][0]["images"] == 39
    assert card["results"] is None


def _unlabelled(folder):
    write_eyes(folder, 6)


def _one_class(folder):
    write_eyes(folder, 6)
    (folder / "assets.csv").write_text("file,label\n" + "".join(f"{n:03}.png,1\n" for n in range(6)))


def _missing_image(folder):
    write_labelled(folder, 6)
    with open(folder / "assets.csv", "a") as file:
        file.write("gone.png,1\n")


def _bad_label(folder):
    write_labelled(folder, 6)
    (folder / "assets.csv").write_text((folder / "assets.csv").read_text().replace("003.png,", "003.png,opne"))


def _empty(folder):
    folder.mkdir()


@pytest.mark.parametrize(
    ("make", "options", "said"),
    [
        (_unlabelled, [], "6 images are too few to learn without labels; 60 are needed"),
        (lambda folder: write_labelled(folder, 20), ["--report", "history.txt"], "must end in .html"),
        (lambda folder: write_labelled(folder, 20), ["--report", "no/history.html"], "make it first"),
        (lambda folder: write_labelled(folder, 20), ["--report", "history.html"], "all 20 images are labelled"),
        (_one_class, ["--folds", "0"], "all 6 images are open"),
        (_one_class, [], "all 6 images are open"),
        (_missing_image, [], "line 8"),
        (_bad_label, [], "line 5"),
        (_empty, [], "no image"),
        (lambda folder: None, [], "eyes"),
        (lambda folder: write_labelled(folder, 20), ["--features", "hgo"], "did you mean 'hog'"),
        (
            lambda folder: write_labelled(folder, 20),
            ["--classifier", "smv"],
            "svm, mirror, metric, libsvm, gb, linear, knn",
        ),
        (lambda folder: write_labelled(folder, 4), ["--features", "profile"], "--folds 5 needs 5 groups"),
        (lambda folder: write_labelled(folder, 4), ["--folds", "1"], "--folds 1"),
        (lambda folder: write_labelled(folder, 20), ["--features", ","], "names nothing"),
        (lambda folder: write_labelled(folder, 20), ["--features", "hog,lbp/"], "names nothing"),
        (lambda folder: write_labelled(folder, 20), ["--copies", "-1"], "not a whole number"),
        (lambda folder: write_labelled(folder, 20), ["--about", "none.json"], "none.json"),
        (lambda folder: write_labelled(folder, 20), ["--cascade", "0.2"], "part views by a slash"),
        (lambda folder: write_labelled(folder, 20), ["--directions", "8"], "goes with --classifier metric, not svm"),
        (lambda folder: write_labelled(folder, 20), ["--directions", "1", "--classifier", "metric"], "2 or more"),
        (lambda folder: write_labelled(folder, 20), ["--vectors", "9", "--classifier", "gb"], "--vectors 9 goes with"),
        (lambda folder: write_labelled(folder, 20), ["--vectors", "9,8", "--classifier", "gb"], "--vectors 9,8 goes"),
        (lambda folder: write_labelled(folder, 20), ["--vectors", "9,8"], "--vectors 9,8 holds 2 number(s)"),
        (lambda folder: write_labelled(folder, 20), ["--vectors", "9,,8"], "'9,,8' is not a whole number from 1, nor"),
        (
            lambda folder: write_labelled(folder, 20),
            ["--directions", "8,1", "--classifier", "metric", "--features", "lbp/hog"],
            "--directions 1 is too few",
        ),
        (lambda folder: write_labelled(folder, 20), ["--group-effect", "1", "--classifier", "knn"], "--group-effect 1"),
        (lambda folder: write_labelled(folder, 20), ["--weights", "1,2"], "--weights 1,2 holds 2 number(s)"),
        (lambda folder: write_labelled(folder, 20), ["--labels", "none.csv"], "none.csv"),
    ],
)
def test_train_refuses_in_one_line_and_leaves_the_old_model(tmp_path, capsys, make, options, said):
    make(tmp_path / "eyes")
    out = tmp_path / "mine.joblib"
    out.write_text("the old model")
    try:
        status = main("train", tmp_path / "eyes", "--out", out, *options)
    except SystemExit as stopped:
        status = stopped.code
    err = capsys.readouterr().err
    assert status == 2
    assert said in err.splitlines()[-1]
    assert "Traceback" not in err
    assert out.read_text() == "the old model"


@pytest.mark.parametrize(("out", "said"), [("mine.pkl", "must end in .joblib"), ("no/mine.joblib", "make it first")])
def test_a_bad_out_is_refused_before_the_work(tmp_path, capsys, out, said):
    assert main("train", tmp_path / "never-read", "--out", tmp_path / out) == 2
    assert said in capsys.readouterr().err


@pytest.mark.parametrize(
    ("beside", "content"),
    [
        ("mine.json", b'{"my": "settings"}'),
        ("mine.json", b"no JSON"),
        ("mine.npz", b"my arrays"),
        ("mine.npz", b""),
    ],
)
def test_what_no_training_has_written_is_not_written_over(tmp_path, capsys, beside, content):
    (tmp_path / beside).write_bytes(content)
    assert main("train", tmp_path / "never-read", "--out", tmp_path / "mine.joblib") == 2
    err = capsys.readouterr().err
    assert f"would write over '{tmp_path / beside}', which" in err
    assert "take another name" in err
    assert len(err.splitlines()) == 1
    assert (tmp_path / beside).read_bytes() == content


def test_folds_that_cannot_be_are_refused_before_anything_is_read(tmp_path, capsys):
    assert main("train", tmp_path / "never-read", "--out", tmp_path / "mine.joblib", "--folds", 1) == 2
    assert capsys.readouterr().err.splitlines() == [
        "classic-eyes: error: --folds 1 leaves nothing to learn from; 2 or more, or 0 for no judging"
    ]


@pytest.fixture(scope="module")
def unlabelled(tmp_path_factory):
    """A folder of images, and their true labels in a file elsewhere."""
    top = tmp_path_factory.mktemp("unlabelled")
    labels = write_eyes(top / "eyes", 120, random_state=21)
    rows = [f"{number:03}.png,{label}" for number, label in enumerate(labels)]
    (top / "truth.csv").write_text("\n".join(["file,label", *rows]) + "\n")
    return top


@pytest.mark.xdist_group("unlabelled")
def test_train_without_labels_through_the_installed_command(unlabelled, tmp_path):
    """The whole path of the original task: a folder of images in, a classifier and a page out."""
    out, page = tmp_path / "mine.joblib", tmp_path / "history.html"
    options = ["--features", "hog", "--copies", 0]
    done = run("train", unlabelled / "eyes", "--out", out, "--report", page, *options)
    assert done.returncode == 0, done.stderr
    assert "confidence 0." in done.stdout
    assert "self-training stopped" in done.stdout
    assert f"wrote {page}; it holds your images" in done.stderr
    card = read_card(out)
    assert card["protocol"].startswith("not judged: labels were missing")
    assert card["results"] is None
    told = card["labels"]
    assert told["given"] == 0
    assert told["found"] + told["uncertain"] == 120
    assert told["found"] > 60
    text = page.read_text(encoding="utf-8")
    for part in (
        "Guesses tried",
        "Maps of the features",
        "Contact sheets",
        "Rounds of self-training",
        "Worth a person",
    ):
        assert part in text
    write_eyes(tmp_path / "others", 100, random_state=22)
    asked = run("predict", tmp_path / "others", "--model", out, "--trust-model")
    truth = [int(row["label"]) for row in rows_of(asked.stdout)]
    labels = write_eyes(tmp_path / "others", 100, random_state=22)
    assert np.mean(np.array(truth) == labels) > 0.9
    again = tmp_path / "again.joblib"
    assert run("train", unlabelled / "eyes", "--out", again, *options).returncode == 0
    assert sha256(again) == sha256(out)


@pytest.mark.xdist_group("unlabelled")
def test_train_with_some_labels_judges_by_them(unlabelled, tmp_path, capsys):
    lines = (unlabelled / "truth.csv").read_text().splitlines()
    some = [line if number <= 30 else line.split(",")[0] + "," for number, line in enumerate(lines)]
    (tmp_path / "some.csv").write_text("\n".join(some) + "\n")
    out = tmp_path / "mine.joblib"
    options = ["--labels", tmp_path / "some.csv", "--features", "hog", "--copies", 0]
    assert main("train", unlabelled / "eyes", "--out", out, *options) == 0
    assert re.search(r"^given labels +30 +30 ", capsys.readouterr().out, re.MULTILINE)
    card = read_card(out)
    assert card["labels"]["given"] == 30
    assert card["results"]["given labels"]["n"] == 30
    assert card["protocol"].startswith("the given labels only")


# -- cluster --


@pytest.mark.xdist_group("unlabelled")
def test_cluster_shows_the_same_with_and_without_true_labels(unlabelled, capsys):
    options = ["--clusterers", "kmeans,informed", "--components", "8"]
    assert main("cluster", unlabelled / "eyes", *options) == 0
    blind = capsys.readouterr().out
    assert "evaluation" not in blind
    assert main("cluster", unlabelled / "eyes", *options, "--labels", unlabelled / "truth.csv") == 0
    seen = capsys.readouterr().out
    assert "accuracy (evaluation)" in seen.splitlines()[0]
    table = [line for line in blind.splitlines() if line.startswith(("kmeans", "informed"))]
    assert len(table) == 10
    for line in table:
        assert any(other.startswith(line) for other in seen.splitlines())
    assert re.search(r"^agreement +\d\.\d\d +\w+ ", seen, re.MULTILINE)
    assert "purity (evaluation)" in seen


@pytest.mark.xdist_group("unlabelled")
def test_cluster_trains_without_labels_and_judges_on_groups_kept_back(unlabelled, capsys):
    options = ["--clusterers", "kmeans", "--components", "8", "--trained", 1, "--given", 12, "--format", "markdown"]
    options += ["--features", "hog,profile/lbp", "--not-mirrored"]
    assert main("cluster", unlabelled / "eyes", *options, "--labels", unlabelled / "truth.csv") == 0
    out = capsys.readouterr().out
    assert re.search(
        r"^\| 0 \| 0\.\d{3} \| \d\.\d{3} \(\d\.\d{3}-\d\.\d{3}\) \| \d\.\d{3} \| 24 \| ", out, re.MULTILINE
    )
    assert "to be believed: " in out
    assert re.search(r"^\| worst \| ", out, re.MULTILINE)
    assert "| kmeans | hog+profile 8, not mirrored |" in out


@pytest.mark.parametrize(
    ("options", "said"),
    [
        (["--clusterers", "kmean"], "'kmean' is not known"),
        (["--features", "hog,lbpp"], "did you mean 'lbp'"),
        (["--evaluate"], "the folders hold none"),
        (["--trained", "2"], "--trained judges by true labels"),
        (["--given", "5"], "--given 5 goes with --trained"),
        (["--components", "0"], "not a list of whole numbers"),
        (["--every", "50"], "3 images are too few to cluster"),
        (["--labels", "none.csv"], "none.csv"),
    ],
)
def test_cluster_refuses_in_one_line(unlabelled, capsys, options, said):
    try:
        status = main("cluster", unlabelled / "eyes", *options)
    except SystemExit as stopped:
        status = stopped.code
    assert status == 2
    assert said in capsys.readouterr().err.splitlines()[-1]


# -- bench --

BENCH = ("--features", "profile", "--copies", 0, "--folds", 2, "--quick")


def test_bench_on_a_folder_with_raters(tmp_path, capsys):
    write_labelled(tmp_path / "eyes", 40)
    labels = [line.split(",")[1] for line in (tmp_path / "eyes" / "assets.csv").read_text().splitlines()[1:]]
    rows = [f"{n:03}.png,{label},{label if n % 4 else 1 - int(label)}" for n, label in enumerate(labels)]
    (tmp_path / "raters.csv").write_text("\n".join(["file,r1,r2", *rows]) + "\n")
    assert main("bench", "--data", tmp_path / "eyes", *BENCH, "--raters", tmp_path / "raters.csv") == 0
    out = capsys.readouterr().out
    assert out.startswith("eyes: 2-fold cross-validation by group; 40 images")
    assert out.count("where all raters agree (30)") == 4  # two scenarios in two tables
    assert re.search(r"^Haar baseline +\.\d{3} \((\.\d{3}|1\.000)-(\.\d{3}|1\.000)\) ", out, re.MULTILINE)
    assert re.search(r"^profile svm +160 +\d+( +[\d,.]+){8}$", out, re.MULTILINE)


def test_finished_runs_are_put_into_one_document(tmp_path, capsys):
    for name in ("one", "two"):
        folder, out = write_labelled(tmp_path / name, 40), tmp_path / f"{name}_out"
        # A document in the folder that --out makes needs no folder made before.
        assert main("bench", *BENCH, "--data", folder, "--out", out, "--markdown", out / "own.md") == 0
        assert "Put together" not in (out / "own.md").read_text()
    capsys.readouterr()
    runs = [tmp_path / "one_out" / "results.json", tmp_path / "two_out" / "results.json"]
    document = tmp_path / "both.md"
    assert main("bench", "--from", *runs, "--markdown", document, "--remark", "Beside other work.") == 0
    assert capsys.readouterr().out == ""
    text = document.read_text()
    assert re.findall(r"^##? (.*)$", text, re.MULTILINE) == ["Benchmark", "one", "two", "What the columns mean"]
    assert text.count("Made by `classic-eyes bench") == 2
    put = f"classic-eyes bench --from {runs[0]} {runs[1]} --markdown {document} --remark 'Beside other work.'"
    assert f"Put together by `{put}`" in text
    assert "\n\nRemark: Beside other work.\n" in text
    assert text.count("| profile svm |") == 4
    assert sorted(path.name for path in tmp_path.glob("*.svg")) == ["both-one.svg", "both-two.svg"]
    # Two runs on data of one name keep a figure each.
    assert main("bench", "--from", runs[0], runs[0], "--markdown", document) == 0
    assert re.findall(r"!\[.*\]\((.*)\)", document.read_text()) == ["both-one.svg", "both-one-2.svg"]
    assert (tmp_path / "both-one-2.svg").read_text().startswith("<svg")


def test_bench_without_data_says_in_the_first_line_that_eyes_are_synthetic(tmp_path, capsys):
    assert main("bench", *BENCH, "--markdown", tmp_path / "bench.md") == 0
    out, err = capsys.readouterr()
    assert "synthetic eyes" in out.splitlines()[0]
    assert err == f"wrote {tmp_path / 'bench.md'}, {tmp_path / 'bench-synthetic-eyes.svg'}\n"
    text = (tmp_path / "bench.md").read_text()
    assert f"`classic-eyes bench {' '.join(map(str, BENCH))} --markdown" in text
    assert "scikit-learn" in text
    assert "quick run" in text
    rows = [line for line in text.splitlines() if line.startswith("| profile svm |")]
    assert [row.count("|") for row in rows] == [11, 12]
    assert re.findall(r"!\[.*\]\((.*)\)", text) == ["bench-synthetic-eyes.svg"]
    drawn = (tmp_path / "bench-synthetic-eyes.svg").read_text()
    assert drawn.startswith("<svg")
    assert "<image" not in drawn


def test_bench_writes_results_and_report_and_compares_them(tmp_path, capsys):
    folder, out = write_labelled(tmp_path / "eyes", 40), tmp_path / "out"
    assert main("bench", "--data", folder, *BENCH, "--out", out) == 0
    results = json.loads((out / "results.json").read_text())
    assert results["command"].startswith("classic-eyes bench --data")
    assert [entry["name"] for entry in results["datasets"][0]["scenarios"]] == ["profile svm", "Haar baseline"]
    assert "profile svm" in (out / "report.html").read_text()
    first = capsys.readouterr().out
    # Everything is taken up, timings too, so the tables are the same to the last digit.
    assert main("bench", "--data", folder, *BENCH, "--out", out, "--resume") == 0
    again = capsys.readouterr()
    assert again.out == first
    assert "classic-eyes: 2 finished parts taken up from" in again.err
    assert main("bench", "--data", folder, *BENCH, "--out", out) == 0
    assert "holds 2 finished parts, done anew without --resume" in capsys.readouterr().err
    old = out / "results.json"
    # The run done anew has timings of its own; only what is altered below may differ.
    results = json.loads(old.read_text())
    assert main("bench", "--compare", old, old) == 0
    shown = capsys.readouterr()
    assert "0 better, 0 worse, 20 same" in shown.out
    assert not shown.err
    results["datasets"][0]["scenarios"][0]["speed"]["over_decode"] *= 2
    (tmp_path / "new.json").write_text(json.dumps(results | {"seed": 7}))
    assert main("bench", "--compare", old, tmp_path / "new.json") == 1
    shown = capsys.readouterr()
    assert "OLD has seed 0 and NEW 7" in shown.err
    assert re.search(r"^eyes, profile svm: over_decode .*worse", shown.out, re.MULTILINE)
    assert main("bench", "--compare", tmp_path / "new.json", old) == 0
    results["datasets"][0]["sha256"] = "other"
    (tmp_path / "new.json").write_text(json.dumps(results))
    assert main("bench", "--compare", old, tmp_path / "new.json") == 2
    assert "not the same data" in capsys.readouterr().err


def test_bench_learns_as_a_model_did(small_model, tmp_path, capsys):
    """Two recipes are one row, so that --compare tells what a change of recipe costs."""
    eyes = make_eyes(160, random_state=9)
    other = tmp_path / "other.joblib"
    EyeClassifier(features=("profile",), n_components=10, n_copies=0).fit(eyes.images, eyes.labels).save(
        other, card={"parameters": {"features": ["profile"], "classifier": "svm", "n_components": 10, "n_copies": 0}}
    )
    results = []
    for number, model in enumerate((other, other.with_suffix(".npz"))):
        out = tmp_path / str(number)
        assert main("bench", "--quick", "--recipe", model, "--out", out) == 0
        results.append(out / "results.json")
    said = capsys.readouterr()
    assert "recipe" in said.out
    assert f"recipe of {other}: profile, svm, n_components 10, n_copies 0" in said.err.splitlines()
    assert main("bench", "--compare", results[0], results[0]) == 0
    (data,) = json.loads(results[0].read_text())["datasets"]
    assert [entry["name"] for entry in data["scenarios"]] == ["recipe", "Haar baseline"]


def test_the_recipe_of_another_model_under_a_shipped_name_is_refused(monkeypatch, capsys):
    """As with new code beside a card of before: the row would be of a recipe that does not ship."""
    monkeypatch.setitem(bench.SHIPPED_MODELS, "default", "0" * 64)
    assert main("bench", "--quick", "--recipe", "default") == 2
    err = capsys.readouterr().err
    assert "--recipe default: the card" in err
    assert "is not of the model that ships" in err


def test_the_recipe_of_a_card_that_is_of_another_model_is_refused(small_model, tmp_path, capsys):
    for name in ("mine.joblib", "mine.npz"):
        shutil.copy(small_model.with_suffix(Path(name).suffix), tmp_path / name)
    assert main("bench", "--quick", "--recipe", tmp_path / "mine.npz") == 2
    assert "mine.json' that says how it learnt" in capsys.readouterr().err
    told = {"parameters": {"features": ["hog"], "classifier": "svm"}, "model_sha256": "0" * 64}
    (tmp_path / "mine.json").write_text(json.dumps(told))
    for name in ("mine.joblib", "mine.npz"):
        assert main("bench", "--quick", "--recipe", tmp_path / name) == 2
        assert "mine.json' is not of the model that lies beside it; train again" in capsys.readouterr().err


def test_bench_shows_its_steps_on_a_terminal(tmp_path):
    folder = write_labelled(tmp_path / "eyes", 40)
    shown = shown_on_a_terminal([sys.executable, ROOT / "bench.py", "--data", folder, *map(str, BENCH)])
    # Two folds and the timing, and the baseline's answer and timing.
    assert b"5/5" in shown
    assert b"profile svm" in shown


def test_bench_leaves_out_what_it_cannot_read_and_says_so(tmp_path, capsys):
    folder = write_labelled(tmp_path / "eyes", 40)
    (folder / "003.png").write_text("no image")
    assert main("bench", "--data", folder, *BENCH) == 1
    out, err = capsys.readouterr()
    assert "left out 003.png" in err
    assert "39 images" in out


def test_bench_records_a_scenario_that_fails(tmp_path, capsys):
    folder = write_labelled(tmp_path / "eyes", 40)
    # All closed eyes of one face: whichever fold they are in, one class is left to learn from.
    rows = (folder / "assets.csv").read_text().splitlines()
    grouped = [f"{row},{'all' if row.endswith('0') else n}" for n, row in enumerate(rows[1:])]
    (folder / "assets.csv").write_text("\n".join(["file,label,group", *grouped]) + "\n")
    assert main("bench", "--data", folder, *BENCH) == 1
    out, err = capsys.readouterr()
    assert re.search(r"^profile svm: failed: .*(one class only|calibration needs 2 of each)", out, re.MULTILINE)
    assert re.search(r"^Haar baseline  ", out, re.MULTILINE)
    assert "Traceback" not in err


@pytest.mark.parametrize(
    ("options", "said"),
    [
        (
            ["--features", "hgo"],
            "known are ear, haar, hog, lbp, ltp, pixels, profile, words, words_tt, all; did you mean 'hog'",
        ),
        (["--classifiers", "smv"], "known are svm, mirror, metric, libsvm, gb, linear, knn"),
        (["--labels", "a.csv"], "--labels"),
        (["--resume"], "--out"),
        (["--folds", "1"], "2 or more"),
        (["--protocol", "vc"], "known are cv, leave-people-out and train:PATH,test:PATH"),
        (["--protocol", "leave-people-out"], "take cv"),
        (["--protocol", "train:a,test:b", "--data", "c"], "leave --data out"),
        (["--protocol", "train:no-such,test:b"], "no-such"),
        (["--markdown", "no-such/bench.md"], "make it first"),
        (["--from", "results.json"], "name it with --markdown FILE"),
        (["--from", "no-such.json", "--markdown", "bench.md"], "'no-such.json' cannot be read: No such file"),
        (
            ["--from", "README.md", "--markdown", "bench.md"],
            "cannot be read as JSON; classic-eyes bench --out",
        ),
        (["--compare", "no-such.json", "no-such.json"], "no-such.json"),
        (["--every", "0"], "not a whole number from 1"),
        (["--recipe", "no-such.joblib"], "FILE 'no-such.joblib': no model file of this name"),
        (["--recipe", ""], "no model file of this name"),
        (["--recipe", "."], "allowed are .npz, .skops and .joblib"),
    ],
)
def test_bench_refuses_in_one_line(capsys, options, said):
    try:
        status = main("bench", *options)
    except SystemExit as stopped:
        status = stopped.code
    out, err = capsys.readouterr()
    assert status == 2
    assert out == ""
    assert said in err
    assert len(err.strip().splitlines()) == 1


def test_bench_stopped_by_ctrl_c_goes_on_where_it_was(tmp_path):
    """A terminal sends Ctrl-C to all processes of the run; one line each says so, and nothing finished is lost."""
    command = [
        sys.executable,
        "-m",
        "classic_eyes",
        "bench",
        "--quick",
        "--copies",
        "0",
        "--features",
        "profile,pixels",
    ]
    options = ["--out", str(tmp_path), "--folds", "2"]
    running = subprocess.Popen(
        command + options,
        stderr=subprocess.PIPE,
        text=True,
        start_new_session=True,
        # Whatever runs the tests in the background may have told its children to ignore Ctrl-C; a terminal has not.
        preexec_fn=lambda: signal.signal(signal.SIGINT, signal.SIG_DFL),
    )
    try:
        deadline = time.monotonic() + 120
        while not list((tmp_path / "scenarios").glob("*profile_svm*.json")):
            assert running.poll() is None
            assert time.monotonic() < deadline
            time.sleep(0.02)
        os.killpg(running.pid, signal.SIGINT)
        err = running.communicate(timeout=60)[1]
    finally:
        running.kill()
    assert running.returncode == 130
    assert err.splitlines()[-1] == "classic-eyes: stopped"
    assert "--resume takes them up" in err
    assert "Traceback" not in err
    assert not (tmp_path / "results.json").exists()
    (held,) = (tmp_path / "scenarios").glob("*profile_svm*.json")
    before = held.stat().st_mtime_ns
    assert run("bench", *command[4:], *options, "--resume").returncode == 0
    assert held.stat().st_mtime_ns == before
    results = json.loads((tmp_path / "results.json").read_text())
    assert [entry["error"] for entry in results["datasets"][0]["scenarios"]] == [None] * 4


# -- the program --


def test_no_command_an_unknown_one_and_the_version():
    assert run().returncode == 2
    done = run("frobnicate")
    assert done.returncode == 2
    assert len(done.stderr.strip().splitlines()) == 1
    assert "predict" in done.stderr
    assert re.fullmatch(r"classic-eyes \d+\.\d+\.\d+\n", run("--version").stdout)


@pytest.mark.parametrize("command", cli.COMMANDS)
def test_every_command_has_help(command):
    done = run(command, "--help")
    assert done.returncode == 0
    assert command in done.stdout


def test_ctrl_c_is_one_line_and_status_130(monkeypatch, capsys):
    def stop(arguments):
        raise KeyboardInterrupt

    monkeypatch.setattr("classic_eyes.cli.predict.work", stop)
    assert main("predict", "anything") == 130
    assert capsys.readouterr().err == "classic-eyes: stopped\n"


def test_the_installed_command_and_the_shims_are_the_program(small_model, folder):
    options = [folder, "--model", small_model, "--trust-model"]
    expected = run("predict", *options).stdout
    assert len(expected.splitlines()) == 32
    installed = shutil.which("classic-eyes", path=os.path.dirname(sys.executable))
    assert installed, "the package is not installed; pip install -e '.[test]'"
    done = subprocess.run([installed, "predict", *map(str, options)], capture_output=True, text=True, timeout=120)
    assert done.stdout == expected
    assert run(*options, program=(str(ROOT / "predict.py"),), cwd=folder).stdout == expected
    assert run("--help", program=(str(ROOT / "bench.py"),), cwd=folder).returncode == 0


# -- the shipped model --


def test_the_shipped_model_answers_about_the_examples():
    done = run("predict", ROOT / "examples" / "eyes")
    rows = rows_of(done.stdout)
    assert done.returncode == 0, done.stderr
    assert len(rows) == 22
    right = [row["label"] == ("0" if "closed" in row["file"] else "1") for row in rows]
    assert sum(right) >= 20
    assert all(row["label"] == "1" for row in rows if row["file"].startswith("astronaut"))


def test_the_shipped_model_knows_real_eyes_it_was_trained_on():
    folder = shared("eyes24")
    truth = {row["file"]: row["label"] for row in rows_of((folder / "assets.csv").read_text())}
    done = run("predict", folder / "images")
    rows = rows_of(done.stdout)
    assert done.returncode == 0
    assert len(rows) == 4000
    assert np.mean([truth[row["file"]] == row["label"] for row in rows]) > 0.96


def test_four_thousand_and_one(tmp_path):
    """Four thousand images and a text file among them: every row, and status 1."""
    shutil.copytree(shared("eyes24") / "images", tmp_path / "images")
    tmp_path.joinpath("images").chmod(0o755)
    (tmp_path / "images" / "002000x.jpg").write_text("text")
    done = run("predict", tmp_path / "images")
    assert done.returncode == 1
    assert len(rows_of(done.stdout)) == 4001
    assert sum(row["error"] != "" for row in rows_of(done.stdout)) == 1


def test_a_image_in_colour_and_large_is_answered(predict, tmp_path, capsys):
    write_eyes(tmp_path / "eyes", 1)
    small = cv2.imread(str(tmp_path / "eyes" / "000.png"))
    cv2.imwrite(str(tmp_path / "eyes" / "001.png"), np.kron(small, np.ones((10, 10, 1), np.uint8)))
    assert predict(tmp_path / "eyes") == 0
    first, second = rows_of(capsys.readouterr().out)
    assert abs(float(first["score"]) - float(second["score"])) < 1e-4


def test_images_without_a_label_can_be_left_out(tmp_path, capsys):
    top = write_labelled(tmp_path / "eyes", 60)
    lines = (top / "assets.csv").read_text().splitlines()
    (top / "assets.csv").write_text("\n".join(lines[:51]) + "\n")
    options = ("--features", "hog", "--components", 10, "--copies", 0, "--folds", 2, "--out", tmp_path / "m.joblib")
    assert main("train", top, *options) == 2
    assert "10 of 60 images have none; leave --folds out, or the images with --labelled" in capsys.readouterr().err
    assert main("train", top, *options, "--labelled-only") == 0
    assert "eyes: 50 images" in capsys.readouterr().err
    (top / "assets.csv").unlink()
    assert main("train", top, *options, "--labelled-only") == 2
    assert "--labelled-only leaves nothing of 'eyes'" in capsys.readouterr().err


def test_train_names_every_classifier_in_its_help(capsys):
    with pytest.raises(SystemExit):
        cli.main(["train", "--help"])
    said = " ".join(capsys.readouterr().out.split())
    assert all(re.search(rf"\b{name}\b", said.partition("--classifier NAME")[2]) for name in CLASSIFIERS)
