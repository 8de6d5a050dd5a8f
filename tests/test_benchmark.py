"""The benchmark: every scenario at toy size, what is kept and taken up again, and the verdict in closed form."""

from __future__ import annotations

import copy
import doctest
import fcntl
import importlib
import json
import os
import pkgutil
import shutil
import time
from dataclasses import replace

import numpy as np
import pytest
from classic_eyes.conftest import shared, write_eyes, write_labelled

import classic_eyes
from benchmarks import (
    RULES,
    SCENARIOS,
    HaarBaseline,
    Scenario,
    ScenarioStore,
    Settings,
    choose_scenarios,
    compare_results,
    count_steps,
    folder_workload,
    parse_protocol,
    read_results,
    recipe_of,
    run,
    run_benchmark,
    synthetic_workload,
    trained_elsewhere_workload,
    write_json,
)
from benchmarks.scenarios import KINDS
from benchmarks.timing import rates, time_judge
from classic_eyes import EyeClassifier, metrics
from classic_eyes._utils.shipped import SHIPPED_MODELS, shipped_model
from classic_eyes._utils.workers import TaskError, run_tasks
from classic_eyes.datasets import fingerprint, read_eyes
from classic_eyes.errors import DataError, ModelError, ParameterError
from classic_eyes.evaluation import cross_validate
from classic_eyes.features import EXTRACTORS
from classic_eyes.images import read_images
from classic_eyes.persistence import read_card
from classic_eyes.training.pipelines import CLASSIFIERS, DEFAULT_FEATURES

TOY = Settings(n_copies=1, n_resamples=10, rounds=1, timed=10)
PROFILE = Scenario("alone", ("profile",))
BASELINE = SCENARIOS[-1]
# The whole table; where a recipe learns from thousands of synthetic eyes, from a hundred.
SMALLER = [
    replace(row, changes={**row.changes, "n_synthetic": 100}) if "n_synthetic" in row.changes else row
    for row in SCENARIOS
]


@pytest.fixture(scope="module")
def work():
    return synthetic_workload(60, folds=2)


