"""The command ``classic-eyes train``."""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
import sys

import numpy as np
import pytest

from classic_eyes import EyeClassifier, load_model
from classic_eyes._utils.files import sha256, shipped_model
from classic_eyes.cli import train
from classic_eyes.cli.train import _announcement
from classic_eyes.datasets import EyeSet, load_images, read_eyes
from classic_eyes.persistence.card import read_card
from classic_eyes.recipes import RECIPES
from classic_eyes.training.duration import estimate_seconds
from classic_eyes.training.pipelines import CLASSIFIERS

from ..conftest import ROOT, main, run, write_eyes, write_labelled
from .conftest import rows_of

QUICK = ("--features", "hog", "--classifier", "svm")


# -- all labelled --


def test_command_and_python_write_the_same_bytes(tmp_path):
    """Enough images for non-eye detection, which both decide on alike."""
    folder = write_labelled(tmp_path / "eyes", 200, random_state=1)
    out = tmp_path / "command.joblib"
    assert main("train", folder, "--out", out, "--folds", 0, *QUICK) == 0
    data = load_images(read_eyes(folder))
    clf = EyeClassifier(features=("hog",), classifier="svm")
    clf.fit(data.images, data.eyes.labels, groups=data.eyes.groups)
    clf.save(tmp_path / "python.joblib")
    clf.save(tmp_path / "alone.npz")
    assert out.read_bytes() == (tmp_path / "python.joblib").read_bytes()
    for name in ("python.npz", "alone.npz"):
        assert out.with_suffix(".npz").read_bytes() == (tmp_path / name).read_bytes()
    assert load_model(out.with_suffix(".npz")).program.novelty is not None


def test_recipe_seed_and_parameters_reach_the_classifier(tmp_path, monkeypatch):
    fitted = []

    def fit(self, *_, **__):
        fitted.append(self.get_params(deep=False))
        raise KeyboardInterrupt

    monkeypatch.setattr(EyeClassifier, "fit", fit)
    folder = write_labelled(tmp_path / "eyes", 4)
    how = ["train", folder, "--folds", 0, "--out", tmp_path / "m.npz"]
    assert main(*how) == main(*how, "--recipe", "fast", "--seed", 7) == 130
    assert main(*how, "--recipe", "fast", "--features", "hog/lbp,words", "--classifier", "linear") == 2
    assert main(*how, "--recipe", "fast", "--features", "hog/lbp,words", "--classifier", "symmetric") == 130
    assert fitted[0] == EyeClassifier().get_params(deep=False)
    assert fitted[1] == EyeClassifier(**RECIPES["fast"], random_state=7).get_params(deep=False)
    changes = {"features": (("hog",), ("lbp", "words")), "classifier": "symmetric"}
    assert fitted[2] == EyeClassifier(**{**RECIPES["fast"], **changes}).get_params(deep=False)


def test_announcement_says_how_many_images_what_happens_and_how_long(tmp_path):
    eyes = read_eyes(write_labelled(tmp_path / "eyes", 40))
    counts = "eyes: 40 images: 20 open, 20 closed, 0 unlabelled, in 40 groups"
    seconds = estimate_seconds(40)
    assert (
        _announcement(eyes, 0, None, replaced=False)
        == f"{counts}; training: about {seconds:.0f} seconds on an idle computer"
    )
    minutes = estimate_seconds(40, 20, n_jobs=1) / 60
    text = f"{counts}; 20-fold evaluation, then training: about {minutes:.0f} minutes on an idle computer"
    assert _announcement(eyes, 20, 1, replaced=False) == text
    # The estimate is that of the recipe's classifier.
    assert _announcement(eyes, 2, None, replaced=True) == f"{counts}; 2-fold evaluation, then training"


def test_model_and_card_are_written(tmp_path, capsys):
    write_labelled(tmp_path / "eyes", 80, random_state=1)
    out = tmp_path / "mine.joblib"
    (tmp_path / "about.json").write_text('{"sources": ["synthetic"]}')
    options = [*QUICK, "--folds", "3", "--about", tmp_path / "about.json"]
    assert main("train", tmp_path / "eyes", "--out", out, *options) == 0
    captured = capsys.readouterr()
    assert "accuracy" in captured.out
    assert "EER" in captured.out
    first, *_, written, last = captured.err.splitlines()
    assert first.endswith("80 images: 40 open, 40 closed, 0 unlabelled, in 80 groups; 3-fold evaluation, then training")
    assert written == f"wrote {out}, {out.with_suffix('.npz')}, {out.with_suffix('.json')}"
    assert "no non-eye detection" in last
    card = read_card(out)
    assert card["files"] == {path.name: sha256(path) for path in (out, out.with_suffix(".npz"))}
    assert card["sources"] == ["synthetic"]
    assert card["data"][0]["open"] == card["data"][0]["closed"] == 40
    assert len(card["data"][0]["sha256"]) == 64
    assert card["parameters"]["features"] == ["hog"]
    assert card["features"] == 324
    assert card["command"].startswith("classic-eyes train ")
    assert "safety" in card["not_for"]
    assert "3-fold cross-validation" in card["protocol"]
    assert "each image is its own group: " in card["protocol"]
    assert "each image is its own group: " in captured.out
    result = card["results"][str(tmp_path / "eyes")]
    for metric in ("accuracy", "f1", "calibration_error"):
        assert result[metric]["low"] <= result[metric]["value"] <= result[metric]["high"]
    assert result["accuracy"]["value"] > 0.8
    assert {"scikit-learn", "opencv", "numpy", "classic_eyes"} <= set(card["versions"])
    clf = EyeClassifier.load(out, trusted=True)
    assert clf.features == ("hog",)


