"""Self-training: fit on confident labels, score all images out of fold, relabel, and stop before it drifts."""

from __future__ import annotations

import logging
from collections.abc import Sequence
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray
from scipy.special import expit

from .._utils.resources import one_thread
from ..calibration import fit_platt
from ..datasets import UNLABELLED
from ..errors import ParameterError
from ..svm import LeastSquaresSvm
from .priors import PriorScores
from .views import View

__all__ = ["CHANGES", "CONFIDENT", "MAX_ROUNDS", "Round", "SelfTraining", "self_train"]

_steps = logging.getLogger("classic_eyes.steps")

Labels = NDArray[np.int8]
Scores = NDArray[np.float64]

CONFIDENT = (0.05, 0.95)
MAX_ROUNDS = 4
CHANGES = ("unlabelled", "given", "kept", "added", "flipped", "removed")
_UNLABELLED, _GIVEN, _KEPT, _ADDED, _FLIPPED, _REMOVED = range(len(CHANGES))

_N_LANDMARKS = 1500
# Strong regularization, because some of the labels are wrong.
_ALPHA = 1e-4
# Converged: at most this share of labels changes in a round.
_TOLERANCE = 0.002
_MIN_PER_CLASS = 10
# Below this, labels cannot be predicted from one another.
_MIN_AGREEMENT = 0.8
# Below this area, the classes are not open and closed.
_MIN_PRIOR_AUC = 0.7
# Drift, compared with the first round: loss of area, and shrinking of the rarer class.
_MAX_AUC_LOSS = 0.05
_MAX_SHRINKING = 0.15


@dataclass(frozen=True, eq=False)
class Round:
    """One round of fitting and relabelling.

    Parameters
    ----------
    trained_on : int8 array of shape (n,)
        Labels that the classifiers were trained on; -1 for images without one.
    scores : float64 array of shape (n,)
        Out-of-fold probability of open.
    labels : int8 array of shape (n,)
        Labels after the round.
    changes : int8 array of shape (n,)
        What happened to the label of each image: positions in `CHANGES`.
    agreement : float
        Share of the training labels that the out-of-fold scores confirm.
    prior_auc : float
        Area under the ROC curve with which the prior of synthetic eyes separates the scored classes.
    """

    trained_on: Labels
    scores: Scores
    labels: Labels
    changes: NDArray[np.int8]
    agreement: float
    prior_auc: float

    def positions(self, change: str) -> NDArray[np.intp]:
        """Return the images whose label changed in a given way.

        Parameters
        ----------
        change : {"unlabelled", "given", "kept", "added", "flipped", "removed"}
            An item of `CHANGES`.

        Returns
        -------
        int array
            Positions of the images.
        """
        return np.flatnonzero(self.changes == CHANGES.index(change))


class SelfTraining(NamedTuple):
    """Result of self-training: final labels (-1 where uncertain), final scores, all rounds, reason for stopping."""

    labels: Labels
    scores: Scores
    rounds: tuple[Round, ...]
    stop_reason: str


def _with_mirrored(view: View, positions: NDArray[np.intp]) -> NDArray[np.intp]:
    return np.concatenate([positions, positions + view.n]) if view.mirrored else positions


def _out_of_fold_decision(view: View, labels: Labels, folds: NDArray[np.intp], random_state: int) -> Scores:
    """Return decision values; those of training images come from the SVM that was fitted without their fold."""
    labelled = np.flatnonzero(labels >= 0)
    rows = _with_mirrored(view, labelled)
    n_copies = len(rows) // len(labelled)
    svm = LeastSquaresSvm(_N_LANDMARKS, alpha=_ALPHA, random_state=random_state)
    used_folds = np.unique(folds[labelled])
    held_out = [np.tile(folds[labelled] == fold, n_copies) for fold in used_folds]
    y = np.tile(labels[labelled], n_copies)
    fittable = [part for part in held_out if len(np.unique(y[~part])) == 2]
    fold_svms = svm.fit_out_of_fold(view.rows[rows], y, fittable)
    decision = view.average(svm.decision_function(view.rows))
    for fold, fold_svm in zip(used_folds, fold_svms, strict=True):
        inside = np.flatnonzero((folds == fold) & (labels >= 0))
        scores = fold_svm.decision_function(view.rows[_with_mirrored(view, inside)])
        decision[inside] = scores.reshape(-1, len(inside)).mean(axis=0)
    return decision


def _out_of_fold_scores(
    views: Sequence[View], labels: Labels, priors: PriorScores, folds: NDArray[np.intp], random_state: int
) -> Scores:
    learnt = np.mean([_out_of_fold_decision(view, labels, folds, random_state) for view in views], axis=0)
    prior = priors.scores["synthetic eyes"]
    decision = len(views) * learnt / np.std(learnt) + prior / np.std(prior)
    labelled = labels >= 0
    slope, intercept = fit_platt(decision[labelled], labels[labelled])
    return expit(slope * decision + intercept)


def _relabel(
    scores: Scores, trained_on: Labels, given: Labels, confident: tuple[float, float]
) -> tuple[Labels, NDArray[np.int8]]:
    low, high = confident
    labels = np.where(scores > high, 1, np.where(scores < low, 0, UNLABELLED)).astype(np.int8)
    changes = np.full(len(labels), _UNLABELLED, dtype=np.int8)
    changes[(labels < 0) & (trained_on >= 0)] = _REMOVED
    changes[(labels >= 0) & (labels == trained_on)] = _KEPT
    changes[(labels >= 0) & (trained_on < 0)] = _ADDED
    changes[(labels >= 0) & (trained_on >= 0) & (labels != trained_on)] = _FLIPPED
    known = given >= 0
    labels[known] = given[known]
    changes[known] = _GIVEN
    return labels, changes