@pytest.fixture(scope="module")
def toy(work, worker_id, tmp_path_factory):
    """Every scenario of the table, and the names in the order in which they were done; once for all processes."""
    base = tmp_path_factory.getbasetemp()
    path = (base if worker_id == "master" else base.parent) / "toy.json"
    with open(path.with_suffix(".lock"), "w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not path.exists():
            steps = []
            results = run_benchmark(
                [work], SMALLER, TOY, n_jobs=2, maps=True, progress=lambda name, n: steps.extend([name] * n)
            )
            write_json(path, {"results": results, "steps": steps})
    held = json.loads(path.read_text())
    return held["results"], held["steps"]


def by_name(results, dataset=0):
    return {entry["name"]: entry for entry in results["datasets"][dataset]["scenarios"]}


def has_model():
    try:
        EyeClassifier.pretrained()
    except ModelError:
        return False
    return True


# -- the table --


def test_every_extractor_and_classifier_has_its_scenarios():
    alone = {row.features for row in SCENARIOS if row.kind == "alone"}
    assert alone == {(name,) for name in EXTRACTORS}
    everything = set(EXTRACTORS)
    assert any(set(row.names) == everything for row in SCENARIOS if row.kind == "together")
    left_out = [everything - set(row.names) for row in SCENARIOS if row.kind == "ablation"]
    assert sorted(map(sorted, left_out)) == sorted([name] for name in EXTRACTORS)
    for row in SCENARIOS:
        if row.kind == "ablation":
            assert row.name == f"all but {(everything - set(row.names)).pop()} svm"
    rows = [row for row in SCENARIOS if row.features == DEFAULT_FEATURES and row.kind in ("together", "classifier")]
    assert {row.classifier for row in rows} == set(CLASSIFIERS)
    # Each classifier has a row with the same changes to hold it against.
    of_svm = [dict(row.changes) for row in SCENARIOS if row.features == DEFAULT_FEATURES and row.classifier == "svm"]
    assert all(dict(row.changes) in of_svm for row in rows)
    assert {row.kind for row in SCENARIOS} == set(KINDS)
    names = [row.name for row in SCENARIOS]
    assert len(set(names)) == len(names)


def test_every_extractor_and_classifier_has_an_example_that_runs():
    source = ""
    for module in pkgutil.walk_packages(classic_eyes.__path__, "classic_eyes."):
        if module.name.endswith("__main__"):
            continue
        for found in doctest.DocTestFinder().find(importlib.import_module(module.name)):
            source += "".join(example.source for example in found.examples)
    for name in CLASSIFIERS:
        assert f'"{name}"' in source
    for name, extractor in EXTRACTORS.items():
        assert f"{extractor.__name__}(" in source, name


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
def test_what_is_asked_for_is_run(features, classifiers, names):
    assert [row.name for row in choose_scenarios(features, classifiers)] == names


def test_the_whole_table_with_other_classifiers():
    rows = {row.name: row for row in choose_scenarios(("all",), ("svm", "gb"))}
    default = "+".join(DEFAULT_FEATURES)
    assert rows[f"{default} gb"].kind == "classifier"
    assert {f"{name} {classifier}" for name in EXTRACTORS for classifier in ("svm", "gb")} <= rows.keys()
    assert {"shipped model", "Haar baseline", f"{default} gb, no augmentation"} <= rows.keys()
    assert not any(row.classifier == "knn" for row in rows.values())


@pytest.mark.parametrize("name", SHIPPED_MODELS)
def test_the_table_has_the_recipes_of_the_shipped_models(name):
    row = next(row for row in SCENARIOS if row.name == f"recipe of {name}")
    run = {"n_copies": 2, "n_components": 300, "random_state": 0}
    told = recipe_of(read_card(shipped_model(name))).parameters(**run)
    assert EyeClassifier(**row.parameters(**run)).get_params() == EyeClassifier(**told).get_params()


def test_a_recipe_is_a_row_of_one_name_whatever_it_is_made_of():
    cards = [{"parameters": {"features": ["hog"], "classifier": name, "n_copies": 0}} for name in ("svm", "gb")]
    rows = [choose_scenarios(None, (), [recipe_of(card)]) for card in cards]
    assert [[row.name for row in each] for each in rows] == [["recipe", "Haar baseline"]] * 2
    assert rows[1][0].parameters(n_copies=2, n_components=7, random_state=3) == {
        "features": ("hog",),
        "classifier": "gb",
        "n_components": 7,
        "n_copies": 0,
        "random_state": 3,
    }


@pytest.mark.parametrize(
    "card",
    [{}, {"parameters": {"features": ["hog"], "classifier": "MyOwn()"}}, {"parameters": {"features": ["mine"]}}],
)
def test_a_card_that_tells_no_recipe_is_refused(card):
    with pytest.raises(ParameterError, match=r"does not tell|is not known"):
        recipe_of(card)


@pytest.mark.parametrize(
    ("features", "classifiers", "said"),
    [
        (("hgo",), (), "known are ear, haar, .*did you mean 'hog'"),
        (("hog",), ("smv",), "known are svm, mirror, metric, libsvm, gb, linear, knn; did you mean 'svm'"),
        (("hog", "hog"), (), "twice"),
        (("hog", "all"), (), "without hog"),
    ],
)
def test_what_is_not_in_the_table_is_refused(features, classifiers, said):
    with pytest.raises(ParameterError, match=said):
        choose_scenarios(features, classifiers)


# -- a toy run of everything --


def test_every_scenario_runs(toy, work):
    results, steps = toy
    entries = by_name(results)
    assert list(entries) == [row.name for row in SCENARIOS]
    failed = {name: entry["error"] for name, entry in entries.items() if entry["error"]}
    assert set(failed) == (set() if has_model() else {"shipped model"})
    assert len(steps) == count_steps([work], SCENARIOS)
    for name, entry in entries.items():
        if name in failed:
            continue
        assert len(entry["scores"]) == 60
        assert entry["metrics"]["accuracy"]["value"] > 0.6, name
        assert entry["speed"]["images"] == 10
        speed = entry["speed"]
        assert speed["over_decode"] == pytest.approx(speed["decode"]["median"] / speed["end_to_end"]["median"])
        assert entry["model_bytes"] > 50
        assert entry["peak_memory_mb"] > 20


def test_counts_of_features_components_and_vectors(toy):
    entries = by_name(toy[0])
    widths = {name: entries[f"{name} svm"]["n_features"] for name in EXTRACTORS}
    assert widths["pixels"] == 576
    assert entries["all svm"]["n_features"] == sum(widths.values())
    for name in EXTRACTORS:
        assert entries[f"all but {name} svm"]["n_features"] == sum(widths.values()) - widths[name]
    default = "+".join(DEFAULT_FEATURES)
    assert 0 < entries[f"{default} svm"]["n_support_vectors"] <= 120
    # Half of 60 images, without mirror images or copies.
    assert 0 < entries[f"{default} svm, no augmentation"]["n_support_vectors"] <= 30
    assert entries[f"{default} gb"]["n_support_vectors"] is None
    assert entries["Haar baseline"]["n_features"] is None
    assert entries["Haar baseline"]["train_seconds"] is None
    assert entries["Haar baseline"]["speed"]["features"] is None


def test_metrics_are_those_of_the_scores(toy, work):
    entry = by_name(toy[0])["hog svm"]
    expected = metrics.summarize(work.labels, np.array(entry["scores"]), work.groups, n_resamples=10)
    for name in metrics.METRICS:
        assert entry["metrics"][name]["value"] == pytest.approx(expected[name]["value"], abs=1e-3)
        assert entry["metrics"][name]["low"] == pytest.approx(expected[name]["low"], abs=2e-2)


def test_results_are_plain_data_with_their_circumstances(toy, tmp_path):
    results = toy[0]
    write_json(tmp_path / "results.json", results)
    again = read_results(tmp_path / "results.json")
    assert again == json.loads(json.dumps(results, allow_nan=False))
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


def test_scores_are_those_of_cross_validation_whatever_the_jobs(toy, work):
    one = run_benchmark([work], [PROFILE], TOY, n_jobs=1)
    scores = by_name(one)["profile svm"]["scores"]
    assert scores == by_name(toy[0])["profile svm"]["scores"]
    clf = EyeClassifier(features=("profile",), n_copies=1, random_state=0)
    expected = cross_validate(clf, work.images, work.labels, work.groups, n_splits=2, n_jobs=1)
    assert scores == np.round(expected, 4).tolist()
    assert scores != by_name(toy[0])["hog svm"]["scores"]


# -- what fails, and what is stopped --


def test_a_failing_scenario_is_recorded_and_the_rest_goes_on(work, tmp_path):
    bad = Scenario("alone", ("profile",), changes={"n_copies": -1}, variant="broken")
    store = ScenarioStore(tmp_path, resume=True)
    results = run_benchmark([work], [bad, BASELINE], TOY, store=store)
    first, second = results["datasets"][0]["scenarios"]
    assert first["error"].startswith("n_copies is -1")
    assert "\n" not in first["error"]
    assert set(first) == {"name", "kind", "features", "classifier", "parameters", "error"}
    assert second["error"] is None
    # A failure may have passed: it is tried again.
    steps = []
    run_benchmark([work], [bad, BASELINE], TOY, store=store, progress=lambda name, n: steps.append((name, n)))
    assert steps == [(bad.name, 3), ("Haar baseline", 2)]


def test_a_process_that_dies_is_an_error():
    with pytest.raises(TaskError, match="ended with 3"):
        list(run_tasks(os._exit, [(3,)], n_jobs=1))


def test_tasks_come_back_in_order_and_the_rest_is_stopped():
    assert list(run_tasks(divmod, [(7, 2), (9, 2), (5, 3)], n_jobs=2)) == [(3, 1), (4, 1), (1, 2)]
    start = time.monotonic()
    with pytest.raises(TaskError, match="ZeroDivisionError"):
        list(run_tasks(eval, [("1 / 0",), ("__import__('time').sleep(60)",)], n_jobs=2))
    assert time.monotonic() - start < 50


def test_stopped_and_taken_up_again(work, tmp_path, monkeypatch):
    judge, asked = run._judge, []

    def stop_at_second(given, scenario, *rest):
        asked.append(scenario.name)
        if len(asked) == 2:
            raise KeyboardInterrupt
        return judge(given, scenario, *rest)

    rows = [BASELINE, PROFILE]
    monkeypatch.setattr(run, "_judge", stop_at_second)
    with pytest.raises(KeyboardInterrupt):
        run_benchmark([work], rows, TOY, store=ScenarioStore(tmp_path))
    results = run_benchmark([work], rows, TOY, store=ScenarioStore(tmp_path, resume=True))
    assert asked == ["Haar baseline", "profile svm", "profile svm"]
    assert [entry["error"] for entry in by_name(results).values()] == [None, None]
    again = run_benchmark([work], rows, TOY, store=ScenarioStore(tmp_path, resume=True))
    assert len(asked) == 3
    assert again["datasets"][0]["scenarios"] == json.loads(json.dumps(results["datasets"][0]["scenarios"]))


@pytest.mark.parametrize("what", ["nothing", "seed", "copies", "data", "folds", "code", "not asked to"])
def test_only_what_is_unchanged_is_taken_up(work, tmp_path, monkeypatch, what):
    asked = []

    def note_and_fail(given, scenario, *rest):
        asked.append(scenario.name)
        raise ParameterError("no need to run")

    run_benchmark([work], [BASELINE], TOY, store=ScenarioStore(tmp_path))
    monkeypatch.setattr(run, "_judge", note_and_fail)
    settings = {"seed": Settings(1, 1, 10, 1, 10), "copies": Settings(2, 0, 10, 1, 10)}.get(what, TOY)
    given = {"data": synthetic_workload(62, folds=2), "folds": synthetic_workload(60, folds=3)}.get(what, work)
    if what == "code":
        monkeypatch.setattr(run, "code_sha256", lambda: "0" * 64)
    run_benchmark([given], [BASELINE], settings, store=ScenarioStore(tmp_path, resume=what != "not asked to"))
    assert len(asked) == (0 if what == "nothing" else 1)


def test_a_result_is_written_whole_or_not_at_all(tmp_path):
    target = tmp_path / "results.json"
    write_json(target, {"value": 1})
    with pytest.raises(ValueError, match="JSON"):
        write_json(target, {"value": float("nan")})
    assert json.loads(target.read_text()) == {"value": 1}
    assert [path.name for path in tmp_path.iterdir()] == ["results.json"]
    with pytest.raises(ParameterError, match="none"):
        write_json(tmp_path / "none" / "results.json", {})


@pytest.mark.parametrize(
    ("text", "said"),
    [
        (None, "cannot be read"),
        ("no json", "cannot be read"),
        ("[]", "holds no results"),
        ('{"schema": 99, "datasets": []}', "schema version 99"),
    ],
)
def test_what_is_no_result_is_refused(tmp_path, text, said):
    path = tmp_path / "results.json"
    if text is not None:
        path.write_text(text)
    with pytest.raises(DataError, match=said):
        read_results(path)


# -- data and protocols --


def write_mrl(folder, n=48, people=4):
    """Render eyes under names of the MRL data set: half with glasses, a third with small reflections."""
    labels = write_eyes(folder, n)
    for number, label in enumerate(labels):
        person = number % people
        fields = (f"s{person:04}", f"{number:05}", person % 2, number // people % 2, label, number % 3 // 2, 1, "02")
        (folder / f"{number:03}.png").rename(folder / ("_".join(map(str, fields)) + ".png"))
    return folder


def test_slices_and_people_of_an_mrl_tree(tmp_path):
    work = folder_workload(str(write_mrl(tmp_path / "mrl")), kind="leave-people-out")
    assert work.protocol == "each of 4 people left out in turn"
    assert set(work.slices) == {"gender", "glasses", "reflections", "lighting", "sensor"}
    assert set(work.slices["sensor"]) == {"IDS"}
    for train, test in work.folds:
        assert len(set(work.groups[test])) == 1
        assert not set(work.groups[train]) & set(work.groups[test])
    entry = by_name(run_benchmark([work], [PROFILE], TOY))["profile svm"]
    right = (np.array(entry["scores"]) >= 0.5) == work.labels
    glasses = np.array([name.split("_")[3] == "1" for name in work.files])
    told = entry["per_slice"]["glasses"]
    assert (told["yes"]["n"], told["no"]["n"]) == (24, 24)
    assert told["yes"]["accuracy"]["value"] == pytest.approx(right[glasses].mean())
    assert told["no"]["accuracy"]["value"] == pytest.approx(right[~glasses].mean())
    assert told["yes"]["accuracy"]["low"] <= told["yes"]["accuracy"]["value"] <= told["yes"]["accuracy"]["high"]
    scores = np.array(entry["scores"])
    eer = metrics.equal_error_rate(work.labels[glasses], scores[glasses])
    assert told["yes"]["eer"] == pytest.approx(eer, abs=1e-3)
    assert set(entry["per_slice"]["reflections"]) == {"none", "small"}
    assert {group: row["n"] for group, row in entry["per_group"].items()} == dict.fromkeys(np.unique(work.groups), 12)
    assert entry["per_group"]["s0001"]["accuracy"] == pytest.approx(right[work.groups == "s0001"].mean())


def test_thinning_takes_every_nth_of_each_person_and_says_so(tmp_path):
    folder = str(write_mrl(tmp_path / "mrl"))
    work = folder_workload(folder, folds=2, every=5)
    assert work.protocol == (
        "2-fold cross-validation by group, mrl thinned to one image in 5 of each group of more than 5"
    )
    assert {group: (work.groups == group).sum() for group in np.unique(work.groups)} == dict.fromkeys(
        ["s0000", "s0001", "s0002", "s0003"], 3
    )
    whole = read_eyes(folder)
    first = [name for name, group in zip(whole.names, whole.groups, strict=True) if group == "s0000"]
    assert [name for name in work.files if name.startswith("s0000")] == first[::5]
    # A model that has learnt from all of it has seen this part too.
    assert fingerprint(whole) in work.seen_as
    assert work.sha256 != fingerprint(whole)


def test_small_groups_are_not_thinned(tmp_path):
    folder = str(write_mrl(tmp_path / "mrl"))
    work = folder_workload(folder, folds=2, every=12)
    assert work.protocol == "2-fold cross-validation by group"
    assert list(work.files) == list(read_eyes(folder).names)


def test_trained_on_one_folder_and_judged_on_another(tmp_path):
    one = write_labelled(tmp_path / "one", 50, random_state=1)
    two = write_mrl(tmp_path / "two")
    work = trained_elsewhere_workload(str(one), str(two))
    assert work.protocol == "trained on one, judged on two"
    results = run_benchmark([work], [PROFILE], TOY)
    entry = by_name(results)["profile svm"]
    learnt, asked = read_eyes(one), read_eyes(two)
    clf = EyeClassifier(features=("profile",), n_copies=1).fit(
        read_images(learnt.paths)[0], learnt.labels, groups=learnt.groups
    )
    expected = clf.predict_proba(read_images(asked.paths)[0])[:, 1]
    assert entry["scores"] == np.round(expected, 4).tolist()
    data = results["datasets"][0]
    assert (data["name"], data["n"], data["files"]) == ("one to two", 48, list(asked.names))
    assert data["labels"] == asked.labels.tolist()
    assert set(entry["per_slice"]) == set(work.slices) != set()
    assert set(entry["per_group"]) == {"s0000", "s0001", "s0002", "s0003"}
    with pytest.raises(DataError, match="two of the data sets"):
        trained_elsewhere_workload(str(one), str(one))


def test_raters_make_a_slice_and_a_row(tmp_path):
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
    assert folder_workload(str(folder), folds=2, votes={"other.png": [1]}).agreed is None


def test_two_protocols_on_one_folder_have_two_names(tmp_path):
    folder = str(write_mrl(tmp_path / "mrl"))
    works = [folder_workload(folder, kind=kind, folds=2) for kind in ("cv", "leave-people-out")]
    assert [data["name"] for data in run_benchmark(works, [BASELINE], TOY)["datasets"]] == ["mrl", "mrl (2)"]


def test_people_cannot_be_left_out_where_there_are_none():
    with pytest.raises(ParameterError, match="take cv"):
        synthetic_workload(40, kind="leave-people-out")


@pytest.mark.parametrize("text", ["", "vc", "train:a", "train:,test:b", "train:a,test:", "test:b,train:a"])
def test_a_protocol_that_is_none_is_refused(text):
    with pytest.raises(ParameterError, match=r"known are cv, leave-people-out and train:PATH,test:PATH"):
        parse_protocol(text)


@pytest.mark.parametrize("seen", [True, False])
def test_the_shipped_model_is_marked_where_it_has_seen_the_data(work, tmp_path, monkeypatch, seen):
    folder = write_labelled(tmp_path / "eyes", 12)
    given = folder_workload(str(folder), folds=2)
    card = {"data": [{"sha256": "0" * 64}, {"sha256": given.sha256 if seen else "1" * 64}]}
    monkeypatch.setattr(run, "shipped_model", lambda: "any")
    monkeypatch.setattr(run, "read_card", lambda path: card)
    note = run._note(given, next(row for row in SCENARIOS if row.kind == "shipped"))
    assert ("was trained on these images" in note) is seen
    assert "not cross-validated" in note
    assert run._note(given, PROFILE) is None


def test_the_haar_baseline_on_real_eyes():
    eyes = read_eyes(shared("eyes24"))
    scores = HaarBaseline().predict_proba(read_images(eyes.paths)[0])[:, 1]
    assert metrics.accuracy(eyes.labels, scores) == pytest.approx(0.813, abs=0.005)
    assert metrics.precision(eyes.labels, scores) == pytest.approx(0.837, abs=0.005)
    assert metrics.recall(eyes.labels, scores) == pytest.approx(0.785, abs=0.005)
    assert metrics.f1(eyes.labels, scores) == pytest.approx(0.810, abs=0.005)


# -- timing --


class Slow:
    """Two milliseconds an image, whatever is in it."""

    def predict_proba(self, images):
        time.sleep(0.002 * len(images))
        return np.full((len(images), 2), 0.5)


def test_a_known_delay_is_measured(tmp_path):
    write_eyes(tmp_path, 40)
    paths = sorted(str(path) for path in tmp_path.iterdir())
    speed = time_judge(Slow(), paths, rounds=3)
    assert 100 < speed["end_to_end"]["median"] <= 500
    assert 100 < speed["one_image"]["median"] <= 500
    assert speed["decode"]["median"] > 1000
    assert speed["over_decode"] > 2
    assert speed["features"] is speed["classifier"] is None
    assert speed["haar"]["rounds"] == speed["decode"]["rounds"] == 3


def test_rates_are_of_the_median_second():
    assert rates([4.0, 1.0, 2.0], 100) == {"median": 50.0, "low": 25.0, "high": 100.0, "rounds": 3}


# -- the verdict --


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
    told = verdicts(results_with(), results_with(accuracy=new))
    assert told.pop("accuracy") == verdict
    assert set(told.values()) == {"same"}


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


def test_a_run_compared_with_itself_is_the_same(toy):
    done = toy[0]
    changes = compare_results(done, done)
    assert {change.verdict for change in changes} == {"same"}
    assert len(changes) >= 9 * (len(SCENARIOS) - 1)


def test_scenarios_that_fail_come_or_go():
    old, failed, other = results_with(), results_with(), results_with()
    failed["datasets"][0]["scenarios"] = [{"name": "hog svm", "error": "no memory"}]
    other["datasets"][0]["scenarios"][0]["name"] = "lbp svm"
    assert verdicts(old, failed) == {"scenario": "worse"}
    assert verdicts(failed, old) == {"scenario": "better"}
    assert verdicts(failed, failed) == {"scenario": "same"}
    told = [(change.scenario, change.verdict) for change in compare_results(old, other)]
    assert told == [("hog svm", "only in OLD"), ("lbp svm", "only in NEW")]


def test_other_data_or_protocols_do_not_compare():
    old, new = results_with(), results_with()
    new["datasets"][0]["sha256"] = "bb"
    with pytest.raises(DataError, match="not the same data"):
        compare_results(old, new)
    new = copy.deepcopy(old)
    new["datasets"][0]["protocol"] = "leave-people-out"
    with pytest.raises(DataError, match="same data and protocol"):
        compare_results(old, new)


def test_a_file_that_cannot_be_read_is_left_out_and_told(tmp_path):
    folder = write_labelled(tmp_path / "eyes", 20)
    shutil.copy(__file__, folder / "003.png")
    work = folder_workload(str(folder), folds=2)
    assert [name for name, _ in work.failed] == ["003.png"]
    assert len(work.judged) == 19
