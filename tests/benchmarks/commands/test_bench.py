"""The benchmark as a command: tables, documents, comparison, resuming, and one line for each wrong argument."""

from __future__ import annotations

import json
import os
import re
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from benchmarks import run as run_module
from benchmarks.commands import STUDIES, build_parser
from benchmarks.run import Settings
from benchmarks.store import SCHEMA

from ...cli.conftest import shown_on_a_terminal
from ...conftest import ROOT, run, write_labelled
from ..conftest import bench

pytestmark = pytest.mark.xdist_group("bench")
OPTIONS = ("--features", "profile", "--copies", 0, "--folds", 2, "--quick")


QUICKEST = Settings(n_resamples=20, rounds=1, timed=20)


def make_quick(monkeypatch):
    """Run tasks here, without the second in which a process imports the libraries, and with few resamples."""
    monkeypatch.setattr(run_module, "run_tasks", lambda function, tasks, n_jobs: (function(*task) for task in tasks))
    monkeypatch.setattr("benchmarks.commands.bench.SETTINGS", {True: QUICKEST})


@pytest.fixture
def quick(monkeypatch):
    make_quick(monkeypatch)


@pytest.fixture(scope="module")
def finished(tmp_path_factory):
    """A folder of eyes, and the folder of a finished run on it."""
    top = tmp_path_factory.mktemp("bench")
    folder, out = write_labelled(top / "eyes", 40), top / "out"
    with pytest.MonkeyPatch.context() as monkeypatch:
        make_quick(monkeypatch)
        assert bench("--data", folder, *OPTIONS, "--out", out, "--markdown", out / "own.md") == 0
    return folder, out


def test_studies_are_described_by_their_modules():
    for name, description in STUDIES.items():
        assert build_parser(name).description == description
        assert name in build_parser(None).format_help()


def test_folder_with_raters_has_rows_where_they_agree(tmp_path, capsys, quick):
    write_labelled(tmp_path / "eyes", 40)
    labels = [line.split(",")[1] for line in (tmp_path / "eyes" / "assets.csv").read_text().splitlines()[1:]]
    rows = [f"{n:03}.png,{label},{label if n % 4 else 1 - int(label)}" for n, label in enumerate(labels)]
    (tmp_path / "raters.csv").write_text("\n".join(["file,r1,r2", *rows]) + "\n")
    assert bench("--data", tmp_path / "eyes", *OPTIONS, "--raters", tmp_path / "raters.csv") == 0
    out = capsys.readouterr().out
    assert out.startswith("eyes: 2-fold cross-validation by group; 40 images")
    assert out.count("where all raters agree (30)") == 4  # two scenarios in two tables
    assert re.search(r"^Haar baseline +\.\d{3} \((\.\d{3}|1\.000)-(\.\d{3}|1\.000)\) ", out, re.MULTILINE)
    assert re.search(r"^profile svm +160 +\d+( +[\d,.]+){8}$", out, re.MULTILINE)


def test_results_and_report_are_written(finished):
    _, out = finished
    results = json.loads((out / "results.json").read_text())
    assert results["schema"] == SCHEMA
    assert results["command"].startswith("python bench.py --data")
    assert [entry["name"] for entry in results["datasets"][0]["scenarios"]] == ["profile svm", "Haar baseline"]
    assert "profile svm" in (out / "report.html").read_text()


def test_finished_runs_are_combined_into_one_document(finished, tmp_path, capsys):
    _, out = finished
    own = (out / "own.md").read_text()
    assert "Combined by" not in own
    assert "quick run" in own
    assert "scikit-learn" in own
    assert [row.count("|") for row in own.splitlines() if row.startswith("| profile svm |")] == [11, 12]
    results = out / "results.json"
    other = json.loads(results.read_text())
    other["datasets"][0]["name"] = "others"
    (tmp_path / "others.json").write_text(json.dumps(other))
    document, runs = tmp_path / "both.md", [results, tmp_path / "others.json", results]
    assert bench("--from", *runs, "--markdown", document, "--remark", "Beside other work.") == 0
    assert capsys.readouterr().out == ""
    text = document.read_text()
    heads = ["Benchmark", "eyes", "others", "eyes", "What the columns mean"]
    assert re.findall(r"^##? (.*)$", text, re.MULTILINE) == heads
    assert text.count("Made by `python bench.py") == 3
    command = f"python bench.py --from {' '.join(map(str, runs))} --markdown {document} --remark 'Beside other work.'"
    assert f"Combined by `{command}`" in text
    assert "\n\nRemark: Beside other work.\n" in text
    assert text.count("| profile svm |") == 6
    # Data sets of one name have a figure each.
    figures = ["both-eyes.svg", "both-others.svg", "both-eyes-2.svg"]
    assert re.findall(r"!\[.*\]\((.*)\)", text) == figures
    for figure in figures:
        assert "<svg" in (tmp_path / figure).read_text()
        assert "<image" not in (tmp_path / figure).read_text()


