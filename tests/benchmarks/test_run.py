"""Runs of the benchmark at toy size: every kind of scenario, failures, and reuse of finished ones."""

from __future__ import annotations

import json
import os
from dataclasses import replace

import numpy as np
import pytest

import classic_eyes
from benchmarks import run
from benchmarks.compare import compare_results
from benchmarks.run import Settings, count_steps, run_benchmark
from benchmarks.scenarios import BASE, SCENARIOS, Scenario
from benchmarks.store import ScenarioStore, read_results, write_json
from benchmarks.workloads import folder_workload, synthetic_workload, train_test_workload
from classic_eyes import EyeClassifier, metrics
from classic_eyes.datasets import read_eyes
from classic_eyes.errors import ParameterError
from classic_eyes.evaluation import cross_validate
from classic_eyes.features import EXTRACTORS
from classic_eyes.images import read_images

from ..conftest import write_labelled
from .conftest import write_mrl

pytestmark = pytest.mark.xdist_group("benchmark")

TOY = Settings(n_copies=1, n_components=20, n_resamples=10, rounds=1, timed=10)
PROFILE = Scenario("alone", ("profile",))
BASELINE = SCENARIOS[-1]
SMALL = {"features": (("profile",), ("pixels",)), "n_components": 20, "n_copies": 1, "n_synthetic": 0}


def _small(row: Scenario) -> Scenario:
    """Return a recipe, or a row that compares classifiers, with features that are quickly trained on."""
    if row.kind == "recipe":
        return replace(row, changes=SMALL)
    return replace(row, features=("profile",)) if row.kind == "classifier" else row


# The rows that join many features differ in nothing but their names from the last of them.
ROWS = [_small(row) for row in SCENARIOS if (row.kind != "ablation" and len(row.features) != 3) or row.label == "all"]


@pytest.fixture(scope="module", autouse=True)
def in_this_process():
    """Run tasks here, without the second in which a process imports the libraries."""
    with pytest.MonkeyPatch.context() as monkeypatch:
        monkeypatch.setattr(run, "run_tasks", lambda function, tasks, n_jobs: (function(*task) for task in tasks))
        yield


@pytest.fixture(scope="module")
def work():
    return synthetic_workload(60, folds=2)


@pytest.fixture(scope="module")
def toy(work):
    """The results of a row of every kind, and the names of its steps."""
    steps = []
    results = run_benchmark([work], ROWS, TOY, maps=True, progress=lambda name, n: steps.extend([name] * n))
    return json.loads(json.dumps(results, allow_nan=False)), steps


def by_name(results, dataset=0):
    return {entry["name"]: entry for entry in results["datasets"][dataset]["scenarios"]}


# -- a toy run --


def test_every_scenario_runs(toy, work):
    results, steps = toy
    entries = by_name(results)
    assert list(entries) == [row.name for row in ROWS]
    assert {name: entry["error"] for name, entry in entries.items() if entry["error"]} == {}
    assert len(steps) == count_steps([work], ROWS)
    for name, entry in entries.items():
        assert len(entry["scores"]) == 60
        assert entry["metrics"]["accuracy"]["value"] > 0.6, name
        speed = entry["speed"]
        assert speed["images"] == 10
        assert speed["over_decode"] == pytest.approx(speed["decode"]["median"] / speed["end_to_end"]["median"])
        assert entry["model_bytes"] > 50
        assert entry["peak_memory_mb"] > 20


def test_counts_of_features_components_and_support_vectors(toy):
    entries = by_name(toy[0])
    widths = {name: entries[f"{name} svm"]["n_features"] for name in EXTRACTORS}
    assert widths["pixels"] == 576
    assert entries["all svm"]["n_features"] == sum(widths.values())
    default = "+".join(BASE["features"])
    assert entries[f"{default} svm"]["n_components"] == 20
    assert 0 < entries[f"{default} svm"]["n_support_vectors"] <= 120
    # Half of 60 images and their mirror images, without copies.
    assert 0 < entries[f"{default} svm, mirror images only"]["n_support_vectors"] <= 60
    assert entries["profile gb"]["n_support_vectors"] is None
    # Metric learning leaves 96 directions of each view.
    assert entries["shipped model"]["n_components"] == 3 * 96
    assert entries["Haar baseline"]["n_features"] is None
    assert entries["Haar baseline"]["train_seconds"] is None
    assert entries["Haar baseline"]["speed"]["features"] is None


def test_metrics_are_those_of_the_scores(toy, work):
    entry = by_name(toy[0])["hog svm"]
    expected = metrics.summarize(work.labels, np.array(entry["scores"]), work.groups, n_resamples=10)
    for name in metrics.METRICS:
        assert entry["metrics"][name]["value"] == pytest.approx(expected[name]["value"], abs=1e-3)
        assert entry["metrics"][name]["low"] == pytest.approx(expected[name]["low"], abs=2e-2)


