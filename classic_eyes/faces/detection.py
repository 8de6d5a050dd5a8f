"""Face detection: dlib's detector, and a cascade that proposes small faces to it."""

from __future__ import annotations

from collections.abc import Sequence
from functools import cache
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from ..descriptors.ear import load_dlib
from ..descriptors.haar import load_cascade

__all__ = ["SMALLEST", "SURE_SCORE", "WORKING_SIDE", "find_faces", "find_large_faces"]

# Photographs are reduced to this side before small faces are looked for, and to half of it for large ones.
WORKING_SIDE = 1024
# The smallest face, in pixels of the reduced photograph.
SMALLEST = 24
# Sides of the passes for large faces, and with equalized contrast. Sizes of faces are found in steps of 6/5; those
# of the second pass lie between those of the first.
_LARGE_SIDE, _EQUALIZED_SIDE = 512, 467
# Passes of the cascade: from which side on and up to which (0: any), and by how much the image is reduced for it.
# OpenCV moves windows of up to 48 pixels by 2 pixels and larger ones by 1, so a reduced image takes half of the time.
_PASSES = ((72, 0, 3), (36, 74, 1), (SMALLEST, 38, 1))
# The smallest faces are looked for beside faces of up to this side, or where there are none.
_SMALL_NEIGHBOUR = 72
SURE_SCORE = 0.15
"""Score of dlib's detector from which on a box is a face; folds of clothes have 0.07. Below, its eyes must confirm."""
_MIN_SCORE = 0.0
# Where a cascade has found a face in one window or in several, dlib's detector need not be as sure.
_MIN_AGREED_SCORES = (0.0, -0.33)
# From this score on, a second look with equalized contrast is worth its time.
_MIN_PROMISING_SCORE = -0.8
_CASCADE_STEP = 1.35
# Side of a proposed box when dlib's detector, whose window has 80 pixels, looks at it again; boxes of the cascade are
# larger than its own by 1.2. And how far around its centre it looks, in sides.
_VERIFIED_SIDE, _VERIFIED_REACH = 100, 0.9
# Where the image has less contrast, it is stretched to this range of grey levels between these shares of the pixels,
# because the cascade skips windows of little contrast.
_CONTRAST_LEVELS, _CONTRAST_SHARES = (10, 230), (0.005, 0.995)
# Faces are painted over with this margin in sides. dlib's boxes end inside the outline of the head.
_PAINTED_MARGIN = 0.1
# Where nothing is found: further looks, in degrees of roll, which must be surer.
_ROLLS, _MIN_SECOND_SCORE = (-20, -10, 0, 10, 20), 0.1
# Boxes that share this much of the smaller one are one face.
_MAX_OVERLAP = 0.4

_Scored = tuple[float, NDArray[np.float64]]  # score of dlib's detector, and the box: left, top, right, bottom


@cache
def _detector() -> Any:
    return load_dlib().get_frontal_face_detector()


