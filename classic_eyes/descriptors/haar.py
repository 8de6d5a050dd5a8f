"""Statistics of the windows in which OpenCV's eye cascades detect an eye (Viola & Jones, 2001)."""

from __future__ import annotations

import os
import threading
from collections.abc import Sequence

import cv2
import numpy as np

from .._utils.dependencies import opencv_remedy
from ..errors import MissingDependencyError, ParameterError

__all__ = ["CASCADES", "STATISTICS", "compute_haar", "count_hits", "load_cascade"]

CASCADES: dict[str, str] = {
    "eye": "haarcascade_eye.xml",
    "eye_tree_eyeglasses": "haarcascade_eye_tree_eyeglasses.xml",
    "lefteye_2splits": "haarcascade_lefteye_2splits.xml",
    "righteye_2splits": "haarcascade_righteye_2splits.xml",
}
# Not of eyes: the cascade that proposes faces in photographs.
_FILES = {**CASCADES, "frontalface": "haarcascade_frontalface_default.xml"}
STATISTICS = (
    "found",
    "groups",
    "hits",
    "hits_log",
    "neighbours_max",
    "neighbours_sum",
    "scale_max",
    "scale_mean",
    "scale_min",
    "weight_max",
    "weight_mean",
    "x_mean",
    "x_std",
    "y_mean",
    "y_std",
)
# A CascadeClassifier cannot be pickled and is not thread-safe: each thread keeps its own.
_loaded = threading.local()


def load_cascade(cascade: str) -> cv2.CascadeClassifier:
    """Return the cascade of this thread for a key of `CASCADES`, or ``frontalface``."""
    import cv2.data

    if not isinstance(cascade, str) or cascade not in _FILES:
        raise ParameterError(f"cascade is {cascade!r}; allowed is one of {', '.join(map(repr, CASCADES))}")
    path = os.path.join(cv2.data.haarcascades, _FILES[cascade])
    known = _loaded.__dict__
    if path not in known:
        if not os.path.isfile(path):
            raise MissingDependencyError(
                f"OpenCV {cv2.__version__} is installed without {_FILES[cascade]} (its wheels from 5 on ship none); "
                f"{opencv_remedy()}"
            )
        known[path] = cv2.CascadeClassifier(path)
    return known[path]


def count_hits(
    images: np.ndarray, cascade: str, scale_factor: float = 1.06, min_neighbors: int = 0, min_size: int = 4
) -> np.ndarray:
    """Count the windows in which a cascade detects an eye: the plain Haar baseline, open if there is any.

    Parameters
    ----------
    images : ndarray of uint8, shape (n, height, width)
        Grey images.
    cascade : str
        A key of `CASCADES`.
    scale_factor : float, default=1.06
        Ratio of consecutive window sizes, above 1.
    min_neighbors : int, default=0
        Number of overlapping windows that form one detection; 0 counts every window.
    min_size : int, default=4
        Smallest side of a window in pixels; no window is smaller than the 20 pixels of the cascades.

    Returns
    -------
    ndarray of int64, shape (n,)
        Number of detections in each image.

    Raises
    ------
    ParameterError
        If `cascade` is unknown.
    MissingDependencyError
        If OpenCV is installed without the file of the cascade.

    References
    ----------
    P. Viola and M. Jones, "Rapid object detection using a boosted cascade of simple features", CVPR 2001.
    https://doi.org/10.1109/CVPR.2001.990517

    Examples
    --------
    >>> import numpy as np
    >>> from classic_eyes.features import count_hits
    >>> count_hits(np.full((2, 24, 24), 128, np.uint8), "eye").tolist()
    [0, 0]
    """
    detector = load_cascade(cascade)
    size = (min_size, min_size)
    return np.array(
        [len(detector.detectMultiScale(p, scale_factor, min_neighbors, minSize=size)) for p in images], np.int64
    )


def compute_haar(images: np.ndarray, *, cascades: Sequence[str], scale_factor: float, min_neighbors: int) -> np.ndarray:
    """Compute the features of `classic_eyes.features.Haar`: `STATISTICS` of each cascade, sorted by name."""
    parts = [_summarize_windows(images, cascade, scale_factor, min_neighbors) for cascade in sorted(cascades)]
    return np.hstack(parts)


def _summarize_windows(images: np.ndarray, cascade: str, scale_factor: float, min_neighbors: int) -> np.ndarray:
    detector = load_cascade(cascade)
    height, width = images.shape[1:]
    rows = np.zeros((len(images), len(STATISTICS)), np.float32)
    for row, image in zip(rows, images, strict=True):
        # One scan gives ungrouped windows and the sums of their last stage; they are grouped below as OpenCV does.
        found, _, last = detector.detectMultiScale3(image, scale_factor, 0, outputRejectLevels=True)
        n = len(found)
        if not n:
            continue
        windows = np.asarray(found)
        groups, neighbours = cv2.groupRectangles(windows.tolist(), min_neighbors, 0.2)
        # OpenCV's threads report the windows in any order, and a sum of floats depends on it.
        weights = np.sort(last, axis=None)
        left, top, side, _ = windows.T
        scale = side / min(height, width)
        x = (left + side / 2) / width - 0.5
        y = (top + side / 2) / height - 0.5
        row[:] = (
            1,
            len(groups),
            n,
            np.log1p(n),
            max(neighbours, default=0),
            sum(neighbours),
            scale.max(),
            scale.mean(),
            scale.min(),
            weights[-1],
            weights.mean(),
            x.mean(),
            x.std(),
            y.mean(),
            y.std(),
        )
    return rows
