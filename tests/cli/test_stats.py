"""``predict --stats``: counts of labels, verdicts and errors, and the drift from a reference."""

from __future__ import annotations

import csv
import json
import shutil
from dataclasses import asdict
from datetime import UTC, datetime, timedelta

import numpy as np
import pytest

from classic_eyes import __version__, load_model
from classic_eyes._utils.files import sha256, shipped_model
from classic_eyes.evaluation import drift
from classic_eyes.images import read_images

from ..conftest import main, write_eyes

REFERENCE = {"n": 5000, "histogram": [0.45, *[0.0125] * 8, 0.45], "unsure": 0.05, "not_an_eye": 0.01}


@pytest.fixture(scope="module")
def eyes(tmp_path_factory):
    folder = tmp_path_factory.mktemp("stats") / "eyes"
    write_eyes(folder, 150, random_state=6)
    (folder / "a.png").write_text("no image")
    (folder / "b.png").touch()
    return folder


@pytest.fixture
def model(tmp_path):
    """The model ``fast`` with a card of its own."""

    def make(**card):
        path = tmp_path / "model" / "m.npz"
        path.parent.mkdir(exist_ok=True)
        shutil.copy(shipped_model("fast"), path)
        path.with_suffix(".json").write_text(json.dumps({"files": {"m.npz": sha256(path)}, **card}))
        return path

    return make


def stats(path, *arguments, status=1):
    assert main("predict", *arguments, "--stats", path) == status
    return json.loads(path.read_text())


def test_counts_are_those_of_the_rows_and_the_drift_is_that_of_the_library(eyes, model, tmp_path, capsys):
    path = model(score_reference=REFERENCE)
    found = stats(tmp_path / "s.json", eyes, "--model", path, "--verdict", "--out", tmp_path / "a.csv")
    assert "drift: " in capsys.readouterr().err
    with open(tmp_path / "a.csv", encoding="utf-8", newline="") as file:
        rows = list(csv.DictReader(file))
    good = [row for row in rows if not row["error"]]
    assert (found["n"], found["failed"]) == (len(good), 2) == (150, 2)
    assert found["errors"] == {"text, not an image": 1, "empty file": 1}
    for name, label in (("open", "1"), ("closed", "0")):
        assert found["labels"][name] == sum(row["label"] == label for row in good)
    assert found["verdicts"] == {name: sum(row["verdict"] == name for row in good) for name in found["verdicts"]}
    assert found["model"] == {"name": "m", "sha256": sha256(path)}
    images, errors = read_images([str(eyes / row["file"]) for row in good])
    assert not any(errors)
    fast = load_model("fast")
    scores, novelty = fast.predict_proba(images)[:, 1], fast.novelty_score(images)
    expected = drift(REFERENCE, scores, fast.verdict(images), novelty=novelty)
    for label, moments in expected.novelty.items():
        assert found["novelty"][label] == pytest.approx(asdict(moments), abs=1e-6)
    assert {key: found[key] for key in ("psi", "limit", "unsure", "not_an_eye")} == pytest.approx(
        {key: getattr(expected, key) for key in ("psi", "limit", "unsure", "not_an_eye")}, abs=1e-9
    )
    assert (found["drifted"], found["reason"]) == (expected.drifted, expected.reason)
    np.testing.assert_allclose(found["histogram"], expected.histogram, atol=1e-12)
    assert found["reference"] == "the card of the model"


def test_rows_do_not_depend_on_the_statistics(eyes, model, tmp_path):
    path = model()
    for name, options in (("a", ()), ("b", ("--stats", tmp_path / "s.json"))):
        assert main("predict", eyes, "--model", path, "--out", tmp_path / f"{name}.csv", *options) == 1
    assert (tmp_path / "a.csv").read_bytes() == (tmp_path / "b.csv").read_bytes()


def test_statistics_of_a_run_are_the_reference_of_the_next(eyes, model, tmp_path, capsys):
    path = model()
    first = stats(tmp_path / "first.json", eyes, "--model", path)
    assert (first["drifted"], first["psi"], first["reference"]) == (None, None, None)
    assert "drift unknown: nothing to compare with: no reference" in capsys.readouterr().err
    again = stats(tmp_path / "again.json", eyes, "--model", path, "--reference", tmp_path / "first.json")
    assert (again["drifted"], again["reference"]) == (False, str(tmp_path / "first.json"))
    assert again["psi"] == pytest.approx(0, abs=1e-9)
    assert again["novelty_change"] == pytest.approx(0, abs=1e-9)
    assert "no drift: " in capsys.readouterr().err


