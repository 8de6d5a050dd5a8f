"""Eye localization in a face's box, and the six points of an eye's lids, by models that ship with the library."""

from __future__ import annotations

import io
import os
from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Any, TypeAlias

import cv2
import numpy as np
from numpy.typing import NDArray

from .._utils.files import shipped_file
from ..descriptors.ear import eye_points, load_dlib
from ..errors import ModelError
from .cutting import EYE_HEIGHT, EYE_SHARE, cut_eye, patch_corners

__all__ = [
    "AROUND_EYES",
    "LID_SIDE",
    "SHIPPED",
    "SIDE",
    "EyeLocator",
    "crop_face",
    "describe_eyes",
    "find_lids",
    "fit_box",
    "lid_frame",
    "load_locator",
]

SHIPPED = "locator.npz"
# Side of the crops in pixels. The face's box fills them up to a margin on each side, in sides of the box.
SIDE, MARGIN = 200, 0.25
# Left and right corner of the person's right eye, then of the left one; index of each in the mirror image.
_MIRRORED = [3, 2, 1, 0]
# Distance and height of the eyes in sides of a box of dlib's detector, means over frontal faces.
_EYE_DISTANCE, _EYE_HEIGHT = 0.418, 0.302
# Large faces are reduced by whole factors, to boxes of this side at least, with this many sides around their centre.
_MIN_REDUCED_SIDE, _REACH = 160, 1.1
_DEVIATION, _MEAN, _MIN_DEVIATION = 48.0, 128.0, 1.0
_LEVELS = np.arange(256.0)
# Rows and columns of the crop that its contrast is measured in, and those around both eyes, whose HOG is regressed on
# the corners; AROUND_EYES holds both.
_Part: TypeAlias = tuple[slice, slice]
_MEASURED = slice(SIDE // 6, SIDE * 2 // 3), slice(SIDE // 6, SIDE - SIDE // 6)
_WINDOW = slice(38, 114), slice(24, 176)
_WHOLE, AROUND_EYES = (slice(0, SIDE), slice(0, SIDE)), (slice(33, 133), slice(24, 176))
_WINDOW_SIZE, _CELL, _BINS = (112, 56), 8, 9
_TREE_PASSES, _HOG_PASSES = 2, 2
# Where the last pass moves the corners by more than this, in distances of the outer corners, the eyes may be missed: of
# 625 faces of people left out, 95% of those that were found are below, and none that were missed.
_MAX_GAP = 0.019
# Then the search starts again in boxes shifted and enlarged by these shares of the side, until two searches agree
# within this distance. The smallest gap wins.
_MAX_APART = 0.04
_STARTS = (
    ((0.0, 0.0), 0.0),
    ((0.0, 0.0), 0.2),
    ((0.1, -0.1), 0.1),
    ((-0.1, -0.1), 0.1),
    ((0.1, 0.1), 0.1),
    ((-0.1, 0.1), 0.1),
)
LID_SIDE = 48
"""Side of the patches in which the points of the lids are found, in pixels."""
# In these patches the corners are this far apart and this far from the top, in sides. Chosen of 0.55 to 0.7 and 0.41 to
# 0.53: the aspect ratios agree well with those of 68 landmarks on frames, and separate open from closed on photographs.
_LID_SHARE, _LID_HEIGHT = 0.67, 0.485
_LID_WEIGHT = 0.4


@dataclass(frozen=True, eq=False)
class EyeLocator:
    """Find the corners of both eyes in the box of a face.

    1. Cut the box with a margin out of the photograph, at 200 x 200 pixels with normalized contrast. Boosted regression
       trees move the corners of a mean face (Kazemi and Sullivan, CVPR 2014, doi:10.1109/CVPR.2014.241). Repeat with
       the mean box of a face with these eyes, level with them, which corrects wrong boxes and tilted heads.
    2. Twice more, a linear regression on the HOG of a window around both eyes predicts the corners. Take the mean of
       trees and regression.
       Where the last pass still moves them much, start again in other boxes around the first.
    3. Move the corners 0.4 of the way to those of `find_lids`.

    Trees and regression were trained on faces, and the points of the lids on synthetic eyes. Each sees the mirror image
    too.

    Parameters
    ----------
    predictor : dlib.shape_predictor
        The trees: four corners and the nose, in crops.
    weights : float array of shape (2808, 8)
        Regression of the corners of the crop on HOG.
    offset : float array of shape (8,)
        Intercept of the regression.
    lid_bias : float array of shape (2, 2, 2)
        Mean difference between the corners of `find_lids` and of faces, right and left eye, in sides of the patch.
    """

    predictor: Any
    weights: NDArray[np.float32]
    offset: NDArray[np.float32]
    lid_bias: NDArray[np.float32]

    def eyes(self, grey: NDArray[np.uint8], box: NDArray[np.float64]) -> dict[str, NDArray[np.float64]]:
        """Return the left and right corner, shape (2, 2), of the person's ``right`` and ``left`` eye."""
        right, left = self.find(grey, box)[0]
        return {"right": right, "left": left}

    def find(
        self, grey: NDArray[np.uint8], box: NDArray[np.float64]
    ) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
        """Return the corners, shape (2, 2, 2), and the points of `find_lids`, (2, 6, 2), of the right and the left eye.

        `box` is the ``x, y, w, h`` of a face; it may be somewhat wrong, and the head tilted.
        """
        grey, low, factor = _reduce(grey, np.asarray(box, dtype=np.float64))
        corner, side = (np.asarray(box[:2], dtype=np.float64) - low) / factor, float(box[2]) / factor
        found: list[tuple[float, NDArray[np.float64]]] = []
        for shift, growth in _STARTS:
            start = corner + (np.array(shift) - growth / 2) * side
            gap, corners = self._search(grey, start, np.array([(1 + growth) * side, 0.0]))
            agrees = any(_apart(corners, other) <= _MAX_APART for _, other in found)
            found.append((gap, corners))
            if agrees or gap <= _MAX_GAP:
                break
        eyes = min(found, key=lambda each: each[0])[1].reshape(2, 2, 2)
        lids = find_lids(grey, list(eyes))
        refined, lids = ((each + 0.5) * factor - 0.5 + low for each in (self._refine(eyes, lids), lids))
        return refined, lids

    def follow(
        self, grey: NDArray[np.uint8], corner: NDArray[np.float64], along: NDArray[np.float64]
    ) -> tuple[float, float, NDArray[np.float64]]:
        """Find the eyes in the next frame of a video, from a box that is almost right.

        `corner` and `along` are the box's top left corner and upper edge. Return how far the last pass moved the
        corners, how far trees and regression disagree, both in distances of the outer corners; and the corners, (4, 2).
        """
        side = float(np.hypot(*along))
        # A level box for `_reduce`, which cuts out more than any tilted one.
        middle = corner + (along + np.array([-along[1], along[0]])) / 2
        grey, low, factor = _reduce(grey, np.array([*(middle - side / 2), side, side]))
        corner, along = (corner - low + 0.5) / factor - 0.5, along / factor
        passes = []
        for _ in range(_HOG_PASSES):
            passes.append(_find(self._regression, grey, corner, along, part=AROUND_EYES))
            corner, along = fit_box(passes[-1])
        by_trees = _find(self._trees, grey, corner, along)
        gap, disagreement = (_apart(passes[-1], each) for each in (passes[-2], by_trees))
        return gap, disagreement, ((by_trees + passes[-1]) / 2 + 0.5) * factor - 0.5 + low

    def _search(
        self, grey: NDArray[np.uint8], corner: NDArray[np.float64], along: NDArray[np.float64]
    ) -> tuple[float, NDArray[np.float64]]:
        """Return how far the last pass still moved the corners, in distances of the outer corners; and the corners."""
        for k in range(_TREE_PASSES):
            by_trees = _find(self._trees, grey, corner, along, mirror=k == _TREE_PASSES - 1)
            corner, along = fit_box(by_trees)
        passes = []
        for _ in range(_HOG_PASSES):
            passes.append(_find(self._regression, grey, corner, along, part=AROUND_EYES))
            corner, along = fit_box(passes[-1])
        return _apart(passes[-1], passes[-2]), (by_trees + passes[-1]) / 2

    def _trees(self, crop: NDArray[np.uint8]) -> NDArray[np.float64]:
        found = self.predictor(crop, load_dlib().rectangle(0, 0, SIDE - 1, SIDE - 1))
        return np.array([(part.x, part.y) for part in found.parts()], dtype=np.float64)[:4]

    def _regression(self, part: NDArray[np.uint8]) -> NDArray[np.float64]:
        return (describe_eyes(part) @ self.weights + self.offset).astype(np.float64).reshape(4, 2)

    def _refine(self, eyes: NDArray[np.float64], lids: NDArray[np.float64]) -> NDArray[np.float64]:
        refined = []
        for corners, points, bias in zip(eyes, lids[:, [0, 3]], self.lid_bias, strict=True):
            patch = patch_corners(corners)
            unbiased = points - bias[:, :1] * (patch[1] - patch[0]) - bias[:, 1:] * (patch[3] - patch[0])
            refined.append((1 - _LID_WEIGHT) * corners + _LID_WEIGHT * unbiased)
        return np.array(refined)


def _apart(corners: NDArray[np.float64], others: NDArray[np.float64]) -> float:
    """Return the mean distance of four corners from others, in distances of the outer corners."""
    distances = np.linalg.norm(corners - others, axis=1)
    return float(distances.mean() / max(float(np.linalg.norm(corners[3] - corners[0])), 1e-6))


def _find(
    find: Any,
    grey: NDArray[np.uint8],
    corner: NDArray[np.float64],
    along: NDArray[np.float64],
    *,
    part: _Part = _WHOLE,
    mirror: bool = True,
) -> NDArray[np.float64]:
    """Return the corners, shape (4, 2), that `find` finds in a part of the crop, and in its mirror image."""
    crop, to_photograph = crop_face(grey, corner, along, part)
    found = find(crop)
    if mirror:
        mirrored = find(cv2.flip(crop, 1))[_MIRRORED]
        mirrored[:, 0] = SIDE - 1 - mirrored[:, 0]
        found = (found + mirrored) / 2
    return found @ to_photograph[:, :2].T + to_photograph[:, 2]


def describe_eyes(part: NDArray[np.uint8]) -> NDArray[np.float32]:
    """Return the HOG of the window around both eyes in the rows and columns `AROUND_EYES` of a crop."""
    window = cv2.resize(part[_within(_WINDOW, AROUND_EYES)], _WINDOW_SIZE, interpolation=cv2.INTER_AREA)
    return np.asarray(_hog().compute(window), np.float32).ravel()


@lru_cache(maxsize=1)
def _hog() -> Any:
    return cv2.HOGDescriptor(_WINDOW_SIZE, (2 * _CELL, 2 * _CELL), (_CELL, _CELL), (_CELL, _CELL), _BINS)


def lid_frame(corners: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return corners for which `cut_eye` cuts the patch that the points of the lids are found in."""
    along = (corners[1] - corners[0]) / _LID_SHARE
    middle = (corners[0] + corners[1]) / 2 + (EYE_HEIGHT - _LID_HEIGHT) * np.array([-along[1], along[0]])
    return np.stack([middle - EYE_SHARE / 2 * along, middle + EYE_SHARE / 2 * along])


def find_lids(grey: NDArray[np.uint8], corners: Sequence[NDArray[np.float64]]) -> NDArray[np.float64]:
    """Find the six points of the eye aspect ratio, shape (n, 6, 2), of the eyes with these left and right corners.

    They are found by `classic_eyes.descriptors.eye_points` in patches of 48 x 48 pixels, cut at `lid_frame`, and
    returned in pixels of the photograph. No face was used in training, so that they may be used for any purpose.
    """
    framed = [lid_frame(each) for each in corners]
    patches = np.stack([cut_eye(grey, each, size=LID_SIDE) for each in framed])
    points = (eye_points(patches)[0] + 0.5) / LID_SIDE
    frames = np.stack([patch_corners(each) for each in framed])[:, np.newaxis]
    across, down = frames[:, :, 1] - frames[:, :, 0], frames[:, :, 3] - frames[:, :, 0]
    return frames[:, :, 0] + points[..., :1] * across + points[..., 1:] * down


def _reduce(grey: NDArray[np.uint8], box: NDArray[np.float64]) -> tuple[NDArray[np.uint8], NDArray[np.intp], int]:
    """Reduce a large face with its surroundings; return it, its top left pixel in the photograph, and the factor."""
    # OpenCV reduces several times as fast by whole factors.
    factor = int(box[2] / _MIN_REDUCED_SIDE)
    centre = box[:2] + box[2:] / 2
    low = np.maximum(np.floor(centre - _REACH * box[2]), 0).astype(np.intp)
    high = np.maximum(np.ceil(centre + _REACH * box[2]), 0).astype(np.intp)
    part = grey[low[1] : high[1], low[0] : high[0]]
    size = (part.shape[1] // max(factor, 1), part.shape[0] // max(factor, 1))
    if factor < 2 or min(size) < 1:
        return grey, np.zeros(2, np.intp), 1
    whole = part[: size[1] * factor, : size[0] * factor]
    return np.asarray(cv2.resize(whole, size, interpolation=cv2.INTER_AREA), np.uint8), low, factor


def fit_box(corners: NDArray[np.float64]) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Return the top left corner and the upper edge of the mean box of a face with these eyes."""
    right, left = (corners[0] + corners[1]) / 2, (corners[2] + corners[3]) / 2
    along = (left - right) / _EYE_DISTANCE
    down = np.array([-along[1], along[0]])
    return (right + left) / 2 - along / 2 - _EYE_HEIGHT * down, along


def crop_face(
    grey: NDArray[np.uint8], corner: NDArray[np.float64], along: NDArray[np.float64], part: _Part = _WHOLE
) -> tuple[NDArray[np.uint8], NDArray[np.float64]]:
    """Cut a face out of a photograph, 200 x 200 pixels with normalized contrast, or only some rows and columns of it.

    `corner` is the top left corner of the face's box, `along` its upper edge, which may be tilted. Also return the
    matrix of shape (2, 3) that maps pixels of the crop to the photograph.
    """
    down = np.array([-along[1], along[0]])
    step = (1 + 2 * MARGIN) / SIDE
    origin = corner - MARGIN * (along + down)
    to_photograph = np.column_stack([along * step, down * step, origin + (along + down) * (step / 2) - 0.5])
    rows, columns = part
    low = to_photograph[:, :2] @ (columns.start, rows.start) + to_photograph[:, 2]
    crop = cv2.warpAffine(
        grey,
        np.column_stack([to_photograph[:, :2], low]),
        (columns.stop - columns.start, rows.stop - rows.start),
        flags=cv2.INTER_LINEAR | cv2.WARP_INVERSE_MAP,
        borderMode=cv2.BORDER_REPLICATE,
    )
    return _normalize_contrast(np.asarray(crop), part), to_photograph


def _within(inner: _Part, outer: _Part) -> _Part:
    """Return rows and columns of the crop as those of a part of it."""
    rows, columns = (
        slice(each.start - other.start, each.stop - other.start) for each, other in zip(inner, outer, strict=True)
    )
    return rows, columns


def _normalize_contrast(crop: NDArray[np.uint8], part: _Part) -> NDArray[np.uint8]:
    """Give the part around the eyes mean 128 and standard deviation 48."""
    mean, deviation = cv2.meanStdDev(crop[_within(_MEASURED, part)])
    gain = _DEVIATION / max(float(deviation[0, 0]), _MIN_DEVIATION)
    levels = np.clip(np.rint(_LEVELS * gain + (_MEAN - gain * float(mean[0, 0]))), 0, 255)
    return np.asarray(cv2.LUT(crop, levels.astype(np.uint8)), np.uint8)


def load_locator(path: str | os.PathLike[str] | None = None) -> EyeLocator:
    """Load an eye locator, by default the one that ships; ModelError if the file is missing or damaged."""
    name = os.fspath(shipped_file(SHIPPED) if path is None else path)
    try:
        return _load(name, os.stat(name).st_mtime_ns)
    except OSError as error:
        raise ModelError(f"eye locator {name!r}: cannot read the file ({error.strerror})") from error


@lru_cache(maxsize=2)
def _load(name: str, modified: int) -> EyeLocator:
    dlib = load_dlib()
    with open(name, "rb") as file:
        content = file.read()
    try:
        with np.load(io.BytesIO(content), allow_pickle=False) as arrays:
            trees = arrays["trees"].tobytes()
            weights, offset, bias = (arrays[key].astype(np.float32) for key in ("weights", "offset", "lid_bias"))
        # dlib reads a shape predictor from a file or from its pickled state, which is the content of that file.
        predictor = dlib.shape_predictor.__new__(dlib.shape_predictor)
        predictor.__setstate__((trees,))
        locator = EyeLocator(predictor, weights, offset, bias)
        if bias.shape != (2, 2, 2) or locator._trees(np.zeros((SIDE, SIDE), np.uint8)).shape != (4, 2):
            raise ValueError("its arrays have other shapes")
        locator._regression(np.zeros((SIDE, SIDE), np.uint8)[AROUND_EYES])
    except Exception as error:
        # The parsers of zip, numpy and dlib raise exceptions of many kinds.
        raise ModelError(f"{name!r} is damaged or not an eye locator; reinstall classic-eyes") from error
    return locator