def test_output_does_not_depend_on_the_number_of_jobs(tmp_path):
    write_labelled(tmp_path / "eyes", 40)
    written = []
    for name, jobs in (("a", 1), ("b", 2)):
        out = tmp_path / name / "model.joblib"
        out.parent.mkdir()
        options = ["--features", "hog/pixels", "--classifier", "svm", "--folds", "2", "--seed", "7", "--jobs", jobs]
        assert main("train", tmp_path / "eyes", "--out", out, *options) == 0
        card = json.loads(out.with_suffix(".json").read_text())
        written.append((out.read_bytes(), card["results"]))
    assert written[0] == written[1]
    assert list(EyeClassifier.load(out, trusted=True).pipelines_) == ["hog", "pixels"]


def test_several_kinds_of_folders_are_one_training_set(tmp_path):
    write_labelled(tmp_path / "one", 40, random_state=1)
    labels = write_eyes(tmp_path / "loose", 40, random_state=2)
    for number, label in enumerate(labels):
        target = tmp_path / "two" / ("Open" if label else "CLOSED")
        target.mkdir(parents=True, exist_ok=True)
        shutil.copy(tmp_path / "loose" / f"{number:03}.png", target)
    out = tmp_path / "both.npz"
    options = ["--features", "profile", "--classifier", "svm", "--folds", "2"]
    assert main("train", tmp_path / "one", tmp_path / "two", "--out", out, *options) == 0
    card = read_card(out)
    assert [part["images"] for part in card["data"]] == [40, 40]
    assert set(card["results"]) == {str(tmp_path / "one"), str(tmp_path / "two"), "all"}
    assert card["results"]["all"]["n"] == 80
    assert not out.with_suffix(".joblib").exists()


def test_unreadable_images_are_skipped_and_reported(tmp_path, capsys):
    write_labelled(tmp_path / "eyes", 40)
    (tmp_path / "eyes" / "003.png").write_text("no image")
    for name in ("a.heic", "b.NEF"):
        (tmp_path / "eyes" / name).write_bytes(b"")
    out = tmp_path / "mine.npz"
    assert main("train", tmp_path / "eyes", "--out", out, *QUICK, "--folds", 0) == 1
    error = capsys.readouterr().err.splitlines()
    assert error[0].startswith("classic-eyes: skipped 003.png: text, not an image")
    assert "39 images: " in error[1]
    assert error[-2].startswith("left out of 40 images: 1 that could not be read (1 text, not an image")
    assert error[-1] == "2 files passed over (1 .heic, 1 .nef): convert them to JPEG or PNG"
    card = read_card(out)
    assert card["data"][0]["images"] == 39
    assert card["results"] is None


def test_classifier_without_a_compiled_form(tmp_path, capsys):
    folder, out = write_labelled(tmp_path / "eyes", 40), tmp_path / "mine.joblib"
    options = ("--features", "profile", "--classifier", "linear", "--folds", 0)
    assert main("train", folder, "--out", out, *options) == 0
    reason = "the classifier LogisticRegression has no compiled form"
    assert f"no compiled model: {reason}" in capsys.readouterr().err
    assert read_card(out)["not_compiled"] == reason
    assert not out.with_suffix(".npz").exists()
    # Refused before anything is read.
    assert main("train", tmp_path / "never-read", "--out", tmp_path / "mine.npz", *options) == 2
    assert f"there is none: {reason}; save as .joblib" in capsys.readouterr().err


def test_labelled_only_ignores_images_without_a_label(tmp_path, capsys):
    top = write_labelled(tmp_path / "eyes", 60)
    lines = (top / "assets.csv").read_text().splitlines()
    (top / "assets.csv").write_text("\n".join(lines[:51]) + "\n")
    options = (*QUICK, "--folds", 2, "--out", tmp_path / "m.npz")
    assert main("train", top, *options) == 2
    assert "10 of 60 images have none; omit --folds, or ignore these images with --labelled" in capsys.readouterr().err
    assert main("train", top, *options, "--labelled-only") == 0
    error = capsys.readouterr().err
    assert "eyes: 50 images" in error
    assert error.splitlines()[-1] == "left out of 60 images: 10 without a label"
    (top / "assets.csv").unlink()
    assert main("train", top, *options, "--labelled-only", "--force") == 2
    assert "--labelled-only and --start-from use labelled images alone" in capsys.readouterr().err


# -- missing labels --


@pytest.fixture(scope="module")
def unlabelled(tmp_path_factory):
    """A folder of images, and their true labels in a file elsewhere."""
    top = tmp_path_factory.mktemp("unlabelled")
    labels = write_eyes(top / "eyes", 120, random_state=21)
    rows = [f"{number:03}.png,{label}" for number, label in enumerate(labels)]
    (top / "truth.csv").write_text("\n".join(["file,label", *rows]) + "\n")
    return top


@pytest.mark.slow
def test_train_without_labels_through_the_installed_command(unlabelled, tmp_path):
    """From a folder of images to a classifier and a page."""
    out, page = tmp_path / "mine.npz", tmp_path / "history.html"
    installed = shutil.which("classic-eyes", path=os.path.dirname(sys.executable))
    command = [installed, "train", unlabelled / "eyes", "--out", out, "--report", page, *QUICK]
    done = subprocess.run([*map(str, command)], capture_output=True, text=True, timeout=240)
    assert done.returncode == 0, done.stderr
    assert done.stderr.splitlines()[0].endswith("; finding labels, then training")
    assert "confidence 0." in done.stdout
    assert "self-training stopped" in done.stdout
    assert f"wrote {page}; it contains your images" in done.stderr
    card = read_card(out)
    assert card["protocol"].startswith("not evaluated: labels were missing")
    assert card["results"] is None
    labels = card["labels"]
    assert labels["given"] == 0
    assert labels["found"] + labels["uncertain"] == 120
    assert labels["found"] > 60
    text = page.read_text(encoding="utf-8")
    for part in ("Maps of the features", "Contact sheets", "Rounds of self-training", "Label these first"):
        assert part in text
    truth = write_eyes(tmp_path / "others", 100, random_state=22)
    predicted = [int(row["label"]) for row in rows_of(run("predict", tmp_path / "others", "--model", out).stdout)]
    assert np.mean(np.array(predicted) == truth) > 0.9
    again = tmp_path / "again.npz"
    assert main("train", unlabelled / "eyes", "--out", again, *QUICK) == 0
    assert sha256(again) == sha256(out)


