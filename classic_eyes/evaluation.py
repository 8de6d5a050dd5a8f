"""Evaluation on unseen images: of a model by cross-validation, of an existing model, and on which labels it is one."""

from __future__ import annotations

import logging
import posixpath
import warnings
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Any

from ._utils import training_packages  # noqa: F401

# isort: split
import cv2
import numpy as np
from joblib import cpu_count
from numpy.typing import ArrayLike, NDArray
from sklearn.base import clone

from . import metrics
from ._utils.workers import run_tasks
from .datasets import UNLABELLED, EyeSet, group_folds
from .errors import ParameterError
from .images import as_images, read_images
from .images.finding import quoted
from .inference.drift import Drift, drift
from .predictor import PredictionMethods
from .semisupervised import History

__all__ = [
    "MIN_FOLDS",
    "MIN_GIVEN",
    "OWN_GROUPS",
    "SLIPS",
    "Drift",
    "Evaluation",
    "Measurable",
    "agreed_by_all",
    "allow_for_slips",
    "cross_validate",
    "drift",
    "evaluate",
    "evaluate_given",
    "evaluate_scores",
    "find_measurable",
    "folder_sources",
    "image_slices",
    "note_of_unsure",
    "summarize_parts",
]

_steps = logging.getLogger("classic_eyes.steps")

MIN_FOLDS = 2
"""Fewest folds of a cross-validation."""
SLIPS = 0.02
"""Share of wrong labels that is usual for a person at a label page."""
OWN_GROUPS = (
    "each image is its own group: where several are of one person, the intervals are too narrow; a column group in the "
    "label file tells people apart"
)
"""What a reader of such intervals must know."""

MIN_GIVEN = 20
"""Fewest labels at random that a model is evaluated on where other images have none."""
# And of each class.
_MIN_OF_EACH = 5
_AT_RANDOM = "random"
# Images that are read at a time to see whether one can be.
_N_TRIED = 100
# A slice of fewer images says little; so many images make three.
_MIN_SLICE, _MIN_SLICED = 20, 60
_MAX_SOURCES, _N_DRAWS_OF_SOURCE = 20, 300
_ONE_GROUP = "all images are of one group (person): there is no interval, because nothing is known about other people"


@dataclass(frozen=True, eq=False)
class Measurable:
    """On which labels of a data set an accuracy can be measured.

    Parameters
    ----------
    rows : bool array of shape (n,)
        The images.
    why_not : str or None
        Why there is none.
    note : str or None
        Why it is a part of the labelled images, or what else the reader of the accuracy must know.
    by_hand : bool
        Whether the labels are those of one person at a label page; see `allow_for_slips`.
    n_unsure : int
        Images that were drawn at random and marked as unsure; see `note_of_unsure`.
    """

    rows: NDArray[np.bool_]
    why_not: str | None = None
    note: str | None = None
    by_hand: bool = False
    n_unsure: int = 0


