"""What is known of open eyes before any label: synthetic ones, the eye cascade, the dark round centre."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.stats import rankdata

from .. import metrics
from .._utils.threads import one_thread
from ..errors import DataError
from ..features import count_hits
from ..preprocessing.augmentation import flip
from ..svm import LeastSquaresSvm
from ..synthetic import make_eyes
from ..training.pipelines import build_pipeline

__all__ = ["KNOWLEDGE", "Knowledge", "Orientation", "gather_knowledge", "orient"]

Scores = NDArray[np.float64]

_SYNTHETIC = 1500
# Synthetic eyes differ from real ones in what fine detail there is; few components keep to what they share.
_COMPONENTS = 60
_CHUNK = 256
_SURE = 0.3


@lru_cache(maxsize=2)
def _synthetic_machines(random_state: int) -> tuple[Any, ...]:
    eyes = make_eyes(_SYNTHETIC, random_state=random_state)
    images = np.concatenate([eyes.images, flip(eyes.images)])
    labels = np.tile(eyes.labels, 2)
    machine = LeastSquaresSvm(1000, alpha=1e-3, random_state=random_state)
    views = [
        build_pipeline((name,), machine, n_components=_COMPONENTS, random_state=random_state) for name in ("hog", "lbp")
    ]
    return tuple(pipeline.fit(images, labels) for pipeline in views)


def synthetic_scores(images: NDArray[np.uint8], *, random_state: int = 0) -> Scores:
    """Ask machines that were trained on synthetic eyes, whose opening is known, and on nothing else.

    Parameters
    ----------
    images : uint8 array of shape (n, 24, 24)
        Grey images.
    random_state : int, default 0
        Seed of the eyes synthetic and of the machines.

    Returns
    -------
    float64 array of shape (n,)
        Mean margin of the image and of its mirror image; positive means open.
    """
    machines = _synthetic_machines(random_state)
    scores = np.zeros(len(images))
    for start in range(0, len(images), _CHUNK):
        part = images[start : start + _CHUNK]
        for view in (part, flip(part)):
            for machine in machines:
                scores[start : start + _CHUNK] += machine.decision_function(view)
    return scores / (2 * len(machines))


def cascade_hits(images: NDArray[np.uint8], *, random_state: int = 0) -> Scores:
    """Count the windows in which OpenCV's eye cascade finds an open eye.

    Parameters
    ----------
    images : uint8 array of shape (n, 24, 24)
        Grey images.
    random_state : int, default 0
        Not used; all knowledge is asked alike.

    Returns
    -------
    float64 array of shape (n,)
        Hits.
    """
    del random_state
    return count_hits(images, "eye_tree_eyeglasses").astype(np.float64)


def dark_centre(images: NDArray[np.uint8], *, random_state: int = 0) -> Scores:
    """Measure how much darker the middle of an image is than the places left and right of it.

    An iris is dark and its neighbours are white; a closed lid is skin throughout.

    Parameters
    ----------
    images : uint8 array of shape (n, h, w)
        Grey images.
    random_state : int, default 0
        Not used; all knowledge is asked alike.

    Returns
    -------
    float64 array of shape (n,)
        Mean grey of both sides less mean grey of the middle, in units of the image's standard deviation.

    Examples
    --------
    >>> image = np.full((1, 24, 24), 200, np.uint8)
    >>> image[:, 9:15, 9:15] = 20
    >>> bool(dark_centre(image)[0] > 1)
    True
    """
    del random_state
    grey = images.astype(np.float32)
    height, width = grey.shape[1:]
    band = slice(3 * height // 8, 5 * height // 8)
    middle = grey[:, band, 3 * width // 8 : 5 * width // 8].mean(axis=(1, 2))
    left = grey[:, band, width // 8 : 3 * width // 8].mean(axis=(1, 2))
    right = grey[:, band, 5 * width // 8 : 7 * width // 8].mean(axis=(1, 2))
    spread = grey.std(axis=(1, 2)) + 1
    return ((left + right) / 2 - middle).astype(np.float64) / spread


KNOWLEDGE: dict[str, Callable[..., Scores]] = {
    "synthetic eyes": synthetic_scores,
    "eye cascade": cascade_hits,
    "dark centre": dark_centre,
}
# How much each is worth as a witness; the synthetic eyes know what the others are parts of.
_WEIGHT = {"synthetic eyes": 0.6, "eye cascade": 0.3, "dark centre": 0.1}


@dataclass(frozen=True, eq=False)
class Knowledge:
    """What each kind of `KNOWLEDGE` says of every image.

    Parameters
    ----------
    scores : mapping of str to float64 array of shape (n,)
        Higher means more like an open eye.
    """

    scores: Mapping[str, Scores]

    @property
    def open_share(self) -> float:
        """The share of images that the machines of synthetic eyes call open.

        Returns
        -------
        float
            0..1; rough, for they miss some of the open ones.
        """
        return float((self.scores["synthetic eyes"] > 0).mean())

    def areas(self, is_open: NDArray[Any]) -> dict[str, float]:
        """Return how well each kind of knowledge tells two sets of images apart.

        Parameters
        ----------
        is_open : array of shape (n,)
            1 for one set, 0 for the other; neither empty.

        Returns
        -------
        dict of str to float
            Area under the ROC curve: a half where it knows nothing.
        """
        ranked = {name: rankdata(scores) / len(scores) for name, scores in self.scores.items()}
        return {name: metrics.roc_auc(is_open, ranks) for name, ranks in ranked.items()}

    def take(self, index: NDArray[Any]) -> Knowledge:
        """Return what is known of some of the images.

        Parameters
        ----------
        index : array
            Positions or a mask.

        Returns
        -------
        Knowledge
            Of these.
        """
        return Knowledge({name: scores[index] for name, scores in self.scores.items()})


@one_thread()
def gather_knowledge(images: NDArray[np.uint8], *, random_state: int = 0) -> Knowledge:
    """Ask everything in `KNOWLEDGE`; no label is used, neither of these images nor of any other photograph.

    Parameters
    ----------
    images : uint8 array of shape (n, 24, 24)
        Grey images.
    random_state : int, default 0
        Seed.

    Returns
    -------
    Knowledge
        Scores by name.
    """
    return Knowledge({name: ask(images, random_state=random_state) for name, ask in KNOWLEDGE.items()})


@dataclass(frozen=True)
class Orientation:
    """Which of two clusters holds the open eyes, and how sure that is.

    Parameters
    ----------
    open_cluster : int
        0 or 1.
    confidence : float
        0 not at all, 1 all kinds of knowledge part the clusters without an error.
    evidence : mapping of str to float
        For each kind of knowledge the area under its ROC curve, with `open_cluster` taken as open.
    """

    open_cluster: int
    confidence: float
    evidence: Mapping[str, float]


def orient(clusters: NDArray[Any], knowledge: Knowledge, *, least: float = _SURE) -> Orientation:
    """Say which of two clusters is open, from knowledge that needs no label.

    1. Each kind of knowledge is scored by the area under its ROC curve, taking cluster 1 for the open one.
    2. Their weighted mean is above a half where cluster 1 is open; its distance from there, doubled, is the confidence.

    Parameters
    ----------
    clusters : int array of shape (n,)
        0 and 1; -1, in neither, is left out.
    knowledge : Knowledge
        Of the same images.
    least : float, default 0.3
        Confidence below which the answer is refused.

    Returns
    -------
    Orientation
        The answer.

    Raises
    ------
    DataError
        Where the confidence is below `least`, or there is one cluster only.
    """
    kept = clusters >= 0
    if len(np.unique(clusters[kept])) < 2:
        raise DataError("there is one cluster only, so that none can be the open one; are there open and closed eyes?")
    areas = knowledge.take(kept).areas(clusters[kept])
    lean = sum(_WEIGHT[name] * (2 * area - 1) for name, area in areas.items())
    if abs(lean) < least:
        told = ", ".join(f"{name} {area:.2f}" for name, area in areas.items())
        raise DataError(
            f"which cluster is open cannot be told: confidence {abs(lean):.2f}, {least:g} is needed (area under the "
            f"ROC curve, .5 knows nothing: {told}); label some images of each kind, or check that these are eyes"
        )
    if lean > 0:
        return Orientation(1, float(lean), areas)
    return Orientation(0, float(-lean), {name: 1 - area for name, area in areas.items()})
