"""Fitting the non-eye detection: what eyes have in common, from eyes alone."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from .._utils.resources import one_thread
from ..datasets import group_folds
from ..errors import ParameterError
from ..features import Extractor, make_extractor
from ..inference.novelty import Novelty, Subspace
from ..synthetic import make_eyes
from .fitting import describe

__all__ = ["MIN_GROUPS", "MIN_IMAGES", "SUBSPACES", "expected_share", "fit_novelty"]

# The 99th percentile of fewer eyes would be a guess.
MIN_IMAGES, MIN_GROUPS = 200, 3
# Features and most components of each; docs/experiments.md, "Non-eyes", has the alternatives.
SUBSPACES = {"hog": 100, "pixels": 60, "lbp": 200, "words_tt": 200}
# Components at most, as a share of the images, so that new images have residuals like those of training images.
_SHARE = 0.25
# Fewest images of a source that is left out alone; as many of each count for the percentiles; synthetic eyes beside
# several sources; and the share of the eyes left out that count as non-eyes.
_MIN_SOURCE, _COUNTED, _N_SYNTHETIC, _FLAGGED = 100, 500, 1500, 0.015


def fit_novelty(
    images: NDArray[np.uint8],
    groups: NDArray[Any],
    *,
    sources: NDArray[np.intp] | None = None,
    random_state: int = 0,
) -> Novelty:
    """Fit a `Novelty` to eyes, open and closed: gated images (n, size, size), and the person or face of each.

    1. The images are split into three folds by group. Features are scaled and reduced by PCA on two of them; the
       residuals of the third are those of unseen eyes.
    2. Their percentiles are what `Novelty` compares with.
    3. The components kept are those of all images. On few training images their residuals are far smaller than on
       unseen ones: the first percentile is over both, so that training images do not count as non-eyes.
    4. Of several sources, and synthetic eyes as one more, each is left out in step 1 instead, those of fewer than 100
       images together, and each counts alike in step 2. 1.5% of these eyes count as non-eyes, instead of 1% of eyes
       of known kinds.

    Raises
    ------
    ParameterError
        For fewer images than 200, or fewer groups than three.

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
    if len(images) < MIN_IMAGES:
        raise ParameterError(
            f"detect_non_eyes needs {MIN_IMAGES} images or more, and there are {len(images)}; set it to False or 'auto'"
        )
    n_groups = len(np.unique(groups))
    if n_groups < MIN_GROUPS:
        raise ParameterError(
            f"detect_non_eyes needs {MIN_GROUPS} groups or more, and there are {n_groups}; set it to False or 'auto'"
        )
    parts = [] if sources is None else _parts(sources)
    if len(parts) > 1:
        eyes = make_eyes(_N_SYNTHETIC, size=images.shape[1], hard_share=0.5, random_state=random_state).images
        parts.append(np.arange(len(images), len(images) + len(eyes)))
        images = np.concatenate([images, eyes])
        folds = [(np.setdiff1d(np.arange(len(images)), part), part) for part in parts]
    else:
        folds = group_folds(np.zeros(len(images), dtype=int), groups, MIN_GROUPS, random_state=random_state)
    held_out = np.empty((len(images), len(SUBSPACES)))
    trained = np.empty_like(held_out)
    subspaces = []
    with one_thread():
        for column, (name, most) in enumerate(SUBSPACES.items()):
            extractor = make_extractor(name)
            if "random_state" in extractor.get_params():
                extractor.set_params(random_state=random_state)
            rows = describe(extractor.fit(images), images)
            for train, test in folds:
                held_out[test, column] = _subspace(extractor, rows[train], most).log_residual(images[test])
            subspaces.append(_subspace(extractor, rows, most))
            trained[:, column] = subspaces[-1].log_residual(images)
    if len(parts) < 2:
        middle, above, below = _percentiles(held_out, trained)
        limits = [(held_out, 0.99), (trained, 0.99)]
    else:
        counted = np.concatenate([part[np.linspace(0, len(part) - 1, _COUNTED).astype(int)] for part in parts])
        middle, above, below = _percentiles(held_out[counted], trained[counted])
        limits = [(trained, 0.99), (held_out[counted], 1 - _FLAGGED)]
    unscaled = Novelty(tuple(subspaces), middle, above, below, 1.0)
    threshold = max(float(np.quantile(unscaled.of_residuals(rows), share)) for rows, share in limits)
    return Novelty(tuple(subspaces), middle, above, below, threshold)


def expected_share(sources: NDArray[np.intp]) -> float:
    """Return the share of eyes that `fit_novelty` lets count as non-eyes, by the sources of its images."""
    return _FLAGGED if len(_parts(sources)) > 1 else 0.01


def _parts(sources: NDArray[np.intp]) -> list[NDArray[np.intp]]:
    """Return the positions of each source of 100 images or more, and of all smaller ones together if they are as many.

    >>> [len(part) for part in _parts(np.repeat([0, 1, 2, 3], [150, 90, 40, 200]))]
    [150, 200, 130]
    """
    sizes = np.bincount(sources)
    parts = [np.flatnonzero(sources == source) for source in np.flatnonzero(sizes >= _MIN_SOURCE)]
    others = np.flatnonzero(sizes[sources] < _MIN_SOURCE)
    return [*parts, others] if len(others) >= _MIN_SOURCE else parts


def _subspace(extractor: Extractor, rows: NDArray[np.float32], most: int) -> Subspace:
    mean, deviation = rows.mean(axis=0, dtype=np.float64), rows.std(axis=0, dtype=np.float64)
    scale = 1 / np.where(deviation > 1e-6, deviation, 1)
    scaled = ((rows - mean) * scale).astype(np.float32)
    kept = min(most, rows.shape[1] // 2, int(len(rows) * _SHARE))
    # The smaller of the two Gram matrices is decomposed.
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
    held_out: NDArray[np.float64], trained: NDArray[np.float64]
) -> tuple[NDArray[np.float64], NDArray[np.float64], NDArray[np.float64]]:
    middle, upper = np.quantile(held_out, (0.5, 0.99), axis=0)
    lower = np.minimum(np.quantile(held_out, 0.01, axis=0), np.quantile(trained, 0.01, axis=0))
    # Identical eyes must not give a distance of 0.
    return middle, np.maximum(upper - middle, 1e-3), np.maximum(middle - lower, 1e-3)