def _rarer_share(scores: Scores) -> float:
    share = float((scores >= 0.5).mean())
    return min(share, 1 - share)


def _failure(last: Round, first: Round, any_given: bool) -> str | None:
    """Return why the last round must be undone; None if it is sound."""
    if last.prior_auc < _MIN_PRIOR_AUC and not any_given:
        return f"bad start: the prior of synthetic eyes has an area of {last.prior_auc:.2f} only; 0.5 is chance"
    if last.agreement < _MIN_AGREEMENT:
        return f"not learnable: only {last.agreement:.0%} of the labels can be predicted from the others"
    if last.prior_auc < first.prior_auc - _MAX_AUC_LOSS:
        return f"drift: the area of the prior of synthetic eyes fell from {first.prior_auc:.2f} to {last.prior_auc:.2f}"
    before, after = _rarer_share(first.scores), _rarer_share(last.scores)
    if after < (1 - _MAX_SHRINKING) * before:
        return f"drift: the rarer class shrank from {before:.0%} to {after:.0%}"
    return None


@one_thread()
def self_train(
    views: Sequence[View],
    initial: Labels,
    priors: PriorScores,
    folds: NDArray[np.intp],
    *,
    given: Labels | None = None,
    confident: tuple[float, float] = CONFIDENT,
    max_rounds: int = MAX_ROUNDS,
    random_state: int = 0,
) -> SelfTraining:
    """Grow labels from initial ones in rounds of fitting and relabelling.

    1. Fit an SVM per view to the labelled images, and once more without each fold. Average the out-of-fold decision
       values over views and the prior of synthetic eyes, which counts as one more view. Calibrate the average by Platt
       scaling.
    2. Label all images with a confident score, including those labelled before. Given labels never change.
    3. Stop when labels converge or after `max_rounds`.

    A round is undone, and self-training stops, if labels cannot be predicted from one another, if the prior of
    synthetic eyes does not separate the classes or does so worse than at first, or if the rarer class shrinks. So a
    bad start is reported instead of confirmed.

    Parameters
    ----------
    views : sequence of View
        Views of the images.
    initial : int8 array of shape (n,)
        Initial labels: 1 open, 0 closed, -1 unknown.
    priors : PriorScores
        Of the same images.
    folds : int array of shape (n,)
        Fold of each image; images of one person belong to one fold.
    given : int8 array of shape (n,), optional
        Known labels; -1 where unknown.
    confident : tuple of float, default (0.05, 0.95)
        Scores below the first are labelled closed, scores above the second open; ``0 < low < 0.5 < high < 1``.
    max_rounds : int, default 4
        Maximum number of rounds.
    random_state : int, default 0
        Seed of the SVMs.

    Returns
    -------
    SelfTraining
        Labels, scores, rounds and the reason for stopping.

    Raises
    ------
    ParameterError
        If `confident` is not two such numbers.

    References
    ----------
    Yarowsky, "Unsupervised word sense disambiguation rivaling supervised methods", ACL 1995, doi:10.3115/981658.981684.
    """
    _check_confident(confident)
    known = np.full(len(initial), UNLABELLED, dtype=np.int8) if given is None else given
    labels = np.where(known >= 0, known, initial).astype(np.int8)
    scores = np.where(labels >= 0, labels, 0.5).astype(np.float64)
    rounds: list[Round] = []
    for number in range(1, max_rounds + 1):
        if min((labels == 0).sum(), (labels == 1).sum()) < _MIN_PER_CLASS:
            reason = f"fewer than {_MIN_PER_CLASS} confident images of a class"
            return SelfTraining(labels, scores, tuple(rounds), reason)
        _steps.info("finding labels: round %d of at most %d", number, max_rounds)
        new_scores = _out_of_fold_scores(views, labels, priors, folds, random_state)
        new_labels, changes = _relabel(new_scores, labels, known, confident)
        is_open = new_scores >= 0.5
        area = priors.roc_auc(is_open.astype(int))["synthetic eyes"] if len(np.unique(is_open)) == 2 else 0.5
        agreement = float((is_open == labels)[labels >= 0].mean())
        rounds.append(Round(labels, new_scores, new_labels, changes, agreement, area))
        failure = _failure(rounds[-1], rounds[0], bool((known >= 0).any()))
        if failure is not None:
            # The undone round stays in the history.
            return SelfTraining(labels, scores, tuple(rounds), failure)
        changed = float((new_labels != labels).mean())
        labels, scores = new_labels, new_scores
        if changed <= _TOLERANCE:
            return SelfTraining(labels, scores, tuple(rounds), "converged")
    return SelfTraining(labels, scores, tuple(rounds), f"all {max_rounds} rounds done")


def _check_confident(confident: tuple[float, float]) -> None:
    try:
        low, high = (float(value) for value in confident)
    except (TypeError, ValueError):
        low = high = float("nan")
    if not 0 < low < 0.5 < high < 1:
        raise ParameterError(f"confident is {confident!r}; allowed is two numbers, 0 < low < 0.5 < high < 1")
