"""Learners for few labels, with and without the unlabelled images."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import NDArray
from sklearn.base import clone
from sklearn.semi_supervised import LabelSpreading

from classic_eyes._utils.resources import one_thread
from classic_eyes.errors import ParameterError
from classic_eyes.semisupervised import compute_priors, find_labels, make_views
from classic_eyes.semisupervised.priors import PriorScores
from classic_eyes.semisupervised.views import View

__all__ = ["LEARNERS", "Pool", "fit_learner"]

Labels = NDArray[np.int8]
Scores = NDArray[np.float64]

_SPREAD_COMPONENTS = 64


@dataclass(frozen=True, eq=False)
class Pool:
    """Images, and what is known of them without a label: computed when a learner needs it, once for all learners."""

    images: NDArray[np.uint8]
    groups: NDArray[np.str_]
    random_state: int = 0

    @cached_property
    def views(self) -> tuple[View, ...]:
        """Those of `find_labels`."""
        return tuple(make_views(self.images, random_state=self.random_state))

    @cached_property
    def priors(self) -> PriorScores:
        """Prior scores of openness."""
        return compute_priors(self.images, random_state=self.random_state)

    @property
    def rows(self) -> NDArray[np.float32]:
        """Leading components of the first view, in which similar eyes are neighbours."""
        return self.views[0].leading(_SPREAD_COMPONENTS, mirrored=False).rows


def _labelled_only(pool: Pool, given: Labels, random_state: int) -> Labels:
    return given


@one_thread()
def _spread(pool: Pool, given: Labels, random_state: int) -> Labels:
    """Spread labels to neighbours and keep the more confident half of each class."""
    model = LabelSpreading(kernel="knn", n_neighbors=10, alpha=0.2).fit(pool.rows, given)
    open_ = model.label_distributions_[:, list(model.classes_).index(1)]
    labels = given.copy()
    for label, confidence in ((1, open_), (0, 1 - open_)):
        inside = np.flatnonzero((confidence > 0.5) & (given < 0))
        labels[inside[confidence[inside] >= np.median(confidence[inside])]] = label
    return labels


def _self_trained(pool: Pool, given: Labels, random_state: int) -> Labels:
    return find_labels(
        pool.images, given, pool.groups, views=pool.views, priors=pool.priors, random_state=random_state
    ).labels


# Name to the classifier, and the function that completes the labels it is trained on.
LEARNERS: dict[str, tuple[str, Callable[[Pool, Labels, int], Labels]]] = {
    "knn": ("knn", _labelled_only),
    "label spreading": ("svm", _spread),
    "svm": ("svm", _labelled_only),
    "self-training": ("svm", _self_trained),
}


def fit_learner(name: str, classifier: Any, pool: Pool, given: Labels, *, random_state: int = 0) -> Any:
    """Fit a clone of `classifier`, with the classifier of the learner, to images with few labels.

    1. ``knn`` and ``svm`` are trained on the labelled images alone.
    2. ``label spreading`` (Zhou and others) labels neighbours and keeps the more confident half of each class.
    3. ``self-training`` is what `EyeClassifier.fit` does with missing labels.

    References
    ----------
    Zhou, Bousquet, Lal, Weston and Schoelkopf, "Learning with local and global consistency", NIPS 2003 (no DOI).
    """
    if name not in LEARNERS:
        raise ParameterError(f"learner {name!r} is not known; known are {', '.join(LEARNERS)}")
    final, complete = LEARNERS[name]
    labels = complete(pool, given, random_state)
    known = labels >= 0
    model = clone(classifier).set_params(classifier=final, random_state=random_state)
    return model.fit(pool.images[known], labels[known], groups=pool.groups[known])
