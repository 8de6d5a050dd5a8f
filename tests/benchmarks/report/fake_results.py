"""Made-up results of a benchmark, from a seed, for tests of the report."""

from __future__ import annotations

import copy
import functools
from typing import Any

import numpy as np

from classic_eyes import metrics
from classic_eyes.synthetic import make_eyes

from ...html_page import HOSTILE

# Name, kind, features, classifier, separation of the classes, images a second.
SCENARIOS: tuple[tuple[str, str, tuple[str, ...], str, float, float], ...] = (
    ("haar cascade", "baseline", (), "haar", 0.0, 7400),
    ("haar svm", "alone", ("haar",), "svm", 3.0, 6100),
    ("hog svm", "alone", ("hog",), "svm", 4.4, 17800),
    ("lbp svm", "alone", ("lbp",), "svm", 3.6, 15300),
    ("pixels svm", "alone", ("pixels",), "svm", 3.4, 26000),
    ("profile svm", "alone", ("profile",), "svm", 2.0, 29000),
    ("haar+hog+lbp svm", "together", ("haar", "hog", "lbp"), "svm", 5.2, 4900),
    ("haar+hog+lbp without haar svm", "ablation", ("hog", "lbp"), "svm", 5.1, 11900),
    ("haar+hog+lbp without hog svm", "ablation", ("haar", "lbp"), "svm", 4.3, 5400),
    ("haar+hog+lbp without lbp svm", "ablation", ("haar", "hog"), "svm", 4.8, 5600),
    ("haar+hog+lbp gb", "classifier", ("haar", "hog", "lbp"), "gb", 4.5, 5900),
    ("haar+hog+lbp knn", "classifier", ("haar", "hog", "lbp"), "knn", 3.9, 1100),
    ("shipped default", "shipped", ("hog", "lbp", "pixels"), "svm", 5.4, 9800),
    ("words svm", "alone", ("words",), "svm", 0.0, 0),
)
SLICES = {
    "glasses": ("no", "yes"),
    "reflections": ("none", "small", "big"),
    "lighting": ("bad", "good"),
    "sensor": ("640x480", "752x480", "1280x1024"),
    "gender": ("female", "male"),
}


def _timing(median: float, rng: np.random.Generator) -> dict[str, Any]:
    low, high = median * (1 - rng.uniform(0.02, 0.15)), median * (1 + rng.uniform(0.02, 0.15))
    return {"median": round(median, 1), "low": round(low, 1), "high": round(high, 1), "rounds": 5}


def _scores(
    labels: np.ndarray, difficulty: np.ndarray, name: str, apart: float, rng: np.random.Generator
) -> np.ndarray:
    if name == "haar cascade":
        return np.where(rng.random(len(labels)) < 0.81, labels, 1 - labels).astype(float)
    logit = apart * (labels - 0.5) * 2 + difficulty * 1.7 + rng.normal(0, 1.2, len(labels))
    return np.round(1 / (1 + np.exp(-logit)), 4)


def _metrics(labels: np.ndarray, scores: np.ndarray) -> dict[str, Any]:
    """Return what `metrics.summarize` returns, with the normal approximation of the intervals, which is quick."""
    result: dict[str, Any] = {"n": len(labels), "n_groups": 30}
    for key, metric in metrics.METRICS.items():
        value = metric(labels, scores)
        half = 1.96 * np.sqrt(max(value * (1 - value), 0.002) / len(labels))
        ends = {"value": value, "low": max(value - half, 0.0), "high": min(value + half, 1.0)}
        result[key] = {name: end if np.isfinite(end) else None for name, end in ends.items()}
    return result


def _per_slice(labels: np.ndarray, scores: np.ndarray, slices: dict[str, list[str]]) -> dict[str, Any]:
    result: dict[str, Any] = {}
    for kind, given in slices.items():
        result[kind] = {}
        for name in SLICES[kind]:
            rows = np.array(given) == name
            if rows.any():
                found = _metrics(labels[rows], scores[rows])
                result[kind][name] = {"n": found["n"], "accuracy": found["accuracy"], "eer": found["eer"]["value"]}
    return result


