"""Learning from few labels, with and without the help of the images that have none."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray
from sklearn.base import clone
from sklearn.semi_supervised import LabelSpreading

from classic_eyes._utils.threads import one_thread
from classic_eyes.errors import ParameterError
from classic_eyes.semisupervised import VIEW_FEATURES, Knowledge, View, gather_knowledge, learn_labels, make_view

__all__ = ["LEARNERS", "Crowd", "gather_crowd", "learn_from_few"]

Labels = NDArray[np.int8]
Scores = NDArray[np.float64]

_SPREAD_COMPONENTS = 64


@dataclass(frozen=True, eq=False)
class Crowd:
    """Images, and what is known of them before any label; computed once, learnt from many times.

    Parameters
    ----------
    images : uint8 array of shape (n, h, w)
        Grey images.
    groups : array of shape (n,)
        Person or face of each image.
    views : tuple of View
        Those of `classic_eyes.semisupervised.VIEW_FEATURES`.
    knowledge : Knowledge
        What synthetic eyes and the cascade say.
    """

    images: NDArray[np.uint8]
    groups: NDArray[np.str_]
    views: tuple[View, ...]
    knowledge: Knowledge

    @property
    def rows(self) -> NDArray[np.float32]:
        """Return the features by which eyes look alike.

        Returns
        -------
        float32 array of shape (n, k)
            Leading components of the first view.
        """
        return self.views[0].leading(_SPREAD_COMPONENTS, mirrored=False).rows


def gather_crowd(images: NDArray[np.uint8], groups: NDArray[np.str_], *, random_state: int = 0) -> Crowd:
    """Compute what is known of images before any label.

    Parameters
    ----------
    images : uint8 array of shape (n, h, w)
        Grey images.
    groups : array of shape (n,)
        Person or face of each image.
    random_state : int, default 0
        Seed of all that is random.

    Returns
    -------
    Crowd
        Views and knowledge.
    """
    views = tuple(make_view(images, features, random_state=random_state) for features in VIEW_FEATURES)
    return Crowd(images, groups, views, gather_knowledge(images, random_state=random_state))


def _given_alone(crowd: Crowd, given: Labels, random_state: int) -> Labels:
    return given


@one_thread()
def _spread(crowd: Crowd, given: Labels, random_state: int) -> Labels:
    """Let labels spread to neighbours; keep the surer half of each class."""
    machine = LabelSpreading(kernel="knn", n_neighbors=10, alpha=0.2).fit(crowd.rows, given)
    opened = machine.label_distributions_[:, list(machine.classes_).index(1)]
    labels = given.copy()
    for label, sure in ((1, opened), (0, 1 - opened)):
        inside = np.flatnonzero((sure > 0.5) & (given < 0))
        labels[inside[sure[inside] >= np.median(sure[inside])]] = label
    return labels


def _self_trained(crowd: Crowd, given: Labels, random_state: int) -> Labels:
    return learn_labels(
        crowd.images, given, crowd.groups, views=crowd.views, knowledge=crowd.knowledge, random_state=random_state
    ).labels


# Name to the classifier that learns at last, and what it learns from.
LEARNERS: dict[str, tuple[str, Callable[[Crowd, Labels, int], Labels]]] = {
    "knn": ("knn", _given_alone),
    "label spreading": ("svm", _spread),
    "svm": ("svm", _given_alone),
    "self-training": ("svm", _self_trained),
}


def learn_from_few(name: str, classifier: Any, crowd: Crowd, given: Labels, *, random_state: int = 0) -> Any:
    """Learn from images of which few are labelled.

    1. ``knn`` and ``svm`` learn from the labelled ones alone.
    2. ``label spreading`` passes labels on to neighbours (Zhou and others) and learns from the surer half of a class.
    3. ``self-training`` is what `EyeClassifier.fit` does where labels are missing.

    Parameters
    ----------
    name : str
        A name of `LEARNERS`.
    classifier : EyeClassifier
        Not changed; its ``classifier`` is set to what the name says.
    crowd : Crowd
        As `gather_crowd` gives it.
    given : int8 array of shape (n,)
        1 open, 0 closed, -1 not known.
    random_state : int, default 0
        Seed of all that is random.

    Returns
    -------
    EyeClassifier
        Fitted.

    Raises
    ------
    ParameterError
        For an unknown name.

    References
    ----------
    Zhou, Bousquet, Lal, Weston and Schoelkopf, "Learning with local and global consistency", NIPS 2003 (no DOI).
    """
    if name not in LEARNERS:
        raise ParameterError(f"learner {name!r} is not known; known are {', '.join(LEARNERS)}")
    last, complete = LEARNERS[name]
    labels = complete(crowd, given, random_state)
    learnt = labels >= 0
    machine = clone(classifier).set_params(classifier=last, random_state=random_state)
    return machine.fit(crowd.images[learnt], labels[learnt], groups=crowd.groups[learnt])