def test_train_with_some_labels_evaluates_on_them(unlabelled, tmp_path, capsys):
    lines = (unlabelled / "truth.csv").read_text().splitlines()
    some = [line if number <= 30 else line.split(",")[0] + "," for number, line in enumerate(lines)]
    (tmp_path / "some.csv").write_text("\n".join(some) + "\n")
    out = tmp_path / "mine.npz"
    assert main("train", unlabelled / "eyes", "--out", out, "--labels", tmp_path / "some.csv", *QUICK) == 0
    assert re.search(r"^given labels +30 +30 ", capsys.readouterr().out, re.MULTILINE)
    card = read_card(out)
    assert card["labels"]["given"] == 30
    assert card["results"]["given labels"]["n"] == 30
    assert card["protocol"].startswith("given labels only")


@pytest.mark.filterwarnings("always")
@pytest.mark.parametrize(
    ("folders", "table", "message"),
    [
        (("awake", "sleepy"), None, "folders that look like labels were not used, and their 6 images have no label"),
        (("a", "b"), "labels.csv", "'labels.csv' looks like a label file and was not used; name it with --labels"),
    ],
)
def test_labels_that_are_not_used_are_named(tmp_path, capsys, folders, table, message):
    for folder in folders:
        write_eyes(tmp_path / "eyes" / folder, 3)
    if table:
        (tmp_path / "eyes" / table).write_text("file,label\na/000.png,1\n")
    assert main("train", tmp_path / "eyes", "--out", tmp_path / "m.npz") == 2
    assert f"classic-eyes: warning: 'eyes': {message}" in capsys.readouterr().err.splitlines()[0]


# -- labels that contradict the images, or each other --


@pytest.mark.filterwarnings("always")
@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda label, k: 1 - label, r"disagrees with (9\d|100)% of the \d+ labels .*: are they exchanged\?"),
        (lambda label, k: (k // 3) % 2, r"disagrees with [45]\d% of the \d+ labels .*shifted against each other\?"),
        (lambda label, k: label, None),
    ],
)
def test_labels_that_the_shipped_model_contradicts_are_named_before_the_work(
    tmp_path, capsys, monkeypatch, change, message
):
    labels = write_eyes(tmp_path / "eyes", 120, random_state=1)
    rows = [f"{k:03}.png,{change(label, k)}" for k, label in enumerate(labels)]
    (tmp_path / "eyes" / "assets.csv").write_text("\n".join(["file,label", *rows]))

    def fit(*_, **__):
        raise KeyboardInterrupt

    monkeypatch.setattr(EyeClassifier, "fit", fit)
    assert main("train", tmp_path / "eyes", "--out", tmp_path / "m.npz", "--folds", 0) == 130
    error = capsys.readouterr().err
    assert re.search(message, error) if message else "disagrees" not in error


@pytest.mark.filterwarnings("always")
def test_identical_images_with_two_labels_are_named_and_evaluated_together(tmp_path, capsys):
    """Each image is there as open and as closed: no accuracy above one half is possible."""
    write_eyes(tmp_path / "eyes" / "open", 40)
    shutil.copytree(tmp_path / "eyes" / "open", tmp_path / "eyes" / "closed")
    assert main("train", tmp_path / "eyes", "--out", tmp_path / "m.npz", "--folds", 2, *QUICK) == 0
    captured = capsys.readouterr()
    assert "80 images: 40 open, 40 closed, 0 unlabelled, in 40 groups" in captured.err
    assert (
        "warning: 40 images are there twice with different labels, for example 'closed/000.png' (closed) and "
        "'open/000.png' (open)" in captured.err
    )
    assert captured.err.count("the labels contradict the images") == 1
    result = read_card(tmp_path / "m.npz")["results"][str(tmp_path / "eyes")]
    assert result["accuracy"]["value"] == 0.5
    assert result["n_groups"] == 40
    assert "its own group" not in captured.out


def test_identical_images_of_two_folders_are_one_group(tmp_path, capsys):
    write_labelled(tmp_path / "a", 40)
    shutil.copytree(tmp_path / "a", tmp_path / "b")
    assert main("train", tmp_path / "a", tmp_path / "b", "--out", tmp_path / "m.npz", "--folds", 0, *QUICK) == 0
    assert "80 images: 40 open, 40 closed, 0 unlabelled, in 40 groups" in capsys.readouterr().err


# -- labels that are no measure of the accuracy --

FAST = ("--features", "profile", "--classifier", "svm")


def chosen_csv(folder, labels, chosen):
    """Write an assets.csv; a label of None is left empty, and an image without a choice is not in the file."""
    rows = [
        f"{number:03}.png,{'' if label is None else label},{how}"
        for number, (label, how) in enumerate(zip(labels, chosen, strict=True))
        if label is not None or how
    ]
    (folder / "assets.csv").write_text("\n".join(["file,label,chosen", *rows]) + "\n")


