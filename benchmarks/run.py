"""Run scenarios on data sets; the result is plain data."""

from __future__ import annotations

import pickle
import time
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray
from sklearn.decomposition import PCA
from sklearn.manifold import TSNE
from sklearn.preprocessing import StandardScaler

from benchmarks.scenarios import Scenario, make_estimator
from benchmarks.store import SCHEMA, ScenarioStore, code_sha256, environment
from benchmarks.timing import time_estimator
from benchmarks.workloads import Workload, image_files
from classic_eyes import EyeClassifier, EyePredictor, metrics
from classic_eyes._utils.files import shipped_model
from classic_eyes._utils.resources import one_thread, peak_memory_mb
from classic_eyes._utils.workers import TaskError, run_tasks
from classic_eyes.errors import ClassicEyesError
from classic_eyes.persistence.card import read_card
from classic_eyes.training.pipelines import build_pipelines

__all__ = ["NOTES", "Settings", "count_steps", "run_benchmark"]

NOTES = {
    "intervals": (
        "95%, bootstrap over groups (people or faces), not over images. Resampling adds noise, and noise only raises "
        "the calibration error: its interval is biased upwards and may exclude the value. Those of accuracy, "
        "precision, recall and F1 are at least as wide as the exact ones of Clopper and Pearson for the effective "
        "number of images."
    ),
    "speed": (
        "Images a second on one thread, medians of several rounds. Each round also decodes the same files and nothing "
        "else, and runs the Haar cascade. Features and classifier alone are one pass over decoded images; averaging "
        "over the mirror image takes two passes. One image: from its file, one at a time. x decode: time from files "
        "to predictions over the time of decoding alone."
    ),
    "train_seconds": "Median over the folds of one training, as many at a time as there are jobs, one thread each.",
    "peak_memory": (
        "Peak memory of the process that trains on one fold and scores the other (ru_maxrss), Python and libraries "
        "included."
    ),
    "model_bytes": "The fitted estimator pickled, not compressed.",
}
_MAP_IMAGES = 2000


@dataclass(frozen=True)
class Settings:
    """Settings of a run.

    Parameters
    ----------
    n_copies : int, default 2
        Augmented copies of each image.
    n_components : int, default 300
        Principal components of each view.
    seed : int, default 0
        Seed of everything random.
    n_resamples : int, default 1000
        Bootstrap samples for the intervals.
    rounds : int, default 5
        Rounds of timing.
    timed : int, default 1000
        Maximum number of images timed.
    """

    n_copies: int = 2
    n_components: int = 300
    seed: int = 0
    n_resamples: int = 1000
    rounds: int = 5
    timed: int = 1000


Progress = Callable[[str, int], None]


def _no_progress(name: str, steps: int) -> None:
    del name, steps


def _count_steps(scenario: Scenario, work: Workload) -> int:
    return 1 + (len(work.folds) if scenario.is_trained else 1)


def count_steps(works: Sequence[Workload], scenarios: Sequence[Scenario]) -> int:
    """Return the number of progress steps of a run: one for each training, and one for timing each scenario."""
    return sum(_count_steps(scenario, work) for work in works for scenario in scenarios)


# -- in the worker processes --


def _score_task(
    estimator: Any,
    train: tuple[NDArray[np.uint8], NDArray[np.int8], NDArray[Any]] | None,
    test: NDArray[np.uint8],
    keep_model: bool,
) -> dict[str, Any]:
    """Train if there is training data, score the test images, and measure the cost."""
    start = time.perf_counter()
    if train is not None:
        images, labels, groups = train
        estimator.fit(images, labels, groups=groups)
    seconds = time.perf_counter() - start
    with one_thread():
        scores = estimator.predict_proba(test)[:, 1]
    done: dict[str, Any] = {"scores": scores, "seconds": seconds, "peak_memory_mb": peak_memory_mb()}
    if keep_model:
        done |= {"model": pickle.dumps(estimator), "counts": _counts(estimator, test[:1])}
    return done


