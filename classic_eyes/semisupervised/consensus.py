"""Several views, each clustered from the same guess: where they agree, the answer is kept."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from itertools import combinations
from typing import Any

import numpy as np
from numpy.typing import NDArray

from .. import metrics
from .._utils.threads import one_thread
from ..datasets import UNLABELLED
from ..errors import DataError
from .clusterers import informed_mixture
from .knowledge import Knowledge
from .views import View

__all__ = ["STARTS", "VIEW_FEATURES", "Consensus", "Start", "find_consensus"]

VIEW_FEATURES: tuple[tuple[str, ...], ...] = (("hog", "lbp"), ("words",), ("words_tt",))
# Shares of open eyes from which clustering begins: a folder need not be half open, half closed.
STARTS = (0.1, 0.25, 0.5, 0.75, 0.9)
_COMPONENTS = 64
# A dozen labels of the hardest images say little of how a folder parts.
_DOUBT = 20


@dataclass(frozen=True)
class Start:
    """What came of one guess.

    Parameters
    ----------
    guessed : float
        Share of open eyes in the guess.
    open_share : tuple of float
        Share that each view ended with.
    agreement : float
        Mean Cohen's kappa of the views, two by two.
    knowledge : float
        Mean area under the ROC curve with which synthetic eyes part the clusters.
    trust : float
        The criterion: ``agreement * (2 * knowledge - 1) * (1 - |share - share by knowledge|)``, 0 at least.
    """

    guessed: float
    open_share: tuple[float, ...]
    agreement: float
    knowledge: float
    trust: float


@dataclass(frozen=True, eq=False)
class Consensus:
    """What several views say of every image.

    Parameters
    ----------
    views : tuple of str
        Their names.
    votes : float64 array of shape (number of views, n)
        Each view's probability of open.
    start : Start
        The guess from which they came.
    tried : tuple of Start
        All guesses tried.
    """

    views: tuple[str, ...]
    votes: NDArray[np.float64]
    start: Start
    tried: tuple[Start, ...]

    @property
    def majority(self) -> NDArray[np.int8]:
        """What most views say.

        Returns
        -------
        int8 array of shape (n,)
            1 open, 0 closed.
        """
        return ((self.votes >= 0.5).mean(axis=0) > 0.5).astype(np.int8)

    @property
    def unanimous(self) -> NDArray[np.int8]:
        """What all views say.

        Returns
        -------
        int8 array of shape (n,)
            1 open, 0 closed, -1 where they differ.
        """
        said = self.votes >= 0.5
        return np.where(said.all(axis=0), 1, np.where(~said.any(axis=0), 0, UNLABELLED)).astype(np.int8)


def _guesses(knowledge: Knowledge) -> list[NDArray[np.bool_]]:
    scores = knowledge.scores["synthetic eyes"]
    thresholds = [np.quantile(scores, 1 - share) for share in STARTS]
    guesses = [scores > threshold for threshold in (*thresholds, 0.0)]
    return [guess for guess in guesses if min(guess.sum(), (~guess).sum()) >= 2]


def _vote(view: View, guess: NDArray[Any]) -> NDArray[np.float64]:
    # A covariance needs several rows for each of its columns.
    narrow = view.leading(max(2, min(_COMPONENTS, view.n // 6)))
    return narrow.averaged(informed_mixture(narrow.rows, narrow.repeated(guess)))


def _told(guess: NDArray[Any], votes: NDArray[np.float64], knowledge: Knowledge) -> Start:
    said = votes >= 0.5
    shares = tuple(float(share) for share in said.mean(axis=1))
    agreement = float(np.mean([metrics.cohen_kappa(said[a], said[b]) for a, b in combinations(range(len(said)), 2)]))
    mixed = [row for row in said if 0 < row.mean() < 1]
    area = float(np.mean([knowledge.areas(row)["synthetic eyes"] for row in mixed])) if mixed else 0.5
    off = abs(float(np.mean(shares)) - knowledge.open_share)
    trust = max(agreement, 0.0) * max(2 * area - 1, 0.0) * (1 - off)
    return Start(float(np.mean(guess)), shares, agreement, area, trust)


def _kept_given(said: NDArray[np.bool_], given: NDArray[np.int8]) -> float:
    """Return the share of given labels, class by class, that the views confirm, a few more half confirmed."""
    classes = [said[:, given == label] == bool(label) for label in (0, 1)]
    return float(np.mean([(right.mean(axis=0).sum() + _DOUBT / 2) / (right.shape[1] + _DOUBT) for right in classes]))


@one_thread()
def find_consensus(views: Sequence[View], knowledge: Knowledge, *, given: NDArray[np.int8] | None = None) -> Consensus:
    """Cluster every view from several guesses; keep the guess after which the views agree most.

    1. A guess calls open the share of images that look most like synthetic open eyes; see `STARTS`.
    2. From it, each view is clustered by `informed_mixture` over its leading components.
    3. The guess with the greatest trust is kept: agreement of the views, which err independently of one another if at
       all, times agreement with knowledge. No label is used.

    Parameters
    ----------
    views : sequence of View
        Two or more, of different features.
    knowledge : Knowledge
        Of the same images.
    given : int8 array of shape (n,), optional
        Labels that are known, -1 where not: a guess that contradicts them more than another does is trusted less.

    Returns
    -------
    Consensus
        Votes, and how they came about.

    Raises
    ------
    DataError
        Where no guess has two images of each kind.
    """
    known = np.full(views[0].n, UNLABELLED, dtype=np.int8) if given is None else given
    found: list[tuple[Start, NDArray[np.float64]]] = []
    for guess in _guesses(knowledge):
        votes = np.array([_vote(view, guess) for view in views])
        found.append((_told(guess, votes, knowledge), votes))
    if not found:
        raise DataError("the images are all alike, so that they cannot be parted; are they different images of eyes?")
    # Against the guess that they confirm best: labels of the hardest images are confirmed by none.
    kept = np.array([_kept_given(votes >= 0.5, known) for _, votes in found])
    tried = [
        replace(told, trust=told.trust * float(share))
        for (told, _), share in zip(found, kept / kept.max(), strict=True)
    ]
    best = int(np.argmax([told.trust for told in tried]))
    return Consensus(tuple(view.name for view in views), found[best][1], tried[best], tuple(tried))