def find_faces(grey: NDArray[np.uint8], *, upsample: int = 0) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Return the boxes ``x, y, w, h`` of frontal faces, from left to right, and their scores.

    Boxes may reach beyond the photograph. Some with a score below `SURE_SCORE` are no faces.

    1. Reduce the photograph to 1024 pixels on its longer side. Faces of 24 pixels and more are found in it.
    2. Large faces: dlib's detector (King, arXiv:1502.00046, on HOG) on 512 pixels.
    3. With `upsample`, dlib's detector also looks at the whole photograph, doubled so often.
    4. Small faces: OpenCV's cascade (Viola and Jones, doi:10.1109/CVPR.2001.990517) proposes boxes, and dlib's detector
       looks at each proposal, enlarged. Where both agree, a lower score is enough. First from 72 pixels on, then from
       36 on; in each pass the faces that are known are painted over, which saves time. Faces of less than 36 pixels are
       looked for if no face is found, or one of less than 72 pixels.
    5. If nothing is sure, dlib's detector looks again at 467 pixels with equalized contrast; and if nothing is found,
       without it, turned by up to 20 degrees to either side.
    6. Of boxes that overlap, keep the one with the highest score. No pass removes what another one has found.
    """
    scale = min(1.0, WORKING_SIDE / max(grey.shape))
    small = _resized(grey, scale)
    boxes = _merged(_run(small, min(1.0, _LARGE_SIDE / max(small.shape)), _MIN_SCORE))
    if upsample:
        boxes = _merged([*boxes, *_run(small, 2.0**upsample, _MIN_SCORE)])
    stretched = _stretched(small)
    for low, high, factor in _PASSES:
        sure = [box for score, box in boxes if score >= SURE_SCORE]
        if low == SMALLEST and sure and min(box[2] - box[0] for box in sure) >= _SMALL_NEIGHBOUR:
            continue
        proposals = _proposals(_resized(_painted(stretched, sure), 1 / factor), low // factor, high // factor)
        enlarged = [(min_score, box * factor) for min_score, box in proposals]
        boxes = _merged([*boxes, *_verified(small, enlarged, boxes)])
    if not any(score >= SURE_SCORE for score, _ in boxes):
        side = min(0.91, _EQUALIZED_SIDE / max(small.shape))
        boxes = _merged([*boxes, *_run(small, side, _MIN_SCORE, equalize=True)])
    boxes = boxes or _merged(_turned(small))
    across, down = grey.shape[1] / small.shape[1], grey.shape[0] / small.shape[0]
    rows = sorted((box[0], box[1], box[2] - box[0], box[3] - box[1], score) for score, box in boxes)
    table = np.array(rows, dtype=np.float64).reshape(-1, 5)
    return table[:, :4] * [across, down, across, down], table[:, 4]


def find_large_faces(
    grey: NDArray[np.uint8], scale: float, *, min_score: float = SURE_SCORE
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Return boxes ``x, y, w, h`` and scores of the faces that dlib's detector finds, of 80 pixels after scaling."""
    table = np.array(
        [(*box[:2], *(box[2:] - box[:2]), score) for score, box in _run(grey, scale, min_score)], dtype=np.float64
    ).reshape(-1, 5)
    return table[:, :4], table[:, 4]


def _resized(grey: NDArray[np.uint8], scale: float) -> Any:
    if scale == 1:
        return grey
    size = (max(1, round(grey.shape[1] * scale)), max(1, round(grey.shape[0] * scale)))
    return cv2.resize(grey, size, interpolation=cv2.INTER_AREA if scale < 1 else cv2.INTER_LINEAR)


def _run(grey: NDArray[np.uint8], scale: float, min_score: float, *, equalize: bool = False) -> list[_Scored]:
    """Run dlib's detector on a scaled image; boxes are in pixels of the image itself."""
    scaled = np.ascontiguousarray(_resized(grey, scale))
    if equalize:
        scaled = cv2.createCLAHE(3.0, (4, 4)).apply(scaled)
    found, scores, _ = _detector().run(scaled, 0, min_score)
    return [
        (score, np.array([box.left(), box.top(), box.right() + 1, box.bottom() + 1]) / scale)
        for box, score in zip(found, scores, strict=True)
    ]


