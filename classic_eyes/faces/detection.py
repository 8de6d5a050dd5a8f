"""Face detection, and eye localization without landmarks."""

from __future__ import annotations

from functools import cache
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from ..descriptors.ear import load_dlib
from ..descriptors.haar import load_cascade

__all__ = ["WORKING_SIDE", "find_eyes", "find_faces"]

# Photographs are reduced to this side. dlib detects faces of 80 pixels and more, in time proportional to the area.
WORKING_SIDE = 1280
# dlib's own threshold is 0. On the photographs of docs/faces.md, faces have 0.35 and more and folds of clothes 0.07.
_MIN_SCORE = 0.15

# Midpoint of the person's right eye and width of an eye, in sides of dlib's box: means over the open and closed eyes
# of 26 photographs with 68 landmarks. The left eye is the mirror image.
_EYE_CENTRE, _EYE_WIDTH = (0.291, 0.306), 0.168
# Cascades, and how far the centre of their windows lies above the eye's midpoint, in widths of the eye.
_CASCADES = {
    "right": (("eye", 0.09), ("eye_tree_eyeglasses", 0.05), ("righteye_2splits", 0.3)),
    "left": (("eye", 0.09), ("eye_tree_eyeglasses", 0.05), ("lefteye_2splits", 0.3)),
}
# Windows further from the average position, in widths of an eye, are brows or nostrils.
_MAX_DISTANCE = 0.6
_HALF_FACE_WIDTH = 120


@cache
def _detector() -> Any:
    return load_dlib().get_frontal_face_detector()


def find_faces(grey: NDArray[np.uint8], *, upsample: int | None = None) -> NDArray[np.float64]:
    """Return the boxes ``x, y, w, h`` of frontal faces, from left to right; they may reach beyond the photograph.

    1. Reduce the photograph to 1280 pixels on its longer side.
    2. Run dlib's detector (King, arXiv:1502.00046, on HOG), which finds faces of 80 pixels and more. If it finds none,
       repeat at twice the size. `upsample` sets the number of doublings instead.
    """
    scale = min(1.0, WORKING_SIDE / max(grey.shape))
    small: Any = grey
    if scale < 1:
        side = (max(1, round(grey.shape[1] * scale)), max(1, round(grey.shape[0] * scale)))
        small = cv2.resize(grey, side, interpolation=cv2.INTER_AREA)
    detect = _detector()
    if upsample is None:
        found = detect.run(small, 0, _MIN_SCORE)[0] or detect.run(small, 1, _MIN_SCORE)[0]
    else:
        found = detect.run(small, upsample, _MIN_SCORE)[0]
    boxes = [(box.left(), box.top(), box.width(), box.height()) for box in found]
    across, down = grey.shape[1] / small.shape[1], grey.shape[0] / small.shape[0]
    return np.array(sorted(boxes), dtype=np.float64).reshape(-1, 4) * [across, down, across, down]


def find_eyes(grey: NDArray[np.uint8], box: NDArray[np.float64]) -> dict[str, NDArray[np.float64]]:
    """Return the approximate left and right corners, shape (2, 2), of the person's ``right`` and ``left`` eye.

    1. Start from the average position in dlib's boxes.
    2. Run OpenCV's eye cascades (Viola and Jones, doi:10.1109/CVPR.2001.990517) on each half of the face. Move the eye
       to the mean of the windows near its average position. They detect three of four closed eyes and nearly all open
       ones.
    """
    return {eye: _find_eye(grey, box, eye) for eye in ("right", "left")}


def _find_eye(grey: NDArray[np.uint8], box: NDArray[np.float64], eye: str) -> NDArray[np.float64]:
    x, y, width, height = box
    across = _EYE_CENTRE[0] if eye == "right" else 1 - _EYE_CENTRE[0]
    average = np.array([x + across * width, y + _EYE_CENTRE[1] * height])
    eye_width = _EYE_WIDTH * width
    detected = []
    left, top = int(max(0, average[0] - 1.6 * eye_width)), int(max(0, average[1] - 1.6 * eye_width))
    half = grey[top : int(average[1] + 1.6 * eye_width), left : int(average[0] + 1.6 * eye_width)]
    if min(half.shape) >= 8:
        scale = _HALF_FACE_WIDTH / half.shape[1]
        interpolation = cv2.INTER_AREA if scale < 1 else cv2.INTER_LINEAR
        scaled = cv2.resize(half, None, fx=scale, fy=scale, interpolation=interpolation)
        for cascade, above in _CASCADES[eye]:
            for window in load_cascade(cascade).detectMultiScale(scaled, 1.05, 3, 0, (24, 24)):
                centre = np.array([window[0] + window[2] / 2, window[1] + window[3] / 2]) / scale
                centre += [left, top + above * eye_width]
                if np.linalg.norm(centre - average) <= _MAX_DISTANCE * eye_width:
                    detected.append(centre)
    centre = np.mean(detected or [average], axis=0)
    half_eye = np.array([eye_width / 2, 0])
    return np.array([centre - half_eye, centre + half_eye])