def _counts(estimator: Any, image: NDArray[np.uint8]) -> dict[str, int | None]:
    """Return the numbers of features, components and support vectors; None where there are none."""
    numbers: tuple[int | None, ...] = (None, None, None)
    if isinstance(estimator, EyeClassifier):
        numbers = (estimator.n_features_, estimator.n_components_, estimator.n_support_vectors_)
    elif isinstance(estimator, EyePredictor):
        views: list[Any] = list(estimator.program.views)  # all compiled in a shipped model
        numbers = (
            sum(rows.shape[1] for view in views for rows in view.describe(image, image)),
            sum(len(view.support) for view in views),
            sum(len(view.dual) for view in views),
        )
    return dict(zip(("n_features", "n_components", "n_support_vectors"), numbers, strict=True))


def _time_task(model: bytes, paths: Sequence[str], rounds: int) -> dict[str, Any]:
    # The bytes come from our own worker process.
    return time_estimator(pickle.loads(model), paths, rounds=rounds)


def _map_task(features: Sequence[str], images: NDArray[np.uint8], seed: int) -> dict[str, list[list[float]]]:
    with one_thread():
        pipelines = build_pipelines(features, "svm", random_state=seed).values()
        rows = np.hstack([pipeline[0].fit_transform(images) for pipeline in pipelines])
        rows = StandardScaler().fit_transform(rows)
        most = min(50, *rows.shape)
        components = PCA(most, random_state=seed).fit_transform(rows)
        # A perplexity of 30 is the usual one; it must stay below the number of images.
        perplexity = min(30.0, max(1.0, (len(rows) - 1) / 3))
        embedded = TSNE(perplexity=perplexity, init="pca", random_state=seed).fit_transform(components)
    return {"pca": np.round(components[:, :2], 3).tolist(), "tsne": np.round(embedded, 3).tolist()}


# -- in the main process --


def _estimator(scenario: Scenario, settings: Settings) -> Any:
    return make_estimator(
        scenario, n_copies=settings.n_copies, n_components=settings.n_components, random_state=settings.seed
    )


def _parameters(scenario: Scenario, settings: Settings) -> dict[str, Any]:
    """Return the constructor parameters of a trained scenario as plain data."""
    if not scenario.is_trained:
        return {}
    return {name: _plain(value) for name, value in _estimator(scenario, settings).get_params(deep=False).items()}


def _plain(value: Any) -> Any:
    if isinstance(value, list | tuple):
        return [_plain(each) for each in value]
    if isinstance(value, dict):
        return {str(name): _plain(each) for name, each in value.items()}
    return value if value is None or isinstance(value, bool | int | float | str) else repr(value)


def _score(
    work: Workload, scenario: Scenario, settings: Settings, n_jobs: int, tick: Callable[[], None]
) -> tuple[NDArray[np.float64], list[dict[str, Any]]]:
    """Return the score of every evaluated image, and the results of `_score_task` for each fold."""
    everything = (np.empty(0, dtype=np.intp), work.evaluated)
    folds = work.folds if scenario.is_trained else [everything]
    tasks = [
        (
            _estimator(scenario, settings),
            (work.images[train], work.labels[train], work.groups[train]) if scenario.is_trained else None,
            work.images[test],
            number == 0,
        )
        for number, (train, test) in enumerate(folds)
    ]
    scores = np.full(len(work.labels), np.nan)
    results = []
    for (_, test), done in zip(folds, run_tasks(_score_task, tasks, n_jobs=n_jobs), strict=True):
        scores[test] = done.pop("scores")
        results.append(done)
        tick()
    return scores[work.evaluated], results


def _per_group(work: Workload, scores: NDArray[np.float64]) -> dict[str, dict[str, Any]]:
    if not work.of_people:
        return {}
    labels, groups = work.labels[work.evaluated], work.groups[work.evaluated]
    return {
        str(group): {
            "n": int((groups == group).sum()),
            "accuracy": metrics.accuracy(labels[groups == group], scores[groups == group]),
        }
        for group in np.unique(groups)
    }


def _per_slice(work: Workload, scores: NDArray[np.float64], settings: Settings) -> dict[str, dict[str, Any]]:
    labels, groups = work.labels[work.evaluated], work.groups[work.evaluated]
    result: dict[str, dict[str, Any]] = {}
    for key, words in work.slices.items():
        column = np.array(words)
        result[key] = {
            str(word): _slice(labels[column == word], scores[column == word], groups[column == word], settings)
            for word in np.unique(column)
        }
    return result