def _stretched(grey: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """Raise the contrast of an image that is dark or pale."""
    shares = np.cumsum(cv2.calcHist([grey], [0], None, [256], [0, 256]), dtype=np.float64) / grey.size
    darkest, brightest = np.searchsorted(shares, _CONTRAST_SHARES)
    gain = (_CONTRAST_LEVELS[1] - _CONTRAST_LEVELS[0]) / max(brightest - darkest, 1)
    if gain <= 1:
        return grey
    levels = np.clip(np.rint((np.arange(256) - darkest) * gain + _CONTRAST_LEVELS[0]), 0, 255)
    return np.asarray(cv2.LUT(grey, levels.astype(np.uint8)), np.uint8)


def _painted(grey: NDArray[np.uint8], boxes: Sequence[NDArray[np.float64]]) -> NDArray[np.uint8]:
    """Return the image with these boxes painted over in their mean grey; the cascade skips what is even."""
    painted = grey.copy() if boxes else grey
    for box in boxes:
        margin = _PAINTED_MARGIN * (box[2] - box[0])
        left, top = np.maximum(np.rint(box[:2] - margin), 0).astype(int)
        right, bottom = np.maximum(np.rint(box[2:] + margin), 0).astype(int)
        part = painted[top:bottom, left:right]
        part[...] = part.mean() if part.size else 0
    return painted


def _proposals(grey: NDArray[np.uint8], low: int, high: int) -> list[tuple[float, NDArray[np.float64]]]:
    """Return boxes that the cascade proposes, of sides from ``low`` to ``high`` (0: any), and the score they need."""
    found = load_cascade("frontalface").detectMultiScale(grey, _CASCADE_STEP, 0, 0, (low, low), (high, high))
    # Windows that stand alone are kept too: OpenCV drops groups of one, so each window is given twice.
    boxes, counts = cv2.groupRectangles([list(map(int, each)) for each in found] * 2, 1, 0.2)
    return [
        (_MIN_AGREED_SCORES[int(count > 2)], np.array([x, y, x + w, y + h], dtype=np.float64))
        for (x, y, w, h), count in zip(boxes, np.ravel(counts), strict=True)
    ]


def _verified(
    grey: NDArray[np.uint8], proposals: Sequence[tuple[float, NDArray[np.float64]]], known: Sequence[_Scored]
) -> list[_Scored]:
    """Return the faces that dlib's detector finds in proposals that are not yet known."""
    found: list[_Scored] = []
    for min_score, box in proposals:
        if any(_overlap(box, other) > _MAX_OVERLAP for _, other in (*known, *found)):
            continue
        side = box[2] - box[0]
        low = np.maximum(np.rint((box[:2] + box[2:]) / 2 - _VERIFIED_REACH * side), 0).astype(int)
        high = np.rint((box[:2] + box[2:]) / 2 + _VERIFIED_REACH * side).astype(int)
        crop = grey[low[1] : high[1], low[0] : high[0]]
        faces = _run(crop, _VERIFIED_SIDE / side, _MIN_PROMISING_SCORE)
        if faces and max(score for score, _ in faces) < min_score:
            faces = _run(crop, _VERIFIED_SIDE / side, min_score, equalize=True)
        found += [(score, face + np.tile(low, 2)) for score, face in faces if score >= min_score]
    return found


def _turned(grey: NDArray[np.uint8]) -> list[_Scored]:
    """Return what dlib's detector finds in turned images."""
    scale = min(0.91, _EQUALIZED_SIDE / max(grey.shape))
    small = np.asarray(_resized(grey, scale))
    centre = (small.shape[1] / 2, small.shape[0] / 2)
    found: list[_Scored] = []
    for roll in _ROLLS:
        turn = cv2.getRotationMatrix2D(centre, roll, 1)
        turned = cv2.warpAffine(small, turn, small.shape[::-1], borderMode=cv2.BORDER_REPLICATE)
        for score, box in _run(np.asarray(turned, np.uint8), 1.0, _MIN_SECOND_SCORE):
            middle = cv2.invertAffineTransform(turn) @ [*(box[:2] + box[2:]) / 2, 1]
            half = (box[2:] - box[:2]) / 2
            found.append((score, np.concatenate([middle - half, middle + half])))
    return [(score, box / scale) for score, box in found]


def _overlap(one: NDArray[np.float64], other: NDArray[np.float64]) -> float:
    """Return the share of the smaller box that lies in both."""
    sides = np.minimum(one[2:], other[2:]) - np.maximum(one[:2], other[:2])
    smaller = min(np.prod(one[2:] - one[:2]), np.prod(other[2:] - other[:2]))
    return float(np.prod(np.maximum(sides, 0)) / smaller)


def _merged(found: Sequence[_Scored]) -> list[_Scored]:
    kept: list[_Scored] = []
    for score, box in sorted(found, key=lambda each: (-each[0], *each[1])):
        if all(_overlap(box, other) <= _MAX_OVERLAP for _, other in kept):
            kept.append((score, box))
    return kept
