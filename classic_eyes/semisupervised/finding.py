"""Labels for images of which none, or only some, are labelled."""

from __future__ import annotations

import logging
from collections.abc import Sequence
from dataclasses import replace
from functools import partial
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from .. import metrics
from ..datasets import UNLABELLED
from ..errors import DataError
from ..training.pipelines import default_settings
from .consensus import Consensus, find_consensus
from .history import GOOD_CONFIDENCE, MIN_CONFIDENCE, History
from .priors import MIN_ORIENTATION, PriorScores, compute_priors, orient_clusters
from .selftraining import SelfTraining, self_train
from .views import View, make_views

__all__ = ["MIN_IMAGES", "find_labels"]

_steps = logging.getLogger("classic_eyes.steps")

MIN_IMAGES = 60
_N_FOLDS = 5
# With this many given labels of each class, they may overrule the clusters.
_MIN_GIVEN = 10
_MIN_SHARED = 0.7


def _assign_folds(groups: NDArray[Any], random_state: int) -> NDArray[np.intp]:
    names, numbers = np.unique(groups, return_inverse=True)
    fold_of_group = np.random.default_rng(random_state).permutation(len(names)) % min(_N_FOLDS, len(names))
    return fold_of_group[numbers]


def _check_enough(images: NDArray[np.uint8]) -> None:
    if len(images) < MIN_IMAGES:
        raise DataError(
            f"{len(images)} images are too few to find labels; {MIN_IMAGES} are needed, hundreds are better; or label "
            "them all"
        )
    distinct = len(np.unique(images.reshape(len(images), -1), axis=0))
    if distinct < MIN_IMAGES:
        raise DataError(
            f"only {distinct} of {len(images)} images are different; {MIN_IMAGES} different ones are needed to find "
            "labels"
        )


def _check_confidence(confidence: float, open_share: float, any_given: bool) -> list[str]:
    """Return warnings; raise an error if nothing was given and the confidence is too low."""
    remedy = "label some images of each kind (50 help much), remove images that are not a patch of one eye, or use "
    remedy += 'load_model("default")'
    reason = (
        f"the views agree too little on what is open and what is closed: confidence {confidence:.2f}, "
        f"{MIN_CONFIDENCE:g} is needed and {GOOD_CONFIDENCE:g} is good."
    )
    if not 0.15 <= open_share <= 0.75:
        reason += (
            f" A classifier of synthetic eyes calls {open_share:.0%} of them open: perhaps there is one class only,"
        )
        reason += " or not all are eyes."
    if confidence < MIN_CONFIDENCE and not any_given:
        raise DataError(f"{reason} Remedy: {remedy}")
    if confidence < GOOD_CONFIDENCE:
        return [f"doubtful labels: {reason} Look at the report before you use them, or {remedy}"]
    return []


def _share_confirmed_by_clusters(consensus: Consensus, given: NDArray[np.int8]) -> float:
    """Return the share of given labels that the majority vote confirms; 1 if there are too few to compare."""
    if min((given == 1).sum(), (given == 0).sum()) < _MIN_GIVEN:
        return 1.0
    known = given >= 0
    return metrics.accuracy(given[known], consensus.majority[known].astype(float))


def _share_predicted(result: SelfTraining, given: NDArray[np.int8]) -> float:
    """Return the balanced accuracy of the out-of-fold scores on given labels; 0 without a round."""
    if not result.rounds:
        return 0.0
    is_open = result.rounds[-1].scores >= 0.5
    return float(np.mean([(is_open[given == label] == bool(label)).mean() for label in (0, 1)]))