def find_measurable(eyes: EyeSet, *, all_readable: bool = False) -> Measurable:
    """Return on which labels of a data set an accuracy can be measured.

    1. Not on predictions of a model.
    2. On all labels, if every image that can be read is labelled or was marked as unsure, or if no label is known to be
       chosen otherwise than at random.
    3. Else on the labels of images that were chosen at random: those that were chosen by priority are the hardest.
    4. Where other images have no label, on no fewer than 20 that were chosen at random, and 5 of each class.

    Parameters
    ----------
    eyes : EyeSet
        Images with all or some labels.
    all_readable : bool, default False
        Whether all images are known to be readable; by default those without a label are tried.

    Returns
    -------
    Measurable
        The images, or why there are none.

    Examples
    --------
    >>> eyes = EyeSet(["a", "b"], [1, 0], ["a", "b"], ["a", "b"])
    >>> find_measurable(eyes).rows.tolist()
    [True, True]
    """
    none = np.zeros(len(eyes), dtype=bool)
    given = eyes.labels != UNLABELLED
    if eyes.predicted:
        return Measurable(
            none, f"the labels of {eyes.source!r} are predictions of a model, on which no accuracy can be measured"
        )
    orders = sorted({str(each) for each in eyes.chosen[given]} - {"", _AT_RANDOM})
    n_chosen = int(np.isin(eyes.chosen[given], orders).sum())
    # An image that was shown and has no label was marked as unsure: it is not left out by the choice.
    others = eyes.take(~given & (eyes.chosen == ""))
    by_hand = bool((eyes.chosen[given] != "").any())
    n_unsure = int((~given & (eyes.chosen == _AT_RANDOM)).sum())
    is_part = by_hand and bool(len(others) if all_readable else _any_readable(others.paths))
    if not n_chosen and is_part and not _enough(eyes.labels[given]):
        counts = " and ".join(
            f"{int((eyes.labels == label).sum())} {word}" for label, word in ((1, "open"), (0, "closed"))
        )
        return Measurable(
            none,
            f"{counts} of {len(eyes):,} images of {eyes.source!r} are labelled, too few for an accuracy; {MIN_GIVEN} "
            f"chosen at random are needed, and {_MIN_OF_EACH} of each class; label more (classic-eyes label --order "
            "mixed, or --order random)",
        )
    if not n_chosen or not is_part:
        note = None
        if not by_hand and len(others) > given.sum() > 0:
            note = (
                f"how the {int(given.sum()):,} labelled images of {eyes.source!r} were chosen is not recorded; the "
                f"accuracy holds for its {len(eyes):,} images only if they were chosen at random"
            )
        return Measurable(given, note=note, by_hand=by_hand, n_unsure=n_unsure)
    at_random = given & (eyes.chosen == _AT_RANDOM)
    n_random = int(at_random.sum())
    if _enough(eyes.labels[at_random]):
        return Measurable(
            at_random,
            note=f"{n_random:,} labels of {eyes.source!r} are of images that were chosen at random, and only these "
            f"measure an accuracy; the {int(given.sum()) - n_random:,} other labels are for training alone",
            by_hand=True,
            n_unsure=n_unsure,
        )
    some = f", and only {n_random:,} at random, too few" if n_random else " and not at random"
    return Measurable(
        none,
        f"{n_chosen:,} of {int(given.sum()):,} labels of {eyes.source!r} were chosen by "
        f"{', '.join(map(quoted, orders))}{some}, so an accuracy on them says nothing about the {len(others):,} images "
        "without a label; for an accuracy label some at random (classic-eyes label --order mixed, or --order random), "
        "or label all images",
    )


def _enough(labels: NDArray[np.int8]) -> bool:
    return len(labels) >= MIN_GIVEN and min(int((labels == label).sum()) for label in (0, 1)) >= _MIN_OF_EACH


def note_of_unsure(n_unsure: int, result: Mapping[str, Any]) -> str:
    """Return what the accuracy would be with the images that a person could not label.

    Parameters
    ----------
    n_unsure : int
        Images that were drawn at random and marked as unsure.
    result : dict
        What `classic_eyes.metrics.summarize` returns for the others.

    Returns
    -------
    str
        Their number, and the accuracy if all of them are wrong, and if all are right.

    Examples
    --------
    >>> note_of_unsure(10, {"n": 90, "accuracy": {"value": 0.9}}).split(";")[1]
    ' if they did, it would be between 0.8100 (all of them wrong) and 0.9100 (all right)'
    """
    n, right = result["n"] + n_unsure, result["n"] * result["accuracy"]["value"]
    return (
        f"{n_unsure:,} images that were chosen at random are unsure and do not count in the accuracy; if they did, it "
        f"would be between {right / n:.4f} (all of them wrong) and {(right + n_unsure) / n:.4f} (all right); state "
        "their number"
    )


def _any_readable(paths: Sequence[str]) -> bool:
    return any(None in read_images(paths[k : k + _N_TRIED])[1] for k in range(0, len(paths), _N_TRIED))


def allow_for_slips(result: dict[str, Any], share: float = SLIPS) -> dict[str, Any]:
    """Raise the upper end of an accuracy measured on labels of which some are wrong.

    If a share ``e`` of the labels is wrong by chance, an accuracy ``a`` is measured as ``a - e (2 a - 1)``. The lower
    end stays, as perhaps no label is wrong.

    Parameters
    ----------
    result : dict
        What `classic_eyes.metrics.summarize` returns.
    share : float, default 0.02
        Share of wrong labels, 0 to 0.25.

    Returns
    -------
    dict
        The result with another interval of the accuracy, and ``slips``, the share.

    Examples
    --------
    >>> result = allow_for_slips({"accuracy": {"value": 0.9, "low": 0.8, "high": 0.96}})
    >>> round(result["accuracy"]["high"], 3)
    0.979
    """
    if not 0 <= share <= 0.25:
        raise ParameterError(f"share is {share!r}; allowed is 0 to 0.25")
    accuracy = dict(result["accuracy"])
    if accuracy["high"] is not None:
        accuracy["high"] = max(accuracy["high"], min(1.0, (accuracy["high"] - share) / (1 - 2 * share)))
    return {**result, "accuracy": accuracy, "slips": share}


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
    for number, ((_, test), part) in enumerate(zip(folds, predicted, strict=True), start=1):
        probability[test] = part
        _steps.info("evaluation: fold %d of %d done", number, n_splits)
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
        # The metrics show what is wrong with a fold, and training on all images warns once.
        warnings.simplefilter("ignore", UserWarning)
        fitted = clone(classifier).fit(images[train], labels[train], groups=groups[train], sources=sources[train])
    return fitted.predict_proba(images[test])[:, 1]


