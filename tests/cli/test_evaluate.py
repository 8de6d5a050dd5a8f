"""The command ``classic-eyes evaluate``."""

from __future__ import annotations

import json
import shutil

import numpy as np
import pytest

from classic_eyes import EyeClassifier, load_model, metrics
from classic_eyes.datasets import load_images, read_eyes

from ..conftest import main, write_eyes, write_labelled
from .conftest import rows_of


@pytest.fixture(scope="module")
def eyes(tmp_path_factory):
    """A labelled folder of two sources, with two images of each person."""
    top = tmp_path_factory.mktemp("evaluate") / "eyes"
    rows = []
    for seed, name in enumerate(("left", "right")):
        labels = write_eyes(top / name, 40, random_state=seed + 30)
        rows += [f"{name}/{k:03}.png,{label},{name}{k // 2}" for k, label in enumerate(labels)]
    (top / "assets.csv").write_text("\n".join(["file,label,group", *rows]) + "\n")
    return top


@pytest.fixture(scope="module")
def model(small_model):
    """A model that has no card and was not trained on any of the folders."""
    return small_model.with_suffix(".npz")


def evaluated(capsys, *arguments, status=0):
    assert main("evaluate", *arguments, "--format", "json") == status
    captured = capsys.readouterr()
    return json.loads(captured.out), captured.err


def expected(folder, model, **options):
    data = load_images(read_eyes(folder, **options))
    return data.eyes, load_model(model).predict_proba(data.images)[:, 1]


def test_numbers_are_those_of_the_model_with_intervals_by_group(eyes, model, capsys):
    found, error = evaluated(capsys, eyes, "--model", model)
    read, scores = expected(eyes, model)
    assert found["results"]["all"] == metrics.summarize(read.labels, scores, read.groups)
    assert found["results"]["all"]["n_groups"] == 40
    assert list(found["results"]) == ["all", "left", "right"]
    assert set(found["slices"]) == {"brightness", "sharpness"}
    assert (found["threshold"], found["notes"], error) == (0.5, [], "")


def test_table_and_csv_have_the_same_numbers(eyes, model, capsys):
    found, _ = evaluated(capsys, eyes, "--model", model)
    result = found["results"]["all"]
    assert main("evaluate", eyes, "--model", model) == 0
    table = capsys.readouterr().out
    assert "80 labelled images of 40 groups; intervals: 95%" in table
    low, high = result["accuracy"]["low"], result["accuracy"]["high"]
    assert f"Accuracy           {result['accuracy']['value']:.4f} ({low:.3f}-{high:.3f})" in table
    for label, counts in zip(("closed", "open"), result["confusion"], strict=True):
        (line,) = [line for line in table.splitlines() if line.startswith(f"labelled {label}")]
        assert line.split()[2:] == [str(count) for count in counts]
    assert main("evaluate", eyes, "--model", model, "--format", "csv") == 0
    rows = rows_of(capsys.readouterr().out)
    assert list(rows[0]) == ["part", "n", "n_groups", "metric", "value", "low", "high"]
    (row,) = [row for row in rows if (row["part"], row["metric"]) == ("right", "accuracy")]
    assert float(row["value"]) == pytest.approx(found["results"]["right"]["accuracy"]["value"])
    (row,) = [row for row in rows if (row["part"], row["metric"]) == ("all", "closed_as_open")]
    assert int(row["value"]) == result["confusion"][0][1]


def test_several_folders_are_sources(eyes, model, tmp_path, capsys):
    other = write_labelled(tmp_path / "other", 30, random_state=40)
    found, _ = evaluated(capsys, eyes, other, "--model", model)
    assert {name: part["n"] for name, part in found["results"].items()} == {"all": 110, str(eyes): 80, str(other): 30}


def test_images_that_are_their_own_groups_are_said_to_be(model, tmp_path, capsys):
    found, error = evaluated(capsys, write_labelled(tmp_path / "e", 30), "--model", model)
    assert found["notes"][0].startswith("each image is its own group")
    assert found["notes"][0] in error


