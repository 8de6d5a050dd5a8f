"""Learning what eyes look like, so that what is none can be told, from eyes alone."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from .._utils.threads import one_thread
from ..datasets import group_folds
from ..errors import ParameterError
from ..features import Extractor, make_extractor
from ..inference.novelty import Novelty, Subspace

__all__ = ["FEWEST", "MIN_GROUPS", "SUBSPACES", "fit_novelty"]

# Fewer eyes say nothing of one in a hundred.
FEWEST = 200

# Images described at a time; the last digits of words hang on it.
_CHUNK = 256

# Features and components at most: chosen among those of docs/experiments.md, "Not an eye".
SUBSPACES = {"hog": 100, "pixels": 60, "lbp": 200, "words_tt": 200}
# A subspace keeps that share of the images as components at most, so that new images leave what these leave.
_SHARE = 0.25
MIN_GROUPS = 3


def fit_novelty(images: NDArray[np.uint8], groups: NDArray[Any], *, random_state: int = 0) -> Novelty:
    """Learn what eyes have in common.

    1. The images are parted into three by groups. Features are scaled and their principal components taken from two
       parts; what the components leave of the third is what they leave of new eyes.
    2. From those residuals come the percentiles that `Novelty` compares with.
    3. The components that are kept are those of all images. Of few images they leave far less than of new ones: the
       first percentile is of both, so that images learnt from are not taken for something else.

    Parameters
    ----------
    images : uint8 array of shape (n, size, size)
        Eyes, open and closed, through the gate; `FEWEST` or more.
    groups : array of shape (n,)
        Person or face of each.
    random_state : int, default 0
        Seed of the folds and of the words.

    Returns
    -------
    Novelty
        Ready to answer.

    Raises
    ------
    ParameterError
        For fewer images than `FEWEST`, or fewer groups than three.

    References
    ----------
    Jackson, Mudholkar, Technometrics 21(3), 1979, doi:10.1080/00401706.1979.10489779.

    Examples
    --------
    >>> from classic_eyes.synthetic import make_eyes
    >>> eyes = make_eyes(240, random_state=0)
    >>> novelty = fit_novelty(eyes.images, np.arange(240))
    >>> checks = np.indices((24, 24)).sum(axis=0) % 2 * np.uint8(255)
    >>> novelty.score(checks[np.newaxis].astype(np.uint8)) > 1
    array([ True])
    """
    groups = np.asarray(groups)
    if len(images) < FEWEST:
        raise ParameterError(f"novelty needs {FEWEST} images or more to learn from, and there are {len(images)}")
    n_groups = len(np.unique(groups))
    if n_groups < MIN_GROUPS:
        raise ParameterError(f"novelty needs {MIN_GROUPS} groups or more to learn from, and there are {n_groups}")
    folds = group_folds(np.zeros(len(images), dtype=int), groups, MIN_GROUPS, random_state=random_state)
    left = np.empty((len(images), len(SUBSPACES)))
    learnt = np.empty_like(left)
    subspaces = []
    with one_thread():
        for column, (name, most) in enumerate(SUBSPACES.items()):
            extractor = make_extractor(name)
            if "random_state" in extractor.get_params():
                extractor.set_params(random_state=random_state)
            rows = _describe(extractor.fit(images), images)
            for train, test in folds:
                left[test, column] = _subspace(extractor, rows[train], most).log_residual(images[test])
            subspaces.append(_subspace(extractor, rows, most))
            learnt[:, column] = subspaces[-1].log_residual(images)
    middle, above, below = _percentiles(left, learnt)
    unscaled = Novelty(tuple(subspaces), middle, above, below, 1.0)
    threshold = max(float(np.quantile(unscaled.of_residuals(rows), 0.99)) for rows in (left, learnt))
    return Novelty(tuple(subspaces), middle, above, below, threshold)


def _describe(extractor: Extractor, images: NDArray[np.uint8]) -> NDArray[np.float32]:
    return np.concatenate(
        [extractor.transform(images[start : start + _CHUNK]) for start in range(0, len(images), _CHUNK)]
    )


def _subspace(extractor: Extractor, rows: NDArray[np.float32], most: int) -> Subspace:
    mean, deviation = rows.mean(axis=0, dtype=np.float64), rows.std(axis=0, dtype=np.float64)
    scale = 1 / np.where(deviation > 1e-6, deviation, 1)
    scaled = ((rows - mean) * scale).astype(np.float32)
    kept = min(most, rows.shape[1] // 2, int(len(rows) * _SHARE))
    # The features of some hundred eyes are fewer than the columns; the smaller square is decomposed.
    if len(scaled) < scaled.shape[1]:
        _, vectors = np.linalg.eigh((scaled @ scaled.T).astype(np.float64))
        components, _ = np.linalg.qr(scaled.T.astype(np.float64) @ vectors[:, -kept:])
    else:
        components = np.linalg.eigh((scaled.T @ scaled).astype(np.float64))[1][:, -kept:]
    return Subspace(
        str(extractor.descriptor),
        extractor.settings(),
        scale.astype(np.float32),
        (mean * scale).astype(np.float32),
        np.ascontiguousarray(components, dtype=np.float16),
    )


def _percentiles(
    left: NDArray[np.float64], learnt: NDArray[np.float64]
) -> tuple[NDArray[np.float64], NDArray[np.float64], NDArray[np.float64]]:
    middle, last = np.quantile(left, (0.5, 0.99), axis=0)
    first = np.minimum(np.quantile(left, 0.01, axis=0), np.quantile(learnt, 0.01, axis=0))
    # Eyes that are all alike must not make a distance of nothing.
    return middle, np.maximum(last - middle, 1e-3), np.maximum(middle - first, 1e-3)