def test_predictions_are_no_labels(tmp_path, small_model, capsys):
    write_eyes(tmp_path / "eyes", 60, random_state=3)
    (tmp_path / "eyes" / "broken.png").write_bytes(b"")
    labels, out = tmp_path / "predictions.csv", tmp_path / "m.npz"
    assert main("predict", tmp_path / "eyes", "--out", labels, "--model", small_model.with_suffix(".npz")) == 1
    options = [tmp_path / "eyes", "--labels", labels]
    training = ["train", *options, "--out", out, *FAST]
    for command in (training, ["label", *options, "--out", "a.html"], ["audit", *options]):
        capsys.readouterr()
        assert main(*command) == 2
        error = capsys.readouterr().err
        assert "predictions.csv has the columns score and error: these are predictions, not labels" in error
        assert error.count("\n") == 1
    assert main(*training, "--accept-predictions", "--folds", 3) == 2
    assert "the labels of 'eyes' are predictions of a model, on which no accuracy can be" in capsys.readouterr().err
    assert main(*training, "--accept-predictions") == 1
    captured = capsys.readouterr()
    assert captured.out == (
        "not evaluated: the labels of 'eyes' are predictions of a model, on which no accuracy can be measured\n"
    )
    assert "60 images: " in captured.err
    card = read_card(out)
    assert card["results"] is None
    assert card["protocol"].startswith("not evaluated: the labels of 'eyes' are predictions of a model")
    assert card["labels"] == {"given": "all", "given_are": "predictions of a model"}


def test_accuracy_is_stated_for_labels_although_predictions_would_be_accepted(tmp_path, capsys):
    folder = write_labelled(tmp_path / "eyes", 40)
    assert main("train", folder, "--out", tmp_path / "m.npz", *FAST, "--folds", 2, "--accept-predictions") == 0
    assert "accuracy" in capsys.readouterr().out
    assert "given_are" not in read_card(tmp_path / "m.npz")["labels"]


@pytest.mark.parametrize(
    ("chosen", "evaluated"),
    [
        (["priority"] * 30 + [""] * 10, False),
        (["random"] * 19 + ["priority"] * 11 + [""] * 10, False),
        # The random part measures, the others are for training alone.
        (["random"] * 20 + ["priority"] * 10 + [""] * 10, True),
        ([""] * 29 + ["cluster"] + [""] * 10, False),
        (["random"] * 30 + [""] * 10, True),
        ([""] * 40, True),
        # All were shown; a person was unsure about the last ten.
        (["priority"] * 40, True),
        (["random"] * 30 + ["priority"] * 10, True),
    ],
)
def test_no_accuracy_is_stated_from_a_choice_that_is_not_random(tmp_path, capsys, monkeypatch, chosen, evaluated):
    monkeypatch.setattr(train, "_N_FOLDS", 2)
    labels = write_eyes(tmp_path / "eyes", 40, random_state=5)
    chosen_csv(tmp_path / "eyes", [*labels[:30], *[None] * 10], chosen)
    out = tmp_path / "m.npz"
    options = [tmp_path / "eyes", "--out", out, "--labelled-only", *FAST]
    assert main("train", *options) == 0
    captured = capsys.readouterr()
    card = read_card(out)
    assert (card["results"] is not None) == evaluated
    assert ("accuracy  " in captured.out) == evaluated
    if evaluated:
        mixed = {"random", "priority"} <= {*chosen} and "" in chosen
        result = card["results"][str(tmp_path / "eyes")]
        assert result["n"] == (20 if mixed else 30)
        assert ("measure an accuracy; the 10 other labels are for training alone" in captured.out) == mixed
        by_hand = {*chosen} != {""}
        assert (result.get("slips") == 0.02) == by_hand
        for text in (captured.out, card["protocol"]):
            assert ("the upper end of the accuracy allows for 2% of wrong labels" in text) == by_hand
    else:
        (line,) = captured.out.splitlines()
        orders = ", ".join(repr(each) for each in sorted({*chosen} - {"", "random"}))
        n = sum(each not in ("", "random") for each in chosen)
        how = ", and only 19 at random, too few" if "random" in chosen else " and not at random"
        assert line.startswith(f"not evaluated: {n} of 30 labels of 'eyes' were chosen by {orders}{how}, so an")
        assert "the 10 images without a label" in line
        assert "classic-eyes label --order mixed, or --order random" in line
        assert card["protocol"] == line
        assert main("train", *options, "--folds", 2, "--force") == 2
        assert "--folds 2: " in capsys.readouterr().err


def test_a_folder_that_is_labelled_completely_is_evaluated_however_its_images_were_chosen(tmp_path, capsys):
    folder = tmp_path / "eyes"
    labels = write_eyes(folder, 40, random_state=5)
    chosen_csv(folder, labels, ["priority"] * 40)
    # A label page shows no image that cannot be read.
    (folder / "broken.png").write_bytes(b"")
    assert main("train", folder, "--out", tmp_path / "m.npz", *FAST, "--folds", 2) == 1
    captured = capsys.readouterr()
    assert "2-fold evaluation, then training" in captured.err
    assert "accuracy" in captured.out
    assert read_card(tmp_path / "m.npz")["results"]