def test_unreadable_images_are_left_out(model, tmp_path, capsys):
    folder = write_labelled(tmp_path / "e", 30)
    (folder / "003.png").write_bytes(b"hello")
    (folder / "b.heic").write_bytes(b"")
    found, error = evaluated(capsys, folder, "--model", model, status=1)
    assert found["results"]["all"]["n"] == 29
    assert "skipped 003.png: text, not an image" in error
    assert "left out: 1 that could not be read (1 text, not an image)" in error
    assert error.splitlines()[-1].startswith("1 file passed over (1 .heic)")


# -- honest numbers --


def test_images_that_the_model_was_trained_on_are_left_out(tmp_path, capsys):
    folder, out = write_labelled(tmp_path / "eyes", 60, random_state=2), tmp_path / "m.npz"
    lines = (folder / "assets.csv").read_text().splitlines()
    (tmp_path / "some.csv").write_text("\n".join(lines[:41]) + "\n")
    options = ("--features", "hog", "--classifier", "svm", "--folds", 0, "--labelled-only")
    assert main("train", folder, "--labels", tmp_path / "some.csv", "--out", out, *options) == 0
    capsys.readouterr()
    # All of its training images, under any name and in any folder.
    shutil.copytree(folder, tmp_path / "copy")
    for each in (folder, tmp_path / "copy"):
        assert main("evaluate", each, "--labels", tmp_path / "some.csv", "--model", out) == 2
        error = capsys.readouterr().err
        assert "left out: 40 of 40 labelled images, on which the model was trained" in error
        assert "its card states no accuracy; label images that it was not trained on, such as '040.png', '041" in error
        assert error.count("\n") == 1
    found, _ = evaluated(capsys, folder, "--model", out)
    assert found["results"]["all"]["n"] == 20
    assert found["notes"][0].startswith("left out: 40 of 60 labelled images, on which the model was trained")
    read, scores = expected(folder, out)
    rest = np.arange(60) >= 40
    assert found["results"]["all"]["accuracy"]["value"] == metrics.accuracy(read.labels[rest], scores[rest])


def test_whole_training_set_is_known_from_a_card_without_digests(tmp_path, capsys):
    folder, out = write_labelled(tmp_path / "eyes", 40), tmp_path / "m.npz"
    options = ("--features", "hog", "--classifier", "svm", "--folds", 0)
    assert main("train", folder, "--out", out, *options) == 0
    card = json.loads(out.with_suffix(".json").read_text())
    del card["trained_on"]
    out.with_suffix(".json").write_text(json.dumps(card))
    assert main("evaluate", folder, "--model", out) == 2
    assert "40 of 40 labelled images, on which the model was trained" in capsys.readouterr().err
    out.with_suffix(".json").unlink()
    assert main("evaluate", folder, "--model", out) == 0


def test_only_the_random_part_of_the_labels_measures(model, tmp_path, capsys):
    labels = write_eyes(tmp_path / "eyes", 80, random_state=2)
    rows = [f"{k:03}.png,{label},{'random' if k % 2 else 'priority'}" for k, label in enumerate(labels[:60])]
    (tmp_path / "eyes" / "assets.csv").write_text("\n".join(["file,label,chosen", *rows]) + "\n")
    found, _ = evaluated(capsys, tmp_path / "eyes", "--model", model)
    result = found["results"]["all"]
    assert (result["n"], result["slips"]) == (30, 0.02)
    assert found["notes"][0].startswith("30 labels of 'eyes' are of images that were chosen at random, and only these")
    assert "the 30 other labels are for training alone" in found["notes"][0]
    assert "allows for 2% of wrong labels" in found["notes"][-1]
    hard = [line.replace("random", "priority") for line in rows]
    (tmp_path / "hard.csv").write_text("\n".join(["file,label,chosen", *hard]) + "\n")
    assert main("evaluate", tmp_path / "eyes", "--model", model, "--labels", tmp_path / "hard.csv") == 2
    error = capsys.readouterr().err
    assert "error: not evaluated: 60 of 60 labels of 'eyes' were chosen by 'priority' and not at random" in error
    assert "classic-eyes label --order mixed" in error
    # The same of predictions.
    assert main("predict", tmp_path / "eyes", "--model", model, "--out", tmp_path / "p.csv") == 0
    assert main("evaluate", tmp_path / "p.csv", "--labels", tmp_path / "hard.csv") == 2
    assert "the 20 images without a label" in capsys.readouterr().err
    again, _ = evaluated(capsys, tmp_path / "p.csv", "--labels", tmp_path / "eyes" / "assets.csv")
    assert again["results"]["all"]["accuracy"] == result["accuracy"]


