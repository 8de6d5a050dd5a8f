"""Patches of eyes, cut out of photographs: level, and aligned as in the training data of the shipped models."""

from __future__ import annotations

from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

__all__ = ["EYE_HEIGHT", "EYE_SHARE", "cut_eye", "patch_corners", "visible_share"]

# Distance of the eye's corners and height of their midpoint, in sides of the patch. Both lie between the medians of
# eyes24 (0.75 and 0.50) and mrl (0.69 and 0.57), measured with the landmarks of `descriptors.ear`.
EYE_SHARE, EYE_HEIGHT = 0.70, 0.53
# Patches are warped at a multiple of their size and reduced by area, which avoids aliasing.
_OVERSAMPLING = 4


def patch_corners(corners: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return the corners of an eye's patch: top left, top right, bottom right, bottom left; rotated like the eye."""
    along = (corners[1] - corners[0]) / EYE_SHARE
    down = np.array([-along[1], along[0]])
    top_left = (corners[0] + corners[1]) / 2 - along / 2 - EYE_HEIGHT * down
    return np.array([top_left, top_left + along, top_left + along + down, top_left + down])


def visible_share(corners: NDArray[np.float64], shape: tuple[int, ...]) -> float:
    """Return the share of an eye's patch inside a photograph of this shape, from 10 x 10 sample points."""
    patch = patch_corners(corners)
    steps = (np.arange(10) + 0.5) / 10
    across, down = np.meshgrid(steps, steps)
    points = patch[0] + across[..., None] * (patch[1] - patch[0]) + down[..., None] * (patch[3] - patch[0])
    inside = (points >= 0).all(axis=-1) & (points[..., 0] < shape[1]) & (points[..., 1] < shape[0])
    return float(inside.mean())


def cut_eye(grey: NDArray[np.uint8], corners: NDArray[np.float64], *, size: int = 24) -> NDArray[np.uint8]:
    """Cut an eye out of a photograph, rotated so that its corners are level.

    The corners of the eye are 0.70 sides of the patch apart, and their midpoint is 0.53 sides below its top.

    Parameters
    ----------
    grey : uint8 array of shape (h, w)
        The photograph.
    corners : float array of shape (2, 2)
        Left and right corner of the eye, ``x, y`` in pixels.
    size : int, default 24
        Side of the patch in pixels.

    Returns
    -------
    uint8 array of shape (size, size)
        The patch. Beyond the photograph it repeats the photograph's edge.

    Examples
    --------
    >>> cut_eye(np.full((100, 100), 77, np.uint8), np.array([[40.0, 50.0], [60.0, 52.0]])).shape
    (24, 24)
    """
    side = size * _OVERSAMPLING
    patch = patch_corners(corners)
    # Warping alone would skip pixels of eyes larger than the oversampled patch, so these are reduced first.
    reduction = max(1.0, float(np.linalg.norm(patch[1] - patch[0])) / side)
    source: Any = grey
    if reduction > 1:
        low = np.floor(np.clip(patch.min(axis=0) - 2 * reduction, 0, None)).astype(int)
        high = np.ceil(patch.max(axis=0) + 2 * reduction).astype(int)
        part = grey[low[1] : max(high[1], low[1] + 1), low[0] : max(high[0], low[0] + 1)]
        if part.size:
            width, height = (max(1, round(length / reduction)) for length in part.shape[::-1])
            source = cv2.resize(part, (width, height), interpolation=cv2.INTER_AREA)
            scale = np.array([width / part.shape[1], height / part.shape[0]])
            patch = (patch - low + 0.5) * scale - 0.5
    target = np.array([[0, 0], [side, 0], [side, side]], np.float32) - 0.5
    transform = cv2.getAffineTransform(patch[:3].astype(np.float32), target)
    warped = cv2.warpAffine(source, transform, (side, side), flags=cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE)
    return cv2.resize(warped, (size, size), interpolation=cv2.INTER_AREA)  # type: ignore[return-value]
