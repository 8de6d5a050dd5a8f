"""Evaluate clusters, and labels found without labels, against true labels; nothing else here sees these."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.stats import spearmanr
from sklearn.base import clone

from benchmarks.clustering.settings import Measurement
from classic_eyes import metrics
from classic_eyes.datasets import UNLABELLED, group_folds
from classic_eyes.semisupervised.consensus import Consensus
from classic_eyes.semisupervised.history import History
from classic_eyes.semisupervised.views import View

__all__ = ["evaluate_consensus", "evaluate_criteria", "evaluate_held_out", "evaluate_measured", "evaluate_history"]

_CRITERIA = ("agreement", "silhouette", "seeds", "resamples", "mirror")


def evaluate_measured(measured: Measurement, labels: NDArray[np.int8]) -> float:
    """Return the accuracy of a setting's predictions; noise counts as wrong, unknown labels (-1) do not count."""
    known = labels >= 0
    return float((measured.predictions[known] == labels[known]).mean())


def evaluate_criteria(many: Sequence[Measurement], labels: NDArray[np.int8]) -> dict[str, dict[str, Any]]:
    """Return how each criterion correlates with accuracy over settings, and the setting it chooses.

    Criterion to ``rank correlation`` (Spearman), ``chosen`` (name), ``accuracy`` of the chosen setting, and ``short``,
    its difference from the best one.
    """
    accuracies = np.array([evaluate_measured(each, labels) for each in many])
    result: dict[str, dict[str, Any]] = {}
    for criterion in _CRITERIA:
        values = np.array([getattr(each, criterion) for each in many], dtype=np.float64)
        usable = np.isfinite(values)
        if usable.sum() < 3 or len(np.unique(values[usable])) < 2 or len(np.unique(accuracies[usable])) < 2:
            continue
        rank = float(spearmanr(values[usable], accuracies[usable]).statistic)
        # Ties go to the first in the table.
        top = int(np.argmax(np.where(usable, values, -np.inf)))
        result[criterion] = {
            "rank correlation": rank,
            "chosen": many[top].setting.name,
            "accuracy": float(accuracies[top]),
            "short": float(accuracies.max() - accuracies[top]),
        }
    return result


def evaluate_consensus(consensus: Consensus, view: View, labels: NDArray[np.int8]) -> dict[str, dict[str, float]]:
    """Compare unanimous votes of the views with the majority.

    ``unanimous`` and ``majority`` to ``kept`` (proportion), ``silhouette`` of the kept images, and ``purity``, the
    proportion of correct labels among them.
    """
    result = {}
    for name, votes in (("unanimous", consensus.unanimous), ("majority", consensus.majority)):
        counted = (votes >= 0) & (labels >= 0)
        result[name] = {
            "kept": float((votes >= 0).mean()),
            "silhouette": metrics.silhouette(view.rows[: view.n], votes),
            "purity": float((votes[counted] == labels[counted]).mean()) if counted.any() else math.nan,
        }
    return result


def evaluate_held_out(
    classifier: Any,
    images: NDArray[np.uint8],
    labels: NDArray[np.int8],
    groups: NDArray[Any],
    *,
    n_given: int = 0,
    random_state: int = 0,
) -> dict[str, Any]:
    """Train on 80% of the groups with `n_given` labels; evaluate there and on the held-out groups.

    Returns ``same``, accuracy of the scores found for the training images; ``held_out``, with its 95% interval ``low``
    and ``high`` (bootstrap over groups) and ``n``; ``confidence``; ``alone``, accuracy on the held-out groups of a
    classifier trained on the given labels alone (nan without any).
    """
    train, test = group_folds(np.zeros(len(labels), dtype=np.int8), groups, 5, random_state=random_state)[0]
    given = np.full(len(train), UNLABELLED, dtype=np.int8)
    drawn = np.random.default_rng(random_state).permutation(len(train))[:n_given]
    given[drawn] = labels[train][drawn]
    evaluated, known = test[labels[test] >= 0], labels[train] >= 0

    fitted = clone(classifier).fit(images[train], given, groups=groups[train])
    scores = fitted.predict_proba(images[evaluated])[:, 1]
    low, high = metrics.bootstrap_interval(metrics.accuracy, labels[evaluated], scores, groups[evaluated])
    alone = math.nan
    if n_given:
        few = train[drawn]
        by_few = clone(classifier).fit(images[few], labels[few], groups=groups[few])
        alone = metrics.accuracy(labels[evaluated], by_few.predict_proba(images[evaluated])[:, 1])
    return {
        "same": metrics.accuracy(labels[train][known], fitted.history_.scores[known]),
        "held_out": metrics.accuracy(labels[evaluated], scores),
        "low": low,
        "high": high,
        "alone": alone,
        "n": len(evaluated),
        "confidence": fitted.history_.confidence,
    }


def evaluate_history(history: History, labels: NDArray[np.int8]) -> dict[str, Any]:
    """Return the accuracy of the labels of a history after every step.

    ``majority`` and ``final``: on all images; ``rounds``: of each round's scores; ``kept`` and ``purity``: proportion
    and correctness of the labels trained on.
    """
    known = labels >= 0
    trained = known & (history.labels >= 0)
    return {
        "majority": metrics.accuracy(labels[known], history.consensus.majority[known].astype(float)),
        "rounds": [metrics.accuracy(labels[known], each.scores[known]) for each in history.rounds],
        "final": metrics.accuracy(labels[known], history.scores[known]),
        "kept": float((history.labels >= 0).mean()),
        "purity": float((history.labels[trained] == labels[trained]).mean()) if trained.any() else math.nan,
    }