def evaluate_given(
    history: History, groups: NDArray[Any], rows: NDArray[np.bool_] | None = None
) -> dict[str, dict[str, Any]] | None:
    """Compute all metrics on the given labels, where the others were found by self-training.

    The scores are out of fold: each was predicted by a classifier that was not trained on its group.

    Parameters
    ----------
    history : History
        How the missing labels were found.
    groups : array of shape (n,)
        Person or face of each image.
    rows : bool array of shape (n,), optional
        The given labels to use, as of `find_measurable`; by default all.

    Returns
    -------
    dict or None
        ``given labels`` to what `classic_eyes.metrics.summarize` returns; None for fewer than 20 given labels, or 5 of
        either class, or where no round of self-training was kept.
    """
    if not history.is_out_of_fold:
        return None
    used = history.given >= 0 if rows is None else (history.given >= 0) & rows
    if not _enough(history.given[used]):
        return None
    return summarize_parts(history.given, history.scores, groups, [("given labels", used)])


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


@dataclass(frozen=True, eq=False)
class Evaluation:
    """How well an existing model predicts labelled images.

    Parameters
    ----------
    labels : int8 array of shape (n,)
        1 open, 0 closed.
    scores : float64 array of shape (n,)
        Probability of open.
    threshold : float
        An eye is predicted open from this probability on.
    results : dict
        ``all``, and each source, to what `classic_eyes.metrics.summarize` returns.
    slices : dict
        Property to a dict of its slices; each has ``n``, ``n_groups``, ``accuracy`` and ``eer``, with intervals.
    notes : tuple of str
        What a reader of the numbers must know.
    """

    labels: NDArray[np.int8]
    scores: NDArray[np.float64]
    threshold: float
    results: dict[str, dict[str, Any]]
    slices: dict[str, dict[str, dict[str, Any]]]
    notes: tuple[str, ...] = ()

    @property
    def predicted(self) -> NDArray[np.int8]:
        """The predictions, 1 open and 0 closed."""
        return (self.scores >= self.threshold).astype(np.int8)

    def worst(self, limit: int | None = None) -> NDArray[np.intp]:
        """Return the misclassified images, those of the most confident predictions first.

        Parameters
        ----------
        limit : int, optional
            Maximum number of images.

        Returns
        -------
        int array
            Positions of the images.
        """
        wrong = np.flatnonzero(self.predicted != self.labels)
        return wrong[np.argsort(-np.abs(self.scores[wrong] - self.threshold), kind="stable")][:limit]

    def to_dict(self) -> dict[str, Any]:
        """Return the numbers as plain data.

        Returns
        -------
        dict
            ``threshold``, ``results``, ``slices`` and ``notes``; it can be written as JSON.
        """
        return {
            "threshold": self.threshold,
            "results": self.results,
            "slices": self.slices,
            "notes": list(self.notes),
        }


def evaluate(
    model: PredictionMethods,
    images: Any,
    labels: ArrayLike,
    groups: ArrayLike | None = None,
    *,
    sources: ArrayLike | None = None,
    threshold: float = 0.5,
    random_state: int = 0,
) -> Evaluation:
    """Score an existing model on labelled images that it was not trained on.

    Parameters
    ----------
    model : EyePredictor or fitted EyeClassifier
        What predicts.
    images : array of shape (n, h, w) or (n, h, w, 3), or sequence of arrays or paths
        See `classic_eyes.images.as_images`.
    labels : array of shape (n,)
        1 open, 0 closed.
    groups : array of shape (n,), optional
        Person or face of each image; by default every image is its own group.
    sources : array of shape (n,), optional
        Names of the sources, such as cameras, which are also evaluated alone.
    threshold : float, default 0.5
        An eye is predicted open from this probability on, above 0 and below 1.
    random_state : int, default 0
        Seed of the intervals.

    Returns
    -------
    Evaluation
        Metrics with intervals: of all images, by source, and by brightness and sharpness.

    Raises
    ------
    ParameterError
        For labels other than 0 and 1, or arrays of another length.
    ImageError
        For images that cannot be used.

    Examples
    --------
    >>> from classic_eyes import load_model
    >>> from classic_eyes.synthetic import make_eyes
    >>> eyes = make_eyes(40, random_state=0)
    >>> found = evaluate(load_model("fast"), eyes.images, eyes.labels)
    >>> accuracy = found.results["all"]["accuracy"]
    >>> bool(accuracy["low"] <= accuracy["value"] <= accuracy["high"])
    True
    """
    grey = as_images(images, size=model.program.size)
    return evaluate_scores(
        labels,
        model.predict_proba(grey)[:, 1],
        groups,
        sources=sources,
        slices=image_slices(grey),
        threshold=threshold,
        random_state=random_state,
    )