def test_unchanged_scenarios_are_reused(finished, capsys, quick):
    folder, out = finished
    before = json.loads((out / "results.json").read_text())
    assert bench("--data", folder, *OPTIONS, "--out", out, "--resume") == 0
    assert "bench.py: reused 2 finished parts from" in capsys.readouterr().err
    # Timings are reused, too.
    again = json.loads((out / "results.json").read_text())
    assert again["datasets"] == before["datasets"]


def test_finished_run_is_replaced_only_with_force(finished, tmp_path, capsys, quick):
    folder, done = finished
    out = tmp_path / "out"
    shutil.copytree(done, out)

    def contents():
        return {path.relative_to(out): path.read_bytes() for path in out.rglob("*") if path.is_file()}

    before = contents()
    # The files of a run stand in the way, one by one; last those of an interrupted run.
    for number, removed in enumerate((None, "results.json", "report.html")):
        if removed is not None:
            (out / removed).unlink()
            del before[Path(removed)]
        assert bench("--data", folder, *OPTIONS, "--out", out) == 2
        error = capsys.readouterr().err
        assert error.count("\n") == 1
        reason = (
            f"{('results.json', 'report.html')[number]}' exists" if number < 2 else "holds 2 finished parts of another"
        )
        assert reason in error
        assert "--resume" in error
        assert "--force" in error
        assert contents() == before
    assert bench("--data", folder, *OPTIONS, "--out", out, "--force", "--resume") == 2
    assert "give one of them" in capsys.readouterr().err
    assert bench("--data", folder, *OPTIONS, "--out", out, "--force") == 0
    assert (out / "results.json").exists()


def test_document_is_replaced_only_with_force_and_no_figure_of_another(finished, tmp_path, capsys):
    results, document = finished[1] / "results.json", tmp_path / "doc.md"
    (tmp_path / "doc-eyes.svg").write_text("of another document")
    assert bench("--from", results, "--markdown", document) == 0
    assert (tmp_path / "doc-eyes.svg").read_text() == "of another document"
    before = document.read_text()
    assert "doc-eyes-2.svg" in before
    assert bench("--from", results, "--markdown", document) == 2
    assert "--markdown" in capsys.readouterr().err
    assert document.read_text() == before
    assert bench("--from", results, "--markdown", results, "--force") == 2
    assert "is one of the files that are read" in capsys.readouterr().err
    assert bench("--from", results, "--markdown", document, "--force") == 0
    assert "doc-eyes.svg)" in document.read_text()


def test_two_runs_are_compared(finished, tmp_path, capsys):
    old, new = finished[1] / "results.json", tmp_path / "new.json"
    results = json.loads(old.read_text())
    assert bench("--compare", old, old) == 0
    shown = capsys.readouterr()
    assert "0 better, 0 worse, 20 same" in shown.out
    assert not shown.err
    results["datasets"][0]["scenarios"][0]["speed"]["over_decode"] *= 2
    new.write_text(json.dumps(results | {"seed": 7}))
    assert bench("--compare", old, new) == 1
    shown = capsys.readouterr()
    assert "OLD has seed 0 and NEW 7" in shown.err
    assert re.search(r"^eyes, profile svm: over_decode .*worse", shown.out, re.MULTILINE)
    assert bench("--compare", new, old) == 0
    results["datasets"][0]["sha256"] = "other"
    new.write_text(json.dumps(results))
    assert bench("--compare", old, new) == 2
    assert "not the same data" in capsys.readouterr().err


def test_without_data_the_first_line_says_that_eyes_are_synthetic(tmp_path, capsys, quick):
    assert bench(*OPTIONS, "--markdown", tmp_path / "bench.md") == 0
    out, err = capsys.readouterr()
    assert "synthetic eyes" in out.splitlines()[0]
    assert err == f"wrote {tmp_path / 'bench.md'}, {tmp_path / 'bench-synthetic-eyes.svg'}\n"
    assert f"`python bench.py {' '.join(map(str, OPTIONS))} --markdown" in (tmp_path / "bench.md").read_text()


def test_recipe_is_evaluated_before_the_baseline(monkeypatch, capsys, quick):
    from classic_eyes import recipes

    small = {"features": (("profile",), ("pixels",)), "n_components": 10, "n_copies": 0, "n_synthetic": 0}
    monkeypatch.setitem(recipes.RECIPES, "fast", {**recipes.RECIPES["fast"], **small})
    monkeypatch.setattr("benchmarks.commands.bench.SYNTHETIC", {True: 60})
    assert bench("--quick", "--recipe", "fast", "--folds", 2) == 0
    rows = re.findall(r"^(recipe of fast|Haar baseline)  ", capsys.readouterr().out, re.MULTILINE)
    assert rows == ["recipe of fast", "Haar baseline"] * 3