# -- predictions --


def test_predictions_are_evaluated_like_the_model(eyes, model, tmp_path, capsys):
    predictions = tmp_path / "p.csv"
    assert main("predict", eyes, "--model", model, "--out", predictions) == 0
    found, error = evaluated(capsys, predictions, "--labels", eyes / "assets.csv")
    direct, _ = evaluated(capsys, eyes, "--model", model)
    for name, part in direct["results"].items():
        for key in ("n", "n_groups", "confusion"):
            assert found["results"][name][key] == part[key]
        assert found["results"][name]["accuracy"] == part["accuracy"]
        # Scores are written with six digits.
        assert found["results"][name]["brier"]["value"] == pytest.approx(part["brier"]["value"], abs=1e-5)
    (note,) = found["notes"]
    assert (found["slices"], note.startswith("caution: if the model was trained on these images")) == ({}, True)
    assert "passed over" not in error


def test_predictions_for_training_images_are_left_out_like_the_images(tmp_path, capsys):
    folder, out, predictions = (
        write_labelled(tmp_path / "eyes", 60, random_state=2),
        tmp_path / "m.npz",
        tmp_path / "p.csv",
    )
    lines = (folder / "assets.csv").read_text().splitlines()
    (tmp_path / "some.csv").write_text("\n".join(lines[:41]) + "\n")
    options = ("--features", "hog", "--classifier", "svm", "--folds", 0, "--labelled-only")
    assert main("train", folder, "--labels", tmp_path / "some.csv", "--out", out, *options) == 0
    assert main("predict", folder, "--model", out, "--out", predictions) == 0
    capsys.readouterr()
    found, _ = evaluated(capsys, predictions, "--labels", folder / "assets.csv", "--model", out)
    direct, _ = evaluated(capsys, folder, "--model", out)
    assert found["results"]["all"]["n"] == 20
    assert found["results"]["all"]["accuracy"] == direct["results"]["all"]["accuracy"]
    assert found["notes"][0].startswith("left out: 40 of 60 labelled images, on which the model was trained")
    (folder / "some.csv").write_text("\n".join(lines[:41]) + "\n")
    assert main("evaluate", predictions, "--labels", folder / "some.csv", "--model", out) == 2
    assert "no labelled image is left to evaluate; left out: 40 of 40" in capsys.readouterr().err
    # The images are found in a folder beside either file, and beside its folder.
    (tmp_path / "work").mkdir()
    for name, where in (("p.csv", predictions), ("some.csv", tmp_path / "some.csv")):
        shutil.copy(where, tmp_path / "work" / name)
    for place in (tmp_path, tmp_path / "work"):
        assert main("evaluate", place / "p.csv", "--labels", place / "some.csv", "--model", out) == 2
        assert "no labelled image is left to evaluate; left out: 40 of 40" in capsys.readouterr().err
    # Another model, and images that are elsewhere.
    far = tmp_path / "far" / "away"
    shutil.copytree(tmp_path / "work", far)
    for place, why in ((tmp_path, "--model default did not make these"), (far, "nor in a folder beside it")):
        found, _ = evaluated(capsys, place / "p.csv", "--labels", place / "some.csv")
        assert found["results"]["all"]["n"] == 40
        assert found["notes"][0].startswith("caution: if the model was trained on these images")
        assert why in found["notes"][0]
        # It is read before the accuracy, and once.
        assert main("evaluate", place / "p.csv", "--labels", place / "some.csv") == 0
        text = capsys.readouterr().out
        assert text.startswith("caution: ")
        assert text.count("caution") == 1