def test_found_labels_are_not_evaluated_on_given_ones_that_were_chosen_by_priority(unlabelled, tmp_path, capsys):
    lines = (unlabelled / "truth.csv").read_text().splitlines()
    rows = [f"{line},priority" for line in lines[1:41]]
    (tmp_path / "some.csv").write_text("\n".join(["file,label,chosen", *rows]) + "\n")
    out = tmp_path / "mine.npz"
    assert main("train", unlabelled / "eyes", "--out", out, "--labels", tmp_path / "some.csv", *QUICK) == 0
    captured = capsys.readouterr()
    assert "40 of 40 labels of 'eyes' were chosen by 'priority' and not at random" in captured.out
    assert "EER" not in captured.out
    assert "too few of the given labels" not in captured.out
    card = read_card(out)
    assert card["results"] is None
    assert card["labels"]["given"] == 40
    assert card["protocol"].startswith("not evaluated: 40 of 40 labels")


def test_unsure_images_are_counted_and_few_random_ones_measure_nothing(tmp_path, capsys):
    folder, out = tmp_path / "eyes", tmp_path / "m.npz"
    labels = write_eyes(folder, 60, random_state=5)
    options = [folder, "--out", out, "--labelled-only", "--force", *FAST]
    chosen_csv(folder, [*[None] * 10, *labels[10:40], *[None] * 20], ["random"] * 40 + [""] * 20)
    assert main("train", *options) == 0
    note = "10 images that were chosen at random are unsure and do not count in the accuracy; if they did, it would be"
    assert note in capsys.readouterr().out
    assert note in read_card(out)["protocol"]
    chosen_csv(folder, [*labels[:19], *[None] * 41], ["random"] * 19 + [""] * 41)
    assert main("train", *options) == 0
    assert "not evaluated: " in (text := capsys.readouterr().out)
    assert "too few for an accuracy; 20 chosen at random are needed" in text
    assert read_card(out)["results"] is None


@pytest.mark.filterwarnings("ignore:all views disagree")
def test_found_labels_are_evaluated_on_the_random_part_of_a_mixed_page(unlabelled, tmp_path, capsys):
    lines = (unlabelled / "truth.csv").read_text().splitlines()[1:]
    rows = [f"{line},{'random' if k % 2 else 'priority'}" for k, line in enumerate(lines[:60])]
    (tmp_path / "some.csv").write_text("\n".join(["file,label,chosen", *rows]) + "\n")
    out, page = tmp_path / "mine.npz", tmp_path / "page.html"
    options = ("--labels", tmp_path / "some.csv", "--report", page, *QUICK)
    assert main("train", unlabelled / "eyes", "--out", out, *options) == 0
    captured = capsys.readouterr()
    card = read_card(out)
    assert card["labels"]["given"] == 60
    assert card["results"]["given labels"]["n"] == 30
    note = "30 labels of 'eyes' are of images that were chosen at random, and only these measure an accuracy"
    text = page.read_text(encoding="utf-8")
    for place in (captured.out, card["protocol"], text.replace("&#x27;", "'")):
        assert note in place
    assert "given labels" in text


def test_labels_that_were_found_are_written(unlabelled, tmp_path, capsys):
    lines = (unlabelled / "truth.csv").read_text().splitlines()[1:]
    truth = dict(line.split(",") for line in lines)
    (tmp_path / "some.csv").write_text("\n".join(["file,label", *lines[:8]]) + "\n")
    out, found = tmp_path / "m.npz", tmp_path / "found.csv"
    options = ("--labels", tmp_path / "some.csv", "--labels-out", found, *QUICK)
    assert main("train", unlabelled / "eyes", "--out", out, *options) == 0
    captured = capsys.readouterr()
    rows = rows_of(found.read_text())
    labels = read_card(out)["labels"]
    assert f"wrote {found}: {labels['found']} labels that were found" in captured.err
    assert list(rows[0]) == ["file", "label", "confidence", "origin"]
    assert [row["file"] for row in rows] == sorted(truth)
    origins = {row["origin"] for row in rows}
    assert {"given", "clustering"} <= origins <= {"", "given", "clustering", "round 1", "round 2", "round 3", "round 4"}
    assert [row["file"] for row in rows if row["origin"] == "given"] == sorted(line.split(",")[0] for line in lines[:8])
    assert all((row["origin"] == "") == (row["label"] == "") for row in rows)
    assert sum(row["label"] != "" for row in rows) == labels["found"] + labels["given"]
    sure = [row for row in rows if row["label"]]
    assert np.mean([row["label"] == truth[row["file"]] for row in sure]) > 0.9
    assert all(0 <= float(row["confidence"]) <= 1 for row in rows)
    assert np.mean([float(row["confidence"]) > 0.9 for row in sure]) > 0.9
    assert "too few of the given labels are open, or closed; label more images" in captured.out
    # They are no labels of a person; training on them states no accuracy.
    again = (
        "train",
        unlabelled / "eyes",
        "--labels",
        found,
        "--out",
        tmp_path / "again.npz",
        *QUICK,
        "--labelled-only",
    )
    assert main(*again) == 2
    assert (
        "found.csv has the columns confidence and origin: these are labels that train found" in capsys.readouterr().err
    )
    assert main(*again, "--accept-predictions") == 0
    assert "not evaluated: the labels of 'eyes' are predictions" in capsys.readouterr().out
    assert "trained_on" not in read_card(tmp_path / "again.npz")
    # Nothing is written over; where all is labelled there is nothing to write.
    assert main("train", unlabelled / "eyes", "--out", tmp_path / "b.npz", *options) == 2
    assert "--labels-out" in capsys.readouterr().err
    full = ("--labels", unlabelled / "truth.csv", "--labels-out", tmp_path / "none.csv", *QUICK)
    assert main("train", unlabelled / "eyes", "--out", tmp_path / "b.npz", *full) == 2
    assert "none.csv' holds labels that were found, and all 120 images are labelled" in capsys.readouterr().err


