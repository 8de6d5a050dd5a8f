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


@pytest.fixture(scope="module")
def unlabelled(tmp_path_factory):
    """A folder of images, and their true labels in a file elsewhere."""
    top = tmp_path_factory.mktemp("unlabelled")
    labels = write_eyes(top / "eyes", 120, random_state=21)
    rows = [f"{number:03}.png,{label}" for number, label in enumerate(labels)]
    (top / "truth.csv").write_text("\n".join(["file,label", *rows]) + "\n")
    return top


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
