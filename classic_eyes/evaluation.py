"""Evaluation on unseen images: out-of-fold predictions by cross-validation over groups, and metrics of parts."""

from __future__ import annotations

import warnings
from collections.abc import Iterable
from typing import Any

import numpy as np
from joblib import cpu_count
from numpy.typing import NDArray
from sklearn.base import clone

from . import metrics
from ._utils.workers import run_tasks
from .datasets import EyeSet, group_folds
from .errors import ParameterError
from .semisupervised import History

__all__ = ["MIN_FOLDS", "agreed_by_all", "cross_validate", "evaluate_given", "summarize_parts"]

# Fewest given labels of each class that a model with found labels is evaluated on.
_MIN_GIVEN = 10
MIN_FOLDS = 2
"""Fewest folds of a cross-validation."""


def cross_validate(
    classifier: Any,
    images: NDArray[np.uint8],
    labels: NDArray[np.int8],
    groups: NDArray[Any],
    *,
    sources: NDArray[Any] | None = None,
    n_splits: int = 5,
    random_state: int = 0,
    n_jobs: int | None = None,
) -> NDArray[np.float64]:
    """Predict every image by a classifier that was not trained on its group.

    1. The groups are split into ``n_splits`` folds, with the classes as even as the groups allow.
    2. For each fold a clone is fitted to the others, calibration included, and predicts it.

    Parameters
    ----------
    classifier : EyeClassifier
        Not changed. Its clones are fitted without non-eye detection, which no probability depends on.
    images : uint8 array of shape (n, h, w)
        Grey images.
    labels : int8 array of shape (n,)
        1 open, 0 closed.
    groups : array of shape (n,)
        Person or face of each image.
    sources : array of shape (n,), optional
        Data set of each image, as in `classic_eyes.EyeClassifier.fit`.
    n_splits : int, default 5
        Folds, 2 or more.
    random_state : int, default 0
        Seed of the folds.
    n_jobs : int, optional
        Folds at a time, each in a process of its own; one per core by default. Predictions do not depend on it.

    Returns
    -------
    float64 array of shape (n,)
        Out-of-fold probability of open.

    Raises
    ------
    ParameterError
        For fewer folds than two, or fewer groups than folds.
    """
    if n_splits < MIN_FOLDS:
        raise ParameterError(f"n_splits is {n_splits}; allowed is {MIN_FOLDS} or more")
    folds = group_folds(labels, groups, n_splits, random_state=random_state)
    unfitted = clone(classifier).set_params(detect_non_eyes=False)
    owner = np.zeros(len(labels)) if sources is None else np.asarray(sources)
    tasks = [(unfitted, images, labels, groups, owner, fold) for fold in folds]
    predicted = run_tasks(_predict_fold, tasks, n_jobs=n_jobs or cpu_count())
    probability = np.empty(len(labels))
    for (_, test), part in zip(folds, predicted, strict=True):
        probability[test] = part
    return probability


def _predict_fold(
    classifier: Any,
    images: NDArray[np.uint8],
    labels: NDArray[np.int8],
    groups: NDArray[Any],
    sources: NDArray[Any],
    fold: tuple[NDArray[np.intp], NDArray[np.intp]],
) -> NDArray[np.float64]:
    train, test = fold
    with warnings.catch_warnings():
        # The metrics show it, once for all folds.
        warnings.filterwarnings("ignore", "the labels contradict the images", UserWarning)
        fitted = clone(classifier).fit(images[train], labels[train], groups=groups[train], sources=sources[train])
    return fitted.predict_proba(images[test])[:, 1]


def evaluate_given(history: History, groups: NDArray[Any]) -> dict[str, dict[str, Any]] | None:
    """Compute all metrics on the given labels, where the others were found by self-training.

    The scores are out of fold: each was predicted by a classifier that was not trained on its group.

    Parameters
    ----------
    history : History
        How the missing labels were found.
    groups : array of shape (n,)
        Person or face of each image.

    Returns
    -------
    dict or None
        ``given labels`` to what `classic_eyes.metrics.summarize` returns; None for fewer than 10 given labels of either
        class.
    """
    if min((history.given == 1).sum(), (history.given == 0).sum()) < _MIN_GIVEN:
        return None
    return summarize_parts(history.given, history.scores, groups, [("given labels", history.given >= 0)])


def agreed_by_all(eyes: EyeSet, votes: dict[str, list[int]]) -> NDArray[np.bool_]:
    """Return which images have a label that every rater gave too.

    Parameters
    ----------
    eyes : EyeSet
        Labelled images.
    votes : dict
        File name to the labels of the raters who did not skip it.

    Returns
    -------
    bool array of shape (n,)
        False also where nobody rated the image.
    """
    agreed = []
    for name, label in zip(eyes.names, eyes.labels, strict=True):
        given = votes.get(name) or votes.get(name.rsplit("/", 1)[-1]) or []
        agreed.append(bool(given) and all(vote == label for vote in given))
    return np.array(agreed)


def summarize_parts(
    labels: NDArray[np.int8],
    scores: NDArray[np.float64],
    groups: NDArray[Any],
    parts: Iterable[tuple[str, NDArray[np.bool_]]],
) -> dict[str, dict[str, Any]]:
    """Compute all metrics on each of several parts of a data set.

    Parameters
    ----------
    labels : int8 array of shape (n,)
        1 open, 0 closed.
    scores : float64 array of shape (n,)
        Probability of open.
    groups : array of shape (n,)
        Person or face of each image.
    parts : iterable of (str, bool array of shape (n,))
        Name and members of each part.

    Returns
    -------
    dict
        Name of the part to what `classic_eyes.metrics.summarize` returns.
    """
    return {name: metrics.summarize(labels[part], scores[part], groups[part]) for name, part in parts}