def _scenario(spec, labels, groups, difficulty, slices, decode, rng) -> dict[str, Any]:
    name, kind, features, classifier, apart, pace = spec
    base = {"name": name, "kind": kind, "features": list(features), "classifier": classifier, "parameters": {"C": 10.0}}
    if name == "words svm":
        return {**base, "error": "MemoryError: <b>no room</b> for 4,096 words"}
    scores = _scores(labels, difficulty, name, apart, rng)
    people = {
        str(group): {
            "n": int((groups == group).sum()),
            "accuracy": float(np.mean((scores >= 0.5)[groups == group] == labels[groups == group])),
        }
        for group in np.unique(groups)
    }
    speed = {
        "features": _timing(pace * 1.6, rng),
        "classifier": None if classifier == "haar" else _timing(pace * 9, rng),
        "end_to_end": _timing(pace, rng),
        "one_image": _timing(pace / 20, rng),
        "over_decode": round(decode / pace, 3),
    }
    return {
        **base,
        "error": None,
        "note": None,
        "agreed": _metrics(labels[::2], scores[::2]),
        "seconds": round(float(rng.uniform(1, 300)), 1),
        "scores": scores.tolist(),
        "metrics": _metrics(labels, scores),
        "n_features": 900 * len(features) or None,
        "n_components": 300 if features else None,
        "n_support_vectors": int(rng.integers(200, 2000)) if classifier == "svm" else None,
        "speed": speed,
        "train_seconds": round(float(rng.uniform(0.4, 80)), 2) if features else None,
        "model_bytes": int(rng.integers(40_000, 6_000_000)) if features else None,
        "peak_memory_mb": round(float(rng.uniform(180, 900)), 1),
        "per_group": people,
        "per_slice": _per_slice(labels, scores, slices),
    }


def _maps(labels: np.ndarray, rng: np.random.Generator) -> dict[str, Any]:
    middle = np.column_stack([labels * 2.4, labels * 0.6])
    pca = middle + rng.normal(0, 1, (len(labels), 2)) * (1.3, 0.8)
    turn = rng.uniform(0, 2 * np.pi, len(labels))
    tsne = 14 * middle + 12 * np.column_stack([np.cos(turn), np.sin(3 * turn)]) + rng.normal(0, 4, (len(labels), 2))
    index = list(range(len(labels)))[:2000]
    return {"pca": np.round(pca, 3)[:2000].tolist(), "tsne": np.round(tsne, 3)[:2000].tolist(), "index": index}


def fake_dataset(name: str = "mrl", n: int = 600, n_scenarios: int | None = None, seed: int = 0) -> dict[str, Any]:
    """Return a made-up data set with people, subsets and all scenarios; the caller may change it."""
    return {**copy.deepcopy(_dataset(n, n_scenarios, seed)), "name": name}


@functools.cache
def _dataset(n: int, n_scenarios: int | None, seed: int) -> dict[str, Any]:
    rng = np.random.default_rng(seed)
    labels = make_eyes(n, random_state=seed).labels.astype(int)
    people = rng.integers(0, 30, n)
    groups = np.array([f"s{person:04}" for person in people])
    slices = {kind: [str(v) for v in rng.choice(values, n)] for kind, values in SLICES.items()}
    difficulty = rng.normal(0, 1, 30)[people] + rng.normal(0, 1, n)
    specs = list(SCENARIOS) if n_scenarios is None else [SCENARIOS[k % 13] for k in range(n_scenarios)]
    if n_scenarios is not None:
        specs = [(f"{spec[0]} {k}", *spec[1:]) for k, spec in enumerate(specs)]
    scenarios = [_scenario(spec, labels, groups, difficulty, slices, 34000.0, rng) for spec in specs]
    files = [HOSTILE[k % 4] if k % 7 == 0 else f"s{people[k]:04}_{k:05}_0_1_1_0_01.png" for k in range(n)]
    return {
        "protocol": "5-fold cross-validation by person",
        "n": n,
        "n_groups": len(set(groups.tolist())),
        "open": int(labels.sum()),
        "closed": int(n - labels.sum()),
        "sha256": "5f2c" * 16,
        "synthetic": False,
        "labels": labels.tolist(),
        "groups": groups.tolist(),
        "files": files,
        "slices": slices,
        "decode": {"images_per_second": _timing(34000.0, rng)},
        "scenarios": scenarios,
        "maps": _maps(labels, rng),
    }


def fake_results(*datasets: dict[str, Any]) -> dict[str, Any]:
    """Return the made-up results of a whole run."""
    return {
        "schema": 2,
        "code_version": "0.1.0",
        "git": "abc1234",
        "command": "python bench.py --features all --data mrl",
        "machine": {"processor": "A processor", "cores": 2, "threads": 1, "memory_gb": 7.8, "system": "Linux"},
        "versions": {"numpy": "2.4.6", "scikit-learn": "1.9.1", "python": "3.11.2"},
        "seed": 0,
        "quick": False,
        "protocol_notes": {"intervals": "95%, bootstrap over people.", "peak_memory": "Of one process."},
        "datasets": list(datasets) or [fake_dataset()],
    }


def fake_thumbnails(results: dict[str, Any]) -> dict[str, np.ndarray]:
    """Return a synthetic eye for each label."""
    return {
        dataset["name"]: make_eyes(len(dataset["labels"]), random_state=k).images
        for k, dataset in enumerate(results["datasets"])
    }
