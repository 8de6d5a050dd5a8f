"""Eye aspect ratio from six landmarks found by dlib (Soukupova & Cech, 2016; Kazemi & Sullivan, 2014)."""

from __future__ import annotations

import os
from functools import lru_cache
from types import ModuleType
from typing import Any

import cv2
import numpy as np

from .._utils.dependencies import pip_install
from .._utils.files import shipped_file
from ..errors import MissingDependencyError, ModelError, ParameterError

__all__ = ["COLUMNS", "POINTS_SIDE", "compute_ear", "eye_aspect_ratio", "eye_points", "load_dlib", "normalize_patch"]

COLUMNS = ("aperture", "disagreement", "ear", "lid_left", "lid_right", "width")
# Patches are enlarged to this side: dlib compares single pixels, and 24 x 24 pixels are too coarse for it.
POINTS_SIDE = 72
SHIPPED = "eye.dat"
# Index of each point in the mirror image.
_MIRRORED = [3, 2, 1, 0, 5, 4]
_MEAN, _DEVIATION = 128.0, 48.0
_LEVELS = np.arange(256.0)


def load_dlib() -> ModuleType:
    """Import dlib; raise MissingDependencyError with the command that installs it."""
    try:
        import dlib
    except ImportError as error:
        raise MissingDependencyError(
            f"the feature ear and whole photographs need dlib; run: {pip_install('faces')} (dlib-bin)"
        ) from error
    return dlib


@lru_cache(maxsize=4)
def _load_predictor(path: str, modified: int) -> Any:
    dlib = load_dlib()
    try:
        predictor = dlib.shape_predictor(path)
        rectangle = dlib.rectangle(0, 0, POINTS_SIDE - 1, POINTS_SIDE - 1)
        n = predictor(np.zeros((POINTS_SIDE, POINTS_SIDE), np.uint8), rectangle).num_parts
    except RuntimeError as error:
        raise ModelError(f"predictor is {path!r}, which is not a shape predictor of dlib ({error})") from error
    if n != 6:
        raise ModelError(f"predictor is {path!r}, which finds {n} points; allowed are the six points of one eye")
    return predictor


def _get_predictor(predictor: str | None) -> Any:
    path = os.path.abspath(predictor or shipped_file(SHIPPED))
    try:
        modified = os.stat(path).st_mtime_ns
    except OSError as error:
        raise ModelError(
            f"predictor is {path!r}, which cannot be read ({error.strerror}); omit predictor to use the shipped one"
        ) from error
    return _load_predictor(path, modified)


def eye_aspect_ratio(points: np.ndarray) -> np.ndarray:
    r"""Compute the eye aspect ratio: the height of the opening between the lids divided by the width of the eye.

    .. math:: \frac{|p_2 - p_6| + |p_3 - p_5|}{2 |p_1 - p_4|}

    It is invariant to translation, rotation and scale. Open eyes have about 0.3, closed eyes about 0.1.

    Parameters
    ----------
    points : array of shape (..., 6, 2)
        Left corner, upper lid at 1/3 and 2/3, right corner, lower lid at 2/3 and 1/3; ``x, y``.

    Returns
    -------
    float64 array of shape (...)
        0 or more; 0 where both corners coincide.

    Raises
    ------
    ParameterError
        If the last two dimensions are not (6, 2).

    References
    ----------
    Soukupova and Cech, "Real-time eye blink detection using facial landmarks", Computer Vision Winter Workshop 2016
    (no DOI).

    Examples
    --------
    >>> import numpy as np
    >>> from classic_eyes.descriptors import eye_aspect_ratio
    >>> hexagon = np.array([[0, 0], [2, -1], [4, -1], [6, 0], [4, 1], [2, 1]])
    >>> round(float(eye_aspect_ratio(hexagon)), 4)
    0.3333
    """
    points = np.asarray(points, dtype=np.float64)
    if points.shape[-2:] != (6, 2):
        raise ParameterError(f"points has shape {points.shape}; allowed is (..., 6, 2), six points x, y of each eye")
    lids = _distance(points, 1, 5) + _distance(points, 2, 4)
    width = _distance(points, 0, 3)
    return np.where(width > 0, lids / (2 * np.where(width > 0, width, 1)), 0.0)


