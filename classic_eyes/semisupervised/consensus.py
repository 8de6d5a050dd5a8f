"""Consensus clustering: several views are clustered from the same initial assignment; what they agree on is kept."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from itertools import combinations
from typing import Any

import numpy as np
from numpy.typing import NDArray

from .. import metrics
from .._utils.resources import one_thread
from ..datasets import UNLABELLED
from ..errors import DataError
from .mixture import fit_informed_mixture
from .priors import PriorScores
from .views import View

__all__ = ["Consensus", "Initialization", "find_consensus"]

# A folder need not be half open, so several shares are tried.
_INITIAL_SHARES = (0.1, 0.25, 0.5, 0.75, 0.9)
_N_COMPONENTS = 64
# Additive smoothing: a dozen labels of the hardest images say little about a clustering.
_PSEUDO_COUNT = 20


@dataclass(frozen=True)
class Initialization:
    """One initial assignment, and the clustering that EM reached from it.

    Parameters
    ----------
    initial_share : float
        Share of open eyes in the initial assignment.
    open_shares : tuple of float
        Share of open eyes in the final clusters, by view.
    agreement : float
        Mean Cohen's kappa over pairs of views.
    prior_auc : float
        Mean area under the ROC curve with which the prior of synthetic eyes separates the clusters.
    confidence : float
        ``max(agreement, 0) * max(2 * prior_auc - 1, 0) * (1 - |open share - open share by the prior|)``.
    """

    initial_share: float
    open_shares: tuple[float, ...]
    agreement: float
    prior_auc: float
    confidence: float


@dataclass(frozen=True, eq=False)
class Consensus:
    """Clusters of several views.

    Parameters
    ----------
    views : tuple of str
        Names of the views.
    votes : float64 array of shape (n_views, n)
        Probability of open by each view.
    best : Initialization
        The initialization with the highest confidence; `votes` come from it.
    tried : tuple of Initialization
        All initializations.
    """

    views: tuple[str, ...]
    votes: NDArray[np.float64]
    best: Initialization
    tried: tuple[Initialization, ...]

    @property
    def majority(self) -> NDArray[np.int8]:
        """Majority vote of the views: 1 open, 0 closed; int8 array of shape (n,)."""
        return ((self.votes >= 0.5).mean(axis=0) > 0.5).astype(np.int8)

    @property
    def unanimous(self) -> NDArray[np.int8]:
        """Unanimous vote of the views: 1 open, 0 closed, -1 where they differ; int8 array of shape (n,)."""
        is_open = self.votes >= 0.5
        return np.where(is_open.all(axis=0), 1, np.where(~is_open.any(axis=0), 0, UNLABELLED)).astype(np.int8)


def _initial_assignments(priors: PriorScores) -> list[NDArray[np.bool_]]:
    scores = priors.scores["synthetic eyes"]
    thresholds = [np.quantile(scores, 1 - share) for share in _INITIAL_SHARES]
    assignments = [scores > threshold for threshold in (*thresholds, 0.0)]
    return [initial for initial in assignments if min(initial.sum(), (~initial).sum()) >= 2]


def _cluster(view: View, initial: NDArray[Any]) -> NDArray[np.float64]:
    # A covariance needs several rows per column.
    reduced = view.leading(max(2, min(_N_COMPONENTS, view.n // 6)))
    return reduced.average(fit_informed_mixture(reduced.rows, reduced.repeat(initial)))


def _score_initialization(initial: NDArray[Any], votes: NDArray[np.float64], priors: PriorScores) -> Initialization:
    is_open = votes >= 0.5
    shares = tuple(float(share) for share in is_open.mean(axis=1))
    kappas = [metrics.cohen_kappa(is_open[a], is_open[b]) for a, b in combinations(range(len(is_open)), 2)]
    agreement = float(np.mean(kappas))
    two_classes = [row for row in is_open if 0 < row.mean() < 1]
    area = float(np.mean([priors.roc_auc(row)["synthetic eyes"] for row in two_classes])) if two_classes else 0.5
    share_error = abs(float(np.mean(shares)) - priors.open_share)
    confidence = max(agreement, 0.0) * max(2 * area - 1, 0.0) * (1 - share_error)
    return Initialization(float(np.mean(initial)), shares, agreement, area, confidence)


def _confirmed_share(is_open: NDArray[np.bool_], given: NDArray[np.int8]) -> float:
    """Return the share of given labels that the views confirm, averaged over classes and smoothed towards 0.5."""
    by_class = [is_open[:, given == label] == bool(label) for label in (0, 1)]
    return float(
        np.mean(
            [(right.mean(axis=0).sum() + _PSEUDO_COUNT / 2) / (right.shape[1] + _PSEUDO_COUNT) for right in by_class]
        )
    )


@one_thread()
def find_consensus(views: Sequence[View], priors: PriorScores, *, given: NDArray[np.int8] | None = None) -> Consensus:
    """Cluster every view from several initializations; keep the one with the highest confidence.

    1. An initial assignment calls a share of the images open: those with the highest score by synthetic eyes. Shares
       are 0.1, 0.25, 0.5, 0.75, 0.9 and the share with a positive score.
    2. From it, fit a two-component Gaussian mixture to the leading components of every view.
    3. Keep the initialization with the highest confidence: agreement between views, times agreement with the prior.

    Parameters
    ----------
    views : sequence of View
        Two or more, of different features.
    priors : PriorScores
        Of the same images.
    given : int8 array of shape (n,), optional
        Known labels, -1 where unknown. They lower the confidence of initializations that contradict them.

    Returns
    -------
    Consensus
        Votes of the views, and all initializations.

    Raises
    ------
    DataError
        If no initialization has two images of each class.
    """
    known = np.full(views[0].n, UNLABELLED, dtype=np.int8) if given is None else given
    found: list[tuple[Initialization, NDArray[np.float64]]] = []
    for initial in _initial_assignments(priors):
        votes = np.array([_cluster(view, initial) for view in views])
        found.append((_score_initialization(initial, votes, priors), votes))
    if not found:
        raise DataError("the images are all alike and cannot be clustered; are they different images of eyes?")
    # Relative to the best, because no initialization confirms labels of the hardest images.
    confirmed = np.array([_confirmed_share(votes >= 0.5, known) for _, votes in found])
    tried = [
        replace(each, confidence=each.confidence * float(share))
        for (each, _), share in zip(found, confirmed / confirmed.max(), strict=True)
    ]
    best = int(np.argmax([each.confidence for each in tried]))
    return Consensus(tuple(view.name for view in views), found[best][1], tried[best], tuple(tried))
