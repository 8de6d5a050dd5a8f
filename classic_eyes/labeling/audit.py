"""Audit of given labels: which are most likely wrong."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ..classifier import EyeClassifier
from ..errors import DataError
from ..evaluation import cross_validate
from ..semisupervised import find_labels
from ..semisupervised.history import GOOD_CONFIDENCE

__all__ = [
    "AUDIT_FEATURES",
    "Audit",
    "Reviewer",
    "audit_labels",
    "check_enough_labels",
    "independent_reviewer",
    "out_of_fold_reviewer",
]

AUDIT_FEATURES = (("hog", "lbp"), ("words",), ("words_tt",))
"""Features of `out_of_fold_reviewer`."""

# A plain classifier: its predictions depend on the given labels alone, without synthetic eyes.
_CLASSIFIER: dict[str, Any] = {
    "classifier": "svm",
    "n_components": 300,
    "n_copies": 2,
    "n_synthetic": 0,
    "remove_glare": False,
    "align": None,
    "cascade": None,
}
# Fewest labels of each class.
_MIN_LABELS = 10
# From this correlation on, two images count as duplicates.
MIN_CORRELATION = 0.98
# Share of faces whose eyes are both open or both closed; the rest are winks and faces with one eye hidden.
_EYES_AGREE = 0.95
_BLOCK = 2048
_NAMES = ("closed", "open")


@dataclass(frozen=True, eq=False)
class Reviewer:
    """Predictions for all images by a model that has not seen their labels.

    Parameters
    ----------
    name : str
        What it was trained on, as in "by the other labels".
    scores : float64 array of shape (n,)
        Probability of open.
    """

    name: str
    scores: NDArray[np.float64]


@dataclass(frozen=True, eq=False)
class Audit:
    """How likely each given label is wrong, and why.

    Parameters
    ----------
    error_probability : float64 array of shape (n,)
        Probability that the label is wrong; nan where none is given.
    partners : int array of shape (n,)
        The image whose label contradicts this one most, a duplicate or the other eye of the face; -1 if there is none.
    is_duplicate : bool array of shape (n,)
        Whether the partner is a duplicate.
    reasons : tuple of str
        One line per image; empty where no label is given.
    """

    error_probability: NDArray[np.float64]
    partners: NDArray[np.intp]
    is_duplicate: NDArray[np.bool_]
    reasons: tuple[str, ...]

    def ranked(self, limit: int | None = None) -> NDArray[np.intp]:
        """Return the images with a given label, the most likely wrong first.

        Parameters
        ----------
        limit : int, optional
            Maximum number of images.

        Returns
        -------
        int array
            Positions of the images.
        """
        order = np.argsort(-np.nan_to_num(self.error_probability, nan=-1.0), kind="stable")
        return order[np.isfinite(self.error_probability[order])][:limit]


def check_enough_labels(labels: NDArray[np.int8]) -> None:
    """Raise DataError for fewer than ten labels of a class."""
    n_closed, n_open = (int((labels == label).sum()) for label in (0, 1))
    if min(n_closed, n_open) < _MIN_LABELS:
        raise DataError(
            f"{n_closed} labels are closed and {n_open} open; {_MIN_LABELS} of each are needed to check one by the "
            "others; label more images, for example with classic-eyes label"
        )


def out_of_fold_reviewer(
    images: NDArray[np.uint8],
    labels: NDArray[np.int8],
    groups: NDArray[np.str_],
    *,
    features: Sequence[Any] = AUDIT_FEATURES,
    n_splits: int = 5,
    random_state: int = 0,
    n_jobs: int | None = None,
) -> Reviewer:
    """Return a reviewer that predicts each labelled image from the labels of the other groups.

    Parameters
    ----------
    images : uint8 array of shape (n, h, w)
        Grey images.
    labels : int8 array of shape (n,)
        1 open, 0 closed, -1 not given; 10 or more of each class.
    groups : array of shape (n,)
        Person or face of each image.
    features : sequence, default (("hog", "lbp"), ("words",), ("words_tt",))
        See `classic_eyes.EyeClassifier`.
    n_splits : int, default 5
        Folds of the cross-validation.
    random_state : int, default 0
        Seed of all random steps.
    n_jobs : int, optional
        Processes; one per core by default.

    Returns
    -------
    Reviewer
        0.5 for an image without a label.

    Raises
    ------
    DataError
        For too few labels.
    ParameterError
        For fewer groups than folds.
    """
    check_enough_labels(labels)
    given = np.flatnonzero(labels >= 0)
    scores = np.full(len(labels), 0.5)
    scores[given] = cross_validate(
        EyeClassifier(features, random_state=random_state, **_CLASSIFIER),
        images[given],
        labels[given],
        groups[given],
        n_splits=n_splits,
        random_state=random_state,
        n_jobs=n_jobs,
    )
    return Reviewer("by the other labels", scores)


def independent_reviewer(
    images: NDArray[np.uint8], groups: NDArray[np.str_], *, random_state: int = 0
) -> tuple[Reviewer | None, str]:
    """Return a reviewer that uses no given label: the scores of `classic_eyes.semisupervised.find_labels`.

    Out-of-fold predictions repeat systematic labelling errors. This reviewer cannot, because it has seen no label.

    Parameters
    ----------
    images : uint8 array of shape (n, h, w)
        Grey images.
    groups : array of shape (n,)
        Person or face of each image.
    random_state : int, default 0
        Seed of all random steps.

    Returns
    -------
    tuple of (Reviewer or None, str)
        None if its confidence is too low; and a message about its confidence.
    """
    try:
        history = find_labels(images, None, groups, random_state=random_state)
    except DataError as error:
        return None, f"no independent reviewer: {error}"
    confidence = f"confidence {history.confidence:.2f}, {GOOD_CONFIDENCE:g} is needed"
    if history.confidence < GOOD_CONFIDENCE:
        return None, f"no independent reviewer: labels found without given ones are too uncertain ({confidence})"
    return Reviewer(
        "without labels", history.scores
    ), f"independent reviewer: labels found without given ones ({confidence})"


def audit_labels(
    images: NDArray[np.uint8],
    labels: NDArray[np.int8],
    groups: NDArray[np.str_],
    names: tuple[str, ...],
    reviewers: tuple[Reviewer, ...],
) -> Audit:
    """Estimate how likely each given label is wrong.

    1. The error probability of a label is the mean, over the reviewers, of the probability of the other class.
    2. Of two duplicates (correlation of 0.98 or more) with different labels, exactly one is wrong. With error
       probabilities ``a`` and ``b``, the first is wrong with ``a (1 - b) / (a (1 - b) + b (1 - a))``.
    3. Of two eyes of one face (a group of two images) with different labels, the same holds with probability 0.95;
       the rest are winks.

    Parameters
    ----------
    images : uint8 array of shape (n, h, w)
        Grey images.
    labels : int8 array of shape (n,)
        1 open, 0 closed, -1 not given.
    groups : array of shape (n,)
        Person or face of each image.
    names : tuple of str
        Names of the images, for the reasons.
    reviewers : tuple of Reviewer
        At least one.

    Returns
    -------
    Audit
        Error probabilities and reasons.

    References
    ----------
    Northcutt, Jiang and Chuang, "Confident learning: estimating uncertainty in dataset labels", Journal of Artificial
    Intelligence Research 70, 2021, doi:10.1613/jair.1.12125, rank by out-of-fold predictions too; the independent
    reviewer is not theirs.

    Examples
    --------
    >>> images = np.random.default_rng(0).integers(0, 256, (3, 24, 24), dtype=np.uint8)
    >>> reviewers = (Reviewer("by the other labels", np.array([0.2, 0.1, 0.5])),)
    >>> names = ("a", "b", "c")
    >>> audit = audit_labels(images, np.array([1, 0, -1], np.int8), np.array(names), names, reviewers)
    >>> audit.ranked().tolist(), audit.reasons[0]
    ([0, 1], 'labelled open, but closed with 0.80 by the other labels')
    """
    is_given = labels >= 0
    against = np.array([np.where(labels == 1, 1 - reviewer.scores, reviewer.scores) for reviewer in reviewers])
    own = np.where(is_given, against.mean(axis=0), np.nan)
    error_probability = own.copy()
    partners = np.full(len(labels), -1, dtype=np.intp)
    is_duplicate = np.zeros(len(labels), dtype=bool)
    for one, other, certainty in [
        *((*pair, 1.0) for pair in _contradicting_duplicates(images, labels)),
        *((*pair, _EYES_AGREE) for pair in _contradicting_faces(labels, groups)),
    ]:
        for k, partner in ((one, other), (other, one)):
            raised = certainty * _probability_first_is_wrong(own[k], own[partner]) + (1 - certainty) * own[k]
            # Of several partners, keep the one that contradicts the label most.
            if partners[k] < 0 or raised > error_probability[k]:
                error_probability[k], partners[k], is_duplicate[k] = raised, partner, certainty == 1
    reasons = [""] * len(labels)
    for k in map(int, np.flatnonzero(is_given)):
        given, opposite = _NAMES[labels[k]], _NAMES[1 - labels[k]]
        votes = [f"{value:.2f} {reviewer.name}" for value, reviewer in zip(against[:, k], reviewers, strict=True)]
        reasons[k] = f"labelled {given}, but {opposite} with {', '.join(votes)}"
        if partners[k] >= 0:
            relation = "nearly the same image as" if is_duplicate[k] else "the other eye of this face is"
            reasons[k] += f"; {relation} {names[partners[k]]}, labelled {opposite}"
    return Audit(error_probability, partners, is_duplicate, tuple(reasons))


def _probability_first_is_wrong(first: float, second: float) -> float:
    """Return the probability that the first of two labels is wrong, given that exactly one is."""
    a, b = first * (1 - second), second * (1 - first)
    return 0.5 if a + b == 0 else a / (a + b)


def _contradicting_duplicates(images: NDArray[np.uint8], labels: NDArray[np.int8]) -> list[tuple[int, int]]:
    rows = images.reshape(len(images), -1).astype(np.float32)
    rows -= rows.mean(axis=1, keepdims=True)
    length = np.linalg.norm(rows, axis=1, keepdims=True)
    rows /= np.where(length == 0, 1, length)
    opened, closed = np.flatnonzero(labels == 1), np.flatnonzero(labels == 0)
    pairs = []
    for start in range(0, len(opened), _BLOCK):
        part = opened[start : start + _BLOCK]
        first, second = np.nonzero(rows[part] @ rows[closed].T >= MIN_CORRELATION)
        pairs += [(int(part[i]), int(closed[j])) for i, j in zip(first, second, strict=True)]
    return pairs


def _contradicting_faces(labels: NDArray[np.int8], groups: NDArray[np.str_]) -> list[tuple[int, int]]:
    _, numbers, sizes = np.unique(groups, return_inverse=True, return_counts=True)
    order = np.argsort(numbers, kind="stable")
    pairs = order[sizes[numbers[order]] == 2].reshape(-1, 2)
    both = np.sort(labels[pairs], axis=1) if len(pairs) else np.empty((0, 2))
    return [(int(one), int(other)) for one, other in pairs[(both == [0, 1]).all(axis=1)]]