def test_images_of_the_start_are_named_as_its_own(tmp_path, capsys):
    folder, first, out = write_labelled(tmp_path / "eyes", 80, random_state=2), tmp_path / "a.npz", tmp_path / "b.npz"
    lines = (folder / "assets.csv").read_text().splitlines()
    for name, part in (("start", lines[1:41]), ("mine", lines[41:61]), ("rest", lines[61:])):
        (tmp_path / f"{name}.csv").write_text("\n".join([lines[0], *part]) + "\n")
    options = ("--features", "hog", "--classifier", "svm", "--folds", 0, "--labelled-only")
    assert main("train", folder, "--labels", tmp_path / "start.csv", "--out", first, *options) == 0
    assert main("train", folder, "--labels", tmp_path / "mine.csv", "--start-from", first, "--out", out) == 0
    capsys.readouterr()
    assert main("evaluate", folder, "--labels", tmp_path / "start.csv", "--model", out) == 2
    error = capsys.readouterr().err
    assert f"the model was trained (40 of them in the training of {first}, from which it was started)" in error
    assert "label images that it was not trained on, such as '060.png'" in error
    assert main("evaluate", folder, "--labels", tmp_path / "mine.csv", "--model", out) == 2
    assert "from which it was started" not in capsys.readouterr().err
    found, _ = evaluated(capsys, folder, "--labels", tmp_path / "rest.csv", "--model", out)
    assert found["results"]["all"]["n"] == 20


@pytest.mark.slow
def test_images_of_found_labels_are_noted(tmp_path, capsys):
    folder, out = tmp_path / "eyes", tmp_path / "m.npz"
    labels = write_eyes(folder, 300, random_state=3)
    options = ("--features", "hog", "--classifier", "svm")
    assert main("train", folder, "--out", out, *options) == 0
    rows = [f"{k:03}.png,{label},random" for k, label in enumerate(labels[:40])]
    (tmp_path / "l.csv").write_text("\n".join(["file,label,chosen", *rows]) + "\n")
    capsys.readouterr()
    found, _ = evaluated(capsys, folder, "--labels", tmp_path / "l.csv", "--model", out)
    assert found["results"]["all"]["n"] == 40
    assert "with labels that it found, not with yours: expect a slightly lower accuracy" in found["notes"][0]
    # So was a model that starts from it.
    again = tmp_path / "again.npz"
    (tmp_path / "m.csv").write_text(
        "\n".join(["file,label", *(f"{k}.png,{labels[k]}" for k in range(100, 120))]) + "\n"
    )
    assert main("train", folder, "--labels", tmp_path / "m.csv", "--start-from", out, "--out", again) == 0
    capsys.readouterr()
    after, _ = evaluated(capsys, folder, "--labels", tmp_path / "l.csv", "--model", again)
    assert after["notes"][0] == found["notes"][0]


def test_unsure_images_of_the_random_sample_are_counted(model, tmp_path, capsys):
    labels = write_eyes(tmp_path / "eyes", 60, random_state=2)
    rows = [f"{k:03}.png,{'' if k < 5 else label},random" for k, label in enumerate(labels[:40])]
    (tmp_path / "l.csv").write_text("\n".join(["file,label,chosen", *rows]) + "\n")
    found, _ = evaluated(capsys, tmp_path / "eyes", "--labels", tmp_path / "l.csv", "--model", model)
    result = found["results"]["all"]
    right = round(result["accuracy"]["value"] * 35)
    (note,) = [note for note in found["notes"] if note.startswith("5 images that were chosen at random are unsure")]
    assert f"between {right / 40:.4f} (all of them wrong) and {(right + 5) / 40:.4f} (all right)" in note
    (tmp_path / "few.csv").write_text("\n".join(["file,label,chosen", *rows[5:15]]) + "\n")
    assert main("evaluate", tmp_path / "eyes", "--labels", tmp_path / "few.csv", "--model", model) == 2
    assert "too few for an accuracy; 20 chosen at random are needed, and 5 of each class" in capsys.readouterr().err


