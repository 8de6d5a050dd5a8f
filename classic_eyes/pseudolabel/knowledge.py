"""What is known of open eyes before any label: rendered ones, the eye cascade, the dark round centre."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.stats import rankdata

from .. import metrics
from ..augment import flip
from ..errors import DataError
from ..features import count_hits
from ..pipeline import build_pipeline
from ..svm import FixedSizeSvm
from ..synthetic import make_eyes
from ..threads import one_thread

__all__ = ["KNOWLEDGE", "Knowledge", "Orientation", "gather_knowledge", "orient"]

Scores = NDArray[np.float64]

_RENDERED = 1500
# Rendered eyes differ from real ones in what fine detail there is; few components keep to what they share.
_COMPONENTS = 60
_CHUNK = 256
_SURE = 0.3


@lru_cache(maxsize=2)
def _rendered_machines(random_state: int) -> tuple[Any, ...]:
    eyes = make_eyes(_RENDERED, random_state=random_state)
    pictures = np.concatenate([eyes.pictures, flip(eyes.pictures)])
    labels = np.tile(eyes.labels, 2)
    machine = FixedSizeSvm(1000, alpha=1e-3, random_state=random_state)
    families = [
        build_pipeline((name,), machine, n_components=_COMPONENTS, random_state=random_state) for name in ("hog", "lbp")
    ]
    return tuple(pipeline.fit(pictures, labels) for pipeline in families)


def rendered_scores(pictures: NDArray[np.uint8], *, random_state: int = 0) -> Scores:
    """Ask machines that were trained on rendered eyes, whose opening is known, and on nothing else.

    Parameters
    ----------
    pictures : uint8 array of shape (n, 24, 24)
        Grey pictures.
    random_state : int, default 0
        Seed of the eyes rendered and of the machines.

    Returns
    -------
    float64 array of shape (n,)
        Mean margin of the picture and of its mirror image; positive means open.
    """
    machines = _rendered_machines(random_state)
    scores = np.zeros(len(pictures))
    for start in range(0, len(pictures), _CHUNK):
        part = pictures[start : start + _CHUNK]
        for view in (part, flip(part)):
            for machine in machines:
                scores[start : start + _CHUNK] += machine.decision_function(view)
    return scores / (2 * len(machines))


def cascade_hits(pictures: NDArray[np.uint8], *, random_state: int = 0) -> Scores:
    """Count the windows in which OpenCV's eye cascade finds an open eye.

    Parameters
    ----------
    pictures : uint8 array of shape (n, 24, 24)
        Grey pictures.
    random_state : int, default 0
        Not used; all knowledge is asked alike.

    Returns
    -------
    float64 array of shape (n,)
        Hits.
    """
    del random_state
    return count_hits(pictures, "eye_tree_eyeglasses").astype(np.float64)


def dark_centre(pictures: NDArray[np.uint8], *, random_state: int = 0) -> Scores:
    """Measure how much darker the middle of a picture is than the places left and right of it.

    An iris is dark and its neighbours are white; a closed lid is skin throughout.

    Parameters
    ----------
    pictures : uint8 array of shape (n, h, w)
        Grey pictures.
    random_state : int, default 0
        Not used; all knowledge is asked alike.

    Returns
    -------
    float64 array of shape (n,)
        Mean grey of both sides less mean grey of the middle, in units of the picture's standard deviation.

    Examples
    --------
    >>> picture = np.full((1, 24, 24), 200, np.uint8)
    >>> picture[:, 9:15, 9:15] = 20
    >>> bool(dark_centre(picture)[0] > 1)
    True
    """
    del random_state
    grey = pictures.astype(np.float32)
    height, width = grey.shape[1:]
    band = slice(3 * height // 8, 5 * height // 8)
    middle = grey[:, band, 3 * width // 8 : 5 * width // 8].mean(axis=(1, 2))
    left = grey[:, band, width // 8 : 3 * width // 8].mean(axis=(1, 2))
    right = grey[:, band, 5 * width // 8 : 7 * width // 8].mean(axis=(1, 2))
    spread = grey.std(axis=(1, 2)) + 1
    return ((left + right) / 2 - middle).astype(np.float64) / spread


KNOWLEDGE: dict[str, Callable[..., Scores]] = {
    "rendered eyes": rendered_scores,
    "eye cascade": cascade_hits,
    "dark centre": dark_centre,
}
# How much each is worth as a witness; the rendered eyes know what the others are parts of.
_WEIGHT = {"rendered eyes": 0.6, "eye cascade": 0.3, "dark centre": 0.1}


@dataclass(frozen=True, eq=False)
class Knowledge:
    """What each kind of `KNOWLEDGE` says of every picture.

    Parameters
    ----------
    scores : mapping of str to float64 array of shape (n,)
        Higher means more like an open eye.
    """

    scores: Mapping[str, Scores]

    @property
    def open_share(self) -> float:
        """The share of pictures that the machines of rendered eyes call open.

        Returns
        -------
        float
            0..1; rough, for they miss some of the open ones.
        """
        return float((self.scores["rendered eyes"] > 0).mean())

    def areas(self, is_open: NDArray[Any]) -> dict[str, float]:
        """Return how well each kind of knowledge tells two sets of pictures apart.

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
        """Return what is known of some of the pictures.

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
def gather_knowledge(pictures: NDArray[np.uint8], *, random_state: int = 0) -> Knowledge:
    """Ask everything in `KNOWLEDGE`; no label is used, neither of these pictures nor of any other photograph.

    Parameters
    ----------
    pictures : uint8 array of shape (n, 24, 24)
        Grey pictures.
    random_state : int, default 0
        Seed.

    Returns
    -------
    Knowledge
        Scores by name.
    """
    return Knowledge({name: ask(pictures, random_state=random_state) for name, ask in KNOWLEDGE.items()})


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
        Of the same pictures.
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
            f"ROC curve, .5 knows nothing: {told}); label some pictures of each kind, or check that these are eyes"
        )
    if lean > 0:
        return Orientation(1, float(lean), areas)
    return Orientation(0, float(-lean), {name: 1 - area for name, area in areas.items()})
