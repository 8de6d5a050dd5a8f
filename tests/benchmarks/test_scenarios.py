"""The table of scenarios, the selection of rows, and the estimators they stand for."""

from __future__ import annotations

import importlib.util

import numpy as np
import pytest

from benchmarks import scenarios
from benchmarks.scenarios import BASE, KINDS, SCENARIOS, HaarBaseline, Scenario, choose_scenarios, make_estimator
from classic_eyes import EyeClassifier, EyePredictor, metrics
from classic_eyes.datasets import read_eyes
from classic_eyes.errors import ParameterError
from classic_eyes.features import EXTRACTORS
from classic_eyes.images import read_images
from classic_eyes.recipes import RECIPES
from classic_eyes.training.pipelines import CLASSIFIERS

from ..conftest import shared

DEFAULT_FEATURES = BASE["features"]
RUN = {"n_copies": 2, "n_components": 300, "random_state": 0}


def test_every_extractor_classifier_and_recipe_has_a_scenario():
    alone = {row.features for row in SCENARIOS if row.kind == "alone"}
    assert alone == {(name,) for name in EXTRACTORS}
    everything = set(EXTRACTORS)
    assert any(set(row.feature_names) == everything for row in SCENARIOS if row.kind == "together")
    left_out = [everything - set(row.feature_names) for row in SCENARIOS if row.kind == "ablation"]
    assert sorted(map(sorted, left_out)) == sorted([name] for name in EXTRACTORS)
    for row in SCENARIOS:
        if row.kind == "ablation":
            assert row.name == f"all but {(everything - set(row.feature_names)).pop()} svm"
    rows = [row for row in SCENARIOS if row.features == DEFAULT_FEATURES and row.kind in ("together", "classifier")]
    assert {row.classifier for row in rows} == set(CLASSIFIERS)
    # Each classifier has a row of the svm with the same changes to compare it with.
    of_svm = [dict(row.changes) for row in SCENARIOS if row.features == DEFAULT_FEATURES and row.classifier == "svm"]
    assert all(dict(row.changes) in of_svm for row in rows)
    assert [row.name for row in SCENARIOS if row.kind == "recipe"] == [f"recipe of {name}" for name in RECIPES]
    assert {row.kind for row in SCENARIOS} == set(KINDS)
    names = [row.name for row in SCENARIOS]
    assert len(set(names)) == len(names)


@pytest.mark.parametrize(
    ("features", "classifiers", "names"),
    [
        (None, (), ["+".join(DEFAULT_FEATURES) + " svm", "Haar baseline"]),
        (("hog",), (), ["hog svm", "Haar baseline"]),
        (("hog", "lbp"), ("gb",), ["hog gb", "lbp gb", "hog+lbp gb", "Haar baseline"]),
        ((("hog", "lbp"), ("words",)), (), ["hog svm", "lbp svm", "words svm", "hog+lbp/words svm", "Haar baseline"]),
        (("all",), (), [row.name for row in SCENARIOS]),
    ],
)
def test_requested_rows_are_chosen(features, classifiers, names):
    assert [row.name for row in choose_scenarios(features, classifiers)] == names


def test_whole_table_with_other_classifiers():
    rows = {row.name: row for row in choose_scenarios(("all",), ("svm", "gb"))}
    default = "+".join(DEFAULT_FEATURES)
    assert rows[f"{default} gb"].kind == "classifier"
    assert {f"{name} {classifier}" for name in EXTRACTORS for classifier in ("svm", "gb")} <= rows.keys()
    assert {"shipped model", "Haar baseline", f"{default} gb, mirror images only"} <= rows.keys()
    assert not any(row.classifier == "knn" for row in rows.values())


def test_recipe_comes_first_and_replaces_the_default_features():
    assert [row.name for row in choose_scenarios(None, (), "fast")] == ["recipe of fast", "Haar baseline"]
    rows = choose_scenarios(("hog",), ("gb",), "default")
    assert [row.name for row in rows] == ["recipe of default", "hog gb", "Haar baseline"]


@pytest.mark.parametrize("name", RECIPES)
def test_recipe_is_that_of_the_library(name):
    (row,) = (row for row in SCENARIOS if row.name == f"recipe of {name}")
    made = make_estimator(row, n_copies=7, n_components=9, random_state=3).get_params(deep=False)
    assert made == EyeClassifier.from_recipe(name, random_state=3).get_params(deep=False)
    # By their names, without parameters.
    assert [len(view) for view in row.features] == [len(view) for view in RECIPES[name]["features"]]
    assert set(row.feature_names) <= {"hog", "lbp", "words_tt"}
    assert row.classifier == "metric"


def test_plain_scenario_starts_from_the_base_and_not_from_the_default_recipe():
    made = make_estimator(Scenario("alone", ("hog",)), n_copies=1, n_components=9, random_state=3).get_params(
        deep=False
    )
    expected = {**BASE, "features": ("hog",), "n_copies": 1, "n_components": 9, "random_state": 3}
    assert {name: made[name] for name in expected} == expected
    # Only the model to start from, of which there is none, is left at the default of the constructor.
    assert set(made) - set(expected) == {"start_from"}


def test_changes_of_a_scenario_take_precedence():
    row = Scenario("augmentation", ("hog",), changes={"n_copies": 0})
    assert make_estimator(row, **RUN).n_copies == 0


def test_shipped_model_is_a_predictor():
    (row,) = (row for row in SCENARIOS if row.kind == "shipped")
    assert isinstance(make_estimator(row, **RUN), EyePredictor)


@pytest.mark.parametrize(
    ("features", "classifiers", "recipe", "message"),
    [
        (("hgo",), (), None, "known are ear, haar, .*did you mean 'hog'"),
        (("hog",), ("smv",), None, "known are svm, symmetric, metric, libsvm, gb, linear, knn; did you mean 'svm'"),
        (("hog", "hog"), (), None, "twice"),
        (("hog", "all"), (), None, "without hog"),
        (None, (), "slow", "recipe 'slow' is not known; known are default, fast"),
    ],
)
def test_unknown_or_repeated_names_are_refused(features, classifiers, recipe, message):
    with pytest.raises(ParameterError, match=message):
        choose_scenarios(features, classifiers, recipe)


def test_all_leaves_out_ear_with_a_warning_without_dlib(monkeypatch):
    monkeypatch.setattr(scenarios, "find_spec", lambda name: None)
    with pytest.warns(UserWarning, match="the feature ear is left out, for dlib is not installed"):
        rows = choose_scenarios(("all",))
    assert not any("ear" in row.feature_names for row in rows)
    assert not any("ear" in row.name.replace("linear", "") for row in rows)
    monkeypatch.setattr(scenarios, "find_spec", importlib.util.find_spec)
    assert len(choose_scenarios(("all",))) == len(rows) + 2


def test_haar_baseline_on_real_eyes():
    eyes = read_eyes(shared("eyes24"))
    scores = HaarBaseline().predict_proba(read_images(eyes.paths)[0])[:, 1]
    assert metrics.accuracy(eyes.labels, scores) == pytest.approx(0.813, abs=0.005)
    assert metrics.precision(eyes.labels, scores) == pytest.approx(0.837, abs=0.005)
    assert metrics.recall(eyes.labels, scores) == pytest.approx(0.785, abs=0.005)
    assert metrics.f1(eyes.labels, scores) == pytest.approx(0.810, abs=0.005)
    assert set(np.unique(scores)) == {0.0, 1.0}
