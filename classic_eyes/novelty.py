"""Learning what eyes look like, so that what is none can be told, from eyes alone."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from .datasets import group_folds
from .errors import ParameterError
from .features import Extractor, make_extractor
from .inference.novelty import Novelty, View
from .threads import one_thread

__all__ = ["FEWEST", "FEWEST_GROUPS", "VIEWS", "fit_novelty"]

# Fewer eyes say nothing of one in a hundred.
FEWEST = 200

# Pictures described at a time; the last digits of words hang on it.
_CHUNK = 256

# Features and components at most: chosen among those of docs/experiments.md, "Not an eye".
VIEWS = {"hog": 100, "pixels": 60, "lbp": 200, "words_tt": 200}
# A view keeps that share of the pictures as components at most, so that new pictures leave what these leave.
_SHARE = 0.25
FEWEST_GROUPS = 3


def fit_novelty(pictures: NDArray[np.uint8], groups: NDArray[Any], *, random_state: int = 0) -> Novelty:
    """Learn what eyes have in common.

    1. The pictures are parted into three by groups. Features are scaled and their principal components taken from two
       parts; what the components leave of the third is what they leave of new eyes.
    2. From those residuals come the percentiles that `Novelty` compares with.
    3. The components that are kept are those of all pictures. Of few pictures they leave far less than of new ones: the
       first percentile is of both, so that pictures learnt from are not taken for something else.

    Parameters
    ----------
    pictures : uint8 array of shape (n, size, size)
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
        For fewer pictures than `FEWEST`, or fewer groups than three.

    References
    ----------
    Jackson, Mudholkar, Technometrics 21(3), 1979, doi:10.1080/00401706.1979.10489779.

    Examples
    --------
    >>> from classic_eyes.synthetic import make_eyes
    >>> eyes = make_eyes(240, random_state=0)
    >>> novelty = fit_novelty(eyes.pictures, np.arange(240))
    >>> checks = np.indices((24, 24)).sum(axis=0) % 2 * np.uint8(255)
    >>> novelty.score(checks[np.newaxis].astype(np.uint8)) > 1
    array([ True])
    """
    groups = np.asarray(groups)
    if len(pictures) < FEWEST:
        raise ParameterError(f"novelty needs {FEWEST} pictures or more to learn from, and there are {len(pictures)}")
    n_groups = len(np.unique(groups))
    if n_groups < FEWEST_GROUPS:
        raise ParameterError(f"novelty needs {FEWEST_GROUPS} groups or more to learn from, and there are {n_groups}")
    folds = group_folds(np.zeros(len(pictures), dtype=int), groups, FEWEST_GROUPS, random_state=random_state)
    left = np.empty((len(pictures), len(VIEWS)))
    learnt = np.empty_like(left)
    views = []
    with one_thread():
        for column, (name, most) in enumerate(VIEWS.items()):
            extractor = make_extractor(name)
            if "random_state" in extractor.get_params():
                extractor.set_params(random_state=random_state)
            rows = _describe(extractor.fit(pictures), pictures)
            for train, test in folds:
                left[test, column] = _view(extractor, rows[train], most).log_residual(pictures[test])
            views.append(_view(extractor, rows, most))
            learnt[:, column] = views[-1].log_residual(pictures)
    middle, above, below = _percentiles(left, learnt)
    unscaled = Novelty(tuple(views), middle, above, below, 1.0)
    border = max(float(np.quantile(unscaled.of_residuals(rows), 0.99)) for rows in (left, learnt))
    return Novelty(tuple(views), middle, above, below, border)


def _describe(extractor: Extractor, pictures: NDArray[np.uint8]) -> NDArray[np.float32]:
    return np.concatenate(
        [extractor.transform(pictures[start : start + _CHUNK]) for start in range(0, len(pictures), _CHUNK)]
    )


def _view(extractor: Extractor, rows: NDArray[np.float32], most: int) -> View:
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
    return View(
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
