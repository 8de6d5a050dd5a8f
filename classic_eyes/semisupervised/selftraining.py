"""Self-training: learn from what is agreed, score the rest, let the confident join, and stop before it drifts."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray
from scipy.special import expit

from .._utils.threads import one_thread
from ..calibration import fit_platt
from ..datasets import UNLABELLED
from ..errors import ParameterError
from ..svm import LeastSquaresSvm
from .knowledge import Knowledge
from .views import View

__all__ = ["REASONS", "Round", "SelfTrained", "self_train"]

Labels = NDArray[np.int8]
Scores = NDArray[np.float64]

REASONS = (
    "waits: not confident",
    "given",
    "stays: confident",
    "joins: confident",
    "turns: confident of the other",
    "leaves: no longer confident",
)
_WAITS, _GIVEN, _STAYS, _JOINS, _TURNS, _LEAVES = range(len(REASONS))

# Labels that are only partly right need a machine that is not bent to each of them.
_ALPHA = 1e-4
_SETTLED = 0.002
_LEAST = 10
# Below this, what was left out does not follow from what was learnt: the labels have no rule.
_LEARNABLE = 0.8
# Losing this much of what synthetic eyes know, or of the rarer class, is drift.
_AREA_LOST = 0.02
# Classes that synthetic eyes part no better than this are not open and closed.
_LEAST_AREA = 0.7
_RARER_LOST = 0.15


@dataclass(frozen=True, eq=False)
class Round:
    """One round of fitting and labelling anew.

    Parameters
    ----------
    learnt : int8 array of shape (n,)
        Labels learnt from, -1 for images that waited.
    scores : float64 array of shape (n,)
        Probability of open by machines that had not learnt from the image or its group.
    labels : int8 array of shape (n,)
        Labels after the round.
    reasons : int8 array of shape (n,)
        Positions in `REASONS`.
    own_agreement : float
        Share of the images learnt from whose score confirms their label.
    knowledge : float
        Area under the ROC curve with which synthetic eyes part what the scores call open and closed.
    """

    learnt: Labels
    scores: Scores
    labels: Labels
    reasons: NDArray[np.int8]
    own_agreement: float
    knowledge: float

    def count(self, reason: int) -> int:
        """Count the images with a reason.

        Parameters
        ----------
        reason : int
            A position in `REASONS`.

        Returns
        -------
        int
            How many.
        """
        return int((self.reasons == reason).sum())


class SelfTrained(NamedTuple):
    """What came of it: labels (-1 for those that wait), the last scores, the rounds, and why it ended."""

    labels: Labels
    scores: Scores
    rounds: tuple[Round, ...]
    ended: str


def _margins_left_out(view: View, labels: Labels, folds: NDArray[np.intp], random_state: int) -> Scores:
    """Return each image's margin by a machine that has not learnt from its fold."""
    learnt = np.flatnonzero(labels >= 0)
    rows = np.concatenate([learnt, learnt + view.n]) if view.mirrored else learnt
    machine = LeastSquaresSvm(1500, alpha=_ALPHA, random_state=random_state)
    known = np.unique(folds[learnt])
    parts = [np.tile(folds[learnt] == fold, len(rows) // len(learnt)) for fold in known]
    targets = np.tile(labels[learnt], len(rows) // len(learnt))
    usable = [part for part in parts if len(np.unique(targets[~part])) == 2]
    judges = machine.fit_without(view.rows[rows], targets, usable)
    margin = view.averaged(machine.decision_function(view.rows))
    for fold, judge in zip(known, judges, strict=True):
        asked = np.flatnonzero((folds == fold) & (labels >= 0))
        own = np.concatenate([asked, asked + view.n]) if view.mirrored else asked
        scores = judge.decision_function(view.rows[own])
        margin[asked] = scores.reshape(-1, len(asked)).mean(axis=0)
    return margin


def _scored(views: Sequence[View], labels: Labels, folds: NDArray[np.intp], random_state: int) -> Scores:
    margin = np.mean([_margins_left_out(view, labels, folds, random_state) for view in views], axis=0)
    learnt = labels >= 0
    slope, intercept = fit_platt(margin[learnt], labels[learnt])
    return expit(slope * margin + intercept)


def _decide(
    scores: Scores, learnt: Labels, given: Labels, confident: tuple[float, float]
) -> tuple[Labels, NDArray[np.int8]]:
    low, high = confident
    labels = np.where(scores > high, 1, np.where(scores < low, 0, UNLABELLED)).astype(np.int8)
    reasons = np.full(len(labels), _WAITS, dtype=np.int8)
    reasons[(labels < 0) & (learnt >= 0)] = _LEAVES
    reasons[(labels >= 0) & (labels == learnt)] = _STAYS
    reasons[(labels >= 0) & (learnt < 0)] = _JOINS
    reasons[(labels >= 0) & (learnt >= 0) & (labels != learnt)] = _TURNS
    known = given >= 0
    labels[known] = given[known]
    reasons[known] = _GIVEN
    return labels, reasons


def _rarer(scores: Scores) -> float:
    share = float((scores >= 0.5).mean())
    return min(share, 1 - share)


def _fault(done: Round, first: Round, labelled: bool) -> str | None:
    """Say why a round must not be built upon; None if it may."""
    if done.knowledge < _LEAST_AREA and not labelled:
        return f"bad start: synthetic eyes part its classes with an area of {done.knowledge:.2f} only, .5 being chance"
    if done.own_agreement < _LEARNABLE:
        return f"not learnable: only {done.own_agreement:.0%} of the labels follow from the others"
    if done.knowledge < first.knowledge - _AREA_LOST:
        return f"drifting: synthetic eyes part the classes with {done.knowledge:.2f} instead of {first.knowledge:.2f}"
    if _rarer(done.scores) < (1 - _RARER_LOST) * _rarer(first.scores):
        return f"drifting: the rarer class shrank from {_rarer(first.scores):.0%} to {_rarer(done.scores):.0%}"
    return None


def check_confident(confident: Any) -> tuple[float, float]:
    """Return the two thresholds, checked.

    Parameters
    ----------
    confident : tuple of float
        Closed below the first, open above the second.

    Returns
    -------
    tuple of float
        The same.

    Raises
    ------
    ParameterError
        For other than two numbers, ``0 < low < 0.5 < high < 1``.
    """
    try:
        low, high = (float(value) for value in confident)
    except (TypeError, ValueError):
        low = high = float("nan")
    if not 0 < low < 0.5 < high < 1:
        raise ParameterError(f"confident is {confident!r}; it must be two numbers, 0 < low < 0.5 < high < 1")
    return low, high


@one_thread()
def self_train(
    views: Sequence[View],
    start: Labels,
    knowledge: Knowledge,
    folds: NDArray[np.intp],
    *,
    given: Labels | None = None,
    confident: tuple[float, float] = (0.05, 0.95),
    max_rounds: int = 4,
    random_state: int = 0,
) -> SelfTrained:
    """Grow labels from a start: rounds of fitting on what is labelled and labelling anew what is scored confidently.

    1. A machine for each view learns from the labelled images; each image is scored, fold by fold, by machines that
       have not learnt from it, and the scores of the views are averaged and calibrated.
    2. Confident images are labelled, whether they were before or not; the rest wait. Given labels stay as they are.
    3. It ends when labels settle or the rounds are used up. It stops, and the round is undone, when labels do not
       follow from one another, when synthetic eyes do not part the classes, or worse than at first, or when the rarer
       class melts away: a bad start is reported, not confirmed.

    Parameters
    ----------
    views : sequence of View
        Of the images.
    start : int8 array of shape (n,)
        1 open, 0 closed, -1 not known.
    knowledge : Knowledge
        Of the same images.
    folds : int array of shape (n,)
        Fold of each image; images of one person have the same.
    given : int8 array of shape (n,), optional
        Labels that are known; -1 where not.
    confident : tuple of float, default (0.05, 0.95)
        Closed below the first score, open above the second.
    max_rounds : int, default 4
        Rounds, at most.
    random_state : int, default 0
        Seed of the machines.

    Returns
    -------
    SelfTrained
        Labels, scores, rounds and how it ended.

    Raises
    ------
    ParameterError
        For thresholds that are not allowed.

    References
    ----------
    Yarowsky, "Unsupervised word sense disambiguation rivaling supervised methods", ACL 1995, doi:10.3115/981658.981684.
    """
    check_confident(confident)
    known = np.full(len(start), UNLABELLED, dtype=np.int8) if given is None else given
    labels = np.where(known >= 0, known, start).astype(np.int8)
    scores = np.where(labels >= 0, labels, 0.5).astype(np.float64)
    rounds: list[Round] = []
    for _ in range(max_rounds):
        if min((labels == 0).sum(), (labels == 1).sum()) < _LEAST:
            return SelfTrained(labels, scores, tuple(rounds), f"fewer than {_LEAST} confident images of a class")
        said = _scored(views, labels, folds, random_state)
        after, reasons = _decide(said, labels, known, confident)
        mixed = len(np.unique(said >= 0.5)) == 2
        area = knowledge.areas((said >= 0.5).astype(int))["synthetic eyes"] if mixed else 0.5
        own = float(((said >= 0.5) == labels)[labels >= 0].mean())
        done = Round(labels, said, after, reasons, own, area)
        rounds.append(done)
        fault = _fault(done, rounds[0], bool((known >= 0).any()))
        if fault is not None:
            # What an undone round said is in the history, but nothing is built on it.
            return SelfTrained(labels, scores, tuple(rounds), fault)
        changed = float((after != labels).mean())
        labels, scores = after, said
        if changed <= _SETTLED:
            return SelfTrained(labels, scores, tuple(rounds), "settled")
    return SelfTrained(labels, scores, tuple(rounds), f"all {max_rounds} rounds done")