def test_progress_is_shown_on_a_terminal(tmp_path):
    folder = write_labelled(tmp_path / "eyes", 40)
    shown = shown_on_a_terminal([sys.executable, ROOT / "bench.py", "--data", folder, *map(str, OPTIONS)])
    # Two folds and the timing, and the prediction and timing of the baseline.
    assert b"5/5" in shown
    assert b"profile svm" in shown


def test_unreadable_image_is_skipped_and_reported(tmp_path, capsys, quick):
    folder = write_labelled(tmp_path / "eyes", 40)
    (folder / "003.png").write_text("no image")
    assert bench("--data", folder, *OPTIONS) == 1
    out, err = capsys.readouterr()
    assert "skipped 003.png" in err
    assert "39 images" in out


def test_failed_scenario_is_reported_with_status_1(tmp_path, capsys, quick):
    folder = write_labelled(tmp_path / "eyes", 40)
    # All closed eyes have one group: the fold that holds it out has open eyes alone to train on.
    rows = (folder / "assets.csv").read_text().splitlines()
    grouped = [f"{row},{'all' if row.endswith('0') else n}" for n, row in enumerate(rows[1:])]
    (folder / "assets.csv").write_text("\n".join(["file,label,group", *grouped]) + "\n")
    assert bench("--data", folder, *OPTIONS) == 1
    out, err = capsys.readouterr()
    assert re.search(r"^profile svm: failed: .*(one class only|calibration needs 2 of each)", out, re.MULTILINE)
    assert re.search(r"^Haar baseline  ", out, re.MULTILINE)
    assert "Traceback" not in err


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (
            ["--features", "hgo"],
            "known are ear, haar, hog, lbp, ltp, pixels, profile, words, words_tt, all; did you mean 'hog'",
        ),
        (["--classifiers", "smv"], "known are svm, symmetric, metric, libsvm, gb, linear, knn"),
        (["--recipe", "slow"], "invalid choice: 'slow'"),
        (["--labels", "a.csv"], "--labels"),
        (["--resume"], "--out"),
        (["--folds", "1"], "2 or more"),
        (["--protocol", "vc"], "known are cv, leave-people-out and train:PATH,test:PATH"),
        (["--protocol", "leave-people-out"], "use cv"),
        (["--protocol", "train:a,test:b", "--data", "c"], "leave --data out"),
        (["--protocol", "train:no-such,test:b"], "no-such"),
        (["--markdown", "no-such/bench.md"], "make it first"),
        (["--from", "results.json"], "name it with --markdown FILE"),
        (["--from", "no-such.json", "--markdown", "bench.md"], "'no-such.json' cannot be read: No such file"),
        (["--from", ROOT / "README.md", "--markdown", "bench.md"], "cannot be read as JSON; bench.py --out"),
        (["--compare", "no-such.json", "no-such.json"], "no-such.json"),
        (["--every", "0"], "not a whole number from 1"),
        (["--speed"], "unrecognized arguments: --speed"),
    ],
)
def test_wrong_arguments_give_one_line(capsys, monkeypatch, options, message):
    monkeypatch.setattr("benchmarks.commands.bench.SYNTHETIC", {False: 40})
    assert bench(*options) == 2
    out, err = capsys.readouterr()
    assert out == ""
    assert message in err
    assert err.startswith("bench.py: error: ")
    assert len(err.strip().splitlines()) == 1


def test_run_interrupted_by_ctrl_c_is_resumed(tmp_path):
    """A terminal sends Ctrl-C to all processes of a run: one line is printed, and nothing finished is lost."""
    options = ["--quick", "--copies", "0", "--features", "profile,pixels", "--out", str(tmp_path), "--folds", "2"]
    running = subprocess.Popen(
        [sys.executable, str(ROOT / "bench.py"), *options],
        stderr=subprocess.PIPE,
        text=True,
        start_new_session=True,
        # Tests that run in the background may ignore Ctrl-C; a terminal does not.
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
    assert err.splitlines()[-1] == "bench.py: stopped"
    assert "--resume reuses them" in err
    assert "Traceback" not in err
    assert not (tmp_path / "results.json").exists()
    (stored,) = (tmp_path / "scenarios").glob("*profile_svm*.json")
    before = stored.stat().st_mtime_ns
    assert run(*options, "--resume", program=(str(ROOT / "bench.py"),)).returncode == 0
    assert stored.stat().st_mtime_ns == before
    results = json.loads((tmp_path / "results.json").read_text())
    assert [entry["error"] for entry in results["datasets"][0]["scenarios"]] == [None] * 4
