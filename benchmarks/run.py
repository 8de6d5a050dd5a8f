"""Scenarios run over data sets: plain data that can be shown, kept and compared."""

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

from benchmarks.scenarios import Scenario, make_judge
from benchmarks.store import SCHEMA, ScenarioStore, code_sha256, environment
from benchmarks.timing import time_judge
from benchmarks.workloads import Workload, image_files
from classic_eyes import metrics
from classic_eyes._utils.memory import peak_memory_mb
from classic_eyes._utils.shipped import shipped_model
from classic_eyes._utils.threads import one_thread
from classic_eyes._utils.workers import TaskError, run_tasks
from classic_eyes.classifier import EyeClassifier
from classic_eyes.errors import ClassicEyesError
from classic_eyes.persistence import read_card
from classic_eyes.training.pipelines import build_pipelines

__all__ = ["NOTES", "Settings", "count_steps", "run_benchmark"]

NOTES = {
    "intervals": (
        "95 %, bootstrap over groups (people or faces), not over images. Drawing again adds noise, and noise only "
        "raises the calibration error: its interval lies too high and may exclude the value."
    ),
    "speed": (
        "Images a second on one thread, medians of several rounds; every round also decodes the same files and "
        "nothing else, and asks the Haar cascade. Features and classifier alone are one pass over decoded images; "
        "a flip-averaged answer takes two. One image: from its file, one at a time. x decode: time from files to "
        "answers over the time of decoding alone."
    ),
    "train_seconds": "Median over the folds of one training, as many at a time as there are jobs, one thread each.",
    "peak_memory": (
        "Most memory held by the process that trains on one fold and scores the other (ru_maxrss), Python and "
        "libraries included."
    ),
    "model_bytes": "The fitted classifier pickled, not compressed.",
}
_MAP_IMAGES = 2000