def test_labels_of_several_folders_are_written_with_their_paths(tmp_path):
    for name in ("a", "b"):
        write_eyes(tmp_path / name, 60, random_state=21)
    write_eyes(tmp_path / "b", 60, random_state=22)
    found = tmp_path / "found.csv"
    options = ("--out", tmp_path / "m.npz", "--labels-out", found, *QUICK)
    assert main("train", tmp_path / "a", tmp_path / "b", *options) == 0
    assert rows_of(found.read_text())[60]["file"] == str(tmp_path / "b" / "000.png")


def test_report_without_labels_says_that_there_is_no_accuracy(unlabelled, tmp_path, capsys):
    page = tmp_path / "page.html"
    assert main("train", unlabelled / "eyes", "--out", tmp_path / "m.npz", "--report", page, *QUICK) == 0
    assert "not measured: no image has a label" in page.read_text(encoding="utf-8")
    assert "evaluated" not in capsys.readouterr().out


# -- errors --


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


def _four(folder):
    write_labelled(folder, 4)


def _one_person(folder):
    """Closed eyes are of one person; open ones of four."""
    labels = write_eyes(folder, 40)
    rows = [f"{n:03}.png,{label},{f'p{n % 4}' if label else 'p0'}" for n, label in enumerate(labels)]
    (folder / "assets.csv").write_text("\n".join(["file,label,group", *rows]) + "\n")


def _two_people(folder):
    labels = write_eyes(folder, 40)
    rows = [f"{n:03}.png,{label},p{n // 20}" for n, label in enumerate(labels)]
    (folder / "assets.csv").write_text("\n".join(["file,label,group", *rows]) + "\n")


@pytest.mark.parametrize(
    ("make", "options", "message"),
    [
        (_unlabelled, [], "'eyes': 6 images are too few to find labels; 60 are needed"),
        (_four, ["--report", "history.txt"], "--report 'history.txt' must end in .html"),
        (_four, ["--report", "no/history.html"], "make it first"),
        (_four, ["--report", "history.html"], "all 4 images are labelled"),
        (_one_class, ["--folds", "0"], "'eyes': all 6 labels are open; training needs open and closed eyes"),
        (_one_class, [], "'eyes': all 6 labels are open"),
        (_one_person, ["--folds", "0"], "'eyes': closed eyes are of 1 group and open ones of 4 groups"),
        (_two_people, ["--folds", "2"], "without one of 2 folds, closed eyes are of 1 group and open ones of 1 group "),
        (_two_people, [], "40 labelled images of 2 groups (a group is a person or face) are too few for 5 folds"),
        (_missing_image, [], "line 8"),
        (_bad_label, [], "line 5"),
        (_empty, [], "no image"),
        (lambda folder: None, [], "eyes"),
        (_four, ["--features", "hgo"], "did you mean 'hog'"),
        (_four, ["--classifier", "smv"], "svm, symmetric, metric, libsvm, gb, linear, knn"),
        (_four, ["--recipe", "slow"], "recipe 'slow' is not known; known are default, fast"),
        (_four, [], "take fewer --folds, or --folds 0 for no evaluation"),
        (_four, ["--folds", "1"], "2 or more, or 0 for no evaluation"),
        (_four, ["--features", ","], "names nothing"),
        (_four, ["--features", "hog,lbp/"], "names nothing"),
        (_four, ["--about", "none.json"], "none.json' cannot be read: No such file or directory; name a JSON file"),
        (_four, ["--about", __file__], "test_train.py' is not JSON: Extra data"),
        (_four, ["--labels", "none.csv"], "none.csv"),
        (_four, ["--seed=2147483648"], "'2147483648' is not a whole number from 0 to 2147483647"),
        (_four, ["--seed=-1"], "argument --seed: '-1' is not a whole number from 0 to 2147483647"),
        (_four, ["--seed=1.5"], "'1.5' is not a whole number from 0 to 2147483647"),
        (_four, ["--seed=some"], "'some' is not a whole number from 0 to 2147483647"),
    ],
)
def test_refused_training_gives_a_one_line_error_and_leaves_the_old_model(tmp_path, capsys, make, options, message):
    make(tmp_path / "eyes")
    out = tmp_path / "mine.joblib"
    out.write_text("the old model")
    assert main("train", tmp_path / "eyes", "--out", out, "--force", *options) == 2
    err = capsys.readouterr().err
    assert message in err.splitlines()[-1]
    assert err.count("\n") == 1
    assert not any(word in err for word in ("n_splits", "Traceback", "y holds"))
    assert out.read_text() == "the old model"


@pytest.mark.parametrize(
    ("out", "message"),
    [
        ("mine.pkl", "must end in .npz, .joblib or .skops"),
        ("no/mine.joblib", "make it first"),
        ("taken.npz", "is a folder; name a file"),
    ],
)
def test_wrong_out_is_refused_before_anything_is_read(tmp_path, capsys, out, message):
    (tmp_path / "taken.npz").mkdir()
    assert main("train", tmp_path / "never-read", "--out", tmp_path / out) == 2
    assert message in capsys.readouterr().err


@pytest.mark.parametrize("exists", ["mine.joblib", "mine.npz", "mine.json", "found.html"])
def test_existing_files_are_replaced_only_with_force(tmp_path, capsys, exists):
    folder = write_labelled(tmp_path / "eyes", 40)
    lines = (folder / "assets.csv").read_text().splitlines()
    (folder / "assets.csv").write_text("\n".join(lines[:31]) + "\n")
    (tmp_path / exists).write_text("precious")
    options = ["--out", tmp_path / "mine.joblib", "--report", tmp_path / "found.html"]
    assert main("train", tmp_path / "never-read", *options) == 2
    err = capsys.readouterr().err
    assert f"'{tmp_path / exists}' exists; name another file, or replace it with --force" in err
    assert len(err.splitlines()) == 1
    assert (tmp_path / exists).read_text() == "precious"
    if exists != "found.html":
        assert main("train", folder, *options[:2], "--force", "--labelled-only", "--folds", 0, *QUICK) == 0
        assert (tmp_path / exists).read_bytes() != b"precious"
        command = read_card(tmp_path / "mine.joblib")["command"]
        assert "--out" in command
        assert "--force" not in command


