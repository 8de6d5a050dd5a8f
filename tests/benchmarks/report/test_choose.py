"""The scenarios that figures show."""

from __future__ import annotations

import pytest

from benchmarks.report.choose import ablations, best, curve_scenarios, finished, scored

from .fake_results import fake_dataset


@pytest.fixture(scope="module")
def dataset():
    return fake_dataset()


def test_images_without_a_score_are_left_out():
    one = scored({"labels": [1, 0, 1]}, 1, {"name": "a", "scores": [0.9, None, 0.2]})
    assert one.rows.tolist() == [0, 2]
    assert one.labels.tolist() == [1, 1]
    assert not one.has_both_classes
    assert len(scored({"labels": [1, 0]}, 1, {"name": "a", "scores": [0.9]}).rows) == 0


def test_scenario_with_a_note_is_best_only_if_all_have_one():
    entries = [{"name": name, "metrics": {"accuracy": {"value": value}}} for name, value in (("a", 0.9), ("b", 0.8))]
    assert best({"scenarios": entries}) == (1, entries[0])
    assert best({"scenarios": [entries[0] | {"note": "seen"}, entries[1]]}) == (2, entries[1])
    noted = [entry | {"note": "seen"} for entry in entries]
    assert best({"scenarios": noted}) == (1, noted[0])
    assert best({"scenarios": [entries[0] | {"error": "broken"}]}) is None


def test_failed_scenarios_are_not_finished(dataset):
    assert [number for number, _ in finished(dataset)] == list(range(1, 14))


def test_curves_show_the_best_the_shipped_and_the_baseline(dataset):
    shown = curve_scenarios(dataset)
    kinds = {one.entry["kind"] for one in shown}
    assert {"shipped", "baseline", "together", "alone"} <= kinds
    accuracies = [one.entry["metrics"]["accuracy"]["value"] for one in shown]
    assert accuracies == sorted(accuracies, reverse=True)


def test_ablations_find_the_missing_feature(dataset):
    pairs = ablations(dataset)
    assert [(missing, full.name) for missing, _, full in pairs] == [
        ("haar", "haar+hog+lbp svm"),
        ("hog", "haar+hog+lbp svm"),
        ("lbp", "haar+hog+lbp svm"),
    ]
