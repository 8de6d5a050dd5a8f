"""The comparison of two runs, in closed form."""

from __future__ import annotations

import copy

import pytest

from benchmarks.compare import RULES, compare_results
from benchmarks.tables import comparison_table
from classic_eyes import metrics
from classic_eyes.errors import DataError


def results_with(**changes):
    """One scenario with all metrics at .9 (.88-.92), errors at .1 (.08-.12), and ten times the time of decoding."""
    high, low = {"value": 0.9, "low": 0.88, "high": 0.92}, {"value": 0.1, "low": 0.08, "high": 0.12}
    entry = {
        "name": "hog svm",
        "error": None,
        "metrics": {rule.measure: dict(high if rule.direction > 0 else low) for rule in RULES[:-1]},
        "speed": {"over_decode": 10.0},
    }
    for name, value in changes.items():
        if name == "over_decode":
            entry["speed"][name] = value
        else:
            entry["metrics"][name] = {"value": value[0], "low": value[1], "high": value[2]}
    data = {"name": "toy", "protocol": "cv", "sha256": "aa", "scenarios": [entry]}
    return {"schema": 2, "datasets": [data]}


def verdicts(old, new):
    return {change.measure: change.verdict for change in compare_results(old, new)}


def test_every_metric_has_a_rule_with_a_direction():
    assert [rule.measure for rule in RULES] == [*metrics.METRICS, "over_decode"]
    worse = {"eer", "brier", "calibration_error", "over_decode"}
    assert {rule.measure for rule in RULES if rule.direction == -1} == worse


@pytest.mark.parametrize(
    ("new", "verdict"),
    [
        ((0.915, 0.895, 0.935), "same"),  # .015 is within half of .04
        ((0.925, 0.905, 0.945), "better"),  # .025 is not
        ((0.875, 0.855, 0.895), "worse"),
        ((0.925, 0.80, 0.95), "same"),  # the wider interval counts, .075
        ((None, None, None), "worse"),
    ],
)
def test_accuracy_changes_beyond_half_the_wider_interval(new, verdict):
    found = verdicts(results_with(), results_with(accuracy=new))
    assert found.pop("accuracy") == verdict
    assert set(found.values()) == {"same"}


@pytest.mark.parametrize(
    ("measure", "new", "verdict"),
    [
        ("eer", (0.07, 0.05, 0.09), "better"),
        ("eer", (0.13, 0.11, 0.15), "worse"),
        ("brier", (0.13, 0.11, 0.15), "worse"),
        ("calibration_error", (0.07, 0.05, 0.09), "better"),
        ("auc", (0.95, 0.94, 0.96), "better"),
        ("over_decode", 11.9, "same"),
        ("over_decode", 12.1, "worse"),
        ("over_decode", 8.4, "same"),
        ("over_decode", 8.3, "better"),
    ],
)
def test_each_direction(measure, new, verdict):
    assert verdicts(results_with(), results_with(**{measure: new}))[measure] == verdict


def test_failed_added_and_removed_scenarios():
    old, failed, other = results_with(), results_with(), results_with()
    failed["datasets"][0]["scenarios"] = [{"name": "hog svm", "error": "no memory"}]
    other["datasets"][0]["scenarios"][0]["name"] = "lbp svm"
    assert verdicts(old, failed) == {"scenario": "worse"}
    assert verdicts(failed, old) == {"scenario": "better"}
    assert verdicts(failed, failed) == {"scenario": "same"}
    found = [(change.scenario, change.verdict) for change in compare_results(old, other)]
    assert found == [("hog svm", "only in OLD"), ("lbp svm", "only in NEW")]


def test_other_data_or_protocols_cannot_be_compared():
    old, new = results_with(), results_with()
    new["datasets"][0]["sha256"] = "bb"
    with pytest.raises(DataError, match="not the same data"):
        compare_results(old, new)
    new = copy.deepcopy(old)
    new["datasets"][0]["protocol"] = "leave-people-out"
    with pytest.raises(DataError, match="same data and protocol"):
        compare_results(old, new)


def test_table_has_a_line_for_each_change_and_counts_the_verdicts():
    lines = comparison_table(compare_results(results_with(), results_with(over_decode=20.0))).splitlines()
    assert lines[0] == "toy, hog svm: over_decode 10.0000 -> 20.0000, worse (tolerance 1.2000)"
    assert lines[-1] == "0 better, 1 worse, 9 same"