def test_few_random_images_beside_those_of_training_measure_nothing(tmp_path, capsys):
    folder, out = tmp_path / "eyes", tmp_path / "m.npz"
    labels = write_eyes(folder, 80, random_state=2)
    rows = [f"{k:03}.png,{label},random" for k, label in enumerate(labels[:50])]
    for name, n in (("some", 40), ("all", 50)):
        (tmp_path / f"{name}.csv").write_text("\n".join(["file,label,chosen", *rows[:n]]) + "\n")
    options = ("--features", "hog", "--classifier", "svm", "--folds", 0, "--labelled-only")
    assert main("train", folder, "--labels", tmp_path / "some.csv", "--out", out, *options) == 0
    capsys.readouterr()
    assert main("evaluate", folder, "--labels", tmp_path / "all.csv", "--model", out) == 2
    assert "10 images are too few for an accuracy; 20 are needed; left out: 40 of 50" in capsys.readouterr().err


def test_threshold_and_calibration_decide(eyes, model, tmp_path, capsys):
    read, _ = expected(eyes, model)
    for flag in ("--threshold", "--calibration"):
        value = 0.8
        if flag == "--calibration":
            for kind, label in (("open", 1), ("closed", 0)):
                (tmp_path / kind).mkdir()
                for k in np.flatnonzero(read.labels == label):
                    shutil.copy(read.paths[k], tmp_path / kind / f"{k}.png")
            value = tmp_path / "me.json"
            folders = (tmp_path / "open", "--closed", tmp_path / "closed")
            assert main("calibrate", *folders, "--model", model, "--out", value) == 0
        out = tmp_path / f"{flag[2:]}.csv"
        assert main("predict", eyes, "--model", model, "--out", out, flag, value) == 0
        predicted = [int(row["label"]) for row in rows_of(out.read_text())]
        capsys.readouterr()
        direct, _ = evaluated(capsys, eyes, "--model", model, flag, value)
        found, _ = evaluated(capsys, out, "--labels", eyes / "assets.csv", flag, value)
        for each in (direct, found):
            assert each["results"]["all"]["accuracy"]["value"] == pytest.approx((read.labels == predicted).mean())
    assert main("evaluate", out, "--labels", eyes / "assets.csv", "--threshold", 0.01) == 2
    assert "were decided at a threshold between" in capsys.readouterr().err


def test_predictions_without_labels_or_scores_are_counted(model, tmp_path, capsys):
    labels = write_eyes(tmp_path / "eyes", 30, random_state=2)
    (tmp_path / "eyes" / "broken.png").write_bytes(b"hello")
    predictions = tmp_path / "p.csv"
    assert main("predict", tmp_path / "eyes", "--model", model, "--out", predictions) == 1
    rows = [f"{k:03}.png,{label}" for k, label in enumerate(labels[:25])] + ["broken.png,1", "gone.png,0"]
    (tmp_path / "l.csv").write_text("\n".join(["file,label", *rows]) + "\n")
    found, error = evaluated(capsys, predictions, "--labels", tmp_path / "l.csv", status=1)
    assert found["results"]["all"]["n"] == 25
    assert "1 labelled images of 'l.csv' have no prediction" in found["notes"]
    assert "left out: 1 that could not be read (1 text, not an image)" in error


# -- the page --