def evaluate_scores(
    labels: ArrayLike,
    scores: ArrayLike,
    groups: ArrayLike | None = None,
    *,
    sources: ArrayLike | None = None,
    slices: Mapping[str, ArrayLike] | None = None,
    threshold: float = 0.5,
    random_state: int = 0,
) -> Evaluation:
    """Evaluate predictions that were made before.

    Accuracy, precision, recall, F1 and the confusion matrix are those of the threshold; the calibration error and the
    Brier score are those of the probabilities as they are.

    Parameters
    ----------
    labels : array of shape (n,)
        1 open, 0 closed.
    scores : array of shape (n,)
        Probability of open.
    groups : array of shape (n,), optional
        Person or face of each image; by default every image is its own group.
    sources : array of shape (n,), optional
        Names of the sources, which are also evaluated alone; of more than 20 the largest.
    slices : mapping of str to array of shape (n,), optional
        Property to its value for each image, such as those of `image_slices`; an empty value is in no slice.
    threshold : float, default 0.5
        An eye is predicted open from this probability on, above 0 and below 1.
    random_state : int, default 0
        Seed of the intervals.

    Returns
    -------
    Evaluation
        Metrics with intervals.

    Raises
    ------
    ParameterError
        For labels other than 0 and 1, scores beyond 0 to 1, or arrays of another length.

    Examples
    --------
    >>> found = evaluate_scores([0, 0, 1, 1], [0.1, 0.6, 0.7, 0.9])
    >>> found.results["all"]["confusion"], found.worst().tolist()
    ([[1, 1], [0, 2]], [1])
    """
    if not 0 < threshold < 1:
        raise ParameterError(f"threshold is {threshold!r}; allowed is above 0 and below 1")
    y, s = np.asarray(labels), np.asarray(scores, dtype=np.float64)
    results = {"all": _summarize(y, s, groups, threshold, random_state)}
    n = len(y)
    owner = np.arange(n) if groups is None else np.asarray(groups)
    for name in _largest(sources, n):
        part = np.asarray(sources) == name
        results[str(name)] = _summarize(y[part], s[part], owner[part], threshold, random_state, _N_DRAWS_OF_SOURCE)
    decided = _moved_to_half(s, threshold)
    found = {
        name: {
            value: _slice(y[part], decided[part], owner[part])
            for value in _in_order(values)
            if (part := np.asarray(values) == value).sum() >= _MIN_SLICE
        }
        for name, values in (slices or {}).items()
    }
    n_groups = len(np.unique(owner))
    notes = (OWN_GROUPS,) if n_groups == n else (_ONE_GROUP,) if n_groups == 1 else ()
    return Evaluation(
        y.astype(np.int8), s, threshold, results, {name: of for name, of in found.items() if len(of) > 1}, notes
    )


def _summarize(
    y: Any, s: NDArray[np.float64], groups: Any, threshold: float, random_state: int, n_resamples: int = 1000
) -> dict[str, Any]:
    how: dict[str, Any] = {"n_resamples": n_resamples, "random_state": random_state}
    decided = metrics.summarize(y, _moved_to_half(s, threshold), groups, **how)
    if threshold == 0.5:
        return decided
    raw = metrics.summarize(y, s, groups, **how)
    return {**decided, "brier": raw["brier"], "calibration_error": raw["calibration_error"]}


def _moved_to_half(scores: NDArray[np.float64], threshold: float) -> NDArray[np.float64]:
    """Return scores in the same order, with the threshold at 0.5."""
    if threshold == 0.5:
        return scores
    with np.errstate(divide="ignore"):
        odds = np.log(scores) - np.log1p(-scores) - np.log(threshold) + np.log1p(-threshold)
    moved = 1 / (1 + np.exp(-odds))
    above = scores >= threshold
    return np.where(above, np.maximum(moved, 0.5), np.minimum(moved, np.nextafter(0.5, 0)))


