"""Prior scores of openness that need no labels, and the orientation of clusters by them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.stats import rankdata

from .. import metrics
from .._utils.resources import one_thread
from ..errors import DataError
from ..features import count_hits
from ..inference.program import Program
from ..synthetic import make_eyes
from ..training.fitting import fit_program
from ..training.pipelines import build_pipelines, default_settings

__all__ = ["MIN_ORIENTATION", "ClusterOrientation", "PriorScores", "compute_priors", "orient_clusters"]

Scores = NDArray[np.float64]

MIN_ORIENTATION = 0.3
# Weights in the orientation. The classifier of synthetic eyes is the most accurate of the three.
_WEIGHTS = {"synthetic eyes": 0.6, "eye cascade": 0.3, "dark centre": 0.1}
_N_SYNTHETIC, _HARD_SHARE = 3000, 0.5
_FEATURES = (("hog", "lbp"), ("hog", "words_tt"))


@lru_cache(maxsize=2)
def _synthetic_program(random_state: int) -> Program:
    eyes = make_eyes(_N_SYNTHETIC, hard_share=_HARD_SHARE, random_state=random_state)
    return fit_program(
        build_pipelines(_FEATURES, ("metric", {"n_support": 500}), n_components=700, random_state=random_state),
        eyes.images,
        eyes.labels.astype(np.int8),
        np.arange(_N_SYNTHETIC),
        None,
        np.zeros(_N_SYNTHETIC, dtype=np.intp),
        sizes=(24, 24),
        n_copies=3,
        n_synthetic=0,
        glare=True,
        aligned=(False, True),
        cascade=None,
        novelty=None,
        random_state=random_state,
    ).program


def synthetic_scores(images: NDArray[np.uint8], *, random_state: int = 0) -> Scores:
    """Return the log odds of open by a classifier that was trained on synthetic eyes only."""
    return _synthetic_program(random_state).log_odds(images).astype(np.float64)


def centre_darkness(images: NDArray[np.uint8]) -> Scores:
    """Return how much darker the centre is than both sides of it, in standard deviations of the image.

    An iris is dark and the sclera beside it is white. A closed lid is skin throughout.

    >>> image = np.full((1, 24, 24), 200, np.uint8)
    >>> image[:, 9:15, 9:15] = 20
    >>> bool(centre_darkness(image)[0] > 1)
    True
    """
    grey = images.astype(np.float32)
    height, width = grey.shape[1:]
    band = slice(3 * height // 8, 5 * height // 8)
    centre = grey[:, band, 3 * width // 8 : 5 * width // 8].mean(axis=(1, 2))
    left = grey[:, band, width // 8 : 3 * width // 8].mean(axis=(1, 2))
    right = grey[:, band, 5 * width // 8 : 7 * width // 8].mean(axis=(1, 2))
    deviation = grey.std(axis=(1, 2)) + 1
    return ((left + right) / 2 - centre).astype(np.float64) / deviation


@dataclass(frozen=True, eq=False)
class PriorScores:
    """Scores of openness that need no labels.

    Parameters
    ----------
    scores : mapping of str to float64 array of shape (n,)
        Score by the name of the prior; higher means more likely open.
    """

    scores: Mapping[str, Scores]

    @property
    def open_share(self) -> float:
        """Share of images that the classifier of synthetic eyes calls open, 0 to 1."""
        return float(self.is_open.mean())

    @property
    def is_open(self) -> NDArray[np.bool_]:
        """Whether the classifier of synthetic eyes calls the image open; shape (n,)."""
        return self.scores["synthetic eyes"] > 0

    def roc_auc(self, is_open: NDArray[Any]) -> dict[str, float]:
        """Return the area under the ROC curve of each prior for two classes, neither empty; 0.5 is chance."""
        ranks = {name: rankdata(scores) / len(scores) for name, scores in self.scores.items()}
        return {name: metrics.roc_auc(is_open, each) for name, each in ranks.items()}

    def take(self, index: NDArray[Any]) -> PriorScores:
        """Return the scores of a subset of the images, by positions or a mask."""
        return PriorScores({name: scores[index] for name, scores in self.scores.items()})


@one_thread()
@default_settings()
def compute_priors(images: NDArray[np.uint8], *, random_state: int = 0) -> PriorScores:
    """Score images by three priors; no label of any image is used.

    1. ``synthetic eyes``: log odds of open by a classifier trained on 3,000 synthetic eyes, which takes 20 seconds the
       first time. It has two views, one of them aligned.
    2. ``eye cascade``: number of windows in which OpenCV's cascade detects an open eye.
    3. ``dark centre``: how much darker the centre is than both sides of it.

    Parameters
    ----------
    images : uint8 array of shape (n, 24, 24)
        Grey images.
    random_state : int, default 0
        Seed of the synthetic eyes and their classifier.

    Returns
    -------
    PriorScores
        Scores by the name of the prior.
    """
    return PriorScores(
        {
            "synthetic eyes": synthetic_scores(images, random_state=random_state),
            "eye cascade": count_hits(images, "eye_tree_eyeglasses").astype(np.float64),
            "dark centre": centre_darkness(images),
        }
    )


@dataclass(frozen=True)
class ClusterOrientation:
    """Which of two clusters holds the open eyes, and how certain that is.

    Parameters
    ----------
    open_cluster : int
        0 or 1.
    confidence : float
        0 is chance; 1 means that all priors separate the clusters without error.
    evidence : mapping of str to float
        Area under the ROC curve by the name of the prior, with `open_cluster` as the positive class.
    """

    open_cluster: int
    confidence: float
    evidence: Mapping[str, float]


def orient_clusters(
    clusters: NDArray[Any], priors: PriorScores, *, min_confidence: float = MIN_ORIENTATION
) -> ClusterOrientation:
    """Decide which of two clusters holds the open eyes.

    1. Compute the area under the ROC curve of each prior, with cluster 1 as the positive class.
    2. The weighted mean of ``2 * area - 1`` is positive if cluster 1 is open. Its absolute value is the confidence.

    Parameters
    ----------
    clusters : int array of shape (n,)
        0 and 1; -1 (in no cluster) is ignored.
    priors : PriorScores
        Of the same images.
    min_confidence : float, default 0.3
        Least confidence that is accepted.

    Returns
    -------
    ClusterOrientation
        The open cluster, the confidence and the areas.

    Raises
    ------
    DataError
        If the confidence is below `min_confidence`, or if there is only one cluster.
    """
    kept = clusters >= 0
    if len(np.unique(clusters[kept])) < 2:
        raise DataError("there is only one cluster, but open and closed eyes need two; are both kinds in the images?")
    areas = priors.take(kept).roc_auc(clusters[kept])
    score = sum(_WEIGHTS[name] * (2 * area - 1) for name, area in areas.items())
    if abs(score) < min_confidence:
        listed = ", ".join(f"{name} {area:.2f}" for name, area in areas.items())
        raise DataError(
            f"which cluster is open is uncertain: confidence {abs(score):.2f}, {min_confidence:g} is needed (area "
            f"under the ROC curve, 0.5 is chance: {listed}); label images of each kind, or check that all are eyes"
        )
    if score > 0:
        return ClusterOrientation(1, float(score), areas)
    return ClusterOrientation(0, float(-score), {name: 1 - area for name, area in areas.items()})
