"""From images without labels to labels, with the whole history of how they came about."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from functools import partial
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from .. import metrics
from ..datasets import UNLABELLED
from ..errors import DataError
from .consensus import VIEW_FEATURES, Consensus, find_consensus
from .knowledge import Knowledge, Orientation, gather_knowledge, orient
from .selftraining import REASONS, Round, SelfTrained, check_confident, self_train
from .views import View, make_view

__all__ = ["DOUBTFUL", "MIN_IMAGES", "REFUSED", "History", "learn_labels"]

# Below the first nothing is learnt, below the second a warning is given; docs/no-labels.md has what was measured.
REFUSED = 0.45
DOUBTFUL = 0.65
MIN_IMAGES = 60
_FOLDS = 5
_JOINS, _TURNS, _LEAVES, _WAITS = (
    next(number for number, reason in enumerate(REASONS) if reason.startswith(word))
    for word in ("joins", "turns", "leaves", "waits")
)
# With this many given labels of each class they may overrule what the clusters say they are.
_ENOUGH_GIVEN = 10
_CONTRADICTED = 0.7


@dataclass(frozen=True, eq=False)
class History:
    """How labels came about.

    Parameters
    ----------
    labels : int8 array of shape (n,)
        1 open, 0 closed, -1 for images that remain uncertain.
    scores : float64 array of shape (n,)
        Probability of open, by machines that have not learnt from the image.
    given : int8 array of shape (n,)
        Labels that were given; -1 where none was.
    trust : float
        0..1, the criterion of `classic_eyes.semisupervised.find_consensus`: agreement between views, and with knowledge.
    consensus : Consensus
        Votes of the views, and all guesses tried.
    orientation : Orientation
        What says which cluster is open.
    knowledge : Knowledge
        What was known of every image before.
    rounds : tuple of Round
        Rounds of self-training, each with the labels learnt from, scores and reasons of every image.
    ended : str
        Why self-training ended.
    warnings : tuple of str
        What to look at before relying on the labels.
    """

    labels: NDArray[np.int8]
    scores: NDArray[np.float64]
    given: NDArray[np.int8]
    trust: float
    consensus: Consensus
    orientation: Orientation
    knowledge: Knowledge
    rounds: tuple[Round, ...]
    ended: str
    warnings: tuple[str, ...]

    def worth_asking(self, limit: int | None = None) -> NDArray[np.intp]:
        """Return the images worth a person's minute, the most uncertain first.

        Parameters
        ----------
        limit : int, optional
            How many, at most.

        Returns
        -------
        int array
            Positions of images whose label was not given, by the distance of their score from a half, and among
            equals those on which the views differ most.
        """
        split = self.consensus.votes.std(axis=0)
        order = np.lexsort((-split, np.abs(self.scores - 0.5)))
        return order[self.given[order] < 0][:limit]

    def contradicted(self) -> NDArray[np.intp]:
        """Return the images whose given label all views contradict: worth a second look.

        Returns
        -------
        int array
            Positions. The labels stay as they were given.
        """
        said = self.consensus.unanimous
        return np.flatnonzero((self.given >= 0) & (said >= 0) & (said != self.given))

    def summary(self) -> str:
        """Tell in a few lines what was learnt and how far to trust it.

        Returns
        -------
        str
            Lines for a person.
        """
        start = self.consensus.start
        unanimous = self.consensus.unanimous
        learnt = self.labels >= 0
        lines = [
            f"views {', '.join(self.consensus.views)} agree on {np.mean(unanimous >= 0):.0%} of {len(self.labels)} "
            f"images (mean kappa {start.agreement:.2f})",
            f"which is open: confidence {self.orientation.confidence:.2f} ("
            + ", ".join(f"{name} {area:.2f}" for name, area in self.orientation.evidence.items())
            + ")",
        ]
        lines += [
            f"round {number}: {np.sum(each.learnt >= 0)} labelled, {each.count(_JOINS)} join, {each.count(_TURNS)} "
            f"change sides, {each.count(_LEAVES)} leave, {each.count(_WAITS)} go on waiting"
            for number, each in enumerate(self.rounds, start=1)
        ]
        lines.append(f"self-training ended: {self.ended}")
        if (self.given >= 0).any():
            lines.append(
                f"given labels: {np.sum(self.given >= 0)}, of which all views contradict {len(self.contradicted())}"
            )
        lines.append(
            f"labels: {np.sum(self.labels == 1)} open, {np.sum(self.labels == 0)} closed, {np.sum(~learnt)} uncertain; "
            f"trust {self.trust:.2f} (above {DOUBTFUL:g} good, below {REFUSED:g} refused)"
        )
        return "\n".join(lines)

    def described(self, files: Sequence[str]) -> dict[str, Any]:
        """Return the history as plain data, for reports and cards.

        Parameters
        ----------
        files : sequence of str, length n
            Names of the images.

        Returns
        -------
        dict
            Numbers, texts and lists of them.
        """
        start = self.consensus.start
        return {
            "files": list(files),
            "labels": self.labels.tolist(),
            "scores": np.round(self.scores, 4).tolist(),
            "given": self.given.tolist(),
            "trust": self.trust,
            "doubtful": DOUBTFUL,
            "refused": REFUSED,
            "views": list(self.consensus.views),
            "consensus": self.consensus.unanimous.tolist(),
            "unanimous": float((self.consensus.unanimous >= 0).mean()),
            "confidence": self.orientation.confidence,
            "evidence": dict(self.orientation.evidence),
            "starts": [
                {**asdict(each), "open_share": list(each.open_share), "kept": each is start}
                for each in self.consensus.tried
            ],
            "rounds": [
                {
                    "learnt": int((each.learnt >= 0).sum()),
                    "joined": {str(k): int(each.labels[k]) for k in np.flatnonzero(each.reasons == _JOINS)},
                    "turned": {str(k): int(each.labels[k]) for k in np.flatnonzero(each.reasons == _TURNS)},
                    "leave": each.count(_LEAVES),
                    "waits": each.count(_WAITS),
                    "own_agreement": each.own_agreement,
                    "knowledge": each.knowledge,
                }
                for each in self.rounds
            ],
            "contradicted": self.contradicted().tolist(),
            "worth_asking": self.worth_asking().tolist(),
            "ended": self.ended,
            "warnings": list(self.warnings),
        }


def _fold_numbers(groups: NDArray[Any], random_state: int) -> NDArray[np.intp]:
    names, numbers = np.unique(groups, return_inverse=True)
    dealt = np.random.default_rng(random_state).permutation(len(names)) % min(_FOLDS, len(names))
    return dealt[numbers]


def _check_enough(images: NDArray[np.uint8]) -> None:
    if len(images) < MIN_IMAGES:
        raise DataError(
            f"{len(images)} images are too few to learn without labels; {MIN_IMAGES} are needed, hundreds are "
            "better, or label them all"
        )
    distinct = len(np.unique(images.reshape(len(images), -1), axis=0))
    if distinct < MIN_IMAGES:
        raise DataError(
            f"only {distinct} of {len(images)} images are different; {MIN_IMAGES} different ones are needed to "
            "learn without labels"
        )


def _one_sided(share: float) -> str:
    if 0.15 <= share <= 0.75:
        return ""
    return f" Synthetic eyes call {share:.0%} of them open: perhaps there is one class only, or not all are eyes."


def _check_trust(trust: float, share: float, labelled: bool) -> list[str]:
    remedy = (
        "label some of each kind (50 do much), leave out what is not a patch of one eye, or take "
        "EyeClassifier.pretrained()"
    )
    reason = (
        f"the views of the images agree too little on what is open and what is closed: trust {trust:.2f}, "
        f"{REFUSED:g} is needed and {DOUBTFUL:g} is good.{_one_sided(share)}"
    )
    if trust < REFUSED and not labelled:
        raise DataError(f"{reason} Remedy: {remedy}")
    if trust < DOUBTFUL:
        return [f"doubtful labels: {reason} Look at the report before relying on it, or {remedy}"]
    return []


def _contradicted(consensus: Consensus, given: NDArray[np.int8]) -> float | None:
    """Return how many of the given labels the views share, where that is too few to believe the views."""
    known = given >= 0
    if min((given == 1).sum(), (given == 0).sum()) < _ENOUGH_GIVEN:
        return None
    shared = metrics.accuracy(given[known], consensus.majority[known].astype(float))
    return shared if shared < _CONTRADICTED else None


def _explained(found: SelfTrained, given: NDArray[np.int8]) -> float:
    """Return the share of given labels, class by class, told by machines that had not learnt from them."""
    if not found.rounds:
        return 0.0
    said = found.rounds[-1].scores >= 0.5
    return float(np.mean([(said[given == label] == bool(label)).mean() for label in (0, 1)]))


def learn_labels(
    images: NDArray[np.uint8],
    given: ArrayLike | None = None,
    groups: ArrayLike | None = None,
    *,
    confident: tuple[float, float] = (0.05, 0.95),
    max_rounds: int = 4,
    random_state: int = 0,
    views: Sequence[View] | None = None,
    knowledge: Knowledge | None = None,
) -> History:
    """Label images of which none, or only some, are labelled.

    1. What is known without labels is asked: machines trained on synthetic eyes, the eye cascade, the dark centre.
    2. Three views (HOG with LBP, visual words, visual words without light) are clustered from several guesses; the
       guess after which they agree most is kept: `find_consensus`.
    3. Which cluster is open is told by `orient`, or refused.
    4. Where the views agree, self-training begins: `self_train`.

    Parameters
    ----------
    images : uint8 array of shape (n, 24, 24)
        Grey images, 60 or more.
    given : int array of shape (n,), optional
        1 open, 0 closed, -1 unknown. Given labels are never overruled.
    groups : array of shape (n,), optional
        Person or face of each image.
    confident : tuple of float, default (0.05, 0.95)
        In self-training, closed below the first score, open above the second.
    max_rounds : int, default 4
        Rounds of self-training, at most.
    random_state : int, default 0
        Seed of all that is random.
    views : sequence of View, optional
        Those of `VIEW_FEATURES`, if they are there already.
    knowledge : Knowledge, optional
        As `gather_knowledge` gives it, if it is there already.

    Returns
    -------
    History
        Labels, and how they came about.

    Raises
    ------
    DataError
        For too few images, or where nothing trustworthy is found: one class only, or no eyes.
    ParameterError
        For thresholds that are not allowed.

    Examples
    --------
    >>> from classic_eyes.synthetic import make_eyes
    >>> eyes = make_eyes(150, random_state=5)
    >>> history = learn_labels(eyes.images)
    >>> bool((history.labels == eyes.labels)[history.labels >= 0].mean() > 0.9)
    True
    """
    check_confident(confident)
    n = len(images)
    known = np.full(n, UNLABELLED, dtype=np.int8) if given is None else np.asarray(given, dtype=np.int8)
    owners = np.arange(n) if groups is None else np.asarray(groups)
    _check_enough(images)
    if knowledge is None:
        knowledge = gather_knowledge(images, random_state=random_state)
    if views is None:
        views = [make_view(images, features, random_state=random_state) for features in VIEW_FEATURES]
    consensus = find_consensus(views, knowledge, given=known)
    labelled = bool((known >= 0).any())
    told = _check_trust(consensus.start.trust, knowledge.open_share, labelled)
    orientation = orient(consensus.majority, knowledge, least=0.0 if labelled else 0.3)
    train = partial(
        self_train,
        views,
        knowledge=knowledge,
        folds=_fold_numbers(owners, random_state),
        given=known,
        confident=confident,
        max_rounds=max_rounds,
        random_state=random_state,
    )
    found: SelfTrained = train(consensus.unanimous)
    shared = _contradicted(consensus, known)
    if shared is not None:
        alone: SelfTrained = train(np.full(n, UNLABELLED, dtype=np.int8))
        # Labels of the images that were hardest to tell contradict the best of clusters; what they teach by
        # themselves must then explain them better.
        if _explained(alone, known) > _explained(found, known):
            found = alone
            told = [
                f"the clusters share only {shared:.0%} of the given labels, so that they are not open and closed; "
                "learning begins from the given labels alone"
            ]
        else:
            shared = None
    wrong = int(((known >= 0) & (consensus.unanimous >= 0) & (consensus.unanimous != known)).sum())
    if wrong and shared is None:
        told.append(
            f"all views contradict {wrong} of {int((known >= 0).sum())} given labels; look at them again "
            "(history_.contradicted() names them, and train --report shows them): each wrong one teaches its mistake"
        )
    if not found.ended.startswith(("settled", "all")):
        told.append(f"self-training stopped: {found.ended}")
    return History(
        found.labels,
        found.scores,
        known,
        consensus.start.trust,
        consensus,
        orientation,
        knowledge,
        found.rounds,
        found.ended,
        tuple(told),
    )