def test_a_model_without_non_eye_detection_counts_what_it_knows(eyes, small_model, tmp_path):
    found = stats(tmp_path / "s.json", eyes, "--model", small_model.with_suffix(".npz"))
    assert set(found["verdicts"]) == {"closed", "open", "unsure"}
    assert sum(found["verdicts"].values()) == 150


def test_the_file_has_its_date_and_the_version_and_else_depends_on_the_images_alone(eyes, model, tmp_path):
    path = model()
    one, other = (stats(tmp_path / f"{name}.json", eyes, "--model", path) for name in "ab")
    for each in (one, other):
        made = datetime.fromisoformat(each.pop("date"))
        assert made.tzinfo is UTC
        assert abs(datetime.now(UTC) - made) < timedelta(minutes=5)
    assert one == other
    assert one["version"] == __version__


def test_images_none_of_which_can_be_read(tmp_path, model):
    (tmp_path / "bad").mkdir()
    (tmp_path / "bad" / "a.png").touch()
    found = stats(tmp_path / "s.json", tmp_path / "bad", "--model", model())
    assert (found["n"], found["failed"], found["drifted"]) == (0, 1, None)
    assert found["reason"] == "no image was read"


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["--reference", "r.json"], "--reference r.json is for --stats FILE; give that too"),
        (["--stats", "s.json", "--out", "a.csv", "--resume"], "--stats counts all predictions, but --resume"),
        (["--stats", "a.csv", "--out", "./a.csv"], "--stats 'a.csv' is --out too"),
        (["--stats", "r.json"], "--stats 'r.json' exists; name another file, or replace it with --force"),
        (["--stats", "r.json", "--reference", "r.json", "--force"], "is one of the files that are read"),
        (["--stats", "gone/s.json"], "there is no folder 'gone'"),
        (["--stats", "."], "--stats"),
        (["--stats", "s.json", "--reference", "gone.json"], "gone.json"),
        (["--stats", "s.json", "--reference", "model.json"], "reference 'model.json' is of another model, 'm'"),
        (["--stats", "s.json", "--reference", "text.json"], "reference 'text.json' is no JSON"),
        (["--stats", "s.json", "--reference", "list.json"], "reference 'list.json' holds no JSON object"),
        (["--stats", "s.json", "--reference", "other.json"], "reference 'other.json': the reference is invalid"),
    ],
)
def test_statistics_that_cannot_be_made_are_refused(eyes, tmp_path, monkeypatch, capsys, arguments, message):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "r.json").write_text(json.dumps(REFERENCE))
    (tmp_path / "text.json").write_text("hello")
    (tmp_path / "list.json").write_text("[]")
    (tmp_path / "other.json").write_text("{}")
    (tmp_path / "model.json").write_text(json.dumps({**REFERENCE, "model": {"name": "m", "sha256": "0"}}))
    assert main("predict", eyes, "--model", "fast", *arguments) == 2
    err = capsys.readouterr().err
    assert message in err
    assert err.count("\n") == 1
    assert json.loads((tmp_path / "r.json").read_text()) == REFERENCE


def test_a_trained_model_has_a_reference_in_its_card(tmp_path, capsys):
    folder = tmp_path / "train"
    labels = write_eyes(folder, 240, random_state=8)
    rows = [f"{number:03}.png,{label}" for number, label in enumerate(labels)]
    (folder / "assets.csv").write_text("\n".join(["file,label", *rows]) + "\n")
    out = tmp_path / "mine.npz"
    assert main("train", folder, "--out", out, "--features", "hog", "--classifier", "svm", "--folds", 0) == 0
    reference = load_model(out).info()["score_reference"]
    assert reference["n"] == 240
    assert sum(reference["histogram"]) == pytest.approx(1, abs=1e-4)
    assert reference["unsure"] == pytest.approx(0.05, abs=0.01)
    assert reference["not_an_eye"] == 0.01
    assert "out-of-fold" in reference["protocol"]
    write_eyes(tmp_path / "new", 200, random_state=9)
    found = stats(tmp_path / "s.json", tmp_path / "new", "--model", out, status=0)
    assert found["reference"] == "the card of the model"
    assert found["drifted"] is False
