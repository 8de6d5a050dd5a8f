"""Six points around an eye and how far they say it is open (Soukupova & Cech, 2016; Kazemi & Sullivan, 2014)."""

from __future__ import annotations

import os
from functools import lru_cache
from types import ModuleType
from typing import Any

import cv2
import numpy as np

from .._utils.shipped import shipped_file
from ..errors import MissingDependencyError, ModelError, ParameterError

__all__ = ["NUMBERS", "POINTS_SIDE", "compute_ear", "even_light", "eye_aspect_ratio", "eye_points", "load_dlib"]

NUMBERS = ("aperture", "disagreement", "ear", "lid_left", "lid_right", "width")
# Images are enlarged to this side before dlib looks at them: it compares single pixels, and of 24 there are few.
POINTS_SIDE = 72
SHIPPED = "eye.dat"
# The same points of the mirror image.
_MIRRORED = [3, 2, 1, 0, 5, 4]
_MEAN, _DEVIATION = 128.0, 48.0


def load_dlib() -> ModuleType:
    """Return dlib, or say how to get it.

    Returns
    -------
    module
        ``dlib``.

    Raises
    ------
    MissingDependencyError
        Where it is not installed.
    """
    try:
        import dlib
    except ImportError as error:
        raise MissingDependencyError(
            "the feature ear and whole photographs need dlib; run: pip install 'classic-eyes[faces]' (dlib-bin)"
        ) from error
    return dlib


@lru_cache(maxsize=4)
def _predictor(path: str, stamp: int) -> Any:
    dlib = load_dlib()
    try:
        predictor = dlib.shape_predictor(path)
        rectangle = dlib.rectangle(0, 0, POINTS_SIDE - 1, POINTS_SIDE - 1)
        n = predictor(np.zeros((POINTS_SIDE, POINTS_SIDE), np.uint8), rectangle).num_parts
    except RuntimeError as error:
        raise ModelError(f"{path!r} is no shape predictor of dlib ({error})") from error
    if n != 6:
        raise ModelError(
            f"{path!r} finds {n} points; those of one eye are six: classic-eyes landmarks makes such a file"
        )
    return predictor


def _opened(predictor: str | None) -> Any:
    path = os.path.abspath(predictor or shipped_file(SHIPPED))
    try:
        stamp = os.stat(path).st_mtime_ns
    except OSError as error:
        raise ModelError(f"{path!r}: no file of landmarks ({error.strerror}); leave predictor out for ours") from error
    return _predictor(path, stamp)


def eye_aspect_ratio(points: np.ndarray) -> np.ndarray:
    r"""Return the eye aspect ratio: how high the opening between the lids is, in widths of the eye.

    .. math:: \frac{|p_2 - p_6| + |p_3 - p_5|}{2 |p_1 - p_4|}

    It does not change when the eye is moved, turned or enlarged. Some .3 for open eyes and .1 for closed ones.

    Parameters
    ----------
    points : array of shape (..., 6, 2)
        Left corner, upper lid at 1/3 and 2/3, right corner, lower lid at 2/3 and 1/3; ``x, y``.

    Returns
    -------
    float array of shape (...)
        0 or more; 0 where both corners are one point.

    Raises
    ------
    ParameterError
        For another shape.

    References
    ----------
    Soukupova and Cech, "Real-time eye blink detection using facial landmarks", Computer Vision Winter Workshop 2016
    (no DOI).

    Examples
    --------
    >>> hexagon = np.array([[0, 0], [2, -1], [4, -1], [6, 0], [4, 1], [2, 1]])
    >>> round(float(eye_aspect_ratio(hexagon)), 4)
    0.3333
    """
    points = np.asarray(points, dtype=np.float64)
    if points.shape[-2:] != (6, 2):
        raise ParameterError(f"points of shape {points.shape}: expected (..., 6, 2), six points x, y of each eye")
    lids = _distance(points, 1, 5) + _distance(points, 2, 4)
    width = _distance(points, 0, 3)
    return np.where(width > 0, lids / (2 * np.where(width > 0, width, 1)), 0.0)


def _distance(points: np.ndarray, one: int, other: int) -> np.ndarray:
    return np.linalg.norm(points[..., one, :] - points[..., other, :], axis=-1)


def even_light(image: np.ndarray) -> np.ndarray:
    """Bring a patch to the mean, deviation and size in which points are looked for.

    Parameters
    ----------
    image : uint8 array of shape (h, w)
        A grey patch.

    Returns
    -------
    uint8 array of shape (72, 72)
        Mean 128 and standard deviation 48, but for what leaves 0..255.
    """
    values = image.astype(np.float32)
    values = (values - values.mean()) * (_DEVIATION / max(float(values.std()), 1e-3)) + _MEAN
    even = np.clip(np.rint(values), 0, 255).astype(np.uint8)
    return cv2.resize(even, (POINTS_SIDE, POINTS_SIDE), interpolation=cv2.INTER_CUBIC)


def eye_points(images: np.ndarray, *, predictor: str | None = None) -> tuple[np.ndarray, np.ndarray]:
    """Find six points around the eye in each patch.

    1. Take the light out, enlarge to 72 pixels, and let dlib's boosted trees move a mean eye, in ten steps, to where
       the grey levels say.
    2. Do the same with the mirror image, and average; how far the two are apart tells how sure the points are.

    Parameters
    ----------
    images : uint8 array of shape (n, h, w)
        Grey patches of one eye.
    predictor : str, optional
        A file of six points that ``classic-eyes landmarks`` wrote; by default the one that ships.

    Returns
    -------
    points : float64 array of shape (n, 6, 2)
        ``x, y`` in pixels, pixel centres at whole numbers, in the order of `eye_aspect_ratio`.
    disagreement : float64 array of shape (n,)
        Mean distance of the two answers, in widths of the eye.

    Raises
    ------
    MissingDependencyError
        Without dlib.
    ModelError
        For a file that is missing, no shape predictor, or one of other points.

    References
    ----------
    Kazemi and Sullivan, "One millisecond face alignment with an ensemble of regression trees", CVPR 2014,
    doi:10.1109/CVPR.2014.241.
    """
    dlib = load_dlib()
    found = _opened(predictor)
    rectangle = dlib.rectangle(0, 0, POINTS_SIDE - 1, POINTS_SIDE - 1)
    both = np.empty((2, len(images), 6, 2))
    for k, image in enumerate(images):
        # Mirrored before it is enlarged: so an image and its mirror image give the same points to the bit.
        for side, shown in enumerate((image, image[:, ::-1])):
            both[side, k] = [(part.x, part.y) for part in found(even_light(shown), rectangle).parts()]
    both[1, :, :, 0] = POINTS_SIDE - 1 - both[1, :, :, 0]
    both[1] = both[1][:, _MIRRORED]
    scale = np.array([images.shape[2], images.shape[1]]) / POINTS_SIDE
    points = (both.mean(axis=0) + 0.5) * scale - 0.5
    apart = np.linalg.norm((both[0] - both[1]) * scale, axis=2).mean(axis=1)
    return points, apart / np.maximum(_distance(points, 0, 3), 1.0)


def compute_ear(images: np.ndarray) -> np.ndarray:
    """Compute the numbers of `NUMBERS` for each patch.

    Parameters
    ----------
    images : uint8 array of shape (n, h, w)
        Grey patches of one eye.

    Returns
    -------
    float32 array of shape (n, 6)
        Area between the points, in squares of the width; how far the mirror image disagrees; the eye aspect ratio;
        distance of the lids at the left and at the right third, in widths; width in widths of the image.
    """
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