def _slice(
    labels: NDArray[np.int8], scores: NDArray[np.float64], groups: NDArray[Any], settings: Settings
) -> dict[str, Any]:
    low, high = metrics.bootstrap_interval(
        metrics.accuracy, labels, scores, groups, n_resamples=settings.n_resamples, random_state=settings.seed
    )
    eer = metrics.equal_error_rate(labels, scores)
    return {
        "n": len(labels),
        "accuracy": {"value": metrics.accuracy(labels, scores), "low": low, "high": high},
        "eer": eer if np.isfinite(eer) else None,
    }


def _summary(
    work: Workload, scores: NDArray[np.float64], settings: Settings, part: NDArray[np.bool_] | None = None
) -> dict[str, Any]:
    rows = np.ones(len(scores), dtype=bool) if part is None else part
    labels, groups = work.labels[work.evaluated], work.groups[work.evaluated]
    return metrics.summarize(
        labels[rows], scores[rows], groups[rows], n_resamples=settings.n_resamples, random_state=settings.seed
    )


def _note(work: Workload, scenario: Scenario) -> str | None:
    """Return the remark on a shipped model: whether it was trained on the evaluated images."""
    if scenario.kind != "shipped":
        return None
    known = {part.get("sha256") for part in read_card(shipped_model("default")).get("data", [])}
    if known & set(work.fingerprints):
        return "not cross-validated: it was trained on these images"
    return "not cross-validated: trained on other data, according to its card"


def _head(scenario: Scenario, settings: Settings) -> dict[str, Any]:
    return {
        "name": scenario.name,
        "kind": scenario.kind,
        "features": scenario.feature_names,
        "classifier": scenario.classifier,
        "parameters": _parameters(scenario, settings),
        "error": None,
    }


def _evaluate(
    work: Workload, scenario: Scenario, settings: Settings, paths: Sequence[str], n_jobs: int, tick: Callable[[], None]
) -> dict[str, Any]:
    """Run one scenario on one data set."""
    start = time.perf_counter()
    scores, folds = _score(work, scenario, settings, n_jobs, tick)
    (speed,) = run_tasks(_time_task, [(folds[0]["model"], paths, settings.rounds)], n_jobs=1)
    tick()
    memory = [fold["peak_memory_mb"] for fold in folds if fold["peak_memory_mb"] is not None]
    return {
        **_head(scenario, settings),
        "note": _note(work, scenario),
        "scores": np.round(scores, 4).tolist(),
        "metrics": _summary(work, scores, settings),
        "agreed": None if work.agreed is None else _summary(work, scores, settings, work.agreed),
        **folds[0]["counts"],
        "speed": speed,
        "train_seconds": float(np.median([fold["seconds"] for fold in folds])) if scenario.is_trained else None,
        "model_bytes": len(folds[0]["model"]),
        "peak_memory_mb": round(max(memory), 1) if memory else None,
        "per_group": _per_group(work, scores),
        "per_slice": _per_slice(work, scores, settings),
        "seconds": time.perf_counter() - start,
    }


def _evaluate_or_record(
    work: Workload, scenario: Scenario, settings: Settings, paths: Sequence[str], n_jobs: int, tick: Callable[[], None]
) -> dict[str, Any]:
    try:
        return _evaluate(work, scenario, settings, paths, n_jobs, tick)
    except (TaskError, ClassicEyesError) as error:
        return {**_head(scenario, settings), "error": " ".join(str(error).split()) or type(error).__name__}


def _key(work: Workload, scenario: Scenario, settings: Settings, context: dict[str, Any]) -> dict[str, Any]:
    """Return everything that a finished scenario depends on."""
    return {
        "schema": SCHEMA,
        "code": context["code_sha256"],
        "versions": context["versions"],
        "processor": context["machine"]["processor"],
        "data": [work.sha256, work.name, work.protocol, len(work.folds)],
        "slices": {key: "".join(words) for key, words in work.slices.items()},
        "scenario": [scenario.name, _parameters(scenario, settings)],
        "settings": asdict(settings),
    }