def test_results_are_plain_data_with_their_context(toy, tmp_path):
    results = toy[0]
    write_json(tmp_path / "results.json", results)
    again = read_results(tmp_path / "results.json")
    assert again == results
    assert again["machine"]["threads"] == 1
    assert again["machine"]["cores"] == os.cpu_count()
    assert again["code_version"] == classic_eyes.__version__
    data = again["datasets"][0]
    assert (data["n"], data["open"] + data["closed"], data["n_groups"]) == (60, 60, 60)
    assert data["synthetic"]
    assert data["slices"] == {}
    assert by_name(again)["hog svm"]["per_group"] == {}
    assert np.shape(data["maps"]["pca"]) == np.shape(data["maps"]["tsne"]) == (60, 2)
    assert data["maps"]["index"] == list(range(60))
    rate = data["decode"]["images_per_second"]
    assert rate["low"] <= rate["median"] <= rate["high"]


def test_parameters_are_recorded(toy):
    entries = by_name(toy[0])
    assert entries["Haar baseline"]["parameters"] == entries["shipped model"]["parameters"] == {}
    recorded = entries["hog svm"]["parameters"]
    expected = {**BASE, "features": ["hog"], "n_copies": 1, "n_components": 20, "random_state": 0}
    assert {name: recorded[name] for name in expected} == expected
    assert entries["recipe of fast"]["parameters"]["cascade"] == 0.08


def test_run_compared_with_itself_is_the_same(toy):
    changes = compare_results(toy[0], toy[0])
    assert {change.verdict for change in changes} == {"same"}
    assert len(changes) == 10 * len(ROWS)


def test_scores_are_those_of_cross_validation_whatever_the_jobs(toy, work):
    with pytest.MonkeyPatch.context() as monkeypatch:
        from classic_eyes._utils.workers import run_tasks

        monkeypatch.setattr(run, "run_tasks", run_tasks)  # in processes of their own
        scores = by_name(run_benchmark([work], [PROFILE], TOY, n_jobs=2))["profile svm"]["scores"]
    assert scores == by_name(toy[0])["profile svm"]["scores"]
    clf = EyeClassifier(**{**BASE, "features": ("profile",), "n_copies": 1, "n_components": 20})
    expected = cross_validate(clf, work.images, work.labels, work.groups, n_splits=2, n_jobs=1)
    assert scores == np.round(expected, 4).tolist()
    assert scores != by_name(toy[0])["hog svm"]["scores"]


# -- protocols --


def test_slices_and_people_are_evaluated(tmp_path):
    work = folder_workload(str(write_mrl(tmp_path / "mrl")), kind="leave-people-out")
    entry = by_name(run_benchmark([work], [PROFILE], TOY))["profile svm"]
    scores = np.array(entry["scores"])
    correct = (scores >= 0.5) == work.labels
    glasses = np.array([name.split("_")[3] == "1" for name in work.files])
    found = entry["per_slice"]["glasses"]
    assert (found["yes"]["n"], found["no"]["n"]) == (24, 24)
    assert found["yes"]["accuracy"]["value"] == pytest.approx(correct[glasses].mean())
    assert found["no"]["accuracy"]["value"] == pytest.approx(correct[~glasses].mean())
    assert found["yes"]["accuracy"]["low"] <= found["yes"]["accuracy"]["value"] <= found["yes"]["accuracy"]["high"]
    eer = metrics.equal_error_rate(work.labels[glasses], scores[glasses])
    assert found["yes"]["eer"] == pytest.approx(eer, abs=1e-3)
    assert set(entry["per_slice"]["reflections"]) == {"none", "small"}
    assert {group: row["n"] for group, row in entry["per_group"].items()} == dict.fromkeys(np.unique(work.groups), 12)
    assert entry["per_group"]["s0001"]["accuracy"] == pytest.approx(correct[work.groups == "s0001"].mean())


def test_trained_on_one_folder_and_evaluated_on_another(tmp_path):
    one, two = write_labelled(tmp_path / "one", 50, random_state=1), write_mrl(tmp_path / "two")
    results = run_benchmark([train_test_workload(str(one), str(two))], [PROFILE], TOY)
    entry = by_name(results)["profile svm"]
    train, test = read_eyes(one), read_eyes(two)
    clf = EyeClassifier(**{**BASE, "features": ("profile",), "n_copies": 1, "n_components": 20})
    clf.fit(read_images(train.paths)[0], train.labels, groups=train.groups)
    expected = clf.predict_proba(read_images(test.paths)[0])[:, 1]
    assert entry["scores"] == np.round(expected, 4).tolist()
    data = results["datasets"][0]
    assert (data["name"], data["n"], data["files"]) == ("one to two", 48, list(test.names))
    assert data["labels"] == test.labels.tolist()
    assert set(entry["per_group"]) == {"s0000", "s0001", "s0002", "s0003"}


