"""Faces in a photograph, and where their eyes are if no landmarks tell."""

from __future__ import annotations

from functools import cache
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from ..descriptors.ear import load_dlib
from ..descriptors.haar import load_cascade

__all__ = ["WORKING_SIDE", "find_eyes", "find_faces"]

# Faces are looked for in a photograph no larger than that: dlib's detector sees faces of 80 pixels and more, and its
# time grows with the area.
WORKING_SIDE = 1280
# The detector's own border is 0; on the photographs of docs/faces.md faces have .35 and more, folds of clothes .07.
_LEAST_SCORE = 0.15

# Of dlib's box of a face, the middle of the person's right eye and the width of an eye; those of the left eye are their
# mirror image. Means over the open and closed eyes of 26 photographs whose 68 points were found.
_MIDDLE, _WIDTH = (0.291, 0.306), 0.168
# How far above an eye's middle, in its widths, the middle of what a cascade answers lies; same photographs.
_CASCADES = {
    "right": (("eye", 0.09), ("eye_tree_eyeglasses", 0.05), ("righteye_2splits", 0.3)),
    "left": (("eye", 0.09), ("eye_tree_eyeglasses", 0.05), ("lefteye_2splits", 0.3)),
}
# An answer further from where eyes are on average, in widths of an eye, is a brow or a nostril.
_FARTHEST = 0.6
_HALF_FACE = 120


@cache
def _detector() -> Any:
    return load_dlib().get_frontal_face_detector()


def find_faces(grey: NDArray[np.uint8], *, upsample: int | None = None) -> NDArray[np.float64]:
    """Find faces that look more or less at the camera.

    1. The photograph is reduced to 1280 pixels on its longer side, if it is larger.
    2. dlib's detector (HOG in a pyramid, a linear classifier) looks for faces of 80 pixels and more; if it finds none,
       once more in twice the size, for those of 40 and more.

    Parameters
    ----------
    grey : uint8 array of shape (h, w)
        The photograph, upright.
    upsample : int, optional
        How often the size is doubled; by default only where nothing is found without.

    Returns
    -------
    float64 array of shape (n, 4)
        ``x, y, w, h`` in pixels of the photograph, from left to right; a box may reach beyond it.

    Raises
    ------
    MissingDependencyError
        Without dlib.

    References
    ----------
    King, "Max-margin object detection", 2015, arXiv:1502.00046. Dalal and Triggs, "Histograms of oriented gradients for
    human detection", CVPR 2005, doi:10.1109/CVPR.2005.177.
    """
    scale = min(1.0, WORKING_SIDE / max(grey.shape))
    small: Any = grey
    if scale < 1:
        side = (max(1, round(grey.shape[1] * scale)), max(1, round(grey.shape[0] * scale)))
        small = cv2.resize(grey, side, interpolation=cv2.INTER_AREA)
    detect = _detector()
    if upsample is None:
        found = detect.run(small, 0, _LEAST_SCORE)[0] or detect.run(small, 1, _LEAST_SCORE)[0]
    else:
        found = detect.run(small, upsample, _LEAST_SCORE)[0]
    boxes = [(box.left(), box.top(), box.width(), box.height()) for box in found]
    across, down = grey.shape[1] / small.shape[1], grey.shape[0] / small.shape[0]
    return np.array(sorted(boxes), dtype=np.float64).reshape(-1, 4) * [across, down, across, down]


def find_eyes(grey: NDArray[np.uint8], box: NDArray[np.float64]) -> dict[str, NDArray[np.float64]]:
    """Find the eyes of a face without landmarks.

    1. Eyes are where they are on average in dlib's boxes.
    2. OpenCV's eye cascades look at each half of the face; what they find not far from there moves the eye to its mean.
       They find three of four closed eyes, and nearly all open ones.

    Parameters
    ----------
    grey : uint8 array of shape (h, w)
        The photograph.
    box : float array of shape (4,)
        ``x, y, w, h`` of the face in pixels.

    Returns
    -------
    dict of str to float64 array of shape (2, 2)
        ``right`` and ``left``, the person's own: about the left and the right corner.

    References
    ----------
    Viola and Jones, "Rapid object detection using a boosted cascade of simple features", CVPR 2001,
    doi:10.1109/CVPR.2001.990517.
    """
    return {eye: _find_eye(grey, box, eye) for eye in ("right", "left")}


def _find_eye(grey: NDArray[np.uint8], box: NDArray[np.float64], eye: str) -> NDArray[np.float64]:
    x, y, width, height = box
    across = _MIDDLE[0] if eye == "right" else 1 - _MIDDLE[0]
    middle = np.array([x + across * width, y + _MIDDLE[1] * height])
    wide = _WIDTH * width
    found = [middle]
    left, top = int(max(0, middle[0] - 1.6 * wide)), int(max(0, middle[1] - 1.6 * wide))
    half = grey[top : int(middle[1] + 1.6 * wide), left : int(middle[0] + 1.6 * wide)]
    if min(half.shape) >= 8:
        scale = _HALF_FACE / half.shape[1]
        enlarged = cv2.resize(
            half, None, fx=scale, fy=scale, interpolation=cv2.INTER_AREA if scale < 1 else cv2.INTER_LINEAR
        )
        for cascade, above in _CASCADES[eye]:
            for hit in load_cascade(cascade).detectMultiScale(enlarged, 1.05, 3, 0, (24, 24)):
                place = np.array([hit[0] + hit[2] / 2, hit[1] + hit[3] / 2]) / scale + [left, top + above * wide]
                if np.linalg.norm(place - middle) <= _FARTHEST * wide:
                    found.append(place)
    centre = np.mean(found[1:] or found, axis=0)
    half_eye = np.array([wide / 2, 0])
    return np.array([centre - half_eye, centre + half_eye])