def _slice(y: Any, s: NDArray[np.float64], groups: NDArray[Any]) -> dict[str, Any]:
    low, high = metrics.proportion_interval((s >= 0.5) == y, groups)
    ends = (float(end) if np.isfinite(end) else None for end in (low, high))
    eer = metrics.equal_error_rate(y, s)
    return {
        "n": len(y),
        "n_groups": len(np.unique(groups)),
        "accuracy": {"value": metrics.accuracy(y, s), **dict(zip(("low", "high"), ends, strict=True))},
        "eer": {"value": eer if np.isfinite(eer) else None, "low": None, "high": None},
    }


def _in_order(values: Any) -> list[str]:
    return [str(value) for value in dict.fromkeys(np.unique(np.asarray(values)).tolist()) if str(value)]


def _largest(sources: Any, n: int) -> list[Any]:
    if sources is None:
        return []
    if len(sources) != n:
        raise ParameterError(f"sources has {len(sources)} names; allowed is {n}, one for each label")
    names, sizes = np.unique(np.asarray(sources), return_counts=True)
    kept = np.sort(np.argsort(-sizes, kind="stable")[:_MAX_SOURCES])
    return names[kept].tolist() if len(names) > 1 else []


def folder_sources(names: Sequence[str], labels: ArrayLike) -> NDArray[np.str_] | None:
    """Return the first folder of each image as its source.

    Parameters
    ----------
    names : sequence of str, length n
        Paths relative to the folder that was read, with ``/``.
    labels : array of shape (n,)
        1 open, 0 closed.

    Returns
    -------
    array of str, shape (n,), or None
        None for a single folder, and for folders of which each has one class, such as ``open`` and ``closed``.

    Examples
    --------
    >>> folder_sources(["left/a.png", "left/b.png", "right/a.png"], [0, 1, 1]).tolist()
    ['left', 'left', 'right']
    >>> folder_sources(["open/a.png", "closed/a.png"], [1, 0]) is None
    True
    """
    first = np.array([name.split("/")[0] if posixpath.dirname(name) else "." for name in names])
    y = np.asarray(labels)
    folders = np.unique(first)
    if len(folders) < 2 or all(len(np.unique(y[first == each])) < 2 for each in folders):
        return None
    return first


def image_slices(images: NDArray[np.uint8], sides: ArrayLike | None = None) -> dict[str, NDArray[np.str_]]:
    """Divide images into thirds by brightness, by sharpness and, where it is known and differs, by size.

    1. Brightness is the mean grey level.
    2. Sharpness is the standard deviation of the Laplacian over that of the grey levels.
    3. The size is the shorter side in pixels.

    Parameters
    ----------
    images : uint8 array of shape (n, h, w)
        Grey images.
    sides : array of shape (n,), optional
        The shorter side of the files in pixels; 0 where unknown.

    Returns
    -------
    dict
        Property to the name of the third that each image is in; empty for fewer than 60 images.

    Examples
    --------
    >>> levels = np.repeat(np.arange(60, dtype=np.uint8), 16).reshape(60, 4, 4)
    >>> sorted(set(image_slices(levels)["brightness"].tolist()))
    [' 0 to 20', '20 to 39', '39 to 59']
    """
    if len(images) < _MIN_SLICED:
        return {}
    grey = images.reshape(len(images), -1).astype(np.float32)
    edges = np.array([cv2.Laplacian(image, cv2.CV_32F).std() for image in images])
    values = {"brightness": grey.mean(axis=1), "sharpness": edges / np.maximum(grey.std(axis=1), 1)}
    if sides is not None and (known := np.asarray(sides)).min() > 0:
        values["size"] = known.astype(np.float64)
    return {name: thirds for name, of in values.items() if (thirds := _thirds(of)) is not None}


def _thirds(values: NDArray[Any]) -> NDArray[np.str_] | None:
    """Return names of the thirds, in the order of the values; None where two thirds would be the same."""
    cuts = np.quantile(values, (0, 1 / 3, 2 / 3, 1))
    if len(np.unique(cuts)) < len(cuts):
        return None
    decimals = 0 if cuts[-1] >= 10 else 2
    ends = [f"{cut:.{decimals}f}" for cut in cuts]
    width = max(map(len, ends))
    names = np.array([f"{low:>{width}} to {high}" for low, high in pairwise(ends)])
    return names[np.searchsorted(cuts[1:-1], values, side="right")]