@dataclass(frozen=True)
class Settings:
    """What is the same for all scenarios of a run.

    Parameters
    ----------
    n_copies : int, default 2
        Varied copies of each image, unless a scenario says otherwise.
    n_components : int, default 300
        Principal components of each view.
    seed : int, default 0
        Seed of all that is random.
    n_resamples : int, default 1000
        Draws for the intervals.
    rounds : int, default 5
        Rounds of timing.
    timed : int, default 1000
        Images timed, at most.
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


def _steps_of(scenario: Scenario, work: Workload) -> int:
    return 1 + (len(work.folds) if scenario.learns else 1)


def count_steps(works: Sequence[Workload], scenarios: Sequence[Scenario]) -> int:
    """Return how many steps a run reports to its progress.

    Parameters
    ----------
    works : sequence of Workload
        Data sets.
    scenarios : sequence of Scenario
        Scenarios.

    Returns
    -------
    int
        A step for each training, and one for timing each scenario.
    """
    return sum(_steps_of(scenario, work) for work in works for scenario in scenarios)


# -- what happens in the processes --


def _score_task(
    scenario: Scenario,
    parameters: dict[str, Any],
    learnt: tuple[NDArray[np.uint8], NDArray[np.int8], NDArray[Any]] | None,
    asked: NDArray[np.uint8],
    keep_model: bool,
) -> dict[str, Any]:
    """Train if there is something to learn from, score what is asked, and tell what it cost."""
    judge = make_judge(scenario, parameters)
    start = time.perf_counter()
    if learnt is not None:
        images, labels, groups = learnt
        judge.fit(images, labels, groups=groups)
    seconds = time.perf_counter() - start
    with one_thread():
        scores = judge.predict_proba(asked)[:, 1]
    done: dict[str, Any] = {"scores": scores, "seconds": seconds, "peak_memory_mb": peak_memory_mb()}
    if keep_model:
        done |= {"model": pickle.dumps(judge), "counts": _counts(judge)}
    return done


def _counts(judge: Any) -> dict[str, int | None]:
    if not isinstance(judge, EyeClassifier):
        return {"n_features": None, "n_components": None, "n_support_vectors": None}
    return {
        "n_features": judge.n_features_,
        "n_components": judge.n_components_,
        "n_support_vectors": judge.n_support_vectors_,
    }


def _time_task(model: bytes, paths: Sequence[str], rounds: int) -> dict[str, Any]:
    # The bytes come from our own process of a moment ago.
    return time_judge(pickle.loads(model), paths, rounds=rounds)


def _map_task(features: Sequence[str], images: NDArray[np.uint8], seed: int) -> dict[str, list[list[float]]]:
    with one_thread():
        pipelines = build_pipelines(features, random_state=seed).values()
        rows = np.hstack([pipeline[0].fit_transform(images) for pipeline in pipelines])
        rows = StandardScaler().fit_transform(rows)
        most = min(50, *rows.shape)
        components = PCA(most, random_state=seed).fit_transform(rows)
        # Neighbours beyond a third of the images are no neighbours; 30 is what t-SNE was made for.
        perplexity = min(30.0, max(1.0, (len(rows) - 1) / 3))
        embedded = TSNE(perplexity=perplexity, init="pca", random_state=seed).fit_transform(components)
    return {"pca": np.round(components[:, :2], 3).tolist(), "tsne": np.round(embedded, 3).tolist()}


# -- what happens here --


def _score(
    work: Workload, scenario: Scenario, parameters: dict[str, Any], n_jobs: int, tick: Callable[[], None]
) -> tuple[NDArray[np.float64], list[dict[str, Any]]]:
    """Return the score of every judged image, and what each fold told."""
    everything = (np.empty(0, dtype=np.intp), work.judged)
    folds = work.folds if scenario.learns else [everything]
    tasks = [
        (
            scenario,
            parameters,
            (work.images[train], work.labels[train], work.groups[train]) if scenario.learns else None,
            work.images[test],
            number == 0,
        )
        for number, (train, test) in enumerate(folds)
    ]
    scores = np.full(len(work.labels), np.nan)
    told = []
    for (_, test), done in zip(folds, run_tasks(_score_task, tasks, n_jobs=n_jobs), strict=True):
        scores[test] = done.pop("scores")
        told.append(done)
        tick()
    return scores[work.judged], told


def _per_group(work: Workload, scores: NDArray[np.float64]) -> dict[str, dict[str, Any]]:
    if not work.of_people:
        return {}
    labels, groups = work.labels[work.judged], work.groups[work.judged]
    return {
        str(group): {
            "n": int((groups == group).sum()),
            "accuracy": metrics.accuracy(labels[groups == group], scores[groups == group]),
        }
        for group in np.unique(groups)
    }


def _per_slice(work: Workload, scores: NDArray[np.float64], settings: Settings) -> dict[str, dict[str, Any]]:
    labels, groups = work.labels[work.judged], work.groups[work.judged]
    told: dict[str, dict[str, Any]] = {}
    for key, words in work.slices.items():
        column = np.array(words)
        told[key] = {
            str(word): _slice(labels[column == word], scores[column == word], groups[column == word], settings)
            for word in np.unique(column)
        }
    return told


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
    labels, groups = work.labels[work.judged], work.groups[work.judged]
    return metrics.summarize(
        labels[rows], scores[rows], groups[rows], n_resamples=settings.n_resamples, random_state=settings.seed
    )


def _note(work: Workload, scenario: Scenario) -> str | None:
    """Say where the shipped model was trained on what it is judged on."""
    if scenario.kind != "shipped":
        return None
    known = {part.get("sha256") for part in read_card(shipped_model()).get("data", [])}
    if known & set(work.seen_as):
        return "not cross-validated: it was trained on these images"
    return "not cross-validated: trained elsewhere, as far as its card tells"


def _head(scenario: Scenario, parameters: dict[str, Any]) -> dict[str, Any]:
    return {
        "name": scenario.name,
        "kind": scenario.kind,
        "features": scenario.names,
        "classifier": scenario.classifier,
        "parameters": parameters,
        "error": None,
    }


def _judge(
    work: Workload, scenario: Scenario, settings: Settings, paths: Sequence[str], n_jobs: int, tick: Callable[[], None]
) -> dict[str, Any]:
    """Run one scenario on one data set."""
    start = time.perf_counter()
    parameters = scenario.parameters(
        n_copies=settings.n_copies, n_components=settings.n_components, random_state=settings.seed
    )
    scores, told = _score(work, scenario, parameters, n_jobs, tick)
    (speed,) = run_tasks(_time_task, [(told[0]["model"], paths, settings.rounds)], n_jobs=1)
    tick()
    memory = [fold["peak_memory_mb"] for fold in told if fold["peak_memory_mb"] is not None]
    return {
        **_head(scenario, parameters),
        "note": _note(work, scenario),
        "scores": np.round(scores, 4).tolist(),
        "metrics": _summary(work, scores, settings),
        "agreed": None if work.agreed is None else _summary(work, scores, settings, work.agreed),
        **told[0]["counts"],
        "speed": speed,
        "train_seconds": float(np.median([fold["seconds"] for fold in told])) if scenario.learns else None,
        "model_bytes": len(told[0]["model"]),
        "peak_memory_mb": round(max(memory), 1) if memory else None,
        "per_group": _per_group(work, scores),
        "per_slice": _per_slice(work, scores, settings),
        "seconds": time.perf_counter() - start,
    }


def _judge_or_record(
    work: Workload, scenario: Scenario, settings: Settings, paths: Sequence[str], n_jobs: int, tick: Callable[[], None]
) -> dict[str, Any]:
    try:
        return _judge(work, scenario, settings, paths, n_jobs, tick)
    except (TaskError, ClassicEyesError) as error:
        parameters = scenario.parameters(
            n_copies=settings.n_copies, n_components=settings.n_components, random_state=settings.seed
        )
        return {**_head(scenario, parameters), "error": " ".join(str(error).split()) or type(error).__name__}


def _key(work: Workload, scenario: Scenario, settings: Settings, around: dict[str, Any]) -> dict[str, Any]:
    """Return all on which a finished scenario depends."""
    return {
        "schema": SCHEMA,
        "code": around["code_sha256"],
        "versions": around["versions"],
        "processor": around["machine"]["processor"],
        "data": [work.sha256, work.name, work.protocol, len(work.folds)],
        "slices": {key: "".join(words) for key, words in work.slices.items()},
        "scenario": asdict(scenario),
        "settings": asdict(settings),
    }


def _decode_speed(entries: Sequence[dict[str, Any]]) -> dict[str, Any] | None:
    """Pool what the scenarios' rounds told about decoding alone."""
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
    work: Workload, scenarios: Sequence[Scenario], settings: Settings, store: ScenarioStore, around: dict[str, Any]
) -> dict[str, Any] | None:
    """Lay out the features of the first scenario that joins some; None where there is none."""
    joined = next((scenario for scenario in scenarios if scenario.kind == "together"), None)
    if joined is None or len(work.judged) < 4:
        return None
    key, name = _key(work, joined, settings, around) | {"what": "maps"}, f"{work.name} {work.protocol} maps"
    if (held := store.get(key, name)) is not None:
        return held
    chosen = np.unique(np.linspace(0, len(work.judged) - 1, min(_MAP_IMAGES, len(work.judged))).astype(int))
    images = work.images[work.judged[chosen]]
    try:
        (maps,) = run_tasks(_map_task, [(joined.features, images, settings.seed)], n_jobs=1)
    except TaskError:
        # The scenario with these features has failed too, and its row tells why.
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

    1. Each training of a scenario runs in a process of its own, ``n_jobs`` at a time; the scores do not depend on it.
    2. Then, with nothing else of ours running, one process times the model of the first fold.
    3. What is finished goes to the store at once; what the store holds already is taken from it.

    A scenario that fails is recorded with its error, and the rest goes on.

    Parameters
    ----------
    works : sequence of Workload
        Data sets, with protocols.
    scenarios : sequence of Scenario
        Rows of the table.
    settings : Settings
        What is the same for all.
    n_jobs : int, default 1
        Trainings at a time.
    store : ScenarioStore, optional
        Where finished scenarios are kept.
    maps : bool, default False
        Whether to lay the features out in two dimensions, which takes a minute for thousands of images.
    progress : callable, optional
        Called with the name of what is done and the number of `count_steps` that it took.

    Returns
    -------
    dict
        Plain data, all but ``command`` and ``quick`` of a ``results.json``.
    """
    kept = ScenarioStore(None) if store is None else store
    around = environment() | {"code_sha256": code_sha256()}
    described = []
    for work in _with_own_names(works):
        with image_files(work, settings.timed) as paths:
            entries = [
                _taken_up_or_run(work, scenario, settings, paths, n_jobs, kept, around, progress)
                for scenario in scenarios
            ]
        laid_out = _maps(work, scenarios, settings, kept, around) if maps else None
        described.append({**work.described(), "decode": _decode_speed(entries), "scenarios": entries, "maps": laid_out})
    return {
        "schema": SCHEMA,
        **around,
        "seed": settings.seed,
        "settings": asdict(settings),
        "protocol_notes": NOTES,
        "datasets": described,
    }


def _taken_up_or_run(
    work: Workload,
    scenario: Scenario,
    settings: Settings,
    paths: Sequence[str],
    n_jobs: int,
    store: ScenarioStore,
    around: dict[str, Any],
    progress: Progress,
) -> dict[str, Any]:
    key, name = _key(work, scenario, settings, around), f"{work.name} {work.protocol} {scenario.name}"
    left = _steps_of(scenario, work)

    def tick() -> None:
        nonlocal left
        left -= 1
        progress(scenario.name, 1)

    held = store.get(key, name)
    if held is None or held["error"]:
        held = _judge_or_record(work, scenario, settings, paths, n_jobs, tick)
        store.put(key, name, held)
    progress(scenario.name, left)
    return held


def _with_own_names(works: Sequence[Workload]) -> list[Workload]:
    """Give data sets of one name, for example under two protocols, names of their own."""
    named: list[Workload] = []
    for work in works:
        taken = {each.name for each in named}
        name, number = work.name, 2
        while name in taken:
            name, number = f"{work.name} ({number})", number + 1
        named.append(replace(work, name=name))
    return named
