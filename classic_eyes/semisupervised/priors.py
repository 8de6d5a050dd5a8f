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
from .._utils.threads import one_thread
from ..errors import DataError
from ..features import count_hits
from ..preprocessing.augmentation import flip
from ..svm import LeastSquaresSvm
from ..synthetic import make_eyes
from ..training.compiling import default_settings
from ..training.pipelines import build_pipeline

__all__ = ["MIN_ORIENTATION", "ClusterOrientation", "PriorScores", "compute_priors", "orient_clusters"]

Scores = NDArray[np.float64]

MIN_ORIENTATION = 0.3
# Weights in the orientation. The classifiers of synthetic eyes are the most accurate of the three.
_WEIGHTS = {"synthetic eyes": 0.6, "eye cascade": 0.3, "dark centre": 0.1}
_N_SYNTHETIC = 1500
# Synthetic eyes differ from real ones in fine detail; few components keep what both share.
_N_COMPONENTS = 60
_CHUNK = 256


@lru_cache(maxsize=2)
def _synthetic_classifiers(random_state: int) -> tuple[Any, ...]:
    eyes = make_eyes(_N_SYNTHETIC, random_state=random_state)
    images = np.concatenate([eyes.images, flip(eyes.images)])
    labels = np.tile(eyes.labels, 2)
    svm = LeastSquaresSvm(1000, alpha=1e-3, random_state=random_state)
    pipelines = [
        build_pipeline((name,), svm, n_components=_N_COMPONENTS, random_state=random_state) for name in ("hog", "lbp")
    ]
    return tuple(pipeline.fit(images, labels) for pipeline in pipelines)


def synthetic_scores(images: NDArray[np.uint8], *, random_state: int = 0) -> Scores:
    """Return decision values of classifiers trained on synthetic eyes only, averaged with the mirror image's."""
    classifiers = _synthetic_classifiers(random_state)
    scores = np.zeros(len(images))
    for start in range(0, len(images), _CHUNK):
        part = images[start : start + _CHUNK]
        for oriented in (part, flip(part)):
            for classifier in classifiers:
                scores[start : start + _CHUNK] += classifier.decision_function(oriented)
    return scores / (2 * len(classifiers))


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
        """Share of images that the classifiers of synthetic eyes call open, 0 to 1."""
        return float((self.scores["synthetic eyes"] > 0).mean())

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

    1. ``synthetic eyes``: mean decision value of classifiers trained on synthetic eyes.
    2. ``eye cascade``: number of windows in which OpenCV's cascade detects an open eye.
    3. ``dark centre``: how much darker the centre is than both sides of it.

    Parameters
    ----------
    images : uint8 array of shape (n, 24, 24)
        Grey images.
    random_state : int, default 0
        Seed of the synthetic eyes and their classifiers.

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