def test_report_is_one_page_with_curves_and_the_worst_errors(eyes, model, tmp_path, capsys):
    page = tmp_path / "r.html"
    labels = [line.split(",") for line in (eyes / "assets.csv").read_text().splitlines()[1:]]
    wrong = [[file, str(1 - int(label)) if k < 3 else label, group] for k, (file, label, group) in enumerate(labels)]
    (tmp_path / "l.csv").write_text("\n".join(["file,label,group", *map(",".join, wrong)]) + "\n")
    options = ("--labels", tmp_path / "l.csv", "--model", model)
    assert main("evaluate", eyes, *options, "--report", page) == 0
    captured = capsys.readouterr()
    assert f"wrote {page}; it contains your images" in captured.err
    assert "worst errors" in captured.out
    text = page.read_text(encoding="utf-8")
    for part in (
        "Confusion matrix",
        "ROC curve",
        "Detection error trade-off",
        "Reliability",
        "Sources",
        "By sharpness",
    ):
        assert part in text
    assert text.count("data:image/") >= 3
    assert "http" not in text.replace("http-equiv", "")
    # The same again, and not written over.
    assert main("evaluate", eyes, *options, "--report", page) == 2
    assert "exists; name another file, or replace it with --force" in capsys.readouterr().err
    assert main("evaluate", eyes, *options, "--report", page, "--force") == 0
    assert page.read_text(encoding="utf-8") == text


def test_report_of_predictions_has_no_images(eyes, model, tmp_path, capsys):
    predictions, page = tmp_path / "p.csv", tmp_path / "r.html"
    assert main("predict", eyes, "--model", model, "--out", predictions) == 0
    assert main("evaluate", predictions, "--labels", eyes / "assets.csv", "--report", page) == 0
    assert "it contains your images" not in capsys.readouterr().err
    assert "data:image/" not in page.read_text(encoding="utf-8")


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (("nothing",), "'nothing': no such folder or image"),
        (("{eyes}/left",), "none of 40 images has a label; label some at random"),
        (("{eyes}", "--model", "none.npz"), "model 'none.npz': no file of this name"),
        (("{eyes}", "--report", "a.txt"), "--report 'a.txt' must end in .html"),
        (("{eyes}", "--threshold", "0"), "--threshold 0 decides all images alike"),
        (("{eyes}", "--threshold", "0.4", "--calibration", "{eyes}/assets.csv"), "give one of them"),
        (("{eyes}", "{eyes}/left", "--labels", "{eyes}/assets.csv"), "is for a single PATH, but 2 are given"),
        (("p.csv",), "PATH 'p.csv' holds predictions; give the labels with --labels CSV"),
        (("p.csv", "--labels", "{eyes}/assets.csv"), "none of 2 predictions of 'p.csv' has its image in"),
        (("bad.csv", "--labels", "{eyes}/assets.csv"), "'bad.csv', line 2: no row of classic-eyes predict"),
        (("{eyes}", "--labels", "p.csv"), "these are predictions, not labels"),
        (("empty.csv", "--labels", "{eyes}/assets.csv"), "'empty.csv' holds no prediction"),
    ],
)
def test_wrong_arguments_are_one_line(eyes, tmp_path, monkeypatch, capsys, arguments, message):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "p.csv").write_text("file,label,score,error\nx.png,1,0.9,\ny.png,0,0.1,\n")
    (tmp_path / "bad.csv").write_text("file,label,score,error\nx.png,1,nine,\n")
    (tmp_path / "empty.csv").write_text("file,label,score,error\nx.png,,,empty file\n")
    assert main("evaluate", *(text.format(eyes=eyes) for text in arguments)) == 2
    error = capsys.readouterr().err
    assert message in error
    assert error.count("\n") == 1


def test_classifier_in_python_is_evaluated_too(eyes):
    from classic_eyes.evaluation import evaluate

    data = load_images(read_eyes(eyes))
    clf = EyeClassifier(features=("hog",), classifier="svm", n_components=20, n_copies=0, n_synthetic=0)
    half = np.arange(80) < 40
    clf.fit(data.images[half], data.eyes.labels[half])
    found = evaluate(clf, data.images[~half], data.eyes.labels[~half], data.eyes.groups[~half])
    score = clf.score(data.images[~half], data.eyes.labels[~half])
    assert found.results["all"]["accuracy"]["value"] == pytest.approx(score)