@default_settings()
def find_labels(
    images: NDArray[np.uint8],
    given: ArrayLike | None = None,
    groups: ArrayLike | None = None,
    *,
    random_state: int = 0,
    views: Sequence[View] | None = None,
    priors: PriorScores | None = None,
) -> History:
    """Label images of which none, or only some, are labelled.

    1. Score the images by priors that need no labels: `compute_priors`.
    2. Cluster three views (HOG with LBP, visual words, words after illumination normalization): `find_consensus`.
    3. Decide which cluster is open: `orient_clusters`.
    4. Start self-training where all views and the classifier of synthetic eyes agree: `self_train`. It has two more
       views, of aligned eyes, and the classifier of synthetic eyes counts as a sixth.

    With 10 or more given labels of each class, of which the clusters confirm less than 70%, self-training also starts
    from the given labels alone. The result that predicts them better out of fold is returned.

    Parameters
    ----------
    images : uint8 array of shape (n, 24, 24)
        Grey images, 60 or more.
    given : int array of shape (n,), optional
        1 open, 0 closed, -1 unknown. Given labels are never changed.
    groups : array of shape (n,), optional
        Person or face of each image; by default every image is its own group.
    random_state : int, default 0
        Seed of all random steps.
    views : sequence of View, optional
        Result of `make_views`, if it was computed before.
    priors : PriorScores, optional
        Result of `compute_priors`, if it was computed before.

    Returns
    -------
    History
        Labels, and how they were found.

    Raises
    ------
    DataError
        If there are too few images, or if the confidence is too low: one class only, or no eyes.

    Examples
    --------
    >>> from classic_eyes.synthetic import make_eyes
    >>> eyes = make_eyes(100, random_state=5)
    >>> history = find_labels(eyes.images)
    >>> bool((history.labels == eyes.labels)[history.labels >= 0].mean() > 0.9)
    True
    """
    n = len(images)
    known = np.full(n, UNLABELLED, dtype=np.int8) if given is None else np.asarray(given, dtype=np.int8)
    any_given = bool((known >= 0).any())
    _check_enough(images)
    if priors is None:
        _steps.info("finding labels: training on synthetic eyes alone")
        priors = compute_priors(images, random_state=random_state)
    if views is None:
        _steps.info("finding labels: computing features")
        views = make_views(images, random_state=random_state)
    # Clusters of aligned eyes contain more errors: where the alignment fails, it fails for all aligned views alike.
    _steps.info("finding labels: clustering")
    consensus = find_consensus([view for view in views if not view.aligned], priors, given=known)
    warnings = _check_confidence(consensus.best.confidence, priors.open_share, any_given)
    orientation = orient_clusters(consensus.majority, priors, min_confidence=0.0 if any_given else MIN_ORIENTATION)
    train = partial(
        self_train,
        views,
        priors=priors,
        folds=_assign_folds(np.arange(n) if groups is None else np.asarray(groups), random_state),
        given=known,
        random_state=random_state,
    )
    agreed = np.where(consensus.unanimous == priors.is_open, consensus.unanimous, UNLABELLED).astype(np.int8)
    result: SelfTraining = train(agreed)
    confirmed = _share_confirmed_by_clusters(consensus, known)
    from_given_alone = False
    if confirmed < _MIN_SHARED:
        # Labels of the hardest images contradict even good clusters. So they overrule the clusters only if, by
        # themselves, they can be predicted better.
        alone: SelfTraining = train(np.full(n, UNLABELLED, dtype=np.int8))
        from_given_alone = _share_predicted(alone, known) > _share_predicted(result, known)
        if from_given_alone:
            result = alone
            warnings = [
                f"the clusters confirm only {confirmed:.0%} of the given labels, so they are not open and closed; "
                "self-training starts from the given labels alone"
            ]
    history = History(
        result.labels,
        result.scores,
        known,
        consensus.best.confidence,
        consensus,
        orientation,
        priors,
        result.rounds,
        result.stop_reason,
        (),
    )
    n_contradicted = len(history.contradicted())
    if n_contradicted and not from_given_alone:
        warnings.append(
            f"all views disagree with {n_contradicted} of {int((known >= 0).sum())} given labels: these labels are "
            "wrong, or the images are difficult; look at them, because labels are used as given (train --report shows "
            "them; in Python: history_.contradicted())"
        )
    if not result.stop_reason.startswith(("converged", "all")):
        warnings.append(f"self-training stopped early: {result.stop_reason}")
    return replace(history, warnings=tuple(warnings))
