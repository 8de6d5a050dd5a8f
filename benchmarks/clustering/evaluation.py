"""What clusters and labels found without a labeller are worth: the only place here that sees true labels."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.stats import spearmanr
from sklearn.base import clone

from benchmarks.clustering.settings import Measured
from classic_eyes import metrics
from classic_eyes.datasets import UNLABELLED, group_folds
from classic_eyes.semisupervised.consensus import Consensus
from classic_eyes.semisupervised.learning import History
from classic_eyes.semisupervised.views import View

__all__ = ["evaluate_consensus", "evaluate_criteria", "evaluate_held_out", "evaluate_measured", "evaluate_history"]

_CRITERIA = ("agreement", "silhouette", "seeds", "resamples", "mirror")


def evaluate_measured(measured: Measured, labels: NDArray[np.int8]) -> float:
    """Return the accuracy of a setting's answers; noise counts as wrong.

    Parameters
    ----------
    measured : Measured
        A setting.
    labels : int8 array of shape (n,)
        True labels; -1, unknown, is left out.

    Returns
    -------
    float
        0..1.
    """
    known = labels >= 0
    return float((measured.answers[known] == labels[known]).mean())


def evaluate_criteria(many: Sequence[Measured], labels: NDArray[np.int8]) -> dict[str, dict[str, Any]]:
    """Say how each criterion goes with true accuracy over settings, and what choosing by it gives.

    Parameters
    ----------
    many : sequence of Measured
        Settings.
    labels : int8 array of shape (n,)
        True labels; -1, unknown, is left out.

    Returns
    -------
    dict
        Criterion to ``rank correlation`` (Spearman), ``chosen`` (name), ``accuracy`` of the chosen one and ``short``,
        how far it is from the best setting.
    """
    accuracies = np.array([evaluate_measured(each, labels) for each in many])
    told: dict[str, dict[str, Any]] = {}
    for criterion in _CRITERIA:
        values = np.array([getattr(each, criterion) for each in many], dtype=np.float64)
        usable = np.isfinite(values)
        if usable.sum() < 3 or len(np.unique(values[usable])) < 2 or len(np.unique(accuracies[usable])) < 2:
            continue
        rank = float(spearmanr(values[usable], accuracies[usable]).statistic)
        # Of equals the first in the table: a criterion that cannot tell them apart has no better way.
        top = int(np.argmax(np.where(usable, values, -np.inf)))
        told[criterion] = {
            "rank correlation": rank,
            "chosen": many[top].setting.name,
            "accuracy": float(accuracies[top]),
            "short": float(accuracies.max() - accuracies[top]),
        }
    return told


def evaluate_consensus(consensus: Consensus, view: View, labels: NDArray[np.int8]) -> dict[str, dict[str, float]]:
    """Compare keeping what all views say with a vote among them.

    Parameters
    ----------
    consensus : Consensus
        Votes.
    view : View
        Rows in which the silhouette is taken.
    labels : int8 array of shape (n,)
        True labels; -1, unknown, is left out.

    Returns
    -------
    dict
        ``unanimous`` and ``majority`` to ``kept`` (share), ``silhouette`` of what is kept, and ``purity``, the share of
        right labels among those kept.
    """
    told = {}
    for name, answers in (("unanimous", consensus.unanimous), ("majority", consensus.majority)):
        counted = (answers >= 0) & (labels >= 0)
        told[name] = {
            "kept": float((answers >= 0).mean()),
            "silhouette": metrics.silhouette(view.rows[: view.n], answers),
            "purity": float((answers[counted] == labels[counted]).mean()) if counted.any() else math.nan,
        }
    return told


def evaluate_held_out(
    classifier: Any,
    images: NDArray[np.uint8],
    labels: NDArray[np.int8],
    groups: NDArray[Any],
    *,
    n_given: int = 0,
    random_state: int = 0,
) -> dict[str, Any]:
    """Train with no or few labels on four fifths of the groups; judge there and on the rest.

    Parameters
    ----------
    classifier : EyeClassifier
        Not changed; it is shown no label but those given.
    images : uint8 array of shape (n, h, w)
        Grey images.
    labels : int8 array of shape (n,)
        True labels; -1, unknown, is left out of the judging.
    groups : array of shape (n,)
        Person or face of each image; its groups alone decide the split.
    n_given : int, default 0
        Labels given, drawn at random from the four fifths.
    random_state : int, default 0
        Seed of the split and of the draw.

    Returns
    -------
    dict
        ``same``: accuracy of the scores found for the images learnt from; ``held_out``: of the classifier on the
        groups kept back; ``low`` and ``high``: its 95 % interval, by bootstrap over groups; ``n``: how many images
        these are; ``trust``; ``alone``: accuracy of one that learnt from nothing but the labels given, on the groups
        kept back, nan without any.
    """
    train, test = group_folds(np.zeros(len(labels), dtype=np.int8), groups, 5, random_state=random_state)[0]
    given = np.full(len(train), UNLABELLED, dtype=np.int8)
    drawn = np.random.default_rng(random_state).permutation(len(train))[:n_given]
    given[drawn] = labels[train][drawn]
    judged, known = test[labels[test] >= 0], labels[train] >= 0

    fitted = clone(classifier).fit(images[train], given, groups=groups[train])
    scores = fitted.predict_proba(images[judged])[:, 1]
    low, high = metrics.bootstrap_interval(metrics.accuracy, labels[judged], scores, groups[judged])
    alone = math.nan
    if n_given:
        few = train[drawn]
        by_few = clone(classifier).fit(images[few], labels[few], groups=groups[few])
        alone = metrics.accuracy(labels[judged], by_few.predict_proba(images[judged])[:, 1])
    return {
        "same": metrics.accuracy(labels[train][known], fitted.history_.scores[known]),
        "held_out": metrics.accuracy(labels[judged], scores),
        "low": low,
        "high": high,
        "alone": alone,
        "n": len(judged),
        "trust": fitted.history_.trust,
    }


def evaluate_history(history: History, labels: NDArray[np.int8]) -> dict[str, Any]:
    """Say how right the labels of a history are, after every step.

    Parameters
    ----------
    history : History
        Of the same images.
    labels : int8 array of shape (n,)
        True labels; -1, unknown, is left out.

    Returns
    -------
    dict
        ``majority`` and ``final``: accuracy on all images; ``rounds``: accuracy of each round's scores; ``kept`` and
        ``purity`` of the labels learnt from.
    """
    known = labels >= 0
    learnt = known & (history.labels >= 0)
    return {
        "majority": metrics.accuracy(labels[known], history.consensus.majority[known].astype(float)),
        "rounds": [metrics.accuracy(labels[known], each.scores[known]) for each in history.rounds],
        "final": metrics.accuracy(labels[known], history.scores[known]),
        "kept": float((history.labels >= 0).mean()),
        "purity": float((history.labels[learnt] == labels[learnt]).mean()) if learnt.any() else math.nan,
    }
