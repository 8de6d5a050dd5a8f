"""Patches cut out of photographs as the classifier knows them: level, and in the alignment that it learnt."""

from __future__ import annotations

from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

__all__ = ["EYE_SHARE", "EYE_HEIGHT", "cut_eye", "inside_share", "patch_corners"]

# Width of the eye and height of the corners' middle in the patches that the shipped models learnt from, in sides of
# the patch: between the medians of eyes24 (.75 and .50) and of mrl (.69 and .57) by the points of
# `descriptors.ear`.
EYE_SHARE, EYE_HEIGHT = 0.70, 0.53
# Patches are drawn larger and reduced by area, so that no line falls between two pixels.
_FINER = 4


def patch_corners(corners: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return where the patch of an eye lies in the photograph.

    Parameters
    ----------
    corners : float array of shape (2, 2)
        Left and right corner of the eye, ``x, y``.

    Returns
    -------
    float64 array of shape (4, 2)
        Top left, top right, bottom right, bottom left; turned as the eye is.
    """
    along = (corners[1] - corners[0]) / EYE_SHARE
    down = np.array([-along[1], along[0]])
    top_left = corners.mean(axis=0) - along / 2 - EYE_HEIGHT * down
    return np.array([top_left, top_left + along, top_left + along + down, top_left + down])


def inside_share(corners: NDArray[np.float64], shape: tuple[int, ...]) -> float:
    """Return how much of the patch of an eye the photograph shows.

    Parameters
    ----------
    corners : float array of shape (2, 2)
        Left and right corner of the eye, ``x, y``.
    shape : tuple of int
        Height and width of the photograph.

    Returns
    -------
    float
        0 to 1, by 100 places spread evenly over the patch.
    """
    patch = patch_corners(corners)
    steps = (np.arange(10) + 0.5) / 10
    across, down = np.meshgrid(steps, steps)
    places = patch[0] + across[..., None] * (patch[1] - patch[0]) + down[..., None] * (patch[3] - patch[0])
    inside = (places >= 0).all(axis=-1) & (places[..., 0] < shape[1]) & (places[..., 1] < shape[0])
    return float(inside.mean())


def cut_eye(grey: NDArray[np.uint8], corners: NDArray[np.float64], *, size: int = 24) -> NDArray[np.uint8]:
    """Cut an eye out of a photograph and turn it level.

    Parameters
    ----------
    grey : uint8 array of shape (h, w)
        The photograph.
    corners : float array of shape (2, 2)
        Left and right corner of the eye, ``x, y``.
    size : int, default=24
        Side of the patch in pixels.

    Returns
    -------
    uint8 array of shape (size, size)
        Grey; what lies beyond the photograph repeats its edge.
    """
    side = size * _FINER
    patch = patch_corners(corners)
    # Of an eye larger than that in the photograph, warping alone would drop lines.
    reduced = max(1.0, float(np.linalg.norm(patch[1] - patch[0])) / side)
    source: Any = grey
    if reduced > 1:
        low = np.floor(np.clip(patch.min(axis=0) - 2 * reduced, 0, None)).astype(int)
        high = np.ceil(patch.max(axis=0) + 2 * reduced).astype(int)
        part = grey[low[1] : max(high[1], low[1] + 1), low[0] : max(high[0], low[0] + 1)]
        if part.size:
            width, height = (max(1, round(length / reduced)) for length in part.shape[::-1])
            source = cv2.resize(part, (width, height), interpolation=cv2.INTER_AREA)
            scale = np.array([width / part.shape[1], height / part.shape[0]])
            patch = (patch - low + 0.5) * scale - 0.5
    target = np.array([[0, 0], [side, 0], [side, side]], np.float32) - 0.5
    turn = cv2.getAffineTransform(patch[:3].astype(np.float32), target)
    drawn = cv2.warpAffine(source, turn, (side, side), flags=cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE)
    return cv2.resize(drawn, (size, size), interpolation=cv2.INTER_AREA)  # type: ignore[return-value]