def _decode_speed(entries: Sequence[dict[str, Any]]) -> dict[str, Any] | None:
    """Pool the rounds of all scenarios that timed decoding alone."""
    rounds = [entry["speed"]["decode"] for entry in entries if not entry["error"]]
    if not rounds:
        return None
    return {
        "images_per_second": {
            "median": float(np.median([each["median"] for each in rounds])),
            "low": min(each["low"] for each in rounds),
            "high": max(each["high"] for each in rounds),
            "rounds": sum(each["rounds"] for each in rounds),
        }
    }


def _maps(
    work: Workload, scenarios: Sequence[Scenario], settings: Settings, store: ScenarioStore, context: dict[str, Any]
) -> dict[str, Any] | None:
    """Embed the features of the first scenario with several of them in two dimensions; None if there is none."""
    joined = next((scenario for scenario in scenarios if scenario.kind == "together"), None)
    if joined is None or len(work.evaluated) < 4:
        return None
    key, name = _key(work, joined, settings, context) | {"what": "maps"}, f"{work.name} {work.protocol} maps"
    if (stored := store.get(key, name)) is not None:
        return stored
    chosen = np.unique(np.linspace(0, len(work.evaluated) - 1, min(_MAP_IMAGES, len(work.evaluated))).astype(int))
    images = work.images[work.evaluated[chosen]]
    try:
        (maps,) = run_tasks(_map_task, [(joined.features, images, settings.seed)], n_jobs=1)
    except TaskError:
        # The scenario with these features has failed too; its row has the error.
        return None
    maps["index"] = chosen.tolist()
    store.put(key, name, maps)
    return maps


def run_benchmark(
    works: Sequence[Workload],
    scenarios: Sequence[Scenario],
    settings: Settings,
    *,
    n_jobs: int = 1,
    store: ScenarioStore | None = None,
    maps: bool = False,
    progress: Progress = _no_progress,
) -> dict[str, Any]:
    """Run every scenario on every data set.

    1. Each training runs in a process of its own, `n_jobs` at a time; the scores do not depend on `n_jobs`.
    2. With nothing else running, one process times the model of the first fold.
    3. Finished scenarios go to the store at once; those in the store are not run again.

    A scenario that fails is recorded with its error. With `maps`, features are also embedded in two dimensions.
    `progress` is called with the name of the scenario and the number of `count_steps` done.

    Returns all of a ``results.json`` but ``command`` and ``quick``.
    """
    kept = ScenarioStore(None) if store is None else store
    context = environment() | {"code_sha256": code_sha256()}
    datasets = []
    for work in _with_unique_names(works):
        with image_files(work, settings.timed) as paths:
            entries = [
                _stored_or_run(work, scenario, settings, paths, n_jobs, kept, context, progress)
                for scenario in scenarios
            ]
        embedded = _maps(work, scenarios, settings, kept, context) if maps else None
        datasets.append({**work.described(), "decode": _decode_speed(entries), "scenarios": entries, "maps": embedded})
    return {
        "schema": SCHEMA,
        **context,
        "seed": settings.seed,
        "settings": asdict(settings),
        "protocol_notes": NOTES,
        "datasets": datasets,
    }


def _stored_or_run(
    work: Workload,
    scenario: Scenario,
    settings: Settings,
    paths: Sequence[str],
    n_jobs: int,
    store: ScenarioStore,
    context: dict[str, Any],
    progress: Progress,
) -> dict[str, Any]:
    key, name = _key(work, scenario, settings, context), f"{work.name} {work.protocol} {scenario.name}"
    left = _count_steps(scenario, work)

    def tick() -> None:
        nonlocal left
        left -= 1
        progress(scenario.name, 1)

    entry = store.get(key, name)
    if entry is None or entry["error"]:
        entry = _evaluate_or_record(work, scenario, settings, paths, n_jobs, tick)
        store.put(key, name, entry)
    progress(scenario.name, left)
    return entry


def _with_unique_names(works: Sequence[Workload]) -> list[Workload]:
    """Add numbers to the names of data sets of one name, for example one under two protocols."""
    named: list[Workload] = []
    for work in works:
        taken = {each.name for each in named}
        name, number = work.name, 2
        while name in taken:
            name, number = f"{work.name} ({number})", number + 1
        named.append(replace(work, name=name))
    return named
