"""Leave-source-out evaluation: train on all sources but one, evaluate on that one."""

from __future__ import annotations

import warnings
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from benchmarks.non_eyes import NAMED, make_non_eyes
from classic_eyes import EyeClassifier
from classic_eyes._utils.workers import run_tasks
from classic_eyes.errors import ParameterError
from classic_eyes.metrics import METRICS, bootstrap_interval, summarize

__all__ = ["Source", "best_accuracy", "evaluate_left_out", "mean_and_worst", "missed"]

_SHOWN = ("accuracy", "eer", "auc", "calibration_error", "selective_accuracy")
_ERRORS = ("eer", "calibration_error", "closed_missed", "open_missed", "flagged")


@dataclass(frozen=True, eq=False)
class Source:
    """Labelled images of one source, which is left out as a whole.

    Parameters
    ----------
    name : str
        For the table.
    images : uint8 array of shape (n, size, size)
        As `classic_eyes.images.as_images` returns them.
    labels : int array of shape (n,)
        1 open, 0 closed.
    groups : str array of shape (n,)
        Person or face of each image.
    folders : int array of shape (n,)
        Which of the folders of the source each image is from; each is a source of its own in training.
    """

    name: str
    images: NDArray[np.uint8]
    labels: NDArray[np.int8]
    groups: NDArray[np.str_]
    folders: NDArray[np.intp]


def evaluate_left_out(
    sources: Sequence[Source],
    classifier: EyeClassifier,
    *,
    left_out: Sequence[str] = (),
    n_resamples: int = 1000,
    n_jobs: int = 1,
    tick: Callable[[], object] = lambda: None,
) -> dict[str, dict[str, Any]]:
    """Evaluate a classifier on each source, trained on the others.

    1. A clone of the classifier is fitted to all sources but one, with each folder as a source of its own.
    2. It predicts the images of that one; intervals are 95%, by a bootstrap over groups.

    Parameters
    ----------
    sources : sequence of Source
        Two or more, with different names.
    classifier : EyeClassifier
        Unfitted.
    left_out : sequence of str, optional
        Only these are left out; by default each.
    n_resamples : int, default 1000
        Bootstrap samples.
    n_jobs : int, default 1
        Trainings at a time.
    tick : callable, optional
        Called after each.

    Returns
    -------
    dict
        Name of a source to ``n``, ``n_open``, the metrics of `classic_eyes.metrics.summarize`, ``closed_missed`` and
        ``open_missed`` (share of the closed eyes predicted open, and of the open ones predicted closed),
        ``best_accuracy`` (at the best threshold), ``flagged`` (share of the eyes detected as non-eyes), ``found``
        (share of each kind of non-eyes that is detected) and ``scores``.
    """
    names = [source.name for source in sources]
    if len(set(names)) < max(2, len(names)):
        raise ParameterError(f"the sources are {names}; allowed are two or more with different names")
    if unknown := [name for name in left_out if name not in names]:
        raise ParameterError(f"left_out is {unknown[0]!r}; the sources are {', '.join(names)}")
    chosen = [k for k, name in enumerate(names) if not left_out or name in left_out]
    tasks = [(classifier, [source for source in sources if source is not sources[k]], sources[k]) for k in chosen]
    results = {}
    for k, done in zip(chosen, run_tasks(_evaluate_one, tasks, n_jobs=n_jobs), strict=True):
        scores, flagged, found = done
        source = sources[k]
        wrong_closed, wrong_open = missed(source.labels, scores)
        results[source.name] = {
            **summarize(source.labels, scores, source.groups, n_resamples=n_resamples),
            "n_open": int(source.labels.sum()),
            "closed_missed": wrong_closed,
            "open_missed": wrong_open,
            "best_accuracy": best_accuracy(source.labels, scores),
            "flagged": None if flagged is None else _rate(flagged, source.groups, n_resamples),
            "found": found,
            "scores": scores,
        }
        tick()
    return results


def _evaluate_one(
    classifier: EyeClassifier, others: Sequence[Source], source: Source
) -> tuple[NDArray[np.float64], NDArray[np.bool_] | None, dict[str, float]]:
    images, labels = (np.concatenate([getattr(each, key) for each in others]) for key in ("images", "labels"))
    groups = np.concatenate([np.char.add(f"{each.name}/", each.groups) for each in others])
    folders = [f"{each.name}/{folder}" for each in others for folder in each.folders]
    with warnings.catch_warnings():
        # The metrics show it.
        warnings.filterwarnings("ignore", "the labels contradict the images", UserWarning)
        classifier.fit(images, labels, groups=groups, sources=folders)
    scores = classifier.predict_proba(source.images)[:, 1]
    if classifier.program.novelty is None:
        return scores, None, {}
    non_eyes = make_non_eyes()
    found = {kind: float((classifier.novelty_score(non_eyes[kind]) > 1).mean()) for kind in NAMED}
    return scores, classifier.novelty_score(source.images) > 1, found


def _rate(flagged: NDArray[np.bool_], groups: NDArray[np.str_], n_resamples: int) -> dict[str, float]:
    kept = 1.0 - flagged
    ones = np.ones(len(kept), dtype=int)
    low, high = bootstrap_interval(METRICS["accuracy"], ones, kept, groups, n_resamples=n_resamples)
    return {"value": float(flagged.mean()), "low": 1 - high, "high": 1 - low}


def missed(labels: NDArray[np.int8], scores: NDArray[np.float64]) -> tuple[float, float]:
    """Return the share of closed eyes predicted open, and of open eyes predicted closed.

    >>> missed(np.array([0, 0, 1, 1]), np.array([0.1, 0.6, 0.7, 0.9]))
    (0.5, 0.0)
    """
    opened = scores >= 0.5
    return float(opened[labels == 0].mean()), float((~opened[labels == 1]).mean())


def best_accuracy(labels: NDArray[np.int8], scores: NDArray[np.float64]) -> float:
    """Return the accuracy at the best threshold for these images.

    >>> best_accuracy(np.array([0, 0, 1, 1]), np.array([0.1, 0.6, 0.7, 0.9]))
    1.0
    """
    order = np.argsort(-scores, kind="stable")
    ranked, level = labels[order], scores[order]
    right = np.concatenate([[0], np.cumsum(np.where(ranked == 1, 1, -1))]) + (ranked == 0).sum()
    # Equal scores are on one side of any threshold.
    between = np.concatenate([[True], level[1:] != level[:-1], [True]])
    return float(right[between].max() / len(labels))


def mean_and_worst(results: dict[str, dict[str, Any]]) -> tuple[dict[str, float], dict[str, float]]:
    """Return the mean of each figure over the sources, and the worst of each."""
    mean, worst = {}, {}
    for key in (*_SHOWN, "closed_missed", "open_missed", "best_accuracy", "flagged"):
        values = [value for each in results.values() if (value := _value(each[key])) is not None]
        if len(values) < len(results):
            continue
        mean[key] = float(np.mean(values))
        worst[key] = float(np.max(values) if key in _ERRORS else np.min(values))
    return mean, worst


def _value(entry: Any) -> float | None:
    return entry["value"] if isinstance(entry, dict) else entry
