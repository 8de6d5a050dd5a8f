"""Evaluation: of an existing model, and on which labels an accuracy may be measured."""

from __future__ import annotations

import json

import numpy as np
import pytest

from classic_eyes import load_model, metrics
from classic_eyes.datasets import EyeSet
from classic_eyes.errors import ParameterError
from classic_eyes.evaluation import (
    allow_for_slips,
    evaluate,
    evaluate_scores,
    find_measurable,
    folder_sources,
    image_slices,
    note_of_unsure,
)
from classic_eyes.synthetic import make_eyes

from .conftest import write_eyes


def random_case(n=200, seed=0):
    rng = np.random.default_rng(seed)
    y = rng.integers(0, 2, n)
    return y, np.clip(0.3 * y + 0.7 * rng.random(n), 0, 1)


# -- which labels --


def eyes_of(folder, labels, chosen, **options):
    names = [f"{k:03}.png" for k in range(len(labels))]
    return EyeSet([str(folder / name) for name in names], labels, names, names, "eyes", chosen, **options)


@pytest.mark.parametrize(
    ("labels", "chosen", "used"),
    [
        # Everything is labelled; nothing is known to be chosen otherwise; all others were marked as unsure.
        ([0, 1] * 20, ["priority"] * 40, 40),
        ([0, 1] * 10 + [-1] * 20, [""] * 40, 20),
        ([0, 1] * 10 + [-1] * 20, ["priority"] * 40, 20),
        ([0, 1] * 10 + [-1] * 20, ["random"] * 20 + [""] * 20, 20),
        # A random part of 20 or more with 5 of each class; one that is smaller; one without closed eyes.
        ([0, 1] * 15 + [-1] * 10, ["random"] * 20 + ["priority"] * 10 + [""] * 10, 20),
        ([0, 1] * 15 + [-1] * 10, ["random"] * 18 + ["priority"] * 12 + [""] * 10, 0),
        ([1] * 22 + [0] * 8 + [-1] * 10, ["random"] * 22 + ["priority"] * 8 + [""] * 10, 0),
        # Of labels of unknown origin beside those chosen by priority nothing can be said.
        ([0, 1] * 15 + [-1] * 10, [""] * 29 + ["cluster"] + [""] * 10, 0),
    ],
)
def test_accuracy_is_measured_on_labels_that_were_not_chosen(tmp_path, labels, chosen, used):
    write_eyes(tmp_path, 40)
    found = find_measurable(eyes_of(tmp_path, labels, chosen))
    assert found.rows.sum() == used
    assert (found.why_not is None) == bool(used)
    assert (found.note is not None) == (0 < used < sum(label >= 0 for label in labels))
    assert found.by_hand == (used > 0 and set(chosen) != {""})
    if not used:
        assert "classic-eyes label --order mixed" in found.why_not
    if found.note:
        assert set(np.array(chosen)[found.rows]) == {"random"}


def test_unsure_images_that_were_drawn_at_random_are_counted(tmp_path):
    write_eyes(tmp_path, 40)
    labels = [0, 1] * 18 + [-1] * 4
    found = find_measurable(eyes_of(tmp_path, labels, ["random"] * 40))
    assert (found.rows.sum(), found.n_unsure) == (36, 4)
    note = note_of_unsure(found.n_unsure, {"n": 36, "accuracy": {"value": 35 / 36}})
    assert note.startswith("4 images that were chosen at random are unsure and do not count in the accuracy")
    assert "between 0.8750 (all of them wrong) and 0.9750 (all right)" in note
    assert find_measurable(eyes_of(tmp_path, [0, 1] * 20, ["random"] * 40)).n_unsure == 0


@pytest.mark.parametrize("labels", [[0, 1] * 9 + [0], [1] * 16 + [0] * 4])
def test_few_labels_at_random_measure_nothing_where_others_have_none(tmp_path, labels):
    write_eyes(tmp_path, 40)
    n = len(labels)
    found = find_measurable(eyes_of(tmp_path, labels + [-1] * (40 - n), ["random"] * n + [""] * (40 - n)))
    assert not found.rows.any()
    assert f"{sum(labels)} open and {n - sum(labels)} closed of 40 images of 'eyes' are labelled" in found.why_not
    # A folder that is labelled completely is measured, however small.
    assert find_measurable(eyes_of(tmp_path, labels, ["random"] * n)).rows.all()


def test_labels_of_unknown_choice_hold_only_if_they_are_random(tmp_path):
    write_eyes(tmp_path, 40)
    found = find_measurable(eyes_of(tmp_path, [0, 1] * 5 + [-1] * 30, [""] * 40))
    assert found.rows.sum() == 10
    assert "only if they were chosen at random" in found.note
    assert find_measurable(eyes_of(tmp_path, [0, 1] * 20, [""] * 40)).note is None


def test_nothing_is_measured_on_predictions(tmp_path):
    found = find_measurable(eyes_of(tmp_path, [0, 1], ["", ""], predicted=True))
    assert "predictions of a model" in found.why_not
    assert not found.rows.any()


def test_wrong_labels_raise_the_upper_end_alone():
    result = {"accuracy": {"value": 0.94, "low": 0.9, "high": 0.96}, "n": 3}
    found = allow_for_slips(result, 0.02)
    # An accuracy a is measured as a (1 - e) + (1 - a) e.
    high = found["accuracy"]["high"]
    assert high * 0.98 + (1 - high) * 0.02 == pytest.approx(0.96)
    assert (found["accuracy"]["low"], found["slips"], found["n"]) == (0.9, 0.02, 3)
    assert result["accuracy"]["high"] == 0.96
    assert allow_for_slips({"accuracy": {"value": 1.0, "low": 0.9, "high": 0.99}})["accuracy"]["high"] == 1.0
    # Below one half, wrong labels raise what is measured.
    assert allow_for_slips({"accuracy": {"value": 0.2, "low": 0.1, "high": 0.3}})["accuracy"]["high"] == 0.3
    with pytest.raises(ParameterError, match=r"share is 0\.5"):
        allow_for_slips(result, 0.5)