def _distance(points: np.ndarray, one: int, other: int) -> np.ndarray:
    return np.linalg.norm(points[..., one, :] - points[..., other, :], axis=-1)


def normalize_patch(image: np.ndarray) -> np.ndarray:
    """Normalize a uint8 patch to mean 128 and standard deviation 48, and resize it to 72 x 72 pixels."""
    mean, deviation = (float(value[0, 0]) for value in cv2.meanStdDev(image))
    gain = _DEVIATION / max(deviation, 1e-3)
    levels = np.clip(np.rint(_LEVELS * gain + (_MEAN - gain * mean)), 0, 255).astype(np.uint8)
    return cv2.resize(cv2.LUT(image, levels), (POINTS_SIDE, POINTS_SIDE), interpolation=cv2.INTER_CUBIC)


def eye_points(images: np.ndarray, *, predictor: str | None = None) -> tuple[np.ndarray, np.ndarray]:
    """Find six landmarks of the eye in each patch.

    1. The patch is normalized to mean 128 and standard deviation 48 and enlarged to 72 x 72 pixels.
    2. The boosted regression trees of dlib move the points of a mean eye in ten steps.
    3. The same for the mirror image; the points are the mean of both, and their distance measures the uncertainty.

    Parameters
    ----------
    images : uint8 array of shape (n, h, w)
        Grey patches of one eye.
    predictor : str, optional
        File of a dlib shape predictor with six points; by default the one that ships with the library.

    Returns
    -------
    points : float64 array of shape (n, 6, 2)
        ``x, y`` in pixels, pixel centres at integers, in the order of `eye_aspect_ratio`.
    disagreement : float64 array of shape (n,)
        Mean distance between the points of the image and of its mirror image, divided by the width of the eye.

    Raises
    ------
    MissingDependencyError
        If dlib is not installed.
    ModelError
        If the file is missing, is not a shape predictor, or has another number of points.

    References
    ----------
    V. Kazemi and J. Sullivan, "One millisecond face alignment with an ensemble of regression trees", CVPR 2014.
    https://doi.org/10.1109/CVPR.2014.241
    """
    dlib = load_dlib()
    find = _get_predictor(predictor)
    rectangle = dlib.rectangle(0, 0, POINTS_SIDE - 1, POINTS_SIDE - 1)
    both = np.empty((2, len(images), 6, 2))
    for k, image in enumerate(images):
        # Mirrored before enlarging, so that an image and its mirror image give the same points to the bit.
        for side, patch in enumerate((image, image[:, ::-1])):
            both[side, k] = [(part.x, part.y) for part in find(normalize_patch(patch), rectangle).parts()]
    both[1, :, :, 0] = POINTS_SIDE - 1 - both[1, :, :, 0]
    both[1] = both[1][:, _MIRRORED]
    scale = np.array([images.shape[2], images.shape[1]]) / POINTS_SIDE
    points = (both.mean(axis=0) + 0.5) * scale - 0.5
    apart = np.linalg.norm((both[0] - both[1]) * scale, axis=2).mean(axis=1)
    return points, apart / np.maximum(_distance(points, 0, 3), 1.0)


def compute_ear(images: np.ndarray) -> np.ndarray:
    """Compute the six features of `classic_eyes.features.Ear`, in the order of `COLUMNS`."""
    points, disagreement = eye_points(images)
    width = np.maximum(_distance(points, 0, 3), 1e-6)
    x, y = points[..., 0], points[..., 1]
    area = np.abs((x * np.roll(y, -1, axis=1) - np.roll(x, -1, axis=1) * y).sum(axis=1)) / 2
    columns = (
        area / width**2,
        disagreement,
        eye_aspect_ratio(points),
        _distance(points, 1, 5) / width,
        _distance(points, 2, 4) / width,
        width / images.shape[2],
    )
    return np.stack(columns, axis=1).astype(np.float32)