def test_a_file_that_is_read_is_not_replaced_even_with_force(tmp_path, capsys):
    (tmp_path / "mine.json").write_text("{}")
    options = ("--about", tmp_path / "mine.json", "--out", tmp_path / "mine.npz", "--force")
    assert main("train", tmp_path / "never-read", *options) == 2
    assert "mine.json' is one of the files that are read; name another file" in capsys.readouterr().err
    assert (tmp_path / "mine.json").read_text() == "{}"


@pytest.mark.parametrize("codec", ["utf-8-sig", "utf-16"])
def test_the_encoding_of_further_entries(tmp_path, capsys, codec):
    about = tmp_path / "about.json"
    about.write_bytes('{"sources": ["\N{EYE}"]}'.encode(codec))
    folder = write_labelled(tmp_path / "eyes", 20)
    options = ("--about", about, "--out", tmp_path / "m.npz", "--folds", 0, *FAST)
    status = main("train", folder, *options)
    if codec == "utf-16":
        assert status == 2
        assert f"about '{about}' is UTF-16; save it as UTF-8" in capsys.readouterr().err
    else:
        assert status == 0
        assert read_card(tmp_path / "m.npz")["sources"] == ["\N{EYE}"]


@pytest.mark.parametrize(("name", "locale"), [(b"caf\xc3\xa9", "C"), (b"caf\xe9", "C"), (b"caf\xe9", "C.UTF-8")])
def test_names_of_any_bytes_in_any_locale(tmp_path, name, locale):
    folder = os.fsencode(tmp_path / "eyes") + name
    write_labelled(tmp_path / "eyes", 20)
    os.rename(tmp_path / "eyes", folder)
    os.rename(folder + b"/000.png", folder + "/\u00fc.png".encode())
    with open(folder + b"/assets.csv", "rb") as file:
        content = file.read().replace(b"000.png", "\u00fc.png".encode())
    with open(folder + b"/assets.csv", "wb") as file:
        file.write(content)
    out = tmp_path / "m.npz"
    command = [sys.executable, "-m", "classic_eyes", "train", folder, "--out", out, "--folds", "2", *FAST]
    environment = {**os.environ, "LC_ALL": locale, "PYTHONUTF8": "0", "PYTHONCOERCECLOCALE": "0"}
    done = subprocess.run(command, capture_output=True, env=environment, timeout=240)
    assert done.returncode == 0, done.stderr
    assert b"accuracy" in done.stdout
    (part,) = read_card(out)["data"]
    assert part["images"] == 20
    assert os.fsencode(part["path"]) == folder


def test_help_names_every_classifier_and_recipe(capsys):
    assert main("train", "--help") == 0
    text = " ".join(capsys.readouterr().out.split())
    assert all(re.search(rf"\b{name}\b", text.partition("--classifier NAME")[2]) for name in CLASSIFIERS)
    assert all(re.search(rf"\b{name}\b", text.partition("--recipe NAME")[2]) for name in RECIPES)


# -- a few labels on top of a model --


def test_a_start_takes_a_few_labels_and_is_measured(tmp_path, capsys):
    folder = write_labelled(tmp_path / "eyes", 60, random_state=1)
    assert main("train", folder, "--start-from", "fast", "--out", tmp_path / "mine.npz") == 0
    out, err = capsys.readouterr()
    assert "5-fold evaluation" in err
    assert re.search(r"fast alone classifies \d+ of these 60 images rightly", out)
    card = read_card(tmp_path / "mine.npz")
    assert card["parameters"] == {"start_from": "fast"}
    # Where the start was trained on the images, cross-validation would not hold them out.
    assert main("train", folder, "--start-from", tmp_path / "mine.npz", "--out", tmp_path / "again.npz") == 0
    message = "was trained on 60 of these 60 images; label images of another source, and run classic-eyes evaluate"
    assert message in capsys.readouterr().out
    assert read_card(tmp_path / "again.npz")["results"] is None
    # A card without digests knows whole sets; without a card nothing is known.
    for name, note in (("digests", "was trained on 60 of these 60 images"), ("card", "has no model card: whether it")):
        start = tmp_path / f"no_{name}.npz"
        shutil.copy(tmp_path / "mine.npz", start)
        if name == "digests":
            without = {key: value for key, value in card.items() if key != "trained_on"}
            start.with_suffix(".json").write_text(json.dumps(without))
        assert main("train", folder, "--start-from", start, "--out", tmp_path / "c.npz", "--force") == 0
        assert note in capsys.readouterr().out
    assert set(card["trained_on"]) == {"size", "digests"}
    assert len(card["trained_on"]["digests"]) > len(read_card(shipped_model("fast"))["trained_on"]["digests"])
    assert card["results"]
    data = load_images(read_eyes(folder))
    clf = EyeClassifier(start_from="fast").fit(data.images, data.eyes.labels, groups=data.eyes.groups)
    assert np.array_equal(load_model(tmp_path / "mine.npz").predict_proba(data.images), clf.predict_proba(data.images))