# -- an existing model --


def test_evaluation_is_that_of_the_predictions(small_model):
    eyes = make_eyes(120, random_state=3)
    model = load_model(small_model.with_suffix(".npz"))
    groups, sources = np.arange(120) // 2, np.where(np.arange(120) < 50, "left", "right")
    found = evaluate(model, eyes.images, eyes.labels, groups, sources=sources)
    scores = model.predict_proba(eyes.images)[:, 1]
    np.testing.assert_array_equal(found.scores, scores)
    assert found.results["all"] == metrics.summarize(eyes.labels, scores, groups)
    assert list(found.results) == ["all", "left", "right"]
    assert found.results["left"]["n"] == 50
    assert found.results["left"]["accuracy"]["value"] == metrics.accuracy(eyes.labels[:50], scores[:50])
    assert found.notes == ()
    assert set(found.slices) == {"brightness", "sharpness"}
    assert sum(each["n"] for each in found.slices["brightness"].values()) == 120
    json.dumps(found.to_dict())


def test_worst_are_the_errors_of_the_most_confident_predictions_first():
    found = evaluate_scores([0, 0, 1, 1, 1], [0.1, 0.6, 0.2, 0.9, 0.45])
    assert found.worst().tolist() == [2, 1, 4]
    assert found.worst(1).tolist() == [2]
    assert found.predicted.tolist() == [0, 1, 0, 1, 0]


def test_threshold_decides_and_leaves_probabilities_as_they_are():
    y, s = random_case()
    found = evaluate_scores(y, s, threshold=0.7).results["all"]
    usual = evaluate_scores(y, s).results["all"]
    assert found["accuracy"]["value"] == pytest.approx(((s >= 0.7) == y).mean())
    assert found["confusion"] == [[int(((y == a) & ((s >= 0.7) == b)).sum()) for b in (0, 1)] for a in (0, 1)]
    for name in ("auc", "eer"):
        assert found[name]["value"] == pytest.approx(usual[name]["value"])
    for name in ("brier", "calibration_error"):
        assert found[name] == usual[name]
    # Scores of 0 and 1, and those at the threshold.
    edge = evaluate_scores([0, 1, 1, 0], [0.0, 1.0, 0.7, np.nextafter(0.7, 0)], threshold=0.7)
    assert edge.results["all"]["accuracy"]["value"] == 1.0
    for value in (0, 1, -0.5):
        with pytest.raises(ParameterError, match="threshold is"):
            evaluate_scores(y, s, threshold=value)


def test_intervals_say_where_each_image_is_its_own_group():
    y, s = random_case()
    own = evaluate_scores(y, s)
    assert own.notes[0].startswith("each image is its own group")
    assert evaluate_scores(y, s, np.arange(200) // 2).notes == ()
    (note,) = evaluate_scores(y, s, np.zeros(200)).notes
    assert note.startswith("all images are of one group")
    assert own.results == evaluate_scores(y, s, np.arange(200)).results


def test_slices_have_enough_images_and_small_ones_are_left_out():
    y, s = random_case()
    kinds = np.array(["a"] * 100 + ["b"] * 90 + [""] * 5 + ["c"] * 5)
    found = evaluate_scores(y, s, slices={"kind": kinds, "one": np.full(200, "x")}).slices
    assert {name: list(of) for name, of in found.items()} == {"kind": ["a", "b"]}
    part = found["kind"]["a"]
    assert part["accuracy"]["value"] == metrics.accuracy(y[:100], s[:100])
    assert part["accuracy"]["low"] < part["accuracy"]["value"] < part["accuracy"]["high"]


def test_of_many_sources_the_largest_are_shown():
    y, s = random_case(300)
    sources = np.array([f"s{k % 25:02}" for k in range(275)] + ["s24"] * 25)
    found = evaluate_scores(y, s, sources=sources).results
    assert len(found) == 21
    assert "s24" in found
    with pytest.raises(ParameterError, match="sources has 3 names"):
        evaluate_scores(y, s, sources=["a", "b", "c"])


def test_sources_are_the_first_folders_unless_they_are_classes():
    names = ["a/open/1.png", "a/closed/1.png", "b/open/1.png", "1.png"]
    assert folder_sources(names, [1, 0, 1, 0]).tolist() == ["a", "a", "b", "."]
    assert folder_sources(["a/1.png", "a/2.png"], [0, 1]) is None
    assert folder_sources(["1/1.png", "0/2.png"], [1, 0]) is None


def test_slices_of_images_are_thirds():
    rng = np.random.default_rng(0)
    level = rng.permutation(np.arange(90))
    images = (level[:, None, None] + rng.integers(0, 2, (90, 24, 24))).astype(np.uint8)
    images[:30, ::2] += 60
    sides = np.arange(90) + 20
    found = image_slices(images, sides)
    assert set(found) == {"brightness", "sharpness", "size"}
    for name in found.values():
        assert sorted(np.unique(name, return_counts=True)[1]) == [30, 30, 30]
    assert found["size"][0] == found["size"][29] == " 20 to 50"
    assert len(set(found["sharpness"][:30])) == 1
    # All of one size, or of unknown ones; too few images.
    assert "size" not in image_slices(images, np.full(90, 24))
    assert "size" not in image_slices(images, np.arange(90))
    assert image_slices(images[:59]) == {}