def test_agreement_of_raters_is_evaluated(tmp_path):
    folder = write_labelled(tmp_path / "eyes", 40)
    eyes = read_eyes(folder)
    votes = {
        name: [int(label), int(label) if number % 4 else 1 - int(label)]
        for number, (name, label) in enumerate(zip(eyes.names, eyes.labels, strict=True))
    }
    work = folder_workload(str(folder), folds=2, votes=votes)
    entry = by_name(run_benchmark([work], [BASELINE], TOY))["Haar baseline"]
    assert entry["agreed"]["n"] == entry["per_slice"]["raters"]["all agree"]["n"] == 30
    assert entry["per_slice"]["raters"]["not all"]["n"] == 10


def test_two_protocols_on_one_folder_have_two_names(tmp_path):
    folder = str(write_mrl(tmp_path / "mrl"))
    works = [folder_workload(folder, kind=kind, folds=2) for kind in ("cv", "leave-people-out")]
    assert [data["name"] for data in run_benchmark(works, [BASELINE], TOY)["datasets"]] == ["mrl", "mrl (2)"]


@pytest.mark.parametrize("seen", [True, False])
def test_shipped_model_has_a_remark_about_its_training_data(tmp_path, monkeypatch, seen):
    work = folder_workload(str(write_labelled(tmp_path / "eyes", 12)), folds=2)
    card = {"data": [{"sha256": "0" * 64}, {"sha256": work.sha256 if seen else "1" * 64}]}
    monkeypatch.setattr(run, "read_card", lambda path: card)
    note = run._note(work, next(row for row in SCENARIOS if row.kind == "shipped"))
    assert ("was trained on these images" in note) is seen
    assert "not cross-validated" in note
    assert run._note(work, PROFILE) is None


# -- failures and resuming --


def test_failing_scenario_is_recorded_and_the_rest_goes_on(work, tmp_path):
    bad = Scenario("alone", ("profile",), changes={"n_copies": -1}, variant="broken")
    store = ScenarioStore(tmp_path, resume=True)
    results = run_benchmark([work], [bad, BASELINE], TOY, store=store)
    first, second = results["datasets"][0]["scenarios"]
    assert first["error"].startswith("n_copies is -1")
    assert "\n" not in first["error"]
    assert set(first) == {"name", "kind", "features", "classifier", "parameters", "error"}
    assert second["error"] is None
    # A failure may be temporary, so the scenario is tried again.
    steps = []
    run_benchmark([work], [bad, BASELINE], TOY, store=store, progress=lambda name, n: steps.append((name, n)))
    assert steps == [(bad.name, 3), ("Haar baseline", 2)]


def test_interrupted_run_is_resumed(work, tmp_path, monkeypatch):
    evaluate, names = run._evaluate, []

    def stop_at_second(work, scenario, *rest):
        names.append(scenario.name)
        if len(names) == 2:
            raise KeyboardInterrupt
        return evaluate(work, scenario, *rest)

    rows = [BASELINE, PROFILE]
    monkeypatch.setattr(run, "_evaluate", stop_at_second)
    with pytest.raises(KeyboardInterrupt):
        run_benchmark([work], rows, TOY, store=ScenarioStore(tmp_path))
    results = run_benchmark([work], rows, TOY, store=ScenarioStore(tmp_path, resume=True))
    assert names == ["Haar baseline", "profile svm", "profile svm"]
    assert [entry["error"] for entry in by_name(results).values()] == [None, None]
    again = run_benchmark([work], rows, TOY, store=ScenarioStore(tmp_path, resume=True))
    assert len(names) == 3
    assert again["datasets"][0]["scenarios"] == json.loads(json.dumps(results["datasets"][0]["scenarios"]))


@pytest.mark.parametrize("changed", ["nothing", "seed", "copies", "data", "folds", "code", "resume"])
def test_only_unchanged_scenarios_are_reused(work, tmp_path, monkeypatch, changed):
    names = []

    def note_and_fail(work, scenario, *rest):
        names.append(scenario.name)
        raise ParameterError("no need to run")

    run_benchmark([work], [PROFILE], TOY, store=ScenarioStore(tmp_path))
    monkeypatch.setattr(run, "_evaluate", note_and_fail)
    settings = {"seed": Settings(1, 20, 1, 10, 1, 10), "copies": Settings(2, 20, 0, 10, 1, 10)}.get(changed, TOY)
    other = {"data": synthetic_workload(62, folds=2), "folds": synthetic_workload(60, folds=3)}.get(changed, work)
    if changed == "code":
        monkeypatch.setattr(run, "code_sha256", lambda: "0" * 64)
    run_benchmark([other], [PROFILE], settings, store=ScenarioStore(tmp_path, resume=changed != "resume"))
    assert len(names) == (0 if changed == "nothing" else 1)