def test_a_start_has_no_use_for_unlabelled_images(tmp_path, capsys):
    folder = write_labelled(tmp_path / "eyes", 60, random_state=1)
    lines = (folder / "assets.csv").read_text().splitlines()
    unlabelled = [line.split(",")[0] + "," + ("" if k > 30 else line.split(",")[1]) for k, line in enumerate(lines)]
    (folder / "assets.csv").write_text("\n".join(unlabelled))
    assert main("train", folder, "--start-from", "fast", "--out", tmp_path / "mine.npz", "--folds", 0) == 0
    assert "left out of 60 images: 30 without a label" in capsys.readouterr().err


def test_one_person_is_not_split(tmp_path, capsys):
    folder = write_labelled(tmp_path / "eyes", 40, random_state=1)
    lines = (folder / "assets.csv").read_text().splitlines()
    rows = [",".join([*line.split(",")[:2], "anna"]) for line in lines[1:]]
    (folder / "assets.csv").write_text("\n".join(["file,label,group", *rows]))
    assert main("train", folder, "--start-from", "fast", "--out", tmp_path / "mine.npz") == 0
    assert "not evaluated: 5 folds need open and closed eyes of more than 1 groups" in capsys.readouterr().out
    assert main("train", folder, "--start-from", "fast", "--out", tmp_path / "b.npz", "--folds", 5) == 2
    assert "--folds 5: 5 folds need" in capsys.readouterr().err


def test_a_start_that_knows_the_images_names_others_to_label(tmp_path, capsys):
    folder = write_labelled(tmp_path / "eyes", 60, random_state=1)
    lines = (folder / "assets.csv").read_text().splitlines()
    (tmp_path / "some.csv").write_text("\n".join(lines[:31]) + "\n")
    common = ("--labels", tmp_path / "some.csv", "--start-from")
    assert main("train", folder, *common, "fast", "--out", tmp_path / "a.npz") == 0
    capsys.readouterr()
    assert main("train", folder, *common, tmp_path / "a.npz", "--out", tmp_path / "b.npz") == 0
    out = capsys.readouterr().out
    assert "was trained on 30 of these 30 images; label images that it was not trained on, such as '030.png'" in out
    assert main("train", folder, "--start-from", "fast", "--out", tmp_path / "c.npz") == 0
    capsys.readouterr()
    assert main("train", folder, *common, tmp_path / "c.npz", "--out", tmp_path / "d.npz") == 0
    message = "label images of another source: those without a label were used to train it too (all 30)"
    assert message in capsys.readouterr().out


def test_a_start_that_is_kept_is_warned_of_once(tmp_path):
    folder = write_labelled(tmp_path / "eyes", 40, random_state=1)
    lines = (folder / "assets.csv").read_text().splitlines()
    # Labels that say nothing about the images.
    rows = [f"{line.split(',')[0]},{k % 2}" for k, line in enumerate(lines[1:])]
    (folder / "assets.csv").write_text("\n".join(["file,label", *rows]) + "\n")
    done = run("train", folder, "--start-from", "fast", "--out", tmp_path / "a.npz")
    assert done.returncode == 0
    warned = [line for line in done.stderr.splitlines() if "start is kept" in line]
    message = "the start is kept unchanged: in cross-validation, training with these labels made it worse; label more"
    assert warned == [f"classic-eyes: warning: {message}"]
    assert "UserWarning" not in done.stderr


def test_steps_are_shown_with_the_time(tmp_path, capsys):
    folder = write_labelled(tmp_path / "eyes", 30)
    assert main("train", folder, "--out", tmp_path / "a.npz", "--folds", 2, *FAST) == 0
    steps = re.findall(r"^\[\d+ s\] (.*)$", capsys.readouterr().err, re.MULTILINE)
    assert steps[:2] == ["evaluation: fold 1 of 2 done", "evaluation: fold 2 of 2 done"]
    assert steps[2:] == ["training: preparing 30 images and 90 synthetic eyes", "training: view 1 of 1"]
    write_eyes(tmp_path / "bare", 80)
    assert main("train", tmp_path / "bare", "--out", tmp_path / "b.npz", *FAST) == 0
    steps = re.findall(r"^\[\d+ s\] finding labels: (.*)$", capsys.readouterr().err, re.MULTILINE)
    assert steps[:4] == [
        "training on synthetic eyes alone",
        "computing features",
        "clustering",
        "round 1 of at most 4",
    ]


def test_what_a_start_refuses(tmp_path, capsys):
    folder = write_labelled(tmp_path / "eyes", 9, random_state=1)
    assert main("train", folder, "--start-from", "fast", "--out", tmp_path / "a.npz") == 2
    assert "9 labelled images are too few to change a start; label 10 or more" in capsys.readouterr().err
    assert main("train", folder, "--start-from", "fast", "--recipe", "fast", "--out", tmp_path / "a.npz") == 2
    assert "--start-from fast has no use for --recipe; omit it" in capsys.readouterr().err
    assert main("train", folder, "--start-from", "no.npz", "--out", tmp_path / "a.npz") == 2
    assert "no file of this name" in capsys.readouterr().err
    assert not (tmp_path / "a.npz").exists()


def test_photographs_of_faces_are_noticed(tmp_path):
    shutil.copytree(ROOT / "examples" / "photographs", tmp_path / "album")
    eyes = EyeSet([str(path) for path in sorted((tmp_path / "album").iterdir())], [1, 0], ["a", "b"], ["a", "b"])
    with pytest.warns(UserWarning, match="2 of 2 larger images examined .* train needs patches of one eye"):
        train._warn_of_photographs([eyes], None)


def test_an_existing_card_is_named_as_the_card(tmp_path, capsys):
    (tmp_path / "anna.json").write_text("a calibration")
    assert main("train", tmp_path, "--out", tmp_path / "anna.npz") == 2
    assert "the model card of --out, " in capsys.readouterr().err
